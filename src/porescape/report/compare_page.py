"""Two pages that set structures side by side: a comparison, and a study of the pixel size."""

import math
from typing import NamedTuple

from matplotlib.figure import Figure

from porescape.compare import DISTRIBUTIONS, Comparison
from porescape.measure.numbers import GROUPS, NUMBERS
from porescape.report import measure_figures as draw
from porescape.report.drawing import BLUE, GREY, TEXT, WIDE, dress
from porescape.report.page import embed, fill
from porescape.report.words import decimals_for, label_of, scale_of, write
from porescape.resolution import ResolutionStudy
from porescape.units import format_length

# of a study of the pixel size, in this order
SHIFTING = (
    "body_diameter",
    "throat_diameter",
    "thickness_pore",
    "porosity",
    "permeability_z",
    "tortuosity_z",
)


class Cell(NamedTuple):
    """One side's number: mean, interval, and how far from the first side's."""

    mean: str
    interval: str
    difference: str


class Line(NamedTuple):
    """One number of all sides."""

    label: str
    definition: str
    unit: str
    cells: tuple[Cell, ...]


def render_comparison(found: Comparison) -> str:
    """Write a comparison as one self-contained HTML page."""
    sides = [draw.Side(side.name, side.measurements) for side in found.sides]
    names = " and ".join(side.name for side in found.sides)
    pictures = {
        "sizes": embed(
            draw.size_distributions(sides), f"Distributions of bodies, throats, coordination: {names}."
        ),
        "curves": embed(draw.morphology_curves(sides), f"Chord lengths and local thickness: {names}."),
        "filtration": embed(draw.filtration_curves(sides), f"Retention, porometry, intrusion: {names}."),
    }
    return fill(
        "compare.html.j2",
        names=[side.name for side in found.sides],
        counts=[len(side.measurements) for side in found.sides],
        box=" × ".join(map(str, found.shape)),
        voxel=format_length(found.voxel_size),
        notes=found.notes,
        groups=[(group, lines) for group in GROUPS if (lines := _lines(found, group))],
        distances=_distances(found),
        pictures=pictures,
        reasons=_reasons(found),
    )


def _lines(found: Comparison, group: str) -> list[Line]:
    lines = []
    for name, number in NUMBERS.items():
        estimates = [side.properties.get(name) for side in found.sides]
        known = [e for e in estimates if e is not None and math.isfinite(e.mean)]
        if number.group != group or not known:
            continue
        scale = scale_of(name, number.unit, known[0].mean)
        cells = []
        for i, e in enumerate(estimates):
            if e is None or e.n == 0:
                cells.append(Cell("–", "", ""))
                continue
            digits = decimals_for(e.mean * scale.factor, e.sd * scale.factor)
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


def _reasons(found: Comparison) -> list[str]:
    return [
        f"{side.name}, volume {i + 1} has no {label_of(name).lower()}: {reason}"
        for side in found.sides
        for i, measured in enumerate(side.measurements)
        for name, reason in measured.reasons.items()
    ]


def render_resolution(study: ResolutionStudy) -> str:
    """Write a study of the pixel size as one self-contained HTML page."""
    sides = [
        draw.Side(format_length(size), [r.measurement for r in result.replicas])
        for size, result in zip(study.pixel_sizes, study.results, strict=True)
    ]
    names = ", ".join(side.name for side in sides)
    rows = []
    for name, number in NUMBERS.items():
        estimates = [result.properties.get(name) for result in study.results]
        if any(e is None for e in estimates) or not math.isfinite(estimates[0].mean):  # type: ignore[union-attr]
            continue
        known = [e for e in estimates if e is not None]
        scale = scale_of(name, number.unit, known[0].mean)
        cells = []
        for e in known:
            digits = decimals_for(e.mean * scale.factor, e.sd * scale.factor)
            cells.append(f"{write(e.mean * scale.factor, digits)} ± {write(e.sd * scale.factor, digits)}")
        rows.append((label_of(name), number.definition, scale.unit or "1", cells))
    return fill(
        "resolution.html.j2",
        name=study.results[0].image.name,
        sizes=[side.name for side in sides],
        replicas=len(study.results[0].replicas),
        rows=rows,
        pictures={
            "sizes": embed(draw.size_distributions(sides), f"Distributions at pixels of {names}."),
            "shift": embed(shift(study), f"How numbers move with the pixel size, {names}."),
        },
        warnings=[
            f"{side.name}: {w}" for side, r in zip(sides, study.results, strict=True) for w in r.warnings
        ],
    )


def shift(study: ResolutionStudy) -> Figure:
    """Draw how numbers move with the pixel size: every replica a dot, their mean a line."""
    names = [name for name in SHIFTING if all(name in result.properties for result in study.results)]
    figure = Figure(figsize=(WIDE, 2.9 * -(-len(names) // 3)), layout="constrained")
    panels = figure.subplots(-(-len(names) // 3), 3, squeeze=False).ravel()
    along = scale_of("pixel_size", "m", study.pixel_sizes[-1])
    x = [size * along.factor for size in study.pixel_sizes]
    for panel, name in zip(panels, names, strict=False):
        estimates = [result.properties[name] for result in study.results]
        scale = scale_of(name, NUMBERS[name].unit, estimates[0].mean)
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
