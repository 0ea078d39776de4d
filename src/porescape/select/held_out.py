"""Held-out descriptors: how far a replica is from the image in what the fit did not use."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.section.describe import cut_windows
from porescape.measure.section.texture import texture
from porescape.section.specks import without_specks
from porescape.select.scale import check_scale, texture_unit

SEEN_BY_FIT = ("pairs of points", "straight lines", "distances to the wall", "neighbourhoods")  # groups
SLICES = 4  # per axis; chosen by hand: in 128 voxels they are farther apart than the width of a pore
WINDOWS = (24, 96)  # pixels, smallest and largest; chosen by hand
SMALLEST_WINDOW = 16  # pixels; chosen by hand
MOST_WINDOWS = 144  # of the image; chosen by hand
LEAST_SCATTER = (0.001, 0.01)  # absolute, relative; chosen by hand: finer differences are of no interest


def held_out_distances(section: PhaseImage, volume: Volume) -> dict[str, float]:
    """Return how far a replica's slices are from the image in descriptors that the fit did not use.

    Local porosity, neighbourhoods of wall pixels, curvature of the walls, separate pieces, two-point
    clusters, three points, openings and bodies; see `porescape.measure.section.texture`. Each is many
    numbers: the distance is the mean of their absolute differences in standard errors, those of the image's
    mean over its windows, as a bootstrap over blocks would give it, and of the replica's slices, added in
    quadrature. A perfect copy comes out at 0.8 (the mean of |z|) on average.
    """
    check_scale(section, volume)
    smallest, largest = WINDOWS
    window = min(max(min(section.pore.shape) // 3, smallest), largest, *section.pore.shape, *volume.shape)
    if window < SMALLEST_WINDOW:
        raise InputError(
            f"comparing needs windows of at least {SMALLEST_WINDOW} pixels, but the image is "
            f"{section.pore.shape} and the replica {volume.shape}; choose a larger --size"
        )
    window -= window % 8  # so that squares of several sizes fill it
    unit = texture_unit(section.pore)
    planes = [
        without_specks(np.take(volume.pore, int((i + 0.5) * n / SLICES), axis=axis), section.speck_pixels)
        for axis, n in enumerate(volume.shape)
        for i in range(SLICES)
    ]
    real = texture(cut_windows(section.pore, window, most=MOST_WINDOWS), unit, SEEN_BY_FIT)
    made = texture(np.concatenate([cut_windows(plane, window) for plane in planes]), unit, SEEN_BY_FIT)
    scatter = np.sqrt(
        _error_of_mean(real.values, section.pore.size / window**2) ** 2
        + _error_of_mean(made.values, sum(plane.size for plane in planes) / window**2) ** 2
    )
    expected = real.values.mean(axis=0)
    absolute, relative = LEAST_SCATTER
    units = np.hypot(scatter, absolute + relative * np.abs(expected))
    differences = np.abs(made.values.mean(axis=0) - expected) / units
    groups = np.array(real.groups)
    return {group: float(differences[groups == group].mean()) for group in dict.fromkeys(real.groups)}


def _error_of_mean(values: NDArray[np.float64], independent: float) -> NDArray[np.float64]:
    """Return the standard error of the mean over windows, of which so many are independent."""
    if len(values) < 2:
        return np.zeros(values.shape[1])
    return np.asarray(values.std(axis=0, ddof=1) / sqrt(max(min(len(values), independent), 1.0)))
