"""What `segment` must do, first where the answer can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from porescape.core.image import Micrograph
from porescape.core.settings import Segmentation
from porescape.errors import InputError, SettingsError
from porescape.section.measured import combined
from porescape.section.segment import segment, segmented
from porescape.section.specks import without_specks
from porescape.section.thresholds import THRESHOLDS
from porescape.section.thresholds.adaptive import adaptive_threshold

PIXEL = 1e-8  # m
# a network is no level; `test_plane.py` and `test_teach.py` have its tests
LEVELS = sorted(set(THRESHOLDS) - {"plane", "taught"})
BARE = {"smoothing": 0, "median": 0, "speck": 0}


def micrograph(grey: NDArray[np.floating], is_binary: bool = False) -> Micrograph:
    return Micrograph(grey.astype(np.float32), PIXEL, is_binary=is_binary)


def stripes(size: int = 96, width: int = 8) -> NDArray[np.bool_]:
    """True in the first, third, ... stripe across; half of the image."""
    return np.broadcast_to((np.arange(size) // width) % 2 == 0, (size, size))


def noise(seed: int, size: int = 64) -> NDArray[np.floating]:
    return np.random.default_rng(seed).random((size, size))


def test_the_adaptive_threshold_is_the_local_mean_times_a_factor_worked_out_by_hand():
    grey = np.array([[0.0, 0.2, 0.4], [0.2, 0.4, 0.6], [0.4, 0.6, 0.8]], dtype=np.float32)
    surface = adaptive_threshold(grey, Segmentation(sensitivity=0.5, window=3))
    # Centre: mean of all nine is 0.4. Corner: the border repeats, so 4 x 0.0, 2 x 0.2 twice, 0.4: 1.2 / 9.
    assert surface[1, 1] == pytest.approx(1.1 * 0.4)
    assert surface[0, 0] == pytest.approx(1.1 * 1.2 / 9)
    assert surface[2, 2] == pytest.approx(1.1 * (4 * 0.8 + 4 * 0.6 + 0.4) / 9)


@pytest.mark.parametrize(("sensitivity", "factor"), [(0.0, 1.6), (0.5, 1.1), (0.6, 1.0), (1.0, 0.6)])
def test_sensitivity_scales_the_mean_as_in_adaptthresh(sensitivity, factor):
    flat = np.full((32, 32), 0.5, dtype=np.float32)
    surface = adaptive_threshold(flat, Segmentation(sensitivity=sensitivity))
    np.testing.assert_allclose(surface, 0.5 * factor, rtol=1e-6)


def test_the_adaptive_threshold_never_leaves_the_range_of_grey():
    surface = adaptive_threshold(np.ones((32, 32), dtype=np.float32), Segmentation(sensitivity=0))
    assert surface.max() == 1


def test_the_default_window_is_matlabs_along_each_axis_for_itself():
    # One bright pixel spreads over 2*floor(n/16) + 1 pixels: 5 of 47 rows (not 7) and 9 of 64 columns.
    grey = np.zeros((47, 64), dtype=np.float32)
    grey[23, 32] = 1
    reach = adaptive_threshold(grey, Segmentation()) > 1e-6
    assert np.count_nonzero(reach.any(axis=1)) == 5
    assert np.count_nonzero(reach.any(axis=0)) == 9


@pytest.mark.parametrize("method", LEVELS)
def test_every_method_finds_clean_stripes_exactly(method):
    solid = stripes()
    how = Segmentation(method=method, threshold=0.5, window=33, **BARE)
    phase = segment(micrograph(np.where(solid, 0.8, 0.2)), how)
    np.testing.assert_array_equal(phase.pore, ~solid)
    assert phase.porosity == 0.5
    assert phase.pixel_size == PIXEL


def test_smoothing_and_median_leave_a_straight_edge_where_it_was():
    solid = stripes()
    how = Segmentation(method="fixed", threshold=0.5, smoothing=1.5, median=5)
    phase = segment(micrograph(np.where(solid, 0.8, 0.2)), how)
    np.testing.assert_array_equal(phase.pore, ~solid)


def test_a_brightness_ramp_defeats_otsu_but_not_the_local_mean():
    solid = stripes(192)
    ramp = np.linspace(0.1, 1.0, 192)[:, None]  # along the stripes
    image = micrograph(ramp * np.where(solid, 1.0, 0.6))
    how = {"smoothing": 0, "window": 33}
    adaptive = segment(image, Segmentation(**how)).pore
    otsu = segment(image, Segmentation(method="otsu", **how)).pore
    assert np.mean(adaptive == ~solid) > 0.99
    assert np.mean(otsu == ~solid) < 0.75


def test_noise_is_what_smoothing_is_for():
    solid = stripes(128, 16)
    grey = np.clip(
        np.where(solid, 0.65, 0.35) + 0.15 * np.random.default_rng(1).standard_normal((128, 128)), 0, 1
    )
    bare = segment(micrograph(grey), Segmentation(window=65, **BARE)).pore
    usual = segment(micrograph(grey), Segmentation(window=65)).pore
    assert np.mean(bare == ~solid) < 0.9
    assert np.mean(usual == ~solid) > 0.97


@given(seed=st.integers(0, 2**32 - 1), method=st.sampled_from(LEVELS), binary=st.booleans())
@settings(max_examples=25, deadline=None)
def test_calling_the_bright_phase_pore_gives_the_complement(seed, method, binary):
    grey = noise(seed)
    image = micrograph(grey > 0.5, True) if binary else micrograph(grey)
    dark = segment(image, Segmentation(method=method, threshold=0.5, median=0, speck=4))
    bright = segment(image, Segmentation(method=method, threshold=0.5, median=0, speck=4, pore="bright"))
    np.testing.assert_array_equal(dark.pore, ~bright.pore)


@given(seed=st.integers(0, 2**32 - 1), gain=st.floats(0.2, 1.0))
@settings(max_examples=25, deadline=None)
def test_the_local_mean_does_not_care_about_the_gain_of_the_detector(seed, gain):
    grey = noise(seed)
    full = segment(micrograph(grey), Segmentation()).pore
    less = segment(micrograph(gain * grey), Segmentation()).pore
    assert np.mean(full == less) > 0.999  # a pixel on the threshold may fall to either side in float32


def test_segmenting_changes_nothing_and_repeats_itself():
    image = micrograph(noise(3))
    before = image.grey.copy()
    first, second = segment(image, Segmentation()), segment(image, Segmentation())
    np.testing.assert_array_equal(first.pore, second.pore)
    np.testing.assert_array_equal(image.grey, before)


def test_specks_of_both_phases_flip_below_the_size_and_stay_at_it():
    mask = np.zeros((20, 20), dtype=bool)
    mask[10:] = True
    mask[2, 2:5] = True  # three pixels of bright in the dark half
    mask[5, 2:6] = True  # four
    mask[15, 2:5] = False  # three of dark in the bright half
    mask[18, 2:6] = False  # four
    cleaned = without_specks(mask, 4)
    assert not cleaned[2, 2:5].any()
    assert cleaned[5, 2:6].all()
    assert cleaned[15, 2:5].all()
    assert not cleaned[18, 2:6].any()


def test_pixels_that_touch_at_a_corner_are_two_specks():
    mask = np.zeros((8, 8), dtype=bool)
    mask[2, 2] = mask[3, 3] = True
    assert not without_specks(mask, 2).any()


def test_a_speck_inside_a_speck_leaves_nothing():
    mask = np.zeros((11, 11), dtype=bool)
    mask[4:7, 4:7] = True
    mask[5, 5] = False
    assert not without_specks(mask, 9).any()


def test_sections_of_a_stack_are_cleaned_one_by_one():
    stack = np.stack([noise(k, 24) > 0.5 for k in range(4)])
    cleaned = without_specks(stack, 5)
    assert (cleaned != stack).any()
    np.testing.assert_array_equal(cleaned, np.stack([without_specks(one, 5) for one in stack]))


def test_a_section_says_from_which_size_on_islands_were_kept():
    grey = micrograph(noise(3))
    area = segment(grey, Segmentation(speck=9)).speck
    assert area == pytest.approx(9 * grey.pixel_size**2)
    assert segment(grey, Segmentation(speck=9)).speck_pixels == 9
    assert segment(micrograph(noise(3) > 0.5, is_binary=True), Segmentation(speck=9)).speck == 0


def test_speck_size_nought_keeps_every_pixel():
    mask = noise(5, 32) > 0.5
    np.testing.assert_array_equal(without_specks(mask, 0), mask)


def test_an_image_of_two_levels_is_taken_as_it_is():
    solid = stripes(64, 4).copy()
    solid[10, 5] = ~solid[10, 5]  # a speck that smoothing, median or speck removal would take away
    image = micrograph(np.where(solid, 0.31, 0.30), is_binary=True)
    phase = segment(image, Segmentation(method="fixed", threshold=0.9, smoothing=5))
    np.testing.assert_array_equal(phase.pore, ~solid)


def test_a_constant_image_is_refused():
    with pytest.raises(
        InputError, match=r"every pixel of image has the grey level 0\.5, but .* need two; check"
    ):
        segment(micrograph(np.full((32, 32), 0.5)), Segmentation())


@pytest.mark.parametrize(("level", "share"), [(0.05, "0.0%"), (0.95, "100.0%")])
def test_one_phase_after_the_threshold_is_refused(level, share):
    image = micrograph(0.4 + 0.2 * noise(7))
    with pytest.raises(InputError, match=rf"{share} of image became pore, wanted 1% to 99%; try"):
        segment(image, Segmentation(method="fixed", threshold=level))


def test_a_trace_of_a_phase_is_refused():
    grey = np.zeros((100, 100))
    grey[40:49, 40:49] = 1  # 0.81 % solid
    with pytest.raises(InputError, match=r"99\.2% of image became pore"):
        segment(micrograph(grey), Segmentation(method="otsu", **BARE))


@pytest.mark.parametrize(("pore", "phase"), [("dark", "pores"), ("bright", "solid")])
def test_a_single_step_is_a_feature_as_large_as_the_image(pore, phase):
    grey = np.zeros((90, 90))
    grey[:, 60:] = 1  # one wall: hardly any line ends
    with pytest.raises(InputError, match=rf"line through the {phase} of image is \d+ pixels .* \(30\); take"):
        segment(micrograph(grey), Segmentation(method="otsu", pore=pore, **BARE))


# -- a measured porosity -------------------------------------------------------------------------------


def soft(size: int = 160) -> Micrograph:
    """Noise whose grey levels are even between 0 and 1: a threshold t leaves a share t dark."""
    smooth = gaussian_filter(np.random.default_rng(2).standard_normal((size, size)), 4)
    return micrograph(smooth.ravel().argsort().argsort().reshape(smooth.shape) / smooth.size)


MIDDLE = {"method": "fixed", "threshold": 0.5, **BARE}


def test_two_porosities_are_weighed_by_their_precision():
    known = combined(0.60, 0.02, 0.64, 0.02, total=False)
    assert known.porosity == pytest.approx(0.62)
    assert known.sd == pytest.approx(0.02 / 2**0.5)
    assert not known.contradiction
    assert combined(0.60, 0.01, 0.64, 0.03, total=False).porosity == pytest.approx(0.604)


def test_a_total_porosity_bounds_that_of_an_image_from_above_only():
    assert combined(0.60, 0.02, 0.80, 0.02, total=True) == combined(0.60, 0.02, 0.61, 0.02, total=True)
    assert combined(0.60, 0.02, 0.56, 0.02, total=True).porosity == pytest.approx(0.58)


@given(
    image=st.floats(0.05, 0.95),
    image_sd=st.floats(0, 0.2),
    measured=st.floats(0.05, 0.95),
    measured_sd=st.floats(0.001, 0.2),
    total=st.booleans(),
)
def test_a_measured_porosity_never_forces_the_mask(image, image_sd, measured, measured_sd, total):
    known = combined(image, image_sd, measured, measured_sd, total=total)
    assert abs(known.porosity - image) <= 2 * image_sd + 1e-12
    assert min(image, measured) - 1e-12 <= known.porosity <= max(image, measured) + 1e-12
    assert known.sd <= image_sd + 1e-12


@pytest.mark.parametrize("pore", ["dark", "bright"])
def test_a_measured_porosity_moves_the_cut_and_narrows_what_is_plausible(pore):
    image = soft()
    alone = segmented(image, Segmentation(pore=pore, **MIDDLE))
    how = Segmentation(pore=pore, porosity=(0.52, 0.02), porosity_scope="resolved crop", **MIDDLE)
    moved = segmented(image, how)
    # the mean grey of the halves is 1/4 and 3/4: 5 % of the contrast are 0.025 of porosity
    assert alone.phase.porosity == pytest.approx(0.5, abs=1e-3)
    expected = combined(0.5, 0.025, 0.52, 0.02, total=False)
    assert moved.phase.porosity == pytest.approx(expected.porosity, abs=1e-3)
    assert moved.others is not None
    away = [abs(other.porosity - moved.phase.porosity) for other in moved.others if other is not None]
    assert away == pytest.approx([expected.sd] * 2, abs=1e-3)
    assert segment(image, how).pore.tobytes() == moved.phase.pore.tobytes()
    assert moved.notes == (
        "the measured porosity of 0.52 ± 0.02 (resolved pores, crop) moves the mask from 0.500 ± 0.025 to "
        f"{expected.porosity:.3f}",
    )


def test_a_contradiction_is_said_and_the_mask_stays_plausible():
    how = Segmentation(porosity=(0.75, 0.02), porosity_scope="resolved crop", **MIDDLE)
    found = segmented(soft(), how)
    assert found.phase.porosity == pytest.approx(0.55, abs=2e-3)
    assert "contradict each other; the mask has 0.550, the nearest that is plausible" in found.notes[0]


def test_a_sheet_may_differ_from_its_crop_by_chance():
    crop, sheet = (
        segmented(soft(), Segmentation(porosity=(0.53, 0.005), porosity_scope=f"resolved {of}", **MIDDLE))
        for of in ("crop", "sheet")
    )
    assert 0.5 < sheet.phase.porosity < crop.phase.porosity


def test_nothing_moves_a_binary_image_but_a_contradiction_is_said():
    image = micrograph(soft().grey > 0.5, is_binary=True)
    found = segmented(image, Segmentation(porosity=(0.75, 0.02), porosity_scope="resolved crop"))
    assert found.phase.pore.tobytes() == segment(image, Segmentation()).pore.tobytes()
    assert "contradict each other" in found.notes[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"porosity": (1.2, 0.02)}, "porosity must lie between 0.001 and 0.999, got 1.2"),
        ({"porosity": (0.7,)}, "porosity must be a value and its uncertainty"),
        ({"porosity_scope": "half"}, "porosity_scope must be one of total sheet, total crop"),
    ],
)
def test_an_impossible_measurement_is_refused(values, message):
    with pytest.raises(SettingsError, match=message):
        Segmentation(**values)


# -- a coating -----------------------------------------------------------------------------------------


def test_a_coating_leaves_straight_walls_thinner_by_itself_on_both_sides():
    solid = stripes(160, 16)
    image = micrograph(np.where(solid, 0.8, 0.2))
    how = Segmentation(coating=(2 * PIXEL, 0), **MIDDLE)
    phase = segment(image, how)
    # nine faces of 160 pixels each lose two; the border of the image is no wall
    assert np.count_nonzero(phase.pore) - np.count_nonzero(~solid) == 2 * 9 * 160
    assert phase.pore[:, 14].all()
    assert not phase.pore[:, 13].any()


def test_a_coating_thinner_than_a_pixel_takes_its_share_of_area():
    disc = np.hypot(*(np.indices((72, 72)) - 35.5)) < 30
    image = micrograph(np.where(np.tile(disc, (3, 3)), 0.8, 0.2))
    before, after = (segment(image, Segmentation(coating=c, **MIDDLE)) for c in (None, (0.4 * PIXEL, 0)))
    lost = np.count_nonzero(after.pore) - np.count_nonzero(before.pore)
    assert lost == pytest.approx(9 * 0.4 * 4 * 60, rel=0.01)  # a disc has four faces per pixel of diameter


def test_the_doubt_of_a_coating_widens_what_is_plausible_as_independent():
    image = soft()
    how = {"coating": (0.5 * PIXEL, 0.25 * PIXEL), **MIDDLE}
    found = segmented(image, Segmentation(**how))
    own = found.phase.porosity
    thin, thick = (
        segment(image, Segmentation(**(how | {"coating": (t * PIXEL, 0)}))).porosity for t in (0.25, 0.75)
    )
    lower, higher = found.others
    assert higher.porosity - own == pytest.approx(np.hypot(0.025, (thick - thin) / 2), rel=0.15)
    assert own - lower.porosity == pytest.approx(np.hypot(0.025, (thick - thin) / 2), rel=0.15)
    assert (
        "a coating of 5 nm (± 2.5 nm) was taken off the walls: the porosity rose from 0.500" in found.notes[0]
    )


def test_a_coating_as_thick_as_the_walls_is_refused():
    image = micrograph(np.where(stripes(96, 8), 0.8, 0.2))
    with pytest.raises(InputError, match=r"a coating of 5 pixels would take \d+% of the solid of image"):
        segment(image, Segmentation(coating=(5 * PIXEL, 0), **MIDDLE))
