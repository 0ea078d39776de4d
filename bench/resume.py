"""Killed at random moments and resumed: are the bytes those of an undisturbed run, and what was done twice?

    python bench/resume.py --kills 10

A run of eight small replicas by its command, two workers, killed with kill -9 after a number of trials drawn
at random, sometimes a little later, and resumed by its command; then a Dask worker killed, the disk filled
meanwhile (where a small file system may be mounted), and memory limited.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from porescape.core.results import Progress
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.dask_pool import dask_pool
from porescape.io.images.image import read_image
from porescape.io.runs.checkpoint import FolderCheckpoint, open_checkpoint, work_folder
from porescape.io.runs.run_folder import write_run
from porescape.jobs.reconstruct import reconstruct
from porescape.sample import sample_path

SAME = ("*.tif", "*.vti", "*.npz", "*.csv", "*.toml", "*.vtp")


def bytes_of(folder: Path) -> dict[str, object]:
    """Everything in a run's folder but times."""
    found: dict[str, object] = {p.name: p.read_bytes() for shape in SAME for p in folder.glob(shape)}
    for name in ("results.json", "fit.json"):
        found[name] = _without_times(json.loads((folder / name).read_text(encoding="utf-8")))
    return found


def _without_times(table: object) -> object:
    if isinstance(table, dict):
        return {name: _without_times(value) for name, value in table.items() if not name.endswith("seconds")}
    return [_without_times(item) for item in table] if isinstance(table, list) else table


def lines(work: Path) -> int:
    """Trials evaluated so far, those evaluated twice counted twice."""
    try:
        return sum(log.read_bytes().count(b"\n") for log in work.glob("*-trials.jsonl"))
    except OSError:
        return 0


class Fuse:
    """Says when to kill: so many seconds after so many trials."""

    def __init__(self, work: Path, trials: int, pause: float) -> None:
        self._work, self._trials, self._pause = work, trials, pause
        self._lit: float | None = None

    def __call__(self, t: float) -> bool:
        if self._lit is None and lines(self._work) >= self._trials:
            self._lit = t
        return self._lit is not None and t >= self._lit + self._pause


def watch(
    command: list[str], work: Path, until: Callable[[float], bool] = lambda t: False
) -> tuple[int, str, int]:
    """Run a command, killing it when `until` says so; returns exit code, what it said, trials evaluated."""
    most, start = 0, time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stderr=said, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            most = max(most, lines(work))
            if until(time.monotonic() - start):
                process.kill()
            time.sleep(0.02)
        said.seek(0)
        return process.wait(), said.read(), max(most, lines(work))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    random.seed(options.seed)
    job = ["--size", options.size, "--fit-size", options.size, "--replicas", options.replicas]
    job += ["--trials", options.trials, "--measure", "basic,network", "--workers", 2]
    command = [sys.executable, "-m", "porescape.cli", "run", str(sample_path()), *map(str, job), "--out"]
    trials = options.replicas * options.trials
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        start = time.monotonic()
        code, said, _ = watch([*command, str(home / "plain")], home)
        assert code == 0, said
        whole = time.monotonic() - start
        wanted = bytes_of(home / "plain")
        print(f"\nundisturbed: {whole:.1f} s, {trials} trials\n")
        print("| killed after | kept by then | trials evaluated in all | same bytes | left behind |")
        print("|---|---|---|---|---|")
        for kill in range(options.kills):
            out = home / f"killed-{kill}"
            work = work_folder(out)
            # not by the clock, which a busy machine shifts; every third kill waits for what comes after
            number, pause = random.randrange(1, trials), random.choice((0.0, 0.0, random.uniform(0.5, 5.0)))
            clock = Fuse(work, number, pause)
            watch([*command, str(out)], work, clock)
            kept = (
                f"{len(FolderCheckpoint(work).finished())} replicas, {lines(work)} trials"
                if work.exists()
                else "-"
            )
            done, said, evaluated = watch([*command, str(out), *([] if out.exists() else ["--resume"])], work)
            assert done == 0 or out.exists(), said
            evaluated = evaluated or trials
            left = sorted(p.name for p in home.iterdir() if out.name in p.name and p != out)
            same = bytes_of(out) == wanted
            row = f"trial {number} and {pause:.1f} s | {kept} | {evaluated} ({evaluated - trials:+d})"
            print(f"| {row} | {'yes' if same else 'NO'} | {', '.join(left) or 'nothing'} |", flush=True)
        print()
        dask_worker_killed(home, options, wanted)
        disk_filled(command, home, wanted)
        memory_limited(command, home)


def dask_worker_killed(home: Path, options: argparse.Namespace, wanted: dict[str, object]) -> None:
    image = read_image(sample_path())
    settings = Settings(
        fit=Fit(trials=options.trials, size=options.size),
        output=Output(size=(options.size,) * 3, replicas=options.replicas),
        measure=Measure(numbers=("basic", "network")),
    )
    checkpoint = open_checkpoint(home / "dask.work", image, settings, 0)
    at = random.randrange(options.replicas * options.trials // 2)
    events: list[Progress] = []
    with dask_pool("local", 2) as pool:

        def progress(event: Progress) -> None:
            if event.trial is not None:
                events.append(event)
                if len(events) == at:
                    os.kill(pool.processes()[0], signal.SIGKILL)

        result = reconstruct(image, settings, 0, workers=pool, progress=progress, checkpoint=checkpoint)
    twice = lines(checkpoint.folder) - options.replicas * options.trials
    write_run(home / "dask", result, sample_path())
    same = "yes" if bytes_of(home / "dask") == wanted else "NO"
    print(
        f"a Dask worker killed at trial {at}: same bytes {same}, trials evaluated twice {twice}", flush=True
    )


def disk_filled(command: list[str], home: Path, wanted: dict[str, object]) -> None:
    small = home / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(small)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        print("a full disk: not tried, a small file system cannot be mounted here")
        return
    try:
        out, filler = small / "out", small / "filler"

        def fill(seconds: float) -> bool:
            if lines(work_folder(out)) > 5 and not filler.exists():
                with suppress(OSError), filler.open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(4096))
            return False

        code, said, _ = watch([*command, str(out)], work_folder(out), fill)
        filler.unlink(missing_ok=True)
        print(f"a full disk: exit code {code}, {said.split('porescape: ')[-1].strip()!r}")
        code, said, _ = watch([*command, str(out), "--resume"], work_folder(out))
        print(f"  space made and resumed: {'same bytes' if bytes_of(out) == wanted else 'NOT the same'}")
    finally:
        subprocess.run(["umount", str(small)], check=False)


def memory_limited(command: list[str], home: Path) -> None:
    limited = ["bash", "-c", 'ulimit -v 750000; exec "$@"', "-", *command, str(home / "limited")]
    code, said, _ = watch(limited, home / "limited.work")
    print(f"732 MiB of addresses: exit code {code}, {said.split('porescape: ')[-1].strip()!r}")


if __name__ == "__main__":
    main()
