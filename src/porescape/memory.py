"""A habit of the allocator that costs the search a third of its time, and the cure."""

import numpy as np

_LARGE = 31 * 2**20  # bytes; glibc raises its threshold to the largest block it has seen freed, up to 32 MiB


def keep_memory() -> None:
    """Make freed arrays come back without a visit to the system.

    By default glibc gives every array beyond 128 KiB back to the system when it is freed and asks for
    fresh, zeroed pages for the next one: for the 3.5 MiB fields of a trial that costs more than some
    of the work on them. Freeing one large block raises the size from which it does so. Elsewhere this
    does nothing.
    """
    np.empty(_LARGE, dtype=np.uint8)
