"""The whole measurement of one volume: what every number answers, wherever it is asked."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from porescape.core.measurement import Measurement
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.filtration.fluids import gas_viscosity
from porescape.measure.meters import GROUPS, NUMBERS, pick
from porescape.measure.volume import METERS, measure_volume, steps

Bools = NDArray[np.bool_]
VOXEL = 1e-7
# what is exact in a straight tube, and so is known without a second program
TUBE = {
    "porosity": 25 / 81,
    "connected_porosity_z": 25 / 81,
    "connected_porosity_y": 0.0,
    "diffusivity_ratio_z": 25 / 81,
    "tortuosity_z": 1.0,
    "geodesic_ratio_z": 1.0,
}


def blobs(shape: tuple[int, int, int] = (20, 24, 28), porosity: float = 0.6, seed: int = 0) -> Bools:
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2.0, mode="wrap")
    pore: Bools = field < np.quantile(field, porosity)
    return pore


def blocked() -> Bools:
    pore = blobs()
    pore[10] = False
    return pore


def one_voxel(value: bool) -> Bools:
    pore = np.full((8, 9, 10), not value)
    pore[4, 4, 5] = value
    return pore


@pytest.fixture(scope="module")
def everything() -> Measurement:
    return measure_volume(Volume(blobs(), VOXEL))


# -- one answer for each ------------------------------------------------------------------------------


def test_every_number_of_an_open_box_is_finite_and_in_the_tables_order(everything: Measurement) -> None:
    assert list(everything.values) == list(NUMBERS)
    assert all(math.isfinite(value) for value in everything.values.values()), everything.values
    assert everything.reasons == {}
    for name, value in everything.values.items():
        assert value > 0 or name == "euler_density", (name, value)


def test_numbers_lie_where_their_definitions_put_them(everything: Measurement) -> None:
    value = everything.values
    for axis in "zyx":
        assert value[f"connected_porosity_{axis}"] <= value["porosity"]
        assert value[f"diffusivity_ratio_{axis}"] < value["porosity"]
        assert value[f"tortuosity_{axis}"] == pytest.approx(
            value["porosity"] / value[f"diffusivity_ratio_{axis}"]
        )
        assert 1 <= value[f"geodesic_ratio_{axis}"] < value[f"tortuosity_{axis}"]
        assert 0.05 < value[f"permeability_{axis}"] / value["kozeny_carman"] < 5
    for name in ("body_diameter", "body_diameter_extended", "throat_diameter"):
        assert value[f"{name}_p10"] < value[f"{name}_p50"] < value[f"{name}_p90"]
    assert value["body_diameter"] <= value["body_diameter_extended"]
    filtered = ("smallest_pore_diameter_z", "porometry_d10_z", "mean_flow_pore_diameter_z", "porometry_d90_z")
    widths = [value[name] for name in (*filtered, "bubble_point_diameter_z")]
    assert widths == sorted(widths)
    assert value["bubble_point_pressure_z"] <= value["mean_flow_pressure_z"]
    assert value["bubble_point_pressure_z"] == pytest.approx(4 * 0.0159 / value["bubble_point_diameter_z"])
    assert value["permeance_z"] == pytest.approx(value["clean_water_flux_z"] / 1e5)
    assert value["retention_d90_z"] <= value["retention_d95_z"] <= value["retention_d99_z"]


@pytest.mark.parametrize(
    ("pore", "words"),
    [
        pytest.param(blocked, "along z", id="does not percolate"),
        pytest.param(lambda: np.ones((8, 9, 10), dtype=bool), "pore", id="all pore"),
        pytest.param(lambda: np.zeros((8, 9, 10), dtype=bool), "solid", id="all solid"),
        pytest.param(lambda: one_voxel(True), "wide enough", id="one voxel of pore"),
        pytest.param(lambda: one_voxel(False), "", id="one voxel of solid"),
        pytest.param(lambda: np.ones((1, 1, 1), dtype=bool), "pore", id="one voxel in all"),
        pytest.param(lambda: blobs((1, 20, 20)), "2 voxels", id="flat"),
        pytest.param(lambda: blobs((3, 20, 20)), "", id="thin"),
    ],
)
def test_where_there_is_no_value_there_is_a_reason(pore: Callable[[], Bools], words: str) -> None:
    found = measure_volume(Volume(pore(), VOXEL))
    assert list(found.values) == list(NUMBERS)
    missing = {name for name, value in found.values.items() if math.isnan(value)}
    assert missing == set(found.reasons)
    assert any(words in reason for reason in found.reasons.values()), found.reasons
    assert not any(math.isinf(value) for value in found.values.values())


def test_what_nothing_passes_is_not_said_to_pass_with_zero() -> None:
    found = measure_volume(Volume(blocked(), VOXEL))
    assert found.values["connected_porosity_z"] == 0  # this is its value
    along_z = {
        "tortuosity_z", "diffusivity_ratio_z", "geodesic_ratio_z", "permeability_z", "clean_water_flux_z",
        "bubble_point_diameter_z", "mean_flow_pore_diameter_z", "retention_d90_z", "retention_d99_z",
    }  # fmt: skip
    assert along_z <= set(found.reasons)
    assert all(
        math.isfinite(found.values[name]) for name in ("permeability_y", "tortuosity_x", "pore_density")
    )
    sane = measure_volume(Volume(np.ones((6, 7, 8), dtype=bool), VOXEL))
    assert sane.values["diffusivity_ratio_z"] == sane.values["porosity"] == 1
    assert sane.values["specific_surface"] == 0
    assert "permeability_z" in sane.reasons  # no wall, no resistance: not a number


def test_a_straight_tube_has_the_numbers_of_a_straight_tube() -> None:
    pore = np.zeros((12, 9, 9), dtype=bool)
    pore[:, 2:7, 2:7] = True
    found = measure_volume(Volume(pore, VOXEL), [*TUBE, "permeability_z", "bubble_point_diameter_z"])
    for name, value in TUBE.items():
        assert found.values[name] == pytest.approx(value, rel=1e-3), name
    assert found.values["bubble_point_diameter_z"] == pytest.approx(5 * VOXEL, rel=0.2)
    square = 0.0351 * (5 * VOXEL) ** 2 * 25 / 81  # Boussinesq's series for a square duct
    assert found.values["permeability_z"] == pytest.approx(square, rel=0.1)


def test_turning_the_box_turns_the_numbers(everything: Measurement) -> None:
    pore = blobs()
    names = [f"{base}_{a}" for base in ("permeability", "tortuosity", "geodesic_ratio") for a in "zyx"]
    turned = measure_volume(Volume(np.ascontiguousarray(pore.transpose(2, 0, 1)), VOXEL), names).values
    for name in names:
        was = {"z": "x", "y": "z", "x": "y"}[name[-1]]
        assert turned[name] == pytest.approx(everything.values[f"{name[:-1]}{was}"], rel=2e-3), name


@pytest.mark.parametrize("factor", [1e-3, 40.0])
def test_numbers_grow_with_the_voxel_as_their_units_say(everything: Measurement, factor: float) -> None:
    scaled = measure_volume(Volume(blobs(), VOXEL * factor)).values
    # fluxes are permeabilities over a thickness that grows, too
    powers = {"1": 0, "m": 1, "m²": 2, "1/m": -1, "1/m³": -3, "m/s": 1, "m/(s Pa)": 1, "Pa": -1}
    slip = 1 + 8 * everything.values["knudsen_number_z"]
    with_gas = {"knudsen_number_z": 1 / factor, "gas_permeance_z": factor * (1 + (slip - 1) / factor) / slip}
    for name, value in everything.values.items():
        grown = with_gas.get(name, factor ** powers[NUMBERS[name].unit])
        assert scaled[name] == pytest.approx(value * grown, rel=1e-5), name


# -- what is asked and nothing else -------------------------------------------------------------------


def test_only_what_is_asked_is_measured(everything: Measurement) -> None:
    found = measure_volume(Volume(blobs(), VOXEL), ["tortuosity_y", "porosity"])
    assert list(found.values) == ["porosity", "tortuosity_y"]
    assert list(found.seconds) == ["porosity", "diffusion along y"]
    assert found.details.network is None
    assert found.details.curves == found.details.fields == {}
    assert found.values["tortuosity_y"] == everything.values["tortuosity_y"]


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_is_its_own_numbers(group: str, everything: Measurement) -> None:
    found = measure_volume(Volume(blobs(), VOXEL), [group])
    assert list(found.values) == [name for name, number in NUMBERS.items() if number.group == group]
    for name, value in found.values.items():
        assert value == everything.values[name], name  # whatever else was made for others
    made = found.details
    assert (made.network is not None) == (group in ("network", "filtration"))
    assert set(made.fields) == {"tortuosity": {"concentration_z"}, "permeability": {"flow_z"}}.get(
        group, set()
    )


def test_unknown_names_are_refused_before_anything_is_done() -> None:
    with pytest.raises(SettingsError, match="nothing measures magic; known are all, basic, network"):
        measure_volume(Volume(blobs(), VOXEL), ["porosity", "magic"])
    with pytest.raises(SettingsError, match="no number was asked for"):
        measure_volume(Volume(blobs(), VOXEL), [])


def test_every_number_has_one_meter_and_progress_counts_them() -> None:
    named = [name for meter in METERS for name in meter.numbers]
    assert sorted(named) == sorted(NUMBERS)
    heard: list[tuple[str, int, int]] = []
    measure_volume(Volume(blobs(), VOXEL), ["basic"], progress=lambda *told: heard.append(told))
    assert [done for _, done, _ in heard] == list(range(1, len(heard) + 1))
    assert {of for _, _, of in heard} == {len(heard)} == {steps(["basic"])}
    assert steps(["all"]) == len(METERS)
    assert pick(["all"]) == tuple(NUMBERS)


def test_liquids_and_thickness_reach_their_numbers(everything: Measurement) -> None:
    names = ("mean_flow_pore_diameter_z", "retention_d90_z", "clean_water_flux_z", "permeability_z")
    thick = Measure(numbers=names, thickness=40 * VOXEL, pressure=2e5, surface_tension=0.03)
    found = measure_volume(Volume(blobs(), VOXEL), thick)
    value, was = found.values, everything.values
    assert value["clean_water_flux_z"] == pytest.approx(was["clean_water_flux_z"])  # twice both
    assert value["clean_water_flux_z"] == pytest.approx(
        value["permeability_z"] * 2e5 / (1.002e-3 * 40 * VOXEL)
    )
    assert value["retention_d90_z"] < was["retention_d90_z"]  # the same pores, twice as often
    assert value["mean_flow_pore_diameter_z"] == was["mean_flow_pore_diameter_z"]  # a width, whatever wets
    warm = Measure(
        numbers=("permeance_z", "gas_permeance_z", "permeability_z"), temperature=333.15, gas="air"
    )
    heated = measure_volume(Volume(blobs(), VOXEL), warm).values
    assert heated["permeance_z"] == pytest.approx(was["permeance_z"] * 1.002 / 0.4654, rel=2e-3)
    dry = heated["permeability_z"] / (gas_viscosity("air", 333.15) * 20 * VOXEL)
    assert heated["gas_permeance_z"] > dry  # it slips
    wet, before = (m.details.curves["porometry_wet_z"] for m in (found, everything))
    assert wet.x == pytest.approx(before.x * 0.03 / 0.0159)


# -- what pictures are made of ------------------------------------------------------------------------


def test_the_details_are_those_of_the_numbers(everything: Measurement) -> None:
    made = everything.details
    assert made.network is not None
    assert made.network.region.size == 0  # a map of the volume's size is not carried about
    sizes, weights = made.network.counted("body_diameter")
    assert everything.values["body_diameter"] == pytest.approx(np.average(sizes, weights=weights))
    count = everything.values["pore_density"] * 20 * 24 * 28 * VOXEL**3
    assert count == pytest.approx(weights.sum())
    assert everything.values["whole_pores"] == sizes.size < len(made.network.body_diameter)
    retained = made.curves["retention_z"]
    assert np.interp(everything.values["retention_d90_z"], retained.x, retained.y) >= 0.9 - 1e-9
    pore = blobs()[:, :, 14]
    for name in ("concentration_z", "flow_z"):
        field = made.fields[name]
        assert field.shape == (20, 24)
        assert np.isnan(field[~pore]).all()
        assert np.nanmin(field) >= 0
    assert np.nanmax(made.fields["concentration_z"]) <= 1


def test_a_box_of_few_pores_says_what_it_is_too_small_for(everything: Measurement) -> None:
    assert any("too small for euler_density" in words for words in everything.warnings)
    assert any("too small for statistics of pores" in words for words in everything.warnings)
    assert all("NaN" not in words and "nan" not in words for words in everything.warnings)
    assert measure_volume(Volume(blobs(), VOXEL), ["porosity"]).warnings == ()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4), dtype=bool), "3-D"),
        (np.full((3, 3, 3), math.nan), "bool"),
        (np.zeros((0, 4, 4), dtype=bool), "at least one voxel"),
    ],
)
def test_what_is_no_structure_does_not_get_as_far(array: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Volume(array, VOXEL)
