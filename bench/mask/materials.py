"""Truths by script for the mask: many kinds of porous structure, none of them made by our generator.

    python bench/mask/materials.py --pictures material-pictures

`draw` makes one piece of a kind, of a porosity and a feature size drawn at random, True in the pores; the
beam looks along its first axis. Run alone, this prints what the kinds are like and draws sections of each.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, spline_filter1d
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the bench's files are no package

from own_truths import Field, Points, Shape, _highest, demixing, pushed_apart

Make = Callable[[Shape, float, float, np.random.Generator], NDArray[np.bool_]]
"""Shape (z, y, x), feature (mean pore chord) [voxels], porosity, generator."""


@dataclass(frozen=True, slots=True)
class Material:
    """A kind of porous structure.

    Attributes
    ----------
    group : str
        Kinds that must be left out together: the same process, its phases swapped, or rescaled.
    porosities : (float, float)
        From and to.
    walls : str
        What it stands for.
    thinnest : float
        Mean chord of the solid below which its walls would be broken by the voxels; a plate's mean chord is
        twice its thickness [voxels].
    smallest : float
        Least mean chord of the pores [voxels].
    """

    name: str
    group: str
    make: Make
    porosities: tuple[float, float]
    walls: str
    thinnest: float = 4.0
    smallest: float = 4.0


LARGEST = 80.0  # mean chord of the pores [voxels]
MOST_SOLID = 100.0  # mean chord of the solid [voxels]: several of them must fit into a picture
DEPTHS = (24, 160)  # voxels


def draw(material: Material, rng: np.random.Generator, side: int = 384) -> NDArray[np.bool_]:
    """Return a piece of a material, `side` by `side` voxels and about three features deep.

    The feature drawn is kept within about a third, mostly; cells come out larger where walls of the least
    thickness would not leave the porosity.
    """
    porosity = rng.uniform(*material.porosities)
    pores_per_solid = porosity / (1 - porosity)
    least = max(material.smallest, material.thinnest * pores_per_solid)
    most = min(LARGEST, MOST_SOLID * pores_per_solid, side / 4)
    feature = np.exp(rng.uniform(np.log(least), np.log(max(least, most))))
    depth = int(np.clip(3 * feature, *DEPTHS))
    return material.make((depth, side, side), feature, porosity, rng)


# -- cells between walls ----------------------------------------------------------------------------


def cells(
    shape: Shape,
    feature: float,
    porosity: float,
    rng: np.random.Generator,
    *,
    spread: tuple[float, float] = (0.0, 0.15),
    stretch: tuple[float, float] = (1.0, 1.0),
    uneven_walls: tuple[float, float] = (0.0, 0.15),
    open_share: tuple[float, float] = (0.0, 0.0),
    window: tuple[float, float] = (0.6, 0.9),
    rounding: tuple[float, float] = (0.03, 0.15),
    bent: tuple[float, float] = (0.0, 0.1),
    growth: float = 1.0,
    lamellar: bool = False,
) -> NDArray[np.bool_]:
    """Cells of a Laguerre tessellation with walls between them and windows in the walls.

    Parameters
    ----------
    spread : (float, float)
        Range of the standard deviation of the logarithm of cell sizes.
    stretch : (float, float)
        How much longer than wide cells are, along an axis of the picture.
    uneven_walls : (float, float)
        Standard deviation of the logarithm of the walls' thickness, wall by wall.
    open_share, window : (float, float)
        Share of walls that have a window, and how far it reaches from the wall's middle to its edge.
    rounding : (float, float)
        Width over which edges thicken, as in Plateau borders; share of a cell.
    bent : (float, float)
        How far walls are bent; share of a cell.
    growth : float
        How much larger cells are at one edge of the picture than at the other.
    lamellar : bool
        Stretched along the beam as well, as where ice grew in sheets.
    """
    uneven, opened = rng.uniform(*spread), rng.uniform(*open_share)
    # of a cell: its walls have an area of about 2.7 size²; what uneven sizes and windows change is measured
    size = feature / (0.74 * porosity ** (1 / 3)) / (1.05 + 0.4 * uneven + 0.5 * opened**2)
    longer = np.ones(3)
    longer[rng.integers(1, 3)] = rng.uniform(*stretch)
    if lamellar:
        longer[0] = rng.uniform(1.5, 2.5)
    longer /= np.prod(longer) ** (1 / 3)
    # walls of the least thickness must leave the porosity, and something over for edges
    area = 2.8 * (1 - 0.5 * opened) * np.mean(1 / longer) * growth**0.3 * (1 + 0.2 * uneven)
    size = max(size, area * 2 * LEAST_HALF / (0.88 * (1 - porosity)))
    sites, weights = _sites(shape, size, uneven, longer, growth, rng)
    thickness = np.exp(rng.uniform(*uneven_walls) * np.clip(rng.standard_normal(PAIRS), -1.5, 1.5))
    is_open = rng.random(PAIRS) < opened
    # a wall's middle is about 0.3 of a cell from its edges
    rim = 0.3 * size * longer.min() * (1 - rng.uniform(*window, PAIRS))
    rim = np.where(is_open, rim, np.inf)
    soft = size * rng.uniform(*rounding)
    bend = size * rng.uniform(*bent)
    wall, core = _walls(shape, size, sites, weights, longer, thickness, rim, soft, bend, rng)
    wall = gaussian_filter(wall, 0.7, truncate=3)
    wall[core] -= 1e4  # solid first, so that no wall is broken
    return _highest(wall, porosity)


LEAST_HALF = 1.25  # half of a wall's thickness [voxels]; two voxels and a half hang together however they lie
PAIRS = 4093  # walls draw their thickness and windows from so many; a prime


def struts(
    shape: Shape,
    feature: float,
    porosity: float,
    rng: np.random.Generator,
    spread: tuple[float, float] = (0, 0.3),
) -> NDArray[np.bool_]:
    """Struts along the edges of cells, thicker at their nodes, without walls."""
    size = 0.57 * feature
    longer = np.ones(3)
    longer[rng.integers(0, 3)] = rng.uniform(1, 1.5)
    longer /= np.prod(longer) ** (1 / 3)
    sites, weights = _sites(shape, size, rng.uniform(*spread), longer, 1.0, rng)
    nothing = np.zeros(PAIRS)
    bend = size * rng.uniform(0, 0.1)
    wall, _ = _walls(
        shape, size, sites, weights, longer, nothing, nothing, size * rng.uniform(0.05, 0.25), bend, rng
    )
    return _highest(gaussian_filter(wall, max(0.7, 0.03 * size), truncate=3), porosity)


def grains(shape: Shape, feature: float, porosity: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Polyhedral grains with gaps of several widths between them, some of them missing."""
    size = 1.6 * feature * (1 - porosity) / porosity**0.9
    longer = np.array([1, 1, rng.uniform(1, 1.6)])
    longer /= np.prod(longer) ** (1 / 3)
    sites, weights = _sites(shape, size, rng.uniform(0, 0.4), longer, 1.0, rng)
    missing = rng.random(len(sites)) < rng.uniform(0.2, 0.6) * porosity
    weights = np.where(missing, -weights, weights)
    thickness = np.exp(rng.uniform(0, 0.8) * rng.standard_normal(PAIRS))
    soft, bend = size * rng.uniform(0.05, 0.15), size * rng.uniform(0, 0.08)
    wall, _ = _walls(shape, size, sites, weights, longer, thickness, np.full(PAIRS, np.inf), soft, bend, rng)
    return _highest(-gaussian_filter(wall, max(0.7, rng.uniform(0.01, 0.04) * size), truncate=3), porosity)


def _sites(
    shape: Shape, size: float, spread: float, longer: Points, growth: float, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Return the sites of cells [voxels] and the squares of their radii [in lengths not stretched]."""
    margin = 2 * size * longer
    box = (np.array(shape) + 2 * margin) / longer
    if growth == 1:
        scale = np.ones(round(np.prod(box) / size**3))
        centres = rng.random((len(scale), 3)) * box
    else:  # sizes grow along y; the rarer the larger
        centres = rng.random((round(growth**1.5 * np.prod(box) / size**3), 3)) * box
        scale = growth ** (centres[:, 1] / box[1] - 0.5)
        kept = rng.random(len(scale)) < (scale * growth**0.5) ** -3.0
        centres, scale = centres[kept], scale[kept]
    radii = scale * np.exp(spread * np.clip(rng.standard_normal(len(scale)), -2, 2))
    radii *= (0.55 * np.prod(box) / (4 / 3 * np.pi * (radii**3).sum())) ** (1 / 3)
    centres = pushed_apart(centres, radii, box, 0.1 * size, most_pushes=25)
    return centres * longer - margin, radii**2


def _walls(
    shape: Shape,
    size: float,
    sites: Points,
    weights: Points,
    longer: Points,
    thickness: Points,
    rim: Points,
    soft: float,
    bend: float,
    rng: np.random.Generator,
) -> tuple[Field, NDArray[np.bool_]]:
    """Return a distance to the walls of cells, and where walls are at their thinnest.

    Worked out block by block from the sites that are near.
    """
    block = 8 if size * longer.min() > 16 else 4
    corners = tuple(-(-n // block) + 1 for n in shape)
    moved = np.stack([bend * noise(corners, max(1.5, 0.6 * size / block), rng) for _ in range(3)], axis=-1)
    inside = np.stack(np.meshgrid(*(np.arange(n - 1) for n in corners), indexing="ij"), axis=-1)
    middles = (block * (inside + 0.5) + moved[:-1, :-1, :-1]).reshape(-1, 3)
    # nearest in power is nearest in four dimensions, where the fourth makes up for the weight
    lifted = np.column_stack([sites / longer, np.sqrt(weights.max() - weights)])
    asked = np.column_stack([middles / longer, np.zeros(len(middles))])
    _, near = cKDTree(lifted).query(asked, k=min(NEAR, len(sites)))
    pull = sites / longer**2
    offset = (sites * pull).sum(axis=1) - weights
    wall, core = np.empty(shape, np.float32), np.zeros(shape, np.bool_)
    thinner = 1.0 / np.maximum(thickness, 1e-9)
    _fill_walls(wall, core, block, near, pull, offset, moved, thinner, rim, soft, LEAST_HALF)
    return wall, core


NEAR = 22  # sites that are looked at for each block: a cell has about 15 neighbours


@njit(cache=True, fastmath=True)
def _fill_walls(  # type: ignore[no-untyped-def]
    wall, core, block, near, pull, offset, moved, thinner, rim, soft, least
):
    count = near.shape[1]
    far = np.empty((count, count))
    power = np.empty(count)
    ny, nx = moved.shape[1] - 1, moved.shape[2] - 1
    edges_alone = thinner[0] > 1e8
    for number in range(len(near)):
        bz, rest = divmod(number, ny * nx)
        by, bx = divmod(rest, nx)
        own = near[number]
        for i in range(count):
            for j in range(count):
                d = pull[own[i]] - pull[own[j]]
                far[i, j] = 0.5 / np.sqrt(d[0] ** 2 + d[1] ** 2 + d[2] ** 2 + 1e-12)
        for z in range(bz * block, min((bz + 1) * block, wall.shape[0])):
            for y in range(by * block, min((by + 1) * block, wall.shape[1])):
                for x in range(bx * block, min((bx + 1) * block, wall.shape[2])):
                    w, v, u = z + 0.5, y + 0.5, x + 0.5
                    pz, py, px = w, v, u
                    for a in range(2):
                        fa = abs(1 - a - (w / block - bz))
                        for b in range(2):
                            fb = fa * abs(1 - b - (v / block - by))
                            for c in range(2):
                                f = fb * abs(1 - c - (u / block - bx))
                                pz += f * moved[bz + a, by + b, bx + c, 0]
                                py += f * moved[bz + a, by + b, bx + c, 1]
                                px += f * moved[bz + a, by + b, bx + c, 2]
                    best = 0
                    for i in range(count):
                        p = pull[own[i]]
                        power[i] = offset[own[i]] - 2 * (pz * p[0] + py * p[1] + px * p[2])
                        if power[i] < power[best]:
                            best = i
                    first, second, third = 1e9, 1e9, 1e9  # distances to the nearest walls
                    other = best
                    for i in range(count):
                        if i != best:
                            d = (power[i] - power[best]) * far[i, best]
                            if d < first:
                                first, second, third = d, first, second
                                other = i
                            elif d < second:
                                second, third = d, second
                            elif d < third:
                                third = d
                    edge = _soft_least(second, third, 2 * soft)
                    if edges_alone:
                        wall[z, y, x] = edge
                        continue
                    low, high = min(own[best], own[other]), max(own[best], own[other])
                    pair = (low * 7919 + high * 104729) % len(rim)
                    here = _soft_least(first * thinner[pair], edge, soft)
                    wall[z, y, x] = max(here, edge - rim[pair])
                    core[z, y, x] = first < least and edge < rim[pair]


@njit(cache=True, fastmath=True)
def _soft_least(a, b, width):  # type: ignore[no-untyped-def]
    """The lesser of two, and still less where they differ by less than a width."""
    near = max(width - abs(a - b), 0.0)
    return min(a, b) - near * near / (4 * width)


# -- balls, fibres, plates --------------------------------------------------------------------------


def solids(
    shape: Shape,
    centres: Points,
    radii: Points | float,
    axes: Points | None = None,
    half_lengths: Points | float = 0.0,
    disc_radii: Points | float = 0.0,
    margin: float = 8.0,
) -> Field:
    """Return the distance to the nearest of many balls, rounded rods or rounded discs, at most `margin`."""
    count = len(centres)
    full = [np.broadcast_to(np.asarray(each, float), count) for each in (radii, half_lengths, disc_radii)]
    if axes is None:
        axes = np.broadcast_to(np.array([1.0, 0.0, 0.0]), (count, 3))
    field = np.full(shape, margin, dtype=np.float32)
    _stamp(
        field,
        np.ascontiguousarray(centres),
        np.ascontiguousarray(axes),
        *map(np.ascontiguousarray, full),
        margin,
    )
    return field


@njit(cache=True, fastmath=True)
def _stamp(field, centres, axes, radii, half_lengths, disc_radii, margin):  # type: ignore[no-untyped-def]
    low, high = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for i in range(len(centres)):
        c, a, r, length, disc = centres[i], axes[i], radii[i], half_lengths[i], disc_radii[i]
        for k in range(3):
            reach = length * abs(a[k]) + disc * np.sqrt(max(0.0, 1 - a[k] ** 2)) + r + margin
            low[k] = max(0, int(np.floor(c[k] - reach)))
            high[k] = min(field.shape[k], int(np.ceil(c[k] + reach)))
        for z in range(low[0], high[0]):
            for y in range(low[1], high[1]):
                for x in range(low[2], high[2]):
                    dz, dy, dx = z + 0.5 - c[0], y + 0.5 - c[1], x + 0.5 - c[2]
                    along = dz * a[0] + dy * a[1] + dx * a[2]
                    across = np.sqrt(max(0.0, dz * dz + dy * dy + dx * dx - along * along))
                    beyond, outside = max(abs(along) - length, 0.0), max(across - disc, 0.0)
                    away = np.sqrt(beyond * beyond + outside * outside) - r
                    if away < field[z, y, x]:
                        field[z, y, x] = away


def overlapping_balls(
    shape: Shape, feature: float, porosity: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Overlapping solid balls of lognormal sizes."""
    return _highest(_boolean_balls(shape, 0.75 * feature * -np.log(porosity), porosity, rng), porosity)


def ball_pores(shape: Shape, feature: float, porosity: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Overlapping spherical pores of lognormal sizes."""
    solid = 1 - porosity
    radius = 0.75 * feature * solid / porosity * -np.log(solid)
    return _highest(-_boolean_balls(shape, radius, solid, rng), porosity)


def _boolean_balls(shape: Shape, radius: float, outside: float, rng: np.random.Generator) -> Field:
    spread = rng.uniform(0, 0.5)
    radius *= np.exp(-2.5 * spread**2)  # so that the ratio of the mean cube to the mean square is kept
    mean_volume = 4 / 3 * np.pi * radius**3 * np.exp(4.5 * spread**2)
    box = np.array(shape) + 4 * radius
    count = rng.poisson(-np.log(outside) * np.prod(box) / mean_volume)
    radii = radius * np.exp(spread * np.clip(rng.standard_normal(count), -2.5, 2.5))
    return solids(shape, rng.random((count, 3)) * box - 2 * radius, radii, margin=0.5 * radius + 3)


def packed(
    shape: Shape,
    feature: float,
    porosity: float,
    rng: np.random.Generator,
    *,
    sinter: tuple[float, float] = (0.0, 0.0),
    swapped: bool = False,
    spreads: tuple[float, float] = (0.0, 0.3),
    rough: float = 0.0,
) -> NDArray[np.bool_]:
    """Balls packed at random until they touch, grown or shrunk to the porosity.

    Parameters
    ----------
    sinter : (float, float)
        Rounding of the necks between them; share of a radius.
    swapped : bool
        The balls are pores, with windows where they touch.
    rough : float
        How far surfaces deviate from balls; share of a radius.
    """
    chord = feature * (1 - porosity) / porosity  # of the solid
    radius = 0.75 * (feature if swapped else chord) * (0.45 if swapped or sinter[1] else 1)
    centres, radii = _packed(shape, radius, min(1 - porosity, 0.58), rng.uniform(*spreads), rng)
    away = solids(shape, centres, radii, margin=radius)
    width = radius * rng.uniform(*sinter)
    if rough:
        away += rough * radius * noise(shape, 0.7 * radius, rng)
    if width:
        away = gaussian_filter(away, width, truncate=3)
    return _highest(-away if swapped else away, porosity)


def _packed(
    shape: Shape, radius: float, share: float, spread: float, rng: np.random.Generator
) -> tuple[Points, Points]:
    """Return packed balls, somewhat beyond the box's faces too."""
    box = np.array(shape) + 4 * radius
    count = round(share * np.prod(box) / (4 / 3 * np.pi * radius**3))
    radii = np.exp(spread * np.clip(rng.standard_normal(count), -2, 2))
    radii *= (share * np.prod(box) / (4 / 3 * np.pi * (radii**3).sum())) ** (1 / 3)
    pushes = int(np.clip(400_000 / count, 12, 120))
    return pushed_apart(rng.random((count, 3)) * box, radii, box, 0.02 * radius, pushes) - 2 * radius, radii


def nodules(shape: Shape, feature: float, porosity: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Small balls that hang together in aggregates, with pores between the aggregates."""
    radius = max(2.5, feature * (1 - porosity) / porosity * rng.uniform(0.3, 0.55))
    period = max(4 * radius, 2.4 * feature / porosity)
    lumps = _curved(shape, period, float(np.clip(1 - (1 - porosity) / 0.62, 0.05, 0.9)), rng, rounds=3)
    centres, radii = _packed(shape, radius, 0.55, rng.uniform(0.05, 0.25), rng)
    where = np.floor(centres).astype(int)
    inside = (where >= 0).all(axis=1) & (where < shape).all(axis=1)
    kept = np.zeros(len(centres), bool)
    kept[inside] = ~lumps[tuple(where[inside].T)]
    away = solids(shape, centres[kept], 1.1 * radii[kept], margin=1.5 * radius + 3)
    return _highest(gaussian_filter(away, 0.12 * radius), porosity)


def fibres(
    shape: Shape,
    feature: float,
    porosity: float,
    rng: np.random.Generator,
    *,
    flat_along: int | None = None,
    curl: tuple[float, float] = (0.0, 0.0),
    aligned: float = 0.0,
) -> NDArray[np.bool_]:
    """Fibres of several radii.

    Parameters
    ----------
    flat_along : int or None
        The axis across a mat's plane: 0, seen from above; 1, seen from the side; None, any direction.
    curl : (float, float)
        How much the direction changes over ten radii [rad].
    aligned : float
        Share of the fibres along x.
    """
    radius = (0.4 if flat_along == 0 else 0.48) * feature * -np.log(porosity)
    step, spread = 1.6 * radius, rng.uniform(0, 0.35)
    box = np.array(shape) + 6 * radius
    wanted = -np.log(porosity) * np.prod(shape)
    steps = int(1.2 * max(shape) / step) + 2
    count = int(12 * wanted / (np.pi * radius**2 * max(shape))) + 20
    start = rng.random((count, 3)) * box - 3 * radius
    way = rng.standard_normal((count, 3))
    steepness = rng.uniform(0.02, 0.15)
    if flat_along is not None:
        way[:, flat_along] *= steepness
    way[rng.random(count) < aligned] *= np.array([0.15, 0.15, 2.0])
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    bow = rng.uniform(*curl) * step / (10 * radius)
    turn = 0.15 * bow * rng.standard_normal((count, 3))
    places, ways = [], []
    for sign in (1, -1):
        here, heading, turning = start.copy(), sign * way, turn.copy()
        for _ in range(steps):
            places.append(here + 0.5 * step * heading)
            ways.append(heading.copy())
            here = here + step * heading
            turning = 0.9 * turning + bow * 0.44 * rng.standard_normal((count, 3))
            if flat_along is not None:
                turning[:, flat_along] = steepness * turning[:, flat_along] - 0.1 * heading[:, flat_along]
            heading = heading + turning
            heading /= np.linalg.norm(heading, axis=1, keepdims=True)
    centres, axes = np.stack(places, axis=1), np.stack(ways, axis=1)
    radii = radius * np.exp(spread * np.clip(rng.standard_normal(count), -2, 2) - spread**2)
    inside = ((centres > 0) & (centres < shape)).all(axis=2).sum(axis=1)
    volume = np.cumsum(inside * np.pi * radii**2 * step)
    kept = slice(int(np.searchsorted(volume, wanted)) + 1)
    flat, axis = centres[kept].reshape(-1, 3), axes[kept].reshape(-1, 3)
    thick = np.repeat(radii[kept], 2 * steps)
    near = ((flat > -3 * radius) & (flat < np.array(shape) + 3 * radius)).all(axis=1)
    away = solids(shape, flat[near], thick[near], axis[near], 0.55 * step, margin=0.7 * radius + 3)
    return _highest(gaussian_filter(away, 0.5, truncate=3), porosity)


def plates(shape: Shape, feature: float, porosity: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Flakes, somewhat aligned or not at all."""
    aspect = rng.uniform(6, 12)  # diameter to thickness
    thick = feature * -np.log(porosity) * (0.5 + 1 / aspect)
    disc = 0.5 * thick * aspect
    box = np.array(shape) + 2 * disc
    one = np.pi * (disc + 0.5 * thick) ** 2 * thick
    count = rng.poisson(-np.log(porosity) * np.prod(box) / one)
    axes = rng.standard_normal((count, 3)) * np.array([1, rng.uniform(1, 5), 1])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    discs = disc * np.exp(0.3 * np.clip(rng.standard_normal(count), -2, 1.5))
    centres = rng.random((count, 3)) * box - disc
    away = solids(shape, centres, 0.5 * thick, axes, 0.0, discs, margin=0.5 * thick + 2)
    return _highest(gaussian_filter(away, 0.5, truncate=3), porosity)


def capillaries(
    shape: Shape, feature: float, porosity: float, rng: np.random.Generator, axis: int = 2
) -> NDArray[np.bool_]:
    """Cylindrical pores side by side, slightly tilted and wavy; they may run into each other."""
    radius = (0.35 if axis == 2 else 0.6) * feature
    frame = Rotation.from_rotvec(rng.uniform(-0.15, 0.15, 3)).as_matrix()
    run = frame[:, axis]
    others = [k for k in range(3) if k != axis]
    margin = 2 * radius + 0.2 * shape[axis] + 1.0
    box = np.array([shape[k] + 2 * margin for k in others])
    count = round(porosity * np.prod(box) / (np.pi * radius**2))
    spread = rng.uniform(0, 0.3)
    radii = radius * np.exp(spread * np.clip(rng.standard_normal(count), -2, 2))
    crowded = 1.0 + rng.uniform(0, 0.25)  # how far they keep from each other
    places = pushed_apart(
        rng.random((count, 2)) * box, crowded * radii, box, 0.1 * radius, int(rng.integers(5, 60))
    )
    step = max(1.5, 0.5 * radius)
    along = np.arange(-margin, shape[axis] + margin, step)
    centres = np.zeros((count, len(along), 3))
    centres[..., axis] = along
    wave = (
        rng.uniform(0, 0.3)
        * radius
        * np.sin(
            2 * np.pi * along / (radius * rng.uniform(10, 30, (count, 1))) + rng.uniform(0, 6.3, (count, 1))
        )
    )
    for k, place in zip(others, places.T - margin, strict=True):
        centres[..., k] = place[:, None] + wave
    middle = np.array(shape) / 2
    centres = ((centres - middle) @ frame.T + middle).reshape(-1, 3)
    near = ((centres > -2 * radius) & (centres < np.array(shape) + 2 * radius)).all(axis=1)
    thick = np.repeat(radii, len(along))[near]
    axes = np.broadcast_to(run, (len(thick), 3))
    away = solids(shape, centres[near], thick, axes, step / 2, margin=0.6 * radius + 3)
    return _highest(-gaussian_filter(away, 0.5, truncate=3), porosity)


def stretched_film(
    shape: Shape, feature: float, porosity: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Nodes, torn across the direction of stretching, with fibrils between them along it."""
    fibril = max(1.3, 0.07 * feature)
    apart = feature * np.array([2.0, rng.uniform(2.0, 3.0), rng.uniform(1.8, 3.0)])  # nodes, from each other
    box = np.array(shape) + 2 * apart
    in_fibrils = rng.uniform(0.3, 0.6) * -np.log(porosity)
    in_nodes = -np.log(porosity) - in_fibrils
    count = round(np.prod(box / apart))
    middles = pushed_apart(rng.random((count, 3)) * box / apart, np.full(count, 0.45), box / apart, 0.1, 20)
    # a node: lumps side by side across the direction of stretching
    lumps = 7
    places = rng.standard_normal((count, lumps, 3)) * np.array([0.3, 0.3, 0.05])
    centres = ((middles[:, None] + places) * apart - apart).reshape(-1, 3)
    radii = (in_nodes * np.prod(apart) / lumps / 7) ** (1 / 3) * rng.lognormal(0, 0.3, len(centres))
    axes = rng.standard_normal((len(centres), 3)) * 0.3 + np.array([0, 1.0, 0])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    nodes = solids(shape, centres, 0.8 * radii, axes, radii, margin=fibril + 4)
    nodes += 0.3 * radii.mean() * noise(shape, radii.mean(), rng)
    length = 0.7 * apart[2]
    count = round(in_fibrils * np.prod(box) / (np.pi * fibril**2 * 2 * length))
    lean = rng.standard_normal((count, 3)) * rng.uniform(0.02, 0.1) + np.array([0, 0, 1.0])
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    lengths = length * rng.uniform(0.5, 1.5, count)
    thick = fibril * np.exp(0.25 * np.clip(rng.standard_normal(count), -1.5, 2))
    threads = solids(shape, rng.random((count, 3)) * box - apart, thick, lean, lengths, margin=fibril + 4)
    return _highest(gaussian_filter(np.minimum(nodes, threads), 0.5, truncate=3), porosity)


def lattice(shape: Shape, feature: float, porosity: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Layers of parallel struts, crossing each other, laid down as by a nozzle."""
    solid = 1 - porosity
    pitch = 0.72 * feature / porosity**0.7
    radius = pitch * np.sqrt(solid / np.pi) * 0.8
    layer = radius * rng.uniform(1.5, 1.9)
    turned, crossing = rng.uniform(0, np.pi), rng.uniform(np.pi / 3, np.pi / 2)
    tilt = Rotation.from_rotvec([0, *rng.uniform(-0.35, 0.35, 2)]).as_matrix()
    reach = 0.75 * np.hypot(*shape[1:]) + pitch
    step = radius
    along = np.arange(-reach, reach, step)
    rows = np.arange(-reach, reach, pitch)
    parts = []
    deep = 0.5 * shape[0] + 0.3 * reach
    for number, height in enumerate(np.arange(-deep, deep, layer)):
        angle = turned + crossing * (number % 2)
        way, side = np.array([0, np.sin(angle), np.cos(angle)]), np.array([0, np.cos(angle), -np.sin(angle)])
        shift = rng.uniform(-0.08, 0.08, len(rows)) * pitch + 0.5 * pitch * (number // 2 % 2) * rng.integers(
            0, 2
        )
        sway = 0.06 * pitch * np.sin(along / (1.5 * pitch) + rng.uniform(0, 6.3, (len(rows), 1)))
        places = (rows + shift)[:, None, None] * side + along[:, None] * way + sway[..., None] * side
        places[..., 0] += height + sway[:, ::-1]
        parts.append(np.concatenate([places, np.broadcast_to(way, places.shape)], axis=-1).reshape(-1, 6))
    every = np.concatenate(parts)
    centres, axes = every[:, :3] @ tilt.T + np.array(shape) / 2, every[:, 3:] @ tilt.T
    near = ((centres > -2 * radius) & (centres < np.array(shape) + 2 * radius)).all(axis=1)
    centres, axes = centres[near], axes[near]
    thick = radius * (1 + 0.04 * np.clip(rng.standard_normal(len(centres)), -2, 2))
    away = solids(shape, centres, thick, axes, step, margin=0.8 * radius + 3)
    return _highest(gaussian_filter(away, 0.08 * radius, truncate=3), porosity)


# -- smooth surfaces between two phases that both hang together --------------------------------------


def spinodal(
    shape: Shape, feature: float, porosity: float, rng: np.random.Generator, swapped: bool = False
) -> NDArray[np.bool_]:
    """Two phases that part by Cahn and Hilliard's equation (`own_truths.demixing`), stopped early or late."""
    steps = int(rng.integers(14, 40))
    period = 10.0 * (steps / 40) ** 0.25  # of the structure by then
    field = _coarse(
        shape,
        0.5 * feature / porosity / period,
        lambda box: demixing(box, 1 - porosity if swapped else porosity, rng, steps, step=1.0, noise=0.3),
        most=800_000,
    )
    return _highest(-field if swapped else field, porosity)


def ligaments(shape: Shape, feature: float, porosity: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Ligaments whose surface has moved by its own curvature, as in dealloyed and annealed metals."""
    field = _curved(
        shape, 0.62 * feature / porosity, porosity, rng, rounds=int(rng.integers(1, 4)), level=True
    )
    return _highest(field, porosity)


def _curved(
    shape: Shape, period: float, porosity: float, rng: np.random.Generator, rounds: int, level: bool = False
) -> NDArray:  # type: ignore[type-arg]
    """Blur a binary field and cut it again, some times over (Merriman, Bence and Osher 1992)."""

    def make(box: Shape) -> Field:
        white = rng.standard_normal(box).astype(np.float32)
        field = gaussian_filter(white, 1.6, mode="wrap") - gaussian_filter(
            white, 2.4, mode="wrap"
        )  # even widths
        for _ in range(rounds):
            pores = _highest(field, porosity).astype(np.float32)
            field = gaussian_filter(pores, 1.4, mode="wrap", truncate=3)
        return field

    field = _coarse(shape, period / (9.0 + 0.6 * rounds), make, most=4_000_000)
    return field if level else _highest(field, porosity)


def periodic_surface(
    shape: Shape, feature: float, porosity: float, rng: np.random.Generator, kind: str = "gyroid"
) -> NDArray[np.bool_]:
    """A triply periodic surface, turned, bent, and of either side or both sides of it the solid."""
    sheet = kind == "gyroid" and porosity > 0.55 and rng.random() < 0.5
    area = {"gyroid": 3.09, "p": 2.35, "d": 3.84}[kind]  # per volume, of a period of 1
    period = feature * area / (4 * porosity) * (2 if sheet else 1)
    period = max(period, 8.0)
    turn = Rotation.random(random_state=int(rng.integers(2**31))).as_matrix() * (2 * np.pi / period)
    bend = rng.uniform(0, 0.5)
    scale = max(1.0, period / 16)

    def make(box: Shape) -> Field:
        places = np.stack(np.meshgrid(*(scale * np.arange(n) for n in box), indexing="ij"))
        a, b, c = np.tensordot(turn, places, 1).astype(np.float32)
        a, b, c = (each + bend * noise(box, 0.5 * period / scale, rng) for each in (a, b, c))
        if kind == "gyroid":
            value = np.sin(a) * np.cos(b) + np.sin(b) * np.cos(c) + np.sin(c) * np.cos(a)
        elif kind == "p":
            value = np.cos(a) + np.cos(b) + np.cos(c)
        else:
            value = np.cos(a) * np.cos(b) * np.cos(c) - np.sin(a) * np.sin(b) * np.sin(c)
        return value + 0.05 * noise(box, 0.3 * period / scale, rng)

    field = _coarse(shape, scale, make, most=30_000_000)
    return _highest(np.abs(field) if sheet else field, porosity)


# -- what they share --------------------------------------------------------------------------------


def noise(shape: Shape, length: float, rng: np.random.Generator) -> Field:
    """Return smooth noise of mean 0 and standard deviation 1 that changes over so many voxels."""
    step = max(1.0, length / 2)
    coarse = tuple(int(np.ceil(n / step)) + 3 for n in shape)
    values = gaussian_filter(rng.standard_normal(coarse).astype(np.float32), length / step / 2, mode="wrap")
    return _enlarged(values / values.std(), shape, step)


EDGE = 3  # coarse voxels before the first that is used: what does not repeat itself is wrong at its edges


def _coarse(shape: Shape, scale: float, make: Callable[[Shape], Field], most: int) -> Field:
    """Make a field on voxels `scale` times as long, and enlarge it smoothly.

    What would have more than `most` coarse voxels is made smaller and repeats itself.
    """
    box = tuple(max(12, int(np.ceil(n / scale)) + 2 * EDGE) for n in shape)
    if (too_many := np.prod(box) / most) > 1:
        cut = too_many**0.5
        box = (box[0], int(box[1] / cut), int(box[2] / cut))
    field = make(box)
    for axis in range(3):  # cubic: its walls stay smooth
        field = spline_filter1d(field, 3, axis, output=np.float32, mode="grid-wrap")
    return _enlarged(field, shape, scale, cubic=True, first=EDGE)


def _enlarged(field: Field, shape: Shape, scale: float, cubic: bool = False, first: int = 0) -> Field:
    """Interpolate a field axis by axis, linearly or as a cubic spline whose coefficients it holds."""
    for axis, n in sorted(enumerate(shape), key=lambda one: one[1] / field.shape[one[0]]):
        at = (np.arange(n) + 0.5) / scale + first
        below = np.floor(at).astype(int)
        t = (at - below).astype(np.float32)
        if cubic:
            weights = [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]
            taken = [(k - 1, weight / 6) for k, weight in enumerate(weights)]
        else:
            taken = [(0, 1 - t), (1, t)]
        wide = [1, 1, 1]
        wide[axis] = n
        total = None
        for k, weight in taken:
            part = np.take(field, (below + k) % field.shape[axis], axis=axis)
            part *= weight.reshape(wide)
            total = part if total is None else np.add(total, part, out=total)
        field = total
    return field


MATERIALS = (
    Material(
        "spinodal", "bicontinuous", spinodal, (0.3, 0.5), "membranes by phase separation; glasses", smallest=5
    ),
    Material(
        "spinodal_swapped",
        "bicontinuous",
        partial(spinodal, swapped=True),
        (0.5, 0.72),
        "membranes by phase separation; monoliths",
        smallest=5,
    ),
    Material("ligaments_slender", "bicontinuous", ligaments, (0.5, 0.75), "nanoporous metals, low density"),
    Material("ligaments_stout", "bicontinuous", ligaments, (0.18, 0.5), "nanoporous metals, annealed"),
    Material("overlapping_balls", "overlapping", overlapping_balls, (0.15, 0.65), "precipitates, aggregates"),
    Material("ball_pores", "overlapping", ball_pores, (0.2, 0.75), "leached porogen, gas bubbles"),
    Material("packed_balls", "packing", packed, (0.38, 0.55), "beds of beads, powders"),
    Material(
        "sintered_balls",
        "packing",
        partial(packed, sinter=(0.08, 0.25)),
        (0.12, 0.38),
        "sintered beads, filters",
    ),
    Material(
        "packed_pores",
        "packing",
        partial(packed, sinter=(0.03, 0.12), swapped=True),
        (0.55, 0.78),
        "inverse opals, emulsion templates, cellular membranes with round cells",
    ),
    Material(
        "rock",
        "packing",
        partial(packed, sinter=(0.05, 0.15), spreads=(0.3, 0.5), rough=0.18),
        (0.1, 0.25),
        "compacted grains with cement",
    ),
    Material("nodules", "nodules", nodules, (0.4, 0.85), "nodular membranes, aerogels", 6),
    Material("open_foam", "cells", struts, (0.75, 0.95), "open-cell foams, without walls"),
    Material(
        "reticulated",
        "cells",
        partial(
            cells,
            spread=(0.15, 0.45),
            open_share=(0.75, 0.95),
            window=(0.75, 0.98),
            rounding=(0.1, 0.35),
            uneven_walls=(0.1, 0.4),
            bent=(0.05, 0.15),
        ),
        (0.65, 0.9),
        "nanofoams and hydrogels: struts of uneven width, few walls left",
        6,
    ),
    Material("closed_even", "cells", cells, (0.55, 0.9), "closed cells of even size", 6),
    Material(
        "closed_uneven",
        "cells",
        partial(cells, spread=(0.3, 0.6), uneven_walls=(0.1, 0.4), bent=(0.0, 0.15)),
        (0.5, 0.9),
        "closed cells of uneven size",
        6,
    ),
    Material(
        "closed_round",
        "cells",
        partial(cells, spread=(0.1, 0.5), rounding=(0.3, 0.8), bent=(0.0, 0.15)),
        (0.35, 0.7),
        "closed cells with rounded corners and thick walls",
        6,
    ),
    Material(
        "half_open_even",
        "cells",
        partial(cells, open_share=(0.3, 0.8), window=(0.4, 0.9), rounding=(0.03, 0.3)),
        (0.6, 0.92),
        "cellular membranes, hydrogels",
        6,
    ),
    Material(
        "half_open_uneven",
        "cells",
        partial(
            cells,
            spread=(0.25, 0.5),
            open_share=(0.3, 0.8),
            window=(0.2, 0.95),
            uneven_walls=(0.2, 0.5),
            rounding=(0.1, 0.3),
            bent=(0.05, 0.2),
        ),
        (0.55, 0.92),
        "hydrogels, bread",
        6,
    ),
    Material(
        "elongated",
        "cells",
        partial(
            cells,
            spread=(0.1, 0.4),
            stretch=(1.7, 3.5),
            open_share=(0.0, 0.6),
            window=(0.3, 0.9),
            bent=(0.05, 0.15),
        ),
        (0.55, 0.9),
        "cells drawn out across or along the membrane; wood",
        6,
    ),
    Material(
        "freeze_cast",
        "cells",
        partial(
            cells,
            spread=(0.1, 0.4),
            stretch=(3.0, 5.0),
            lamellar=True,
            open_share=(0.0, 0.5),
            window=(0.3, 0.9),
            uneven_walls=(0.1, 0.4),
            bent=(0.1, 0.25),
        ),
        (0.6, 0.9),
        "freeze-cast ceramics and gels: flat cells side by side",
        6,
    ),
    Material(
        "graded",
        "cells",
        partial(
            cells,
            growth=3.5,
            spread=(0.05, 0.4),
            open_share=(0.0, 0.7),
            window=(0.3, 0.9),
            rounding=(0.1, 0.3),
            bent=(0.0, 0.15),
        ),
        (0.55, 0.85),
        "asymmetric membranes: cells grow across the picture",
        8,
    ),
    Material("fibres_any", "fibres", fibres, (0.6, 0.95), "straight fibres in any direction"),
    Material(
        "mat_side",
        "fibres",
        partial(fibres, flat_along=1, curl=(0.1, 0.6)),
        (0.55, 0.93),
        "cross-section of a mat: cut ends and lengths",
    ),
    Material(
        "mat_above",
        "fibres",
        partial(fibres, flat_along=0, curl=(0.05, 0.5)),
        (0.6, 0.95),
        "electrospun mat seen from above",
    ),
    Material(
        "fibres_curled",
        "fibres",
        partial(fibres, curl=(0.3, 0.9), aligned=0.2),
        (0.6, 0.95),
        "felt, cellulose",
    ),
    Material(
        "gyroid", "periodic", periodic_surface, (0.25, 0.8), "block copolymers, printed gyroids", smallest=6
    ),
    Material(
        "schwarz_p",
        "periodic",
        partial(periodic_surface, kind="p"),
        (0.3, 0.75),
        "printed lattices",
        smallest=6,
    ),
    Material(
        "schwarz_d",
        "periodic",
        partial(periodic_surface, kind="d"),
        (0.3, 0.75),
        "printed lattices",
        smallest=6,
    ),
    Material("grains", "cells", grains, (0.1, 0.45), "electrodes, ceramics: polyhedral grains"),
    Material("plates", "plates", plates, (0.45, 0.85), "clays, graphite, flakes", 5),
    Material(
        "capillaries_along", "capillaries", capillaries, (0.2, 0.7), "capillaries in the picture's plane"
    ),
    Material(
        "capillaries_across",
        "capillaries",
        partial(capillaries, axis=0),
        (0.1, 0.7),
        "capillaries seen end on: track-etched, anodic alumina",
    ),
    Material(
        "stretched_film",
        "stretched",
        stretched_film,
        (0.45, 0.8),
        "stretched PTFE or polyolefin: nodes, fibrils",
        5,
    ),
    Material("lattice", "lattice", lattice, (0.4, 0.8), "printed scaffolds", smallest=12),
)


def by_name(name: str) -> Material:
    """Return the material of that name."""
    return next(material for material in MATERIALS if material.name == name)


def main() -> None:
    from matplotlib.image import imsave

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--names", default=",".join(material.name for material in MATERIALS))
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--side", type=int, default=384)
    parser.add_argument("--pictures", type=Path, help="folder for sections of each and a sheet of all")
    options = parser.parse_args()
    rows = []
    print(
        "| material | porosity | chord of pores, of solid [voxels] | depth | seconds |\n" + "|---" * 5 + "|"
    )
    for name in options.names.split(","):
        row = []
        for seed in range(options.draws):
            clock = time.perf_counter()
            pore = draw(by_name(name), np.random.default_rng([*name.encode(), seed]), options.side)
            seconds = time.perf_counter() - clock
            chords = ", ".join(f"{chord:.1f}" for chord in mean_chords(pore))
            print(f"| {name} | {pore.mean():.3f} | {chords} | {len(pore)} | {seconds:.1f} |", flush=True)
            row.append(np.pad(~pore[len(pore) // 2], 2, constant_values=True))
        rows.append(np.hstack(row))
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            imsave(options.pictures / f"{name}.png", rows[-1].astype(float), cmap="gray")
    if options.pictures:
        imsave(options.pictures / "all.png", np.vstack(rows)[::2, ::2].astype(float), cmap="gray")


def mean_chords(pore: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the mean chords of the pores and of the solid, over the axes of the picture's plane."""
    faces = np.mean([np.count_nonzero(np.diff(pore, axis=axis)) for axis in (1, 2)])
    return 2 * np.count_nonzero(pore) / max(1, faces), 2 * np.count_nonzero(~pore) / max(1, faces)


if __name__ == "__main__":
    main()
