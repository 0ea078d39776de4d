"""The command line. Heavy modules are imported inside the commands, so that help is instant.

Exit codes: 0 done, 1 unexpected, 2 wrong option, 3 unusable input, 4 output cannot be written,
5 an extra is missing, 130 stopped with Ctrl-C.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from porescape.core.settings import Checks, Fit, Measure, Output, Segmentation, Settings
from porescape.errors import InputError, PorescapeError, SettingsError
from porescape.units import format_length, parse_length

if TYPE_CHECKING:
    from porescape.core.image import Crop, Micrograph
    from porescape.core.volume import Volume
    from porescape.pipeline import Progress, Reconstruction

app = typer.Typer(
    help="Statistically equivalent 3-D pore structures, and their numbers, from one 2-D SEM image.",
    epilog="Exit codes: 0 done, 2 wrong option, 3 unusable input, 4 output cannot be written, "
    "5 an extra is missing, 130 stopped with Ctrl-C, 1 anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

STOPPED = 130
BAR = 1e5  # Pa
DARCY = 9.869233e-13  # m²
DEFAULT_FIT = Fit()
DEFAULT_OUTPUT = Output()
DEFAULT_SEGMENTATION = Segmentation()
DEFAULT_MEASURE = Measure()

ImageFile = Annotated[Path, typer.Argument(help="TIFF, PNG, JPEG or BMP micrograph.", show_default=False)]
PixelSize = Annotated[
    str | None, typer.Option(help='Edge of a pixel, e.g. "0.1 um"; wins over what the file says.')
]
CropOption = Annotated[
    str | None, typer.Option(help='"top,left,height,width" in pixels, or "none" to keep the banner.')
]
PageOption = Annotated[int | None, typer.Option(help="Page of a multi-page TIFF, from 1.")]
MethodOption = Annotated[str, typer.Option("--threshold-method", help="adaptive, otsu, sauvola or fixed.")]
Sensitivity = Annotated[float, typer.Option(help="Of the adaptive threshold, 0 to 1.")]
WindowOption = Annotated[int | None, typer.Option(help="Neighbourhood of the threshold [pixels], odd.")]
Threshold = Annotated[float | None, typer.Option(help="Grey level 0 to 1 for the fixed threshold.")]
Smoothing = Annotated[float, typer.Option(help="Gaussian before the threshold [pixels].")]
Median = Annotated[int, typer.Option(help="Median filter after it [pixels], odd; 0 for none.")]
Speck = Annotated[int, typer.Option(help="Islands smaller than this are removed [pixels].")]
PoreOption = Annotated[str, typer.Option(help="Which grey is pore: dark or bright.")]
SizeOption = Annotated[
    str, typer.Option(help='Box in voxels or as a length: "128", "64x128x128" (z,y,x), "20 um".')
]
AcceptOption = Annotated[
    str, typer.Option(help='Checks of the image that may fail, e.g. "isotropy,stationarity".')
]
VoxelSize = Annotated[str | None, typer.Option(help='Edge of a voxel, e.g. "0.2 um".')]
TrialsOption = Annotated[int, typer.Option(help="Structures tried per replica.")]
FitSize = Annotated[int, typer.Option(help="Edge of the cube that is fitted [voxels].")]
FitMethod = Annotated[str, typer.Option("--method", help="porescape, or paper for the published method.")]
SamplerOption = Annotated[str, typer.Option(help="Optimiser: cma, tpe or sobol.")]
Percolate = Annotated[str, typer.Option(help="Phases that must hang together: both, pore, solid, none.")]
MeasureOption = Annotated[
    str,
    typer.Option(
        "--measure",
        help='Groups "basic,network,tortuosity,permeability,filtration", single numbers, or all.',
    ),
]
Thickness = Annotated[
    str | None, typer.Option(help='Of the membrane, e.g. "120 um", for retention and water flux.')
]
Pressure = Annotated[float, typer.Option(help="Across it, for the water flux [bar].")]
Tension = Annotated[float, typer.Option("--surface-tension", help="Of porometry's wetting liquid [N/m].")]
Angle = Annotated[float, typer.Option("--contact-angle", help="Of that liquid [degrees].")]
Replicas = Annotated[int, typer.Option(help="Structures, each fitted on its own.")]
Seed = Annotated[int, typer.Option(help="Everything random follows from it.")]
Workers = Annotated[int | None, typer.Option(help="Processes; all cores by default.")]
OutFolder = Annotated[Path, typer.Option(help="Folder to write: new or empty.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is in --out.")]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON to stdout.")]


@app.command()
def run(
    image: Annotated[
        Path,
        typer.Argument(
            help="Micrograph, or the recipe.toml of an earlier run, whose own settings and seed then hold.",
            show_default=False,
        ),
    ],
    pixel_size: PixelSize = None,
    crop: CropOption = None,
    page: PageOption = None,
    threshold_method: MethodOption = DEFAULT_SEGMENTATION.method,
    sensitivity: Sensitivity = DEFAULT_SEGMENTATION.sensitivity,
    window: WindowOption = None,
    threshold: Threshold = None,
    smoothing: Smoothing = DEFAULT_SEGMENTATION.smoothing,
    median: Median = DEFAULT_SEGMENTATION.median,
    speck: Speck = DEFAULT_SEGMENTATION.speck,
    pore: PoreOption = DEFAULT_SEGMENTATION.pore,
    size: SizeOption = "128",
    voxel_size: VoxelSize = None,
    periodic: Annotated[bool, typer.Option(help="Opposite faces match.")] = True,
    accept: AcceptOption = "",
    measure: MeasureOption = "all",
    thickness: Thickness = None,
    pressure: Pressure = DEFAULT_MEASURE.pressure / BAR,
    surface_tension: Tension = DEFAULT_MEASURE.surface_tension,
    contact_angle: Angle = DEFAULT_MEASURE.contact_angle,
    replicas: Replicas = DEFAULT_OUTPUT.replicas,
    trials: TrialsOption = DEFAULT_FIT.trials,
    fit_size: FitSize = DEFAULT_FIT.size,
    method: FitMethod = DEFAULT_FIT.method,
    sampler: SamplerOption = DEFAULT_FIT.sampler,
    percolate: Percolate = DEFAULT_FIT.percolate,
    seed: Seed = 0,
    workers: Workers = None,
    out: OutFolder = Path("porescape-run"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """From one SEM image to 3-D structures, their numbers and a report."""
    if image.suffix.lower() == ".toml":
        source, micrograph, settings, seed = _job_again(image)
    else:
        settings = Settings(
            segmentation=_segmentation(
                threshold_method, sensitivity, window, threshold, smoothing, median, speck, pore
            ),
            checks=Checks(accept=_names(accept)),
            fit=Fit(
                method=method,  # type: ignore[arg-type]
                trials=trials,
                size=fit_size,
                sampler=sampler,
                percolate=percolate,  # type: ignore[arg-type]
            ),
            output=Output(
                voxel_size=None if voxel_size is None else parse_length(voxel_size),
                replicas=replicas,
                periodic=periodic,
            ),
            measure=_measure(measure, thickness, pressure, surface_tension, contact_angle),
        )
        source = image
        micrograph = _read(image, pixel_size, crop, page)
        settings = _sized(settings, size, micrograph)
    result = _run(source, micrograph, settings, seed, workers, out, overwrite, None)
    if as_json:
        from porescape.io.run_folder import results, to_json

        _print(to_json(results(result)))


@app.command()
def demo(
    size: SizeOption = "100",
    replicas: Replicas = DEFAULT_OUTPUT.replicas,
    trials: TrialsOption = DEFAULT_FIT.trials,
    measure: MeasureOption = "all",
    seed: Seed = 0,
    workers: Workers = None,
    out: OutFolder = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """The main job on the embedded sample, beside the structure behind it."""
    from porescape.sample import load_truth, sample_path

    micrograph = _read(sample_path(), None, None, None)
    settings = Settings(
        fit=Fit(trials=trials), output=Output(replicas=replicas), measure=Measure(numbers=_names(measure))
    )
    settings = _sized(settings, size, micrograph)
    _run(sample_path(), micrograph, settings, seed, workers, out, overwrite, load_truth())


@app.command()
def segment(
    image: ImageFile,
    pixel_size: PixelSize = None,
    crop: CropOption = None,
    page: PageOption = None,
    threshold_method: MethodOption = DEFAULT_SEGMENTATION.method,
    sensitivity: Sensitivity = DEFAULT_SEGMENTATION.sensitivity,
    window: WindowOption = None,
    threshold: Threshold = None,
    smoothing: Smoothing = DEFAULT_SEGMENTATION.smoothing,
    median: Median = DEFAULT_SEGMENTATION.median,
    speck: Speck = DEFAULT_SEGMENTATION.speck,
    pore: PoreOption = DEFAULT_SEGMENTATION.pore,
    out: OutFolder = Path("porescape-segment"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Tell pore from solid: mask, porosity and an overlay picture."""
    from porescape import segmentation
    from porescape.io.atomic import whole_folder
    from porescape.io.run_folder import to_json, write_segmentation
    from porescape.report.figures import segmentation_overlay

    settings = _segmentation(threshold_method, sensitivity, window, threshold, smoothing, median, speck, pore)
    micrograph = _read(image, pixel_size, crop, page)
    phase = segmentation.segment(micrograph, settings)
    with whole_folder(out, overwrite) as folder:
        write_segmentation(folder, phase)
        segmentation_overlay(micrograph, phase).savefig(folder / "segmentation.png", dpi=150)
    _say(f"porosity {phase.porosity:.4f}; mask and overlay in {out}")
    if as_json:
        _print(to_json({"porosity": phase.porosity, "pixel_size": phase.pixel_size, "crop": micrograph.crop}))


@app.command()
def check(
    image: ImageFile,
    pixel_size: PixelSize = None,
    crop: CropOption = None,
    page: PageOption = None,
    threshold_method: MethodOption = DEFAULT_SEGMENTATION.method,
    sensitivity: Sensitivity = DEFAULT_SEGMENTATION.sensitivity,
    window: WindowOption = None,
    threshold: Threshold = None,
    smoothing: Smoothing = DEFAULT_SEGMENTATION.smoothing,
    median: Median = DEFAULT_SEGMENTATION.median,
    speck: Speck = DEFAULT_SEGMENTATION.speck,
    pore: PoreOption = DEFAULT_SEGMENTATION.pore,
    out: Annotated[Path, typer.Option(help="Picture to write.")] = Path("check.png"),
    as_json: Json = False,
) -> None:
    """Is the image isotropic, homogeneous, large and sharp enough to stand for its material?"""
    from porescape import segmentation
    from porescape.checks import check_image
    from porescape.io.atomic import whole_file
    from porescape.io.run_folder import checks_table, to_json
    from porescape.report.check_figures import checks_figure

    micrograph = _read(image, pixel_size, crop, page)
    settings = _segmentation(threshold_method, sensitivity, window, threshold, smoothing, median, speck, pore)
    phase = segmentation.segment(micrograph, settings)
    checks = check_image(phase)
    with whole_file(out) as temporary:
        checks_figure(phase, checks).savefig(temporary, dpi=150, format="png")
    for one in checks:
        _say(f"{one.name} {one.status}: {one.sentence}")
    _say(f"picture in {out}")
    if as_json:
        _print(to_json({"porosity": phase.porosity, "checks": checks_table(checks)}))


@app.command()
def describe(
    image: ImageFile,
    pixel_size: PixelSize = None,
    crop: CropOption = None,
    page: PageOption = None,
    threshold_method: MethodOption = DEFAULT_SEGMENTATION.method,
    sensitivity: Sensitivity = DEFAULT_SEGMENTATION.sensitivity,
    window: WindowOption = None,
    threshold: Threshold = None,
    smoothing: Smoothing = DEFAULT_SEGMENTATION.smoothing,
    median: Median = DEFAULT_SEGMENTATION.median,
    speck: Speck = DEFAULT_SEGMENTATION.speck,
    pore: PoreOption = DEFAULT_SEGMENTATION.pore,
    out: OutFolder = Path("porescape-describe"),
    overwrite: Overwrite = False,
) -> None:
    """Statistics of the section: S2, lineal path, distances, chords, the combined distance function."""
    from porescape import segmentation
    from porescape.io.atomic import whole_folder
    from porescape.io.run_folder import description, to_json
    from porescape.report.figures import combined_distance, descriptor_curves

    micrograph = _read(image, pixel_size, crop, page)
    settings = _segmentation(threshold_method, sensitivity, window, threshold, smoothing, median, speck, pore)
    phase = segmentation.segment(micrograph, settings)
    with whole_folder(out, overwrite) as folder:
        (folder / "descriptor.json").write_text(to_json(description(phase)), encoding="utf-8")
        descriptor_curves(phase, ()).savefig(folder / "descriptor.png", dpi=150)
        combined_distance(phase, ()).savefig(folder / "combined-distance.png", dpi=150)
    _say(f"porosity {phase.porosity:.4f}; descriptor.json and pictures in {out}")


@app.command()
def fit(
    image: ImageFile,
    pixel_size: PixelSize = None,
    crop: CropOption = None,
    page: PageOption = None,
    threshold_method: MethodOption = DEFAULT_SEGMENTATION.method,
    sensitivity: Sensitivity = DEFAULT_SEGMENTATION.sensitivity,
    window: WindowOption = None,
    threshold: Threshold = None,
    smoothing: Smoothing = DEFAULT_SEGMENTATION.smoothing,
    median: Median = DEFAULT_SEGMENTATION.median,
    speck: Speck = DEFAULT_SEGMENTATION.speck,
    pore: PoreOption = DEFAULT_SEGMENTATION.pore,
    voxel_size: VoxelSize = None,
    trials: TrialsOption = DEFAULT_FIT.trials,
    fit_size: FitSize = DEFAULT_FIT.size,
    method: FitMethod = DEFAULT_FIT.method,
    sampler: SamplerOption = DEFAULT_FIT.sampler,
    percolate: Percolate = DEFAULT_FIT.percolate,
    accept: AcceptOption = "",
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="File to write the fitted recipe to.")] = Path("material.toml"),
) -> None:
    """Find one recipe whose sections look like the image; `generate` makes structures of it."""
    from porescape import segmentation
    from porescape.checks import check_image, raise_on_failures
    from porescape.core.domain import Domain
    from porescape.io.atomic import whole_file
    from porescape.io.settings import material_toml
    from porescape.memory import keep_memory
    from porescape.pipeline import at_voxel_size, choose_voxel_size
    from porescape.problems import problem_for
    from porescape.rng import structure_seed
    from porescape.search import best_of, search

    micrograph = _read(image, pixel_size, crop, page)
    segment_settings = _segmentation(
        threshold_method, sensitivity, window, threshold, smoothing, median, speck, pore
    )
    phase = segmentation.segment(micrograph, segment_settings)
    checks = check_image(phase)
    raise_on_failures(checks, _names(accept))
    for one in checks:
        if one.status != "ok":
            _say(f"note: {one.sentence}")
    wanted = Output(voxel_size=None if voxel_size is None else parse_length(voxel_size))
    section = at_voxel_size(phase, choose_voxel_size(phase, wanted))
    settings = Fit(
        method=method,  # type: ignore[arg-type]
        trials=trials,
        size=fit_size,
        sampler=sampler,
        percolate=percolate,  # type: ignore[arg-type]
    )
    own_seed = structure_seed(seed, 0)
    keep_memory()
    problem = problem_for(section, settings, own_seed)
    done = []
    with _bar("fitting", trials) as advance:
        for trial in search(problem, settings, seed):
            done.append(trial)
            advance(f"best {best_of(done).loss:.4f}")
    best = best_of(done)
    domain = Domain((fit_size,) * 3, section.pixel_size)
    with whole_file(out) as temporary:
        temporary.write_text(material_toml(best.recipe, domain, own_seed), encoding="utf-8")
    _say(f"loss {best.loss:.4f} after {len(done)} trials; recipe in {out}")


@app.command()
def generate(
    recipe: Annotated[
        Path, typer.Argument(help="A replica's recipe such as replica-01.toml.", show_default=False)
    ],
    size: Annotated[str | None, typer.Option(help='Box as in `run`; "256", "64x128x128", "20 um".')] = None,
    voxel_size: VoxelSize = None,
    seed: Annotated[int | None, typer.Option(help="Another seed is another sample of the material.")] = None,
    out: Annotated[Path, typer.Option(help="File to write: .tif or .vti.")] = Path("structure.tif"),
) -> None:
    """Make a structure of a recipe: more of the same material, in any size."""
    from porescape.core.domain import Domain
    from porescape.io.settings import read_material
    from porescape.io.volume import write_tiff, write_vti
    from porescape.synthesis.generate import generate as make

    writers = {".tif": write_tiff, ".tiff": write_tiff, ".vti": write_vti}
    if out.suffix.lower() not in writers:
        raise SettingsError(f"--out {out} ends in {out.suffix!r}; wanted one of {', '.join(writers)}")
    material, domain, own_seed = read_material(recipe)
    voxel = domain.voxel_size if voxel_size is None else parse_length(voxel_size)
    shape = domain.shape if size is None else parse_size(size, voxel)
    volume = make(material, Domain(shape, voxel, domain.periodic), own_seed if seed is None else seed)
    writers[out.suffix.lower()](out, volume)
    _say(
        f"{'x'.join(map(str, shape))} voxels of {format_length(voxel)}, porosity {volume.porosity:.4f}: {out}"
    )


@app.command("measure")
def measure_command(
    volume: Annotated[
        Path,
        typer.Argument(
            help="TIFF stack or folder of slices, .npy, .npz, .vti, .nrrd or OME-Zarr.", show_default=False
        ),
    ],
    voxel_size: VoxelSize = None,
    threshold: Annotated[
        float | None, typer.Option(help="Of a grey volume, in its own numbers; Otsu's by default.")
    ] = None,
    pore: Annotated[
        str | None, typer.Option(help="dark or bright; by default dark of grey, the larger of two values.")
    ] = None,
    measure: MeasureOption = "all",
    thickness: Thickness = None,
    pressure: Pressure = DEFAULT_MEASURE.pressure / BAR,
    surface_tension: Tension = DEFAULT_MEASURE.surface_tension,
    contact_angle: Angle = DEFAULT_MEASURE.contact_angle,
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

    settings = _measure(measure, thickness, pressure, surface_tension, contact_angle)
    steps_in_all = steps(settings.numbers)
    source = read_volume_with_source(
        volume,
        None if voxel_size is None else parse_length(voxel_size),
        threshold=threshold,
        pore=pore,  # type: ignore[arg-type]  # checked there
    )
    subject = source.volume
    for warning in source.warnings:
        _say(f"note: {warning}")
    with _bar("measuring", steps_in_all) as advance:
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
        _say(f"pores, throats and curves in {out}")
    if as_json:
        _print(to_json(table))
    else:
        _table(volume.name, ("number", "value"), list(_readable(measurement.values).items()))
        for reason, names in _same_reasons(measurement.reasons).items():
            _say(f"{', '.join(names)}: {reason}")
        for warning in measurement.warnings:
            _say(f"note: {warning}")


@app.command()
def compare(
    structures: Annotated[
        list[Path],
        typer.Argument(help="Run folders and volume files; the first is the reference.", show_default=False),
    ],
    voxel_size: VoxelSize = None,
    resample: Annotated[
        str | None, typer.Option(help='Bring every volume to this voxel size, e.g. "0.4 um".')
    ] = None,
    size: Annotated[
        str | None, typer.Option(help='Box to cut every volume to, in voxels: "128", "64x128x128".')
    ] = None,
    measure: MeasureOption = "all",
    thickness: Thickness = None,
    pressure: Pressure = DEFAULT_MEASURE.pressure / BAR,
    surface_tension: Tension = DEFAULT_MEASURE.surface_tension,
    contact_angle: Angle = DEFAULT_MEASURE.contact_angle,
    workers: Workers = None,
    out: OutFolder = Path("porescape-compare"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Reconstructions beside a tomography or each other: same voxels, same box, same measurement."""
    from porescape.compare import Sample
    from porescape.compare import compare as side_by_side
    from porescape.io.atomic import check_writable
    from porescape.io.comparison import comparison_table, read_sample, write_comparison
    from porescape.io.run_folder import to_json
    from porescape.parallel import available_cores

    check_writable(out, overwrite)
    given = None if voxel_size is None else parse_length(voxel_size)
    samples: list[Sample] = [read_sample(path, given) for path in structures]
    new_size = None if resample is None else parse_length(resample)
    box = None if size is None else parse_size(size, new_size or samples[0].volumes[0].voxel_size)
    settings = _measure(measure, thickness, pressure, surface_tension, contact_angle)
    with _bar("measuring", None) as advance:
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
        _say(f"note: {note}")
    rows = []
    for name in found.sides[0].properties:
        cells = []
        for i, side in enumerate(found.sides):
            estimate, off = side.properties[name], found.difference(name, i)
            differs = f" ({off:+.1f} %)" if i and math.isfinite(off) else ""
            cells.append(_quantity(estimate.mean, estimate.unit) + differs)
        rows.append((name, *cells))
    _table("side by side", ("number", *(side.name for side in found.sides)), rows)
    _say(f"open {out / 'compare.html'}")
    if as_json:
        _print(to_json(comparison_table(found)))


@app.command()
def resolution(
    image: ImageFile,
    pixel_sizes: Annotated[str, typer.Option(help='To try, e.g. "0.1 um,0.2 um,0.3 um,0.4 um".')],
    pixel_size: PixelSize = None,
    crop: CropOption = None,
    page: PageOption = None,
    threshold_method: MethodOption = DEFAULT_SEGMENTATION.method,
    sensitivity: Sensitivity = DEFAULT_SEGMENTATION.sensitivity,
    window: WindowOption = None,
    threshold: Threshold = None,
    smoothing: Smoothing = DEFAULT_SEGMENTATION.smoothing,
    median: Median = DEFAULT_SEGMENTATION.median,
    speck: Speck = DEFAULT_SEGMENTATION.speck,
    pore: PoreOption = DEFAULT_SEGMENTATION.pore,
    size: SizeOption = "128",
    accept: AcceptOption = "",
    measure: MeasureOption = "basic,network",
    replicas: Replicas = 3,
    trials: TrialsOption = DEFAULT_FIT.trials,
    seed: Seed = 0,
    workers: Workers = None,
    out: OutFolder = Path("porescape-resolution"),
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """What the pixel size does to the numbers: the image resampled, reconstructed and measured at each."""
    from porescape.io.atomic import check_writable
    from porescape.io.comparison import resolution_table, write_resolution
    from porescape.io.run_folder import to_json
    from porescape.measure.meters import steps
    from porescape.parallel import available_cores
    from porescape.resolution import resolution_study

    check_writable(out, overwrite)
    micrograph = _read(image, pixel_size, crop, page)
    wanted = sorted(parse_length(part) for part in _names(pixel_sizes))
    if not wanted:
        raise SettingsError('--pixel-sizes needs one length or more, e.g. "0.1 um,0.2 um"')
    settings = Settings(
        segmentation=_segmentation(
            threshold_method, sensitivity, window, threshold, smoothing, median, speck, pore
        ),
        checks=Checks(accept=_names(accept)),
        fit=Fit(trials=trials),
        output=Output(size=parse_size(size, wanted[0]), replicas=replicas),
        measure=Measure(numbers=_names(measure)),
    )
    total = len(wanted) * replicas * (trials + steps(settings.measure.numbers))
    with _bar("reconstructing", total) as advance:

        def listen(pixel_size: float, event: "Progress") -> None:
            if event.trial is not None or event.step:
                advance(f"pixels of {format_length(pixel_size)}")

        study = resolution_study(
            micrograph, wanted, settings, seed, workers=workers or available_cores(), progress=listen
        )
    write_resolution(out, study, overwrite)
    rows = [
        (name, *(_quantity(r.properties[name].mean, r.properties[name].unit) for r in study.results))
        for name in study.results[0].properties
    ]
    _table(micrograph.name, ("number", *(format_length(s) for s in study.pixel_sizes)), rows)
    _say(f"open {out / 'resolution.html'}")
    if as_json:
        _print(to_json(resolution_table(study)))


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="File; the folder's report.html by default.")] = None,
) -> None:
    """Write a run's report again from its files."""
    from porescape.io.atomic import whole_file
    from porescape.io.run_folder import read_run
    from porescape.report.html import render_report

    result = read_run(folder)
    path = out or folder / "report.html"
    with whole_file(path) as temporary:
        temporary.write_text(render_report(result), encoding="utf-8")
    _say(f"report in {path}")


# -- shared by the commands --------------------------------------------------------------------------


def parse_size(text: str, voxel_size: float) -> tuple[int, int, int]:
    """Read a box: voxels or lengths, one for a cube or three as z x y x x.

    >>> parse_size("64x128x128", 1e-7)
    (64, 128, 128)
    >>> parse_size("12.8 um", 1e-7)
    (128, 128, 128)
    """
    edges = []
    for part in text.replace("\u00d7", "x").lower().split("x"):
        part = part.strip()
        edges.append(int(part) if part.isdecimal() else round(parse_length(part) / voxel_size))
    if len(edges) not in (1, 3):
        raise SettingsError(f"size {text!r} has {len(edges)} numbers; wanted one or three (z x y x x)")
    z, y, x = edges * 3 if len(edges) == 1 else edges
    return z, y, x


def _measure(
    numbers: str, thickness: str | None, pressure: float, surface_tension: float, contact_angle: float
) -> Measure:
    """Return the settings that the shared options of measuring ask for."""
    from porescape.measure.numbers import pick

    settings = Measure(
        numbers=_names(numbers),
        thickness=None if thickness is None else parse_length(thickness),
        pressure=pressure * BAR,
        surface_tension=surface_tension,
        contact_angle=contact_angle,
    )
    pick(settings.numbers)
    return settings


def _same_reasons(reasons: dict[str, str]) -> dict[str, list[str]]:
    """Gather the numbers that are missing for one reason."""
    gathered: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        gathered.setdefault(reason, []).append(name)
    return gathered


def _names(text: str) -> tuple[str, ...]:
    """Read a list of names with commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _segmentation(
    method: str,
    sensitivity: float,
    window: int | None,
    threshold: float | None,
    smoothing: float,
    median: int,
    speck: int,
    pore: str,
) -> Segmentation:
    """Return the settings that the commands' shared options ask for."""
    return Segmentation(
        method=method,  # type: ignore[arg-type]  # checked by the settings themselves
        sensitivity=sensitivity,
        window=window,
        threshold=threshold,
        smoothing=smoothing,
        median=median,
        speck=speck,
        pore=pore,  # type: ignore[arg-type]
    )


def _sized(settings: Settings, size: str, micrograph: "Micrograph") -> Settings:
    """Return the settings with the box read from text; a length needs the voxel size, so the image."""
    from porescape import segmentation
    from porescape.pipeline import choose_voxel_size

    voxel = settings.output.voxel_size or micrograph.pixel_size
    if not all(part.strip().isdecimal() for part in size.lower().split("x")):
        phase = segmentation.segment(micrograph, settings.segmentation)
        voxel = choose_voxel_size(phase, settings.output)
        settings = replace(settings, output=replace(settings.output, voxel_size=voxel))
    return replace(settings, output=replace(settings.output, size=parse_size(size, voxel)))


def _read(image: Path, pixel_size: str | None, crop: str | None, page: int | None) -> "Micrograph":
    from porescape.io.image import read_image

    size = None if pixel_size is None else parse_length(pixel_size)
    return read_image(image, pixel_size=size, crop=_parse_crop(crop), page=page)


def _parse_crop(text: str | None) -> "Crop | Literal['none'] | None":
    if text is None:
        return None
    if text == "none":
        return "none"
    try:
        top, left, height, width = (int(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f'crop must be "top,left,height,width" in pixels, or "none"; got {text!r}'
        ) from None
    return top, left, height, width


def _job_again(recipe: Path) -> tuple[Path, "Micrograph", Settings, int]:
    """Read a job's recipe.toml: its image lies beside it and must be the same as then."""
    from porescape.io.image import read_image
    from porescape.io.settings import read_settings, read_toml

    table = read_toml(recipe)
    job = table.get("image", {})
    if missing := [name for name in ("file", "sha256", "pixel_size", "crop") if name not in job]:
        raise InputError(f"{recipe.name} has no image.{missing[0]}; wanted the recipe.toml of a run's folder")
    source = recipe.parent / job["file"]
    micrograph = read_image(
        source, pixel_size=job["pixel_size"], crop=tuple(job["crop"]), page=job.get("page")
    )
    if micrograph.sha256 != job["sha256"]:
        raise InputError(
            f"{source.name} is not the image this recipe was made from (SHA-256 {micrograph.sha256[:12]}…, "
            f"wanted {job['sha256'][:12]}…); run the image itself instead"
        )
    return source, micrograph, read_settings(table), int(table.get("seed", 0))


def _run(
    source: Path,
    micrograph: "Micrograph",
    settings: Settings,
    seed: int,
    workers: int | None,
    out: Path,
    overwrite: bool,
    truth: "Volume | None",
) -> "Reconstruction":
    from porescape.io.atomic import check_writable
    from porescape.io.run_folder import write_run
    from porescape.measure.meters import steps
    from porescape.parallel import available_cores
    from porescape.pipeline import reconstruct

    check_writable(out, overwrite)
    if workers is not None and workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}")
    _say(
        f"{micrograph.name}: {micrograph.grey.shape[0]} x {micrograph.grey.shape[1]} pixels of "
        f"{format_length(micrograph.pixel_size)} ({micrograph.pixel_size_source})"
    )
    total = settings.output.replicas * (settings.fit.trials + steps(settings.measure.numbers))
    best: dict[int, float] = {}
    with _bar("reconstructing", total) as advance:

        def listen(event: "Progress") -> None:
            if event.trial is not None:
                best[event.replica] = min(best.get(event.replica, event.trial.loss), event.trial.loss)
                advance(f"best {min(best.values()):.4f}")
            elif event.step:
                advance(f"replica {event.replica + 1}: {event.step}")

        result = reconstruct(
            micrograph, settings, seed, workers=workers or available_cores(), progress=listen
        )
    write_run(out, result, source, truth=truth, overwrite=overwrite)
    rows = [
        (name, _quantity(e.mean, e.unit), f"{_quantity(e.ci95[0], e.unit)} to {_quantity(e.ci95[1], e.unit)}")
        for name, e in result.properties.items()
    ]
    _table(f"{len(result.replicas)} replicas", ("number", "mean", "95 % interval"), rows)
    for warning in result.warnings:
        _say(f"note: {warning}")
    _say(f"selected {result.verdict.reason}")
    _say(f"open {out / 'report.html'}")
    return result


def _readable(values: dict[str, float]) -> dict[str, str]:
    from porescape.measure.numbers import NUMBERS

    return {name: _quantity(value, NUMBERS[name].unit) for name, value in values.items()}


def _quantity(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "-"
    if unit == "m":
        return format_length(value)
    if unit == "m²":
        return f"{value:.4g} m² ({value / DARCY:.3g} D)"
    if unit == "m/s":
        from porescape.measure.retention import litres_per_square_metre_and_hour

        return f"{value:.4g} m/s ({litres_per_square_metre_and_hour(value):.4g} L/(m² h))"
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"


@contextmanager
def _bar(title: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """Show progress on stderr; yields a function that advances by one and says a word."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, note="")
        yield lambda note: bar.update(task, advance=1, note=note)


def _table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    Console(stderr=True).print(table)


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _print(text: str) -> None:
    sys.stdout.write(text)


def main() -> None:
    """Run the command line; every error a user can mend is one sentence and an exit code."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what it says of broken files, we say in words
    try:
        app()
    except PorescapeError as error:
        _say(f"porescape: {error}")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == STOPPED:  # typer has caught the Ctrl-C
            _say("porescape: stopped; nothing was written")
        raise


if __name__ == "__main__":
    main()
