"""Segmentation of volumes: two values as they are, grey by one threshold everywhere.

A volume is read piece by piece, whether it is in memory or in a file: once for its values, and once more to
count its grey levels if there are more than two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Shape
from porescape.errors import InputError

Brightness = Literal["dark", "bright"]

MOST_LEVELS = 65536  # of the histogram; finer grey levels are combined
MOST_LABELS = 8  # this many different values or fewer are labels of phases, not grey levels
SHIFT = 0.05  # of the contrast between the means of the two classes
OVERLAP = (
    0.04  # of the voxels between the two shifted thresholds; the value of two Gaussian classes 3 sd apart
)


@dataclass(frozen=True, slots=True)
class Cut:
    """How the values of a volume are divided into two phases.

    Attributes
    ----------
    level : float
        Larger values are bright.
    stored : {"bright", "dark"}
        The side that is pore among the values as stored.
    pore : {"bright", "dark"}
        The same as displayed: the other side if the file is to be displayed inverted.
    threshold : float or None
        Grey level, in the values of the file; None if there were only two values.
    threshold_source : {"otsu", "given"} or None
    porosity_range : tuple of float or None
        Porosity with the threshold 5 % of the contrast lower and higher.
    warnings : tuple of str
    """

    level: float
    stored: Brightness
    pore: Brightness
    threshold: float | None = None
    threshold_source: Literal["otsu", "given"] | None = None
    porosity_range: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()

    def pores(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """Return where values of the volume are pore."""
        bright = values if values.dtype == bool else np.greater(values, self.level)
        return bright if self.stored == "bright" else ~bright


class Values(NamedTuple):
    """The values of a volume: the smallest, the largest, and whether these are the only ones."""

    low: float
    high: float
    binary: bool


class Levels(NamedTuple):
    """The histogram of the grey levels."""

    counts: NDArray[np.int64]
    grey: NDArray[np.float64]  # middle of each level, ascending


def values_in(pieces: Iterable[NDArray[Any]], shape: Shape, name: str) -> Values:
    """Return the range of the values in the pieces of a volume of this shape.

    Raises
    ------
    InputError
        There are no values, or some are not finite numbers.
    """
    if 0 in shape:
        raise InputError(f"{name} is empty, shape {shape}")
    ends: set[Any] = set()
    binary = True
    for slab in _slabs(pieces):
        if not (slab.dtype == bool or np.issubdtype(slab.dtype, np.number)) or np.iscomplexobj(slab):
            raise InputError(f"{name} holds {slab.dtype}, wanted numbers or True and False")
        low, high = slab.min(), slab.max()  # both are NaN if any value is
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InputError(
                f"{name} holds NaN or infinite values; wanted numbers only: crop them away, or replace them"
            )
        ends |= {low, high}
        binary = binary and len(ends) <= 2 and bool(((slab == low) | (slab == high)).all())
    return Values(float(min(ends)), float(max(ends)), binary)


def cut_two(values: Values, pore: Brightness = "bright") -> Cut:
    """Return the cut between two values; if there is only one, 0 is dark and anything else bright."""
    low, high, _ = values
    return Cut(-np.inf if low == high != 0 else low, pore, pore)


def choose_cut(
    values: Values,
    pieces: Iterable[NDArray[Any]],
    name: str,
    threshold: float | None = None,
    pore: Brightness | None = None,
    inverted: bool = False,
) -> Cut:
    """Choose how to divide a volume into pore and solid.

    Parameters
    ----------
    values : Values
        Its range.
    pieces : iterable of ndarray
        All of it; read only if it has more than two values.
    name : str
        Its name in messages.
    threshold : float, optional
        The last level that is dark; Otsu's by default.
    pore : {"dark", "bright"}, optional
        By default dark for grey volumes, and the larger of two values.
    inverted : bool
        The file is to be displayed with its smallest grey value white. Two values are taken as they are.

    Raises
    ------
    InputError
        The threshold leaves one phase only, or there are a few labels instead of grey.
    """
    low, high, binary = values
    if binary:
        cut = cut_two(values, pore or "bright")
        if low == high:
            phase = "pore" if (low != 0) == (cut.pore == "bright") else "solid"
            words = f"every voxel of {name} is {low:g}, which is assumed to be {phase}"
        elif threshold is not None:
            words = f"{name} holds two values only; the threshold {threshold:g} was not needed"
        else:
            return cut
        return Cut(cut.level, cut.stored, cut.pore, warnings=(words,))
    if threshold is not None and not low <= threshold < high:
        raise InputError(
            f"the threshold {threshold:g} leaves one phase only, the grey levels of {name} range from "
            f"{low:g} to {high:g}; choose one between them"
        )
    levels = _count_levels(pieces, low, high)
    if threshold is None:
        _refuse_labels(levels, name)
    level = float(_otsu_threshold(levels) if threshold is None else threshold)
    side = pore or "dark"
    warnings = []
    if inverted:
        warnings.append(f"{name} is to be displayed inverted: its largest values count as dark")
    stored: Brightness = "bright" if (side == "bright") != inverted else "dark"
    shares = _shifted_shares(levels, level)
    if stored == "bright":
        shares = 1 - shares[1], 1 - shares[0]
    if shares[1] - shares[0] > OVERLAP:
        warnings.append(
            f"pore and solid of {name} overlap in grey: moving the threshold {level:.6g} by {SHIFT:.0%} of "
            f"their contrast either way changes the porosity from {shares[0]:.3f} to {shares[1]:.3f}; "
            "denoise it, or segment it with another program"
        )
    return Cut(level, stored, side, level, "otsu" if threshold is None else "given", shares, tuple(warnings))


def _slabs(pieces: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield the pieces in slabs that are small enough for temporary arrays."""
    for piece in pieces:
        thickness = max(1, min(len(piece), 2**22 // max(1, int(np.prod(piece.shape[1:])))))
        for z in range(0, len(piece), thickness):
            yield piece[z : z + thickness]


def _count_levels(pieces: Iterable[NDArray[Any]], low: float, high: float) -> Levels:
    """Count the grey levels: each whole number if there are few enough, otherwise in `MOST_LEVELS` bins."""
    counts = np.zeros(0, dtype=np.int64)
    whole = False
    for slab in _slabs(pieces):
        if not counts.size:
            whole = np.issubdtype(slab.dtype, np.integer) and high - low < MOST_LEVELS
            counts = np.zeros(int(high - low) + 1 if whole else MOST_LEVELS, dtype=np.int64)
        n = len(counts)
        if whole:
            place = slab.astype(np.int64) - int(low)
        else:
            place = np.minimum((slab.astype(np.float64) - low) * (n / (high - low)), n - 1).astype(np.int64)
        counts += np.bincount(place.ravel(), minlength=n)
    n = len(counts)
    step = 1.0 if whole else (high - low) / n
    return Levels(counts, np.asarray(low + (np.arange(n) + (0 if whole else 0.5)) * step, dtype=np.float64))


def _refuse_labels(levels: Levels, name: str) -> None:
    """Refuse labels, which are not grey: Otsu's threshold would divide them arbitrarily and unnoticed."""
    present = np.flatnonzero(levels.counts)
    if len(present) <= MOST_LABELS:
        values = ", ".join(f"{levels.grey[i]:.4g}" for i in present)
        raise InputError(
            f"{name} holds {len(present)} different values ({values}), too few for grey and too many for "
            "pore and solid; give the threshold (--threshold) and which side is pore (--pore dark or bright)"
        )


def _otsu_threshold(levels: Levels) -> float:
    """Return the level up to which grey is dark; if several separate equally well, the middle one."""
    share = levels.counts / levels.counts.sum()
    dark = np.cumsum(share)[:-1]
    moment = np.cumsum(share * levels.grey)
    # both classes must have voxels
    some = (dark > 0) & (dark < 1)
    between = np.zeros(len(dark))
    between[some] = (moment[-1] * dark[some] - moment[:-1][some]) ** 2 / (dark[some] * (1 - dark[some]))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(levels.grey[best[len(best) // 2]])


def _shifted_shares(levels: Levels, threshold: float) -> tuple[float, float]:
    """Return the dark share with the threshold slightly lower and slightly higher."""
    share = levels.counts / levels.counts.sum()
    dark = levels.grey <= threshold
    if not 0 < share[dark].sum() < 1:  # the threshold is within the first or the last level
        return float(share[dark].sum()), float(share[dark].sum())
    means = [float(np.average(levels.grey[side], weights=share[side])) for side in (dark, ~dark)]
    step = SHIFT * (means[1] - means[0])
    return float(share[levels.grey <= threshold - step].sum()), float(
        share[levels.grey <= threshold + step].sum()
    )
