"""Write MATLAB files."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.version import __version__

_LARGEST = 2**31 - 2**20  # bytes of one variable; the format stores sizes in 32 bits
_HEADER = 116  # bytes of text at the start of the file


def write_mat(path: Path | str, volume: Volume) -> None:
    """Write a MATLAB 5 file: `pore` (uint8, 1 = pore, 0 = solid), `voxel_size` [m] and their meaning.

    `pore` has MATLAB's order of axes (rows, columns, sections): `imshow(pore(:, :, k), [])` shows section k.

    Raises
    ------
    InputError
        The volume has more than 2 GiB, which the format cannot hold.
    """
    if volume.pore.size > _LARGEST:
        raise InputError(
            f"the volume has {volume.pore.size} voxels, a .mat file holds at most {_LARGEST}: "
            "export zarr or nrrd"
        )
    contents = {
        "pore": volume.pore.transpose(1, 2, 0).astype(np.uint8),
        "voxel_size": volume.voxel_size,
        "units": "m",
        "axes": "pore(y, x, z)",
        "phases": "1 = pore, 0 = solid",
        "source": f"porescape {__version__}",
    }
    words = f"MATLAB 5.0 MAT-file, porescape {__version__}, pore: 1 = pore, 0 = solid".encode("ascii")
    with whole_file(Path(path)) as temporary, temporary.open("w+b") as file:
        savemat(file, contents, do_compression=True)
        file.seek(0)
        file.write(
            words.ljust(_HEADER)[:_HEADER]
        )  # instead of a date, so that the same volume gives the same bytes
