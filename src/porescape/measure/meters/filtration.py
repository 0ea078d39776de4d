"""Filtration: bubble point, porometry, intrusion, retention, water flux."""

from porescape.measure.meters.meter import Meter, Note, Number, Values
from porescape.measure.meters.subject import Subject

RATINGS = (90, 95, 99)  # % of the particles retained


def _percolating(subject: Subject) -> Values:
    from porescape.measure.filtration.intrusion import percolating_diameter

    return {"bubble_point_diameter_z": percolating_diameter(subject.volume, 0, subject.space())}


def _intrusion(subject: Subject) -> Values:
    from porescape.measure.filtration.intrusion import mercury_intrusion

    found = mercury_intrusion(subject.volume, space=subject.space())
    subject.curves["intrusion"] = found.curve
    return {"intrusion_median_diameter": found.median_diameter}


def _porometry(subject: Subject) -> Values:
    from porescape.measure.filtration.porometry import porometry

    found = porometry(
        subject.network(),
        0,
        surface_tension=subject.settings.surface_tension,
        contact_angle=subject.settings.contact_angle,
        openings=subject.openings(),
    )
    subject.curves.update(porometry_wet_z=found.wet, porometry_dry_z=found.dry)
    subject.curves["porometry_distribution_z"] = found.distribution
    return {"mean_flow_pore_diameter_z": found.mean_flow_pore_diameter}


def _retention(subject: Subject) -> Values:
    from porescape.measure.filtration.retention import retention

    found = retention(
        subject.network(),
        0,
        fluxes=subject.fluxes_z(),
        openings=subject.openings(),
        thickness=subject.settings.thickness,
    )
    subject.curves["retention_z"] = found.curve
    sizes = zip(RATINGS, (found.d90, found.d95, found.d99), strict=True)
    return {f"retention_d{rating}_z": size for rating, size in sizes}


def _water_flux(subject: Subject) -> Values:
    from porescape.measure.filtration.retention import clean_water_flux

    settings, volume = subject.settings, subject.volume
    thickness = settings.thickness or volume.shape[0] * volume.voxel_size
    flux = clean_water_flux(subject.flow_z().permeability, thickness, settings.pressure, settings.viscosity)
    return {"clean_water_flux_z": flux}


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

METERS = (
    Meter(
        "bubble point",
        {
            "bubble_point_diameter_z": Number(
                "m",
                "Diameter of the largest ball that passes from face to face along z, as gas first does.",
                "filtration",
                _BUBBLE_POINT_DIAMETER,
            )
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
            )
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
            )
        },
        _water_flux,
    ),
)
