"""Receive a file: limit its size while it arrives, and inspect its header before it is decoded."""

import asyncio
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import tifffile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from porescape.errors import InputError, OutputError, PorescapeError
from porescape.io.resources import free_disk
from porescape.web.limits import Limits

MOST_CHANNELS = 4
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_OTHERS = {
    b"\x89PNG\r\n\x1a\n": ("png", PngImageFile),
    b"\xff\xd8\xff": ("jpg", JpegImageFile),
    b"BM": ("bmp", BmpImageFile),
}
_NAMES = {"tif": "TIFF", "png": "PNG", "jpg": "JPEG", "bmp": "BMP"}
_OTHER_KINDS = (  # other kinds of files, by their first bytes
    (b"<svg", "an SVG drawing"),
    (b"<?xml", "an XML file"),
    (b"<!doctype", "a web page"),
    (b"<html", "a web page"),
    (b"%pdf", "a PDF"),
    (b"pk\x03\x04", "a zip file (or an Office document)"),
    (b"\x1f\x8b", "a gzip file"),
    (b"gif8", "a GIF"),
    (b"riff", "a WebP or a sound"),
    (b"\x7felf", "a program"),
    (b"mz", "a program"),
)


class TooLarge(InputError):
    """More bytes or pixels than the page accepts."""


class TooSlow(PorescapeError):
    """The upload stalled."""


class WrongKind(InputError):
    """Not a readable image."""


class Kind(NamedTuple):
    """The properties of an image file, from its header."""

    suffix: str  # "tif", "png", "jpg" or "bmp"
    height: int
    width: int
    pages: int

    def table(self, path: Path) -> dict[str, Any]:
        """Return the properties as a table, with the size of the file."""
        return {
            "kind": _NAMES[self.suffix],
            "height": self.height,
            "width": self.width,
            "pages": self.pages,
            "bytes": path.stat().st_size,
        }


async def receive(stream: AsyncIterator[bytes], announced: int | None, to: Path, limits: Limits) -> None:
    """Write an upload to a new file; after an error the file is deleted.

    Raises
    ------
    TooLarge
        As soon as it is known, from the announced or from the received size.
    TooSlow
        No data arrived for `limits.timeout` seconds.
    OutputError
        The disk is full, or would be.
    """
    if announced is not None:
        _check_bytes(announced, limits)
    check_disk(to.parent, announced or 0, limits)
    taken = 0
    try:
        with to.open("xb") as file:
            try:
                while True:
                    piece = await asyncio.wait_for(anext(stream), limits.timeout)
                    taken += len(piece)
                    _check_bytes(taken, limits)
                    file.write(piece)
            except StopAsyncIteration:
                pass
            except TimeoutError:
                raise TooSlow(
                    f"no data arrived for {limits.timeout:g} seconds, so the upload was stopped; try again"
                ) from None
        if not taken:
            raise WrongKind("the file is empty (0 bytes), wanted an image; choose another file")
    except OSError as error:
        to.unlink(missing_ok=True)
        raise OutputError(f"the upload could not be saved: {error.strerror or error}") from error
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def inspect_header(path: Path, limits: Limits) -> Kind:
    """Return the format and size of an image file, from its header alone.

    Raises
    ------
    WrongKind
        It is not a TIFF, PNG, JPEG or BMP, whatever its name, or it is damaged.
    TooLarge
        The decoded image would be larger than the page accepts.
    """
    with path.open("rb") as file:
        start = file.read(512)
    try:
        if start[:4] in _TIFF:
            return _inspect_tiff(path, limits)
        for magic, (suffix, reader) in _OTHERS.items():
            if start.startswith(magic):
                with path.open("rb") as file:
                    picture = reader(file)  # reads only the header
                    _check_pixels(picture.height, picture.width, limits)
                    return Kind(suffix, picture.height, picture.width, 1)
    except (PorescapeError, MemoryError):
        raise
    except Exception as error:  # a damaged file can fail anywhere, with any exception
        raise WrongKind(
            f"the file begins like an image but is damaged ({type(error).__name__}: {error}); "
            "copy it again, or export it as uncompressed TIFF"
        ) from error
    raise WrongKind(f"this is {_name_of(start)}, wanted a TIFF, PNG, JPEG or BMP image; export it as TIFF")


def _inspect_tiff(path: Path, limits: Limits) -> Kind:
    with tifffile.TiffFile(path) as tiff:
        pages = len(tiff.pages)
        if pages > limits.pages:
            raise TooLarge(
                f"the file contains {pages} images, the page accepts at most {limits.pages}; "
                "export one of them"
            )
        first = tiff.pages[0]
        for page in tiff.pages:
            tall, wide = int(page.imagelength), int(page.imagewidth)
            _check_pixels(tall, wide, limits)
            channels = math.prod(page.shape) // max(tall * wide, 1)
            if channels > MOST_CHANNELS:
                raise WrongKind(
                    f"the image has {channels} values per pixel, wanted 1 (grey) to {MOST_CHANNELS}; "
                    "export it as grey"
                )
            tiled = page.keyframe.tags
            if 322 in tiled and 323 in tiled:
                _check_pixels(int(tiled[323].value), int(tiled[322].value), limits)
        images = tiff.imagej_metadata.get("images", 1) if isinstance(tiff.imagej_metadata, dict) else 1
        stack = images if isinstance(images, int) and images > 0 else 1
        return Kind("tif", int(first.imagelength), int(first.imagewidth), max(pages, stack))


def _check_bytes(size: int, limits: Limits) -> None:
    if size > limits.upload:
        raise TooLarge(
            f"the file is larger than {limits.upload / 1e6:.0f} MB, the most that the page accepts; "
            "crop it or store it compressed, or use the command line"
        )


def _check_pixels(height: int, width: int, limits: Limits) -> None:
    if height < 1 or width < 1:
        raise WrongKind(f"the image is {width} × {height} pixels, wanted at least 1 × 1")
    if height * width > limits.pixels:
        raise TooLarge(
            f"the image is {width} × {height} pixels ({height * width / 1e6:.0f} megapixels), "
            f"the page accepts at most {limits.pixels / 1e6:.0f} megapixels; crop it, scale it down, "
            "or use the command line"
        )


def check_disk(folder: Path, wanted: int, limits: Limits) -> None:
    """Check that the disk has enough free space.

    Raises
    ------
    OutputError
        With `wanted` bytes more, less than `limits.free` would stay free.
    """
    free = free_disk(folder)
    if free < wanted + limits.free:
        raise OutputError(
            f"the disk has only {free / 1e6:.0f} MB free, and {limits.free / 1e6:.0f} MB must stay free; "
            "delete old jobs, or start the page with another --folder"
        )


def _name_of(start: bytes) -> str:
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, name in _OTHER_KINDS:
        if text.startswith(beginning):
            return "an SVG drawing" if beginning == b"<?xml" and b"<svg" in text else name
    return f"not an image (it begins with {start[:8]!r})"
