"""The pages of a comparison of structures and of a resolution study."""

import math
from typing import NamedTuple

from matplotlib.figure import Figure

from porescape.core.measurement import Estimate
from porescape.jobs.compare import DISTRIBUTIONS, Comparison
from porescape.jobs.resolution import ResolutionStudy
from porescape.measure.meters import GROUPS, NUMBERS
from porescape.report import measure_figures as draw
from porescape.report.drawing import BLUE, GREY, TEXT, WIDE, dress
from porescape.report.page import Picture, embed, fill
from porescape.report.words import Scale, decimals_of, label_of, missing, scale_of, write
from porescape.units import format_length, format_shape

# of a resolution study, in this order
SHIFTING = (
    "body_diameter",
    "throat_diameter",
    "thickness_pore",
    "porosity",
    "permeability_z",
    "tortuosity_z",
)


class Cell(NamedTuple):
    """A number of one side: mean, interval, and difference from the first side."""

    mean: str
    interval: str
    difference: str


class Line(NamedTuple):
    """One number for all sides."""

    label: str
    definition: str
    unit: str
    cells: tuple[Cell, ...]


def render_comparison(found: Comparison) -> str:
    """Write a comparison as one self-contained HTML page."""
    sides = [draw.Side(side.name, side.measurements) for side in found.sides]
    names = " and ".join(side.name for side in found.sides)
    known = {name for side in sides for m in side.measurements for name in m.details.curves}
    pictures = _sizes(sides, f"Distributions of bodies, throats, coordination: {names}.")
    if known & {"chord_pore", "thickness_pore"}:
        pictures["curves"] = embed(
            draw.morphology_curves(sides), f"Chord lengths and local thickness: {names}."
        )
    if known & {"retention_z", "porometry_wet_z", "intrusion"}:
        pictures["filtration"] = embed(
            draw.filtration_curves(sides), f"Retention, porometry, intrusion: {names}."
        )
    return fill(
        "compare.html.j2",
        names=[side.name for side in found.sides],
        counts=[len(side.measurements) for side in found.sides],
        box=format_shape(found.shape, " × "),
        voxel=format_length(found.voxel_size),
        notes=found.notes,
        too_small=[note for side in sides for note in _too_small(side)],
        groups=[(group, lines) for group in GROUPS if (lines := _lines(found, group))],
        distances=_distances(found),
        pictures=pictures,
        reasons=[
            reason
            for side in sides
            for reason in missing([(_nth(side, i), m) for i, m in enumerate(side.measurements)])
        ],
    )


def _sizes(sides: list[draw.Side], alt: str) -> dict[str, Picture]:
    """Return the figure of the size distributions, if there is a network."""
    if all(m.details.network is None for side in sides for m in side.measurements):
        return {}
    return {"sizes": embed(draw.size_distributions(sides), alt)}


def _nth(side: draw.Side, index: int) -> str:
    return f"volume {index + 1} of {side.name}"


def _too_small(side: draw.Side) -> list[str]:
    """Return the numbers for which the first volume of a side is too small; the others have the same size."""
    return [f"{_nth(side, 0)}: {warning}" for warning in side.measurements[0].warnings]


def _lines(found: Comparison, group: str) -> list[Line]:
    lines = []
    for name, number in NUMBERS.items():
        estimates = [side.properties.get(name) for side in found.sides]
        known = [e for e in estimates if e is not None and math.isfinite(e.mean)]
        if number.group != group or not known:
            continue
        scale = scale_of(name, number.unit, known[0].mean)
        digits = _digits(known, scale)
        cells = []
        for i, e in enumerate(estimates):
            if e is None or e.n == 0:
                cells.append(Cell("–", "", ""))
                continue
            low, high = (write(end * scale.factor, digits) for end in e.ci95)
            off = found.difference(name, i) if i else math.nan
            cells.append(
                Cell(
                    write(e.mean * scale.factor, digits),
                    f"{low} … {high}" if e.n > 1 else "",
                    f"{off:+.1f} %".replace("-", "−") if math.isfinite(off) else "",
                )
            )
        lines.append(Line(label_of(name), number.definition, scale.unit or "1", tuple(cells)))
    return lines


def _distances(found: Comparison) -> list[tuple[str, str, list[str]]]:
    rows = []
    for name, unit in DISTRIBUTIONS.items():
        values = [found.wasserstein(name, i) for i in range(1, len(found.sides))]
        if not any(math.isfinite(v) for v in values):
            continue
        scale = scale_of(name, unit, max(v for v in values if math.isfinite(v)))
        rows.append((label_of(name), scale.unit or "1", [write(v * scale.factor, 3) for v in values]))
    return rows


def _digits(estimates: list[Estimate], scale: Scale) -> int:
    """Return the number of decimals for all cells of a row; fractions have at most 0.01 %."""
    digits = max(decimals_of(e, scale.factor) for e in estimates)
    return min(digits, 2) if scale.unit == "%" else digits


def render_resolution(study: ResolutionStudy) -> str:
    """Write a resolution study as one self-contained HTML page."""
    sides = [
        draw.Side(format_length(size), [r.measurement for r in result.replicas])
        for size, result in zip(study.pixel_sizes, study.results, strict=True)
    ]
    names = ", ".join(side.name for side in sides)
    rows = []
    for name, number in NUMBERS.items():
        estimates = [result.properties[name] for result in study.results if name in result.properties]
        known = [e for e in estimates if e.n]
        if not known:
            continue
        scale = scale_of(name, number.unit, known[0].mean)
        digits = _digits(known, scale)
        cells = [
            write(e.mean * scale.factor, digits)
            + (f" ± {write(e.sd * scale.factor, digits)}" if e.n > 1 else "")
            for e in estimates
        ]
        rows.append((label_of(name), number.definition, scale.unit or "1", cells))
    return fill(
        "resolution.html.j2",
        name=study.results[0].image.name,
        sizes=[side.name for side in sides],
        replicas=len(study.results[0].replicas),
        rows=rows,
        pictures=_sizes(sides, f"Distributions at pixels of {names}.")
        | {"shift": embed(shift(study), f"How the numbers depend on the pixel size, {names}.")},
        warnings=_warnings(study),
        reasons=missing(
            [
                (f"replica {replica.index + 1} at {side.name}", replica.measurement)
                for side, result in zip(sides, study.results, strict=True)
                for replica in result.replicas
            ]
        ),
    )


def _warnings(study: ResolutionStudy) -> list[str]:
    """Return every warning once, with the pixel sizes at which it was given."""
    given: dict[str, list[str]] = {}
    for size, result in zip(study.pixel_sizes, study.results, strict=True):
        for warning in result.warnings:
            given.setdefault(warning, []).append(format_length(size))
    return [f"{', '.join(sizes)}: {warning}" for warning, sizes in given.items()]


def shift(study: ResolutionStudy) -> Figure:
    """Draw how the numbers depend on the pixel size: every replica as a dot, their mean as a line."""
    known = {name for result in study.results for name, e in result.properties.items() if e.n}
    names = [name for name in SHIFTING if name in known]
    names = names or [name for name in NUMBERS if name in known][: len(SHIFTING)]
    columns = min((3, 4), key=lambda n: (-len(names) % n, n))  # as few empty panels as possible
    rows = max(-(-len(names) // columns), 1)
    figure = Figure(figsize=(WIDE, 2.7 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    along = scale_of("pixel_size", "m", study.pixel_sizes[-1])
    x = [size * along.factor for size in study.pixel_sizes]
    for panel, name in zip(panels, names, strict=False):
        estimates = [result.properties[name] for result in study.results]
        scale = scale_of(name, NUMBERS[name].unit, next(e.mean for e in estimates if e.n))
        for at, result in zip(x, study.results, strict=True):
            values = [r.measurement.values[name] * scale.factor for r in result.replicas]
            panel.plot([at] * len(values), values, "o", ms=3.5, color=GREY, alpha=0.7)
        panel.plot(x, [e.mean * scale.factor for e in estimates], color=BLUE, lw=1.5, marker="_", ms=12)
        dress(
            panel, label_of(name) + (f" [{scale.unit}]" if scale.unit else ""), f"pixel size [{along.unit}]"
        )
        panel.set_xticks(x)
        panel.tick_params(labelsize=TEXT - 0.5)
    for panel in panels[len(names) :]:
        panel.axis("off")
    return figure
