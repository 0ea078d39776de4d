"""The published generator, for comparison: as the paper's text says, and as its authors' script does.

It differs from `generate` as follows: widths scale with the edge of the array, nothing is periodic, and the
porosity results from the cut and the last median filter. The text (Zeinali Danalou et al., 2025, section 3.2)
divides each field by its largest value; where it is silent (ranges, the inverted grain field, the last
smoothing and median) the authors' public script is followed. The script differs from the text: see
`_by_code`. The numbering of X is always the paper's.
"""

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.domain import Domain, Shape
from porescape.core.recipe import PaperRecipe
from porescape.core.volume import Volume
from porescape.rng import stream

LAST_SMOOTHING = 0.5  # voxels
LAST_MEDIAN = 3  # voxels
MARGIN = 10  # voxels around the script's random fields


def generate_paper(recipe: PaperRecipe, domain: Domain, seed: int) -> Volume:
    """Make a structure from the paper's nine numbers.

    Its lengths depend on `domain.shape`, and `domain.periodic` is ignored.
    """
    make = _by_code if recipe.by == "code" else _by_text
    return Volume(make(recipe, domain.shape, stream(seed, "replica")), domain.voxel_size)


def _by_text(recipe: PaperRecipe, shape: Shape, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the pores as section 3.2 of the paper says."""
    x1, x2, x3, x4, x5, x6, x7, x8, x9 = recipe.x
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
    return np.asarray(~majority)


def _by_code(recipe: PaperRecipe, shape: Shape, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return the pores as the authors' script makes them, read and run in November 2026.

    Every field has mean 0 and variance 1 in each column of the first axis; the branches are the part below
    the cut, and their width has 1.5 voxels added while the high-pass has not; the last field is the smooth
    part minus the sum, cut from above. Filters reach two widths and mirror at the faces; each random field
    has a margin that is cut away.
    """
    x1, x2, x3, x4, x5, x6, x7, x8, x9 = recipe.x
    unit_width = max(shape) / 25
    large = tuple(n + 2 * MARGIN for n in shape)
    inner = tuple(slice(MARGIN, MARGIN + n) for n in shape)
    inverted, plain = (_seeds(large, 10 ** -(2.5 + 3 * x), rng)[inner] for x in (x4, x5))
    smooth = _mirrored(rng.random(large, dtype=np.float32), x6 * unit_width + 1.5)
    below = smooth < np.quantile(smooth, 0.05 + 0.9 * x7)
    branches = (edt.edt(below, parallel=1) - edt.edt(~below, parallel=1))[inner]
    total = x1 * _standardised(inverted.max() - inverted) + x2 * _standardised(plain)
    total += x3 * _standardised(branches)
    field = _mirrored(_mirrored(total, x8 * unit_width) - total, LAST_SMOOTHING)
    pore = field > np.quantile(field, 1 - (0.05 + 0.7 * x9))
    return np.asarray(ndimage.uniform_filter(pore.astype(np.float32), LAST_MEDIAN, mode="reflect") > 0.5)


def _mirrored(field: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    if width == 0:
        return field
    return np.asarray(ndimage.gaussian_filter(field, width, mode="reflect", truncate=2.0))


def _standardised(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a field of mean 0 and variance 1 in each column of its first axis."""
    spread = field.std(axis=0, ddof=1) if len(field) > 1 else np.ones(field.shape[1:], dtype=np.float32)
    return np.asarray((field - field.mean(axis=0)) / np.maximum(spread, 1e-6), dtype=np.float32)


def _grains(shape: tuple[int, int, int], density: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Distance to random seeds, divided by its largest value."""
    return _normalised(_seeds(shape, density, rng))


def _seeds(shape: tuple[int, ...], density: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Distance to random seeds."""
    empty = rng.random(shape, dtype=np.float32) >= density
    if empty.all():  # a small box of a sparse recipe: one seed keeps the field defined
        empty[tuple(rng.integers(n) for n in shape)] = False
    return np.asarray(edt.edt(empty, parallel=1), dtype=np.float32)


def _branches(
    shape: tuple[int, int, int], width: float, cut: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Signed distance to the cut of smoothed noise, divided by its largest value."""
    smooth = ndimage.gaussian_filter(rng.random(shape, dtype=np.float32), width, mode="nearest")
    above = smooth > np.quantile(smooth, cut)
    return _normalised(edt.edt(above, parallel=1) - edt.edt(~above, parallel=1))


def _normalised(field: NDArray[np.float32]) -> NDArray[np.float32]:
    return field / max(float(np.abs(field).max()), 1.0)
