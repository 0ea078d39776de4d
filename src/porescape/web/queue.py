"""The queue: one job runs at a time, each in a separate process; the others wait."""

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

STOP_TIMEOUT = (
    6.0  # seconds between asking a worker to stop and ending it; longer than most single steps take
)
POLL_INTERVAL = 0.2  # seconds between two checks of a worker
LOG_TAIL = 4000  # last characters of the log of a worker, copied to the log of the server

log = logging.getLogger(__name__)


class Queue:
    """Run the waiting jobs one after the other, in a separate thread."""

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
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop the running job, which becomes interrupted, and the thread."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_TIMEOUT + 10)

    def submit(self, key: str, form: dict[str, Any]) -> Job:
        """Add a draft to the queue, with its final form."""
        self._check_length()
        job = self._jobs.change(
            key, ("draft",), "only a draft can be started", form=form, state="queued", queued=time.time()
        )
        self._changed.set()
        return job

    def resume(self, key: str) -> Job:
        """Add a stopped job to the queue again; it continues from its saved state."""
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
                f"{self._limits.waiting} jobs are waiting already; wait, or cancel one of them first"
            )

    # -- the thread

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._changed.clear()
            waiting = self._jobs.waiting()
            if waiting:
                try:
                    self._run(waiting[0])
                except Exception:  # an error in one job does not stop the queue
                    log.exception("job %s", waiting[0].id)
                    self._closing.wait(1)
            else:
                self._changed.wait(2)
            self._jobs.save_unsaved()

    def _run(self, job: Job) -> None:
        with self._lock:
            try:
                job = self._jobs.change(
                    job.id, ("queued",), "it is not waiting any more", state="running", started=time.time()
                )
            except PorescapeError:
                return  # cancelled or deleted a moment ago
            folder = self._jobs.path(job)
            for name in ("outcome.json", "progress.json"):  # of an earlier run
                (folder / name).unlink(missing_ok=True)
            self._running, self._cancelled = job.id, None
            try:
                with (folder / "worker.log").open("wb") as worker_log:
                    self._process = process.start("porescape.web.worker", str(folder), log=worker_log)
            except OSError as error:
                self._running = None
                self._jobs.conclude(job.id, f"it could not be started: {error.strerror or error}")
                return
        worker = self._process
        try:
            self._watch(worker)
        finally:
            code = worker.poll()
            output = _last_line(process.end_tree(worker))
            with self._lock:
                self._running = self._process = None
            self._conclude(job, output, code)

    def _watch(self, worker: subprocess.Popen[bytes]) -> None:
        while worker.poll() is None:
            if self._closing.is_set():
                process.end_tree(worker)
            if self._cancelled is not None and time.monotonic() - self._cancelled > STOP_TIMEOUT:
                process.end_tree(worker)
            time.sleep(POLL_INTERVAL)

    def _conclude(self, job: Job, output: dict[str, Any], code: int | None) -> None:
        """Set the state of the job: from the message of its worker, or from how the process ended."""
        if not output and code not in (0, None):
            self._log_worker(job)
        if output.get("state") in ENDED and output["state"] != "done":  # "done" is verified in the folder
            self._jobs.change(
                job.id,
                ("running",),
                "it has ended already",
                state=output["state"],
                message=str(output["message"]),
                ended=time.time(),
            )
        elif self._closing.is_set():
            self._jobs.conclude(job.id, INTERRUPTED)
        elif self._cancelled is not None:
            self._jobs.conclude(job.id, "")
            with suppress(WrongState):
                self._jobs.change(
                    job.id,
                    ("interrupted",),
                    "",
                    state="cancelled",
                    message="cancelled; the job can be continued from its saved state",
                )
        else:
            ended = process.exit_reason(code if code is not None else -9)
            self._jobs.conclude(
                job.id, f"the worker process {ended}; the job can be continued from its saved state"
            )
        if self._jobs.get(job.id).state == "done":
            self._clean_up(job)

    def _clean_up(self, job: Job) -> None:
        folder = self._jobs.path(job)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
        with suppress(OSError):
            (folder / "worker.log").unlink(missing_ok=True)

    def _log_worker(self, job: Job) -> None:
        with suppress(OSError):
            text = (self._jobs.path(job) / "worker.log").read_text(encoding="utf-8", errors="replace")
            log.warning("worker of job %s: %s", job.id, text[-LOG_TAIL:])


def _last_line(output: bytes) -> dict[str, Any]:
    """Return the last line of the output of a worker, if there is one."""
    lines = output.splitlines()
    with suppress(ValueError, IndexError):
        return dict(json.loads(lines[-1]))
    return {}
