"""Figures of the descriptors of sections: a line for the image, a band for the replicas."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.results import Replica
from porescape.distance import signed_squared_distance_2d
from porescape.fit.objective import FARTHEST_LAG, unit_length
from porescape.measure.section.combined import ZOOM_FACTOR, ZOOMS, combined_distance_function
from porescape.measure.section.describe import Descriptor, cut_windows, describe, slices_of
from porescape.report.drawing import (
    BLUE,
    GREY,
    INK,
    OUTLINE,
    TEXT,
    WIDE,
    bare,
    dress,
    entitle,
    extent_of,
    legend_below,
    scale_bar,
    show_phases,
)
from porescape.report.words import scale_for

CURVE_SLICES = 6  # per axis and replica; more slices change the curves by less than the width of a line
COMBINED_SLICES = 3  # as above; each is measured at three zooms

Curve = NDArray[np.float64]


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
