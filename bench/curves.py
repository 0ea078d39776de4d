"""S2 and lineal path of both phases, and how far a replica's are from the truth's.

A curve is counted along the three axes of a box, at lags of whole voxels, by
`porescape.measure.geometry.correlation`. S2 is the plain two-point correlation (no porosity subtracted), so
that it starts at the phase's share and ends at its square. The distance of two curves is relative L1: the sum
of |difference| over the lags 0 ... 3 correlation lengths of the truth, over the truth's own sum over the same
lags.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import ArrayLike

from porescape.core.volume import Volume
from porescape.measure.geometry.correlation import correlation_length, lineal_path, two_point_correlation

CURVES = ("s2_pore", "s2_solid", "lineal_pore", "lineal_solid")
FARTHEST = 3.0  # correlation lengths of the truth; beyond, the lineal path is nought and S2 the porosity's
DIGITS = 7  # kept of a share


def curves_of(volume: Volume) -> dict[str, list[float]]:
    """Return every curve at the lags 0 ... half the shortest edge [voxels]."""
    far = min(volume.shape) // 2
    found = {}
    for phase, mask in (("pore", volume.pore), ("solid", ~volume.pore)):
        found[f"s2_{phase}"] = two_point_correlation(mask, far)
        found[f"lineal_{phase}"] = lineal_path(mask, far)
    return {name: np.round(found[name], DIGITS).tolist() for name in CURVES}


def last_lag(blocks: Sequence[Volume]) -> int:
    """Return the lag up to which curves are compared: 3 mean correlation lengths of the truth [voxels]."""
    length = float(np.mean([correlation_length(block) / block.voxel_size for block in blocks]))
    return min(ceil(FARTHEST * length), min(blocks[0].shape) // 2)


def relative_l1(found: ArrayLike, truth: ArrayLike, last: int) -> float:
    """Return the relative L1 distance of a curve from the true one over the lags 0 ... `last`.

    >>> relative_l1([1.1, 0.5, 9.0], [1.0, 0.4, 0.0], 1)
    0.14285714285714288
    """
    here, there = np.asarray(found)[: last + 1], np.asarray(truth)[: last + 1]
    return float(np.abs(here - there).sum() / np.abs(there).sum())
