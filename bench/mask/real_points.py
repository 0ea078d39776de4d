"""Points on real micrographs, labelled by eye: how many clear ones each segmentation has right.

    python bench/mask/labels.py [--masks FOLDER]

Points lie in ../shared/data/labels (and, where they were fetched, those of `more_labels`). `s` is solid in
the cut or front plane, `p` pore, `a` ambiguous. A mask's share of pore among all points should lie between
the shares if every ambiguous point is solid, and if every one is pore.
"""

import argparse
import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import Micrograph
from porescape.core.settings import Segmentation
from porescape.io.images.image import read_image
from porescape.section.segment import segment

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
METHODS = ("adaptive", "otsu", "sauvola", "plane")


@dataclass(frozen=True, slots=True)
class Point:
    """A labelled point, in pixels of the whole file."""

    row: int
    column: int
    label: str


def labelled(points: Path, images: Path) -> dict[Path, list[Point]]:
    """Return the points of each image."""
    found: dict[Path, list[Point]] = defaultdict(list)
    with points.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            found[images / row["file"]].append(
                Point(int(row["row"]), int(row.get("col") or row["column"]), row["label"])
            )
    return found


def image_of(path: Path) -> Micrograph:
    """Read an image; its scale does not matter here."""
    return read_image(path, pixel_size=1e-6)


def score(image: Micrograph, pore: NDArray[np.bool_], points: list[Point]) -> tuple[int, int, float]:
    """Return clear points right, clear points, and the share of pore among all points."""
    top, left = image.crop[:2]
    inside = [
        (pore[p.row - top, p.column - left], p.label)
        for p in points
        if 0 <= p.row - top < pore.shape[0] and 0 <= p.column - left < pore.shape[1]
    ]
    clear = [(bool(is_pore), label) for is_pore, label in inside if label in "sp"]
    right = sum(is_pore == (label == "p") for is_pore, label in clear)
    return right, len(clear), float(np.mean([is_pore for is_pore, _ in inside]))


def main() -> None:
    """Print a row for each image."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=Path, default=SHARED / "labels" / "points.csv")
    parser.add_argument("--images", type=Path, default=SHARED / "sem")
    arguments = parser.parse_args()
    if not arguments.points.is_file():
        raise SystemExit(f"{arguments.points} is not there; this bench needs ../shared")
    print(f"| image | s, p, a | pore share if a is solid … pore | {' | '.join(METHODS)} |")
    print("|---|---|---|" + "---|" * len(METHODS))
    total = dict.fromkeys(METHODS, 0)
    clear = 0
    for path, points in labelled(arguments.points, arguments.images).items():
        image = image_of(path)
        count = [sum(p.label == label for p in points) for label in "spa"]
        low, high = count[1] / len(points), (count[1] + count[2]) / len(points)
        cells = []
        for method in METHODS:
            pore = segment(image, Segmentation(method=method)).pore
            right, of, share = score(image, pore, points)
            total[method] += right
            cells.append(f"{right}/{of}, {share:.2f} ({pore.mean():.2f})")
        clear += of
        print(
            f"| {path.stem} | {', '.join(map(str, count))} | {low:.2f} … {high:.2f} | {' | '.join(cells)} |"
        )
    print("| all | | | " + " | ".join(f"{total[method]}/{clear}" for method in METHODS) + " |")


if __name__ == "__main__":
    main()
