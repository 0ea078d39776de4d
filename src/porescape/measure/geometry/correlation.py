"""Two-point correlation, lineal path and chords along the axes.

A lag r joins voxels r apart. Counts are pooled over the three axes and divided by the number of positions
inside the box, so nothing is assumed about what lies beyond it (no periodicity, no padding).
"""

from math import e

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.bits import ones


def two_point_correlation(pore: NDArray[np.bool_], max_lag: int) -> NDArray[np.float64]:
    """Two-point correlation S2 of the pore phase at the lags 0 ... `max_lag` [voxels].

    S2(r) is the share of pairs of voxels r apart along an axis that are both pore; S2(0) is the porosity.

    References
    ----------
    Torquato (2002), Random Heterogeneous Materials, Springer, chapter 2.

    Examples
    --------
    >>> stripes = np.zeros((4, 4, 4), dtype=bool); stripes[::2] = True
    >>> two_point_correlation(stripes, 1)  # along z never, along y and x always when the first is pore
    array([0.5       , 0.33333333])
    """
    _check_lag(pore, max_lag)
    both = np.zeros(max_lag + 1, dtype=np.int64)
    pairs = np.zeros(max_lag + 1, dtype=np.int64)
    for axis, n in enumerate(pore.shape):
        _count_pairs(bits_across(pore, axis), both)
        pairs += pore.size // n * (n - np.arange(max_lag + 1))
    share: NDArray[np.float64] = both / pairs
    return share


def correlation_length(volume: Volume) -> float:
    """Lag at which the autocovariance (S2 - φ²) / (φ - φ²) first falls to 1/e [m].

    Interpolated linearly between voxels. The porosity φ is that of this box, so a box of few features
    gives too short a length.
    """
    porosity = volume.porosity
    variance = porosity - porosity**2
    if variance == 0:
        found = "pore" if porosity else "solid"
        raise InputError(f"the correlation length needs both phases, but every voxel is {found}")
    along = _axis_first(volume.pore)
    before = 1.0
    longest = min(volume.shape) // 2
    for lag in range(1, longest + 1):
        now = (_two_point(along, lag) - porosity**2) / variance
        if now <= 1 / e:
            return float(volume.voxel_size * (lag - 1 + (before - 1 / e) / (before - now)))
        before = now
    raise InputError(
        f"the autocovariance is still {before:.2f} at {longest} voxels, half the shortest edge of "
        f"{volume.shape}, and the correlation length is where it falls to 0.37; measure a larger volume"
    )


def lineal_path(pore: NDArray[np.bool_], max_lag: int) -> NDArray[np.float64]:
    """Lineal path L of the pore phase at the lags 0 ... `max_lag` [voxels].

    L(r) is the share of the straight rows of r + 1 voxels along an axis, wherever they fit into the box,
    that lie in the pores entirely; L(0) is the porosity.

    References
    ----------
    Lu and Torquato (1992), Physical Review A 45, 922.

    Examples
    --------
    >>> slab = np.zeros((4, 4, 4), dtype=bool); slab[:2] = True
    >>> lineal_path(slab, 1) * 9  # along z one in three positions, along y and x a half
    array([4.5, 4. ])
    """
    _check_lag(pore, max_lag)
    inside = np.zeros(max_lag + 1, dtype=np.int64)
    possible = np.zeros(max_lag + 1, dtype=np.int64)
    for along in _axis_first(pore):
        row = along  # row[i] is True where the voxels i ... i + lag are all pore
        for lag in range(max_lag + 1):
            if lag > 0:
                row = row[:-1] & along[lag:]
            inside[lag] += np.count_nonzero(row)
            possible[lag] += row.size
    share: NDArray[np.float64] = inside / possible
    return share


def mean_chords(volume: Volume) -> tuple[float, float]:
    """Mean chord length in the pores and in the solid [m], over the lines along the three axes.

    Twice the length that lies in the phase over the number of phase changes, both per length of line: a
    chord cut by the border counts with the part and the end that are inside, so the mean is not smaller
    in small boxes, unlike the mean of whole or cut chords. Lines that do not cross the walls of a layered
    structure count too: layers of thickness w across one axis have a mean chord of 3 w.

    References
    ----------
    Underwood (1970), Quantitative Stereology, Addison-Wesley, chapter 4.
    Torquato (2002), Random Heterogeneous Materials, Springer, chapter 2.
    """
    changes = pairs = 0
    for along in _axis_first(volume.pore):
        different = along[1:] != along[:-1]
        changes += int(np.count_nonzero(different))
        pairs += different.size
    if changes == 0:
        found = "pore" if volume.pore.flat[0] else "solid"
        raise InputError(f"chords need both phases, but every voxel of {volume.shape} is {found}")
    line_per_change = volume.voxel_size * pairs / changes
    return 2 * volume.porosity * line_per_change, 2 * (1 - volume.porosity) * line_per_change


def _axis_first(pore: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], ...]:
    """Return three copies with z, y and x in front: a shift along the first axis is one block of memory."""
    return tuple(np.ascontiguousarray(np.moveaxis(pore, axis, 0)) for axis in range(3))


def bits_across(pore: NDArray[np.bool_], axis: int) -> NDArray[np.uint64]:
    """Pack every slice across an axis into words of 64 bits, shape (n, words); the last is filled with 0."""
    packed = np.packbits(np.moveaxis(pore, axis, 0).reshape(pore.shape[axis], -1), axis=1)
    words = np.zeros((len(packed), -(-packed.shape[1] // 8)), dtype=np.uint64)
    words.view(np.uint8)[:, : packed.shape[1]] = packed
    return words


@njit(cache=True, nogil=True)
def _count_pairs(slices, both):  # type: ignore[no-untyped-def]
    """Add to both[lag] the bits that are 1 in two slices a lag apart.

    Eight times less to read than with a byte per voxel, and twenty times faster.
    """
    n, words = slices.shape
    for lag in range(len(both)):
        total = np.uint64(0)
        for i in range(n - lag):
            here, there = slices[i], slices[i + lag]
            for w in range(words):
                total += np.uint64(ones(here[w] & there[w]))
        both[lag] += np.int64(total)


def _two_point(along: tuple[NDArray[np.bool_], ...], lag: int) -> float:
    both = pairs = 0
    for pore in along:
        here, there = pore[: len(pore) - lag], pore[lag:]
        both += int(np.count_nonzero(here & there))
        pairs += here.size
    return both / pairs


def _check_lag(pore: NDArray[np.bool_], max_lag: int) -> None:
    if not 0 <= max_lag < min(pore.shape):
        raise InputError(
            f"the longest lag must be 0 ... {min(pore.shape) - 1} voxels in a box of {pore.shape}, "
            f"got {max_lag}"
        )
