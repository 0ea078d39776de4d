"""What run folders of earlier versions do not contain, computed as those versions did on reading."""

from collections.abc import Sequence
from dataclasses import replace

from porescape.core.image import Micrograph
from porescape.core.prepared import Prepared
from porescape.core.results import Selection, Similarity
from porescape.core.settings import Settings
from porescape.section.checks import check_image
from porescape.section.prepare import prepare
from porescape.select.selection import select

EARLIER = (
    "this run folder was written by an earlier version, which did not store the section, the curves of the "
    "checks and the replica selection: these three are computed again"
)


def of_earlier_version(
    image: Micrograph, settings: Settings, voxel_size: float, similarities: Sequence[Similarity]
) -> tuple[Prepared, Selection]:
    """Return the prepared image and the selection of a run folder of schema version 1."""
    same = replace(settings, output=replace(settings.output, voxel_size=voxel_size))
    made = prepare(image, same, check=False)
    prepared = replace(made, checks=check_image(made.phase), settings=settings)
    return prepared, select(prepared.section, similarities)
