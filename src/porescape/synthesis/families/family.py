"""The definition of a family of recipes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from porescape.core.recipe import Recipe

Point = Any  # numbers in the unit cube: an array, or a sequence of float


@dataclass(frozen=True, kw_only=True, slots=True)
class Family:
    """A family of recipes.

    Attributes
    ----------
    name : str
        As in `--family`.
    words : str
        Description of its recipes, for help and reports.
    dimension : int
        Number of parameters, each in [0, 1].
    recipe : callable
        Returns the recipe of such parameters; also takes the unit of length [m] and the porosity.
    share : float
        Trials of this family per trial in the settings, if all families are tried.
    patterns : bool
        Whether its search also compares the small patterns of sections, from the first trial on.
    stream : int
        Number of the random stream of its search. Never shared and never reused: 0, 6 and 7 are taken,
        new ones start at 100.
    """

    name: str
    words: str
    dimension: int
    recipe: Callable[[Point, float, float], Recipe]
    share: float
    patterns: bool
    stream: int


def between(u: float, low: float, high: float) -> float:
    """Return the number at u in [0, 1] of a range on a logarithmic scale."""
    return float(low * (high / low) ** float(u))
