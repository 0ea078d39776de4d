"""The level of a whole domain, exact, though its field is never in memory at once."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain
from porescape.core.recipe import Recipe
from porescape.errors import SettingsError
from porescape.parallel import OnProgress, Workers, map_ordered
from porescape.rng import structure_seed
from porescape.synthesis.blockwise.drafts import BINS, Bracket, Draft, GrowingDraft
from porescape.synthesis.blockwise.march import blocks_of_row, march, one_thread
from porescape.synthesis.blockwise.plan import MEMORY, BlockIndex, BlockPlan, Unit, units
from porescape.synthesis.blockwise.store import BlockProgress, BlockStore
from porescape.synthesis.height import height_field, rank_level, solid_rank

SAMPLES = 6  # small boxes that tell where the level should lie; chosen by hand
SAMPLE_EDGE = 96  # voxels; chosen by hand
SPREADS = 5.0  # standard errors of their mean; chosen by hand: in 400 recipes of every kind 4 were enough
NARROWEST = 0.5  # sample units; chosen by hand: the standard deviation of a field is about 100


def level_of(
    plan: BlockPlan,
    store: BlockStore,
    *,
    workers: Workers = 1,
    memory: float = MEMORY,
    progress: OnProgress = lambda event: None,
) -> float:
    """Return the level of the plan's whole domain, from the store or by one pass over all its blocks.

    Where all of the domain is wanted, the drafts of its blocks are in the store afterwards.
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
        missing = [index for index in survey.indices if not _has_draft(store, index, bracket)]
        progress(BlockProgress("level", left=len(missing)))
        work = partial(draft_unit, plan=survey, store=store, bracket=bracket, bits=whole)
        for _ in map_ordered(work, units(survey, missing, workers, memory), workers, progress):
            pass
        rank = solid_rank(math.prod(plan.domain.shape), plan.recipe.porosity)
        level = value_of_rank(lambda: _stored_drafts(store, survey.indices), rank, bracket)
        if isinstance(level, np.float32):
            store.put_note("level", float(level))
            return float(level)
        progress(
            BlockProgress(
                "level",
                words=f"the level lies outside the bracket {bracket.low:g} to {bracket.high:g} that samples "
                f"of the material gave; a second pass looks between {level.low:g} and {level.high:g}",
            )
        )
        bracket = level
        store.put_note("bracket", list(bracket))


def draft_unit(
    unit: Unit,
    progress: OnProgress,
    *,
    plan: BlockPlan,
    store: BlockStore,
    bracket: Bracket,
    bits: bool,
) -> None:
    """Make those drafts of one unit that are missing."""
    wanted = [
        row
        for row in unit.rows
        if any(not _has_draft(store, index, bracket) for index, _, _ in blocks_of_row(plan, unit, row))
    ]
    parts: dict[BlockIndex, GrowingDraft] = {}
    for row, layer, field in march(plan, unit, wanted):
        for index, y, x in blocks_of_row(plan, unit, row):
            size = plan.block(index).shape
            if layer == 0:
                parts[index] = GrowingDraft(size, bits)
            parts[index].add(layer, field[:, y, x], bracket)
            if layer + len(field) == size[0]:
                store.put_draft(index, parts.pop(index).draft(bracket))
                progress(BlockProgress("level", index))


def sampled_bracket(recipe: Recipe, domain: Domain, seed: int) -> Bracket:
    """Return the bracket in which the level of a domain should lie, from small boxes of the same material."""
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


def value_of_rank(drafts: Callable[[], Iterator[Draft]], rank: int, bracket: Bracket) -> np.float32 | Bracket:
    """Return the value of a rank among all voxels of all drafts, or the bracket in which to look for it.

    Parameters
    ----------
    drafts : callable
        Returns an iterator over all drafts; called twice, so that they need not be in memory together.
    rank : int
        From 1, the smallest.
    """
    low, high = np.float64(bracket.low), np.float64(bracket.high)
    bins = 1 << 16  # chosen by hand
    scale = (bins - 1) / max(high - low, 1e-30)

    def place(values: NDArray[np.float32]) -> NDArray[np.int64]:
        return ((values.astype(np.float64) - low) * scale).astype(np.int64)  # monotonic in the values

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


def _stored_drafts(store: BlockStore, indices: Iterable[BlockIndex]) -> Iterator[Draft]:
    for index in indices:
        draft = store.draft(index, bits=False)
        if draft is None:
            raise SettingsError(
                f"the draft of block {index} disappeared while the job ran; run it again with --resume"
            )
        yield draft


def _has_draft(store: BlockStore, index: BlockIndex, bracket: Bracket) -> bool:
    draft = store.draft(index, bits=False)
    return draft is not None and draft.bracket == bracket
