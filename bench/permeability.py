"""Permeability: against closed forms, spheres and published rock, and what it costs.

    python bench/permeability.py
    python bench/permeability.py --parts cost --sizes 100 128 200

Slits and tubes show what the voxels cost, simple cubic spheres what their steps cost. The eight corner blocks
of Berea sandstone were published with permeabilities along X, Y and Z; which axis is which, and how blocks
are numbered, is found here. Costs are those of a process each; memory is the peak of the process, with what
it held after the imports beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from itertools import permutations
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from common import gaussian_field, peak_mb
from truths import SHARED, load

PARTS = ("tubes", "spheres", "berea", "rock", "cost")
DARCY = 9.869233e-13  # m²

# drag on a sphere of a simple cubic array over that on a lone one, by solid share; Zick and Homsy (1982),
# Journal of Fluid Mechanics 115, 13
ZICK_HOMSY = {0.027: 2.008, 0.125: 4.292, 0.216: 7.442, 0.343: 15.4, 0.45: 28.1, np.pi / 6: 42.1}
CENTRES = ((0.0, 0.0), (0.5, 0.5), (0.25, 0.1), (0.37, 0.45))  # of tubes, from a voxel's corner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 128, 200])
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(cost_here(options.alone)))
        return
    if "tubes" in options.parts:
        print("slits and tubes, error of the permeability; tubes about a voxel's corner, about four points,")
        print("and against the round tube with as many voxels in its cross-section")
        for row in tube_trend():
            print(
                f"  {row['across']:3d} voxels across: slit {row['slit']:+8.2%}   tube {row['tube']:+8.2%}   "
                "four {:+8.2%} ... {:+8.2%}   ".format(*row["tubes"])
                + "by area {:+8.2%} ... {:+8.2%}".format(*row["tubes_by_area"])
            )
    if "spheres" in options.parts:
        print("simple cubic spheres against Zick and Homsy (1982), by voxels per cell")
        for solid, errors in sphere_trend().items():
            print(f"  solid {solid:.4f}: " + "   ".join(f"{n:3d} {e:+.2%}" for n, e in errors.items()))
    missing = not (SHARED / "volumes").is_dir()
    if missing and {"berea", "rock"} & set(options.parts):
        print(f"Berea is left out: {SHARED / 'volumes'} is not there; it is not part of the project")
    if "berea" in options.parts and not missing:
        print_berea()
    if "rock" in options.parts and not missing:
        found = rock()
        print("Berea, all 256³ (the whole 400³ is published with 1360, 1304 and 1193 mD):")
        print(
            "  " + ", ".join(f"{axis} {k / DARCY * 1e3:.0f} mD" for axis, k in zip("zyx", found, strict=True))
        )
    if "cost" in options.parts:
        print("one axis of a field of porosity 0.6, one thread")
        for size in options.sizes:
            row = cost(size)
            print(
                f"  {size}³: {row['seconds']:6.2f} s ({row['cpu_seconds']:.2f} s of CPU)   "
                f"{row['iterations']} iterations   "
                f"peak {row['peak_mb']:.0f} MB (before {row['before_mb']:.0f})   "
                f"K {row['permeability']:.5f}, within {row['error']:.3%} of its limit"
            )


def permeability(pore: np.ndarray, axis: int = 0, **settings: Any) -> float:
    """Permeability [voxel²]."""
    from porescape.core.volume import Volume
    from porescape.measure.stokes import stokes_flow

    return stokes_flow(Volume(pore, 1.0), axis, **settings).permeability


def slit(across: int) -> np.ndarray:
    pore = np.zeros((2, across + 2, 1), dtype=bool)
    pore[:, 1:-1] = True
    return pore


def tube(across: int, centre: tuple[float, float]) -> np.ndarray:
    place = np.arange(across + 4) + 0.5 - (across + 4) / 2
    inside = (place[:, None] + centre[0]) ** 2 + (place + centre[1]) ** 2 < across**2 / 4
    return np.repeat(inside[None], 2, axis=0)


def tube_trend(across: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 40)) -> list[dict[str, Any]]:
    """Relative errors of slits and round tubes by their width in voxels."""
    rows = []
    for n in across:
        shapes = [shape for shape in (tube(n, centre) for centre in CENTRES) if shape.any()]
        found = np.array([permeability(shape) for shape in shapes]) * (n + 4) ** 2  # flow
        areas = np.array([np.count_nonzero(shape[0]) for shape in shapes])
        by_width, by_area = found / (np.pi * (n / 2) ** 4 / 8) - 1, found / (areas**2 / (8 * np.pi)) - 1
        rows.append(
            {
                "across": n,
                "slit": permeability(slit(n), tolerance=1e-5) / (n**3 / 12 / (n + 2)) - 1,
                "tube": by_width[0],
                "tubes": (min(by_width), max(by_width)),
                "tubes_by_area": (min(by_area), max(by_area)),
            }
        )
    return rows


def sphere_octant(voxels_per_cell: int, solid: float) -> np.ndarray:
    """An eighth of a simple cubic cell about a sphere's centre: all its faces are mirrors."""
    radius = (3 * solid / (4 * np.pi)) ** (1 / 3) * voxels_per_cell
    place = np.arange(voxels_per_cell // 2) + 0.5
    return place[:, None, None] ** 2 + place[:, None] ** 2 + place**2 >= radius**2


def sphere_trend(
    voxels_per_cell: tuple[int, ...] = (16, 24, 32, 48, 64, 96),
) -> dict[float, dict[int, float]]:
    """Relative errors by solid share and resolution."""
    errors: dict[float, dict[int, float]] = {}
    for solid, drag in ZICK_HOMSY.items():
        for n in voxels_per_cell:
            radius = (3 * solid / (4 * np.pi)) ** (1 / 3) * n
            exact = n**3 / (6 * np.pi * radius * drag)
            errors.setdefault(solid, {})[n] = permeability(sphere_octant(n, solid)) / exact - 1
    return errors


def berea_blocks() -> list[dict[str, Any]]:
    """The published blocks inside the shared volume: place, pore, effective porosity, K/dx² by X, Y, Z."""
    pore = load("berea_256").pore
    table = json.loads((SHARED / "volumes" / "berea_published_permeability_27blocks.json").read_text())
    found = []
    for block in table["blocks"].values():
        place = tuple(block["block"])
        if max(place) < 2:
            part = pore[tuple(slice(128 * i, 128 * i + 128) for i in place)]
            found.append(
                {
                    "place": place,
                    "pore": part,
                    "effective_porosity": block["eff_porosity"],
                    "published": block["K_over_dx2"],
                }
            )
    return found


def berea(sides: str = "slip") -> list[dict[str, Any]]:
    """The blocks with their connected porosity and permeability [voxel²] along z, y and x."""
    from porescape.core.volume import Volume
    from porescape.measure.connectivity import connected_porosities

    return [
        {
            **block,
            "found": [permeability(block["pore"], axis, sides=sides) for axis in range(3)],
            "connected": connected_porosities(Volume(block["pore"], 1.0)),
        }
        for block in berea_blocks()
    ]


def print_berea() -> None:
    for sides in ("slip", "wall"):
        blocks = berea(sides)
        if sides == "slip":
            print("Berea, eight blocks of 128³, numbered z, y, x: connected and published porosity")
            for b in blocks:
                print(f"  {b['place']} {b['connected'][0]:.6f} {b['effective_porosity']:.6f}")
            print("  scatter of log K (published / found) by which of X, Y, Z is which axis")
            for order in permutations("XYZ"):
                logs = [np.log([b["published"][a] for a in order]) - np.log(b["found"]) for b in blocks]
                print(f"    z, y, x = {', '.join(order)}: {np.std(logs):.3f}")
        print(f"  permeability against published, sides {sides!r}: along z, y, x")
        errors = []
        for b in blocks:
            error = [k / b["published"][a] - 1 for k, a in zip(b["found"], "ZYX", strict=True)]
            errors += error
            cells = (
                f"{k:.5f} {b['published'][a]:.5f} {e:+6.1%}"
                for k, a, e in zip(b["found"], "ZYX", error, strict=True)
            )
            print(f"    {b['place']}  " + "   ".join(cells))
        print(
            f"    mean {np.mean(errors):+.1%}, standard deviation {np.std(errors):.1%}, "
            f"{sum(abs(e) <= 0.1 for e in errors)} of {len(errors)} within 10 %"
        )


def rock() -> list[float]:
    """Permeability of the whole shared piece of Berea along z, y and x [m²]."""
    volume = load("berea_256")
    return [permeability(volume.pore, axis) * volume.voxel_size**2 for axis in range(3)]


def cost(size: int) -> dict[str, Any]:
    """What one axis of a field of this size takes, in a process of its own."""
    command = [sys.executable, __file__, "--alone", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def cost_here(size: int) -> dict[str, Any]:
    from porescape.core.volume import Volume
    from porescape.measure.stokes import stokes_flow

    volume = Volume(gaussian_field(size), 1.0)
    stokes_flow(Volume(volume.pore[:24, :24, :24], 1.0), 0)  # imports, compiles
    before = peak_mb()
    clock, cpu = time.perf_counter(), time.process_time()
    flow = stokes_flow(volume, 0)
    row = {
        "seconds": time.perf_counter() - clock,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "before_mb": before,
        "iterations": flow.iterations,
        "permeability": flow.permeability,
    }
    limit = stokes_flow(volume, 0, tolerance=1e-5).permeability
    return {**row, "error": abs(flow.permeability / limit - 1)}


if __name__ == "__main__":
    main()
