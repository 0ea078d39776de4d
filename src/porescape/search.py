"""Find the recipe whose sections look like the image: problems, optimisers, the search.

One trial makes a whole cube, describes slices across all three axes, and asks whether both phases
hang together. `search` yields trials one by one, so that a caller can show, stop or resume it.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.settings import Fit
from porescape.errors import SettingsError
from porescape.measure.combined import combined_distance_function
from porescape.measure.connectivity import largest_cluster_fraction
from porescape.measure.describe import Descriptor, cut_windows, describe, slices_of
from porescape.rng import stream
from porescape.synthesis.generate import generate

Point = NDArray[np.float64]  # in the unit cube


@dataclass(frozen=True, slots=True)
class Trial:
    """One recipe tried.

    Attributes
    ----------
    number : int
        From 0, in the order tried.
    x : tuple of float
        Point of the unit cube.
    recipe : Recipe or PaperRecipe
        What it stands for.
    loss : float
        What the search makes small.
    parts : dict of str to float
        What the loss is made of.
    seconds : float
        How long it took.
    """

    number: int
    x: tuple[float, ...]
    recipe: Recipe | PaperRecipe
    loss: float
    parts: dict[str, float]
    seconds: float


class Problem(Protocol):
    """What there is to find."""

    dimension: int

    def recipe(self, x: Point) -> Recipe | PaperRecipe:
        """Return the recipe at a point of the unit cube."""

    def evaluate(self, recipe: Recipe | PaperRecipe) -> dict[str, float]:
        """Try a recipe; return the parts whose sum is the loss."""


class Sampler(Protocol):
    """An optimiser that asks for values one at a time."""

    def ask(self) -> Point:
        """Return the next point to try."""

    def tell(self, x: Point, loss: float) -> None:
        """Report what came of it."""


def search(problem: Problem, fit: Fit, seed: int, index: int = 0) -> Iterator[Trial]:
    """Try recipes, one after the other.

    Parameters
    ----------
    problem : Problem
    fit : Fit
        Number of trials and optimiser.
    seed, index : int
        The random stream "search" of this seed and index drives the optimiser.
    """
    if fit.sampler not in SAMPLERS:
        raise SettingsError(f"sampler must be one of {', '.join(SAMPLERS)}, got {fit.sampler!r}")
    sampler = SAMPLERS[fit.sampler](problem.dimension, fit.trials, stream(seed, "search", index))
    for number in range(fit.trials):
        clock = time.perf_counter()
        x = np.clip(sampler.ask(), 0.0, 1.0)
        recipe = problem.recipe(x)
        parts = problem.evaluate(recipe)
        loss = float(sum(parts.values()))
        sampler.tell(x, loss)
        yield Trial(number, tuple(map(float, x)), recipe, loss, parts, time.perf_counter() - clock)


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial with the smallest loss, the first of equals."""
    return min(trials, key=lambda trial: trial.loss)


# -- problems ---------------------------------------------------------------------------------------


def problem_for(section: PhaseImage, fit: Fit, seed: int) -> Problem:
    """Return the problem of the named method: what is compared with the section, and how."""
    return {"porescape": SectionProblem, "paper": PaperProblem}[fit.method](section, fit, seed)


def unit_length(target: Descriptor) -> float:
    """Return the length at which the target's covariance would reach 0 on its initial slope [m].

    2*phi*(1-phi) / (phase changes per length): the length of Debye et al. (1957) for a random
    two-phase material; robust, because it uses the interface only.
    """
    porosity = target.porosity.mean()
    return float(2 * porosity * (1 - porosity) / target.interface.mean()) * target.pixel_size


def decode(x: Point, length: float, porosity: float) -> Recipe:
    """Return the recipe at a point of the unit cube, lengths in proportion to `length` [m]."""

    def between(u: float, low: float, high: float) -> float:
        return length * low * (high / low) ** float(u)

    return Recipe(
        cells=float(x[0]),
        bumps=float(x[1]),
        branch=max(float(x[2]), 1e-3),  # so that something is left when all three are 0
        cell_spacing=between(x[3], 1.0, 10.0),
        bump_spacing=between(x[4], 1.0, 10.0),
        branch_width=between(x[5], 0.12, 2.0),
        branch_cut=0.05 + 0.9 * float(x[6]),
        highpass_width=between(x[7], 0.4, 10.0),
        smoothing=between(x[8], 0.03, 0.6),
        porosity=porosity,
    )


class SectionProblem:
    """Slices across all three axes of a periodic cube against windows of the image.

    The curves of both phases (autocovariance, lineal path, distance to the wall) are compared in
    units of the section's own length, short lags weighing more: the wall's shape is made there. Beside
    them stand the interface per area and the Euler number of the sections, which stereology ties to
    the surface and the mean curvature of the structure; and the percolation prior, because sections
    alone do not tell whether the pores hang together.
    """

    dimension = 9

    def __init__(self, section: PhaseImage, fit: Fit, seed: int) -> None:
        self._seed = seed
        self._percolate = fit.percolate
        self._window = min(fit.size, *section.pore.shape)
        windows = cut_windows(section.pore, self._window)
        self._length = unit_length(describe(windows, section.pixel_size, 2))
        self._porosity = section.porosity
        far = round(FARTHEST_LAG * self._length / section.pixel_size)
        self._lags = min(max(far, 8), self._window - 2)
        self._target = describe(windows, section.pixel_size, self._lags + 1)
        self._domain = Domain((fit.size,) * 3, section.pixel_size)

    def recipe(self, x: Point) -> Recipe:
        """Return the recipe at a point of the unit cube."""
        return decode(x, self._length, self._porosity)

    def evaluate(self, recipe: Recipe | PaperRecipe) -> dict[str, float]:
        """Try a recipe on the problem's own random fields, the same for every trial."""
        pore = generate(recipe, self._domain, self._seed).pore
        windows = slices_of(pore, self._window, SLICES_PER_AXIS)
        found = describe(windows, self._domain.voxel_size, self._lags + 1)
        parts = dissimilarity(found, self._target, self._length)
        return {name: value / len(parts) for name, value in parts.items()} | {
            "percolation": self._loose_ends(pore)
        }

    def _loose_ends(self, pore: NDArray[np.bool_]) -> float:
        """Return the fraction of each phase that must hang together but is not in its largest cluster."""
        if self._percolate == "none":
            return 0.0
        pore_share, solid_share = largest_cluster_fraction(pore)
        loose = {"pore": 1 - pore_share, "solid": 1 - solid_share}
        return sum(loose.values()) if self._percolate == "both" else loose[self._percolate]


FARTHEST_LAG = 6.0  # unit lengths; the covariance of every truth in the bench is noise beyond
SLICES_PER_AXIS = 5  # of 96: farther apart than most pores are wide, so nearly independent


def dissimilarity(found: Descriptor, target: Descriptor, length: float) -> dict[str, float]:
    """Return how much two descriptors with equal lags differ, part by part, each about 0.01 to 1.

    Parameters
    ----------
    found, target : Descriptor
    length : float
        Unit of length [m]; curves are weighted by 1/lag.
    """
    weight = 1 / np.arange(1, found.s2.shape[1])
    weight /= weight.sum()

    def curve(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float(weight @ np.abs(a - b))

    parts = {"covariance": curve(found.covariance()[1:], target.covariance()[1:])}
    for phase in ("pore", "solid"):
        mine, theirs = _share(found, phase), _share(target, phase)
        near, far = (getattr(d, f"distance_{phase}").mean(axis=0)[:-1] for d in (found, target))
        parts[f"distance_{phase}"] = curve(near / mine, far / theirs)
        near, far = (getattr(d, f"lineal_{phase}").mean(axis=0)[:-1] for d in (found, target))
        # a logarithm, because the lineal path falls over decades; the floor is the noise of one window
        parts[f"lineal_{phase}"] = curve(np.log(near / mine + 0.01), np.log(far / theirs + 0.01))
    parts["interface"] = abs(float(found.interface.mean() / target.interface.mean()) - 1)
    per_area = length**2 / found.pixel_size**2
    parts["euler"] = EULER_WEIGHT * abs(float(found.euler.mean() - target.euler.mean())) * per_area
    return parts


EULER_WEIGHT = 5.0  # brings it to the size of the other parts


def _share(descriptor: Descriptor, phase: str) -> float:
    porosity = float(descriptor.porosity.mean())
    return porosity if phase == "pore" else 1 - porosity


class PaperProblem:
    """The published objective: one central slice, its combined distance function, nothing else."""

    dimension = 9

    def __init__(self, section: PhaseImage, fit: Fit, seed: int) -> None:
        self._seed = seed
        self._voxel_size = section.pixel_size
        self._window = min(fit.size, *section.pore.shape)
        self._reach = PAPER_REACH * section.pixel_size
        windows = cut_windows(section.pore, self._window)
        self._target = np.mean([self._describe(window) for window in windows], axis=0)
        self._domain = Domain((fit.size,) * 3, section.pixel_size)

    def recipe(self, x: Point) -> PaperRecipe:
        """Return the paper's nine numbers."""
        return PaperRecipe(tuple(map(float, x)))

    def evaluate(self, recipe: Recipe | PaperRecipe) -> dict[str, float]:
        """Return the mean absolute error between the two combined distance functions."""
        pore = generate(recipe, self._domain, self._seed).pore
        low = (pore.shape[1] - self._window) // 2
        inner = slice(low, low + self._window)
        found = self._describe(pore[len(pore) // 2, inner, inner])
        return {"combined_distance": float(np.abs(found - self._target).mean())}

    def _describe(self, window: NDArray[np.bool_]) -> NDArray[np.float64]:
        return combined_distance_function(window, self._voxel_size, reach=self._reach)


PAPER_REACH = 25  # pixels, where the authors' script clips its histograms


# -- optimisers -------------------------------------------------------------------------------------


class SobolSampler:
    """Evenly spread points, no learning: what any optimiser must beat."""

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        from scipy.stats import qmc

        self._points = qmc.Sobol(dimension, rng=rng).random_base2(max(trials - 1, 1).bit_length())
        self._next = 0

    def ask(self) -> Point:
        """Return the next point of the sequence."""
        self._next += 1
        return self._points[self._next - 1]  # type: ignore[no-any-return]

    def tell(self, x: Point, loss: float) -> None:
        """Learn nothing."""


class TpeSampler:
    """Optuna's tree-structured Parzen estimator: the Bayesian optimisation nearest to the paper's."""

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=int(rng.integers(2**31)), multivariate=True, n_startup_trials=min(30, trials // 4 + 1)
            )
        self._study = optuna.create_study(sampler=sampler)
        self._space = {
            f"x{i + 1}": optuna.distributions.FloatDistribution(0.0, 1.0) for i in range(dimension)
        }

    def ask(self) -> Point:
        """Return the estimator's suggestion."""
        self._open = self._study.ask(self._space)
        return np.array([self._open.params[name] for name in self._space])

    def tell(self, x: Point, loss: float) -> None:
        """Add the trial to the study."""
        self._study.tell(self._open, loss)


class CmaSampler:
    """CMA-ES (Hansen) from the best of a Sobol start: global look first, then a local climb."""

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        self._dimension = dimension
        self._rng = rng
        self._start = SobolSampler(dimension, START, rng)
        self._first: list[tuple[float, Point]] = []
        self._generation: list[tuple[Point, float]] = []
        self._climb = None

    def ask(self) -> Point:
        """Return a point of the start, then of the climb."""
        if len(self._first) < START:
            return self._start.ask()
        if self._climb is None:
            from cmaes import CMA

            self._climb = CMA(
                mean=min(self._first, key=lambda pair: pair[0])[1],
                sigma=0.2,
                bounds=np.tile([0.0, 1.0], (self._dimension, 1)),
                seed=int(self._rng.integers(2**31)),
            )
        return self._climb.ask()  # type: ignore[no-any-return]

    def tell(self, x: Point, loss: float) -> None:
        """Remember; a full generation moves the climb."""
        if self._climb is None:
            self._first.append((loss, x))
            return
        self._generation.append((x, loss))
        if len(self._generation) == self._climb.population_size:
            self._climb.tell(self._generation)
            self._generation = []


START = 32  # trials of the Sobol start

SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], Sampler]] = {
    "cma": CmaSampler,
    "tpe": TpeSampler,
    "sobol": SobolSampler,
}
