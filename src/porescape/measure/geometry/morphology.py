"""Curves of a whole volume: correlation, lineal path, chord lengths, thickness; Minkowski densities.

Nothing is assumed about the region beyond the box. Its border cuts chords: of such a chord only a lower limit
of the length is known, and it is counted accordingly.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.correlation import two_point_correlation
from porescape.measure.geometry.minkowski import CROFTON_WEIGHT, euler_density, specific_surface
from porescape.measure.geometry.thickness import local_thickness

Phase = Literal["pore", "solid"]

THICKNESS_STEP = 0.25  # voxels between the points of the thickness curve; thicknesses are good to about 0.5
WHOLE, CUT, _ACROSS = 0, 1, 2  # chords with both ends in the box, with one, and with none


@dataclass(frozen=True, slots=True, eq=False)
class ThicknessDistribution:
    """Distribution of the volume of one phase over local thickness.

    Attributes
    ----------
    cumulative : Curve
        Share of the phase's volume where the thickness is at most x.
    mean, p10, p50, p90 : float
        By volume [m].
    """

    cumulative: Curve
    mean: float
    p10: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class MinkowskiDensities:
    """The four Minkowski functionals of the pore space, per bulk volume.

    Attributes
    ----------
    volume : float
        Porosity [1].
    surface : float
        Specific surface [1/m].
    mean_curvature : float
        Integral of the mean curvature over the pore-solid interface [1/m²], positive where pores bulge into
        the solid: a spherical pore of radius R has 4 pi R, a tubular one pi per length, a flat wall none.
    euler : float
        Euler characteristic [1/m³].
    """

    volume: float
    surface: float
    mean_curvature: float
    euler: float


def two_point_curve(volume: Volume, longest: float | None = None) -> Curve:
    """Return the two-point correlation S2 of the pores at every whole voxel along the axes.

    Parameters
    ----------
    volume : Volume
    longest : float, optional
        Longest lag [m]; half the shortest edge by default.

    Returns
    -------
    Curve
        Lag [m], share of pairs of points that lie both in the pores [1]; S2(0) is the porosity. Pooled over
        the three axes: an anisotropic structure shows their mean.

    References
    ----------
    Torquato (2002), Random Heterogeneous Materials, Springer, chapter 2.
    """
    lags = _lags(volume, longest)
    return Curve(_metres(np.arange(lags + 1), volume), two_point_correlation(volume.pore, lags), "m", "1")


def lineal_path_curve(volume: Volume, phase: Phase = "pore", longest: float | None = None) -> Curve:
    """Return the lineal path of a phase at every whole voxel along the axes.

    Parameters
    ----------
    volume : Volume
    phase : {"pore", "solid"}
    longest : float, optional
        Longest lag [m]; half the shortest edge by default.

    Returns
    -------
    Curve
        Lag r [m], share of the straight lines of length r, wherever they fit into the box, that lie wholly
        in the phase [1]; L(0) is the phase's volume fraction. A row of voxels counts from the first voxel's
        centre to the last one's.

    References
    ----------
    Lu and Torquato (1992), Physical Review A 45, 922.
    """
    lags = _lags(volume, longest)
    inside = np.zeros(lags + 1)
    possible = np.zeros(lags + 1)
    row = np.arange(1, lags + 2)  # voxels in a row
    for axis, n in enumerate(volume.shape):
        runs = _runs(volume, phase, axis).sum(axis=0)
        # a run of m voxels holds m - r + 1 rows of r voxels: two running sums from the far end
        rows = np.cumsum(np.cumsum(runs[::-1]))[::-1]
        inside += rows[row]
        possible += volume.pore.size / n * (n - row + 1)
    return Curve(_metres(row - 1, volume), inside / possible, "m", "1")


def chord_distribution(volume: Volume, phase: Phase = "pore") -> Curve:
    """Return the density of chord lengths in a phase, free of the border's influence.

    A chord is a straight line's passage through the phase, here along the three axes. One that the border
    cuts is at least as long as its visible part: the estimate is the product-limit one for such censored
    lengths, taken over all chords that have an end in the box, separately along each axis. The axes are
    then mixed by how many chords each has per length of line.

    Limits: lengths beyond the longest edge are never observed, so the density sums to less than
    1 where chords cross the whole box (the missing share is that of the longer chords), and lines that
    never meet a wall are not chords, although `mean_chords` counts their length. The density of the
    longest lengths comes from few chords. A voxel is the shortest chord: finer ones are lost.

    Parameters
    ----------
    volume : Volume
    phase : {"pore", "solid"}

    Returns
    -------
    Curve
        Length [m] in steps of a voxel, share of chords per length [1/m]. ``(y.sum() * voxel_size)`` is the
        share whose length was observed.

    Raises
    ------
    InputError
        No chord has an end inside the box.

    References
    ----------
    Kaplan and Meier (1958), J. Am. Stat. Assoc. 53, 457; Torquato (2002), chapter 2.

    Examples
    --------
    >>> slabs = np.zeros((9, 9, 9), dtype=bool); slabs[1::3] = True
    >>> chord_distribution(Volume(slabs, voxel_size=1.0)).y
    array([1.])
    """
    longest = max(volume.shape)
    share = np.zeros(longest + 1)
    ends_per_line = 0.0
    for axis in range(3):
        runs = _runs(volume, phase, axis)
        pairs = volume.pore.size * (1 - 1 / volume.shape[axis])
        ends = (2 * runs[WHOLE] + runs[CUT]).sum()
        if ends:
            share[: runs.shape[1]] += ends / pairs * product_limit(2 * runs[WHOLE], runs[CUT])
            ends_per_line += ends / pairs
    if ends_per_line == 0:
        found = "pore" if volume.pore.flat[0] else "solid"
        raise InputError(f"chords need both phases, but every voxel of {volume.shape} is {found}")
    share /= ends_per_line
    last = int(np.flatnonzero(share)[-1]) if share.any() else 1
    lengths = np.arange(1, last + 1)
    return Curve(_metres(lengths, volume), share[1 : last + 1] / volume.voxel_size, "m", "1/m")


def thickness_distribution(volume: Volume, phase: Phase = "pore") -> ThicknessDistribution:
    """Return the distribution of a phase's volume over local thickness.

    Local thickness is the diameter of the largest ball inside the phase that covers a point; see
    `local_thickness` for its accuracy. Weighted by volume: a few wide pores weigh more than many narrow ones,
    and necks are hidden where the ball of a wide pore reaches into them.

    Parameters
    ----------
    volume : Volume
    phase : {"pore", "solid"}

    References
    ----------
    Hildebrand and Rüegsegger (1997), Journal of Microscopy 185, 67.
    """
    inside = _mask(volume, phase)
    share = inside.mean()
    if share in (0, 1):
        found = "pore" if volume.pore.flat[0] else "solid"
        raise InputError(
            f"thickness needs walls to measure from, but every voxel of {volume.shape} is {found}; "
            "measure a larger volume"
        )
    thickness = np.sort(local_thickness(inside)[inside])
    steps = np.arange(np.ceil(float(thickness[-1]) / THICKNESS_STEP) + 1) * THICKNESS_STEP
    cumulative = np.searchsorted(thickness, steps, side="right") / thickness.size
    p10, p50, p90 = (float(p) * volume.voxel_size for p in np.percentile(thickness, (10, 50, 90)))
    return ThicknessDistribution(
        Curve(_metres(steps, volume), cumulative, "m", "1"),
        float(thickness.mean(dtype=np.float64)) * volume.voxel_size,
        p10,
        p50,
        p90,
    )


def minkowski_densities(volume: Volume) -> MinkowskiDensities:
    """Return volume, surface, integral of mean curvature and Euler characteristic per bulk volume.

    Surface and Euler characteristic are `specific_surface` and `euler_density`. The integral of mean
    curvature is 2 pi times the Euler characteristic per area of plane sections, averaged over the 13
    orientations of planes in which 2x2x2 voxels have three or four members: squares, rectangles along the
    face diagonals, triangles across the space diagonals. On squares and rectangles it is the mean of 4-
    and 8-connected, so swapping the phases changes its sign and nothing else. Positions are counted
    inside the box only: the border is not interface.

    Spheres of 7 and more voxels radius come out 1 % low, of 5 voxels within 4 %; tubes along the lattice
    7 % low, as flat walls along it do in surface.

    References
    ----------
    Ohser and Mücklich (2000), Statistical Analysis of Microstructures in Materials Science, Wiley.
    Ohser and Schladitz (2009), 3D Images of Materials Structures, Wiley, chapter 5.
    """
    surface, euler = specific_surface(volume), euler_density(volume)
    counts = np.zeros(256, dtype=np.int64)
    count_configurations(volume.pore, counts)
    curvature = float(counts @ CURVATURE / counts.sum()) / volume.voxel_size**2
    return MinkowskiDensities(volume.porosity, surface, curvature, euler)


def _curvature_of_configurations() -> NDArray[np.float64]:
    """Return the integral of mean curvature per voxel face of each of the 256 configurations.

    Bit 4k + 2j + i of a configuration is the voxel k, j, i of the cube (z, y, x).
    """
    corners = np.array(list(product((0, 1), repeat=3)))
    bits = np.arange(256)[:, None] >> np.arange(8) & 1
    total = np.zeros(256)
    for normal in product((-1, 0, 1), repeat=3):
        steps = sum(map(abs, normal))
        if steps == 0:
            continue  # both signs of a normal are the same planes, and half the weight each
        height = corners @ normal
        planes = []
        for level in np.unique(height):
            members = np.flatnonzero(height == level)
            if len(members) == (3 if steps == 3 else 4):
                planes.append(members)
        for members in planes:
            count = bits[:, members].sum(axis=1)
            if steps == 3:  # corner, edge and face of the triangles: 1/6 - 1/2 + 1
                euler = ((count == 1) * 1.0 - (count == 2)) / 6
                area = np.sqrt(3) / 2
            else:  # Gray's quads without the two diagonal ones, that 4- and 8-connected see oppositely
                euler = ((count == 1) * 1.0 - (count == 3)) / 4
                area = np.sqrt(steps)
            total += 2 * np.pi * CROFTON_WEIGHT[steps] * euler / area / len(planes)
    return total


CURVATURE = _curvature_of_configurations()


@njit(cache=True, nogil=True)
def count_configurations(pore, counts):  # type: ignore[no-untyped-def]
    """Add to `counts`, of 256, how often each arrangement of 2 x 2 x 2 voxels occurs in `pore`."""
    nz, ny, nx = pore.shape
    for z in range(nz - 1):
        for y in range(ny - 1):
            left = (
                pore[z, y, 0] | pore[z, y + 1, 0] << 2 | pore[z + 1, y, 0] << 4 | pore[z + 1, y + 1, 0] << 6
            )
            for x in range(1, nx):
                right = (
                    pore[z, y, x]
                    | pore[z, y + 1, x] << 2
                    | pore[z + 1, y, x] << 4
                    | pore[z + 1, y + 1, x] << 6
                )
                counts[left | right << 1] += 1
                left = right


def _runs(volume: Volume, phase: Phase, axis: int) -> NDArray[np.int64]:
    """Count the runs of a phase's voxels along one axis.

    Returns shape (3, n + 1): [whole, cut by one face of the box, by both] runs of each length [voxels].
    """
    lines = np.ascontiguousarray(np.moveaxis(_mask(volume, phase), axis, -1))
    n = lines.shape[-1]
    counts = np.zeros((3, n + 1), dtype=np.int64)
    _count_runs(lines.reshape(-1, n), counts)
    return counts


@njit(cache=True, nogil=True)
def _count_runs(lines, counts):  # type: ignore[no-untyped-def]
    n = lines.shape[1]
    for line in lines:
        x = 0
        while x < n:
            if not line[x]:
                x += 1
                continue
            start = x
            while x < n and line[x]:
                x += 1
            counts[int(start == 0) + int(x == n), x - start] += 1


def product_limit(ended: NDArray[np.int64], cut: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of lengths 0, 1, 2 ... from how many ended there and how many were cut there."""
    at_risk = np.cumsum(ended[::-1])[::-1] + np.cumsum(cut[::-1])[::-1] - cut
    # a chord cut at m voxels might have ended there or continued: it is known only up to m - 1
    hazard = np.divide(ended, at_risk, out=np.zeros(len(ended)), where=at_risk > 0)
    surviving = np.cumprod(1 - hazard)
    return np.asarray(np.append(0.0, surviving[:-1]) * hazard)


def _mask(volume: Volume, phase: Phase) -> NDArray[np.bool_]:
    if phase not in ("pore", "solid"):
        raise SettingsError(f"phase must be 'pore' or 'solid', got {phase!r}")
    return volume.pore if phase == "pore" else ~volume.pore


def _metres(voxels: NDArray[Any], volume: Volume) -> NDArray[np.float64]:
    return np.asarray(voxels * volume.voxel_size, dtype=np.float64)


def _lags(volume: Volume, longest: float | None) -> int:
    """Return the longest lag of a curve [voxels]."""
    most = min(volume.shape) - 1
    if longest is None:
        return min(min(volume.shape) // 2, most)
    lags = round(longest / volume.voxel_size)
    if not 0 <= lags <= most:
        raise SettingsError(
            f"the longest lag must be 0 ... {most} voxels of {volume.voxel_size:g} m in a box of "
            f"{volume.shape}, got {longest:g} m"
        )
    return lags
