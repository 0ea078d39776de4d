"""The results of a run as plain data: trials, replicas, their selection, and the whole reconstruction."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from porescape.core.check import Check
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.measurement import Estimate, Measurement
from porescape.core.prepared import Prepared
from porescape.core.recipe import AnyRecipe
from porescape.core.settings import Settings
from porescape.core.volume import Volume


class Stage(StrEnum):
    """The purpose of a trial of the search."""

    EXPLORE = "explore"  # recipes compared on one realization of the random fields
    CONFIRM = "confirm"  # the best few of a family again, on other realizations
    COMPARE = "compare"  # the best of each family, on realizations that no search has used


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of the search: a recipe and its loss.

    Attributes
    ----------
    number : int
        From 0, in the order of the trials.
    x : tuple of float
        Point of the unit cube.
    recipe : Recipe or PaperRecipe
        The recipe at this point.
    loss : float
        The objective that the search minimises.
    parts : dict of str to float
        The parts of the loss.
    seconds : float
        Duration.
    stage : Stage
        Its purpose.
    realization : int
        Number of the realization of the random fields; 0 is that of the exploration.
    family : str
        Family of its recipe.
    """

    number: int
    x: tuple[float, ...]
    recipe: AnyRecipe
    loss: float
    parts: dict[str, float]
    seconds: float
    stage: Stage = Stage.EXPLORE
    realization: int = 0
    family: str = "fields"


def best_of(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the best recipe: smallest mean loss over the most realizations it was tried on.

    Between families the stage "compare" decides; before it begins, the best recipe of the first family
    is returned.
    """
    compared = [trial for trial in trials if trial.stage is Stage.COMPARE]
    losses: dict[tuple[str, tuple[float, ...]], list[float]] = {}
    for trial in compared or [trial for trial in trials if trial.family == trials[0].family]:
        losses.setdefault((trial.family, trial.x), []).append(trial.loss)
    most = max(map(len, losses.values()))
    means = {which: sum(found) / len(found) for which, found in losses.items() if len(found) == most}
    best = min(means, key=lambda which: means[which])
    return next(trial for trial in trials if (trial.family, trial.x) == best)


FEW_CROPS = 16  # separate crops in a section; with fewer, real against real differs from 50 % by 9 points


@dataclass(frozen=True, slots=True)
class TwoSampleTest:
    """Classifier two-sample test: how well a random forest tells crops of a replica from crops of the image.

    Attributes
    ----------
    accuracy : float
        Fraction of held-out crops classified correctly, mean over both classes; 0.5 is guessing, 1 is
        always correct. Can fall below 0.5 by chance.
    error : float
        Its standard error: the scatter between held-out regions or, if larger, the binomial error for
        as many independent crops as fit side by side into image and replica.
    crop : int
        Edge of a crop [pixels].
    crops : int
        Held-out crops of each class. They overlap.
    separate : int
        Crops that fit into the image side by side: a measure of how much data the image has.
    importance : dict of str to float
        Share of each group of features in the forest's decisions, largest first; they add up to 1.
    words : str
        The feature of the first group that differs most.
    in_image, in_replica : float
        Its mean over the crops.
    """

    accuracy: float
    error: float
    crop: int
    crops: int
    separate: int
    importance: dict[str, float]
    words: str
    in_image: float
    in_replica: float

    @property
    def sentence(self) -> str:
        """The result as a sentence."""
        found = f"told apart in {100 * self.accuracy:.0f} ± {100 * self.error:.0f} % of held-out crops"
        if self.accuracy - 0.5 <= 2 * self.error:
            return f"{found}, no better than guessing"
        group, share = next(iter(self.importance.items()))
        more = "more" if self.in_replica > self.in_image else "less"
        return (
            f"{found}; the largest difference is in {group} ({100 * share:.0f} % of the forest's decisions): "
            f"{self.words}, {more} in the replica ({self.in_replica:.3g}) than in the image "
            f"({self.in_image:.3g})"
        )

    @property
    def caution(self) -> str:
        """A warning about the test itself; empty if there is none."""
        if self.separate >= FEW_CROPS:
            return ""
        return (
            f"the image holds only {self.separate} separate crops of {self.crop} pixels; with fewer than "
            f"{FEW_CROPS} the two-sample test may be off by 10 points: use it only to compare replicas"
        )


@dataclass(frozen=True, slots=True)
class Similarity:
    """How similar one replica is to the image in what the fit did not use.

    Attributes
    ----------
    held_out : dict of str to float
        Distance from the image in each held-out descriptor, in standard errors; 0.8 is expected by chance.
    two_sample : TwoSampleTest or None
        None if image or replica is too small for the test.
    """

    held_out: dict[str, float]
    two_sample: TwoSampleTest | None

    @property
    def distance(self) -> float:
        """Mean over the held-out descriptors."""
        return float(np.mean(list(self.held_out.values())))


@dataclass(frozen=True, slots=True)
class Score(Similarity):
    """The similarity of one replica, ranked among the replicas.

    Attributes
    ----------
    total : float
        The score by which replicas are ranked, lower is better; 0 is the mean of all replicas.
    """

    total: float


@dataclass(frozen=True, slots=True)
class Selection:
    """Replica selection: which replica is most like the image in what the fit did not use.

    Attributes
    ----------
    scores : tuple of Score
        One per replica, in their order.
    selected : int
        Index of the one with the lowest total, from 0.
    reason : str
    cautions : tuple of str
    """

    scores: tuple[Score, ...]
    selected: int
    reason: str
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run: a trial of replica `replica`, or the end of a stage.

    Attributes
    ----------
    stage : str
        "segment", "fit", "generate" (the fit is complete), "refine" (the structure is generated), "measure",
        "interval"; "restored" for a complete replica from a checkpoint.
    replica : int
        From 0; -1 if the stage has no replica.
    trial : Trial or None
        The trial just completed.
    step : str
        What was just measured; empty when a stage is complete.
    seconds : float
        Time that the stage has taken so far.
    warnings : tuple of str
        What is known to be doubtful before anything is fitted; with the stage "segment".
    """

    stage: str
    replica: int = -1
    trial: Trial | None = None
    step: str = ""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """One fitted structure.

    Attributes
    ----------
    index : int
        From 0.
    seed : int
        Seed of its random fields.
    recipe : Recipe or PaperRecipe
        The recipe from which it was generated.
    trials : tuple of Trial
        Every trial of its search, in order.
    volume : Volume
    measurement : Measurement
    similarity : Similarity
    seconds : dict of str to float
        Time spent on "fit", "generate", "refine", "measure" and "select".
    """

    index: int
    seed: int
    recipe: AnyRecipe
    trials: tuple[Trial, ...]
    volume: Volume
    measurement: Measurement
    similarity: Similarity
    seconds: dict[str, float]

    @property
    def loss(self) -> float:
        """Loss of the chosen recipe, on the random fields of the exploration."""
        return best_of(self.trials).loss

    @property
    def family(self) -> str:
        """Family of the chosen recipe: "fields", "fibres" or "grains"."""
        return best_of(self.trials).family


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """Everything one run produced, and everything needed to run it again.

    Attributes
    ----------
    prepared : Prepared
        The image, its mask, checks and section, and the settings.
    replicas : tuple of Replica
    properties : dict of str to Estimate
        Mean, standard deviation and interval over replicas, by the names of `measure.meters.NUMBERS`.
    selection : Selection
        Which replica is most like the image, and why.
    seed : int
    warnings : tuple of str
        Points that make the numbers less certain.
    """

    prepared: Prepared
    replicas: tuple[Replica, ...]
    properties: dict[str, Estimate]
    selection: Selection
    seed: int
    warnings: tuple[str, ...]

    @property
    def image(self) -> Micrograph:
        """The image as it was read."""
        return self.prepared.image

    @property
    def phase(self) -> PhaseImage:
        """The segmented image at its own pixel size."""
        return self.prepared.phase

    @property
    def section(self) -> PhaseImage:
        """The same at the voxel size of the replicas: the input of the fit."""
        return self.prepared.section

    @property
    def checks(self) -> tuple[Check, ...]:
        """Whether the image is representative of an isotropic, homogeneous material."""
        return self.prepared.checks

    @property
    def settings(self) -> Settings:
        """All settings of the run, except the image and the seed."""
        return self.prepared.settings

    @property
    def thickness(self) -> float:
        """Of the box along z [m]."""
        return self.settings.output.size[0] * self.section.pixel_size

    @property
    def selected(self) -> Replica:
        """The replica that is most like the image."""
        return self.replicas[self.selection.selected]
