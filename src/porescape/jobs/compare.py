"""Comparison of structures: equal voxels, equal samples, the same measurement of both."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from porescape.core.measurement import Estimate, Measurement
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.meters import pick
from porescape.measure.summary import summarise
from porescape.measure.volume import measure_volume
from porescape.parallel import OnProgress, map_ordered
from porescape.section.resample import resample_volume
from porescape.units import SAME, agree, format_length, format_shape

DISTRIBUTIONS = {
    "body_diameter": "m",
    "throat_diameter": "m",
    "coordination": "1",
}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One side of a comparison: volumes of one material.

    Attributes
    ----------
    name : str
        Its name.
    volumes : tuple of Volume
        Replicas, or sub-volumes of one volume.
    """

    name: str
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The measurements of one side.

    Attributes
    ----------
    name : str
    measurements : tuple of Measurement
        One per volume.
    properties : dict of str to Estimate
        Over the volumes.
    """

    name: str
    measurements: tuple[Measurement, ...]
    properties: dict[str, Estimate]

    def pooled(self, distribution: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the values of the pores or throats of all volumes and their weights: see `DISTRIBUTIONS`."""
        networks = [m.details.network for m in self.measurements]
        counted = [network.counted(distribution) for network in networks if network is not None]
        values, weights = (np.concatenate([one[i] for one in counted] or [np.zeros(0)]) for i in (0, 1))
        return values, weights


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Sides measured in the same way; the first is the reference.

    Attributes
    ----------
    sides : tuple of Side
    voxel_size : float
        Of every volume [m].
    shape : tuple of int
        Of every volume [voxels].
    notes : tuple of str
        What was changed to make them equal.
    """

    sides: tuple[Side, ...]
    voxel_size: float
    shape: tuple[int, int, int]
    notes: tuple[str, ...]

    def difference(self, name: str, side: int) -> float:
        """Signed difference of a number's mean from the first side's [%]; NaN where one has none."""
        reference = self.sides[0].properties.get(name)
        other = self.sides[side].properties.get(name)
        if reference is None or other is None or reference.mean == 0:
            return float("nan")
        return 100 * (other.mean - reference.mean) / abs(reference.mean)

    def wasserstein(self, distribution: str, side: int) -> float:
        """Wasserstein-1 distance of a distribution from the first side's, in its own unit.

        How far the values of one side must be shifted on average to become those of the other; pores and
        throats count by their weights. NaN without networks.

        References
        ----------
        Villani (2009), Optimal Transport, Springer, chapter 6.
        """
        (here, here_weights), (there, there_weights) = (self.sides[i].pooled(distribution) for i in (0, side))
        if not (here.size and there.size):
            return float("nan")
        return float(wasserstein_distance(here, there, here_weights, there_weights))


def compare(
    samples: Sequence[Sample],
    settings: Measure | None = None,
    *,
    resample: float | None = None,
    size: tuple[int, int, int] | None = None,
    workers: int = 1,
    progress: Callable[[str], None] = lambda note: None,
) -> Comparison:
    """Measure structures in the same way and compare them.

    Every number depends on the voxel size, and most depend on the size of the sample, so both are made
    equal: volumes of different voxel sizes are refused unless `resample` is given, and volumes larger
    than the common box are cut into as many whole boxes as fit.

    Parameters
    ----------
    samples : sequence of Sample
        At least two; the first is the reference, a CT volume for example.
    settings : Measure, optional
        What to measure; everything by default.
    resample : float, optional
        Voxel size to which every volume is resampled [m].
    size : tuple of int, optional
        Common box [voxels]; by default the largest that fits into every volume.
    workers : int
        Processes.
    progress : callable
        Called with the name of a sample after each of its volumes.

    Raises
    ------
    InputError
        Fewer than two samples, or different voxel sizes.
    SettingsError
        A volume smaller than the box, or an unknown number.
    """
    if len(samples) < 2:
        raise InputError(f"a comparison needs at least two structures, got {len(samples)}")
    settings = settings or Measure()
    pick(settings.numbers)  # unknown numbers are refused before the work begins
    samples = _with_unique_names(samples)
    notes: list[str] = []
    if resample is not None:
        samples = [_resampled(sample, resample, notes) for sample in samples]
    voxel_size = _one_voxel_size(samples)
    box = size or _common_box(samples)
    cut = [_cut(sample, box, notes) for sample in samples]
    work = partial(_measure, settings=settings)
    jobs = [(sample.name, volume.pore, volume.voxel_size) for sample in cut for volume in sample.volumes]
    found = iter(list(map_ordered(work, jobs, workers, progress=progress)))
    sides = []
    for sample in cut:
        measured = tuple(next(found) for _ in sample.volumes)
        sides.append(Side(sample.name, measured, summarise(measured)))
    return Comparison(tuple(sides), voxel_size, box, tuple(notes))


def _measure(
    job: tuple[str, NDArray[np.bool_], float], progress: OnProgress, *, settings: Measure
) -> Measurement:
    name, pore, voxel_size = job
    measured = measure_volume(Volume(pore, voxel_size), settings)
    progress(name)
    return measured


def _with_unique_names(samples: Sequence[Sample]) -> list[Sample]:
    """Number samples with the same name: every run folder is called porescape-run until renamed."""
    shared = Counter(sample.name for sample in samples)
    seen: Counter[str] = Counter()
    named = []
    for sample in samples:
        seen[sample.name] += 1
        name = f"{sample.name} ({seen[sample.name]})" if shared[sample.name] > 1 else sample.name
        named.append(replace(sample, name=name))
    return named


def _one_voxel_size(samples: Sequence[Sample]) -> float:
    sizes = [(sample.name, volume.voxel_size) for sample in samples for volume in sample.volumes]
    first = sizes[0][1]
    for name, size in sizes:
        if not agree(size, first, SAME):
            coarsest = max(size for _, size in sizes)
            raise InputError(
                f"{sizes[0][0]} has voxels of {format_length(first)} and {name} of {format_length(size)}; "
                "every number depends on the voxel size, so they must be equal: "
                f'resample to the coarser with --resample "{format_length(coarsest)}"'
            )
    return first


def _common_box(samples: Sequence[Sample]) -> tuple[int, int, int]:
    shapes = np.array([volume.shape for sample in samples for volume in sample.volumes])
    z, y, x = (int(n) for n in shapes.min(axis=0))
    return z, y, x


def _cut(sample: Sample, box: tuple[int, int, int], notes: list[str]) -> Sample:
    """Cut each volume into as many whole boxes as fit, from its first corner on."""
    blocks = []
    for volume in sample.volumes:
        counts = [n // edge for n, edge in zip(volume.shape, box, strict=True)]
        if 0 in counts:
            raise SettingsError(
                f"{sample.name} has {format_shape(volume.shape)} voxels, less than the box of "
                f"{format_shape(box)}; give a smaller --size"
            )
        for corner in np.ndindex(*counts):
            window = tuple(slice(c * e, (c + 1) * e) for c, e in zip(corner, box, strict=True))
            blocks.append(replace(volume, pore=volume.pore[window]))
    if len(blocks) > len(sample.volumes):
        notes.append(f"cut {sample.name} into {len(blocks)} sub-volumes of {format_shape(box)} voxels")
    elif any(volume.shape != box for volume in sample.volumes):
        notes.append(f"cropped {sample.name} to {format_shape(box)} voxels")
    return Sample(sample.name, tuple(blocks))


def _resampled(sample: Sample, voxel_size: float, notes: list[str]) -> Sample:
    volumes = tuple(resample_volume(volume, voxel_size) for volume in sample.volumes)
    if any(new is not old for new, old in zip(volumes, sample.volumes, strict=True)):
        was = format_length(sample.volumes[0].voxel_size)
        notes.append(f"resampled {sample.name} from {was} to {format_length(voxel_size)} per voxel")
    return Sample(sample.name, volumes)
