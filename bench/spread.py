"""One search on one and on several workers: the same trials, and how much sooner?

    python bench/spread.py --size 96 --trials 200 --workers 2 --rounds 3
    python bench/spread.py --dask
    python bench/spread.py --rounds 0 --waiting 0.2 --workers 16

The sides take turns within a round, in changing order, so that what else the machine does falls on all of
them; the ratio is that of the times of the search in one round. In brackets: how much of the workers' time
went into trials, which other programs disturb less. Processes start within the time that is counted; `--dask`
adds a cluster of as many workers here, which has started before.

`--waiting` measures the sharing alone, also where there are fewer cores than workers: trials that do nothing
but wait, as long as given (each half to one and a half times, by its number), on 1, 2, 4, ... workers that
have started before. Beside it stands what the batches allow at best.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from porescape.core.recipe import PaperRecipe
from porescape.core.results import Replica
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.dask_pool import dask_pool
from porescape.fit.objective import Point
from porescape.fit.samplers import START
from porescape.fit.search import CONFIRMATIONS, CONFIRMED, search
from porescape.io.images.image import read_image
from porescape.jobs.reconstruct import prepare
from porescape.jobs.replicas import make_replicas
from porescape.parallel import OnProgress, Pool, Workers, pool_of
from porescape.sample import sample_path

GENERATION = 10  # points of CMA-ES in nine dimensions


def rounds(trials: int, workers: int) -> int:
    """How many trials one after the other, where all take equally long and `workers` are tried at once."""
    climb = trials - START - CONFIRMED * CONFIRMATIONS
    batches = [START, *[GENERATION] * (climb // GENERATION), climb % GENERATION, CONFIRMED * CONFIRMATIONS]
    return sum(-(-batch // workers) for batch in batches)


def nothing(item: float, progress: OnProgress) -> float:
    time.sleep(item)
    return item


def cost_of_asking(pool: Pool, batches: int = 30) -> float:
    """Seconds per trial that a search spends on asking, with all workers there."""
    clock = time.perf_counter()
    for _ in range(batches):
        list(pool.map(nothing, [0.0] * GENERATION))
    return (time.perf_counter() - clock) / batches / GENERATION


class Waiting:
    """A problem without work; its trials take half to one and a half times as long as given."""

    dimension = 9

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def recipe(self, x: Point) -> PaperRecipe:
        return PaperRecipe(tuple(map(float, x)))

    def evaluate(self, recipe: PaperRecipe, draw: int = 0) -> dict[str, float]:
        time.sleep(self.seconds * (0.5 + (1e6 * recipe.x[0]) % 1))
        return {"bowl": sum((value - 0.3) ** 2 for value in recipe.x)}


def share_waiting(seconds: float, trials: int, most: int, dask: bool) -> None:
    objective, fit = Waiting(seconds), Fit(trials=trials)
    print(f"\n{trials} trials that wait {seconds:g} s each, about\n")
    print("| workers | search | times as fast | at best | ms to ask and be answered |\n|---|---|---|---|---|")
    alone, workers = 0.0, 1
    while workers <= most:
        with ExitStack() as stack:
            pool: Pool = stack.enter_context(dask_pool("local", workers) if dask else pool_of(workers))
            list(pool.map(nothing, [1.0] * workers))  # so that each of them starts
            list(search(objective, Fit(trials=START), 0, spread=pool.map))  # and imports what it needs
            asking = cost_of_asking(pool)
            clock = time.perf_counter()
            list(search(objective, fit, 0, spread=pool.map))
            took = time.perf_counter() - clock
        alone = alone or took
        best = rounds(trials, 1) / rounds(trials, workers)
        solid_grains = f"{took:.1f} s | {alone / took:.2f} | {best:.2f} | {1e3 * asking:.1f}"
        print(f"| {workers}{' of Dask' * dask} | {solid_grains} |", flush=True)
        workers *= 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dask", action="store_true")
    parser.add_argument("--waiting", type=float, help="seconds")
    options = parser.parse_args()
    if options.rounds:
        race(options)
    if options.waiting:
        share_waiting(options.waiting, options.trials, options.workers, options.dask)


def race(options: argparse.Namespace) -> None:
    settings = Settings(
        fit=Fit(size=options.size, trials=options.trials),
        output=Output(size=(options.size,) * 3, replicas=1),
        measure=Measure(numbers=("porosity",)),
    )
    section = prepare(read_image(sample_path()), settings)[2]

    def run(workers: Workers) -> Replica:
        (replica,) = make_replicas(section, settings, 0, workers=workers)
        return replica

    with ExitStack() as stack:
        sides: dict[str, Workers] = {"1 process": 1, f"{options.workers} processes": options.workers}
        if options.dask:
            sides[f"{options.workers} of Dask"] = stack.enter_context(dask_pool("local", options.workers))
        run(1)  # kernels
        times: dict[str, list[float]] = {name: [] for name in sides}
        print(f"\n| round | {' | '.join(sides)} | same | load |\n|---|{'---|' * len(sides)}---|---|")
        for number in range(options.rounds):
            found: dict[str, Replica] = {}
            solid_grains: dict[str, str] = {}
            for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
                found[name] = run(sides[name])
                took = found[name].seconds["fit"]
                tried = sum(trial.seconds for trial in found[name].trials)
                hands = 1 if sides[name] == 1 else options.workers
                solid_grains[name] = f"{took:.1f} s ({100 * tried / took / hands:.0f} %)"
                times[name].append(took)
            same = len({_what(replica) for replica in found.values()}) == 1
            row = " | ".join(solid_grains[name] for name in sides)
            print(f"| {number + 1} | {row} | {'yes' if same else 'NO'} | {_load()} |", flush=True)
    alone = times["1 process"]
    for name in list(sides)[1:]:
        gains = [one / many for one, many in zip(alone, times[name], strict=True)]
        print(f"{name}: {statistics.median(gains):.2f} times as fast ({min(gains):.2f} to {max(gains):.2f})")


def _what(replica: Replica) -> tuple[object, ...]:
    trials = tuple((t.number, t.x, t.loss, tuple(t.parts.items()), t.draw) for t in replica.trials)
    return trials, replica.recipe, replica.volume.pore.tobytes()


def _load() -> str:
    load: Callable[[], tuple[float, ...]] | None = getattr(os, "getloadavg", None)
    return f"{load()[0]:.1f}" if load else "-"


if __name__ == "__main__":
    main()
