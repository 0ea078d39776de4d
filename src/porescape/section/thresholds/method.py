"""The interface of a segmentation method: grey and settings in, what separates bright from dark out.

Most are a threshold: a surface, and a pixel is bright where the smoothed grey lies above it. Methods import
numpy and other libraries when they are used, so that their names are known without these.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from porescape.core.settings import Segmentation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey: TypeAlias = NDArray[np.float32]
    Threshold: TypeAlias = Callable[[Grey, Segmentation], Grey]  # (ny, nx) each, in [0, 1]


@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """What separates bright from dark.

    Attributes
    ----------
    values : ndarray of float32, shape (ny, nx)
        A pixel is bright where they lie above the level.
    level : ndarray of float32, shape (ny, nx)
    others : tuple of float or None
        What is added to the level for the two other plausible masks, a negative and a positive number; None
        for 5 % of the contrast between the phases.
    """

    values: Grey
    level: Grey
    others: tuple[float, float] | None = None


Method: TypeAlias = Callable[["Grey", Segmentation], Separation]


def by_threshold(surface: Threshold) -> Method:
    """Return the method that compares the smoothed grey with the surface of a threshold."""

    def separate(grey: Grey, settings: Segmentation) -> Separation:
        import numpy as np
        from scipy import ndimage

        smooth = grey
        if settings.smoothing:
            smooth = np.asarray(ndimage.gaussian_filter(grey, settings.smoothing, mode="nearest"))
        return Separation(smooth, surface(smooth, settings))

    return separate


def by_logits(logits: Grey, sd: float, settings: Segmentation) -> Separation:
    """Return the separation by a logit of solid; the other masks' porosities are one uncertainty away."""
    import numpy as np

    values = logits if settings.pore == "dark" else -logits
    dark = float((values <= 0).mean())
    lower, higher = (float(np.quantile(values, min(max(dark + side * sd, 0.0), 1.0))) for side in (-1, 1))
    return Separation(values, np.zeros_like(values), (lower, higher))


def window_of(grey: Grey, settings: Segmentation) -> tuple[int, ...]:
    """Return the edges of the neighbourhood [pixels]."""
    if settings.window is not None:
        return (settings.window,) * grey.ndim
    return tuple(2 * (n // 16) + 1 for n in grey.shape)
