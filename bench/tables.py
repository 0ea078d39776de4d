"""Tables of errors: what `ways` found against the truth. Nothing here is measured or kept.

An error is that of the mean over a slice's replicas, signed, in % of the truth. "Means over slices" are the
means of these errors over a material's slices, before any sign is dropped; "every slice" are all of them. A
number that the truth has and no replica has (no flow where nothing connects) counts as wrong without bound.
"""

from collections.abc import Iterator, Sequence
from math import inf, isfinite

import numpy as np

from curves import CURVES, relative_l1
from ways import EYES, TrueCurves, Way

Truths = dict[str, dict[str, tuple[float, float]]]  # per material and number: mean, standard deviation
UNBOUNDED = 1e9  # % in place of what no replica has, so that percentiles can be taken


def rows_of(truths: Truths) -> list[tuple[str, str]]:
    """Return the materials and numbers that can be compared: those the truth itself has."""
    return [
        (name, number)
        for name, numbers in truths.items()
        for number, (mean, _) in numbers.items()
        if isfinite(mean) and mean != 0
    ]


def errors(way: Way, truths: Truths) -> np.ndarray:
    """Return signed errors [%], shape (rows, slices)."""
    return np.array(
        [
            [
                _error(found[number][: way.replicas], number, truths[name][number][0])
                for found in way.slices[name]
            ]
            for name, number in rows_of(truths)
        ]
    )


def _error(values: Sequence[float], number: str, mean: float) -> float:
    known = [value for value in values if isfinite(value)]
    if not known:
        return inf
    sign = np.sign(mean) if number == "euler_density" else 1  # + is fewer tunnels
    return 100 * sign * (float(np.mean(known)) / mean - 1)


def main_table(ways: Sequence[Way], truths: Truths) -> Iterator[str]:
    """Every number of every material: the last of our own ways slice by slice, the others' means."""
    ours, others = ways[0], ways[1:]
    found = errors(ours, truths)
    means = [errors(way, truths).mean(axis=1) for way in others]
    heads = [f"slice {i + 1}" for i in range(found.shape[1])]
    yield _line(
        "material", "number", "truth", "its scatter %", *heads, "mean error %", "its standard error %",
        "SD of one replica %", *(f"{way.title} %" for way in others),
    )  # fmt: skip
    yield "|" + "---|" * (7 + len(heads) + len(others))
    for row, (name, number) in enumerate(rows_of(truths)):
        mean, scatter = truths[name][number]
        spread = [_spread(one[number][: ours.replicas]) / abs(mean) for one in ours.slices[name]]
        yield _line(
            name, number, f"{mean:.4g}", f"{100 * scatter / abs(mean):.1f}",
            *map(_signed, found[row]), _signed(found[row].mean()), _plain(_standard_error(found[row])),
            _plain(100 * float(np.mean(spread))), *(_signed(other[row]) for other in means),
        )  # fmt: skip


def _spread(values: Sequence[float]) -> float:
    known = [value for value in values if isfinite(value)]
    return float(np.std(known, ddof=1)) if len(known) > 1 else np.nan


def _standard_error(found: np.ndarray) -> float:
    """Of the mean over slices: what the chance of slices and replicas leaves open."""
    known = len(found) > 1 and np.isfinite(found).all()
    return float(found.std(ddof=1)) / np.sqrt(len(found)) if known else np.nan


def curve_distances(way: Way, curves: dict[str, TrueCurves]) -> tuple[np.ndarray, np.ndarray]:
    """Return relative L1 [%] of the curves' means over slices, shape (materials x curves,), and of every
    slice's, shape (materials x curves, slices)."""
    of_means, of_slices = [], []
    for name, true in curves.items():
        for curve in CURVES:
            each = [np.mean(found[curve][: way.replicas], axis=0) for found in way.slices[name]]
            of_slices.append([100 * relative_l1(one, true.mean[curve], true.last) for one in each])
            of_means.append(100 * relative_l1(np.mean(each, axis=0), true.mean[curve], true.last))
    return np.array(of_means), np.array(of_slices)


def curve_table(ways: Sequence[Way], curves: dict[str, TrueCurves]) -> Iterator[str]:
    """Relative L1 of every curve of every material: of the mean over slices, in brackets the worst slice."""
    found = [curve_distances(way, curves) for way in ways]
    yield _line("material", "curve", "lags [voxels]", "truth's own %", *(f"{way.title} %" for way in ways))
    yield "|" + "---|" * (4 + len(ways))
    row = 0
    for name, true in curves.items():
        for curve in CURVES:
            solid_grains = [f"{means[row]:.1f} ({each[row].max():.1f})" for means, each in found]
            yield _line(name, curve, f"0-{true.last}", f"{100 * true.scatter[curve]:.1f}", *solid_grains)
            row += 1


def eye_table(ways: Sequence[Way], names: Sequence[str]) -> Iterator[str]:
    """Crops told right [%] per material: mean and range over slices and replicas."""
    yield _line("material", "against", *(way.title for way in ways))
    yield "|" + "---|" * (2 + len(ways))
    for name in names:
        for two_sample, what in zip(EYES, ("its image", "whole truth"), strict=True):
            told = [_told(way, two_sample, [name]) for way in ways]
            yield _line(name, what, *(f"{t.mean():.0f} ({t.min():.0f}-{t.max():.0f})" for t in told))


def _told(way: Way, two_sample: str, names: Sequence[str]) -> np.ndarray:
    return 100 * np.array([found[two_sample][: way.replicas] for name in names for found in way.slices[name]])


def summary(ways: Sequence[Way], truths: Truths, curves: dict[str, TrueCurves]) -> Iterator[str]:
    """One line per way, the first being ours: errors of means over slices, in brackets of every slice."""
    yield _line(
        "method", "median error %", "90th percentile %", "largest %", "curves: median %", "largest %",
        "eye, its image %", "eye, truth %", "seconds per reconstruction", "median / ours",
    )  # fmt: skip
    yield "|" + "---|" * 10
    ours = np.nan
    for way in ways:
        found = errors(way, truths)
        shown = [
            f"{_plain(quantile(found.mean(axis=1), q))} ({_plain(quantile(found, q))})" for q in (50, 90, 100)
        ]
        median = quantile(found.mean(axis=1), 50)
        ours = median if way is ways[0] else ours
        means, each = curve_distances(way, curves)
        shown += [f"{np.median(means):.1f} ({np.median(each):.1f})", f"{means.max():.1f} ({each.max():.1f})"]
        shown += [f"{_told(way, two_sample, list(truths)).mean():.0f}" for two_sample in EYES]
        yield _line(way.title, *shown, _seconds(way), f"{median / ours:.1f}" if ours else "–")


def _seconds(way: Way) -> str:
    every = [
        s for slices in way.slices.values() for found in slices for s in found["seconds"][: way.replicas]
    ]
    known = [s for s in every if isfinite(s)]
    return f"{np.median(known):.3g}" if known else "not kept"


def leave_one_out(ways: Sequence[Way], truths: Truths) -> Iterator[str]:
    """For each material the variant that the others' median chooses, and what it brings there."""
    size = {way.title: np.abs(errors(way, truths).mean(axis=1)) for way in ways}
    own = np.array([name for name, _ in rows_of(truths)])
    yield _line(
        "left out", "chosen on the others", "their median %", "its median %", "90th percentile %", "largest %"
    )
    yield "|" + "---|" * 6
    held_out = []
    for name in truths:
        others = {title: quantile(found[own != name], 50) for title, found in size.items()}
        best = min(others, key=lambda title: others[title])
        mine = size[best][own == name]
        held_out.append(mine)
        yield _line(name, best, _plain(others[best]), *(_plain(quantile(mine, q)) for q in (50, 90, 100)))
    every = np.concatenate(held_out)
    yield _line("all, each left out", "", "", *(_plain(quantile(every, q)) for q in (50, 90, 100)))


def quantile(found: np.ndarray, percent: float) -> float:
    """Return a percentile of absolute errors; what no replica has is larger than all."""
    return float(np.percentile(np.minimum(np.abs(found), UNBOUNDED), percent))


def _line(*solid_grains: str) -> str:
    return "| " + " | ".join(solid_grains) + " |"


def _signed(error: float) -> str:
    return f"{error:+.1f}" if isfinite(error) else "no value"


def _plain(error: float) -> str:
    if np.isnan(error):  # the spread of a single replica
        return "–"
    return f"{error:.1f}" if error < UNBOUNDED / 10 else "no value"
