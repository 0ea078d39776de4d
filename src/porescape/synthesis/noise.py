"""White noise and random points, drawn tile by tile: any window alone has the bytes of the whole."""

from functools import lru_cache
from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Domain, Window, tiles_along
from porescape.rng import TILE, tile_stream

NOISE_SD = ((256**2 - 1) / 3) ** 0.5  # of odd whole numbers, uniform in [-255, 255]
DENSEST = 1 / 27  # points per voxel that a tile draws; a recipe's grains lie at least 3 voxels apart
SUBVOXEL = 8  # point positions are multiples of 1/8 voxel, which keeps squared distances exact


def white_noise(seed: int, field: str, domain: Domain, window: Window) -> NDArray[np.float32]:
    """Return white noise in a window: odd whole numbers, uniform in [-255, 255], mean 0."""
    out = np.empty(window.shape, dtype=np.float32)
    for tile, origin, length in _tiles(domain, window):
        low = [max(o, s) for o, s in zip(origin, window.start, strict=True)]
        size = [
            min(o + n, s + m) - at
            for o, n, s, m, at in zip(origin, length, window.start, window.shape, low, strict=True)
        ]
        there = tuple(at - o for at, o in zip(low, origin, strict=True))
        here = tuple(at - s for at, s in zip(low, window.start, strict=True))
        _to_odd(_tile_noise(seed, field, tile), there, out, here, tuple(size))
    return out


@njit(cache=True, nogil=True)
def _to_odd(drawn, there, out, here, size):  # type: ignore[no-untyped-def]
    """Write 2n + 1 of every n of a block of a tile."""
    begin, into = np.uint64(there[2]), np.uint64(here[2])
    for k in range(size[0]):
        for j in range(size[1]):
            for i in range(np.uint64(size[2])):
                drawn_here = np.float32(drawn[there[0] + k, there[1] + j, begin + i])
                out[here[0] + k, here[1] + j, into + i] = np.float32(2) * drawn_here + np.float32(1)


def random_points(
    seed: int, field: str, domain: Domain, window: Window, density: float
) -> NDArray[np.float32]:
    """Return the points of a homogeneous Poisson process in a window.

    The points of a lower density are a subset of those of a higher one, so a structure changes
    smoothly with the density.

    Parameters
    ----------
    density : float
        Points per voxel, at most `DENSEST`.

    Returns
    -------
    ndarray of float32, shape (3, n)
        Positions z, y, x [voxels], in the window's coordinates of space.
    """
    period = domain.shape if domain.periodic else None
    # a periodic space repeats the points of one period; an open one has tiles without end
    source = domain.whole if period else window
    pieces = []
    for tile, origin, length in _tiles(domain, source):
        position, mark = _tile_points(seed, field, tile)
        position = position[:, : np.searchsorted(mark, np.float32(density / DENSEST))]
        inside = (position < np.asarray(length, dtype=np.float32)[:, None] - 0.5).all(axis=0)
        pieces.append(position[:, inside] + np.asarray(origin, dtype=np.float32)[:, None])
    points = np.concatenate(pieces, axis=1)
    for axis, (start, size) in enumerate(zip(*window, strict=True)):
        n = period[axis] if period else 0
        turns = range(start // n, -(-(start + size) // n)) if period else (0,)
        points = np.concatenate([_between(points, axis, turn * n, start, size) for turn in turns], axis=1)
    return np.ascontiguousarray(points)


def _between(points: NDArray[np.float32], axis: int, by: int, start: int, size: int) -> NDArray[np.float32]:
    """Return those points that lie in a range along one axis once they are moved along it."""
    place = points[axis] + np.float32(by)
    inside = np.flatnonzero((place >= np.float32(start - 0.5)) & (place < np.float32(start + size - 0.5)))
    moved = points.take(inside, axis=1)
    moved[axis] = place[inside]
    return moved


def _tiles(domain: Domain, window: Window):  # type: ignore[no-untyped-def]
    per_axis = (
        list(tiles_along(start, start + size, TILE, period if domain.periodic else None))
        for start, size, period in zip(window.start, window.shape, domain.shape, strict=True)
    )
    for axes in product(*per_axis):
        tile, origin, length = zip(*axes, strict=True)
        yield tile, origin, length


@lru_cache(maxsize=32)  # 8 MiB; neighbouring windows and the trials of one fit share tiles
def _tile_noise(seed: int, field: str, tile: tuple[int, int, int]) -> NDArray[np.int8]:
    return tile_stream(seed, field, tile).integers(-128, 128, size=(TILE,) * 3, dtype=np.int8)


@lru_cache(maxsize=32)
def _tile_points(
    seed: int, field: str, tile: tuple[int, int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the positions and marks in [0, 1) of a tile's points; a density keeps the lowest marks."""
    rng = tile_stream(seed, field, tile)
    n = rng.poisson(DENSEST * TILE**3)
    eighths = rng.integers(0, TILE * SUBVOXEL, size=(3, n))
    position = np.asarray(eighths / SUBVOXEL - 0.5, dtype=np.float32)
    mark = rng.random(n, dtype=np.float32)
    order = np.argsort(mark, kind="stable")
    return position[:, order], mark[order]
