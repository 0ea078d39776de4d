"""Find out how large a pixel is, and who says so.

The user comes first, then the microscope's own tags, then OME and ImageJ. Print resolution (dpi) says
nothing about the specimen and is never used. Every source is collected, so that two which disagree
are noticed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from xml.etree import ElementTree

from tifffile import TiffFile

from porescape.errors import InputError, PixelSizeMissing
from porescape.units import PER_METRE, format_length

SMALLEST, LARGEST = 1e-12, 1e-3  # metres per pixel; no SEM image lies outside
PRINT_SCALE = 1e-5  # metres per pixel; 2540 dpi, and ImageJ stores print resolution as unit=cm
DISAGREEMENT = 0.02  # tags are rounded to three digits, at worst 1 %

# The unit names that ImageJ users and programs write, beside those of `units`
_UNIT_NAMES = {
    "micron": "um",
    "microns": "um",
    "micrometer": "um",
    "micrometers": "um",
    "micrometre": "um",
    "micrometres": "um",
    "nanometer": "nm",
    "nanometers": "nm",
    "nanometre": "nm",
    "nanometres": "nm",
    "angstrom": "Å",
    "millimeter": "mm",
    "millimetre": "mm",
}


class Claim(NamedTuple):
    """What one source says about the edge of a pixel [m]."""

    metres: float
    source: str
    height: float | None = None  # where the source knows it apart from the width


def choose(
    name: str, given: float | None, claims: list[Claim], notes: list[str]
) -> tuple[float, str, tuple[str, ...]]:
    """Return pixel size [m], its source and warnings, from what the user and the file say.

    `claims` come best first; `notes` tell what was seen and cannot be used, in case nothing can.

    Raises
    ------
    InputError
        The given size is no possible pixel size.
    PixelSizeMissing
        Nobody says.
    """
    usable, warnings = [], []
    for claim in claims:
        if SMALLEST <= claim.metres <= LARGEST:
            usable.append(claim)
        else:
            warnings.append(f"{claim.source} says {claim.metres:g} m per pixel, which is impossible: ignored")
    if given is not None:
        if not SMALLEST <= given <= LARGEST:
            raise InputError(
                f"pixel size {given:g} m is not between 1 pm and 1 mm per pixel; "
                'give it with its unit, e.g. --pixel-size "0.1 um"'
            )
        usable.insert(0, Claim(float(given), "--pixel-size"))
    if not usable:
        seen = "; ".join((*warnings, *notes))
        raise PixelSizeMissing(
            f"{name} does not say how large a pixel is{seen and f' ({seen})'}; read it off the scale bar "
            '(length / number of pixels) and give it, e.g. --pixel-size "0.1 um"'
        )
    best, *others = usable
    told = [best.metres]
    for other in others:
        if not any(_agree(other.metres, metres) for metres in told):
            told.append(other.metres)
            warnings.append(
                f"{best.source} says {format_length(best.metres)} per pixel, which is used, "
                f"but {other.source} says {format_length(other.metres)}"
            )
    for claim in usable:
        if claim.height and not _agree(claim.metres, claim.height):
            warnings.append(
                f"pixels are not square: {format_length(claim.metres)} wide, {format_length(claim.height)} "
                f"high by {claim.source}; lengths down the image will be wrong, resample it first"
            )
            break
    return best.metres, best.source, tuple(warnings)


def _agree(one: float, other: float) -> bool:
    return abs(one / other - 1) <= DISAGREEMENT


def claims_of_tiff(tiff: TiffFile, columns: int) -> tuple[list[Claim], list[str]]:
    """Collect what a TIFF file says, best first, and notes on what cannot be used.

    `columns` is the width of the whole image [pixels].
    """
    claims: list[Claim] = []
    notes: list[str] = []
    for source in (_fei, _zeiss, _ome, _imagej):
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


def _zeiss(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """Zeiss: tag 34118. Its first, unnamed numbers are for an image 1024 wide and are not used."""
    metadata = tiff.sem_metadata
    if not isinstance(metadata, Mapping):
        return
    pixel = _zeiss_length(metadata, "ap_image_pixel_size")
    if pixel:
        yield Claim(pixel, "Zeiss tag 34118 AP_IMAGE_PIXEL_SIZE")
    field = _zeiss_length(metadata, "ap_width")
    if field:
        yield Claim(field / columns, f"Zeiss tag 34118 AP_WIDTH over {columns} columns")
    older = _zeiss_length(metadata, "ap_pixel_size")
    if older and not pixel:  # like the unnamed numbers, twice too large when the image is 2048 wide
        yield Claim(older, "Zeiss tag 34118 AP_PIXEL_SIZE")


def _zeiss_length(metadata: Mapping[str, Any], key: str) -> float | None:
    match metadata.get(key):
        case (str(), value, str(unit)):
            return _length(value, unit)
    return None


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
    yield Claim(metres, "OME-XML PhysicalSizeX", height)


def _imagej(tiff: TiffFile, columns: int) -> Iterator[Claim | str]:
    """ImageJ: the unit stands in the description, pixels per unit in the resolution tags."""
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
    if unit == "cm" and metres > PRINT_SCALE:
        yield f"its ImageJ scale of {per_unit:g} pixels per cm looks like print resolution and is not used"
        return
    per_unit_down = _ratio(tags[283].value) if 283 in tags else None
    height = metres * per_unit / per_unit_down if per_unit_down else None
    yield Claim(metres, f"ImageJ scale ({per_unit:g} pixels per {unit})", height)


def _length(value: object, unit: str) -> float | None:
    # ImageJ escapes the micro sign; other programs write it in two ways
    unit = re.sub(r"\\u00B5", "µ", unit.strip(), flags=re.IGNORECASE)
    unit = _UNIT_NAMES.get(unit.lower(), unit)
    number = _number(value)
    if number is None or unit not in PER_METRE:
        return None
    return number / PER_METRE[unit]


def _number(value: object) -> float | None:
    """A positive number, or None: tags also hold empty text, zeros and words."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what cannot be converted is caught
    except (TypeError, ValueError):
        return None
    return number if 0 < number < float("inf") else None


def _ratio(value: object) -> float | None:
    match value:
        case (above, below):
            top, bottom = _number(above), _number(below)
            return top / bottom if top and bottom else None
    return _number(value)
