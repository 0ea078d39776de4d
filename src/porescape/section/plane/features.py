"""What a pixel's neighbourhood looks like, in units of the image's own length and contrast.

Each feature is a filter whose width is a multiple of the unit length of the image, and whose answer is
divided by the contrast around the pixel: so magnification, brightness and shading do not change it. All are
the same for the eight rotations and mirror images of a picture, but for the rounding of filters.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]

FALLEN = 0.2  # of the autocovariance, at the unit length (METHOD: prototype); a chord is about 2.5 of these
WIDTHS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0)  # unit lengths; the filters in which shapes are seen
AROUND = 4.0  # unit lengths; what contrast is measured over
LEAST_WIDTH = 0.6  # pixels; a narrower Gaussian does nothing
EXTREMES = (2.0, 6.0)  # unit lengths; windows of the local minimum and maximum
TEXTURES = (1 / 4, 1 / 2, 1.0)  # unit lengths; windows of the local standard deviation
HATS = (1 / 2, 1.0, 2.0)  # unit lengths; windows of the top-hats: thin bright and thin dark things


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


def features(grey: Field, unit: float) -> Field:
    """Return the features of every pixel.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
        Solid is bright.
    unit : float
        Unit length of the image [pixels].

    Returns
    -------
    ndarray of float32, shape (n, ny, nx)
    """
    low, high = np.percentile(grey, (1, 99))
    scaled = ((grey - low) / max(float(high - low), 1e-6)).astype(np.float32)
    found: list[Field] = []
    mean = blurred(scaled, AROUND * unit)
    spread = np.sqrt(np.maximum(blurred(scaled**2, AROUND * unit) - mean**2, 1e-6))
    per = 1 / spread
    skew = blurred((scaled - mean) ** 3, AROUND * unit) * per**3
    found += [mean, spread, skew, scaled]
    for width in WIDTHS:
        sigma = max(width * unit, LEAST_WIDTH)
        smooth = blurred(scaled, sigma)
        found.append((smooth - mean) * per)
        found += _shape(smooth, sigma, per)
    fine = blurred(scaled, max(unit / 8, LEAST_WIDTH))
    for window in EXTREMES:
        size = 2 * round(window * unit / 2) + 1
        least = blurred(ndimage.minimum_filter(fine, size, mode="nearest"), size / 4)
        most = blurred(ndimage.maximum_filter(fine, size, mode="nearest"), size / 4)
        found.append((fine - least) / np.maximum(most - least, 1e-3))
    for window in TEXTURES:
        sigma = max(window * unit, 1.0)
        variance = blurred(scaled**2, sigma) - blurred(scaled, sigma) ** 2
        found.append(np.log(np.maximum(variance, 1e-8)) / 2 + np.log(per))
    for window in HATS:
        size = 2 * max(1, round(window * unit / 2)) + 1
        found += [
            (fine - ndimage.grey_opening(fine, size, mode="nearest")) * per,
            (ndimage.grey_closing(fine, size, mode="nearest") - fine) * per,
        ]
    return np.stack(found).astype(np.float32)


def context(grey: Field, solid: Field, unit: float) -> Field:
    """Return features of a first guess: how much solid lies around, and the grey of both phases there.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
    solid : ndarray of float32, shape (ny, nx)
        Probability that solid lies in the plane, by a first guess.
    unit : float
        Unit length of the image [pixels].
    """
    found: list[Field] = [solid]
    found += [blurred(solid, max(width * unit, LEAST_WIDTH)) for width in (*WIDTHS, AROUND)]
    fine = blurred(grey, max(unit / 8, LEAST_WIDTH))
    for around in (2.0, AROUND, 4 * AROUND):
        sigma = around * unit
        share = blurred(solid, sigma)
        bright = blurred(solid * grey, sigma) / np.maximum(share, 1e-3)
        dark = blurred((1 - solid) * grey, sigma) / np.maximum(1 - share, 1e-3)
        apart = np.maximum(bright - dark, 0.02)
        found.append(np.clip((fine - dark) / apart, -3, 4))
    sure = np.abs(solid - 0.5) > 0.4
    found.append(np.full_like(solid, sure.mean()))
    found.append(np.full_like(solid, solid.mean()))
    return np.stack(found).astype(np.float32)


def blurred(image: Field, sigma: float) -> Field:
    """Return a Gaussian mean; a wide one on a coarser grid, which is faster and differs by less than 1 %."""
    coarse = int(sigma // 3)
    if coarse < 2:
        return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest", truncate=3.0))
    ny, nx = image.shape
    padded = np.pad(image, ((0, -ny % coarse), (0, -nx % coarse)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // coarse, coarse, -1, coarse).mean(axis=(1, 3))
    inner = np.sqrt(max((sigma / coarse) ** 2 - 1 / 4, 0.25))  # blocks and interpolation blur, too
    small = ndimage.gaussian_filter(blocks, inner, mode="nearest", truncate=3.0)
    wide = ndimage.zoom(small, coarse, order=1, mode="nearest", grid_mode=True)
    return np.asarray(wide[:ny, :nx])


def _shape(smooth: Field, sigma: float, per: Field) -> list[Field]:
    """Gradient, and both curvatures, in units of contrast per width of the filter."""
    dy, dx = np.gradient(smooth)
    slope = np.hypot(dy, dx) * sigma * per
    yy, yx = np.gradient(dy)
    xx = np.gradient(dx, axis=1)
    half, apart = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
    scale = sigma**2 * per
    return [slope, (half + apart) * scale, (half - apart) * scale]
