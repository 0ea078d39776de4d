"""What every page of ours is made of: one look, embedded pictures, nothing from elsewhere."""

import base64
import io
from typing import Any, NamedTuple

import jinja2
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image

from porescape.version import __version__

SHARP = 160  # dots per inch of pictures: 1.7 per CSS pixel on a page 960 wide


class Picture(NamedTuple):
    """A figure as the page holds it.

    Attributes
    ----------
    uri : str
        The picture itself, as a data URI.
    width, height : int
        Size it is laid out for [CSS pixel].
    alt : str
        What it shows, for those who do not see it.
    """

    uri: str
    width: int
    height: int
    alt: str


def fill(template: str, **words: Any) -> str:
    """Return a page of this folder's template, self-contained."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("porescape.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(version=__version__, **words)


def embed(figure: Figure, alt: str) -> Picture:
    """Return a figure as SVG if it is all lines, and as PNG if it shows pixels."""
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    if any(panel.images for panel in figure.axes):
        return Picture(_uri("image/png", _png(figure)), width, height, alt)
    return Picture(_uri("image/svg+xml", _svg(figure)), width, height, alt)


def _png(figure: Figure) -> bytes:
    """Return the figure with at most 256 colours: a third of the size, and no eye sees it."""
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=max(SHARP, figure.dpi), pil_kwargs={"compress_level": 1})
    with Image.open(full) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
            small, format="png", optimize=True
        )
    return small.getvalue()


def _svg(figure: Figure) -> bytes:
    """Return the figure without a date and with fixed names, so that the same run gives the same page."""
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "porescape"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
