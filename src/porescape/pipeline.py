"""The story: one SEM image in, replicas and their numbers out."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from skimage.transform import resize

from porescape.checks import Check, check_image, raise_on_failures
from porescape.core.domain import Domain
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.settings import Output, Settings
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.judge import Look, Verdict, choose, look_at
from porescape.measure.connectivity import connected_porosities
from porescape.measure.correlation import mean_chords
from porescape.measure.meters import measure_volume
from porescape.measure.numbers import Estimate, Measurement, pick, summarise
from porescape.memory import keep_memory
from porescape.parallel import Tell, map_ordered
from porescape.problems import problem_for
from porescape.rng import structure_seed
from porescape.search import Trial, best_of, search
from porescape.segmentation import segment
from porescape.synthesis.generate import generate
from porescape.uncertainty import SMALLEST_STEP, intervals, sampling, slopes, thresholds
from porescape.units import format_length

FINE_ENOUGH = 10.0  # voxels per mean chord of the thinner phase; finer than this buys no shape, only size
FEW_FEATURES = 4.0  # mean pore + solid chords across the box; below, one box is an anecdote


@dataclass(frozen=True, slots=True)
class Progress:
    """What happened: trial `trial` of replica `replica`, or the end of a stage.

    Attributes
    ----------
    stage : str
        "segment", "fit", "generate", "measure", "interval".
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
    look : Look
        How it compares with the image where the fit did not look.
    seconds : dict of str to float
        Time spent on "fit", "generate", "measure" and "judge".
    """

    index: int
    seed: int
    recipe: Recipe | PaperRecipe
    trials: tuple[Trial, ...]
    volume: Volume
    measurement: Measurement
    look: Look
    seconds: dict[str, float]

    @property
    def loss(self) -> float:
        """Objective of the chosen recipe, on the search's own random fields."""
        return best_of(self.trials).loss


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
    verdict : Verdict
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
    verdict: Verdict
    settings: Settings
    seed: int
    warnings: tuple[str, ...]

    @property
    def selected(self) -> Replica:
        """The replica that looks most like the image."""
        return self.replicas[self.verdict.selected]


def reconstruct(
    image: Micrograph,
    settings: Settings | None = None,
    seed: int = 0,
    *,
    workers: int = 1,
    progress: Callable[[Progress], None] = lambda event: None,
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
        number of workers.
    workers : int
        Processes.
    progress : callable
        Told of every trial and stage; raise from it to stop.

    Raises
    ------
    InputError
        The image cannot be used; the message says what was found, wanted and to try.
    """
    settings = settings or Settings()
    pick(settings.measure.numbers)  # what cannot be measured is said now, not after the fit
    phase = segment(image, settings.segmentation)  # (y, x) bool
    checks = check_image(phase)
    raise_on_failures(checks, settings.checks.accept)
    section = at_voxel_size(phase, choose_voxel_size(phase, settings.output))  # (y, x) bool
    progress(Progress("segment"))
    replicas = tuple(make_replicas(section, settings, seed, workers=workers, progress=progress))
    verdict = choose(section, [replica.look for replica in replicas])
    properties = summarise([replica.measurement for replica in replicas])
    if settings.measure.interval == "full":
        selected = replicas[verdict.selected]
        properties = with_doubts(properties, image, section, checks, selected, settings, workers, progress)
    return Reconstruction(
        image=image,
        phase=phase,
        section=section,
        checks=checks,
        replicas=replicas,
        properties=properties,
        verdict=verdict,
        settings=settings,
        seed=seed,
        warnings=(
            *image.warnings,
            *(check.sentence for check in checks if check.status != "ok"),
            *_cautions(phase, section, settings.output),
            *_fit_cautions(replicas),
            *verdict.cautions,
        ),
    )


def with_doubts(
    properties: dict[str, Estimate],
    image: Micrograph,
    section: PhaseImage,
    checks: Sequence[Check],
    replica: Replica,
    settings: Settings,
    workers: int,
    progress: Callable[[Progress], None],
) -> dict[str, Estimate]:
    """Return the estimates with intervals that also hold the doubts of the threshold and of the sample.

    The paper's literal recipes have no porosity to turn; their intervals stay those of the replicas.
    """
    if not isinstance(replica.recipe, Recipe):
        return properties
    size = next(check for check in checks if check.name == "size")
    sample = sampling(section, size.values["porosity_error"])
    threshold = thresholds(image, settings.segmentation)
    step = max(SMALLEST_STEP, sample.porosity, *(abs(one.porosity) for one in threshold))
    domain = Domain(settings.output.size, section.pixel_size, settings.output.periodic)
    slope = slopes(replica.recipe, domain, replica.seed, settings.measure, step, workers=workers)
    progress(Progress("interval"))
    parts = intervals(
        {name: e.mean for name, e in properties.items()},
        {name: (e.ci95[1] - e.ci95[0]) / 2 for name, e in properties.items()},
        slope,
        threshold,
        sample,
    )
    return {
        name: replace(
            e,
            ci95=(e.mean - parts[name].total, e.mean + parts[name].total),
            parts=asdict(parts[name]),
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
    """Return the section resampled so that one pixel is one voxel; its porosity is kept by rank."""
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
    return PhaseImage(share > level, voxel_size)


def make_replicas(
    section: PhaseImage,
    settings: Settings,
    seed: int,
    *,
    workers: int = 1,
    progress: Callable[[Progress], None] = lambda event: None,
) -> Iterator[Replica]:
    """Fit, generate and measure the replicas; yields them in order."""
    work = partial(_make_replica, section=(section.pore, section.pixel_size), settings=settings, seed=seed)
    yield from map_ordered(work, range(settings.output.replicas), workers, listen=progress)


def _make_replica(
    index: int,
    tell: Tell,
    *,
    section: tuple[NDArray[np.bool_], float],
    settings: Settings,
    seed: int,
) -> Replica:
    keep_memory()
    phase = PhaseImage(*section)
    own_seed = structure_seed(seed, index)
    clock = time.perf_counter()
    problem = problem_for(phase, settings.fit, own_seed)
    trials = []
    for trial in search(problem, settings.fit, seed, index):
        trials.append(trial)
        tell(Progress("fit", index, trial, seconds=time.perf_counter() - clock))
    recipe = best_of(trials).recipe
    fitted = time.perf_counter()
    tell(Progress("generate", index, seconds=fitted - clock))
    domain = Domain(settings.output.size, phase.pixel_size, settings.output.periodic)
    volume = generate(recipe, domain, own_seed)
    generated = time.perf_counter()

    def heard(step: str, done: int, of: int) -> None:
        tell(Progress("measure", index, step=step, seconds=time.perf_counter() - generated))

    measurement = measure_volume(volume, settings.measure, heard)
    measured = time.perf_counter()
    look = look_at(phase, volume, own_seed)
    judged = time.perf_counter()
    tell(Progress("measure", index, seconds=judged - clock))
    seconds = {
        "fit": fitted - clock,
        "generate": generated - fitted,
        "measure": measured - generated,
        "judge": judged - measured,
    }
    return Replica(index, own_seed, recipe, tuple(trials), volume, measurement, look, seconds)


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
