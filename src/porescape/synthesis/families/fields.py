"""The paper's three random fields, in units of length."""

from porescape.core.recipe import FieldsRecipe
from porescape.synthesis.families.family import Family, Point, between

# This share of the range of each weight means "without this field": materials of one field are common. 0.35
# makes trials 7 % cheaper, and replicas scatter more (docs/design-notes/search.md).
ABSENT = 0.2


def fields(x: Point, length: float, porosity: float) -> FieldsRecipe:
    """Return a recipe of the paper's three fields.

    Parameters
    ----------
    x : sequence of float, length 9
        In the unit cube.
    length : float
        Unit of all lengths [m].
    porosity : float
    """
    solid_grains, pore_cells, branches = (max(float(u) - ABSENT, 0.0) for u in x[:3])
    # ranges in unit lengths, chosen by hand: wide enough that no fit of the benchmarks ended at a limit
    return FieldsRecipe(
        solid_grains=solid_grains,
        pore_cells=pore_cells,
        branches=branches if solid_grains + pore_cells + branches > 0 else 1.0,
        solid_grain_spacing=length * between(x[3], 1.0, 10.0),
        pore_cell_spacing=length * between(x[4], 1.0, 10.0),
        branch_width=length * between(x[5], 0.12, 2.0),
        branch_cut=0.05 + 0.9 * float(x[6]),  # the authors' script has this range
        highpass_width=length * between(x[7], 0.4, 10.0),
        smoothing=length * between(x[8], 0.03, 0.6),
        porosity=porosity,
    )


FAMILY = Family(
    name="fields",
    words="the paper's three random fields",
    dimension=9,
    recipe=fields,
    share=1.0,
    # three fields can be fitted to most patterns, and comparing them takes 50 % longer (chosen by hand)
    patterns=False,
    stream=0,
)
