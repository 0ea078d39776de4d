"""White noise and random points, drawn tile by tile: any window alone has the same bytes as in the whole."""

import math
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Domain, Shape, Window, tiles_along
from porescape.rng import TILE, tile_stream
from porescape.synthesis.layers import Holder, Layers, once

NOISE_SD = ((256**2 - 1) / 3) ** 0.5  # of odd whole numbers, uniform in [-255, 255]
DENSEST = 1 / 27  # points per voxel drawn in a tile; the grain spacing of a recipe is at least 3 voxels
SUBVOXEL = 8  # point positions are multiples of 1/8 voxel, which keeps squared distances exact


def white_noise(seed: int, field: str, domain: Domain, window: Window) -> NDArray[np.float32]:
    """Return white noise in a window: odd whole numbers, uniform in [-255, 255], mean 0."""
    out = np.empty(window.shape, dtype=np.float32)
    for drawn, there, here, size in drawn_tiles(seed, field, domain, window):
        _to_odd(drawn, there, out, here, size)
    return out


def white_noise_layers(seed: int, field: str, domain: Domain, window: Window, hold: Holder) -> Layers:
    """Return white noise layer by layer; with `Hold`, each tile is drawn once."""
    if hold is once:
        return lambda start, stop: white_noise(seed, field, domain, window.layers(start, stop))

    def draw(start: int, stop: int) -> NDArray[np.int8]:
        own = window.layers(start, stop)
        out = np.empty(own.shape, dtype=np.int8)
        for drawn, there, here, size in drawn_tiles(seed, field, domain, own):
            out[box_of(here, size)] = drawn[box_of(there, size)]
        return out

    drawn = hold(draw, batch=TILE)

    def noise(start: int, stop: int) -> NDArray[np.float32]:
        whole = drawn(start, stop)
        out = np.empty(whole.shape, dtype=np.float32)
        _to_odd(whole, (0, 0, 0), out, (0, 0, 0), whole.shape)
        return out

    return noise


def drawn_tiles(
    seed: int, field: str, domain: Domain, window: Window
) -> Iterator[tuple[NDArray[np.int8], Shape, Shape, Shape]]:
    """Yield the tiles of a window, with the offsets in tile and window and the size of the common part."""
    for tile, origin, length in _tiles(domain, window):
        low = [max(o, s) for o, s in zip(origin, window.start, strict=True)]
        nz, ny, nx = (
            min(o + n, s + m) - at
            for o, n, s, m, at in zip(origin, length, window.start, window.shape, low, strict=True)
        )
        kt, jt, it = (at - o for at, o in zip(low, origin, strict=True))
        kw, jw, iw = (at - s for at, s in zip(low, window.start, strict=True))
        yield _tile_noise(seed, field, tile), (kt, jt, it), (kw, jw, iw), (nz, ny, nx)


def box_of(start: Shape, size: Shape) -> tuple[slice, ...]:
    """Return the slices of a box."""
    return tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))


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
    seed: int,
    field: str,
    domain: Domain,
    window: Window,
    density: float,
    again: bool = False,
    length: float = 0.0,
) -> NDArray[np.float32]:
    """Return the points of a homogeneous Poisson process in a window, or of straight rods around them.

    The points of a lower density are a subset of those of a higher one, so a structure changes
    smoothly with the density.

    Parameters
    ----------
    density : float
        Points (middles of rods) per voxel, at most `DENSEST`.
    again : bool
        Whether neighbouring windows will need points of the same tiles and density, which are then cached.
    length : float
        Of the rods, in isotropic directions [voxels]. A rod is a row of points at most one voxel apart; for
        0 it is only its middle.

    Returns
    -------
    ndarray of float32, shape (3, n)
        Positions z, y, x [voxels], in the window's coordinates of space.
    """
    period = domain.shape if domain.periodic else None
    around = window.grown(math.ceil(length / 2), (False, False, False))
    tiles = {tile: (origin, size) for tile, origin, size in _tiles(domain, _one_period(domain, around))}
    pieces = []
    for tile, (origin, size) in tiles.items():
        middles, directions = (_kept_seeds if again else _tile_seeds)(
            seed, field, tile, size, density, length > 0
        )
        eighths = middles if directions is None else _rods(middles, directions, length)
        pieces.append(eighths + SUBVOXEL * np.asarray(origin, dtype=np.int32)[:, None])
    place = np.concatenate(pieces, axis=1)
    for axis, (start, size) in enumerate(zip(*window, strict=True)):
        n = period[axis] if period else 0
        here = range(start, start + size)
        first = int(place[axis].min()) // SUBVOXEL if place.size else 0
        last = int(place[axis].max()) // SUBVOXEL if place.size else 0
        turns = range((start - last) // n, (start + size - first) // n + 1) if n and place.size else (0,)
        place = np.concatenate([_moved(place, axis, turn * n, here) for turn in turns], axis=1)
    return np.asarray(place / np.float32(SUBVOXEL) - np.float32(0.5), dtype=np.float32)


def _one_period(domain: Domain, window: Window) -> Window:
    """Return the window, cut to one period of its domain along axes on which it is longer."""
    if not domain.periodic:
        return window
    size = tuple(min(n, edge) for n, edge in zip(window.shape, domain.shape, strict=True))
    return Window(window.start, size)  # type: ignore[arg-type]  # three in, three out


def _moved(place: NDArray[np.int32], axis: int, by: int, into: range) -> NDArray[np.int32]:
    """Return those points [eighths of a voxel] that lie in a range of voxels after a shift."""
    along = place[axis] + np.int32(SUBVOXEL * by)
    inside = np.flatnonzero((along >= SUBVOXEL * into.start) & (along < SUBVOXEL * into.stop))
    moved = place.take(inside, axis=1)
    moved[axis] = along[inside]
    return moved


def _tile_seeds(
    seed: int, field: str, tile: Shape, size: Shape, density: float, directed: bool
) -> tuple[NDArray[np.integer[Any]], NDArray[np.float64] | None]:
    """Return a tile's points of a density, in eighths of a voxel, and unit vectors too if asked."""
    eighths, mark = _tile_points(seed, field, tile)
    kept = np.flatnonzero(mark < np.float32(density / DENSEST))
    middles = eighths.take(kept, axis=1)
    if min(size) < TILE:  # the last tile of a period is cut short
        inside = np.flatnonzero((middles < SUBVOXEL * np.asarray(size, dtype=np.uint16)[:, None]).all(axis=0))
        middles, kept = middles.take(inside, axis=1), kept.take(inside)
    return middles, _tile_directions(seed, field, tile).take(kept, axis=1) if directed else None


# for all tiles of two fields around a layer of 2048 x 2048 voxels; 7 kB each at a spacing of 6 voxels
_kept_seeds = lru_cache(maxsize=4096)(_tile_seeds)


def _rods(
    middles: NDArray[np.integer[Any]], directions: NDArray[np.float64], length: float
) -> NDArray[np.int32]:
    """Return the points of straight rods, in eighths of a voxel as their middles are."""
    steps = math.ceil(length)
    along = SUBVOXEL * length * (np.arange(steps + 1) / steps - 0.5)
    beside = np.rint(directions[:, :, None] * along).astype(np.int32)
    return (middles[:, :, None] + beside).reshape(3, -1)


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
def _tile_points(seed: int, field: str, tile: Shape) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Return a tile's points [eighths of a voxel] and their marks in [0, 1); a density takes the low ones."""
    rng = tile_stream(seed, field, tile)
    n = rng.poisson(DENSEST * TILE**3)
    eighths = rng.integers(0, TILE * SUBVOXEL, size=(3, n))
    mark = rng.random(n, dtype=np.float32)
    return eighths.astype(np.uint16), mark


@lru_cache(maxsize=32)
def _tile_directions(seed: int, field: str, tile: Shape) -> NDArray[np.float64]:
    """Return a unit vector for each of a tile's points, in isotropic directions.

    With square roots only, which all machines round in the same way (Marsaglia 1972, Annals of Mathematical
    Statistics 43, 645).
    """
    rng = tile_stream(seed, f"{field} directions", tile)
    place = np.full((2, len(_tile_points(seed, field, tile)[1])), 1.0)
    while (outside := np.flatnonzero((square := (place**2).sum(axis=0)) >= 1)).size:
        place[:, outside] = 2 * rng.random((2, outside.size)) - 1
    y, x = 2 * place * np.sqrt(1 - square)
    return np.stack([1 - 2 * square, y, x])
