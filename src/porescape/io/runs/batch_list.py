"""The images of a batch: a folder of them, or a table with a row for each."""

import csv
import io
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal, cast, get_args

from porescape.core.image import Crop
from porescape.core.settings import PorePhase
from porescape.errors import InputError, PorescapeError
from porescape.io.runs.settings import run_file
from porescape.jobs.batch import BatchEntry, in_groups
from porescape.units import parse_length

COLUMNS = {
    "image": "path of the image, relative to the folder of this table",
    "pixel_size": 'edge of a pixel, e.g. "0.1 um"',
    "scale_bar": 'length of the scale bar, e.g. "10 um"; its pixels are counted',
    "crop": '"top,left,height,width" in pixels, or none',
    "page": "number of the image in a TIFF with several, from 1",
    "name": "name of the image and of its folder",
    "pore": "dark or bright",
    "group": "for example the material; images of one group are compared with each other",
}
SUFFIXES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp")
LONGEST_NAME = 150  # bytes; file systems allow 255, and temporary names are longer
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')  # on Windows; elsewhere fewer
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_RESERVED = re.compile(r"batch(\.csv|\.json|\.html|-cards)|.*\.(work|partial)", re.IGNORECASE)


def read_batch_list(
    source: Path | str,
    *,
    pattern: str | None = None,
    pixel_size: float | None = None,
    scale_bar: float | None = None,
    crop: Crop | Literal["none"] | None = None,
    page: int | None = None,
    without: Path | str | None = None,
) -> tuple[BatchEntry, ...]:
    """List the images of a batch.

    Parameters
    ----------
    source : path
        A folder: every file in it with the ending of an image, sorted by name. Or a table (CSV, with commas,
        semicolons or tabs) with the columns of `COLUMNS`, of which only `image` is required.
    pattern : str, optional
        Files of a folder, e.g. "*.tif"; "**/*" includes those of its subfolders, each of which is a group.
    pixel_size : float, optional
        For every image [m]; in a table, for images whose row gives no scale.
    scale_bar, crop, page
        Likewise, see `porescape.read_image`.
    without : path, optional
        A folder whose images are left out: that of the results, which may be inside `source`.

    Raises
    ------
    InputError
        There is no image, or the table is invalid. Whether an image can be read is found later, and concerns
        only that image.
    """
    source = Path(source)
    if source.is_dir():
        listed = _in_folder(source, pattern, None if without is None else Path(without))
    elif not source.exists():
        raise InputError(f"{source} does not exist; wanted a folder of images, or a CSV that lists them")
    elif pattern is not None:
        raise InputError(f"{source} is a file; --pattern is for folders: leave it out, or name the folder")
    else:
        listed = _in_table(source)
    entries = [
        replace(
            entry,
            pixel_size=entry.pixel_size or (None if entry.scale_bar else pixel_size),
            scale_bar=entry.scale_bar or scale_bar,
            crop=entry.crop or crop,
            page=entry.page or page,
        )
        for entry in listed
    ]
    named = _named(entries)
    check_names(named)
    return in_groups(named)


def check_names(entries: Sequence[BatchEntry]) -> None:
    """Refuse names that two entries share, or that are not possible names of folders on every system.

    Raises
    ------
    InputError
        The message has the name, and a possible one.
    """
    if not entries:
        raise InputError("a batch needs at least one image, got none")
    taken: dict[str, BatchEntry] = {}
    for entry in entries:
        if (possible := _usable(entry.name)) != entry.name:
            raise InputError(
                f"{entry.name!r} cannot be the name of a folder on every system, but {possible!r} can: "
                "give it in the column name"
            )
        if len(entry.name.encode()) > LONGEST_NAME:
            raise InputError(f"the name {entry.name[:40]}… is too long; wanted at most {LONGEST_NAME} bytes")
        other = taken.setdefault(_same(entry.name), entry)
        if other is not entry:
            raise InputError(
                f"{entry.name!r} is the name of both {other.listed or other.image} and "
                f"{entry.listed or entry.image}; give each its own in the column name of a CSV"
            )


# -- a folder ----------------------------------------------------------------------------------------


def _in_folder(folder: Path, pattern: str | None, without: Path | None) -> list[BatchEntry]:
    pattern = pattern or "*"
    suffixes = {*SUFFIXES, Path(pattern).suffix.lower()} - {"", ".*"}
    try:
        found = sorted(path for path in folder.glob(pattern) if path.suffix.lower() in suffixes)
    except (ValueError, NotImplementedError) as error:
        raise InputError(
            f"--pattern {pattern!r} is not valid: {error}; wanted e.g. '*.tif' or '**/*'"
        ) from None
    entries = []
    for path in found:
        inside = path.relative_to(folder)
        if (
            not path.is_file()
            or any(
                part.startswith(".") for part in inside.parts
            )  # macOS writes ._a.tif next to a.tif on other file systems
            or (without is not None and path.resolve().is_relative_to(without.resolve()))
            or any(run_file(folder / parent).is_file() for parent in list(inside.parents)[:-1])
        ):
            continue
        group = inside.parent.as_posix() if len(inside.parts) > 1 else ""
        entries.append(BatchEntry(path, "", group=group, listed=inside.as_posix()))
    if not entries:
        raise InputError(
            f"{folder} holds no {' or '.join(sorted(suffixes))} that matches {pattern!r}; "
            "choose another folder, or another --pattern such as '**/*' for its subfolders"
        )
    return entries


# -- a table -----------------------------------------------------------------------------------------


def _in_table(file: Path) -> list[BatchEntry]:
    return [_entry(file, line, cells) for line, cells in _rows(file)]


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and cells of a table, from any spreadsheet program."""
    text = _text(file)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    head = [cell.strip().lower().replace(" ", "_") for cell in next(reader, [])]
    known = ", ".join(COLUMNS)
    if "image" not in head:
        raise InputError(
            f"{file.name} has no column image; wanted a table whose first line has the names of its "
            f"columns; known are {known}"
        )
    if unknown := [name for name in head if name not in COLUMNS]:
        raise InputError(f"{file.name} has a column {unknown[0]!r}; known are {known}")
    if twice := [name for name, count in Counter(head).items() if count > 1]:
        raise InputError(f"{file.name} has the column {twice[0]} more than once; wanted it once")
    rows = 0
    for cells in reader:
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if len(cells) > len(head):
            raise InputError(
                f"{file.name}, line {reader.line_num}, has {len(cells)} cells, but there are {len(head)} "
                'columns; put cells with commas in quotes, such as "0,0,400,600"'
            )
        rows += 1
        yield reader.line_num, dict(zip(head, cells, strict=False))
    if not rows:
        raise InputError(f"{file.name} lists no image; wanted a row for each below the names of the columns")


def _text(file: Path) -> str:
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file} cannot be opened ({error.strerror}); check its permissions") from error
    if b"\0" in raw:
        raise InputError(
            f"{file.name} is not a table of text; wanted a CSV, or a folder of images. "
            "For one image, use porescape run; from a spreadsheet, save as CSV"
        )
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")  # as Excel on Windows writes: the µ of µm


def _entry(file: Path, line: int, cells: Mapping[str, str]) -> BatchEntry:
    where = f"{file.name}, line {line}"
    listed = cells.get("image", "")
    if not listed:
        raise InputError(f"{where}, has no image; wanted its path in the column image")
    if os.sep == "/" and not (file.parent / listed).exists():
        listed = PureWindowsPath(listed).as_posix()
    pore, page, crop = (cells.get(name) or None for name in ("pore", "page", "crop"))
    if pore not in (None, *get_args(PorePhase)):
        raise InputError(f"{where}, has pore {pore!r}; wanted {' or '.join(get_args(PorePhase))}")
    if page is not None and not (page.isdecimal() and int(page) > 0):
        raise InputError(f"{where}, has page {page!r}; wanted a whole number from 1")
    return BatchEntry(
        file.parent / listed,
        cells.get("name", ""),
        pixel_size=_length(cells, "pixel_size", where),
        crop=None if crop is None else _crop(crop, where),
        page=None if page is None else int(page),
        pore=cast(PorePhase | None, pore),
        group=cells.get("group", ""),
        listed=listed,
        scale_bar=_length(cells, "scale_bar", where),
    )


def _length(cells: Mapping[str, str], name: str, where: str) -> float | None:
    try:
        return parse_length(cells[name]) if cells.get(name) else None
    except PorescapeError as error:
        raise InputError(f"{where}: {name}: {error}") from None


def _crop(text: str, where: str) -> Crop | Literal["none"]:
    if text == "none":
        return "none"
    numbers = re.split(r"[,;\s]+", text)
    if len(numbers) != 4 or not all(number.isdecimal() for number in numbers):
        raise InputError(f'{where}, has crop {text!r}; wanted "top,left,height,width" in pixels, or none')
    top, left, height, width = map(int, numbers)
    return top, left, height, width


# -- names -------------------------------------------------------------------------------------------


def _named(entries: Sequence[BatchEntry]) -> list[BatchEntry]:
    """Name entries without a name after their files; if two names are equal, add the kind of file.

    The name of an image in a subfolder contains both. So adding images to a batch does not change the names
    of the others, and their results stay valid.
    """
    made = [entry.name or _usable(_stem(entry.listed)) for entry in entries]
    shared = Counter(map(_same, made))
    return [
        replace(entry, name=name)
        if entry.name or shared[_same(name)] == 1
        else replace(entry, name=_usable(f"{name}-{Path(entry.listed).suffix[1:]}"))
        for entry, name in zip(entries, made, strict=True)
    ]


def _stem(listed: str) -> str:
    path = PurePosixPath(listed)
    plain = path.with_suffix("").parts
    return plain[-1] if path.is_absolute() or ".." in plain else "-".join(plain)


def _usable(name: str) -> str:
    """Return a possible name of a folder on every system that is not reserved for files of the batch.

    >>> _usable("PES 5 %"), _usable("a/b: c."), _usable("aux"), _usable("Batch.html")
    ('PES 5 %', 'a_b_ c', '_aux', 'Batch.html_')
    """
    clean = _FORBIDDEN.sub("_", name).strip(" .")
    if _DEVICES.fullmatch(clean):
        clean = f"_{clean}"
    return f"{clean}_" if not clean or _RESERVED.fullmatch(clean) else clean


def _same(name: str) -> str:
    """Return a key that is equal for names that a file system ignoring case takes for the same."""
    return unicodedata.normalize("NFC", name).casefold()
