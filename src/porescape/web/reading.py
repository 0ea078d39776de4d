"""Read the image of a job, with the pixel size from the form and the original file name."""

from dataclasses import replace
from pathlib import Path

from porescape.core.image import Crop, Micrograph
from porescape.io.images.image import read_image

_OPTION = "--pixel-size"  # the source that `read_image` reports for a given size


def read_upload(
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
        Pixel size given by the user, and its source.
    crop : tuple of int, optional
    page : int, optional

    Raises
    ------
    InputError, PixelSizeMissing
        As `porescape.io.images.image.read_image`.
    """
    image = read_image(path, pixel_size=None if given is None else given[0], crop=crop, page=page)
    source = image.pixel_size_source
    warnings = image.warnings
    if given is not None:
        source = given[1]
        warnings = tuple(one.replace(_OPTION, f"the page ({source})") for one in warnings)
    return replace(image, name=name, pixel_size_source=source, warnings=warnings)
