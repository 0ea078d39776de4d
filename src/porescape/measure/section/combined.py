"""The paper's descriptor: histograms of the distance to the wall in both phases, at three zooms."""

import numpy as np
from numpy.typing import NDArray

from porescape.distance import signed_squared_distance_2d

ZOOMS = 3
ZOOM_FACTOR = 1.5  # of the authors' script: each zoom is a crop, enlarged to the size of the image


def combined_distance_function(
    pore: NDArray[np.bool_], pixel_size: float, bin_width: float | None = None, reach: float | None = None
) -> NDArray[np.float64]:
    """Return the multi-scale combined distance function of one section.

    Parameters
    ----------
    pore : ndarray of bool, shape (ny, nx)
    pixel_size : float
        [m]
    bin_width : float, optional
        Width of a histogram bin [m]; a pixel by default.
    reach : float, optional
        Distances beyond fall into the last bin [m]; by default the diagonal, so nothing does.
        Histograms of two sections can be subtracted if both have the same width and reach.

    Returns
    -------
    ndarray, shape (3, 2, bins)
        Per zoom and phase (0 solid, 1 pore): fraction of the zoom's pixels by distance to the other
        phase. Distances are those in the material, not in the enlarged picture; the enlargement only
        gives the inner crop the same weight as the whole.

    References
    ----------
    Zeinali Danalou et al. (2025), section 3.1; Chamani et al. (2023).
    """
    bin_width = pixel_size if bin_width is None else bin_width
    diagonal = float(np.hypot(*pore.shape)) * pixel_size
    reach = diagonal if reach is None else reach
    bins = max(int(np.ceil(reach / bin_width)), 1)
    out = np.empty((ZOOMS, 2, bins))
    for zoom in range(ZOOMS):
        enlarged = _zoomed(pore, ZOOM_FACTOR**zoom)
        signed = signed_squared_distance_2d(enlarged)
        scale = pixel_size / ZOOM_FACTOR**zoom / bin_width
        distance = np.sqrt(np.abs(signed)) - 0.5  # the wall lies midway between the phases' pixels
        index = np.minimum((distance * scale).astype(np.int64), bins - 1)
        for phase in range(2):
            counts = np.bincount(index[(signed > 0) == bool(phase)], minlength=bins)
            out[zoom, phase] = counts / signed.size
    return out


def _zoomed(pore: NDArray[np.bool_], factor: float) -> NDArray[np.bool_]:
    """Return the middle of a section, enlarged to the section's own size by nearest pixels."""
    rows, columns = (
        np.clip(np.floor((np.arange(n) + 0.5) / factor + 0.5 * n * (1 - 1 / factor)), 0, n - 1).astype(int)
        for n in pore.shape
    )
    return np.ascontiguousarray(pore[np.ix_(rows, columns)])
