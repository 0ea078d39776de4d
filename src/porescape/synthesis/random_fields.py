"""The random fields: local, and normalised by their theoretical moments.

Each field is a function of (seed, length, domain, window) and has mean 0 and variance 1 over all of
space, not over one box.

Each is local: a voxel depends on random numbers no farther away than its halo.

- grain: `GRAIN_CAP` spacings, less for rods (`grain_scale`). A distance beyond the cap is cut off, so no
  farther point matters; the probability that a voxel is farther from all points is 4e-8, so the cut has no
  effect in practice. The middles of rods are searched half a length farther.
- branch: `BRANCH_CAP` widths (at least 8 voxels), where the signed distance is cut off, and 4 to 5.7 widths
  more for the smoothing of its noise (`smoothing.context`).

An exact distance without a cap would depend on the whole space.
"""

import math
from statistics import NormalDist

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.chunked import slices, tiled
from porescape.core.domain import Domain, Window
from porescape.distance import distance_to_points, signed_squared_distance
from porescape.synthesis.capsules import capsule_radius
from porescape.synthesis.layers import Holder, Layers, once
from porescape.synthesis.noise import NOISE_SD, random_points, white_noise_layers
from porescape.synthesis.smoothing import context, smoothed_noise

# Distance to the nearest point of a Poisson process, in units of (volume per point)^(1/3):
# P(d > r) = exp(-4/3 pi r^3), so E d^k = Gamma(1 + k/3) (4/3 pi)^(-k/3).
GRAIN_MEAN = math.gamma(4 / 3) * (4 * math.pi / 3) ** (-1 / 3)
GRAIN_SD = math.sqrt(math.gamma(5 / 3) * (4 * math.pi / 3) ** (-2 / 3) - GRAIN_MEAN**2)
GRAIN_CAP = 1.6  # spacings; a voxel lies farther from every seed with probability 4e-8
FINEST_GRAIN = 3.0  # voxels
ROD_STEPS = 4000  # of the sums for the moments of rods; more steps change them by less than 1e-6
SEARCHED = 128  # voxels; in wider windows points are looked up piece by piece, which is then faster

BRANCH_CAP = 8.0  # widths; makes the signed distance local
FINEST_BRANCH = 0.6  # voxels; below, the field is noise of the grid


def grain_field(
    seed: int, name: str, spacing: float, domain: Domain, window: Window, length: float = 0.0
) -> NDArray[np.float32]:
    """Distance to the nearest seed, a point or a straight rod, standardised.

    Parameters
    ----------
    name : str
        Which of the independent grain fields ("solid_grains", "pore_cells").
    spacing : float
        (Volume per seed)^(1/3) [voxels].
    length : float
        Of the seeds [voxels].
    """
    layers = grain_layers(seed, name, spacing, length, domain, window, once)
    return layers(window.start[0], window.start[0] + window.shape[0])


def grain_layers(
    seed: int, name: str, spacing: float, length: float, domain: Domain, window: Window, hold: Holder
) -> Layers:
    """Return `grain_field` layer by layer; its halo is the cap, for points only."""
    spacing = max(spacing, FINEST_GRAIN)
    mean, sd, cap = grain_scale(spacing, length)
    shift, scale = np.float32(mean), np.float32(1 / sd)

    def piece(own: Window) -> NDArray[np.float32]:
        around = own.grown(math.ceil(cap), (False, False, False))
        points = random_points(seed, name, domain, around, spacing**-3, again=hold is not once, length=length)
        return distance_to_points(  # type: ignore[no-any-return]
            points, np.asarray(own.start), np.asarray(own.shape), float(cap), shift, scale
        )

    def grains(start: int, stop: int) -> NDArray[np.float32]:
        own = window.layers(start, stop)
        if max(own.shape[1:]) <= SEARCHED:
            return piece(own)
        out = np.empty(own.shape, dtype=np.float32)
        for part in tiled(own.shape, (own.shape[0], SEARCHED, SEARCHED)):
            _, y, x = (a + b for a, b in zip(part.start, own.start, strict=True))
            out[slices(part)] = piece(Window((start, y, x), part.shape))
        return out

    return grains


def grain_scale(spacing: float, length: float) -> tuple[float, float, float]:
    """Return mean, standard deviation and cap of the distances to seeds [voxels].

    A point is farther than r from every rod of length L in a random direction with probability
    exp(-n (4/3 pi r³ + pi r² L)), n rods per volume: none has its middle in a capsule around the point.
    """
    if length == 0:
        return GRAIN_MEAN * spacing, GRAIN_SD * spacing, GRAIN_CAP * spacing
    cap = capsule_radius(spacing, length, 4 / 3 * math.pi * GRAIN_CAP**3)
    step = cap / ROD_STEPS
    r = step * (np.arange(ROD_STEPS) + 0.5)
    farther = np.exp(-(4 / 3 * np.pi * r**3 + np.pi * r**2 * length) / spacing**3)
    mean = step * float(farther.sum())
    return mean, math.sqrt(step * float((2 * r * farther).sum()) - mean**2), cap


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
    layers = branch_layers(seed, width, cut, domain, window, once)
    return layers(window.start[0], window.start[0] + window.shape[0])


def branch_layers(
    seed: int, width: float, cut: float, domain: Domain, window: Window, hold: Holder
) -> Layers:
    """Return `branch_field` layer by layer; its halo is `BRANCH_CAP` widths plus that of the noise."""
    width = max(width, FINEST_BRANCH)
    cap = max(8, math.ceil(BRANCH_CAP * width))
    around = window.grown(cap, domain.wraps(window))
    noise = white_noise_layers(seed, "branches", domain, context(width, domain, around), hold)
    smooth = smoothed_noise(noise, NOISE_SD, width, domain, around, hold)
    level = NormalDist().inv_cdf(cut)
    above = hold(lambda start, stop: smooth(start, stop) > np.float32(level))
    mean, spread = branch_moments(level)

    def branch(start: int, stop: int) -> NDArray[np.float32]:
        wraps = domain.wraps(window.layers(start, stop))
        grow = 0 if wraps[0] else cap
        square = signed_squared_distance(above(start - grow, stop + grow), cap, wraps)
        return _signed_root(  # type: ignore[no-any-return]
            square, np.float32(mean * width), np.float32(1 / (spread * width))
        )

    return branch


def branch_moments(level: float) -> tuple[float, float]:
    """Return mean and standard deviation of the distances [widths] to where unit noise is cut at a level.

    Fitted to simulations at 11 cuts in [0.05, 0.95]: within 5 % of a standard deviation
    (tests/test_synthesis.py allows 10 %, for its smaller boxes).
    """
    return -level * (0.79 + 0.072 * level**2), 0.73 + 0.1 * level**2


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
