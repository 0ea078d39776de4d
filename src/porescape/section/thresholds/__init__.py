"""Segmentation methods: a file and a line each; everything else of the segmentation is the same for all."""

from __future__ import annotations

from porescape.core.settings import Segmentation
from porescape.errors import SettingsError
from porescape.section.thresholds.adaptive import adaptive_threshold
from porescape.section.thresholds.fixed import fixed_threshold
from porescape.section.thresholds.method import Method, by_threshold
from porescape.section.thresholds.otsu import otsu_threshold
from porescape.section.thresholds.plane import plane
from porescape.section.thresholds.sauvola import sauvola_threshold
from porescape.section.thresholds.taught import taught

THRESHOLDS: dict[str, Method] = {
    "adaptive": by_threshold(adaptive_threshold),
    "otsu": by_threshold(otsu_threshold),
    "sauvola": by_threshold(sauvola_threshold),
    "plane": plane,
    "taught": taught,
    "fixed": by_threshold(fixed_threshold),
}


def threshold_of(settings: Segmentation) -> Method:
    """Return the method in the settings.

    Raises
    ------
    SettingsError
        There is no method of this name.
    """
    if settings.method not in THRESHOLDS:
        raise SettingsError(f"method must be one of {', '.join(THRESHOLDS)}, got {settings.method!r}")
    return THRESHOLDS[settings.method]
