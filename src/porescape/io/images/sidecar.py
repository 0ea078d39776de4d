"""Text files that microscopes write next to an image: Hitachi and JEOL .txt, TESCAN .hdr.

They have the name of the image with another ending. A resized copy of the image still has its old text file,
so the width of the image is compared with the text if it contains one.
"""

import codecs
import re
from pathlib import Path
from typing import NamedTuple

from porescape.io.images.pixel_size import Claim, claims_of_tescan, length_in

_LARGEST = 2**20  # bytes; the largest files tried have 10 kB
_HITACHI_PHOTO = 0.127  # m; the width of the print that magnification refers to


class Sidecar(NamedTuple):
    """The content of the text file next to an image.

    Attributes
    ----------
    claims : tuple of Claim
        About the pixel size.
    notes : tuple of str
        Why a source cannot be used.
    bar : float or None
        Length of the scale bar in the image [m].
    """

    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()
    bar: float | None = None


def read_sidecar(image: Path, columns: int) -> Sidecar:
    """Read the first text file of a microscope next to `image`, which is `columns` pixels wide."""
    for path in _candidates(image):
        text = _text(path)
        for reader in (_hitachi, _jeol, _tescan):
            if text and (found := reader(text, path.name, columns)):
                return found
    return Sidecar()


def _candidates(image: Path) -> list[Path]:
    # TESCAN writes name-tif.hdr next to name.tif, and name-png.hdr next to name.png
    stems = (image.stem, f"{image.stem}-{image.suffix[1:]}")
    names = [f"{image.stem}.txt", *(f"{stem}.hdr" for stem in stems)]
    capitals = [Path(name).stem + Path(name).suffix.upper() for name in names]
    return [image.with_name(name) for name in (*names, *capitals) if name != image.name]


def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return ""
        data = path.read_bytes()
    except OSError:
        return ""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # some Hitachi
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _hitachi(text: str, name: str, columns: int) -> Sidecar | None:
    """INI text headed [SemImageFile]; PixelSize and MicronMarker in nanometres, as Bio-Formats reads them.

    The S-4700 and similar models write no PixelSize: their magnification is that of a print 127 mm wide. Two
    Hitachi images with a ruler agree with this within 0.3 %.
    """
    if "[SemImageFile]" not in text:
        return None
    keys = dict(re.findall(r"^\s*(\w+)\s*=[ \t]*(.*?)\s*$", text, re.MULTILINE))
    bar = _nanometres(keys.get("MicronMarker"))
    size = re.match(r"(\d+)\s*[xX*]\s*(\d+)", keys.get("DataSize", ""))
    if size and int(size[1]) != columns:
        return Sidecar(notes=(_resized(name, int(size[1]), columns),))
    if pixel := _nanometres(keys.get("PixelSize")):
        return Sidecar((Claim(pixel, f"Hitachi {name} PixelSize"),), bar=bar)
    try:
        magnification = float(keys.get("Magnification", ""))
    except ValueError:
        magnification = 0.0
    if magnification > 0 and size:
        pixel = _HITACHI_PHOTO / magnification / columns
        return Sidecar((Claim(pixel, f"Hitachi {name} Magnification of a print 127 mm wide"),), bar=bar)
    return Sidecar(notes=(f"{name} next to it contains no PixelSize",), bar=bar)


def _nanometres(text: str | None) -> float | None:
    return length_in(text) or length_in(f"{text} nm") if text else None


def _jeol(text: str, name: str, columns: int) -> Sidecar | None:
    """Lines of `$KEY value`; a scale bar of $$SM_MICRON_BAR pixels has the length $$SM_MICRON_MARKER.

    The ImageJ macros of several microscope centres read it in this way.
    """
    keys = dict(re.findall(r"^\s*\$+(\w+)[ \t]+(.*?)\s*$", text, re.MULTILINE))
    if "SM_MICRON_BAR" not in keys:
        return None
    size = re.match(r"\d+", keys.get("CM_FULL_SIZE", ""))
    if size and int(size[0]) != columns:
        return Sidecar(notes=(_resized(name, int(size[0]), columns),))
    bar = length_in(keys.get("SM_MICRON_MARKER", ""))
    pixels = re.fullmatch(r"\d+(\.\d+)?", keys["SM_MICRON_BAR"])
    if bar is None or pixels is None or not float(pixels[0]) > 0:
        scale = f"{keys['SM_MICRON_BAR']} px = {keys.get('SM_MICRON_MARKER', '?')}"
        return Sidecar(notes=(f"{name} next to it contains {scale}, which is not a scale",))
    length = float(pixels[0])
    claim = Claim(bar / length, f"JEOL {name} SM_MICRON_MARKER over SM_MICRON_BAR", uncertainty=0.5 / length)
    return Sidecar((claim,), bar=bar)


def _tescan(text: str, name: str, columns: int) -> Sidecar | None:
    claims = claims_of_tescan(text, name) if "[MAIN]" in text else []
    return Sidecar(tuple(claims)) if claims else None


def _resized(name: str, wide: int, columns: int) -> str:
    return (
        f"{name} next to it is for an image {wide} columns wide and this one has {columns}: was it resized "
        "or cropped?"
    )
