"""The texture of small crops of a section: about two hundred features with names.

Every number is the same for the eight rotations and mirror images of a crop, and depends on nothing
outside it. Lengths are in proportion to a unit of the material, so the numbers suit fine and coarse grids.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import label

from porescape.distance import fill_signed_squared_distance_2d
from porescape.measure.section.describe import describe

Crops = NDArray[np.bool_]  # (crops, n, n)
Column = NDArray[np.float64]  # (crops,)
Named = Iterator[tuple[str, Column]]

LAGS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 4.0)  # unit lengths
RINGS = (0.2, 0.4, 0.6, 1.0)  # radii of the eight neighbours
BALLS = (0.2, 0.4, 0.6, 0.9)  # radii of openings, from noise to bodies
SQUARES = (0.4, 0.8)  # half edges of the squares in which the curvature of a wall is measured
PHASES = ("pore", "solid")
TINY = 1e-9  # in place of the share of an absent phase
BENDS = (0.3, 0.38, 0.45, 0.5, 0.55, 0.62, 0.7)  # pore shares in such a square: 0.5 is a straight wall


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """Features of a stack of crops.

    Attributes
    ----------
    groups : tuple of str
        Kind of each number, among the names of `GROUPS`; numbers of one kind are neighbours.
    words : tuple of str
        Description of each number.
    values : ndarray of float64, shape (crops, numbers)
    """

    groups: tuple[str, ...]
    words: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, group: str) -> NDArray[np.float64]:
        """Return the numbers of one group, shape (crops, n)."""
        return self.values[:, [name == group for name in self.groups]]


def texture(crops: Crops, unit: float, without: Collection[str] = ()) -> Texture:
    """Describe crops of one size.

    Parameters
    ----------
    crops : ndarray of bool, shape (crops, n, n)
        True in the pores. The porosity of squares inside a crop needs an edge with small divisors.
    unit : float
        Unit of length [pixels], such as `unit_of`; it must be the same in all comparisons.
    without : collection of str
        Groups to leave out, by the names of `GROUPS`.

    References
    ----------
    Torquato (2002), Random Heterogeneous Materials (correlations of two and three points, clusters,
    lines); Ojala, Pietikäinen and Mäenpää (2002), IEEE Trans. Pattern Anal. Mach. Intell. 24, 971-987
    (local binary patterns, here with integer offsets and both phases in the middle); Serra (1982),
    Image Analysis and Mathematical Morphology (openings).
    """
    crops = np.ascontiguousarray(crops, dtype=np.bool_)
    seen = _Seen(crops, unit)
    groups, words, columns = [], [], []
    for group, numbers in GROUPS.items():
        if group in without:
            continue
        for name, column in numbers(seen):
            groups.append(group)
            words.append(name)
            columns.append(column)
    return Texture(tuple(groups), tuple(words), np.stack(columns, axis=1))


def unit_of(windows: NDArray[np.bool_]) -> float:
    """Return 2*phi*(1-phi) / (phase changes per pixel step) [pixels], the length of Debye et al. (1957)."""
    seen = describe(windows, 1.0, 2)
    porosity = seen.porosity.mean()
    return float(2 * porosity * (1 - porosity) / max(seen.interface.mean(), 1e-9))


class _Seen:
    """Crops, and intermediate results that several groups need."""

    def __init__(self, crops: Crops, unit: float) -> None:
        self.crops = crops
        self.edge = crops.shape[-1]
        self.unit = unit
        self.square = np.empty(crops.shape, dtype=np.int32)  # signed squared distances to the wall
        _fill_distances(crops, self.square)
        self.pieces = {  # pores meet at corners, solid does not, so that no wall crosses a channel
            "pore": _label(crops, diagonal=True),
            "solid": _label(~crops, diagonal=False),
        }
        self.described = describe(crops, 1.0, max(self.steps(LAGS)) + 2)
        pore = self.described.porosity
        self.share = {"pore": pore, "solid": 1 - pore}

    def steps(self, multiples: tuple[float, ...]) -> list[int]:
        """Return lengths in whole pixels, without duplicates, all shorter than half a crop."""
        whole = {min(max(round(one * self.unit), 1), self.edge // 2 - 1) for one in multiples}
        return sorted(whole)

    def per_area(self, counts: NDArray[Any]) -> Column:
        """Return counts per crop as counts per square unit of length."""
        return np.asarray(counts * (self.unit / self.edge) ** 2, dtype=np.float64)


def _porosity(seen: _Seen) -> Named:
    yield "porosity", seen.share["pore"]
    divisors = np.array([d for d in range(2, seen.edge // 3 + 1) if seen.edge % d == 0])
    wanted = (1.0 * seen.unit, 2.0 * seen.unit, 3.0 * seen.unit)
    for step in sorted({int(divisors[np.abs(divisors - one).argmin()]) for one in wanted if divisors.size}):
        n = seen.edge // step
        inner = seen.crops.view(np.uint8).reshape(-1, n, step, n, step)
        local = inner.sum(axis=(2, 4)).reshape(len(inner), -1) / step**2
        yield f"scatter of the porosity between squares of {step} pixels", local.std(axis=1)
        yield f"squares of {step} pixels that are nearly all pore", (local > 0.95).mean(axis=1)
        yield f"squares of {step} pixels that are nearly all solid", (local < 0.05).mean(axis=1)


def _pairs(seen: _Seen) -> Named:
    for lag in seen.steps(LAGS):
        yield f"pairs {lag} pixels apart in different phases", _differ(seen.crops, lag, 0)
    for lag in seen.steps(LAGS[:6]):
        yield f"pairs {lag} diagonal steps apart in different phases", _differ(seen.crops, lag, lag)


def _differ(crops: Crops, along: int, across: int) -> Column:
    out = np.empty(len(crops))
    _count_pairs(crops, along, across, out)
    return out


def _lines(seen: _Seen) -> Named:
    for phase in PHASES:
        lineal = getattr(seen.described, f"lineal_{phase}")
        for length in seen.steps(LAGS)[1:]:
            yield f"straight lines of {length} pixels in the {phase}", lineal[:, length - 1]


def _distances(seen: _Seen) -> Named:
    for phase in PHASES:
        within = getattr(seen.described, f"distance_{phase}")
        own = np.maximum(within[:, -1], TINY)
        for reach in seen.steps(LAGS[:7]):
            yield f"{phase} at most {reach} pixels from the wall", within[:, reach - 1] / own


def _neighbourhoods(seen: _Seen) -> Named:
    for r in seen.steps(RINGS):
        counts = np.zeros((len(seen.crops), 20))
        _count_rings(seen.crops, r, max(round(r / sqrt(2)), 1), PATTERN, counts)
        counts /= (seen.edge - 2 * r) ** 2
        for kind in range(20):
            phase, other = PHASES if kind < 10 else PHASES[::-1]
            if kind % 10 == 9:
                words = f"{phase} pixels with {other} on several sides at {r} pixels"
            else:
                words = f"{phase} pixels with {kind % 10} of 8 neighbours at {r} pixels in {other}"
            yield words, counts[:, kind]


def _patterns() -> NDArray[np.int64]:
    """Return the kind of each ring of eight bits: how many are set if they are in one run, else 9."""
    kinds = []
    for code in range(256):
        bits = [code >> k & 1 for k in range(8)]
        changes = sum(bits[k] != bits[k - 1] for k in range(8))
        kinds.append(sum(bits) if changes <= 2 else 9)
    return np.array(kinds)


PATTERN = _patterns()


def _curvature(seen: _Seen) -> Named:
    yield "wall pixels", (np.abs(seen.square) == 1).mean(axis=(1, 2))
    ends = (0.0, *BENDS, 1.0)
    for half in seen.steps(SQUARES):
        area = (2 * half + 1) ** 2
        kinds = np.digitize(np.arange(area + 1) / area, BENDS)
        counts = np.zeros((len(seen.crops), len(BENDS) + 1))
        _count_bends(seen.crops, seen.square, half, kinds, counts)
        counts /= np.maximum(counts.sum(axis=1, keepdims=True), 1)
        for k in range(len(BENDS) + 1):
            words = f"walls with {100 * ends[k]:.0f}-{100 * ends[k + 1]:.0f} % pore within {half} pixels"
            yield words, counts[:, k]


def _piece_numbers(seen: _Seen) -> Named:
    n = len(seen.crops)
    for phase, (labels, count) in seen.pieces.items():
        sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
        owner = np.empty(count + 1, dtype=np.int64)
        owner[labels] = np.arange(n)[:, None, None]
        owner = owner[1:]
        cut = np.zeros(count + 1, dtype=bool)
        for side in (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1]):
            cut[side] = True
        whole = ~cut[1:]
        largest = np.zeros(n)
        np.maximum.at(largest, owner, sizes)
        small = sizes < 0.25 * seen.unit**2
        own = np.maximum(seen.share[phase], TINY) * seen.edge**2
        yield f"pieces of {phase}", seen.per_area(np.bincount(owner, minlength=n))
        yield f"enclosed pieces of {phase}", seen.per_area(np.bincount(owner[whole], minlength=n))
        yield f"small pieces of {phase}", seen.per_area(np.bincount(owner[small], minlength=n))
        yield f"{phase} in its largest piece", largest / own
        yield f"{phase} in enclosed pieces", np.bincount(owner[whole], sizes[whole], minlength=n) / own


def _clusters(seen: _Seen) -> Named:
    for phase, (labels, _) in seen.pieces.items():
        for lag in seen.steps(LAGS[4:]):
            out = np.empty(len(labels))
            _count_joined(labels, lag, out)
            yield f"pairs {lag} pixels apart in one piece of {phase}", out


def _three_points(seen: _Seen) -> Named:
    legs = np.array(seen.steps(LAGS[1:8]))
    counts = np.empty((2, len(legs), len(seen.crops)))
    _count_triangles(seen.crops, legs, counts)
    for phase, of_phase in zip(PHASES, counts, strict=True):
        for leg, column in zip(legs, of_phase, strict=True):
            yield f"triangles of {leg} pixels with all corners in the {phase}", column


def _openings(seen: _Seen) -> Named:
    radii = np.array(seen.steps(BALLS))
    counts = np.empty((2, len(radii), len(seen.crops)))
    _count_opened(seen.square, radii, counts)
    for phase, of_phase in zip(PHASES, counts, strict=True):
        for radius, column in zip(radii, of_phase, strict=True):
            yield f"{phase} in which a disc of radius {radius} pixels fits", column


def _bodies(seen: _Seen) -> Named:
    out = np.empty((2, 4, len(seen.crops)))
    _find_peaks(seen.square, max(round(0.3 * seen.unit), 1), out)
    for phase, (count, mean, spread, deepest) in zip(PHASES, out, strict=True):
        yield f"deepest places of the {phase}", seen.per_area(count)
        yield f"their mean depth in the {phase}", mean / seen.unit
        yield f"the scatter of their depth in the {phase}", spread / seen.unit
        yield f"the deepest place of the {phase}", np.minimum(deepest, seen.edge) / seen.unit


def _label(phase: Crops, diagonal: bool) -> tuple[NDArray[np.int32], int]:
    """Label the pieces of every crop of a stack at once; no piece spans two crops."""
    around = np.zeros((3, 3, 3), dtype=bool)
    around[1] = True if diagonal else [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    labels, count = label(phase, around)
    return labels, int(count)


@njit(cache=True, nogil=True)
def _fill_distances(crops, square):  # type: ignore[no-untyped-def]
    for c in range(len(crops)):
        fill_signed_squared_distance_2d(crops[c], square[c])


@njit(cache=True, nogil=True)
def _count_pairs(crops, along, across, out):  # type: ignore[no-untyped-def]
    """Write the share of pairs at (along, across) and its mirror image that lie in different phases."""
    n = crops.shape[1]
    for c in range(len(crops)):
        count = 0
        for j in range(n - along):
            for i in range(n - across):
                if across == 0:
                    count += crops[c, j, i] != crops[c, j + along, i]
                    count += crops[c, i, j] != crops[c, i, j + along]
                else:
                    count += crops[c, j, i] != crops[c, j + along, i + across]
                    count += crops[c, j, i + across] != crops[c, j + along, i]
        out[c] = count / (2 * (n - along) * (n - across))


@njit(cache=True, nogil=True)
def _count_rings(crops, r, d, pattern, counts):  # type: ignore[no-untyped-def]
    """Count the pixels of pore (0-9) and solid (10-19) by the pattern of eight neighbours at (r, d)."""
    n = crops.shape[1]
    for c in range(len(crops)):
        crop = crops[c]
        for j in range(r, n - r):
            for i in range(r, n - r):
                here = crop[j, i]
                code = (
                    (crop[j, i + r] != here)
                    | (crop[j + d, i + d] != here) << 1
                    | (crop[j + r, i] != here) << 2
                    | (crop[j + d, i - d] != here) << 3
                    | (crop[j, i - r] != here) << 4
                    | (crop[j - d, i - d] != here) << 5
                    | (crop[j - r, i] != here) << 6
                    | (crop[j - d, i + d] != here) << 7
                )
                counts[c, pattern[code] + (0 if here else 10)] += 1


@njit(cache=True, nogil=True)
def _count_bends(crops, square, half, kinds, counts):  # type: ignore[no-untyped-def]
    """Count wall pixels by the kind of the number of pore pixels in the square around them."""
    n = crops.shape[1]
    total = np.zeros((n + 1, n + 1), dtype=np.int32)
    width = 2 * half + 1
    for c in range(len(crops)):
        for j in range(n):
            row = 0
            for i in range(n):
                row += crops[c, j, i]
                total[j + 1, i + 1] = total[j, i + 1] + row
        for j in range(n - width + 1):
            for i in range(n - width + 1):
                if abs(square[c, j + half, i + half]) == 1:
                    low, high = total[j], total[j + width]
                    counts[c, kinds[high[i + width] - high[i] - low[i + width] + low[i]]] += 1


@njit(cache=True, nogil=True)
def _count_joined(labels, lag, out):  # type: ignore[no-untyped-def]
    """Write the share of pairs a lag apart along an axis in one piece: what S2 cannot tell."""
    n = labels.shape[1]
    for c in range(len(labels)):
        count = 0
        for j in range(n - lag):
            for i in range(n):
                count += labels[c, j, i] > 0 and labels[c, j, i] == labels[c, j + lag, i]
                count += labels[c, i, j] > 0 and labels[c, i, j] == labels[c, i, j + lag]
        out[c] = count / (2 * n * (n - lag))


@njit(cache=True, nogil=True)
def _count_triangles(crops, legs, out):  # type: ignore[no-untyped-def]
    """Write the share of right-angled triangles with equal legs that lie in pore (0) and solid (1)."""
    n = crops.shape[1]
    for k in range(len(legs)):
        leg = legs[k]
        for c in range(len(crops)):
            counts = np.zeros(5, dtype=np.int64)
            for j in range(n - leg):
                for i in range(n - leg):
                    crop = crops[c]
                    corners = np.int64(crop[j, i]) + crop[j, i + leg]
                    counts[corners + crop[j + leg, i] + crop[j + leg, i + leg]] += 1
            # four triangles on four corners: three corners in the phase make one, four make all
            out[0, k, c] = (0.25 * counts[3] + counts[4]) / (n - leg) ** 2
            out[1, k, c] = (0.25 * counts[1] + counts[0]) / (n - leg) ** 2


@njit(cache=True, nogil=True)
def _count_opened(square, radii, out):  # type: ignore[no-untyped-def]
    """Write the share of pore (0) and solid (1) that discs inside the phase can cover."""
    n = square.shape[1]
    deep = np.empty((n, n), dtype=np.bool_)
    to_deep = np.empty((n, n), dtype=np.int32)
    for c in range(len(square)):
        for p in range(2):
            sign = 1 - 2 * p
            for k in range(len(radii)):
                limit = radii[k] ** 2
                own = 0
                centres = 0
                for j in range(n):
                    for i in range(n):
                        own += sign * square[c, j, i] > 0
                        deep[j, i] = sign * square[c, j, i] > limit
                        centres += deep[j, i]
                covered = 0
                if centres > 0:
                    fill_signed_squared_distance_2d(deep, to_deep)
                    for j in range(n):
                        for i in range(n):
                            covered += sign * square[c, j, i] > 0 and -to_deep[j, i] <= limit
                out[p, k, c] = covered / max(own, 1)


@njit(cache=True, nogil=True)
def _find_peaks(square, half, out):  # type: ignore[no-untyped-def]
    """Write count, mean, scatter and largest of the depths that no pixel within `half` exceeds."""
    n = square.shape[1]
    for c in range(len(square)):
        for p in range(2):
            sign = 1 - 2 * p
            count = 0
            total = 0.0
            squares = 0.0
            deepest = 0
            for j in range(n):
                for i in range(n):
                    here = sign * square[c, j, i]
                    deepest = max(deepest, here)
                    if here <= 1:
                        continue
                    highest = True
                    for y in range(max(j - half, 0), min(j + half + 1, n)):
                        for x in range(max(i - half, 0), min(i + half + 1, n)):
                            if sign * square[c, y, x] > here:
                                highest = False
                                break
                        if not highest:
                            break
                    if highest:
                        count += 1
                        total += sqrt(here)
                        squares += here
            mean = total / max(count, 1)
            out[p, 0, c] = count
            out[p, 1, c] = mean
            out[p, 2, c] = sqrt(max(squares / max(count, 1) - mean**2, 0.0))
            out[p, 3, c] = sqrt(deepest)


GROUPS = {
    "local porosity": _porosity,
    "pairs of points": _pairs,
    "straight lines": _lines,
    "distances to the wall": _distances,
    "neighbourhoods": _neighbourhoods,
    "curvature of the walls": _curvature,
    "separate pieces": _piece_numbers,
    "clusters": _clusters,
    "three points": _three_points,
    "openings": _openings,
    "bodies": _bodies,
}
