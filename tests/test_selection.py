"""Texture numbers, the eye test and the choice of a replica."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter

from porescape.core.image import PhaseImage
from porescape.core.results import Score, Selection, TwoSampleTest
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.section.texture import texture, unit_of
from porescape.report.selection_figures import contact_sheet, selection_figure
from porescape.section.specks import without_specks
from porescape.select.crops import draw_crops, split
from porescape.select.held_out import held_out_distances
from porescape.select.selection import select_replica
from porescape.select.two_sample import two_sample_test

VOXEL = 1e-6


def blobs(shape: tuple[int, ...], width: float, seed: int, porosity: float = 0.5) -> NDArray[np.bool_]:
    """Thresholded smooth noise, the simplest of materials."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    field = gaussian_filter(noise, width, mode="wrap")
    return np.asarray(field > np.quantile(field, 1 - porosity))


def chequers(shape: tuple[int, ...], edge: int) -> NDArray[np.bool_]:
    return np.asarray(sum(np.indices(shape) // edge) % 2 == 0)


@pytest.fixture(scope="module")
def section() -> PhaseImage:
    return PhaseImage(blobs((64, 160, 160), 2.2, seed=1)[31], VOXEL)


@pytest.fixture(scope="module")
def alike() -> Volume:
    return Volume(blobs((80, 80, 80), 2.2, seed=2), VOXEL)


@pytest.fixture(scope="module")
def other() -> Volume:
    """Overlapping cubes of about the same porosity and size: square where noise is round."""
    seeds = np.random.default_rng(3).random((80, 80, 80)) < 0.0013
    return Volume(maximum_filter(seeds, 8, mode="wrap"), VOXEL)


# -- texture ----------------------------------------------------------------------------------------


def number(crops: NDArray[np.bool_], words: str, unit: float = 5.0) -> float:
    found = texture(crops, unit)
    return float(found.values[0, found.words.index(words)])


def test_a_straight_wall_has_the_numbers_we_can_work_out_by_hand() -> None:
    half = np.zeros((1, 48, 48), dtype=bool)
    half[:, :24] = True
    assert number(half, "pairs 1 pixels apart in different phases") == pytest.approx(0.5 / 47)
    assert number(half, "pore at most 3 pixels from the wall") == pytest.approx(3 / 24)
    # along the wall every line lies in one phase; across it 24 - 4 of the 44 places do
    assert number(half, "straight lines of 5 pixels in the pore") == pytest.approx(0.5 * (0.5 + 20 / 44))
    assert number(half, "pore pixels with 3 of 8 neighbours at 1 pixels in solid") == pytest.approx(1 / 46)
    assert number(half, "walls with 55-62 % pore within 2 pixels") == pytest.approx(0.5)  # 15 of 25
    assert number(half, "pieces of pore") == pytest.approx(25 / 48**2)
    assert number(half, "pore in its largest piece") == 1
    assert number(half, "triangles of 5 pixels with all corners in the pore") == pytest.approx((24 - 5) / 43)
    assert number(half, "pore in which a disc of radius 4 pixels fits") == 1


def test_a_disc_is_one_round_body() -> None:
    y, x = np.indices((48, 48)) - 24
    disc = (x**2 + y**2 <= 8.2**2)[None]
    assert number(disc, "enclosed pieces of pore") == pytest.approx(25 / 48**2)
    to_solid = np.hypot(8, 2)  # the pixel nearest to the middle
    assert number(disc, "the deepest place of the pore") == pytest.approx(to_solid / 5)
    assert number(disc, "deepest places of the pore") == pytest.approx(25 / 48**2)
    assert number(disc, "pore in which a disc of radius 4 pixels fits") > 0.95
    joined = number(disc, "pairs 5 pixels apart in one piece of pore")
    assert joined == pytest.approx((disc[0, 5:] & disc[0, :-5]).mean())


@given(seed=st.integers(0, 99), turns=st.integers(0, 3), mirrored=st.booleans())
def test_a_turned_crop_has_the_same_numbers(seed: int, turns: int, mirrored: bool) -> None:
    crop = blobs((1, 48, 48), 2.0, seed)
    turned = np.rot90(crop, turns, (1, 2))
    turned = turned[:, ::-1] if mirrored else turned
    np.testing.assert_allclose(texture(turned, 4.7).values, texture(crop, 4.7).values, atol=1e-9)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_crop_of_one_phase_still_has_numbers(share: float) -> None:
    assert np.isfinite(texture(np.full((2, 24, 24), bool(share)), 5.0).values).all()


def test_the_unit_of_a_chequerboard() -> None:
    assert unit_of(chequers((1, 64, 64), 8)) == pytest.approx(0.5 / (7 / 63))


# -- the split --------------------------------------------------------------------------------------


@given(
    shape=st.lists(st.integers(48, 300), min_size=2, max_size=3),
    crop=st.sampled_from([16, 24, 48]),
    count=st.sampled_from([2, 3, 4]),
)
def test_regions_share_no_pixel_and_have_room(shape: list[int], crop: int, count: int) -> None:
    boxes = split(shape, crop, count)
    longest, second = sorted(shape)[::-1][:2]
    if boxes is None:
        assert longest < count * crop or second < crop
        return
    assert len(boxes) == count
    for box in boxes:
        lengths = sorted(end - first for first, end in box)
        assert lengths[-1] >= crop
        assert lengths[-2] >= crop
        assert all(first >= 0 and end <= n for (first, end), n in zip(box, shape, strict=True))
    for one, two in combinations(boxes, 2):
        assert any(a[1] <= b[0] or b[1] <= a[0] for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("shape", [(110, 130), (60, 110, 130)])
def test_held_out_crops_share_no_pixel_with_the_others(shape: tuple[int, ...]) -> None:
    numbered = np.arange(np.prod(shape)).reshape(shape)
    boxes = split(shape, 48, 4)
    assert boxes is not None
    chance = np.random.default_rng(0)
    drawn = [set(draw_crops(numbered, box, 48, 40, chance).ravel().tolist()) for box in boxes]
    assert all(not one & two for one, two in combinations(drawn, 2))


def test_crops_of_a_volume_lie_across_all_three_axes() -> None:
    numbered = np.arange(60**3).reshape(60, 60, 60)
    crops = draw_crops(numbered, ((0, 60),) * 3, 48, 9, np.random.default_rng(0))
    steps = {(int(c[1, 0] - c[0, 0]), int(c[0, 1] - c[0, 0])) for c in crops}
    assert steps == {(60, 1), (3600, 1), (3600, 60)}


def test_crops_are_of_slices_without_specks() -> None:
    pore = np.zeros((60, 60, 60), dtype=bool)
    pore[:, 20:40, 20:40] = True
    dotted = pore.copy()
    dotted[:, 5, 5] = True  # a dot in sections across z, a line in others
    for speck, same in ((0, False), (9, True)):
        one, other = (
            draw_crops(kind, ((0, 60), (0, 48), (0, 48)), 48, 9, np.random.default_rng(0), speck)
            for kind in (pore, dotted)
        )
        assert (one[::3] == other[::3]).all() == same  # every third is across z


def test_specks_that_the_image_could_not_show_give_nothing_away(alike: Volume) -> None:
    clean = blobs((80, 80, 80), 2.2, seed=4)
    dotted = Volume(clean | (np.random.default_rng(1).random(clean.shape) < 0.03), VOXEL)
    told = {
        speck: two_sample_test(
            PhaseImage(without_specks(alike.pore[20], speck), VOXEL, speck * VOXEL**2),
            dotted,
            seed=0,
            crop=32,
            crops=160,
            trees=40,
        ).accuracy
        for speck in (0, 4)
    }
    assert told[0] > 0.8
    assert told[4] < told[0] - 0.2


# -- the eye test -----------------------------------------------------------------------------------


def test_one_process_is_not_told_from_itself(alike: Volume) -> None:
    again = Volume(blobs((80, 80, 80), 2.2, seed=4), VOXEL)
    found = two_sample_test(alike, again, seed=0, crop=32, crops=160, trees=40)
    assert abs(found.accuracy - 0.5) < 0.08
    assert "no better than guessing" in found.sentence


def test_another_process_is_told_apart_and_why(section: PhaseImage, alike: Volume, other: Volume) -> None:
    assert two_sample_test(alike, other, seed=0, crop=32, crops=160, trees=40).accuracy > 0.95
    found = two_sample_test(section, other, seed=0, crop=32, crops=160, trees=40)
    assert found.accuracy > 0.85  # one small image is a blunter test
    assert sum(found.importance.values()) == pytest.approx(1)
    assert next(iter(found.importance)) in found.sentence
    assert found.words in found.sentence
    assert ("more" if found.in_replica > found.in_image else "less") in found.sentence


def test_what_has_equal_crops_is_a_matter_of_tossing_a_coin() -> None:
    board = PhaseImage(chequers((96, 96), 1), VOXEL)
    found = two_sample_test(
        board, Volume(chequers((64, 64, 64), 1), VOXEL), seed=0, crop=24, crops=16, trees=5
    )
    assert found.accuracy == 0.5


def test_the_same_seed_gives_the_same_test(section: PhaseImage, alike: Volume) -> None:
    one, two, three = (
        two_sample_test(section, alike, seed=s, crop=32, crops=60, trees=10) for s in (5, 5, 6)
    )
    assert one == two != three


def test_a_small_image_gets_a_caution(section: PhaseImage, alike: Volume) -> None:
    small = PhaseImage(section.pore[:64, :64], VOXEL)
    found = two_sample_test(small, alike, seed=0, crop=32, crops=16, trees=5)
    assert found.separate == 4
    assert "only 4 separate crops of 32 pixels" in found.caution
    assert two_sample_test(section, alike, seed=0, crop=32, crops=16, trees=5).caution == ""


def test_an_image_too_small_for_two_places_says_so(section: PhaseImage, alike: Volume) -> None:
    with pytest.raises(InputError, match=r"image is 60 x 60 and the replica 80 x 80 x 80; take a larger"):
        two_sample_test(PhaseImage(section.pore[:60, :60], VOXEL), alike, seed=0, crop=40)


def test_two_grids_are_not_compared(section: PhaseImage, alike: Volume) -> None:
    with pytest.raises(InputError, match="must be on one grid, but a pixel is 1 µm and a voxel 2 µm"):
        two_sample_test(section, Volume(alike.pore, 2 * VOXEL), seed=0)


def test_an_image_of_one_phase_says_so(alike: Volume) -> None:
    with pytest.raises(InputError, match="all pore; check the segmentation"):
        select_replica(PhaseImage(np.ones((96, 96), dtype=bool), VOXEL), [alike], seed=0)


# -- the verdict ------------------------------------------------------------------------------------


def test_the_same_process_is_as_near_as_chance_and_another_is_not(
    section: PhaseImage, alike: Volume, other: Volume
) -> None:
    near = held_out_distances(section, alike)
    far = held_out_distances(section, other)
    assert np.mean(list(near.values())) < 1.2
    assert np.mean(list(far.values())) > 2
    assert "pairs of points" not in near  # the fit has seen these


@pytest.fixture(scope="module")
def selection(section: PhaseImage, alike: Volume, other: Volume) -> Selection:
    coarse = Volume(blobs((80, 80, 80), 3.2, seed=7), VOXEL)
    return select_replica(section, [other, alike, coarse], seed=0)


def test_the_right_replica_is_chosen_among_wrong_ones(selection: Selection) -> None:
    assert selection.selected == 1
    assert sum(score.total for score in selection.scores) == pytest.approx(0)
    assert selection.reason.startswith("replica 2: closest in ")
    assert "of 7 held-out descriptors; the two-sample test tells" in selection.reason
    assert "%)" in selection.reason


def test_a_replica_has_the_same_marks_in_any_company(
    selection: Selection, section: PhaseImage, alike: Volume
) -> None:
    alone = select_replica(section, [alike], seed=0)
    assert alone.scores[0].held_out == selection.scores[1].held_out
    assert alone.scores[0].two_sample == selection.scores[1].two_sample
    assert alone.reason.startswith("replica 1 is the only replica")


def test_without_room_for_an_eye_test_the_numbers_decide(alike: Volume, other: Volume) -> None:
    small = PhaseImage(blobs((40, 40), 2.2, seed=1), VOXEL)
    found = select_replica(small, [other, alike], seed=0)
    assert found.scores[0].two_sample is None
    assert "too small for two separate places" in found.cautions[0]
    assert "eye test" not in found.reason
    assert selection_figure(found).axes


def test_choosing_from_nothing_and_comparing_with_a_crumb(section: PhaseImage) -> None:
    with pytest.raises(InputError, match="at least one, got none"):
        select_replica(section, [], seed=0)
    with pytest.raises(InputError, match="windows of at least 16 pixels"):
        select_replica(section, [Volume(chequers((12, 12, 12), 3), VOXEL)], seed=0)


# -- the pictures -----------------------------------------------------------------------------------


def test_the_verdict_is_drawn_with_its_choice_named(selection: Selection) -> None:
    figure = selection_figure(selection)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["replica 1", "replica 2 (selected)", "replica 3"]


def test_a_contact_sheet_shows_both_at_one_scale(section: PhaseImage, alike: Volume) -> None:
    left, right = contact_sheet(section, alike, rows=2, columns=3).axes
    assert left.get_xlim() == right.get_xlim()
    assert "6 crops, each 48 µm wide" in left.get_title(loc="left")


def test_differences_within_the_eye_tests_own_error_weigh_little() -> None:
    two_sample = TwoSampleTest(0.6, 0.1, 48, 240, 30, {"bodies": 1.0}, "x", 0.0, 0.0)
    assert "no better than guessing" in two_sample.sentence
    assert Score({"bodies": 1.0, "openings": 2.0}, two_sample, 0.0).distance == 1.5
