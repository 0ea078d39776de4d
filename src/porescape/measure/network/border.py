"""Weights of whole pores and throats, so that those the border cuts do not bias statistics."""

import numpy as np
from numpy.typing import NDArray

from porescape.core.network import Network

FEWEST_WHOLE = 30  # pores; fewer give a mean diameter to no better than about 10 % (bench/results/border.md)


def border_weights(
    extent: NDArray[np.int64],
    whole: NDArray[np.bool_],
    size: NDArray[np.float64],
    box: tuple[int, ...],
) -> NDArray[np.float64]:
    """Return how many bodies of the material each body stands for, 0 for those that the border cuts.

    A box holds small bodies whole more often than large ones. One whose bounding box is a, b, c voxels wide
    lies wholly inside a box of X, Y, Z voxels, not in its outermost layer, with the chance
    p = (X - 1 - a)(Y - 1 - b)(Z - 1 - c) / XYZ (Miles, Lantuéjoul). So for each one seen whole (1 - p) / p
    of its kind are cut (Horvitz and Thompson). These are multiplied by exp(m · size), with m such that
    their sizes add up to what is seen of the cut ones (calibration by raking): equal bodies are then
    counted exactly in any box, nothing is added where nothing is cut, and the sum scatters less. They are
    never more than the pieces that were cut.

    Means with these weights are unbiased for bodies up to about half a box wide. Bodies longer than the box
    are never seen whole, and what they were in number and size is not known; if no body is whole, all weights
    are 1.

    Parameters
    ----------
    extent : ndarray of int, shape (n, 3)
        Edges of the bounding boxes [voxels].
    whole : ndarray of bool, shape (n,)
        Whether a body lies wholly inside.
    size : ndarray, shape (n,)
        What is seen of each body: its volume, or the area of a throat; any unit.
    box : tuple of int
        Voxels along each axis.

    References
    ----------
    Miles (1974) in Harding and Kendall, Stochastic Geometry, Wiley, 228, and Serra (1982), Image Analysis and
    Mathematical Morphology, Academic Press (chance); Horvitz and Thompson (1952), J. Am. Stat. Assoc. 47, 663
    (weights); Deville and Särndal (1992), J. Am. Stat. Assoc. 87, 376 (raking).

    Examples
    --------
    >>> extent, size = np.array([[9, 9, 9], [9, 9, 5]]), np.array([400.0, 200.0])
    >>> border_weights(extent, np.array([True, False]), size, (20, 20, 20))  # half a body is cut off
    array([1.5, 0. ])
    """
    if not whole.any():
        return np.ones(len(whole))
    weights = whole.astype(float)
    cut = float(size[~whole].sum())
    if cut == 0:
        return weights
    edges = np.array(box)
    chance = ((edges - 1 - extent[whole]) / edges).prod(axis=1)
    missed = (1 - chance) / chance
    missed *= _raked(missed, size[whole], cut)
    weights[whole] += missed * min(1.0, np.count_nonzero(~whole) / missed.sum())
    return weights


def _raked(number: NDArray[np.float64], size: NDArray[np.float64], total: float) -> NDArray[np.float64]:
    """Return factors exp(m · size) of numbers with which their sizes add up to a total."""
    relative = size / size.max()
    known = np.log(number * size)

    def excess(m: float) -> float:
        terms = known + m * relative
        return float(terms.max() + np.log(np.exp(terms - terms.max()).sum()) - np.log(total))

    low, high = -1.0, 1.0
    while excess(low) > 0:
        low *= 2
    while excess(high) < 0:
        high *= 2
    while high - low > 1e-12 * max(1.0, abs(low), abs(high)):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return np.asarray(np.exp(high * relative))


def weighted_percentile(
    values: NDArray[np.float64], weights: NDArray[np.float64], percentile: float
) -> float:
    """Return a percentile of values that count by their weights, all above 0; of equal ones it is numpy's.

    Each value stands in the middle of its weight, and what lies between two values is interpolated.
    """
    order = np.argsort(values, kind="stable")
    sorted_values, share = values[order], weights[order]
    place = np.cumsum(share) - share / 2
    if place.size == 1:
        return float(sorted_values[0])
    place = (place - place[0]) / (place[-1] - place[0])
    return float(np.interp(percentile / 100, place, sorted_values))


def few_whole(network: Network) -> str | None:
    """Return a warning if the numbers of a network rest on fewer than `FEWEST_WHOLE` whole pores."""
    whole, n = np.count_nonzero(network.interior), len(network.body_diameter)
    if whole >= FEWEST_WHOLE or whole == n:
        return None
    too_small = "the box is too small for statistics of pores"
    if whole == 0:
        return (
            f"{too_small}: it cuts every pore ({n}), so density and diameters are those of cut pores, too "
            "many and too narrow unless they run through the box; measure a larger volume"
        )
    return (
        f"{too_small}: {whole} of {n} lie wholly inside, wanted {FEWEST_WHOLE} or more; density, diameters "
        "and coordination rest on these few; measure a larger volume"
    )
