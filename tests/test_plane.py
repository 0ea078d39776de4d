"""The network that sees the plane: its parts against plain arithmetic, its answers against known volumes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from porescape.core.image import Micrograph
from porescape.core.settings import Output, Segmentation, Settings
from porescape.errors import InputError
from porescape.rendering.look import Look
from porescape.rendering.micrograph import Rendered, render_micrograph
from porescape.sample import load_truth
from porescape.section.checks import check_segmented
from porescape.section.checks.depth import _verdict, check_depth
from porescape.section.plane.network import (
    BLOCK,
    HALVINGS,
    MARGIN,
    Layer,
    Network,
    _convolved,
    _doubled,
    answer,
    from_arrays,
    to_arrays,
)
from porescape.section.plane.picture import UNIT, inputs, larger, scale_of, smaller, unit_length
from porescape.section.plane.see import see
from porescape.section.prepare import prepare
from porescape.section.segment import segment, segmented


def random_layer(rng: np.random.Generator, inside: int, outside: int, size: int = 9) -> Layer:
    weight = rng.standard_normal((size, inside, outside)).astype(np.float32) / np.float32(
        np.sqrt(size * inside)
    )
    return Layer(weight, rng.standard_normal(outside).astype(np.float32) / 4)


@pytest.fixture(scope="module")
def untaught() -> Network:
    rng = np.random.default_rng(0)
    c = (4, 4, 6, 6)
    down = tuple((random_layer(rng, a, b), random_layer(rng, b, b)) for a, b in zip((2, *c), c, strict=False))
    up = tuple(
        (random_layer(rng, c[k + 1] + c[k], c[k]), random_layer(rng, c[k], c[k]))
        for k in reversed(range(HALVINGS))
    )
    return Network(down, up, random_layer(rng, c[0], 1, 1))


def smooth(size: int, width: float, seed: int = 0) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((size, size)), width)
    return (0.5 + 0.2 * noise / noise.std()).clip(0, 1).astype(np.float32)


def test_a_layer_is_a_convolution_and_a_rectifier() -> None:
    rng = np.random.default_rng(1)
    picture = rng.standard_normal((20, 24, 3)).astype(np.float32)
    layer = random_layer(rng, 3, 2)
    expected = np.zeros((20, 24, 2))
    for out in range(2):
        for channel in range(3):
            kernel = layer.weight[:, channel, out].reshape(3, 3)
            expected[..., out] += ndimage.correlate(picture[..., channel], kernel, mode="constant")
    np.testing.assert_allclose(_convolved(picture, layer), np.maximum(expected + layer.bias, 0), atol=1e-5)


def test_doubling_keeps_a_straight_slope() -> None:
    slope = np.arange(8, dtype=np.float32)[:, None, None] + np.zeros((8, 4, 1), dtype=np.float32)
    doubled = _doubled(slope)
    assert doubled.shape == (16, 8, 1)
    np.testing.assert_allclose(doubled[1:-1, 0, 0], np.arange(1, 15) / 2 - 0.25)


def test_nothing_beyond_the_margin_reaches_a_pixel(untaught: Network) -> None:
    picture = np.random.default_rng(2).standard_normal((2 * MARGIN + BLOCK, 64, 2)).astype(np.float32)
    other = picture.copy()
    other[-(MARGIN + 1) :] += 1  # the first row is MARGIN + BLOCK rows away, less one
    first, second = answer(untaught, picture), answer(untaught, other)
    np.testing.assert_array_equal(first[: BLOCK - 1], second[: BLOCK - 1])
    assert np.any(first[BLOCK:] != second[BLOCK:])


def test_a_picture_seen_in_parts_is_the_same(untaught: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    grey = smooth(200, 3)
    whole = see(grey, untaught)
    monkeypatch.setattr("porescape.section.plane.see.TILE", 64)
    monkeypatch.setattr("porescape.section.plane.see.REMEMBERED", 0)  # or the first answer would come back
    parts = see(grey, untaught)
    np.testing.assert_allclose(parts.logits, whole.logits, atol=1e-5)


def test_a_network_survives_its_file(untaught: Network) -> None:
    again = from_arrays(to_arrays(untaught))
    picture = np.random.default_rng(3).standard_normal((32, 32, 2)).astype(np.float32)
    np.testing.assert_array_equal(answer(again, picture), answer(untaught, picture))


@given(factor=st.floats(0.2, 1.0), seed=st.integers(0, 99))
def test_a_smaller_picture_keeps_its_mean(factor: float, seed: int) -> None:
    image = np.random.default_rng(seed).random((50, 70)).astype(np.float32)
    assert smaller(image, factor).mean() == pytest.approx(image.mean(), abs=1e-5)


def test_half_a_picture_is_the_mean_of_two_by_two_pixels() -> None:
    image = np.random.default_rng(0).random((40, 60)).astype(np.float32)
    np.testing.assert_allclose(smaller(image, 0.5), image.reshape(20, 2, 30, 2).mean(axis=(1, 3)), atol=1e-6)


def test_larger_undoes_smaller_on_a_slope() -> None:
    slope = np.linspace(0, 1, 64, dtype=np.float32)[:, None] + np.zeros((64, 64), dtype=np.float32)
    back = larger(smaller(slope, 0.5), (64, 64))
    np.testing.assert_allclose(back[2:-2], slope[2:-2], atol=1e-5)


@pytest.mark.parametrize("width", [2.0, 4.0, 8.0])
def test_the_unit_length_follows_the_magnification(width: float) -> None:
    # two noises of one width: exp(-r²/4w²) falls to 0.2 at 2w sqrt(ln 5)
    assert unit_length(smooth(512, width)) == pytest.approx(2 * width * np.sqrt(np.log(5)), rel=0.15)


def test_shading_does_not_change_the_unit_length() -> None:
    grey = smooth(256, 3)
    shaded = grey + np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    assert unit_length(shaded) == pytest.approx(unit_length(grey), rel=0.05)


def test_only_coarse_pictures_are_made_smaller() -> None:
    assert scale_of(3.0) == 1
    assert scale_of(2 * UNIT) == 0.5


@given(gain=st.floats(0.3, 1.0), offset=st.floats(0, 0.5))
def test_what_the_network_is_given_does_not_depend_on_brightness_and_contrast(
    gain: float, offset: float
) -> None:
    grey = smooth(64, 3)
    np.testing.assert_allclose(inputs(gain * grey + offset, 5.0), inputs(grey, 5.0), atol=5e-2)


# -- what the package ships ------------------------------------------------------------------------------

PLANE = Segmentation(method="plane")


@pytest.fixture(scope="module")
def deep() -> Rendered:
    """A cut through the sample's structure, as seen by secondary electrons with a view into its pores."""
    return render_micrograph(load_truth(), Look(depth=0.25), seed=1)


def error(rendered: Rendered, method: str) -> float:
    found = segment(rendered.micrograph, Segmentation(method=method))
    return abs(found.porosity - rendered.plane.porosity)


def test_solid_behind_the_plane_is_told_from_solid_in_it(deep: Rendered) -> None:
    # 0.077 where the adaptive threshold is 0.14 off; a demixed membrane was among the teachers, this one was
    # not. Networks of other teachings had 0.057 to 0.077: that much is chance
    assert error(deep, "plane") < 0.09
    assert error(deep, "plane") < error(deep, "adaptive") / 1.5


def test_a_flat_cut_of_filled_pores_is_cut_along_its_walls() -> None:
    filled = render_micrograph(load_truth(), Look(surface="filled", resin=0.4), seed=1)
    found = segment(filled.micrograph, PLANE)
    assert abs(found.porosity - filled.plane.porosity) < 0.02
    assert np.mean(found.pore == filled.plane.pore) > 0.97


def test_bright_pores_are_dark_pores_of_the_negative(deep: Rendered) -> None:
    negative = Micrograph(1 - deep.micrograph.grey, 1e-7)
    bright = segment(negative, Segmentation(method="plane", pore="bright"))
    dark = segment(Micrograph(1 - negative.grey, 1e-7), PLANE)
    np.testing.assert_array_equal(bright.pore, dark.pore)


def test_the_other_plausible_masks_lie_on_both_sides(deep: Rendered) -> None:
    for pore in ("dark", "bright"):
        found = segmented(deep.micrograph, Segmentation(method="plane", pore=pore))
        assert found.others is not None
        ends = sorted(other.porosity for other in found.others if other is not None)
        assert ends[0] < found.phase.porosity < ends[1]


def test_a_picture_is_seen_the_same_twice_and_left_as_it_was(deep: Rendered) -> None:
    before = deep.micrograph.grey.tobytes()
    assert see(deep.micrograph.grey).logits.tobytes() == see(deep.micrograph.grey).logits.tobytes()
    assert deep.micrograph.grey.tobytes() == before


def test_the_check_of_depth_names_both_porosities(deep: Rendered) -> None:
    mask = segment(deep.micrograph, Segmentation())
    check = check_depth(deep.micrograph, mask)
    assert check.values["porosity"] == mask.porosity
    assert check.values["porosity_of_plane"] > mask.porosity
    assert f"the mask has a porosity of {mask.porosity:.2f}" in check.sentence
    assert set(check.curves) == {"grey", "used", "plane"}


def test_the_plane_is_a_plausible_mask_where_it_lies_farther_away(deep: Rendered) -> None:
    found = segmented(deep.micrograph, Segmentation())
    lower, higher = found.others
    (*_, depth), widened = check_segmented(found, Segmentation())
    assert depth.values["porosity_of_plane"] > higher.porosity + 0.02  # this picture is deep
    assert widened.others[0] is lower
    assert widened.others[1].porosity == depth.values["porosity_of_plane"]
    own = segmented(deep.micrograph, PLANE)
    assert check_segmented(own, PLANE)[1] is own  # nothing to add


def test_a_run_is_warned_of_depth(deep: Rendered) -> None:
    prepared = prepare(deep.micrograph, Settings(output=Output(size=(48, 48, 48))))
    depth = prepared.checks[-1]
    assert (depth.name, depth.status) == ("depth", "warn")
    assert depth.sentence in prepared.warnings


def test_a_binary_image_hides_what_was_behind() -> None:
    binary = Micrograph(load_truth().pore[0].astype(np.float32), 1e-7, is_binary=True)
    check = check_depth(binary, segment(binary, Segmentation(pore="bright")), "bright")
    assert check.status == "ok"
    assert "does not show whether solid lay behind the plane" in check.sentence


@pytest.mark.parametrize(
    ("used", "plane", "half", "status", "words"),
    [
        (
            0.48,
            0.63,
            0.06,
            "warn",
            "shows solid behind the plane of the cut that the mask takes for the plane",
        ),
        (0.63, 0.48, 0.06, "warn", "shows solid in the plane of the cut that the mask takes for pore"),
        (0.60, 0.63, 0.02, "ok", "the plane of the cut 0.63 ± 0.02"),
        (0.48, 0.63, 0.20, "warn", "cannot be told apart in this picture"),
    ],
)
def test_the_verdict_on_depth(used: float, plane: float, half: float, status: str, words: str) -> None:
    found, sentence = _verdict(used, plane, half)
    assert found == status
    assert words in sentence


def test_a_picture_of_one_grey_is_refused() -> None:
    with pytest.raises(InputError, match="every pixel of image has the grey level"):
        segment(Micrograph(np.full((96, 96), 0.5, dtype=np.float32), 1e-7), PLANE)


def test_the_network_is_small_and_needs_no_pickle() -> None:
    from importlib.resources import files

    file = files("porescape") / "data" / "plane.npz"
    assert len(file.read_bytes()) < 1e6
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
        assert all(archive[name].dtype == np.float16 for name in archive.files)
