"""The one place for random numbers.

Two kinds of random numbers, both functions of the user's one seed:

- `stream`: a generator for one piece of work (a replica's search, one bootstrap), the same whether
  that work is done alone, last, or on another worker;
- `tile_stream`: a generator for one fixed tile of space. White noise and seed points are drawn tile
  by tile, so any window of a structure can be generated alone, with the same bytes as in the whole.
"""

import numpy as np

# append only, in both tuples: the position is the key
STAGES = (
    "search",
    "replica",
    "bootstrap",
    "sample",
    "two-sample test",
    "refine",
    "search fibres",
    "search grains",
    "micrograph",
    "look",
    "labels",
)
FIELDS = ("solid_grains", "pore_cells", "branches", "solid_grains directions")

TILE = 64  # voxels; the edge of the cube of space that one random stream fills


def stream(seed: int, stage: str, index: int = 0) -> np.random.Generator:
    """Return the random stream of one piece of work; no other has the same."""
    return _numbered(seed, STAGES.index(stage), index)


def search_stream(seed: int, family: int, index: int) -> np.random.Generator:
    """Return the random stream of one family's search, by the number reserved for the family."""
    return _numbered(seed, family, index)


def _numbered(seed: int, number: int, index: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, number, index)))


def structure_seed(seed: int, replica: int) -> int:
    """Return the seed of one replica's structure, a 63-bit integer.

    >>> structure_seed(0, 3) == structure_seed(0, 3) != structure_seed(0, 4)
    True
    """
    return int(stream(seed, "replica", replica).integers(2**63))


def tile_stream(seed: int, field: str, tile: tuple[int, int, int]) -> np.random.Generator:
    """Return the random stream of one tile of one field; tile indices may be negative."""
    key = (1, FIELDS.index(field), *(2 * i if i >= 0 else -2 * i - 1 for i in tile))
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=key)))
