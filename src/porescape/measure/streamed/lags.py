"""Two-point correlation along the axes, plane by plane; as many planes as the longest lag are stored.

A plane is stored with one bit per voxel, so lags of 256 voxels across planes of 2000 x 2000 take 128 MB.
"""

from math import e

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Shape
from porescape.errors import InputError
from porescape.measure.geometry.bits import ones
from porescape.measure.geometry.correlation import bits_across

_TILE = 2**17  # words processed together; they stay in the cache of the processor


class Lags:
    """Pairs of pore voxels by how far they are apart along an axis.

    Parameters
    ----------
    shape : tuple of int
    longest : int
        Longest lag [voxels], less than the shortest edge.
    """

    def __init__(self, shape: Shape, longest: int) -> None:
        self.shape = shape
        self.longest = longest
        self._both = np.zeros(longest + 1, dtype=np.int64)
        self._kept = np.zeros((longest, -(-shape[1] * shape[2] // 64)), dtype=np.uint64)  # a ring
        self._seen = 0  # planes

    def add(self, planes: NDArray[np.bool_]) -> None:
        """Count the next planes, shape (planes, ny, nx)."""
        for axis in (1, 2):
            self._pairs(bits_across(planes, axis), 0)
        new = bits_across(planes, 0)
        n = min(self._seen, self.longest)
        order = np.arange(self._seen - n, self._seen) % max(self.longest, 1)
        for a, b in _tiles(new.shape[1], n + len(new)):
            self._pairs(np.concatenate((self._kept[order, a:b], new[:, a:b])), n)
        last = new[-self.longest :] if self.longest else new[:0]
        self._seen += len(new)
        self._kept[np.arange(self._seen - len(last), self._seen) % max(self.longest, 1)] = last

    def two_point(self) -> NDArray[np.float64]:
        """S2 of the pores at the lags 0 ... longest [voxels], as `correlation.two_point_correlation`."""
        pairs = np.zeros(self.longest + 1, dtype=np.int64)
        size = self.shape[0] * self.shape[1] * self.shape[2]
        for n in self.shape:
            pairs += size // n * (n - np.arange(self.longest + 1))
        share: NDArray[np.float64] = self._both / pairs
        return share

    def correlation_length(self, porosity: float, voxel_size: float) -> float:
        """Lag at which the autocovariance first falls to 1/e [m], as `correlation.correlation_length`."""
        variance = porosity - porosity**2
        if variance == 0:
            found = "pore" if porosity else "solid"
            raise InputError(f"the correlation length needs both phases, but every voxel is {found}")
        before = 1.0
        for lag, s2 in enumerate(self.two_point().tolist()[1:], start=1):
            now = (s2 - porosity**2) / variance
            if now <= 1 / e:
                return float(voxel_size * (lag - 1 + (before - 1 / e) / (before - now)))
            before = now
        half = min(self.shape) // 2
        if self.longest < half:
            raise InputError(
                f"the autocovariance is still {before:.2f} at {self.longest} voxels, the longest lag that "
                f"was counted for lack of memory, and the correlation length is where it falls to 0.37; "
                "allow more memory"
            )
        raise InputError(
            f"the autocovariance is still {before:.2f} at {half} voxels, half the shortest edge of "
            f"{self.shape}, and the correlation length is where it falls to 0.37; measure a larger volume"
        )

    def _pairs(self, slices: NDArray[np.uint64], first: int) -> None:
        for a, b in _tiles(slices.shape[1], len(slices)):
            _count_pairs(np.ascontiguousarray(slices[:, a:b]), first, self._both)


def _tiles(words: int, slices: int) -> list[tuple[int, int]]:
    """Cut the words of slices into ranges that are processed one by one."""
    tile = max(8, _TILE // slices)
    return [(a, min(a + tile, words)) for a in range(0, words, tile)]


@njit(cache=True, nogil=True)
def _count_pairs(slices, first, both):  # type: ignore[no-untyped-def]
    """Add to both[lag] the bits that are 1 in two slices a lag apart, the later being `first` or after."""
    n, words = slices.shape
    for lag in range(min(len(both), n)):
        total = np.int64(0)
        for i in range(max(first, lag), n):
            here, there = slices[i], slices[i - lag]
            for w in range(words):
                total += ones(here[w] & there[w])
        both[lag] += total
