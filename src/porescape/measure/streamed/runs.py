"""Straight runs of equal voxels along the axes, followed plane by plane: lineal path and chords.

Of a run along z only its length so far is stored, one number per column. The runs counted are those of
`morphology`, and the curves are the same.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.domain import Shape
from porescape.errors import InputError
from porescape.measure.geometry.morphology import CUT, WHOLE, Phase, product_limit


class Runs:
    """Runs of both phases by length, and by how many of their ends lie in the box."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        # per axis: phase (0 solid, 1 pore), whole / cut by one face / by both, length [voxels]
        self.counts = tuple(np.zeros((2, 3, n + 1), dtype=np.int64) for n in shape)
        self._length = np.zeros(shape[1] * shape[2], dtype=np.int32)
        self._phase = np.zeros(shape[1] * shape[2], dtype=bool)
        self._z = 0

    def add(self, planes: NDArray[np.bool_]) -> None:
        """Count the next planes, shape (planes, ny, nx)."""
        t, ny, nx = planes.shape
        along_z, along_y, along_x = self.counts
        _follow(planes.reshape(t, ny * nx), self._z, self.shape[0], self._phase, self._length, along_z)
        length, phase = np.zeros(nx, dtype=np.int32), np.zeros(nx, dtype=bool)
        for plane in planes:
            _follow(plane, 0, ny, phase, length, along_y)
        _follow_rows(planes.reshape(t * ny, nx), along_x)
        self._z += t

    def lineal_path(self, phase: Phase, lags: int, voxel_size: float) -> Curve:
        """Lineal path of a phase at the lags 0 ... `lags` [voxels], as `morphology.lineal_path_curve`."""
        size = float(np.prod([float(n) for n in self.shape]))
        inside, possible = np.zeros(lags + 1), np.zeros(lags + 1)
        row = np.arange(1, lags + 2)
        for n, counts in zip(self.shape, self.counts, strict=True):
            runs = counts[int(phase == "pore")].sum(axis=0)
            rows = np.cumsum(np.cumsum(runs[::-1]))[::-1]
            inside += rows[row]
            possible += size / n * (n - row + 1)
        return Curve(_metres(row - 1, voxel_size), inside / possible, "m", "1")

    def chord_distribution(self, phase: Phase, voxel_size: float) -> Curve:
        """Density of a phase's chord lengths, as `morphology.chord_distribution`."""
        size = float(np.prod([float(n) for n in self.shape]))
        share = np.zeros(max(self.shape) + 1)
        ends_per_line = 0.0
        for n, counts in zip(self.shape, self.counts, strict=True):
            runs = counts[int(phase == "pore")]
            ends = (2 * runs[WHOLE] + runs[CUT]).sum()
            if ends:
                per_line = ends / (size * (1 - 1 / n))
                share[: runs.shape[1]] += per_line * product_limit(2 * runs[WHOLE], runs[CUT])
                ends_per_line += per_line
        if ends_per_line == 0:
            found = "pore" if self.counts[0][1].any() else "solid"
            raise InputError(f"chords need both phases, but every voxel of {self.shape} is {found}")
        share /= ends_per_line
        last = int(np.flatnonzero(share)[-1]) if share.any() else 1
        return Curve(
            _metres(np.arange(1, last + 1), voxel_size), share[1 : last + 1] / voxel_size, "m", "1/m"
        )


def _metres(voxels: NDArray[Any], voxel_size: float) -> NDArray[np.float64]:
    return np.asarray(voxels * voxel_size, dtype=np.float64)


@njit(cache=True, nogil=True)
def _follow(steps, first, n, phase, length, counts):  # type: ignore[no-untyped-def]
    """Follow the runs across the rows of `steps`, which are the rows `first` ... of n in all.

    `phase` and `length` [voxels] are those of the runs so far, and are updated.
    """
    for s in range(len(steps)):
        at = first + s
        for c in range(np.uint64(steps.shape[1])):
            here = steps[s, c]
            if at > 0 and here == phase[c]:
                length[c] += 1
                continue
            if at > 0:
                cut = int(length[c] == at)  # it began at the first row of all
                counts[int(phase[c]), cut, length[c]] += 1
            phase[c] = here
            length[c] = 1
    if first + len(steps) == n:
        for c in range(np.uint64(steps.shape[1])):
            counts[int(phase[c]), 1 + int(length[c] == n), length[c]] += 1


@njit(cache=True, nogil=True)
def _follow_rows(rows, counts):  # type: ignore[no-untyped-def]
    """Follow the runs along each row."""
    n = rows.shape[1]
    for row in rows:
        start = 0
        for x in range(1, n + 1):
            if x == n or row[x] != row[start]:
                counts[int(row[start]), int(start == 0) + int(x == n), x - start] += 1
                start = x
