"""One queue: jobs wait their turn, one runs at a time, each in a process of its own."""

import json
import logging
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from typing import Any

from porescape.errors import PorescapeError
from porescape.web import process
from porescape.web.jobs import CAN_GO_ON, ENDED, INTERRUPTED, Job, Jobs, WrongState
from porescape.web.limits import Limits

POLITE = 6.0  # seconds between asking a worker to stop and ending it; longer than most single steps take
LOOK = 0.2  # seconds between two looks at a worker
LEAST_LOG = 4000  # characters of a worker's last words that go into the server's log

log = logging.getLogger(__name__)


class Queue:
    """Start waiting jobs one after the other, in a thread of its own."""

    def __init__(self, jobs: Jobs, limits: Limits) -> None:
        self._jobs = jobs
        self._limits = limits
        self._closing = threading.Event()
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._running: str | None = None
        self._cancelled: float | None = None  # when
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name="porescape queue", daemon=True)

    def open(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """End the running job, which then is interrupted, and the thread."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=POLITE + 10)

    def submit(self, key: str, form: dict[str, Any]) -> Job:
        """Put a draft into the queue, with the form it shall be done by."""
        self._check_length()
        job = self._jobs.change(
            key, ("draft",), "only a draft can be started", form=form, state="queued", queued=time.time()
        )
        self._changed.set()
        return job

    def go_on(self, key: str) -> Job:
        """Put a job that stopped into the queue again; it keeps what it had done."""
        self._check_length()
        job = self._jobs.change(
            key,
            CAN_GO_ON,
            "only a job that stopped can go on",
            state="queued",
            queued=time.time(),
            message="",
            ended=0.0,
        )
        self._changed.set()
        return job

    def cancel(self, key: str) -> Job:
        """Take a job out of the queue, or stop it."""
        with self._lock:
            if self._running == key:
                if self._cancelled is None:
                    self._cancelled = time.monotonic()
                    if self._process is not None:
                        process.ask_to_stop(self._process)
                return self._jobs.get(key)
            return self._jobs.change(
                key,
                ("queued",),
                "there is nothing to cancel",
                state="cancelled",
                message="taken out of the queue before it began",
                ended=time.time(),
            )

    def _check_length(self) -> None:
        if len(self._jobs.waiting()) >= self._limits.waiting:
            raise WrongState(
                f"{self._limits.waiting} jobs are waiting already; wait, or cancel one, before another"
            )

    # -- the thread

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            waiting = self._jobs.waiting()
            if waiting:
                try:
                    self._run(waiting[0])
                except Exception:  # whatever happens to one job, the others have their turn
                    log.exception("job %s", waiting[0].id)
                    self._closing.wait(1)
            else:
                self._changed.wait(2)
            self._jobs.save_again()

    def _run(self, job: Job) -> None:
        with self._lock:
            try:
                job = self._jobs.change(
                    job.id, ("queued",), "it waits no more", state="running", started=time.time()
                )
            except PorescapeError:
                return  # cancelled or deleted a moment ago
            folder = self._jobs.path(job)
            for name in ("outcome.json", "progress.json"):  # of an earlier turn
                (folder / name).unlink(missing_ok=True)
            self._running, self._cancelled = job.id, None
            try:
                with (folder / "worker.log").open("wb") as words:
                    self._process = process.start("porescape.web.worker", str(folder), log=words)
            except OSError as error:
                self._running = None
                self._jobs.settle(job.id, f"it could not be started: {error.strerror or error}")
                return
        worker = self._process
        try:
            self._watch(worker)
        finally:
            code = worker.poll()
            said = _last_line(process.end_tree(worker))
            with self._lock:
                self._running = self._process = None
            self._conclude(job, said, code)

    def _watch(self, worker: subprocess.Popen[bytes]) -> None:
        while worker.poll() is None:
            if self._closing.is_set():
                process.end_tree(worker)
            if self._cancelled is not None and time.monotonic() - self._cancelled > POLITE:
                process.end_tree(worker)
            time.sleep(LOOK)

    def _conclude(self, job: Job, said: dict[str, Any], code: int | None) -> None:
        """Give the job its state: what its worker said, or what is known of how that ended."""
        if not said and code not in (0, None):
            self._tell_log(job)
        if said.get("state") in ENDED and said["state"] != "done":  # "done" is looked up in the folder
            self._jobs.change(
                job.id,
                ("running",),
                "it has ended already",
                state=said["state"],
                message=str(said["message"]),
                ended=time.time(),
            )
        elif self._closing.is_set():
            self._jobs.settle(job.id, INTERRUPTED)
        elif self._cancelled is not None:
            self._jobs.settle(job.id, "")
            with suppress(WrongState):
                self._jobs.change(
                    job.id,
                    ("interrupted",),
                    "",
                    state="cancelled",
                    message="cancelled; it can go on from where it was",
                )
        else:
            ended = process.how_it_ended(code if code is not None else -9)
            self._jobs.settle(job.id, f"the worker process {ended}; the job can go on from where it was")
        if self._jobs.get(job.id).state == "done":
            self._tidy(job)

    def _tidy(self, job: Job) -> None:
        folder = self._jobs.path(job)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        with suppress(OSError):
            (folder / "worker.log").unlink(missing_ok=True)

    def _tell_log(self, job: Job) -> None:
        with suppress(OSError):
            words = (self._jobs.path(job) / "worker.log").read_text(encoding="utf-8", errors="replace")
            log.warning("worker of job %s: %s", job.id, words[-LEAST_LOG:])


def _last_line(said: bytes) -> dict[str, Any]:
    """Return what a worker said last, if anything."""
    lines = said.splitlines()
    with suppress(ValueError, IndexError):
        return dict(json.loads(lines[-1]))
    return {}
