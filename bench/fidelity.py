"""How far are reconstructions from the truth? One slice in, replicas out, against the whole volume.

    python bench/fidelity.py --replicas 8 --trials 200 --size 128

For each shared volume: random slices whose porosity is within 2 % of the volume's; each is
reconstructed as the command line would (segmentation apart: the slice is binary already); the mean over
replicas is compared with the mean over the truth's corner blocks of the same size. Signed errors in %,
one column per slice; the truth's own scatter between those blocks stands beside them, and the mean error of
the same replicas before their walls were refined. Below, the eye test of the same replicas: 48-pixel crops
told right [%], against their image and, with the yardstick's numbers alone, against the whole truth.
Finished slices are kept in --keep and not done again.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from eye import NOT_YARDSTICK
from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.core.volume import Volume
from porescape.io.replica import recipe_from
from porescape.judge import eye_test
from porescape.measure.meters import measure_volume
from porescape.measure.numbers import pick
from porescape.parallel import Tell, map_ordered
from porescape.pipeline import choose_voxel_size, make_replicas
from porescape.refinement import refine
from porescape.rng import structure_seed
from porescape.synthesis.generate import generate
from truths import NAMES, corner_blocks, load, need_shared, typical_slices

EYES = ("eye", "eye_truth")
Found = dict[str, list[Any]]


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


def fitted(name: str, index: int, options: argparse.Namespace) -> Found:
    """Recipes of one slice's replicas, what their structures measure as generated, and the seconds taken."""
    kept = options.keep / f"{options.method}-{name}-{index}-{options.size}-{options.trials}.json"
    if enough(kept, options):
        return json.loads(kept.read_text())
    section = typical_slices(load(name), options.slices)[index]
    settings = Settings(
        fit=Fit(trials=options.trials, method=options.method),
        output=Output(
            size=(options.size,) * 3,
            replicas=options.replicas,
            voxel_size=section.pixel_size,  # the truth's own, so that both sides are measured alike
            refine=0,
        ),
        measure=Measure(numbers=tuple(options.numbers)),
    )
    assert choose_voxel_size(section, settings.output) == section.pixel_size
    clock = time.perf_counter()
    replicas = list(make_replicas(section, settings, seed=index, workers=options.workers))
    print(f"# {name} slice {index}, fit: {time.perf_counter() - clock:.0f} s", flush=True)
    found: Found = {n: [r.measurement.values[n] for r in replicas] for n in options.numbers}
    found["seconds"] = [sum(r.seconds.values()) for r in replicas]
    found["loss"] = [r.loss for r in replicas]
    found["recipes"] = [asdict(r.recipe) for r in replicas]
    kept.write_text(json.dumps(found))
    return found


def refined(name: str, index: int, options: argparse.Namespace, recipes: list[dict[str, Any]]) -> Found:
    """The same replicas with their walls refined, and the eye tests of both."""
    kept = options.keep / f"refined-{options.sweeps}-{name}-{index}-{options.size}-{options.trials}.json"
    if enough(kept, options):
        return json.loads(kept.read_text())
    clock = time.perf_counter()
    work = partial(_refine_and_measure, recipes=recipes, name=name, index=index, options=options)
    every = list(map_ordered(work, range(options.replicas), options.workers))
    print(f"# {name} slice {index}, refined: {time.perf_counter() - clock:.0f} s", flush=True)
    found = {key: [one[key] for one in every] for key in every[0]}
    kept.write_text(json.dumps(found))
    return found


def _refine_and_measure(
    k: int, tell: Tell, *, recipes: list[dict[str, Any]], name: str, index: int, options: argparse.Namespace
) -> dict[str, float]:
    truth = load(name)
    section = typical_slices(truth, options.slices)[index]
    seed = structure_seed(index, k)
    domain = Domain((options.size,) * 3, section.pixel_size)
    before = generate(recipe_from(recipes[k]), domain, seed)
    clock = time.process_time()
    after = refine(before, section, seed=seed, sweeps=options.sweeps)
    seconds = time.process_time() - clock
    found = dict(measure_volume(after, options.numbers).values)
    for what, volume in (("before", before), ("after", after)):
        for kind, accuracy in zip(EYES, eyes(section, truth, volume), strict=True):
            found[f"{kind} {what}"] = accuracy
    return {**found, "seconds": seconds}


def eyes(section: PhaseImage, truth: Volume, volume: Volume) -> tuple[float, float]:
    """How often crops of a replica are told from its image, and from the whole truth."""
    sharp = eye_test(truth, volume, seed=0, crops=400, without=NOT_YARDSTICK)
    return eye_test(section, volume, seed=0).accuracy, sharp.accuracy


def enough(kept: Path, options: argparse.Namespace) -> bool:
    """Whether a file has as many replicas and numbers as are wanted."""
    if not kept.exists():
        return False
    found = json.loads(kept.read_text())
    return len(found["seconds"]) >= options.replicas and set(options.numbers) <= set(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--sweeps", type=int, default=Output().refine, help="of the refinement")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--method", default="porescape", help="paper has no refinement")
    parser.add_argument("--materials", default=",".join(NAMES))
    parser.add_argument("--measure", default="basic", help="groups of numbers, or single ones")
    parser.add_argument("--keep", type=Path, default=Path("bench/kept"))
    options = parser.parse_args()
    options.numbers = pick(options.measure.split(","))
    need_shared()
    options.keep.mkdir(parents=True, exist_ok=True)
    plain = options.method == "paper" or options.sweeps == 0
    errors: dict[str, list[list[float]]] = {"as fitted": [], "refined": []}
    rows, looks = [], []
    for name in options.materials.split(","):
        truth = truth_numbers(name, options)
        before = [fitted(name, index, options) for index in range(options.slices)]
        after = before
        if not plain:
            after = [refined(name, index, options, one["recipes"]) for index, one in enumerate(before)]
            looks.append((name, after))
        for number in options.numbers:
            mean, scatter = truth[number]

            def error_of(slices: list[Found], number: str = number, mean: float = mean) -> list[float]:
                means = [float(np.nanmean(one[number][: options.replicas])) for one in slices]
                return [
                    100 * (m / mean - 1) * (np.sign(mean) if number == "euler_density" else 1) for m in means
                ]

            errors["as fitted"].append(error_of(before))
            errors["refined"].append(error_of(after))
            each = [np.array(one[number][: options.replicas]) for one in after]
            spread = [100 * float(np.nanstd(values, ddof=1)) / abs(mean) for values in each]
            rows.append((name, number, mean, 100 * scatter / abs(mean), float(np.mean(spread))))
    heads = " | ".join(f"slice {i + 1}" for i in range(options.slices))
    print(
        f"| material | number | truth | its scatter % | {heads} | mean error % | SD of one replica % "
        "| mean error, not refined % |"
    )
    print("|" + "---|" * (7 + options.slices))
    for (name, number, mean, scatter, spread), was, error in zip(rows, *errors.values(), strict=True):
        cells = " | ".join(f"{e:+.1f}" for e in error)
        ends = f"{np.mean(error):+.1f} | {spread:.1f} | {np.mean(was):+.1f}"
        print(f"| {name} | {number} | {mean:.4g} | {scatter:.1f} | {cells} | {ends} |")
    for what, table in errors.items():
        for of, values in (
            ("every slice", np.abs(table)),
            ("mean over slices", np.abs(np.mean(table, axis=1))),
        ):
            print(
                f"\n{what}, {of}: median |error| {np.median(values):.1f} %, 90th percentile "
                f"{np.percentile(values, 90):.1f} %, largest {values.max():.1f} %"
            )
    if looks:
        print("\n| material | image: as fitted | image: refined | truth: as fitted | truth: refined |")
        print("|" + "---|" * 5)
    for name, slices in looks:
        cells = []
        for kind in EYES:
            for what in ("before", "after"):
                told = 100 * np.array([one[f"{kind} {what}"][: options.replicas] for one in slices])
                cells.append(f"{told.mean():.0f} ({told.min():.0f}-{told.max():.0f})")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
