"""One scale for image and replica: one grid, and one unit of length for their texture."""

from math import isclose

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.section.texture import unit_of
from porescape.units import format_length


def texture_unit(pore: NDArray[np.bool_]) -> float:
    """Return the unit of length [pixels] in which the image and its replicas are described.

    Raises
    ------
    InputError
        The image has one phase only.
    """
    share = float(pore.mean())
    if share in (0.0, 1.0):
        found = "pore" if share else "solid"
        raise InputError(f"nothing can be compared with an image that is all {found}; check the segmentation")
    return unit_of(pore[None] if pore.ndim == 2 else pore[:: max(len(pore) // 16, 1)])


def check_scale(section: PhaseImage | Volume, volume: Volume) -> None:
    """Refuse an image and a replica of different pixel and voxel size.

    Raises
    ------
    InputError
    """
    size = section.pixel_size if isinstance(section, PhaseImage) else section.voxel_size
    if not isclose(size, volume.voxel_size, rel_tol=1e-3):
        raise InputError(
            f"image and replica must be on one grid, but a pixel is {format_length(size)} and a voxel "
            f"{format_length(volume.voxel_size)}; resample the image first (porescape.section.resample)"
        )
