"""
2. Describing a section
=======================

To compare a generated slice with the image, both are described by the same function. Nothing in it is fitted.
"""

import porescape
from porescape import Segmentation
from porescape.sample import sample_path

phase = porescape.segment(porescape.read_image(sample_path()), Segmentation())

# %%
# The paper's descriptor
# ----------------------
#
# For every pixel of a phase, the distance to the other phase: two histograms, of pore and of solid. They are taken
# at three zooms, the whole section, its middle, and the middle of that, so that fine walls count as much as large
# pores. This is the figure 1 of Zeinali Danalou et al. (2025), drawn by this code.

from porescape.report.section_figures import combined_distance

distances = combined_distance(phase, ())
distances.set_label(
    "Section, distance to the wall, and combined distance function at three zooms"
)

# %%
# What the fit compares
# ---------------------
#
# A distance says how far away the wall is, but not how the phases are arranged. So the fit of porescape compares more:
# the two-point correlation, the lineal path of both phases (the chance that a line of a given length lies wholly in
# one), the distances to the wall, the amount of wall, and the Euler number of the section (pieces less holes): of
# its pores as they are, and shrunk and grown step by step. How soon pieces separate and meet is the best hint that a
# section gives of what is connected in depth.

from porescape.report.section_figures import descriptor_curves

curves = descriptor_curves(phase, ())
curves.set_label(
    "Two-point correlation, lineal paths, autocovariance and distances of the sample"
)

# %%
# The image itself says how close is close enough
# -----------------------------------------------
#
# Parts of one image differ from each other. A difference between a slice and the image counts in units of that
# scatter: what varies from place to place may differ, what does not must agree.

from matplotlib.figure import Figure

from porescape.measure.section.describe import cut_windows, describe
from porescape.report.drawing import BLUE, INK, TEXT, dress

windows = cut_windows(phase.pore, 96)
described = describe(windows, phase.pixel_size, 32)
lags = described.lags * 1e6  # µm

scatter = Figure(figsize=(10, 3.4), layout="constrained")
panel = scatter.subplots()
for number, s2 in enumerate(described.s2):
    panel.plot(
        lags,
        s2,
        color=BLUE,
        lw=0.8,
        alpha=0.5,
        label=None if number else "windows of 96 pixels",
    )
panel.plot(lags, described.s2.mean(axis=0), color=INK, lw=1.6, label="their mean")
dress(
    panel,
    f"Two-point correlation of {len(windows)} windows of one image",
    "distance [µm]",
)
panel.set(xlim=(0, lags[-1]))
panel.legend(frameon=False, fontsize=TEXT)
scatter.set_label(
    "The two-point correlation of windows of the image scatters around its mean"
)
