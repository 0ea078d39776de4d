"""Diffusion and paths: closed forms, then properties, then the words a user may meet."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array, diags_array
from scipy.sparse.linalg import spsolve

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.connectivity import connected_porosity
from porescape.measure.transport.diffusion import Diffusion, diffusion
from porescape.measure.transport.geodesic import geodesic_distance, geodesic_ratio

Bools = NDArray[np.bool_]


def volume(pore: Bools) -> Volume:
    return Volume(pore, voxel_size=1e-6)


def ratio(pore: Bools, axis: int = 0, tolerance: float = 1e-6) -> float:
    return diffusion(volume(pore), axis, tolerance).diffusivity_ratio


def solved_directly(pore: Bools) -> float:
    """Ratio along z from the assembled matrix: 1 between pores, 2 to the faces."""
    number = np.cumsum(pore).reshape(pore.shape) - 1
    rows, columns = [], []
    for axis in range(3):
        here, there = np.moveaxis(pore, axis, 0)[:-1], np.moveaxis(pore, axis, 0)[1:]
        both = here & there
        low, high = (np.moveaxis(number, axis, 0)[part][both] for part in (slice(-1), slice(1, None)))
        rows += [low, high]
        columns += [high, low]
    row, column = np.concatenate(rows), np.concatenate(columns)
    links = coo_array((np.ones(row.size), (row, column)), shape=(number.max() + 1,) * 2).tocsr()
    inlet, outlet = (np.bincount(number[end][pore[end]], minlength=links.shape[0]) for end in (0, -1))
    matrix = diags_array(links.sum(axis=1) + 2 * (inlet + outlet)) - links
    field = np.atleast_1d(spsolve(matrix.tocsc(), 2.0 * inlet))
    return float((2 * inlet * (1 - field)).sum() * pore.shape[0] / pore[0].size)


def through(pore: Bools, axis: int = 0) -> bool:
    return connected_porosity(volume(pore), axis) > 0


@pytest.fixture(scope="module")
def gaussian() -> Bools:
    field = gaussian_filter(np.random.default_rng(1).standard_normal((40, 40, 40)), 2.5, mode="wrap")
    below: Bools = field < np.quantile(field, 0.6)
    return below


# --- diffusion: closed forms ----------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 3), (9, 1, 1), (12, 7, 10)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_open_space_diffuses_as_open_space(shape: tuple[int, int, int], axis: int) -> None:
    found = diffusion(volume(np.ones(shape, dtype=bool)), axis)
    assert (found.diffusivity_ratio, found.tortuosity, found.formation_factor) == (1, 1, 1)
    along = np.moveaxis(found.concentration, axis, -1)
    ramp = 1 - (np.arange(shape[axis]) + 0.5) / shape[axis]
    np.testing.assert_allclose(along, np.broadcast_to(ramp, along.shape), atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_straight_tubes_and_slabs_lead_by_their_share_of_the_area(axis: int) -> None:
    section = np.zeros((8, 10), dtype=bool)
    section[1:3, 2:7] = section[5] = True  # a tube and a slab: 20 of 80
    found = diffusion(volume(np.moveaxis(np.repeat(section[None], 12, axis=0), 0, axis)), axis)
    assert found.diffusivity_ratio == 0.25
    assert found.tortuosity == found.tortuosity_connected == 1
    assert found.formation_factor == 4
    assert found.iterations == 0


def test_dead_ends_and_dead_clusters_carry_nothing() -> None:
    pore = np.zeros((12, 9, 9), dtype=bool)
    pore[:, 2:5, 2:5] = True
    straight = ratio(pore)
    pore[4:, 7:, 7:] = True  # touches one face only
    pore[:2, 0, :] = True
    pore[6, 3, 7] = True  # touches nothing
    found = diffusion(volume(pore), 0)
    assert found.diffusivity_ratio == straight == 9 / 81
    assert found.connected_porosity == 9 / 81 < found.porosity
    assert found.tortuosity > found.tortuosity_connected == 1
    assert np.isnan(found.concentration[~pore]).all()
    assert np.isnan(found.concentration[4:, 7:, 7:]).all()
    pore[5, 5:9, 3] = True  # a dead end one voxel wide holds what its mouth holds
    blind = diffusion(volume(pore), 0, 1e-8)
    assert blind.concentration[5, 8, 3] == pytest.approx(blind.concentration[5, 5, 3], abs=1e-6)
    assert blind.diffusivity_ratio == pytest.approx(9 / 81, rel=0.05)


def test_a_winding_tube_leads_by_its_length() -> None:
    pore = np.zeros((23, 15, 3), dtype=bool)
    pore[[0, -1], 0, 1] = pore[1::4, :, 1] = True
    for turn in range(5):
        pore[2 + 4 * turn : 5 + 4 * turn, -1 if turn % 2 == 0 else 0, 1] = True
    length = np.count_nonzero(pore)  # voxels in a row, one face to the other
    assert ratio(pore, tolerance=1e-8) == pytest.approx((1 / length) * 23 / (15 * 3), rel=1e-6)


def test_layers_in_series_add_up_their_resistances() -> None:
    """Two reservoirs and a tube: beyond what spreading costs, a tube's voxel resists 1 / area share."""
    tube = np.zeros((3, 3), dtype=bool)
    tube[1, 1] = True
    reservoir = [np.ones((3, 3), dtype=bool)] * 12
    resistance = [
        (24 + n) / ratio(np.array([*reservoir, *[tube] * n, *reservoir]), tolerance=1e-8) for n in (10, 30)
    ]
    assert resistance[0] > 24 + 10 * 9
    assert resistance[1] - resistance[0] == pytest.approx(20 * 9, rel=1e-6)


def cylinders(n: int, solid: float) -> Bools:
    """One cell of a square array; its borders are level or closed by symmetry."""
    centre = np.arange(n) + 0.5 - n / 2
    return (centre[:, None] ** 2 + centre**2 > solid / math.pi * n**2)[None]


def test_an_array_of_cylinders_leads_as_rayleigh_found() -> None:
    f = 0.4  # Perrins, McKenzie and McPhedran (1979), Proc. R. Soc. A 369, 207
    exact = 1 - 2 * f / (1 + f - 0.305827 * f**4 / (1 - 1.402958 * f**8) - 0.013362 * f**8)
    off = [diffusion(volume(cylinders(n, f)), 1).tortuosity * exact / (1 - f) - 1 for n in (20, 40, 80, 320)]
    assert off == sorted(off, reverse=True)
    assert off == pytest.approx([0.060, 0.030, 0.021, 0.003], abs=0.002)


# --- diffusion: properties ------------------------------------------------------------------------


@given(pore=arrays(bool, st.tuples(*[st.integers(1, 6)] * 3), elements=st.sampled_from((True, True, False))))
@settings(max_examples=60)
def test_it_is_the_solution_of_the_assembled_equations(pore: Bools) -> None:
    if not through(pore):
        with pytest.raises(InputError, match="nothing diffuses along z"):
            ratio(pore)
        return
    found = diffusion(volume(pore), 0, 1e-9)
    alive = np.isfinite(found.concentration)
    assert found.connected_porosity == pytest.approx(connected_porosity(volume(pore), 0))
    assert found.diffusivity_ratio == pytest.approx(solved_directly(alive), rel=1e-7)
    assert found.diffusivity_ratio <= found.connected_porosity * (1 + 1e-12)  # Wiener
    assert 0 <= np.nanmin(found.concentration) + 1e-6 <= np.nanmax(found.concentration) + 1e-6 <= 1 + 2e-6
    assert max(found.residual, found.imbalance) <= 1e-9


@given(pore=arrays(bool, (5, 5, 5), elements=st.sampled_from((True, True, False))), at=st.integers(0, 124))
@settings(max_examples=40)
def test_more_pore_never_leads_less(pore: Bools, at: int) -> None:
    more = pore.copy()
    more.flat[at] = True
    if through(pore):
        assert ratio(more, tolerance=1e-8) >= ratio(pore, tolerance=1e-8) * (1 - 1e-9)


def test_mirrored_and_turned_it_leads_the_same(gaussian: Bools) -> None:
    pore = gaussian[:, :31, :23]
    same = [ratio(pore), ratio(pore[::-1]), ratio(pore[:, ::-1, ::-1])]
    same += [ratio(np.moveaxis(pore, 0, axis), axis) for axis in (1, 2)]
    assert same == pytest.approx([same[0]] * 5, rel=1e-6)


def test_the_field_belongs_to_the_voxels_of_the_volume(gaussian: Bools) -> None:
    straight = diffusion(volume(gaussian[:30]), 0, 1e-7).concentration
    turned = diffusion(volume(np.moveaxis(gaussian[:30], 0, 2)), 2, 1e-7).concentration
    assert straight.shape == (30, 40, 40)
    assert turned.dtype == np.float32
    np.testing.assert_allclose(np.moveaxis(turned, 2, 0), straight, atol=1e-5)
    slope = np.nanmean(straight, axis=(1, 2))
    assert (np.diff(slope) < 0).all()


def test_an_isotropic_structure_stays_below_hashin_and_shtrikman(gaussian: Bools) -> None:
    found = [diffusion(volume(gaussian), axis) for axis in range(3)]
    assert all(0.2 < f.diffusivity_ratio < 2 * 0.6 / (3 - 0.6) for f in found)
    assert all(1.3 < f.tortuosity < 2 for f in found)


def test_the_ratio_is_good_long_before_the_field_is(gaussian: Bools) -> None:
    rough, fine = (diffusion(volume(gaussian), 0, tolerance) for tolerance in (1e-3, 1e-9))
    assert rough.iterations < fine.iterations < 60
    assert rough.diffusivity_ratio == pytest.approx(fine.diffusivity_ratio, rel=1e-6)
    assert rough.diffusivity_ratio >= fine.diffusivity_ratio * (1 - 1e-12)


def test_it_comes_out_the_same_again(gaussian: Bools) -> None:
    one, two = (diffusion(volume(gaussian), 1) for _ in range(2))
    assert one.diffusivity_ratio == two.diffusivity_ratio
    assert one.concentration.tobytes() == two.concentration.tobytes()


def test_fragile_clusters_settle_too() -> None:
    pore = np.random.default_rng(0).random((32, 32, 32)) < 0.35  # just above the percolation threshold
    found = diffusion(volume(pore), 0)
    alive = np.isfinite(found.concentration)
    assert found.diffusivity_ratio == pytest.approx(solved_directly(alive), rel=1e-5)


# --- diffusion: words -----------------------------------------------------------------------------


def test_no_way_through_is_an_answer_in_words() -> None:
    pore = np.ones((6, 6, 6), dtype=bool)
    pore[3] = False
    with pytest.raises(
        InputError, match=r"nothing diffuses along z: no pore of \(6, 6, 6\) .*porosity 0.833"
    ):
        diffusion(volume(pore), 0)
    assert diffusion(volume(pore), 1).diffusivity_ratio == pytest.approx(5 / 6)
    with pytest.raises(InputError, match="another axis or a larger volume"):
        diffusion(volume(np.zeros((3, 3, 3), dtype=bool)), 2)


def test_not_settled_is_an_answer_in_words(gaussian: Bools) -> None:
    told: list[tuple[int, float]] = []
    with pytest.raises(InputError, match=r"not settled after 2 iterations: the relative residual is \d\.\de"):
        diffusion(volume(gaussian), 0, max_iterations=2, progress=lambda n, off: told.append((n, off)))
    assert [n for n, _ in told] == [1, 2]
    assert all(off > 1e-5 for _, off in told)


def test_settings_that_make_no_sense_are_named() -> None:
    box = volume(np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(SettingsError, match=r"axis must be 0 \(z\), 1 \(y\) or 2 \(x\), got 3"):
        diffusion(box, 3)
    with pytest.raises(SettingsError, match="tolerance must lie between 0 and 1, got 0"):
        diffusion(box, 0, tolerance=0)
    with pytest.raises(SettingsError, match="axis must be 0"):
        geodesic_ratio(box, -1)


def test_the_numbers_of_a_result_belong_together() -> None:
    nothing = np.zeros((1, 1, 1), np.float32)
    found = Diffusion(0, 0.25, 0.5, 0.4, nothing, iterations=3, residual=0.0, imbalance=0.0)
    assert (found.tortuosity, found.tortuosity_connected, found.formation_factor) == (2, 1.6, 4)


# --- geodesic paths -------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_straight_ways_are_as_long_as_the_box_is_thick(axis: int) -> None:
    assert geodesic_ratio(volume(np.ones((30, 17, 5), dtype=bool)), axis) == 1
    tube = np.zeros((12, 12, 12), dtype=bool)
    tube[3, 4, 5] = True
    tube = np.broadcast_to(tube.any(axis=axis, keepdims=True), tube.shape)
    assert geodesic_ratio(volume(tube), axis) == 1


@pytest.mark.parametrize("degrees", [15, 30, 45, 60])
@pytest.mark.parametrize(("width", "error"), [(6, 0.01), (12, 0.005)])
def test_an_oblique_slit_is_crossed_in_straight_lines(degrees: float, width: float, error: float) -> None:
    n, tilt = 100, math.radians(degrees)
    mouth = width / math.cos(tilt)  # of the slit, along the face
    z, y = np.mgrid[:n, : int(n * math.tan(tilt) + mouth) + 6]
    off_axis = (y - mouth / 2 - 2) * math.cos(tilt) - z * math.sin(tilt)
    found = geodesic_ratio(volume((abs(off_axis) <= width / 2)[:, :, None]), 0)
    # from the nearer end of the mouth to each point of the other one
    aside = n * math.tan(tilt) + (np.arange(1000) + 0.5) / 1000 * mouth - mouth
    exact = np.hypot(n, np.maximum(aside, 0)).mean() / n
    assert found == pytest.approx(exact, rel=error)
    assert found < 1 / math.cos(tilt) * 1.001


def test_two_staggered_slits_are_passed_from_edge_to_edge() -> None:
    n, gap, aside = 60, 20, 60
    pore = np.ones((n, aside + 40, 1), dtype=bool)
    pore[20] = pore[20 + gap] = False
    pore[20, :20] = True  # open on the left
    pore[20 + gap, 20 + aside :] = True  # open on the right
    distance = geodesic_distance(pore)
    # centres: down to the left slit's edge, across between the walls, on straight down behind the other
    across = math.hypot(gap, aside + 1)
    assert distance[-1, -1, 0] == pytest.approx(20.5 + across + math.hypot(19, 19), rel=0.01)
    assert distance[-1, 20 + aside, 0] == pytest.approx(20.5 + across + 19, rel=0.01)
    assert distance[19].max() == 19.5


def test_ways_from_a_point_are_straight_in_all_directions() -> None:
    pore = np.ones((41, 61, 61), dtype=bool)
    pore[0] = False
    pore[0, 30, 30] = True
    z, y, x = np.ogrid[:41, -30:31, -30:31]
    found, exact = geodesic_distance(pore)[1:], np.sqrt(z**2 + y**2 + x**2)[1:] + 0.5
    assert abs(found / exact - 1)[20:].max() < 0.03
    assert (found / exact - 1)[20:].mean() < 0.02


def test_a_bent_tube_one_voxel_wide_is_walked_voxel_by_voxel() -> None:
    pore = np.zeros((10, 12, 3), dtype=bool)
    pore[:5, 2, 1] = pore[4, 2:10, 1] = pore[4:, 9, 1] = True  # down, 7 aside, down
    assert geodesic_ratio(volume(pore), 0) == pytest.approx((10 + 7) / 10)


def test_blind_voxels_of_the_face_are_left_out() -> None:
    pore = np.zeros((8, 8, 8), dtype=bool)
    pore[:, 1, 1] = True
    pore[5:, 6, 6] = True  # ends in the box
    assert geodesic_ratio(volume(pore), 0) == 1
    assert np.isinf(geodesic_distance(pore)[-1, 6, 6])
    pore[3, 1, 1] = False
    with pytest.raises(InputError, match=r"there is no path along z: no pore of \(8, 8, 8\) leads"):
        geodesic_ratio(volume(pore), 0)


def test_geodesic_ways_are_shorter_than_diffusion_finds_them(gaussian: Bools) -> None:
    along = [geodesic_ratio(volume(gaussian), axis) for axis in range(3)]
    assert all(1 <= length < 1.2 for length in along)
    turned = geodesic_ratio(volume(np.moveaxis(gaussian, 0, 2)), 2)
    assert turned == pytest.approx(along[0], rel=1e-3)


@given(pore=arrays(bool, (6, 5, 4), elements=st.sampled_from((True, True, False))), at=st.integers(0, 119))
@settings(max_examples=60)
def test_a_way_is_found_where_pores_connect_and_is_never_shorter_than_straight(pore: Bools, at: int) -> None:
    distance = geodesic_distance(pore)
    assert np.isfinite(distance[-1]).any() == through(pore)
    assert (distance >= np.arange(6)[:, None, None] + 0.5).all()
    if through(pore):
        assert geodesic_ratio(volume(pore), 0) >= 1
