"""How wide the ways of a network are: from pore to pore through each throat, and out through the faces.

A throat is not always the narrowest place between two pores: a pore can have a neck of its own, and the face
of the box can cut a pore anywhere. So the widest way is searched through the voxels, from the widest place of
a pore to each of its interfaces and faces. Such ways join into ways through the box, and no ball passes on
them that could not pass the voxels.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.core.network import Network
from porescape.measure.geometry.clearance import Clearance, clearance, widest_within


@dataclass(frozen=True, slots=True, eq=False)
class Openings:
    """Diameters of the largest balls that pass.

    Attributes
    ----------
    throat : ndarray of float64, shape (m,)
        From the widest place of one pore, through the throat, to that of the other [m].
    face : ndarray of float64, shape (n, 6)
        From the widest place of a pore out through the first and last face along z, y and x [m]; 0 where the
        pore does not touch the face.
    """

    throat: NDArray[np.float64]
    face: NDArray[np.float64]


def openings_of(network: Network, space: Clearance | None = None) -> Openings:
    """Find the widest ways of a network through its voxels.

    A network without its map of regions has no voxels: there the widths of throats and bodies must do, which
    see neither a neck inside a pore nor how a face cuts it.

    Parameters
    ----------
    network : Network
    space : Clearance, optional
        Of the volume, if it is already known.
    """
    n, body = len(network.body_diameter_extended), network.body_diameter_extended
    if not network.region.any():
        narrowest = body[network.throat_pores].min(axis=1, initial=np.inf)
        return Openings(np.minimum(network.throat_diameter, narrowest), network.touches * body[:, None])
    space = space or clearance(network.region > 0)
    way = widest_within(space, network.region)
    key = network.throat_pores[:, 0].astype(np.int64) * n + network.throat_pores[:, 1]
    throat = np.zeros(len(key), np.float32)
    _widest_faces(network.region, way, key, n, throat)
    face = np.zeros((n + 1, 6), np.float32)
    for axis in range(3):
        for side, end in enumerate((0, -1)):
            region, here = (np.take(field, end, axis=axis).ravel() for field in (network.region, way))
            np.maximum.at(face[:, 2 * axis + side], region, here)
    unit = 2 * network.voxel_size
    return Openings(unit * throat.astype(np.float64), unit * face[1:].astype(np.float64))


@njit(cache=True, nogil=True)
def _widest_faces(region, way, key, n, throat):  # type: ignore[no-untyped-def]
    """Write to each throat the widest of its voxel faces; a face is as wide as the narrower of its sides."""
    nz, ny, nx = region.shape
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                low = region[z, y, x]
                if low == 0:
                    continue
                for a in range(3):
                    k, j, i = z + (a == 0), y + (a == 1), x + (a == 2)
                    if k == nz or j == ny or i == nx:
                        continue
                    high = region[k, j, i]
                    if high == low or high == 0:
                        continue
                    wanted = np.int64(min(low, high) - 1) * n + max(low, high) - 1
                    t = np.searchsorted(key, wanted)
                    if t < len(key) and key[t] == wanted:
                        throat[t] = max(throat[t], min(way[z, y, x], way[k, j, i]))
