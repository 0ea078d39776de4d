"""The search: try recipes, confirm the best, choose one.

Trials come one by one, so that a caller can show, stop or keep them.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.settings import Fit
from porescape.errors import InputError, SettingsError
from porescape.problems import Point, Problem
from porescape.rng import stream
from porescape.samplers import SAMPLERS


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
    draw : int
        Which random fields it was tried on: 0 are the search's own, the others confirm it.
    """

    number: int
    x: tuple[float, ...]
    recipe: Recipe | PaperRecipe
    loss: float
    parts: dict[str, float]
    seconds: float
    draw: int = 0


def search(
    problem: Problem, fit: Fit, seed: int, index: int = 0, known: Sequence[Trial] = ()
) -> Iterator[Trial]:
    """Try recipes, one after the other.

    Recipes are compared on one draw of the random fields, which tells neighbours apart. The winner then
    owes some of its loss to that draw; so the last trials try the best few again on other draws, and
    `best_of` takes the one that is best on average.

    Parameters
    ----------
    problem : Problem
    fit : Fit
        Number of trials and optimiser.
    seed, index : int
        The random stream "search" of this seed and index drives the optimiser.
    known : sequence of Trial
        The first trials of the same search, from before it was interrupted. They are yielded and told to
        the optimiser like new ones, but not tried again.

    Raises
    ------
    InputError
        The known trials are not this search's own.
    """
    if fit.sampler not in SAMPLERS:
        raise SettingsError(f"sampler must be one of {', '.join(SAMPLERS)}, got {fit.sampler!r}")
    confirmations = CONFIRMED * DRAWS if fit.trials >= LEAST_TO_CONFIRM and fit.method != "paper" else 0
    looks = fit.trials - confirmations
    sampler = SAMPLERS[fit.sampler](problem.dimension, looks, stream(seed, "search", index))
    seen = []
    for number in range(looks):
        trial = _try(problem, number, np.clip(sampler.ask(), 0.0, 1.0), 0, known)
        sampler.tell(np.array(trial.x), trial.loss)
        seen.append(trial)
        yield trial
    if confirmations:
        best = sorted(seen, key=lambda trial: trial.loss)[:CONFIRMED]
        for i, (trial, draw) in enumerate(product(best, range(1, DRAWS + 1))):
            yield _try(problem, looks + i, np.array(trial.x), draw, known)


CONFIRMED = 8  # recipes tried again
DRAWS = 3  # on so many other draws of the random fields
LEAST_TO_CONFIRM = 100  # trials; a shorter search needs them all to look around


def _try(problem: Problem, number: int, x: Point, draw: int, known: Sequence[Trial]) -> Trial:
    point = tuple(map(float, x))
    if number < len(known):
        trial = known[number]
        if (trial.number, trial.x, trial.draw) != (number, point, draw):
            raise InputError(
                f"the kept trial {trial.number + 1} is not the one this search asks for: it was made with "
                "other versions of numpy, optuna or cmaes, or on a machine that rounds otherwise; start anew"
            )
        return trial
    clock = time.perf_counter()
    recipe = problem.recipe(x)
    parts = problem.evaluate(recipe, draw)
    loss = float(sum(parts.values()))
    return Trial(number, point, recipe, loss, parts, time.perf_counter() - clock, draw)


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the best recipe: smallest mean loss over the most draws it was tried on."""
    losses: dict[tuple[float, ...], list[float]] = {}
    for trial in trials:
        losses.setdefault(trial.x, []).append(trial.loss)
    most = max(map(len, losses.values()))
    means = {x: sum(found) / len(found) for x, found in losses.items() if len(found) == most}
    best = min(means, key=lambda x: means[x])
    return next(trial for trial in trials if trial.x == best)
