"""Replicas: each fitted, generated, refined, measured and compared with the image on its own."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial

import numpy as np
from numpy.typing import NDArray

from porescape.core.checkpoint import Checkpoint, NoCheckpoint
from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.measurement import Measurement
from porescape.core.recipe import AnyRecipe
from porescape.core.results import Progress, Replica, Similarity, best_of
from porescape.core.settings import Settings
from porescape.core.volume import Volume
from porescape.fit.objective import Objective, objective_for
from porescape.fit.refine.annealing import refine
from porescape.fit.search import LEAST_DIVIDED, search
from porescape.measure.geometry.connectivity import connected_porosities
from porescape.measure.network.border import FEWEST_WHOLE, few_whole
from porescape.measure.volume import measure_volume
from porescape.memory import keep_memory
from porescape.parallel import OnProgress, ParallelMap, Workers, map_divided, map_ordered, pool_of
from porescape.rng import structure_seed
from porescape.select.selection import compare_with_image
from porescape.synthesis.generate import generate


def make_replicas(
    section: PhaseImage,
    settings: Settings,
    seed: int,
    *,
    workers: Workers = 1,
    progress: Callable[[Progress], None] = lambda event: None,
    checkpoint: Checkpoint | None = None,
    indices: Iterable[int] | None = None,
) -> Iterator[Replica]:
    """Fit, generate and measure all replicas, or those of `indices`; yields them in order."""
    checkpoint = checkpoint or NoCheckpoint()
    work = partial(
        _make_replica,
        section=(section.pore, section.pixel_size, section.speck),
        settings=settings,
        seed=seed,
        checkpoint=checkpoint,
    )
    wanted = list(range(settings.output.replicas) if indices is None else indices)
    stored = {index for index in wanted if index in checkpoint.finished()}
    for index in sorted(stored):
        progress(Progress("restored", index))
    missing = [index for index in wanted if index not in stored]
    with closing(_distribute(work, missing, workers, settings.fit.trials, progress)) as new:
        for index in wanted:
            replica = checkpoint.replica(index) if index in stored else next(new)
            if replica is None:  # saved, but damaged
                replica = work(index, progress)
            if index not in checkpoint.finished():  # a remote worker may not see this process's folder
                checkpoint.add_replica(replica)
            yield replica


# Largest number of replicas divided at the same time. One process can send about 230 trials per second to a
# cluster, enough for about 50 workers; many replicas are done as fast by one worker each.
MOST_DIVIDED = 32


def _distribute(
    work: Callable[..., Replica],
    indices: Sequence[int],
    workers: Workers,
    trials: int,
    progress: OnProgress,
) -> Generator[Replica, None, None]:
    """Make replicas: one per worker as long as every worker has one; the rest are divided among all workers.

    Whole replicas need the least communication. A divided replica gives its trials to all free workers.
    """
    with pool_of(workers) as pool:
        left = len(indices) % max(pool.size, 1)
        if left > MOST_DIVIDED or trials < LEAST_DIVIDED:
            left = 0
        whole = len(indices) - left
        yield from map_ordered(work, indices[:whole], pool if left else workers, progress)
        yield from map_divided(work, indices[whole:], pool, progress)


def _make_replica(
    index: int,
    progress: OnProgress,
    parallel_map: ParallelMap = map_ordered,
    *,
    section: tuple[NDArray[np.bool_], float, float],
    settings: Settings,
    seed: int,
    checkpoint: Checkpoint,
) -> Replica:
    """Make a replica; the expensive parts are done by `parallel_map`, by default in this process."""
    own_seed = structure_seed(seed, index)
    known = checkpoint.trials(index)
    clock = time.perf_counter()
    earlier = sum(trial.seconds for trial in known)
    (objective,) = parallel_map(partial(_objective, section=section, settings=settings), [own_seed])
    trials = []
    for trial in search(objective, settings.fit, seed, index, known, parallel_map):
        trials.append(trial)
        if len(trials) > len(known):
            checkpoint.add_trial(index, trial)
        progress(Progress("fit", index, trial, seconds=earlier + time.perf_counter() - clock))
    recipe = best_of(trials).recipe
    fitted = time.perf_counter()
    progress(Progress("generate", index, seconds=fitted - clock))
    measure = partial(_generate_and_measure, index=index, section=section, settings=settings, seed=own_seed)
    ((volume, measurement, similarity, seconds),) = parallel_map(measure, [recipe], progress=progress)
    progress(Progress("measure", index, seconds=time.perf_counter() - clock))
    seconds = {"fit": earlier + fitted - clock, **seconds}
    replica = Replica(index, own_seed, recipe, tuple(trials), volume, measurement, similarity, seconds)
    checkpoint.add_replica(replica)
    return replica


def _objective(
    seed: int,
    progress: OnProgress,
    *,
    section: tuple[NDArray[np.bool_], float, float],
    settings: Settings,
) -> Objective:
    return objective_for(PhaseImage(*section), settings.tried, seed)


def _generate_and_measure(
    recipe: AnyRecipe,
    progress: OnProgress,
    *,
    index: int,
    section: tuple[NDArray[np.bool_], float, float],
    settings: Settings,
    seed: int,
) -> tuple[Volume, Measurement, Similarity, dict[str, float]]:
    keep_memory()
    phase = PhaseImage(*section)
    clock = time.perf_counter()
    volume = generate(recipe, Domain(settings.output.size, phase.pixel_size, settings.output.periodic), seed)
    generated = time.perf_counter()
    progress(Progress("refine", index, seconds=generated - clock))
    if not settings.fit.is_published:  # the paper's method has no such step
        output = settings.output
        volume = refine(
            volume,
            phase,
            seed=seed,
            sweeps=output.refine,
            periodic=output.periodic,
            keep_floating_solid=settings.fit.percolate in ("pore", "none"),  # solid need not be connected
        )
    refined = time.perf_counter()

    def report_step(step: str, done: int, of: int) -> None:
        progress(Progress("measure", index, step=step, seconds=time.perf_counter() - refined))

    measurement = measure_volume(volume, settings.measure, report_step)
    measured = time.perf_counter()
    similarity = compare_with_image(phase, volume, seed)
    seconds = {
        "generate": generated - clock,
        "refine": refined - generated,
        "measure": measured - refined,
        "select": time.perf_counter() - measured,
    }
    return volume, measurement, similarity, seconds


def closed(replicas: Sequence[Replica]) -> Iterator[str]:
    """Yield a warning where nothing would flow through some of the replicas."""
    which = [replica.index + 1 for replica in replicas if not any(connected_porosities(replica.volume))]
    if which:
        yield f"no pore connects opposite faces in replica {', '.join(map(str, which))}: nothing would flow"


def cut_pores(replicas: Sequence[Replica]) -> Iterator[str]:
    """Yield a warning where the boxes hold too few whole pores for the numbers of their networks."""
    few = {
        replica.index + 1: int(np.count_nonzero(network.interior))
        for replica in replicas
        if (network := replica.measurement.details.network) is not None and few_whole(network)
    }
    if few:
        yield (
            f"the box is too small for statistics of pores: replica {min(few, key=few.__getitem__)} holds "
            f"{min(few.values())} whole ones, wanted {FEWEST_WHOLE} or more"
        )
