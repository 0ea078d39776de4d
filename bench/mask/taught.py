"""How far do a few strokes of a brush bring the segmentation, and does its uncertainty hold?

    python bench/mask/taught.py --pictures FOLDER --network held.npz --only fibres,packing --out taught.csv
    python bench/mask/taught.py --points ../shared/data/labels/points.csv

Strokes are drawn where a careful person would draw them: first one of each phase anywhere, then, again and
again, where the mask is still wrong. Each is as long as the unit length of the picture and a fifth as wide,
and stays within its phase. The network has not seen the materials. `--points` teaches with half of the points
that were labelled by eye on real micrographs, and asks the other half.
"""

import argparse
import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pictures import PER_MATERIAL, SEED, Picture, ours, pictures
from real_points import SHARED, image_of, labelled
from scipy import ndimage

from porescape.section.plane.features import features
from porescape.section.plane.network import Network, from_arrays
from porescape.section.plane.picture import unit_length
from porescape.section.plane.see import shipped, unsure
from porescape.section.teach import PORE, SOLID, learned

STROKES = (4, 12, 24)
WIDE, LONG = 0.2, 1.0  # unit lengths


def stroke(where: NDArray[np.bool_], phase: NDArray[np.bool_], unit: float, rng: np.random.Generator) -> Any:
    """Return the pixels of a stroke within a phase that starts where it is wanted, or None."""
    inside = ndimage.binary_erosion(phase, iterations=1)
    places = np.flatnonzero(where & inside)
    if not places.size:
        return None
    y, x = np.unravel_index(rng.choice(places), phase.shape)
    turn = rng.uniform(0, 2 * np.pi)
    line = np.zeros(phase.shape, dtype=bool)
    for far in np.arange(0, max(LONG * unit, 2), 0.5):
        v, u = int(y + far * np.sin(turn)), int(x + far * np.cos(turn))
        if not (0 <= v < len(line) and 0 <= u < line.shape[1] and inside[v, u]):
            break
        line[v, u] = True
    return ndimage.binary_dilation(line, iterations=max(0, round(WIDE * unit / 2))) & inside


def after_strokes(picture: Picture, network: Network) -> list[dict[str, Any]]:
    """Return what the mask is like before and after each of `STROKES`."""
    rng = np.random.default_rng([SEED, picture.solid.sum()])
    unit, shape = unit_length(picture.grey), picture.solid.shape
    known = features(picture.grey, np.ones(shape, dtype=bool), network)
    labels = np.zeros(shape, dtype=np.uint8)
    weights = [_before(known, network)]
    rows = [_row(picture, 0, known, weights)]
    for drawn in range(2, max(STROKES) + 1, 2):
        wrong = ((known @ weights[0]).reshape(shape) > 0) != picture.solid
        for value, phase in ((PORE, ~picture.solid), (SOLID, picture.solid)):
            line = stroke(wrong if drawn > 2 else phase, phase, unit, rng)
            if line is None:
                line = stroke(phase, phase, unit, rng)
            if line is None:
                return rows  # nothing of a phase is more than two pixels thick
            labels[line] = value
        chosen = labels.ravel() > 0
        taught = learned(known[chosen], labels.ravel()[chosen] == SOLID, known[::37], unit, network.last)
        weights = [np.float32(one) for one in (taught.weights, *taught.others)]
        if drawn in STROKES:
            rows.append(_row(picture, drawn, known, weights))
    return rows


def _before(known: NDArray[np.float32], network: Network) -> NDArray[np.float32]:
    """Return the weights before any label: those of the network."""
    weights = np.zeros(known.shape[1], dtype=np.float32)
    weights[: len(network.last.weight[0])] = network.last.weight[0][:, 0]
    weights[-1] = network.last.bias[0]
    return weights


def _row(
    picture: Picture, strokes: int, known: NDArray[np.float32], weights: list[NDArray[np.float32]]
) -> dict[str, Any]:
    logits = (known @ weights[0]).reshape(picture.solid.shape)
    porosity = float((logits <= 0).mean())
    others = [(known @ one <= 0).mean() - porosity for one in weights[1:]]
    return {
        "material": picture.material,
        "strokes": strokes,
        "truth": 1 - picture.solid.mean(),
        "plane porosity": porosity,
        "plane right": ((logits > 0) == picture.solid).mean(),
        "scales": float(np.sqrt(np.mean(np.square(others)))) if others else 0.0,
        "unsure": unsure(logits),
    }


def points(table: Path, images: Path) -> None:
    """Print how many of the clear points are right that the segmentation was not taught, before and after."""
    print("| image | points asked | plane | taught with the others |\n|---|---|---|---|")
    total = np.zeros(3, dtype=int)
    for path, found in labelled(table, images).items():
        image = image_of(path)
        top, left = image.crop[:2]
        clear = [point for point in found if point.label in "sp"]
        places = np.array([(point.row - top, point.column - left) for point in clear])
        solid = np.array([point.label == "s" for point in clear])
        unit, network = unit_length(image.grey), shipped()
        at = np.zeros(image.grey.shape, dtype=bool)
        at[tuple(places.T)] = True
        order = np.argsort(np.ravel_multi_index(tuple(places.T), at.shape))
        around = np.zeros_like(at)
        around[::16, ::16] = True
        asked, spread = features(image.grey, at), features(image.grey, around)
        solid = solid[order]
        before = asked @ _before(asked, network) > 0
        square = max(1, round((WIDE * unit) ** 2))  # pixels: a point counts as a small square
        counts = np.zeros(3, dtype=int)
        for half in (0, 1):
            told = np.arange(len(solid)) % 2 == half
            if len(set(solid[told])) < 2:
                continue
            rows = np.repeat(np.flatnonzero(told), square)
            taught = learned(asked[rows], solid[rows], spread, unit, network.last)
            after = asked @ np.float32(taught.weights) > 0
            right = ((mask[~told] == solid[~told]).sum() for mask in (before, after))
            counts += [(~told).sum(), *right]
        print(f"| {path.stem} | " + " | ".join(map(str, counts)) + " |", flush=True)
        total += counts
    print("| all | " + " | ".join(map(str, total)) + " |")


def main() -> None:
    """Draw strokes and judge, or teach with points."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--per-material", type=int, default=PER_MATERIAL)
    parser.add_argument("--network", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=Path, default=Path("taught.csv"))
    parser.add_argument("--points", type=Path, help="a table of labelled points; their images by --images")
    parser.add_argument("--images", type=Path, default=SHARED / "sem")
    arguments = parser.parse_args()
    if arguments.points:
        points(arguments.points, arguments.images)
        return
    with np.load(arguments.network) as archive:
        network = from_arrays(dict(archive))
    only = set(filter(None, arguments.only.split(",")))
    rows = []
    for picture in pictures(arguments.pictures, "ours", ours, arguments.per_material, SEED):
        if picture.group in only:
            rows += after_strokes(picture, network)
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print("| strokes | pictures | mean error | 99th percentile | pixels right |\n|---|---|---|---|---|")
    for strokes in (0, *STROKES):
        some = [row for row in rows if row["strokes"] == strokes]
        error = np.abs([row["plane porosity"] - row["truth"] for row in some])
        right = np.mean([row["plane right"] for row in some])
        print(
            f"| {strokes} | {len(some)} | {error.mean():.3f} | {np.percentile(error, 99):.2f} | {right:.3f} |"
        )


if __name__ == "__main__":
    main()
