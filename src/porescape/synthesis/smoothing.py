"""Gaussian smoothing in whole numbers.

Floating-point sums depend on their order, so the same voxel smoothed in two windows, by two BLAS
libraries or on a GPU differs in its last bit, and a threshold turns that into a different structure.
Here samples are whole numbers up to 2**10, kernel weights whole numbers that add up to about 2**14:
every partial sum stays below 2**24 and float32 holds it exactly. So rows can be added in any order, or
all at once by a matrix product, and the bytes are the same everywhere.

The result of a wide Gaussian is smooth: it is computed on every `stride`-th voxel only and spread from there
to all voxels by a second Gaussian; the squares of the two widths add up. The coarse voxels are counted from
the origin of space, so a window has the same coarse voxels as the whole.
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Domain, Window
from porescape.errors import SettingsError
from porescape.synthesis.layers import Holder, Layers, once

SAMPLE_MAX = 1023  # times 2**14 is just below 2**24
WEIGHT_SUM = 2**14
WIDEST = 3000  # voxels; at this width rounding makes the middle weight 6 % too large, and more beyond
SAMPLE_SD = 170.0  # a unit-variance field is clipped at 6 standard deviations


def stride(width: float, domain: Domain) -> int:
    """Return how many voxels apart a Gaussian of this width [voxels] is computed.

    At most the width: the aliasing of the coarse grid is then 1 % for smoothed white noise and less for
    smoother fields. More than 8 saves no more time. A period must contain a whole number of coarse voxels.
    """
    most = min(max(int(width), 1), 8)
    if not domain.periodic:
        return most
    period = math.gcd(*domain.shape)
    return max(step for step in range(1, most + 1) if period % step == 0)


def context(width: float, domain: Domain, window: Window) -> Window:
    """Return the window of samples needed to smooth a window by this width [voxels]."""
    beyond = sum(reach_of(part) for part, _ in _stages(width, stride(width, domain)))
    return window.grown(beyond, domain.wraps(window))


def smooth_samples(
    samples: NDArray[np.float32], width: float, domain: Domain, window: Window
) -> NDArray[np.float32]:
    """Smooth whole-number samples; the result is in their units.

    Parameters
    ----------
    samples : ndarray of float32
        In `context(width, domain, window)`.
    width : float
        Standard deviation of the Gaussian [voxels].
    window : Window
        The window of the result.
    """
    given = _given(samples, context(width, domain, window))
    return smoothed_samples(given, width, domain, window, once)(*_along_z(window))


def smooth_noise(
    noise: NDArray[np.float32], sd: float, width: float, domain: Domain, window: Window
) -> NDArray[np.float32]:
    """Smooth white whole-number noise of standard deviation `sd` to a Gaussian field of unit variance.

    Other parameters as for `smooth_samples`.
    """
    given = _given(noise, context(width, domain, window))
    return smoothed_noise(given, sd, width, domain, window, once)(*_along_z(window))


def smoothed_samples(samples: Layers, width: float, domain: Domain, window: Window, hold: Holder) -> Layers:
    """Return smoothed whole-number samples layer by layer, in y and x of a window.

    Parameters
    ----------
    samples : Layers
        In y and x of `context(width, domain, window)`.
    hold : callable
        Stores the layers between the passes: `Hold`, or `once`.
    """
    return _smoothed(samples, width, domain, window, (1 / WEIGHT_SUM,) * 6, 1.0, hold)


def smoothed_noise(
    noise: Layers, sd: float, width: float, domain: Domain, window: Window, hold: Holder
) -> Layers:
    """Return the field of `smooth_noise` layer by layer."""
    # samples have the standard deviation SAMPLE_SD before and after every pass
    first, second = stage_spreads(width, stride(width, domain))
    scales = (SAMPLE_SD / (sd * first), 1 / first, 1 / first, *(first / second,) * 3)
    return _smoothed(noise, width, domain, window, scales, 1 / SAMPLE_SD, hold)


def _given(field: NDArray[np.float32], window: Window) -> Layers:
    low = window.start[0]
    return lambda start, stop: field[start - low : stop - low]


def _along_z(window: Window) -> tuple[int, int]:
    return window.start[0], window.start[0] + window.shape[0]


def to_samples(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a field rounded to the whole numbers for which smoothing is exact."""
    return weighted_samples((field,), np.ones(1, dtype=np.float32))


def weighted_samples(
    fields: tuple[NDArray[np.float32], ...], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the weighted sum of fields of one shape, rounded to samples."""
    samples = np.empty(fields[0].shape, dtype=np.float32)
    _add_fields(tuple(field.reshape(-1) for field in fields), weights, samples.reshape(-1))
    return samples


@njit(cache=True, nogil=True)  # without fastmath: these sums are not of whole numbers
def _add_fields(fields, weights, out):  # type: ignore[no-untyped-def]
    total = np.empty(4096, dtype=np.float32)  # for a piece that stays in the cache
    for begin in range(0, len(out), len(total)):
        n = min(len(total), len(out) - begin)
        first = np.uint64(begin)
        total[:] = 0
        for which, field in enumerate(fields):
            weight = weights[which]
            for i in range(np.uint64(n)):
                total[i] += weight * field[first + i]
        _round_to_samples(total, np.float32(1), out, begin, n)


@lru_cache(maxsize=1024)
def gaussian_weights(width: float, step: int = 1, place: int = 0) -> tuple[int, NDArray[np.float32]]:
    """Return the whole-number weights of samples `step` voxels apart for the voxel at `place`.

    Returns
    -------
    first : int
        Number of the first sample with a weight; sample i lies at voxel i * step.
    weights : ndarray of float32
        They add up to `WEIGHT_SUM`, so a constant is unchanged.
    """
    if width > WIDEST:
        raise SettingsError(
            f"a Gaussian of {width:.0f} voxels is wider than {WIDEST} voxels, beyond which its whole-number "
            "weights no longer form a Gaussian; choose a coarser voxel or a smaller high-pass width"
        )
    if width < 0.3:  # a neighbour would weigh less than 1 %
        return place, np.array([WEIGHT_SUM], dtype=np.float32)
    reach = reach_of(width)
    number = np.arange(-((reach - place) // step), (reach + place) // step + 1)
    distance = np.abs(number * step - place)
    weights = np.exp(-0.5 * (distance / width) ** 2)
    whole = np.rint(weights * (WEIGHT_SUM / weights.sum()))
    whole[np.argmin(distance)] += WEIGHT_SUM - whole.sum()
    some = np.flatnonzero(whole)
    return int(number[some[0]]), np.asarray(whole[some[0] : some[-1] + 1], dtype=np.float32)


def reach_of(width: float) -> int:
    """Return the reach of a Gaussian [voxels]."""
    return math.ceil(4 * width) if width >= 0.3 else 0


def _stages(width: float, step: int) -> list[tuple[float, int]]:
    """Return the widths of the successive Gaussians, and the spacing of the samples that each reads."""
    return [(width, 1)] if step == 1 else [(width / math.sqrt(2), 1), (width / math.sqrt(2), step)]


@lru_cache(maxsize=1024)
def stage_spreads(width: float, step: int) -> tuple[float, float]:
    """Return the deviation of unit white noise smoothed along an axis by the first Gaussian, by both."""
    (part, _), *more = _stages(width, step)
    _, weights = gaussian_weights(part)
    one = math.sqrt(float((weights.astype(np.float64) ** 2).sum()))
    if not more:
        return one, one
    squares = []
    for place in range(step):
        _, later = gaussian_weights(part, step, place)
        joint = np.zeros(len(weights) + step * len(later))
        for i, weight in enumerate(later.astype(np.float64)):
            joint[i * step : i * step + len(weights)] += weight * weights
        squares.append((joint**2).sum())
    return one, math.sqrt(float(np.mean(squares)))


def _smoothed(
    source: Layers,
    width: float,
    domain: Domain,
    window: Window,
    scales: tuple[float, ...],
    unit: float,
    hold: Holder,
) -> Layers:
    """Smooth along the three axes, directly or via a coarse grid; scale and round to samples after each pass.

    The last pass is scaled by `unit` too, and not rounded.
    """
    step = stride(width, domain)
    first, weights = gaussian_weights(width)
    if len(weights) == 1 and unit == 1:
        return source if hold is once else lambda start, stop: source(start, stop).copy()
    if step == 1 and -first <= NARROW:

        def narrow(start: int, stop: int) -> NDArray[np.float32]:
            own = window.layers(start, stop)
            wraps = domain.wraps(own)
            z, y, x = scales[:3]
            smooth = _add_neighbours(
                source(*_along_z(context(width, domain, own))),
                weights[-first:],
                wraps,
                np.float32(z),
                np.float32(y),
                np.float32(x * unit),
            )
            spare = reach_of(width) + first  # of a context whose last voxels have weight 0
            inner = tuple(
                slice(0, None) if wrap else slice(spare, n - spare)
                for wrap, n in zip(wraps, smooth.shape, strict=True)
            )
            return np.ascontiguousarray(smooth[inner])

        return narrow
    if step == 1:

        def wide(start: int, stop: int) -> NDArray[np.float32]:
            own = window.layers(start, stop)
            around, wraps = context(width, domain, own), domain.wraps(own)
            field = source(*_along_z(around))
            for axis in range(3):
                targets = range(own.start[axis], own.start[axis] + own.shape[axis])
                field = _along(axis, field, around.start[axis], targets, width, 1, wraps[axis])
                _scale(field, scales[axis], None if axis < 2 else unit)
            return field

        return wide
    return _via_coarse_grid(source, width / math.sqrt(2), step, domain, window, scales, unit, hold)


def _via_coarse_grid(
    source: Layers,
    part: float,
    step: int,
    domain: Domain,
    window: Window,
    scales: tuple[float, ...],
    unit: float,
    hold: Holder,
) -> Layers:
    """Smooth onto every `step`-th voxel and from there onto all, by a Gaussian of width `part` each.

    Along y, where large arrays are read and written, this is done layer by layer.
    """
    reach = reach_of(part)
    period = domain.shape[0]
    begin = window.grown(2 * reach, domain.wraps(window)).start
    fine = [range(start, start + n) for start, n in zip(*window, strict=True)]
    _, wrap_y, wrap_x = domain.wraps(window)
    coarse_y, coarse_x = (
        coarse_voxels(step, voxels, reach, wrap)
        for voxels, wrap in zip(fine[1:], (wrap_y, wrap_x), strict=True)
    )

    def thinned(start: int, stop: int) -> NDArray[np.float32]:
        field = _along(1, source(start, stop), begin[1], coarse_y, part, 1, wrap_y)
        return _scale(field, scales[0])

    def on_grid(first: int, last: int) -> NDArray[np.float32]:  # numbers of coarse layers
        wrap = domain.periodic and first == 0 and last * step == period
        grow = 0 if wrap else reach
        low, high = first * step - grow, period if wrap else (last - 1) * step + 1 + grow
        field = _along(0, held(low, high), low, range(first * step, last * step, step), part, 1, wrap)
        field = _along(2, _scale(field, scales[1]), begin[2], coarse_x, part, 1, wrap_x)
        return _scale(field, scales[2])

    def spread(start: int, stop: int) -> NDArray[np.float32]:
        wrap, _, _ = domain.wraps(window.layers(start, stop))
        coarse_z = coarse_voxels(step, range(start, stop), reach, wrap)
        first = coarse_z.start // step
        field = held_grid(first, first + len(coarse_z))
        field = _along(2, field, coarse_x.start // step, fine[2], part, step, wrap_x)
        field = _along(0, _scale(field, scales[3]), first, range(start, stop), part, step, wrap)
        field = _along(1, _scale(field, scales[4]), coarse_y.start // step, fine[1], part, step, wrap_y)
        return _scale(field, scales[5], unit)

    held, held_grid = hold(thinned), hold(on_grid)
    return spread


def _scale(field: NDArray[np.float32], scale: float, unit: float | None = None) -> NDArray[np.float32]:
    """Scale in place, and round to samples unless it is the last pass, which has a unit."""
    flat = field.reshape(-1)
    if unit is None:
        _round_to_samples(flat, np.float32(scale), flat, 0, len(flat))
    else:
        flat *= np.float32(scale * unit)
    return field


def coarse_voxels(step: int, voxels: range, reach: int, wrap: bool) -> range:
    """Return the coarse voxels on which the given voxels depend."""
    if wrap:
        return voxels[::step]
    return range(-((reach - voxels.start) // step) * step, voxels.stop + reach, step)


NARROW = 8  # voxels; up to this reach adding rows is faster than matrix products, and equally exact
_EXACT = {"reassoc", "contract", "nnan", "nsz"}  # whole numbers: the order of the sums does not matter


@njit(cache=True, nogil=True)
def _add_neighbours(field, half, wraps, scale_z, scale_y, scale_x):  # type: ignore[no-untyped-def]
    """Smooth along z, y and x, layer by layer: the result of one axis is still in the cache for the next.

    `half` are the weights from the middle outwards. Each axis is scaled, the first two are rounded to
    samples. A layer with its margins is one long row of numbers: few long sums are faster than many short
    ones.
    """
    nz, ny, nx = field.shape
    reach = len(half) - 1
    z0, y0, x0 = 0 if wraps[0] else reach, 0 if wraps[1] else reach, 0 if wraps[2] else reach
    out = np.empty((nz - 2 * z0, ny - 2 * y0, nx - 2 * x0), dtype=np.float32)
    rows, columns = out.shape[1] + 2 * reach, out.shape[2] + 2 * reach
    layer = np.empty((rows, nx), dtype=np.float32)
    lines = np.empty((out.shape[1], columns), dtype=np.float32)
    total = np.empty(rows * columns, dtype=np.float32)
    flat, flat_layer, flat_lines = field.reshape(-1), layer.reshape(-1), lines.reshape(-1)
    for k in range(out.shape[0]):
        _sum_pairs(total, flat, half, (z0 + k) * ny * nx, ny * nx, nz, ny * nx)
        margin = reach - y0
        _round_to_samples(total, scale_z, flat_layer, margin * nx, ny * nx)
        for j in range(margin):
            layer[margin - 1 - j] = layer[margin + (-1 - j) % ny]
            layer[margin + ny + j] = layer[margin + j % ny]
        _sum_pairs(total, flat_layer, half, reach * nx, nx, rows, out.shape[1] * nx)
        _round_to_samples(total, scale_y, flat_layer, 0, out.shape[1] * nx)
        _widen(layer, lines, reach - x0)
        _sum_pairs(total, flat_lines, half, reach, 1, len(flat_lines), len(flat_lines) - 2 * reach)
        for j in range(out.shape[1]):
            row = np.uint64(j * columns)
            for i in range(np.uint64(out.shape[2])):
                out[k, j, i] = total[row + i] * scale_x
    return out


@njit(cache=True, nogil=True, fastmath=_EXACT)
def _sum_pairs(total, source, half, begin, stride, period, n):  # type: ignore[no-untyped-def]
    """Write, for n numbers, the weighted sums over up to `len(half) - 1` strides before and behind each."""
    middle = np.uint64(begin)
    for i in range(np.uint64(n)):
        total[i] = half[0] * source[middle + i]
    place = begin // stride
    for step in range(1, len(half)):
        low = np.uint64((place - step) % period * stride)
        high = np.uint64((place + step) % period * stride)
        weight = half[step]
        for i in range(np.uint64(n)):
            total[i] += weight * (source[low + i] + source[high + i])


@njit(cache=True, nogil=True)
def _widen(layer, lines, margin):  # type: ignore[no-untyped-def]
    """Copy rows with a margin on both sides that repeats their other end."""
    nx = layer.shape[1]
    first = np.uint64(margin)
    for j in range(len(lines)):
        for i in range(np.uint64(nx)):
            lines[j, first + i] = layer[j, i]
        for i in range(margin):
            lines[j, margin - 1 - i] = layer[j, (-1 - i) % nx]
            lines[j, margin + nx + i] = layer[j, i % nx]


@njit(cache=True, nogil=True, fastmath=_EXACT)
def _round_to_samples(total, scale, into, begin, n):  # type: ignore[no-untyped-def]
    most = np.float32(SAMPLE_MAX)
    first = np.uint64(begin)
    for i in range(np.uint64(n)):
        into[first + i] = min(max(np.rint(total[i] * scale), -most), most)


WIDEST_DIRECT = 192  # voxels; longer axes are done in blocks, which is then faster
BLOCK = 96


def _along(
    axis: int,
    field: NDArray[np.float32],
    first: int,
    targets: range,
    width: float,
    step: int,
    wrap: bool,
) -> NDArray[np.float32]:
    """Smooth along one axis: from samples `step` voxels apart, from number `first` on, to `targets`."""
    n = field.shape[axis]
    if wrap and n <= WIDEST_DIRECT:
        return _product(smoothing_matrix(targets, width, step, 0, n), field, axis)
    reach = reach_of(width)
    pieces = []
    for begin in range(0, len(targets), BLOCK):
        block = targets[begin : begin + BLOCK]
        low, high = -((reach - block[0]) // step), (block[-1] + reach) // step
        if wrap and not first <= low <= high < first + n:
            part = np.take(field, range(low - first, high + 1 - first), axis=axis, mode="wrap")
        else:
            part = field[(slice(None),) * axis + (slice(low - first, high + 1 - first),)]
        moved = block[0] // step * step  # blocks shifted by whole samples share a matrix
        home = range(block.start - moved, block.stop - moved, block.step)
        matrix = smoothing_matrix(home, width, step, low - moved // step, high + 1 - low)
        pieces.append(_product(matrix, part, axis))
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


@lru_cache(maxsize=64)
def smoothing_matrix(targets: range, width: float, step: int, low: int, columns: int) -> NDArray[np.float32]:
    """Return the weights of samples `low`, `low + 1` ... for each target; the samples wrap around."""
    voxel = np.asarray(targets)
    places = np.zeros((step, columns), dtype=np.float32)  # weights of the samples from the target's own on
    for place in np.unique(voxel % step):
        first, weights = gaussian_weights(width, step, int(place))
        np.add.at(places[place], (first + np.arange(len(weights))) % columns, weights)
    own = voxel // step - low
    return np.asarray(places[(voxel % step)[:, None], (np.arange(columns) - own[:, None]) % columns])
