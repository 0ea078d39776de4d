"""A porosity that was measured: what it says about where to cut between pore and solid."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from porescape.core.image import PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.settings import Segmentation
from porescape.section.checks.sampled import SampledImage

PLAUSIBLE_SDS = 2.0  # beyond these standard deviations nothing measured moves the mask (95 %)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a porosity, by image and measurement together.

    Attributes
    ----------
    porosity, sd : float
    contradiction : bool
        Whether the two differ by more than twice their common uncertainty.
    """

    porosity: float
    sd: float
    contradiction: bool


def combined(image: float, image_sd: float, measured: float, measured_sd: float, *, total: bool) -> Known:
    """Combine the porosity that an image shows with one that was measured, as independent.

    Their mean is weighted by precision, and never leaves what is plausible in the image. A total porosity
    includes pores that are too small for the image: it bounds the image's from above and says nothing
    against a lower one.
    """
    if total and image <= measured:
        return Known(image, image_sd, contradiction=False)
    both = math.hypot(image_sd, measured_sd)
    moved = (image_sd / both) ** 2 * (measured - image)
    most = PLAUSIBLE_SDS * image_sd
    sd = image_sd * measured_sd / both
    contradiction = abs(image - measured) > PLAUSIBLE_SDS * both
    if contradiction:  # one of the two is wrong: the image's own doubt stays
        sd = image_sd
    return Known(image + max(-most, min(most, moved)), sd, contradiction)


def with_measured(
    made: Segmented, settings: Segmentation, at_porosity: Callable[[float], PhaseImage | None]
) -> Segmented:
    """Move a mask, and the other plausible ones, by what was measured.

    Parameters
    ----------
    made : Segmented
        As the image alone says, with its other plausible masks.
    settings : Segmentation
    at_porosity : callable
        Returns the mask of the image that has a given porosity; None where hardly one phase is left.
    """
    if settings.porosity is None or made.others is None:
        return made
    measured, measured_sd = settings.porosity
    said = f"{measured:.3g} ± {measured_sd:.2g} ({settings.porosity_scope.replace(' ', ' pores, ')})"
    own = made.phase.porosity
    own_sd = 0.0 if made.image.is_binary else _spread(made)
    what, of = settings.porosity_scope.split()
    if of == "sheet":  # a crop is a sample of it
        measured_sd = math.hypot(measured_sd, math.sqrt(SampledImage(made.phase, 0.05).mean_variance))
    known = combined(own, own_sd, measured, measured_sd, total=what == "total")
    shown = f"{own:.3f} ± {own_sd:.2g}"
    if known.contradiction:
        note = (
            f"the measured porosity of {said} and the image's {shown} contradict each other; the mask has "
            f"{known.porosity:.3f}, the nearest that is plausible in the image: compare mask and picture, "
            "and ask whether both are of the same material and of the same pores"
        )
    elif known.porosity == own:
        note = f"the measured porosity of {said} agrees with the image's {shown}, and moves nothing"
    else:
        note = f"the measured porosity of {said} moves the mask from {shown} to {known.porosity:.3f}"
    if own_sd == 0 or known.porosity == own:
        return replace(made, notes=(*made.notes, note))
    phase = at_porosity(known.porosity) or made.phase
    less, more = at_porosity(known.porosity - known.sd), at_porosity(known.porosity + known.sd)
    others = (less, more) if settings.pore == "dark" else (more, less)  # by the level, not by the porosity
    return replace(made, phase=phase, others=others, notes=(*made.notes, note))


def _spread(made: Segmented) -> float:
    """How far the other plausible masks are away in porosity; 0.5 for one that lost a phase."""
    own = made.phase.porosity
    away = [0.5 if other is None else abs(other.porosity - own) for other in made.others or ()]
    return sum(away) / len(away)
