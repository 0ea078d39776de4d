"""Write and read the folder of a run; it contains everything needed to reproduce the run."""

import json
import math
import platform
import shutil
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import tomli_w

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.measurement import Estimate
from porescape.core.results import Reconstruction
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.atomic import whole_file, whole_folder
from porescape.io.images.image import read_image
from porescape.io.runs.earlier import EARLIER, of_earlier_version
from porescape.io.runs.prepared import (
    checks_table,
    read_prepared,
    selection_from,
    selection_table,
    write_prepared,
    write_segmentation,
)
from porescape.io.runs.replica import measurement_table as measurement_table
from porescape.io.runs.replica import number, read_replica, replica_name, replica_row, trials_from
from porescape.io.runs.replica import write_measured as write_measured
from porescape.io.runs.settings import (
    RUN_FILE,
    read_settings,
    read_toml,
    recipe_toml,
    run_file,
    settings_table,
)
from porescape.io.volumes.volume import write_tiff, write_vti
from porescape.measure.section.combined import combined_distance_function
from porescape.measure.section.describe import cut_windows, describe
from porescape.report.html import render_report
from porescape.report.image_figures import segmentation_overlay
from porescape.report.particles import particles
from porescape.report.summary import trust
from porescape.report.words import condition_of
from porescape.version import __version__

SCHEMA_VERSION = 2  # of results.json; increased when a name changes its meaning or is removed
LAGS = 256  # pixels; the longest lag in the curves of `describe`
VERSIONS_OF = ("numpy", "scipy", "numba", "scikit-image", "edt", "cmaes", "optuna", "tifffile")


def write_run(
    folder: Path | str,
    result: Reconstruction,
    source: Path | str | None = None,
    *,
    truth: Volume | None = None,
    overwrite: bool = False,
) -> None:
    """Write all results of a run.

    Parameters
    ----------
    folder : path
        New or empty, unless `overwrite`.
    result : Reconstruction
    source : path, optional
        The image file; it is copied into the folder, so that the run can be reproduced anywhere.
    truth : Volume, optional
        The known structure behind the image, for the report.
    """
    with whole_folder(Path(folder), overwrite) as temporary:
        copy = None
        if source is not None:
            source = Path(source)
            copy = f"input{source.suffix.lower()}"
            shutil.copyfile(source, temporary / copy)
        job = job_toml(result, copy)
        _write_text(temporary / RUN_FILE, job)
        _write_text(temporary / "provenance.json", to_json(provenance(result)))
        _write_text(temporary / "fit.json", to_json(fit_history(result)))
        write_segmentation(temporary, result.phase)
        write_prepared(temporary, result.prepared)
        _write_text(temporary / "results.json", to_json(results(result)))
        segmentation_overlay(result.image, result.phase).savefig(temporary / "segmentation.png", dpi=150)
        for replica in result.replicas:
            stem = replica_name(replica.index)
            write_tiff(temporary / f"{stem}.tif", replica.volume)
            write_vti(temporary / f"{stem}.vti", replica.volume)
            domain = Domain(replica.volume.shape, replica.volume.voxel_size, result.settings.output.periodic)
            write_measured(temporary, stem, replica.measurement)
            _write_text(temporary / f"{stem}.toml", recipe_toml(replica.recipe, domain, replica.seed))
        _write_text(temporary / "report.html", render_report(result, truth, job))


def read_run(folder: Path | str) -> Reconstruction:
    """Read the folder that `write_run` wrote; nothing is computed again.

    Folders of earlier versions lack the section, the curves of the checks and the scores of the replica
    selection; these are then computed as that version would have done, with a warning.

    Raises
    ------
    InputError
        A file of the run is missing or has been changed.
    """
    folder = Path(folder)
    table = read_toml(run_file(folder))
    job = table["image"]
    settings = read_settings(table)
    image = read_image(
        folder / job["file"], pixel_size=job["pixel_size"], crop=tuple(job["crop"]), page=job.get("page")
    )
    numbers = _read_json(folder / "results.json")
    fits = _read_json(folder / "fit.json")
    provenance = _read_json(folder / "provenance.json")
    own = provenance["input"]  # not in the copied image
    image = replace(image, name=own["name"], pixel_size_source=own["pixel_size_source"])
    replicas = tuple(
        read_replica(folder, index, row, numbers["voxel_size"], trials_from(fit["trials"]))
        for index, (row, fit) in enumerate(zip(numbers["replicas"], fits["replicas"], strict=True))
    )
    similarities = [replica.similarity for replica in replicas]
    warnings = tuple(numbers["warnings"])
    if numbers["schema_version"] < SCHEMA_VERSION:
        prepared, selection = of_earlier_version(image, settings, numbers["voxel_size"], similarities)
        warnings = (*warnings, EARLIER)
    else:
        prepared = read_prepared(folder, image, settings, provenance)
        selection = selection_from(numbers["selection"], similarities)
    properties = {name: _estimate(entry) for name, entry in numbers["properties"].items()}
    return Reconstruction(prepared, replicas, properties, selection, table["seed"], warnings)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except (OSError, ValueError) as error:
        raise InputError(f"{path} could not be read: {error}; wanted a complete run folder") from error


def _estimate(entry: dict[str, Any]) -> Estimate:
    low, high = map(number, entry["ci95"])
    mean, sd, margin = (number(entry[name]) for name in ("mean", "sd", "paper_margin"))
    parts = {name: number(value) for name, value in entry["parts"].items()}
    return Estimate(mean, sd, (low, high), entry["unit"], entry["n"], margin, parts)


def job_toml(result: Reconstruction, image: str | None) -> str:
    """Return the job as TOML: `porescape run run.toml --out NEW` repeats it."""
    job: dict[str, Any] = {
        "porescape": __version__,
        "seed": result.seed,
        "image": {
            "file": image or result.image.name,
            "sha256": result.image.sha256,
            "pixel_size": result.image.pixel_size,
            "crop": list(result.image.crop),
            **({} if result.image.page is None else {"page": result.image.page}),
        },
    }
    return tomli_w.dumps(job | settings_table(result.settings))


def provenance(result: Reconstruction) -> dict[str, Any]:
    """Return the provenance of a result."""
    image = result.image
    return {
        "porescape": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": {name: metadata.version(name) for name in VERSIONS_OF},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": result.seed,
        "input": {
            "name": image.name,
            "sha256": image.sha256,
            "pixel_size": image.pixel_size,
            "pixel_size_unit": "m",
            "pixel_size_source": image.pixel_size_source,
            "crop": dict(zip(("top", "left", "height", "width"), image.crop, strict=True)),
            "is_binary": image.is_binary,
        },
        "segmentation": settings_table(result.settings.segmentation)
        | {"porosity": result.phase.porosity, "speck_area": result.phase.speck},
        "checks": checks_table(result.checks),
        "prepared_warnings": list(result.prepared.warnings),
        "chords": dict(zip(("pore", "solid"), result.prepared.chords, strict=True)),
        "voxel_size": result.section.pixel_size,
        "warnings": list(result.warnings),
    }


def results(result: Reconstruction) -> dict[str, Any]:
    """Return the numbers of a run."""
    return {
        "schema_version": SCHEMA_VERSION,
        "porescape": __version__,
        "seed": result.seed,
        "voxel_size": result.section.pixel_size,
        "shape": list(result.settings.output.size),
        "image_porosity": result.phase.porosity,
        "verdict": trust(result)._asdict(),
        "properties": {
            name: estimate_table(e)
            | {"condition": condition_of(name, result.settings.measure, result.thickness)}
            for name, e in result.properties.items()
        },
        "particles": [one._asdict() for one in particles(replica.measurement for replica in result.replicas)],
        "replicas": [replica_row(replica) for replica in result.replicas],
        "selected": replica_name(result.selected.index),
        "selected_because": result.selection.reason,
        "selection": selection_table(result.selection),
        "warnings": list(result.warnings),
    }


def description(phase: PhaseImage) -> dict[str, Any]:
    """Return the statistics of a section: curves by name, lags and distances in metres."""
    window = min(phase.pore.shape)
    lags = min(window - 1, LAGS)
    found = describe(cut_windows(phase.pore, window), phase.pixel_size, lags)
    combined = combined_distance_function(phase.pore, phase.pixel_size)
    curves = ("s2", "lineal_pore", "lineal_solid", "distance_pore", "distance_solid")
    return {
        "schema_version": SCHEMA_VERSION,
        "pixel_size": phase.pixel_size,
        "porosity": phase.porosity,
        "chord_pore": found.chord_pore,
        "chord_solid": found.chord_solid,
        "lag": found.lags.tolist(),
        **{name: getattr(found, name).mean(axis=0).tolist() for name in curves},
        **{f"chord_distribution_{p}": found.chord_distribution(p).tolist() for p in ("pore", "solid")},
        "combined_distance": {"bin": phase.pixel_size, "zoom_phase_bin": combined.tolist()},
    }


def fit_history(result: Reconstruction) -> dict[str, Any]:
    """Return every trial of every replica."""
    return {
        "schema_version": SCHEMA_VERSION,
        "method": result.settings.fit.method,
        "sampler": result.settings.fit.sampler,
        "replicas": [
            {"name": replica_name(replica.index), "trials": [asdict(trial) for trial in replica.trials]}
            for replica in result.replicas
        ],
    }


def estimate_table(estimate: Estimate) -> dict[str, Any]:
    """Return an estimate as a plain table, with the sources of uncertainty that its interval lacks."""
    return asdict(estimate) | {"ci95": list(estimate.ci95), "not_included": list(estimate.lacks)}


def to_json(table: Any) -> str:
    """Return JSON text; NaN and infinity become null, because JSON has neither."""
    return json.dumps(_plain(table), indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _write_text(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
