"""Measure a volume: each number by its meter; expensive intermediate results are shared."""

import math
import time
from collections.abc import Callable, Collection

import numpy as np

from porescape.core.curve import Curve
from porescape.core.measurement import Details, Measurement
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.meters import METERS, NUMBERS, pick
from porescape.measure.meters.subject import Subject
from porescape.measure.section.representative import REPRESENTED, representativity, too_small

REPRESENTATIVITY = "representativity"


def measure_volume(
    volume: Volume,
    settings: Measure | Collection[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Measurement:
    """Measure a volume.

    Parameters
    ----------
    volume : Volume
        Nothing is assumed about the region beyond it: periodic replicas are measured like samples cut
        from a tomography, so that both can be compared.
    settings : Measure or collection of str, optional
        The numbers and the liquid properties, or only the names of groups and numbers; everything by
        default.
    progress : callable, optional
        Called with (step, steps done, total steps) after each step.

    Raises
    ------
    SettingsError
        A number is unknown.
    """
    if settings is None:
        settings = Measure()
    elif not isinstance(settings, Measure):
        settings = Measure(numbers=tuple(settings))
    wanted = pick(settings.numbers)
    subject = Subject(volume, settings)
    meters = [meter for meter in METERS if set(meter.numbers) & set(wanted)]
    values: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for done, meter in enumerate(meters, start=1):
        clock = time.perf_counter()
        try:
            values.update(meter.work(subject))
        except InputError as error:
            values.update(dict.fromkeys(meter.numbers, math.nan))
            subject.reasons.update(dict.fromkeys(meter.numbers, str(error)))
        seconds[meter.title] = time.perf_counter() - clock
        if progress is not None:
            progress(meter.title, done, len(meters))
    warnings = tuple(subject.warnings)
    if set(REPRESENTED) <= set(wanted):
        clock = time.perf_counter()
        warnings += _settling(subject)
        seconds[REPRESENTATIVITY] = time.perf_counter() - clock
    return Measurement(
        {name: values[name] for name in wanted},
        {name: subject.reasons[name] for name in wanted if name in subject.reasons},
        seconds,
        warnings,
        details=Details(subject.network_alone(), subject.curves, subject.fields),
    )


def steps(numbers: Collection[str]) -> int:
    """Return how many steps measuring these numbers takes."""
    wanted = set(pick(numbers))
    return sum(bool(wanted & set(meter.numbers)) for meter in METERS)


# -- convergence of numbers with the size of the box ------------------------------------------------------


def _plainly(part: Volume) -> dict[str, float]:
    """Measure only the numbers `REPRESENTED` of a part of a volume, without their convergence."""
    subject = Subject(part, Measure())
    found: dict[str, float] = {}
    for meter in METERS:
        if set(meter.numbers) & set(REPRESENTED):
            try:
                found.update(meter.work(subject))
            except InputError:
                found.update(dict.fromkeys(meter.numbers, math.nan))
    return {name: found[name] for name in REPRESENTED}


def _settling(subject: Subject) -> tuple[str, ...]:
    """Compute the convergence of inexpensive numbers with the size of the box; return its warnings."""
    try:
        found = representativity(subject.volume, lambda part: _plainly(part))
    except InputError as error:
        return (f"it is not known whether the box is large enough: {error}",)
    for name, settled in found.settling.items():
        edges = np.array([one.edge for one in settled])
        for what in ("mean", "sd"):
            subject.curves[f"settling_{name}_{what}"] = Curve(
                edges, np.array([getattr(one, what) for one in settled]), "m", NUMBERS[name].unit
            )
    return too_small(found)
