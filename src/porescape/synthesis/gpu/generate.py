"""The structure of a recipe by array operations: as `synthesis.generate`, some layers at a time.

Whole fields take two bytes per voxel as samples and one as a phase; wider numbers, except for the last field,
exist for some layers only.
"""

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

from porescape.core.domain import Domain, Window
from porescape.core.recipe import Recipe
from porescape.core.volume import Volume
from porescape.synthesis.components import Branches, Grains, branches_of, components_of, norm_of
from porescape.synthesis.gpu.arrays import SLAB, Array, Space, slabs, to_host
from porescape.synthesis.gpu.distance import distance_to_points, lowered, squares_along_z
from porescape.synthesis.gpu.rank import rank_level
from porescape.synthesis.gpu.smoothing import OF_SAMPLES, of_noise, rounded, smoothed_slabs
from porescape.synthesis.height import highpass_voxels
from porescape.synthesis.noise import NOISE_SD, box_of, drawn_tiles, random_points
from porescape.synthesis.random_fields import (
    BRANCH_CAP,
    FINEST_BRANCH,
    FINEST_GRAIN,
    branch_moments,
    grain_scale,
)
from porescape.synthesis.smoothing import SAMPLE_SD, context

PER_VOXEL = 8  # bytes, of the box with its halos; measured with numpy
PER_SLAB = 40  # bytes per voxel worked on at a time, measured in the same way

Field = Callable[[int, int], Array]  # float32 layers, numbered in the coordinates of space


def generate_on(xp: Space, recipe: Recipe, domain: Domain, seed: int, slab: int = SLAB) -> Volume:
    """Make the structure of a recipe with the arrays of one namespace.

    Parameters
    ----------
    xp : module
        numpy or cupy.
    recipe : Recipe
    domain : Domain
        Of any shape, periodic or not; generated as a whole.
    seed : int
    slab : int
        Voxels worked on at a time; changes memory and time only.

    Returns
    -------
    Volume
        The same voxels as of `porescape.generate`.
    """
    field = height_field_on(xp, recipe, domain, seed, slab)
    level = rank_level(xp, field, recipe.porosity, slab)
    pore = np.empty(domain.shape, dtype=bool)
    for layers in slabs(domain.shape[0], domain.shape[1] * domain.shape[2], slab):
        pore[layers] = to_host(xp, field[layers] > level)
    return Volume(pore, domain.voxel_size)


def height_field_on(xp: Space, recipe: Recipe, domain: Domain, seed: int, slab: int = SLAB) -> Array:
    """Return the field whose upper part is pore, of the whole domain."""
    smoothing, highpass, wide, around = _halos(recipe, domain)
    # passed on directly, so that the samples are freed as soon as they are smoothed along one axis
    smooth = smoothed_slabs(
        xp,
        _weighted_samples(xp, recipe, domain, seed, around, slab),
        smoothing,
        domain,
        wide,
        OF_SAMPLES,
        1.0,
        slab,
    )
    halo = tuple(-start for start in wide.start)
    _, y, x = (slice(h, h + n) for h, n in zip(halo, domain.shape, strict=True))
    for layers, part in smooth:
        if layers.start == 0:  # not earlier, when more samples are in memory
            if highpass is not None:
                samples = xp.empty(wide.shape, dtype=np.int16)
            field = xp.empty(domain.shape, dtype=np.float32)
        if highpass is not None:
            samples[layers] = rounded(xp, part, 1)
        low, high = max(layers.start, halo[0]), min(layers.stop, halo[0] + domain.shape[0])
        if low < high:
            own = part[low - layers.start : high - layers.start, y, x]
            field[low - halo[0] : high - halo[0]] = own
    del smooth
    if highpass is None:
        return field
    blurred = smoothed_slabs(xp, samples, highpass, domain, domain.whole, OF_SAMPLES, 1.0, slab)
    del samples
    for layers, part in blurred:
        field[layers] -= part
    return field


def card_bytes(recipe: Recipe, domain: Domain, slab: int = SLAB) -> float:
    """Return the approximate peak memory of `generate_on` [bytes], without the structure itself."""
    _, _, _, around = _halos(recipe, domain)
    branches = branches_of(recipe)
    if branches is not None:
        around = _branch_halos(branches, domain, around)[2]
    return PER_VOXEL * math.prod(around.shape) + PER_SLAB * slab


def _halos(recipe: Recipe, domain: Domain) -> tuple[float, float | None, Window, Window]:
    """Return the widths of the last smoothing and the high-pass [voxels], and the windows of their inputs."""
    smoothing = recipe.smoothing / domain.voxel_size
    highpass = highpass_voxels(recipe, domain)
    wide = domain.whole if highpass is None else context(highpass, domain, domain.whole)
    return smoothing, highpass, wide, context(smoothing, domain, wide)


def _weighted_samples(
    xp: Space, recipe: Recipe, domain: Domain, seed: int, window: Window, slab: int
) -> Array:
    """Return the weighted fields in whole-number samples of unit variance, int16."""
    voxel = domain.voxel_size
    norm = SAMPLE_SD / norm_of(recipe)
    fields: list[tuple[float, Field]] = []
    for weight, one in components_of(recipe):
        if isinstance(one, Grains):
            spacing, length = one.spacing / voxel, one.length / voxel
            made = _grains(xp, seed, one.name, spacing, length, domain, window, slab)
        else:
            made = _branches(xp, one, domain, seed, window, slab)
        fields.append((norm * weight, made))
    samples = xp.empty(window.shape, dtype=np.int16)
    for layers in slabs(window.shape[0], window.shape[1] * window.shape[2], slab):
        total = xp.zeros((layers.stop - layers.start, *window.shape[1:]), dtype=np.float32)
        for weight, field in fields:  # one product and one sum at a time: fused, they would round differently
            total += field(window.start[0] + layers.start, window.start[0] + layers.stop) * np.float32(weight)
        samples[layers] = rounded(xp, total, 1)
    return samples


def _grains(
    xp: Space,
    seed: int,
    name: str,
    spacing: float,
    length: float,
    domain: Domain,
    window: Window,
    slab: int,
) -> Field:
    """Return the standardised distance to the nearest seed, as in `synthesis.random_fields`."""
    spacing = max(spacing, FINEST_GRAIN)
    middle, spread, cap = grain_scale(spacing, length)
    mean, scale = np.float32(middle), np.float32(1 / spread)

    def grains(start: int, stop: int) -> Array:
        own = window.layers(start, stop)
        around = own.grown(math.ceil(cap), (False, False, False))
        points = random_points(seed, name, domain, around, spacing**-3, again=True, length=length)
        return distance_to_points(xp, xp.asarray(points), own, cap, mean, scale, slab)

    return grains


def _branch_halos(branches: Branches, domain: Domain, window: Window) -> tuple[float, int, Window]:
    """Return the branch field's width, the cap of its distances [voxels], and the window of its noise."""
    width = max(branches.width / domain.voxel_size, FINEST_BRANCH)
    cap = max(8, math.ceil(BRANCH_CAP * width))
    return width, cap, context(width, domain, window.grown(cap, domain.wraps(window)))


def _branches(xp: Space, branches: Branches, domain: Domain, seed: int, window: Window, slab: int) -> Field:
    """Return the standardised signed distance to the cut of smoothed noise, as in `random_fields`."""
    width, cap, wide = _branch_halos(branches, domain, window)
    wraps = domain.wraps(window)
    around = window.grown(cap, wraps)
    level = NormalDist().inv_cdf(branches.cut)
    above = xp.empty(around.shape, dtype=bool)
    for layers, smooth in smoothed_slabs(
        xp,
        _noise(xp, seed, domain, wide),
        width,
        domain,
        around,
        of_noise(NOISE_SD, width, domain),
        1 / SAMPLE_SD,
        slab,
    ):
        above[layers] = smooth > np.float32(level)
    squares = squares_along_z(xp, above, cap, wraps[0])
    del above
    middle, spread = branch_moments(level)
    mean, scale = np.float32(middle * width), np.float32(1 / (spread * width))

    def branch(start: int, stop: int) -> Array:
        along_z = squares[start - window.start[0] : stop - window.start[0]]
        square = lowered(xp, lowered(xp, along_z, cap, 1, wraps[1]), cap, 2, wraps[2]).astype(np.float32)
        # the wall lies midway between the two phases' voxels
        distance = xp.sqrt(abs(square)) - np.float32(0.5)
        return (xp.where(square > 0, distance, -distance) - mean) * scale

    return branch


def _noise(xp: Space, seed: int, domain: Domain, window: Window) -> Array:
    """Return white noise: odd whole numbers, drawn on the CPU, tile by tile."""
    drawn = np.empty(window.shape, dtype=np.int8)
    for tile, there, here, size in drawn_tiles(seed, "branches", domain, window):
        drawn[box_of(here, size)] = tile[box_of(there, size)]
    noise = xp.asarray(drawn).astype(np.int16)
    noise *= 2
    noise += 1
    return noise
