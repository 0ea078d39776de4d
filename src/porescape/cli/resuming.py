"""Options of long runs, and the message when a run stops early: what is saved and how to continue."""

import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from porescape.cli.say import say
from porescape.core.settings import Settings
from porescape.errors import Cancelled, OutputError, PorescapeError, SettingsError

if TYPE_CHECKING:
    from porescape.core.image import Micrograph
    from porescape.io.runs.checkpoint import FolderCheckpoint
    from porescape.parallel import Workers


@dataclass(frozen=True)
class ResumeOptions:
    """How a run continues after an interruption, and where it runs."""

    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished run next to --out, if there is one.")
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(help='Make only a part of the replicas, e.g. "2/8"; --resume then collects them.'),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(help='Work on a Dask cluster: "tcp://host:port", or "local" to start one here.'),
    ] = None

    def part(self) -> tuple[int, int] | None:
        """Return the shard as numbers (i, n)."""
        if self.shard is None:
            return None
        number, slash, of = self.shard.partition("/")
        if not (slash and number.strip().isdecimal() and of.strip().isdecimal()):
            raise SettingsError(f"--shard must be i/n, the i-th of n parts, e.g. 2/8; got {self.shard!r}")
        if not 1 <= int(number) <= int(of):
            raise SettingsError(f"--shard {self.shard} does not exist; the parts are 1/{of} to {of}/{of}")
        return int(number), int(of)

    @contextmanager
    def pool(self, settings: Settings, workers: int | None, out: Path) -> "Iterator[Workers]":
        """Context manager: the workers, after a message on the memory and disk space needed."""
        from porescape.dask_pool import LOCAL, dask_pool
        from porescape.io.resources import available_memory, check_room
        from porescape.jobs.costs import costs_of, in_bytes, workers_that_fit
        from porescape.parallel import available_cores

        remote = self.scheduler is not None and self.scheduler != LOCAL
        local_workers = workers or workers_that_fit(settings, available_cores(), available_memory())
        costs = costs_of(settings, 0 if remote else local_workers)
        say(
            f"needs about {in_bytes(costs.memory)} of memory here "
            f"({in_bytes(costs.worker)} per worker) and {in_bytes(costs.disk)} of disk"
        )
        check_room(costs, out)
        if self.scheduler is None:
            yield local_workers
        else:
            with dask_pool(self.scheduler, local_workers) as pool:
                yield pool

    @contextmanager
    def checkpointing(
        self, out: Path, overwrite: bool, image: "Micrograph", settings: Settings, seed: int
    ) -> "Iterator[FolderCheckpoint]":
        """Context manager: the run's work folder; if the run stops early, report the command that continues.

        Raises
        ------
        OutputError, SettingsError
            There is an unfinished run of this or another job.
        Cancelled
            Stopped with Ctrl-C or SIGTERM, which clusters send before the time limit.
        """
        from porescape.io.runs.checkpoint import (
            FolderCheckpoint,
            is_work_folder,
            open_checkpoint,
            work_folder,
        )

        continues = self.resume or self.shard is not None
        if self.shard is not None and overwrite:
            raise SettingsError("--overwrite would delete the work of other shards; leave it out")
        folder = work_folder(out)
        unfinished = is_work_folder(folder)
        if unfinished and overwrite and not continues:
            FolderCheckpoint(folder).remove()
            unfinished = False
        try:
            checkpoint = open_checkpoint(folder, image, settings, seed)
        except SettingsError as error:
            raise SettingsError(f"{error}; --overwrite starts again") from None
        except KeyboardInterrupt:  # in the middle of it; what others have written there stays
            if self.shard is None and not unfinished:
                if is_work_folder(folder):
                    FolderCheckpoint(folder).remove()
                with suppress(OSError):
                    folder.rmdir()
            raise
        if unfinished and not continues:
            raise OutputError(
                f"an unfinished run of this job is in {folder} ({checkpoint.words(settings)}): "
                "--resume continues it, --overwrite starts again"
            )
        if unfinished:
            say(f"continuing with {checkpoint.words(settings)}")
        try:
            with terminated_like_interrupted():
                yield checkpoint
        except BaseException as error:
            alone = self.shard is None  # other shards may be about to write into an empty folder
            if alone and checkpoint.is_empty():
                checkpoint.remove()
                raise
            done = checkpoint.words(settings)
            saved = f"saved in {checkpoint.folder}: {done}. Continue with\n    {this_command()}"
            if isinstance(error, KeyboardInterrupt | Cancelled):
                raise Cancelled(f"stopped; {saved}") from None
            if isinstance(error, MemoryError):
                raise PorescapeError(f"memory ran out; {saved}, perhaps with fewer --workers") from None
            if isinstance(error, PorescapeError):
                error.args = (f"{error}\n{saved}",)
            else:
                say(saved)
            raise


def this_command() -> str:
    """Return the command that continues this one."""
    words = ["porescape", *sys.argv[1:]]
    if not {"--resume", "--shard"} & set(words):
        words.append("--resume")
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Treat SIGTERM, which batch systems send, like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():  # signals can be caught only there
        yield
        return

    def interrupt(number: int, frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
