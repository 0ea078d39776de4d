"""Describe sections: one function for the image and for every synthetic slice.

A section is described in square windows of one size, the same for the image and for the slices compared with
it, so any effect of the borders is the same on both sides. The spread between windows shows how much of a
difference is chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.distance import fill_signed_squared_distance_2d
from porescape.measure.geometry.bits import ones, pack_rows


@dataclass(frozen=True, slots=True, eq=False)
class Descriptor:
    """Statistics of both phases in a set of windows.

    Attributes
    ----------
    pixel_size : float
        Step of every lag and distance [m].
    porosity : ndarray, shape (windows,)
    s2 : ndarray, shape (windows, lags)
        Two-point correlation of the pore phase at lags 0, 1, 2 ... [pixels], along both axes.
    lineal_pore, lineal_solid : ndarray, shape (windows, lags)
        Lineal path: probability that a line of 1, 2, 3 ... pixels lies in the phase.
    distance_pore, distance_solid : ndarray, shape (windows, lags)
        Fraction of a window's pixels that lie in the phase and at most 1, 2, 3 ... pixels from the
        wall. The last bin contains everything beyond.
    interface : ndarray, shape (windows,)
        Phase changes per pixel step along both axes.
    euler : ndarray, shape (windows, radii)
        Euler number per pixel of the pores, eroded by each radius (dilated if it is negative); mean of 4-
        and 8-connected.
    """

    pixel_size: float
    porosity: NDArray[np.float64]
    s2: NDArray[np.float64]
    lineal_pore: NDArray[np.float64]
    lineal_solid: NDArray[np.float64]
    distance_pore: NDArray[np.float64]
    distance_solid: NDArray[np.float64]
    interface: NDArray[np.float64]
    euler: NDArray[np.float64]

    @property
    def lags(self) -> NDArray[np.float64]:
        """Lags of `s2` [m]."""
        return np.asarray(np.arange(self.s2.shape[1]) * self.pixel_size, dtype=np.float64)

    @property
    def chord_pore(self) -> float:
        """Mean chord length of the pores [m]."""
        return float(2 * self.porosity.mean() / self.interface.mean()) * self.pixel_size

    @property
    def chord_solid(self) -> float:
        """Mean chord length of the solid [m]."""
        return float(2 * (1 - self.porosity.mean()) / self.interface.mean()) * self.pixel_size

    def chord_distribution(self, phase: str) -> NDArray[np.float64]:
        """Return the fraction of chords of 1, 2, 3 ... pixels in a phase, shape (lags - 2,).

        From the second difference of the lineal path, which is free of border effects: long chords are not
        lost because a window cuts them. Chords beyond the last lag are left out of the sum.
        """
        lineal = (self.lineal_pore if phase == "pore" else self.lineal_solid).mean(axis=0)
        counts = np.maximum(np.diff(lineal, n=2), 0.0)  # noise of long, rare chords can be below 0
        return np.asarray(counts / counts.sum())

    def covariance(self) -> NDArray[np.float64]:
        """Return the autocovariance of the whole set, 1 at lag 0, shape (lags,)."""
        porosity = self.porosity.mean()
        return np.asarray((self.s2.mean(axis=0) - porosity**2) / (porosity - porosity**2))


def describe(
    windows: NDArray[np.bool_], pixel_size: float, lags: int, radii: Sequence[float] = (0.0,)
) -> Descriptor:
    """Describe a stack of windows.

    Parameters
    ----------
    windows : ndarray of bool, shape (windows, n, m)
        True in the pores.
    pixel_size : float
        [m]
    lags : int
        How far the curves reach [pixels], less than n and m.
    radii : sequence of float
        Radii by which pores are eroded for their Euler numbers [pixels]: the rest lies farther than that
        from the wall. Ascending, and nearer than `lags - 1` to 0.

    References
    ----------
    Torquato (2002), Random Heterogeneous Materials (S2, lineal path); Rabbani et al. (2014) and
    Zeinali Danalou et al. (2025) for the distance functions of both phases; Vogel (1997), European Journal
    of Soil Science 48, 365, for Euler numbers of eroded and dilated pores.
    """
    phases = np.ascontiguousarray(windows, dtype=np.bool_).view()
    phases.flags.writeable = False  # of one kind always: the kernel would be compiled for both
    n = len(phases)
    s2 = np.empty((n, lags))
    lineal = np.empty((2, n, lags))
    distance = np.empty((2, n, lags))
    interface = np.empty(n)
    euler = np.empty((n, len(radii)))
    _describe(phases, s2, lineal, distance, interface, euler, _levels(radii, lags))
    return Descriptor(
        pixel_size, s2[:, 0].copy(), s2, lineal[1], lineal[0], distance[1], distance[0], interface, euler
    )


def _levels(radii: Sequence[float], lags: int) -> NDArray[np.int64]:
    """Return the number of radii smaller than a pixel's signed squared distance; 0 is in the middle."""
    farthest = (lags - 1) ** 2 + 1
    squares = np.arange(-farthest, farthest + 1)
    distances = np.sign(squares) * np.sqrt(np.abs(squares))
    return np.searchsorted(np.asarray(radii, dtype=np.float64), distances, side="left")


def cut_windows(section: NDArray[np.bool_], size: int, most: int = 36) -> NDArray[np.bool_]:
    """Cut a section into square windows of one size that cover it evenly, overlapping where they must.

    Parameters
    ----------
    section : ndarray of bool, shape (ny, nx)
    size : int
        Edge of a window [pixels], at most min(ny, nx).
    most : int
        Largest number of windows.

    Returns
    -------
    ndarray of bool, shape (windows, size, size)
    """
    starts = []
    per_axis = max(int(most**0.5), 1)
    for n in section.shape:
        count = min(-(-n // size), per_axis)
        starts.append(np.unique(np.rint(np.linspace(0, n - size, count)).astype(int)))
    return np.stack([section[y : y + size, x : x + size] for y in starts[0] for x in starts[1]])


def slices_of(pore: NDArray[np.bool_], size: int, per_axis: int) -> NDArray[np.bool_]:
    """Return windows of evenly spaced slices across all three axes of a volume.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
    size : int
        Edge of a window [voxels], at most the smallest edge; windows are centred.
    per_axis : int
        Slices across each axis.

    Returns
    -------
    ndarray of bool, shape (3*per_axis, size, size)
    """
    low = [(n - size) // 2 for n in pore.shape]
    inner = [slice(a, a + size) for a in low]
    stack = []
    for axis in range(3):
        n = pore.shape[axis]
        keep = tuple(inner[other] for other in range(3) if other != axis)
        for i in ((np.arange(per_axis) + 0.5) * n / per_axis).astype(int):
            stack.append(np.take(pore, i, axis=axis)[keep])
    return np.stack(stack)


@njit(cache=True, nogil=True)
def _describe(phases, s2, lineal, distance, interface, euler, levels):  # type: ignore[no-untyped-def]
    lags = s2.shape[1]
    bins = np.empty((lags - 1) ** 2 + 2, dtype=np.int64)  # by squared distance: (r - 1)² < d² <= r² is r - 1
    for square in range(len(bins)):
        bins[square] = min(int(np.ceil(np.sqrt(square))), lags) - 1
    signed = np.empty(phases.shape[1:], dtype=np.int32)
    for w in range(len(phases)):
        phase = phases[w].copy()  # writeable like `turned`, as a kernel is compiled for each kind of array
        s2_down, lineal_down = np.empty(lags), np.empty((2, lags))
        down = _along_columns(phase, s2_down, lineal_down)
        turned = np.ascontiguousarray(phase.T)
        s2_along, lineal_along = np.empty(lags), np.empty((2, lags))
        along = _along_columns(turned, s2_along, lineal_along)
        interface[w] = 0.5 * (down + along)
        for r in range(lags):
            s2[w, r] = 0.5 * (s2_down[r] + s2_along[r])
            for p in range(2):
                lineal[p, w, r] = 0.5 * (lineal_down[p, r] + lineal_along[p, r])
        fill_signed_squared_distance_2d(phase, signed)
        _distances(signed, bins, distance[:, w])
        _euler(signed, levels, euler[w])


@njit(cache=True, nogil=True)
def _along_columns(phase, s2, lineal):  # type: ignore[no-untyped-def]
    """Write S2 of the pores and the lineal path of solid (0) and pore (1); return phase changes per step.

    Rows are packed into bits, so that one `and` compares 64 pairs of pixels.
    """
    ny, nx = phase.shape
    per_row = -(-nx // 64)
    pore = np.empty((ny, per_row), dtype=np.uint64)
    pack_rows(phase, pore)
    solid = np.empty((ny, per_row), dtype=np.uint64)
    pack_rows(~phase, solid)
    flat, flat_solid = pore.reshape(-1), solid.reshape(-1)
    all_pore, all_solid = (
        flat.copy(),
        flat_solid.copy(),
    )  # where a line of r + 1 pixels begins that lies in the phase
    for r in range(len(s2)):
        shift = np.uint64(r * per_row)
        pairs, in_pore, in_solid = 0, 0, 0
        for i in range(np.uint64((ny - r) * per_row)):
            pairs += ones(flat[i] & flat[i + shift])
            all_pore[i] &= flat[i + shift]
            all_solid[i] &= flat_solid[i + shift]
            in_pore += ones(all_pore[i])
            in_solid += ones(all_solid[i])
        count = nx * (ny - r)
        s2[r], lineal[0, r], lineal[1, r] = pairs / count, in_solid / count, in_pore / count
    changes = 0
    for i in range(np.uint64((ny - 1) * per_row)):
        changes += ones(flat[i] ^ flat[i + np.uint64(per_row)])
    return changes / (nx * (ny - 1))


@njit(cache=True, nogil=True)
def _distances(signed, bins, out):  # type: ignore[no-untyped-def]
    """Write the cumulative fraction of pixels in solid (0) and pore (1) by distance to the wall."""
    ny, nx = signed.shape
    lags = out.shape[1]
    out[:] = 0
    for j in range(ny):
        for i in range(nx):
            square = signed[j, i]
            p = 1 if square > 0 else 0
            out[p, bins[min(abs(square), len(bins) - 1)]] += 1
    for p in range(2):
        total = 0.0
        for r in range(lags):
            total += out[p, r]
            out[p, r] = total / (ny * nx)


@njit(cache=True, nogil=True)
def _euler(signed, levels, out):  # type: ignore[no-untyped-def]
    """Write the Euler number per pixel of the pixels beyond each radius, mean of 4- and 8-connected.

    From counts of 2x2 pixels (Gray 1971, IEEE Transactions on Computers C-20, 551), all radii in one pass.
    A block of 2x2 has one pixel beyond a radius where the radius lies between its two farthest pixels, and
    three where it lies between its two nearest. So it is enough to count these four by level.
    """
    ny, nx = signed.shape
    middle = len(levels) // 2
    above = np.zeros(len(out) + 1, dtype=np.int64)  # blocks with one pixel less those with three, as steps
    upper = np.empty(nx, dtype=np.int64)
    lower = np.empty(nx, dtype=np.int64)
    for j in range(ny):
        for i in range(nx):
            lower[i] = levels[min(max(signed[j, i], -middle), middle) + middle]
        if j > 0:
            for i in range(nx - 1):
                high_left, low_left = max(upper[i], lower[i]), min(upper[i], lower[i])
                high_right, low_right = max(upper[i + 1], lower[i + 1]), min(upper[i + 1], lower[i + 1])
                second = max(min(high_left, high_right), max(low_left, low_right))
                third = min(min(high_left, high_right), max(low_left, low_right))
                above[second] += 1
                above[max(high_left, high_right)] -= 1
                above[min(low_left, low_right)] -= 1
                above[third] += 1
        upper[:] = lower
    total = 0
    for k in range(len(out)):
        total += above[k]
        out[k] = 0.25 * total / ((ny - 1) * (nx - 1))
