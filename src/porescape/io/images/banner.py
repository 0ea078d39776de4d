"""Find the micrograph inside an image file: without info banner, data box and flat canvas.

A banner differs from any micrograph ("picture" below) in one way: it is printed. Its background ("paper")
is one flat grey level, its text and lines ("ink") have a very different level, and it begins with a full row
of paper or with a ruled line. A picture has noise; a part without noise (clipped black, two levels) has no
ink on paper, or the same level is common elsewhere too. In case of doubt nothing is cut; the user can give
the rectangle.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import Crop

_NEAR = 8  # of 255 levels: JPEG ripple on flat paper
_FULL = 0.97  # share of a row that is one level: paper without text, or a ruled line
_TEXT = (
    0.3  # least share of paper in a row of text; the densest of the SEM banners tried has 0.54, resized 0.35
)
_PAPER = 0.55  # least share of paper in a whole banner
_INK = (0.002, 0.45)  # share of ink; no text is no banner, and more ink than paper neither
_BLEND = 0.2  # most that may lie between paper and ink
_SMEAR = 8  # rows; JPEG works in blocks of eight
_TALLEST = 0.3  # of the image height
_REMNANT = 3  # rows of picture that Zeiss leaves outside its banner (one, in the files tried)
_RARE = 0.05  # most that the level of a canvas or data box may fill of the picture; else it is a phase
_SMALLEST = 64  # pixels; a smaller picture would be useless, so it is not taken for one
_BOX_WIDTH = 0.2  # of the image width; narrower is a pore or a grain


class _Box(NamedTuple):
    top: int
    bottom: int
    left: int
    right: int


def find_banner(grey: NDArray[np.floating] | NDArray[np.integer]) -> Crop | None:
    """Return the info banner or data box of `grey` (ny, nx) as top, left, height, width [pixels], or None."""
    ny, nx = grey.shape
    levels = as_levels(grey)
    if not _has_picture(levels):
        return None
    if strip := _strip_height(levels):
        return (ny - strip, 0, strip, nx)
    if strip := _strip_height(levels[::-1]):
        return (0, 0, strip, nx)
    if box := _data_box(levels):
        return (box.top, box.left, box.bottom - box.top, box.right - box.left)
    return None


def find_content(grey: NDArray[np.floating] | NDArray[np.integer]) -> tuple[Crop, str | None]:
    """Find the largest rectangle of `grey` (ny, nx) without banner or canvas, and describe what was cut.

    Binary images are never cut, because a dense skin cannot be distinguished from a banner. Text printed
    directly onto the picture, without a background of its own, is not found.

    Returns
    -------
    crop : tuple of int
        Top, left, height, width [pixels].
    words : str or None
        What was cut; None if nothing was.
    """
    ny, nx = grey.shape
    whole = (0, 0, ny, nx)
    levels = as_levels(grey)
    if not _has_picture(levels):
        return whole, None

    found = _Box(0, ny, 0, nx)
    words = []
    if strip := _strip_height(levels):
        found = found._replace(bottom=ny - strip)
        words.append(f"info banner at the bottom ({strip} of {ny} rows)")
    elif strip := _strip_height(levels[::-1]):
        found = found._replace(top=strip)
        words.append(f"info banner at the top ({strip} of {ny} rows)")
    elif box := _data_box(levels):
        found = found._replace(bottom=box.top)
        words.append(f"data box at the bottom ({ny - box.top} of {ny} rows)")

    picture = _without_canvas(levels, found)
    if picture != found:
        sides = [
            f"{after - before} px {side}"
            for side, before, after in (
                ("at the top", found.top, picture.top),
                ("at the bottom", picture.bottom, found.bottom),
                ("on the left", found.left, picture.left),
                ("on the right", picture.right, found.right),
            )
            if after > before
        ]
        words.append(f"flat canvas ({', '.join(sides)})")

    top, bottom, left, right = picture
    if not words or min(bottom - top, right - left) < _SMALLEST:
        return whole, None
    return (top, left, bottom - top, right - left), "cropped away: " + "; ".join(words)


def _has_picture(levels: NDArray[np.uint8]) -> bool:
    """Whether the image is large enough for a picture, and has more than two grey levels."""
    return min(levels.shape) >= _SMALLEST and count_levels(levels) > 2


def count_levels(levels: NDArray[np.uint8]) -> int:
    """Return how many grey levels occur."""
    present = np.zeros(256, dtype=bool)
    for row in levels:  # in pieces: counting converts them to 64-bit integers
        present[row] = True
    return int(present.sum())


def as_levels(grey: NDArray[np.floating] | NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return the grey levels as whole numbers, the darkest 0 and the brightest 255."""
    low, high = float(grey.min()), float(grey.max())
    if not high > low:
        return np.zeros(grey.shape, dtype=np.uint8)
    levels = np.empty(grey.shape, dtype=np.uint8)
    for rows in range(0, len(grey), 256):  # in pieces: the float copy of a large image is large
        part = grey[rows : rows + 256].astype(np.float64)
        levels[rows : rows + 256] = np.rint((part - low) / (high - low) * 255)
    return levels


def _shares(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Share of each row within `_NEAR` of each level, shape (ny, 256)."""
    histogram = np.array([np.bincount(row, minlength=256) for row in levels])
    total = np.pad(np.cumsum(histogram, axis=1), ((0, 0), (1, 0)))
    level = np.arange(256)
    near = total[:, np.minimum(level + _NEAR + 1, 256)] - total[:, np.maximum(level - _NEAR, 0)]
    return near / levels.shape[1]  # type: ignore[no-any-return]


def _strip_height(levels: NDArray[np.uint8]) -> int:
    """Rows of the banner along the lower edge; 0 if there is none."""
    ny = len(levels)
    shortest = max(10, round(0.015 * ny))
    tallest = round(_TALLEST * ny)
    for remnant in range(_REMNANT + 1):
        last = ny - remnant
        paper = int(np.bincount(levels[last - shortest : last].ravel(), minlength=256).argmax())
        shares = _shares(levels[last - tallest : last])
        on_paper = shares[:, paper]
        full = shares.max(axis=1) >= _FULL
        unlike = np.flatnonzero(~(full | (on_paper >= _TEXT)))
        start = int(unlike[-1]) + 1 if unlike.size else 0
        if not full[start:].any():
            continue
        start += int(full[start:].argmax())
        ruled = shares[start].argmax() not in range(paper - 3 * _NEAR, paper + 3 * _NEAR)
        if start == 0 and not ruled:
            continue  # continues upwards: a dark picture, not a banner
        # JPEG and resampling smear the first rows of paper into the picture
        smeared = 0
        while smeared < min(_SMEAR, start) and on_paper[start - 1 - smeared] >= 0.7:
            smeared += 1
        start -= smeared
        if not ruled and on_paper[max(start - 1, 0)] >= 0.6:
            continue  # fades into the picture, like the black corners around a tomogram
        height = tallest - start
        if height < shortest or not _is_printed(levels[last - height : last], paper):
            continue
        above = _shares(levels[: last - height])[:, paper]
        if ruled or np.median(above) < 0.5:
            return height + remnant
    return 0


def _is_printed(strip: NDArray[np.uint8], paper: int) -> bool:
    """Whether the strip is ink on paper of one level."""
    away = np.abs(strip.astype(np.int16) - paper)
    ink = float(np.mean(away > 80))
    on_paper = float(np.mean(away <= _NEAR))
    return on_paper >= _PAPER and _INK[0] <= ink <= _INK[1] and 1 - on_paper - ink <= _BLEND


def _data_box(levels: NDArray[np.uint8]) -> _Box | None:
    """A printed box near the lower edge that is narrower than the image."""
    ny, nx = levels.shape
    tallest = round(_TALLEST * ny)
    shortest = max(10, round(0.015 * ny))
    # Rows with a long run of one exact level; in a picture only noise-free pores have them.
    runs = []
    for y in range(ny - tallest, ny):
        row = levels[y]
        ends = np.concatenate(([0], np.flatnonzero(np.diff(row)) + 1, [nx]))
        longest = int(np.diff(ends).argmax())
        left, right = int(ends[longest]), int(ends[longest + 1])
        if right - left >= _BOX_WIDTH * nx:
            runs.append((y, left, right))
    above = (0, 0)
    for y, left, right in runs:
        if (left, right) == above:
            continue  # a box begins where the run does
        above = (left, right)
        paper = int(np.bincount(levels[y : y + shortest, left:right].ravel(), minlength=256).argmax())
        inside = _shares(levels[y:, left:right])[:, paper]
        beyond = np.flatnonzero(inside < _TEXT)
        ruled = 2  # the first rows may be a line in ink
        height = int(beyond[beyond >= ruled][0]) if (beyond >= ruled).any() else len(inside)
        box = levels[y : y + height, left:right]
        if height < shortest or not _is_printed(box, paper):
            continue
        like_paper = np.count_nonzero(np.abs(levels.astype(np.int16) - paper) <= _NEAR)
        like_paper -= np.count_nonzero(np.abs(box.astype(np.int16) - paper) <= _NEAR)
        if like_paper > _RARE * (levels.size - box.size):
            return None
        # all four edges are ruled: full rows and columns of one level, and picture outside them
        edges = (box[0], box[-1], box[:, 0], box[:, -1])
        outside = [levels[y : y + height, x] for x in (left - 1, right) if 0 <= x < nx]
        if all(_is_flat(edge) for edge in edges) and not any(_is_flat(line) for line in outside):
            return _Box(y, y + height, left, right)
    return None


def _is_flat(line: NDArray[np.uint8]) -> bool:
    return float(_shares(line[None]).max()) >= _FULL


def _without_canvas(levels: NDArray[np.uint8], box: _Box) -> _Box:
    """Cut margins that are one exact level, if that level is rare in the picture."""
    inside = levels[box.top : box.bottom, box.left : box.right]
    ny, nx = inside.shape
    canvas = inside[0, 0] if inside[0, 0] == inside[0, -1] else inside[-1, -1]
    other = inside != canvas
    rows = np.flatnonzero(other.mean(axis=1) > 1 - _FULL)
    columns = np.flatnonzero(other.mean(axis=0) > 1 - _FULL)
    if not (rows.size and columns.size):
        return box
    thin = 0.02  # of a side; a frame line of a few pixels is not cut
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    top, bottom = (top if top > thin * ny else 0), (bottom if ny - bottom > thin * ny else ny)
    left, right = (left if left > thin * nx else 0), (right if nx - right > thin * nx else nx)
    if (top, bottom, left, right) == (0, ny, 0, nx):
        return box
    if 1 - other[top:bottom, left:right].mean() > _RARE:
        return box
    return _Box(box.top + top, box.top + bottom, box.left + left, box.left + right)
