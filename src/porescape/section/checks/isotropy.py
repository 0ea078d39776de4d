"""Isotropy: are features as long in every direction of the image?"""

import math

import numpy as np
from scipy.special import fdtrc, stdtrit

from porescape.core.check import Check, Status, Values
from porescape.section.checks.limits import DIFFERENCE, WITHIN_CHANCE, status_of, worst
from porescape.section.checks.sampled import DIRECTIONS, SampledImage
from porescape.wording import beside

_NEARLY_ONE = 0.9999  # anisotropy at most, a ratio of lengths of 140; chosen by hand


def check_isotropy(image: SampledImage) -> Check:
    """Compare mean chords and correlation lengths along y, x and both diagonals."""
    size = image.pixel_size
    fabrics = {"chord": _Fabric(image.chord_rates), "correlation": _Fabric(image.length_rates())}
    values: dict[str, float] = {}
    found: list[Status] = []
    for name, fabric in fabrics.items():
        chance = min(len(fabrics) * fabric.chance, 1.0)
        if name == "correlation" and image.unbounded:
            chance = 1.0  # lengths cut off at the last lag do not vary and would appear certain
        values |= {f"ratio_{name}": fabric.ratio, f"chance_{name}": chance}
        values |= {f"ratio_{name}_low": fabric.low, f"ratio_{name}_high": fabric.high}
        found.append(status_of(fabric.ratio - 1, chance))
    status = worst(found)
    decisive = ["chord"] if image.unbounded else list(fabrics)
    more = max((fabrics[name] for name in decisive), key=lambda fabric: fabric.ratio)
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
        f"(95 % interval: {_times(fabric.low)} to {_times(fabric.high)}), "
        f"wanted {1 + DIFFERENCE[0]:.2f} at most"
    )
    if status != "ok":
        return sentence + (
            ": replicas are isotropic and will average over the directions; take a section without a "
            "preferred direction"
        )
    return sentence + (WITHIN_CHANCE if fabric.ratio - 1 >= DIFFERENCE[0] else "")


class _Fabric:
    """An ellipse fitted to the lengths along y, x and the diagonals, and whether it could be a circle.

    If an isotropic structure is stretched, 1/length² along a direction at the angle t to x becomes
    m (1 + p cos 2t + q sin 2t). The axes give p and the diagonals q, each pair by itself: on a grid of
    pixels more of the shortest chords are missed along the diagonals than along the axes.

    Attributes: `lengths` (4,) [pixel]; the `ratio` of the axes and its 95 % interval `low`, `high`; the
    `angle` of the long axis, counter-clockwise from x [degrees]; the `chance`: the probability of
    an ellipse as elongated as this in an isotropic material.
    """

    def __init__(self, rates: Values) -> None:
        """Take 1/length, shape (1 + tiles, 4): of the image, then of the image without each tile."""
        self.lengths: Values = 1 / np.maximum(rates[0], 1e-9)
        y, x, falling, rising = (rates**2).T
        parts = np.stack([(x - y) / (x + y), (falling - rising) / (falling + rising)], axis=-1)
        self._whole, without = parts[0], parts[1:]
        tiles = len(without)
        freedom = tiles - 2
        deviations = without - without.mean(axis=0)
        spread = (tiles - 1) / tiles * deviations.T @ deviations
        spread = spread + 1e-12 * np.eye(2)  # regular patterns have no spread
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
    return beside(ratio, 1 + DIFFERENCE[0], 2) if ratio < 10 else "more than 10"


def _along(angle: float) -> str:
    if abs(angle - 90) <= 10:
        return "along y"
    return "along x" if min(angle, 180 - angle) <= 10 else f"at {angle:.0f}° to x"
