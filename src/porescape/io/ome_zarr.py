"""OME-Zarr 0.4 and 0.5: the finest level of a multiscale image. Needs the extra `zarr`."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porescape.errors import InputError, MissingExtra
from porescape.io.raw_volume import RawVolume, Spacing, in_metres

MARKS = ("zarr.json", ".zattrs", ".zgroup", ".zarray")  # a folder with one of these is Zarr


def read_ome_zarr(path: Path) -> RawVolume:
    """Read level 0 of a multiscale image, or a plain Zarr array of three axes.

    Raises
    ------
    MissingExtra
        Zarr is not installed.
    InputError
        No image, a plate, or more than one time point or channel.
    """
    try:
        import zarr
    except ImportError as error:
        raise MissingExtra(
            f'{path.name} is Zarr, and reading that needs a package more: pip install "porescape[zarr]"'
        ) from error
    node = zarr.open(path, mode="r")
    if isinstance(node, zarr.Array):
        return RawVolume(_three_axes(node, list("zyx") if node.ndim == 3 else ["?"] * node.ndim, path.name))
    described = _described(node)
    if "multiscales" not in described and "bioformats2raw.layout" in described:
        node = node["0"]  # one image of several; the first is what viewers show
        described = _described(node)
    if "plate" in described or "multiscales" not in described:
        held = "a plate" if "plate" in described else "no multiscale image"
        inside = ", ".join(sorted(node.keys())) or "nothing"
        raise InputError(f"{path.name} holds {held} (in it: {inside}), wanted one image; name its folder")
    image = described["multiscales"][0]
    # 0.1 and 0.2 had no axes and always five; 0.3 had names only
    axes = [a if isinstance(a, dict) else {"name": a} for a in image.get("axes", "tczyx")]
    names = [str(axis["name"]).lower() for axis in axes]
    level = image["datasets"][0]
    array = _three_axes(node[level["path"]], names, path.name)
    scale = np.ones(len(axes))
    known = False
    for holder in (level, image):
        for step in holder.get("coordinateTransformations", ()):
            if step.get("type") == "scale":
                scale = scale * np.asarray(step["scale"], dtype=float)
                known = True
    if not known:
        return RawVolume(array)
    edges = {
        name: (float(factor), axis.get("unit")) for name, factor, axis in zip(names, scale, axes, strict=True)
    }
    lengths = tuple(in_metres(*edges[name]) for name in "zyx")
    source = "OME-Zarr scale"
    if None in lengths:
        plain = (edges["z"][0], edges["y"][0], edges["x"][0])
        return RawVolume(array, (Spacing(plain, source, in_metres=False),))
    return RawVolume(array, (Spacing((lengths[0], lengths[1], lengths[2]), source),))


def _described(node: Any) -> dict[str, Any]:
    attributes = dict(node.attrs)
    return {**attributes, **attributes.get("ome", {})}  # 0.5 put everything under "ome"


def _three_axes(array: Any, names: list[str], name: str) -> NDArray[Any]:
    """Read an array with its axes in the order z, y, x; all others must have length 1."""
    if len(names) != array.ndim or not set("zyx") <= set(names):
        raise InputError(
            f"{name} has shape {array.shape} with the axes {', '.join(names)}; wanted z, y and x"
        )
    long = [f"{n} {axis}" for axis, n in zip(names, array.shape, strict=True) if axis not in "zyx" and n > 1]
    if long:
        raise InputError(f"{name} has {', '.join(long)} beside z, y and x; save the one that is meant alone")
    values = np.asarray(array[tuple(slice(None) if axis in "zyx" else 0 for axis in names)])
    left = [axis for axis in names if axis in "zyx"]
    return values.transpose([left.index(axis) for axis in "zyx"])
