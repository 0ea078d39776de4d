"""The base fields: random, local, and normalised by what theory says of them.

Each field is a function of (seed, length, domain, window) and has mean 0 and variance 1 over all of
space, not over the box that happens to be drawn.
"""

import math
from statistics import NormalDist

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.domain import Domain, Window
from porescape.distance import distance_to_points, signed_squared_distance
from porescape.synthesis.noise import NOISE_SD, random_points, white_noise
from porescape.synthesis.smoothing import context, smooth_noise

# Distance to the nearest point of a Poisson process, in units of (volume per point)^(1/3):
# P(d > r) = exp(-4/3 pi r^3), so E d^k = Gamma(1 + k/3) (4/3 pi)^(-k/3).
GRAIN_MEAN = math.gamma(4 / 3) * (4 * math.pi / 3) ** (-1 / 3)
GRAIN_SD = math.sqrt(math.gamma(5 / 3) * (4 * math.pi / 3) ** (-2 / 3) - GRAIN_MEAN**2)
GRAIN_CAP = 1.6  # spacings; a voxel lies farther from every seed with probability 4e-8
FINEST_GRAIN = 3.0  # voxels

BRANCH_CAP = 8.0  # widths; makes the signed distance local
FINEST_BRANCH = 0.6  # voxels; below, the noise is the grid's


def grain_field(seed: int, name: str, spacing: float, domain: Domain, window: Window) -> NDArray[np.float32]:
    """Distance to the nearest seed point, standardised.

    Parameters
    ----------
    name : str
        Which of the independent grain fields ("cells", "bumps").
    spacing : float
        (Volume per seed)^(1/3) [voxels].
    """
    spacing = max(spacing, FINEST_GRAIN)
    cap = GRAIN_CAP * spacing
    around = window.grown(math.ceil(cap), (False, False, False))
    points = random_points(seed, name, domain, around, spacing**-3)
    return distance_to_points(  # type: ignore[no-any-return]
        points,
        np.asarray(window.start),
        np.asarray(window.shape),
        float(cap),
        np.float32(GRAIN_MEAN * spacing),
        np.float32(1 / (GRAIN_SD * spacing)),
    )


def branch_field(seed: int, width: float, cut: float, domain: Domain, window: Window) -> NDArray[np.float32]:
    """Signed distance to the level set of smoothed noise, scaled to about unit variance.

    Positive where the smoothed noise lies above the cut; has corners and branches.

    Parameters
    ----------
    width : float
        Standard deviation of the smoothing Gaussian [voxels].
    cut : float
        Fraction of the noise below the level, in (0, 1).
    """
    width = max(width, FINEST_BRANCH)
    cap = max(8, math.ceil(BRANCH_CAP * width))
    wraps = domain.wraps(window)
    around = window.grown(cap, wraps)
    noise = white_noise(seed, "branch", domain, context(width, domain, around))
    smooth = smooth_noise(noise, NOISE_SD, width, domain, around)
    level = NormalDist().inv_cdf(cut)
    square = signed_squared_distance(smooth > np.float32(level), cap, wraps)
    # Mean and standard deviation in widths, fitted to simulations at 11 cuts in [0.05, 0.95]: within
    # 5 % of a standard deviation (tests/test_synthesis.py allows 10 %, for its smaller boxes).
    mean = -level * (0.79 + 0.072 * level**2)
    spread = 0.73 + 0.1 * level**2
    return _signed_root(  # type: ignore[no-any-return]
        square, np.float32(mean * width), np.float32(1 / (spread * width))
    )


@njit(cache=True, nogil=True)
def _signed_root(square, mean, scale):  # type: ignore[no-untyped-def]
    """Return the standardised distance of signed squared distances between voxel centres."""
    out = np.empty(square.shape, dtype=np.float32)
    flat = square.ravel()
    into = out.ravel()
    for i in range(len(flat)):
        signed = np.float32(flat[i])
        # the wall lies midway between the two phases' voxels
        distance = np.sqrt(abs(signed)) - np.float32(0.5)
        into[i] = ((distance if signed > 0 else -distance) - mean) * scale
    return out
