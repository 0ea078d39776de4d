"""Figures of the replica selection: crops of image and replica, and the scores of all replicas."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.results import Selection
from porescape.core.volume import Volume
from porescape.report.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    TEXT,
    TWO_PHASES,
    WIDE,
    dress,
    entitle,
    extent_of,
    picture_row,
)
from porescape.rng import stream
from porescape.select.crops import CROP, draw_crops
from porescape.units import format_length

BY_CHANCE = 0.8  # mean of |z|: the distance of a perfect copy in the held-out descriptors


def contact_sheet(
    section: PhaseImage,
    volume: Volume,
    *,
    seed: int = 0,
    crop: int = CROP,
    rows: int = 4,
    columns: int = 6,
) -> Figure:
    """Draw random crops of the image and of a replica at the same scale.

    Those of the replica are from slices across all three axes in turn. If the image is smaller than a crop,
    the crops are as large as possible; in a small image they overlap.
    """
    crop = min(crop, *section.pore.shape, *volume.shape)
    sheets = []
    for index, pore in enumerate((section.pore, volume.pore)):
        whole = tuple((0, n) for n in pore.shape)
        chance = stream(seed, "two-sample test", 3 + index)
        drawn = draw_crops(pore, whole, crop, rows * columns, chance, section.speck_pixels)
        sheets.append(_sheet(drawn, rows, columns))
    figure, panels = picture_row([sheet.shape for sheet in sheets], volume.voxel_size)
    for panel, sheet, name in zip(panels, sheets, ("the image", "the replica"), strict=True):
        panel.imshow(
            sheet,
            extent=extent_of(sheet.shape, volume.voxel_size),
            cmap=TWO_PHASES.with_extremes(bad="white"),
            vmin=0,
            vmax=1,
            interpolation="nearest",
        )
        for spine in panel.spines.values():
            spine.set_visible(False)
        width = format_length(crop * volume.voxel_size, 3)
        entitle(panel, f"{name}: {rows * columns} crops, each {width} wide")
    return figure


def selection_figure(selection: Selection) -> Figure:
    """Draw two-sample test and held-out distances of all replicas; the selected one is filled."""
    scores = selection.scores
    rows = range(len(scores))
    figure = Figure(figsize=(WIDE, 1.5 + 0.3 * len(scores)), layout="constrained")
    two_sample, held_out = figure.subplots(1, 2, sharey=True)
    dress(two_sample, "Two-sample test", "accuracy on held-out crops [%]")
    dress(held_out, "Held-out descriptors", "distance from the image [standard errors]")
    two_sample.axvline(50, color=GREY, lw=0.9, ls=":")
    held_out.axvline(BY_CHANCE, color=GREY, lw=0.9, ls=":")
    most = 2 * BY_CHANCE
    for row, score in zip(rows, scores, strict=True):
        colour, filled = (ORANGE, True) if row == selection.selected else (BLUE, False)
        if score.two_sample is not None:
            _mark(
                two_sample, 100 * score.two_sample.accuracy, row, colour, filled, 100 * score.two_sample.error
            )
        values = list(score.held_out.values())
        held_out.plot(values, [row] * len(values), "|", ms=8, mew=1.2, color=colour, alpha=0.55)
        _mark(held_out, score.distance, row, colour, filled)
        most = max(most, *values)
    accuracies = [score.two_sample.accuracy for score in scores if score.two_sample is not None]
    if accuracies:
        two_sample.set_xlim(min(45.0, 100 * min(accuracies) - 5), 103)
    else:
        two_sample.set_xlim(45, 103)
        two_sample.text(
            0.5,
            0.5,
            "image or replica too small",
            transform=two_sample.transAxes,
            ha="center",
            color=GREY,
            fontsize=TEXT,
        )
    held_out.set_xlim(0, 1.06 * most)
    two_sample.set_ylim(len(scores) - 0.4, -0.9)
    two_sample.set_yticks(list(rows), [_row_name(row, selection.selected) for row in rows])
    for panel, at, words in ((two_sample, 50.0, "guessing"), (held_out, BY_CHANCE, "by chance")):
        panel.annotate(
            words,
            (at, -0.9),
            xytext=(3, -2),
            textcoords="offset points",
            va="top",
            color=GREY,
            fontsize=TEXT - 0.5,
        )
        panel.tick_params(axis="y", length=0, labelcolor=INK, labelsize=TEXT)
        panel.spines["left"].set_visible(False)
        panel.xaxis.set_major_locator(MaxNLocator(6))
    return figure


def _mark(panel: Axes, at: float, row: float, colour: str, filled: bool, error: float = 0.0) -> None:
    if error:
        panel.plot([at - error, at + error], [row, row], color=colour, lw=1.6, alpha=0.6)
    panel.plot([at], [row], "o", ms=7, mfc=colour if filled else "white", mec=colour, mew=1.5)


def _row_name(row: int, selected: int) -> str:
    return f"replica {row + 1}" + (" (selected)" if row == selected else "")


def _sheet(crops: NDArray[np.bool_], rows: int, columns: int) -> NDArray[np.float64]:
    """Return crops in rows and columns with gaps of NaN, shape (pixels, pixels)."""
    edge = crops.shape[-1]
    step = edge + max(edge // 12, 1)
    sheet = np.full((rows * step - (step - edge), columns * step - (step - edge)), math.nan)
    for k, crop in enumerate(crops):
        top, left = k // columns * step, k % columns * step
        sheet[top : top + edge, left : left + edge] = crop
    return sheet
