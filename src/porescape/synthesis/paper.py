"""The generator exactly as published, for comparison.

It differs from `generate` as follows: fields are normalised by their own largest value, widths scale with
the edge of the array, nothing is periodic, and the porosity results from the cut and the last median filter.
Sources: Zeinali Danalou et al. (2025), section 3.2, in the paper's numbering of X; ranges, the inverted grain
field, the last smoothing and median from the authors' public script.
"""

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.domain import Domain
from porescape.core.recipe import PaperRecipe
from porescape.core.volume import Volume
from porescape.rng import stream

LAST_SMOOTHING = 0.5  # voxels
LAST_MEDIAN = 3  # voxels


def generate_paper(recipe: PaperRecipe, domain: Domain, seed: int) -> Volume:
    """Make a structure from the paper's nine numbers.

    Its lengths depend on `domain.shape`, and `domain.periodic` is ignored.
    """
    x1, x2, x3, x4, x5, x6, x7, x8, x9 = recipe.x
    shape = domain.shape
    rng = stream(seed, "replica")
    unit_width = max(shape) / 25
    field = (
        x1 * (1 - _grains(shape, 10 ** -(2.5 + 3 * x4), rng))
        + x2 * _grains(shape, 10 ** -(2.5 + 3 * x5), rng)
        + x3 * _branches(shape, x6 * unit_width + 1.5, 0.05 + 0.9 * x7, rng)
    )
    field -= ndimage.gaussian_filter(field, x8 * unit_width + 1.5, mode="nearest")
    field = ndimage.gaussian_filter(field, LAST_SMOOTHING, mode="nearest")
    solid = field > np.quantile(field, 0.05 + 0.7 * x9)
    majority = ndimage.uniform_filter(solid.astype(np.float32), LAST_MEDIAN, mode="nearest") > 0.5
    return Volume(~majority, domain.voxel_size)


def _grains(shape: tuple[int, int, int], density: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Distance to random seeds, divided by its largest value."""
    empty = rng.random(shape, dtype=np.float32) >= density
    if empty.all():  # a small box of a sparse recipe: one seed keeps the field defined
        empty[tuple(rng.integers(n) for n in shape)] = False
    return _normalised(edt.edt(empty, parallel=1))


def _branches(
    shape: tuple[int, int, int], width: float, cut: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Signed distance to the cut of smoothed noise, divided by its largest value."""
    smooth = ndimage.gaussian_filter(rng.random(shape, dtype=np.float32), width, mode="nearest")
    above = smooth > np.quantile(smooth, cut)
    return _normalised(edt.edt(above, parallel=1) - edt.edt(~above, parallel=1))


def _normalised(field: NDArray[np.float32]) -> NDArray[np.float32]:
    return field / max(float(np.abs(field).max()), 1.0)
