"""The strip of text and scale bar that a microscope burns in below a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from porescape.units import format_length

HEIGHT = 48  # pixels
COLUMN = 68  # pixels; between the entries of the strip
ROUND = (1, 2, 5)  # times a power of ten: lengths of scale bars
WIDEST = 0.25  # of the picture


def bar_length(pixel_size: float, width: int) -> float:
    """Return a round length for the scale bar of a picture [m], at most a quarter of its width.

    >>> bar_length(25e-9, 640)
    2e-06
    """
    most = WIDEST * width * pixel_size
    power = int(np.floor(np.log10(most)))
    return max(
        float(f"{digit}e{p}") for p in (power - 1, power) for digit in ROUND if digit * 10.0**p <= most
    )


def with_banner(
    grey: NDArray[np.float32], pixel_size: float, texts: Sequence[tuple[str, str]] = ()
) -> NDArray[np.uint8]:
    """Return a picture in 8 bit with a strip below it.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
        In [0, 1].
    pixel_size : float
        [m]; gives the scale bar.
    texts : sequence of (str, str)
        Labels and values in the strip, from left to right.

    Returns
    -------
    ndarray of uint8, shape (ny + `HEIGHT`, nx)
    """
    width = grey.shape[1]
    strip = Image.new("L", (width, HEIGHT), 12)
    draw = ImageDraw.Draw(strip)
    small, large = ImageFont.load_default(10), ImageFont.load_default(14)
    for column, (label, value) in enumerate(texts):
        draw.text((10 + COLUMN * column, 6), label, fill=190, font=small)
        draw.text((10 + COLUMN * column, 22), value, fill=240, font=large)
    length = bar_length(pixel_size, width)
    bar = round(length / pixel_size)
    left = width - bar - 30
    draw.rectangle((left, 33, left + bar - 1, 36), fill=255)
    text = format_length(length).replace("µ", "u")  # Pillow's own font has no µ
    draw.text((left + bar // 2, 20), text, fill=255, font=large, anchor="mm")
    return np.vstack([np.round(grey * 255).astype(np.uint8), np.asarray(strip)])
