"""Distances by array operations, equal to those of `porescape.distance` number by number.

Squared distances are whole numbers, of voxels or of eighths of a voxel, and exact; only the root rounds.
"""

from typing import Any

import numpy as np

from porescape.core.chunked import slices, tiled
from porescape.core.domain import Shape, Window
from porescape.distance import SMALL_CAP
from porescape.synthesis.gpu.arrays import Array, Space

PIECE = (64, 128, 128)  # voxels whose points are looked up together
EDGES = (32, 8, 4)  # voxels; nested cubes, each with the points that can be nearest to one of its voxels
FAR = np.float32(2**22)  # voxels; position of the points that fill lists up to one length: never nearest


def distance_to_points(
    xp: Space, points: Array, window: Window, cap: float, mean: np.float32, scale: np.float32, slab: int
) -> Array:
    """Return (distance - mean) * scale of each voxel centre of a window to the nearest point.

    Parameters
    ----------
    points : array of float32, shape (3, n)
        Positions z, y, x [voxels], multiples of 1/8.
    cap : float
        Distances are cut off here [voxels].
    slab : int
        Number of distances computed at a time.
    """
    out = xp.empty(window.shape, dtype=np.float32)
    for part in tiled(window.shape, PIECE):
        start = [a + b for a, b in zip(part.start, window.start, strict=True)]
        near = xp.ones(points.shape[1], dtype=bool)
        for axis in range(3):
            near &= points[axis] > np.float32(start[axis] - cap - 1)
            near &= points[axis] < np.float32(start[axis] + part.shape[axis] + cap)
        square = _squares(xp, points[:, xp.nonzero(near)[0]], start, part.shape, np.float32(cap), slab)
        out[slices(part)] = (xp.sqrt(square) - mean) * scale
    return out


def _squares(xp: Space, points: Array, start: list[int], shape: Shape, cap: np.float32, slab: int) -> Array:
    """Return the squared distance of each voxel of a piece to the nearest point, at most cap²."""
    lists: list[Array] = [xp.concatenate([along, xp.full(1, FAR, np.float32)])[None] for along in points]
    above = shape  # of one cube that is the piece
    parent_grid: Shape = (1, 1, 1)
    for edge in EDGES:
        nz, ny, nx = grid = tuple(-(-n // edge) for n in shape)
        places = np.indices(grid).reshape(3, -1)
        parent = np.ravel_multi_index(
            [p * edge // n for p, n in zip(places, above, strict=True)], parent_grid
        )
        corners = [
            xp.asarray((p * edge + begin).astype(np.float32)) for p, begin in zip(places, start, strict=True)
        ]
        lists = _passed_to_children(xp, lists, xp.asarray(parent), corners, edge, cap)
        above, parent_grid = (edge, edge, edge), (nz, ny, nx)

    voxels = np.indices((edge, edge, edge)).reshape(3, -1).astype(np.float32)
    left = xp.asarray(np.concatenate([np.ones((1, edge**3), np.float32), 2 * voxels]).T)
    own = xp.asarray((voxels**2).sum(axis=0))[:, None]
    n, most = lists[0].shape
    best = xp.empty((edge**3, n), dtype=np.float32)
    step = max(1, slab // (edge**3 * most))
    for begin in range(0, n, step):
        some = slice(begin, begin + step)
        z, y, x = (corner[some, None] - along[some] for corner, along in zip(corners, lists, strict=True))
        # |d + voxel|² = |d|² + 2 d.voxel + |voxel|², of multiples of 1/64 that float32 holds
        right = xp.stack([z * z + y * y + x * x, z, y, x]).reshape(4, -1)
        square = (left @ right).reshape(edge**3, -1, most).min(axis=2) + own
        best[:, some] = xp.minimum(square, cap * cap)
    cubes = best.reshape(edge, edge, edge, nz, ny, nx).transpose(3, 0, 4, 1, 5, 2)
    return cubes.reshape(nz * edge, ny * edge, nx * edge)[: shape[0], : shape[1], : shape[2]]


def _passed_to_children(
    xp: Space, lists: list[Array], parent: Array, corners: list[Array], edge: int, cap: np.float32
) -> list[Array]:
    """Return, per cube, the points of its parent's list that can be nearest to some voxel of it.

    Every voxel is at most as far from its nearest point as the smallest, over the points, of the largest
    distance to the cube; points whose smallest distance is larger than that are never nearest.

    Parameters
    ----------
    lists : arrays of shape (parents, points)
        Positions along z, y and x.
    parent : array of int, shape (cubes,)
    corners : arrays of shape (cubes,)
        The first voxel of each cube, along z, y and x.
    """
    half = np.float32(0.5 * (edge - 1))
    places = [along[parent] for along in lists]
    near: Any = np.float32(0)
    far: Any = np.float32(0)
    for corner, place in zip(corners, places, strict=True):
        away = abs(place - (corner + half)[:, None])
        farther, nearer = away + half, xp.maximum(away - half, 0)
        far = farther * farther + far
        near = nearer * nearer + near
    limit = xp.minimum(far.min(axis=1), cap * cap) + np.float32(1)
    keep = near <= limit[:, None]
    count = keep.sum(axis=1)
    most = max(int(count.max()), 1)
    cube, which = xp.nonzero(keep)
    rank = xp.arange(len(cube)) - (xp.cumsum(count) - count)[cube]
    kept = []
    for place in places:
        own = xp.full((len(parent), most), FAR, dtype=np.float32)
        own[cube, rank] = place[cube, which]
        kept.append(own)
    return kept


def squares_along_z(xp: Space, phase: Array, cap: int, wrap: bool) -> Array:
    """Return the signed squared distance of each voxel along z to the other phase, positive where True.

    Parameters and dtype as of `porescape.distance.signed_squared_distance`, of which it is the first pass.
    """
    nz, ny, nx = phase.shape
    first = 0 if wrap else cap
    nout = nz if wrap else nz - 2 * cap
    out = xp.empty((nout, ny, nx), dtype=np.int16 if cap <= SMALL_CAP else np.int32)
    run = xp.full((ny, nx), cap, dtype=out.dtype)
    for layer in range(-cap + 1, nout):  # starts with the layers before the first one
        run = _run_on(xp, run, phase[(first + layer) % nz], phase[(first + layer - 1) % nz], cap)
        if layer >= 0:
            out[layer] = run
    run = xp.full((ny, nx), cap, dtype=out.dtype)
    for layer in range(nout + cap - 2, -1, -1):
        here = phase[(first + layer) % nz]
        run = _run_on(xp, run, here, phase[(first + layer + 1) % nz], cap)
        if layer < nout:
            near = xp.minimum(out[layer], run)
            near *= near
            out[layer] = xp.where(here, near, -near)
    return out


def _run_on(xp: Space, run: Array, here: Array, last: Array, cap: int) -> Array:
    """Return the distance to the last voxel of the other phase, one layer further."""
    one = run.dtype.type(1)
    return xp.where(here == last, xp.minimum(run + one, run.dtype.type(cap)), one)


def lowered(xp: Space, signed: Array, cap: int, axis: int, wrap: bool) -> Array:
    """Return signed squared distances with those across one more axis, y or x.

    A voxel `step` away gives its own value plus step², or step² if it is of the other phase. Context of `cap`
    voxels is cut off where the axis does not wrap.
    """
    n = signed.shape[axis]
    if wrap:
        signed = xp.take(signed, xp.asarray(np.arange(-cap, n + cap) % n), axis=axis)
    else:
        n -= 2 * cap

    def away(field: Array, step: int) -> Array:
        return field[(slice(None),) * axis + (slice(cap + step, cap + step + n),)]

    # each phase by itself: its own squares, 0 in the other phase
    phases = [xp.maximum(signed, 0), xp.maximum(-signed, 0)]
    best = [away(phase, 0).copy() for phase in phases]
    largest: Any = max(int(own.max()) for own in best)
    step = 1
    while step * step < largest:
        for phase, own in zip(phases, best, strict=True):
            offer = xp.minimum(away(phase, -step), away(phase, step))
            offer += step * step
            xp.minimum(own, offer, out=own)
        if step % 4 == 0:  # reading a result makes the card wait
            largest = max(int(own.max()) for own in best)
        step += 1
    return best[0] - best[1]


def signed_squared_distance(xp: Space, phase: Array, cap: int, wraps: tuple[bool, bool, bool]) -> Array:
    """Return the squared distance of each voxel to the other phase, as `porescape.distance` does."""
    along_z = squares_along_z(xp, phase, cap, wraps[0])
    return lowered(xp, lowered(xp, along_z, cap, 1, wraps[1]), cap, 2, wraps[2])
