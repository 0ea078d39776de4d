"""What the README shows is run; only the amounts are made small."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from porescape.cli import app
from porescape.core.settings import Measure
from porescape.measure.numbers import NUMBERS
from porescape.sample import load_truth, sample_path

README = Path(__file__).resolve().parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
SMALL = {
    "trials=200": "trials=2, size=40",
    "(128, 128, 128)": "(40, 40, 40)",
    "replicas=8)": "replicas=2), measure=Measure(numbers=('basic',))",
}
FEW = ["--size", "40", "--replicas", "1", "--trials", "2", "--workers", "1", "--measure", "basic,network"]
SMALLER = {"run": [*FEW, "--fit-size", "40"], "resolution": FEW, "compare": ["--workers", "1"]}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(autouse=True)
def coarse_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porescape.report.page.SHARP", 50)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    shutil.copyfile(sample_path(), path / "membrane.tif")
    np.save(path / "ct-scan.npy", load_truth().pore[:40, :40, :40])
    return path


def test_the_shown_commands_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this process: what another one adds is shown by `test_cli.py`."""
    monkeypatch.chdir(folder)
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]
    ours = [shlex.split(line, comments=True) for line in commands if line.startswith("porescape ")]
    assert {words[1] for words in ours} == {
        "run", "check", "segment", "generate", "measure", "compare", "resolution"
    }  # fmt: skip
    for words in ours:
        done = CliRunner().invoke(app, [*words[1:], *SMALLER.get(words[1], [])])
        assert done.exit_code == 0, (words, done.output, done.exception)


def test_the_shown_files_are_there(folder: Path) -> None:
    if not (folder / "porescape-run").is_dir():
        pytest.skip("the commands have not run")
    table = TEXT.split("The folder `porescape-run`")[1].split("\n\n")[1]
    rows = re.findall(r"^\| (`[^|]+`[^|]*) \| ", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+\.\w+)`", row)}
    assert {"report.html", "replica-01.tif", "recipe.toml", "fit.json", "replica-01-pores.csv"} <= named
    for name in named:
        assert (folder / "porescape-run" / name).is_file(), name


def test_the_shown_python_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = blocks("python")
    for large, small in SMALL.items():
        assert large in code
        code = code.replace(large, small)
    monkeypatch.chdir(folder)
    exec(compile(code.replace("workers=2", "workers=1"), "README.md", "exec"), {"Measure": Measure})
    assert "1/m, 95 % " in capsys.readouterr().out
    assert (folder / "my-run" / "report.html").is_file()


def test_every_number_is_explained() -> None:
    section = TEXT.split("## The numbers")[1].split("##")[0]
    named = set(re.findall(r"`(\w+)`", section))
    for name in NUMBERS:
        base = re.sub(r"_p\d\d$", "", name)
        assert base in named or (base[-2:] in ("_y", "_x") and f"{base[:-1]}z" in named), name


def test_files_named_in_the_readme_exist() -> None:
    for name in re.findall(r"\]\(([\w./-]+)\)", TEXT):
        assert (README.parent / name).exists(), name
