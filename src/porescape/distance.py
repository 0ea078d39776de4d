"""Distance transforms for the generator: exact, capped, optionally periodic.

Squared distances are whole numbers, so the result depends neither on the order of the sums nor on
the window in which it is computed. Kernels are compiled on first use and cached on disk.

For the distance transform of a finished volume use the `edt` package.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

SMALL_CAP = 127  # 2 * 127**2 still fits int16, which halves the memory and doubles the lanes


def signed_squared_distance(
    phase: NDArray[np.bool_], cap: int, wraps: tuple[bool, bool, bool]
) -> NDArray[Any]:
    """Return the squared distance of each voxel to the other phase, positive where `phase` is True.

    Parameters
    ----------
    phase : ndarray of bool, shape (nz, ny, nx)
    cap : int
        Distances are cut off here [voxels]; this makes the result local.
    wraps : tuple of bool
        Axes along which space repeats. Along the others the outermost `cap` voxels are only
        context and are not returned.

    Returns
    -------
    ndarray of int16 or int32, shape (nz, ny, nx) less 2*cap along axes that do not wrap
        Whole squared distances between voxel centres [voxel²], between 1 and cap² in size.
    """
    kind = np.int16 if cap <= SMALL_CAP else np.int32
    z, y, x = wraps
    along_z = _pass_z(phase, np.int64(cap), z, kind(0))
    along_y = _pass_y(along_z, np.int64(cap), y)
    return _pass_x(along_y, np.int64(cap), x)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def _pass_z(phase, cap, wrap, zero):  # type: ignore[no-untyped-def]
    """First pass: signed squared distance along z to the other phase, by two sweeps."""
    nz, ny, nx = phase.shape
    first = 0 if wrap else cap
    out = np.empty((nz if wrap else nz - 2 * cap, ny, nx), dtype=np.asarray(zero).dtype)
    nout = out.shape[0]
    run = np.empty((ny, nx), dtype=out.dtype)
    limit = run.dtype.type(cap)
    one = run.dtype.type(1)
    run[:] = limit
    for step in range(-cap + 1, nout):  # starts with the layers before the first one
        here = (first + step) % nz
        before = (here - 1) % nz
        for j in range(ny):
            for i in range(nx):
                grown = min(run.dtype.type(run[j, i] + one), limit)
                run[j, i] = grown if phase[here, j, i] == phase[before, j, i] else one
        if step >= 0:
            out[step] = run
    run[:] = limit
    for step in range(nout - 1 + cap - 1, -1, -1):
        here = (first + step) % nz
        after = (here + 1) % nz
        for j in range(ny):
            for i in range(nx):
                grown = min(run.dtype.type(run[j, i] + one), limit)
                run[j, i] = grown if phase[here, j, i] == phase[after, j, i] else one
        if step < nout:
            for j in range(ny):
                for i in range(nx):
                    near = min(out[step, j, i], run[j, i])
                    square = run.dtype.type(near * near)
                    out[step, j, i] = square if phase[here, j, i] else -square
    return out


@njit(cache=True, nogil=True)
def _pass_y(signed, cap, wrap):  # type: ignore[no-untyped-def]
    """Second pass: a voxel `step` rows away gives its own value plus step², or step² in the other phase."""
    nz, ny, nx = signed.shape
    first = 0 if wrap else cap
    nout = ny if wrap else ny - 2 * cap
    out = np.empty((nz, nout, nx), dtype=signed.dtype)
    best = np.empty(nx, dtype=signed.dtype)
    zero = best.dtype.type(0)
    for k in range(nz):
        for j in range(nout):
            here = first + j
            largest = zero
            for i in range(nx):
                now = abs(signed[k, here, i])
                best[i] = now
                largest = now if now > largest else largest
            step = 1
            while step * step < largest:
                low, high = (here - step) % ny, (here + step) % ny
                square = best.dtype.type(step * step)
                largest = zero
                for i in range(nx):
                    one, two = signed[k, low, i], signed[k, high, i]
                    one = one if signed[k, here, i] > 0 else -one
                    two = two if signed[k, here, i] > 0 else -two
                    less = one if one < two else two
                    less = less if less > zero else zero
                    offered = best.dtype.type(less + square)
                    now = best[i]
                    now = offered if offered < now else now
                    best[i] = now
                    largest = now if now > largest else largest
                step += 1
            for i in range(nx):
                out[k, j, i] = best[i] if signed[k, here, i] > 0 else -best[i]
    return out


@njit(cache=True, nogil=True)
def _pass_x(signed, cap, wrap):  # type: ignore[no-untyped-def]
    """Third pass: as the second, within a row that is copied with its context."""
    nz, ny, nx = signed.shape
    nout = nx if wrap else nx - 2 * cap
    out = np.empty((nz, ny, nout), dtype=signed.dtype)
    best = np.empty(nout, dtype=signed.dtype)
    row = np.empty(nout + 2 * cap, dtype=signed.dtype)
    around = np.empty(nout + 2 * cap, dtype=np.int64)
    for i in range(nout + 2 * cap):
        around[i] = (i - cap) % nx if wrap else i
    zero = best.dtype.type(0)
    # unsigned, because numba wraps negative indices around, and the test for them costs wide registers
    middle = np.uint64(cap)
    for k in range(nz):
        for j in range(ny):
            for i in range(nout + 2 * cap):
                row[i] = signed[k, j, around[i]]
            largest = zero
            for i in range(nout):
                now = abs(row[np.uint64(i) + middle])
                best[i] = now
                largest = now if now > largest else largest
            step = 1
            while step * step < largest:
                square = best.dtype.type(step * step)
                largest = zero
                low, high = np.uint64(cap - step), np.uint64(cap + step)
                for i in range(nout):
                    one, two = row[np.uint64(i) + low], row[np.uint64(i) + high]
                    one = one if row[np.uint64(i) + middle] > 0 else -one
                    two = two if row[np.uint64(i) + middle] > 0 else -two
                    less = one if one < two else two
                    less = less if less > zero else zero
                    offered = best.dtype.type(less + square)
                    now = best[i]
                    now = offered if offered < now else now
                    best[i] = now
                    largest = now if now > largest else largest
                step += 1
            for i in range(nout):
                out[k, j, i] = best[i] if row[np.uint64(i) + middle] > 0 else -best[i]
    return out


FEW = 28  # candidates; with this few a cube of 8 voxels is filled without further division
# every square is an exact number, so the compiler may reorder sums and join products to them
EXACT = {"reassoc", "contract", "nnan", "ninf", "nsz"}


@njit(cache=True, nogil=True)
def distance_to_points(points, start, shape, cap, mean, scale):  # type: ignore[no-untyped-def]
    """Return the distance of each voxel centre of a window to the nearest point.

    Nested cubes pass on only the few points that can be nearest to any of their voxels.

    Parameters
    ----------
    points : ndarray of float32, shape (3, n)
        Positions z, y, x [voxels]. Multiples of 1/8 keep every squared distance exact.
    start, shape : ndarray of int64, shape (3,)
        The window.
    cap : float
        Distances are cut off here [voxels].
    mean, scale : float32
        The result is (distance - mean) * scale: computed here it needs no further access to memory.

    Returns
    -------
    ndarray of float32, shape `shape`
    """
    out = np.empty((shape[0], shape[1], shape[2]), dtype=np.float32)
    total = points.shape[1]
    kept = np.empty((4, 3, total + 1), dtype=np.float32)
    bound = np.empty(total, dtype=np.float32)
    best = np.empty(512, dtype=np.float32)
    of_8, of_4 = np.empty((4, 512), dtype=np.float32), np.empty((4, 64), dtype=np.float32)
    _number_voxels(of_8, 8)
    _number_voxels(of_4, 4)
    top = np.float32(cap)
    for z in range(0, shape[0], 32):
        for y in range(0, shape[1], 32):
            for x in range(0, shape[2], 32):
                n32 = _candidates(points, total, start, z, y, x, 32, top, bound, kept[0])
                for a in range(8):  # the eight parts of a cube, and so on (no recursion: it
                    z16, y16, x16 = z + 16 * (a >> 2), y + 16 * (a >> 1 & 1), x + 16 * (a & 1)
                    if z16 >= shape[0] or y16 >= shape[1] or x16 >= shape[2]:
                        continue  # crashes when numba loads it from its cache)
                    n16 = _candidates(kept[0], n32, start, z16, y16, x16, 16, top, bound, kept[1])
                    for b in range(8):
                        z8, y8, x8 = z16 + 8 * (b >> 2), y16 + 8 * (b >> 1 & 1), x16 + 8 * (b & 1)
                        if z8 >= shape[0] or y8 >= shape[1] or x8 >= shape[2]:
                            continue
                        n8 = _candidates(kept[1], n16, start, z8, y8, x8, 8, top, bound, kept[2])
                        if n8 <= FEW:
                            _fill(kept[2], n8, start, z8, y8, x8, 8, of_8, top, best)
                            _write(best, z8, y8, x8, 8, mean, scale, out)
                            continue
                        for c in range(8):
                            z4, y4, x4 = z8 + 4 * (c >> 2), y8 + 4 * (c >> 1 & 1), x8 + 4 * (c & 1)
                            if z4 >= shape[0] or y4 >= shape[1] or x4 >= shape[2]:
                                continue
                            n4 = _candidates(kept[2], n8, start, z4, y4, x4, 4, top, bound, kept[3])
                            _fill(kept[3], n4, start, z4, y4, x4, 4, of_4, top, best)
                            _write(best, z4, y4, x4, 4, mean, scale, out)
    return out


@njit(cache=True, nogil=True)
def _number_voxels(into, edge):  # type: ignore[no-untyped-def]
    """Write z, y, x and z² + y² + x² of the voxels of a cube, in the order of memory."""
    for t in range(edge**3):
        z, y, x = t // edge**2, t // edge % edge, t % edge
        into[0, t], into[1, t], into[2, t], into[3, t] = z, y, x, z * z + y * y + x * x


@njit(cache=True, nogil=True, fastmath=EXACT)
def _fill(points, n, start, z, y, x, edge, voxels, cap, best):  # type: ignore[no-untyped-def]
    """Write the squared distances of one cube's voxels to the nearest of its candidate points.

    All voxels of the cube are one long loop over contiguous numbers, which is what fills wide registers.
    """
    size = np.uint64(edge**3)
    best[: edge**3] = cap * cap
    for p in range(n):
        dz = np.float32(start[0] + z) - points[0, p]
        dy = np.float32(start[1] + y) - points[1, p]
        dx = np.float32(start[2] + x) - points[2, p]
        corner = dz * dz + dy * dy + dx * dx  # |d + voxel|² = |d|² + 2 d.voxel + |voxel|²
        dz, dy, dx = dz + dz, dy + dy, dx + dx
        for t in range(size):
            square = corner + dz * voxels[0, t] + dy * voxels[1, t] + dx * voxels[2, t] + voxels[3, t]
            now = best[t]
            best[t] = square if square < now else now


@njit(cache=True, nogil=True)
def _write(best, z, y, x, edge, mean, scale, out):  # type: ignore[no-untyped-def]
    for t in range(np.uint64(edge**3)):
        best[t] = (np.sqrt(best[t]) - mean) * scale
    across = np.uint64(min(edge, out.shape[2] - x))
    into = np.uint64(x)
    for k in range(min(edge, out.shape[0] - z)):
        for j in range(min(edge, out.shape[1] - y)):
            row = np.uint64((k * edge + j) * edge)
            for i in range(across):
                out[z + k, y + j, into + i] = best[row + i]


@njit(cache=True, nogil=True, fastmath=EXACT)
def _candidates(points, n, start, z, y, x, edge, cap, bound, kept):  # type: ignore[no-untyped-def]
    """Copy to `kept` the points that can be nearest to some voxel of a cube; return how many.

    Every voxel is at most as far from its nearest point as the smallest, over the points, of the
    largest distance to the cube; points whose smallest distance is larger than that are never nearest.
    """
    half = np.float32(0.5 * (edge - 1))
    cz = np.float32(start[0] + z) + half
    cy = np.float32(start[1] + y) + half
    cx = np.float32(start[2] + x) + half
    zero = np.float32(0)
    nearest = np.int32(cap * cap)  # of the far corners; whole, as numba widens no minimum of floats
    for p in range(np.uint64(n)):
        dz = abs(points[0, p] - cz)
        dy = abs(points[1, p] - cy)
        dx = abs(points[2, p] - cx)
        far = np.int32((dz + half) * (dz + half) + (dy + half) * (dy + half) + (dx + half) * (dx + half))
        nearest = far if far < nearest else nearest
        dz, dy, dx = dz - half, dy - half, dx - half
        dz = dz if dz > zero else zero
        dy = dy if dy > zero else zero
        dx = dx if dx > zero else zero
        bound[p] = dz * dz + dy * dy + dx * dx
    limit = np.float32(nearest) + np.float32(1)
    count = np.uint64(0)
    for p in range(np.uint64(n)):  # every point is copied and most are overwritten: no branch to predict
        kept[0, count] = points[0, p]
        kept[1, count] = points[1, p]
        kept[2, count] = points[2, p]
        count += np.uint64(bound[p] <= limit)
    return np.int64(count)


def signed_squared_distance_2d(phase: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the squared distance of each pixel of a section to the other phase, positive where True.

    Exact and uncapped; the region beyond the border is unknown and counts as no wall. A section of
    one phase gives +-(ny + nx)², larger than any distance in it.

    Parameters
    ----------
    phase : ndarray of bool, shape (ny, nx)

    Returns
    -------
    ndarray of int32, shape (ny, nx)
        Whole squared distances between pixel centres [pixel²].
    """
    out = np.empty(phase.shape, dtype=np.int32)
    fill_signed_squared_distance_2d(np.ascontiguousarray(phase), out)
    return out


@njit(cache=True, nogil=True)
def fill_signed_squared_distance_2d(phase, out):  # type: ignore[no-untyped-def]
    """Write the signed squared distances of a section to `out`; for other compiled functions.

    Compiled functions that are called from Python and from compiled code must not return arrays: loaded
    from numba's cache as a callee, they can no longer return one to Python.
    """
    ny, nx = phase.shape
    far = np.int32(ny + nx)
    one = np.int32(1)
    run = np.full(nx, far, dtype=np.int32)
    for j in range(ny):
        for i in range(nx):
            grown = min(np.int32(run[i] + one), far)
            run[i] = one if j > 0 and phase[j, i] != phase[j - 1, i] else grown
            out[j, i] = run[i]
    run[:] = far
    for j in range(ny - 1, -1, -1):
        for i in range(nx):
            grown = min(np.int32(run[i] + one), far)
            run[i] = one if j < ny - 1 and phase[j, i] != phase[j + 1, i] else grown
            near = min(run[i], out[j, i])
            square = np.int32(near * near)
            out[j, i] = square if phase[j, i] else -square
    # along x each phase by itself: its own squares, 0 in the other phase, nothing near beyond the border
    pore = np.full(3 * nx, far * far, dtype=np.int32)
    solid = pore.copy()
    best = np.empty((2, nx), dtype=np.int32)
    middle = np.uint64(nx)
    for j in range(ny):
        largest = np.int32(0)
        for i in range(np.uint64(nx)):
            here = out[j, i]
            pore[middle + i] = best[0, i] = max(here, np.int32(0))
            solid[middle + i] = best[1, i] = max(-here, np.int32(0))
            largest = max(largest, abs(here))
        step = 1
        while step * step < largest and step < nx:
            low, high = np.uint64(nx - step), np.uint64(nx + step)
            square = np.int32(step * step)
            largest = np.int32(0)
            for i in range(np.uint64(nx)):
                one = np.int32(min(pore[low + i], pore[high + i]) + square)
                two = np.int32(min(solid[low + i], solid[high + i]) + square)
                best[0, i] = min(best[0, i], one)
                best[1, i] = min(best[1, i], two)
                largest = max(largest, max(best[0, i], best[1, i]))
            step += 1
        for i in range(np.uint64(nx)):
            out[j, i] = best[0, i] - best[1, i]
