"""Work on a batch: image after image, from where it was stopped, never over what was made otherwise."""

import shutil
import traceback
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from porescape.core.image import Micrograph
from porescape.core.prepared import Prepared
from porescape.core.results import Progress
from porescape.core.settings import Settings
from porescape.errors import Cancelled, MissingExtra, OutputError, PorescapeError, SettingsError
from porescape.io.atomic import whole_file
from porescape.io.images.image import read_image
from porescape.io.runs.batch_folder import (
    CARDS,
    card_file,
    gather_batch,
    is_done,
    outcome_of,
    version_of,
    write_thumbnails,
)
from porescape.io.runs.batch_list import check_names
from porescape.io.runs.checkpoint import FolderCheckpoint, is_work_folder, open_checkpoint, work_folder
from porescape.io.runs.run_folder import to_json, write_run
from porescape.io.runs.settings import differences, read_settings, read_toml, run_file, settings_table
from porescape.jobs.batch import Batch, BatchEntry, BatchProgress, in_groups, part_of
from porescape.jobs.choices import check_choices
from porescape.jobs.reconstruct import reconstruct
from porescape.parallel import Workers
from porescape.section.prepare import Box, prepare
from porescape.version import __version__
from porescape.wording import several


def run_batch(
    entries: Sequence[BatchEntry],
    out: Path | str,
    settings: Settings | None = None,
    seed: int = 0,
    *,
    box: Box | None = None,
    workers: Workers = 1,
    shard: tuple[int, int] | None = None,
    overwrite: bool = False,
    progress: Callable[[BatchProgress], None] = lambda heard: None,
) -> Batch:
    """Reconstruct many images under one recipe, and set their numbers side by side.

    A failed image is reported with its reason, and the others continue. Called again, it continues where it
    stopped, inside an image too; finished images are not made again, failed ones are tried again.

    Parameters
    ----------
    entries : sequence of Job
        From `porescape.read_batch_list`, or made.
    out : path
        New, empty, or that of the same batch before; see `porescape.io.runs.batch_folder` for what it then
        holds.
    settings : Settings, optional
        Of every image; `BatchEntry.pore` alone wins over them.
    seed : int
        Of every image.
    box : tuple of float, optional
        Edges of the replicas along z, y, x [m], instead of the voxels in `settings`: as much material of
        each image, whatever its pixels.
    workers : int or Pool
        Processes, for the replicas of one image after the other.
    shard : tuple of int, optional
        (i, n): work only on every n-th image from the i-th (from 1) on, as n processes at once may.
    overwrite : bool
        Make again what was made otherwise: with other settings, of another image, by another version.
    progress : callable
        Told what happens; raise from it to stop.

    Returns
    -------
    Batch
        With every image of the list, also those of other shards.

    Raises
    ------
    SettingsError
        Settings make no sense, or finished images were made otherwise and `overwrite` is not given.
    InputError
        The list makes no sense.
    OutputError
        `out` cannot be written. Finished work is kept.
    """
    settings, out = settings or Settings(), Path(out)
    check_choices(settings)  # settings that no image can have are refused now
    entries = in_groups(entries)
    check_names(entries)
    own = part_of(entries, shard)
    _check_place(out, entries, overwrite)
    _settle_the_past(own, out, settings, seed, box, overwrite)
    gather_batch(entries, out, settings, seed, box)  # so that there is a page from the first minute on
    for index, entry in enumerate(own):
        heard = partial(BatchProgress, entry, index, len(own))
        if not is_done(out / entry.name):
            _reconstruct_one(entry, out, settings, seed, box, workers, partial(_pass_on, progress, heard))
            with suppress(OutputError):  # for example open in a spreadsheet, which locks it on Windows
                gather_batch(entries, out, settings, seed, box)
        progress(heard(outcome=outcome_of(entry, out)))
    return gather_batch(entries, out, settings, seed, box)


def _pass_on(
    progress: Callable[[BatchProgress], None], heard: Callable[[Progress], BatchProgress], event: Progress
) -> None:
    progress(heard(event))


def _reconstruct_one(
    entry: BatchEntry,
    out: Path,
    settings: Settings,
    seed: int,
    box: Box | None,
    workers: Workers,
    progress: Callable[[Progress], None],
) -> None:
    """Make the run folder of one image, or leave a card with the reason why there is none."""
    stopped: list[Exception] = []  # an error in the progress callback is not an error of the image

    def forward(event: Progress) -> None:
        try:
            progress(event)
        except Exception as error:
            stopped.append(error)
            raise

    card = card_file(out, entry.name)
    card.unlink(missing_ok=True)
    try:
        image = read_entry(entry)
        prepared = prepare_entry(entry, image, settings, box)
        own = prepared.settings
        checkpoint = open_checkpoint(work_folder(out / entry.name), image, own, seed)
        result = reconstruct(prepared, own, seed, workers=workers, progress=forward, checkpoint=checkpoint)
        write_run(checkpoint.run_folder, result, entry.image, overwrite=True)
        write_thumbnails(card, result)
        if is_done(out / entry.name):  # another process was faster
            checkpoint.remove()
        else:
            checkpoint.deliver(out / entry.name)
    except (Cancelled, MissingExtra, OutputError):
        raise  # so it would be with every other image
    except Exception as error:
        if stopped:
            raise
        table = {"reason": _reason(error)}
        if not isinstance(error, PorescapeError):
            table["trace"] = traceback.format_exc()
        with whole_file(card) as file:
            file.write_text(to_json(table), encoding="utf-8")
    finally:
        work = FolderCheckpoint(work_folder(out / entry.name))
        if work.folder.is_dir() and work.is_empty():
            work.remove()


def _reason(error: Exception) -> str:
    if isinstance(error, PorescapeError):
        return str(error)
    if isinstance(error, MemoryError):
        return "memory ran out; try fewer --workers or a smaller --size"
    return f"unexpected {type(error).__name__}: {error}; batch-cards holds where, please report it"


def read_entry(entry: BatchEntry) -> Micrograph:
    """Read the image of a job."""
    return read_image(
        entry.image, pixel_size=entry.pixel_size, scale_bar=entry.scale_bar, crop=entry.crop, page=entry.page
    )


def prepare_entry(
    entry: BatchEntry, image: Micrograph, settings: Settings, box: Box | None = None, *, check: bool = True
) -> Prepared:
    """Prepare one image under the settings of the batch, but for the grey of its pores."""
    if entry.pore is not None:
        settings = replace(settings, segmentation=replace(settings.segmentation, pore=entry.pore))
    return prepare(image, settings, box, check=check)


# -- what is there from before -----------------------------------------------------------------------


def _check_place(out: Path, entries: Sequence[BatchEntry], overwrite: bool) -> None:
    """Refuse a folder of something else before any work is done for it."""
    if out.exists() and not out.is_dir():
        raise OutputError(
            f"{out} is a file; wanted a folder that is new, empty or of this batch: choose another --out"
        )
    if out.is_dir() and any(out.iterdir()) and not (out / CARDS).is_dir() and not overwrite:
        raise OutputError(
            f"{out} is not empty and holds no batch; wanted a folder that is new, empty or of this batch: "
            "choose another --out, or pass --overwrite"
        )
    for entry in entries:
        folder = out / entry.name
        strange = (
            folder.exists() and not is_done(folder) and not (folder.is_dir() and not any(folder.iterdir()))
        )
        if strange and not overwrite:
            raise OutputError(
                f"{folder} is there, but is no whole run folder; wanted its place for "
                f"{entry.listed or entry.image}: move it away, or pass --overwrite"
            )


def _settle_the_past(
    entries: Sequence[BatchEntry], out: Path, settings: Settings, seed: int, box: Box | None, overwrite: bool
) -> None:
    """Refuse or remove what is there and was made otherwise than is asked for now."""
    otherwise: dict[str, str] = {}
    for entry in entries:
        folder, work = out / entry.name, work_folder(out / entry.name)
        if not folder.exists() and not is_work_folder(work):
            continue
        try:
            image = read_entry(entry)
            own = prepare_entry(entry, image, settings, box, check=False).settings
        except PorescapeError:
            continue  # it cannot be compared: finished images stay, others report this later
        if is_done(folder):
            changes = list(_changes(folder, image, own, seed))
            older = version_of(folder) != __version__
            if changes or (older and overwrite):
                otherwise[entry.name] = "; ".join(changes)
        elif folder.exists():
            otherwise[entry.name] = ""
        if is_work_folder(work):
            try:
                open_checkpoint(work, image, own, seed)
            except SettingsError as error:
                otherwise.setdefault(entry.name, str(error))
    if not overwrite and any(otherwise.values()):
        name, words = next((name, words) for name, words in otherwise.items() if words)
        raise SettingsError(
            f"{out} holds {several(list(otherwise))}, made otherwise ({name}: {words}). Ask for the same "
            "again, choose another --out, or pass --overwrite to repeat images made with other settings"
        )
    for name in otherwise:
        for path in (out / name, work_folder(out / name), card_file(out, name)):
            _remove(path)


def _remove(path: Path) -> None:
    """Remove a file or folder under another name, so that it is never there in part."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        path.replace(aside)
        if aside.is_dir():
            shutil.rmtree(aside)
        else:
            aside.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{path} could not be replaced: {error.strerror or error}") from error


def _changes(folder: Path, image: Micrograph, settings: Settings, seed: int) -> Iterator[str]:
    """Yield in words what a finished run was made with and would not be now."""
    try:
        table = read_toml(run_file(folder))
        before = table["image"] | {"seed": table["seed"]} | settings_table(read_settings(table))
    except (PorescapeError, KeyError, TypeError):
        yield "run.toml was of another kind, now one of this version"
        return
    now: dict[str, Any] = {
        "sha256": image.sha256,
        "pixel_size": image.pixel_size,
        "crop": list(image.crop),
        "page": image.page,
        "seed": seed,
        **settings_table(settings),
    }
    yield from differences({name: before.get(name) for name in now}, now)
