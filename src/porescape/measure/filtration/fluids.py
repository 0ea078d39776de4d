"""Properties of the fluids that membranes are tested with."""

import math
from dataclasses import dataclass

from porescape.errors import SettingsError

ZERO_CELSIUS = 273.15  # K
GAS_CONSTANT = 8.314462618  # J/(mol K)
WATER_AT_20 = 1.002e-3  # Pa s


@dataclass(frozen=True, slots=True)
class Gas:
    """A gas: Sutherland's viscosity and its molar mass.

    Attributes
    ----------
    viscosity : float
        At 273 K [Pa s].
    sutherland : float
        [K]
    molar_mass : float
        [kg/mol]
    """

    viscosity: float
    sutherland: float
    molar_mass: float


# White (2006), Viscous Fluid Flow, 3rd ed., table 1-2
GASES = {
    "air": Gas(1.716e-5, 111, 28.96e-3),
    "argon": Gas(2.125e-5, 144, 39.95e-3),
    "carbon dioxide": Gas(1.370e-5, 222, 44.01e-3),
    "hydrogen": Gas(8.411e-6, 97, 2.016e-3),
    "nitrogen": Gas(1.663e-5, 107, 28.01e-3),
    "oxygen": Gas(1.919e-5, 139, 32.00e-3),
}


def water_viscosity(temperature: float) -> float:
    """Viscosity of water at atmospheric pressure [Pa s].

    Parameters
    ----------
    temperature : float
        [K], from 0 to 100 °C.

    References
    ----------
    Kestin, Sokolov and Wakeham (1978), Journal of Physical and Chemical Reference Data 7, 941: within 1 %.

    Examples
    --------
    >>> [f"{1e3 * water_viscosity(273.15 + t):.3f}" for t in (5, 20, 25, 60)]
    ['1.519', '1.002', '0.890', '0.465']
    """
    celsius = temperature - ZERO_CELSIUS
    if not -1e-9 <= celsius <= 100 + 1e-9:
        raise SettingsError(f"water is liquid from 0 to 100 °C at atmospheric pressure, got {celsius:g} °C")
    below = 20 - celsius
    power = below / (celsius + 96) * (1.2364 - 1.37e-3 * below + 5.7e-6 * below**2)
    return float(WATER_AT_20 * 10**power)


def gas_viscosity(gas: str, temperature: float) -> float:
    """Viscosity of a gas by Sutherland's formula [Pa s].

    Parameters
    ----------
    gas : str
        A name of `GASES`.
    temperature : float
        [K]

    References
    ----------
    White (2006), Viscous Fluid Flow, 3rd ed., equation 1-36: within 2 to 4 % from about 200 to 1000 K.

    Examples
    --------
    >>> f"{1e6 * gas_viscosity('nitrogen', 300):.1f}"  # 17.9 µPa s in tables
    '17.9'
    """
    known = gas_named(gas)
    ratio = temperature / 273.0
    return float(known.viscosity * ratio**1.5 * (273.0 + known.sutherland) / (temperature + known.sutherland))


def mean_free_path(gas: str, temperature: float, pressure: float) -> float:
    """Mean free path of the molecules of a gas [m], from its viscosity.

    Parameters
    ----------
    gas : str
        A name of `GASES`.
    temperature, pressure : float
        [K], [Pa]

    References
    ----------
    Cercignani (1988), The Boltzmann Equation and Its Applications (viscosity-based mean free path).

    Examples
    --------
    >>> f"{1e9 * mean_free_path('air', 296.15, 101325):.0f}"  # 67 in tables
    '66'
    """
    mass = gas_named(gas).molar_mass
    speed = math.sqrt(math.pi * GAS_CONSTANT * temperature / (2 * mass))
    return gas_viscosity(gas, temperature) / pressure * speed


def gas_permeance(
    permeability: float, diameter: float, thickness: float, gas: str, temperature: float, pressure: float
) -> tuple[float, float]:
    """Permeance for a gas that slips along the walls [m/(s Pa)], and its Knudsen number.

    Volume of gas, at the mean pressure, per membrane area, time and pressure difference:
    k (1 + 8 Kn) / (μ t). The slip is that of a round pipe of the given diameter with diffuse reflection.
    Beyond a Knudsen number of about 0.1 this is too simple; beyond 1 molecules hit walls more often than each
    other, and it is an order of magnitude.

    Parameters
    ----------
    permeability : float
        For a liquid [m²].
    diameter : float
        Of typical pores [m].
    thickness : float
        Of the membrane [m].
    gas : str
        A name of `GASES`.
    temperature : float
        [K]
    pressure : float
        Mean of both sides, absolute [Pa].

    Returns
    -------
    permeance : float
    knudsen : float
        Mean free path / diameter.

    References
    ----------
    Klinkenberg (1941), Drilling and Production Practice, American Petroleum Institute, 200.

    Examples
    --------
    >>> permeance, knudsen = gas_permeance(1e-15, 1e-6, 1e-4, "nitrogen", 293.15, 1e5)
    >>> liquid = 1e-15 / (gas_viscosity("nitrogen", 293.15) * 1e-4)
    >>> f"{knudsen:.3f}", f"{permeance / liquid:.2f}"  # slip adds half
    ('0.065', '1.52')
    """
    free = mean_free_path(gas, temperature, pressure)
    knudsen = free / diameter
    return permeability * (1 + 8 * knudsen) / (gas_viscosity(gas, temperature) * thickness), knudsen


def gas_named(gas: str) -> Gas:
    """Return a gas of `GASES`, or say which there are."""
    if gas not in GASES:
        raise SettingsError(f"there is no gas called {gas!r}; known are {', '.join(GASES)}")
    return GASES[gas]
