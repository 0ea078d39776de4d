"""Depth: does the picture show solid behind the plane of the cut, and does the mask contain it?"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from porescape.core.check import Check, Status
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.settings import PorePhase, Segmentation
from porescape.section.plane.see import porosity_sd, see

CANNOT_TELL = 0.10  # half width of the porosity's interval; wider, the plane is not told (chosen by hand)
AGREE = 0.04  # difference of porosities; less is within what careful users differ by (chosen by hand)
LEAST_SHARE = 0.01  # of the pixels; a plane with a rarer phase is no mask to compute with (as in segment)
SHOWN = 400  # pixels of the pictures kept for the figure


def check_depth(image: Micrograph, phase: PhaseImage, pore: PorePhase = "dark") -> Check:
    """Compare a mask with what the network of method "plane" takes for the plane of the cut.

    Parameters
    ----------
    image : Micrograph
    phase : PhaseImage
        Its mask.
    pore : {"dark", "bright"}
        Which grey is pore.
    """
    return compare_with_plane(Segmented(image, phase), Segmentation(pore=pore))[0]


def compare_with_plane(found: Segmented, settings: Segmentation) -> tuple[Check, Segmented]:
    """Check the depth, and let the plane of the cut be one of the plausible masks.

    A mask that a person taught is not compared with what the network alone would say: its check says how
    uncertain the teaching left it.

    Parameters
    ----------
    found : Segmented
    settings : Segmentation
        How it was segmented.

    Returns
    -------
    check : Check
    segmented : Segmented
        The same, or with the mask of the plane in `others`: where it differs by more than careful users do,
        and lies farther from the mask than the other one on that side.
    """
    image, phase = found.image, found.phase
    used = phase.porosity
    if image.is_binary:
        sentence = "the image has two grey levels, and does not show whether solid lay behind the plane"
        return Check("depth", "ok", sentence, {"porosity": used}, {}, {}), found
    if settings.method == "taught":
        return _of_taught(found), found
    seen = see(image.grey if settings.pore == "dark" else 1 - image.grey)
    plane = seen.logits <= 0
    porosity, half = float(plane.mean()), 1.96 * porosity_sd(seen)
    status, sentence = _verdict(used, porosity, half)
    step = -(-max(plane.shape) // SHOWN)
    curves = {
        name: np.asarray(values[::step, ::step], dtype=np.float64)
        for name, values in (("grey", image.grey), ("used", phase.pore), ("plane", plane))
    }
    values = {
        "porosity": used,
        "porosity_of_plane": porosity,
        "half_width_of_plane": half,
        "pixels_that_differ": float((plane != phase.pore).mean()),
    }
    return Check("depth", status, sentence, values, {}, curves), _widened(found, plane)


def _of_taught(found: Segmented) -> Check:
    """Return the check of a mask that was taught: its own other plausible masks are its uncertainty."""
    used = found.phase.porosity
    away = [abs(other.porosity - used) for other in found.others or () if other is not None]
    half = 1.96 * sum(away) / len(away) if away else math.nan
    values = {"porosity": used, "half_width": half}
    words = f"the mask was taught by labels; its porosity is {used:.2f}"
    if away:
        words += f" ± {half:.2f}"
    if half > CANNOT_TELL:
        words += "; more labels where its outline is wrong, or a measured porosity (--porosity), narrow that"
        return Check("depth", "warn", words, values, {}, {})
    return Check("depth", "ok", words, values, {}, {})


def _widened(found: Segmented, plane: NDArray[np.bool_]) -> Segmented:
    phase, share = found.phase, float(plane.mean())
    away = share - phase.porosity
    if found.others is None or abs(away) <= AGREE or not LEAST_SHARE <= share <= 1 - LEAST_SHARE:
        return found
    others = list(found.others)
    side = int(away > 0)
    other = others[side]
    if other is not None and abs(other.porosity - phase.porosity) >= abs(away):
        return found
    others[side] = PhaseImage(plane, phase.pixel_size, phase.speck)
    return replace(found, others=(others[0], others[1]))


def _verdict(used: float, plane: float, half: float) -> tuple[Status, str]:
    if half > CANNOT_TELL:
        return "warn", (
            "what lies in the plane of the cut and what lies behind it cannot be told apart in this picture: "
            f"the mask has a porosity of {used:.2f}, the plane {plane:.2f} ± {half:.2f}; a flat cut of "
            "filled pores would show it, and a measured porosity (--porosity) narrows it"
        )
    if abs(used - plane) <= max(half, AGREE):
        return (
            "ok",
            f"the mask has a porosity of {used:.2f}, and the plane of the cut {plane:.2f} ± {half:.2f}",
        )
    behind = "shows solid behind the plane of the cut that the mask takes for the plane"
    other = "shows solid in the plane of the cut that the mask takes for pore"
    return "warn", (
        f"this picture {behind if plane > used else other}: the mask has a porosity of {used:.2f}, the plane "
        f"{plane:.2f} ± {half:.2f}; compare both with the picture, and try --threshold-method plane"
    )
