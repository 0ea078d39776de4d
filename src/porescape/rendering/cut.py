"""What the beam meets: for each pixel the first solid behind the cut, its depth and its slope."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Field = NDArray[np.float32]

SMOOTH = 1.2  # voxels; steps of voxels become slopes (chosen by hand)
STEEPEST = 4.0  # 1/cos(tilt); beyond 75 degrees the picture of a step is a rim (chosen by hand)


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """What the beam meets below each pixel of a cut.

    Attributes
    ----------
    solid : ndarray of bool, shape (ny, nx)
        Whether solid lies in the cut itself.
    height : ndarray of float32, shape (ny, nx)
        Of the surface that is met, above the mean of the cut [voxels]; the depth of the volume where there is
        none.
    below : ndarray of float32, shape (ny, nx)
        Depth of the surface behind the cut [voxels]; 0 where solid lies in it.
    steepness : ndarray of float32, shape (ny, nx)
        1 / cos of its tilt, 1 to `STEEPEST`.
    left : ndarray of bool, shape (nz, ny, nx)
        The solid that the cut leaves.
    top : ndarray of intp, shape (ny, nx)
        First layer that it leaves.
    """

    solid: NDArray[np.bool_]
    height: Field
    below: Field
    steepness: Field
    left: NDArray[np.bool_]
    top: NDArray[np.intp]


def meet(pore: NDArray[np.bool_], relief: Field | None = None) -> Met:
    """Cut a volume and look down on it along z.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        True in pores. A clean cut leaves all of it, and layer 0 lies in the cut.
    relief : ndarray of float32, shape (ny, nx), optional
        For a fracture: how deep it lies below layer 0 [voxels], from 0 on.
    """
    depth = len(pore)
    solid = ~pore
    top = np.zeros(pore.shape[1:], dtype=np.intp)
    if relief is not None:
        top = np.clip(np.rint(relief), 0, depth - 1).astype(np.intp)
        solid &= np.arange(depth)[:, None, None] >= top
    smooth = ndimage.gaussian_filter(solid.astype(np.float32), SMOOTH, mode="nearest")
    met = solid.any(axis=0)
    hit = np.where(met, solid.argmax(axis=0), depth - 1)
    in_cut = met & (hit == top)
    height = -hit.astype(np.float32)
    if relief is not None:
        height = np.where(in_cut, -relief, height).astype(np.float32)
    steepness = np.where(in_cut, 1, np.minimum(_steepness(smooth, hit), STEEPEST))
    if relief is not None:
        rise, run = np.gradient(relief, axis=0), np.gradient(relief, axis=1)
        steepness = np.where(in_cut, np.sqrt(1 + rise**2 + run**2), steepness)
    below = np.where(in_cut, 0, -height - (0 if relief is None else relief))
    steepness = ndimage.gaussian_filter(steepness.astype(np.float32), SMOOTH / 2, mode="nearest")
    steepness = np.clip(steepness, 1, STEEPEST)
    return Met(in_cut, height, np.maximum(below, 0).astype(np.float32), steepness, solid, top)


def _steepness(smooth: Field, hit: NDArray[np.intp]) -> Field:
    """1/cos of the tilt of the surface at the voxels that are hit, from the gradient of smoothed solid."""
    squares = np.zeros(hit.shape, dtype=np.float32)
    along_z = np.zeros_like(squares)
    y, x = np.ogrid[: hit.shape[0], : hit.shape[1]]
    last = [n - 1 for n in smooth.shape]
    for axis in range(3):
        step = [int(a == axis) for a in range(3)]
        ahead = smooth[
            np.minimum(hit + step[0], last[0]),
            np.minimum(y + step[1], last[1]),
            np.minimum(x + step[2], last[2]),
        ]
        behind = smooth[np.maximum(hit - step[0], 0), np.maximum(y - step[1], 0), np.maximum(x - step[2], 0)]
        slope = ahead - behind
        squares += slope**2
        if axis == 0:
            along_z = np.abs(slope)
    return np.asarray(np.sqrt(squares) / np.maximum(along_z, 1e-3), dtype=np.float32)
