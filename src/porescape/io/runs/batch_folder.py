"""The folder of a batch: a run folder per image, and tables and a page over all of them.

::

    OUT/
        batch.html, batch.csv, batch.json    over all images; written again after each
        NAME/                                a complete run folder, once its image is done
        NAME.work/                           an unfinished run, see `porescape.io.runs.checkpoint`
        batch-cards/NAME.json                its thumbnails for the page, or why it failed

Complete files are the only state. So several processes can work on one batch, and any of them can be killed.
If two of them work on the same image, they write the same.
"""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from porescape.core.measurement import Estimate
from porescape.core.results import Reconstruction
from porescape.core.settings import Settings
from porescape.errors import InputError, OutputError, PorescapeError
from porescape.io.atomic import whole_file
from porescape.io.runs.replica import number
from porescape.io.runs.run_folder import SCHEMA_VERSION, estimate_table, read_run, to_json
from porescape.io.runs.settings import read_settings, run_file, settings_table
from porescape.jobs.batch import (
    Batch,
    BatchEntry,
    Card,
    Outcome,
    Status,
    Thumbnail,
    in_groups,
    over_images,
)
from porescape.measure.meters import NUMBERS
from porescape.report.batch_page import render_batch, thumbnails
from porescape.section.prepare import Box
from porescape.version import __version__

CARDS = "batch-cards"


def gather_batch(
    entries: Sequence[BatchEntry],
    out: Path | str,
    settings: Settings | None = None,
    seed: int = 0,
    box: Box | None = None,
) -> Batch:
    """Write `batch.csv`, `batch.json` and `batch.html` of the finished images, and reconstruct nothing.

    Without `settings`, those in the existing `batch.json` are written again.

    Raises
    ------
    InputError
        There is no such `batch.json`.
    OutputError
        `out` cannot be written.
    """
    out = Path(out)
    if settings is None:
        settings, seed, box = _stored_settings(out)
    try:
        (out / CARDS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out} could not be written: {error.strerror or error}") from error
    batch = Batch(tuple(outcome_of(entry, out) for entry in in_groups(entries)), settings, seed, box)
    for name, text in (
        ("batch.csv", batch_csv(batch)),
        ("batch.json", to_json(batch_table(batch))),
        ("batch.html", render_batch(batch)),
    ):
        with whole_file(out / name) as file:
            file.write_text(text, encoding="utf-8")
    return batch


def _stored_settings(out: Path) -> tuple[Settings, int, Box | None]:
    table = _read_json(out / "batch.json")
    if not {"settings", "seed", "box"} <= set(table):
        raise InputError(f"{out} holds no batch to gather; wanted the folder of one, with its batch.json")
    box = table["box"]
    return (
        read_settings(table["settings"]),
        int(table["seed"]),
        None if box is None else (box[0], box[1], box[2]),
    )


def is_done(folder: Path) -> bool:
    """Return whether there is a run folder; it is renamed last, so that an existing one is complete."""
    return (folder / "results.json").is_file() and run_file(folder).is_file()


def outcome_of(entry: BatchEntry, out: Path) -> Outcome:
    """Return the status and results of an image."""
    folder = out / entry.name
    if is_done(folder):
        try:
            return Outcome(entry, Status.DONE, card=_card(folder, card_file(out, entry.name)))
        except OutputError:
            raise
        except (PorescapeError, KeyError, TypeError, ValueError) as error:
            reason = f"{folder} cannot be read ({error}); remove it, and the batch repeats the image"
            return Outcome(entry, Status.FAILED, reason)
    why = _read_json(card_file(out, entry.name)).get("reason")
    return Outcome(entry, Status.WAITING) if why is None else Outcome(entry, Status.FAILED, str(why))


def _card(folder: Path, pictures: Path) -> Card:
    """Return a run's card from its folder; its thumbnails are drawn once and then stored."""
    known = _read_json(pictures)
    if "thumbnails" not in known:
        write_thumbnails(pictures, read_run(folder))
        known = _read_json(pictures)
    numbers = _read_json(folder / "results.json")
    source = _read_json(folder / "provenance.json")["input"]
    top, left, height, width = (int(source["crop"][n]) for n in ("top", "left", "height", "width"))
    z, y, x = (int(n) for n in numbers["shape"])
    return Card(
        sha256=source["sha256"],
        crop=(top, left, height, width),
        pixel_size=source["pixel_size"],
        voxel_size=numbers["voxel_size"],
        shape=(z, y, x),
        replicas=len(numbers["replicas"]),
        image_porosity=numbers["image_porosity"],
        properties={name: _estimate(entry) for name, entry in numbers["properties"].items()},
        warnings=tuple(numbers["warnings"]),
        porescape=numbers["porescape"],
        thumbnails=tuple(Thumbnail(*picture) for picture in known["thumbnails"]),
    )


def write_thumbnails(path: Path, result: Reconstruction) -> None:
    """Write the card of a finished image."""
    with whole_file(path) as file:
        file.write_text(to_json({"thumbnails": thumbnails(result)}), encoding="utf-8")


def card_file(out: Path, name: str) -> Path:
    """Return the file of an image's card."""
    return out / CARDS / f"{name}.json"


def version_of(folder: Path) -> str:
    """Return the version of porescape that made a run."""
    return str(_read_json(folder / "results.json").get("porescape", ""))


def _read_json(path: Path) -> dict[str, Any]:
    """Return a table, empty if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _estimate(entry: Mapping[str, Any]) -> Estimate:
    low, high = map(number, entry["ci95"])
    mean, sd, margin = (number(entry[name]) for name in ("mean", "sd", "paper_margin"))
    parts = {name: number(value) for name, value in entry["parts"].items()}
    return Estimate(mean, sd, (low, high), entry["unit"], entry["n"], margin, parts)


# -- tables over all images --------------------------------------------------------------------------


def batch_csv(batch: Batch) -> str:
    """Return a row per image: status, scale, and of every number its mean, interval, what that lacks (SI)."""
    measured = batch.measured()
    head = ["name", "image", "group", "status", "reason", "pixel size [m]", "voxel size [m]"]
    head += ["voxels z", "voxels y", "voxels x", "replicas", "image porosity"]
    for name in measured:
        head += [f"{name} {what} [{NUMBERS[name].unit}]" for what in ("mean", "low", "high")]
        head.append(f"{name} not included")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    for one in batch.outcomes:
        row: list[object] = [one.entry.name, one.entry.listed or one.entry.image.name, one.entry.group]
        row += [one.status.value, one.reason]
        if card := one.card:
            row += [card.pixel_size, card.voxel_size, *card.shape, card.replicas, card.image_porosity]
            row += [value for name in measured for value in _ends(card.properties.get(name))]
        writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row])
    return text.getvalue()


def _ends(e: Estimate | None) -> tuple[float | str, ...]:
    return ("",) * 4 if e is None else (e.mean, *e.ci95, " ".join(e.lacks))


def batch_table(batch: Batch) -> dict[str, Any]:
    """Return a batch as plain tables."""
    return {
        "schema_version": SCHEMA_VERSION,
        "porescape": __version__,
        "seed": batch.seed,
        "settings": settings_table(batch.settings),
        "box": None if batch.box is None else list(batch.box),
        "counts": {status.value: len(batch.of(status)) for status in Status},
        "notes": list(batch.notes()),
        "images": [_image_table(one) for one in batch.outcomes],
        "groups": {
            group: {name: estimate_table(e) for name, e in over_images(cards).items()}
            for group, cards in batch.groups().items()
        },
    }


def _image_table(one: Outcome) -> dict[str, Any]:
    entry, card = one.entry, one.card
    table: dict[str, Any] = {
        "name": entry.name,
        "image": entry.listed or entry.image.name,
        "group": entry.group,
        "status": one.status.value,
        "reason": one.reason,
    }
    if card is None:
        return table
    return table | {
        "folder": entry.name,
        "sha256": card.sha256,
        "crop": list(card.crop),
        "pixel_size": card.pixel_size,
        "voxel_size": card.voxel_size,
        "shape": list(card.shape),
        "replicas": card.replicas,
        "image_porosity": card.image_porosity,
        "porescape": card.porescape,
        "warnings": list(card.warnings),
        "properties": {name: estimate_table(e) for name, e in card.properties.items()},
    }
