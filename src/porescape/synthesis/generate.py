"""From a recipe to a structure: B = X1*B1 + X2*B2 + X3*B3, minus its high-pass blur, cut by rank.

The halo on which a voxel depends, besides the level: 4 widths for the high-pass (5.7 if it is computed on
coarse voxels, from a width of 2 voxels on), the same for the last smoothing, and for the fields the values in
`random_fields`. These halos add up; along an axis that a window of a periodic domain spans there are none.
"""

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain, Window
from porescape.core.recipe import AnyRecipe, PaperRecipe, Recipe
from porescape.core.volume import Volume
from porescape.errors import SettingsError
from porescape.synthesis.height import height_field, rank_level
from porescape.synthesis.paper import generate_paper


def generate(recipe: AnyRecipe, domain: Domain, seed: int, device: str = "cpu") -> Volume:
    """Generate the structure of a recipe, in units of length or of the paper's method.

    Parameters
    ----------
    recipe : Recipe
    domain : Domain
        Shape, voxel size, periodic or not.
    seed : int
        The same recipe, domain and seed give the same bytes, on any machine and in any number of pieces.
    device : str
        "cpu"; or "gpu" for the same bytes from a graphics card (extra `gpu`; not for the paper's recipe).

    Returns
    -------
    Volume
        Its porosity is that of the recipe to within one voxel, or the voxels of equal field value.
    """
    if device != "cpu":
        return _generate_on_card(recipe, domain, seed, device)
    if isinstance(recipe, PaperRecipe):
        return generate_paper(recipe, domain, seed)
    field = height_field(recipe, domain, seed)
    return Volume(field > rank_level(field, recipe.porosity), domain.voxel_size)


def _generate_on_card(recipe: AnyRecipe, domain: Domain, seed: int, device: str) -> Volume:
    from porescape.synthesis.gpu.card import check_room, open_card
    from porescape.synthesis.gpu.generate import generate_on

    if device != "gpu":
        raise SettingsError(f'device {device!r} is unknown; wanted "cpu" or "gpu"')
    if isinstance(recipe, PaperRecipe):
        raise SettingsError("the generator of the paper's method runs on the CPU only; leave out the device")
    card = open_card()
    check_room(card, recipe, domain)
    return generate_on(card, recipe, domain, seed)


def generate_region(
    recipe: Recipe, domain: Domain, seed: int, window: Window, level: float
) -> NDArray[np.bool_]:
    """Return the voxels of a window alone, the same as in the whole structure of `generate`.

    Parameters
    ----------
    window : Window
        A part of the domain; where the domain is periodic it may reach beyond.
    level : float
        Of the whole domain, from `porescape.find_level`.

    Returns
    -------
    ndarray of bool
        True in the pores.
    """
    return height_field(recipe, domain, seed, window) > np.float32(level)
