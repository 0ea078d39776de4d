"""The viewer in a real browser: what it draws against geometry and the voxels; it asks for nothing."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from porescape.core.volume import Volume
from porescape.io.pdf import find_browser
from porescape.report.page import fill, picture_of
from porescape.report.raycast import View
from porescape.report.viewer import pack

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser; extra [test]")
BROWSER = find_browser()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium, Chrome or Edge on this machine")

VOXEL = 25e-9
SHAPE = (20, 28, 36)
LIT = 20  # red of what is seen at all; the depths of the pores are darker
SOFTWARE = ("--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
# as rows of [red, green, blue, alpha], from the top: a frame just drawn, `scale` pixels per CSS pixel
READ = """scale => {
  structure.draw(scale);
  const gl = document.querySelector('.pv-solid').getContext('webgl2');
  const [w, h] = [gl.drawingBufferWidth, gl.drawingBufferHeight], data = new Uint8Array(4 * w * h);
  gl.readPixels(0, 0, w, h, gl.RGBA, gl.UNSIGNED_BYTE, data);
  let bytes = '';
  for (let i = 0; i < data.length; i += 8192) bytes += String.fromCharCode(...data.subarray(i, i + 8192));
  return {w, h, data: btoa(bytes), per: structure.bar.metres / structure.bar.pixels / scale};
}"""
SLICE = """() => {
  const canvas = document.querySelector('.pv-slice');
  const {data, width, height} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return {width, height, red: Array.from(data).filter((_, i) => i % 4 === 0)};
}"""


def blobs() -> Volume:
    z, y, x = np.indices(SHAPE)
    return Volume(np.sin(z / 2.1) + np.sin(y / 2.7 + 1) + np.sin(x / 3.3 + z / 9) > 0.2, VOXEL)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=str(BROWSER), args=list(SOFTWARE))
        yield started
        started.close()


class Shown:
    """A page with a structure, and all it said and asked for."""

    def __init__(self, browser: Any, folder: Path, volume: Volume, before: str = "") -> None:
        still = io.BytesIO()
        Image.new("RGB", (40, 30), "grey").save(still, format="png")
        words = {"still": picture_of(still.getvalue(), "a still picture"), "box": "a box", "porosity": "50 %"}
        path = folder / "volume.html"
        path.write_text(fill("volume.html.j2", viewer=pack(volume), **words), encoding="utf-8")
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page = browser.new_context(viewport={"width": 300, "height": 640}).new_page()
        self.page.on("console", lambda m: self.said.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        if before:
            self.page.add_init_script(before)
        self.page.goto(path.as_uri())
        if not before:
            self.wait("window.structure")

    def wait(self, true: str) -> None:
        """Wait until something is true; the driver's own way is against the page's policy."""
        for _ in range(300):
            if self.page.evaluate(f"Boolean({true})"):
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"never came true: {true}; the page said {self.said}")

    def look(self, **view: Any) -> None:
        """Set angles and the like; nothing is cut away unless said so."""
        cut = view.pop("cut", (0, 0, 0))
        self.page.evaluate("view => Object.assign(structure.view, view)", view)
        self.page.evaluate("cut => structure.cut(...cut)", list(cut))

    def read(self, scale: float = 1.0) -> tuple[np.ndarray, float]:
        """Return a frame (rows, columns, 4), and the edge of its pixels in voxels."""
        got = self.page.evaluate(READ, scale)
        data = np.frombuffer(base64.b64decode(got["data"]), dtype=np.uint8)
        frame = data.astype(int).reshape(got["h"], got["w"], 4)[::-1]
        return frame, got["per"] / VOXEL

    def slice(self) -> np.ndarray:
        got = self.page.evaluate(SLICE)
        return np.array(got["red"]).reshape(got["height"], got["width"]) < 128


@pytest.fixture(scope="module")
def shown(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return Shown(browser, tmp_path_factory.mktemp("viewer"), blobs())


@pytest.fixture(autouse=True)
def as_at_first(request: pytest.FixtureRequest) -> None:
    if "shown" in request.fixturenames:
        request.getfixturevalue("shown").page.evaluate("structure.reset()")


def test_it_draws_a_picture_and_asks_for_nothing(shown):
    assert shown.page.locator(".viewer.live").count() == 1
    assert not shown.page.locator(".viewer > img").is_visible()
    frame, _ = shown.read()
    inside = frame[frame[..., 3] > 0]
    assert 0.2 < len(inside) / frame[..., 0].size < 0.8
    assert len(np.unique(inside[:, :3], axis=0)) > 300  # it is shaded, not flat
    assert shown.said == []
    assert [url.partition(":")[0] for url in shown.asked if not url.startswith("data:")] == ["file"]


def test_a_solid_block_is_as_large_as_its_shadow_and_loses_nothing_to_the_corner(browser, tmp_path):
    shown = Shown(browser, tmp_path, Volume(np.zeros(SHAPE, dtype=bool), VOXEL))
    view = View(shape=SHAPE, azimuth=34, elevation=31)
    for cut in ((0, 0, 0), (10, 14, 18)):  # through a notch one looks at its back walls
        shown.look(azimuth=34, elevation=31, cut=cut)
        frame, edge = shown.read()
        area = np.count_nonzero(frame[..., 3] == 255) * edge**2
        assert area == pytest.approx(view.silhouette_area, rel=0.015)


def test_one_voxel_alone_is_seen(browser, tmp_path):
    pore = np.ones((16, 16, 16), dtype=bool)
    pore[7, 8, 9] = False
    shown = Shown(browser, tmp_path, Volume(pore, VOXEL))
    shown.look(azimuth=30, elevation=25, exact=True, zoom=4)
    frame, edge = shown.read()
    area = np.count_nonzero(frame[..., 0] > LIT) * edge**2
    assert area == pytest.approx(View(shape=(1, 1, 1), azimuth=30, elevation=25).silhouette_area, rel=0.05)
    shown.look(exact=False)
    assert (shown.read()[0][..., 0] > LIT).any()


@pytest.mark.parametrize(
    ("azimuth", "elevation", "face"),
    [(0, 90, np.s_[0]), (0, 0, np.s_[:, -1]), (90, 0, np.s_[:, ::-1, -1]), (180, 0, np.s_[:, 0, ::-1])],
    ids=["from above", "far end of y", "far end of x", "near end of y"],
)
def test_the_faces_it_shows_are_those_of_the_voxels_and_not_mirrored(shown, azimuth, elevation, face):
    wanted = ~shown_pore(face)
    shown.look(azimuth=azimuth, elevation=elevation, exact=True)
    assert np.array_equal(cut_faces(shown, wanted.shape), wanted)


def test_cutting_layers_bares_the_next_and_pores_are_the_rest(shown):
    shown.look(azimuth=0, elevation=90, exact=True, planes=True, cut=(7, 0, 0))
    assert np.array_equal(cut_faces(shown, SHAPE[1:]), ~shown_pore(np.s_[7]))
    shown.look(azimuth=0, elevation=90, exact=True, planes=True, pores=True, cut=(7, 0, 0))
    assert np.array_equal(cut_faces(shown, SHAPE[1:], pores=True), shown_pore(np.s_[7]))


def shown_pore(where: Any) -> np.ndarray:
    return blobs().pore[where]


def cut_faces(shown: Shown, shape: tuple[int, int], pores: bool = False) -> np.ndarray:
    """Tell, for every voxel of the face that is looked at, whether it is cut there: by its flat colour."""
    frame, edge = shown.read(2.0)
    rows, columns = (
        np.round(middle + (np.arange(n) + 0.5 - n / 2) / edge - 0.5).astype(int)
        for n, middle in zip(shape, (frame.shape[0] / 2, frame.shape[1] / 2), strict=True)
    )
    at = frame[np.ix_(rows, columns)]
    if pores:  # walls are darker than any cut
        return at[..., 0] > 0.9 * np.quantile(at[..., 0], 0.98)
    return at[..., 0] > at[..., 2]  # cut solid alone is warm in colour


def test_the_scale_bar_is_as_long_as_it_says(shown):
    shown.look(azimuth=0, elevation=90, pores=False, zoom=1.5)
    shown.page.evaluate("structure.draw(1)")
    bar = shown.page.evaluate("structure.bar")
    frame, _ = shown.read()
    columns = np.count_nonzero((frame[..., 3] > 0).any(axis=0))
    assert bar["metres"] / bar["pixels"] == pytest.approx(SHAPE[2] * VOXEL / columns, rel=0.02)


def test_every_slice_of_the_scrubber_is_that_of_the_voxels(shown):
    pore = blobs().pore
    for axis, n in enumerate(SHAPE):
        for index in (0, 3, n // 2, n - 1):
            shown.page.evaluate("([axis, index]) => structure.slice(axis, index)", [axis, index])
            assert np.array_equal(shown.slice(), np.take(pore, index, axis=axis))
    shown.page.locator("summary").click()
    shown.page.get_by_role("radiogroup", name="Slice across").get_by_text("y").click()
    scrub = shown.page.get_by_label("Slice number")
    scrub.fill("5")
    assert np.array_equal(shown.slice(), pore[:, 5])
    words = shown.page.locator(".pv-group .pv-words").inner_text()
    assert "slice 6 of 28" in words
    share = float(words.rpartition(":")[2].removesuffix(" % pore"))
    assert share == pytest.approx(100 * pore[:, 5].mean(), abs=0.0501)
    shown.page.locator("summary").click()


def angles(shown: Shown) -> tuple[float, float, float]:
    return tuple(shown.page.evaluate("(v => [v.azimuth, v.elevation, v.zoom])(structure.view)"))


def test_dragging_turns_what_is_near_with_the_pointer(shown):
    box = shown.page.locator(".pv-solid").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before, (first, *_) = shown.read()[0], [angles(shown)]
    shown.page.mouse.move(*middle)
    shown.page.mouse.down()
    shown.page.mouse.move(middle[0] + 60, middle[1] + 20, steps=3)
    shown.page.mouse.up()
    after = shown.read()[0]
    assert angles(shown)[0] == pytest.approx(first[0] - 27)
    assert angles(shown)[1] == pytest.approx(first[1] + 9)
    assert np.mean(np.abs(before - after).max(axis=-1) > 20) > 0.1


def test_keys_turn_and_zoom_and_home_brings_all_back(shown):
    canvas = shown.page.locator(".pv-solid")
    canvas.focus()
    first = angles(shown)
    for key in ("ArrowLeft", "ArrowDown", "+"):
        canvas.press(key)
    assert angles(shown) == pytest.approx((first[0] + 5, first[1] + 5, 1.15))
    canvas.press("Home")
    assert angles(shown) == first


def test_the_wheel_scrolls_the_page_until_the_structure_was_clicked(shown):
    box = shown.page.locator(".pv-solid").bounding_box()
    shown.page.evaluate("document.activeElement.blur()")
    shown.page.mouse.move(box["x"] + 100, box["y"] + 100)
    shown.page.mouse.wheel(0, -200)
    shown.page.wait_for_timeout(100)
    assert angles(shown)[2] == 1
    shown.page.mouse.click(box["x"] + 100, box["y"] + 100)
    shown.page.mouse.wheel(0, -200)
    shown.wait("structure.view.zoom > 1.2")


def test_nothing_is_drawn_while_nothing_moves(shown):
    shown.page.evaluate("structure.onDraw = () => window.drawn++")
    for _ in range(8):  # a busy machine may still owe the last frame
        shown.page.evaluate("window.drawn = 0")
        shown.page.wait_for_timeout(400)
        if shown.page.evaluate("drawn") == 0:
            break
    else:
        pytest.fail("it went on drawing with nobody there")
    shown.page.evaluate("structure.cut(3, 3, 3)")
    shown.wait("drawn >= 2")  # one while moving, one at rest
    shown.page.evaluate("structure.onDraw = null")


def test_coarser_detail_is_drawn_from_blocks(shown):
    shown.page.locator("summary").click()
    assert shown.page.locator(".pv select").count() == 0  # too small a structure for a choice
    shown.page.locator("summary").click()
    assert shown.page.evaluate("structure.view.drawn") == list(SHAPE)


def test_on_paper_there_is_the_still_picture(shown):
    shown.page.emulate_media(media="print")
    assert shown.page.locator(".viewer > img").is_visible()
    assert not shown.page.locator(".pv").is_visible()
    shown.page.emulate_media(media="screen")


def test_without_webgl_the_still_picture_stays_and_slices_work(browser, tmp_path):
    before = """const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
      return kind === 'webgl2' ? null : get.call(this, kind, ...more); };"""
    shown = Shown(browser, tmp_path, blobs(), before)
    shown.wait("window.structure")
    assert shown.page.locator(".viewer > img").is_visible()
    assert "no WebGL 2" in shown.page.locator(".pv > .pv-words").inner_text()
    shown.page.evaluate("structure.slice(0, 4)")
    assert np.array_equal(shown.slice(), blobs().pore[4])
    assert shown.page.locator(".pv-slice").is_visible()
    assert shown.said == []


def test_a_browser_that_cannot_unpack_says_so_beside_the_still_picture(browser, tmp_path):
    shown = Shown(browser, tmp_path, blobs(), "delete window.DecompressionStream")
    shown.wait("document.getElementById('still-words').textContent.includes('unpack')")
    assert shown.page.locator(".viewer > img").is_visible()
    assert shown.said == []
