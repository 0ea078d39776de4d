"""The pore network: bodies, the throats between them, and their widths."""

from collections.abc import Collection

import edt
import numpy as np
from numba import njit

from porescape.core.network import Network
from porescape.core.volume import Volume
from porescape.measure.geometry.inscribed import fit_balls
from porescape.measure.network.border import border_weights, weighted_percentile
from porescape.measure.network.partition import snow_partition


def extract_network(volume: Volume, r_max: int = 4, sigma: float = 0.4) -> Network:
    """Find the pores and throats of a volume.

    The partition is SNOW's (see `snow_partition` for its settings and limits). Two regions share a throat
    where they share voxel faces, all of which make one throat, even if they lie in two places.

    Raises
    ------
    InputError
        There is no pore, no solid, or no pore large enough.
    SettingsError
        `r_max` or `sigma` is impossible.

    Examples
    --------
    >>> pore = np.zeros((11, 11, 24), dtype=bool)
    >>> pore[1:10, 1:10, 1:10] = pore[1:10, 1:10, 14:23] = True  # two chambers
    >>> pore[4:7, 4:7, 10:14] = True  # and a passage of 3 x 3 voxels
    >>> network = extract_network(Volume(pore, voxel_size=1e-6))
    >>> network.throat_pores, network.throat_area * 1e12
    (array([[0, 1]], dtype=int32), array([9.]))
    """
    partition = snow_partition(volume.pore, r_max, sigma)
    region, distance = partition.region, partition.distance
    own_distance = edt.edt(region, black_border=True, parallel=1)
    n = int(region.max())
    voxels, middle, depth, extent, touches, n_faces = _survey(region, own_distance, distance, n)
    starts = _deepest(region, own_distance, distance, middle, depth)
    pores = np.arange(1, n + 1, dtype=np.int32)
    centre, own_diameter = fit_balls(region, pores, starts[0], depth[0])
    _, extended = fit_balls(region, 0 * pores, starts[1], depth[1])

    key, voxel, axis = _interfaces(region, n, n_faces)
    order = np.argsort(key, kind="stable")
    key, voxel, axis = key[order], voxel[order], axis[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    pairs = np.stack(np.divmod(key[first], n + 1), axis=1).astype(np.int32) - 1
    groups = np.append(first, key.size)
    narrow, widest, normal = _narrows(distance, groups, voxel, axis)
    # the ball is centred on the interface: it moves only within its plane
    throat, diameter = fit_balls(region, np.zeros(len(pairs), np.int32), narrow, widest + 0.5, normal)
    area = np.linalg.norm(normal, axis=1)

    wide, whole = _extents(groups, voxel, axis, region.shape)
    path = np.linalg.norm(centre[pairs] - throat[:, None], axis=2).sum(axis=1)
    size = volume.voxel_size
    return Network(
        region=region,
        voxel_size=size,
        r_max=int(r_max),
        sigma=float(sigma),
        left_out=float(1 - voxels.sum() / np.count_nonzero(volume.pore)),
        pore_centre=(centre + 0.5) * size,
        body_diameter=own_diameter * size,
        body_diameter_equivalent=np.cbrt(6 * voxels / np.pi) * size,
        body_diameter_extended=extended * size,
        pore_volume=voxels * size**3,
        coordination=np.bincount(pairs.ravel(), minlength=n).astype(np.int64),
        touches=touches,
        throat_pores=pairs,
        throat_centre=(throat + 0.5) * size,
        throat_diameter=diameter * size,
        throat_diameter_equivalent=np.sqrt(4 * area / np.pi) * size,
        throat_area=area * size**2,
        throat_length=path * size,
        pore_weight=border_weights(extent, ~touches.any(axis=1), voxels.astype(float), region.shape),
        throat_weight=border_weights(wide, whole, np.diff(groups).astype(float), region.shape),
    )


def network_numbers(network: Network, names: Collection[str]) -> tuple[dict[str, float], dict[str, str]]:
    """Return the numbers of these names, NaN where there is none, and the reason for each NaN.

    Means and percentiles are by number, over the pores and throats that lie wholly inside the box, each with
    its weight (`border_weights`); over all of them if none does.
    """
    inside = network.interior
    values = {"pore_density": network.pore_density, "whole_pores": float(np.count_nonzero(inside))}
    reasons: dict[str, str] = {}
    for name in names:
        if "diameter" not in name:
            continue
        diameter, _, percentile = name.partition("_p")
        sizes, weights = network.counted(diameter)
        if not sizes.size:
            values[name] = np.nan
            reasons[name] = f"the network has no throat; number of pores: {len(network.body_diameter)}"
        elif percentile:
            values[name] = weighted_percentile(sizes, weights, int(percentile))
        else:
            values[name] = float(np.average(sizes, weights=weights))
    values["coordination_number_all"] = float(network.coordination.mean())
    if inside.any():
        throats_per_pore, weights = network.counted("coordination")
        values["coordination_number"] = float(np.average(throats_per_pore, weights=weights))
    else:
        values["coordination_number"] = np.nan
        reasons["coordination_number"] = (
            "every pore of the network touches the border of the box; measure a larger volume"
        )
    return {name: values[name] for name in names}, reasons


@njit(cache=True, nogil=True)
def _survey(region, own_distance, distance, n):  # type: ignore[no-untyped-def]
    """Visit every voxel once.

    Returns, per region, voxels, centroid, the largest own and solid distance, the edges of its bounding box,
    the faces of the box it touches, and how many voxel faces lie between regions.
    """
    nz, ny, nx = region.shape
    voxels = np.zeros(n, np.int64)
    middle = np.zeros((n, 3))
    depth = np.zeros((2, n), np.float32)
    touches = np.zeros((n, 6), np.bool_)
    first = np.full((n, 3), max(nz, ny, nx))
    last = np.full((n, 3), -1)
    n_faces = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                label = region[z, y, x]
                if label == 0:
                    continue
                i = label - 1
                voxels[i] += 1
                middle[i, 0] += z
                middle[i, 1] += y
                middle[i, 2] += x
                depth[0, i] = max(depth[0, i], own_distance[z, y, x])
                depth[1, i] = max(depth[1, i], distance[z, y, x])
                first[i, 0] = min(first[i, 0], z)
                first[i, 1] = min(first[i, 1], y)
                first[i, 2] = min(first[i, 2], x)
                last[i, 0] = z
                last[i, 1] = max(last[i, 1], y)
                last[i, 2] = max(last[i, 2], x)
                if z + 1 < nz:
                    n_faces += region[z + 1, y, x] != label and region[z + 1, y, x] != 0
                if y + 1 < ny:
                    n_faces += region[z, y + 1, x] != label and region[z, y + 1, x] != 0
                if x + 1 < nx:
                    n_faces += region[z, y, x + 1] != label and region[z, y, x + 1] != 0
    for i in range(n):
        for a in range(3):
            middle[i, a] /= voxels[i]
            touches[i, 2 * a] = first[i, a] == 0
            touches[i, 2 * a + 1] = last[i, a] == region.shape[a] - 1
    return voxels, middle, depth, last + 1 - first, touches, n_faces


@njit(cache=True, nogil=True)
def _deepest(region, own_distance, distance, middle, depth):  # type: ignore[no-untyped-def]
    """Return each region's deepest voxel by own and by solid distance; of equals, that nearest its middle."""
    nz, ny, nx = region.shape
    starts = np.zeros((2, len(middle), 3), np.int64)
    nearest = np.full((2, len(middle)), np.inf)
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                i = region[z, y, x] - 1
                if i < 0:
                    continue
                for kind in range(2):
                    here = own_distance[z, y, x] if kind == 0 else distance[z, y, x]
                    if here < depth[kind, i]:
                        continue
                    apart = (z - middle[i, 0]) ** 2 + (y - middle[i, 1]) ** 2 + (x - middle[i, 2]) ** 2
                    if apart < nearest[kind, i]:
                        nearest[kind, i] = apart
                        starts[kind, i, 0], starts[kind, i, 1], starts[kind, i, 2] = z, y, x
    return starts


@njit(cache=True, nogil=True)
def _interfaces(region, n, n_faces):  # type: ignore[no-untyped-def]
    """List the voxel faces between regions: a number for the pair, the voxel before the face, and the axis.

    The axis is 1, 2 or 3 for z, y, x, negative where the first voxel belongs to the second region.
    """
    nz, ny, nx = region.shape
    key = np.empty(n_faces, np.int64)
    voxel = np.empty(n_faces, np.int64)
    axis = np.empty(n_faces, np.int8)
    f = 0
    for z in range(nz):
        for y in range(ny):
            for x in range(nx):
                here = np.int64(region[z, y, x])
                if here == 0:
                    continue
                for a in range(3):
                    k, j, i = z + (a == 0), y + (a == 1), x + (a == 2)
                    if k == nz or j == ny or i == nx:
                        continue
                    there = np.int64(region[k, j, i])
                    if there != 0 and there != here:
                        key[f] = min(here, there) * (n + 1) + max(here, there)
                        voxel[f] = (z * ny + y) * nx + x
                        axis[f] = a + 1 if here < there else -a - 1
                        f += 1
    return key, voxel, axis


@njit(cache=True, nogil=True)
def _narrows(distance, groups, voxel, axis):  # type: ignore[no-untyped-def]
    """Return, per throat, the middle of its widest face, how wide that is, and the sum of its faces' normals.

    A ball passes from voxel to voxel, so a face is as wide as the narrower of its two sides; of equally
    wide faces that nearest the middle of the interface counts.
    """
    m = len(groups) - 1
    start = np.empty((m, 3))
    widest = np.zeros(m, np.float32)
    normal = np.zeros((m, 3))
    for t in range(m):
        z0, y0, x0 = 0.0, 0.0, 0.0
        for f in range(groups[t], groups[t + 1]):
            normal[t, abs(axis[f]) - 1] += 1 if axis[f] > 0 else -1
            width, z, y, x = _face(distance, voxel[f], abs(axis[f]) - 1)
            widest[t] = max(widest[t], width)
            z0, y0, x0 = z0 + z, y0 + y, x0 + x
        n = groups[t + 1] - groups[t]
        nearest = np.inf
        for f in range(groups[t], groups[t + 1]):
            width, z, y, x = _face(distance, voxel[f], abs(axis[f]) - 1)
            apart = (z - z0 / n) ** 2 + (y - y0 / n) ** 2 + (x - x0 / n) ** 2
            if width == widest[t] and apart < nearest:
                nearest = apart
                start[t, 0], start[t, 1], start[t, 2] = z, y, x
    return start, widest, normal


@njit(cache=True, nogil=True)
def _face(distance, voxel, axis):  # type: ignore[no-untyped-def]
    """Return the smaller distance of the two sides of a voxel face, and where its middle is."""
    _, ny, nx = distance.shape
    z, y, x = voxel // (ny * nx), voxel // nx % ny, voxel % nx
    k, j, i = z + (axis == 0), y + (axis == 1), x + (axis == 2)
    return min(distance[z, y, x], distance[k, j, i]), 0.5 * (z + k), 0.5 * (y + j), 0.5 * (x + i)


@njit(cache=True, nogil=True)
def _extents(groups, voxel, axis, shape):  # type: ignore[no-untyped-def]
    """Return, per throat, the edges of the box around the voxels beside it, and if it is off the border."""
    m = len(groups) - 1
    extent = np.empty((m, 3), np.int64)
    whole = np.ones(m, np.bool_)
    for t in range(m):
        for a in range(3):
            after = shape[2] if a == 1 else 1
            if a == 0:
                after = shape[1] * shape[2]
            first, last = shape[a], -1
            for f in range(groups[t], groups[t + 1]):
                at = voxel[f] // after % shape[a]
                first = min(first, at)
                last = max(last, at + (abs(axis[f]) - 1 == a))
            extent[t, a] = last + 1 - first
            whole[t] &= first > 0 and last < shape[a] - 1
    return extent, whole
