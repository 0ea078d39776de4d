"""The image in tiles, from which the checks estimate the effect of chance."""

import numpy as np
from numpy.typing import NDArray

from porescape.core.check import Values

TILE = 6.0  # correlation lengths along a tile; chosen by hand: with 4, fibres appear twice as certain
FEWEST_TILES, MOST_TILES = 4, 8  # along an axis; chosen by hand: more than 64 in all do not improve a test


class Tiles:
    """The image in rectangles a few correlation lengths wide, and the counts in each.

    Attributes: `edges` along y and x [pixel], `area` and `porosity` of each tile (rows, columns).
    """

    def __init__(self, pore: NDArray[np.bool_], lengths: Values) -> None:
        self._pore = pore.astype(np.float32)  # sums over tiles are products of matrices; exact below 2**24
        self.edges = [
            np.rint(
                np.linspace(0, n, int(np.clip(n / (TILE * length), FEWEST_TILES, MOST_TILES)) + 1)
            ).astype(int)
            for n, length in zip(pore.shape, lengths, strict=True)
        ]
        self._rows, self._columns = (
            np.eye(len(edges) - 1, dtype=np.float32)[np.repeat(np.arange(len(edges) - 1), np.diff(edges))]
            for edges in self.edges
        )
        self.area: Values = np.outer(*(np.diff(edges) for edges in self.edges)).astype(np.float64)
        self.porosity: Values = self._sums(self._pore, 0) / self.area

    def rates(self) -> Values:
        """Return changes of phase per pixel in each tile, along y and x together, (rows, columns)."""
        counts = [self.pairs(step) for step in ((1, 0), (0, 1))]
        return np.asarray(sum(c[1] for c in counts) / sum(c[2] for c in counts)).reshape(self.area.shape)

    def pairs(self, lag: tuple[int, int]) -> tuple[Values, Values, Values]:
        """Count pairs of pixels by the tile of the upper one: both pore, one pore, and all; (tiles,) each."""
        y, x = lag
        ny, nx = self._pore.shape
        left = max(-x, 0)
        width = nx - abs(x)
        upper = self._pore[: ny - y, left : left + width]
        lower = self._pore[y:, left + x : left + x + width]
        both, either = self._sums(upper * lower, left), self._sums(upper + lower, left)
        rows, columns = self._rows[: ny - y].sum(axis=0), self._columns[left : left + width].sum(axis=0)
        return both.ravel(), (either - 2 * both).ravel(), np.outer(rows, columns).ravel().astype(np.float64)

    def _sums(self, picture: NDArray[np.float32], left: int) -> Values:
        rows = self._rows[: picture.shape[0]]
        columns = self._columns[left : left + picture.shape[1]]
        return np.asarray(rows.T.astype(np.float64) @ (picture @ columns).astype(np.float64))


def without_each(counts: Values) -> Values:
    """Return the sum over all tiles, then the sums that leave out one tile each, (1 + tiles,)."""
    flat = counts.ravel()
    return np.concatenate([[flat.sum()], flat.sum() - flat])
