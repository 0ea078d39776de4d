"""What a number is, and what measures it."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from porescape.measure.meters.subject import Subject

Values = Mapping[str, float]
AXES = "zyx"


class Note(NamedTuple):
    """What the site says of a number beside its name, unit and definition.

    Attributes
    ----------
    model, leaves_out, needs : str
        How the number is thought of; what it does not hold; the resolution it needs.
    function : str
        What measures it, as "module:function" of this package; its docstring has the references.
    source : str
        Where that docstring has none.
    """

    model: str
    leaves_out: str
    needs: str
    function: str
    source: str = ""


class Number(NamedTuple):
    """What a number is.

    Attributes
    ----------
    unit : str
        SI; "1" for a pure number.
    definition : str
        One sentence.
    group : str
        What it is measured with, one of `porescape.measure.meters.GROUPS`.
    note : Note
    least, most : float
        Between which it must lie.
    """

    unit: str
    definition: str
    group: str
    note: Note
    least: float = 0.0
    most: float = math.inf

    @property
    def signed(self) -> bool:
        """Whether it can be below zero."""
        return self.least < 0


class Meter(NamedTuple):
    """One step of a measurement: what it is called, which numbers it gives, and how.

    Heavy modules are imported when a meter works, so that names and units are known without them.
    """

    title: str
    numbers: dict[str, Number]
    work: Callable[[Subject], Values]


def along(axis: str, number: Number) -> Number:
    """Return a number of one axis; `{axis}` in its definition names it."""
    return number._replace(definition=number.definition.replace("{axis}", axis))
