"""Structures larger than memory, written block by block as OME-Zarr; continue after an interruption.

::

    OUT.work/
        job.json            identifies the job; another job is refused
        notes/              the bracket of the level, the level
        drafts/0.1.2.npz    a block whose level is not yet known; zip checksums detect a broken one
        blocks/0.1.2.json   the checksum and pore voxels of a finished block
        store/              the OME-Zarr folder, which is moved to OUT when all blocks are done

A block is one shard, that is one file, and every file is written completely before it is renamed. So any
number of processes or machines that share the folder may write blocks, and if one is killed, only the blocks
in progress are lost.
"""

import errno
import hashlib
import json
import math
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain, Shape, Window
from porescape.core.recipe import AnyRecipe
from porescape.errors import MissingExtra, OutputError, SettingsError
from porescape.io.atomic import check_writable, whole_file
from porescape.io.hashing import hash_of_file
from porescape.io.resources import free_disk
from porescape.io.volumes.ome_zarr import PORE, ngff_metadata
from porescape.jobs.costs import in_bytes
from porescape.parallel import OnProgress, Workers
from porescape.synthesis.blockwise.drafts import Bracket, Draft
from porescape.synthesis.blockwise.level import level_of
from porescape.synthesis.blockwise.make import make_blocks
from porescape.synthesis.blockwise.plan import MEMORY, BlockIndex, BlockPlan, check_local
from porescape.version import __version__

CHUNK = 128  # voxels; also the number of layers of a column that are written together
INNER = 64  # voxels; the chunks inside a block's file, which a viewer reads one by one
DRAFTED = 0.45  # bytes per voxel: two bits, and a few percent of values that are stored separately
FINISHED = 0.12  # bytes per voxel, compressed; for the finest structures, with walls every few voxels
ZSTD = 3


@dataclass(frozen=True, slots=True)
class Generated:
    """A structure written to a file.

    Attributes
    ----------
    path : Path
    shape : tuple of int
        Voxels along z, y, x.
    level : float
        Of the whole domain: larger values are pore. Given to a later call, it is not searched again.
    porosity : float
        Of the written part, which is the whole domain or a region.
    """

    path: Path
    shape: Shape
    level: float
    porosity: float


def generate_zarr(
    recipe: AnyRecipe,
    domain: Domain,
    seed: int,
    out: Path | str,
    *,
    region: Window | None = None,
    level: float | None = None,
    chunk: int = CHUNK,
    workers: Workers = 1,
    memory: float = MEMORY,
    resume: bool = False,
    overwrite: bool = False,
    progress: OnProgress = lambda event: None,
) -> Generated:
    """Generate a structure of any size, or a region of it, as an OME-Zarr folder.

    The voxels are those of `generate`, independently of chunk, workers and interruptions.

    Parameters
    ----------
    recipe, domain, seed
        As for `generate`.
    out : path
        Folder to write. Until it is finished, the work is in `OUT.work` next to it.
    region : Window, optional
        The wanted part; the whole domain by default.
    level : float, optional
        Of the whole domain, from an earlier job or `find_level`. Without it, the whole domain is computed
        once, even for a small region.
    chunk : int
        Edge of a block [voxels], which is one file; a multiple of 8.
    workers : int or Pool
        Processes, or workers of a cluster that have the folder under the same path.
    memory : float
        Largest memory of all processes together [bytes]; on a cluster, of each.
    resume : bool
        Continue an interrupted job, if there is one.
    overwrite : bool
        Replace `out`, and the work of an interrupted job.
    progress : callable
        Called with each `porescape.synthesis.blockwise.store.BlockProgress`.

    Raises
    ------
    SettingsError
        The interrupted job is another one; the recipe has the type "paper"; there is not enough memory.
    OutputError
        The disk is, or would be, full; or `out` is not empty. Finished blocks stay saved.
    MissingExtra
        Zarr is not installed.
    """
    out = Path(out)
    plan = BlockPlan(
        check_local(recipe), domain, seed, _checked(region, domain), (_checked_chunk(chunk),) * 3
    )
    work = out.with_name(f"{out.name}.work")
    if resume and (done := _finished(out, plan)):
        shutil.rmtree(work, ignore_errors=True)
        return done
    check_writable(out, overwrite)
    store = _opened(work, plan, resume, overwrite)
    if level is not None:
        _note_level(store, level)
    with _full_disk_in_words(work):
        _check_room(plan, store)
        _make_store(store, plan, out)
        found = level_of(plan, store, workers=workers, memory=memory, progress=progress)
        make_blocks(plan, store, found, workers=workers, memory=memory, progress=progress)
        return _deliver(store, plan, found, out, overwrite)


def find_level(
    recipe: AnyRecipe,
    domain: Domain,
    seed: int,
    *,
    workers: Workers = 1,
    memory: float = MEMORY,
    scratch: Path | None = None,
    progress: OnProgress = lambda event: None,
) -> float:
    """Return the level of a whole domain, which is computed block by block.

    It is the level of `generate`: the value of the last solid voxel when all are sorted.

    Parameters
    ----------
    scratch : Path, optional
        Folder for the stored values, which stays so that the same call can continue there; a temporary one
        by default.

    Other parameters as for `generate_zarr`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        plan = BlockPlan(check_local(recipe), domain, seed, Window((0, 0, 0), (1, 1, 1)), (CHUNK,) * 3)
        store = _opened(scratch or Path(temporary) / "work", plan, resume=True, overwrite=False)
        with _full_disk_in_words(store.folder):
            return level_of(plan, store, workers=workers, memory=memory, progress=progress)


def parse_region(text: str, shape: Shape) -> Window:
    """Read a region "z0:z1,y0:y1,x0:x1" in voxels; an omitted end is that of the domain.

    >>> parse_region("0:64,100:,:", (128, 128, 200))
    Window(start=(0, 100, 0), shape=(64, 28, 200))
    """
    parts = text.split(",")
    ends = [part.strip().partition(":") for part in parts]
    numbers = [(a.strip() or "0", b.strip()) for a, colon, b in ends if colon]
    if len(parts) != 3 or len(numbers) != 3 or not all(p.isdecimal() for pair in numbers for p in pair if p):
        raise SettingsError(f'region {text!r} is not valid; wanted "z0:z1,y0:y1,x0:x1" in voxels')
    start = tuple(int(a) for a, _ in numbers)
    stop = tuple(int(b) if b else n for (_, b), n in zip(numbers, shape, strict=True))
    window = Window(start, tuple(b - a for a, b in zip(start, stop, strict=True)))  # type: ignore[arg-type]
    return _checked(window, Domain(shape, 1e-9))


# -- the work folder ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Blocks, drafts and notes as files; see `porescape.synthesis.blockwise.store.BlockStore`.

    Attributes
    ----------
    folder : Path
        Absolute.
    plan : BlockPlan
    """

    folder: Path
    plan: BlockPlan

    @property
    def store(self) -> Path:
        """The unfinished OME-Zarr folder."""
        return self.folder / "store"

    def has_block(self, index: BlockIndex) -> bool:
        """Return whether a block is stored and intact."""
        record = self.record(index)
        return record is not None and _hash(self._shard(index)) == record["sha256"]

    def put_block(self, index: BlockIndex, pore: NDArray[np.bool_]) -> None:
        """Write a block as its shard, and then its record."""
        import zarr

        z, y, x = (slice(a, a + n) for a, n in zip(self.plan.block(index).start, pore.shape, strict=True))
        with _full_disk_in_words(self.folder):
            self._shard(index).unlink(missing_ok=True)  # otherwise zarr reads it, even if it is broken
            array = zarr.open_array(self.store, path="0", mode="r+")
            array[z, y, x] = np.where(pore, np.uint8(PORE), np.uint8(0))
            self._write(self._record(index), {"sha256": _hash(self._shard(index)), "pore": int(pore.sum())})

    def draft(self, index: BlockIndex, bits: bool = True) -> Draft | None:
        """Return a draft if it is stored and intact; without its bits if they are not wanted."""
        path = self._draft(index)
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                bracket = Bracket(*map(float, stored["bracket"]))
                below, counts = int(stored["below"]), stored["counts"]
                empty = np.empty(0, np.uint8)
                pore, aside = (stored["pore"], stored["aside"]) if bits else (empty, empty)
                return Draft(bracket, below, counts, pore, aside, stored["values"])
        except (OSError, ValueError, KeyError, EOFError, zlib.error, zipfile.BadZipFile):
            return None

    def put_draft(self, index: BlockIndex, draft: Draft) -> None:
        """Write a draft."""
        path = self._draft(index)
        with _full_disk_in_words(self.folder):
            path.parent.mkdir(exist_ok=True)
            with whole_file(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **draft._asdict())

    def drop_draft(self, index: BlockIndex) -> None:
        """Remove a draft if there is one."""
        self._draft(index).unlink(missing_ok=True)

    def note(self, name: str) -> Any:
        """Return what was noted under a name, or None."""
        try:
            return json.loads((self.folder / "notes" / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def put_note(self, name: str, value: Any) -> None:
        """Note numbers or words under a name."""
        self._write(self.folder / "notes" / f"{name}.json", value)

    def record(self, index: BlockIndex) -> Any:
        """Return the record of a finished block, or None."""
        try:
            return json.loads(self._record(index).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def _record(self, index: BlockIndex) -> Path:
        return self.folder / "blocks" / f"{'.'.join(map(str, index))}.json"

    def _draft(self, index: BlockIndex) -> Path:
        return self.folder / "drafts" / f"{'.'.join(map(str, index))}.npz"

    def _shard(self, index: BlockIndex) -> Path:
        return self.store.joinpath("0", "c", *map(str, index))

    def _write(self, path: Path, table: Any) -> None:
        path.parent.mkdir(exist_ok=True)
        with whole_file(path) as temporary:
            temporary.write_text(json.dumps(table), encoding="utf-8")


def _opened(work: Path, plan: BlockPlan, resume: bool, overwrite: bool) -> WorkFolder:
    """Open the work folder, a new one or that of an interrupted job."""
    work = work.absolute()
    table = _table(plan)
    before = _stored_job(work)
    if before is not None and overwrite and not resume:
        shutil.rmtree(work)
        before = None
    if before is None:
        if work.exists() and any(work.iterdir()):
            raise OutputError(
                f"{work} is not the work folder of a job; move it away, or choose another --out"
            )
        with _full_disk_in_words(work):
            work.mkdir(parents=True, exist_ok=True)
            WorkFolder(work, plan)._write(work / "job.json", table)
        return WorkFolder(work, plan)
    if different := [
        f"{name} was {before.get(name)}, now {table.get(name)}"
        for name in dict.fromkeys((*before, *table))
        if before.get(name) != table.get(name)
    ]:
        raise SettingsError(
            f"{work} holds another unfinished job: {'; '.join(different)}. Repeat that job "
            "with --resume, start again with --overwrite, or choose another --out"
        )
    if not resume:
        done = sum(1 for _ in (work / "blocks").glob("*.json"))
        raise OutputError(
            f"{work} holds this job, interrupted ({done} of {math.prod(plan.counts)} blocks finished): "
            "--resume continues it, --overwrite starts again"
        )
    for left in work.rglob("*.partial"):  # incomplete files of a killed process
        left.unlink(missing_ok=True)
    return WorkFolder(work, plan)


def _note_level(store: WorkFolder, level: float) -> None:
    """Note the given level; it must be that of the blocks already written."""
    given, before = float(np.float32(level)), store.note("level")
    if before is not None and before != given:
        raise SettingsError(
            f"--level {level!r} differs from the level {before!r} of the blocks in {store.folder}; "
            "leave it out, or start again with --overwrite"
        )
    store.put_note("level", given)


def _table(plan: BlockPlan) -> dict[str, Any]:
    """Return everything that determines the bytes, as read from JSON."""
    table: dict[str, Any] = {"porescape": __version__, "seed": str(plan.seed), "chunk": plan.chunk}
    table |= {f"recipe.{name}": value for name, value in asdict(plan.recipe).items()}
    table |= {f"domain.{name}": value for name, value in asdict(plan.domain).items()}
    table |= {"region.start": plan.window.start, "region.shape": plan.window.shape}
    return json.loads(json.dumps(table))  # type: ignore[no-any-return]


def _stored_job(work: Path) -> dict[str, Any] | None:
    try:
        return json.loads((work / "job.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
    except OSError:
        return None
    except ValueError as error:
        raise OutputError(
            f"{work / 'job.json'} could not be read: {error}; remove {work} and start again"
        ) from error


def _checked(region: Window | None, domain: Domain) -> Window:
    if region is None:
        return domain.whole
    for axis, start, size, n in zip("zyx", *region, domain.shape, strict=True):
        if not 0 <= start < start + size <= n:
            raise SettingsError(
                f"the region's {axis} from {start} to {start + size} is not inside the domain's 0 to {n}"
            )
    return region


def _checked_chunk(chunk: int) -> int:
    if chunk < 8 or chunk % 8:
        raise SettingsError(f"--chunk must be a multiple of 8 voxels, got {chunk}; try 64, 128 or 256")
    return chunk


# -- the store ---------------------------------------------------------------------------------------


def _make_store(store: WorkFolder, plan: BlockPlan, out: Path) -> None:
    try:
        import zarr
    except ImportError as error:
        raise MissingExtra('writing Zarr needs another package: pip install "porescape[zarr]"') from error
    if (store.store / "0" / "zarr.json").is_file():
        return
    group = zarr.create_group(store.store, zarr_format=3, overwrite=True)
    name = out.name.removesuffix(".zarr").removesuffix(".ome")
    group.attrs.update(_attributes(plan, name))
    edge = plan.chunk[0]
    inner = INNER if edge % INNER == 0 else edge
    group.create_array(
        "0",
        shape=plan.window.shape,
        shards=(edge,) * 3,
        chunks=(inner,) * 3,
        dtype="uint8",
        fill_value=0,
        compressors=zarr.codecs.ZstdCodec(level=ZSTD),
        dimension_names=tuple("zyx"),
        config={"write_empty_chunks": True},  # every block is a file, even if it has only one phase
    )


def _attributes(plan: BlockPlan, name: str) -> dict[str, Any]:
    attributes = ngff_metadata(plan.window.shape, plan.domain.voxel_size, name)
    (level,) = attributes["ome"]["multiscales"][0]["datasets"]
    if any(plan.window.start):  # position of the region in its domain
        micrometres = [float(f"{n * plan.domain.voxel_size * 1e6:.12g}") for n in plan.window.start]
        level["coordinateTransformations"].append({"type": "translation", "translation": micrometres})
    attributes["porescape"] |= {"job": _table(plan)}
    return attributes


def _deliver(store: WorkFolder, plan: BlockPlan, level: float, out: Path, overwrite: bool) -> Generated:
    """Complete the attributes of the store, and move it to `out`."""
    import zarr

    digest, pore = hashlib.sha256(), 0
    for index in plan.indices:
        record = store.record(index)
        if record is None:
            raise OutputError(
                f"block {index} is not in {store.folder}; run the same command again with --resume"
            )
        digest.update(record["sha256"].encode())
        pore += record["pore"]
    porosity = pore / math.prod(plan.window.shape)
    for left in store.store.rglob("*.partial"):
        left.unlink(missing_ok=True)
    group = zarr.open_group(store.store, mode="r+")
    known = dict(group.attrs["porescape"])
    group.attrs["porescape"] = known | {"level": level, "porosity": porosity, "sha256": digest.hexdigest()}
    check_writable(out, overwrite)
    if out.exists():
        shutil.rmtree(out)
    store.store.replace(out)
    shutil.rmtree(store.folder, ignore_errors=True)
    return Generated(out, plan.window.shape, level, porosity)


def _finished(out: Path, plan: BlockPlan) -> Generated | None:
    """Return the structure at `out` if it is the finished result of this job."""
    try:
        attributes = json.loads((out / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        written = attributes["porescape"]
        if written["job"] != _table(plan):
            return None
        return Generated(out, plan.window.shape, written["level"], written["porosity"])
    except (OSError, ValueError, KeyError):
        return None


# -- disk space --------------------------------------------------------------------------------------


def disk_bytes(plan: BlockPlan, level_known: bool) -> float:
    """Return an estimate of the most that a job writes [bytes]."""
    wanted, whole = math.prod(plan.window.shape), math.prod(plan.domain.shape)
    if level_known:
        return FINISHED * wanted
    drafted = DRAFTED if plan.window == plan.domain.whole else DRAFTED - 0.25  # only values for the level
    return FINISHED * wanted + drafted * whole


def _check_room(plan: BlockPlan, store: WorkFolder) -> None:
    """Refuse a job that clearly does not fit on the disk; files already written are counted."""
    written = sum(path.stat().st_size for path in _files(store.folder))
    need = disk_bytes(plan, store.note("level") is not None) - written
    free = free_disk(store.folder)
    if need > free:
        raise OutputError(
            f"the job will write about {in_bytes(round(need))} more, but only {in_bytes(free)} are free on "
            f"the disk of {store.folder}; free some space, choose another --out, or give --level if known"
        )


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        with suppress(OSError):
            if path.is_file():
                yield path


@contextmanager
def _full_disk_in_words(folder: Path) -> Iterator[None]:
    try:
        yield
    except OutputError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOSPC:
            raise OutputError(_full(folder)) from error
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(_full(folder)) from error
        raise OutputError(f"{folder} could not be written: {error.strerror or error}") from error


def _full(folder: Path) -> str:
    return (
        f"the disk of {folder} is full; finished blocks are saved: free some space and run the same command "
        "again with --resume"
    )


def _hash(path: Path) -> str:
    try:
        return hash_of_file(path)
    except FileNotFoundError:
        return ""
