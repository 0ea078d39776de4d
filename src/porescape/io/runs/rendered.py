"""Files of a rendered micrograph: the picture, what lies in its plane, and its look."""

from pathlib import Path

import numpy as np
import tifffile
import tomli_w

from porescape.io.atomic import whole_folder
from porescape.io.runs.prepared import write_phase
from porescape.io.runs.settings import read_toml, settings_from, settings_table
from porescape.rendering.look import Look
from porescape.rendering.micrograph import Rendered


def write_rendered(out: Path, rendered: Rendered, overwrite: bool = False) -> None:
    """Write `micrograph.tif` (uint8 grey levels), `plane.tif` (255 = pore) and `look.toml`.

    Raises
    ------
    OutputError
        The folder is not empty, or cannot be written.
    """
    micrograph = rendered.micrograph
    per_micron = 1e-6 / micrograph.pixel_size
    with whole_folder(out, overwrite) as folder:
        tifffile.imwrite(
            folder / "micrograph.tif",
            np.rint(micrograph.grey * 255).astype(np.uint8),
            imagej=True,
            resolution=(per_micron, per_micron),
            metadata={"axes": "YX", "unit": "um", "Info": "rendered"},
        )
        write_phase(folder / "plane.tif", rendered.plane)
        (folder / "look.toml").write_text(tomli_w.dumps(settings_table(rendered.look)), encoding="utf-8")


def look_from(path: Path) -> Look:
    """Read a look from a TOML file.

    Raises
    ------
    InputError
        The file cannot be read.
    SettingsError
        It has an unknown name, or a value that does not fit.
    """
    return settings_from(Look, read_toml(path), "look")
