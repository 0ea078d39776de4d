"""Means over volumes, with their spread and 95 % intervals."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from porescape.core.measurement import Estimate, Measurement
from porescape.errors import InputError
from porescape.measure.meters import NUMBERS
from porescape.measure.meters.meter import Number


def summarise(measurements: Sequence[Measurement]) -> dict[str, Estimate]:
    """Return mean, standard deviation and interval of every number measured on any of the volumes.

    Volumes without a value (NaN) are left out, and `n` is the number of volumes used. The standard deviation
    is that between these volumes; it does not include errors that all of them share, such as that of the
    image.
    """
    if not measurements:
        raise InputError("a summary needs at least one measurement, got none")
    measured = set().union(*(m.values for m in measurements))
    return {
        name: _estimate([m.values.get(name, math.nan) for m in measurements], number)
        for name, number in NUMBERS.items()
        if name in measured
    }


def _estimate(values: list[float], number: Number) -> Estimate:
    known = np.array([value for value in values if not math.isnan(value)])
    n = known.size
    mean = float(known.mean()) if n else math.nan
    sd = float(known.std(ddof=1)) if n > 1 else math.nan  # one value has no spread
    ends = interval_of(mean, students_margin(sd, n), number.least, number.most)
    return Estimate(mean, sd, ends, number.unit, n, 1.96 * sd / math.sqrt(n) if n else math.nan)


def students_margin(sd: float, n: int) -> float:
    """Return the half width of the mean's 95 % interval, by Student's t; NaN for fewer than two values."""
    return float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n) if n > 1 else math.nan


def interval_of(
    mean: float, margin: float, least: float = 0.0, most: float = math.inf
) -> tuple[float, float]:
    """Return the ends of an interval with this half width, within the limits of the number.

    The error of a positive number is a ratio: too large by a factor is as likely as too small by this factor.
    The interval is from mean / f to mean x f, f = exp(margin / mean), so a narrow interval has its half width
    on both sides. If the margin exceeds the mean, the upper end continues as a straight line, e x margin,
    because the exponential of a rough half width would be meaningless. A number that can be below zero has
    the margin on both sides.

    >>> [round(end, 2) for end in interval_of(10.0, 0.5)], [round(end, 2) for end in interval_of(10.0, 5.0)]
    ([9.51, 10.51], [6.07, 16.49])
    >>> interval_of(-1.0, 3.0, least=-math.inf), interval_of(0.9, 0.3, most=1.0)[1]
    ((-4.0, 2.0), 1.0)
    """
    if least < 0 or math.isnan(margin):
        low, high = mean - margin, mean + margin
    elif margin < mean:
        factor = math.exp(margin / mean)
        low, high = mean / factor, mean * factor
    else:
        low, high = mean * math.exp(-margin / mean) if mean > 0 else 0.0, math.e * margin
    return (low, high) if math.isnan(margin) else (min(max(low, least), mean), max(min(high, most), mean))
