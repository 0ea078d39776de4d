"""Read and write volumes: written files have 255 or 1 for pore; read files have two values, or grey."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.io.volumes.grey import Brightness, choose_cut, cut_two, values_in
from porescape.io.volumes.raw_volume import choose_voxel_size, no_voxel_size
from porescape.io.volumes.volume_files import read_raw
from porescape.io.volumes.vti import write_vti
from porescape.version import __version__

__all__ = (
    "HowRead",
    "VolumeSource",
    "read_volume",
    "read_volume_with_source",
    "volume_from_array",
    "write_tiff",
    "write_vti",
)

PORE = 255  # the foreground of BoneJ and Fiji


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class HowRead:
    """How a volume was read from a file.

    Attributes
    ----------
    name : str
        File or folder name.
    voxel_size_source : str
        Where the voxel size comes from, in words.
    pore : {"bright", "dark"}
        Which side is pore.
    threshold : float or None
        Grey level, in the values of the file; it belongs to the darker side. None if there were only
        two values.
    threshold_source : {"otsu", "given"} or None
    porosity_range : tuple of float or None
        Porosity with the threshold 5 % of the contrast lower and higher; None if there was no threshold.
    warnings : tuple of str
        What the user should know about the reading.
    sha256 : str
        Of the file; of several, that of their names and hashes.
    """

    name: str
    voxel_size_source: str
    pore: Brightness
    threshold: float | None
    threshold_source: Literal["otsu", "given"] | None
    porosity_range: tuple[float, float] | None
    warnings: tuple[str, ...]
    sha256: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class VolumeSource(HowRead):
    """A volume, and how it was read from a file.

    Attributes
    ----------
    volume : Volume
    """

    volume: Volume


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


def read_volume(path: Path | str, voxel_size: float | None = None) -> Volume:
    """Read a binary volume; the larger of its two values is pore.

    Parameters
    ----------
    path : path
        Anything that `read_volume_with_source` reads.
    voxel_size : float, optional
        [m]; takes precedence over the file.

    Raises
    ------
    InputError
        Not a 3-D array of two values, or the voxel size is missing.
    """
    path = Path(path)
    raw, _ = read_raw(path)
    size, _, _ = choose_voxel_size(path.name, voxel_size, raw)
    # errors of the array come first
    volume = volume_from_array(raw.array, size or 1.0, path.name)
    if size is None:
        raise no_voxel_size(path.name, raw)
    return volume


def read_volume_with_source(
    path: Path | str,
    voxel_size: float | None = None,
    *,
    threshold: float | None = None,
    pore: Brightness | None = None,
) -> VolumeSource:
    """Read a binary or grey volume, and return also how it was read.

    A TIFF stack, a folder (or pattern, "scan/s_*.tif") of flat TIFF, PNG or BMP slices in the order of their
    numbers, `.npy`, `.npz` (one array, or `packed` bits and `shape`), `.vti`, `.nrrd`, or OME-Zarr (extra
    `zarr`; the finest level). Two values are taken as they are; grey is cut by one threshold everywhere.
    Otsu's assumes two classes: a third one (a void around the sample, dense particles) shifts it, and it
    fails on shading. Noise is not removed: denoise first.

    Parameters
    ----------
    path : path
    voxel_size : float, optional
        [m]; takes precedence over the file.
    threshold : float, optional
        Grey level in the values of the file, the last that is dark; Otsu's by default.
    pore : {"dark", "bright"}, optional
        Which side is pore; by default the dark of grey volumes, and the larger of two values.

    Raises
    ------
    InputError
        Not a readable volume, voxels that are not cubes, a few labels instead of grey, or no voxel
        size.
    MissingExtra
        Zarr is not installed.

    References
    ----------
    Otsu (1979), IEEE Transactions on Systems, Man, and Cybernetics 9, 62.
    """
    path = Path(path)
    name = path.name
    raw, sha256 = read_raw(path)
    size, source, warnings = choose_voxel_size(name, voxel_size, raw)
    values = values_in([raw.array], raw.array.shape, name)
    cut = choose_cut(values, [raw.array], name, threshold, pore, raw.inverted)
    if size is None:
        raise no_voxel_size(name, raw)
    return VolumeSource(
        volume=Volume(cut.pores(raw.array), size),
        name=name,
        voxel_size_source=source,
        pore=cut.pore,
        threshold=cut.threshold,
        threshold_source=cut.threshold_source,
        porosity_range=cut.porosity_range,
        warnings=(*raw.warnings, *warnings, *cut.warnings),
        sha256=sha256,
    )


def volume_from_array(array: NDArray[np.generic], voxel_size: float, name: str = "array") -> Volume:
    """Return a volume from a 3-D array of two values; the larger is pore.

    With one value only, 0 is solid and anything else pore.

    Raises
    ------
    InputError
        The array is not 3-D, holds NaN, or holds more than two values.
    """
    if array.ndim != 3:
        raise InputError(f"{name} has shape {array.shape}; wanted three axes (z, y, x)")
    values = values_in([array], array.shape, name)
    if not values.binary:
        many = len(np.unique(array)) if array.size < 2**24 else "more than two"
        raise InputError(
            f"{name} holds {many} different values from {values.low:g} to {values.high:g}; wanted two, one "
            "per phase (True or the larger is pore): segment it first, or read it with a threshold by "
            "`read_volume_with_source`"
        )
    return Volume(cut_two(values).pores(array), voxel_size)
