"""The same section or volume at another pixel or voxel size, its porosity kept."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform, gaussian_filter
from skimage.transform import resize

from porescape.core.image import PhaseImage
from porescape.core.settings import Output
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.correlation import mean_chords
from porescape.section.specks import without_specks
from porescape.units import EXACT, SAME, agree, format_length, format_shape

FINE_ENOUGH = 10.0  # voxels per mean chord of the thinner phase; finer voxels add no shape (chosen by hand)


def choose_voxel_size(phase: PhaseImage, output: Output) -> float:
    """Return the voxel size of the replicas [m].

    The image's own pixel size, unless its features span many more pixels than their shape needs: then
    a box of the same number of voxels is better spent on more of them.
    """
    if output.voxel_size is not None:
        return output.voxel_size
    thinner = min(mean_chords(Volume(phase.pore[None], phase.pixel_size)))
    return max(phase.pixel_size, thinner / FINE_ENOUGH)


def at_voxel_size(phase: PhaseImage, voxel_size: float) -> PhaseImage:
    """Return the section resampled so that one pixel is one voxel; its porosity is kept by rank.

    Where specks were removed from it, none is left by the resampling either, which may move the porosity a
    little (0.4870 to 0.4868 in a hydrogel).
    """
    factor = phase.pixel_size / voxel_size
    if agree(phase.pixel_size, voxel_size, EXACT):
        return phase
    shape = tuple(max(round(n * factor), 1) for n in phase.pore.shape)
    if min(shape) < 48:
        raise InputError(
            f"at {format_length(voxel_size)} per voxel the image is only {format_shape(shape)} pixels, "
            "but 48 are needed; choose a smaller --voxel-size or a larger image"
        )
    share = resize(phase.pore.astype(np.float32), shape, order=1, anti_aliasing=factor < 1)
    smallest = round(phase.speck / voxel_size**2)
    pore = _cut_by_rank(share, phase.porosity)
    return PhaseImage(without_specks(pore, smallest), voxel_size, phase.speck)


def resample_volume(volume: Volume, voxel_size: float) -> Volume:
    """Return the volume with voxels of another size; its porosity is kept by rank.

    Linear interpolation of the phase, averaged over the larger voxels first when they grow. Structure
    finer than the new voxels is lost, and pores thereby look larger (the paper's Fig. S.2); voxels smaller
    than the old ones add none. Less than one new voxel is cut off at the far faces.

    Raises
    ------
    InputError
        Not one voxel of the new size fits into the volume.
    """
    factor = volume.voxel_size / voxel_size
    if agree(volume.voxel_size, voxel_size, SAME):
        return volume
    share = volume.pore.astype(np.float32)
    shape = tuple(int(n * factor * (1 + 1e-9)) for n in share.shape)
    if min(shape) < 1:
        raise InputError(
            f"{format_shape(volume.shape)} voxels of {format_length(volume.voxel_size)} vanish at "
            f"{format_length(voxel_size)} per voxel; choose a smaller one"
        )
    if factor < 1:
        share = gaussian_filter(share, (1 / factor - 1) / 2, mode="nearest")
    centre = 0.5 / factor - 0.5  # of the first new voxel, in old ones
    share = affine_transform(share, np.full(3, 1 / factor), centre, shape, order=1, mode="nearest")
    return Volume(_cut_by_rank(share, volume.porosity), voxel_size)


def _cut_by_rank(share: NDArray[np.float32], porosity: float) -> NDArray[np.bool_]:
    """Return as many pores as keep the porosity: where most of a new pixel or voxel was pore."""
    if porosity == 1:  # no share is larger than the smallest
        return np.ones(share.shape, dtype=bool)
    return share > np.quantile(share, 1 - porosity)
