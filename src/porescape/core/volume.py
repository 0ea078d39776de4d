"""A three-dimensional structure with its voxel size."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porescape.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A segmented 3-D structure.

    Attributes
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        True in the pore space; read-only.
    voxel_size : float
        Edge of one cubic voxel [m].
    """

    pore: NDArray[np.bool_]
    voxel_size: float

    def __post_init__(self) -> None:
        if self.pore.ndim != 3 or self.pore.dtype != bool:
            raise InputError(f"pore must be a 3-D bool array, got {self.pore.dtype} {self.pore.shape}")
        if self.pore.size == 0:
            raise InputError(f"pore must hold at least one voxel, got shape {self.pore.shape}")
        if not (math.isfinite(self.voxel_size) and self.voxel_size > 0):
            raise InputError(f"voxel size must be a positive length in metres, got {self.voxel_size!r}")
        own = np.array(self.pore)  # a copy, so that later changes of the array have no effect
        own.setflags(write=False)
        object.__setattr__(self, "pore", own)

    @property
    def porosity(self) -> float:
        """Pore voxels / voxels."""
        return float(self.pore.mean())

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along z, y and x."""
        nz, ny, nx = self.pore.shape
        return nz, ny, nx
