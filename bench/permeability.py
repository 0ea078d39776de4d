"""Permeability: against closed forms, spheres and published rock, and what it costs.

    python bench/permeability.py
    python bench/permeability.py --parts cost --sizes 100 128 200

Slits, ducts and tubes show what the voxels cost; tilted slits, simple cubic spheres and smooth random fields
what their steps cost, by what they are taken for. Halved voxels show how far a volume is from its own cubes,
merged ones from a coarser image of it. The eight corner blocks of Berea sandstone were published with
permeabilities along X, Y and Z; which axis is which, and how blocks are numbered, is found here. Costs are
those of a process each; memory is the peak of the process, with what it held after the imports beside it.
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

PARTS = ("tubes", "tilts", "spheres", "fields", "halves", "berea", "rock", "cost")
WALLS = ("steps", "smooth")
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
        print("slits, square ducts and tubes, error of the permeability; tubes about a voxel's corner, about")
        print("four points, and against the round tube with as many voxels in its cross-section")
        for row in tube_trend():
            print(
                f"  {row['across']:3d} voxels across: slit {row['slit']:+8.2%}   duct {row['duct']:+8.2%}   "
                f"tube {row['tube']:+8.2%}   "
                "four {:+8.2%} ... {:+8.2%}   ".format(*row["tubes"])
                + "by area {:+8.2%} ... {:+8.2%}".format(*row["tubes_by_area"])
            )
    if "tilts" in options.parts:
        print("slits that climb, away from their kinks, by width in voxels")
        for walls in WALLS:
            for slope, errors in tilt_trend(walls).items():
                solid_grains = "   ".join(f"{n:4.1f} {e:+.1%}" for n, e in errors.items())
                print(f"  walls {walls!r}, slope {slope}: {solid_grains}")
    if "spheres" in options.parts:
        print("simple cubic spheres against Zick and Homsy (1982), by voxels per cell")
        for walls in WALLS:
            for solid, errors in sphere_trend(walls=walls).items():
                solid_grains = "   ".join(f"{n:3d} {e:+.2%}" for n, e in errors.items())
                print(f"  walls {walls!r}, solid {solid:.4f}: {solid_grains}")
    if "fields" in options.parts:
        print("smooth random fields against their limit, on voxels of 1, 1/2 and 1/4")
        for row in field_trend():
            print(
                f"  porosity {row['porosity']}, mean pore chord {row['chord']:.1f}: "
                + "   ".join(
                    f"{walls} " + ", ".join(f"{e:+.1%}" for e in row[walls].values()) for walls in WALLS
                )
                + f"   (the two limits differ by {row['doubt']:.1%})"
            )
    missing = not (SHARED / "volumes").is_dir()
    if missing and {"halves", "berea", "rock"} & set(options.parts):
        print(f"Real volumes are left out: {SHARED / 'volumes'} is not there; it is not part of the project")
    if "halves" in options.parts and not missing:
        print("permeability along z and x once voxels are halved, and once two are merged to one")
        for row in halves():
            print("  {volume}, walls {walls!r}: halved {}, {}   merged {}, {}".format(*row["changes"], **row))
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
    from porescape.measure.transport.stokes import stokes_flow

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
    """Relative errors of slits, square ducts and round tubes by their width in voxels."""
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
                "duct": permeability(np.ones((2, n, n), bool), sides="wall", tolerance=1e-5)
                / (0.0351443 * n**2)  # the series of the square duct
                - 1,
                "tube": by_width[0],
                "tubes": (min(by_width), max(by_width)),
                "tubes_by_area": (min(by_area), max(by_area)),
            }
        )
    return rows


def tilted(rise: int, run: int, across: float, shift: float, walls: str) -> float:
    """Relative error of the flow through the middle of a slit that climbs, `across` wide along y."""
    from porescape.core.volume import Volume
    from porescape.measure.transport.stokes import stokes_flow

    slant = np.hypot(1, rise / run)
    length = (int(9 * across * slant / np.hypot(rise, run)) + 2) * run
    z, y = np.ogrid[0.5:length, 0.5 : rise / run * length + across + 3]
    pore = np.abs(y - 1 - across / 2 - rise / run * z - shift) < across / 2
    flow = stokes_flow(Volume(pore[:, :, None], 1.0), 0, tolerance=1e-5, walls=walls)
    middle = [length // 2 + way * (length // 4 // run) * run for way in (-1, 1)]
    before, after = (np.nanmean(flow.pressure[k]) for k in middle)
    gradient = length * (before - after) / ((middle[1] - middle[0]) * slant)
    return flow.permeability * pore.shape[1] / ((across / slant) ** 3 / 12 * gradient) - 1


def tilt_trend(walls: str, across: tuple[int, ...] = (3, 5, 8, 12, 20)) -> dict[str, dict[float, float]]:
    """Mean relative errors over three places of the slit, by slope and width in voxels."""
    errors: dict[str, dict[float, float]] = {}
    for rise, run in ((1, 8), (1, 4), (1, 2), (3, 4), (1, 1)):
        slant = np.hypot(1, rise / run)
        for n in across:
            along_y = (
                np.ceil(n * slant * run) / run
            )  # each run of steps then holds as many pores as it should
            found = [tilted(rise, run, along_y, (i + 0.37) / 3 / run, walls) for i in range(3)]
            errors.setdefault(f"{rise}/{run}", {})[along_y / slant] = float(np.mean(found))
    return errors


def sphere_octant(voxels_per_cell: int, solid: float) -> np.ndarray:
    """An eighth of a simple cubic cell about a sphere's centre: all its faces are mirrors."""
    radius = (3 * solid / (4 * np.pi)) ** (1 / 3) * voxels_per_cell
    place = np.arange(voxels_per_cell // 2) + 0.5
    return place[:, None, None] ** 2 + place[:, None] ** 2 + place**2 >= radius**2


def sphere_trend(
    voxels_per_cell: tuple[int, ...] = (16, 24, 32, 48, 64, 96), walls: str = "steps"
) -> dict[float, dict[int, float]]:
    """Relative errors by solid share and resolution."""
    errors: dict[float, dict[int, float]] = {}
    for solid, drag in ZICK_HOMSY.items():
        for n in voxels_per_cell:
            radius = (3 * solid / (4 * np.pi)) ** (1 / 3) * n
            exact = n**3 / (6 * np.pi * radius * drag)
            errors.setdefault(solid, {})[n] = permeability(sphere_octant(n, solid), walls=walls) / exact - 1
    return errors


def smooth_field(edge: int, waves: float, seed: int) -> np.ndarray:
    """One period of noise of about `waves` waves, sampled in the middle of voxels as fine as wished."""
    nodes, most = 64, 20
    there = np.fft.fftfreq(nodes) * nodes
    length = np.sqrt(there[:, None, None] ** 2 + there[:, None] ** 2 + np.arange(nodes // 2 + 1) ** 2)
    spectrum = np.fft.rfftn(np.random.default_rng(seed).standard_normal((nodes, nodes, nodes)))
    spectrum *= np.exp(-0.5 * ((length - waves) / (waves / 4)) ** 2)
    kept = np.r_[0:most, 1 - most : 0]
    fine = np.zeros((edge, edge, edge // 2 + 1), complex)
    fine[np.ix_(kept, kept, np.arange(most))] = spectrum[np.ix_(kept, kept, np.arange(most))]
    half = np.exp(1j * np.pi * np.fft.fftfreq(edge))
    fine *= half[:, None, None] * half[:, None] * np.exp(1j * np.pi * np.arange(edge // 2 + 1) / edge)
    return np.fft.irfftn(fine, (edge, edge, edge), axes=(0, 1, 2)) * edge**3


def field_trend(edge: int = 40) -> list[dict[str, Any]]:
    """Relative errors by what the steps are taken for and how fine the voxels are."""
    rows = []
    for waves in (4.0, 2.5):
        for porosity in (0.6, 0.3):
            fields = {fine: smooth_field(fine * edge, waves, 1) for fine in (1, 2, 4)}
            level = np.quantile(fields[4], porosity)
            found = {
                walls: {n: permeability(field < level, walls=walls) / n**2 for n, field in fields.items()}
                for walls in WALLS
            }
            # what is left at the finest goes with the voxel: as much again as the last halving took
            limits = [2 * found[walls][4] - found[walls][2] for walls in WALLS]
            coarse = fields[1] < level
            rows.append(
                {
                    "porosity": porosity,
                    "chord": 2 * coarse.mean() / np.mean(coarse[1:] != coarse[:-1]),
                    "doubt": abs(limits[1] / limits[0] - 1),
                    **{w: {n: k / np.mean(limits) - 1 for n, k in found[w].items()} for w in WALLS},
                }
            )
    return rows


def halves(edge: int = 96) -> list[dict[str, Any]]:
    """How permeabilities change once each voxel is cut into eight, and once eight are merged by majority.

    Where throats are a few voxels wide the second hangs on the ties: taken by other turns, Berea's along x
    loses 17 % instead of 33 %.
    """
    rows = []
    for name in ("fibres_160", "overlapping_spheres_160", "spinodal_160", "nmc_matbox_251", "berea_256"):
        pore = load(name).pore[:edge, :edge, :edge]
        eight = pore.reshape(edge // 2, 2, edge // 2, 2, edge // 2, 2).sum(axis=(1, 3, 5))
        merged = eight + np.indices(eight.shape).sum(axis=0) % 2 > 4  # ties by turns
        part = pore[: edge // 2, : edge // 2, : edge // 2]
        cut = part.repeat(2, 0).repeat(2, 1).repeat(2, 2)
        for walls in WALLS:
            changes = [
                f"{permeability(b, axis, walls=walls) / permeability(a, axis, walls=walls) * scale - 1:+.1%}"
                for a, b, scale in ((part, cut, 0.25), (pore, merged, 4))
                for axis in (0, 2)
            ]
            rows.append({"volume": name, "walls": walls, "changes": changes})
    return rows


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


def berea(sides: str = "slip", walls: str = "steps") -> list[dict[str, Any]]:
    """The blocks with their connected porosity and permeability [voxel²] along z, y and x."""
    from porescape.core.volume import Volume
    from porescape.measure.geometry.connectivity import connected_porosities

    return [
        {
            **block,
            "found": [permeability(block["pore"], axis, sides=sides, walls=walls) for axis in range(3)],
            "connected": connected_porosities(Volume(block["pore"], 1.0)),
        }
        for block in berea_blocks()
    ]


def print_berea() -> None:
    for sides, walls in (("slip", "steps"), ("slip", "smooth"), ("wall", "steps")):
        blocks = berea(sides, walls)
        if (sides, walls) == ("slip", "steps"):
            print("Berea, eight blocks of 128³, numbered z, y, x: connected and published porosity")
            for b in blocks:
                print(f"  {b['place']} {b['connected'][0]:.6f} {b['effective_porosity']:.6f}")
            print("  scatter of log K (published / found) by which of X, Y, Z is which axis")
            for order in permutations("XYZ"):
                logs = [np.log([b["published"][a] for a in order]) - np.log(b["found"]) for b in blocks]
                print(f"    z, y, x = {', '.join(order)}: {np.std(logs):.3f}")
        print(f"  permeability against published, sides {sides!r}, walls {walls!r}: along z, y, x")
        errors = []
        for b in blocks:
            error = [k / b["published"][a] - 1 for k, a in zip(b["found"], "ZYX", strict=True)]
            errors += error
            solid_grains = (
                f"{k:.5f} {b['published'][a]:.5f} {e:+6.1%}"
                for k, a, e in zip(b["found"], "ZYX", error, strict=True)
            )
            print(f"    {b['place']}  " + "   ".join(solid_grains))
        print(
            f"    mean {np.mean(errors):+.1%}, standard deviation {np.std(errors):.1%}, "
            f"largest {max(errors, key=abs):+.1%}, "
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
    from porescape.measure.transport.stokes import stokes_flow

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
