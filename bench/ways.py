"""The ways from a slice to volumes, and what each finds. Every finding is kept and not made again.

A kept file is one slice's by one way, a table of lists with an entry per replica. What it lacks, a number or
a replica, is added: structures follow from recipe and seed, so they are made again without another fit.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import nan
from pathlib import Path
from typing import Any

import numpy as np

from baselines import BASELINES, FLOORS
from curves import CURVES, curves_of, last_lag, relative_l1
from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.core.volume import Volume
from porescape.fit.refine.annealing import refine
from porescape.io.atomic import whole_file
from porescape.io.runs.replica import recipe_from
from porescape.jobs.replicas import make_replicas
from porescape.measure.meters import NUMBERS
from porescape.measure.volume import measure_volume
from porescape.parallel import OnProgress, map_ordered
from porescape.rng import structure_seed
from porescape.section.resample import choose_voxel_size
from porescape.select.crops import CROP
from porescape.select.two_sample import two_sample_test
from porescape.synthesis.generate import generate
from truths import corner_blocks, load, typical_slices
from two_sample import NOT_YARDSTICK

EYES = ("eye", "eye_truth")
LOOKS = (*EYES, *CURVES)
STAGES = ("before", "after")  # of a refinement
WITNESS = "specific_surface"  # which a replica made again must have as before, or the code has changed
SAME_CODE, OTHER_CODE = 1e-9, 0.01  # relative; beyond the first it is said, beyond the second refused
BASELINE_TITLES = {"paper": "paper's preset", "field": "Gaussian field", "blobs": "PoreSpy blobs"}
FLOOR_TITLES = {
    "balls": "the very process",
    "voxel-balls": "the same, centres on voxels",
    "refined-balls": "the very process, refined",
}
NOT_OURS = {**BASELINE_TITLES, **FLOOR_TITLES}

Found = dict[str, list[Any]]
Lack = tuple[int, list[str]]  # a replica, and what is not known of it


@dataclass(frozen=True)
class Way:
    """What one way found: per material one table per slice, with numbers, looks and "seconds"."""

    title: str
    replicas: int
    slices: dict[str, list[Found]]


@dataclass(frozen=True)
class TrueCurves:
    """The truth's mean curves over its corner blocks, the lag up to which they are compared, and the blocks'
    own mean distances from them."""

    last: int
    mean: dict[str, list[float]]
    scatter: dict[str, float]


# -- the truth --------------------------------------------------------------------------------------


def truth_numbers(name: str, options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of every number over the volume's corner blocks."""
    kept = options.checkpoint / f"truth-{name}-{options.size}.json"
    table = _read(kept)
    if missing := [number for number in options.numbers if number not in table]:
        blocks = corner_blocks(load(name), options.size)
        values = list(map_ordered(partial(_values, numbers=missing), blocks, options.workers))
        for number in missing:
            known = [v[number] for v in values if not np.isnan(v[number])]
            table[number] = (float(np.mean(known)), float(np.std(known))) if known else (nan, nan)
        _write(kept, table)
    return {number: tuple(table[number]) for number in options.numbers}


def _values(block: Volume, progress: OnProgress, *, numbers: Sequence[str]) -> dict[str, float]:
    return measure_volume(block, numbers).values


def truth_curves(name: str, options: argparse.Namespace) -> TrueCurves:
    """Mean curves over the volume's corner blocks."""
    kept = options.checkpoint / f"truth-{name}-{options.size}.json"
    table = _read(kept)
    if "curves" not in table:
        blocks = corner_blocks(load(name), options.size)
        last, each = last_lag(blocks), [curves_of(block) for block in blocks]
        mean = {curve: np.mean([one[curve] for one in each], axis=0).tolist() for curve in CURVES}
        scatter = {
            curve: float(np.mean([relative_l1(one[curve], mean[curve], last) for one in each]))
            for curve in CURVES
        }
        table["curves"] = asdict(TrueCurves(last, mean, scatter))
        _write(kept, table)
    return TrueCurves(**table["curves"])


# -- porescape's own ways, fitted and refined -------------------------------------------------------


def fitted(name: str, index: int, options: argparse.Namespace, method: str, replicas: int) -> Found:
    """Recipes of one slice's replicas, what their structures are like as generated, and the seconds taken.

    Curves and eye tests are found here only where no refinement follows, which finds both.
    """
    kept = options.checkpoint / f"{method}-{name}-{index}-{options.size}-{options.trials}.json"
    found = _read(kept)
    if missing := range(len(found.get("recipes", [])), replicas):
        section = typical_slices(load(name), options.slices)[index]
        settings = _settings(section, options, method, replicas)
        assert choose_voxel_size(section, settings.output) == section.pixel_size
        clock = time.perf_counter()
        made = make_replicas(section, settings, seed=index, workers=options.workers, indices=missing)
        for replica in made:
            column = found.setdefault("made_seconds", [])  # files from before it was kept do not have it
            column += [nan] * (replica.index - len(column))
            one = {
                **replica.measurement.values,
                "recipes": asdict(replica.recipe),
                "loss": replica.loss,
                "seconds": sum(replica.seconds.values()),
                "made_seconds": replica.seconds["fit"] + replica.seconds["generate"],
            }
            for key, value in one.items():
                if len(found.setdefault(key, [])) == replica.index:
                    found[key].append(value)
            _write(kept, found)
        print(f"# {name} slice {index}, {method} fit: {time.perf_counter() - clock:.0f} s", flush=True)
    similarities = LOOKS if is_plain(method, options) else ()
    work = partial(_generate, recipes=found["recipes"], name=name, index=index, options=options)
    return completed(kept, (*options.numbers, *similarities), replicas, work, options.workers)


def _settings(section: PhaseImage, options: argparse.Namespace, method: str, replicas: int) -> Settings:
    fit = Fit(trials=options.trials, family=options.family)
    if (
        method == "paper"
    ):  # which fits what it delivers, with Bayesian optimisation; its lengths follow the size
        fit = Fit(trials=options.trials, method="paper", size=options.size, sampler="tpe")
    return Settings(
        fit=fit,
        output=Output(
            size=(options.size,) * 3,
            replicas=replicas,
            voxel_size=section.pixel_size,  # the truth's own, so that both sides are measured alike
            refine=0,
        ),
        measure=Measure(numbers=tuple(options.numbers)),
    )


def is_plain(method: str, options: argparse.Namespace) -> bool:
    """Whether replicas stay as they are fitted."""
    return method == "paper" or options.sweeps == 0


def _generate(
    lack: Lack,
    progress: OnProgress,
    *,
    recipes: list[dict[str, Any]],
    name: str,
    index: int,
    options: argparse.Namespace,
) -> dict[str, Any]:
    k, keys = lack
    truth, section = _pair(name, index, options)
    volume = _again(recipes[k], section.pixel_size, structure_seed(index, k), options)
    return _numbers(volume, keys) | _looks(section, truth, volume, keys)


def _again(recipe: dict[str, Any], voxel_size: float, seed: int, options: argparse.Namespace) -> Volume:
    return generate(recipe_from(recipe), Domain((options.size,) * 3, voxel_size), seed)


def refined(name: str, index: int, options: argparse.Namespace, recipes: list[dict[str, Any]]) -> Found:
    """The same replicas with their walls refined; curves and eye tests of both, "before" and "after"."""
    kept = refined_file(name, index, options.sweeps, options)
    wanted = (
        *options.numbers,
        *(f"{similarity} {stage}" for stage in STAGES for similarity in LOOKS),
        "seconds",
    )
    work = partial(_refine, recipes=recipes, name=name, index=index, options=options)
    clock = time.perf_counter()
    found = completed(kept, wanted, options.replicas, work, options.workers)
    if (seconds := time.perf_counter() - clock) > 1:
        print(f"# {name} slice {index}, refined: {seconds:.0f} s", flush=True)
    return found


def refined_file(name: str, index: int, sweeps: int, options: argparse.Namespace) -> Path:
    """Where a slice's refined replicas are kept."""
    return options.checkpoint / f"refined-{sweeps}-{name}-{index}-{options.size}-{options.trials}.json"


def _refine(
    lack: Lack,
    progress: OnProgress,
    *,
    recipes: list[dict[str, Any]],
    name: str,
    index: int,
    options: argparse.Namespace,
) -> dict[str, Any]:
    k, keys = lack
    truth, section = _pair(name, index, options)
    seed = structure_seed(index, k)
    before = _again(recipes[k], section.pixel_size, seed, options)
    clock = time.process_time()
    after = refine(before, section, seed=seed, sweeps=options.sweeps)
    found: dict[str, Any] = {"seconds": time.process_time() - clock, **_numbers(after, keys)}
    for stage, volume in zip(STAGES, (before, after), strict=True):
        wanted = [similarity for similarity in LOOKS if f"{similarity} {stage}" in keys]
        similarities = _looks(section, truth, volume, wanted)
        found |= {f"{similarity} {stage}": value for similarity, value in similarities.items()}
    return found


def own_ways(names: Sequence[str], options: argparse.Namespace) -> list[Way]:
    """Fit, and refine if wanted, the slices of all materials; returns the way delivered last."""
    before: dict[str, list[Found]] = {name: [] for name in names}
    after: dict[str, list[Found]] = {name: [] for name in names}
    plain = is_plain(options.method, options)
    for name in names:
        for index in range(options.slices):
            fit = fitted(name, index, options, options.method, options.replicas)
            if not plain:
                fine = refined(name, index, options, fit["recipes"])
                after[name].append(_stage(fit, fine, "after"))
                fit = _stage(fit, fine, "before")
            before[name].append({**fit, "seconds": _made_seconds(fit)})
    title = BASELINE_TITLES.get(options.method, "as fitted")
    ways = [Way(title, options.replicas, before)]
    return ways if plain else [*ways, Way("refined", options.replicas, after)]


def refined_ways(names: Sequence[str], options: argparse.Namespace) -> list[Way]:
    """Return all numbers of sweeps whose refined replicas are kept for every slice of all materials."""
    ways = []
    files = options.checkpoint.glob(f"refined-*-{names[0]}-0-{options.size}-{options.trials}.json")
    for sweeps in sorted(int(file.name.split("-")[1]) for file in files):
        slices = {
            name: [_read(refined_file(name, index, sweeps, options)) for index in range(options.slices)]
            for name in names
        }
        if all(
            len(found.get(number, ())) >= options.replicas
            for every in slices.values()
            for found in every
            for number in options.numbers
        ):
            ways.append(Way(f"refined, {sweeps} sweeps", options.replicas, slices))
    return ways


def _stage(fit: Found, fine: Found, stage: str) -> Found:
    """Return the table of one stage of a refinement under plain names."""
    made = _made_seconds(fit)
    similarities = {similarity: fine[f"{similarity} {stage}"] for similarity in LOOKS}
    if stage == "before":
        return {**fit, **similarities}
    return {**fine, **similarities, "seconds": [a + b for a, b in zip(made, fine["seconds"], strict=False)]}


def _made_seconds(fit: Found) -> list[float]:
    return fit.get("made_seconds", [nan] * len(fit["recipes"]))


# -- the baselines ----------------------------------------------------------------------------------


def baseline_way(kind: str, names: Sequence[str], options: argparse.Namespace) -> Way:
    """Make and measure one baseline for the slices of all materials."""
    slices: dict[str, list[Found]] = {name: [] for name in names}
    for name in names:
        for index in range(options.slices):
            if kind == "paper":
                found = fitted(name, index, options, "paper", options.baseline_replicas)
                found = {**found, "seconds": _made_seconds(found)}
            else:
                found = baseline(kind, name, index, options)
            slices[name].append(found)
    return Way(NOT_OURS[kind], options.baseline_replicas, slices)


def baseline(kind: str, name: str, index: int, options: argparse.Namespace) -> Found:
    """What one slice's replicas by a method without a fit are like."""
    kept = options.checkpoint / f"{kind}-{name}-{index}-{options.size}.json"
    wanted = (*options.numbers, *LOOKS, "seconds")
    work = partial(_baseline, kind=kind, name=name, index=index, options=options)
    clock = time.perf_counter()
    found = completed(kept, wanted, options.baseline_replicas, work, options.workers)
    if (seconds := time.perf_counter() - clock) > 1:
        print(f"# {name} slice {index}, {NOT_OURS[kind]}: {seconds:.0f} s", flush=True)
    return found


def _baseline(
    lack: Lack, progress: OnProgress, *, kind: str, name: str, index: int, options: argparse.Namespace
) -> dict[str, Any]:
    k, keys = lack
    truth, section = _pair(name, index, options)
    clock = time.process_time()
    volume = {**BASELINES, **FLOORS}[kind](section, options.size, structure_seed(index, k))
    seconds = time.process_time() - clock
    return {"seconds": seconds, **_numbers(volume, keys), **_looks(section, truth, volume, keys)}


# -- what they share --------------------------------------------------------------------------------


def completed(
    kept: Path,
    wanted: Sequence[str],
    replicas: int,
    work: Callable[[Lack, OnProgress], dict[str, Any]],
    workers: int,
) -> Found:
    """Return a kept table with every wanted key of every replica; what it lacks is worked out and kept.

    Says so where a replica made again is not quite the one that was kept, and leaves where it is another.
    """
    found = _read(kept)
    lacks = []
    for k in range(replicas):
        keys = [key for key in wanted if len(found.get(key, ())) <= k]
        if keys:
            again = len(found.get(WITNESS, ())) > k
            lacks.append((k, [*keys, WITNESS] if again else keys))
    for (k, keys), one in zip(lacks, map_ordered(work, lacks, workers), strict=True):
        if WITNESS in keys and len(found.get(WITNESS, ())) > k:
            _compare(kept, k, one[WITNESS], found[WITNESS][k])
            keys.remove(WITNESS)
        for key in keys:
            found.setdefault(key, []).append(one[key])
        _write(kept, found)
    return found


def _compare(kept: Path, k: int, now: float, before: float) -> None:
    off = abs(now / before - 1)
    words = f"{kept}: replica {k} was kept by other code, its {WITNESS} is now {100 * off:.2g} % off"
    if off > OTHER_CODE:
        sys.exit(f"{words}; remove the file, or choose another --keep")
    if off > SAME_CODE:
        print(f"# {words}; what it lacked is of now, the rest of then", flush=True)


def _numbers(volume: Volume, keys: Sequence[str]) -> dict[str, float]:
    numbers = [key for key in keys if key in NUMBERS]
    return dict(measure_volume(volume, numbers).values) if numbers else {}


def _looks(section: PhaseImage, truth: Volume, volume: Volume, keys: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if set(keys) & set(EYES):
        found |= dict(zip(EYES, eyes(section, truth, volume), strict=True))
    if set(keys) & set(CURVES):
        found |= curves_of(volume)
    return found


def eyes(section: PhaseImage, truth: Volume, volume: Volume) -> tuple[float, float]:
    """How often crops of a replica are told from its image, and from the whole truth."""
    crop = min(CROP, min(volume.shape) // 16 * 8)  # smaller ones in boxes without room for two
    blunt = two_sample_test(section, volume, seed=0, crop=crop)
    sharp = two_sample_test(truth, volume, seed=0, crop=crop, crops=400, without=NOT_YARDSTICK)
    return blunt.accuracy, sharp.accuracy


def _pair(name: str, index: int, options: argparse.Namespace) -> tuple[Volume, PhaseImage]:
    truth = load(name)
    return truth, typical_slices(truth, options.slices)[index]


def _read(kept: Path) -> dict[str, Any]:
    return json.loads(kept.read_text()) if kept.exists() else {}


def _write(kept: Path, table: dict[str, Any]) -> None:
    with whole_file(kept) as partial_file:
        partial_file.write_text(json.dumps(table))
