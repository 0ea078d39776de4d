"""Is the box large enough? Convergence of numbers with its size, and their expected error."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.measure.geometry.correlation import two_point_correlation

REPRESENTED = ("porosity", "specific_surface", "chord_pore", "euler_density", "connected_porosity_z")
DIVISIONS = (4, 3, 2)  # of the shortest edge: 64, 27 and 8 cubes of a cubic box
SMALLEST_EDGE = 8  # voxels; in smaller sub-volumes the lattice has more effect than the structure
TOLERANCE = 0.10  # two standard deviations / value: what readers accept as "about right"
_WINDOW = 2.0  # radii of the integral range's ball out to which S2 is summed; see `integral_range`
_MOST_LOST = 4.0  # largest correction of a variance; of real and simulated materials half needed 1.4 to 2.5
_FEWEST = 4  # least number of values for a spread


@dataclass(frozen=True, slots=True)
class Scatter:
    """One number over the sub-volumes of one size.

    Attributes
    ----------
    edge : float
        Of the cubic sub-volumes; for the whole box the cube root of its volume [m].
    pieces, n : int
        Sub-volumes, and how many of them had a value.
    mean, sd : float
        Of those n, sample standard deviation; NaN where there are none, or one.
    """

    edge: float
    pieces: int
    n: int
    mean: float
    sd: float

    @property
    def relative_sd(self) -> float:
        """Sd / |mean|."""
        return self.sd / abs(self.mean) if self.mean else math.nan


@dataclass(frozen=True, slots=True)
class Representativity:
    """Convergence of numbers with size, and how representative the whole box is of its material.

    Attributes
    ----------
    settling : dict of str to tuple of Scatter
        For each number, small sub-volumes first, the whole box last.
    expected_sd : dict of str to float
        Standard deviation of each number among boxes of the whole one's size, in the number's unit; NaN
        if it cannot be estimated.
    integral_range : float
        Of the pores [m³]: the box is equivalent to its volume / this independent samples.
    """

    settling: dict[str, tuple[Scatter, ...]]
    expected_sd: dict[str, float]
    integral_range: float

    def expected_error(self, name: str) -> float:
        """Two standard deviations at full size / value at full size."""
        value = self.settling[name][-1].mean
        return 2 * self.expected_sd[name] / abs(value) if value else math.nan


def representativity(
    volume: Volume,
    measure: Callable[[Volume], Mapping[str, float]],
    divisions: tuple[int, ...] = DIVISIONS,
    progress: Callable[[int, int], None] | None = None,
) -> Representativity:
    """Measure cubic sub-volumes, and estimate the error of the whole box as a sample of its material.

    The variance between the largest sub-volumes falls as 1 / V, but sub-volumes of one box are not
    independent and differ too little. By how much is known for the porosity, whose variance at full size also
    follows from the integral range of S2: phi (1 - phi) A / V. All numbers are corrected by that factor,
    limited to between 1 and 4.

    Accuracy: predicted / true standard deviation, for boxes 5 to 15 features wide cut from larger
    Gaussian fields, overlapping spheres, fibres, a rock and an electrode, was 0.7 to 1.5 in the median of
    each material and number; 80 % of the predictions were between 0.45 and 2.2, those of the mean chord
    between 0.35 and 3.8. For a structure whose porosity is more uniform than random (spinodal: pores of one
    size) the error is overestimated by a factor of two to three. Trends across the box are treated as chance,
    and for a material with features larger than half the box the error is underestimated.

    Parameters
    ----------
    volume : Volume
    measure : callable
        From a volume to numbers by name; NaN where a volume has no such value. Called once for the whole
        box and once for every sub-volume, that is 1 + len(divisions) times the cost of one.
    divisions : tuple of int
        Into how many parts the shortest edge is cut; those with parts shorter than 8 voxels are left out.
    progress : callable, optional
        Called with (done, total) after each measurement.

    Raises
    ------
    InputError
        The box has only one phase, or fewer than 16 voxels along an edge.

    References
    ----------
    Lantuéjoul (1991), Journal of Microscopy 161, 387; Kanit et al. (2003), Int. J. Solids Struct. 40, 3647;
    Dahari et al. (2024), ImageRep, arXiv:2410.19568.
    """
    if any(parts < 2 for parts in divisions):
        raise SettingsError(f"a box is divided into 2 parts or more along its edge, got {divisions}")
    shortest = min(volume.shape)
    edges = sorted({shortest // k for k in divisions if shortest // k >= SMALLEST_EDGE})
    if not edges:
        raise InputError(
            f"to be cut into pieces of {SMALLEST_EDGE} voxels a box needs {2 * SMALLEST_EDGE} along every "
            f"edge, got {volume.shape}; measure a larger volume"
        )
    own_range = integral_range(volume)
    cut = [list(product(*(range(0, n - edge + 1, edge) for n in volume.shape))) for edge in edges]
    total = sum(map(len, cut)) + 1
    found: list[list[Mapping[str, float]]] = []
    spreads: list[float] = []  # of the porosity
    done = 0
    for edge, corners in zip(edges, cut, strict=True):
        pieces = []
        porosity = []
        for z, y, x in corners:
            piece = Volume(volume.pore[z : z + edge, y : y + edge, x : x + edge], volume.voxel_size)
            porosity.append(piece.porosity)
            pieces.append(measure(piece))
            done += 1
            if progress is not None:
                progress(done, total)
        found.append(pieces)
        spreads.append(float(np.var(porosity, ddof=1)))
    whole = measure(volume)
    if progress is not None:
        progress(total, total)

    full = volume.pore.size * volume.voxel_size**3
    scales = [edge * volume.voxel_size for edge in edges]
    settling = {
        name: (
            *(
                _scatter(scale, [p[name] for p in pieces])
                for scale, pieces in zip(scales, found, strict=True)
            ),
            Scatter(full ** (1 / 3), 1, int(not math.isnan(value)), value, math.nan),
        )
        for name, value in whole.items()
    }
    share = scales[-1] ** 3 / full
    variance = volume.porosity * (1 - volume.porosity) * own_range / full
    lost = variance / (spreads[-1] * share) if spreads[-1] else math.inf
    correction = min(max(lost, 1.0), _MOST_LOST)
    expected = {name: settled[-2].sd * math.sqrt(share * correction) for name, settled in settling.items()}
    return Representativity(settling, expected, own_range)


def integral_range(volume: Volume) -> float:
    """Return the integral of the pores' autocorrelation over all lags [m³].

    A box of volume V holds V / A independent samples of the porosity, A being this range. Summed over
    balls of growing radius from S2 along the axes (isotropy is assumed) until the ball has twice the
    radius of one of the range's own volume, or the autocorrelation is no longer positive; beyond that, noise
    is larger than the rest. S2 around the porosity of the box lacks its part of the variance, which is
    added again.

    References
    ----------
    Lantuéjoul (1991), Journal of Microscopy 161, 387. The window that grows with what it finds: Sokal (1997),
    in Functional Integration, Springer, for time series.
    """
    porosity = volume.porosity
    if porosity in (0, 1):
        found = "pore" if porosity else "solid"
        raise InputError(
            f"the integral range needs both phases, but every voxel of {volume.shape} is {found}"
        )
    longest = min(volume.shape) // 2
    if longest < 1:
        raise InputError(f"the integral range needs 2 voxels along every edge, got {volume.shape}")
    s2 = two_point_correlation(volume.pore, longest)
    correlation = (s2 - porosity**2) / (porosity - porosity**2)
    total = 1.0  # the voxel itself
    best = total
    for lag in range(1, longest + 1):
        if correlation[lag] <= 0:
            break
        total += correlation[lag] * 4 * math.pi * (lag**2 + 1 / 12)  # shell of one voxel
        ball = 4 / 3 * math.pi * (lag + 0.5) ** 3
        best = total / (1 - ball / volume.pore.size)
        if lag >= _WINDOW * (3 / (4 * math.pi) * best) ** (1 / 3):
            break
    return float(best * volume.voxel_size**3)


def too_small(found: Representativity, tolerance: float = TOLERANCE) -> tuple[str, ...]:
    """Return warnings on numbers for which the box is too small; empty if it is large enough.

    There is a warning if two standard deviations at full size, or the change of the number from half the
    edge to the whole, are more than `tolerance` of its value.
    """
    words = []
    for name, settled in found.settling.items():
        half, whole = settled[-2:]
        if math.isnan(whole.mean):
            continue  # it has no value
        if half.n < _FEWEST:
            words.append(
                f"it is not known whether the box is large enough for {name}: {half.n} of {half.pieces} "
                "sub-volumes have a value; measure a larger box"
            )
            continue
        error = found.expected_error(name)
        if error > tolerance:
            wider = (error / tolerance) ** (2 / 3)  # the error falls with the root of the volume
            words.append(
                f"the box is too small for {name}: its own sub-volumes scatter by {half.relative_sd:.0%}, "
                f"expected ±{error:.0%} at full size; measure a box about {max(wider, 1.1):.1f} times as wide"
            )
        drift = abs(whole.mean - half.mean)
        if whole.mean and drift > max(tolerance * abs(whole.mean), 2 * half.sd / math.sqrt(half.n)):
            words.append(
                f"{name} still changes with the size of the box: {half.mean:.3g} on average in its "
                f"sub-volumes, {whole.mean:.3g} in the whole; measure a larger box"
            )
    return tuple(words)


def _scatter(edge: float, values: list[float]) -> Scatter:
    known = np.array([value for value in values if not math.isnan(value)])
    mean = float(known.mean()) if known.size else math.nan
    sd = float(known.std(ddof=1)) if known.size > 1 else math.nan
    return Scatter(edge, len(values), known.size, mean, sd)
