"""What read_image makes of files: values, scale, crop, and a plain word when it cannot."""

import hashlib
import io
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from porescape.errors import InputError, PixelSizeMissing
from porescape.io.images import image as image_module
from porescape.io.images.banner import find_content
from porescape.io.images.image import image_from_array, read_image

NM = 1e-9
SEM = Path(__file__).parents[2] / "shared" / "data" / "sem"


def picture(ny=96, nx=128, seed=0):
    """Grey blobs with noise, as a microscope would see them."""
    rng = np.random.default_rng(seed)
    blobs = ndimage.gaussian_filter(rng.normal(size=(ny, nx)), 4, mode="wrap")
    noisy = 128 + 40 * blobs / blobs.std() + rng.normal(scale=5, size=(ny, nx))
    return np.clip(np.rint(noisy), 20, 230).astype(np.uint8)


def scaled(values):
    values = values.astype(float)
    return (values - values.min()) / np.ptp(values)


def saved(values, form, **options):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, form, **options)
    return buffer.getvalue()


# ---- brightness


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.uint16, np.int16, np.uint32, np.int32, np.float32, np.float64]
)
@pytest.mark.parametrize("compression", [None, "lzw"])
def test_every_number_type_of_tiff_gives_the_same_picture(tmp_path, dtype, compression):
    values = picture().astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, compression=compression)
    read = read_image(tmp_path / "a.tif", pixel_size=5 * NM)
    np.testing.assert_allclose(read.grey, scaled(values), atol=1e-6)
    assert (read.pixel_size, read.pixel_size_source) == (5 * NM, "--pixel-size")
    assert read.crop == (0, 0, 96, 128)
    assert not read.is_binary
    assert read.warnings == ()


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_the_container_does_not_change_the_picture_nor_does_its_name(tmp_path, form, mode):
    Image.fromarray(picture()).convert(mode).save(tmp_path / "wrong_name.jpg", form)
    read = read_image(tmp_path / "wrong_name.jpg", pixel_size=NM)
    np.testing.assert_allclose(read.grey, scaled(picture()), atol=1e-6)


def test_a_jpeg_is_the_picture_within_its_own_loss(tmp_path):
    (tmp_path / "a.jpg").write_bytes(saved(picture(), "JPEG", quality=95))
    np.testing.assert_allclose(
        read_image(tmp_path / "a.jpg", pixel_size=NM).grey, scaled(picture()), atol=0.05
    )


def test_twelve_bits_in_a_sixteen_bit_file_use_the_whole_grey_range(tmp_path):
    values = picture().astype(np.uint16) * 16
    (tmp_path / "a.png").write_bytes(saved(values, "PNG"))
    grey = read_image(tmp_path / "a.png", pixel_size=NM).grey
    np.testing.assert_allclose(grey, scaled(values), atol=1e-6)
    assert (grey.min(), grey.max()) == (0, 1)


def test_colour_becomes_luminance_and_alpha_is_ignored(tmp_path):
    rng = np.random.default_rng(1)
    rgba = rng.integers(0, 256, size=(70, 80, 4), dtype=np.uint8)
    luminance = rgba[..., :3].astype(float) @ (0.299, 0.587, 0.114)
    (tmp_path / "a.png").write_bytes(saved(rgba, "PNG"))
    tifffile.imwrite(tmp_path / "a.tif", rgba, photometric="rgb", extrasamples=["unassalpha"])
    tifffile.imwrite(tmp_path / "p.tif", np.moveaxis(rgba[..., :3], -1, 0), photometric="rgb")
    for name in ("a.png", "a.tif", "p.tif"):
        read = read_image(tmp_path / name, pixel_size=NM, crop="none")
        np.testing.assert_allclose(read.grey, scaled(luminance), atol=1e-5)


def test_a_colour_palette_is_looked_up(tmp_path):
    index = np.tile(np.arange(4, dtype=np.uint8), (80, 20))
    paletted = Image.fromarray(index)
    paletted.putpalette([200, 200, 200, 0, 0, 0, 100, 100, 100, 50, 50, 50])
    paletted.save(tmp_path / "a.png", transparency=b"\0\x80\xff\xff")
    paletted.save(tmp_path / "a.tif")
    for name in ("a.png", "a.tif"):
        grey = read_image(tmp_path / name, pixel_size=NM, crop="none").grey
        np.testing.assert_allclose(grey[0, :4], (1, 0, 0.5, 0.25), atol=1e-6)


def test_min_is_white_is_turned_round(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(), photometric="miniswhite")
    grey = read_image(tmp_path / "a.tif", pixel_size=NM).grey
    np.testing.assert_allclose(grey, 1 - scaled(picture()), atol=1e-6)


def test_one_hot_pixel_does_not_make_the_picture_black():
    values = picture(200, 200).astype(np.uint16)
    hot = values.copy()
    hot[3, 4] = 65535
    grey = image_from_array(hot, NM).grey
    assert grey[3, 4] == 1
    grey = np.where(hot == values, grey, scaled(values))
    # the range now ends at the 4th brightest pixel of 40 000, not at the brightest
    np.testing.assert_allclose(grey, scaled(values), atol=0.05)


@given(
    values=hnp.arrays(np.int16, (64, 65), elements=st.integers(-99, 99)).filter(lambda a: np.ptp(a) > 0),
    factor=st.sampled_from([1, 2, 64]),
    offset=st.integers(-1000, 1000),
)
def test_brightness_and_contrast_of_the_detector_do_not_matter(values, factor, offset):
    one = image_from_array(values, NM)
    other = image_from_array(values.astype(np.int32) * factor + offset, NM)
    np.testing.assert_allclose(one.grey, other.grey, atol=1e-5)
    assert one.is_binary == other.is_binary
    assert 0 <= one.grey.min() <= one.grey.max() <= 1


def test_an_array_is_read_like_the_file_that_holds_it(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture())
    of_file, of_array = read_image(tmp_path / "a.tif", pixel_size=NM), image_from_array(picture(), NM)
    np.testing.assert_array_equal(of_file.grey, of_array.grey)
    assert of_file.sha256 == hashlib.sha256((tmp_path / "a.tif").read_bytes()).hexdigest()
    assert of_array.sha256 == hashlib.sha256(picture().tobytes()).hexdigest()
    assert (of_file.name, of_array.name, of_array.pixel_size_source) == ("a.tif", "array", "given")


# ---- already segmented


def test_two_levels_are_recognised_as_binary_whatever_they_are(tmp_path):
    pore = picture() > 128
    (tmp_path / "one_bit.png").write_bytes(saved(pore, "PNG"))
    tifffile.imwrite(tmp_path / "one_bit.tif", pore, photometric="minisblack")
    tifffile.imwrite(tmp_path / "levels.tif", np.where(pore, 7, 3).astype(np.uint16))
    (tmp_path / "lossy.jpg").write_bytes(saved(np.where(pore, 255, 0).astype(np.uint8), "JPEG", quality=95))
    for file in tmp_path.iterdir():
        read = read_image(file, pixel_size=NM)
        assert read.is_binary
        assert read.crop == (0, 0, 96, 128)
        np.testing.assert_array_equal(read.grey, pore)
    assert image_from_array(pore, NM).is_binary


def test_a_grey_jpeg_is_not_binary(tmp_path):
    (tmp_path / "a.jpg").write_bytes(saved(picture(), "JPEG"))
    assert not read_image(tmp_path / "a.jpg", pixel_size=NM).is_binary


# ---- pages


def test_several_pages_make_the_user_choose(tmp_path):
    stack = np.stack([picture(seed=k) for k in range(3)])
    with tifffile.TiffWriter(tmp_path / "pages.tif") as tiff:
        for page in stack:
            tiff.write(page, contiguous=False)
    tifffile.imwrite(tmp_path / "imagej.tif", stack, imagej=True)
    tifffile.imwrite(tmp_path / "packed.tif", stack, imagej=True, compression="lzw")
    for name in ("pages.tif", "imagej.tif", "packed.tif"):
        with pytest.raises(InputError, match=r"holds 3 images; choose one with --page 1 to --page 3"):
            read_image(tmp_path / name, pixel_size=NM)
        for k in range(3):
            read = read_image(tmp_path / name, pixel_size=NM, page=k + 1)
            np.testing.assert_allclose(read.grey, scaled(stack[k]), atol=1e-6)
        for page in (0, 4):
            with pytest.raises(InputError, match=rf"page {page} was asked for, but .* pages 1 to 3"):
                read_image(tmp_path / name, pixel_size=NM, page=page)


def test_a_thumbnail_and_a_pyramid_are_not_pages(tmp_path):
    large = picture(160, 200)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(large)
        tiff.write(large[::2, ::2], subfiletype=1)
        tiff.write(np.dstack([large[::4, ::4]] * 3), photometric="rgb")
    assert read_image(tmp_path / "a.tif", pixel_size=NM).grey.shape == (160, 200)


def test_a_png_has_no_second_page(tmp_path):
    (tmp_path / "a.png").write_bytes(saved(picture(), "PNG"))
    with pytest.raises(InputError, match=r"holds one image, but page 2 was asked for"):
        read_image(tmp_path / "a.png", pixel_size=NM, page=2)


# ---- pixel size


def ini_tag(code, text):
    return [(code, "s", 0, text, True)]


def fei(width="5e-09", height="5e-09", field=""):
    scan = f"PixelWidth={width}\r\nPixelHeight={height}\r\nHorFieldsize={field}\r\n"
    return "[User]\r\nDate=1\r\n[Scan]\r\n" + scan


def zeiss(*lines):
    # the first numbers are 8 nm per pixel: nobody may believe them
    unnamed = "\r\n".join(["0", "0", "0", "8e-9", "1143.296", "6", "5000.0"])
    return unnamed + "\r\n" + "\r\n".join(lines) + "\r\n"


def imagej(unit, per_unit=0.2):
    return {
        "imagej": True,
        "resolution": (per_unit, per_unit),
        "metadata": {"unit": unit} if unit else {},
    }


def ome(size, unit="nm"):
    return {"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeXUnit": unit}}


@pytest.mark.parametrize(
    ("options", "expected", "source"),
    [
        ({"extratags": ini_tag(34682, fei())}, 5 * NM, "FEI tag 34682 Scan.PixelWidth"),
        ({"extratags": ini_tag(34680, fei())}, 5 * NM, "FEI tag 34680 Scan.PixelWidth"),
        (
            {"extratags": ini_tag(34118, zeiss("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 543.0 pm"))},
            0.543 * NM,
            "Zeiss tag 34118 AP_IMAGE_PIXEL_SIZE",
        ),
        (
            {"extratags": ini_tag(34118, zeiss("AP_PIXEL_SIZE", "Pixel Size = 5.0 nm"))},
            5 * NM,
            "Zeiss tag 34118 AP_PIXEL_SIZE",
        ),
        (
            {
                "extratags": ini_tag(
                    34118,
                    zeiss(
                        *("AP_PIXEL_SIZE", "Pixel Size = 97.66 nm"),
                        *("AP_IMAGE_PIXEL_SIZE", "Image Pixel Size = 48.83 nm"),
                    ),
                )
            },
            48.83 * NM,
            "Zeiss tag 34118 AP_IMAGE_PIXEL_SIZE",
        ),
        (ome(5.0), 5 * NM, "OME-XML PhysicalSizeX"),
        (ome(0.005, "µm"), 5 * NM, "OME-XML PhysicalSizeX"),
        (imagej("nm"), 5 * NM, "ImageJ scale (0.2 pixels per nm)"),
        (imagej("micron"), 5e-6, "ImageJ scale (0.2 pixels per micron)"),
        (imagej("um"), 5e-6, "ImageJ scale (0.2 pixels per um)"),
        (imagej("\\u00B5m"), 5e-6, "ImageJ scale (0.2 pixels per"),
        (imagej("mm", 2000), 5e-7, "ImageJ scale (2000 pixels per mm)"),
        (imagej("cm", 20000), 5e-7, "ImageJ scale (20000 pixels per cm)"),
    ],
)
def test_the_pixel_size_is_found_where_the_program_wrote_it(tmp_path, options, expected, source):
    tifffile.imwrite(tmp_path / "a.tif", picture(), **options)
    read = read_image(tmp_path / "a.tif")
    assert read.pixel_size == pytest.approx(expected, rel=1e-6)
    assert read.pixel_size_source.startswith(source)
    assert read.warnings == ()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"resolution": (300, 300), "resolutionunit": "inch"},
        {"resolution": (300, 300), "resolutionunit": "centimeter"},
        imagej("inch", 300),
        imagej("pixel", 1),
        imagej("cm", 28.35),  # 72 dpi, as ImageJ keeps it
        imagej(""),
        ome(1.0, "pixel"),
        {"extratags": ini_tag(34682, fei(width="0", height="0"))},
        {"extratags": ini_tag(34682, fei(width="", height=""))},
        {"extratags": ini_tag(34118, zeiss("AP_WD", "WD = 4.9 mm"))},
    ],
)
def test_print_resolution_and_empty_tags_are_no_pixel_size(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", picture(), **options)
    with pytest.raises(PixelSizeMissing, match=r'a\.tif contains no pixel size.*--pixel-size "0\.1 um"'):
        read_image(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif", pixel_size=NM).warnings == ()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP"])
def test_dpi_of_other_formats_are_named_and_refused(tmp_path, form):
    (tmp_path / "a").write_bytes(saved(picture(), form, dpi=(300, 300)))
    with pytest.raises(PixelSizeMissing, match=r"its 300 dpi are for print and are not used"):
        read_image(tmp_path / "a")


def test_the_user_wins_over_the_file_and_hears_about_a_disagreement_once(tmp_path):
    tags = ini_tag(34682, fei("5e-09", field=str(128 * 5e-9)))
    tifffile.imwrite(tmp_path / "a.tif", picture(), extratags=tags)
    read = read_image(tmp_path / "a.tif", pixel_size=6 * NM)
    assert (read.pixel_size, read.pixel_size_source) == (6 * NM, "--pixel-size")
    (warning,) = read.warnings
    assert warning == (
        "--pixel-size gives 6 nm per pixel, which is used, but FEI tag 34682 Scan.PixelWidth gives 5 nm"
    )
    assert read_image(tmp_path / "a.tif", pixel_size=5.05 * NM).warnings == ()


def test_the_microscope_wins_over_a_program_that_saved_the_file_later(tmp_path):
    tags = ini_tag(34682, fei("5e-09"))
    tifffile.imwrite(tmp_path / "a.tif", picture(), extratags=tags, **imagej("nm", 0.25))
    read = read_image(tmp_path / "a.tif")
    assert read.pixel_size == 5 * NM
    assert len(read.warnings) == 1
    assert "ImageJ scale (0.25 pixels per nm) gives 4 nm" in read.warnings[0]


def test_an_image_resized_behind_the_back_of_its_tag_is_noticed(tmp_path):
    tags = ini_tag(34682, fei("5e-09", field=str(256 * 5e-9)))
    tifffile.imwrite(tmp_path / "a.tif", picture(), extratags=tags)
    (warning,) = read_image(tmp_path / "a.tif").warnings
    assert "HorFieldsize over 128 columns gives 10 nm" in warning


def test_old_zeiss_pixel_size_loses_against_the_field_width(tmp_path):
    lines = zeiss("AP_PIXEL_SIZE", "Pixel Size = 10.0 nm", "AP_WIDTH", "Width = 640.0 nm")
    tifffile.imwrite(tmp_path / "a.tif", picture(), extratags=ini_tag(34118, lines))
    read = read_image(tmp_path / "a.tif")
    assert read.pixel_size == pytest.approx(5 * NM)
    assert "AP_PIXEL_SIZE gives 10 nm" in read.warnings[0]


def test_pixels_that_are_not_square_are_told(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture(), extratags=ini_tag(34682, fei("5e-09", "6e-09")))
    (warning,) = read_image(tmp_path / "a.tif").warnings
    assert warning.startswith("pixels are not square: 5 nm wide, 6 nm high")


def test_an_impossible_tag_is_ignored_aloud(tmp_path):
    tags = ini_tag(34682, fei("5", "5"))
    tifffile.imwrite(tmp_path / "a.tif", picture(), extratags=tags)
    with pytest.raises(PixelSizeMissing, match=r"Scan\.PixelWidth gives 5 m per pixel, which is impossible"):
        read_image(tmp_path / "a.tif")
    assert "impossible" in read_image(tmp_path / "a.tif", pixel_size=NM).warnings[0]


@pytest.mark.parametrize("size", [0, -1e-9, 9e-13, 1.1e-3, 5, float("nan"), float("inf")])
def test_a_pixel_is_between_a_picometre_and_a_millimetre(tmp_path, size):
    tifffile.imwrite(tmp_path / "a.tif", picture())
    with pytest.raises(InputError, match=r"is not between 1 pm and 1 mm per pixel; give it with its unit"):
        read_image(tmp_path / "a.tif", pixel_size=size)
    with pytest.raises(InputError, match=r"is not between 1 pm and 1 mm"):
        image_from_array(picture(), size)


# ---- files that cannot be used


def test_each_kind_of_unusable_file_has_its_own_sentence(tmp_path):
    (tmp_path / "empty.tif").touch()
    (tmp_path / "letter.png").write_text("Dear reader, this is not an image")
    tifffile.imwrite(tmp_path / "constant.tif", np.full((80, 80), 7, np.uint8))
    tifffile.imwrite(tmp_path / "small.tif", picture(63, 200))
    tifffile.imwrite(tmp_path / "nan.tif", np.where(picture() > 200, np.nan, 1.0).astype(np.float32))
    tifffile.imwrite(tmp_path / "complex.tif", picture().astype(np.complex64))
    tifffile.imwrite(tmp_path / "five.tif", np.stack([picture()] * 5, -1), planarconfig="contig")
    tifffile.imwrite(tmp_path / "cmyk.tif", np.dstack([picture()] * 4), photometric="separated")
    for name, message in {
        "nowhere.tif": r"nowhere\.tif does not exist; check the path",
        "": r"is a folder, wanted one image file",
        "empty.tif": r"is empty \(0 bytes\), wanted an image",
        "letter.png": r"is not an image that can be read \(it begins with b'Dear rea'\), wanted TIFF, PNG",
        "constant.tif": r"is constant \(every pixel is 7\), wanted a picture",
        "small.tif": r"is 63 x 200 px \(height x width\) as used, wanted at least 64 on a side",
        "nan.tif": r"holds \d+ NaN or infinite pixels, wanted numbers only",
        "complex.tif": r"holds complex64 values, wanted real numbers",
        "five.tif": r"has 5 channels, wanted 1 \(grey\) or 3 \(RGB\)",
        "cmyk.tif": r"is in CMYK",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            read_image(tmp_path / name, pixel_size=NM)
        assert "\n" not in str(caught.value)


def test_a_file_that_was_cut_off_is_never_read_as_a_picture(tmp_path):
    tifffile.imwrite(tmp_path / "whole.tif", picture())
    tifffile.imwrite(tmp_path / "whole_lzw.tif", picture(), compression="lzw")
    (tmp_path / "whole.png").write_bytes(saved(picture(), "PNG"))
    (tmp_path / "whole.bmp").write_bytes(saved(picture(), "BMP"))
    (tmp_path / "whole.jpg").write_bytes(saved(picture(), "JPEG"))
    for whole in list(tmp_path.iterdir()):
        content = whole.read_bytes()
        for share in (0.01, 0.5, 0.9):
            part = tmp_path / "part"
            part.write_bytes(content[: max(9, int(share * len(content)))])
            with pytest.raises(InputError, match=r"part (is cut off|cannot be read).*copy it again"):
                read_image(part, pixel_size=NM)


@given(seed=st.integers(0, 10**6))
def test_a_damaged_file_is_refused_or_read_but_never_crashes(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    content = bytearray(saved(picture(), ("TIFF", "PNG", "BMP")[seed % 3]))
    for place in rng.integers(4, 200, size=4):
        content[place] = rng.integers(256)
    file = tmp_path_factory.mktemp("damaged") / "a"
    file.write_bytes(content)
    try:
        read = read_image(file, pixel_size=NM)
    except InputError:
        return
    assert np.isfinite(read.grey).all()


def png_header(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


def test_a_bomb_is_refused_in_words_before_it_is_unpacked(tmp_path):
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    body = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    (tmp_path / "bomb.png").write_bytes(png_header(30_000, 20_000) + body)
    with pytest.raises(InputError, match=r"20000 x 30000 = 600 megapixels, at most 400 can be read"):
        read_image(tmp_path / "bomb.png", pixel_size=NM)


def test_the_same_limit_holds_for_tiff_and_arrays(tmp_path, monkeypatch):
    monkeypatch.setattr(image_module, "MOST_PIXELS", 12_000)
    tifffile.imwrite(tmp_path / "a.tif", picture())
    with pytest.raises(InputError, match=r"megapixels, at most"):
        read_image(tmp_path / "a.tif", pixel_size=NM)
    with pytest.raises(InputError, match=r"megapixels, at most"):
        image_from_array(picture(), NM)


@pytest.mark.parametrize("shape", [(80,), (80, 80, 2), (4, 80, 80), (2, 80, 80, 3), ()])
def test_an_array_has_to_be_an_image(shape):
    with pytest.raises(InputError, match=r"wanted \(ny, nx\), or \(ny, nx, 3\) for RGB"):
        image_from_array(np.zeros(shape), NM)


def test_an_array_of_words_is_refused():
    with pytest.raises(InputError, match=r"wanted real numbers"):
        image_from_array(np.full((80, 80), "pore"), NM)


# ---- crop


def test_the_user_can_choose_the_rectangle(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", picture())
    read = read_image(tmp_path / "a.tif", pixel_size=NM, crop=(10, 20, 70, 65))
    np.testing.assert_allclose(read.grey, scaled(picture()[10:80, 20:85]), atol=1e-6)
    assert read.crop == (10, 20, 70, 65)


@pytest.mark.parametrize("crop", [(-1, 0, 70, 70), (0, 0, 97, 70), (0, 60, 70, 70), (0, 0, 0, 70)])
def test_a_rectangle_outside_the_image_is_refused(tmp_path, crop):
    tifffile.imwrite(tmp_path / "a.tif", picture())
    with pytest.raises(InputError, match=r"does not lie inside a\.tif, which is 96 px high and 128 px wide"):
        read_image(tmp_path / "a.tif", pixel_size=NM, crop=crop)


def with_banner(paper, ink, rows=40, ruled=True, side="bottom", ny=260, nx=400):
    """A picture with an info banner as microscopes print it."""
    banner = Image.new("L", (nx, rows), paper)
    draw = ImageDraw.Draw(banner)
    font = ImageFont.load_default(13)
    draw.text((10, 5), "10.00 kV   WD 5.1 mm   mag 20 000 x", fill=ink, font=font)
    draw.line((280, rows - 12, 380, rows - 12), fill=ink, width=3)
    if ruled:
        draw.rectangle((0, 0, nx - 1, rows - 1), outline=ink)
    parts = [picture(ny, nx), np.asarray(banner)]
    return np.vstack(parts if side == "bottom" else parts[::-1])


@pytest.mark.parametrize(("paper", "ink"), [(0, 255), (255, 0), (4, 250)])
@pytest.mark.parametrize("ruled", [True, False])
@pytest.mark.parametrize("side", ["bottom", "top"])
def test_a_banner_is_cut_to_the_row(paper, ink, ruled, side):
    crop, words = find_content(with_banner(paper, ink, ruled=ruled, side=side))
    assert crop == (0 if side == "bottom" else 40, 0, 260, 400)
    assert words == f"cropped away: info banner at the {side} (40 of 300 rows)"


def test_a_banner_survives_jpeg_and_does_not_set_the_grey_range(tmp_path):
    (tmp_path / "a.jpg").write_bytes(saved(with_banner(0, 255), "JPEG", quality=75))
    read = read_image(tmp_path / "a.jpg", pixel_size=NM)
    top, left, height, width = read.crop
    assert (top, left, width) == (0, 0, 400)
    assert 252 <= height <= 260  # JPEG works in blocks of 8 rows
    assert (read.grey.min(), read.grey.max()) == (0, 1)
    assert read.warnings == (f"cropped away: info banner at the bottom ({300 - height} of 300 rows)",)
    assert read_image(tmp_path / "a.jpg", pixel_size=NM, crop="none").grey.shape == (300, 400)


@pytest.mark.parametrize(("left", "right"), [(0, 180), (100, 280), (220, 400)])
def test_a_data_box_printed_into_the_picture_is_cut(left, right):
    values = picture(300, 400)
    box = with_banner(255, 0, nx=400)[-40:, :180]
    values[250:290, left:right] = box[:, : right - left]
    values[250:290, right - 1] = 0
    crop, words = find_content(values)
    assert crop == (0, 0, 250, 400)
    assert words == "cropped away: data box at the bottom (50 of 300 rows)"


def test_a_flat_canvas_is_cut_on_every_side():
    canvas = np.full((300, 400), 60, dtype=np.uint8)
    canvas[50:250, 30:350] = picture(200, 320)
    crop, words = find_content(canvas)
    assert crop == (50, 30, 200, 320)
    assert words == (
        "cropped away: flat canvas "
        "(50 px at the top, 50 px at the bottom, 30 px on the left, 50 px on the right)"
    )


@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1, 2, 4, 8, 16]),
    cut=st.sampled_from([-1.5, -0.5, 0, 0.5, 1.5]),
    render=st.sampled_from(["binary", "clipped", "three levels", "smooth", "noisy", "dark"]),
)
def test_nothing_is_cut_from_a_picture_that_is_all_picture(seed, scale, cut, render):
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(150, 200)), scale, mode="wrap")
    field = field / field.std() - cut
    values = {
        "binary": (field > 0).astype(float),
        "clipped": np.clip(field, 0, None),
        "three levels": np.rint(np.clip(field, -1, 1)),
        "smooth": field,
        "noisy": (field > 0) + rng.normal(scale=0.1, size=field.shape),
        "dark": rng.poisson(np.clip(field, 0, None) * 0.2).astype(float),
    }[render]
    assert find_content(values) == ((0, 0, 150, 200), None)


# ---- real micrographs

MICROGRAPHS = {  # pixel size [m] and words of its source, or None; crop
    "nanoporous_gold_zeiss.tif": (543e-12, "Zeiss tag 34118", (0, 0, 691, 1024)),
    "hydrogel_fei_banner.tif": (1.29e-6, "FEI tag 34682", (0, 0, 884, 1024)),
    "polymer_membrane_hitachi_isotropic.bmp": (None, "", (0, 0, 896, 1280)),
    "polymer_membrane_hitachi_graded.bmp": (None, "", (0, 0, 896, 1280)),
    "nanofoam_grey.tif": (None, "", (0, 0, 699, 1012)),
    "nanofoam_binary.tif": (None, "", (0, 0, 831, 846)),
    "electrospun_zeiss.tif": (48.83e-9, "Zeiss tag 34118", (0, 0, 1370, 2048)),
    "granular_fei_quanta.tif": (134.896e-9, "FEI tag 34682", (0, 0, 1024, 1536)),
    "thermofisher_helios_no_banner.tif": (385.417e-9, "FEI tag 34682", (0, 0, 1024, 1536)),
    "scaffold_jeol.tiff": (None, "", (0, 0, 960, 1280)),
    "meltblown_cross_section.png": (None, "", (333, 0, 272, 1024)),
}


@pytest.mark.skipif(not SEM.is_dir(), reason="the real micrographs lie outside the repository, not here")
@pytest.mark.parametrize("name", MICROGRAPHS)
def test_real_micrographs_have_the_scale_and_the_picture_a_person_sees(name, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)  # nobody reads the labels of scale bars
    pixel_size, source, crop = MICROGRAPHS[name]
    if pixel_size is None:
        with pytest.raises(PixelSizeMissing, match="contains no pixel size"):
            read_image(SEM / name)
        read = read_image(SEM / name, pixel_size=NM)
    else:
        read = read_image(SEM / name)
        assert read.pixel_size == pytest.approx(pixel_size, rel=2e-3)  # the banner has three digits
        assert read.pixel_size_source.startswith(source)
    assert read.crop == crop
    assert read.is_binary == (name == "nanofoam_binary.tif")
    assert not any("gives" in warning for warning in read.warnings)  # no two sources disagree
