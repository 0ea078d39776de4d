"""OME-Zarr: write 0.5, read the finest level of a 0.4 or 0.5 multiscale image. Needs the extra `zarr`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import MissingExtra
from porescape.io.atomic import whole_folder
from porescape.io.volumes.raw_volume import RawVolume
from porescape.io.volumes.zarr_array import find_array, open_array
from porescape.version import __version__

MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")  # a folder with one of these is Zarr
PORE = 255  # as in our TIFF: viewers display it in black and white
COARSEST = 128  # voxels along the longest edge of the last level; fast to display
CHUNK = 64  # voxels
NGFF = "0.5"  # the first version for Zarr 3, which has shards


def ngff_metadata(
    shape: tuple[int, int, int], voxel_size: float, name: str, levels: int = 1
) -> dict[str, Any]:
    """Return the attributes of an OME-Zarr group that holds one volume of 0 (solid) and 255 (pore).

    Parameters
    ----------
    shape : tuple of int
        Voxels of the finest level along z, y, x.
    voxel_size : float
        Of the finest level [m]; written in micrometres, as viewers expect.
    name : str
    levels : int
        Number of arrays "0", "1", ... in the group; the voxels of each are twice as large as those of the
        one before, and its first voxel covers the first 2 x 2 x 2 of that.

    References
    ----------
    Next-generation file formats 0.5, https://ngff.openmicroscopy.org/0.5/ ("multiscales", "omero").

    Examples
    --------
    >>> ngff = ngff_metadata((8, 8, 8), 1e-07, "foam", levels=2)["ome"]["multiscales"][0]
    >>> [step["coordinateTransformations"] for step in ngff["datasets"]][1]
    [{'type': 'scale', 'scale': [0.2, 0.2, 0.2]}, {'type': 'translation', 'translation': [0.05, 0.05, 0.05]}]
    """

    def micrometres(voxels: float) -> list[float]:
        return [float(f"{voxels * voxel_size * 1e6:.12g}")] * 3  # 0.1, not 0.09999999999999999

    datasets = []
    for level in range(levels):
        steps: list[dict[str, Any]] = [{"type": "scale", "scale": micrometres(2**level)}]
        if level:  # positions are those of voxel centres
            steps.append({"type": "translation", "translation": micrometres((2**level - 1) / 2)})
        datasets.append({"path": str(level), "coordinateTransformations": steps})
    axes = [{"name": axis, "type": "space", "unit": "micrometer"} for axis in "zyx"]
    window = {"start": 0, "min": 0, "end": PORE, "max": PORE}
    channel = {"label": "pore", "color": "FFFFFF", "active": True, "window": window}
    return {
        "ome": {
            "version": NGFF,
            "multiscales": [{"name": name, "axes": axes, "datasets": datasets}],
            "omero": {"channels": [channel], "rdefs": {"defaultZ": shape[0] // 2, "model": "greyscale"}},
        },
        "porescape": {"version": __version__, "pore": PORE, "solid": 0, "voxel_size_m": voxel_size},
    }


def write_ome_zarr(path: Path | str, volume: Volume, overwrite: bool = False) -> None:
    """Write an OME-Zarr 0.5 image (Zarr 3) of uint8, 255 = pore and 0 = solid, with its voxel size.

    Coarser levels contain the mean of 2 x 2 x 2 voxels, that is the pore fraction, until one fits into 128
    voxels.

    Parameters
    ----------
    path : path
        Folder to write, usually named `something.ome.zarr`: new or empty, unless `overwrite`.

    Raises
    ------
    MissingExtra
        Zarr is not installed.
    OutputError
        The folder cannot be written.
    """
    try:
        import zarr
    except ImportError as error:
        raise MissingExtra('writing Zarr needs another package: pip install "porescape[zarr]"') from error
    path = Path(path)
    levels = [np.where(volume.pore, np.uint8(PORE), np.uint8(0))]
    while max(levels[-1].shape) > COARSEST:
        levels.append(_halved(levels[-1]))
    name = path.name.removesuffix(".zarr").removesuffix(".ome")
    with whole_folder(path, overwrite) as temporary:
        group = zarr.create_group(temporary, zarr_format=3)
        group.attrs.update(ngff_metadata(volume.shape, volume.voxel_size, name, len(levels)))
        for level, values in enumerate(levels):
            chunks = tuple(min(n, CHUNK) for n in values.shape)
            array = group.create_array(
                str(level), shape=values.shape, chunks=chunks, dtype="uint8", dimension_names=tuple("zyx")
            )
            array[:] = values


def _halved(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of 2 x 2 x 2 voxels; at an odd end the last voxels count twice."""
    even = np.pad(values, [(0, n % 2) for n in values.shape], mode="edge")
    nz, ny, nx = (n // 2 for n in even.shape)
    mean: NDArray[np.float32] = even.reshape(nz, 2, ny, 2, nx, 2).mean(axis=(1, 3, 5), dtype=np.float32)
    return np.asarray(np.rint(mean), dtype=np.uint8)


def read_ome_zarr(path: Path) -> RawVolume:
    """Read level 0 of a multiscale image, or a plain Zarr array of three axes.

    Raises
    ------
    MissingExtra
        Zarr is not installed.
    InputError
        No image, a plate, or more than one time point or channel.
    """
    found = find_array(path)
    array = open_array(path, found.inside)
    values = np.asarray(array[tuple(slice(None) if axis in "zyx" else 0 for axis in found.names)])
    left = [axis for axis in found.names if axis in "zyx"]
    return RawVolume(values.transpose([left.index(axis) for axis in "zyx"]), found.spacings)
