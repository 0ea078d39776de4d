"""The search: try recipes of each family, confirm the best, choose one.

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
from porescape.core.settings import COMPARED, Fit
from porescape.errors import InputError, SettingsError
from porescape.fit.objective import Objective
from porescape.fit.samplers import SAMPLERS, Point
from porescape.memory import keep_memory
from porescape.parallel import OnProgress, ParallelMap, map_ordered
from porescape.rng import stream


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
        Which random fields it was tried on: 0 are the search's own, those up to `DRAWS` confirm it, and on
        those beyond the families' best are compared.
    family : str
        What its recipe is made of.
    """

    number: int
    x: tuple[float, ...]
    recipe: Recipe | PaperRecipe
    loss: float
    parts: dict[str, float]
    seconds: float
    draw: int = 0
    family: str = "fields"


class Question(NamedTuple):
    """What a trial will answer: its number, its point, the draw of the random fields, and the family."""

    number: int
    x: tuple[float, ...]
    draw: int
    family: str


def search(
    objective: Objective,
    fit: Fit,
    seed: int,
    index: int = 0,
    known: Sequence[Trial] = (),
    parallel_map: ParallelMap = map_ordered,
) -> Iterator[Trial]:
    """Try recipes; yields the trials in order.

    Recipes are compared on one draw of the random fields, which tells neighbours apart. The winner then
    owes some of its loss to that draw; so a family's last trials try its best few again on other draws, and
    the one that is best on average is taken. Where there are several families, their best are looked at
    closer on draws that no search has seen; `best_of` takes the one that is best there.

    Parameters
    ----------
    objective : Problem
    fit : Fit
        Number of trials and optimiser.
    seed, index : int
        The random streams "search" of this seed and index drive the optimisers.
    known : sequence of Trial
        The first trials of the same search, from before it was interrupted. They are yielded and told to
        the optimiser like new ones, but not tried again.
    parallel_map : callable
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
    answers = partial(
        _answers, known=known, work=partial(attempt, objective=objective), parallel_map=parallel_map
    )
    best: list[Trial] = []
    done = 0
    for family, trials in fit.families.items():
        own = []
        chance = stream(seed, "search" if family == "fields" else f"search {family}", index)
        for trial in _look(objective, fit, family, trials, done, chance, answers):
            own.append(trial)
            yield trial
        best.append(best_of(own))
        done += trials
    if len(best) > 1:
        pairs = product(best, range(DRAWS + 1, DRAWS + 1 + COMPARED))
        yield from answers(
            [Question(done + i, trial.x, draw, trial.family) for i, (trial, draw) in enumerate(pairs)]
        )


def _look(
    objective: Objective,
    fit: Fit,
    family: str,
    trials: int,
    first: int,
    chance: np.random.Generator,
    answers: Callable[[Sequence[Question]], Iterator[Trial]],
) -> Iterator[Trial]:
    """Try so many recipes of one family, numbered from `first`, the last of them its best few again."""
    again = fit.trials >= LEAST_TO_CONFIRM and fit.method != "paper"
    confirmed = min(CONFIRMED, trials // LEAST_EACH) if again else 0
    looks = trials - confirmed * DRAWS
    sampler = SAMPLERS[fit.sampler](objective.dimensions[family], looks, chance)
    seen: list[Trial] = []
    while len(seen) < looks:
        ahead = range(len(seen), min(len(seen) + sampler.ahead, looks, len(seen) + MOST_AHEAD))
        asked = [Question(first + number, _inside(sampler.ask()), 0, family) for number in ahead]
        for trial in answers(asked):
            sampler.tell(np.array(trial.x), trial.loss)
            seen.append(trial)
            yield trial
    best = sorted(seen, key=lambda trial: trial.loss)[:confirmed]
    pairs = product(best, range(1, DRAWS + 1))
    yield from answers(
        [Question(first + looks + i, trial.x, draw, family) for i, (trial, draw) in enumerate(pairs)]
    )


CONFIRMED = 8  # recipes of a family that are tried again, at most
LEAST_EACH = 12  # trials of the family for each of them
DRAWS = 3  # on so many other draws of the random fields
LEAST_TO_CONFIRM = 100  # trials; a shorter search needs them all to look around
LEAST_DIVIDED = 32  # trials; a shorter search is over before more processes have started
MOST_AHEAD = 256  # questions at once, where the optimiser sets no limit; they wait in memory


def attempt(question: Question, progress: OnProgress, *, objective: Objective) -> Trial:
    """Try one recipe."""
    keep_memory()
    clock = time.perf_counter()
    recipe = objective.recipe(np.array(question.x), question.family)
    # three fields can be bent to most patterns, at half the speed again; bodies go by them
    closer = question.family != "fields" or question.draw > DRAWS
    parts = objective.evaluate(recipe, question.draw, closer)
    loss = float(sum(parts.values()))
    seconds = time.perf_counter() - clock
    return Trial(question.number, question.x, recipe, loss, parts, seconds, question.draw, question.family)


def _inside(x: Point) -> tuple[float, ...]:
    return tuple(map(float, np.clip(x, 0.0, 1.0)))


def _answers(
    questions: Sequence[Question],
    *,
    known: Sequence[Trial],
    work: Callable[[Question, OnProgress], Trial],
    parallel_map: ParallelMap,
) -> Iterator[Trial]:
    """Yield the known trials, then those that have to be tried."""
    there = [question for question in questions if question.number < len(known)]
    for question in there:
        trial = known[question.number]
        if Question(trial.number, trial.x, trial.draw, trial.family) != question:
            raise InputError(
                f"the kept trial {trial.number + 1} is not the one this search asks for: it was made with "
                "other versions of numpy, optuna or cmaes, or on a machine that rounds otherwise; start anew"
            )
        yield trial
    if len(there) < len(questions):
        yield from parallel_map(work, questions[len(there) :])


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the best recipe: smallest mean loss over the most draws it was tried on.

    Between families the draws decide on which they were compared; before there are any, the first family's
    best is returned.
    """
    compared = [trial for trial in trials if trial.draw > DRAWS]
    losses: dict[tuple[str, tuple[float, ...]], list[float]] = {}
    for trial in compared or [trial for trial in trials if trial.family == trials[0].family]:
        losses.setdefault((trial.family, trial.x), []).append(trial.loss)
    most = max(map(len, losses.values()))
    means = {which: sum(found) / len(found) for which, found in losses.items() if len(found) == most}
    best = min(means, key=lambda which: means[which])
    return next(trial for trial in trials if (trial.family, trial.x) == best)
