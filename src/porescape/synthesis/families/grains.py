"""Solid balls of one size, placed at random and overlapping freely."""

from porescape.core.recipe import BodiesRecipe
from porescape.synthesis.capsules import capsule_spacing
from porescape.synthesis.families.family import Family, Point, between


def grains(x: Point, length: float, porosity: float) -> BodiesRecipe:
    """Return a recipe of solid balls with rounded contacts.

    Parameters
    ----------
    x : sequence of float, length 2
        Radius and rounding.
    length : float
        Unit of length of the radius [m].
    porosity : float
    """
    radius = length * between(x[0], 0.25, 3.0)  # ranges chosen by hand
    return BodiesRecipe(
        spacing=capsule_spacing(radius, 0.0, porosity),
        smoothing=radius * between(x[1], 0.03, 1.0),
        porosity=porosity,
    )


FAMILY = Family(
    name="grains",
    words="solid balls",
    dimension=2,
    recipe=grains,
    share=0.3,  # chosen by hand: two numbers need fewer trials than three
    patterns=True,
    stream=7,
)
