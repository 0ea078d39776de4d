"""The command line as a user meets it: real processes, real files, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from porescape.cli import app, parse_size
from porescape.errors import SettingsError
from porescape.sample import load_truth, sample_path

SMALL = ("--size", "40", "--replicas", "2", "--trials", "4", "--fit-size", "40", "--seed", "1")


def porescape(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "porescape.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "120"}
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=environment, check=False
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """One small run of the whole job, by its command."""
    out = tmp_path_factory.mktemp("cli") / "run"
    done = porescape("run", sample_path(), *SMALL, "--workers", 2, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_run_prints_the_numbers_it_wrote(run: tuple[Path, dict[str, object]]) -> None:
    out, printed = run
    assert printed == json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert printed["shape"] == [40, 40, 40]


def test_a_runs_recipe_does_the_job_again_to_the_byte(
    run: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    out, _ = run
    done = porescape("run", out / "recipe.toml", "--out", tmp_path / "again", "--workers", 1)
    assert done.returncode == 0, done.stderr
    for name in ("replica-01.tif", "replica-02.vti", "recipe.toml", "segmentation.tif"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_a_changed_image_does_not_run_under_an_old_recipe(
    run: tuple[Path, dict[str, object]], tmp_path: Path
) -> None:
    (tmp_path / "recipe.toml").write_bytes((run[0] / "recipe.toml").read_bytes())
    pixels = tifffile.imread(run[0] / "input.tif")
    tifffile.imwrite(tmp_path / "input.tif", pixels[::-1])
    done = porescape("run", tmp_path / "recipe.toml", "--out", tmp_path / "again")
    assert done.returncode == 3
    assert "is not the image this recipe was made from" in done.stderr


def test_the_report_can_be_written_again(run: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    done = porescape("report", run[0], "--out", tmp_path / "again.html")
    assert done.returncode == 0, done.stderr
    assert "<html" in (tmp_path / "again.html").read_text(encoding="utf-8")


def test_generate_makes_more_of_a_replica(run: tuple[Path, dict[str, object]], tmp_path: Path) -> None:
    done = porescape(
        "generate", run[0] / "replica-01.toml", "--size", "32x40x48", "--out", tmp_path / "more.tif"
    )
    assert done.returncode == 0, done.stderr
    assert tifffile.imread(tmp_path / "more.tif").shape == (32, 40, 48)


def test_measure_prints_the_same_numbers_as_the_run(run: tuple[Path, dict[str, object]]) -> None:
    out, printed = run
    done = porescape("measure", out / "replica-01.tif", "--json")
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)["properties"]
    reported = printed["replicas"][0]["properties"]  # type: ignore[index]
    for name, entry in reported.items():
        assert measured[name]["unit"] == entry["unit"]
        assert measured[name]["value"] == pytest.approx(entry["value"], rel=1e-4), name


def test_segment_describe_and_fit_are_the_runs_first_steps(tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(app, ["segment", str(sample_path()), "--out", str(tmp_path / "s"), "--json"])
    assert done.exit_code == 0, done.output
    assert {p.name for p in (tmp_path / "s").iterdir()} == {"segmentation.tif", "segmentation.png"}
    done = runner.invoke(app, ["describe", str(sample_path()), "--out", str(tmp_path / "d")])
    assert done.exit_code == 0, done.output
    curves = json.loads((tmp_path / "d" / "descriptor.json").read_text(encoding="utf-8"))
    assert curves["s2"][0] == pytest.approx(curves["porosity"], abs=0.02)
    assert curves["lag"][1] == pytest.approx(2.5e-8)
    arguments = ["fit", str(sample_path()), "--trials", "3", "--fit-size", "40"]
    done = runner.invoke(app, [*arguments, "--out", str(tmp_path / "material.toml")])
    assert done.exit_code == 0, done.output
    done = runner.invoke(
        app, ["generate", str(tmp_path / "material.toml"), "--out", str(tmp_path / "v.vti"), "--size", "2 um"]
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "v.vti").exists()


# -- what goes wrong, in words ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "nowhere.tif"), 3, "nowhere.tif"),
        (("run", "plain.png"), 3, '--pixel-size "0.1 um"'),
        (("run", "plain.png", "--pixel-size", "5"), 2, "needs a unit"),
        (("run", "plain.png", "--pixel-size", "1 m"), 3, "pixel"),
        (("run", "flat.png", "--pixel-size", "1 um"), 3, "flat.png"),
        (("run", "tiny.png", "--pixel-size", "1 um"), 3, "64"),
        (("run", "plain.png", "--pixel-size", "1 um", "--trials", "0"), 2, "trials must be at least 1"),
        (("run", "plain.png", "--pixel-size", "1 um", "--size", "4"), 2, "at least 16"),
        (("run", "plain.png", "--pixel-size", "1 um", "--pore", "grey"), 2, "dark, bright"),
        (("run", "plain.png", "--pixel-size", "1 um", "--sampler", "magic"), 2, "sampler must be one of"),
        (("run", "plain.png", "--pixel-size", "1 um", "--workers", "0"), 2, "workers must be at least 1"),
        (("run", "plain.png", "--pixel-size", "1 um", "--crop", "1,2"), 2, "top,left,height,width"),
        (("run", "plain.png", "--pixel-size", "1 um", "--out", "full"), 4, "not empty"),
        (("run", "plain.png", "--pixel-size", "1 um", "--out", "plain.png"), 4, "is a file"),
        (("measure", "plain.png"), 3, "wanted one of .tif"),
        (("generate", "flat.png"), 3, "not a TOML file"),
        (("report", "full"), 3, "recipe.toml"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(
    tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (100, 100), dtype=np.uint8)).save(tmp_path / "plain.png")
    Image.fromarray(np.full((100, 100), 7, np.uint8)).save(tmp_path / "flat.png")
    Image.fromarray(rng.integers(0, 255, (20, 20), dtype=np.uint8)).save(tmp_path / "tiny.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    before = sorted(tmp_path.rglob("*"))
    done = porescape(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to another process")
def test_ctrl_c_ends_in_words_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "porescape.cli", "run", str(sample_path()), "--out", "run"]
    with subprocess.Popen(
        [*command, "--workers", "2", "--trials", "100000"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # a shell that runs tests in the background may have told its children to ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    ) as process:
        assert process.stderr is not None
        assert "464 x 640 pixels" in process.stderr.readline()  # the work has begun
        time.sleep(1)
        os.killpg(process.pid, signal.SIGINT)
        words = process.stderr.read()
    assert process.returncode == 130
    assert "stopped; nothing was written" in words
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command_and_every_command_has_help() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in ("run", "demo", "segment", "describe", "fit", "generate", "measure", "report"):
        assert command in shown
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_help_imports_nothing_heavy() -> None:
    """What makes help quick, said without a stopwatch."""
    code = (
        "import sys, porescape.cli\n"
        "heavy = {'numpy', 'numba', 'scipy', 'skimage', 'matplotlib', 'optuna'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("64", (64, 64, 64)),
        ("16x32x64", (16, 32, 64)),
        ("6.4 um", (64, 64, 64)),
        ("1um x 32 x 2 um", (10, 32, 20)),
    ],
)
def test_sizes_are_voxels_or_lengths(text: str, shape: tuple[int, int, int]) -> None:
    assert parse_size(text, 1e-7) == shape


def test_two_numbers_are_no_box() -> None:
    with pytest.raises(SettingsError, match="has 2 numbers; wanted one or three"):
        parse_size("64x64", 1e-7)


def test_the_demo_shows_the_truth_beside_the_reconstruction(tmp_path: Path) -> None:
    done = porescape(
        "demo",
        "--size",
        "40",
        "--replicas",
        "1",
        "--trials",
        "2",
        "--workers",
        "1",
        "--out",
        tmp_path / "demo",
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert "truth" in page.lower()
    assert load_truth().shape == (128, 128, 128)
