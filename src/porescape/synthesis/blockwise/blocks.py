"""Structures beyond memory: which blocks, in which order, and the one level that cuts them all.

A worker marches along z through a column of blocks and makes every layer once (`height_layers`), so a
block costs no halo but at the ends of its march. The level is the field's exact k-th smallest value, the
one `generate` takes, though nobody ever holds the whole field:

1. a few small boxes of the same material say between which two values it lies;
2. in the one pass over all blocks, voxels outside that bracket are decided and the few inside are put
   aside with their values: a draft;
3. the level is the right one of the values put aside, and decides them.

Should the level lie outside the bracket, the counts of the first pass say between which two whole numbers
it does, and a second pass finds it there.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from itertools import product
from typing import Any, NamedTuple, Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Domain, Shape, Window
from porescape.core.recipe import AnyRecipe, PaperRecipe, Recipe
from porescape.errors import SettingsError
from porescape.memory import keep_memory
from porescape.parallel import OnProgress, Workers, map_ordered
from porescape.rng import structure_seed
from porescape.synthesis.height import height_field, height_layers, march_bytes, rank_level, solid_rank
from porescape.synthesis.layers import Hold

STEP = 16  # layers made at a time; twice as many are no faster and take more memory
MEMORY = 3.5e9  # bytes, of all workers together
FEW = 2**28  # voxels; so many drafts are finished before workers would have started
BASE = 2.2e8  # bytes that a worker holds before it works: the interpreter, numpy, numba

SAMPLES = 6  # boxes that say where the level must lie
SAMPLE_EDGE = 96  # voxels
SPREADS = 5.0  # standard errors of their mean; in 400 recipes of every sort none needed more than 4
NARROWEST = 0.5  # sample units, whose standard deviation in a field is some 100

BINS = 4096  # of one sample unit each, around 0: all that a field can be


class Bracket(NamedTuple):
    """Two values between which the level lies."""

    low: float
    high: float


BlockIndex = Shape  # of a block along z, y and x


@dataclass(frozen=True, slots=True)
class BlockPlan:
    """A structure to be made in blocks.

    Attributes
    ----------
    recipe : Recipe
    domain : Domain
    seed : int
    window : Window
        The part of the domain that is wanted.
    chunk : tuple of int
        Voxels of a block; the last ones are cut short.
    """

    recipe: Recipe
    domain: Domain
    seed: int
    window: Window
    chunk: Shape

    @property
    def counts(self) -> Shape:
        """Blocks along z, y and x."""
        z, y, x = (-(-n // step) for n, step in zip(self.window.shape, self.chunk, strict=True))
        return z, y, x

    @property
    def numbers(self) -> list[BlockIndex]:
        """Of all blocks, x fastest."""
        z, y, x = self.counts
        return list(product(range(z), range(y), range(x)))

    def block(self, number: BlockIndex) -> Window:
        """Return the window of a block inside the wanted part."""
        start = tuple(i * step for i, step in zip(number, self.chunk, strict=True))
        size = tuple(
            min(step, n - a) for a, step, n in zip(start, self.chunk, self.window.shape, strict=True)
        )
        return Window(start, size)  # type: ignore[arg-type]  # three in, three out


class Draft(NamedTuple):
    """A block of which the level is not yet known.

    Attributes
    ----------
    bracket : Bracket
    below : int
        Voxels below the bracket.
    counts : ndarray of int32, shape (BINS,)
        Voxels per whole number of sample units.
    pore, aside : ndarray of uint8
        Bits of the voxels above and inside the bracket; empty where only the level is wanted.
    values : ndarray of float32
        Of the voxels put aside, in their order.
    """

    bracket: Bracket
    below: int
    counts: NDArray[np.int32]
    pore: NDArray[np.uint8]
    aside: NDArray[np.uint8]
    values: NDArray[np.float32]


class BlockStore(Protocol):
    """Where blocks are kept; cheap to pickle, as workers put their own blocks there."""

    def has_block(self, number: BlockIndex) -> bool:
        """Return whether a finished block is there, whole."""

    def put_block(self, number: BlockIndex, pore: NDArray[np.bool_]) -> None:
        """Keep a finished block."""

    def draft(self, number: BlockIndex, bits: bool = True) -> Draft | None:
        """Return a draft if it is there, whole; without its bits if they are not asked for."""

    def put_draft(self, number: BlockIndex, draft: Draft) -> None:
        """Keep a draft."""

    def drop_draft(self, number: BlockIndex) -> None:
        """Remove a draft if it is there."""

    def note(self, name: str) -> Any:
        """Return what was noted under a name, or None."""

    def put_note(self, name: str, value: Any) -> None:
        """Note numbers or words under a name."""


class BlockProgress(NamedTuple):
    """What is told: a block is done with a stage, or (without a number) a stage begins.

    Attributes
    ----------
    stage : str
        "level": values are put aside; "blocks": blocks are finished.
    number : Number or None
    left : int
        Blocks that the stage has to do when it begins.
    words : str
    """

    stage: str
    number: BlockIndex | None = None
    left: int = 0
    words: str = ""


def check_local(recipe: AnyRecipe) -> Recipe:
    """Refuse what cannot be made in parts.

    Raises
    ------
    SettingsError
        The paper's literal recipe.
    """
    if isinstance(recipe, PaperRecipe):
        raise SettingsError(
            "the paper's literal recipe is normalised by extremes of the whole array and cannot be made in "
            "parts; write it to a .tif or .vti, or fit the image with --method porescape"
        )
    return recipe


def level_of(
    plan: BlockPlan,
    store: BlockStore,
    *,
    workers: Workers = 1,
    memory: float = MEMORY,
    progress: OnProgress = lambda event: None,
) -> float:
    """Return the level of the job's whole domain, from the shelf or by one pass over all its blocks.

    Where the job wants all of the domain, the drafts of its blocks are on the shelf afterwards.
    """
    noted = store.note("level")
    if noted is not None:
        return float(noted)
    whole = plan.window == plan.domain.whole
    survey = plan if whole else replace(plan, window=plan.domain.whole)
    noted = store.note("bracket")
    bracket = Bracket(*noted) if noted is not None else sampled_bracket(plan.recipe, plan.domain, plan.seed)
    store.put_note("bracket", list(bracket))
    while True:
        missing = [number for number in survey.numbers if not _has_draft(store, number, bracket)]
        progress(BlockProgress("level", left=len(missing)))
        work = partial(draft_unit, plan=survey, store=store, bracket=bracket, bits=whole)
        _do(work, units(survey, missing, workers, memory), workers, progress)
        rank = solid_rank(math.prod(plan.domain.shape), plan.recipe.porosity)
        level = select(lambda: _drafts(store, survey.numbers), rank, bracket)
        if isinstance(level, np.float32):
            store.put_note("level", float(level))
            return float(level)
        progress(
            BlockProgress(
                "level",
                words=f"the level lies outside {bracket.low:g} to {bracket.high:g}, where samples of the "
                f"material had it; a second pass looks between {level.low:g} and {level.high:g}",
            )
        )
        bracket = level
        store.put_note("bracket", list(bracket))


def make_blocks(
    plan: BlockPlan,
    store: BlockStore,
    level: float,
    *,
    workers: Workers = 1,
    memory: float = MEMORY,
    progress: OnProgress = lambda event: None,
) -> None:
    """Finish all blocks that the shelf does not have: from their drafts, or else anew."""
    missing = [number for number in plan.numbers if not store.has_block(number)]
    progress(BlockProgress("blocks", left=len(missing)))
    whole = plan.window == plan.domain.whole
    drafted = [number for number in missing if whole and _decidable(store.draft(number, bits=False), level)]
    few = isinstance(workers, int) and len(drafted) * math.prod(plan.chunk) <= FEW
    finish = partial(finish_block, plan=plan, store=store, level=level)
    finished = set(map_ordered(finish, drafted, 1 if few else workers, progress))
    rest = sorted(set(missing) - finished)
    work = partial(block_unit, plan=plan, store=store, level=level)
    _do(work, units(plan, rest, workers, memory), workers, progress)


def _do(
    work: Callable[[Any, OnProgress], None],
    items: Sequence[Any],
    workers: Workers,
    progress: OnProgress,
) -> None:
    for _ in map_ordered(work, items, workers, progress):
        pass


# -- who makes what ----------------------------------------------------------------------------------


class Unit(NamedTuple):
    """What one worker marches through: rows of blocks along z, of the same blocks along y and all along x."""

    rows: range
    columns: range


def units(plan: BlockPlan, missing: Iterable[BlockIndex], workers: Workers, memory: float) -> list[Unit]:
    """Share the missing blocks out: columns as wide as memory allows, and as few pieces as there are hands.

    Raises
    ------
    SettingsError
        Not even columns one block wide fit in memory.
    """
    missing = set(missing)
    if not missing:
        return []
    count = workers_of(workers)
    width = column_width(plan, memory / count if isinstance(workers, int) else memory)
    _, across, _ = plan.counts
    found = []
    for first in range(0, across, width):
        columns = range(first, min(first + width, across))
        rows = sorted({z for z, y, _ in missing if y in columns})
        begin = 0
        for i in range(1, len(rows) + 1):
            if i == len(rows) or rows[i] != rows[i - 1] + 1:
                found.append(Unit(range(rows[begin], rows[i - 1] + 1), columns))
                begin = i
    while len(found) < count and any(len(unit.rows) > 1 for unit in found):
        long = max(found, key=lambda unit: len(unit.rows))
        at = found.index(long)
        middle = (long.rows.start + long.rows.stop) // 2
        found[at : at + 1] = [
            Unit(range(long.rows.start, middle), long.columns),
            Unit(range(middle, long.rows.stop), long.columns),
        ]
    return found


def workers_of(workers: Workers) -> int:
    """Return how many work at a time."""
    if isinstance(workers, int):
        return max(workers, 1)
    processes = getattr(workers, "processes", None)  # a cluster's crew can tell
    return max(len(processes()), 1) if processes else 1


def column_width(plan: BlockPlan, memory: float) -> int:
    """Return how many blocks along y one worker takes at a time, as many as fit in its memory [bytes]."""
    _, across, _ = plan.counts
    pieces = 1
    while True:
        width = -(-across // pieces)
        need = unit_bytes(plan, Unit(range(1), range(width)))
        if need <= memory or width == 1:
            break
        pieces += 1
    if need > memory:
        _, ny, nx = plan.window.shape
        raise SettingsError(
            f"layers of {min(plan.chunk[1], ny)} x {nx} voxels with the halos of this recipe need "
            f"{need / 1e9:.1f} GB of memory per worker, but it may have {memory / 1e9:.1f} GB; allow more "
            "memory, or take fewer --workers, a smaller --chunk or a box that is shorter along x"
        )
    return width


def unit_bytes(plan: BlockPlan, unit: Unit) -> float:
    """Return how much memory a worker needs at most [bytes]."""
    window = _unit_window(plan, unit)
    rows = plan.chunk[0] * window.shape[1] * window.shape[2]
    return BASE + march_bytes(plan.recipe, plan.domain, window, STEP) + 2 * rows


def _unit_window(plan: BlockPlan, unit: Unit) -> Window:
    """Return the window of a unit in the domain."""
    (z, y, x), (cz, cy, _), (nz, ny, nx) = plan.window.start, plan.chunk, plan.window.shape
    top, low = unit.rows.start * cz, unit.columns.start * cy
    size = min(unit.rows.stop * cz, nz) - top, min(unit.columns.stop * cy, ny) - low, nx
    return Window((z + top, y + low, x), size)


def _march(
    plan: BlockPlan, unit: Unit, rows: Iterable[int]
) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Yield (row, first layer of the row's, field) step by step."""
    keep_memory()
    window = _unit_window(plan, unit)
    layers = height_layers(plan.recipe, plan.domain, plan.seed, window, partial(Hold, pace=STEP))
    for row in rows:
        begin = plan.window.start[0] + row * plan.chunk[0]
        depth = min(plan.chunk[0], plan.window.start[0] + plan.window.shape[0] - begin)
        for layer in range(0, depth, STEP):
            with one_thread():
                field = layers(begin + layer, begin + min(layer + STEP, depth))
            yield row, layer, field


def _blocks_of(plan: BlockPlan, unit: Unit, row: int) -> list[tuple[BlockIndex, slice, slice]]:
    """Return the blocks of one row of a unit, and where they lie in its layers."""
    low = unit.columns.start * plan.chunk[1]
    found = []
    for y, x in product(unit.columns, range(plan.counts[2])):
        (_, sy, sx), (_, ny, nx) = plan.block((row, y, x))
        found.append(((row, y, x), slice(sy - low, sy - low + ny), slice(sx, sx + nx)))
    return found


def draft_unit(
    unit: Unit,
    progress: OnProgress,
    *,
    plan: BlockPlan,
    store: BlockStore,
    bracket: Bracket,
    bits: bool,
) -> None:
    """Make the drafts of one unit that are not there yet."""
    wanted = [
        row
        for row in unit.rows
        if any(not _has_draft(store, number, bracket) for number, _, _ in _blocks_of(plan, unit, row))
    ]
    parts: dict[BlockIndex, _Part] = {}
    for row, layer, field in _march(plan, unit, wanted):
        for number, y, x in _blocks_of(plan, unit, row):
            size = plan.block(number).shape
            if layer == 0:
                parts[number] = _Part(size, bits)
            parts[number].add(layer, field[:, y, x], bracket)
            if layer + len(field) == size[0]:
                store.put_draft(number, parts.pop(number).draft(bracket))
                progress(BlockProgress("level", number))


def block_unit(unit: Unit, progress: OnProgress, *, plan: BlockPlan, store: BlockStore, level: float) -> None:
    """Make the blocks of one unit that are not there yet; the level is known."""
    wanted = [
        row
        for row in unit.rows
        if any(not store.has_block(number) for number, _, _ in _blocks_of(plan, unit, row))
    ]
    parts: dict[BlockIndex, NDArray[np.bool_]] = {}
    for row, layer, field in _march(plan, unit, wanted):
        for number, y, x in _blocks_of(plan, unit, row):
            size = plan.block(number).shape
            if layer == 0:
                parts[number] = np.empty(size, dtype=bool)
            np.greater(field[:, y, x], np.float32(level), out=parts[number][layer : layer + len(field)])
            if layer + len(field) == size[0]:
                store.put_block(number, parts.pop(number))
                store.drop_draft(number)
                progress(BlockProgress("blocks", number))


def finish_block(
    number: BlockIndex, progress: OnProgress, *, plan: BlockPlan, store: BlockStore, level: float
) -> BlockIndex | None:
    """Make a block of its draft and return its number, or None where the draft has gone or is broken."""
    draft = store.draft(number)
    if draft is None or not _decidable(draft, level):
        return None
    size = plan.block(number).shape
    voxels = math.prod(size)
    pore = np.unpackbits(draft.pore, count=voxels).view(bool)
    aside = np.unpackbits(draft.aside, count=voxels).view(bool)
    pore[aside] = draft.values > np.float32(level)
    store.put_block(number, pore.reshape(size))
    store.drop_draft(number)
    progress(BlockProgress("blocks", number))
    return number


def _decidable(draft: Draft | None, level: float) -> bool:
    return draft is not None and draft.bracket.low <= level <= draft.bracket.high


def one_thread() -> AbstractContextManager[Any]:
    """Keep linear algebra to one thread: on a busy machine several wait for each other, 40 times as long."""
    try:
        pools = import_module("threadpoolctl")  # comes with scikit-learn
    except ImportError:
        return nullcontext()
    return pools.threadpool_limits(1, user_api="blas")  # type: ignore[no-any-return]


# -- the level ---------------------------------------------------------------------------------------


def sampled_bracket(recipe: Recipe, domain: Domain, seed: int) -> Bracket:
    """Return where the level of a domain most likely lies, from small boxes of the same material."""
    edges = tuple(min(n, SAMPLE_EDGE) for n in domain.shape)
    box = Domain(edges, domain.voxel_size)  # type: ignore[arg-type]  # three in, three out
    levels = []
    for sample in range(SAMPLES):
        with one_thread():
            field = height_field(recipe, box, structure_seed(seed, sample))
        levels.append(float(rank_level(field, recipe.porosity)))
    error = float(np.std(levels, ddof=1)) / math.sqrt(SAMPLES)
    reach = max(SPREADS * error, NARROWEST)
    middle = float(np.mean(levels))
    return Bracket(float(np.float32(middle - reach)), float(np.float32(middle + reach)))


def select(drafts: Callable[[], Iterator[Draft]], rank: int, bracket: Bracket) -> np.float32 | Bracket:
    """Return the value of a rank among all voxels of all drafts, or in which bracket to look for it.

    Parameters
    ----------
    drafts : callable
        Gives all drafts; it is asked twice, so that they need not be in memory together.
    rank : int
        From 1, the smallest.
    """
    low, high = np.float64(bracket.low), np.float64(bracket.high)
    bins = 1 << 16
    scale = (bins - 1) / max(high - low, 1e-30)

    def place(values: NDArray[np.float32]) -> NDArray[np.int64]:
        return ((values.astype(np.float64) - low) * scale).astype(np.int64)  # never falls as values rise

    below = 0
    counts = np.zeros(BINS, dtype=np.int64)
    inside = np.zeros(bins, dtype=np.int64)
    for draft in drafts():
        below += draft.below
        counts += draft.counts
        inside += np.bincount(place(draft.values), minlength=bins)
    within = rank - below
    if not 1 <= within <= inside.sum():
        unit = int(np.searchsorted(np.cumsum(counts), rank))
        return Bracket(
            -math.inf if unit == 0 else float(unit - BINS // 2),
            math.inf
            if unit == BINS - 1
            else float(np.nextafter(np.float32(unit + 1 - BINS // 2), np.float32(-math.inf))),
        )
    upto = np.cumsum(inside)
    bin_ = int(np.searchsorted(upto, within))
    within -= int(upto[bin_] - inside[bin_])
    few = np.concatenate([draft.values[place(draft.values) == bin_] for draft in drafts()])
    return np.float32(np.partition(few, within - 1)[within - 1])


def _drafts(store: BlockStore, numbers: Iterable[BlockIndex]) -> Iterator[Draft]:
    for number in numbers:
        draft = store.draft(number, bits=False)
        if draft is None:
            raise SettingsError(
                f"the draft of block {number} has gone while the job ran; run it again with --resume"
            )
        yield draft


def _has_draft(store: BlockStore, number: BlockIndex, bracket: Bracket) -> bool:
    draft = store.draft(number, bits=False)
    return draft is not None and draft.bracket == bracket


class _Part:
    """A draft that grows layer by layer."""

    def __init__(self, size: Shape, bits: bool) -> None:
        self._state = np.empty(size, dtype=np.uint8) if bits else None
        self._values: list[NDArray[np.float32]] = []
        self._below = 0
        self._counts = np.zeros(BINS, dtype=np.int32)

    def add(self, layer: int, field: NDArray[np.float32], bracket: Bracket) -> None:
        state = np.empty(field.shape, dtype=np.uint8)
        if self._state is not None:
            state = self._state[layer : layer + len(field)]
        values = np.empty(field.size, dtype=np.float32)
        low, high = np.float32(bracket.low), np.float32(bracket.high)
        below, aside = _classify(field, low, high, state, values, self._counts)
        self._below += below
        self._values.append(values[:aside].copy())

    def draft(self, bracket: Bracket) -> Draft:
        state = np.empty(0, dtype=np.uint8) if self._state is None else self._state
        return Draft(
            bracket,
            self._below,
            self._counts,
            np.packbits(state == ABOVE),
            np.packbits(state == INSIDE),
            np.concatenate(self._values),
        )


ABOVE, INSIDE = 1, 2


@njit(cache=True, nogil=True)
def _classify(field, low, high, state, values, counts):  # type: ignore[no-untyped-def]
    """Sort voxels into below, inside and above a bracket; return how many are below, and inside."""
    below, aside = 0, np.uint64(0)
    nz, ny, nx = field.shape
    middle, last = len(counts) // 2, len(counts) - 1
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                value = field[k, j, i]
                counts[min(max(int(np.floor(value)) + middle, 0), last)] += 1
                state[k, j, i] = 0
                if value > high:
                    state[k, j, i] = ABOVE
                elif value >= low:
                    state[k, j, i] = INSIDE
                    values[aside] = value
                    aside += np.uint64(1)
                else:
                    below += 1
    return below, np.int64(aside)
