"""Doubts of the section, carried over to the numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porescape.core.domain import Domain
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.recipe import FieldsRecipe
from porescape.core.settings import Measure, Segmentation
from porescape.intervals.uncertainty import POWERS, Parts, Shift, intervals, sampling, slopes, thresholds
from porescape.io.images.image import image_from_array
from porescape.measure.meters import NUMBERS
from porescape.section.segment import segment, segmented

NONE = Shift(0.0, 0.0)
SOFT = FieldsRecipe(
    solid_grains=0.3,
    pore_cells=0.3,
    branches=0.4,
    solid_grain_spacing=12e-7,
    pore_cell_spacing=12e-7,
    branch_width=3e-7,
    branch_cut=0.5,
    highpass_width=12e-7,
    porosity=0.5,
    smoothing=1e-7,
)


@pytest.fixture
def blurred() -> Micrograph:
    """Stripes 20 pixels wide whose walls are 10 pixels soft: a threshold moves them."""
    y, x = np.indices((160, 200))
    across = (x + 0.37 * y) % 40 - 20  # tilted, so that walls lie anywhere between pixels
    return image_from_array(np.clip(np.abs(across) / 10 - 0.5, 0, 1), 1e-7, "stripes")


def test_a_threshold_moves_the_walls_by_what_their_softness_lets_it(blurred: Micrograph) -> None:
    settings = Segmentation(method="fixed", threshold=0.5, smoothing=0, median=0, speck=0)
    lower, higher = thresholds(segmented(blurred, settings))
    # mean grey 1/8 and 7/8: 5 % of the contrast, on walls 10 pixels soft, are 0.375 pixels on both sides of
    # stripes that come every 40
    assert higher.porosity == pytest.approx(2 * 0.375 / 40, rel=0.1)
    assert lower.porosity == pytest.approx(-2 * 0.375 / 40, rel=0.1)
    assert abs(higher.length) < 0.02  # as many walls as before


def test_a_binary_image_has_no_threshold_to_doubt() -> None:
    image = image_from_array(np.indices((96, 96)).sum(axis=0) // 8 % 2, 1e-7, "chequers")
    assert image.is_binary
    assert thresholds(segmented(image, Segmentation())) == (NONE, NONE)


def test_no_masks_at_other_thresholds_are_not_taken_for_certainty(blurred: Micrograph) -> None:
    only = Segmented(blurred, segment(blurred, Segmentation()))
    with pytest.raises(ValueError, match="prepare the image with its checks"):
        thresholds(only)


def test_a_regular_pattern_has_one_length_everywhere() -> None:
    chequers = np.indices((128, 128)).sum(axis=0) // 8 % 2 == 0
    found = sampling(PhaseImage(chequers, 1e-7), porosity_error=0.196)
    assert found.porosity == pytest.approx(0.05)
    assert found.length == pytest.approx(0, abs=0.01)


def test_more_of_an_irregular_pattern_is_surer() -> None:
    noise = np.random.default_rng(0).random((512, 512)) < 0.4
    small, large = (sampling(PhaseImage(noise[:n, :n], 1e-7), 0.1).length for n in (128, 512))
    assert large < small / 2


@given(
    mean=st.floats(0.1, 10),
    slope=st.floats(-5, 5),
    porosity=st.floats(0, 0.1),
    length=st.floats(0, 0.2),
)
def test_doubts_are_carried_by_slope_and_by_unit(
    mean: float, slope: float, porosity: float, length: float
) -> None:
    means = {"permeability_z": mean, "porosity": 0.5}
    sample = Shift(porosity, length)
    margins, slope_of = {"permeability_z": 0.3, "porosity": 0.0}, {"permeability_z": slope, "porosity": 1.0}
    found = intervals(means, margins, slope_of, [NONE], sample, {})
    assert found["porosity"].total == pytest.approx(1.96 * porosity)
    drawn = 1.96 * math.hypot(slope * porosity, 2 * mean * length)
    assert found["permeability_z"].sample == pytest.approx(drawn)
    assert found["permeability_z"].total == pytest.approx(math.hypot(0.3, drawn))


def test_the_larger_move_of_the_threshold_counts() -> None:
    moves = [Shift(-0.1, 0.02), Shift(0.2, 0.0)]
    found = intervals({"chord_pore": 2.0}, {"chord_pore": 0.1}, {"chord_pore": 3.0}, moves, NONE, {})
    assert found["chord_pore"].threshold == pytest.approx(0.6)


def test_a_number_without_a_slope_is_left_as_it_is() -> None:
    margins, slope = {"porosity": 0.1}, {"porosity": math.nan}
    assert intervals({"porosity": 0.5}, margins, slope, [NONE], NONE, {"porosity": 0.1}) == {}


def test_the_methods_own_error_is_a_share_of_the_number() -> None:
    means = {"euler_density": -3.0, "chord_pore": 2.0, "retention_d90_z": 1.0}
    flat = dict.fromkeys(means, 0.0)
    found = intervals(means, flat, flat, [NONE], NONE, {"euler_density": 0.5, "chord_pore": 0.0})
    assert found["euler_density"].method == found["euler_density"].total == pytest.approx(1.5)
    assert found["chord_pore"].known()["method"] == 0  # known to be nought
    assert "method" not in found["retention_d90_z"].known()  # not known


def test_parts_add_up_as_squares_and_the_unknown_one_is_left_out() -> None:
    assert Parts(1.0, 2.0, 4.0, 10.0).total == 11
    assert Parts(2.0, 3.0, 6.0).total == 7
    assert Parts(2.0, 3.0, 6.0).known() == {"replicas": 2.0, "threshold": 3.0, "sample": 6.0}


def test_every_unit_has_its_power_of_length() -> None:
    assert {number.unit for number in NUMBERS.values()} == set(POWERS)


def test_slopes_are_those_of_the_same_structure_cut_at_other_levels() -> None:
    found = slopes(SOFT, Domain((40, 40, 40), 1e-7), 1, Measure(numbers=("basic",)), 0.05)
    assert found["porosity"] == pytest.approx(1, abs=0.01)
    assert found["chord_pore"] > 0 > found["chord_solid"]
