"""What a family of recipes is, to the search."""

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
        What its recipes are made of, for help and reports.
    dimension : int
        How many numbers there are to find, each in [0, 1].
    recipe : callable
        Returns the recipe of such numbers; also takes the unit of length [m] and the porosity.
    share : float
        Trials of it per trial that is asked for, where all families are tried.
    patterns : bool
        Whether its search compares the small patterns of sections too, from the first trial on.
    stream : int
        Of the random numbers that drive its search. Never shared and never used again: 0, 6 and 7 are taken,
        new ones count from 100.
    """

    name: str
    words: str
    dimension: int
    recipe: Callable[[Point, float, float], Recipe]
    share: float
    patterns: bool
    stream: int


def between(u: float, low: float, high: float) -> float:
    """Return a number of a range at u in [0, 1], evenly on a scale of logarithms."""
    return float(low * (high / low) ** float(u))
