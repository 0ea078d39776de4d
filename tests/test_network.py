"""Pore networks: lattices whose network is known, then properties, then the files."""

import base64
import csv
import re
import zlib
from dataclasses import replace
from pathlib import Path

import cc3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, maximum_filter
from skimage.segmentation import watershed

from porescape.core.network import Network
from porescape.core.volume import Volume
from porescape.errors import InputError, OutputError, SettingsError
from porescape.io.runs.network import to_openpnm, write_network_csv, write_network_vtp, write_openpnm
from porescape.measure.geometry.inscribed import fit_balls
from porescape.measure.meters.network import NUMBERS as NETWORK_NUMBERS
from porescape.measure.network.border import border_weights, few_whole, weighted_percentile
from porescape.measure.network.extract import extract_network, network_numbers
from porescape.measure.network.partition import snow_partition

Bools = NDArray[np.bool_]
Shape = tuple[int, int, int]
Place = tuple[float, ...]
SIZE = 2e-7


def ball(shape: Shape, centre: Place, radius: float) -> Bools:
    z, y, x = (axis - c for axis, c in zip(np.indices(shape), centre, strict=True))
    inside: Bools = z**2 + y**2 + x**2 < radius**2
    return inside


def tube(
    shape: tuple[int, int, int], start: tuple[float, ...], end: tuple[float, ...], radius: float
) -> Bools:
    """Straight and round, from start to end."""
    from_start = np.moveaxis(np.indices(shape), 0, -1) - np.array(start)
    along = np.subtract(end, start)
    share = (from_start @ along) / (along @ along)
    apart = np.linalg.norm(from_start - share[..., None] * along, axis=-1)
    inside: Bools = (apart < radius) & (share >= 0) & (share <= 1)
    return inside


def balls_and_sticks(offset: float, pitch: int = 18, radius: float = 6.2, stick: float = 2.7) -> Volume:
    """Three by three by three balls, joined along the axes."""
    edge = 3 * pitch
    places = [pitch // 2 + offset + pitch * k for k in range(3)]
    shape = (edge, edge, edge)
    pore = np.zeros(shape, dtype=bool)
    for a in places:
        for b in places:
            for c in places:
                pore |= ball(shape, (a, b, c), radius)
            for axis in range(3):
                start, end = np.insert([a, b], axis, places[0]), np.insert([a, b], axis, places[2])
                pore |= tube(shape, tuple(start), tuple(end), stick)
    return Volume(pore, SIZE)


@pytest.fixture(scope="module")
def gaussian() -> Volume:
    field = gaussian_filter(np.random.default_rng(1).standard_normal((48, 64, 40)), 2.5, mode="wrap")
    return Volume(field < np.quantile(field, 0.6), SIZE)


@pytest.fixture(scope="module")
def network(gaussian: Volume) -> Network:
    return extract_network(gaussian)


# --- structures whose network is known ------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, -0.5, 0.3])
def test_a_lattice_of_balls_and_sticks_has_its_own_network(offset: float) -> None:
    found = extract_network(balls_and_sticks(offset))
    at = np.indices((3, 3, 3)).reshape(3, -1).T
    steps = [(i, j) for i in range(27) for j in range(i + 1, 27) if np.abs(at[i] - at[j]).sum() == 1]
    nearest = np.rint((found.pore_centre / SIZE - 9.5 - offset) / 18).astype(int)
    order = np.ravel_multi_index(tuple(nearest.T), (3, 3, 3))
    assert sorted(order) == list(range(27))
    assert sorted(map(tuple, np.sort(order[found.throat_pores], axis=1).tolist())) == steps
    assert np.bincount(found.coordination, minlength=7).tolist() == [0, 0, 0, 8, 12, 6, 1]
    assert found.pore_centre / SIZE == pytest.approx(9.5 + offset + 18 * nearest, abs=0.3)
    assert found.body_diameter / SIZE == pytest.approx(np.full(27, 12.4), abs=0.5)
    assert found.body_diameter_extended / SIZE == pytest.approx(np.full(27, 12.4), abs=0.5)
    assert found.throat_diameter / SIZE == pytest.approx(np.full(54, 5.4), abs=0.5)
    assert found.throat_diameter_equivalent / SIZE == pytest.approx(np.full(54, 5.4), abs=0.5)
    assert found.throat_length / SIZE == pytest.approx(np.full(54, 18), abs=1)
    assert found.interior.all()
    assert found.left_out == 0


@pytest.mark.parametrize("apart", [10.0, 12.0, 14.0])
def test_the_throat_of_two_balls_that_overlap_is_the_circle_they_share(apart: float) -> None:
    shape = (24, 24, 42)
    pore = ball(shape, (11.5, 11.5, 11), 9) | ball(shape, (11.5, 11.5, 11 + apart), 9)
    found = extract_network(Volume(pore, 1.0))
    circle = 2 * (9**2 - apart**2 / 4) ** 0.5
    assert len(found.throat_diameter) == 1
    assert found.throat_diameter[0] == pytest.approx(circle, abs=0.5)
    assert found.throat_diameter_equivalent[0] == pytest.approx(circle, abs=0.5)
    assert found.throat_centre[0] == pytest.approx([12, 12, 11.5 + apart / 2], abs=0.6)
    assert found.body_diameter_extended == pytest.approx([18, 18], abs=0.5)
    assert found.pore_volume.sum() == np.count_nonzero(pore)


@pytest.mark.parametrize("end", [(9.0, 9.0, 44.0), (9.0, 33.0, 33.0), (28.0, 28.0, 28.0)])
def test_a_throat_is_as_large_in_any_direction(end: Place) -> None:
    shape = (40, 46, 56)
    start = (9.0, 9.0, 9.0)
    pore = ball(shape, start, 8) | ball(shape, end, 8) | tube(shape, start, end, 3.3)
    found = extract_network(Volume(pore, 1.0))
    assert found.throat_pores.tolist() == [[0, 1]]
    assert found.throat_diameter[0] == pytest.approx(6.6, abs=0.5)
    # the sum of the faces themselves would be 1.4 and 1.7 times the area; the rim lacks half a voxel
    assert found.throat_diameter_equivalent[0] == pytest.approx(6.6, abs=0.7)
    assert found.throat_length[0] == pytest.approx(np.linalg.norm(np.subtract(end, start)), abs=1)


@pytest.mark.parametrize("middle", [12.0, 12.5, 12.3])
@pytest.mark.parametrize("radius", [3.7, 4.0, 5.2, 7.6, 9.0])
def test_the_largest_ball_in_round_things_is_right_within_half_a_voxel(radius: float, middle: float) -> None:
    inside = ball((25, 25, 25), (middle, middle, middle), radius)
    for shape in (inside, np.repeat(inside[12:13], 25, axis=0)):
        spot = [[12.0, 12.0, 12.0]]
        centre, diameter = fit_balls(shape.astype(np.int32), *start_of_ball(shape, spot))
        assert diameter[0] == pytest.approx(2 * radius, abs=0.5 if middle != 12.3 else 0.6)
        assert centre[0, 1:] == pytest.approx([middle, middle], abs=0.3)


@pytest.mark.parametrize("width", range(6, 12))
def test_flat_channels_and_slabs_have_exactly_their_width(width: int) -> None:
    slab = np.zeros((30, 30, 30), dtype=bool)
    slab[8 : 8 + width] = True
    channel = slab & slab.transpose(1, 0, 2)
    for shape in (slab, channel):
        spot = [[8.0 + width // 2, 8.0 + width // 2, 15.0]]
        _, diameter = fit_balls(shape.astype(np.int32), *start_of_ball(shape, spot))
        assert diameter[0] == pytest.approx(width, abs=0.1)


def start_of_ball(
    inside: Bools, spot: list[list[float]]
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float32]]:
    """Solid is the only wall, and the ball starts at a voxel."""
    depth = np.linalg.norm(np.argwhere(~inside) - np.array(spot[0]), axis=1).min()
    return np.zeros(1, np.int32), np.array(spot), np.array([depth], np.float32)


def test_a_slit_longer_than_its_neighbourhood_is_one_pore() -> None:
    pore = np.zeros((12, 70, 60), dtype=bool)
    pore[3:9, 2:-2, 2:-2] = True
    found = extract_network(Volume(pore, 1.0))
    assert found.body_diameter == pytest.approx([6])
    assert found.body_diameter_extended == pytest.approx([6])


def test_one_ball_is_a_pore_without_throats() -> None:
    found = extract_network(Volume(ball((20, 24, 22), (9, 11, 10), 7.5), SIZE))
    assert found.body_diameter / SIZE == pytest.approx([15], abs=0.5)
    assert found.body_diameter_equivalent / SIZE == pytest.approx([15], abs=0.2)
    assert found.pore_density == pytest.approx(1 / (20 * 24 * 22 * SIZE**3))
    assert found.throat_pores.shape == (0, 2)
    assert found.throat_centre.shape == (0, 3)
    values, reasons = network_numbers(found, NETWORK_NUMBERS)
    assert list(values) == list(NETWORK_NUMBERS)
    assert values["coordination_number"] == values["coordination_number_all"] == 0
    assert {name for name, value in values.items() if np.isnan(value)} == set(reasons)
    assert all(name.startswith("throat") for name in reasons)


def test_faces_of_the_box_are_named_and_cut_pores_are_not_interior() -> None:
    pore = ball((30, 20, 40), (2, 10, 37), 8)
    found = extract_network(Volume(pore, 1.0))
    assert found.touches.tolist() == [[True, False, False, False, False, True]]
    assert not found.interior.any()
    assert "touches the border" in network_numbers(found, NETWORK_NUMBERS)[1]["coordination_number"]
    assert found.body_diameter[0] < 12 < found.body_diameter_extended[0]  # the border is a wall for one


# --- pores that the border cuts --------------------------------------------------------------------


def cavities(edge: int, radius: float, neck: float, shape: Shape, start: Shape = (0, 0, 0)) -> Volume:
    """A part of a cubic lattice of balls joined along the axes: a pore per cell, six throats per pore."""
    z, y, x = ((axis + s + 0.5) % edge - edge / 2 for axis, s in zip(np.indices(shape), start, strict=True))
    tubes = (y**2 + x**2 < neck**2) | (z**2 + x**2 < neck**2) | (z**2 + y**2 < neck**2)
    return Volume((z**2 + y**2 + x**2 < radius**2) | tubes, SIZE)


@pytest.mark.parametrize("start", [(0, 0, 0), (3, 3, 3), (5, 0, 8), (6, 6, 6), (1, 9, 4)])
def test_whole_cells_of_a_lattice_have_its_density_and_diameters_wherever_they_are_cut(start: Shape) -> None:
    found = extract_network(cavities(12, 4.3, 1.9, (48, 48, 48), start))
    values, reasons = network_numbers(found, NETWORK_NUMBERS)
    assert not reasons
    assert values["pore_density"] == pytest.approx((12 * SIZE) ** -3, rel=1e-6)
    for percentile in ("", "_p10", "_p50", "_p90"):
        assert values[f"body_diameter{percentile}"] / SIZE == pytest.approx(8.35, abs=0.01)
        assert values[f"throat_diameter{percentile}"] / SIZE == pytest.approx(4.07, abs=0.01)
    assert values["coordination_number"] == pytest.approx(6)
    assert np.median(found.body_diameter) / SIZE < 8.36  # over all, cut ones included, it is as low as 5.8


def test_parts_of_a_lattice_have_its_density_on_average_over_all_shifts() -> None:
    """Not exactly: 2.6 cells along an edge hold more of a pore at some places than at others."""
    shifts = [(k, (5 * k) % 12, (7 * k) % 12) for k in range(12)]  # each of the twelve along each axis
    found = [extract_network(cavities(12, 4.3, 1.9, (31, 31, 31), shift)) for shift in shifts]
    each = [network.pore_density * (12 * SIZE) ** 3 for network in found]
    assert np.mean(each) == pytest.approx(1, abs=0.1)
    assert 0.7 < min(each) < max(each) < 1.45
    alike = [len(network.body_diameter) / 31**3 * 12**3 for network in found]
    assert np.mean(alike) > 1.5
    medians = [network_numbers(network, ["body_diameter_p50"])[0]["body_diameter_p50"] for network in found]
    assert np.ptp(medians) / SIZE < 0.01


def scattered_balls(edge: int, tries: int) -> tuple[Bools, NDArray[np.float64]]:
    """Closed balls of 3 to 6 voxels radius anywhere in a periodic box, apart from each other."""
    rng = np.random.default_rng(5)
    pore = np.zeros((edge, edge, edge), dtype=bool)
    centres, radii = np.zeros((0, 3)), np.zeros(0)
    for _ in range(tries):
        radius, centre = rng.uniform(3, 6), rng.uniform(0, edge, 3)
        apart = np.abs(centres - centre)
        if (np.linalg.norm(np.minimum(apart, edge - apart), axis=1) < radii + radius + 2).any():
            continue
        centres, radii = np.vstack((centres, centre)), np.append(radii, radius)
        near = np.array(np.meshgrid(*(np.arange(c - 7, c + 8).astype(int) for c in centre), indexing="ij"))
        inside = near[:, ((near - centre[:, None, None, None]) ** 2).sum(axis=0) < radius**2]
        pore[tuple(inside % edge)] = True
    return pore, radii


def test_boxes_of_scattered_balls_have_their_density_and_diameters_on_average() -> None:
    pore, radii = scattered_balls(128, 1600)
    now, then = [], []
    for start in np.ndindex(4, 4, 4):
        z, y, x = (32 * k for k in start)
        found = extract_network(Volume(pore[z : z + 32, y : y + 32, x : x + 32], 1.0))
        if found.interior.any():
            values, _ = network_numbers(found, ["pore_density", "body_diameter"])
            now.append((values["pore_density"], values["body_diameter"]))
            then.append((len(found.body_diameter) / 32**3, found.body_diameter.mean()))
    truth = np.array([len(radii) / 128**3, 2 * radii.mean()])
    standard_error = np.std(now, axis=0, ddof=1) / len(now) ** 0.5 / truth
    error = np.mean(now, axis=0) / truth - 1
    assert (np.abs(error) < 3 * standard_error + 0.03).all(), error  # balls of voxels are right within 3 %
    assert (np.abs(np.mean(then, axis=0) / truth - 1) > 0.2).all()


def test_a_box_that_cuts_no_pore_counts_each_once() -> None:
    found = extract_network(balls_and_sticks(0))
    assert found.pore_weight.tolist() == [1] * 27
    assert found.throat_weight.tolist() == [1] * 54
    assert few_whole(found) is None  # 27 are fewer than 30, but nothing is cut


def test_without_a_whole_pore_all_count_and_a_warning_says_so() -> None:
    tubes = np.zeros((30, 24, 24), dtype=bool)
    tubes |= (((np.indices((24, 24)) % 12 - 5.5) ** 2).sum(axis=0) < 16)[None]
    found = extract_network(Volume(tubes, 1.0))
    assert found.pore_weight.tolist() == [1] * 4
    assert network_numbers(found, NETWORK_NUMBERS)[0]["body_diameter"] == pytest.approx(8, abs=0.5)
    assert "it cuts every pore (4)" in str(few_whole(found))


def test_networks_of_earlier_versions_count_everything(tmp_path: Path, network: Network) -> None:
    earlier = replace(network, pore_weight=np.zeros(0), throat_weight=np.zeros(0))
    for name in ("body_diameter", "throat_diameter", "coordination"):
        values, weights = earlier.counted(name)
        assert values == pytest.approx(getattr(network, name))
        assert (weights == 1).all()
    pores, throats = (read(path) for path in write_network_csv(tmp_path, earlier))
    assert "weight" not in pores[0]
    assert "weight" not in throats[0]


def test_few_whole_pores_are_told_and_many_are_not(network: Network) -> None:
    whole, n = np.count_nonzero(network.interior), len(network.body_diameter)
    assert 0 < whole < 30
    assert f"{whole} of {n} lie wholly inside, wanted 30" in str(few_whole(network))
    pore, _ = scattered_balls(72, 300)
    many = extract_network(Volume(pore, 1.0))
    assert 30 <= np.count_nonzero(many.interior) < len(many.body_diameter)
    assert few_whole(many) is None


@given(
    bodies=st.lists(
        st.tuples(*[st.integers(1, 18)] * 3, st.floats(1, 1e4), st.booleans()), min_size=1, max_size=30
    )
)
def test_weights_make_up_for_what_is_cut_and_for_no_more(
    bodies: list[tuple[int, int, int, float, bool]],
) -> None:
    extent = np.array([body[:3] for body in bodies])
    size, whole = np.array([body[3] for body in bodies]), np.array([body[4] for body in bodies])
    weights = border_weights(extent, whole, size, (20, 20, 20))
    assert ((weights == 0) == ~whole).all() or not whole.any()
    assert (weights[whole] >= 1).all()
    assert weights.sum() <= len(bodies) + 1e-9
    if whole.any() and weights.sum() < len(bodies) - 1e-6:
        assert weights @ size == pytest.approx(size.sum(), rel=1e-6)


@given(values=st.lists(st.floats(-5, 5), min_size=1, max_size=20), percentile=st.integers(0, 100))
def test_percentiles_of_equal_weights_are_numpys(values: list[float], percentile: int) -> None:
    found = weighted_percentile(np.array(values), np.full(len(values), 0.7), percentile)
    assert found == pytest.approx(np.percentile(values, percentile), abs=1e-9)


def test_a_weight_of_two_is_nearly_two_of_a_kind() -> None:
    values, weights = np.arange(50.0), np.where(np.arange(50) < 20, 2.0, 1.0)
    twice = np.repeat(values, weights.astype(int))
    for percentile in (10, 50, 90):
        assert abs(weighted_percentile(values, weights, percentile) - np.percentile(twice, percentile)) < 1


# --- the partition --------------------------------------------------------------------------------


def test_regions_are_those_of_a_watershed_from_their_peaks(gaussian: Volume) -> None:
    partition = snow_partition(gaussian.pore)
    distance = partition.distance
    height = np.where(gaussian.pore, gaussian_filter(distance, 0.4), 2)
    z, y, x = np.ogrid[-4:5, -4:5, -4:5]
    highest = gaussian.pore & (height == maximum_filter(height, footprint=z**2 + y**2 + x**2 < 16))
    # a region's markers are its peaks: which of them SNOW keeps is checked against PoreSpy in bench/
    own_top = np.zeros(partition.region.max() + 1)
    np.maximum.at(own_top, partition.region[highest], distance[highest])
    markers = np.where(highest & (distance == own_top[partition.region]), partition.region, 0)
    assert set(np.unique(markers)) == set(range(partition.region.max() + 1))
    again = watershed(-distance, markers, mask=partition.region > 0)
    assert np.mean(again[gaussian.pore] == partition.region[gaussian.pore]) > 0.97  # markers of some differ


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), width=st.floats(1.2, 3), shape=st.tuples(*[st.integers(8, 30)] * 3))
def test_regions_hang_together_and_fill_the_pores(
    seed: int, width: float, shape: tuple[int, int, int]
) -> None:
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width)
    pore = field < np.quantile(field, 0.65)
    try:
        region = snow_partition(pore).region
    except InputError as error:
        assert "wide enough" in str(error)  # noqa: PT017 - the other branch is as good
        return
    assert not region[~pore].any()
    _, n = cc3d.connected_components(region, connectivity=6, return_N=True)
    assert n == region.max()
    specks = cc3d.connected_components(pore, connectivity=6)
    left_out = np.unique(specks[pore & (region == 0)])
    assert not region[np.isin(specks, left_out[left_out > 0])].any()  # whole pieces only


def test_closed_specks_are_left_out_and_counted() -> None:
    pore = ball((20, 20, 30), (9, 9, 9), 6)
    pore[10, 10, 24] = pore[3, 3, 20] = True
    found = extract_network(Volume(pore, 1.0))
    assert found.region[10, 10, 24] == 0
    assert len(found.body_diameter) == 1
    assert found.left_out == pytest.approx(2 / np.count_nonzero(pore))


def test_more_smoothing_or_a_wider_ball_finds_fewer_pores(gaussian: Volume) -> None:
    pores = [snow_partition(gaussian.pore, r, s).region.max() for r, s in ((1, 0), (4, 0.4), (8, 1.5))]
    assert pores[0] > pores[1] > pores[2] > 0


@pytest.mark.parametrize(
    ("pore", "message"),
    [
        (np.zeros((8, 9, 10), dtype=bool), "needs pores, but every voxel of .* is solid"),
        (np.ones((8, 9, 10), dtype=bool), "needs walls, but every voxel of .* is pore"),
        (np.indices((8, 8, 8)).sum(axis=0) % 2 == 0, "wide enough .* use smaller voxels"),
        (np.arange(512).reshape(8, 8, 8) == 300, "wide enough"),
    ],
)
def test_what_has_no_network_says_why(pore: Bools, message: str) -> None:
    with pytest.raises(InputError, match=message):
        extract_network(Volume(pore, 1.0))


def test_impossible_settings_are_named(gaussian: Volume) -> None:
    with pytest.raises(SettingsError, match=r"r_max must be a whole number .* got 0"):
        extract_network(gaussian, r_max=0)
    with pytest.raises(SettingsError, match=r"sigma must be .* got -1"):
        extract_network(gaussian, sigma=-1)


@pytest.mark.parametrize("shape", [(1, 40, 50), (40, 1, 50), (30, 2, 60)])
def test_thin_boxes_have_a_network_too(shape: tuple[int, int, int]) -> None:
    middle = tuple(n // 2 for n in shape)
    found = extract_network(Volume(ball(shape, middle, 12), 1.0))
    assert found.body_diameter_extended[0] == pytest.approx(24, abs=1.5)
    assert found.body_diameter[0] <= max(2.7, min(shape) * 1.7)  # the border is a wall


# --- properties -----------------------------------------------------------------------------------


def test_the_network_is_consistent_with_itself(gaussian: Volume, network: Network) -> None:
    pairs = network.throat_pores
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert sorted(map(tuple, pairs.tolist())) == list(map(tuple, pairs.tolist()))
    assert network.coordination.sum() == 2 * len(pairs)
    assert network.pore_volume.sum() == pytest.approx((network.region > 0).sum() * SIZE**3)
    spot = np.floor(network.pore_centre / SIZE).astype(int)
    assert np.mean(network.region[tuple(spot.T)] == np.arange(1, len(spot) + 1)) > 0.95
    assert (network.body_diameter <= network.body_diameter_extended + 0.6 * SIZE).all()
    assert (network.body_diameter < 1.1 * network.body_diameter_equivalent).all()
    assert network.region.dtype == np.int32
    assert network.left_out < 0.01


def test_a_larger_voxel_scales_every_length(gaussian: Volume, network: Network) -> None:
    coarse = extract_network(Volume(gaussian.pore, 3 * SIZE))
    assert np.array_equal(coarse.throat_pores, network.throat_pores)
    for name in (
        "pore_centre",
        "body_diameter",
        "body_diameter_extended",
        "throat_diameter",
        "throat_length",
    ):
        assert getattr(coarse, name) == pytest.approx(3 * getattr(network, name)), name
    assert coarse.throat_area == pytest.approx(9 * network.throat_area)
    assert coarse.pore_density == pytest.approx(network.pore_density / 27)


def test_the_layout_in_memory_does_not_matter(gaussian: Volume, network: Network) -> None:
    turned = extract_network(Volume(np.asfortranarray(gaussian.pore), SIZE))
    assert np.array_equal(turned.region, network.region)
    assert np.array_equal(turned.throat_diameter, network.throat_diameter)


def test_numbers_are_means_and_percentiles(network: Network) -> None:
    values, reasons = network_numbers(network, NETWORK_NUMBERS)
    assert not reasons
    pores, throats = network.pore_weight, network.throat_weight
    assert values["body_diameter"] == pytest.approx(pores @ network.body_diameter / pores.sum())
    assert values["throat_diameter"] == pytest.approx(throats @ network.throat_diameter / throats.sum())
    below = network.throat_diameter < values["throat_diameter_p90"]
    assert throats[below].sum() / throats.sum() == pytest.approx(0.9, abs=0.03)
    assert values["coordination_number"] == pytest.approx(pores @ network.coordination / pores.sum())
    assert values["coordination_number"] > values["coordination_number_all"]
    assert values["whole_pores"] == network.interior.sum()
    assert values["pore_density"] == network.pore_density
    assert NETWORK_NUMBERS["body_diameter_extended_p10"].unit == "m"


def test_berea_has_as_many_pores_as_porespy_finds(shared: Path) -> None:
    with np.load(shared / "volumes" / "berea_256.npz") as archive:
        bits = np.unpackbits(archive["packed"], count=256**3).reshape(256, 256, 256).astype(bool)
    found = extract_network(Volume(bits[:100, :100, :100], 5.345e-6))
    assert len(found.body_diameter) == 170  # porespy 3.2, snow_partitioning


# --- files ----------------------------------------------------------------------------------------


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_have_a_row_per_pore_and_per_throat(tmp_path: Path, network: Network) -> None:
    pores, throats = (read(path) for path in write_network_csv(tmp_path, network))
    assert len(pores) == len(network.body_diameter)
    assert len(throats) == len(network.throat_diameter)
    diameter = np.array([float(row["body_diameter_m"]) for row in pores])
    assert diameter == pytest.approx(network.body_diameter, rel=1e-8)
    assert [int(row["coordination_number"]) for row in pores] == network.coordination.tolist()
    assert [int(row["interior"]) for row in pores] == network.interior.astype(int).tolist()
    assert [(int(r["pore_1"]), int(r["pore_2"])) for r in throats] == list(
        map(tuple, network.throat_pores.tolist())
    )
    for rows, weights in ((pores, network.pore_weight), (throats, network.throat_weight)):
        assert [float(row["weight"]) for row in rows] == pytest.approx(weights, rel=1e-8)
    assert float(throats[3]["centre_y_m"]) == pytest.approx(network.throat_centre[3, 1])
    with pytest.raises(OutputError, match="could not be written"):
        write_network_csv(tmp_path / "nowhere", network)


def vtp_array(text: str, name: str) -> NDArray[np.generic]:
    found = re.search(rf'type="(\w+)" Name="{name}".*?>\s*(\S+)\s*<', text)
    assert found
    kind = {"Float32": "<f4", "Int32": "<i4", "Int64": "<i8", "UInt8": "<u1"}[found[1]]
    n = int(np.frombuffer(base64.b64decode(found[2][:12])[:8], "<u8")[0])
    length = -(-8 * (3 + n) // 3) * 4
    sizes = np.frombuffer(base64.b64decode(found[2][:length]), "<u8")[3 : 3 + n].astype(int)
    body = base64.b64decode(found[2][length:])
    ends = np.cumsum(sizes)
    raw = b"".join(zlib.decompress(body[e - s : e]) for s, e in zip(sizes, ends, strict=True))
    return np.frombuffer(raw, kind)


def test_spheres_and_tubes_are_closed_and_have_their_volume(tmp_path: Path, network: Network) -> None:
    path = tmp_path / "network.vtp"
    write_network_vtp(path, network)
    text = path.read_text()
    points = vtp_array(text, "Points").astype(float).reshape(-1, 3)
    triangles = vtp_array(text, "connectivity").astype(int).reshape(-1, 3)
    kind, number = vtp_array(text, "kind").astype(int), vtp_array(text, "number").astype(int)
    assert vtp_array(text, "offsets").astype(int).tolist() == list(range(3, 3 * len(triangles) + 3, 3))
    assert len(kind) == len(number) == len(vtp_array(text, "diameter")) == len(triangles)
    assert triangles.max() == len(points) - 1
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    there = {tuple(edge) for edge in edges.tolist()}
    assert len(there) == len(edges)
    assert {(b, a) for a, b in there} == there  # every edge has a triangle on either side
    a, b, c = (points[triangles[:, k]] for k in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    spheres = np.bincount(number[kind == 0], volume[kind == 0])
    assert spheres == pytest.approx(np.pi / 6 * network.body_diameter**3, rel=0.2)
    assert (spheres > 0).all()  # seen from outside
    thin = np.minimum(network.throat_diameter, network.body_diameter[network.throat_pores].min(axis=1))
    tubes = np.bincount(number[kind == 1], volume[kind == 1])
    assert np.median(tubes / (np.pi / 4 * thin**2 * network.throat_length)) == pytest.approx(0.9, abs=0.1)
    middle = points[np.unique(triangles[(kind == 0) & (number == 5)])].mean(axis=0)
    assert middle == pytest.approx(network.pore_centre[5, ::-1], rel=1e-4)


def test_a_network_without_throats_can_be_written(tmp_path: Path) -> None:
    lone = extract_network(Volume(ball((16, 16, 16), (8, 8, 8), 6), SIZE))
    write_network_vtp(tmp_path / "lone.vtp", lone)
    text = (tmp_path / "lone.vtp").read_text()
    assert len(vtp_array(text, "diameter")) == 320
    assert read(write_network_csv(tmp_path, lone)[1]) == []


def test_openpnm_gets_its_own_names_in_x_y_z(tmp_path: Path, network: Network) -> None:
    found = to_openpnm(network)
    assert np.array_equal(found["pore.coords"], network.pore_centre[:, ::-1])
    assert np.array_equal(found["throat.conns"], network.throat_pores)
    assert np.array_equal(found["pore.xmax"], network.touches[:, 5])
    for key, array in found.items():
        assert len(array) == len(network.body_diameter if key.startswith("pore") else network.throat_diameter)
    write_openpnm(tmp_path / "network.csv", network)
    rows = read(tmp_path / "network.csv")
    assert len(rows) == max(len(network.body_diameter), len(network.throat_diameter))
    assert float(rows[2]["pore.coords[0]"]) == pytest.approx(network.pore_centre[2, 2])
    assert [row["pore.all"] for row in rows].count("True") == len(network.body_diameter)
    assert rows[len(network.body_diameter)]["pore.all"] == ""
