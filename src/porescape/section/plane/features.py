"""Features of a pixel: what the network's last layer is given; grey and its edges at the picture's scale."""

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.section.plane.network import Network
from porescape.section.plane.picture import Field, inputs
from porescape.section.plane.see import Shown, at_places, at_scales, shipped, shipped_name

WIDTHS = (0.1, 0.25, 0.5)  # unit lengths; of the Gaussians (chosen by hand)
FARTHEST = 4.0  # times the typical edge; what is steeper looks the same (chosen by hand)
OWN = 4 + 4 * len(WIDTHS)  # features that are not the network's


def features_name() -> str:
    """Return what features of this version are called in files."""
    return f"1-{shipped_name()}"


def feature_count() -> int:
    """Return how many features a pixel has, the constant included."""
    return len(shipped().last.weight[0]) + OWN + 1


def features(grey: Field, places: NDArray[np.bool_], network: Network | None = None) -> NDArray[np.float32]:
    """Return the features of chosen pixels of a picture whose solid is bright.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
    places : ndarray of bool, shape (ny, nx)
    network : Network, optional
        By default the one that comes with the package.

    Returns
    -------
    ndarray of float32, shape (chosen pixels, count)
        What the network weighs; grey compared with the whole picture and with the surroundings, and their
        squares; grey, steepness and curvature (of ridges, and of valleys) of the picture smoothed over each
        of `WIDTHS`; 1. No feature is much larger than 4.
    """
    network = network or shipped()
    own = [field[places] for field in _own(Shown(grey))]
    ones = np.ones(int(places.sum()), dtype=np.float32)
    return np.column_stack([at_places(grey, network, places), *own, ones])


def weighed(grey: Field, weights: NDArray[np.float32], network: Network | None = None) -> NDArray[np.float32]:
    """Return weighted sums of the features of all pixels.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
    weights : ndarray of float32, shape (sets, count)
        The last is the constant, as the last feature is 1.
    network : Network, optional
        By default the one that comes with the package.

    Returns
    -------
    ndarray of float32, shape (sets, ny, nx)
    """
    network = network or shipped()
    channels = len(network.last.weight[0])
    seen = at_scales(grey, network, weights[:, :channels].T).mean(axis=0)
    found = np.ascontiguousarray(np.moveaxis(seen, -1, 0))
    found += weights[:, -1, None, None]
    for index, feature in enumerate(_own(Shown(grey)), channels):
        for one, weight in zip(found, weights[:, index], strict=True):
            one += weight * feature
    return found


def _own(shown: Shown) -> Iterable[Field]:
    """Return the features that are not the network's; of a large picture they are not kept."""
    return _kept(shown) if shown.is_small else _computed(shown)


@lru_cache(maxsize=1)  # for every change of the labels
def _kept(shown: Shown) -> tuple[Field, ...]:
    return tuple(_computed(shown))


def _computed(shown: Shown) -> Iterator[Field]:
    unit = shown.unit
    both = inputs(shown.grey, unit)
    for one in (both[..., 0], both[..., 1]):
        yield one
        yield one * one / np.float32(4)
    for width in WIDTHS:
        smooth = ndimage.gaussian_filter(both[..., 0], max(width * unit, 0.7), mode="nearest")
        yield np.asarray(smooth, dtype=np.float32)
        along_y, along_x = np.gradient(smooth)
        (yy, yx), xx = np.gradient(along_y), np.gradient(along_x, axis=1)
        mean, half = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
        edges = np.hypot(along_y, along_x), np.minimum(mean - half, 0), np.maximum(mean + half, 0)
        yield from map(_typical, edges)


def _typical(edge: Field) -> Field:
    """Return steepness or curvature in units of its root mean square."""
    typical = float(np.sqrt(np.mean(edge.astype(np.float64) ** 2)))
    return np.asarray(np.clip(edge / max(typical, 1e-9), -FARTHEST, FARTHEST), dtype=np.float32)
