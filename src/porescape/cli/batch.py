"""`batch`: many images with the same settings, and one table and page over all."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import (
    FitOptions,
    Json,
    MeasureOptions,
    OutFolder,
    OutputOptions,
    ReadingOptions,
    Seed,
    SegmentationOptions,
    Workers,
    length_or_none,
    parse_crop,
)
from porescape.cli.resuming import ResumeOptions
from porescape.cli.say import answer, progress_display, quantity, say, table_of
from porescape.core.settings import Settings
from porescape.errors import Cancelled, InputError, PorescapeError, SettingsError, SomeFailed
from porescape.wording import several

if TYPE_CHECKING:
    from porescape.jobs.batch import Batch, BatchEntry, BatchProgress
    from porescape.section.prepare import Box

SHOWN = ("porosity", "body_diameter", "permeability_z")


@command
def batch(
    context: typer.Context,
    images: Annotated[
        Path,
        typer.Argument(
            help="Folder of images, or a CSV with the columns image, pixel_size, scale_bar, crop, page, "
            "name, pore, group (all but image may be missing).",
            show_default=False,
        ),
    ],
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    measuring: MeasureOptions,
    fitting: FitOptions,
    output: OutputOptions,
    pattern: Annotated[
        str | None,
        typer.Option(help='Which files of the folder, e.g. "*.tif"; "**/*" for folders in it, each a group.'),
    ] = None,
    settings_file: Annotated[
        Path | None,
        typer.Option(
            "--settings", help="run.toml of an earlier run, whose settings and seed are used for all images."
        ),
    ] = None,
    seed: Seed = 0,
    workers: Workers = None,
    shard: Annotated[
        str | None,
        typer.Option(
            help='Work only on a part of the images, e.g. "2/8" for every eighth from the second on.'
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help='Work on a Dask cluster: "tcp://host:port", or "local" to start one here.'),
    ] = None,
    gather: Annotated[
        bool, typer.Option("--gather", help="Only write the tables and the page of the finished images.")
    ] = False,
    out: OutFolder = Path("porescape-batch"),
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Repeat images in --out that were made with other settings.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Many images, the same settings: a run folder for each, and one table and page over all.

    An image that fails does not stop the others. After an interruption the same command continues.
    """
    from porescape.io.runs.batch import run_batch
    from porescape.io.runs.batch_folder import batch_table, gather_batch
    from porescape.io.runs.batch_list import read_batch_list
    from porescape.io.runs.run_folder import to_json
    from porescape.jobs.batch import in_groups, part_of

    box: Box | None = None
    if settings_file is None:
        settings, box = output.settings(segmentation, fitting, measuring)
    else:
        _refuse_further_settings(context)
        settings, seed = _settings_from(settings_file)
    if workers is not None and workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}")
    resuming = ResumeOptions(shard=shard, scheduler=scheduler)
    part = resuming.part()
    entries = read_batch_list(
        images,
        pattern=pattern,
        pixel_size=length_or_none(reading.pixel_size),
        scale_bar=length_or_none(reading.scale_bar),
        crop=parse_crop(reading.crop),
        page=reading.page,
        without=out,
    )
    if gather:
        found = gather_batch(entries, out)
    else:
        typical = _typical(entries, settings, box)
        with (
            _resume_hint(entries, out),
            resuming.pool(typical, workers, out) as pool,
            _show_progress(typical) as progress,
        ):
            found = run_batch(
                entries,
                out,
                settings,
                seed,
                box=box,
                workers=pool,
                shard=part,
                overwrite=overwrite,
                progress=progress,
            )
    _print_results(found, out)
    if as_json:
        answer(to_json(batch_table(found)))
    _fail_for(found, {entry.name for entry in part_of(in_groups(entries), part)}, out)


def _refuse_further_settings(context: typer.Context) -> None:
    """A run.toml contains all settings; an option given with it would be ignored without a message."""
    groups = (SegmentationOptions, FitOptions, MeasureOptions, OutputOptions)
    names = [field.name for group in groups for field in fields(group)]
    for name in (*names, "seed"):
        source = context.get_parameter_source(name)
        if source is not None and source.name != "DEFAULT":
            raise SettingsError(
                f"--{name.replace('_', '-')} is a setting, and --settings contains all of them; "
                "leave one out, or change the run.toml"
            )


def _settings_from(path: Path) -> tuple[Settings, int]:
    from porescape.io.runs.settings import read_settings, read_toml

    table = read_toml(path)
    if "image" not in table:
        raise InputError(f"{path.name} contains no image; wanted the run.toml of a run's folder")
    return read_settings(table), int(table.get("seed", 0))


def _typical(entries: "Sequence[BatchEntry]", settings: Settings, box: "Box | None") -> Settings:
    """Return the settings of the first image that can be read, for the estimate of the memory."""
    from porescape.io.runs.batch import prepare_entry, read_entry

    if box is None:
        return settings
    for entry in entries:
        try:
            return prepare_entry(entry, read_entry(entry), settings, box, check=False).settings
        except PorescapeError:
            continue
    return settings


@contextmanager
def _resume_hint(entries: "Sequence[BatchEntry]", out: Path) -> Iterator[None]:
    """After Ctrl-C, report the finished images and how to continue."""
    from porescape.io.runs.batch_folder import is_done

    try:
        yield
    except KeyboardInterrupt:
        done = sum(is_done(out / entry.name) for entry in entries)
        raise Cancelled(
            f"stopped; {done} of {len(entries)} images are done in {out}; run the same command to continue"
        ) from None


@contextmanager
def _show_progress(settings: Settings) -> "Iterator[Callable[[BatchProgress], None]]":
    """Show the progress of all images, and of the current one."""
    from porescape.fit.plan import planned_trials
    from porescape.measure.volume import steps

    each = planned_trials(settings.fit) + steps(settings.measure.numbers)
    with progress_display() as bars:
        over = bars.add_task("images", total=None, note="")
        within = bars.add_task("this one", total=each * settings.output.replicas, note="")

        def progress(update: "BatchProgress") -> None:
            bars.update(over, total=update.of, completed=update.index, note=update.entry.name)
            event = update.event
            if update.outcome is not None:
                bars.update(over, completed=update.index + 1)
                bars.reset(within, note="")
                words = f": {update.outcome.reason}" if update.outcome.reason else ""
                bars.console.print(
                    f"{update.index + 1}/{update.of} {update.entry.name} "
                    f"{update.outcome.status.value}{words}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
            elif event is not None and event.stage == "restored":
                bars.update(within, advance=each, note=f"replica {event.replica + 1}: restored")
            elif event is not None and event.trial is not None:
                bars.update(within, advance=1, note=f"replica {event.replica + 1}: {event.trial.loss:.4f}")
            elif event is not None and event.step:
                bars.update(within, advance=1, note=f"replica {event.replica + 1}: {event.step}")

        yield progress


def _print_results(found: "Batch", out: Path) -> None:
    names = [name for name in SHOWN if name in found.measured()] or list(found.measured()[: len(SHOWN)])
    rows = []
    for one in found.outcomes:
        numbers = one.card.properties if one.card else {}
        cells = [quantity(numbers[n].mean, numbers[n].unit) if n in numbers else "-" for n in names]
        rows.append((one.entry.name, one.entry.group, one.status.value, *cells))
    table_of(f"{len(rows)} images", ("image", "group", "", *names), rows)
    for note in found.notes():
        say(f"note: {note}")
    say(f"open {out / 'batch.html'}")


def _fail_for(found: "Batch", own: set[str], out: Path) -> None:
    """End with the exit code of a batch in which images of this shard failed."""
    from porescape.jobs.batch import Status

    failed = [one.entry.name for one in found.of(Status.FAILED) if one.entry.name in own]
    if failed:
        raise SomeFailed(
            f"{len(failed)} of {len(own)} images failed: {several(failed)}. The reasons are in "
            f"{out / 'batch.html'}; the same command tries them again"
        )
