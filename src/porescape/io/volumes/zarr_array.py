"""Find the wanted array in a Zarr folder, without reading it. Needs the extra `zarr`."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from porescape.errors import InputError, MissingExtra
from porescape.io.volumes.raw_volume import Spacing, in_metres


class FoundArray(NamedTuple):
    """Level 0 of a multiscale image, or a single array.

    Attributes
    ----------
    inside : str
        Its path in the folder; empty if the folder is the array.
    names : tuple of str
        Its axes.
    spacings : tuple of Spacing
        The claims about the scale.
    """

    inside: str
    names: tuple[str, ...]
    spacings: tuple[Spacing, ...] = ()


def find_array(path: Path) -> FoundArray:
    """Find the finest level of an OME-Zarr image (0.4 or 0.5), or a plain Zarr array of three axes.

    Raises
    ------
    MissingExtra
        Zarr is not installed.
    InputError
        No image, a plate, or more than one time point or channel.
    """
    node = _zarr(path).open(path, mode="r")
    if hasattr(node, "chunks"):
        return _three_axes(node, FoundArray("", tuple("zyx") if node.ndim == 3 else ("?",) * node.ndim), path)
    described, prefix = _described(node), ""
    if "multiscales" not in described and "bioformats2raw.layout" in described:
        node, prefix = node["0"], "0/"  # the first of several images, which viewers show
        described = _described(node)
    if "plate" in described or "multiscales" not in described:
        held = "a plate" if "plate" in described else "no multiscale image"
        inside = ", ".join(sorted(node.keys())) or "nothing"
        raise InputError(
            f"{path.name} holds {held} (in it: {inside}), wanted one image; give the path of its folder"
        )
    image = described["multiscales"][0]
    # 0.1 and 0.2 had no list of axes and always five; 0.3 had only names
    axes = [a if isinstance(a, dict) else {"name": a} for a in image.get("axes", "tczyx")]
    names = tuple(str(axis["name"]).lower() for axis in axes)
    level = image["datasets"][0]
    array = node[level["path"]]
    found = _three_axes(array, FoundArray(prefix + level["path"], names), path)
    scale = np.ones(len(axes))
    known = False
    for holder in (level, image):
        for step in holder.get("coordinateTransformations", ()):
            if step.get("type") == "scale":
                scale = scale * np.asarray(step["scale"], dtype=float)
                known = True
    if not known:
        return found
    edges = {name: (float(f), axis.get("unit")) for name, f, axis in zip(names, scale, axes, strict=True)}
    z, y, x = (in_metres(*edges[name]) for name in "zyx")
    if z is None or y is None or x is None:
        z, y, x = (edges[name][0] for name in "zyx")
        return found._replace(spacings=(Spacing((z, y, x), "OME-Zarr scale", in_metres=False),))
    return found._replace(spacings=(Spacing((z, y, x), "OME-Zarr scale"),))


def open_array(path: Path, inside: str) -> Any:
    """Return an array of a Zarr folder."""
    node = _zarr(path).open(path, mode="r")
    return node[inside] if inside else node


def _zarr(path: Path) -> Any:
    try:
        import zarr
    except ImportError as error:
        raise MissingExtra(
            f'{path.name} is Zarr; reading it needs another package: pip install "porescape[zarr]"'
        ) from error
    return zarr


def _described(node: Any) -> dict[str, Any]:
    attributes = dict(node.attrs)
    return {**attributes, **attributes.get("ome", {})}  # 0.5 put everything under "ome"


def _three_axes(array: Any, found: FoundArray, path: Path) -> FoundArray:
    """Refuse an array without z, y and x, or with more than one of anything else."""
    if len(found.names) != array.ndim or not set("zyx") <= set(found.names):
        raise InputError(
            f"{path.name} has shape {array.shape} with the axes {', '.join(found.names)}; wanted z, y and x"
        )
    sizes = zip(found.names, array.shape, strict=True)
    if long := [f"{n} {axis}" for axis, n in sizes if axis not in "zyx" and n > 1]:
        raise InputError(f"{path.name} has {', '.join(long)} besides z, y and x; save only the wanted one")
    return found
