"""How far off the method itself is: what all replicas of an image share, so that their spread cannot show it.

Materials whose structure is known show it. Each was reconstructed from single sections, as a run does, and
the mean over sections and replicas was compared with the truth. `bench/method_errors.py` writes what came
out into the table that ships with the package; here it becomes a half width for a material not in it.
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


class Miss(NamedTuple):
    """By how much one number of one material was missed.

    Attributes
    ----------
    error : float
        Mean over sections: of log(made / true) for a positive number, of (made - true) / |true| for a
        signed one.
    standard_error : float
        Of that mean: what is left in it of the sections being small pieces and of the replicas' chance.
    """

    error: float
    standard_error: float


Misses = Mapping[str, Mapping[str, Miss]]  # by number, then by material


@cache
def table() -> Mapping[str, Any]:
    """Return the table that ships with the package: the errors, and what they were measured with."""
    text = (files("porescape") / "data" / "method_errors.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def misses(finish: Finish) -> Misses:
    """Return what the table knows of structures as they are generated, or with their walls refined."""
    return {
        number: {material: Miss(*miss) for material, miss in finishes[finish].items()}
        for number, finishes in table()["errors"].items()
    }


def method_errors(known: Misses, without: Collection[str] = ()) -> dict[str, float]:
    """Return the half width of the method's own part in the 95 % interval of each number, in shares of it.

    Parameters
    ----------
    known : mapping
        By `misses`. The three axes of a number count together: a replica knows no axis.
    without : collection of str
        Materials to leave out, so that a benchmark may judge the interval of one with the others alone.

    Returns
    -------
    dict of str to float
        A log ratio for positive numbers. Numbers that no material was measured for are not there.
    """
    pools: dict[str, list[tuple[str, Miss]]] = {}
    for number, by_material in known.items():
        found = [(material, miss) for material, miss in by_material.items() if material not in without]
        pools.setdefault(_of_any_axis(number), []).extend(found)
    widths = {pool: half_width(found) for pool, found in pools.items() if found}
    return {name: widths[_of_any_axis(name)] for name in NUMBERS if _of_any_axis(name) in widths}


def half_width(found: Sequence[tuple[str, Miss]]) -> float:
    """Return within what 95 % of the errors on other materials lie, from those on these.

    The mean square of the errors, less that of their standard errors: those are chance and sampling, which
    an interval has parts for. An error smaller than its standard error could not have been seen, so no less
    than that is claimed. Student's t has a degree of freedom per material, for errors are counted from
    nought, not from their mean: on average over materials the method is not known to be off to one side.

    >>> round(half_width([("sand", Miss(0.06, 0.0)), ("foam", Miss(-0.08, 0.0))]), 3)  # 0.0707 x 4.303
    0.304
    """
    square = sum(miss.error**2 for _, miss in found) / len(found)
    chance = sum(miss.standard_error**2 for _, miss in found) / len(found)
    materials = len({material for material, _ in found})
    return float(stdtrit(materials, 0.975)) * math.sqrt(max(square - chance, chance))


def _of_any_axis(name: str) -> str:
    return re.sub("_[zyx]$", "", name)
