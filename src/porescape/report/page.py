"""Common parts of all pages: templates and embedded pictures, without external resources."""

import base64
import io
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from PIL import Image, features

from porescape.report import viewer
from porescape.version import __version__

MOST_LINES = 400_000  # bytes of an SVG; a network of thousands of pores is smaller as pixels
MOST_EXACT = 250_000  # bytes of a picture stored without loss
PHOTOGRAPH = 86  # WebP quality of a larger picture: outlines stay sharp
SHARP = 160  # dots per inch of pictures: 1.7 per CSS pixel on a page 960 wide


class Picture(NamedTuple):
    """A figure as embedded in a page.

    Attributes
    ----------
    uri : str
        The picture itself, as a data URI.
    width, height : int
        Displayed size [CSS pixel].
    alt : str
        Description of the picture, for readers who cannot see it.
    """

    uri: str
    width: int
    height: int
    alt: str


def fill(template: str, **words: Any) -> str:
    """Return a self-contained page from a template of this folder."""
    start = files("porescape.report").joinpath("report.js").read_text(encoding="utf-8")
    script = f"{viewer.script()}\n{start}"
    page = _environment().get_template(template)
    return page.render(
        version=__version__,
        script=Markup(script),  # the hash in the page's policy is that of exactly this text
        script_hash=Markup(viewer.source_hash(script)),
        viewer_style=Markup(viewer.style()),
        **words,
    )


@cache
def _environment() -> jinja2.Environment:
    """Return what reads the templates; it keeps those that it has compiled."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("porescape.report", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def embed(figure: Figure, alt: str) -> Picture:
    """Return a figure as SVG if it contains only lines, and as pixels if it has images or too many lines."""
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    if not any(panel.images for panel in figure.axes) and len(svg := _svg(figure)) < MOST_LINES:
        return Picture(_uri("image/svg+xml", svg), width, height, alt)
    return Picture(_pixels(figure), width, height, alt)


def picture_of(png: bytes, alt: str) -> Picture:
    """Return a PNG as embedded in a page, displayed at its own size."""
    with Image.open(io.BytesIO(png)) as picture:
        width, height = picture.size
    return Picture(_uri("image/png", png), width, height, alt)


def _pixels(figure: Figure) -> str:
    """Return the figure as pixels: with 256 colours as PNG if that is small, otherwise as JPEG.

    256 colours take a third of the size without a visible difference; a large micrograph has too much noise.
    """
    full, small = io.BytesIO(), io.BytesIO()
    figure.savefig(full, format="png", dpi=max(SHARP, figure.dpi), pil_kwargs={"compress_level": 1})
    with Image.open(full) as picture:
        colour = picture.convert("RGB")
    colour.quantize(256, dither=Image.Dither.NONE).save(small, format="png", optimize=True)
    if small.tell() < MOST_EXACT or not features.check("webp"):
        return _uri("image/png", small.getvalue())
    small = io.BytesIO()
    colour.save(small, format="webp", quality=PHOTOGRAPH, method=4)
    return _uri("image/webp", small.getvalue())


def _svg(figure: Figure) -> bytes:
    """Return the figure without a date and with fixed ids, so that the same run gives the same page."""
    out = io.BytesIO()
    with rc_context({"svg.hashsalt": "porescape"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
