"""Figures of structures: a cut-away view, and slices of a known structure above those of a replica."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.report.drawing import (
    GREY,
    INK,
    TEXT,
    coarse,
    entitle,
    middle_of,
    picture_row,
    scale_bar,
    show_phases,
)
from porescape.report.raycast import View, raycast
from porescape.units import format_length

THREE_D_VOXELS = 256  # along the longest edge; larger structures are drawn from blocks of voxels


def three_d(volume: Volume, width: int = 760) -> Figure:
    """Draw a cut-away view of the solid.

    Parameters
    ----------
    volume : Volume
    width : int
        Of the picture [pixel], without its margins.
    """
    pore, _ = coarse(volume.pore, THREE_D_VOXELS)
    view = View(shape=pore.shape)
    picture = raycast(pore, view, width)
    margin, dpi = 46, 160
    rows, columns = picture.shape[:2]
    figure = Figure(figsize=((columns + 2 * margin) / dpi, (rows + 2 * margin) / dpi), dpi=dpi)
    panel = figure.add_axes((0, 0, 1, 1))
    half_width, half_height = view.extent
    panel.imshow(
        picture, extent=(-half_width, half_width, half_height, -half_height), interpolation="nearest"
    )
    grow = 2 * half_width * margin / columns
    panel.set(xlim=(-half_width - grow, half_width + grow), ylim=(half_height + grow, -half_height - grow))
    panel.axis("off")
    for edge in _box_edges(view):
        panel.plot(*view.project(edge).T, color=INK, lw=0.6, alpha=0.55, solid_capstyle="round")
    for axis, (edge, letter) in enumerate(zip(_labelled_edges(view), "zyx", strict=True)):
        _name_edge(
            panel, view.project(edge), f"{letter}  {format_length(volume.shape[axis] * volume.voxel_size, 3)}"
        )
    return figure


def _box_edges(view: View) -> list[NDArray[np.float64]]:
    """Return the visible edges of the box and its cut, as point pairs (2, 3)."""
    whole = np.array(view.shape, dtype=np.float64)
    levels = np.stack([np.zeros(3), np.floor(view.cut * whole), whole])  # near face, cut, far face
    edges = []
    for axis in range(3):
        # from and to along `axis`, then where on the other two axes: the two edges that bound what is
        # visible, the rest of the nearest one beyond the cut, and the three visible ones of the cut
        for start, end, b, c in (
            (0, 2, 0, 2),
            (0, 2, 2, 0),
            (1, 2, 0, 0),
            (0, 1, 1, 0),
            (0, 1, 0, 1),
            (0, 1, 1, 1),
        ):
            ends = [np.roll([along, b, c], axis) for along in (start, end)]
            edges.append(np.stack([levels[end, range(3)] for end in ends]))
    return edges


def _labelled_edges(view: View) -> tuple[NDArray[np.float64], ...]:
    """Return the edges along z, y and x that lie on the silhouette below and to the left."""
    nz, ny, nx = view.shape
    return (
        np.array([[0.0, 0.0, nx], [nz, 0.0, nx]]),
        np.array([[nz, 0.0, 0.0], [nz, ny, 0.0]]),
        np.array([[nz, 0.0, 0.0], [nz, 0.0, nx]]),
    )


def _name_edge(panel: Axes, ends: NDArray[np.float64], text: str) -> None:
    """Write along an edge of the silhouette, on its outer side."""
    (x0, y0), (x1, y1) = ends[np.argsort(ends[:, 0])]
    middle = ends.mean(axis=0)
    angle = math.degrees(math.atan2(y0 - y1, x1 - x0)) if x1 - x0 > 1e-9 else 90.0  # y grows downwards
    outwards = np.array([y1 - y0, x0 - x1]) / math.hypot(x1 - x0, y1 - y0)
    if outwards @ middle < 0:
        outwards = -outwards
    x, y = middle + outwards * 0.03 * abs(panel.get_xlim()[1] - panel.get_xlim()[0])
    panel.text(
        x,
        y,
        text,
        rotation=angle,
        rotation_mode="anchor",
        ha="center",
        va="center",
        fontsize=TEXT,
        color=GREY,
    )


def truth_slices(truth: Volume, volume: Volume) -> Figure:
    """Draw the middle slices of the known structure above those of one replica, at the same scale."""
    size = [
        min(n * one.voxel_size for one, n in ((truth, t), (volume, v)))
        for t, v in zip(truth.shape, volume.shape, strict=True)
    ]
    planes, names, steps = [], [], []
    for whose, one in (("truth", truth), ("replica", volume)):
        for axis, letter in enumerate("zyx"):
            plane = np.take(one.pore, one.shape[axis] // 2, axis=axis)
            wanted = [round(s / one.voxel_size) for other, s in enumerate(size) if other != axis]
            planes.append(middle_of(plane, wanted))
            names.append(f"{whose}, across {letter}")
            steps.append(one.voxel_size)
    lengths = [
        (plane.shape[0] * step, plane.shape[1] * step) for plane, step in zip(planes, steps, strict=True)
    ]
    figure, panels = picture_row(lengths, 1.0, columns=3)
    for panel, plane, name, step in zip(panels, planes, names, steps, strict=True):
        show_phases(panel, plane, step)
        entitle(panel, name)
    scale_bar(panels[0])
    return figure
