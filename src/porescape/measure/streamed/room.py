"""The memory needed to measure a volume as a whole."""

import math
from collections.abc import Collection

from porescape.core.domain import Shape
from porescape.errors import InputError
from porescape.measure.meters import NUMBERS, pick
from porescape.units import format_shape

# Bytes per voxel at the peak of each number's measurement, beyond the volume itself: fields of 96³ to 160³
# voxels, porosity 0.6, pores of ten voxels
_VOLUME = 3  # as read, and as a Volume
_BY_GROUP = {
    "basic": 25,
    "network": 22,
    "tortuosity": 28,
    "permeability": 225,
    "filtration": 245,
    "solid": 29,  # as tortuosity, and the other phase as a copy
}
_BY_NAME = {
    "porosity": 1,
    "specific_surface": 2,
    "euler_density": 2,
    "kozeny_carman": 2,
    **{f"bubble_point_{what}_z": 30 for what in ("diameter", "pressure")},
    "intrusion_median_diameter": 35,
    **dict.fromkeys(  # network and ways
        (
            "mean_flow_pore_diameter_z",
            "mean_flow_pressure_z",
            "porometry_d10_z",
            "porometry_d90_z",
            "smallest_pore_diameter_z",
        ),
        45,
    ),
    **{f"connected_porosity_{axis}": 3 for axis in "zyx"},
    **{f"geodesic_ratio_{axis}": 6 for axis in "zyx"},
    **dict.fromkeys(("chord_pore", "chord_solid", "correlation_length"), 5),
}


def whole_memory(numbers: Collection[str], shape: Shape) -> int:
    """Return the approximate memory [bytes] for measuring these groups and numbers of a whole volume.

    >>> whole_memory(["porosity"], (1000, 1000, 1000))
    4000000000
    """
    most = max(_BY_NAME.get(name, _BY_GROUP[NUMBERS[name].group]) for name in pick(numbers))
    return (_VOLUME + most) * math.prod(shape)


def refuse_whole(numbers: Collection[str], shape: Shape, memory: int) -> None:
    """Refuse to measure a volume as a whole if it does not fit into memory.

    Raises
    ------
    InputError
        It needs more than `memory` [bytes]; the message names the numbers that need it.
    """
    needed = whole_memory(numbers, shape)
    if needed <= memory:
        return
    by_group: dict[str, int] = {}
    for name in pick(numbers):
        group = NUMBERS[name].group
        by_group[group] = max(by_group.get(group, 0), whole_memory([name], shape))
    words = ", ".join(f"{group} {_gib(size)}" for group, size in by_group.items())
    raise InputError(
        f"measuring {format_shape(shape)} voxels whole needs about {_gib(needed)} of memory ({words}), and "
        f"{_gib(memory)} are available; leave out --whole: basic numbers are then counted from the whole "
        "volume piece by piece, exactly, and the others measured on sub-volumes"
    )


def _gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"
