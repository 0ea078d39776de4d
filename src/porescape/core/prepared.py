"""An image made ready for the fit: segmented, checked, and brought to the voxel size of the replicas."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from porescape.core.check import Check
from porescape.core.domain import Domain, Shape
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """An image and its mask, with what another threshold would need.

    Attributes
    ----------
    image : Micrograph
    phase : PhaseImage
        At the pixel size of the image.
    smooth, level : ndarray of float32, shape (ny, nx), or None
        Smoothed grey and the threshold it was compared with; None for an image of two grey levels.
    """

    image: Micrograph
    phase: PhaseImage
    smooth: NDArray[np.float32] | None = None
    level: NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything that follows from image and settings before anything is fitted.

    Attributes
    ----------
    segmented : Segmented
    checks : tuple of Check
        Whether the image can stand for its material; empty where nobody asked.
    section : PhaseImage
        The mask at the voxel size of the replicas: what the fit sees.
    chords : tuple of float
        Mean chords of pore and solid in the section [m].
    settings : Settings
        With the box in voxels.
    """

    segmented: Segmented
    checks: tuple[Check, ...]
    section: PhaseImage
    chords: tuple[float, float]
    settings: Settings

    @property
    def image(self) -> Micrograph:
        """The image as it was read."""
        return self.segmented.image

    @property
    def phase(self) -> PhaseImage:
        """The mask at the pixel size of the image."""
        return self.segmented.phase

    @property
    def voxel_size(self) -> float:
        """Edge of a voxel of the replicas [m]."""
        return self.section.pixel_size

    @property
    def box(self) -> Shape:
        """Voxels of a replica along z, y, x."""
        return self.settings.output.size

    @property
    def domain(self) -> Domain:
        """The box that a replica fills."""
        return Domain(self.box, self.voxel_size, self.settings.output.periodic)
