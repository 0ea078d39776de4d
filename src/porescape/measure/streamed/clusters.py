"""Connected pores, joined plane by plane.

As in `connectivity`, voxels must share a face. In memory are the runs of pore along x of the last plane, the
cluster of each, and, for every cluster that still reaches that plane, its size and the faces that it touches.
Two clusters that meet later are joined (union-find); one that no longer reaches the last plane cannot grow,
and is added to the sums. So the memory needed is that of a plane, however many clusters there are.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Shape
from porescape.measure.geometry.connectivity import (
    BOTH_FACES,
    X_FIRST,
    X_LAST,
    Y_FIRST,
    Y_LAST,
    Z_FIRST,
    Z_LAST,
    unite,
)


class PoreClusters(NamedTuple):
    """Connectivity of the pores of a box.

    Attributes
    ----------
    porosity : float
        Pore voxels / all voxels.
    connected : tuple of float
        Voxels of clusters that touch both faces along z, y, x / all voxels.
    isolated : tuple of float
        The others / all voxels: porosity - connected.
    closed : float
        Voxels of clusters that touch no face of the box / all voxels.
    largest : float
        Voxels of the largest cluster / all voxels.
    clusters : int
        Number of clusters.
    """

    porosity: float
    connected: tuple[float, float, float]
    isolated: tuple[float, float, float]
    closed: float
    largest: float
    clusters: int


class Clusters:
    """Pore clusters found so far."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._z = 0
        # runs of the last plane: where each row's begin, first voxel and end along x, cluster
        self._start = np.zeros(shape[1] + 1, dtype=np.int64)
        self._runs = np.zeros((3, 0), dtype=np.int64)
        # of the clusters that reach it
        self._size = np.zeros(0, dtype=np.int64)
        self._faces = np.zeros(0, dtype=np.uint8)
        # of those that do not: voxels through z, y, x, in all, that touch no face; largest, how many
        self._done = np.zeros(7, dtype=np.int64)

    def add(self, planes: NDArray[np.bool_]) -> None:
        """Join the next planes, shape (planes, ny, nx)."""
        t, ny, nx = planes.shape
        rows = planes.reshape(t * ny, nx)
        start = np.zeros(t * ny + 1, dtype=np.int64)
        _count_runs(rows, start)
        np.cumsum(start, out=start)
        known = len(self._size)
        runs = np.empty((3, start[-1]), dtype=np.int64)
        _find_runs(rows, start, runs)
        parent = np.arange(known + len(runs[0]))
        runs[2] = parent[known:]
        _join(parent, runs, start, ny, self._runs, self._start)
        size, faces = np.zeros(len(parent), dtype=np.int64), np.zeros(len(parent), dtype=np.uint8)
        size[:known], faces[:known] = self._size, self._faces
        touched = np.zeros(t, dtype=np.uint8)
        touched[0] |= Z_FIRST * (self._z == 0)
        touched[-1] |= Z_LAST * (self._z + t == self.shape[0])
        _gather(parent, runs, start, touched, ny, nx, size, faces)

        last = int(start[(t - 1) * ny])
        self._start = start[(t - 1) * ny :] - last
        root = parent[runs[2, last:]]  # the forest is flat now
        alive, cluster = np.unique(root, return_inverse=True)
        self._runs = np.stack((runs[0, last:], runs[1, last:], cluster.ravel()))
        self._size, self._faces = size[alive], faces[alive]
        ended = parent == np.arange(len(parent))
        ended[alive] = False
        self._end(size[ended], faces[ended])
        self._z += t

    def found(self) -> PoreClusters:
        """Return the result after the last plane."""
        self._end(self._size, self._faces)
        self._size, self._faces = self._size[:0], self._faces[:0]
        voxels = self.shape[0] * self.shape[1] * self.shape[2]
        z, y, x, pores, closed, largest = (int(n) / voxels for n in self._done[:6])
        isolated = (int(self._done[3] - through) / voxels for through in self._done[:3])
        return PoreClusters(pores, (z, y, x), tuple(isolated), closed, largest, int(self._done[6]))  # type: ignore[arg-type]  # three of them

    def _end(self, size: NDArray[np.int64], faces: NDArray[np.uint8]) -> None:
        """Add up clusters that can no longer grow."""
        if not size.size:
            return
        for axis, both in enumerate(BOTH_FACES):
            self._done[axis] += size[faces & both == both].sum()
        self._done[3] += size.sum()
        self._done[4] += size[faces == 0].sum()
        self._done[5] = max(self._done[5], size.max())
        self._done[6] += size.size


@njit(cache=True, nogil=True)
def _count_runs(rows, start):  # type: ignore[no-untyped-def]
    """Write how many runs of True row i has to start[i + 1]."""
    nx = rows.shape[1]
    for i in range(len(rows)):
        runs = np.int64(rows[i, 0])
        for x in range(np.uint64(1), np.uint64(nx)):
            runs += rows[i, x] & ~rows[i, x - np.uint64(1)]
        start[i + 1] = runs


@njit(cache=True, nogil=True)
def _find_runs(rows, start, runs):  # type: ignore[no-untyped-def]
    """Write the first voxel of each run to runs[0], and the voxel after its last to runs[1]."""
    nx = rows.shape[1]
    for i in range(len(rows)):
        run = start[i]
        inside = False
        for x in range(nx):
            if rows[i, x] != inside:
                runs[int(inside), run] = x
                run += int(inside)
                inside = not inside
        if inside:
            runs[1, run] = nx


@njit(cache=True, nogil=True)
def _join(parent, runs, start, ny, runs_before, start_before):  # type: ignore[no-untyped-def]
    """Join the runs of every row with those they touch in the row before and in the plane before."""
    for row in range(len(start) - 1):
        if row % ny > 0:
            _join_rows(parent, runs, start, row, runs, start, row - 1)
        if row >= ny:
            _join_rows(parent, runs, start, row, runs, start, row - ny)
        else:
            _join_rows(parent, runs, start, row, runs_before, start_before, row)


@njit(cache=True, nogil=True)
def _join_rows(parent, runs, start, row, others, start_others, other):  # type: ignore[no-untyped-def]
    i, j = start[row], start_others[other]
    last_i, last_j = start[row + 1], start_others[other + 1]
    while i < last_i and j < last_j:
        if runs[0, i] < others[1, j] and others[0, j] < runs[1, i]:
            unite(parent, runs[2, i], others[2, j])
        if runs[1, i] < others[1, j]:
            i += 1
        else:
            j += 1


@njit(cache=True, nogil=True)
def _gather(parent, runs, start, touched, ny, nx, size, faces):  # type: ignore[no-untyped-def]
    """Point every node to its root, and gather sizes and faces there.

    A root is the earliest of its tree, so one pass forward is enough. `touched`: z faces of each plane.
    """
    known = len(parent) - runs.shape[1]
    for node in range(known):
        root = parent[node] = parent[parent[node]]
        if root != node:
            size[root] += size[node]
            faces[root] |= faces[node]
    for row in range(len(start) - 1):
        y = row % ny
        side = touched[row // ny]
        if y == 0:
            side |= np.uint8(Y_FIRST)
        if y == ny - 1:
            side |= np.uint8(Y_LAST)
        for i in range(start[row], start[row + 1]):
            node = known + i
            root = parent[node] = parent[parent[node]]
            size[root] += runs[1, i] - runs[0, i]
            ends = side
            if runs[0, i] == 0:
                ends |= np.uint8(X_FIRST)
            if runs[1, i] == nx:
                ends |= np.uint8(X_LAST)
            faces[root] |= ends
