"""Checks before the fit: can the image represent an isotropic, stationary material, and its mask one plane?

One file per check, one line per check in `CHECKS`; depth, which needs the picture as well as its mask, stands
apart. Each gives numbers, a sentence and the curves of its figure (`report.check_figures`). Isotropy and
stationarity warn only if a difference is both large and unlikely to be chance. The limits of its size follow
from its effect on the result; the probability by chance is estimated from the image itself: tiles several
correlation lengths wide are independent samples of one material. So a small image does not cause these
warnings merely by its size, which has a check of its own.
"""

from collections.abc import Callable, Collection, Sequence

from porescape.core.check import Check
from porescape.core.image import PhaseImage
from porescape.core.prepared import Segmented
from porescape.core.settings import Segmentation
from porescape.errors import InputError, SettingsError
from porescape.section.checks.depth import compare_with_plane
from porescape.section.checks.isotropy import check_isotropy
from porescape.section.checks.sampled import SampledImage
from porescape.section.checks.sharpness import check_sharpness
from porescape.section.checks.size import check_size
from porescape.section.checks.stationarity import check_stationarity

CHECKS: dict[str, Callable[[SampledImage], Check]] = {  # in the order of the report
    "isotropy": check_isotropy,
    "stationarity": check_stationarity,
    "size": check_size,
    "sharpness": check_sharpness,
}
NAMES = (*CHECKS, "depth")


def check_segmented(found: Segmented, settings: Segmentation) -> tuple[tuple[Check, ...], Segmented]:
    """Check a segmented image: its mask, and what the picture shows of the depth behind the plane.

    Parameters
    ----------
    found : Segmented
    settings : Segmentation
        How it was segmented.

    Returns
    -------
    checks : tuple of Check
        In the order of `NAMES`.
    segmented : Segmented
        The same; where the plane of the cut lies outside of the other plausible masks, it takes the place of
        the one on its side.

    Raises
    ------
    InputError
        The image cannot be checked; see `check_image`.
    """
    checks = check_image(found.phase)
    depth, plausible = compare_with_plane(found, settings)
    return (*checks, depth), plausible


def check_image(phase: PhaseImage, wanted_error: float = 0.05) -> tuple[Check, ...]:
    """Check whether a segmented image can represent its material.

    - isotropy: mean chord and correlation length along y, x and both diagonals. Each describes an ellipse
      (Harrigan and Mann 1984); the ratio of its axes is the number.
    - stationarity: profiles of porosity and of pore-to-pore distance (mean chords of pore and solid
      together) along y and x. The straight part of a profile is its trend, the rest are layers, both
      expressed as a change across the image.
    - size: the 95 % error of the porosity because the image is finite, from the integral of the
      autocovariance (Lantuéjoul 1991, Dahari et al. 2024), and how many features lie along a side.
    - sharpness: mean chord of the thinner phase in pixels, and the fraction of it that is one or two pixels
      thick.

    Parameters
    ----------
    phase : PhaseImage
        At the pixel size of the micrograph, not resampled.
    wanted_error : float
        Relative 95 % error of the porosity for which a field of view is suggested; no limit depends on it.

    Returns
    -------
    tuple of Check
        In the order of `CHECKS`; `check_depth` has the fifth.

    Raises
    ------
    InputError
        The image cannot be checked: one phase only, or fewer than 16 pixels along a side.
    SettingsError
        `wanted_error` is not between 0 and 1.

    Notes
    -----
    Chance is estimated from tiles of six correlation lengths: delete-one jackknife and Hotelling's T²
    for isotropy, an analysis of variance over rows and columns of tiles for stationarity. Features longer
    than a tile, such as fibres that lie in the plane, make both overconfident.

    An image shows one plane. A material that is the same along y and x but differs in depth passes (a fibre
    mat seen from above, a calendered electrode), and so does one that changes with a depth that the image
    does not show. Porosity is that of the segmented image: a threshold that follows the local mean has
    already flattened its trend. The error of the porosity does not include that of the threshold.

    References
    ----------
    Harrigan and Mann (1984), Journal of Materials Science 19, 761.
    Lantuéjoul (1991), Journal of Microscopy 161, 387.
    Dahari et al. (2024), Prediction of microstructural representativity from a single image.
    """
    if not 0 < wanted_error < 1:
        raise SettingsError(f"wanted_error must lie between 0 and 1 (0.05 is ±5 %), got {wanted_error!r}")
    image = SampledImage(phase, wanted_error)
    return tuple(check(image) for check in CHECKS.values())


def raise_on_failures(checks: Sequence[Check], accept: Collection[str] = ()) -> None:
    """Raise an error if a check has failed that is not in `accept`.

    Raises
    ------
    InputError
        The message has the sentences of those checks and the option to continue anyway.
    SettingsError
        `accept` names an unknown check.
    """
    if unknown := sorted(set(accept) - set(NAMES)):
        raise SettingsError(f"there is no check called {', '.join(unknown)}; known are {', '.join(NAMES)}")
    failed = [check for check in checks if check.status == "fail" and check.name not in accept]
    if failed:
        sentences = "; ".join(f"{check.name}: {check.sentence}" for check in failed)
        raise InputError(f"{sentences}. To continue anyway: --accept {','.join(c.name for c in failed)}")
