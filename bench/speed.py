"""How long is one trial, and where does the time go? Against `porespy.generators.blobs`, in one run.

    pip install ".[bench]" && python bench/speed.py

The sides take turns, each on one thread, so a noisy machine slows both. A trial is all that the search
does per recipe: three fields, high-pass, rank, slices described, loose ends counted. Its random numbers
are drawn once per search and shared by its trials; "new noise" draws them anew each time.
"""

import argparse
import os
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.settings import Fit
from porescape.fit.objective import SectionObjective
from porescape.measure.geometry.connectivity import largest_cluster_fraction
from porescape.measure.section.describe import describe, slices_of
from porescape.memory import keep_memory
from porescape.rng import stream
from porescape.synthesis import noise
from porescape.synthesis.generate import generate
from porescape.synthesis.height import height_field, rank_level
from porescape.synthesis.random_fields import branch_field, grain_field
from porescape.synthesis.smoothing import smooth_samples, to_samples

BATCH = 10  # calls of one side in a row, as a search would make them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=60)
    options = parser.parse_args()
    keep_memory()
    try:
        import porespy
    except ImportError:
        porespy = None
        print("porespy is not installed (extra `bench`): its column is left out")
    n = options.size
    domain = Domain((n, n, n), 1e-7)
    rng = stream(0, "search", 0)
    start = SectionObjective(_section(n), Fit(size=n), 0)
    points = list(rng.random((400, start.dimension)))

    def fresh(x: np.ndarray) -> None:
        noise._tile_noise.cache_clear()
        noise._tile_points.cache_clear()
        start.evaluate(start.recipe(x))

    sides = {
        "trial": lambda x: start.evaluate(start.recipe(x)),
        "trial, new noise": fresh,
    }
    if porespy is not None:
        sides["blobs"] = lambda x: porespy.generators.blobs([n, n, n], porosity=0.5)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for begin in range(0, options.rounds, BATCH):
        for name, side in sides.items():
            side(points[begin])  # not counted: the one that finds the other side's arrays in the cache
            times[name] += [_timed(lambda x=x, side=side: side(x)) for x in points[begin : begin + BATCH]]
    for name, values in times.items():
        low, middle, high = 1e3 * np.percentile(values, [10, 50, 90], axis=0)
        print(
            f"{name:18s} median {middle[0]:6.1f} ms   p10 {low[0]:6.1f}   p90 {high[0]:6.1f}"
            f"   processor alone {middle[1]:6.1f} ms"
        )
    if porespy is not None:
        for name in ("trial", "trial, new noise"):
            wall, cpu = np.median(times[name], axis=0) / np.median(times["blobs"], axis=0)
            print(f"{name} / blobs: {wall:.3f}, processor alone {cpu:.3f} (wanted <= 0.333)")

    print("\nwhere it goes (processor time, medians over the same recipes):")
    recipe = start.recipe(points[0])
    volume = generate(recipe, domain, 0)
    field = height_field(recipe, domain, 0)
    samples = to_samples(100 * np.ones((n, n, n), dtype=np.float32))
    whole = domain.whole
    windows = slices_of(volume.pore, n, 5)
    recipes = [start.recipe(x) for x in points[: options.rounds]]
    parts = {
        "two grain fields": lambda r: [
            grain_field(0, name, size / 1e-7, domain, domain.whole)
            for name, size in (("solid_grains", r.solid_grain_spacing), ("pore_cells", r.pore_cell_spacing))
        ],
        "branch field": lambda r: branch_field(0, r.branch_width / 1e-7, r.branch_cut, domain, domain.whole),
        "last smoothing": lambda r: smooth_samples(samples, r.smoothing / 1e-7, domain, whole),
        "high-pass": lambda r: smooth_samples(to_samples(samples), r.highpass_width / 1e-7, domain, whole),
        "rank and cut": lambda r: field > rank_level(field, r.porosity),
        "describe 15 slices": lambda r: describe(windows, 1e-7, 40),
        "loose ends": lambda r: largest_cluster_fraction(volume.pore),
    }
    for name, part in parts.items():
        print(
            f"  {name:20s} {1e3 * np.median([_timed(lambda r=r, p=part: p(r))[1] for r in recipes]):6.2f} ms"
        )
    copy = np.median([_timed(lambda: field.copy())[1] for _ in range(50)])
    print(f"  floor: one copy of the field {1e3 * copy:.2f} ms")


def _section(n: int) -> PhaseImage:
    """A slice of a structure of the default family with chords of about ten voxels."""
    from porescape.synthesis.families.fields import fields

    recipe = fields(np.full(9, 0.5), 6e-7, 0.6)
    return PhaseImage(generate(recipe, Domain((4, 2 * n, 2 * n), 1e-7), 1).pore[2], 1e-7)


def _timed(work) -> tuple[float, float]:
    """Seconds on the clock, and of the processor: the second is what a busy machine leaves comparable."""
    clock, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - busy


if __name__ == "__main__":
    main()
