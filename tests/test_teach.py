"""Teaching a segmentation with labels: features, the regression, its files, and what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from typer.testing import CliRunner

from porescape.cli.app import app
from porescape.core.image import Micrograph
from porescape.core.settings import Segmentation, Settings
from porescape.core.taught import Taught
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.io.images.image import read_image
from porescape.io.images.labels import read_labels
from porescape.io.runs.settings import read_settings, settings_table
from porescape.io.runs.taught import read_taught, write_taught
from porescape.rendering.look import Look
from porescape.rendering.micrograph import Rendered, render_micrograph
from porescape.section.checks import check_segmented
from porescape.section.plane import see
from porescape.section.plane.features import features, weighed
from porescape.section.plane.see import shipped
from porescape.section.segment import segment, segmented
from porescape.section.teach import learned, teach, with_labels

PIXEL = 1e-7
SIDE = 128


@pytest.fixture(scope="module")
def shown() -> Rendered:
    """A cut through a random field, solid showing from behind, pores as bright as much of the solid."""
    noise = ndimage.gaussian_filter(
        np.random.default_rng(5).standard_normal((48, SIDE, SIDE)), 4, mode="wrap"
    )
    volume = Volume(noise > np.quantile(noise, 0.4), PIXEL)
    return render_micrograph(volume, Look(depth=1.5, occlusion=0.2, gamma=1.4), 7)


def strokes(rendered: Rendered, step: int = 24) -> NDArray[np.uint8]:
    """Label small squares on a grid, each well inside its phase."""
    labels = np.zeros(rendered.plane.pore.shape, dtype=np.uint8)
    for value, phase in ((1, rendered.plane.pore), (2, ~rendered.plane.pore)):
        inside = ndimage.binary_erosion(phase, iterations=2)
        for y in range(step // 2, SIDE, step):
            for x in range(step // 2, SIDE, step):
                near = slice(y - 1, y + 2), slice(x - 1, x + 2)
                if inside[near].all():
                    labels[near] = value
    return labels


def test_weighed_sums_are_those_of_the_features(shown: Rendered) -> None:
    grey = shown.micrograph.grey
    known = features(grey, np.ones(grey.shape, dtype=bool))
    weights = np.random.default_rng(0).standard_normal((2, known.shape[1])).astype(np.float32)
    expected = (known @ weights.T).T.reshape(2, *grey.shape)
    np.testing.assert_allclose(weighed(grey, weights), expected, atol=1e-3)


def test_features_are_the_same_for_another_brightness(shown: Rendered) -> None:
    grey, places = shown.micrograph.grey, np.zeros((SIDE, SIDE), dtype=bool)
    places[::16, ::16] = True
    np.testing.assert_allclose(features(0.3 + grey / 2, places), features(grey, places), atol=0.02)


def test_two_heaps_are_parted_between_their_middles() -> None:
    # one feature besides the constant, labelled around -1 and 3: the cut lies at 1. The unit length is small,
    # so that every pixel counts and the prior does not
    last = replace(shipped().last, weight=np.zeros((1, 1, 1), np.float32), bias=np.zeros(1, np.float32))
    rng = np.random.default_rng(0)
    heap = 1.5 * rng.standard_normal(4000)
    known = np.stack([np.concatenate([heap - 1, heap + 3]), np.ones(8000)], axis=1).astype(np.float32)
    taught = learned(known, np.repeat([False, True], 4000), known, 0.5, last)
    assert -taught.weights[1] / taught.weights[0] == pytest.approx(1, abs=0.05)
    assert taught.right == pytest.approx(0.909, abs=0.01)  # of a normal distribution, below 2 / 1.5
    assert (taught.pore, taught.solid) == (4000, 4000)


def test_how_much_of_each_phase_was_labelled_does_not_move_the_cut() -> None:
    last = replace(shipped().last, weight=np.zeros((1, 1, 1), np.float32), bias=np.zeros(1, np.float32))
    heap = np.random.default_rng(0).standard_normal(4000)
    pore, solid = heap - 1, heap[:400] + 1
    known = np.stack([np.concatenate([pore, solid]), np.ones(4400)], axis=1).astype(np.float32)
    taught = learned(known, np.repeat([False, True], [4000, 400]), known, 5.0, last)
    assert -taught.weights[1] / taught.weights[0] == pytest.approx(0, abs=0.1)


def test_more_labels_leave_less_doubt() -> None:
    last = replace(shipped().last, weight=np.zeros((1, 1, 1), np.float32), bias=np.zeros(1, np.float32))
    heap = np.random.default_rng(0).standard_normal(8000)
    spreads = []
    for count in (100, 8000):
        x = np.concatenate([heap[:count] - 0.5, heap[:count] + 0.5])
        known = np.stack([x, np.ones(2 * count)], axis=1).astype(np.float32)
        taught = learned(known, np.repeat([False, True], count), known, 5.0, last)
        spreads.append(np.std([one[1] for one in taught.others]))
    assert spreads[1] < spreads[0] / 3


def test_labels_mend_a_mask(shown: Rendered) -> None:
    image, labels = shown.micrograph, strokes(shown, 10)
    unlabelled, truth = labels == 0, shown.plane.porosity
    plane = segment(image, Segmentation(method="plane"))
    taught = segment(image, Segmentation(method="taught", taught=teach(image, labels)))
    before, after = (float((mask.pore == shown.plane.pore)[unlabelled].mean()) for mask in (plane, taught))
    assert after > before
    assert abs(taught.porosity - truth) < abs(plane.porosity - truth) / 2


def test_the_other_masks_lie_on_both_sides(shown: Rendered) -> None:
    how = Segmentation(method="taught", taught=teach(shown.micrograph, strokes(shown, 16)))
    found = segmented(shown.micrograph, how)
    assert found.others is not None
    lower, higher = found.others
    assert lower is not None
    assert higher is not None
    assert lower.porosity < found.phase.porosity < higher.porosity


def test_the_same_labels_teach_the_same(shown: Rendered) -> None:
    labels = strokes(shown)
    assert teach(shown.micrograph, labels) == teach(shown.micrograph, labels)
    ignored = labels.copy()
    ignored[labels == 0] = 3  # "cannot be told" teaches as much as nothing
    assert teach(shown.micrograph, ignored) == teach(shown.micrograph, labels)


def test_bright_pores_are_taught_like_dark_ones(shown: Rendered) -> None:
    labels = strokes(shown)
    negative = Micrograph(1 - shown.micrograph.grey, PIXEL)
    dark = Segmentation(method="taught", taught=teach(Micrograph(1 - negative.grey, PIXEL), labels))
    bright = Segmentation(method="taught", pore="bright", taught=teach(negative, labels, "bright"))
    expected = segment(Micrograph(1 - negative.grey, PIXEL), dark).pore
    assert np.mean(segment(negative, bright).pore == expected) > 0.999


# -- files


def some_teaching() -> Taught:
    return Taught(features="1-abc", weights=(0.1, -2.5), others=((0.2, 1e-17),), pore=3, solid=5, right=0.75)


def test_a_teaching_survives_its_file(tmp_path: Path) -> None:
    write_taught(tmp_path / "taught.toml", some_teaching())
    assert read_taught(tmp_path / "taught.toml") == some_teaching()
    assert read_taught(tmp_path) == some_teaching()


def test_a_run_keeps_what_was_taught(tmp_path: Path) -> None:
    import tomli_w

    settings = Settings(segmentation=Segmentation(method="taught", taught=some_teaching()))
    assert read_settings(settings_table(settings)) == settings
    (tmp_path / "run.toml").write_text(tomli_w.dumps(settings_table(settings)), encoding="utf-8")
    assert read_taught(tmp_path) == some_teaching()


def test_files_without_a_teaching_are_refused(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("[segmentation]\nmethod = 'otsu'\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"holds nothing that was taught; wanted the taught\.toml"):
        read_taught(tmp_path)
    (tmp_path / "taught.toml").write_text("[taught]\nfeatures = 'a'\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="taught is incomplete"):
        read_taught(tmp_path)
    with pytest.raises(SettingsError, match="as many weights in each of its sets"):
        replace(some_teaching(), others=((1.0,),))


@pytest.fixture
def banner(tmp_path: Path) -> tuple[Path, Micrograph]:
    """An image file whose lowest 30 rows are not used."""
    grey = np.random.default_rng(0).integers(0, 255, (110, 90), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "image.tif", grey)
    return tmp_path, read_image(tmp_path / "image.tif", pixel_size=PIXEL, crop=(0, 0, 80, 90))


def test_labels_of_the_file_and_of_its_used_part_are_the_same(banner: tuple[Path, Micrograph]) -> None:
    folder, image = banner
    labels = np.random.default_rng(1).integers(0, 4, (110, 90), dtype=np.uint8)
    tifffile.imwrite(folder / "whole.tif", labels)
    Image.fromarray(labels[:80]).save(folder / "used.png")
    palette = Image.fromarray(labels).convert("P")
    palette.putpalette([0, 0, 0, 0, 114, 178, 230, 159, 0, 90, 90, 90])
    palette.save(folder / "palette.png")
    Image.fromarray(np.stack([labels] * 3, axis=-1)).save(folder / "grey-as-colour.bmp")
    for name in ("whole.tif", "used.png", "palette.png", "grey-as-colour.bmp"):
        np.testing.assert_array_equal(read_labels(folder / name, image), labels[:80], err_msg=name)


def test_pictures_that_are_no_labels_are_refused(banner: tuple[Path, Micrograph]) -> None:
    folder, image = banner
    rng = np.random.default_rng(2)

    def written(name: str, values: NDArray[np.uint8]) -> Path:
        Image.fromarray(values).save(folder / name)
        return folder / name

    with pytest.raises(
        InputError, match=r"small\.png is 50 x 90 pixels .* wanted the 110 x 90 of image\.tif"
    ):
        read_labels(written("small.png", np.zeros((50, 90), np.uint8)), image)
    with pytest.raises(InputError, match="holds the values 0, 255; wanted 0 nothing, 1 pore, 2 solid"):
        read_labels(written("mask.png", np.uint8(255) * rng.integers(0, 2, (110, 90), np.uint8)), image)
    with pytest.raises(InputError, match="has colours; wanted one channel"):
        read_labels(written("colour.png", rng.integers(0, 3, (110, 90, 3), np.uint8)), image)
    with pytest.raises(InputError, match="JPEG changes labels"):
        read_labels(written("labels.jpg", np.zeros((110, 90), np.uint8)), image)
    with pytest.raises(InputError, match=r"missing\.png cannot be read: No such file"):
        read_labels(folder / "missing.png", image)
    tifffile.imwrite(folder / "float.tif", np.zeros((110, 90), np.float32))
    with pytest.raises(InputError, match="float32 values; wanted one channel of whole numbers"):
        read_labels(folder / "float.tif", image)
    (folder / "cut.png").write_bytes((folder / "mask.png").read_bytes()[:60])
    with pytest.raises(InputError, match=r"cut\.png cannot be read"):
        read_labels(folder / "cut.png", image)


def test_what_cannot_teach_is_refused(shown: Rendered) -> None:
    image, labels = shown.micrograph, strokes(shown)
    with pytest.raises(InputError, match="no pixel is labelled solid; both phases need a few strokes"):
        teach(image, np.where(labels == 2, 0, labels).astype(np.uint8))
    with pytest.raises(
        InputError, match="the labels are 64 x 128 pixels, wanted those of the image, 128 x 128"
    ):
        teach(image, labels[:64])
    with pytest.raises(InputError, match="the labels hold the values 0, 4, 8; wanted 0 "):
        teach(image, 4 * labels)
    binary = Micrograph(shown.plane.pore.astype(np.float32), PIXEL, is_binary=True)
    with pytest.raises(InputError, match="has two grey levels: it is segmented already"):
        teach(binary, labels)


def test_a_teaching_and_a_method_that_do_not_agree_are_refused(shown: Rendered) -> None:
    with pytest.raises(SettingsError, match=r"porescape segment IMAGE --labels labels\.png"):
        Segmentation(method="taught")
    with pytest.raises(SettingsError, match="taught by labels, and cannot be method 'otsu' as well"):
        Segmentation(method="otsu", taught=some_teaching())
    with pytest.raises(SettingsError, match="was taught with features 1-abc, and this version has 1-"):
        segment(shown.micrograph, Segmentation(method="taught", taught=some_teaching()))


# -- the command line


def test_labels_by_command(shown: Rendered, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "image.tif", (255 * shown.micrograph.grey).round().astype(np.uint8))
    Image.fromarray(strokes(shown)).save(tmp_path / "labels.png")
    image = [str(tmp_path / "image.tif"), "--pixel-size", "100 nm"]
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app, ["segment", *image, "--labels", str(tmp_path / "labels.png"), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert f"come out as labelled; --taught {out / 'taught.toml'}" in " ".join(done.output.split()).replace(
        "- ", "-"
    )
    again = tmp_path / "again"
    done = CliRunner().invoke(app, ["segment", *image, "--taught", str(out), "--out", str(again)])
    assert done.exit_code == 0, done.output
    mask = (out / "segmentation.tif").read_bytes()
    assert (again / "segmentation.tif").read_bytes() == mask
    assert np.mean((tifffile.imread(out / "segmentation.tif") > 0) == shown.plane.pore) > 0.7
    done = CliRunner().invoke(
        app, ["segment", *image, "--taught", str(out), "--threshold-method", "otsu", "--out", str(again)]
    )
    assert isinstance(done.exception, SettingsError) or done.exit_code == 2


def test_the_check_of_depth_of_a_taught_mask_is_its_own_doubt(shown: Rendered) -> None:
    settings = with_labels(shown.micrograph, strokes(shown), Segmentation())
    found = segmented(shown.micrograph, settings)
    (*_, depth), same = check_segmented(found, settings)
    assert same is found
    assert depth.sentence.startswith("the mask was taught by labels; its porosity is ")
    low, high = (other.porosity for other in found.others)
    assert depth.values["half_width"] == pytest.approx(1.96 * (high - low) / 2)


def test_features_at_places_are_those_of_the_whole_picture_however_large(
    shown: Rendered, monkeypatch: pytest.MonkeyPatch
) -> None:
    grey, places = shown.micrograph.grey, np.zeros((SIDE, SIDE), dtype=bool)
    places[3::7, 5::11] = True
    places[0, 0] = places[-1, -1] = True
    known = features(grey, places)
    np.testing.assert_allclose(known, features(grey, np.ones_like(places))[places.ravel()], atol=1e-4)
    monkeypatch.setattr(see, "REMEMBERED", 0)  # as if it were too large to keep
    np.testing.assert_allclose(features(grey, places), known, atol=1e-4)


def test_a_teaching_with_too_few_weights_is_refused(shown: Rendered) -> None:
    taught = teach(shown.micrograph, strokes(shown))
    short = replace(taught, weights=taught.weights[:-1], others=tuple(one[:-1] for one in taught.others))
    with pytest.raises(SettingsError, match=r"weights, wanted \d+; teach it again from the labels"):
        segment(shown.micrograph, Segmentation(method="taught", taught=short))
