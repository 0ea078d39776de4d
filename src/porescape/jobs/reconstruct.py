"""A whole run: from one SEM image to replicas and their numbers."""

from collections.abc import Callable

from porescape.core.checkpoint import Checkpoint, NoCheckpoint
from porescape.core.image import Micrograph
from porescape.core.prepared import Prepared
from porescape.core.results import Progress, Reconstruction
from porescape.core.settings import Settings
from porescape.errors import SettingsError
from porescape.intervals.full import full_intervals
from porescape.jobs.choices import check_choices
from porescape.jobs.replicas import closed, cut_pores, make_replicas
from porescape.measure.summary import summarise
from porescape.parallel import Workers
from porescape.section.prepare import prepare
from porescape.select.selection import select


def reconstruct(
    image: Micrograph | Prepared,
    settings: Settings | None = None,
    seed: int = 0,
    *,
    workers: Workers = 1,
    progress: Callable[[Progress], None] = lambda event: None,
    checkpoint: Checkpoint | None = None,
) -> Reconstruction:
    """Reconstruct the 3-D pore structure shown in one SEM image.

    Parameters
    ----------
    image : Micrograph or Prepared
        From `porescape.read_image` or `porescape.image_from_array`; or already prepared by
        `porescape.prepare`, with its own settings. One that was prepared without its checks is checked now.
    settings : Settings, optional
        Defaults: 8 replicas of 128³ voxels, 200 trials each.
    seed : int
        It determines all random numbers. The same image, settings and seed give the same bytes, for any
        number of workers and after any interruption.
    workers : int or Pool
        Processes, or the workers of a cluster (`porescape.dask_pool`).
    progress : callable
        Called with every trial and stage, including those from the checkpoint; raise an error to stop.
    checkpoint : Checkpoint, optional
        Stores finished work, and returns it when the same run is started again.

    Raises
    ------
    InputError
        The image cannot be used; the message says what was found, what is required and what to try.
    """
    checkpoint = checkpoint or NoCheckpoint()
    prepared = _prepared(image, settings)
    settings = prepared.settings
    progress(Progress("segment", warnings=prepared.warnings))
    made = make_replicas(
        prepared.section, settings, seed, workers=workers, progress=progress, checkpoint=checkpoint
    )
    replicas = tuple(made)
    selection = select(prepared.section, [replica.similarity for replica in replicas])
    properties = summarise([replica.measurement for replica in replicas])
    if settings.measure.interval == "full":
        selected = replicas[selection.selected]
        properties = full_intervals(properties, prepared, selected, workers, progress, checkpoint)
    warnings = (*prepared.warnings, *closed(replicas), *cut_pores(replicas), *selection.cautions)
    return Reconstruction(prepared, replicas, properties, selection, seed, warnings)


def reconstruct_shard(
    image: Micrograph | Prepared,
    settings: Settings | None,
    seed: int,
    shard: tuple[int, int],
    checkpoint: Checkpoint,
    *,
    workers: Workers = 1,
    progress: Callable[[Progress], None] = lambda event: None,
) -> list[int]:
    """Make every n-th replica of a run and save it; `reconstruct` with the same checkpoint collects them.

    Parameters
    ----------
    image, settings, seed
        Of the whole run, as for `reconstruct`.
    shard : tuple of int
        (i, n): the i-th of n shards, from 1; it makes the replicas i, i + n, i + 2n, ... counted from 1.
    checkpoint : Checkpoint
        Shared by all shards.

    Returns
    -------
    list of int
        The replicas of this shard, from 0, all saved.

    Raises
    ------
    SettingsError
        There is no such shard.
    """
    number, of = shard
    if not 1 <= number <= of:
        raise SettingsError(f"shard {number}/{of} does not exist; wanted i/n with i from 1 to n, e.g. 1/{of}")
    prepared = _prepared(image, settings)
    settings = prepared.settings
    progress(Progress("segment", warnings=prepared.warnings))
    own = range(number - 1, settings.output.replicas, of)
    missing = [index for index in own if index not in checkpoint.finished()]
    made = make_replicas(
        prepared.section,
        settings,
        seed,
        workers=workers,
        progress=progress,
        checkpoint=checkpoint,
        indices=missing,
    )
    for _ in made:
        pass  # one at a time: a shard keeps none in memory
    return list(own)


def _prepared(image: Micrograph | Prepared, settings: Settings | None) -> Prepared:
    if isinstance(image, Prepared):
        complete = image.checks and image.segmented.others is not None
        return image if complete else prepare(image.segmented, image.settings)
    settings = settings or Settings()
    check_choices(settings)  # unknown names are refused now, not after the fit
    return prepare(image, settings)
