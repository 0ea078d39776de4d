"""The graphics card: found, checked for exact arithmetic and free memory, or refused with a reason."""

import numpy as np

from porescape.core.domain import Domain
from porescape.core.recipe import Recipe
from porescape.errors import MissingExtra, SettingsError
from porescape.synthesis.gpu.arrays import Space, to_host
from porescape.synthesis.gpu.generate import card_bytes
from porescape.synthesis.smoothing import SAMPLE_MAX, smoothing_matrix
from porescape.units import format_shape

LEAVE_OUT = 'leave out device="gpu" (--device gpu) to work on the CPU, which makes the same bytes'


def open_card() -> Space:
    """Return CuPy, with a card that computes exactly.

    Raises
    ------
    MissingExtra
        CuPy is not installed.
    SettingsError
        There is no card, it cannot be used, or its arithmetic is not exact.
    """
    try:
        import cupy
    except ImportError as error:
        raise MissingExtra(
            f'a graphics card needs one more package: pip install "porescape[gpu]"; or {LEAVE_OUT}'
        ) from error
    try:
        if not cupy.cuda.is_available():
            raise SettingsError(f"CuPy finds no CUDA card with a working driver; {LEAVE_OUT}")
        check_exact(cupy)
    except (
        RuntimeError,
        ImportError,
        OSError,
    ) as error:  # the driver is too old, or libraries of CUDA are missing
        raise SettingsError(f"CuPy cannot use the card: {error}; {LEAVE_OUT}") from error
    return cupy


def check_exact(xp: Space) -> None:
    """Refuse arithmetic that would silently give other bytes: rounded products, inexact roots."""
    weights = smoothing_matrix(range(96), 1.0, 1, -16, 128)
    samples = np.arange(128 * 512) * 1009 % (2 * SAMPLE_MAX + 1) - SAMPLE_MAX
    longest = 2**24 - 1 - np.arange(128 * 512)
    same = np.eye(128, dtype=np.float32)
    exact = True
    for matrix, field in ((weights, samples.reshape(128, 512)), (same, longest.reshape(128, 512))):
        stack = np.stack([field, -field])  # cuBLAS has other routines for stacks
        for factor in (field, stack):
            found = xp.asarray(matrix) @ xp.asarray(factor.astype(np.float32))
            exact &= np.array_equal(to_host(xp, found), matrix.astype(np.int64) @ factor)
    squares = np.arange(2**16, dtype=np.float32) / np.float32(64)
    exact &= np.array_equal(to_host(xp, xp.sqrt(xp.asarray(squares))), np.sqrt(squares))
    if not exact:
        raise SettingsError(
            "the card's float32 is not exact, so structures would differ from the CPU's; unset CUPY_TF32, "
            f"which shortens products, if it is set; or {LEAVE_OUT}"
        )


def check_room(cupy: Space, recipe: Recipe, domain: Domain) -> None:
    """Refuse a box that clearly does not fit into the card's memory."""
    free = cupy.cuda.runtime.memGetInfo()[0] + cupy.get_default_memory_pool().free_bytes()
    need = card_bytes(recipe, domain)
    if need > free:
        raise SettingsError(
            f"{format_shape(domain.shape, 'x')} voxels need about {need / 1e9:.1f} GB on the card, and "
            f"{free / 1e9:.1f} GB are free; choose a smaller box, or {LEAVE_OUT}"
        )
