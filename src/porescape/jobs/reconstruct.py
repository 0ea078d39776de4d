"""The story: one SEM image in, replicas and their numbers out."""

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from porescape.core.domain import Domain
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.settings import Output, Settings
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.fit.objective import Objective, objective_for
from porescape.fit.refine.annealing import refine
from porescape.fit.search import LEAST_DIVIDED, Trial, best_of, search
from porescape.intervals.method_error import method_errors, misses
from porescape.intervals.uncertainty import (
    SMALLEST_STEP,
    Structure,
    intervals,
    numbers_of,
    sampling,
    slopes,
    thresholds,
)
from porescape.measure.geometry.connectivity import connected_porosities
from porescape.measure.geometry.correlation import mean_chords
from porescape.measure.numbers import (
    NUMBERS,
    Estimate,
    Measurement,
    interval_of,
    pick,
    students_margin,
    summarise,
)
from porescape.measure.volume import measure_volume
from porescape.memory import keep_memory
from porescape.parallel import OnProgress, ParallelMap, Workers, map_divided, map_ordered, pool_of
from porescape.rng import structure_seed
from porescape.section.checks import Check, check_image, raise_on_failures
from porescape.section.segment import segment
from porescape.section.specks import without_specks
from porescape.select.selection import Selection, Similarity, compare_with_image, select
from porescape.synthesis.generate import generate
from porescape.units import format_length

FINE_ENOUGH = 10.0  # voxels per mean chord of the thinner phase; finer than this buys no shape, only size
FEW_FEATURES = 4.0  # mean pore + solid chords across the box; below, one box is an anecdote


@dataclass(frozen=True, slots=True)
class Progress:
    """What happened: trial `trial` of replica `replica`, or the end of a stage.

    Attributes
    ----------
    stage : str
        "segment", "fit", "generate" (the fit is over), "refine" (the structure is there), "measure",
        "interval"; "kept" for a whole replica from before.
    replica : int
        From 0; -1 where the stage has no replica.
    trial : Trial or None
        The trial just done.
    step : str
        What was just measured; empty when a stage is done.
    seconds : float
        Time the stage has taken so far.
    """

    stage: str
    replica: int = -1
    trial: Trial | None = None
    step: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """One fitted structure.

    Attributes
    ----------
    index : int
        From 0.
    seed : int
        Seed of its random fields.
    recipe : Recipe or PaperRecipe
        What it is made of.
    trials : tuple of Trial
        Every trial of its search, in order.
    volume : Volume
    measurement : Measurement
    similarity : Look
        How it compares with the image where the fit did not look.
    seconds : dict of str to float
        Time spent on "fit", "generate", "refine", "measure" and "judge".
    """

    index: int
    seed: int
    recipe: Recipe | PaperRecipe
    trials: tuple[Trial, ...]
    volume: Volume
    measurement: Measurement
    similarity: Similarity
    seconds: dict[str, float]

    @property
    def loss(self) -> float:
        """Objective of the chosen recipe, on the search's own random fields."""
        return best_of(self.trials).loss

    @property
    def family(self) -> str:
        """What the chosen recipe is made of: "fields", "fibres" or "grains"."""
        return best_of(self.trials).family


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """Everything one run produced, and everything needed to run it again.

    Attributes
    ----------
    image : Micrograph
    phase : PhaseImage
        The segmented image at its own pixel size.
    section : PhaseImage
        The same at the voxel size of the replicas: what the fit saw.
    checks : tuple of Check
        Whether the image can stand for an isotropic, homogeneous material.
    replicas : tuple of Replica
    properties : dict of str to Estimate
        Mean, spread and interval over replicas, by the names of `measure.numbers.NUMBERS`.
    selection : Verdict
        Which replica looks most like the image, and why.
    settings : Settings
    seed : int
    warnings : tuple of str
        What a careful reader should know.
    """

    image: Micrograph
    phase: PhaseImage
    section: PhaseImage
    checks: tuple[Check, ...]
    replicas: tuple[Replica, ...]
    properties: dict[str, Estimate]
    selection: Selection
    settings: Settings
    seed: int
    warnings: tuple[str, ...]

    @property
    def selected(self) -> Replica:
        """The replica that looks most like the image."""
        return self.replicas[self.selection.selected]


class Checkpoint(Protocol):
    """Where a job keeps what is done, so that it can go on after an interruption.

    Worker processes use it themselves, so it must be picklable. `porescape.io.runs.checkpoint` has one that
    is a folder.
    """

    def trials(self, replica: int) -> Sequence[Trial]:
        """Return the first trials of a replica's search, in order, as far as they are known."""

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Keep a trial."""

    def finished(self) -> Collection[int]:
        """Return which replicas are there."""

    def replica(self, index: int) -> "Replica | None":
        """Return a replica, if it is there and whole."""

    def add_replica(self, replica: "Replica") -> None:
        """Keep a replica."""

    def numbers(self, name: str) -> Mapping[str, float] | None:
        """Return numbers that were kept under this name."""

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Keep numbers under a name."""


class NoCheckpoint:
    """For jobs that start anew when they are interrupted."""

    def trials(self, replica: int) -> Sequence[Trial]:
        """None."""
        return ()

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Forget it."""

    def finished(self) -> Collection[int]:
        """None."""
        return ()

    def replica(self, index: int) -> "Replica | None":
        """None."""
        return None

    def add_replica(self, replica: "Replica") -> None:
        """Forget it."""

    def numbers(self, name: str) -> Mapping[str, float] | None:
        """None."""
        return None

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Forget them."""


def reconstruct(
    image: Micrograph,
    settings: Settings | None = None,
    seed: int = 0,
    *,
    workers: Workers = 1,
    progress: Callable[[Progress], None] = lambda event: None,
    checkpoint: Checkpoint | None = None,
) -> Reconstruction:
    """Rebuild the 3-D pore structure behind one SEM image.

    Parameters
    ----------
    image : Micrograph
        From `porescape.read_image` or `porescape.image_from_array`.
    settings : Settings, optional
        Defaults: 8 replicas of 128³ voxels, 200 trials each.
    seed : int
        Everything random follows from it. Same image, settings and seed: same bytes, whatever the
        number of workers and however often it was interrupted.
    workers : int or Crew
        Processes, or the workers of a cluster (`porescape.dask_pool`).
    progress : callable
        Told of every trial and stage, kept ones too; raise from it to stop.
    checkpoint : Keep, optional
        Holds what is done, and gives it back when the same job is started again.

    Raises
    ------
    InputError
        The image cannot be used; the message says what was found, wanted and to try.
    """
    settings, checkpoint = settings or Settings(), checkpoint or NoCheckpoint()
    phase, checks, section = prepare(image, settings)
    progress(Progress("segment"))
    replicas = tuple(
        make_replicas(section, settings, seed, workers=workers, progress=progress, checkpoint=checkpoint)
    )
    selection = select(section, [replica.similarity for replica in replicas])
    properties = summarise([replica.measurement for replica in replicas])
    if settings.measure.interval == "full":
        selected = replicas[selection.selected]
        properties = with_intervals(
            properties, image, section, checks, selected, settings, workers, progress, checkpoint
        )
    return Reconstruction(
        image=image,
        phase=phase,
        section=section,
        checks=checks,
        replicas=replicas,
        properties=properties,
        selection=selection,
        settings=settings,
        seed=seed,
        warnings=(
            *image.warnings,
            *(check.sentence for check in checks if check.status != "ok"),
            *_cautions(phase, section, settings.output),
            *_fit_cautions(replicas),
            *selection.cautions,
        ),
    )


def reconstruct_shard(
    image: Micrograph,
    settings: Settings,
    seed: int,
    shard: tuple[int, int],
    checkpoint: Checkpoint,
    *,
    workers: Workers = 1,
    progress: Callable[[Progress], None] = lambda event: None,
) -> list[int]:
    """Make every n-th replica of a job and keep it; `reconstruct` with the same `checkpoint` gathers them.

    Parameters
    ----------
    image, settings, seed
        The whole job's, as for `reconstruct`.
    shard : tuple of int
        (i, n): of n shards the i-th, from 1, which makes the replicas i, i + n, i + 2n, ... counted from 1.
    checkpoint : Keep
        Shared by all shards.

    Returns
    -------
    list of int
        The replicas of this shard, from 0, all of them kept now.

    Raises
    ------
    SettingsError
        There is no such shard.
    """
    number, of = shard
    if not 1 <= number <= of:
        raise SettingsError(f"shard {number}/{of} does not exist; wanted i/n with i from 1 to n, e.g. 1/{of}")
    _, _, section = prepare(image, settings)
    progress(Progress("segment"))
    own = range(number - 1, settings.output.replicas, of)
    missing = [index for index in own if index not in checkpoint.finished()]
    made = make_replicas(
        section, settings, seed, workers=workers, progress=progress, checkpoint=checkpoint, indices=missing
    )
    for _ in made:
        pass  # one at a time: a shard holds none of them
    return list(own)


def prepare(image: Micrograph, settings: Settings) -> tuple[PhaseImage, tuple[Check, ...], PhaseImage]:
    """Return the segmented image, its checks, and the section at the voxel size of the replicas."""
    pick(settings.measure.numbers)  # what cannot be measured is said now, not after the fit
    phase = segment(image, settings.segmentation)  # (y, x) bool
    checks = check_image(phase)
    raise_on_failures(checks, settings.checks.accept)
    return phase, checks, at_voxel_size(phase, choose_voxel_size(phase, settings.output))


def with_intervals(
    properties: dict[str, Estimate],
    image: Micrograph,
    section: PhaseImage,
    checks: Sequence[Check],
    replica: Replica,
    settings: Settings,
    workers: Workers,
    progress: Callable[[Progress], None],
    checkpoint: Checkpoint,
) -> dict[str, Estimate]:
    """Return the estimates with intervals that also hold the doubts of threshold, sample and method.

    The paper's literal recipes have no porosity to turn, and nobody has measured the errors of that method
    here; their intervals stay those of the replicas.
    """
    if not isinstance(replica.recipe, Recipe):
        return properties
    size = next(check for check in checks if check.name == "size")
    sample = sampling(section, size.values["porosity_error"])
    threshold = thresholds(image, settings.segmentation)
    step = max(SMALLEST_STEP, sample.porosity, *(abs(one.porosity) for one in threshold))
    domain = Domain(settings.output.size, section.pixel_size, settings.output.periodic)
    work = partial(_numbers_once, checkpoint=checkpoint)
    slope = slopes(replica.recipe, domain, replica.seed, settings.measure, step, workers=workers, work=work)
    progress(Progress("interval"))
    parts = intervals(
        {name: e.mean for name, e in properties.items()},
        {name: students_margin(e.sd, e.n) for name, e in properties.items()},
        slope,
        threshold,
        sample,
        method_errors(misses("refined" if settings.output.refine else "as generated")),
    )
    return {
        name: replace(
            e,
            ci95=interval_of(e.mean, parts[name].total, NUMBERS[name].least, NUMBERS[name].most),
            parts=parts[name].known(),
        )
        if name in parts
        else e
        for name, e in properties.items()
    }


def choose_voxel_size(phase: PhaseImage, output: Output) -> float:
    """Return the voxel size of the replicas [m].

    The image's own pixel size, unless its features span many more pixels than their shape needs: then
    a box of the same number of voxels is better spent on more of them.
    """
    if output.voxel_size is not None:
        return output.voxel_size
    thinner = min(mean_chords(Volume(phase.pore[None], phase.pixel_size)))
    return max(phase.pixel_size, thinner / FINE_ENOUGH)


def at_voxel_size(phase: PhaseImage, voxel_size: float) -> PhaseImage:
    """Return the section resampled so that one pixel is one voxel; its porosity is kept by rank.

    Where specks were removed from it, none is left by the resampling either, which may move the porosity a
    little (0.4870 to 0.4868 in a hydrogel).
    """
    factor = phase.pixel_size / voxel_size
    if abs(factor - 1) < 1e-6:
        return phase
    shape = tuple(max(round(n * factor), 1) for n in phase.pore.shape)
    if min(shape) < 48:
        raise InputError(
            f"at {format_length(voxel_size)} per voxel the image is only {shape[0]} x {shape[1]} pixels, "
            "but 48 are needed; choose a smaller --voxel-size or a larger image"
        )
    share = resize(phase.pore.astype(np.float32), shape, order=1, anti_aliasing=factor < 1)
    level = np.quantile(share, 1 - phase.porosity)
    smallest = round(phase.speck / voxel_size**2)
    return PhaseImage(without_specks(share > level, smallest), voxel_size, phase.speck)


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
    """Fit, generate and measure the replicas, all or those of `indices`; yields them in order."""
    checkpoint = checkpoint or NoCheckpoint()
    work = partial(
        _make_replica,
        section=(section.pore, section.pixel_size, section.speck),
        settings=settings,
        seed=seed,
        checkpoint=checkpoint,
    )
    wanted = list(range(settings.output.replicas) if indices is None else indices)
    kept = {index for index in wanted if index in checkpoint.finished()}
    for index in sorted(kept):
        progress(Progress("kept", index))
    missing = [index for index in wanted if index not in kept]
    with closing(_share_out(work, missing, workers, settings.fit.trials, progress)) as new:
        for index in wanted:
            replica = checkpoint.replica(index) if index in kept else next(new)
            if replica is None:  # there, but damaged
                replica = work(index, progress)
            if (
                index not in checkpoint.finished()
            ):  # a worker far away may not see where this process keeps things
                checkpoint.add_replica(replica)
            yield replica


# Replicas that are divided at once, at most. One process asks a cluster for some 230 trials a second, enough
# for about 50 workers; many replicas are done as soon by one worker each.
MOST_DIVIDED = 32


def _share_out(
    work: Callable[..., Replica],
    indices: Sequence[int],
    workers: Workers,
    trials: int,
    progress: OnProgress,
) -> Generator[Replica, None, None]:
    """Make replicas: one per worker as long as that goes round; those left over are divided among all.

    Whole replicas need the least talk. Dividing one gives its trials to all workers, as they are free.
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
    """Make a replica; what is heavy is done by `parallel_map`, by default here."""
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
    recipe: Recipe | PaperRecipe,
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
    if settings.fit.method != "paper":  # which has no such step
        output = settings.output
        volume = refine(
            volume,
            phase,
            seed=seed,
            sweeps=output.refine,
            periodic=output.periodic,
            crumbs=settings.fit.percolate in ("pore", "none"),  # solid need not hang together
        )
    refined = time.perf_counter()

    def heard(step: str, done: int, of: int) -> None:
        progress(Progress("measure", index, step=step, seconds=time.perf_counter() - refined))

    measurement = measure_volume(volume, settings.measure, heard)
    measured = time.perf_counter()
    similarity = compare_with_image(phase, volume, seed)
    seconds = {
        "generate": generated - clock,
        "refine": refined - generated,
        "measure": measured - refined,
        "judge": time.perf_counter() - measured,
    }
    return volume, measurement, similarity, seconds


def _numbers_once(
    structure: Structure, progress: OnProgress, *, checkpoint: Checkpoint
) -> Mapping[str, float]:
    recipe, _, seed, _ = structure
    name = f"structure {seed} at porosity {recipe.porosity!r}"
    found = checkpoint.numbers(name)
    if found is None:
        found = numbers_of(structure, progress)
        checkpoint.add_numbers(name, found)
    return found


def _cautions(phase: PhaseImage, section: PhaseImage, output: Output) -> Iterator[str]:
    if section.pixel_size > phase.pixel_size * (1 + 1e-6):
        yield (
            f"the replicas' voxels are {format_length(section.pixel_size)}, coarser than the image's "
            f"pixels of {format_length(phase.pixel_size)}, so that a box holds more pores; "
            f'--voxel-size "{format_length(phase.pixel_size)}" keeps the pixels'
        )
    period = sum(mean_chords(Volume(section.pore[None], section.pixel_size)))
    across = min(output.size) * section.pixel_size / period
    if across < FEW_FEATURES:
        yield (
            f"the box is only {across:.1f} pore-to-pore distances wide "
            f"({format_length(period)} each); below {FEW_FEATURES:g} single pores decide the "
            "numbers: expect them to vary"
        )


def _fit_cautions(replicas: tuple[Replica, ...]) -> Iterator[str]:
    apart = [replica.index + 1 for replica in replicas if not any(connected_porosities(replica.volume))]
    if apart:
        yield f"no pore connects opposite faces in replica {', '.join(map(str, apart))}: nothing would flow"
