"""From a rendered micrograph to numbers: how far from the volume, and how much of that is the mask's?

    python bench/mask/end_to_end.py --network held.npz --only fibres,packing,bicontinuous,periodic

For each material a volume is made, measured, cut and rendered with a look drawn at random; the micrograph is
segmented by the network (which has not seen the material) and by the adaptive threshold, and given as a
perfect mask. Each mask is reconstructed and measured. An error is the difference of a number from the same
number of the volume, in percent of the larger; a perfect mask has errors, too.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from judge import by_settings
from materials import MATERIALS
from numpy.typing import NDArray
from pictures import Picture

from porescape.core.settings import Checks, Measure, Output, Segmentation, Settings
from porescape.core.volume import Volume
from porescape.errors import PorescapeError
from porescape.io.images.image import image_from_array
from porescape.jobs.reconstruct import reconstruct
from porescape.measure.volume import measure_volume
from porescape.rendering.look import draw_look
from porescape.rendering.micrograph import render_micrograph
from porescape.section.checks import NAMES
from porescape.section.plane.network import from_arrays
from porescape.section.plane.see import see, shipped

SHAPE = (128, 256, 256)  # voxels; z is the depth behind the cut
FEATURE = 9.0  # mean chord of the pores [voxels]
VOXEL = 1e-7  # m
NUMBERS = ("basic", "network", "permeability")
SEED = 3


def error(found: float, truth: float) -> float:
    """Return the difference in percent of the larger of both magnitudes."""
    return 100 * (found - truth) / max(abs(found), abs(truth), 1e-30)


def numbers_of(solid: NDArray[np.bool_], cube: int) -> dict[str, float]:
    """Reconstruct a mask once, and measure the replica."""
    image = image_from_array((~solid).astype(np.uint8) * 255, VOXEL)
    settings = Settings(
        segmentation=Segmentation(pore="bright"),
        checks=Checks(accept=NAMES),
        output=Output(size=(cube,) * 3, voxel_size=VOXEL, replicas=1),
        measure=Measure(numbers=NUMBERS, interval="replicas"),
    )
    found = reconstruct(image, settings, SEED)
    return {name: estimate.mean for name, estimate in found.properties.items() if estimate.n}


def main() -> None:
    """Write a row for each material, mask and number, and print the errors."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", type=Path)
    parser.add_argument("--only", default="", help="groups, with commas")
    parser.add_argument("--cube", type=int, default=96)
    parser.add_argument("--out", type=Path, default=Path("end-to-end.csv"))
    arguments = parser.parse_args()
    network = shipped()
    if arguments.network:
        with np.load(arguments.network) as archive:
            network = from_arrays(dict(archive))
    only = set(filter(None, arguments.only.split(",")))
    rows = []
    for material in MATERIALS:
        if only and material.group not in only:
            continue
        rng = np.random.default_rng([SEED, *material.name.encode()])
        pore = material.make(SHAPE, FEATURE, float(rng.uniform(*material.porosities)), rng)
        truth = measure_volume(Volume(pore, VOXEL), NUMBERS).values
        rendered = render_micrograph(Volume(pore, VOXEL), draw_look(rng), int(rng.integers(2**31)))
        grey, plane = rendered.micrograph.grey, ~rendered.plane.pore
        masks = {
            "perfect": plane,
            "plane": see(grey, network).logits > 0,
            "adaptive": by_settings(
                Picture(material.name, material.group, grey, plane, {}, FEATURE, pore.mean()), "adaptive"
            ),
        }
        for name, mask in masks.items():
            try:
                found = numbers_of(mask, arguments.cube)
            except PorescapeError as problem:
                print(f"{material.name}, {name}: {problem}", flush=True)
                continue
            for number, value in found.items():
                if number in truth and np.isfinite(truth[number]):
                    rows.append((material.name, name, number, value, truth[number]))
        write(arguments.out, rows)
        print(material.name, flush=True)
    table(rows)


def write(out: Path, rows: list[tuple[str, str, str, float, float]]) -> None:
    """Write all rows."""
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("material", "mask", "number", "found", "truth"))
        writer.writerows(rows)


def table(rows: list[tuple[str, str, str, float, float]]) -> None:
    """Print median and 90th percentile of the magnitude of the errors by mask."""
    print("| mask | numbers | median error, % | 90th percentile, % |\n|---|---|---|---|")
    for mask in dict.fromkeys(row[1] for row in rows):
        errors = np.abs([error(row[3], row[4]) for row in rows if row[1] == mask])
        print(f"| {mask} | {len(errors)} | {np.median(errors):.1f} | {np.percentile(errors, 90):.1f} |")


if __name__ == "__main__":
    main()
