"""The main job on real micrographs: what came out, and a contact sheet to look at.

    python bench/micrographs.py --replicas 8 --size 128 --out bench/kept/micrographs

Pixel sizes that no file states are those of the ruler burnt into the picture, measured by hand; where
there is no ruler, one pixel counts as one micrometre. `scaffold` and `helios` are no membranes and show
what the job says of such images.
"""

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
from matplotlib.figure import Figure

from porescape.core.settings import Checks, Fit, Measure, Output, Segmentation, Settings
from porescape.errors import PorescapeError
from porescape.io.images.image import read_image
from porescape.jobs.reconstruct import reconstruct
from porescape.section.checks import NAMES as CHECKS
from porescape.units import format_length
from truths import SHARED, need_shared

IMAGES = {  # file -> pixel size [m] where the file does not say it
    "nanoporous_gold_zeiss.tif": None,
    "hydrogel_fei_banner.tif": None,
    "polymer_membrane_hitachi_isotropic.bmp": 0.5e-6,
    "polymer_membrane_hitachi_graded.bmp": 0.05e-6,
    "nanofoam_grey.tif": 1e-6,
    "nanofoam_binary.tif": 1e-6,
    "electrospun_zeiss.tif": None,
    "granular_fei_quanta.tif": None,
    "scaffold_jeol.tiff": 10e-6,
    "meltblown_cross_section.png": 1e-6,
}
PORE = {"nanofoam_binary.tif": "dark"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--images", default=",".join(IMAGES))
    parser.add_argument("--out", type=Path, default=Path("bench/kept/micrographs"))
    options = parser.parse_args()
    need_shared()
    options.out.mkdir(parents=True, exist_ok=True)
    print(
        "| image | porosity ± 95 % | voxel | chord pore / solid | connected z | checks not ok | eye | time |"
    )
    print("|" + "---|" * 8)
    for name in options.images.split(","):
        settings = Settings(
            segmentation=replace(Segmentation(), pore=PORE.get(name, "dark")),
            checks=Checks(accept=CHECKS),  # to see what comes out all the same
            fit=Fit(trials=options.trials),
            output=Output(size=(options.size,) * 3, replicas=options.replicas),
            measure=Measure(numbers=("basic",)),
        )
        clock = time.perf_counter()
        try:
            image = read_image(SHARED / "sem" / name, pixel_size=IMAGES[name])
            result = reconstruct(image, settings, workers=2)
        except PorescapeError as error:
            print(f"| {name} | refused: {error} |" + " |" * 6, flush=True)
            continue
        seconds = time.perf_counter() - clock
        numbers = result.properties
        pore, solid = (format_length(numbers[f"chord_{phase}"].mean, 3) for phase in ("pore", "solid"))
        low, high = numbers["porosity"].ci95
        margin = (high - low) / 2
        doubts = ", ".join(f"{c.name} {c.status}" for c in result.checks if c.status != "ok")
        two_sample = result.selected.similarity.two_sample
        told = (
            "-" if two_sample is None else f"{100 * two_sample.accuracy:.0f} ± {100 * two_sample.error:.0f} %"
        )
        print(
            f"| {name} | {numbers['porosity'].mean:.3f} ± {margin:.3f} | "
            f"{format_length(result.section.pixel_size, 3)} | "
            f"{pore} / {solid} | {numbers['connected_porosity_z'].mean:.3f} | "
            f"{doubts or '-'} | {told} | {seconds:.0f} s |",
            flush=True,
        )
        _sheet(result).savefig(options.out / f"{Path(name).stem}.png", dpi=80)


def _sheet(result) -> Figure:
    """Grey with the outline of the mask, a piece of the mask, and slices of the selected replica."""
    figure = Figure(figsize=(16, 4.2), layout="constrained")
    panels = figure.subplots(1, 5)
    panels[0].imshow(result.image.grey, cmap="gray")
    panels[0].contour(result.phase.pore, [0.5], colors="orange", linewidths=0.5)
    edge = min(result.settings.output.size[0], *result.section.pore.shape)
    top, left = ((n - edge) // 2 for n in result.section.pore.shape)
    pictures = [result.section.pore[top : top + edge, left : left + edge]]
    volume = result.selected.volume.pore
    pictures += [np.take(volume, volume.shape[axis] // 2, axis=axis) for axis in range(3)]
    for panel, picture, title in zip(
        panels[1:], pictures, ("image", "across z", "across y", "across x"), strict=True
    ):
        panel.imshow(~picture, cmap="gray", interpolation="nearest")
        panel.set_title(title)
    for panel in panels:
        panel.set_axis_off()
    panels[0].set_title(result.image.name)
    return figure


if __name__ == "__main__":
    main()
