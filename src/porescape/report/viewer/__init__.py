"""The 3-D viewer of a page: packed voxels, a script and a style sheet.

The script is written as ES modules without dependencies; a page that must be one file contains them joined.
It draws with WebGL 2 and unpacks with DecompressionStream; if one is missing, the page shows a still picture.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from porescape.core.volume import Volume
from porescape.report.drawing import coarse

MOST_VOXELS = 256  # along the longest edge: supported by every WebGL 2, and small enough for a page
MODULES = (  # each imports only from those before it
    "lengths",
    "voxels",
    "view",
    "shader",
    "solid",
    "overlay",
    "slice",
    "pace",
    "controls",
    "gestures",
    "mount",
)


class Packed(NamedTuple):
    """A structure as embedded in a page.

    Attributes
    ----------
    bits : str
        Base64 of deflated bytes, each with eight voxels in the order of `numpy.packbits`; 1 is pore.
    shape : tuple of int
        Voxels along z, y and x, x fastest.
    voxel_size : float
        Edge of one of these voxels [m].
    block : int
        Number of voxels of the structure per voxel here, along each axis.
    """

    bits: str
    shape: tuple[int, int, int]
    voxel_size: float
    block: int


def pack(volume: Volume, most: int = MOST_VOXELS) -> Packed:
    """Pack a structure; one longer than `most` voxels is packed as blocks that are mostly pore or not.

    >>> pack(Volume(np.eye(8, dtype=bool)[None].repeat(8, axis=0), 5e-9)).shape
    (8, 8, 8)
    """
    pore, block = coarse(volume.pore, most)
    nz, ny, nx = pore.shape
    deflated = zlib.compress(np.packbits(pore).tobytes(), 9)
    bits = base64.b64encode(deflated).decode("ascii")
    return Packed(bits, (nz, ny, nx), volume.voxel_size * block, block)


def script() -> str:
    """Return the viewer as one ES module that exports `mountViewer` and `unpack`."""
    return join_modules(_text(f"{name}.js") for name in MODULES) + "\nexport { mountViewer, unpack };\n"


def style() -> str:
    """Return the viewer's style sheet."""
    return _text("viewer.css")


def join_modules(modules: Iterable[str]) -> str:
    """Join ES modules into one without imports and exports.

    They may import only from modules before them, one import per line. `export` must be directly before the
    exported definition, and no name may be used twice at the top level of all modules together.

    >>> join_modules(["export const one = 1;\\n", 'import { one } from "./one.js";\\nlog(one);\\n'])
    'const one = 1;\\n\\nlog(one);\\n'
    """
    text = "\n".join(modules)
    text = re.sub(r'^import \{[^}\n]*\} from "\./[\w-]+\.js";\n', "", text, flags=re.MULTILINE)
    return re.sub(r"^export (?=(async )?(function|const|let|class) )", "", text, flags=re.MULTILINE)


def source_hash(text: str) -> str:
    """Return the source expression of an inline script for a Content-Security-Policy.

    >>> source_hash("alert(1)")
    "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    """
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _text(name: str) -> str:
    return files("porescape.report.viewer").joinpath(name).read_text(encoding="utf-8")
