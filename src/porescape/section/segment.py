"""Segmentation of grey images into pore and solid.

A method (`porescape.section.thresholds`) says what is bright. Everything else (median and specks after,
which side is pore) is the same for every method.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.image import Micrograph, PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.settings import Segmentation
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.correlation import mean_chords
from porescape.section.measured import with_measured
from porescape.section.specks import without_specks
from porescape.section.thresholds import threshold_of
from porescape.section.thresholds.method import Separation

Mask = NDArray[np.bool_]

LEAST_SHARE = 0.01  # of the pixels; a rarer phase is noise or dust (chosen by hand)
LARGEST_FEATURE = 1 / 3  # of the shorter side: fewer than three features in a row (chosen by hand)
# of the contrast between the phases: the typical difference of two careful users (chosen by hand)
PLAUSIBLE = 0.05
AIMS = 4  # at a porosity; each comes several times nearer than the one before


def segment(image: Micrograph, settings: Segmentation) -> PhaseImage:
    """Segment one micrograph into pore and solid.

    Method, median, specks, in this order; a measured porosity moves the cut. An image with two grey levels is
    only cut at the middle between them: nothing is smoothed and no small island removed.

    Limits: struts behind the section plane that are as bright as the plane itself become
    solid, because no threshold can detect their depth.
    """
    low, high = _check_contrast(image)
    if image.is_binary:
        bright = image.grey > (low + high) / 2
        return _usable(bright if settings.pore == "bright" else ~bright, image, 0)
    if settings.porosity is not None:
        return segmented(image, settings).phase
    return _cut(image, settings, threshold_of(settings)(image.grey, settings))


def segmented(image: Micrograph, settings: Segmentation) -> Segmented:
    """Segment an image, also with two other plausible cuts; see `segment`."""
    if image.is_binary:
        phase = segment(image, settings)
        return with_measured(Segmented(image, phase, (phase, phase)), settings, lambda porosity: phase)
    _check_contrast(image)
    found = threshold_of(settings)(image.grey, settings)
    phase = _cut(image, settings, found)
    shifts = found.others
    if shifts is None:
        contrast = abs(float(image.grey[phase.pore].mean()) - float(image.grey[~phase.pore].mean()))
        shifts = (-PLAUSIBLE * contrast, PLAUSIBLE * contrast)
    lower, higher = (_other(image, settings, found, shift) for shift in shifts)
    made = Segmented(image, phase, (lower, higher))
    return with_measured(made, settings, lambda porosity: _at_porosity(image, settings, found, porosity))


def _at_porosity(
    image: Micrograph, settings: Segmentation, found: Separation, porosity: float
) -> PhaseImage | None:
    """Move the level until the mask has a porosity; median and specks change it a little."""
    above = found.values - found.level
    dark = porosity if settings.pore == "dark" else 1 - porosity
    aimed, phase = dark, None
    for _ in range(AIMS):
        phase = _other(image, settings, found, float(np.quantile(above, min(max(aimed, 0.0), 1.0))))
        if phase is None:
            return None
        aimed += dark - (phase.porosity if settings.pore == "dark" else 1 - phase.porosity)
    return phase


def _check_contrast(image: Micrograph) -> tuple[float, float]:
    """Return the lowest and the highest grey level; refuse an image with only one."""
    low, high = float(image.grey.min()), float(image.grey.max())
    if low == high:
        raise InputError(
            f"every pixel of {image.name} has the grey level {low:.3g}, but pore and solid need two; "
            "check the file and the crop"
        )
    return low, high


def _other(image: Micrograph, settings: Segmentation, found: Separation, shift: float) -> PhaseImage | None:
    try:
        return _cut(image, settings, replace(found, level=found.level + shift))
    except InputError:  # only one phase is left
        return None


def _cut(image: Micrograph, settings: Segmentation, found: Separation) -> PhaseImage:
    bright = without_specks(_median(found.values > found.level, settings.median), settings.speck)
    return _usable(bright if settings.pore == "bright" else ~bright, image, settings.speck)


def _usable(pore: Mask, image: Micrograph, speck: int) -> PhaseImage:
    _check_usable(pore, image.name)
    return PhaseImage(pore, image.pixel_size, speck * image.pixel_size**2)


def _median(mask: Mask, size: int) -> Mask:
    """Majority of each size x size square; for two phases that is the median, and a box mean is faster."""
    if size < 2:
        return mask
    votes = ndimage.uniform_filter(mask.astype(np.float64), size, mode="nearest")
    return np.asarray(votes > 0.5)


def _check_usable(pore: Mask, name: str) -> None:
    porosity = float(pore.mean())
    if not LEAST_SHARE <= porosity <= 1 - LEAST_SHARE:
        raise InputError(
            f"{porosity:.1%} of {name} became pore, wanted {LEAST_SHARE:.0%} to {1 - LEAST_SHARE:.0%}; "
            "try another threshold method or sensitivity, or crop to the porous part"
        )
    side = min(pore.shape)
    chords = mean_chords(Volume(pore[None], 1.0))  # pixels
    chord, phase = max(zip(chords, ("pores", "solid"), strict=True))
    if chord > LARGEST_FEATURE * side:
        raise InputError(
            f"a line through the {phase} of {name} is {chord:.0f} pixels long on average, wanted at most a "
            f"third of the shorter image side ({side / 3:.0f}); take an image at lower magnification, "
            "or another threshold method if the pores in this one are small"
        )
