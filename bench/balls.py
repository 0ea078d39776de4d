"""How large are the balls that pass? Necks and channels of known width, moved and turned at random; fields.

    python bench/balls.py [--times 16] [--fields 4]

The widest way through each shape is known; an error is its mean over shifts and turns, in percent, with the
standard deviation of one. Random fields are compared with the same field on voxels of a third of the edge.
"""

import argparse
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from porescape.core.volume import Volume
from porescape.measure.filtration.intrusion import intrusion_diameters, percolating_diameter
from porescape.measure.geometry.clearance import clearance

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Frame = tuple[Floats, Floats, Floats]  # along the neck, and across it

RADII = (2, 3, 4, 6, 8)  # voxels
SPREAD = 0.1  # of the logarithm of the radius, either way
WIDTHS = (2.0, 3.0, 4.0)  # voxels, of the Gaussian that smooths a field; pores are about three times as wide
SEED = 7


def frame(shape: tuple[int, int, int], rng: np.random.Generator, *, turned: bool) -> Frame:
    """Return coordinates of the voxels in a frame that is moved, and turned by any angle up to a diagonal."""
    along, aside = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])
    if turned:
        along = np.sort(np.abs(rng.normal(size=3)))[::-1]
        along, aside = along / np.linalg.norm(along), rng.normal(size=3)
        aside -= aside @ along * along
        aside /= np.linalg.norm(aside)
    shift = rng.random(3) - 0.5
    grid = np.stack(
        np.meshgrid(*(np.arange(n) - n // 2 - s for n, s in zip(shape, shift, strict=True)), indexing="ij")
    )
    s, u, v = np.tensordot(np.array([along, aside, np.cross(along, aside)]), grid, 1)
    return s, u, v


def cube(edge: float, rng: np.random.Generator) -> Frame:
    """Return a turned frame in a cube."""
    n = int(edge) | 1
    return frame((n, n, n), rng, turned=True)


def channel(wide: float, rng: np.random.Generator, *, turned: bool = True) -> Frame:
    """Return a frame in a short box that a straight channel crosses."""
    n = int(wide + (39 if turned else 7)) | 1
    return frame((15 if turned else 9, n, n), rng, turned=turned)


def tube(r: float, rng: np.random.Generator) -> Bools:
    """A round tube along the lattice."""
    _, u, v = channel(2 * r, rng, turned=False)
    return np.asarray(u * u + v * v < r * r)


def tilted_tube(r: float, rng: np.random.Generator) -> Bools:
    """A round tube in any direction."""
    _, u, v = channel(4 * r, rng)
    return np.asarray(u * u + v * v < r * r)


def hyperbolic_neck(r: float, rng: np.random.Generator) -> Bools:
    """A round neck that widens as a hyperboloid."""
    s, u, v = cube(3.5 * r + 12, rng)
    return np.asarray(u * u + v * v < r * r + (0.7 * s) ** 2)


def knife_edge(r: float, rng: np.random.Generator) -> Bools:
    """A round opening in an edge of 90 degrees."""
    s, u, v = cube(4 * r + 12, rng)
    return np.asarray(np.hypot(u, v) < r + np.abs(s))


def square_blades(r: float, rng: np.random.Generator) -> Bools:
    """A square opening between four straight edges."""
    s, u, v = cube(4 * r + 12, rng)
    return np.asarray(np.maximum(np.abs(u), np.abs(v)) < r + np.abs(s))


def packing_neck(r: float, rng: np.random.Generator) -> Bools:
    """The opening between four touching balls of a simple cubic packing."""
    ball = r / (np.sqrt(2) - 1)
    s, u, v = cube(2.5 * ball, rng)
    pore = np.maximum(np.abs(u), np.abs(v)) < ball
    for a in (-ball, ball):
        for b in (-ball, ball):
            pore &= s * s + (u - a) ** 2 + (v - b) ** 2 >= ball * ball
    return np.asarray(pore)


def triangular_channel(r: float, rng: np.random.Generator) -> Bools:
    """A channel between three planes."""
    _, u, v = channel(6 * r, rng)
    sides = [np.cos(angle) * u + np.sin(angle) * v for angle in (0, 2 * np.pi / 3, 4 * np.pi / 3)]
    return np.asarray(np.max(sides, axis=0) < r)


def square_channel(r: float, rng: np.random.Generator) -> Bools:
    """A channel between four planes."""
    _, u, v = channel(3.5 * r, rng)
    return np.asarray(np.maximum(np.abs(u), np.abs(v)) < r)


SHAPES: tuple[Callable[[float, np.random.Generator], Bools], ...] = (
    tube,
    tilted_tube,
    hyperbolic_neck,
    knife_edge,
    square_blades,
    packing_neck,
    triangular_channel,
    square_channel,
)


def errors(
    shape: Callable[[float, np.random.Generator], Bools], radius: float, times: int
) -> Iterator[float]:
    """Yield the errors of the bubble point in percent."""
    for turn in range(times):
        rng = np.random.default_rng([SEED, turn, int(10 * radius)])
        exact = radius * np.exp(rng.uniform(-SPREAD, SPREAD))
        volume = Volume(np.ascontiguousarray(shape(exact, rng)), 1.0)
        yield 100 * (percolating_diameter(volume, 0) / (2 * exact) - 1)


def field_errors(width: float, seed: int) -> list[float]:
    """Return errors of three bubble points and of the diameters at which 25, 50, 75 % are filled [%]."""
    edge = round(16 * width) + 12
    noise = np.random.default_rng([SEED, seed]).standard_normal((3 * edge,) * 3).astype(np.float32)
    field = gaussian_filter(noise, 3 * width, mode="wrap")
    fine = field < np.quantile(field, 0.5)
    found = []
    for pore, size in ((fine, 1 / 3), (np.ascontiguousarray(fine[1::3, 1::3, 1::3]), 1.0)):
        volume, space = Volume(pore, size), clearance(pore)
        entered = np.sort(intrusion_diameters(volume, None, space), axis=None)
        entered = entered[np.searchsorted(entered, 0, side="right") :]
        ways = [percolating_diameter(volume, axis, space) for axis in range(3)]
        found.append([*ways, *(float(entered[int(q * len(entered))]) for q in (0.75, 0.5, 0.25))])
    return list(100 * (np.array(found[1]) / np.array(found[0]) - 1))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=16)
    parser.add_argument("--fields", type=int, default=4)
    arguments = parser.parse_args()
    print(f"| shape | {' | '.join(f'{2 * r} voxels' for r in RADII)} |\n|{'---|' * (len(RADII) + 1)}")
    for shape in SHAPES:
        cells = []
        for radius in RADII:
            off = list(errors(shape, radius, arguments.times))
            cells.append(f"{np.mean(off):+.1f} ± {np.std(off):.1f}")
        print(f"| {shape.__name__.replace('_', ' ')} | {' | '.join(cells)} |", flush=True)
    print("\n| field smoothed over | bubble point | 25 % filled | 50 % | 75 % |\n|---|---|---|---|---|")
    for width in WIDTHS if arguments.fields else ():
        off = np.array([field_errors(width, seed) for seed in range(arguments.fields)])
        bubble, filled = off[:, :3], off[:, 3:].mean(axis=0)
        cells = [f"{bubble.mean():+.1f} ± {bubble.std():.1f}", *(f"{one:+.1f}" for one in filled)]
        print(f"| {width:g} voxels | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
