"""Shared by all parts: the array library, copies to the host, and the layers worked on at a time."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Space = Any  # numpy, CuPy, or a library with their functions
Array = Any  # of such a library

SLAB = 2**24  # voxels worked on at a time: 64 MB an array, enough to use a card fully


def slabs(n: int, layer: int, slab: int) -> Iterator[slice]:
    """Yield slices of n layers that hold about `slab` voxels each.

    >>> list(slabs(5, 10, 25))
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    step = max(1, slab // layer)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def to_host(xp: Space, array: Array) -> NDArray[Any]:
    """Return an array as a numpy array."""
    return np.asarray(array) if xp is np else np.asarray(xp.asnumpy(array))
