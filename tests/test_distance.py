"""The generator's distance transforms against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.spatial import cKDTree

from porescape.distance import distance_to_points, signed_squared_distance, signed_squared_distance_2d

ALL = (True, True, True)


def brute_force(phase: np.ndarray, cap: int) -> np.ndarray:
    """Signed squared distance on a torus, from SciPy's transform of 3 x 3 x 3 periods."""
    tiled = np.tile(phase, (3, 3, 3))
    inner = tuple(slice(n, 2 * n) for n in phase.shape)
    far = float(cap)

    def squared(mask: np.ndarray) -> np.ndarray:
        if mask.all():
            return np.full(mask.shape, far**2)
        return np.minimum(np.rint(ndimage.distance_transform_edt(mask) ** 2), far**2)

    return (np.where(tiled, squared(tiled), -squared(~tiled)))[inner]


def test_the_distance_to_a_flat_wall_is_known() -> None:
    phase = np.zeros((4, 4, 20), dtype=bool)
    phase[..., 10:] = True  # walls at 9|10 and, around the corner, at 19|0
    row = signed_squared_distance(phase, 8, ALL)[2, 2]
    assert row.tolist() == [-(d**2) for d in (1, 2, 3, 4, 5, 5, 4, 3, 2, 1)] + [
        d**2 for d in (1, 2, 3, 4, 5, 5, 4, 3, 2, 1)
    ]


@given(phase=arrays(bool, st.tuples(*[st.integers(2, 7)] * 3)), cap=st.integers(2, 6))
def test_periodic_distances_equal_brute_force(phase: np.ndarray, cap: int) -> None:
    assert np.array_equal(signed_squared_distance(phase, cap, ALL), brute_force(phase, cap))


@pytest.mark.parametrize("cap", [9, 130])  # 130 needs wider integers
def test_a_piece_with_context_has_the_distances_of_the_whole(cap: int) -> None:
    phase = np.random.default_rng(0).random((12, 16, 2 * cap + 30)) < 0.01
    whole = signed_squared_distance(phase, cap, ALL)
    piece = signed_squared_distance(phase[..., 5 : 25 + 2 * cap], cap, (True, True, False))
    assert np.array_equal(piece, whole[..., 5 + cap : 25 + cap])
    assert whole.max() <= cap**2


@given(phase=arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_section_distances_equal_scipy(phase: np.ndarray) -> None:
    found = signed_squared_distance_2d(phase)
    if phase.all() or not phase.any():
        assert (np.abs(found) == sum(phase.shape) ** 2).all()
        return
    expected = np.where(
        phase, ndimage.distance_transform_edt(phase) ** 2, -(ndimage.distance_transform_edt(~phase) ** 2)
    )
    assert np.array_equal(found, np.rint(expected))


@pytest.mark.parametrize("count", [1, 5, 60, 900])
def test_distances_to_points_equal_a_tree_search(count: int) -> None:
    rng = np.random.default_rng(count)
    start, shape = np.array([-3, 5, 40]), np.array([37, 20, 50])
    points = (rng.integers(-80, 600, size=(3, count)) / 8).astype(np.float32)
    found = distance_to_points(points, start, shape, 25.0, np.float32(0), np.float32(1))
    voxels = np.stack(np.meshgrid(*map(np.arange, start, start + shape), indexing="ij"), axis=-1)
    expected = np.minimum(cKDTree(points.T).query(voxels)[0], 25.0)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_without_points_everything_is_as_far_as_the_cap() -> None:
    found = distance_to_points(
        np.empty((3, 0), np.float32), np.zeros(3, int), np.array([5, 9, 9]), 7.0, np.float32(1), np.float32(2)
    )
    assert (found == (7.0 - 1) * 2).all()
