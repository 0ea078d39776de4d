"""Read volume files: TIFF stacks, folders of slices, NumPy, NRRD; VTI and Zarr have their own modules."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile

from porescape.errors import InputError, PorescapeError
from porescape.io.hashing import hash_of_files
from porescape.io.images.pixel_size import claims_of_tiff
from porescape.io.volumes.ome_zarr import MARKS, read_ome_zarr
from porescape.io.volumes.raw_volume import RawVolume, Spacing, in_metres
from porescape.io.volumes.vti import read_vti

# the classes themselves, not `PIL.Image.open`, which has its own, process-wide limit on pixels
PICTURES: dict[str, Callable[[BinaryIO], ImageFile]] = {".png": PngImageFile, ".bmp": BmpImageFile}
_SLICES = (".tif", ".tiff", *PICTURES)
_SHEARED = 0.01  # largest cosine between two axes of an NRRD file that count as perpendicular


def read_raw(path: Path) -> tuple[RawVolume, str]:
    """Return the content of a file, or of a folder or pattern of slices, and its SHA-256.

    Raises
    ------
    InputError
        It does not exist, is of an unknown kind or damaged, or is not three-dimensional.
    MissingExtra
        Its kind needs the package of an extra.
    """
    if path.is_dir() and any((path / mark).exists() for mark in MARKS):
        inside = (file for file in path.rglob("*") if file.is_file())
        files, kind = sorted(inside, key=Path.as_posix), "Zarr"  # the same order on every system
    elif path.is_dir():
        files, kind = slices_in(path), "slices"
    elif path.is_file():
        files, kind = [path], path.suffix.lower()
    elif set("*?[") & set(path.name):
        files, kind = sorted(path.parent.glob(path.name), key=natural_order), "slices"
        if not files:
            raise InputError(f"no file in {path.parent} matches {path.name}")
    else:
        raise InputError(
            f"{path} is not a file or folder; wanted a 3-D TIFF stack, a folder of slices, or one of "
            f"{', '.join(_READERS)}"
        )
    try:
        if kind == "Zarr":
            raw = read_ome_zarr(path)
        elif kind == "slices":
            raw = _slices(files, path.name)
        elif kind in _READERS:
            raw = _READERS[kind](path)
        else:
            raise InputError(f"{path.name} has the ending {kind!r}; wanted one of {', '.join(_READERS)}")
    except PorescapeError:
        raise
    except Exception as error:  # broken files raise many kinds of exceptions
        raise InputError(
            f"{path.name} could not be read as {kind}: {error}; is the file complete?"
        ) from error
    if raw.array.ndim != 3:
        flat = "; a micrograph is for `porescape run`" if raw.array.ndim == 2 else ""
        raise InputError(f"{path.name} has shape {raw.array.shape}; wanted three axes (z, y, x){flat}")
    return raw, hash_of_files(files)


# ---- TIFF and slices


def _tiff(path: Path) -> RawVolume:
    with tifffile.TiffFile(path) as tiff:
        if not tiff.pages:
            raise InputError(
                f"{path.name} could not be read as .tif: it holds no image; is the file complete?"
            )
        # thumbnails and coarser levels of a pyramid are smaller
        index = max(range(len(tiff.series)), key=lambda i: int(np.prod(tiff.series[i].shape)))
        series = tiff.series[index]
        check_complete(series, path)
        try:
            array = tifffile.memmap(path, series=index, mode="r")
        except ValueError:  # compressed, or in pieces
            array = series.asarray()
        array, warnings = drop_axes(np.asarray(array), series.axes, path.name)
        spacings, notes = tiff_spacings(tiff, series.keyframe.imagewidth)
        inverted = series.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    return RawVolume(array, spacings, notes, warnings, inverted)


def drop_axes(array: NDArray[Any], axes: str, name: str) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Return the array without axes of length 1, and with grey stored as colour reduced to grey."""
    drop = [i for i, n in enumerate(array.shape) if n == 1 and axes[i] not in "ZYX" and array.ndim > 3]
    left = [(axis, n) for i, (axis, n) in enumerate(zip(axes, array.shape, strict=True)) if i not in drop]
    colour = [i for i, (axis, _) in enumerate(left) if axis == "S"]
    array = np.squeeze(array, axis=tuple(drop))
    if colour:
        if left[colour[0]][1] not in (3, 4):
            raise InputError(
                f"{name} has {left[colour[0]][1]} samples per pixel; wanted one: save it as grey"
            )
        array = _one_channel(np.moveaxis(array, colour[0], -1), name)
        del left[colour[0]]
    if len(left) > 3:
        raise InputError(
            f"{name} has {', '.join(f'{n} {axis}' for axis, n in left)}; wanted three axes (z, y, x): save "
            "only the wanted time or channel"
        )
    if len(left) == 3 and left[0][0] in "CT":
        return array, (f"its first axis is called {left[0][0]} and taken as z",)
    return array, ()


def _one_channel(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Return grey stored as colour with red, green and blue (and alpha) along the last axis."""
    red = array[..., 0]
    if not all(np.array_equal(red, array[..., i]) for i in (1, 2)):
        raise InputError(f"{name} is in colour; wanted grey or two values: save it as 8- or 16-bit grey")
    return red


def tiff_spacings(tiff: tifffile.TiffFile, columns: int) -> tuple[tuple[Spacing, ...], tuple[str, ...]]:
    """Return the claims of a TIFF about its scale, best first, and notes on unusable ones."""
    claims, notes = claims_of_tiff(tiff, columns)
    spacings = []
    for claim in claims:
        depth = None
        if claim.source.startswith("ImageJ"):
            metadata = tiff.imagej_metadata or {}
            depth = in_metres(metadata.get("spacing"), metadata.get("unit"))
        elif claim.source.startswith("OME"):
            pixels = re.search(r"<(?:\w+:)?Pixels[^>]*>", tiff.ome_metadata or "")
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', pixels[0])) if pixels else {}
            depth = in_metres(attributes.get("PhysicalSizeZ"), attributes.get("PhysicalSizeZUnit", "µm"))
        spacings.append(Spacing((depth, claim.height or claim.metres, claim.metres), claim.source))
    return tuple(spacings), tuple(notes)


def check_complete(series: Any, path: Path) -> None:
    """Missing pixels at the end would be read as zeros or garbage."""
    size = path.stat().st_size
    for page in series.pages:
        ends = () if page is None else zip(page.dataoffsets, page.databytecounts, strict=False)
        if (end := max((offset + count for offset, count in ends), default=0)) > size:
            raise InputError(
                f"{path.name} is cut off (its pixels need {end} bytes, the file has {size}); copy it again"
            )


def slices_in(folder: Path) -> list[Path]:
    """Return the slices in a folder in the order of their numbers; they must be of one kind."""
    files = [f for f in folder.iterdir() if f.suffix.lower() in _SLICES and not f.name.startswith(".")]
    kinds = sorted({f.suffix.lower() for f in files})
    if len(kinds) != 1:
        found = f"slices of {len(kinds)} kinds ({', '.join(kinds)})" if kinds else "no slices"
        raise InputError(f"the folder {folder.name} holds {found}; wanted one of {', '.join(_SLICES)}")
    return sorted(files, key=natural_order)


def _slices(files: list[Path], name: str) -> RawVolume:
    """Read slices as a stack, in the order of the numbers in their names."""
    if len(files) == 1:
        raise InputError(f"{name} holds one slice only, {files[0].name}; wanted one for each z")
    first = read_slice(files[0])
    array = np.empty((len(files), *first.shape), first.dtype)
    for z, file in enumerate(files):
        here = read_slice(file)
        if here.shape != first.shape or here.dtype != first.dtype:
            raise InputError(
                f"{file.name} is {here.dtype} {here.shape} and {files[0].name} {first.dtype} {first.shape}; "
                "wanted slices of one kind: remove files that do not belong to the stack"
            )
        array[z] = here
    spacings, notes, inverted = slice_scale(files[0], first.shape[1])
    return RawVolume(array, spacings, notes, gap_warnings(files), inverted)


def slice_scale(path: Path, width: int) -> tuple[tuple[Spacing, ...], tuple[str, ...], bool]:
    """Return the claims of one slice about its scale, notes on it, and whether it is displayed inverted."""
    if path.suffix.lower() in PICTURES:
        return (), (), False
    with tifffile.TiffFile(path) as tiff:
        spacings, notes = tiff_spacings(tiff, width)
        inverted = tiff.pages.first.photometric == tifffile.PHOTOMETRIC.MINISWHITE
    return tuple(s._replace(edges=(None, *s.edges[1:])) for s in spacings), notes, inverted


def read_slice(path: Path) -> NDArray[Any]:
    """Read one slice, grey or colour, as it is in the file."""
    if picture := PICTURES.get(path.suffix.lower()):
        with path.open("rb") as file:
            image: Any = picture(file)
            values = np.asarray(image.convert("RGB") if image.mode in ("P", "PA", "RGBA", "LA") else image)
    else:
        with tifffile.TiffFile(path) as tiff:
            if len(tiff.pages) > 1:
                raise InputError(
                    f"{path.name} holds {len(tiff.pages)} images, wanted one slice; if it is a stack, give "
                    "the file and not its folder"
                )
            check_complete(tiff.series[0], path)
            values = tiff.pages.first.asarray()
    if values.ndim == 3 and values.shape[-1] in (3, 4):
        values = _one_channel(values, path.name)
    if values.ndim != 2:
        raise InputError(f"{path.name} has shape {values.shape}; wanted a flat, grey slice")
    return values


def natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key: slice2 before slice10.

    >>> sorted(map(Path, ("s10.tif", "s2.tif")), key=natural_order)[0].name
    's2.tif'
    """
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def gap_warnings(files: list[Path]) -> tuple[str, ...]:
    """Warn if a number is missing in the names."""
    numbers = [[n for n, _ in natural_order(file) if n >= 0] for file in files]
    if len({len(row) for row in numbers}) > 1:
        return ()
    moving = [column for column in zip(*numbers, strict=True) if len(set(column)) > 1]
    if len(moving) != 1:
        return ()
    steps = np.diff(moving[0])
    uneven = np.flatnonzero(steps != steps.min())
    if not uneven.size:
        return ()
    before, after = files[uneven[0]].name, files[uneven[0] + 1].name
    return (f"between {before} and {after} a slice seems to be missing; they are treated as neighbours",)


# ---- NumPy and NRRD


def _npy(path: Path) -> RawVolume:
    return RawVolume(np.load(path, mmap_mode="r", allow_pickle=False))


def _npz(path: Path) -> RawVolume:
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path.name} is not a NumPy archive; is the file complete?")
    with np.load(path, allow_pickle=False) as archive:
        if "packed" in archive and "shape" in archive:  # one bit per voxel
            shape = tuple(int(n) for n in archive["shape"])
            bits = np.unpackbits(archive["packed"], count=int(np.prod(shape)))
            return RawVolume(bits.reshape(shape).view(bool))
        if len(archive.files) != 1:
            raise InputError(
                f"{path.name} holds {len(archive.files)} arrays ({', '.join(archive.files)}); wanted one, or "
                "`packed` bits with their `shape`"
            )
        return RawVolume(archive[archive.files[0]])


def _nrrd(path: Path) -> RawVolume:
    import nrrd  # rarely needed

    values, header = nrrd.read(str(path), index_order="C")  # z, y, x; the header goes x, y, z
    edges: list[float | None] = []
    units: list[str] = []
    source = "NRRD space directions"
    directions = header.get("space directions")
    if directions is not None:
        rows = np.array([row for row in np.atleast_2d(directions) if np.isfinite(row).all()], dtype=float)
        length = np.linalg.norm(rows, axis=1)
        cosine = (rows / length[:, None]) @ (rows / length[:, None]).T - np.eye(len(rows))
        if np.abs(cosine).max() > _SHEARED:
            raise InputError(f"{path.name} has axes that are not at right angles; resample it first")
        edges = [float(n) for n in length]
        units = list(header.get("space units", ()))
    elif "spacings" in header:
        source = "NRRD spacings"
        known = [i for i, n in enumerate(header["spacings"]) if np.isfinite(n)]
        edges = [abs(float(header["spacings"][i])) for i in known]
        listed = list(header.get("units", ()))
        units = [listed[i] for i in known] if len(listed) == len(header["spacings"]) else []
    array = values.squeeze() if values.ndim > 3 else values
    if len(edges) != 3:
        return RawVolume(array)
    lengths = [in_metres(*pair) for pair in zip(edges, units, strict=True)] if len(units) == 3 else [None]
    if None in lengths:
        return RawVolume(array, (Spacing((edges[2], edges[1], edges[0]), source, in_metres=False),))
    return RawVolume(array, (Spacing((lengths[2], lengths[1], lengths[0]), source),))


_READERS: dict[str, Callable[[Path], RawVolume]] = {
    ".tif": _tiff,
    ".tiff": _tiff,
    ".npy": _npy,
    ".npz": _npz,
    ".vti": read_vti,
    ".nrrd": _nrrd,
}
