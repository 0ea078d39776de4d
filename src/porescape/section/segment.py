"""Segmentation of grey images into pore and solid.

A method (`porescape.section.thresholds`) says what is bright. Everything else (median and specks after,
which side is pore) is the same for every method.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.image import Micrograph, PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.settings import Segmentation
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.correlation import mean_chords
from porescape.section.coating import without_coating
from porescape.section.measured import with_measured
from porescape.section.specks import without_specks
from porescape.section.thresholds import threshold_of
from porescape.section.thresholds.method import Separation
from porescape.units import format_length

Mask = NDArray[np.bool_]

LEAST_SHARE = 0.01  # of the pixels; a rarer phase is noise or dust (chosen by hand)
LARGEST_FEATURE = 1 / 3  # of the shorter side: fewer than three features in a row (chosen by hand)
# of the contrast between the phases: the typical difference of two careful users (chosen by hand)
PLAUSIBLE = 0.05
AIMS = 4  # at a porosity; each comes several times nearer than the one before


def segment(image: Micrograph, settings: Segmentation) -> PhaseImage:
    """Segment one micrograph into pore and solid.

    Method, median, specks, in this order; a coating is taken off, a measured porosity moves the cut. An
    image with two grey levels is only cut at the middle between them: nothing is smoothed and no small island
    removed.

    Limits: struts behind the section plane that are as bright as the plane itself become
    solid, because no threshold can detect their depth.
    """
    if settings.porosity is not None:
        return segmented(image, settings).phase
    return _cuts(image, settings).at()


def segmented(image: Micrograph, settings: Segmentation) -> Segmented:
    """Segment an image, also with two other plausible cuts; see `segment`."""
    cuts = _cuts(image, settings)
    phase = cuts.at()
    shifts = cuts.found.others
    if shifts is None:
        contrast = abs(float(image.grey[phase.pore].mean()) - float(image.grey[~phase.pore].mean()))
        shifts = (-PLAUSIBLE * contrast, PLAUSIBLE * contrast)
    made = Segmented(image, phase, (cuts.plausible(shifts[0]), cuts.plausible(shifts[1])))
    if settings.coating is not None:
        made = cuts.with_doubt_of_coating(made, settings.coating)
    return with_measured(made, settings, cuts.at_porosity)


def _cuts(image: Micrograph, settings: Segmentation) -> "_Cuts":
    low, high = _check_contrast(image)
    if not image.is_binary:
        return _Cuts(image, settings, threshold_of(settings)(image.grey, settings))
    middle = np.full_like(image.grey, (low + high) / 2)
    plain = replace(settings, median=0, speck=0)
    return _Cuts(image, plain, Separation(image.grey, middle, others=(0.0, 0.0)))


@dataclass(frozen=True, slots=True, eq=False)
class _Cuts:
    """Masks of one image at several levels, each without its coating."""

    image: Micrograph
    settings: Segmentation
    found: Separation

    def at(self, shift: float = 0.0, thicker: float = 0.0) -> PhaseImage:
        """Return the mask at a level; its coating is thicker than stated by `thicker` uncertainties."""
        settings, found = self.settings, self.found
        bright = without_specks(_median(found.values > found.level + shift, settings.median), settings.speck)
        pore = bright if settings.pore == "bright" else ~bright
        if settings.coating is not None:
            thickness, sd = settings.coating
            solid = -found.values if settings.pore == "bright" else found.values
            pixels = max(thickness + thicker * sd, 0.0) / self.image.pixel_size
            pore = without_coating(pore, solid, pixels, self.image.name)
        _check_usable(pore, self.image.name)
        return PhaseImage(pore, self.image.pixel_size, settings.speck * self.image.pixel_size**2)

    def plausible(self, shift: float, thicker: float = 0.0) -> PhaseImage | None:
        """Return the same, or None where hardly more than one phase is left."""
        try:
            return self.at(shift, thicker)
        except InputError:
            return None

    def at_porosity(self, porosity: float) -> PhaseImage | None:
        """Move the level until the mask has a porosity; what comes after the cut changes it a little."""
        above = self.found.values - self.found.level
        aimed, phase = porosity, None
        for _ in range(AIMS):
            share = aimed if self.settings.pore == "dark" else 1 - aimed
            phase = self.plausible(float(np.quantile(above, min(max(share, 0.0), 1.0))))
            if phase is None:
                return None
            aimed += porosity - phase.porosity
        return phase

    def with_doubt_of_coating(self, made: Segmented, coating: tuple[float, float]) -> Segmented:
        """Widen what is plausible by the uncertainty of the coating, and say what was taken off."""
        own = made.phase.porosity
        coated = _Cuts(self.image, replace(self.settings, coating=None), self.found).at().porosity
        note = (
            f"a coating of {format_length(coating[0])} (± {format_length(coating[1])}) was taken off the "
            f"walls: the porosity rose from {coated:.3f} to {own:.3f}"
        )
        thin, thick = self.plausible(0, -1), self.plausible(0, 1)
        lower, higher = made.others or (None, None)
        if self.image.is_binary:
            lower, higher = (thin, thick) if self.settings.pore == "dark" else (thick, thin)
        elif thin is not None and thick is not None:
            doubt = (thick.porosity - thin.porosity) / 2
            lower, higher = self._farther(own, lower, doubt), self._farther(own, higher, doubt)
        return replace(made, others=(lower, higher), notes=(*made.notes, note))

    def _farther(self, own: float, other: PhaseImage | None, doubt: float) -> PhaseImage | None:
        if other is None:
            return None
        away = other.porosity - own
        return self.at_porosity(own + math.copysign(math.hypot(away, doubt), away))


def _check_contrast(image: Micrograph) -> tuple[float, float]:
    """Return the lowest and the highest grey level; refuse an image with only one."""
    low, high = float(image.grey.min()), float(image.grey.max())
    if low == high:
        raise InputError(
            f"every pixel of {image.name} has the grey level {low:.3g}, but pore and solid need two; "
            "check the file and the crop"
        )
    return low, high


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
