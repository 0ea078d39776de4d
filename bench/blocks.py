"""Structures beyond memory: the same bytes in any blocks, how fast, in how much memory, and after kill -9.

    pip install ".[bench,dask]" && python bench/blocks.py --hashes --speed 256 512 1024 --race --scaling 512
    python bench/blocks.py --statistics 128 256 512 1024 --kills 10

Every part is a table of its own. The recipe is the middle of the search's cube: all three fields, chords of
about ten voxels. Time per voxel is on the clock, everything counted: starting workers, finding the level,
packing and writing. Memory is that of the whole tree of processes, looked at ten times a second.
"""

import argparse
import hashlib
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from porescape.core.chunked import slices
from porescape.core.domain import Domain, Window
from porescape.core.recipe import FieldsRecipe
from porescape.core.volume import Volume
from porescape.dask_pool import dask_pool
from porescape.io.runs.settings import recipe_toml
from porescape.io.volumes.ome_zarr_store import find_level, generate_zarr
from porescape.io.volumes.volume import read_volume
from porescape.memory import keep_memory
from porescape.parallel import OnProgress, Workers, map_ordered
from porescape.synthesis.families.fields import fields
from porescape.synthesis.generate import generate, generate_region

VOXEL = 1e-7
SEED = 0


def middle() -> FieldsRecipe:
    return fields(np.full(9, 0.5), 6 * VOXEL, 0.6)


def cube(n: int) -> Domain:
    return Domain((n, n, n), VOXEL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hashes", type=int, nargs="?", const=256, help="edge of the cube [256]")
    parser.add_argument("--speed", type=int, nargs="+", help="edges, the first in memory too")
    parser.add_argument("--race", type=int, nargs="?", const=256, help="against porespy's blobs, edge [256]")
    parser.add_argument("--scaling", type=int, nargs="?", const=512, help="one and two workers, edge [512]")
    parser.add_argument("--statistics", type=int, nargs="+", help="edges")
    parser.add_argument("--kills", type=int, nargs="?", const=10, help="how many kills [10]")
    parser.add_argument("--kill-size", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5, help="of the race")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scratch", type=Path, help="a folder with room [the system's temporary one]")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(*options.one)
        return
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        scratch = Path(folder)
        if options.hashes:
            hashes(options.hashes, scratch)
        if options.speed:
            speed(options.speed, options.workers, scratch)
        if options.race:
            race(options.race, options.rounds)
        if options.scaling:
            scaling(options.scaling, scratch)
        if options.statistics:
            statistics(options.statistics, options.workers, scratch)
        if options.kills:
            kills(options.kills, options.kill_size, options.workers, scratch)


# -- the same bytes ----------------------------------------------------------------------------------


def hashes(n: int, scratch: Path) -> None:
    print(f"\n## {n}³ in pieces\n\n| made | SHA-256 of its voxels | equal |\n|---|---|---|")
    whole = generate(middle(), cube(n), SEED).pore
    wanted = digest(whole)
    print(f"| whole, in memory | {wanted[:16]} | - |", flush=True)
    for shape in ((64, 64, 64), (96, 128, 160)):
        for workers in (1, 4):
            found = digest(in_chunks(n, shape, workers, scratch))
            words = "x".join(map(str, shape))
            print(f"| {words} chunks, {workers} workers | {found[:16]} | {found == wanted} |", flush=True)
    level = find_level(middle(), cube(n), SEED)
    rng = np.random.default_rng(SEED)
    for number in range(10):
        start = tuple(int(a) for a in rng.integers(0, n - 1, 3))
        size = tuple(int(rng.integers(1, n - a + 1)) for a in start)
        window = Window(start, size)  # type: ignore[arg-type]
        alone = generate_region(middle(), cube(n), SEED, window, level)
        same = digest(alone) == digest(whole[slices(window)])
        words = ",".join(f"{a}:{a + m}" for a, m in zip(start, size, strict=True))
        print(f"| region {number + 1} alone, {words} | {digest(alone)[:16]} | {same} |", flush=True)


def in_chunks(n: int, chunk: tuple[int, int, int], workers: int, scratch: Path) -> np.ndarray:
    """Make a cube in blocks of a shape that the command does not offer, and read it back."""
    from porescape.io.volumes import ome_zarr_store as store
    from porescape.synthesis.blockwise.level import level_of
    from porescape.synthesis.blockwise.make import make_blocks
    from porescape.synthesis.blockwise.plan import BlockPlan

    plan = BlockPlan(middle(), cube(n), SEED, cube(n).whole, chunk)
    work = scratch / "hashes.work"
    store = store._opened(work, plan, resume=False, overwrite=True)
    import zarr

    group = zarr.create_group(store.store, zarr_format=3)
    group.create_array("0", shape=plan.window.shape, chunks=chunk, dtype="uint8", fill_value=0)
    make_blocks(plan, store, level_of(plan, store, workers=workers), workers=workers)
    read = group["0"][:] > 0
    shutil.rmtree(work)
    return np.asarray(read)


def digest(pore: np.ndarray) -> str:
    return hashlib.sha256(np.packbits(pore).tobytes()).hexdigest()


# -- speed and memory --------------------------------------------------------------------------------


def speed(edges: list[int], workers: int, scratch: Path) -> None:
    print("\n## Time per voxel and memory\n\n| edge | made | ns per voxel | peak [MiB] |\n|---|---|---|---|")
    sides = [(edges[0], "memory"), *((n, str(workers)) for n in edges)]
    first = {}
    for n, side in sides:
        seconds, peak = watched(n, side, scratch)
        first.setdefault(side == "memory", seconds / n**3)
        words = "whole, in memory" if side == "memory" else f"in blocks, {workers} workers"
        print(f"| {n} | {words} | {1e9 * seconds / n**3:.1f} | {peak:.0f} |", flush=True)
    print(f"\nlast against the first in memory: {seconds / n**3 / first[True]:.2f} (wanted <= 1.3)")


def scaling(n: int, scratch: Path) -> None:
    """Twice the voxels by twice the workers of a local Dask cluster, which are there and warm."""
    print("\n## Weak scaling\n\n| Dask workers | voxels | seconds | efficiency |\n|---|---|---|---|")
    alone = 0.0
    for workers in (1, 2):
        shape = (n // 2 * workers, n, n)
        seconds, _ = watched("x".join(map(str, shape)), f"dask {workers}", scratch)
        alone = alone or seconds
        print(
            f"| {workers} | {'x'.join(map(str, shape))} | {seconds:.1f} | {alone / seconds:.2f} |", flush=True
        )


def watched(size: object, side: str, scratch: Path) -> tuple[float, float]:
    """Make one structure in a process of its own; returns seconds and MiB of the whole tree."""
    import psutil

    out = scratch / "speed.zarr"
    command = [sys.executable, __file__, "--one", str(size), side, str(out)]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        top = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, _tree_bytes(top))
            time.sleep(0.1)
        assert process.stdout is not None
        said = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    shutil.rmtree(out, ignore_errors=True)
    return json.loads(said), peak / 2**20


def _tree_bytes(top: object) -> int:
    import psutil

    total = 0
    try:
        for process in (top, *top.children(recursive=True)):  # type: ignore[attr-defined]
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
    except psutil.NoSuchProcess:
        pass
    return total


def one(size: str, side: str, out: str) -> None:
    """What `watched` runs: one structure; its time goes to stdout."""
    keep_memory()
    edges = tuple(map(int, size.split("x")))
    domain = Domain(edges * 3 if len(edges) == 1 else edges, VOXEL)  # type: ignore[arg-type]
    generate(middle(), cube(48), SEED)  # compiled kernels are loaded; not counted
    with ExitStack() as stack:
        workers: Workers = 1
        if side.startswith("dask"):
            count = int(side.split()[1])
            workers = stack.enter_context(dask_pool("local", count))
            for _ in map_ordered(warm, range(2 * count), workers):
                pass
        elif side != "memory":
            workers = int(side)
        clock = time.perf_counter()
        if side == "memory":
            generate(middle(), domain, SEED)
        else:
            generate_zarr(middle(), domain, SEED, out, workers=workers, overwrite=True)
        print(json.dumps(time.perf_counter() - clock))


def warm(seed: int, progress: OnProgress) -> None:
    """Have a worker import and load what it needs."""
    generate(middle(), cube(48), seed)
    time.sleep(0.5)  # so that every worker gets one


# -- against blobs -----------------------------------------------------------------------------------


def race(n: int, rounds: int) -> None:
    """On one thread each, in turns, at equal mean chords of both phases together."""
    from porescape.measure.geometry.correlation import mean_chords

    try:
        import porespy
    except ImportError:
        print("\nporespy is not installed (extra `bench`): the race is left out")
        return
    from porescape.synthesis.blockwise.march import one_thread

    keep_memory()
    wanted = sum(mean_chords(generate(middle(), cube(128), SEED)))
    sigma = 4.0
    for _ in range(3):  # chords of a Gaussian field grow with its width
        found = sum(mean_chords(Volume(_blobs(porespy, 128, sigma), VOXEL)))
        sigma *= wanted / found
    times: dict[str, list[float]] = {"porescape": [], "blobs": []}
    for number in range(rounds + 1):
        for name, work in (
            ("porescape", lambda: generate(middle(), cube(n), SEED)),
            ("blobs", lambda: _blobs(porespy, n, sigma)),
        ):
            clock = time.perf_counter()
            with one_thread():
                work()
            if number:  # the first is not counted
                times[name].append(time.perf_counter() - clock)
    print(f"\n## {n}³ against blobs of equal chords ({wanted / VOXEL:.1f} voxels)\n")
    print("| generator | million voxels per second |\n|---|---|")
    rates = {name: n**3 / 1e6 / float(np.median(each)) for name, each in times.items()}
    for name, rate in rates.items():
        print(f"| {name} | {rate:.2f} |")
    print(f"\nporescape / blobs: {rates['porescape'] / rates['blobs']:.2f} (wanted >= 4)")


def _blobs(porespy: object, n: int, sigma: float) -> np.ndarray:
    blobiness = n / (40 * sigma)  # its smoothing width is the edge / 40 / blobiness
    return porespy.generators.blobs([n] * 3, porosity=0.6, blobiness=blobiness)  # type: ignore[attr-defined]


# -- the statistics of the recipe --------------------------------------------------------------------

LAGS = (2, 5, 10, 20)
CONFIRMATIONS = {128: 8, 256: 4, 512: 2}
LABELLED = 512  # voxels; beyond, labels would take 4 GiB


def statistics(edges: list[int], workers: int, scratch: Path) -> None:
    names = ["porosity", "pore chord", "solid chord", *(f"S2({lag})" for lag in LAGS), "connected porosity"]
    print("\n## The recipe's statistics, mean ± standard deviation over seeds; lengths in voxels\n")
    print(f"| edge | seeds | {' | '.join(names)} |\n|{'---|' * (len(names) + 2)}")
    for n in edges:
        rows = []
        for seed in range(CONFIRMATIONS.get(n, 1)):
            out = scratch / "statistics.zarr"
            generate_zarr(middle(), cube(n), seed, out, workers=workers, overwrite=True)
            rows.append(numbers(read_volume(out)))
        values = np.array(rows)
        spread = values.std(axis=0, ddof=1) if len(rows) > 1 else np.full(len(names), np.nan)
        solid_grains = [f"{m:.5g} ± {s:.2g}" for m, s in zip(values.mean(axis=0), spread, strict=True)]
        print(f"| {n} | {len(rows)} | {' | '.join(solid_grains)} |", flush=True)


def numbers(volume: Volume) -> list[float]:
    from porescape.measure.geometry.connectivity import connected_porosities
    from porescape.measure.geometry.correlation import mean_chords

    pore = volume.pore
    found = [volume.porosity, *(chord / VOXEL for chord in mean_chords(volume))]
    for lag in LAGS:
        pairs = [pore.take(range(lag, n), axis=a) & pore.take(range(n - lag), axis=a) for a, n in _axes(pore)]
        found.append(float(np.mean([both.mean() for both in pairs])))
    found.append(float(np.mean(connected_porosities(volume))) if pore.shape[0] <= LABELLED else float("nan"))
    return found


def _axes(pore: np.ndarray) -> Iterator[tuple[int, int]]:
    yield from enumerate(pore.shape)


# -- kill -9 -----------------------------------------------------------------------------------------


def kills(count: int, n: int, workers: int, scratch: Path) -> None:
    """Kill the command at random moments and resume it; then compare all files with an undisturbed run."""
    recipe = scratch / "recipe.toml"
    recipe.write_text(recipe_toml(middle(), cube(n), SEED), encoding="utf-8")

    def command(out: Path) -> list[str]:
        words = ["generate", str(recipe), "--out", str(out), "--workers", str(workers), "--resume"]
        return [sys.executable, "-m", "porescape.cli", *words]

    calm, out = scratch / "calm" / "a.zarr", scratch / "killed" / "a.zarr"
    calm.parent.mkdir()
    out.parent.mkdir()
    clock = time.perf_counter()
    subprocess.run(command(calm), check=True, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - clock
    print(f"\n## kill -9 of {n}³, {workers} workers; undisturbed {seconds:.0f} s\n")
    print(
        "| kill | after [s] | drafts | blocks | finished files made again after it |\n|---|---|---|---|---|"
    )
    rng = random.Random(SEED)
    before: dict[str, int] = {}
    done = 0
    while done < count:
        process = subprocess.Popen(command(out), stderr=subprocess.DEVNULL)
        pause = rng.uniform(0.1, 0.9) * seconds
        try:
            process.wait(pause)
            print(
                f"| - | it came to its end, equal: {files(out) == files(calm)}; from the start again | | | |"
            )
            shutil.rmtree(out)
            before = {}
            continue
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        time.sleep(1)  # workers notice that their parent is gone
        now = kept(out)
        again = sum(now.get(name, stamp) != stamp for name, stamp in before.items())
        before, done = now, done + 1
        drafts = sum("drafts" in name for name in now)
        print(f"| {done} | {pause:.1f} | {drafts} | {len(now) - drafts} | {again} |", flush=True)
    subprocess.run(command(out), check=True, stderr=subprocess.DEVNULL)
    same = files(out) == files(calm)
    print(f"\nresumed to the end; all files equal to those of the undisturbed run: {same}")


def kept(out: Path) -> dict[str, int]:
    """Return when the finished files of a job were written."""
    work = out.with_name(f"{out.name}.work")
    paths = (*work.glob("drafts/*.npz"), *work.glob("blocks/*.json"))
    return {str(path): path.stat().st_mtime_ns for path in paths if path.exists()}


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    main()
