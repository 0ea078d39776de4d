"""The form of the page, with the names and defaults of the settings and the command line."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from porescape.core.image import Crop
from porescape.core.settings import Settings
from porescape.errors import SettingsError
from porescape.io.runs.settings import settings_from, settings_table
from porescape.io.runs.taught import TAUGHT_FILE
from porescape.jobs.choices import check_choices
from porescape.units import format_shape, parse_length

SHORTEST_LINE = 5.0  # pixels; each end of a scale bar is located to a pixel
MOST_REPLICAS = 256
MOST_TRIALS = 100_000
MOST_SWEEPS = 10_000
_BAR = 1e5  # Pa, the unit of the command line's --pressure
_ZERO_CELSIUS = 273.15  # K, that of its --temperature
_PLAIN = re.compile(r"[^\w .()+,=@#-]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """Everything about a job except its image.

    Attributes
    ----------
    page : int or None
        Which image of the file, from 1.
    crop : tuple of int or None
        Top, left, height, width [pixels of the file]; None detects the picture.
    pixel_size : str or None
        With its unit, as typed; None uses the value in the file.
    line : tuple of float or None
        x and y of both ends of a line drawn over the scale bar [pixels of the file].
    length : str or None
        Length of that line, with its unit; takes precedence over `pixel_size`.
    settings : Settings
    seed : int
    workers : int or None
        Processes; None uses all cores.
    """

    page: int | None = None
    crop: tuple[int, ...] | None = None
    pixel_size: str | None = None
    line: tuple[float, ...] | None = None
    length: str | None = None
    settings: Settings = field(default_factory=Settings)
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.crop is not None and len(self.crop) != 4:
            raise SettingsError(f"crop must be top, left, height and width in pixels, got {self.crop}")
        if self.line is not None and (len(self.line) != 4 or not all(map(math.isfinite, self.line))):
            raise SettingsError(f"the line must be x and y of two ends in pixels, got {self.line}")
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"the seed must be a whole number from 0 to 2^63 - 1, got {self.seed}")
        if self.workers is not None and not 1 <= self.workers <= 1024:
            raise SettingsError(f"workers must be from 1 to 1024, got {self.workers}")
        if self.settings.output.replicas > MOST_REPLICAS:
            raise SettingsError(
                f"the page makes at most {MOST_REPLICAS} replicas, got {self.settings.output.replicas}; "
                "the command line makes more"
            )
        if self.settings.fit.trials > MOST_TRIALS:
            raise SettingsError(f"trials must be at most {MOST_TRIALS}, got {self.settings.fit.trials}")
        if self.settings.output.refine > MOST_SWEEPS:
            raise SettingsError(f"refine must be at most {MOST_SWEEPS}, got {self.settings.output.refine}")
        check_choices(self.settings)

    def rectangle(self) -> Crop | None:
        """Return the requested crop."""
        if self.crop is None:
            return None
        top, left, height, width = self.crop
        return top, left, height, width

    def given_pixel_size(self) -> tuple[float, str] | None:
        """Return the pixel size [m] given by the user, and its source; None to read it from the file."""
        if self.line is not None and self.length:
            x0, y0, x1, y1 = self.line
            pixels = math.hypot(x1 - x0, y1 - y0)
            if pixels < SHORTEST_LINE:
                raise SettingsError(
                    f"the line over the scale bar is {pixels:.1f} pixels long, wanted at least "
                    f"{SHORTEST_LINE:g}; draw it from one end of the bar to the other"
                )
            metres = parse_length(self.length)
            # six digits, so that the command line can give the same number
            return float(
                f"{metres / pixels:.6g}"
            ), f"line of {pixels:.1f} pixels drawn as {self.length.strip()}"
        if self.pixel_size:
            return parse_length(self.pixel_size), "given on the page"
        return None


def form_from(table: object) -> Form:
    """Read a form sent by a browser.

    Raises
    ------
    SettingsError
        An unknown name, or an impossible value.
    """
    if not isinstance(table, Mapping):
        raise SettingsError(f"a form must be a table of names and values, got {type(table).__name__}")
    return settings_from(Form, _drop_none(table), "form")


def form_table(form: Form) -> dict[str, Any]:
    """Return a form as plain tables, without entries that are None."""
    return settings_table(form)


def read_json(data: bytes) -> Any:
    """Read JSON strictly: no NaN, no infinity.

    Raises
    ------
    SettingsError
        The data are not JSON.
    """
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"the request is not valid JSON: {error}") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


def _drop_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _drop_none(item) for key, item in value.items() if item is not None}
    return value


# -- names ------------------------------------------------------------------------------------------


def plain_name(text: str) -> str:
    """Return a file name that is safe to show, to paste into a shell, and to use for a download.

    >>> plain_name("../../etc/passwd")
    'passwd'
    >>> plain_name("membrane $(rm x) 5µm.tif")
    'membrane _(rm x) 5µm.tif'
    """
    last = re.split(r"[/\\]", text)[-1]
    name = _PLAIN.sub("_", "".join(c for c in last if c.isprintable())).strip(" .-")
    return name[-100:].lstrip(" .-") or "image"


def stem_of(name: str) -> str:
    """Return a name without its extension.

    >>> stem_of("membrane 2.tif")
    'membrane 2'
    """
    return Path(name).stem or "image"


# -- the same job on the command line ----------------------------------------------------------------


def command_line(form: Form, name: str) -> str:
    """Return the command line for the same job, without options at their defaults.

    >>> command_line(Form(pixel_size="0.1 um", seed=3), "my membrane.tif")
    'porescape run "my membrane.tif" --pixel-size "100 nm" --seed 3'
    """
    words = ["porescape", "run", _quoted(name)]
    plain = Form()
    given = form.given_pixel_size()
    options: list[tuple[str, Any, Any]] = [
        ("pixel-size", None if given is None else length_text(given[0]), None),
        ("crop", None if form.crop is None else ",".join(map(str, form.crop)), None),
        ("page", form.page, None),
    ]
    for group, names in _OPTIONS.items():
        own, default = getattr(form.settings, group), getattr(plain.settings, group)
        for field_name, (option, write) in names.items():
            value, usual = (getattr(table, field_name) for table in (own, default))
            options.append(
                (option, None if value is None else write(value), None if usual is None else write(usual))
            )
    options += [("seed", form.seed, plain.seed), ("workers", form.workers, plain.workers)]
    for option, value, default in options:
        if value != default:
            words += [f"--{option}", _quoted(str(value))]
    if not form.settings.output.periodic:
        words.append("--no-periodic")
    return " ".join(words)


def length_text(metres: float) -> str:
    """Write a length so that parsing it returns exactly the same number.

    >>> length_text(2.5e-08), length_text(1.25e-6)
    ('25 nm', '1.25 um')
    """
    unit, power = ("um", 6) if metres >= 1e-6 else ("nm", 9)
    return f"{Decimal(repr(metres)).scaleb(power).normalize():f} {unit}"


def _joined(names: tuple[str, ...]) -> str:
    return ",".join(names)


def _box(size: tuple[int, int, int]) -> str:
    return str(size[0]) if len(set(size)) == 1 else format_shape(size, "x")


def _with_uncertainty(pair: tuple[float, float]) -> str:
    return f"{pair[0]!r} +- {pair[1]!r}"


def _length_with_uncertainty(pair: tuple[float, float]) -> str:
    thickness, sd = (Decimal(repr(metres)).scaleb(9).normalize() for metres in pair)
    return f"{thickness:f} +- {sd:f} nm"


def _in_bar(pressure: float) -> str:
    return repr(pressure / _BAR)


def _lengths(metres: tuple[float, ...]) -> str:
    return ",".join(map(length_text, metres))


def _in_celsius(temperature: float) -> str:
    return repr(round(temperature - _ZERO_CELSIUS, 6))


def _quoted(word: str) -> str:
    return f'"{word}"' if re.search(r"[^\w.,=-]", word) else word


# settings and their options; names differ if the option would be unclear without its group
_OPTIONS: dict[str, dict[str, tuple[str, Any]]] = {
    "segmentation": {
        "method": ("threshold-method", str),
        "sensitivity": ("sensitivity", repr),
        "window": ("window", str),
        "threshold": ("threshold", repr),
        "smoothing": ("smoothing", repr),
        "median": ("median", str),
        "speck": ("speck", str),
        "pore": ("pore", str),
        "coating": ("coating", _length_with_uncertainty),
        "porosity": ("porosity", _with_uncertainty),
        "porosity_scope": ("porosity-scope", str),
        "taught": ("taught", lambda taught: TAUGHT_FILE),
    },
    "checks": {"accept": ("accept", _joined)},
    "output": {
        "size": ("size", _box),
        "voxel_size": ("voxel-size", length_text),
        "replicas": ("replicas", str),
        "refine": ("refine", str),
    },
    "fit": {
        "method": ("method", str),
        "trials": ("trials", str),
        "size": ("fit-size", str),
        "family": ("family", str),
        "sampler": ("sampler", str),
        "percolate": ("percolate", str),
    },
    "measure": {
        "numbers": ("measure", _joined),
        "thickness": ("thickness", length_text),
        "pressure": ("pressure", _in_bar),
        "surface_tension": ("surface-tension", repr),
        "contact_angle": ("contact-angle", repr),
        "temperature": ("temperature", _in_celsius),
        "viscosity": ("viscosity", repr),
        "particles": ("particles", _lengths),
        "gas": ("gas", str),
        "gas_pressure": ("gas-pressure", _in_bar),
    },
}
