"""Previews of a draft: the picture, its crop and scale, pores, checks and requirements.

All functions run in the preview process (`porescape.web.preview_process`), because they decode untrusted
files.
"""

import base64
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from porescape.core.check import Check
from porescape.core.image import Crop, Micrograph, pore_outline
from porescape.core.prepared import Segmented
from porescape.core.settings import Segmentation
from porescape.errors import InputError, PixelSizeMissing
from porescape.io.images.image import read_image
from porescape.io.images.scale_bar import find_scale_bar
from porescape.io.runs.settings import settings_table
from porescape.section.checks import check_segmented
from porescape.section.prepare import prepare, too_small
from porescape.section.segment import segment, segmented
from porescape.section.teach import PORE, SOLID, teach
from porescape.units import format_extent, format_length, is_coarser
from porescape.web.form import Form, command_line, form_from, plain_name
from porescape.web.limits import Limits
from porescape.web.reading import read_upload
from porescape.web.strokes import labels_of, strokes_from
from porescape.web.uploads import inspect_header

UNKNOWN = 1e-9  # placeholder while the pixel size is unknown; no length computed with it is shown
SCREEN = 1600  # pixels along the longer side of a picture on the page
BLUE, ORANGE = (0, 114, 178), (255, 176, 0)  # Okabe and Ito's blue, and the report's outline

# path, pixel size and its source, crop, page: identifies one reading of a file
_Where = tuple[str, tuple[float, str] | None, Crop | None, int | None]


def inspect(path: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Check the header of an upload, then read the whole file once; return its properties."""
    file = Path(path)
    kind = inspect_header(file, Limits(**limits))
    try:  # an unreadable file is refused now, not when the job starts
        _read(path, Form())
        kind = kind._replace(pages=1)  # the other images are thumbnails
    except InputError:
        if kind.pages == 1:
            raise
        _read(path, Form(page=1))
    return {"suffix": kind.suffix} | kind.table(file)


def picture(path: str, page: int | None) -> dict[str, Any]:
    """Return the whole image, including its banner, as PNG, at most as large as a screen."""
    grey = _whole(path, page).grey
    return {"png": _encoded(_shrunk((255 * grey).astype(np.uint8)))}


def describe_draft(path: str, name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return everything that follows quickly from a form: crop, scale, pores, box, command.

    Raises an error for an invalid form; an unknown pixel size or an unusable segmentation is part of the
    result.
    """
    form = form_from(table)
    image, missing = _read(path, form)
    file = _whole(path, form.page)
    found: dict[str, Any] = {
        "height": file.grey.shape[0],
        "width": file.grey.shape[1],
        "crop": list(image.crop),
        "binary": image.is_binary,
        "pixel_size": None
        if missing
        else {
            "metres": image.pixel_size,
            "text": format_length(image.pixel_size),
            "source": image.pixel_size_source,
            "field": format_extent(image.grey.shape[::-1], image.pixel_size),
        },
        "missing": missing,
        "warnings": list(image.warnings),
        "bar": _scale_bar(path, form.page),
        "problem": "",
        "command": command_line(form, name),
    }
    try:
        mask = _segmented(*_key(path, form))
    except InputError as error:
        return found | {"problem": str(error)}
    phase = mask.phase
    found |= {"porosity": phase.porosity, "fill": _overlay(phase.pore, BLUE), "outline": _outline(phase.pore)}
    if missing:
        return found
    try:
        prepared = prepare(mask, form.settings, check=False)
    except InputError as error:
        return found | {"problem": str(error)}
    found["box"] = {
        "voxel": format_length(prepared.voxel_size),
        "coarser": is_coarser(prepared.voxel_size, image.pixel_size),
        "size": format_extent(prepared.box, prepared.voxel_size),
        "small": too_small(prepared),
    }
    return found


def check(path: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return the results of the image checks."""
    form = form_from(table)
    if _read(path, form)[1]:
        return {"checks": []}
    checks = _checked(*_key(path, form))
    return {"checks": [{"name": one.name, "status": one.status, "sentence": one.sentence} for one in checks]}


def taught(path: str, table: dict[str, Any], strokes: list[Any]) -> dict[str, Any]:
    """Return what strokes teach, as a table of the settings; None while one of the phases has no stroke."""
    form = form_from(table)
    image = _read(path, form)[0]
    labels = labels_of(strokes_from(strokes), image.crop)
    if not {PORE, SOLID} <= {*np.unique(labels).tolist()}:
        return {"taught": None}
    return {"taught": settings_table(teach(image, labels, form.settings.segmentation.pore))}


def labels(path: str, page: int | None, strokes: list[Any]) -> dict[str, Any]:
    """Return strokes as a picture of labels, as large as the file."""
    height, width = _whole(path, page).grey.shape
    return {"png": _encoded(labels_of(strokes_from(strokes), (0, 0, height, width)))}


# -- cached reading ------------------------------------------------------------------------------------


def _read(path: str, form: Form) -> tuple[Micrograph, str]:
    """Return the image of a form, and a message if its pixel size is not known."""
    return _read_once(*_where(path, form))


def _where(path: str, form: Form) -> _Where:
    return path, form.given_pixel_size(), form.rectangle(), form.page


def _key(path: str, form: Form) -> tuple[_Where, Segmentation]:
    return _where(path, form), form.settings.segmentation


@lru_cache(maxsize=3)  # a few: an image of 100 megapixels takes 400 MB
def _read_once(
    path: str, given: tuple[float, str] | None, crop: Crop | None, page: int | None
) -> tuple[Micrograph, str]:
    file = Path(path)
    name = plain_name(file.name)
    try:
        return read_upload(file, name, given, crop, page), ""
    except PixelSizeMissing as error:
        return read_upload(file, name, (UNKNOWN, "unknown"), crop, page), _shorter(str(error), file.name)


@lru_cache(maxsize=1)
def _segmented(where: _Where, how: Segmentation) -> Segmented:
    image = _read_once(*where)[0]
    return Segmented(image, segment(image, how))


@lru_cache(maxsize=16)  # seconds each, and most of a form does not change them
def _checked(where: _Where, how: Segmentation) -> tuple[Check, ...]:
    return check_segmented(segmented(_read_once(*where)[0], how), how)[0]


@lru_cache(maxsize=2)
def _whole(path: str, page: int | None) -> Micrograph:
    return read_image(Path(path), pixel_size=UNKNOWN, crop="none", page=page)


def _shorter(words: str, name: str) -> str:
    """Remove the name of the stored file and the command-line options from a message."""
    return words.replace(name, "the file").partition("; ")[0]


@lru_cache(maxsize=8)
def _scale_bar(path: str, page: int | None) -> dict[str, Any] | None:
    """Return the position of the scale bar in the file, if one is found."""
    bar = find_scale_bar(_whole(path, page).grey)
    if bar is None:
        return None
    ends = [
        at + 0.5 for end in (bar.start, bar.end) for at in reversed(end)
    ]  # 0 is the corner, not the centre, of the first pixel
    return {"line": ends, "pixels": round(bar.length, 1)}


# -- pictures -----------------------------------------------------------------------------------------


def _overlay(pore: NDArray[np.bool_], colour: tuple[int, int, int]) -> str:
    """Return the pores as a translucent colour on a transparent background."""
    return _palette(_shrunk(pore.astype(np.uint8)), [(0, 0, 0, 0), (*colour, 130)])


def _outline(pore: NDArray[np.bool_]) -> str:
    """Return the outermost pixels of the pores on a transparent background."""
    outline = pore_outline(_shrunk(pore.astype(np.uint8)) > 0)
    return _palette(outline.astype(np.uint8), [(0, 0, 0, 0), (*ORANGE, 255)])


def _shrunk(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return every n-th pixel, for at most the size of a screen."""
    step = -(-max(values.shape) // SCREEN)
    return np.ascontiguousarray(values[::step, ::step])


def _palette(levels: NDArray[np.uint8], colours: list[tuple[int, int, int, int]]) -> str:
    drawn = Image.fromarray(levels).convert("P")
    drawn.putpalette([channel for colour in colours for channel in colour[:3]])
    return _encoded(drawn, transparency=bytes(colour[3] for colour in colours), bits=1)


def _encoded(picture: NDArray[np.uint8] | Image.Image, **options: Any) -> str:
    out = io.BytesIO()
    drawn = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    drawn.save(out, format="png", compress_level=3, **options)
    return base64.b64encode(out.getvalue()).decode("ascii")


def phase_png(pore: NDArray[np.bool_]) -> bytes:
    """Return a section as PNG in the report's two colours: pores dark, solid light."""
    drawn = Image.fromarray(pore.astype(np.uint8)).convert("P")
    drawn.putpalette([0xEF, 0xEC, 0xE4, 0x20, 0x26, 0x2E])
    out = io.BytesIO()
    drawn.save(out, format="png", bits=1)
    return out.getvalue()
