"""Approximate solves on the voxel grid, in time linear in the voxels: the preconditioners of the flow solver.

A V-cycle smooths the error on the grid, solves for what is left of it on a grid of 2x2x2 blocks in the same
way, and smooths again. Blocks take one value each, and their links are halved: they join centres twice as far
apart. Both cycles are linear and symmetric, as conjugate gradients need them.

All arrays are float32 with a rim of one cell around the cells that count; the rim and every closed cell hold
zero. `inverse` is 1 / diagonal, and 0 where a cell is closed.

References
----------
Braess (1995), Computing 55, 379 (blocks of constant value, and why their correction is enlarged).
Notay (2010), Electronic Transactions on Numerical Analysis 37, 123.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numba import njit
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

Field = NDArray[np.float32]

# of damped Jacobi steps: the inverse Chebyshev roots on [0.5, 2], the part of the spectrum that a coarser
# grid cannot represent
WEIGHTS = (np.float32(0.56), np.float32(1.39))
_HALF = np.float32(0.5)
_SMALLEST_BOX = 4  # cells along the longest edge; a box of no more is solved exactly
_DIRECT = 15_000  # nodes; a factorisation takes 0.1 ... 0.6 s there


class FaceCycle:
    """V-cycle for the Laplacian of one velocity component, zero at the walls.

    Parameters
    ----------
    inverse : ndarray of float32, shape (nz + 3, ny + 2, nx + 2)
        1 / diagonal of the faces; neighbouring open faces have a link of one.
    half_ends : bool
        The first and the last plane stand for half a cell: links within them count half.
    scratch : tuple of two ndarray of float32
        Zeros of the same shape to work in; cycles that take turns may share them.
    """

    def __init__(self, inverse: Field, half_ends: bool, scratch: tuple[Field, Field]):
        self.inverse = inverse
        self.half_ends = half_ends
        self._coarse = _coarser_boxes(inverse, half_ends)
        shapes = [level[0].shape for level in self._coarse]
        self._pairs = [scratch, *((np.zeros(s, np.float32), np.zeros(s, np.float32)) for s in shapes)]
        self._loads = [np.zeros(s, np.float32) for s in shapes]
        self._last_open, self._last_inverse = self._invert_last()

    def apply(self, u: Field, out: Field) -> None:
        """Write the Laplacian (times -1) of `u` into `out`."""
        _apply_faces(u, self.inverse, self.half_ends, out)

    def solve(self, load: Field, out: Field) -> None:
        """Write an approximate solution of apply(out) = load into `out`."""
        np.copyto(out, self._cycle(0, load))

    def _apply(self, level: int, u: Field, out: Field) -> None:
        if level == 0:
            self.apply(u, out)
        else:
            _apply(u, *self._coarse[level - 1], out)

    def _sweep(self, level: int, u: Field, load: Field, weight: np.float32, out: Field) -> None:
        if level == 0:
            _sweep_faces(u, load, self.inverse, self.half_ends, weight, out)
        else:
            _sweep(u, load, *self._coarse[level - 1], weight, out)

    def _invert_last(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the open cells of the smallest box and the inverse of its matrix."""
        level = len(self._coarse)
        u, image = self._pairs[level]
        u.fill(0)
        cells = np.flatnonzero(self._coarse[-1][0] if level else self.inverse)
        matrix = np.empty((cells.size, cells.size))
        for column, cell in enumerate(cells):
            u.flat[cell] = 1
            self._apply(level, u, image)
            u.flat[cell] = 0
            matrix[:, column] = image.flat[cells]
        return cells, np.linalg.inv(matrix)

    def _cycle(self, level: int, load: Field) -> Field:
        now, then = self._pairs[level]
        if level == len(self._coarse):
            now.fill(0)
            now.flat[self._last_open] = self._last_inverse @ load.flat[self._last_open]
            return now
        inverse = self._coarse[level - 1][0] if level else self.inverse
        np.multiply(load, inverse, out=now)
        now *= WEIGHTS[0]
        for weight in WEIGHTS[1:]:
            self._sweep(level, now, load, weight, then)
            now, then = then, now
        self._apply(level, now, then)
        np.subtract(load, then, out=then)
        below = self._loads[level]
        _add_up_blocks(then, below)
        answer = self._cycle(level + 1, below)
        _add_to_blocks(answer, inverse, now)
        for weight in WEIGHTS[::-1]:
            self._sweep(level, now, load, weight, then)
            now, then = then, now
        return now


class NodeCycle:
    """V-cycle for a network of pore voxels with different conductances of their faces.

    A block with two separate pores becomes two nodes, so pores separated by walls stay separate on all
    coarser grids; with simple blocks the cycle is ten times worse in a rock. Ends in a direct solve.

    Parameters
    ----------
    pore : ndarray of bool, shape (nz + 3, ny + 2, nx + 2)
        Where the voxels are; false on the rim, whose value stays zero.
    links : tuple of three ndarray of float32
        Conductance between each voxel and the one before it, or the rim, along z, y and x; 0 where closed.
    scratch : tuple of two ndarray of float32
        Zeros of the same shape to work in.
    """

    def __init__(
        self, pore: NDArray[np.bool_], links: tuple[Field, Field, Field], scratch: tuple[Field, Field]
    ):
        diagonal = np.zeros(pore.shape, np.float32)
        for axis, link in enumerate(links):
            diagonal += link
            before = np.moveaxis(diagonal, axis, 0)[:-1]
            before += np.moveaxis(link, axis, 0)[1:]
        diagonal[~pore] = 0
        self.inverse = _invert(diagonal)
        self.links = links
        self._scratch = scratch
        self._label = np.full(diagonal.shape, -1, np.int32)
        n = _label_blocks(self.inverse, self._label)
        most = sum(int(np.count_nonzero(link)) for link in links)
        ij, value = np.empty((2, most), np.int32), np.empty(most, np.float32)
        total, block = np.zeros(n), np.empty((n, 3), np.int64)
        found = _block_links(self._label, diagonal, *links, ij, value, total, block)
        joints = sp.coo_matrix((value[:found], ij[:, :found]), shape=(n, n)).tocsr()
        self._levels, self._solve_last = _coarser_networks(joints + joints.T, total, block)

    def apply(self, p: Field, out: Field) -> None:
        """Write the net outflow of every voxel at the values `p` into `out`."""
        _apply(p, self.inverse, *self.links, out)

    def solve(self, load: Field, out: Field) -> None:
        """Write an approximate solution of apply(out) = load into `out`."""
        now, then = self._scratch
        np.multiply(load, self.inverse, out=now)
        now *= WEIGHTS[0]
        for weight in WEIGHTS[1:]:
            _sweep(now, load, self.inverse, *self.links, weight, then)
            now, then = then, now
        self.apply(now, then)
        np.subtract(load, then, out=then)
        below = np.zeros(len(self._levels[0][1]), np.float32)
        _add_up_nodes(then, self._label, below)
        _add_to_nodes(self._cycle(0, below), self._label, now)
        for weight in WEIGHTS[:0:-1]:
            _sweep(now, load, self.inverse, *self.links, weight, then)
            now, then = then, now
        _sweep(now, load, self.inverse, *self.links, WEIGHTS[0], out)

    def _cycle(self, level: int, load: Field) -> Field:
        matrix, inverse, group = self._levels[level]
        if group is None:
            answer: Field = self._solve_last(load.astype(np.float64)).astype(np.float32)
            return answer
        x: Field = WEIGHTS[0] * inverse * load
        for weight in WEIGHTS[1:]:
            x += weight * inverse * (load - matrix @ x)
        n = len(self._levels[level + 1][1])
        x += self._cycle(level + 1, np.bincount(group, load - matrix @ x, n).astype(np.float32))[group]
        for weight in WEIGHTS[::-1]:
            x += weight * inverse * (load - matrix @ x)
        return x


def _invert(diagonal: Field) -> Field:
    """Return 1 / diagonal, and 0 where it is 0."""
    out: Field = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=diagonal > 0)
    return out


def _coarser_boxes(inverse: Field, half_ends: bool) -> list[tuple[Field, Field, Field, Field]]:
    """Return 1 / diagonal and the three links of every coarser grid of a velocity component."""
    is_open = inverse > 0
    links = [np.zeros_like(inverse) for _ in range(3)]
    for axis, link in enumerate(links):
        along = np.moveaxis(is_open, axis, 0)
        np.moveaxis(link, axis, 0)[1:] = along[1:] & along[:-1]
        if half_ends and axis > 0:
            link[[1, -2]] *= _HALF
    levels: list[tuple[Field, Field, Field, Field]] = []
    while max(inverse.shape) > _SMALLEST_BOX + 2:
        shape = tuple((n - 1) // 2 + 2 for n in inverse.shape)
        diagonal, *below = (np.zeros(shape, np.float32) for _ in range(4))
        _coarsen(inverse, *links, diagonal, *below)
        inverse = _invert(diagonal)
        links = below
        levels.append((inverse, links[0], links[1], links[2]))
    return levels


def _coarser_networks(
    joints: Any, total: NDArray[np.float64], block: NDArray[np.int64]
) -> tuple[list[tuple[Any, Field, NDArray[Any] | None]], Any]:
    """Return (matrix, 1 / diagonal, each node's next node) of every level, and the solver of the last.

    joints : sparse matrix (n, n), links between nodes; total : (n,), their diagonal, both as strong as on the
    voxels; block : (n, 3), where each node's block lies.
    """
    levels: list[tuple[Any, Field, NDArray[Any] | None]] = []
    while True:
        joints, total = 0.5 * joints, 0.5 * total
        n = len(total)
        matrix = (sp.diags(total) - joints).tocsr().astype(np.float32)
        if n > _DIRECT:
            block = block // 2
            place = np.ravel_multi_index(tuple(block.T), tuple(block.max(0) + 1))
            pairs = joints.tocoo()
            near = place[pairs.row] == place[pairs.col]
            within = sp.coo_matrix((near[near], (pairs.row[near], pairs.col[near])), shape=(n, n))
            m, group = connected_components(within, directed=False)
        if n <= _DIRECT or m > 0.9 * n:
            levels.append((matrix, (1 / total).astype(np.float32), None))
            order = {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}}
            return levels, splu(matrix.tocsc().astype(np.float64), diag_pivot_thresh=0.0, **order).solve
        levels.append((matrix, (1 / total).astype(np.float32), group))
        row, col = group[pairs.row], group[pairs.col]
        total = np.bincount(group, total, m).astype(np.float64)
        total -= np.bincount(row[near], pairs.data[near], m)
        far = ~near
        joints = sp.coo_matrix((pairs.data[far], (row[far], col[far])), shape=(m, m)).tocsr()
        first = np.zeros((m, 3), np.int64)
        first[group] = block
        block = first


@njit(cache=True, nogil=True)
def _apply_faces(u, inverse, half_ends, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = u.shape
    for k in range(1, nz - 1):
        side = np.float32(0.5 if half_ends and (k == 1 or k == nz - 2) else 1.0)
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                across = u[k, j - 1, i] + u[k, j + 1, i] + u[k, j, i - 1] + u[k, j, i + 1]
                around = side * across + (u[k - 1, j, i] + u[k + 1, j, i])
                inv = inverse[k, j, i]
                out[k, j, i] = u[k, j, i] / inv - around if inv > 0 else np.float32(0)


@njit(cache=True, nogil=True)
def _sweep_faces(u, load, inverse, half_ends, weight, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = u.shape
    keep = np.float32(1) - weight
    for k in range(1, nz - 1):
        side = np.float32(0.5 if half_ends and (k == 1 or k == nz - 2) else 1.0)
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                across = u[k, j - 1, i] + u[k, j + 1, i] + u[k, j, i - 1] + u[k, j, i + 1]
                around = side * across + (u[k - 1, j, i] + u[k + 1, j, i])
                out[k, j, i] = keep * u[k, j, i] + weight * inverse[k, j, i] * (load[k, j, i] + around)


@njit(cache=True, nogil=True)
def _apply(u, inverse, lz, ly, lx, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = u.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                along = lz[k, j, i] * u[k - 1, j, i] + lz[k + 1, j, i] * u[k + 1, j, i]
                across = ly[k, j, i] * u[k, j - 1, i] + ly[k, j + 1, i] * u[k, j + 1, i]
                beside = lx[k, j, i] * u[k, j, i - 1] + lx[k, j, i + 1] * u[k, j, i + 1]
                inv = inverse[k, j, i]
                out[k, j, i] = u[k, j, i] / inv - (along + across + beside) if inv > 0 else np.float32(0)


@njit(cache=True, nogil=True)
def _sweep(u, load, inverse, lz, ly, lx, weight, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = u.shape
    keep = np.float32(1) - weight
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                along = lz[k, j, i] * u[k - 1, j, i] + lz[k + 1, j, i] * u[k + 1, j, i]
                across = ly[k, j, i] * u[k, j - 1, i] + ly[k, j + 1, i] * u[k, j + 1, i]
                beside = lx[k, j, i] * u[k, j, i - 1] + lx[k, j, i + 1] * u[k, j, i + 1]
                around = load[k, j, i] + (along + across + beside)
                out[k, j, i] = keep * u[k, j, i] + weight * inverse[k, j, i] * around


@njit(cache=True, nogil=True)
def _coarsen(inverse, lz, ly, lx, diagonal, cz, cy, cx):  # type: ignore[no-untyped-def]
    """Add up the 2x2x2 blocks; what links two cells of a block leaves its diagonal. Halved, see above."""
    nz, ny, nx = inverse.shape
    half = np.float32(0.5)
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                inv = inverse[k, j, i]
                if inv == 0:
                    continue
                kk, jj, ii = (k + 1) // 2, (j + 1) // 2, (i + 1) // 2
                diagonal[kk, jj, ii] += half / inv
                if k % 2 == 1:
                    cz[kk, jj, ii] += half * lz[k, j, i]
                else:
                    diagonal[kk, jj, ii] -= lz[k, j, i]
                if j % 2 == 1:
                    cy[kk, jj, ii] += half * ly[k, j, i]
                else:
                    diagonal[kk, jj, ii] -= ly[k, j, i]
                if i % 2 == 1:
                    cx[kk, jj, ii] += half * lx[k, j, i]
                else:
                    diagonal[kk, jj, ii] -= lx[k, j, i]


@njit(cache=True, nogil=True)
def _add_up_blocks(fine, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = fine.shape
    out[:] = 0
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                out[(k + 1) // 2, (j + 1) // 2, (i + 1) // 2] += fine[k, j, i]


@njit(cache=True, nogil=True)
def _add_to_blocks(coarse, inverse, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = out.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                if inverse[k, j, i] > 0:
                    out[k, j, i] += coarse[(k + 1) // 2, (j + 1) // 2, (i + 1) // 2]


@njit(cache=True, nogil=True)
def _label_blocks(inverse, label):  # type: ignore[no-untyped-def]
    """Number the face-connected pieces of every 2x2x2 block; return how many there are."""
    nz, ny, nx = inverse.shape
    root = np.empty(8, np.int64)
    n = 0
    for kk in range(1, nz - 1, 2):
        for jj in range(1, ny - 1, 2):
            for ii in range(1, nx - 1, 2):
                # corner c lies at (c >> 2, c >> 1 & 1, c & 1); the rim is closed, so it may be read
                for c in range(8):
                    root[c] = c if inverse[kk + (c >> 2), jj + (c >> 1 & 1), ii + (c & 1)] > 0 else -1
                for step in (1, 2, 4):
                    for c in range(8):
                        if c & step and root[c] >= 0 and root[c - step] >= 0:
                            low, high = min(root[c], root[c - step]), max(root[c], root[c - step])
                            for other in range(8):
                                if root[other] == high:
                                    root[other] = low
                for c in range(8):
                    if root[c] == c:
                        label[kk + (c >> 2), jj + (c >> 1 & 1), ii + (c & 1)] = n
                        n += 1
                    elif root[c] >= 0:
                        r = root[c]
                        label[kk + (c >> 2), jj + (c >> 1 & 1), ii + (c & 1)] = label[
                            kk + (r >> 2), jj + (r >> 1 & 1), ii + (r & 1)
                        ]
    return n


@njit(cache=True, nogil=True)
def _block_links(label, diagonal, lz, ly, lx, ij, value, total, block):  # type: ignore[no-untyped-def]
    """List the links between pieces of blocks, each one once per face; return how many there are."""
    nz, ny, nx = label.shape
    n = 0
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                here = label[k, j, i]
                if here < 0:
                    continue
                total[here] += diagonal[k, j, i]
                block[here, 0], block[here, 1], block[here, 2] = (k - 1) // 2, (j - 1) // 2, (i - 1) // 2
                for axis in range(3):
                    if axis == 0:
                        there, link = label[k - 1, j, i], lz[k, j, i]
                    elif axis == 1:
                        there, link = label[k, j - 1, i], ly[k, j, i]
                    else:
                        there, link = label[k, j, i - 1], lx[k, j, i]
                    if link > 0 and there == here:
                        total[here] -= 2 * link
                    elif link > 0 and there >= 0:
                        ij[0, n], ij[1, n], value[n] = here, there, link
                        n += 1
    return n


@njit(cache=True, nogil=True)
def _add_up_nodes(fine, label, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = fine.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                if label[k, j, i] >= 0:
                    out[label[k, j, i]] += fine[k, j, i]


@njit(cache=True, nogil=True)
def _add_to_nodes(coarse, label, out):  # type: ignore[no-untyped-def]
    nz, ny, nx = out.shape
    for k in range(1, nz - 1):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                if label[k, j, i] >= 0:
                    out[k, j, i] += coarse[label[k, j, i]]
