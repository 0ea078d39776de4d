"""Files from which volumes can be read piece by piece: Zarr, mapped arrays, and stacks of pages."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import tifffile
from numpy.typing import NDArray

from porescape.core.chunked import slices
from porescape.core.domain import Shape, Window
from porescape.errors import InputError
from porescape.io.volumes.ome_zarr import MARKS
from porescape.io.volumes.raw_volume import RawVolume
from porescape.io.volumes.volume_files import (
    check_complete,
    drop_axes,
    gap_warnings,
    natural_order,
    read_slice,
    slice_scale,
    slices_in,
    tiff_spacings,
)
from porescape.io.volumes.zarr_array import find_array, open_array

_AT_ONCE = 2**24  # voxels; size of a piece if the file has no chunks
_TIFF = (".tif", ".tiff")


class Store(Protocol):
    """The values in a file, readable in any window; small when pickled."""

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    @property
    def chunk(self) -> Shape:
        """The shape that is cheapest to read at once."""

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window."""


@dataclass(frozen=True, slots=True)
class ZarrStore:
    """An array in a Zarr folder."""

    path: Path
    inside: str
    names: tuple[str, ...]
    shape: Shape
    chunk: Shape
    dtype: np.dtype[Any]

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window; all axes but z, y and x have length 1."""
        cut = dict(zip("zyx", slices(window), strict=True))
        values = np.asarray(
            open_array(self.path, self.inside)[tuple(cut.get(name, 0) for name in self.names)]
        )
        left = [name for name in self.names if name in "zyx"]
        return values.transpose([left.index(axis) for axis in "zyx"])


@dataclass(frozen=True, slots=True)
class MappedStore:
    """An array with the same layout in the file as in memory: `.npy`, TIFF without compression.

    Attributes
    ----------
    path : Path
    shape : tuple of int
    dtype : numpy.dtype
        As in the file, with its byte order.
    offset : int
        Of the first value [bytes].
    order : {"C", "F"}
    """

    path: Path
    shape: Shape
    dtype: np.dtype[Any]
    offset: int
    order: Literal["C", "F"] = "C"

    @property
    def chunk(self) -> Shape:
        """Several whole planes."""
        return _some_planes(self.shape)

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window, from the disk."""
        values = np.memmap(self.path, self.dtype, "r", self.offset, self.shape, self.order)
        return np.array(values[slices(window)])


@dataclass(frozen=True, slots=True)
class PagesStore:
    """Planes that must be decoded one by one: compressed TIFF, folders of slices."""

    files: tuple[Path, ...]
    series: int
    shape: Shape
    dtype: np.dtype[Any]

    @property
    def chunk(self) -> Shape:
        """Several whole planes."""
        return _some_planes(self.shape)

    def read(self, window: Window) -> NDArray[Any]:
        """Return the values of a window; its planes are decoded whole."""
        (first, *_), (n, *_) = window
        _, y, x = slices(window)
        out = np.empty(window.shape, self.dtype)
        if len(self.files) == 1:
            with tifffile.TiffFile(self.files[0]) as tiff:
                pages = tiff.series[self.series].pages
                for z in range(first, first + n):
                    out[z - first] = pages[z].asarray().reshape(self.shape[1:])[y, x]
            return out
        for z in range(first, first + n):
            plane = read_slice(self.files[z])
            if plane.shape != self.shape[1:] or plane.dtype != self.dtype:
                raise InputError(
                    f"{self.files[z].name} is {plane.dtype} {plane.shape} and {self.files[0].name} "
                    f"{self.dtype} {self.shape[1:]}; wanted slices of one kind: remove files that do not "
                    "belong to the stack"
                )
            out[z - first] = plane[y, x]
        return out


def open_store(path: Path) -> tuple[Store, RawVolume, list[Path]] | None:
    """Open a volume without reading it; None if its kind can only be read whole.

    Returns
    -------
    store : Store
    raw : RawVolume
        The claims of the file; its values are left out.
    files : list of Path
        All files of the volume.
    """
    if path.is_dir() and any((path / mark).exists() for mark in MARKS):
        return _zarr_store(path)
    if path.is_dir():
        return _slices_store(slices_in(path))
    if path.is_file() and path.suffix.lower() == ".npy":
        return _npy_store(path)
    if path.is_file() and path.suffix.lower() in _TIFF:
        return _tiff_store(path)
    if not path.exists() and set("*?[") & set(path.name):
        files = sorted(path.parent.glob(path.name), key=natural_order)
        return _slices_store(files) if len(files) > 1 else None
    return None


def _zarr_store(path: Path) -> tuple[Store, RawVolume, list[Path]]:
    found = find_array(path)
    array = open_array(path, found.inside)
    size, chunk = (dict(zip(found.names, three, strict=True)) for three in (array.shape, array.chunks))
    store = ZarrStore(
        path,
        found.inside,
        found.names,
        (size["z"], size["y"], size["x"]),
        (chunk["z"], chunk["y"], chunk["x"]),
        array.dtype,
    )
    files = sorted((file for file in path.rglob("*") if file.is_file()), key=Path.as_posix)
    return store, RawVolume(np.zeros(0), found.spacings), files


def _npy_store(path: Path) -> tuple[Store, RawVolume, list[Path]] | None:
    values = np.load(path, mmap_mode="r", allow_pickle=False)
    if values.ndim != 3 or values.size == 0:
        return None  # the error comes from reading it whole
    order: Literal["C", "F"] = "C" if values.flags.c_contiguous else "F"
    store = MappedStore(path, values.shape, values.dtype, values.offset, order)
    return store, RawVolume(np.zeros(0)), [path]


def _tiff_store(path: Path) -> tuple[Store, RawVolume, list[Path]] | None:
    with tifffile.TiffFile(path) as tiff:
        if not tiff.pages:
            return None
        index = max(range(len(tiff.series)), key=lambda i: int(np.prod(tiff.series[i].shape)))
        series = tiff.series[index]
        long = [n for n in series.shape if n > 1]
        if len(long) != 3 or "S" in series.axes:
            return None
        check_complete(series, path)
        shape = long[0], long[1], long[2]
        store: Store
        if series.dataoffset is not None:
            dtype = np.dtype(tiff.byteorder + series.dtype.char)
            store = MappedStore(path, shape, dtype, series.dataoffset)
        elif len(series.pages) == shape[0]:
            store = PagesStore((path,), index, shape, series.dtype)
        else:
            return None
        _, warnings = drop_axes(np.broadcast_to(np.zeros(1), series.shape), series.axes, path.name)
        spacings, notes = tiff_spacings(tiff, series.keyframe.imagewidth)
        inverted = series.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    return store, RawVolume(np.zeros(0), spacings, notes, warnings, inverted), [path]


def _slices_store(files: list[Path]) -> tuple[Store, RawVolume, list[Path]] | None:
    if len(files) < 2:
        return None
    first = read_slice(files[0])
    spacings, notes, inverted = slice_scale(files[0], first.shape[1])
    store = PagesStore(tuple(files), 0, (len(files), *first.shape), first.dtype)
    return store, RawVolume(np.zeros(0), spacings, notes, gap_warnings(files), inverted), files


def _some_planes(shape: Shape) -> Shape:
    return (max(1, min(shape[0], _AT_ONCE // math.prod(shape[1:]))), *shape[1:])
