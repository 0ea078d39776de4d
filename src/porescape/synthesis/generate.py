"""From a recipe to a structure: B = X1*B1 + X2*B2 + X3*B3, less its own blur, cut by rank.

What a voxel depends on, beyond the level: the high-pass looks 4 of its widths far (5.7 where it is worked
out on coarse voxels, from a width of 2 voxels on), the last smoothing as many of its own, and the fields as
far as `fields` says. These halos add up; along an axis that a window of a periodic domain spans there are
none.
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
    """Make the structure of a recipe, the physical or the paper's literal one.

    Parameters
    ----------
    recipe : Recipe
    domain : Domain
        Shape, voxel size, periodic or not.
    seed : int
        Same recipe, domain and seed: same bytes, on any machine and in any number of pieces.
    device : str
        "cpu"; or "gpu" for the same bytes from a graphics card (extra `gpu`; not of the paper's recipe).

    Returns
    -------
    Volume
        Its porosity is the recipe's to within a voxel or the ties of one grey level.
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
        raise SettingsError("the paper's literal generator runs on the CPU only; leave out the device")
    card = open_card()
    check_room(card, recipe, domain)
    return generate_on(card, recipe, domain, seed)


def generate_region(
    recipe: Recipe, domain: Domain, seed: int, window: Window, level: float
) -> NDArray[np.bool_]:
    """Return the voxels of a window alone, the same as in `generate`'s whole.

    Parameters
    ----------
    window : Window
        A part of the domain; where the domain is periodic it may reach beyond.
    level : float
        Of the whole domain, as `porescape.find_level` gives it.

    Returns
    -------
    ndarray of bool
        True in the pores.
    """
    return height_field(recipe, domain, seed, window) > np.float32(level)
