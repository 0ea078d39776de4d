"""Wall voxel annealing, the last step of a reconstruction: gives sections the small patterns of the image.

A recipe sets the large shapes and how they are connected; it has too few numbers for corners, cusps and thin
walls. Here single voxels at the walls change phase if this brings the patterns of the volume's sections
nearer to those of the image (`porescape.measure.section.patterns`) and does not change the topology of pores
and solid (`porescape.fit.refine.topology`). Before that, floating solid is removed
(`porescape.fit.refine.floating_solid`).
"""

from collections.abc import Callable

import numpy as np

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.fit.refine.floating_solid import remove_floating_solid
from porescape.fit.refine.sweep import BOTH, Frame, anneal_walls, framed
from porescape.measure.section.patterns import (
    RARE,
    Patterns,
    counts_in_volume,
    pattern_distance,
    patterns_for,
    shares_in_section,
)
from porescape.rng import stream
from porescape.units import format_length

# Of squares by the voxels between points; with equal weights walls become rough to match the coarse ones
# (docs/design-notes/refinement.md)
WEIGHTS = {1: 5.0, 2: 3.0}
ROW_WEIGHT = 3.0  # likewise
# Share of the wall voxels that a sweep visits: many small steps, so that none goes too far (chosen by hand)
VISITED = 0.3
SETTLING = 0.4  # share of the sweeps, the last ones, that visit fewer and fewer (chosen by hand)
DEAREST = 1e4  # price at which the porosity is no longer corrected: no voxel that may change is left
# Sweeps after which the patterns of a mirrored volume are counted again, as changes at a mirror count twice
# (chosen by hand)
RECOUNTED = 20


def refine(
    volume: Volume,
    section: PhaseImage,
    *,
    seed: int,
    sweeps: int = 200,
    periodic: bool = True,
    keep_floating_solid: bool = False,
    progress: Callable[[int, float], None] = lambda sweep, distance: None,
) -> Volume:
    """Anneal the wall voxels of a volume until its sections have the image's small patterns.

    Descends in a weighted chi-square between the shares p of patterns in the sections of the volume along all
    three axes and q in the image, the sum of w (p - q)² / (q + 0.001). Voxels change phase one at a
    time; each sweep visits 30 % of those at walls, at random, and decides by the derivative at its start.
    The topology is kept: the numbers of pieces of pore and of solid, of tunnels and of cavities do not
    change, except for floating solid. The final porosity is that of the volume, as far as voxels that may
    change allow.

    Parameters
    ----------
    volume : Volume
        The structure; its porosity should be the section's.
    section : PhaseImage
        The image at the same scale.
    seed : int
        It determines which voxels each sweep visits.
    sweeps : int
        None for 0. About 12 s per hundred at 128³.
    periodic : bool
        Whether opposite faces of the volume match, and must match afterwards; otherwise the volume is
        continued by its mirror image.
    keep_floating_solid : bool
        Whether floating solid may stay. Otherwise it becomes pore before the first sweep.
    progress : callable, optional
        Called with (sweeps done, chi-square without weights) before each sweep and at the end.

    Returns
    -------
    Volume
        Of the same shape and scale.

    Raises
    ------
    InputError
        Section or volume is too small for any pattern, or their scales differ.

    References
    ----------
    Zhu, Wu and Mumford (1998), International Journal of Computer Vision 27, 107 (matching histograms of
    local features); Yeong and Torquato (1998), Physical Review E 57, 495 (changing
    voxels until statistics match); Bertrand and Malandain (1994), Pattern Recognition Letters 15, 169
    (keeping the topology).
    """
    if sweeps == 0:
        return volume
    wanted = _patterns_that_fit(volume, section)
    target = shares_in_section(section.pore, wanted)
    weights = np.array([WEIGHTS.get(step, 1.0) for step in wanted.squares] + [ROW_WEIGHT] * len(wanted.rows))
    start = volume.pore if keep_floating_solid else remove_floating_solid(volume.pore, periodic)
    frame = framed(start, wanted.reach, periodic)
    chance = stream(seed, "refine")
    counts = counts_in_volume(start.view(np.uint8), wanted, periodic)
    every = 3 * volume.pore.size

    def move(share: float, phase: int = BOTH, price: float = 0.0, most: int | None = None) -> None:
        """Change the phase of a share of the voxels of a phase that cost less than a price."""
        slope = weights[:, None] * ((counts / every - target) / (target + RARE))[wanted.kinds]
        visit = chance.random(volume.shape, dtype=np.float32) < share
        anneal_walls(frame, wanted, counts, slope, visit, phase, price, most)

    for sweep in range(sweeps):
        progress(sweep, pattern_distance(counts / every, target))
        if not periodic and sweep % RECOUNTED == 0:
            counts[:] = counts_in_volume(np.ascontiguousarray(frame.volume()), wanted, periodic)
        move(VISITED * min((sweeps - sweep) / (SETTLING * sweeps), 1.0))
    _restore_porosity(frame, int(volume.pore.sum()), move)
    progress(sweeps, pattern_distance(counts / every, target))
    return Volume(frame.volume().astype(bool), volume.voxel_size)


def _restore_porosity(frame: Frame, wanted: int, move: Callable[[float, int, float, int], None]) -> None:
    """Change voxels of the phase with too many, the cheapest first, until the porosity is right."""
    price = 1.0
    while (missing := wanted - int(frame.volume().sum())) and price < DEAREST:
        move(0.05, int(missing < 0), price, abs(missing))
        price *= 1.25


def _patterns_that_fit(volume: Volume, section: PhaseImage) -> Patterns:
    if not np.isclose(section.pixel_size, volume.voxel_size, rtol=1e-3):
        raise InputError(
            f"image and volume must be on one grid, but a pixel is {format_length(section.pixel_size)} and a "
            f"voxel {format_length(volume.voxel_size)}; resample the image first "
            "(porescape.section.resample.at_voxel_size)"
        )
    wanted = patterns_for(section.pore, min(min(section.pore.shape) // 3, min(volume.shape) // 4))
    if not len(wanted.squares) or not len(wanted.rows):
        raise InputError(
            f"refining needs an image of at least 9 x 9 pixels and a box of 12³ voxels, but the image has "
            f"{section.pore.shape} and the box {volume.shape}; choose larger ones, or no refinement (0)"
        )
    return wanted
