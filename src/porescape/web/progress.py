"""Progress of a job, gathered from the events of the pipeline and written as a small JSON table."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from porescape.core.recipe import AnyRecipe
from porescape.core.results import Progress
from porescape.core.settings import Settings
from porescape.errors import OutputError
from porescape.fit.plan import planned_trials
from porescape.io.atomic import whole_file
from porescape.measure.volume import steps
from porescape.web.estimate import Times, times_of

WRITE_INTERVAL = 0.4  # seconds between two tables; the page reads one per second
WARM_UP = 2.0  # seconds of restoring and compiling; not used for the remaining time
LEAST_WORK = 3.0  # seconds of work after that, before the remaining time is shown
MOST_POINTS = 240  # of the curve of losses; as many as the page has pixels for


class Tracker:
    """The progress of one job, from its events.

    Parameters
    ----------
    settings : Settings
    workers : int
    clock : callable
        Returns seconds; replaced in tests.
    """

    def __init__(self, settings: Settings, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._replicas = settings.output.replicas
        self._trials = planned_trials(settings.fit)
        self._steps = steps(settings.measure.numbers)
        self._times: Times = times_of(settings, workers)
        self._clock = clock
        self._began = clock()
        self._tried = [0] * self._replicas
        self._measured = [0] * self._replicas
        self._finished = [False] * self._replicas
        self._best: list[float | None] = [None] * self._replicas
        self._step = [""] * self._replicas
        self._curve: list[float] = []
        self.stage = "reading the image"
        self.pictures = 0
        self._pace_from: tuple[float, float] | None = None  # seconds and share

    def update(self, event: Progress) -> AnyRecipe | None:
        """Update the progress from one event; returns the recipe if it is the best of all replicas so far."""
        i = event.replica
        if event.stage == "interval":
            self.stage = "computing the intervals"
        elif event.stage == "segment":
            self.stage = "searching for recipes"
        elif event.trial is not None and 0 <= i < self._replicas:
            loss = event.trial.loss
            self._tried[i] += 1
            self._step[i] = "searching for its recipe"
            before = min(self._curve, default=loss)
            own = self._best[i]
            self._best[i] = loss if own is None else min(own, loss)
            first = not self._curve
            self._curve.append(min(before, loss))
            return event.trial.recipe if first or loss < before else None
        elif 0 <= i < self._replicas:
            self._update_measuring(i, event)
        return None

    def _update_measuring(self, i: int, event: Progress) -> None:
        if event.stage == "generate":
            self._tried[i] = self._trials
            self._step[i] = "generating the structure"
        elif event.stage == "refine":
            self._step[i] = "matching wall patterns"
        elif event.stage == "measure" and event.step:
            self._measured[i] += 1
            self._step[i] = f"measuring: {event.step}"
        elif event.stage in ("measure", "restored"):
            self._finished[i] = True
            self._measured[i], self._tried[i] = self._steps, self._trials
            self._step[i] = "done"
        if all(self._tried[k] >= self._trials for k in range(self._replicas)):
            self.stage = "measuring"

    def share(self) -> float:
        """Return the fraction of the expected work that is done, 0 to 1."""
        times = self._times
        whole = self._replicas * (times.trials + times.measure) + times.last
        done = sum(
            times.trials * min(self._tried[i] / self._trials, 1)
            + times.measure
            * (1 if self._finished[i] else min(self._measured[i] / max(self._steps, 1), 1) * 0.9)
            for i in range(self._replicas)
        )
        if self.stage == "writing the report":
            done += 0.5 * times.last
        return done / whole

    def table(self) -> dict[str, Any]:
        """Return the progress for progress.json."""
        elapsed = self._clock() - self._began
        share = self.share()
        left = self._left(elapsed, share)
        return {
            "stage": self.stage,
            "share": round(share, 4),
            "elapsed": round(elapsed, 1),
            "left": None if left is None else round(left, 1),
            "trials_done": sum(min(n, self._trials) for n in self._tried),
            "trials": self._replicas * self._trials,
            "best": min(self._curve, default=None),
            "curve": _thinned(self._curve),
            "replicas": [
                {"tried": min(tried, self._trials), "best": best, "step": step}
                for tried, best, step in zip(self._tried, self._best, self._step, strict=True)
            ],
            "pictures": self.pictures,
        }

    def _left(self, elapsed: float, share: float) -> float | None:
        if self._pace_from is None:
            if elapsed < WARM_UP:
                return None
            self._pace_from = elapsed, share
        since, before = self._pace_from
        if elapsed - since < LEAST_WORK or share - before < 1e-3:
            return None
        return (1 - share) * (elapsed - since) / (share - before)


class ProgressFile:
    """The file with the table of a tracker; a full disk does not stop the job."""

    def __init__(self, tracker: Tracker, folder: Path) -> None:
        self._tracker = tracker
        self._path = folder / "progress.json"
        self._last = -WRITE_INTERVAL

    def write(self, now: bool = False) -> None:
        """Write the table if the last one is old enough, or in any case if `now`."""
        clock = time.monotonic()
        if not now and clock - self._last < WRITE_INTERVAL:
            return
        self._last = clock
        with suppress(OSError, OutputError), whole_file(self._path) as temporary:
            temporary.write_text(json.dumps(self._tracker.table()), encoding="utf-8")


def _thinned(curve: list[float]) -> list[list[float]]:
    """Return (trial, best loss so far) for at most as many points as the page can show."""
    step = max(-(-len(curve) // MOST_POINTS), 1)
    points = [[k + 1, curve[k]] for k in range(0, len(curve), step)]
    if curve and points[-1][0] != len(curve):
        points.append([len(curve), curve[-1]])
    return points
