"""What the checks must say, first where the answer can be worked out by hand."""

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.check import Check
from porescape.core.image import PhaseImage
from porescape.core.settings import Segmentation
from porescape.errors import InputError, SettingsError
from porescape.io.images.image import read_image
from porescape.report.check_figures import checks_figure
from porescape.section.checks import CHECKS, check_image, raise_on_failures
from porescape.section.segment import segment

PIXEL = 1e-8  # m
Mask = NDArray[np.bool_]


def check(pore: Mask, pixel: float = PIXEL) -> dict[str, Check]:
    return {one.name: one for one in check_image(PhaseImage(pore, pixel))}


def stripes(size: int = 256, width: int = 8) -> Mask:
    """Pore and solid by turns along y, nothing changes along x."""
    return np.repeat((np.arange(size) // width % 2 == 0)[:, None], size, axis=1)


def checkerboard(size: int = 256, width: int = 8) -> Mask:
    return stripes(size, width) ^ stripes(size, width).T


def mosaic(seed: int, size: int = 256, width: int = 8, porosity: float = 0.5) -> Mask:
    """Squares of one width that are pore or solid by chance; the integral range is one square."""
    drawn = np.random.default_rng(seed).random((size // width, size // width)) < porosity
    return np.kron(drawn, np.ones((width, width), dtype=bool))


def gaussian(
    seed: int, shape: tuple[int, int] = (200, 240), sigma: float | tuple = 4.0, turn: float = 0
) -> Mask:
    """The upper 45 % of a smooth field, isotropic if sigma is one number; `turn` in degrees."""
    noise = np.random.default_rng(seed).standard_normal([2 * n for n in shape])
    field = ndimage.rotate(ndimage.gaussian_filter(noise, sigma), turn, reshape=False, order=1)
    field = field[tuple(slice(n // 2, n // 2 + n) for n in shape)]
    return field > np.quantile(field, 0.55)


# -- isotropy -----------------------------------------------------------------------------------------


def test_stripes_are_as_long_as_the_image_one_way_and_one_width_the_other():
    isotropy = check(stripes())["isotropy"]
    # 31 changes in 255 steps; a triangular wave falls as 1 - r/4 until lag 8
    assert isotropy.values["chord_pore_y"] == pytest.approx(255 / 31 * PIXEL)
    assert isotropy.values["correlation_length_y"] == pytest.approx(4 * (1 - 1 / math.e) * PIXEL, rel=0.03)
    assert isotropy.values["angle"] == pytest.approx(0, abs=1)
    assert isotropy.status == "fail"
    assert "more than 10 times as long along x as across" in isotropy.sentence


def test_a_checkerboard_is_isotropic_along_its_axes():
    found = check(checkerboard())
    for kind in ("chord", "correlation"):
        assert found["isotropy"].values[f"ratio_{kind}"] == pytest.approx(1, abs=1e-3)
    assert found["isotropy"].values["chord_solid_x"] == pytest.approx(255 / 31 * PIXEL)
    assert found["isotropy"].status == found["stationarity"].status == "ok"


@pytest.mark.parametrize("axis", [0, 1])
def test_an_image_stretched_twice_is_found_twice_as_long(axis):
    isotropy = check(np.repeat(mosaic(1, 160), 2, axis=axis))["isotropy"]
    for kind in ("chord", "correlation"):
        assert isotropy.values[f"ratio_{kind}"] == pytest.approx(2, rel=0.12)
        assert isotropy.values[f"ratio_{kind}_low"] < 2 < isotropy.values[f"ratio_{kind}_high"]
    assert isotropy.status == "fail"
    assert f"as long along {'yx'[axis]} as across" in isotropy.sentence


@pytest.mark.parametrize("turn", [30, 45, 120])
def test_a_stretch_is_found_at_any_angle(turn):
    isotropy = check(gaussian(2, (300, 300), (3.0, 6.0), turn))["isotropy"]  # long along x, then turned
    assert isotropy.values["angle"] == pytest.approx(turn, abs=6)
    assert isotropy.values["ratio_chord"] == pytest.approx(2, rel=0.15)
    assert isotropy.status == "fail"


@pytest.mark.parametrize("shape", [(200, 240), (72, 64)])
def test_isotropic_images_do_not_alarm_however_small(shape):
    for seed in range(6):
        found = check(gaussian(seed, shape))
        assert found["isotropy"].status == "ok", found["isotropy"].sentence
        assert found["stationarity"].status == "ok", found["stationarity"].sentence


def test_a_large_difference_that_may_be_chance_is_said_and_does_not_alarm():
    found = [check(gaussian(seed, (64, 64), 5.0))["isotropy"] for seed in range(8)]
    large = [one for one in found if one.values["ratio_chord"] >= 1.2]
    assert large
    assert all("within chance" in one.sentence for one in large if one.status == "ok")
    assert any(one.status == "ok" for one in large)


# -- stationarity -------------------------------------------------------------------------------------


def graded(seed: int = 0, size: int = 256) -> Mask:
    """Noise whose porosity rises from 0.3 to 0.7 along y."""
    return np.random.default_rng(seed).random((size, size)) < np.linspace(0.3, 0.7, size)[:, None]


def test_a_graded_porosity_is_found_with_its_slope():
    stationarity = check(graded())["stationarity"]
    assert stationarity.values["trend_porosity_y"] == pytest.approx(0.4 / 0.5, rel=0.05)
    assert stationarity.values["trend_porosity_x"] < 0.05
    assert stationarity.status == "fail"
    assert "the porosity drifts along y, from 32" in stationarity.sentence
    assert " % of the scarcer phase, wanted 15 % at most" in stationarity.sentence


def test_pores_that_grow_with_depth_are_found_although_the_porosity_stays():
    rng = np.random.default_rng(3)
    widths = [(2, 32), (4, 32), (8, 32), (16, 32), (32, 64)]  # of the squares, and height of their band
    bands = [
        np.kron(rng.random((height // width, 256 // width)) < 0.5, np.ones((width, width), dtype=bool))
        for width, height in widths
    ]
    stationarity = check(np.concatenate(bands))["stationarity"]
    assert stationarity.status == "fail"
    assert "the pore-to-pore distance drifts along y" in stationarity.sentence


def test_layers_without_a_trend_are_found():
    rng = np.random.default_rng(4)
    share = np.where(np.arange(64) // 16 % 2 == 0, 0.3, 0.7)[
        [*range(32, 64), *range(31, -1, -1)]
    ]  # symmetric
    pore = np.kron(rng.random((64, 64)) < share[:, None], np.ones((4, 4), dtype=bool))
    stationarity = check(pore)["stationarity"]
    assert stationarity.values["trend_porosity_y"] < 0.1
    assert stationarity.values["layers_porosity_y"] > 0.5
    assert stationarity.values["scatter_y"] > 3 > stationarity.values["scatter_x"]
    assert stationarity.status == "fail"
    assert "the porosity varies in layers along y, from" in stationarity.sentence


# -- size ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "porosity"), [(1, 0.5), (8, 0.5), (4, 0.25)])
def test_the_error_of_the_porosity_is_that_of_independent_squares(width, porosity):
    values = [check(mosaic(seed, width=width, porosity=porosity))["size"].values for seed in range(6)]
    squares = (256 / width) ** 2
    truth = 1.96 * math.sqrt((1 - porosity) / porosity / squares)
    assert np.mean([v["porosity_error"] for v in values]) == pytest.approx(truth, rel=0.15)
    assert np.mean([v["independent_areas"] for v in values]) == pytest.approx(squares, rel=0.25)


def test_the_field_of_view_that_is_suggested_gives_the_wanted_error():
    small = PhaseImage(mosaic(5, 256, 8), PIXEL)
    size = check_image(small, wanted_error=0.02)[list(CHECKS).index("size")]
    assert size.values["wanted_width"] == pytest.approx(size.values["porosity_error"] / 0.02 * 256 * PIXEL)
    assert "times as wide a field of view (" in size.sentence
    assert "would give 2 % and 8 distances" in size.sentence
    larger = mosaic(6, round(size.values["wanted_width"] / PIXEL) // 8 * 8, 8)
    assert check(larger)["size"].values["porosity_error"] == pytest.approx(0.02, rel=0.2)


def test_an_image_of_single_features_is_too_small():
    pore = np.zeros((48, 48), dtype=bool)
    pore[:, 20:] = True
    size = check(pore)["size"]
    assert size.status == "fail"
    assert size.values["features_across"] < 1


@pytest.mark.parametrize("shape", [(15, 200), (200, 3)])
def test_an_image_too_small_to_be_checked_is_refused(shape):
    with pytest.raises(InputError, match="its checks need 16 along each side; take a larger one"):
        check(np.random.default_rng(0).random(shape) < 0.5)


@pytest.mark.parametrize(("pore", "found"), [(True, "pore"), (False, "solid")])
def test_one_phase_alone_is_refused(pore, found):
    with pytest.raises(InputError, match=f"need both phases, but every pixel is {found}"):
        check(np.full((32, 32), pore))


@pytest.mark.parametrize("wanted", [0.0, 1.0, -0.1])
def test_an_impossible_wanted_error_is_refused(wanted):
    with pytest.raises(SettingsError, match="must lie between 0 and 1"):
        check_image(PhaseImage(checkerboard(), PIXEL), wanted)


# -- sharpness ----------------------------------------------------------------------------------------


def test_fine_noise_is_not_sharp_and_the_pixel_size_it_needs_is_said():
    sharpness = check(mosaic(7, 256, 1))["sharpness"]
    assert sharpness.values["chord_pixels"] == pytest.approx(2, rel=0.02)  # width / (1 - porosity)
    assert sharpness.status == "fail"
    assert sharpness.values["needed_pixel_size"] == pytest.approx(2 / 5 * PIXEL, rel=0.02)
    assert "take an image with pixels of 4" in sharpness.sentence
    assert "smooth more when segmenting" in sharpness.sentence


@pytest.mark.parametrize(("wall", "share"), [(1, 1.0), (2, 1.0), (3, 0.0), (5, 0.0)])
def test_walls_of_one_or_two_pixels_are_thin_and_those_of_three_are_not(wall, share):
    pore = np.arange(10, 250) % 20 >= wall
    sharpness = check(np.repeat(pore[None], 240, axis=0))["sharpness"]
    assert sharpness.values["thin_share"] == share
    assert sharpness.status != "ok" or share == 0


def test_a_straight_wall_is_not_jagged_and_noise_is():
    assert check(stripes())["sharpness"].values["jagged_share"] == 0
    assert check(mosaic(8, 128, 1))["sharpness"].values["jagged_share"] > 0.3


def test_all_chords_of_stripes_have_one_length():
    curves = check(stripes())["sharpness"].curves
    for phase in ("pore", "solid"):  # lines along x are cut at both ends and do not count
        assert curves[f"share_{phase}"][7] == 1
        assert curves[f"share_{phase}"].sum() == 1
    assert curves["length"][7] == pytest.approx(8 * PIXEL)


# -- properties ---------------------------------------------------------------------------------------


@settings(max_examples=6)
@given(seed=st.integers(0, 1000), sigma=st.sampled_from([1.5, (2.0, 4.0), 5.0]))
def test_transposing_the_image_swaps_y_and_x(seed, sigma):
    pore = gaussian(seed, (90, 120), sigma)
    before, after = check(pore), check(pore.T)
    swap = str.maketrans("yx", "xy")
    for name in CHECKS:
        assert before[name].status == after[name].status
        for key, value in before[name].values.items():
            if key.endswith(("_y", "_x")):
                assert after[name].values[key[:-1] + key[-1].translate(swap)] == pytest.approx(
                    value, rel=1e-4, abs=1e-9
                )
    assert before["size"].values["wanted_height"] == pytest.approx(
        after["size"].values["wanted_width"], rel=1e-4
    )


@settings(max_examples=6)
@given(seed=st.integers(0, 1000), factor=st.sampled_from([1e-3, 7.0, 1e4]))
def test_the_pixel_size_scales_lengths_and_changes_no_status(seed, factor):
    pore = gaussian(seed, (90, 120))
    one, other = check(pore), check(pore, factor * PIXEL)
    for name in CHECKS:
        assert one[name].status == other[name].status
    for name, key in (
        ("isotropy", "correlation_length_y"),
        ("sharpness", "chord_pore"),
        ("size", "wanted_width"),
    ):
        assert other[name].values[key] == pytest.approx(factor * one[name].values[key])
    for name, key in (("isotropy", "ratio_chord"), ("size", "porosity_error"), ("sharpness", "chord_pixels")):
        assert other[name].values[key] == pytest.approx(one[name].values[key])


@settings(max_examples=6)
@given(seed=st.integers(0, 1000))
def test_swapping_the_phases_changes_no_direction_and_no_trend(seed):
    pore = gaussian(seed, (90, 120), (2.0, 3.0))
    one, other = check(pore), check(~pore)
    assert other["isotropy"].values["ratio_chord"] == pytest.approx(one["isotropy"].values["ratio_chord"])
    assert other["isotropy"].values["chord_solid_y"] == pytest.approx(one["isotropy"].values["chord_pore_y"])
    for key in ("trend_porosity_y", "layers_distance_x"):
        assert other["stationarity"].values[key] == pytest.approx(one["stationarity"].values[key], abs=1e-6)


@pytest.mark.parametrize("pore", [checkerboard(64), stripes(80), gaussian(1), mosaic(2, 16, 1)])
def test_every_value_is_a_finite_number_and_every_limit_belongs_to_one(pore):
    for one in check(pore).values():
        assert all(type(value) is float and math.isfinite(value) for value in one.values.values()), one.values
        assert set(one.limits) <= set(one.values)
        assert one.sentence
        assert all(np.isfinite(curve).all() for curve in one.curves.values())


def test_the_same_image_gives_the_same_words():
    pore = gaussian(9)
    assert [one.sentence for one in check(pore).values()] == [one.sentence for one in check(pore).values()]


# -- what follows -------------------------------------------------------------------------------------


def test_a_failure_stops_the_run_unless_it_is_accepted_by_name():
    checks = check_image(PhaseImage(stripes(), PIXEL))
    failed = [one.name for one in checks if one.status == "fail"]
    assert failed == ["isotropy"]
    with pytest.raises(InputError, match=r"isotropy: features are .* To continue anyway: --accept isotropy$"):
        raise_on_failures(checks)
    with pytest.raises(InputError, match=r"--accept isotropy$"):
        raise_on_failures(checks, ["size", "sharpness"])
    raise_on_failures(checks, {"isotropy"})
    raise_on_failures(check_image(PhaseImage(checkerboard(), PIXEL)))


def test_several_failures_are_named_together():
    with pytest.raises(InputError, match=r"--accept stationarity,sharpness$"):
        raise_on_failures(check_image(PhaseImage(graded(), PIXEL)))


def test_accepting_an_unknown_check_is_refused():
    with pytest.raises(
        SettingsError, match="no check called isotropie; known are isotropy, stationarity, size"
    ):
        raise_on_failures((), ["isotropie"])


@pytest.mark.parametrize("pore", [checkerboard(64), gaussian(1)])
def test_the_picture_can_be_drawn(pore):
    phase = PhaseImage(pore, PIXEL)
    figure = checks_figure(phase, check_image(phase))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split(":")[0] for title in titles[:5]] == [
        "Isotropy",
        *["Stationarity"] * 2,
        "Size",
        "Sharpness",
    ]
    file = io.BytesIO()
    figure.savefig(file, dpi=50)
    assert file.getbuffer().nbytes > 5000


@pytest.mark.parametrize(
    ("name", "pixel", "failed"),
    [
        ("nanoporous_gold_zeiss.tif", None, set()),
        ("polymer_membrane_hitachi_graded.bmp", 5e-8, {"isotropy", "stationarity"}),
        ("meltblown_cross_section.png", 1e-6, {"isotropy"}),
    ],
)
def test_real_micrographs_get_the_status_that_a_person_would_give(shared, name, pixel, failed):
    image = read_image(shared / "sem" / name, pixel_size=pixel)
    checks = check_image(segment(image, Segmentation()))
    assert {one.name for one in checks if one.status == "fail"} == failed
