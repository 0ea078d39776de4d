"""`measure`: the numbers of any volume, in memory if it fits, otherwise piece by piece."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from porescape.cli.app import command
from porescape.cli.options import Json, MeasureOptions, Overwrite, VoxelSize, Workers, length_or_none
from porescape.cli.say import answer, progress_bar, quantity, readable, say, table_of
from porescape.errors import SettingsError

if TYPE_CHECKING:
    from porescape.core.measurement import Measurement
    from porescape.core.settings import Measure
    from porescape.io.volumes.chunked import ChunkedSource
    from porescape.io.volumes.volume import VolumeSource
    from porescape.measure.streamed.meter import ChunkedMeasurement

SUB_VOLUMES, SUB_VOLUME_SIZE = 8, 128  # as in `measure_chunked`


@dataclass(frozen=True)
class PiecesOptions:
    """How a volume larger than memory is measured."""

    stream: Annotated[
        bool,
        typer.Option("--stream", help="Measure piece by piece; automatic if memory is not sufficient."),
    ] = False
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Measure everything in memory, or report the memory needed."),
    ] = False
    subvolumes: Annotated[
        int, typer.Option(help="Sub-volumes for numbers that cannot be measured piece by piece.")
    ] = SUB_VOLUMES
    subvolume_size: Annotated[int, typer.Option(help="Their edge (voxels).")] = SUB_VOLUME_SIZE
    workers: Workers = None

    def streams(self, volume: Path, settings: "Measure") -> bool:
        """Decide how to measure a file, from its header and the available memory.

        Raises
        ------
        InputError
            `--whole` is given, and the volume does not fit into memory.
        """
        from porescape.io.resources import available_memory
        from porescape.io.volumes.chunked import shape_of
        from porescape.measure.streamed.room import refuse_whole, whole_memory

        if self.stream and self.whole:
            raise SettingsError("--stream and --whole exclude each other; give one of them, or none")
        if self.stream:
            return True
        shape, memory = shape_of(volume), available_memory()
        if shape is None or memory is None:
            return False
        if self.whole:
            refuse_whole(settings.numbers, shape, memory)
        return not self.whole and whole_memory(settings.numbers, shape) > memory


@command
def measure(
    volume: Annotated[
        Path,
        typer.Argument(
            help="TIFF stack or folder of slices, .npy, .npz, .vti, .nrrd or OME-Zarr.", show_default=False
        ),
    ],
    measuring: MeasureOptions,
    pieces: PiecesOptions,
    voxel_size: VoxelSize = None,
    threshold: Annotated[
        float | None, typer.Option(help="Threshold of a grey volume, in its grey values; Otsu's by default.")
    ] = None,
    pore: Annotated[
        str | None, typer.Option(help="dark or bright; by default dark if grey, the larger of two values.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for pores, throats, curves and results.json: new or empty.")
    ] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Measure any volume: pores, throats, tortuosity, permeability, retention, each with its definition."""
    from porescape.io.atomic import check_writable

    settings = measuring.settings()
    if out is not None:
        check_writable(out, overwrite)
    reading: dict[str, Any] = {
        "voxel_size": length_or_none(voxel_size),
        "threshold": threshold,
        "pore": pore,  # checked there
    }
    if pieces.streams(volume, settings):
        _in_pieces(volume, settings, reading, pieces, out, overwrite, as_json)
    else:
        _whole(volume, settings, reading, out, overwrite, as_json)


def _whole(
    volume: Path,
    settings: "Measure",
    reading: dict[str, Any],
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from porescape.io.atomic import whole_folder
    from porescape.io.runs.network import write_openpnm
    from porescape.io.runs.run_folder import measurement_table, to_json, write_measured
    from porescape.io.volumes.volume import read_volume_with_source
    from porescape.measure.volume import measure_volume, steps
    from porescape.report.particles import particles
    from porescape.report.words import condition_of

    source = read_volume_with_source(volume, **reading)
    for warning in source.warnings:
        say(f"note: {warning}")
    with progress_bar("measuring", steps(settings.numbers)) as advance:
        measurement = measure_volume(source.volume, settings, progress=lambda step, done, of: advance(step))
    table = {**_how_read(source, source.volume, settings), **measurement_table(measurement)}
    if out is not None:
        with whole_folder(out, overwrite) as folder:
            write_measured(folder, "volume", measurement)
            network = measurement.details.network
            if network is not None and len(network.throat_pores):  # OpenPNM reads no network without throats
                write_openpnm(folder / "volume-openpnm.csv", network)
            (folder / "results.json").write_text(to_json(table), encoding="utf-8")
        say(f"pores, throats and curves in {out}")
    if as_json:
        answer(to_json(table))
    else:
        box = source.volume.shape[0] * source.volume.voxel_size
        table_of(volume.name, ("number", "value"), list(readable(measurement.values, settings, box).values()))
        for one in particles([measurement]):
            say(f"particles of {one.words}, {condition_of('retention_d90_z', settings, box)}")
        _say_what_is_missing(measurement)


def _in_pieces(
    volume: Path,
    settings: "Measure",
    reading: dict[str, Any],
    pieces: PiecesOptions,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from porescape.io.atomic import whole_folder
    from porescape.io.resources import available_memory
    from porescape.io.runs.run_folder import to_json, write_measured
    from porescape.io.runs.streamed_results import blocks_table, write_sub_volumes
    from porescape.io.volumes.chunked import open_chunked
    from porescape.measure.streamed.meter import MEMORY, block_steps, measure_chunked
    from porescape.measure.streamed.parts import spread
    from porescape.parallel import available_cores

    say(f"{volume.name} is measured piece by piece")
    available = available_memory()
    memory = MEMORY if available is None else available // 2  # the rest is for other programs
    with open_chunked(volume, **reading) as source:
        for warning in source.warnings:
            say(f"note: {warning}")
        choice = (pieces.subvolumes, pieces.subvolume_size)
        spread(source.chunked.shape, *choice)  # invalid choices are refused before the work starts
        with progress_bar("measuring", block_steps(source.chunked, settings.numbers, *choice)) as advance:
            found = measure_chunked(
                source.chunked,
                settings,
                sub_volumes=pieces.subvolumes,
                sub_volume_size=pieces.subvolume_size,
                memory=memory,
                workers=pieces.workers or available_cores(),
                progress=lambda step, done, of: advance(step),
            )
    box = source.chunked.shape[0] * source.chunked.voxel_size
    table = {**_how_read(source, source.chunked, settings), **blocks_table(found)}
    if out is not None:
        with whole_folder(out, overwrite) as folder:
            write_measured(folder, "volume", found.measurement)
            if found.parts:
                write_sub_volumes(folder / "sub-volumes.csv", found)
            (folder / "results.json").write_text(to_json(table), encoding="utf-8")
        say(f"curves, sub-volumes and results in {out}")
    if as_json:
        answer(to_json(table))
    else:
        table_of(volume.name, ("number", "value", "95 % interval", "from"), _rows(found, settings, box))
        _say_what_is_missing(found.measurement)


def _rows(found: "ChunkedMeasurement", settings: "Measure", box: float) -> list[tuple[str, ...]]:
    """Return a row per number: name, value, interval and source."""
    from porescape.measure.meters import NUMBERS

    rows: list[tuple[str, ...]] = []
    for name, (title, text) in readable(found.measurement.values, settings, box).items():
        interval, origin = "", "every voxel"
        if name in found.estimates:
            estimate = found.estimates[name]
            interval = " to ".join(quantity(end, NUMBERS[name].unit) for end in estimate.ci95)
            origin = f"{estimate.n} sub-volumes"
        rows.append((title, text, interval, origin))
    return rows


def _how_read(source: "VolumeSource | ChunkedSource", subject: Any, settings: "Measure") -> dict[str, Any]:
    from porescape.io.runs.settings import settings_table

    return {
        "file": source.name,
        "sha256": source.sha256,
        "voxel_size": subject.voxel_size,
        "voxel_size_source": source.voxel_size_source,
        "shape": subject.shape,
        "pore": source.pore,
        "threshold": source.threshold,
        "threshold_source": source.threshold_source,
        "settings": settings_table(settings),
    }


def _say_what_is_missing(measurement: "Measurement") -> None:
    for reason, names in _same_reasons(measurement.reasons).items():
        say(f"{', '.join(names)}: {reason}")
    for warning in measurement.warnings:
        say(f"note: {warning}")


def _same_reasons(reasons: dict[str, str]) -> dict[str, list[str]]:
    """Group the missing numbers by reason."""
    gathered: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        gathered.setdefault(reason, []).append(name)
    return gathered
