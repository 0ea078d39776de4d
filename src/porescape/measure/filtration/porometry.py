"""Capillary flow porometry: gas displaces a wetting liquid from a membrane, the widest paths first."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.network import Network
from porescape.errors import SettingsError
from porescape.measure.filtration.intrusion import capillary_pressure
from porescape.measure.network.flow import conduits, first_step, no_way, pore_access, pressures
from porescape.measure.network.openings import Openings, openings_of

WETTING_TENSION = 0.0159  # N/m, Galwick, the usual wetting liquid; it wets nearly all solids fully
WETTING_ANGLE = 0.0  # degrees


@dataclass(frozen=True, slots=True, eq=False)
class Porometry:
    """The simulated result of a porometer.

    Attributes
    ----------
    bubble_point_diameter, bubble_point_pressure : float
        Of the widest path, which opens first [m], [Pa].
    mean_flow_pore_diameter, mean_flow_pressure : float
        Where the wet flow is half of the dry flow [m], [Pa].
    flow_diameters : tuple of float
        Wider than these, pores carry 90, 50 and 10 % of the dry flow: 10th, 50th and 90th percentile of the
        flow-weighted distribution of diameters [m].
    smallest_diameter : float
        Where the wet flow meets the dry one [m]: the narrowest way that still carries a millionth of it.
    wet, dry : Curve
        Gas flow over pressure [Pa], as a fraction of the dry flow at the highest pressure. The dry flow is a
        straight line; they meet where all paths are open.
    distribution : Curve
        Share of the dry flow that opens in equal ratios of diameter [m], ascending; adds up to 1.
    """

    bubble_point_diameter: float
    bubble_point_pressure: float
    mean_flow_pore_diameter: float
    mean_flow_pressure: float
    flow_diameters: tuple[float, float, float]
    smallest_diameter: float
    wet: Curve
    dry: Curve
    distribution: Curve


def porometry(
    network: Network,
    axis: int,
    *,
    surface_tension: float = WETTING_TENSION,
    contact_angle: float = WETTING_ANGLE,
    conductances: NDArray[np.float64] | None = None,
    openings: Openings | None = None,
    sizes: int = 40,
) -> Porometry:
    """Displace the liquid from a network by gas and compute the gas flow through its empty part.

    At a pressure P, gas that comes from before the first face enters every throat and pore wider than
    4 γ cos θ / P that it can reach, and leaves by openings of the last face that are as wide. The empty part
    that leads from face to face carries a flow in proportion to the pressure difference (linear; pipes, see
    `conduits`). Mean flow pore as in ASTM F316: where the wet flow is half the dry flow of the same pressure.

    Left out: expansion of the gas and slip at the walls (which change wet and dry flow by similar factors),
    liquid films, liquid that is trapped or evaporates, and openings that are not round. All throats
    between the same two pores count as one. Widths are those of the widest ways through the voxels, from the
    middle of a pore to that of the next and out through the faces (`openings_of`); so no diameter exceeds
    `percolating_diameter`, which need not go by the middles of pores and is the better bubble point.

    Parameters
    ----------
    network : Network
    axis : int
        0, 1, 2 for z, y, x.
    surface_tension : float
        [N/m]
    contact_angle : float
        Of the liquid [degrees], below 90.
    conductances : ndarray of float64, shape (m,), optional
        Flow per pressure difference times viscosity of each throat [m³]; pipes by default.
    openings : Openings, optional
        Of this network, if they are already known.
    sizes : int
        Points of the curves beyond the first, at least 2.

    Raises
    ------
    InputError
        No pores lead from face to face.
    SettingsError
        The liquid does not wet, or a number is impossible.

    References
    ----------
    ASTM F316-03, Standard test methods for pore size characteristics of membrane filters by bubble point
    and mean flow pore test.
    Jena and Gupta (2010), Powder Metallurgy 53, 225 (flow porometry and its distribution).
    """
    if sizes < 2:
        raise SettingsError(f"porometry curves need at least 2 sizes, got {sizes}")
    if not 0 <= contact_angle < 90:
        raise SettingsError(
            f"porometry needs a liquid that wets, with an angle below 90°, not {contact_angle}"
        )
    ease = conduits(network, axis, conductances)
    ways = openings_of(network) if openings is None else openings
    inlet, outlet = ways.face[:, 2 * axis], ways.face[:, 2 * axis + 1]
    access = pore_access(network, axis, ways)
    bubble = float(np.minimum(access, outlet).max(initial=0))
    if bubble == 0:
        raise no_way(network, axis)
    # a throat opens when it and the paths to both of its ends are open
    opens = np.minimum(ways.throat, access[network.throat_pores].min(axis=1, initial=np.inf))
    _, _, dry = pressures(network, ease, np.ones(len(opens), dtype=bool))

    def share(diameter: float) -> float:
        """Wet flow / dry flow when all paths down to this diameter are open."""
        entered = replace(
            ease,
            inlet=ease.inlet * (inlet >= diameter),
            outlet=ease.outlet * (np.minimum(access, outlet) >= diameter),
        )
        _, _, wet = pressures(network, entered, opens >= diameter)
        return wet / dry

    steps = np.unique(np.concatenate((opens, access, inlet, outlet)))
    steps = steps[(steps > 0) & (steps <= bubble)][::-1]  # widest first

    def opened_at(flow: float) -> float:
        """Diameter down to which the paths must open to carry a share of the dry flow."""
        return float(steps[first_step(lambda step: share(steps[step]) >= flow, len(steps))])

    tenth, mean_flow, ninetieth = (opened_at(flow) for flow in (0.9, 0.5, 0.1))
    last = opened_at(1 - 1e-6)

    edges = np.geomspace(bubble * 1.05, last * 0.95, sizes + 1)  # from fully wet to fully dry
    opened = np.minimum(np.array([share(d) for d in edges]), 1.0)
    pressure = np.array([capillary_pressure(d, surface_tension, contact_angle) for d in edges])
    ratio = pressure / pressure[-1]
    return Porometry(
        bubble_point_diameter=bubble,
        bubble_point_pressure=capillary_pressure(bubble, surface_tension, contact_angle),
        mean_flow_pore_diameter=mean_flow,
        mean_flow_pressure=capillary_pressure(mean_flow, surface_tension, contact_angle),
        flow_diameters=(tenth, mean_flow, ninetieth),
        smallest_diameter=last,
        wet=Curve(pressure, opened * ratio, "Pa", "1"),
        dry=Curve(pressure, ratio, "Pa", "1"),
        distribution=Curve(np.sqrt(edges[1:] * edges[:-1])[::-1], np.diff(opened)[::-1], "m", "1"),
    )
