"""When a finding of a check is a warning, and when a failure.

Isotropy and stationarity alarm where a difference is both large and unlikely to be chance.
"""

from collections.abc import Sequence

from porescape.core.check import Limits, Status

SEVERITY: tuple[Status, ...] = ("ok", "warn", "fail")

# A reconstruction has one length for all directions and places. Where lengths differ by a share d it is off
# by d/2 at either end: 0.15 gives 7 %, about the scatter between good reconstructions; 0.5 gives 25 %, more
# than any number of the result should be off. Chosen by hand for these reasons; how often they alarm, rightly
# and wrongly: bench/results/image-checks.md.
DIFFERENCE = (0.15, 0.50)
# Chosen by hand: the probability of a false alarm by the check as a whole; stopping a run needs the stronger
# evidence.
CHANCE = (0.01, 0.001)

WITHIN_CHANCE = "; with so few features in the image this is within chance"


def status_of(change: float, chance: float) -> Status:
    """Return the status of a change of this size that chance alone makes as large with this probability."""
    return SEVERITY[sum(change >= d and chance < c for d, c in zip(DIFFERENCE, CHANCE, strict=True))]


def status_above(value: float, limits: Limits) -> Status:
    """Return the status of a value of which much is bad."""
    return SEVERITY[sum(value >= limit for limit in limits)]


def status_below(value: float, limits: Limits) -> Status:
    """Return the status of a value of which little is bad."""
    return SEVERITY[sum(value <= limit for limit in limits)]


def worst(found: Sequence[Status]) -> Status:
    """Return the most severe status."""
    return max(found, key=SEVERITY.index, default="ok")
