"""The figure of the sources of uncertainty of each interval."""

import math
from collections.abc import Collection, Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from porescape.core.measurement import Estimate
from porescape.report.drawing import BLUE, GREY, INK, TEXT, WIDE, dress
from porescape.report.words import label_of

SOURCES = {  # part: its label and colour
    "replicas": ("replicas", BLUE),
    "threshold": ("threshold", "#E69F00"),
    "sample": ("finite image", "#009E73"),
    "method": ("error of the method", "#8b5aa0"),
}
WIDEST = 100.0  # percent of the number; a longer bar is cut and labelled with its full length


def sources_figure(properties: Mapping[str, Estimate]) -> Figure:
    """Draw the width of each number's interval, and the share of each source of uncertainty.

    A bar is as long as the half width of the interval, in percent of the number. Parts add up as squares,
    so the shares of the bar are those of the squares. Numbers without parts are left out.
    """
    shown = {name: e for name, e in properties.items() if e.mean and _drawable(e.parts.values())}
    engine = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.12)
    figure = Figure(figsize=(WIDE, 0.9 + 0.2 * max(len(shown), 1)), layout=engine)
    panel = figure.subplots()
    for row, e in enumerate(shown.values()):
        _bar(panel, row, {name: width / abs(e.mean) for name, width in e.parts.items()})
    for label, colour in SOURCES.values():
        panel.barh([0], [0], color=colour, label=label)
    dress(panel, "", "half width of the 95 % interval, percent of the number")
    panel.set_yticks(range(len(shown)), [label_of(name) for name in shown], fontsize=TEXT - 0.5)
    panel.set_ylim(len(shown) - 0.4, -0.6)
    panel.set_xlim(left=0)
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=TEXT, loc="outside lower left", ncols=len(SOURCES))
    return figure


def _drawable(widths: Collection[float]) -> bool:
    return 0 < math.hypot(*widths) < math.inf


def _bar(panel: Axes, row: int, parts: Mapping[str, float]) -> None:
    total = math.hypot(*parts.values())
    length = min(100 * total, WIDEST)
    start = 0.0
    for name, (_, colour) in SOURCES.items():
        share = length * (parts.get(name, 0.0) / total) ** 2
        panel.barh([row], [share], left=start, color=colour, height=0.72)
        start += share
    unknown = "" if "method" in parts else "  (error of the method not known)"
    panel.annotate(
        f"±{100 * total:.2g} %{unknown}" if total < 1 else f"±{100 * total:.0f} %, cut{unknown}",
        (length, row),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=TEXT - 1.5,
        color=GREY if total < 1 else INK,
    )
