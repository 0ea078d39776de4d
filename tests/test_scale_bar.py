"""The scale bar in the image: how long it is, who says what it stands for, and when there is none."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from porescape.errors import PixelSizeMissing
from porescape.io.images import scale_label
from porescape.io.images.banner import find_banner
from porescape.io.images.image import read_image
from porescape.io.images.scale_bar import find_scale_bar

UM = 1e-6


def picture(ny=260, nx=400, seed=0):
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(rng.normal(size=(ny, nx)), 4, mode="wrap")
    noisy = 128 + 40 * blobs / blobs.std() + rng.normal(scale=5, size=(ny, nx))
    return np.clip(np.rint(noisy), 20, 230).astype(np.uint8)


def posts(draw, ink, x, y, length):
    """Zeiss: a line two pixels thick between two posts, the label above."""
    draw.line((x, y, x + length, y), fill=ink, width=2)
    for end in (x, x + length):
        draw.line((end, y - 8, end, y + 8), fill=ink)
    draw.text((x + 5, y - 22), "10 um", fill=ink, font=ImageFont.load_default(13))


def halves(draw, ink, x, y, length):
    """FEI: the label in a gap of the line."""
    for near, far in ((x, x + length // 3), (x + length, x + length - length // 3)):
        draw.line((near, y, far, y), fill=ink, width=3)
        draw.line((near, y - 3, near, y + 3), fill=ink)
    draw.text((x + length / 2, y), "5 nm", fill=ink, anchor="mm", font=ImageFont.load_default(11))


def block(draw, ink, x, y, length):
    """JEOL: a block, which is as long as it has pixels."""
    draw.rectangle((x, y - 4, x + length - 1, y + 4), fill=ink)


def ticks(draw, ink, x, y, length):
    """Hitachi: eleven ticks."""
    for k in range(11):
        at = x + round(k * length / 10)
        draw.rectangle((at, y - 6, at + 2, y + 6), fill=ink)


def dots(draw, ink, x, y, length):
    """Hitachi, older: eleven dots."""
    for k in range(11):
        at = x + round(k * length / 10)
        draw.rectangle((at, y, at + 2, y + 2), fill=ink)


BARS = (posts, halves, block, ticks, dots)


def with_bar(bar, length=150, paper=0, ink=255, top=False):
    banner = Image.new("L", (400, 56), paper)
    draw = ImageDraw.Draw(banner)
    draw.text((8, 4), "5.0 kV  WD = 4 mm", fill=ink, font=ImageFont.load_default(13))
    bar(draw, ink, 180, 40, length)
    draw.rectangle((0, 0, 399, 55), outline=ink)
    parts = [picture(), np.asarray(banner)]
    return np.vstack(parts[::-1] if top else parts)


@pytest.mark.parametrize("bar", BARS)
@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 0), (6, 240)])
@pytest.mark.parametrize("length", [90, 131, 200])
def test_the_bar_of_a_banner_is_as_long_as_it_was_drawn(bar, paper, ink, length):
    found = find_scale_bar(with_bar(bar, length, paper, ink))
    assert found is not None
    assert found.length == pytest.approx(length, abs=0.6)
    assert found.kind == {"halves": "posts", "dots": "ticks"}.get(bar.__name__, bar.__name__)
    assert found.end[1] - found.start[1] == pytest.approx(found.length)
    assert found.start[0] == found.end[0] == pytest.approx(260 + 40, abs=1.5)


@pytest.mark.parametrize("bar", BARS)
def test_side_depth_and_loss_of_the_file_do_not_matter(bar):
    image = with_bar(bar)
    wanted = find_scale_bar(image)
    assert find_scale_bar(image.astype(np.uint16) * 100 + 7) == wanted
    assert find_scale_bar(image / 255.0) == wanted
    assert find_scale_bar(255 - image) == wanted
    assert find_scale_bar(image, find_banner(image)) == wanted
    assert find_scale_bar(with_bar(bar, top=True)).length == wanted.length
    assert find_scale_bar(image[:, ::-1]).length == wanted.length
    assert find_scale_bar(np.kron(image, np.ones((2, 2), dtype=np.uint8))).length == 2 * wanted.length
    jpeg = io.BytesIO()
    Image.fromarray(image).save(jpeg, "JPEG", quality=85)
    assert find_scale_bar(np.asarray(Image.open(jpeg))).length == pytest.approx(wanted.length, abs=1)


@pytest.mark.parametrize("bar", [block, ticks])
@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("y", [30, 235])
def test_a_bar_drawn_onto_the_picture_is_found(bar, ink, y):
    image = Image.fromarray(picture())
    bar(ImageDraw.Draw(image), ink, 200, y, 120)
    found = find_scale_bar(np.asarray(image))
    assert found is not None
    assert found.length == 120


def test_where_two_things_could_be_the_bar_none_is_taken():
    def two(draw, ink, x, y, length):
        block(draw, ink, x, y, length)
        block(draw, ink, x + 20, y - 20, length // 2)

    assert find_scale_bar(with_bar(two)) is None
    # but posts are no accident, an underline may be
    assert find_scale_bar(with_bar(lambda *a: (posts(*a), block(a[0], a[1], 20, 50, 60)))).kind == "posts"


@pytest.mark.parametrize(
    "drawn",
    [
        lambda draw, ink, x, y, length: None,  # text only
        lambda draw, ink, x, y, length: draw.line((0, y, 400, y), fill=ink, width=2),  # a ruled line
        lambda draw, ink, x, y, length: draw.rectangle(
            (x, y - 20, x + length, y + 10), outline=ink
        ),  # a frame
        lambda draw, ink, x, y, length: draw.text((x, y), "= - _ |||||", fill=ink),
        lambda draw, ink, x, y, length: [block(draw, ink, x + 14 * k, y, 9) for k in range(9)],  # nine ticks
    ],
)
def test_other_things_in_a_banner_are_no_bar(drawn):
    assert find_scale_bar(with_bar(drawn)) is None


@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1, 2, 4, 8]),
    cut=st.sampled_from([-1.5, 0, 1.5]),
    render=st.sampled_from(["binary", "clipped", "smooth", "noisy", "streaks", "specks"]),
)
def test_nothing_is_found_in_a_picture_that_is_all_picture(seed, scale, cut, render):
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(150, 200))
    field = ndimage.gaussian_filter(noise, (1, 5 * scale) if render == "streaks" else scale, mode="wrap")
    field = field / field.std() - cut
    values = {
        "binary": (field > 0).astype(float),
        "clipped": np.clip(field, -0.5, 0.5),
        "smooth": field,
        "noisy": (field > 0) + rng.normal(scale=0.1, size=field.shape),
        "streaks": np.clip(field, -0.5, 0.5),
        "specks": np.where(noise > 2, 9.0, field),
    }[render]
    assert find_scale_bar(values) is None


def test_a_picture_with_nan_has_no_bar():
    image = with_bar(posts).astype(float)
    image[3, 4] = np.nan
    assert find_scale_bar(image) is None


# ---- its label


@pytest.fixture
def nobody_reads(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)


def save(folder, image, **options):
    tifffile.imwrite(folder / "a.tif", image, **options)
    return folder / "a.tif"


def test_the_user_gives_the_label_of_the_bar(tmp_path, nobody_reads):
    read = read_image(save(tmp_path, with_bar(posts)), scale_bar=10 * UM)
    assert read.pixel_size == pytest.approx(10 * UM / 150)
    assert read.pixel_size_source == "scale bar of 150 px = 10 µm"
    assert read.crop == (0, 0, 260, 400)


def test_without_a_label_the_bar_is_told_and_the_label_asked_for(tmp_path, nobody_reads):
    with pytest.raises(
        PixelSizeMissing,
        match=r'a scale bar 150 pixels long was found: give its label, e\.g\. --scale-bar "10 um", or the',
    ):
        read_image(save(tmp_path, with_bar(posts)))


def test_a_label_without_a_bar_is_refused_or_told(tmp_path, nobody_reads):
    with pytest.raises(
        PixelSizeMissing, match=r"no scale bar was found, so that --scale-bar 10 µm is not used"
    ):
        read_image(save(tmp_path, picture()), scale_bar=10 * UM)
    read = read_image(save(tmp_path, picture()), scale_bar=10 * UM, pixel_size=UM)
    assert "no scale bar was found, so that --scale-bar 10 µm is not used" in read.warnings


def test_a_tag_wins_over_the_bar_and_a_disagreement_is_told(tmp_path):
    tag = [(34682, "s", 0, "[Scan]\r\nPixelWidth=5e-8\r\nPixelHeight=5e-8\r\n", True)]
    path = save(tmp_path, with_bar(posts), extratags=tag)
    read = read_image(path, scale_bar=7.5 * UM)
    assert read.pixel_size_source.startswith("FEI tag")
    assert not any("gives" in warning for warning in read.warnings)
    read = read_image(path, scale_bar=15 * UM)
    assert read.pixel_size == 5e-8
    assert read.warnings[0] == (
        "FEI tag 34682 Scan.PixelWidth gives 50 nm per pixel, which is used, but scale bar of 150 px = 15 µm "
        "gives 100 nm"
    )
    assert read_image(path).warnings == (read.warnings[-1],)  # nobody said what the bar stands for


def test_a_short_bar_may_be_off_by_a_pixel(tmp_path, nobody_reads):
    path = save(tmp_path, with_bar(posts, 40))
    quiet = read_image(path, scale_bar=UM, pixel_size=UM / 41)
    assert not any("gives" in warning for warning in quiet.warnings)
    loud = read_image(path, scale_bar=UM, pixel_size=UM / 42.5)
    assert any("scale bar of 40 px = 1 µm gives 25 nm" in warning for warning in loud.warnings)


class Reader:
    """A tesseract that sees what it is told to see, at the place where the label is."""

    def __init__(self, *readings):
        self.readings = list(readings)

    def __call__(self, program, ink, times):
        words = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        return [scale_label._Word(text, x, y, x + 8 * len(text), y + 10) for x, y, text in words]


@pytest.mark.parametrize(
    ("readings", "metres"),
    [
        ([[(150, 20, "10um")]], 10 * UM),
        ([[(150, 20, "10"), (170, 20, "pm")]], 10 * UM),  # tesseract's micro sign
        ([[(290, 38, "1.5"), (316, 38, "mm")]], 1.5e-3),  # beside
        ([[(150, 12, "20nm"), (150, 26, "—500.0um—")]], 500 * UM),  # the nearer one
        ([[(150, 20, "207um")]], None),  # a field width
        ([[(150, 20, "1Oum")]], None),
        ([[(0, 20, "4mm"), (150, 0, "4mm")]], None),  # neither over it nor beside it
        ([[(150, 20, "WD=4mm")]], None),
        ([[(150, 20, "10um")], [(150, 20, "70um")]], None),  # two readings that differ
        ([[]], None),
    ],
)
def test_the_label_is_read_where_tesseract_is_installed(tmp_path, monkeypatch, readings, metres):
    monkeypatch.setattr(shutil, "which", lambda name: "tesseract")
    monkeypatch.setattr(scale_label, "_read", Reader(*readings))
    path = save(tmp_path, with_bar(posts))
    if metres is None:
        with pytest.raises(PixelSizeMissing, match="a scale bar 150 pixels long was found"):
            read_image(path)
        return
    read = read_image(path)
    assert read.pixel_size == pytest.approx(metres / 150)
    assert read.pixel_size_source.endswith(", read by tesseract")
    assert any("tesseract read the label of the scale bar as" in warning for warning in read.warnings)


def test_a_tesseract_that_fails_reads_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / "gone"))
    with pytest.raises(PixelSizeMissing, match="a scale bar 150 pixels long"):
        read_image(save(tmp_path, with_bar(posts)))


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="the program tesseract is not installed")
def test_tesseract_itself_reads_a_printed_label(tmp_path):
    def large(draw, ink, x, y, length):
        block(draw, ink, x, y, length)
        draw.text((x, y - 38), "20 nm", fill=ink, font=ImageFont.load_default(26))

    read = read_image(save(tmp_path, with_bar(large)))
    assert read.pixel_size == pytest.approx(20e-9 / 150)


# ---- real micrographs

LABELS = {  # what stands at the bar, and the pixel size by tag or, for Hitachi and JEOL, by magnification
    "electrospun_zeiss.tif": (10 * UM, 48.83e-9),
    "granular_fei_quanta.tif": (50 * UM, 134.896e-9),
    "hydrogel_fei_banner.tif": (500 * UM, 1.28906e-6),
    "nanoporous_gold_zeiss.tif": (20e-9, 543e-12),
    "polymer_membrane_hitachi_graded.bmp": (10 * UM, 0.127 / 3000 / 1280),
    "polymer_membrane_hitachi_isotropic.bmp": (100 * UM, 0.127 / 400 / 1280),
    "scaffold_jeol.tiff": (1e-3, 0.12 / 20 / 1280),
    "meltblown_cross_section.png": None,
    "nanofoam_binary.tif": None,
    "nanofoam_grey.tif": None,
    "thermofisher_helios_no_banner.tif": None,
}


@pytest.mark.parametrize("name", LABELS)
def test_the_bars_of_real_micrographs_agree_with_their_tags(shared: Path, name, nobody_reads):
    path = shared / "sem" / name
    if LABELS[name] is None:
        read = read_image(path, pixel_size=UM, scale_bar=UM)
        assert any("no scale bar was found" in warning for warning in read.warnings)
        return
    label, pixel = LABELS[name]
    read = read_image(path, pixel_size=pixel, scale_bar=label)
    assert not any("gives" in warning for warning in read.warnings)
    if path.suffix != ".tif":  # the others have tags, which come first
        assert read_image(path, scale_bar=label).pixel_size == pytest.approx(pixel, rel=5e-3)
