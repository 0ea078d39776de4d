"""Can a classifier tell crops of the reconstruction from crops of the real thing? 50 % is perfect.

    python bench/two_sample.py --replicas 2 --trials 200 --size 128

For each shared volume one slice of the volume's own porosity is reconstructed as the command line would;
for the micrographs, their mask. Two tests of each replica, both on held-out 48-pixel crops across all
three axes: against the one section (all the product can know), and against the whole true volume where
there is one (far more crops, so a sharper eye: the yardstick). Two controls stand beside them: real
against real, which must come out at 50 %; and what must be told apart (against the truth where there is
one): thresholded smooth noise of the same porosity and wall, the best that blind noise can do, and the
Gaussian field with the image's S2. The yardstick's numbers are distances to the wall, local binary patterns
and S2 alone. Replicas and contact sheets are kept in --keep; replicas are not made again.
"""

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
from scipy.ndimage import gaussian_filter

from baselines import gaussian_like
from porescape.core.image import PhaseImage
from porescape.core.results import TwoSampleTest
from porescape.core.settings import Fit, Output, Segmentation, Settings
from porescape.core.volume import Volume
from porescape.io.images.image import read_image
from porescape.jobs.replicas import make_replicas
from porescape.measure.section.texture import GROUPS, unit_of
from porescape.report.selection_figures import contact_sheet
from porescape.section.resample import at_voxel_size, choose_voxel_size
from porescape.section.segment import segment
from porescape.select.two_sample import CROPS, two_sample_test
from truths import NAMES, SHARED, load, need_shared, typical_slices

YARDSTICK = ("distances to the wall", "neighbourhoods", "pairs of points")
NOT_YARDSTICK = tuple(group for group in GROUPS if group not in YARDSTICK)
MICROGRAPHS = ("nanoporous_gold_zeiss.tif", "hydrogel_fei_banner.tif")


def section_of(name: str, options: argparse.Namespace) -> PhaseImage:
    """Return what is reconstructed: a typical slice, or a micrograph's mask at the replicas' voxel size."""
    if name in NAMES:
        return typical_slices(load(name), options.slice + 1)[options.slice]
    phase = segment(read_image(SHARED / "sem" / name), Segmentation())
    return at_voxel_size(phase, choose_voxel_size(phase, Output(size=(options.size,) * 3)))


def replicas_of(name: str, section: PhaseImage, options: argparse.Namespace) -> Iterator[Volume]:
    """Yield the kept replicas, or make and keep them."""
    made_with = options.slice, options.size, options.trials, options.replicas, Output().refine
    kept = options.checkpoint / f"{Path(name).stem}-{'-'.join(map(str, made_with))}.npz"
    if not kept.exists():
        settings = Settings(
            fit=Fit(trials=options.trials),
            output=Output(size=(options.size,) * 3, replicas=options.replicas, voxel_size=section.pixel_size),
        )
        clock = time.perf_counter()
        made = make_replicas(section, settings, seed=options.slice, workers=options.workers)
        pores = np.stack([replica.volume.pore for replica in made])
        print(f"# {name}: {time.perf_counter() - clock:.0f} s", flush=True)
        np.savez_compressed(kept, packed=np.packbits(pores), shape=pores.shape)
    archive = np.load(kept)
    shape = tuple(archive["shape"])
    pores = np.unpackbits(archive["packed"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    for pore in pores:
        yield Volume(pore, section.pixel_size)


def noise_like(section: PhaseImage, size: int, seed: int = 0) -> Volume:
    """Return thresholded smooth noise with the section's porosity and nearly its length of wall.

    The wall per area of a cut Gaussian field of width w falls as 1/w; one trial gives the factor.
    """
    noise = np.random.default_rng(seed).standard_normal((size,) * 3).astype(np.float32)

    def cut(width: float) -> np.ndarray:
        field = gaussian_filter(noise, width, mode="wrap")
        return field > np.quantile(field, 1 - section.porosity)

    wanted = unit_of(section.pore[None])
    first = wanted / 2
    return Volume(cut(first * wanted / unit_of(cut(first)[::8])), section.pixel_size)


def real_against_real(name: str, section: PhaseImage, crops: int) -> list[TwoSampleTest]:
    """Test slices against slices far from them, and halves of a micrograph against each other."""
    if name not in NAMES:
        half = section.pore.shape[1] // 2
        left = PhaseImage(section.pore[:, :half], section.pixel_size)
        right = Volume(section.pore[None, :, half:], section.pixel_size)
        return [two_sample_test(left, right, seed=seed, crops=crops) for seed in range(2)]
    volume = load(name)
    slices = typical_slices(volume, 8)
    return [
        two_sample_test(one, Volume(other.pore[None], volume.voxel_size), seed=seed, crops=crops)
        for seed, (one, other) in enumerate(zip(slices[::2], slices[1::2], strict=True))
    ]


def truth_against_itself(volume: Volume, crops: int) -> TwoSampleTest:
    """Test one half of the true volume against the other."""
    n = volume.shape[0] // 2
    halves = [Volume(volume.pore[part], volume.voxel_size) for part in (slice(None, n), slice(n, None))]
    return two_sample_test(*halves, seed=0, crops=crops)


def cell(tests: list[TwoSampleTest]) -> str:
    """Write mean accuracy and its error [%]."""
    if not tests:
        return "–"
    mean = 100 * np.mean([test.accuracy for test in tests])
    return f"{mean:.0f} ± {100 * np.sqrt(np.mean([test.error**2 for test in tests])):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--slice", type=int, default=0, help="which of the typical slices")
    parser.add_argument("--crops", type=int, default=400, help="of each kind, against a whole truth")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--names", default=",".join((*NAMES, *MICROGRAPHS)))
    parser.add_argument("--keep", type=Path, default=Path("bench/kept/eye"))
    options = parser.parse_args()
    need_shared()
    options.checkpoint.mkdir(parents=True, exist_ok=True)
    heads = (
        "material | replica, against its image | against the whole truth | the same, yardstick's numbers | "
        "real against real, images | halves of the truth | smooth noise | Gaussian field of its S2 | "
        "what gives the replica away"
    )
    print(f"| {heads} |")
    print("|" + "---|" * 9)
    for name in options.names.split(","):
        section = section_of(name, options)
        replicas = list(replicas_of(name, section, options))
        noise = noise_like(section, options.size)
        field = gaussian_like(section, options.size, seed=0)
        truth = load(name) if name in NAMES else None
        found = [two_sample_test(section, one, seed=options.slice) for one in replicas]
        solid_grains = [cell(found)]
        if truth is None:
            solid_grains += ["–", "–", cell(real_against_real(name, section, CROPS)), "–"]
            solid_grains += [cell([two_sample_test(section, other, seed=0)]) for other in (noise, field)]
            telling = found[0]
        else:
            sharp = [two_sample_test(truth, one, seed=0, crops=options.crops) for one in replicas]
            plain = [
                two_sample_test(truth, one, seed=0, crops=options.crops, without=NOT_YARDSTICK)
                for one in replicas
            ]
            solid_grains += [cell(sharp), cell(plain), cell(real_against_real(name, section, CROPS))]
            solid_grains += [cell([truth_against_itself(truth, options.crops)])]
            solid_grains += [
                cell([two_sample_test(truth, other, seed=0, crops=options.crops)]) for other in (noise, field)
            ]
            telling = sharp[0]
        solid_grains.append(
            f"{next(iter(telling.importance))}: {telling.words} ({telling.in_replica:.3g}, "
            f"real {telling.in_image:.3g})"
        )
        print(f"| {name} | " + " | ".join(solid_grains) + " |", flush=True)
        sheet = contact_sheet(section, replicas[0])
        sheet.savefig(options.checkpoint / f"{Path(name).stem}-{options.slice}.png", dpi=110)


if __name__ == "__main__":
    main()
