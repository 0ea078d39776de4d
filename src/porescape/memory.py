"""Settings of the memory allocator: glibc's defaults slow the search down."""

import numpy as np

# for new processes, as environment variables of glibc (without effect elsewhere): threads share one heap,
# because those of threads cannot hold a large array; large arrays are not requested from the system and
# returned one by one; free memory at the end of the heap is returned only from this size on [bytes]
ALLOCATOR_SETTINGS = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**30)}

_LARGE = 31 * 2**20  # bytes; glibc raises its threshold to the largest block it has seen freed, up to 32 MiB


def keep_memory() -> None:
    """Let the memory of freed arrays be reused without a call to the system.

    By default glibc returns every array above 128 KiB to the system when it is freed and requests new,
    zeroed pages for the next one: smoothing a field of 3.5 MiB took 13 ms that way and 9 ms without.
    Freeing one large block raises the size above which glibc does so. On other systems this has no effect.
    """
    np.empty(_LARGE, dtype=np.uint8)
