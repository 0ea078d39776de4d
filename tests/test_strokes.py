"""Strokes of the page's brush: what is read, what is refused, and the labels they draw."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from porescape.errors import SettingsError
from porescape.web.strokes import MOST_POINTS, MOST_STROKES, Stroke, labels_of, strokes_from, strokes_table

DOT = {"label": 1, "radius": 2, "points": [[10, 10]]}


def test_a_dot_is_a_disc_around_its_point() -> None:
    (dot,) = strokes_from([{"label": 2, "radius": 10, "points": [[30, 20]]}])
    labels = labels_of([dot], (0, 0, 50, 60))
    y, x = np.mgrid[:50, :60] + 0.5
    away = np.hypot(y - 20, x - 30)
    np.testing.assert_array_equal(labels == 2, away <= 10)


def test_a_line_is_as_wide_as_its_brush_and_has_round_ends() -> None:
    labels = labels_of([Stroke(1, 5.0, ((20.0, 30.0), (80.0, 30.0)))], (0, 0, 60, 100))
    assert np.count_nonzero(labels[:, 50]) == 10
    assert np.count_nonzero(labels) == pytest.approx(60 * 10 + np.pi * 25, rel=0.02)


@given(top=st.integers(0, 30), left=st.integers(0, 30))
def test_a_crop_has_the_labels_of_its_part(top: int, left: int) -> None:
    strokes = [Stroke(1, 3.0, ((5.0, 5.0), (40.0, 33.0))), Stroke(2, 0.5, ((20.0, 8.0), (60.0, 8.0)))]
    whole = labels_of(strokes, (0, 0, 50, 70))
    np.testing.assert_array_equal(
        labels_of(strokes, (top, left, 20, 40)), whole[top : top + 20, left : left + 40]
    )


def test_a_later_stroke_lies_over_an_earlier() -> None:
    both = [Stroke(1, 8.0, ((10.0, 10.0),)), Stroke(3, 2.0, ((10.0, 10.0),))]
    labels = labels_of(both, (0, 0, 20, 20))
    assert labels[10, 10] == 3
    assert labels[10, 5] == 1


def test_strokes_come_back_as_they_were_sent() -> None:
    sent = [DOT, {"label": 3, "radius": 0.5, "points": [[1.5, 2.5], [3, 4]]}]
    assert strokes_table(strokes_from(sent)) == sent


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ("dots", "strokes must be a list"),
        ({"label": 1}, "strokes must be a list"),
        ([DOT] * (MOST_STROKES + 1), "at most 2000; clear some"),
        ([DOT | {"points": [[1, 1]] * (MOST_POINTS + 1)}], "50000 points together"),
        ([{"label": 1}], "must have a label, a radius and points"),
        ([DOT | {"label": True}], "must be one of (1, 2, 3), got True"),
        ([DOT | {"label": 4}], "must be one of (1, 2, 3), got 4"),
        ([DOT | {"radius": 0}], "above 0 and at most 500 pixels, got 0"),
        ([DOT | {"radius": float("nan")}], "at most 500 pixels, got nan"),
        ([DOT | {"points": []}], "pairs of x and y in pixels, at least one"),
        ([DOT | {"points": [[1, 2, 3]]}], "pairs of x and y"),
        ([DOT | {"points": [["1", 2]]}], "pairs of x and y"),
        ([DOT | {"points": [[1e9, 2]]}], "pairs of x and y"),
    ],
)
def test_what_is_no_stroke_is_refused_in_words(sent: object, words: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(words)):
        strokes_from(sent)
