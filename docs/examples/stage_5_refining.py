"""
5. Refining the walls
=====================

A recipe has few numbers. They set the large shapes and what is connected, but corners, cusps and thin walls need
more than ten. So in the last step of a replica wall voxels change phase, one by one (wall voxel annealing).

What is compared are patterns: squares of 3x3 points and rows of nine, each at several distances between the points,
from neighbouring voxels to twice the width of a pore. How often each occurs is counted in the image and in the sections
of the structure along all three axes. A voxel at a wall changes phase if that brings the counts nearer to the
image's, and if everything stays as connected as it was: no pore, tunnel, cavity or piece of solid appears or
vanishes (only *simple* voxels change). Only floating solid, which is connected to nothing, is removed before that.
"""

import porescape
from porescape import (
    Domain,
    Fit,
    Measure,
    Output,
    Segmentation,
    Settings,
    generate,
    refine,
)
from porescape.jobs.reconstruct import make_replicas
from porescape.sample import sample_path

image = porescape.read_image(sample_path())
phase = porescape.segment(image, Segmentation())
settings = Settings(
    fit=Fit(trials=60, size=64),
    output=Output(size=(64, 64, 64), replicas=1, refine=0),
    measure=Measure(numbers=("porosity",)),
)
(replica,) = make_replicas(phase, settings, seed=0)
box = Domain((128, 128, 128), phase.pixel_size)
before = generate(replica.recipe, box, replica.seed)

# %%
# A run does this for every replica, with 200 sweeps over its walls; ``--refine 0`` leaves it out.

distances = []
after = refine(
    before,
    phase,
    seed=replica.seed,
    sweeps=100,
    progress=lambda sweep, distance: distances.append(distance),
)
print(
    f"distance of the patterns: {distances[0]:.3f} before, {distances[-1]:.4f} after"
)

# %%

from porescape.report.refinement_figures import refined_slices, refinement_history

slices = refined_slices(phase, before, after)
slices.set_label(
    "A piece of the image, and one slice of a structure before and after its walls were refined"
)

# %%
# Most is gained in the first sweeps. The last ones try fewer and fewer voxels, so that the structure settles.

history = refinement_history(distances)
history.set_label(
    "Distance between the patterns of structure and image, sweep by sweep"
)

# %%
# Nothing was disconnected or joined, and the porosity did not change by a voxel:

print(f"porosity {before.porosity:.5f} before, {after.porosity:.5f} after")
for name, volume in (("before", before), ("after", after)):
    found = porescape.measure_volume(
        volume, ("connected_porosity_z", "specific_surface", "thickness_pore")
    )
    print(name, {key: float(f"{value:.4g}") for key, value in found.values.items()})
