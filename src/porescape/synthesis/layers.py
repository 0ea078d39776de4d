"""Fields made layer by layer along z, so that what a window has in common with the last is made once."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class Layers(Protocol):
    """A field in a fixed window of y and x; a call gives its layers `start` to `stop` along z."""

    def __call__(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return layers `start` to `stop`."""


class Hold:
    """Layers kept while a window moves on along z: each is made once.

    What it gives are views, good until the next call.

    Parameters
    ----------
    make : Layers
        Makes new layers.
    batch : int
        They are made in numbers of this many, such as whole tiles of noise.
    pace : int, optional
        No more than this many are made at a time, unless a batch is more: what is on the way takes memory.
    """

    def __init__(self, make: Layers, batch: int = 1, pace: int | None = None) -> None:
        self._make = make
        self._batch = batch
        self._pace = pace
        self._held: NDArray[Any] = np.empty(0)
        self._start = self._stop = 0  # layers that are held
        self._offset = 0  # of the first of them in the array

    def __call__(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return layers, and forget those before them."""
        layers = self.ahead(start, stop)
        self._offset += start - self._start
        self._start = start
        return layers

    def ahead(self, start: int, stop: int, /) -> NDArray[Any]:
        """Return layers and forget none."""
        if not self._start <= start <= self._stop or self._start == self._stop:
            self._held = np.empty(0)  # before its successor is made
            upto = self._next(start, stop)
            self._held = self._make(start, upto)
            self._start, self._stop, self._offset = start, upto, 0
        while self._stop < stop:
            self._extend(self._next(self._stop, stop))
        begin = self._offset + start - self._start
        return self._held[begin : begin + stop - start]

    def _next(self, start: int, stop: int) -> int:
        """Return how far to go from `start` in one piece."""
        if self._pace is not None:
            stop = min(stop, start + self._pace)
        return -(-stop // self._batch) * self._batch

    def _extend(self, stop: int) -> None:
        new = self._make(self._stop, stop)
        live, added = self._stop - self._start, stop - self._stop
        if self._offset + live + added > len(self._held):
            old = self._held
            if live + added > len(old):  # with room for the next turns, so that not all moves at each
                room = max(added, live // 2) if self._batch == 1 else 0
                self._held = np.empty((live + added + room, *new.shape[1:]), dtype=new.dtype)
            for layer in range(live):  # one by one, as numpy would copy all of what overlaps
                self._held[layer] = old[self._offset + layer]
            self._offset = 0
        self._held[self._offset + live : self._offset + live + added] = new
        self._stop = stop


class Holder(Protocol):
    """What keeps layers: `Hold`, or `once`."""

    def __call__(self, make: Layers, batch: int = 1) -> Layers:
        """Return the same layers, kept."""


def once(make: Layers, batch: int = 1) -> Layers:
    """Keep nothing: for a window that is made in one go."""
    return make
