"""Filtration: bubble point, porometry, intrusion, retention, water flux."""

from typing import Any

import numpy as np

from porescape.measure.meters.meter import Meter, Note, Number, Values
from porescape.measure.meters.subject import Subject
from porescape.units import format_length

RATINGS = (90, 95, 99)  # % of the particles retained
# autocovariance half a box away, as a share; a box eight pores wide has 0 ± 0.13 by chance (chosen by hand)
ALIKE = 0.4


def _percolating(subject: Subject) -> Values:
    from porescape.measure.filtration.intrusion import percolating_diameter

    diameter = percolating_diameter(subject.volume, 0, subject.space())
    return {"bubble_point_diameter_z": diameter, "bubble_point_pressure_z": _opens(diameter, subject)}


def _opens(diameter: float, subject: Subject) -> float:
    """Pressure at which a round opening is emptied of the wetting liquid [Pa]."""
    from porescape.measure.filtration.intrusion import capillary_pressure

    return capillary_pressure(diameter, subject.settings.surface_tension, subject.settings.contact_angle)


def _intrusion(subject: Subject) -> Values:
    from porescape.measure.filtration.intrusion import mercury_intrusion

    found = mercury_intrusion(subject.volume, space=subject.space())
    subject.curves["intrusion"] = found.curve
    subject.curves["intrusion_distribution"] = found.distribution
    return {"intrusion_median_diameter": found.median_diameter}


def _porometry(subject: Subject) -> Values:
    found = subject.porometry_z()
    subject.curves.update(porometry_wet_z=found.wet, porometry_dry_z=found.dry)
    subject.curves["porometry_distribution_z"] = found.distribution
    tenth, _, ninetieth = found.flow_diameters
    return {
        "mean_flow_pore_diameter_z": found.mean_flow_pore_diameter,
        "mean_flow_pressure_z": found.mean_flow_pressure,
        "porometry_d10_z": tenth,
        "porometry_d90_z": ninetieth,
        "smallest_pore_diameter_z": found.smallest_diameter,
    }


def _retention(subject: Subject) -> Values:
    from porescape.measure.filtration.retention import retention

    _warn_of_layers(subject)
    found = retention(subject.network(), 0, **_sieving(subject))
    subject.curves["retention_z"] = found.curve
    _log_reduction(subject)
    sizes = zip(RATINGS, (found.d90, found.d95, found.d99), strict=True)
    return {f"retention_d{rating}_z": size for rating, size in sizes}


def _sieving(subject: Subject) -> dict[str, Any]:
    return {
        "fluxes": subject.fluxes_z(),
        "openings": subject.openings(),
        "thickness": subject.settings.thickness,
    }


def _log_reduction(subject: Subject) -> None:
    """Add the log reduction of the particles that were asked for, and how much of it the box can show."""
    from porescape.core.curve import Curve
    from porescape.measure.filtration.retention import retention

    if not subject.settings.particles:
        return
    sizes = np.unique(subject.settings.particles)
    found = retention(subject.network(), 0, diameters=sizes, **_sieving(subject))
    values, at_least = zip(*map(found.log_reduction, sizes), strict=True)
    subject.curves["log_reduction_z"] = Curve(sizes, np.array(values), "m", "1")
    subject.curves["log_reduction_z_at_least"] = Curve(sizes, np.array(at_least, dtype=float), "m", "1")


def _warn_of_layers(subject: Subject) -> None:
    """Warn where a thicker membrane is no stack of independent boxes."""
    from porescape.measure.filtration.retention import runs_through

    thickness = subject.settings.thickness
    alike = 0.0 if thickness is None else runs_through(subject.volume.pore, 0)
    if thickness is not None and alike > ALIKE:
        subject.warnings.append(
            f"pores run through the box along z (planes half a box apart agree by {alike:.2f}, 0 is chance): "
            f"a membrane of {format_length(thickness)} is not a stack of independent layers, and its "
            "retention is nearer to that of the box"
        )


def _water_flux(subject: Subject) -> Values:
    from porescape.measure.filtration.fluids import water_viscosity
    from porescape.measure.filtration.retention import clean_water_flux

    settings = subject.settings
    viscosity = water_viscosity(settings.temperature) if settings.viscosity is None else settings.viscosity
    flux = clean_water_flux(subject.flow_z().permeability, _thickness(subject), settings.pressure, viscosity)
    return {"clean_water_flux_z": flux, "permeance_z": flux / settings.pressure}


def _gas(subject: Subject) -> Values:
    from porescape.measure.filtration.fluids import gas_permeance

    settings = subject.settings
    permeance, knudsen = gas_permeance(
        subject.flow_z().permeability,
        subject.porometry_z().mean_flow_pore_diameter,
        _thickness(subject),
        settings.gas,
        settings.temperature,
        settings.gas_pressure,
    )
    return {"gas_permeance_z": permeance, "knudsen_number_z": knudsen}


def _thickness(subject: Subject) -> float:
    """Of the membrane [m]: that of the box, where none was given."""
    return subject.settings.thickness or subject.volume.shape[0] * subject.volume.voxel_size


_BUBBLE_POINT_DIAMETER = Note(
    model=(
        "Largest ball that can be pushed from face to face. Pressure by Young and Laplace for a round "
        "opening: 4 γ cos θ / d."
    ),
    leaves_out=(
        "Openings that are not round: a long slit opens at half the pressure of the ball inside it. The "
        "widest path through a whole membrane, which is thousands of boxes wide, is not the widest path "
        "through a box."
    ),
    needs=(
        "8 voxels across for 1 to 2 % at most necks (4 % between edges); twice that at 6. Compare boxes of "
        "equal size only."
    ),
    function="measure.filtration.intrusion:percolating_diameter",
    source=(
        "Washburn (1921), Proceedings of the National Academy of Sciences 7, 115 (pressure); all paths "
        "are searched."
    ),
)
_MEAN_FLOW_PORE_DIAMETER = Note(
    model=(
        "Gas displaces a wetting liquid from the pore network, widest paths first; the diameter at "
        "which the wet flow is half of the dry. Throats are pipes between cones; how wide a way is, from "
        "the middle of a pore to that of the next and out through the faces, is searched in the voxels."
    ),
    leaves_out=(
        "Expansion and slip of the gas, liquid films, trapped or evaporating liquid. Pipe conductances "
        "are off by factors; they only share the flow out."
    ),
    needs="That of throats.",
    function="measure.filtration.porometry:porometry",
)
_INTRUSION_MEDIAN_DIAMETER = Note(
    model="Balls pushed in from all six faces, largest first (Washburn, quasi-static).",
    leaves_out=(
        "Compression of mercury and sample, contact angles that vary, corners that fill earlier. In a "
        "small box every pore is near the surface, so fewer pores are shielded than in a large sample: "
        "the diameter "
        "is larger than that of a porosimeter."
    ),
    needs="That of necks: 8 voxels across for 1 to 3 %.",
    function="measure.filtration.intrusion:mercury_intrusion",
)
_RETENTION = Note(
    model=(
        "Hard balls drift with the flow through the network. A way from the middle of a pore to that of the "
        "next, or through a face, that is narrower than the particle retains it permanently. A thicker "
        "membrane (`--thickness`) is many layers of the box, one after another."
    ),
    leaves_out=(
        "Adhesion, charge, deformation, fouling, diffusion: pure sieving, as with gold colloids, not "
        "with proteins."
    ),
    needs="That of throats. The thickness matters: give the membrane's.",
    function="measure.filtration.retention:retention",
)
_CLEAN_WATER_FLUX = Note(
    model=(
        "Darcy's law with the permeability along z, at the pressure and thickness given. Without "
        "`--thickness` the box is the membrane."
    ),
    leaves_out=(
        "Support, entrance and exit, fouling, osmotic pressure, compression, and any layer that the "
        "image does not show. A skin decides the flux of an asymmetric membrane."
    ),
    needs="That of permeability.",
    function="measure.filtration.retention:clean_water_flux",
)

_PRESSURE = Note(
    model=(
        "Young and Laplace for a round opening of that diameter: 4 γ cos θ / d, with `--surface-tension` and "
        "`--contact-angle`."
    ),
    leaves_out=(
        "Openings that are not round: a long slit opens at half the pressure of the ball inside it. "
        "ASTM F316 takes d = 2860 γ / p (µm, mN/m, Pa) for its diameters, where 4000 γ / p is exact for a "
        "round tube: an instrument that follows it reports 0.715 times the diameter at the same pressure. "
        "Compare pressures, not diameters."
    ),
    needs="That of the diameter.",
    function="measure.filtration.intrusion:capillary_pressure",
    source=(
        "Washburn (1921), Proceedings of the National Academy of Sciences 7, 115; ASTM F316-03 for its "
        "constant."
    ),
)
_FLOW_DIAMETER = _MEAN_FLOW_PORE_DIAMETER._replace(
    model=(
        "As the mean flow pore diameter; pores wider than this carry the other part of the dry flow. The "
        "whole distribution is the curve `porometry_distribution_z`."
    )
)
_PERMEANCE = _CLEAN_WATER_FLUX._replace(
    model=(
        "Darcy's law with the permeability along z, per pressure, for water at `--temperature` (20 °C) or "
        "any liquid with `--viscosity`. Without `--thickness` the box is the membrane. Shown in L/(m² h bar)."
    )
)
_GAS_PERMEANCE = Note(
    model=(
        "Permeability along z for a gas that slips along the walls, k (1 + 8 Kn) / (μ t), with the Knudsen "
        "number of the mean flow pore; volume at the mean pressure. `--gas`, `--gas-pressure`, "
        "`--temperature`."
    ),
    leaves_out=(
        "The range of pore sizes: slip is that of one round pipe. Above a Knudsen number of 0.1 this is "
        "rough, above 1 an order of magnitude. Support, expansion of the gas, sorption."
    ),
    needs="That of permeability and of throats.",
    function="measure.filtration.fluids:gas_permeance",
)
_KNUDSEN = _GAS_PERMEANCE._replace(
    model="Mean free path of the gas, from its viscosity, divided by the mean flow pore diameter."
)

METERS = (
    Meter(
        "bubble point",
        {
            "bubble_point_diameter_z": Number(
                "m",
                "Diameter of the largest ball that passes from face to face along z, as gas first does.",
                "filtration",
                _BUBBLE_POINT_DIAMETER,
            ),
            "bubble_point_pressure_z": Number(
                "Pa", "Pressure at which gas first passes the wet structure along z.", "filtration", _PRESSURE
            ),
        },
        _percolating,
    ),
    Meter(
        "porometry",
        {
            "mean_flow_pore_diameter_z": Number(
                "m",
                "Diameter at which the wet structure passes half the dry flow along z.",
                "filtration",
                _MEAN_FLOW_PORE_DIAMETER,
            ),
            "mean_flow_pressure_z": Number(
                "Pa",
                "Pressure at which the wet structure passes half the dry flow along z.",
                "filtration",
                _PRESSURE,
            ),
            "porometry_d10_z": Number(
                "m",
                "Diameter below which pores carry 10 % of the dry flow along z.",
                "filtration",
                _FLOW_DIAMETER,
            ),
            "porometry_d90_z": Number(
                "m",
                "Diameter below which pores carry 90 % of the dry flow along z.",
                "filtration",
                _FLOW_DIAMETER,
            ),
            "smallest_pore_diameter_z": Number(
                "m",
                "Diameter at which the wet flow along z meets the dry one.",
                "filtration",
                _FLOW_DIAMETER,
            ),
        },
        _porometry,
    ),
    Meter(
        "mercury intrusion",
        {
            "intrusion_median_diameter": Number(
                "m",
                "Diameter at which mercury, from all six faces, has filled half of what it can fill.",
                "filtration",
                _INTRUSION_MEDIAN_DIAMETER,
            )
        },
        _intrusion,
    ),
    Meter(
        "retention",
        {
            f"retention_d{rating}_z": Number(
                "m",
                f"Particle diameter of which {rating} % are retained along z.",
                "filtration",
                _RETENTION,
                depends_on=("thickness",),
            )
            for rating in RATINGS
        },
        _retention,
    ),
    Meter(
        "water flux",
        {
            "clean_water_flux_z": Number(
                "m/s",
                "Clean water per area along z at the pressure and thickness set.",
                "filtration",
                _CLEAN_WATER_FLUX,
                depends_on=("thickness", "pressure"),
            ),
            "permeance_z": Number(
                "m/(s Pa)",
                "Clean water per area and pressure along z, at the thickness set.",
                "filtration",
                _PERMEANCE,
                depends_on=("thickness",),
            ),
        },
        _water_flux,
    ),
    Meter(
        "gas permeance",
        {
            "gas_permeance_z": Number(
                "m/(s Pa)",
                "Gas per area and pressure along z, slipping along the walls, at the thickness set.",
                "filtration",
                _GAS_PERMEANCE,
                depends_on=("thickness", "gas"),
            ),
            "knudsen_number_z": Number(
                "1",
                "Mean free path of the gas over the mean flow pore diameter.",
                "filtration",
                _KNUDSEN,
                depends_on=("gas",),
            ),
        },
        _gas,
    ),
)
