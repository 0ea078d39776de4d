"""Figures of the micrograph and its segmentation, alone and next to slices of a replica."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from porescape.core.image import Micrograph, PhaseImage, pore_outline
from porescape.core.volume import Volume
from porescape.report.drawing import (
    INK,
    OUTLINE,
    TWO_PHASES,
    bare,
    coloured,
    entitle,
    extent_of,
    middle_of,
    picture_row,
    scale_bar,
    show_phases,
    shrunk,
)

DETAIL = 4  # magnification of the middle of the image, to show single pixels
COLUMN = 2.8  # inches: a picture at the top of the report
OUTLINE_PIXELS = 300  # of a small part of an image, enlarged; an outline is one pixel wide

Colours = NDArray[np.float32]


def segmentation_overlay(image: Micrograph, phase: PhaseImage) -> Figure:
    """Draw the grey image without and with the outline of its pores; below, the middle enlarged."""
    parts = [(image.grey, phase.pore)]
    if max(image.grey.shape) >= DETAIL * 100:  # in a smaller image single pixels are visible
        inner = [max(n // DETAIL, 1) for n in image.grey.shape]
        parts.append((middle_of(image.grey, inner), middle_of(phase.pore, inner)))
    ny, nx = image.grey.shape
    figure, panels = picture_row([(ny, nx)] * 2 * len(parts), image.pixel_size, columns=2)
    for left, right, (grey, pore), zoom in zip(panels[::2], panels[1::2], parts, (1, DETAIL), strict=False):
        for panel, colour in ((left, coloured(shrunk(grey))), (right, outline_pores(grey, pore))):
            extent = extent_of(grey.shape, image.pixel_size)
            panel.set(xlim=extent[:2], ylim=extent[2:])
            panel.imshow(colour, extent=extent, interpolation="antialiased", vmin=0, vmax=1)
        entitle(left, "the image" if zoom == 1 else f"its middle, {zoom} ×")
        entitle(right, f"outline of the pores, porosity {100 * phase.porosity:.1f} %" if zoom == 1 else "")
        scale_bar(left)
    if len(parts) > 1:
        starts = [(n - n // DETAIL) // 2 * image.pixel_size for n in (nx, ny)]
        sides = [n // DETAIL * image.pixel_size for n in (nx, ny)]
        for panel in panels[:2]:
            panel.add_patch(Rectangle((starts[0], starts[1]), *sides, fill=False, ec="white", lw=1.2))
    return figure


def outline_pores(grey: NDArray[np.float32], pore: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the grey image as red, green, blue, with the outermost pixels of every pore coloured.

    Images wider than a screen are shrunk first, so that the outline stays a line; shape (ny, nx, 3).
    """
    colour = coloured(shrunk(grey))
    colour[pore_outline(shrunk(pore.astype(np.float32)) > 0.5)] = OUTLINE
    return colour


def triptych(section: PhaseImage, volume: Volume, image: Micrograph | None = None) -> Figure:
    """Draw the section of the image and slices across z, y and x of one replica, all at the same scale.

    The slices are always the middle ones. If the section is larger, its middle is shown; with `image`, the
    same part of the micrograph is shown before it.
    """
    planes = [middle_of(section.pore, volume.pore.shape[1:])]
    planes += [np.take(volume.pore, n // 2, axis=axis) for axis, n in enumerate(volume.shape)]
    names = ["the image", "replica, across z", "replica, across y", "replica, across x"]
    shapes = [plane.shape for plane in planes]
    if image is not None:
        shapes, names[0] = [shapes[0], *shapes], "its pores"
    figure, panels = picture_row(shapes, volume.voxel_size)
    if image is not None:
        wanted = [max(round(n * volume.voxel_size / image.pixel_size), 1) for n in planes[0].shape]
        grey = middle_of(image.grey, wanted)
        extent = extent_of(planes[0].shape, volume.voxel_size)
        panels[0].imshow(coloured(grey), extent=extent, interpolation="antialiased", vmin=0, vmax=1)
        entitle(panels[0], "the image")
    for panel, plane, name in zip(panels[-4:], planes, names, strict=True):
        show_phases(panel, plane, volume.voxel_size)
        entitle(panel, name)
    scale_bar(panels[0])
    return figure


def whole_image(image: Micrograph, window: float, width: float = COLUMN) -> Figure:
    """Draw the micrograph with a frame around its middle square of edge `window` [m]."""
    ny, nx = (n * image.pixel_size for n in image.grey.shape)
    figure, panel = _one_picture(coloured(shrunk(image.grey)), (ny, nx), width)
    if window < min(ny, nx):
        corner = ((nx - window) / 2, (ny - window) / 2)
        panel.add_patch(Rectangle(corner, window, window, fill=False, ec="white", lw=2.2))
        panel.add_patch(Rectangle(corner, window, window, fill=False, ec=INK, lw=0.8))
    return figure


def section_picture(phase: PhaseImage, width: float = COLUMN) -> Figure:
    """Draw a segmented section, pores dark."""
    ny, nx = (n * phase.pixel_size for n in phase.pore.shape)
    colour = np.asarray(TWO_PHASES(phase.pore.astype(int)), dtype=np.float32)[..., :3]
    return _one_picture(colour, (ny, nx), width)[0]


def outlined_middle(image: Micrograph, phase: PhaseImage, window: float, width: float = COLUMN) -> Figure:
    """Draw the middle square of edge `window` [m] with the outline of its pores."""
    wanted = [max(round(window / image.pixel_size), 1)] * 2
    grey, pore = middle_of(image.grey, wanted), middle_of(phase.pore, wanted)
    sides = (grey.shape[0] * image.pixel_size, grey.shape[1] * image.pixel_size)
    enlarge = max(-(-OUTLINE_PIXELS // max(grey.shape)), 1)  # otherwise the outline covers a small part
    larger = np.ix_(*(np.arange(n * enlarge) // enlarge for n in grey.shape))
    figure, _ = _one_picture(outline_pores(grey[larger], pore[larger]), sides, width)
    return figure


def _one_picture(colour: Colours, sides: tuple[float, float], width: float) -> tuple[Figure, Axes]:
    """Return a figure with only a picture of these sides [m] and its scale bar."""
    ny, nx = sides
    figure = Figure(figsize=(width, width * ny / nx))
    panel = figure.add_axes((0, 0, 1, 1), xlim=(0, nx), ylim=(ny, 0))
    bare(panel)
    panel.imshow(colour, extent=(0, nx, ny, 0), interpolation="antialiased", vmin=0, vmax=1, aspect="auto")
    scale_bar(panel)
    return figure, panel
