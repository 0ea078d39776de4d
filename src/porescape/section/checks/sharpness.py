"""Sharpness: are the features of the image several pixels wide?"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.check import Check, Values
from porescape.section.checks.limits import status_above, status_below, worst
from porescape.section.checks.sampled import SampledImage
from porescape.units import format_length
from porescape.wording import beside

# Mean chord of the thinner phase [pixel]. Chosen by hand: a disc of 5 pixels is still round, one of 3 is a
# square or a cross.
CHORD = (5.0, 3.0)
THIN_SHARE = (0.20, 0.50)  # of the thinner phase, in features of one or two pixels; chosen by hand


def check_sharpness(image: SampledImage) -> Check:
    """Measure the mean chord of the thinner phase in pixels, and how much of it is thin."""
    size = image.pixel_size
    chords = {"pore": image.porosity * image.period, "solid": (1 - image.porosity) * image.period}
    thinner = min(chords, key=lambda phase: chords[phase])
    phases = {"pore": image.pore, "solid": ~image.pore}
    chord, thin = chords[thinner], _thin_share(phases[thinner])
    status = worst([status_below(chord, CHORD), status_above(thin, THIN_SHARE)])
    needed = size * min(chord / CHORD[0], 0.5 if thin >= THIN_SHARE[0] else 1.0, 1.0)
    values = {
        "chord_pixels": chord,
        "chord_pore": chords["pore"] * size,
        "chord_solid": chords["solid"] * size,
        "thin_share": thin,
        "jagged_share": _jagged_share(image.pore),
        "needed_pixel_size": needed,
    }
    long, share = beside(chord, CHORD[0], 1), beside(100 * thin, 100 * THIN_SHARE[0])
    sentence = (
        f"the mean chord of the thinner phase ({thinner}) is {long} pixels, wanted {CHORD[0]:.0f} at least, "
        f"and {share} % of that phase is one or two pixels thick, wanted {100 * THIN_SHARE[0]:.0f} % at most"
    )
    if status != "ok":
        sentence += (
            f"; take an image with pixels of {format_length(needed, 3)} (now {format_length(size, 3)}) or, "
            "if the thin parts are noise, smooth more when segmenting"
        )
    most = math.ceil(4 * max(chords.values()))
    curves: dict[str, Values] = {f"share_{n}": _chord_shares(p, most) for n, p in phases.items()}
    curves["length"] = np.arange(1, most + 1, dtype=np.float64) * size
    limits = {"chord_pixels": CHORD, "thin_share": THIN_SHARE}
    return Check("sharpness", status, sentence, values, limits, curves)


def _thin_share(phase: NDArray[np.bool_]) -> float:
    """Return the share of a phase that no square of 3 x 3 of its own pixels covers."""
    padded = np.pad(phase, 2, mode="edge")  # a feature is not thin because the border cuts it
    thick = ndimage.maximum_filter(ndimage.minimum_filter(padded, 3), 3)[2:-2, 2:-2]
    return 1 - float(np.count_nonzero(thick & phase) / np.count_nonzero(phase))


def _jagged_share(pore: NDArray[np.bool_]) -> float:
    """Return the share of the wall pixels that differ from the majority of their 3 x 3 neighbourhood."""
    votes = ndimage.convolve(pore.astype(np.uint8), np.ones((3, 3), np.uint8), mode="nearest")
    wall = np.zeros_like(pore)
    for here, there in ((np.s_[1:], np.s_[:-1]), (np.s_[:, 1:], np.s_[:, :-1])):
        changes = pore[here] != pore[there]
        wall[here] |= changes
        wall[there] |= changes
    return float(np.count_nonzero(wall & ((votes > 4) != pore)) / np.count_nonzero(wall))


def _chord_shares(phase: NDArray[np.bool_], most: int) -> Values:
    """Return the shares of chords of 1, 2 ... `most` pixels along y and x; none cut by the border."""
    counts = np.zeros(most + 1, dtype=np.int64)
    for lines in (phase, phase.T):
        steps = np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        start, end = np.nonzero(steps == 1)[1], np.nonzero(steps == -1)[1]
        whole = (start > 0) & (end < lines.shape[1])
        counts += np.bincount((end - start)[whole], minlength=most + 1)[: most + 1]
    return np.asarray(counts[1:] / max(int(counts.sum()), 1))
