"""The width of the pores at each voxel, to a fraction of a voxel, and the width of the path to it.

The clearance of a voxel is the radius of the largest ball that is centred anywhere within it and touches no
wall. With balls on voxel centres only, a neck of 4 or 5 voxels' radius would be a sixth too narrow, so near
the middle of a pore the centre is moved until the ball is as large as possible.

Beyond the border of the box there is no wall.
"""

from dataclasses import dataclass

import edt
import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.errors import InputError
from porescape.measure.geometry.thickness import inside_neighbour, needed_distance

_RIM = 2  # voxels around the box, as the functions shared with local thickness have it
_STEEP = 0.75  # distance gained per step; where it is less, the middle of the pore is within a voxel or so
_FARTHEST = 32  # voxels from the wall; beyond, half a voxel is less than 2 % and centres stay where they are
_WANDER = 3**0.5  # voxels, twice the way from a voxel's centre to its corner
_MOVES = 32  # of a centre; the first is 0.35 voxels long, each next one a tenth shorter
_AROUND = 0.3  # voxels; walls up to this much farther than the nearest one show where the ball touches
_SHELL = 1.0  # voxels; solid up to this much farther than the nearest tells how a wall is bent
_COUNTED = 12.0  # voxels; a larger ball is taken as held by a ring of wall: a share of less than 1 %
# how far before its centre a solid voxel begins, and the shares of a ring that this holds for; fitted to
# tubes, round and edged necks, packings, channels and slits turned and moved at random (bench/balls.py)
_RING = (0.5, 0.22)  # times 1 / radius, of a ring across the lattice and of a tilted tube
_RING_SHARE = (0.76, 0.90)
_HELD = 2.6  # solid voxels that hold a ball between separate patches of wall
_PATCH_SHARE = (0.38, 0.57)  # up to here patches, from there on a ring
_MOST = 0.6  # voxels
_LEVELS = 1024  # per voxel of radius; the resolution of the search


@dataclass(frozen=True, slots=True, eq=False)
class Clearance:
    """The largest ball of each voxel.

    Attributes
    ----------
    distance : ndarray of float32, shape (nz, ny, nx)
        From voxel centre to the nearest centre of a solid voxel [voxels]; 0 in the solid.
    radius : ndarray of float32, shape (nz, ny, nx)
        Clearance: from the ball's centre to the wall [voxels]; 0 in the solid.
    ball_voxel : ndarray of int64, shape (n,)
        Flat index of the voxel that the ball is centred in, for balls that together cover all pores.
    ball_centre : ndarray of float32, shape (n, 3)
        z, y, x [voxels]; voxel centres are at whole numbers.
    """

    distance: NDArray[np.float32]
    radius: NDArray[np.float32]
    ball_voxel: NDArray[np.int64]
    ball_centre: NDArray[np.float32]


def clearance(pore: NDArray[np.bool_]) -> Clearance:
    """Find the largest ball of each voxel.

    The ball ends at the centre of a solid voxel, at distance r, and the wall lies before that. If the solid
    voxels around it lie in planes along the lattice, it lies half a voxel before, so slits and square
    channels are exact. Otherwise the ball, moved to where it is largest, is held by the few solid voxels
    nearest to it, and how far behind the wall their centres lie depends on how the wall leaves the ball: in a
    ring around a tube many voxels are near, about 0.5 / r behind the wall; between separate bulges or edges
    few are, and they lie deeper. How many solid voxels are up to a voxel farther than the nearest tells.

    Remaining error of the widest way through shapes moved and turned at random (`bench/balls.py`), at 8
    voxels across: tubes and round necks within 1 %, knife edges and necks of packings +1 and -1 %,
    triangular channels -1 %, square openings between edges +4 %; at 6 voxels up to twice that. In Gaussian
    fields with pores of ten voxels 3 % too wide compared with voxels of a third of the edge, with pores of
    twelve none.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        With at least one pore and one solid voxel.
    """
    if pore.all() or not pore.any():
        found = "pore" if pore.all() else "solid"
        raise InputError(
            f"clearance is measured from pores to walls, but every voxel of {pore.shape} is {found}; "
            "measure a larger volume"
        )
    distance = edt.edt(pore.astype(np.uint8, order="C"), black_border=False, parallel=1)
    largest = round(float(distance.max()) ** 2)
    rimmed = np.pad(distance, _RIM, constant_values=-1)
    radius = np.zeros(pore.shape, np.float32)
    start, vectors = _vectors(min(float(distance.max()), _FARTHEST) + _WANDER)
    need = needed_distance(largest)
    balls = _fit_balls(rimmed, need, start, vectors, radius)
    radius = np.asarray(
        np.rint(radius * _LEVELS) / _LEVELS, dtype=np.float32
    )  # as fine as ways are told apart
    return Clearance(distance, radius, *balls)


def widest_way(space: Clearance, inlets: tuple[bool, bool, bool, bool, bool, bool]) -> NDArray[np.float32]:
    """Radius of the largest ball that can reach each voxel from outside [voxels]; 0 if none can.

    The ball starts outside the box and enters through any of the `inlets`, the faces z first, z last,
    y first, ... x last; its centre moves from voxel to voxel (sharing a face, an edge or a corner; a face
    where pores are a voxel wide) and stays inside the box; the other sides of the box are not walls.
    """
    way = np.zeros_like(space.radius)
    for axis in range(3):
        for side, end in enumerate((0, -1)):
            if inlets[2 * axis + side]:
                face = [slice(None)] * 3
                face[axis] = end  # type: ignore[call-overload]
                way[tuple(face)] = space.radius[tuple(face)]
    _flood(space.radius, space.distance, way, np.zeros((0, 0, 0), np.int32))
    return way


def widest_within(space: Clearance, region: NDArray[np.int32]) -> NDArray[np.float32]:
    """Radius of the largest ball that gets to each voxel from the widest place of its own region [voxels].

    Parameters
    ----------
    space : Clearance
    region : ndarray of int32, shape (nz, ny, nx)
        Numbers from 1; 0 is outside of all. Ways stay inside a region, and move as those of `widest_way`.
    """
    way = np.zeros_like(space.radius)
    _widest_places(space.radius, region, int(region.max()), way)
    _flood(space.radius, space.distance, way, region)
    return way


def _vectors(reach: float) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """List all whole-numbered vectors up to a length by their square q, and where each q starts."""
    edge = int(reach + _AROUND) + 1
    vectors = np.indices((2 * edge + 1,) * 3, dtype=np.int16).reshape(3, -1).T - np.int16(edge)
    square = (vectors.astype(np.int32) ** 2).sum(axis=1)
    order = np.argsort(square, kind="stable")
    order = order[: np.searchsorted(square[order], edge**2, side="right")]
    return np.searchsorted(square[order], np.arange(edge**2 + 2)), vectors[order]


@njit(cache=True, nogil=True)
def _fit_balls(distance, need, start, vectors, radius):  # type: ignore[no-untyped-def]
    """Fill `radius` and return the balls (voxel, centre); `distance` has a rim of -1: unknown."""
    nz, ny, nx = distance.shape
    n = 0
    voxel = np.empty(1024, np.int64)
    centre = np.empty((1024, 3), np.float32)
    wall = np.empty((len(vectors), 4))  # z, y, x and length
    before = np.zeros((nz - 2 * _RIM, ny - 2 * _RIM, nx - 2 * _RIM + 1), np.int32)  # solid voxels along x
    for z in range(before.shape[0]):
        for y in range(before.shape[1]):
            for x in range(nx - 2 * _RIM):
                before[z, y, x + 1] = before[z, y, x] + (distance[z + _RIM, y + _RIM, x + _RIM] == 0)
    at = np.zeros(3)
    for z in range(_RIM, nz - _RIM):
        for y in range(_RIM, ny - _RIM):
            for x in range(_RIM, nx - _RIM):
                here = distance[z, y, x]
                if here == 0:
                    continue
                q = int(here * here + 0.5)
                at[:] = 0.0
                r = float(here)
                before_wall = 0.5  # beside a wall it matters little: the way is wider further inside
                middle = here <= _FARTHEST and _near_middle(distance, z, y, x)
                if middle:
                    r, walls = _move(distance, start, vectors, q, z, y, x, wall, at)
                    before_wall = _before_wall(wall, walls, r, at)
                    if before_wall < 0:
                        before_wall = _before_bent_wall(
                            before, r, z - _RIM + at[0], y - _RIM + at[1], x - _RIM + at[2]
                        )
                radius[z - _RIM, y - _RIM, x - _RIM] = r - before_wall
                if not middle and inside_neighbour(distance, need[q], z, y, x):
                    continue
                if n == len(voxel):
                    voxel = np.concatenate((voxel, np.empty_like(voxel)))
                    centre = np.concatenate((centre, np.empty_like(centre)))
                voxel[n] = ((z - _RIM) * (ny - 2 * _RIM) + y - _RIM) * (nx - 2 * _RIM) + x - _RIM
                centre[n, 0] = z - _RIM + at[0]
                centre[n, 1] = y - _RIM + at[1]
                centre[n, 2] = x - _RIM + at[2]
                n += 1
    return voxel[:n], centre[:n]


@njit(cache=True, nogil=True)
def _near_middle(distance, z, y, x):  # type: ignore[no-untyped-def]
    """Whether the distance to the wall grows slowly in every direction."""
    here = distance[z, y, x]
    for k in range(-1, 2):
        for j in range(-1, 2):
            for i in range(-1, 2):
                step = np.sqrt(float(k * k + j * j + i * i))
                if step > 0 and distance[z + k, y + j, x + i] - here >= _STEEP * step:
                    return False
    return True


@njit(cache=True, nogil=True)
def _move(distance, start, vectors, q, z, y, x, wall, at):  # type: ignore[no-untyped-def]
    """Move a centre repeatedly away from its nearest wall, within the voxel.

    Writes the best place to `at` and to `wall` the solid voxels, relative to the voxel and nearest first,
    that are up to _AROUND farther from there than the nearest; returns its distance and their number.
    """
    nz, ny, nx = distance.shape
    n = 0  # walls listed so far
    ahead = start[q]  # the next vector to check
    best = np.sqrt(float(q))
    cz = cy = cx = off = 0.0
    step = 0.35
    for move in range(_MOVES + 1):
        if move == _MOVES:  # once more from the best place, to list all walls around
            cz, cy, cx = at[0], at[1], at[2]
            off = np.sqrt(cz * cz + cy * cy + cx * cx)
        nearest = np.inf
        away = 0
        p = 0
        while True:
            if p == n:  # list one more
                while ahead < len(vectors):
                    k, j, i = z + vectors[ahead, 0], y + vectors[ahead, 1], x + vectors[ahead, 2]
                    ahead += 1
                    inside = _RIM <= k < nz - _RIM and _RIM <= j < ny - _RIM and _RIM <= i < nx - _RIM
                    if inside and distance[k, j, i] == 0:
                        wall[n, 0], wall[n, 1], wall[n, 2] = k - z, j - y, i - x
                        wall[n, 3] = np.sqrt(wall[n, 0] ** 2 + wall[n, 1] ** 2 + wall[n, 2] ** 2)
                        n += 1
                        break
                if p == n:
                    break
            if wall[p, 3] - off > nearest + (_AROUND if move == _MOVES else 0.0):
                break  # as far as all that follow
            d = np.sqrt((wall[p, 0] - cz) ** 2 + (wall[p, 1] - cy) ** 2 + (wall[p, 2] - cx) ** 2)
            if d < nearest:
                nearest = d
                away = p
            p += 1
        if move == _MOVES:
            return nearest, p
        if nearest > best:
            best = nearest
            at[0], at[1], at[2] = cz, cy, cx
        cz = min(max(cz + step * (cz - wall[away, 0]) / nearest, -0.5), 0.5)
        cy = min(max(cy + step * (cy - wall[away, 1]) / nearest, -0.5), 0.5)
        cx = min(max(cx + step * (cx - wall[away, 2]) / nearest, -0.5), 0.5)
        off = np.sqrt(cz * cz + cy * cy + cx * cx)
        step *= 0.9
    return best, n


@njit(cache=True, nogil=True)
def _before_wall(wall, walls, r, at):  # type: ignore[no-untyped-def]
    """Return how far before the nearest centre of a solid voxel a wall along the lattice lies.

    That voxel is at distance r; -1 if the wall is bent or tilted.
    """
    flat = np.inf  # distance to the planes along the lattice that the nearest voxels lie in
    for p in range(walls):
        flat = min(flat, _lattice_distance(wall[p], at)) if _apart(wall[p], at) < r + 1e-3 else flat
    if r * r - flat * flat > 0.5 + 1e-3:  # the centre of such a voxel is at most half a voxel aside, twice
        return -1.0
    around = 0
    for p in range(walls):
        if _apart(wall[p], at) <= r + _AROUND:
            around += 1
            if _lattice_distance(wall[p], at) < flat - 0.1:
                return -1.0
    return r - (flat - 0.5) if around >= r else -1.0


@njit(cache=True, nogil=True)
def _before_bent_wall(before, r, z, y, x):  # type: ignore[no-untyped-def]
    """Return the same of a bent or tilted wall, from how much solid lies in a shell around the ball.

    A ball between voxels is held by a few of them. Where the wall leaves the ball quickly, as between bulges
    or at edges, these lie far behind the surface; how quickly is told by voxels that are a little farther.
    """
    if r > _COUNTED:
        return _RING[0] / r
    nz, ny, nx = before.shape[0], before.shape[1], before.shape[2] - 1
    far = r + _SHELL  # the ball itself holds no solid
    count = 0
    for k in range(max(int(np.ceil(z - far)), 0), min(int(np.floor(z + far)), nz - 1) + 1):
        for j in range(max(int(np.ceil(y - far)), 0), min(int(np.floor(y + far)), ny - 1) + 1):
            square = far * far - (k - z) ** 2 - (j - y) ** 2
            if square >= 0:
                half = np.sqrt(square)
                first = max(int(np.ceil(x - half)), 0)
                last = min(int(np.floor(x + half)), nx - 1)
                if last >= first:
                    count += before[k, j, last + 1] - before[k, j, first]
    found = count / (_inside_box(r, z, nz) * _inside_box(r, y, ny) * _inside_box(r, x, nx))
    depth = _SHELL + _RING[0] / r
    share = found / (4 / 3 * np.pi * (2 * r * depth + depth * depth) ** 1.5)  # of what lies around a tube
    tilted = min(max((share - _RING_SHARE[0]) / (_RING_SHARE[1] - _RING_SHARE[0]), 0.0), 1.0)
    ring = (_RING[0] + tilted * (_RING[1] - _RING[0])) / r
    patches = min(max((_PATCH_SHARE[1] - share) / (_PATCH_SHARE[1] - _PATCH_SHARE[0]), 0.0), 1.0)
    if patches == 0:
        return ring
    root = np.sqrt(max(found / _HELD, 1.0))
    patch = _MOST if root <= 1 + _SHELL / _MOST else _SHELL / (root - 1)
    return ring + patches * (max(patch, ring) - ring)


@njit(cache=True, nogil=True)
def _inside_box(r, at, edge):  # type: ignore[no-untyped-def]
    """Return the share of a ball around `at` that lies between the two faces of a box along one axis."""
    share = 1.0
    for depth in (at + 0.5, edge - 0.5 - at):
        if depth < r:
            share -= (1 - depth / r) ** 2 * (2 + depth / r) / 4
    return max(share, 0.1)


@njit(cache=True, nogil=True)
def _apart(one, other):  # type: ignore[no-untyped-def]
    return np.sqrt((one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2)


@njit(cache=True, nogil=True)
def _lattice_distance(one, other):  # type: ignore[no-untyped-def]
    return max(abs(one[0] - other[0]), abs(one[1] - other[1]), abs(one[2] - other[2]))


@njit(cache=True, nogil=True)
def _widest_places(radius, region, n, way):  # type: ignore[no-untyped-def]
    """Write the radius of the widest voxel of each region to `way`, at that voxel; of equals, the first."""
    widest = np.zeros(n + 1, np.float32)
    place = np.full(n + 1, -1, np.int64)
    _, ny, nx = radius.shape
    for z in range(radius.shape[0]):
        for y in range(ny):
            for x in range(nx):
                label = region[z, y, x]
                if label > 0 and radius[z, y, x] > widest[label]:
                    widest[label] = radius[z, y, x]
                    place[label] = (z * ny + y) * nx + x
    for label in range(1, n + 1):
        if place[label] >= 0:
            flat = place[label]
            way[flat // (ny * nx), flat // nx % ny, flat % nx] = widest[label]


@njit(cache=True, nogil=True)
def _flood(radius, distance, way, region):  # type: ignore[no-untyped-def]
    """Visit voxels from those on where `way` is known, the widest path first; write the others' way.

    Paths are queued in one list per level of width, and radii are whole numbers of levels; the level only
    falls, and the first path to reach a voxel is the widest, so every voxel is listed once. Paths stay inside
    their region, if regions are given.
    """
    nz, ny, nx = radius.shape
    apart = region.size > 0
    top = int(radius.max() * _LEVELS + 0.5)
    first = np.full(top + 1, -1, np.int64)
    after = np.empty(nz * ny * nx, np.int64)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if way[z, y, x] > 0:
                    level = int(way[z, y, x] * _LEVELS + 0.5)
                    flat = (z * ny + y) * nx + x
                    after[flat] = first[level]
                    first[level] = flat
    for level in range(top, -1, -1):
        while first[level] >= 0:
            flat = first[level]
            first[level] = after[flat]
            z, y, x = flat // (ny * nx), flat // nx % ny, flat % nx
            for k in range(max(z - 1, 0), min(z + 2, nz)):
                for j in range(max(y - 1, 0), min(y + 2, ny)):
                    for i in range(max(x - 1, 0), min(x + 2, nx)):
                        if way[k, j, i] > 0 or radius[k, j, i] == 0:
                            continue
                        if apart and region[k, j, i] != region[z, y, x]:
                            continue
                        across = abs(k - z) + abs(j - y) + abs(i - x) > 1
                        if across and (distance[z, y, x] <= 1 or distance[k, j, i] <= 1):
                            continue  # there may be solid on both sides of the step
                        way[k, j, i] = min(way[z, y, x], radius[k, j, i])
                        target = min(int(way[k, j, i] * _LEVELS + 0.5), level)
                        there = (k * ny + j) * nx + i
                        after[there] = first[target]
                        first[target] = there
