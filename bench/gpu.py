"""The generator on a graphics card beside the CPU's: how fast each is, and whether the bytes are equal.

    pip install ".[gpu]" && python bench/gpu.py --sizes 256 512

Each seed is made by both sides in turn, with nothing drawn in advance. `drawing` is the random numbers alone:
they are drawn on the CPU for both, so no card can be quicker than that. Without a card it says so and ends.
"""

import argparse
import hashlib
import time

import numpy as np

from porescape.core.domain import Domain
from porescape.core.recipe import FieldsRecipe
from porescape.core.volume import Volume
from porescape.errors import PorescapeError
from porescape.synthesis import noise
from porescape.synthesis.generate import generate
from porescape.synthesis.gpu.card import open_card

VOXEL = 1e-7
RECIPE = FieldsRecipe(
    solid_grains=0.5,
    pore_cells=0.4,
    branches=0.7,
    solid_grain_spacing=12 * VOXEL,
    pore_cell_spacing=9 * VOXEL,
    branch_width=2 * VOXEL,
    branch_cut=0.4,
    highpass_width=8 * VOXEL,
    porosity=0.6,
    smoothing=0.5 * VOXEL,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=(256, 512))
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    try:
        card = open_card()
    except PorescapeError as error:
        print(f"skipped: {error}")
        return
    name = card.cuda.runtime.getDeviceProperties(card.cuda.Device().id)["name"].decode()
    print(f"{name}, CuPy {card.__version__}\n")
    print("| size | side | million voxels/s | hashes equal |\n|---|---|---|---|")
    for device in ("cpu", "gpu"):  # kernels are compiled and loaded here
        generate(RECIPE, Domain((64,) * 3, VOXEL), 0, device)
    for size in options.sizes:
        race(Domain((size,) * 3, VOXEL), options.rounds)


def race(domain: Domain, rounds: int) -> None:
    """Print the rates in one box."""
    times: dict[str, list[float]] = {"cpu": [], "gpu": [], "drawing": []}
    equal = True
    for seed in range(rounds):
        hashes = set()
        for side in ("cpu", "gpu"):
            forget()
            begin = time.perf_counter()
            volume = generate(RECIPE, domain, seed, side)
            times[side].append(time.perf_counter() - begin)
            hashes.add(digest(volume))
        equal &= len(hashes) == 1
        forget()
        begin = time.perf_counter()
        draw(domain, seed)
        times["drawing"].append(time.perf_counter() - begin)
    for side, seconds in times.items():
        rate = np.prod(domain.shape) / np.median(seconds) / 1e6
        said = {True: "yes", False: "NO"}[equal] if side == "gpu" else ""
        print(f"| {domain.shape[0]}³ | {side} | {rate:.1f} | {said} |", flush=True)


def draw(domain: Domain, seed: int) -> None:
    """Draw all random numbers of a structure once."""
    for _ in noise._drawn(seed, "branches", domain, domain.whole):
        pass
    for field, spacing in (
        ("solid_grains", RECIPE.solid_grain_spacing),
        ("pore_cells", RECIPE.pore_cell_spacing),
    ):
        noise.random_points(seed, field, domain, domain.whole, (spacing / VOXEL) ** -3)


def forget() -> None:
    """Let nothing of the random numbers be at hand."""
    for kept in (noise._tile_noise, noise._tile_points, noise._kept_points):
        kept.cache_clear()


def digest(volume: Volume) -> str:
    return hashlib.sha256(np.packbits(volume.pore).tobytes()).hexdigest()


if __name__ == "__main__":
    main()
