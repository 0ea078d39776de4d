"""Read a job's image, with the pixel size from the page and the original file name."""

from dataclasses import replace
from pathlib import Path

from porescape.core.image import Crop, Micrograph
from porescape.io.images.image import read_image

_OPTION = "--pixel-size"  # the name of a given size in `read_image`


def read_for(
    path: Path,
    name: str,
    given: tuple[float, str] | None,
    crop: Crop | None,
    page: int | None,
) -> Micrograph:
    """Read an upload.

    Parameters
    ----------
    path : path
    name : str
        Name of the image in messages and reports.
    given : (metres, source), optional
        Pixel size that the user gave, and how.
    crop : tuple of int, optional
    page : int, optional

    Raises
    ------
    InputError, PixelSizeMissing
        Like `porescape.io.images.image.read_image`.
    """
    image = read_image(path, pixel_size=None if given is None else given[0], crop=crop, page=page)
    source = image.pixel_size_source
    warnings = image.warnings
    if given is not None:
        source = given[1]
        warnings = tuple(one.replace(_OPTION, f"the page ({source})") for one in warnings)
    return replace(image, name=name, pixel_size_source=source, warnings=warnings)
