"""The sputtered metal on the walls of the pores: taken off the solid of a mask."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.errors import InputError


def without_coating(
    pore: NDArray[np.bool_], values: NDArray[np.float32], thickness: float, name: str = "the image"
) -> NDArray[np.bool_]:
    """Return a mask whose walls have lost their coating.

    A wall that is cut at a random angle shows its coating 4/pi times as thick as it is, and the faces between
    pixels count its outline 4/pi times as long: so each face moves by the thickness. That area is taken from
    the solid nearest to the pores and, among pixels equally near, from those that are least clearly solid, so
    that less than a pixel can be taken off.

    Parameters
    ----------
    pore : ndarray of bool, shape (ny, nx)
    values : ndarray of float32, shape (ny, nx)
        The higher, the more clearly solid.
    thickness : float
        Of the coating [pixels].
    name : str
        Of the image, for messages.

    Raises
    ------
    InputError
        The coating is as thick as the walls.
    """
    faces = int((pore[1:] != pore[:-1]).sum()) + int((pore[:, 1:] != pore[:, :-1]).sum())
    taken = round(thickness * faces)
    solid = int((~pore).sum())
    if taken >= solid:
        raise InputError(
            f"a coating of {thickness:.3g} pixels would take {taken / max(solid, 1):.0%} of the solid of "
            f"{name}, wanted less than its walls; check the thickness and the pixel size"
        )
    if taken == 0:
        return pore
    low, high = float(values.min()), float(values.max())
    depth = ndimage.distance_transform_edt(~pore) + 0.4 * (values - low) / max(high - low, 1e-12)
    depth[pore] = np.inf
    bare = pore.copy()
    bare.ravel()[np.argpartition(depth.ravel(), taken - 1)[:taken]] = True
    return bare
