"""Recipes of structures: three random fields, solid bodies, or the paper's nine numbers."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from porescape.errors import SettingsError

By = Literal["text", "code"]  # how the published numbers are read


@dataclass(frozen=True, kw_only=True, slots=True)
class FieldsRecipe:
    """The three-field family of Zeinali Danalou et al. (2025), in units of length.

    The same recipe in a larger box, or at a smaller voxel size, describes the same material: no length
    refers to the box and no field is normalised by its own extremes.

    Attributes
    ----------
    solid_grains : float
        Weight of the grain field as in the authors' script (X2 in the paper's order): high midway between
        seeds, so the pores lie between rounded grains of solid around the seeds.
    pore_cells : float
        Weight of the inverted grain field (X1): high at the seeds, so pores are rounded cells around them.
    branches : float
        Weight of the branch field (X3). Only the ratios of the three weights matter.
    solid_grain_spacing, pore_cell_spacing : float
        (Volume per seed)^(1/3) of the two grain fields [m] (X5, X4).
    branch_width : float
        Width (sigma) of the Gaussian that smooths the branch field's noise [m] (X6).
    branch_cut : float
        Fraction of the smoothed noise below the cut level, in (0, 1) (X7).
    highpass_width : float or None
        Width (sigma) of the Gaussian that is subtracted at the end [m] (X8); None subtracts nothing.
    porosity : float
        Pore fraction, imposed by rank (X9).
    smoothing : float
        Width (sigma) of the last smoothing [m]: how rounded the walls are. The authors' script uses
        half a pixel for every material.
    """

    solid_grains: float
    pore_cells: float
    branches: float
    solid_grain_spacing: float
    pore_cell_spacing: float
    branch_width: float
    branch_cut: float
    highpass_width: float | None = None
    porosity: float
    smoothing: float

    def __post_init__(self) -> None:
        weights = (self.solid_grains, self.pore_cells, self.branches)
        if not all(math.isfinite(w) and w >= 0 for w in weights) or sum(weights) == 0:
            raise SettingsError(f"the weights must be >= 0 and not all 0, got {weights}")
        lengths = ("solid_grain_spacing", "pore_cell_spacing", "branch_width", "smoothing")
        _check_lengths(self, lengths if self.highpass_width is None else (*lengths, "highpass_width"))
        _check_shares(self, ("branch_cut", "porosity"))


@dataclass(frozen=True, kw_only=True, slots=True)
class BodiesRecipe:
    """Solid balls or straight fibres of one size, placed at random and overlapping freely, corners rounded.

    Attributes
    ----------
    spacing : float
        (Volume per body)^(1/3) [m].
    length : float
        Of the fibres' axes [m], in isotropic directions; 0 for balls.
    porosity : float
        Pore fraction, imposed by rank: it sets the thickness of the bodies.
    smoothing : float
        Width (sigma) of the last smoothing [m]: how rounded contacts and crossings are.
    """

    spacing: float
    length: float = 0.0
    porosity: float
    smoothing: float

    def __post_init__(self) -> None:
        if not 0 <= self.length < math.inf:
            raise SettingsError(f"length must be a length in metres or 0, got {self.length!r}")
        _check_lengths(self, ("spacing", "smoothing"))
        _check_shares(self, ("porosity",))


@dataclass(frozen=True, slots=True)
class PaperRecipe:
    """The published nine numbers, X1 to X9 in [0, 1]; lengths scale with the size of the array.

    Attributes
    ----------
    x : tuple of float, length 9
        In the paper's order: weights of grains, grains and branches; the two seed densities; width
        and cut of the branches; width of the high-pass; final cut.
    by : {"text", "code"}
        Whether they are read as the paper's text says, or as the authors' script does.
    """

    x: tuple[float, ...]
    by: By = "text"

    def __post_init__(self) -> None:
        if len(self.x) != 9 or not all(0 <= value <= 1 for value in self.x):
            raise SettingsError(f"the paper's recipe has nine numbers between 0 and 1, got {self.x}")
        if not any(self.x[:3]):
            raise SettingsError("the paper's first three numbers are weights and must not all be 0")
        if self.by not in get_args(By):
            raise SettingsError(f"the paper's recipe is read by text or code, got {self.by!r}")


Recipe = FieldsRecipe | BodiesRecipe  # in units of length: for any box and any part of it
AnyRecipe = Recipe | PaperRecipe


def _check_lengths(recipe: Recipe, names: tuple[str, ...]) -> None:
    for name in names:
        if not 0 < getattr(recipe, name) < math.inf:
            raise SettingsError(f"{name} must be a positive length in metres, got {getattr(recipe, name)!r}")


def _check_shares(recipe: Recipe, names: tuple[str, ...]) -> None:
    for name in names:
        if not 0 < getattr(recipe, name) < 1:
            raise SettingsError(f"{name} must lie between 0 and 1, got {getattr(recipe, name)!r}")
