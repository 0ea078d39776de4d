"""Truths of our own making, by processes that are not our generator's: foam, packings, pores, demixing.

    python bench/own_truths.py --pictures truth-pictures

Each is a periodic cube of 160³ voxels of 1 µm, the same bytes each time, True in the pores, of exact
porosity. `truths.load` makes each when it is first asked for and keeps it. Run alone, this prints what they
are like and draws a slice of each.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

SIZE = 160  # voxels
Field = NDArray[np.float32]
Points = NDArray[np.float64]  # (n, 3), [voxels], in a periodic cube
Shape = tuple[int, int, int]
MOST_PUSHES = 20_000
LEAST_OVERLAP = 0.01  # of a radius, a tenth of a voxel: as good as touching


def open_foam(size: int = SIZE, solid_grains: int = 90, porosity: float = 0.76) -> NDArray[np.bool_]:
    """Struts along the edges of an even Voronoi tessellation, as in open-cell foams.

    A voxel is near an edge where the walls between its own cell and two others are near; that distance,
    rounded a little where struts meet, is cut.
    """
    rng = np.random.default_rng(1)
    seeds = _spread_evenly(rng.random((solid_grains, 3)) * size, size, rng)
    tree = cKDTree(seeds, boxsize=size)
    away, which = tree.query(_voxels(size), k=3)
    between = np.linalg.norm(_shortest(seeds[which[:, 2]] - seeds[which[:, 0]], size), axis=1)
    wall = (away[:, 2] ** 2 - away[:, 0] ** 2) / (2 * between)
    rounded = gaussian_filter(wall.reshape((size,) * 3).astype(np.float32), 1.5, mode="wrap")
    return _highest(rounded, porosity)


def packed_spheres(size: int = SIZE, radius: float = 10.0, porosity: float = 0.40) -> NDArray[np.bool_]:
    """Solid balls of nearly one size packed at random until they touch, each a grain."""
    centres, radii = packing(size, radius, 0.99 * (1 - porosity), spread=0.05, seed=2)
    return _highest(distance_to_balls(centres, radii, size), porosity)


def sintered_spheres(size: int = SIZE, radius: float = 13.0, porosity: float = 0.20) -> NDArray[np.bool_]:
    """Solid balls packed at random, then swollen into each other, their necks rounded."""
    centres, radii = packing(size, radius, 0.58, spread=0.15, seed=3)
    rounded = gaussian_filter(distance_to_balls(centres, radii, size), 1.5, mode="wrap")
    return _highest(rounded, porosity)


def spherical_pores(size: int = SIZE, radius: float = 7.0, porosity: float = 0.50) -> NDArray[np.bool_]:
    """Overlapping spherical pores of several sizes, placed blindly in a solid."""
    rng = np.random.default_rng(4)
    radii = radius * rng.lognormal(0, 0.25, round(-np.log(1 - porosity) * size**3 / (5.6 * radius**3)))
    centres = rng.random((len(radii), 3)) * size
    return _highest(-distance_to_balls(centres, radii, size), porosity)


def demixed(size: int, porosity: float, seed: int, steps: int) -> NDArray[np.bool_]:
    """Two phases that part by Cahn and Hilliard's equation, stopped while both hang together.

    Semi-implicit in Fourier space, convex part of the energy implicit (Eyre 1998); worked out on three points
    for four voxels and filled in by its own Fourier series, because walls are several voxels thick.
    """
    n = 3 * size // 4
    share = demixing((n, n, n), porosity, np.random.default_rng(seed), steps)
    return _highest(_finer(share, size), porosity)


def demixing(
    shape: Shape,
    porosity: float,
    rng: np.random.Generator,
    steps: int,
    step: float = 0.5,
    noise: float = 0.05,
) -> Field:
    """Return how much of one phase is where, from −1 to 1, in a periodic box after so many steps."""
    share = (2 * porosity - 1 + noise * rng.standard_normal(shape)).astype(np.float32)
    *waves, along = [
        2 * np.pi * way(n) for n, way in zip(shape, (fft.fftfreq, fft.fftfreq, fft.rfftfreq), strict=True)
    ]
    square = (waves[0][:, None, None] ** 2 + waves[1][:, None] ** 2 + along**2).astype(np.float32)
    now = fft.rfftn(share)
    for _ in range(steps):
        now -= step * square * fft.rfftn(share**3 - 3 * share)
        now /= 1 + step * square * (2 + square)
        share = fft.irfftn(now, s=share.shape)
    return share


def _finer(field: Field, size: int) -> Field:
    """Return a periodic field on more voxels per edge; its highest frequencies are dropped."""
    n = len(field)
    coarse, fine = fft.fftn(field), np.zeros((size,) * 3, np.complex64)
    kept = np.r_[0 : n // 2, -(n // 2) + 1 : 0]
    fine[np.ix_(kept, kept, kept)] = coarse[np.ix_(kept, kept, kept)]
    return fft.ifftn(fine).real


# -- what they share --------------------------------------------------------------------------------


def packing(size: int, radius: float, share: float, spread: float, seed: int) -> tuple[Points, Points]:
    """Pack balls at random in a periodic cube: thrown in, then pushed apart until none overlap much.

    Parameters
    ----------
    size : int
        Edge of the cube [voxels].
    radius, spread : float
        Mean of the radii [voxels], and their relative standard deviation.
    share : float
        Of the cube that the balls fill, below that of the densest random packing, 0.64.
    """
    rng = np.random.default_rng(seed)
    count = round(share * size**3 / (4 / 3 * np.pi * radius**3))
    radii = radius * np.clip(1 + spread * rng.standard_normal(count), 0.5, 1.5)
    radii *= (share * size**3 / (4 / 3 * np.pi * (radii**3).sum())) ** (1 / 3)
    return pushed_apart(rng.random((count, 3)) * size, radii, size, LEAST_OVERLAP * radius), radii


def pushed_apart(
    centres: Points, radii: Points, size: int | Points, overlap_left: float, most_pushes: int = MOST_PUSHES
) -> Points:
    """Push balls, or discs, of a periodic box apart until none overlap by more than this [voxels]."""
    centres, count = centres % size, len(radii)
    for _ in range(most_pushes):
        a, b = cKDTree(centres, boxsize=size).query_pairs(2 * radii.max(), output_type="ndarray").T
        apart = _shortest(centres[a] - centres[b], size)
        distance = np.linalg.norm(apart, axis=1)
        overlap = radii[a] + radii[b] - distance
        if overlap.max(initial=0) < overlap_left:
            break
        push = (0.5 * np.maximum(overlap, 0) / np.maximum(distance, 1e-9))[:, None] * apart
        for ball, sign in ((a, 1), (b, -1)):
            for axis in range(centres.shape[1]):
                centres[:, axis] += sign * np.bincount(ball, push[:, axis], count)
        centres %= size
    return centres


def distance_to_balls(centres: Points, radii: Points, size: int, margin: int = 8) -> Field:
    """Return the distance to the nearest ball, negative inside; right as far as `margin` from it [voxels]."""
    field = np.full((size,) * 3, float(margin), dtype=np.float32)
    for centre, radius in zip(centres, radii, strict=True):
        reach = int(radius) + margin + 1
        places = [np.arange(int(c) - reach, int(c) + reach + 1) for c in centre]
        z, y, x = (place + 0.5 - c for place, c in zip(places, centre, strict=True))
        box = np.ix_(*(place % size for place in places))
        away = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2) - radius
        field[box] = np.minimum(field[box], away)
    return field


def _spread_evenly(points: Points, size: int, rng: np.random.Generator, rounds: int = 8) -> Points:
    """Move each point to the middle of its Voronoi cell, some times over (Lloyd 1982)."""
    for _ in range(rounds):
        sample = rng.random((400 * len(points), 3)) * size
        _, own = cKDTree(points, boxsize=size).query(sample)
        away = _shortest(sample - points[own], size)
        counts = np.maximum(np.bincount(own, minlength=len(points)), 1)
        sums = [np.bincount(own, away[:, axis], len(points)) for axis in range(3)]
        points = (points + np.stack(sums, axis=1) / counts[:, None]) % size
    return points


def _voxels(size: int) -> Points:
    """Return the centres of all voxels."""
    return np.moveaxis(np.indices((size,) * 3), 0, -1).reshape(-1, 3) + 0.5


def _shortest(apart: Points, size: int | Points) -> Points:
    """Return the shortest of the periodic images of differences."""
    return apart - size * np.rint(apart / size)


def _highest(field: Field, share: float) -> NDArray[np.bool_]:
    """Return where a field is among its highest values."""
    rank = round((1 - share) * field.size)
    return field >= np.partition(field.ravel(), rank)[rank]


MAKERS: dict[str, Callable[[], NDArray[np.bool_]]] = {
    "open_foam_160": open_foam,
    "packed_spheres_160": packed_spheres,
    "sintered_spheres_160": sintered_spheres,
    "spherical_pores_160": spherical_pores,
    "demixed_35_160": lambda: demixed(SIZE, 0.35, seed=5, steps=250),
    "demixed_65_160": lambda: demixed(SIZE, 0.65, seed=6, steps=250),
}


def main() -> None:
    from matplotlib.image import imsave

    from porescape.core.volume import Volume
    from porescape.measure.geometry.connectivity import connected_porosities, largest_cluster_fraction
    from porescape.measure.geometry.correlation import correlation_length, mean_chords

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--names", default=",".join(MAKERS))
    parser.add_argument("--pictures", type=Path, help="folder for a slice of each")
    options = parser.parse_args()
    print(
        "| truth | porosity | largest cluster of pores, of solid | connected porosity z, y, x "
        "| chord of pores, of solid [voxels] | correlation length | seconds |\n" + "|---" * 7 + "|"
    )
    for name in options.names.split(","):
        clock = time.perf_counter()
        volume = Volume(MAKERS[name](), 1.0)
        seconds = time.perf_counter() - clock
        largest = ", ".join(f"{share:.4f}" for share in largest_cluster_fraction(volume.pore))
        through = ", ".join(f"{share:.3f}" for share in connected_porosities(volume))
        chords = ", ".join(f"{chord:.1f}" for chord in mean_chords(volume))
        print(
            f"| {name} | {volume.porosity:.4f} | {largest} | {through} | {chords} "
            f"| {correlation_length(volume):.1f} | {seconds:.0f} |",
            flush=True,
        )
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            picture = volume.pore[SIZE // 2].repeat(3, axis=0).repeat(3, axis=1)
            imsave(options.pictures / f"{name}.png", picture.astype(float), cmap="gray")


if __name__ == "__main__":
    main()
