"""The house has one direction: a file imports from floors below its own."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "porescape"
FLOORS = (  # from the ground up; rooms on one floor do not know each other
    ("errors", "version", "memory"),
    ("units", "wording", "rng", "parallel", "distance"),
    ("core", "dask_pool"),
    ("measure", "synthesis", "sample"),
    ("section",),
    ("fit", "select", "intervals"),
    ("jobs",),
    ("report",),
    ("io",),
    ("web",),
    ("cli", "__init__"),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def room_of(path: Path) -> str:
    inside = path.relative_to(SOURCE)
    return inside.parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
            if node.module == "porescape":
                names = [f"porescape.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("porescape.")}
    return rooms


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_downward_only(path: Path) -> None:
    here = room_of(path)
    for room in imported_rooms(path) - {here}:
        assert FLOOR[room] < FLOOR[here], f"{here} must not import {room}"


def test_only_the_roof_prints() -> None:
    for path in SOURCE.rglob("*.py"):
        if room_of(path) == "cli":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            assert not (called and node.func.id == "print"), path


def test_only_one_place_makes_generators() -> None:
    for path in SOURCE.rglob("*.py"):
        if path.name != "rng.py":
            text = path.read_text(encoding="utf-8")
            assert "default_rng(" not in text, path
            assert "np.random.seed" not in text, path
