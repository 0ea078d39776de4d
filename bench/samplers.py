"""Which optimiser finds the best recipe in 200 trials? Five materials, five seeds each.

    python bench/samplers.py --trials 200 --seeds 5

Prints, per optimiser, the best loss after 50, 100 and 200 trials relative to the best any of them
found on that problem, and the optimiser's own time per trial. The optimisers see the same problems,
the same random fields and the same budget. `gp` (Gaussian process, expected improvement) is the
`bayesian-optimization` package, which stands for what MATLAB's bayesopt does in the paper.
"""

import argparse
import os
import time
import warnings
from concurrent.futures import ProcessPoolExecutor

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np

from porescape.core.settings import Fit
from porescape.fit.objective import SectionObjective
from porescape.fit.samplers import SAMPLERS
from porescape.rng import stream, structure_seed
from truths import NAMES, load, need_shared, typical_slices


class GaussianProcessSampler:
    def __init__(self, dimension: int, trials: int, rng: np.random.Generator) -> None:
        from bayes_opt import BayesianOptimization
        from bayes_opt.acquisition import ExpectedImprovement

        self.names = [f"x{i}" for i in range(dimension)]
        self.optimiser = BayesianOptimization(
            f=None,
            pbounds=dict.fromkeys(self.names, (0.0, 1.0)),
            acquisition_function=ExpectedImprovement(xi=0.0),
            random_state=int(rng.integers(2**31)),
            verbose=0,
            allow_duplicate_points=True,
        )
        self.start = SAMPLERS["sobol"](dimension, 32, rng)
        self.told = 0

    def ask(self) -> np.ndarray:
        if self.told < 32:
            return self.start.ask()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            point = self.optimiser.suggest()
        return np.array([point[name] for name in self.names])

    def progress(self, x: np.ndarray, loss: float) -> None:
        self.told += 1
        self.optimiser.register(dict(zip(self.names, map(float, x), strict=True)), -np.log(loss))


CANDIDATES = {**SAMPLERS, "gp": GaussianProcessSampler}


def one(job: tuple[str, str, int, int]) -> tuple[np.ndarray, float, float]:
    name, sampler_name, seed, trials = job
    section = typical_slices(load(name), seed + 1)[seed % 3 if seed >= 3 else seed]
    fit = Fit(trials=trials)
    objective = SectionObjective(section, fit, structure_seed(seed, 0))
    sampler = CANDIDATES[sampler_name](objective.dimensions["fields"], trials, stream(seed, "search", 0))
    losses, thinking, trying = [], 0.0, 0.0
    for _ in range(trials):
        clock = time.perf_counter()
        x = np.clip(sampler.ask(), 0, 1)
        asked = time.perf_counter()
        loss = sum(objective.evaluate(objective.recipe(x)).values())
        tried = time.perf_counter()
        sampler.tell(x, loss)
        thinking += asked - clock + time.perf_counter() - tried
        trying += tried - asked
        losses.append(loss)
    return np.minimum.accumulate(losses), thinking / trials, trying / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--samplers", default=",".join(CANDIDATES))
    options = parser.parse_args()
    need_shared()
    names = options.samplers.split(",")
    jobs = [(m, s, seed, options.trials) for m in NAMES for seed in range(options.seeds) for s in names]
    with ProcessPoolExecutor(options.workers) as pool:
        outcome = dict(zip(jobs, pool.map(one, jobs), strict=True))
    marks = [n for n in (50, 100, 200, 400) if n <= options.trials]
    print(
        f"{'optimiser':10s}"
        + "".join(f"  loss/best after {n:3d}" for n in marks)
        + "   own ms/trial   trial ms"
    )
    for sampler in names:
        ratios, own, trial = [], [], []
        for material in NAMES:
            for seed in range(options.seeds):
                best = min(outcome[material, s, seed, options.trials][0][-1] for s in names)
                curve, thinking, trying = outcome[material, sampler, seed, options.trials]
                ratios.append([curve[n - 1] / best for n in marks])
                own.append(thinking)
                trial.append(trying)
        middle = np.median(ratios, axis=0)
        worst = np.percentile(ratios, 90, axis=0)
        solid_grains = "".join(f"  {m:6.2f} (p90 {w:5.2f})" for m, w in zip(middle, worst, strict=True))
        print(f"{sampler:10s}{solid_grains}   {1e3 * np.mean(own):8.1f}   {1e3 * np.mean(trial):8.1f}")


if __name__ == "__main__":
    main()
