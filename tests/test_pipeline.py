"""The whole story, small: one image in, replicas and numbers out."""

import math
from dataclasses import replace

import numpy as np
import pytest

from errands import fail, square
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.results import Progress, Reconstruction
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.intervals.method_error import material_errors, method_errors
from porescape.io.images.image import image_from_array
from porescape.jobs.reconstruct import reconstruct
from porescape.measure.meters import NUMBERS
from porescape.measure.summary import interval_of
from porescape.parallel import map_ordered
from porescape.sample import load_truth
from porescape.section.checks import NAMES as CHECKS
from porescape.section.prepare import prepare
from porescape.section.resample import at_voxel_size, choose_voxel_size
from porescape.section.specks import without_specks

SMALL = Settings(fit=Fit(trials=6, size=48), output=Output(size=(48, 40, 44), replicas=2, refine=20))
# the same structures, where only they matter
HARDLY_MEASURED = replace(SMALL, measure=Measure(numbers=("specific_surface",), interval="replicas"))
ONE_REPLICA = replace(HARDLY_MEASURED, output=replace(SMALL.output, replicas=1))


@pytest.fixture(scope="module")
def image() -> Micrograph:
    truth = load_truth()
    grey = np.where(truth.pore[64], 0.2, 0.8) + np.random.default_rng(0).normal(0, 0.05, (128, 128))
    return image_from_array(grey, truth.voxel_size, "section")


@pytest.fixture(scope="module")
def result(image: Micrograph) -> Reconstruction:
    return reconstruct(image, SMALL, seed=3)


def test_every_number_comes_with_its_interval(result: Reconstruction) -> None:
    assert set(result.properties) == set(NUMBERS)
    porosity = result.properties["porosity"]
    assert porosity.n == 2
    assert porosity.mean == pytest.approx(result.phase.porosity, abs=1e-3)
    surface = result.properties["specific_surface"]
    assert surface.ci95[0] < surface.mean < surface.ci95[1]


def test_an_interval_tells_its_four_parts_and_says_where_one_is_not_known(result: Reconstruction) -> None:
    widths = method_errors(material_errors("refined"))
    for name, e in result.properties.items():
        if e.parts:  # else one of the structures behind the slopes lacks the number
            assert set(e.parts) - {"method"} == {"replicas", "threshold", "sample"}
            assert e.parts.get("method") == (widths[name] * abs(e.mean) if name in widths else None)
            total = math.hypot(*e.parts.values())
            assert e.ci95 == interval_of(e.mean, total, NUMBERS[name].least, NUMBERS[name].most)
    with_method = {name for name, e in result.properties.items() if "method" in e.parts}
    assert {"specific_surface", "body_diameter", "porosity"} <= with_method
    assert not {name for name in with_method if NUMBERS[name].group == "filtration"}


def test_no_positive_number_has_an_interval_below_zero(result: Reconstruction) -> None:
    lows = {name: e.ci95[0] for name, e in result.properties.items() if name != "euler_density"}
    assert all(low >= 0 for low in lows.values() if not math.isnan(low))


def test_what_is_not_refined_has_the_error_of_what_is_not(image: Micrograph) -> None:
    rough = replace(SMALL, output=replace(SMALL.output, refine=0), measure=Measure(numbers=("chord_pore",)))
    found = reconstruct(image, rough, seed=3).properties["chord_pore"]
    share = method_errors(material_errors("as generated"))["chord_pore"]
    assert found.parts["method"] == share * found.mean


def test_replicas_have_the_box_that_was_asked_for(result: Reconstruction) -> None:
    assert [replica.volume.shape for replica in result.replicas] == [(48, 40, 44)] * 2
    assert {replica.volume.voxel_size for replica in result.replicas} == {result.section.pixel_size}
    first, second = result.replicas
    assert not np.array_equal(first.volume.pore, second.volume.pore)
    assert first.recipe != second.recipe  # each is fitted on its own


def test_replicas_are_equal_on_one_and_on_two_workers(image: Micrograph, result: Reconstruction) -> None:
    events: list[Progress] = []
    parallel = reconstruct(image, HARDLY_MEASURED, seed=3, workers=2, progress=events.append)
    for one, other in zip(result.replicas, parallel.replicas, strict=True):
        assert one.volume.pore.tobytes() == other.volume.pore.tobytes()
        assert one.recipe == other.recipe
        assert [t.loss for t in one.trials] == [t.loss for t in other.trials]
    told = [event.trial for event in events if event.trial is not None]
    assert len(told) == 2 * SMALL.fit.trials


def test_another_seed_is_another_answer(image: Micrograph, result: Reconstruction) -> None:
    other = reconstruct(image, ONE_REPLICA, seed=4)
    assert other.replicas[0].recipe != result.replicas[0].recipe


def test_the_first_replica_does_not_depend_on_how_many_there_are(
    image: Micrograph, result: Reconstruction
) -> None:
    alone = reconstruct(image, ONE_REPLICA, seed=3)
    assert alone.replicas[0].volume.pore.tobytes() == result.replicas[0].volume.pore.tobytes()
    assert np.isnan(alone.properties["specific_surface"].sd)  # one replica has no spread


def test_an_image_prepared_without_its_checks_is_checked_before_it_is_reconstructed(
    image: Micrograph,
) -> None:
    full = replace(ONE_REPLICA, measure=Measure(numbers=("specific_surface",)))
    unchecked = prepare(image, full, check=False)
    assert unchecked.checks == ()
    assert unchecked.segmented.others is None
    found = reconstruct(unchecked, seed=3)
    assert [check.name for check in found.prepared.checks] == list(CHECKS)
    assert set(found.properties["specific_surface"].parts) >= {"threshold", "sample"}
    assert found.prepared.section.pore.tobytes() == unchecked.section.pore.tobytes()


def test_the_papers_method_runs_by_name(image: Micrograph) -> None:
    paper = replace(
        SMALL,
        fit=Fit(method="paper", trials=4, size=48),
        output=Output(size=(48, 48, 48), replicas=1),
    )
    found = reconstruct(image, paper, seed=0)
    assert len(found.replicas[0].trials) == 4
    assert set(found.replicas[0].trials[0].parts) == {"combined_distance"}
    assert not any(e.parts for e in found.properties.values())  # nobody knows its own error here


def test_progress_can_stop_the_work(image: Micrograph) -> None:
    class Stop(Exception):
        pass

    def stop(event: Progress) -> None:
        if event.trial is not None and event.trial.number == 2:
            raise Stop

    for workers in (1, 2):
        with pytest.raises(Stop):
            reconstruct(image, SMALL, seed=3, workers=workers, progress=stop)


# -- the voxel size --------------------------------------------------------------------------------


def stripes(width: int, n: int = 240) -> PhaseImage:
    return PhaseImage(np.tile((np.arange(n) // width % 2).astype(bool), (n, 1)), 1e-7)


def test_fine_features_keep_the_pixels_and_coarse_ones_are_coarsened() -> None:
    assert choose_voxel_size(stripes(4), Output()) == 1e-7
    assert choose_voxel_size(stripes(40), Output()) > 1.5e-7
    assert choose_voxel_size(stripes(40), Output(voxel_size=2e-8)) == 2e-8


def test_resampling_keeps_porosity_and_size() -> None:
    image = stripes(24)
    coarse = at_voxel_size(image, 3e-7)
    assert coarse.pore.shape == (80, 80)
    assert coarse.porosity == pytest.approx(image.porosity, abs=0.02)
    assert at_voxel_size(image, 1e-7) is image


def test_resampling_keeps_the_area_of_specks_and_leaves_none() -> None:
    chance = np.random.default_rng(0).random((240, 240))
    noisy = PhaseImage(chance > 0.5, 1e-7, 12e-14)
    coarse = at_voxel_size(noisy, 2e-7)
    assert coarse.speck == noisy.speck
    assert coarse.speck_pixels == 3
    np.testing.assert_array_equal(coarse.pore, without_specks(coarse.pore, 3))


def test_too_coarse_a_voxel_is_refused() -> None:
    with pytest.raises(InputError, match="only 24 x 24 pixels, but 48 are needed"):
        at_voxel_size(stripes(24), 1e-6)


def test_a_box_with_few_pores_is_said(image: Micrograph, result: Reconstruction) -> None:
    assert any("pore-to-pore distances wide" in warning for warning in result.warnings)
    networks = [replica.measurement.details.network for replica in result.replicas]
    whole = [np.count_nonzero(network.interior) for network in networks if network is not None]
    told = next(warning for warning in result.warnings if "statistics of pores" in warning)
    fewest = 1 + int(np.argmin(whole))
    assert told.endswith(f"replica {fewest} holds {min(whole)} whole ones, wanted 30 or more")


# -- parallel work ---------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2])
def test_results_keep_the_order_and_messages_arrive(workers: int) -> None:
    heard: list[object] = []
    assert list(map_ordered(square, range(5), workers, heard.append)) == [0, 1, 4, 9, 16]
    assert sorted(heard) == [(i, step) for i in range(5) for step in range(3)]


def test_an_error_in_a_worker_is_the_callers() -> None:
    with pytest.raises(SettingsError, match="item 0"):
        list(map_ordered(fail, range(3), 2))


def test_a_volume_cannot_be_edited_behind_our_back() -> None:
    pore = np.ones((2, 2, 2), dtype=bool)
    volume = Volume(pore, 1.0)
    pore[:] = False
    assert volume.pore.all()
    with pytest.raises(ValueError, match="read-only"):
        volume.pore[0] = False


def test_what_is_known_to_be_doubtful_is_said_before_anything_is_fitted(image: Micrograph) -> None:
    class Heard(Exception):
        pass

    def hear(event: Progress) -> None:
        assert event.stage == "segment"  # the first of all
        assert event.warnings == prepare(image, SMALL).warnings
        assert any("the box is only" in warning for warning in event.warnings)
        raise Heard

    with pytest.raises(Heard):
        reconstruct(image, SMALL, seed=3, progress=hear)
