"""`segment`, `check` and `describe`: the image before the fit."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import ImageFile, Json, OutFolder, Overwrite, ReadingOptions, SegmentationOptions
from porescape.cli.say import answer, say


@command
def segment(
    image: ImageFile,
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    out: OutFolder = Path("porescape-segment"),
    overwrite: Overwrite = False,
    as_json: Json = False,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Picture of labels to learn from: 0 nothing, 1 pore, 2 solid, 3 cannot be told.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Segment an image into pore and solid: mask, porosity and an overlay picture."""
    from porescape.io.atomic import whole_folder
    from porescape.io.images.labels import read_labels
    from porescape.io.runs.prepared import write_segmentation
    from porescape.io.runs.run_folder import to_json
    from porescape.io.runs.taught import TAUGHT_FILE, write_taught
    from porescape.report.image_figures import segmentation_overlay
    from porescape.section.segment import segment as split
    from porescape.section.teach import with_labels

    settings = segmentation.settings()
    micrograph = reading.read(image)
    if labels is not None:
        settings = with_labels(micrograph, read_labels(labels, micrograph), settings)
    phase = split(micrograph, settings)
    with whole_folder(out, overwrite) as folder:
        write_segmentation(folder, phase)
        segmentation_overlay(micrograph, phase).savefig(folder / "segmentation.png", dpi=150)
        if settings.taught is not None:
            write_taught(folder / TAUGHT_FILE, settings.taught)
    say(f"porosity {phase.porosity:.4f}; mask and overlay in {out}")
    found = {"porosity": phase.porosity, "pixel_size": phase.pixel_size, "crop": micrograph.crop}
    if labels is not None and settings.taught is not None:
        taught = settings.taught
        found["as_labelled"] = taught.right
        say(
            f"{taught.right:.0%} of {taught.pore} pixels of pore and {taught.solid} of solid come out as "
            f"labelled; --taught {out / TAUGHT_FILE} uses what was learned, in any command"
        )
    if as_json:
        answer(to_json(found))


@command
def check(
    image: ImageFile,
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("check.png"),
    as_json: Json = False,
) -> None:
    """Check whether the image is representative, isotropic to sharp, and whether it shows one plane."""
    from porescape.io.atomic import whole_file
    from porescape.io.runs.prepared import checks_table
    from porescape.io.runs.run_folder import to_json
    from porescape.report.check_figures import checks_figure, depth_figure
    from porescape.section.checks import check_segmented
    from porescape.section.segment import segmented

    micrograph = reading.read(image)
    settings = segmentation.settings()
    found = segmented(micrograph, settings)
    phase = found.phase
    checks, _ = check_segmented(found, settings)
    with whole_file(out) as temporary:
        checks_figure(phase, checks).savefig(temporary, dpi=150, format="png")
    written = str(out)
    if (compared := depth_figure(checks)) is not None:
        beside = out.with_stem(f"{out.stem}-depth")
        with whole_file(beside) as temporary:
            compared.savefig(temporary, dpi=150, format="png")
        written += f" and {beside}"
    for one in checks:
        say(f"{one.name} {one.status}: {one.sentence}")
    say(f"picture in {written}")
    if as_json:
        answer(to_json({"porosity": phase.porosity, "checks": checks_table(checks)}))


@command
def describe(
    image: ImageFile,
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    out: OutFolder = Path("porescape-describe"),
    overwrite: Overwrite = False,
) -> None:
    """Statistics of the section: S2, lineal path, distances, chords, the combined distance function."""
    from porescape.io.atomic import whole_folder
    from porescape.io.runs.run_folder import description, to_json
    from porescape.report.section_figures import combined_distance, descriptor_curves
    from porescape.section.segment import segment as split

    micrograph = reading.read(image)
    settings = segmentation.settings()
    phase = split(micrograph, settings)
    with whole_folder(out, overwrite) as folder:
        (folder / "descriptor.json").write_text(to_json(description(phase)), encoding="utf-8")
        descriptor_curves(phase, ()).savefig(folder / "descriptor.png", dpi=150)
        combined_distance(phase, ()).savefig(folder / "combined-distance.png", dpi=150)
    say(f"porosity {phase.porosity:.4f}; descriptor.json and pictures in {out}")
