"""The surface between pore and solid as triangles: STL for simulation and printing, GLB for viewing."""

import json
import math
import struct
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from porescape.core.volume import Volume
from porescape.errors import InputError, MissingExtra
from porescape.io.atomic import whole_file
from porescape.units import PER_METRE, format_length
from porescape.version import __version__

Phase = Literal["solid", "pore"]

MICRONS = PER_METRE[
    "µm"
]  # both files are in micrometres: STL has no unit, and 32-bit numbers should be near 1
TRIANGLES = 300_000  # of a GLB; smooth even on phones (chosen by hand)
_COLOURS = {"solid": (0.80, 0.74, 0.62), "pore": (0.25, 0.53, 0.78)}  # linear red, green, blue
_UPRIGHT = [
    -math.sqrt(0.5),
    0.0,
    0.0,
    math.sqrt(0.5),
]  # a quarter turn: y points up in glTF, z in our volumes


def surface_mesh(volume: Volume, surface: Phase = "solid") -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return the closed surface of a phase: points (n, 3) as x, y, z [m], triangles (m, 3) seen from outside.

    Marching cubes on the voxels as they are, half-way between the two phases; the box is padded first, so
    that the surface is closed by flat faces at its ends. Corners of voxels are cut off: a sphere with a
    diameter of 20 voxels has 0.5 % less volume than its voxels, noise of single voxels much less.

    Raises
    ------
    InputError
        There is no voxel of that phase.

    References
    ----------
    Lorensen & Cline (1987), Computer Graphics 21, 163. Their cases are used and not those of Lewiner, with
    which one in twelve random volumes had holes.
    """
    inside = volume.pore if surface == "pore" else ~volume.pore
    if not inside.any():
        raise InputError(f"there is no {surface} in the volume, wanted some for its surface; see --surface")
    padded = np.pad(inside, 1).astype(np.float32)
    points, triangles, _, _ = marching_cubes(padded, 0.5, method="lorensen", allow_degenerate=False)
    # voxel k, at k + 1 in the padded box, extends from k to k + 1
    xyz = (points[:, ::-1] - 0.5) * volume.voxel_size
    return xyz.astype(np.float32), triangles.astype(np.int32)


def write_stl(path: Path | str, volume: Volume, surface: Phase = "solid") -> None:
    """Write the surface of a phase as binary STL, in micrometres; watertight, normals outwards.

    The header contains the phase and the unit, as STL has no fields for them.

    Raises
    ------
    InputError
        There is no voxel of that phase.
    """
    points, triangles = surface_mesh(volume, surface)
    corners = (points * np.float32(MICRONS))[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    facets = np.zeros(
        len(triangles), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")]
    )
    facets["normal"] = normals / np.where(length > 0, length, 1)
    facets["corners"] = corners
    # must not begin with "solid", which would make it a text STL
    header = f"porescape {__version__}: surface of the {surface}, unit micrometre".encode("ascii")
    with whole_file(Path(path)) as temporary, temporary.open("wb") as file:
        file.write(header.ljust(80)[:80] + struct.pack("<I", len(facets)))
        file.write(facets.tobytes())


def write_glb(path: Path | str, volume: Volume, surface: Phase = "solid", triangles: int = TRIANGLES) -> None:
    """Write the surface of a phase as binary glTF, for viewing.

    Decimated to about `triangles`, which opens small holes: suitable for viewing, but not for simulation; use
    the STL there. The points are in micrometres; the scene is scaled so that its longest edge is 1 m, as
    viewers expect objects of about that size, and the `extras` of the scene contain the true length of 1 m.
    Needs the extra `mesh`.

    Raises
    ------
    InputError
        There is no voxel of that phase.
    MissingExtra
        The package that decimates is not installed.
    """
    points, faces = surface_mesh(volume, surface)
    points = points * np.float32(MICRONS)
    if len(faces) > triangles:
        points, faces = _decimated(points, faces, triangles)
    longest = max(volume.shape) * volume.voxel_size
    name = f"{surface} of a box {format_length(longest)} long"
    extras = {
        "phase": surface,
        "voxel_size_m": volume.voxel_size,
        "points": "micrometres",
        "one_unit_of_the_scene_m": longest,
    }
    with whole_file(Path(path)) as temporary:
        temporary.write_bytes(_glb(points, faces, name, longest * MICRONS, _COLOURS[surface], extras))


def _decimated(
    points: NDArray[np.float32], faces: NDArray[np.int32], triangles: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    try:
        import fast_simplification
    except ImportError as error:
        raise MissingExtra(
            'GLB is decimated, which needs another package: pip install "porescape[mesh]"'
        ) from error
    fewer, left = fast_simplification.simplify(points, faces, target_count=triangles)
    return fewer.astype(np.float32), left.astype(np.int32)


def _glb(
    points: NDArray[np.float32],
    faces: NDArray[np.int32],
    name: str,
    longest: float,
    colour: tuple[float, float, float],
    extras: dict[str, Any],
) -> bytes:
    """Pack one mesh as glTF 2.0: a JSON chunk with the description, a binary chunk with the values.

    https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html#glb-file-format-specification
    """
    arrays = (
        (points.astype("<f4"), 5126, "VEC3", 34962),
        (_normals(points, faces).astype("<f4"), 5126, "VEC3", 34962),
        (faces.astype("<u4").ravel(), 5125, "SCALAR", 34963),
    )
    accessors: list[dict[str, Any]] = []
    views, start = [], 0
    for values, component, kind, target in arrays:
        views.append({"buffer": 0, "byteOffset": start, "byteLength": values.nbytes, "target": target})
        accessors.append(
            {"bufferView": len(accessors), "componentType": component, "count": len(values), "type": kind}
        )
        start += values.nbytes  # a multiple of 4, as required
    accessors[0] |= {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    material = {
        "name": name,
        "pbrMetallicRoughness": {
            "baseColorFactor": [*colour, 1.0],
            "metallicFactor": 0.0,
            "roughnessFactor": 0.7,
        },
        "doubleSided": True,  # both sides of a wall are visible where it is cut
    }
    described = {
        "asset": {"version": "2.0", "generator": f"porescape {__version__}"},
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0], "extras": extras}],
        "nodes": [{"name": name, "mesh": 0, "rotation": _UPRIGHT, "scale": [1 / longest] * 3}],
        "meshes": [
            {
                "name": name,
                "primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1}, "indices": 2, "material": 0}],
            }
        ],
        "materials": [material],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": start}],
    }
    text = json.dumps(described, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 4)
    held = b"".join(values.tobytes() for values, *_ in arrays)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(held), b"BIN\0") + held
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _normals(points: NDArray[np.float32], faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return unit normals of points: the mean of those of their triangles, weighted by area."""
    a, b, c = (points[faces[:, k]].astype(np.float64) for k in range(3))
    each = np.cross(b - a, c - a)
    summed = np.zeros((len(points), 3))
    for k in range(3):
        for axis in range(3):
            summed[:, axis] += np.bincount(faces[:, k], each[:, axis], len(points))
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    return np.where(length > 0, summed / np.where(length > 0, length, 1), [0.0, 0.0, 1.0])
