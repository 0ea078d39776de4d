"""What microscopes write into and beside their images, and whom we believe."""

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageDraw
from scipy import ndimage

from porescape.errors import PixelSizeMissing
from porescape.io.images.image import read_image

NM = 1e-9


def picture(ny=96, nx=128):
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.normal(size=(ny, nx)), 4, mode="wrap")
    noisy = 128 + 40 * blobs / blobs.std() + rng.normal(scale=5, size=(ny, nx))
    return np.clip(np.rint(noisy), 20, 230).astype(np.uint8)


def save(folder: Path, name="a.tif", values=None, tag=None, **options) -> Path:
    path = folder / name
    values = picture() if values is None else values
    if path.suffix != ".tif":
        Image.fromarray(values).save(path)
        return path
    extra = []
    if tag is not None:
        code, value = tag
        text = isinstance(value, str)
        extra = [(code, "s" if text else "B", 0 if text else len(value), value, True)]
    tifffile.imwrite(path, values, extratags=extra, **options)
    return path


# ---- beside the image

HITACHI = """[SemImageFile]\r
InstructName=SU8010\r
ImageName=a.tif\r
Directory=C:\\Users\\\r
DataSize=128x96\r
PixelSize=9.921875\r
Magnification=10000\r
MicronMarker=5000\r
"""
HITACHI_OLD = HITACHI.replace("PixelSize=9.921875\r\n", "").replace("128x96", "400x316")
JEOL = """$CM_FORMAT JEOL/SEM
$CM_MAG 5000
$CM_FULL_SIZE 128 96
$$SM_MICRON_BAR 250
$$SM_MICRON_MARKER 10um
$$SM_WD 8.1
"""
TESCAN = "[MAIN]\r\nDevice=MIRA3 LMH\r\nPixelSizeX=4.1e-008\r\nPixelSizeY=4.1e-008\r\n[SEM]\r\nHV=15000\r\n"


@pytest.mark.parametrize(
    ("image", "sidecar", "text", "size", "source"),
    [
        ("a.tif", "a.txt", HITACHI, 9.921875 * NM, "Hitachi a.txt PixelSize"),
        ("a.bmp", "a.txt", HITACHI, 9.921875 * NM, "Hitachi a.txt PixelSize"),
        ("a.tif", "a.TXT", HITACHI, 9.921875 * NM, "Hitachi a."),
        ("a.tif", "a.txt", HITACHI.replace("9.921875", "9.921875 nm"), 9.921875 * NM, "Hitachi"),
        ("a.tif", "a.txt", JEOL, 40 * NM, "JEOL a.txt SM_MICRON_MARKER over SM_MICRON_BAR"),
        ("a.tif", "a.txt", JEOL.replace("10um", "500nm"), 2 * NM, "JEOL"),
        ("a.tif", "a.txt", JEOL.replace("10um", "10µm"), 40 * NM, "JEOL"),
        ("a.tif", "a.hdr", TESCAN, 41 * NM, "TESCAN a.hdr PixelSizeX"),
        ("a.tif", "a-tif.hdr", TESCAN, 41 * NM, "TESCAN a-tif.hdr PixelSizeX"),
        ("a.png", "a-png.hdr", TESCAN, 41 * NM, "TESCAN a-png.hdr PixelSizeX"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_the_text_file_beside_the_image_is_read(tmp_path, image, sidecar, text, size, source, encoding):
    path = save(tmp_path, image)
    (tmp_path / sidecar).write_bytes(text.encode(encoding))
    read = read_image(path)
    assert read.pixel_size == pytest.approx(size, rel=1e-9)
    assert read.pixel_size_source.startswith(source)
    assert read.warnings == ()


def test_old_hitachis_write_a_magnification_of_a_print_127_mm_wide(tmp_path):
    path = save(tmp_path, values=picture(316, 400))
    (tmp_path / "a.txt").write_text(HITACHI_OLD)
    read = read_image(path)
    assert read.pixel_size == pytest.approx(0.127 / 10_000 / 400)
    assert "Magnification of a print 127 mm wide" in read.pixel_size_source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HITACHI.replace("128x96", "1280x960"), "is for an image 1280 columns wide and this one has 128"),
        (JEOL.replace("128 96", "1280 960"), "is for an image 1280 columns wide and this one has 128"),
        (JEOL.replace("10um", "?"), r"contains 250 px = \?, which is not a scale"),
        (JEOL.replace("BAR 250", "BAR 0"), "contains 0 px = 10um, which is not a scale"),
        ("[SemImageFile]\nPixelSize=\n", "contains no PixelSize"),
        ("Dear reader, PixelSize=5", "is not used.; calculate"),
        ("", "is not used.; calculate"),
    ],
)
def test_a_text_file_that_is_no_help_is_told_or_passed_over(tmp_path, text, words):
    path = save(tmp_path)
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(PixelSizeMissing, match=words):
        read_image(path)
    assert read_image(path, pixel_size=NM).warnings == ()


def test_other_files_beside_the_image_do_no_harm(tmp_path):
    path = save(tmp_path)
    (tmp_path / "a.hdr").mkdir()
    (tmp_path / "a.txt").write_bytes(bytes(range(256)) * 9000)  # 2 MB of nothing
    (tmp_path / "b.txt").write_text(HITACHI)
    with pytest.raises(PixelSizeMissing):
        read_image(path)


def test_the_text_file_comes_after_tags_and_before_programs(tmp_path):
    (tmp_path / "a.txt").write_text(HITACHI)
    fei = (34682, "[Scan]\r\nPixelWidth=5e-9\r\nPixelHeight=5e-9\r\n")
    read = read_image(save(tmp_path, tag=fei))
    assert read.pixel_size == 5 * NM
    assert "Hitachi a.txt PixelSize gives 9.922 nm" in read.warnings[0]
    imagej = {"imagej": True, "resolution": (0.25, 0.25), "metadata": {"unit": "nm"}}
    read = read_image(save(tmp_path, **imagej))
    assert read.pixel_size == pytest.approx(9.921875 * NM)
    assert "ImageJ scale (0.25 pixels per nm) gives 4 nm" in read.warnings[0]
    assert read_image(save(tmp_path), pixel_size=9.9 * NM).warnings == ()


def test_the_label_in_the_text_file_checks_the_bar_in_the_image(tmp_path):
    banner = Image.new("L", (400, 56))
    draw = ImageDraw.Draw(banner)
    draw.text((8, 30), "5.0 kV 8.1 mm x10.0k SE(U)", fill=255)
    for k in range(11):
        draw.rectangle((200 + 15 * k, 2, 202 + 15 * k, 14), fill=255)
    path = save(tmp_path, values=np.vstack([picture(260, 400), np.asarray(banner)]))
    good = HITACHI.replace("128x96", "400x316").replace("=9.921875", f"={5000 / 150}")
    (tmp_path / "a.txt").write_text(good)
    read = read_image(path)
    assert read.pixel_size == pytest.approx(5e-6 / 150)
    assert not any("gives" in warning for warning in read.warnings)
    (tmp_path / "a.txt").write_text(good.replace(f"={5000 / 150}", "=40.0"))
    (warning, _) = read_image(path).warnings
    assert warning == (
        "Hitachi a.txt PixelSize gives 40 nm per pixel, which is used, but scale bar of 150 px = 5 µm, from "
        "the text file next to it gives 33.33 nm"
    )


# ---- in the image


def tescan_tag():
    """A thumbnail, the main block, the last block: size, kind, content."""
    main = b"AccFrames=1\0PixelSizeX=4.1e-008\0PixelSizeY=4.2e-008\0Device=MIRA3"
    blocks = [(1, b"\xff\xd8 thumbnail = \xff\xd9"), (2, main), (0, b"")]
    return b"".join(struct.pack("<IH", len(data) + 2, kind) + data for kind, data in blocks)


def atlas(wide=128, vy=-0.005):
    image = f"<Image><Width>{wide}</Width><OriginalWidth>0</OriginalWidth></Image>" if wide else ""
    return (
        f'<?xml version="1.0"?>\r\n<Fibics version="1.2">{image}<Scan><FOV_X units="um">0.64</FOV_X>'
        f"<Ux>0.003</Ux><Uy>0.004</Uy><Vx>0</Vx><Vy>{vy}</Vy></Scan></Fibics>"
    )


PHENOM = (
    '<?xml version="1.0"?><FeiImage xmlns:i="x"><databarHeight>64</databarHeight>'
    '<pixelWidth unit="um">0.25</pixelWidth><pixelHeight unit="um">0.25</pixelHeight></FeiImage>'
)


@pytest.mark.parametrize(
    ("tag", "size", "source"),
    [
        ((51023, atlas()), 5 * NM, "Zeiss Atlas tag 51023 Scan.U"),
        ((51023, atlas(wide=None)), 5 * NM, "Zeiss Atlas tag 51023 Scan.U"),
        ((34683, PHENOM), 250 * NM, "Thermo Fisher tag 34683 pixelWidth"),
        ((34683, PHENOM.replace("um", "nm")), 0.25 * NM, "Thermo Fisher tag 34683 pixelWidth"),
    ],
)
def test_tags_of_less_common_microscopes_are_read(tmp_path, tag, size, source):
    read = read_image(save(tmp_path, tag=tag))
    assert read.pixel_size == pytest.approx(size)
    assert read.pixel_size_source == source
    assert read.warnings == ()


def test_tescan_writes_text_behind_a_thumbnail(tmp_path):
    read = read_image(save(tmp_path, tag=(50431, tescan_tag())))
    assert (read.pixel_size, read.pixel_size_source) == (41 * NM, "TESCAN tag 50431 PixelSizeX")
    assert read.warnings[0].startswith(
        "pixels are not square: 41 nm wide, 42 nm high according to TESCAN tag 50431"
    )


def test_the_phenom_writes_into_its_jpeg(tmp_path):
    jpeg = io.BytesIO()
    Image.fromarray(picture()).save(jpeg, "JPEG")
    (tmp_path / "a.jpg").write_bytes(jpeg.getvalue() + PHENOM.encode())
    read = read_image(tmp_path / "a.jpg")
    assert read.pixel_size == pytest.approx(250 * NM)
    assert read.pixel_size_source == "Thermo Fisher XML in the JPEG pixelWidth"


@pytest.mark.parametrize(
    "tag",
    [
        (51023, atlas(wide=256)),
        (51023, "<Fibics><Scan><Ux>"),
        (51023, atlas().replace("0.003", "no number")),
        (50431, b"PixelSizeX=\0PixelSizeY=4e-8"),
        (34683, "<FeiImage><pixelWidth>5</pixelWidth></FeiImage>"),
        (34683, "<FeiImage>"),
    ],
)
def test_damaged_tags_are_no_pixel_size(tmp_path, tag):
    with pytest.raises(PixelSizeMissing):
        read_image(save(tmp_path, tag=tag))


def zeiss(*lines):
    # the first numbers are 8 nm per pixel: nobody may believe them
    return "\r\n".join(["0", "0", "0", "8e-9", "1143.296", "6", "5000.0", *lines]) + "\r\n"


@pytest.mark.parametrize(
    ("columns", "lines", "size"),
    [
        (128, ("AP_PIXEL_SIZE", "Pixel Size = 543.0 pm"), 0.543 * NM),
        (128, ("AP_PIXEL_SIZE", "Pixel Size = 5.0 nm"), 5 * NM),
        (128, ("AP_PIXEL_SIZE", "Pixel Size = 1.25 µm"), 1250 * NM),
        (128, ("AP_PIXEL_SIZE", "Pixel Size = 1.25 um"), 1250 * NM),
        (128, ("AP_PIXEL_SIZE", "Pixel Size = 1.25um"), 1250 * NM),
        (128, ("DP_OTHER_KEY", "Pixel Size = 5.0 nm"), 5 * NM),
        (
            128,
            ("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 5.0 nm", "AP_PIXEL_SIZE", "Pixel Size = 7 nm"),
            5 * NM,
        ),
        (1024, ("AP_PIXEL_SIZE", "Pixel Size = 97.66 nm"), 97.66 * NM),
        (2048, ("AP_PIXEL_SIZE", "Pixel Size = 97.66 nm"), 48.83 * NM),
        (2048, ("AP_PIXEL_SIZE", "Pixel Size = 97.66 nm", "AP_WIDTH", "Width = 100.0 µm"), 48.83 * NM),
        (1500, ("AP_PIXEL_SIZE", "Pixel Size = 97.66 nm", "AP_WIDTH", "Width = 100.0 µm"), 66.67 * NM),
    ],
)
def test_older_zeiss_keys_in_every_unit_and_width(tmp_path, columns, lines, size):
    path = save(tmp_path, values=picture(64, columns), tag=(34118, zeiss(*lines).encode("cp1252")))
    read = read_image(path)
    assert read.pixel_size == pytest.approx(size, rel=1e-4)
    assert read.pixel_size_source.startswith("Zeiss tag 34118")
    assert read.warnings == ()


def test_an_old_zeiss_pixel_size_of_an_odd_width_is_not_believed(tmp_path):
    lines = zeiss("AP_PIXEL_SIZE", "Pixel Size = 97.66 nm")
    path = save(tmp_path, values=picture(64, 1500), tag=(34118, lines.encode("cp1252")))
    with pytest.raises(PixelSizeMissing, match="is for an image 1024 columns wide and this one has 1500"):
        read_image(path)
