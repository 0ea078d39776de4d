"""From a recipe to a structure: B = X1*B1 + X2*B2 + X3*B3, less its own blur, cut by rank."""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain, Window
from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.volume import Volume
from porescape.synthesis.fields import branch_field, grain_field
from porescape.synthesis.paper import generate_paper
from porescape.synthesis.smoothing import SAMPLE_SD, context, smooth_samples, to_samples, weighted_samples

WIDEST_HIGHPASS = 1.0  # of the shortest edge; a wider blur is the box's mean


def generate(recipe: Recipe | PaperRecipe, domain: Domain, seed: int) -> Volume:
    """Make the structure of a recipe, the physical or the paper's literal one.

    Parameters
    ----------
    recipe : Recipe
    domain : Domain
        Shape, voxel size, periodic or not.
    seed : int
        Same recipe, domain and seed: same bytes, on any machine and in any number of pieces.

    Returns
    -------
    Volume
        Its porosity is the recipe's to within a voxel or the ties of one grey level.
    """
    if isinstance(recipe, PaperRecipe):
        return generate_paper(recipe, domain, seed)
    field = height_field(recipe, domain, seed)
    return Volume(field > rank_level(field, recipe.porosity), domain.voxel_size)


def height_field(
    recipe: Recipe, domain: Domain, seed: int, window: Window | None = None
) -> NDArray[np.float32]:
    """Return the field whose upper part is pore, in a window of the domain (default: all of it).

    Method: Zeinali Danalou et al. (2025), section 3.2, with the signs of the authors' script (one
    grain field plain, one inverted) and unit-variance fields in place of max-normalised ones.
    """
    window = window or domain.whole
    smoothing = recipe.smoothing / domain.voxel_size
    highpass = recipe.highpass_width / domain.voxel_size
    if domain.periodic:
        highpass = min(highpass, WIDEST_HIGHPASS * min(domain.shape))
    wide = context(highpass, domain, window)
    samples = _weighted_sum(recipe, domain, seed, context(smoothing, domain, wide))
    smooth = smooth_samples(samples, smoothing, domain, wide)
    blurred = smooth_samples(to_samples(smooth), highpass, domain, window)
    inner = tuple(
        slice((a - b) // 2, (a - b) // 2 + b) for a, b in zip(smooth.shape, blurred.shape, strict=True)
    )
    return np.subtract(smooth[inner], blurred, out=blurred)


def rank_level(field: NDArray[np.float32], porosity: float) -> np.float32:
    """Return the level above which the wanted fraction of the voxels lies."""
    solid = min(max(round((1 - porosity) * field.size), 1), field.size - 1)
    return np.float32(np.partition(field.ravel(), solid - 1)[solid - 1])


def _weighted_sum(recipe: Recipe, domain: Domain, seed: int, window: Window) -> NDArray[np.float32]:
    """Return the weighted fields in whole-number samples of unit variance."""
    voxel = domain.voxel_size
    norm = SAMPLE_SD / math.sqrt(recipe.cells**2 + recipe.bumps**2 + recipe.branch**2)
    parts = (
        (recipe.cells, partial(grain_field, seed, "cells", recipe.cell_spacing / voxel)),
        (-recipe.bumps, partial(grain_field, seed, "bumps", recipe.bump_spacing / voxel)),
        (recipe.branch, partial(branch_field, seed, recipe.branch_width / voxel, recipe.branch_cut)),
    )
    present = [(norm * weight, field(domain, window)) for weight, field in parts if weight != 0]
    weights, fields = zip(*present, strict=True)
    return weighted_samples(fields, np.array(weights, dtype=np.float32))
