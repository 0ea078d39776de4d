"""The command line as a user meets it: real files, exit codes, and a process where it is about one."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter
from typer.testing import CliRunner

from conftest import without_pages
from porescape.cli import app, main
from porescape.cli.options import parse_size
from porescape.cli.resuming import ResumeOptions
from porescape.core.recipe import BodiesRecipe
from porescape.core.settings import Settings
from porescape.core.volume import Volume
from porescape.errors import SettingsError
from porescape.io.images.image import read_image
from porescape.io.runs.settings import read_recipe
from porescape.io.volumes.volume import write_tiff, write_vti
from porescape.measure.meters import NUMBERS
from porescape.report.page import Picture
from porescape.sample import load_truth, sample_path
from porescape.synthesis.components import radius_of

Called = Callable[..., tuple[int, str, str]]
SMALL = ("--size", "40", "--replicas", "2", "--trials", "4", "--fit-size", "40", "--seed", "1")


def porescape(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "porescape.cli", *map(str, arguments)]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8", "COLUMNS": "120"}
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", cwd=cwd, env=environment, check=False
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Call the command in a folder of its own, in this process; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["porescape", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return call


@pytest.fixture
def bare_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write pages with all their words but without their figures' pixels, which are `test_report.py`'s."""
    monkeypatch.setattr("porescape.report.html.embed", lambda figure, alt: Picture("data:,", 1, 1, alt))


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
    run: tuple[Path, dict[str, object]], here: Called, tmp_path: Path
) -> None:
    out, _ = run
    with without_pages():
        code, _, told = here("run", out / "run.toml", "--out", tmp_path / "again", "--workers", 1)
    assert code == 0, told
    for name in ("replica-01.tif", "replica-02.vti", "run.toml", "segmentation.tif"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_a_changed_image_does_not_run_under_an_old_recipe(
    run: tuple[Path, dict[str, object]], here: Called, tmp_path: Path
) -> None:
    (tmp_path / "run.toml").write_bytes((run[0] / "run.toml").read_bytes())
    pixels = tifffile.imread(run[0] / "input.tif")
    tifffile.imwrite(tmp_path / "input.tif", pixels[::-1])
    code, _, told = here("run", tmp_path / "run.toml", "--out", tmp_path / "again")
    assert code == 3
    assert "is not the image of this run" in told


def test_the_report_can_be_written_again(
    run: tuple[Path, dict[str, object]], here: Called, bare_pages: None, tmp_path: Path
) -> None:
    code, _, told = here("report", run[0], "--out", tmp_path / "again.html")
    assert code == 0, told
    assert "<html" in (tmp_path / "again.html").read_text(encoding="utf-8")


def test_generate_makes_more_of_a_replica(
    run: tuple[Path, dict[str, object]], here: Called, tmp_path: Path
) -> None:
    code, _, told = here(
        "generate", run[0] / "replica-01.toml", "--size", "32x40x48", "--out", tmp_path / "more.tif"
    )
    assert code == 0, told
    assert tifffile.imread(tmp_path / "more.tif").shape == (32, 40, 48)


def test_generate_makes_a_replica_again_to_the_voxel(
    run: tuple[Path, dict[str, object]], here: Called, tmp_path: Path
) -> None:
    recipe, mask = run[0] / "replica-01.toml", run[0] / "segmentation.tif"
    code, _, told = here("generate", recipe, "--refine-to", mask, "--out", tmp_path / "again.tif")
    assert code == 0, told
    replica = tifffile.imread(run[0] / "replica-01.tif")
    assert (tifffile.imread(tmp_path / "again.tif") == replica).all()
    code, _, told = here(
        "generate", recipe, "--refine-to", mask, "--crumbs", "--out", tmp_path / "floating.tif"
    )
    assert code == 0, told
    assert "note: --crumbs is now --keep-floating-solid" in told  # the name of earlier versions
    assert tifffile.imread(tmp_path / "floating.tif").sum() == replica.sum(), (
        "porosity is the recipe's either way"
    )
    code, _, told = here(
        "generate", recipe, "--refine-to", run[0] / "input.tif", "--out", tmp_path / "no.tif"
    )
    assert code == 3
    assert "is grey, but --refine-to needs two values" in told
    code, _, told = here("generate", recipe, "--refine-to", mask, "--out", tmp_path / "no.zarr")
    assert code == 2
    assert "needs the whole box in memory" in told


def test_measure_prints_the_same_numbers_as_the_run(
    run: tuple[Path, dict[str, object]], here: Called
) -> None:
    out, printed = run
    code, again, told = here("measure", out / "replica-01.tif", "--json")
    assert code == 0, told
    measured = json.loads(again)["properties"]
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
    done = runner.invoke(app, [*arguments, "--out", str(tmp_path / "fitted.toml")])
    assert done.exit_code == 0, done.output
    done = runner.invoke(
        app, ["generate", str(tmp_path / "fitted.toml"), "--out", str(tmp_path / "v.vti"), "--size", "2 um"]
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "v.vti").exists()


def test_a_named_family_is_the_one_that_is_fitted(tmp_path: Path) -> None:
    arguments = ["fit", str(sample_path()), "--trials", "3", "--fit-size", "40", "--family"]
    done = CliRunner().invoke(app, [*arguments, "fibres", "--out", str(tmp_path / "mat.toml")])
    assert done.exit_code == 0, done.output
    recipe, _, _ = read_recipe(tmp_path / "mat.toml")
    assert isinstance(recipe, BodiesRecipe)
    assert recipe.length > 4 * radius_of(recipe) > 0
    done = CliRunner().invoke(app, [*arguments, "needles"])
    assert "family must be one of auto, fields, fibres, grains, got 'needles'" in str(done.exception)


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
        (("report", "full"), 3, "run.toml"),
    ],
)
def test_bad_input_ends_in_one_sentence_and_leaves_nothing(
    tmp_path: Path, here: Called, arguments: tuple[str, ...], code: int, words: str
) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (100, 100), dtype=np.uint8)).save(tmp_path / "plain.png")
    Image.fromarray(np.full((100, 100), 7, np.uint8)).save(tmp_path / "flat.png")
    Image.fromarray(rng.integers(0, 255, (20, 20), dtype=np.uint8)).save(tmp_path / "tiny.png")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep")
    before = sorted(tmp_path.rglob("*"))
    ended, _, told = here(*arguments)
    assert ended == code, told
    assert words in told
    assert "Traceback" not in told
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
        time.sleep(0.3)  # processes are on their way, no trial is finished
        os.killpg(process.pid, signal.SIGINT)
        words = process.stderr.read()
    assert process.returncode == 130
    assert "stopped; nothing was written" in words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("written", [False, True])
def test_ctrl_c_while_the_work_folder_is_made_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    def interrupted(folder: Path, *_: object) -> None:
        folder.mkdir()
        if written:
            (folder / "job.json").write_text("{}", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr("porescape.io.runs.checkpoint.open_checkpoint", interrupted)
    image = read_image(sample_path())
    making = ResumeOptions().checkpointing(tmp_path / "run", False, image, Settings(), 0)
    with pytest.raises(KeyboardInterrupt), making:
        pass
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command_and_every_command_has_help() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    for command in (
        "run", "demo", "segment", "check", "describe", "fit", "generate", "measure", "compare", "resolution",
        "report",
    ):  # fmt: skip
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


def test_the_demo_shows_the_truth_beside_the_reconstruction(
    here: Called, bare_pages: None, tmp_path: Path
) -> None:
    small = ("--size", 40, "--measure", "basic", "--replicas", 1, "--trials", 2, "--workers", 1)
    code, _, told = here("demo", *small, "--out", tmp_path / "demo")
    assert code == 0, told
    page = (tmp_path / "demo" / "report.html").read_text(encoding="utf-8")
    assert "truth" in page.lower()
    assert load_truth().shape == (128, 128, 128)


# -- measure, compare, resolution, check ------------------------------------------------------------


def blobs(shape: tuple[int, int, int] = (20, 24, 28), seed: int = 0) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 2.0, mode="wrap")
    return np.asarray(field < np.quantile(field, 0.6))


def blocked() -> np.ndarray:
    pore = blobs()
    pore[10] = False
    return pore


@pytest.mark.parametrize("ending", ["npy", "tif", "vti"])
def test_measure_prints_every_number_in_si_units(here: Called, ending: str) -> None:
    volume = Volume(blobs(), 1e-7)
    writers = {"tif": write_tiff, "vti": write_vti, "npy": lambda path, v: np.save(path, v.pore)}
    writers[ending](Path(f"v.{ending}"), volume)
    said = ("--voxel-size", "0.1 um") if ending == "npy" else ()  # the others know
    code, out, _ = here("measure", f"v.{ending}", *said, "--json")
    assert code == 0
    table = json.loads(out)
    assert table["shape"] == [20, 24, 28]
    assert table["voxel_size"] == pytest.approx(1e-7)
    assert {name: entry["unit"] for name, entry in table["properties"].items()} == {
        name: number.unit for name, number in NUMBERS.items()
    }
    assert all(entry["value"] is not None for entry in table["properties"].values())
    assert table["reasons"] == {}
    assert 1e-18 < table["properties"]["permeability_z"]["value"] < 1e-14  # m²
    assert 1e-7 < table["properties"]["body_diameter"]["value"] < 1e-6  # m


@pytest.mark.parametrize(
    ("pore", "words"),
    [
        (blocked(), "along z"),
        (np.ones((8, 9, 10), dtype=bool), "every voxel"),
        (np.zeros((8, 9, 10), dtype=bool), "every voxel"),
        (np.pad(np.ones((1, 1, 1), dtype=bool), 4), "wide enough"),
        (np.ones((1, 1, 1), dtype=bool), "every voxel"),
    ],
    ids=["does not percolate", "all pore", "all solid", "one voxel of pore", "one voxel in all"],
)
def test_a_number_that_is_not_there_is_null_with_its_reason(
    here: Called, pore: np.ndarray, words: str
) -> None:
    np.save("v.npy", pore)
    code, out, _ = here("measure", "v.npy", "--voxel-size", "0.1 um", "--json")
    assert code == 0
    table = json.loads(out)
    null = {name for name, entry in table["properties"].items() if entry["value"] is None}
    assert null
    assert null == set(table["reasons"])
    assert any(words in reason for reason in table["reasons"].values())
    code, out, told = here("measure", "v.npy", "--voxel-size", "0.1 um")
    assert (code, out) == (0, "")
    assert words in told
    assert "nan" not in told.lower().replace("nano", "")


def test_measure_writes_what_stands_behind_the_numbers_once(here: Called) -> None:
    np.save("v.npy", blobs())
    command = ("measure", "v.npy", "--voxel-size", "0.1 um", "--measure", "network,porosity", "--out", "m")
    code, out, told = here(*command, "--json")
    assert code == 0
    assert "m" in told
    written = {path.name for path in Path("m").iterdir()}
    assert {"results.json", "volume-pores.csv", "volume-throats.csv", "volume-network.vtp"} <= written
    table = json.loads(out)
    assert table == json.loads(Path("m/results.json").read_text(encoding="utf-8"))
    assert next(iter(table["properties"])) == "porosity"
    assert "permeability_z" not in table["properties"]
    assert list(table["measure_seconds"]) == ["porosity", "pore network"]
    code, _, told = here(*command)
    assert code == 4
    assert "not empty" in told
    assert here(*command, "--overwrite")[0] == 0


def test_grey_volumes_say_where_they_were_cut(here: Called) -> None:
    rng = np.random.default_rng(0)
    np.save("ct.npy", (np.where(blobs(), 60, 180) + rng.normal(0, 12, (20, 24, 28))).astype(np.uint8))
    common = ("measure", "ct.npy", "--voxel-size", "1 um", "--measure", "porosity", "--json")
    by_otsu = json.loads(here(*common)[1])
    assert 90 < by_otsu["threshold"] < 150
    assert by_otsu["properties"]["porosity"]["value"] == pytest.approx(0.6, abs=0.01)
    given = json.loads(here(*common, "--threshold", "120", "--pore", "bright")[1])
    assert given["threshold"] == 120
    assert given["pore"] == "bright"
    assert given["properties"]["porosity"]["value"] == pytest.approx(0.4, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("measure", "v.npy"), 3, '--voxel-size "1 um"'),
        (("measure", "v.npy", "--voxel-size", "1"), 2, "needs a unit"),
        (("measure", "v.npy", "--voxel-size", "1 um", "--measure", "porosity,magic"), 2, "nothing measures"),
        (("measure", "v.npy", "--voxel-size", "1 um", "--measure", ""), 2, "no number was asked for"),
        (("measure", "v.npy", "--voxel-size", "1 um", "--contact-angle", "95"), 2, "below 90"),
        (("measure", "v.npy", "--voxel-size", "1 um", "--surface-tension", "0"), 2, "surface tension"),
        (("measure", "v.npy", "--voxel-size", "1 um", "--pressure", "0"), 2, "pressure"),
        (("measure", "v.npy", "--voxel-size", "1 um", "--thickness", "5"), 2, "needs a unit"),
        (("measure", "flat.npy", "--voxel-size", "1 um"), 3, "three axes"),
        (("measure", "nan.npy", "--voxel-size", "1 um"), 3, "NaN"),
        (("measure", "brick.tif"), 3, "wanted cubes"),
        (("measure", "nowhere.tif"), 3, "nowhere.tif"),
        (("compare", "a.tif"), 3, "at least two"),
        (("compare", "a.tif", "nowhere.tif"), 3, "nowhere.tif"),
        (("compare", "a.tif", "b.tif"), 3, '--resample "200 nm"'),
        (("compare", "a.tif", "a.tif", "--measure", "magic"), 2, "nothing measures magic"),
        (("compare", "a.tif", "a.tif", "--size", "64", "--measure", "porosity"), 2, "less than the box"),
        (("compare", "a.tif", "a.tif", "--out", "a.tif"), 4, "is a file"),
        (("resolution", "image.tif", "--pixel-sizes", ""), 2, "--pixel-sizes needs one length"),
        (("resolution", "image.tif", "--pixel-sizes", "1,2"), 2, "needs a unit"),
        (("resolution", "image.tif", "--pixel-sizes", "10 nm,50 nm"), 3, "would invent detail"),
        (("resolution", "image.tif", "--pixel-sizes", "1 um"), 3, "wanted at least 64"),
        (("resolution", "image.tif", "--pixel-sizes", "25 nm,50 nm", "--size", "24"), 2, "--size 32"),
        (("resolution", "image.tif", "--pixel-sizes", "25 nm", "--measure", "magic"), 2, "nothing measures"),
        (("resolution", "stripes.tif", "--pixel-sizes", "100 nm"), 3, "--accept isotropy"),
        (("run", "stripes.tif"), 3, "--accept isotropy"),
        (("run", "image.tif", "--measure", "magic"), 2, "nothing measures magic"),
        (("check", "nowhere.tif"), 3, "nowhere.tif"),
        (("check", "image.tif", "--out", "no/such/folder.png"), 4, "could not be written"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_ends_in_one_sentence(
    here: Called, arguments: tuple[str, ...], code: int, words: str
) -> None:
    np.save("v.npy", blobs())
    np.save("flat.npy", blobs()[0])
    np.save("nan.npy", np.where(blobs(), np.nan, 1.0))
    write_tiff(Path("a.tif"), Volume(blobs(), 1e-7))
    write_tiff(Path("b.tif"), Volume(blobs(), 2e-7))
    brick = {"axes": "ZYX", "spacing": 3.0, "unit": "um"}
    tifffile.imwrite(
        "brick.tif", blobs().astype(np.uint8) * 255, imagej=True, resolution=(1.0, 1.0), metadata=brick
    )
    shutil.copyfile(sample_path(), "image.tif")
    stripes = gaussian_filter(np.random.default_rng(0).standard_normal((256, 256)), (2, 14))
    grey = np.uint8(255 * (stripes - stripes.min()) / np.ptp(stripes))
    tifffile.imwrite(
        "stripes.tif", grey, imagej=True, resolution=(10.0, 10.0), metadata={"axes": "YX", "unit": "um"}
    )
    before = sorted(Path.cwd().rglob("*"))
    ended, out, told = here(*arguments)
    assert (ended, out) == (code, ""), told
    assert words in told
    assert "Traceback" not in told
    assert sorted(Path.cwd().rglob("*")) == before


def test_compare_sets_files_side_by_side(here: Called) -> None:
    write_tiff(Path("a.tif"), Volume(blobs((40, 24, 28)), 1e-7))
    write_tiff(Path("b.tif"), Volume(blobs((20, 24, 28), seed=1), 1e-7))
    command = ("compare", "a.tif", "b.tif", "a.tif", "--measure", "porosity,network", "--workers", 2)
    code, out, told = here(*command, "--json")
    assert code == 0, told
    table = json.loads(out)
    assert table == json.loads(Path("porescape-compare/compare.json").read_text(encoding="utf-8"))
    assert [side["name"] for side in table["sides"]] == ["a.tif (1)", "b.tif", "a.tif (2)"]
    assert [side["volumes"] for side in table["sides"]] == [2, 1, 2]
    assert "cut a.tif (1) into 2 sub-volumes of 20 x 24 x 28 voxels" in told
    assert all(off in (0, None) for off in table["difference_percent"]["a.tif (2)"].values())
    assert all(one["value"] == 0 for one in table["wasserstein"]["a.tif (2)"].values())
    assert table["wasserstein"]["b.tif"]["body_diameter"]["value"] > 0
    assert (Path("porescape-compare") / "compare.html").is_file()
    assert here(*command)[0] == 4  # the folder is full


def test_compare_resamples_only_when_told(here: Called) -> None:
    write_tiff(Path("a.tif"), Volume(blobs(), 1e-7))
    write_tiff(Path("b.tif"), Volume(blobs((12, 14, 16), seed=1), 2e-7))
    command = (
        "compare",
        "a.tif",
        "b.tif",
        "--resample",
        "0.2 um",
        "--measure",
        "porosity,tortuosity_z",
        "--workers",
        1,
    )
    code, out, told = here(*command, "--size", "10x12x12", "--json")
    assert code == 0, told
    table = json.loads(out)
    assert table["voxel_size"] == pytest.approx(2e-7)
    assert table["shape"] == [10, 12, 12]
    assert "resampled a.tif from 100 nm to 200 nm per voxel" in table["notes"]
    assert table["wasserstein"]["b.tif"]["body_diameter"]["value"] is None  # no network was asked for


def test_what_does_not_pass_is_a_dash_beside_what_does(here: Called) -> None:
    write_tiff(Path("open.tif"), Volume(blobs(), 1e-7))
    write_tiff(Path("shut.tif"), Volume(blocked(), 1e-7))
    code, out, told = here(
        "compare", "open.tif", "shut.tif", "--measure", "tortuosity", "--workers", 1, "--json"
    )
    assert code == 0, told
    assert "nan" not in told.replace("nano", "")
    shut = json.loads(out)["sides"][1]
    assert shut["values"][0]["tortuosity_z"] is None
    assert "nothing diffuses along z" in shut["reasons"][0]["tortuosity_z"]


def test_resolution_reconstructs_at_each_pixel_size(here: Called) -> None:
    sizes = ("--pixel-sizes", "50 nm,25 nm", "--size", "0.8 um")
    few = ("--replicas", 1, "--trials", 2, "--workers", 1, "--measure", "porosity,body_diameter")
    code, out, told = here("resolution", sample_path(), *sizes, *few, "--json")
    assert code == 0, told
    table = json.loads(out)
    assert [one["pixel_size"] for one in table["pixel_sizes"]] == pytest.approx([25e-9, 50e-9])
    assert [one["shape"] for one in table["pixel_sizes"]] == [[32] * 3, [16] * 3]
    assert list(table["pixel_sizes"][0]["properties"]) == ["porosity", "body_diameter"]
    written = {path.name for path in Path("porescape-resolution").iterdir()}
    assert written == {"resolution.html", "resolution.csv", "resolution.json"}


def test_check_says_what_the_image_can_stand_for(here: Called) -> None:
    code, out, told = here("check", sample_path(), "--json", "--out", "c.png")
    assert code == 0
    checks = json.loads(out)["checks"]
    assert set(checks) == {"isotropy", "stationarity", "size", "sharpness", "depth"}
    assert all(check["status"] == "ok" for check in checks.values())
    assert all(check["sentence"] in told for check in checks.values())
    assert Path("c.png").read_bytes()[:4] == b"\x89PNG"


def test_measure_tells_thickness_pressure_and_particles_in_their_lines(tmp_path: Path) -> None:
    runner = CliRunner()
    field = gaussian_filter(np.random.default_rng(0).standard_normal((36, 36, 36)), 2.5)
    np.save(tmp_path / "v.npy", field < 0)
    options = ["--voxel-size", "1 um", "--measure", "retention_d90_z,permeance_z,clean_water_flux_z"]
    options += ["--particles", "0.2 um,40 um", "--thickness", "1 mm", "--pressure", "0.5"]
    result = runner.invoke(app, ["measure", str(tmp_path / "v.npy"), *options], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.stderr
    assert "retention_d90_z through 1 mm" in result.stdout + result.stderr
    assert "clean_water_flux_z through 1 mm at 0.5 bar" in result.stdout + result.stderr
    assert "L/(m² h bar)" in result.stdout + result.stderr
    assert "particles of 200 nm: 0 % retained, LRV 0.0, through 1 mm" in result.stderr
    assert "particles of 40 µm: more than 99.99990 % retained, LRV at least" in result.stderr
    refused = runner.invoke(app, ["measure", str(tmp_path / "v.npy"), *options, "--gas", "helium"])
    assert refused.exit_code != 0
    assert "there is no gas called 'helium'; known are air, argon" in str(refused.exception)
