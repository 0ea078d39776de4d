"""Find the pixel size, and its source.

The order is: the user, the microscope's own tags and the text file that it wrote next to the image, OME and
ImageJ, the scale bar in the picture. Print resolution (dpi) has no relation to the specimen and is never
used. All sources are read, so that a contradiction is noticed.
"""

import math
import re
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, NamedTuple
from xml.etree import ElementTree

from tifffile import TiffFile

from porescape.errors import InputError, PixelSizeMissing
from porescape.units import PER_METRE, ROUNDED, agree, format_length, unit_named

SMALLEST, LARGEST = 1e-12, 1e-3  # metres per pixel; no SEM image is outside
PRINT_SCALE = 1e-5  # metres per pixel; 2540 dpi, and ImageJ stores print resolution as unit=cm


class Rank(IntEnum):
    """The order of the sources, the most trusted first."""

    USER = 0
    MICROSCOPE = 1
    PROGRAM = 2  # that saved the file after the microscope
    BAR = 3  # accurate to one pixel of its length


class Claim(NamedTuple):
    """The edge of a pixel [m] according to one source."""

    metres: float
    source: str
    height: float | None = None  # if the source gives it separately
    rank: Rank = Rank.MICROSCOPE
    uncertainty: float = 0.0  # relative; in addition to the rounding that all sources have


def choose(
    name: str, given: float | None, claims: list[Claim], notes: list[str], bar: float | None = None
) -> tuple[float, str, tuple[str, ...]]:
    """Return the pixel size [m], its source and warnings, from the values of the user and of the file.

    `claims` of one rank come best first; `notes` describe unusable sources, for the error if none is usable;
    `bar` is the length of a scale bar [pixels] with an unknown label.

    Raises
    ------
    InputError
        The given size is not a possible pixel size.
    PixelSizeMissing
        There is no usable source.
    """
    usable, warnings = [], []
    for claim in sorted(claims, key=lambda claim: claim.rank):
        if SMALLEST <= claim.metres <= LARGEST:
            usable.append(claim)
        else:
            warnings.append(
                f"{claim.source} gives {claim.metres:g} m per pixel, which is impossible: ignored"
            )
    if given is not None:
        if not SMALLEST <= given <= LARGEST:
            raise InputError(
                f"pixel size {given:g} m is not between 1 pm and 1 mm per pixel; "
                'give it with its unit, e.g. --pixel-size "0.1 um"'
            )
        usable.insert(0, Claim(float(given), "--pixel-size", rank=Rank.USER))
    if not usable:
        seen = "; ".join((*warnings, *notes))
        if bar is None:
            advice = (
                "calculate it from the scale bar (length / number of pixels) and give it, "
                'e.g. --pixel-size "0.1 um"'
            )
        else:
            advice = (
                f'a scale bar {bar:g} pixels long was found: give its label, e.g. --scale-bar "10 um", '
                'or the size itself, e.g. --pixel-size "0.1 um"'
            )
        raise PixelSizeMissing(f"{name} contains no pixel size{seen and f' ({seen})'}; {advice}")
    best, *others = usable
    different = [best]
    for other in others:
        if not any(
            agree(other.metres, one.metres, ROUNDED + (one.uncertainty + other.uncertainty))
            for one in different
        ):
            different.append(other)
            warnings.append(
                f"{best.source} gives {format_length(best.metres)} per pixel, which is used, "
                f"but {other.source} gives {format_length(other.metres)}"
            )
    for claim in usable:
        if claim.height and not agree(claim.metres, claim.height):
            warnings.append(
                f"pixels are not square: {format_length(claim.metres)} wide, {format_length(claim.height)} "
                f"high according to {claim.source}; vertical lengths will be wrong, resample the image first"
            )
            break
    return best.metres, best.source, tuple(warnings)


def claims_of_tiff(tiff: TiffFile, columns: int) -> tuple[list[Claim], list[str]]:
    """Return the claims of a TIFF file, best first within a rank, and notes on unusable sources.

    `columns` is the width of the whole image [pixels].
    """
    claims: list[Claim] = []
    notes: list[str] = []
    for source in (_fei, _fei_xml, _zeiss, _atlas, _tescan, _ome, _imagej):
        for found in source(tiff, columns):
            if isinstance(found, Claim):
                claims.append(found)
            else:
                notes.append(found)
    return claims, notes


def _fei(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """FEI and Thermo Fisher: INI text in tag 34680 or 34682, lengths in metres."""
    metadata = tiff.fei_metadata
    if not isinstance(metadata, Mapping):
        return
    tag = "34682" if 34682 in tiff.pages[0].tags else "34680"
    for section in ("Scan", "EScan", "IScan"):
        scan = metadata.get(section)
        if not isinstance(scan, Mapping) or not (width := _number(scan.get("PixelWidth"))):
            continue
        yield Claim(width, f"FEI tag {tag} {section}.PixelWidth", _number(scan.get("PixelHeight")))
        # older files write Horfieldsize
        field = _number(scan.get("HorFieldsize")) or _number(scan.get("Horfieldsize"))
        if field:
            yield Claim(field / columns, f"FEI tag {tag} {section}.HorFieldsize over {columns} columns")
        return


def _fei_xml(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """Thermo Fisher Phenom and MAPS: XML in tag 34683."""
    tag = tiff.pages[0].tags.get(34683)
    if tag is not None:
        yield from claims_of_fei_xml(_bytes(tag.value), "tag 34683")


def claims_of_fei_xml(data: bytes, place: str) -> list[Claim]:
    """Return the claims of the FeiImage XML in `data`; the Phenom also writes it into its JPEG files.

    Its `<pixelWidth unit="um">` is documented by public readers of Phenom and MAPS files.
    """
    found = re.search(rb"<FeiImage\b.*?</FeiImage>", data, re.DOTALL)
    if found is None:
        return []
    edges = {}
    for edge in ("pixelWidth", "pixelHeight"):
        match = re.search(rb"<" + edge.encode() + rb"""\s+unit=["']([^"']+)["']\s*>([^<]+)<""", found[0])
        edges[edge] = (
            _length(match[2].decode("ascii", "replace"), match[1].decode("utf-8", "replace"))
            if match
            else None
        )
    width = edges["pixelWidth"]
    return [Claim(width, f"Thermo Fisher {place} pixelWidth", edges["pixelHeight"])] if width else []


def _zeiss(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """Zeiss: tag 34118. Its first, unnamed numbers are for an image 1024 pixels wide and are not used."""
    metadata = tiff.sem_metadata
    if not isinstance(metadata, Mapping):
        return
    pixel = _zeiss_length(metadata, "ap_image_pixel_size", "Image Pixel Size")
    if pixel:
        yield Claim(pixel, "Zeiss tag 34118 AP_IMAGE_PIXEL_SIZE")
    field = _zeiss_length(metadata, "ap_width", "Width")
    if field:
        yield Claim(field / columns, f"Zeiss tag 34118 AP_WIDTH over {columns} columns")
    older = _zeiss_length(metadata, "ap_pixel_size", "Pixel Size")
    if older and not pixel:
        # Like the unnamed numbers it is for 1024 columns: a real image 2048 pixels wide has 97.66 nm here and
        # 48.83 nm as AP_IMAGE_PIXEL_SIZE
        source = "Zeiss tag 34118 AP_PIXEL_SIZE"
        if columns <= 1024:
            yield Claim(older, source)
        elif columns % 1024 == 0:
            yield Claim(older * 1024 / columns, f"{source} for 1024 columns, here {columns}")
        elif not field:
            yield f"its {source} is for an image 1024 columns wide and this one has {columns}"


def _zeiss_length(metadata: Mapping[str, Any], key: str, label: str) -> float | None:
    """Read a length by its key or, if older software wrote another key, by its label."""
    labelled = (entry for name, entry in metadata.items() if name and entry and entry[0] == label)
    for entry in (metadata.get(key), *labelled):
        match entry:
            case (str(), value, *unit):
                if metres := length_in(" ".join(str(part) for part in (value, *unit))):
                    return metres
    return None


def _atlas(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """Zeiss Atlas (Fibics): XML in tag 51023, with the steps of the scan along U and V [um].

    U and V are vectors, so that the height of a pixel is the length of V and not Uy, which is 0. This is
    known from public readers of Atlas 5 files.
    """
    tag = tiff.pages[0].tags.get(51023)
    if tag is None:
        return
    try:
        root = ElementTree.fromstring(_bytes(tag.value).strip(b"\0 \r\n"))
    except ElementTree.ParseError:
        yield "the XML of its Zeiss Atlas tag 51023 cannot be read"
        return
    wide = _number(root.findtext("Image/Width"))
    if wide and wide != columns:
        yield f"its Zeiss Atlas tag 51023 is for an image {wide:g} columns wide and this one has {columns}"
        return
    steps = {}
    for name in "UV":
        parts = [root.findtext(f"Scan/{name}{axis}") for axis in "xy"]
        try:
            steps[name] = math.hypot(*(float(part or "nan") for part in parts)) * 1e-6
        except ValueError:
            steps[name] = math.nan
    if steps["U"] > 0:
        yield Claim(steps["U"], "Zeiss Atlas tag 51023 Scan.U", steps["V"] if steps["V"] > 0 else None)


def _tescan(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """TESCAN: tag 50431 holds a thumbnail, then INI text with lengths in metres (as in Gwyddion)."""
    tag = tiff.pages[0].tags.get(50431)
    if tag is not None:
        yield from claims_of_tescan(_bytes(tag.value).decode("latin-1"), "tag 50431")


def claims_of_tescan(text: str, place: str) -> list[Claim]:
    """Return the claims of the INI text of a TESCAN microscope, from its tag or its .hdr file."""
    edges = []
    for key in ("PixelSizeX", "PixelSizeY"):
        match = re.search(rf"(?<!\w){key}\s*=\s*([^\s\0]+)", text)
        edges.append(_number(match[1]) if match else None)
    width, height = edges
    return [Claim(width, f"TESCAN {place} PixelSizeX", height)] if width else []


def _ome(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    if not tiff.ome_metadata:
        return
    try:
        root = ElementTree.fromstring(tiff.ome_metadata)
    except ElementTree.ParseError:
        yield "the OME-XML cannot be read"
        return
    pixels = next((node for node in root.iter() if node.tag.rpartition("}")[2] == "Pixels"), None)
    if pixels is None or "PhysicalSizeX" not in pixels.attrib:
        return
    size = pixels.attrib["PhysicalSizeX"]
    unit = pixels.get("PhysicalSizeXUnit", "µm")  # the default of the OME schema
    metres = _length(size, unit)
    if metres is None:
        yield f"OME-XML PhysicalSizeX = {size} {unit} is not a length"
        return
    height = _length(pixels.get("PhysicalSizeY"), pixels.get("PhysicalSizeYUnit", "µm"))
    yield Claim(metres, "OME-XML PhysicalSizeX", height, Rank.PROGRAM)


def _imagej(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """ImageJ: the unit is in the description, pixels per unit in the resolution tags."""
    metadata = tiff.imagej_metadata
    tags = tiff.pages[0].tags
    unit = metadata.get("unit") if isinstance(metadata, Mapping) else None
    per_unit = _ratio(tags[282].value) if 282 in tags else None
    if not per_unit:
        return
    if not unit:
        yield "its resolution tag has no length unit, or one for print (dpi), and is not used"
        return
    metres = _length(1 / per_unit, str(unit))
    if metres is None:
        yield f"its ImageJ unit {str(unit)!r} is not a length on the specimen"
        return
    if unit_named(str(unit)) == "cm" and metres > PRINT_SCALE:
        yield f"its ImageJ scale of {per_unit:g} pixels per cm looks like print resolution and is not used"
        return
    per_unit_down = _ratio(tags[283].value) if 283 in tags else None
    height = metres * per_unit / per_unit_down if per_unit_down else None
    yield Claim(metres, f"ImageJ scale ({per_unit:g} pixels per {unit})", height, Rank.PROGRAM)


def _length(value: object, unit: str) -> float | None:
    known, number = unit_named(unit), _number(value)
    return None if number is None or known is None else number / PER_METRE[known]


def length_in(text: str) -> float | None:
    """Return a length [m] written with its unit, as microscopes write it; None if it is not a length.

    >>> length_in("10um"), length_in("5.000 nm"), length_in("10")
    (1e-05, 5e-09, None)
    """
    match = re.fullmatch(r"\s*([0-9.]+(?:[eE][+-]?\d+)?)\s*(\D+?)\s*", text)
    return _length(match[1], match[2]) if match else None


def _bytes(value: object) -> bytes:
    """The value of a tag of type text, bytes or signed bytes."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode("utf-8", "replace")
        case tuple():
            return bytes(int(byte) % 256 for byte in value)
    return b""


def _number(value: object) -> float | None:
    """A positive number, or None: tags also contain empty text, zeros and words."""
    try:
        number = float(value)  # type: ignore[arg-type]  # the exception is caught
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None


def _ratio(value: object) -> float | None:
    match value:
        case (above, below):
            top, bottom = _number(above), _number(below)
            return top / bottom if top and bottom else None
    return _number(value)
