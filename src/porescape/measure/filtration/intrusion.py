"""Pressures at which a non-wetting fluid enters the pores: bubble point and mercury intrusion.

A meniscus in a pore of diameter d withstands the pressure 4 γ |cos θ| / d (Young-Laplace for a round opening,
in the form of Washburn). So the pores filled at a pressure follow from geometry: the places that a ball of
diameter d can reach from outside.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.clearance import Clearance, clearance, widest_way
from porescape.measure.geometry.thickness import bits, paint

MERCURY_TENSION = 0.48  # N/m, and the angle: the default of porosimeters (ISO 15901-1)
MERCURY_ANGLE = 140.0  # degrees


@dataclass(frozen=True, slots=True, eq=False)
class Intrusion:
    """A mercury intrusion curve.

    Attributes
    ----------
    diameter : ndarray of float64, shape (n,)
        Pore diameters [m], falling.
    pressure : ndarray of float64, shape (n,)
        Pressure needed to enter them [Pa], rising.
    saturation : ndarray of float64, shape (n,)
        Share of the pore volume that is filled at this pressure.
    median_diameter : float
        Half of the accessible pore volume is entered at this diameter [m] or larger.
    """

    diameter: NDArray[np.float64]
    pressure: NDArray[np.float64]
    saturation: NDArray[np.float64]
    median_diameter: float

    @property
    def curve(self) -> Curve:
        """Saturation over pressure."""
        return Curve(self.pressure, self.saturation, "Pa", "1")

    @property
    def distribution(self) -> Curve:
        """Share of the pore volume entered per decade of diameter, dV / dlog D, over diameter."""
        middle = np.sqrt(self.diameter[1:] * self.diameter[:-1])
        per_decade = np.diff(self.saturation) / -np.diff(np.log10(self.diameter))
        return Curve(middle[::-1], per_decade[::-1], "m", "1")


def capillary_pressure(diameter: float, surface_tension: float, contact_angle: float) -> float:
    """Pressure that a meniscus in a round opening withstands [Pa]: 4 γ |cos θ| / d.

    Parameters
    ----------
    diameter : float
        [m]
    surface_tension : float
        [N/m]
    contact_angle : float
        [degrees]; below 90 the liquid wets and gas must be pressed in; above 90 the liquid must be pressed
        in.

    References
    ----------
    Washburn (1921), Proceedings of the National Academy of Sciences 7, 115.

    Examples
    --------
    >>> round(capillary_pressure(1e-6, surface_tension=0.0159, contact_angle=0))  # 0.64 bar to open 1 µm
    63600
    """
    if not (math.isfinite(surface_tension) and surface_tension > 0):
        raise SettingsError(f"surface tension must be positive, in N/m, got {surface_tension}")
    if not 0 <= contact_angle <= 180 or abs(contact_angle - 90) < 1e-6:
        raise SettingsError(
            f"contact angle must be 0 ... 180 degrees and not 90, where no pressure is needed, "
            f"got {contact_angle}"
        )
    return 4 * surface_tension * abs(math.cos(math.radians(contact_angle))) / diameter


def percolating_diameter(volume: Volume, axis: int, space: Clearance | None = None) -> float:
    """Diameter of the largest ball that can pass from face to face along `axis` [m].

    Also the bubble point diameter: gas that displaces a wetting liquid breaks through at
    `capillary_pressure` of it. The ball starts outside and ends outside. Its centre stays within the sides
    of the box, which are not walls: along them pores may appear too wide, as if mirrored. With
    walls there instead, a box would have fewer paths than its material: columns of 160 x 80 x 80 voxels of
    overlapping spheres have 12.7 voxels on average (10.5 with walls), the whole 160³ has 15 (12.8).

    All paths between voxels are searched, to a thousandth of a voxel of radius; the accuracy at necks is that
    of `clearance`, 1 to 2 % from 8 voxels across. Between random walls with pores ten voxels wide the result
    is 3 % larger than on voxels of a third of the edge (`bench/balls.py`). A larger box is longer,
    with more necks to pass, and wider, with more paths to choose from: compare equal sizes. Real openings are
    not round, and a meniscus in them yields at another pressure than in the inscribed ball: at half of it in
    a long slit.

    `space` is the volume's clearance, if it is already known.

    Raises
    ------
    InputError
        Where no pore leads from face to face, or there is no wall at all.

    Examples
    --------
    >>> slit = np.zeros((5, 9, 9), dtype=bool); slit[:, 2:6] = True
    >>> percolating_diameter(Volume(slit, voxel_size=0.5), axis=0)
    2.0
    """
    space = space or clearance(volume.pore)
    inlets = [False] * 6
    inlets[2 * axis] = True
    way = widest_way(space, tuple(inlets))  # type: ignore[arg-type]
    widest = float(np.take(way, -1, axis=axis).max())
    if widest == 0:
        raise InputError(
            f"no pore leads through {volume.shape} along {'zyx'[axis]}, so nothing can pass; "
            "try another axis or measure a larger volume"
        )
    return 2 * widest * volume.voxel_size


def mercury_intrusion(
    volume: Volume,
    *,
    axis: int | None = None,
    surface_tension: float = MERCURY_TENSION,
    contact_angle: float = MERCURY_ANGLE,
    sizes: int = 30,
    space: Clearance | None = None,
) -> Intrusion:
    """Simulate mercury intrusion into an empty structure, step by step.

    At each pressure the mercury fills every ball of the corresponding diameter that can be reached
    from outside (quasi-static drainage, Washburn). One search and one painting of balls give each voxel the
    diameter at which it fills, so the curve costs the same for any number of sizes.

    Left out: compression of mercury and sample, a contact angle that varies, menisci that are not round
    (corners of pores fill earlier here than in reality, slits later), and trapping of air, because
    porosimeters evacuate the sample. In a small box every pore is near the surface, so fewer pores are
    shielded than in a large sample.

    Resolution: a round neck is within 3 %. In Gaussian fields with pores ten voxels wide, a quarter, half
    and three quarters of the pore volume fill at diameters within 2 % of those on voxels of a third of the
    edge; with pores of six voxels 3 to 4 % larger (`bench/balls.py`).

    Parameters
    ----------
    volume : Volume
    axis : int, optional
        Enter by the two faces across this axis only; by default through all six.
    surface_tension : float
        [N/m]
    contact_angle : float
        [degrees]
    sizes : int
        Diameters on the curve, in equal ratios from the first entered to the smallest, at least 2.
    space : Clearance, optional
        Of this volume, if it is already known.

    Raises
    ------
    InputError
        Where no pore touches the faces, or there is no wall at all.

    References
    ----------
    Washburn (1921), Proceedings of the National Academy of Sciences 7, 115.
    Hilpert and Miller (2001), Advances in Water Resources 24, 243.
    """
    if sizes < 2:
        raise SettingsError(f"an intrusion curve needs at least 2 sizes, got {sizes}")
    entered = intrusion_diameters(volume, axis, space)
    filled = np.sort(entered[entered > 0])[::-1].astype(np.float64)
    if not filled.size:
        where = "the box" if axis is None else f"the two faces along {'zyx'[axis]}"
        raise InputError(f"no pore is open to {where}, so no mercury can enter; measure a larger volume")
    # the ends are slightly extended, so that the first and last voxels are on the curve
    diameter = np.geomspace(filled[0] * (1 + 1e-6), filled[-1] * (1 - 1e-6), sizes)
    saturation = np.searchsorted(-filled, -diameter, side="right") / np.count_nonzero(volume.pore)
    pressure = np.array([capillary_pressure(d, surface_tension, contact_angle) for d in diameter])
    return Intrusion(diameter, pressure, saturation, float(filled[(len(filled) - 1) // 2]))


def intrusion_diameters(
    volume: Volume, axis: int | None = None, space: Clearance | None = None
) -> NDArray[np.float32]:
    """Diameter of the largest ball that covers each voxel and can be reached from outside [m]; 0 if none.

    Shape (nz, ny, nx). `axis` limits the way in to the two faces across it.
    """
    space = space or clearance(volume.pore)
    z, y, x = (axis is None or axis == a for a in range(3))
    way = widest_way(space, (z, z, y, y, x, x))
    # a ball too large to be reached is still filled with all the smaller balls inside it
    radius = space.radius.ravel()[space.ball_voxel]
    entered = np.minimum(way.ravel()[space.ball_voxel], radius)
    reached = np.flatnonzero(entered > 0)
    order = reached[np.argsort(-entered[reached], kind="stable")]
    painted = np.zeros(volume.shape, np.float32)
    paint(painted, bits(way > 0), space.ball_centre[order], radius[order], entered[order])
    diameters: NDArray[np.float32] = np.where(painted > 0, painted, way) * np.float32(2 * volume.voxel_size)
    return diameters
