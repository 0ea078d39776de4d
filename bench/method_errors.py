"""How far is the method itself off, number by number? Writes the table that the reported intervals use.

    python bench/method_errors.py --materials shared,own --slices 12

From what `bench/fidelity.py` has kept, with the same options: per material and number the mean over its
porosity-typical slices (as many as are kept, up to --slices) of the error of the mean over replicas (all that
are kept, up to --replicas), and the standard error of that mean, as generated and refined; numbers that some
of these lack are left out. The table says how many slices and replicas each material had. It goes to
src/porescape/data/method_errors.json. Printed is what comes of it: the half width of the method's part of
every number [%], from all materials and with each left out.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from porescape.intervals.method_error import Finish, material_errors, method_errors
from porescape.io.atomic import whole_file
from porescape.measure.meters import NUMBERS
from porescape.version import __version__
from truths import arguments, chosen

TABLE = Path(__file__).resolve().parents[1] / "src" / "porescape" / "data" / "method_errors.json"
IMPOSED = "porosity"  # replicas take it from their section: what is off in it is the section's
FEWEST = 2  # replicas of a slice; of one alone, chance is too large a part
FEWEST_SLICES = 3
MADE = "seconds"  # which every kept replica has
FILES: dict[Finish, str] = {
    "as generated": "porescape-{name}-{index}-{size}-{trials}.json",
    "refined": "refined-{sweeps}-{name}-{index}-{size}-{trials}.json",
}


def kept(form: str, options: argparse.Namespace, **which: Any) -> dict[str, Any]:
    """Return one file of the fidelity bench, or leave in words."""
    path = options.checkpoint / form.format(**vars(options), **which)
    if not path.exists():
        sys.exit(f"{path} is not there; run bench/fidelity.py first, with the same options")
    return json.loads(path.read_text())


def slices_kept(name: str, options: argparse.Namespace) -> int:
    """Return how many slices of a material are kept in every finish, or leave in words."""
    count = 0
    while count < options.slices and all(
        (options.checkpoint / form.format(**vars(options), name=name, index=count)).exists()
        for form in FILES.values()
    ):
        count += 1
    if count < FEWEST_SLICES:
        sys.exit(
            f"{name} has {count} slices where {FEWEST_SLICES} or more are wanted; run bench/fidelity.py first"
        )
    return count


def replicas_kept(name: str, options: argparse.Namespace) -> int:
    """Return how many replicas every slice of a material has in every finish, or leave in words."""
    slices = range(slices_kept(name, options))
    files = [kept(form, options, name=name, index=i) for form in FILES.values() for i in slices]
    count = min(options.replicas, *(len(one.get(MADE, ())) for one in files))
    if count < FEWEST:
        sys.exit(
            f"{name} has {count} replicas where at least {FEWEST} are wanted; run bench/fidelity.py first"
        )
    return count


def error_of(number: str, made: float, true: float) -> float:
    """Return by how much a number is off, as `method_error.MaterialError` has it."""
    if NUMBERS[number].signed:
        return (made - true) / abs(true)
    return math.log(made / true) if made > 0 else math.nan  # no ratio leads to nought


def errors_of(finish: Finish, name: str, options: argparse.Namespace) -> dict[str, tuple[float, float]]:
    """Return error and standard error of every number of one material that was measured on both sides."""
    truth = kept("truth-{name}-{size}.json", options, name=name)
    slices = [kept(FILES[finish], options, name=name, index=i) for i in range(slices_kept(name, options))]
    replicas = replicas_kept(name, options)
    found = {}
    for number in NUMBERS:
        if number not in truth or any(len(one.get(number, ())) < replicas for one in slices):
            continue
        if number == IMPOSED:
            found[number] = (0.0, 0.0)
            continue
        made = [float(np.nanmean(one[number][:replicas])) for one in slices]
        each = [error_of(number, m, truth[number][0]) for m in made]
        if np.isfinite(each).all():
            spread = float(np.std(each, ddof=1)) / math.sqrt(len(each)) if len(each) > 1 else 0.0
            found[number] = (round(float(np.mean(each)), 5), round(spread, 5))
        else:
            print(f"# {name}: {number} has no ratio in every slice, left out")
    return found


def write_table(options: argparse.Namespace) -> None:
    """Write the table, a line per number and finish."""
    materials = chosen(options.materials)
    found = {finish: {name: errors_of(finish, name, options) for name in materials} for finish in FILES}
    lines = []
    for number in NUMBERS:
        of = {f: {name: t[number] for name, t in by.items() if number in t} for f, by in found.items()}
        if any(of.values()):
            rows = ",\n".join(f"   {json.dumps(finish)}: {json.dumps(table)}" for finish, table in of.items())
            lines.append(f"  {json.dumps(number)}: {{\n{rows}\n  }}")
    options_used = ("size", "trials", "sweeps")
    head = {
        "about": "Errors of reconstructions of materials with a known structure, and their standard errors; "
        "log ratios, of signed numbers shares. Written by bench/method_errors.py.",
        "porescape": __version__,
        "materials": materials,
        "slices": {name: slices_kept(name, options) for name in materials},
        "replicas": {name: replicas_kept(name, options) for name in materials},
        **{option: getattr(options, option) for option in options_used},
    }
    top = "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    with whole_file(options.out) as temporary:
        temporary.write_text("{\n" + top + ' "errors": {\n' + ",\n".join(lines) + "\n }\n}\n", "utf-8")


def show(materials: list[str]) -> None:
    """Print the half widths that follow from the table."""
    refined, generated = material_errors("refined"), material_errors("as generated")
    columns = [method_errors(generated), method_errors(refined)]
    columns += [method_errors(refined, without=[name]) for name in materials]
    heads = ["as generated", "refined", *(f"without {name}" for name in materials)]
    print("| number | " + " | ".join(heads) + " |\n" + "|---" * (1 + len(heads)) + "|")
    for number in columns[0]:
        solid_grains = [f"{100 * column[number]:.1f}" if number in column else "–" for column in columns]
        print(f"| {number} | " + " | ".join(solid_grains) + " |")


def main() -> None:
    parser = arguments(__doc__, replicas=8, slices=3)
    parser.add_argument("--out", type=Path, default=TABLE)
    options = parser.parse_args()
    write_table(options)
    if options.out == TABLE:
        show(chosen(options.materials))


if __name__ == "__main__":
    main()
