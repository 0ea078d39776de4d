"""Permeability along each axis, and a rough estimate for comparison."""

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.measure.meters.meter import AXES, Meter, Note, Number, Values, along
from porescape.measure.meters.subject import Subject

if TYPE_CHECKING:
    from porescape.measure.transport.stokes import Flow


def _permeability(subject: Subject, axis: int) -> Values:
    from porescape.measure.transport.stokes import stokes_flow

    flow = subject.flow_z() if axis == 0 else stokes_flow(subject.volume, axis)
    if axis == 0:
        subject.fields["flow_z"] = _speed(flow, subject.volume)
    return {f"permeability_{AXES[axis]}": flow.permeability}


def _speed(flow: "Flow", volume: Volume) -> NDArray[np.float32]:
    """Return the speed of the liquid in the voxels of the plane x = nx // 2; NaN in the solid."""
    x = volume.shape[2] // 2
    square = np.zeros(volume.shape[:2])
    for axis, face in enumerate(flow.velocity):
        lower = np.take(face, range(volume.shape[axis]), axis=axis)
        upper = np.take(face, range(1, volume.shape[axis] + 1), axis=axis)
        square += (0.5 * (lower[:, :, x].astype(np.float64) + upper[:, :, x])) ** 2
    return np.where(volume.pore[:, :, x], np.sqrt(square), np.nan).astype(np.float32)


def _kozeny_carman(subject: Subject) -> Values:
    from porescape.measure.transport.stokes import kozeny_carman

    return {"kozeny_carman": kozeny_carman(subject.volume)}


_PERMEABILITY = Note(
    model=(
        "Stokes flow of a liquid without slip at the walls, uniform pressure over both faces, the sides of "
        "the box as mirrors."
    ),
    leaves_out=(
        "Inertia, slip of gas, swelling, compression, layers that are not in the image (such as a skin)."
    ),
    needs=(
        "Slits along the voxels are exact; the flow is 2 to 3 % too small in a tube 20 voxels wide, 3 % in "
        "touching spheres of 64 voxels. Steps of inclined smooth walls resist the flow too much: "
        '10 % at pore chords of 10 voxels, 6 % at 20. From Python, stokes_flow(..., walls="smooth") takes '
        "steps for a smooth wall cut into voxels."
    ),
    function="measure.transport.stokes:stokes_flow",
)
_KOZENY_CARMAN = Note(
    model=("φ³ / (5 S²): packed grains. A value to check the computed permeability's order of magnitude."),
    leaves_out="Throats, dead ends, direction. Never quote it as a result.",
    needs="That of porosity and specific surface.",
    function="measure.transport.stokes:kozeny_carman",
)

_PERMEABILITY_NUMBER = Number(
    "m²", "Darcy permeability along {axis}, from Stokes flow.", "permeability", _PERMEABILITY
)

METERS = (
    *(
        Meter(
            f"flow along {a}",
            {f"permeability_{a}": along(a, _PERMEABILITY_NUMBER)},
            partial(_permeability, axis=i),
        )
        for i, a in enumerate(AXES)
    ),
    Meter(
        "Kozeny-Carman",
        {
            "kozeny_carman": Number(
                "m²",
                "Porosity³ / (5 specific_surface²): a rough estimate, to check the permeability.",
                "permeability",
                _KOZENY_CARMAN,
            )
        },
        _kozeny_carman,
    ),
)
