"""A volume under measurement: expensive intermediate results are computed once and shared."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from porescape.core.curve import Curve
from porescape.core.network import Network
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.errors import InputError

if TYPE_CHECKING:
    from porescape.measure.filtration.porometry import Porometry
    from porescape.measure.geometry.clearance import Clearance
    from porescape.measure.network.flow import Fluxes
    from porescape.measure.network.openings import Openings
    from porescape.measure.transport.stokes import Flow

T = TypeVar("T")


class Subject:
    """A volume under measurement, with results that its meters share with each other and with figures."""

    def __init__(self, volume: Volume, settings: Measure) -> None:
        self.volume = volume
        self.settings = settings
        self.curves: dict[str, Curve] = {}
        self.fields: dict[str, NDArray[np.float32]] = {}
        self.reasons: dict[str, str] = {}
        self.warnings: list[str] = []
        self._made: dict[str, Any] = {}

    def network(self) -> Network:
        """The pore network."""
        from porescape.measure.network.extract import extract_network

        return self._once(
            "network", lambda: extract_network(self.volume, self.settings.r_max, self.settings.sigma)
        )

    def network_alone(self) -> Network | None:
        """The network, if it was extracted, without its map of regions."""
        made = self._made.get("network")
        return replace(made, region=np.zeros((0, 0, 0), np.int32)) if isinstance(made, Network) else None

    def space(self) -> "Clearance":
        """The width of the pores at each voxel."""
        from porescape.measure.geometry.clearance import clearance

        return self._once("space", lambda: clearance(self.volume.pore))

    def openings(self) -> "Openings":
        """The widths of the ways of the network."""
        from porescape.measure.network.openings import openings_of

        return self._once("openings", lambda: openings_of(self.network(), self.space()))

    def porometry_z(self) -> "Porometry":
        """Gas that displaces a wetting liquid along z."""
        from porescape.measure.filtration.porometry import porometry

        return self._once(
            "porometry",
            lambda: porometry(
                self.network(),
                0,
                surface_tension=self.settings.surface_tension,
                contact_angle=self.settings.contact_angle,
                openings=self.openings(),
            ),
        )

    def flow_z(self) -> "Flow":
        """The Stokes flow along z, which the filtration numbers need too."""
        from porescape.measure.transport.stokes import stokes_flow

        return self._once("flow", lambda: stokes_flow(self.volume, 0))

    def fluxes_z(self) -> "Fluxes":
        """That flow through the throats of the network."""
        from porescape.measure.network.flow import throat_fluxes

        return self._once("fluxes", lambda: throat_fluxes(self.network(), self.flow_z()))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        """Compute a result when it is first needed; a failure is repeated with the same message."""
        if name not in self._made:
            try:
                self._made[name] = make()
            except InputError as error:
                self._made[name] = error
        made = self._made[name]
        if isinstance(made, InputError):
            raise made
        return made  # type: ignore[no-any-return]


def middle_plane(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane x = nx // 2 of a field, for pictures."""
    return np.ascontiguousarray(field[:, :, field.shape[2] // 2])
