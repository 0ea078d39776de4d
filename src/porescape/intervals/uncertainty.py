"""The sources of uncertainty of a number: replicas, threshold, sample (finite image) and method.

Replicas are fitted to one segmented image, so their spread cannot show the errors that all of them share.
Two of these come from the image: the choice of the threshold between dark and bright, and the image being a
finite sample of the material. Both affect the structure through the porosity of its section and its scale.
So each is measured in the image as a change of porosity and of length, and propagated to every number: the
change with porosity by generating the selected recipe at two more porosities, the change with length by the
power of length in the number's unit. The error of the method itself cannot be measured in an image; it comes
from materials of known structure (see `porescape.intervals.method_error`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.recipe import Recipe
from porescape.core.settings import Measure
from porescape.measure.meters import NUMBERS
from porescape.measure.volume import measure_volume
from porescape.parallel import OnProgress, Workers, map_ordered
from porescape.synthesis.generate import generate

NORMAL = 1.96  # 95 % of a normal distribution
# fluxes go with permeability
POWERS = {"1": 0, "m": 1, "m²": 2, "m/s": 2, "m/(s Pa)": 2, "Pa": -1, "1/m": -1, "1/m³": -3}
SMALLEST_STEP = 0.01  # of porosity, between the structures that slopes are computed from (chosen by hand)
MARGIN = 0.02  # smallest distance of a porosity from 0 and 1 (chosen by hand)
TILES = 4  # along each side of the image (chosen by hand)


@dataclass(frozen=True, slots=True)
class Parts:
    """Half widths of a number's 95 % interval by source of uncertainty, in the number's unit.

    Attributes
    ----------
    replicas : float
        Chance in fit and generation (Student's t over replicas).
    threshold : float
        The larger of the changes when the threshold is 5 % of the contrast lower or higher.
    sample : float
        The image is a finite sample of the material.
    method : float or None
        The error of the method, shared by all replicas; None if it is not known.
    """

    replicas: float
    threshold: float
    sample: float
    method: float | None = None

    @property
    def total(self) -> float:
        """All known parts combined, as independent."""
        return math.hypot(self.replicas, self.threshold, self.sample, self.method or 0.0)

    def known(self) -> dict[str, float]:
        """Return the parts by name, unknown ones left out."""
        return {name: width for name, width in asdict(self).items() if width is not None}


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of a section: of its porosity, and of the logarithm of its lengths."""

    porosity: float
    length: float


def thresholds(found: Segmented) -> tuple[Shift, Shift]:
    """Return the changes that a lower and a higher threshold would make.

    Both are 5 % of the contrast away from the one used, where the contrast is the difference between the
    mean grey of the two phases. A binary image has no threshold and no such uncertainty.

    Raises
    ------
    ValueError
        The masks at other thresholds were not made, as in a run that was read back.
    """
    if found.others is None:
        raise ValueError("no masks at other thresholds were made; prepare the image with its checks")
    lower, higher = (
        _shift(found.phase, other, side) for other, side in zip(found.others, (-1, 1), strict=True)
    )
    return lower, higher


def _shift(used: PhaseImage, other: PhaseImage | None, side: int) -> Shift:
    if other is None:
        return Shift(math.copysign(0.5, side), 0.0)
    return Shift(other.porosity - used.porosity, math.log(_scale(other.pore) / _scale(used.pore)))


def sampling(section: PhaseImage, porosity_error: float) -> Shift:
    """Return the standard deviations of porosity and log length among images of this size.

    Parameters
    ----------
    section : PhaseImage
    porosity_error : float
        Relative 95 % error of the porosity, from the integral range of S2 (see `checks`).

    References
    ----------
    Dahari et al. (2024), Prediction of microstructural representativity from a single image, for the
    porosity. The length is the scatter of phi (1 - phi) / walls per area over 4 x 4 tiles, over the root of
    n.
    """
    ny, nx = (n // TILES for n in section.pore.shape)
    tiles = [
        section.pore[j * ny : (j + 1) * ny, i * nx : (i + 1) * nx] for j in range(TILES) for i in range(TILES)
    ]
    scales = np.array([_scale(tile) for tile in tiles if 0 < tile.mean() < 1])
    spread = float(np.log(scales).std(ddof=1)) / math.sqrt(scales.size) if scales.size > 2 else math.nan
    return Shift(porosity_error * section.porosity / NORMAL, spread)


def _scale(pore: NDArray[np.bool_]) -> float:
    """A length of a section that is independent of its porosity: phi (1 - phi) / walls per length."""
    porosity = float(pore.mean())
    walls = int((pore[1:] != pore[:-1]).sum()) + int((pore[:, 1:] != pore[:, :-1]).sum())
    return porosity * (1 - porosity) * pore.size / max(walls, 1)


Structure = tuple[Recipe, Domain, int, Measure]  # recipe, box and seed of a structure; what is measured


def numbers_of(structure: Structure, progress: OnProgress) -> Mapping[str, float]:
    """Generate a structure and measure it."""
    recipe, domain, seed, settings = structure
    return measure_volume(generate(recipe, domain, seed), settings).values


def slopes(
    recipe: Recipe,
    domain: Domain,
    seed: int,
    settings: Measure,
    step: float,
    *,
    workers: Workers = 1,
    progress: OnProgress = lambda message: None,
    work: Callable[[Structure, OnProgress], Mapping[str, float]] = numbers_of,
) -> dict[str, float]:
    """Return the derivative of each number by porosity, from two structures `step` below and above.

    The recipe and its random fields are the same, only the level at which they are cut differs. Numbers
    missing from one of the two have no slope. `work` may replace `numbers_of` to save its results.
    """
    low = max(recipe.porosity - step, MARGIN)
    high = min(recipe.porosity + step, 1 - MARGIN)
    jobs = [(replace(recipe, porosity=p), domain, seed, settings) for p in (low, high)]
    below, above = map_ordered(work, jobs, workers, progress)
    return {name: (above[name] - below[name]) / (high - low) for name in below}


def intervals(
    means: Mapping[str, float],
    margins: Mapping[str, float],
    slope: Mapping[str, float],
    threshold: Sequence[Shift],
    sample: Shift,
    method: Mapping[str, float],
) -> dict[str, Parts]:
    """Propagate the uncertainties of the section to every number with a slope, and add the method's error.

    Parameters
    ----------
    means, margins : mapping of str to float
        Each number's mean over replicas, and its Student's t half width.
    slope : mapping of str to float
        By `slopes`.
    threshold : sequence of Shift
        By `thresholds`.
    sample : Shift
        By `sampling`.
    method : mapping of str to float
        By `method_error.method_errors`, as fractions of the number; some may be missing.
    """
    found = {}
    for name, mean in means.items():
        if not math.isfinite(mean) or not math.isfinite(slope.get(name, math.nan)):
            continue
        to = _propagation(mean, slope[name], POWERS[NUMBERS[name].unit])
        moved = max(abs(to(one.porosity) + to(length=one.length)) for one in threshold)
        drawn = NORMAL * math.hypot(to(sample.porosity), to(length=sample.length))
        own = method[name] * abs(mean) if name in method else None
        found[name] = Parts(margins[name], moved, drawn, own)
    return found


def _propagation(mean: float, slope: float, power: int) -> Callable[..., float]:
    def change(porosity: float = 0.0, length: float = 0.0) -> float:
        return slope * porosity + power * mean * length

    return change
