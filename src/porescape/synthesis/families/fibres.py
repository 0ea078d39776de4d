"""Straight solid fibres of one size, placed at random and overlapping freely."""

from porescape.core.recipe import BodiesRecipe
from porescape.synthesis.capsules import capsule_spacing
from porescape.synthesis.families.family import Family, Point, between


def fibres(x: Point, length: float, porosity: float) -> BodiesRecipe:
    """Return a recipe of straight solid fibres, their crossings rounded.

    Parameters
    ----------
    x : sequence of float, length 3
        Radius, length over radius, and rounding.
    length : float
        Unit of length of the radius [m].
    porosity : float
    """
    radius = length * between(x[0], 0.25, 3.0)  # ranges chosen by hand
    axis = radius * between(x[1], 4.0, 100.0)
    return BodiesRecipe(
        spacing=capsule_spacing(radius, axis, porosity),
        length=axis,
        smoothing=radius * between(x[2], 0.03, 1.0),
        porosity=porosity,
    )


FAMILY = Family(
    name="fibres",
    words="straight solid fibres",
    dimension=3,
    recipe=fibres,
    share=0.5,  # chosen by hand: three numbers need fewer trials than nine
    patterns=True,
    stream=6,
)
