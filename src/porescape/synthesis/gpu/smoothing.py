"""Gaussian smoothing in whole numbers, with the weights, strides and roundings of `synthesis.smoothing`.

All passes are matrix products. Their sums are of whole numbers and stay below 2**24, so they are exact in
float32 in any order of addition, with or without fused multiply-add. TF32 is not exact, because it cuts the
weights to 11 bits; CuPy uses it only with CUPY_TF32=1, and `card` refuses it.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from porescape.core.domain import Domain, Window
from porescape.synthesis.gpu.arrays import Array, Space, slabs
from porescape.synthesis.smoothing import (
    BLOCK,
    SAMPLE_MAX,
    SAMPLE_SD,
    WEIGHT_SUM,
    WIDEST_DIRECT,
    coarse_voxels,
    context,
    reach_of,
    smoothing_matrix,
    stage_spreads,
    stride,
)

OF_SAMPLES = (1 / WEIGHT_SUM,) * 6  # after each pass a constant is unchanged


def of_noise(sd: float, width: float, domain: Domain) -> tuple[float, ...]:
    """Return the scales of the passes that keep white noise of standard deviation `sd` at SAMPLE_SD."""
    first, second = stage_spreads(width, stride(width, domain))
    return (SAMPLE_SD / (sd * first), 1 / first, 1 / first, *(first / second,) * 3)


def rounded(xp: Space, field: Array, scale: float) -> Array:
    """Return a field scaled and rounded to whole-number samples, still float32."""
    return xp.clip(xp.rint(field * np.float32(scale)), -SAMPLE_MAX, SAMPLE_MAX)


def smoothed_slabs(
    xp: Space,
    samples: Array,
    width: float,
    domain: Domain,
    window: Window,
    scales: tuple[float, ...],
    unit: float,
    slab: int,
) -> Iterator[tuple[slice, Array]]:
    """Smooth whole-number samples, and yield the result some layers at a time.

    Parameters
    ----------
    samples : array of int16
        In `context(width, domain, window)`.
    width : float
        Standard deviation of the Gaussian [voxels].
    window : Window
        The window of the result.
    scales, unit
        As in `synthesis.smoothing`: of each pass, and of the result.
    slab : int
        Voxels worked on at a time.

    Yields
    ------
    layers : slice
        Layers of the window.
    field : array of float32
    """
    step = stride(width, domain)
    nz, ny, nx = samples.shape
    wraps = domain.wraps(window)
    fine = [range(start, start + n) for start, n in zip(*window, strict=True)]
    begin = context(width, domain, window).start
    if step == 1:
        along = [
            _pass(xp, axis, samples.shape[axis], begin[axis], fine[axis], width, 1, wraps[axis])
            for axis in range(3)
        ]
        held = xp.empty((len(fine[0]), ny, nx), dtype=np.int16)
        for rows in slabs(ny, max(nz, len(fine[0])) * nx, slab):
            held[:, rows] = rounded(xp, along[0](_floats(samples[:, rows])), scales[0])
        del samples
        for layers in slabs(len(fine[0]), ny * nx, slab):
            field = rounded(xp, along[1](_floats(held[layers])), scales[1])
            yield layers, along[2](field) * np.float32(scales[2] * unit)
        return

    part = width / math.sqrt(2)
    coarse = [
        coarse_voxels(step, voxels, reach_of(part), wrap) for voxels, wrap in zip(fine, wraps, strict=True)
    ]
    there = [
        _pass(xp, axis, samples.shape[axis], begin[axis], coarse[axis], part, 1, wraps[axis])
        for axis in range(3)
    ]
    back = [
        _pass(xp, axis, len(coarse[axis]), coarse[axis].start // step, fine[axis], part, step, wraps[axis])
        for axis in range(3)
    ]
    thin = xp.empty((nz, len(coarse[1]), nx), dtype=np.int16)
    for layers in slabs(nz, ny * nx, slab):
        thin[layers] = rounded(xp, there[1](_floats(samples[layers])), scales[0])
    del samples
    spread = xp.empty((len(fine[0]), len(coarse[1]), len(fine[2])), dtype=np.int16)
    for rows in slabs(len(coarse[1]), max(nz, len(fine[0])) * nx, slab):
        field = rounded(xp, there[0](_floats(thin[:, rows])), scales[1])
        field = rounded(xp, there[2](field), scales[2])
        field = rounded(xp, back[2](field), scales[3])
        spread[:, rows] = rounded(xp, back[0](field), scales[4])
    del thin
    for layers in slabs(len(fine[0]), len(fine[1]) * len(fine[2]), slab):
        yield layers, back[1](_floats(spread[layers])) * np.float32(scales[5] * unit)


def _floats(samples: Array) -> Array:
    return samples.astype(np.float32)


def _pass(
    xp: Space, axis: int, n: int, first: int, targets: range, width: float, step: int, wrap: bool
) -> Callable[[Array], Array]:
    """Return a function that smooths along one axis, from n samples `step` voxels apart from `first` on."""
    if wrap and n <= WIDEST_DIRECT:
        whole = xp.asarray(smoothing_matrix(targets, width, step, 0, n))
        return lambda field: _product(whole, field, axis)
    reach = reach_of(width)
    blocks = []
    for begin in range(0, len(targets), BLOCK):
        block = targets[begin : begin + BLOCK]
        low, high = -((reach - block[0]) // step), (block[-1] + reach) // step
        moved = block[0] // step * step  # blocks shifted by whole samples share a matrix
        home = range(block.start - moved, block.stop - moved, block.step)
        matrix = xp.asarray(smoothing_matrix(home, width, step, low - moved // step, high + 1 - low))
        around = None
        if wrap and not first <= low <= high < first + n:
            around = xp.asarray(np.arange(low - first, high + 1 - first) % n)
        blocks.append((matrix, slice(low - first, high + 1 - first), around))

    def along(field: Array) -> Array:
        parts = (
            field[(slice(None),) * axis + (inside,)] if around is None else xp.take(field, around, axis=axis)
            for _, inside, around in blocks
        )
        pieces = [_product(matrix, part, axis) for (matrix, _, _), part in zip(blocks, parts, strict=True)]
        return xp.concatenate(pieces, axis=axis)

    return along


def _product(matrix: Array, field: Array, axis: int) -> Array:
    nz, ny, nx = field.shape
    if axis == 0:
        return (matrix @ field.reshape(nz, ny * nx)).reshape(len(matrix), ny, nx)
    if axis == 1:
        return matrix @ field
    return (field.reshape(nz * ny, nx) @ matrix.T).reshape(nz, ny, len(matrix))
