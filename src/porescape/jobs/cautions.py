"""What a careful reader of a run should know before its numbers."""

from collections.abc import Iterator, Sequence

from porescape.core.prepared import Prepared
from porescape.core.results import Replica, Selection
from porescape.measure.geometry.connectivity import connected_porosities
from porescape.units import format_length, is_coarser

FEW_FEATURES = 4.0  # mean pore + solid chords across the box; below, one box is an anecdote (chosen by hand)


def cautions(prepared: Prepared, replicas: Sequence[Replica], selection: Selection) -> tuple[str, ...]:
    """Return all warnings of a run: of the image, its checks, the box, the structures, their selection."""
    return (
        *prepared.image.warnings,
        *(check.sentence for check in prepared.checks if check.status != "ok"),
        *_of_the_box(prepared),
        *_of_the_structures(replicas),
        *selection.cautions,
    )


def _of_the_box(prepared: Prepared) -> Iterator[str]:
    voxel, pixel = prepared.voxel_size, prepared.phase.pixel_size
    if is_coarser(voxel, pixel):
        yield (
            f"the replicas' voxels are {format_length(voxel)}, coarser than the image's pixels of "
            f"{format_length(pixel)}, so that a box holds more pores; "
            f'--voxel-size "{format_length(pixel)}" keeps the pixels'
        )
    period = sum(prepared.chords)
    across = min(prepared.box) * voxel / period
    if across < FEW_FEATURES:
        yield (
            f"the box is only {across:.1f} pore-to-pore distances wide "
            f"({format_length(period)} each); below {FEW_FEATURES:g} single pores decide the "
            "numbers: expect them to vary"
        )


def _of_the_structures(replicas: Sequence[Replica]) -> Iterator[str]:
    closed = [replica.index + 1 for replica in replicas if not any(connected_porosities(replica.volume))]
    if closed:
        yield f"no pore connects opposite faces in replica {', '.join(map(str, closed))}: nothing would flow"
