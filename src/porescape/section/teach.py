"""Teach a segmentation with labelled pixels: it starts as method "plane", and follows the labels.

A pixel is solid where a weighted sum of its features (`plane/features.py`) is above 0. The labels choose the
weights by logistic regression. Its prior is the network: weights are the less probable the more they change
the logits of the whole picture, so few labels change little and many change much. Neighbours tell the same
thing twice: an area counts by how many small squares it covers, and both phases count the same, however much
of each was labelled.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from porescape.core.image import Micrograph
from porescape.core.settings import PorePhase, Segmentation
from porescape.core.taught import Taught
from porescape.errors import InputError, SettingsError
from porescape.rng import stream
from porescape.section.plane.features import features, features_name
from porescape.section.plane.network import Layer
from porescape.section.plane.picture import unit_length
from porescape.section.plane.see import shipped

Array = NDArray[np.float64]

PORE, SOLID = 1, 2  # in pictures of labels
LABELS = {0: "nothing", PORE: "pore", SOLID: "solid", 3: "cannot be told"}
FREE = 1.5  # by how much a typical logit may change before any label (bench/mask/taught.py)
LOOSE = 1.0  # standard deviation of a weight before any label (the same)
AROUND = 4000  # pixels all over the picture that are looked at (chosen by hand)
SQUARE = 0.3  # unit lengths; the edge of a square that counts as one observation (the same)
OTHERS = 8  # sets of other weights that are kept (chosen by hand)
MOST = 20_000  # labelled pixels of a phase that are looked at (chosen by hand)


def teach(image: Micrograph, labels: NDArray[np.uint8], pore: PorePhase = "dark") -> Taught:
    """Learn from labelled pixels what is solid, for `Segmentation(method="taught", taught=...)`.

    Parameters
    ----------
    image : Micrograph
        Grey: where there are only two grey levels, nothing can be learned.
    labels : ndarray of uint8, shape (ny, nx)
        1 where a person sees pore in the plane of the cut, 2 where solid; 0 (nothing) and 3 (cannot be told)
        teach nothing.
    pore : {"dark", "bright"}
        Which grey is pore where nothing was learned; the same as in the settings.

    Returns
    -------
    Taught
        The same labels give the same weights.

    Raises
    ------
    InputError
        The labels have another shape or other values, or one of the phases was not labelled.
    """
    _check(image, labels)
    grey = image.grey if pore == "dark" else 1 - image.grey
    chosen = (labels == PORE) | (labels == SOLID)
    spread = np.zeros_like(chosen)
    step = max(1, int(np.sqrt(chosen.size / AROUND)))
    spread[step // 2 :: step, step // 2 :: step] = True
    known = features(grey, chosen | spread)
    told, around = known[chosen[chosen | spread]], known[spread[chosen | spread]]
    return learned(told, labels[chosen] == SOLID, around, unit_length(grey), shipped().last)


def with_labels(image: Micrograph, labels: NDArray[np.uint8], settings: Segmentation) -> Segmentation:
    """Return settings of method "taught" for labels of an image; see `teach`.

    Raises
    ------
    SettingsError
        The settings ask for another method than the default, "plane" or "taught".
    """
    if settings.method not in (Segmentation().method, "plane", "taught"):
        raise SettingsError(
            f"labels teach a method of their own, and cannot be joined to {settings.method!r}"
        )
    return replace(settings, method="taught", taught=teach(image, labels, settings.pore))


def learned(
    known: NDArray[np.float32],
    solid: NDArray[np.bool_],
    around: NDArray[np.float32],
    unit: float,
    last: Layer,
) -> Taught:
    """Learn from pixels whose features are known.

    Parameters
    ----------
    known : ndarray of float32, shape (pixels, count)
    solid : ndarray of bool, shape (pixels,)
        What they were labelled.
    around : ndarray of float32, shape (others, count)
        Features of pixels all over the picture: before any label, weights that change their logits less are
        more probable.
    unit : float
        Unit length of the picture [pixels].
    last : Layer
        The last layer of the network that the features are from: what is thought before any label.
    """
    rows = [known[solid == side] for side in (False, True)]
    rows = [one[:: -(-len(one) // MOST)].astype(np.float64) for one in rows]
    squares = max(solid.size / (SQUARE * unit) ** 2, 2.0)
    weight = np.concatenate([np.full(len(one), squares / 2 / len(one)) for one in rows])
    given, is_solid = np.concatenate(rows), np.repeat([False, True], [len(one) for one in rows])
    found, spread = _regressed(given, is_solid, weight, _prior(around.astype(np.float64)), last)
    others = found + stream(0, "labels").standard_normal((OTHERS, found.size)) @ spread.T
    as_labelled = (given @ found > 0) == is_solid
    return Taught(
        features=features_name(),
        weights=tuple(map(float, found)),
        others=tuple(tuple(map(float, one)) for one in others),
        pore=int((~solid).sum()),
        solid=int(solid.sum()),
        right=float((as_labelled[is_solid].mean() + as_labelled[~is_solid].mean()) / 2),
    )


def _prior(around: Array) -> Array:
    """Return the inverse covariance of the weights before any label: by what they change in the picture."""
    return np.asarray(around.T @ around / len(around) / FREE**2 + np.eye(around.shape[1]) / LOOSE**2)


def _regressed(
    given: Array, solid: NDArray[np.bool_], weight: Array, stiff: Array, last: Layer
) -> tuple[Array, Array]:
    """Return the most probable weights, and a matrix S: S times its transpose is their covariance."""
    before = np.zeros(given.shape[1])
    before[: len(last.weight[0])], before[-1] = last.weight[0][:, 0], last.bias[0]
    side = np.where(solid, 1.0, -1.0)

    def loss(now: Array) -> tuple[float, Array]:
        margin, pull = side * (given @ now), stiff @ (now - before)
        slope = -(side * weight * expit(-margin)) @ given
        return float(weight @ np.logaddexp(0, -margin) + (now - before) @ pull / 2), slope + pull

    def curvature(now: Array) -> Array:
        chance = expit(given @ now)
        doubted = given * (weight * chance * (1 - chance))[:, None]
        return np.asarray(doubted.T @ given + stiff)

    found = minimize(loss, before, jac=True, hess=curvature, method="trust-exact").x
    return found, np.linalg.inv(np.linalg.cholesky(curvature(found))).T


def _check(image: Micrograph, labels: NDArray[np.uint8]) -> None:
    if image.is_binary:
        raise InputError(
            f"{image.name} has two grey levels: it is segmented already, and labels change nothing"
        )
    if labels.shape != image.grey.shape:
        raise InputError(
            f"the labels are {labels.shape[0]} x {labels.shape[1]} pixels, wanted those of the image, "
            f"{image.grey.shape[0]} x {image.grey.shape[1]}; draw them on a copy of {image.name}"
        )
    found = np.unique(labels)
    if not np.isin(found, list(LABELS)).all():
        raise InputError(
            f"the labels hold the values {', '.join(map(str, found[:8]))}; wanted "
            f"{', '.join(f'{value} ({name})' for value, name in LABELS.items())}"
        )
    missing = [LABELS[value] for value in (PORE, SOLID) if value not in found]
    if missing:
        raise InputError(
            f"no pixel is labelled {' or '.join(missing)}; both phases need a few strokes, "
            f"{PORE} for pore and {SOLID} for solid"
        )
