"""Many images, one recipe: what a batch was asked for, and what came of each image."""

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
        What to call it, and its run folder; no other of the batch has it.
    pixel_size : float or None
        Edge of a pixel [m]; None takes what the file says.
    crop : (top, left, height, width) [pixels], "none", or None
        As for `porescape.read_image`.
    page : int or None
        Of a TIFF with several images, from 1.
    pore : {"dark", "bright"} or None
        Which grey is pore; None takes that of the settings.
    group : str
        The material, say: images of one group are one sample of it. May be empty.
    listed : str
        The file as the list has it, for tables.
    scale_bar : float or None
        What the scale bar in the image stands for [m].
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
    """How far an image of a batch is."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"


class Thumbnail(NamedTuple):
    """A small picture for a page: a data URI, and its size there [CSS pixel]."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, eq=False)
class Card:
    """What a batch says of one finished run; the run's own folder holds the rest.

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
        The version that made it.
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
    """What came of one image.

    Attributes
    ----------
    entry : Job
    status : Status
    reason : str
        Why it failed, in words.
    card : Card or None
        Its numbers, once it is done.
    """

    entry: BatchEntry
    status: Status
    reason: str = ""
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """What happened in a batch.

    Attributes
    ----------
    entry : Job
        The image at work.
    index : int
        Its place among the images that this call works on, from 0.
    of : int
        How many these are.
    event : Progress or None
        What happened within it.
    outcome : Outcome or None
        What came of it, at its end.
    """

    entry: BatchEntry
    index: int
    of: int
    event: Progress | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Many images under one recipe.

    Attributes
    ----------
    outcomes : tuple of Outcome
        In the order of the list, those of one group together.
    settings : Settings
    seed : int
        Of every image: the same image in another batch gives the same bytes.
    box : tuple of float or None
        Edges of the replicas along z, y, x [m], where they were asked for so instead of in voxels.
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
        """What there is of finished images, by their names."""
        return {one.entry.name: one.card for one in self.outcomes if one.card is not None}

    def groups(self) -> dict[str, tuple[Card, ...]]:
        """Return the finished images by group, in the order of the list."""
        found: dict[str, list[Card]] = {}
        for one in self.outcomes:
            if one.card is not None:
                found.setdefault(one.entry.group, []).append(one.card)
        return {group: tuple(cards) for group, cards in found.items()}

    def measured(self) -> tuple[str, ...]:
        """Return the names of the numbers that any image has, in the order of `NUMBERS`."""
        known = {name for card in self.cards.values() for name in card.properties}
        return tuple(name for name in NUMBERS if name in known)

    def notes(self) -> tuple[str, ...]:
        """Say what makes the images less alike than a table of their numbers suggests."""
        return tuple(_notes(self.cards))


def over_images(cards: Sequence[Card]) -> dict[str, Estimate]:
    """Return every number's mean over images, with the interval their scatter gives (Student's t).

    Each image counts once, however many replicas it has: what differs between replicas is chance of the
    reconstruction, what differs between images is the material's.
    """
    means = [{name: e.mean for name, e in card.properties.items()} for card in cards]
    return summarise([Measurement(values, {}) for values in means])


def part_of(entries: Sequence[BatchEntry], shard: tuple[int, int] | None) -> tuple[BatchEntry, ...]:
    """Return the jobs of shard (i, n), i from 1: every n-th one, so that each shard has about as many.

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
    """Return the jobs with those of one group together, groups and images in the order of the list."""
    order = {group: place for place, group in enumerate(dict.fromkeys(entry.group for entry in entries))}
    return tuple(sorted(entries, key=lambda entry: order[entry.group]))


def _notes(cards: dict[str, Card]) -> Iterator[str]:
    voxels = {name: card.voxel_size for name, card in cards.items()}
    if differ(list(voxels.values())):
        yield (
            f"the voxels are not all of one size: {_by_value(voxels)}. Every number depends on it, "
            "so some of the difference is not the material's; "
            f'--voxel-size "{format_length(max(voxels.values()))}" makes them equal'
        )
    boxes = {
        name: math.prod(n * card.voxel_size for n in card.shape) ** (1 / 3) for name, card in cards.items()
    }
    if differ(list(boxes.values())):
        middle = format_length(sorted(boxes.values())[len(boxes) // 2], 3)
        yield (
            f"the boxes are not all of one size: {_by_value(boxes)} wide. Smaller ones vary more; "
            f'--size "{middle}" gives each the same length instead of as many voxels'
        )
    same: dict[tuple[object, ...], list[str]] = {}
    for name, card in cards.items():
        same.setdefault((card.sha256, card.crop), []).append(name)
    for names in same.values():
        if len(names) > 1:
            yield f"{several(names)} are one and the same picture; it counts more than once in a mean"
    versions = Counter(card.porescape for card in cards.values())
    if len(versions) > 1:
        made = ", ".join(f"{count} by {version}" for version, count in sorted(versions.items()))
        yield (
            f"not all were made by one version of porescape: {made}; --overwrite makes the older ones again"
        )


def differ(lengths: Sequence[float]) -> bool:
    """Return whether lengths differ by more than reading the same one from two files makes them."""
    return bool(lengths) and not agree(max(lengths), min(lengths), SAME)


def _by_value(lengths: dict[str, float]) -> str:
    found: dict[str, list[str]] = {}
    for name, length in sorted(lengths.items(), key=lambda item: item[1]):
        found.setdefault(format_length(length, 3), []).append(name)
    if len(found) > MOST_NAMES:
        low, high = format_length(min(lengths.values()), 3), format_length(max(lengths.values()), 3)
        return f"{low} to {high}"
    return "; ".join(f"{length} ({several(names)})" for length, names in found.items())
