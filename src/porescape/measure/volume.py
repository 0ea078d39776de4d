"""Measure a volume: each number by its own means; what is costly is made once and shared."""

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.measurement import Details, Measurement
from porescape.core.network import Network
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.clearance import Clearance, clearance
from porescape.measure.geometry.connectivity import connected_porosities
from porescape.measure.geometry.correlation import correlation_length, mean_chords
from porescape.measure.geometry.minkowski import euler_density, specific_surface
from porescape.measure.geometry.morphology import (
    Phase,
    chord_distribution,
    lineal_path_curve,
    thickness_distribution,
    two_point_curve,
)
from porescape.measure.network.extract import NETWORK_NUMBERS, extract_network, network_numbers
from porescape.measure.network.flow import Fluxes, throat_fluxes
from porescape.measure.numbers import NUMBERS, pick
from porescape.measure.section.representative import REPRESENTED, representativity, too_small
from porescape.measure.transport.diffusion import diffusion
from porescape.measure.transport.geodesic import geodesic_ratio
from porescape.measure.transport.intrusion import mercury_intrusion, percolating_diameter
from porescape.measure.transport.porometry import porometry
from porescape.measure.transport.retention import clean_water_flux, retention
from porescape.measure.transport.stokes import Flow, kozeny_carman, stokes_flow

T = TypeVar("T")
Values = Mapping[str, float]
AXES = "zyx"
PHASES: tuple[Phase, Phase] = ("pore", "solid")
SHORTEST = 8  # voxels; smaller boxes have no curve worth drawing
REPRESENTATIVITY = "representativity"
NO_REGIONS = np.zeros((0, 0, 0), np.int32)


def measure_volume(
    volume: Volume,
    settings: Measure | Collection[str] | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Measurement:
    """Measure a volume.

    Parameters
    ----------
    volume : Volume
        What to measure. What lies beyond it is not assumed: periodic replicas are measured like samples cut
        from a tomography, so that both can be compared.
    settings : Measure or collection of str, optional
        What to measure and with which liquids, or only the names of groups and numbers; everything by
        default.
    progress : callable, optional
        Told (what was done, steps done, steps in all) after each step.

    Raises
    ------
    SettingsError
        A number is not known.
    """
    if settings is None:
        settings = Measure()
    elif not isinstance(settings, Measure):
        settings = Measure(numbers=tuple(settings))
    wanted = pick(settings.numbers)
    subject = _Subject(volume, settings)
    meters = [meter for meter in METERS if set(meter.names) & set(wanted)]
    values: dict[str, float] = {}
    seconds: dict[str, float] = {}
    for done, meter in enumerate(meters, start=1):
        clock = time.perf_counter()
        try:
            values.update(meter.work(subject))
        except InputError as error:
            values.update(dict.fromkeys(meter.names, math.nan))
            subject.reasons.update(dict.fromkeys(meter.names, str(error)))
        seconds[meter.title] = time.perf_counter() - clock
        if progress is not None:
            progress(meter.title, done, len(meters))
    warnings: tuple[str, ...] = ()
    if set(REPRESENTED) <= set(wanted):
        clock = time.perf_counter()
        warnings = _settling(subject)
        seconds[REPRESENTATIVITY] = time.perf_counter() - clock
    return Measurement(
        {name: values[name] for name in wanted},
        {name: subject.reasons[name] for name in wanted if name in subject.reasons},
        seconds,
        warnings,
        details=Details(subject.network_alone(), subject.curves, subject.fields),
    )


def steps(numbers: Collection[str]) -> int:
    """Return how many steps measuring these numbers takes."""
    wanted = set(pick(numbers))
    return sum(bool(wanted & set(meter.names)) for meter in METERS)


class _Subject:
    """A volume under measurement, and what its meters leave behind for each other and for pictures."""

    def __init__(self, volume: Volume, settings: Measure) -> None:
        self.volume = volume
        self.settings = settings
        self.curves: dict[str, Curve] = {}
        self.fields: dict[str, NDArray[np.float32]] = {}
        self.reasons: dict[str, str] = {}
        self._made: dict[str, Any] = {}

    def network(self) -> Network:
        """The pore network."""
        return self._once(
            "network", lambda: extract_network(self.volume, self.settings.r_max, self.settings.sigma)
        )

    def network_alone(self) -> Network | None:
        """The network, if it was made, without its map of regions."""
        made = self._made.get("network")
        return replace(made, region=NO_REGIONS) if isinstance(made, Network) else None

    def space(self) -> Clearance:
        """How wide the pores are at each voxel."""
        return self._once("space", lambda: clearance(self.volume.pore))

    def flow_z(self) -> Flow:
        """The Stokes flow along z, which the filtration numbers stand on too."""
        return self._once("flow", lambda: stokes_flow(self.volume, 0))

    def fluxes_z(self) -> Fluxes:
        """That flow through the throats of the network."""
        return self._once("fluxes", lambda: throat_fluxes(self.network(), self.flow_z()))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Make a thing when first asked for; what failed fails again in the same words."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except InputError as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, InputError):
            raise made
        return made  # type: ignore[no-any-return]


# -- the meters -------------------------------------------------------------------------------------


def _porosity(subject: _Subject) -> Values:
    return {"porosity": subject.volume.porosity}


def _connected(subject: _Subject) -> Values:
    shares = connected_porosities(subject.volume)
    return {f"connected_porosity_{a}": share for a, share in zip(AXES, shares, strict=True)}


def _surface(subject: _Subject) -> Values:
    return {"specific_surface": specific_surface(subject.volume)}


def _chords(subject: _Subject) -> Values:
    pore, solid = mean_chords(subject.volume)
    for phase in PHASES:
        subject.curves[f"chord_{phase}"] = chord_distribution(subject.volume, phase)
    return {"chord_pore": pore, "chord_solid": solid}


def _thickness(subject: _Subject) -> Values:
    found = {phase: thickness_distribution(subject.volume, phase) for phase in PHASES}
    subject.curves.update({f"thickness_{phase}": one.cumulative for phase, one in found.items()})
    return {f"thickness_{phase}": one.mean for phase, one in found.items()}


def _correlation(subject: _Subject) -> Values:
    if min(subject.volume.shape) >= SHORTEST:
        subject.curves["two_point"] = two_point_curve(subject.volume)
        for phase in PHASES:
            subject.curves[f"lineal_path_{phase}"] = lineal_path_curve(subject.volume, phase)
    return {"correlation_length": correlation_length(subject.volume)}


def _euler(subject: _Subject) -> Values:
    return {"euler_density": euler_density(subject.volume)}


def _network(subject: _Subject) -> Values:
    values, reasons = network_numbers(subject.network())
    subject.reasons.update(reasons)
    return values


def _diffusion(subject: _Subject, axis: int) -> Values:
    found = diffusion(subject.volume, axis)
    if axis == 0:
        subject.fields["concentration_z"] = _middle(found.concentration)
    return {
        f"tortuosity_{AXES[axis]}": found.tortuosity,
        f"diffusivity_ratio_{AXES[axis]}": found.diffusivity_ratio,
    }


def _geodesic(subject: _Subject, axis: int) -> Values:
    return {f"geodesic_ratio_{AXES[axis]}": geodesic_ratio(subject.volume, axis)}


def _permeability(subject: _Subject, axis: int) -> Values:
    flow = subject.flow_z() if axis == 0 else stokes_flow(subject.volume, axis)
    if axis == 0:
        subject.fields["flow_z"] = _speed(flow, subject.volume)
    return {f"permeability_{AXES[axis]}": flow.permeability}


def _kozeny_carman(subject: _Subject) -> Values:
    return {"kozeny_carman": kozeny_carman(subject.volume)}


def _percolating(subject: _Subject) -> Values:
    return {"bubble_point_diameter_z": percolating_diameter(subject.volume, 0, subject.space())}


def _intrusion(subject: _Subject) -> Values:
    found = mercury_intrusion(subject.volume, space=subject.space())
    subject.curves["intrusion"] = found.curve
    return {"intrusion_median_diameter": found.median_diameter}


def _porometry(subject: _Subject) -> Values:
    found = porometry(
        subject.network(),
        0,
        surface_tension=subject.settings.surface_tension,
        contact_angle=subject.settings.contact_angle,
    )
    subject.curves.update(porometry_wet_z=found.wet, porometry_dry_z=found.dry)
    subject.curves["porometry_distribution_z"] = found.distribution
    return {"mean_flow_pore_diameter_z": found.mean_flow_pore_diameter}


def _retention(subject: _Subject) -> Values:
    found = retention(subject.network(), 0, fluxes=subject.fluxes_z(), thickness=subject.settings.thickness)
    subject.curves["retention_z"] = found.curve
    return {
        f"retention_d{rating}_z": value
        for rating, value in ((90, found.d90), (95, found.d95), (99, found.d99))
    }


def _water_flux(subject: _Subject) -> Values:
    settings, volume = subject.settings, subject.volume
    thickness = settings.thickness or volume.shape[0] * volume.voxel_size
    flux = clean_water_flux(subject.flow_z().permeability, thickness, settings.pressure, settings.viscosity)
    return {"clean_water_flux_z": flux}


class Meter(NamedTuple):
    """One step of a measurement: what it is called, which numbers it gives, and how."""

    title: str
    names: tuple[str, ...]
    work: Callable[[_Subject], Values]


METERS: tuple[Meter, ...] = (
    Meter("porosity", ("porosity",), _porosity),
    Meter("connected porosity", tuple(f"connected_porosity_{a}" for a in AXES), _connected),
    Meter("surface", ("specific_surface",), _surface),
    Meter("chords", ("chord_pore", "chord_solid"), _chords),
    Meter("thickness", ("thickness_pore", "thickness_solid"), _thickness),
    Meter("correlation length", ("correlation_length",), _correlation),
    Meter("Euler number", ("euler_density",), _euler),
    Meter("pore network", tuple(NETWORK_NUMBERS), _network),
    *(
        Meter(
            f"diffusion along {a}", (f"tortuosity_{a}", f"diffusivity_ratio_{a}"), partial(_diffusion, axis=i)
        )
        for i, a in enumerate(AXES)
    ),
    *(
        Meter(f"shortest paths along {a}", (f"geodesic_ratio_{a}",), partial(_geodesic, axis=i))
        for i, a in enumerate(AXES)
    ),
    *(
        Meter(f"flow along {a}", (f"permeability_{a}",), partial(_permeability, axis=i))
        for i, a in enumerate(AXES)
    ),
    Meter("Kozeny-Carman", ("kozeny_carman",), _kozeny_carman),
    Meter("bubble point", ("bubble_point_diameter_z",), _percolating),
    Meter("porometry", ("mean_flow_pore_diameter_z",), _porometry),
    Meter("mercury intrusion", ("intrusion_median_diameter",), _intrusion),
    Meter("retention", ("retention_d90_z", "retention_d95_z", "retention_d99_z"), _retention),
    Meter("water flux", ("clean_water_flux_z",), _water_flux),
)


# -- how numbers settle with the size of the box ------------------------------------------------------


def _plainly(part: Volume) -> dict[str, float]:
    """Measure a part of a volume in `REPRESENTED` alone, without asking how these settle in turn."""
    subject = _Subject(part, Measure())
    found: dict[str, float] = {}
    for meter in METERS:
        if set(meter.names) & set(REPRESENTED):
            try:
                found.update(meter.work(subject))
            except InputError:
                found.update(dict.fromkeys(meter.names, math.nan))
    return {name: found[name] for name in REPRESENTED}


def _settling(subject: _Subject) -> tuple[str, ...]:
    """See how cheap numbers settle with the size of the box; return what it is too small for."""
    try:
        found = representativity(subject.volume, lambda part: _plainly(part))
    except InputError as error:
        return (f"whether the box is large enough cannot be told: {error}",)
    for name, settled in found.settling.items():
        edges = np.array([one.edge for one in settled])
        for what in ("mean", "sd"):
            subject.curves[f"settling_{name}_{what}"] = Curve(
                edges, np.array([getattr(one, what) for one in settled]), "m", NUMBERS[name].unit
            )
    return too_small(found)


# -- what pictures need -----------------------------------------------------------------------------


def _middle(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane x = nx // 2 of a field."""
    return np.ascontiguousarray(field[:, :, field.shape[2] // 2])


def _speed(flow: Flow, volume: Volume) -> NDArray[np.float32]:
    """Return how fast the liquid is in the voxels of the plane x = nx // 2; NaN in the solid."""
    x = volume.shape[2] // 2
    square = np.zeros(volume.shape[:2])
    for axis, face in enumerate(flow.velocity):
        lower = np.take(face, range(volume.shape[axis]), axis=axis)
        upper = np.take(face, range(1, volume.shape[axis] + 1), axis=axis)
        square += (0.5 * (lower[:, :, x].astype(np.float64) + upper[:, :, x])) ** 2
    return np.where(volume.pore[:, :, x], np.sqrt(square), np.nan).astype(np.float32)
