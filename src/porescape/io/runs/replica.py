"""Write and read one replica, in a run folder or in the work folder of an unfinished run."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from porescape.core.measurement import Measurement
from porescape.core.results import Replica, Similarity, Stage, Trial, TwoSampleTest
from porescape.io.runs.details import read_details, write_curves, write_details
from porescape.io.runs.network import write_network_csv, write_network_vtp
from porescape.io.runs.settings import recipe_from, settings_table
from porescape.io.volumes.volume import read_volume
from porescape.measure.meters import NUMBERS

CONFIRMATIONS_BEFORE = 3  # realizations that confirmed a recipe in versions that stored no stage


def replica_name(index: int) -> str:
    """Return the stem of a replica's files, numbered from 01."""
    return f"replica-{index + 1:02d}"


def replica_row(replica: Replica) -> dict[str, Any]:
    """Return a replica's part of `results.json`."""
    return {
        "name": replica_name(replica.index),
        "seed": str(replica.seed),
        "loss": replica.loss,
        "family": replica.family,
        "recipe": settings_table(replica.recipe),
        "seconds": replica.seconds,
        "similarity": asdict(replica.similarity),
        **measurement_table(replica.measurement),
    }


def measurement_table(measurement: Measurement) -> dict[str, Any]:
    """Return the numbers of one volume with units, and the reasons of missing ones."""
    return {
        "properties": {
            name: {"value": value, "unit": NUMBERS[name].unit} for name, value in measurement.values.items()
        },
        "reasons": measurement.reasons,
        "too_small_for": list(measurement.warnings),
        "measure_seconds": {step: round(seconds, 3) for step, seconds in measurement.seconds.items()},
    }


def write_measured(folder: Path, stem: str, measurement: Measurement) -> None:
    """Write the details of a measurement: a row per pore and throat, curves, and the network as a picture."""
    details = measurement.details
    write_details(folder / f"{stem}-details.npz", details)
    write_curves(folder / f"{stem}-curves.csv", details.curves)
    if details.network is not None:
        write_network_csv(folder, details.network, f"{stem}-")
        write_network_vtp(folder / f"{stem}-network.vtp", details.network)


def read_replica(
    folder: Path, index: int, row: Mapping[str, Any], voxel_size: float, trials: Iterable[Trial]
) -> Replica:
    """Read the volume and details of one replica, and combine them with its row and its trials.

    Raises
    ------
    InputError
        A file is missing or has been changed.
    """
    values = {name: number(entry["value"]) for name, entry in row["properties"].items()}
    measurement = Measurement(
        values,
        row["reasons"],
        row["measure_seconds"],
        tuple(row["too_small_for"]),
        read_details(folder / f"{row['name']}-details.npz"),
    )
    return Replica(
        index,
        int(row["seed"]),
        recipe_from(row["recipe"]),
        tuple(trials),
        read_volume(folder / f"{row['name']}.tif", voxel_size),
        measurement,
        similarity_from(row),
        row["seconds"],
    )


def trials_from(rows: Sequence[Mapping[str, Any]]) -> tuple[Trial, ...]:
    """Return trials from their rows in JSON, of this or an earlier version."""
    return tuple(_trial(dict(row)) for row in rows)


def _trial(row: dict[str, Any]) -> Trial:
    if "draw" in row:  # earlier versions numbered the realizations, and stored no stage
        row["realization"] = row.pop("draw")
        past = row["realization"] > CONFIRMATIONS_BEFORE
        row["stage"] = "compare" if past else "confirm" if row["realization"] else "explore"
    made = {"x": tuple(row["x"]), "recipe": recipe_from(row["recipe"]), "stage": Stage(row["stage"])}
    return Trial(**(row | made))


def similarity_from(row: Mapping[str, Any]) -> Similarity:
    """Return the similarity of a replica, from its row of `results.json`, also of earlier versions."""
    table = row.get("similarity") or row["look"]
    held_out = table.get("held_out", table.get("unseen"))
    test = table.get("two_sample", table.get("eye"))
    return Similarity(held_out, None if test is None else TwoSampleTest(**test))


def number(value: float | None) -> float:
    """Return a number from JSON, where null means NaN."""
    return math.nan if value is None else value
