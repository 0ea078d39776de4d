"""The true volumes and what every bench does with them: five shared ones, and some of our own making."""

import argparse
import sys
from pathlib import Path

import numpy as np

from own_truths import MAKERS
from porescape.core.image import PhaseImage
from porescape.core.settings import Output
from porescape.core.volume import Volume
from porescape.io.atomic import whole_file

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
KEPT = Path(__file__).resolve().parent / "kept" / "truths"
NAMES = ("berea_256", "nmc_matbox_251", "spinodal_160", "fibres_160", "overlapping_spheres_160")
OWN = tuple(MAKERS)
GROUPS = {"shared": NAMES, "own": OWN}
VOXEL_UM = {"berea_256": 5.345, "nmc_matbox_251": 0.398}  # where it has no unit, it counts as one micrometre
OF_THE_BOX = "whole_pores"  # it tells nothing of a material, so it has no error
TYPICAL = 0.02  # relative; how near a slice's porosity is to its volume's


def need_shared() -> None:
    """Leave in words where the shared data is not there."""
    if not (SHARED / "volumes").is_dir():
        print(f"skipped: {SHARED / 'volumes'} is not there; these volumes are not part of the project")
        sys.exit(0)


def chosen(text: str) -> list[str]:
    """Return the names that a list with commas asks for; "shared" and "own" stand for all of a kind.

    Leaves in words where shared data is asked for and is not there, or a name is not known.
    """
    names = [name for word in text.split(",") for name in GROUPS.get(word, (word,))]
    if unknown := [name for name in names if name not in (*NAMES, *OWN)]:
        sys.exit(
            f"no truth is called {', '.join(unknown)}; known are shared, own, {', '.join((*NAMES, *OWN))}"
        )
    if set(names) & set(NAMES):
        need_shared()
    return names


def load(name: str) -> Volume:
    """Return a true volume; those of our own making are made once and kept."""
    file = SHARED / "volumes" / f"{name}.npz"
    if name in OWN:
        file = KEPT / f"{name}.npz"
        if not file.exists():
            _keep(file, MAKERS[name]())
    with np.load(file) as archive:
        shape = tuple(archive["shape"])
        bits = np.unpackbits(archive["packed"], count=int(np.prod(shape)))
    return Volume(bits.reshape(shape).astype(bool), VOXEL_UM.get(name, 1.0) * 1e-6)


def _keep(file: Path, pore: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as partial, partial.open("wb") as stream:  # a name would be given another ending
        np.savez_compressed(stream, packed=np.packbits(pore), shape=pore.shape)


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


def arguments(description: str | None, *, replicas: int, slices: int) -> argparse.ArgumentParser:
    """Return the options that benches which reconstruct slices of true volumes share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicas", type=int, default=replicas)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--sweeps", type=int, default=Output().refine, help="of the refinement")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--slices", type=int, default=slices)
    parser.add_argument("--materials", default=",".join(NAMES), help="names, or shared, or own")
    parser.add_argument("--keep", type=Path, default=Path("bench/kept"))
    return parser
