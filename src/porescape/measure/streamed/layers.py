"""A structure plane by plane, each piece of the store read once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from porescape.core.chunked import ChunkedVolume, grouped, slices, tiled

STEP = 2**23  # voxels passed on at once; processing takes about ten bytes each


def planes(chunked: ChunkedVolume, step: int = STEP) -> Iterator[NDArray[np.bool_]]:
    """Yield all planes in order, a few at a time, shape (planes, ny, nx).

    A layer as thick as the chunks of the store is held in memory with one bit per voxel, so that no chunk is
    read twice: a layer of 128 planes of 2000 x 2000 takes 64 MB, in addition to one chunk.

    Parameters
    ----------
    chunked : ChunkedVolume
    step : int
        Approximate number of voxels at once; at least one plane.
    """
    nz, ny, nx = chunked.shape
    deep, together = _thickness(chunked, step)
    bits = np.empty((deep, ny, -(-nx // 8)), dtype=np.uint8)
    for z in range(0, nz, deep):
        thickness = min(deep, nz - z)
        bits[:] = 0
        for window in tiled((thickness, ny, nx), grouped((deep, *chunked.chunk[1:]), chunked.shape)):
            deeper, rows, columns = slices(window)
            inside = chunked.read(window._replace(start=(z + deeper.start, rows.start, columns.start)))
            spare = columns.start % 8  # voxels of the first byte that another piece has
            packed = np.packbits(np.pad(inside, ((0, 0), (0, 0), (spare, 0))), axis=-1, bitorder="little")
            bits[deeper, rows, columns.start // 8 : -(-columns.stop // 8)] |= packed
        for first in range(0, thickness, together):
            some = bits[first : min(first + together, thickness)]
            yield np.unpackbits(some, axis=-1, count=nx, bitorder="little").view(bool)


def steps_of(chunked: ChunkedVolume, step: int = STEP) -> int:
    """Return the number of steps of `planes`."""
    nz = chunked.shape[0]
    deep, together = _thickness(chunked, step)
    return nz // deep * -(-deep // together) + -(-(nz % deep) // together)


def _thickness(chunked: ChunkedVolume, step: int) -> tuple[int, int]:
    """Return how many planes are read together, and how many are passed on together."""
    nz, ny, nx = chunked.shape
    together = max(1, step // (ny * nx))
    deep = min(chunked.chunk[0], nz)
    return max(deep, min(together, nz) // deep * deep), together  # thin pieces: several are one layer
