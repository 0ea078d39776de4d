"""How far are reconstructions from the truth? One slice in, replicas out, against the whole volume.

    python bench/fidelity.py --replicas 8 --trials 200 --size 128

For each shared volume: random slices whose porosity is within 2 % of the volume's; each is
reconstructed as the command line would (segmentation apart: the slice is binary already); the mean over
replicas is compared with the mean over the truth's corner blocks of the same size. Signed errors in %,
one column per slice; the truth's own scatter between those blocks stands beside them. Finished slices
are kept in --keep and not done again.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.core.volume import Volume
from porescape.measure.meters import measure_volume
from porescape.measure.numbers import pick
from porescape.parallel import Tell, map_ordered
from porescape.pipeline import choose_voxel_size, make_replicas
from truths import NAMES, corner_blocks, load, need_shared, typical_slices


def truth_numbers(name: str, options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of every number over the volume's corner blocks."""
    kept = options.keep / f"truth-{name}-{options.size}.json"
    table = json.loads(kept.read_text()) if kept.exists() else {}
    if missing := [number for number in options.numbers if number not in table]:
        blocks = corner_blocks(load(name), options.size)
        values = list(map_ordered(partial(_values, numbers=missing), blocks, options.workers))
        for number in missing:
            found = [v[number] for v in values]
            table[number] = (float(np.nanmean(found)), float(np.nanstd(found)))
        kept.write_text(json.dumps(table))
    return {number: tuple(table[number]) for number in options.numbers}


def _values(block: Volume, tell: Tell, *, numbers: Sequence[str]) -> dict[str, float]:
    return measure_volume(block, numbers).values


def slice_numbers(name: str, index: int, options: argparse.Namespace) -> dict[str, list[float]]:
    """Every number of every replica of one slice's reconstruction, and the seconds it took."""
    kept = options.keep / f"{options.method}-{name}-{index}-{options.size}-{options.trials}.json"
    if kept.exists():
        found = json.loads(kept.read_text())
        if len(found["seconds"]) >= options.replicas and set(options.numbers) <= set(found):
            return found
    section = typical_slices(load(name), options.slices)[index]
    settings = Settings(
        fit=Fit(trials=options.trials, method=options.method),
        output=Output(
            size=(options.size,) * 3,
            replicas=options.replicas,
            voxel_size=section.pixel_size,  # the truth's own, so that both sides are measured alike
        ),
        measure=Measure(numbers=tuple(options.numbers)),
    )
    assert choose_voxel_size(section, settings.output) == section.pixel_size
    clock = time.perf_counter()
    replicas = list(make_replicas(section, settings, seed=index, workers=options.workers))
    wall = time.perf_counter() - clock
    found = {n: [r.measurement.values[n] for r in replicas] for n in options.numbers}
    found["seconds"] = [sum(r.seconds.values()) for r in replicas]
    found["loss"] = [r.loss for r in replicas]
    found["eye"] = [None if r.look.eye is None else r.look.eye.accuracy for r in replicas]
    found["recipes"] = [asdict(r.recipe) for r in replicas]
    kept.write_text(json.dumps(found))
    print(f"# {name} slice {index}: {wall:.0f} s", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--method", default="porescape")
    parser.add_argument("--materials", default=",".join(NAMES))
    parser.add_argument("--measure", default="basic", help="groups of numbers, or single ones")
    parser.add_argument("--keep", type=Path, default=Path("bench/kept"))
    options = parser.parse_args()
    options.numbers = pick(options.measure.split(","))
    need_shared()
    options.keep.mkdir(parents=True, exist_ok=True)
    errors: dict[tuple[str, str], list[float]] = {}
    rows = []
    for name in options.materials.split(","):
        truth = truth_numbers(name, options)
        slices = [slice_numbers(name, index, options) for index in range(options.slices)]
        for number in options.numbers:
            mean, scatter = truth[number]
            error = [100 * (float(np.nanmean(s[number][: options.replicas])) / mean - 1) for s in slices]
            error = [e * np.sign(mean) if number == "euler_density" else e for e in error]
            errors[name, number] = error
            each = [np.array(s[number][: options.replicas]) for s in slices]
            spread = [100 * float(np.nanstd(values, ddof=1)) / abs(mean) for values in each]
            rows.append((name, number, mean, 100 * scatter / abs(mean), error, float(np.mean(spread))))
    heads = " | ".join(f"slice {i + 1}" for i in range(options.slices))
    print(f"| material | number | truth | its scatter % | {heads} | mean error % | SD of one replica % |")
    print("|" + "---|" * (6 + options.slices))
    for name, number, mean, scatter, error, spread in rows:
        cells = " | ".join(f"{e:+.1f}" for e in error)
        ends = f"{np.mean(error):+.1f} | {spread:.1f}"
        print(f"| {name} | {number} | {mean:.4g} | {scatter:.1f} | {cells} | {ends} |")
    per_slice = np.abs([e for error in errors.values() for e in error])
    per_material = np.abs([np.mean(error) for error in errors.values()])
    for what, values in (("every slice", per_slice), ("mean over slices", per_material)):
        print(
            f"\n{what}: median |error| {np.median(values):.1f} %, 90th percentile "
            f"{np.percentile(values, 90):.1f} %, largest {values.max():.1f} %"
        )


if __name__ == "__main__":
    main()
