"""Particle retention of a membrane by size, and its clean-water flux."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array
from scipy.sparse.linalg import spsolve

from porescape.core.curve import Curve
from porescape.core.network import Network
from porescape.errors import SettingsError
from porescape.measure.filtration.fluids import WATER_AT_20
from porescape.measure.network.flow import Fluxes, first_step, no_way, pipe_fluxes
from porescape.measure.network.openings import Openings, openings_of

RATINGS = (0.90, 0.95, 0.99)
_STRAY = 1e-9  # of the flow; a smaller flow through a throat is rounding
_LOST = 1e-14  # of the outflow of a pore; so that particles that can only move in circles are retained


@dataclass(frozen=True, slots=True, eq=False)
class Retention:
    """Share of particles retained, by their diameter.

    Attributes
    ----------
    curve : Curve
        Share of the particles retained over their diameter [m].
    d90, d95, d99 : float
        Of particles larger than this at least 90, 95 or 99 % are retained [m].
    layers : float
        Number of boxes in series.
    paths : int
        Pores of the first face through which particles come: what fewer than one in so many particles do is
        not seen in one box.
    """

    curve: Curve
    d90: float
    d95: float
    d99: float
    layers: float
    paths: int

    def log_reduction(self, diameter: float) -> tuple[float, bool]:
        """Log reduction value of particles of a diameter on the curve, -log10 of the share that passes.

        Returns
        -------
        value : float
        at_least : bool
            Whether the box is too small to say more: fewer particles pass than one in `paths` per layer.

        Examples
        --------
        >>> at = Curve(np.array([1e-7, 2e-7]), np.array([0.99, 1.0]), "m", "1")
        >>> held = Retention(at, 1e-7, 1e-7, 1e-7, layers=1.0, paths=500)
        >>> [(round(value, 1), at_least) for value, at_least in map(held.log_reduction, at.x)]
        [(2.0, False), (2.7, True)]
        """
        passing = 1 - float(self.curve.y[np.flatnonzero(self.curve.x == diameter)[0]])
        most = self.layers * math.log10(max(self.paths, 1))
        value = -math.log10(passing) if passing > 0 else math.inf
        return (most, True) if value > most else (max(value, 0.0), False)


def retention(
    network: Network,
    axis: int,
    *,
    fluxes: Fluxes | None = None,
    openings: Openings | None = None,
    diameters: NDArray[np.float64] | None = None,
    thickness: float | None = None,
    sizes: int = 30,
) -> Retention:
    """Simulate the passage of particles of many sizes through a network.

    Hard balls come with the flow, into each pore in proportion to the liquid. In each pore they mix, and
    leave through the throats with the flow. If the way through the opening of a face, or from the middle of a
    pore through a throat to that of the next, is narrower than the particle (`openings_of`), the particle is
    retained permanently. So the passage is a Markov chain along
    the net fluxes, and a deep network sieves repeatedly. A thicker membrane is treated as independent layers:
    with R of one box, 1 - (1 - R)^n of n boxes.

    Left out: adsorption, diffusion, charge, hydrodynamic lift and hindrance (a particle does not ride
    the mean flow), deformation of particles, and pores blocked by particles.
    So this is only the sieving of the clean membrane, the lower bound for particles that adhere to it.

    Parameters
    ----------
    network : Network
    axis : int
        0, 1, 2 for z, y, x; particles come before the first face.
    fluxes : Fluxes, optional
        Along this axis: of a Stokes flow by `throat_fluxes`, or other ones; by default those of pipes.
    openings : Openings, optional
        Of this network, if they are already known.
    diameters : ndarray of float64, shape (k,), optional
        For the curve [m], ascending; by default `sizes` from the narrowest opening to beyond the widest.
    thickness : float, optional
        Of the membrane along `axis` [m]; that of the box by default.
    sizes : int
        See `diameters`.

    Raises
    ------
    InputError
        No pores lead from face to face.

    References
    ----------
    Rege and Fogler (1987), Chemical Engineering Science 42, 1553 (straining in a network, paths chosen in
    proportion to flow; there the pores also clog).
    """
    length = network.region.shape[axis] * network.voxel_size
    layers = 1.0 if thickness is None else thickness / length
    if not (math.isfinite(layers) and layers > 0):
        raise SettingsError(f"the thickness of a membrane must be a positive length [m], got {thickness}")
    fluxes = pipe_fluxes(network, axis) if fluxes is None else fluxes
    ways = openings_of(network) if openings is None else openings
    passing = _sieve(network, axis, fluxes, ways)
    steps = np.unique(np.concatenate((ways.throat, ways.face[:, 2 * axis : 2 * axis + 2].ravel())))
    steps = steps[steps > 0]

    def held_back(particle: float) -> float:
        """Share retained of particles just larger than this diameter."""
        return 1.0 - float(max(passing(particle), 0.0) ** layers)

    def rating(share: float) -> float:
        return float(steps[first_step(lambda step: held_back(steps[step]) >= share, len(steps))])

    if diameters is None:
        diameters = np.geomspace(steps[0] * 0.99, steps[-1] * 1.01, sizes)
    curve = np.array([held_back(np.nextafter(d, 0)) for d in diameters])  # d itself still fits through d
    d90, d95, d99 = (rating(share) for share in RATINGS)
    paths = int(np.count_nonzero((ways.face[:, 2 * axis] > 0) & (fluxes.inlet > 0)))
    return Retention(Curve(diameters, np.maximum.accumulate(curve), "m", "1"), d90, d95, d99, layers, paths)


def runs_through(pore: NDArray[np.bool_], axis: int) -> float:
    """Return how alike planes half a box apart are: 0 in disordered materials, 1 if pores run through.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
    axis : int
        0, 1, 2 for z, y, x.

    Returns
    -------
    float
        Autocovariance of the pores at half the depth of the box, as a share of that at none; 0 if one phase
        fills the box.
    """
    porosity = float(pore.mean())
    if not 0 < porosity < 1:
        return 0.0
    planes = np.moveaxis(pore, axis, 0)
    half = len(planes) // 2
    both = float(np.count_nonzero(planes[half:] & planes[: len(planes) - half])) / planes[half:].size
    share = float(planes[half:].mean()) * float(planes[: len(planes) - half].mean())
    return (both - share) / (porosity * (1 - porosity))


def _sieve(network: Network, axis: int, fluxes: Fluxes, ways: Openings) -> Callable[[float], float]:
    """Return a function for the share of particles just larger than a diameter that passes."""
    inflow = np.maximum(fluxes.inlet, 0)  # no particles enter where liquid flows back out of the inlet
    total = float(inflow.sum())
    if total <= 0 or fluxes.outlet.max(initial=0) <= 0:
        raise no_way(network, axis)
    n = len(network.pore_centre)
    inlet, outlet = ways.face[:, 2 * axis], ways.face[:, 2 * axis + 1]
    forward = fluxes.throat > 0
    source = np.where(forward, *network.throat_pores.T)
    target = np.where(forward, *network.throat_pores.T[::-1])
    flux = np.where(np.abs(fluxes.throat) > _STRAY * total, np.abs(fluxes.throat), 0)
    outflow = np.maximum(fluxes.outlet, 0)
    leaving = np.bincount(source, flux, minlength=n) + outflow
    leaving[leaving == 0] = 1  # a dead end
    chance = flux / leaving[source] * (1 - _LOST)

    def passing(diameter: float) -> float:
        is_open = (ways.throat > diameter) & (chance > 0)
        moves = csr_array((chance[is_open], (target[is_open], source[is_open])), shape=(n, n))
        visits = spsolve((eye_array(n) - moves).tocsc(), inflow * (inlet > diameter))
        return min(float((visits * outflow / leaving)[outlet > diameter].sum()) / total, 1.0)

    return passing


def clean_water_flux(
    permeability: float, thickness: float, pressure: float, viscosity: float = WATER_AT_20
) -> float:
    """Volume of water per membrane area and time by Darcy's law, k Δp / (μ t) [m/s].

    Left out: resistance of the support, of entrance and exit, fouling, osmotic pressure, compression of the
    membrane, and all layers (such as a skin) that the permeability was not measured on.

    Parameters
    ----------
    permeability : float
        Along the flow [m²].
    thickness : float
        Of the membrane [m].
    pressure : float
        Difference across it [Pa].
    viscosity : float
        [Pa s]; of water at 20 °C by default.

    References
    ----------
    Darcy (1856), Les fontaines publiques de la ville de Dijon.

    Examples
    --------
    >>> flux = clean_water_flux(permeability=1e-15, thickness=100e-6, pressure=1e5)
    >>> round(litres_per_square_metre_and_hour(flux))
    3593
    """
    if not (math.isfinite(permeability) and permeability >= 0):
        raise SettingsError(f"permeability must be 0 or more, in m², got {permeability}")
    for name, value in (("thickness", thickness), ("pressure", pressure), ("viscosity", viscosity)):
        if not (math.isfinite(value) and value > 0):
            raise SettingsError(f"{name} must be positive and finite, in SI units, got {value}")
    return permeability * pressure / (viscosity * thickness)


def litres_per_square_metre_and_hour(flux: float) -> float:
    """Convert a flux [m/s] to L/(m² h), the LMH of data sheets.

    >>> litres_per_square_metre_and_hour(1e-3)
    3600.0
    """
    return flux * 3.6e6


def permeance(permeability: float, thickness: float, viscosity: float = WATER_AT_20) -> float:
    """Clean water flux per bar of pressure difference [L/(m² h bar)].

    Parameters and limits are those of `clean_water_flux`.
    """
    return litres_per_square_metre_and_hour(clean_water_flux(permeability, thickness, 1e5, viscosity))
