"""Volumes in and out: ImageJ TIFF stacks, VTK ImageData, NumPy arrays. 255 or True is pore."""

import base64
import zipfile
import zlib
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.units import format_length
from porescape.version import __version__

PORE = 255  # BoneJ and Fiji take 255 for foreground
SPACING_TOLERANCE = 0.02  # relative; two statements of one length may be rounded differently


def write_tiff(path: Path | str, volume: Volume) -> None:
    """Write an ImageJ TIFF stack, uint8, 255 = pore, with its spacing in micrometres."""
    per_micron = 1e-6 / volume.voxel_size
    with whole_file(Path(path)) as temporary:
        tifffile.imwrite(
            temporary,
            np.where(volume.pore, np.uint8(PORE), np.uint8(0)),
            imagej=True,
            compression="zlib",
            resolution=(per_micron, per_micron),
            metadata={
                "axes": "ZYX",
                "spacing": volume.voxel_size * 1e6,
                "unit": "um",
                "Info": f"porescape {__version__}; 255 = pore, 0 = solid; voxel {volume.voxel_size:.9g} m",
            },
        )


def write_vti(path: Path | str, volume: Volume) -> None:
    """Write a VTK ImageData file: cell array `pore` (1 = pore, 0 = solid), spacing in metres."""
    nz, ny, nx = volume.shape
    raw = volume.pore.astype(np.uint8).tobytes()
    block = 2**20
    pieces = [raw[i : i + block] for i in range(0, len(raw), block)]
    packed = [zlib.compress(piece) for piece in pieces]
    # vtkZLibDataCompressor: number of blocks, block size, size of the last block if short, sizes
    header = [len(pieces), block, len(raw) % block, *map(len, packed)]
    spacing = f"{volume.voxel_size:.9g}"
    text = f"""<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64" \
compressor="vtkZLibDataCompressor">
  <!-- porescape {__version__}: pore = 1 in the pores, 0 in the solid; lengths in metres -->
  <ImageData WholeExtent="0 {nx} 0 {ny} 0 {nz}" Origin="0 0 0" Spacing="{spacing} {spacing} {spacing}">
    <Piece Extent="0 {nx} 0 {ny} 0 {nz}">
      <CellData Scalars="pore">
        <DataArray type="UInt8" Name="pore" format="binary">
{_base64(np.array(header, dtype="<u8").tobytes())}{_base64(b"".join(packed))}
        </DataArray>
      </CellData>
    </Piece>
  </ImageData>
</VTKFile>
"""
    with whole_file(Path(path)) as temporary:
        temporary.write_text(text, encoding="ascii")


def read_volume(path: Path | str, voxel_size: float | None = None) -> Volume:
    """Read a binary volume from a TIFF stack, `.npy`, `.npz` or `.vti`.

    Parameters
    ----------
    path : path
    voxel_size : float, optional
        [m]; wins over what the file says.

    Raises
    ------
    InputError
        Not a 3-D array of two values, or nothing says how large a voxel is.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} is not a file; wanted a 3-D TIFF stack, .npy, .npz or .vti")
    kind = path.suffix.lower()
    readers = {".tif": _tiff, ".tiff": _tiff, ".npy": _npy, ".npz": _npz, ".vti": _vti}
    if kind not in readers:
        raise InputError(f"{path.name} has the ending {kind!r}; wanted one of {', '.join(readers)}")
    try:
        array, stated = readers[kind](path)
    except InputError:
        raise
    except Exception as error:  # every reader has its own ways to fail on a broken file
        raise InputError(
            f"{path.name} could not be read as {kind}: {error}; is the file complete?"
        ) from error
    size = voxel_size or stated
    volume = volume_from_array(array, size or 1.0, path.name)  # what is wrong with the array is said first
    if size is None:
        raise InputError(
            f'{path.name} does not say how large a voxel is; give it, for example --voxel-size "1 um"'
        )
    return volume


def volume_from_array(array: NDArray[np.generic], voxel_size: float, name: str = "array") -> Volume:
    """Return a volume from a 3-D array of two values; the larger is pore.

    Raises
    ------
    InputError
        The array is not 3-D, holds NaN, or holds more than two values.
    """
    if array.ndim != 3:
        raise InputError(f"{name} has shape {array.shape}; wanted three axes (z, y, x)")
    if array.size == 0:
        raise InputError(f"{name} is empty, shape {array.shape}")
    if array.dtype == bool:
        return Volume(array.astype(bool), voxel_size)
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        raise InputError(f"{name} holds NaN or infinite values; wanted two values, one per phase")
    values = np.unique(array)
    if len(values) > 2:
        raise InputError(
            f"{name} holds {len(values)} different values from {values[0]} to {values[-1]}; wanted two, "
            "one per phase (True or the larger is pore): segment it first"
        )
    # with one value only, 0 is solid and anything else pore
    return Volume(array == values[1] if len(values) == 2 else array != 0, voxel_size)


def _tiff(path: Path) -> tuple[NDArray[np.generic], float | None]:
    with tifffile.TiffFile(path) as tiff:
        if not tiff.pages:
            raise InputError(
                f"{path.name} could not be read as .tif: it holds no image; is the file complete?"
            )
        array = tiff.asarray()
        metadata = tiff.imagej_metadata or {}
        unit = {"um": 1e-6, "µm": 1e-6, "\\u00B5m": 1e-6, "micron": 1e-6, "nm": 1e-9, "mm": 1e-3}
        scale = unit.get(metadata.get("unit", ""))
        stated = None
        if scale is not None:
            first = tiff.pages.first
            numerator, denominator = first.tags["XResolution"].value
            stated = denominator / numerator * scale
            spacing = metadata.get("spacing", 0) * scale
            if spacing and abs(spacing / stated - 1) > SPACING_TOLERANCE:
                raise InputError(
                    f"{path.name} has voxels of {format_length(stated)} in the plane and "
                    f"{format_length(spacing)} between slices; wanted cubes: resample it first, or say "
                    "--voxel-size if the file is wrong"
                )
    return np.squeeze(array) if array.ndim > 3 else array, stated


def _npy(path: Path) -> tuple[NDArray[np.generic], float | None]:
    return np.load(path, allow_pickle=False), None


def _npz(path: Path) -> tuple[NDArray[np.generic], float | None]:
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path.name} is not a NumPy archive; is the file complete?")
    with np.load(path, allow_pickle=False) as archive:
        if "packed" in archive and "shape" in archive:  # one bit per voxel
            shape = tuple(int(n) for n in archive["shape"])
            bits = np.unpackbits(archive["packed"], count=int(np.prod(shape)))
            return bits.reshape(shape).astype(bool), None
        if len(archive.files) != 1:
            raise InputError(
                f"{path.name} holds {len(archive.files)} arrays ({', '.join(archive.files)}); wanted one, or "
                "`packed` bits with their `shape`"
            )
        return archive[archive.files[0]], None


def _vti(path: Path) -> tuple[NDArray[np.generic], float | None]:
    import re

    text = path.read_text(encoding="ascii")
    extent = re.search(r'WholeExtent="0 (\d+) 0 (\d+) 0 (\d+)"', text)
    spacing = re.search(r'Spacing="(\S+) (\S+) (\S+)"', text)
    data = re.search(r'Name="pore" format="binary">\s*(\S+)\s*<', text)
    if not (extent and spacing and data):
        raise InputError(f"{path.name} is not a .vti that porescape wrote; export it as a TIFF stack instead")
    nx, ny, nz = map(int, extent.groups())
    count = int(np.frombuffer(base64.b64decode(data[1][:12])[:8], "<u8")[0])
    length = -(-(8 * (3 + count)) // 3) * 4
    sizes = np.frombuffer(base64.b64decode(data[1][:length]), "<u8")[3:]
    body = base64.b64decode(data[1][length:])
    ends = np.cumsum(sizes).astype(int)
    starts = ends - sizes.astype(int)
    raw = b"".join(zlib.decompress(body[a:b]) for a, b in zip(starts, ends, strict=True))
    return np.frombuffer(raw, np.uint8).reshape(nz, ny, nx), float(spacing[1])


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
