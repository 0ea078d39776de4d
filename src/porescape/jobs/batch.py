"""Batches: many images with the same settings, and the result of each image."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal, NamedTuple

from porescape.core.image import Crop
from porescape.core.measurement import Estimate, Measurement
from porescape.core.results import Progress
from porescape.core.settings import PorePhase, Settings
from porescape.errors import SettingsError
from porescape.measure.meters import NUMBERS
from porescape.measure.summary import summarise
from porescape.section.prepare import Box
from porescape.units import SAME, agree, format_length
from porescape.wording import MOST_NAMES, several


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One image of a batch.

    Attributes
    ----------
    image : Path
        The image file.
    name : str
        Its name, also of its run folder; unique in the batch.
    pixel_size : float or None
        Edge of a pixel [m]; None takes the value in the file.
    crop : (top, left, height, width) [pixels], "none", or None
        As for `porescape.read_image`.
    page : int or None
        Of a TIFF with several images, from 1.
    pore : {"dark", "bright"} or None
        Whether dark or bright is pore; None takes the settings' value.
    group : str
        For example the material: the images of a group are one sample of it. May be empty.
    listed : str
        The file name as written in the list, for tables.
    scale_bar : float or None
        Length of the scale bar in the image [m].
    """

    image: Path
    name: str
    pixel_size: float | None = None
    crop: Crop | Literal["none"] | None = None
    page: int | None = None
    pore: PorePhase | None = None
    group: str = ""
    listed: str = ""
    scale_bar: float | None = None


class Status(StrEnum):
    """The state of an image in a batch."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"


class Thumbnail(NamedTuple):
    """A small picture for a page: a data URI, and its displayed size [CSS pixel]."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """The summary of one finished run in a batch; the run's own folder contains the rest.

    Attributes
    ----------
    sha256 : str
        Of the image file.
    crop : tuple of int
        Which part of it was used: top, left, height, width [pixels].
    pixel_size, voxel_size : float
        Of the image and of the replicas [m].
    shape : tuple of int
        Of a replica [voxels].
    replicas : int
    image_porosity : float
    properties : dict of str to Estimate
        By the names of `porescape.measure.meters.NUMBERS`.
    warnings : tuple of str
    porescape : str
        The version with which it was made.
    thumbnails : tuple of Thumbnail
        A piece of the image, and a slice of the selected replica, at one scale.
    """

    sha256: str
    crop: Crop
    pixel_size: float
    voxel_size: float
    shape: tuple[int, int, int]
    replicas: int
    image_porosity: float
    properties: dict[str, Estimate]
    warnings: tuple[str, ...]
    porescape: str
    thumbnails: tuple[Thumbnail, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The result of one image.

    Attributes
    ----------
    entry : BatchEntry
    status : Status
    reason : str
        Why it failed, as a sentence.
    card : Card or None
        Its numbers, once it is done.
    """

    entry: BatchEntry
    status: Status
    reason: str = ""
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """Progress of a batch.

    Attributes
    ----------
    entry : BatchEntry
        The current image.
    index : int
        Its position among the images of this call, from 0.
    of : int
        The number of these images.
    event : Progress or None
        Progress within the image.
    outcome : Outcome or None
        Its result, at the end.
    """

    entry: BatchEntry
    index: int
    of: int
    event: Progress | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Many images with the same settings.

    Attributes
    ----------
    outcomes : tuple of Outcome
        In the order of the list, images of one group together.
    settings : Settings
    seed : int
        Of every image: the same image in another batch gives the same bytes.
    box : tuple of float or None
        Edges of the replicas along z, y, x [m], if they were given as lengths instead of in voxels.
    """

    outcomes: tuple[Outcome, ...]
    settings: Settings
    seed: int
    box: Box | None = None

    def of(self, status: Status) -> tuple[Outcome, ...]:
        """Return the outcomes of one status."""
        return tuple(outcome for outcome in self.outcomes if outcome.status is status)

    @property
    def cards(self) -> dict[str, Card]:
        """The summaries of finished images, by name."""
        return {one.entry.name: one.card for one in self.outcomes if one.card is not None}

    def groups(self) -> dict[str, tuple[Card, ...]]:
        """Return the finished images by group, in the order of the list."""
        found: dict[str, list[Card]] = {}
        for one in self.outcomes:
            if one.card is not None:
                found.setdefault(one.entry.group, []).append(one.card)
        return {group: tuple(cards) for group, cards in found.items()}

    def measured(self) -> tuple[str, ...]:
        """Return the names of the numbers that at least one image has, in the order of `NUMBERS`."""
        known = {name for card in self.cards.values() for name in card.properties}
        return tuple(name for name in NUMBERS if name in known)

    def notes(self) -> tuple[str, ...]:
        """Return warnings about differences between the images that a table of numbers does not show."""
        return tuple(_notes(self.cards))


def over_images(cards: Sequence[Card]) -> dict[str, Estimate]:
    """Return the mean of every number over images, with the interval from their scatter (Student's t).

    Each image counts once, however many replicas it has: differences between replicas are chance in the
    reconstruction, differences between images are those of the material.
    """
    means = [{name: e.mean for name, e in card.properties.items()} for card in cards]
    return summarise([Measurement(values, {}) for values in means])


def part_of(entries: Sequence[BatchEntry], shard: tuple[int, int] | None) -> tuple[BatchEntry, ...]:
    """Return the entries of shard (i, n), i from 1: every n-th one, so that shards are about equal.

    Raises
    ------
    SettingsError
        There is no such shard.
    """
    if shard is None:
        return tuple(entries)
    number, of = shard
    if not 1 <= number <= of:
        raise SettingsError(f"shard {number}/{of} does not exist; wanted i/n with i from 1 to n, e.g. 1/4")
    return tuple(entries[number - 1 :: of])


def in_groups(entries: Sequence[BatchEntry]) -> tuple[BatchEntry, ...]:
    """Return the entries with those of one group together, groups and images in the order of the list."""
    order = {group: place for place, group in enumerate(dict.fromkeys(entry.group for entry in entries))}
    return tuple(sorted(entries, key=lambda entry: order[entry.group]))


def _notes(cards: dict[str, Card]) -> Iterator[str]:
    voxels = {name: card.voxel_size for name, card in cards.items()}
    if differ(list(voxels.values())):
        yield (
            f"the images have different voxel sizes: {_by_value(voxels)}. Every number depends on the voxel "
            "size, so part of the difference is not due to the material; "
            f'--voxel-size "{format_length(max(voxels.values()))}" makes them equal'
        )
    boxes = {
        name: math.prod(n * card.voxel_size for n in card.shape) ** (1 / 3) for name, card in cards.items()
    }
    if differ(list(boxes.values())):
        middle = format_length(sorted(boxes.values())[len(boxes) // 2], 3)
        yield (
            f"the images have boxes of different sizes: {_by_value(boxes)} wide. Numbers of smaller boxes "
            f'vary more; --size "{middle}" gives all boxes one length instead of one number of voxels'
        )
    same: dict[tuple[object, ...], list[str]] = {}
    for name, card in cards.items():
        same.setdefault((card.sha256, card.crop), []).append(name)
    for names in same.values():
        if len(names) > 1:
            yield f"{several(names)} are the same image; it counts more than once in a mean"
    versions = Counter(card.porescape for card in cards.values())
    if len(versions) > 1:
        made = ", ".join(f"{count} by {version}" for version, count in sorted(versions.items()))
        yield (f"the runs are of different versions of porescape: {made}; --overwrite repeats the older ones")


def differ(lengths: Sequence[float]) -> bool:
    """Return whether lengths differ by more than the rounding of the same length in two files."""
    return bool(lengths) and not agree(max(lengths), min(lengths), SAME)


def _by_value(lengths: dict[str, float]) -> str:
    found: dict[str, list[str]] = {}
    for name, length in sorted(lengths.items(), key=lambda item: item[1]):
        found.setdefault(format_length(length, 3), []).append(name)
    if len(found) > MOST_NAMES:
        low, high = format_length(min(lengths.values()), 3), format_length(max(lengths.values()), 3)
        return f"{low} to {high}"
    return "; ".join(f"{length} ({several(names)})" for length, names in found.items())
