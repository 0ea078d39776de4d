"""The second renderer judges segmentations: its truth is the volume's own plane, its bytes repeat."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "bench" / "mask"))

from second_renderer import render


@pytest.fixture(scope="module")
def balls() -> np.ndarray:
    z, y, x = np.indices((40, 64, 64)) % 20 - 9.5
    return np.roll(x**2 + y**2 + z**2 < 8.5**2, 8, axis=0)


@pytest.mark.parametrize("kind", ["secondary", "backscattered", "fracture"])
def test_a_seed_is_a_picture(balls: np.ndarray, kind: str) -> None:
    first, again, other = (render(balls, 0, 11.0, np.random.default_rng(s), kind) for s in (1, 1, 2))
    assert first.grey.tobytes() == again.grey.tobytes()
    assert first.look == again.look
    assert first.grey.tobytes() != other.grey.tobytes()
    assert first.look["kind"] == kind


@pytest.mark.parametrize("kind", ["secondary", "backscattered", "fracture"])
def test_the_truth_is_the_plane_of_the_volume(balls: np.ndarray, kind: str) -> None:
    rendered = render(balls, 3, 11.0, np.random.default_rng(0), kind)
    assert np.array_equal(rendered.solid, ~balls[3])
    assert set(np.unique(rendered.grey)) <= set(range(256))


@pytest.mark.parametrize("seed", range(4))
def test_backscattered_electrons_come_from_the_solid_of_the_plane_above_all(
    balls: np.ndarray, seed: int
) -> None:
    rendered = render(balls, 0, 11.0, np.random.default_rng(seed), "backscattered")
    assert rendered.grey[rendered.solid].mean() > rendered.grey[~rendered.solid].mean()
