"""Comparisons and resolution studies: read structures from run folders or files; write page, CSV, JSON."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from porescape.errors import InputError
from porescape.io.atomic import whole_file, whole_folder
from porescape.io.runs.run_folder import SCHEMA_VERSION, estimate_table, to_json
from porescape.io.runs.settings import run_file
from porescape.io.volumes.volume import read_volume
from porescape.jobs.compare import DISTRIBUTIONS, Comparison, Sample
from porescape.jobs.resolution import ResolutionStudy
from porescape.measure.meters import NUMBERS
from porescape.report.compare_page import render_comparison, render_resolution
from porescape.version import __version__


def read_sample(path: Path | str, voxel_size: float | None = None) -> Sample:
    """Read one side of a comparison: all replicas of a run folder, or the one volume of a file.

    Parameters
    ----------
    path : path
        A run folder, or anything `read_volume` reads.
    voxel_size : float, optional
        For files that do not contain it [m].
    """
    path = Path(path)
    name = path.resolve().name
    if run_file(path).is_file():
        files = sorted(path.glob("replica-[0-9]*.tif"))
        if not files:
            raise InputError(f"{path} has a run.toml but no replica-01.tif; wanted a complete run folder")
        return Sample(name, tuple(read_volume(file) for file in files))
    return Sample(name, (read_volume(path, voxel_size),))


def write_comparison(folder: Path | str, found: Comparison, overwrite: bool = False) -> None:
    """Write `compare.html`, `compare.csv` and `compare.json` into a new or empty folder."""
    header = ["number", "unit"]
    for i, side in enumerate(found.sides):
        header += [f"{side.name} {what}" for what in ("mean", "sd", "ci95 low", "ci95 high", "n")]
        header += [f"{side.name} difference %"] if i else []
    rows: list[list[object]] = []
    for name, number in NUMBERS.items():
        if not any(name in side.properties for side in found.sides):
            continue
        row: list[object] = [name, number.unit]
        for i, side in enumerate(found.sides):
            e = side.properties.get(name)
            row += ["", "", "", "", 0] if e is None else [e.mean, e.sd, *e.ci95, e.n]
            row += [found.difference(name, i)] if i else []
        rows.append(row)
    _write(
        Path(folder), "compare", render_comparison(found), comparison_table(found), [header, *rows], overwrite
    )


def comparison_table(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain tables."""
    others = range(1, len(found.sides))
    return {
        "schema_version": SCHEMA_VERSION,
        "porescape": __version__,
        "voxel_size": found.voxel_size,
        "shape": list(found.shape),
        "notes": list(found.notes),
        "reference": found.sides[0].name,
        "sides": [
            {
                "name": side.name,
                "volumes": len(side.measurements),
                "properties": {name: estimate_table(e) for name, e in side.properties.items()},
                "values": [m.values for m in side.measurements],
                "reasons": [m.reasons for m in side.measurements],
                "too_small_for": [list(m.warnings) for m in side.measurements],
            }
            for side in found.sides
        ],
        "difference_percent": {
            found.sides[i].name: {name: found.difference(name, i) for name in found.sides[i].properties}
            for i in others
        },
        "wasserstein": {
            found.sides[i].name: {
                name: {"value": found.wasserstein(name, i), "unit": unit}
                for name, unit in DISTRIBUTIONS.items()
            }
            for i in others
        },
    }


def write_resolution(folder: Path | str, study: ResolutionStudy, overwrite: bool = False) -> None:
    """Write `resolution.html`, `resolution.csv` and `resolution.json` into a new or empty folder."""
    rows: list[list[object]] = [["pixel size [m]", "replica", *study.results[0].properties]]
    for size, result in zip(study.pixel_sizes, study.results, strict=True):
        for replica in result.replicas:
            values = replica.measurement.values
            rows.append(
                [size, replica.index + 1, *(values.get(n, math.nan) for n in study.results[0].properties)]
            )
    _write(Path(folder), "resolution", render_resolution(study), resolution_table(study), rows, overwrite)


def resolution_table(study: ResolutionStudy) -> dict[str, Any]:
    """Return a resolution study as plain tables."""
    return {
        "schema_version": SCHEMA_VERSION,
        "porescape": __version__,
        "image": study.results[0].image.name,
        "sha256": study.results[0].image.sha256,
        "seed": study.results[0].seed,
        "pixel_sizes": [
            {
                "pixel_size": size,
                "shape": list(result.settings.output.size),
                "image_porosity": result.phase.porosity,
                "properties": {name: estimate_table(e) for name, e in result.properties.items()},
                "replicas": [replica.measurement.values for replica in result.replicas],
                "reasons": [replica.measurement.reasons for replica in result.replicas],
                "warnings": list(result.warnings),
            }
            for size, result in zip(study.pixel_sizes, study.results, strict=True)
        ],
    }


def _write(
    folder: Path,
    stem: str,
    page: str,
    table: dict[str, Any],
    rows: Sequence[Sequence[object]],
    overwrite: bool,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row])
    with whole_folder(folder, overwrite) as temporary:
        for name, content in (
            (f"{stem}.html", page),
            (f"{stem}.csv", text.getvalue()),
            (f"{stem}.json", to_json(table)),
        ):
            with whole_file(temporary / name) as file:
                file.write_text(content, encoding="utf-8")
