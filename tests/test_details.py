"""What stands behind a measurement survives its files."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from porescape.core.curve import Curve
from porescape.core.measurement import Details, Measurement
from porescape.core.network import Network
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.runs.details import read_details, write_curves, write_details
from porescape.io.runs.run_folder import write_measured
from porescape.measure.volume import measure_volume


@pytest.fixture(scope="module")
def measured() -> Measurement:
    field = gaussian_filter(np.random.default_rng(0).standard_normal((20, 24, 28)), 2.0, mode="wrap")
    names = ("network", "filtration", "permeability_z", "chord_pore")
    return measure_volume(Volume(field < np.quantile(field, 0.6), 1e-7), names)


def assert_equal(one: Details, other: Details) -> None:
    assert (one.network is None) == (other.network is None)
    for field in dataclasses.fields(Network) if one.network else ():
        here, there = getattr(one.network, field.name), getattr(other.network, field.name)
        assert type(here) is type(there), field.name
        np.testing.assert_array_equal(here, there, err_msg=field.name)
        assert np.asarray(here).dtype == np.asarray(there).dtype, field.name
    assert one.curves.keys() == other.curves.keys()
    for name, curve in one.curves.items():
        again = other.curves[name]
        np.testing.assert_array_equal(curve.x, again.x)
        np.testing.assert_array_equal(curve.y, again.y)
        assert (curve.x_unit, curve.y_unit) == (again.x_unit, again.y_unit)
    assert one.fields.keys() == other.fields.keys()
    for name, values in one.fields.items():
        np.testing.assert_array_equal(values, other.fields[name])


def test_network_curves_and_fields_come_back_to_the_bit(measured: Measurement, tmp_path: Path) -> None:
    assert measured.details.network is not None
    assert {"retention_z", "intrusion", "porometry_wet_z", "chord_pore"} <= set(measured.details.curves)
    assert set(measured.details.fields) == {"flow_z"}
    write_details(tmp_path / "d.npz", measured.details)
    assert_equal(read_details(tmp_path / "d.npz"), measured.details)


def test_nothing_measured_is_nothing_read(tmp_path: Path) -> None:
    write_details(tmp_path / "d.npz", Details())
    assert_equal(read_details(tmp_path / "d.npz"), Details())


@pytest.mark.parametrize("damage", ["missing", "cut", "text", "array", "older"])
def test_a_damaged_file_is_refused_in_words(measured: Measurement, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "d.npz"
    write_details(path, measured.details)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage == "text":
        path.write_text("not a zip")
    elif damage == "array":
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    else:  # a field of the network that we do not know
        with path.open("wb") as file:
            np.savez(file, **{"network.colour": np.zeros(3)})
    with pytest.raises(InputError, match=r"d\.npz could not be read: .*; wanted a complete run folder"):
        read_details(path)


def test_curves_are_rows_with_their_units(tmp_path: Path) -> None:
    curves = {
        "retention_z": Curve(np.array([2e-7 / 3, 1e-7]), np.array([0.0, 1.0]), "m", "1"),
        "intrusion": Curve(np.array([1e5]), np.array([0.5]), "Pa", "1"),
    }
    write_curves(tmp_path / "c.csv", curves)
    with (tmp_path / "c.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["curve"] for row in rows] == ["retention_z", "retention_z", "intrusion"]
    assert [float(row["x"]) for row in rows] == [2e-7 / 3, 1e-7, 1e5]  # every digit
    assert {(row["curve"], row["x_unit"], row["y_unit"]) for row in rows} == {
        ("retention_z", "m", "1"),
        ("intrusion", "Pa", "1"),
    }


def test_a_measured_volume_leaves_raw_rows_and_a_picture(measured: Measurement, tmp_path: Path) -> None:
    write_measured(tmp_path, "volume", measured)
    assert {path.name for path in tmp_path.iterdir()} == {
        "volume-details.npz",
        "volume-curves.csv",
        "volume-pores.csv",
        "volume-throats.csv",
        "volume-network.vtp",
    }
    network = measured.details.network
    assert network is not None
    for name, count in (("pores", len(network.body_diameter)), ("throats", len(network.throat_diameter))):
        text = (tmp_path / f"volume-{name}.csv").read_text(encoding="utf-8")
        assert sum(line != "" and not line.startswith("#") for line in text.splitlines()) == count + 1
    few = Measurement({"porosity": 0.5}, {})
    (tmp_path / "few").mkdir()
    write_measured(tmp_path / "few", "volume", few)
    assert {path.suffix for path in (tmp_path / "few").iterdir()} == {".npz", ".csv"}
