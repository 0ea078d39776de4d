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
    """Return mean, spread and confidence of every number that was measured on any of the volumes.

    Volumes without a value (NaN) are left out of that number, and `n` says how many were used. The
    spread is that between these volumes; it says nothing of what all of them share, such as the image.
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
    sd = float(known.std(ddof=1)) if n > 1 else math.nan  # of one there is no spread to be seen
    ends = interval_of(mean, students_margin(sd, n), number.least, number.most)
    return Estimate(mean, sd, ends, number.unit, n, 1.96 * sd / math.sqrt(n) if n else math.nan)


def students_margin(sd: float, n: int) -> float:
    """Return the half width of the mean's 95 % interval, by Student's t; NaN for fewer than two values."""
    return float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n) if n > 1 else math.nan


def interval_of(
    mean: float, margin: float, least: float = 0.0, most: float = math.inf
) -> tuple[float, float]:
    """Return the ends of an interval with this half width, within what the number can be.

    What is positive is wrong by a ratio: too large by some factor is as likely as too small by it. The
    interval runs from mean / f to mean x f, f = exp(margin / mean), so a narrow one has its half width on
    either side. A margin beyond the mean is no ratio any more; there the upper end goes on in a straight
    line, e x margin, because an exponential of a rough half width would say nothing. What can be below
    zero has the margin on either side.

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
