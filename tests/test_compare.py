"""Structures side by side, and one image at several pixel sizes."""

import csv
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from porescape.core.image import Micrograph, PhaseImage
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.core.volume import Volume
from porescape.errors import InputError, OutputError, SettingsError
from porescape.io.images.image import image_from_array
from porescape.io.runs.comparison import (
    comparison_table,
    read_sample,
    resolution_table,
    write_comparison,
    write_resolution,
)
from porescape.io.volumes.volume import write_tiff
from porescape.jobs.compare import Comparison, Sample, compare
from porescape.jobs.resolution import ResolutionStudy, at_pixel_size, resolution_study
from porescape.measure.meters import NUMBERS
from porescape.report.compare_page import render_comparison, render_resolution
from porescape.section.resample import at_voxel_size, resample_volume

Bools = NDArray[np.bool_]
VOXEL = 1e-7
CHECKS = ("isotropy", "stationarity", "size", "sharpness")
CHEAP = Measure(numbers=("porosity", "chord_pore"))
NETWORK = Measure(numbers=("porosity", "network"))


def blobs(shape: tuple[int, int, int] = (20, 24, 28), porosity: float = 0.6, seed: int = 0) -> Bools:
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2.0, mode="wrap")
    pore: Bools = field < np.quantile(field, porosity)
    return pore


def sample(name: str, *pores: Bools, voxel_size: float = VOXEL) -> Sample:
    return Sample(name, tuple(Volume(pore, voxel_size) for pore in pores))


@pytest.fixture(scope="module")
def found() -> Comparison:
    """A volume that is cut into four, against two replicas, one of which nothing passes, in everything."""
    blocked = blobs((20, 24, 28), seed=3)
    blocked[10] = False
    whole = sample("scan", blobs((20, 50, 56), seed=1))
    return compare([whole, sample("made", blobs(seed=2), blocked)])


@pytest.fixture(scope="module")
def page(found: Comparison) -> str:
    return render_comparison(found)


# -- equal before compared ----------------------------------------------------------------------------


def test_a_structure_beside_itself_differs_in_nothing() -> None:
    pore = blobs()
    same = compare([sample("a", pore), sample("b", pore)], Measure(numbers=("basic", "network")))
    assert same.notes == ()
    for name in same.sides[0].properties:
        assert same.difference(name, 1) == 0, name
    for name in ("body_diameter", "throat_diameter", "coordination"):
        assert same.wasserstein(name, 1) == 0


def test_a_structure_beside_itself_at_twice_the_scale_is_twice_as_large() -> None:
    pore = blobs()
    one, two = (compare([sample("a", pore, voxel_size=v)] * 2, NETWORK).sides[0] for v in (VOXEL, 2 * VOXEL))
    doubled = Comparison((one, two), VOXEL, (20, 24, 28), ())
    assert doubled.difference("body_diameter", 1) == pytest.approx(100)
    assert doubled.difference("pore_density", 1) == pytest.approx(-87.5)
    assert doubled.difference("coordination_number", 1) == 0
    # every value moves by itself, so the distance is their mean
    assert doubled.wasserstein("throat_diameter", 1) == pytest.approx(one.properties["throat_diameter"].mean)
    assert doubled.wasserstein("coordination", 1) == 0


def test_differences_have_their_sign_even_from_a_negative_number() -> None:
    tunnels, islands = blobs(porosity=0.6), blobs(porosity=0.12, seed=5)
    there = compare(
        [sample("a", tunnels), sample("b", islands)], Measure(numbers=("porosity", "euler_density"))
    )
    a, b = (side.properties["euler_density"].mean for side in there.sides)
    assert a < b
    assert there.difference("euler_density", 1) == pytest.approx(100 * (b - a) / abs(a))
    assert there.difference("euler_density", 1) > 0 > there.difference("porosity", 1)
    assert math.isnan(there.difference("permeability_z", 1))  # not measured
    assert math.isnan(there.wasserstein("body_diameter", 1))


def test_other_voxels_are_refused_with_the_way_out() -> None:
    fine, coarse = sample("fine", blobs()), sample("coarse", blobs(), voxel_size=2 * VOXEL)
    with pytest.raises(
        InputError, match=r'fine has voxels of 100 nm and coarse of 200 nm.*--resample "200 nm"'
    ):
        compare([fine, coarse], CHEAP)
    brought = compare([fine, coarse], CHEAP, resample=2 * VOXEL)
    assert brought.voxel_size == 2 * VOXEL
    assert brought.shape == (10, 12, 14)
    assert brought.notes == (
        "resampled fine from 100 nm to 200 nm per voxel",
        "cut coarse into 8 sub-volumes of 10 x 12 x 14 voxels",
    )
    near = sample("near", blobs(), voxel_size=VOXEL * 1.005)  # one size, read from two files
    assert compare([fine, near], CHEAP).notes == ()


def test_larger_volumes_are_cut_into_whole_equal_boxes(found: Comparison) -> None:
    assert found.shape == (20, 24, 28)
    assert found.notes == ("cut scan into 4 sub-volumes of 20 x 24 x 28 voxels",)
    assert [len(side.measurements) for side in found.sides] == [4, 2]
    whole = blobs((20, 50, 56), seed=1)
    blocks = [whole[:, y : y + 24, x : x + 28].mean() for y in (0, 24) for x in (0, 28)]
    assert [m.values["porosity"] for m in found.sides[0].measurements] == pytest.approx(blocks)
    assert found.sides[0].properties["porosity"].mean == pytest.approx(np.mean(blocks))


def test_the_box_can_be_given_and_must_fit() -> None:
    sides = [sample("a", blobs()), sample("b", blobs((20, 24, 30), seed=1))]
    small = compare(sides, CHEAP, size=(10, 24, 15))
    assert [len(side.measurements) for side in small.sides] == [2, 4]
    cropped = compare(sides, CHEAP, size=(12, 20, 20))
    assert cropped.notes == ("cropped a to 12 x 20 x 20 voxels", "cropped b to 12 x 20 x 20 voxels")
    with pytest.raises(SettingsError, match=r"a has 20 x 24 x 28 voxels, less than the box of 32 x 24 x 28"):
        compare(sides, CHEAP, size=(32, 24, 28))


def test_two_structures_of_one_name_are_told_apart() -> None:
    twice = compare([sample("porescape-run", blobs()), sample("porescape-run", blobs(seed=1))], CHEAP)
    assert [side.name for side in twice.sides] == ["porescape-run (1)", "porescape-run (2)"]
    assert list(comparison_table(twice)["difference_percent"]) == ["porescape-run (2)"]


def test_one_structure_or_an_unknown_number_is_no_comparison() -> None:
    with pytest.raises(InputError, match="at least two structures, got 1"):
        compare([sample("a", blobs())], CHEAP)
    with pytest.raises(SettingsError, match="nothing measures magic"):
        compare([sample("a", blobs())] * 2, Measure(numbers=("magic",)))


# -- resampling ---------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(st.floats(0.35, 2.2), st.integers(0, 3), st.floats(0.2, 0.8))
def test_resampling_keeps_porosity_scale_and_place(factor: float, seed: int, porosity: float) -> None:
    volume = Volume(blobs((30, 33, 36), porosity, seed), VOXEL)
    other = resample_volume(volume, VOXEL / factor)
    assert other.porosity == pytest.approx(volume.porosity, abs=0.02)
    for n, m in zip(volume.shape, other.shape, strict=True):
        assert n * factor - 1 < m * (1 + 1e-6) <= n * factor * (1 + 0.01) + 1e-6
    # a voxel of one lies where it lay in the other
    centres = [
        ((np.arange(m) + 0.5) / (factor if other is not volume else 1)).astype(int) for m in other.shape
    ]
    there = volume.pore[np.ix_(*(np.minimum(c, n - 1) for c, n in zip(centres, volume.shape, strict=True)))]
    assert (there == other.pore).mean() > 0.8


def test_resampling_halves_a_slab_to_the_voxel() -> None:
    pore = np.zeros((16, 6, 6), dtype=bool)
    pore[4:10] = True
    half = resample_volume(Volume(pore, VOXEL), 2 * VOXEL)
    assert half.voxel_size == 2 * VOXEL
    assert np.flatnonzero(half.pore[:, 1, 1]).tolist() == [2, 3, 4]
    double = resample_volume(Volume(pore, VOXEL), VOXEL / 2)
    assert np.flatnonzero(double.pore[:, 1, 1]).tolist() == list(range(8, 20))


@pytest.mark.parametrize("value", [True, False])
def test_one_phase_stays_one_phase(value: bool) -> None:
    other = resample_volume(Volume(np.full((8, 9, 10), value), VOXEL), 1.7 * VOXEL)
    assert other.porosity == value


def test_what_vanishes_is_said() -> None:
    with pytest.raises(InputError, match="20 x 24 x 28 voxels of 100 nm vanish at 3 µm per voxel"):
        resample_volume(Volume(blobs(), VOXEL), 3e-6)


@pytest.mark.parametrize("value", [True, False])
def test_a_section_of_one_phase_stays_that_at_another_pixel_size(value: bool) -> None:
    other = at_voxel_size(PhaseImage(np.full((100, 120), value), VOXEL), 1.7 * VOXEL)
    assert other.porosity == value


# -- what is written ----------------------------------------------------------------------------------


def test_page_csv_and_json_say_the_same(found: Comparison, tmp_path: Path) -> None:
    write_comparison(tmp_path / "c", found)
    assert {p.name for p in (tmp_path / "c").iterdir()} == {"compare.html", "compare.csv", "compare.json"}
    table = json.loads((tmp_path / "c" / "compare.json").read_text(encoding="utf-8"))
    assert table["reference"] == "scan"
    assert [side["volumes"] for side in table["sides"]] == [4, 2]
    with (tmp_path / "c" / "compare.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["number"]: row for row in csv.DictReader(file)}
    assert list(rows) == list(NUMBERS)
    for name, row in rows.items():
        entry = table["sides"][0]["properties"][name]
        assert row["unit"] == entry["unit"] == NUMBERS[name].unit
        assert float(row["scan mean"]) == entry["mean"]
        off = table["difference_percent"]["made"][name]
        assert (float(row["made difference %"]) if row["made difference %"] else None) == off, name
    for name, one in table["wasserstein"]["made"].items():
        assert one["value"] == found.wasserstein(name, 1) > 0
    with pytest.raises(OutputError, match="not empty"):
        write_comparison(tmp_path / "c", found)
    write_comparison(tmp_path / "c", found, overwrite=True)


def test_what_one_volume_lacks_is_null_with_a_reason_and_left_out_of_the_mean(
    found: Comparison, page: str
) -> None:
    side = comparison_table(found)["sides"][1]
    assert math.isnan(side["values"][1]["permeability_z"])
    assert "nothing flows along z" in side["reasons"][1]["permeability_z"]
    assert side["properties"]["permeability_z"]["n"] == 1
    assert side["properties"]["permeability_z"]["mean"] == side["values"][0]["permeability_z"]
    words = "volume 2 of made without permeability z"
    assert words in page
    assert page.count("nothing flows along z") == 1  # once, however many numbers it takes


def test_the_page_shows_every_number_and_only_pictures_of_what_was_measured(page: str) -> None:
    for number in NUMBERS.values():
        assert number.definition.replace("'", "&#39;") in page
    assert page.count("<img") == 3
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower().replace("nanom", "")
    bare = compare([sample("<b>", blobs()), sample("b", blobs(seed=1))], CHEAP)
    page = render_comparison(bare)
    assert "&lt;b&gt;" in page
    assert "<b><b>" not in page
    assert page.count("<img") == 1  # of the chords
    assert "Wasserstein" not in page
    nothing = compare([sample("a", blobs()), sample("b", blobs(seed=1))], Measure(numbers=("porosity",)))
    assert "<img" not in render_comparison(nothing)


def test_five_sides_are_five_lines(found: Comparison) -> None:
    from porescape.report.measure_figures import Side, size_distributions

    made = found.sides[1].measurements
    figure = size_distributions([Side(name, made) for name in "abcdefgh"])
    assert [len(panel.lines) for panel in figure.axes] == [8, 8, 8]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list("abcdefgh")


def test_a_side_is_a_file_or_all_replicas_of_a_run(tmp_path: Path) -> None:
    volume = Volume(blobs(), VOXEL)
    write_tiff(tmp_path / "scan.tif", volume)
    assert read_sample(tmp_path / "scan.tif").volumes[0].shape == volume.shape
    folder = tmp_path / "my-run"
    folder.mkdir()
    (folder / "run.toml").write_text("")
    with pytest.raises(InputError, match=r"no replica-01\.tif; wanted a complete run folder"):
        read_sample(folder)
    for name in ("replica-01.tif", "replica-02.tif", "segmentation.tif"):
        write_tiff(folder / name, volume)
    read = read_sample(folder)
    assert read.name == "my-run"
    assert len(read.volumes) == 2
    np.save(tmp_path / "bare.npy", blobs())
    with pytest.raises(InputError, match="--voxel-size"):
        read_sample(tmp_path / "bare.npy")
    assert read_sample(tmp_path / "bare.npy", 2e-7).volumes[0].voxel_size == 2e-7


# -- one image at several pixel sizes -----------------------------------------------------------------


def picture(n: int = 200) -> Micrograph:
    """Bright solid, dark pores, a fine checkerboard of grey that only coarser pixels average away."""
    field = gaussian_filter(np.random.default_rng(0).standard_normal((n, n)), 3.5, mode="wrap")
    grey = 0.5 + 0.25 * np.tanh(field / field.std() * 2) + 0.1 * ((np.indices((n, n)).sum(axis=0) % 2) - 0.5)
    return image_from_array(grey, VOXEL)


@pytest.fixture(scope="module")
def study() -> ResolutionStudy:
    told = Settings(
        fit=Fit(trials=3, size=32),
        output=Output(size=(32, 36, 40), replicas=2, refine=20),
        measure=Measure(numbers=("basic", "network")),
    )
    return resolution_study(
        picture(), [2e-7, 1e-7], replace(told, checks=replace(told.checks, accept=CHECKS)), seed=1
    )


def test_the_box_keeps_its_size_and_the_pixels_come_in_order(study: ResolutionStudy) -> None:
    assert study.pixel_sizes == (1e-7, 2e-7)
    assert [result.settings.output.size for result in study.results] == [(32, 36, 40), (16, 18, 20)]
    for size, result in zip(study.pixel_sizes, study.results, strict=True):
        assert len(result.replicas) == 2
        for replica in result.replicas:
            assert replica.volume.voxel_size == size
            edges = np.array(replica.volume.shape) * size
            assert edges == pytest.approx([32e-7, 36e-7, 40e-7])
        assert result.image.pixel_size == size


def test_grey_is_averaged_before_it_is_segmented(study: ResolutionStudy) -> None:
    fine = picture()
    coarse = at_pixel_size(fine, 2e-7)
    assert coarse.grey.shape == (100, 100)
    squares = fine.grey.reshape(100, 2, 100, 2).mean(axis=(1, 3))
    assert np.abs(coarse.grey - squares).max() < 0.1
    assert not np.isin(np.unique(coarse.grey), (0, 1)).all()
    assert "resampled from 100 nm" in coarse.pixel_size_source
    assert at_pixel_size(fine, 1e-7) is fine
    assert study.results[1].phase.pore.shape == (100, 100)


def test_finer_pixels_and_too_coarse_ones_are_refused_before_any_work() -> None:
    with pytest.raises(InputError, match="50 nm would invent detail: choose larger pixels"):
        resolution_study(picture(), [5e-8, 1e-7])
    with pytest.raises(InputError, match="only 50 x 50 pixels, wanted at least 64"):
        resolution_study(picture(), [1e-7, 4e-7])
    with pytest.raises(InputError, match="at least one pixel size"):
        resolution_study(picture(), [])
    small = Settings(output=Output(size=(32, 32, 24), replicas=1, refine=20))
    with pytest.raises(SettingsError, match=r"the box is 16 x 16 x 12 voxels, wanted at least 16.*--size 32"):
        resolution_study(picture(), [1e-7, 2e-7], small)


def test_the_study_is_written_three_ways(study: ResolutionStudy, tmp_path: Path) -> None:
    write_resolution(tmp_path / "r", study)
    table = json.loads((tmp_path / "r" / "resolution.json").read_text(encoding="utf-8"))
    assert [one["shape"] for one in table["pixel_sizes"]] == [[32, 36, 40], [16, 18, 20]]
    for one in table["pixel_sizes"]:
        for values, reasons in zip(one["replicas"], one["reasons"], strict=True):
            assert {name for name, value in values.items() if value is None} == set(reasons)
    with (tmp_path / "r" / "resolution.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(float(row["pixel size [m]"]), row["replica"]) for row in rows] == [
        (size, replica) for size in (1e-7, 2e-7) for replica in "12"
    ]
    first = table["pixel_sizes"][0]["replicas"][0]
    assert float(rows[0]["throat_diameter"]) == first["throat_diameter"]
    page = (tmp_path / "r" / "resolution.html").read_text(encoding="utf-8")
    assert page.count("<img") == 2
    assert "100 nm" in page
    assert "200 nm" in page
    assert "± –" not in page


def test_a_study_of_other_numbers_still_has_its_page(study: ResolutionStudy) -> None:
    def only(*names: str) -> ResolutionStudy:
        results = tuple(
            replace(
                result,
                properties={name: result.properties[name] for name in names},
                replicas=tuple(
                    replace(
                        one,
                        measurement=replace(
                            one.measurement,
                            values={name: one.measurement.values[name] for name in names},
                            details=type(one.measurement.details)(),
                        ),
                    )
                    for one in result.replicas
                ),
            )
            for result in study.results
        )
        return ResolutionStudy(study.pixel_sizes, results)

    for names in (
        ("euler_density",),
        ("porosity", "chord_pore", "chord_solid", "thickness_pore", "euler_density"),
    ):
        page = render_resolution(only(*names))
        assert page.count("<img") == 1
        assert resolution_table(only(*names))["pixel_sizes"][0]["properties"].keys() == set(names)
