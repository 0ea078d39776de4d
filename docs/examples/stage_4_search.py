"""
4. Looking for the recipe
=========================

One trial: make a cube, take five slices across each of its three axes, describe them, and add up how far they are
from the image. The percolation prior is added: the disconnected fraction of each phase. The section alone does not
show it, and a structure whose pores lead nowhere, or whose solid floats, is no membrane.

A run makes 200 trials per replica on a cube of 96 voxels. Here are 60 on 64 voxels, for three replicas.
"""

import numpy as np

import porescape
from porescape import Fit, Measure, Output, Segmentation, Settings
from porescape.jobs.reconstruct import make_replicas
from porescape.sample import sample_path

image = porescape.read_image(sample_path())
phase = porescape.segment(image, Segmentation())
settings = Settings(
    fit=Fit(trials=60, size=64),
    output=Output(size=(64, 64, 64), replicas=3),
    measure=Measure(numbers=("porosity",)),
)
replicas = tuple(make_replicas(phase, settings, seed=0))

# %%
# Every trial is stored. The optimiser (CMA-ES) explores first and converges later; the replicas take different paths
# and end at similar losses.

from porescape.report.fit_figures import fit_history

history = fit_history(replicas)
history.set_label("Loss of every trial of three replicas, and the best so far")

# %%
# The same in pictures: the slice of the first trial, of the best so far, and of the best of all.

from matplotlib.figure import Figure

from porescape import Domain, generate
from porescape.report.drawing import bare, entitle, middle_of, show_phases

replica = min(replicas, key=lambda one: one.loss)
box = Domain((64, 64, 64), phase.pixel_size)
slices = Figure(figsize=(10, 2.4), layout="constrained")
slices.set_label(
    "A piece of the image, and slices of the best recipe after 1, 10, 30 and 60 trials"
)
panels = slices.subplots(1, 5)
show_phases(panels[0], middle_of(phase.pore, (64, 64)), phase.pixel_size)
entitle(panels[0], "the image")
for panel, after in zip(panels[1:], (1, 10, 30, 60), strict=True):
    best = min(replica.trials[:after], key=lambda trial: trial.loss)
    made = generate(best.recipe, box, replica.seed)
    show_phases(panel, made.pore[32], made.voxel_size)
    entitle(panel, f"after {after}: loss {best.loss:.3f}")
for panel in panels:
    bare(panel)

# %%
# What the loss is made of, for the best recipe of each replica:

for one in replicas:
    best = min(one.trials, key=lambda trial: trial.loss)
    print(
        f"replica {one.index + 1}:",
        ", ".join(f"{name} {value:.4f}" for name, value in best.parts.items()),
    )

# %%
# Image and slices at one scale. The slices are the middle ones, not chosen.

from porescape.report.image_figures import triptych

side_by_side = triptych(phase, replica.volume, image)
side_by_side.set_label(
    "A piece of the image, its pores, and slices of a replica across z, y and x"
)

# %%
# Each replica was fitted independently, with its own random fields. What the replicas have in common comes from the
# image; what differs is chance.

spread = [one.loss for one in replicas]
print(f"losses {np.min(spread):.3f} to {np.max(spread):.3f}")
