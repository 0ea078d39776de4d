"""Which solid lies in the plane of a picture, by the network that comes with the package."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from porescape.section.plane.network import BLOCK, MARGIN, Network, answer, from_arrays
from porescape.section.plane.picture import Field, inputs, larger, scale_of, smaller, unit_length

SCALES = (0.8, 1.0, 1.25)  # times the unit length; how far the answers differ is a measure of doubt
# uncertainty of the porosity: at least, per deviation between scales, per unsure share;
# bench/mask/judge.py --doubt, on materials that the network had not seen
DOUBT = (0.0109, 0.0604, 0.953)
LEAST_SIDE = 64  # pixels; a picture is made no smaller (chosen by hand)
TILE = 1024  # pixels; a larger picture is looked at in parts


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the network sees in a picture.

    Attributes
    ----------
    logits : ndarray of float32, shape (ny, nx)
        Above 0 where solid lies in the plane; the mean over `SCALES`.
    porosities : tuple of float
        Pore share of the mask at each of `SCALES`.
    unsure : float
        Mean of p (1 - p) over the pixels, p being the probability of solid.
    unit : float
        Unit length of the picture [pixels].
    """

    logits: Field
    porosities: tuple[float, ...]
    unsure: float
    unit: float


def see(grey: Field, network: Network | None = None, scales: tuple[float, ...] = SCALES) -> Seen:
    """Look at a picture whose solid is bright.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
    network : Network, optional
        By default the one that comes with the package.
    scales : tuple of float
    """
    network = network or shipped()
    unit = unit_length(grey)
    found = [_at_scale(grey, unit * scale, network) for scale in scales]
    porosities = tuple(float((one <= 0).mean()) for one in found)
    logits = np.asarray(np.mean(found, axis=0), dtype=np.float32)
    solid = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return Seen(logits, porosities, float((solid * (1 - solid)).mean()), unit)


def porosity_sd(seen: Seen) -> float:
    """Return the standard uncertainty of the porosity of a mask, as calibrated on rendered pictures."""
    least, by_scales, by_unsure = DOUBT
    return least + by_scales * float(np.std(seen.porosities)) + by_unsure * seen.unsure


def _at_scale(grey: Field, unit: float, network: Network) -> Field:
    small = smaller(grey, scale_of(unit, LEAST_SIDE / min(grey.shape)))
    factor = small.shape[0] / grey.shape[0]
    picture = inputs(small, max(unit * factor, 1.5))
    ny, nx = small.shape
    logits = np.empty((ny, nx), dtype=np.float32)
    for top in range(0, ny, TILE):
        for left in range(0, nx, TILE):
            high, wide = min(TILE, ny - top), min(TILE, nx - left)
            seen = answer(network, _part(_part(picture, 0, top, high), 1, left, wide))
            logits[top : top + high, left : left + wide] = seen[MARGIN:, MARGIN:][:high, :wide]
    return larger(logits, (grey.shape[0], grey.shape[1]))


def _part(picture: NDArray[np.float32], axis: int, start: int, count: int) -> NDArray[np.float32]:
    """Return pixels along an axis with a margin, mirrored at the border, in multiples of `BLOCK`."""
    last = picture.shape[axis] - 1
    index = np.arange(start - MARGIN, start + count + -count % BLOCK + MARGIN)
    mirrored = last - np.abs(last - np.abs(index))
    return np.asarray(picture.take(np.clip(mirrored, 0, last), axis))


@cache
def shipped() -> Network:
    """Return the network that comes with the package; `bench/mask/teach.py` makes it."""
    with (files("porescape") / "data" / "plane.npz").open("rb") as file, np.load(file) as archive:
        return from_arrays(dict(archive))
