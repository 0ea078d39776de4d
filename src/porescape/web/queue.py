"""The queue: one job runs at a time, each in a process of its own; the others wait."""

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
from porescape.web.jobs import ENDED, INTERRUPTED, RESUMABLE, Job, Jobs, WrongState
from porescape.web.limits import Limits

STOP_TIMEOUT = 6.0  # seconds from the request to stop to ending a worker; longer than most single steps
POLL = 0.2  # seconds between two checks of a worker
LEAST_LOG = 4000  # characters of a worker's last output that are written to the server's log

log = logging.getLogger(__name__)


class Queue:
    """Starts waiting jobs one after the other, in a thread of its own."""

    def __init__(self, jobs: Jobs, limits: Limits) -> None:
        self._jobs = jobs
        self._limits = limits
        self._closing = threading.Event()
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._running: str | None = None
        self._cancelled: float | None = None  # time of the request
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name="porescape queue", daemon=True)

    def open(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the running job, which is then interrupted, and the thread."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_TIMEOUT + 10)

    def submit(self, key: str, form: dict[str, Any]) -> Job:
        """Put a draft into the queue, with its final form."""
        self._check_length()
        job = self._jobs.change(
            key, ("draft",), "only a draft can be started", form=form, state="queued", queued=time.time()
        )
        self._changed.set()
        return job

    def resume(self, key: str) -> Job:
        """Put a stopped job into the queue again; its finished work is kept."""
        self._check_length()
        job = self._jobs.change(
            key,
            RESUMABLE,
            "only a stopped job can be continued",
            state="queued",
            queued=time.time(),
            message="",
            ended=0.0,
        )
        self._changed.set()
        return job

    def cancel(self, key: str) -> Job:
        """Remove a job from the queue, or stop it."""
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
                message="removed from the queue before it started",
                ended=time.time(),
            )

    def _check_length(self) -> None:
        if len(self._jobs.waiting()) >= self._limits.waiting:
            raise WrongState(
                f"{self._limits.waiting} jobs are already waiting; wait, or cancel one, before adding another"
            )

    # -- the thread

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            waiting = self._jobs.waiting()
            if waiting:
                try:
                    self._run(waiting[0])
                except Exception:  # after any failure of one job, the others still run
                    log.exception("job %s", waiting[0].id)
                    self._closing.wait(1)
            else:
                self._changed.wait(2)
            self._jobs.save_again()

    def _run(self, job: Job) -> None:
        with self._lock:
            try:
                job = self._jobs.change(
                    job.id, ("queued",), "it is no longer waiting", state="running", started=time.time()
                )
            except PorescapeError:
                return  # just cancelled or deleted
            folder = self._jobs.path(job)
            for name in ("outcome.json", "progress.json"):  # of an earlier start
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
            outcome = _last_line(process.end_tree(worker))
            with self._lock:
                self._running = self._process = None
            self._set_final_state(job, outcome, code)

    def _watch(self, worker: subprocess.Popen[bytes]) -> None:
        while worker.poll() is None:
            if self._closing.is_set():
                process.end_tree(worker)
            if self._cancelled is not None and time.monotonic() - self._cancelled > STOP_TIMEOUT:
                process.end_tree(worker)
            time.sleep(POLL)

    def _set_final_state(self, job: Job, outcome: dict[str, Any], code: int | None) -> None:
        """Set the state of the job: as reported by its worker, or from how the worker ended."""
        if not outcome and code not in (0, None):
            self._log_output(job)
        if outcome.get("state") in ENDED and outcome["state"] != "done":  # "done" is checked in the folder
            self._jobs.change(
                job.id,
                ("running",),
                "it has already ended",
                state=outcome["state"],
                message=str(outcome["message"]),
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
                    message="cancelled; it can be continued",
                )
        else:
            ended = process.how_it_ended(code if code is not None else -9)
            self._jobs.settle(job.id, f"the worker process {ended}; the job can be continued")
        if self._jobs.get(job.id).state == "done":
            self._tidy(job)

    def _tidy(self, job: Job) -> None:
        folder = self._jobs.path(job)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        with suppress(OSError):
            (folder / "worker.log").unlink(missing_ok=True)

    def _log_output(self, job: Job) -> None:
        with suppress(OSError):
            words = (self._jobs.path(job) / "worker.log").read_text(encoding="utf-8", errors="replace")
            log.warning("worker of job %s: %s", job.id, words[-LEAST_LOG:])


def _last_line(outcome: bytes) -> dict[str, Any]:
    """Return the last outcome that a worker reported, if any."""
    lines = outcome.splitlines()
    with suppress(ValueError, IndexError):
        return dict(json.loads(lines[-1]))
    return {}
