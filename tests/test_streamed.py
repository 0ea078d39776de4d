"""Measuring piece by piece: equal to measuring whole, for any pieces, from any file."""

import json
import math
import pickle
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from porescape.cli import main
from porescape.core.chunked import ChunkedArray, slices, tiled
from porescape.core.domain import Shape, Window
from porescape.core.measurement import Measurement
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.io.volumes.chunked import ChunkedFile, open_chunked, shape_of
from porescape.io.volumes.volume import read_volume_with_source, write_tiff
from porescape.measure.geometry.connectivity import connected_porosities
from porescape.measure.geometry.correlation import two_point_correlation
from porescape.measure.geometry.morphology import minkowski_densities, thickness_distribution
from porescape.measure.streamed import halo
from porescape.measure.streamed.clusters import Clusters, PoreClusters
from porescape.measure.streamed.counting import THICKNESS
from porescape.measure.streamed.lags import Lags
from porescape.measure.streamed.layers import planes, steps_of
from porescape.measure.streamed.meter import measure_chunked
from porescape.measure.streamed.neighbours import Neighbours
from porescape.measure.streamed.parts import spread
from porescape.measure.streamed.room import refuse_whole, whole_memory
from porescape.measure.volume import measure_volume

Bools = NDArray[np.bool_]
VOXEL = 1e-7
LARGE = 2**31  # bytes


def field(shape: Shape, width: float = 2.0, porosity: float = 0.6, seed: int = 0) -> Bools:
    noise = gaussian_filter(np.random.default_rng(seed).standard_normal(shape), width)
    below: Bools = noise < np.quantile(noise, porosity)
    return below


def clusters_of(pore: Bools, chunk: Shape, step: int) -> PoreClusters:
    chunked = ChunkedArray(Volume(pore, VOXEL), chunk)
    clusters = Clusters(chunked.shape)
    for some in planes(chunked, step):
        clusters.add(some)
    return clusters.found()


@st.composite
def structures(draw: st.DrawFn, shortest: int = 1) -> ChunkedArray:
    """Volumes of up to some thousand voxels, noise or with pores of a few voxels, in pieces of any shape."""
    shape = draw(st.tuples(*[st.integers(shortest, 14)] * 2, st.integers(shortest, 80)))
    seed, porosity = draw(st.integers(0, 2**32)), draw(st.sampled_from((0.0, 0.2, 0.5, 0.7, 0.95, 1.0)))
    width = draw(st.sampled_from((0.0, 1.0, 2.0)))
    noise = np.random.default_rng(seed).random(shape)
    if width:
        noise = gaussian_filter(noise, width)
    pore = noise < np.quantile(noise, porosity) if 0 < porosity < 1 else np.full(shape, porosity == 1)
    chunk = draw(st.tuples(*[st.integers(1, 15)] * 3))
    return ChunkedArray(Volume(pore, VOXEL), chunk)


# -- the pieces -------------------------------------------------------------------------------------


@given(chunked=structures(), step=st.integers(1, 5000))
def test_planes_come_whole_and_in_order(chunked: ChunkedArray, step: int) -> None:
    some = list(planes(chunked, step))
    assert len(some) == steps_of(chunked, step)
    assert np.array_equal(np.concatenate(some), chunked.volume.pore)


def test_no_piece_of_the_store_is_read_twice() -> None:
    class Counting(ChunkedArray):
        seen = np.zeros((20, 30, 40), dtype=int)

        def read(self, window: Window) -> Bools:
            self.seen[slices(window)] += 1
            return super().read(window)

    chunked = Counting(Volume(field((20, 30, 40)), VOXEL), (8, 7, 40))
    list(planes(chunked, 2000))
    assert (chunked.seen == 1).all()


# -- closed forms -----------------------------------------------------------------------------------


def serpentine(edge: int) -> tuple[Bools, list[tuple[int, int, int]]]:
    """One pore of one voxel's width, up and down the columns of a cube, and where its bends are."""
    pore = np.zeros((edge, edge, edge), dtype=bool)
    evens = range(0, edge, 2)
    columns = [(y, x) for turn, x in enumerate(evens) for y in (evens if turn % 2 == 0 else reversed(evens))]
    bends = []
    for number, (here, there) in enumerate(pairwise(columns)):
        bends.append((0 if number % 2 else edge - 1, (here[0] + there[0]) // 2, (here[1] + there[1]) // 2))
    for y, x in columns:
        pore[:, y, x] = True
    pore[tuple(np.transpose(bends))] = True
    return pore, bends


@pytest.mark.parametrize("chunk", [(1, 1, 1), (5, 3, 4), (8, 8, 8), (64, 64, 64)])
def test_a_pore_that_winds_through_all_blocks_is_one(chunk: Shape) -> None:
    pore, bends = serpentine(15)
    found = clusters_of(pore, chunk, 400)
    assert found.clusters == 1
    assert found.connected == (found.porosity,) * 3
    pore[bends[len(bends) // 2]] = False
    cut = clusters_of(pore, chunk, 400)
    assert cut.clusters == 2
    assert cut.connected == (cut.porosity, cut.porosity, 0.0)


@pytest.mark.parametrize("step", [1, 600, 10**6])
def test_the_two_legs_of_a_u_turn_meet_in_a_later_block(step: int) -> None:
    pore = np.zeros((40, 20, 20), dtype=bool)
    pore[:35, 5, 5] = pore[:35, 5, 15] = pore[35, 5, 5:16] = True  # open above, joined at the very bottom
    found = clusters_of(pore, (8, 8, 8), step)
    assert (found.clusters, found.connected) == (1, (0.0, 0.0, 0.0))
    pore[:, 15, 15] = True  # another leads through
    pore[20, 5:16, 15] = True  # and a bridge makes them one
    whole = clusters_of(pore, (8, 8, 8), step)
    assert whole.clusters == 1
    assert whole.connected[0] == whole.largest == whole.porosity


def test_closed_pores_touch_no_face() -> None:
    pore = np.zeros((12, 12, 12), dtype=bool)
    pore[3:6, 3:6, 3:6] = pore[:, 9, 9] = pore[0, 0, 0] = True
    found = clusters_of(pore, (4, 4, 4), 300)
    assert found.closed == 27 / 12**3
    assert found.connected == (12 / 12**3, 0.0, 0.0)
    assert found.isolated == (28 / 12**3, 40 / 12**3, 40 / 12**3)
    assert (found.clusters, found.largest) == (3, 27 / 12**3)


# -- streamed is whole --------------------------------------------------------------------------------


@settings(max_examples=60)
@given(chunked=structures(), step=st.integers(1, 4000))
def test_clusters_do_not_depend_on_the_pieces(chunked: ChunkedArray, step: int) -> None:
    found = clusters_of(chunked.volume.pore, chunked.chunk, step)
    assert found.connected == connected_porosities(chunked.volume)
    assert found.porosity == chunked.volume.porosity


@settings(max_examples=40)
@given(chunked=structures(shortest=2), step=st.integers(1, 4000), share=st.floats(0, 1))
def test_counts_do_not_depend_on_the_pieces(chunked: ChunkedArray, step: int, share: float) -> None:
    neighbours = Neighbours(chunked.shape, configurations=True)
    lags = Lags(chunked.shape, int(share * (min(chunked.shape) - 1)))
    for some in planes(chunked, step):
        neighbours.add(some)
        lags.add(some)
    assert neighbours.minkowski_densities(VOXEL) == minkowski_densities(chunked.volume)
    assert np.array_equal(lags.two_point(), two_point_correlation(chunked.volume.pore, lags.longest))


def same(streamed: Measurement, whole: Measurement) -> None:
    """Equal to the last bit, but for mean thickness, whose sum has another order; NaN in equal words."""
    assert streamed.reasons == whole.reasons
    for name, value in whole.values.items():
        if name in THICKNESS:
            assert streamed.values[name] == pytest.approx(value, rel=1e-12, nan_ok=True)
        else:
            assert streamed.values[name] == value or math.isnan(value), name
    for name, curve in whole.details.curves.items():
        if not name.startswith("settling"):
            found = streamed.details.curves[name]
            assert np.array_equal(found.x, curve.x), name
            assert np.array_equal(found.y, curve.y), name
            assert (found.x_unit, found.y_unit) == (curve.x_unit, curve.y_unit)


@settings(max_examples=30)
@given(chunked=structures())
def test_every_basic_number_and_curve_is_that_of_the_whole_volume(chunked: ChunkedArray) -> None:
    wanted = ("basic", "kozeny_carman")
    same(measure_chunked(chunked, wanted).measurement, measure_volume(chunked.volume, wanted))


@pytest.mark.parametrize("phase", ["pore", "solid"])
def test_thickness_of_blocks_is_that_of_the_whole(phase: halo.Phase) -> None:
    chunked = ChunkedArray(Volume(field((40, 56, 48), 1.5), VOXEL))
    whole = thickness_distribution(chunked.volume, phase)
    for edge, reach in ((16, 1), (20, 9)):
        shares, reaches = zip(
            *(
                halo.block_shares(chunked, tile, phase, reach, LARGE)
                for tile in tiled(chunked.shape, (edge,) * 3)
            ),
            strict=True,
        )
        found = halo.distribution(halo.merged(*shares), VOXEL)
        assert max(reaches) < 12  # or the windows were the whole volume, and nothing is shown
        assert np.array_equal(found.cumulative.y, whole.cumulative.y)
        assert found.mean == pytest.approx(whole.mean, rel=1e-12)
        assert (found.p10, found.p50, found.p90) == pytest.approx((whole.p10, whole.p50, whole.p90), rel=1e-6)


def test_a_ball_far_wider_than_the_blocks_is_seen_by_all_it_covers() -> None:
    far = np.sum((np.indices((48, 48, 48)) - 23.5) ** 2, axis=0)
    chunked = ChunkedArray(Volume(far < 19**2, VOXEL))
    whole = thickness_distribution(chunked.volume)
    tiles = tiled(chunked.shape, (16, 16, 16))
    found = halo.merged(*(halo.block_shares(chunked, tile, "pore", 2, LARGE)[0] for tile in tiles))
    assert halo.distribution(found, VOXEL).mean == pytest.approx(whole.mean, rel=1e-12)


def test_with_little_memory_blocks_are_halved_and_nothing_changes() -> None:
    chunked = ChunkedArray(Volume(field((48, 48, 48), 1.0), VOXEL))
    tile = Window((0, 0, 0), chunked.shape)
    (full, _), (small, _) = (
        halo.tile_shares(chunked, (2, 2), memory, tile, lambda message: None)
        for memory in (LARGE, 0.9 * 48**3 * halo.BYTES)
    )
    assert np.array_equal(full.thickness, small.thickness)
    assert np.array_equal(full.voxels, small.voxels)


def test_thickness_that_has_no_room_says_how_much_it_needs() -> None:
    chunked = ChunkedArray(Volume(field((40, 40, 40)), VOXEL))
    found = measure_chunked(chunked, ["thickness_pore", "porosity"], memory=2**18).measurement
    assert math.isnan(found.values["thickness_pore"])
    assert "MiB of memory, and 0 MiB may be used; allow more memory" in found.reasons["thickness_pore"]
    assert found.values["porosity"] == chunked.volume.porosity


def test_lags_that_have_no_room_are_left_out_in_words() -> None:
    stripes = np.zeros((40, 40, 40), dtype=bool)
    stripes[:, :20] = True
    found = measure_chunked(
        ChunkedArray(Volume(stripes, VOXEL)), ["correlation_length"], memory=1600
    ).measurement
    assert "still" in found.reasons["correlation_length"]
    assert "for lack of memory" in found.reasons["correlation_length"]
    assert "up to lags of 2 voxels, not of 20" in found.warnings[0]
    assert len(found.details.curves["two_point"].y) == 3


# -- sub-volumes --------------------------------------------------------------------------------------


@given(shape=st.tuples(*[st.integers(1, 300)] * 3), count=st.integers(1, 40), size=st.integers(16, 140))
def test_sub_volumes_lie_inside_and_beside_each_other(shape: Shape, count: int, size: int) -> None:
    windows = spread(shape, count, size)
    edges = tuple(min(n, size) for n in shape)
    assert len(windows) == min(count, math.prod(n // e for n, e in zip(shape, edges, strict=True)))
    for i, one in enumerate(windows):
        assert one.shape == edges
        assert all(a >= 0 and a + e <= n for a, e, n in zip(one.start, edges, shape, strict=True))
        for other in windows[:i]:
            assert any(abs(a - b) >= e for a, b, e in zip(one.start, other.start, edges, strict=True))


def test_eight_sub_volumes_of_a_cube_are_its_corners() -> None:
    starts = {window.start for window in spread((64, 64, 64), 8, 32)}
    assert starts == {(z, y, x) for z in (0, 32) for y in (0, 32) for x in (0, 32)}


def test_sub_volumes_are_measured_as_volumes_of_their_own() -> None:
    volume = Volume(field((48, 48, 48)), VOXEL)
    found = measure_chunked(
        ChunkedArray(volume),
        ["porosity", "tortuosity_z", "geodesic_ratio_z"],
        sub_volumes=2,
        sub_volume_size=24,
    )
    each = [
        measure_volume(Volume(volume.pore[slices(window)], VOXEL), ["tortuosity_z"]).values["tortuosity_z"]
        for window in found.windows
    ]
    assert found.origin == {
        "porosity": "streamed",
        "tortuosity_z": "sub-volumes",
        "geodesic_ratio_z": "sub-volumes",
    }
    assert [part.values["tortuosity_z"] for part in found.parts] == each
    assert found.measurement.values["tortuosity_z"] == found.estimates["tortuosity_z"].mean == np.mean(each)
    assert found.estimates["tortuosity_z"].n == 2


def test_sub_volumes_with_few_whole_pores_are_told() -> None:
    chunked = ChunkedArray(Volume(field((48, 48, 48)), VOXEL))
    found = measure_chunked(chunked, ["pore_density", "whole_pores"], sub_volumes=2, sub_volume_size=24)
    assert found.measurement.values["whole_pores"] < 30
    (told,) = found.measurement.warnings
    assert re.match(r"2 of 2 sub-volumes; the first: .* \d+ of \d+ lie wholly inside, wanted 30", told)


def test_one_and_two_workers_find_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", field((40, 40, 40)))
    with open_chunked(tmp_path / "v.npy", VOXEL) as source:
        one, two = (
            measure_chunked(
                source.chunked,
                ["thickness_pore"],
                workers=n,
                memory=2**26,
            )
            for n in (1, 2)
        )
    assert one.measurement.values == two.measurement.values


def test_what_no_sub_volume_has_is_missing_in_words() -> None:
    walls = np.ones((40, 40, 40), dtype=bool)
    walls[::5] = False
    found = measure_chunked(
        ChunkedArray(Volume(walls, VOXEL)), ["tortuosity_z"], sub_volumes=3, sub_volume_size=32
    )
    assert "no sub-volume has a value" in found.measurement.reasons["tortuosity_z"]
    assert found.measurement.warnings == (
        "3 sub-volumes of 32 voxels do not fit side by side; 1 were measured",
    )


def test_progress_counts_up_to_the_end() -> None:
    heard: list[tuple[str, int, int]] = []
    chunked = ChunkedArray(Volume(field((40, 40, 40)), VOXEL))
    measure_chunked(
        chunked,
        ["basic", "tortuosity_z"],
        sub_volumes=2,
        sub_volume_size=20,
        progress=lambda *told: heard.append(told),
    )
    assert [done for _, done, _ in heard] == list(range(1, len(heard) + 1))
    assert {of for _, _, of in heard} == {len(heard)}


# -- refusals -----------------------------------------------------------------------------------------


def test_measuring_whole_what_does_not_fit_is_refused_with_the_memory_it_needs() -> None:
    refuse_whole(["all"], (128, 128, 128), 2**30)
    with pytest.raises(
        InputError,
        match=r"2000 x 2000 x 2000 voxels whole needs about .* GiB .*permeability 1.*leave out --whole",
    ):
        refuse_whole(["basic", "permeability"], (2000, 2000, 2000), 2**34)
    assert whole_memory(["permeability"], (10, 10, 10)) > whole_memory(["basic"], (10, 10, 10))


def test_sub_volumes_too_few_or_too_small_are_refused() -> None:
    with pytest.raises(SettingsError, match="at least 1 sub-volume, of at least 16 voxels"):
        spread((64, 64, 64), 0, 32)
    with pytest.raises(SettingsError, match="got 4 of 8"):
        spread((64, 64, 64), 4, 8)


# -- files ----------------------------------------------------------------------------------------------

PORE = field((20, 23, 37), 1.0)
GREY = (gaussian_filter(PORE * 100.0, 0.7) + np.random.default_rng(0).normal(60, 4, PORE.shape)).astype(
    np.uint8
)


def npy(folder: Path, values: NDArray[np.generic]) -> Path:
    np.save(folder / "v.npy", values)
    return folder / "v.npy"


def npy_by_columns(folder: Path, values: NDArray[np.generic]) -> Path:
    return npy(folder, np.asfortranarray(values))


def plain_tiff(folder: Path, values: NDArray[np.generic]) -> Path:
    tifffile.imwrite(folder / "v.tif", values, photometric="minisblack")
    return folder / "v.tif"


def packed_tiff(folder: Path, values: NDArray[np.generic]) -> Path:
    tifffile.imwrite(folder / "v.tif", values, photometric="minisblack", compression="zlib")
    return folder / "v.tif"


def slices_of_tiff(folder: Path, values: NDArray[np.generic]) -> Path:
    (folder / "slices").mkdir()
    for z, plane in enumerate(values):
        tifffile.imwrite(folder / "slices" / f"s{z}.tif", plane, photometric="minisblack")
    return folder / "slices"


def plain_zarr(folder: Path, values: NDArray[np.generic]) -> Path:
    zarr.create_array(folder / "v.zarr", data=values, chunks=(7, 23, 5))
    return folder / "v.zarr"


def ome_zarr(folder: Path, values: NDArray[np.generic]) -> Path:
    """As of 0.5, with a channel, axes in their usual order, in shards."""
    group = zarr.open_group(folder / "v.ome.zarr", mode="w")
    group.create_array("0", data=values[None], chunks=(1, 4, 6, 5), shards=(1, 8, 12, 10))
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "zyx"]
    scale = {"type": "scale", "scale": [1, 0.1, 0.1, 0.1]}
    image = {"axes": axes, "datasets": [{"path": "0", "coordinateTransformations": [scale]}]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    return folder / "v.ome.zarr"


WRITERS = (npy, npy_by_columns, plain_tiff, packed_tiff, slices_of_tiff, plain_zarr, ome_zarr)
Writer = Callable[[Path, NDArray[np.generic]], Path]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize(
    "values", [PORE, np.where(PORE, np.uint8(255), np.uint8(0)), GREY], ids=["bool", "two", "grey"]
)
def test_every_file_is_understood_as_it_is_when_read_whole(
    tmp_path: Path, write: Writer, values: NDArray[np.generic]
) -> None:
    if values.dtype == bool and "tif" in write.__name__:
        values = values.astype(np.uint8)
    path = write(tmp_path, values)
    whole = read_volume_with_source(path, VOXEL)
    assert shape_of(path) == whole.volume.shape
    with open_chunked(path, VOXEL) as source:
        assert source.chunked.voxel_size == whole.volume.voxel_size
        for name in (
            "name",
            "voxel_size_source",
            "pore",
            "threshold",
            "threshold_source",
            "warnings",
            "sha256",
        ):
            assert getattr(source, name) == getattr(whole, name), name
        assert source.porosity_range == pytest.approx(whole.porosity_range)
        for window in (
            Window((0, 0, 0), whole.volume.shape),
            Window((3, 1, 5), (9, 20, 11)),
            Window((19, 22, 36), (1, 1, 1)),
        ):
            assert np.array_equal(source.chunked.read(window), whole.volume.pore[slices(window)])
        again = pickle.loads(pickle.dumps(source.chunked))
        assert len(pickle.dumps(source.chunked)) < 2000
        assert np.array_equal(again.read(window), source.chunked.read(window))


@pytest.mark.parametrize("write", [npy, packed_tiff, ome_zarr])
def test_numbers_of_a_file_are_those_of_the_volume_in_it(tmp_path: Path, write: Writer) -> None:
    path = write(tmp_path, np.where(PORE, np.uint8(255), np.uint8(0)))
    whole = measure_volume(read_volume_with_source(path, VOXEL).volume, ["basic"])
    with open_chunked(path, VOXEL) as source:
        same(measure_chunked(source.chunked, ["basic"]).measurement, whole)


@pytest.mark.parametrize("pore", ["dark", "bright"])
def test_threshold_and_side_are_those_given(tmp_path: Path, pore: str) -> None:
    path = plain_zarr(tmp_path, GREY)
    whole = read_volume_with_source(path, VOXEL, threshold=120, pore=pore)  # type: ignore[arg-type]
    with open_chunked(path, VOXEL, threshold=120, pore=pore) as source:  # type: ignore[arg-type]
        assert (source.threshold, source.pore) == (120, pore)
        assert np.array_equal(source.chunked.read(Window((0, 0, 0), source.chunked.shape)), whole.volume.pore)


@pytest.mark.parametrize("value", [0, 7])
def test_one_value_only_is_one_phase_in_words(tmp_path: Path, value: int) -> None:
    path = npy(tmp_path, np.full((8, 9, 10), value, np.int16))
    whole = read_volume_with_source(path, VOXEL)
    with open_chunked(path, VOXEL) as source:
        assert source.warnings == whole.warnings
        assert source.chunked.read(Window((0, 0, 0), (8, 9, 10))).mean() == whole.volume.porosity


def test_the_temporary_file_of_compressed_planes_is_gone_afterwards(tmp_path: Path) -> None:
    write_tiff(tmp_path / "v.tif", Volume(PORE, VOXEL))
    with open_chunked(tmp_path / "v.tif") as source:
        assert not isinstance(source.chunked, ChunkedFile)
        scratch = source.chunked.path  # type: ignore[attr-defined]
        assert scratch.exists()
    assert not scratch.exists()


def test_kinds_that_can_only_be_read_whole_are(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "v.npz", PORE)
    assert shape_of(tmp_path / "v.npz") is None
    with open_chunked(tmp_path / "v.npz", VOXEL) as source:
        assert isinstance(source.chunked, ChunkedArray)
        assert "can only be read whole" in source.warnings[-1]


@pytest.mark.parametrize(
    ("values", "size", "words"),
    [
        (PORE, None, "contains no voxel size"),
        (np.full((8, 9, 10), np.nan), VOXEL, "holds NaN"),
        (np.arange(720).reshape(8, 9, 10) % 4, VOXEL, "holds 4 different values"),
        (np.zeros((8, 9)), VOXEL, "wanted three axes"),
    ],
)
def test_files_that_make_no_sense_are_refused(
    tmp_path: Path, values: NDArray[np.generic], size: float | None, words: str
) -> None:
    with pytest.raises(InputError, match=words), open_chunked(npy(tmp_path, values), size):
        pass


def test_a_threshold_beyond_the_grey_levels_is_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="leaves one phase only"),
        open_chunked(npy(tmp_path, GREY), VOXEL, threshold=400),
    ):
        pass


def test_a_file_that_is_not_there_or_broken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"II*\0nothing")
    for name in ("none.npy", "broken.tif"):
        with pytest.raises(InputError), open_chunked(tmp_path / name, VOXEL):
            pass


# -- the command ------------------------------------------------------------------------------------------

Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Measure v.npy in a folder of its own; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    np.save("v.npy", field((40, 44, 48)))

    def call(*arguments: object) -> tuple[int, str, str]:
        said = ("measure", "v.npy", "--voxel-size", "0.1 um", *map(str, arguments))
        monkeypatch.setattr(sys, "argv", ["porescape", *said])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return call


PART = ("--measure", "porosity,thickness_pore,tortuosity_z", "--workers", 1)
FOUR = ("--subvolumes", 4, "--subvolume-size", 20)


def test_a_streamed_measurement_has_the_form_of_any_and_says_where_its_numbers_are_from(here: Called) -> None:
    whole = json.loads(here(*PART, "--json")[1])
    code, out, told = here(*PART, *FOUR, "--stream", "--json", "--out", "m")
    assert code == 0
    assert "piece by piece" in told
    table = json.loads(out)
    assert table == json.loads(Path("m/results.json").read_text(encoding="utf-8"))
    assert set(whole) < set(table)
    assert set(table) - set(whole) == {"sub_volumes"}
    porosity, thickness, tortuosity = table["properties"].values()
    assert porosity == {**whole["properties"]["porosity"], "origin": "streamed"}
    assert thickness["value"] == pytest.approx(whole["properties"]["thickness_pore"]["value"], rel=1e-12)
    assert (tortuosity["origin"], tortuosity["n"]) == ("sub-volumes", 4)
    assert tortuosity["ci95"][0] < tortuosity["value"] < tortuosity["ci95"][1]
    assert table["sub_volumes"][0] == {"start": [10, 1, 2], "shape": [20, 20, 20]}
    rows = Path("m/sub-volumes.csv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 5
    assert rows[0].endswith("tortuosity_z [1]")


def test_what_does_not_fit_is_streamed_by_itself_and_refused_whole(
    here: Called, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "piece by piece" not in here(*PART)[2]
    monkeypatch.setattr("porescape.io.resources.available_memory", lambda: 2**20)
    code, _, told = here("--measure", "porosity,connected_porosity_z")
    assert code == 0
    assert "piece by piece" not in told  # that little fits
    code, _, told = here(*PART, *FOUR)
    assert code == 0
    assert "piece by piece" in told
    assert "4 sub-volumes" in told
    code, _, told = here(*PART, "--whole")
    assert code == 3
    assert "needs about" in told
    assert "leave out --whole" in told


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("--stream", "--whole"), "exclude each other"),
        (("--stream", "--subvolumes", 0), "at least 1 sub-volume"),
        (("--stream", "--subvolume-size", 8), "of at least 16 voxels"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_any_work(
    here: Called, said: tuple[object, ...], words: str
) -> None:
    code, _, told = here(*PART, *said)
    assert code == 2
    assert words in told
