"""The march of one worker along z through its column of blocks."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import import_module
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porescape.memory import keep_memory
from porescape.synthesis.blockwise.plan import STEP, BlockIndex, BlockPlan, Unit, unit_window
from porescape.synthesis.height import height_layers
from porescape.synthesis.layers import Hold


def march(plan: BlockPlan, unit: Unit, rows: Iterable[int]) -> Iterator[tuple[int, int, NDArray[np.float32]]]:
    """Yield (row, first layer within the row, field) step by step."""
    keep_memory()
    window = unit_window(plan, unit)
    layers = height_layers(plan.recipe, plan.domain, plan.seed, window, partial(Hold, pace=STEP))
    for row in rows:
        begin = plan.window.start[0] + row * plan.chunk[0]
        depth = min(plan.chunk[0], plan.window.start[0] + plan.window.shape[0] - begin)
        for layer in range(0, depth, STEP):
            with one_thread():
                field = layers(begin + layer, begin + min(layer + STEP, depth))
            yield row, layer, field


def blocks_of_row(plan: BlockPlan, unit: Unit, row: int) -> list[tuple[BlockIndex, slice, slice]]:
    """Return the blocks of one row of a unit, and where they lie in its layers."""
    low = unit.columns.start * plan.chunk[1]
    found = []
    for y, x in product(unit.columns, range(plan.counts[2])):
        (_, sy, sx), (_, ny, nx) = plan.block((row, y, x))
        found.append(((row, y, x), slice(sy - low, sy - low + ny), slice(sx, sx + nx)))
    return found


def one_thread() -> AbstractContextManager[Any]:
    """Limit linear algebra to one thread: on a busy machine several wait for each other, 40 times as long."""
    try:
        pools = import_module("threadpoolctl")  # a dependency of scikit-learn
    except ImportError:
        return nullcontext()
    return pools.threadpool_limits(1, user_api="blas")  # type: ignore[no-any-return]
