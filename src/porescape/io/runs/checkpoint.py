"""The work folder of an unfinished run: finished work is saved there, and read when the run continues.

::

    OUT.work/
        job.json                   identifies the job; another job is refused
        replica-01-trials.jsonl    a line per trial, appended when it is done
        replica-01.tif, -details.npz and, written last, replica-01.json with their hashes: a finished replica
        numbers-….json             measurements behind the intervals
        run/                       the finished run folder, before it is moved to OUT

Several processes may write at once, on one machine or on several that share the folder. There are no locks: a
lock would outlive a process that was killed, and does not work on every file system. Instead files are
renamed only when they are complete, every line of a log has a checksum, and two processes that do the same
work write the same.
"""

import hashlib
import json
import shutil
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from porescape.core.image import Micrograph
from porescape.core.results import Replica, Trial
from porescape.core.settings import Settings
from porescape.errors import OutputError, SettingsError
from porescape.io.atomic import check_writable, whole_file
from porescape.io.hashing import hash_of_file
from porescape.io.runs.details import write_details
from porescape.io.runs.replica import read_replica, replica_name, replica_row, trials_from
from porescape.io.runs.settings import differences, settings_table
from porescape.io.volumes.volume import write_tiff
from porescape.version import __version__

JOB = "job.json"
FINISHED = "run"  # name of `FolderCheckpoint.run_folder`


@dataclass(frozen=True, slots=True)
class FolderCheckpoint:
    """A checkpoint in a folder; see `porescape.core.checkpoint.Checkpoint`.

    If the folder does not exist, as on workers of a cluster without a shared disk, nothing is saved and
    nothing is found.

    Attributes
    ----------
    folder : Path
        Absolute.
    """

    folder: Path

    @property
    def run_folder(self) -> Path:
        """The folder to which the finished run is written before `deliver` moves it."""
        return self.folder / FINISHED

    def trials(self, replica: int) -> tuple[Trial, ...]:
        """Return the first trials of a replica's search, in order; damaged lines are ignored."""
        rows: dict[int, dict[str, Any]] = {}
        for text in _lines(self._log(replica)):
            row = _checked(text)
            if row is not None:
                rows.setdefault(row["number"], row)
        first = 0
        while first in rows:
            first += 1
        return trials_from([rows[number] for number in range(first)])

    def add_trial(self, replica: int, trial: Trial) -> None:
        """Add a line to the replica's log of trials.

        Raises
        ------
        OutputError
            It cannot be written, for example because the disk is full.
        """
        text = json.dumps(asdict(trial))
        path = self._log(replica)
        try:
            with path.open(
                "ab"
            ) as file:  # the line break comes first, so that an incomplete line damages no other
                file.write(f"\n{zlib.crc32(text.encode()):08x} {text}".encode())
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(f"{path} could not be written: {error.strerror or error}") from error

    def finished(self) -> Collection[int]:
        """Return which replicas are saved."""
        names = {path.name for path in self.folder.glob("replica-*.json")} if self.folder.is_dir() else set()
        return {int(name.removeprefix("replica-").removesuffix(".json")) - 1 for name in names}

    def replica(self, index: int) -> Replica | None:
        """Return a replica if all its files are intact."""
        stem = replica_name(index)
        try:
            table = json.loads((self.folder / f"{stem}.json").read_text(encoding="utf-8"))
            if any(hash_of_file(self.folder / name) != wanted for name, wanted in table["sha256"].items()):
                return None
            trials = self.trials(index)
            if len(trials) != table["trials"]:
                return None
            return read_replica(self.folder, index, table["row"], table["voxel_size"], trials)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def add_replica(self, replica: Replica) -> None:
        """Save a replica: its volume, details and trials, and last the file that marks it as finished."""
        if not self.folder.is_dir():
            return
        for trial in replica.trials[len(self.trials(replica.index)) :]:
            self.add_trial(replica.index, trial)
        stem = replica_name(replica.index)
        volume, details = self.folder / f"{stem}.tif", self.folder / f"{stem}-details.npz"
        write_tiff(volume, replica.volume)
        write_details(details, replica.measurement.details)
        table = {
            "trials": len(replica.trials),
            "voxel_size": replica.volume.voxel_size,
            "sha256": {path.name: hash_of_file(path) for path in (volume, details)},
            "row": replica_row(replica),
        }
        _write_json(self.folder / f"{stem}.json", table)

    def numbers(self, name: str) -> dict[str, float] | None:
        """Return the numbers saved under this name."""
        try:
            table = json.loads(self._numbers(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return table["numbers"] if table["name"] == name else None

    def add_numbers(self, name: str, numbers: Mapping[str, float]) -> None:
        """Save numbers under a name."""
        if self.folder.is_dir():
            _write_json(self._numbers(name), {"name": name, "numbers": dict(numbers)})

    def words(self, settings: Settings) -> str:
        """Return what is saved, in words, such as "3 of 8 replicas and 120 more trials"."""
        finished = self.finished()
        more = sum(len(self.trials(i)) for i in range(settings.output.replicas) if i not in finished)
        return f"{len(finished)} of {settings.output.replicas} replicas and {more} more trials"

    def is_empty(self) -> bool:
        """Return whether nothing is saved yet."""
        return not any(self.folder.glob("replica-*"))

    def deliver(self, out: Path, overwrite: bool = False) -> None:
        """Move the finished run folder to `out`, and remove this one.

        Raises
        ------
        OutputError
            `out` is not empty, or cannot be written.
        """
        check_writable(out, overwrite)
        try:
            if out.exists():
                if overwrite:
                    shutil.rmtree(out)
                else:
                    out.rmdir()  # it was empty; fails if another process has written to it meanwhile
            self.run_folder.replace(out)
        except OSError as error:
            raise OutputError(f"{out} could not be written: {error.strerror or error}") from error
        self.remove()

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _log(self, replica: int) -> Path:
        return self.folder / f"{replica_name(replica)}-trials.jsonl"

    def _numbers(self, name: str) -> Path:
        return self.folder / f"numbers-{hashlib.sha256(name.encode()).hexdigest()[:16]}.json"


def work_folder(out: Path) -> Path:
    """Return the work folder of a run that is to be written to `out`."""
    return out.with_name(f"{out.name}.work")


def is_work_folder(folder: Path) -> bool:
    """Return whether this folder holds an unfinished run."""
    return (folder / JOB).is_file()


def open_checkpoint(folder: Path | str, image: Micrograph, settings: Settings, seed: int) -> FolderCheckpoint:
    """Open the work folder of a job, or make a new one.

    Raises
    ------
    SettingsError
        The folder belongs to another job; the message lists the differences.
    OutputError
        The folder cannot be used.
    """
    folder = Path(folder).absolute()
    job = _job(image, settings, seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_work_folder(folder):
            if foreign := sorted(
                path.name for path in folder.iterdir() if not path.name.endswith(".partial")
            ):
                raise OutputError(
                    f"{folder} holds {foreign[0]} but no {JOB}: it is not the work folder of a run; "
                    "choose another name"
                )
            _write_json(folder / JOB, job)
        before = json.loads((folder / JOB).read_text(encoding="utf-8"))
    except OSError as error:
        raise (
            error
            if isinstance(error, OutputError)
            else OutputError(f"{folder} could not be written: {error.strerror or error}")
        ) from error
    except ValueError as error:
        raise OutputError(
            f"{folder / JOB} could not be read: {error}; remove {folder} and start again"
        ) from error
    if changes := list(differences(before, json.loads(json.dumps(job)))):
        raise SettingsError(
            f"{folder} holds an unfinished run of another job: {'; '.join(changes)}; "
            "use the same image and settings, or choose another folder"
        )
    return FolderCheckpoint(folder)


def _job(image: Micrograph, settings: Settings, seed: int) -> dict[str, Any]:
    """Return everything that determines the bytes of a run."""
    return {
        "porescape": __version__,
        "sha256": image.sha256 or hashlib.sha256(image.grey.tobytes()).hexdigest(),
        "crop": image.crop,
        "page": image.page,
        "pixel_size": image.pixel_size,
        "seed": seed,
        **settings_table(settings),
    }


def _lines(path: Path) -> Sequence[bytes]:
    try:
        return path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return ()


def _checked(line: bytes) -> dict[str, Any] | None:
    """Return the content of a line of the log, if its checksum is right."""
    checksum, _, text = line.partition(b" ")
    if checksum.decode("ascii", "replace") != f"{zlib.crc32(text):08x}":
        return None
    return json.loads(text)  # type: ignore[no-any-return]


def _write_json(path: Path, table: Mapping[str, Any]) -> None:
    """Write a table; NaN stays NaN, unlike in the files for other programs."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(table), encoding="utf-8")
