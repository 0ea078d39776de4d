"""The error of the method itself: all replicas of an image share it, so their spread cannot show it.

It was measured with materials of known structure. Each was reconstructed from single sections, as in a run,
and the mean over sections and replicas was compared with the known value. `bench/method_errors.py` writes
the errors to the table in the package; here they give a half width for materials not in the table.
"""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Literal, NamedTuple

from scipy.special import stdtrit

from porescape.measure.meters import NUMBERS

Finish = Literal["refined", "as generated"]


class MaterialError(NamedTuple):
    """The error of one number of one material.

    Attributes
    ----------
    error : float
        Mean over sections: of log(reconstructed / true) for a positive number, of
        (reconstructed - true) / |true| for a signed number.
    standard_error : float
        Of that mean: from the finite size of the sections and the spread of the replicas.
    """

    error: float
    standard_error: float


MaterialErrors = Mapping[str, Mapping[str, MaterialError]]  # by number, then by material


@cache
def table() -> Mapping[str, Any]:
    """Return the table in the package: the errors, and the settings with which they were measured."""
    text = (files("porescape") / "data" / "method_errors.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def material_errors(finish: Finish) -> MaterialErrors:
    """Return the table's errors of structures as generated, or after wall voxel annealing."""
    return {
        number: {material: MaterialError(*one) for material, one in finishes[finish].items()}
        for number, finishes in table()["errors"].items()
    }


def method_errors(known: MaterialErrors, without: Collection[str] = ()) -> dict[str, float]:
    """Return the half width of the method's part of each number's 95 % interval, as a fraction of the number.

    Parameters
    ----------
    known : mapping
        By `material_errors`. The three axes of a number are pooled: a replica has no preferred axis.
    without : collection of str
        Materials to leave out, so that a benchmark can test the interval of one with the others alone.

    Returns
    -------
    dict of str to float
        A log ratio for positive numbers. Numbers not measured for any material are missing.
    """
    pools: dict[str, list[tuple[str, MaterialError]]] = {}
    for number, by_material in known.items():
        found = [(material, one) for material, one in by_material.items() if material not in without]
        pools.setdefault(_of_any_axis(number), []).extend(found)
    widths = {pool: half_width(found) for pool, found in pools.items() if found}
    return {name: widths[_of_any_axis(name)] for name in NUMBERS if _of_any_axis(name) in widths}


def half_width(found: Sequence[tuple[str, MaterialError]]) -> float:
    """Return the half width that contains 95 % of the errors on other materials, from the errors on these.

    The mean square of the errors, minus that of their standard errors: these are chance and sampling, for
    which the interval has parts of its own. An error smaller than its standard error cannot be detected, so
    the half width is never smaller. Student's t has one degree of freedom per material, because errors are
    measured from zero, not from their mean: over all materials no systematic error of the method is known.

    >>> found = [("sand", MaterialError(0.06, 0.0)), ("foam", MaterialError(-0.08, 0.0))]
    >>> round(half_width(found), 3)  # 0.0707 x 4.303
    0.304
    """
    square = sum(one.error**2 for _, one in found) / len(found)
    chance = sum(one.standard_error**2 for _, one in found) / len(found)
    materials = len({material for material, _ in found})
    return float(stdtrit(materials, 0.975)) * math.sqrt(max(square - chance, chance))


def _of_any_axis(name: str) -> str:
    return re.sub("_[zyx]$", "", name)
