"""Structures beyond memory: the bytes of `generate` in any blocks, by any workers, after any interruption."""

import errno
import json
import math
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from porescape.cli import app
from porescape.core.chunked import slices, tiled
from porescape.core.domain import Domain, Window
from porescape.core.recipe import BodiesRecipe, FieldsRecipe, PaperRecipe
from porescape.errors import Cancelled, OutputError, SettingsError
from porescape.io.runs.settings import recipe_toml
from porescape.io.volumes.ome_zarr_store import WorkFolder, find_level, generate_zarr, parse_region
from porescape.io.volumes.volume import read_volume
from porescape.synthesis.blockwise import level as level_module
from porescape.synthesis.blockwise import march
from porescape.synthesis.blockwise.drafts import Bracket, Draft, GrowingDraft
from porescape.synthesis.blockwise.level import level_of, sampled_bracket, value_of_rank
from porescape.synthesis.blockwise.make import make_blocks
from porescape.synthesis.blockwise.plan import BlockIndex, BlockPlan, unit_bytes, units
from porescape.synthesis.blockwise.store import BlockProgress
from porescape.synthesis.generate import generate, generate_region
from porescape.synthesis.height import height_field, height_layers
from porescape.synthesis.layers import Hold
from porescape.synthesis.smoothing import gaussian_weights

zarr = pytest.importorskip("zarr", reason="the extra zarr is not installed")

VOXEL = 1e-7
SMALL = Domain((48, 40, 56), VOXEL)


def recipe(**changes: float) -> FieldsRecipe:
    values = {
        "solid_grains": 0.5,
        "pore_cells": 0.4,
        "branches": 0.7,
        "solid_grain_spacing": 9 * VOXEL,
        "pore_cell_spacing": 7 * VOXEL,
        "branch_width": 1.1 * VOXEL,
        "branch_cut": 0.4,
        "highpass_width": 2.5 * VOXEL,
        "porosity": 0.6,
        "smoothing": 0.5 * VOXEL,
    }
    return FieldsRecipe(**(values | changes))


WIDE = recipe(branch_width=2.4 * VOXEL, highpass_width=5 * VOXEL, smoothing=2.1 * VOXEL)  # on coarse grids
FIBRES = BodiesRecipe(spacing=14 * VOXEL, length=50 * VOXEL, porosity=0.6, smoothing=0.5 * VOXEL)


class Memory:
    """A shelf of dictionaries, for one process."""

    def __init__(self) -> None:
        self.blocks: dict[BlockIndex, NDArray[np.bool_]] = {}
        self.drafts: dict[BlockIndex, Draft] = {}
        self.notes: dict[str, object] = {}

    def has_block(self, number: BlockIndex) -> bool:
        return number in self.blocks

    def put_block(self, number: BlockIndex, pore: NDArray[np.bool_]) -> None:
        assert number not in self.blocks, "made twice"
        self.blocks[number] = pore.copy()

    def draft(self, number: BlockIndex, bits: bool = True) -> Draft | None:
        return self.drafts.get(number)

    def put_draft(self, number: BlockIndex, draft: Draft) -> None:
        self.drafts[number] = draft

    def drop_draft(self, number: BlockIndex) -> None:
        self.drafts.pop(number, None)

    def note(self, name: str) -> object:
        return self.notes.get(name)

    def put_note(self, name: str, value: object) -> None:
        self.notes[name] = value

    def whole(self, plan: BlockPlan) -> NDArray[np.bool_]:
        out = np.empty(plan.window.shape, dtype=bool)
        for number in plan.indices:
            out[slices(plan.block(number))] = self.blocks[number]
        return out


@pytest.fixture(autouse=True)
def narrow_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample little, so that small boxes have voxels put aside, and samples that are wrong."""
    monkeypatch.setattr(level_module, "SAMPLES", 3)
    monkeypatch.setattr(level_module, "SAMPLE_EDGE", 24)


# -- the same bytes ----------------------------------------------------------------------------------

edges = st.integers(20, 44)
shapes = st.tuples(edges, edges, edges)


@given(
    shape=shapes,
    chunk=st.tuples(*[st.integers(8, 40)] * 3),
    periodic=st.booleans(),
    wide=st.booleans(),
    seed=st.integers(0, 2**63 - 1),
    step=st.sampled_from([5, 16]),
)
@settings(max_examples=12)
def test_blocks_have_the_bytes_of_the_whole(
    shape: tuple[int, int, int],
    chunk: tuple[int, int, int],
    periodic: bool,
    wide: bool,
    seed: int,
    step: int,
) -> None:
    material = WIDE if wide else recipe()
    domain = Domain(shape, VOXEL, periodic)
    plan = BlockPlan(material, domain, seed, domain.whole, chunk)
    store = Memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(march, "STEP", step)
        level = level_of(plan, store)
        make_blocks(plan, store, level)
    whole = generate(material, domain, seed)
    assert np.array_equal(store.whole(plan), whole.pore)
    solid = round((1 - material.porosity) * whole.pore.size)
    assert abs(int(whole.pore.sum()) - (whole.pore.size - solid)) <= 1


@given(data=st.data(), periodic=st.booleans(), seed=st.integers(0, 2**32))
@settings(max_examples=8)
def test_a_region_has_the_bytes_it_has_in_the_whole(data: st.DataObject, periodic: bool, seed: int) -> None:
    domain = Domain(data.draw(shapes), VOXEL, periodic)
    start = tuple(data.draw(st.integers(0, n - 1)) for n in domain.shape)
    size = tuple(data.draw(st.integers(1, n - a)) for a, n in zip(start, domain.shape, strict=True))
    window = Window(start, size)
    whole = generate(recipe(), domain, seed)
    plan = BlockPlan(recipe(), domain, seed, window, (16, 24, 16))
    store = Memory()
    level = level_of(plan, store)
    make_blocks(plan, store, level)
    assert np.array_equal(store.whole(plan), whole.pore[slices(window)])
    assert np.array_equal(generate_region(recipe(), domain, seed, window, level), whole.pore[slices(window)])


@given(data=st.data(), material=st.sampled_from([recipe(), WIDE, FIBRES]), periodic=st.booleans())
@settings(max_examples=12)
def test_layers_made_on_the_march_are_those_made_at_once(
    data: st.DataObject, material: FieldsRecipe, periodic: bool
) -> None:
    """Any steps, any part of y, with jumps ahead, and never more layers at a time than the pace."""
    domain = Domain((40, 36, 44), VOXEL, periodic)
    whole = height_field(material, domain, 3)
    low = data.draw(st.integers(0, 20))
    window = Window((0, low, 0), (40, data.draw(st.integers(1, 36 - low)), 44))
    layers = height_layers(material, domain, 3, window, partial(Hold, pace=data.draw(st.integers(3, 20))))
    at = data.draw(st.integers(0, 20))
    while at < 40:
        stop = min(at + data.draw(st.integers(1, 17)), 40)
        assert np.array_equal(layers(at, stop), whole[at:stop, low : low + window.shape[1]])
        at = stop + data.draw(st.sampled_from([0, 0, 0, 6]))


def test_narrow_smoothing_whose_last_weight_is_nothing_keeps_its_place() -> None:
    """A width of 1.1 reaches 5 voxels far, but the fifth weighs nothing; an open box must not be sheared."""
    assert len(gaussian_weights(1.1)[1]) == 9
    thin = recipe(branch_width=1.1 * VOXEL)
    small = height_field(thin, Domain((12, 14, 16), VOXEL, periodic=False), 0)
    part = height_field(thin, Domain((40, 40, 40), VOXEL, periodic=False), 0, Window((3, 3, 3), (5, 6, 7)))
    assert np.array_equal(small[3:8, 3:9, 3:10], part)


def test_one_and_two_workers_and_any_chunk_write_the_same_voxels(tmp_path: Path) -> None:
    whole = generate(recipe(), SMALL, 1)
    for chunk, workers in ((16, 1), (24, 2)):
        out = tmp_path / f"{chunk}.zarr"
        made = generate_zarr(recipe(), SMALL, 1, out, chunk=chunk, workers=workers)
        read = read_volume(out)
        assert np.array_equal(read.pore, whole.pore)
        assert read.voxel_size == pytest.approx(VOXEL, rel=1e-12)
        assert made.porosity == whole.porosity
        assert not (tmp_path / f"{chunk}.zarr.work").exists()


class Inline:
    """An existing pool, in this process."""

    def map(self, work, items, progress):  # type: ignore[no-untyped-def]
        copies = pickle.loads(pickle.dumps((work, list(items))))  # as they travel to a cluster
        for item in copies[1]:
            yield copies[0](item, progress)


def test_an_existing_pool_writes_the_same_voxels(tmp_path: Path) -> None:
    out = tmp_path / "a.zarr"
    generate_zarr(recipe(), SMALL, 1, out, chunk=16, workers=Inline())
    assert np.array_equal(read_volume(out).pore, generate(recipe(), SMALL, 1).pore)


# -- the level ---------------------------------------------------------------------------------------


def test_the_level_is_the_kth_smallest_value_of_the_whole_field() -> None:
    field = np.sort(height_field(recipe(), SMALL, 4).ravel())
    assert find_level(recipe(), SMALL, 4) == field[round(0.4 * field.size) - 1]


@pytest.mark.parametrize("off", [-300.0, 40.0, 3000.0])
def test_a_level_outside_the_samples_bracket_is_said_and_found_in_a_second_pass(
    off: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = sampled_bracket(recipe(), SMALL, 0)
    monkeypatch.setattr(
        level_module, "sampled_bracket", lambda *_: Bracket(right.low + off, right.high + off)
    )
    plan, store, words = BlockPlan(recipe(), SMALL, 0, SMALL.whole, (24, 24, 24)), Memory(), []
    level = level_of(plan, store, progress=lambda event: words.append(event.words))
    assert len([w for w in words if "a second pass looks between" in w]) == 1
    make_blocks(plan, store, level)
    assert np.array_equal(store.whole(plan), generate(recipe(), SMALL, 0).pore)


@given(
    values=st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=200),
    pieces=st.integers(1, 4),
    data=st.data(),
)
def test_a_rank_is_found_among_pieces(values: list[float], pieces: int, data: st.DataObject) -> None:
    """Ties, edges of the bracket and all."""
    field = np.array(values, dtype=np.float32)
    rank = data.draw(st.integers(1, len(field)))
    low = data.draw(st.floats(-60, 60, width=32))
    bracket = Bracket(low, low + data.draw(st.floats(0, 60, width=32)))
    parts = []
    for piece in np.array_split(field, pieces):
        part = GrowingDraft((1, 1, len(piece)), True)
        part.add(0, piece[None, None], bracket)
        parts.append(part.draft(bracket))
    found = value_of_rank(lambda: iter(parts), rank, bracket)
    wanted = np.sort(field)[rank - 1]
    if isinstance(found, Bracket):
        assert not bracket.low <= wanted <= bracket.high
        assert found.low <= wanted <= found.high
    else:
        assert found == wanted


def test_few_voxels_are_put_aside() -> None:
    plan, store = BlockPlan(recipe(), SMALL, 0, SMALL.whole, (24, 24, 24)), Memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_module, "SAMPLES", 6)
        patch.setattr(level_module, "SAMPLE_EDGE", 48)
        level_of(plan, store)
    aside = sum(draft.values.size for draft in store.drafts.values())
    assert aside < 0.06 * math.prod(SMALL.shape)


# -- who makes what ----------------------------------------------------------------------------------


@given(st.data())
def test_units_cover_what_is_missing_and_split_for_every_hand(data: st.DataObject) -> None:
    plan = BlockPlan(recipe(), Domain((80, 96, 64), VOXEL), 0, Window((0, 0, 0), (80, 90, 64)), (16, 16, 32))
    missing = data.draw(st.sets(st.sampled_from(plan.indices)))
    count = data.draw(st.integers(1, 4))
    found = units(plan, missing, count, 1e12)
    covered = [(z, y) for unit in found for z in unit.rows for y in unit.columns]
    assert len(covered) == len(set(covered))
    assert {(z, y) for z, y, _ in missing} <= set(covered)
    assert len(found) >= min(count, len({z for z, _, _ in missing}))


def test_columns_are_as_wide_as_memory_allows() -> None:
    plan = BlockPlan(recipe(), Domain((512,) * 3, VOXEL), 0, Window((0, 0, 0), (512,) * 3), (64, 64, 64))
    whole = units(plan, plan.indices, 1, 1e12)
    assert [unit.columns for unit in whole] == [range(8)]
    room = unit_bytes(plan, whole[0]) * 0.8
    assert all(unit_bytes(plan, unit) <= room for unit in units(plan, plan.indices, 1, room))


def test_what_does_not_fit_in_memory_is_refused_in_words() -> None:
    plan = BlockPlan(recipe(), Domain((512,) * 3, VOXEL), 0, Window((0, 0, 0), (512,) * 3), (64, 64, 64))
    with pytest.raises(SettingsError, match=r"need 0\.\d GB of memory per worker, but it may have 0\.1 GB"):
        units(plan, plan.indices, 1, 1e8)


def test_far_windows_draw_near_tiles_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from porescape.synthesis import noise

    drawn = []
    monkeypatch.setattr(noise, "_tile_points", lambda *key: drawn.append(key) or _no_points())
    window = Window((500, 500, 500), (8, 8, 8))
    noise.random_points(0, "solid_grains", Domain((2048,) * 3, VOXEL), window, 1e-3)
    assert len(drawn) <= 8


def _no_points() -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    return np.empty((3, 0), dtype=np.uint16), np.empty(0, dtype=np.float32)


# -- the store ---------------------------------------------------------------------------------------


def test_the_store_says_what_it_is(tmp_path: Path) -> None:
    out = tmp_path / "part.ome.zarr"
    region = Window((8, 0, 16), (32, 40, 24))
    made = generate_zarr(recipe(), SMALL, 2, out, region=region, chunk=16)
    group = zarr.open_group(out, mode="r")
    image = group.attrs["ome"]["multiscales"][0]
    assert group.attrs["ome"]["version"] == "0.5"
    assert [axis["unit"] for axis in image["axes"]] == ["micrometer"] * 3
    scale, translation = image["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == [0.1] * 3
    assert translation["translation"] == [0.8, 0.0, 1.6]
    said = group.attrs["porescape"]
    assert (said["level"], said["porosity"]) == (made.level, made.porosity)
    assert said["job"]["seed"] == "2"
    array = group["0"]
    assert array.shards == (16, 16, 16)
    files = [path for path in (out / "0" / "c").rglob("*") if path.is_file()]
    assert len(files) == 2 * 3 * 2  # a file per block, whatever is in it


def test_a_level_given_again_need_not_be_found(tmp_path: Path) -> None:
    whole = generate(recipe(), SMALL, 2)
    level = find_level(recipe(), SMALL, 2)
    stages = []
    out = tmp_path / "a.zarr"
    region = Window((0, 16, 8), (24, 24, 40))
    made = generate_zarr(
        recipe(), SMALL, 2, out, region=region, level=level, progress=lambda e: stages.append(e.stage)
    )
    assert set(stages) == {"blocks"}
    assert made.level == level
    assert np.array_equal(read_volume(out).pore, whole.pore[slices(region)])


def _interrupted(out: Path, after: int, stage: str = "blocks", **more: object) -> None:
    """Stop a job as Ctrl-C does, when so many blocks of a stage are done."""
    heard = []

    def progress(event: BlockProgress) -> None:
        heard.append(event.stage == stage and event.block is not None)
        if sum(heard) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_zarr(recipe(), SMALL, 3, out, chunk=16, progress=progress, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("stage", "after"), [("level", 13), ("blocks", 1), ("blocks", 20)])
def test_an_interrupted_job_goes_on_and_does_nothing_twice(tmp_path: Path, stage: str, after: int) -> None:
    out, undisturbed = tmp_path / "a.zarr", tmp_path / "b.zarr"
    _interrupted(out, after, stage)
    assert not out.exists()
    again = []
    generate_zarr(recipe(), SMALL, 3, out, chunk=16, resume=True, progress=again.append)
    total = 3 * 3 * 4
    redone = sum(event.stage == stage and event.block is not None for event in again)
    assert redone <= total - after + (12 if stage == "level" else 0)  # the row in hand
    generate_zarr(recipe(), SMALL, 3, undisturbed, chunk=16)
    assert _tree(out) == _tree(undisturbed)


def _tree(folder: Path) -> dict[str, object]:
    """All files of a store; what a group says of itself is compared as what it means."""
    found: dict[str, object] = {}
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            found[name] = json.loads(data) if name == "zarr.json" else data
    group = found["zarr.json"]
    assert isinstance(group, dict)
    group["attributes"]["ome"]["multiscales"][0].pop("name")
    return found


@pytest.mark.parametrize("harm", ["torn", "changed", "gone"])
@pytest.mark.parametrize("what", ["block", "draft"])
def test_a_harmed_file_is_noticed_and_made_again(tmp_path: Path, harm: str, what: str) -> None:
    out = tmp_path / "a.zarr"
    _interrupted(out, 20, "blocks" if what == "block" else "level")
    work = tmp_path / "a.zarr.work"
    kept = work / "store" / "0" / "c" if what == "block" else work / "drafts"
    path = sorted(p for p in kept.rglob("*") if p.is_file())[5]
    data = path.read_bytes()
    if harm == "torn":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "changed":
        middle = len(data) // 2
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    else:
        path.unlink()
    generate_zarr(recipe(), SMALL, 3, out, chunk=16, resume=True)
    assert np.array_equal(read_volume(out).pore, generate(recipe(), SMALL, 3).pore)


KILLED = """
import sys
from porescape.synthesis.blockwise import level
from porescape.core.domain import Domain
from porescape.io.runs.settings import read_recipe
from porescape.io.volumes.ome_zarr_store import generate_zarr
from pathlib import Path
level.SAMPLES, level.SAMPLE_EDGE = 3, 24
recipe, domain, seed = read_recipe(Path(sys.argv[1]))
tell = lambda event: print("x", flush=True)
generate_zarr(recipe, domain, seed, sys.argv[2], chunk=16, resume=True, progress=tell)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no kill -9 on this system")
def test_killed_and_resumed_the_bytes_are_the_same(tmp_path: Path) -> None:
    material, out = tmp_path / "m.toml", tmp_path / "a.zarr"
    material.write_text(recipe_toml(recipe(), SMALL, 3), encoding="utf-8")
    command = [sys.executable, "-c", KILLED, str(material), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(25):
            process.stdout.readline()
        time.sleep(0.02)
        process.kill()
    assert not out.exists()
    assert (tmp_path / "a.zarr.work" / "job.json").is_file()
    generate_zarr(recipe(), SMALL, 3, out, chunk=16, resume=True)
    assert np.array_equal(read_volume(out).pore, generate(recipe(), SMALL, 3).pore)
    assert not list(out.rglob("*.partial"))


def test_a_finished_job_resumed_is_done(tmp_path: Path) -> None:
    out = tmp_path / "a.zarr"
    first = generate_zarr(recipe(), SMALL, 3, out, chunk=24)
    heard: list[object] = []
    assert generate_zarr(recipe(), SMALL, 3, out, chunk=24, resume=True, progress=heard.append) == first
    assert not heard


# -- what is refused ---------------------------------------------------------------------------------


def test_another_job_refuses_to_go_on(tmp_path: Path) -> None:
    out = tmp_path / "a.zarr"
    _interrupted(out, 5)
    with pytest.raises(OutputError, match=r"holds this job, interrupted .* --resume continues it"):
        generate_zarr(recipe(), SMALL, 3, out, chunk=16)
    for changed, words in (
        (partial(generate_zarr, recipe(), SMALL, 4), "seed was 3, now 4"),
        (partial(generate_zarr, recipe(porosity=0.5), SMALL, 3), r"recipe\.porosity was 0\.6, now 0\.5"),
        (
            partial(generate_zarr, recipe(), replace(SMALL, shape=(48, 40, 60)), 3),
            r"domain\.shape was \[48, 40, 56\], now \[48, 40, 60\]",
        ),
        (
            partial(generate_zarr, recipe(), SMALL, 3, region=Window((0, 0, 0), (8, 8, 8))),
            r"region\.shape was",
        ),
    ):
        with pytest.raises(SettingsError, match=words):
            changed(out, chunk=16, resume=True)
    with pytest.raises(SettingsError, match=r"by which blocks in .* were cut"):
        generate_zarr(recipe(), SMALL, 3, out, chunk=16, resume=True, level=1.0)
    made = generate_zarr(recipe(), SMALL, 4, out, chunk=16, overwrite=True)
    assert made.porosity == generate(recipe(), SMALL, 4).porosity


def test_what_lies_at_out_is_not_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "a.zarr"
    out.mkdir()
    (out / "mine").touch()
    with pytest.raises(OutputError, match="is not empty"):
        generate_zarr(recipe(), SMALL, 3, out)
    work = tmp_path / "b.zarr.work"
    work.mkdir()
    (work / "mine").touch()
    with pytest.raises(OutputError, match="is in the way"):
        generate_zarr(recipe(), SMALL, 3, tmp_path / "b.zarr")


def test_a_full_disk_is_said_and_what_is_done_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.zarr"
    for method, after in (("put_draft", 8), ("put_block", 10)):
        real, count = getattr(WorkFolder, method), [0]

        def full(self, number, what, real=real, count=count):  # type: ignore[no-untyped-def]
            count[0] += 1
            if count[0] <= after:  # noqa: B023
                return real(self, number, what)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(os, "replace", _no_space)
                patch.setattr(Path, "replace", _no_space)
                return real(self, number, what)

        with monkeypatch.context() as patch:
            patch.setattr(WorkFolder, method, full)
            with pytest.raises(OutputError, match=r"is full; .* run the same again with --resume"):
                generate_zarr(recipe(), SMALL, 3, out, chunk=16, resume=True)
        assert not list(tmp_path.rglob("*.partial"))
    assert sum(1 for _ in (tmp_path / "a.zarr.work" / "blocks").iterdir()) == 10
    generate_zarr(recipe(), SMALL, 3, out, chunk=16, resume=True)
    assert np.array_equal(read_volume(out).pore, generate(recipe(), SMALL, 3).pore)


def _no_space(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_too_small_is_said_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("porescape.io.volumes.ome_zarr_store.free_disk", lambda path: 10_000)
    heard: list[object] = []
    with pytest.raises(OutputError, match=r"will write about .* more, but only .* are free"):
        generate_zarr(recipe(), SMALL, 3, tmp_path / "a.zarr", progress=heard.append)
    assert not heard


def test_the_papers_recipe_cannot_be_made_in_parts(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be made in parts"):
        generate_zarr(PaperRecipe((0.5,) * 9), SMALL, 0, tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0:8,0:8", "was not understood"),
        ("0:8,0:8,a:b", "was not understood"),
        ("0:8,0:8,5", "was not understood"),
        ("0:8,0:8,0:300", "x from 0 to 300 is not a part"),
        ("8:8,:,:", "z from 8 to 8 is not a part"),
    ],
)
def test_a_region_outside_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse_region(text, (16, 16, 200))


@pytest.mark.parametrize("chunk", [0, 4, 20])
def test_a_chunk_that_makes_no_sense_is_refused(tmp_path: Path, chunk: int) -> None:
    with pytest.raises(SettingsError, match="multiple of 8"):
        generate_zarr(recipe(), SMALL, 0, tmp_path / "a.zarr", chunk=chunk)


def test_a_gaussian_too_wide_for_whole_numbers_is_refused() -> None:
    with pytest.raises(SettingsError, match="wider than 3000 voxels"):
        gaussian_weights(3001.0)


def test_blocks_tile_the_wanted_part() -> None:
    plan = BlockPlan(recipe(), SMALL, 0, Window((5, 0, 3), (40, 33, 50)), (16, 16, 16))
    assert [plan.block(number) for number in plan.indices] == list(tiled((40, 33, 50), (16, 16, 16)))


# -- the command -------------------------------------------------------------------------------------


def _command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in ("generate", *arguments)])


def test_the_command_makes_blocks_and_regions(tmp_path: Path) -> None:
    material = tmp_path / "m.toml"
    material.write_text(recipe_toml(recipe(), SMALL, 3), encoding="utf-8")
    whole = generate(recipe(), SMALL, 3)
    out = tmp_path / "a.zarr"
    result = _command(material, "--out", out, "--chunk", 24, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert np.array_equal(read_volume(out).pore, whole.pore)
    (level,) = re.findall(r"level of the whole box (\S+),", result.output)
    region = ("--region", "8:40,4:,:30")
    for more in ((), ("--level", level)):
        part = tmp_path / f"{len(more)}.tif"
        result = _command(material, *region, *more, "--out", part, "--workers", 1)
        assert result.exit_code == 0, result.output
        assert f"level of the whole box {level}" in result.output
        assert np.array_equal(read_volume(part).pore, whole.pore[8:40, 4:, :30])
    larger = _command(material, "--shape", "32x20x24", "--open", "--out", tmp_path / "b.zarr", "--workers", 1)
    assert larger.exit_code == 0, larger.output
    box = Domain((32, 20, 24), VOXEL, periodic=False)
    assert np.array_equal(read_volume(tmp_path / "b.zarr").pore, generate(recipe(), box, 3).pore)


def test_the_command_refuses_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    material = tmp_path / "m.toml"
    material.write_text(recipe_toml(recipe(), SMALL, 3), encoding="utf-8")
    monkeypatch.setattr("porescape.io.resources.available_memory", lambda: 4 * 2**30)
    result = _command(material, "--size", 1024, "--out", tmp_path / "a.tif")
    assert isinstance(result.exception, SettingsError)
    assert re.search(
        r"generated whole in memory, and this one needs about .* write a \.zarr", str(result.exception)
    )
    result = _command(material, "--out", tmp_path / "a.png")
    assert "wanted one of .tif, .tiff, .vti, .zarr" in str(result.exception)


def test_a_stopped_command_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    material = tmp_path / "m.toml"
    material.write_text(recipe_toml(recipe(), SMALL, 3), encoding="utf-8")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("porescape.io.volumes.ome_zarr_store.make_blocks", stop)
    out = tmp_path / "a.zarr"
    result = _command(material, "--out", out, "--workers", 1)
    assert isinstance(result.exception, Cancelled)
    assert f"finished blocks are saved in {out}.work. Continue with" in str(result.exception)
