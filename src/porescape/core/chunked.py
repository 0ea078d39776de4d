"""Structures that need not be in memory: a shape, a voxel size, and any window on request."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Shape, Window
from porescape.core.volume import Volume
from porescape.errors import SettingsError


class ChunkedVolume(Protocol):
    """A segmented structure that is read piece by piece.

    Readers of files must be cheap to pickle: each worker process gets a copy and reads the file itself.
    """

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""

    @property
    def voxel_size(self) -> float:
        """Edge of a cubic voxel [m]."""

    @property
    def chunk(self) -> Shape:
        """Voxels of the pieces in which it is stored: the cheapest amount to read at once."""

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return the voxels of a window inside the structure, True in the pores."""


@dataclass(frozen=True, slots=True, eq=False)
class ChunkedArray:
    """A volume in memory with the interface of a chunked volume.

    Attributes
    ----------
    volume : Volume
    chunk : tuple of int
        Size of the pieces in which it appears to be stored.
    """

    volume: Volume
    chunk: Shape = (64, 64, 64)

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""
        return self.volume.shape

    @property
    def voxel_size(self) -> float:
        """Edge of a cubic voxel [m]."""
        return self.volume.voxel_size

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return a view of the window's voxels."""
        return self.volume.pore[slices(window)]


def slices(window: Window) -> tuple[slice, slice, slice]:
    """Return the slices that cut a window out of an array.

    >>> slices(Window((1, 0, 2), (3, 4, 5)))
    (slice(1, 4, None), slice(0, 4, None), slice(2, 7, None))
    """
    z, y, x = (slice(a, a + n) for a, n in zip(window.start, window.shape, strict=True))
    return z, y, x


def within(window: Window, reach: int, shape: Shape) -> Window:
    """Return a window with `reach` more voxels on every side, as far as the structure goes.

    >>> within(Window((4, 0, 2), (2, 3, 4)), 3, (10, 10, 6))
    Window(start=(1, 0, 0), shape=(8, 6, 6))
    """
    start = tuple(max(a - reach, 0) for a in window.start)
    stop = (min(a + n + reach, of) for a, n, of in zip(window.start, window.shape, shape, strict=True))
    size = tuple(b - a for a, b in zip(start, stop, strict=True))
    return Window(start, size)  # type: ignore[arg-type]  # always three axes


def tiled(shape: Shape, tile: Shape) -> Iterator[Window]:
    """Yield the windows that cover a structure side by side, x fastest; the last ones are cut short.

    >>> [w.start for w in tiled((4, 4, 4), (4, 4, 3))]
    [(0, 0, 0), (0, 0, 3)]
    """
    if any(n < 1 for n in tile):
        raise SettingsError(f"blocks need three positive numbers of voxels, got {tile}")
    for start in product(*(range(0, n, step) for n, step in zip(shape, tile, strict=True))):
        size = tuple(min(step, n - a) for a, n, step in zip(start, shape, tile, strict=True))
        yield Window(start, size)  # type: ignore[arg-type]  # always three axes


def grouped(chunk: Shape, shape: Shape, most: int = 2**24) -> Shape:
    """Return a size of whole chunks to read at once: small chunks are read together.

    >>> grouped((64, 64, 64), (1000, 1000, 1000)), grouped((512, 512, 512), (1000, 1000, 1000))
    ((64, 256, 1000), (512, 512, 512))
    """
    deep, wide, long = (min(c, n) for c, n in zip(chunk, shape, strict=True))
    long = min(long * max(1, most // (deep * wide * long)), shape[2])
    wide = min(wide * max(1, most // (deep * wide * long)), shape[1])
    return deep, wide, long
