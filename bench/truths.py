"""The shared volumes and what every bench does with them."""

import json
import sys
from pathlib import Path

import numpy as np

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NAMES = ("berea_256", "nmc_matbox_251", "spinodal_160", "fibres_160", "overlapping_spheres_160")
TYPICAL = 0.02  # relative; how near a slice's porosity is to its volume's


def need_shared() -> None:
    """Leave in words where the shared data is not there."""
    if not (SHARED / "volumes").is_dir():
        print(f"skipped: {SHARED / 'volumes'} is not there; these volumes are not part of the project")
        sys.exit(0)


def load(name: str) -> Volume:
    """Return a shared volume; where its voxel has no unit, it counts as one micrometre."""
    archive = np.load(SHARED / "volumes" / f"{name}.npz")
    shape = tuple(archive["shape"])
    bits = np.unpackbits(archive["packed"], count=int(np.prod(shape)))
    meta = json.loads(str(archive["meta"]))
    voxel_um = {"berea_256": 5.345, "nmc_matbox_251": 0.398}.get(name, 1.0)
    assert meta is not None
    return Volume(bits.reshape(shape).astype(bool), voxel_um * 1e-6)


def typical_slices(volume: Volume, count: int, seed: int = 0) -> list[PhaseImage]:
    """Return random slices along random axes whose porosity is within 2 % of the volume's."""
    rng = np.random.default_rng(seed)
    places = [(axis, i) for axis in range(3) for i in range(volume.shape[axis])]
    found = []
    for k in rng.permutation(len(places)):
        axis, i = places[k]
        section = np.take(volume.pore, i, axis=axis)
        if abs(section.mean() - volume.porosity) < TYPICAL * volume.porosity:
            found.append(PhaseImage(section, volume.voxel_size))
        if len(found) == count:
            break
    return found


def corner_blocks(volume: Volume, size: int) -> list[Volume]:
    """Return the (overlapping) blocks of one size in the volume's corners."""
    starts = [sorted({0, n - size}) for n in volume.shape]
    return [
        Volume(volume.pore[z : z + size, y : y + size, x : x + size], volume.voxel_size)
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]
