"""Jobs are folders that contain the upload, the form, the progress and the results.

::

    <id>/job.json        state and form; written by the server alone
    <id>/upload.tif      the image, renamed
    <id>/strokes.json    what was drawn with the brush, if anything was
    <id>/progress.json   progress of the worker; may be out of date or missing
    <id>/real.png, best.png
    <id>/checkpoint/     saved state from which the worker can continue
    <id>/outcome.json    how the worker ended, with its message
    <id>/run/            the run folder; complete or missing
    <id>/*.reserve       disk space for job.json and outcome.json, so that a full disk can be reported

Ids are created here and looked up in a table: no path is ever built from data of a client.
"""

import json
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from porescape.errors import InputError, OutputError, PorescapeError
from porescape.web.reserve import reserve_space, write_reserved

State = Literal["draft", "queued", "running", "done", "failed", "cancelled", "interrupted"]
STATES: tuple[str, ...] = get_args(State)
ENDED: tuple[State, ...] = ("done", "failed", "cancelled", "interrupted")
RESUMABLE: tuple[State, ...] = ("failed", "cancelled", "interrupted")
INTERRUPTED = "the server stopped while this job was running; the job can be continued from its saved state"


class NoSuchJob(PorescapeError):
    """There is no job with this id, or it was deleted."""


class WrongState(PorescapeError):
    """The action is not possible in the current state of the job."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One job in its current state.

    Attributes
    ----------
    id : str
    name : str
        Name of the uploaded file, only for display; never a path.
    upload : str
        Name of the file in the folder of the job.
    image : dict
        Height, width and pages of the file, its kind and bytes.
    form : dict
        The form, as returned by `porescape.web.form.form_table`.
    state : State
    message : str
        Why it failed or stopped.
    created, queued, started, ended : float
        Seconds since 1970; 0 for never.
    """

    id: str
    name: str
    upload: str
    image: dict[str, Any]
    form: dict[str, Any] = field(default_factory=dict)
    state: State = "draft"
    message: str = ""
    created: float = 0.0
    queued: float = 0.0
    started: float = 0.0
    ended: float = 0.0


class Jobs:
    """All jobs of one folder; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._unsaved: set[str] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                if path.name.startswith((".new-", ".gone-")):
                    shutil.rmtree(path, ignore_errors=True)  # incomplete when a server was stopped
        except OSError as error:
            raise OutputError(
                f"{folder} cannot be used for jobs ({error.strerror or error}); choose another --folder"
            ) from error
        for job in _read_all(folder):
            self._jobs[job.id] = job
        for job in self.all():
            if job.state == "running":
                self.conclude(job.id, INTERRUPTED)

    def all(self) -> list[Job]:
        """Return every job, the newest first."""
        with self._lock:
            return sorted(self._jobs.values(), key=lambda job: -job.created)

    def get(self, key: str) -> Job:
        """Return one job."""
        with self._lock:
            if key not in self._jobs:
                raise NoSuchJob("there is no such job, or it was deleted; go back to the list")
            return self._jobs[key]

    def path(self, job: Job) -> Path:
        """Return the folder of a job."""
        return self.folder / job.id

    def waiting(self) -> list[Job]:
        """Return the queue, the next one first."""
        return sorted((job for job in self.all() if job.state == "queued"), key=lambda job: job.queued)

    def add(
        self, upload: Path, kind: str, name: str, image: Mapping[str, Any], form: Mapping[str, Any]
    ) -> Job:
        """Create a draft from an uploaded file, which is moved into its folder.

        Raises
        ------
        OutputError
            The disk is full.
        """
        key = secrets.token_hex(8)
        job = Job(
            id=key,
            name=name,
            upload=f"upload.{kind}",
            image=dict(image),
            form=dict(form),
            created=time.time(),
        )
        partial = self.folder / f".new-{key}"
        try:
            partial.mkdir()
            upload.replace(partial / job.upload)
            reserve_space(partial / "outcome.json")
            reserve_space(partial / "job.json")
            _write_job(partial, job)
            partial.replace(self.folder / key)
        except (OSError, OutputError) as error:
            shutil.rmtree(partial, ignore_errors=True)
            cause = error.__cause__ or error  # without the path
            raise OutputError(
                f"the image could not be saved: {getattr(cause, 'strerror', None) or cause}"
            ) from error
        with self._lock:
            self._jobs[key] = job
        return job

    def change(self, key: str, allowed: tuple[State, ...], refusal: str, **values: Any) -> Job:
        """Change a job that is in one of the allowed states.

        Raises
        ------
        WrongState
            It is in another state; the message is `refusal`.
        """
        with self._lock:
            job = self.get(key)
            if job.state not in allowed:
                raise WrongState(f"this job is {job.state}: {refusal}")
            job = replace(job, **values)
            self._jobs[key] = job
            self._save(job)
            return job

    def conclude(self, key: str, otherwise: str) -> Job:
        """Set the state of a job whose worker has ended, from the outcome written by the worker.

        Without an outcome the job was interrupted, with the message `otherwise`.
        """
        folder = self.folder / key
        state: State = "interrupted"
        message = otherwise
        with suppress(OSError, ValueError, KeyError):
            outcome = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
            if outcome["state"] in ENDED:
                state, message = outcome["state"], str(outcome["message"])
        if state == "done" and not (folder / "run" / "results.json").is_file():
            state, message = "interrupted", otherwise
        return self.change(
            key, ("running",), "it has ended already", state=state, message=message, ended=time.time()
        )

    def remove(self, key: str) -> None:
        """Delete a job with everything in its folder."""
        with self._lock:
            job = self.get(key)
            if job.state == "running":
                raise WrongState("this job is running: cancel it first")
            gone = self.folder / f".gone-{key}"
            try:
                (self.folder / key).replace(gone)  # atomic: a partly deleted job is never visible
            except FileNotFoundError:
                pass
            except OSError as error:
                raise OutputError(f"the job could not be deleted: {error.strerror or error}") from error
            del self._jobs[key]
        shutil.rmtree(gone, ignore_errors=True)

    def save_unsaved(self) -> None:
        """Try again to write jobs that could not be written, for example on a full disk."""
        with self._lock:
            for key in list(self._unsaved):
                if key in self._jobs:
                    self._save(self._jobs[key])
                else:
                    self._unsaved.discard(key)

    def _save(self, job: Job) -> None:
        """Write job.json; on a full disk into the reserved space, and if that fails too, later."""
        try:
            _write_job(self.folder / job.id, job)
        except OutputError:
            self._unsaved.add(job.id)
        else:
            self._unsaved.discard(job.id)


def read_job(folder: Path) -> Job:
    """Read the job.json of a folder.

    Raises
    ------
    InputError
        It is not a job.
    """
    try:
        table = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        job = Job(**table)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"{folder.name} is not a job: {error}") from error
    if job.id != folder.name or job.state not in STATES or Path(job.upload).name != job.upload:
        raise InputError(f"{folder.name} is not a job: its job.json belongs to another job")
    return job


def copy_upload(jobs: Jobs, job: Job, to: Path) -> None:
    """Copy the image of a job to a new file.

    Raises
    ------
    OutputError
        The disk is full.
    """
    try:
        shutil.copyfile(jobs.path(job) / job.upload, to)
    except OSError as error:
        to.unlink(missing_ok=True)
        raise OutputError(f"the image could not be copied: {error.strerror or error}") from error


def _write_job(folder: Path, job: Job) -> None:
    write_reserved(folder / "job.json", json.dumps(asdict(job), indent=1, ensure_ascii=False).encode())


def _read_all(folder: Path) -> Iterator[Job]:
    for path in folder.iterdir():
        if (path / "job.json").is_file():
            with suppress(InputError):
                yield read_job(path)
