"""Numbers of the pore network: bodies, throats, coordination."""

from porescape.measure.meters.meter import Meter, Note, Number, Values
from porescape.measure.meters.subject import Subject

PERCENTILES = (10, 50, 90)


def _network(subject: Subject) -> Values:
    from porescape.measure.network.border import few_whole
    from porescape.measure.network.extract import network_numbers

    values, reasons = network_numbers(subject.network(), NUMBERS)
    subject.reasons.update(reasons)
    if warning := few_whole(subject.network()):
        subject.warnings.append(warning)
    return values


def _with_percentiles(numbers: dict[str, Number]) -> dict[str, Number]:
    """Return the numbers, and after them the percentiles of each length."""
    found = dict(numbers)
    for name, number in numbers.items():
        if number.unit == "m":
            what = number.definition.removeprefix("Mean ").replace("number", "numbers")
            for p in PERCENTILES:
                found[f"{name}_p{p}"] = number._replace(definition=f"{p}th percentile, by number: {what}")
    return found


_PORE_DENSITY = Note(
    model=(
        "Number of pore bodies per volume. What one body is, is a convention: the SNOW partition with "
        "`r_max` and `sigma` as written in the results. Pores that the border cuts are replaced by the "
        "weights of whole ones (see `whole_pores`)."
    ),
    leaves_out=(
        "Passages narrower than about 2 voxels in radius have no body of their own. Long open space, as "
        "in fibre mats, is cut into too many bodies. Pores longer than the box."
    ),
    needs=(
        "Compare only at equal voxel size and equal settings. With 20 to 50 whole pores in a box, boxes of "
        "five materials scattered by 7 to 30 % and were at most 16 % too high on average; with ten, twice "
        "that (bench/results/border.md)."
    ),
    function="measure.network.partition:snow_partition",
)
_WHOLE_PORES = Note(
    model=(
        "Pores that lie wholly inside the box, on which density, diameters and coordination rest. A box "
        "holds small pores whole more often than large ones, so each counts by the inverse of its chance, "
        "calibrated to the volume of the pores that are cut. Throats likewise, by their own surfaces. If no "
        "pore is whole, all count alike."
    ),
    leaves_out=(
        "It is a number of the box, not of the material. A pore whose part reaches the border through a "
        "neck is cut."
    ),
    needs="30 or more, and none of the pores near the box in size; a warning says if there are fewer.",
    function="measure.network.border:border_weights",
)
_BODY_DIAMETER = Note(
    model=(
        "Largest ball inside the pore's own part of the space, which ends at its throats. Mean by "
        "number, of whole pores by their weights (see `whole_pores`)."
    ),
    leaves_out=(
        "The pore's shape. Where a pore is wide open to its neighbours, its part is cut short and this "
        "ball with it: a throat can then be wider than the body."
    ),
    needs=(
        "Balls of 2 to 10 voxels radius are within 0.7 voxels of the true diameter: 10 voxels across a "
        "body for 7 %."
    ),
    function="measure.network.extract:extract_network",
    source="Gostick (2017), Physical Review E 96, 023307 (partition); diameters as defined.",
)
_BODY_DIAMETER_EQUIVALENT = Note(
    model="Ball of the volume of the pore's part. What most image tools call pore size.",
    leaves_out="Shape: a long pore and a round one of one volume have the same.",
    needs="As `pore_density`: the partition decides the volume.",
    function="measure.network.extract:extract_network",
    source="Gostick (2017), Physical Review E 96, 023307 (partition); diameters as defined.",
)
_BODY_DIAMETER_EXTENDED = Note(
    model=(
        "Largest ball centred in the pore's part that may reach into neighbours, up to the solid: the "
        "width available to a particle."
    ),
    leaves_out="Walls beyond the border of the box, which matter to pores near it.",
    needs="As `body_diameter`.",
    function="measure.network.extract:extract_network",
    source="Gostick (2017), Physical Review E 96, 023307 (partition); diameters as defined.",
)
_THROAT_DIAMETER = Note(
    model=(
        "Largest ball centred on the surface where two pores' parts meet, up to the solid. What passes "
        "through."
    ),
    leaves_out=(
        "Slits: a ball measures their narrow side only. All contact of two pores is one throat, even in two "
        "places."
    ),
    needs=(
        "As `body_diameter`. Throats below about 4 voxels across are the least certain: on overlapping "
        "spheres their thinnest tenth was 13 % too wide, on a demixed membrane 58 % too narrow."
    ),
    function="measure.network.extract:extract_network",
    source="Gostick (2017), Physical Review E 96, 023307 (partition); diameters as defined.",
)
_THROAT_DIAMETER_EQUIVALENT = Note(
    model="Circle of the throat's area, as seen along its mean normal.",
    leaves_out="Shape. An inclined round throat of 7 voxels is 9 % too thin.",
    needs="As `throat_diameter`.",
    function="measure.network.extract:extract_network",
    source="Gostick (2017), Physical Review E 96, 023307 (partition); diameters as defined.",
)
_COORDINATION_NUMBER = Note(
    model=(
        "Throats per pore, over the pores that touch no face of the box, by their weights (see "
        "`whole_pores`): only they have all throats."
    ),
    leaves_out="Two throats between the same two pores count once.",
    needs="A box with enough inner pores; with none, it is missing and the reason is given.",
    function="measure.network.extract:network_numbers",
    source="Counting, on the partition of Gostick (2017).",
)
_COORDINATION_NUMBER_ALL = Note(
    model=(
        "Throats per pore, over all pores. Pores at the border have lost some of theirs, so it grows "
        "with the box."
    ),
    leaves_out="As `coordination_number`. Here because other tools report it.",
    needs="Compare only boxes of equal size.",
    function="measure.network.extract:network_numbers",
    source="Counting, on the partition of Gostick (2017).",
)

NUMBERS = _with_percentiles(
    {
        "pore_density": Number(
            "1/m³",
            "Pores of the network / bulk volume, unbiased by those that the border cuts.",
            "network",
            _PORE_DENSITY,
        ),
        "whole_pores": Number(
            "1",
            "Number of pores that touch no face of the box: what the other numbers of the network rest on.",
            "network",
            _WHOLE_PORES,
        ),
        "body_diameter": Number(
            "m", "Mean diameter of the largest ball inside each pore's region.", "network", _BODY_DIAMETER
        ),
        "body_diameter_equivalent": Number(
            "m",
            "Mean diameter of the balls with the volumes of the pores' regions.",
            "network",
            _BODY_DIAMETER_EQUIVALENT,
        ),
        "body_diameter_extended": Number(
            "m",
            "Mean diameter of the largest ball centred in each region, up to the solid.",
            "network",
            _BODY_DIAMETER_EXTENDED,
        ),
        "throat_diameter": Number(
            "m",
            "Mean diameter of the largest ball centred on each throat, to the solid.",
            "network",
            _THROAT_DIAMETER,
        ),
        "throat_diameter_equivalent": Number(
            "m",
            "Mean diameter of the circles with the areas of the throats.",
            "network",
            _THROAT_DIAMETER_EQUIVALENT,
        ),
        "coordination_number": Number(
            "1",
            "Mean number of throats of the pores that touch no face of the box.",
            "network",
            _COORDINATION_NUMBER,
        ),
        "coordination_number_all": Number(
            "1",
            "Mean number of throats of all pores; grows with the box.",
            "network",
            _COORDINATION_NUMBER_ALL,
        ),
    }
)

METERS = (Meter("pore network", NUMBERS, _network),)
