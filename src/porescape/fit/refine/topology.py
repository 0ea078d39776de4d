"""Which voxels may change phase without a change of topology (simple points)."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

MIDDLE = 13  # of 27 cells, counted along z, y, x


class Cells(NamedTuple):
    """The 27 cells around and including a voxel.

    Attributes
    ----------
    faces, corners : ndarray of int
        Neighbours of each cell within the 27, by faces and by faces, edges and corners; filled with -1.
    away : ndarray of int
        Steps along the axes from the middle cell.
    """

    faces: NDArray[np.int64]
    corners: NDArray[np.int64]
    away: NDArray[np.int64]


def _cells() -> Cells:
    places = np.array([(k // 9, k // 3 % 3, k % 3) for k in range(27)])
    faces = np.full((27, 7), -1)
    corners = np.full((27, 27), -1)
    for k, place in enumerate(places):
        apart = np.abs(places - place)
        near = np.flatnonzero(apart.max(axis=1) == 1)
        touching = np.flatnonzero(apart.sum(axis=1) == 1)
        faces[k, : len(touching)] = touching
        corners[k, : len(near)] = near
    return Cells(faces, corners, np.abs(places - 1).sum(axis=1))


CELLS = _cells()


@njit(cache=True, nogil=True)
def is_simple(pore, cells, stack, seen):  # type: ignore[no-untyped-def]
    """Whether the middle voxel can change phase without a change of topology: a simple point.

    No pore, solid, tunnel or cavity then appears or vanishes. Pores are connected by faces, solid by faces,
    edges and corners. So the pores among the 18 nearest that can be reached from the middle must be one
    piece, and so must the solid among all 26 (Bertrand and Malandain 1994, Pattern Recognition Letters 15,
    169).

    Parameters
    ----------
    pore : array of 27 bool
        Along z, y, x; the value of the middle does not matter.
    cells : Cells
    stack, seen : arrays of 27 int64
        Scratch.
    """
    seen[:] = 0
    pieces = 0
    for first in range(27):
        if cells.away[first] == 1 and pore[first] and seen[first] == 0:
            pieces += 1
            if pieces > 1:
                return False
            stack[0], held, seen[first] = first, 1, 1
            while held > 0:
                held -= 1
                for near in cells.faces[stack[held]]:
                    if near < 0:
                        break
                    if near != MIDDLE and cells.away[near] < 3 and pore[near] and seen[near] == 0:
                        seen[near] = 1
                        stack[held] = near
                        held += 1
    if pieces != 1:
        return False
    pieces = 0
    for first in range(27):
        if first != MIDDLE and not pore[first] and seen[first] == 0:
            pieces += 1
            if pieces > 1:
                return False
            stack[0], held, seen[first] = first, 1, 1
            while held > 0:
                held -= 1
                for near in cells.corners[stack[held]]:
                    if near < 0:
                        break
                    if near != MIDDLE and not pore[near] and seen[near] == 0:
                        seen[near] = 1
                        stack[held] = near
                        held += 1
    return pieces == 1
