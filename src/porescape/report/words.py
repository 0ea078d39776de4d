"""Numbers as text: labels, suitable units, significant digits."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from porescape.core.measurement import Estimate, Measurement
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.measure.filtration.retention import litres_per_square_metre_and_hour
from porescape.measure.meters import NUMBERS
from porescape.units import PER_METRE, format_length, format_shape
from porescape.wording import several

LABELS = {
    "specific_surface": "Specific surface area",
    "chord_pore": "Mean chord, pore",
    "chord_solid": "Mean chord, solid",
    "thickness_pore": "Pore thickness",
    "thickness_solid": "Solid thickness",
    "euler_density": "Euler number density",
    "whole_pores": "Whole pores in the box",
    "body_diameter": "Pore body diameter",
    "coordination_number_all": "Coordination number, all pores",
    "diffusivity_ratio": "Diffusivity ratio D_eff/D0",
    "kozeny_carman": "Kozeny–Carman permeability",
    "retention_d90": "Rating at 90 % retention",
    "retention_d95": "Rating at 95 % retention",
    "retention_d99": "Rating at 99 % retention",
    "coordination": "Coordination number",
    "conductivity_ratio_solid": "Conductivity ratio of the solid",
    "tortuosity_solid": "Tortuosity of the solid",
    "porometry_d10": "Porometry, diameter at 10 % of the flow",
    "porometry_d90": "Porometry, diameter at 90 % of the flow",
}
_POWERS = {"m²": 2, "m³": 3, "1/m": -1, "1/m²": -2, "1/m³": -3}
LEAST_BAR = 1e4  # Pa; less is shown in kPa
_SUPERSCRIPT = {1: "", 2: "²", 3: "³"}
_LENGTHS = ("nm", "µm", "mm", "m")


class Scale(NamedTuple):
    """A unit to show a number in: shown = number x factor."""

    factor: float
    unit: str  # "" for a pure number


def label_of(name: str) -> str:
    """Return what a number is called in text.

    >>> label_of("chord_pore"), label_of("throat_size")
    ('Mean chord, pore', 'Throat size')
    >>> label_of("tortuosity_z"), label_of("body_diameter_p10")
    ('Tortuosity, z', 'Pore body diameter, 10th percentile')
    """
    base, _, last = name.rpartition("_")
    if base and last in ("z", "y", "x", "equivalent", "extended"):
        return f"{label_of(base)}, {last}"
    if base and last in ("p10", "p50", "p90"):
        return f"{label_of(base)}, {last[1:]}th percentile"
    return LABELS.get(name, name.replace("_", " ").capitalize())


def scale_for(unit: str, size: float) -> Scale:
    """Return the unit that suits a number of about this size.

    >>> scale_for("m", 2.5e-7).unit, scale_for("1/m", 4e6).unit, scale_for("1", 0.4).unit
    ('nm', '1/µm', '')
    """
    if unit == "1":
        return Scale(1.0, "")
    if not math.isfinite(size) or size == 0:
        return Scale(1.0, unit)
    if unit == "m/s":
        return Scale(litres_per_square_metre_and_hour(1.0), "L/(m² h)")
    if unit == "m/(s Pa)":
        return Scale(litres_per_square_metre_and_hour(1e5), "L/(m² h bar)")
    if unit == "Pa":
        return Scale(1e-5, "bar") if size >= LEAST_BAR else Scale(1e-3, "kPa")
    if unit == "m":
        suits = format_length(size).rpartition(" ")[2]
        return Scale(PER_METRE[suits], suits)
    if unit not in _POWERS:
        return Scale(1.0, unit)
    power = _POWERS[unit]
    # of the units of length, the one that leaves the fewest digits before or after the point
    suits = min(_LENGTHS, key=lambda length: abs(math.log10(abs(size) * PER_METRE[length] ** power) - 1))
    text = f"{suits}{_SUPERSCRIPT[abs(power)]}"
    return Scale(PER_METRE[suits] ** power, text if power > 0 else f"1/{text}")


def scale_of(name: str, unit: str, size: float) -> Scale:
    """Return the unit that suits a number of this name: as `scale_for`, but porosities are percentages.

    >>> scale_of("connected_porosity_z", "1", 0.41)
    Scale(factor=100.0, unit='%')
    """
    return Scale(100.0, "%") if "porosity" in name else scale_for(unit, size)


def decimals_for(value: float, half_width: float) -> int:
    """Return how many digits after the point to write: two of the half width, or four of the value.

    Below 0 where tens or hundreds are in doubt.

    >>> decimals_for(254.21, 3.1), decimals_for(0.4, 0.0), decimals_for(25412.0, 2300.0)
    (1, 4, -2)
    """
    if math.isfinite(half_width) and half_width > 0:
        return min(1 - math.floor(math.log10(half_width)), 6)
    return _significant(value, 4)


def decimals_of(estimate: Estimate, factor: float = 1.0) -> int:
    """Return how many digits after the point an estimate deserves, shown as `factor` times its value.

    Two of the half width of its interval, and of the value no more than four; three where the interval does
    not contain every source of uncertainty, for replicas that happen to agree prove nothing.
    """
    low, high = estimate.ci95
    most = _significant(estimate.mean * factor, 3 if estimate.lacks else 4)
    return min(decimals_for(estimate.mean * factor, (high - low) / 2 * abs(factor)), most)


def _significant(value: float, digits: int) -> int:
    if not math.isfinite(value) or value == 0:
        return 0
    return min(digits - 1 - math.floor(math.log10(abs(value))), 6)


OPEN = "○"  # marks an interval that lacks a source of uncertainty
_ERRORS = {"threshold": "segmentation", "sample": "finite image", "method": "method error"}


def lacking(sources: Iterable[str]) -> str:
    """Return in words what an interval does not contain, or nothing.

    >>> lacking(("method",)), lacking(("threshold", "method")), lacking(())
    ('method error not included', 'segmentation and method error not included', '')
    """
    names = [_ERRORS[source] for source in sources]
    return f"{several(names)} not included" if names else ""


def condition_of(name: str, settings: Measure, box: float) -> str:
    """Return through which thickness and at which pressure a number holds; nothing where it does not depend.

    Parameters
    ----------
    name : str
    settings : Measure
    box : float
        Edge of the measured box along the number's axis [m]: the thickness where none was given.
    """
    depends = NUMBERS[name].depends_on if name in NUMBERS else ()
    words = []
    if "thickness" in depends:
        words.append(f"through {format_length(settings.thickness or box, 3)}")
    if "pressure" in depends:
        words.append(f"at {settings.pressure / 1e5:g} bar")
    if "gas" in depends:
        words.append(f"of {settings.gas} at {settings.gas_pressure / 1e5:g} bar")
    return " ".join(words)


def write(value: float, decimals: int) -> str:
    """Write a number with a true minus sign; a dash when there is none.

    What would be rounded to zero keeps one digit.

    >>> write(-1.25, 1), write(25412.0, -2), write(4.1, -1), write(math.nan, 2)
    ('−1.2', '25400', '4', '–')
    """
    if not math.isfinite(value):
        return "–"
    if value != 0 and abs(value) < 0.5 * 10.0**-decimals:  # an end of an interval that is small, but not zero
        if abs(value) < 1e-5:
            return f"{value:.0e}".replace("-", "−")
        decimals = _significant(value, 1)
    return f"{round(value, decimals) if decimals < 0 else value:.{max(decimals, 0)}f}".replace("-", "−")


def missing(measured: Iterable[tuple[str, Measurement]]) -> list[str]:
    """Return a sentence per reason: which numbers are missing, and of what."""
    gathered: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for subject, measurement in measured:
        for name, reason in measurement.reasons.items():
            subjects, names = gathered.setdefault(reason, ({}, {}))
            subjects[subject] = names[within_a_sentence(label_of(name))] = None
    return [
        f"{several(list(subjects))} without {several(list(names))}: {reason}"
        for reason, (subjects, names) in gathered.items()
    ]


def within_a_sentence(label: str) -> str:
    """Return a label as written inside a sentence.

    >>> within_a_sentence("Tortuosity, z"), within_a_sentence("Euler number density")
    ('tortuosity z', 'Euler number density')
    """
    proper = label.startswith(("Euler", "Kozeny"))
    return (label if proper else label[0].lower() + label[1:]).replace(",", "")


def describe_box(volume: Volume) -> str:
    """Write the size of a structure: voxels, and length.

    >>> import numpy as np
    >>> describe_box(Volume(np.ones((8, 8, 8), bool), 5e-9))
    '8 × 8 × 8 voxels of 5 nm (40 × 40 × 40 nm)'
    """
    scale = scale_for("m", max(volume.shape) * volume.voxel_size)
    lengths = " × ".join(f"{n * volume.voxel_size * scale.factor:.3g}" for n in volume.shape)
    voxels = format_shape(volume.shape, " × ")
    return f"{voxels} voxels of {format_length(volume.voxel_size)} ({lengths} {scale.unit})"
