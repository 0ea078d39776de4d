"""Estimate of the memory and disk space of a run before it starts, from measured figures."""

import math
from dataclasses import dataclass

from porescape.core.settings import Settings
from porescape.fit.search import LEAST_DIVIDED
from porescape.measure.meters import NUMBERS, pick

MIB = 2**20
# Measured as peak of resident memory (bench/results/measuring.md): 400 MiB at 96³ and 687 MiB at
# 128³ with everything, 309 MiB at 128³ with porosity alone
WORKER = 300 * MIB  # a process with its libraries and compiled kernels
FLOW = 230  # bytes per voxel while a flow is solved for
PLAIN = 60  # bytes per voxel while anything else is measured
TRIAL = 40  # bytes per voxel of the fitted cube
GATHERED = 3  # bytes per voxel and replica in the process that collects them and draws the report
# Bytes on disk per voxel and replica: TIFF 0.2, VTI 0.3, details and tables, report; both in the work folder
# and in the folder being written
WRITTEN = 1.5
FIXED = 20 * MIB  # report, pictures, the copy of a large image


@dataclass(frozen=True, slots=True)
class Costs:
    """Memory and disk space of a run at its peak [bytes].

    Attributes
    ----------
    worker : int
        Memory of one worker process.
    memory : int
        Memory of this machine: its workers and the process that collects their results.
    disk : int
        Disk space of the results folder and the work folder together.
    """

    worker: int
    memory: int
    disk: int


def costs_of(settings: Settings, workers: int) -> Costs:
    """Return the costs of a run with these settings.

    Parameters
    ----------
    settings : Settings
    workers : int
        Processes on this machine besides the one that collects results; with 1 there is only that one,
        with 0 all work is done on other machines.
    """
    voxels = math.prod(settings.output.size)
    replicas = settings.output.replicas
    groups = {NUMBERS[name].group for name in pick(settings.measure.numbers)}
    per_voxel = FLOW if groups & {"permeability", "filtration"} else PLAIN
    worker = WORKER + max(per_voxel * voxels, TRIAL * settings.tried.size**3)
    gathered = GATHERED * voxels * replicas
    together = min(workers, max(replicas, 2))  # two structures for the intervals, even of one replica
    memory = gathered + (worker if together == 1 else WORKER + together * worker)
    shared = workers - together if settings.fit.trials >= LEAST_DIVIDED else 0
    memory += shared * (WORKER + TRIAL * settings.tried.size**3)  # workers that only try recipes
    return Costs(worker, memory, FIXED + round(WRITTEN * voxels * replicas))


def workers_that_fit(settings: Settings, workers: int, memory: int | None) -> int:
    """Return how many workers fit in the memory, at least one; all if the memory is not known."""
    if memory is None:
        return workers
    return max((n for n in range(1, workers + 1) if costs_of(settings, n).memory <= memory), default=1)


def in_bytes(size: float) -> str:
    """Write a number of bytes.

    >>> in_bytes(350 * 2**20), in_bytes(2.5 * 2**30)
    ('350 MiB', '2.5 GiB')
    """
    return f"{size / MIB:.0f} MiB" if size < 1000 * MIB else f"{size / 2**30:.1f} GiB"
