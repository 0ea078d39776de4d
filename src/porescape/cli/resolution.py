"""`resolution`: how the numbers depend on the pixel size."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import (
    SWEEPS,
    TRIALS,
    AcceptOption,
    ImageFile,
    Json,
    MeasureOption,
    OutFolder,
    Overwrite,
    ReadingOptions,
    RefineOption,
    Replicas,
    Seed,
    SegmentationOptions,
    SizeOption,
    TrialsOption,
    Workers,
    names_in,
    parse_size,
)
from porescape.cli.say import answer, progress_bar, quantity, say, table_of
from porescape.core.settings import Checks, Fit, Measure, Output, Settings
from porescape.errors import SettingsError
from porescape.units import format_length, parse_length

if TYPE_CHECKING:
    from porescape.core.results import Progress


@command
def resolution(
    image: ImageFile,
    pixel_sizes: Annotated[str, typer.Option(help='Pixel sizes, e.g. "0.1 um,0.2 um,0.3 um,0.4 um".')],
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    size: SizeOption = "128",
    accept: AcceptOption = "",
    measure: MeasureOption = "basic,network",
    replicas: Replicas = 3,
    trials: TrialsOption = TRIALS,
    refine: RefineOption = SWEEPS,
    seed: Seed = 0,
    workers: Workers = None,
    out: OutFolder = Path("porescape-resolution"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Resolution study: the image is resampled, reconstructed and measured at each pixel size."""
    from porescape.io.atomic import check_writable
    from porescape.io.runs.comparison import resolution_table, write_resolution
    from porescape.io.runs.run_folder import to_json
    from porescape.jobs.resolution import resolution_study
    from porescape.measure.volume import steps
    from porescape.parallel import available_cores

    check_writable(out, overwrite)
    micrograph = reading.read(image)
    wanted = sorted(parse_length(part) for part in names_in(pixel_sizes))
    if not wanted:
        raise SettingsError('--pixel-sizes needs one length or more, e.g. "0.1 um,0.2 um"')
    settings = Settings(
        segmentation=segmentation.settings(),
        checks=Checks(accept=names_in(accept)),
        fit=Fit(trials=trials),
        output=Output(size=parse_size(size, wanted[0]), replicas=replicas, refine=refine),
        measure=Measure(numbers=names_in(measure)),
    )
    total = len(wanted) * replicas * (trials + steps(settings.measure.numbers))
    with progress_bar("reconstructing", total) as advance:

        def progress(pixel_size: float, event: "Progress") -> None:
            if event.trial is not None or event.step:
                advance(f"pixels of {format_length(pixel_size)}")

        study = resolution_study(
            micrograph, wanted, settings, seed, workers=workers or available_cores(), progress=progress
        )
    write_resolution(out, study, overwrite)
    rows = [
        (name, *(quantity(r.properties[name].mean, r.properties[name].unit) for r in study.results))
        for name in study.results[0].properties
    ]
    table_of(micrograph.name, ("number", *(format_length(s) for s in study.pixel_sizes)), rows)
    say(f"open {out / 'resolution.html'}")
    if as_json:
        answer(to_json(resolution_table(study)))
