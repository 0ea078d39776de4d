"""Curves, Minkowski densities and representativity: closed forms first, then properties, then words."""

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.correlation import lineal_path, mean_chords, two_point_correlation
from porescape.measure.geometry.minkowski import euler_density, specific_surface
from porescape.measure.geometry.morphology import (
    Phase,
    chord_distribution,
    lineal_path_curve,
    minkowski_densities,
    thickness_distribution,
    two_point_curve,
)
from porescape.measure.section.representative import (
    REPRESENTED,
    Representativity,
    Scatter,
    integral_range,
    representativity,
    too_small,
)

Bools = NDArray[np.bool_]


def random_voxels(edge: int, porosity: float, seed: int = 0) -> Bools:
    below: Bools = np.random.default_rng(seed).random((edge, edge, edge)) < porosity
    return below


def ball(edge: int, radius: float) -> Bools:
    far = np.sum((np.indices((edge, edge, edge)) - (edge - 1) / 2) ** 2, axis=0)
    inside: Bools = far < radius**2
    return inside


def disc(edge: int, radius: float, length: int) -> Bools:
    far = np.sum((np.indices((edge, edge)) - (edge - 1) / 2) ** 2, axis=0)
    return np.repeat((far < radius**2)[None], length, axis=0)


def overlapping_spheres(edge: int, radius: float, eta: float, seed: int) -> Bools:
    """Periodic; pores outside of `eta` = number density x volume of a sphere."""
    rng = np.random.default_rng(seed)
    pore = np.ones((edge, edge, edge), dtype=bool)
    reach = math.ceil(radius)
    near = np.arange(-reach, reach + 2)
    for centre in rng.uniform(0, edge, (round(eta * edge**3 / (4 / 3 * math.pi * radius**3)), 3)):
        corner = np.floor(centre).astype(int)
        z, y, x = ((near + c - m) ** 2 for c, m in zip(corner, centre, strict=True))
        solid = z[:, None, None] + y[:, None] + x < radius**2
        pore[np.ix_(*((near + c) % edge for c in corner))] &= ~solid
    return pore


def small_volumes() -> st.SearchStrategy[Volume]:
    shapes = array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=7)
    return st.builds(Volume, arrays(bool, shapes), st.just(1.0))


# -- chords ---------------------------------------------------------------------------------------


def test_chords_of_independent_voxels_are_geometric() -> None:
    p = 0.4
    curve = chord_distribution(Volume(random_voxels(60, p), 2e-9))
    voxels = curve.x / 2e-9
    assert voxels[:4] == pytest.approx([1, 2, 3, 4])
    assert curve.y[:6] * 2e-9 == pytest.approx(p ** (voxels[:6] - 1) * (1 - p), rel=0.03)
    assert curve.y.sum() * 2e-9 == pytest.approx(1)
    assert (curve.x_unit, curve.y_unit) == ("m", "1/m")


def test_the_border_of_small_boxes_does_not_shorten_chords() -> None:
    """Between overlapping spheres chords are geometric on the lattice too, with a step known exactly.

    Spheres of one size in a row: what one adds to the union is what it does not share with the last.
    """
    radius, eta = 5.0, 0.6
    step = 1 / (2 * radius)
    stays = math.exp(-eta * (1.5 * step - 0.5 * step**3))  # to the next voxel
    naive_total = naive_count = 0.0
    surviving = np.zeros(16)
    boxes = 0
    for seed in range(3):
        pore = overlapping_spheres(72, radius, eta, seed)
        for z, y, x in np.ndindex(3, 3, 3):
            box = pore[24 * z : 24 * z + 24, 24 * y : 24 * y + 24, 24 * x : 24 * x + 24]
            curve = chord_distribution(Volume(box, 1.0))
            surviving += 1 - np.interp(np.arange(16), np.append(0, curve.x), np.append(0, np.cumsum(curve.y)))
            changes = sum(np.count_nonzero(np.diff(box, axis=axis)) for axis in range(3))
            begun = sum(np.count_nonzero(box.take(0, axis)) for axis in range(3))
            ended = sum(np.count_nonzero(box.take(-1, axis)) for axis in range(3))
            naive_total += 3 * np.count_nonzero(box)
            naive_count += (changes + begun + ended) / 2
            boxes += 1
    assert surviving / boxes == pytest.approx(stays ** np.arange(16), abs=0.025)
    exact = 1 / (1 - stays)
    assert naive_total / naive_count < 0.75 * exact  # what cut chords do to a mean that counts them whole


def test_the_mean_of_the_distribution_is_the_mean_chord() -> None:
    volume = Volume(overlapping_spheres(64, 5.0, 0.8, 1), 1e-7)
    for phase, mean in zip(("pore", "solid"), mean_chords(volume), strict=True):
        curve = chord_distribution(volume, phase)  # type: ignore[arg-type]
        assert (curve.x * curve.y).sum() * 1e-7 == pytest.approx(mean, rel=0.02), phase


def test_chords_through_layers_have_one_length() -> None:
    layers = np.broadcast_to((np.arange(31) % 7 < 4)[:, None, None], (31, 9, 9))
    curve = chord_distribution(Volume(layers.copy(), 1.0))
    assert curve.y.tolist() == [0, 0, 0, 1]
    assert chord_distribution(Volume(layers.copy(), 1.0), "solid").y.tolist() == [0, 0, 1]


def test_chords_longer_than_the_box_are_missing_from_the_sum() -> None:
    half = np.zeros((10, 10, 10), dtype=bool)
    half[:, :, 5:] = True
    curve = chord_distribution(Volume(half, 1.0))
    assert curve.y.sum() == 0  # five voxels were seen, and not the end


# -- lineal path and S2 ---------------------------------------------------------------------------


@settings(max_examples=40)
@given(volume=small_volumes(), phase=st.sampled_from(["pore", "solid"]))
def test_the_lineal_path_of_runs_is_that_of_shifted_copies(volume: Volume, phase: Phase) -> None:
    longest = min(volume.shape) - 1
    curve = lineal_path_curve(volume, phase, longest)
    mask = volume.pore if phase == "pore" else ~volume.pore
    assert curve.y == pytest.approx(lineal_path(mask, longest))
    assert curve.x.tolist() == list(range(longest + 1))


@settings(max_examples=40)
@given(volume=small_volumes())
def test_s2_counts_every_pair(volume: Volume) -> None:
    longest = min(volume.shape) - 1
    for lag, found in enumerate(two_point_curve(volume, longest).y):
        pairs = [
            (volume.pore.take(range(n - lag), axis) & volume.pore.take(range(lag, n), axis)).ravel()
            for axis, n in enumerate(volume.shape)
        ]
        assert found == pytest.approx(np.concatenate(pairs).mean())
    assert np.array_equal(two_point_curve(volume, longest).y, two_point_correlation(volume.pore, longest))


def test_curves_reach_half_the_shortest_edge_in_metres() -> None:
    volume = Volume(random_voxels(12, 0.5)[:, :9], 3e-8)
    for curve in (two_point_curve(volume), lineal_path_curve(volume)):
        assert curve.x == pytest.approx(np.arange(5) * 3e-8)
        assert curve.y[0] == pytest.approx(volume.porosity)


# -- thickness ------------------------------------------------------------------------------------


def test_layers_share_their_volume_among_two_thicknesses() -> None:
    pore = np.zeros((30, 6, 6), dtype=bool)
    pore[2:6] = pore[10:18] = pore[22:26] = True  # 4, 8 and 4 voxels
    found = thickness_distribution(Volume(pore, 1e-8))
    assert (found.p10, found.p50, found.p90) == pytest.approx((4e-8, 6e-8, 8e-8))
    assert found.mean == pytest.approx(6e-8)
    share = dict(zip(np.round(found.cumulative.x * 1e8, 2), found.cumulative.y, strict=True))
    assert (share[0], share[3.75], share[4.0], share[7.75], share[8.0]) == (0, 0, 0.5, 0.5, 1)


@pytest.mark.parametrize("radius", [5.2, 10.3])
def test_a_cylinder_has_its_fractional_diameter(radius: float) -> None:
    found = thickness_distribution(Volume(disc(27, radius, 5), 1.0))
    assert found.p50 == pytest.approx(2 * radius, abs=0.5)
    assert found.p90 == pytest.approx(2 * radius, abs=0.5)


# -- Minkowski ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("radius", "tolerance"), [(5.0, 0.04), (7.4, 0.012), (10.3, 0.012)])
def test_a_sphere_has_its_surface_and_curvature(radius: float, tolerance: float) -> None:
    edge = int(2 * radius) + 8
    found = minkowski_densities(Volume(ball(edge, radius), 1.0))
    cubes = (edge - 1) ** 3  # positions of 2x2x2 voxels
    assert found.surface * cubes == pytest.approx(4 * math.pi * radius**2, rel=0.05)
    assert found.mean_curvature * cubes == pytest.approx(4 * math.pi * radius, rel=tolerance)


def test_walls_and_tubes_have_the_curvature_that_the_docstring_says() -> None:
    slab = np.zeros((20, 9, 9), dtype=bool)
    slab[5:12] = True
    assert minkowski_densities(Volume(slab, 1.0)).mean_curvature == 0
    tube = minkowski_densities(Volume(disc(24, 8, 12), 0.5))
    assert tube.mean_curvature * (23 * 0.5) ** 2 == pytest.approx(0.93 * math.pi, rel=0.01)


def test_the_curvature_of_independent_voxels_is_known() -> None:
    p = 0.3
    q = 1 - p
    found = minkowski_densities(Volume(random_voxels(70, p), 1.0)).mean_curvature
    # normals along axes, face and space diagonals, with Crofton's weights; area of their plane cells
    planes = 3 * 2 * 0.045778 + 6 * 2 * 0.036981 / math.sqrt(2) + 4 * 2 * 0.035196 / math.sqrt(3)
    assert found == pytest.approx(2 * math.pi * p * q * (q - p) * planes, rel=0.02)


@settings(max_examples=30)
@given(volume=small_volumes(), axes=st.permutations(range(3)))
def test_swapping_phases_turns_the_curvature_round_and_turning_the_box_nothing(
    volume: Volume, axes: list[int]
) -> None:
    found = minkowski_densities(volume)
    assert found.volume == volume.porosity
    assert (found.surface, found.euler) == (specific_surface(volume), euler_density(volume))
    swapped = minkowski_densities(Volume(~volume.pore, 1.0))
    assert swapped.mean_curvature == pytest.approx(-found.mean_curvature, abs=1e-12)
    turned = minkowski_densities(Volume(volume.pore.transpose(axes), 1.0))
    assert turned.mean_curvature == pytest.approx(found.mean_curvature, abs=1e-12)


# -- representativity -----------------------------------------------------------------------------


def cheap(volume: Volume) -> Mapping[str, float]:
    return {"porosity": volume.porosity, "specific_surface": specific_surface(volume)}


def test_independent_voxels_have_an_integral_range_of_one_voxel() -> None:
    assert integral_range(Volume(random_voxels(64, 0.3), 2.0)) == pytest.approx(8, rel=0.1)


def test_the_integral_range_of_overlapping_spheres_is_torquatos() -> None:
    radius, eta = 5.0, 0.7
    x = np.linspace(0, 2, 2001)
    s2 = np.exp(-eta * (1 + 0.75 * x - x**3 / 16))
    porosity = math.exp(-eta)
    exact = 4 * math.pi * np.sum((s2 - porosity**2) * x**2) * x[1] * radius**3 / (porosity - porosity**2)
    found = [integral_range(Volume(overlapping_spheres(64, radius, eta, seed), 1.0)) for seed in range(4)]
    assert np.mean(found) == pytest.approx(exact, rel=0.2)


def test_the_expected_spread_is_that_between_boxes() -> None:
    whole = [overlapping_spheres(80, 5.0, 0.7, seed) for seed in range(2)]
    boxes = [Volume(w[a : a + 40, b : b + 40, c : c + 40], 1.0)
             for w in whole for a in (0, 40) for b in (0, 40) for c in (0, 40)]  # fmt: skip
    found = [representativity(box, cheap, divisions=(2,)) for box in boxes]
    for name in ("porosity", "specific_surface"):
        expected = np.median([f.expected_sd[name] for f in found])
        between = np.std([cheap(box)[name] for box in boxes], ddof=1)
        assert 0.7 < expected / between < 1.6, name


def test_sub_volumes_are_all_of_the_box_and_settle() -> None:
    volume = Volume(random_voxels(32, 0.4)[:, :, :24], 1e-6)
    told: list[tuple[int, int]] = []
    found = representativity(volume, cheap, progress=lambda done, of: told.append((done, of)))
    settled = found.settling["porosity"]
    assert [s.pieces for s in settled] == [4 * 4 * 3, 2 * 2 * 2, 1]  # 6 voxels are too few
    assert [s.edge for s in settled] == pytest.approx([8e-6, 12e-6, (32 * 32 * 24) ** (1 / 3) * 1e-6])
    assert settled[0].mean == pytest.approx(volume.porosity)
    assert settled[0].sd > settled[1].sd
    assert settled[0].relative_sd == settled[0].sd / settled[0].mean
    assert math.isnan(settled[-1].sd)
    assert told[-1] == (57, 57)
    assert found.expected_error("porosity") == pytest.approx(
        2 * math.sqrt(0.6 / 0.4 / volume.pore.size), rel=0.6
    )
    assert too_small(found) == ()


def test_a_box_too_small_is_told_and_by_how_much() -> None:
    coarse = np.repeat(np.repeat(np.repeat(random_voxels(6, 0.3), 6, 0), 6, 1), 6, 2)
    words = too_small(representativity(Volume(coarse, 1.0), cheap))
    assert words[0].startswith("the box is too small for porosity: its own sub-volumes scatter by ")
    assert "at full size; measure a box about" in words[0]


def warnings_on(half: Scatter, whole: float, expected: float) -> tuple[str, ...]:
    settled = {"name": (half, Scatter(2.0, 1, 1, whole, math.nan))}
    return too_small(Representativity(settled, {"name": expected}, 1.0))


def test_the_width_to_measure_follows_from_the_error() -> None:
    (words,) = warnings_on(Scatter(1.0, 8, 8, 1.0, 0.5), 1.0, 0.4)
    assert words == (
        "the box is too small for name: its own sub-volumes scatter by 50%, expected ±80% at full size; "
        "measure a box about 4.0 times as wide"
    )
    assert warnings_on(Scatter(1.0, 8, 8, 1.0, 0.1), 1.0, 0.04) == ()


def test_a_number_that_still_changes_is_reported() -> None:
    (words,) = warnings_on(Scatter(1.0, 8, 8, 0.1, 0.05), 0.2, 0.001)
    assert words.startswith(
        "name still changes with the size of the box: 0.1 on average in its sub-volumes, 0.2 in"
    )


def test_a_number_that_sub_volumes_do_not_have_is_reported() -> None:
    (words,) = warnings_on(Scatter(1.0, 8, 2, 0.1, 0.05), 0.2, 0.001)
    assert (
        "it is not known whether the box is large enough for name: 2 of 8 sub-volumes have a value" in words
    )
    assert warnings_on(Scatter(1.0, 8, 2, 0.1, 0.05), math.nan, 0.001) == ()  # there is no value


def test_the_default_numbers_can_be_measured() -> None:
    from porescape.measure.volume import measure_volume

    volume = Volume(random_voxels(20, 0.5), 1.0)
    found = representativity(volume, lambda v: measure_volume(v, REPRESENTED).values)
    assert set(found.settling) == set(REPRESENTED)


# -- words ----------------------------------------------------------------------------------------

OPEN = Volume(np.ones((18, 18, 18), dtype=bool), 1.0)


def test_one_phase_has_no_chords_thickness_or_range() -> None:
    with pytest.raises(InputError, match=r"chords need both phases, but every voxel of .* is pore"):
        chord_distribution(OPEN)
    with pytest.raises(InputError, match=r"thickness needs walls .* is pore; measure a larger volume"):
        thickness_distribution(OPEN, "solid")
    for number in (integral_range, lambda volume: representativity(volume, cheap)):
        with pytest.raises(InputError, match=r"integral range needs both phases, but every voxel.* is pore"):
            number(OPEN)
    assert two_point_curve(OPEN).y.tolist() == [1.0] * 10
    assert minkowski_densities(OPEN).mean_curvature == 0


def test_boxes_too_small_for_a_number_are_refused() -> None:
    with pytest.raises(InputError, match=r"a box needs 16 along every edge, got \(15, 15, 15\)"):
        representativity(Volume(random_voxels(15, 0.5), 1.0), cheap)
    with pytest.raises(InputError, match=r"needs 2 voxels along every edge, got \(1, 9, 9\)"):
        integral_range(Volume(random_voxels(9, 0.5)[:1], 1.0))
    with pytest.raises(InputError, match="at least 2 voxels along every axis"):
        minkowski_densities(Volume(random_voxels(9, 0.5)[:1], 1.0))


def test_settings_that_make_no_sense_are_refused() -> None:
    volume = Volume(random_voxels(16, 0.5), 1.0)
    with pytest.raises(SettingsError, match="phase must be 'pore' or 'solid', got 'void'"):
        lineal_path_curve(volume, "void")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r"longest lag must be 0 \.\.\. 15 voxels .* got 20 m"):
        two_point_curve(volume, 20.0)
    with pytest.raises(SettingsError, match=r"2 parts or more along its edge, got \(1, 2\)"):
        representativity(volume, cheap, divisions=(1, 2))


def test_a_curve_is_checked_and_cannot_be_edited() -> None:
    curve = Curve(np.array([0.0, 1.0]), np.array([1.0, 0.5]), "m", "1")
    with pytest.raises(ValueError, match="read-only"):
        curve.y[0] = 2
    with pytest.raises(InputError, match=r"as many y as x, one-dimensional, got \(2,\) and \(1,\)"):
        Curve(np.array([0.0, 1.0]), np.array([1.0]), "m", "1")
    with pytest.raises(InputError, match="must ascend"):
        Curve(np.array([1.0, 0.0]), np.array([1.0, 1.0]), "m", "1")
