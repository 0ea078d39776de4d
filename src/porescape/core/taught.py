"""What a segmentation learned from pixels that a person labelled."""

from dataclasses import dataclass

from porescape.errors import SettingsError


@dataclass(frozen=True, kw_only=True, slots=True)
class Taught:
    """How to tell solid from pore, as learned from labels: weights of the features of a pixel.

    Attributes
    ----------
    features : str
        Which features are weighed; those of another version cannot be used.
    weights : tuple of float
        A pixel is solid where their sum over its features is above 0; the last is the constant.
    others : tuple of tuple of float
        Other weights that explain the labels as well: what they change is the uncertainty of the teaching.
    pore, solid : int
        Pixels that were labelled so.
    right : float
        Share of them that come out as they were labelled.
    """

    features: str
    weights: tuple[float, ...]
    others: tuple[tuple[float, ...], ...]
    pore: int
    solid: int
    right: float

    def __post_init__(self) -> None:
        if len({len(self.weights), *map(len, self.others)}) != 1 or len(self.weights) < 2:
            raise SettingsError(
                "a teaching needs as many weights in each of its sets, got "
                f"{sorted({len(self.weights), *map(len, self.others)})}; teach it again from the labels"
            )
