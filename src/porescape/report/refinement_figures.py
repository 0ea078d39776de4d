"""Figures of wall voxel annealing."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.report.drawing import (
    BLUE,
    INK,
    TEXT,
    WIDE,
    dress,
    entitle,
    middle_of,
    picture_row,
    scale_bar,
    show_phases,
)


def refined_slices(section: PhaseImage, before: Volume, after: Volume) -> Figure:
    """Draw the image and the middle slice across z of a structure before and after, at the same scale."""
    k = before.shape[0] // 2
    planes = [middle_of(section.pore, before.shape[1:]), before.pore[k], after.pore[k]]
    figure, panels = picture_row([plane.shape for plane in planes], before.voxel_size)
    names = ("the image", "structure of the recipe", "the same after refinement")
    for panel, plane, name in zip(panels, planes, names, strict=True):
        show_phases(panel, plane, before.voxel_size)
        entitle(panel, name)
    scale_bar(panels[0])
    return figure


def refinement_history(distances: Sequence[float]) -> Figure:
    """Draw chi-square between the patterns of structure and image before each sweep and at the end."""
    figure = Figure(figsize=(WIDE, 2.6), layout="constrained")
    panel = figure.subplots()
    panel.plot(range(len(distances)), distances, color=BLUE, lw=1.6)
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(ScalarFormatter())
    panel.yaxis.set_minor_formatter(NullFormatter())
    panel.set_xlim(0, len(distances) - 1)
    dress(panel, "", "sweep")
    panel.set_ylabel("distance of the patterns", fontsize=TEXT, color=INK)
    return figure
