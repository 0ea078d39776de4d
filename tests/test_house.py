"""The house has one direction: a file imports from floors below its own, between rooms and inside them."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "porescape"
FLOORS = (  # from the ground up; rooms on one floor do not know each other
    ("errors", "version", "memory"),
    ("units", "wording", "rng", "parallel", "distance"),
    ("core", "dask_pool"),
    ("measure", "synthesis", "sample"),
    ("section", "rendering"),
    ("fit", "select", "intervals"),
    ("jobs",),
    ("report",),
    ("io",),
    ("web",),
    ("cli", "__init__"),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
INSIDE = {  # inside the rooms that have rooms of their own; what is not named is on the top floor there
    "measure": (("geometry",), ("section", "transport"), ("network",), ("filtration",), ("meters",)),
    "synthesis": (
        ("capsules", "layers"),
        ("components", "noise", "smoothing", "families"),
        ("random_fields", "paper"),
        ("height",),
        ("gpu", "blockwise"),
    ),
    "section": (
        ("plane", "specks", "coating"),
        ("checks",),
        ("thresholds", "measured"),
        ("segment", "resample"),
    ),
    "rendering": (("look", "cut", "banner"), ("signal",), ("instrument",)),
    "fit": (("samplers", "plan", "refine"), ("objective",)),
    "select": (("scale", "crops"), ("held_out", "two_sample")),
    "intervals": (("uncertainty", "method_error"),),
    "io": (("atomic", "resources", "hashing"), ("images",), ("volumes", "pdf")),
}
MOST_LINES = 600  # of a file; a longer one has more than one reason to exist


def inside(path: Path) -> tuple[str, ...]:
    return path.relative_to(SOURCE).with_suffix("").parts


def room_of(path: Path) -> str:
    return inside(path)[0]


def imported(path: Path) -> set[tuple[str, ...]]:
    """Return the modules of the package that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    split = (tuple(name.split(".")) for name in names)
    return {parts[1:] for parts in split if parts[0] == "porescape" and len(parts) > 1}


FILES = sorted(SOURCE.rglob("*.py"))
BY_NAME = {tuple(part for part in inside(path) if part != "__init__"): path for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_downward_only(path: Path) -> None:
    here = room_of(path)
    for parts in imported(path):
        if parts[0] != here and parts[0] in FLOOR:
            assert FLOOR[parts[0]] < FLOOR[here], f"{here} must not import {parts[0]}"


@pytest.mark.parametrize("room", INSIDE)
def test_inside_a_room_imports_go_downward_too(room: str) -> None:
    floor = {name: level for level, names in enumerate(INSIDE[room]) for name in names}
    top = len(INSIDE[room])
    for path in (path for path in FILES if room_of(path) == room and len(inside(path)) > 1):
        here = inside(path)[1]
        for parts in imported(path):
            if parts[0] == room and len(parts) > 1 and parts[1] != here and parts[:2] in BY_NAME:
                there = floor.get(parts[1], top)
                fine = there < floor.get(here, top) or (there == top and here not in floor)
                assert fine, f"{'/'.join(inside(path))} must not import {'.'.join(parts)}"


def test_no_file_imports_itself_by_a_detour() -> None:
    needs = {
        name: {parts for parts in imported(path) if parts in BY_NAME and parts != name}
        for name, path in BY_NAME.items()
    }
    done: set[tuple[str, ...]] = set()

    def visit(name: tuple[str, ...], way: tuple[tuple[str, ...], ...]) -> None:
        assert name not in way, " -> ".join(".".join(one) for one in (*way, name))
        if name not in done:
            for other in needs[name]:
                visit(other, (*way, name))
            done.add(name)

    for name in needs:
        visit(name, ())


def test_the_guide_shows_the_floors_as_they_are() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("| floor | what |\n|---|---|\n")[1].split("\n\n")[0]
    rows = [set(re.findall(r"`([a-z_]+)/?`", row.split("|")[1])) for row in table.splitlines()]
    assert rows == [{room for room in rooms if room != "__init__"} for rooms in reversed(FLOORS)]


def test_no_file_has_grown_too_long() -> None:
    for path in FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MOST_LINES, f"{path.relative_to(SOURCE)} has {lines} lines"


def test_only_the_roof_prints() -> None:
    for path in FILES:
        if room_of(path) == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            assert not (called and node.func.id == "print"), path


def test_only_one_place_makes_generators() -> None:
    for path in FILES:
        if path.name != "rng.py":
            text = path.read_text(encoding="utf-8")
            assert "default_rng(" not in text, path
            assert "np.random.seed" not in text, path
