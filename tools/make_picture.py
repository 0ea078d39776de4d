"""Draw the README's picture from a demo run: python tools/make_picture.py demo docs/porescape.png."""

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from porescape.io.runs.run_folder import read_run
from porescape.report.structure_figures import three_d

INK = "#1d2733"


def main() -> None:
    """Read the run, draw four panels in a row, write a small PNG."""
    run, out = Path(sys.argv[1]), Path(sys.argv[2])
    result = read_run(run)
    shown = sorted(result.replicas, key=lambda replica: replica.loss)[len(result.replicas) // 2]
    figure = Figure(figsize=(12.4, 3.4), layout="constrained", facecolor="white")
    panels = figure.subplots(1, 4, gridspec_kw={"width_ratios": (1.0, 1.15, 0.85, 0.85)})
    edge = min(*result.section.pore.shape, *shown.volume.shape)
    top, left = ((n - edge) // 2 for n in result.section.pore.shape)
    grey = result.image.grey[top : top + 2 * edge, left : left + 2 * edge]
    panels[0].imshow(grey, cmap="gray", interpolation="nearest")
    panels[0].set_title("one SEM image", color=INK)
    panels[1].imshow(_rendered(three_d(shown.volume)))
    panels[1].set_title("its pores in 3-D", color=INK)
    real = result.section.pore[top : top + edge, left : left + edge]
    made = np.take(shown.volume.pore, shown.volume.shape[1] // 2, axis=1)[:edge, :edge]
    for panel, pore, title in zip(panels[2:], (real, made), ("a real slice", "a made one"), strict=True):
        panel.imshow(~pore, cmap="gray", interpolation="nearest")
        panel.set_title(title, color=INK)
    for panel in panels:
        panel.set_axis_off()
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110)
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.open(picture).convert("RGB").quantize(128).save(out, optimize=True)


def _rendered(figure: Figure) -> np.ndarray:
    picture = io.BytesIO()
    figure.savefig(picture, dpi=160, format="png")
    return np.asarray(Image.open(picture).convert("RGB"))


if __name__ == "__main__":
    main()
