"""Diffusion: against a closed form, and against PoreSpy and taufactor on the same volume in one run.

    pip install ".[bench]" openpnm taufactor torch && python bench/diffusion.py
    python bench/diffusion.py --sizes 100 --rival-python other-environment/bin/python

Rayleigh's square array of cylinders shows what the voxels cost. Then each side works in a process of its own
on a field of porosity 0.6 with pores of about ten voxels; time is that of the call, after a first one on
a small box; memory is the peak of the whole process, imports and volume included.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np

from common import gaussian_field, peak_mb

SIDES = ("porescape", "porespy", "taufactor")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[100, 200])
    parser.add_argument("--sides", nargs="*", choices=SIDES, default=list(SIDES))
    parser.add_argument("--rival-python", default=sys.executable, help="that has the other packages")
    parser.add_argument("--side", nargs=2, metavar=("SIDE", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(run_side(options.side[0], np.load(options.side[1]))))
        return
    print("square array of solid cylinders, transverse (Perrins, McKenzie and McPhedran 1979)")
    for row in cylinder_trend():
        print(
            f"  {row['voxels_per_cell']:4d} voxels per cell, {row['gap_voxels']:5.1f} between cylinders: "
            f"D_eff/D0 {row['found']:.5f}, exact {row['exact']:.5f}, "
            f"tortuosity {row['tortuosity_error']:+.2%}"
        )
    for size in options.sizes:
        print(f"field of {size}³, porosity 0.6, along z")
        for side, result in compare(size, options.sides, options.rival_python).items():
            if "missing" in result:
                print(f"  {side:10s} left out: {result['missing']}")
            else:
                print(
                    f"  {side:10s} D_eff/D0 {result['ratio']:.6f}   {result['seconds']:7.2f} s "
                    f"({result['cpu_seconds']:.2f} s of CPU)   "
                    f"peak {result['peak_mb']:6.0f} MB (before {result['before_mb']:.0f})"
                )


def cylinders(voxels_per_cell: int, solid: float) -> np.ndarray:
    """One cell of the array, shape (1, n, n): planes through the gaps' middles are level or closed."""
    centre = np.arange(voxels_per_cell) + 0.5 - voxels_per_cell / 2
    radius = voxels_per_cell * (solid / np.pi) ** 0.5
    return (centre[:, None] ** 2 + centre**2 > radius**2)[None]


def rayleigh(solid: float) -> float:
    """D_eff / D0 across a square array of impermeable cylinders; exact to 1e-4 up to a solid share of 0.6."""
    f = solid
    return 1 - 2 * f / (1 + f - 0.305827 * f**4 / (1 - 1.402958 * f**8) - 0.013362 * f**8)


def cylinder_trend(
    solid: float = 0.4, resolutions: tuple[int, ...] = (10, 20, 40, 80, 160)
) -> list[dict[str, Any]]:
    """How far off the ratio is, by voxels per cell; tortuosity takes the exact porosity on one side."""
    from porescape.core.volume import Volume
    from porescape.measure.transport.diffusion import diffusion

    rows = []
    for n in resolutions:
        found = diffusion(Volume(cylinders(n, solid), 1.0), axis=1)
        tortuosity = (1 - solid) / rayleigh(solid)
        rows.append(
            {
                "voxels_per_cell": n,
                "gap_voxels": n * (1 - 2 * (solid / np.pi) ** 0.5),
                "found": found.diffusivity_ratio,
                "exact": rayleigh(solid),
                "tortuosity_error": found.tortuosity / tortuosity - 1,
            }
        )
    return rows


def compare(
    size: int, sides: Sequence[str] = SIDES, rival_python: str = sys.executable
) -> dict[str, dict[str, Any]]:
    """Ratio, seconds and peak memory of each side on one volume, one process each."""
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pore.npy"
        np.save(path, gaussian_field(size))
        for side in sides:
            python = sys.executable if side == "porescape" else rival_python
            command = [python, __file__, "--side", side, str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                words = done.stderr.strip().splitlines()
                results[side] = {"missing": words[-1] if words else f"exit code {done.returncode}"}
            else:
                results[side] = json.loads(done.stdout.strip().splitlines()[-1])
    return results


def run_side(side: str, pore: np.ndarray) -> dict[str, float]:
    solve = {"porescape": _porescape, "porespy": _porespy, "taufactor": _taufactor}[side]
    solve(pore[:24, :24, :24])  # imports, compiles
    before = peak_mb()
    clock, cpu = time.perf_counter(), time.process_time()
    ratio = solve(pore)
    return {
        "ratio": ratio,
        "seconds": time.perf_counter() - clock,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "before_mb": before,
    }


def _porescape(pore: np.ndarray) -> float:
    from porescape.core.volume import Volume
    from porescape.measure.transport.diffusion import diffusion

    return diffusion(Volume(pore, 1.0), axis=0).diffusivity_ratio


def _porespy(pore: np.ndarray) -> float:
    from porespy.simulations import tortuosity_fd

    return float(1 / tortuosity_fd(pore, axis=0).formation_factor)


def _taufactor(pore: np.ndarray) -> float:
    import taufactor

    solver = taufactor.Solver(pore.astype(np.uint8), device="cpu")
    solver.solve(verbose=False, conv_crit=1e-3)  # of the flux between layers, as PoreSpy's default
    return float(pore.mean() / np.ravel(solver.tau)[0])


if __name__ == "__main__":
    main()
