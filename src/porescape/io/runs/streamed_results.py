"""Tables of a chunked measurement: `results.json` and a row per sub-volume."""

import csv
import io
from pathlib import Path
from typing import Any

from porescape.io.atomic import whole_file
from porescape.io.runs.run_folder import measurement_table
from porescape.measure.meters import NUMBERS
from porescape.measure.streamed.meter import ChunkedMeasurement


def blocks_table(found: ChunkedMeasurement) -> dict[str, Any]:
    """Return the table of `measurement_table`, with the origin of each number.

    Every property also has its `origin`; those from sub-volumes also have `sd`, `ci95` and `n` of the mean.
    """
    table = measurement_table(found.measurement)
    for name, entry in table["properties"].items():
        entry["origin"] = found.origin[name]
        if name in found.estimates:
            estimate = found.estimates[name]
            entry.update(sd=estimate.sd, ci95=estimate.ci95, n=estimate.n)
    table["sub_volumes"] = [{"start": window.start, "shape": window.shape} for window in found.windows]
    if found.clusters is not None:
        table["pore_clusters"] = {
            "count": found.clusters.clusters,
            "largest": found.clusters.largest,
            "closed": found.clusters.closed,
            **{f"isolated_{axis}": n for axis, n in zip("zyx", found.clusters.isolated, strict=True)},
        }
    return table


def write_sub_volumes(path: Path, found: ChunkedMeasurement) -> None:
    """Write a CSV: for each sub-volume its first voxel, its shape and its numbers in SI units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(found.estimates)
    places = [f"{what}_{axis}" for what in ("start", "shape") for axis in "zyx"]
    writer.writerow([*places, *(f"{name} [{NUMBERS[name].unit}]" for name in names)])
    for window, part in zip(found.windows, found.parts, strict=True):
        writer.writerow([*window.start, *window.shape, *(repr(part.values[name]) for name in names)])
    with whole_file(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
