"""The level of a porosity: the value of one rank among very many, exact and without sorting."""

import numpy as np

from porescape.synthesis.gpu.arrays import Array, Space, slabs, to_host
from porescape.synthesis.height import solid_rank

HALF = 2**16  # the two halves of the bits of a float32 are counted one after the other


def rank_level(xp: Space, field: Array, porosity: float, slab: int) -> np.float32:
    """Return the level above which the wanted fraction of the voxels lies, as the CPU's `rank_level` does.

    `cupy.partition` would sort the whole array, which takes twice its memory.
    """
    flat = field.reshape(-1)
    wanted = solid_rank(flat.size, porosity)
    upper = np.zeros(HALF, dtype=np.int64)
    for some in slabs(flat.size, 1, slab):
        upper += to_host(xp, xp.bincount((_ordered(xp, flat[some]) >> 16) + HALF // 2, minlength=HALF))
    passed = np.cumsum(upper)
    top = int(np.searchsorted(passed, wanted))
    wanted -= int(passed[top] - upper[top])
    lower = np.zeros(HALF, dtype=np.int64)
    for some in slabs(flat.size, 1, slab):
        key = _ordered(xp, flat[some])
        inside = key[(key >> 16) + HALF // 2 == top]
        lower += to_host(xp, xp.bincount(inside & (HALF - 1), minlength=HALF))
    key = np.int32(top - HALF // 2) << np.int32(16) | np.int32(np.searchsorted(np.cumsum(lower), wanted))
    return np.float32(_ordered(np, np.array([key], dtype=np.int32).view(np.float32)).view(np.float32)[0])


def _ordered(xp: Space, field: Array) -> Array:
    """Return the bits of float32 as whole numbers of the same order; applied twice it returns the bits."""
    bits = field.view(np.int32)
    return xp.where(bits < 0, bits ^ np.int32(0x7FFFFFFF), bits)
