"""One search over several workers: the trials, and the bytes, of one process; killed or not."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from porescape.core.results import Progress, Reconstruction
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.dask_pool import DaskPool, dask_pool
from porescape.fit.plan import planned_trials
from porescape.io.runs.checkpoint import FolderCheckpoint, open_checkpoint
from porescape.jobs.reconstruct import reconstruct
from porescape.jobs.replicas import _distribute
from porescape.parallel import OnProgress, ParallelMap, Workers, no_progress
from test_resume import Stop, bytes_of, section

T = TypeVar("T")
R = TypeVar("R")
SEED = 3
ONE = Settings(
    # the Sobol points, four generations and a part of one, and the confirmations; then the other families
    fit=Fit(trials=104, size=32),
    output=Output(size=(32, 32, 32), replicas=1, refine=20),
    measure=Measure(numbers=("body_diameter",), interval="replicas"),
)

TRIALS = planned_trials(ONE.fit)

Told = list[tuple[str, int, int | None, str]]


def told(events: list[Progress]) -> Told:
    return [(e.stage, e.replica, e.trial and e.trial.number, e.step) for e in events]


@pytest.fixture(scope="module")
def alone() -> tuple[Reconstruction, Told]:
    events: list[Progress] = []
    found = reconstruct(section(), ONE, SEED, progress=events.append)
    assert [e.trial.number for e in events if e.trial is not None] == list(range(TRIALS))
    return found, told(events)


def keep_in(folder: Path) -> FolderCheckpoint:
    return open_checkpoint(folder, section(), ONE, SEED)


def lines_of(folder: Path) -> int:
    """How many trials were ever evaluated and saved, those evaluated twice counted twice."""
    return sum(log.read_bytes().count(b"\n") for log in folder.glob("*-trials.jsonl"))


def assert_as_alone(
    alone: tuple[Reconstruction, Told], workers: Workers, checkpoint: FolderCheckpoint
) -> None:
    events: list[Progress] = []
    found = reconstruct(section(), ONE, SEED, workers=workers, progress=events.append, checkpoint=checkpoint)
    assert bytes_of(found) == bytes_of(alone[0])
    assert told(events) == alone[1]  # one trial after the other


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from test_parallel_search import ONE, SEED, keep_in, reconstruct, section, Path
if __name__ == "__main__":
    reconstruct(section(), ONE, SEED, workers=4, checkpoint=keep_in(Path(sys.argv[1])))
"""


def test_a_search_killed_on_four_workers_and_stopped_on_two_is_that_of_one(
    alone: tuple[Reconstruction, Told], tmp_path: Path
) -> None:
    script, folder = tmp_path / "child.py", tmp_path / "work"
    script.write_text(CHILD.format(tests=str(Path(__file__).parent)))
    with subprocess.Popen([sys.executable, script, folder], stderr=subprocess.DEVNULL) as child:
        while lines_of(folder) < 35:  # in the first generation
            assert child.poll() is None
            time.sleep(0.002)
        child.kill()
    time.sleep(0.3)  # its workers see it and end
    torn = lines_of(folder) - len(keep_in(folder).trials(0))
    assert torn <= 1

    def stop(event: Progress) -> None:
        if event.trial is not None and event.trial.number == 82:  # in the middle of the confirmations
            raise Stop

    with pytest.raises(Stop):
        reconstruct(section(), ONE, SEED, workers=2, progress=stop, checkpoint=keep_in(folder))
    assert 83 <= lines_of(folder) - torn <= TRIALS
    assert_as_alone(alone, 1, keep_in(folder))
    assert lines_of(folder) == TRIALS + torn  # unfinished ones are lost, none is tried twice


def test_a_search_on_two_workers_is_that_of_one(alone: tuple[Reconstruction, Told], tmp_path: Path) -> None:
    assert_as_alone(alone, 2, keep_in(tmp_path / "work"))


class Few:
    """A pool of this many workers, all in this process."""

    def __init__(self, size: int) -> None:
        self.size = size

    def map(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
        stop: threading.Event | None = None,
    ) -> Iterator[R]:
        for item in items:
            yield work(item, progress)


@pytest.mark.parametrize(
    ("replicas", "workers", "whole"),
    [(8, 1, 8), (8, 4, 8), (8, 6, 6), (8, 16, 0), (1, 2, 0), (0, 2, 0), (8, 0, 8), (32, 99, 0), (33, 99, 33)],
)
def test_replicas_that_are_left_over_are_divided(replicas: int, workers: int, whole: int) -> None:
    """Unless they are many, or their searches short."""

    def work(index: int, progress: OnProgress, parallel_map: ParallelMap | None = None) -> tuple[int, bool]:
        return index, parallel_map is not None

    for trials, limit in ((32, whole), (31, replicas)):
        shared = _distribute(work, range(replicas), Few(workers), trials, no_progress)  # type: ignore[arg-type]
        assert list(shared) == [(index, index >= limit) for index in range(replicas)]


def test_three_replicas_by_two_are_those_of_one() -> None:
    settings = replace(ONE, fit=Fit(trials=33, size=32), output=replace(ONE.output, replicas=3))
    events: list[Progress] = []
    found = reconstruct(section(), settings, SEED, workers=Few(2), progress=events.append)
    assert bytes_of(found) == bytes_of(reconstruct(section(), settings, SEED))
    trials = [(event.replica, event.trial.number) for event in events if event.trial is not None]
    assert trials == [(replica, number) for replica in range(3) for number in range(33)]


# -- a cluster -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool() -> Iterator[DaskPool]:
    pytest.importorskip("distributed", reason='needs the extra "dask"')
    with dask_pool("local", 2) as pool:
        yield pool


def test_a_worker_that_dies_in_a_search_costs_its_own_trial_only(
    alone: tuple[Reconstruction, Told], pool: DaskPool, tmp_path: Path
) -> None:
    killed: list[int] = []
    events: list[Progress] = []

    def progress(event: Progress) -> None:
        events.append(event)
        if event.trial is not None and event.trial.number == 40:
            killed.append(pool.processes()[0])
            os.kill(killed[0], signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    checkpoint = keep_in(tmp_path / "work")
    found = reconstruct(section(), ONE, SEED, workers=pool, progress=progress, checkpoint=checkpoint)
    assert killed
    assert bytes_of(found) == bytes_of(alone[0])
    assert told(events) == alone[1]
    assert lines_of(checkpoint.folder) == TRIALS  # saved here, where the search runs
