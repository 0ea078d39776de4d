"""The length of the shortest path through the pores, from one face of the box to the opposite one."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError

AXES = "zyx"
_RIM = 2  # voxels around the box, so that neighbours need no bounds checks
_FAR, _DONE = 1, 2  # states of a pore voxel; the solid's is 0
_VOXEL = np.uint64(0xFFFFFFFF)  # the half of a queue's entry that holds the voxel


def geodesic_ratio(volume: Volume, axis: int) -> float:
    """Mean shortest path through the pores from the lower to the upper face of `axis` / thickness.

    The mean is over the pore voxels of the upper face that can be reached, each with the shortest path
    to it from any point of the lower face; thickness is the distance between the faces. A path is a line
    without width: it may touch walls and squeeze through any neck, so the ratio is far below the
    diffusive tortuosity. The other direction gives a slightly other mean.

    Raises
    ------
    InputError
        If no pore leads from one face to the other.

    References
    ----------
    Sethian (1999), Level Set Methods and Fast Marching Methods, Cambridge.

    Examples
    --------
    >>> pore = np.zeros((9, 4, 4), dtype=bool); pore[:, 1, 1] = True
    >>> geodesic_ratio(Volume(pore, voxel_size=1e-6), axis=0)
    1.0
    """
    if axis not in (0, 1, 2):
        raise SettingsError(f"axis must be 0 (z), 1 (y) or 2 (x), got {axis!r}")
    last = geodesic_distance(np.moveaxis(volume.pore, axis, 0))[-1]
    reached = last[np.isfinite(last)]
    if not reached.size:
        raise InputError(
            f"there is no path along {AXES[axis]}: no pore of {volume.shape} leads from one face to the "
            f"other (porosity {volume.porosity:.3g}); measure another axis or a larger volume"
        )
    half_voxel = 0.5  # from the centre of the last voxel to the face
    return float((reached.mean(dtype=np.float64) + half_voxel) / volume.shape[axis])


def geodesic_distance(pore: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Shortest path through the pores from the lower z face to each voxel's centre [voxels].

    Infinite in the solid and where no path leads.
    """
    nz, ny, nx = (n + 2 * _RIM for n in pore.shape)
    if nz * ny * nx > _VOXEL:
        raise InputError(f"paths are sought in up to 1600³ voxels, got {pore.shape}; measure a part of it")
    way = np.full((nz, ny, nx), np.inf, np.float32)
    open_ = np.zeros(way.shape, np.uint8)
    inside = (slice(_RIM, -_RIM),) * 3
    open_[inside] = pore
    _march(way.reshape(-1), open_.reshape(-1), ny * nx, nx)
    return way[inside]


@njit(cache=True, nogil=True)
def _march(way, state, sz, sy):  # type: ignore[no-untyped-def]
    """Advance a front from the lower face into the pores, always from the voxel that it reaches first.

    The queue is a heap of numbers whose upper half is the length and whose lower half is the voxel: positive
    floats are ordered like their bits. A voxel with a new, shorter path is queued again, and skipped
    when it comes up for the second time.
    """
    bits = way.view(np.uint32)
    heap = np.empty(1 << 16, np.uint64)
    n = 0
    for first in range(_RIM * sz, (_RIM + 1) * sz):
        if state[first] == _FAR:
            way[first] = 0.5  # from the face to the first centre
            if n == heap.size:
                heap = _twice(heap)
            _rise(heap, n, _entry(bits[first], first))
            n += 1
    while n > 0:
        here = np.int64(heap[0] & _VOXEL)
        n -= 1
        _sink(heap, n, heap[n])
        if state[here] == _DONE:
            continue
        state[here] = _DONE
        for step in (-sz, -sy, -1, 1, sy, sz):
            there = here + step
            if state[there] != _FAR:
                continue
            found = np.float32(_arrival(way, state, there, sz, sy))
            if found < way[there]:
                way[there] = found
                if n == heap.size:
                    heap = _twice(heap)
                _rise(heap, n, _entry(bits[there], there))
                n += 1


@njit(cache=True, nogil=True)
def _entry(bits, voxel):  # type: ignore[no-untyped-def]
    return (np.uint64(bits) << np.uint64(32)) | np.uint64(voxel)


@njit(cache=True, nogil=True)
def _twice(old):  # type: ignore[no-untyped-def]
    new = np.empty(2 * old.size, old.dtype)
    new[: old.size] = old
    return new


@njit(cache=True, nogil=True)
def _rise(heap, at, entry):  # type: ignore[no-untyped-def]
    """Insert an entry at the bottom and let it rise; four children each make a flatter, faster heap."""
    while at > 0:
        parent = (at - 1) >> 2
        if heap[parent] <= entry:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = entry


@njit(cache=True, nogil=True)
def _sink(heap, n, entry):  # type: ignore[no-untyped-def]
    """Put an entry in at the top of a heap of n and let it sink."""
    at = 0
    while True:
        first = 4 * at + 1
        if first >= n:
            break
        least = first
        for child in range(first + 1, min(first + 4, n)):
            if heap[child] < heap[least]:
                least = child
        if entry <= heap[least]:
            break
        heap[at] = heap[least]
        at = least
    heap[at] = entry


@njit(cache=True, nogil=True, error_model="numpy")
def _arrival(way, state, at, sz, sy):  # type: ignore[no-untyped-def]
    """Shortest path to a voxel, from those of its neighbours that are final: |gradient| = 1, upwind.

    Second order where the next voxel but one is final too. Axes join in the order in which they can
    help; with one axis alone the answer is one step more, exactly.
    """
    # each axis: weight * (answer - base)²; unused ones never help
    b0 = b1 = b2 = np.inf
    w0 = w1 = w2 = 1.0
    nearest = np.inf
    for axis in range(3):
        step = sz if axis == 0 else (sy if axis == 1 else 1)
        low = way[at - step] if state[at - step] == _DONE else np.float32(np.inf)
        high = way[at + step] if state[at + step] == _DONE else np.float32(np.inf)
        if high < low:
            low = high
        else:
            step = -step
        base = np.float64(low)
        if base == np.inf:
            continue
        nearest = min(nearest, base)
        weight = 1.0
        if state[at + 2 * step] == _DONE and way[at + 2 * step] <= low:
            base = (4 * base - way[at + 2 * step]) / 3
            weight = 2.25
        if base < b0:
            b0, w0, b1, w1, b2, w2 = base, weight, b0, w0, b1, w1
        elif base < b1:
            b1, w1, b2, w2 = base, weight, b1, w1
        else:
            b2, w2 = base, weight
    best = nearest + 1
    a, b, c = w0, w0 * b0, w0 * b0 * b0 - 1
    answer = b0 + 1 / w0**0.5
    for more, weight in ((b1, w1), (b2, w2)):
        if more >= answer:
            break
        a, b, c = a + weight, b + weight * more, c + weight * more * more
        inside = b * b - a * c
        if inside < 0:
            break
        answer = (b + inside**0.5) / a
    return min(best, answer)
