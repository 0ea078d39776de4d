"""The page of a batch: numbers and pictures of all images, and the reasons of failures."""

import base64
import io
import math
from collections.abc import Collection, Sequence
from itertools import cycle
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from porescape.core.measurement import Estimate
from porescape.core.results import Reconstruction
from porescape.jobs.batch import Batch, Card, Outcome, Status, Thumbnail, differ, over_images
from porescape.measure.meters import GROUPS, NUMBERS
from porescape.report.drawing import GREY, INK, TEXT, TWO_PHASES, WIDE, dress, middle_of
from porescape.report.measure_figures import LINE_STYLES
from porescape.report.page import embed, fill
from porescape.report.words import Scale, decimals_of, label_of, scale_of, write
from porescape.units import format_length, format_shape, is_coarser
from porescape.wording import several

KEYS = (  # numbers of the first table, in this order, if they were measured
    "porosity",
    "body_diameter",
    "throat_diameter",
    "tortuosity_z",
    "permeability_z",
    "retention_d90_z",
    "thickness_pore",
    "thickness_solid",
    "specific_surface",
    "connected_porosity_z",
)
SIDE = 96  # CSS pixels of the longer edge of a slice on the page
SHARPNESS = 2  # stored pixels per CSS pixel
MOST_KEYS = 5  # more do not fit next to the pictures
MARKS = ("o", "s", "^", "D", "v", "P", "X")
MOST_NAMED = 60  # images whose names still fit next to a panel; more are distinguished only by their group


class Cell(NamedTuple):
    """A number as shown on the page: mean, and interval if there is one."""

    mean: str
    interval: str


class Head(NamedTuple):
    """A column of numbers."""

    label: str
    unit: str
    definition: str


class Line(NamedTuple):
    """One image in the first table."""

    name: str
    link: str
    status: str
    reason: str
    thumbnails: tuple[Thumbnail, ...]
    facts: str
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """Numbers of one group, a line per image or group of images."""

    title: str
    heads: tuple[Head, ...]
    lines: tuple[tuple[str, tuple[Cell, ...]], ...]


def render_batch(batch: Batch) -> str:
    """Write a batch as one self-contained HTML page, for the folder of the run folders to which it links."""
    measured = batch.measured()
    keys = tuple(name for name in KEYS if name in measured)[:MOST_KEYS] or measured[:MOST_KEYS]
    groups = batch.groups()
    counts = {status: len(batch.of(status)) for status in Status}
    return fill(
        "batch.html.j2",
        total=len(batch.outcomes),
        counts=counts,
        seed=batch.seed,
        replicas=batch.settings.output.replicas,
        several_voxels=differ([card.voxel_size for card in batch.cards.values()]),
        notes=batch.notes(),
        failed=several([one.entry.name for one in batch.of(Status.FAILED)] or [""]),
        warnings=[(name, card.warnings) for name, card in batch.cards.items() if card.warnings],
        heads=_heads(keys, batch),
        groups=_lines(batch, keys),
        materials=_materials(groups, keys, batch),
        pictures={}
        if not keys
        else {
            "strips": embed(
                strips(batch, keys),
                f"{len(batch.cards)} images, one row each: "
                + ", ".join(label_of(name) for name in keys)
                + ".",
            )
        },
        tables=[
            _table(kind, tuple(name for name in measured if NUMBERS[name].group == kind), batch)
            for kind in GROUPS
            if any(NUMBERS[name].group == kind for name in measured)
        ],
    )


# -- tables ------------------------------------------------------------------------------------------


def _lines(batch: Batch, keys: Sequence[str]) -> list[tuple[str, list[Line]]]:
    """Return the first table, group by group."""
    found: dict[str, list[Line]] = {}
    columns = {name: _column(name, batch) for name in keys}
    for one in batch.outcomes:
        found.setdefault(one.entry.group, []).append(_line(one, columns))
    return [(_title(group, found), lines) for group, lines in found.items()]


def _title(group: str, groups: Collection[str]) -> str:
    """Return the title of a group: empty if no image has a group."""
    return group or ("without a group" if len(groups) > 1 else "")


def _line(one: Outcome, columns: dict[str, tuple[Scale, int]]) -> Line:
    card = one.card
    link = f"{quote(one.entry.name)}/report.html" if card else ""
    if card is None:
        return Line(one.entry.name, link, one.status.value, one.reason, (), "", ())
    facts = f"{format_shape(card.shape, ' × ')} voxels of {format_length(card.voxel_size)}"
    if is_coarser(card.voxel_size, card.pixel_size):
        facts += f"; pixels of {format_length(card.pixel_size)}"
    cells = tuple(_cell(card.properties.get(name), *column) for name, column in columns.items())
    return Line(one.entry.name, link, one.status.value, "", card.thumbnails, facts, cells)


def _heads(names: Sequence[str], batch: Batch) -> tuple[Head, ...]:
    return tuple(Head(label_of(n), _column(n, batch)[0].unit, NUMBERS[n].definition) for n in names)


def _column(name: str, batch: Batch) -> tuple[Scale, int]:
    """Return one unit and one number of digits for all images, so that a column can be compared."""
    known = [
        card.properties[name]
        for card in batch.cards.values()
        if name in card.properties and math.isfinite(card.properties[name].mean)
    ]
    middle = sorted(abs(e.mean) for e in known)[len(known) // 2] if known else math.nan
    scale = scale_of(name, NUMBERS[name].unit, middle)
    digits = min((decimals_of(e, scale.factor) for e in known), default=0)
    return scale, min(digits, 2) if scale.unit == "%" else digits


def _cell(e: Estimate | None, scale: Scale, digits: int) -> Cell:
    if e is None or not math.isfinite(e.mean):
        return Cell("–", "")
    low, high = (write(end * scale.factor, digits) for end in e.ci95)
    mean = write(e.mean * scale.factor, digits)
    return Cell(mean, f"{low} … {high}" if math.isfinite(e.ci95[0]) else "")


def _materials(groups: dict[str, tuple[Card, ...]], keys: Sequence[str], batch: Batch) -> Table | None:
    """Return the means over the images of each group, if a group has several images."""
    if all(len(cards) == 1 for cards in groups.values()) or not keys:
        return None
    lines = []
    for group, cards in groups.items():
        found = over_images(cards)
        cells = tuple(_cell(found.get(name), *_column(name, batch)) for name in keys)
        images = f"{len(cards)} {'image' if len(cards) == 1 else 'images'}"
        title = _title(group, groups)
        lines.append((f"{title} ({images})" if title else images, cells))
    return Table("", _heads(keys, batch), tuple(lines))


def _table(kind: str, names: tuple[str, ...], batch: Batch) -> Table:
    columns = [_column(name, batch) for name in names]
    lines = tuple(
        (
            image,
            tuple(
                _cell(card.properties.get(name), *column) for name, column in zip(names, columns, strict=True)
            ),
        )
        for image, card in batch.cards.items()
    )
    return Table(kind.capitalize(), _heads(names, batch), lines)


# -- pictures ----------------------------------------------------------------------------------------


def strips(batch: Batch, names: Sequence[str]) -> Figure:
    """Draw numbers of all images: a row per image, a panel per number; bars are 95 % intervals.

    If a group has several images, a line marks their mean and a band its interval over images.
    """
    rows = _places(batch)
    colours = (colour for colour, _ in cycle(LINE_STYLES))
    groups = dict(zip(batch.groups(), zip(colours, cycle(MARKS), strict=False), strict=False))
    members = {
        group: {one.entry.name: one.card for one in batch.outcomes if one.card and one.entry.group == group}
        for group in groups
    }
    means = {group: over_images(list(own.values())) for group, own in members.items()}
    columns = 3
    tall = max(1.1, 0.6 + len(rows) * (0.19 if len(rows) <= MOST_NAMED else 0.07))
    figure = Figure(figsize=(WIDE, tall * -(-len(names) // columns)), layout="constrained")
    panels = figure.subplots(-(-len(names) // columns), columns, squeeze=False)
    for panel, name in zip(panels.ravel(), names, strict=False):
        scale, _ = _column(name, batch)
        for group, (colour, mark) in groups.items():
            heights = [rows[one] for one in members[group]]
            _mean_of_group(panel, means[group].get(name), heights, scale, colour)
            estimates = [card.properties.get(name) for card in members[group].values()]
            _bars(panel, estimates, heights, scale, colour, mark)
        unit = f" [{scale.unit}]" if scale.unit else ""
        dress(panel, label_of(name) + unit, "")
        panel.set_ylim(max(rows.values(), default=0) + 0.7, -0.7)
        panel.xaxis.set_major_locator(MaxNLocator(4))
        panel.spines["left"].set_visible(False)
        panel.set_yticks([])
    if len(rows) <= MOST_NAMED:
        for panel in panels[:, 0]:
            panel.set_yticks(list(rows.values()), [_short(name) for name in rows], fontsize=TEXT - 0.5)
            panel.tick_params(axis="y", length=0, colors=INK)
    for panel in panels.ravel()[len(names) :]:
        panel.axis("off")
    if len(groups) > 1:
        handles = [
            panels[0, 0].plot([], [], mark, ms=4.5, color=colour, mew=0, label=_title(group, groups))[0]
            for group, (colour, mark) in groups.items()
        ]
        figure.legend(handles=handles, frameon=False, fontsize=TEXT, loc="outside lower left", ncols=4)
    return figure


def _places(batch: Batch) -> dict[str, float]:
    """Return the vertical position of every finished image's row, with a gap between groups."""
    places: dict[str, float] = {}
    height, before = 0.0, None
    for one in batch.outcomes:
        if one.card is None:
            continue
        if places:
            height += 1.0 if one.entry.group == before else 1.6
        places[one.entry.name], before = height, one.entry.group
    return places


def _bars(
    panel: Axes,
    estimates: Sequence[Estimate | None],
    rows: Sequence[float],
    scale: Scale,
    colour: str,
    mark: str,
) -> None:
    ends = np.array([(e.mean, *e.ci95) if e else (math.nan,) * 3 for e in estimates]) * scale.factor
    sure = np.isfinite(ends).all(axis=1)
    heights = np.asarray(rows)
    panel.hlines(heights[sure], ends[sure, 1], ends[sure, 2], color=colour, lw=2.2, alpha=0.4)
    panel.plot(ends[:, 0], heights, mark, ms=4.5, color=colour, mew=0)


def _mean_of_group(panel: Axes, e: Estimate | None, rows: Sequence[float], scale: Scale, colour: str) -> None:
    if e is None or e.n < 2:
        return
    top, bottom = min(rows) - 0.4, max(rows) + 0.4
    low, high = (end * scale.factor for end in e.ci95)
    panel.fill_betweenx([top, bottom], low, high, color=GREY, alpha=0.13, lw=0)
    panel.plot([e.mean * scale.factor] * 2, [top, bottom], color=colour, lw=1, ls=":")


def _short(name: str, most: int = 22) -> str:
    """Shorten a name in its middle: names often differ at the end."""
    return name if len(name) <= most else f"{name[: most // 2 - 1]}…{name[-(most // 2) :]}"


def thumbnails(result: Reconstruction) -> tuple[Thumbnail, Thumbnail]:
    """Return the middle of the image and the middle slice of the selected replica, at the same scale."""
    volume = result.selected.volume
    nz, ny, nx = volume.shape
    scale = SIDE / (max(ny, nx) * volume.voxel_size)  # CSS pixels per metre
    wanted = [max(round(n * volume.voxel_size / result.image.pixel_size), 1) for n in (ny, nx)]
    grey = middle_of(result.image.grey, wanted)
    photo = Image.fromarray(np.round(255 * grey).astype(np.uint8))
    width, height = (max(round(n * result.image.pixel_size * scale), 1) for n in grey.shape[::-1])
    size = (min(SHARPNESS * width, photo.width), min(SHARPNESS * height, photo.height))
    out = io.BytesIO()
    photo.resize(size, Image.Resampling.LANCZOS).save(out, "jpeg", quality=80)
    of_image = Thumbnail(_uri("image/jpeg", out), width, height)
    edges = (round(nx * volume.voxel_size * scale), round(ny * volume.voxel_size * scale))
    return of_image, Thumbnail(_phases(volume.pore[nz // 2]), *edges)


def _phases(pore: NDArray[np.bool_]) -> str:
    """Return a slice in the two colours of all pages, one bit per voxel."""
    picture = Image.fromarray(pore.astype(np.uint8))
    palette = picture.convert("P")
    palette.putpalette([round(255 * value) for phase in (0, 1) for value in TWO_PHASES(phase)[:3]])
    out = io.BytesIO()
    palette.save(out, "png", bits=1, optimize=True)
    return _uri("image/png", out)


def _uri(kind: str, data: io.BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(data.getvalue()).decode('ascii')}"
