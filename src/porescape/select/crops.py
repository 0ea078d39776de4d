"""Crops of sections: regions without a common pixel, and random crops from within them."""

from collections.abc import Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from porescape.section.specks import without_specks

CROP = 48  # pixels; chosen by hand: four or five pores wide at the voxel size that replicas get
SMALLER_CROPS = (CROP, 40, 32, 24)  # where image or replica is too small for the usual one; chosen by hand
GAP = 8  # pixels between regions, where there is room: no pore lies in two of them; chosen by hand
FOLDS = (4, 3, 2)  # regions, as many as there is room for; chosen by hand

Box = tuple[tuple[int, int], ...]  # first and end along each axis


def draw_crops(
    pore: NDArray[np.bool_],
    region: Box,
    crop: int,
    count: int,
    chance: np.random.Generator,
    speck: int = 0,
) -> NDArray[np.bool_]:
    """Return random crops of a region, shape (count, crop, crop); of a volume across its axes in turn.

    Those of a volume are cut from whole slices, from which islands smaller than `speck` pixels are removed.
    """
    across: list[int | None] = [None]
    if pore.ndim == 3:
        across = [
            axis
            for axis in range(3)
            if all(end - first >= crop for other, (first, end) in enumerate(region) if other != axis)
        ]
    drawn = []
    for k in range(count):
        thin = across[k % len(across)]
        plane: NDArray[np.bool_] = pore
        place: list[slice] = []
        for axis, (first, end) in enumerate(region):
            length = 1 if axis == thin else crop
            start = int(chance.integers(first, end - length + 1))
            if axis == thin:
                plane = without_specks(np.take(pore, start, axis=axis), speck)
            else:
                place.append(slice(start, start + crop))
        drawn.append(plane[tuple(place)])
    return np.stack(drawn)


def split(shape: Sequence[int], crop: int, count: int) -> list[Box] | None:
    """Return boxes with a gap between them, each with room for a crop; None where there is no room.

    The two longest axes are halved, or the longest one is cut into `count`. The gap shrinks where there
    is no room for it; boxes never share a pixel.
    """
    longest, second = sorted(range(len(shape)), key=lambda axis: -shape[axis])[:2]
    quarters = count == 4 and shape[second] >= 2 * crop
    parts = {longest: 2, second: 2} if quarters else {longest: count}
    if shape[second] < crop or shape[longest] < parts[longest] * crop:
        return None
    pieces = []
    for axis, n in enumerate(shape):
        k = parts.get(axis, 1)
        gap = min(GAP, (n - k * crop) // (k - 1)) if k > 1 else 0
        size = (n - gap * (k - 1)) // k
        pieces.append([(i * (size + gap), i * (size + gap) + size) for i in range(k)])
    return list(product(*pieces))


def regions_of_both(
    section: Sequence[int], volume: Sequence[int], crop: int
) -> tuple[list[Box], list[Box]] | None:
    """Split image and replica into equally many regions, as many as both have room for; None if not two."""
    for count in FOLDS:
        real, made = split(section, crop, count), split(volume, crop, count)
        if real and made:
            return real, made
    return None


def count_separate_crops(shape: Sequence[int], crop: int) -> int:
    """Return how many crops fit side by side, in a volume in all slices a crop apart along three axes."""
    if len(shape) == 2:
        return (shape[0] // crop) * (shape[1] // crop)
    return sum(
        -(-shape[axis] // crop)
        * count_separate_crops([n for other, n in enumerate(shape) if other != axis], crop)
        for axis in range(3)
    )
