"""Families of recipes: what the numbers of a search stand for.

All are parts of one generator. The paper's three fields can be nearly anything; grains and fibres are bodies
with an outline of their own, balls and rods thrown blindly, which three fields only come near to.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from porescape.core.recipe import Recipe
from porescape.synthesis.fields import capsule_radius

# Of the range of each weight this much means "without this field": pure materials are common. 0.35 makes
# trials a fifteenth cheaper and replicas scatter more (docs/design-notes/search.md).
ABSENT = 0.2

Point = NDArray[np.float64]  # in the unit cube


class Family(NamedTuple):
    """A family of recipes.

    Attributes
    ----------
    dimension : int
        How many numbers there are to find, each in [0, 1].
    recipe : callable
        Returns the recipe of such numbers; also takes the unit of length [m] and the porosity.
    """

    dimension: int
    recipe: Callable[[Point, float, float], Recipe]


def fields(x: Point, length: float, porosity: float) -> Recipe:
    """Return a recipe of the paper's three fields.

    Parameters
    ----------
    x : ndarray of float, shape (9,)
        In the unit cube.
    length : float
        What all lengths are in proportion to [m].
    porosity : float
    """

    def between(u: float, low: float, high: float) -> float:
        return length * _between(u, low, high)

    cells, bumps, branch = (max(float(u) - ABSENT, 0.0) for u in x[:3])
    return Recipe(
        cells=cells,
        bumps=bumps,
        branch=branch if cells + bumps + branch > 0 else 1.0,
        cell_spacing=between(x[3], 1.0, 10.0),
        bump_spacing=between(x[4], 1.0, 10.0),
        branch_width=between(x[5], 0.12, 2.0),
        branch_cut=0.05 + 0.9 * float(x[6]),
        highpass_width=between(x[7], 0.4, 10.0),
        smoothing=between(x[8], 0.03, 0.6),
        porosity=porosity,
    )


def grains(x: Point, length: float, porosity: float) -> Recipe:
    """Return a recipe of solid balls of one size, thrown blindly, their necks rounded.

    Parameters
    ----------
    x : ndarray of float, shape (2,)
        Radius and rounding.
    """
    return _bodies(length * _between(x[0], 0.25, 3.0), 0.0, x[1], porosity)


def fibres(x: Point, length: float, porosity: float) -> Recipe:
    """Return a recipe of straight solid fibres of one size, thrown blindly, their crossings rounded.

    Parameters
    ----------
    x : ndarray of float, shape (3,)
        Radius, length over radius, and rounding.
    """
    radius = length * _between(x[0], 0.25, 3.0)
    return _bodies(radius, radius * _between(x[1], 4.0, 100.0), x[2], porosity)


def _bodies(radius: float, length: float, rounding: float, porosity: float) -> Recipe:
    """Return a recipe of capsules, as many as leave the pores between them (Poisson: exp(-n v))."""
    filled = -math.log(porosity)
    spacing = ((4 / 3 * math.pi * radius**3 + math.pi * radius**2 * length) / filled) ** (1 / 3)
    return Recipe(
        cells=1.0,
        bumps=0.0,
        branch=0.0,
        cell_spacing=spacing,
        cell_length=length,
        bump_spacing=spacing,
        branch_width=radius,
        branch_cut=0.5,
        highpass_width=None,
        smoothing=radius * _between(rounding, 0.03, 1.0),
        porosity=porosity,
    )


def radius_of(recipe: Recipe) -> float | None:
    """Return the radius of a recipe's balls or fibres before they were rounded [m]; None of three fields."""
    if recipe.bumps or recipe.branch or recipe.highpass_width is not None:
        return None
    return capsule_radius(recipe.cell_spacing, recipe.cell_length, -math.log(recipe.porosity))


def _between(u: float, low: float, high: float) -> float:
    return float(low * (high / low) ** float(u))


FAMILIES = {"fields": Family(9, fields), "fibres": Family(3, fibres), "grains": Family(2, grains)}
