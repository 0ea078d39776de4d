"""The page over HTTP: what it takes in and refuses, who may ask, and that a job's state is always true."""

import io
import itertools
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
import uvicorn
from PIL import Image
from typer.testing import CliRunner

from porescape.cli import app
from porescape.core.recipe import PaperRecipe
from porescape.core.results import Progress, Trial
from porescape.core.settings import Fit, Measure, Output, Segmentation, Settings
from porescape.errors import OutputError, SettingsError
from porescape.io.images.image import read_image
from porescape.sample import sample_path
from porescape.web import reserve
from porescape.web.archive import zip_stream
from porescape.web.estimate import times_of
from porescape.web.form import Form, command_line, form_from, form_table, length_text, plain_name
from porescape.web.guard import PAGE_POLICY, REPORT_POLICY
from porescape.web.jobs import Jobs, WrongState
from porescape.web.limits import Limits
from porescape.web.lock import exclusive_lock
from porescape.web.preview_process import PreviewProcess
from porescape.web.process import exit_reason
from porescape.web.progress import Tracker
from porescape.web.reserve import RESERVE, reserve_of
from porescape.web.server import make_app
from porescape.web.serving import is_local

SMALL = {
    "output": {"size": [32, 32, 32], "replicas": 2, "refine": 20},
    "fit": {"trials": 12, "size": 32},
    "measure": {"numbers": ["basic"], "interval": "replicas"},
}


# -- the form: one set of names for page, command line and Python


def test_an_empty_form_is_the_default_run() -> None:
    assert form_from({}).settings == Settings()
    assert command_line(form_from({}), "membrane.tif") == "porescape run membrane.tif"


def test_a_form_survives_the_way_to_the_browser_and_back() -> None:
    form = Form(
        crop=(1, 2, 300, 400),
        line=(1.0, 2.0, 301.5, 2.0),
        length="10 µm",
        settings=Settings(segmentation=Segmentation(method="fixed", threshold=0.4), fit=Fit(trials=12)),
        seed=2**40,
    )
    assert form_from(json.loads(json.dumps(form_table(form)))) == form


def test_a_line_over_the_bar_gives_the_pixel_size_that_the_command_says_too() -> None:
    form = Form(line=(10, 5, 10 + 231.7, 5), length="10 um")
    given = form.given_pixel_size()
    assert given is not None
    assert given[0] == pytest.approx(10e-6 / 231.7, rel=1e-5)
    assert f'--pixel-size "{length_text(given[0])}"' in command_line(form, "a.tif")


@pytest.mark.parametrize("metres", [2.5e-8, 4.31593e-08, 1.25e-6, 9.99999e-10])
def test_a_length_on_the_command_line_is_the_same_number(metres: float) -> None:
    from porescape.units import parse_length

    assert parse_length(length_text(metres)) == metres


def test_the_command_does_the_job_the_page_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    form = form_from(
        {
            "pixel_size": "30 nm",
            "crop": [0, 0, 300, 400],
            "seed": 7,
            "workers": 1,
            "settings": {
                "segmentation": {"method": "fixed", "threshold": 0.4, "smoothing": 1.5, "pore": "bright"},
                "checks": {"accept": ["isotropy", "size"]},
                "output": {"size": [32, 48, 64], "voxel_size": 6.25e-8, "replicas": 3, "periodic": False},
                "fit": {
                    "trials": 9,
                    "size": 40,
                    "percolate": "pore",
                    "sampler": "sobol",
                    "method": "paper",
                    "family": "fields",
                },
                "measure": {"numbers": ["basic", "network"], "thickness": 1.2e-4, "pressure": 70000.0},
            },
        }
    )
    seen: dict[str, Any] = {}

    def stand_in(image: Any, settings: Settings, seed: int, **more: Any) -> None:
        seen.update(image=image, settings=settings, seed=seed, **more)
        raise SettingsError("that will do")

    monkeypatch.setattr("porescape.jobs.reconstruct.reconstruct", stand_in)
    words = shlex.split(command_line(form, str(sample_path())))
    done = CliRunner().invoke(app, words[1:])
    assert isinstance(done.exception, SettingsError), done.output
    assert seen["settings"] == form.settings
    assert (seen["seed"], seen["workers"]) == (7, 1)
    assert (seen["image"].pixel_size, seen["image"].crop) == (3e-8, (0, 0, 300, 400))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"settings": {"fit": {"trials": 0}}}, "trials must be at least 1"),
        ({"settings": {"fit": {"triols": 3}}}, "has no triols"),
        ({"settings": {"output": {"replicas": 100_000}}}, "at most 256 replicas"),
        ({"line": [0, 0, 1, 1], "length": "1 um"}, None),
        ({"crop": [1, 2, 3]}, "top, left, height and width"),
        ({"seed": -1}, "the seed must be"),
        ({"page": "1"}, "must be int"),
        ([], "a form must be a table"),
    ],
)
def test_nonsense_in_a_form_is_refused_in_words(table: object, words: str | None) -> None:
    if words is None:
        with pytest.raises(SettingsError, match=r"is 1.4 pixels long"):
            form_from(table).given_pixel_size()
        return
    with pytest.raises(SettingsError, match=words):
        form_from(table)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("a\0b\n<script>.tif", "ab_script_.tif"),
        ("-rf $(reboot).png", "rf _(reboot).png"),
        ('"; drop "`x`.tif', "_ drop _x_.tif"),
        ("....", "image"),
        ("é" * 300 + ".tif", "é" * 96 + ".tif"),
    ],
)
def test_a_file_name_is_only_ever_shown(sent: str, shown: str) -> None:
    assert plain_name(sent) == shown


# -- progress


def event(stage: str, replica: int = -1, loss: float | None = None, step: str = "") -> Progress:
    recipe = PaperRecipe((0.5,) * 9)
    trial = None if loss is None else Trial(0, (0.5,) * 9, recipe, loss, {}, 0.1)
    return Progress(stage, replica, trial, step)


def test_the_tracker_counts_events() -> None:
    now = iter(range(0, 1000, 5))
    settings = Settings(fit=Fit(trials=2), output=Output(replicas=2), measure=Measure(numbers=("basic",)))
    tracker = Tracker(settings, 1, clock=lambda: float(next(now)))
    assert tracker.update(event("fit", 0, 0.5)) is not None
    assert tracker.update(event("fit", 1, 0.7)) is None
    assert tracker.table()["left"] is None
    assert tracker.update(event("fit", 1, 0.2)) is not None
    tracker.update(event("fit", 0, 0.4))
    tracker.update(event("measure", 0, step="porosity"))
    table = tracker.table()
    assert (table["trials_done"], table["trials"], table["best"]) == (4, 4, 0.2)
    assert table["curve"] == [[1, 0.5], [2, 0.5], [3, 0.2], [4, 0.2]]
    assert table["stage"] == "measuring"
    assert 0 < table["share"] < 1
    assert table["left"] > 0


def test_the_share_is_whole_but_for_the_report_when_all_replicas_are_restored() -> None:
    settings = Settings(output=Output(replicas=3))
    tracker = Tracker(settings, 1)
    for i in range(3):
        tracker.update(event("restored", i))
    times = times_of(settings, 1)
    assert tracker.share() == pytest.approx(
        1 - times.last / (3 * (times.trials + times.measure) + times.last)
    )


# -- the small parts


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "lock", "busy"):
        code = "from porescape.web.lock import exclusive_lock; from pathlib import Path; import sys\n"
        code += "with exclusive_lock(Path(sys.argv[1]), 'it is busy'): pass"
        other = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "lock")], capture_output=True, text=True
        )
        assert "it is busy" in other.stderr
    with exclusive_lock(tmp_path / "lock", "busy"):
        pass


def test_a_zip_is_made_in_pieces_and_reads_back(tmp_path: Path) -> None:
    big = np.random.default_rng(0).bytes(1_000_000)
    (tmp_path / "a.tif").write_bytes(big)
    (tmp_path / "b.txt").write_text("words " * 1000, encoding="utf-8")
    pieces = list(zip_stream(tmp_path, "top"))
    assert max(map(len, pieces)) < 300_000
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["top/a.tif", "top/b.txt"]
        assert archive.read("top/a.tif") == big


@pytest.mark.parametrize(("code", "words"), [(-9, "memory"), (-11, "SIGSEGV"), (3, "exit code 3")])
def test_how_a_worker_ended_is_said(code: int, words: str) -> None:
    assert words in exit_reason(code)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_only_loopback_needs_no_token(host: str, local: bool) -> None:
    assert is_local(host) is local


# -- jobs are folders


@pytest.fixture
def job(tmp_path: Path) -> tuple[Jobs, str]:
    jobs = Jobs(tmp_path / "jobs")
    upload = tmp_path / "upload"
    upload.write_bytes(b"x")
    return jobs, jobs.add(upload, "tif", "a.tif", {"height": 1, "width": 1}, {}).id


def test_a_running_job_whose_server_died_is_interrupted(job: tuple[Jobs, str]) -> None:
    jobs, key = job
    jobs.change(key, ("draft",), "", state="running")
    again = Jobs(jobs.folder).get(key)
    assert again.state == "interrupted"
    assert "can be continued" in again.message


def test_a_job_that_ended_while_nobody_looked_is_what_its_worker_said(job: tuple[Jobs, str]) -> None:
    jobs, key = job
    jobs.change(key, ("draft",), "", state="running")
    (jobs.folder / key / "outcome.json").write_text('{"state": "done", "message": ""}', encoding="utf-8")
    assert Jobs(jobs.folder).get(key).state == "interrupted", "it says done, but there are no results"
    jobs = Jobs(jobs.folder)
    jobs.change(key, ("interrupted",), "", state="running")
    (jobs.folder / key / "run").mkdir()
    (jobs.folder / key / "run" / "results.json").write_text("{}", encoding="utf-8")
    assert Jobs(jobs.folder).get(key).state == "done"


def test_a_job_changes_only_from_the_states_it_may(job: tuple[Jobs, str]) -> None:
    jobs, key = job
    with pytest.raises(WrongState, match="this job is draft: it is not done"):
        jobs.change(key, ("done",), "it is not done", state="running")


def test_a_full_disk_is_still_reported(job: tuple[Jobs, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The state is written into the reserved space, and if even that fails, later."""
    jobs, key = job
    path = jobs.folder / key / "job.json"

    @contextmanager
    def full(path: Path) -> Iterator[Path]:
        raise OutputError("no space left on device")
        yield path

    assert reserve_of(path).stat().st_size == RESERVE
    with monkeypatch.context() as patched:
        patched.setattr(reserve, "whole_file", full)
        jobs.change(key, ("draft",), "", state="failed", message="the disk is full")
        assert not reserve_of(path).exists(), "used up"
        assert Jobs(jobs.folder).get(key).message == "the disk is full"
        jobs.change(key, ("failed",), "", message="and now?")
        assert jobs.get(key).message == "and now?"
        assert Jobs(jobs.folder).get(key).message == "the disk is full", "what stood there stands"
    jobs.save_unsaved()
    assert Jobs(jobs.folder).get(key).message == "and now?"
    assert reserve_of(path).stat().st_size == RESERVE, "reserved again when there is room"


# -- the server


@pytest.fixture(scope="module")
def preview_process() -> Iterator[PreviewProcess]:
    """One preview process for all tests: it takes seconds to start."""
    one = PreviewProcess(60)
    yield one
    one.close()


@contextmanager
def opened(folder: Path, **options: Any) -> Iterator[httpx.Client]:
    """A page in this process, at a port of its own, and a client of it."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(64)
    config = uvicorn.Config(make_app(folder, **options), log_config=None, lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with httpx.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def page(
    tmp_path: Path, preview_process: PreviewProcess, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., httpx.Client]]:
    """Open a page in a folder of its own."""
    monkeypatch.setattr("porescape.web.server.PreviewProcess", lambda patience: _Lent(preview_process))
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(opened(tmp_path / "jobs", **options))


class _Lent:
    """A preview process that stays alive when the server closes."""

    def __init__(self, preview_process: PreviewProcess) -> None:
        self.ask = preview_process.ask

    def close(self) -> None:
        pass


def upload(client: httpx.Client, data: bytes, name: str = "image.tif") -> httpx.Response:
    return client.post("/api/jobs", content=data, headers={"X-File-Name": name})


def tif(grey: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    tifffile.imwrite(out, grey, **options)
    return out.getvalue()


def _file(folder: Path, data: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(data)
    return path


def left_behind(client_folder: Path) -> list[str]:
    return sorted(path.name for path in client_folder.rglob("*") if path.name not in (".lock", ".incoming"))


NOISE = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    data = zlib.compress(b"\0" * 1000)
    end = b"IDAT" + data
    return (
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            len(chunk[4:]).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
            for chunk in (body, end, b"IEND")
        )
    )  # fmt: skip


def tiff_header(width: int, height: int, samples: int = 1, tile: int = 0) -> bytes:
    """A TIFF that says it is large and holds nothing."""
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (277, samples)]
    entries += [(322, tile), (323, tile), (324, 8), (325, 9)] if tile else [(273, 8), (278, height), (279, 9)]
    rows = b"".join(
        tag.to_bytes(2, "little") + b"\x04\0" + b"\1\0\0\0" + value.to_bytes(4, "little")
        for tag, value in sorted(entries)
    )
    return b"II*\0" + b"\x08\0\0\0" + len(entries).to_bytes(2, "little") + rows + b"\0\0\0\0"


def zip_of_zeros() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("image.tif", b"\0" * 10_000_000)
    return out.getvalue()


HOSTILE = {
    "a zip bomb": (zip_of_zeros(), 415, "this is a zip file"),
    "an SVG with a script": (b'<svg xmlns="x"><script>alert(1)</script></svg>', 415, "an SVG drawing"),
    "an SVG behind XML": (b'<?xml version="1.0"?>\n<svg onload="alert(1)"/>', 415, "an SVG drawing"),
    "a web page": (b"<!DOCTYPE html><script>1</script>", 415, "a web page"),
    "a program": (b"MZ\x90\0" + b"\0" * 99, 415, "a program"),
    "words": (b"Dear microscope,", 415, "not an image"),
    "nothing": (b"", 415, "empty"),
    "a huge PNG header": (png_header(100_000, 100_000), 413, "10000 megapixels"),
    "a huge TIFF header": (tiff_header(100_000, 100_000), 413, "10000 megapixels"),
    "a huge tile": (tiff_header(100, 100, tile=65536), 413, "megapixels"),
    "many channels": (tiff_header(100, 100, samples=60_000), 415, "values per pixel"),
    "a cut PNG": (png_header(200, 200), 422, "cannot be read"),
    "a cut TIFF": (tif(NOISE)[:4000], 422, "cut off"),
    "a cut BMP": (b"BM" + b"\0" * 20, 415, "damaged"),
    "a torn TIFF": (b"II*\0\xff\xff\xff\x7f", 415, "damaged"),
    "one colour": (tif(np.full((96, 96), 7, np.uint8)), 422, "is constant"),
    "a thumbnail": (tif(NOISE[:20, :20]), 422, "wanted at least"),
}


@pytest.fixture(scope="module")
def hostile(
    tmp_path_factory: pytest.TempPathFactory, preview_process: PreviewProcess
) -> Iterator[tuple[httpx.Client, Path]]:
    folder = tmp_path_factory.mktemp("hostile") / "jobs"
    patch = pytest.MonkeyPatch()
    patch.setattr("porescape.web.server.PreviewProcess", lambda patience: _Lent(preview_process))
    with opened(folder) as client:
        yield client, folder
    patch.undo()


@pytest.mark.parametrize("which", HOSTILE)
def test_hostile_files_are_refused_in_words_and_leave_nothing(
    which: str, hostile: tuple[httpx.Client, Path]
) -> None:
    client, folder = hostile
    data, status, words = HOSTILE[which]
    answer = upload(client, data, "../../evil.tif")
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert str(folder) not in answer.text
    assert left_behind(folder) == []
    assert client.get("/api/jobs").json() == {"jobs": []}


def test_a_file_is_what_it_holds_and_not_what_it_is_called(page: Callable[..., httpx.Client]) -> None:
    client = page()
    key = upload(client, tif(NOISE), "../../../etc/cron.d/x.png").json()["id"]
    job = client.get(f"/api/jobs/{key}").json()
    assert (job["name"], job["image"]["kind"]) == ("x.png", "TIFF")


def test_a_file_too_large_is_refused_before_and_while_it_comes(
    page: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    client = page(limits=Limits(upload=5000))
    announced = upload(client, b"II*\0" + b"\0" * 9000)
    assert announced.status_code == 413

    def pieces() -> Iterator[bytes]:
        yield from itertools.repeat(b"II*\0" * 300, 40)

    streamed = client.post("/api/jobs", content=pieces())
    assert streamed.status_code == 413
    assert "larger than" in streamed.json()["error"]
    assert left_behind(tmp_path / "jobs") == []


def test_too_many_pixels_or_drafts_or_too_little_disk(
    page: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    client = page(limits=Limits(pixels=9000, drafts=2))
    assert "9216" not in upload(client, tif(NOISE)).json()["error"]
    assert upload(client, tif(NOISE)).status_code == 413
    for _ in range(2):
        assert upload(client, tif(NOISE[:90, :90])).status_code == 200
    refused = upload(client, tif(NOISE[:90, :90]))
    assert refused.status_code == 507
    assert "delete some of them first" in refused.json()["error"]
    assert len([path for path in (tmp_path / "jobs").iterdir() if path.name[0] != "."]) == 2


def test_a_nearly_full_disk_takes_nothing_in(page: Callable[..., httpx.Client], tmp_path: Path) -> None:
    client = page(limits=Limits(free=2**60))
    answer = upload(client, tif(NOISE))
    assert answer.status_code == 507
    assert "free" in answer.json()["error"]
    assert left_behind(tmp_path / "jobs") == []


def test_paths_are_never_made_of_what_a_client_sends(page: Callable[..., httpx.Client]) -> None:
    client = page()
    for path in (
        "/static/../server.py",
        "/static/%2e%2e%2fserver.py",
        "/static/..%5cserver.py",
        "/api/jobs/..%2f..%2fetc%2fpasswd",
        "/jobs/..%2f.lock/report",
        "/api/jobs/.incoming",
        "/jobs/x/download.zip",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "root:" not in answer.text
    assert client.delete("/api/jobs/..%2f..").status_code == 404


def test_a_form_too_long_or_no_form_is_refused(page: Callable[..., httpx.Client]) -> None:
    client = page()
    key = client.post("/api/sample").json()["id"]
    for body in (b"{" * 70_000, b"not json", b'{"seed": NaN}', b"[" * 50_000):
        answer = client.post(f"/api/jobs/{key}/look", content=body)
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]


# -- who may ask


def test_other_names_and_other_sites_are_turned_away(page: Callable[..., httpx.Client]) -> None:
    client = page()
    assert client.get("/").status_code == 200
    assert client.get("/", headers={"Host": "localhost:9"}).status_code == 200
    rebound = client.get("/api/jobs", headers={"Host": "evil.example:8321"})
    assert rebound.status_code == 403
    assert "only available on this computer" in rebound.json()["error"]
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert client.post("/api/sample", headers=headers).status_code == 403, headers
    assert client.get("/api/jobs").json() == {"jobs": []}
    assert client.post("/api/sample", headers={"Origin": str(client.base_url).rstrip("/")}).status_code == 200


def test_a_token_opens_the_page_and_is_remembered(page: Callable[..., httpx.Client]) -> None:
    client = page(token="secret-token", cookie="porescape-8321")
    for path in ("/", "/api/jobs", "/static/main.js", "/?token=wrong", "/?token=", "/api/jobs?token="):
        assert client.get(path).status_code == 401, path
    assert "<h1>" in client.get("/", headers={"Accept": "text/html"}).text
    opened = client.get("/?token=secret-token")
    assert "secret-token" not in opened.text
    cookie = opened.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.get("/api/jobs").status_code == 200
    client.cookies.clear()
    assert client.get("/api/jobs", headers={"Authorization": "Bearer secret-token"}).status_code == 200
    assert client.get("/api/jobs", headers={"Cookie": "porescape-8321=wrong"}).status_code == 401
    assert client.get("/api/jobs", headers={"Host": "lab.example"}).status_code == 401


def test_every_answer_says_what_it_may_load(page: Callable[..., httpx.Client]) -> None:
    client = page()
    for path in ("/", "/static/style.css", "/api/jobs", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == PAGE_POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert "cache-control" in headers
    assert "'unsafe" not in PAGE_POLICY
    assert "sandbox allow-scripts" in REPORT_POLICY
    assert "allow-same-origin" not in REPORT_POLICY


def test_the_pages_own_files_name_no_other_host() -> None:
    static = Path(reserve.__file__).parent / "static"
    for path in static.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert "style=" not in text, f"{path} has inline style, which the policy forbids"
        assert "innerHTML" not in text, path


# -- a draft


def test_a_draft_is_looked_at(page: Callable[..., httpx.Client]) -> None:
    client = page()
    key = client.post("/api/sample").json()["id"]
    seen = client.post(f"/api/jobs/{key}/look", json={}).json()
    image = read_image(sample_path())
    assert tuple(seen["crop"]) == image.crop
    assert seen["pixel_size"]["metres"] == image.pixel_size
    assert "FEI" in seen["pixel_size"]["source"]
    assert 0.5 < seen["porosity"] < 0.7
    assert seen["command"] == "porescape run sample.tif"
    assert seen["needs"]["problem"] == ""
    outline = Image.open(io.BytesIO(__import__("base64").b64decode(seen["outline"])))
    assert outline.size == (image.grey.shape[1], image.grey.shape[0])
    more = client.post(
        f"/api/jobs/{key}/look", json={"settings": {"segmentation": {"sensitivity": 0.5}}}
    ).json()
    assert more["porosity"] > seen["porosity"], "less of the image is bright"
    kept = client.get(f"/api/jobs/{key}").json()["form"]
    assert kept["settings"]["segmentation"]["sensitivity"] == 0.5
    checks = client.post(f"/api/jobs/{key}/check", json={}).json()["checks"]
    assert [one["name"] for one in checks] == ["isotropy", "stationarity", "size", "sharpness", "depth"]
    picture = client.get(f"/api/jobs/{key}/image.png")
    assert Image.open(io.BytesIO(picture.content)).size == (640, 512)


def test_a_draft_is_taught_by_strokes(page: Callable[..., httpx.Client]) -> None:
    client = page()
    key = client.post("/api/sample").json()["id"]
    job = f"/api/jobs/{key}"
    truth = read_image(sample_path())
    dark, bright = (np.argwhere(truth.grey < 0.2)[::4000], np.argwhere(truth.grey > 0.8)[::4000])
    strokes = [
        {"label": label, "radius": 2, "points": [[float(x), float(y)]]}
        for label, places in ((1, dark), (2, bright))
        for y, x in places
    ]
    assert client.get(f"{job}/strokes").json() == {"strokes": []}
    assert client.get(f"{job}/taught.toml").status_code == 404

    one_phase = [stroke for stroke in strokes if stroke["label"] == 1]
    assert client.post(f"{job}/teach", json={"form": {}, "strokes": one_phase}).json() == {"taught": None}
    assert client.get(f"{job}/strokes").json()["strokes"] == one_phase  # they are kept all the same

    taught = client.post(f"{job}/teach", json={"form": {}, "strokes": strokes}).json()["taught"]
    assert taught["right"] > 0.9
    form = {"settings": {"segmentation": {"method": "taught", "taught": taught}}}
    seen = client.post(f"{job}/look", json=form).json()
    assert 0.3 < seen["porosity"] < 0.8
    assert seen["command"].endswith("sample.tif --threshold-method taught --taught taught.toml")
    checks = {one["name"]: one for one in client.post(f"{job}/check", json=form).json()["checks"]}
    assert "the mask was taught by labels" in checks["depth"]["sentence"]

    with Image.open(io.BytesIO(client.get(f"{job}/labels.png").content)) as picture:
        labels = np.array(picture)
    assert {*np.unique(labels)} == {0, 1, 2}
    assert tomllib.loads(client.get(f"{job}/taught.toml").text)["taught"]["weights"] == taught["weights"]
    other = client.post(f"{job}/again").json()["id"]
    assert client.get(f"/api/jobs/{other}/strokes").json()["strokes"] == strokes


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ([], "teaching needs a form and strokes"),
        ({"form": {}, "strokes": 1}, "strokes must be a list"),
        ({"form": {"no": 1}, "strokes": []}, "form"),
    ],
)
def test_no_teaching_is_refused_in_words(page: Callable[..., httpx.Client], sent: object, words: str) -> None:
    client = page()
    key = client.post("/api/sample").json()["id"]
    answer = client.post(f"/api/jobs/{key}/teach", json=sent)
    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert client.get(f"/api/jobs/{key}/strokes").json() == {"strokes": []}


def test_without_a_pixel_size_a_job_waits_for_one(page: Callable[..., httpx.Client]) -> None:
    client = page()
    plain = io.BytesIO()
    Image.fromarray(tifffile.imread(sample_path())).save(plain, format="png")
    key = upload(client, plain.getvalue(), "plain.png").json()["id"]
    seen = client.post(f"/api/jobs/{key}/look", json={}).json()
    assert seen["pixel_size"] is None
    assert "contains no pixel size" in seen["missing"]
    assert "upload" not in seen["missing"]
    assert seen["bar"]["pixels"] == 80
    refused = client.post(f"/api/jobs/{key}/start", json={})
    assert refused.status_code == 422
    line = {"line": seen["bar"]["line"], "length": "2 um"}
    measured = client.post(f"/api/jobs/{key}/look", json=line).json()
    assert measured["pixel_size"]["metres"] == pytest.approx(25e-9)
    assert measured["pixel_size"]["source"] == "line of 80.0 pixels drawn as 2 um"
    assert client.get(f"/api/jobs/{key}").json()["form"]["length"] == "2 um"


def test_what_cannot_be_done_is_said_before_it_starts(page: Callable[..., httpx.Client]) -> None:
    client = page()
    key = client.post("/api/sample").json()["id"]
    huge = {"settings": {"output": {"size": [4000, 4000, 4000]}}}
    assert "of memory" in client.post(f"/api/jobs/{key}/look", json=huge).json()["needs"]["problem"]
    assert client.post(f"/api/jobs/{key}/start", json=huge).status_code == 422
    black = {"settings": {"segmentation": {"method": "fixed", "threshold": 1.0}}}
    assert "became pore" in client.post(f"/api/jobs/{key}/look", json=black).json()["problem"]
    outside = client.post(f"/api/jobs/{key}/look", json={"crop": [0, 0, 9000, 9000]})
    assert outside.status_code == 422
    assert "does not lie inside sample.tif" in outside.json()["error"]
    for action in ("cancel", "go-on"):
        assert client.post(f"/api/jobs/{key}/{action}").status_code == 409
    assert client.get(f"/jobs/{key}/report").status_code == 409
    assert client.get(f"/api/jobs/{key}").json()["state"] == "draft"


def test_start_again_copies_image_and_settings_and_delete_leaves_nothing(
    page: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    client = page()
    key = client.post("/api/sample").json()["id"]
    client.post(f"/api/jobs/{key}/look", json={"seed": 5})
    new = client.post(f"/api/jobs/{key}/again").json()["id"]
    assert client.get(f"/api/jobs/{new}").json()["form"]["seed"] == 5
    for one in (key, new):
        assert client.delete(f"/api/jobs/{one}").status_code == 200
    assert left_behind(tmp_path / "jobs") == []


def test_a_job_that_ended_while_there_was_no_server_is_read(
    page: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    """Its worker had just written the results; the state on disk still says that it runs."""
    jobs = Jobs(tmp_path / "jobs")
    key = jobs.add(_file(tmp_path, tif(NOISE)), "tif", "my film.tif", {"kind": "TIFF"}, {}).id
    jobs.change(key, ("draft",), "", state="running")
    run = tmp_path / "jobs" / key / "run"
    run.mkdir()
    number = {"mean": 0.5, "sd": 0.02, "ci95": [0.45, 0.55], "unit": "1", "n": 2}
    table = {
        "properties": {"porosity": number, "tortuosity_z": {**number, "mean": None, "ci95": [None, None]}},
        "replicas": [{}, {}],
        "shape": [48, 48, 48],
        "voxel_size": 2.5e-8,
        "image_porosity": 0.5,
        "selected": "replica-01",
        "selected_because": "replica 1: closest",
        "warnings": [],
    }
    (run / "results.json").write_text(json.dumps(table), encoding="utf-8")
    (run / "report.html").write_text("<script>1</script>", encoding="utf-8")
    (run.parent / "outcome.json").write_text('{"state": "done", "message": ""}', encoding="utf-8")
    client = page()
    job = client.get(f"/api/jobs/{key}").json()
    assert job["state"] == "done"
    (porosity, _) = job["results"]["rows"]
    assert (porosity["mean"], porosity["unit"], porosity["low"]) == ("50.0", "%", "45.0")
    report = client.get(f"/jobs/{key}/report")
    assert report.headers["content-security-policy"] == REPORT_POLICY
    packed = client.get(f"/jobs/{key}/download.zip")
    assert 'filename="my film-porescape.zip"' in packed.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == [f"my film-porescape/{name}" for name in ("report.html", "results.json")]


# -- a server of its own, with workers of its own


class Server:
    """`porescape serve` in a process."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "porescape.cli", "serve", "--folder", str(folder), "--port", str(port)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        first = self.process.stderr.readline()
        assert first.startswith("open "), first + self.process.stderr.read()
        self.address = first.split()[1]
        self.client = httpx.Client(base_url=self.address, timeout=60)

    def job(self, key: str) -> dict[str, Any]:
        return dict(self.client.get(f"/api/jobs/{key}").json())

    def until(
        self, key: str, wanted: Callable[[dict[str, Any]], bool], patience: float = 90
    ) -> dict[str, Any]:
        end = time.monotonic() + patience
        while not wanted(now := self.job(key)):
            assert time.monotonic() < end, now
            time.sleep(0.1)
        return now

    def begin(self, settings: dict[str, Any] | None = None) -> str:
        key = str(self.client.post("/api/sample").json()["id"])
        form = {"workers": 1, "settings": settings or SMALL}
        started = self.client.post(f"/api/jobs/{key}/start", json=form)
        assert started.status_code == 200, started.text
        return key

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=20)
        assert self.process.stderr is not None
        self.process.stderr.close()


def workers_of(folder: Path) -> list[int]:
    """The processes that work on jobs of a folder, from /proc on Linux; elsewhere none."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"porescape.web.worker" in words and any(str(folder).encode() in word for word in words):
            found.append(int(path.parent.name))
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds workers through /proc")
LONG = {**SMALL, "fit": {"trials": 4000, "size": 32}}


@needs_proc
def test_kills_leave_true_states_and_jobs_that_go_on(tmp_path: Path) -> None:
    """Worker killed: said, and it can go on. Server killed: its worker goes too, and the queue is kept."""
    server = Server(tmp_path / "jobs")
    try:
        key = server.begin(LONG)
        waiting = server.begin(SMALL)
        busy = server.until(key, lambda job: job.get("progress", {}).get("trials_done", 0) > 3)
        assert busy["progress"]["best"] > 0
        assert server.job(waiting)["place"] == 1
        assert server.client.delete(f"/api/jobs/{key}").status_code == 409
        os.kill(workers_of(server.folder)[0], signal.SIGKILL)
        dead = server.until(key, lambda job: job["state"] not in ("running", "queued"))
        assert dead["state"] == "interrupted"
        assert "killed (signal 9)" in dead["message"]
        assert dead["can_go_on"]
        # its turn went to the one that waited; now the server dies
        server.until(waiting, lambda job: job.get("progress", {}).get("trials_done", 0) > 0)
        assert server.client.post(f"/api/jobs/{key}/go-on").status_code == 200
        before = workers_of(server.folder)
        server.kill()
        end = time.monotonic() + 20
        while workers_of(server.folder) and time.monotonic() < end:
            time.sleep(0.1)
        assert before
        assert not workers_of(server.folder), "a worker outlived its server"
        server = Server(tmp_path / "jobs")
        assert server.job(waiting)["state"] == "interrupted"
        assert not (server.folder / waiting / "run").exists()
        going = server.until(key, lambda job: job.get("progress", {}).get("trials_done", 0) > 3)
        assert going["state"] == "running", "a job that waited waits and runs after a restart"
        assert server.client.post(f"/api/jobs/{key}/cancel").status_code == 200
        assert server.client.post(f"/api/jobs/{waiting}/go-on").status_code == 200
        cancelled = server.until(key, lambda job: job["state"] != "running")
        assert cancelled["state"] == "cancelled"
        server.until(waiting, lambda job: job.get("progress", {}).get("trials_done", 0) > 0)
    finally:
        server.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own that a test may fill."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this user may not mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def filling(filler: Path) -> Iterator[None]:
    """A disk that somebody goes on filling while the block runs."""
    enough = threading.Event()

    def fill() -> None:
        while not enough.is_set():
            for piece in (b"\0" * 2**20, b"\0" * 4096):
                with suppress(OSError), filler.open("ab", buffering=0) as file:
                    while file.write(piece):
                        pass
            time.sleep(0.001)

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def test_a_full_disk_fails_the_job_in_words_and_it_goes_on_when_there_is_room(small_disk: Path) -> None:
    server = Server(small_disk / "jobs")
    try:
        key = server.begin(LONG)
        server.until(key, lambda job: job.get("progress", {}).get("trials_done", 0) > 3)
        filler = small_disk / "filler"
        with filling(filler):  # and whatever is given back is taken at once
            failed = server.until(key, lambda job: job["state"] != "running")
        assert failed["state"] == "failed"
        assert "No space left" in failed["message"]
        assert str(small_disk) not in failed["message"]
        kept = json.loads((server.folder / key / "job.json").read_text(encoding="utf-8"))
        assert kept["state"] == "failed", "the disk knows it too, though it is full"
        refused = server.client.post("/api/sample")
        assert refused.status_code == 507
        assert "free" in refused.json()["error"]
        filler.unlink()
        assert server.client.post(f"/api/jobs/{key}/go-on").status_code == 200
        server.until(key, lambda job: job.get("progress", {}).get("trials_done", 0) > 3)
    finally:
        server.close()


def test_two_hundred_uploads_at_once(tmp_path: Path) -> None:
    server = Server(tmp_path / "jobs")
    data = [tif(NOISE), b"<svg/>", tif(NOISE)[:4000], png_header(100_000, 100_000)]
    try:
        with ThreadPoolExecutor(50) as pool:
            answers = list(
                pool.map(
                    lambda i: server.client.post("/api/jobs", content=data[i % 4], timeout=90),
                    range(200),
                )
            )
        kinds = {answer.status_code for answer in answers}
        assert kinds == {200, 415, 422, 413}
        assert all(answer.json().get("error") for answer in answers if answer.status_code != 200)
        assert len(server.client.get("/api/jobs").json()["jobs"]) == 50
        assert not list((server.folder / ".incoming").iterdir())
        assert len([path for path in server.folder.iterdir() if path.name[0] != "."]) == 50
    finally:
        server.close()


def test_a_second_page_on_the_same_folder_is_refused(
    page: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    page()
    done = subprocess.run(
        [sys.executable, "-m", "porescape.cli", "serve", "--folder", str(tmp_path / "jobs"), "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 4
    assert "another page uses" in done.stderr
    assert "Traceback" not in done.stderr
