"""What a page needs to show a structure in three dimensions: its voxels packed small, a script, a style.

`viewer.js` is one ES module without dependencies; a page inlines it or serves it. It draws with WebGL 2
and unpacks with DecompressionStream; where one is missing, the still picture beside it stays.
"""

import base64
import hashlib
import zlib
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from porescape.core.volume import Volume
from porescape.report.drawing import coarse

MOST_VOXELS = 256  # along the longest edge: what every WebGL 2 can hold, and a page can carry


class Packed(NamedTuple):
    """A structure as a page carries it.

    Attributes
    ----------
    bits : str
        Base64 of deflated bytes, each eight voxels in the order of `numpy.packbits`; 1 is pore.
    shape : tuple of int
        Voxels along z, y and x, x fastest.
    voxel_size : float
        Edge of one of these voxels [m].
    block : int
        How many voxels of the structure one of these stands for, along each axis.
    """

    bits: str
    shape: tuple[int, int, int]
    voxel_size: float
    block: int


def pack(volume: Volume, most: int = MOST_VOXELS) -> Packed:
    """Pack a structure; one longer than `most` voxels is packed as blocks that are mostly pore or not.

    >>> pack(Volume(np.two_sample(8, dtype=bool)[None].repeat(8, axis=0), 5e-9)).shape
    (8, 8, 8)
    """
    pore, block = coarse(volume.pore, most)
    nz, ny, nx = pore.shape
    deflated = zlib.compress(np.packbits(pore).tobytes(), 9)
    bits = base64.b64encode(deflated).decode("ascii")
    return Packed(bits, (nz, ny, nx), volume.voxel_size * block, block)


def script() -> str:
    """Return the viewer, an ES module that exports `mountViewer` and `unpack`."""
    return files("porescape.report").joinpath("viewer.js").read_text(encoding="utf-8")


def style() -> str:
    """Return the viewer's style sheet."""
    return files("porescape.report").joinpath("viewer.css").read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """Return how a Content-Security-Policy names one inline script.

    >>> source_hash("alert(1)")
    "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    """
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
