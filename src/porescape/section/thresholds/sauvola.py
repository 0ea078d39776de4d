"""Sauvola's threshold: the local mean, lowered where contrast is low."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation
from porescape.section.thresholds.method import window_of

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Grey

SAUVOLA_K = 0.2  # Sauvola & Pietikäinen's own range is 0.2 to 0.5; pores are large dark areas: the smallest
SAUVOLA_R = 0.5  # largest standard deviation of grey in [0, 1]; the 128 of 256 in the paper


def sauvola_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """Local mean, lowered where contrast is low: mean x (1 + k (deviation/R - 1)), k = 0.2, R = 0.5.

    References
    ----------
    Sauvola & Pietikäinen (2000), Adaptive document image binarization, Pattern Recognition 33, 225-236.
    """
    import numpy as np
    from skimage.filters import threshold_sauvola

    surface = threshold_sauvola(grey, window_size=window_of(grey, settings), k=SAUVOLA_K, r=SAUVOLA_R)
    return np.asarray(surface, dtype=np.float32)
