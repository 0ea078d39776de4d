"""What is asked of an image before it is fitted, and what was found."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["ok", "warn", "fail"]
Values = NDArray[np.float64]
Limits = tuple[float, float]  # where a warning begins, and where a failure


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What one check found.

    Attributes
    ----------
    name : {"isotropy", "stationarity", "size", "sharpness"}
    status : {"ok", "warn", "fail"}
    sentence : str
        What was found, what was wanted, what to do.
    values : dict of str to float
        The numbers: lengths in metres or, where the name says so, pixels; angles in degrees; shares and
        ratios bare; `chance_...` the probability that chance alone makes a value so large, for the check
        as a whole; `scatter_...` the spread of the porosity over the profile's strips, over the spread
        that the autocovariance lets expect of a stationary structure.
    limits : dict of str to tuple of float
        For the values that decide: where a warning begins, and where a failure.
    curves : dict of str to ndarray
        What the picture is drawn from; lengths in metres.
    """

    name: str
    status: Status
    sentence: str
    values: dict[str, float]
    limits: dict[str, Limits]
    curves: dict[str, Values]
