"""A pore network as data: pores, throats and their positions."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Pores and throats of a volume. Positions are z, y, x from the corner of the box.

    Attributes
    ----------
    region : ndarray of int32, shape (nz, ny, nx)
        i + 1 in the region of pore i; 0 in the solid and in closed pores too small to have a peak.
    voxel_size : float
        [m].
    r_max, sigma : int, float
        Settings of the partition [voxels].
    left_out : float
        Fraction of the pore voxels that lie in closed pores left out.
    pore_centre : ndarray, shape (n, 3)
        Centre of the largest ball inside the region [m].
    body_diameter : ndarray, shape (n,)
        Inscribed: of the largest ball inside the region, to which neighbouring regions and the border of
        the box are walls [m].
    body_diameter_equivalent : ndarray, shape (n,)
        Of the ball with the region's volume [m].
    body_diameter_extended : ndarray, shape (n,)
        Of the largest ball that is centred in the region and ends at solid only; it may reach into
        neighbours and beyond the box, where no walls are known [m].
    pore_volume : ndarray, shape (n,)
        [m³].
    coordination : ndarray of int64, shape (n,)
        Throats per pore.
    touches : ndarray of bool, shape (n, 6)
        Whether the region touches the first and last face along z, y and x, in this order.
    throat_pores : ndarray of int32, shape (m, 2)
        The two pores, the lower number first; rows in increasing order.
    throat_centre : ndarray, shape (m, 3)
        Centre of the largest ball on the shared interface [m].
    throat_diameter : ndarray, shape (m,)
        Inscribed: of that ball, which ends at solid only [m]. It may exceed `body_diameter` of a pore
        whose region is cut short by its neighbours.
    throat_diameter_equivalent : ndarray, shape (m,)
        Of the circle with the throat's area [m].
    throat_area : ndarray, shape (m,)
        Of the interface as seen along its mean normal [m²]: the length of the vector sum of its voxel
        faces; the sum of the areas would be up to 1.73 times too large. A curved interface has more
        surface, but this is the area that matters for flow. The rim of an inclined interface lacks up to
        half a voxel: round throats of 7 voxels are exact along the lattice, and their equivalent diameter
        is 9 % too small at 45°.
    throat_length : ndarray, shape (m,)
        From pore centre to throat centre to pore centre, both straight [m].
    pore_weight : ndarray, shape (n,)
        How many pores of the material each stands for in statistics: 0 for those that the border cuts, at
        least 1 for whole ones; all 1 if none is whole. Empty in networks read from earlier versions.
    throat_weight : ndarray, shape (m,)
        As `pore_weight`, of the throats.
    """

    region: NDArray[np.int32]
    voxel_size: float
    r_max: int
    sigma: float
    left_out: float
    pore_centre: NDArray[np.float64]
    body_diameter: NDArray[np.float64]
    body_diameter_equivalent: NDArray[np.float64]
    body_diameter_extended: NDArray[np.float64]
    pore_volume: NDArray[np.float64]
    coordination: NDArray[np.int64]
    touches: NDArray[np.bool_]
    throat_pores: NDArray[np.int32]
    throat_centre: NDArray[np.float64]
    throat_diameter: NDArray[np.float64]
    throat_diameter_equivalent: NDArray[np.float64]
    throat_area: NDArray[np.float64]
    throat_length: NDArray[np.float64]
    pore_weight: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    throat_weight: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def interior(self) -> NDArray[np.bool_]:
        """Pores that touch no face of the box, shape (n,): only these are whole, with all their throats."""
        return np.asarray(~self.touches.any(axis=1))

    def counted(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return a size or the coordination of the pores or throats that count, and their weights.

        Those that the border cuts are left out. Networks of earlier versions have no weights: all count 1.
        """
        values = np.asarray(getattr(self, name), dtype=np.float64)
        weights = self.throat_weight if name.startswith("throat") else self.pore_weight
        if not self.pore_weight.size:
            weights = np.ones(len(values))
        return values[weights > 0], weights[weights > 0]

    @property
    def pore_density(self) -> float:
        """Pores per bulk volume [1/m³], by the weights of the whole ones."""
        return float(self.pore_weight.sum() / (self.region.size * self.voxel_size**3))
