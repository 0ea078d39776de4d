"""Work done elsewhere: in processes that may be killed, and by the workers of a Dask cluster."""

import contextlib
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

from porescape.dask_pool import DaskCrew, dask_crew
from porescape.errors import MissingExtra, PorescapeError, SettingsError
from porescape.io.runs.checkpoint import open_checkpoint
from porescape.jobs.reconstruct import Progress, Reconstruction, reconstruct
from porescape.memory import HABITS
from porescape.parallel import Crew, Spread, Tell, crew_of, map_divided, map_ordered
from test_resume import REPLICAS, SEED, TINY, TRIALS, bytes_of, lines_of, section


def square(item: int, tell: Tell) -> int:
    for step in range(3):
        tell((item, step))
    return item**2


def fail(item: int, tell: Tell) -> int:
    raise SettingsError(f"item {item}")


def die_once(item: tuple[int, Path], tell: Tell) -> int:
    """Kill the own process, but only the first time."""
    number, folder = item
    with contextlib.suppress(FileExistsError):
        (folder / str(number)).touch(exist_ok=number != 1)
        if number == 1:
            os.kill(os.getpid(), signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    return number


class Stop(Exception):
    pass


def stop(message: object) -> None:
    raise Stop


def linger(folder: Path, tell: Tell) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def linger_until_nobody_waits(folder: Path, tell: Tell) -> None:
    (folder / "started").touch()
    try:
        while True:
            time.sleep(0.02)
            tell("still here")
    finally:
        (folder / "ended").touch()


def where(item: int, tell: Tell) -> tuple[int, int]:
    tell(item)
    return item, os.getpid()


def habits(item: int, tell: Tell) -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in (*HABITS, "OMP_NUM_THREADS")}


def lead(item: int, tell: Tell, spread: Spread) -> set[int]:
    """Give away three batches, one after the other; returns who worked on them."""
    found = set()
    for batch in range(3):
        tell(f"batch {batch} of {item}")
        numbers = range(100 * item + 10 * batch, 100 * item + 10 * batch + 4)
        answers = list(spread(where, numbers, listen=tell))
        assert [number for number, _ in answers] == list(numbers)
        found |= {process for _, process in answers}
    return found


def lead_badly(item: int, tell: Tell, spread: Spread) -> None:
    list(spread(fail, [item]))


def lead_to_where_nobody_waits(folder: Path, tell: Tell, spread: Spread) -> None:
    list(spread(linger_until_nobody_waits, [folder], listen=tell))


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
def processes() -> Iterator[Crew]:
    with crew_of(2) as crew:
        yield crew


def test_divided_work_shares_one_crew_and_keeps_its_order(
    processes: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    # what is done is handed on at once: looking for it now and then would cost a search a tenth of its time
    monkeypatch.setattr("porescape.parallel._POLL", 300.0)
    assert processes.size == 2
    assert_divided_work_is_done(processes)
    assert len(list(map_divided(lead, [], processes))) == 0


def assert_divided_work_is_done(crew: Crew) -> None:
    heard: list[Any] = []
    workers = set().union(*map_divided(lead, range(3), crew, heard.append))
    assert len(workers) <= 2  # three leaders, and still no more than two at work
    assert os.getpid() not in workers
    assert len(heard) == 3 * (3 + 12)
    for item in range(3):
        own = [word for word in heard if isinstance(word, str) and word.endswith(f"of {item}")]
        assert own == [f"batch {batch} of {item}" for batch in range(3)]


def test_an_error_in_a_piece_is_the_callers(processes: Crew) -> None:
    with crew_of(1) as alone:
        for crew in (processes, alone):
            with pytest.raises(SettingsError, match="item 7"):
                list(map_divided(lead_badly, [7], crew))
    assert leaders() == []


def test_a_killed_worker_is_said_to_all_who_wait(tmp_path: Path) -> None:
    items = [(i, tmp_path) for i in range(2)]
    with pytest.raises(PorescapeError, match="ended from outside"), crew_of(2) as crew:  # noqa: PT012
        assert list(crew.map(die_once, items[:1])) == [0]
        list(map_divided(lead_to_a_death, [items, items], crew))
    assert leaders() == []


def lead_to_a_death(items: list[tuple[int, Path]], tell: Tell, spread: Spread) -> None:
    list(spread(die_once, items))


def leaders() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("porescape")]


def test_leaders_end_when_nobody_listens_any_more(tmp_path: Path) -> None:
    with pytest.raises(Stop), crew_of(2) as crew:
        list(map_divided(lead_to_where_nobody_waits, [tmp_path], crew, stop))
    assert leaders() == []


ORPHANS = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_parallel import linger, map_ordered
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
def crew() -> Iterator[DaskCrew]:
    pytest.importorskip("distributed", reason='needs the extra "dask"')
    with dask_crew("local", 2) as crew:
        yield crew


@pytest.fixture(scope="module")
def undisturbed() -> Reconstruction:
    return reconstruct(section(), TINY, SEED)


def test_a_cluster_keeps_the_order_and_brings_every_message(crew: DaskCrew) -> None:
    heard: list[Any] = []
    assert list(map_ordered(square, range(5), crew, heard.append)) == [0, 1, 4, 9, 16]
    assert sorted(heard) == [(item, step) for item in range(5) for step in range(3)]
    assert list(map_ordered(square, [], crew)) == []


def test_divided_work_on_a_cluster(crew: DaskCrew) -> None:
    assert crew.size == 2
    assert_divided_work_is_done(crew)


def test_an_error_on_a_cluster_is_the_callers(crew: DaskCrew) -> None:
    with pytest.raises(SettingsError, match="item 0"):
        list(map_ordered(fail, range(3), crew))


@pytest.mark.parametrize("kind", ["processes", "crew"])
def test_workers_have_one_thread_and_keep_their_memory(kind: str, request: pytest.FixtureRequest) -> None:
    before = habits(0, lambda message: None)
    found = list(map_ordered(habits, range(2), request.getfixturevalue(kind)))
    assert found == [HABITS | {"OMP_NUM_THREADS": "1"}] * 2
    assert habits(0, lambda message: None) == before


def test_a_worker_that_dies_costs_its_own_task_only(crew: DaskCrew, tmp_path: Path) -> None:
    assert list(map_ordered(die_once, [(i, tmp_path) for i in range(4)], crew)) == [0, 1, 2, 3]


def test_work_that_nobody_waits_for_any_more_ends(crew: DaskCrew, tmp_path: Path) -> None:
    for name in ("whole", "divided"):
        folder = tmp_path / name
        folder.mkdir()
        lingering = (
            map_ordered(linger_until_nobody_waits, [folder], crew, stop)
            if name == "whole"
            else map_divided(lead_to_where_nobody_waits, [folder], crew, stop)
        )
        with pytest.raises(Stop):
            next(lingering)
        until(folder / "ended")
        assert leaders() == []


def test_other_versions_on_the_workers_are_refused(crew: DaskCrew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porescape.dask_pool.__version__", "99")
    with pytest.raises(PorescapeError, match=r"has porescape .*, but 99 asks for work"):
        list(map_ordered(square, range(2), crew))


def test_a_run_on_a_cluster_is_the_run_of_one_process(crew: DaskCrew, undisturbed: Reconstruction) -> None:
    events: list[Progress] = []
    result = reconstruct(section(), TINY, SEED, workers=crew, progress=events.append)
    assert bytes_of(result) == bytes_of(undisturbed)
    assert len([event for event in events if event.trial is not None]) == REPLICAS * TRIALS


def test_a_run_whose_worker_is_killed_goes_on_from_its_trials(
    crew: DaskCrew, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    image = section()
    keep = open_checkpoint(tmp_path / "work", image, TINY, SEED)
    killed: list[int] = []

    def listen(event: Progress) -> None:
        if event.trial is not None and event.trial.number == 2 and not killed:
            workers = crew.processes()
            killed.append(workers[0])
            os.kill(workers[0], signal.SIGTERM if os.name == "nt" else signal.SIGKILL)

    result = reconstruct(image, TINY, SEED, workers=crew, progress=listen, keep=keep)
    assert killed
    assert bytes_of(result) == bytes_of(undisturbed)
    assert len(lines_of(keep.folder)) <= REPLICAS * TRIALS + 1  # but for the one in flight, none twice


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason='needs the extra "dask"')
    monkeypatch.setattr("porescape.dask_pool.PATIENCE", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        with (
            pytest.raises(SettingsError, match=f"no Dask scheduler answers at '{address}'"),
            dask_crew(address),
        ):
            pass


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r'extra "dask".*leave --scheduler away'), dask_crew("local"):
        pass
