"""What a run prepared of its image, and which replica it selected, as files: masks, checks, scores."""

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
    """Write the section that the fit saw, and the curves of the checks."""
    _write_phase(folder / SECTION, prepared.section)
    curves = {
        f"{check.name}/{name}": curve for check in prepared.checks for name, curve in check.curves.items()
    }
    with whole_file(folder / CURVES) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **curves)


def read_prepared(folder: Path, image: Micrograph, settings: Settings, said: Mapping[str, Any]) -> Prepared:
    """Read back what `write_prepared`, `write_segmentation` and the provenance hold.

    Raises
    ------
    InputError
        A file is missing or is no mask.
    """
    speck = float(said["segmentation"]["speck_area"])
    phase = _read_phase(folder / MASK, image.pixel_size, speck)
    section = _read_phase(folder / SECTION, float(said["voxel_size"]), speck)
    checks = tuple(_checks(folder / CURVES, said["checks"]))
    chords = float(said["chords"]["pore"]), float(said["chords"]["solid"])
    warnings = tuple(said["prepared_warnings"])
    return Prepared(Segmented(image, phase, None, None), checks, section, chords, settings, warnings)


def write_segmentation(folder: Path, phase: PhaseImage) -> None:
    """Write `segmentation.tif`: uint8, 255 = pore, with its pixel size."""
    _write_phase(folder / MASK, phase)


def _write_phase(path: Path, phase: PhaseImage) -> None:
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
    except Exception as error:  # every broken file fails in a way of its own
        raise InputError(f"{path} could not be read: {error}; wanted a whole run folder") from error
    if values.ndim != 2 or not set(np.unique(values)) <= {0, 255}:
        raise InputError(f"{path} is no mask of 0 and 255; wanted a whole run folder")
    return PhaseImage(values == 255, pixel_size, speck)


def checks_table(checks: Sequence[Check]) -> dict[str, Any]:
    """Return what the checks found, by their names."""
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
        raise InputError(f"{path} could not be read: {error}; wanted a whole run folder") from error
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
    """Return which replica was selected, and by which totals."""
    return {
        "selected": selection.selected,
        "totals": [score.total for score in selection.scores],
        "reason": selection.reason,
        "cautions": list(selection.cautions),
    }


def selection_from(table: Mapping[str, Any], similarities: Sequence[Similarity]) -> Selection:
    """Return the selection from its table, and from how each replica compares with the image."""
    scores = tuple(
        Score(one.held_out, one.two_sample, float(total))
        for one, total in zip(similarities, table["totals"], strict=True)
    )
    return Selection(scores, int(table["selected"]), table["reason"], tuple(table["cautions"]))
