"""The search: explore recipes of each family, confirm the best, compare the families.

Trials are yielded one by one, also if several are tried in parallel, so that a caller can show or save them,
or stop.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np

from porescape.core.results import Stage, Trial, best_of
from porescape.core.settings import Fit
from porescape.errors import InputError, SettingsError
from porescape.fit.objective import Objective
from porescape.fit.plan import COMPARED, families_of
from porescape.fit.samplers import SAMPLERS, Point, Sampler
from porescape.memory import keep_memory
from porescape.parallel import OnProgress, ParallelMap, map_ordered
from porescape.rng import search_stream
from porescape.synthesis.families import FAMILIES

CONFIRMED = 8  # largest number of recipes of a family that are tried again (chosen by hand)
LEAST_EACH = 12  # least number of trials of the family for each of them (chosen by hand)
CONFIRMATIONS = 3  # other realizations on which they are tried; more were no better (chosen by hand)
LEAST_TO_CONFIRM = 100  # trials; a shorter search uses all to explore (chosen by hand)
LEAST_DIVIDED = 32  # trials; a shorter search ends before more processes have started (chosen by hand)
MOST_AHEAD = 256  # questions at once if the optimiser sets no limit, held in memory (chosen by hand)


class Question(NamedTuple):
    """A trial to be done: its number, point, stage, realization of the random fields, and family."""

    number: int
    x: tuple[float, ...]
    stage: Stage
    realization: int
    family: str


def sampler_of(fit: Fit) -> Callable[[int, int, np.random.Generator], Sampler]:
    """Return the optimiser given in the settings.

    Raises
    ------
    SettingsError
        There is none of this name.
    """
    if fit.sampler not in SAMPLERS:
        raise SettingsError(f"sampler must be one of {', '.join(SAMPLERS)}, got {fit.sampler!r}")
    return SAMPLERS[fit.sampler]


def search(
    objective: Objective,
    fit: Fit,
    seed: int,
    index: int = 0,
    known: Sequence[Trial] = (),
    parallel_map: ParallelMap = map_ordered,
) -> Iterator[Trial]:
    """Search for the best recipe; yields the trials in order.

    Recipes are explored on one realization of the random fields, so that even small differences between
    recipes show. Part of the best loss is then due to that realization; so the last trials of a family
    confirm its best few recipes on other realizations, and the best on average is taken. With several
    families, their best recipes are compared, with the small patterns, on realizations that no search has
    used; `best_of` takes the best of these.

    Parameters
    ----------
    objective : Objective
    fit : Fit
        Number of trials and optimiser.
    seed, index : int
        The random streams "search" of this seed and index drive the optimisers.
    known : sequence of Trial
        The first trials of the same search, from before an interruption. They are yielded and reported to
        the optimiser like new trials, but not repeated.
    parallel_map : callable
        Does trials in parallel: the points that the optimiser gives ahead, and the last trials. Results
        are in order, so the trials do not depend on the number of workers. By default they are done one
        after the other in this process.

    Raises
    ------
    InputError
        The known trials do not belong to this search.
    """
    answers = partial(
        _answers, known=known, work=partial(attempt, objective=objective), parallel_map=parallel_map
    )
    best: list[Trial] = []
    done = 0
    for family, trials in families_of(fit).items():
        own = []
        chance = search_stream(seed, FAMILIES[family].stream, index)
        for trial in _of_one_family(objective, fit, family, trials, done, chance, answers):
            own.append(trial)
            yield trial
        best.append(best_of(own))
        done += trials
    if len(best) > 1:
        fresh = range(CONFIRMATIONS + 1, CONFIRMATIONS + 1 + COMPARED)
        yield from answers(
            [
                Question(done + i, trial.x, Stage.COMPARE, realization, trial.family)
                for i, (trial, realization) in enumerate(product(best, fresh))
            ]
        )


def _of_one_family(
    objective: Objective,
    fit: Fit,
    family: str,
    trials: int,
    first: int,
    chance: np.random.Generator,
    answers: Callable[[Sequence[Question]], Iterator[Trial]],
) -> Iterator[Trial]:
    """Do the trials of one family, numbered from `first`: explore, then confirm the best few."""
    again = fit.trials >= LEAST_TO_CONFIRM and not fit.is_published
    confirmed = min(CONFIRMED, trials // LEAST_EACH) if again else 0
    explored = trials - confirmed * CONFIRMATIONS
    sampler = sampler_of(fit)(objective.dimensions[family], explored, chance)
    seen: list[Trial] = []
    while len(seen) < explored:
        ahead = range(len(seen), min(len(seen) + sampler.ahead, explored, len(seen) + MOST_AHEAD))
        asked = [
            Question(first + number, _inside(sampler.ask()), Stage.EXPLORE, 0, family) for number in ahead
        ]
        for trial in answers(asked):
            sampler.tell(np.array(trial.x), trial.loss)
            seen.append(trial)
            yield trial
    best = sorted(seen, key=lambda trial: trial.loss)[:confirmed]
    pairs = product(best, range(1, CONFIRMATIONS + 1))
    yield from answers(
        [
            Question(first + explored + i, trial.x, Stage.CONFIRM, realization, family)
            for i, (trial, realization) in enumerate(pairs)
        ]
    )


def attempt(question: Question, progress: OnProgress, *, objective: Objective) -> Trial:
    """Try one recipe."""
    keep_memory()
    clock = time.perf_counter()
    number, x, stage, realization, family = question
    recipe = objective.recipe(np.array(x), family)
    patterns = FAMILIES[family].patterns or stage is Stage.COMPARE
    parts = objective.evaluate(recipe, realization, patterns)
    loss = float(sum(parts.values()))
    seconds = time.perf_counter() - clock
    return Trial(number, x, recipe, loss, parts, seconds, stage, realization, family)


def _inside(x: Point) -> tuple[float, ...]:
    return tuple(map(float, np.clip(x, 0.0, 1.0)))


def _answers(
    questions: Sequence[Question],
    *,
    known: Sequence[Trial],
    work: Callable[[Question, OnProgress], Trial],
    parallel_map: ParallelMap,
) -> Iterator[Trial]:
    """Yield the known trials, then do the others."""
    there = [question for question in questions if question.number < len(known)]
    for question in there:
        trial = known[question.number]
        if Question(trial.number, trial.x, trial.stage, trial.realization, trial.family) != question:
            raise InputError(
                f"the stored trial {trial.number + 1} does not belong to this search: it was made with other "
                "versions of numpy, optuna or cmaes, or on a machine that rounds differently; start again"
            )
        yield trial
    if len(there) < len(questions):
        yield from parallel_map(work, questions[len(there) :])
