"""Files of the prepared image of a run, and of its replica selection: masks, checks, scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from porescape.core.check import Check
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.prepared import Prepared, Segmented
from porescape.core.results import Score, Selection, Similarity
from porescape.core.settings import Settings
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.io.runs.replica import number

MASK, SECTION, CURVES = "segmentation.tif", "section.tif", "checks.npz"


def write_prepared(folder: Path, prepared: Prepared) -> None:
    """Write the fitted section, and the curves of the checks."""
    write_phase(folder / SECTION, prepared.section)
    curves = {
        f"{check.name}/{name}": curve for check in prepared.checks for name, curve in check.curves.items()
    }
    with whole_file(folder / CURVES) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **curves)


def read_prepared(
    folder: Path, image: Micrograph, settings: Settings, provenance: Mapping[str, Any]
) -> Prepared:
    """Read the files of `write_prepared` and `write_segmentation`; the rest is in the provenance.

    Raises
    ------
    InputError
        A file is missing or is not a mask.
    """
    speck = float(provenance["segmentation"]["speck_area"])
    phase = _read_phase(folder / MASK, image.pixel_size, speck)
    section = _read_phase(folder / SECTION, float(provenance["voxel_size"]), speck)
    checks = tuple(_checks(folder / CURVES, provenance["checks"]))
    chords = float(provenance["chords"]["pore"]), float(provenance["chords"]["solid"])
    warnings = tuple(provenance["prepared_warnings"])
    return Prepared(Segmented(image, phase), checks, section, chords, settings, warnings)


def write_segmentation(folder: Path, phase: PhaseImage) -> None:
    """Write `segmentation.tif`: uint8, 255 = pore, with its pixel size."""
    write_phase(folder / MASK, phase)


def write_phase(path: Path, phase: PhaseImage) -> None:
    """Write a mask: uint8, 255 = pore, with its pixel size."""
    per_micron = 1e-6 / phase.pixel_size
    with whole_file(path) as temporary:
        tifffile.imwrite(
            temporary,
            np.where(phase.pore, np.uint8(255), np.uint8(0)),
            imagej=True,
            compression="zlib",
            resolution=(per_micron, per_micron),
            metadata={"axes": "YX", "unit": "um", "Info": "255 = pore, 0 = solid"},
        )


def _read_phase(path: Path, pixel_size: float, speck: float) -> PhaseImage:
    try:
        values = np.asarray(tifffile.imread(path))
    except Exception as error:  # broken files raise many kinds of exceptions
        raise InputError(f"{path} could not be read: {error}; wanted a complete run folder") from error
    if values.ndim != 2 or not set(np.unique(values)) <= {0, 255}:
        raise InputError(f"{path} is not a mask of 0 and 255; wanted a complete run folder")
    return PhaseImage(values == 255, pixel_size, speck)


def checks_table(checks: Sequence[Check]) -> dict[str, Any]:
    """Return the results of the checks, by name."""
    return {
        check.name: {
            "status": check.status,
            "sentence": check.sentence,
            "values": check.values,
            "limits": {name: list(limits) for name, limits in check.limits.items()},
        }
        for check in checks
    }


def _checks(path: Path, table: Mapping[str, Any]) -> Sequence[Check]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            stored = dict(archive)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} could not be read: {error}; wanted a complete run folder") from error
    return [
        Check(
            name,
            entry["status"],
            entry["sentence"],
            {value: number(found) for value, found in entry["values"].items()},
            {value: (limits[0], limits[1]) for value, limits in entry["limits"].items()},
            {key.partition("/")[2]: curve for key, curve in stored.items() if key.startswith(f"{name}/")},
        )
        for name, entry in table.items()
    ]


def selection_table(selection: Selection) -> dict[str, Any]:
    """Return the selected replica, and the scores of all."""
    return {
        "selected": selection.selected,
        "totals": [score.total for score in selection.scores],
        "reason": selection.reason,
        "cautions": list(selection.cautions),
    }


def selection_from(table: Mapping[str, Any], similarities: Sequence[Similarity]) -> Selection:
    """Return the replica selection from its table and the similarity of each replica to the image."""
    scores = tuple(
        Score(one.held_out, one.two_sample, float(total))
        for one, total in zip(similarities, table["totals"], strict=True)
    )
    return Selection(scores, int(table["selected"]), table["reason"], tuple(table["cautions"]))
