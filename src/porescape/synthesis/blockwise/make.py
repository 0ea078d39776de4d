"""Finished blocks: from their drafts where there are any, otherwise from the recipe."""

import math
from functools import partial

import numpy as np
from numpy.typing import NDArray

from porescape.parallel import OnProgress, Workers, map_ordered
from porescape.synthesis.blockwise.drafts import Draft
from porescape.synthesis.blockwise.march import blocks_of_row, march
from porescape.synthesis.blockwise.plan import MEMORY, BlockIndex, BlockPlan, Unit, units
from porescape.synthesis.blockwise.store import BlockProgress, BlockStore

FEW = 2**28  # voxels; chosen by hand: so many are finished before workers would have started


def make_blocks(
    plan: BlockPlan,
    store: BlockStore,
    level: float,
    *,
    workers: Workers = 1,
    memory: float = MEMORY,
    progress: OnProgress = lambda event: None,
) -> None:
    """Finish all blocks that the store does not have: from their drafts, otherwise from the recipe."""
    missing = [index for index in plan.indices if not store.has_block(index)]
    progress(BlockProgress("blocks", left=len(missing)))
    whole = plan.window == plan.domain.whole
    drafted = [index for index in missing if whole and _decidable(store.draft(index, bits=False), level)]
    few = isinstance(workers, int) and len(drafted) * math.prod(plan.chunk) <= FEW
    finish = partial(finish_block, plan=plan, store=store, level=level)
    finished = set(map_ordered(finish, drafted, 1 if few else workers, progress))
    rest = sorted(set(missing) - finished)
    work = partial(block_unit, plan=plan, store=store, level=level)
    for _ in map_ordered(work, units(plan, rest, workers, memory), workers, progress):
        pass


def block_unit(unit: Unit, progress: OnProgress, *, plan: BlockPlan, store: BlockStore, level: float) -> None:
    """Make those blocks of one unit that are missing; the level is known."""
    wanted = [
        row
        for row in unit.rows
        if any(not store.has_block(index) for index, _, _ in blocks_of_row(plan, unit, row))
    ]
    parts: dict[BlockIndex, NDArray[np.bool_]] = {}
    for row, layer, field in march(plan, unit, wanted):
        for index, y, x in blocks_of_row(plan, unit, row):
            size = plan.block(index).shape
            if layer == 0:
                parts[index] = np.empty(size, dtype=bool)
            np.greater(field[:, y, x], np.float32(level), out=parts[index][layer : layer + len(field)])
            if layer + len(field) == size[0]:
                store.put_block(index, parts.pop(index))
                store.drop_draft(index)
                progress(BlockProgress("blocks", index))


def finish_block(
    index: BlockIndex, progress: OnProgress, *, plan: BlockPlan, store: BlockStore, level: float
) -> BlockIndex | None:
    """Make a block from its draft and return its index; None where the draft is missing or broken."""
    draft = store.draft(index)
    if draft is None or not _decidable(draft, level):
        return None
    size = plan.block(index).shape
    voxels = math.prod(size)
    pore = np.unpackbits(draft.pore, count=voxels).view(bool)
    aside = np.unpackbits(draft.aside, count=voxels).view(bool)
    pore[aside] = draft.values > np.float32(level)
    store.put_block(index, pore.reshape(size))
    store.drop_draft(index)
    progress(BlockProgress("blocks", index))
    return index


def _decidable(draft: Draft | None, level: float) -> bool:
    return draft is not None and draft.bracket.low <= level <= draft.bracket.high
