"""Depth: does the picture show solid behind the plane of the cut, and does the mask contain it?"""

import numpy as np

from porescape.core.check import Check, Status
from porescape.core.image import Micrograph, PhaseImage
from porescape.section.plane.see import porosity_sd, see

CANNOT_TELL = 0.10  # half width of the porosity's interval; wider, the plane is not told (chosen by hand)
AGREE = 0.04  # difference of porosities; less is within what careful users differ by (chosen by hand)
SHOWN = 400  # pixels of the pictures kept for the figure


def check_depth(image: Micrograph, phase: PhaseImage, pore: str = "dark") -> Check:
    """Compare a mask with what the network of method "plane" takes for the plane of the cut.

    Parameters
    ----------
    image : Micrograph
    phase : PhaseImage
        Its mask.
    pore : {"dark", "bright"}
        Which grey is pore.
    """
    used = phase.porosity
    if image.is_binary:
        sentence = "the image has two grey levels, and does not show whether solid lay behind the plane"
        return Check("depth", "ok", sentence, {"porosity": used}, {}, {})
    seen = see(image.grey if pore == "dark" else 1 - image.grey)
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
    return Check("depth", status, sentence, values, {}, curves)


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
