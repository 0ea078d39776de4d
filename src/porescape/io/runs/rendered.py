"""Files of a rendered micrograph: the picture, what lies in its plane, and its look."""

from pathlib import Path

import numpy as np
import tifffile
import tomli_w

from porescape.io.atomic import whole_folder
from porescape.io.runs.prepared import write_phase
from porescape.io.runs.settings import read_toml, settings_from, settings_table
from porescape.rendering.banner import with_banner
from porescape.rendering.look import Look
from porescape.rendering.micrograph import Rendered


def write_rendered(out: Path, rendered: Rendered, overwrite: bool = False, banner: bool = False) -> None:
    """Write `micrograph.tif` (uint8 grey levels), `plane.tif` (255 = pore) and `look.toml`.

    With a banner, its scale bar alone tells the pixel size, as in many a micrograph.

    Raises
    ------
    OutputError
        The folder is not empty, or cannot be written.
    """
    with whole_folder(out, overwrite) as folder:
        _write_micrograph(folder / "micrograph.tif", rendered, banner)
        write_phase(folder / "plane.tif", rendered.plane)
        (folder / "look.toml").write_text(tomli_w.dumps(settings_table(rendered.look)), encoding="utf-8")


def _write_micrograph(path: Path, rendered: Rendered, banner: bool) -> None:
    grey, pixel_size = rendered.micrograph.grey, rendered.micrograph.pixel_size
    if banner:
        texts = [("det", "SE" if rendered.look.signal == "secondary" else "BSE"), ("", "rendered")]
        tifffile.imwrite(path, with_banner(grey, pixel_size, texts), photometric="minisblack", metadata=None)
        return
    per_micron = 1e-6 / pixel_size
    tifffile.imwrite(
        path,
        np.rint(grey * 255).astype(np.uint8),
        imagej=True,
        resolution=(per_micron, per_micron),
        metadata={"axes": "YX", "unit": "um", "Info": "rendered"},
    )


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
