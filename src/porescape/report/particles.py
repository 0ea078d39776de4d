"""Retention of the particles that were asked for, over replicas."""

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from porescape.core.measurement import Measurement
from porescape.report.words import decimals_for
from porescape.units import format_length

LEAST = 1e-6  # of the particles; a smaller share that passes is told by the log reduction alone


class Particles(NamedTuple):
    """What becomes of particles of one size.

    Attributes
    ----------
    diameter : float
        [m]
    retained : float
        Share, the mean over replicas.
    lowest, highest : float
        Of a replica.
    log_reduction : float
        -log10 of the mean share that passes.
    at_least : bool
        Whether the boxes have too few paths to say more.
    """

    diameter: float
    retained: float
    lowest: float
    highest: float
    log_reduction: float
    at_least: bool

    @property
    def words(self) -> str:
        """The same in words.

        >>> Particles(2e-7, 0.9968, 0.99, 0.999, 2.5, False).words
        '200 nm: 99.68 % retained (99.00 to 99.90 % by replica), LRV 2.5'
        """
        passing = max(1 - self.retained, LEAST)
        digits = max(decimals_for(100, 100 * passing), 0)  # two of what passes
        mean, low, high = (
            f"{100 * min(one, 1 - LEAST):.{digits}f}" for one in (self.retained, self.lowest, self.highest)
        )
        lrv = f"{'at least ' if self.at_least else ''}{self.log_reduction:.1f}"
        more = self.at_least or self.retained > 1 - LEAST
        share = f"{'more than ' if more else ''}{mean} %"
        spread = f" ({low} to {high} % by replica)" if self.lowest < self.highest else ""
        return f"{format_length(self.diameter)}: {share} retained{spread}, LRV {lrv}"


def particles(measured: Iterable[Measurement]) -> Iterator[Particles]:
    """Yield what becomes of each size of particles that was asked for and measured, over replicas."""
    curves = [
        (found["log_reduction_z"], found["log_reduction_z_at_least"])
        for found in (one.details.curves for one in measured)
        if "log_reduction_z" in found
    ]
    if not curves:
        return
    for i, diameter in enumerate(curves[0][0].x):
        passing = np.array([10 ** -value.y[i] for value, _ in curves])
        yield Particles(
            diameter=float(diameter),
            retained=float(1 - passing.mean()),
            lowest=float(1 - passing.max()),
            highest=float(1 - passing.min()),
            log_reduction=abs(math.log10(passing.mean())),
            at_least=any(bound.y[i] > 0 for _, bound in curves),
        )
