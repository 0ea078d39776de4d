"""The materials that a mask is taught and judged with: what each must be, and that thin walls hold."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.ndimage import label

MASK = Path(__file__).resolve().parents[1] / "bench" / "mask"
sys.path.insert(0, str(MASK))
try:
    materials: ModuleType = importlib.import_module("materials")
finally:
    sys.path.remove(str(MASK))
NAMES = [material.name for material in materials.MATERIALS]
PORES, SOLID = True, False


@pytest.mark.parametrize("name", NAMES)
def test_a_piece_has_both_phases_its_porosity_and_always_the_same_bytes(name: str) -> None:
    material = materials.by_name(name)
    pore, again = (materials.draw(material, np.random.default_rng(3), side=48) for _ in range(2))
    assert pore.dtype == bool
    assert pore.shape[1:] == (48, 48)
    assert materials.DEPTHS[0] <= len(pore) <= materials.DEPTHS[1]
    low, high = material.porosities
    assert low - 0.02 <= pore.mean() <= high + 0.02
    assert np.array_equal(pore, again)


def test_names_are_unique_and_porosities_cover_what_is_met() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert min(material.porosities[0] for material in materials.MATERIALS) <= 0.1
    assert max(material.porosities[1] for material in materials.MATERIALS) >= 0.95


def test_swapped_and_rescaled_kinds_are_left_out_together() -> None:
    group = {material.name: material.group for material in materials.MATERIALS}
    assert group["spinodal"] == group["spinodal_swapped"]
    assert group["overlapping_balls"] == group["ball_pores"]
    assert group["packed_balls"] == group["packed_pores"]


@pytest.mark.parametrize(
    ("name", "feature", "porosity"),
    [("closed_even", 9.0, 0.55), ("closed_even", 24.0, 0.78), ("closed_round", 9.0, 0.5)],
)
def test_thin_walls_of_closed_cells_are_nowhere_broken(name: str, feature: float, porosity: float) -> None:
    pore = materials.by_name(name).make((48, 64, 64), feature, porosity, np.random.default_rng(0))
    clusters, _ = label(pore)
    largest = np.bincount(clusters.ravel())[1:].max()
    assert largest < 6 * (feature / 0.74) ** 3  # of the order of a cell, not of the box


def test_windows_open_cells() -> None:
    pore = materials.by_name("half_open_even").make((48, 64, 64), 20.0, 0.75, np.random.default_rng(0))
    clusters, _ = label(pore)
    assert np.bincount(clusters.ravel())[1:].max() > 0.5 * pore.sum()


def test_the_feature_is_about_the_mean_chord_of_the_pores() -> None:
    for name in ("spinodal", "overlapping_balls", "closed_even", "fibres_any", "gyroid"):
        material = materials.by_name(name)
        pore = material.make((32, 64, 64), 9.0, material.porosities[0], np.random.default_rng(1))
        assert materials.mean_chords(pore)[0] == pytest.approx(9, rel=0.4), name


def test_a_rod_and_a_disc_are_as_far_as_geometry_says() -> None:
    middle, up = np.array([[16.0, 16.0, 16.5]]), np.array([[1.0, 0.0, 0.0]])
    rod = materials.solids((32, 32, 32), middle, 2.0, up, half_lengths=5.0)
    disc = materials.solids((32, 32, 32), middle, 2.0, up, disc_radii=5.0)
    assert rod[25, 15, 16] == pytest.approx(np.hypot(4.5, 0.5) - 2, abs=0.6)
    assert rod[16, 22, 16] == pytest.approx(np.hypot(6.5, 0) - 2, abs=1e-5)
    assert disc[22, 16, 16] == pytest.approx(6.5 - 2, abs=1e-5)
    assert disc[16, 27, 16] == pytest.approx(np.hypot(11.5 - 5, 0.5) - 2, abs=1e-5)
