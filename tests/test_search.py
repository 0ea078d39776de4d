"""The search: what is compared, by which optimiser, and reproducible random numbers."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import euler_number

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.recipe import AnyRecipe, BodiesRecipe, FieldsRecipe, PaperRecipe, Recipe
from porescape.core.results import Stage, Trial, best_of
from porescape.core.settings import LEAST_CUBE, Fit, Output, Settings
from porescape.errors import SettingsError
from porescape.fit.objective import DEGENERATE, SectionObjective, objective_for, unit_length
from porescape.fit.plan import families_of, planned_trials
from porescape.fit.samplers import SAMPLERS, START
from porescape.fit.search import CONFIRMATIONS, CONFIRMED, MOST_AHEAD, search
from porescape.measure.section.combined import combined_distance_function
from porescape.measure.section.describe import cut_windows, describe, slices_of
from porescape.parallel import OnProgress, no_progress
from porescape.rng import STAGES, stream
from porescape.section.specks import without_specks
from porescape.synthesis.components import radius_of
from porescape.synthesis.families import FAMILIES
from porescape.synthesis.families.fibres import fibres
from porescape.synthesis.families.fields import fields
from porescape.synthesis.families.grains import grains
from porescape.synthesis.generate import generate

T = TypeVar("T")
R = TypeVar("R")
VOXEL = 1e-7
MATERIAL = FieldsRecipe(
    solid_grains=0.2,
    pore_cells=0.5,
    branches=0.6,
    solid_grain_spacing=14 * VOXEL,
    pore_cell_spacing=10 * VOXEL,
    branch_width=2.5 * VOXEL,
    branch_cut=0.5,
    highpass_width=12 * VOXEL,
    porosity=0.6,
    smoothing=0.7 * VOXEL,
)


@pytest.fixture(scope="module")
def section() -> PhaseImage:
    return PhaseImage(generate(MATERIAL, Domain((128, 128, 8), VOXEL), 9).pore[:, :, 4], VOXEL)


# -- describing ------------------------------------------------------------------------------------


def test_stripes_have_the_statistics_we_can_work_out_by_hand() -> None:
    """Stripes 4 pixels wide across x: every number of the descriptor is known along x and along y."""
    stripes = np.tile((np.arange(64) // 4 % 2).astype(bool), (64, 1))
    found = describe(stripes[None], 2.0, 9)
    assert found.porosity[0] == 0.5
    assert found.lags.tolist() == [2.0 * i for i in range(9)]
    along = [0.5 * (1 - r / 4) if r <= 4 else 0.5 * (r / 4 - 1) for r in range(9)]
    np.testing.assert_allclose(found.s2[0], [0.5 * (a + 0.5) for a in along], atol=0.02)
    assert found.lineal_pore[0, 0] == 0.5
    assert found.lineal_pore[0, 4] == pytest.approx(0.25)  # 5 pixels fit along y only
    assert found.interface[0] == pytest.approx(0.5 * 15 / 63)
    # seven stripes have walls at 1, 2, 2, 1 pixels; the one at the border sees one wall: 1, 2, 3, 4
    assert (64 * found.distance_pore[0]).tolist()[:4] == [15, 30, 31, 32]
    assert found.euler[0, 0] == 0.0
    assert unit_length(found) == pytest.approx(2 * 0.25 / found.interface[0] * 2.0)


def test_chords_of_a_checkerboard_are_its_squares() -> None:
    y, x = np.indices((60, 60)) // 5
    found = describe(((x + y) % 2 == 0)[None], 1.0, 4)
    assert found.chord_pore == pytest.approx(5, rel=0.1)
    assert found.chord_solid == pytest.approx(5, rel=0.1)


def test_the_chord_distribution_does_not_mind_the_border() -> None:
    """Squares of 5 pixels: all chords are 5 long, also those that the border cuts."""
    y, x = np.indices((63, 63)) // 5
    found = describe(((x + y) % 2 == 0)[None], 1.0, 20)
    for phase in ("pore", "solid"):
        share = found.chord_distribution(phase)
        assert share.argmax() + 1 == 5
        assert share[4] > 0.9


def test_phases_trade_places() -> None:
    pore = np.random.default_rng(0).random((3, 40, 40)) < 0.4
    here, there = describe(pore, 1.0, 12), describe(~pore, 1.0, 12)
    np.testing.assert_allclose(here.lineal_pore, there.lineal_solid)
    np.testing.assert_allclose(here.distance_solid, there.distance_pore)
    np.testing.assert_allclose(here.covariance(), there.covariance(), atol=0.02)
    np.testing.assert_allclose(here.euler, -there.euler, atol=1e-12)


def test_shrunk_and_grown_pores_part_and_meet_where_they_must() -> None:
    """Two squares of 9 pixels, 6 apart, with a neck of 3 between them: worked out by hand."""
    pore = np.zeros((40, 50), dtype=bool)
    pore[15:24, 10:19] = pore[15:24, 25:34] = pore[18:21, 19:25] = True
    radii = (-4.0, 0.0, 1.0, 2.0, 4.0, 5.0)
    found = describe(pore[None], 1.0, 9, radii).euler[0] * 39 * 49
    # grown by 4 and as they are, one piece; shrunk by 2 the neck is gone; by 5, all
    assert found.tolist() == [1, 1, 1, 2, 2, 0]


@given(seed=st.integers(0, 99), radii=st.lists(st.floats(-4, 4), min_size=1, max_size=6, unique=True))
def test_euler_numbers_of_shrunk_pores_are_those_of_what_is_farther_from_the_wall(
    seed: int, radii: list[float]
) -> None:
    noise = np.random.default_rng(seed).random((24, 31))
    pore = ndimage.gaussian_filter(noise, 1.5) > 0.5
    distance = ndimage.distance_transform_edt(pore) - ndimage.distance_transform_edt(~pore)
    found = describe(pore[None], 1.0, 10, sorted(radii)).euler[0]
    for radius, euler in zip(sorted(radii), found, strict=True):
        inside = distance > radius
        expected = 0.5 * (euler_number(inside, 1) + euler_number(inside, 2))
        # counts of 2x2 blocks see no pixel beyond the border; scikit-image pads with solid
        padded = (
            describe(np.pad(inside, 1)[None], 1.0, 3).euler[0, 0]
            * (inside.shape[0] + 1)
            * (inside.shape[1] + 1)
        )
        assert padded == pytest.approx(expected)
        assert euler == pytest.approx(describe(inside[None], 1.0, 3).euler[0, 0])


def test_windows_cover_an_image_evenly() -> None:
    image = np.zeros((100, 250), dtype=bool)
    assert cut_windows(image, 96).shape == (2 * 3, 96, 96)
    assert cut_windows(image, 100).shape == (3, 100, 100)
    assert len(cut_windows(np.zeros((3000, 3000), dtype=bool), 96)) == 36


def test_slices_are_taken_across_all_three_axes() -> None:
    z = np.indices((12, 12, 12))[0]
    across = slices_of(z < 6, 12, 3)
    assert across.shape == (9, 12, 12)
    assert across[0].all()  # a slice across z inside the pore
    assert not across[2].any()
    assert across[3:].mean() == 0.5


def test_the_combined_distance_function_holds_every_pixel_once_per_zoom() -> None:
    pore = np.random.default_rng(1).random((50, 70)) < 0.5
    found = combined_distance_function(pore, VOXEL)
    assert found.shape[:2] == (3, 2)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1.0)
    assert found[0, 1].sum() == pytest.approx(pore.mean())


def test_combined_distances_are_those_of_the_material_at_every_zoom() -> None:
    stripes = np.tile((np.arange(480) // 12 % 2).astype(bool), (480, 1))
    found = combined_distance_function(stripes, VOXEL)
    typical = [np.average(np.arange(zoom.shape[1]), weights=zoom[1]) for zoom in found]
    assert max(typical) - min(typical) < 0.6  # pixels; enlarged pictures, but the same stripes


# -- the problem -----------------------------------------------------------------------------------


def test_the_truth_is_a_better_answer_than_another_material(section: PhaseImage) -> None:
    objective = SectionObjective(section, Fit(size=64), seed=3)
    right = sum(objective.evaluate(MATERIAL).values())
    coarser = fields(np.full(9, 0.8), 2e-6, 0.6)
    assert right < 0.6 * sum(objective.evaluate(coarser).values())


def test_a_structure_without_a_single_grain_is_a_bad_answer_not_a_crash(section: PhaseImage) -> None:
    empty = fields(np.array([1, 0, 0, 1, 1, 0, 0, 1, 0.0]), 1e-3, 0.6)
    assert SectionObjective(section, Fit(size=32), 0).evaluate(empty) == {"degenerate": DEGENERATE}


def test_loose_pieces_cost_only_where_they_are_asked_about(section: PhaseImage) -> None:
    cost = {
        phase: SectionObjective(section, Fit(size=48, percolate=phase), 0).evaluate(MATERIAL)["percolation"]  # type: ignore[arg-type]
        for phase in ("none", "pore", "solid", "both")
    }
    assert cost["none"] == 0
    assert cost["both"] == pytest.approx(cost["pore"] + cost["solid"])


@pytest.mark.parametrize(
    ("pores", "solids", "cost"), [(0.01, 0.0, 0.0), (0.05, 0.0, 0.03), (0.01, 0.02, 0.02)]
)
def test_a_few_closed_pores_cost_nothing_and_loose_solid_does(
    section: PhaseImage, monkeypatch: pytest.MonkeyPatch, pores: float, solids: float, cost: float
) -> None:
    shares = (1 - pores, 1 - solids)
    monkeypatch.setattr("porescape.fit.objective.largest_cluster_fraction", lambda pore: shares)
    found = SectionObjective(section, Fit(size=48), 0).evaluate(MATERIAL)["percolation"]
    assert found == pytest.approx(cost)


def test_specks_that_a_segmentation_removes_are_removed_from_replicas_too(section: PhaseImage) -> None:
    rough = replace(MATERIAL, smoothing=0.1 * VOXEL, branch_width=1.5 * VOXEL)  # has islands in sections
    clean = PhaseImage(without_specks(section.pore, 9), VOXEL, 9 * VOXEL**2)
    kept, removed = (
        SectionObjective(one, Fit(size=64), seed=0).evaluate(rough)["euler"]
        for one in (PhaseImage(clean.pore, VOXEL), clean)
    )
    assert removed < kept


def test_a_fit_in_pixels_and_in_nanometres_is_the_same_fit(section: PhaseImage) -> None:
    smaller = PhaseImage(section.pore, VOXEL / 1000)
    fit = Fit(size=32, trials=3)
    here, there = (list(search(objective_for(s, fit, 1), fit, 0)) for s in (section, smaller))
    assert [t.loss for t in here] == pytest.approx([t.loss for t in there])
    assert [t.x for t in here] == [t.x for t in there]


def test_weights_near_nothing_leave_a_field_out() -> None:
    x = np.full(9, 0.5)
    x[:3] = (0.1, 0.9, 0.0)
    assert (fields(x, 1e-6, 0.5).solid_grains, fields(x, 1e-6, 0.5).branches) == (0, 0)
    x[:3] = 0
    assert fields(x, 1e-6, 0.5).branches == 1  # something must be left


def test_the_papers_problem_looks_at_one_slice_only(section: PhaseImage) -> None:
    objective = objective_for(section, Fit(method="paper", size=48), 0)
    recipe = objective.recipe(np.full(9, 0.5))
    assert recipe == PaperRecipe((0.5,) * 9)
    assert set(objective.evaluate(recipe)) == {"combined_distance"}


# -- families --------------------------------------------------------------------------------------


@given(x=st.tuples(*[st.floats(0, 1)] * 3), porosity=st.floats(0.05, 0.95))
def test_bodies_have_the_radius_that_was_asked_for(x: tuple[float, ...], porosity: float) -> None:
    wanted = 1e-6 * 0.25 * 12 ** x[0]
    for made in (fibres(np.array(x), 1e-6, porosity), grains(np.array(x[:2]), 1e-6, porosity)):
        assert radius_of(made) == pytest.approx(wanted, rel=1e-6)
        assert isinstance(made, BodiesRecipe)


def test_auto_tries_all_families_where_there_are_trials_enough() -> None:
    assert families_of(Fit()) == {"fields": 200, "fibres": 100, "grains": 60}
    assert planned_trials(Fit()) == 200 + 100 + 60 + 3 * 3
    assert families_of(Fit(trials=99)) == {"fields": 99}
    assert planned_trials(Fit(trials=99)) == 99
    assert families_of(Fit(family="grains", trials=300)) == {"grains": 300}
    assert families_of(Fit(method="paper")) == {"fields": 200}
    with pytest.raises(SettingsError, match="three fields of its own, got family 'grains'"):
        Fit(method="paper", family="grains")
    with pytest.raises(SettingsError, match="family must be one of auto, fields, fibres, grains, got 'foam'"):
        families_of(Fit(family="foam"))


def test_each_family_has_its_own_random_numbers() -> None:
    """A family's stream is its own for ever: the first three share numbers with no other stage of `rng`."""
    streams = [family.stream for family in FAMILIES.values()]
    assert len(set(streams)) == len(streams)
    taken = {STAGES.index(name) for name in STAGES if not name.startswith("search")}
    assert all(stream in (0, 6, 7) or stream >= 100 for stream in streams)
    assert not taken & set(streams)


class Rivals:
    """Families that differ only in the small patterns of their sections."""

    def __init__(self) -> None:
        self.dimensions = {name: family.dimension for name, family in FAMILIES.items()}

    def recipe(self, x: np.ndarray, family: str) -> Recipe:
        return FAMILIES[family].recipe(x, 1e-6, 0.5)

    def evaluate(self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False) -> dict[str, float]:
        assert not isinstance(recipe, PaperRecipe)
        loss = {"bowl": abs(recipe.smoothing * 1e6 - 0.2)}
        if not patterns:
            return loss
        return loss | {"patterns": 0.1 if isinstance(recipe, BodiesRecipe) and recipe.length else 0.5}


def test_families_are_compared_on_realizations_that_no_search_has_seen() -> None:
    trials = list(search(Rivals(), Fit(trials=120), 0))
    assert len(trials) == planned_trials(Fit(trials=120))
    assert [trial.number for trial in trials] == list(range(len(trials)))
    compared = [trial for trial in trials if trial.stage is Stage.COMPARE]
    assert [(trial.family, trial.realization) for trial in compared] == [
        (family, realization) for family in FAMILIES for realization in (4, 5, 6)
    ]
    for family in FAMILIES:  # what is compared is the best of its own search
        own = [trial for trial in trials if trial.family == family and trial.stage is not Stage.COMPARE]
        assert {trial.x for trial in compared if trial.family == family} == {best_of(own).x}
    looked = [trial for trial in trials if trial.family == "fields" and trial.stage is not Stage.COMPARE]
    assert all("patterns" not in trial.parts for trial in looked)
    assert best_of(trials).family == "fibres"
    assert best_of(trials[:50]).family == "fields"  # before anything was compared


def test_the_fields_of_auto_are_those_of_fields_alone() -> None:
    fit = Fit(trials=120)
    alone = list(search(Rivals(), replace(fit, family="fields"), 4))
    assert [t.x for t in search(Rivals(), fit, 4)][: len(alone)] == [t.x for t in alone]


@given(kept=st.integers(0, 225))
def test_a_search_of_all_families_goes_on_from_anywhere(kept: int) -> None:
    fit = Fit(trials=120, sampler="sobol")
    whole = list(search(Rivals(), fit, 2))
    elsewhere = Elsewhere()
    found = list(search(Rivals(), fit, 2, known=whole[:kept], parallel_map=elsewhere))
    assert answers_of(found) == answers_of(whole)
    assert sum(elsewhere.batches) == planned_trials(fit) - kept


def test_fibres_are_known_by_their_sections() -> None:
    """From one section of a mat of straight fibres, their thickness too."""
    mat = fibres(np.array([0.25, 0.6, 0.3]), 5 * VOXEL, 0.75)
    section = PhaseImage(generate(mat, Domain((160,) * 3, VOXEL), 5).pore[48], VOXEL)
    fit = Fit(trials=100, size=64)
    found = best_of(list(search(objective_for(section, fit, 0), fit, 0)))
    assert found.family == "fibres"
    assert radius_of(found.recipe) == pytest.approx(radius_of(mat), rel=0.15)


# -- the optimisers --------------------------------------------------------------------------------


class Bowl:
    """A problem with a known answer."""

    def __init__(self) -> None:
        self.dimensions = {"fields": 4}

    def recipe(self, x: np.ndarray, family: str) -> PaperRecipe:
        return PaperRecipe((*map(float, x), 1.0, 0.0, 0.0, 0.0, 0.0))

    def evaluate(self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False) -> dict[str, float]:
        assert isinstance(recipe, PaperRecipe)
        return {"bowl": sum((value - 0.3) ** 2 for value in recipe.x[:4])}


@pytest.mark.parametrize(("sampler", "depth"), [("sobol", 0.1), ("tpe", 0.03), ("cma", 0.003)])
def test_samplers_find_the_bottom_of_a_bowl(sampler: str, depth: float) -> None:
    trials = list(search(Bowl(), Fit(family="fields", trials=120, sampler=sampler), 0))
    assert len(trials) == 120
    assert best_of(trials).loss < depth
    again = search(Bowl(), Fit(family="fields", trials=120, sampler=sampler), 0)
    assert [t.x for t in again] == [t.x for t in trials]


class Lottery(Bowl):
    """Every recipe is as good as any other; what differs is luck on the first realization."""

    def evaluate(self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False) -> dict[str, float]:
        assert isinstance(recipe, PaperRecipe)
        return {"luck": recipe.x[0] if realization == 0 else 1 - recipe.x[0]}


def test_the_best_is_chosen_on_realizations_the_search_did_not_see() -> None:
    trials = list(search(Lottery(), Fit(family="fields", trials=120, sampler="sobol"), 0))
    assert len(trials) == 120
    again = [trial for trial in trials if trial.stage is Stage.CONFIRM]
    assert len(again) == CONFIRMED * CONFIRMATIONS
    confirmed = {trial.x[0] for trial in again}
    assert best_of(trials).x[0] == max(confirmed)  # the least lucky of those that were tried again


def test_a_search_can_be_stopped_and_keeps_its_trials() -> None:
    endless = search(Bowl(), Fit(family="fields", trials=10**6), 0)
    trials = [trial for trial, _ in zip(endless, range(7), strict=False)]
    assert [t.number for t in trials] == list(range(7))


class Elsewhere:
    """Tries questions in a strange order, all of a batch at once, and answers in order."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
    ) -> Iterator[R]:
        asked = list(items)
        self.batches.append(len(asked))
        turned = [work(item, progress) for item in reversed(asked)]
        return reversed(turned)


def answers_of(trials: Iterable[Trial]) -> list[tuple[int, tuple[float, ...], float, int]]:
    return [(t.number, t.x, t.loss, t.stage, t.realization) for t in trials]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_trials_are_the_same_on_any_workers(sampler: str) -> None:
    fit = Fit(family="fields", trials=130, sampler=sampler)
    alone = list(search(Bowl(), fit, 0))
    elsewhere = Elsewhere()
    assert answers_of(search(Bowl(), fit, 0, parallel_map=elsewhere)) == answers_of(alone)
    confirmed = CONFIRMED * CONFIRMATIONS
    assert (
        elsewhere.batches
        == {
            "cma": [START, *[8] * 9, 2, confirmed],  # generations of 4 + 3 ln 4 points; the last one in part
            "tpe": [*[1] * 106, confirmed],
            "sobol": [106, confirmed],
        }[sampler]
    )


def test_a_generation_is_ten_points_where_recipes_are_sought() -> None:
    sampler = SAMPLERS["cma"](9, 200, stream(0, "search"))
    for wanted in (START, 10, 10):
        assert sampler.ahead == wanted
        points = [sampler.ask() for _ in range(wanted)]
        assert sampler.ahead == 0
        for x in points:
            sampler.tell(np.clip(x, 0, 1), float(x.sum()))


@given(kept=st.integers(0, 110), sampler=st.sampled_from(["cma", "sobol"]))
def test_a_search_goes_on_from_the_middle_of_a_batch(kept: int, sampler: str) -> None:
    fit = Fit(family="fields", trials=110, sampler=sampler)
    whole = list(search(Bowl(), fit, 2))
    elsewhere = Elsewhere()
    found = list(search(Bowl(), fit, 2, known=whole[:kept], parallel_map=elsewhere))
    assert answers_of(found) == answers_of(whole)
    assert sum(elsewhere.batches) == 110 - kept  # none twice


def test_questions_without_end_are_asked_in_pieces() -> None:
    elsewhere = Elsewhere()
    trials = search(Bowl(), Fit(family="fields", trials=10**5, sampler="sobol"), 0, parallel_map=elsewhere)
    for _, _ in zip(trials, range(MOST_AHEAD + 1), strict=False):
        pass
    assert elsewhere.batches == [MOST_AHEAD] * 2


def test_one_after_the_other_nothing_is_tried_before_it_is_wanted() -> None:
    tried: list[object] = []

    class Noted(Bowl):
        def evaluate(
            self, recipe: AnyRecipe, realization: int = 0, patterns: bool = False
        ) -> dict[str, float]:
            tried.append(recipe)
            return super().evaluate(recipe, realization, patterns)

    for trial in search(Noted(), Fit(family="fields", trials=40), 0):
        assert len(tried) == trial.number + 1


def test_an_unknown_sampler_is_named() -> None:
    with pytest.raises(SettingsError, match="sampler must be one of cma, tpe, sobol, got 'magic'"):
        next(search(Bowl(), Fit(sampler="magic"), 0))


def test_every_sampler_draws_only_from_its_own_stream() -> None:
    for name, kind in SAMPLERS.items():
        one, two = (kind(3, 40, stream(0, "search", 5)) for _ in range(2))
        np.random.default_rng(0).random(100)  # somebody else's randomness
        for _ in range(36):
            a, b = one.ask(), two.ask()
            assert np.array_equal(a, b), name
            one.tell(a, float(a.sum()))
            two.tell(b, float(b.sum()))


def test_the_papers_method_fits_cubes_as_large_as_the_delivered_ones() -> None:
    fit = Fit(method="paper", size=96)
    assert Settings(fit=fit, output=Output(size=(64, 128, 100))).tried == replace(fit, size=128)
    assert Settings(fit=fit, output=Output(size=(16, 16, 16))).tried.size == LEAST_CUBE
    own = Settings(fit=Fit(size=96), output=Output(size=(64, 128, 100)))
    assert own.tried is own.fit
