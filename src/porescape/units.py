"""Lengths with units, in user interfaces and reports; elsewhere there are only metres."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import NewType

from porescape.errors import SettingsError

Metres = NewType("Metres", float)  # made by `parse_length` and by nothing else

POWER = {  # of ten, in metres
    "pm": -12,
    "Å": -10,
    "nm": -9,
    "um": -6,
    "µm": -6,  # micro sign
    "μm": -6,  # Greek mu
    "mm": -3,
    "cm": -2,
    "m": 0,
}
PER_METRE = {unit: 10.0**-power for unit, power in POWER.items()}

# Largest relative difference between two values of the same length
ROUNDED = 0.02  # from two sources: tags are rounded to three digits, at worst 1 % each
SAME = 0.01  # voxel sizes read from two files
EXACT = 1e-6  # computed in two ways: rounding of the arithmetic only

# Names that programs write in full
_SPELT_OUT = re.compile(r"(pico|nano|micro|milli|centi|)met(?:er|re)s?")
_SHORT = {"pico": "pm", "nano": "nm", "micro": "um", "milli": "mm", "centi": "cm", "": "m"}
_OTHER_NAMES = {"micron": "um", "microns": "um", "angstrom": "Å", "ångström": "Å"}

_LENGTH = re.compile(r"\s*([+-]?[0-9.]+(?:[eE][+-]?\d+)?)\s*([A-Za-zµμÅ]*)\s*")
_DISPLAY = tuple((unit, 10.0 ** POWER[unit]) for unit in ("m", "mm", "µm", "nm", "pm"))


def parse_length(text: str) -> Metres:
    """Read a positive length with its unit.

    >>> parse_length("5 nm")
    5e-09
    >>> parse_length("0.1um")
    1e-07
    >>> parse_length("5")
    Traceback (most recent call last):
    porescape.errors.SettingsError: length '5' needs a unit, one of pm, Å, nm, um, µm, mm, cm, m (e.g. '5 nm')
    """
    match = _LENGTH.fullmatch(text)
    unit = match[2] if match else ""
    if match is None or unit not in POWER:
        known = ", ".join(u for u in POWER if u != "μm")
        raise SettingsError(f"length {text!r} needs a unit, one of {known} (e.g. '5 nm')")
    try:
        value = float(Decimal(match[1]).scaleb(POWER[unit]))  # so that 0.1 um is 1e-07 to the last digit
    except InvalidOperation:
        raise SettingsError(f"length {text!r} does not start with a number (e.g. '5 nm')") from None
    if not 0 < value < math.inf:
        raise SettingsError(f"length must be positive and finite, got {text!r}")
    return Metres(value)


_UNCERTAIN = re.compile(r"\s*([0-9.]+)\s*(%?)\s*(?:\+-|\+/-|±)\s*([0-9.]+)\s*(%?)\s*")


def parse_porosity(text: str) -> tuple[float, float]:
    """Read a porosity with its standard uncertainty, as fractions; a % stands for both or for each.

    >>> parse_porosity("0.72 +- 0.02")
    (0.72, 0.02)
    >>> parse_porosity("72 ± 2 %")
    (0.72, 0.02)
    >>> parse_porosity("0.72")
    Traceback (most recent call last):
    porescape.errors.SettingsError: porosity '0.72' needs its uncertainty (e.g. '0.72 +- 0.02', '72 +- 2 %')
    """
    match = _UNCERTAIN.fullmatch(text)
    if match is None:
        raise SettingsError(f"porosity {text!r} needs its uncertainty (e.g. '0.72 +- 0.02', '72 +- 2 %')")
    percent = -2 if match[2] or match[4] else 0
    try:
        value, sd = (float(Decimal(match[k]).scaleb(percent)) for k in (1, 3))
    except InvalidOperation:
        raise SettingsError(f"porosity {text!r} is not a number with its uncertainty") from None
    if not (0 < value < 1 and 0 < sd < 1):
        raise SettingsError(
            f"porosity {text!r} and its uncertainty must lie between 0 and 1 (72 % is written '72 +- 2 %')"
        )
    return value, sd


COATING_SD = 0.25  # of a thickness given alone: of a rough surface, by a quartz balance (chosen by hand)
_UNCERTAIN_LENGTH = re.compile(r"\s*([0-9.]+)\s*(?:\+-|\+/-|±)\s*([0-9.]+)\s*([A-Za-zµμÅ]+)\s*")


def parse_uncertain_length(text: str) -> tuple[float, float]:
    """Read the thickness of a coating with its standard uncertainty [m]; a quarter of it if none is given.

    >>> parse_uncertain_length("4 +- 0.5 nm")
    (4e-09, 5e-10)
    >>> parse_uncertain_length("4 nm")
    (4e-09, 1e-09)
    """
    if match := _UNCERTAIN_LENGTH.fullmatch(text):
        thickness = parse_length(f"{match[1]} {match[3]}")
        return thickness, 0.0 if Decimal(match[2]) == 0 else parse_length(f"{match[2]} {match[3]}")
    thickness = parse_length(text)
    return thickness, COATING_SD * thickness


def unit_named(name: str) -> str | None:
    """Return the unit of `PER_METRE` that a program means by a name; None where it is no unit of length.

    >>> unit_named("micrometer"), unit_named("Microns"), unit_named("nm"), unit_named("pixel")
    ('um', 'um', 'nm', None)
    """
    name = re.sub(r"\\u00B5", "µ", name.strip(), flags=re.IGNORECASE)  # as ImageJ escapes it
    name = name.replace("Âµ", "µ")  # UTF-8 read as Latin-1
    if match := _SPELT_OUT.fullmatch(name.lower()):
        name = _SHORT[match[1]]
    name = _OTHER_NAMES.get(name.lower(), name)
    return name if name in PER_METRE else None


def agree(one: float, other: float, within: float = ROUNDED) -> bool:
    """Return whether two lengths may be the same, within `ROUNDED`, `SAME` or `EXACT`.

    >>> agree(1.00e-7, 0.99e-7), agree(1.00e-7, 1.05e-7), agree(1.00e-7, 0.99e-7, EXACT)
    (True, False, False)
    """
    return abs(one / other - 1) <= within


def is_coarser(voxel_size: float, pixel_size: float) -> bool:
    """Return whether voxels are larger than pixels by more than rounding."""
    return voxel_size > pixel_size * (1 + EXACT)


def format_length(metres: float, digits: int = 4) -> str:
    """Write a length in a suitable unit.

    >>> format_length(1.29e-6)
    '1.29 µm'
    >>> format_length(0.0)
    '0 m'
    """
    if metres == 0 or not math.isfinite(metres):
        return f"{metres:g} m"
    unit, scale = next(((u, s) for u, s in _DISPLAY if abs(metres) >= 0.9995 * s), _DISPLAY[-1])
    return f"{metres / scale:.{digits}g} {unit}"


def format_shape(shape: Iterable[int], separator: str = " x ") -> str:
    """Write how many voxels or pixels there are along each axis.

    >>> format_shape((64, 128, 128)), format_shape((64, 32), " × ")
    ('64 x 128 x 128', '64 × 32')
    """
    return separator.join(map(str, shape))


def format_extent(shape: Iterable[int], edge: float) -> str:
    """Write the lengths of this many voxels or pixels of this edge [m] along each axis.

    >>> format_extent((64, 128, 128), 1e-7)
    '6.4 µm × 12.8 µm × 12.8 µm'
    """
    return " × ".join(format_length(n * edge, 3) for n in shape)
