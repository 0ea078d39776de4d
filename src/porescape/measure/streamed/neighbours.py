"""Phase changes, Euler characteristic and 2x2x2 configurations, counted plane by plane on bits.

The counts are those of `minkowski` and `morphology` on a whole array, here 64 voxels at a time, so that only
the previous plane must be stored. The counts are the same integers, and so the numbers are the same too.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Shape
from porescape.errors import InputError
from porescape.measure.geometry.bits import ones, pack_rows
from porescape.measure.geometry.minkowski import (
    CROFTON_WEIGHT,
    DIRECTIONS,
    Step,
    check_edges,
    count_euler,
    density_of_euler,
)
from porescape.measure.geometry.morphology import CURVATURE, MinkowskiDensities, count_configurations

_AXES: tuple[Step, Step, Step] = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


class Neighbours:
    """Counts over all groups of neighbouring voxels inside the box.

    Parameters
    ----------
    shape : tuple of int
    configurations : bool
        Whether the 256 configurations are counted too; only the mean curvature needs them.

    Attributes
    ----------
    pores : int
        Pore voxels so far.
    """

    def __init__(self, shape: Shape, configurations: bool = False) -> None:
        self.shape = shape
        self.pores = 0
        self._changes = np.zeros(len(DIRECTIONS), dtype=np.int64)
        self._euler = 0
        self._planes = 0
        self._configurations = np.zeros(256 if configurations else 0, dtype=np.int64)
        self._before = np.zeros((0, 0), dtype=np.uint64)
        self._last = np.zeros((0, *shape[1:]), dtype=bool)

    def add(self, planes: NDArray[np.bool_]) -> None:
        """Count the next planes, shape (planes, ny, nx)."""
        t, ny, nx = planes.shape
        words = np.empty((t * ny, -(-nx // 64)), dtype=np.uint64)
        pack_rows(planes.reshape(t * ny, nx), words)
        packed = words.reshape(t, ny, -1)
        self.pores += int(_count(packed, self._before, nx, self._changes))
        if min(self.shape) > 1:
            self._euler += int(count_euler(packed, self._before, self._planes, self.shape))
        self._planes += t
        self._before = words[-ny:].copy()
        if self._configurations.size:
            joined = np.concatenate((self._last, planes))
            count_configurations(joined, self._configurations)
            self._last = joined[-1:].copy()

    @property
    def porosity(self) -> float:
        """Pore voxels / voxels."""
        return self.pores / _positions(self.shape, (0, 0, 0))

    def specific_surface(self, voxel_size: float) -> float:
        """Pore-solid interface area per bulk volume [1/m], as `minkowski.specific_surface`."""
        check_edges(self.shape, "the specific surface")
        surface = 0.0
        for step, changes in zip(DIRECTIONS, self._changes.tolist(), strict=True):
            spacing = voxel_size * sum(map(abs, step)) ** 0.5
            per_length = changes / (_positions(self.shape, step) * spacing)
            surface += 4 * CROFTON_WEIGHT[sum(map(abs, step))] * per_length
        return float(surface)

    def euler_density(self, voxel_size: float) -> float:
        """Euler characteristic of the pores per bulk volume [1/m³], as `minkowski.euler_density`."""
        check_edges(self.shape, "the Euler density")
        return density_of_euler(self._euler, self.shape, voxel_size)

    def mean_chords(self, voxel_size: float) -> tuple[float, float]:
        """Mean chord length in the pores and in the solid [m], as `correlation.mean_chords`."""
        changes = sum(int(self._changes[DIRECTIONS.index(step)]) for step in _AXES)
        if changes == 0:
            found = "pore" if self.pores else "solid"
            raise InputError(f"chords need both phases, but every voxel of {self.shape} is {found}")
        pairs = sum(_positions(self.shape, step) for step in _AXES)
        line_per_change = voxel_size * pairs / changes
        return 2 * self.porosity * line_per_change, 2 * (1 - self.porosity) * line_per_change

    def minkowski_densities(self, voxel_size: float) -> MinkowskiDensities:
        """Return the four densities, as `morphology.minkowski_densities`; needs the configurations."""
        counts = self._configurations
        curvature = float(counts @ CURVATURE / counts.sum()) / voxel_size**2
        return MinkowskiDensities(
            self.porosity, self.specific_surface(voxel_size), curvature, self.euler_density(voxel_size)
        )


def _positions(shape: Shape, step: Step) -> int:
    """Return how many voxels have a neighbour at `step` inside the box."""
    nz, ny, nx = (n - abs(s) for n, s in zip(shape, step, strict=True))
    return nz * ny * nx


@njit(cache=True, nogil=True)
def _count(words, before, nx, changes):  # type: ignore[no-untyped-def]
    """Add the phase changes of all pairs whose last plane is among these; return the pore voxels.

    Each step uses two rows of two planes: a and b, rows y and y + 1 of this plane, above p and q, the
    same rows of the plane before; a1, b1, p1, q1 are they one voxel further along x. `before` is the plane
    before all, (ny, words per row), or has no rows. `changes` has the order of DIRECTIONS.
    """
    t, ny, n = words.shape
    zero = np.uint64(0)
    all_bits = ~zero
    pores = 0
    for z in range(t):
        has_p = z > 0 or len(before) > 0
        for y in range(ny):
            has_b = y + 1 < ny
            for w in range(n):
                a, a1 = _and_next(words[z, y], w)
                inner = all_bits  # the voxels that have a neighbour along x
                if w == n - 1:
                    used = nx - 64 * w
                    inner = (np.uint64(1) << np.uint64(used - 1)) - np.uint64(1)
                pores += ones(a)
                changes[0] += ones((a ^ a1) & inner)
                b = b1 = p = p1 = zero
                if has_b:
                    b, b1 = _and_next(words[z, y + 1], w)
                    changes[1] += ones((a1 ^ b) & inner)
                    changes[2] += ones(a ^ b)
                    changes[3] += ones((a ^ b1) & inner)
                if has_p:
                    p, p1 = _and_next(before[y] if z == 0 else words[z - 1, y], w)
                    changes[7] += ones((p1 ^ a) & inner)
                    changes[8] += ones(p ^ a)
                    changes[9] += ones((p ^ a1) & inner)
                if has_b and has_p:
                    q, q1 = _and_next(before[y + 1] if z == 0 else words[z - 1, y + 1], w)
                    changes[4] += ones((q1 ^ a) & inner)
                    changes[5] += ones(q ^ a)
                    changes[6] += ones((q ^ a1) & inner)
                    changes[10] += ones((p1 ^ b) & inner)
                    changes[11] += ones(p ^ b)
                    changes[12] += ones((p ^ b1) & inner)
    return pores


@njit(cache=True, nogil=True, inline="always")
def _and_next(row, w):  # type: ignore[no-untyped-def]
    """Return word w of a row, and the one whose bit x is the row's voxel x + 1."""
    word = row[w]
    further = word >> np.uint64(1)
    if w + 1 < len(row):
        further |= row[w + 1] << np.uint64(63)
    return word, further
