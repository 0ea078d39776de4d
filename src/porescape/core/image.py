"""Two-dimensional data: the micrograph as read, and the pore mask made from it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porescape.errors import InputError

Crop = tuple[int, int, int, int]  # top, left, height, width [pixels]


@dataclass(frozen=True, slots=True, eq=False)
class Micrograph:
    """One grey-scale SEM image with its scale.

    Attributes
    ----------
    grey : ndarray of float32, shape (ny, nx)
        Brightness from 0 (black) to 1 (white, the upper end of the file's range); read-only.
    pixel_size : float
        Edge of one square pixel [m].
    pixel_size_source : str
        Where the pixel size came from, in words ("--pixel-size", "FEI tag 34682 Scan.PixelWidth").
    name : str
        File name, for captions.
    sha256 : str
        Hash of the input file, or of the array when there was no file.
    crop : tuple of int
        Rectangle of the file's pixels that `grey` covers: top, left, height, width.
    is_binary : bool
        The file has only two grey levels: it is already segmented.
    warnings : tuple of str
        Doubtful points in how the file was read.
    page : int or None
        Page of the file, from 1, if one was requested.
    whole : tuple of int
        Height and width of the file's image [pixels]; those of `grey` when there was no file.
    """

    grey: NDArray[np.float32]
    pixel_size: float
    pixel_size_source: str = "given"
    name: str = "image"
    sha256: str = ""
    crop: Crop = (0, 0, 0, 0)
    is_binary: bool = False
    warnings: tuple[str, ...] = ()
    page: int | None = None
    whole: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if self.grey.ndim != 2:
            raise InputError(f"an image must be 2-D (ny, nx), got shape {self.grey.shape}")
        _check_scale(self.pixel_size, "pixel size")
        own = np.array(self.grey, dtype=np.float32)
        if not np.isfinite(own).all():
            raise InputError(
                f"the image {self.name} holds NaN or infinite values; replace them or crop them away"
            )
        own.setflags(write=False)
        object.__setattr__(self, "grey", own)
        if self.crop == (0, 0, 0, 0):
            object.__setattr__(self, "crop", (0, 0, *own.shape))
        if self.whole == (0, 0):
            object.__setattr__(self, "whole", own.shape)


@dataclass(frozen=True, slots=True, eq=False)
class PhaseImage:
    """A segmented 2-D section.

    Attributes
    ----------
    pore : ndarray of bool, shape (ny, nx)
        True in the pore space; read-only.
    pixel_size : float
        Edge of one square pixel [m].
    speck : float
        Islands of either phase smaller than this area [m²] were treated as noise and assigned to the
        other phase; 0 if all were kept. Before anything is compared with the section, its small islands
        must be removed in the same way (`porescape.section.specks`).
    """

    pore: NDArray[np.bool_]
    pixel_size: float
    speck: float = 0.0

    def __post_init__(self) -> None:
        if self.pore.ndim != 2 or self.pore.dtype != bool:
            raise InputError(f"pore must be a 2-D bool array, got {self.pore.dtype} {self.pore.shape}")
        _check_scale(self.pixel_size, "pixel size")
        own = np.array(self.pore)
        own.setflags(write=False)
        object.__setattr__(self, "pore", own)

    @property
    def porosity(self) -> float:
        """Pore pixels / pixels."""
        return float(self.pore.mean())

    @property
    def speck_pixels(self) -> int:
        """Pixels of the smallest island that was kept."""
        return round(self.speck / self.pixel_size**2)


def pore_outline(pore: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the outermost pixels of the pores: those with solid above, below, left or right.

    The border of the image is not solid.

    >>> pore_outline(np.array([[True, True, True, False]]))
    array([[False, False,  True, False]])
    """
    beside_solid = np.zeros_like(pore)
    beside_solid[1:] |= ~pore[:-1]
    beside_solid[:-1] |= ~pore[1:]
    beside_solid[:, 1:] |= ~pore[:, :-1]
    beside_solid[:, :-1] |= ~pore[:, 1:]
    return pore & beside_solid


def _check_scale(size: float, what: str) -> None:
    if not (math.isfinite(size) and size > 0):
        raise InputError(f"{what} must be a positive length in metres, got {size!r}")
