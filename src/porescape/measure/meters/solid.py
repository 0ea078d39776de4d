"""Conduction through the solid along each axis."""

from functools import partial

from porescape.measure.meters.meter import AXES, Meter, Note, Number, Values, along
from porescape.measure.meters.subject import Subject


def _conduction(subject: Subject, axis: int) -> Values:
    from porescape.core.volume import Volume
    from porescape.errors import InputError
    from porescape.measure.transport.diffusion import diffusion

    volume = subject.volume
    try:
        found = diffusion(Volume(~volume.pore, volume.voxel_size), axis)
    except InputError as error:  # its words are those of pores
        raise InputError(f"the solid does not conduct along {AXES[axis]}: read for solid, {error}") from error
    return {
        f"conductivity_ratio_solid_{AXES[axis]}": found.diffusivity_ratio,
        f"tortuosity_solid_{AXES[axis]}": found.tortuosity,
    }


_CONDUCTIVITY_RATIO = Note(
    model=(
        "Steady conduction of heat or charge through the solid between two faces, the pores insulating: "
        "effective over solid conductivity."
    ),
    leaves_out="Conduction and radiation through the pores, contact resistance between grains.",
    needs="6 % too low with 6 voxels across a strut, 3 % with 11, 2 % with 23.",
    function="measure.transport.diffusion:diffusion",
    source="Torquato (2002), Random Heterogeneous Materials, Springer, chapter 13.",
)
_TORTUOSITY = _CONDUCTIVITY_RATIO._replace(
    model="As the conductivity ratio of the solid: share of solid over that ratio."
)
_CONDUCTIVITY_NUMBER = Number(
    "1",
    "Effective over solid conductivity of steady conduction through the solid along {axis}.",
    "solid",
    _CONDUCTIVITY_RATIO,
    most=1.0,
)
_TORTUOSITY_NUMBER = Number(
    "1",
    "Share of solid over the conductivity ratio of the solid along {axis}.",
    "solid",
    _TORTUOSITY,
    least=1.0,
)

METERS = tuple(
    Meter(
        f"conduction of the solid along {axis}",
        {
            f"conductivity_ratio_solid_{axis}": along(axis, _CONDUCTIVITY_NUMBER),
            f"tortuosity_solid_{axis}": along(axis, _TORTUOSITY_NUMBER),
        },
        partial(_conduction, axis=number),
    )
    for number, axis in enumerate(AXES)
)
