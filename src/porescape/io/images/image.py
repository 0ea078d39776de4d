"""Read one micrograph: TIFF, PNG, JPEG or BMP, recognised by content and not by name."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Literal, NamedTuple

import numpy as np
import tifffile
from numpy.typing import ArrayLike, NDArray
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from porescape.core.image import Crop, Micrograph
from porescape.errors import InputError
from porescape.io.hashing import hash_of_file
from porescape.io.images.banner import find_content
from porescape.io.images.pixel_size import Claim, choose, claims_of_fei_xml, claims_of_tiff
from porescape.io.images.scale_label import read_scale_bar
from porescape.io.images.sidecar import read_sidecar

MOST_PIXELS = 400_000_000  # grey and its copies then take about 5 GB
SMALLEST_SIDE = 64  # pixels; less is too small for statistics of pores
THUMBNAIL = 0.3  # of the largest page's pixels; the half-size level of a pyramid has 1/4

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# The classes themselves, not `PIL.Image.open`, which has its own, process-wide limit on pixels
_PILLOW: dict[bytes, Callable[[BinaryIO], ImageFile]] = {
    b"\x89PNG": PngImageFile,
    b"\xff\xd8": JpegImageFile,
    b"BM": BmpImageFile,
}
_LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow
_JPEG_LEFTOVER = 0.02  # share of pixels between the two levels of a binary image saved as JPEG


class _Raw(NamedTuple):
    """Pixels as stored, one channel, before scaling."""

    values: NDArray[Any]  # (ny, nx), any real type
    inverted: bool = False  # smallest value is white
    lossy: bool = False
    claims: tuple[Claim, ...] = ()
    notes: tuple[str, ...] = ()


def read_image(
    path: str | Path,
    *,
    pixel_size: float | None = None,
    scale_bar: float | None = None,
    crop: Crop | Literal["none"] | None = None,
    page: int | None = None,
) -> Micrograph:
    """Read a micrograph and its scale, without banner and canvas.

    The pixel size is that of the user or, in this order, that of the microscope's tags or its text file next
    to the image, of OME or ImageJ, or of the scale bar. If two of them differ by more than 2 %, there is a
    warning.

    Brightness is scaled so that the darkest pixel of the picture is 0 and the brightest 1, independently of
    the container (12 bits in 16, a banner in pure white). If a few hot or dead pixels, less than
    1 in 10 000, take up more than half of that range, they are clipped.

    Parameters
    ----------
    path : path
        TIFF, PNG, JPEG or BMP; grey, palette or colour (luminance; alpha is ignored).
    pixel_size : float, optional
        Edge of a pixel [m]; takes precedence over the file.
    scale_bar : float, optional
        Length of the scale bar in the image [m]; its length in pixels is measured. It is used if the file has
        no pixel size, and to check one that it has.
    crop : (top, left, height, width) [pixels], or "none", optional
        By default banner and canvas are found and cut away; "none" keeps the whole image.
    page : int, optional
        Which image of a TIFF with several, counted from 1.

    Raises
    ------
    InputError
        The file cannot be read, or is not usable as a micrograph.
    PixelSizeMissing
        Neither the arguments nor the file give the pixel size.
    """
    path = Path(path)
    raw = _read_raw(path, page)
    sha256 = hash_of_file(path)
    size, source, warnings = _pixel_size(path, raw, pixel_size, scale_bar)
    return replace(_micrograph(raw, path.name, sha256, crop, size, source, warnings), page=page)


def image_from_array(array: ArrayLike, pixel_size: float, name: str = "array") -> Micrograph:
    """Make a micrograph from an array (ny, nx), or (ny, nx, 3 or 4) for colour, scaled like a file.

    Nothing is cropped. `pixel_size` is in metres. Raises InputError like `read_image`.
    """
    given = np.asarray(array)
    if given.ndim not in (2, 3) or (given.ndim == 3 and given.shape[2] not in (3, 4)):
        raise InputError(f"{name} has shape {given.shape}; wanted (ny, nx), or (ny, nx, 3) for RGB")
    size, _, _ = choose(name, pixel_size, [], [])
    _check_size(given.shape[0], given.shape[1], name)
    raw = _Raw(_one_channel(given, name))
    digest = hashlib.sha256(given.tobytes()).hexdigest()
    return _micrograph(raw, name, digest, "none", size, "given", ())


# ---- from stored values to a micrograph


def _pixel_size(
    path: Path, raw: _Raw, pixel_size: float | None, scale_bar: float | None
) -> tuple[float, str, tuple[str, ...]]:
    """Choose the pixel size from all sources; the scale bar only if its label is known or needed."""
    sidecar = read_sidecar(path, raw.values.shape[1])
    claims = [*raw.claims, *sidecar.claims]
    needed = pixel_size is None and not claims
    reading = None
    if needed or scale_bar or sidecar.bar:
        reading = read_scale_bar(raw.values, scale_bar, sidecar.bar, ocr=needed)
        claims += reading.claims
    bar = reading.bar.length if reading and reading.bar else None
    of_bar = reading.warnings if reading else ()
    notes = [*raw.notes, *sidecar.notes, *of_bar]
    size, source, warnings = choose(path.name, pixel_size, claims, notes, bar)
    return size, source, (*warnings, *of_bar)


def _micrograph(
    raw: _Raw,
    name: str,
    sha256: str,
    crop: Crop | Literal["none"] | None,
    pixel_size: float,
    source: str,
    warnings: tuple[str, ...],
) -> Micrograph:
    ny, nx = raw.values.shape
    words = None
    if crop is None and np.issubdtype(raw.values.dtype, np.floating) and not np.isfinite(raw.values).all():
        crop = "none"  # the error is raised below
    if crop is None:
        crop, words = find_content(raw.values)
    elif crop == "none":
        crop = (0, 0, ny, nx)
    top, left, height, width = crop
    if top < 0 or left < 0 or height < 1 or width < 1 or top + height > ny or left + width > nx:
        raise InputError(
            f"crop (top {top}, left {left}, height {height}, width {width}) does not lie inside "
            f"{name}, which is {ny} px high and {nx} px wide; choose a rectangle inside"
        )
    if min(height, width) < SMALLEST_SIDE:
        raise InputError(
            f"{name} is {height} x {width} px (height x width) as used, wanted at least "
            f"{SMALLEST_SIDE} on a side; take a larger image or a larger crop"
        )
    grey, is_binary = _scale(raw.values[top : top + height, left : left + width], raw.lossy, name)
    if raw.inverted:
        grey = 1 - grey
    if words:
        warnings = (*warnings, words)
    return Micrograph(grey, pixel_size, source, name, sha256, crop, is_binary, warnings, whole=(ny, nx))


def _scale(values: NDArray[Any], lossy: bool, name: str) -> tuple[NDArray[np.float32], bool]:
    """Scale to [0, 1], and return whether there are only two levels."""
    if values.dtype == bool:
        values = values.view(np.uint8)
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        bad = int(np.count_nonzero(~np.isfinite(values)))
        raise InputError(
            f"{name} holds {bad} NaN or infinite pixels, wanted numbers only; "
            "replace them, or crop them away with --crop"
        )
    low, high = values.min(), values.max()
    if low == high:
        raise InputError(
            f"{name} is constant (every pixel is {low}), wanted a picture; check the file, "
            "the page and the crop"
        )
    is_binary = bool(((values == low) | (values == high)).all())
    bottom, top = float(low), float(high)
    if not is_binary:
        robust_bottom, robust_top = (float(q) for q in np.percentile(values, (0.01, 99.99)))
        if 0 < robust_top - robust_bottom < 0.5 * (top - bottom):
            bottom, top = robust_bottom, robust_top
    # 32-bit floats hold 16-bit integers exactly, but not larger ones
    real = np.float64 if values.dtype.itemsize > 2 else np.float32
    scaled: NDArray[np.floating] = values.astype(real)
    scaled -= real(bottom)
    scaled /= real(top - bottom)
    grey = np.clip(scaled, 0, 1).astype(np.float32)
    if lossy and not is_binary and np.mean((grey > 0.2) & (grey < 0.8)) < _JPEG_LEFTOVER:
        return (grey > 0.5).astype(np.float32), True
    return grey, is_binary


def _one_channel(values: NDArray[Any], name: str) -> NDArray[Any]:
    """Luminance of (ny, nx) or (ny, nx, channels); a second or fourth channel is alpha."""
    if not (np.issubdtype(values.dtype, np.number) or values.dtype == bool) or np.iscomplexobj(values):
        raise InputError(f"{name} holds {values.dtype} values, wanted real numbers; export it as grey")
    if values.ndim == 2:
        return values
    channels = values.shape[2]
    if channels in (1, 2):
        return values[..., 0]
    if channels not in (3, 4):
        raise InputError(f"{name} has {channels} channels, wanted 1 (grey) or 3 (RGB); export it as grey")
    red, green, blue = (values[..., k] for k in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red  # grey stored as colour keeps its exact levels
    luminance = np.zeros(values.shape[:2], dtype=np.float64 if values.dtype.itemsize > 2 else np.float32)
    for weight, channel in zip(_LUMINANCE, (red, green, blue), strict=True):
        luminance += channel * luminance.dtype.type(weight)
    return luminance


# ---- files


def _read_raw(path: Path, page: int | None) -> _Raw:
    if path.is_dir():
        raise InputError(f"{path} is a folder, wanted one image file; name a file in it")
    if not path.exists():
        raise InputError(f"{path} does not exist; check the path and the name")
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); check its permissions") from error
    if not start:
        raise InputError(f"{path} is empty (0 bytes), wanted an image; copy it again")
    if start[:4] in _TIFF_MAGIC:
        return _read_tiff(path, page)
    for magic in _PILLOW:
        if start.startswith(magic):
            if page not in (None, 1):
                raise InputError(f"{path.name} holds one image, but page {page} was asked for; omit the page")
            return _read_with_pillow(path, magic)
    raise InputError(
        f"{path.name} is not an image that can be read (it begins with {start!r}), wanted TIFF, PNG, "
        "JPEG or BMP; export it as TIFF"
    )


def _read_with_pillow(path: Path, magic: bytes) -> _Raw:
    try:
        with path.open("rb") as file:
            image = _PILLOW[magic](file)
            _check_size(image.height, image.width, path.name)
            if image.mode in ("P", "PA"):
                values = np.asarray(image.convert("RGBA"))
            elif image.mode in ("1", "L", "LA", "RGB", "RGBA", "I", "F") or image.mode.startswith("I;16"):
                values = np.asarray(image)
            else:  # such as CMYK and YCbCr
                values = np.asarray(image.convert("RGB"))
            dpi = image.info.get("dpi")
    except InputError:
        raise
    except Exception as error:  # a broken file can raise any exception anywhere in the decoder
        raise _unreadable(path, error) from error
    notes = (f"its {dpi[0]:.4g} dpi are for print and are not used",) if dpi else ()
    lossy = magic == b"\xff\xd8"
    claims = claims_of_fei_xml(path.read_bytes(), "XML in the JPEG") if lossy else []
    return _Raw(_one_channel(values, path.name), lossy=lossy, claims=tuple(claims), notes=notes)


def _read_tiff(path: Path, page: int | None) -> _Raw:
    try:
        with tifffile.TiffFile(path) as tiff:
            frames = _frames(tiff)
            series, index = _choose_frame(frames, page, path.name)
            keyframe = series.keyframe
            _check_size(keyframe.imagelength, keyframe.imagewidth, path.name)
            _check_complete(tiff, keyframe, path)
            photometric = keyframe.photometric
            if photometric == tifffile.PHOTOMETRIC.SEPARATED:
                raise InputError(f"{path.name} is in CMYK, the colours of print; export it as grey or RGB")
            values = _frame_values(path, tiff, series, index)
            if photometric == tifffile.PHOTOMETRIC.PALETTE and keyframe.colormap is not None:
                values = np.moveaxis(keyframe.colormap, 0, -1)[values]
            lossy = keyframe.compression in (tifffile.COMPRESSION.JPEG, tifffile.COMPRESSION.OJPEG)
            claims, notes = claims_of_tiff(tiff, keyframe.imagewidth)
    except InputError:
        raise
    except Exception as error:  # a broken file can raise any exception anywhere in the decoder
        raise _unreadable(path, error) from error
    inverted = photometric == tifffile.PHOTOMETRIC.MINISWHITE
    return _Raw(_one_channel(values, path.name), inverted, lossy, tuple(claims), tuple(notes))


def _frames(tiff: tifffile.TiffFile) -> list[tuple[Any, int]]:
    """Every full-size image as (series, index in it); thumbnails and pyramid levels are left out."""
    series = [s for s in tiff.series if s.keyframe.ndim in (2, 3)]
    pixels = [s.keyframe.imagelength * s.keyframe.imagewidth for s in series]
    return [
        (s, index)
        for s, area in zip(series, pixels, strict=True)
        if area > THUMBNAIL * max(pixels)
        for index in range(math.prod(s.shape) // max(1, math.prod(s.keyframe.shape)))
    ]


def _choose_frame(frames: list[tuple[Any, int]], page: int | None, name: str) -> tuple[Any, int]:
    if not frames:
        raise InputError(f"{name} holds no flat image, wanted at least one; export the slice as TIFF")
    if page is None and len(frames) > 1:
        raise InputError(
            f"{name} holds {len(frames)} images; choose one with --page 1 to --page {len(frames)}"
        )
    page = 1 if page is None else page
    if not 1 <= page <= len(frames):
        raise InputError(f"page {page} was asked for, but {name} holds pages 1 to {len(frames)}")
    return frames[page - 1]


def _frame_values(path: Path, tiff: tifffile.TiffFile, series: Any, index: int) -> NDArray[Any]:
    keyframe = series.keyframe
    # ImageJ writes large stacks as one page followed by the other slices
    if len(series) > index and series[index] is not None:
        values = series[index].asarray()
    else:
        stack = tifffile.memmap(path, series=tiff.series.index(series), mode="r")
        values = np.array(stack.reshape(-1, *keyframe.shape)[index])
    if values.ndim == 3 and keyframe.axes.startswith("S"):
        values = np.moveaxis(values, 0, -1)
    if values.ndim not in (2, 3) or (values.ndim == 3 and "S" not in keyframe.axes):
        raise InputError(f"{path.name} holds an image of shape {values.shape}; export one flat slice of it")
    return np.asarray(values)


def _check_complete(tiff: tifffile.TiffFile, page: Any, path: Path) -> None:
    """Missing pixels at the end would be read as zeros or garbage."""
    end = max((o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)), default=0)
    if end > (size := path.stat().st_size):
        raise InputError(
            f"{path.name} is cut off (its pixels need {end} bytes, the file has {size}); copy it again"
        )


def _check_size(height: int, width: int, name: str) -> None:
    if height * width > MOST_PIXELS:
        raise InputError(
            f"{name} has {height} x {width} = {height * width / 1e6:.0f} megapixels, at most "
            f"{MOST_PIXELS / 1e6:.0f} can be read; cut it into parts or scale it down"
        )


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path.name} cannot be read ({type(error).__name__}: {error}), it is damaged or of an unusual "
        "kind; copy it again, or export it as uncompressed TIFF"
    )
