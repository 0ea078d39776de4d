"""Files of earlier versions are still read: recipes, trials, run folders."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import tomli_w

import porescape
from porescape.cli.app import renamed
from porescape.core.recipe import BodiesRecipe, FieldsRecipe
from porescape.core.results import Reconstruction, Stage
from porescape.core.settings import Fit, Measure, Output, Settings
from porescape.errors import InputError
from porescape.io.images.image import read_image
from porescape.io.runs.earlier import EARLIER
from porescape.io.runs.replica import trials_from
from porescape.io.runs.run_folder import read_run, write_run
from porescape.io.runs.settings import RENAMED, read_recipe, recipe_from
from porescape.jobs.reconstruct import reconstruct
from porescape.sample import sample_path

FIELDS = {
    "cells": 0.5,
    "bumps": 0.4,
    "branch": 0.7,
    "cell_spacing": 1.2e-6,
    "bump_spacing": 0.9e-6,
    "branch_width": 2e-7,
    "branch_cut": 0.4,
    "highpass_width": 8e-7,
    "porosity": 0.6,
    "smoothing": 5e-8,
    "cell_length": 0.0,
}
BODIES = FIELDS | {"cells": 1.0, "bumps": 0.0, "branch": 0.0, "cell_length": 4e-6, "highpass_width": None}


def test_the_two_grain_fields_have_changed_names_the_right_way_round() -> None:
    recipe = recipe_from(FIELDS)
    assert isinstance(recipe, FieldsRecipe)
    assert (recipe.solid_grains, recipe.solid_grain_spacing) == (0.5, 1.2e-6)  # high between seeds: was cells
    assert (recipe.pore_cells, recipe.pore_cell_spacing) == (0.4, 0.9e-6)  # high at seeds: was bumps


def test_fibres_and_balls_have_become_bodies() -> None:
    assert recipe_from(BODIES) == BodiesRecipe(spacing=1.2e-6, length=4e-6, porosity=0.6, smoothing=5e-8)
    balls = {name: value for name, value in BODIES.items() if name not in ("cell_length", "highpass_width")}
    assert recipe_from(balls) == BodiesRecipe(spacing=1.2e-6, porosity=0.6, smoothing=5e-8)


def test_rods_among_other_fields_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="mixes rods with other fields"):
        recipe_from(FIELDS | {"cell_length": 1e-6})


def test_a_replicas_own_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "replica-01.toml"
    table = {"shape": [32, 32, 32], "voxel_size": 1e-7, "periodic": True}
    path.write_text(tomli_w.dumps({"seed": "7", "family": "porescape", "domain": table, "recipe": FIELDS}))
    recipe, domain, seed = read_recipe(path)
    assert (recipe, domain.shape, seed) == (recipe_from(FIELDS), (32, 32, 32), 7)
    path.write_text(tomli_w.dumps({"seed": "7", "family": "foam", "domain": table, "recipe": FIELDS}))
    with pytest.raises(InputError, match="type 'foam'; known are fields, bodies, paper"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("draw", "stage"), [(0, Stage.EXPLORE), (1, Stage.CONFIRM), (3, Stage.CONFIRM), (4, Stage.COMPARE)]
)
def test_the_draw_of_a_trial_says_its_stage(draw: int, stage: Stage) -> None:
    row = {"number": 1, "x": [0.1], "recipe": FIELDS, "loss": 0.2, "parts": {}, "seconds": 1.0}
    (trial,) = trials_from([row | {"draw": draw, "family": "fields"}])
    assert (trial.stage, trial.realization) == (stage, draw)


@pytest.fixture(scope="module")
def result(plain_reports: None) -> Reconstruction:
    settings = Settings(
        fit=Fit(trials=2, size=32),
        output=Output(size=(32, 32, 32), replicas=2, refine=0),
        measure=Measure(numbers=("porosity", "chord_pore"), interval="replicas"),
    )
    return reconstruct(read_image(sample_path()), settings, seed=3)


def as_before(folder: Path) -> None:
    """Turn a run folder into what schema version 1 was."""
    old = {new: name for name, new in RENAMED.items()}

    def recipe(table: dict[str, object]) -> dict[str, object]:
        return {old.get(name, name): value for name, value in table.items()} | {"cell_length": 0.0}

    (folder / "run.toml").rename(folder / "recipe.toml")
    for name in ("section.tif", "checks.npz"):
        (folder / name).unlink()
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    results["schema_version"] = 1
    del results["selection"]
    for row in results["replicas"]:
        similarity = row.pop("similarity")
        row["look"] = {"unseen": similarity["held_out"], "eye": similarity["two_sample"]}
        row["recipe"] = recipe(row["recipe"])
        row["seconds"]["judge"] = row["seconds"].pop("select")
    fit = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    for replica in fit["replicas"]:
        for trial in replica["trials"]:
            trial["draw"] = trial.pop("realization")
            del trial["stage"]
            trial["recipe"] = recipe(trial["recipe"])
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    for name in ("chords", "prepared_warnings"):
        del provenance[name]
    for name, table in (("results", results), ("fit", fit), ("provenance", provenance)):
        (folder / f"{name}.json").write_text(json.dumps(table), encoding="utf-8")
    for path in folder.glob("replica-0?.toml"):
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        del table["type"]
        path.write_text(tomli_w.dumps(table | {"family": "porescape", "recipe": recipe(table["recipe"])}))


def test_a_run_folder_of_schema_version_1_is_read_and_says_what_was_worked_out(
    result: Reconstruction, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    write_run(folder, result, sample_path())
    as_before(folder)
    read = read_run(folder)
    assert read.warnings == (*result.warnings, EARLIER)
    assert [replica.recipe for replica in read.replicas] == [replica.recipe for replica in result.replicas]
    assert [replica.trials for replica in read.replicas] == [replica.trials for replica in result.replicas]
    assert (read.section.pore == result.section.pore).all()
    of_then = [check for check in result.checks if check.name != "depth"]
    assert [check.sentence for check in read.checks] == [check.sentence for check in of_then]
    assert read.selection == result.selection


def test_a_run_folder_of_today_gives_back_what_it_holds(result: Reconstruction, tmp_path: Path) -> None:
    """Whatever a later version would select or check: the folder says what was selected and found."""
    folder = tmp_path / "run"
    other = 1 - result.selection.selected
    changed = replace(result, selection=replace(result.selection, selected=other, reason="by hand"))
    write_run(folder, changed, sample_path())
    read = read_run(folder)
    assert (read.selection.selected, read.selection.reason) == (other, "by hand")
    assert read.prepared.chords == result.prepared.chords
    assert read.prepared.warnings == result.prepared.warnings
    for check, before in zip(read.checks, result.checks, strict=True):
        assert check.values == pytest.approx(before.values, nan_ok=True)
        assert {name: curve.tolist() for name, curve in check.curves.items()} == {
            name: curve.tolist() for name, curve in before.curves.items()
        }


def test_old_options_become_those_of_today(capsys: pytest.CaptureFixture[str]) -> None:
    assert renamed(["batch", "images", "--recipe=run.toml"]) == ["batch", "images", "--settings=run.toml"]
    assert "note: --recipe is now --settings" in capsys.readouterr().err
    assert renamed(["run", "--recipe"]) == ["run", "--recipe"]  # never an option of this command
    assert renamed([]) == []


def test_old_names_of_python_are_understood() -> None:
    with pytest.warns(DeprecationWarning, match=r"porescape\.Recipe is now porescape\.FieldsRecipe"):
        assert porescape.Recipe is FieldsRecipe  # type: ignore[attr-defined]
