"""What a material is made of: the paper's nine numbers as lengths, one for smooth walls, one for fibres."""

import math
from dataclasses import dataclass

from porescape.errors import SettingsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """The three-field family of Zeinali Danalou et al. (2025), in units of length.

    The same recipe in a larger box, or at a finer voxel, is more of the same material: no length
    refers to the box and no field is normalised by its own extremes.

    Attributes
    ----------
    cells : float
        Weight of the plain grain field (X1): high midway between seeds, so pores are what lies
        between rounded grains.
    bumps : float
        Weight of the inverted grain field (X2): high at the seeds, so pores are rounded cells.
    branch : float
        Weight of the branch field (X3). Only the ratios of the three weights matter.
    cell_spacing, bump_spacing : float
        (Volume per seed)^(1/3) of the two grain fields [m] (X4, X5).
    cell_length : float
        Of the cells' seeds [m]: 0 for points, as in the paper, else straight rods in directions without
        preference. Without other fields or a high-pass the solid is then overlapping balls or fibres.
    branch_width : float
        Width (sigma) of the Gaussian that smooths the branch field's noise [m] (X6).
    branch_cut : float
        Fraction of the smoothed noise below the cut, in (0, 1) (X7).
    highpass_width : float or None
        Width (sigma) of the Gaussian that is subtracted at the end [m] (X8); None subtracts nothing.
    porosity : float
        Pore fraction, imposed by rank (X9).
    smoothing : float
        Width (sigma) of the last smoothing [m]: how rounded the walls are. The authors' script has
        half a pixel here, whatever the material.
    """

    cells: float
    bumps: float
    branch: float
    cell_spacing: float
    bump_spacing: float
    branch_width: float
    branch_cut: float
    highpass_width: float | None = None
    porosity: float
    smoothing: float
    cell_length: float = 0.0

    def __post_init__(self) -> None:
        weights = (self.cells, self.bumps, self.branch)
        if not all(math.isfinite(w) and w >= 0 for w in weights) or sum(weights) == 0:
            raise SettingsError(f"the weights must be >= 0 and not all 0, got {weights}")
        if not 0 <= self.cell_length < math.inf:
            raise SettingsError(f"cell_length must be a length in metres or 0, got {self.cell_length!r}")
        for name in ("cell_spacing", "bump_spacing", "branch_width", "highpass_width", "smoothing"):
            if name == "highpass_width" and self.highpass_width is None:
                continue
            if not 0 < getattr(self, name) < math.inf:
                raise SettingsError(
                    f"{name} must be a positive length in metres, got {getattr(self, name)!r}"
                )
        for name in ("branch_cut", "porosity"):
            if not 0 < getattr(self, name) < 1:
                raise SettingsError(f"{name} must lie between 0 and 1, got {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class PaperRecipe:
    """The published nine numbers to the letter, X1 to X9 in [0, 1]; lengths follow the array's size.

    Attributes
    ----------
    x : tuple of float, length 9
        In the paper's order: weights of grains, grains and branches; the two seed densities; width
        and cut of the branches; width of the high-pass; final cut.
    """

    x: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.x) != 9 or not all(0 <= value <= 1 for value in self.x):
            raise SettingsError(f"the paper's recipe has nine numbers between 0 and 1, got {self.x}")
        if not any(self.x[:3]):
            raise SettingsError("the paper's first three numbers are weights and must not all be 0")
