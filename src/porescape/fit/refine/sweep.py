"""One sweep of wall voxel annealing, voxel by voxel.

The volume is padded by a frame as wide as the reach of the stencils, so that a neighbour is always the same
step away in memory. Gains are whole numbers: their sums do not depend on the order.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from porescape.fit.refine.topology import CELLS, is_simple
from porescape.measure.section.patterns import CODES, POINTS, Counts, Index, Patterns

BOTH = -1  # phases
UNIT = 2.0**-16  # of gains: whole numbers, so that the order of a sum cannot change a voxel
LARGEST = 2**22  # units; the sum of 27 for each of up to 8 stencils fits into int32

# the bit of a voxel in each of the nine codes of a stencil to which it belongs
_BITS = {
    "square": np.array([1 << (2 - k // 3) * 3 + 2 - k % 3 for k in range(POINTS)]),
    "row": np.array([1 << 8 - k for k in range(POINTS)]),
}


class Frame(NamedTuple):
    """A volume padded by a frame.

    Attributes
    ----------
    pore : ndarray of uint8, shape (nz + 2 reach, ny + 2 reach, nx + 2 reach)
        1 is pore.
    reach : int
    places, starts : tuple of ndarray of int, one per axis
        The voxel i along an axis is at `places[starts[i] : starts[i + 1]]` of the framed axis: once in
        the volume, and once for each copy in the frame.
    """

    pore: NDArray[np.uint8]
    reach: int
    places: tuple[Index, Index, Index]
    starts: tuple[Index, Index, Index]

    def volume(self) -> NDArray[np.uint8]:
        """Return the volume without its frame, as a view."""
        inner = slice(self.reach, -self.reach)
        return self.pore[inner, inner, inner]


def framed(pore: NDArray[np.bool_], reach: int, periodic: bool) -> Frame:
    """Pad a volume by a frame: its periodic copies, or its mirror images."""
    mode = "wrap" if periodic else "symmetric"
    places, starts = [], []
    for n in pore.shape:
        seen_at = np.pad(np.arange(n), reach, mode=mode)  # type: ignore[call-overload]
        places.append(np.argsort(seen_at, kind="stable"))
        starts.append(np.searchsorted(np.sort(seen_at), np.arange(n + 1)))
    pz, py, px = places
    sz, sy, sx = starts
    padded = np.pad(pore.astype(np.uint8), reach, mode=mode)  # type: ignore[call-overload]
    return Frame(np.ascontiguousarray(padded), reach, (pz, py, px), (sz, sy, sx))


def anneal_walls(
    frame: Frame,
    wanted: Patterns,
    counts: Counts,
    slope: NDArray[np.float64],
    visit: NDArray[np.bool_],
    phase: int = BOTH,
    price: float = 0.0,
    most: int | None = None,
) -> int:
    """Change, in place, visited wall voxels that may change and cost less than a price; return how many.

    Parameters
    ----------
    frame : Frame
    wanted : Patterns
    counts : ndarray, shape (patterns,)
        Count of each pattern; updated, except for those that a voxel and its copy in the frame share.
    slope : ndarray, shape (stencils, 512)
        Derivative of the minimised sum by the count of each code of each stencil.
    visit : ndarray of bool, shape of the volume
    phase : int
        The phase whose voxels may change, 1 for pore; or `BOTH`.
    price : float
        Largest cost of a change, in units of the slope.
    most : int, optional
        Largest number of changes.
    """
    bits = np.array([_BITS["square"]] * len(wanted.squares) + [_BITS["row"]] * len(wanted.rows))
    turned = np.arange(CODES) ^ bits[:, :, None]  # (stencils, 9, 512): the code after the voxel has changed
    gains = np.take_along_axis(slope[:, None, :], turned, axis=2) - slope[:, None, :]
    whole = np.clip(np.rint(gains / UNIT), -LARGEST, LARGEST).astype(np.int32)
    steps = wanted.squares, wanted.rows
    cost = int(min(price / UNIT, 2.0**30))
    most = visit.size if most is None else most
    return int(
        _sweep(
            frame.pore.ravel(),
            np.array(frame.pore.shape),
            frame.reach,
            frame.places,
            frame.starts,
            *steps,
            whole,
            bits,
            wanted.kinds,
            visit,
            phase,
            cost,
            most,
            counts,
            CELLS,
        )
    )


@njit(cache=True, nogil=True)
def _sweep(  # type: ignore[no-untyped-def]
    flat,
    shape,
    reach,
    places,
    starts,
    squares,
    rows,
    gains,
    bits,
    kinds,
    visit,
    phase,
    price,
    most,
    counts,
    cells,
):
    along_z, along_y = shape[1] * shape[2], shape[2]
    codes = np.empty(3 * len(gains) * POINTS, np.uint64)
    near = np.empty(27, np.bool_)
    stack, seen = np.empty(27, np.int64), np.empty(27, np.int64)
    turned = 0
    for k in range(visit.shape[0]):
        for j in range(visit.shape[1]):
            row = (k + reach) * along_z + (j + reach) * along_y + reach
            for i in range(visit.shape[2]):
                if not visit[k, j, i]:
                    continue
                at = row + i
                own = flat[at]
                if phase != BOTH and own != phase:
                    continue
                if (
                    flat[at - 1] == own
                    and flat[at + 1] == own
                    and flat[at - along_y] == own
                    and flat[at + along_y] == own
                    and flat[at - along_z] == own
                    and flat[at + along_z] == own
                ):
                    continue
                _read_codes(flat, at, along_z, along_y, squares, rows, codes)
                if _gain(codes, gains) >= price:
                    continue
                for n in range(27):
                    near[n] = flat[at + (n // 9 - 1) * along_z + (n // 3 % 3 - 1) * along_y + n % 3 - 1] == 1
                if not is_simple(near, cells, stack, seen):
                    continue
                _turn(flat, along_z, along_y, places, starts, k, j, i)
                _count_change(codes, bits, kinds, counts)
                turned += 1
                if turned == most:
                    return turned
    return turned


@njit(cache=True, nogil=True)
def _gain(codes, gains):  # type: ignore[no-untyped-def]
    """Return the change of the minimised sum if the voxel changes, in units."""
    total = np.int32(0)
    n = np.uint64(0)
    for stencil in range(np.uint64(gains.shape[0])):
        for _ in range(3):
            for k in range(np.uint64(POINTS)):
                total += gains[stencil, k, codes[n]]
                n += np.uint64(1)
    return total


@njit(cache=True, nogil=True)
def _turn(flat, along_z, along_y, places, starts, k, j, i):  # type: ignore[no-untyped-def]
    """Change a voxel, and its copies in the frame."""
    for z in range(starts[0][k], starts[0][k + 1]):
        for y in range(starts[1][j], starts[1][j + 1]):
            for x in range(starts[2][i], starts[2][i + 1]):
                at = places[0][z] * along_z + places[1][y] * along_y + places[2][x]
                flat[at] = 1 - flat[at]


@njit(cache=True, nogil=True)
def _count_change(codes, bits, kinds, counts):  # type: ignore[no-untyped-def]
    n = 0
    for stencil in range(len(kinds)):
        for _ in range(3):
            for k in range(POINTS):
                code = np.int64(codes[n])
                counts[kinds[stencil, code]] -= 1
                counts[kinds[stencil, code ^ bits[stencil, k]]] += 1
                n += 1


@njit(cache=True, nogil=True)
def _read_codes(flat, at, along_z, along_y, squares, rows, codes):  # type: ignore[no-untyped-def]
    """Write the codes of all stencils that contain a voxel: nine for each stencil and axis."""
    n = 0
    for step in squares:
        _read_square(flat, at, along_y * step, step, codes, n)
        _read_square(flat, at, along_z * step, step, codes, n + 9)
        _read_square(flat, at, along_z * step, along_y * step, codes, n + 18)
        n += 27
    for step in rows:
        _read_row(flat, at, along_z * step, codes, n)
        _read_row(flat, at, along_y * step, codes, n + 9)
        _read_row(flat, at, step, codes, n + 18)
        n += 27


@njit(cache=True, nogil=True)
def _read_square(flat, at, down, right, codes, n):  # type: ignore[no-untyped-def]
    """Read 5x5 points around the voxel, row by row, and cut nine squares of 3x3 out of them."""
    first = second = np.uint64(0)
    for r in range(5):
        begin = at + (r - 2) * down - 2 * right
        bits = np.uint64(0)
        for c in range(5):
            bits |= np.uint64(flat[np.uint64(begin + c * right)]) << np.uint64(c)
        if r >= 2:
            for c in range(3):
                move = np.uint64(c)
                seven = np.uint64(7)
                codes[np.uint64(n + (r - 2) * 3 + c)] = (
                    (first >> move & seven)
                    | (second >> move & seven) << np.uint64(3)
                    | (bits >> move & seven) << np.uint64(6)
                )
        first, second = second, bits


@njit(cache=True, nogil=True)
def _read_row(flat, at, right, codes, n):  # type: ignore[no-untyped-def]
    """Read 17 points centred on the voxel and cut nine rows of nine out of them."""
    bits = np.uint64(0)
    for c in range(17):
        bits |= np.uint64(flat[np.uint64(at + (c - 8) * right)]) << np.uint64(c)
    for c in range(9):
        codes[np.uint64(n + c)] = bits >> np.uint64(c) & np.uint64(511)
