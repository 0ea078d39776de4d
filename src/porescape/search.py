"""The search: try recipes, confirm the best, choose one.

Trials come one by one, so that a caller can show, stop or keep them, also where several are tried at once.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from porescape.core.recipe import PaperRecipe, Recipe
from porescape.core.settings import Fit
from porescape.errors import InputError, SettingsError
from porescape.memory import keep_memory
from porescape.parallel import Spread, Tell, map_ordered
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


class Question(NamedTuple):
    """What a trial will answer: its number, its point, and the draw of the random fields."""

    number: int
    x: tuple[float, ...]
    draw: int = 0


def search(
    problem: Problem,
    fit: Fit,
    seed: int,
    index: int = 0,
    known: Sequence[Trial] = (),
    spread: Spread = map_ordered,
) -> Iterator[Trial]:
    """Try recipes; yields the trials in order.

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
    spread : callable
        Tries what can be tried side by side: as many points as the optimiser asks for ahead, and the last
        trials. It answers in order, so the trials are the same whoever tries them. By default it tries
        one after the other, here.

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
    answers = partial(_answers, known=known, work=partial(attempt, problem=problem), spread=spread)
    seen: list[Trial] = []
    while len(seen) < looks:
        ahead = range(len(seen), min(len(seen) + sampler.ahead, looks, len(seen) + MOST_AHEAD))
        for trial in answers([Question(number, _inside(sampler.ask())) for number in ahead]):
            sampler.tell(np.array(trial.x), trial.loss)
            seen.append(trial)
            yield trial
    best = sorted(seen, key=lambda trial: trial.loss)[:CONFIRMED] if confirmations else []
    again = product(best, range(1, DRAWS + 1))
    yield from answers([Question(looks + i, trial.x, draw) for i, (trial, draw) in enumerate(again)])


CONFIRMED = 8  # recipes tried again
DRAWS = 3  # on so many other draws of the random fields
LEAST_TO_CONFIRM = 100  # trials; a shorter search needs them all to look around
LEAST_DIVIDED = 32  # trials; a shorter search is over before more processes have started
MOST_AHEAD = 256  # questions at once, where the optimiser sets no limit; they wait in memory


def attempt(question: Question, tell: Tell, *, problem: Problem) -> Trial:
    """Try one recipe."""
    keep_memory()
    clock = time.perf_counter()
    recipe = problem.recipe(np.array(question.x))
    parts = problem.evaluate(recipe, question.draw)
    loss = float(sum(parts.values()))
    return Trial(question.number, question.x, recipe, loss, parts, time.perf_counter() - clock, question.draw)


def _inside(x: Point) -> tuple[float, ...]:
    return tuple(map(float, np.clip(x, 0.0, 1.0)))


def _answers(
    questions: Sequence[Question],
    *,
    known: Sequence[Trial],
    work: Callable[[Question, Tell], Trial],
    spread: Spread,
) -> Iterator[Trial]:
    """Yield the known trials, then those that have to be tried."""
    there = [question for question in questions if question.number < len(known)]
    for question in there:
        trial = known[question.number]
        if Question(trial.number, trial.x, trial.draw) != question:
            raise InputError(
                f"the kept trial {trial.number + 1} is not the one this search asks for: it was made with "
                "other versions of numpy, optuna or cmaes, or on a machine that rounds otherwise; start anew"
            )
        yield trial
    if len(there) < len(questions):
        yield from spread(work, questions[len(there) :])


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the best recipe: smallest mean loss over the most draws it was tried on."""
    losses: dict[tuple[float, ...], list[float]] = {}
    for trial in trials:
        losses.setdefault(trial.x, []).append(trial.loss)
    most = max(map(len, losses.values()))
    means = {x: sum(found) / len(found) for x, found in losses.items() if len(found) == most}
    best = min(means, key=lambda x: means[x])
    return next(trial for trial in trials if trial.x == best)
