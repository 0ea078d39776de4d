"""The numbers of a structure: definitions and measurements; a file and a line of the table each.

A file has the definitions of its numbers, their notes for the site, and their measurement.
"""

import re
from collections.abc import Collection

from porescape.errors import SettingsError
from porescape.measure.meters import basic, filtration, network, permeability, solid, tortuosity
from porescape.measure.meters.meter import Meter, Number

METERS: tuple[Meter, ...] = (
    *basic.METERS,
    *network.METERS,
    *tortuosity.METERS,
    *permeability.METERS,
    *filtration.METERS,
    *solid.METERS,
)


def _in_order(meters: Collection[Meter]) -> dict[str, Number]:
    """Return all numbers by name, those of one kind together along z, y, x: the order of every report."""
    numbers = {name: number for meter in meters for name, number in meter.numbers.items()}
    kinds = {name: re.sub("_[zyx]$", "", name) for name in numbers}
    first = {kind: place for place, kind in reversed(list(enumerate(kinds.values())))}
    return {name: numbers[name] for name in sorted(numbers, key=lambda name: first[kinds[name]])}


NUMBERS: dict[str, Number] = _in_order(METERS)
GROUPS = tuple(dict.fromkeys(number.group for number in NUMBERS.values()))


def pick(wanted: Collection[str]) -> tuple[str, ...]:
    """Return the names of the numbers in these groups and names, in the order of `NUMBERS`.

    Raises
    ------
    SettingsError
        A name is neither a group nor a number.
    """
    known = {*GROUPS, *NUMBERS, "all"}
    if unknown := sorted(set(wanted) - known):
        raise SettingsError(
            f"nothing measures {', '.join(unknown)}; known are all, {', '.join(GROUPS)}, "
            f"and single numbers: {', '.join(NUMBERS)}"
        )
    if not wanted:
        raise SettingsError(f"no number was asked for; wanted one or more of all, {', '.join(GROUPS)}")
    return tuple(
        name
        for name, number in NUMBERS.items()
        if name in wanted or number.group in wanted or "all" in wanted
    )
