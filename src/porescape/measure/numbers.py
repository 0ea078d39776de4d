"""The numbers of a structure: their names, units and definitions, and their means over replicas."""

import math
from collections.abc import Collection
from typing import NamedTuple

from porescape.errors import SettingsError
from porescape.measure.network.extract import NETWORK_NUMBERS


class Number(NamedTuple):
    """What a number is.

    Attributes
    ----------
    unit : str
        SI; "1" for a pure number.
    definition : str
        One sentence.
    group : str
        What it is measured with, one of `GROUPS`.
    least, most : float
        Between which it must lie.
    """

    unit: str
    definition: str
    group: str
    least: float = 0.0
    most: float = math.inf

    @property
    def signed(self) -> bool:
        """Whether it can be below zero."""
        return self.least < 0


GROUPS = ("basic", "network", "tortuosity", "permeability", "filtration")


def _along(
    name: str, unit: str, definition: str, group: str, least: float = 0.0, most: float = math.inf
) -> dict[str, Number]:
    """Return one number per axis; `{axis}` in the definition names it."""
    return {f"{name}_{a}": Number(unit, definition.replace("{axis}", a), group, least, most) for a in "zyx"}


# the order is that of every report
NUMBERS: dict[str, Number] = {
    "porosity": Number("1", "Pore voxels / all voxels.", "basic", most=1.0),
    **_along(
        "connected_porosity",
        "1",
        "Voxels of pores that touch both faces along {axis} / all voxels.",
        "basic",
        most=1.0,
    ),
    "specific_surface": Number(
        "1/m", "Pore-solid interface area / bulk volume, by Crofton's formula.", "basic"
    ),
    "chord_pore": Number(
        "m", "Mean length of a straight line's passage through a pore, along the three axes.", "basic"
    ),
    "chord_solid": Number(
        "m", "Mean length of a straight line's passage through solid, along the three axes.", "basic"
    ),
    "thickness_pore": Number(
        "m", "Mean over the pores of the diameter of the largest ball that fits there.", "basic"
    ),
    "thickness_solid": Number(
        "m", "Mean over the solid of the diameter of the largest ball that fits there.", "basic"
    ),
    "correlation_length": Number("m", "Lag at which the pores' autocovariance first falls to 1/e.", "basic"),
    "euler_density": Number(
        "1/m³", "Pieces - tunnels + enclosed islands of the pore phase / bulk volume.", "basic", -math.inf
    ),
    **{name: Number(unit, text, "network") for name, (unit, text) in NETWORK_NUMBERS.items()},
    **_along(
        "tortuosity",
        "1",
        "Porosity x D0 / D_eff of steady diffusion between the faces along {axis}.",
        "tortuosity",
        least=1.0,
    ),
    **_along(
        "diffusivity_ratio",
        "1",
        "D_eff / D0 of steady diffusion between the faces along {axis}; 1 / formation factor.",
        "tortuosity",
        most=1.0,
    ),
    **_along(
        "geodesic_ratio",
        "1",
        "Mean shortest path through the pores between the faces along {axis} / thickness.",
        "tortuosity",
        least=1.0,
    ),
    **_along("permeability", "m²", "Darcy permeability along {axis}, from Stokes flow.", "permeability"),
    "kozeny_carman": Number(
        "m²", "Porosity³ / (5 specific_surface²): a sanity line beside the permeability.", "permeability"
    ),
    "bubble_point_diameter_z": Number(
        "m",
        "Diameter of the largest ball that passes from face to face along z, as gas first does.",
        "filtration",
    ),
    "mean_flow_pore_diameter_z": Number(
        "m", "Diameter at which the wet structure passes half the dry flow along z.", "filtration"
    ),
    "intrusion_median_diameter": Number(
        "m",
        "Diameter at which mercury, from all six faces, has filled half of what it can fill.",
        "filtration",
    ),
    "retention_d90_z": Number("m", "Particle diameter of which 90 % are held back along z.", "filtration"),
    "retention_d95_z": Number("m", "Particle diameter of which 95 % are held back along z.", "filtration"),
    "retention_d99_z": Number("m", "Particle diameter of which 99 % are held back along z.", "filtration"),
    "clean_water_flux_z": Number(
        "m/s", "Clean water per area along z at the pressure and thickness set.", "filtration"
    ),
}


def pick(wanted: Collection[str]) -> tuple[str, ...]:
    """Return the names of numbers that groups and names ask for, in the order of `NUMBERS`.

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
