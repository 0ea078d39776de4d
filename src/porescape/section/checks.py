"""Before the fit: is this an image that an isotropic, stationary reconstruction can stand for?

Four checks, each with numbers, a sentence and the curves of its picture (`report.check_figures`). Isotropy
and stationarity alarm where a departure is both large and no accident. How large is a question of what it
does to the result; how likely by accident is asked of the image itself, whose tiles are independent looks
at one material as soon as they are several correlation lengths wide. So a small image does not alarm for
being small: that is for the check of size to say.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage
from scipy.special import fdtrc, stdtrit

from porescape.core.check import Check, Limits, Status, Values
from porescape.core.image import PhaseImage
from porescape.errors import InputError, SettingsError
from porescape.units import format_length

NAMES = ("isotropy", "stationarity", "size", "sharpness")
_SEVERITY: tuple[Status, ...] = ("ok", "warn", "fail")

# Isotropy and stationarity. A reconstruction has one length for all directions and places. Where lengths
# differ by a share d it is off by d/2 at either end: 0.15 is 7 %, the scatter between good
# reconstructions; 0.5 is 25 %, worse than any of its numbers should be.
DIFFERENCE = (0.15, 0.50)
CHANCE = (0.01, 0.001)  # that the whole check alarms by accident; to stop somebody needs the better reason
# Size. Permeability goes with about the third or fourth power of porosity: 10 % are 30 to 45 % there. An
# interval of ±50 % spans a factor of three.
POROSITY_ERROR = (0.10, 0.50)
FEATURES = (8.0, 3.0)  # pore-to-pore distances along the shorter side; of three, each is an anecdote
# Sharpness. Drawn in pixels, a disc of 5 is still round; one of 3 is a square or a cross.
CHORD = (5.0, 3.0)  # pixels; mean chord of the thinner phase
THIN_SHARE = (0.20, 0.50)  # of the thinner phase, in features of one or two pixels

TILE = 6.0  # correlation lengths along a tile; with 4, slices of fibres seem twice as sure as they are
FEWEST_TILES, MOST_TILES = 4, 8  # along an axis; more than 64 in all make no test better
SMALLEST = 16  # pixels along a side; less cannot be tiled
ROSE = 72  # directions of the picture, over a full turn
# lags (y, x) along y, x, and the diagonals that fall and rise from left to right
DIRECTIONS = {"y": (1, 0), "x": (0, 1), "falling": (1, 1), "rising": (1, -1)}
_REACH = np.array([1.0, 1.0, math.sqrt(2), math.sqrt(2)])  # pixels per step
_NEARLY_ONE = 0.9999  # an anisotropy beyond this is a ratio of lengths above 100


def check_image(phase: PhaseImage, wanted_error: float = 0.05) -> tuple[Check, ...]:
    """Check whether a segmented image can stand for its material.

    - isotropy: mean chord and correlation length along y, x and both diagonals. Each describes an ellipse
      (Harrigan and Mann 1984); the ratio of its axes is the number.
    - stationarity: profiles of porosity and of pore-to-pore distance (mean chords of pore and solid
      together) along y and x. What is straight of a profile is its trend, what is left are layers, both
      written as a change across the image.
    - size: the 95 % error of the porosity that comes of the image being finite, from the integral of the
      autocovariance (Lantuéjoul 1991, Dahari et al. 2024), and how many features lie along a side.
    - sharpness: mean chord of the thinner phase in pixels, and the share of it that is one or two pixels
      thick.

    Parameters
    ----------
    phase : PhaseImage
        At the pixel size of the micrograph, not resampled.
    wanted_error : float
        Relative 95 % error of the porosity for which a field of view is suggested; decides nothing.

    Returns
    -------
    tuple of Check
        In the order of `NAMES`.

    Raises
    ------
    InputError
        Nothing can be checked: one phase only, or fewer than 16 pixels along a side.
    SettingsError
        `wanted_error` is no share.

    Notes
    -----
    What is chance is judged by tiles of six correlation lengths: delete-one jackknife and Hotelling's T²
    for isotropy, an analysis of variance over rows and columns of tiles for stationarity. Features longer
    than a tile, such as fibres that lie in the plane, make both too sure.

    An image shows one plane. A material that is alike along its y and x but not through it passes, a fibre
    mat seen from above or a calendered electrode, and so does one that changes with a depth that the image
    does not show. Porosity is that of the segmented image: a threshold that follows the local mean has
    flattened its trend already. The error of the porosity knows nothing of the threshold.

    References
    ----------
    Harrigan and Mann (1984), Journal of Materials Science 19, 761.
    Lantuéjoul (1991), Journal of Microscopy 161, 387.
    Dahari et al. (2024), Prediction of microstructural representativity from a single image.
    """
    if not 0 < wanted_error < 1:
        raise SettingsError(f"wanted_error must lie between 0 and 1 (0.05 is ±5 %), got {wanted_error!r}")
    image = _Image(phase)
    return _isotropy(image), _stationarity(image), _size(image, wanted_error), _sharpness(image)


def raise_on_failures(checks: Sequence[Check], accept: Collection[str] = ()) -> None:
    """Stop where a check failed that `accept` does not name.

    Raises
    ------
    InputError
        With the sentences of those checks and the option that goes on all the same.
    SettingsError
        `accept` names a check that there is not.
    """
    if unknown := sorted(set(accept) - set(NAMES)):
        raise SettingsError(f"there is no check called {', '.join(unknown)}; known are {', '.join(NAMES)}")
    failed = [check for check in checks if check.status == "fail" and check.name not in accept]
    if failed:
        sentences = "; ".join(f"{check.name}: {check.sentence}" for check in failed)
        raise InputError(f"{sentences}. To go on all the same: --accept {','.join(c.name for c in failed)}")


# -- isotropy ---------------------------------------------------------------------------------------


def _isotropy(image: "_Image") -> Check:
    size = image.pixel_size
    fabrics = {"chord": _Fabric(image.chord_rates), "correlation": _Fabric(image.length_rates())}
    values: dict[str, float] = {}
    found: list[Status] = []
    for name, fabric in fabrics.items():
        chance = min(len(fabrics) * fabric.chance, 1.0)
        if name == "correlation" and image.unbounded:
            chance = 1.0  # lengths that end at the last lag do not vary and would seem sure
        values |= {f"ratio_{name}": fabric.ratio, f"chance_{name}": chance}
        values |= {f"ratio_{name}_low": fabric.low, f"ratio_{name}_high": fabric.high}
        found.append(_judge(fabric.ratio - 1, chance))
    status = _worst(found)
    judges = ["chord"] if image.unbounded else list(fabrics)
    more = max((fabrics[name] for name in judges), key=lambda fabric: fabric.ratio)
    values["angle"] = more.angle
    chords, lengths = fabrics["chord"].lengths, fabrics["correlation"].lengths
    for direction, chord, length in zip(DIRECTIONS, chords.tolist(), lengths.tolist(), strict=True):
        values[f"chord_pore_{direction}"] = 2 * image.porosity * chord * size
        values[f"chord_solid_{direction}"] = 2 * (1 - image.porosity) * chord * size
        values[f"correlation_length_{direction}"] = length * size
    angle, rose = image.rose()
    turn = np.radians(angle)
    curves = {
        "angle": angle,
        "correlation": rose * size,
        "correlation_fit": fabrics["correlation"].ellipse(turn) * size,
        "chord_angle": np.array([90.0, 0.0, -45.0, 45.0]),
        "chord": chords * size,
        "chord_fit": fabrics["chord"].ellipse(turn) * size,
    }
    limits = {f"ratio_{name}": (1 + DIFFERENCE[0], 1 + DIFFERENCE[1]) for name in fabrics}
    return Check("isotropy", status, _stretch(more, status), values, limits, curves)


def _stretch(fabric: "_Fabric", status: Status) -> str:
    sentence = (
        f"features are {_times(fabric.ratio)} times as long {_along(fabric.angle)} as across "
        f"(95 %: {_times(fabric.low)} to {_times(fabric.high)}), wanted {1 + DIFFERENCE[0]:.2f} at most"
    )
    if status != "ok":
        return sentence + (
            ": replicas are alike in all directions and will show an average of this one's; take a section "
            "in which no direction stands out"
        )
    return sentence + (_BY_CHANCE if fabric.ratio - 1 >= DIFFERENCE[0] else "")


class _Fabric:
    """An ellipse through the lengths along y, x and the diagonals, and whether it could be a circle.

    Stretch an isotropic structure, and 1/length² along a direction at the angle t to x becomes
    m (1 + p cos 2t + q sin 2t). The axes give p and the diagonals q, each pair by itself: a lattice
    misses more of the shortest chords along its diagonals than along its axes.

    Attributes: `lengths` (4,) [pixel]; the `ratio` of the axes and its 95 % interval `low`, `high`; the
    `angle` of the long axis, counter-clockwise from x [degrees]; the `chance` of so long an ellipse.
    """

    def __init__(self, rates: Values) -> None:
        """Take 1/length, shape (1 + tiles, 4): of the image, then of the image without each tile."""
        self.lengths: Values = 1 / np.maximum(rates[0], 1e-9)
        y, x, falling, rising = (rates**2).T
        parts = np.stack([(x - y) / (x + y), (falling - rising) / (falling + rising)], axis=-1)
        self._whole, without = parts[0], parts[1:]
        tiles = len(without)
        freedom = tiles - 2
        apart = without - without.mean(axis=0)
        spread = (tiles - 1) / tiles * apart.T @ apart + 1e-12 * np.eye(2)  # patterns have none
        hotelling = float(self._whole @ np.linalg.solve(spread, self._whole))
        self.chance = float(fdtrc(2, freedom, hotelling * freedom / (2 * (tiles - 1))))
        size = float(np.hypot(*self._whole))
        error = math.sqrt(float(self._whole @ spread @ self._whole)) / max(size, 1e-12)
        margin = float(stdtrit(freedom, 0.975)) * error
        self.ratio, self.low, self.high = (_axes_ratio(e) for e in (size, size - margin, size + margin))
        # longest where 1/length² is least; y points down, so the angle turns the other way
        self.angle = -0.5 * math.degrees(math.atan2(-self._whole[1], -self._whole[0])) % 180

    def ellipse(self, turn: Values) -> Values:
        """Return the lengths [pixel] at angles counter-clockwise from x [radians]."""
        p, q = self._whole * min(1.0, _NEARLY_ONE / max(float(np.hypot(*self._whole)), 1e-12))
        mean_rate_squared = np.mean(self.lengths[:2] ** -2)
        return np.asarray((mean_rate_squared * (1 + p * np.cos(2 * turn) - q * np.sin(2 * turn))) ** -0.5)


def _axes_ratio(anisotropy: float) -> float:
    e = min(max(anisotropy, 0.0), _NEARLY_ONE)
    return math.sqrt((1 + e) / (1 - e))


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else "more than 10"


def _along(angle: float) -> str:
    if abs(angle - 90) <= 10:
        return "along y"
    return "along x" if min(angle, 180 - angle) <= 10 else f"at {angle:.0f}° to x"


# -- stationarity -----------------------------------------------------------------------------------


def _stationarity(image: "_Image") -> Check:
    size = image.pixel_size
    rates = image.tiles.rates()
    fields = {  # a field over the tiles, and what its changes are a share of
        "porosity": (image.tiles.porosity, min(image.porosity, 1 - image.porosity)),
        "distance": (rates, float(rates.mean())),
    }
    values: dict[str, float] = {}
    curves: dict[str, Values] = {}
    findings: list[_Finding] = []
    for axis, letter in enumerate("yx"):
        curves[f"edges_{letter}"] = image.tiles.edges[axis] * size
        for what, (field, scale) in fields.items():
            profile = _Profile(np.moveaxis(field, axis, 0), scale)
            means, error = profile.means, np.full_like(profile.means, profile.error)
            if what == "distance":  # its rate is what adds up; 2/rate is a pore and a solid chord
                means, error = 2 / np.maximum(means, 1e-9) * size, 2 / scale**2 * error * size
            curves |= {f"{what}_{letter}": means, f"{what}_{letter}_expected": error}
            for kind, (change, chance) in {"trend": profile.trend, "layers": profile.layers}.items():
                chance = min(2 * 2 * len(fields) * chance, 1.0)  # axes, trend and layers, fields
                values |= {f"{kind}_{what}_{letter}": change, f"chance_{kind}_{what}_{letter}": chance}
                findings.append(_Finding(_judge(change, chance), change, what, kind, letter, means))
        expected = image.strip_scatter(axis)
        values[f"scatter_{letter}"] = float(curves[f"porosity_{letter}"].std(ddof=1)) / max(expected, 1e-9)
        curves[f"porosity_{letter}_expected"] = np.full(len(curves[f"porosity_{letter}"]), 1.96 * expected)
    worst = max(findings, key=lambda finding: (_SEVERITY.index(finding.status), finding.change))
    limits = {name: DIFFERENCE for name in values if name.startswith(("trend", "layers"))}
    return Check("stationarity", worst.status, worst.sentence(), values, limits, curves)


@dataclass(frozen=True, slots=True, eq=False)
class _Finding:
    status: Status
    change: float
    what: str
    kind: str
    axis: str
    means: Values

    def sentence(self) -> str:
        wanted = f"wanted {100 * DIFFERENCE[0]:.0f} % at most"
        if self.status == "ok":
            found = f"porosity and pore-to-pore distance change by {100 * self.change:.0f} % at most across"
            return f"{found} the image, {wanted}" + (_BY_CHANCE if self.change >= DIFFERENCE[0] else "")
        ends = self.means[[0, -1]]
        if self.kind == "layers":
            ends = np.array([self.means.min(), self.means.max()])
        if self.what == "porosity":
            name, share = "porosity", " of the scarcer phase"
            low, high = (f"{100 * end:.1f} %" for end in ends)
        else:
            name, share = "pore-to-pore distance", ""
            low, high = (format_length(end, 3) for end in ends)
        how = "varies in layers along" if self.kind == "layers" else "drifts along"
        return (
            f"the {name} {how} {self.axis}, from {low} to {high}: a change across the image of "
            f"{100 * self.change:.0f} %{share}, {wanted}; replicas are alike throughout and will show an "
            "average of it: crop to a part that looks alike everywhere, or reconstruct part by part"
        )


class _Profile:
    """Means over strips of tiles, and whether they differ: an analysis of variance of rows and columns.

    Layers move whole rows of tiles, chance moves single tiles. What is left of the tiles without the means
    of rows and columns therefore says how far the means of rows lie apart by chance, with no model of the
    structure.

    Attributes: `means` (rows,); half their 95 % interval, `error`; `trend` and `layers`, each (change,
    chance): the change across the image as a share of `scale`, and the chance of one so large. The
    change of layers is that of the straight trend that would spread the means as much as the layers do.
    """

    def __init__(self, field: Values, scale: float) -> None:
        rows, columns = field.shape
        self.means: Values = field.mean(axis=1)
        rest = field - self.means[:, None] - field.mean(axis=0) + field.mean()
        freedom = (rows - 1) * (columns - 1)
        noise = float(np.sum(rest**2)) / freedom + 1e-12 * scale**2  # patterns have none
        self.error = float(stdtrit(freedom, 0.975)) * math.sqrt(noise / columns)
        place = np.arange(rows) - (rows - 1) / 2
        slope = float(place @ self.means / (place @ place))
        straight = columns * slope**2 * float(place @ place)
        bends = self.means - self.means.mean() - slope * place
        layered = columns * float(bends @ bends) / (rows - 2)
        spread = math.sqrt(max(layered - noise, 0.0) / columns)
        self.trend = (abs(slope) * rows / scale, float(fdtrc(1, freedom, straight / noise)))
        self.layers = (math.sqrt(12) * spread / scale, float(fdtrc(rows - 2, freedom, layered / noise)))


# -- size -------------------------------------------------------------------------------------------


def _size(image: "_Image", wanted_error: float) -> Check:
    ny, nx = image.pore.shape
    size = image.pixel_size
    variance = image.mean_variance
    error = 1.96 * math.sqrt(variance) / image.porosity
    features = min(ny, nx) / image.period
    larger = max(error / wanted_error, FEATURES[0] / features)
    values = {
        "porosity": image.porosity,
        "porosity_error": error,
        "independent_areas": image.variance / max(variance, 1e-12),
        "features_across": features,
        "correlation_lengths_across": min(ny, nx) / float(image.lengths.mean()),
        "wanted_height": ny * size * larger,
        "wanted_width": nx * size * larger,
    }
    status = _worst([_above(error, POROSITY_ERROR), _below(features, FEATURES)])
    sentence = (
        f"the porosity of {100 * image.porosity:.1f} % is the material's to within {100 * error:.2g} % of "
        f"itself (95 %), wanted {100 * POROSITY_ERROR[0]:.0f} % at most; {features:.3g} pore-to-pore "
        f"distances lie along the shorter side, wanted {FEATURES[0]:.0f} at least"
    )
    if larger > 1:
        height, width = (format_length(values[name], 3) for name in ("wanted_height", "wanted_width"))
        sentence += (
            f"; {larger:.2g} times as wide a field of view ({height} by {width}) would bring "
            f"{100 * wanted_error:.3g} % and {FEATURES[0]:.0f} of them, or better"
        )
    root = math.sqrt(ny * nx) * size
    side = root * np.geomspace(0.1, max(2.0, 1.4 * larger), 80)
    windows, scatter = image.window_scatter()
    curves = {
        "side": side,
        "error": error * root / side,
        "window_side": windows * size,
        "window_error": 1.96 * scatter / image.porosity,
    }
    limits = {"porosity_error": POROSITY_ERROR, "features_across": FEATURES}
    return Check("size", status, sentence, values, limits, curves)


# -- sharpness --------------------------------------------------------------------------------------


def _sharpness(image: "_Image") -> Check:
    size = image.pixel_size
    chords = {"pore": image.porosity * image.period, "solid": (1 - image.porosity) * image.period}
    thinner = min(chords, key=lambda phase: chords[phase])
    phases = {"pore": image.pore, "solid": ~image.pore}
    chord, thin = chords[thinner], _thin_share(phases[thinner])
    status = _worst([_below(chord, CHORD), _above(thin, THIN_SHARE)])
    needed = size * min(chord / CHORD[0], 0.5 if thin >= THIN_SHARE[0] else 1.0, 1.0)
    values = {
        "chord_pixels": chord,
        "chord_pore": chords["pore"] * size,
        "chord_solid": chords["solid"] * size,
        "thin_share": thin,
        "jagged_share": _jagged_share(image.pore),
        "needed_pixel_size": needed,
    }
    sentence = (
        f"a line stays in the thinner phase ({thinner}) for {chord:.1f} pixels on average, wanted "
        f"{CHORD[0]:.0f} at least, and {100 * thin:.0f} % of it is one or two pixels thick, wanted "
        f"{100 * THIN_SHARE[0]:.0f} % at most"
    )
    if status != "ok":
        sentence += (
            f"; take an image with pixels of {format_length(needed, 3)} (these are {format_length(size, 3)}) "
            "or, if what is so thin is noise, smooth more when segmenting"
        )
    most = math.ceil(4 * max(chords.values()))
    curves: dict[str, Values] = {f"share_{n}": _chord_shares(p, most) for n, p in phases.items()}
    curves["length"] = np.arange(1, most + 1, dtype=np.float64) * size
    limits = {"chord_pixels": CHORD, "thin_share": THIN_SHARE}
    return Check("sharpness", status, sentence, values, limits, curves)


def _thin_share(phase: NDArray[np.bool_]) -> float:
    """Return the share of a phase that no square of 3 x 3 of its pixels covers."""
    padded = np.pad(phase, 2, mode="edge")  # a feature that the border cuts is not thin for that
    thick = ndimage.maximum_filter(ndimage.minimum_filter(padded, 3), 3)[2:-2, 2:-2]
    return 1 - float(np.count_nonzero(thick & phase) / np.count_nonzero(phase))


def _jagged_share(pore: NDArray[np.bool_]) -> float:
    """Return the share of the pixels at a wall that the majority of their 3 x 3 pixels would flip."""
    votes = ndimage.convolve(pore.astype(np.uint8), np.ones((3, 3), np.uint8), mode="nearest")
    wall = np.zeros_like(pore)
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        changes = pore[here] != pore[there]
        wall[here] |= changes
        wall[there] |= changes
    return float(np.count_nonzero(wall & ((votes > 4) != pore)) / np.count_nonzero(wall))


def _chord_shares(phase: NDArray[np.bool_], most: int) -> Values:
    """Return the shares of chords of 1, 2 ... `most` pixels along y and x; none that the border cuts."""
    counts = np.zeros(most + 1, dtype=np.int64)
    for lines in (phase, phase.T):
        steps = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        start, end = np.nonzero(steps == 1)[1], np.nonzero(steps == -1)[1]
        whole = (start > 0) & (end < lines.shape[1])
        counts += np.bincount((end - start)[whole], minlength=most + 1)[: most + 1]
    return np.asarray(counts[1:] / max(int(counts.sum()), 1))


# -- what is large, and what is chance ----------------------------------------------------------------

_BY_CHANCE = "; in an image of so few features that is within chance"


def _judge(change: float, chance: float) -> Status:
    """Return what a change is worth that is as large as this with this chance by accident."""
    return _SEVERITY[sum(change >= d and chance < c for d, c in zip(DIFFERENCE, CHANCE, strict=True))]


def _above(value: float, limits: Limits) -> Status:
    return _SEVERITY[sum(value >= limit for limit in limits)]


def _below(value: float, limits: Limits) -> Status:
    return _SEVERITY[sum(value <= limit for limit in limits)]


def _worst(found: Sequence[Status]) -> Status:
    return max(found, key=_SEVERITY.index, default="ok")


# -- what the checks share ----------------------------------------------------------------------------


class _Image:
    """One image and what more than one check asks of it; lengths in pixels.

    Attributes: `pore`, `pixel_size`, `porosity`, the `variance` of a pixel, the correlation `lengths` along
    the four directions, `tiles`, and the `mean_variance`: that of the porosity of such images.
    """

    def __init__(self, phase: PhaseImage) -> None:
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
        self.tiles = _Tiles(self.pore, self.lengths[:2])
        self.mean_variance, self._range = self._integrate()

    @cached_property
    def chord_rates(self) -> Values:
        """Return changes of phase per pixel along the four directions, (1 + tiles, 4) as `_Fabric` wants."""
        counts = [self.tiles.pairs(step) for step in DIRECTIONS.values()]
        rates = np.stack([_without_each(one) / _without_each(every) for _, one, every in counts], axis=-1)
        return np.asarray(np.maximum(rates / _REACH, 1 / max(self.pore.shape)))  # no chord beyond the image

    @property
    def period(self) -> float:
        """Mean pore and solid chord together, over the lines along y and x."""
        return 2 / float(self.chord_rates[0, :2].mean())

    def length_rates(self) -> Values:
        """Return 1/correlation length along the four directions, (1 + tiles, 4) as `_Fabric` wants."""
        porosity = _without_each(self.tiles.porosity * self.tiles.area) / _without_each(self.tiles.area)
        rates = np.empty((len(porosity), len(DIRECTIONS)))
        for d, (step, reach) in enumerate(zip(DIRECTIONS.values(), _REACH, strict=True)):
            # the lags around this length: leaving one tile out moves it little
            low, high = (self.lengths[d] * factor / reach for factor in (1 / 1.6, 1.6))
            last = max(int(self._longest / reach), 2)
            lags = np.unique(np.rint(np.geomspace(max(low, 1), max(high, 3), 9)).astype(int).clip(1, last))
            counts = [self.tiles.pairs((step[0] * int(lag), step[1] * int(lag))) for lag in lags]
            s2 = np.stack([_without_each(both) / _without_each(pairs) for both, _, pairs in counts], axis=-1)
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
        for turn in np.radians(angle % 180):  # a lag and its opposite are one
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
        porosity hides the part that all of its pixels share, so every value comes out low by just that
        variance, for which the equation is solved. The range ends where the mean over all directions sinks
        into its noise, 1 / sqrt(independent areas); further on only noise would be added up.
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

        first, _ = until(0.1)
        return until(math.sqrt(max(first / self.variance, 1e-6)))

    def _lags(self) -> tuple[Values, Values]:
        """Return the length of each lag in the tables of pairs, and its weight, as -lag is not there."""
        y, x = np.ogrid[: self._longest + 1, -self._longest : self._longest + 1]
        return np.hypot(y, x), np.where(y > 0, 2.0, np.where(x == 0, 1.0, np.where(x > 0, 2.0, 0.0)))

    def strip_scatter(self, axis: int) -> float:
        """Return the standard deviation between strips of tiles of the porosity, were it stationary."""
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


class _Tiles:
    """The image in rectangles of a few correlation lengths, and what is counted in each."""

    def __init__(self, pore: NDArray[np.bool_], lengths: Values) -> None:
        self._pore = pore.astype(np.float32)  # sums over tiles are products of matrices; exact below 2**24
        self.edges = [
            np.rint(
                np.linspace(0, n, int(np.clip(n / (TILE * length), FEWEST_TILES, MOST_TILES)) + 1)
            ).astype(int)
            for n, length in zip(pore.shape, lengths, strict=True)
        ]
        self._rows, self._columns = (
            np.eye(len(edges) - 1, dtype=np.float32)[np.repeat(np.arange(len(edges) - 1), np.diff(edges))]
            for edges in self.edges
        )
        self.area: Values = np.outer(*(np.diff(edges) for edges in self.edges)).astype(np.float64)
        self.porosity: Values = self._sums(self._pore, 0) / self.area

    def rates(self) -> Values:
        """Return changes of phase per pixel in each tile, along y and x together, (rows, columns)."""
        counts = [self.pairs(step) for step in ((1, 0), (0, 1))]
        return np.asarray(sum(c[1] for c in counts) / sum(c[2] for c in counts)).reshape(self.area.shape)

    def pairs(self, lag: tuple[int, int]) -> tuple[Values, Values, Values]:
        """Count pairs of pixels by their upper one's tile: both pore, one pore, and all; (tiles,) each."""
        y, x = lag
        ny, nx = self._pore.shape
        left = max(-x, 0)
        width = nx - abs(x)
        upper = self._pore[: ny - y, left : left + width]
        lower = self._pore[y:, left + x : left + x + width]
        both, either = self._sums(upper * lower, left), self._sums(upper + lower, left)
        rows, columns = self._rows[: ny - y].sum(axis=0), self._columns[left : left + width].sum(axis=0)
        return both.ravel(), (either - 2 * both).ravel(), np.outer(rows, columns).ravel().astype(np.float64)

    def _sums(self, picture: NDArray[np.float32], left: int) -> Values:
        rows = self._rows[: picture.shape[0]]
        columns = self._columns[left : left + picture.shape[1]]
        return np.asarray(rows.T.astype(np.float64) @ (picture @ columns).astype(np.float64))


def _without_each(counts: Values) -> Values:
    """Return the sum over all tiles, then that without each of them, (1 + tiles,)."""
    flat = counts.ravel()
    return np.concatenate([[flat.sum()], flat.sum() - flat])


def _length_of(lags: NDArray[Any], curve: Values) -> float:
    """Return where a correlation first falls to 1/e, straight between lags; the last lag if nowhere."""
    below = curve <= 1 / math.e
    if not below.any():
        return float(lags[-1])
    i = int(np.argmax(below))
    before, after = curve[i - 1], curve[i]
    return float(lags[i - 1] + (before - 1 / math.e) / (before - after) * (lags[i] - lags[i - 1]))


def _pair_counts(pore: NDArray[np.bool_], longest: int) -> tuple[Values, Values]:
    """Count pairs of pixels at the lags y = 0 ... longest, x = -longest ... longest: both pore, and all."""
    shape = [fft.next_fast_len(n + longest + 1, real=True) for n in pore.shape]  # what wraps lies further off
    spectrum = fft.rfft2(pore.astype(np.float32), shape)  # counts come out right to 1e-6 of the pixels
    both = fft.irfft2(np.abs(spectrum) ** 2, shape)
    x = np.arange(-longest, longest + 1)
    ny, nx = pore.shape
    pairs = np.outer(ny - np.arange(longest + 1), nx - np.abs(x))
    return np.asarray(both[: longest + 1, x], dtype=np.float64), pairs.astype(np.float64)
