"""How the numbers depend on the pixel size: one image reconstructed at several pixel sizes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from skimage.transform import resize

from porescape.core.image import Micrograph
from porescape.core.results import Progress, Reconstruction
from porescape.core.settings import Settings
from porescape.errors import InputError, SettingsError
from porescape.jobs.reconstruct import reconstruct
from porescape.units import EXACT, agree, format_length, format_shape

REPLICAS = 3  # per pixel size, as the paper's Fig. S.2
NARROWEST = 16  # voxels, see `Output`


@dataclass(frozen=True, slots=True, eq=False)
class ResolutionStudy:
    """One image reconstructed at several pixel sizes.

    Attributes
    ----------
    pixel_sizes : tuple of float
        [m], from fine to coarse.
    results : tuple of Reconstruction
        One per pixel size.
    """

    pixel_sizes: tuple[float, ...]
    results: tuple[Reconstruction, ...]


def resolution_study(
    image: Micrograph,
    pixel_sizes: Sequence[float],
    settings: Settings | None = None,
    seed: int = 0,
    *,
    workers: int = 1,
    progress: Callable[[float, Progress], None] = lambda pixel_size, event: None,
) -> ResolutionStudy:
    """Reconstruct and measure one image as if it had been taken at larger pixel sizes.

    The grey image is resampled before segmentation, as in a coarser scan. The box keeps its physical
    size, so it has fewer voxels at larger pixels; one voxel is one pixel.

    Parameters
    ----------
    image : Micrograph
    pixel_sizes : sequence of float
        [m], none smaller than that of the image.
    settings : Settings, optional
        As for `reconstruct`, with three replicas by default; the size of the box [voxels] is for the
        smallest pixel size.

    Raises
    ------
    InputError
        A pixel size is smaller than that of the image, or too large for it.
    SettingsError
        The box would be less than 16 voxels wide at the coarsest pixel size.

    References
    ----------
    The paper's Fig. S.2: pores and throats are larger at larger pixels.
    """
    settings = settings or replace(Settings(), output=replace(Settings().output, replicas=REPLICAS))
    sizes = tuple(sorted(pixel_sizes))
    if not sizes:
        raise InputError("a study of resolution needs at least one pixel size, got none")
    images = [at_pixel_size(image, size) for size in sizes]
    boxes = [_box(settings.output.size, sizes[0], size) for size in sizes]
    results = []
    for size, box, coarse in zip(sizes, boxes, images, strict=True):
        output = replace(settings.output, voxel_size=size, size=box)
        with_output = replace(settings, output=output)
        results.append(
            reconstruct(coarse, with_output, seed, workers=workers, progress=lambda e, s=size: progress(s, e))  # type: ignore[misc]
        )
    return ResolutionStudy(sizes, tuple(results))


def _box(shape: tuple[int, int, int], finest: float, pixel_size: float) -> tuple[int, int, int]:
    """Return the number of voxels of the same box at another pixel size."""
    z, y, x = (round(n * finest / pixel_size) for n in shape)
    if min(z, y, x) < NARROWEST:
        wanted = math.ceil(NARROWEST * pixel_size / finest)
        raise SettingsError(
            f"at {format_length(pixel_size)} per pixel the box is {format_shape((z, y, x))} voxels, "
            f"wanted at least {NARROWEST} along every edge; choose a box of at least {wanted} voxels of "
            f"{format_length(finest)}, e.g. --size {wanted}, or smaller pixels"
        )
    return z, y, x


def at_pixel_size(image: Micrograph, pixel_size: float) -> Micrograph:
    """Return the image as in a coarser scan: grey averaged over the larger pixels.

    Raises
    ------
    InputError
        The pixel size is smaller than that of the image, or leaves fewer than 64 pixels along an edge.
    """
    factor = image.pixel_size / pixel_size
    if agree(image.pixel_size, pixel_size, EXACT):
        return image
    if factor > 1:
        raise InputError(
            f"{image.name} has pixels of {format_length(image.pixel_size)}; {format_length(pixel_size)} "
            "would invent detail: choose larger pixels"
        )
    shape = tuple(round(n * factor) for n in image.grey.shape)
    if min(shape) < 64:
        raise InputError(
            f"at {format_length(pixel_size)} per pixel {image.name} has only {format_shape(shape)} pixels, "
            "wanted at least 64; choose smaller pixels"
        )
    grey = resize(image.grey, shape, order=1, anti_aliasing=True)
    source = f"resampled from {format_length(image.pixel_size)} ({image.pixel_size_source})"
    return replace(image, grey=grey.clip(0, 1), pixel_size=pixel_size, pixel_size_source=source)
