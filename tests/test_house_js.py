"""The browser's half of the house: its files import in one direction, and each is short enough to be read."""

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from porescape.report.viewer import MODULES, script

SOURCE = Path(__file__).resolve().parents[1] / "src" / "porescape"
VIEWER = SOURCE / "report" / "viewer"
FOLDERS = (SOURCE / "web" / "static", VIEWER)
FILES = sorted(path for folder in FOLDERS for path in folder.glob("*.js"))
MOST_LINES = 400
IMPORT = re.compile(r'^import \{([^}\n]*)\} from "\./([\w-]+\.js)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)


def imports(path: Path) -> dict[str, set[str]]:
    """Return, for every file that a file imports from, the names it takes."""
    return {
        name: {word.strip() for word in words.split(",") if word.strip()}
        for words, name in IMPORT.findall(path.read_text(encoding="utf-8"))
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_two_files_import_each_other_even_by_a_detour(folder: Path) -> None:
    graph = {path.name: set(imports(path)) for path in folder.glob("*.js")}
    assert any(graph.values())
    TopologicalSorter(graph).prepare()  # a CycleError names the circle


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports_and_exports_are_written_in_the_one_way_that_is_read_here(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        assert not re.match(r"import\b", line) or IMPORT.fullmatch(line), line
        assert not re.match(r"export\b", line) or EXPORT.match(line), line
        assert "import(" not in line


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_imported_is_exported_and_used(path: Path) -> None:
    body = IMPORT.sub("", path.read_text(encoding="utf-8"))
    for name, words in imports(path).items():
        assert words <= set(EXPORT.findall((path.parent / name).read_text(encoding="utf-8")))
        assert all(re.search(rf"\b{word}\b", body) for word in words)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES


def test_the_viewer_is_joined_of_all_its_files_each_after_those_it_imports() -> None:
    assert sorted(MODULES) == sorted(path.stem for path in VIEWER.glob("*.js"))
    for i, name in enumerate(MODULES):
        assert set(imports(VIEWER / f"{name}.js")) <= {f"{before}.js" for before in MODULES[:i]}


def test_joined_it_imports_nothing_and_exports_what_a_page_needs() -> None:
    text = script()
    assert re.findall(r"^(?:import|export)\b.*", text, re.MULTILINE) == ["export { mountViewer, unpack };"]


def test_no_name_of_the_viewer_is_taken_twice() -> None:
    text = script() + (SOURCE / "report" / "report.js").read_text(encoding="utf-8")  # one module in a report
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)(?= =|\()", text, re.MULTILINE)
    assert {"mountViewer", "unpack", "host"} <= set(names)
    assert len(names) == len(set(names))
