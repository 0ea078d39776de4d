"""Measuring piece by piece beside measuring whole: the same numbers, and what each takes of time and memory.

    python bench/streamed.py --size 512
    python bench/streamed.py --size 512 --memory 1024 --chunk 96 128 160

A structure of the default family is made once, and kept in a temporary folder as OME-Zarr-like chunks (extra
`zarr`) and as `.npy`. Each side measures it in a process of its own, on one thread; memory is the peak of
that process, libraries and compiled kernels included. "held" is what it has before it opens the file.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import ONE_THREAD, peak_mb

if __name__ == "__main__":
    os.environ.update(ONE_THREAD)

import numpy as np

VOXEL = 1e-7
CONNECTED = ("connected_porosity_z", "connected_porosity_y", "connected_porosity_x")
TASKS = {"connected porosity": CONNECTED, "all that streams": ("basic", "kozeny_carman")}
SIDES = ("whole, .npy", "streamed, .npy", "streamed, chunks")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--chunk", type=int, nargs=3, default=(96, 128, 160))
    parser.add_argument("--memory", type=int, default=1024, help="that streaming may use [MiB]")
    parser.add_argument("--tasks", nargs="+", choices=tuple(TASKS), default=tuple(TASKS))
    parser.add_argument("--one", nargs=3, metavar=("SIDE", "TASK", "FOLDER"), help=argparse.SUPPRESS)
    parser.add_argument("--make", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(Path(options.make), options.size, tuple(options.chunk))
    elif options.one:
        side, task, folder = options.one
        print(json.dumps(measure(side, TASKS[task], Path(folder), options.memory * 2**20)))
    else:
        race(options)


def race(options: argparse.Namespace) -> None:
    """Run all sides and print what they found and took."""
    common = ["--size", str(options.size), "--memory", str(options.memory)]
    common += ["--chunk", *map(str, options.chunk)]
    with tempfile.TemporaryDirectory() as folder:
        child("--make", folder, *common)
        print(f"{options.size}³, chunks {options.chunk}, {options.memory} MiB for streaming\n")
        print("| task | side | seconds | peak MiB | held MiB | equal |\n|---|---|---|---|---|---|")
        for task in options.tasks:
            found = {side: json.loads(child("--one", side, task, folder, *common)) for side in SIDES}
            truth = found[SIDES[0]]["values"]
            for side, result in found.items():
                equal = "-" if side == SIDES[0] else agreement(truth, result["values"])
                print(
                    f"| {task} | {side} | {result['seconds']:.1f} | {result['peak']:.0f} | "
                    f"{result['held']:.0f} | {equal} |",
                    flush=True,
                )
            for name, why in found["streamed, chunks"]["missing"].items():
                print(f"\n{name}: {why}")
        print("\n| number | whole | streamed |\n|---|---|---|")
        for name, value in truth.items():
            print(f"| {name} | {value!r} | {result['values'][name]!r} |")


def agreement(truth: dict[str, float], found: dict[str, float]) -> str:
    """Say in how many numbers two sides agree to the last bit, and how far apart the others are."""
    different = {name: found[name] / value - 1 for name, value in truth.items() if found[name] != value}
    words = f"{len(truth) - len(different)} of {len(truth)} to the last bit"
    for name, error in different.items():
        words += f"; {name} {error:+.1e}"
    return words


def child(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, __file__, *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def make(folder: Path, size: int, chunk: tuple[int, ...]) -> None:
    """Write one structure in both ways."""
    import zarr

    from porescape.core.domain import Domain
    from porescape.synthesis.families.fields import fields
    from porescape.synthesis.generate import generate

    pore = generate(fields(np.full(9, 0.5), 6e-7, 0.6), Domain((size,) * 3, VOXEL), 0).pore
    np.save(folder / "v.npy", pore)
    zarr.create_array(folder / "v.zarr", data=pore.view(np.uint8), chunks=chunk)


def measure(side: str, names: tuple[str, ...], folder: Path, memory: int) -> dict[str, Any]:
    """Measure one file in one way."""
    from porescape.core.chunked import ChunkedArray
    from porescape.core.volume import Volume
    from porescape.io.volumes.chunked import open_chunked
    from porescape.io.volumes.volume import read_volume
    from porescape.measure.streamed.meter import measure_chunked
    from porescape.measure.volume import measure_volume

    small = Volume(np.random.default_rng(0).random((32, 32, 32)) < 0.6, VOXEL)
    measure_chunked(ChunkedArray(small), names)  # compiles
    measure_volume(small, names)
    held = peak_mb()
    clock = time.perf_counter()
    if side.startswith("whole"):
        found = measure_volume(read_volume(folder / "v.npy", VOXEL), names)
    else:
        file = "v.zarr" if side.endswith("chunks") else "v.npy"
        with open_chunked(folder / file, VOXEL) as source:
            found = measure_chunked(source.blocks, names, memory=memory).measurement
    seconds = time.perf_counter() - clock
    values = {name: value for name, value in found.values.items() if not math.isnan(value)}
    return {"values": values, "missing": found.reasons, "seconds": seconds, "peak": peak_mb(), "held": held}


if __name__ == "__main__":
    main()
