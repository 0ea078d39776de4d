"""Solid in the plane of the cut, told from solid behind it by a network that rendered pictures taught."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation
from porescape.section.thresholds.method import Separation, by_logits

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Grey


def plane(grey: Grey, settings: Segmentation) -> Separation:
    """Return the logit that solid lies in the plane; the other plausible masks are one uncertainty away.

    Solid is bright, unless the pores are said to be. Smoothing, sensitivity and window are not used. What the
    network was taught, how it was judged and where it fails: docs/plane.md.
    """
    from porescape.section.plane.see import porosity_sd, see

    seen = see(grey if settings.pore == "dark" else 1 - grey)
    return by_logits(seen.logits, porosity_sd(seen), settings)
