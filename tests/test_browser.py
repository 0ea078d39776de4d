"""The whole job by somebody who only has a browser; skipped where there is no Chromium."""

import io
import os
import re
import shutil
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from porescape.io.images.image import read_image
from porescape.sample import sample_path
from test_web import Server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = os.environ.get("CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this system")

SLOW = 120_000  # milliseconds; a whole small job on a busy machine
SOFTWARE = ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE)
        yield chromium
        chromium.close()


class Visit:
    """A browser window that remembers what went wrong in it, and whom it asked."""

    def __init__(self, browser: Any, address: str, width: int = 1366, height: int = 768) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        self.address = address
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.context.on("request", self._asked)
        self.context.on("page", self._watch)
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.page.goto(address)

    def _watch(self, page: Any) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _said(self, said: Any) -> None:
        if said.type == "error":
            self.complaints.append(f"{said.text} {said.location}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.strangers.append(request.url)

    def close(self) -> None:
        self.context.close()
        assert self.strangers == []

    def fits(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path / "jobs")
    yield one
    one.close()


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the image, from one of its own pixels to another."""
    box = page.locator(".frame").bounding_box()
    wide, tall = (int(n) for n in page.locator(".frame svg").get_attribute("viewBox").split()[2:])
    (x0, y0), (x1, y1) = (
        (box["x"] + x / wide * box["width"], box["y"] + y / tall * box["height"]) for x, y in (start, end)
    )
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
    page.mouse.move(x1, y1)
    page.mouse.up()


class Picture(NamedTuple):
    """An image without its pixel size, and what somebody does and sees with it.

    Attributes
    ----------
    path : Path
    bar, label, pixel_size
        The scale bar that is found [pixels], what stands beside it, and what both say [m].
    drawn : pair of points, optional
        A line of one's own over the bar; without it the found one is taken.
    crop : pair of points
        Corners of a rectangle.
    fails : int
        Checks that say no, and are overruled.
    trials : int
    """

    path: Path
    bar: int
    label: str
    pixel_size: float
    drawn: tuple[tuple[float, float], tuple[float, float]] | None
    crop: tuple[tuple[float, float], tuple[float, float]]
    fails: int
    trials: int


@pytest.fixture(params=["sample", "micrograph"])
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Picture:
    if request.param == "micrograph":  # a membrane with its two faces in view
        path = request.getfixturevalue("shared") / "sem" / "polymer_membrane_hitachi_isotropic.bmp"
        return Picture(path, 403, "100 um", 100e-6 / 403, None, ((60, 160), (1160, 860)), 1, 8)
    path = tmp_path / "my membrane.png"
    Image.fromarray(tifffile.imread(sample_path())).save(path)  # which forgets the pixel size
    return Picture(path, 80, "2 um", 25e-9, ((529, 440), (611, 441)), ((60, 60), (460, 420)), 0, 12)


def test_the_whole_job(browser: Any, server: Server, picture: Picture) -> None:
    name = picture.path.name
    visit = Visit(browser, server.address)
    page = visit.page
    expect = playwright.expect
    page.set_input_files("#file", picture.path)

    # the scale: a line over the bar, and what stands beside it
    expect(page.get_by_text("contains no pixel size")).to_be_visible()
    expect(page.get_by_text(f"A scale bar of {picture.bar} pixels was found")).to_be_visible()
    start = page.get_by_role("button", name="Start")
    expect(start).to_be_disabled()
    if picture.drawn:
        drag(page, *picture.drawn)
    page.get_by_label("Length of the line").fill(picture.label)
    expect(page.locator(".says").first).to_contain_text(f"nm per pixel (line of {str(picture.bar)[:-1]}")
    line = page.locator(".line-box .note")
    before = line.inner_text()
    page.get_by_label("right end of the line").focus()
    page.keyboard.press("Shift+ArrowLeft")
    expect(line).not_to_have_text(before)
    page.keyboard.press("Shift+ArrowRight")
    expect(line).to_have_text(before)

    # the crop, by dragging and back to what was found
    page.locator("label", has_text="Crop").first.click()
    drag(page, *picture.crop)
    (left, top), (right, bottom) = picture.crop
    expect(page.get_by_text(f"{right - left} × {bottom - top} pixels, as you chose")).to_be_visible()
    page.get_by_role("button", name="Detect automatically").click()
    expect(page.get_by_text("Cropped away: info banner")).to_be_visible()

    # the threshold: porosity follows
    porosity = page.locator(".porosity")
    expect(porosity).to_contain_text("%")
    was = porosity.inner_text()
    slider = page.get_by_label("Sensitivity, slider")
    slider.fill("0.5")
    expect(porosity).not_to_have_text(was)
    slider.fill("0.61")
    expect(porosity).to_have_text(was)
    expect(page.locator(".checks li.ok, .checks li.warn, .checks li.fail")).to_have_count(5, timeout=SLOW)
    overrule = page.get_by_label("Continue anyway")
    expect(overrule).to_have_count(picture.fails)
    if picture.fails:
        expect(start).to_be_disabled()
        overrule.check()

    # small, and off
    page.get_by_label("Edge of the box").fill("40")
    page.get_by_label("Replicas").fill("2")
    page.get_by_label("Trials").fill(str(picture.trials))
    for group in ("pores and throats", "tortuosity", "permeability", "filtration"):
        page.get_by_label(group).uncheck()
    page.get_by_text("More settings").click()
    page.get_by_label("Fitted cube").fill("40")
    page.get_by_label("Workers").fill("1")
    page.get_by_text("The same job on the command line").click()
    command = page.locator(".command code")
    quoted = f'"{name}"' if " " in name else name
    expect(command).to_contain_text(f"porescape run {quoted} --pixel-size")
    sizes = f"--size 40 --replicas 2 --trials {picture.trials} --fit-size 40 --measure basic"
    expect(command).to_contain_text(sizes)
    expect(start).to_be_enabled()
    assert visit.fits()
    start.click()

    # watched, left, and found again
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.get_by_text("trials · best loss")).to_be_visible(timeout=SLOW)
    far = page.get_by_label("progress of the job")
    expect(far).not_to_have_js_property("value", far.evaluate("bar => bar.value"), timeout=SLOW)
    page.goto("about:blank")
    page.goto(visit.address)
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible(timeout=SLOW)
    expect(page.locator(".keys div").first).to_contain_text("Porosity")
    expect(page.locator(".pair img")).to_have_count(2)

    # the report: it stands alone, and its structure can be turned
    with visit.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    report = opened.value
    report.wait_for_load_state()
    assert report.evaluate("origin") == "null", "the report shares nothing with the page"
    canvas = report.locator("canvas").first
    expect(canvas).to_be_visible()
    report.wait_for_timeout(1000)
    still = canvas.screenshot()
    box = canvas.bounding_box()
    report.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    report.mouse.down()
    report.mouse.move(box["x"] + box["width"] / 2 + 90, box["y"] + box["height"] / 2 + 20, steps=4)
    report.mouse.up()
    report.wait_for_timeout(1000)
    assert canvas.screenshot() != still
    report.close()

    # the download
    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    assert download.value.suggested_filename == f"{picture.path.stem}-porescape.zip"
    data = Path(download.value.path()).read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        top, kept = f"{picture.path.stem}-porescape/", f"input{picture.path.suffix}"
        names = {path.removeprefix(top) for path in archive.namelist()}
        assert {"report.html", "results.json", "run.toml", kept, "replica-02.vti"} <= names
        volume = tifffile.imread(io.BytesIO(archive.read(f"{top}replica-01.tif")))
        recipe = tomllib.loads(archive.read(f"{top}run.toml").decode())
        assert archive.read(top + kept) == picture.path.read_bytes()
    assert volume.shape == (40, 40, 40)
    assert set(np.unique(volume)) == {0, 255}
    assert recipe["image"]["sha256"] == read_image(picture.path, pixel_size=1e-7).sha256
    assert recipe["image"]["pixel_size"] == pytest.approx(picture.pixel_size, rel=0.03)

    # and once more, from where it began
    page.get_by_role("button", name="New job with these settings").click()
    expect(page.get_by_label("Edge of the box")).to_have_value("40")
    expect(page.get_by_label("Length of the line")).to_have_value(picture.label)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".job")).to_have_count(1)
    assert visit.complaints == []
    visit.close()


def test_a_segmentation_is_taught_with_the_brush(browser: Any, server: Server) -> None:
    """Strokes with mouse and keyboard; the outline follows, and everything is there after coming back."""
    visit = Visit(browser, server.address)
    page, expect = visit.page, playwright.expect
    page.set_input_files("#file", sample_path())
    page.get_by_text("Teach it with a brush").click()
    page.locator(".stage").get_by_text("Brush", exact=True).click()
    grey = read_image(sample_path()).grey
    smooth = ndimage.uniform_filter(grey, 15)[20:-20, 20:-20]
    pore, solid = (divmod(int(at), smooth.shape[1]) for at in (smooth.argmin(), smooth.argmax()))
    (y, x), (v, u) = ((row + 20, column + 20) for row, column in (pore, solid))
    drag(page, (x - 4, y), (x + 4, y))
    expect(page.get_by_text("Now draw a stroke on solid.")).to_be_visible()
    page.locator(".card label", has_text=re.compile("^Solid$")).click()
    drag(page, (u - 4, v), (u + 4, v))
    expect(page.get_by_text("of what you drew comes out as you drew it")).to_be_visible(timeout=SLOW)
    method = page.get_by_label("Threshold method")
    expect(method).to_have_value("taught")
    expect(page.locator(".stroke")).to_have_count(2)

    page.locator(".frame svg").focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("Space")
    expect(page.locator(".stroke")).to_have_count(3)
    page.get_by_text("Undo the last stroke").click()
    expect(page.locator(".stroke")).to_have_count(2)
    expect(page.get_by_text("the mask was taught by labels", exact=False)).to_be_visible(timeout=SLOW)

    page.reload()
    expect(page.locator(".stroke")).to_have_count(2)
    expect(method).to_have_value("taught")
    method.select_option("otsu")  # what was learned is not lost by trying another method
    method.select_option("taught")
    expect(method).to_have_value("taught")
    page.get_by_text("Clear all strokes").click()
    expect(page.locator(".stroke")).to_have_count(0)
    expect(method).to_have_value("adaptive")
    assert visit.complaints == []
    visit.close()


def test_cancelled_killed_and_gone_on(browser: Any, server: Server) -> None:
    visit = Visit(browser, server.address, 390, 844)
    page = visit.page
    expect = playwright.expect
    assert visit.fits()
    page.get_by_role("button", name="Try the sample image").click()
    page.get_by_label("Edge of the box").fill("40")
    page.get_by_label("Trials").fill("4000")
    page.get_by_text("More settings").click()
    page.get_by_label("Fitted cube").fill("40")
    page.get_by_label("Workers").fill("1")
    assert visit.fits()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_alt_text("the best structure so far")).to_be_visible(timeout=SLOW)
    assert visit.fits()
    page.reload()
    expect(page.get_by_alt_text("the best structure so far")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="This job was cancelled")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    assert visit.complaints == []

    port = int(server.address.rstrip("/").rpartition(":")[2])
    server.kill()
    expect(page.get_by_text("The server does not answer")).to_be_visible(timeout=SLOW)
    again = Server(server.folder, port)
    try:
        expect(page.get_by_role("heading", name="This job was interrupted")).to_be_visible(timeout=SLOW)
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("button", name="Cancel")).to_be_visible()
        visit.close()
    finally:
        again.close()
