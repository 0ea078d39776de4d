"""Which solid lies in the plane of a picture, by the network that comes with the package."""

import hashlib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from porescape.section.plane.network import BLOCK, MARGIN, Network, from_arrays, hidden, to_arrays
from porescape.section.plane.picture import (
    Field,
    Stack,
    inputs,
    larger,
    larger_at,
    scale_of,
    smaller,
    unit_length,
)

SCALES = (0.9, 1.2)  # times the unit length; how far the answers differ is a measure of doubt
# uncertainty of the porosity: at least, per deviation between scales, per unsure share;
# bench/mask/judge.py --doubt, on materials that the network had not seen
DOUBT = (0.00993, 1.2, 0.694)
LEAST_SIDE = 64  # pixels; a picture is made no smaller (chosen by hand)
TILE = 1024  # pixels; a larger picture is looked at in parts
REMEMBERED = 2 << 20  # pixels as the network is given them; of a larger picture nothing is kept


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


def see(grey: Field, network: Network | None = None) -> Seen:
    """Look at a picture whose solid is bright.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
    network : Network, optional
        By default the one that comes with the package.
    """
    network = network or shipped()
    found = at_scales(grey, network, network.last.weight[0])[..., 0] + network.last.bias
    logits = np.asarray(found.mean(axis=0), dtype=np.float32)
    porosities = tuple(float((one <= 0).mean()) for one in found)
    return Seen(logits, porosities, unsure(logits), Shown(grey).unit)


def porosity_sd(seen: Seen) -> float:
    """Return the standard uncertainty of the porosity of a mask, as calibrated on rendered pictures."""
    least, by_scales, by_unsure = DOUBT
    return least + by_scales * float(np.std(seen.porosities)) + by_unsure * seen.unsure


def unsure(logits: Field) -> float:
    """Return the mean of p (1 - p) over the pixels, p being the probability of solid."""
    solid = 1 / (1 + np.exp(-np.clip(logits, -30, 30)))
    return float((solid * (1 - solid)).mean())


def at_scales(grey: Field, network: Network, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weighted sums of what the network's last layer is given, at each of `SCALES`.

    Parameters
    ----------
    grey : ndarray of float32, shape (ny, nx)
    network : Network
    weights : ndarray of float32, shape (channels, count)

    Returns
    -------
    ndarray of float32, shape (scales, ny, nx, count)
    """
    shown = Shown(grey)
    found = [
        larger(
            _tiled(_smaller(shown, scale), network, weights)
            if (known := _remembered(shown, scale, network)) is None
            else known @ weights,
            (grey.shape[0], grey.shape[1]),
        )
        for scale in SCALES
    ]
    return np.stack(found)


def at_places(grey: Field, network: Network, places: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return what the network's last layer is given at some places, the mean over `SCALES`.

    Returns
    -------
    ndarray of float32, shape (chosen pixels, channels)
    """
    shown, shape = Shown(grey), (grey.shape[0], grey.shape[1])
    channels = len(network.last.weight[0])
    found = []
    for scale in SCALES:
        known = _remembered(shown, scale, network)
        if known is not None:
            found.append(larger_at(known, shape, places))
            continue
        small = _smaller(shown, scale)
        singly = np.split(np.eye(channels, dtype=np.float32), channels, axis=1)  # pictures may be large
        one_by_one = [larger_at(_tiled(small, network, one), shape, places) for one in singly]
        found.append(np.concatenate(one_by_one, axis=-1))
    return np.asarray(np.mean(found, axis=0))


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that is known again by its bytes."""

    grey: Field = field(compare=False)
    digest: bytes = b""

    def __post_init__(self) -> None:
        own = np.ascontiguousarray(self.grey)
        object.__setattr__(self, "digest", hashlib.sha256(own.tobytes() + str(own.shape).encode()).digest())

    @property
    def unit(self) -> float:
        """Unit length [pixels]."""
        return _unit_of(self) if self.is_small else unit_length(self.grey)

    @property
    def is_small(self) -> bool:
        """Whether it may be kept in memory."""
        return self.grey.size <= REMEMBERED


@lru_cache(maxsize=2)
def _unit_of(shown: Shown) -> float:
    return unit_length(shown.grey)


def _smaller(shown: Shown, scale: float) -> Stack:
    """Return a picture made smaller to its own scale, as the network is given it."""
    unit = shown.unit * scale
    small = smaller(shown.grey, _factor(shown, scale))
    return inputs(small, max(unit * small.shape[0] / shown.grey.shape[0], 1.5))


def _factor(shown: Shown, scale: float) -> float:
    return scale_of(shown.unit * scale, LEAST_SIDE / min(shown.grey.shape))


def _remembered(shown: Shown, scale: float, network: Network) -> Stack | None:
    """Return what the last layer is given, if the picture is small enough to keep it."""
    if shown.grey.size * _factor(shown, scale) ** 2 > REMEMBERED:
        return None
    return _hidden_of(shown, scale, network)


@lru_cache(maxsize=len(SCALES))  # mask, check of depth and every change of labels ask for the same picture
def _hidden_of(shown: Shown, scale: float, network: Network) -> Stack:
    return _tiled(_smaller(shown, scale), network, None)


def _tiled(picture: Stack, network: Network, weights: NDArray[np.float32] | None) -> Stack:
    """Return what the last layer is given, or weighted sums of it, in tiles."""
    ny, nx = picture.shape[:2]
    strips = []
    for top in range(0, ny, TILE):
        strip, high = [], min(TILE, ny - top)
        for left in range(0, nx, TILE):
            wide = min(TILE, nx - left)
            found = hidden(network, _part(_part(picture, 0, top, high), 1, left, wide))
            found = found[MARGIN:, MARGIN:][:high, :wide]
            strip.append(found if weights is None else found @ weights)
        strips.append(np.concatenate(strip, axis=1))
    return np.concatenate(strips)


def _part(picture: Stack, axis: int, start: int, count: int) -> Stack:
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


@cache
def shipped_name() -> str:
    """Return the start of the SHA-256 of the network that comes with the package."""
    digest = hashlib.sha256()
    for name, array in sorted(to_arrays(shipped()).items()):
        digest.update(name.encode() + np.ascontiguousarray(array, dtype="<f4").tobytes())
    return digest.hexdigest()[:16]
