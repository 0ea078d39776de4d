"""Size: does the image show enough of the material?"""

import math

import numpy as np

from porescape.core.check import Check
from porescape.section.checks.limits import status_above, status_below, worst
from porescape.section.checks.sampled import SampledImage
from porescape.units import format_length
from porescape.wording import beside

# Relative 95 % error of the porosity. Permeability scales with about the third or fourth power of porosity:
# 10 % are 30 to 45 % there, and an interval of ±50 % spans a factor of three. Chosen by hand.
POROSITY_ERROR = (0.10, 0.50)
# Pore-to-pore distances along the shorter side. Chosen by hand: three are too few for statistics.
FEATURES = (8.0, 3.0)


def check_size(image: SampledImage) -> Check:
    """Predict the error of the porosity from the autocovariance, and count features along a side."""
    ny, nx = image.pore.shape
    size = image.pixel_size
    variance = image.mean_variance
    error = 1.96 * math.sqrt(variance) / image.porosity
    features = min(ny, nx) / image.period
    larger = max(error / image.wanted_error, FEATURES[0] / features)
    values = {
        "porosity": image.porosity,
        "porosity_error": error,
        "independent_areas": image.variance / max(variance, 1e-12),
        "features_across": features,
        "correlation_lengths_across": min(ny, nx) / float(image.lengths.mean()),
        "wanted_height": ny * size * larger,
        "wanted_width": nx * size * larger,
    }
    status = worst([status_above(error, POROSITY_ERROR), status_below(features, FEATURES)])
    found = beside(100 * error, 100 * POROSITY_ERROR[0])
    across = beside(features, FEATURES[0], 1)
    sentence = (
        f"the porosity of {100 * image.porosity:.1f} % has a relative error of {found} % (95 %) as "
        f"an estimate of the material's, wanted {100 * POROSITY_ERROR[0]:.0f} % at most; {across} "
        f"pore-to-pore distances lie along the shorter side, wanted {FEATURES[0]:.0f} at least"
    )
    if larger > 1:
        height, width = (format_length(values[name], 3) for name in ("wanted_height", "wanted_width"))
        sentence += (
            f"; {larger:.2g} times as wide a field of view ({height} by {width}) would give "
            f"{100 * image.wanted_error:.3g} % and {FEATURES[0]:.0f} distances, or better"
        )
    root = math.sqrt(ny * nx) * size
    side = root * np.geomspace(0.1, max(2.0, 1.4 * larger), 80)
    windows, scatter = image.window_scatter()
    curves = {
        "side": side,
        "error": error * root / side,
        "window_side": windows * size,
        "window_error": 1.96 * scatter / image.porosity,
    }
    limits = {"porosity_error": POROSITY_ERROR, "features_across": FEATURES}
    return Check("size", status, sentence, values, limits, curves)
