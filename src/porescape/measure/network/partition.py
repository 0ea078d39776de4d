"""The SNOW partition of the pore space into pores.

The distance to the solid has its peaks in the pore bodies and its passes in the constrictions between
them. SNOW keeps the peaks that represent bodies and floods the pore space downwards from them.
"""

from dataclasses import dataclass

import edt
import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from porescape.errors import InputError, SettingsError

_SOLID = 2.0  # height of solid beside a peak [voxels], as in PoreSpy: no peaks within 2 voxels of a wall


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The pore space, divided into regions.

    Attributes
    ----------
    region : ndarray of int32, shape (nz, ny, nx)
        0 in the solid, 1 to n in the regions; also 0 in closed pores too small to have a peak.
    distance : ndarray of float32, shape (nz, ny, nx)
        From the centre of each pore voxel to that of the nearest solid voxel [voxels]; 0 in the solid.
        The border of the box is not a wall.
    """

    region: NDArray[np.int32]
    distance: NDArray[np.float32]


def snow_partition(pore: NDArray[np.bool_], r_max: int = 4, sigma: float = 0.4) -> Partition:
    """Split the pore space at its constrictions.

    The distance to the solid is smoothed, its highest voxels within balls of `r_max` are taken for peaks,
    peaks that are only saddles or ridges of the unsmoothed distance are dropped, and of two peaks that
    are nearer to each other than to the solid the lower one. Each remaining peak floods downwards; voxels
    that two floods reach at the same level go to the one that was sooner there. Floods step across faces
    of voxels, so every region is connected.

    `r_max` and `sigma` decide how many pores there are: compare only networks of equal settings and
    voxel size. Nothing narrower than about 2 voxels in radius has a peak: such a passage joins the regions
    at its ends, and a closed pore of this size is left out.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        True in the pore space.
    r_max : int
        Radius within which there is only one peak [voxels].
    sigma : float
        Standard deviation of the smoothing [voxels]; 0 for none.

    Raises
    ------
    InputError
        There is no pore, no solid, or no pore large enough for a peak.
    SettingsError
        `r_max` is below 1 or `sigma` negative.

    Peaks and regions are those of PoreSpy 3 voxel by voxel, with two exceptions: peaks on plateaus of more
    than 20 voxels, as in slits and straight channels, are kept, and regions do not reach across solid to
    the closed specks.

    References
    ----------
    Gostick (2017), Physical Review E 96, 023307.
    """
    if r_max < 1 or int(r_max) != r_max:
        raise SettingsError(f"r_max must be a whole number of voxels, at least 1, got {r_max}; 4 is usual")
    if not 0 <= sigma < np.inf:
        raise SettingsError(f"sigma must be a length in voxels, 0 or more, got {sigma}; 0.4 is usual")
    if not pore.any() or pore.all():
        found, wanted = ("pore", "walls") if pore.flat[0] else ("solid", "pores")
        raise InputError(
            f"a pore network needs {wanted}, but every voxel of {pore.shape} is {found}; "
            "measure a larger volume, or check which phase is the pore"
        )
    if pore.size >= 2**31 - 1:
        raise InputError(f"a pore network of {pore.shape} voxels is too large; cut it into smaller blocks")
    distance = edt.edt(pore.astype(np.uint8, order="C"), black_border=False, parallel=1)
    height = gaussian_filter(distance, sigma) if sigma > 0 else distance.copy()
    height[~pore] = _SOLID
    peaks = _find_peaks(height, distance, _ball(int(r_max)))
    level = np.pad(np.square(distance) + np.float32(0.5), 1).astype(np.int32)  # whole numbers; rim is solid
    nz, ny, nx = level.shape
    z, y, x = np.unravel_index(peaks, distance.shape)
    seeds, piece = _drop_saddles(level.ravel(), ny * nx, nx, ((z + 1) * ny + y + 1) * nx + x + 1)
    seeds, label = _drop_near(level.ravel(), (nz, ny, nx), seeds, piece)
    if not seeds.size:
        raise InputError(
            f"no pore of {pore.shape} is wide enough to hold a peak: the largest is "
            f"{2 * float(distance.max()) - 1:.1f} voxels wide, wanted about 4; use smaller voxels"
        )
    flooded = _flood(level.ravel(), ny * nx, nx, seeds, label)
    region = np.ascontiguousarray(flooded.reshape(level.shape)[1:-1, 1:-1, 1:-1])
    return Partition(region, distance)


def _ball(radius: int) -> NDArray[np.int64]:
    """Offsets nearer than `radius`, nearest first: those are the likeliest to be higher."""
    offsets = np.indices((2 * radius + 1,) * 3).reshape(3, -1).T - radius
    square = (offsets**2).sum(axis=1)
    inside = (square > 0) & (square < radius**2)
    if radius == 1:  # such a ball is its centre only, and every voxel a peak: take the neighbours
        inside = square == 1
    offsets, square = offsets[inside], square[inside]
    ball: NDArray[np.int64] = offsets[np.argsort(square, kind="stable")]
    return ball


@njit(cache=True, nogil=True)
def _find_peaks(height, distance, ball):  # type: ignore[no-untyped-def]
    """Return the flat indices of the pore voxels with nothing higher in the ball around them."""
    nz, ny, nx = height.shape
    found = []
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                if distance[z, y, x] == 0:
                    continue
                here = height[z, y, x]
                highest = True
                for n in range(len(ball)):
                    k, j, i = z + ball[n, 0], y + ball[n, 1], x + ball[n, 2]
                    if 0 <= k < nz and 0 <= j < ny and 0 <= i < nx and height[k, j, i] > here:
                        highest = False
                        break
                if highest:
                    found.append((z * ny + y) * nx + x)
    return np.array(found, dtype=np.int64) if found else np.empty(0, np.int64)


@njit(cache=True, nogil=True)
def _drop_saddles(level, step_z, step_y, peaks):  # type: ignore[no-untyped-def]
    """Keep the peaks that are peaks of the unsmoothed distance too.

    Each group of face-connected peaks climbs to the highest voxels among itself and all that touch it.
    From there it spreads over the plateau they lie on. It stays a peak if it held some of these highest
    voxels and the plateau touches nothing higher.

    Returns the voxels kept, in order, and the number of the piece each belongs to; voxels of one piece
    touch, at least at a corner.
    """
    mark = np.zeros(level.size, np.int8)  # 1 peak, 2 grouped, 3 kept
    mark[peaks] = 1
    seen = np.zeros(level.size, np.int32)
    time = 0
    for first in peaks:
        if mark[first] != 1:
            continue
        group = [first]
        mark[first] = 2
        at = 0
        while at < len(group):
            for step in (-step_z, -step_y, -1, 1, step_y, step_z):
                there = group[at] + step
                if mark[there] == 1:
                    mark[there] = 2
                    group.append(there)
            at += 1
        time += 1
        top = 0
        for here in group:
            for dz in (-step_z, 0, step_z):
                for dy in (-step_y, 0, step_y):
                    for dx in (-1, 0, 1):
                        top = max(top, level[here + dz + dy + dx])
        plateau = []
        stays = False
        for here in group:
            stays |= level[here] == top
            for dz in (-step_z, 0, step_z):
                for dy in (-step_y, 0, step_y):
                    for dx in (-1, 0, 1):
                        there = here + dz + dy + dx
                        if level[there] == top and seen[there] != time:
                            seen[there] = time
                            plateau.append(there)
        at = 0
        while stays and at < len(plateau):
            for dz in (-step_z, 0, step_z):
                for dy in (-step_y, 0, step_y):
                    for dx in (-1, 0, 1):
                        there = plateau[at] + dz + dy + dx
                        stays &= level[there] <= top
                        if level[there] == top and seen[there] != time:
                            seen[there] = time
                            plateau.append(there)
            at += 1
        if stays:
            for here in plateau:
                if mark[here] != 0:  # it may have grown beyond its peaks, and over others
                    mark[here] = 3
    kept = np.empty(len(peaks), np.int64)
    piece = np.empty(len(peaks), np.int64)
    n = 0
    for here in peaks:
        if mark[here] == 3:
            kept[n] = here
            n += 1
    number = 0
    place = seen  # of a voxel in `kept`; read only where mark is 3 or 4
    for p in range(n):
        place[kept[p]] = p
    for p in range(n):
        if mark[kept[p]] != 3:
            continue
        mark[kept[p]] = 4
        group = [kept[p]]
        at = 0
        while at < len(group):
            piece[place[group[at]]] = number
            for dz in (-step_z, 0, step_z):
                for dy in (-step_y, 0, step_y):
                    for dx in (-1, 0, 1):
                        there = group[at] + dz + dy + dx
                        if mark[there] == 3:
                            mark[there] = 4
                            group.append(there)
            at += 1
        number += 1
    return kept[:n], piece[:n]


def _drop_near(
    level: NDArray[np.int32], shape: tuple[int, ...], seeds: NDArray[np.int64], piece: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Of two pieces nearer to each other than to the solid, drop the one that is nearer to the solid.

    All at once, each piece against its nearest other. Returns the voxels kept and their labels, from 1.
    """
    if not seeds.size:
        return seeds, piece.astype(np.int32)
    voxels = np.bincount(piece)
    where = np.array(np.unravel_index(seeds, shape))
    middle = np.array([np.bincount(piece, along) for along in where]) / voxels
    spot = middle.astype(np.int64)
    depth = np.sqrt(level[np.ravel_multi_index(tuple(spot), shape)].astype(np.float32)).astype(np.float64)
    depth += 1e-6 * np.arange(depth.size)  # so that no two are equally deep
    keep = np.ones(depth.size, dtype=bool)
    if depth.size > 1:
        apart, other = KDTree(spot.T).query(spot.T, k=2)
        own = np.arange(depth.size)
        other = np.where(other[:, 1] == own, other[:, 0], other[:, 1])  # two middles may coincide
        near = np.flatnonzero(apart[:, 1] <= depth)
        keep[np.where(depth[near] < depth[other[near]], near, other[near])] = False
    label = np.cumsum(keep).astype(np.int32)
    kept = keep[piece]
    return seeds[kept], label[piece[kept]]


@njit(cache=True, nogil=True)
def _flood(level, step_z, step_y, seeds, label):  # type: ignore[no-untyped-def]
    """Flood the pore space from the seeds, highest level first; within a level first come, first served.

    Levels are whole numbers, so the queue is a chain of voxels per level; each voxel enters it once.
    """
    region = np.zeros(level.size, np.int32)
    after = np.empty(level.size, np.int32)
    top = 0
    for seed in seeds:
        top = max(top, level[seed])
    head = np.full(top + 1, -1, np.int32)
    tail = np.full(top + 1, -1, np.int32)
    for n in range(len(seeds)):
        here = seeds[n]
        region[here] = label[n]
        at = level[here]
        after[here] = -1
        if tail[at] >= 0:
            after[tail[at]] = here
        else:
            head[at] = here
        tail[at] = here
    for now in range(top, 0, -1):
        here = head[now]
        while here >= 0:
            for step in (-step_z, -step_y, -1, 1, step_y, step_z):
                there = here + step
                if level[there] == 0 or region[there] != 0:
                    continue
                region[there] = region[here]
                at = min(level[there], now)
                after[there] = -1
                if tail[at] >= 0:
                    after[tail[at]] = there
                else:
                    head[at] = there
                tail[at] = there
            here = after[here]
    return region
