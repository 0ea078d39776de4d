"""Many images under the same settings: what the list may say, what becomes of each image, and going on."""

import csv
import json
import math
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import gaussian_filter

import porescape
from porescape.cli import main
from porescape.core.measurement import Estimate
from porescape.core.results import Reconstruction
from porescape.core.settings import Checks, Fit, Measure, Output, Settings
from porescape.errors import InputError, OutputError, SettingsError
from porescape.io.images.image import read_image
from porescape.io.runs.batch import run_batch
from porescape.io.runs.batch_folder import gather_batch
from porescape.io.runs.batch_list import COLUMNS, _usable, check_names, read_batch_list
from porescape.io.runs.run_folder import read_run
from porescape.jobs.batch import (
    Batch,
    BatchEntry,
    BatchProgress,
    Card,
    Outcome,
    Status,
    over_images,
    part_of,
)
from porescape.jobs.reconstruct import reconstruct
from porescape.report.batch_page import render_batch
from porescape.sample import sample_path

pytestmark = pytest.mark.usefixtures("plain_reports")  # those of single runs
PIXEL = 1e-7
GUIDE = (Path(__file__).resolve().parents[1] / "docs" / "batch.md").read_text(encoding="utf-8")
CHECKS = ("isotropy", "stationarity", "size", "sharpness")
TINY = Settings(
    checks=Checks(accept=CHECKS),
    fit=Fit(trials=2, size=32),
    output=Output(size=(40, 40, 40), voxel_size=PIXEL, replicas=1, refine=20),
    measure=Measure(numbers=("porosity", "chord_pore"), interval="replicas"),
)
Called = Callable[..., tuple[int, str, str]]


def draw(path: Path, seed: int = 0, along: float = 1.0, shape: tuple[int, int] = (128, 128)) -> Path:
    """Dark and bright labyrinth; `along` times as long as wide."""
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), (3 * along, 3), mode="wrap")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(np.clip(128 + 60 * field / field.std(), 0, 255))).save(path)
    return path


def rows_of(out: Path) -> dict[str, dict[str, str]]:
    with (out / "batch.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Reconstruction:
    """One real reconstruction; where only the batch around it matters, it stands for all."""
    image = read_image(draw(tmp_path_factory.mktemp("one") / "a.png"), pixel_size=PIXEL)
    return reconstruct(image, TINY, 0)


@pytest.fixture
def quick(made: Reconstruction, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Reconstruct in no time; the list names the images that were."""
    names: list[str] = []

    def at_once(prepared, settings, seed, *, workers, progress, checkpoint):  # type: ignore[no-untyped-def]
        names.append(prepared.image.name)
        return replace(made, prepared=prepared, seed=seed)

    monkeypatch.setattr("porescape.io.runs.batch.reconstruct", at_once)
    monkeypatch.setattr("porescape.report.batch_page.strips", lambda batch, names: Figure(figsize=(1, 1)))
    return names


@pytest.fixture
def three(tmp_path: Path) -> tuple[BatchEntry, ...]:
    for number, name in enumerate("abc"):
        draw(tmp_path / "images" / f"{name}.png", number)
    return read_batch_list(tmp_path / "images", pixel_size=PIXEL)


# -- lists -------------------------------------------------------------------------------------------


def test_a_table_names_images_and_what_is_special_about_each(tmp_path: Path) -> None:
    draw(tmp_path / "sub" / "a.png")
    table = tmp_path / "images.csv"
    table.write_text(
        "image,pixel_size,crop,page,name,pore,group\n"
        'sub/a.png,0.1 um,"0,0,100,120",1,first,bright,PES\n'
        "\n"
        "sub/b.tif,,,,,,PVDF\n"
        "sub/c.tif,50 nm,none,2,,dark,PES\n"
    )
    first, third, second = read_batch_list(table, pixel_size=2e-7)  # groups together
    assert first == BatchEntry(
        tmp_path / "sub/a.png", "first", 1e-7, (0, 0, 100, 120), 1, "bright", "PES", "sub/a.png"
    )
    assert second == BatchEntry(tmp_path / "sub/b.tif", "sub-b", 2e-7, group="PVDF", listed="sub/b.tif")
    assert third == BatchEntry(tmp_path / "sub/c.tif", "sub-c", 5e-8, "none", 2, "dark", "PES", "sub/c.tif")


def test_a_line_that_tells_its_scale_bar_needs_no_other_scale(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,scale_bar\na.png,10 um\nb.png,\n")
    a, b = read_batch_list(tmp_path / "t.csv", pixel_size=PIXEL)
    assert (a.pixel_size, a.scale_bar) == (None, 1e-5)
    assert (b.pixel_size, b.scale_bar) == (PIXEL, None)
    assert read_batch_list(tmp_path / "t.csv", scale_bar=2e-5)[1].scale_bar == 2e-5


@pytest.mark.parametrize(
    "raw",
    [
        "image;pixel_size;name\na.png;0.1 µm;x\n".encode(),
        "image\tpixel_size\tname\r\na.png\t0.1 µm\tx\r\n".encode(),
        "\ufeffImage,Pixel size,Name\na.png,0.1 µm,x\n".encode(),
        "image,pixel_size,name\r\na.png,0.1 µm,x\r\n".encode("cp1252"),
    ],
    ids=["semicolons", "tabs", "byte order mark and spaces", "Excel on Windows"],
)
def test_tables_of_all_spreadsheets_say_the_same(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(raw)
    assert read_batch_list(tmp_path / "t.csv") == (BatchEntry(tmp_path / "a.png", "x", 1e-7, listed="a.png"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "image,scale\na.png,1\n",
            "column 'scale'; known are image, pixel_size, scale_bar, crop, page, name",
        ),
        ("file\na.png\n", "no column image; wanted a table whose first line"),
        ("image,image\na.png,a.png\n", "column image more than once"),
        ("image\n", "lists no image"),
        ("image,name\n,x\n", "line 2, has no image"),
        ("image,pixel_size\na.png,0.1\n", "line 2: pixel_size: length '0.1' needs a unit"),
        (
            "image,crop\na.png,1,2,3,4\n",
            "line 2, has 5 cells, but there are 2 columns; put cells with commas",
        ),
        ('image,crop\na.png,"1,2"\n', "line 2, has crop '1,2'; wanted \"top,left,height,width\""),
        ("image,page\na.png,0\n", "page '0'; wanted a whole number from 1"),
        ("image,pore\na.png,grey\n", "pore 'grey'; wanted dark or bright"),
        ("image,name\na.png,x\nb.png,X\n", "'X' is the name of both a.png and b.png"),
        ("image\na.png\na.png\n", "'a-png' is the name of both"),
        ("image,name\na.png,x/y\n", "'x/y' cannot be the name of a folder on every system, but 'x_y' can"),
        ("image,name\na.png," + "n" * 200, "too long"),
        ("a\0b", "not a table of text"),
    ],
)
def test_what_a_table_cannot_mean_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError) as error:
        read_batch_list(tmp_path / "t.csv")
    assert words in str(error.value)


def test_a_folder_gives_its_images_in_order_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "b.PNG",
        "a.tif",
        "a.png",
        ".hidden.png",
        "notes.txt",
        "out/x.png",
        "sub/a.tif",
        "run/input.tif",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "run" / "run.toml").write_text("")  # an earlier run's own files are no images of the batch
    assert [entry.name for entry in read_batch_list(tmp_path)] == ["a-png", "a-tif", "b"]
    found = read_batch_list(tmp_path, pattern="**/*", without=tmp_path / "out", pixel_size=PIXEL)
    assert [(entry.name, entry.group) for entry in found] == [
        ("a-png", ""), ("a-tif", ""), ("b", ""), ("sub-a", "sub")
    ]  # fmt: skip
    assert {entry.pixel_size for entry in found} == {PIXEL}
    assert [entry.name for entry in read_batch_list(tmp_path, pattern="*.txt")] == ["notes"]
    with pytest.raises(InputError, match=r"holds no .*--pattern such as '\*\*/\*'"):
        read_batch_list(tmp_path, pattern="z*")
    with pytest.raises(InputError, match="does not exist; wanted a folder of images, or a CSV"):
        read_batch_list(tmp_path / "nowhere")
    with pytest.raises(InputError, match="--pattern is for folders"):
        read_batch_list(tmp_path / "notes.txt", pattern="*")
    with pytest.raises(InputError, match="is not valid"):
        read_batch_list(tmp_path, pattern="/etc/*")


@given(name=st.text("aAx .:/\\*<\0é-_") | st.sampled_from(("con", "Aux.tif", "batch.csv", "..", "x.work")))
def test_any_name_becomes_one_that_can_be_a_folder(name: str) -> None:
    could = _usable(name)
    assert _usable(could) == could
    assert could
    assert not set(could) & set('/\\:*?"<>|\0')
    assert could[-1] not in " ."
    assert could.casefold() not in ("batch.csv", "batch-cards", "con", "..")


@given(count=st.integers(1, 30), of=st.integers(1, 12))
def test_shards_share_the_images_evenly(count: int, of: int) -> None:
    entries = [BatchEntry(Path(str(i)), str(i)) for i in range(count)]
    parts = [part_of(entries, (number, of)) for number in range(1, of + 1)]
    assert sorted(int(entry.name) for part in parts for entry in part) == list(range(count))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_there_is_no_shard_beyond_the_last() -> None:
    for shard in ((0, 2), (3, 2), (1, 0)):
        with pytest.raises(SettingsError, match="wanted i/n with i from 1 to n"):
            part_of([], shard)
    with pytest.raises(InputError, match="at least one image"):
        check_names([])


# -- the whole job -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Batch]:
    """Three images that can be used, and three of which each fails in its own way."""
    folder = tmp_path_factory.mktemp("mixed")
    draw(folder / "a.png", 1)
    draw(folder / "b.png", 2)
    draw(folder / "stretched.png", 3, along=5)
    (folder / "broken.tif").write_bytes(b"II*\0" + bytes(40))
    shutil.copyfile(sample_path(), folder / "sample.tif")
    (folder / "images.csv").write_text(
        "image,pixel_size,crop,pore,group\n"
        "a.png,0.1 um,,,<PES>\n"
        "broken.tif,0.1 um,,,<PES>\n"
        "b.png,0.2 um,,bright,other\n"
        'sample.tif,,"0,0,200,200",,\n'
        "a.png,,,,\n"
        "stretched.png,0.1 um,,,<PES>\n".replace("a.png,,,,", "nosize.png,,,,")
    )
    shutil.copyfile(folder / "a.png", folder / "nosize.png")
    settings = replace(
        TINY,
        checks=Checks(accept=("stationarity", "size", "sharpness")),
        output=replace(TINY.output, voxel_size=None),
    )
    entries = read_batch_list(folder / "images.csv")
    return folder / "out", run_batch(entries, folder / "out", settings, 3)


def test_a_failing_image_does_not_stop_the_rest(mixed: tuple[Path, Batch]) -> None:
    out, batch = mixed
    status = {one.entry.name: one.status for one in batch.outcomes}
    assert list(status) == ["a", "broken", "stretched", "b", "sample", "nosize"]  # groups together
    assert {name for name, one in status.items() if one is Status.FAILED} == {
        "broken", "stretched", "nosize"
    }  # fmt: skip
    reasons = {one.entry.name: one.reason for one in batch.outcomes}
    assert "broken.tif" in reasons["broken"]
    assert "isotropy: features are" in reasons["stretched"]
    assert "--pixel-size" in reasons["nosize"]
    assert {path.name for path in out.iterdir()} == {
        "a", "b", "sample", "batch-cards", "batch.csv", "batch.json", "batch.html"
    }  # fmt: skip


def test_each_finished_image_has_the_run_folder_it_would_have_alone(mixed: tuple[Path, Batch]) -> None:
    out, batch = mixed
    entry = next(one.entry for one in batch.outcomes if one.entry.name == "b")
    alone = read_run(out / "b")
    assert alone.settings.segmentation.pore == "bright"
    image = read_image(entry.image, pixel_size=2e-7)
    settings = replace(batch.settings, segmentation=replace(batch.settings.segmentation, pore="bright"))
    again = reconstruct(image, settings, 3)
    assert np.array_equal(again.replicas[0].volume.pore, alone.replicas[0].volume.pore)
    assert (out / "b" / "report.html").is_file()
    assert batch.cards["b"].voxel_size == again.section.pixel_size


def test_the_tables_say_what_the_run_folders_say(mixed: tuple[Path, Batch]) -> None:
    out, batch = mixed
    rows = rows_of(out)
    assert list(rows) == [one.entry.name for one in batch.outcomes]
    table = {
        one["name"]: one for one in json.loads((out / "batch.json").read_text(encoding="utf-8"))["images"]
    }
    for name in ("a", "b", "sample"):
        results = json.loads((out / name / "results.json").read_text(encoding="utf-8"))
        for number, unit in (("porosity", "1"), ("chord_pore", "m")):
            assert float(rows[name][f"{number} mean [{unit}]"]) == results["properties"][number]["mean"]
            assert rows[name][f"{number} low [{unit}]"] == ""  # one replica has no spread
            assert table[name]["properties"][number]["mean"] == results["properties"][number]["mean"]
        assert float(rows[name]["voxel size [m]"]) == results["voxel_size"]
        assert rows[name]["reason"] == ""
    assert rows["b"]["group"] == "other"
    assert float(rows["sample"]["pixel size [m]"]) == 2.5e-8  # from its tags
    assert rows["broken"]["status"] == table["broken"]["status"] == "failed"
    assert "porosity mean [1]" in rows["broken"]


def test_the_page_shows_every_image_and_asks_for_nothing(mixed: tuple[Path, Batch]) -> None:
    out, _ = mixed
    page = (out / "batch.html").read_text(encoding="utf-8")
    assert "&lt;PES&gt;" in page
    assert "<PES>" not in page
    assert 'href="a/report.html"' in page
    assert "isotropy: features are" in page
    assert "the images have different voxel sizes" in page
    assert page.count("data:image/jpeg") == 3  # a piece of each finished image
    assert page.count("data:image/png") == 3  # a slice of each
    assert "http" not in page.replace("http-equiv", "")
    assert "nan" not in page.partition("<main>")[2].lower().split("base64")[0]


def test_means_over_a_group_are_over_its_images() -> None:
    def card(mean: float) -> Card:
        e = Estimate(mean, 0.1, (mean - 1, mean + 1), "1", 8, 0.1)
        return Card("", (0, 0, 1, 1), 1e-7, 1e-7, (40, 40, 40), 8, 0.5, {"porosity": e}, (), "1")

    (found,) = over_images([card(0.4), card(0.5), card(0.6)]).values()
    assert found.n == 3
    assert found.mean == pytest.approx(0.5)
    half = 4.302652729911275 * 0.1 / math.sqrt(3)  # Student's t of 2 degrees of freedom
    factor = math.exp(half / 0.5)  # a porosity is positive
    assert found.ci95 == pytest.approx((0.5 / factor, 0.5 * factor))
    alone = Batch((Outcome(BatchEntry(Path("x"), "x"), Status.DONE, card=card(0.4)),), Settings(), 0)
    assert alone.notes() == ()
    twice = Batch(
        (*alone.outcomes, Outcome(BatchEntry(Path("x"), "y"), Status.DONE, card=card(0.4))), Settings(), 0
    )
    assert twice.notes() == ("x and y are the same image; it counts more than once in a mean",)


@pytest.mark.parametrize("count", [0, 1, 70])
def test_a_page_has_room_for_any_number_of_images(mixed: tuple[Path, Batch], count: int) -> None:
    card = mixed[1].cards["a"]
    outcomes = [
        Outcome(BatchEntry(Path("x"), f"n{i}", group="ab"[i % 2]), Status.DONE, card=card)
        for i in range(count)
    ]
    outcomes.append(Outcome(BatchEntry(Path("w"), "w", group="b"), Status.WAITING))
    page = render_batch(Batch(tuple(outcomes), TINY, 0))
    assert page.count("report.html") == count
    assert "1</b> waiting: this page is updated after each image" in page
    assert page.count('class="wide"') == (1 if count else 0)


# -- going on ----------------------------------------------------------------------------------------


def test_what_is_done_is_not_made_again(
    three: tuple[BatchEntry, ...], tmp_path: Path, quick: list[str]
) -> None:
    out = tmp_path / "out"
    broken = replace(three[1], image=tmp_path / "images" / "gone.png")
    run_batch([three[0], broken, three[2]], out, TINY)
    assert quick == ["a.png", "c.png"]
    before = (out / "a" / "results.json").stat().st_mtime_ns
    done = run_batch(three, out, TINY)  # the missing one has come
    assert quick == ["a.png", "c.png", "b.png"]
    assert {one.status for one in done.outcomes} == {Status.DONE}
    assert (out / "a" / "results.json").stat().st_mtime_ns == before
    shutil.rmtree(out / "batch-cards")
    assert gather_batch(three, out, TINY).cards["a"].thumbnails == done.cards["a"].thumbnails  # drawn anew


def test_other_settings_are_refused_until_told_to_overwrite(
    three: tuple[BatchEntry, ...], tmp_path: Path, quick: list[str]
) -> None:
    out = tmp_path / "out"
    run_batch(three, out, TINY)
    other = replace(TINY, fit=replace(TINY.fit, trials=3))
    with pytest.raises(
        SettingsError, match=r"holds a, b and c, made differently \(a: fit.trials was 2, now 3\)"
    ):
        run_batch(three, out, other)
    with pytest.raises(SettingsError, match="seed was 0, now 1"):
        run_batch(three, out, TINY, 1)
    draw(three[1].image, 99)
    with pytest.raises(SettingsError, match=r"holds b, made differently \(b: the image's SHA-256 was"):
        run_batch(three, out, TINY)
    with pytest.raises(SettingsError, match="pixel_size was 1e-07, now 2e-07"):
        run_batch([replace(three[0], pixel_size=2e-7)], out, TINY)
    quick.clear()
    run_batch(three, out, TINY, overwrite=True)
    assert quick == ["b.png"]
    shutil.rmtree(tmp_path / "images")  # finished images need their files no more
    assert {one.status for one in run_batch(three, out, other).outcomes} == {Status.DONE}


def test_a_newer_version_makes_a_note_or_everything_again(
    three: tuple[BatchEntry, ...], tmp_path: Path, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    run_batch(three[:1], out, TINY)
    for module in ("io.runs.run_folder", "io.runs.batch"):
        monkeypatch.setattr(f"porescape.{module}.__version__", "99.0")
    both = run_batch(three[:2], out, TINY)
    assert any("1 by 99.0; --overwrite repeats the older ones" in note for note in both.notes())
    run_batch(three[:2], out, TINY, overwrite=True)
    assert quick == ["a.png", "b.png", "a.png"]


def test_a_folder_of_something_else_is_left_alone(
    three: tuple[BatchEntry, ...], tmp_path: Path, quick: list[str]
) -> None:
    out = tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty and holds no batch"):
        run_batch(three, out, TINY)
    (out / "batch-cards").mkdir()
    with pytest.raises(
        OutputError, match=r"a exists, but is not a complete run folder; it is needed for a\.png"
    ):
        run_batch(three, out, TINY)
    with pytest.raises(OutputError, match="is a file"):
        run_batch(three, three[0].image, TINY)
    assert (out / "a" / "thesis.txt").read_text() == "mine"
    with pytest.raises(SettingsError, match="nothing measures magic"):
        run_batch(three, tmp_path / "new", replace(TINY, measure=Measure(numbers=("magic",))))
    with pytest.raises(SettingsError, match="no check called luck"):
        run_batch(three, tmp_path / "new", replace(TINY, checks=Checks(accept=("luck",))))
    assert not (tmp_path / "new").exists()
    run_batch(three[:1], out, TINY, overwrite=True)
    assert not (out / "a" / "thesis.txt").exists()


def test_shards_and_a_last_call_write_what_one_call_writes(
    three: tuple[BatchEntry, ...], tmp_path: Path, quick: list[str]
) -> None:
    first = run_batch(three, tmp_path / "many", TINY, shard=(2, 2))
    assert [one.status for one in first.outcomes] == [Status.WAITING, Status.DONE, Status.WAITING]
    run_batch(three, tmp_path / "many", TINY, shard=(1, 2))
    run_batch(three, tmp_path / "many", TINY, shard=(7, 7))  # more shards than images: this one has none
    assert quick == ["b.png", "a.png", "c.png"]
    run_batch(three, tmp_path / "one", TINY)
    for name in ("batch.csv", "batch.json", "batch.html"):
        assert (tmp_path / "many" / name).read_bytes() == (tmp_path / "one" / name).read_bytes(), name


def test_an_error_nobody_thought_of_is_that_of_one_image(
    three: tuple[BatchEntry, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Reconstruction
) -> None:
    def sometimes(prepared, settings, seed, *, workers, progress, checkpoint):  # type: ignore[no-untyped-def]
        if prepared.image.name == "a.png":
            raise ZeroDivisionError("oh")
        if prepared.image.name == "b.png":
            raise MemoryError
        return replace(made, prepared=prepared, seed=seed)

    monkeypatch.setattr("porescape.io.runs.batch.reconstruct", sometimes)
    batch = run_batch(three, tmp_path / "out", TINY)
    a, b, c = batch.outcomes
    assert a.reason == "unexpected ZeroDivisionError: oh; the trace is in batch-cards, please report it"
    assert "oh" in json.loads((tmp_path / "out" / "batch-cards" / "a.json").read_text())["trace"]
    assert "memory ran out; try fewer --workers" in b.reason
    assert c.status is Status.DONE


def test_an_error_of_the_listener_stops_all(three: tuple[BatchEntry, ...], tmp_path: Path) -> None:
    def progress(heard: BatchProgress) -> None:
        if heard.event is not None:
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        run_batch(three, tmp_path / "out", TINY, progress=progress)
    assert {row["status"] for row in rows_of(tmp_path / "out").values()} == {"waiting"}


def test_a_box_in_metres_is_as_large_in_every_image(three: tuple[BatchEntry, ...], tmp_path: Path) -> None:
    from porescape.io.runs.batch import prepare_entry, read_entry

    free = replace(TINY, output=replace(TINY.output, voxel_size=None))
    for size in (5e-8, 1e-7):
        entry = replace(three[0], pixel_size=size)
        own = prepare_entry(entry, read_entry(entry), free, (2e-6, 4e-6, 4e-6)).settings.output
        assert own.voxel_size is not None
        assert np.array(own.size) * own.voxel_size == pytest.approx([2e-6, 4e-6, 4e-6], rel=0.05)


KILLED = """
import sys
from matplotlib.figure import Figure
import porescape.io.runs.run_folder as folder
folder.render_report = lambda *_: "<html></html>"
folder.segmentation_overlay = lambda image, phase: Figure(figsize=(1, 1))
sys.path.insert(0, sys.argv[1])
import test_batch as t
from porescape.io.runs.batch import run_batch
from porescape.io.runs.batch_list import read_batch_list

def progress(heard):
    if heard.index == 1 and heard.event is not None and heard.event.trial is not None:
        print("at work", flush=True)
        sys.stdin.read()  # killed here, inside the second image

run_batch(read_batch_list(sys.argv[2], pixel_size=t.PIXEL), sys.argv[3], t.TINY, progress=progress)
"""


def test_a_batch_killed_inside_an_image_goes_on_inside_it(
    three: tuple[BatchEntry, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    three[2].image.unlink()
    two = three[:2]
    command = [sys.executable, "-c", KILLED, Path(__file__).parent, three[0].image.parent, out]
    with subprocess.Popen(
        [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        process.kill()
    assert rows_of(out)["a"]["status"] == "done"
    assert rows_of(out)["b"]["status"] == "waiting"
    log = next((out / "b.work").glob("*.jsonl"))
    saved = log.read_bytes()
    assert saved.count(b"\n") == 1  # one trial
    with pytest.raises(SettingsError, match=r"holds b, made differently \(b: .*fit.trials was 2, now 9"):
        run_batch(two[1:], out, replace(TINY, fit=replace(TINY.fit, trials=9)))
    heard: list[BatchProgress] = []
    before = (out / "a" / "results.json").stat().st_mtime_ns
    run_batch(two, out, TINY, progress=heard.append)
    assert (out / "a" / "results.json").stat().st_mtime_ns == before
    first = next(one.event.trial for one in heard if one.entry.name == "b" and one.event and one.event.trial)
    assert first is not None
    assert first.loss == json.loads(saved.partition(b" ")[2])["loss"]  # restored, not computed again
    calm = reconstruct(read_image(two[1].image, pixel_size=PIXEL), TINY, 0)
    assert np.array_equal(read_run(out / "b").selected.volume.pore, calm.selected.volume.pore)
    assert not list(out.glob("*.work"))


# -- the command -------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["porescape", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return call


WORDS = ("--pixel-size", "0.1 um", "--size", "40", "--workers", "1", "--replicas", "1", "--trials", "2")


def test_the_command_ends_with_a_code_that_says_whether_all_went_well(
    three: tuple[BatchEntry, ...], here: Called, quick: list[str]
) -> None:
    code, out, told = here("batch", "images", *WORDS, "--out", "out", "--json")
    assert code == 0, told
    assert "3/3 c done" in told
    assert "open out" in told
    assert json.loads(out)["counts"] == {"done": 3, "failed": 0, "waiting": 0}
    Path("images/d.tif").write_bytes(b"II*\0" + bytes(40))
    code, _, told = here("batch", "images", *WORDS, "--out", "out")
    assert code == 6
    assert "4/4 d failed: d.tif" in told
    assert "1 of 4 images failed: d." in told
    code, _, told = here("batch", "images", *WORDS, "--out", "out", "--shard", "1/4")
    assert code == 0, told  # the broken one is another shard's
    assert quick == ["a.png", "b.png", "c.png"]
    code, _, told = here("batch", "images", "--gather", "--out", "out")
    assert code == 6
    assert json.loads(Path("out/batch.json").read_text(encoding="utf-8"))["settings"]["fit"]["trials"] == 2
    code, _, told = here("batch", "images", "--settings", "out/a/run.toml", "--workers", "1", *WORDS[:2])
    assert code == 6
    assert read_run(Path("porescape-batch/b")).settings == read_run(Path("out/a")).settings


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nowhere",), 3, "nowhere does not exist"),
        (("images", "--size", "64 x 2 um"), 2, "neither voxels"),
        (("images", "--size", "4"), 2, "at least 16"),
        (("images", "--workers", "0"), 2, "workers must be at least 1"),
        (("images", "--shard", "3/2"), 2, "--shard 3/2 does not exist"),
        (("images", "--gather"), 3, "holds no batch to gather"),
        (("images", "--settings", "nowhere.toml"), 3, "nowhere.toml could not be read"),
        (
            ("images", "--settings", "r.toml", "--trials", "9"),
            2,
            "--trials is a setting, and --settings contains all",
        ),
        (("images", "--measure", "magic"), 2, "nothing measures magic"),
        (("images", "--pixel-size", "5"), 2, "needs a unit"),
        (("images/a.png",), 3, "For one image, use porescape run"),
    ],
)
def test_bad_options_end_in_one_sentence_and_leave_nothing(
    three: tuple[BatchEntry, ...], here: Called, arguments: tuple[str, ...], code: int, words: str
) -> None:
    before = sorted(Path().rglob("*"))
    ended, _, told = here("batch", *arguments)
    assert words in told
    assert ended == code
    assert "Traceback" not in told
    assert sorted(Path().rglob("*")) == before


def test_after_ctrl_c_finished_work_is_saved_and_the_message_says_how_to_continue(
    three: tuple[BatchEntry, ...], here: Called, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import porescape.io.runs.batch

    at_once = porescape.io.runs.batch.reconstruct

    def stopped(prepared, *arguments, **more):  # type: ignore[no-untyped-def]
        if prepared.image.name == "b.png":
            raise KeyboardInterrupt
        return at_once(prepared, *arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr("porescape.io.runs.batch.reconstruct", stopped)
        code, _, told = here("batch", "images", *WORDS, "--out", "out")
    assert code == 130
    assert "stopped; 1 of 3 images are done in out; run the same command to continue" in told
    assert "nothing was written" not in told
    code, _, told = here("batch", "images", *WORDS, "--out", "out")
    assert code == 0
    assert quick == ["a.png", "b.png", "c.png"]


def test_the_guide_names_every_column_and_option() -> None:
    for name in (*COLUMNS, "--pattern", "--settings", "--shard", "--gather", "--overwrite", "batch-cards"):
        assert name in GUIDE, name


def test_what_the_guide_shows_is_run(
    tmp_path: Path, here: Called, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def blocks(language: str) -> list[str]:
        return re.findall(rf"```{language}\n(.*?)```", GUIDE, flags=re.DOTALL)

    draw(tmp_path / "images" / "a.png")
    (tmp_path / "images.csv").write_text(blocks("csv")[0])
    for line in blocks("csv")[0].splitlines()[1:]:
        file = tmp_path / line.partition(",")[0]
        draw(file.with_suffix(".png"), shape=(832, 1024)).replace(file)  # read by content, not by name
    lines = [line for block in blocks("console") + blocks("bash") for line in block.splitlines()]
    commands = [shlex.split(line.removeprefix("$ ")) for line in lines if "porescape " in line]
    assert len(commands) == 4
    for words in commands:
        words = [word.replace("$SLURM_ARRAY_TASK_ID", "1") for word in words]
        code, _, told = here(*words[1:], *([] if "--gather" in words else ["--workers", "1"]))
        assert code == 0, told
    assert quick == ["a.png", "cut1.tif", "cut2.tif", "7.png"]
    for name, home in (("read_batch_list", "batch_list"), ("run_batch", "batch")):
        monkeypatch.setitem(porescape._HOME, name, f"porescape.io.runs.{home}")
    (code_shown,) = blocks("python")
    exec(compile(code_shown.replace("workers=2", "workers=1"), "batch.md", "exec"), {})
    assert (tmp_path / "my-batch" / "a" / "report.html").is_file()
