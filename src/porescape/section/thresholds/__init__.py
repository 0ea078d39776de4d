"""Threshold methods: a file and a line each; everything else of the segmentation is the same for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation
from porescape.errors import SettingsError
from porescape.section.thresholds.adaptive import adaptive_threshold
from porescape.section.thresholds.fixed import fixed_threshold
from porescape.section.thresholds.otsu import otsu_threshold
from porescape.section.thresholds.sauvola import sauvola_threshold

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Threshold

THRESHOLDS: dict[str, Threshold] = {
    "adaptive": adaptive_threshold,
    "otsu": otsu_threshold,
    "sauvola": sauvola_threshold,
    "fixed": fixed_threshold,
}


def threshold_of(settings: Segmentation) -> Threshold:
    """Return the threshold method in the settings.

    Raises
    ------
    SettingsError
        There is no method of this name.
    """
    if settings.method not in THRESHOLDS:
        raise SettingsError(f"method must be one of {', '.join(THRESHOLDS)}, got {settings.method!r}")
    return THRESHOLDS[settings.method]
