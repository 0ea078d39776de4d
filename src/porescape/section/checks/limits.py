"""The limits of warnings and failures of the checks.

Isotropy and stationarity warn if a difference is both large and unlikely to be chance.
"""

from collections.abc import Sequence

from porescape.core.check import Limits, Status

SEVERITY: tuple[Status, ...] = ("ok", "warn", "fail")

# A reconstruction has one length for all directions and places. Where lengths differ by a share d it is off
# by d/2 at either end: 0.15 gives 7 %, about the scatter between good reconstructions; 0.5 gives 25 %, more
# than the acceptable error of any number. Chosen by hand for these reasons; rates of true and false warnings:
# bench/results/image-checks.md.
DIFFERENCE = (0.15, 0.50)
# Chosen by hand: the probability of a false alarm by the check as a whole; stopping a run needs the stronger
# evidence.
CHANCE = (0.01, 0.001)

WITHIN_CHANCE = "; with so few features in the image this is within chance"


def status_of(change: float, chance: float) -> Status:
    """Return the status of a change of this size, and of this probability by chance alone."""
    return SEVERITY[sum(change >= d and chance < c for d, c in zip(DIFFERENCE, CHANCE, strict=True))]


def status_above(value: float, limits: Limits) -> Status:
    """Return the status of a value that should be small."""
    return SEVERITY[sum(value >= limit for limit in limits)]


def status_below(value: float, limits: Limits) -> Status:
    """Return the status of a value that should be large."""
    return SEVERITY[sum(value <= limit for limit in limits)]


def worst(found: Sequence[Status]) -> Status:
    """Return the most severe status."""
    return max(found, key=SEVERITY.index, default="ok")
