"""The measured numbers of one volume, and their estimates over several volumes."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.network import Network


@dataclass(frozen=True, slots=True, eq=False)
class Details:
    """The data behind the numbers, for figures; empty where it was not measured.

    Attributes
    ----------
    network : Network or None
        Its pores and throats; the map of regions is left empty, because it is larger than the volume.
    curves : dict of str to Curve
        Distributions and test curves, by name.
    fields : dict of str to ndarray of float32, shape (nz, ny)
        Middle plane x = nx // 2 of the solved fields; NaN outside the solved phase.
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
        By the names of `NUMBERS`, in its units; NaN if this volume has no such value.
    reasons : dict of str to str
        The reason for each NaN.
    seconds : dict of str to float
        Time spent per step.
    warnings : tuple of str
        Numbers for which this volume is too small, as sentences.
    details : Details
        Network, curves and fields.
    """

    values: dict[str, float]
    reasons: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    details: Details = field(default_factory=Details)


SOURCES = ("replicas", "threshold", "sample", "method")  # of uncertainty, that a whole interval contains


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimate of one number over several volumes.

    Attributes
    ----------
    mean, sd : float
        Sample mean and sample standard deviation (n - 1).
    ci95 : tuple of float
        95 % confidence interval of the mean, by `interval_of`: Student's t, or made of `parts`.
    unit : str
        Unit of mean, sd, ci95 and paper_margin.
    n : int
        Number of volumes that have a value.
    paper_margin : float
        1.96 * sd / sqrt(n), as in the paper; covers only 91 % at n = 8.
    parts : dict of str to float
        Half widths of which `ci95` is made, if it includes more than the spread of the volumes: "replicas",
        "threshold", "sample", and "method" if it is known; see `porescape.intervals.uncertainty.Parts`.
    """

    mean: float
    sd: float
    ci95: tuple[float, float]
    unit: str
    n: int
    paper_margin: float
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def lacks(self) -> tuple[str, ...]:
        """The sources of uncertainty that its interval does not contain; empty if there is no interval."""
        if self.n < 2:
            return ()
        return tuple(source for source in SOURCES[1:] if source not in self.parts)
