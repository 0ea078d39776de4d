"""Run a batch image after image; after an interruption it continues, and nothing else is overwritten."""

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
    progress: Callable[[BatchProgress], None] = lambda update: None,
) -> Batch:
    """Reconstruct many images with the same settings, and compare their numbers.

    If an image fails, its reason is reported and the others continue. Called again after an interruption, it
    continues, also within an image; finished images are not repeated, failed ones are tried again.

    Parameters
    ----------
    entries : sequence of BatchEntry
        From `porescape.read_batch_list`, or your own.
    out : path
        New, empty, or the folder of the same batch; `porescape.io.runs.batch_folder` describes its
        contents.
    settings : Settings, optional
        For every image; only `BatchEntry.pore` takes precedence.
    seed : int
        For every image.
    box : tuple of float, optional
        Edges of the replicas along z, y, x [m], instead of the voxels in `settings`: the same volume of
        material for each image, whatever its pixel size.
    workers : int or Pool
        Processes; they work on the replicas of one image at a time.
    shard : tuple of int, optional
        (i, n): only every n-th image, starting with the i-th (from 1), so that n processes can share a batch.
    overwrite : bool
        Repeat results that were made with other settings, from another image or by another version.
    progress : callable
        Called with each update; an exception from it stops the batch.

    Returns
    -------
    Batch
        With every image of the list, also those of other shards.

    Raises
    ------
    SettingsError
        Settings are invalid, or finished images were made differently and `overwrite` is not given.
    InputError
        The list is invalid.
    OutputError
        `out` cannot be written. Finished work stays saved.
    """
    settings, out = settings or Settings(), Path(out)
    check_choices(settings)  # before the first image, as it concerns all of them
    entries = in_groups(entries)
    check_names(entries)
    own = part_of(entries, shard)
    _check_place(out, entries, overwrite)
    _check_earlier_results(own, out, settings, seed, box, overwrite)
    gather_batch(entries, out, settings, seed, box)  # so that there is a page from the beginning
    for index, entry in enumerate(own):
        update = partial(BatchProgress, entry, index, len(own))
        if not is_done(out / entry.name):
            _reconstruct_one(entry, out, settings, seed, box, workers, partial(_report, progress, update))
            with suppress(
                OutputError
            ):  # for example a table that is open in a spreadsheet program, which on Windows locks it
                gather_batch(entries, out, settings, seed, box)
        progress(update(outcome=outcome_of(entry, out)))
    return gather_batch(entries, out, settings, seed, box)


def _report(
    progress: Callable[[BatchProgress], None], update: Callable[[Progress], BatchProgress], event: Progress
) -> None:
    progress(update(event))


def _reconstruct_one(
    entry: BatchEntry,
    out: Path,
    settings: Settings,
    seed: int,
    box: Box | None,
    workers: Workers,
    progress: Callable[[Progress], None],
) -> None:
    """Make the run folder of one image, or a card with the reason if that fails."""
    stopped: list[Exception] = []  # errors of the progress callback are not those of the image

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
        if is_done(out / entry.name):  # another process has finished it first
            checkpoint.remove()
        else:
            checkpoint.deliver(out / entry.name)
    except (Cancelled, MissingExtra, OutputError):
        raise  # every other image would fail in the same way
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
    return f"unexpected {type(error).__name__}: {error}; the trace is in batch-cards, please report it"


def read_entry(entry: BatchEntry) -> Micrograph:
    """Read the image of a batch entry."""
    return read_image(
        entry.image, pixel_size=entry.pixel_size, scale_bar=entry.scale_bar, crop=entry.crop, page=entry.page
    )


def prepare_entry(
    entry: BatchEntry, image: Micrograph, settings: Settings, box: Box | None = None, *, check: bool = True
) -> Prepared:
    """Prepare one image with the settings of the batch, and with the pore phase of its entry if given."""
    if entry.pore is not None:
        settings = replace(settings, segmentation=replace(settings.segmentation, pore=entry.pore))
    return prepare(image, settings, box, check=check)


# -- earlier results ---------------------------------------------------------------------------------


def _check_place(out: Path, entries: Sequence[BatchEntry], overwrite: bool) -> None:
    """Refuse a folder with other contents before any work is done."""
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
        foreign = (
            folder.exists() and not is_done(folder) and not (folder.is_dir() and not any(folder.iterdir()))
        )
        if foreign and not overwrite:
            raise OutputError(
                f"{folder} exists, but is not a complete run folder; it is needed for "
                f"{entry.listed or entry.image}: move it away, or pass --overwrite"
            )


def _check_earlier_results(
    entries: Sequence[BatchEntry], out: Path, settings: Settings, seed: int, box: Box | None, overwrite: bool
) -> None:
    """Refuse, or with `overwrite` remove, earlier results that were made differently."""
    differing: dict[str, str] = {}
    for entry in entries:
        folder, work = out / entry.name, work_folder(out / entry.name)
        if not folder.exists() and not is_work_folder(work):
            continue
        try:
            image = read_entry(entry)
            own = prepare_entry(entry, image, settings, box, check=False).settings
        except PorescapeError:
            continue  # not comparable: finished results stay, others report the error when they run
        if is_done(folder):
            changes = list(_differences_of_run(folder, image, own, seed))
            older = version_of(folder) != __version__
            if changes or (older and overwrite):
                differing[entry.name] = "; ".join(changes)
        elif folder.exists():
            differing[entry.name] = ""
        if is_work_folder(work):
            try:
                open_checkpoint(work, image, own, seed)
            except SettingsError as error:
                differing.setdefault(entry.name, str(error))
    if not overwrite and any(differing.values()):
        name, words = next((name, words) for name, words in differing.items() if words)
        raise SettingsError(
            f"{out} holds {several(list(differing))}, made differently ({name}: {words}). Use the same "
            "images and settings, choose another --out, or pass --overwrite to repeat what differs"
        )
    for name in differing:
        for path in (out / name, work_folder(out / name), card_file(out, name)):
            _remove(path)


def _remove(path: Path) -> None:
    """Rename a file or folder, then remove it, so that it never exists in part."""
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


def _differences_of_run(folder: Path, image: Micrograph, settings: Settings, seed: int) -> Iterator[str]:
    """Yield in words how the image and settings of a finished run differ from those given."""
    try:
        table = read_toml(run_file(folder))
        before = table["image"] | {"seed": table["seed"]} | settings_table(read_settings(table))
    except (PorescapeError, KeyError, TypeError):
        yield "run.toml was in another format, now in that of this version"
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
