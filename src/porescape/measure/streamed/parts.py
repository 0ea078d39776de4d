"""Sub-volumes that represent a volume in numbers that cannot be measured piece by piece."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product

from porescape.core.chunked import ChunkedVolume
from porescape.core.domain import Shape, Window
from porescape.core.measurement import Details, Measurement
from porescape.core.settings import Measure
from porescape.core.volume import Volume
from porescape.errors import SettingsError
from porescape.measure.volume import measure_volume
from porescape.parallel import OnProgress, Workers, map_ordered

SMALLEST = 16  # voxels; the shortest meaningful edge for a network or a flow


def spread(shape: Shape, count: int, size: int) -> tuple[Window, ...]:
    """Return sub-volumes spread evenly over a volume, none overlapping another.

    The volume is cut into boxes that are as cubic as possible, and a sub-volume is the middle of its box.
    Nothing is random: the same volume has the same sub-volumes.

    Parameters
    ----------
    shape : tuple of int
        Voxels of the volume.
    count : int
        Number wanted; there are fewer if fewer fit side by side.
    size : int
        Edge [voxels]; along a shorter axis they are as long as the axis.

    Raises
    ------
    SettingsError
        No sub-volumes wanted, or smaller than 16 voxels.

    Examples
    --------
    >>> [window.start for window in spread((256, 256, 512), 2, 128)]
    [(64, 64, 64), (64, 64, 320)]
    """
    if count < 1 or size < SMALLEST:
        raise SettingsError(
            f"there must be at least 1 sub-volume, of at least {SMALLEST} voxels along its edge; "
            f"got {count} of {size}"
        )
    edges = tuple(min(size, n) for n in shape)
    room = tuple(n // edge for n, edge in zip(shape, edges, strict=True))
    count = min(count, room[0] * room[1] * room[2])
    grids = []
    for a in range(1, min(room[0], count) + 1):
        for b in range(1, min(room[1], -(-count // a)) + 1):
            c = -(-count // (a * b))
            if c <= room[2]:
                boxes = [n / k for n, k in zip(shape, (a, b, c), strict=True)]
                grids.append((max(boxes) / min(boxes) * a * b * c / count, (a, b, c)))
    grid = min(grids)[1]
    cells = list(product(*map(range, grid)))
    chosen = (cells[int((i + 0.5) * len(cells) / count)] for i in range(count))
    return tuple(
        Window(
            tuple(  # type: ignore[arg-type]  # three axes
                int((k + 0.5) * n / of - edge / 2)
                for k, n, of, edge in zip(cell, shape, grid, edges, strict=True)
            ),
            edges,  # type: ignore[arg-type]
        )
        for cell in chosen
    )


def measure_parts(
    chunked: ChunkedVolume,
    windows: tuple[Window, ...],
    settings: Measure,
    workers: Workers = 1,
    progress: Callable[[str], None] = lambda title: None,
) -> tuple[Measurement, ...]:
    """Measure sub-volumes one by one, each as a volume of its own; `progress` is called after every step.

    Networks, curves and fields are dropped.
    """
    volumes = [Volume(chunked.read(window), chunked.voxel_size) for window in windows]
    return tuple(map_ordered(partial(_measure, settings), volumes, workers, progress))


def _measure(settings: Measure, volume: Volume, progress: OnProgress) -> Measurement:
    found = measure_volume(volume, settings, progress=lambda title, done, of: progress(title))
    return replace(found, details=Details())
