"""Figures of the measured numbers: every replica, the mean and its interval."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from porescape.core.measurement import Estimate, Measurement
from porescape.report.drawing import (
    BLUE,
    INK,
    ORANGE,
    TEXT,
    WIDE,
    dress,
)
from porescape.report.words import Scale, label_of, scale_of

Curve = NDArray[np.float64]


def numbers_plot(
    properties: Mapping[str, Estimate],
    measurements: Sequence[Measurement],
    truth: Measurement | None = None,
) -> Figure:
    """Draw every number: its replicas as dots, their mean and 95 % interval, and the true value if known."""
    columns = 3
    rows = -(-(len(properties) + 1) // columns)
    engine = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.12)
    figure = Figure(figsize=(WIDE, 0.95 * rows), layout=engine)
    panels = figure.subplots(rows, columns).ravel()
    for panel, (name, estimate) in zip(panels, properties.items(), strict=False):
        values = np.array([one.values.get(name, math.nan) for one in measurements])
        true = math.nan if truth is None else truth.values.get(name, math.nan)
        scale = scale_of(name, estimate.unit, estimate.mean)
        _number_strip(panel, estimate, values, true, scale)
        title = label_of(name) + (f" [{scale.unit}]" if scale.unit else "")
        panel.set_title(title, fontsize=TEXT, loc="left", color=INK, pad=3)
    _strip_legend(panels[len(properties)], truth is not None)
    for panel in panels[len(properties) :]:
        panel.axis("off")
    return figure


def _number_strip(panel: Axes, estimate: Estimate, values: Curve, true: float, scale: Scale) -> None:
    f = scale.factor
    if np.isfinite(estimate.ci95).all():
        low, high = estimate.ci95
        panel.plot([low * f, high * f], [0, 0], color=BLUE, lw=6, alpha=0.28, solid_capstyle="butt")
    panel.plot(values * f, np.zeros_like(values), "o", ms=4.5, color=BLUE, alpha=0.55, mew=0)
    panel.plot([estimate.mean * f], [0], "|", ms=15, mew=2, color=INK)
    if math.isfinite(true):
        panel.plot([true * f], [0], "D", ms=6, mfc="white", mec=ORANGE, mew=1.6, zorder=5)
    shown = np.array([*values, *estimate.ci95, true])
    shown = shown[np.isfinite(shown)] * f
    if shown.size:
        # at least 2 % of the value wide, so that agreement to the last digit is not shown as scatter
        half = max(0.6 * np.ptp(shown), 0.01 * np.abs(shown).max(), 1e-12)
        panel.set_xlim(0.5 * (shown.min() + shown.max()) - half, 0.5 * (shown.min() + shown.max()) + half)
    dress(panel, "", "")
    panel.set(ylim=(-1, 1), yticks=[])
    panel.spines["left"].set_visible(False)
    panel.xaxis.set_major_locator(MaxNLocator(4))


def _strip_legend(panel: Axes, with_truth: bool) -> None:
    marks = [
        panel.plot([], [], "o", ms=4.5, color=BLUE, alpha=0.55, mew=0, label="one replica")[0],
        panel.plot([], [], "|", ms=12, mew=2, color=INK, label="mean")[0],
        panel.plot([], [], color=BLUE, lw=6, alpha=0.28, label="95 % interval")[0],
    ]
    if with_truth:
        marks += panel.plot([], [], "D", ms=6, mfc="white", mec=ORANGE, mew=1.6, ls="none", label="truth")
    legend = panel.legend(handles=marks, frameon=False, fontsize=TEXT, loc="center left", ncols=2)
    legend.set_in_layout(False)  # otherwise its width would narrow the panels above
