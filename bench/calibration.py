"""How often does the 95 % interval of one image hold the truth?

    python bench/calibration.py --slices 5 --replicas 4

Random slices of each shared volume, whatever their porosity, reconstructed as `porescape run` would; a case
is one number of one slice, and its interval should hold the mean over the truth's corner blocks. Slices are
binary, so the threshold's part is nought here. Finished slices are kept in --keep and not done again.
"""

import argparse
import json
import os
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from fidelity import truth_numbers
from porescape.checks import NAMES as CHECKS
from porescape.core.image import PhaseImage
from porescape.core.settings import Checks, Fit, Measure, Output, Segmentation, Settings
from porescape.io.image import image_from_array
from porescape.measure.numbers import pick
from porescape.pipeline import reconstruct
from truths import NAMES, load, need_shared


def random_slices(name: str, count: int, seed: int = 1) -> list[PhaseImage]:
    volume = load(name)
    rng = np.random.default_rng(seed)
    sections = []
    for _ in range(count):
        axis = int(rng.integers(3))
        plane = np.take(volume.pore, int(rng.integers(volume.shape[axis])), axis=axis)
        sections.append(PhaseImage(plane, volume.voxel_size))
    return sections


def estimates(name: str, index: int, options: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Mean, interval and its parts of every number of one slice's reconstruction."""
    kept = (
        options.keep / f"calibration-{name}-{index}-{options.size}-{options.replicas}-{options.trials}.json"
    )
    if not kept.exists():
        section = random_slices(name, options.slices)[index]
        settings = Settings(
            segmentation=Segmentation(pore="bright"),
            checks=Checks(accept=CHECKS),
            fit=Fit(trials=options.trials),
            output=Output(size=(options.size,) * 3, replicas=options.replicas, voxel_size=section.pixel_size),
            measure=Measure(numbers=options.numbers),
        )
        image = image_from_array(section.pore, section.pixel_size, f"{name}-{index}")
        found = reconstruct(image, settings, seed=index, workers=options.workers)
        table = {
            n: {"mean": e.mean, "ci95": e.ci95, "replicas": e.parts.get("replicas"), "n": e.n}
            for n, e in found.properties.items()
        }
        kept.write_text(json.dumps(table))
        print(f"# {name} slice {index}", flush=True)
    return json.loads(kept.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--replicas", type=int, default=4)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--measure", default="basic")
    parser.add_argument("--materials", default=",".join(NAMES))
    parser.add_argument("--keep", type=Path, default=Path("bench/kept"))
    options = parser.parse_args()
    options.numbers = pick(options.measure.split(","))
    need_shared()
    options.keep.mkdir(parents=True, exist_ok=True)
    held: dict[tuple[str, str], list[bool]] = {}
    by_replicas: list[bool] = []
    for name in options.materials.split(","):
        truth = truth_numbers(name, options)
        for index in range(options.slices):
            for number, e in estimates(name, index, options).items():
                low, high = e["ci95"]
                held.setdefault((name, number), []).append(low <= truth[number][0] <= high)
                if e["replicas"] is not None:
                    by_replicas.append(abs(e["mean"] - truth[number][0]) <= e["replicas"])
    names = options.materials.split(",")
    print("| number | " + " | ".join(names) + " | all |\n" + "|---" * (len(names) + 2) + "|")
    for number in options.numbers:
        shares = [np.mean(held[name, number]) for name in names]
        print(f"| {number} | " + " | ".join(f"{100 * s:.0f}" for s in (*shares, np.mean(shares))) + " |")
    every = np.concatenate([np.array(found) for found in held.values()])
    print(
        f"\n{every.size} cases: the interval holds the truth in {100 * every.mean():.0f} %; that of the "
        f"replicas' spread alone in {100 * np.mean(by_replicas):.0f} %"
    )


if __name__ == "__main__":
    main()
