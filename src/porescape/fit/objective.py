"""The objective of the fit: how different the sections of a recipe are from the image.

An objective converts a point of a family's unit cube to a recipe, and a recipe to the parts of its loss. One
evaluation generates a whole cube, describes slices across all three axes, and checks whether both phases are
connected; the paper's own objective uses one slice.
"""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.recipe import AnyRecipe, By, PaperRecipe, Recipe
from porescape.core.settings import Fit
from porescape.fit.plan import families_of
from porescape.fit.samplers import Point
from porescape.measure.geometry.connectivity import largest_cluster_fraction
from porescape.measure.section.combined import combined_distance_function
from porescape.measure.section.describe import Descriptor, cut_windows, describe, slices_of
from porescape.measure.section.patterns import pattern_distance, patterns_for, shares_in_section
from porescape.rng import structure_seed
from porescape.section.specks import without_specks
from porescape.synthesis.families import FAMILIES
from porescape.synthesis.generate import generate


class Objective(Protocol):
    """What the search minimises."""

    dimensions: Mapping[str, int]  # of the unit cube of each family

    def recipe(self, x: Point, family: str = "fields") -> AnyRecipe:
        """Return the recipe at a point of a family's unit cube."""

    def evaluate(self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False) -> dict[str, float]:
        """Try a recipe on one realization of the random fields; return the parts whose sum is the loss.

        With the small patterns of sections there is one more part; this takes about 50 % longer.
        """


def objective_for(section: PhaseImage, fit: Fit, seed: int) -> Objective:
    """Return the objective of the method in the settings."""
    if fit.is_published:
        return PaperObjective(section, fit, seed)
    return SectionObjective(section, fit, seed)


def unit_length(target: Descriptor) -> float:
    """Return the length at which the target's covariance would reach 0 on its initial slope [m].

    2*phi*(1-phi) / (phase changes per length): the length of Debye et al. (1957) for a random
    two-phase material; robust, because it uses only the interface.
    """
    porosity = target.porosity.mean()
    return float(2 * porosity * (1 - porosity) / target.interface.mean()) * target.pixel_size


class SectionObjective:
    """Slices across all three axes of a periodic cube against windows of the image.

    Compared are the curves of both phases (autocovariance, lineal path, distance to the wall), the interface
    per length and the Euler number of the sections, with their pores unchanged, eroded and dilated, in units
    of their scatter between windows of the image: what varies within the image may differ, what does not
    vary must agree. A percolation prior is added, because sections alone do not show whether the pores are
    connected. On request the small patterns of the sections are compared too: they distinguish families,
    which the other parts cannot.
    """

    def __init__(self, section: PhaseImage, fit: Fit, seed: int) -> None:
        self._seed = seed
        self.dimensions: Mapping[str, int] = {name: FAMILIES[name].dimension for name in families_of(fit)}
        self._percolate = fit.percolate
        self._speck = section.speck_pixels
        self._window = min(fit.size, *section.pore.shape)
        windows = cut_windows(section.pore, self._window)
        self._domain = Domain((fit.size,) * 3, section.pixel_size)
        self._length = unit_length(describe(windows, section.pixel_size, 2))
        self._porosity = section.porosity
        far = round(FARTHEST_LAG * self._length / section.pixel_size)
        self._lags = min(max(far, 8), self._window - 2)
        self._radii = [radius * self._length / section.pixel_size for radius in RADII]
        target = self._features(windows)
        self._target = {name: value.mean(axis=0) for name, value in target.items()}
        self._scatter = {
            name: np.hypot(value.std(axis=0), LEAST_SCATTER[name]) for name, value in target.items()
        }
        self._patterns = patterns_for(section.pore, min(self._window // 3, fit.size // 4))
        self._shares = shares_in_section(section.pore, self._patterns)

    def recipe(self, x: Point, family: str = "fields") -> Recipe:
        """Return the recipe at a point of a family's unit cube."""
        return FAMILIES[family].recipe(x, self._length, self._porosity)

    def evaluate(self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False) -> dict[str, float]:
        """Try a recipe on the random fields of the exploration, the same in every trial, or on others."""
        seed = structure_seed(self._seed, realization) if realization else self._seed
        volume = generate(recipe, self._domain, seed)
        if abs(volume.porosity - self._porosity) > 0.01:
            return {"degenerate": DEGENERATE}  # an empty field, such as grains without a seed
        windows = without_specks(slices_of(volume.pore, self._window, SLICES_PER_AXIS), self._speck)
        parts = self._section_mismatch(windows) | self._disconnected(volume.pore)
        return parts | self._pattern_mismatch(windows) if patterns else parts

    def _section_mismatch(self, windows: NDArray[np.bool_]) -> dict[str, float]:
        """Return the section mismatch between slices across all three axes and the image, in its scatter."""
        found = self._features(windows)
        return {
            name: SECTION_WEIGHT
            * WEIGHTS.get(name, 1)
            * float(np.mean(np.abs(value.mean(axis=0) - self._target[name]) / self._scatter[name]))
            for name, value in found.items()
        }

    def _features(self, windows: NDArray[np.bool_]) -> dict[str, NDArray[np.float64]]:
        return features(describe(windows, self._domain.voxel_size, self._lags + 1, self._radii), self._length)

    def _pattern_mismatch(self, windows: NDArray[np.bool_]) -> dict[str, float]:
        """Return the pattern mismatch between slices and the image."""
        shares = np.mean([shares_in_section(window, self._patterns) for window in windows], axis=0)
        return {"patterns": pattern_distance(shares, self._shares)}

    def _disconnected(self, pore: NDArray[np.bool_]) -> dict[str, float]:
        """Return the disconnected fraction of the phases that must be connected: outside the largest cluster.

        Solid cannot float; pores may be closed, so a small closed fraction adds nothing.
        """
        if self._percolate == "none":
            return {"percolation": 0.0}
        pore_share, solid_share = largest_cluster_fraction(pore)
        disconnected = {"pore": max(1 - pore_share - CLOSED_PORES, 0.0), "solid": 1 - solid_share}
        return {
            "percolation": sum(disconnected.values())
            if self._percolate == "both"
            else disconnected[self._percolate]
        }


# Of the pore volume; Berea sandstone has 1.4 % in its smallest pores, open materials none. Chosen with Berea
# in view (docs/design-notes/topology.md)
CLOSED_PORES = 0.02
DEGENERATE = 10.0  # larger than the loss of any structure
FARTHEST_LAG = 6.0  # unit lengths; well beyond the first zero of the covariance (chosen by hand)
# Of 96: farther apart than most pores are wide, so nearly independent (chosen by hand)
SLICES_PER_AXIS = 5
# One standard deviation in all parts costs as much as half the pores disconnected: 0.3 of the percolation
# prior's first weight (docs/design-notes/topology.md)
SECTION_WEIGHT = 0.047
# Of parts, else 1: beside the prior, only the Euler number says how the phases are connected
# (docs/design-notes/topology.md)
WEIGHTS = {"euler": 5.0}
# Unit lengths by which pores are eroded and dilated for their Euler numbers (Vogel 1997): at which size
# pieces of a section separate and join says more about the tunnels in depth than the number of pieces itself
# (docs/design-notes/topology.md)
RADII = (-0.6, -0.45, -0.3, -0.15, 0.0, 0.15, 0.3, 0.45, 0.6)
# Added to the scatter between windows, which few windows can underestimate (chosen by hand, one size for all
# curves)
LEAST_SCATTER = {
    "covariance": 0.004,
    "lineal_pore": 0.004,
    "lineal_solid": 0.004,
    "distance_pore": 0.004,
    "distance_solid": 0.004,
    "interface": 0.01,
    "euler": 0.002,
}


def features(descriptor: Descriptor, length: float) -> dict[str, NDArray[np.float64]]:
    """Return the compared features, each of shape (windows, n), dimensionless.

    Parameters
    ----------
    descriptor : Descriptor
    length : float
        Unit of length [m].
    """
    porosity = descriptor.porosity.mean()
    unit = length / descriptor.pixel_size
    return {
        "covariance": (descriptor.s2[:, 1:] - porosity**2) / (porosity - porosity**2),
        "lineal_pore": descriptor.lineal_pore[:, :-1] / porosity,
        "lineal_solid": descriptor.lineal_solid[:, :-1] / (1 - porosity),
        "distance_pore": descriptor.distance_pore[:, :-1] / porosity,
        "distance_solid": descriptor.distance_solid[:, :-1] / (1 - porosity),
        "interface": descriptor.interface[:, None] * unit,
        "euler": descriptor.euler * unit**2,
    }


class PaperObjective:
    """The published objective: the combined distance function of one central slice."""

    dimensions: Mapping[str, int] = {"fields": 9}

    def __init__(self, section: PhaseImage, fit: Fit, seed: int) -> None:
        self._seed = seed
        self._by: By = "code" if fit.method == "paper-code" else "text"
        self._voxel_size = section.pixel_size
        self._window = min(fit.size, *section.pore.shape)
        self._reach = PAPER_REACH * section.pixel_size
        windows = cut_windows(section.pore, self._window)
        self._target = np.mean([self._describe(window) for window in windows], axis=0)
        self._domain = Domain((fit.size,) * 3, section.pixel_size)

    def recipe(self, x: Point, family: str = "fields") -> PaperRecipe:
        """Return the paper's nine numbers."""
        return PaperRecipe(tuple(map(float, x)), self._by)

    def evaluate(self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False) -> dict[str, float]:
        """Return the mean absolute error between the two combined distance functions."""
        pore = generate(recipe, self._domain, self._seed).pore
        low = (pore.shape[1] - self._window) // 2
        inner = slice(low, low + self._window)
        found = self._describe(pore[len(pore) // 2, inner, inner])
        return {"combined_distance": float(np.abs(found - self._target).mean())}

    def _describe(self, window: NDArray[np.bool_]) -> NDArray[np.float64]:
        return combined_distance_function(window, self._voxel_size, reach=self._reach)


PAPER_REACH = 25  # pixels, where the authors' public script clips its histograms
