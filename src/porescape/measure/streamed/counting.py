"""Counts over a whole volume, piece by piece: all basic numbers, and their curves."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np

from porescape.core.chunked import ChunkedArray, ChunkedVolume, tiled
from porescape.core.curve import Curve
from porescape.errors import InputError
from porescape.measure.geometry.morphology import ThicknessDistribution
from porescape.measure.meters.basic import PHASES, SHORTEST
from porescape.measure.meters.meter import AXES
from porescape.measure.streamed import halo
from porescape.measure.streamed.clusters import Clusters, PoreClusters
from porescape.measure.streamed.lags import Lags
from porescape.measure.streamed.layers import planes, steps_of
from porescape.measure.streamed.neighbours import Neighbours
from porescape.measure.streamed.runs import Runs
from porescape.parallel import Workers, map_ordered

CONNECTED = tuple(f"connected_porosity_{axis}" for axis in AXES)
THICKNESS = tuple(f"thickness_{phase}" for phase in PHASES)
STREAMED = (  # counted here over the whole volume; any other number is measured on sub-volumes
    "porosity",
    *CONNECTED,
    "specific_surface",
    "chord_pore",
    "chord_solid",
    *THICKNESS,
    "correlation_length",
    "euler_density",
    "kozeny_carman",
)
_PER_STEP = 2**21  # voxels of local thickness per step of the progress


class Counting:
    """All counts over a whole volume, and the numbers and curves computed from them.

    Attributes
    ----------
    values, reasons, curves, seconds, warnings
        As in a `Measurement`; of the numbers wanted, and some computed with them.
    clusters : PoreClusters or None
        Connectivity of the pores, if connected porosity is wanted.
    """

    def __init__(
        self, chunked: ChunkedVolume, wanted: tuple[str, ...], memory: int, workers: Workers
    ) -> None:
        self.chunked = chunked
        self.wanted = set(wanted)
        # an array in memory would be copied to each process
        self.workers = 1 if isinstance(chunked, ChunkedArray) else workers
        self.memory = memory
        self.values: dict[str, float] = {}
        self.reasons: dict[str, str] = {}
        self.curves: dict[str, Curve] = {}
        self.seconds: dict[str, float] = {}
        self.warnings: list[str] = []
        self.clusters: PoreClusters | None = None

    @property
    def steps(self) -> int:
        """Number of calls of `advance` by `count`."""
        return steps_of(self.chunked) + self._thickness_steps if self.wanted else 0

    def count(self, advance: Callable[[str], None]) -> None:
        """Count everything wanted, and compute numbers and curves from the counts."""
        if not self.wanted:
            return
        shape, size = self.chunked.shape, self.chunked.voxel_size
        neighbours = Neighbours(shape)
        clusters = Clusters(shape) if self.wanted & set(CONNECTED) else None
        curved = "correlation_length" in self.wanted and min(shape) >= SHORTEST
        runs = Runs(shape) if curved or self.wanted & {"chord_pore", "chord_solid"} else None
        lags = Lags(shape, self._longest_lag()) if "correlation_length" in self.wanted else None
        gathering = [one for one in (neighbours, clusters, runs, lags) if one is not None]
        with self.clock("counting"):
            for some in planes(self.chunked):
                for one in gathering:
                    one.add(some)
                advance("counting")
        self.values["porosity"] = neighbours.porosity
        if clusters is not None:
            self.clusters = clusters.found()
            self.values.update(zip(CONNECTED, self.clusters.connected, strict=True))
        with self.giving("specific_surface"):
            self.values["specific_surface"] = neighbours.specific_surface(size)
        with self.giving("euler_density"):
            self.values["euler_density"] = neighbours.euler_density(size)
        with self.giving("kozeny_carman"):
            self.values["kozeny_carman"] = self._kozeny_carman(neighbours)
        if runs is not None:
            with self.giving("chord_pore", "chord_solid"):
                self.values.update(
                    zip(("chord_pore", "chord_solid"), neighbours.mean_chords(size), strict=True)
                )
                for phase in PHASES:
                    self.curves[f"chord_{phase}"] = runs.chord_distribution(phase, size)
        if self.wanted & set(THICKNESS):
            with self.giving(*THICKNESS), self.clock("thickness"):
                for phase, found in zip(PHASES, self._thickness(neighbours, advance), strict=True):
                    self.values[f"thickness_{phase}"] = found.mean
                    self.curves[f"thickness_{phase}"] = found.cumulative
        if lags is not None:
            if curved and runs is not None:
                s2 = lags.two_point()
                self.curves["two_point"] = Curve(np.asarray(np.arange(len(s2)) * size, float), s2, "m", "1")
                for phase in PHASES:
                    self.curves[f"lineal_path_{phase}"] = runs.lineal_path(phase, min(shape) // 2, size)
            with self.giving("correlation_length"):
                self.values["correlation_length"] = lags.correlation_length(neighbours.porosity, size)

    @contextmanager
    def giving(self, *names: str) -> Iterator[None]:
        """If a volume has no value for these numbers, set NaN and the reason."""
        try:
            yield
        except InputError as error:
            self.values.update(dict.fromkeys(names, math.nan))
            self.reasons.update(dict.fromkeys(names, str(error)))

    @contextmanager
    def clock(self, title: str) -> Iterator[None]:
        """Record the time of a step."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[title] = time.perf_counter() - began

    def _longest_lag(self) -> int:
        """Return the longest lag that is counted: half the shortest edge, unless memory is short."""
        nz, ny, nx = self.chunked.shape
        half = min(nz, ny, nx) // 2
        fits = int(self.memory / 4 * 8 / (ny * nx))
        if fits < half:
            self.warnings.append(
                f"S2 was counted up to lags of {fits} voxels, not of {half}, for lack of memory: those take "
                f"{half * ny * nx / 8 / 2**30 * 4:.2g} GiB, and {self.memory / 2**30:.2g} GiB may be used"
            )
        return min(half, fits)

    @property
    def _thickness_steps(self) -> int:
        return -(-math.prod(self.chunked.shape) // _PER_STEP) if self.wanted & set(THICKNESS) else 0

    def _kozeny_carman(self, neighbours: Neighbours) -> float:
        surface, porosity = neighbours.specific_surface(self.chunked.voxel_size), neighbours.porosity
        if surface == 0:
            found = "pore" if porosity else "solid"
            raise InputError(f"Kozeny-Carman needs walls, but every voxel of {self.chunked.shape} is {found}")
        return porosity**3 / (5 * surface**2)

    def _thickness(
        self, neighbours: Neighbours, advance: Callable[[str], None]
    ) -> tuple[ThicknessDistribution, ...]:
        if neighbours.porosity in (0, 1):
            for _ in range(self._thickness_steps):
                advance("thickness")
            found = "pore" if neighbours.porosity else "solid"
            raise InputError(
                f"thickness needs walls to measure from, but every voxel of {self.chunked.shape} is {found}; "
                "measure a larger volume"
            )
        pore, solid = neighbours.mean_chords(1.0)
        reach = halo.likely_reach(pore), halo.likely_reach(solid)
        memory = self.memory / (self.workers if isinstance(self.workers, int) else 1)
        edge = halo.tile_edge(max(reach), memory)
        tiles = tuple(tiled(self.chunked.shape, (edge, edge, edge)))
        work = partial(halo.tile_shares, self.chunked, reach, memory)
        shares = [halo.NOTHING, halo.NOTHING]
        for done, both in enumerate(map_ordered(work, tiles, self.workers)):
            shares = [halo.merged(*pair) for pair in zip(shares, both, strict=True)]
            # the number of steps was announced before the blocks were known
            n = self._thickness_steps
            for _ in range((done + 1) * n // len(tiles) - done * n // len(tiles)):
                advance("thickness")
        return tuple(halo.distribution(one, self.chunked.voxel_size) for one in shares)
