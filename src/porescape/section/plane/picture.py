"""A picture as the network is given it: at its own scale, with its own contrast.

Widths are multiples of the unit length of the picture, and grey is compared with the picture as a whole and
with what lies around; so magnification, brightness and shading change little.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]
Stack = NDArray[np.float32]  # (ny, nx, channels)
Indices = NDArray[np.intp]

FALLEN = 0.2  # of the autocovariance, at the unit length; half a mean chord or less (chosen by hand)
UNIT = 9.0  # pixels; a coarser picture is made smaller until its unit length is this (chosen by hand)
AROUND = 4.0  # unit lengths; local mean and contrast are measured over this square (chosen by hand)
FARTHEST = 4.0  # standard deviations; what is brighter or darker looks the same


def unit_length(grey: Field) -> float:
    """Return the distance at which the autocovariance of an image has fallen to a fifth [pixels].

    Slow shading, as a polynomial of second order, is taken out before, and single pixels of noise are
    smoothed; the mean over all directions counts. At least 1.5 pixels, at most an eighth of the shorter side.
    """
    flat = ndimage.gaussian_filter(grey, 1.0, mode="nearest").astype(np.float64)
    ny, nx = flat.shape
    y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    step = max(1, min(ny, nx) // 128)
    terms = np.stack([np.ones_like(y), y, x, y * x, y * y, x * x])
    few = terms[:, ::step, ::step].reshape(6, -1)
    flat -= np.tensordot(np.linalg.lstsq(few.T, flat[::step, ::step].ravel(), rcond=None)[0], terms, axes=1)
    longest = max(min(ny, nx) // 4, 8)
    power = np.abs(np.fft.rfft2(flat, (ny + longest, nx + longest))) ** 2
    covariance = np.fft.irfft2(power, (ny + longest, nx + longest))
    near = np.roll(covariance, (longest, longest), (0, 1))[: 2 * longest + 1, : 2 * longest + 1]
    distance = np.hypot(*np.mgrid[-longest : longest + 1, -longest : longest + 1])
    overlap = (ny - np.abs(np.arange(-longest, longest + 1)))[:, None] * (
        nx - np.abs(np.arange(-longest, longest + 1))
    )
    ring = np.rint(distance).astype(int).ravel()
    curve = np.bincount(ring, (near / overlap).ravel()) / np.bincount(ring)
    curve = curve[: longest + 1] / curve[0]
    below = np.flatnonzero(curve < FALLEN)
    if not below.size:
        return float(min(ny, nx) / 8)
    after = int(below[0])
    share = (curve[after - 1] - FALLEN) / (curve[after - 1] - curve[after])
    return float(np.clip(after - 1 + share, 1.5, min(ny, nx) / 8))


def scale_of(unit: float, least: float = 0.05) -> float:
    """Return by how much a picture is made smaller; never larger."""
    return float(max(min(1.0, UNIT / unit), least))


def smaller(image: Field, factor: float) -> Field:
    """Return an image made smaller by a factor up to 1, each pixel the mean of the area it covers."""
    if factor == 1:
        return image
    for axis in (0, 1):
        length = image.shape[axis]
        edges = np.linspace(0, length, max(8, round(length * factor)) + 1)
        total = np.cumsum(image, axis=axis, dtype=np.float64)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis=axis)
        below = np.minimum(edges.astype(int), length - 1)
        part = np.expand_dims(edges - below, 1 - axis)
        reached = total.take(below, axis) * (1 - part) + total.take(below + 1, axis) * part
        image = (np.diff(reached, axis=axis) / (length / (len(edges) - 1))).astype(np.float32)
    return image


def larger(image: Field, shape: tuple[int, int]) -> Field:
    """Return an image, (ny, nx) or (ny, nx, channels), at the pixels of a larger one, linear in between."""
    for axis, length in enumerate(shape):
        if length == image.shape[axis]:
            continue
        below, above, part = _between(np.arange(length), length, image.shape[axis])
        part = part.reshape((-1,) + (1,) * (image.ndim - 1 - axis))
        image = image.take(below, axis) * (1 - part) + image.take(above, axis) * part
    return image


def larger_at(image: Stack, shape: tuple[int, int], places: NDArray[np.bool_]) -> Stack:
    """Return `larger` at some places alone, shape (chosen pixels, channels)."""
    (top, bottom, down), (left, right, along) = (
        _between(at, length, now)
        for at, length, now in zip(np.nonzero(places), shape, image.shape, strict=False)
    )
    down, along = down[:, None], along[:, None]
    upper, lower = (image[row, left] * (1 - along) + image[row, right] * along for row in (top, bottom))
    return np.asarray(upper * (1 - down) + lower * down)


def _between(at: Indices, length: int, count: int) -> tuple[Indices, Indices, Field]:
    """Return the two of `count` pixels that one of a larger image lies between, and the second's share."""
    place = np.clip((at + 0.5) * count / length - 0.5, 0, count - 1)
    below = np.minimum(place.astype(int), max(count - 2, 0))
    return below, np.minimum(below + 1, count - 1), (place - below).astype(np.float32)


def inputs(grey: Field, unit: float) -> Field:
    """Return grey compared with the picture as a whole, and with what lies around, shape (ny, nx, 2)."""
    low, middle, high = np.quantile(grey, (0.05, 0.5, 0.95))
    whole = (grey - middle) / max(float(high - low), 0.02)
    square = int(AROUND * unit) | 1
    mean = ndimage.uniform_filter(grey, square, mode="mirror")
    variance = ndimage.uniform_filter(grey**2, square, mode="mirror") - mean**2
    local = (grey - mean) / np.sqrt(np.maximum(variance, 1e-5))
    both = [np.clip(whole, -FARTHEST, FARTHEST), np.clip(local, -FARTHEST, FARTHEST)]
    return np.stack(both, axis=-1).astype(np.float32)
