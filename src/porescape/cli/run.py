"""`run`, the main job, and `demo`, the same on the embedded sample."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import (
    TRIALS,
    FitOptions,
    Json,
    MeasureOption,
    MeasureOptions,
    OutFolder,
    OutputOptions,
    Overwrite,
    ReadingOptions,
    Replicas,
    Seed,
    SegmentationOptions,
    SizeOption,
    TrialsOption,
    Workers,
    boxed,
    names_in,
    parse_box,
)
from porescape.cli.resuming import ResumeOptions
from porescape.cli.say import answer, progress_bar, say, table_of
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.errors import InputError, SettingsError
from porescape.units import format_length, format_shape

if TYPE_CHECKING:
    from porescape.core.image import Micrograph
    from porescape.core.results import Progress, Reconstruction

_OUTPUT = Output()


@command
def run(
    image: Annotated[
        Path,
        typer.Argument(
            help="Micrograph, or the run.toml of an earlier run, whose settings and seed are then used.",
            show_default=False,
        ),
    ],
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    measuring: MeasureOptions,
    fitting: FitOptions,
    output: OutputOptions,
    resuming: ResumeOptions,
    seed: Seed = 0,
    workers: Workers = None,
    out: OutFolder = Path("porescape-run"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """From one SEM image to 3-D structures, their numbers and a report."""
    from porescape.io.resources import check_process_limit

    check_process_limit()
    from porescape.io.atomic import check_writable
    from porescape.io.runs.run_folder import write_run
    from porescape.jobs.reconstruct import reconstruct, reconstruct_shard

    if image.suffix.lower() == ".toml":
        source, micrograph, settings, seed = _read_run_file(image)
        box = None
    else:
        settings, box = output.settings(segmentation, fitting, measuring)
        source = image
        micrograph = reading.read(image)
    part = resuming.part()
    if part is not None and as_json:
        raise SettingsError("a shard has no results for --json; use it with --resume, which collects them")
    check_writable(out, overwrite)
    _print_image(micrograph, workers)
    subject, settings = boxed(micrograph, settings, box)
    with (
        resuming.checkpointing(out, overwrite, micrograph, settings, seed) as checkpoint,
        resuming.pool(settings, workers, out) as pool,
    ):
        if part is not None:
            missing = {*range(part[0] - 1, settings.output.replicas, part[1])} - {*checkpoint.finished()}
            with _show_progress(settings, len(missing)) as progress:
                reconstruct_shard(subject, settings, seed, part, checkpoint, workers=pool, progress=progress)
            say(f"{checkpoint.words(settings)} are in {checkpoint.folder}; once all are, use --resume")
            return
        with _show_progress(settings) as progress:
            result = reconstruct(
                subject, settings, seed, workers=pool, progress=progress, checkpoint=checkpoint
            )
        write_run(checkpoint.run_folder, result, source, overwrite=True)
        checkpoint.deliver(out, overwrite)
    _print_results(result, out)
    if as_json:
        from porescape.io.runs.run_folder import results, to_json

        answer(to_json(results(result)))


@command
def demo(
    size: SizeOption = "100",
    replicas: Replicas = _OUTPUT.replicas,
    trials: TrialsOption = TRIALS,
    measure: MeasureOption = "all",
    seed: Seed = 0,
    workers: Workers = None,
    out: OutFolder = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """The main job on the embedded sample, compared with its known structure."""
    from porescape.io.atomic import check_writable
    from porescape.io.runs.run_folder import write_run
    from porescape.jobs.choices import check_choices
    from porescape.jobs.reconstruct import reconstruct
    from porescape.sample import load_truth, sample_path

    check_writable(out, overwrite)
    micrograph = ReadingOptions().read(sample_path())
    settings = Settings(
        fit=Fit(trials=trials), output=Output(replicas=replicas), measure=Measure(numbers=names_in(measure))
    )
    check_choices(settings)
    settings, box = parse_box(size, settings)
    _print_image(micrograph, workers)
    subject, settings = boxed(micrograph, settings, box)
    with ResumeOptions().pool(settings, workers, out) as pool, _show_progress(settings) as progress:
        result = reconstruct(subject, settings, seed, workers=pool, progress=progress)
    write_run(out, result, sample_path(), truth=load_truth(), overwrite=overwrite)
    _print_results(result, out)


def _read_run_file(path: Path) -> tuple[Path, "Micrograph", Settings, int]:
    """Read the run.toml of an earlier run; its image must be next to it and unchanged."""
    from porescape.io.images.image import read_image
    from porescape.io.runs.settings import read_settings, read_toml

    table = read_toml(path)
    image = table.get("image", {})
    if missing := [name for name in ("file", "sha256", "pixel_size", "crop") if name not in image]:
        raise InputError(f"{path.name} has no image.{missing[0]}; wanted the run.toml of a run's folder")
    source = path.parent / image["file"]
    micrograph = read_image(
        source, pixel_size=image["pixel_size"], crop=tuple(image["crop"]), page=image.get("page")
    )
    if micrograph.sha256 != image["sha256"]:
        raise InputError(
            f"{source.name} is not the image of this run (SHA-256 {micrograph.sha256[:12]}…, "
            f"wanted {image['sha256'][:12]}…); run the image itself instead"
        )
    return source, micrograph, read_settings(table), int(table.get("seed", 0))


def _print_image(micrograph: "Micrograph", workers: int | None) -> None:
    if workers is not None and workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}")
    say(
        f"{micrograph.name}: {format_shape(micrograph.grey.shape)} pixels of "
        f"{format_length(micrograph.pixel_size)} ({micrograph.pixel_size_source})"
    )


@contextmanager
def _show_progress(settings: Settings, replicas: int | None = None) -> "Iterator[Callable[[Progress], None]]":
    """Show the progress of all replicas, or of the given number."""
    from porescape.fit.plan import planned_trials
    from porescape.measure.volume import steps

    each = planned_trials(settings.fit) + steps(settings.measure.numbers)
    total = each * (settings.output.replicas if replicas is None else replicas)
    best: dict[int, float] = {}
    with progress_bar("reconstructing", total) as advance:

        def progress(event: "Progress") -> None:
            for warning in event.warnings:
                say(f"note: {warning}")
            if event.trial is not None:
                best[event.replica] = min(best.get(event.replica, event.trial.loss), event.trial.loss)
                advance(f"best {min(best.values()):.4f}")
            elif event.step:
                advance(f"replica {event.replica + 1}: {event.step}")
            elif event.stage == "restored":
                for _ in range(each):
                    advance(f"replica {event.replica + 1}: restored")

        yield progress


def _print_results(result: "Reconstruction", out: Path) -> None:
    from porescape.report.particles import particles
    from porescape.report.summary import trust
    from porescape.report.words import OPEN, condition_of, decimals_of, lacking, scale_of, write

    verdict = trust(result)
    say(f"{verdict.head}. {' '.join(verdict.reasons)}")
    rows, open_ends = [], dict[str, None]()
    for name, e in result.properties.items():
        condition = condition_of(name, result.settings.measure, result.thickness)
        scale = scale_of(name, e.unit, e.mean)
        digits = decimals_of(e, scale.factor)
        mean, low, high = (write(value * scale.factor, digits) for value in (e.mean, *e.ci95))
        interval = f"{low} to {high} {OPEN if e.lacks else ''}".rstrip() if e.n > 1 else "–"
        rows.append((f"{name} {condition}".rstrip(), f"{mean} {scale.unit}".rstrip(), interval))
        if e.lacks:
            open_ends[lacking(e.lacks)] = None
    table_of(f"{len(result.replicas)} replicas", ("number", "mean", "95 % interval"), rows)
    through = condition_of("retention_d90_z", result.settings.measure, result.thickness)
    for one in particles(replica.measurement for replica in result.replicas):
        say(f"particles of {one.words}, {through}")
    for words in open_ends:
        say(f"{OPEN} {words}")
    for warning in result.warnings:
        if warning not in result.prepared.warnings:  # those were said before the start
            say(f"note: {warning}")
    families = Counter(replica.family for replica in result.replicas)
    if set(families) != {"fields"}:
        say(f"families: {', '.join(f'{name} {count}' for name, count in families.most_common())}")
    say(f"selected {result.selection.reason}")
    say(f"open {out / 'report.html'}")
