"""Steady diffusion through the pores, from one face of the box to the opposite one.

Conjugate gradients without a matrix, preconditioned by multigrid. The unknown is the deviation from the
linear ramp between the faces: it is small, it is zero in straight pores, and its sources are the walls that
face the axis. At 200³ and porosity 0.6 that takes 11 iterations.

The whole box is stored, some 27 bytes a voxel at the peak. Pores alone, by number and with the numbers of
their neighbours, were no faster at a porosity of 0.2 (in less than half the memory) and three times slower
at 0.6 (in more).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.connectivity import through_pores

AXES = "zyx"
_SWEEPS = 2  # of smoothing, each way and level; one takes twice the iterations, three gain little
_DAMPING = np.float32(0.95)  # 1 is quickest in wide pores, but leaves a zigzag in tubes one voxel wide
_COARSEST = 4  # voxels along the longest edge; there sweeps alone settle the rest
_COARSEST_SWEEPS = 20
_SUM = {"reassoc", "contract", "nsz"}  # lets sums be taken in lanes, in float64


@dataclass(frozen=True, slots=True, eq=False)
class Diffusion:
    """Steady diffusion along one axis.

    Attributes
    ----------
    axis : int
        0, 1, 2 for z, y, x.
    diffusivity_ratio : float
        D_eff / D0: flux through the box / flux through the same box without solid.
    porosity, connected_porosity : float
        Pore voxels / voxels; those of clusters that touch both faces / voxels.
    concentration : ndarray of float32, shape (nz, ny, nx)
        Falls from 1 at the lower to 0 at the upper face; NaN in the solid and in clusters that do not
        touch both faces.
    iterations : int
        Of conjugate gradients.
    residual : float
        Norm of the errors of the voxels' balances / that of the linear ramp.
    imbalance : float
        |inflow - outflow| / their mean.
    """

    axis: int
    diffusivity_ratio: float
    porosity: float
    connected_porosity: float
    concentration: NDArray[np.float32]
    iterations: int
    residual: float
    imbalance: float

    @property
    def tortuosity(self) -> float:
        """Diffusive tortuosity τ = porosity · D0 / D_eff, with the total porosity."""
        return self.porosity / self.diffusivity_ratio

    @property
    def tortuosity_connected(self) -> float:
        """Diffusive tortuosity with the connected porosity: dead clusters do not count as pores."""
        return self.connected_porosity / self.diffusivity_ratio

    @property
    def formation_factor(self) -> float:
        """Return D0 / D_eff, the formation factor of a non-conducting solid."""
        return 1 / self.diffusivity_ratio


def diffusion(
    volume: Volume,
    axis: int,
    tolerance: float = 1e-5,
    max_iterations: int = 1000,
    progress: Callable[[int, float], None] | None = None,
) -> Diffusion:
    """Solve for steady diffusion through the pores along `axis`.

    Parameters
    ----------
    volume : Volume
        What to measure.
    axis : int
        0, 1, 2 for z, y, x.
    tolerance : float
        Largest residual and largest imbalance. The error of the ratio is proportional to the square of the
        residual: at 1e-3 it was less than 1e-6.
    max_iterations : int
        Largest number of iterations.
    progress : callable, optional
        Called with (iterations done, residual) after each.

    Returns
    -------
    Diffusion
        The ratio is that of the field's energy, which is never below the exact one.

    Raises
    ------
    InputError
        If no cluster of pores touches both faces, or the field has not settled after `max_iterations`.

    Notes
    -----
    Concentration is fixed to 1 and 0 on the two faces themselves, half a voxel outside the centres of the
    first and last voxels, as TauFactor does; the four sides are closed, and so is every wall. Between the
    centres of two pore voxels that share a face the flux is the difference. (PoreSpy fixes the values at
    the outermost centres; that ratio was 0.2 % lower at 100 voxels and nears ours as boxes grow.) Surface
    diffusion, adsorption and hindrance in pores as small as the molecules are left out.

    With few voxels across a pore it conducts too little: between the cylinders of a square array (closed form
    by Rayleigh) the tortuosity is 6 % too high with 6 voxels in the gap, 3 % with 11 and 2 % with 23. State
    the resolution together with the number.

    References
    ----------
    Torquato (2002), Random Heterogeneous Materials, Springer, chapter 13.
    Briggs, Henson and McCormick (2000), A Multigrid Tutorial, SIAM. Coarse voxels hold 2x2x2, all pores
    in them as one; conductances are those of the faces between them, halved for the doubled distance.

    Examples
    --------
    >>> pore = np.zeros((8, 4, 4), dtype=bool); pore[:, :2] = True  # a straight slit
    >>> found = diffusion(Volume(pore, voxel_size=1e-6), axis=0)
    >>> found.diffusivity_ratio, found.tortuosity
    (0.5, 1.0)
    """
    if axis not in (0, 1, 2):
        raise SettingsError(f"axis must be 0 (z), 1 (y) or 2 (x), got {axis!r}")
    if not 0 < tolerance < 1:
        raise SettingsError(f"tolerance must lie between 0 and 1, got {tolerance!r}")
    pore = through_pores(volume.pore, axis)
    connected = float(pore.mean())
    if not pore.any():
        raise InputError(
            f"nothing diffuses along {AXES[axis]}: no pore of {volume.shape} leads from one face to the "
            f"other (porosity {volume.porosity:.3g}); measure another axis or a larger volume"
        )
    levels = _levels(pore)
    del pore
    found = _settle(levels, tolerance, max_iterations, progress)
    if not found.settled:
        raise InputError(
            f"diffusion along {AXES[axis]} had not settled after {found.iterations} iterations: the relative "
            f"residual is {found.residual:.1e} and inflow and outflow differ by {found.imbalance:.1e}, both "
            f"must be at most {tolerance:.1e}; allow more iterations"
        )
    concentration = np.empty(np.moveaxis(volume.pore, axis, 0).shape, np.float32)
    _concentration(found.deviation, levels[0].diagonal, concentration)
    return Diffusion(
        axis=axis,
        diffusivity_ratio=found.energy / volume.pore.size,
        porosity=volume.porosity,
        connected_porosity=connected,
        concentration=np.ascontiguousarray(np.moveaxis(concentration, 0, axis)),
        iterations=found.iterations,
        residual=found.residual,
        imbalance=found.imbalance,
    )


# --- conjugate gradients --------------------------------------------------------------------------


@dataclass(slots=True)
class _Settled:
    """The field found, as its deviation from a ramp that falls by 1 per voxel, and how good it is."""

    deviation: NDArray[np.float64]
    energy: float
    residual: float
    imbalance: float
    iterations: int
    settled: bool


def _settle(
    levels: "list[_Level]",
    tolerance: float,
    max_iterations: int,
    progress: Callable[[int, float], None] | None,
) -> _Settled:
    """Solve for the deviation.

    Vectors are float32, sums float64. What float32 loses is found again: once the residual carried along
    is small enough the true one is taken, from a deviation kept in float64, and work goes on from there if
    it is not.
    """
    finest = levels[0]
    residual, step = finest.b, finest.x  # the preconditioner takes the one and returns the other
    deviation = np.zeros(residual.shape, np.float64)
    direction = np.zeros(residual.shape, np.float32)
    iterations, start = 0, 0.0
    while True:
        square, inflow, outflow, energy = _true_residual(deviation, finest.diagonal, residual)
        start = start or square
        relative = (square / start) ** 0.5 if start else 0.0
        imbalance = abs(inflow - outflow) / max(abs(inflow + outflow) / 2, 1e-300)
        settled = max(relative, imbalance) <= tolerance
        if settled or iterations >= max_iterations or not np.isfinite(square):
            return _Settled(deviation, energy, relative, imbalance, iterations, settled)
        enough = min(tolerance**2 * start, square) / 4
        before = np.inf
        while square > enough and iterations < max_iterations:
            _cycle(levels, 0)
            now = _dot(residual, step)
            _turn(direction, step, now / before)
            before = now
            length = now / _apply(direction, finest.diagonal, step)  # `step` is free until the next cycle
            square = _advance(deviation, residual, direction, step, length)
            iterations += 1
            if progress is not None:
                progress(iterations, (square / start) ** 0.5)


@njit(cache=True, nogil=True)
def _true_residual(deviation, diagonal, residual):  # type: ignore[no-untyped-def]
    """Write the error of every voxel's balance; return its squared norm, inflow, outflow and energy.

    The ramp falls by 1 from voxel to voxel and by 1/2 from a face to the first centre, where the
    conductance is 2.
    """
    nz, ny, nx = diagonal.shape
    square = inflow = outflow = energy = 0.0
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if diagonal[z, y, x] == 0:
                    continue
                here = deviation[z, y, x]
                gain = 0.0
                if z == 1:
                    gain += 2 * (0.5 - here)
                    inflow += 2 * (0.5 - here)
                    energy += 2 * (0.5 - here) ** 2
                elif diagonal[z - 1, y, x]:
                    gain += 1 + deviation[z - 1, y, x] - here
                if z == nz - 2:
                    gain -= 2 * (0.5 + here)
                    outflow += 2 * (0.5 + here)
                    energy += 2 * (0.5 + here) ** 2
                elif diagonal[z + 1, y, x]:
                    gain -= 1 + here - deviation[z + 1, y, x]
                    energy += (1 + here - deviation[z + 1, y, x]) ** 2
                if diagonal[z, y - 1, x]:
                    gain += deviation[z, y - 1, x] - here
                if diagonal[z, y + 1, x]:
                    gain += deviation[z, y + 1, x] - here
                    energy += (deviation[z, y + 1, x] - here) ** 2
                if diagonal[z, y, x - 1]:
                    gain += deviation[z, y, x - 1] - here
                if diagonal[z, y, x + 1]:
                    gain += deviation[z, y, x + 1] - here
                    energy += (deviation[z, y, x + 1] - here) ** 2
                residual[z, y, x] = gain
                square += gain * gain
    return square, inflow, outflow, energy


@njit(cache=True, nogil=True, fastmath=_SUM)
def _apply(x, diagonal, out):  # type: ignore[no-untyped-def]
    """Apply the operator to `x`; return the product of both. `x` is 0 in the solid."""
    nz, ny, nx = x.shape
    total = 0.0
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                z, y, at = np.uint64(k), np.uint64(j), np.uint64(i)
                here = diagonal[z, y, at]
                value = np.float32(here) * x[z, y, at] - _from_neighbours(x, None, z, y, at)
                value = value if here > 0 else np.float32(0)
                out[z, y, at] = value
                total += np.float64(value) * np.float64(x[z, y, at])
    return total


@njit(cache=True, nogil=True, fastmath=_SUM)
def _dot(one, two):  # type: ignore[no-untyped-def]
    a, b = one.reshape(-1), two.reshape(-1)
    total = 0.0
    for i in range(a.size):
        total += np.float64(a[i]) * np.float64(b[i])
    return total


@njit(cache=True, nogil=True)
def _turn(direction, step, share):  # type: ignore[no-untyped-def]
    old, new, share = direction.reshape(-1), step.reshape(-1), np.float32(share)
    for i in range(old.size):
        old[i] = new[i] + share * old[i]


@njit(cache=True, nogil=True, fastmath=_SUM)
def _advance(deviation, residual, direction, answer, length):  # type: ignore[no-untyped-def]
    """Go `length` along the direction; return the squared norm of the residual that is left."""
    d, r, p, q = deviation.reshape(-1), residual.reshape(-1), direction.reshape(-1), answer.reshape(-1)
    short = np.float32(length)
    total = 0.0
    for i in range(d.size):
        d[i] += short * p[i]
        r[i] -= short * q[i]
        total += np.float64(r[i]) * np.float64(r[i])
    return total


@njit(cache=True, nogil=True)
def _concentration(deviation, diagonal, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = out.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                known = diagonal[z + 1, y + 1, x + 1] > 0
                value = (nz - z - 0.5 + deviation[z + 1, y + 1, x + 1]) / nz
                out[z, y, x] = value if known else np.nan


# --- multigrid ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Level:
    """One grid: diagonal · x - sum of weight · neighbour = b. All arrays have a rim of one voxel of 0.

    Attributes
    ----------
    diagonal : ndarray of uint8 or float32
        Conductance from a voxel to all around it; 0 in the solid.
    weights : ndarray of float32, shape (3, nz, ny, nx), or None
        Conductance to the next voxel along z, y, x; on the finest level 1 between pores, and not kept.
    """

    diagonal: NDArray[Any]
    weights: NDArray[np.float32] | None
    x: NDArray[np.float32] = field(init=False)
    b: NDArray[np.float32] = field(init=False)
    row: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.x = np.zeros(self.diagonal.shape, np.float32)
        self.b = np.zeros(self.diagonal.shape, np.float32)
        self.row = np.zeros(self.diagonal.shape[2], np.float32)


def _levels(pore: NDArray[np.bool_]) -> list[_Level]:
    """Return the grids from the finest to the coarsest; there are at least two."""
    diagonal: NDArray[Any] = np.zeros(tuple(n + 2 for n in pore.shape), np.uint8)
    _count_neighbours(pore, diagonal)
    levels = [_Level(diagonal, None)]
    while len(levels) == 1 or max(levels[-1].diagonal.shape) - 2 > _COARSEST:
        finer = levels[-1]
        shape = tuple((n - 1) // 2 + 2 for n in finer.diagonal.shape)
        coarser = _Level(np.zeros(shape, np.float32), np.zeros((3, *shape), np.float32))
        _coarsen(finer.diagonal, finer.weights, coarser.diagonal, coarser.weights)
        levels.append(coarser)
    return levels


def _cycle(levels: list[_Level], depth: int, onward: bool = False) -> None:
    """Improve x on a level, starting from 0 or `onward`: one symmetric W-cycle."""
    level = levels[depth]
    if not onward:
        level.x[:] = 0
    coarsest = depth == len(levels) - 1
    sweeps = _COARSEST_SWEEPS if coarsest else _SWEEPS
    for _ in range(sweeps):
        for colour in (0, 1):
            _smooth(level.x, level.b, level.diagonal, level.weights, colour, level.row)
    if not coarsest:
        below = levels[depth + 1]
        _restrict(level.x, level.b, level.diagonal, level.weights, below.b, level.row)
        _cycle(levels, depth + 1)
        if 0 < depth < len(levels) - 2:  # twice from the second level on, where it costs next to nothing
            _cycle(levels, depth + 1, onward=True)
        _prolong(below.x, level.diagonal, level.x)
    for _ in range(sweeps):
        for colour in (1, 0):
            _smooth(level.x, level.b, level.diagonal, level.weights, colour, level.row)


@njit(cache=True, nogil=True)
def _count_neighbours(pore, diagonal):  # type: ignore[no-untyped-def]
    """Write each pore's conductance to its surroundings: 1 to a pore, 2 to an open face half as far away."""
    nz, ny, nx = pore.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if pore[z, y, x]:
                    below = np.uint8(pore[z - 1, y, x]) if z > 0 else 2
                    above = np.uint8(pore[z + 1, y, x]) if z < nz - 1 else 2
                    sides = (y > 0 and pore[z, y - 1, x]) + (y < ny - 1 and pore[z, y + 1, x])
                    sides += (x > 0 and pore[z, y, x - 1]) + (x < nx - 1 and pore[z, y, x + 1])
                    diagonal[z + 1, y + 1, x + 1] = below + above + sides


@njit(cache=True, nogil=True)
def _coarsen(diagonal, weights, coarse_diagonal, coarse_weights):  # type: ignore[no-untyped-def]
    """Join blocks of 2x2x2 voxels; faces between two blocks lead half as well as their sum, being farther."""
    nz, ny, nx = diagonal.shape
    half = np.float32(0.5)
    for z in range(1, nz - 1):
        for y in range(1, ny - 1):
            for x in range(1, nx - 1):
                if diagonal[z, y, x] == 0:
                    continue
                k, j, i = (z + 1) // 2, (y + 1) // 2, (x + 1) // 2
                coarse_diagonal[k, j, i] += half * diagonal[z, y, x]
                for axis, after in ((0, (z + 1, y, x)), (1, (z, y + 1, x)), (2, (z, y, x + 1))):
                    if diagonal[after] == 0:
                        continue
                    weight = half if weights is None else half * weights[axis, z, y, x]
                    if (z, y, x)[axis] % 2 == 1:  # both in one block
                        coarse_diagonal[k, j, i] -= 2 * weight
                    else:
                        coarse_weights[axis, k, j, i] += weight


@njit(cache=True, nogil=True)
def _from_neighbours(x, weights, z, y, i):  # type: ignore[no-untyped-def]
    one = np.uint64(1)
    if weights is None:
        return (
            (x[z, y, i - one] + x[z, y, i + one])
            + (x[z, y - one, i] + x[z, y + one, i])
            + (x[z - one, y, i] + x[z + one, y, i])
        )
    along_z, along_y, along_x = np.uint64(0), np.uint64(1), np.uint64(2)
    return (
        (weights[along_x, z, y, i - one] * x[z, y, i - one] + weights[along_x, z, y, i] * x[z, y, i + one])
        + (weights[along_y, z, y - one, i] * x[z, y - one, i] + weights[along_y, z, y, i] * x[z, y + one, i])
        + (weights[along_z, z - one, y, i] * x[z - one, y, i] + weights[along_z, z, y, i] * x[z + one, y, i])
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth(x, b, diagonal, weights, colour, row):  # type: ignore[no-untyped-def]
    """Settle every second row, each voxel by itself with its neighbours as they are.

    Rows of one colour do not touch each other, so whole rows are worked in lanes; a Gauss-Seidel sweep voxel
    by voxel would smooth better and cost several times more.
    """
    nz, ny, nx = x.shape
    for k in range(1, nz - 1):
        for j in range(1 + (k + colour) % 2, ny - 1, 2):
            z, y = np.uint64(k), np.uint64(j)
            for n in range(1, nx - 1):
                i = np.uint64(n)
                here = np.float32(diagonal[z, y, i])
                wanted = (b[z, y, i] + _from_neighbours(x, weights, z, y, i)) / here
                now = x[z, y, i] + _DAMPING * (wanted - x[z, y, i])
                row[i] = now if here > 0 else np.float32(0)
            for n in range(1, nx - 1):
                i = np.uint64(n)
                x[z, y, i] = row[i]


@njit(cache=True, nogil=True)
def _restrict(x, b, diagonal, weights, coarse_b, row):  # type: ignore[no-untyped-def]
    """Add up over each block the remaining errors of its voxels' balances."""
    nz, ny, nx = x.shape
    for k in range(1, coarse_b.shape[0] - 1):
        for j in range(1, coarse_b.shape[1] - 1):
            row[:] = 0
            for m in range(2 * k - 1, min(2 * k + 1, nz - 1)):
                for n in range(2 * j - 1, min(2 * j + 1, ny - 1)):
                    z, y = np.uint64(m), np.uint64(n)
                    for p in range(1, nx - 1):
                        i = np.uint64(p)
                        here = np.float32(diagonal[z, y, i])
                        off = b[z, y, i] + _from_neighbours(x, weights, z, y, i) - here * x[z, y, i]
                        row[i] += off if here > 0 else np.float32(0)
            for p in range(1, coarse_b.shape[2] - 1):  # the rim of the row is 0
                coarse_b[k, j, p] = row[2 * p - 1] + row[2 * p]


@njit(cache=True, nogil=True)
def _prolong(coarse_x, diagonal, x):  # type: ignore[no-untyped-def]
    """Add to every pore voxel the correction of its block."""
    nz, ny, nx = x.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            z, y = np.uint64(k), np.uint64(j)
            above_z, above_y = np.uint64((k + 1) // 2), np.uint64((j + 1) // 2)
            for n in range(1, nx - 1):
                i = np.uint64(n)
                gain = coarse_x[above_z, above_y, (i + np.uint64(1)) >> np.uint64(1)]
                x[z, y, i] += gain if diagonal[z, y, i] > 0 else np.float32(0)
