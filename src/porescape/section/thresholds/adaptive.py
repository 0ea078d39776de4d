"""The paper's threshold: a fraction of the local mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation
from porescape.section.thresholds.method import window_of

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Grey


def adaptive_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """Mean of the neighbourhood x (1.6 - sensitivity), clipped to [0, 1].

    MATLAB's `adaptthresh` for a bright foreground: box mean, border pixels repeated outwards,
    window 2*floor(n/16) + 1 along each axis. A phase with flat areas wider than the window breaks up
    in them: make the window at least twice the largest pore. Near sensitivity 0.6 the threshold is the
    mean itself, which shifts the porosity towards 0.5. The factor is relative to black, so the less
    contrast an image has, the more a small change of sensitivity changes its porosity.

    References
    ----------
    Bradley & Roth (2007), Adaptive thresholding using the integral image, J. Graphics Tools 12, 13-21.
    """
    import numpy as np
    from scipy import ndimage

    mean = ndimage.uniform_filter(grey, size=window_of(grey, settings), mode="nearest")
    return np.asarray(np.clip(mean * (1.6 - settings.sensitivity), 0, 1), dtype=np.float32)
