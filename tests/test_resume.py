"""Interrupted, killed, out of disk: what is done stays, and the end is the same as without."""

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from conftest import without_pages
from porescape.cli import main
from porescape.core.image import Micrograph
from porescape.core.recipe import PaperRecipe
from porescape.core.results import Progress, Reconstruction, Trial
from porescape.core.settings import Fit, Measure, Output, Segmentation, Settings
from porescape.errors import Cancelled, InputError, OutputError, PorescapeError, SettingsError
from porescape.fit.search import search
from porescape.io.images.image import image_from_array
from porescape.io.resources import available_memory, check_process_limit, check_room, free_disk
from porescape.io.runs.checkpoint import FolderCheckpoint, is_work_folder, open_checkpoint, work_folder
from porescape.io.runs.run_folder import fit_history, results
from porescape.jobs.costs import MIB, costs_of, workers_that_fit
from porescape.jobs.reconstruct import reconstruct, reconstruct_shard
from porescape.sample import load_truth

TRIALS, REPLICAS, SEED = 8, 2, 3
TINY = Settings(
    fit=Fit(trials=TRIALS, size=32),
    output=Output(size=(32, 32, 32), replicas=REPLICAS, refine=20),
    measure=Measure(numbers=("basic", "body_diameter")),
)


def section() -> Micrograph:
    truth = load_truth()
    grey = np.where(truth.pore[64], 0.2, 0.8) + np.random.default_rng(0).normal(0, 0.05, (128, 128))
    return image_from_array(grey, truth.voxel_size, "section")


@pytest.fixture(scope="module")
def image() -> Micrograph:
    return section()


@pytest.fixture(scope="module")
def undisturbed(image: Micrograph) -> Reconstruction:
    return reconstruct(image, TINY, SEED)


def bytes_of(result: Reconstruction) -> list[object]:
    """Everything a run made but the time it took."""
    found = [without_times(results(result)), without_times(fit_history(result))]
    for replica in result.replicas:
        details = replica.measurement.details
        assert details.network is not None
        found += [replica.volume.pore.tobytes(), details.network.throat_diameter.tobytes()]
        found += [(name, curve.x.tobytes(), curve.y.tobytes()) for name, curve in details.curves.items()]
    return found


def without_times(table: object) -> object:
    if isinstance(table, dict):
        return {name: without_times(value) for name, value in table.items() if not name.endswith("seconds")}
    if isinstance(table, list | tuple):
        return [without_times(item) for item in table]
    return repr(float(table)) if isinstance(table, float) else table  # NaN equals itself


def lines_of(folder: Path) -> list[tuple[int, int]]:
    """Every trial that was ever evaluated: replica and number."""
    return [
        (replica, json.loads(line.partition(" ")[2])["number"])
        for replica in range(REPLICAS)
        for log in folder.glob(f"replica-{replica + 1:02d}-trials.jsonl")
        for line in log.read_text().splitlines()
        if line.endswith("}")
    ]


class Stop(Exception):
    pass


def stop_after(events: int) -> Callable[[Progress], None]:
    heard: list[Progress] = []

    def progress(event: Progress) -> None:
        heard.append(event)
        if len(heard) > events:
            raise Stop

    return progress


# -- going on ------------------------------------------------------------------------------------------


def test_a_run_stopped_again_and_again_ends_like_one_that_was_not(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    folder = tmp_path / "out.work"
    for events in (
        0,
        3,
        9,
        14,
        20,
        5,
        12,
    ):  # in the first search, after it, while measuring, in the second, ...
        with pytest.raises(Stop):
            reconstruct(
                image,
                TINY,
                SEED,
                progress=stop_after(events),
                checkpoint=open_checkpoint(folder, image, TINY, SEED),
            )
    result = reconstruct(image, TINY, SEED, checkpoint=open_checkpoint(folder, image, TINY, SEED))
    assert bytes_of(result) == bytes_of(undisturbed)
    assert sorted(lines_of(folder)) == [(r, t) for r in range(REPLICAS) for t in range(TRIALS)]
    again: list[Progress] = []  # everything is there now
    resumed = reconstruct(image, TINY, SEED, progress=again.append, checkpoint=FolderCheckpoint(folder))
    assert bytes_of(resumed) == bytes_of(undisturbed)
    assert [event.stage for event in again] == ["segment", "restored", "restored", "interval"]


def test_the_saved_measurements_behind_the_intervals_are_used(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = open_checkpoint(tmp_path / "work", image, TINY, SEED)
    reconstruct(image, TINY, SEED, checkpoint=checkpoint)
    monkeypatch.setattr("porescape.intervals.full.numbers_of", None)  # calling it would fail
    assert bytes_of(reconstruct(image, TINY, SEED, checkpoint=checkpoint)) == bytes_of(undisturbed)


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from test_resume import SEED, TINY, section, open_checkpoint, reconstruct
if __name__ == "__main__":
    image = section()
    opened = open_checkpoint(sys.argv[1], image, TINY, SEED)
    reconstruct(image, TINY, SEED, workers={workers}, checkpoint=opened)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_outright_and_resumed_the_bytes_are_the_same(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path, workers: int
) -> None:
    script, folder = tmp_path / "child.py", tmp_path / "out.work"
    script.write_text(CHILD.format(tests=str(Path(__file__).parent), workers=workers))
    after = 5 + 4 * workers  # trials
    with subprocess.Popen([sys.executable, script, folder], stderr=subprocess.DEVNULL) as child:
        while sum(len(log.read_bytes().splitlines()) for log in folder.glob("*.jsonl")) < after:
            assert child.poll() is None
            time.sleep(0.002)
        child.kill()
    time.sleep(0.3)  # its workers see it and end
    at_kill = len(lines_of(folder))
    result = reconstruct(image, TINY, SEED, checkpoint=open_checkpoint(folder, image, TINY, SEED))
    assert bytes_of(result) == bytes_of(undisturbed)
    assert at_kill > 0
    assert len(lines_of(folder)) <= REPLICAS * TRIALS + workers  # but for those in flight, none twice


def test_torn_and_strange_lines_do_not_count(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    checkpoint = open_checkpoint(tmp_path / "work", image, TINY, SEED)
    with pytest.raises(Stop):
        reconstruct(image, TINY, SEED, progress=stop_after(5), checkpoint=checkpoint)
    log = tmp_path / "work" / "replica-01-trials.jsonl"
    whole = log.read_bytes()
    for torn in (whole[:-1], whole[:-90], whole + b"\n\0\0\0", whole.replace(b'"loss": ', b'"loss": 1', 1)):
        log.write_bytes(torn)
        assert len(checkpoint.trials(0)) in (0, 4, 5)
        copy = checkpoint.trials(0)
        result = reconstruct(image, TINY, SEED, checkpoint=checkpoint)
        assert bytes_of(result) == bytes_of(undisturbed)
        assert checkpoint.trials(0)[: len(copy)] == copy
        for path in (tmp_path / "work").glob("replica-0*"):
            path.unlink()


def test_a_damaged_replica_is_made_again(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    checkpoint = open_checkpoint(tmp_path / "work", image, TINY, SEED)
    reconstruct(image, TINY, SEED, checkpoint=checkpoint)
    volume = tmp_path / "work" / "replica-02.tif"
    volume.write_bytes(volume.read_bytes()[:-1] + b"?")
    assert checkpoint.replica(0) is not None
    assert checkpoint.replica(1) is None
    assert bytes_of(reconstruct(image, TINY, SEED, checkpoint=checkpoint)) == bytes_of(undisturbed)
    assert checkpoint.replica(1) is not None


def test_trials_of_another_search_are_not_taken_for_ones_own(image: Micrograph, tmp_path: Path) -> None:
    class Bowl:
        def __init__(self) -> None:
            self.dimensions = {"fields": 3}

        def recipe(self, x: np.ndarray, family: str) -> PaperRecipe:
            return PaperRecipe((1.0, *map(float, x), 0, 0, 0, 0, 0))

        def evaluate(self, recipe: object, realization: int = 0, patterns: bool = False) -> dict[str, float]:
            return {"bowl": 1.0}

    fit = Fit(trials=5)
    mine = list(search(Bowl(), fit, seed=1))  # type: ignore[arg-type]
    assert list(search(Bowl(), fit, 1, known=mine[:3]))[:3] == mine[:3]  # type: ignore[arg-type]
    with pytest.raises(InputError, match="stored trial 1 does not belong to this search"):
        list(search(Bowl(), fit, seed=2, known=mine[:3]))  # type: ignore[arg-type]


# -- refusing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (replace(TINY, fit=Fit(trials=5, size=32)), "fit.trials was 8, now 5"),
        (replace(TINY, segmentation=Segmentation(window=15)), "segmentation.window was not given, now 15"),
        (
            replace(TINY, measure=Measure(numbers=("basic",))),
            "numbers was basic, body_diameter, now basic",
        ),
    ],
)
def test_another_job_is_refused_in_words(
    image: Micrograph, tmp_path: Path, other: Settings, words: str
) -> None:
    open_checkpoint(tmp_path / "work", image, TINY, SEED)
    with pytest.raises(SettingsError, match=words):
        open_checkpoint(tmp_path / "work", image, other, SEED)


def test_another_image_seed_or_version_is_refused(
    image: Micrograph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "work"
    open_checkpoint(folder, image, TINY, SEED)
    with pytest.raises(SettingsError, match="seed was 3, now 4; use the same image"):
        open_checkpoint(folder, image, TINY, 4)
    brighter = image_from_array(np.asarray(image.grey) * 0.5, image.pixel_size, "section")
    with pytest.raises(SettingsError, match=r"the image's SHA-256 was [0-9a-f]{12}…, now"):
        open_checkpoint(folder, brighter, TINY, SEED)
    with pytest.raises(SettingsError, match=r"pixel_size was 2\.5e-08, now 5e-08"):
        open_checkpoint(folder, replace(image, pixel_size=5e-8), TINY, SEED)
    monkeypatch.setattr("porescape.io.runs.checkpoint.__version__", "99")
    with pytest.raises(SettingsError, match=r"the version of porescape was .*, now 99"):
        open_checkpoint(folder, image, TINY, SEED)


def test_somebody_elses_folder_is_left_alone(image: Micrograph, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(OutputError, match=r"holds thesis\.docx but no job\.json"):
        open_checkpoint(tmp_path, image, TINY, SEED)
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "job.json").write_text("{")
    with pytest.raises(OutputError, match=r"job\.json could not be read"):
        open_checkpoint(tmp_path / "work", image, TINY, SEED)


# -- running out ---------------------------------------------------------------------------------------


def test_a_full_disk_is_said_and_the_run_goes_on_after_it(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    resource = pytest.importorskip("resource", reason="only POSIX systems limit the size of files")
    checkpoint = open_checkpoint(tmp_path / "work", image, TINY, SEED)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))  # a line is cut in the middle, as on a full disk
    try:
        with pytest.raises(
            OutputError, match=r"replica-01-trials\.jsonl could not be written: File too large"
        ):
            reconstruct(image, TINY, SEED, checkpoint=checkpoint)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (checkpoint.folder / "replica-01-trials.jsonl").stat().st_size == 3000
    assert 0 < len(checkpoint.trials(0)) < TRIALS
    assert bytes_of(reconstruct(image, TINY, SEED, checkpoint=checkpoint)) == bytes_of(undisturbed)


def test_where_the_folder_cannot_be_seen_the_run_ends_all_the_same(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    """As on workers of a cluster that do not share it."""
    nowhere = FolderCheckpoint(tmp_path / "not here")
    assert bytes_of(reconstruct(image, TINY, SEED, checkpoint=nowhere)) == bytes_of(undisturbed)
    assert not nowhere.folder.exists()


def test_what_is_needed_is_known_before_and_refused_in_words(tmp_path: Path) -> None:
    everything = Settings()  # 128³, all numbers: measured 687 MiB per worker
    costs = costs_of(everything, 8)
    assert 687 * MIB < costs.worker < 850 * MIB
    assert costs_of(everything, 1).memory < costs_of(everything, 2).memory
    one = replace(everything, output=Output(replicas=1))  # whose trials all share, and one or two measure
    assert 300 * MIB < (costs_of(one, 8).memory - costs_of(one, 2).memory) / 6 < costs.worker / 2
    short = replace(one, fit=Fit(trials=9))  # too short to be shared
    assert costs_of(short, 8).memory == costs_of(short, 2).memory
    assert costs_of(everything, 0).memory < costs_of(everything, 1).memory
    assert costs_of(replace(everything, measure=Measure(numbers=("basic",))), 1).worker < costs.worker
    assert workers_that_fit(everything, 8, None) == 8
    assert workers_that_fit(everything, 8, 3000 * MIB) == 3
    assert workers_that_fit(everything, 8, 1) == 1
    check_room(costs_of(TINY, 1), tmp_path / "new" / "out")
    assert free_disk(tmp_path / "new") > 0
    huge = costs_of(replace(TINY, output=Output(size=(20_000,) * 3)), 1)
    with pytest.raises(OutputError, match=r"will write about .* GiB, but only .* are free"):
        check_room(huge, tmp_path)
    with pytest.raises(PorescapeError, match=r"needs about .* of memory .* per worker"):
        check_room(replace(huge, disk=0), tmp_path)


def test_a_process_that_may_have_too_little_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porescape.io.resources.process_limit", lambda: 500 * MIB)
    with pytest.raises(PorescapeError, match=r"only 500 MiB .*ulimit -v.*the libraries alone take 550 MiB"):
        check_process_limit()
    with pytest.raises(PorescapeError, match=r"a worker needs about .* a process may have only 500 MiB here"):
        check_room(costs_of(TINY, 1), tmp_path)


def test_limits_of_control_groups_count(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 8000 kB\n")
    assert available_memory(tmp_path) == 8000 * 1024
    write("proc/self/cgroup", "0::/slurm/job7\n")
    write("sys/fs/cgroup/slurm/job7/memory.max", "max\n")
    write("sys/fs/cgroup/slurm/memory.max", "5000000\n")  # of the group around it
    write("sys/fs/cgroup/slurm/memory.current", "3000000\n")
    write("sys/fs/cgroup/slurm/memory.stat", "anon 7\ninactive_file 1000000\n")
    assert available_memory(tmp_path) == 3_000_000
    write("proc/self/cgroup", "5:memory:/job\n")  # the older kind
    write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "2000000\n")
    write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "500000\n")
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert available_memory(tmp_path) == 1_500_000


# -- shards and the command line -----------------------------------------------------------------------


def test_shards_gathered_are_the_plain_run(
    image: Micrograph, undisturbed: Reconstruction, tmp_path: Path
) -> None:
    def checkpoint() -> FolderCheckpoint:
        return open_checkpoint(tmp_path / "work", image, TINY, SEED)

    assert reconstruct_shard(image, TINY, SEED, (2, 2), checkpoint()) == [1]
    assert checkpoint().finished() == {1}
    assert checkpoint().words(TINY) == "1 of 2 replicas and 0 more trials"
    assert reconstruct_shard(image, TINY, SEED, (1, 2), checkpoint()) == [0]
    assert reconstruct_shard(image, TINY, SEED, (3, 3), checkpoint()) == []  # more shards than replicas
    assert bytes_of(reconstruct(image, TINY, SEED, checkpoint=checkpoint())) == bytes_of(undisturbed)
    with pytest.raises(SettingsError, match="shard 3/2 does not exist"):
        reconstruct_shard(image, TINY, SEED, (3, 2), checkpoint())


Called = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Call `porescape run` in this process; gives its exit code and what it said."""

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["porescape", "run", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), capsys.readouterr().err

    return call


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory, image: Micrograph) -> Path:
    import tifffile

    path = tmp_path_factory.mktemp("image") / "section.tif"
    tifffile.imwrite(path, np.asarray(image.grey * 65535, np.uint16))
    return path


def test_the_command_line_shards_refuses_and_gathers(run: Called, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    job = (picture, "--pixel-size", "25 nm", "--size", 32, "--fit-size", 32, "--replicas", 2)
    job = (*job, "--measure", "porosity", "--out", out, "--workers", 1, "--trials")
    code, said = run(*job, 4, "--shard", "2/2")
    assert code == 0, said
    assert "needs about" in said
    assert f"1 of 2 replicas and 0 more trials are in {out}.work" in said
    assert not out.exists()
    code, said = run(*job, 4)
    assert code == 4
    assert "(1 of 2 replicas and 0 more trials): --resume continues it, --overwrite starts again" in said
    code, said = run(*job, 5, "--resume")
    assert code == 2
    assert "fit.trials was 4, now 5" in said
    assert "--shard must be i/n, the i-th of n parts" in run(*job, 4, "--shard", "two")[1]
    assert "the parts are 1/2 to 2/2" in run(*job, 4, "--shard", "3/2")[1]
    assert "delete the work of other shards" in run(*job, 4, "--shard", "1/2", "--overwrite")[1]
    with without_pages():
        code, said = run(*job, 4, "--resume")
    assert code == 0, said
    assert "continuing with 1 of 2 replicas" in said
    assert (out / "report.html").is_file()
    assert not work_folder(out).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert "is not empty" in run(*job, 4, "--resume")[1]


def test_ctrl_c_and_sigterm_report_what_is_saved_and_how_to_continue(
    run: Called,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    out = tmp_path / "out"
    job = (picture, "--pixel-size", "25 nm", "--size", 32, "--fit-size", 32, "--replicas", 1, "--trials", 9)
    job = (*job, "--measure", "porosity", "--out", out, "--workers", 1)
    added = FolderCheckpoint.add_trial
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupt(number: signal.Signals) -> Callable[[FolderCheckpoint, int, Trial], None]:
        def add_trial(checkpoint: FolderCheckpoint, replica: int, trial: Trial) -> None:
            added(checkpoint, replica, trial)
            if trial.number % 3 == 2:
                signal.raise_signal(number)

        return add_trial

    more: Sequence[str] = ()
    for number, saved in ((signal.SIGINT, 3), (signal.SIGTERM, 6)):
        monkeypatch.setattr(FolderCheckpoint, "add_trial", interrupt(number))
        code, said = run(*job, *more)
        assert code == Cancelled.exit_code
        assert f"stopped; saved in {out}.work: 0 of 1 replicas and {saved} more trials. Continue with" in said
        assert said.rstrip().endswith("--workers 1 --resume")
        more = ("--resume",)
    monkeypatch.setattr(FolderCheckpoint, "add_trial", full)
    assert "No space left" in run(*job, "--resume")[1]
    assert is_work_folder(work_folder(out))
    monkeypatch.setattr(FolderCheckpoint, "add_trial", full)
    code, said = run(*job, "--overwrite")  # from the beginning, and nothing of it is saved
    assert code == OutputError.exit_code
    assert "Continue with" not in said
    assert not work_folder(out).exists()


def full(checkpoint: FolderCheckpoint, replica: int, trial: Trial) -> None:
    raise OutputError("trials could not be written: No space left on device")


def test_what_two_processes_both_did_counts_once(tmp_path: Path) -> None:
    checkpoint = FolderCheckpoint(tmp_path)
    trial = Trial(0, (0.5,) * 9, PaperRecipe((0.5,) * 9), 1.0, {"x": math.nan}, 0.1)
    checkpoint.add_trial(0, replace(trial, number=1))
    assert checkpoint.trials(0) == ()  # the first is missing, so nothing is known from the start
    checkpoint.add_trial(0, trial)
    checkpoint.add_trial(0, replace(trial, seconds=0.2))
    assert [t.number for t in checkpoint.trials(0)] == [0, 1]
    assert checkpoint.trials(0)[0].seconds == 0.1
