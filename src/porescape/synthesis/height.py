"""The field whose upper part is pore: the weighted random fields, smoothed and high-pass filtered.

The halo on which a voxel depends, besides the level: 4 widths for the high-pass (5.7 if it is computed on
coarse voxels, from a width of 2 voxels on), the same for the last smoothing, and for the fields the values in
`random_fields`. These halos add up; along an axis that a window of a periodic domain spans there are none.
"""

import math

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain, Window
from porescape.core.recipe import Recipe
from porescape.rng import TILE
from porescape.synthesis.components import Grains, branches_of, components_of, highpass_of, norm_of
from porescape.synthesis.layers import Hold, Holder, Layers, once
from porescape.synthesis.random_fields import BRANCH_CAP, FINEST_BRANCH, branch_layers, grain_layers
from porescape.synthesis.smoothing import (
    SAMPLE_SD,
    context,
    smoothed_samples,
    stride,
    to_samples,
    weighted_samples,
)

ON_THE_WAY = 28  # bytes per voxel of the current layers; measured at 512 x 512 and 1024 x 1024 voxels


WIDEST_HIGHPASS = 1.0  # of the shortest edge; a wider blur is the mean of the box


def height_field(
    recipe: Recipe, domain: Domain, seed: int, window: Window | None = None
) -> NDArray[np.float32]:
    """Return the field whose upper part is pore, in a window of the domain (default: all of it).

    Method: Zeinali Danalou et al. (2025), section 3.2, with the signs of the authors' script (one
    grain field plain, one inverted) and unit-variance fields in place of max-normalised ones.
    """
    window = window or domain.whole
    layers = height_layers(recipe, domain, seed, window, once)
    return layers(window.start[0], window.start[0] + window.shape[0])


def height_layers(recipe: Recipe, domain: Domain, seed: int, window: Window, hold: Holder = Hold) -> Layers:
    """Return `height_field` layer by layer, in y and x of a window.

    Called for one layer after the other along z, it computes nothing twice except the last smoothing, and
    needs memory only for the layers of its halos.
    """
    smoothing = recipe.smoothing / domain.voxel_size
    highpass = highpass_voxels(recipe, domain)
    if highpass is None:
        samples = _weighted_layers(recipe, domain, seed, context(smoothing, domain, window), hold)
        return smoothed_samples(samples, smoothing, domain, window, hold)
    wide = context(highpass, domain, window)
    around = context(smoothing, domain, wide)
    samples = _weighted_layers(recipe, domain, seed, around, hold)
    if hold is once:
        smooth = Hold(smoothed_samples(samples, smoothing, domain, wide, once))
        ahead, behind = smooth.ahead, _inner(smooth, wide, window)
    else:  # samples take half the memory of the smoothed field, so they are stored and it is computed twice
        held = hold(lambda start, stop: samples(start, stop).astype(np.int16))
        assert isinstance(held, Hold)
        own = context(smoothing, domain, window)
        ahead = smoothed_samples(_floats(held.ahead), smoothing, domain, wide, hold)
        behind = smoothed_samples(_floats(_inner(held, around, own)), smoothing, domain, window, hold)
    blurred = smoothed_samples(
        lambda start, stop: to_samples(ahead(start, stop)), highpass, domain, window, hold
    )

    def field(start: int, stop: int) -> NDArray[np.float32]:
        blur = blurred(start, stop)  # first, because its halo is larger
        np.subtract(behind(start, stop), blur, out=blur)
        return blur

    return field


def _inner(layers: Layers, wide: Window, window: Window) -> Layers:
    """Cut layers of a wide window down to y and x of one inside."""
    y, x = (
        slice(b - a, b - a + n)
        for a, b, n in zip(wide.start[1:], window.start[1:], window.shape[1:], strict=True)
    )
    return lambda start, stop: layers(start, stop)[:, y, x]


def _floats(layers: Layers) -> Layers:
    return lambda start, stop: layers(start, stop).astype(np.float32)


def highpass_voxels(recipe: Recipe, domain: Domain) -> float | None:
    """Return the width of the high-pass in a domain [voxels], None if there is none."""
    wide = highpass_of(recipe)
    if wide is None:
        return None
    width = wide / domain.voxel_size
    return min(width, WIDEST_HIGHPASS * min(domain.shape)) if domain.periodic else width


def rank_level(field: NDArray[np.float32], porosity: float) -> np.float32:
    """Return the level above which the wanted fraction of the voxels lies."""
    solid = solid_rank(field.size, porosity)
    return np.float32(np.partition(field.ravel(), solid - 1)[solid - 1])


def solid_rank(voxels: int, porosity: float) -> int:
    """Return the rank of the level among all values: how many voxels are solid."""
    return min(max(round((1 - porosity) * voxels), 1), voxels - 1)


def march_bytes(recipe: Recipe, domain: Domain, window: Window, step: int) -> float:
    """Return the approximate memory [bytes] of `height_layers` in a window, `step` layers at a time."""

    def area(part: Window) -> int:
        return part.shape[1] * part.shape[2]

    def behind(part: Window, inside: Window) -> int:
        return inside.start[0] - part.start[0]

    voxel = domain.voxel_size
    own = window.layers(1, 1 + step) if domain.periodic else window.layers(0, step)  # no whole period
    highpass = highpass_voxels(recipe, domain)
    wide = own if highpass is None else context(highpass, domain, own)
    around = context(recipe.smoothing / voxel, domain, wide)
    look = behind(wide, own)
    grown = 1.5  # room for the next calls
    held = grown * 2 * (step + 2 * look + 2 * behind(around, wide)) * area(around)
    thin = 0.0 if highpass is None else grown * 4 * (step + 2 * look) * area(wide) / stride(highpass, domain)
    branches = branches_of(recipe)
    if branches is None:
        return held + thin + ON_THE_WAY * step * area(around)
    width = max(branches.width / voxel, FINEST_BRANCH)
    cap = max(8, math.ceil(BRANCH_CAP * width))
    phase = around.grown(cap, domain.wraps(around))
    noise = context(width, domain, phase)
    seen = step + 2 * behind(noise, phase)
    branch = grown * (step + 2 * cap) * area(phase) + (seen + 2 * TILE) * area(noise)
    branch += grown * 4 * seen * area(noise) / stride(width, domain)
    return held + thin + branch + ON_THE_WAY * step * area(noise)


def _weighted_layers(recipe: Recipe, domain: Domain, seed: int, window: Window, hold: Holder) -> Layers:
    """Return the weighted fields in whole-number samples of unit variance."""
    voxel = domain.voxel_size
    norm = SAMPLE_SD / norm_of(recipe)
    weights, fields = [], []
    for weight, one in components_of(recipe):
        weights.append(norm * weight)
        if isinstance(one, Grains):
            spacing, length = one.spacing / voxel, one.length / voxel
            fields.append(grain_layers(seed, one.name, spacing, length, domain, window, hold))
        else:
            fields.append(branch_layers(seed, one.width / voxel, one.cut, domain, window, hold))
    factors = np.array(weights, dtype=np.float32)
    return lambda start, stop: weighted_samples(tuple(f(start, stop) for f in fields), factors)
