"""Lengths with units, at the door and in reports; inside there are only metres."""

import math
import re
from typing import NewType

from porescape.errors import SettingsError

Metres = NewType("Metres", float)  # made by `parse_length` and by nothing else

PER_METRE = {
    "pm": 1e12,
    "Å": 1e10,
    "nm": 1e9,
    "um": 1e6,
    "µm": 1e6,  # micro sign
    "μm": 1e6,  # Greek mu
    "mm": 1e3,
    "cm": 1e2,
    "m": 1.0,
}
_LENGTH = re.compile(r"\s*([+-]?[0-9.]+(?:[eE][+-]?\d+)?)\s*([A-Za-zµμÅ]*)\s*")
_DISPLAY = (("m", 1.0), ("mm", 1e-3), ("µm", 1e-6), ("nm", 1e-9), ("pm", 1e-12))


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
    if match is None or unit not in PER_METRE:
        known = ", ".join(u for u in PER_METRE if u != "μm")
        raise SettingsError(f"length {text!r} needs a unit, one of {known} (e.g. '5 nm')")
    try:
        value = float(match[1]) / PER_METRE[unit]
    except ValueError:
        raise SettingsError(f"length {text!r} does not start with a number (e.g. '5 nm')") from None
    if not 0 < value < math.inf:
        raise SettingsError(f"length must be positive and finite, got {text!r}")
    return Metres(value)


def format_length(metres: float, digits: int = 4) -> str:
    """Write a length in the unit that suits it.

    >>> format_length(1.29e-6)
    '1.29 µm'
    >>> format_length(0.0)
    '0 m'
    """
    if metres == 0 or not math.isfinite(metres):
        return f"{metres:g} m"
    unit, scale = next(((u, s) for u, s in _DISPLAY if abs(metres) >= 0.9995 * s), _DISPLAY[-1])
    return f"{metres / scale:.{digits}g} {unit}"
