"""Islands too small to be distinguished from noise, which a segmentation removes.

A section of a replica has such islands too, for example necks that are just cut; in the image they would have
been removed. So both are compared without them.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]
IN_PLANE = np.array([[[0, 0, 0]] * 3, [[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0]] * 3])


def without_specks(mask: Mask, smallest: int) -> Mask:
    """Flip every 4-connected island of either phase that has fewer than `smallest` pixels.

    True islands are flipped first. Flipping false ones afterwards only merges true areas, so that no small
    island of either phase remains.

    Parameters
    ----------
    mask : ndarray of bool, shape (ny, nx) or (sections, ny, nx)
        Sections of a stack are processed one by one.
    smallest : int
        0 or 1 to change nothing.

    Examples
    --------
    >>> print(without_specks(np.eye(3, dtype=bool), 2).any())
    False
    """
    if smallest < 2:
        return mask
    bright = mask & ~_islands(mask, smallest)
    return bright | _islands(~bright, smallest)


def _islands(mask: Mask, smallest: int) -> Mask:
    # scikit-image has labels too, but renamed its argument between versions
    labels, _ = ndimage.label(mask, IN_PLANE if mask.ndim == 3 else None)
    small = np.bincount(labels.ravel()) < smallest
    small[0] = False
    return np.asarray(small[labels])
