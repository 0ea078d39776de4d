"""Gaussian smoothing in whole numbers.

Floating-point sums depend on their order, so the same voxel smoothed in two windows, by two BLAS
libraries or on a GPU differs in its last bit, and a threshold turns that into a different structure.
Here samples are whole numbers up to 2**10, kernel weights whole numbers that add up to about 2**14:
every partial sum stays below 2**24 and float32 holds it exactly. So rows can be added in any order, or
all at once by a matrix product, and the bytes are the same everywhere.
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

SAMPLE_MAX = 1023  # times 2**14 is just below 2**24
WEIGHT_SUM = 2**14
SAMPLE_SD = 170.0  # a unit-variance field is clipped at 6 standard deviations
WIDEST_DIRECT = 192  # voxels; longer axes are done in blocks, which then is less work
BLOCK = 96


@lru_cache(maxsize=64)
def gaussian_weights(width: float) -> NDArray[np.float32]:
    """Return the whole-number weights of a Gaussian of standard deviation `width` [voxels]."""
    if width < 0.3:  # a neighbour would weigh less than 1 %
        return np.array([WEIGHT_SUM], dtype=np.float32)
    reach = math.ceil(4 * width)
    offset = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offset / width) ** 2)
    whole = np.rint(weights * (WEIGHT_SUM / weights.sum()))
    whole = whole[np.flatnonzero(whole)[0] : np.flatnonzero(whole)[-1] + 1]
    whole[len(whole) // 2] += WEIGHT_SUM - whole.sum()  # so that a constant stays itself
    return np.asarray(whole, dtype=np.float32)


def reach(width: float) -> int:
    """Return how many voxels away the smoothing of this width looks."""
    return len(gaussian_weights(width)) // 2


def smooth_noise(
    noise: NDArray[np.float32], sd: float, width: float, wraps: tuple[bool, bool, bool]
) -> NDArray[np.float32]:
    """Return white whole-number noise smoothed to a Gaussian field of unit variance.

    Axes that do not wrap lose `reach(width)` voxels on both sides.
    """
    weights = gaussian_weights(width)
    spread = math.sqrt(float((weights.astype(np.float64) ** 2).sum()))
    later = 1 / spread  # samples have the standard deviation SAMPLE_SD, before and after
    return _smooth(noise, weights, wraps, (SAMPLE_SD / (sd * spread), later, later / SAMPLE_SD))


def smooth_samples(
    samples: NDArray[np.float32], width: float, wraps: tuple[bool, bool, bool]
) -> NDArray[np.float32]:
    """Return whole-number samples smoothed; the result is in units of the samples."""
    return _smooth(samples, gaussian_weights(width), wraps, (1 / WEIGHT_SUM,) * 3)


def to_samples(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round a field in place to the whole numbers that smoothing is exact for."""
    _scale_to_samples(field, np.float32(1))
    return field


def _smooth(
    field: NDArray[np.float32],
    weights: NDArray[np.float32],
    wraps: tuple[bool, bool, bool],
    scales: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Smooth along the three axes; scale after each, and round to samples after the first two."""
    half = weights[len(weights) // 2 :]
    for axis in range(3):
        scale = np.float32(scales[axis])
        if len(half) - 1 <= NARROW and axis < 2:
            field = _ADD_ROWS[axis](field, half, wraps[axis], scale)
            continue
        field = _by_products(field, weights, axis, wraps[axis])
        if axis < 2:
            _scale_to_samples(field, scale)
        else:
            field *= scale
    return field


NARROW = 6  # voxels; up to this reach adding rows is quicker than a matrix product, and as exact
_EXACT = {"reassoc", "contract", "nnan", "nsz"}  # whole numbers: the order of the sums does not matter


@njit(cache=True, nogil=True, fastmath=_EXACT)
def _add_layers(field, half, wrap, scale):  # type: ignore[no-untyped-def]
    """Smooth along z, scale, round to samples."""
    nz, ny, nx = field.shape
    reach = len(half) - 1
    first = 0 if wrap else reach
    out = np.empty((nz if wrap else nz - 2 * reach, ny, nx), dtype=np.float32)
    total = np.empty(nx, dtype=np.float32)
    most = np.float32(SAMPLE_MAX)
    for k in range(out.shape[0]):
        for j in range(ny):
            for i in range(nx):
                total[i] = half[0] * field[first + k, j, i]
            for step in range(1, reach + 1):
                low, high = (first + k - step) % nz, (first + k + step) % nz
                weight = half[step]
                for i in range(nx):
                    total[i] += weight * (field[low, j, i] + field[high, j, i])
            for i in range(nx):
                out[k, j, i] = min(max(np.rint(total[i] * scale), -most), most)
    return out


@njit(cache=True, nogil=True, fastmath=_EXACT)
def _add_rows(field, half, wrap, scale):  # type: ignore[no-untyped-def]
    """Smooth along y, scale, round to samples."""
    nz, ny, nx = field.shape
    reach = len(half) - 1
    first = 0 if wrap else reach
    out = np.empty((nz, ny if wrap else ny - 2 * reach, nx), dtype=np.float32)
    total = np.empty(nx, dtype=np.float32)
    most = np.float32(SAMPLE_MAX)
    for k in range(nz):
        for j in range(out.shape[1]):
            for i in range(nx):
                total[i] = half[0] * field[k, first + j, i]
            for step in range(1, reach + 1):
                low, high = (first + j - step) % ny, (first + j + step) % ny
                weight = half[step]
                for i in range(nx):
                    total[i] += weight * (field[k, low, i] + field[k, high, i])
            for i in range(nx):
                out[k, j, i] = min(max(np.rint(total[i] * scale), -most), most)
    return out


@njit(cache=True, nogil=True, fastmath=_EXACT)
def _scale_to_samples(field, scale):  # type: ignore[no-untyped-def]
    flat = field.reshape(-1)
    most = np.float32(SAMPLE_MAX)
    for i in range(len(flat)):
        flat[i] = min(max(np.rint(flat[i] * scale), -most), most)


_ADD_ROWS = (_add_layers, _add_rows)


def _by_products(
    field: NDArray[np.float32], weights: NDArray[np.float32], axis: int, wrap: bool
) -> NDArray[np.float32]:
    n = field.shape[axis]
    half = len(weights) // 2
    if wrap and n <= WIDEST_DIRECT:
        return _product(_circulant(n, weights.tobytes()), field, axis)
    if wrap:
        field = np.take(field, np.arange(-half, n + half) % n, axis=axis)
    nout = field.shape[axis] - 2 * half
    pieces = []
    for begin in range(0, nout, BLOCK):
        size = min(BLOCK, nout - begin)
        part = field[(slice(None),) * axis + (slice(begin, begin + size + 2 * half),)]
        pieces.append(_product(_band(size, weights.tobytes()), np.ascontiguousarray(part), axis))
    return np.concatenate(pieces, axis=axis)


def _product(matrix: NDArray[np.float32], field: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    nz, ny, nx = field.shape
    nout = len(matrix)
    if axis == 0:
        smoothed = (matrix @ field.reshape(nz, ny * nx)).reshape(nout, ny, nx)
    elif axis == 1:
        smoothed = np.matmul(matrix, field)
    else:
        smoothed = (field.reshape(nz * ny, nx) @ matrix.T).reshape(nz, ny, nout)
    return np.asarray(smoothed)


@lru_cache(maxsize=32)
def _circulant(n: int, weights: bytes) -> NDArray[np.float32]:
    kernel = np.frombuffer(weights, dtype=np.float32)
    row = np.zeros(n, dtype=np.float32)
    np.add.at(row, np.arange(-(len(kernel) // 2), len(kernel) // 2 + 1) % n, kernel)
    index = (np.arange(n)[None, :] - np.arange(n)[:, None]) % n
    return np.asarray(row[index])


@lru_cache(maxsize=32)
def _band(nout: int, weights: bytes) -> NDArray[np.float32]:
    kernel = np.frombuffer(weights, dtype=np.float32)
    band = np.zeros((nout, nout + len(kernel) - 1), dtype=np.float32)
    for i in range(nout):
        band[i, i : i + len(kernel)] = kernel
    return band
