"""The pore network, ours and PoreSpy's, in one run: seconds, peak memory, and whether they agree.

    pip install ".[bench]" && python bench/network.py --sizes 100 200

Each side works in a process of its own on one thread: image to network, end to end, after a first run on
a small block (compilation, lazy imports). Memory is the peak of the whole
process; what it held before (the imports, the volume) is told apart.
PoreSpy runs as it is right and fastest: serial partition, no added boundary regions.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from common import ONE_THREAD, gaussian_field, peak_mb

if __name__ == "__main__":
    os.environ.update(ONE_THREAD)

import numpy as np

from porescape.core.volume import Volume
from porescape.measure.network.extract import extract_network

WARM_UP = 48  # voxels
DIAMETERS = ("inscribed", "extended", "throat", "throat_equivalent")


def ours(volume: Volume) -> dict[str, np.ndarray]:
    network = extract_network(volume)
    found = asdict(network)
    return {
        "region": found["region"],
        "conns": found["throat_pores"],
        "volume": found["pore_volume"],
        "inscribed": found["body_diameter"],
        "extended": found["body_diameter_extended"],
        "throat": found["throat_diameter"],
        "throat_equivalent": found["throat_diameter_equivalent"],
    }


def porespy(volume: Volume) -> dict[str, np.ndarray]:
    import porespy

    porespy.settings.tqdm["disable"] = True
    porespy.settings.ncores = 1
    found = porespy.networks.snow2(volume.pore, boundary_width=0, parallel_kw=None)
    network = found.network
    return {
        "region": found.regions,
        "conns": network["throat.conns"],
        "volume": network["pore.volume"],
        "inscribed": network["pore.inscribed_diameter"],
        "extended": network["pore.extended_diameter"],
        "throat": network["throat.inscribed_diameter"],
        "throat_equivalent": network["throat.equivalent_diameter"],
    }


SIDES = {"porescape": ours, "porespy": porespy}


def work(side: str, folder: Path) -> None:
    """Run one side in this process; leave what it found and what it took."""
    extract = SIDES[side]
    volume = Volume(np.load(folder / "pore.npy"), 1.0)
    extract(Volume(volume.pore[:WARM_UP, :WARM_UP, :WARM_UP], 1.0))
    held = peak_mb()
    clock = time.perf_counter()
    found = extract(volume)
    took = {"seconds": time.perf_counter() - clock, "peak": peak_mb(), "held": held}
    np.savez(folder / "found.npz", took=json.dumps(took), **found)


def measure(side: str, volume: Volume) -> dict[str, np.ndarray]:
    """Run one side in a process of its own; return what it found, and under `took` what it took."""
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "pore.npy", volume.pore)
        subprocess.run(
            [sys.executable, __file__, "--work", side, folder], check=True, env=os.environ | ONE_THREAD
        )
        with np.load(Path(folder) / "found.npz") as archive:
            return dict(archive)


def agreement(mine: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> dict[str, float]:
    """Share of voxels in the same region, of throats between the same two, and of equal diameters."""
    import edt

    here = mine["region"].ravel()
    inside = here > 0
    pairs, counts = np.unique(
        np.stack((here[inside], theirs["region"].ravel()[inside])), axis=1, return_counts=True
    )
    order = np.lexsort((-counts, pairs[0]))
    first = order[np.unique(pairs[0, order], return_index=True)[1]]  # the region that holds most of ours
    same = dict(zip(pairs[0, first], pairs[1, first], strict=True))
    conns = {tuple(sorted((same[i + 1], same[j + 1]))) for i, j in mine["conns"].tolist()}
    other = {tuple(sorted((i + 1, j + 1))) for i, j in theirs["conns"].tolist()}
    # by PoreSpy's rule, twice the largest distance between voxel centres, on our regions
    depth = np.zeros(here.max() + 1, np.float32)
    np.maximum.at(depth, here, edt.edt(mine["region"], black_border=True).ravel())
    match = [same[i + 1] - 1 for i in range(len(depth) - 1)]
    return {
        "voxels in the same region": float(counts[first].sum() / inside.sum()),
        "throats of both / of either": len(conns & other) / len(conns | other),
        "equal volumes": float(np.mean(mine["volume"] == theirs["volume"][match])),
        "equal inscribed diameters, by PoreSpy's rule": float(
            np.mean(np.isclose(2 * depth[1:], theirs["inscribed"][match]))
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100])
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work[0], Path(options.work[1]))
        return
    sides = list(SIDES)
    if find_spec("porespy") is None:
        sides.remove("porespy")
        print("porespy is not installed (extra `bench`): its column is left out")
    for size in options.sizes:
        volume = Volume(gaussian_field(size), 1.0)
        found = {side: measure(side, volume) for side in sides}
        print(f"\n{size}³: image to network")
        for side, network in found.items():
            took = json.loads(str(network["took"]))
            print(
                f"  {side:10s} {took['seconds']:7.2f} s  peak {took['peak']:5.0f} MB, of which "
                f"{took['peak'] - took['held']:4.0f} MB for the work  {len(network['inscribed'])} pores  "
                f"{len(network['throat'])} throats"
            )
            means = (f"{name} {network[name].mean():.2f}" for name in DIAMETERS)
            print(f"  {'':10s} mean diameters [voxels]: {', '.join(means)}")
        if len(found) == 2:
            for what, share in agreement(*found.values()).items():
                print(f"  {what}: {100 * share:.3f} %")
    print(
        "\nInscribed diameters differ by rule: PoreSpy takes twice the distance between voxel centres; ours"
        "\nlooks for the centre between voxels and for the wall before the centre of the wall voxel."
        "\nPoreSpy's extended diameters search the region's bounding box and so find neighbours' bodies."
        "\nIt floods closed specks across the solid, which adds their volume to some pore and joins regions"
        "\nthat do not meet; we leave them out. Else, voxels differ where two floods tie."
    )


if __name__ == "__main__":
    main()
