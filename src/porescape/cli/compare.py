"""`compare`: comparison of structures."""

import math
from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import (
    Json,
    MeasureOptions,
    OutFolder,
    Overwrite,
    VoxelSize,
    Workers,
    length_or_none,
    parse_size,
)
from porescape.cli.say import answer, progress_bar, quantity, say, table_of


@command
def compare(
    structures: Annotated[
        list[Path],
        typer.Argument(help="Run folders and volume files; the first is the reference.", show_default=False),
    ],
    measuring: MeasureOptions,
    voxel_size: VoxelSize = None,
    resample: Annotated[
        str | None, typer.Option(help='Resample every volume to this voxel size, e.g. "0.4 um".')
    ] = None,
    size: Annotated[
        str | None, typer.Option(help='Common box in voxels, to which volumes are cut: "128", "64x128x128".')
    ] = None,
    workers: Workers = None,
    out: OutFolder = Path("porescape-compare"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Compare reconstructions with a tomography or each other: same voxels, same box, same measurement."""
    from porescape.io.atomic import check_writable
    from porescape.io.runs.comparison import comparison_table, read_sample, write_comparison
    from porescape.io.runs.run_folder import to_json
    from porescape.jobs.compare import Sample
    from porescape.jobs.compare import compare as side_by_side
    from porescape.parallel import available_cores

    check_writable(out, overwrite)
    given = length_or_none(voxel_size)
    samples: list[Sample] = [read_sample(path, given) for path in structures]
    new_size = length_or_none(resample)
    box = None if size is None else parse_size(size, new_size or samples[0].volumes[0].voxel_size)
    settings = measuring.settings()
    with progress_bar("measuring", None) as advance:
        found = side_by_side(
            samples,
            settings,
            resample=new_size,
            size=box,
            workers=workers or available_cores(),
            progress=advance,
        )
    write_comparison(out, found, overwrite)
    for note in found.notes:
        say(f"note: {note}")
    rows = []
    for name in found.sides[0].properties:
        cells = []
        for i, side in enumerate(found.sides):
            estimate, off = side.properties[name], found.difference(name, i)
            differs = f" ({off:+.1f} %)" if i and math.isfinite(off) else ""
            cells.append(quantity(estimate.mean, estimate.unit) + differs)
        rows.append((name, *cells))
    table_of("comparison", ("number", *(side.name for side in found.sides)), rows)
    say(f"open {out / 'compare.html'}")
    if as_json:
        answer(to_json(comparison_table(found)))
