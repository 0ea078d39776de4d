"""The last step: pattern counts, voxels that may turn, and what moving walls does to a structure."""

from itertools import product

import cc3d
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion, gaussian_filter, label, maximum_filter

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.fit.refine.annealing import refine
from porescape.fit.refine.floating_solid import remove_floating_solid
from porescape.fit.refine.topology import CELLS, is_simple
from porescape.measure.section.patterns import counts_in_volume, patterns, shares_in_section

VOXEL = 1e-6


def blobs(shape: tuple[int, ...], width: float, seed: int, porosity: float = 0.5) -> NDArray[np.bool_]:
    noise = np.random.default_rng(seed).standard_normal(shape)
    field = gaussian_filter(noise, width, mode="wrap")
    return np.asarray(field > np.quantile(field, 1 - porosity))


def cubes(shape: tuple[int, ...], seed: int) -> NDArray[np.bool_]:
    """Overlapping cubes of solid: corners and edges where noise is round."""
    return ~np.asarray(maximum_filter(np.random.default_rng(seed).random(shape) < 0.0013, 8, mode="wrap"))


# -- patterns ---------------------------------------------------------------------------------------


def test_a_square_has_102_patterns_and_a_row_272() -> None:
    # Burnside: (512 + 8 + 32 + 8 + 4 * 64) / 8 of a square, (512 + 32) / 2 of a row
    assert patterns([1], [1]).count == 102 + 272


def test_a_chequer_board_has_two_patterns_in_equal_shares() -> None:
    board = np.indices((20, 20)).sum(axis=0) % 2 == 0
    wanted = patterns([1], [1])
    shares = shares_in_section(board, wanted)
    assert sorted(shares[shares > 0]) == pytest.approx([0.5] * 4)


@given(st.integers(0, 1000), st.sampled_from([0, 1, 2, 3]))
def test_shares_do_not_know_left_from_right_or_up_from_down(seed: int, turns: int) -> None:
    image = np.random.default_rng(seed).random((24, 20)) < 0.4
    wanted = patterns([1, 3], [2])
    there = shares_in_section(image, wanted)
    assert np.allclose(shares_in_section(np.rot90(image, turns), wanted), there)
    assert np.allclose(shares_in_section(image[::-1], wanted), there)
    assert there.sum() == pytest.approx(3)  # one per stencil


def test_a_stack_of_equal_sections_is_counted_like_its_section_across_its_axis() -> None:
    image = np.tile(blobs((16, 16), 1.5, seed=3), (2, 2))  # periodic, so nothing is missed at edges
    wanted = patterns([2], [1])
    counts = counts_in_volume(np.stack([image] * 32).astype(np.uint8), wanted, periodic=True)
    assert counts.sum() == 2 * 3 * 32**3
    section = np.pad(image, 4, mode="wrap")
    square = slice(0, 102)
    across = shares_in_section(section[2:-2, 2:-2], wanted)[square] * 32**3
    assert (counts[square] >= across - 1e-6).all()  # the sections along the other axes come on top


def test_what_is_beyond_a_face_is_the_other_side_or_a_mirror() -> None:
    slab = np.zeros((12, 12, 12), np.uint8)
    slab[:6] = 1
    wanted = patterns([1], [1])
    full, empty = int(wanted.kinds[0, -1]), int(wanted.kinds[0, 0])
    walls = {periodic: counts_in_volume(slab, wanted, periodic) for periodic in (True, False)}
    sections = 2 * 12  # along y and x; each wall is seen by centres on both of its sides
    for periodic, number in ((True, 2), (False, 1)):
        plain = walls[periodic][[full, empty]].sum()
        assert 3 * 12**3 - plain == sections * number * 2 * 12


# -- topology ---------------------------------------------------------------------------------------


def euler_of_pores(pore: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Count pieces of pore (faces), of solid (corners), and the Euler number of the solid by its cells."""
    solid = np.pad(~pore, 1, constant_values=True)
    solid_grains = 0
    for kind in product((0, 1), repeat=3):  # corners, edges, faces and cubes of the union of solid voxels
        grown = np.pad(solid, 1)
        for axis, wide in enumerate(kind):
            if not wide:
                first = [slice(None)] * 3
                second = [slice(None)] * 3
                first[axis], second[axis] = slice(None, -1), slice(1, None)
                grown = grown[tuple(first)] | grown[tuple(second)]
        solid_grains += (-1) ** sum(kind) * int(grown.sum())
    pieces = label(np.pad(pore, 1))[1]
    solids = label(solid, np.ones((3, 3, 3)))[1]
    return pieces, solids, solid_grains


def may_turn(solid_grains: NDArray[np.bool_]) -> bool:
    scratch = np.empty(27, np.int64), np.empty(27, np.int64)
    return bool(is_simple(solid_grains.ravel(), CELLS, *scratch))


@given(st.integers(0, 2**26 - 1))
def test_a_voxel_may_turn_only_if_pieces_and_euler_number_stay(code: int) -> None:
    bits = np.array([code >> k & 1 for k in range(26)], dtype=bool)
    solid_grains = np.insert(bits, 13, False).reshape(3, 3, 3)
    other = solid_grains.copy()
    other[1, 1, 1] = True
    if may_turn(solid_grains):
        assert euler_of_pores(solid_grains) == euler_of_pores(other)
    assert may_turn(solid_grains) == may_turn(other)


@pytest.mark.parametrize("name", ["alone", "inside", "bridge", "wall", "end"])
def test_voxels_whose_case_is_clear(name: str) -> None:
    solid_grains = np.zeros((3, 3, 3), dtype=bool)
    if name == "inside":
        solid_grains[:] = True
    elif name == "bridge":
        solid_grains[0, 1, 1] = solid_grains[2, 1, 1] = True
    elif name == "wall":
        solid_grains[0] = True
    elif name == "end":
        solid_grains[0, 1, 1] = True
    assert may_turn(solid_grains) == (name in ("wall", "end"))


# -- floating solid ---------------------------------------------------------------------------------


def with_solid(shape: tuple[int, ...], *places: tuple[slice | int, ...]) -> NDArray[np.bool_]:
    """A floor of solid, one voxel thick, and more solid above it."""
    pore = np.ones(shape, dtype=bool)
    pore[0] = False
    for place in places:
        pore[place] = False
    return pore


PILLAR = (slice(0, 5), slice(8, 11), slice(8, 11))


@pytest.mark.parametrize("periodic", [True, False])
def test_floating_solid_is_removed_and_connected_solid_is_not(periodic: bool) -> None:
    pore = with_solid((16, 20, 20), PILLAR, (9, 4, 4))
    assert (remove_floating_solid(pore, periodic) == with_solid((16, 20, 20), PILLAR)).all()


def test_a_corner_is_enough_to_hang_on() -> None:
    pore = with_solid((16, 20, 20), PILLAR, (5, 11, 11))
    assert (remove_floating_solid(pore, periodic=True) == pore).all()


def test_a_piece_at_a_face_hangs_on_what_is_beyond() -> None:
    hanging = with_solid((16, 20, 20), (15, 3, 4))  # below the floor of the next period
    crossing = with_solid((16, 20, 20), (8, 5, 0), (8, 6, 19))  # one piece, on two faces
    assert (remove_floating_solid(hanging, periodic=True) == hanging).all()
    assert (remove_floating_solid(crossing, periodic=False) == crossing).all(), "nobody knows what is beyond"
    assert (remove_floating_solid(crossing, periodic=True) == with_solid((16, 20, 20))).all()


def test_a_large_piece_is_not_floating_solid() -> None:
    two = with_solid((16, 20, 20), (slice(6, 8), slice(4, 6), slice(4, 6)))  # 8 voxels beside 400: 2 %
    assert (remove_floating_solid(two, periodic=True) == two).all()


def test_without_solid_there_is_no_floating_solid() -> None:
    assert remove_floating_solid(np.ones((4, 4, 4), dtype=bool), periodic=True).all()


@given(st.integers(0, 1000), st.tuples(*[st.integers(0, 11)] * 3))
def test_floating_solid_is_the_same_wherever_a_period_begins(seed: int, by: tuple[int, int, int]) -> None:
    pore = blobs((12, 12, 12), 1.0, seed, porosity=0.75)
    once = remove_floating_solid(pore, periodic=True)
    assert (once >= pore).all()
    assert (remove_floating_solid(once, periodic=True) == once).all()
    rolled = remove_floating_solid(np.roll(pore, by, axis=(0, 1, 2)), periodic=True)
    assert (rolled == np.roll(once, by, axis=(0, 1, 2))).all()


# -- the whole --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def section() -> PhaseImage:
    return PhaseImage(cubes((40, 160, 160), seed=1)[20], VOXEL)


@pytest.fixture(scope="module")
def rough(section: PhaseImage) -> Volume:
    return Volume(blobs((48, 44, 40), 2.4, seed=2, porosity=section.porosity), VOXEL)


@pytest.fixture(scope="module")
def refined(rough: Volume, section: PhaseImage) -> Volume:
    return refine(rough, section, seed=0, sweeps=40)


def distance(volume: Volume, section: PhaseImage) -> float:
    heard: list[float] = []
    refine(volume, section, seed=0, sweeps=1, progress=lambda sweep, apart: heard.append(apart))
    return heard[0]


def test_patterns_come_nearer_to_the_image(rough: Volume, refined: Volume, section: PhaseImage) -> None:
    assert distance(refined, section) < 0.4 * distance(rough, section)
    # and the walls are flatter: the share of wall voxels' neighbourhoods that are a straight edge rises
    wanted = patterns([1], [1])
    edge = int(wanted.kinds[0, 0b000000111])
    share = {
        volume: counts_in_volume(volume.pore.astype(np.uint8), wanted, True)[edge]
        for volume in (rough, refined)
    }
    assert share[refined] > 1.2 * share[rough]


def test_no_pore_tears_or_joins_another_and_porosity_stays(rough: Volume, refined: Volume) -> None:
    assert refined.pore.sum() == rough.pore.sum()
    before, after = (
        cc3d.connected_components(volume.pore.astype(np.uint8), connectivity=6, periodic_boundary=True).max()
        for volume in (rough, refined)
    )
    assert before == after


def test_a_box_with_a_rim_of_solid_keeps_its_topology_exactly(section: PhaseImage) -> None:
    pore = blobs((28, 28, 28), 2.4, seed=5, porosity=0.5)
    before = Volume(np.pad(pore, 10), VOXEL)
    after = refine(before, section, seed=1, sweeps=2)
    assert (after.pore != before.pore).sum() > 500
    faces = [after.pore.take(side, axis=axis) for axis in range(3) for side in (0, -1)]
    assert not np.any(faces), "nothing to be compared goes through a face"
    assert euler_of_pores(after.pore) == euler_of_pores(before.pore)


def test_floating_solid_is_removed_unless_it_may_stay(rough: Volume, section: PhaseImage) -> None:
    pore = rough.pore.copy()
    middle = np.argwhere(binary_erosion(pore, np.ones((5, 5, 5))))[0]
    pore[tuple(middle)] = False  # one voxel of solid in the middle of a pore
    before = Volume(pore, VOXEL)
    for keep_floating_solid in (True, False):
        after = refine(before, section, seed=0, sweeps=2, keep_floating_solid=keep_floating_solid).pore
        assert after.sum() == pore.sum(), "porosity is that of before"
        assert (remove_floating_solid(after, periodic=True) != after).any() == keep_floating_solid


def test_the_seed_decides(rough: Volume, section: PhaseImage) -> None:
    one, same, other = (refine(rough, section, seed=seed, sweeps=2).pore for seed in (3, 3, 4))
    assert (one == same).all()
    assert (one != other).any()


def test_no_sweeps_leave_the_volume_alone(rough: Volume, section: PhaseImage) -> None:
    assert refine(rough, section, seed=0, sweeps=0) is rough


def test_between_mirrors_counts_stay_true(rough: Volume, section: PhaseImage) -> None:
    heard: list[float] = []
    refine(rough, section, seed=0, sweeps=21, periodic=False, progress=lambda _, apart: heard.append(apart))
    assert heard[20] < 0.6 * heard[0]
    told = heard[-1]
    again: list[float] = []
    after = refine(rough, section, seed=0, sweeps=21, periodic=False)
    refine(after, section, seed=0, sweeps=1, periodic=False, progress=lambda _, apart: again.append(apart))
    assert told == pytest.approx(again[0], rel=0.1)


def test_scales_that_differ_are_refused(rough: Volume, section: PhaseImage) -> None:
    with pytest.raises(InputError, match="one grid"):
        refine(rough, PhaseImage(section.pore, 2 * VOXEL), seed=0)


def test_scales_of_nanometres_that_differ_are_refused(rough: Volume, section: PhaseImage) -> None:
    # differences of nanometres are far below any absolute tolerance that suits numbers near 1
    fine = Volume(rough.pore, 5e-9)
    with pytest.raises(InputError, match="one grid, but a pixel is 6 nm and a voxel 5 nm"):
        refine(fine, PhaseImage(section.pore, 6e-9), seed=0)


def test_an_image_without_room_is_refused(rough: Volume, section: PhaseImage) -> None:
    with pytest.raises(InputError, match="at least 9 x 9"):
        refine(rough, PhaseImage(section.pore[:8, :60], VOXEL), seed=0)
