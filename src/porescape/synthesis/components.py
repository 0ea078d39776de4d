"""The weighted random fields of a recipe: one description for all implementations."""

import math
from dataclasses import dataclass

from porescape.core.recipe import BodiesRecipe, Recipe
from porescape.synthesis.capsules import capsule_radius


@dataclass(frozen=True, slots=True)
class Grains:
    """The distance to the nearest seed.

    Attributes
    ----------
    name : str
        Which of the independent grain fields, by `porescape.rng.FIELDS`.
    spacing : float
        (Volume per seed)^(1/3) [m].
    length : float
        Of the seeds [m]: 0 for points, otherwise straight rods in isotropic directions.
    """

    name: str
    spacing: float
    length: float = 0.0


@dataclass(frozen=True, slots=True)
class Branches:
    """The signed distance to the cut of smoothed noise.

    Attributes
    ----------
    width : float
        Of the smoothing Gaussian [m].
    cut : float
        Fraction of the noise below the cut.
    """

    width: float
    cut: float


def components_of(recipe: Recipe) -> list[tuple[float, Grains | Branches]]:
    """Return the fields of a recipe with their weights, in the order of the sum; those of weight 0 left out.

    Each has unit variance, so the variance of the sum is `norm_of` squared.
    """
    if isinstance(recipe, BodiesRecipe):
        return [(1.0, Grains("solid_grains", recipe.spacing, recipe.length))]
    fields: tuple[tuple[float, Grains | Branches], ...] = (
        (recipe.solid_grains, Grains("solid_grains", recipe.solid_grain_spacing)),
        (-recipe.pore_cells, Grains("pore_cells", recipe.pore_cell_spacing)),
        (recipe.branches, Branches(recipe.branch_width, recipe.branch_cut)),
    )
    return [(weight, field) for weight, field in fields if weight != 0]


def branches_of(recipe: Recipe) -> Branches | None:
    """Return the branch field of a recipe, if it has one."""
    return next((field for _, field in components_of(recipe) if isinstance(field, Branches)), None)


def highpass_of(recipe: Recipe) -> float | None:
    """Return the width of the high-pass [m], None if nothing is subtracted."""
    return None if isinstance(recipe, BodiesRecipe) else recipe.highpass_width


def norm_of(recipe: Recipe) -> float:
    """Return the standard deviation of the weighted sum."""
    return math.sqrt(sum(weight**2 for weight, _ in components_of(recipe)))


def radius_of(recipe: BodiesRecipe) -> float:
    """Return the radius of a recipe's balls or fibres before smoothing [m]."""
    return capsule_radius(recipe.spacing, recipe.length, -math.log(recipe.porosity))
