"""The numbers of a volume: closed forms, then properties, then the words a user may meet."""

import itertools
import math

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.measure import euler_number

from porescape.core.measurement import Estimate, Measurement
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.connectivity import (
    connected_porosities,
    connected_porosity,
    largest_cluster_fraction,
)
from porescape.measure.geometry.correlation import (
    correlation_length,
    lineal_path,
    mean_chords,
    two_point_correlation,
)
from porescape.measure.geometry.minkowski import (
    CROFTON_WEIGHT,
    DIRECTIONS,
    euler_density,
    specific_surface,
)
from porescape.measure.geometry.thickness import local_thickness, mean_thickness
from porescape.measure.meters import NUMBERS, pick
from porescape.measure.summary import interval_of, summarise
from porescape.measure.volume import measure_volume

Bools = NDArray[np.bool_]


def distance_squared(shape: tuple[int, int, int], centre: tuple[float, float, float]) -> NDArray[np.float64]:
    z, y, x = np.ogrid[tuple(map(slice, shape))]
    return (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2


def sphere(edge: int, radius: float, centre: float | None = None) -> Bools:
    middle = (edge - 1) / 2 if centre is None else centre
    return distance_squared((edge, edge, edge), (middle, middle, middle)) < radius**2


def slabs(edge: int, pore: int, solid: int) -> Bools:
    """Layers across z."""
    layers = np.arange(edge) % (pore + solid) < pore
    return np.broadcast_to(layers[:, None, None], (edge, edge, edge)).copy()


def overlapping_spheres(edge: int, radius: float, porosity: float, seed: int) -> Bools:
    """Periodic overlapping solid spheres: the pores are what they leave."""
    rng = np.random.default_rng(seed)
    pore = np.ones((edge, edge, edge), dtype=bool)
    for centre in rng.uniform(
        0, edge, (round(-math.log(porosity) * edge**3 / (4 / 3 * math.pi * radius**3)), 3)
    ):
        low = np.floor(centre - radius).astype(int)
        axes = [np.arange(start, start + math.ceil(2 * radius) + 2) for start in low]
        near = [((axis - c) ** 2) for axis, c in zip(axes, centre, strict=True)]
        ball = near[0][:, None, None] + near[1][:, None] + near[2] < radius**2
        pore[np.ix_(*(axis % edge for axis in axes))] &= ~ball
    return pore


@pytest.fixture(scope="module")
def gaussian() -> Bools:
    rng = np.random.default_rng(1)
    field = gaussian_filter(rng.standard_normal((48, 48, 48)), 2.5, mode="wrap")
    below: Bools = field < np.quantile(field, 0.6)
    return below


def volumes() -> st.SearchStrategy[Volume]:
    shapes = array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=7)
    return st.builds(Volume, arrays(bool, shapes), st.just(1.0))


# --- specific surface -----------------------------------------------------------------------------


def test_the_crofton_weights_share_out_all_directions() -> None:
    steps = [sum(map(abs, step)) for step in DIRECTIONS]
    assert len(steps) == 13
    assert 2 * sum(CROFTON_WEIGHT[step] for step in steps) == pytest.approx(1, abs=1e-12)


def test_a_flat_wall_comes_out_as_far_off_as_the_docstring_says() -> None:
    z, y, x = np.ogrid[:24, :24, :24]
    for field, edges, expected in (
        (z + 0 * y + 0 * x, 1, 0.9266),
        (z + y + 0 * x, 2, 0.933),
        (z + y + x, 3, 0.961),
    ):
        windows = [Volume((field + start) % 20 < 10, 1.0) for start in range(20)]  # all places in the period
        found = np.mean([specific_surface(window) for window in windows])
        assert found / (2 / 20 * math.sqrt(edges)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("radius", [10.0, 14.6])
def test_a_sphere_has_the_surface_we_can_work_out_by_hand(radius: float) -> None:
    edge = 40
    surface = specific_surface(Volume(sphere(edge, radius), 2.0))
    # a pair along an axis has fewer positions than a voxel, along a diagonal fewer still
    fewer = edge / (edge - 1)
    positions = sum(2 * CROFTON_WEIGHT[steps] * n * fewer**steps for steps, n in ((1, 3), (2, 6), (3, 4)))
    assert surface * 2.0 * edge**3 / positions == pytest.approx(4 * math.pi * radius**2, rel=0.01)


# --- Euler characteristic -------------------------------------------------------------------------


@given(pore=arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=6)))
def test_an_object_that_the_border_does_not_reach_has_its_own_euler_number(pore: Bools) -> None:
    box = np.pad(pore, 2)
    found = euler_density(Volume(box, 1.0)) * box.size
    assert found == pytest.approx(euler_number(box, connectivity=1), abs=1e-9)


def pore_groups(pore: Bools, pairs: tuple[bool, ...]) -> Bools:
    """Return where a voxel of pore, or a pair, square or cube along the axes in `pairs`, begins."""
    for axis in np.flatnonzero(pairs):
        pore = np.delete(pore, -1, axis) & np.delete(pore, 0, axis)
    return pore


@pytest.mark.parametrize("nx", [2, 3, 63, 64, 65, 66, 127, 130])
@pytest.mark.parametrize("turn", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_euler_density_is_the_weighted_mean_over_all_cubes_of_voxels(
    nx: int, turn: tuple[int, int, int]
) -> None:
    """A cube's share: each voxel 1/8, pair 1/4, square 1/2; the first and last cube of an axis 3/2."""
    pore = (np.random.default_rng(nx).random((3, 4, nx)) < 0.7).transpose(turn)
    cubes = np.zeros(tuple(n - 1 for n in pore.shape))
    for pairs in itertools.product((False, True), repeat=3):
        group = pore_groups(pore, pairs).astype(float)
        for axis in range(3):  # a group lies in 1, 2 or 4 of the cubes around it: each has its share
            if not pairs[axis]:
                group = (np.delete(group, -1, axis) + np.delete(group, 0, axis)) / 2
        cubes += (-1) ** sum(pairs) * group
    for axis in range(3):
        ends = np.ones(cubes.shape[axis])
        ends[0] += 0.5
        ends[-1] += 0.5
        cubes *= ends.reshape(tuple(-1 if other == axis else 1 for other in range(3)))
    assert euler_density(Volume(pore, 1.0)) * pore.size == pytest.approx(cubes.sum(), abs=1e-9)


@pytest.mark.parametrize("cells", [1, 2, 3])
@pytest.mark.parametrize("phase", [0.0, math.pi])
def test_schwarz_p_has_two_tunnels_more_than_pieces_per_cell(cells: int, phase: float) -> None:
    wave = np.cos((np.arange(24 * cells) + 0.5) * 2 * math.pi / 24 + phase)
    pore = wave[:, None, None] + wave[:, None] + wave > 0
    assert euler_density(Volume(pore, 0.5)) * (24 * 0.5) ** 3 == pytest.approx(-2)


def test_three_closed_balls_are_three_pieces() -> None:
    z, y, x = np.indices((40, 40, 40))
    pore = np.zeros((40, 40, 40), dtype=bool)
    for k, j, i in ((10, 10, 10), (28, 24, 12), (20, 12, 30)):
        pore |= (z - k) ** 2 + (y - j) ** 2 + (x - i) ** 2 < 36
    assert euler_density(Volume(pore, 0.1)) == pytest.approx(3 / 4.0**3)
    assert euler_density(Volume(~pore, 0.1)) == pytest.approx(3 / 4.0**3)  # enclosed islands


def test_blocks_of_a_material_scatter_no_more_than_with_every_group_at_its_own_positions() -> None:
    """Why weights: the first estimator adds the scatter of porosity to that of topology."""
    noise = np.random.default_rng(3).normal(size=(96, 96, 96))
    field = gaussian_filter(noise, 3, mode="wrap") > 0
    now, then = [], []
    for z, y, x in itertools.product(range(0, 96, 24), repeat=3):
        block = field[z : z + 24, y : y + 24, x : x + 24]
        now.append(euler_density(Volume(block, 1.0)))
        every = itertools.product((False, True), repeat=3)
        then.append(sum((-1) ** sum(pairs) * pore_groups(block, pairs).mean() for pairs in every))
    assert np.std(now) < 0.9 * np.std(then)  # 0.86, with this seed


def test_windows_of_a_periodic_lattice_have_its_euler_density_on_average() -> None:
    unit = np.zeros((6, 6, 6), dtype=bool)
    unit[1:3, 1:3, :] = unit[1:3, :, 1:3] = unit[:, 1:3, 1:3] = True  # three crossing channels: 1 - 3
    tiled = np.tile(unit, (3, 3, 3))
    corners = np.ndindex(6, 6, 6)
    densities = [euler_density(Volume(tiled[z : z + 7, y : y + 5, x : x + 4], 0.5)) for z, y, x in corners]
    assert np.mean(densities) == pytest.approx(-2 / (6 * 0.5) ** 3)


# --- connectivity ---------------------------------------------------------------------------------


def test_disconnected_channels_count_only_along_their_own_axis() -> None:
    pore = np.zeros((10, 10, 10), dtype=bool)
    pore[:, 2, 2] = True
    pore[6, :, 6] = True
    pore[8, 8, :7] = True  # a dead end
    volume = Volume(pore, 1.0)
    assert connected_porosities(volume) == pytest.approx((0.01, 0.01, 0))
    assert [connected_porosity(volume, axis) for axis in range(3)] == list(connected_porosities(volume))


def test_voxels_that_share_only_an_edge_are_not_connected() -> None:
    diagonal = np.eye(8, dtype=bool)[:, :, None].repeat(8, axis=2)
    assert connected_porosities(Volume(diagonal, 1.0)) == (0, 0, 0.125)


def test_the_cells_of_a_checkerboard_are_all_loose() -> None:
    board = np.indices((6, 6, 6)).sum(axis=0) % 2 == 0
    assert largest_cluster_fraction(board) == pytest.approx((1 / 108, 1 / 108))
    assert connected_porosities(Volume(board, 1.0)) == (0, 0, 0)


def test_an_absent_phase_has_no_loose_voxels() -> None:
    assert largest_cluster_fraction(np.ones((3, 3, 3), dtype=bool)) == (1, 1)
    assert largest_cluster_fraction(np.zeros((3, 3, 3), dtype=bool)) == (1, 1)


@given(volume=volumes())
def test_clusters_are_those_of_an_independent_labelling(volume: Volume) -> None:
    shares = []
    for phase in (volume.pore, ~volume.pore):
        sizes = np.bincount(cc3d.connected_components(phase, connectivity=6).ravel())[1:]
        shares.append(sizes.max() / sizes.sum() if sizes.size else 1.0)
    assert largest_cluster_fraction(volume.pore) == pytest.approx(tuple(shares))
    labels = cc3d.connected_components(volume.pore.copy(), connectivity=6)
    for axis in range(3):
        through = np.intersect1d(labels.take(0, axis), labels.take(-1, axis))
        expected = np.isin(labels, through[through > 0]).mean()
        assert connected_porosity(volume, axis) == pytest.approx(expected)


# --- thickness ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", range(1, 10))
def test_slabs_of_odd_and_even_width_have_exactly_their_width(width: int) -> None:
    slab = np.zeros((30, 8, 8), dtype=bool)
    slab[8 : 8 + width] = True
    assert np.array_equal(local_thickness(slab), np.where(slab, np.float32(width), np.float32(0)))


def test_layers_have_their_thickness_in_metres() -> None:
    pore, solid = mean_thickness(Volume(slabs(30, 6, 5)[3:25], 1e-8))  # half, whole and half a layer of pore
    assert solid == pytest.approx(5e-8)
    assert pore == pytest.approx((6 * 5e-8 + 6 * 6e-8) / 12)  # 3 voxels before a wall: 2 * 3 - 1


@pytest.mark.parametrize("radius", [3.7, 5.2, 7.6, 10.3])
def test_round_things_about_a_voxel_have_their_diameter_within_half_a_voxel(radius: float) -> None:
    ball = sphere(27, radius)
    tube = np.repeat(ball[13:14], 6, axis=0)
    for shape in (ball, tube):
        assert local_thickness(shape)[shape].max() == pytest.approx(2 * radius, abs=0.5)
        assert local_thickness(shape)[shape].mean() == pytest.approx(2 * radius, abs=0.6)


def test_round_things_anywhere_are_at_most_somewhat_thin() -> None:
    for centre in (13.5, 13.25):
        ball = sphere(27, 8.0, centre)
        assert -1.5 < local_thickness(ball).max() - 16 < 0.5


def test_the_thickness_is_that_of_a_search_over_all_balls(gaussian: Bools) -> None:
    pore = gaussian[:18, :18, :18]
    distance_to_wall = np.sqrt(
        np.min([distance_squared(pore.shape, tuple(wall)) for wall in np.argwhere(~pore)], axis=0)
    )
    thinnest = np.zeros(pore.shape)
    thickest = np.zeros(pore.shape)
    for centre in map(tuple, np.argwhere(pore)):
        inside = distance_squared(pore.shape, centre) < distance_to_wall[centre] ** 2 - 1e-6
        thinnest[inside] = np.maximum(thinnest[inside], 2 * distance_to_wall[centre] - 1)
        thickest[inside] = np.maximum(thickest[inside], 2 * distance_to_wall[centre])
    found = local_thickness(pore)
    assert (found >= thinnest - 1e-5).all()
    assert found.mean() < thickest.mean()


def test_without_a_wall_the_thickness_is_infinite_and_without_pores_zero() -> None:
    assert np.isinf(local_thickness(np.ones((3, 4, 5), dtype=bool))).all()
    assert not local_thickness(np.zeros((3, 4, 5), dtype=bool)).any()


# --- correlation and chords -----------------------------------------------------------------------


def test_overlapping_spheres_follow_torquatos_formulas() -> None:
    radius, porosity = 6.0, 0.5
    lags = np.arange(25)
    found = [overlapping_spheres(80, radius, porosity, seed) for seed in range(3)]
    pore = [Volume(structure, 1.0) for structure in found]
    eta = -math.log(np.mean([v.porosity for v in pore]))
    x = np.minimum(lags / (2 * radius), 1)
    union = 1 + 1.5 * x - 0.5 * x**3  # volume of two spheres a lag apart, by that of one
    s2 = np.mean([two_point_correlation(v.pore, 24) for v in pore], axis=0)
    assert s2 == pytest.approx(np.exp(-eta * union), abs=0.02)
    path = np.mean([lineal_path(v.pore, 24) for v in pore], axis=0)
    assert path == pytest.approx(np.exp(-eta * (1 + 0.75 * lags / radius)), abs=0.02)
    chord = np.mean([mean_chords(v)[0] for v in pore])
    assert chord == pytest.approx(4 * radius / (3 * eta), rel=0.06)  # the lattice misses the shortest chords
    surface = np.mean([specific_surface(v) for v in pore])
    # edges where spheres meet are blunted by the lattice: 6 % at this radius, half of it at twice the radius
    assert surface == pytest.approx(3 * eta * math.exp(-eta) / radius, rel=0.08)


def test_slabs_have_the_correlation_path_and_chords_of_their_period() -> None:
    cut = [slabs(30, 4, 6)[start : start + 17] for start in range(10)]  # all places in the period alike
    s2 = np.mean([two_point_correlation(pore, 10) for pore in cut], axis=0)
    along_z = np.array([4, 3, 2, 1, 0, 0, 0, 1, 2, 3, 4]) / 10
    along_xy = 0.4
    pairs_z = (17 - np.arange(11)) * 900
    pairs_xy = 2 * 17 * 30 * (30 - np.arange(11))
    assert s2 == pytest.approx((along_z * pairs_z + along_xy * pairs_xy) / (pairs_z + pairs_xy))
    path = np.mean([lineal_path(pore, 10) for pore in cut], axis=0)
    row_z = np.array([4, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0]) / 10
    assert path == pytest.approx((row_z * pairs_z + along_xy * pairs_xy) / (pairs_z + pairs_xy))


def test_layers_have_a_mean_chord_of_three_thicknesses() -> None:
    pore, solid = mean_chords(Volume(slabs(61, 4, 6)[:60], 1e-9))
    assert pore == pytest.approx(12e-9, rel=0.1)
    assert solid == pytest.approx(18e-9, rel=0.1)


def test_chords_do_not_shrink_in_a_small_box(gaussian: Bools) -> None:
    whole = mean_chords(Volume(gaussian, 1.0))
    eighths = [Volume(gaussian[z : z + 16, y : y + 16, x : x + 16], 1.0)
               for z in (0, 16, 32) for y in (0, 16, 32) for x in (0, 16, 32)]  # fmt: skip
    changes = np.mean([v.porosity / mean_chords(v)[0] for v in eighths])
    assert gaussian.mean() / changes == pytest.approx(whole[0], rel=0.01)


def test_the_correlation_length_of_a_gaussian_field_is_near_that_of_its_covariance() -> None:
    width = 4.0
    field = gaussian_filter(np.random.default_rng(0).standard_normal((96, 96, 96)), width, mode="wrap")
    length = correlation_length(Volume(field < 0, 1e-9))
    # arcsine law at porosity 1/2: covariance = 2/pi asin(rho), rho = exp(-r²/(4 width²))
    exact = 2 * width * math.sqrt(-math.log(math.sin(math.pi / 2 / math.e)))
    assert length == pytest.approx(exact * 1e-9, rel=0.05)


# --- all of them ----------------------------------------------------------------------------------

BASIC = pick(["basic"])


@settings(deadline=None, max_examples=40)
@given(volume=volumes())
def test_every_number_has_a_value_or_a_reason(volume: Volume) -> None:
    found = measure_volume(volume, BASIC)
    assert list(found.values) == list(BASIC)
    for name, value in found.values.items():
        assert math.isnan(value) == (name in found.reasons), name
        assert not math.isinf(value)


@settings(deadline=None, max_examples=25)
@given(volume=volumes(), axes=st.permutations(range(3)), flips=st.lists(st.integers(0, 2)))
def test_numbers_do_not_depend_on_orientation(volume: Volume, axes: list[int], flips: list[int]) -> None:
    turned = measure_volume(
        Volume(np.flip(volume.pore, tuple(set(flips))).transpose(axes), volume.voxel_size), BASIC
    ).values
    here = measure_volume(volume, BASIC).values
    along = [f"connected_porosity_{axis}" for axis in "zyx"]
    for name, axis in zip(along, axes, strict=True):
        assert turned[name] == pytest.approx(here[along[axis]])
    for name in set(BASIC) - set(along):
        assert turned[name] == pytest.approx(here[name], nan_ok=True, abs=1e-6), name


@settings(deadline=None, max_examples=25)
@given(volume=volumes())
def test_swapping_the_phases_swaps_their_numbers(volume: Volume) -> None:
    here = measure_volume(volume, BASIC).values
    swapped = measure_volume(Volume(~volume.pore, volume.voxel_size), BASIC).values
    for name, other in (
        ("specific_surface", "specific_surface"),
        ("chord_pore", "chord_solid"),
        ("thickness_pore", "thickness_solid"),
    ):
        assert swapped[name] == pytest.approx(here[other], nan_ok=True), name
    assert largest_cluster_fraction(~volume.pore) == largest_cluster_fraction(volume.pore)[::-1]


def test_a_larger_voxel_scales_every_number_by_the_power_of_its_unit(gaussian: Bools) -> None:
    fine, coarse = (measure_volume(Volume(gaussian[:24, :24, :24], size)).values for size in (1e-9, 3e-9))
    power = {"1": 0, "m": 1, "m²": 2, "1/m": -1, "1/m³": -3, "Pa": -1}
    power |= {"m/s": 1, "m/(s Pa)": 1}  # permeability / thickness
    for name, number in NUMBERS.items():
        if name in ("gas_permeance_z", "knudsen_number_z"):
            continue  # they mix lengths with the mean free path; tests/test_meters.py has their law
        grown = fine[name] * 3.0 ** power[number.unit]
        assert coarse[name] == pytest.approx(grown, rel=1e-5, nan_ok=True), name


def test_the_layout_in_memory_does_not_matter(gaussian: Bools) -> None:
    block = gaussian[:20, :16, :12]
    here = measure_volume(Volume(block, 1.0), BASIC).values
    assert measure_volume(Volume(np.asfortranarray(block), 1.0), BASIC).values == here
    assert measure_volume(Volume(np.ascontiguousarray(block), 1.0), BASIC).values == here


def test_only_the_numbers_asked_for_are_measured() -> None:
    steps: list[tuple[str, int, int]] = []
    found = measure_volume(
        Volume(slabs(8, 2, 2), 1.0), ["chord_solid", "porosity"], lambda *s: steps.append(s)
    )
    assert list(found.values) == ["porosity", "chord_solid"]
    assert steps == [("porosity", 1, 2), ("chords", 2, 2)]


def test_a_summary_has_students_interval_and_the_papers_margin() -> None:
    numbers = [Measurement({"porosity": value}, {}) for value in (0.5, 0.6, 0.7, 0.6)]
    estimate = summarise(numbers)["porosity"]
    sd = math.sqrt(0.02 / 3)
    assert estimate.mean == pytest.approx(0.6)
    assert estimate.sd == pytest.approx(sd)
    factor = math.exp(3.1824463 * sd / 2 / 0.6)
    assert estimate.ci95 == pytest.approx((0.6 / factor, 0.6 * factor))
    assert estimate.paper_margin == pytest.approx(1.96 * sd / 2)
    assert (estimate.unit, estimate.n) == ("1", 4)


def test_the_interval_of_a_signed_number_is_centred_on_its_mean() -> None:
    numbers = [Measurement({"euler_density": value}, {}) for value in (-3.0, 1.0)]
    half = 2 * 12.7062047  # Student's t of one degree of freedom
    assert summarise(numbers)["euler_density"].ci95 == pytest.approx((-1 - half, -1 + half))


@given(mean=st.floats(0, 1e12), margin=st.floats(0, 1e12), scale=st.sampled_from((0.25, 2.0, 1024.0)))
def test_no_interval_of_a_positive_number_reaches_below_zero(
    mean: float, margin: float, scale: float
) -> None:
    low, high = interval_of(mean, margin)
    assert 0 <= low <= mean <= high < math.inf
    rounding = 1e-12 * (mean + margin)
    assert high - mean + rounding >= margin >= mean - low - rounding
    assert interval_of(scale * mean, scale * margin) == pytest.approx((scale * low, scale * high))


def test_intervals_stay_within_what_a_number_can_be() -> None:
    two = [Measurement({"tortuosity_z": t, "porosity": p}, {}) for t, p in ((1.1, 0.8), (1.5, 0.9))]
    found = summarise(two)
    assert found["tortuosity_z"].ci95[0] == 1  # no way is shorter than straight
    assert found["tortuosity_z"].ci95[1] > 3
    assert found["porosity"].ci95[1] == 1
    assert found["porosity"].ci95[0] < 0.5
    assert interval_of(0.9999, 0.0, least=1.0) == (0.9999, 0.9999)  # a rounded mean is let be


@given(mean=st.floats(0.1, 10), share=st.floats(0, 0.01))
def test_a_narrow_interval_has_its_half_width_on_either_side(mean: float, share: float) -> None:
    low, high = interval_of(mean, share * mean)
    assert (mean - low, high - mean) == pytest.approx((share * mean,) * 2, rel=0.006, abs=1e-12)


def test_an_interval_widens_steadily_through_the_margin_that_is_the_mean() -> None:
    ends = np.array([interval_of(1.0, margin) for margin in np.linspace(0.9, 1.1, 201)])
    steps = np.diff(ends, axis=0)
    assert (steps[:, 0] < 0).all()
    assert (steps[:, 1] > 0).all()
    assert np.abs(steps).max() < 0.003


def test_a_summary_leaves_out_what_has_no_value_and_says_so() -> None:
    nan = math.nan
    numbers = [Measurement({"euler_density": value}, {}) for value in (nan, -2.0, nan)]
    one = summarise(numbers)["euler_density"]
    assert (one.mean, one.n, one.unit) == (-2.0, 1, "1/m³")
    assert np.isnan([one.sd, *one.ci95, one.paper_margin]).all()
    none = summarise(numbers[:1])["euler_density"]
    assert isinstance(none, Estimate)
    assert math.isnan(none.mean)
    assert none.n == 0


# --- words ----------------------------------------------------------------------------------------

EMPTY = Volume(np.zeros((5, 5, 5), dtype=bool), 1.0)
OPEN = Volume(np.ones((5, 5, 5), dtype=bool), 1.0)
SHEET = Volume(np.indices((1, 6, 6)).sum(axis=0) % 2 == 0, 1.0)


def test_a_volume_of_one_phase_is_told_which() -> None:
    for number in (mean_thickness, mean_chords, correlation_length):
        with pytest.raises(InputError, match=r"every voxel.* is solid"):
            number(EMPTY)
        with pytest.raises(InputError, match=r"every voxel.* is pore"):
            number(OPEN)


def test_a_volume_of_one_phase_has_no_surface_and_is_open_or_closed() -> None:
    assert (
        specific_surface(OPEN) == euler_density(OPEN) == specific_surface(EMPTY) == euler_density(EMPTY) == 0
    )
    assert connected_porosities(OPEN) == (1, 1, 1)
    assert connected_porosities(EMPTY) == (0, 0, 0)


def test_a_sheet_one_voxel_thick_is_told_what_it_lacks() -> None:
    with pytest.raises(InputError, match=r"specific surface needs at least 2 voxels .* \(1, 6, 6\)"):
        specific_surface(SHEET)
    with pytest.raises(InputError, match=r"Euler density needs at least 2 voxels"):
        euler_density(SHEET)
    with pytest.raises(InputError, match=r"at 0 voxels, half the shortest edge"):
        correlation_length(SHEET)


def test_a_structure_larger_than_the_box_has_no_correlation_length() -> None:
    with pytest.raises(InputError, match=r"still 0\.\d\d at 7 voxels.*measure a larger volume"):
        correlation_length(Volume(slabs(20, 10, 10)[:14], 1.0))


@pytest.mark.parametrize("lag", [-1, 5])
def test_a_lag_beyond_the_box_is_refused(lag: int) -> None:
    for curve in (two_point_correlation, lineal_path):
        with pytest.raises(InputError, match=rf"0 \.\.\. 4 voxels in a box of \(5, 5, 5\), got {lag}"):
            curve(OPEN.pore, lag)


def test_an_unknown_number_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="nothing measures tortuous; known are all, basic, network"):
        measure_volume(OPEN, ["porosity", "tortuous"])


def test_a_summary_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="at least one measurement"):
        summarise([])
