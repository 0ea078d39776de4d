"""Work done elsewhere: in processes that may be killed, and by the workers of a Dask cluster."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from errands import (
    die_once,
    fail,
    habits,
    lead,
    lead_badly,
    lead_to_a_death,
    lead_until_cancelled,
    run_until_cancelled,
    square,
)
from porescape.core.results import Progress, Reconstruction
from porescape.dask_pool import DaskPool, dask_pool
from porescape.errors import MissingExtra, PorescapeError, SettingsError
from porescape.io.runs.checkpoint import open_checkpoint
from porescape.jobs.reconstruct import reconstruct
from porescape.memory import ALLOCATOR_SETTINGS
from porescape.parallel import Pool, map_divided, map_ordered, pool_of
from test_resume import REPLICAS, SEED, TINY, TRIALS, bytes_of, lines_of, section


class Stop(Exception):
    pass


def stop(message: object) -> None:
    raise Stop


def until(path: Path) -> None:
    patience = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < patience, f"{path.name} never came"
        time.sleep(0.02)


# -- processes -----------------------------------------------------------------------------------------


def test_a_killed_worker_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(PorescapeError, match=r"ended from outside.*try fewer --workers"):
        list(map_ordered(die_once, [(i, tmp_path) for i in range(3)], 2))


@pytest.fixture(scope="module")
def processes() -> Iterator[Pool]:
    with pool_of(2) as pool:
        yield pool


def test_divided_work_shares_one_pool_and_keeps_its_order(
    processes: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is done is handed on at once: looking for it now and then would cost a search a tenth of its time
    monkeypatch.setattr("porescape.parallel._POLL", 300.0)
    assert processes.size == 2
    assert_divided_work_is_done(processes)
    assert len(list(map_divided(lead, [], processes))) == 0


def assert_divided_work_is_done(pool: Pool) -> None:
    received: list[Any] = []
    workers = set().union(*map_divided(lead, range(3), pool, received.append))
    assert len(workers) <= 2  # three leaders, and still no more than two at work
    assert os.getpid() not in workers
    assert len(received) == 3 * (3 + 12)
    for item in range(3):
        own = [word for word in received if isinstance(word, str) and word.endswith(f"of {item}")]
        assert own == [f"batch {batch} of {item}" for batch in range(3)]


def test_an_error_in_a_piece_is_the_callers(processes: Pool) -> None:
    with pool_of(1) as alone:
        for pool in (processes, alone):
            with pytest.raises(SettingsError, match="item 7"):
                list(map_divided(lead_badly, [7], pool))
    assert leaders() == []


def test_a_killed_worker_is_said_to_all_who_wait(tmp_path: Path) -> None:
    items = [(i, tmp_path) for i in range(2)]
    with pytest.raises(PorescapeError, match="ended from outside"), pool_of(2) as pool:  # noqa: PT012
        assert list(pool.map(die_once, items[:1])) == [0]
        list(map_divided(lead_to_a_death, [items, items], pool))
    assert leaders() == []


def leaders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("porescape")]


def test_leaders_end_when_the_result_is_no_longer_needed(tmp_path: Path) -> None:
    with pytest.raises(Stop), pool_of(2) as pool:
        list(map_divided(lead_until_cancelled, [tmp_path], pool, stop))
    assert leaders() == []


ORPHANS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from errands import linger
from porescape.parallel import map_ordered
if __name__ == "__main__":
    list(map_ordered(linger, [Path(sys.argv[1])] * 2, 2))
"""


@pytest.mark.skipif(os.name == "nt", reason="asks POSIX whether a process is there")
def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script, folder = tmp_path / "parent.py", tmp_path / "alive"
    folder.mkdir()
    script.write_text(ORPHANS.format(tests=str(Path(__file__).parent)))
    with subprocess.Popen([sys.executable, script, folder], stderr=subprocess.DEVNULL) as parent:
        while len(list(folder.iterdir())) < 2:
            assert parent.poll() is None
            time.sleep(0.02)
        parent.kill()
    patience = time.monotonic() + 10
    for path in folder.iterdir():
        while _is_alive(int(path.name)):
            assert time.monotonic() < patience
            time.sleep(0.02)


def _is_alive(process: int) -> bool:
    status = Path(f"/proc/{process}/stat")
    if status.exists():
        return status.read_text().rpartition(")")[2].split()[0] != "Z"  # ended; nobody has asked how yet
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not Path("/proc/self").exists()


# -- a cluster -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool() -> Iterator[DaskPool]:
    pytest.importorskip("distributed", reason='needs the extra "dask"')
    with dask_pool("local", 2) as pool:
        yield pool


@pytest.fixture(scope="module")
def undisturbed() -> Reconstruction:
    return reconstruct(section(), TINY, SEED)


def test_a_cluster_keeps_the_order_and_brings_every_message(pool: DaskPool) -> None:
    received: list[Any] = []
    assert list(map_ordered(square, range(5), pool, received.append)) == [0, 1, 4, 9, 16]
    assert sorted(received) == [(item, step) for item in range(5) for step in range(3)]
    assert list(map_ordered(square, [], pool)) == []


def test_divided_work_on_a_cluster(pool: DaskPool) -> None:
    assert pool.size == 2
    assert_divided_work_is_done(pool)


def test_an_error_on_a_cluster_is_the_callers(pool: DaskPool) -> None:
    with pytest.raises(SettingsError, match="item 0"):
        list(map_ordered(fail, range(3), pool))


@pytest.mark.parametrize("kind", ["processes", "pool"])
def test_workers_have_one_thread_and_keep_their_memory(kind: str, request: pytest.FixtureRequest) -> None:
    before = habits(0, lambda message: None)
    found = list(map_ordered(habits, range(2), request.getfixturevalue(kind)))
    assert found == [ALLOCATOR_SETTINGS | {"OMP_NUM_THREADS": "1"}] * 2
    assert habits(0, lambda message: None) == before


def test_a_worker_that_dies_costs_its_own_task_only(pool: DaskPool, tmp_path: Path) -> None:
    assert list(map_ordered(die_once, [(i, tmp_path) for i in range(4)], pool)) == [0, 1, 2, 3]


def test_work_whose_result_is_no_longer_needed_ends(pool: DaskPool, tmp_path: Path) -> None:
    for name in ("whole", "divided"):
        folder = tmp_path / name
        folder.mkdir()
        lingering = (
            map_ordered(run_until_cancelled, [folder], pool, stop)
            if name == "whole"
            else map_divided(lead_until_cancelled, [folder], pool, stop)
        )
        with pytest.raises(Stop):
            next(lingering)
        until(folder / "ended")
        assert leaders() == []


def test_other_versions_on_the_workers_are_refused(pool: DaskPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porescape.dask_pool.__version__", "99")
    with pytest.raises(PorescapeError, match=r"has porescape .*, but this process has 99"):
        list(map_ordered(square, range(2), pool))


def test_a_run_on_a_cluster_is_the_run_of_one_process(pool: DaskPool, undisturbed: Reconstruction) -> None:
    events: list[Progress] = []
    result = reconstruct(section(), TINY, SEED, workers=pool, progress=events.append)
    assert bytes_of(result) == bytes_of(undisturbed)
    assert len([event for event in events if event.trial is not None]) == REPLICAS * TRIALS


def test_a_run_whose_worker_is_killed_goes_on_from_its_trials(
    pool: DaskPool, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    image = section()
    checkpoint = open_checkpoint(tmp_path / "work", image, TINY, SEED)
    killed: list[int] = []

    def progress(event: Progress) -> None:
        if event.trial is not None and event.trial.number == 2 and not killed:
            workers = pool.processes()
            killed.append(workers[0])
            os.kill(workers[0], signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    result = reconstruct(image, TINY, SEED, workers=pool, progress=progress, checkpoint=checkpoint)
    assert killed
    assert bytes_of(result) == bytes_of(undisturbed)
    assert len(lines_of(checkpoint.folder)) <= REPLICAS * TRIALS + 1  # but for the one in flight, none twice


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason='needs the extra "dask"')
    monkeypatch.setattr("porescape.dask_pool.CONNECT_TIMEOUT", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        with (
            pytest.raises(SettingsError, match=f"no Dask scheduler answers at '{address}'"),
            dask_pool(address),
        ):
            pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r'extra "dask".*leave --scheduler out'), dask_pool("local"):
        pass
