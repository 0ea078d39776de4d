"""Fields computed layer by layer along z: layers that consecutive windows share are computed once."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Layers(Protocol):
    """A field in a fixed window of y and x; a call gives its layers `start` to `stop` along z."""

    def __call__(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return layers `start` to `stop`."""


class Hold:
    """Stores layers while a window moves along z, so that each is computed once.

    The results are views, valid until the next call.

    Parameters
    ----------
    make : Layers
        Computes new layers.
    batch : int
        Layers are computed in groups of this many, such as whole tiles of noise.
    pace : int, optional
        Largest number of layers computed at a time, unless a batch is larger: temporary fields take memory.
    """

    def __init__(self, make: Layers, batch: int = 1, pace: int | None = None) -> None:
        self._make = make
        self._batch = batch
        self._pace = pace
        self._held: NDArray[Any] = np.empty(0)
        self._start = self._stop = 0  # range of the stored layers
        self._offset = 0  # of the first of them in the array

    def __call__(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return layers, and drop those before them."""
        layers = self.ahead(start, stop)
        self._offset += start - self._start
        self._start = start
        return layers

    def ahead(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return layers without dropping any."""
        if not self._start <= start <= self._stop or self._start == self._stop:
            self._held = np.empty(0)  # freed before its successor is allocated
            upto = self._next(start, stop)
            self._held = self._make(start, upto)
            self._start, self._stop, self._offset = start, upto, 0
        while self._stop < stop:
            self._extend(self._next(self._stop, stop))
        begin = self._offset + start - self._start
        return self._held[begin : begin + stop - start]

    def _next(self, start: int, stop: int) -> int:
        """Return the end of the next group of layers from `start`."""
        if self._pace is not None:
            stop = min(stop, start + self._pace)
        return -(-stop // self._batch) * self._batch

    def _extend(self, stop: int) -> None:
        new = self._make(self._stop, stop)
        live, added = self._stop - self._start, stop - self._stop
        if self._offset + live + added > len(self._held):
            old = self._held
            if live + added > len(
                old
            ):  # with room for the next calls, so that not every call moves all layers
                room = max(added, live // 2) if self._batch == 1 else 0
                self._held = np.empty((live + added + room, *new.shape[1:]), dtype=new.dtype)
            for layer in range(live):  # one by one, because numpy would copy all overlapping data
                self._held[layer] = old[self._offset + layer]
            self._offset = 0
        self._held[self._offset + live : self._offset + live + added] = new
        self._stop = stop


class Holder(Protocol):
    """A wrapper that stores layers: `Hold`, or `once`, which stores none."""

    def __call__(self, make: Layers, batch: int = 1) -> Layers:
        """Return the same layers, with storage."""


def once(make: Layers, batch: int = 1) -> Layers:
    """Store nothing: for a window that is computed in one call."""
    return make
