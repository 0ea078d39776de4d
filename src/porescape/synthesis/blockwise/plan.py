"""What is to be made in blocks, and how it is shared out among workers within their memory."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from porescape.core.domain import Domain, Shape, Window
from porescape.core.recipe import AnyRecipe, PaperRecipe, Recipe
from porescape.errors import SettingsError
from porescape.parallel import Workers
from porescape.synthesis.height import march_bytes

STEP = 16  # layers made at a time; chosen by hand: twice as many are no faster and take more memory
MEMORY = 3.5e9  # bytes, of all workers together; chosen by hand
BASE = 2.2e8  # bytes that a worker holds before it works (interpreter, numpy, numba); chosen by hand

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
        """Number of blocks along z, y and x."""
        z, y, x = (-(-n // step) for n, step in zip(self.window.shape, self.chunk, strict=True))
        return z, y, x

    @property
    def indices(self) -> list[BlockIndex]:
        """Index of every block, x fastest."""
        z, y, x = self.counts
        return list(product(range(z), range(y), range(x)))

    def block(self, index: BlockIndex) -> Window:
        """Return the window of a block inside the wanted part."""
        start = tuple(i * step for i, step in zip(index, self.chunk, strict=True))
        size = tuple(
            min(step, n - a) for a, step, n in zip(start, self.chunk, self.window.shape, strict=True)
        )
        return Window(start, size)  # type: ignore[arg-type]  # three in, three out


def check_local(recipe: AnyRecipe) -> Recipe:
    """Refuse a recipe that cannot be made in parts.

    Raises
    ------
    SettingsError
        It is the paper's literal recipe.
    """
    if isinstance(recipe, PaperRecipe):
        raise SettingsError(
            "the paper's literal recipe is normalised by extremes of the whole array and cannot be made in "
            "parts; write it to a .tif or .vti, or fit the image with --method porescape"
        )
    return recipe


class Unit(NamedTuple):
    """The blocks of one worker's march: rows along z of the same blocks along y, and all blocks along x."""

    rows: range
    columns: range


def units(plan: BlockPlan, missing: Iterable[BlockIndex], workers: Workers, memory: float) -> list[Unit]:
    """Share the missing blocks out: columns as wide as memory allows, in no more pieces than workers need.

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
    """Return how many work at the same time."""
    if isinstance(workers, int):
        return max(workers, 1)
    processes = getattr(workers, "processes", None)  # a cluster's pool knows
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
    window = unit_window(plan, unit)
    rows = plan.chunk[0] * window.shape[1] * window.shape[2]
    return BASE + march_bytes(plan.recipe, plan.domain, window, STEP) + 2 * rows


def unit_window(plan: BlockPlan, unit: Unit) -> Window:
    """Return the window of a unit in the domain."""
    (z, y, x), (cz, cy, _), (nz, ny, nx) = plan.window.start, plan.chunk, plan.window.shape
    top, low = unit.rows.start * cz, unit.columns.start * cy
    size = min(unit.rows.stop * cz, nz) - top, min(unit.columns.stop * cy, ny) - low, nx
    return Window((z + top, y + low, x), size)
