"""Surface and connectivity of the pore phase, counted on small groups of neighbouring voxels.

Every count is divided by its own number of possible positions inside the box. The numbers are therefore
unbiased for a piece cut out of a larger material: the border of the box is neither wall nor end.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError

# Share of all directions that each of the 26 lattice directions represents: the solid angle of its Voronoi
# cell on the sphere, by the number of axes it moves along (axis, face diagonal, space diagonal).
# Ohser and Mücklich (2000), Statistical Analysis of Microstructures in Materials Science, Wiley.
CROFTON_WEIGHT = {1: 0.04577789120476, 2: 0.03698062787608, 3: 0.03519563978232}

Step = tuple[int, int, int]

# one of each opposite pair of the 26 directions to a neighbour
DIRECTIONS: tuple[Step, ...] = tuple(
    (k, j, i) for k, j, i in product((-1, 0, 1), repeat=3) if (k, j, i) > (0, 0, 0)
)


def specific_surface(volume: Volume) -> float:
    """Pore-solid interface area per bulk volume [1/m], by Crofton's formula in 13 directions.

    Interface area is four times the mean number of phase changes per unit length of a test line that are
    pore-to-solid; the mean over the 26 lattice directions is weighted as Ohser and Mücklich do. Only pairs
    of voxels inside the box count: its border is not interface. A flat wall along the lattice comes out
    7.3 % low, across a face diagonal 6.7 % and across a space diagonal 3.9 % low, other tilts up to 2.3 %
    high; all orientations together are unbiased, so a smooth sphere of 10 voxels radius is right within
    1 %. Sharp edges are blunted by the lattice: overlapping spheres of radius 6 come out 6 % low, of
    radius 12 3 %.

    References
    ----------
    Ohser and Schladitz (2009), 3D Images of Materials Structures, Wiley, chapter 5.

    Examples
    --------
    >>> half = np.zeros((4, 4, 4), dtype=bool); half[:2] = True
    >>> round(specific_surface(Volume(half, voxel_size=1.0)) * 3, 4)  # one wall per three steps along z
    0.9266
    """
    _check_edges(volume, "the specific surface")
    surface = 0.0
    for step in DIRECTIONS:
        here, there = _pair(volume.pore, step)
        spacing = volume.voxel_size * sum(map(abs, step)) ** 0.5
        changes_per_length = np.count_nonzero(here != there) / (here.size * spacing)
        # both members of the opposite pair see half of the changes as pore-to-solid: 2 x 1/2
        surface += 4 * CROFTON_WEIGHT[sum(map(abs, step))] * changes_per_length
    return float(surface)


def euler_density(volume: Volume) -> float:
    """Euler characteristic of the pore phase per bulk volume [1/m³], with 6-connectivity.

    Pieces minus tunnels plus enclosed solid islands; well connected pores have a strongly negative one.
    Counted as voxels - adjacent pairs + 2x2x1 squares - 2x2x2 cubes of pore. Noise counts as structure:
    one isolated voxel adds as much as a whole cluster.

    References
    ----------
    Ohser and Schladitz (2009), 3D Images of Materials Structures, Wiley, chapter 5.

    Examples
    --------
    >>> dot = np.zeros((8, 8, 8), dtype=bool); dot[4, 4, 4] = True
    >>> euler_density(Volume(dot, voxel_size=1.0)) == 1 / 8**3
    True
    """
    _check_edges(volume, "the Euler density")
    counts = pore_cells(volume.pore)
    density = sum((-1) ** sum(cell) * count / positions for cell, (count, positions) in counts.items())
    return float(density / volume.voxel_size**3)


def pore_cells(pore: NDArray[np.bool_]) -> dict[Step, tuple[int, int]]:
    """Count the blocks of voxels that lie wholly in the pores, and their possible positions.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        True in the pore space.

    Returns
    -------
    dict
        (count, possible positions) for each of the eight blocks, named by how far it reaches beyond its
        first voxel: (0, 0, 0) is one voxel, (0, 1, 1) a square in the plane, (1, 1, 1) a cube.
    """
    full: dict[Step, NDArray[np.bool_]] = {(0, 0, 0): pore}
    for axis, (dz, dy, dx) in enumerate(((1, 0, 0), (0, 1, 0), (0, 0, 1))):
        for (k, j, i), blocks in list(full.items()):  # two copies side by side make the next larger block
            first, second = np.delete(blocks, -1, axis), np.delete(blocks, 0, axis)
            full[k + dz, j + dy, i + dx] = first & second
    return {cell: (int(np.count_nonzero(blocks)), blocks.size) for cell, blocks in full.items()}


def _pair(pore: NDArray[np.bool_], step: Step) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return two views: every voxel that has a neighbour at `step` inside the box, and that neighbour."""
    here = tuple(slice(max(0, -s), n - max(0, s)) for s, n in zip(step, pore.shape, strict=True))
    there = tuple(slice(max(0, s), n - max(0, -s)) for s, n in zip(step, pore.shape, strict=True))
    return pore[here], pore[there]


def _check_edges(volume: Volume, what: str) -> None:
    if min(volume.shape) < 2:
        raise InputError(f"{what} needs at least 2 voxels along every axis, got a volume of {volume.shape}")
