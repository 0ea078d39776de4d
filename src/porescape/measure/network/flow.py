"""Flow through a pore network: conductances of the throats, and the distribution of the flow."""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from porescape.core.network import Network
from porescape.errors import InputError, SettingsError
from porescape.measure.network.openings import Openings
from porescape.measure.transport.stokes import Flow


@dataclass(frozen=True, slots=True, eq=False)
class Fluxes:
    """Volume per time through each throat and face opening, all in the same arbitrary unit.

    Attributes
    ----------
    throat : ndarray of float64, shape (m,)
        Positive from the lower-numbered pore to the higher-numbered one.
    inlet, outlet : ndarray of float64, shape (n,)
        Into each pore through the first face of the axis, and out of it through the last.
    """

    throat: NDArray[np.float64]
    inlet: NDArray[np.float64]
    outlet: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Conduits:
    """Flow per pressure difference, times viscosity [m³].

    Attributes
    ----------
    throat : ndarray of float64, shape (m,)
        From pore centre to pore centre.
    inlet, outlet : ndarray of float64, shape (n,)
        Between each pore's centre and the faces of the axis; 0 where the pore does not touch it.
    """

    throat: NDArray[np.float64]
    inlet: NDArray[np.float64]
    outlet: NDArray[np.float64]


def conduits(network: Network, axis: int, throat: NDArray[np.float64] | None = None) -> Conduits:
    """Compute the conductances from pore to pore and through the faces across `axis`.

    Slow flow in round pipes (Hagen-Poiseuille): from the centre of a pore, as wide as its extended ball, to
    that of a throat, as wide as its inscribed ball, runs a cone; two cones make a conduit. A tube of equal
    width comes out exactly. Pores are not cones and openings not round: on networks from images such
    conductances give permeabilities wrong by factors, so they are used to distribute a flow, not to compute
    its size.

    Parameters
    ----------
    network : Network
    axis : int
        0, 1, 2 for z, y, x.
    throat : ndarray of float64, shape (m,), optional
        Known conductances of the throats [m³]; those of the faces remain those of pipes.

    References
    ----------
    White (2011), Fluid Mechanics, 7th ed., chapter 6 (pipe); a cone is a pile of short pipes.
    """
    width = network.body_diameter_extended
    if throat is None:
        resistance = np.zeros(len(network.throat_pores))
        for end in network.throat_pores.T:
            length = np.linalg.norm(network.pore_centre[end] - network.throat_centre, axis=1)
            resistance += _cone(length, width[end], network.throat_diameter, network.voxel_size)
        throat = 1 / resistance
    elif throat.shape != (len(network.throat_pores),) or not (np.isfinite(throat) & (throat >= 0)).all():
        raise SettingsError(
            f"a conductance per throat must be given, {len(network.throat_pores)} finite numbers not below "
            f"0, got shape {throat.shape}"
        )
    depth = network.pore_centre[:, axis]
    far = network.region.shape[axis] * network.voxel_size - depth
    inlet, outlet = (
        touches / _cone(length, width, width, network.voxel_size)
        for touches, length in zip(network.touches[:, 2 * axis : 2 * axis + 2].T, (depth, far), strict=True)
    )
    return Conduits(throat, inlet, outlet)


def _cone(
    length: NDArray[np.float64], one: NDArray[np.float64], two: NDArray[np.float64], shortest: float
) -> NDArray[np.float64]:
    """Resistance of cones / viscosity [1/m³], the integral of 128 / (π d⁴) from diameter `one` to `two`.

    No shorter than half the shortest meaningful length, so that none is without resistance.
    """
    length = np.maximum(length, shortest / 2)
    return 128 / (3 * np.pi) * length * (one**2 + one * two + two**2) / (one * two) ** 3


def pressures(
    network: Network, ease: Conduits, is_open: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], float]:
    """Solve for the flow through the open throats, with pressure 1 before the inlet and 0 behind the outlet.

    Returns the pressures of the pores, shape (n,), whether each takes part (only those that lead from face to
    face do), and the flow through all of them (0 if nothing leads through).
    """
    n = len(network.pore_centre)
    pairs, g = network.throat_pores[is_open], ease.throat[is_open]
    links = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, cluster = connected_components(links, directed=False)
    fed, drained = (np.bincount(cluster, face > 0, minlength=1) > 0 for face in (ease.inlet, ease.outlet))
    part = (fed & drained)[cluster]
    pressure = np.zeros(n)
    if not part.any():
        return pressure, part, 0.0
    number = np.cumsum(part) - 1
    inside = part[pairs[:, 0]]
    i, j, g = number[pairs[inside, 0]], number[pairs[inside, 1]], g[inside]
    size = int(part.sum())
    unit = max(float(g.max(initial=0)), float(ease.inlet[part].max()))  # m³ would be 1e-20 and less
    own = ease.inlet[part] + ease.outlet[part]
    own += np.bincount(i, g, minlength=size) + np.bincount(j, g, minlength=size)
    ends = (np.concatenate((i, j)), np.concatenate((j, i)))
    matrix = diags_array(own / unit) - csr_array((np.tile(g / unit, 2), ends), shape=(size, size))
    solved = spsolve(matrix.tocsc(), ease.inlet[part] / unit, permc_spec="MMD_AT_PLUS_A")
    pressure[part] = solved
    return pressure, part, float((ease.inlet[part] * (1 - pressure[part])).sum())


def pipe_fluxes(network: Network, axis: int, ease: Conduits | None = None) -> Fluxes:
    """Distribute a flow over a network of pipes (see `conduits`).

    Raises
    ------
    InputError
        No pores lead from face to face.
    """
    ease = conduits(network, axis) if ease is None else ease
    every = np.ones(len(network.throat_pores), dtype=bool)
    pressure, part, flow = pressures(network, ease, every)
    if not part.any():
        raise no_way(network, axis)
    pairs = network.throat_pores
    through = ease.throat * (pressure[pairs[:, 0]] - pressure[pairs[:, 1]])
    return Fluxes(
        through / flow * part[pairs[:, 0]],
        ease.inlet * (1 - pressure) / flow * part,
        ease.outlet * pressure / flow * part,
    )


def throat_fluxes(network: Network, flow: Flow) -> Fluxes:
    """Add a Stokes flow up over the voxel faces that make each throat and each opening.

    Opposite flows through a throat cancel: these are net fluxes. For unit viscosity and unit mean pressure
    gradient [m⁴]. Flow through the sides of the box, if the solver allows any, is not counted.

    Parameters
    ----------
    network : Network
    flow : Flow
        Of the same volume.
    """
    wanted = network.region.shape
    found = tuple(n - (a == 0) for a, n in enumerate(flow.velocity[0].shape))
    if found != wanted:
        raise InputError(f"the flow was solved in a box of {found} voxels, but the network's has {wanted}")
    throat = np.zeros(len(network.throat_pores))
    n = len(network.pore_centre)
    key = network.throat_pores[:, 0].astype(np.int64) * n + network.throat_pores[:, 1]
    for axis in range(3):
        _add_faces(network.region, flow.velocity[axis], axis, key, n, throat)
    first, last = (np.take(network.region, end, axis=flow.axis) for end in (0, -1))
    inward, outward = (np.take(flow.velocity[flow.axis], end, axis=flow.axis) for end in (0, -1))
    face = np.float64(network.voxel_size**2)
    inlet, outlet = (
        np.bincount(region.ravel(), velocity.ravel(), minlength=n + 1)[1:] * face
        for region, velocity in ((first, inward), (last, outward))
    )
    return Fluxes(throat * face, inlet, outlet)


@njit(cache=True, nogil=True)
def _add_faces(region, velocity, axis, key, n, throat):  # type: ignore[no-untyped-def]
    nz, ny, nx = region.shape
    dz, dy, dx = int(axis == 0), int(axis == 1), int(axis == 2)
    for z in range(dz, nz):
        for y in range(dy, ny):
            for x in range(dx, nx):
                low, high = region[z - dz, y - dy, x - dx], region[z, y, x]
                if low == high or low == 0 or high == 0:
                    continue
                wanted = np.int64(min(low, high) - 1) * n + max(low, high) - 1
                t = np.searchsorted(key, wanted)
                if t < len(key) and key[t] == wanted:
                    throat[t] += velocity[z, y, x] if low < high else -velocity[z, y, x]


def pore_access(network: Network, axis: int, openings: Openings) -> NDArray[np.float64]:
    """Diameter of the largest ball that can reach each pore from before the first face, shape (n,) [m].

    It must fit through the opening of the face and through every throat on its path; 0 if there is no path.
    """
    n = len(network.pore_centre)
    beside: list[list[tuple[int, float]]] = [[] for _ in range(n)]
    for (i, j), width in zip(network.throat_pores.tolist(), openings.throat.tolist(), strict=True):
        beside[i].append((j, width))
        beside[j].append((i, width))
    access = np.zeros(n)
    inlet = openings.face[:, 2 * axis]
    waiting = [(-width, i) for i, width in enumerate(inlet.tolist()) if width > 0]
    heapify(waiting)
    while waiting:
        width, i = heappop(waiting)
        if access[i] > 0:
            continue
        access[i] = -width
        for j, throat in beside[i]:
            if access[j] == 0:
                heappush(waiting, (-min(-width, throat), j))
    return access


def no_way(network: Network, axis: int) -> InputError:
    """Return the error that nothing leads through the network along `axis`."""
    return InputError(
        f"no pores of the network lead through {network.region.shape} along {'zyx'[axis]}, so nothing can "
        "flow; try another axis or measure a larger volume"
    )


def first_step(holds: Callable[[int], bool], n: int) -> int:
    """Return the first of the steps 0 ... n - 1 from which on something holds, or the last."""
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
