"""A picture of a structure: parallel rays into a cube whose near corner is cut away.

Coordinates are voxels from the corner nearest to the viewer, growing away from the viewer: z downwards,
y and x backwards. So all three components of a ray's direction are positive, and where a ray enters
the box is a maximum of three numbers and where it leaves the cut-away corner a minimum of three.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Floats = NDArray[np.float32]
Colour = tuple[float, float, float]

STEP = 0.6  # voxels between samples along a ray; longer steps miss walls of one voxel
WALL_BLUR = 0.8  # voxels; smooths the steps between voxels, and keeps walls of two voxels
NORMAL_BLUR = 1.3  # voxels; shading may be smoother than the surface itself
FOG_DEPTH = 0.14  # of the longest edge: the depth at which a pore has lost 63 % of its light
LAMP = (-0.80, -0.26, -0.54)  # direction (z, y, x) towards it: above, and slightly to the right
AMBIENT = 0.50
NOTCH = 0.86  # brightness inside the cut-away corner: without it a notch may look like a bump

BACKGROUND, CUT, WALL, DEEP = range(4)  # rows of the table of colours
PAPER: Colour = (1.000, 0.980, 0.935)  # cut faces of the solid
STEEL: Colour = (0.600, 0.725, 0.830)  # the walls of the pores
INK: Colour = (0.050, 0.100, 0.175)  # colour of the deepest pores


@dataclass(frozen=True, kw_only=True)
class View:
    """A parallel projection of a box, from above.

    Attributes
    ----------
    shape : tuple of int
        Voxels of the box along z, y, x.
    azimuth : float
        Angle between the line of sight and the y axis [degree], 0 to 90; 45 faces the edge.
    elevation : float
        Angle above the horizon [degree], 0 to 90.
    cut : float
        Edge of the removed corner / edge of the box; 0 for none.
    """

    shape: tuple[int, int, int]
    azimuth: float = 34.0
    elevation: float = 31.0
    cut: float = 0.5

    @cached_property
    def forward(self) -> NDArray[np.float64]:
        """Unit vector along the rays, (z, y, x), all positive."""
        a, e = np.deg2rad([self.azimuth, self.elevation])
        return np.array([np.sin(e), np.cos(e) * np.cos(a), np.cos(e) * np.sin(a)])

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """Unit vector to the right of the picture, (z, y, x)."""
        a = np.deg2rad(self.azimuth)
        return np.array([0.0, np.sin(a), -np.cos(a)])

    @cached_property
    def down(self) -> NDArray[np.float64]:
        """Unit vector down the picture, (z, y, x)."""
        a, e = np.deg2rad([self.azimuth, self.elevation])
        return np.array([np.cos(e), -np.sin(e) * np.cos(a), -np.sin(e) * np.sin(a)])

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return (right, down) [voxel] of points (..., 3), 0 at the middle of the box."""
        offset = points - 0.5 * np.array(self.shape)
        return np.stack([offset @ self.right, offset @ self.down], axis=-1)

    @cached_property
    def extent(self) -> NDArray[np.float64]:
        """Half width and half height of the box's silhouette [voxel]."""
        corners = np.stack(np.meshgrid(*((0, n) for n in self.shape), indexing="ij"), axis=-1).reshape(-1, 3)
        return np.asarray(self.project(corners).max(axis=0))

    @property
    def silhouette_area(self) -> float:
        """Area of the box's silhouette [voxel²]: the projected areas of its faces."""
        nz, ny, nx = self.shape
        return float(self.forward @ [ny * nx, nz * nx, nz * ny])


def raycast(pore: NDArray[np.bool_], view: View, width: int, background: Colour = (1, 1, 1)) -> Floats:
    """Draw the solid of a structure.

    Cut faces of the solid are cream, the walls of the pores are lit from above, and the light decreases
    with depth below the cut. Walls are smoothed by less than a voxel, for the picture only.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz, ny, nx)
        Layer z = 0 is on top; the viewer is at the far end of y and x, so nothing is mirrored.
    view : View
    width : int
        Of the picture [pixel].
    background : tuple of float
        Red, green, blue.

    Returns
    -------
    ndarray of float32, shape (height, width, 3)
        Red, green, blue in [0, 1].
    """
    solid = np.ascontiguousarray(~pore[:, ::-1, ::-1], dtype=np.float32)
    half_width, half_height = view.extent
    spacing = half_width / width  # two rays per pixel along both axes, so that edges are smooth
    rows, columns = round(half_height / spacing), width
    out = np.empty((2 * rows, 2 * columns, 3), dtype=np.float32)
    middle = 0.5 * np.array(view.shape)
    right, down = spacing * view.right, spacing * view.down
    first = middle - (rows - 0.5) * down - (columns - 0.5) * right
    _draw(
        gaussian_filter(solid, WALL_BLUR, mode="nearest"),
        gaussian_filter(solid, NORMAL_BLUR, mode="nearest"),
        (first, down, right, view.forward, np.floor(view.cut * np.array(view.shape))),
        FOG_DEPTH * max(view.shape),
        np.array([background, PAPER, STEEL, INK]),
        np.array(LAMP) / np.linalg.norm(LAMP),
        out,
    )
    return np.asarray(out.reshape(rows, 2, columns, 2, 3).mean(axis=(1, 3)))


@njit(cache=True, nogil=True)
def _draw(wall, smooth, rays, fog_depth, colours, lamp, out):  # type: ignore[no-untyped-def]
    """Write the colour of every ray to `out`; colours are those of background, cut, wall and depth."""
    first, down, right, forward, corner = rays
    start = np.empty(3)
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            for axis in range(3):
                start[axis] = first[axis] + i * down[axis] + j * right[axis]
            near, far, axis, notch = _stretch(start, forward, wall.shape, corner)
            shade, light, brightness = BACKGROUND, 1.0, 1.0
            if near < far and _along(wall, start, forward, near) > 0.5:
                # the box cuts through solid: a flat face across `axis`
                shade, brightness = CUT, (AMBIENT - (1 - AMBIENT) * lamp[axis]) * notch
            elif near < far:
                meets = _march(wall, start, forward, near, far)
                light = np.exp((near - meets) / fog_depth)
                if meets < far:
                    cosine = max(_facing(smooth, start, forward, meets, lamp), 0.0)
                    shade, brightness = WALL, (AMBIENT + (1 - AMBIENT) * cosine) * notch
            for c in range(3):
                out[i, j, c] = light * brightness * colours[shade, c] + (1 - light) * colours[DEEP, c]


@njit(cache=True, nogil=True)
def _stretch(start, forward, shape, corner):  # type: ignore[no-untyped-def]
    """Return where a ray enters and leaves the box, across which axis it enters, and the light there.

    It misses the box where near >= far.
    """
    near, far, leave = -np.inf, np.inf, np.inf
    entry = exit_axis = 0
    for axis in range(3):
        enters = -start[axis] / forward[axis]
        if enters > near:
            near, entry = enters, axis
        far = min(far, (shape[axis] - start[axis]) / forward[axis])
        leaves = (corner[axis] - start[axis]) / forward[axis]
        if leaves < leave:
            leave, exit_axis = leaves, axis
    if near < leave and near < far:  # it enters through the removed corner, and reaches its end
        return leave, far, exit_axis, NOTCH
    return near, far, entry, 1.0


@njit(cache=True, nogil=True)
def _march(wall, start, forward, near, far):  # type: ignore[no-untyped-def]
    """Return where a ray that begins in a pore meets the wall; `far` if it never does."""
    low = near
    while True:
        high = min(low + STEP, far)
        if _along(wall, start, forward, high) > 0.5:
            break
        if high >= far:
            return far
        low = high
    for _ in range(5):
        middle = 0.5 * (low + high)
        if _along(wall, start, forward, middle) > 0.5:
            high = middle
        else:
            low = middle
    return low


@njit(cache=True, nogil=True)
def _facing(smooth, start, forward, where, lamp):  # type: ignore[no-untyped-def]
    """Return the cosine between the lamp and the outward normal of the solid."""
    z = start[0] + where * forward[0]
    y = start[1] + where * forward[1]
    x = start[2] + where * forward[2]
    h = 0.7  # voxels
    out_z = _value(smooth, z - h, y, x) - _value(smooth, z + h, y, x)
    out_y = _value(smooth, z, y - h, x) - _value(smooth, z, y + h, x)
    out_x = _value(smooth, z, y, x - h) - _value(smooth, z, y, x + h)
    length = max(np.sqrt(out_z**2 + out_y**2 + out_x**2), 1e-6)
    return (out_z * lamp[0] + out_y * lamp[1] + out_x * lamp[2]) / length


@njit(cache=True, nogil=True)
def _along(values, start, forward, where):  # type: ignore[no-untyped-def]
    """Return a value on a ray."""
    return _value(
        values,
        start[0] + where * forward[0],
        start[1] + where * forward[1],
        start[2] + where * forward[2],
    )


@njit(cache=True, nogil=True)
def _value(values, z, y, x):  # type: ignore[no-untyped-def]
    """Return a value between voxel centres by linear interpolation; constant beyond the outermost centres."""
    nz, ny, nx = values.shape
    z = min(max(z - 0.5, 0.0), nz - 1.0)
    y = min(max(y - 0.5, 0.0), ny - 1.0)
    x = min(max(x - 0.5, 0.0), nx - 1.0)
    k, j, i = min(int(z), nz - 2), min(int(y), ny - 2), min(int(x), nx - 2)
    w, v, u = z - k, y - j, x - i
    top = (1 - v) * (values[k, j, i] * (1 - u) + values[k, j, i + 1] * u)
    top += v * (values[k, j + 1, i] * (1 - u) + values[k, j + 1, i + 1] * u)
    low = (1 - v) * (values[k + 1, j, i] * (1 - u) + values[k + 1, j, i + 1] * u)
    low += v * (values[k + 1, j + 1, i] * (1 - u) + values[k + 1, j + 1, i + 1] * u)
    return (1 - w) * top + w * low
