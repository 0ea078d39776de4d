"""Write NRRD for ParaView, 3D Slicer and Fiji; without a date, so the same volume gives the same bytes."""

import zlib
from pathlib import Path

import numpy as np

from porescape.core.volume import Volume
from porescape.io.atomic import whole_file
from porescape.version import __version__


def write_nrrd(path: Path | str, volume: Volume) -> None:
    """Write uint8, 1 = pore and 0 = solid, with the spacing in micrometres and the middle of voxel 0 at 0.

    https://teem.sourceforge.net/nrrd/format.html
    """
    nz, ny, nx = volume.shape
    edge = f"{volume.voxel_size * 1e6:.12g}"
    header = f"""NRRD0005
# porescape {__version__}
type: uint8
dimension: 3
space dimension: 3
sizes: {nx} {ny} {nz}
space directions: ({edge},0,0) (0,{edge},0) (0,0,{edge})
kinds: domain domain domain
labels: "x" "y" "z"
space units: "um" "um" "um"
space origin: (0,0,0)
encoding: gzip
content: pore
phases:=1 = pore, 0 = solid
voxel size:={volume.voxel_size:.9g} m

"""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)  # 31: with the header and the checksum of gzip
    with whole_file(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(header.encode("ascii"))
        for layer in volume.pore:
            file.write(packer.compress(np.ascontiguousarray(layer, dtype=np.uint8).tobytes()))
        file.write(packer.flush())
