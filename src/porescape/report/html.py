"""The report of a run: image and structure, the numbers, and how reliable they are."""

import dataclasses
import math
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import NamedTuple

from porescape.core.measurement import Estimate, Measurement
from porescape.core.recipe import AnyRecipe, FieldsRecipe, PaperRecipe
from porescape.core.results import Reconstruction, Replica
from porescape.core.settings import Settings
from porescape.core.volume import Volume
from porescape.measure.meters import GROUPS, NUMBERS
from porescape.measure.volume import measure_volume
from porescape.report.check_figures import checks_figure, depth_figure
from porescape.report.fit_figures import fit_history
from porescape.report.image_figures import outlined_middle, segmentation_overlay, triptych, whole_image
from porescape.report.interval_figures import sources_figure
from porescape.report.measure_figures import (
    Side,
    filtration_curves,
    morphology_curves,
    network_view,
    settling,
    size_distributions,
    solved_fields,
)
from porescape.report.number_figures import numbers_plot
from porescape.report.page import Picture, embed, fill
from porescape.report.particles import particles
from porescape.report.section_figures import combined_distance, descriptor_curves
from porescape.report.selection_figures import contact_sheet, selection_figure
from porescape.report.structure_figures import three_d, truth_slices
from porescape.report.summary import key_names, structure_in_words, trust
from porescape.report.viewer import pack
from porescape.report.words import (
    condition_of,
    decimals_of,
    describe_box,
    label_of,
    lacking,
    missing,
    scale_of,
    within_a_sentence,
    write,
)
from porescape.synthesis.families import FAMILIES
from porescape.units import PER_METRE, format_extent, format_length, format_shape
from porescape.version import __version__
from porescape.wording import several

RECIPE_LENGTHS = (
    "solid_grain_spacing",
    "pore_cell_spacing",
    "branch_width",
    "highpass_width",
    "spacing",
    "length",
    "smoothing",
)
VERSIONS_OF = ("numpy", "scipy", "numba", "scikit-image", "matplotlib")


class Row(NamedTuple):
    """One number in the tables of the page; `exact` is in SI units, the others are formatted for reading."""

    label: str
    condition: str
    definition: str
    unit: str
    mean: str
    exact: str
    sd: str
    low: str
    high: str
    margin: str
    n: int
    values: tuple[str, ...]
    parts: dict[str, str]
    lacks: str
    truth: str
    error: str


def render_report(result: Reconstruction, truth: Volume | None = None, job: str = "") -> str:
    """Write the report of a run as one self-contained HTML page.

    Parameters
    ----------
    result : Reconstruction
    truth : Volume, optional
        The known structure of which the image is a section: measured like the replicas, and compared with
        them.
    job : str
        The text of `run.toml`, shown unchanged.
    """
    known = None if truth is None else measure_volume(truth, result.settings.measure)
    rows = number_rows(result, known)
    shown = result.selected
    return fill(
        "report.html.j2",
        name=result.image.name,
        pixel_size=format_length(result.image.pixel_size),
        pixel_size_source=result.image.pixel_size_source,
        image_size=format_shape(result.image.grey.shape[::-1], " × "),
        field_of_view=format_extent(result.image.grey.shape[::-1], result.image.pixel_size),
        image_porosity=f"{100 * result.phase.porosity:.1f} %",
        box=describe_box(result.replicas[0].volume),
        replicas=result.replicas,
        shown=shown,
        keys={name: rows[name] for name in key_names(rows)},
        structure_in_words=structure_in_words(result),
        trust=trust(result),
        viewer=pack(shown.volume),
        job=job,
        methods_sentence=_methods_sentence(result),
        groups=_grouped(rows),
        particles=list(particles(one.measurement for one in result.replicas)),
        through=condition_of("retention_d90_z", result.settings.measure, result.thickness),
        too_small=shown.measurement.warnings,
        checks=result.checks,
        depth=next((check for check in result.checks if check.name == "depth"), None),
        selection=result.selection,
        rows=rows,
        method_unknown=_method_unknown(result.properties),
        warnings=result.warnings,
        reasons=missing((f"replica {one.index + 1}", one.measurement) for one in result.replicas),
        pictures=_draw(result, shown, truth, known),
        with_truth=truth is not None,
        truth_box="" if truth is None else describe_box(truth),
        has_families=not isinstance(shown.recipe, PaperRecipe),
        families=_families_compared(result),
        trials=max(len(replica.trials) for replica in result.replicas),
        recipe_head=recipe_head([replica.recipe for replica in result.replicas]),
        recipes=recipe_rows([replica.recipe for replica in result.replicas]),
        fit=result.settings.fit,
        segmentation=result.settings.segmentation,
        settings=list(_settings(result.settings)),
        seed=result.seed,
        sha256=result.image.sha256,
        crop=result.image.crop,
        versions=_versions(),
        size=format_length(result.section.pixel_size),
    )


def _methods_sentence(result: Reconstruction) -> str:
    """Return a sentence for the methods section of a paper."""
    n, volume = len(result.replicas), result.replicas[0].volume
    return (
        f"The three-dimensional pore structure was reconstructed with porescape {__version__} from one SEM "
        f"image (pixel size {format_length(result.image.pixel_size)}, porosity "
        f"{100 * result.phase.porosity:.1f} %) as {n} statistically equivalent "
        f"{'replica' if n == 1 else 'replicas'} of {describe_box(volume)}, seed {result.seed}"
        + ("; values are means with 95 % confidence intervals." if n > 1 else ".")
    )


def number_rows(result: Reconstruction, truth: Measurement | None = None) -> dict[str, Row]:
    """Return the rows of the number table, by name."""
    measurements = [replica.measurement for replica in result.replicas]
    return {
        name: _row(
            name,
            estimate,
            [one.values.get(name, math.nan) for one in measurements],
            truth,
            condition_of(name, result.settings.measure, result.thickness),
        )
        for name, estimate in result.properties.items()
    }


def _grouped(rows: dict[str, Row]) -> list[tuple[str, dict[str, Row]]]:
    """Return the rows by group, groups without a number left out."""
    found = [(g, {name: row for name, row in rows.items() if NUMBERS[name].group == g}) for g in GROUPS]
    return [(group, own) for group, own in found if own]


def _row(
    name: str, estimate: Estimate, values: list[float], truth: Measurement | None, condition: str
) -> Row:
    scale = scale_of(name, estimate.unit, estimate.mean)
    f = scale.factor
    digits = decimals_of(estimate, f)
    if scale.unit == "%":
        digits = min(digits, 2)  # porosity is imposed: its spread is that of the last voxel
    true = math.nan if truth is None else truth.values.get(name, math.nan)
    off = 100 * (estimate.mean - true) / abs(true) if true else math.nan
    return Row(
        label=label_of(name),
        condition=condition,
        definition=NUMBERS[name].definition,
        unit=scale.unit,
        mean=write(estimate.mean * f, digits),
        exact=f"{estimate.mean!r}",
        sd=write(estimate.sd * f, digits),
        low=write(estimate.ci95[0] * f, digits),
        high=write(estimate.ci95[1] * f, digits),
        margin=write(estimate.paper_margin * f, digits),
        n=estimate.n,
        values=tuple(write(value * f, digits) for value in values),
        parts={source: write(width * f, digits) for source, width in estimate.parts.items()},
        lacks=lacking(estimate.lacks),
        truth=write(true * f, digits),
        error=("+" if off > 0 else "") + write(off, 1) + (" %" if math.isfinite(off) else ""),
    )


def _method_unknown(properties: dict[str, Estimate]) -> str:
    """Return, as part of a sentence, the numbers whose interval lacks only the error of the method."""
    names = [name for name, e in properties.items() if e.parts and "method" not in e.parts]
    return several([within_a_sentence(label_of(name)) for name in names], len(NUMBERS)) if names else ""


def _first(properties: dict[str, Estimate]) -> dict[str, Estimate]:
    """Return the numbers that are drawn: no percentiles and other variants of a number."""
    variants = ("_p10", "_p50", "_p90", "_equivalent", "_extended", "_all")
    return {name: e for name, e in properties.items() if not name.endswith(variants)}


# -- recipes and settings ---------------------------------------------------------------------------


def recipe_head(recipes: Sequence[AnyRecipe]) -> list[str]:
    """Return the column headings of the recipe table, with units."""
    return [
        name.replace("_", " ") + (" [µm]" if name in RECIPE_LENGTHS else "") for name in _columns(recipes)
    ]


def recipe_rows(recipes: Sequence[AnyRecipe]) -> list[list[str]]:
    """Return a row per recipe, lengths in micrometres; a dash where a recipe has no such number."""
    columns = _columns(recipes)
    return [[_cell(name, _numbers_of(recipe).get(name)) for name in columns] for recipe in recipes]


def _columns(recipes: Sequence[AnyRecipe]) -> list[str]:
    """Return the names of the numbers that at least one recipe has."""
    return list(dict.fromkeys(name for recipe in recipes for name in _numbers_of(recipe)))


def _numbers_of(recipe: AnyRecipe) -> dict[str, float]:
    """Return the numbers of a recipe that have an effect, by name."""
    if isinstance(recipe, PaperRecipe):
        return {f"X{i + 1}": value for i, value in enumerate(recipe.x)}
    unused: set[str] = set()
    if isinstance(recipe, FieldsRecipe):
        of = {
            "solid_grains": ("solid_grain_spacing",),
            "pore_cells": ("pore_cell_spacing",),
            "branches": ("branch_width", "branch_cut"),
        }
        unused = {name for field, names in of.items() if getattr(recipe, field) == 0 for name in names}
    numbers = dataclasses.asdict(recipe).items()
    return {name: value for name, value in numbers if name not in unused and value is not None}


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * PER_METRE['µm']:.4g}" if name in RECIPE_LENGTHS else f"{value:.3f}"


def _families_compared(result: Reconstruction) -> list[str]:
    """Return the descriptions of the families, if several were compared."""
    names = dict.fromkeys(trial.family for replica in result.replicas for trial in replica.trials)
    return [FAMILIES[name].words for name in names if name in FAMILIES] if len(names) > 1 else []


def _settings(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of every setting."""
    for stage, table in dataclasses.asdict(settings).items():
        for name, value in table.items():
            text = format_shape(value, " × ") if isinstance(value, tuple) else str(value)
            if isinstance(value, float) and name == "voxel_size":
                text = format_length(value)
            yield f"{stage}.{name}", "chosen from the image" if value is None else text


def _versions() -> dict[str, str]:
    """Return the versions of the software that made this page."""
    found = {name: metadata.version(name) for name in VERSIONS_OF}
    return {"porescape": __version__, "Python": platform.python_version(), **found}


# -- pictures ---------------------------------------------------------------------------------------


def _draw(
    result: Reconstruction, shown: Replica, truth: Volume | None, known: Measurement | None
) -> dict[str, Picture]:
    name, n = result.image.name, len(result.replicas)
    measurements = [replica.measurement for replica in result.replicas]
    which = f"replica {shown.index + 1}"
    window = min(max(shown.volume.shape[1:]) * shown.volume.voxel_size, *_sides(result))
    edges = format_extent(shown.volume.shape, shown.volume.voxel_size)
    drawn = {
        "three_d": (
            three_d(shown.volume),
            f"Cut-away view of the solid of {which}, a box of {edges}; porosity {shown.volume.porosity:.3f}.",
        ),
        "image": (
            whole_image(result.image, window),
            f"The image {name}, {' × '.join(format_length(side, 3) for side in _sides(result)[::-1])}; "
            "a frame marks the part shown below.",
        ),
        "piece": (
            outlined_middle(result.image, result.phase, window),
            f"The middle of the image, {format_length(window, 3)} wide, with the outline of its pores.",
        ),
        "triptych": (
            triptych(result.section, shown.volume, result.image),
            f"A part of the image {name}, its pores, and the middle slices of {which} across z, y and x, "
            "with dark pores, all at the same scale.",
        ),
        "segmentation": (
            segmentation_overlay(result.image, result.phase),
            f"The image {name}, and the same with the outline of the segmented pores: "
            f"{100 * result.phase.porosity:.1f} % of its area.",
        ),
        "curves": (
            descriptor_curves(result.section, result.replicas),
            f"Two-point correlation, lineal path and distance to the wall: the image as a line, {n} replicas "
            "as their mean and a band from the lowest to the highest.",
        ),
        "combined": (
            combined_distance(result.section, result.replicas),
            "The section at three zooms, maps of the distance to the wall, and the combined distance "
            "function of image and replicas at each zoom.",
        ),
        "history": (
            fit_history(result.replicas),
            "Loss of every trial, and the best so far, of each replica's search; the chosen trials ended at "
            f"{min(r.loss for r in result.replicas):.3g} to {max(r.loss for r in result.replicas):.3g}.",
        ),
        "checks": (
            checks_figure(result.phase, result.checks),
            "Isotropy, stationarity, size and sharpness of the image.",
        ),
        "selection": (
            selection_figure(result.selection),
            "For each replica, the accuracy of the two-sample test on held-out crops, and the distance "
            "from the image in held-out descriptors.",
        ),
        "crops": (
            contact_sheet(result.section, shown.volume, seed=result.seed),
            f"Crops of the segmented image {name} (left) and of {which} (right), at the same scale.",
        ),
        "numbers": (
            numbers_plot(_first(result.properties), measurements, known),
            "Each number of the table below: every replica as a dot, their mean as a line with its "
            "95 % interval" + (", the true value as a diamond." if known else "."),
        ),
    }
    if (depth := depth_figure(result.checks)) is not None:
        drawn["depth"] = (
            depth,
            f"The image {name}, the pores of its mask, and the pores in the plane of the cut as a network "
            "sees them.",
        )
    if n > 1 and any(e.parts for e in result.properties.values()):
        drawn["sources"] = (
            sources_figure(_first(result.properties)),
            "One bar per number, as long as the half width of its interval in percent of the number, divided "
            "into the shares of replicas, threshold, image and method.",
        )
    side = Side(f"{n} replicas" if n > 1 else "the replica", measurements)
    sides = [side] if known is None else [Side("truth", [known]), side]
    details = shown.measurement.details
    if details.network is not None:
        drawn["sizes"] = (
            size_distributions(sides),
            f"Distributions of pore body and throat diameters and of coordination numbers over {n} replicas.",
        )
        drawn["network"] = (
            network_view(details.network, shown.volume.shape),
            f"Pore network of {which}: {len(details.network.body_diameter)} balls joined by "
            f"{len(details.network.throat_diameter)} throats.",
        )
    if {"chord_pore", "thickness_pore"} & set(details.curves):
        drawn["morphology"] = (
            morphology_curves(sides),
            f"Distributions of chord lengths and of local thickness in pores and solid over {n} replicas.",
        )
    if details.fields:
        drawn["fields"] = (
            solved_fields(details.fields, shown.volume.voxel_size),
            f"Middle plane of {which}: concentration in steady diffusion and speed of Stokes flow along z.",
        )
    if any(name.startswith("settling_") for name in details.curves):
        drawn["settling"] = (
            settling(shown.measurement),
            f"Means and spreads of numbers over sub-volumes of {which}, by the edge of the sub-volumes.",
        )
    if "retention_z" in details.curves or "intrusion" in details.curves:
        drawn["filtration"] = (
            filtration_curves(sides),
            "Particle retention, wet over dry gas flow, and mercury intrusion of the replicas.",
        )
    if truth is not None:
        drawn["truth"] = (
            truth_slices(truth, shown.volume),
            f"Middle slices of the known structure across z, y and x, above those of {which}.",
        )
    return {key: embed(figure, alt) for key, (figure, alt) in drawn.items()}


def _sides(result: Reconstruction) -> tuple[float, float]:
    """Return height and width of the image [m]."""
    ny, nx = result.image.grey.shape
    return ny * result.image.pixel_size, nx * result.image.pixel_size
