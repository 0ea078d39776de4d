"""Who looks: optimisers that ask for the value of one point of the unit cube at a time.

Heavy optimisers are imported when they are chosen.
"""

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Point = NDArray[np.float64]  # in the unit cube


class Sampler(Protocol):
    """An optimiser that asks for values one at a time."""

    def ask(self) -> Point:
        """Return the next point to try."""

    def tell(self, x: Point, loss: float) -> None:
        """Report what came of it."""


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
    """CMA-ES (Hansen) from the best of a Sobol start: a look around first, then a climb."""

    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        self._dimension = dimension
        self._rng = rng
        self._look = SobolSampler(dimension, START, rng)
        self._seen: list[tuple[float, Point]] = []
        self._generation: list[tuple[Point, float]] = []
        self._climb: Any = None  # cmaes.CMA once the look around is done

    def ask(self) -> Point:
        """Return a point of the look around, then of the climb."""
        if len(self._seen) < START:
            return self._look.ask()
        if self._climb is None:
            from cmaes import CMA

            self._climb = CMA(
                mean=min(self._seen, key=lambda pair: pair[0])[1],
                sigma=0.2,
                bounds=np.tile([0.0, 1.0], (self._dimension, 1)),
                seed=int(self._rng.integers(2**31)),
            )
        return np.asarray(self._climb.ask())

    def tell(self, x: Point, loss: float) -> None:
        """Remember; a full generation moves the climb."""
        if self._climb is None:
            self._seen.append((loss, x))
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
