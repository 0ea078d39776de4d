"""One image and the counts for its checks: pairs of pixels, correlation lengths, tiles."""

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from porescape.core.check import Values
from porescape.core.image import PhaseImage
from porescape.errors import InputError
from porescape.section.checks.tiles import Tiles, without_each

SMALLEST = 16  # pixels along a side; chosen by hand: smaller images cannot be tiled
ROSE = 72  # directions of the picture over a full turn, one every 5 degrees; chosen by hand
# lags (y, x) along y, x, and the diagonals that fall and rise from left to right
DIRECTIONS = {"y": (1, 0), "x": (0, 1), "falling": (1, 1), "rising": (1, -1)}
_REACH = np.array([1.0, 1.0, math.sqrt(2), math.sqrt(2)])  # pixels per step


class SampledImage:
    """One image and the quantities that several checks need; lengths in pixels.

    Attributes: `pore`, `pixel_size`, `porosity`, the `wanted_error` of the porosity for which a field of view
    is suggested, the `variance` of a pixel, the correlation `lengths` along the four directions, `tiles`, and
    the `mean_variance`: the variance of the porosity between images like this one.
    """

    def __init__(self, phase: PhaseImage, wanted_error: float) -> None:
        self.wanted_error = wanted_error
        self.pore, self.pixel_size, self.porosity = phase.pore, phase.pixel_size, phase.porosity
        self.variance = self.porosity * (1 - self.porosity)
        ny, nx = self.pore.shape
        if min(ny, nx) < SMALLEST:
            raise InputError(
                f"the image is {ny} x {nx} pixels, but its checks need {SMALLEST} along each side; "
                "take a larger one"
            )
        if self.variance == 0:
            found = "pore" if self.porosity else "solid"
            raise InputError(
                f"the checks need both phases, but every pixel is {found}; try another threshold"
            )
        self._longest = min(ny, nx) // 2
        self._both, self._pairs = _pair_counts(self.pore, self._longest)
        self.lengths: Values = np.array([self._length_along(*step) for step in DIRECTIONS.values()])
        self.tiles = Tiles(self.pore, self.lengths[:2])
        self.mean_variance, self._range = self._integrate()

    @cached_property
    def chord_rates(self) -> Values:
        """Changes of phase per pixel along four directions: all, then without each tile; (1 + tiles, 4)."""
        counts = [self.tiles.pairs(step) for step in DIRECTIONS.values()]
        rates = np.stack([without_each(one) / without_each(every) for _, one, every in counts], axis=-1)
        return np.asarray(np.maximum(rates / _REACH, 1 / max(self.pore.shape)))  # no chord beyond the image

    @property
    def period(self) -> float:
        """Mean pore-to-pore distance: a pore and a solid chord, over the lines along y and x."""
        return 2 / float(self.chord_rates[0, :2].mean())

    def length_rates(self) -> Values:
        """Return 1/correlation length along four directions: all, then without each tile; (1 + tiles, 4)."""
        porosity = without_each(self.tiles.porosity * self.tiles.area) / without_each(self.tiles.area)
        rates = np.empty((len(porosity), len(DIRECTIONS)))
        for d, (step, reach) in enumerate(zip(DIRECTIONS.values(), _REACH, strict=True)):
            # lags around this length: leaving one tile out changes it little; 1.6 chosen by hand
            low, high = (self.lengths[d] * factor / reach for factor in (1 / 1.6, 1.6))
            last = max(int(self._longest / reach), 2)
            lags = np.unique(np.rint(np.geomspace(max(low, 1), max(high, 3), 9)).astype(int).clip(1, last))
            counts = [self.tiles.pairs((step[0] * int(lag), step[1] * int(lag))) for lag in lags]
            s2 = np.stack([without_each(both) / without_each(pairs) for both, _, pairs in counts], axis=-1)
            square = porosity[:, None] ** 2
            curves = (s2 - square) / (porosity[:, None] - square)
            rates[:, d] = [1 / _length_of(np.r_[0, lags] * reach, np.r_[1.0, curve]) for curve in curves]
        return rates

    @property
    def unbounded(self) -> bool:
        """Along some direction the correlation has not fallen to 1/e at half the shorter side."""
        return bool((self.lengths > self._longest - 2).any())

    def _length_along(self, y: int, x: int) -> float:
        reach = math.hypot(y, x)
        lag = np.arange(int(self._longest / reach) + 1)
        at = lag * y, lag * x + self._longest
        return _length_of(lag * reach, self._correlation(self._both[at] / self._pairs[at]))

    def rose(self) -> tuple[Values, Values]:
        """Return directions counter-clockwise from x [degrees] and the correlation length along them."""
        angle = np.arange(ROSE + 1) * (360 / ROSE)
        lag = np.arange(0, self._longest - 1, 0.5)
        lengths = []
        for turn in np.radians(angle % 180):  # a lag and its opposite are the same
            at = [lag * math.sin(turn), self._longest - lag * math.cos(turn)]  # up is -y: take the opposite
            both, pairs = (
                ndimage.map_coordinates(counts, at, order=1) for counts in (self._both, self._pairs)
            )
            lengths.append(_length_of(lag, self._correlation(both / pairs)))
        return np.asarray(angle, dtype=np.float64), np.array(lengths)

    def _correlation(self, s2: Values) -> Values:
        return np.asarray((s2 - self.porosity**2) / self.variance)

    def _integrate(self) -> tuple[float, float]:
        """Return the variance of the porosity over images like this one, and the range of the correlation.

        The variance of a mean is the mean of the autocovariance over all pairs of pixels. The image's own
        porosity hides the part that all of its pixels share, so every value is low by exactly that
        variance, for which the equation is solved. The range ends where the mean over all directions falls to
        its noise, 1 / sqrt(independent areas); beyond it only noise would be added up.
        """
        lag, once = self._lags()
        ring = np.rint(lag).astype(np.int64)
        inside = ring <= self._longest
        excess = np.bincount(ring[inside], ((self._both - self.porosity**2 * self._pairs) * once)[inside])
        pairs = np.bincount(ring[inside], (self._pairs * once)[inside])
        mean = excess / pairs / self.variance
        pixels = float(self.pore.size)

        def until(level: float) -> tuple[float, int]:
            end = int(np.argmax(mean < level)) if (mean < level).any() else len(mean)
            return max(float(excess[:end].sum() / (pixels**2 - pairs[:end].sum())), 0.0), end

        first, _ = until(0.1)  # chosen by hand, for a first estimate
        return until(math.sqrt(max(first / self.variance, 1e-6)))

    def _lags(self) -> tuple[Values, Values]:
        """Return the length of each lag in the tables of pairs, and its weight: 2 where -lag is left out."""
        y, x = np.ogrid[: self._longest + 1, -self._longest : self._longest + 1]
        return np.hypot(y, x), np.where(y > 0, 2.0, np.where(x == 0, 1.0, np.where(x > 0, 2.0, 0.0)))

    def strip_scatter(self, axis: int) -> float:
        """Return the standard deviation of the porosity between strips of tiles if it were stationary."""
        high = self.tiles.edges[axis][1]
        sides = (high, self.pore.shape[1]) if axis == 0 else (self.pore.shape[0], high)
        lag, once = self._lags()
        near = lag < self._range
        covariance = (self._both / self._pairs - self.porosity**2 + self.mean_variance) * once * near
        reach = self._longest
        overlap = [
            np.maximum(n - np.abs(lags), 0) / n**2
            for n, lags in zip(sides, (np.arange(reach + 1), np.arange(-reach, reach + 1)), strict=True)
        ]
        return math.sqrt(max(float(overlap[0] @ covariance @ overlap[1]), 0.0))

    def window_scatter(self) -> tuple[Values, Values]:
        """Return the sides of square windows, and the standard deviation of the porosity between them."""
        short = min(self.pore.shape)
        sides = np.unique([short // k for k in (2, 3, 4, 6, 8, 12) if short // k > 1])
        scatter = []
        for side in sides:
            ny, nx = (n // side for n in self.pore.shape)
            blocks = self.pore[: ny * side, : nx * side].reshape(ny, side, nx, side)
            scatter.append(blocks.mean(axis=(1, 3)).std(ddof=1))
        return sides.astype(np.float64), np.array(scatter)


def _length_of(lags: NDArray[Any], curve: Values) -> float:
    """Return where a correlation first falls to 1/e, interpolated between lags; the last lag if nowhere."""
    below = curve <= 1 / math.e
    if not below.any():
        return float(lags[-1])
    i = int(np.argmax(below))
    before, after = curve[i - 1], curve[i]
    return float(lags[i - 1] + (before - 1 / math.e) / (before - after) * (lags[i] - lags[i - 1]))


def _pair_counts(pore: NDArray[np.bool_], longest: int) -> tuple[Values, Values]:
    """Count pairs of pixels at the lags y = 0 ... longest, x = -longest ... longest: both pore, and all."""
    shape = [
        fft.next_fast_len(n + longest + 1, real=True) for n in pore.shape
    ]  # padded, so that nothing wraps around
    spectrum = fft.rfft2(pore.astype(np.float32), shape)  # counts are right to 1e-6 of the pixels
    both = fft.irfft2(np.abs(spectrum) ** 2, shape)
    x = np.arange(-longest, longest + 1)
    ny, nx = pore.shape
    pairs = np.outer(ny - np.arange(longest + 1), nx - np.abs(x))
    return np.asarray(both[: longest + 1, x], dtype=np.float64), pairs.astype(np.float64)
