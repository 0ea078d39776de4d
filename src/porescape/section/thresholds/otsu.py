"""Otsu's threshold: one level for the whole image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Grey


def otsu_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """One level for the whole image, the one that separates the two grey classes best; fails on shading."""
    import numpy as np
    from skimage.filters import threshold_otsu

    return np.full_like(grey, threshold_otsu(grey))
