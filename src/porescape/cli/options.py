"""Options shared by commands: a dataclass per group, an option per field, and their settings."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from porescape.core.settings import Checks, Fit, Measure, Output, Segmentation, Settings
from porescape.errors import SettingsError
from porescape.section.thresholds import THRESHOLDS
from porescape.synthesis.families import FAMILIES
from porescape.units import parse_length, parse_porosity, parse_uncertain_length

if TYPE_CHECKING:
    from porescape.core.image import Crop, Micrograph
    from porescape.core.prepared import Prepared
    from porescape.section.prepare import Box

BAR = 1e5  # Pa
ZERO_CELSIUS = 273.15  # K
_FIT = Fit()
TRIALS = _FIT.trials
_OUTPUT = Output()
SWEEPS = _OUTPUT.refine
_SEGMENTATION = Segmentation()
_MEASURE = Measure()

ImageFile = Annotated[Path, typer.Argument(help="TIFF, PNG, JPEG or BMP micrograph.", show_default=False)]
SizeOption = Annotated[
    str, typer.Option(help='Box in voxels or as a length: "128", "64x128x128" (z,y,x), "20 um".')
]
AcceptOption = Annotated[
    str, typer.Option(help='Checks of the image that may fail, e.g. "isotropy,stationarity".')
]
VoxelSize = Annotated[str | None, typer.Option(help='Edge of a voxel, e.g. "0.2 um".')]
TrialsOption = Annotated[int, typer.Option(help="Trials of the fit per replica.")]
MeasureOption = Annotated[
    str,
    typer.Option(
        "--measure",
        help='Groups "basic,network,tortuosity,permeability,filtration", single numbers, or all.',
    ),
]
RefineOption = Annotated[
    int, typer.Option(help="Sweeps of wall voxel annealing, which matches small patterns; 0 for none.")
]
Replicas = Annotated[int, typer.Option(help="Number of structures, each fitted independently.")]
Seed = Annotated[int, typer.Option(help="Seed of all random numbers.")]
Workers = Annotated[int | None, typer.Option(help="Processes; all cores by default.")]
OutFolder = Annotated[Path, typer.Option(help="Folder to write: new or empty.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is in --out.")]
Json = Annotated[bool, typer.Option("--json", help="Print the numbers as JSON to stdout.")]


@dataclass(frozen=True)
class ReadingOptions:
    """How the image file is read."""

    pixel_size: Annotated[
        str | None, typer.Option(help='Edge of a pixel, e.g. "0.1 um"; has priority over the file.')
    ] = None
    scale_bar: Annotated[
        str | None,
        typer.Option(help='Label of the scale bar, e.g. "10 um"; its length in pixels is measured.'),
    ] = None
    crop: Annotated[
        str | None, typer.Option(help='"top,left,height,width" in pixels, or "none" to keep the banner.')
    ] = None
    page: Annotated[int | None, typer.Option(help="Page of a multi-page TIFF, from 1.")] = None

    def read(self, image: Path) -> "Micrograph":
        """Read the image."""
        from porescape.io.images.image import read_image

        return read_image(
            image,
            pixel_size=length_or_none(self.pixel_size),
            scale_bar=length_or_none(self.scale_bar),
            crop=parse_crop(self.crop),
            page=self.page,
        )


@dataclass(frozen=True)
class SegmentationOptions:
    """How the grey image is segmented."""

    threshold_method: Annotated[str, typer.Option(help=f"{', '.join(THRESHOLDS)}.")] = _SEGMENTATION.method
    sensitivity: Annotated[float, typer.Option(help="Of the adaptive threshold, 0 to 1.")] = (
        _SEGMENTATION.sensitivity
    )
    window: Annotated[int | None, typer.Option(help="Neighbourhood of the threshold (pixels), odd.")] = None
    threshold: Annotated[float | None, typer.Option(help="Grey level 0 to 1 for the fixed threshold.")] = None
    smoothing: Annotated[float, typer.Option(help="Gaussian before the threshold (pixels).")] = (
        _SEGMENTATION.smoothing
    )
    median: Annotated[int, typer.Option(help="Median filter after it (pixels), odd; 0 for none.")] = (
        _SEGMENTATION.median
    )
    speck: Annotated[int, typer.Option(help="Islands smaller than this are removed (pixels).")] = (
        _SEGMENTATION.speck
    )
    pore: Annotated[str, typer.Option(help="Which grey is pore: dark or bright.")] = _SEGMENTATION.pore
    coating: Annotated[
        str | None,
        typer.Option(help='Sputtered metal to take off the walls, e.g. "4 nm" or "4 +- 1 nm".'),
    ] = None
    porosity: Annotated[
        str | None,
        typer.Option(help='Measured porosity, e.g. "0.72 +- 0.02"; moves the cut within what is plausible.'),
    ] = None
    porosity_scope: Annotated[
        str, typer.Option(help="What was measured: total or resolved pores, of the sheet or this crop.")
    ] = _SEGMENTATION.porosity_scope
    taught: Annotated[
        Path | None,
        typer.Option(help="What `segment --labels` learned: its taught.toml, or a run that used it."),
    ] = None

    def settings(self) -> Segmentation:
        """Return the settings; they check their own values."""
        taught = None
        if self.taught is not None:
            from porescape.io.runs.taught import read_taught

            taught = read_taught(self.taught)
        method = self.threshold_method
        return Segmentation(
            method="taught" if taught and method == _SEGMENTATION.method else method,
            sensitivity=self.sensitivity,
            window=self.window,
            threshold=self.threshold,
            smoothing=self.smoothing,
            median=self.median,
            speck=self.speck,
            pore=self.pore,  # type: ignore[arg-type]
            coating=None if self.coating is None else parse_uncertain_length(self.coating),
            porosity=None if self.porosity is None else parse_porosity(self.porosity),
            porosity_scope=self.porosity_scope,
            taught=taught,
        )


@dataclass(frozen=True)
class FitOptions:
    """How the recipe is fitted."""

    trials: TrialsOption = _FIT.trials
    fit_size: Annotated[int, typer.Option(help="Edge of the fitted cube (voxels).")] = _FIT.size
    method: Annotated[
        str, typer.Option(help="porescape; paper: as published; paper-code: as its script.")
    ] = _FIT.method
    family: Annotated[
        str,
        typer.Option(help=f"Family of recipes: {', '.join(FAMILIES)}; auto tries all and takes the best."),
    ] = _FIT.family
    sampler: Annotated[str, typer.Option(help="Optimiser: cma, tpe or sobol.")] = _FIT.sampler
    percolate: Annotated[
        str, typer.Option(help="Phases that must be connected: both, pore, solid, none.")
    ] = _FIT.percolate

    def settings(self) -> Fit:
        """Return the settings; they check their own values."""
        return Fit(
            method=self.method,  # type: ignore[arg-type]
            trials=self.trials,
            family=self.family,
            size=self.fit_size,
            sampler=self.sampler,
            percolate=self.percolate,  # type: ignore[arg-type]
        )


@dataclass(frozen=True)
class MeasureOptions:
    """What is measured, and under which conditions."""

    measure: MeasureOption = "all"
    thickness: Annotated[
        str | None, typer.Option(help='Membrane thickness, e.g. "120 um", for retention and water flux.')
    ] = None
    pressure: Annotated[float, typer.Option(help="Pressure across it, for the water flux (bar).")] = (
        _MEASURE.pressure / BAR
    )
    surface_tension: Annotated[float, typer.Option(help="Of the wetting liquid of porometry (N/m).")] = (
        _MEASURE.surface_tension
    )
    contact_angle: Annotated[float, typer.Option(help="Of that liquid (degrees).")] = _MEASURE.contact_angle
    particles: Annotated[
        str, typer.Option(help='Particles to report the retention of, e.g. "0.2 um,0.45 um".')
    ] = ""
    temperature: Annotated[float, typer.Option(help="Of water and gas (°C).")] = round(
        _MEASURE.temperature - ZERO_CELSIUS, 6
    )
    viscosity: Annotated[
        float | None,
        typer.Option(help="Of the liquid that flows through (Pa s); water's by default.", show_default=False),
    ] = None
    gas: Annotated[str, typer.Option(help="For the gas permeance: air, nitrogen, ...")] = _MEASURE.gas
    gas_pressure: Annotated[
        float, typer.Option(help="Mean absolute pressure of that gas in the membrane (bar).")
    ] = _MEASURE.gas_pressure / BAR

    def settings(self) -> Measure:
        """Return the settings; they check their own values."""
        from porescape.measure.filtration.fluids import gas_named

        gas_named(self.gas)
        return Measure(
            numbers=names_in(self.measure),
            thickness=length_or_none(self.thickness),
            pressure=self.pressure * BAR,
            surface_tension=self.surface_tension,
            contact_angle=self.contact_angle,
            temperature=round(self.temperature + ZERO_CELSIUS, 6),
            viscosity=self.viscosity,
            particles=tuple(map(parse_length, names_in(self.particles))),
            gas=self.gas,
            gas_pressure=self.gas_pressure * BAR,
        )


@dataclass(frozen=True)
class OutputOptions:
    """The box of the replicas, and which checks of the image may fail."""

    size: SizeOption = "128"
    voxel_size: VoxelSize = None
    periodic: Annotated[bool, typer.Option(help="Opposite faces match.")] = _OUTPUT.periodic
    refine: RefineOption = SWEEPS
    accept: AcceptOption = ""
    replicas: Replicas = _OUTPUT.replicas

    def settings(
        self, segmentation: SegmentationOptions, fitting: FitOptions, measuring: MeasureOptions
    ) -> "tuple[Settings, Box | None]":
        """Return the settings, and the box if it was given as lengths [m]."""
        from porescape.jobs.choices import check_choices

        settings = Settings(
            segmentation=segmentation.settings(),
            checks=Checks(accept=names_in(self.accept)),
            fit=fitting.settings(),
            output=Output(
                voxel_size=length_or_none(self.voxel_size),
                replicas=self.replicas,
                periodic=self.periodic,
                refine=self.refine,
            ),
            measure=measuring.settings(),
        )
        check_choices(settings)
        return parse_box(self.size, settings)


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


def names_in(text: str) -> tuple[str, ...]:
    """Read a list of names with commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def length_or_none(text: str | None) -> float | None:
    """Read an optional length [m]."""
    return None if text is None else parse_length(text)


def parse_box(text: str, settings: Settings) -> "tuple[Settings, Box | None]":
    """Read a box: return settings with the box in voxels, or unchanged settings and its lengths [m]."""
    parts = [part.strip() for part in text.replace("\u00d7", "x").lower().split("x")]
    if all(part.isdecimal() for part in parts):
        output = replace(settings.output, size=parse_size(text, math.nan))
        return replace(settings, output=output), None
    if any(part.isdecimal() for part in parts) or len(parts) not in (1, 3):
        raise SettingsError(
            f'size {text!r} is neither voxels ("128", "64x128x128") nor lengths ("20 um", "5um x 9um x 9um")'
            "; wanted one or three of one kind"
        )
    z, y, x = [parse_length(part) for part in parts] * (3 // len(parts))
    return settings, (z, y, x)


def boxed(
    image: "Micrograph", settings: Settings, box: "Box | None"
) -> "tuple[Micrograph | Prepared, Settings]":
    """Return image and settings with the box in voxels; for lengths, which need the voxel size, prepared."""
    from porescape.section.prepare import prepare

    if box is None:
        return image, settings
    prepared = prepare(image, settings, box)
    return prepared, prepared.settings


def parse_crop(text: str | None) -> "Crop | Literal['none'] | None":
    """Read an optional crop: four numbers of pixels, or "none" for the whole image."""
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
