"""How far a number may be off: chance of the replicas, choice of the threshold, one small image, the method.

Replicas are fitted to one segmented image, so their spread cannot show what all of them share. Two more
things are doubtful: where between dark and bright the wall lies, and that another piece of the same
material would have looked a little different. Both reach the structure through its section's porosity and
its scale. So each is measured in the image as a change of porosity and of length, and carried over to
every number: the change with porosity by generating the selected recipe at two more porosities, the
change with length by the power of length in the number's unit. What the method itself is off by, no image
shows; that comes from materials with a known structure (see `porescape.intervals.method_error`).
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

NORMAL = 1.96
POWERS = {"1": 0, "m": 1, "m²": 2, "m/s": 2, "1/m": -1, "1/m³": -3}  # flux goes with permeability
SMALLEST_STEP = 0.01  # of porosity, between the structures that slopes are taken from
MARGIN = 0.02  # porosity is kept so far from 0 and 1
TILES = 4  # along each side of the image


@dataclass(frozen=True, slots=True)
class Parts:
    """Half widths of a number's 95 % interval, by where they come from, in the number's unit.

    Attributes
    ----------
    replicas : float
        Chance in generating and fitting (Student's t over replicas).
    threshold : float
        The larger change when the threshold moves by 5 % of the contrast either way.
    sample : float
        That the image is a finite piece of the material.
    method : float or None
        That the method is off in what all its replicas share; None where that is not known.
    """

    replicas: float
    threshold: float
    sample: float
    method: float | None = None

    @property
    def total(self) -> float:
        """All that are known together, as independent."""
        return math.hypot(self.replicas, self.threshold, self.sample, self.method or 0.0)

    def known(self) -> dict[str, float]:
        """Return the parts by name, an unknown one left out."""
        return {name: width for name, width in asdict(self).items() if width is not None}


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of a section: of its porosity, and of the logarithm of its lengths."""

    porosity: float
    length: float


def thresholds(found: Segmented) -> tuple[Shift, Shift]:
    """Return what a lower and a higher threshold would have made of the image.

    Both are 5 % of the contrast away from the one used, where the contrast is the difference between the
    mean grey of the two phases. A binary image has no threshold to doubt.
    """
    lower, higher = (
        _shift(found.phase, other, side) for other, side in ((found.lower, -1), (found.higher, 1))
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
    porosity. The length is the scatter of phi (1 - phi) / walls per area over 4 x 4 tiles, by its root of n.
    """
    ny, nx = (n // TILES for n in section.pore.shape)
    tiles = [
        section.pore[j * ny : (j + 1) * ny, i * nx : (i + 1) * nx] for j in range(TILES) for i in range(TILES)
    ]
    scales = np.array([_scale(tile) for tile in tiles if 0 < tile.mean() < 1])
    spread = float(np.log(scales).std(ddof=1)) / math.sqrt(scales.size) if scales.size > 2 else math.nan
    return Shift(porosity_error * section.porosity / NORMAL, spread)


def _scale(pore: NDArray[np.bool_]) -> float:
    """A length of a section that does not go with its porosity: phi (1 - phi) / walls per length."""
    porosity = float(pore.mean())
    walls = int((pore[1:] != pore[:-1]).sum()) + int((pore[:, 1:] != pore[:, :-1]).sum())
    return porosity * (1 - porosity) * pore.size / max(walls, 1)


Structure = tuple[
    Recipe, Domain, int, Measure
]  # what is made, in which box and from which seed; what is measured


def numbers_of(structure: Structure, progress: OnProgress) -> Mapping[str, float]:
    """Make a structure and measure it."""
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
    """Return how each number changes with the porosity, from two structures `step` below and above.

    The recipe and its random fields are the same, only the level they are cut at differs. Numbers that
    one of the two lacks have no slope. `work` may stand between to keep what `numbers_of` finds.
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
    """Carry the doubts of the section over to every number that has a slope, and add the method's own.

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
        By `method_error.method_errors`, in shares of the number; may lack some.
    """
    found = {}
    for name, mean in means.items():
        if not math.isfinite(mean) or not math.isfinite(slope.get(name, math.nan)):
            continue
        to = _carry(mean, slope[name], POWERS[NUMBERS[name].unit])
        moved = max(abs(to(one.porosity) + to(length=one.length)) for one in threshold)
        drawn = NORMAL * math.hypot(to(sample.porosity), to(length=sample.length))
        own = method[name] * abs(mean) if name in method else None
        found[name] = Parts(margins[name], moved, drawn, own)
    return found


def _carry(mean: float, slope: float, power: int) -> Callable[..., float]:
    def carried(porosity: float = 0.0, length: float = 0.0) -> float:
        return slope * porosity + power * mean * length

    return carried
