"""The optimisers: they propose points of the unit cube and learn from their losses.

Points that do not depend on each other's values can be requested ahead and tried in parallel; the optimiser
gives their number. The points do not depend on how many are requested ahead, so a search has the same trials
however many workers it has. Large libraries are imported only when their optimiser is chosen.
"""

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]  # in the unit cube


class Sampler(Protocol):
    """An optimiser with an ask-and-tell interface."""

    @property
    def ahead(self) -> int:
        """How many points can be requested now; at least one when all losses have been reported."""

    def ask(self) -> Point:
        """Return the next point to try."""

    def tell(self, x: Point, loss: float) -> None:
        """Report the loss of a point; in the order of the requests."""


class SobolSampler:
    """Evenly spread points, no learning: the baseline for every optimiser.

    All points can be requested ahead.
    """

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        from scipy.stats import qmc

        self._points = qmc.Sobol(dimension, rng=rng).random_base2(max(trials - 1, 1).bit_length())
        self._next = 0

    @property
    def ahead(self) -> int:
        """All remaining points."""
        return len(self._points) - self._next

    def ask(self) -> Point:
        """Return the next point of the sequence."""
        self._next += 1
        return self._points[self._next - 1]  # type: ignore[no-any-return]

    def tell(self, x: Point, loss: float) -> None:
        """Do nothing."""


class TpeSampler:
    """Optuna's tree-structured Parzen estimator: the Bayesian optimisation nearest to the paper's.

    Every point depends on all losses before it, so one at a time.
    """

    ahead = 1

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
    """CMA-ES (Hansen), started at the best of a set of Sobol points.

    The Sobol points can be requested ahead, and those of a generation: 10 in nine dimensions.
    """

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        self._dimension = dimension
        self._rng = rng
        self._sobol = SobolSampler(dimension, START, rng)
        self._seen: list[tuple[float, Point]] = []
        self._generation: list[tuple[Point, float]] = []
        self._cma: Any = None  # cmaes.CMA after the Sobol points
        self.ahead = START

    def ask(self) -> Point:
        """Return a Sobol point first, later a point of the current generation."""
        self.ahead -= 1
        return self._sobol.ask() if self._cma is None else np.asarray(self._cma.ask())

    def tell(self, x: Point, loss: float) -> None:
        """Store the loss; the last Sobol point starts CMA-ES, a complete generation updates it."""
        if self._cma is None:
            self._seen.append((loss, x))
            if len(self._seen) == START:
                self._start_cma()
            return
        self._generation.append((x, loss))
        if len(self._generation) == self._cma.population_size:
            self._cma.tell(self._generation)
            self._generation = []
            self.ahead = self._cma.population_size

    def _start_cma(self) -> None:
        from cmaes import CMA

        self._cma = CMA(
            mean=min(self._seen, key=lambda pair: pair[0])[1],
            sigma=0.2,
            bounds=np.tile([0.0, 1.0], (self._dimension, 1)),
            seed=int(self._rng.integers(2**31)),
        )
        self.ahead = self._cma.population_size


START = 32  # trials of the Sobol start (chosen by hand; a power of two, as Sobol points want)

SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], Sampler]] = {
    "cma": CmaSampler,
    "tpe": TpeSampler,
    "sobol": SobolSampler,
}
