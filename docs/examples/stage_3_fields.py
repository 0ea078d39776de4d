"""
3. Making a structure
=====================

A structure is the sum of three random fields, less its own blur, cut where the porosity is right. A few numbers,
the recipe, define it. This is the figure 2 of Zeinali Danalou et al. (2025), drawn by this code; lengths are in metres
here, and no field is normalised by its own extremes, so the same recipe in a larger box is more of the same
material.
"""

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from porescape import Domain, FieldsRecipe, generate
from porescape.report.drawing import bare, entitle, show_phases
from porescape.synthesis.generate import height_field, rank_level
from porescape.synthesis.random_fields import branch_field, grain_field

VOXEL = 25e-9  # m
domain = Domain((96, 96, 96), VOXEL)
recipe = FieldsRecipe(
    solid_grains=0.35,
    pore_cells=0.3,
    branches=0.8,
    solid_grain_spacing=0.9e-6,
    pore_cell_spacing=0.6e-6,
    branch_width=90e-9,
    branch_cut=0.5,
    highpass_width=0.5e-6,
    porosity=0.6,
    smoothing=35e-9,
)
SEED = 3

# %%
# Three base fields
# -----------------
#
# Two grain fields: random seed points, and at each voxel the distance to the nearest. One enters as it is (pores lie
# between rounded grains), the other upside down (pores are rounded cells). The branch field: smoothed noise is cut
# at a level, and the signed distance to that cut is taken, which has corners and branches.

solid_grains = grain_field(
    SEED, "solid_grains", recipe.solid_grain_spacing / VOXEL, domain, domain.whole
)
pore_cells = -grain_field(
    SEED, "pore_cells", recipe.pore_cell_spacing / VOXEL, domain, domain.whole
)
branches = branch_field(
    SEED, recipe.branch_width / VOXEL, recipe.branch_cut, domain, domain.whole
)


def planes(named: dict[str, np.ndarray], what: str) -> Figure:
    """Draw the middle slices of fields side by side; True/False ones as pore and solid."""
    figure = Figure(figsize=(10, 10 / len(named) + 0.4), layout="constrained")
    figure.set_label(what)
    for panel, (name, field) in zip(
        np.ravel(figure.subplots(1, len(named))), named.items(), strict=True
    ):
        plane = field[len(field) // 2]
        if plane.dtype == bool:
            show_phases(panel, plane, VOXEL)
        else:
            reach = float(np.abs(plane).max())
            panel.imshow(
                plane,
                cmap="cividis",
                vmin=-reach,
                vmax=reach,
                interpolation="nearest",
            )
        bare(panel)
        entitle(panel, name)
    return figure


base = planes(
    {
        "B1: grains, plain": solid_grains,
        "B2: grains, inverted": pore_cells,
        "B3: branches": branches,
    },
    "Middle slices of the three base fields",
)

# %%
# Sum, high-pass, cut
# -------------------
#
# The weighted sum is smoothed a little, which rounds the walls. Its own wide blur is subtracted: no part of the box
# is then all pore or all solid. The upper part of the remainder is pore, as much of it as the porosity requires.
# Pores are drawn dark.

total = (
    recipe.solid_grains * solid_grains
    + recipe.pore_cells * pore_cells
    + recipe.branches * branches
)
blur = ndimage.gaussian_filter(total, recipe.highpass_width / VOXEL, mode="wrap")
height = height_field(recipe, domain, SEED)
pore = height > rank_level(height, recipe.porosity)
steps = planes(
    {"weighted sum": total, "its blur": blur, "less the blur": height, "cut": pore},
    "Middle slices of the sum, its blur, the difference, and the pores",
)

# %%
# `generate` does all of it. Same recipe, box and seed: same bytes.

from porescape.report.structure_figures import three_d

volume = generate(recipe, domain, SEED)
assert np.array_equal(volume.pore, pore)
solid = three_d(volume, width=520)
solid.set_label("The solid of the structure, cut open")

# %%
# Each number does one thing
# --------------------------
#
# The same seed with one number changed. Structures change smoothly, which an optimiser needs.

from dataclasses import replace

changed = planes(
    {
        "the recipe": pore,
        "branches 1.6 x as wide": generate(
            replace(recipe, branch_width=1.6 * recipe.branch_width), domain, SEED
        ).pore,
        "no branches": generate(replace(recipe, branches=0.0), domain, SEED).pore,
        "porosity 0.4": generate(replace(recipe, porosity=0.4), domain, SEED).pore,
    },
    "Slices of four recipes that differ in one number each",
)

# %%
# Fibres and balls
# ----------------
#
# Three smooth fields can represent nearly any shape, but not needles and balls. The other two families are the
# first field alone, with no blur taken off, around straight rods or around points: radius, length over radius, and how
# rounded the contacts are, each in [0, 1], and a unit of length. A search tries all three families.

from porescape.synthesis.families.fibres import fibres
from porescape.synthesis.families.grains import grains

mat = generate(fibres((0.1, 0.6, 0.3), 0.22e-6, 0.8), domain, SEED)
beads = generate(grains((0.5, 0.1), 0.22e-6, 0.4), domain, SEED)
bodies = planes(
    {"fibres": mat.pore, "balls": beads.pore},
    "Middle slices of a fibre mat and of overlapping balls",
)

# %%

needles = three_d(mat, width=520)
needles.set_label("The fibres, cut open")

# %%
# What is in none of them: flat walls, packed particles with sharp contacts, cells of one size, layers, anything that
# differs between directions. The search returns the nearest isotropic structure all the same.
