"""The common style of all figures: colours, frames, scale bars, rows of pictures at the same scale.

Every figure is a new matplotlib `Figure`, without pyplot and global settings, so it can be drawn in any
thread. Axes of pictures are in metres, with the origin at the upper left corner of the array. Colours are
those of Okabe and Ito (2008); line style, marker or lightness always differ together with the colour. Pores
are dark, solid is light.
"""

import math
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from porescape.units import format_length

INK = "#1b1f24"  # the image, text
GREY = "#6b7280"  # captions, frames
BLUE = "#0072B2"  # replicas
ORANGE = "#D55E00"  # the truth
OUTLINE = (1.0, 0.69, 0.0)  # on grey: bright on dark pores, and yellow on bright ones
TWO_PHASES = ListedColormap(["#efece4", "#20262e"])  # solid, pore
TEXT = 9.0  # points: readable if a figure 10 inches wide is shown in a column of 960 CSS pixels
WIDE = 10.0  # inches
MOST_PIXELS = 1100  # of a drawn image along its longer side; screens do not show more on half a page

P = TypeVar("P", np.bool_, np.float32)


def dress(panel: Axes, title: str, along: str) -> None:
    """Set the title, axis label and frame of a plot."""
    panel.set_title(title, fontsize=TEXT + 0.5, loc="left", color=INK)
    panel.set_xlabel(along, fontsize=TEXT, color=INK)
    panel.tick_params(labelsize=TEXT - 0.5, colors=GREY, length=3, width=0.7)
    for side, spine in panel.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set(color="#b8bcc2", linewidth=0.8)


def legend_below(figure: Figure, panel: Axes) -> None:
    """Draw the legend of one panel below the whole figure."""
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], frameon=False, fontsize=TEXT, loc="outside lower left", ncols=3
    )


def bare(panel: Axes) -> None:
    """Remove axes and ticks of a picture, except a thin frame."""
    panel.set(xticks=[], yticks=[])
    for spine in panel.spines.values():
        spine.set(color="#b8bcc2", linewidth=0.6)


def entitle(panel: Axes, text: str) -> None:
    """Write the title of a picture above it."""
    panel.set_title(text, fontsize=TEXT, loc="left", color=INK, pad=4)


def picture_row(
    shapes: Sequence[Sequence[float]], step: float, columns: int | None = None
) -> tuple[Figure, list[Axes]]:
    """Return a page-wide figure with one bare panel per picture, all at the same scale, and their axes.

    Pictures are given by their height and width [pixels of `step` metres].
    """
    columns = columns or len(shapes)
    rows = -(-len(shapes) // columns)
    grid = [list(shapes[row * columns : (row + 1) * columns]) for row in range(rows)]
    widths = [max(line[c][1] for line in grid) for c in range(columns)]
    heights = [max(shape[0] for shape in line) for line in grid]
    gap, headline = 0.12, 0.29  # inches
    per_pixel = (WIDE - gap * (columns - 1)) / sum(widths)
    total = sum(heights) * per_pixel + headline * rows
    figure = Figure(figsize=(WIDE, total))
    panels = []
    top = total
    for line, height in zip(grid, heights, strict=True):
        left = 0.0
        for shape, width in zip(line, widths, strict=True):
            h, w = shape[0] * per_pixel, shape[1] * per_pixel
            panel = figure.add_axes(
                (left / WIDE, (top - headline - h) / total, w / WIDE, h / total),
                xlim=(0, shape[1] * step),
                ylim=(shape[0] * step, 0),
            )
            bare(panel)
            panels.append(panel)
            left += width * per_pixel + gap
        top -= headline + height * per_pixel
    return figure, panels


def show_phases(panel: Axes, pore: NDArray[np.bool_], step: float) -> None:
    """Draw a section of voxels of edge `step` [m], pores dark."""
    panel.imshow(
        pore, extent=extent_of(pore.shape, step), cmap=TWO_PHASES, vmin=0, vmax=1, interpolation="nearest"
    )


def coloured(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return grey as red, green, blue."""
    return np.repeat(grey[..., None], 3, axis=-1)


def extent_of(shape: Sequence[int], step: float) -> tuple[float, float, float, float]:
    """Return left, right, bottom, top of a picture [m] with y downwards."""
    return 0.0, shape[1] * step, shape[0] * step, 0.0


def round_length(most: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20 ... that is not above `most`.

    >>> round_length(3.7e-7), round_length(5.0), round_length(19)
    (2e-07, 5.0, 10.0)
    """
    power = math.floor(math.log10(most) + 1e-9)
    digit = max(d for d in (1, 2, 5) if d * 10.0**power <= most * (1 + 1e-9))
    return float(f"{digit}e{power}")


def scale_bar(panel: Axes) -> None:
    """Draw a bar of round length into the lower left corner of a panel in metres."""
    (left, right), (bottom, _) = panel.get_xlim(), panel.get_ylim()
    width = right - left
    length = round_length(0.3 * width)
    inch = width / (panel.get_position().width * cast(Figure, panel.get_figure()).get_figwidth())
    pad, tall = 0.09 * inch, 0.27 * inch
    box = (left + 0.5 * pad, bottom - 0.5 * pad - tall - pad)
    panel.add_patch(Rectangle(box, length + 2 * pad, tall + pad, fc="white", alpha=0.88, lw=0, zorder=4))
    x, y = left + 1.5 * pad, bottom - 1.2 * pad
    panel.add_patch(Rectangle((x, y), length, -0.04 * inch, fc=INK, lw=0, zorder=5, gid="scale-bar"))
    panel.text(
        x + length / 2,
        y - 0.07 * inch,
        format_length(length),
        ha="center",
        va="bottom",
        fontsize=TEXT - 1,
        color=INK,
        zorder=5,
    )


def blues(n: int) -> list[Any]:
    """Return n blues from dark to light, all dark enough for a line on white."""
    ramp = LinearSegmentedColormap.from_list("blues", ["#08306b", BLUE, "#6db3dc"])
    return [ramp(i / max(n - 1, 1)) for i in range(n)]


def middle_of(plane: NDArray[P], shape: Sequence[int]) -> NDArray[P]:
    """Return the middle of a picture, no larger than `shape`."""
    starts = [max(n - wanted, 0) // 2 for n, wanted in zip(plane.shape, shape, strict=True)]
    return plane[tuple(slice(a, a + wanted) for a, wanted in zip(starts, shape, strict=True))]


def shrunk(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return means over squares of pixels, as many as a page can show; incomplete squares are dropped."""
    factor = -(-max(picture.shape) // MOST_PIXELS)
    return block_means(picture, factor) if factor > 1 else picture


def coarse(pore: NDArray[np.bool_], most: int) -> tuple[NDArray[np.bool_], int]:
    """Return a structure of at most `most` voxels along each axis, and the edge of a new voxel in old ones.

    A block is pore if more than half of it is; incomplete blocks are dropped. This is done layer by layer, so
    that a structure of any size needs little additional memory.
    """
    factor = -(-max(pore.shape) // most)
    factor = min(factor, *pore.shape)  # a thin sheet keeps one layer
    if factor <= 1:
        return pore, 1
    nz, ny, nx = (n // factor for n in pore.shape)
    made = np.empty((nz, ny, nx), dtype=bool)
    for z in range(nz):
        slab = pore[z * factor : (z + 1) * factor, : ny * factor, : nx * factor].sum(axis=0, dtype=np.int32)
        count = slab.reshape(ny, factor, nx, factor).sum(axis=(1, 3))
        made[z] = 2 * count > factor**3
    return made, factor


def block_means(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return means over blocks of `factor` per axis; incomplete blocks are dropped."""
    whole = values[tuple(slice(n - n % factor) for n in values.shape)]
    blocks = whole.reshape([k for n in whole.shape for k in (n // factor, factor)])
    return np.asarray(blocks.mean(axis=tuple(range(1, 2 * values.ndim, 2))))
