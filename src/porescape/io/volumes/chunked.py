"""Chunked volumes in files: opened, interpreted, and read piece by piece."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porescape.core.chunked import ChunkedArray, ChunkedVolume, grouped, slices, tiled
from porescape.core.domain import Shape, Window
from porescape.errors import InputError, OutputError, PorescapeError
from porescape.io.hashing import hash_of_files
from porescape.io.volumes.grey import Brightness, Cut, choose_cut, values_in
from porescape.io.volumes.raw_volume import choose_voxel_size, no_voxel_size
from porescape.io.volumes.stores import PagesStore, Store, open_store
from porescape.io.volumes.volume import HowRead, read_volume_with_source

_AT_ONCE = 2**24  # voxels


@dataclass(frozen=True, slots=True)
class ChunkedFile:
    """A volume in a file, segmented while it is read.

    Attributes
    ----------
    store : Store
    voxel_size : float
        [m]
    cut : Cut
    """

    store: Store
    voxel_size: float
    cut: Cut

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""
        return self.store.shape

    @property
    def chunk(self) -> Shape:
        """Voxels of the pieces in which it is stored."""
        return self.store.chunk

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return the voxels of a window, True in the pores."""
        return self.cut.pores(self.store.read(window))


@dataclass(frozen=True, slots=True)
class ChunkedBits:
    """A volume in a file of one bit per voxel."""

    path: Path
    shape: Shape
    voxel_size: float

    @property
    def chunk(self) -> Shape:
        """Several whole planes."""
        _, ny, nx = self.shape
        return (max(1, min(self.shape[0], _AT_ONCE // (ny * nx))), ny, nx)

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return the voxels of a window, True in the pores."""
        z, y, x = slices(window)
        first = x.start // 8
        some = np.load(self.path, mmap_mode="r")[z, y, first : -(-x.stop // 8)]
        bits = np.unpackbits(some, axis=-1, bitorder="little").view(bool)
        return bits[..., x.start - 8 * first : x.stop - 8 * first]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ChunkedSource(HowRead):
    """A chunked volume in a file, and how it is read.

    Attributes
    ----------
    chunked : ChunkedVolume
    """

    chunked: ChunkedVolume


def shape_of(path: Path) -> Shape | None:
    """Return the number of voxels from the header of a file; None if it cannot be read piece by piece."""
    opened = _opened(path)
    return None if opened is None else opened[0].shape


@contextmanager
def open_chunked(
    path: Path | str,
    voxel_size: float | None = None,
    *,
    threshold: float | None = None,
    pore: Brightness | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[ChunkedSource]:
    """Context manager: a volume in a file that can be read piece by piece.

    OME-Zarr in any chunks, `.npy`, TIFF stacks and folders of slices, interpreted as by
    `read_volume_with_source`: two values as they are, grey by one threshold. Compressed TIFF and slices are
    first copied to a temporary file, one bit per voxel, because they can be read only by whole planes.
    Other kinds are read whole.

    Parameters
    ----------
    path, voxel_size, threshold, pore
        As for `read_volume_with_source`.
    progress : callable, optional
        Called with (done, total) for the pieces that are read to find the range of values.

    Raises
    ------
    InputError
        As `read_volume_with_source`.
    OutputError
        There is not enough disk space for the temporary file.
    """
    path = Path(path)
    opened = _opened(path)
    if opened is None:
        whole = read_volume_with_source(path, voxel_size, threshold=threshold, pore=pore)
        words = f"{path.name} can only be read whole: all of it is in memory, unlike OME-Zarr and .npy"
        how = {field.name: getattr(whole, field.name) for field in fields(HowRead)}
        how["warnings"] = (*whole.warnings, words)
        yield ChunkedSource(chunked=ChunkedArray(whole.volume), **how)
        return
    store, raw, files = opened
    size, size_source, warnings = choose_voxel_size(path.name, voxel_size, raw)
    if size is None:
        raise no_voxel_size(path.name, raw)
    windows = list(tiled(store.shape, grouped(store.chunk, store.shape)))
    values = values_in(_pieces(store, windows, progress), store.shape, path.name)
    cut = choose_cut(values, _pieces(store, windows), path.name, threshold, pore, raw.inverted)
    chunked: ChunkedVolume = ChunkedFile(store, size, cut)
    sha256 = hash_of_files(files)
    scratch = Path(tempfile.mkdtemp(prefix="porescape-")) if isinstance(store, PagesStore) else None
    try:
        if scratch is not None:
            chunked = _to_bits(chunked, scratch)
        yield ChunkedSource(
            chunked=chunked,
            name=path.name,
            voxel_size_source=size_source,
            pore=cut.pore,
            threshold=cut.threshold,
            threshold_source=cut.threshold_source,
            porosity_range=cut.porosity_range,
            warnings=(*raw.warnings, *warnings, *cut.warnings),
            sha256=sha256,
        )
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _opened(path: Path) -> Any:
    try:
        opened = open_store(path)
    except PorescapeError:
        raise
    except Exception as error:  # broken files raise many kinds of exceptions
        raise InputError(f"{path.name} could not be read: {error}; is the file complete?") from error
    return opened


def _pieces(
    store: Store, windows: list[Window], progress: Callable[[int, int], None] | None = None
) -> Iterator[NDArray[Any]]:
    """Yield the values in the windows, and report progress after each one."""
    for done, window in enumerate(windows, start=1):
        yield store.read(window)
        if progress is not None:
            progress(done, len(windows))


def _to_bits(chunked: ChunkedVolume, scratch: Path) -> ChunkedBits:
    """Copy a volume to a file of one bit per voxel."""
    nz, ny, nx = chunked.shape
    path = scratch / "bits.npy"
    needed = nz * ny * -(-nx // 8)
    if needed > (free := shutil.disk_usage(scratch).free):
        raise OutputError(
            f"reading compressed planes needs a temporary file of {needed / 2**30:.2g} GiB in "
            f"{tempfile.gettempdir()}, where {free / 2**30:.2g} GiB are free; free some space, set TMPDIR to "
            "a larger disk, or save the volume as OME-Zarr"
        )
    bits = np.lib.format.open_memmap(path, "w+", np.uint8, (nz, ny, -(-nx // 8)))
    for window in tiled(chunked.shape, (chunked.chunk[0], ny, nx)):
        bits[slices(window)[0]] = np.packbits(chunked.read(window), axis=-1, bitorder="little")
    bits.flush()
    return ChunkedBits(path, chunked.shape, chunked.voxel_size)
