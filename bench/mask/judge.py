"""How near is each segmentation to the truth of rendered pictures, on materials that it never saw?

    python bench/mask/teach.py --pictures FOLDER --without fibres,packing --out held.npz
    python bench/mask/judge.py --pictures FOLDER --network held.npz --only fibres,packing --out held.csv
    python bench/mask/judge.py --pictures FOLDER --second --out second.csv
    python bench/mask/judge.py --table held.csv other.csv
    python bench/mask/judge.py --doubt held.csv other.csv

The first two lines teach without some groups of materials (a material, its phase-swapped and its rescaled
siblings are one group), and judge on these. The third judges what the package ships on pictures of the
second renderer, by which nothing was taught or chosen; their materials are known to it. Every picture is a
row: its truth, its look, and what each method makes of it. `--doubt` fits the uncertainty of the porosity.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pictures import PER_MATERIAL, SEED, Picture, ours, pictures, theirs
from scipy.optimize import nnls
from skimage.feature import multiscale_basic_features
from skimage.filters import threshold_multiotsu
from skimage.measure import euler_number
from sklearn.ensemble import RandomForestClassifier

from porescape.core.image import Micrograph
from porescape.core.settings import Segmentation
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.correlation import mean_chords
from porescape.section.plane.network import from_arrays
from porescape.section.plane.see import Seen, porosity_sd, see, shipped
from porescape.section.segment import segment

Mask = NDArray[np.bool_]
SAID = 0.1  # half width of the interval of the porosity from which on the check of depth warns
LOOKS = ("signal", "surface", "depth", "focus", "electrons")


def by_settings(picture: Picture, method: str) -> Mask:
    """Return the solid that a threshold method of the package finds, with its defaults."""
    try:
        return ~segment(Micrograph(picture.grey, 1e-7), Segmentation(method=method)).pore
    except InputError:  # hardly anything of one phase
        return np.zeros(picture.grey.shape, dtype=bool)


def by_multiotsu(picture: Picture) -> Mask:
    """Return the brightest of three classes."""
    try:
        return picture.grey > threshold_multiotsu(picture.grey, 3)[1]
    except ValueError:
        return np.zeros(picture.grey.shape, dtype=bool)


OTHERS: dict[str, Callable[[Picture], Mask]] = {
    "adaptive": lambda picture: by_settings(picture, "adaptive"),
    "otsu": lambda picture: by_settings(picture, "otsu"),
    "sauvola": lambda picture: by_settings(picture, "sauvola"),
    "multi-otsu": by_multiotsu,
}


def row_of(picture: Picture, seen: Seen, methods: dict[str, Callable[[Picture], Mask]]) -> dict[str, Any]:
    """Return what is known of a picture, and what the methods make of it."""
    row: dict[str, Any] = {"material": picture.material, "group": picture.group, "chord": picture.chord}
    row |= {name: picture.look.get(name, "") for name in LOOKS}
    row |= {"truth": 1 - picture.solid.mean(), "volume": picture.porosity, "unit": seen.unit}
    row |= {"scales": float(np.std(seen.porosities)), "unsure": seen.unsure, "sd": porosity_sd(seen)}
    solid = seen.logits > 0
    for name, mask in (("plane", solid), *((name, other(picture)) for name, other in methods.items())):
        row |= {f"{name} porosity": 1 - mask.mean(), f"{name} right": (mask == picture.solid).mean()}
    for name, mask in (("truth", picture.solid), ("plane", solid)):
        row |= {f"{name} euler": euler_number(mask, connectivity=1), f"{name} chord": _chord(mask)}
    return row


def _chord(mask: Mask) -> float:
    return mean_chords(Volume(~mask[None], 1.0))[1] if mask.any() and not mask.all() else float("nan")


def trainable(folder: Path, per_material: int, without: set[str]) -> Callable[[Picture], Mask]:
    """Teach what trainable segmentation in Fiji does: filters of fixed widths, and a forest."""
    rng = np.random.default_rng(SEED)
    rows, truth = [], []
    for picture in pictures(folder, "ours", ours, per_material, SEED):
        if picture.group not in without:
            places = rng.choice(picture.grey.size, 500, replace=False)
            rows.append(_fixed(picture.grey)[places])
            truth.append(picture.solid.ravel()[places])
    forest = RandomForestClassifier(100, max_depth=12, max_samples=0.2, n_jobs=2, random_state=SEED)
    forest.fit(np.concatenate(rows), np.concatenate(truth))
    return lambda picture: forest.predict(_fixed(picture.grey)).reshape(picture.grey.shape)


def _fixed(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    found = multiscale_basic_features(grey, sigma_min=1, sigma_max=16, num_workers=1)
    return found.reshape(-1, found.shape[-1])


def write(out: Path, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows as they come."""
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
            file.flush()


def read(path: Path) -> list[dict[str, Any]]:
    """Read rows, numbers as numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        return [{k: _number(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def table(rows: Sequence[dict[str, Any]]) -> None:
    """Print porosity errors and pixels right: all, and by porosity, look, feature size and material."""
    methods = [name.removesuffix(" right") for name in rows[0] if name.endswith(" right")]
    print("| pictures | n | " + " | ".join(methods) + " |")
    print("|---|---|" + "---|" * len(methods))
    sizes = [(0, 6), (6, 12), (12, 24), (24, 48), (48, 999)]
    cuts: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [("**all**", lambda row: True)]
    cuts += [
        (f"porosity {a} to {b}", lambda row, a=a, b=b: a <= row["truth"] < b)
        for a, b in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01))
    ]
    for signal, surface in sorted({(row["signal"], row["surface"]) for row in rows}):
        cuts.append(
            (
                f"{signal}, {surface}",
                lambda row, a=signal, b=surface: (row["signal"], row["surface"]) == (a, b),
            )
        )
    cuts += [(f"pore chord {a} to {b} pixels", lambda row, a=a, b=b: a <= row["chord"] < b) for a, b in sizes]
    cuts += [
        (name, lambda row, name=name: row["material"] == name)
        for name in sorted({row["material"] for row in rows})
    ]
    for name, chosen in cuts:
        some = [row for row in rows if chosen(row)]
        if some:
            print(f"| {name} | {len(some)} | " + " | ".join(_cell(some, m) for m in methods) + " |")
    euler = np.array([row["plane euler"] - row["truth euler"] for row in rows])
    chord = np.array([row["plane chord"] / row["truth chord"] - 1 for row in rows])
    print(
        f"solid: mean chord off by {np.nanmean(chord):+.3f}, within 10 %: {np.mean(np.abs(chord) < 0.1):.2f}"
    )
    scale = np.array([max(abs(row["truth euler"]), 10) for row in rows])
    print(
        f"solid: Euler number within 10 % (or 1): {np.mean(np.abs(euler) <= np.maximum(0.1 * scale, 1)):.2f}"
    )


def _cell(rows: Sequence[dict[str, Any]], method: str) -> str:
    """Mean and 99th percentile of the absolute error of the porosity, its mean, pixels right."""
    error = np.array([row[f"{method} porosity"] - row["truth"] for row in rows])
    right = np.mean([row[f"{method} right"] for row in rows])
    most = np.percentile(np.abs(error), 99)
    return f"{np.abs(error).mean():.3f}, {most:.2f}, {error.mean():+.3f}, {right:.3f}"


def doubt(rows: Sequence[dict[str, Any]]) -> None:
    """Fit the uncertainty of the porosity, and print how often twice of it holds the truth."""
    error = np.array([abs(row["plane porosity"] - row["truth"]) for row in rows])
    known = np.array([[1.0, row["scales"], row["unsure"]] for row in rows])
    weight = 1 / (0.02 + error)  # relative errors count, not the few largest
    found, _ = nnls(known * weight[:, None], error * weight)
    sd = known @ found
    found *= np.quantile(error / sd, 0.95) / 1.96
    sd = known @ found
    held = np.mean(error <= 1.96 * sd)
    print("DOUBT =", tuple(float(f"{value:.3g}") for value in found))
    print(f"held {held:.3f}, median half width {np.median(1.96 * sd):.3f}")
    said, wrong = 1.96 * sd > SAID, error > 0.1
    print(f"wrong by more than 0.1: {wrong.mean():.4f}, and not said: {(wrong & ~said).mean():.4f}")
    print(f"said, of those within 0.04: {said[error < 0.04].mean():.3f}")


def main() -> None:
    """Judge, or print what follows from what was found before."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--per-material", type=int, default=PER_MATERIAL)
    parser.add_argument("--network", type=Path, help="by default the one that the package ships")
    parser.add_argument("--only", default="", help="groups, with commas; all by default")
    parser.add_argument("--forest", action="store_true", help="trainable segmentation, too")
    parser.add_argument("--second", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("found.csv"))
    parser.add_argument("--table", type=Path, nargs="+")
    parser.add_argument("--doubt", type=Path, nargs="+")
    arguments = parser.parse_args()
    for files, show in ((arguments.table, table), (arguments.doubt, doubt)):
        if files:
            show([row for file in files for row in read(file)])
            return
    network = shipped()
    if arguments.network:
        with np.load(arguments.network) as archive:
            network = from_arrays(dict(archive))
    only = set(filter(None, arguments.only.split(",")))
    methods = dict(OTHERS)
    if arguments.forest:
        methods["forest"] = trainable(arguments.pictures, arguments.per_material, only)
    name, render, seed = ("theirs", theirs, SEED + 1) if arguments.second else ("ours", ours, SEED)
    shown = pictures(arguments.pictures, name, render, arguments.per_material, seed)
    rows = (
        row_of(picture, see(picture.grey, network), methods)
        for picture in shown
        if not only or picture.group in only
    )
    write(arguments.out, rows)
    table(read(arguments.out))


if __name__ == "__main__":
    main()
