"""Pictures of labels: which pixels of an image a person called pore, and which solid."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL.BmpImagePlugin import BmpImageFile
from PIL.PngImagePlugin import PngImageFile

from porescape.core.image import Micrograph
from porescape.errors import InputError

_TIFF = (b"II", b"MM")
_PILLOW = {b"\x89PNG": PngImageFile, b"BM": BmpImageFile}


def read_labels(path: str | Path, image: Micrograph) -> NDArray[np.uint8]:
    """Read the labels of an image.

    Parameters
    ----------
    path : path
        PNG, TIFF or BMP with one channel, or a palette whose entries are counted from 0: 0 nothing, 1 pore,
        2 solid, 3 cannot be told. As large as the image file, or as the part of it that is used.
    image : Micrograph

    Returns
    -------
    ndarray of uint8, shape (ny, nx)
        For each pixel of the image as it is used.

    Raises
    ------
    InputError
        The file is no such picture, or has another size.
    """
    path = Path(path)
    values = _read(path)
    if values.ndim == 3 and values.shape[2] in (3, 4):
        red = values[..., 0]
        if not all(np.array_equal(red, values[..., channel]) for channel in (1, 2)):
            raise InputError(f"{path.name} has colours; wanted one channel with {_WANTED}")
        values = red
    if values.ndim != 2 or not (np.issubdtype(values.dtype, np.integer) or values.dtype == bool):
        raise InputError(
            f"{path.name} has shape {values.shape} and {values.dtype} values; wanted one channel of whole "
            f"numbers with {_WANTED}"
        )
    if values.shape == image.whole:
        top, left, height, width = image.crop
        values = values[top : top + height, left : left + width]
    elif values.shape != image.grey.shape:
        found, whole, used = (f"{ny} x {nx}" for ny, nx in (values.shape, image.whole, image.grey.shape))
        raise InputError(
            f"{path.name} is {found} pixels (height x width), wanted the {whole} of {image.name}, or the "
            f"{used} that are used of it; draw labels on a copy of the image"
        )
    if values.size and (values.min() < 0 or values.max() > 3):
        found = ", ".join(map(str, np.unique(values)[:8]))
        raise InputError(f"{path.name} holds the values {found}; wanted {_WANTED}")
    return values.astype(np.uint8)


_WANTED = "0 nothing, 1 pore, 2 solid, 3 cannot be told"


def _read(path: Path) -> NDArray[Any]:
    try:
        with path.open("rb") as file:
            start = file.read(8)
            file.seek(0)
            if start[:2] in _TIFF:
                return np.asarray(tifffile.imread(file))
            for magic, kind in _PILLOW.items():
                if start.startswith(magic):
                    return np.asarray(kind(file))  # of a palette: its indices
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # a broken file can raise any exception anywhere in the decoder
        raise InputError(f"{path.name} cannot be read ({type(error).__name__}: {error})") from error
    raise InputError(
        f"{path.name} is no PNG, TIFF or BMP (JPEG changes labels); wanted one channel with {_WANTED}"
    )
