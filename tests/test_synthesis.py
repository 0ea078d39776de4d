"""The generator: exact arithmetic, fields that theory knows, more of the same material."""

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from porescape.core.domain import Domain, Window, tiles_along
from porescape.core.recipe import BodiesRecipe, FieldsRecipe, PaperRecipe
from porescape.core.volume import Volume
from porescape.errors import SettingsError
from porescape.measure.geometry.correlation import mean_chords
from porescape.measure.geometry.minkowski import specific_surface
from porescape.rng import TILE
from porescape.synthesis import noise
from porescape.synthesis.capsules import capsule_radius
from porescape.synthesis.generate import generate
from porescape.synthesis.height import height_field, rank_level
from porescape.synthesis.noise import NOISE_SD, random_points, white_noise
from porescape.synthesis.random_fields import branch_field, grain_field, grain_scale
from porescape.synthesis.smoothing import (
    SAMPLE_SD,
    smooth_noise,
    smooth_samples,
    stride,
    to_samples,
)

VOXEL = 1e-7


def recipe(**changes: float) -> FieldsRecipe:
    values = {
        "solid_grains": 0.5,
        "pore_cells": 0.4,
        "branches": 0.7,
        "solid_grain_spacing": 12 * VOXEL,
        "pore_cell_spacing": 9 * VOXEL,
        "branch_width": 2 * VOXEL,
        "branch_cut": 0.4,
        "highpass_width": 8 * VOXEL,
        "porosity": 0.6,
        "smoothing": 0.5 * VOXEL,
    }
    return FieldsRecipe(**(values | changes))


def fibre_recipe(**changes: float) -> BodiesRecipe:
    """Straight rods alone."""
    values = {
        "spacing": 14 * VOXEL,
        "length": 45 * VOXEL,
        "porosity": 0.75,
        "smoothing": 0.5 * VOXEL,
    }
    return BodiesRecipe(**(values | changes))


def cube(n: int, periodic: bool = True) -> Domain:
    return Domain((n, n, n), VOXEL, periodic)


# -- closed forms -----------------------------------------------------------------------------------


def test_tiles_cover_a_range_once() -> None:
    assert list(tiles_along(0, 100, 64, 100)) == [(0, 0, 64), (1, 64, 36)]
    assert list(tiles_along(-5, 10, 64, 100)) == [(1, -36, 36), (0, 0, 64)]
    assert list(tiles_along(-5, 70, 64, None)) == [(-1, -64, 64), (0, 0, 64), (1, 64, 64)]


def test_noise_is_white_with_the_stated_spread() -> None:
    noise = white_noise(1, "branches", cube(64), cube(64).whole)
    assert set(np.unique(np.abs(noise)) % 2) == {1}
    assert noise.std() == pytest.approx(NOISE_SD, rel=0.01)
    assert abs(noise.mean()) < 4 * NOISE_SD / 64**1.5
    assert abs((noise[1:] * noise[:-1]).mean()) < 4 * NOISE_SD**2 / 64**1.5


def test_smoothed_noise_has_unit_variance_and_the_gaussian_correlation() -> None:
    domain = cube(96)
    field = smooth_noise(
        white_noise(0, "branches", domain, domain.whole), NOISE_SD, 2.0, domain, domain.whole
    )
    assert field.std() == pytest.approx(1, abs=0.03)
    # white noise smoothed with width s is correlated as exp(-r²/4s²)
    for lag in (1, 2, 4):
        found = (field * np.roll(field, lag, axis=1)).mean() / field.var()
        assert found == pytest.approx(math.exp(-(lag**2) / 16), abs=0.02)


@pytest.mark.parametrize("width", [0.2, 1.0, 2.0, 3.0, 5.0, 30.0])
def test_smoothing_leaves_a_constant(width: float) -> None:
    flat = np.full((20, 24, 20), 500, dtype=np.float32)
    domain = Domain(flat.shape, VOXEL)
    assert np.array_equal(smooth_samples(flat.copy(), width, domain, domain.whole), flat)


@pytest.mark.parametrize(("width", "edge"), [(1.0, 40), (2.0, 40), (5.0, 40), (3.0, 41)])
def test_smoothing_damps_a_wave_as_a_gaussian(width: float, edge: int) -> None:
    """On every voxel, on every second or fifth one, and where the period is prime and has no coarse grid."""
    wave = np.cos(2 * np.pi * np.arange(edge) / edge)
    along_each = wave[:, None, None] * wave[None, :, None] * wave[None, None, :]
    samples = to_samples((SAMPLE_SD * 5 * along_each).astype(np.float32))
    domain = cube(edge)
    damped = smooth_samples(samples, width, domain, domain.whole)
    ratio = float((damped * samples).sum() / (samples**2).sum())
    assert ratio == pytest.approx(math.exp(-0.5 * (2 * np.pi / edge * width) ** 2) ** 3, abs=0.005)
    shape = damped / damped.max() - samples / samples.max()
    assert np.abs(shape).max() < 0.01  # what a coarse grid would leave of itself


def test_the_coarse_grid_of_a_smoothing_fits_the_period() -> None:
    assert [stride(width, cube(96)) for width in (0.5, 1.9, 2.0, 5.0, 7.5, 50.0)] == [1, 1, 2, 4, 6, 8]
    assert stride(50.0, cube(97)) == 1
    assert stride(5.0, cube(97, periodic=False)) == 5


@pytest.mark.parametrize("spacing", [5.0, 9.0])
def test_grain_distances_have_the_moments_of_a_poisson_process(spacing: float) -> None:
    field = grain_field(3, "solid_grains", spacing, cube(96), cube(96).whole)
    seeds = (96 / spacing) ** 3
    assert field.mean() == pytest.approx(0, abs=4 / math.sqrt(seeds))
    assert field.std() == pytest.approx(1, abs=4 / math.sqrt(seeds))


def test_points_of_a_lower_density_are_a_subset() -> None:
    few, many = (
        {tuple(p) for p in random_points(0, "pore_cells", cube(80), cube(80).whole, density).T}
        for density in (1e-3, 4e-3)
    )
    assert few < many
    assert len(many) == pytest.approx(4e-3 * 80**3, rel=0.1)


@pytest.mark.parametrize("cut", [0.05, 0.2, 0.5, 0.8, 0.95])
def test_the_branch_field_is_standardised(cut: float) -> None:
    fields = [branch_field(seed, 2.5, cut, cube(96), cube(96).whole) for seed in range(2)]
    assert np.mean(fields) == pytest.approx(0, abs=0.1)
    assert np.std(fields) == pytest.approx(1, abs=0.1)


def test_grains_alone_are_overlapping_spheres() -> None:
    """Pores beyond R of n points: porosity p = exp(-4/3 pi R³ n), surface 3 p ln(1/p) / R."""
    spacing, porosity = 16.0, 0.56
    radius = spacing * (math.log(1 / porosity) * 3 / (4 * math.pi)) ** (1 / 3)
    wide = recipe(
        solid_grains=1,
        pore_cells=0,
        branches=0,
        solid_grain_spacing=spacing * VOXEL,
        highpass_width=1.0,
        porosity=porosity,
    )
    volume = generate(wide, cube(128), 0)
    expected = 3 * porosity * math.log(1 / porosity) / (radius * VOXEL)
    assert specific_surface(volume) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize(("spacing", "length"), [(9.0, 6.0), (14.0, 40.0), (24.0, 150.0)])
def test_distances_to_rods_have_the_moments_of_rods_placed_at_random(spacing: float, length: float) -> None:
    """Also where they are longer than the period."""
    found = [
        grain_field(seed, "solid_grains", spacing, cube(96), cube(96).whole, length) for seed in range(4)
    ]
    rods = 4 * (96 / spacing) ** 3
    assert np.mean(found) == pytest.approx(0, abs=4 / math.sqrt(rods))
    assert np.std(found) == pytest.approx(1, abs=4 / math.sqrt(rods))


def test_the_moments_of_rods_go_over_into_those_of_points() -> None:
    assert grain_scale(10.0, 1e-4)[:2] == pytest.approx(grain_scale(10.0, 0.0)[:2], rel=1e-4)
    # endless fibres, l of them per area: P(d > r) = exp(-pi r² l), so the mean is 1 / (2 sqrt(l))
    length, spacing = 1e7, 300.0
    assert grain_scale(spacing, length)[0] == pytest.approx(0.5 * math.sqrt(spacing**3 / length), rel=1e-3)


def test_rods_are_straight_and_lie_in_all_directions() -> None:
    middles, directions = noise._tile_seeds(1, "solid_grains", (0, 0, 0), (TILE,) * 3, 0.02, directed=True)
    assert directions is not None
    rods = noise._rods(middles, directions, 20.0).reshape(3, -1, 21) / noise.SUBVOXEL
    ends = rods[:, :, -1] - rods[:, :, 0]
    assert np.linalg.norm(ends, axis=0) == pytest.approx(np.full(rods.shape[1], 20.0), abs=0.2)
    assert np.linalg.norm(np.diff(rods, axis=2), axis=0).max() < 1.25  # voxels, rounded to eighths
    assert np.abs(rods - np.linspace(rods[:, :, 0], rods[:, :, -1], 21, axis=2)).max() < 0.13
    direction = ends / 20
    assert direction @ direction.T / rods.shape[1] == pytest.approx(np.eye(3) / 3, abs=0.02)
    assert abs(direction.mean(axis=1)).max() < 4 / math.sqrt(3 * rods.shape[1])


def test_fibres_alone_are_overlapping_cylinders() -> None:
    """Pores beyond R of endless fibres, l per area: porosity p = exp(-pi R² l), surface 2 p ln(1/p) / R."""
    spacing, length, porosity = 40.0, 400.0, 0.75
    radius = capsule_radius(spacing, length, math.log(1 / porosity))
    made = fibre_recipe(spacing=spacing * VOXEL, length=length * VOXEL, porosity=porosity)
    surface = np.mean([specific_surface(generate(made, cube(128), seed)) for seed in range(3)])
    expected = 2 * porosity * math.log(1 / porosity) / (radius * VOXEL)
    assert surface == pytest.approx(expected, rel=0.06)


# -- properties -------------------------------------------------------------------------------------


@given(porosity=st.floats(0.05, 0.95), seed=st.integers(0, 2**63 - 1))
@settings(max_examples=10)
def test_porosity_is_exact_by_rank(porosity: float, seed: int) -> None:
    volume = generate(recipe(porosity=porosity), Domain((24, 20, 28), VOXEL), seed)
    assert volume.porosity == pytest.approx(porosity, abs=2e-4)


LOCAL = recipe(branch_width=1.2 * VOXEL, highpass_width=3 * VOXEL)
COARSE = recipe(branch_width=2.1 * VOXEL, highpass_width=4.5 * VOXEL, smoothing=2.5 * VOXEL)
# the second is smoothed on every 2nd and 4th voxel; the rods of the third are as long as its period
DOMAINS = {(70, 66, 80): LOCAL, (48, 60, 72): COARSE, (45, 50, 130): fibre_recipe()}


@cache
def whole(box: tuple[int, int, int]) -> np.ndarray:
    return height_field(DOMAINS[box], Domain(box, VOXEL), 5)


@pytest.mark.parametrize("box", DOMAINS)
@given(data=st.data())
@settings(max_examples=6)
def test_any_window_alone_has_the_bytes_of_the_whole(box: tuple[int, int, int], data: st.DataObject) -> None:
    start = tuple(data.draw(st.integers(-n, n)) for n in box)
    shape = tuple(data.draw(st.integers(1, 12)) for _ in range(3))
    part = height_field(DOMAINS[box], Domain(box, VOXEL), 5, Window(start, shape))
    index = np.ix_(*((np.arange(s, s + m) % n) for s, m, n in zip(start, shape, box, strict=True)))
    assert np.array_equal(part, whole(box)[index])


def test_long_axes_done_in_blocks_have_the_bytes_of_short_ones() -> None:
    """Beyond 192 voxels smoothing works block by block; a window must not notice."""
    domain = Domain((24, 24, 200), VOXEL)
    whole = height_field(recipe(highpass_width=3 * VOXEL), domain, 0)
    part = height_field(recipe(highpass_width=3 * VOXEL), domain, 0, Window((3, 4, 95), (8, 8, 20)))
    assert np.array_equal(part, whole[3:11, 4:12, 95:115])


@pytest.mark.parametrize("material", [recipe(), fibre_recipe()], ids=["fields", "fibres"])
def test_an_open_domain_is_a_window_of_endless_space(material: FieldsRecipe) -> None:
    small = height_field(material, Domain((20, 20, 20), VOXEL, periodic=False), 0)
    large = height_field(material, Domain((26, 24, 22), VOXEL, periodic=False), 0)
    assert np.array_equal(small, large[:20, :20, :20])


def test_opposite_faces_match() -> None:
    """Across the seam neighbours differ no more than inside."""
    field = height_field(recipe(), cube(48), 1)
    inside = np.abs(np.diff(field, axis=0)).mean()
    seam = np.abs(field[0] - field[-1]).mean()
    assert seam == pytest.approx(inside, rel=0.25)


def test_same_seed_same_bytes_other_seed_other_structure() -> None:
    one, again, other = (generate(recipe(), cube(32), seed).pore for seed in (7, 7, 8))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_a_larger_box_is_more_of_the_same_material() -> None:
    """Surface and chords of 128³ lie within the scatter of 64³ boxes of the same recipe."""
    material = recipe(branch_width=3 * VOXEL, highpass_width=15 * VOXEL, smoothing=VOXEL)
    large = generate(material, cube(128), 0)
    small = [generate(material, cube(64), seed) for seed in range(5)]
    for number in (specific_surface, lambda v: mean_chords(v)[0], lambda v: mean_chords(v)[1]):
        values = [number(volume) for volume in small]
        spread = max(np.std(values, ddof=1), 0.004 * np.mean(values))
        assert number(large) == pytest.approx(np.mean(values), abs=3 * spread)


def test_a_finer_voxel_is_the_same_material_seen_closer() -> None:
    material = recipe(branch_width=4 * VOXEL, smoothing=VOXEL)
    coarse = np.mean([mean_chords(generate(material, cube(64), s)) for s in range(3)], axis=0)
    fine = np.mean(
        [mean_chords(generate(material, Domain((96, 96, 96), VOXEL / 1.5), s)) for s in range(3)], axis=0
    )
    np.testing.assert_allclose(fine, coarse, rtol=0.08)


def test_no_width_of_high_pass_or_smoothing_loses_the_field() -> None:
    """A high-pass narrower than the smoothing leaves little, but rank still finds the porosity in it."""
    thin = recipe(highpass_width=0.5 * VOXEL, smoothing=4 * VOXEL)
    assert generate(thin, cube(32), 0).porosity == pytest.approx(0.6, abs=0.005)


def test_rank_level_leaves_both_phases() -> None:
    field = np.arange(10, dtype=np.float32).reshape(1, 2, 5)
    assert (field > rank_level(field, 0.3)).sum() == 3
    assert (field > rank_level(field, 0.999)).sum() == 9


# -- the paper to the letter ------------------------------------------------------------------------

FIG_S1_A = (0.4, 0.3, 0.9, 0.9, 0.9, 0.7, 0.8, 0.6, 0.1)
FIG_S1_B = (0.2, 0.1, 0.3, 0.1, 0.4, 0.5, 0.5, 0.2, 0.3)


def test_the_papers_structures_have_the_papers_porosity() -> None:
    """The cut is the quantile 0.05 + 0.7 X9 and void lies below; the last median moves it a little."""
    volume = generate(PaperRecipe(FIG_S1_B), cube(48), 0)
    assert isinstance(volume, Volume)
    assert volume.porosity == pytest.approx(0.05 + 0.7 * 0.3, abs=0.03)


def test_the_papers_recipe_means_another_material_in_a_larger_box() -> None:
    """The reason why the default family measures in lengths: chords grow with the array."""
    branches = PaperRecipe((0.0, 0.0, 1.0, 0.5, 0.5, 0.7, 0.5, 0.6, 0.5))
    small, large = (mean_chords(generate(branches, cube(n), 0))[1] for n in (48, 96))
    assert large > 1.2 * small


# -- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"porosity": 1.0}, "porosity must lie between 0 and 1, got 1.0"),
        ({"solid_grains": -1.0}, "weights must be >= 0"),
        ({"solid_grains": 0.0, "pore_cells": 0.0, "branches": 0.0}, "not all 0"),
        ({"smoothing": 0.0}, "smoothing must be a positive length"),
        ({"branch_width": math.inf}, "branch_width must be a positive length"),
    ],
)
def test_an_impossible_recipe_is_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        recipe(**change)


def test_a_paper_recipe_needs_nine_numbers() -> None:
    with pytest.raises(SettingsError, match="nine numbers between 0 and 1"):
        PaperRecipe((0.5,) * 8)


def test_a_domain_needs_three_positive_numbers() -> None:
    with pytest.raises(SettingsError, match="three positive numbers"):
        Domain((5, 0, 5), VOXEL)
    with pytest.raises(SettingsError, match="below 1 m"):
        Domain((5, 5, 5), 3.0)


@pytest.mark.parametrize(
    ("x", "porosity", "interface", "chords", "s2"),
    [
        ((0.4, 0.3, 0.9, 0.9, 0.9, 0.7, 0.8, 0.6, 0.1), 0.104, 0.080, (5.18, 44.7), (0.084, 0.037, 0.012)),
        ((0.2, 0.1, 0.3, 0.1, 0.4, 0.5, 0.5, 0.2, 0.3), 0.184, 0.195, (3.77, 16.7), (0.135, 0.051, 0.029)),
    ],
    ids=["A", "B"],
)
def test_the_papers_script_is_reproduced_at_both_points_of_its_figure(
    x: tuple[float, ...],
    porosity: float,
    interface: float,
    chords: tuple[float, float],
    s2: tuple[float, ...],
) -> None:
    """Statistics of the authors' script run in Octave at 100³ (two seeds), within their scatter."""
    pore = generate(PaperRecipe(x, by="code"), Domain((100, 100, 100), 1e-6), 0).pore
    changes = float(np.mean([np.diff(pore, axis=axis).mean() for axis in range(3)]))
    assert pore.mean() == pytest.approx(porosity, rel=0.03)
    assert 2 * changes == pytest.approx(interface, rel=0.04)
    found = pore.mean() / (changes / 2), (1 - pore.mean()) / (changes / 2)
    assert found == pytest.approx(chords, rel=0.05)
    for lag, expected in zip((1, 4, 8), s2, strict=True):
        both = [
            (np.delete(pore, np.s_[:lag], axis) & np.delete(pore, np.s_[-lag:], axis)).mean()
            for axis in range(3)
        ]
        assert np.mean(both) == pytest.approx(expected, rel=0.06, abs=0.002)


def test_the_papers_text_and_its_script_are_two_generators() -> None:
    x, domain = (0.4, 0.3, 0.9, 0.9, 0.9, 0.7, 0.8, 0.6, 0.1), Domain((32, 32, 32), 1e-6)
    text, code = (generate(PaperRecipe(x, by=by), domain, 0).pore for by in ("text", "code"))
    assert (text != code).any()
    assert (generate(PaperRecipe(x), domain, 0).pore == text).all()
    with pytest.raises(SettingsError, match="read by text or code, got 'mind'"):
        PaperRecipe(x, by="mind")
    flat = generate(PaperRecipe((0.5,) * 7 + (0.0, 0.5), by="code"), Domain((1, 40, 40), 1e-6), 0).pore
    assert 0 <= flat.mean() <= 1  # one layer has no spread along its columns
