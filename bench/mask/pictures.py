"""Rendered pictures of the materials, with their truths: made once, kept in a folder."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import second_renderer
from materials import MATERIALS, Material, draw
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.measure.geometry.correlation import mean_chords
from porescape.rendering.look import draw_look
from porescape.rendering.micrograph import render_micrograph

PER_MATERIAL = 20  # two of each volume, from either end
SEED = 1

Render = Callable[
    [NDArray[np.bool_], float, np.random.Generator], tuple[np.ndarray, np.ndarray, dict[str, Any]]
]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A rendered picture with its truth.

    Attributes
    ----------
    material, group : str
        Groups are left out together.
    grey : ndarray of float32, shape (ny, nx)
        In [0, 1], steps of 1/255.
    solid : ndarray of bool, shape (ny, nx)
        What lies in the plane.
    look : dict
        Every parameter of the renderer.
    chord : float
        Mean chord of the pores in the volume [pixels].
    porosity : float
        Of the whole volume.
    """

    material: str
    group: str
    grey: NDArray[np.float32]
    solid: NDArray[np.bool_]
    look: dict[str, Any]
    chord: float
    porosity: float


def ours(
    pore: NDArray[np.bool_], chord: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Render with the renderer of the package, a look drawn at random."""
    look = draw_look(rng)
    rendered = render_micrograph(Volume(pore, 1e-7), look, int(rng.integers(2**31)))
    return rendered.micrograph.grey, ~rendered.plane.pore, asdict(look)


def theirs(
    pore: NDArray[np.bool_], chord: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Render with the second renderer, which nothing was taught or chosen by."""
    rendered = second_renderer.render(pore, 0, chord, rng)
    return rendered.grey / 255, rendered.solid, {**rendered.look, "surface": "", "signal": ""} | rendered.look


def pictures(
    folder: Path, name: str, render: Render, per_material: int, seed: int, side: int = 384
) -> Iterator[Picture]:
    """Yield pictures of all materials; the same seed is the same pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(0, per_material, 2):
        for number, material in enumerate(MATERIALS):
            files = [
                folder / f"{name}-{seed}-{side}-{material.name}-{index + end}.npz"
                for end in range(min(2, per_material - index))
            ]
            if not all(file.is_file() for file in files):
                _make(files, material, render, np.random.default_rng([seed, number, index]), side)
            for file in files:
                with np.load(file) as archive:
                    told = json.loads(str(archive["told"]))
                    yield Picture(
                        material.name,
                        material.group,
                        archive["grey"] / np.float32(255),
                        archive["solid"],
                        told["look"],
                        told["chord"],
                        told["porosity"],
                    )


def _make(files: list[Path], material: Material, render: Render, rng: np.random.Generator, side: int) -> None:
    pore = draw(material, rng, side)
    chord = mean_chords(Volume(pore, 1.0))[0]
    for file, seen in zip(files, (pore, pore[::-1]), strict=False):
        grey, solid, look = render(seen, chord, rng)
        told = json.dumps({"look": look, "chord": chord, "porosity": float(pore.mean())})
        partial = file.with_suffix(".partial.npz")
        levels = np.rint(grey * 255).astype(np.uint8)
        np.savez_compressed(partial, grey=levels, solid=solid, told=np.array(told))
        partial.replace(file)
