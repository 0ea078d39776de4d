"""Real FIB-SEM pictures with shine-through, with masks traced by people: pixels right by each method.

    python bench/mask/pair.py [--from FOLDER]

Three slices of 256 x 256 pixels of a porous ceramic superconductor (secondary electrons, 20 nm) by
Hirabayashi et al. (2024), npj Computational Materials, doi 10.1038/s41524-024-01226-5; from their public
repository at a pinned commit, CC BY-NC 4.0, of which nothing is kept here and nothing is taught. The masks
were traced by hand on single slices; they are no truth from a volume. What is not white in them is pore and,
in the first two, some grains of a dark second phase.
"""

import argparse
import hashlib
import io
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from porescape.core.image import Micrograph
from porescape.core.settings import Segmentation
from porescape.section.segment import segmented

ADDRESS = (
    "https://raw.githubusercontent.com/YamamotoLaboratory/3D-SEM-Segmentation/"
    "d9452ca0d618c07c32411e12f80807d2d7c0be88/dataset/sample/"
)
SHA256 = {
    "sample_001_sem.bmp": "76b604cdc14badb64025ab5a98a5c0eccf1d525e53804d96fd271cc36298d78b",
    "sample_001_th.bmp": "dfb99998e3d12e94e6067ae5aa71e005553e645afcb9816ef8c2f37d617540bd",
    "sample_002_sem.bmp": "fc33a059013566e8888daf713bd4948e02646ee25de548e31d58a7a7dcefb2d4",
    "sample_002_th.bmp": "9807adaccb120a15dd1b1377be04d89bad49587ccd4ef0ea18e2c21c3ac66e4d",
    "sample_003_sem.bmp": "10cbbe1683b7a195e4aacf1402b38f3f3019d73707df010ed9db4efdb3dbaa80",
    "sample_003_th.bmp": "1586a3afb2c5731e84629cae3598228bce989e13bfeca44d18af3484f97df73c",
}
PIXEL = 20e-9  # m, by their abstract
METHODS = ("plane", "adaptive", "otsu", "sauvola")
TIMEOUT = 60  # seconds


def brought(name: str, folder: Path | None) -> NDArray[np.uint8]:
    """Return one of the pictures, from a folder or from its public address."""
    try:
        if folder is not None:
            content = (folder / name).read_bytes()
        else:
            with urlopen(ADDRESS + name, timeout=TIMEOUT) as answer:
                content = answer.read()
    except OSError as error:
        raise SystemExit(f"skipped: no {name} ({error}); give a folder with --from") from None
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise SystemExit(f"{name} is another file than the one that was measured")
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"))


def main() -> None:
    """Print a row for each slice."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--from", dest="folder", type=Path)
    folder = parser.parse_args().folder
    print("| slice | not white | " + " | ".join(METHODS) + " |\n|---|---|" + "---|" * len(METHODS))
    for number in (1, 2, 3):
        grey = brought(f"sample_{number:03d}_sem.bmp", folder) / np.float32(255)
        solid = brought(f"sample_{number:03d}_th.bmp", folder) > 127
        cells = []
        for method in METHODS:
            found = segmented(Micrograph(grey, PIXEL), Segmentation(method=method))
            ends = sorted(other.porosity for other in found.others or () if other is not None)
            doubt = 1.96 * (ends[-1] - ends[0]) / 2
            right = np.mean(~found.phase.pore == solid)
            cells.append(f"{found.phase.porosity:.3f} ± {doubt:.3f}, {right:.3f}")
        print(f"| {number} | {1 - solid.mean():.3f} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
