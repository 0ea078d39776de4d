"""The classifier two-sample test: can a classifier tell crops of a replica from crops of the image?"""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.results import TwoSampleTest
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.section.texture import Texture, texture
from porescape.rng import stream
from porescape.select.crops import CROP, SMALLER_CROPS, count_separate_crops, draw_crops, regions_of_both
from porescape.select.scale import check_scale, texture_unit
from porescape.units import format_shape

CROPS = 240  # of each kind; chosen by hand: 320 and 640 changed accuracies by less than their error
TREES = 80  # chosen by hand: 200 changed accuracies by less than their error
LEFT_OUT = ("openings",)  # chosen by hand: half the time of all numbers, and never the largest difference


def largest_two_sample_test(section: PhaseImage, volume: Volume, seed: int) -> TwoSampleTest | None:
    """Run the test with the largest crops that image and replica have room for; None where there are none."""
    for crop in SMALLER_CROPS:
        if regions_of_both(section.pore.shape, volume.shape, crop):
            return two_sample_test(section, volume, seed=seed, crop=crop)
    return None


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
    """Train a forest to tell crops of a replica from crops of the image; score it on held-out crops.

    Image and replica are each divided into up to four regions with a gap between; crops lie within one
    region (of the replica in slices along all three axes). Each region is held out in turn: a forest learns
    from the crops of the others. Its threshold for "replica" lies halfway between the medians of both kinds
    in the other regions, because a forest overfits an image with few crops, and then held-out crops of the
    image resemble neither class. It learns numbers, not pixels, the same for the eight rotations and mirror
    images of a crop.

    With a single small section the test is not sensitive: two real pieces of the same material are told apart
    with 46 to 62 % (bench/results/two-sample-test.md). It does not compare crops of other sizes, nor how
    slices follow each other.

    Parameters
    ----------
    section : PhaseImage or Volume
        The image at the voxel size of the replica, or the true structure where it is known: many more crops,
        so a much sharper test.
    volume : Volume
        The replica.
    seed : int
        Of the places of the crops and of the forests.
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
    check_scale(section, volume)
    places = regions_of_both(section.pore.shape, volume.shape, crop)
    if places is None:
        raise InputError(
            f"the two-sample test needs room for crops of {crop} pixels in two separate places, but the "
            f"image is {format_shape(section.pore.shape)} and the replica {format_shape(volume.shape)}; "
            "take a larger image or smaller crops"
        )
    unit = texture_unit(section.pore)
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
    separate = [count_separate_crops(pore.shape, crop) for pore in (section.pore, volume.pore)]
    chance_error = 0.5 * sqrt(accuracy * (1 - accuracy) * sum(1 / n for n in separate))
    shares = _group_shares(real, importance)
    words, in_image, in_replica = _largest_difference(real, made, next(iter(shares)))
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


def _held_out(
    real: NDArray[np.float64], made: NDArray[np.float64], folds: NDArray[np.int64], trees: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return which held-out crops were classified right, shape (2, crops), and each number's importance."""
    from sklearn.ensemble import RandomForestClassifier  # heavy: two seconds that few commands need

    chance = stream(seed, "two-sample test", 2)
    values = np.concatenate([real, made])
    kind = np.repeat([0, 1], [len(real), len(made)])
    fold_of = np.tile(folds, 2)
    votes = np.empty(len(values))  # share of the trees that vote "replica"
    importance = np.zeros(values.shape[1])
    for fold in range(folds.max() + 1):
        out = fold_of == fold
        forest = RandomForestClassifier(
            trees, min_samples_leaf=2, n_jobs=1, random_state=int(chance.integers(2**31))
        )
        forest.fit(values[~out], kind[~out])
        votes[out] = forest.predict_proba(values[out])[:, 1]
        importance += forest.feature_importances_
    right = np.empty((2, len(folds)))
    for fold in range(folds.max() + 1):
        others = fold_of != fold
        level = 0.5 * sum(float(np.median(votes[others & (kind == k)])) for k in (0, 1))
        right[0, folds == fold] = _below(votes[(fold_of == fold) & (kind == 0)], level)
        right[1, folds == fold] = 1 - _below(votes[(fold_of == fold) & (kind == 1)], level)
    return right, importance / max(importance.sum(), 1e-12)


def _below(values: NDArray[np.float64], level: float) -> NDArray[np.float64]:
    """Return 1 below a level, 0 above, and 0.5 exactly on it: equal crops cannot be told apart."""
    return np.asarray(0.5 - 0.5 * np.sign(values - level))


def _group_shares(real: Texture, importance: NDArray[np.float64]) -> dict[str, float]:
    groups = np.array(real.groups)
    shares = {group: float(importance[groups == group].sum()) for group in dict.fromkeys(real.groups)}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _largest_difference(real: Texture, made: Texture, group: str) -> tuple[str, float, float]:
    """Return the number of a group that differs most on its own, and its means in image and replica."""
    mine = [k for k, name in enumerate(real.groups) if name == group]

    def difference(k: int) -> float:
        a, b = np.sort(real.values[:, k]), made.values[:, k]
        above = np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")
        return abs(float(above.mean()) / (2 * len(a)) - 0.5)  # probability that b > a, less a half

    best = max(mine, key=difference)
    return real.words[best], float(real.values[:, best].mean()), float(made.values[:, best].mean())
