"""The paper's Fig. S.1: structures of known X, one slice in, eight reconstructions out.

    python bench/fig_s1.py --size 100 --trials 200

The two truths are made by the literal preset from the X of the figure; the slice across z whose
porosity is nearest to the volume's is reconstructed by the named methods. Means and 95 % intervals of
the first numbers beside the truth; one voxel is 1 µm.
"""

import argparse
import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.recipe import PaperRecipe
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.jobs.replicas import make_replicas
from porescape.measure.meters import pick
from porescape.measure.summary import summarise
from porescape.measure.volume import measure_volume
from porescape.synthesis.generate import generate

FIGURE_S1 = {
    "A": (0.4, 0.3, 0.9, 0.9, 0.9, 0.7, 0.8, 0.6, 0.1),
    "B": (0.2, 0.1, 0.3, 0.1, 0.4, 0.5, 0.5, 0.2, 0.3),
}
VOXEL = 1e-6
NUMBERS = pick(["basic"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=100)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--methods", default="porescape", help="porescape, paper, or both with a comma")
    options = parser.parse_args()
    methods = options.methods.split(",")
    shape = (options.size,) * 3
    for panel, x in FIGURE_S1.items():
        truth = generate(PaperRecipe(x), Domain(shape, VOXEL), seed=0)
        known = measure_volume(truth, NUMBERS).values
        porosities = truth.pore.mean(axis=(1, 2))
        typical = int(np.abs(porosities - truth.porosity).argmin())
        section = PhaseImage(truth.pore[typical], VOXEL)
        found = {}
        for method in methods:
            settings = Settings(
                fit=Fit(method=method, trials=options.trials, size=options.size),
                output=Output(size=shape, replicas=options.replicas, voxel_size=VOXEL),
                measure=Measure(numbers=NUMBERS),
            )
            replicas = list(make_replicas(section, settings, seed=1, workers=2))
            found[method] = summarise([replica.measurement for replica in replicas])
        print(f"\nFig. S.1 {panel}: X = {x}, slice {typical}: porosity {section.porosity:.3f}\n")
        print("| number | truth |" + "".join(f" {m}: mean [95 %] | error |" for m in methods))
        print("|---|---|" + "---|---|" * len(methods))
        for name in NUMBERS:
            solid_grains = []
            for method in methods:
                e = found[method][name]
                error = 100 * (e.mean - known[name]) / abs(known[name])
                solid_grains.append(f"{e.mean:.4g} [{e.ci95[0]:.4g}, {e.ci95[1]:.4g}] | {error:+.1f} %")
            print(f"| {name} | {known[name]:.4g} | {' | '.join(solid_grains)} |", flush=True)


if __name__ == "__main__":
    main()
