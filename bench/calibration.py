"""How often does the 95 % interval of one image hold the truth?

    python bench/calibration.py --slices 5 --replicas 4 --measure basic,network,tortuosity,permeability

Random slices of each true volume, whatever their porosity, reconstructed as `porescape run` would; a case
is one number of one slice, and its interval should hold the mean over the truth's corner blocks. The part of
the method's own error is taken from the other materials alone, never from the one that is judged. Slices are
binary, so the threshold's part is nought here. Below, how far off the means are, and what the intervals would
hold with fewer parts. Finished slices are kept in --keep, with every part, and not done again; a new table of
the method's errors needs no new fit.
"""

import argparse
import json
import os
from dataclasses import replace
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from porescape.core.image import PhaseImage
from porescape.core.settings import Checks, Fit, Measure, Output, Segmentation, Settings
from porescape.intervals.method_error import material_errors, method_errors
from porescape.intervals.uncertainty import Parts
from porescape.io.images.image import image_from_array
from porescape.jobs.reconstruct import reconstruct
from porescape.measure.meters import NUMBERS, pick
from porescape.measure.summary import interval_of
from porescape.section.checks import NAMES as CHECKS
from truths import OF_THE_BOX, arguments, chosen, load
from ways import truth_numbers

Estimates = dict[str, dict[str, Any]]


def random_slices(name: str, count: int, seed: int = 1) -> list[PhaseImage]:
    volume = load(name)
    rng = np.random.default_rng(seed)
    sections = []
    for _ in range(count):
        axis = int(rng.integers(3))
        plane = np.take(volume.pore, int(rng.integers(volume.shape[axis])), axis=axis)
        sections.append(PhaseImage(plane, volume.voxel_size))
    return sections


def estimates(name: str, index: int, options: argparse.Namespace) -> Estimates:
    """Mean, interval and its parts of every number of one slice's reconstruction."""
    made_with = f"{options.size}-{options.replicas}-{options.trials}-{options.sweeps}"
    kept = options.checkpoint / f"calibration-{name}-{index}-{made_with}.json"
    table = json.loads(kept.read_text()) if kept.exists() else {}
    if not set(options.numbers) <= set(table):
        section = random_slices(name, index + 1)[index]
        settings = Settings(
            segmentation=Segmentation(pore="bright"),
            checks=Checks(accept=CHECKS),
            fit=Fit(trials=options.trials),
            output=Output(
                size=(options.size,) * 3,
                replicas=options.replicas,
                voxel_size=section.pixel_size,
                refine=options.sweeps,
            ),
            measure=Measure(numbers=options.numbers),
        )
        image = image_from_array(section.pore, section.pixel_size, f"{name}-{index}")
        found = reconstruct(image, settings, seed=index, workers=options.workers)
        table = {
            n: {"mean": e.mean, "sd": e.sd, "n": e.n, "ci95": e.ci95, "parts": e.parts}
            for n, e in found.properties.items()
        }
        kept.write_text(json.dumps(table))
        print(f"# {name} slice {index}", flush=True)
    return {number: table[number] for number in options.numbers}


def intervals_of(number: str, one: dict[str, Any], method: float | None) -> dict[str, tuple[float, float]]:
    """The interval with the method's part given as a share, and those of fewer parts."""
    if not one["parts"]:  # no slope: that of the replicas is all there is
        return {"all parts": one["ci95"]}
    mean, kind = one["mean"], NUMBERS[number]
    own = None if method is None else method * abs(mean)
    parts = replace(Parts(**one["parts"]), method=own)
    widths = {
        "all parts": parts.total,
        "without the method's": replace(parts, method=None).total,
        "replicas alone": parts.replicas,
        "method alone": own or 0.0,
    }
    return {what: interval_of(mean, width, kind.least, kind.most) for what, width in widths.items()}


def main() -> None:
    parser = arguments(__doc__, replicas=4, slices=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--measure", default="basic")
    options = parser.parse_args()
    options.numbers = tuple(name for name in pick(options.measure.split(",")) if name != OF_THE_BOX)
    options.checkpoint.mkdir(parents=True, exist_ok=True)
    names = chosen(options.materials)
    table = material_errors("refined" if options.sweeps else "as generated")
    held: dict[tuple[str, str], list[bool]] = {}
    by_parts: dict[str, list[bool]] = {}
    errors, widths = [], []
    for name in names:
        truth = truth_numbers(name, options)
        method = method_errors(table, without=[name])
        for index in range(options.slices):
            for number, one in estimates(name, index, options).items():
                true = truth[number][0]
                found = intervals_of(number, one, method.get(number))
                holds = {what: bool(low <= true <= high) for what, (low, high) in found.items()}
                held.setdefault((name, number), []).append(holds["all parts"])
                for what, well in holds.items():
                    by_parts.setdefault(what, []).append(well)
                low, high = found["all parts"]
                errors.append(100 * abs(one["mean"] / true - 1))
                widths.append(50 * (high - low) / abs(one["mean"]))
    print("| number | " + " | ".join(names) + " | all |\n" + "|---" * (len(names) + 2) + "|")
    for number in options.numbers:
        shares = [np.mean(held[name, number]) for name in names]
        print(f"| {number} | " + " | ".join(f"{100 * s:.0f}" for s in (*shares, np.mean(shares))) + " |")
    shares = [np.mean([held[name, number] for number in options.numbers]) for name in names]
    print("| all | " + " | ".join(f"{100 * s:.0f}" for s in (*shares, np.mean(shares))) + " |")
    print(f"\n{len(errors)} cases; the interval holds the truth with")
    for what, wells in by_parts.items():
        print(f"- {what}: {100 * np.mean(wells):.1f} % of {len(wells)}")
    print(f"half width of the interval: median {np.nanmedian(widths):.1f} % of the mean")
    print(
        f"|error| of the mean: median {np.nanmedian(errors):.1f} %, 90th percentile "
        f"{np.nanpercentile(errors, 90):.1f} %, largest {np.nanmax(errors):.1f} %"
    )


if __name__ == "__main__":
    main()
