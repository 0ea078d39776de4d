"""Replica selection: which replica is most similar to the image, without visual inspection.

The fit compares pairs of points, straight lines, distances to the wall, the length of the walls and the Euler
number of sections. Replicas that agree in these can still look different. So each is compared with the image
once more: in held-out descriptors, which the fit has not used (`held_out`), and by a classifier two-sample
test (`two_sample`): a classifier is trained to tell crops of the image from crops of the replica. The lower
its accuracy, the better the replica.
"""

from collections.abc import Iterator, Sequence
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from porescape.core.image import PhaseImage
from porescape.core.results import Score, Selection, Similarity
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.select.crops import SMALLER_CROPS
from porescape.select.held_out import held_out_distances
from porescape.select.two_sample import largest_two_sample_test


def select_replica(section: PhaseImage, replicas: Sequence[Volume], seed: int) -> Selection:
    """Rank replicas by what the fit did not use.

    Two scores, each standardised over the replicas, are added with equal weight: the mean distance in the
    held-out descriptors, and the accuracy of the two-sample test (0.5 where it is below). The test's own
    error is added to the standard deviation of the accuracies, so that differences within it weigh little.
    The replica with the lowest sum is selected.

    The selected replica is the one most like this image; its 3-D numbers need not be nearest to the truth.
    With eight replicas each of four slices of known volumes, neither of the scores, nor the fit's own loss,
    correlated with the error in eight 3-D numbers (bench/results/two-sample-test.md). Among replicas and a
    piece of the truth itself, the truth was selected for four of five materials.

    Parameters
    ----------
    section : PhaseImage
        The image at the voxel size of the replicas.
    replicas : sequence of Volume
    seed : int
        Of the places of the crops and of the forests; the two-sample test and distances of a replica do not
        depend on the other replicas; its total does.

    Raises
    ------
    InputError
        No replica, another grid, an image of one phase, or fewer than 16 pixels to compare.
    """
    if not replicas:
        raise InputError("selecting a replica needs at least one, got none")
    return select(section, [compare_with_image(section, volume, seed) for volume in replicas])


def compare_with_image(section: PhaseImage, volume: Volume, seed: int) -> Similarity:
    """Compare one replica with the image in all that `select` ranks by."""
    return Similarity(held_out_distances(section, volume), largest_two_sample_test(section, volume, seed))


def select(section: PhaseImage, similarities: Sequence[Similarity]) -> Selection:
    """Rank replicas that have been compared with the image, as described in `select_replica`."""
    totals = _standardised([similarity.distance for similarity in similarities], 0.0)
    tests = [similarity.two_sample for similarity in similarities if similarity.two_sample is not None]
    if len(tests) == len(similarities):
        error = sqrt(np.mean([test.error**2 for test in tests]))
        totals = totals + _standardised([max(test.accuracy, 0.5) for test in tests], error)
    selected = int(np.argmin(totals))
    scores = tuple(
        Score(similarity.held_out, similarity.two_sample, float(total))
        for similarity, total in zip(similarities, totals, strict=True)
    )
    return Selection(scores, selected, _reason(scores, selected), tuple(_cautions(section, scores)))


def _standardised(values: list[float], error: float) -> NDArray[np.float64]:
    scores = np.array(values)
    spread = hypot(float(scores.std()), error)
    return np.asarray((scores - scores.mean()) / spread if spread > 0 else np.zeros(len(scores)))


def _reason(scores: Sequence[Score], selected: int) -> str:
    chosen = scores[selected]
    names = list(chosen.held_out)
    first = sum(chosen.held_out[name] == min(score.held_out[name] for score in scores) for name in names)
    if len(scores) == 1:
        words = f"replica 1 is the only replica; {chosen.distance:.1f} standard errors from the image"
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
    tests = [score.two_sample for score in scores]
    if None in tests:
        ny, nx = section.pore.shape
        yield (
            f"no two-sample test: image ({ny} x {nx} pixels) or replica is too small for two separate places "
            f"of {SMALLER_CROPS[-1]} pixels; the replica is selected by the held-out descriptors alone"
        )
    yield from dict.fromkeys(test.caution for test in tests if test and test.caution)
