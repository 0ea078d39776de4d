"""From an image to the input of the fit: segmented, checked, at the voxel size of the replicas."""

from collections.abc import Iterator
from dataclasses import replace

from porescape.core.check import Check
from porescape.core.image import Micrograph
from porescape.core.prepared import Prepared, Segmented
from porescape.core.settings import Segmentation, Settings
from porescape.core.volume import Volume
from porescape.measure.geometry.correlation import mean_chords
from porescape.section.checks import check_segmented, raise_on_failures
from porescape.section.resample import at_voxel_size, choose_voxel_size
from porescape.section.segment import segment, segmented
from porescape.units import format_length, is_coarser
from porescape.wording import beside

# mean pore + solid chords across the box; with fewer, one box is not representative (chosen by hand)
FEW_FEATURES = 4.0

Box = tuple[float, float, float]  # edges along z, y, x [m]


def prepare(
    image: Micrograph | Segmented, settings: Settings, box: Box | None = None, *, check: bool = True
) -> Prepared:
    """Segment an image, check it, and bring it to the voxel size of the replicas.

    Parameters
    ----------
    image : Micrograph or Segmented
        A segmented image is not segmented again, unless it is to be checked and the masks at other
        thresholds were not made.
    settings : Settings
    box : tuple of float, optional
        Edges of the replicas along z, y, x [m], in place of the voxels in the settings.
    check : bool
        Whether the image is checked, and refused if a check fails. Without, the masks at other thresholds
        are not made either: such an image is good to look at, or to generate from, but has no intervals.

    Raises
    ------
    InputError
        The image cannot be used; the message contains what was found, what is wanted and what to try.
    SettingsError
        The box is too small.
    """
    found = _segmented(image, settings.segmentation, others=check)
    checks: tuple[Check, ...] = ()
    if check:
        checks, found = check_segmented(found, settings.segmentation)
    raise_on_failures(checks, settings.checks.accept)
    voxel_size = choose_voxel_size(found.phase, settings.output)
    if box is not None:
        z, y, x = (round(edge / voxel_size) for edge in box)
        settings = replace(settings, output=replace(settings.output, size=(z, y, x), voxel_size=voxel_size))
    section = at_voxel_size(found.phase, voxel_size)
    chords = mean_chords(Volume(section.pore[None], section.pixel_size))
    prepared = Prepared(found, checks, section, chords, settings)
    return replace(prepared, warnings=tuple(_warnings(prepared)))


def _segmented(image: Micrograph | Segmented, settings: Segmentation, others: bool) -> Segmented:
    if isinstance(image, Segmented):
        if image.others is not None or not others:
            return image
        image = image.image
    return segmented(image, settings) if others else Segmented(image, segment(image, settings))


def _warnings(prepared: Prepared) -> Iterator[str]:
    yield from prepared.image.warnings
    yield from prepared.segmented.notes
    yield from (check.sentence for check in prepared.checks if check.status != "ok")
    voxel, pixel = prepared.voxel_size, prepared.phase.pixel_size
    if is_coarser(voxel, pixel):
        yield (
            f"the replicas' voxels are {format_length(voxel)}, larger than the image's pixels of "
            f"{format_length(pixel)}, so that a box contains more pores; "
            f'--voxel-size "{format_length(pixel)}" keeps the pixels'
        )
    if small := too_small(prepared):
        yield small


def too_small(prepared: Prepared) -> str:
    """Return a warning if the box is few pores wide, or nothing."""
    period = sum(prepared.chords)
    across = min(prepared.box) * prepared.voxel_size / period
    if across >= FEW_FEATURES:
        return ""
    return (
        f"the box is only {beside(across, FEW_FEATURES, 1)} pore-to-pore distances wide "
        f"({format_length(period)} each); below {FEW_FEATURES:g} single pores dominate the "
        "numbers, which therefore vary"
    )
