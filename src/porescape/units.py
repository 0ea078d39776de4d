"""Lengths with units, at the door and in reports; inside there are only metres."""

import math
import re
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
