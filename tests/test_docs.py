"""What the README shows is run; only the amounts are made small."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from porescape.measure.numbers import NUMBERS
from porescape.sample import sample_path

README = Path(__file__).resolve().parents[1] / "README.md"
TEXT = README.read_text(encoding="utf-8")
SMALL = {"trials=200": "trials=2", "(128, 128, 128)": "(40, 40, 40)", "replicas=8": "replicas=2"}
SMALL_RUN = ["--size", "40", "--replicas", "1", "--trials", "2", "--fit-size", "40"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("readme")
    shutil.copyfile(sample_path(), path / "membrane.tif")
    return path


def test_the_shown_commands_run(folder: Path) -> None:
    commands = [line[2:] for block in blocks("console") for line in block.splitlines() if line[:2] == "$ "]
    ours = [shlex.split(line, comments=True) for line in commands if line.startswith("porescape ")]
    assert [words[1] for words in ours] == ["run", "segment", "measure", "generate"]
    for words in ours:
        small = SMALL_RUN if words[1] == "run" else []
        done = subprocess.run(
            [sys.executable, "-m", "porescape.cli", *words[1:], *small],
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONIOENCODING": "utf-8"},
            check=False,
        )
        assert done.returncode == 0, (words, done.stderr)


def test_the_shown_files_are_there(folder: Path) -> None:
    if not (folder / "porescape-run").is_dir():
        pytest.skip("the commands have not run")
    rows = re.findall(r"^\| (`[^|]+`[^|]*) \| ", TEXT.split("The folder `porescape-run`")[1], re.MULTILINE)
    named = {name for row in rows[:8] for name in re.findall(r"`([\w-]+\.\w+)`", row)}
    assert {"report.html", "replica-01.tif", "recipe.toml", "fit.json"} <= named
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
    exec(compile(code.replace("workers=2", "workers=1"), "README.md", "exec"), {})
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
