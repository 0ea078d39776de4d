"""An image made ready for the fit: segmented, checked, and brought to the voxel size of the replicas."""

from dataclasses import dataclass

from porescape.core.check import Check
from porescape.core.domain import Domain, Shape
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.settings import Settings


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """An image, its mask, and what other plausible thresholds make of it.

    Attributes
    ----------
    image : Micrograph
    phase : PhaseImage
        At the pixel size of the image.
    others : tuple of PhaseImage or None, optional
        At a threshold lower and higher by 5 % of the contrast between the phases, or as far as the method is
        uncertain; after the checks, the plane of the cut where it lies farther away. Each None where one
        phase, or hardly more, is left. Those of an image of two grey levels are `phase`. None where they were
        not made, as in a run that was read back.
    notes : tuple of str
        What a careful reader should know of the mask.
    """

    image: Micrograph
    phase: PhaseImage
    others: tuple[PhaseImage | None, PhaseImage | None] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything that follows from image and settings before anything is fitted.

    Attributes
    ----------
    segmented : Segmented
    checks : tuple of Check
        Whether the image is representative of its material; empty if it was not checked.
    section : PhaseImage
        The mask at the voxel size of the replicas: the input of the fit.
    chords : tuple of float
        Mean chord lengths of pore and solid in the section [m].
    settings : Settings
        With the size of the box in voxels.
    warnings : tuple of str
        What a careful reader should know of image, checks and box.
    """

    segmented: Segmented
    checks: tuple[Check, ...]
    section: PhaseImage
    chords: tuple[float, float]
    settings: Settings
    warnings: tuple[str, ...] = ()

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
