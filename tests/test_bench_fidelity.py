"""The bench of fidelity: its baselines, its own truths and its tables, where they can be worked out."""

import importlib
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import multivariate_normal, norm

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.measure.geometry.correlation import mean_chords

BENCH = Path(__file__).resolve().parents[1] / "bench"
VOXEL = 1e-7


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(BENCH)


def bench(name: str) -> ModuleType:
    """One of the bench's files, which are no package."""
    module = importlib.import_module(name)
    assert Path(str(module.__file__)).parent == BENCH
    return module


def smooth_noise(shape: tuple[int, ...], width: float, porosity: float, seed: int = 0) -> np.ndarray:
    field = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width, mode="wrap")
    return field > np.quantile(field, 1 - porosity)


# -- the Gaussian field with the image's S2 ---------------------------------------------------------


def test_a_field_cut_in_half_follows_the_arcsine_law() -> None:
    rho = np.linspace(-1, 1, 9)
    assert bench("baselines").cut_correlation(rho, 0.5) == pytest.approx(2 / np.pi * np.arcsin(rho), abs=1e-6)


@pytest.mark.parametrize("porosity", [0.2, 0.7])
@pytest.mark.parametrize("rho", [-0.4, 0.3, 0.9])
def test_the_law_of_any_cut_is_that_of_two_normal_variables(porosity: float, rho: float) -> None:
    level = norm.ppf(1 - porosity)
    both = multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf([-level, -level])  # as above as below
    expected = (both - porosity**2) / (porosity - porosity**2)
    found = bench("baselines").cut_correlation(rho, porosity)
    assert found == pytest.approx(expected, abs=1e-4)
    assert bench("baselines").field_correlation(found, porosity) == pytest.approx(rho, abs=1e-6)


def test_the_field_has_the_porosity_and_the_curves_of_a_section_that_is_one() -> None:
    curves = bench("curves")
    truth = Volume(smooth_noise((96, 96, 96), 3, 0.35), VOXEL)
    section = PhaseImage(smooth_noise((300, 300), 3, 0.35, seed=1), VOXEL)  # a plane of such a field is one
    made = bench("baselines").gaussian_like(section, 96, seed=2)
    assert made.porosity == pytest.approx(section.porosity, abs=1e-5)
    last = curves.last_lag([truth])
    found, wanted = curves.curves_of(made), curves.curves_of(truth)
    for name in curves.CURVES:
        assert curves.relative_l1(found[name], wanted[name], last) < 0.07, name


def test_blobs_have_the_porosity_and_the_mean_pore_chord_of_the_section() -> None:
    section = PhaseImage(smooth_noise((200, 200), 3, 0.3), VOXEL)
    made = bench("baselines").blobs_like(section, 64, seed=2**40)
    assert made.porosity == pytest.approx(section.porosity, abs=1e-5)
    chord = mean_chords(Volume(section.pore[None], VOXEL))[0]
    assert mean_chords(made)[0] == pytest.approx(chord, rel=0.006)


# -- the very process again -------------------------------------------------------------------------


def test_balls_placed_again_at_random_have_the_porosity_and_the_wall_of_the_process() -> None:
    radius = bench("baselines").BALL_RADIUS
    section = PhaseImage(smooth_noise((64, 64), 3, 0.56), VOXEL)
    porosity = section.porosity
    # Torquato (2002): surface per volume of overlapping balls; chords are 4 times phase over surface
    chord = 4 / 3 * radius / -np.log(porosity) * VOXEL
    for kind, exact in (("balls", True), ("voxel-balls", False)):
        volume = bench("baselines").FLOORS[kind](section, 128, 3)
        assert volume.porosity == pytest.approx(porosity, abs=1e-6 if exact else 0.04)
        assert mean_chords(volume)[0] == pytest.approx(chord, rel=0.12)
    assert (
        bench("baselines").balls_again(section, 64, 3).pore
        == bench("baselines").balls_again(section, 64, 3).pore
    ).all()


# -- curves -----------------------------------------------------------------------------------------


def test_curves_start_at_the_share_of_their_phase() -> None:
    pore = smooth_noise((32, 32, 32), 2, 0.3)
    found = bench("curves").curves_of(Volume(pore, VOXEL))
    for name, curve in found.items():
        assert curve[0] == pytest.approx(pore.mean() if "pore" in name else 1 - pore.mean(), abs=1e-6)
        assert len(curve) == 17


def test_a_curve_a_tenth_too_high_is_a_tenth_off() -> None:
    truth = np.linspace(1, 0, 11)
    distance = bench("curves").relative_l1
    assert distance(truth, truth, 10) == 0
    assert distance(1.1 * truth, truth, 5) == pytest.approx(0.1)


# -- truths of our own making -----------------------------------------------------------------------


def test_packed_balls_fill_their_share_and_do_not_overlap() -> None:
    own = bench("own_truths")
    centres, radii = own.packing(48, 7.0, 0.5, spread=0.05, seed=0)
    assert (4 / 3 * np.pi * radii**3).sum() / 48**3 == pytest.approx(0.5)
    apart = centres[:, None] - centres
    distance = np.linalg.norm(apart - 48 * np.rint(apart / 48), axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (radii[:, None] + radii - distance).max() < own.LEAST_OVERLAP * 7
    pore = own.distance_to_balls(centres, radii, 48) > 0
    assert 1 - pore.mean() == pytest.approx(0.5, abs=0.01)  # balls made of voxels


def test_the_distance_to_a_ball_goes_round_the_corner() -> None:
    field = bench("own_truths").distance_to_balls(np.array([[0.5, 0.5, 31.5]]), np.array([4.0]), 32)
    assert field[0, 0, 31] == -4
    assert field[0, 0, 2] == pytest.approx(-1)
    assert field[29, 0, 31] == pytest.approx(-1)
    assert field.max() == 8


def test_demixing_parts_the_phases_and_keeps_the_porosity() -> None:
    pore = bench("own_truths").demixed(48, 0.4, seed=0, steps=120)
    assert pore.shape == (48, 48, 48)
    assert pore.mean() == pytest.approx(0.4, abs=1e-4)
    assert mean_chords(Volume(pore, 1.0))[0] > 4


def test_foam_is_open() -> None:
    pore = bench("own_truths").open_foam(48, solid_grains=6, porosity=0.8)
    assert pore.mean() == pytest.approx(0.8, abs=1e-4)
    assert not pore.all(axis=(0, 1)).any()  # struts everywhere


# -- tables -----------------------------------------------------------------------------------------


def way(title: str, **errors: list[float]) -> object:
    """A way with one slice, two replicas and one number per material, off by these percentages."""
    slices = {
        name: [{"porosity": [0.5 * (1 + e / 100)] * 2} for e in every] for name, every in errors.items()
    }
    return bench("ways").Way(title, 2, slices)


TRUTHS = {name: {"porosity": (0.5, 0.01)} for name in ("a", "b", "c")}


def test_errors_are_of_means_over_replicas_and_what_is_not_there_is_wrong_without_bound() -> None:
    tables = bench("tables")
    one = bench("ways").Way("x", 2, {"a": [{"porosity": [0.5, 0.6, 9.9]}, {"porosity": [np.nan, np.nan]}]})
    found = tables.errors(one, {"a": TRUTHS["a"]})
    assert found.tolist() == [[pytest.approx(10), np.inf]]
    assert tables.quantile(found, 100) == tables.UNBOUNDED
    assert "no value" in list(tables.main_table([one], {"a": TRUTHS["a"]}))[-1]


def test_a_mean_error_stands_beside_what_its_slices_leave_open() -> None:
    heads, _, row = bench("tables").main_table([way("x", a=[4, 8])], {"a": TRUTHS["a"]})
    told = dict(zip(heads.split(" | "), row.split(" | "), strict=True))
    assert told["mean error %"] == "+6.0"
    assert told["its standard error %"] == "2.0"


def test_what_the_others_choose_is_what_is_told_of_the_one_left_out() -> None:
    fine = way("fine", a=[1, 1], b=[1, 1], c=[-9, -9])
    rough = way("rough", a=[5, 5], b=[5, 5], c=[2, 2])
    lines = list(bench("tables").leave_one_out([rough, fine], TRUTHS))[2:]
    chosen = [line.split(" | ")[1] for line in lines]
    assert chosen[2] == "fine"  # though "rough" would have been better on c
    assert lines[2].split(" | ")[3] == "9.0"
    assert lines[-1].split(" | ")[-1].startswith("9.0")


# -- keeping ----------------------------------------------------------------------------------------


def count_calls(
    lack: tuple[int, list[str]], progress: object, *, made: list[tuple[int, tuple[str, ...]]], area: float
) -> dict[str, float]:
    k, keys = lack
    made.append((k, tuple(keys)))
    return {key: area if key == "specific_surface" else float(k) for key in keys}


def test_a_kept_table_is_completed_and_nothing_is_made_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    completed = bench("ways").completed
    made: list[tuple[int, tuple[str, ...]]] = []
    work = partial(count_calls, made=made, area=7.0)
    kept = tmp_path / "some.json"
    completed(kept, ["specific_surface", "a"], 1, work, 1)
    found = completed(kept, ["specific_surface", "a", "b"], 2, work, 1)
    assert found == {"specific_surface": [7.0, 7.0], "a": [0.0, 1.0], "b": [0.0, 1.0]}
    assert completed(kept, ["specific_surface", "a", "b"], 2, work, 1) == found
    assert made == [
        (0, ("specific_surface", "a")),
        (0, ("b", "specific_surface")),
        (1, ("specific_surface", "a", "b")),
    ]
    assert capsys.readouterr().out == ""
    completed(kept, ["c"], 1, partial(count_calls, made=made, area=7.01), 1)
    assert "kept by other code, its specific_surface is now 0.14 % off" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="remove the file"):
        completed(kept, ["d"], 1, partial(count_calls, made=made, area=8.0), 1)


def test_truths_are_chosen_by_name_or_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    truths = bench("truths")
    assert truths.chosen("own") == list(truths.OWN)
    with pytest.raises(SystemExit, match="no truth is called granite"):
        truths.chosen("granite")
    monkeypatch.setattr(truths, "SHARED", tmp_path)
    with pytest.raises(SystemExit):
        truths.chosen("berea_256,own")


def test_a_truth_of_our_own_is_made_once_and_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    truths = bench("truths")
    pore = smooth_noise((20, 20, 20), 2, 0.4)
    calls = SimpleNamespace(made=0)

    def make() -> np.ndarray:
        calls.made += 1
        return pore

    monkeypatch.setattr(truths, "KEPT", tmp_path / "truths")
    monkeypatch.setitem(truths.MAKERS, "open_foam_160", make)
    for _ in range(2):
        assert np.array_equal(truths.load("open_foam_160").pore, pore)
    assert calls.made == 1
