"""Does today's build make what another one made? Voxels, values and tables of the same commands.

    python bench/unchanged.py --before OTHER_CHECKOUT [--only run,generate] [--keep FOLDER]

Runs the same small commands with the sources of both checkouts, and compares every file they write:
structures and arrays by their hash, JSON, TOML and CSV value by value, names by the published map
(docs/renamed.md). Recipes and run folders of the other build are read by today's as well.
"""

import argparse
import hashlib
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parents[1]
SAMPLE = HERE / "src" / "porescape" / "data" / "sample.tif"
VOLATILE = {
    "seconds",
    "measure_seconds",
    "created",
    "versions",
    "python",
    "platform",
    "porescape",
    "schema_version",
}
FILES = {"recipe.toml": "run.toml"}  # in the folders of runs
KEYS = {  # docs/renamed.md
    "look": "similarity",
    "unseen": "held_out",
    "eye": "two_sample",
    "cells": "solid_grains",
    "bumps": "pore_cells",
    "branch": "branches",
    "cell_spacing": "solid_grain_spacing",
    "bump_spacing": "pore_cell_spacing",
}
ADDED = ("section.tif", "checks.npz/", "results.json/selection/", "provenance.json/chords/", "/speck_area")
TYPES = {"porescape": "fields", "paper": "paper"}  # of recipes; bodies are told from fields by their numbers
COMMANDS = {  # name -> arguments; {out} is the folder of one build, {first} that of the build before
    "demo": "demo --size 64 --replicas 2 --trials 120 --workers 2 --out {out}/demo",
    "paper": "run {sample} --size 48 --replicas 1 --trials 12 --method paper --measure basic,network "
    "--workers 1 --out {out}/paper",
    "fibres": "run {sample} --size 48 --replicas 1 --trials 40 --family fibres --threshold-method otsu "
    "--refine 20 --measure basic --workers 1 --out {out}/fibres",
    "fit": "fit {sample} --trials 30 --fit-size 48 --workers 1 --out {out}/fit.toml",
    "segment": "segment {sample} --out {out}/segment --json",
    "check": "check {sample} --out {out}/check.png --json",
    "describe": "describe {sample} --out {out}/describe",
    "generate": "generate {first}/demo/replica-01.toml --size 64x80x96 --out {out}/box.tif",
    "bodies": "generate {first}/fibres/replica-01.toml --size 40x50x60 --out {out}/bodies.vti",
    "refined": "generate {first}/demo/replica-01.toml --refine-to {first}/demo/segmentation.tif "
    "--out {out}/refined.tif",
    "open": "generate {first}/demo/replica-02.toml --size 48 --open --seed 7 --out {out}/open.tif",
    "zarr": "generate {first}/demo/replica-01.toml --size 64x80x96 --chunk 32 --workers 2 "
    "--out {out}/box.zarr",
    "measure": "measure {first}/demo/replica-01.tif --json --out {out}/measured",
    "stream": "measure {first}/box.zarr --stream --measure basic --json --workers 1 --out {out}/streamed",
    "compare": "compare {first}/demo {first}/box.tif --measure basic,network --out {out}/compared --size 48",
    "resolution": 'resolution {sample} --pixel-sizes "{pixels}" --size 48 --replicas 1 --trials 10 '
    "--measure basic --workers 1 --out {out}/resolution",
    "batch": "batch {images} --size 48 --replicas 1 --trials 10 --measure basic --workers 1 "
    "--out {out}/batch",
    "export": "export {first}/demo --to nrrd,stl,mat --out {out}/exported",
}


def run(source: Path, out: Path, first: Path, only: set[str]) -> None:
    """Run the commands with one checkout's sources."""
    images = out / "images"
    images.mkdir(parents=True)
    (images / "one.tif").write_bytes(SAMPLE.read_bytes())
    environment = os.environ | {"PYTHONPATH": str(source / "src"), "COLUMNS": "200"}
    for name, text in COMMANDS.items():
        if only and name not in only:
            continue
        words = [
            word.format(out=out, first=first, sample=SAMPLE, images=images, pixels=PIXELS)
            for word in _split(text)
        ]
        done = subprocess.run(
            [sys.executable, "-m", "porescape.cli", *words], env=environment, capture_output=True, check=False
        )
        if done.returncode:
            print(f"{name} failed ({done.returncode}): {done.stderr.decode()[-2000:]}")
        (out / f"{name}.stdout.json").write_bytes(done.stdout)


PIXELS = "0.025 um,0.035 um"


def _split(text: str) -> list[str]:
    import shlex

    return shlex.split(text)


def digest(folder: Path) -> dict[str, Any]:
    """Return every value and every array's hash below a folder, by a path of names."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or "images/" in str(path.relative_to(folder)):
            continue
        name = str(path.relative_to(folder))
        if path.suffix == ".json" and path.stat().st_size:
            found |= _flat(json.loads(path.read_text(encoding="utf-8")), name)
        elif path.suffix == ".toml":
            found |= _flat(tomllib.loads(path.read_text(encoding="utf-8")), name)
        elif path.suffix == ".npz":
            with np.load(path) as archive:
                found |= {f"{name}/{key}": _hash(archive[key].tobytes()) for key in archive.files}
        elif path.suffix in (".tif", ".vti", ".vtp", ".csv", ".nrrd", ".stl", ".mat") or ".zarr" in name:
            found[name] = _hash(path.read_bytes())
    return found


def _flat(value: Any, name: str) -> dict[str, Any]:
    if isinstance(value, dict):
        parts = [
            _flat(item, f"{name}/{key}") for key, item in _by_today(value).items() if key not in VOLATILE
        ]
        return {key: item for part in parts for key, item in part.items()}
    if isinstance(value, list):
        if len(value) > 64 and not isinstance(value[0], dict):
            return {name: _hash(json.dumps(value).encode())}
        parts = [_flat(item, f"{name}/{index}") for index, item in enumerate(value)]
        return {key: item for part in parts for key, item in part.items()}
    return {name: value}


def _by_today(table: dict[str, Any]) -> dict[str, Any]:
    """Return a table of the build before by today's names; one of today stays as it is."""
    table = dict(table)
    if "bumps" in table:  # a recipe: its type says what numbers it has
        if not table["bumps"] and not table["branch"] and table.get("highpass_width") is None:
            lengths = {"spacing": table["cell_spacing"], "length": table["cell_length"]}
            return lengths | {name: table[name] for name in ("porosity", "smoothing")}
        assert table.pop("cell_length") == 0
    if "draw" in table:  # a trial
        table["realization"] = table.pop("draw")
        number = table["realization"]
        table["stage"] = "explore" if number == 0 else "confirm" if number <= 3 else "compare"
    if "family" in table and "domain" in table:  # a replica's own file
        recipe = table["recipe"]
        bodies = "bumps" in recipe and not recipe["bumps"] and not recipe["branch"]
        table["type"] = "bodies" if bodies else TYPES[table["family"]]
        del table["family"]
    return {KEYS.get(key, key): item for key, item in table.items()}


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def today(name: str) -> str:
    """Return what a file of the build before is called today."""
    first, *rest = name.split("/")
    return "/".join([first, *(FILES.get(part, part) for part in rest)])


def differences(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield what is not the same."""
    renamed = {today(name): value for name, value in before.items()}
    for name in sorted({*renamed, *after}):
        if name not in after:
            yield f"gone: {name} = {renamed[name]!r}"
        elif name not in renamed:
            if not any(part in name for part in ADDED):
                yield f"new:  {name} = {after[name]!r}"
        elif not _same(renamed[name], after[name]):
            yield f"else: {name}: {renamed[name]!r} -> {after[name]!r}"


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, str) and isinstance(b, str) and " " in a:  # a sentence may be reworded, not its figures
        return re.findall(r"\d[\d.]*", a) == re.findall(r"\d[\d.]*", b)
    return bool(a == b)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="checkout of the other build")
    parser.add_argument("--only", default="", help="commands, with commas between them")
    parser.add_argument(
        "--keep", type=Path, help="folder for what is made; what it holds of `before` is used again"
    )
    arguments = parser.parse_args()
    folder = arguments.keep or Path(tempfile.mkdtemp(prefix="unchanged-"))
    only = {*filter(None, arguments.only.split(","))}
    first, second = folder / "before", folder / "after"
    if not first.exists():
        run(arguments.before.resolve(), first, first, set())
    if second.exists():
        import shutil

        shutil.rmtree(second)
    run(HERE, second, first, only)
    before, after = digest(first), digest(second)
    if only:
        kept = {name.split("/")[0].split(".")[0] for name in after}
        before = {name: value for name, value in before.items() if name.split("/")[0].split(".")[0] in kept}
    found = list(differences(before, after))
    for line in found:
        print(line)
    print(f"{len(before)} values and files of the build before, {len(after)} of today's, {len(found)} differ")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
