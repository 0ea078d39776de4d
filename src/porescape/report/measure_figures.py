"""Figures of the measurements: size distributions, network, filtration curves, solved fields.

Every function takes sides, each a name and its measurements: one side for a report, several for a
comparison. A line is the mean over the volumes of a side, the band around it their range.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.measurement import Measurement
from porescape.core.network import Network
from porescape.measure.network.border import weighted_percentile
from porescape.report.drawing import BLUE, GREY, INK, ORANGE, TEXT, WIDE, bare, dress, scale_bar
from porescape.report.words import label_of, scale_for, scale_of

Values = NDArray[np.float64]
LINE_STYLES = (
    (INK, "-"),
    (BLUE, (0, (4, 1.5))),
    (ORANGE, (0, (1.2, 1.2))),
    ("#009E73", (0, (6, 1.5, 1.2, 1.5))),
    ("#CC79A7", (0, (2.5, 1))),
    ("#E69F00", "-"),
    ("#56B4E9", (0, (8, 2))),
)
POINTS = 160  # of a drawn distribution
FLOW = LinearSegmentedColormap.from_list("flow", ["#f6f5f1", "#6db3dc", BLUE, "#08306b", "#041530"])
VIEW = np.radians((28.0, 24.0))  # of the network: rotated about z, then tilted towards the viewer


class Side(NamedTuple):
    """The measurements drawn in one colour."""

    name: str
    measurements: Sequence[Measurement]


def size_distributions(sides: Sequence[Side]) -> Figure:
    """Draw the distributions of bodies, throats and coordination numbers, by number.

    Diameters are inscribed ones. Pores and throats count by their weights, those that the border of the box
    cuts not at all. Densities are smoothed with a Gaussian kernel (Silverman's width); the
    coordination number is a whole number and is not smoothed.
    """
    figure = Figure(figsize=(WIDE, 3.3), layout="constrained")
    panels = figure.subplots(1, 3)
    for panel, (name, title) in zip(
        panels, (("body_diameter", "Pore bodies"), ("throat_diameter", "Throats")), strict=False
    ):
        samples = [[_of_network(m, name) for m in side.measurements] for side in sides]
        everything = np.concatenate([one for side in samples for one, _ in side] or [np.zeros(0)])
        scale = scale_for("m", float(np.median(everything)) if everything.size else 1.0)
        dress(panel, title, f"inscribed diameter [{scale.unit}]")
        if everything.size:
            grid = np.linspace(0, np.quantile(everything, 0.995) * 1.1, POINTS) * scale.factor
            for line_style, side, own in zip(cycle(LINE_STYLES), sides, samples, strict=False):
                _line_and_band(
                    panel,
                    grid,
                    [_density(one * scale.factor, weights, grid) for one, weights in own],
                    side.name,
                    line_style,
                )
        panel.set(ylim=(0, None), xlim=(0, None), yticks=[])
        panel.set_ylabel("probability density", fontsize=TEXT)
    samples = [[_of_network(m, "coordination") for m in side.measurements] for side in sides]
    everything = np.concatenate([one for side in samples for one, _ in side] or [np.zeros(0)])
    dress(panels[2], "Coordination number", "throats per pore")
    if everything.size:
        most = int(np.quantile(everything, 0.995)) + 1
        for line_style, side, own in zip(cycle(LINE_STYLES), sides, samples, strict=False):
            shares = [
                np.bincount(one.astype(int), weights, minlength=most + 1)[: most + 1] / (weights.sum() or 1)
                for one, weights in own
            ]
            _line_and_band(panels[2], np.arange(most + 1.0), shares, side.name, line_style)
        panels[2].xaxis.set_major_locator(MaxNLocator(8, integer=True))
    panels[2].set(ylim=(0, None), yticks=[])
    _legend(figure, panels)
    return figure


def filtration_curves(sides: Sequence[Side]) -> Figure:
    """Draw retention over particle size, wet over dry flow over pressure, and mercury intrusion."""
    figure = Figure(figsize=(WIDE, 3.3), layout="constrained")
    panels = figure.subplots(1, 3)
    _curves(panels[0], sides, "retention_z", "Particles retained along z", "particle diameter", percent=True)
    panels[0].axhline(90, color=GREY, lw=0.8, ls=":")
    _curves(
        panels[1], sides, "porometry_wet_z", "Gas through the wet pores along z", "pressure", percent=True
    )
    _half_dry(panels[1], sides)
    _curves(panels[2], sides, "intrusion", "Mercury intrusion", "pressure", percent=True, log=True)
    _legend(figure, panels)
    return figure


def solved_fields(fields: Mapping[str, NDArray[np.float32]], voxel_size: float) -> Figure:
    """Draw the solved fields on the middle plane x = nx // 2, z downwards: concentration and flow."""
    known = [(name, title) for name, title in FIELDS.items() if name in fields]
    ny = max((fields[name].shape[1] for name, _ in known), default=1)
    nz = max((fields[name].shape[0] for name, _ in known), default=1)
    width = WIDE / 2 - 0.6  # the rest is for the colour bar
    figure = Figure(figsize=(WIDE, min(width * nz / ny, 6.5) + 0.4), layout="constrained")
    panels = figure.subplots(1, 2, squeeze=False)[0]
    for panel, (name, title) in zip(panels, known, strict=False):
        values = fields[name]
        extent = (0.0, values.shape[1] * voxel_size, values.shape[0] * voxel_size, 0.0)
        flow = name.startswith("flow")
        top = float(np.nanquantile(values, 0.995)) if flow and np.isfinite(values).any() else 1.0
        panel.set_facecolor("#dcdcd8" if flow else "#efece4")
        drawn = panel.imshow(
            values,
            extent=extent,
            cmap=FLOW if flow else "viridis",
            vmin=0,
            vmax=top or 1.0,
            interpolation="nearest",
        )
        bare(panel)
        panel.set_title(title, fontsize=TEXT, loc="left", color=INK, pad=4)
        bar = figure.colorbar(drawn, ax=panel, fraction=0.035, pad=0.015)
        bar.outline.set_visible(False)
        bar.ax.tick_params(labelsize=TEXT - 1, colors=GREY, length=2)
        if flow:
            bar.set_ticks([0, top], labels=["0", "fast"])
    for panel in panels[len(known) :]:
        panel.axis("off")
    if known:
        scale_bar(panels[0])
    return figure


FIELDS = {
    "concentration_z": "Concentration in steady diffusion, top to bottom",
    "flow_z": "Speed of the flow, top to bottom",
}


def network_view(network: Network, shape: tuple[int, int, int]) -> Figure:
    """Draw a pore network as balls of the inscribed diameters joined by its throats.

    Parallel projection from above; farther parts are paler. Larger balls are darker.
    """
    box = np.array(shape) * network.voxel_size
    figure = Figure(figsize=(WIDE * 0.62, WIDE * 0.55))
    panel = figure.add_axes((0, 0, 1, 1))
    panel.set_aspect("equal")
    panel.axis("off")
    corners = _seen((np.array(list(np.ndindex(2, 2, 2))) - 0.5) * box)
    for a in range(8):
        for b in range(a + 1, 8):
            if (a ^ b) in (1, 2, 4):
                panel.plot(*corners[[a, b], :2].T, color="#c9cdd2", lw=0.8, zorder=0)
    centre = _seen(network.pore_centre - box / 2)
    depth = centre[:, 2]
    near = (depth - depth.min()) / max(np.ptp(depth), 1e-30) if depth.size else depth
    ends = network.throat_pores
    if len(ends):
        order = np.argsort(near[ends].mean(axis=1))
        lines = LineCollection(
            list(centre[ends[order]][:, :, :2]),
            colors=[_paler("#7a828c", s) for s in near[ends[order]].mean(axis=1)],
            linewidths=np.clip(network.throat_diameter[order] / box.max() * 200, 0.3, 6),
            zorder=1,
            capstyle="round",
        )
        panel.add_collection(lines)
    order = np.argsort(near)
    size = network.body_diameter[order]
    rank = np.argsort(np.argsort(size)) / max(size.size - 1, 1)
    ramp = LinearSegmentedColormap.from_list("size", ["#bfe0f2", "#6db3dc", BLUE, "#08306b"])
    balls = EllipseCollection(
        size,
        size,
        np.zeros_like(size),
        units="x",
        offsets=centre[order, :2],
        transOffset=panel.transData,
        facecolors=[_paler(ramp(r), s) for r, s in zip(rank, near[order], strict=True)],
        edgecolors="white",
        linewidths=0.35,
        zorder=2,
    )
    panel.add_collection(balls)
    reach = np.abs(corners[:, :2]).max(axis=0) * 1.04
    panel.set(xlim=(-reach[0], reach[0]), ylim=(-reach[1], reach[1]))
    return figure


def _seen(points: Values) -> Values:
    """Convert (z, y, x) points to (right, up, towards the viewer); z points down."""
    turn, tilt = VIEW
    z, y, x = points.T
    right = np.cos(turn) * x + np.sin(turn) * y
    back = np.cos(turn) * y - np.sin(turn) * x
    up = -np.cos(tilt) * z + np.sin(tilt) * back
    near = -np.cos(tilt) * back - np.sin(tilt) * z
    return np.stack([right, up, near], axis=1)


def _paler(colour: object, near: float) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    fog = 0.72 * (1 - near)
    r, g, b = (channel + (1 - channel) * fog for channel in to_rgb(colour))
    return r, g, b


def _of_network(measurement: Measurement, name: str) -> tuple[Values, Values]:
    """Return the values of the pores or throats that count, and their weights."""
    network = measurement.details.network
    return (np.zeros(0), np.zeros(0)) if network is None else network.counted(name)


def _density(sample: Values, weights: Values, grid: Values) -> Values:
    """Return a smooth density of a weighted sample on a grid; zero for a sample of one value."""
    if sample.size < 2 or np.ptp(sample) == 0:
        return np.zeros_like(grid)
    share = weights / weights.sum()
    scatter = float(np.sqrt(share @ (sample - share @ sample) ** 2))
    quartiles = [weighted_percentile(sample, weights, p) for p in (25, 75)]
    spread = min(scatter, (quartiles[1] - quartiles[0]) / 1.34)
    width = 0.9 * (spread or scatter) * float(share @ share) ** 0.2  # the sum is 1 / n for equal weights
    distance = (grid[:, None] - sample[None, :]) / width
    return np.asarray(np.exp(-(distance**2) / 2) @ share / (width * np.sqrt(2 * np.pi)))


def _line_and_band(
    panel: Axes, x: Values, made: Sequence[Values], name: str, line_style: tuple[str, object]
) -> None:
    if not made:
        return
    colour, style = line_style
    if len(made) > 1:
        panel.fill_between(x, np.min(made, axis=0), np.max(made, axis=0), color=colour, alpha=0.2, lw=0)
    panel.plot(x, np.mean(made, axis=0), color=colour, ls=style, lw=1.5, label=name)


def _legend(figure: Figure, panels: Iterable[Axes]) -> None:
    """Draw a legend of all sides shown in any panel below the whole figure, in their order."""
    named = {
        label: line
        for panel in panels
        for line, label in zip(*panel.get_legend_handles_labels(), strict=True)
    }
    if named:
        figure.legend(
            list(named.values()), list(named), frameon=False, fontsize=TEXT, loc="outside lower left", ncols=4
        )


def _curves(
    panel: Axes,
    sides: Sequence[Side],
    name: str,
    title: str,
    along: str,
    *,
    percent: bool = False,
    log: bool = False,
) -> None:
    """Draw a curve of all volumes as a line and a band per side, on a common grid."""
    found = [
        [m.details.curves[name] for m in side.measurements if name in m.details.curves] for side in sides
    ]
    known = [curve for side in found for curve in side]
    if not known:
        dress(panel, title, "not measured")
        panel.set(xticks=[], yticks=[])
        return
    low, high = _span(known)
    scale = scale_for(known[0].x_unit, high)
    unit, factor = (scale.unit, scale.factor)
    if known[0].x_unit == "Pa":
        unit, factor = "bar", 1e-5
    grid = np.geomspace(max(low, high * 1e-4), high, POINTS) if log else np.linspace(low, high, POINTS)
    for line_style, side, curves in zip(cycle(LINE_STYLES), sides, found, strict=False):
        drawn = [np.interp(grid, c.x, c.y) * (100 if percent else 1) for c in curves]
        _line_and_band(panel, grid * factor, drawn, side.name, line_style)
    if log:
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.xaxis.set_minor_locator(NullLocator())
    dress(panel, title + (" [%]" if percent else ""), f"{along} [{unit}]")
    panel.set(xlim=(grid[0] * factor, grid[-1] * factor), ylim=(0, None))


def _half_dry(panel: Axes, sides: Sequence[Side]) -> None:
    """Draw half of the dry flow: the mean flow pore is where the wet curve crosses it."""
    for measurement in (m for side in sides for m in side.measurements):
        dry = measurement.details.curves.get("porometry_dry_z")
        if dry is not None:
            panel.axline((0, 0), slope=50 * dry.y[-1] / (dry.x[-1] * 1e-5), color=GREY, lw=0.8, ls=":")


def _span(curves: Sequence[Curve]) -> tuple[float, float]:
    """Return the range of x where the curves change: between 0.1 and 99.9 % of their rise."""
    low, high = [], []
    for curve in curves:
        rise = curve.y - curve.y.min()
        top = rise.max() or 1.0
        moving = np.flatnonzero((rise > 0.001 * top) & (rise < 0.999 * top))
        first, last = (moving[0], moving[-1]) if moving.size else (0, curve.x.size - 1)
        low.append(curve.x[max(first - 1, 0)])
        high.append(curve.x[min(last + 1, curve.x.size - 1)])
    return float(min(low)), float(max(high))


def settling(measurement: Measurement) -> Figure:
    """Draw how numbers converge with the size of the sample: mean over sub-volumes and their spread."""
    curves = measurement.details.curves
    names = [
        name.removeprefix("settling_").removesuffix("_mean") for name in curves if name.endswith("_mean")
    ]
    figure = Figure(figsize=(WIDE, 2.6), layout="constrained")
    panels = figure.subplots(1, max(len(names), 1), squeeze=False)[0]
    for panel, name in zip(panels, names, strict=False):
        mean, sd = curves[f"settling_{name}_mean"], curves[f"settling_{name}_sd"]
        along, up = scale_for("m", mean.x[-1]), scale_of(name, mean.y_unit, float(mean.y[-1]))
        x, y, spread = mean.x * along.factor, mean.y * up.factor, np.nan_to_num(sd.y) * up.factor
        panel.fill_between(x, y - spread, y + spread, color=BLUE, alpha=0.2, lw=0)
        panel.plot(x, y, color=BLUE, lw=1.5, marker="o", ms=3)
        panel.axhline(y[-1], color=GREY, lw=0.8, ls=":")
        unit = f"\n[{up.unit}]" if up.unit else "\n"
        dress(panel, label_of(name) + unit, f"edge [{along.unit}]")
        panel.title.set_fontsize(TEXT - 0.5)
    return figure


def morphology_curves(sides: Sequence[Side]) -> Figure:
    """Draw chord lengths and local thickness of both phases."""
    figure = Figure(figsize=(WIDE, 3.1), layout="constrained")
    panels = figure.subplots(1, 4)
    for panel, (name, title, along) in zip(
        panels,
        (
            ("chord_pore", "Chords in pores", "length"),
            ("chord_solid", "Chords in solid", "length"),
            ("thickness_pore", "Pores no wider than …", "diameter"),
            ("thickness_solid", "Solid no thicker than …", "diameter"),
        ),
        strict=True,
    ):
        _curves(panel, sides, name, title, along)
        panel.set_xlim(left=0)
        if name.startswith("chord"):
            panel.set_yticks([])
    _legend(figure, panels)
    return figure
