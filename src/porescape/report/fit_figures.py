"""Figures of the fit: the loss of every trial, and of the families that were compared."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, ScalarFormatter

from porescape.core.results import Replica, Stage
from porescape.report.drawing import (
    INK,
    TEXT,
    WIDE,
    blues,
    dress,
)


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
