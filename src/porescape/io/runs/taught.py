"""What a segmentation was taught, as a small TOML file."""

from pathlib import Path

import tomli_w

from porescape.core.taught import Taught
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.io.runs.settings import read_toml, run_file, settings_from, settings_table

TAUGHT_FILE = "taught.toml"


def write_taught(path: Path, taught: Taught) -> None:
    """Write what was taught; `read_taught` reads it."""
    with whole_file(path) as temporary:
        temporary.write_text(taught_toml(taught), encoding="utf-8")


def taught_toml(taught: Taught) -> str:
    """Return what was taught as TOML."""
    return tomli_w.dumps({"taught": settings_table(taught)})


def read_taught(path: str | Path) -> Taught:
    """Read what was taught: the file of `write_taught`, or the settings or folder of a run that used it.

    Raises
    ------
    InputError
        The file cannot be read, or nothing was taught.
    SettingsError
        Something in it is missing or impossible.
    """
    path = Path(path)
    if path.is_dir():
        path = path / TAUGHT_FILE if (path / TAUGHT_FILE).is_file() else run_file(path)
    table = read_toml(path)
    found = table.get("taught") or table.get("segmentation", {}).get("taught")
    if found is None:
        raise InputError(
            f"{path.name} holds nothing that was taught; wanted the {TAUGHT_FILE} of `porescape segment "
            "IMAGE --labels labels.png`, or a run that used one"
        )
    return settings_from(Taught, found, "taught")
