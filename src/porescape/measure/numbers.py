"""The numbers of a structure: their names, units and definitions, and their means over replicas."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from porescape.core.curve import Curve
from porescape.errors import InputError, SettingsError
from porescape.measure.network.extract import NETWORK_NUMBERS, Network


class Number(NamedTuple):
    """What a number is.

    Attributes
    ----------
    unit : str
        SI; "1" for a pure number.
    definition : str
        One sentence.
    group : str
        What it is measured with, one of `GROUPS`.
    least, most : float
        Between which it must lie.
    """

    unit: str
    definition: str
    group: str
    least: float = 0.0
    most: float = math.inf

    @property
    def signed(self) -> bool:
        """Whether it can be below zero."""
        return self.least < 0


GROUPS = ("basic", "network", "tortuosity", "permeability", "filtration")


def _along(
    name: str, unit: str, definition: str, group: str, least: float = 0.0, most: float = math.inf
) -> dict[str, Number]:
    """Return one number per axis; `{axis}` in the definition names it."""
    return {f"{name}_{a}": Number(unit, definition.replace("{axis}", a), group, least, most) for a in "zyx"}


# the order is that of every report
NUMBERS: dict[str, Number] = {
    "porosity": Number("1", "Pore voxels / all voxels.", "basic", most=1.0),
    **_along(
        "connected_porosity",
        "1",
        "Voxels of pores that touch both faces along {axis} / all voxels.",
        "basic",
        most=1.0,
    ),
    "specific_surface": Number(
        "1/m", "Pore-solid interface area / bulk volume, by Crofton's formula.", "basic"
    ),
    "chord_pore": Number(
        "m", "Mean length of a straight line's passage through a pore, along the three axes.", "basic"
    ),
    "chord_solid": Number(
        "m", "Mean length of a straight line's passage through solid, along the three axes.", "basic"
    ),
    "thickness_pore": Number(
        "m", "Mean over the pores of the diameter of the largest ball that fits there.", "basic"
    ),
    "thickness_solid": Number(
        "m", "Mean over the solid of the diameter of the largest ball that fits there.", "basic"
    ),
    "correlation_length": Number("m", "Lag at which the pores' autocovariance first falls to 1/e.", "basic"),
    "euler_density": Number(
        "1/m³", "Pieces - tunnels + enclosed islands of the pore phase / bulk volume.", "basic", -math.inf
    ),
    **{name: Number(unit, text, "network") for name, (unit, text) in NETWORK_NUMBERS.items()},
    **_along(
        "tortuosity",
        "1",
        "Porosity x D0 / D_eff of steady diffusion between the faces along {axis}.",
        "tortuosity",
        least=1.0,
    ),
    **_along(
        "diffusivity_ratio",
        "1",
        "D_eff / D0 of steady diffusion between the faces along {axis}; 1 / formation factor.",
        "tortuosity",
        most=1.0,
    ),
    **_along(
        "geodesic_ratio",
        "1",
        "Mean shortest path through the pores between the faces along {axis} / thickness.",
        "tortuosity",
        least=1.0,
    ),
    **_along("permeability", "m²", "Darcy permeability along {axis}, from Stokes flow.", "permeability"),
    "kozeny_carman": Number(
        "m²", "Porosity³ / (5 specific_surface²): a sanity line beside the permeability.", "permeability"
    ),
    "bubble_point_diameter_z": Number(
        "m",
        "Diameter of the largest ball that passes from face to face along z, as gas first does.",
        "filtration",
    ),
    "mean_flow_pore_diameter_z": Number(
        "m", "Diameter at which the wet structure passes half the dry flow along z.", "filtration"
    ),
    "intrusion_median_diameter": Number(
        "m",
        "Diameter at which mercury, from all six faces, has filled half of what it can fill.",
        "filtration",
    ),
    "retention_d90_z": Number("m", "Particle diameter of which 90 % are held back along z.", "filtration"),
    "retention_d95_z": Number("m", "Particle diameter of which 95 % are held back along z.", "filtration"),
    "retention_d99_z": Number("m", "Particle diameter of which 99 % are held back along z.", "filtration"),
    "clean_water_flux_z": Number(
        "m/s", "Clean water per area along z at the pressure and thickness set.", "filtration"
    ),
}


def pick(wanted: Collection[str]) -> tuple[str, ...]:
    """Return the names of numbers that groups and names ask for, in the order of `NUMBERS`.

    Raises
    ------
    SettingsError
        A name is neither a group nor a number.
    """
    known = {*GROUPS, *NUMBERS, "all"}
    if unknown := sorted(set(wanted) - known):
        raise SettingsError(
            f"nothing measures {', '.join(unknown)}; known are all, {', '.join(GROUPS)}, "
            f"and single numbers: {', '.join(NUMBERS)}"
        )
    if not wanted:
        raise SettingsError(f"no number was asked for; wanted one or more of all, {', '.join(GROUPS)}")
    return tuple(
        name
        for name, number in NUMBERS.items()
        if name in wanted or number.group in wanted or "all" in wanted
    )


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """What stands behind the numbers and can be drawn; empty where it was not measured.

    Attributes
    ----------
    network : Network or None
        Its pores and throats; the map of regions is left empty, being larger than the volume.
    curves : dict of str to Curve
        Distributions and test curves, by name.
    fields : dict of str to ndarray of float32, shape (nz, ny)
        Middle plane x = nx // 2 of the fields that were solved for; NaN where nothing is.
    """

    network: Network | None = None
    curves: dict[str, Curve] = field(default_factory=dict)
    fields: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The numbers of one volume.

    Attributes
    ----------
    values : dict of str to float
        By the names of `NUMBERS`, in its units; NaN where this volume has no such value.
    reasons : dict of str to str
        Why, for each NaN.
    seconds : dict of str to float
        Time spent per step.
    warnings : tuple of str
        Numbers that this volume is too small for, in words.
    details : Details
        Network, curves and fields.
    """

    values: dict[str, float]
    reasons: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    details: Details = field(default_factory=Details)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number over several volumes.

    Attributes
    ----------
    mean, sd : float
        Sample mean and sample standard deviation (n - 1).
    ci95 : tuple of float
        95 % confidence interval of the mean, by `interval_of`: Student's t, or what `parts` tells.
    unit : str
        Unit of mean, sd, ci95 and paper_margin.
    n : int
        Volumes that had a value.
    paper_margin : float
        1.96 * sd / sqrt(n), as the paper prints it; covers only 91 % at n = 8.
    parts : dict of str to float
        Half widths that `ci95` is made of, where it holds more than the volumes' spread: "replicas",
        "threshold", "sample", and "method" where that is known; see `porescape.intervals.uncertainty.Parts`.
    """

    mean: float
    sd: float
    ci95: tuple[float, float]
    unit: str
    n: int
    paper_margin: float
    parts: dict[str, float] = field(default_factory=dict)


def summarise(measurements: Sequence[Measurement]) -> dict[str, Estimate]:
    """Return mean, spread and confidence of every number that was measured on any of the volumes.

    Volumes without a value (NaN) are left out of that number, and `n` says how many were used. The
    spread is that between these volumes; it says nothing of what all of them share, such as the image.
    """
    if not measurements:
        raise InputError("a summary needs at least one measurement, got none")
    measured = set().union(*(m.values for m in measurements))
    return {
        name: _estimate([m.values.get(name, math.nan) for m in measurements], number)
        for name, number in NUMBERS.items()
        if name in measured
    }


def _estimate(values: list[float], number: Number) -> Estimate:
    known = np.array([value for value in values if not math.isnan(value)])
    n = known.size
    mean = float(known.mean()) if n else math.nan
    sd = float(known.std(ddof=1)) if n > 1 else math.nan  # of one there is no spread to be seen
    ends = interval_of(mean, students_margin(sd, n), number.least, number.most)
    return Estimate(mean, sd, ends, number.unit, n, 1.96 * sd / math.sqrt(n) if n else math.nan)


def students_margin(sd: float, n: int) -> float:
    """Return the half width of the mean's 95 % interval, by Student's t; NaN for fewer than two values."""
    return float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n) if n > 1 else math.nan


def interval_of(
    mean: float, margin: float, least: float = 0.0, most: float = math.inf
) -> tuple[float, float]:
    """Return the ends of an interval with this half width, within what the number can be.

    What is positive is wrong by a ratio: too large by some factor is as likely as too small by it. The
    interval runs from mean / f to mean x f, f = exp(margin / mean), so a narrow one has its half width on
    either side. A margin beyond the mean is no ratio any more; there the upper end goes on in a straight
    line, e x margin, because an exponential of a rough half width would say nothing. What can be below
    zero has the margin on either side.

    >>> [round(end, 2) for end in interval_of(10.0, 0.5)], [round(end, 2) for end in interval_of(10.0, 5.0)]
    ([9.51, 10.51], [6.07, 16.49])
    >>> interval_of(-1.0, 3.0, least=-math.inf), interval_of(0.9, 0.3, most=1.0)[1]
    ((-4.0, 2.0), 1.0)
    """
    if least < 0 or math.isnan(margin):
        low, high = mean - margin, mean + margin
    elif margin < mean:
        factor = math.exp(margin / mean)
        low, high = mean / factor, mean * factor
    else:
        low, high = mean * math.exp(-margin / mean) if mean > 0 else 0.0, math.e * margin
    return (low, high) if math.isnan(margin) else (min(max(low, least), mean), max(min(high, most), mean))
