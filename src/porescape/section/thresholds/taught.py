"""Solid as a person labelled it: weights of features, learned by `porescape.section.teach`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from porescape.core.settings import Segmentation
from porescape.errors import SettingsError
from porescape.section.thresholds.method import Separation, by_logits

if TYPE_CHECKING:
    from porescape.section.thresholds.method import Grey

# uncertainty of the porosity: at least, per deviation between other weights, per unsure share; 98 % of
# pictures of materials that the network had not seen are held after 4 strokes (bench/mask/taught.py)
DOUBT = (0.01, 0.2, 0.7)


def taught(grey: Grey, settings: Segmentation) -> Separation:
    """Return the logit of solid; the other plausible masks are one uncertainty away.

    Smoothing, sensitivity and window are not used.
    """
    import numpy as np

    from porescape.section.plane.features import feature_count, features_name, weighed
    from porescape.section.plane.see import unsure

    given = settings.taught
    if given is None:
        raise SettingsError("method 'taught' needs labels, or what was learned from some")
    if given.features != features_name():
        raise SettingsError(
            f"this segmentation was taught with features {given.features}, and this version has "
            f"{features_name()}; teach it again from the labels"
        )
    if len(given.weights) != (wanted := feature_count()):
        raise SettingsError(
            f"this segmentation has {len(given.weights)} weights, wanted {wanted}; teach it again from "
            "the labels"
        )
    weights = np.array([given.weights, *given.others], dtype=np.float32)
    logits, *others = weighed(grey if settings.pore == "dark" else 1 - grey, weights)
    porosity = float((logits <= 0).mean())
    spread = np.sqrt(np.mean([((one <= 0).mean() - porosity) ** 2 for one in others])) if others else 0.0
    least, by_spread, by_unsure = DOUBT
    sd = least + by_spread * float(spread) + by_unsure * unsure(logits)
    return by_logits(logits, sd, settings)
