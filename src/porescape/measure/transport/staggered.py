"""The discrete equations of slow flow on voxels, and their solution.

Staggered grid of Harlow and Welch (1965): pressures live in the middle of voxels, velocities on the faces
between them, so the outflow of a pore voxel is the inflow of the next. Flow is along the first axis; lengths
are in voxels, the viscosity is one, the pressure one at the inlet and zero at the outlet.

Fields are float32 of shape (nz + 3, ny + 2, nx + 2), or four of them in a row: velocity along z, y and x, and
pressure. Voxel (k, j, i) and its three lower faces stand at [k + 1, j + 1, i + 1], the outlet's faces at
[nz + 1]. The first and the last plane of faces each close half a cell.
"""

from collections.abc import Callable

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.errors import InputError
from porescape.measure.transport.multigrid import FaceCycle, Field, NodeCycle

SAFETY = np.float32(1.4)  # a V-cycle solves for at least 0.79 of any velocity, and must for more than 1 / 1.4
MOST_ITERATIONS = 300
BALANCE = 1e-6  # share of the imbalance that may be left
_LANES = 16  # partial sums, so that a processor may add several numbers at once


class StokesGrid:
    """The equations of one structure, with an approximate solver for each of them.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        Pores that lead from the first plane to the last, and no others; not all of the box with slip.
    slip : bool
        The sides of the box are mirrors; otherwise they are walls.
    smooth : bool
        Steps between voxels are those of a smooth wall that was discretised; otherwise they are the wall.
    """

    def __init__(self, pore: NDArray[np.bool_], slip: bool, smooth: bool):
        padded = np.pad(pore, ((1, 2), (1, 1), (1, 1)))
        self.pore = pore
        self.inverses = _inverse_diagonals(padded, slip, smooth)
        scratch = np.zeros(padded.shape, np.float32), np.zeros(padded.shape, np.float32)
        self.faces = tuple(
            FaceCycle(inverse, axis == 0, scratch) for axis, inverse in enumerate(self.inverses)
        )
        z, y, x = (self._mobility(axis) for axis in range(3))
        self.mobility = z, y, x
        self.nodes = NodeCycle(padded, self.mobility, scratch)

    def _mobility(self, axis: int) -> Field:
        """Return the velocity of each face under a unit force, without the pressure.

        Approximately the square of the local pore width; it connects distant pressures. An approximation is
        enough.
        """
        inverse = self.inverses[axis]
        force = (inverse > 0).astype(np.float32)
        if axis == 0:
            force[[1, -2]] *= np.float32(0.5)
        speed = _conjugate_gradients(self.faces[axis], force, 0.1, 10)
        np.maximum(speed, np.float32(0.5) * inverse, out=speed)
        if axis == 0:  # the pressure acts on the whole face, if on half a cell
            speed[[1, -2]] *= np.float32(2)
        return speed

    def start(self) -> Field:
        """Return fields at rest with a linear pressure."""
        nz = self.pore.shape[0]
        fields = np.zeros((4, *self.inverses[0].shape), np.float32)
        falling = 1 - (np.arange(nz) + 0.5) / nz
        fields[3, 1 : nz + 1, 1:-1, 1:-1] = falling[:, None, None] * self.pore
        return fields

    def residual(self, fields: Field) -> Field:
        """Return the residual of the pressure at the inlet and of the mass balance."""
        left = np.zeros_like(fields)
        self.apply(fields, left)
        fields[3, 0] = 1  # the inlet's pressure
        _add_gradient(fields[3], *self.inverses, left)
        fields[3, 0] = 0
        _inflow(fields, left[3])
        return np.negative(left, out=left)

    def apply(self, u: Field, out: Field) -> None:
        """Write the viscous part of the momentum equations into `out`."""
        for axis, cycle in enumerate(self.faces):
            cycle.apply(u[axis], out[axis])

    def precondition(self, load: Field, out: Field, pull: Field) -> None:
        """Solve approximately: velocity from its own load, then pressure from the rest of the mass balance.

        `pull` becomes that imbalance; the pressure's preconditioner turns it into out[3].
        """
        for axis, cycle in enumerate(self.faces):
            cycle.solve(load[axis], out[axis])
        out[:3] *= SAFETY
        _inflow(out, pull)
        pull -= load[3]
        # over a pore pressure follows the rate of strain, over many pores it follows Darcy's law
        self.nodes.solve(pull, out[3])
        out[3] += pull


def _inverse_diagonals(pore: NDArray[np.bool_], slip: bool, smooth: bool) -> tuple[Field, Field, Field]:
    """Return 1 / diagonal of each velocity component's equations, 0 on closed faces; `pore` has the rim."""
    inverses = []
    for axis in range(3):
        is_open, touched = pore.copy(), pore.copy()
        before = np.moveaxis(pore, axis, 0)[:-1]
        np.moveaxis(is_open, axis, 0)[1:] &= before
        np.moveaxis(touched, axis, 0)[1:] |= before
        if axis == 0:  # inlet and outlet are mirrors: there is pore beyond a pore
            is_open[[1, -2]] = pore[[1, -3]]
        diagonal = np.full(pore.shape, 6, np.float32)  # all six neighbours open
        for other in {0, 1, 2} - {axis}:
            lines = (
                np.moveaxis(a, other, 0)[: -1 if other == 0 else None] for a in (is_open, touched, diagonal)
            )
            # flow along a face of the box changes sign in the mirrors of inlet and outlet, not in others
            _add_walls(*lines, smooth, slip or other == 0, 2.0 if other == 0 else 0.0)
        if axis == 0:
            diagonal[[1, -2]] *= np.float32(0.5)  # half cells
        inverses.append(np.where(is_open, 1 / diagonal, np.float32(0)))
    z, y, x = inverses
    return z, y, x


@njit(cache=True, nogil=True)
def _add_walls(is_open, touched, diagonal, smooth, mirrors, mirror):  # type: ignore[no-untyped-def]
    """Add by how much more a closed face slows its neighbour along the first axis than an open one.

    An open neighbour pulls with one, being one voxel away. Of `n` open faces between two flat walls, half a
    voxel beyond the first and the last, each carries the mean over its own voxel if these walls pull with
    6n / (3n - 2): then the n lines of the equations add up to n³ / 12, the flow of a slit.

    A closed face that touches a pore is at the edge of a step. If the steps are the wall, half of the voxel
    between is beside a wall and half beside water at rest on the edge, one voxel away. If the wall is smooth,
    it lies anywhere from half a voxel to one and a half beyond the open face, one on average, at any slope up
    to one; where both voxels are solid it lies half a voxel beyond.

    is_open, touched : which faces have pore on both sides, and which on one at least; with a rim of one
    mirrors, mirror : whether both ends are mirrors, beyond which the line goes on, and how they pull
    """
    planes, rows, columns = is_open.shape
    for j in range(rows):
        for i in range(columns):
            k = 1
            while k < planes - 1:
                if not is_open[k, j, i]:
                    k += 1
                    continue
                first = k
                while k < planes - 1 and is_open[k, j, i]:
                    k += 1
                from_mirror, to_mirror = mirrors and first == 1, mirrors and k == planes - 1
                n = k - first
                if from_mirror or to_mirror:
                    n *= 2
                wall = 6 * n / (3 * n - 2)
                step = 1.0 if smooth else (1 + wall) / 2
                low = mirror if from_mirror else step if touched[first - 1, j, i] else wall
                high = mirror if to_mirror else step if touched[k, j, i] else wall
                diagonal[first, j, i] += low - 1
                diagonal[k - 1, j, i] += high - 1


def solve(
    grid: StokesGrid, tolerance: float, progress: Callable[[int, float], None] | None
) -> tuple[Field, int, float]:
    """Solve by the conjugate gradients of Bramble and Pasciak; return fields, iterations and residual.

    With velocity and pressure preconditioned by P and S, the equations are symmetric and positive in

        <(u, p), (v, q)> = u·(A - P)v + p·Sq,

    provided that the viscous part A exceeds P.
    """
    x = grid.start()
    r = grid.residual(x)
    z, w, q, pull = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), np.zeros_like(x[3])
    grid.precondition(r, z, pull)
    grid.apply(z, w)
    first = now = _dot(z[:3], w[:3]) - _dot(z[:3], r[:3]) + _dot(z[3], pull)
    d = z.copy()
    iterations, share = 0, 1.0
    while share > tolerance:
        grid.apply(d, q)
        _add_gradient(d[3], *grid.inverses, q)
        _inflow(d, q[3])
        grid.precondition(q, w, pull)
        length = _dot(w[:3], q[:3]) - _dot(d, q)  # <d, w>
        if iterations == MOST_ITERATIONS or length <= 0 or now <= 0:
            raise InputError(
                f"the flow has not settled: after {iterations} iterations {share:.1e} of the first residual "
                f"is left, wanted {tolerance:g}; choose a larger tolerance, or measure a smaller volume"
            )
        _add(x, now / length, d)
        _add(r, -now / length, q)
        _add(z, -now / length, w)
        grid.apply(z, w)  # w has served its turn
        _inflow(z, pull)
        pull -= r[3]
        before, now = now, _dot(z[:3], w[:3]) - _dot(z[:3], r[:3]) + _dot(z[3], pull)
        _scale_and_add(d, now / before, z)
        iterations += 1
        share = abs(now / first) ** 0.5
        if progress is not None:
            progress(iterations, share)
    return x, iterations, share


def conserve(grid: StokesGrid, fields: Field) -> None:
    """Subtract from the velocity the smallest flow that balances every voxel."""
    pull = np.zeros_like(fields[3])
    _inflow(fields, pull)
    pressure = _conjugate_gradients(grid.nodes, pull, BALANCE, 100)
    _subtract_darcy(pressure, *grid.mobility, fields)


def _conjugate_gradients(cycle: FaceCycle | NodeCycle, load: Field, tolerance: float, most: int) -> Field:
    """Solve cycle.apply(x) = load to a share `tolerance` of the energy of the load."""
    x, q, z, r = np.zeros_like(load), np.zeros_like(load), np.zeros_like(load), load.copy()
    cycle.solve(r, z)
    d = z.copy()
    first = now = _dot(r, z)
    for _ in range(most):
        if now <= tolerance**2 * first:
            break
        cycle.apply(d, q)
        step = now / _dot(d, q)
        _add(x, step, d)
        _add(r, -step, q)
        cycle.solve(r, z)
        before, now = now, _dot(r, z)
        _scale_and_add(d, now / before, z)
    return x


@njit(cache=True, nogil=True)
def _add_gradient(p, iz, iy, ix, out):  # type: ignore[no-untyped-def]
    """Add the pressure's gradient on open faces; the rim is at zero pressure."""
    nz, ny, nx = p.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                here = p[k, j, i]
                out[0, k, j, i] += here - p[k - 1, j, i] if iz[k, j, i] > 0 else np.float32(0)
                out[1, k, j, i] += here - p[k, j - 1, i] if iy[k, j, i] > 0 else np.float32(0)
                out[2, k, j, i] += here - p[k, j, i - 1] if ix[k, j, i] > 0 else np.float32(0)


@njit(cache=True, nogil=True)
def _subtract_darcy(p, mz, my, mx, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = p.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                here = p[k, j, i]
                out[0, k, j, i] -= mz[k, j, i] * (here - p[k - 1, j, i])
                out[1, k, j, i] -= my[k, j, i] * (here - p[k, j - 1, i])
                out[2, k, j, i] -= mx[k, j, i] * (here - p[k, j, i - 1])


@njit(cache=True, nogil=True)
def _inflow(u, out):  # type: ignore[no-untyped-def]
    """Write the inflow minus the outflow of each voxel through its six faces."""
    _, nz, ny, nx = u.shape
    for k in range(1, nz - 2):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                z = u[0, k, j, i] - u[0, k + 1, j, i]
                y = u[1, k, j, i] - u[1, k, j + 1, i]
                x = u[2, k, j, i] - u[2, k, j, i + 1]
                out[k, j, i] = z + y + x


# numpy's dot may share the sum among threads, and its last digits would depend on how many there are
def _dot(a: Field, b: Field) -> float:
    return float(_dot_flat(a.reshape(-1), b.reshape(-1)))


def _add(a: Field, factor: float, b: Field) -> None:
    _add_flat(a.reshape(-1), np.float32(factor), b.reshape(-1))


def _scale_and_add(a: Field, factor: float, b: Field) -> None:
    _scale_and_add_flat(a.reshape(-1), np.float32(factor), b.reshape(-1))


@njit(cache=True, nogil=True)
def _dot_flat(a, b):  # type: ignore[no-untyped-def]
    lanes = np.zeros(_LANES)
    whole = a.size // _LANES * _LANES
    for start in range(0, whole, _LANES):
        for lane in range(_LANES):
            lanes[lane] += np.float64(a[start + lane]) * b[start + lane]
    for i in range(whole, a.size):
        lanes[0] += np.float64(a[i]) * b[i]
    total = 0.0
    for lane in range(_LANES):
        total += lanes[lane]
    return total


@njit(cache=True, nogil=True)
def _add_flat(a, factor, b):  # type: ignore[no-untyped-def]
    for i in range(a.size):
        a[i] += factor * b[i]


@njit(cache=True, nogil=True)
def _scale_and_add_flat(a, factor, b):  # type: ignore[no-untyped-def]
    for i in range(a.size):
        a[i] = factor * a[i] + b[i]
