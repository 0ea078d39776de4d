"""The box that a structure fills, and windows into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from porescape.errors import SettingsError

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Domain:
    """A box of voxels.

    Attributes
    ----------
    shape : tuple of int
        Voxels along z, y, x.
    voxel_size : float
        Edge of one cubic voxel [m].
    periodic : bool
        Whether opposite faces match.
    """

    shape: Shape
    voxel_size: float
    periodic: bool = True

    def __post_init__(self) -> None:
        if len(self.shape) != 3 or any(n < 1 for n in self.shape):
            raise SettingsError(f"a domain needs three positive numbers of voxels, got {self.shape}")
        if not 0 < self.voxel_size < 1:
            raise SettingsError(f"voxel size must be a positive length below 1 m, got {self.voxel_size!r}")

    @property
    def whole(self) -> "Window":
        """The window that covers the whole domain."""
        return Window((0, 0, 0), self.shape)

    def wraps(self, window: "Window") -> tuple[bool, bool, bool]:
        """Return, per axis, whether the window spans one whole period.

        Along such an axis neighbours are found by wrapping around; along any other the caller needs
        a window grown by the reach of what is computed.
        """
        z, y, x = (
            self.periodic and start == 0 and size == period
            for start, size, period in zip(window.start, window.shape, self.shape, strict=True)
        )
        return z, y, x


class Window(NamedTuple):
    """A rectangular piece of an unbounded or periodic space of voxels; `start` may be negative."""

    start: Shape
    shape: Shape

    def grown(self, reach: int, wraps: tuple[bool, bool, bool]) -> "Window":
        """Return the window with `reach` more voxels on both sides of every axis that does not wrap."""
        grow = tuple(0 if wrap else reach for wrap in wraps)
        start = tuple(s - g for s, g in zip(self.start, grow, strict=True))
        shape = tuple(n + 2 * g for n, g in zip(self.shape, grow, strict=True))
        return Window(start, shape)  # type: ignore[arg-type]  # always three axes

    def layers(self, start: int, stop: int) -> "Window":
        """Return the window with other layers along z, `start` to `stop`."""
        return Window((start, *self.start[1:]), (stop - start, *self.shape[1:]))


def tiles_along(start: int, stop: int, tile: int, period: int | None) -> Iterator[tuple[int, int, int]]:
    """Yield the fixed tiles that cover [start, stop) along one axis.

    Parameters
    ----------
    start, stop : int
        Range of voxels; may leave [0, period), which is then repeated.
    tile : int
        Edge of a tile [voxels].
    period : int or None
        Length after which space repeats; the last tile of a period is cut short. None: unbounded.

    Yields
    ------
    index, origin, length : int
        Tile number, the voxel where it begins (in the coordinates of `start`), and its length.
    """
    if period is None:
        for index in range(start // tile, -(-stop // tile)):
            yield index, index * tile, tile
        return
    for turn in range(start // period, -(-stop // period)):
        for index in range(-(-period // tile)):
            origin = turn * period + index * tile
            length = min(tile, period - index * tile)
            if origin < stop and origin + length > start:
                yield index, origin, length
