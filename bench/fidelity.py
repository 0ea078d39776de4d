"""How far are reconstructions from the truth? One slice in, replicas out, against the whole volume.

    python bench/fidelity.py --replicas 8 --measure basic,network,tortuosity,permeability,filtration
    python bench/fidelity.py --materials own          # truths of our own making; needs no shared data

For each true volume: random slices whose porosity is within 2 % of the volume's; each is reconstructed as
the command line would (segmentation apart: the slice is binary already); the mean over replicas is compared
with the mean over the truth's corner blocks of the same size. Tables, for Markdown:

1. numbers: signed errors in % slice by slice, the truth's own scatter between those blocks, and the mean
   errors of the same replicas before their walls were refined and of the baselines: the paper's preset
   (central slice, its descriptor, no refinement), a Gaussian field with the slice's S2, PoreSpy's blobs with
   its mean pore chord; of the overlapping spheres also the very process again, which is no method but the
   floor under all;
2. S2 and lineal path of both phases: relative L1 over three correlation lengths;
3. the eye test: 48-pixel crops told right [%], against the image and, with the yardstick's numbers alone,
   against the whole truth;
4. all of it in one line per method, with the seconds of one reconstruction, measuring apart (processor time
   but for the fits);
5. leave one material out: what the others would have chosen among the variants that are kept.

Whatever is found is kept in --keep, replica by replica, and not done again.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

from porescape.measure.meters import pick
from tables import curve_table, eye_table, leave_one_out, main_table, summary
from truths import OF_THE_BOX, arguments, chosen, load
from ways import (
    BASELINE_TITLES,
    NOT_OURS,
    baseline_way,
    own_ways,
    refined_ways,
    truth_curves,
    truth_numbers,
)


def main() -> None:
    parser = arguments(__doc__, replicas=8, slices=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--method", default="porescape", help="porescape, or paper, which has no refinement")
    parser.add_argument("--family", default="auto", help="of recipes; each wants a --keep of its own")
    parser.add_argument(
        "--baselines",
        default=",".join(BASELINE_TITLES),
        help="of paper, field, blobs; or none; of overlapping_spheres_160 also its floor: "
        "balls, voxel-balls, refined-balls",
    )
    parser.add_argument("--baseline-replicas", type=int, default=2)
    parser.add_argument("--measure", default="basic", help="groups of numbers, or single ones")
    options = parser.parse_args()
    options.numbers = tuple(name for name in pick(options.measure.split(",")) if name != OF_THE_BOX)
    names = chosen(options.materials)
    baselines = [kind for kind in options.baselines.split(",") if kind not in ("none", options.method)]
    if unknown := set(baselines) - set(NOT_OURS):
        parser.error(f"no baseline is called {', '.join(unknown)}; known are {', '.join(NOT_OURS)}")
    options.checkpoint.mkdir(parents=True, exist_ok=True)

    for name in names:
        load(name)  # one of our own making is made now, not by every worker
    truths = {name: truth_numbers(name, options) for name in names}
    curves = {name: truth_curves(name, options) for name in names}
    *before, ours = own_ways(names, options)
    ways = [ours, *before, *(baseline_way(kind, names, options) for kind in baselines)]
    for title, table in (
        (f"Numbers, {ours.title}", main_table(ways, truths)),
        ("Curves: relative L1, in brackets that of the worst slice", curve_table(ways, curves)),
        ("Eye test: crops told right [%], mean (range)", eye_table(ways, names)),
        ("All together: of means over slices (of every slice)", summary(ways, truths, curves)),
    ):
        print(f"\n{title}\n", *table, sep="\n", flush=True)
    if ours.title == "refined" and len(names) > 1:
        variants = [*before, *refined_ways(names, options)]
        print("\nOne material left out\n", *leave_one_out(variants, truths), sep="\n")


if __name__ == "__main__":
    main()
