"""A level that the user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Grey


def fixed_threshold(grey: Grey, settings: Segmentation) -> Grey:
    """The level given by the user, everywhere."""
    import numpy as np

    return np.full_like(grey, settings.threshold)
