"""Gaussian smoothing in whole numbers.

Floating-point sums depend on their order, so the same voxel smoothed in two windows, by two BLAS
libraries or on a GPU differs in its last bit, and a threshold turns that into a different structure.
Here samples are whole numbers up to 2**10, kernel weights whole numbers that add up to about 2**14:
every partial sum stays below 2**24 and float32 holds it exactly. So matrix products, the fastest thing
any machine does, give the same bytes everywhere.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SAMPLE_MAX = 1023  # times 2**14 is just below 2**24
WEIGHT_SUM = 2**14
SAMPLE_SD = 170.0  # a unit-variance field is clipped at 6 standard deviations
WIDEST_DIRECT = 192  # voxels; longer axes are done in blocks, which then is less work
BLOCK = 96


@lru_cache(maxsize=64)
def gaussian_weights(width: float) -> NDArray[np.float32]:
    """Return the whole-number weights of a Gaussian of standard deviation `width` [voxels]."""
    if width < 0.2:  # nothing left beside the middle
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

    `noise` is used up as working memory. Axes that do not wrap lose `reach(width)` voxels on both
    sides.
    """
    weights = gaussian_weights(width)
    spread = math.sqrt(float((weights.astype(np.float64) ** 2).sum()))
    scale = SAMPLE_SD / (sd * spread)
    later = 1 / spread  # samples have the standard deviation SAMPLE_SD, before and after
    return _smooth(noise, weights, wraps, (scale, later, later / SAMPLE_SD))


def smooth_samples(
    samples: NDArray[np.float32], width: float, wraps: tuple[bool, bool, bool]
) -> NDArray[np.float32]:
    """Return whole-number samples smoothed; the result is in units of the samples.

    `samples` is used up as working memory.
    """
    return _smooth(samples, gaussian_weights(width), wraps, (1 / WEIGHT_SUM,) * 3)


def to_samples(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Round a field in place to the whole numbers that smoothing is exact for."""
    np.rint(field, out=field)
    return np.clip(field, -SAMPLE_MAX, SAMPLE_MAX, out=field)


def _smooth(
    field: NDArray[np.float32],
    weights: NDArray[np.float32],
    wraps: tuple[bool, bool, bool],
    scales: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Smooth along the three axes, scaling after each; two arrays take turns where shapes allow."""
    spare: NDArray[np.float32] | None = None
    for axis in range(3):
        smoothed = _smooth_axis(field, weights, axis, wraps[axis], spare)
        spare, field = field, smoothed
        field *= np.float32(scales[axis])
        if axis < 2:
            to_samples(field)
    return field


def _smooth_axis(
    field: NDArray[np.float32],
    weights: NDArray[np.float32],
    axis: int,
    wrap: bool,
    spare: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    n = field.shape[axis]
    half = len(weights) // 2
    if wrap and n <= WIDEST_DIRECT:
        out = spare if spare is not None and spare.shape == field.shape else np.empty_like(field)
        return _product(_circulant(n, weights.tobytes()), field, axis, out)
    if wrap:
        field = np.take(field, np.arange(-half, n + half) % n, axis=axis)
    nout = field.shape[axis] - 2 * half
    pieces = []
    for begin in range(0, nout, BLOCK):
        size = min(BLOCK, nout - begin)
        part = field[(slice(None),) * axis + (slice(begin, begin + size + 2 * half),)]
        piece = np.empty((*part.shape[:axis], size, *part.shape[axis + 1 :]), dtype=np.float32)
        pieces.append(_product(_band(size, weights.tobytes()), np.ascontiguousarray(part), axis, piece))
    return np.concatenate(pieces, axis=axis)


def _product(
    matrix: NDArray[np.float32], field: NDArray[np.float32], axis: int, out: NDArray[np.float32]
) -> NDArray[np.float32]:
    nz, ny, nx = field.shape
    nout = len(matrix)
    if axis == 0:
        np.matmul(matrix, field.reshape(nz, ny * nx), out=out.reshape(nout, ny * nx))
    elif axis == 1:
        np.matmul(matrix, field, out=out)
    else:
        np.matmul(field.reshape(nz * ny, nx), matrix.T, out=out.reshape(nz * ny, nout))
    return out


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
