"""A habit of the allocator that slows the search, and the cure."""

import numpy as np

# the cure for processes that start afresh, in glibc's variables (elsewhere they mean nothing): threads share
# the one heap, as theirs cannot hold a large array; nothing is asked of the system and given back array by
# array; and what is free at the heap's end goes back only when it is this much [bytes]
HABITS = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**30)}

_LARGE = 31 * 2**20  # bytes; glibc raises its threshold to the largest block it has seen freed, up to 32 MiB


def keep_memory() -> None:
    """Make freed arrays come back without a visit to the system.

    By default glibc gives every array beyond 128 KiB back to the system when it is freed and asks for
    fresh, zeroed pages for the next one: smoothing a field of 3.5 MiB took 13 ms with that habit and
    9 ms without. Freeing one large block raises the size from which it does so. Elsewhere this does
    nothing.
    """
    np.empty(_LARGE, dtype=np.uint8)
