"""Strokes of the brush: what somebody drew on the image, as a picture of labels."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import Crop
from porescape.errors import SettingsError

LABELS = (1, 2, 3)  # pore, solid, cannot be told
MOST_STROKES = 2000
MOST_POINTS = 50_000  # of all strokes
WIDEST = 500.0  # pixels, of a radius
THINNEST = 0.71  # pixels; a thinner line would slip between the centres of pixels
FARTHEST = 1e6  # pixels from the corner of the image

Point = tuple[float, float]  # x, y


@dataclass(frozen=True, slots=True)
class Stroke:
    """A round brush drawn along points.

    Attributes
    ----------
    label : int
        1 pore, 2 solid, 3 cannot be told.
    radius : float
        Of the brush [pixels of the file].
    points : tuple of tuple of float
        x and y [pixels of the file]; 0 is the corner of the first pixel, not its centre.
    """

    label: int
    radius: float
    points: tuple[Point, ...]


def strokes_from(table: object) -> tuple[Stroke, ...]:
    """Read strokes sent by a browser.

    Raises
    ------
    SettingsError
        They are no strokes, or too many.
    """
    if not isinstance(table, Sequence) or isinstance(table, str) or len(table) > MOST_STROKES:
        raise SettingsError(f"strokes must be a list of at most {MOST_STROKES}; clear some")
    strokes = tuple(map(_stroke, table))
    if sum(len(one.points) for one in strokes) > MOST_POINTS:
        raise SettingsError(f"strokes may have {MOST_POINTS} points together; clear some, and draw fewer")
    return strokes


def strokes_table(strokes: Sequence[Stroke]) -> list[dict[str, Any]]:
    """Return strokes as plain tables."""
    return [
        {"label": one.label, "radius": one.radius, "points": list(map(list, one.points))} for one in strokes
    ]


def _stroke(table: object) -> Stroke:
    if not isinstance(table, Mapping) or set(table) != {"label", "radius", "points"}:
        raise SettingsError("a stroke must have a label, a radius and points")
    label, radius, points = table["label"], table["radius"], table["points"]
    if type(label) is not int or label not in LABELS:
        raise SettingsError(f"the label of a stroke must be one of {LABELS}, got {label!r}")
    if not _number(radius, WIDEST) or radius <= 0:
        raise SettingsError(
            f"the radius of a stroke must be above 0 and at most {WIDEST:g} pixels, got {radius!r}"
        )
    if (
        not isinstance(points, Sequence)
        or isinstance(points, str)
        or not points
        or not all(isinstance(one, Sequence) and len(one) == 2 for one in points)
        or not all(_number(value, FARTHEST) for one in points for value in one)
    ):
        raise SettingsError("the points of a stroke must be pairs of x and y in pixels, at least one")
    return Stroke(label, float(radius), tuple((float(x), float(y)) for x, y in points))


def _number(value: object, most: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) <= most


def labels_of(strokes: Sequence[Stroke], crop: Crop) -> NDArray[np.uint8]:
    """Draw strokes as labels, a later one over an earlier.

    Parameters
    ----------
    strokes : sequence of Stroke
    crop : tuple of int
        Top, left, height and width of what is wanted [pixels of the file].

    Returns
    -------
    ndarray of uint8, shape (height, width)
        0 where nothing was drawn.
    """
    top, left, height, width = crop
    labels = np.zeros((height, width), dtype=np.uint8)
    for one in strokes:
        points = [(x - left, y - top) for x, y in one.points]
        for start, end in zip(points, points[1:] or points, strict=False):
            _draw(labels, one, start, end)
    return labels


def _draw(labels: NDArray[np.uint8], stroke: Stroke, start: Point, end: Point) -> None:
    """Label the pixels whose centres lie within a radius of a line, at least those it goes through."""
    radius = max(stroke.radius, THINNEST)
    columns, rows = (
        slice(max(math.floor(min(a, b) - radius), 0), max(math.ceil(max(a, b) + radius), 0))
        for a, b in zip(start, end, strict=True)
    )
    part = labels[rows, columns]
    y = np.arange(part.shape[0])[:, None] + rows.start + 0.5 - start[1]
    x = np.arange(part.shape[1]) + columns.start + 0.5 - start[0]
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    part[np.hypot(x - along * dx, y - along * dy) <= radius] = stroke.label
