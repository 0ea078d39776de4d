"""Small patterns of a section: how often each local pattern of pore and solid occurs in it.

Two kinds of stencils, each at several distances between its points: squares of 3x3 points, which describe the
curvature of walls, and rows of nine, which describe chords and the gaps between them. Patterns that are
rotations or mirror images of each other are counted together. Such counts are what multiple-point statistics
calls pattern histograms (Strebelle 2002); Zhu, Wu and Mumford (1998) match similar histograms in textures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.measure.section.texture import unit_of

POINTS = 9  # of either stencil
CODES = 2**POINTS
SQUARE = tuple((a, b) for a in (-1, 0, 1) for b in (-1, 0, 1))
ROW = tuple((0, b) for b in range(-4, 5))
TURNS = tuple(((p, 0), (0, q)) for p in (1, -1) for q in (1, -1)) + tuple(
    ((0, p), (q, 0)) for p in (1, -1) for q in (1, -1)
)

FINE = (1, 2)  # voxels between points, of squares and of rows
COARSE = (0.4, 0.7, 1.1, 1.6)  # the same of further squares, in lengths of the material
RARE = 1e-3  # share below which relative errors of a pattern's share are less important

Counts = NDArray[np.float64]  # (patterns,)
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """The patterns that are counted.

    Attributes
    ----------
    squares, rows : ndarray of int
        Distances between neighbouring points of the stencils [voxels].
    kinds : ndarray of int, shape (stencils, 512)
        Number of the pattern that a stencil with these nine points (bit k: point k is pore) shows; squares
        first, then rows.
    """

    squares: Index
    rows: Index
    kinds: Index

    @property
    def count(self) -> int:
        """Number of patterns of all stencils together."""
        return int(self.kinds.max()) + 1

    @property
    def reach(self) -> int:
        """Largest distance of voxels that share a stencil with a voxel [voxels]."""
        return int(max(2 * self.squares.max(), 8 * self.rows.max()))


def patterns(squares: list[int], rows: list[int]) -> Patterns:
    """Return the patterns of squares and rows with these distances between points [voxels]."""
    kinds, first = [], 0
    for points in (*[SQUARE] * len(squares), *[ROW] * len(rows)):
        own = _kinds(points)
        kinds.append(first + own)
        first += int(own.max()) + 1
    return Patterns(np.array(squares), np.array(rows), np.array(kinds))


def patterns_for(pore: NDArray[np.bool_], room: int) -> Patterns:
    """Return the patterns for a material: fine ones, and coarse ones as large as its pores.

    Parameters
    ----------
    pore : ndarray of bool, shape (ny, nx)
        A section of it.
    room : int
        Largest width of a third of a square, and of three eighths of a row [voxels].
    """
    unit = unit_of(pore[None])
    squares = sorted({*FINE, *(max(round(length * unit), 1) for length in COARSE)})
    return patterns([step for step in squares if step <= room], [step for step in FINE if 3 * step <= room])


def pattern_distance(shares: Counts, target: Counts) -> float:
    """Return the pattern mismatch, the sum of (p - q)² / (q + `RARE`) over the shares of patterns."""
    return float(((shares - target) ** 2 / (target + RARE)).sum())


def _kinds(points: tuple[tuple[int, int], ...]) -> Index:
    """Number the patterns of a stencil; rotations and mirror images have the same number."""
    codes = np.arange(CODES)
    least = codes
    for (p, q), (r, s) in TURNS:
        turned = [(p * a + q * b, r * a + s * b) for a, b in points]
        if set(turned) == set(points):
            moved = sum((codes >> k & 1) << points.index(one) for k, one in enumerate(turned))
            least = np.minimum(least, moved)
    return np.asarray(np.unique(least, return_inverse=True)[1], dtype=np.int64)


def shares_in_section(pore: NDArray[np.bool_], wanted: Patterns) -> Counts:
    """Return how often each pattern occurs in a section; those of one stencil add up to 1.

    Parameters
    ----------
    pore : ndarray of bool, shape (ny, nx)
        At least as wide as the widest stencil. Only stencils wholly inside are counted.
    wanted : Patterns
    """
    flat = np.ascontiguousarray(pore).view(np.uint8).ravel()
    ny, nx = pore.shape
    down, right = np.arange(ny) * nx, np.arange(nx)
    shares = np.zeros(wanted.count)
    for kinds, step, is_row in _stencils(wanted):
        counts = np.zeros(wanted.count)
        if is_row:
            _count_rows(flat, 0, down, 0, ny, right, 4 * step, nx - 4 * step, step, kinds, counts)
            _count_rows(flat, 0, right, 0, nx, down, 4 * step, ny - 4 * step, step, kinds, counts)
        else:
            _count_squares(flat, 0, down, step, ny - step, right, step, nx - step, step, kinds, counts)
        shares += counts / counts.sum()
    return shares


def counts_in_volume(pore: NDArray[np.uint8], wanted: Patterns, periodic: bool) -> Counts:
    """Return how often each pattern occurs in the sections of a volume along its three axes.

    Each stencil is centred once on every voxel along each axis, 3 * voxels times in all (rows half of that
    in each of their directions); beyond the faces the volume continues periodically or as its mirror image.
    """
    flat, reach = pore.ravel(), wanted.reach
    offsets = _offsets_along(pore.shape, reach, periodic)
    counts = np.zeros(wanted.count)
    for kinds, step, is_row in _stencils(wanted):
        for axis in range(3):
            first, second = (a for a in range(3) if a != axis)
            order = (first, second, axis) if is_row else (axis, first, second)
            _count_planes(flat, *(offsets[a] for a in order), reach, step, is_row, kinds, counts)
    return counts


def _offsets_along(shape: tuple[int, ...], reach: int, periodic: bool) -> tuple[Index, Index, Index]:
    """Return for each axis where in the flat array the voxels from -reach to n + reach lie."""
    mode = "wrap" if periodic else "symmetric"
    nz, ny, nx = (np.pad(np.arange(n), reach, mode=mode) for n in shape)  # type: ignore[call-overload]
    return nz * shape[1] * shape[2], ny * shape[2], nx


def _stencils(wanted: Patterns) -> Iterator[tuple[Index, int, bool]]:
    steps = [*wanted.squares.tolist(), *wanted.rows.tolist()]
    for n, (kinds, step) in enumerate(zip(wanted.kinds, steps, strict=True)):
        yield kinds, step, n >= len(wanted.squares)


@njit(cache=True, nogil=True)
def _count_squares(flat, base, down, top, bottom, right, begin, end, step, kinds, counts):  # type: ignore[no-untyped-def]
    """Count squares centred on the places top..bottom, begin..end of one plane."""
    for j in range(top, bottom):
        for i in range(begin, end):
            code = np.int64(0)
            for k in range(POINTS):
                at = base + down[j + (k // 3 - 1) * step] + right[i + (k % 3 - 1) * step]
                code |= np.int64(flat[at]) << k
            counts[kinds[code]] += 1


@njit(cache=True, nogil=True)
def _count_rows(flat, base, down, top, bottom, right, begin, end, step, kinds, counts):  # type: ignore[no-untyped-def]
    """Count rows along `right` centred on the places top..bottom, begin..end of one plane."""
    for j in range(top, bottom):
        for i in range(begin, end):
            code = np.int64(0)
            for k in range(POINTS):
                code |= np.int64(flat[base + down[j] + right[i + (k - 4) * step]]) << k
            counts[kinds[code]] += 1


@njit(cache=True, nogil=True)
def _count_planes(flat, across, down, right, reach, step, is_row, kinds, counts):  # type: ignore[no-untyped-def]
    """Count squares or rows centred on every voxel of a volume, plane by plane."""
    bottom, end = len(down) - reach, len(right) - reach
    for k in range(reach, len(across) - reach):
        if is_row:
            _count_rows(flat, across[k], down, reach, bottom, right, reach, end, step, kinds, counts)
        else:
            _count_squares(flat, across[k], down, reach, bottom, right, reach, end, step, kinds, counts)
