"""Requirements of a job before it starts: approximate time, and memory and disk from `jobs.costs`."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from porescape.core.settings import Settings
from porescape.fit.plan import planned_trials
from porescape.io.resources import available_memory, free_disk
from porescape.jobs.costs import costs_of, in_bytes, workers_that_fit
from porescape.measure.meters import NUMBERS, pick
from porescape.parallel import available_cores
from porescape.web.form import Form

# Seconds on one core of an ordinary machine; those of 96³ and 128³ (bench/results/speed.md) are about
# proportional to the number of voxels
TRIAL = 2.0e-7  # per voxel of the fitted cube
MEASURE = {  # per voxel of the box
    "basic": 1.0e-6,
    "network": 0.5e-6,
    "tortuosity": 1.8e-6,
    "permeability": 8.0e-6,
    "filtration": 3.3e-6,
    "solid": 0.5e-6,
}
REFINE = 5e-8  # per voxel of the box and sweep
SELECT = 1.5  # per replica
REPORT = 10.0  # to draw its figures
DRAW = 0.4e-6  # per voxel of the box


@dataclass(frozen=True, slots=True)
class Times:
    """Durations of the parts of a job [s].

    Attributes
    ----------
    trials, measure : float
        All trials of one replica, and its refinement and measurement, on one core.
    last : float
        Work after the last replica.
    whole : float
        The whole job.
    """

    trials: float
    measure: float
    last: float
    whole: float


def times_of(settings: Settings, workers: int) -> Times:
    """Return the approximate duration of a job with these settings."""
    voxels = math.prod(settings.output.size)
    replicas = settings.output.replicas
    numbers = voxels * sum(
        MEASURE[group] for group in {NUMBERS[n].group for n in pick(settings.measure.numbers)}
    )
    trials = planned_trials(settings.fit) * TRIAL * settings.tried.size**3
    refine = 0.0 if settings.fit.is_published else voxels * REFINE * settings.output.refine
    measure = refine + numbers + SELECT
    last = REPORT + voxels * DRAW
    if settings.measure.interval == "full":
        last += 2 * numbers / min(workers, 2)
    rounds, left = divmod(replicas, workers)
    divided = left * trials / workers + measure if left else 0.0  # all workers share the remaining replicas
    whole = rounds * (trials + measure) + divided + last
    return Times(trials, measure, last, whole)


def workers_for(form: Form) -> int:
    """Return the number of processes of a job: as requested, or as many as cores and memory allow."""
    return form.workers or workers_that_fit(form.settings, available_cores(), available_memory())


def requirements_of(folder: Path, form: Form) -> dict[str, Any]:
    """Return the requirements of a job, and a message if memory or disk is too small for it."""
    workers = workers_for(form)
    wanted = costs_of(form.settings, workers)
    memory, disk = available_memory(), free_disk(folder)
    problem = ""
    if memory is not None and wanted.memory > memory:
        problem = (
            f"this job needs about {in_bytes(wanted.memory)} of memory and {in_bytes(memory)} are available; "
            "choose a smaller box, fewer workers, fewer replicas, or leave out permeability and filtration"
        )
    elif wanted.disk > disk:
        problem = (
            f"this job needs about {in_bytes(wanted.disk)} of disk and {in_bytes(disk)} are free; "
            "delete old jobs, or choose a smaller box or fewer replicas"
        )
    return {
        "time": duration_text(times_of(form.settings, workers).whole),
        "cores": workers,
        "memory": in_bytes(wanted.memory),
        "disk": in_bytes(wanted.disk),
        "problem": problem,
    }


def duration_text(seconds: float) -> str:
    """Write a duration in words.

    >>> duration_text(40), duration_text(400), duration_text(9000)
    ('less than a minute', 'about 7 minutes', 'about 2.5 hours')
    """
    minutes = seconds / 60
    if minutes < 0.9:
        return "less than a minute"
    if minutes < 90:
        whole = max(round(minutes), 1)
        return f"about {whole} minute{'s' * (whole > 1)}"
    hours = minutes / 60
    return f"about {hours:.1f} hours" if hours < 48 else f"about {hours / 24:.0f} days"
