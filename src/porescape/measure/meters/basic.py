"""Porosity, surface, lengths and topology."""

import math
from typing import Literal

from porescape.measure.meters.meter import AXES, Meter, Note, Number, Values, along
from porescape.measure.meters.subject import Subject

Phase = Literal["pore", "solid"]
PHASES: tuple[Phase, Phase] = ("pore", "solid")
SHORTEST = 8  # voxels; curves of smaller boxes are not useful (chosen by hand)


def _porosity(subject: Subject) -> Values:
    return {"porosity": subject.volume.porosity}


def _connected(subject: Subject) -> Values:
    from porescape.measure.geometry.connectivity import connected_porosities

    shares = connected_porosities(subject.volume)
    return {f"connected_porosity_{a}": share for a, share in zip(AXES, shares, strict=True)}


def _surface(subject: Subject) -> Values:
    from porescape.measure.geometry.minkowski import specific_surface

    return {"specific_surface": specific_surface(subject.volume)}


def _chords(subject: Subject) -> Values:
    from porescape.measure.geometry.correlation import mean_chords
    from porescape.measure.geometry.morphology import chord_distribution

    pore, solid = mean_chords(subject.volume)
    subject.curves["chord_pore"] = chord_distribution(subject.volume, "pore")
    subject.curves["chord_solid"] = chord_distribution(subject.volume, "solid")
    return {"chord_pore": pore, "chord_solid": solid}


def _thickness(subject: Subject) -> Values:
    from porescape.measure.geometry.morphology import thickness_distribution

    pore = thickness_distribution(subject.volume, "pore")
    solid = thickness_distribution(subject.volume, "solid")
    subject.curves.update(thickness_pore=pore.cumulative, thickness_solid=solid.cumulative)
    return {"thickness_pore": pore.mean, "thickness_solid": solid.mean}


def _correlation(subject: Subject) -> Values:
    from porescape.measure.geometry.correlation import correlation_length
    from porescape.measure.geometry.morphology import lineal_path_curve, two_point_curve

    if min(subject.volume.shape) >= SHORTEST:
        subject.curves["two_point"] = two_point_curve(subject.volume)
        subject.curves["lineal_path_pore"] = lineal_path_curve(subject.volume, "pore")
        subject.curves["lineal_path_solid"] = lineal_path_curve(subject.volume, "solid")
    return {"correlation_length": correlation_length(subject.volume)}


def _euler(subject: Subject) -> Values:
    from porescape.measure.geometry.minkowski import euler_density

    return {"euler_density": euler_density(subject.volume)}


_POROSITY = Note(
    model=(
        "Every voxel is pore or solid. In a replica it is the porosity of the segmented image, imposed "
        "exactly: it is an input, not a result."
    ),
    leaves_out=(
        "Pores below one pixel, and pixels that the threshold classified wrongly. Of the four sources "
        "of uncertainty in the interval, the threshold is usually the largest here."
    ),
    needs="No requirement of its own. Pores of few pixels lose or gain a rim that is a large part of them.",
    function="measure.volume:measure_volume",
    source="Counting.",
)
_CONNECTED_POROSITY = Note(
    model=(
        "Pore voxels that are connected by faces and touch both ends of the box. Dead ends of such a "
        "cluster count."
    ),
    leaves_out=(
        "Closed pores of the real material. A section cannot tell a closed pore from an open one, and "
        "the fit requires both phases to be connected (`--percolate`), so this number is close to the "
        "porosity by construction."
    ),
    needs=(
        "Necks of one voxel decide. A box of few pores overestimates it: a pore that ends just outside "
        "appears open."
    ),
    function="measure.geometry.connectivity:connected_porosities",
    source="Connected components, voxels joined by faces.",
)
_SPECIFIC_SURFACE = Note(
    model=("Area of the wall per volume of the box, solid included, from phase changes along 13 directions."),
    leaves_out=("Roughness below a pixel. A gas adsorption (BET) surface includes it and is larger."),
    needs=(
        "Spheres of 10 voxels radius are within 1 %; sharp edges are blunted, 6 % low at 6 voxels "
        "radius. Flat walls along the lattice come out 7 % low."
    ),
    function="measure.geometry.minkowski:specific_surface",
)
_CHORD_PORE = Note(
    model=(
        "Mean length of a straight line's passage through a pore. A stereological mean: it is the same "
        "number in a section and in the volume, if the material is isotropic."
    ),
    leaves_out="Shape. A chord is not a diameter: a ball of diameter d has a mean chord of 2 d / 3.",
    needs=("The thinner phase should have chords of 5 pixels or more; the check of sharpness asks for that."),
    function="measure.geometry.correlation:mean_chords",
)
_CHORD_SOLID = Note(
    model="As `chord_pore`, through the solid.",
    leaves_out="As `chord_pore`.",
    needs="As `chord_pore`.",
    function="measure.geometry.correlation:mean_chords",
)
_THICKNESS_PORE = Note(
    model=(
        "Each point of the pores gets the diameter of the largest ball that covers it. The mean is by "
        "volume, so wide pores weigh more."
    ),
    leaves_out=(
        "Necks that the ball of a wide pore reaches into. Near the border of the box the walls beyond are "
        "unknown, and thicknesses are too large."
    ),
    needs="Tubes and spheres are right within about a voxel: 10 voxels across a pore for 10 %.",
    function="measure.geometry.thickness:local_thickness",
)
_THICKNESS_SOLID = Note(
    model="As `thickness_pore`, in the solid: walls, struts, fibres.",
    leaves_out=(
        "As `thickness_pore`. The solid of packed particles is 13 to 36 % too thin: its grains "
        "are compact, those of the reconstruction are not."
    ),
    needs="As `thickness_pore`.",
    function="measure.geometry.thickness:local_thickness",
)
_CORRELATION_LENGTH = Note(
    model=(
        "The distance over which the structure is correlated with itself, from the two-point "
        "correlation along the axes."
    ),
    leaves_out="Everything except one length. Structures of equal correlation length can be very different.",
    needs=(
        "A box of few features gives too short a length, as its own porosity is taken for the material's."
    ),
    function="measure.geometry.correlation:correlation_length",
    source="Torquato (2002), Random Heterogeneous Materials, Springer, chapter 2.",
)
_EULER_DENSITY = Note(
    model=(
        "Pieces less tunnels plus enclosed islands of solid, counted on groups of voxels. Groups at the "
        "border count in part, so that every place in the box counts once. Strongly negative in a well "
        "connected pore space."
    ),
    leaves_out="Nothing, which is its weakness: an isolated voxel counts as much as a pore.",
    needs=(
        "The least certain of the basic numbers. It scales with the inverse cube of a length. On five "
        "known volumes the mean over twelve sections was off by 5 to 41 %, on demixed membranes by up "
        "to 141 % (bench/results/topology.md). Do not compare it between voxel sizes."
    ),
    function="measure.geometry.minkowski:euler_density",
)

METERS = (
    Meter(
        "porosity",
        {"porosity": Number("1", "Pore voxels / all voxels.", "basic", _POROSITY, most=1.0)},
        _porosity,
    ),
    Meter(
        "connected porosity",
        {
            f"connected_porosity_{a}": along(
                a,
                Number(
                    "1",
                    "Voxels of pores that touch both faces along {axis} / all voxels.",
                    "basic",
                    _CONNECTED_POROSITY,
                    most=1.0,
                ),
            )
            for a in AXES
        },
        _connected,
    ),
    Meter(
        "surface",
        {
            "specific_surface": Number(
                "1/m",
                "Pore-solid interface area / bulk volume, by Crofton's formula.",
                "basic",
                _SPECIFIC_SURFACE,
            )
        },
        _surface,
    ),
    Meter(
        "chords",
        {
            "chord_pore": Number(
                "m",
                "Mean length of a straight line's passage through a pore, along the three axes.",
                "basic",
                _CHORD_PORE,
            ),
            "chord_solid": Number(
                "m",
                "Mean length of a straight line's passage through solid, along the three axes.",
                "basic",
                _CHORD_SOLID,
            ),
        },
        _chords,
    ),
    Meter(
        "thickness",
        {
            "thickness_pore": Number(
                "m",
                "Mean over the pores of the diameter of the largest ball that fits there.",
                "basic",
                _THICKNESS_PORE,
            ),
            "thickness_solid": Number(
                "m",
                "Mean over the solid of the diameter of the largest ball that fits there.",
                "basic",
                _THICKNESS_SOLID,
            ),
        },
        _thickness,
    ),
    Meter(
        "correlation length",
        {
            "correlation_length": Number(
                "m",
                "Lag at which the pores' autocovariance first falls to 1/e.",
                "basic",
                _CORRELATION_LENGTH,
            )
        },
        _correlation,
    ),
    Meter(
        "Euler number",
        {
            "euler_density": Number(
                "1/m³",
                "Pieces - tunnels + enclosed islands of the pore phase / bulk volume.",
                "basic",
                _EULER_DENSITY,
                -math.inf,
            )
        },
        _euler,
    ),
)
