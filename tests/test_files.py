"""Files out and in again: volumes, run folders, recipes; whole or not at all."""

import base64
import json
import xml.etree.ElementTree as ElementTree
import zlib
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from porescape.core.domain import Domain
from porescape.core.recipe import BodiesRecipe, FieldsRecipe, PaperRecipe, Recipe
from porescape.core.results import Reconstruction
from porescape.core.settings import Fit, Output, Segmentation, Settings
from porescape.core.volume import Volume
from porescape.errors import InputError, OutputError, SettingsError
from porescape.fit.refine.annealing import refine
from porescape.io.atomic import check_writable, whole_file, whole_folder
from porescape.io.images.image import read_image
from porescape.io.runs.replica import recipe_from
from porescape.io.runs.run_folder import SCHEMA_VERSION, read_run, write_run
from porescape.io.runs.settings import (
    read_recipe,
    read_settings,
    recipe_toml,
    settings_from,
    settings_table,
)
from porescape.io.volumes.volume import read_volume, volume_from_array, write_tiff, write_vti
from porescape.jobs.reconstruct import reconstruct
from porescape.measure.meters import NUMBERS
from porescape.sample import sample_path
from porescape.synthesis.generate import generate

VOLUME = Volume(np.random.default_rng(0).random((5, 6, 7)) < 0.4, 2.5e-8)


# -- volumes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("write", "ending"), [(write_tiff, "tif"), (write_vti, "vti")])
def test_a_volume_comes_back_with_its_scale(tmp_path: Path, write, ending: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / f"volume.{ending}"
    write(path, VOLUME)
    again = read_volume(path)
    assert np.array_equal(again.pore, VOLUME.pore)
    assert again.voxel_size == pytest.approx(VOLUME.voxel_size, rel=1e-5)
    assert read_volume(path, 3e-6).voxel_size == 3e-6


def test_imagej_finds_255_for_pore_and_the_spacing(tmp_path: Path) -> None:
    write_tiff(tmp_path / "v.tif", VOLUME)
    with tifffile.TiffFile(tmp_path / "v.tif") as tiff:
        assert tiff.is_imagej
        metadata = tiff.imagej_metadata
        assert metadata is not None
        assert metadata["spacing"] == pytest.approx(0.025)
        assert metadata["unit"] == "um"
        array = tiff.asarray()
    assert array.dtype == np.uint8
    assert set(np.unique(array)) == {0, 255}
    assert np.array_equal(array == 255, VOLUME.pore)


def test_vtk_finds_one_cell_per_voxel(tmp_path: Path) -> None:
    """Read as VTK's manual says, by none of our own code: x varies fastest, cells span 0 to N."""
    write_vti(tmp_path / "v.vti", VOLUME)
    root = ElementTree.parse(tmp_path / "v.vti").getroot()
    image = root.find("ImageData")
    assert image is not None
    assert image.attrib["WholeExtent"] == "0 7 0 6 0 5"
    assert [float(s) for s in image.attrib["Spacing"].split()] == pytest.approx([2.5e-8] * 3)
    text = image.findtext("Piece/CellData/DataArray")
    assert text is not None
    blocks, size, last, packed = np.frombuffer(base64.b64decode(text.strip()[:44]), "<u8")
    assert (blocks, last) == (1, VOLUME.pore.size)
    assert size >= last
    raw = zlib.decompress(base64.b64decode(text.strip()[44:])[:packed])
    assert np.array_equal(np.frombuffer(raw, np.uint8).reshape(5, 6, 7) == 1, VOLUME.pore)


def test_numpy_files_need_the_voxel_size(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VOLUME.pore)
    with pytest.raises(InputError, match=r'contains no voxel size; .*--voxel-size "1 um"'):
        read_volume(tmp_path / "v.npy")
    assert read_volume(tmp_path / "v.npy", 1e-6).voxel_size == 1e-6
    np.savez(tmp_path / "p.npz", packed=np.packbits(VOLUME.pore), shape=VOLUME.shape, meta="{}")
    assert np.array_equal(read_volume(tmp_path / "p.npz", 1e-6).pore, VOLUME.pore)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 3)), r"has shape \(3, 3\); wanted three axes"),
        (np.arange(27).reshape(3, 3, 3), "holds 27 different values from 0 to 26; wanted two"),
        (np.full((2, 2, 2), np.nan), "holds NaN"),
        (np.zeros((0, 2, 2)), "is empty"),
    ],
)
def test_arrays_that_are_no_binary_volume_are_refused(array: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        volume_from_array(array, 1e-6)


def test_broken_and_foreign_files_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "half.tif").write_bytes(b"II*\0abcdef")
    with pytest.raises(InputError, match=r"half\.tif could not be read as \.tif"):
        read_volume(tmp_path / "half.tif")
    (tmp_path / "v.stl").write_bytes(b"")
    with pytest.raises(InputError, match=r"ending '\.stl'; wanted one of \.tif"):
        read_volume(tmp_path / "v.stl")
    with pytest.raises(InputError, match="is not a file"):
        read_volume(tmp_path / "nowhere.tif")


def test_bricks_instead_of_cubes_are_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "brick.tif",
        np.zeros((3, 4, 5), np.uint8),
        imagej=True,
        resolution=(10, 10),
        metadata={"axes": "ZYX", "spacing": 0.3, "unit": "um"},
    )
    with pytest.raises(InputError, match="100 nm in the plane and 300 nm between slices; wanted cubes"):
        read_volume(tmp_path / "brick.tif")


# -- whole or not at all ---------------------------------------------------------------------------


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "numbers.json"
    path.write_text("old")
    with pytest.raises(RuntimeError), whole_file(path) as temporary:  # noqa: PT012 - fails half way
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_fails_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "run") as temporary:  # noqa: PT012
        (temporary / "a").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match=r"is not empty; .*choose another --out, or pass --overwrite"):
        check_writable(tmp_path)
    with whole_folder(tmp_path / "new") as temporary:
        (temporary / "a").write_text("one")
    with whole_folder(tmp_path / "new", overwrite=True) as temporary:
        (temporary / "b").write_text("two")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["b"]
    with pytest.raises(OutputError, match="is a file"):
        check_writable(tmp_path / "mine.txt")


# -- settings and recipes --------------------------------------------------------------------------

lengths = st.floats(1e-10, 1e-3)
recipes = st.builds(
    FieldsRecipe,
    **dict.fromkeys(("solid_grains", "pore_cells", "branches"), st.floats(0.01, 1)),
    **dict.fromkeys(("solid_grain_spacing", "pore_cell_spacing", "branch_width", "smoothing"), lengths),
    highpass_width=st.none() | lengths,
    **dict.fromkeys(("branch_cut", "porosity"), st.floats(0.01, 0.99)),
) | st.builds(
    BodiesRecipe,
    **dict.fromkeys(("spacing", "smoothing"), lengths),
    length=st.sampled_from([0.0, 1e-6, 3.3e-5]),
    porosity=st.floats(0.01, 0.99),
)


@given(recipe=recipes, seed=st.integers(0, 2**63 - 1))
def test_a_recipe_survives_its_file(tmp_path_factory, recipe: Recipe, seed: int) -> None:  # type: ignore[no-untyped-def]
    domain = Domain((40, 41, 42), 1e-7)
    path = tmp_path_factory.mktemp("recipe") / "replica-01.toml"
    path.write_text(recipe_toml(recipe, domain, seed))
    assert read_recipe(path) == (recipe, domain, seed)
    assert recipe_from(json.loads(json.dumps(asdict(recipe)))) == recipe  # as trials are stored


def test_the_papers_recipe_survives_too(tmp_path: Path) -> None:
    for by in ("text", "code"):
        recipe = PaperRecipe((0.4, 0.3, 0.9, 0.9, 0.9, 0.7, 0.8, 0.6, 0.1), by)
        (tmp_path / "r.toml").write_text(recipe_toml(recipe, Domain((9, 9, 9), 1e-7), 5))
        assert read_recipe(tmp_path / "r.toml")[0] == recipe
    assert recipe_from({"x": list(recipe.x)}).by == "text"  # of versions that knew no other


def test_settings_survive_their_table() -> None:
    settings = Settings(
        segmentation=Segmentation(method="fixed", threshold=0.4, window=31),
        fit=Fit(trials=7, percolate="pore"),
        output=Output(size=(32, 48, 64), voxel_size=2e-7),
    )
    assert read_settings(settings_table(settings)) == settings
    assert read_settings({}) == Settings()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"fit": {"trails": 3}}, r"settings\.fit has no trails; known are method, trials"),
        ({"fit": {"trials": "many"}}, r"settings\.fit\.trials must be int, got 'many'"),
        ({"fit": {"trials": True}}, "must be int, got True"),
        ({"output": {"size": 64}}, r"settings\.output\.size must be a list, got 64"),
        ({"fit": 3}, r"settings\.fit must be a table"),
        ({"fit": {"method": "magic"}}, "method must be one of porescape, paper, paper-code, got 'magic'"),
    ],
)
def test_settings_that_make_no_sense_are_named(table: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_from(Settings, table)


# -- the run folder --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result() -> Reconstruction:
    image = read_image(sample_path())
    small = Settings(fit=Fit(trials=4, size=40), output=Output(size=(40, 36, 32), replicas=2))
    return reconstruct(image, small, seed=1)


@pytest.fixture(scope="module")
def folder(result: Reconstruction, plain_reports: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run"
    write_run(path, result, sample_path())
    return path


def test_a_run_folder_holds_what_it_promises(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "input.tif",
        "run.toml",
        "provenance.json",
        "results.json",
        "fit.json",
        "segmentation.tif",
        "segmentation.png",
        "section.tif",
        "checks.npz",
        "report.html",
        *(f"replica-0{i}.{ending}" for i in (1, 2) for ending in ("tif", "vti", "toml")),
        *(f"replica-0{i}-{what}.csv" for i in (1, 2) for what in ("pores", "throats", "curves")),
        *(f"replica-0{i}-{what}" for i in (1, 2) for what in ("details.npz", "network.vtp")),
    }


def test_results_say_everything_under_its_name(folder: Path, result: Reconstruction) -> None:
    table = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert table["schema_version"] == SCHEMA_VERSION
    assert list(table["properties"]) == list(NUMBERS)
    for name, entry in table["properties"].items():
        assert {"mean", "sd", "ci95", "unit", "n"} <= set(entry)
        assert entry["mean"] == result.properties[name].mean
        assert entry["unit"] == NUMBERS[name].unit
    assert [r["properties"]["porosity"]["value"] for r in table["replicas"]] == [
        r.measurement.values["porosity"] for r in result.replicas
    ]


def test_provenance_says_where_it_comes_from(folder: Path, result: Reconstruction) -> None:
    table = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert table["input"]["sha256"] == result.image.sha256
    assert table["input"]["pixel_size"] == pytest.approx(2.5e-8)
    assert "FEI" in table["input"]["pixel_size_source"]
    assert table["input"]["crop"] == {"top": 0, "left": 0, "height": 464, "width": 640}
    assert table["seed"] == 1
    assert {"numpy", "numba", "scipy"} <= set(table["versions"])


def test_every_trial_is_stored(folder: Path) -> None:
    table = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    assert [len(replica["trials"]) for replica in table["replicas"]] == [4, 4]
    assert {"number", "x", "recipe", "loss", "parts", "seconds", "stage", "realization", "family"} == set(
        table["replicas"][0]["trials"][0]
    )


def test_a_replicas_own_recipe_and_the_section_make_the_same_bytes(
    folder: Path, result: Reconstruction
) -> None:
    recipe, domain, seed = read_recipe(folder / "replica-02.toml")
    again = refine(
        generate(recipe, domain, seed), result.section, seed=seed, sweeps=result.settings.output.refine
    )
    assert np.array_equal(again.pore, read_volume(folder / "replica-02.tif").pore)


def test_a_run_reads_back_as_it_was(folder: Path, result: Reconstruction) -> None:
    again = read_run(folder)
    # the copy has another name, and no tags where its pixel size was given
    assert again.image.name == result.image.name
    assert again.image.pixel_size_source == result.image.pixel_size_source
    assert again.settings == replace(result.settings)
    assert again.seed == result.seed
    assert again.properties == result.properties
    assert np.array_equal(again.phase.pore, result.phase.pore)
    assert np.array_equal(again.section.pore, result.section.pore)
    for one, other in zip(again.replicas, result.replicas, strict=True):
        assert np.array_equal(one.volume.pore, other.volume.pore)
        assert (one.recipe, one.seed, one.trials) == (other.recipe, other.seed, other.trials)


def test_a_damaged_run_is_refused(folder: Path, tmp_path: Path) -> None:
    for name in ("run.toml", "input.tif"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(InputError, match=r"results\.json could not be read"):
        read_run(tmp_path)
