"""Floating solid: pieces that touch no other solid. Recipes produce some; real materials have none."""

from itertools import product

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LARGEST = 0.01  # of the solid; a larger piece is not noise and is kept (chosen by hand)


def remove_floating_solid(pore: NDArray[np.bool_], periodic: bool) -> NDArray[np.bool_]:
    """Turn small floating pieces of solid into pore.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
    periodic : bool
        Whether opposite faces match; otherwise a piece at a face may be connected beyond it, and is kept.

    Returns
    -------
    ndarray of bool
        The same without pieces of solid, joined by faces, edges or corners of voxels, that are smaller than
        the share `LARGEST` of the solid and are not the largest piece.

    Examples
    --------
    >>> solid = np.zeros((9, 9, 9), dtype=bool); solid[:, :5] = True; solid[4, 7, 4] = True
    >>> int(solid.sum() - (~remove_floating_solid(~solid, periodic=True)).sum())
    1
    """
    label = cc3d.connected_components((~pore).astype(np.uint8, order="C"), connectivity=26)
    voxels = np.bincount(label.ravel())
    voxels[0] = 0  # the pores
    if periodic:
        piece = _across_faces(label)
        voxels = np.bincount(piece, weights=voxels)[piece]
    floating = (voxels > 0) & (voxels < voxels.max()) & (voxels < LARGEST * np.count_nonzero(~pore))
    if not periodic:
        for axis, face in product(range(3), (0, -1)):
            floating[np.take(label, face, axis)] = False
    return np.asarray(pore | floating[label])


def _across_faces(label: NDArray[np.uint32]) -> NDArray[np.int32]:
    """Return which piece of periodic space each label belongs to."""
    pairs = []
    for axis in range(3):
        first, last = np.take(label, 0, axis).astype(np.int64), np.take(label, -1, axis).astype(np.int64)
        for step in product((-1, 0, 1), repeat=2):
            beside = np.roll(last, step, axis=(0, 1))
            touch = (first > 0) & (beside > 0)
            pairs.append(np.unique(np.stack([first[touch], beside[touch]]), axis=1))
    one, other = np.concatenate(pairs, axis=1)
    count = int(label.max()) + 1
    graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1])
