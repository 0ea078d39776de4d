"""Who looks: optimisers that ask for the values of points of the unit cube.

Points that do not wait for each other's values may be asked for ahead, to be tried side by side: how many,
the optimiser says. Which points these are does not depend on how many were asked for ahead, so that a search
takes the same way whoever tries them. Heavy optimisers are imported when they are chosen.
"""

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]  # in the unit cube


class Sampler(Protocol):
    """An optimiser that asks for values."""

    @property
    def ahead(self) -> int:
        """How many points may be asked for now; at least one when all values asked for were told."""

    def ask(self) -> Point:
        """Return the next point to try."""

    def tell(self, x: Point, loss: float) -> None:
        """Report what came of it; in the order asked."""


class SobolSampler:
    """Evenly spread points, no learning: what any optimiser must beat.

    All points may be asked for ahead.
    """

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        from scipy.stats import qmc

        self._points = qmc.Sobol(dimension, rng=rng).random_base2(max(trials - 1, 1).bit_length())
        self._next = 0

    @property
    def ahead(self) -> int:
        """All that are left."""
        return len(self._points) - self._next

    def ask(self) -> Point:
        """Return the next point of the sequence."""
        self._next += 1
        return self._points[self._next - 1]  # type: ignore[no-any-return]

    def tell(self, x: Point, loss: float) -> None:
        """Learn nothing."""


class TpeSampler:
    """Optuna's tree-structured Parzen estimator: the Bayesian optimisation nearest to the paper's.

    Every point follows from all values before it, so one at a time.
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
    """CMA-ES (Hansen) from the best of a Sobol start: a look around first, then a climb.

    The points of the look around may be asked for ahead, and those of a generation: 10 in nine dimensions.
    """

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        self._dimension = dimension
        self._rng = rng
        self._look = SobolSampler(dimension, START, rng)
        self._seen: list[tuple[float, Point]] = []
        self._generation: list[tuple[Point, float]] = []
        self._climb: Any = None  # cmaes.CMA once the look around is done
        self.ahead = START

    def ask(self) -> Point:
        """Return a point of the look around, then of the climb."""
        self.ahead -= 1
        return self._look.ask() if self._climb is None else np.asarray(self._climb.ask())

    def tell(self, x: Point, loss: float) -> None:
        """Remember; a full look around starts the climb, a full generation moves it."""
        if self._climb is None:
            self._seen.append((loss, x))
            if len(self._seen) == START:
                self._start_to_climb()
            return
        self._generation.append((x, loss))
        if len(self._generation) == self._climb.population_size:
            self._climb.tell(self._generation)
            self._generation = []
            self.ahead = self._climb.population_size

    def _start_to_climb(self) -> None:
        from cmaes import CMA

        self._climb = CMA(
            mean=min(self._seen, key=lambda pair: pair[0])[1],
            sigma=0.2,
            bounds=np.tile([0.0, 1.0], (self._dimension, 1)),
            seed=int(self._rng.integers(2**31)),
        )
        self.ahead = self._climb.population_size


START = 32  # trials of the Sobol start

SAMPLERS: dict[str, Callable[[int, int, np.random.Generator], Sampler]] = {
    "cma": CmaSampler,
    "tpe": TpeSampler,
    "sobol": SobolSampler,
}
