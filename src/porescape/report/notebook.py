"""The display of images, structures and results in Jupyter.

The data classes do not depend on this module: `install` registers the functions here with IPython by the
names of the classes. So no large library is loaded before something is displayed. `import porescape` inside
IPython calls `install`; `%load_ext porescape.report.notebook` does the same.
"""

import io
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from porescape.core.image import Micrograph, PhaseImage
    from porescape.core.measurement import Measurement
    from porescape.core.results import Reconstruction
    from porescape.core.volume import Volume
    from porescape.report.page import Picture

WIDE = 5.0  # inches of a picture
STILL = 480  # pixels across the still picture of a structure
TALL = 620  # CSS pixels of the frame of a structure
ISOLATED = "allow-scripts allow-downloads"  # the frame's script has no access to the notebook


def install(shell: Any) -> None:
    """Register the display functions with an IPython shell.

    Parameters
    ----------
    shell : IPython.core.interactiveshell.InteractiveShell
        From `IPython.get_ipython()`.
    """
    formatters = shell.display_formatter.formatters
    for (module, name), (html, png) in SHOWN.items():
        if html is not None:
            formatters["text/html"].for_type_by_name(module, name, html)
        if png is not None:
            formatters["image/png"].for_type_by_name(module, name, png)


def load_ipython_extension(shell: Any) -> None:
    """Called by `%load_ext porescape.report.notebook`."""
    install(shell)


# -- pictures ---------------------------------------------------------------------------------------


def micrograph_png(image: "Micrograph") -> bytes:
    """Draw the grey image with its scale bar."""
    from porescape.report.image_figures import whole_image

    return _png(whole_image(image, math.inf, WIDE))


def phase_png(phase: "PhaseImage") -> bytes:
    """Draw a segmented section, pores dark, with its scale bar."""
    from porescape.report.image_figures import section_picture

    return _png(section_picture(phase, WIDE))


@lru_cache(maxsize=1)  # needed twice: as the picture, and in the frame
def volume_png(volume: "Volume") -> bytes:
    """Draw a cut-away view of the solid."""
    from porescape.report.structure_figures import three_d

    return _png(three_d(volume, STILL))


def result_png(result: "Reconstruction") -> bytes:
    """Draw the image and slices of the selected replica."""
    from porescape.report.image_figures import triptych

    return _png(triptych(result.section, result.selected.volume, result.image))


def _png(figure: "Figure") -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()


# -- pages ------------------------------------------------------------------------------------------


def volume_html(volume: "Volume") -> str:
    """Return the interactive viewer of a structure, in a frame of its own."""
    from porescape.report.page import fill
    from porescape.report.viewer import pack
    from porescape.report.words import describe_box

    box = describe_box(volume)
    page = fill(
        "volume.html.j2",
        viewer=pack(volume),
        still=_still(volume),
        box=box,
        porosity=f"{100 * volume.porosity:.1f} %",
    )
    return (
        f'<iframe srcdoc="{escape(page)}" sandbox="{ISOLATED}" allow="fullscreen" title="{escape(box)}" '
        f'style="width:100%;height:{TALL}px;border:0"></iframe>'
    )


def _still(volume: "Volume") -> "Picture":
    from porescape.report.page import picture_of

    return picture_of(volume_png(volume), f"Cut-away view of the solid, porosity {volume.porosity:.3f}.")


def measurement_html(measurement: "Measurement") -> str:
    """Return the numbers of one volume as a table with units and definitions."""
    from porescape.measure.meters import NUMBERS
    from porescape.report.words import decimals_for, label_of, scale_of, write

    lines = []
    for name, value in measurement.values.items():
        scale = scale_of(name, NUMBERS[name].unit, value)
        shown = value * scale.factor
        text = write(shown, decimals_for(shown, math.nan))
        why = measurement.reasons.get(name, NUMBERS[name].definition)
        lines.append((label_of(name), text, scale.unit, why))
    return _table(("Number", "Value", "Unit", "Definition, or why it is missing"), lines)


def result_html(result: "Reconstruction") -> str:
    """Return a summary of a run: description, key numbers, reliability and structure."""
    from porescape.report.html import number_rows
    from porescape.report.summary import key_names, structure_in_words, trust

    found, rows = trust(result), number_rows(result)
    lines = [
        (row.label, row.mean, f"{row.low} … {row.high}" if row.n > 1 else "–", row.unit)
        for row in (rows[name] for name in key_names(rows))
    ]
    return (
        f"<p><b>{escape(result.image.name)}.</b> {escape(structure_in_words(result))}</p>"
        f"{_table(('Number', 'Mean', '95 % interval', 'Unit'), lines)}"
        f"<p><b>{escape(found.head)}.</b> {escape(' '.join(found.reasons))}</p>"
        f"{volume_html(result.selected.volume)}"
    )


def _table(head: tuple[str, ...], lines: Sequence[tuple[str, ...]]) -> str:
    left = ' style="text-align:left"'
    cells = [f"<th{left}>{escape(words)}</th>" for words in head]
    body = ["".join(f"<td{left}>{escape(cell)}</td>" for cell in line) for line in lines]
    rows = "".join(f"<tr>{line}</tr>" for line in body)
    return f"<table><thead><tr>{''.join(cells)}</tr></thead><tbody>{rows}</tbody></table>"


Shower = Callable[[Any], Any]
SHOWN: dict[tuple[str, str], tuple[Shower | None, Shower | None]] = {  # class: as HTML, as PNG
    ("porescape.core.image", "Micrograph"): (None, micrograph_png),
    ("porescape.core.image", "PhaseImage"): (None, phase_png),
    ("porescape.core.volume", "Volume"): (volume_html, volume_png),
    ("porescape.core.measurement", "Measurement"): (measurement_html, None),
    ("porescape.core.results", "Reconstruction"): (result_html, result_png),
}
