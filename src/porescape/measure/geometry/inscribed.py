"""The largest ball that fits at a place, with its centre between voxels.

Where the wall lies between the centre of the last voxel inside and that of the first wall voxel is not
known, so a ball is measured twice: to the nearest centre of a wall voxel (too large: a flat wall lies half
a voxel before it) and to the nearest centre of a face between inside and wall (too small: such faces stand
out from a slanted wall by up to half a voxel). Where the nearest face is part of a flat wall along the
lattice it gives the position of the wall; otherwise the truth lies between the two.

Diameters of balls, and of straight tubes of any direction, from 2 to 10 voxels in radius, wherever their
middle lies, are 0.2 voxels too thin on average, within -0.6 and +0.5 (tubes of some radii below 4 voxels
up to +0.7); slabs and square channels along the lattice exact from 6 voxels on, below up to +0.7; slabs
tilted anyhow within 0.4, across a diagonal of the lattice up to 1.2 thick.
"""

from itertools import product

import numpy as np
from numba import njit
from numpy.typing import NDArray

_ROAM = 0.9  # voxels; the true middle lies at most sqrt(3)/2 from the deepest voxel
_REACH = 2 * _ROAM + 0.5  # voxels; walls up to this much farther than the nearest one may become relevant
_STEPS = (0.5, 0.25, 0.125, 0.0625)  # voxels
_SLOPE = 0.2  # a step must gain this share of its length, otherwise a ball between flat walls drifts sideways
_OUTER = 0.6  # weight of the larger ball; with 0.5 round shapes are 0.1 voxels thinner
_SURELY_FLAT = 2.6  # voxels; up to 5 voxels across, a square and a disc may be the same voxels
_ALL_WAYS: NDArray[np.float64] = np.array([s for s in product((-1.0, 0.0, 1.0), repeat=3) if any(s)])


def fit_balls(
    region: NDArray[np.int32],
    own: NDArray[np.int32],
    starts: NDArray[np.float64],
    depth: NDArray[np.float32],
    normals: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Move balls from their start to where they are largest, less than a voxel away.

    Parameters
    ----------
    region : ndarray of int32, shape (nz, ny, nx)
        0 is solid.
    own : ndarray of int32, shape (n,)
        The region of each ball, for which all other regions and the border of the box are walls. With 0 only
        solid is wall, and the border is not.
    starts : ndarray, shape (n, 3)
        z, y, x [voxels], 0 at the centre of the first voxel.
    depth : ndarray of float32, shape (n,)
        How far the centre of the nearest wall voxel is from there at most [voxels].
    normals : ndarray, shape (n, 3), optional
        Balls move only perpendicular to these directions (in all directions, if a normal has no length).

    Returns
    -------
    centres (n, 3) and diameters (n,) [voxels]
    """
    normals = np.zeros(starts.shape) if normals is None else normals  # floats, also where the starts are not
    centres = starts.astype(np.float64)
    return centres, _fit_balls(region, own, centres, depth, normals, _ALL_WAYS)


@njit(cache=True, nogil=True)
def _fit_balls(region, own, centres, depth, normals, all_ways):  # type: ignore[no-untyped-def]
    """Move the centres to where the balls are largest; return the diameters."""
    diameter = np.empty(len(own))
    across = np.empty((8, 3))
    last = (region.shape[0] - 1, region.shape[1] - 1, region.shape[2] - 1)
    walls = np.empty((3, 4096))
    for b in range(len(own)):
        start = (centres[b, 0], centres[b, 1], centres[b, 2])
        n = _walls_near(region, own[b], start, depth[b] + _REACH, walls)
        if n > walls.shape[1]:
            walls = np.empty((3, 2 * n))
            n = _walls_near(region, own[b], start, depth[b] + _REACH, walls)
        ways = all_ways
        normal = (normals[b, 0], normals[b, 1], normals[b, 2])
        if _square(normal, (0.0, 0.0, 0.0)) > 0:
            _directions_across(normal, across)
            ways = across
        spot = start
        radius = _nearest(walls, n, start, 0.0)
        _nearest_first(walls, n, start, radius + 0.5)
        for step in _STEPS:
            while True:
                best, gain, larger = start, _SLOPE, radius
                for s in range(len(ways)):
                    dz, dy, dx = step * ways[s, 0], step * ways[s, 1], step * ways[s, 2]
                    there = (spot[0] + dz, spot[1] + dy, spot[2] + dx)
                    if min(there) < 0 or there[0] > last[0] or there[1] > last[1] or there[2] > last[2]:
                        continue
                    if _square(there, start) > _ROAM**2:
                        continue
                    length = np.sqrt(dz * dz + dy * dy + dx * dx)
                    found = _nearest(walls, n, there, radius + gain * length)
                    if found > radius + gain * length:
                        gain = (found - radius) / length
                        best, larger = there, found
                if larger == radius:
                    break
                spot = best
                radius = larger
        to_face, face = _nearest_face(region, own[b], walls, n, spot)
        if to_face > _SURELY_FLAT and _is_flat(region, own[b], spot, face, to_face):
            diameter[b] = 2 * to_face
        else:
            diameter[b] = 2 * (_OUTER * radius + (1 - _OUTER) * to_face)
        centres[b, 0], centres[b, 1], centres[b, 2] = spot
    return diameter


@njit(cache=True, nogil=True)
def _walls_near(region, own, spot, reach, walls):  # type: ignore[no-untyped-def]
    """Write the wall voxels that have a face towards the inside and lie within `reach`; return how many.

    If `walls` is full, further ones are only counted.
    """
    rim = 0 if own == 0 else 1  # voxels outside the box that are wall
    z0, z1 = max(int(np.ceil(spot[0] - reach)), -rim), min(int(spot[0] + reach), region.shape[0] - 1 + rim)
    y0, y1 = max(int(np.ceil(spot[1] - reach)), -rim), min(int(spot[1] + reach), region.shape[1] - 1 + rim)
    n = 0
    for z in range(z0, z1 + 1):
        for y in range(y0, y1 + 1):
            left = reach * reach - (z - spot[0]) ** 2 - (y - spot[1]) ** 2
            if left < 0:
                continue
            x0 = max(int(np.ceil(spot[2] - np.sqrt(left))), -rim)
            x1 = min(int(np.floor(spot[2] + np.sqrt(left))), region.shape[2] - 1 + rim)
            before, here = False, _is_inside(region, own, z, y, x0 - 1)
            after = _is_inside(region, own, z, y, x0)
            for x in range(x0, x1 + 1):
                before, here, after = here, after, _is_inside(region, own, z, y, x + 1)
                if here:
                    continue
                if (
                    before
                    or after
                    or _is_inside(region, own, z, y - 1, x)
                    or _is_inside(region, own, z, y + 1, x)
                    or _is_inside(region, own, z - 1, y, x)
                    or _is_inside(region, own, z + 1, y, x)
                ):
                    if n < walls.shape[1]:
                        walls[0, n], walls[1, n], walls[2, n] = z, y, x
                    n += 1
    return n


@njit(cache=True, nogil=True, inline="always")
def _is_in_box(region, z, y, x):  # type: ignore[no-untyped-def]
    return 0 <= z < region.shape[0] and 0 <= y < region.shape[1] and 0 <= x < region.shape[2]


@njit(cache=True, nogil=True, inline="always")
def _is_inside(region, own, z, y, x):  # type: ignore[no-untyped-def]
    in_box = 0 <= z < region.shape[0] and 0 <= y < region.shape[1] and 0 <= x < region.shape[2]
    label = region[z, y, x] if in_box else 0
    return label > 0 and (own == 0 or label == own)


@njit(cache=True, nogil=True)
def _square(a, b):  # type: ignore[no-untyped-def]
    return (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2


@njit(cache=True, nogil=True)
def _nearest(walls, n, spot, enough):  # type: ignore[no-untyped-def]
    """Return the distance to the nearest wall voxel, or any that is at most `enough`."""
    nearest = np.inf
    for w in range(n):
        dz, dy, dx = walls[0, w] - spot[0], walls[1, w] - spot[1], walls[2, w] - spot[2]
        square = dz * dz + dy * dy + dx * dx
        if square < nearest:
            nearest = square
            if nearest <= enough * enough:
                break
    return np.sqrt(nearest)


@njit(cache=True, nogil=True)
def _nearest_first(walls, n, spot, reach):  # type: ignore[no-untyped-def]
    """Move the walls within `reach` to the front: they rule out most steps."""
    front = 0
    for w in range(n):
        dz, dy, dx = walls[0, w] - spot[0], walls[1, w] - spot[1], walls[2, w] - spot[2]
        if dz * dz + dy * dy + dx * dx <= reach * reach:
            for a in range(3):
                walls[a, front], walls[a, w] = walls[a, w], walls[a, front]
            front += 1


@njit(cache=True, nogil=True)
def _nearest_face(region, own, walls, n, spot):  # type: ignore[no-untyped-def]
    """Return the distance to the nearest centre of a face between wall and inside, and that face.

    A face is the position of its wall voxel and the step from there to the inside.
    """
    nearest = np.inf
    face = (0, 0, 0, 0, 0, 0)
    for w in range(n):
        z, y, x = int(walls[0, w]), int(walls[1, w]), int(walls[2, w])
        for f in range(6):
            dz, dy, dx = (f == 5) - (f == 0), (f == 4) - (f == 1), (f == 3) - (f == 2)
            if _is_inside(region, own, z + dz, y + dy, x + dx):
                square = _square((z + 0.5 * dz, y + 0.5 * dy, x + 0.5 * dx), spot)
                if square < nearest:
                    nearest = square
                    face = (z, y, x, dz, dy, dx)
    return np.sqrt(nearest), face


@njit(cache=True, nogil=True)
def _is_flat(region, own, spot, face, reach):  # type: ignore[no-untyped-def]
    """Whether the wall continues in the plane of a face, as far as `reach` around the ball's centre.

    A round wall of more than 5 voxels across has left that plane by then.
    """
    z, y, x, dz, dy, dx = face
    r = int(reach) + 1
    for u in range(-r, r + 1):
        for v in range(-r, r + 1):
            k = z + (0 if dz else u)
            j = y + (0 if dy else u if dz else v)
            i = x + (0 if dx else v)
            across = (k, j, i)
            plane = (
                spot[0] if dz == 0 else float(k),
                spot[1] if dy == 0 else float(j),
                spot[2] if dx == 0 else float(i),
            )
            if _square(across, plane) > reach * reach:
                continue
            if _is_inside(region, own, k, j, i):
                return False
            if _is_in_box(region, k + dz, j + dy, i + dx) and not _is_inside(
                region, own, k + dz, j + dy, i + dx
            ):
                return False
    return True


@njit(cache=True, nogil=True)
def _directions_across(normal, stars):  # type: ignore[no-untyped-def]
    """Write eight directions in the plane across `normal`."""
    length = np.sqrt(_square(normal, (0.0, 0.0, 0.0)))
    n0, n1, n2 = normal[0] / length, normal[1] / length, normal[2] / length
    # across the normal and the axis that it is least along
    if abs(n2) <= abs(n1) and abs(n2) <= abs(n0):
        u0, u1, u2 = n1, -n0, 0.0
    elif abs(n1) <= abs(n0):
        u0, u1, u2 = n2, 0.0, -n0
    else:
        u0, u1, u2 = 0.0, n2, -n1
    length = np.sqrt(u0 * u0 + u1 * u1 + u2 * u2)
    u0, u1, u2 = u0 / length, u1 / length, u2 / length
    v0, v1, v2 = n1 * u2 - n2 * u1, n2 * u0 - n0 * u2, n0 * u1 - n1 * u0
    for s in range(8):
        c, d = np.cos(s * np.pi / 4), np.sin(s * np.pi / 4)
        stars[s, 0], stars[s, 1], stars[s, 2] = c * u0 + d * v0, c * u1 + d * v1, c * u2 + d * v2
