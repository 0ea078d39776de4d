"""Work that tests give to other processes: a file of its own, so that these import little."""

import contextlib
import os
import signal
import time
from pathlib import Path

from porescape.errors import SettingsError
from porescape.memory import ALLOCATOR_SETTINGS
from porescape.parallel import OnProgress, ParallelMap


def square(item: int, progress: OnProgress) -> int:
    for step in range(3):
        progress((item, step))
    return item**2


def fail(item: int, progress: OnProgress) -> int:
    raise SettingsError(f"item {item}")


def die_once(item: tuple[int, Path], progress: OnProgress) -> int:
    """Kill the own process, but only the first time."""
    number, folder = item
    with contextlib.suppress(FileExistsError):
        (folder / str(number)).touch(exist_ok=number != 1)
        if number == 1:
            os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    return number


def linger(folder: Path, progress: OnProgress) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def run_until_cancelled(folder: Path, progress: OnProgress) -> None:
    (folder / "started").touch()
    try:
        while True:
            time.sleep(0.02)
            progress("still here")
    finally:
        (folder / "ended").touch()


def where(item: int, progress: OnProgress) -> tuple[int, int]:
    progress(item)
    return item, os.getpid()


def habits(item: int, progress: OnProgress) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in (*ALLOCATOR_SETTINGS, "OMP_NUM_THREADS")}


def lead(item: int, progress: OnProgress, parallel_map: ParallelMap) -> set[int]:
    """Give away three batches, one after the other; returns who worked on them."""
    found = set()
    for batch in range(3):
        progress(f"batch {batch} of {item}")
        numbers = range(100 * item + 10 * batch, 100 * item + 10 * batch + 4)
        answers = list(parallel_map(where, numbers, progress=progress))
        assert [number for number, _ in answers] == list(numbers)
        found |= {process for _, process in answers}
    return found


def lead_badly(item: int, progress: OnProgress, parallel_map: ParallelMap) -> None:
    list(parallel_map(fail, [item]))


def lead_until_cancelled(folder: Path, progress: OnProgress, parallel_map: ParallelMap) -> None:
    list(parallel_map(run_until_cancelled, [folder], progress=progress))


def lead_to_a_death(items: list[tuple[int, Path]], progress: OnProgress, parallel_map: ParallelMap) -> None:
    list(parallel_map(die_once, items))
