"""Permeability: slow flow of a liquid through the voxels of the pores.

Stokes' equations on the staggered grid of Harlow and Welch (1965): pressures live in the middle of voxels,
velocities on the faces between them, so what flows out of a pore voxel flows into the next, to rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cc3d
import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.minkowski import specific_surface
from porescape.measure.multigrid import FaceCycle, Field, NodeCycle

Sides = Literal["slip", "wall"]

TOLERANCE = 1e-3
_MOST_ITERATIONS = 300
_AXES = "zyx"
_SAFETY = 1.3  # a V-cycle solves for at least 0.88 of any velocity
_BALANCE = 1e-6
_LANES = 16  # partial sums, so that a processor may add several numbers at once
_WALL = 2.0  # a wall lies half a voxel before the face beyond it, so its pull counts twice


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Steady slow flow through a volume along one axis.

    Attributes
    ----------
    axis : int
        Along which the pressure falls: 0, 1 or 2 for z, y or x.
    permeability : float
        Darcy's, [m²].
    velocity : tuple of three ndarray of float32
        For unit viscosity and unit mean pressure gradient [m²], along z, y and x, positive towards larger
        indices. velocity[a][z, y, x] flows through the lower face of voxel (z, y, x) along axis a; the shape
        is the volume's and one more along a. Zero on faces that touch solid.
    pressure : ndarray of float32, shape (nz, ny, nx)
        In the middle of voxels; falls from 1 at the first face to 0 at the last. NaN where nothing flows: in
        the solid and in pores that do not lead through.
    iterations : int
        How many the solver took.
    residual : float
        What is left of the equations' first residual, as a share, in the solver's own norm.
    imbalance : float
        Largest difference between the flows through two cross-sections / mean flow.
    """

    axis: int
    permeability: float
    velocity: tuple[Field, Field, Field]
    pressure: Field
    iterations: int
    residual: float
    imbalance: float


def kozeny_carman(volume: Volume) -> float:
    """Permeability estimated from porosity φ and surface per bulk volume S as φ³ / (5 S²) [m²].

    A sanity line beside the computed flow, never a result: it knows nothing of throats, dead ends or
    direction, and the constant 5 is that of packed grains.

    References
    ----------
    Carman (1937), Transactions of the Institution of Chemical Engineers 15, 150.
    """
    surface = specific_surface(volume)
    if surface == 0:
        found = "pore" if volume.porosity else "solid"
        raise InputError(f"Kozeny-Carman needs walls, but every voxel of {volume.shape} is {found}")
    return volume.porosity**3 / (5 * surface**2)


def stokes_flow(
    volume: Volume,
    axis: int,
    *,
    tolerance: float = TOLERANCE,
    sides: Sides = "slip",
    progress: Callable[[int, float], None] | None = None,
) -> Flow:
    """Solve for the slow flow that a pressure difference drives through the pores.

    TODO
    """
    if axis not in (0, 1, 2):
        raise SettingsError(f"axis must be 0, 1 or 2 for z, y or x, got {axis!r}")
    if sides not in ("slip", "wall"):
        raise SettingsError(f"sides must be 'slip' or 'wall', got {sides!r}")
    if not 0 < tolerance < 1:
        raise SettingsError(f"tolerance must be a share between 0 and 1, got {tolerance!r}")
    through = _through(volume, axis, sides)
    problem = _Problem(through, sides)
    fields, iterations, residual = _iterate(problem, tolerance, progress)
    _conserve(problem, fields)
    return _told(volume, axis, through, fields, iterations, residual)


def _through(volume: Volume, axis: int, sides: Sides) -> NDArray[np.bool_]:
    """Return the pores that touch both faces of `axis`, with that axis in front."""
    pore = np.ascontiguousarray(np.moveaxis(volume.pore, axis, 0))
    label = cc3d.connected_components(pore.astype(np.uint8), connectivity=6)
    both = np.intersect1d(label[0], label[-1])
    through: NDArray[np.bool_] = np.isin(label, both[both > 0])
    if not through.any():
        raise InputError(
            f"nothing flows along {_AXES[axis]}: no pore of {volume.shape} voxels, porosity "
            f"{volume.porosity:.3g}, touches both faces; measure another axis, or a structure with open pores"
        )
    if through.all() and sides == "slip":
        raise InputError(
            f"every voxel of {volume.shape} is pore: without walls nothing resists the flow and the "
            "permeability is infinite; measure a structure with solid"
        )
    return through


class _Problem:
    """The discrete equations, with the flow along the first axis; lengths in voxels, viscosity one.

    Fields are float32 of shape (nz + 3, ny + 2, nx + 2), or four of them: three velocities and the pressure.
    Voxel (k, j, i) and its three lower faces stand at [k + 1, j + 1, i + 1]; the faces of the outlet
    at [nz + 1]. The first and the last plane of faces close half a cell each.
    """

    def __init__(self, pore: NDArray[np.bool_], sides: Sides):
        self.pore = pore
        self.inverses = _inverse_diagonals(pore, sides)
        self.faces = tuple(FaceCycle(self.inverses[axis], axis == 0) for axis in range(3))
        self.mobility = tuple(self._mobility(axis) for axis in range(3))
        first, last = 1, pore.shape[0] + 1
        inner, ends = self.mobility[0].copy(), np.zeros_like(self.mobility[0])
        inner[[first, last]] = 0
        ends[first] += self.mobility[0][first]
        ends[last - 1] += self.mobility[0][last]
        self.nodes = NodeCycle((inner, *self.mobility[1:]), ends)

    def _mobility(self, axis: int) -> Field:
        """Return how fast each face flows under a unit force, were the pressure no concern.

        In short the square of the local pore width; it is what joins pressures far apart. Roughly is enough.
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
        """Return fields at rest with a pressure that falls evenly."""
        nz = self.pore.shape[0]
        fields = np.zeros((4, *self.inverses[0].shape), np.float32)
        falling = 1 - (np.arange(nz) + 0.5) / nz
        fields[3, 1 : nz + 1, 1:-1, 1:-1] = falling[:, None, None] * self.pore
        return fields

    def residual(self, fields: Field) -> Field:
        """Return what the fields leave of the pressure at the inlet and of the mass balance."""
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
        """Solve roughly: velocity from its own load, then pressure from what that leaves of the mass balance.

        `pull` becomes that imbalance; the pressure's preconditioner turns it into out[3].
        """
        for axis, cycle in enumerate(self.faces):
            cycle.solve(load[axis], out[axis])
        out[:3] *= np.float32(_SAFETY)
        _inflow(out, pull)
        pull -= load[3]
        # over a pore pressure follows the rate of strain, over many pores it follows Darcy's law
        self.nodes.solve(pull, out[3])
        out[3] += pull


def _inverse_diagonals(pore: NDArray[np.bool_], sides: Sides) -> tuple[Field, Field, Field]:
    """Return 1 / diagonal of each velocity component's equations; 0 on closed faces."""
    nz, ny, nx = pore.shape
    padded = np.zeros((nz + 3, ny + 2, nx + 2), bool)
    padded[1 : nz + 1, 1:-1, 1:-1] = pore
    inverses = []
    for axis in range(3):
        before = np.zeros_like(padded)
        np.moveaxis(before, axis, 0)[1:] = np.moveaxis(padded, axis, 0)[:-1]
        is_open = padded & before
        if axis == 0:  # inlet and outlet are mirrors: there is pore beyond a pore
            is_open[1] = padded[1]
            is_open[-2] = padded[-3]
        diagonal = np.zeros(padded.shape, np.float32)
        for other in {0, 1, 2} - {axis}:
            pull = np.where(np.moveaxis(is_open, other, 0), np.float32(1), np.float32(_WALL))
            last = nz if other == 0 else len(pull) - 2
            pull[0] = pull[last + 1] = _WALL if other == 0 or sides == "wall" else 0
            np.moveaxis(diagonal, other, 0)[1:-1] += pull[:-2] + pull[2:]
        diagonal += 2  # the neighbours along its own axis: moving or at rest, one voxel away
        if axis == 0:
            diagonal[[1, -2]] *= np.float32(0.5)  # half cells
        inverses.append(np.where(is_open, 1 / diagonal, 0).astype(np.float32))
    z, y, x = inverses
    return z, y, x


def _iterate(
    problem: _Problem, tolerance: float, progress: Callable[[int, float], None] | None
) -> tuple[Field, int, float]:
    """Solve by the conjugate gradients of Bramble and Pasciak; return fields, iterations and residual.

    With velocity and pressure preconditioned by P and S, the equations are symmetric and positive in

        <(u, p), (v, q)> = u·(A - P)v + p·Sq,

    provided that the viscous part A exceeds P.
    """
    x = problem.start()
    r = problem.residual(x)
    z, w, q, pull = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x), np.zeros_like(x[3])
    problem.precondition(r, z, pull)
    problem.apply(z, w)
    first = now = _dot(z[:3], w[:3]) - _dot(z[:3], r[:3]) + _dot(z[3], pull)
    d, pushed = z.copy(), w[:3].copy()
    iterations, share = 0, 1.0
    while share > tolerance and now > 0:
        q[:3] = pushed
        _add_gradient(d[3], *problem.inverses, q)
        _inflow(d, q[3])
        problem.precondition(q, w, pull)
        length = _dot(w[:3], pushed) - _dot(q[:3], d[:3]) + _dot(d[3], pull)
        if iterations == _MOST_ITERATIONS or length <= 0:
            raise InputError(
                f"the flow has not settled: after {iterations} iterations {share:.1e} of the first residual is "
                f"left, wanted {tolerance:g}; ask for a larger tolerance, or measure a smaller volume"
            )
        _add(x, now / length, d)
        _add(r, -now / length, q)
        _add(z, -now / length, w)
        problem.apply(z, w)  # w has served its turn
        _inflow(z, pull)
        pull -= r[3]
        before, now = now, _dot(z[:3], w[:3]) - _dot(z[:3], r[:3]) + _dot(z[3], pull)
        _scale_and_add(d, now / before, z)
        _scale_and_add(pushed, now / before, w[:3])
        iterations += 1
        share = max(now / first, 0) ** 0.5
        if progress is not None:
            progress(iterations, share)
    return x, iterations, share


def _conserve(problem: _Problem, fields: Field) -> None:
    """Take the smallest flow that balances every voxel's budget off the velocity."""
    pull = np.zeros_like(fields[3])
    _inflow(fields, pull)
    pressure = _conjugate_gradients(problem.nodes, pull, _BALANCE, 100)
    _subtract_darcy(pressure, *problem.mobility, fields)


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
    """Write what flows into each voxel through its six faces, less what flows out."""
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


def _told(
    volume: Volume, axis: int, pore: NDArray[np.bool_], fields: Field, iterations: int, residual: float
) -> Flow:
    """Return the fields in the volume's own axes and units."""
    nz, ny, nx = pore.shape
    scale = nz * volume.voxel_size**2  # from the pressure difference one to its mean gradient one
    along = fields[0, 1 : nz + 2, 1:-1, 1:-1]
    flow = along.sum(axis=(1, 2), dtype=np.float64)
    mean = float(flow.mean())
    if not mean > 0:
        raise InputError("TODO")
    faces = (
        along,
        fields[1, 1 : nz + 1, 1:, 1:-1],
        fields[2, 1 : nz + 1, 1:-1, 1:],
    )
    back = [np.ascontiguousarray(np.moveaxis(u, 0, axis)) * np.float32(scale) for u in faces]
    own = [axis, *sorted({0, 1, 2} - {axis})]  # which axis of the volume each component lies along
    z, y, x = (back[own.index(a)] for a in range(3))
    pressure = np.where(pore, fields[3, 1 : nz + 1, 1:-1, 1:-1], np.float32(np.nan))
    return Flow(
        axis=axis,
        permeability=mean * scale / (ny * nx),
        velocity=(z, y, x),
        pressure=np.ascontiguousarray(np.moveaxis(pressure, 0, axis)),
        iterations=iterations,
        residual=residual,
        imbalance=float((flow.max() - flow.min()) / mean),
    )
