"""The checks before the fit, on images whose answer is known: where they alarm, and how often wrongly.

    python bench/checks.py

Three tables: the micrographs, beside what they are; slices of the shared volumes, as they are and stretched
along one axis; sections of generated isotropic structures, where every alarm of isotropy or stationarity
is false. The last column there says how often the predicted 95 % error of the porosity held the porosity of
the whole structure.
"""

import argparse
import os
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from micrographs import IMAGES, PORE
from porescape.core.check import Check
from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.recipe import FieldsRecipe
from porescape.core.settings import Segmentation
from porescape.io.images.image import read_image
from porescape.report.check_figures import checks_figure
from porescape.section.checks import CHECKS, check_image
from porescape.section.segment import segment
from porescape.synthesis.generate import generate
from truths import NAMES, SHARED, load, need_shared

MICROGRAPHS = {  # file -> crop (top, left, height, width), what it is
    "nanoporous_gold_zeiss.tif": (None, "isotropic"),
    "hydrogel_fei_banner.tif": (None, "isotropic"),
    "polymer_membrane_hitachi_isotropic.bmp": ((130, 0, 720, 1280), "isotropic, between its faces"),
    "nanofoam_grey.tif": (None, "isotropic"),
    "nanofoam_binary.tif": (None, "isotropic"),
    "electrospun_zeiss.tif": (None, "isotropic in plane"),
    "polymer_membrane_hitachi_graded.bmp": (None, "graded, with its face"),
    "polymer_membrane_hitachi_graded.bmp ": ((190, 0, 700, 1280), "graded, below its face"),
    "meltblown_cross_section.png": (None, "layered"),
    "granular_fei_quanta.tif": (None, "a surface"),
    "scaffold_jeol.tiff": (None, "no membrane"),
}
KINDS = {  # lengths in voxels of 1 µm
    "grains": {"solid_grains": 1.0, "pore_cells": 0.0, "branches": 0.0, "porosity": 0.4},
    "pore cells": {"solid_grains": 0.0, "pore_cells": 1.0, "branches": 0.2, "porosity": 0.75},
    "branches": {"solid_grains": 0.2, "pore_cells": 0.2, "branches": 1.0, "porosity": 0.55},
}
SPACINGS = (9.0, 18.0)
BOX = 192  # voxels; its period
EDGES = (160, 80)  # pixels of the sections cut from it, less than the period


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--slices", type=int, default=5, help="per axis and volume")
    parser.add_argument("--sections", type=int, default=40, help="of generated structures, per kind and size")
    parser.add_argument("--pictures", type=Path, help="folder for the micrographs' figures")
    options = parser.parse_args()
    need_shared()
    micrographs(options.pictures)
    volumes(options.slices)
    generated(options.sections)


def micrographs(pictures: Path | None) -> None:
    print("| micrograph | what | " + " | ".join(CHECKS) + " | seconds |\n" + "|---" * (len(CHECKS) + 3) + "|")
    for name, (crop, what) in MICROGRAPHS.items():
        file = name.strip()
        image = read_image(SHARED / "sem" / file, pixel_size=IMAGES[file], crop=crop)
        phase = segment(image, Segmentation(pore=PORE.get(file, "dark")))
        clock = time.perf_counter()
        checks = check_image(phase)
        seconds = time.perf_counter() - clock
        found = " | ".join(f"{check.status}: {_numbers(check)}" for check in checks)
        print(f"| {file} {phase.pore.shape[0]} x {phase.pore.shape[1]} | {what} | {found} | {seconds:.2f} |")
        if pictures is not None:
            pictures.mkdir(parents=True, exist_ok=True)
            suffix = "" if crop is None else "-cropped"
            checks_figure(phase, checks).savefig(pictures / f"{Path(file).stem}{suffix}.png", dpi=110)


def volumes(slices: int) -> None:
    heads = " | ".join(f"{check} ok / warn / fail" for check in CHECKS)
    print(f"\n| slices of | stretched | {heads} | largest chord, correlation ratio |\n" + "|---" * 7 + "|")
    for name in NAMES:
        volume = load(name)
        for axis in range(3):
            places = np.linspace(0, volume.shape[axis] - 1, slices + 2).astype(int)[1:-1]
            sections = [np.take(volume.pore, place, axis=axis) for place in places]
            for along in (None, 0, 1):
                drawn = sections if along is None else [np.repeat(one, 2, axis=along) for one in sections]
                found = [check_image(PhaseImage(one, volume.voxel_size)) for one in drawn]
                how = "no" if along is None else f"2 times along {'yx'[along]}"
                print(f"| {name} across {'zyx'[axis]} | {how} | {_tally(found)} |", flush=True)


def generated(sections: int) -> None:
    heads = " | ".join(f"{check} ok / warn / fail" for check in CHECKS)
    print(
        f"\n| generated | {heads} | largest chord, correlation ratio | 95 % error held |\n" + "|---" * 7 + "|"
    )
    for kind, settings in KINDS.items():
        for spacing in SPACINGS:
            drawn: list[np.ndarray] = []
            for seed in range(-(-sections // 6)):
                volume = _volume(settings, spacing, seed)
                drawn += [np.take(volume, place, axis=axis) for axis in range(3) for place in (40, 120)]
            for edge in EDGES:
                found = [check_image(PhaseImage(one[:edge, :edge], 1e-6)) for one in drawn[:sections]]
                held = [
                    abs(size.values["porosity"] - settings["porosity"])
                    <= size.values["porosity_error"] * size.values["porosity"]
                    for _, _, size, _ in found
                ]
                what = f"{kind}, spacing {spacing:g}, {edge} x {edge}"
                print(f"| {what} | {_tally(found)} | {np.mean(held):.0%} |", flush=True)


def _volume(settings: dict[str, float], spacing: float, seed: int) -> np.ndarray:
    recipe = FieldsRecipe(
        **settings,
        solid_grain_spacing=spacing * 1e-6,
        pore_cell_spacing=spacing * 1e-6,
        branch_width=spacing / 3 * 1e-6,
        highpass_width=3 * spacing * 1e-6,
        branch_cut=0.5,
        smoothing=spacing / 12 * 1e-6,
    )
    return generate(recipe, Domain((BOX,) * 3, 1e-6), seed).pore


def _tally(found: list[tuple[Check, ...]]) -> str:
    counts = []
    for k in range(len(CHECKS)):
        of = [checks[k].status for checks in found]
        counts.append(" / ".join(str(of.count(status)) for status in ("ok", "warn", "fail")))
    ratios = [max(checks[0].values[f"ratio_{one}"] for checks in found) for one in ("chord", "correlation")]
    return " | ".join(counts) + f" | {ratios[0]:.2f}, {ratios[1]:.2f}"


def _numbers(check: Check) -> str:
    v = check.values
    if check.name == "isotropy":
        return f"{v['ratio_chord']:.2f} chord, {v['ratio_correlation']:.2f} correlation"
    if check.name == "stationarity":
        worst = max(check.limits, key=lambda name: v[name] * (v[f"chance_{name}"] < 0.01))
        return f"{worst} {v[worst]:.2f} ({v[f'chance_{worst}']:.1g})"
    if check.name == "size":
        return f"±{v['porosity_error']:.1%}, {v['features_across']:.1f} across"
    return f"{v['chord_pixels']:.1f} px, thin {v['thin_share']:.0%}, jagged {v['jagged_share']:.0%}"


if __name__ == "__main__":
    main()
