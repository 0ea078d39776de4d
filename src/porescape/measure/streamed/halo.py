"""Local thickness block by block, with a halo as wide as the local balls need.

How much must be read around a block? Let M be the largest distance from a voxel to the wall within k voxels
of the block, and M < k, with some room for rounding. No ball from farther away reaches the block: it would
hold the straight way from its centre to the block, and where that way is k voxels from the block the wall
would be k away, more than M. So all balls that matter are centred within k voxels of the block, none is wider
than M, and the walls that stop them are within k + M. A window of 2k voxels around the block is therefore
enough, and whether M < k is seen after reading it; where it is not, k grows and the block is done again. M is
at most the radius of the largest ball of the whole structure, so a halo of twice that and a few voxels is
always enough.
"""

from functools import lru_cache
from math import ceil
from typing import Any, NamedTuple

import edt
import numpy as np
from numpy.typing import NDArray

from porescape.core.chunked import ChunkedVolume, slices, tiled, within
from porescape.core.curve import Curve
from porescape.core.domain import Window
from porescape.errors import InputError
from porescape.measure.geometry.morphology import THICKNESS_STEP, Phase, ThicknessDistribution
from porescape.measure.geometry.thickness import RIM, balls_inside, bits, contacts, needed_distance, paint
from porescape.parallel import OnProgress
from porescape.units import format_shape

BYTES = 36  # per voxel of a window while it is worked on; measured 19 to 34
PHASES: tuple[Phase, Phase] = ("pore", "solid")
_SMALLEST, _LARGEST = 16, 256  # voxels; larger blocks save little time
_ROUND = 8  # voxels; tables are made for multiples of this, so that most blocks share them
ROOM = 5  # voxels; balls between voxels, their neighbours, and the rounding of straight ways to voxels


class Shares(NamedTuple):
    """Number of voxels by local thickness.

    Attributes
    ----------
    thickness : ndarray of float32, shape (n,)
        Ascending, each once [voxels].
    voxels : ndarray of int64, shape (n,)
    """

    thickness: NDArray[np.float32]
    voxels: NDArray[np.int64]


NOTHING = Shares(np.zeros(0, np.float32), np.zeros(0, np.int64))


def likely_reach(chord: float) -> int:
    """Guess k from the mean chord of a phase [voxels]; M is 0.6 to 0.8 of that in random fields."""
    return ceil(0.8 * chord) + ROOM


def tile_edge(reach: int, memory: float) -> int:
    """Return the edge of blocks whose windows need this memory if k is `reach` [voxels]."""
    return max(_SMALLEST, min(int((memory / BYTES) ** (1 / 3)) - 2 * _halo(reach), _LARGEST))


def tile_shares(
    chunked: ChunkedVolume, reach: tuple[int, int], memory: float, tile: Window, progress: OnProgress
) -> tuple[Shares, Shares]:
    """Return the local thickness of pores and solid in one block, halved where its balls are too wide."""
    guesses = zip(PHASES, reach, strict=True)
    pore, solid = (_halved_shares(chunked, tile, phase, guess, memory) for phase, guess in guesses)
    return pore, solid


def _halved_shares(chunked: ChunkedVolume, tile: Window, phase: Phase, reach: int, memory: float) -> Shares:
    try:
        return block_shares(chunked, tile, phase, reach, memory)[0]
    except InputError:
        if max(tile.shape) <= _SMALLEST:
            raise
    half = max(_SMALLEST, -(-max(tile.shape) // 2))
    smaller = (
        Window(tuple(a + b for a, b in zip(tile.start, part.start, strict=True)), part.shape)  # type: ignore[arg-type]
        for part in tiled(tile.shape, (half, half, half))
    )
    return merged(*(_halved_shares(chunked, part, phase, reach, memory) for part in smaller))


def block_shares(
    chunked: ChunkedVolume, block: Window, phase: Phase, reach: int, memory: float
) -> tuple[Shares, int]:
    """Return the local thickness of a phase in one block, exactly as in the whole structure.

    Parameters
    ----------
    chunked : ChunkedVolume
    block : Window
    phase : {"pore", "solid"}
    reach : int
        A guess of k [voxels], see above; 1 or more.
    memory : float
        Largest memory [bytes].

    Returns
    -------
    shares : Shares
    reach : int
        The k that was enough.

    Raises
    ------
    InputError
        The balls around this block are so large that their window takes more than `memory`.
    """
    while True:
        window = within(block, _halo(reach), chunked.shape)
        if (needed := BYTES * float(np.prod(window.shape))) > memory:
            raise InputError(
                f"local thickness around voxel {block.start} needs {format_shape(window.shape)} voxels at "
                f"once, as the balls of the {phase} are large there: {needed / 2**20:.0f} MiB of memory, and "
                f"{memory / 2**20:.0f} MiB may be used; allow more memory, or use fewer workers"
            )
        whole = window.shape == chunked.shape
        found = chunked.read(window)
        inside = found if phase == "pore" else ~found
        core = _moved(block, window)
        near = window if whole else within(block, reach, chunked.shape)
        if not inside[slices(core)].any():
            return NOTHING, reach
        distance = edt.edt(inside.astype(np.uint8, order="C"), black_border=False, parallel=1)
        farthest = float(distance[slices(_moved(near, window))].max())  # infinite if the window has no wall
        if farthest + ROOM <= reach or (whole and np.isfinite(farthest)):
            return _shares(inside, np.minimum(distance, np.float32(farthest)), core), reach
        if whole:
            raise InputError(f"thickness needs walls to measure from, but every voxel is {phase}")
        reach = min(max(ceil(farthest) + ROOM, reach + 1), 2 * reach) if np.isfinite(farthest) else 2 * reach


def merged(*shares: Shares) -> Shares:
    """Merge counts."""
    thickness, place = np.unique(np.concatenate([s.thickness for s in shares]), return_inverse=True)
    voxels = np.zeros(len(thickness), np.int64)
    np.add.at(voxels, place.ravel(), np.concatenate([s.voxels for s in shares]))
    return Shares(thickness, voxels)


def distribution(shares: Shares, voxel_size: float) -> ThicknessDistribution:
    """Return `morphology.thickness_distribution` from the counts of all blocks."""
    thickness, upto = shares.thickness, np.cumsum(shares.voxels)
    n = int(upto[-1])
    steps = np.arange(np.ceil(float(thickness[-1]) / THICKNESS_STEP) + 1) * THICKNESS_STEP
    below = np.concatenate(([0], upto))[np.searchsorted(thickness, steps, side="right")]
    curve = Curve(np.asarray(steps * voxel_size, dtype=np.float64), below / n, "m", "1")
    mean = float(thickness.astype(np.float64) @ shares.voxels) / n * voxel_size
    p10, p50, p90 = (_percentile(thickness, upto, p) * voxel_size for p in (10, 50, 90))
    return ThicknessDistribution(curve, mean, p10, p50, p90)


def _shares(inside: NDArray[np.bool_], distance: NDArray[np.float32], core: Window) -> Shares:
    """Paint the balls of a window into the block; `distance` is cut off where it no longer matters."""
    rimmed = np.pad(distance, RIM, constant_values=-1)
    centre, radius, diameter = balls_inside(rimmed, *_tables(ceil(float(distance.max()) / _ROUND) * _ROUND))
    low = np.array(core.start, np.float32)
    high = low + np.array(core.shape, np.float32) - 1
    away = np.maximum(np.maximum(low - centre, centre - high), 0)
    meets = np.flatnonzero((away**2).sum(axis=1) < radius**2)
    order = meets[np.argsort(-diameter[meets], kind="stable")]
    # one row of wall before the block along each axis: `paint` takes what ends within it for row 0
    own = np.pad(inside[slices(core)], ((1, 0),) * 3)
    thickness = np.zeros(own.shape, np.float32)
    paint(thickness, bits(own), centre[order] - (low - 1), radius[order], diameter[order])
    values, voxels = np.unique(thickness[own], return_counts=True)
    return Shares(values, voxels.astype(np.int64))


@lru_cache(maxsize=2)
def _tables(largest: int) -> tuple[Any, ...]:
    """Return the tables for the search for balls, for distances of up to `largest` voxels."""
    return needed_distance(largest**2), *contacts(largest**2)


def _percentile(values: NDArray[np.float32], upto: NDArray[np.int64], percent: float) -> float:
    """Percentile of values that occur several times each, interpolated as NumPy does."""
    place = (int(upto[-1]) - 1) * percent / 100
    low = int(place)
    here, there = (
        float(values[np.searchsorted(upto, i, side="right")]) for i in (low, min(low + 1, int(upto[-1]) - 1))
    )
    return here + (place - low) * (there - here)


def _halo(reach: int) -> int:
    """Return how far a window goes beyond its block: what matters is centred ROOM within k."""
    return max(2 * reach - ROOM, reach)


def _moved(inner: Window, outer: Window) -> Window:
    """Return a window as seen from the first voxel of one around it."""
    z, y, x = (a - b for a, b in zip(inner.start, outer.start, strict=True))
    return Window((z, y, x), inner.shape)
