"""A measured curve with its units."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porescape.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One quantity against another.

    Attributes
    ----------
    x, y : ndarray of float, shape (n,)
        Read-only; x ascends.
    x_unit, y_unit : str
        SI: "m", "1/m", "1" for a number without unit.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    x_unit: str
    y_unit: str

    def __post_init__(self) -> None:
        x, y = np.array(self.x, dtype=np.float64), np.array(self.y, dtype=np.float64)
        if x.ndim != 1 or x.shape != y.shape:
            raise InputError(f"a curve needs as many y as x, one-dimensional, got {x.shape} and {y.shape}")
        if np.any(np.diff(x) < 0):
            raise InputError("the x of a curve must ascend")
        for name, own in (("x", x), ("y", y)):
            own.setflags(write=False)
            object.__setattr__(self, name, own)
