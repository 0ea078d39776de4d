"""The first numbers of a structure, and their means over replicas."""

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.connectivity import connected_porosities
from porescape.measure.correlation import correlation_length, mean_chords
from porescape.measure.minkowski import euler_density, specific_surface
from porescape.measure.thickness import mean_thickness

# name -> (unit, definition); the order is that of every report
FIRST_NUMBERS: dict[str, tuple[str, str]] = {
    "porosity": ("1", "Pore voxels / all voxels."),
    "connected_porosity_z": ("1", "Voxels of pores that touch both faces along z / all voxels."),
    "connected_porosity_y": ("1", "Voxels of pores that touch both faces along y / all voxels."),
    "connected_porosity_x": ("1", "Voxels of pores that touch both faces along x / all voxels."),
    "specific_surface": ("1/m", "Pore-solid interface area / bulk volume, by Crofton's formula."),
    "chord_pore": ("m", "Mean length of a straight line's passage through a pore, along the three axes."),
    "chord_solid": ("m", "Mean length of a straight line's passage through solid, along the three axes."),
    "thickness_pore": ("m", "Mean over the pores of the diameter of the largest ball that fits there."),
    "thickness_solid": ("m", "Mean over the solid of the diameter of the largest ball that fits there."),
    "correlation_length": ("m", "Lag at which the pores' autocovariance first falls to 1/e."),
    "euler_density": ("1/m³", "Pieces - tunnels + enclosed islands of the pore phase / bulk volume."),
}

# what is measured together shares its work: one labelling, one pass over the lines, one pair of phases
_METERS: tuple[tuple[tuple[str, ...], Callable[[Volume], tuple[float, ...]]], ...] = (
    (("porosity",), lambda volume: (volume.porosity,)),
    (("connected_porosity_z", "connected_porosity_y", "connected_porosity_x"), connected_porosities),
    (("specific_surface",), lambda volume: (specific_surface(volume),)),
    (("chord_pore", "chord_solid"), mean_chords),
    (("thickness_pore", "thickness_solid"), mean_thickness),
    (("correlation_length",), lambda volume: (correlation_length(volume),)),
    (("euler_density",), lambda volume: (euler_density(volume),)),
)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The numbers of one volume.

    Attributes
    ----------
    values : dict of str to float
        By the names of `FIRST_NUMBERS`, in its units; NaN where this volume has no such value.
    reasons : dict of str to str
        Why, for each NaN.
    """

    values: dict[str, float]
    reasons: dict[str, str]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number over several volumes.

    Attributes
    ----------
    mean, sd : float
        Sample mean and sample standard deviation (n - 1).
    ci95 : tuple of float
        95 % confidence interval of the mean, Student's t.
    unit : str
        Unit of mean, sd, ci95 and paper_margin.
    n : int
        Volumes that had a value.
    paper_margin : float
        1.96 * sd / sqrt(n), as the paper prints it; covers only 91 % at n = 8.
    """

    mean: float
    sd: float
    ci95: tuple[float, float]
    unit: str
    n: int
    paper_margin: float


def measure_volume(
    volume: Volume, names: Collection[str] | None = None, progress: Callable[[int, int], None] | None = None
) -> Measurement:
    """Measure a volume.

    Parameters
    ----------
    volume : Volume
        What to measure.
    names : collection of str, optional
        Which of `FIRST_NUMBERS`; all by default.
    progress : callable, optional
        Told (steps done, steps in all) after each step.
    """
    wanted = set(FIRST_NUMBERS if names is None else names)
    if unknown := sorted(wanted - set(FIRST_NUMBERS)):
        raise SettingsError(f"unknown number {', '.join(unknown)}; known are {', '.join(FIRST_NUMBERS)}")
    meters = [(group, meter) for group, meter in _METERS if wanted.intersection(group)]
    values: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for done, (group, meter) in enumerate(meters, start=1):
        try:
            values.update(zip(group, meter(volume), strict=True))
        except InputError as error:
            values.update(dict.fromkeys(group, math.nan))
            reasons.update(dict.fromkeys(group, str(error)))
        if progress is not None:
            progress(done, len(meters))
    return Measurement(
        {name: values[name] for name in FIRST_NUMBERS if name in wanted},
        {name: reasons[name] for name in FIRST_NUMBERS if name in wanted and name in reasons},
    )


def summarise(measurements: Sequence[Measurement]) -> dict[str, Estimate]:
    """Return mean, spread and confidence of every number that was measured on any of the volumes.

    Volumes without a value (NaN) are left out of that number, and `n` says how many were used. The
    spread is that between these volumes; it says nothing of what all of them share, such as the image.
    """
    if not measurements:
        raise InputError("a summary needs at least one measurement, got none")
    measured = set().union(*(m.values for m in measurements))
    return {
        name: _estimate([m.values.get(name, math.nan) for m in measurements], unit)
        for name, (unit, _) in FIRST_NUMBERS.items()
        if name in measured
    }


def _estimate(values: list[float], unit: str) -> Estimate:
    known = np.array([value for value in values if not math.isnan(value)])
    n = known.size
    mean = float(known.mean()) if n else math.nan
    if n < 2:  # no spread to be seen
        return Estimate(mean, math.nan, (math.nan, math.nan), unit, n, math.nan)
    sd = float(known.std(ddof=1))
    margin = float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n)
    return Estimate(mean, sd, (mean - margin, mean + margin), unit, n, 1.96 * sd / math.sqrt(n))
