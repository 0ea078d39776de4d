"""The house as it is: rooms, who imports whom, and the way of one image from the reader to the report.

    python tools/house.py [CHECKOUT] [--tree] [--imports] [--way]

`--way` runs a small reconstruction of the embedded sample with the checkout's sources, and follows every call
that is handed the image or something made of it (micrograph, mask, section, what was prepared, the whole
result; not single arrays, settings or structures), each function the first time. A stay is a series of such
calls in one room. It climbs when the next stay is on a higher floor, and returns when it comes back to a room
it had left. Floors are those of tests/test_house.py.
"""

import argparse
import ast
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
IMAGE_LIKE = {"Micrograph", "PhaseImage", "Segmented", "Prepared", "Reconstruction", "_Image", "SampledImage"}


def modules(checkout: Path) -> dict[Path, str]:
    """Return the files of the package, by their names without ending."""
    source = checkout / "src" / "porescape"
    return {path: str(path.relative_to(source).with_suffix("")) for path in sorted(source.rglob("*.py"))}


def imports(path: Path) -> set[str]:
    """Return the modules of this package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "porescape":
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return {name.removeprefix("porescape.").replace(".", "/") for name in found if name != "porescape"}


def room_of(module: str) -> str:
    """Return the folder of a module, or its own name at the top."""
    return module.rpartition("/")[0] or module


def show_tree(checkout: Path) -> None:
    """Print every file with its lines and first sentence."""
    for path, name in modules(checkout).items():
        text = path.read_text(encoding="utf-8")
        first = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
        print(f"{name:42s} {len(text.splitlines()):4d}  {first}")


def show_imports(checkout: Path) -> None:
    """Print how many files of a room import how many of another."""
    known = {name.removesuffix("/__init__") for name in modules(checkout).values()}
    counts: Counter[tuple[str, str]] = Counter()
    for path, name in modules(checkout).items():
        for other in imports(path) & known:
            if room_of(other) != room_of(name):
                counts[room_of(name), room_of(other)] += 1
    for (here, there), count in sorted(counts.items()):
        print(f"{here:24s} -> {there:24s} {count}")
    print(f"{len(counts)} pairs of rooms, {sum(counts.values())} imports between rooms")


def floors(checkout: Path) -> dict[str, int]:
    """Return the floor of each room at the top, from the checkout's own test of its house."""
    spec = importlib.util.spec_from_file_location("house", checkout / "tests" / "test_house.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {room: level for level, rooms in enumerate(module.FLOORS) for room in rooms}


TRACED = """
import sys, threading
from pathlib import Path
likes = set({likes!r})
source = {source!r}
way = []
def handed(value):
    return type(value).__name__ in likes
def look(frame, event, argument):
    if event != "call":
        return
    name = frame.f_code.co_filename
    if not name.startswith(source) or frame.f_code.co_name in ("__init__", "__post_init__", "__repr__"):
        return
    count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
    values = [frame.f_locals.get(one) for one in frame.f_code.co_varnames[:count]]
    flat = [item for value in values for item in (value if type(value) in (list, tuple) else [value])]
    code = frame.f_code.co_name
    if any(handed(value) for value in flat) and not code.startswith("<"):
        # properties only look at the image
        if type(flat[0]).__name__ in likes and len(values) == 1 and code in dir(type(flat[0])):
            return
        way.append((name[len(source):], code))
small = "--size 32 --replicas 2 --trials 3 --fit-size 40 --measure basic --workers 1 --out".split()
sys.argv = ["porescape", "run", {sample!r}, *small, {out!r}]
from porescape.cli import main
sys.setprofile(look)
try:
    main()
except SystemExit:
    pass
sys.setprofile(None)
for file, code in way:
    print("CALL", file, code)
"""


def way(checkout: Path) -> list[tuple[str, str]]:
    """Return the calls that were handed the image, in order: file and function."""
    source = checkout / "src" / "porescape"
    with tempfile.TemporaryDirectory() as scratch:
        code = TRACED.format(
            likes=sorted(IMAGE_LIKE),
            source=f"{source}{os.sep}",
            sample=str(source / "data" / "sample.tif"),
            out=str(Path(scratch) / "run"),
        )
        environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
        )
    calls = [line.split() for line in done.stdout.splitlines() if line.startswith("CALL ")]
    if not calls:
        raise SystemExit(done.stderr)
    return [(file.removesuffix(".py"), code) for _, file, code in calls]


def show_way(checkout: Path) -> None:
    """Print the stays of the image, and how often it climbs and returns."""
    level = floors(checkout)
    stays: list[tuple[str, list[str]]] = []
    for file, code in dict.fromkeys(way(checkout)):
        room = file.split("/")[0]  # as floors name them
        if not stays or stays[-1][0] != room:
            stays.append((room, []))
        stays[-1][1].append(code)
    left: set[str] = set()
    climbs = returns = 0
    before = None
    for room, codes in stays:
        floor = level[room]
        climb, back = before is not None and floor > before, room in left
        climbs, returns = climbs + climb, returns + back
        marks = ("  climbs" if climb else "") + ("  returns" if back else "")
        print(f"{floor:2d}  {room:24s} {', '.join(dict.fromkeys(codes))}{marks}")
        left.add(room)
        before = floor
    print(f"{len(stays)} stays in {len(left)} rooms, {climbs} climbs, {returns} returns")


def main() -> None:
    """Show what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkout", type=Path, nargs="?", default=HERE)
    parser.add_argument("--tree", action="store_true")
    parser.add_argument("--imports", action="store_true")
    parser.add_argument("--way", action="store_true")
    arguments = parser.parse_args()
    checkout = arguments.checkout.resolve()
    everything = not (arguments.tree or arguments.imports or arguments.way)
    for wanted, show in (
        (arguments.tree, show_tree),
        (arguments.imports, show_imports),
        (arguments.way, show_way),
    ):
        if wanted or everything:
            show(checkout)


if __name__ == "__main__":
    main()
