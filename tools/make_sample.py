"""Make the sample that comes with the package: one micrograph and the structure behind it.

    python tools/make_sample.py

The structure is a polymer solution that phase-separates (Cahn-Hilliard, how many membranes form), so
it owes nothing to this package's own generator. The micrograph is a picture of a cut through it as a
secondary-electron detector might show it, with the troubles of real ones: struts behind the cut show
through the pores, edges glow, brightness drifts across the field, lines jump, electrons are few.
Takes about two minutes and 1 GB.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import fft, ndimage

from porescape.rendering.banner import HEIGHT, with_banner
from porescape.rng import stream

Field = NDArray[np.float32]

VOXEL_SIZE = 25e-9  # m; puts the mean pore chord near 0.33 µm, a microfiltration membrane
BOX = (128, 480, 640)  # voxels; as wide as the picture, so that nothing in it repeats
VIEW = (464, 640)  # pixels of structure in the picture
TRUTH = (slice(0, 128), slice(168, 296), slice(256, 384))  # the piece kept; its first layer is in the picture
MEAN_ORDER = -0.17  # -1 is pore, +1 solid; the porosity comes out as 0.615
MEAN_PORE_CHORD = 13.0  # voxels
REFINE = 1.6  # the phase field is smooth: simulated on a coarser grid, a quarter of the work

BANNER_TEXT = (
    ("HV", "2.0 kV"),
    ("mag", "8 000 x"),
    ("WD", "4.1 mm"),
    ("det", "ETD"),
    ("HFW", f"{VIEW[1] * VOXEL_SIZE * 1e6:.1f} um"),  # Pillow's own font has no µ
    ("", "simulated"),
)
FEI_TAG = 34682
FEI_TEXT = "\r\n".join(
    [
        "[System]",
        "SystemType=simulated",
        "[Beam]",
        "HV=2000",
        "[Scan]",
        f"PixelWidth={VOXEL_SIZE:.6g}",
        f"PixelHeight={VOXEL_SIZE:.6g}",
        f"HorFieldsize={VIEW[1] * VOXEL_SIZE:.6g}",
        f"VerFieldsize={VIEW[0] * VOXEL_SIZE:.6g}",
        "[Image]",
        f"ResolutionX={VIEW[1]}",
        f"ResolutionY={VIEW[0]}",
        "[PrivateFei]",
        f"DatabarHeight={HEIGHT}",
        "",
    ]
)


def mean_chord(mask: np.ndarray) -> float:
    """Mean length of the runs of True along rows and columns [pixel]; the border cuts runs short."""
    starts = sum(
        np.count_nonzero(line[0]) + np.count_nonzero(line[1:] & ~line[:-1]) for line in (mask, mask.T)
    )
    return float(2 * np.count_nonzero(mask) / starts) if starts else 0.0


def phase_separate(rng: np.random.Generator) -> Field:
    """Return a periodic order parameter, shape `BOX`: solid above 0, pore below.

    dc/dt = laplace(c^3 - c - kappa laplace c), one Fourier transform each way per step, the stiff
    terms implicit. `hold` is a linear term added and taken away again, implicit and explicit (Eyre
    1998), so that steps of 1 stay stable; it slows early growth, which does not matter here.
    """
    kappa, hold, step = 0.3, 2.0, 1.0
    shape = tuple(round(n / REFINE) for n in BOX)
    frequencies = [2 * np.pi * fft.fftfreq(n) for n in shape[:2]] + [2 * np.pi * fft.rfftfreq(shape[2])]
    k2 = sum(np.square(k, dtype=np.float32) for k in np.meshgrid(*frequencies, indexing="ij", sparse=True))
    damping = 1 / (1 + step * k2 * (hold + kappa * k2))

    order = (MEAN_ORDER + 0.3 * rng.standard_normal(shape, dtype=np.float32)).astype(np.float32)
    spectrum = fft.rfftn(order, workers=2)
    mean = spectrum[0, 0, 0]
    while order.std() < 0.65 or _chord(order) < MEAN_PORE_CHORD / REFINE:  # first apart, then coarse enough
        for _ in range(5):
            spectrum -= step * k2 * fft.rfftn(order**3 - (1 + hold) * order, workers=2)
            spectrum *= damping
            spectrum[0, 0, 0] = mean  # conserved; rounding would let it drift
            order = fft.irfftn(spectrum, shape, workers=2)
    return ndimage.zoom(order, REFINE, order=3, mode="grid-wrap", grid_mode=True)


def _chord(order: Field) -> float:
    return float(np.mean([mean_chord(layer < 0) for layer in order[::8]]))


def micrograph(order: Field, rng: np.random.Generator) -> Field:
    """Return what a secondary-electron detector above the cut at z = 0 might show, grey in [0, 1].

    Every pixel shows the first solid below it: dimmer with depth, because fewer electrons find the
    way out, and brighter where the surface is steep, because more of them start near it.

    The numbers are set by eye against real micrographs, and then so that the default segmentation
    misses the porosity of the cut by less than 0.03. So the sample is no evidence of how well
    segmentation does: without the shade of the lips, as likely a picture, it read 0.10 too low.
    """
    order = order[:, : VIEW[0], : VIEW[1]]
    depth, steepness = _visible_surface(order)
    in_plane = order[0] > 0

    # The lip of a pore shades what lies close to it, depth dims, and what stands out from its
    # surroundings catches more than what lies in a hole.
    lip = 1 - 0.95 * np.exp(-ndimage.distance_transform_edt(~in_plane) / 2.2)
    relief = np.clip((ndimage.gaussian_filter(depth, 6) - depth) / 20, -0.5, 0.5)
    below = lip * np.exp(-depth / 28) * (0.57 + 0.35 * relief) * (1 + 0.08 * (steepness - 1))
    glow = np.exp(-ndimage.distance_transform_edt(in_plane) / 1.6)
    light = np.where(in_plane, 1.03 + 0.25 * glow, below)
    fracture = 0.05 * _texture(rng, 1.2) + 0.06 * _texture(rng, 3) + 0.04 * _texture(rng, 20)
    light *= 1 + fracture * np.where(in_plane, 1, 0.5)

    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in VIEW), indexing="ij")
    light *= 1 + 0.12 * x - 0.08 * y - 0.06 * (x**2 + y**2)
    light += 0.010 * rng.standard_normal((VIEW[0], 1))  # charging: every scan line has its own offset
    light = ndimage.gaussian_filter(light, 0.5)
    electrons = 220  # per pixel where the light is 1
    counts = rng.poisson(np.maximum(light, 0) * electrons) / electrons
    return np.clip(0.10 + 0.60 * counts, 0, 1).astype(np.float32)


def _visible_surface(order: Field) -> tuple[Field, Field]:
    """Depth of the first solid under each pixel [voxel], and 1/cos of its tilt, at most 3."""
    solid = order > 0
    hit = np.where(solid.any(axis=0), solid.argmax(axis=0), len(order) - 2)[None]
    here = np.take_along_axis(order, hit, axis=0)[0]
    above = np.take_along_axis(order, np.maximum(hit - 1, 0), axis=0)[0]
    depth = hit[0] - np.where(hit[0] > 0, here / np.maximum(here - above, 1e-6), 0)
    slopes = [np.take_along_axis(np.gradient(order, axis=a), hit, axis=0)[0] for a in range(3)]
    length = np.sqrt(sum(s**2 for s in slopes))
    steepness = np.minimum(length / np.maximum(np.abs(slopes[0]), 1e-6), 3)
    return depth.astype(np.float32), steepness.astype(np.float32)


def _texture(rng: np.random.Generator, width: float) -> Field:
    """Smooth noise of unit variance."""
    noise = ndimage.gaussian_filter(rng.standard_normal(VIEW, dtype=np.float32), width)
    return noise / noise.std()


def write(folder: Path, seed: int) -> None:
    """Write `sample.tif` and `sample_truth.npz` into `folder`."""
    order = phase_separate(stream(seed, "sample", 0))
    grey = micrograph(order, stream(seed, "sample", 1))
    tifffile.imwrite(
        folder / "sample.tif",
        with_banner(grey, VOXEL_SIZE, BANNER_TEXT),
        photometric="minisblack",
        compression="zlib",
        compressionargs={"level": 9},
        predictor=True,
        metadata=None,
        software="porescape tools/make_sample.py",
        extratags=[(FEI_TAG, 2, 0, FEI_TEXT, True)],
    )
    pore = order < 0
    section, piece = pore[0, : VIEW[0], : VIEW[1]], pore[TRUTH]
    meta = {
        "what": "Cahn-Hilliard phase separation, threshold 0; True = pore; bits packed in C order",
        "voxel_size": VOXEL_SIZE,
        "seed": seed,
        "offset_in_section": [TRUTH[1].start, TRUTH[2].start],
        "porosity": round(float(pore.mean()), 6),
        "section_porosity": round(float(section.mean()), 6),
        "mean_pore_chord_in_voxels": round(mean_chord(section), 3),
    }
    np.savez_compressed(
        folder / "sample_truth.npz",
        packed=np.packbits(piece),
        shape=np.array(piece.shape),
        section=np.packbits(section),
        section_shape=np.array(section.shape),
        meta=np.array(json.dumps(meta)),
    )
    print(json.dumps(meta, indent=1))


def main() -> None:
    """Read the two options and write the two files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(__file__).parents[1] / "src" / "porescape" / "data"
    parser.add_argument("--folder", type=Path, default=data)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.folder, options.seed)


if __name__ == "__main__":
    main()
