"""What the border of a box does to Euler density and to pores: blocks of known volumes, before and after.

    python bench/border.py [--materials field,balls,spinodal_160,...] [--sizes 40,53,80] [--blocks 27]

Blocks are cut side by side from a volume; where fewer than a dozen fit, a dozen at random places more.
Before: every group of voxels divided by its own number of positions; all pores and throats alike, those that
the border cuts too. The truth is that of the whole volume: for the Euler density the whole box, for networks
the pores and throats whose centres are `MARGIN` voxels and more from its border.
"""

import argparse
from collections.abc import Callable
from itertools import product

import numpy as np

from common import gaussian_field
from porescape.core.network import Network
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.minkowski import euler_density
from porescape.measure.meters.network import NUMBERS
from porescape.measure.network.extract import extract_network, network_numbers
from truths import NAMES, load, need_shared

MARGIN = 16  # voxels; about the width of a pore
COLUMNS = ("pore_density", "body_diameter", "body_diameter_p10", "throat_diameter", "throat_diameter_p10")


def closed_balls(size: int, seed: int = 1) -> np.ndarray:
    """Balls of 4 to 10 voxels radius, nowhere nearer to each other than 2, periodic."""
    rng = np.random.default_rng(seed)
    pore = np.zeros((size, size, size), dtype=bool)
    centres, radii = np.zeros((0, 3)), np.zeros(0)
    for _ in range(6000 * size**3 // 256**3):
        radius, centre = rng.uniform(4, 10), rng.uniform(0, size, 3)
        apart = np.abs(centres - centre)
        apart = np.linalg.norm(np.minimum(apart, size - apart), axis=1)
        if (apart < radii + radius + 2).any():
            continue
        centres, radii = np.vstack((centres, centre)), np.append(radii, radius)
        around = [np.arange(int(c - radius - 1), int(c + radius + 2)) for c in centre]
        squares = np.meshgrid(*((i - c) ** 2 for i, c in zip(around, centre, strict=True)), indexing="ij")
        pore[np.ix_(*(i % size for i in around))] |= sum(squares) < radius**2
    return pore


def cavities(cells: float, edge: int, radius: float, neck: float) -> np.ndarray:
    """A cubic lattice of balls joined by straight necks: one pore per cell, six throats per pore."""
    at = (np.arange(round(cells * edge)) + 0.5) % edge - edge / 2
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    tubes = (y**2 + x**2 < neck**2) | (z**2 + x**2 < neck**2) | (z**2 + y**2 < neck**2)
    return (z**2 + y**2 + x**2 < radius**2) | tubes


def euler_before(volume: Volume) -> float:
    """Every group of voxels divided by its own number of positions."""
    total = 0.0
    for pairs in product((False, True), repeat=3):
        group = volume.pore
        for axis in np.flatnonzero(pairs):
            group = np.delete(group, -1, axis) & np.delete(group, 0, axis)
        total += (-1) ** sum(pairs) * float(group.mean())
    return total / volume.voxel_size**3


def network_before(network: Network) -> dict[str, float]:
    """All pores and throats alike."""
    found = {"pore_density": len(network.body_diameter) / (network.region.size * network.voxel_size**3)}
    for name in COLUMNS[1:]:
        sizes = getattr(network, name.removesuffix("_p10"))
        found[name] = np.nan
        if sizes.size:
            found[name] = float(np.percentile(sizes, 10) if name.endswith("_p10") else sizes.mean())
    inside = network.coordination[network.interior]
    return found | {"coordination_number": float(inside.mean()) if inside.size else np.nan}


def network_truth(volume: Volume) -> dict[str, float]:
    """From the pores and throats whose centres are far from the border."""
    network = extract_network(volume)
    inner = [
        ((centre > MARGIN) & (centre < np.array(volume.shape) - MARGIN)).all(axis=1)
        for centre in (network.pore_centre / volume.voxel_size, network.throat_centre / volume.voxel_size)
    ]
    edges = (np.array(volume.shape) - 2 * MARGIN) * volume.voxel_size
    found = {"pore_density": np.count_nonzero(inner[0]) / float(edges.prod())}
    for name in COLUMNS[1:]:
        sizes = getattr(network, name.removesuffix("_p10"))[inner["throat" in name]]
        found[name] = np.nan
        if sizes.size:
            found[name] = float(np.percentile(sizes, 10) if name.endswith("_p10") else sizes.mean())
    return found | {"coordination_number": float(network.coordination[inner[0]].mean())}


def blocks_of(volume: Volume, size: int, most: int) -> list[Volume]:
    """Cubic blocks, side by side, and some at random."""
    rng = np.random.default_rng(0)
    corners = list(product(*(range(0, n - size + 1, size) for n in volume.shape)))
    rng.shuffle(corners)
    corners = corners[:most]
    if len(corners) < 12:
        corners += [tuple(rng.integers(0, n - size + 1) for n in volume.shape) for _ in range(12)]
    return [
        Volume(volume.pore[z : z + size, y : y + size, x : x + size], volume.voxel_size)
        for z, y, x in corners
    ]


def bias_and_scatter(values: list[float], truth: float) -> str:
    """Mean error and scatter of blocks [% of the truth]."""
    known = np.array(values)[np.isfinite(values)]
    if known.size < 3 or not truth or np.isnan(truth):
        return "-"
    return f"{100 * (known.mean() / truth - 1):+.0f} ± {100 * known.std(ddof=1) / abs(truth):.0f}"


def show(name: str, volume: Volume, sizes: list[int], most: int) -> None:
    """Print two rows per size, before and after."""
    euler, truth = euler_density(volume), network_truth(volume)
    names = (*COLUMNS, "coordination_number")
    for size in sizes:
        blocks = blocks_of(volume, size, most)
        networks = []
        for block in blocks:
            try:
                networks.append(extract_network(block))
            except InputError:
                continue
        ways: dict[str, tuple[Callable[[Volume], float], Callable[[Network], dict[str, float]]]] = {
            "before": (euler_before, network_before),
            "after": (euler_density, lambda network: network_numbers(network, NUMBERS)[0]),
        }
        whole = [int(np.count_nonzero(network.interior)) for network in networks]
        for way, (of_volume, of_network) in ways.items():
            rows = [of_network(network) for network in networks]
            cells = [bias_and_scatter([of_volume(block) for block in blocks], euler)]
            cells += [bias_and_scatter([row[number] for row in rows], truth[number]) for number in names]
            print(f"| {name} | {size} | {len(blocks)} | {np.mean(whole):.0f} | {way} | {' | '.join(cells)} |")


def closed_forms() -> None:
    """Print the lattices and closed bodies."""
    print("\n| closed form | number | truth | before | after |\n|---|---|---|---|---|")
    for cells, edge, radius, neck in ((2.6, 20, 7.2, 3.1), (4, 12, 4.3, 1.9)):
        network = extract_network(Volume(cavities(cells, edge, radius, neck), 1e-6))
        cell = extract_network(Volume(np.pad(cavities(1, edge, radius, 0), 1), 1e-6))
        old, new = network_before(network), network_numbers(network, NUMBERS)[0]
        old["body_diameter_p50"] = float(np.median(network.body_diameter))
        truth = {
            "pore_density": (edge * 1e-6) ** -3,
            "body_diameter_p50": float(cell.body_diameter[0]),
            "coordination_number": 6.0,
        }
        for number, right in truth.items():
            what = f"cavities, {cells} cells, {np.count_nonzero(network.interior)} whole"
            print(f"| {what} | `{number}` | {right:.4g} | {old[number]:.4g} | {new[number]:.4g} |")
    wave = np.cos((np.arange(64) + 0.5) * 2 * np.pi / 32)
    schwarz = Volume(wave[:, None, None] + wave[:, None] + wave > 0, 1.0)
    print(
        f"| Schwarz P, 2 cells of 32 | Euler number per cell | -2 | {euler_before(schwarz) * 32**3:.3g} "
        f"| {euler_density(schwarz) * 32**3:.3g} |"
    )
    balls = np.zeros((40, 40, 40), dtype=bool)
    for centre in ((10, 10, 10), (28, 24, 12), (20, 12, 30)):
        away = [(np.arange(40) - c) ** 2 for c in centre]
        balls |= away[0][:, None, None] + away[1][:, None] + away[2] < 36
    closed = Volume(balls, 1.0)
    print(
        f"| three closed balls, 40³ | Euler number | 3 | {euler_before(closed) * 40**3:.3g} "
        f"| {euler_density(closed) * 40**3:.3g} |"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--materials", default=",".join(("field", "balls", *NAMES)))
    parser.add_argument("--sizes", default="40,53,80")
    parser.add_argument("--blocks", type=int, default=27)
    given = parser.parse_args()
    heads = ("`euler_density`", *(f"`{name}`" for name in COLUMNS), "`coordination_number`")
    print(f"| material | block | blocks | whole pores | | {' | '.join(heads)} |")
    print("|" + "---|" * (len(heads) + 5))
    makers = {"field": lambda: gaussian_field(200, 0.4), "balls": lambda: closed_balls(200)}
    for name in given.materials.split(","):
        if name in makers:
            volume = Volume(makers[name](), 1e-6)
        else:
            need_shared()
            volume = load(name)
        show(name.rsplit("_", 1)[0], volume, [int(size) for size in given.sizes.split(",")], given.blocks)
    closed_forms()


if __name__ == "__main__":
    main()
