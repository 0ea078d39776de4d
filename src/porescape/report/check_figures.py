"""The figure of the checks of the image."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from porescape.core.check import Check
from porescape.core.image import PhaseImage
from porescape.report.drawing import BLUE, GREY, INK, ORANGE, TEXT, WIDE, bare, coloured, dress, show_phases
from porescape.report.image_figures import outline_pores
from porescape.report.words import scale_for
from porescape.section.checks.sharpness import CHORD
from porescape.section.checks.size import POROSITY_ERROR

WORDS = {"ok": "passed", "warn": "doubtful", "fail": "failed"}
STYLES: dict[str, dict[str, Any]] = {
    "y": {"color": INK, "marker": "o", "ls": "-"},
    "x": {"color": BLUE, "marker": "s", "ls": (0, (4, 1.5))},
}
ERROR_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def checks_figure(phase: PhaseImage, checks: Sequence[Check]) -> Figure:
    """Draw the results of the checks of the mask; `depth_figure` draws the fifth.

    Lengths by direction, where a circle is isotropic; porosity and pore-to-pore distance in strips along
    y and x; the expected error of the porosity by the width of the field of view; the lengths of the
    chords in pixels; and the image with the tiles from which the scatter by chance is estimated.

    Parameters
    ----------
    phase : PhaseImage
        The image that was checked.
    checks : sequence of Check
        From `porescape.section.checks.check_image` or `check_segmented`.
    """
    found = {check.name: check for check in checks}
    isotropy, stationarity, size, sharpness = (
        found[name] for name in ("isotropy", "stationarity", "size", "sharpness")
    )
    figure = Figure(figsize=(WIDE, 7.0), layout="constrained")
    grid = figure.add_gridspec(2, 3)
    _rose(figure.add_subplot(grid[0, 0], projection="polar"), isotropy)
    _profiles(figure.add_subplot(grid[0, 1]), stationarity, "porosity", phase)
    _profiles(figure.add_subplot(grid[0, 2]), stationarity, "distance", phase)
    _errors(figure.add_subplot(grid[1, 0]), size)
    _chords(figure.add_subplot(grid[1, 1]), sharpness, phase)
    _tiled(figure.add_subplot(grid[1, 2]), stationarity, phase)
    return figure


def depth_figure(checks: Sequence[Check]) -> Figure | None:
    """Draw the picture, the pores of its mask, and those in the plane of the cut.

    None if the depth was not checked, as in a binary image and in older runs.
    """
    check = next((one for one in checks if one.name == "depth" and one.curves), None)
    if check is None:
        return None
    grey, used, plane = (check.curves[name].astype(np.float32) for name in ("grey", "used", "plane"))
    values = check.values
    pictures = {
        "the picture": coloured(grey),
        f"pores of the mask, {values['porosity']:.2f}": outline_pores(grey, used > 0.5),
        f"pores in the plane, {values['porosity_of_plane']:.2f} ± {values['half_width_of_plane']:.2f}": (
            outline_pores(grey, plane > 0.5)
        ),
    }
    tall = WIDE / 3 * grey.shape[0] / grey.shape[1]
    figure = Figure(figsize=(WIDE, tall + 0.4), layout="constrained")
    for panel, (title, picture) in zip(figure.subplots(1, 3), pictures.items(), strict=True):
        panel.imshow(picture, vmin=0, vmax=1)
        panel.set_axis_off()
        panel.set_title(title, fontsize=TEXT + 1, color=INK)
    return figure


def _rose(panel: Axes, check: Check) -> None:
    """Draw lengths divided by their means: chords are several times as long as correlation lengths."""
    curves = check.curves
    turn = np.radians(curves["angle"])
    length = curves["correlation"] / curves["correlation"].mean()
    per_mean = 1 / curves["chord_fit"].mean()
    ways = np.radians(np.concatenate([curves["chord_angle"], curves["chord_angle"] + 180]))
    chords = np.tile(curves["chord"], 2) * per_mean
    panel.plot(turn, length, color=INK, lw=1.5, label="correlation length")
    panel.plot(turn, curves["chord_fit"] * per_mean, color=BLUE, lw=1.0, ls=(0, (4, 1.5)))
    panel.plot(ways, chords, "s", color=BLUE, ms=4.5, label="mean chord")
    panel.plot(turn, np.ones_like(turn), color=GREY, lw=0.8, ls=":", label="isotropic")
    panel.set_ylim(0, 1.1 * max(1.0, float(length.max()), float(chords.max())))
    panel.set_yticks([])
    panel.set_xticks(np.radians([0, 90, 180, 270]), ["x", "y", "", ""])
    panel.tick_params(labelsize=TEXT, colors=GREY, pad=-2)
    panel.grid(color="#d7dade", lw=0.6)
    panel.spines["polar"].set(color="#b8bcc2", linewidth=0.8)
    _entitle(panel, check, "length / mean length, by direction")
    panel.legend(
        frameon=False, fontsize=TEXT - 1, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=3,
        columnspacing=1.0, handlelength=1.4,
    )  # fmt: skip


def _profiles(panel: Axes, check: Check, what: str, phase: PhaseImage) -> None:
    curves = check.curves
    depth = scale_for("m", max(phase.pore.shape) * phase.pixel_size)
    middle = phase.porosity if what == "porosity" else float(1 / np.mean(1 / curves["distance_y"]))
    factor, unit = (100.0, "%") if what == "porosity" else scale_for("m", middle)
    for letter, style in STYLES.items():
        edges, means = curves[f"edges_{letter}"] * depth.factor, curves[f"{what}_{letter}"] * factor
        panel.plot((edges[1:] + edges[:-1]) / 2, means, ms=4, lw=1.4, label=f"along {letter}", **style)
        half = curves[f"{what}_{letter}_expected"][0]
        low, high = (middle - half) * factor, (middle + half) * factor
        panel.fill_between(edges, low, high, color=style["color"], alpha=0.13, lw=0)
    panel.fill_between([], [], [], color=GREY, alpha=0.3, lw=0, label="95 % by chance")
    dress(panel, "", f"depth [{depth.unit}]")
    _entitle(panel, check, "porosity in strips" if what == "porosity" else "pore-to-pore distance in strips")
    panel.set_ylabel(f"{'porosity' if what == 'porosity' else 'pore + solid chord'} [{unit}]", fontsize=TEXT)
    low, high = panel.get_ylim()
    panel.set_ylim(low, high + 0.22 * (high - low))  # room for the legend
    panel.xaxis.set_major_locator(MaxNLocator(5))
    panel.legend(frameon=False, fontsize=TEXT - 1, ncols=2, loc="upper left")


def _errors(panel: Axes, check: Check) -> None:
    curves = check.curves
    side, error = curves["side"], curves["error"]
    scale = scale_for("m", float(side[0] * side[-1]) ** 0.5)
    panel.plot(side * scale.factor, error, color=INK, lw=1.5, label="expected from S₂")
    panel.plot(
        curves["window_side"] * scale.factor,
        curves["window_error"],
        "o",
        mfc="none",
        mec=BLUE,
        ms=4.5,
        label="windows of this image",
    )
    here = check.values["porosity_error"]
    if here > 0:  # a regular pattern has none
        panel.plot(
            error[0] * side[0] / here * scale.factor, here, "D", color=ORANGE, ms=6, label="this image"
        )
        panel.set(yscale="log")
        panel.yaxis.set_major_locator(FixedLocator(ERROR_TICKS))
        panel.yaxis.set_minor_locator(NullLocator())
    panel.axhline(POROSITY_ERROR[0], color=GREY, lw=0.8, ls=":")
    panel.set(xscale="log")
    panel.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    panel.xaxis.set_minor_locator(NullLocator())
    panel.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:g} %"))
    dress(panel, "", f"width of the field of view [{scale.unit}]")
    _entitle(panel, check, "95 % error of the porosity")
    panel.legend(frameon=False, fontsize=TEXT - 1, loc="lower left")


def _chords(panel: Axes, check: Check, phase: PhaseImage) -> None:
    pixels = check.curves["length"] / phase.pixel_size
    styles: dict[str, dict[str, Any]] = {
        "pore": {"color": INK},
        "solid": {"color": BLUE, "ls": (0, (4, 1.5))},
    }
    for name, style in styles.items():
        panel.step(pixels, 100 * check.curves[f"share_{name}"], where="mid", lw=1.3, label=name, **style)
    panel.axvline(check.values["chord_pixels"], color=ORANGE, lw=1.3, label="mean of the thinner phase")
    for limit, line in zip(CHORD, (":", "--"), strict=True):
        panel.axvline(limit, color=GREY, lw=0.8, ls=line)
    panel.set(xlim=(0, pixels[-1]))
    panel.set_ylim(bottom=0)
    panel.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    dress(panel, "", "chord [pixels]")
    _entitle(panel, check, "lengths of the chords")
    panel.set_ylabel("share of the chords [%]", fontsize=TEXT)
    panel.legend(frameon=False, fontsize=TEXT - 1, loc="upper right")


def _tiled(panel: Axes, check: Check, phase: PhaseImage) -> None:
    show_phases(panel, phase.pore, phase.pixel_size)
    for edge in check.curves["edges_y"][1:-1]:
        panel.axhline(edge, color=ORANGE, lw=0.8)
    for edge in check.curves["edges_x"][1:-1]:
        panel.axvline(edge, color=ORANGE, lw=0.8)
    bare(panel)
    panel.set_title("Tiles for the\nscatter by chance", fontsize=TEXT + 0.5, loc="left", color=INK)


def _entitle(panel: Axes, check: Check, what: str) -> None:
    panel.set_title(
        f"{check.name.capitalize()}: {WORDS[check.status]}\n{what}",
        fontsize=TEXT + 0.5,
        loc="left",
        color=INK,
    )
