"""Which replica to take, without anyone's eyes: by what the fit did not see, and by an eye test.

The fit compares pairs of points, straight lines, distances to the wall, the length of the walls and the
Euler number of sections. Replicas that agree in these can still look different. So each is compared with
the image once more, in descriptors that no fit has used, and shown to a classifier that has learned to
tell crops of the image from crops of the replica: the less it succeeds, the better the replica.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import hypot, isclose, sqrt

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.results import Score, Selection, Similarity, TwoSampleTest
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.section.describe import cut_windows
from porescape.measure.section.texture import Texture, texture, unit_of
from porescape.rng import stream
from porescape.section.specks import without_specks
from porescape.units import format_length

CROP = 48  # pixels, four or five pores wide at the voxel size that replicas get
SMALLER_CROPS = (CROP, 40, 32, 24)  # where the image or the box is too small for the usual one
GAP = 8  # pixels between regions, where there is room: half a pore is not in two of them
FOLDS = (4, 3, 2)
CROPS = 240  # of each side; 320 and 640 moved accuracies by less than their error
TREES = 80  # 200 likewise
LEFT_OUT = ("openings",)  # half the time of all numbers together, and never what told most
SEEN_BY_FIT = ("pairs of points", "straight lines", "distances to the wall", "neighbourhoods")
SLICES = 4  # per axis; of 128 voxels farther apart than pores are wide
WINDOWS = (24, 96)  # pixels, smallest and largest
LEAST_SCATTER = (0.001, 0.01)  # absolute, relative: finer differences are of no interest

Box = tuple[tuple[int, int], ...]  # first and end along each axis


# -- the verdict ------------------------------------------------------------------------------------


def select_replica(section: PhaseImage, replicas: Sequence[Volume], seed: int) -> Selection:
    """Rank replicas by what the fit did not see.

    Two marks, each less its mean over the replicas and divided by their spread, are added with equal
    weight: the mean distance in the unseen descriptors, and the accuracy of the eye test (0.5 where it
    is below). The eye test's own error counts as spread, so that differences that are all within it weigh
    little. The lowest sum is selected.

    The selected one looks most like this image; nothing here says that its 3-D numbers are nearest the
    truth. With eight replicas each of four slices of known volumes, none of the marks, nor the fit's own
    loss, went with the error in eight 3-D numbers. Among replicas and a piece of the truth itself, the truth
    was selected for four of five materials.

    Parameters
    ----------
    section : PhaseImage
        The image at the voxel size of the replicas.
    replicas : sequence of Volume
    seed : int
        Of the crops' places and the forests; a replica's eye test and distances do not depend on the
        others, its total does.

    Raises
    ------
    InputError
        No replica, another grid, an image of one phase, or less than 16 pixels to compare.
    """
    if not replicas:
        raise InputError("choosing a replica needs at least one, got none")
    return select(section, [compare_with_image(section, volume, seed) for volume in replicas])


def compare_with_image(section: PhaseImage, volume: Volume, seed: int) -> Similarity:
    """Compare one replica with the image in everything that `select` goes by."""
    return Similarity(held_out_distances(section, volume), _largest_two_sample_test(section, volume, seed))


def select(section: PhaseImage, similarities: Sequence[Similarity]) -> Selection:
    """Rank replicas that have been looked at, as `select_replica` says."""
    totals = _standardised([similarity.distance for similarity in similarities], 0.0)
    seen = [similarity.two_sample for similarity in similarities if similarity.two_sample is not None]
    if len(seen) == len(similarities):
        error = sqrt(np.mean([two_sample.error**2 for two_sample in seen]))
        totals = totals + _standardised([max(two_sample.accuracy, 0.5) for two_sample in seen], error)
    selected = int(np.argmin(totals))
    scores = tuple(
        Score(similarity.held_out, similarity.two_sample, float(total))
        for similarity, total in zip(similarities, totals, strict=True)
    )
    return Selection(scores, selected, _reason(scores, selected), tuple(_cautions(section, scores)))


def _standardised(values: list[float], error: float) -> NDArray[np.float64]:
    marks = np.array(values)
    spread = hypot(float(marks.std()), error)
    return np.asarray((marks - marks.mean()) / spread if spread > 0 else np.zeros(len(marks)))


def _reason(scores: Sequence[Score], selected: int) -> str:
    chosen = scores[selected]
    names = list(chosen.held_out)
    first = sum(chosen.held_out[name] == min(score.held_out[name] for score in scores) for name in names)
    if len(scores) == 1:
        words = f"replica 1 is the only one; {chosen.distance:.1f} standard errors from the image"
    else:
        words = f"replica {selected + 1}: closest in {first} of {len(names)} held-out descriptors"
    if chosen.two_sample is None:
        return words
    test = chosen.two_sample
    words += (
        f"; the two-sample test tells {100 * test.accuracy:.0f} ± {100 * test.error:.0f} % of its held-out "
        "crops from those of the image"
    )
    every = [100 * score.two_sample.accuracy for score in scores if score.two_sample]
    return f"{words} (all: {min(every):.0f}–{max(every):.0f} %)" if len(every) > 1 else words


def _cautions(section: PhaseImage, scores: Sequence[Score]) -> Iterator[str]:
    eyes = [score.two_sample for score in scores]
    if None in eyes:
        ny, nx = section.pore.shape
        yield (
            f"no eye test: image ({ny} x {nx} pixels) or replica is too small for two separate places of "
            f"{SMALLER_CROPS[-1]} pixels; the replica is chosen by the unseen descriptors alone"
        )
    yield from dict.fromkeys(two_sample.caution for two_sample in eyes if two_sample and two_sample.caution)


def _largest_two_sample_test(section: PhaseImage, volume: Volume, seed: int) -> TwoSampleTest | None:
    for crop in SMALLER_CROPS:
        if _regions_of_both(section.pore.shape, volume.shape, crop):
            return two_sample_test(section, volume, seed=seed, crop=crop)
    return None


# -- what the fit did not see -----------------------------------------------------------------------


def held_out_distances(section: PhaseImage, volume: Volume) -> dict[str, float]:
    """Return how far a replica's slices are from the image in descriptors that the fit did not use.

    Local porosity, neighbourhoods of wall pixels, curvature of the walls, separate pieces, two-point
    clusters, three points, openings and bodies; see `porescape.measure.section.texture`. Each is many
    numbers: the distance is the mean of their differences, in units of what chance makes of them: the
    standard error of the image's mean over its windows, as a bootstrap over blocks would give it, and that of
    the replica's slices, added in squares. A perfect copy comes out at 0.8 (the mean of |z|) on average.
    """
    _check_scale(section, volume)
    smallest, largest = WINDOWS
    window = min(max(min(section.pore.shape) // 3, smallest), largest, *section.pore.shape, *volume.shape)
    if window < 16:
        raise InputError(
            f"comparing needs windows of at least 16 pixels, but the image is {section.pore.shape} and the "
            f"replica {volume.shape}; choose a larger --size"
        )
    window -= window % 8  # so that squares of several sizes fill it
    unit = _unit(section.pore)
    planes = [
        without_specks(np.take(volume.pore, int((i + 0.5) * n / SLICES), axis=axis), section.speck_pixels)
        for axis, n in enumerate(volume.shape)
        for i in range(SLICES)
    ]
    real = texture(cut_windows(section.pore, window, most=144), unit, SEEN_BY_FIT)
    made = texture(np.concatenate([cut_windows(plane, window) for plane in planes]), unit, SEEN_BY_FIT)
    scatter = np.sqrt(
        _error_of_mean(real.values, section.pore.size / window**2) ** 2
        + _error_of_mean(made.values, sum(plane.size for plane in planes) / window**2) ** 2
    )
    expected = real.values.mean(axis=0)
    absolute, relative = LEAST_SCATTER
    units = np.hypot(scatter, absolute + relative * np.abs(expected))
    apart = np.abs(made.values.mean(axis=0) - expected) / units
    groups = np.array(real.groups)
    return {group: float(apart[groups == group].mean()) for group in dict.fromkeys(real.groups)}


def _error_of_mean(values: NDArray[np.float64], independent: float) -> NDArray[np.float64]:
    """Return the standard error of the mean over windows of which so many are without overlap."""
    if len(values) < 2:
        return np.zeros(values.shape[1])
    return np.asarray(values.std(axis=0, ddof=1) / sqrt(max(min(len(values), independent), 1.0)))


# -- the eye test -----------------------------------------------------------------------------------


def two_sample_test(
    section: PhaseImage | Volume,
    volume: Volume,
    *,
    seed: int,
    crop: int = CROP,
    crops: int = CROPS,
    trees: int = TREES,
    without: Sequence[str] = LEFT_OUT,
) -> TwoSampleTest:
    """Train a forest to tell crops of a replica from crops of the image; score it on what it never saw.

    Image and replica are each divided into up to four regions with a gap between; crops lie within one
    region (of the replica in slices along all three axes). Region by region is held out: a forest learns
    from the crops of the others, and the level from which it says "replica" is that halfway between the
    medians of both kinds in the other regions, because an image of few crops is learned by heart and its
    unseen crops then look like anything else. Numbers, not pixels, are learned, the same for the eight
    rotations and mirror images of a crop.

    A single small section is a blunt test: real against another piece of the same material strayed by
    9 points about 48 % at 160² pixels. It does not look at crops of other sizes, nor at how slices follow
    each other.

    Parameters
    ----------
    section : PhaseImage or Volume
        The image at the voxel size of the replica, or the true structure where it is known: many more crops,
        so a much sharper test.
    volume : Volume
        The replica.
    seed : int
        Of places and forests.
    crop : int
        Edge [pixels]; best a multiple of 8.
    crops : int
        Of each kind, over all regions.
    trees : int
    without : sequence of str
        Groups of numbers to leave out, see `porescape.measure.section.texture.GROUPS`.

    References
    ----------
    Breiman (2001), Random forests, Machine Learning 45, 5-32; Lopez-Paz and Oquab (2017), Revisiting
    classifier two-sample tests, ICLR.
    """
    _check_scale(section, volume)
    places = _regions_of_both(section.pore.shape, volume.shape, crop)
    if places is None:
        raise InputError(
            f"the eye test needs room for crops of {crop} pixels in two separate places, but the image is "
            f"{_times(section.pore.shape)} and the replica {_times(volume.shape)}; take a larger image or "
            "smaller crops"
        )
    unit = _unit(section.pore)
    speck = section.speck_pixels if isinstance(section, PhaseImage) else 0
    kinds = []
    for index, (pore, regions) in enumerate(zip((section.pore, volume.pore), places, strict=True)):
        chance = stream(seed, "two-sample test", index)
        count = -(-crops // len(regions))
        drawn = np.concatenate([draw_crops(pore, region, crop, count, chance, speck) for region in regions])
        kinds.append(texture(drawn, unit, without))
    folds = np.repeat(np.arange(len(places[0])), count)
    real, made = kinds
    right, importance = _held_out(real.values, made.values, folds, trees, seed)
    per_fold = np.array([right[:, folds == fold].mean() for fold in range(len(places[0]))])
    accuracy = float(per_fold.mean())
    separate = [_separate(pore.shape, crop) for pore in (section.pore, volume.pore)]
    chance_error = 0.5 * sqrt(accuracy * (1 - accuracy) * sum(1 / n for n in separate))
    shares = _group_shares(real, importance)
    words, in_image, in_replica = _most_telling(real, made, next(iter(shares)))
    return TwoSampleTest(
        accuracy=accuracy,
        error=max(float(per_fold.std(ddof=1)) / sqrt(len(per_fold)), chance_error),
        crop=crop,
        crops=len(folds),
        separate=separate[0],
        importance=shares,
        words=words,
        in_image=in_image,
        in_replica=in_replica,
    )


def draw_crops(
    pore: NDArray[np.bool_],
    region: Box,
    crop: int,
    count: int,
    chance: np.random.Generator,
    speck: int = 0,
) -> NDArray[np.bool_]:
    """Return random crops of a region, shape (count, crop, crop); of a volume in turn across its axes.

    A volume's are cut from whole slices without islands smaller than `speck` pixels.
    """
    across: list[int | None] = [None]
    if pore.ndim == 3:
        across = [
            axis
            for axis in range(3)
            if all(end - first >= crop for other, (first, end) in enumerate(region) if other != axis)
        ]
    drawn = []
    for k in range(count):
        thin = across[k % len(across)]
        plane: NDArray[np.bool_] = pore
        place: list[slice] = []
        for axis, (first, end) in enumerate(region):
            length = 1 if axis == thin else crop
            start = int(chance.integers(first, end - length + 1))
            if axis == thin:
                plane = without_specks(np.take(pore, start, axis=axis), speck)
            else:
                place.append(slice(start, start + crop))
        drawn.append(plane[tuple(place)])
    return np.stack(drawn)


def split(shape: Sequence[int], crop: int, count: int) -> list[Box] | None:
    """Return boxes with a gap between them, each with room for a crop; None where they do not fit.

    The two longest axes are halved, or the longest one is cut into `count`. The gap shrinks where there
    is no room for it; boxes never share a pixel.
    """
    longest, second = sorted(range(len(shape)), key=lambda axis: -shape[axis])[:2]
    quarters = count == 4 and shape[second] >= 2 * crop
    parts = {longest: 2, second: 2} if quarters else {longest: count}
    if shape[second] < crop or shape[longest] < parts[longest] * crop:
        return None
    pieces = []
    for axis, n in enumerate(shape):
        k = parts.get(axis, 1)
        gap = min(GAP, (n - k * crop) // (k - 1)) if k > 1 else 0
        size = (n - gap * (k - 1)) // k
        pieces.append([(i * (size + gap), i * (size + gap) + size) for i in range(k)])
    return list(product(*pieces))


def _regions_of_both(
    section: Sequence[int], volume: Sequence[int], crop: int
) -> tuple[list[Box], list[Box]] | None:
    for count in FOLDS:
        real, made = split(section, crop, count), split(volume, crop, count)
        if real and made:
            return real, made
    return None


def _held_out(
    real: NDArray[np.float64], made: NDArray[np.float64], folds: NDArray[np.int64], trees: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return which held-out crops were told right, shape (2, crops), and each number's importance."""
    from sklearn.ensemble import RandomForestClassifier  # heavy: two seconds that few commands need

    chance = stream(seed, "two-sample test", 2)
    values = np.concatenate([real, made])
    kind = np.repeat([0, 1], [len(real), len(made)])
    fold_of = np.tile(folds, 2)
    doubt = np.empty(len(values))  # share of the trees that say "replica"
    importance = np.zeros(values.shape[1])
    for fold in range(folds.max() + 1):
        out = fold_of == fold
        forest = RandomForestClassifier(
            trees, min_samples_leaf=2, n_jobs=1, random_state=int(chance.integers(2**31))
        )
        forest.fit(values[~out], kind[~out])
        doubt[out] = forest.predict_proba(values[out])[:, 1]
        importance += forest.feature_importances_
    right = np.empty((2, len(folds)))
    for fold in range(folds.max() + 1):
        others = fold_of != fold
        level = 0.5 * sum(float(np.median(doubt[others & (kind == k)])) for k in (0, 1))
        right[0, folds == fold] = _below(doubt[(fold_of == fold) & (kind == 0)], level)
        right[1, folds == fold] = 1 - _below(doubt[(fold_of == fold) & (kind == 1)], level)
    return right, importance / max(importance.sum(), 1e-12)


def _below(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return 1 below a level, 0 above, and a half on it: two equal things are told apart by nobody."""
    return np.asarray(0.5 - 0.5 * np.sign(values - level))


def _group_shares(real: Texture, importance: NDArray[np.float64]) -> dict[str, float]:
    groups = np.array(real.groups)
    shares = {group: float(importance[groups == group].sum()) for group in dict.fromkeys(real.groups)}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _most_telling(real: Texture, made: Texture, group: str) -> tuple[str, float, float]:
    """Return the number of a group that tells most on its own, and its means in image and replica."""
    mine = [k for k, name in enumerate(real.groups) if name == group]

    def told(k: int) -> float:
        a, b = np.sort(real.values[:, k]), made.values[:, k]
        above = np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")
        return abs(float(above.mean()) / (2 * len(a)) - 0.5)  # chance that b > a, less a half

    best = max(mine, key=told)
    return real.words[best], float(real.values[:, best].mean()), float(made.values[:, best].mean())


def _separate(shape: Sequence[int], crop: int) -> int:
    """Return how many crops fit side by side, in a volume in all slices a crop apart along three axes."""
    if len(shape) == 2:
        return (shape[0] // crop) * (shape[1] // crop)
    return sum(
        -(-shape[axis] // crop) * _separate([n for other, n in enumerate(shape) if other != axis], crop)
        for axis in range(3)
    )


def _unit(pore: NDArray[np.bool_]) -> float:
    share = float(pore.mean())
    if share in (0.0, 1.0):
        found = "pore" if share else "solid"
        raise InputError(f"nothing can be compared with an image that is all {found}; check the segmentation")
    return unit_of(pore[None] if pore.ndim == 2 else pore[:: max(len(pore) // 16, 1)])


def _check_scale(section: PhaseImage | Volume, volume: Volume) -> None:
    size = section.pixel_size if isinstance(section, PhaseImage) else section.voxel_size
    if not isclose(size, volume.voxel_size, rel_tol=1e-3):
        raise InputError(
            f"image and replica must be on one grid, but a pixel is {format_length(size)} and a voxel "
            f"{format_length(volume.voxel_size)}; resample the image first (porescape.section.resample)"
        )


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
