"""The result of a check of the image before the fit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Status = Literal["ok", "warn", "fail"]
Values = NDArray[np.float64]
Limits = tuple[float, float]  # from here on a warning, from here on a failure


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : {"isotropy", "stationarity", "size", "sharpness", "depth"}
    status : {"ok", "warn", "fail"}
    sentence : str
        What was found, what is required and what to do.
    values : dict of str to float
        The numbers: lengths in metres or, where the name contains it, in pixels; angles in degrees;
        fractions and ratios without unit; `chance_...` the probability that chance alone gives a value at
        least this large, for the check as a whole; `scatter_...` the spread of the porosity over the strips
        of the profile, divided by the spread expected of a stationary structure with this autocovariance.
    limits : dict of str to tuple of float
        For the values that decide: the limits of a warning and of a failure.
    curves : dict of str to ndarray
        Data of the figure; lengths in metres. Those of "depth" are small pictures, shape (ny, nx).
    """

    name: str
    status: Status
    sentence: str
    values: dict[str, float]
    limits: dict[str, Limits]
    curves: dict[str, Values]
