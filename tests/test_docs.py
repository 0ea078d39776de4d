"""What README and site show is run; only the amounts are made small. `make docs` builds the site itself."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import typer.main
from PIL import Image
from typer.testing import CliRunner

import porescape
from porescape.cli import app
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.measure.meters import NUMBERS
from porescape.sample import load_truth, sample_path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
STAGES = sorted((DOCS / "examples").glob("*.py"))
COMMANDS: Any = typer.main.get_command(app)

FEW = ["--size", "40", "--replicas", "1", "--trials", "2", "--workers", "1"]
BASIC = ["--measure", "basic,network"]
ROUGH = ["--refine", "20"]
SMALLER = {
    "run": [*FEW, *BASIC, *ROUGH, "--fit-size", "40"],
    "batch": [*FEW, *BASIC, *ROUGH, "--fit-size", "40"],
    "demo": [*FEW, *BASIC],
    "resolution": [*FEW, "--measure", "basic"],
    "fit": ["--trials", "2", "--fit-size", "40"],
    "compare": ["--workers", "1"],
    "generate": ["--size", "32x40x40"],
}
ELSEWHERE = ("dask_jobqueue", "Client(")  # in Python that needs other computers: compiled, and no more
SMALL = {
    r"trials=\d+": "trials=2",
    r"replicas=\d+": "replicas=1",
    r"workers=\d+": "workers=1",
    r"size=\d+": "size=40",
    r"\b(64|96|128|256)\b": "40",  # edges of boxes
    r"\b32\b": "20",  # the middle of one
}


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    kinds = "|".join(map(re.escape, languages))
    return re.findall(rf"^```(?:{kinds})\n(?::.*\n)*(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)


def commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield our own commands, and whether they are for a console here or for a script elsewhere."""
    for where in ("console", "bash"):
        for block in blocks(text, where):
            lines = block.replace("\\\n", " ").splitlines()
            if where == "console":
                lines = [line[2:] for line in lines if line[:2] == "$ "]
            for line in lines:
                words = shlex.split(line.replace("$SLURM_ARRAY_TASK_ID", "1"), comments=True)
                if "porescape" in words:
                    yield where, words[words.index("porescape") + 1 :]


def made_small(code: str) -> str:
    for large, small in SMALL.items():
        code = re.sub(large, small, code)
    return code


@pytest.fixture(autouse=True)
def small_amounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("porescape.report.page.SHARP", 50)
    for user in ("io.runs.run_folder", "report.html"):  # eight seconds each, and it has tests of its own
        monkeypatch.setattr(f"porescape.{user}.render_report", lambda *_, **__: "")
    for kind, defaults in (
        (Fit, {"trials": 2, "size": 40}),
        (Output, {"size": (40, 40, 40), "replicas": 1, "refine": 20}),
        (Measure, {"numbers": ("basic", "network")}),
    ):
        init: Any = kind.__init__
        monkeypatch.setattr(init, "__kwdefaults__", init.__kwdefaults__ | defaults)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: an image, a tomography, a folder of images, and a run of the first."""
    path = tmp_path_factory.mktemp("docs")
    grey = tifffile.imread(sample_path())[:240, :240]
    for name in ("membrane.tif", "images/one.tif", "PES/cut1.tif", "PES/cut2.tif", "PVDF/7.png"):
        (path / name).parent.mkdir(exist_ok=True)
        tifffile.imwrite(path / name, grey)
    labels = np.zeros(grey.shape, dtype=np.uint8)
    labels[::8, ::8] = 1 + (grey > np.median(grey))[::8, ::8]
    Image.fromarray(labels).save(path / "labels.png")
    np.save(path / "ct-scan.npy", load_truth().pore[:40, :64, :64])  # its picture is large enough to segment
    (path / "images.csv").write_text("image,pixel_size\nimages/one.tif,0.1 um\n", encoding="utf-8")
    return path


DONE: set[tuple[str, ...]] = set()


def run(folder: Path, words: list[str]) -> None:
    """Run a command in this process, once; what another process adds is shown by `test_cli.py`."""
    if tuple(words) in DONE:
        return
    done = CliRunner().invoke(app, [*words, *SMALLER.get(words[0], [])])
    assert done.exit_code == 0, (words, done.output, done.exception)
    DONE.add(tuple(words))


def only_read(where: str, words: list[str]) -> bool:
    """Whether a command runs elsewhere or for ever: of such a one the options are read, and no more."""
    return where == "bash" or words[0] == "serve" or any(word.startswith("tcp://") for word in words)


FIRST = ["run", "membrane.tif", "--pixel-size", "0.1 um"]  # README's, which most pages stand on


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_shows_runs(
    page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    text = text_of(page)
    shown = list(commands(text))
    code = blocks(text, "python", "{code-cell}")
    if shown or code:
        run(folder, FIRST)
    for where, words in shown:
        if only_read(where, words):
            COMMANDS.commands[words[0]].make_context(words[0], words[1:])
        else:
            run(folder, words)
    names: dict[str, Any] = {"porescape": porescape, "seed": 0}
    if code:
        names |= {"image": porescape.read_image("membrane.tif", pixel_size=1e-7), "settings": Settings()}
    for block in code:
        program = compile(made_small(block), page.name, "exec")
        if not any(word in block for word in ELSEWHERE):
            exec(program, names)
    if page == README:
        assert "1/m, 95 % " in capsys.readouterr().out
        assert (folder / "my-run" / "report.html").is_file()


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.stem)
def test_the_scripts_of_the_method_run(stage: Path) -> None:
    names: dict[str, Any] = {"__name__": "shown"}
    exec(compile(made_small(text_of(stage)), stage.name, "exec"), names)


def test_every_command_is_shown_somewhere() -> None:
    shown = {words[0] for page in PAGES for _, words in commands(text_of(page))}
    assert set(COMMANDS.commands) <= shown
    assert shown <= {*COMMANDS.commands, "--help"}


def test_the_shown_files_are_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    run(folder, FIRST)
    table = text_of(README).split("The folder `porescape-run`")[1].split("\n\n")[1]
    rows = re.findall(r"^\| (`[^|]+`[^|]*) \| ", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([\w-]+\.\w+)`", row)}
    assert {"report.html", "replica-01.tif", "run.toml", "fit.json", "replica-01-pores.csv"} <= named
    for name in named:
        assert (folder / "porescape-run" / name).is_file(), name


def test_every_number_is_explained() -> None:
    section = text_of(README).split("## The numbers")[1].split("##")[0]
    named = set(re.findall(r"`(\w+)`", section))
    for name in NUMBERS:
        base = re.sub(r"_p\d\d$", "", name)
        assert base in named or (base[-2:] in ("_y", "_x") and f"{base[:-1]}z" in named), name


# -- the site ---------------------------------------------------------------------------------------


@pytest.fixture
def reference(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The site's own module that writes pages from the code."""
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import reference

    yield reference
    del sys.modules["reference"]


def test_every_number_has_an_entry_on_the_site(reference: Any) -> None:
    bases = {reference.base_of(name) for name in NUMBERS}
    entries = reference.numbers_reference()
    for name in NUMBERS:
        assert f"`{name}`" in entries, name
    names = "source|model|leaves out|resolution|unit|own error of the method"
    fields = re.findall(rf"^:({names}): *(.*)$", entries, re.MULTILINE)
    assert len(fields) == 6 * len(bases)
    for field, words in fields:
        assert words, field
    table = reference.numbers_table()
    for base in bases:
        assert f"(#number-{base.replace('_', '-')})" in table
        assert f"(number-{base.replace('_', '-')})=" in entries


def test_every_command_and_option_has_a_row_on_the_site(reference: Any) -> None:
    page = reference.command_reference()
    for name, command in COMMANDS.commands.items():
        section = page.split(f"(command-{name})=")[1].split("(command-")[0]
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert f"`{parameter.opts[0]}`" in section, (name, parameter.name)


def test_every_public_name_is_on_the_site(reference: Any) -> None:
    listed = re.findall(r"^   (\w+)$", reference.api_reference(), re.MULTILINE)
    assert sorted(listed) == porescape.__all__


def test_numbers_quoted_in_the_text_come_from_the_code(reference: Any) -> None:
    known = reference.thresholds()
    quoted = {name for page in PAGES for name in re.findall(r"\{\{ (\w+) \}\}", text_of(page))}
    assert {"features_warn", "chord_fail", "plausible"} <= quoted <= set(known)


def test_files_named_in_the_text_exist() -> None:
    """Links, and the tables of contents; what a build writes is not there yet."""
    written = ("reference/", "method/")
    for page in PAGES:
        text = text_of(page)
        named = re.findall(r"\]\((?!https?:|#)([\w./-]+)(?:#[\w-]+)?\)", text)
        named += [
            line
            for block in blocks(text, "{toctree}")
            for line in block.splitlines()
            if re.match(r"[\w/-]+$", line)
        ]
        for name in named:
            here = page.parent / name
            assert name.startswith(written) or here.exists() or here.with_suffix(".md").exists(), (
                page.name,
                name,
            )


def test_links_into_a_page_find_their_heading() -> None:
    for page in PAGES:
        for name, anchor in re.findall(r"\]\(([\w-]+\.md)#([\w-]+)\)", text_of(page)):
            headings = re.findall(r"^#+ (.*)$", text_of(page.parent / name), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, (page.name, name, anchor)
