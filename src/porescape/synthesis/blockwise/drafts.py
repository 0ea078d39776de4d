"""Drafts: blocks whose voxels are decided but for the few near the level."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Shape

BINS = 4096  # of one sample unit each, around 0: the whole range of a field; chosen by hand
ABOVE, INSIDE = 1, 2  # states of a voxel with respect to the bracket; 0 is below


class Bracket(NamedTuple):
    """Two values between which the level should lie."""

    low: float
    high: float


class Draft(NamedTuple):
    """A block made before the level is known.

    Attributes
    ----------
    bracket : Bracket
    below : int
        Voxels below the bracket.
    counts : ndarray of int32, shape (BINS,)
        Voxels per sample unit of the field, for a level outside the bracket.
    pore, aside : ndarray of uint8
        Bits: which voxels lie above and inside the bracket; empty where only the level is wanted.
    values : ndarray of float32
        Of the voxels set aside, in their order.
    """

    bracket: Bracket
    below: int
    counts: NDArray[np.int32]
    pore: NDArray[np.uint8]
    aside: NDArray[np.uint8]
    values: NDArray[np.float32]


class GrowingDraft:
    """A draft that grows layer by layer.

    Without `bits` only the values inside the bracket and the counts are collected.
    """

    def __init__(self, size: Shape, bits: bool) -> None:
        self._state = np.empty(size, dtype=np.uint8) if bits else None
        self._values: list[NDArray[np.float32]] = []
        self._below = 0
        self._counts = np.zeros(BINS, dtype=np.int32)

    def add(self, layer: int, field: NDArray[np.float32], bracket: Bracket) -> None:
        """Add layers of the field, the first of them at this depth of the block."""
        state = np.empty(field.shape, dtype=np.uint8)
        if self._state is not None:
            state = self._state[layer : layer + len(field)]
        values = np.empty(field.size, dtype=np.float32)
        low, high = np.float32(bracket.low), np.float32(bracket.high)
        below, aside = _sort_voxels(field, low, high, state, values, self._counts)
        self._below += below
        self._values.append(values[:aside].copy())

    def draft(self, bracket: Bracket) -> Draft:
        """Return the draft once all layers are there."""
        state = np.empty(0, dtype=np.uint8) if self._state is None else self._state
        return Draft(
            bracket,
            self._below,
            self._counts,
            np.packbits(state == ABOVE),
            np.packbits(state == INSIDE),
            np.concatenate(self._values),
        )


@njit(cache=True, nogil=True)
def _sort_voxels(field, low, high, state, values, counts):  # type: ignore[no-untyped-def]
    """Sort voxels into below, inside and above a bracket; return how many are below and inside it."""
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
