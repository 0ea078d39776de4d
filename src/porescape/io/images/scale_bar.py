"""Find the scale bar that a microscope drew: its length in pixels, not its label.

Three kinds are known: a line between two posts (Zeiss; FEI, with its label in a gap), a plain block (JEOL,
figures), and eleven ticks or dots (Hitachi). If there are two candidates, neither is taken: no result is
better than a wrong one.
"""

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.core.image import Crop
from porescape.io.images.banner import as_levels, count_levels, find_banner

_SHORTEST = 20  # pixels, and 2 % of the width; dashes and equals signs are shorter
_LONGEST = 0.7  # of the width; a longer one is a frame or a ruled line
_INK = 0.45  # of the contrast between paper and the most different ink
_SOLID = 0.98  # share of a row that is ink; JPEG blurs the ends
_POST = 0.06  # of the length, and 4 pixels; the largest thickness of a post
_BLOCK = 5  # times longer than thick
_TICKS = 11  # ten intervals, in every Hitachi image tried
_TICK = 8  # pixels; the thickest in the images tried has 4
_SPECKS = 1000  # more than this are noise; a banner has a few hundred letters
_PURE = 8  # of 255 levels from black or white; bars drawn onto a picture are one of the two
_EDGE = 0.25  # of the height; a bar drawn onto a picture is at its top or bottom


class ScaleBar(NamedTuple):
    """A scale bar, in pixels of the whole image.

    Attributes
    ----------
    length : float
        The part that its label gives: between the middles of its posts or outer ticks, or a whole block.
    start, end : tuple of float
        Its two ends (y, x), (0, 0) being the middle of the first pixel.
    kind : {"posts", "block", "ticks"}
    """

    length: float
    start: tuple[float, float]
    end: tuple[float, float]
    kind: Literal["posts", "block", "ticks"]


class _Mark(NamedTuple):
    """One connected piece of ink that may be a bar or one half of a bar."""

    top: int
    bottom: int
    left: int
    right: int
    line: tuple[int, int]  # first row of the line and the row after its last
    posts: tuple[int, int]  # thickness of the left and the right one; 0 for none


def find_scale_bar(
    grey: NDArray[np.floating] | NDArray[np.integer], banner: Crop | None = None
) -> ScaleBar | None:
    """Find the scale bar of `grey` (ny, nx), in its banner or drawn onto the picture.

    Parameters
    ----------
    grey : ndarray, shape (ny, nx)
        The whole image, with its banner.
    banner : tuple of int, optional
        Its rectangle: top, left, height, width [pixels]; by default `find_banner` finds it.

    Returns
    -------
    ScaleBar or None
        None if there is no bar, or several candidates.
    """
    if np.issubdtype(grey.dtype, np.floating) and not np.isfinite(grey).all():
        return None
    levels = as_levels(grey)
    banner = banner or find_banner(grey)
    if banner is not None:
        top, left, height, width = banner
        strip = levels[top : top + height, left : left + width].astype(np.int16)
        paper = int(np.bincount(strip.ravel()).argmax())
        away = np.abs(strip - paper)
        found = _only(_bars(away > _INK * away.max(), levels.shape[1]))
        if found is not None:
            return _moved(found, top, left)
    if count_levels(levels) <= 2:
        return None  # black and white: any straight pore could be taken for one
    return _in_picture(levels, banner)


def _in_picture(levels: NDArray[np.uint8], banner: Crop | None) -> ScaleBar | None:
    """Find a bar in pure black or white near the lower or upper edge of the picture."""
    ny, nx = levels.shape
    first, last = 0, ny
    if banner is not None:
        top, _, height, _ = banner
        first, last = (top + height, ny) if top == 0 else (0, top)
    edge = max(1, round(_EDGE * (last - first)))
    found = []
    for start, stop in ((last - edge, last), (first, first + edge)):
        part = levels[start:stop]
        for ink in (part >= 255 - _PURE, part <= _PURE):
            found += [_moved(bar, start, 0) for bar in _bars(ink, nx) if _stands_out(part, ink, bar)]
    return _only(iter(found))


def _stands_out(part: NDArray[np.uint8], ink: NDArray[np.bool_], bar: ScaleBar) -> bool:
    """Whether a bar in a picture is drawn: thick enough, of one level, and surrounded by another."""
    y, left, right = round(bar.start[0]), round(bar.start[1]), round(bar.end[1])
    if bar.kind == "ticks":  # specks of noise are smaller
        steps = np.rint(np.linspace(bar.start[1], bar.end[1], _TICKS)).astype(int)
        return bool(ink[max(0, y - 2) : y + 3, steps].all())
    rows = np.flatnonzero(ink[:, (left + right) // 2])
    rows = rows[np.abs(rows - y) <= len(rows)]
    if len(rows) < 3 or left < 2 or right + 2 >= part.shape[1]:
        return False
    inside = part[rows[0] + 1 : rows[-1], left + 2 : right - 1]
    return bool(inside.size and np.ptp(inside) <= _PURE)


def _bars(ink: NDArray[np.bool_], columns: int) -> Iterator[ScaleBar]:
    """All candidates for a scale bar in a drawing; `columns` is the width of the whole image."""
    shortest = max(_SHORTEST, round(0.02 * columns))
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    yield from _rulers(boxes, shortest)
    marks = []
    for number, (rows, across) in enumerate(boxes, start=1):
        width, height = across.stop - across.start, rows.stop - rows.start
        if not shortest / 3 <= width <= _LONGEST * columns or height > max(60, width):
            continue
        mark = _mark(labels[rows, across] == number, rows.start, across.start)
        if mark is not None:
            marks.append(mark)
    whole, halves = [], set()
    for left in marks:
        for right in marks:
            if _are_halves(left, right, ink):
                whole.append(
                    _Mark(
                        left.top,
                        left.bottom,
                        left.left,
                        right.right,
                        left.line,
                        (left.posts[0], right.posts[1]),
                    )
                )
                halves |= {left, right}
    whole += [mark for mark in marks if mark not in halves and bool(mark.posts[0]) == bool(mark.posts[1])]
    for mark in whole:
        first, behind = mark.line
        thick = behind - first
        length = mark.right - mark.left
        if length < shortest or length > _LONGEST * columns:
            continue
        y = (first + behind - 1) / 2
        if all(mark.posts):
            start, end = mark.left + (mark.posts[0] - 1) / 2, mark.right - 1 - (mark.posts[1] - 1) / 2
            yield ScaleBar(end - start, (y, start), (y, end), "posts")
        elif thick >= 2 and length >= _BLOCK * thick:
            yield ScaleBar(length, (y, mark.left - 0.5), (y, mark.right - 0.5), "block")


def _mark(ink: NDArray[np.bool_], top: int, left: int) -> _Mark | None:
    """Interpret a piece of ink as a horizontal line, with or without posts at its ends."""
    height, width = ink.shape
    full = np.flatnonzero(ink.mean(axis=1) >= _SOLID)
    if not full.size or full[-1] - full[0] + 1 != full.size:
        return None
    above, below = ink[: full[0]], ink[full[-1] + 1 :]
    beside = np.flatnonzero(above.any(axis=0) | below.any(axis=0))
    thickest = max(4, round(_POST * width))
    ends = beside[beside < thickest], beside[beside >= width - thickest]
    if ends[0].size + ends[1].size < beside.size:
        return None  # ink in the middle: a letter, a frame
    posts = [0, 0]
    for side, columns in enumerate(ends):
        if columns.size:
            posts[side] = int(columns[-1]) + 1 if side == 0 else width - int(columns[0])
    return _Mark(
        top,
        top + height,
        left,
        left + width,
        (top + int(full[0]), top + int(full[-1]) + 1),
        (posts[0], posts[1]),
    )


def _are_halves(left: _Mark, right: _Mark, ink: NDArray[np.bool_]) -> bool:
    """Whether two marks are the halves of a bar that has its label in the middle."""
    widths = left.right - left.left, right.right - right.left
    gap = right.left - left.right
    if left.line != right.line or not 0 < gap <= 1.5 * sum(widths):
        return False
    if left.posts[1] or right.posts[0] or bool(left.posts[0]) != bool(right.posts[1]):
        return False
    if abs(widths[0] - widths[1]) > 3 + 0.05 * max(widths):
        return False
    first, behind = left.line
    between = ink[max(0, first - gap) : behind + gap, left.right : right.left]
    return bool(between[:, gap // 4 : gap - gap // 4].any())


def _rulers(boxes: list[tuple[slice, slice]], shortest: int) -> Iterator[ScaleBar]:
    """Rows of eleven equal ticks or dots, at one height and one distance."""
    ticks = []  # top, height, width, middle
    for down, across in boxes:
        height, width = down.stop - down.start, across.stop - across.start
        if width <= _TICK and width - 1 <= height <= 5 * _TICK:
            ticks.append((down.start, height, width, (across.start + across.stop - 1) / 2))
    small = np.array(sorted(ticks, key=lambda tick: tick[3]), dtype=float).reshape(-1, 4)
    if len(small) > _SPECKS:
        return
    found = set()
    for first in small:
        alike = (np.abs(small[:, :3] - first[:3]) <= 1).all(axis=1)
        places = small[alike, 3]
        for place in places[places > first[3]]:
            step = place - first[3]
            run = _run(places, first[3], step)
            if len(run) != _TICKS or np.abs(places - (first[3] - step)).min() <= _off(step):
                continue  # shorter, longer, or it begins earlier
            beside = (np.abs(small[:, 0] - first[0]) <= first[1]) & (small[:, 3] >= run[0])
            others = np.count_nonzero(beside & (small[:, 3] <= run[-1])) - _TICKS
            if run[-1] - run[0] >= shortest and not others:
                y = float(first[0] + (first[1] - 1) / 2)
                found.add(ScaleBar(run[-1] - run[0], (y, run[0]), (y, run[-1]), "ticks"))
                break
    yield from found


def _run(places: NDArray[np.float64], start: float, step: float) -> list[float]:
    """Follow equal steps through sorted positions."""
    run = [float(start)]
    while step >= 3:
        if len(run) > 2:  # the longer the run, the more accurate its step
            step = (run[-1] - start) / (len(run) - 1)
        wanted = start + len(run) * step
        nearest = float(places[np.abs(places - wanted).argmin()])
        if abs(nearest - wanted) > _off(step) or nearest <= run[-1]:
            break
        run.append(nearest)
    return run


def _off(step: float) -> float:
    """Tolerance of the position of a tick: it is drawn on whole pixels, and the image may be enlarged."""
    return max(1.5, 0.04 * step)


def _only(bars: Iterator[ScaleBar]) -> ScaleBar | None:
    """The only candidate; those with posts or ticks come before plain blocks."""
    found = list(bars)
    for kinds in (("posts", "ticks"), ("block",)):
        chosen = [bar for bar in found if bar.kind in kinds]
        if chosen:
            return chosen[0] if len(chosen) == 1 else None
    return None


def _moved(bar: ScaleBar, down: int, right: int) -> ScaleBar:
    (y0, x0), (y1, x1) = bar.start, bar.end
    return bar._replace(start=(y0 + down, x0 + right), end=(y1 + down, x1 + right))
