"""From grey to pore and solid.

A threshold method is a small function from grey and settings to a threshold surface of the same
shape: a pixel is bright where it lies above the surface. Everything else (smoothing before, median
and specks after, which side is pore) is the same for every method.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu, threshold_sauvola

from porescape.core.image import Micrograph, PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.settings import Segmentation
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.correlation import mean_chords
from porescape.section.specks import without_specks

Grey = NDArray[np.float32]
Mask = NDArray[np.bool_]
Threshold = Callable[[Grey, Segmentation], Grey]  # grey (ny, nx) in [0, 1] -> threshold (ny, nx)

LEAST_SHARE = 0.01  # of the pixels; a phase rarer than this is noise or dust, and no statistics come of it
LARGEST_FEATURE = 1 / 3  # of the shorter side; fewer than three features in a row are anecdotes
PLAUSIBLE = 0.05  # of the contrast between the phases: two careful people set thresholds so far apart
SAUVOLA_K = 0.2  # Sauvola & Pietikäinen's own range is 0.2 to 0.5; pores are large dark areas, so the least
SAUVOLA_R = 0.5  # largest standard deviation of grey in [0, 1]; the 128 of 256 in the paper


def segment(image: Micrograph, settings: Segmentation) -> PhaseImage:
    """Tell pore from solid in one micrograph.

    Gaussian, threshold, median, specks, in this order. An image that came with two grey levels is
    only cut at the middle between them: nothing is smoothed and no speck removed.

    What it does badly: struts behind the section plane that are as bright as the plane itself become
    solid. No threshold can know their depth.
    """
    low, high = _check_contrast(image)
    if image.is_binary:
        bright = image.grey > (low + high) / 2
        return _usable(bright if settings.pore == "bright" else ~bright, image, 0)
    return _cut(image, settings, *_compared(image, settings))


def segmented(image: Micrograph, settings: Segmentation) -> Segmented:
    """Segment an image, and see what other plausible thresholds make of it; see `segment`."""
    if image.is_binary:
        phase = segment(image, settings)
        return Segmented(image, phase, phase, phase)
    _check_contrast(image)
    smooth, level = _compared(image, settings)
    phase = _cut(image, settings, smooth, level)
    contrast = abs(float(image.grey[phase.pore].mean()) - float(image.grey[~phase.pore].mean()))
    lower, higher = (_other(image, settings, smooth, level + s * PLAUSIBLE * contrast) for s in (-1, 1))
    return Segmented(image, phase, lower, higher)


def _check_contrast(image: Micrograph) -> tuple[float, float]:
    """Return the lowest and the highest grey level; refuse an image that has one only."""
    low, high = float(image.grey.min()), float(image.grey.max())
    if low == high:
        raise InputError(
            f"every pixel of {image.name} has the grey level {low:.3g}, but pore and solid need two; "
            "check the file and the crop"
        )
    return low, high


def _compared(image: Micrograph, settings: Segmentation) -> tuple[Grey, Grey]:
    """Return the smoothed grey and the threshold surface it is compared with."""
    smooth = _smooth(image.grey, settings.smoothing)
    return smooth, threshold_of(settings)(smooth, settings)


def _other(image: Micrograph, settings: Segmentation, smooth: Grey, level: Grey) -> PhaseImage | None:
    try:
        return _cut(image, settings, smooth, level)
    except InputError:  # one phase only: as far as it can get
        return None


def threshold_of(settings: Segmentation) -> Threshold:
    """Return the threshold method that the settings name.

    Raises
    ------
    SettingsError
        There is none of this name.
    """
    if settings.method not in THRESHOLDS:
        raise SettingsError(f"method must be one of {', '.join(THRESHOLDS)}, got {settings.method!r}")
    return THRESHOLDS[settings.method]


def _cut(image: Micrograph, settings: Segmentation, smooth: Grey, level: Grey) -> PhaseImage:
    bright = without_specks(_median(smooth > level, settings.median), settings.speck)
    return _usable(bright if settings.pore == "bright" else ~bright, image, settings.speck)


def _usable(pore: Mask, image: Micrograph, speck: int) -> PhaseImage:
    _check_usable(pore, image.name)
    return PhaseImage(pore, image.pixel_size, speck * image.pixel_size**2)


def adaptive_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """Mean of the neighbourhood x (1.6 - sensitivity), clipped to [0, 1].

    MATLAB's `adaptthresh` for a bright foreground: box mean, border pixels repeated outwards,
    window 2*floor(n/16) + 1 along each axis. A phase with flat areas wider than the window breaks up
    in them: make the window at least twice the largest pore. Near sensitivity 0.6 the threshold is the
    mean itself, which pulls porosity towards one half. The factor is relative to black, so the less
    contrast an image has the more a small change of sensitivity moves its porosity.

    References
    ----------
    Bradley & Roth (2007), Adaptive thresholding using the integral image, J. Graphics Tools 12, 13-21.
    """
    mean = ndimage.uniform_filter(grey, size=_window(grey, settings), mode="nearest")
    return np.asarray(np.clip(mean * (1.6 - settings.sensitivity), 0, 1), dtype=np.float32)


def otsu_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """One level for the whole image, the one that separates the two grey classes best; fails on shading."""
    return np.full_like(grey, threshold_otsu(grey))


def sauvola_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """Local mean, lowered where contrast is low: mean x (1 + k (deviation/R - 1)), k = 0.2, R = 0.5.

    References
    ----------
    Sauvola & Pietikäinen (2000), Adaptive document image binarization, Pattern Recognition 33, 225-236.
    """
    surface = threshold_sauvola(grey, window_size=_window(grey, settings), k=SAUVOLA_K, r=SAUVOLA_R)
    return np.asarray(surface, dtype=np.float32)


def fixed_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """The level the user gave, everywhere."""
    return np.full_like(grey, settings.threshold)


THRESHOLDS: dict[str, Threshold] = {
    "adaptive": adaptive_threshold,
    "otsu": otsu_threshold,
    "sauvola": sauvola_threshold,
    "fixed": fixed_threshold,
}


def _window(grey: Grey, settings: Segmentation) -> tuple[int, ...]:
    if settings.window is not None:
        return (settings.window,) * grey.ndim
    return tuple(2 * (n // 16) + 1 for n in grey.shape)


def _smooth(grey: Grey, sigma: float) -> Grey:
    return np.asarray(ndimage.gaussian_filter(grey, sigma, mode="nearest")) if sigma else grey


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
            f"{porosity:.1%} of {name} came out as pore, wanted {LEAST_SHARE:.0%} to {1 - LEAST_SHARE:.0%}; "
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
