"""Volumes that stay on the disk: opened, understood, and read piece by piece."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from porescape.core.chunked import ChunkedArray, ChunkedVolume, grouped, slices, tiled
from porescape.core.domain import Shape, Window
from porescape.errors import InputError, OutputError, PorescapeError
from porescape.io.volumes.raw_volume import choose_voxel_size, what_was_seen
from porescape.io.volumes.stores import PagesStore, Store, open_store
from porescape.io.volumes.volume import (
    NUDGE,
    OVERLAP,
    Brightness,
    Levels,
    _no_size,
    _refuse_labels,
    grey_range,
    levels_of,
    nudged,
    otsu_threshold,
    read_volume_with_source,
)
from porescape.io.volumes.volume_files import hash_of_files

_AT_ONCE = 2**24  # voxels


@dataclass(frozen=True, slots=True)
class ChunkedFile:
    """A volume in a file, pores told from solid as it is read.

    Attributes
    ----------
    store : Store
    voxel_size : float
        [m]
    level : float
        What is larger is bright.
    pore : {"bright", "dark"}
    """

    store: Store
    voxel_size: float
    level: float
    pore: Brightness

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""
        return self.store.shape

    @property
    def chunk(self) -> Shape:
        """Voxels of the pieces that it is stored in."""
        return self.store.chunk

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return the voxels of a window, True in the pores."""
        values = self.store.read(window)
        bright = values if values.dtype == bool else np.greater(values, self.level)
        return bright if self.pore == "bright" else ~bright


@dataclass(frozen=True, slots=True)
class ChunkedBits:
    """A volume in a file of one bit per voxel."""

    path: Path
    shape: Shape
    voxel_size: float

    @property
    def chunk(self) -> Shape:
        """Some whole planes."""
        _, ny, nx = self.shape
        return (max(1, min(self.shape[0], _AT_ONCE // (ny * nx))), ny, nx)

    def read(self, window: Window) -> NDArray[np.bool_]:
        """Return the voxels of a window, True in the pores."""
        z, y, x = slices(window)
        first = x.start // 8
        some = np.load(self.path, mmap_mode="r")[z, y, first : -(-x.stop // 8)]
        bits = np.unpackbits(some, axis=-1, bitorder="little").view(bool)
        return bits[..., x.start - 8 * first : x.stop - 8 * first]


@dataclass(frozen=True, slots=True, eq=False)
class ChunkedSource:
    """A volume on the disk, and how it is read.

    Attributes
    ----------
    chunked : Blocks
    name, voxel_size_source, pore, threshold, threshold_source, porosity_range, warnings, sha256
        As in `VolumeSource`.
    """

    chunked: ChunkedVolume
    name: str
    voxel_size_source: str
    pore: Brightness
    threshold: float | None
    threshold_source: Literal["otsu", "given"] | None
    porosity_range: tuple[float, float] | None
    warnings: tuple[str, ...]
    sha256: str


def shape_of(path: Path) -> Shape | None:
    """Return how many voxels a file has, from its head; None where it cannot be read piece by piece."""
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
    """Open a volume to be read piece by piece, for as long as the block lasts.

    OME-Zarr in any chunks, `.npy`, TIFF stacks and folders of slices, understood as by
    `read_volume_with_source`: two values as they are, grey by one threshold. Compressed TIFF and slices are
    copied to a temporary file first, one bit per voxel, because they can be read by whole planes
    only. Other kinds are read whole.

    Parameters
    ----------
    path, voxel_size, threshold, pore
        As for `read_volume_with_source`.
    progress : callable, optional
        Told (done, in all) of the pieces looked at to find the values it holds.

    Raises
    ------
    InputError
        As `read_volume_with_source`.
    OutputError
        No room for the temporary file.
    """
    path = Path(path)
    opened = _opened(path)
    if opened is None:
        whole = read_volume_with_source(path, voxel_size, threshold=threshold, pore=pore)
        words = f"{path.name} can only be read whole: all of it is in memory; OME-Zarr or .npy need not be"
        yield ChunkedSource(
            ChunkedArray(whole.volume),
            whole.name,
            whole.voxel_size_source,
            whole.pore,
            whole.threshold,
            whole.threshold_source,
            whole.porosity_range,
            (*whole.warnings, words),
            whole.sha256,
        )
        return
    store, said, files = opened
    size, size_source, warnings = choose_voxel_size(path.name, voxel_size, said)
    if size is None:
        raise _no_size(path.name, what_was_seen(said))
    cut = _cut(store, path.name, threshold, pore, said.inverted, progress or (lambda done, of: None))
    warnings = (*said.warnings, *warnings, *cut.warnings)
    chunked: ChunkedVolume = ChunkedFile(store, size, cut.level, cut.bright_or_dark)
    sha256 = hash_of_files(files)
    scratch = Path(tempfile.mkdtemp(prefix="porescape-")) if isinstance(store, PagesStore) else None
    try:
        if scratch is not None:
            chunked = _to_bits(chunked, scratch)
        yield ChunkedSource(
            chunked,
            path.name,
            size_source,
            cut.pore,
            cut.threshold,
            cut.source,
            cut.porosity_range,
            warnings,
            sha256,
        )
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Cut:
    """How voxels are told apart."""

    level: float
    bright_or_dark: Brightness  # where the pores are, as stored
    pore: Brightness  # as the user sees it
    threshold: float | None = None
    source: Literal["otsu", "given"] | None = None
    porosity_range: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()


def _opened(path: Path) -> Any:
    try:
        opened = open_store(path)
    except PorescapeError:
        raise
    except Exception as error:  # every reader has its own ways to fail on a broken file
        raise InputError(f"{path.name} could not be read: {error}; is the file complete?") from error
    return opened


def _cut(
    store: Store,
    name: str,
    threshold: float | None,
    pore: Brightness | None,
    inverted: bool,
    progress: Callable[[int, int], None],
) -> _Cut:
    """Find out what values a file holds, and where to cut grey; as `io.volumes.volume` does in memory."""
    windows = list(tiled(store.shape, grouped(store.chunk, store.shape)))
    ranges = []
    for done, window in enumerate(windows, start=1):
        ranges.append(grey_range(store.read(window), name))
        progress(done, len(windows))
    ends = min(low for low, _, _ in ranges), max(high for _, high, _ in ranges)
    low, high = ends
    if all(two and a in ends and b in ends for a, b, two in ranges):
        side = pore or "bright"
        words: tuple[str, ...] = ()
        if low == high:
            phase = "pore" if (low != 0) == (side == "bright") else "solid"
            words = (f"every voxel of {name} is {low:g}, which is taken for {phase}",)
        elif threshold is not None:
            words = (f"{name} holds two values only; the threshold {threshold:g} was not needed",)
        level = low - 1 if low == high != 0 else low
        return _Cut(level, side, side, warnings=words)
    if threshold is not None and not low <= threshold < high:
        raise InputError(
            f"the threshold {threshold:g} leaves one phase only, the grey levels of {name} go from "
            f"{low:g} to {high:g}; take one between them"
        )
    levels = _levels_of(store, windows, low, high)
    if threshold is None:
        _refuse_labels(levels, name)
    level = float(otsu_threshold(levels) if threshold is None else threshold)
    side = pore or "dark"
    warnings = []
    if inverted:
        warnings.append(f"{name} asks to be shown inverted: its largest values count as dark")
    shares = nudged(levels, level)
    if (side == "dark") == inverted:
        shares = 1 - shares[1], 1 - shares[0]
    if shares[1] - shares[0] > OVERLAP:
        warnings.append(
            f"pore and solid of {name} overlap in grey: moving the threshold {level:.6g} by {NUDGE:.0%} of "
            f"their contrast either way changes the porosity from {shares[0]:.3f} to {shares[1]:.3f}; "
            "denoise it, or segment it with a tool made for that"
        )
    stored: Brightness = "bright" if (side == "bright") != inverted else "dark"
    origin: Literal["otsu", "given"] = "otsu" if threshold is None else "given"
    return _Cut(level, stored, side, level, origin, shares, tuple(warnings))


def _levels_of(store: Store, windows: list[Window], low: float, high: float) -> Levels:
    """Count the grey levels of all pieces."""
    found = levels_of(store.read(windows[0]), low, high)
    for window in windows[1:]:
        found.counts[:] += levels_of(store.read(window), low, high).counts
    return found


def _to_bits(chunked: ChunkedVolume, scratch: Path) -> ChunkedBits:
    """Copy a volume to a file of one bit per voxel."""
    nz, ny, nx = chunked.shape
    path = scratch / "bits.npy"
    needed = nz * ny * -(-nx // 8)
    if needed > (free := shutil.disk_usage(scratch).free):
        raise OutputError(
            f"reading planes that are compressed needs a temporary file of {needed / 2**30:.2g} GiB in "
            f"{tempfile.gettempdir()}, where {free / 2**30:.2g} GiB are free; make room, set TMPDIR to a "
            "larger disk, or save the volume as OME-Zarr"
        )
    bits = np.lib.format.open_memmap(path, "w+", np.uint8, (nz, ny, -(-nx // 8)))
    for window in tiled(chunked.shape, (chunked.chunk[0], ny, nx)):
        bits[slices(window)[0]] = np.packbits(chunked.read(window), axis=-1, bitorder="little")
    bits.flush()
    return ChunkedBits(path, chunked.shape, chunked.voxel_size)
