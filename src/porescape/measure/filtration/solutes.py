"""Passage of solutes that are nearly as large as the pores: ultrafiltration.

Round rigid solutes in straight round pores. A structure with pores of many sizes passes the mean over its
flow-weighted distribution (`porometry`). Charge, adsorption, and layers of solute before the membrane are
left out, and they usually decide.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.errors import SettingsError

Floats = NDArray[np.float64]


def ferry(ratio: Floats) -> Floats:
    """Share of solute that enters with the flow, by steric exclusion alone.

    Parameters
    ----------
    ratio : ndarray of float64
        Diameter of the solute / diameter of the pore.

    References
    ----------
    Ferry (1936), Journal of General Physiology 20, 95: 2 (1 - λ)² - (1 - λ)⁴.

    Examples
    --------
    >>> [float(round(share, 3)) for share in ferry(np.array([0.0, 0.5, 1.0]))]
    [1.0, 0.438, 0.0]
    """
    free = np.clip(1 - np.asarray(ratio, dtype=np.float64), 0, 1) ** 2
    return np.asarray(2 * free - free**2)


def renkin(ratio: Floats) -> Floats:
    """Share of solute that passes with the flow: exclusion, and drag along the walls.

    Parameters
    ----------
    ratio : ndarray of float64
        Diameter of the solute / diameter of the pore; the drag is an expansion that holds up to about 0.4,
        and is cut off where it would fall below zero.

    References
    ----------
    Renkin (1954), Journal of General Physiology 38, 225, for sieving at high flow:
    [2 (1 - λ)² - (1 - λ)⁴] (1 - 2.104 λ + 2.09 λ³ - 0.95 λ⁵).

    Examples
    --------
    >>> [float(round(share, 3)) for share in renkin(np.array([0.0, 0.2, 1.0]))]
    [1.0, 0.518, 0.0]
    """
    clipped = np.clip(np.asarray(ratio, dtype=np.float64), 0, 1)
    drag = 1 - 2.104 * clipped + 2.09 * clipped**3 - 0.95 * clipped**5
    return np.asarray(ferry(clipped) * np.maximum(drag, 0))


LAWS: dict[str, Callable[[Floats], Floats]] = {"ferry": ferry, "renkin": renkin}


def solute_passage(distribution: Curve, diameter: float, law: str = "renkin") -> float:
    """Share of a solute that passes with the flow through pores of many sizes.

    Parameters
    ----------
    distribution : Curve
        Shares of the flow over pore diameter [m], as `Porometry.distribution`.
    diameter : float
        Of the solute [m].
    law : {"ferry", "renkin"}

    Examples
    --------
    >>> pores = Curve(np.array([1e-8, 2e-8]), np.array([0.25, 0.75]), "m", "1")
    >>> round(solute_passage(pores, 1e-8, "ferry"), 3)  # nothing through the narrow ones
    0.328
    """
    if law not in LAWS:
        raise SettingsError(
            f"there is no law of hindered passage called {law!r}; known are {', '.join(LAWS)}"
        )
    if not 0 < diameter < 1:
        raise SettingsError(f"the diameter of a solute must be positive and below 1 m, got {diameter}")
    return float((distribution.y * LAWS[law](diameter / distribution.x)).sum() / distribution.y.sum())
