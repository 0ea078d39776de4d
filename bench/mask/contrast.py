"""Noise, shading and contrast of real micrographs beside rendered ones: are the ranges of looks real?

    python bench/mask/contrast.py --pictures FOLDER [--images FOLDER ...]

Noise is Immerkær's estimate (the difference of two Laplacians, which no edge or slope gives; median instead
of mean) and shading the range of the best polynomial of second order, both in units of the contrast: between
the 5th and the 95th percentile of the picture smoothed by a pixel.

Immerkær (1996), Fast noise variance estimation, Computer Vision and Image Understanding 64, 300.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pictures import PER_MATERIAL, SEED, ours, pictures
from scipy import ndimage

from porescape.errors import PorescapeError
from porescape.io.images.image import read_image

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "sem"
LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]]) / 6  # of white noise: its own deviation


def measured(grey: NDArray[np.floating]) -> tuple[float, float, float]:
    """Return noise / contrast, shading / contrast, and the contrast in [0, 1]."""
    noise = np.median(np.abs(ndimage.convolve(grey, LAPLACIANS))) / 0.6745
    low, high = np.quantile(ndimage.gaussian_filter(grey, 1), (0.05, 0.95))
    ny, nx = grey.shape
    y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    terms = np.stack([np.ones_like(y), y, x, y * x, y * y, x * x]).reshape(6, -1)
    weights = np.linalg.lstsq(terms[:, ::97].T, grey.ravel()[::97], rcond=None)[0]
    shading = np.ptp(weights[1:] @ terms[1:])
    return noise / (high - low), shading / (high - low), high - low


def main() -> None:
    """Print a row for each real micrograph, and the spread over the rendered ones."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument("--images", type=Path, nargs="*", default=[SHARED])
    arguments = parser.parse_args()
    print("| picture | noise | shading | contrast |\n|---|---|---|---|")
    for path in sorted(file for folder in arguments.images for file in folder.iterdir()):
        try:
            grey = read_image(path, pixel_size=1e-6).grey
        except PorescapeError:  # no image
            continue
        print(f"| {path.name} | " + " | ".join(f"{value:.3f}" for value in measured(grey)) + " |")
    found = np.array(
        [measured(p.grey) for p in pictures(arguments.pictures, "ours", ours, PER_MATERIAL, SEED)]
    )
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        values = np.quantile(found, share, axis=0)
        print(f"| rendered, {share:.0%} | " + " | ".join(f"{value:.3f}" for value in values) + " |")


if __name__ == "__main__":
    main()
