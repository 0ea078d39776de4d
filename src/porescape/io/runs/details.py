"""The details of a measurement, stored for later reports: one `.npz`, and curves as CSV."""

import csv
import dataclasses
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.measurement import Details
from porescape.core.network import Network
from porescape.errors import InputError
from porescape.io.atomic import whole_file


def write_details(path: Path, details: Details) -> None:
    """Write network, curves and fields to one compressed `.npz`."""
    arrays: dict[str, NDArray[Any]] = {}
    if details.network is not None:
        for field in dataclasses.fields(Network):
            arrays[f"network.{field.name}"] = np.asarray(getattr(details.network, field.name))
    for name, curve in details.curves.items():
        arrays[f"curve.{name}.xy"] = np.stack([curve.x, curve.y])
        arrays[f"curve.{name}.units"] = np.array([curve.x_unit, curve.y_unit])
    arrays.update({f"field.{name}": values for name, values in details.fields.items()})
    with whole_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # the type stub takes the names for options


def read_details(path: Path) -> Details:
    """Read back what `write_details` wrote.

    Raises
    ------
    InputError
        The file is missing, damaged or in another format.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return _details({name: archive[name] for name in archive.files})
    except (OSError, ValueError, TypeError, AttributeError, KeyError, EOFError, BadZipFile) as error:
        raise InputError(f"{path} could not be read: {error}; wanted a complete run folder") from error


def _details(arrays: Mapping[str, NDArray[Any]]) -> Details:
    parts = {
        name.removeprefix("network."): value for name, value in arrays.items() if name.startswith("network.")
    }
    network = None
    if parts:
        plain: dict[str, Any] = {
            name: value.item() if value.ndim == 0 else value for name, value in parts.items()
        }
        network = Network(**plain)
    curves = {}
    for name in arrays:
        if name.startswith("curve.") and name.endswith(".xy"):
            x_unit, y_unit = arrays[name.removesuffix("xy") + "units"]
            own = name.removeprefix("curve.").removesuffix(".xy")
            x, y = arrays[name]
            curves[own] = Curve(x, y, str(x_unit), str(y_unit))
    fields = {n.removeprefix("field."): value for n, value in arrays.items() if n.startswith("field.")}
    return Details(network, curves, fields)


def write_curves(path: Path, curves: Mapping[str, Curve]) -> None:
    """Write curves as one CSV: a row per point, with its curve's name and units."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["curve", "x", "x_unit", "y", "y_unit"])
    for name, curve in curves.items():
        for x, y in zip(curve.x.tolist(), curve.y.tolist(), strict=True):
            writer.writerow([name, repr(x), curve.x_unit, repr(y), curve.y_unit])
    with whole_file(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8")
