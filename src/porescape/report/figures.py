"""The figures of the report.

Each function takes the results of a stage and returns a new matplotlib `Figure`, without pyplot and global
settings, so figures can be drawn in any thread.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from porescape.core.image import Micrograph, PhaseImage, pore_outline
from porescape.core.measurement import Estimate, Measurement
from porescape.core.results import Replica, Stage
from porescape.core.volume import Volume
from porescape.distance import signed_squared_distance_2d
from porescape.fit.objective import FARTHEST_LAG, unit_length
from porescape.measure.section.combined import ZOOM_FACTOR, ZOOMS, combined_distance_function
from porescape.measure.section.describe import Descriptor, cut_windows, describe, slices_of
from porescape.report.drawing import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    OUTLINE,
    TEXT,
    TWO_PHASES,
    WIDE,
    bare,
    blues,
    coarse,
    coloured,
    dress,
    entitle,
    extent_of,
    legend_below,
    middle_of,
    picture_row,
    scale_bar,
    show_phases,
    shrunk,
)
from porescape.report.raycast import View, raycast
from porescape.report.words import Scale, label_of, scale_for, scale_of
from porescape.units import format_length

CURVE_SLICES = 6  # per axis and replica; more slices change the curves by less than the width of a line
COMBINED_SLICES = 3  # as above; each is measured at three zooms
DETAIL = 4  # magnification of the middle of the image, to show single pixels
THREE_D_VOXELS = 256  # along the longest edge; larger structures are drawn from blocks of voxels

COLUMN = 2.8  # inches: a picture at the top of the report
OUTLINE_PIXELS = 300  # of a small part of an image, enlarged; an outline is one pixel wide

Curve = NDArray[np.float64]
Colours = NDArray[np.float32]
P = TypeVar("P", np.bool_, np.float32)


# -- pictures ---------------------------------------------------------------------------------------


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
    """Return the edges of the box and its cut that are seen, as point pairs (2, 3)."""
    whole = np.array(view.shape, dtype=np.float64)
    levels = np.stack([np.zeros(3), np.floor(view.cut * whole), whole])  # near face, cut, far face
    edges = []
    for axis in range(3):
        # from and to along `axis`, then where on the other two axes: the two edges that bound what is
        # seen, what the cut leaves of the nearest one, and the three of the cut that are in sight
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


# -- curves -----------------------------------------------------------------------------------------


def descriptor_curves(section: PhaseImage, replicas: Sequence[Replica]) -> Figure:
    """Draw the curves by which sections are compared: of the image as a line, of the replicas as a band.

    Windows of image and replicas have the same size. The band spans the curves of the replicas, from the
    lowest to the highest; the dashed line is their mean.
    """
    window = _common_window(section, replicas)
    image, made = _described(section, replicas, window)
    reach = image.lags[-1]
    scale = scale_for("m", reach)
    figure = Figure(figsize=(WIDE, 5.6), layout="constrained")
    panels = figure.subplots(2, 3)
    panels = [panels[0, 0], panels[0, 1], panels[0, 2], panels[1, 0], panels[1, 1], panels[1, 2]]
    porosity = image.porosity.mean()
    curves: list[tuple[str, str, Callable[[Descriptor], Curve], int]] = [
        ("Two-point correlation S₂", "distance", lambda d: d.s2.mean(axis=0), 0),
        ("Lineal path, pore", "length of the line", lambda d: d.lineal_pore.mean(axis=0), 1),
        ("Lineal path, solid", "length of the line", lambda d: d.lineal_solid.mean(axis=0), 1),
        ("Autocovariance", "distance", Descriptor.covariance, 0),
        ("Pore closer to the wall than …", "distance to the wall", _within("pore"), 1),
        ("Solid closer to the wall than …", "distance to the wall", _within("solid"), 1),
    ]
    for panel, (title, along, of, first) in zip(panels, curves, strict=True):
        lags = (image.lags + first * image.pixel_size) * scale.factor
        _line_and_band(panel, lags, of(image), [of(one) for one in made])
        dress(panel, title, f"{along} [{scale.unit}]")
        panel.set_xlim(0, lags[-1])
    panels[0].axhline(porosity**2, color=GREY, lw=0.8, ls=":")
    panels[0].annotate(
        "φ²",
        (reach * scale.factor, porosity**2),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        color=GREY,
        fontsize=TEXT,
    )
    panels[3].axhline(0, color=GREY, lw=0.8, ls=":")
    for panel in panels[4:]:
        reached = max(_saturation(_within(p)(d)) for p in ("pore", "solid") for d in (image, *made))
        panel.set(xlim=(0, reached * image.pixel_size * scale.factor), ylim=(0, 1.03))
    for panel in panels[1:3]:
        panel.set_ylim(bottom=0)
    legend_below(figure, panels[0])
    return figure


def combined_distance(section: PhaseImage, replicas: Sequence[Replica]) -> Figure:
    """Draw the paper's descriptor at its three zooms: section, distance to the wall, histogram.

    The histogram has the solid left of 0 and the pores right. That of the image is over all its windows,
    that of a replica over slices across its three axes.

    References
    ----------
    Zeinali Danalou et al. (2025), figure 1.
    """
    window = _common_window(section, replicas)
    step = section.pixel_size
    windows = cut_windows(section.pore, window)
    shown = windows[len(windows) // 2]
    away = np.sqrt(np.abs(signed_squared_distance_2d(shown))) * step
    reach = float(np.quantile(away, 0.999)) + 2 * step
    image = _combined(windows, step, reach)
    made = [_combined(slices_of(one.volume.pore, window, COMBINED_SLICES), step, reach) for one in replicas]
    scale = scale_for("m", reach)
    figure = Figure(figsize=(WIDE, 8.6), layout="constrained")
    panels = figure.subplots(3, ZOOMS, gridspec_kw={"height_ratios": (1, 1, 0.8)})
    for zoom in range(ZOOMS):
        top, middle, bottom = panels[:, zoom]
        half = 0.5 * window * step / ZOOM_FACTOR**zoom
        centre = 0.5 * window * step
        limits = {"xlim": (centre - half, centre + half), "ylim": (centre + half, centre - half)}
        show_phases(top, shown, step)
        drawn = middle.imshow(
            away * scale.factor,
            extent=extent_of(shown.shape, step),
            cmap="cividis",
            vmin=0,
            vmax=reach * scale.factor,
            interpolation="nearest",
        )
        for panel in (top, middle):
            panel.set(**limits)
            bare(panel)
        entitle(
            top, f"{'ABC'[zoom]}   {'the section' if zoom == 0 else f'its middle, {ZOOM_FACTOR**zoom:.3g} ×'}"
        )
        if zoom < ZOOMS - 1:
            inner = half / ZOOM_FACTOR
            top.add_patch(
                Rectangle(
                    (centre - inner, centre - inner), 2 * inner, 2 * inner, fill=False, ec=OUTLINE, lw=1.4
                )
            )
        scale_bar(top)
        _line_and_band(bottom, *_mirrored(image[zoom], [one[zoom] for one in made], step * scale.factor))
        dress(
            bottom,
            "Combined distance function" if zoom == 0 else "",
            f"← solid · distance to the wall [{scale.unit}] · pore →",
        )
        bottom.set_ylim(0, 1.08 * max(one.max() for one in (image, *made)))
        bottom.axvline(0, color=GREY, lw=0.8, ls=":")
        bottom.xaxis.set_major_formatter(lambda x, _: f"{abs(x):g}")
        bottom.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        bottom.yaxis.set_major_formatter(lambda y, _: f"{100 * y:g} %")
    legend_below(figure, panels[2, 0])
    bar = figure.colorbar(drawn, ax=panels[1, :], shrink=0.8, aspect=24, pad=0.015)
    bar.set_label(f"distance to the wall [{scale.unit}]", fontsize=TEXT, color=GREY)
    bar.ax.tick_params(labelsize=TEXT, colors=GREY)
    bar.outline.set_visible(False)
    return figure


def fit_history(replicas: Sequence[Replica]) -> Figure:
    """Draw the loss of each trial of the selected family, and of the best trial so far, for every replica.

    Open symbols at the end are the best few recipes, tried again on other random fields. If several
    families were tried, a second panel compares their best recipes.
    """
    several = any(trial.stage is Stage.COMPARE for replica in replicas for trial in replica.trials)
    figure = Figure(figsize=(WIDE, 3.6), layout="constrained")
    panels = figure.subplots(1, 2 if several else 1, width_ratios=(3, 1) if several else None, squeeze=False)
    _draw_searches(panels[0, 0], replicas)
    if several:
        _draw_families(panels[0, 1], replicas)
    return figure


def _draw_searches(panel: Axes, replicas: Sequence[Replica]) -> None:
    everything: list[float] = []
    most = 0
    for replica, shade in zip(replicas, blues(len(replicas)), strict=True):
        own = [
            trial
            for trial in replica.trials
            if trial.family == replica.family and trial.stage is not Stage.COMPARE
        ]
        again = [trial for trial in own if trial.stage is Stage.CONFIRM]
        losses = np.array([trial.loss for trial in own if trial.stage is Stage.EXPLORE])
        number = np.arange(1, len(losses) + 1)
        first = replica is replicas[0]
        panel.plot(
            number, losses, "o", ms=2.6, color=shade, alpha=0.4, mew=0, label="one trial" if first else None
        )
        best = np.fmin.accumulate(losses)
        panel.step(
            number,
            best,
            where="post",
            color=shade,
            lw=1.6,
            label="best so far, one line per replica" if first else None,
        )
        panel.plot(number[-1], best[-1], "o", ms=4, color=shade, mec="white", mew=0.6)
        panel.plot(
            [trial.number - own[0].number + 1 for trial in again],
            [trial.loss for trial in again],
            "o",
            ms=3,
            mfc="none",
            mec=shade,
            mew=0.7,
            label="best few again, on other random fields" if first and again else None,
        )
        everything += [trial.loss for trial in own]
        most = max(most, len(own))
    _scale_of_losses(panel)
    dress(panel, "", "trial of the selected family")
    panel.set_ylabel("loss", fontsize=TEXT, color=INK)
    panel.set_xlim(0, 1.01 * most + 1)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    # degenerate trials are outside the plot
    panel.set_ylim(top=1.5 * float(np.nanquantile(everything, 0.98)))
    panel.legend(edgecolor="none", framealpha=0.9, fontsize=TEXT, loc="upper right")


def _draw_families(panel: Axes, replicas: Sequence[Replica]) -> None:
    """Draw the losses of the best recipe of each family in the comparison; the selected one is filled."""
    names = list(dict.fromkeys(trial.family for replica in replicas for trial in replica.trials))
    for place, (replica, shade) in enumerate(zip(replicas, blues(len(replicas)), strict=True)):
        for at, name in enumerate(names):
            losses = [t.loss for t in replica.trials if t.stage is Stage.COMPARE and t.family == name]
            if losses:
                aside = 0.5 * (place + 0.5) / len(replicas) - 0.25
                face = shade if name == replica.family else "none"
                panel.plot(at + aside, np.mean(losses), "o", ms=5, mfc=face, mec=shade, mew=0.9)
    _scale_of_losses(panel)
    dress(panel, "", "comparison of the families")
    panel.set_xlim(-0.5, len(names) - 0.5)
    panel.set_xticks(range(len(names)), names)


def _scale_of_losses(panel: Axes) -> None:
    panel.set_yscale("log")
    panel.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.yaxis.set_major_formatter(ScalarFormatter())
    panel.minorticks_off()


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


# -- data of the figures ----------------------------------------------------------------------------------


def _common_window(section: PhaseImage, replicas: Sequence[Replica]) -> int:
    """Return the edge of the largest square that fits into the section and into every slice [pixels]."""
    edges = [*section.pore.shape, *(n for replica in replicas for n in replica.volume.shape)]
    return int(min(edges))


def _described(
    section: PhaseImage, replicas: Sequence[Replica], window: int
) -> tuple[Descriptor, list[Descriptor]]:
    windows = cut_windows(section.pore, window)
    length = unit_length(describe(windows, section.pixel_size, 2))
    lags = min(max(round(FARTHEST_LAG * length / section.pixel_size), 8), window - 2) + 1
    image = describe(windows, section.pixel_size, lags)
    return image, [
        describe(slices_of(one.volume.pore, window, CURVE_SLICES), one.volume.voxel_size, lags)
        for one in replicas
    ]


def _within(phase: str) -> Callable[[Descriptor], Curve]:
    """Return a function for the fraction of the pixels of a phase that lie near the wall."""

    def curve(descriptor: Descriptor) -> Curve:
        counts: Curve = getattr(descriptor, f"distance_{phase}").mean(axis=0)
        return np.asarray(counts / counts[-1])

    return curve


def _saturation(curve: Curve) -> float:
    """Return the number of steps that contain all but 0.2 %."""
    return float(np.searchsorted(curve, 0.998)) + 2


def _combined(windows: NDArray[np.bool_], step: float, reach: float) -> Curve:
    return np.asarray(
        np.mean([combined_distance_function(one, step, reach=reach) for one in windows], axis=0)
    )


def _mirrored(image: Curve, made: Sequence[Curve], step: float) -> tuple[Curve, Curve, list[Curve]]:
    """Return distances and the histograms of image and replicas, with the solid mirrored to the left of 0.

    The last bin, which contains everything beyond, is left out. There is a gap where no pixel is possible:
    none is closer to the other phase than one step of its grid, which is finer in the enlarged sections.
    """
    nearest = 0 if image[:, 0].any() else 1

    def joined(one: Curve) -> Curve:
        return np.concatenate([one[0, nearest:-1][::-1], [math.nan], one[1, nearest:-1]])

    right = (np.arange(nearest, image.shape[1] - 1) + 0.5) * step
    return (
        np.concatenate([-right[::-1], [0.0], right]),
        joined(image),
        [joined(one) for one in made],
    )


def _line_and_band(panel: Axes, x: Curve, image: Curve, made: Sequence[Curve]) -> None:
    """Draw the curve of the image over those of the replicas, if there are any."""
    if len(made) > 1:
        low, high = np.min(made, axis=0), np.max(made, axis=0)
        panel.fill_between(x, low, high, color=BLUE, alpha=0.25, lw=0, label="replicas, lowest to highest")
    if made:
        name = "the replica" if len(made) == 1 else "mean of the replicas"
        panel.plot(x, np.mean(made, axis=0), color=BLUE, lw=1.3, ls=(0, (4, 1.5)), label=name)
    panel.plot(x, image, color=INK, lw=1.5, label="the image")
