"""The 95 % intervals of a run, with the sources of uncertainty that the spread of replicas does not show."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from porescape.core.checkpoint import Checkpoint
from porescape.core.measurement import Estimate
from porescape.core.prepared import Prepared
from porescape.core.recipe import PaperRecipe
from porescape.core.results import Progress, Replica
from porescape.intervals.method_error import material_errors, method_errors
from porescape.intervals.uncertainty import (
    SMALLEST_STEP,
    Structure,
    intervals,
    numbers_of,
    sampling,
    slopes,
    thresholds,
)
from porescape.measure.meters import NUMBERS
from porescape.measure.summary import interval_of, students_margin
from porescape.parallel import OnProgress, Workers


def full_intervals(
    properties: dict[str, Estimate],
    prepared: Prepared,
    replica: Replica,
    workers: Workers,
    progress: Callable[[Progress], None],
    checkpoint: Checkpoint,
) -> dict[str, Estimate]:
    """Return the estimates with intervals that also include threshold, finite image and method error.

    The recipes of the paper's method have no porosity that could be changed, and the errors of that method
    have not been measured here; their intervals remain those of the replicas.
    """
    recipe, settings = replica.recipe, prepared.settings
    if isinstance(recipe, PaperRecipe):
        return properties
    size = next(check for check in prepared.checks if check.name == "size")
    sample = sampling(prepared.section, size.values["porosity_error"])
    threshold = thresholds(prepared.segmented)
    step = max(SMALLEST_STEP, sample.porosity, *(abs(one.porosity) for one in threshold))
    work = partial(_numbers_once, checkpoint=checkpoint)
    slope = slopes(recipe, prepared.domain, replica.seed, settings.measure, step, workers=workers, work=work)
    progress(Progress("interval"))
    parts = intervals(
        {name: e.mean for name, e in properties.items()},
        {name: students_margin(e.sd, e.n) for name, e in properties.items()},
        slope,
        threshold,
        sample,
        method_errors(material_errors("refined" if settings.output.refine else "as generated")),
    )
    return {
        name: replace(
            e,
            ci95=interval_of(e.mean, parts[name].total, NUMBERS[name].least, NUMBERS[name].most),
            parts=parts[name].known(),
        )
        if name in parts
        else e
        for name, e in properties.items()
    }


def _numbers_once(
    structure: Structure, progress: OnProgress, *, checkpoint: Checkpoint
) -> Mapping[str, float]:
    recipe, _, seed, _ = structure
    name = f"structure {seed} at porosity {recipe.porosity!r}"
    found = checkpoint.numbers(name)
    if found is None:
        found = numbers_of(structure, progress)
        checkpoint.add_numbers(name, found)
    return found
