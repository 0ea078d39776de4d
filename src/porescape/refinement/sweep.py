"""One sweep of the refinement, voxel by voxel."""

import numpy as np
from numba import njit

from porescape.refinement.patterns import POINTS
from porescape.refinement.topology import is_simple

BOTH = -1  # phases

# the bit of a voxel in the nine codes of a stencil in which it is a point
IN_SQUARES = np.array([1 << (2 - k // 3) * 3 + 2 - k % 3 for k in range(POINTS)])
IN_ROWS = np.array([1 << 8 - k for k in range(POINTS)])


@njit(cache=True, nogil=True)
def move_walls(flat, offsets, reach, squares, rows, slope, kinds, visit, phase, price, most, counts, cells):  # type: ignore[no-untyped-def]
    """Turn, in place, visited voxels at walls that cost less than a price and may turn; return how many.

    `phase` is the phase that may turn, 1 for pore, or `BOTH`; no more than `most` turn. `offsets` are
    those of `patterns.offsets_along`, `slope` the derivative of what is to fall by the count of each code
    of each stencil, `counts` the patterns' counts, which are kept up to date.
    """
    down, along, right = offsets
    nz, ny, nx = len(down) - 2 * reach, len(along) - 2 * reach, len(right) - 2 * reach
    stencils = 3 * (len(squares) + len(rows))
    codes = np.empty(stencils * POINTS, np.int64)
    near = np.empty(27, np.bool_)
    stack, seen = np.empty(27, np.int64), np.empty(27, np.int64)
    turned = 0
    for k in range(reach, reach + nz):
        for j in range(reach, reach + ny):
            row = down[k] + along[j]
            for i in range(reach, reach + nx):
                at = row + right[i]
                if not visit[at]:
                    continue
                own = flat[at]
                if phase != BOTH and own != phase:
                    continue
                if (
                    flat[row + right[i - 1]] == own
                    and flat[row + right[i + 1]] == own
                    and flat[down[k] + along[j - 1] + right[i]] == own
                    and flat[down[k] + along[j + 1] + right[i]] == own
                    and flat[down[k - 1] + along[j] + right[i]] == own
                    and flat[down[k + 1] + along[j] + right[i]] == own
                ):
                    continue
                _read_codes(flat, down, along, right, k, j, i, squares, rows, codes)
                if _change(codes, len(squares), slope) >= price:
                    continue
                for n in range(27):
                    near[n] = (
                        flat[down[k + n // 9 - 1] + along[j + n // 3 % 3 - 1] + right[i + n % 3 - 1]] == 1
                    )
                if not is_simple(near, cells, stack, seen):
                    continue
                flat[at] = 1 - own
                _count_change(codes, len(squares), kinds, counts)
                turned += 1
                if turned == most:
                    return turned
    return turned


@njit(cache=True, nogil=True)
def _change(codes, squares, slope):  # type: ignore[no-untyped-def]
    """Return what turning the voxel adds to chi-square, in proportion."""
    total = np.float32(0)
    n = np.uint64(0)
    for stencil in range(len(slope)):
        bits = IN_SQUARES if stencil < squares else IN_ROWS
        table = slope[stencil]
        for _ in range(3):
            for k in range(POINTS):
                code = np.uint64(codes[n])
                total += table[code ^ np.uint64(bits[k])] - table[code]
                n += np.uint64(1)
    return total


@njit(cache=True, nogil=True)
def _count_change(codes, squares, kinds, counts):  # type: ignore[no-untyped-def]
    n = 0
    for stencil in range(len(kinds)):
        bits = IN_SQUARES if stencil < squares else IN_ROWS
        for _ in range(3):
            for k in range(POINTS):
                counts[kinds[stencil, codes[n]]] -= 1
                counts[kinds[stencil, codes[n] ^ bits[k]]] += 1
                n += 1


@njit(cache=True, nogil=True)
def _read_codes(flat, down, along, right, k, j, i, squares, rows, codes):  # type: ignore[no-untyped-def]
    """Write the codes of all stencils that a voxel is a point of: nine for each stencil and axis."""
    n = 0
    for step in squares:
        _read_square(flat, down[k], along, j, right, i, step, codes, n)
        _read_square(flat, along[j], down, k, right, i, step, codes, n + 9)
        _read_square(flat, right[i], down, k, along, j, step, codes, n + 18)
        n += 27
    for step in rows:
        _read_row(flat, along[j] + right[i], down, k, step, codes, n)
        _read_row(flat, down[k] + right[i], along, j, step, codes, n + 9)
        _read_row(flat, down[k] + along[j], right, i, step, codes, n + 18)
        n += 27


@njit(cache=True, nogil=True)
def _read_square(flat, base, down, j, right, i, step, codes, n):  # type: ignore[no-untyped-def]
    """Read 5x5 points around the voxel, row by row, and cut nine squares of 3x3 out of them."""
    first = second = np.int64(0)
    for r in range(5):
        at = base + down[j + (r - 2) * step]
        bits = np.int64(0)
        for c in range(5):
            bits |= np.int64(flat[np.uint64(at + right[i + (c - 2) * step])]) << c
        if r >= 2:
            for c in range(3):
                codes[n + (r - 2) * 3 + c] = (first >> c & 7) | (second >> c & 7) << 3 | (bits >> c & 7) << 6
        first, second = second, bits


@njit(cache=True, nogil=True)
def _read_row(flat, base, right, i, step, codes, n):  # type: ignore[no-untyped-def]
    """Read 17 points centred on the voxel and cut nine rows of nine out of them."""
    bits = np.int64(0)
    for c in range(17):
        bits |= np.int64(flat[np.uint64(base + right[i + (c - 8) * step])]) << c
    for c in range(9):
        codes[n + c] = bits >> c & 511
