"""Micrographs of known volumes: what each effect does alone, and that a picture is of its volume."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.io.images.image import read_image
from porescape.io.runs.rendered import look_from, write_rendered
from porescape.rendering.banner import bar_length
from porescape.rendering.cut import meet
from porescape.rendering.instrument import photograph
from porescape.rendering.look import LIMITS, RANGES, Look, draw_look
from porescape.rendering.micrograph import render_micrograph
from porescape.rendering.signal import brightness, texture

PLAIN = Look(  # depth alone
    depth=1.0,
    occlusion=0,
    reflection=0,
    tilt=0,
    rim=0,
    side=0,
    mottle=0,
    grain=0,
    shading=0,
    defocus=0,
    line_noise=0,
)
CHORD = 10.0


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def step(depth: int) -> np.ndarray:
    """Solid in the left half; a floor of solid `depth` voxels below the cut in the right half."""
    pore = np.zeros((24, 16, 32), dtype=bool)
    pore[:depth, :, 16:] = True
    return pore


@pytest.fixture(scope="module")
def balls() -> Volume:
    z, y, x = np.indices((40, 64, 64)) % 20 - 9.5
    z = np.roll(z, 8, axis=0)  # the cut goes through the balls
    return Volume(x**2 + y**2 + z**2 < 8.5**2, 1e-7)


def test_a_floor_is_darker_with_depth_by_its_exponential() -> None:
    light = brightness(meet(step(7)), PLAIN, CHORD, rng())
    assert light[8, 4] == 1
    assert light[8, 28] == pytest.approx(np.exp(-7 / CHORD))


def test_reflection_is_what_the_deepest_pore_has() -> None:
    light = brightness(meet(step(20)), replace(PLAIN, depth=0.01, reflection=0.2), CHORD, rng())
    assert light[8, 28] == pytest.approx(0.2)
    assert light[8, 4] == pytest.approx(1)


def test_an_inclined_surface_is_brighter_by_one_over_its_cosine() -> None:
    z, y, _ = np.indices((64, 40, 40))
    pore = z < 10 + y  # tilted by 45 degrees
    light = brightness(meet(pore), replace(PLAIN, depth=100, tilt=1.0), 1e4, rng())
    assert light[20, 20] == pytest.approx(np.sqrt(2), rel=0.05)


def test_an_edge_is_brighter_than_the_flat_cut_and_than_the_floor() -> None:
    light = brightness(meet(step(12)), replace(PLAIN, rim=0.5, rim_width=2), CHORD, rng())
    assert light[8, 15] > 1.2
    assert light[8, 2] == pytest.approx(1, abs=1e-3)


def test_a_narrow_hole_is_darker_than_a_wide_one() -> None:
    pore = np.zeros((24, 64, 64), dtype=bool)
    pore[:10, 8:12, 8:12] = True
    pore[:10, 24:60, 24:60] = True
    light = brightness(meet(pore), replace(PLAIN, occlusion=1), CHORD, rng())
    assert light[10, 10] < 0.8 * light[42, 42]


def test_backscattered_electrons_come_from_as_deep_as_they_escape() -> None:
    pore = np.ones((40, 8, 8), dtype=bool)
    pore[:5, :, :4] = False  # a slab of 5 voxels over nothing; nothing at all beside it
    look = replace(PLAIN, signal="backscattered", depth=0.5)
    light = brightness(meet(pore), look, CHORD, rng())
    assert light[4, 0] == pytest.approx(1 - np.exp(-1), abs=0.01)  # 5 voxels of a reach of 5
    assert light[4, 7] == 0


def test_a_filled_pore_has_one_grey_whatever_is_behind() -> None:
    look = replace(PLAIN, surface="filled", resin=0.3)
    assert np.all(brightness(meet(step(3)), look, CHORD, rng())[:, 16:] == np.float32(0.3))


def test_a_fracture_shows_the_solid_of_its_own_surface() -> None:
    pore = step(10)
    relief = np.full((16, 32), 4.0, dtype=np.float32)
    met = meet(pore, relief)
    assert np.array_equal(met.solid, ~pore[4])
    assert not met.left[:4].any()
    assert np.all(met.below[:, 16:] == 6)


def test_texture_has_unit_variance_whatever_its_width() -> None:
    for width in (0.5, 3.0, 40.0):
        found = [texture(np.random.default_rng(seed), (24, 24), width)[3, 5] for seed in range(400)]
        assert np.std(found) == pytest.approx(1, abs=0.15)


def test_counted_electrons_scatter_as_poisson_says() -> None:
    light = np.ones((200, 200), dtype=np.float32)
    light[:, 100:] = 0.25
    look = replace(PLAIN, focus=0, electrons=100, black=0, white=1)
    grey = photograph(light, np.zeros_like(light), look, rng())
    bright, dark = grey[:, :100], grey[:, 100:]
    assert bright.std() / dark.std() == pytest.approx(2, rel=0.05)  # roots of 100 and 25 electrons
    assert bright.std() / (bright.mean() - dark.mean()) == pytest.approx(0.1 / 0.75, rel=0.05)


def test_the_truth_of_a_cut_is_the_first_layer(balls: Volume) -> None:
    rendered = render_micrograph(balls)
    assert np.array_equal(rendered.plane.pore, balls.pore[0])
    assert rendered.micrograph.pixel_size == rendered.plane.pixel_size == balls.voxel_size


def test_without_depth_and_noise_grey_tells_pore_from_solid(balls: Volume) -> None:
    look = replace(PLAIN, depth=0.001, focus=0, electrons=1e6)
    rendered = render_micrograph(balls, look)
    grey, pore = rendered.micrograph.grey, rendered.plane.pore
    assert grey[pore].max() < 0.5 < grey[~pore].min()


def test_a_seed_is_a_picture(balls: Volume) -> None:
    look = Look(surface="fracture", rough=0.2)
    first, again, other = (render_micrograph(balls, look, seed) for seed in (1, 1, 2))
    assert first.micrograph.grey.tobytes() == again.micrograph.grey.tobytes()
    assert first.micrograph.grey.tobytes() != other.micrograph.grey.tobytes()


@given(seed=st.integers(0, 2**32 - 1))
def test_a_drawn_look_lies_in_its_ranges(seed: int) -> None:
    look = draw_look(np.random.default_rng(seed))
    for name, (low, high, _) in RANGES.items():
        lowest = {"depth": low / 4, "rim": 0, "tilt": 0, "rough": 0, "curtains": 0}.get(name, low)
        assert lowest <= getattr(look, name) <= high
    assert (look.rough > 0) == (look.surface == "fracture")


def test_every_number_of_a_look_has_limits_and_a_range_within_them() -> None:
    names = {field.name for field in fields(Look)} - {"signal", "surface"}
    assert names == set(LIMITS) == set(RANGES)
    for name, (low, high, _) in RANGES.items():
        least, most = LIMITS[name]
        assert least <= low < high <= most
        assert least <= getattr(Look(), name) <= most


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": 0}, "depth must be between 0.001 and 100, got 0"),
        ({"signal": "auger"}, "signal must be one of secondary, backscattered, got 'auger'"),
        ({"white": 0.2, "black": 0.3}, "white must be above black, got 0.2 and 0.3"),
    ],
)
def test_an_impossible_look_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Look(**values)  # type: ignore[arg-type]


def test_one_phase_shows_nothing() -> None:
    with pytest.raises(InputError, match="a micrograph of it shows nothing"):
        render_micrograph(Volume(np.ones((4, 8, 8), dtype=bool), 1e-7))


def test_a_rendered_micrograph_is_read_back_with_its_scale_and_look(tmp_path: Path, balls: Volume) -> None:
    rendered = render_micrograph(balls, Look(depth=0.25), seed=3)
    write_rendered(tmp_path / "out", rendered)
    back = read_image(tmp_path / "out" / "micrograph.tif")
    grey = rendered.micrograph.grey  # readers use the whole range
    assert np.allclose(back.grey, (grey - grey.min()) / np.ptp(grey), atol=1e-6)
    assert back.pixel_size == pytest.approx(balls.voxel_size)
    assert look_from(tmp_path / "out" / "look.toml") == rendered.look


def test_the_scale_bar_of_a_banner_is_found_and_the_banner_cut_off(tmp_path: Path) -> None:
    z, y, x = np.indices((10, 480, 640)) % 40 - 19.5
    many = Volume((x**2 + y**2 < 14**2) | (z > 99), 25e-9)
    rendered = render_micrograph(many, Look(), seed=1)
    write_rendered(tmp_path / "out", rendered, banner=True)
    back = read_image(tmp_path / "out" / "micrograph.tif", scale_bar=bar_length(25e-9, 640))
    assert back.grey.shape == rendered.micrograph.grey.shape
    assert back.pixel_size == pytest.approx(25e-9, rel=0.02)
