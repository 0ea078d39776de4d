"""
1. From grey to pore and solid
==============================

Everything that follows depends on this stage. In any report, check a picture like the one below first.

The sample is a simulated polymer membrane, drawn as a secondary-electron detector might show it. The structure
behind it is known. Its pixel size is in the tag of an FEI microscope, and its info banner is found and cut off.
"""

import porescape
from porescape import Segmentation
from porescape.sample import load_truth_section, sample_path

image = porescape.read_image(sample_path())
print(
    f"{image.grey.shape[0]} x {image.grey.shape[1]} pixels of {image.pixel_size * 1e9:.0f} nm"
)
print(f"pixel size from: {image.pixel_size_source}")

# %%
# Solid is what is brighter than a fraction of the mean of its neighbourhood (Bradley and Roth, 2007), after a
# Gaussian of one pixel; then a median of 3 x 3, then islands below nine pixels join their surroundings. The outline
# below is what is taken for pore.

from porescape.report.image_figures import segmentation_overlay

settings = Segmentation()  # adaptive, sensitivity 0.61, dark is pore
phase = porescape.segment(image, settings)
overlay = segmentation_overlay(image, phase)
overlay.set_label(
    "The micrograph, and beside it the outline of what is taken for pore; below, the middle enlarged"
)
print(
    f"porosity of the image {phase.porosity:.3f}, of the true section {load_truth_section().porosity:.3f}"
)

# %%
# The threshold is a choice
# -------------------------
#
# Two careful people set thresholds about 5 % of the contrast apart. The effect of that on the porosity is part of every
# interval porescape reports. Here is how the porosity depends on the sensitivity of the adaptive threshold, and what
# the other methods give for this image.

import numpy as np
from matplotlib.figure import Figure

from porescape.report.drawing import BLUE, INK, ORANGE, TEXT, dress

sensitivities = np.linspace(0.5, 0.7, 9)
porosities = [
    porescape.segment(image, Segmentation(sensitivity=s)).porosity
    for s in sensitivities
]
others = {
    name: porescape.segment(image, Segmentation(method=name)).porosity
    for name in ("otsu", "sauvola")
}

choice = Figure(figsize=(10, 3.2), layout="constrained")
panel = choice.subplots()
panel.plot(sensitivities, porosities, "o-", color=BLUE, ms=4, label="adaptive")
for (name, porosity), style in zip(others.items(), ("--", ":"), strict=True):
    panel.axhline(porosity, color=INK, ls=style, lw=1.2, label=name)
panel.axhline(
    load_truth_section().porosity, color=ORANGE, lw=1.2, label="the true section"
)
panel.axvline(0.61, color="#b8bcc2", lw=0.8)
dress(
    panel,
    "Porosity of one image, by threshold",
    "sensitivity of the adaptive threshold",
)
panel.legend(frameon=False, fontsize=TEXT, ncols=4, loc="upper right")
choice.set_label(
    "Porosity against the sensitivity of the adaptive threshold, with Otsu, Sauvola and the truth"
)

# %%
# What no threshold can correct: struts behind the plane of the section that are as bright as the plane itself become
# solid. Fill the pores with resin before polishing where you can; see :doc:`/imaging`.
