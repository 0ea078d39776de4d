"""The definition of a number, and its measurement."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from porescape.measure.meters.subject import Subject

Values = Mapping[str, float]
AXES = "zyx"


class Note(NamedTuple):
    """Notes of the site on a number, in addition to its name, unit and definition.

    Attributes
    ----------
    model, leaves_out, needs : str
        Model behind the number; what it leaves out; the resolution it needs.
    function : str
        Its measurement, as "module:function" of this package; the docstring has the references.
    source : str
        References, if that docstring has none.
    """

    model: str
    leaves_out: str
    needs: str
    function: str
    source: str = ""


class Number(NamedTuple):
    """The definition of a number.

    Attributes
    ----------
    unit : str
        SI; "1" for a pure number.
    definition : str
        One sentence.
    group : str
        Its group, one of `porescape.measure.meters.GROUPS`.
    note : Note
    least, most : float
        The limits of its values.
    depends_on : tuple of str
        Settings that it holds for, and that are told with it: "thickness", "pressure", "gas".
    """

    unit: str
    definition: str
    group: str
    note: Note
    least: float = 0.0
    most: float = math.inf
    depends_on: tuple[str, ...] = ()

    @property
    def signed(self) -> bool:
        """Whether it can be below zero."""
        return self.least < 0


class Meter(NamedTuple):
    """One step of a measurement: its name, its numbers, and the function.

    Large modules are imported when a meter is used, so that names and units are known without them.
    """

    title: str
    numbers: dict[str, Number]
    work: Callable[[Subject], Values]


def along(axis: str, number: Number) -> Number:
    """Return a number of one axis; `{axis}` in its definition names it."""
    return number._replace(definition=number.definition.replace("{axis}", axis))
