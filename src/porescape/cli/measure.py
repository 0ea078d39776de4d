"""`measure`: the numbers of any volume."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import Json, MeasureOptions, Overwrite, VoxelSize, length_or_none
from porescape.cli.say import answer, progress_bar, readable, say, table_of


@command
def measure(
    volume: Annotated[
        Path,
        typer.Argument(
            help="TIFF stack or folder of slices, .npy, .npz, .vti, .nrrd or OME-Zarr.", show_default=False
        ),
    ],
    measuring: MeasureOptions,
    voxel_size: VoxelSize = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of a grey volume, in its own numbers; Otsu's by default.")
    ] = None,
    pore: Annotated[
        str | None, typer.Option(help="dark or bright; by default dark of grey, the larger of two values.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for pores, throats, curves and results.json: new or empty.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Measure any volume: pores, throats, tortuosity, permeability, retention, each with its definition."""
    from porescape.io.atomic import whole_folder
    from porescape.io.network import write_openpnm
    from porescape.io.run_folder import measurement_table, to_json, write_measured
    from porescape.io.settings import settings_table
    from porescape.io.volume import read_volume_with_source
    from porescape.measure.meters import measure_volume, steps

    settings = measuring.settings()
    steps_in_all = steps(settings.numbers)
    source = read_volume_with_source(
        volume,
        length_or_none(voxel_size),
        threshold=threshold,
        pore=pore,  # type: ignore[arg-type]  # checked there
    )
    subject = source.volume
    for warning in source.warnings:
        say(f"note: {warning}")
    with progress_bar("measuring", steps_in_all) as advance:
        measurement = measure_volume(subject, settings, progress=lambda step, done, of: advance(step))
    table = {
        "file": volume.name,
        "sha256": source.sha256,
        "voxel_size": subject.voxel_size,
        "voxel_size_source": source.voxel_size_source,
        "shape": subject.shape,
        "pore": source.pore,
        "threshold": source.threshold,
        "threshold_source": source.threshold_source,
        "settings": settings_table(settings),
        **measurement_table(measurement),
    }
    if out is not None:
        with whole_folder(out, overwrite) as folder:
            write_measured(folder, "volume", measurement)
            network = measurement.details.network
            if network is not None and len(network.throat_pores):  # OpenPNM reads none without throats
                write_openpnm(folder / "volume-openpnm.csv", network)
            (folder / "results.json").write_text(to_json(table), encoding="utf-8")
        say(f"pores, throats and curves in {out}")
    if as_json:
        answer(to_json(table))
    else:
        table_of(volume.name, ("number", "value"), list(readable(measurement.values).items()))
        for reason, names in _same_reasons(measurement.reasons).items():
            say(f"{', '.join(names)}: {reason}")
        for warning in measurement.warnings:
            say(f"note: {warning}")


def _same_reasons(reasons: dict[str, str]) -> dict[str, list[str]]:
    """Gather the numbers that are missing for one reason."""
    gathered: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        gathered.setdefault(reason, []).append(name)
    return gathered
