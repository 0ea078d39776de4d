"""The pixel size from a scale bar and its label.

The label comes from the user, from the text file of the microscope or, if there is no other source of the
pixel size and the program tesseract is installed, from the image.
"""

import csv
import io
import math
import os
import re
import shutil
import subprocess
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from porescape.io.images.banner import as_levels, find_banner
from porescape.io.images.pixel_size import Claim, Rank, length_in
from porescape.io.images.scale_bar import ScaleBar, find_scale_bar
from porescape.units import format_length

_TIMEOUT = 30  # seconds; it takes less than one
_ENLARGED = (2, 3)  # times; tesseract needs letters 30 pixels high, and a single reading may be wrong
_TALLEST = 60  # pixels; anything higher is a frame or a logo, not a letter
_MARGIN = 30  # pixels of paper around the crop, which tesseract also needs
_ROUND = (
    1,
    1.5,
    2,
    2.5,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
)  # first digits of labels; other lengths in a banner, such as the field width, are not so round
# tesseract reads the micro sign as u, y or p, also in capitals; no bar is picometres long
_LABEL = re.compile(r"\W*?(\d+(?:[.,]\d+)?)(nm|[uµμyp]m|mm)\W*", re.IGNORECASE)
_LINES = 3  # heights of a word; the largest distance of the label above or below the bar


class BarReading(NamedTuple):
    """The result of the search for a scale bar.

    Attributes
    ----------
    claims : tuple of Claim
    warnings : tuple of str
    bar : ScaleBar or None
        The bar, if one was found.
    """

    claims: tuple[Claim, ...] = ()
    warnings: tuple[str, ...] = ()
    bar: ScaleBar | None = None


def read_scale_bar(
    grey: NDArray[np.floating] | NDArray[np.integer],
    given: float | None = None,
    sidecar: float | None = None,
    ocr: bool = False,
) -> BarReading:
    """Find the scale bar of `grey` (ny, nx), and its label from the user, the text file or the image.

    Parameters
    ----------
    grey : ndarray, shape (ny, nx)
        The whole image.
    given, sidecar : float, optional
        Its label according to the user and to the text file next to the image [m].
    ocr : bool
        Whether it may be read from the image if both are missing.
    """
    bar = find_scale_bar(grey)
    if bar is None:
        unused = (
            f"no scale bar was found, so that --scale-bar {format_length(given)} is not used" if given else ""
        )
        return BarReading(warnings=(unused,) if unused else ())
    warnings: tuple[str, ...] = ()
    label, origin = (given, "") if given else (sidecar, ", from the text file next to it")
    if label is None and ocr and (label := read_label(grey, bar)):
        origin = ", read by tesseract"
        warnings = (f"tesseract read the label of the scale bar as {format_length(label)}: please check it",)
    if label is None:
        return BarReading(bar=bar)
    source = f"scale bar of {bar.length:g} px = {format_length(label)}{origin}"
    # the position of each end has an error of up to half a pixel
    claim = Claim(label / bar.length, source, rank=Rank.BAR, uncertainty=1 / bar.length)
    return BarReading((claim,), warnings, bar)


class _Word(NamedTuple):
    text: str
    left: float
    top: float
    right: float
    bottom: float


def read_label(grey: NDArray[np.floating] | NDArray[np.integer], bar: ScaleBar) -> float | None:
    """Return the length [m] that is written nearest to a scale bar of `grey` (ny, nx).

    None if tesseract is not installed, reads no suitable text, or reads different lengths when the letters
    are enlarged two times and three times.
    """
    program = shutil.which("tesseract")
    if program is None:
        return None
    ny = len(grey)
    (y, start), (_, end) = bar.start, bar.end
    reach = max(60, round(0.06 * ny))
    first, last = max(0, round(y) - reach), min(ny, round(y) + reach)
    if (banner := find_banner(grey)) and banner[0] <= y < banner[0] + banner[2]:
        first, last = max(first, banner[0]), min(last, banner[0] + banner[2])
    left = max(0, round(start - bar.length / 2) - reach)
    crop = as_levels(grey)[first:last, left : round(end + bar.length / 2) + 2 * reach]
    here = bar._replace(start=(y - first, start - left), end=(y - first, end - left))
    letters = _letters(crop, here)
    read = {_nearest(_read(program, letters, times), here) for times in _ENLARGED}
    return read.pop() if len(read) == 1 else None


def _nearest(words: list[_Word], bar: ScaleBar) -> float | None:
    """Return the length [m] of the words nearest to the bar."""
    found = []
    for word in _labels(words):
        metres, distance = _metres(word.text), _distance(word, bar)
        if metres is not None and distance is not None:
            found.append((distance, metres))
    return min(found)[1] if found else None


def _letters(crop: NDArray[np.uint8], bar: ScaleBar) -> NDArray[np.bool_]:
    """The ink in the colour of the bar, without the bar itself, frames and lines."""
    y, start, end = round(bar.start[0]), math.ceil(bar.start[1]), math.floor(bar.end[1])
    ink = np.abs(crop.astype(np.int16) - int(crop[y, start])) < 100
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    drawn = set(labels[y, [start, end]])
    if bar.kind == "ticks":
        drawn |= set(labels[y, start : end + 1])
    for number, (rows, across) in enumerate(ndimage.find_objects(labels), start=1):
        height, width = rows.stop - rows.start, across.stop - across.start
        if number in drawn or width > 8 * height or width > 0.5 * crop.shape[1] or height > _TALLEST:
            ink[rows, across] &= labels[rows, across] != number
    return ink


def _page(ink: NDArray[np.bool_], times: int) -> bytes:
    """Black letters on white, enlarged, as PNG."""
    paper = np.pad(np.where(ink, np.uint8(0), np.uint8(255)), _MARGIN, constant_values=255)
    size = (paper.shape[1] * times, paper.shape[0] * times)
    buffer = io.BytesIO()
    Image.fromarray(paper).resize(size, Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def _read(program: str, ink: NDArray[np.bool_], times: int) -> list[_Word]:
    """Return the words in a drawing, with their positions."""
    one_thread = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # its threads take more time than they save
    try:
        done = subprocess.run(
            [program, "stdin", "stdout", "--psm", "11", "tsv"],
            input=_page(ink, times),
            capture_output=True,
            timeout=_TIMEOUT,
            check=True,
            env=one_thread,
        )
    except (OSError, subprocess.SubprocessError):
        return []  # a failure counts as no text
    words = []
    table = csv.DictReader(
        io.StringIO(done.stdout.decode("utf-8", "replace")), delimiter="\t", quoting=csv.QUOTE_NONE
    )
    for row in table:
        if text := (row.get("text") or "").strip():
            x, y, width, height = (float(row[key]) / times for key in ("left", "top", "width", "height"))
            x, y = x - _MARGIN, y - _MARGIN
            words.append(_Word(text, x, y, x + width, y + height))
    return words


def _labels(words: list[_Word]) -> list[_Word]:
    """The words, and all pairs of neighbouring words as one: a number and its unit."""
    pairs = [
        _Word(a.text + b.text, a.left, min(a.top, b.top), b.right, max(a.bottom, b.bottom))
        for a in words
        for b in words
        if 0 <= b.left - a.right < 1.5 * (a.bottom - a.top) and a.top < (b.top + b.bottom) / 2 < a.bottom
    ]
    return words + pairs


def _metres(text: str) -> float | None:
    """Return the length in a text such as "10um", if it is a round number.

    >>> _metres("—500.0um—"), _metres("1O um"), _metres("207um"), _metres("WD=4mm")
    (0.0005, None, None, None)
    """
    match = _LABEL.fullmatch(text.replace(" ", ""))
    if match is None or "=" in text:
        return None
    unit = match[2].lower()
    metres = length_in(match[1].replace(",", ".") + (unit if unit in ("nm", "mm") else "um"))
    if metres is None:
        return None
    first = metres / 10 ** math.floor(math.log10(metres) + 1e-9)
    return metres if any(math.isclose(first, digit, rel_tol=1e-6) for digit in _ROUND) else None


def _distance(word: _Word, bar: ScaleBar) -> float | None:
    """Pixels from a word to the bar; None if it is too far, or neither above, below nor next to it."""
    (y, start), (_, end) = bar.start, bar.end
    down = max(word.top - y, y - word.bottom, 0)
    across = max(word.left - end, start - word.right, 0)
    near = across == 0 and down <= _LINES * (word.bottom - word.top)
    beside = down <= word.bottom - word.top and across <= bar.length
    return math.hypot(down, across) if near or beside else None
