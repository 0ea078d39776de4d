"""Slow flow: closed forms first, then what holds for every structure, then the words a user may meet."""

import json
import math
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse.linalg import spsolve

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.connectivity import connected_porosity
from porescape.measure.geometry.minkowski import specific_surface
from porescape.measure.transport.stokes import Flow, Sides, Walls, kozeny_carman, stokes_flow

Bools = NDArray[np.bool_]


def slit(width: int, length: int = 3) -> Bools:
    """A gap across y between two walls of one voxel each."""
    pore = np.zeros((length, width + 2, 2), dtype=bool)
    pore[:, 1:-1] = True
    return pore


def bicontinuous(edge: int = 24) -> Bools:
    noise = np.random.default_rng(5).standard_normal((edge, edge, edge))
    field = gaussian_filter(noise, 2, mode="wrap")
    below: Bools = field < np.quantile(field, 0.6)
    return below


def budget(flow: Flow) -> NDArray[np.float64]:
    """What flows out of each voxel, less what flows in, per voxel face."""
    return np.sum([np.diff(u.astype(np.float64), axis=a) for a, u in enumerate(flow.velocity)], axis=0)


def tilted_slit(slope: float, across: float) -> Bools:
    """A gap that climbs by `slope` along y for each voxel of z, `across` wide along y."""
    length = 2 * math.ceil(4.5 * across * (1 + slope**2))
    z, y = np.ogrid[0.5:length, 0.5 : slope * length + across + 2]
    pore = np.abs(y - 1 - across / 2 - slope * z - 0.13) < across / 2
    return pore[:, :, None]


def solved_directly(pore: Bools, walls: str) -> float:
    """Permeability along z of a structure whose pores all lead through, by one sparse factorisation."""
    nz, ny, nx = pore.shape
    number: dict[tuple[int, ...], int] = {}
    wide = np.concatenate([pore[:1], pore, pore[-1:]])  # inlet and outlet are mirrors
    for k, j, i in np.argwhere(pore):
        number[3, k, j, i] = len(number)
        if j and pore[k, j - 1, i]:
            number[1, k, j, i] = len(number)
        if i and pore[k, j, i - 1]:
            number[2, k, j, i] = len(number)
    for k, j, i in np.argwhere(wide[1:] & wide[:-1]):
        number[0, k, j, i] = len(number)

    def beside(face: list[int], axis: int, step: int) -> list[int]:
        there = list(face)
        there[1 + axis] += step
        return there

    def wall_pull(face: list[int], axis: int, step: int) -> float:
        """How a closed face or the end of the box pulls at an open one beside it."""
        ends = 0
        width = 1
        for way in (-1, 1):
            there = beside(face, axis, way)
            while tuple(there) in number:
                width += 1
                there = beside(there, axis, way)
            ends += not 0 <= there[1 + axis] < pore.shape[axis]
        there = beside(face, axis, step)
        if not 0 <= there[1 + axis] < pore.shape[axis]:
            return 2.0 if axis == 0 else 0.0
        width *= 1 + ends
        pull = 2 * width / (width - 2 / 3)
        sides = [there[1:], beside(there, there[0], -1)[1:]]
        at_edge = any((3, *voxel) in number for voxel in sides)
        return pull if not at_edge else 1.0 if walls == "smooth" else (1 + pull) / 2

    matrix = sp.lil_matrix((len(number), len(number)))
    load = np.zeros(len(number))
    for (kind, *place), row in number.items():
        if kind == 3:
            continue
        cell = 0.5 if kind == 0 and place[0] in (0, nz) else 1.0
        for axis in range(3):
            for step in (-1, 1):
                there = beside([kind, *place], axis, step)
                column = number.get(tuple(there))
                share = cell if axis != kind else 1.0
                if kind == 0 and axis == 0 and not 0 <= there[1] <= nz:
                    continue
                if column is not None:
                    matrix[row, row] += share
                    matrix[row, column] -= share
                elif axis == kind:
                    matrix[row, row] += share
                else:
                    matrix[row, row] += share * wall_pull([kind, *place], axis, step)
        for end, sign in ((0, 1.0), (-1, -1.0)):
            voxel = list(place)
            voxel[kind] += end
            node = number.get((3, *voxel))
            if node is not None:
                matrix[row, node] += sign
                matrix[node, row] -= sign
            elif end == -1:
                load[row] = 1.0  # the inlet's pressure
    fields = spsolve(matrix.tocsc(), load)
    inlet = sum(fields[row] for (kind, *place), row in number.items() if kind == 0 and place[0] == 0)
    return float(inlet * nz / (ny * nx))


# --- closed forms ---------------------------------------------------------------------------------


@pytest.mark.parametrize("walls", ["steps", "smooth"])
@pytest.mark.parametrize("width", [1, 2, 3, 5, 10, 20])
def test_a_slit_lets_through_what_we_can_work_out_by_hand_however_narrow(width: int, walls: Walls) -> None:
    flow = stokes_flow(Volume(slit(width), 1.0), 0, walls=walls, tolerance=1e-5)
    assert flow.permeability == pytest.approx(width**2 / 12 * width / (width + 2), rel=1e-4)


@pytest.mark.parametrize("width", [1, 2, 4, 7])
def test_a_slit_cut_by_a_mirror_lets_through_half(width: int) -> None:
    half = slit(2 * width)[:, : width + 1]
    flow = stokes_flow(Volume(half, 1.0), 0, tolerance=1e-5)
    assert flow.permeability == pytest.approx((2 * width) ** 2 / 12 * width / (width + 1), rel=1e-4)


@pytest.mark.parametrize(("rise", "run", "across"), [(1, 4, 8.25), (1, 2, 9.0), (1, 1, 12.0)])
def test_a_tilted_slit_lets_through_almost_what_it_should_if_its_walls_are_smooth(
    rise: int, run: int, across: float
) -> None:
    pore = tilted_slit(rise / run, across)
    nz, ny, _ = pore.shape
    middle = [nz // 2 + way * (nz // 8 // run * run) for way in (-1, 1)]  # away from the kinks, steps alike
    slant = math.hypot(1, rise / run)
    error = []
    for walls in get_args(Walls):
        flow = stokes_flow(Volume(pore, 1.0), 0, walls=walls)
        before, after = (float(np.nanmean(flow.pressure[k])) for k in middle)
        gradient = nz * (before - after) / ((middle[1] - middle[0]) * slant)
        error.append(flow.permeability * ny / ((across / slant) ** 3 / 12 * gradient) - 1)
    steps, smooth = error
    assert -0.13 < steps < -0.08
    assert -0.05 < smooth < 0


@pytest.mark.parametrize("centre", [(11.5, 11.5), (11.25, 11.4), (12.0, 12.0)])
def test_a_tube_of_20_voxels_lets_through_what_we_can_work_out_by_hand(centre: tuple[float, float]) -> None:
    y, x = np.ogrid[:24, :24]
    inside = (y - centre[0]) ** 2 + (x - centre[1]) ** 2 < 100
    flow = stokes_flow(Volume(np.broadcast_to(inside, (3, 24, 24)), 1.0), 0)
    area = np.count_nonzero(inside)  # voxels miss a circle's area by up to 3 %, and flow goes with its square
    assert flow.permeability == pytest.approx(area**2 / (8 * math.pi) / 24**2, rel=0.03)


@pytest.mark.parametrize(("wide", "high", "error"), [(20, 20, 0.004), (15, 5, 0.015), (5, 5, 0.045)])
def test_a_duct_between_walls_lets_through_what_we_can_work_out_by_hand(
    wide: int, high: int, error: float
) -> None:
    flow = stokes_flow(Volume(np.ones((3, wide, high), dtype=bool), 1.0), 0, sides="wall", tolerance=1e-5)
    odd = np.arange(1, 80, 2)
    series = np.sum(np.tanh(odd * math.pi * wide / high / 2) / odd**5)
    exact = (1 - 192 / math.pi**5 * high / wide * series) / 12 * high**2
    assert 0 <= flow.permeability / exact - 1 < error


def test_touching_spheres_are_within_5_percent_of_zick_and_homsy() -> None:
    z, y, x = np.ogrid[0.5:32, 0.5:32, 0.5:32]
    octant = z**2 + y**2 + x**2 >= 32**2  # an eighth of a cell; all six faces are mirrors
    exact = 64**3 / (6 * math.pi * 32 * 42.1)
    steps, smooth = (stokes_flow(Volume(octant, 1.0), 0, walls=w).permeability for w in get_args(Walls))
    assert steps == pytest.approx(exact, rel=0.05)
    assert steps < smooth == pytest.approx(exact, rel=0.02)


def test_slits_side_by_side_add_up() -> None:
    pair = np.concatenate([slit(4), slit(9)], axis=1)
    flow = stokes_flow(Volume(pair, 1.0), 0, tolerance=1e-5)
    each = [w**3 / 12 for w in (4, 9)]
    assert flow.permeability * pair.shape[1] == pytest.approx(sum(each), rel=1e-4)


# --- what holds for every structure ---------------------------------------------------------------


@settings(max_examples=60)
@given(
    pore=arrays(bool, array_shapes(min_dims=3, max_dims=3, max_side=7), elements=st.integers(0, 3).map(bool)),
    axis=st.integers(0, 2),
    sides=st.sampled_from(["slip", "wall"]),
    walls=st.sampled_from(["steps", "smooth"]),
)
def test_what_flows_into_a_voxel_flows_out_of_it(pore: Bools, axis: int, sides: Sides, walls: Walls) -> None:
    volume = Volume(pore, 1.0)
    assume(connected_porosity(volume, axis) > 0)
    assume(sides == "wall" or not pore.all())
    flow = stokes_flow(volume, axis, sides=sides, walls=walls)
    inside = np.isfinite(flow.pressure)
    assert inside.mean() == pytest.approx(connected_porosity(volume, axis))
    most = max(np.abs(u).max() for u in flow.velocity)
    assert np.abs(budget(flow)).max() < 1e-5 * most
    assert not np.abs(budget(flow)[~inside]).any()
    for a, u in enumerate(flow.velocity):
        assert u.shape == tuple(n + (a == i) for i, n in enumerate(pore.shape))
        assert not np.delete(u, 0, a)[~inside].any()
        assert not np.delete(u, -1, a)[~inside].any()
    through = flow.velocity[axis].sum(axis=tuple({0, 1, 2} - {axis}), dtype=np.float64)
    area = pore.size / pore.shape[axis]
    assert through / area == pytest.approx(flow.permeability, rel=1e-4)
    assert flow.permeability > 0


@pytest.mark.parametrize("walls", ["steps", "smooth"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_is_the_solution_of_the_equations(seed: int, walls: Walls) -> None:
    pore = np.random.default_rng(seed).random((6, 7, 5)) < 0.75
    flow = stokes_flow(Volume(pore, 1.0), 0, walls=walls, tolerance=1e-5)
    exact = solved_directly(np.isfinite(flow.pressure), walls)
    assert flow.permeability == pytest.approx(exact, rel=1e-4)


def test_a_network_solved_on_coarser_grids_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Volume(bicontinuous(), 1.0)
    direct = stokes_flow(volume, 0, tolerance=1e-5)
    monkeypatch.setattr("porescape.measure.transport.multigrid._DIRECT", 60)  # large volumes only, otherwise
    coarser = stokes_flow(volume, 0, tolerance=1e-5)
    assert coarser.permeability == pytest.approx(direct.permeability, rel=1e-4)
    assert coarser.iterations <= direct.iterations + 5


def test_the_tolerance_bounds_the_error_of_the_permeability() -> None:
    volume = Volume(bicontinuous(), 1.0)
    limit = stokes_flow(volume, 0, tolerance=1e-6)
    told: list[tuple[int, float]] = []
    flow = stokes_flow(volume, 0, tolerance=1e-3, progress=lambda n, share: told.append((n, share)))
    assert flow.permeability == pytest.approx(limit.permeability, rel=2e-3)
    assert flow.imbalance < 1e-5
    assert flow.residual <= 1e-3
    assert told[-1] == (flow.iterations, flow.residual)
    assert [n for n, _ in told] == list(range(1, flow.iterations + 1))
    assert flow.iterations < limit.iterations <= 25


def test_permeability_grows_with_the_square_of_the_voxel() -> None:
    small, large = (stokes_flow(Volume(bicontinuous(), size), 0) for size in (1.0, 2e-9))
    assert large.permeability == pytest.approx(4e-18 * small.permeability, rel=1e-6)
    assert large.iterations == small.iterations
    np.testing.assert_array_equal(large.pressure, small.pressure)


def test_a_turned_volume_has_its_axes_turned() -> None:
    pore = bicontinuous(16)[:, :14, :12]
    for axis in range(3):
        flow = stokes_flow(Volume(pore, 1.0), axis, tolerance=1e-5)
        for order in ((1, 2, 0), (2, 1, 0)):
            turned = stokes_flow(Volume(pore.transpose(order), 1.0), order.index(axis), tolerance=1e-5)
            assert turned.permeability == pytest.approx(flow.permeability, rel=1e-3)
            for a, u in enumerate(turned.velocity):
                expected = flow.velocity[order[a]].transpose(order)
                np.testing.assert_allclose(u, expected, atol=2e-3 * np.abs(expected).max())


def test_a_mirror_image_is_as_permeable() -> None:
    pore = bicontinuous(16)
    flow = stokes_flow(Volume(pore, 1.0), 1, tolerance=1e-5)
    for axis in range(3):
        mirrored = stokes_flow(Volume(np.flip(pore, axis), 1.0), 1, tolerance=1e-5)
        assert mirrored.permeability == pytest.approx(flow.permeability, rel=1e-4)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_structure_and_its_mirror_image_in_a_row_or_side_by_side_are_as_permeable(axis: int) -> None:
    pore = bicontinuous(16)
    one = stokes_flow(Volume(pore, 1.0), 0, tolerance=1e-5)
    both = stokes_flow(Volume(np.concatenate([pore, np.flip(pore, axis)], axis), 1.0), 0, tolerance=1e-5)
    assert both.permeability == pytest.approx(one.permeability, rel=1e-4)


def test_dead_pores_change_nothing() -> None:
    pore = np.zeros((8, 16, 8), dtype=bool)
    pore[:, 2:6, 2:6] = True
    blind = pore.copy()
    blind[2:7, 10:14, 2:6] = True
    one, other = (stokes_flow(Volume(p, 1.0), 0) for p in (pore, blind))
    assert one.permeability == other.permeability
    assert np.isnan(other.pressure[blind & ~pore]).all()


def test_walls_at_the_sides_hold_back() -> None:
    volume = Volume(bicontinuous(), 1.0)
    assert stokes_flow(volume, 2, sides="wall").permeability < stokes_flow(volume, 2).permeability


def test_the_same_volume_gives_the_same_bytes() -> None:
    first, second = (stokes_flow(Volume(bicontinuous(), 1.0), 1) for _ in range(2))
    assert first.permeability == second.permeability
    assert all(a.tobytes() == b.tobytes() for a, b in zip(first.velocity, second.velocity, strict=True))


def test_a_block_of_berea_is_within_10_percent_of_its_published_permeability(shared: Path) -> None:
    archive = np.load(shared / "volumes" / "berea_256.npz")
    shape = tuple(archive["shape"])
    pore = np.unpackbits(archive["packed"], count=math.prod(shape)).reshape(shape)[:128, 128:, 128:]
    table = json.loads((shared / "volumes" / "berea_published_permeability_27blocks.json").read_text())
    published = next(b for b in table["blocks"].values() if b["block"] == [0, 1, 1])
    volume = Volume(pore.astype(bool), 1.0)
    assert connected_porosity(volume, 2) == pytest.approx(published["eff_porosity"], abs=1e-6)
    assert stokes_flow(volume, 2).permeability == pytest.approx(published["K_over_dx2"]["X"], rel=0.1)


# --- Kozeny-Carman --------------------------------------------------------------------------------


def test_kozeny_carman_is_the_formula_and_the_right_order_of_magnitude() -> None:
    volume = Volume(bicontinuous(), 1e-6)
    estimate = kozeny_carman(volume)
    assert estimate == pytest.approx(volume.porosity**3 / 5 / specific_surface(volume) ** 2)
    assert 0.2 < estimate / stokes_flow(volume, 0).permeability < 5


# --- words ----------------------------------------------------------------------------------------


def test_structures_without_an_answer_are_told_in_words() -> None:
    blocked = np.ones((4, 4, 4), dtype=bool)
    blocked[2] = False
    with pytest.raises(InputError, match="nothing flows along z"):
        stokes_flow(Volume(blocked, 1.0), 0)
    with pytest.raises(InputError, match=r"nothing flows along x.*porosity 0,"):
        stokes_flow(Volume(np.zeros((4, 4, 4), dtype=bool), 1.0), 2)
    with pytest.raises(InputError, match="the permeability is infinite"):
        stokes_flow(Volume(np.ones((4, 4, 4), dtype=bool), 1.0), 0)
    with pytest.raises(InputError, match=r"needs walls.*is pore"):
        kozeny_carman(Volume(np.ones((4, 4, 4), dtype=bool), 1.0))
    stokes_flow(Volume(blocked, 1.0), 1)


def test_a_flow_that_does_not_settle_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porescape.measure.transport.staggered.MOST_ITERATIONS", 3)
    with pytest.raises(InputError, match=r"not settled: after 3 iterations .* wanted 0.001; choose"):
        stokes_flow(Volume(bicontinuous(), 1.0), 0)


def test_impossible_settings_are_told_in_words() -> None:
    volume = Volume(slit(3), 1.0)
    with pytest.raises(SettingsError, match="axis must be 0, 1 or 2"):
        stokes_flow(volume, 3)
    with pytest.raises(SettingsError, match="one of slip, wall, got 'periodic'"):
        stokes_flow(volume, 0, sides="periodic")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="one of steps, smooth, got 'round'"):
        stokes_flow(volume, 0, walls="round")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="tolerance must be a share"):
        stokes_flow(volume, 0, tolerance=0)
