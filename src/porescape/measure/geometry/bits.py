"""Voxels as bits: one instruction on a word processes 64 of them."""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def pack_rows(rows, words):  # type: ignore[no-untyped-def]
    """Write voxel x of each row to bit x % 64 of word x // 64; bits beyond the row are 0.

    Parameters
    ----------
    rows : ndarray of bool or of 0 and 1, shape (n, nx)
    words : ndarray of uint64, shape (n, ceil(nx / 64))
    """
    nx = rows.shape[1]
    for j in range(len(rows)):
        for k in range(words.shape[1]):
            word = np.uint64(0)
            for x in range(np.uint64(64 * k), np.uint64(min(64 * k + 64, nx))):
                word |= np.uint64(rows[j, x]) << (x & np.uint64(63))
            words[j, k] = word


@njit(cache=True, nogil=True, inline="always")
def ones(word):  # type: ignore[no-untyped-def]
    """Count the bits that are set; the compiler recognises this sequence and uses one instruction."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
