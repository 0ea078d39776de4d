"""Measure a volume that need not fit into memory: counted piece by piece, or on sub-volumes."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

from porescape.core.chunked import ChunkedVolume
from porescape.core.domain import Window
from porescape.core.measurement import Details, Estimate, Measurement
from porescape.core.settings import Measure
from porescape.measure.meters import pick
from porescape.measure.streamed.clusters import PoreClusters
from porescape.measure.streamed.counting import STREAMED, Counting
from porescape.measure.streamed.parts import measure_parts, spread
from porescape.measure.streamed.room import whole_memory
from porescape.measure.summary import summarise
from porescape.measure.volume import steps
from porescape.parallel import Workers

Origin = Literal["streamed", "sub-volumes"]

MEMORY = 2**31  # bytes; available on any computer
SUB_VOLUMES = 8  # eight corners of a cube; the 95 % interval of their mean is 0.84 of their spread
SUB_VOLUME_SIZE = 128  # voxels; about ten pores across at ten voxels per pore


@dataclass(frozen=True, slots=True, eq=False)
class ChunkedMeasurement:
    """The numbers of a volume that was measured piece by piece.

    Attributes
    ----------
    measurement : Measurement
        By the names and in the units of `measure_volume`. Numbers of sub-volumes are means over them.
    origin : dict of str to {"streamed", "sub-volumes"}
        How each number was obtained: counted over the whole volume, equal to the result of `measure_volume`;
        or measured on sub-volumes.
    estimates : dict of str to Estimate
        Mean, spread and 95 % interval of the numbers of sub-volumes.
    windows : tuple of Window
        The windows of the sub-volumes.
    parts : tuple of Measurement
        Measurements of the sub-volumes.
    clusters : PoreClusters or None
        Connectivity of the pores, if connected porosity was wanted.
    """

    measurement: Measurement
    origin: dict[str, Origin]
    estimates: dict[str, Estimate]
    windows: tuple[Window, ...]
    parts: tuple[Measurement, ...]
    clusters: PoreClusters | None


def measure_chunked(
    chunked: ChunkedVolume,
    settings: Measure | Collection[str] | None = None,
    *,
    sub_volumes: int = SUB_VOLUMES,
    sub_volume_size: int = SUB_VOLUME_SIZE,
    memory: int = MEMORY,
    workers: Workers = 1,
    progress: Callable[[str, int, int], None] | None = None,
) -> ChunkedMeasurement:
    """Measure a volume piece by piece.

    The basic numbers are those of `measure_volume` on the whole volume: every voxel is counted, across the
    borders of pieces too. Means of local thickness are sums in another order and agree to rounding; all
    others are equal to the last bit. Numbers that cannot be combined from pieces (networks, diffusion, flow,
    filtration) are measured on sub-volumes; if no membrane thickness is given, water flux and retention
    are those of the whole volume's extent along z. Other numbers of sub-volumes are for their own size:
    bubble point and shortest paths are those of a box of their thickness.

    Parameters
    ----------
    chunked : ChunkedVolume
        A volume in memory (`ChunkedArray`) or a file (`porescape.io.volumes.chunked.open_chunked`).
    settings : Measure or collection of str, optional
        As for `measure_volume`.
    sub_volumes, sub_volume_size : int
        Their number and edge [voxels]; they are distributed evenly and do not overlap.
    memory : int
        Largest memory of all workers of this machine together [bytes]. Local thickness uses what makes it
        fast; connected porosity, surface and chords need a few planes.
    workers : int or Pool
        Processes for local thickness and sub-volumes; those of other machines need access to the file.
    progress : callable, optional
        Called with (step, steps done, total steps) after each step.

    Raises
    ------
    SettingsError
        A number is unknown, or such sub-volumes are not possible.
    """
    if settings is None:
        settings = Measure()
    elif not isinstance(settings, Measure):
        settings = Measure(numbers=tuple(settings))
    wanted = pick(settings.numbers)
    counted = tuple(name for name in wanted if name in STREAMED)
    partly = tuple(name for name in wanted if name not in STREAMED)
    windows = spread(chunked.shape, sub_volumes, sub_volume_size) if partly else ()
    run = Counting(chunked, counted, memory, workers)
    done = 0
    total = block_steps(chunked, wanted, sub_volumes, sub_volume_size)

    def advance(title: str) -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(title, done, total)

    run.count(advance)
    estimates: dict[str, Estimate] = {}
    parts: tuple[Measurement, ...] = ()
    if partly:
        if 0 < len(windows) < sub_volumes:
            run.warnings.append(
                f"{sub_volumes} sub-volumes of {sub_volume_size} voxels do not fit side by side; "
                f"{len(windows)} were measured"
            )
        thickness = settings.thickness or min(chunked.shape[0] * chunked.voxel_size, 0.999)
        own = replace(settings, numbers=partly, thickness=thickness)
        each = whole_memory(partly, windows[0].shape)
        if each > memory:
            run.warnings.append(
                f"a sub-volume takes about {each / 2**30:.2g} GiB, more than the {memory / 2**30:.2g} GiB set"
            )
        if isinstance(workers, int):
            workers = max(1, min(workers, memory // each))
        with run.clock("sub-volumes"):
            parts = measure_parts(chunked, windows, own, workers, advance)
        estimates = summarise(parts)
        if warned := [part.warnings[0] for part in parts if part.warnings]:
            run.warnings.append(f"{len(warned)} of {len(parts)} sub-volumes; the first: {warned[0]}")
        for name in partly:
            run.values[name] = estimates[name].mean
            reasons = [part.reasons[name] for part in parts if name in part.reasons]
            if reasons and estimates[name].n == 0:
                run.reasons[name] = f"no sub-volume has a value; the first: {reasons[0]}"
            elif reasons:
                run.warnings.append(f"{name}: {len(reasons)} of {len(parts)} sub-volumes have no value")
    measurement = Measurement(
        {name: run.values[name] for name in wanted},
        {name: run.reasons[name] for name in wanted if name in run.reasons},
        run.seconds,
        tuple(run.warnings),
        Details(curves=run.curves),
    )
    origin: dict[str, Origin] = {name: "streamed" if name in counted else "sub-volumes" for name in wanted}
    return ChunkedMeasurement(measurement, origin, estimates, windows, parts, run.clusters)


def block_steps(
    chunked: ChunkedVolume,
    numbers: Collection[str],
    sub_volumes: int = SUB_VOLUMES,
    sub_volume_size: int = SUB_VOLUME_SIZE,
) -> int:
    """Return how many steps measuring these numbers piece by piece takes."""
    wanted = pick(numbers)
    counted = tuple(name for name in wanted if name in STREAMED)
    partly = tuple(name for name in wanted if name not in STREAMED)
    found = Counting(chunked, counted, 0, 1).steps
    return found + (len(spread(chunked.shape, sub_volumes, sub_volume_size)) * steps(partly) if partly else 0)
