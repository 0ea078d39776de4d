"""The generator by array operations: the CPU's bytes, whatever the arrays; and a card refused in words.

No test here needs a graphics card but the last. numpy stands in for CuPy, once as it is and once behind a
wall that lets nothing pass between host and card unasked.
"""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import porescape
from porescape import distance
from porescape.cli import main
from porescape.core.domain import Domain, Window
from porescape.core.recipe import BodiesRecipe, FieldsRecipe, PaperRecipe, Recipe
from porescape.errors import MissingExtra, SettingsError
from porescape.io.runs.settings import recipe_toml
from porescape.synthesis import generate as cpu
from porescape.synthesis.gpu.arrays import SLAB
from porescape.synthesis.gpu.card import check_exact, check_room
from porescape.synthesis.gpu.distance import distance_to_points, signed_squared_distance
from porescape.synthesis.gpu.generate import generate_on, height_field_on
from porescape.synthesis.gpu.rank import rank_level

VOXEL = 1e-7
SMALL = Domain((20, 24, 28), VOXEL)
HALO = {"highpass_width": 1.5, "branch_width": 0.8}  # short ones, for open boxes


def recipe(**changes: float | None) -> Recipe:
    """Return a recipe whose lengths are given in voxels, of bodies if they have a spacing."""
    bodies = {"spacing": 12, "length": 0, "porosity": 0.6, "smoothing": 0.5}
    fields = {
        "solid_grains": 0.5,
        "pore_cells": 0.4,
        "branches": 0.7,
        "solid_grain_spacing": 12,
        "pore_cell_spacing": 9,
        "branch_width": 2,
        "branch_cut": 0.4,
        "highpass_width": 8,
        "porosity": 0.6,
        "smoothing": 0.5,
    }
    kind, values = (
        (BodiesRecipe, bodies | changes) if "spacing" in changes else (FieldsRecipe, fields | changes)
    )
    lengths = {name for name in values if name.endswith(("spacing", "width", "length"))} | {"smoothing"}
    return kind(
        **{
            name: value if value is None or name not in lengths else value * VOXEL
            for name, value in values.items()
        }
    )


# -- the same bytes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "periodic", "changes"),
    [
        ((48, 48, 48), True, {}),
        ((31, 40, 70), True, {"highpass_width": 5.3, "smoothing": 0.2}),  # no coarse grid fits this period
        ((64, 32, 96), True, {"highpass_width": 20, "smoothing": 2.4, "branch_width": 3.7}),
        ((210, 16, 24), True, {"highpass_width": 3, "smoothing": 1.1}),  # too long for one matrix
        ((30, 24, 20), True, {"solid_grain_spacing": 2, "pore_cell_spacing": 50, "branch_cut": 0.9}),
        (
            (24, 24, 24),
            True,
            {"branch_width": 17, "solid_grains": 0, "pore_cells": 0},
        ),  # distances need 32 bits
        ((40, 33, 70), True, {"spacing": 12, "length": 60}),  # rods longer than the period
        ((30, 20, 24), False, {"spacing": 12, "length": 25}),
        ((20, 33, 26), False, HALO),
        ((17, 26, 21), False, {"highpass_width": 2.2, "smoothing": 2.3, "branches": 0}),
    ],
)
def test_bytes_are_those_of_the_cpu(shape: tuple[int, int, int], periodic: bool, changes: Any) -> None:
    domain, made = Domain(shape, VOXEL, periodic), recipe(**changes)
    field = cpu.height_field(made, domain, 3)
    for slab in (SLAB, 6000):  # all at once, and a few layers at a time
        assert np.array_equal(height_field_on(np, made, domain, 3, slab), field)
    volume = generate_on(np, made, domain, 3, 6000)
    assert np.array_equal(volume.pore, cpu.generate(made, domain, 3).pore)
    assert volume.voxel_size == VOXEL


edges = st.integers(1, 40)


@settings(max_examples=12)
@given(
    shape=st.tuples(edges, edges, edges),
    seed=st.integers(0, 2**40),
    weights=st.tuples(*[st.sampled_from([0.0, 0.3, 1.0])] * 2, st.sampled_from([0.2, 1.0])),
    spacings=st.tuples(st.floats(1, 30), st.floats(1, 30)),
    width=st.floats(0.2, 6),
    cut=st.floats(0.05, 0.95),
    highpass=st.floats(0.2, 40),
    smoothing=st.floats(0.1, 4),
    porosity=st.floats(0.05, 0.95),
)
def test_bytes_are_those_of_the_cpu_for_any_periodic_box(
    shape: Any, seed: int, weights: Any, spacings: Any, width: float, cut: float, **more: float
) -> None:
    names = (
        "solid_grains",
        "pore_cells",
        "branches",
        "solid_grain_spacing",
        "pore_cell_spacing",
        "branch_width",
        "branch_cut",
    )
    changes = dict(zip(names, (*weights, *spacings, width, cut), strict=True))
    made = recipe(
        **changes,
        highpass_width=more["highpass"],
        smoothing=more["smoothing"],
        porosity=more["porosity"],
    )
    domain = Domain(shape, VOXEL)
    assert np.array_equal(generate_on(np, made, domain, seed).pore, cpu.generate(made, domain, seed).pore)


@settings(max_examples=4)
@given(shape=st.tuples(*[st.integers(2, 20)] * 3), seed=st.integers(0, 99), smoothing=st.floats(0.1, 1))
def test_bytes_are_those_of_the_cpu_for_any_open_box(shape: Any, seed: int, smoothing: float) -> None:
    made, domain = recipe(**HALO, smoothing=smoothing), Domain(shape, VOXEL, periodic=False)
    assert np.array_equal(generate_on(np, made, domain, seed).pore, cpu.generate(made, domain, seed).pore)


def test_no_point_nearby_is_a_distance_of_the_cap() -> None:
    none = np.empty((3, 0), dtype=np.float32)
    found = distance_to_points(
        np, none, Window((0, 0, 0), (3, 5, 9)), 4.0, np.float32(1), np.float32(2), SLAB
    )
    assert np.array_equal(found, np.full((3, 5, 9), 6.0, dtype=np.float32))


@given(
    start=st.tuples(*[st.integers(-300, 300)] * 3),
    shape=st.tuples(*[st.integers(1, 45)] * 3),
    count=st.integers(1, 60),
    seed=st.integers(0, 99),
)
@settings(max_examples=15)
def test_grain_distances_are_the_cpus(start: Any, shape: Any, count: int, seed: int) -> None:
    eighths = np.random.Generator(np.random.PCG64(seed)).integers(-64, 64 * 6, size=(3, count))
    points = (eighths / 8 + np.asarray(start)[:, None]).astype(np.float32)
    mean, scale = np.float32(3.3), np.float32(0.7)
    wanted = distance.distance_to_points(points, np.asarray(start), np.asarray(shape), 9.7, mean, scale)
    found = distance_to_points(np, points, Window(start, shape), 9.7, mean, scale, 3000)
    assert np.array_equal(found, wanted)


@given(
    shape=st.tuples(*[st.integers(1, 14)] * 3),
    cap=st.sampled_from([2, 9, 130]),
    wraps=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    share=st.sampled_from([0.0, 0.02, 0.5]),
    seed=st.integers(0, 99),
)
@settings(max_examples=25)
def test_branch_distances_are_the_cpus(shape: Any, cap: int, wraps: Any, share: float, seed: int) -> None:
    if cap > 100:  # what it is for is the wider dtype; context of 260 voxels would take long
        wraps = (True, True, True)
    given_shape = tuple(n if wrap else n + 2 * cap for n, wrap in zip(shape, wraps, strict=True))
    phase = np.random.Generator(np.random.PCG64(seed)).random(given_shape) < share
    wanted = distance.signed_squared_distance(phase, cap, wraps)
    found = signed_squared_distance(np, phase, cap, wraps)
    assert found.dtype == wanted.dtype
    assert np.array_equal(found, wanted)


@given(
    values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=60),
    porosity=st.floats(0.01, 0.99),
)
def test_the_level_is_the_value_of_the_rank(values: list[float], porosity: float) -> None:
    field = np.array(values + values[:7], dtype=np.float32).reshape(1, 1, -1)  # with ties
    assert rank_level(np, field, porosity, 8) == cpu.rank_level(field, porosity)


# -- a card's manners -------------------------------------------------------------------------------


class Card:
    """An array on a pretended card: as CuPy's, it refuses to meet an array of the host."""

    __array_ufunc__ = None  # numpy's operators hand over to ours

    def __init__(self, array: Any) -> None:
        self.host = np.asarray(array)

    def __array__(self, *_: object, **__: object) -> Any:
        raise TypeError("no implicit conversion to a numpy array")

    def __getattr__(self, name: str) -> Any:
        if name not in {"shape", "ndim", "size", "dtype", "T", *METHODS}:
            raise AttributeError(name)
        found = getattr(self.host, name)
        return dressed(found) if name not in METHODS else lambda *a, **k: call(found, *a, **k)

    def __getitem__(self, index: Any) -> "Card":
        return Card(self.host[bare(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self.host[bare(index)] = bare(value)

    def __len__(self) -> int:
        return len(self.host)

    def __iter__(self) -> Any:
        return (Card(part) for part in self.host)

    def __int__(self) -> int:
        assert self.host.ndim == 0
        return int(self.host)


METHODS = {"astype", "reshape", "transpose", "copy", "view", "sum", "min", "max"}
FUNCTIONS = {  # of numpy's names, those that the generator uses and CuPy has, with these arguments
    *("empty", "zeros", "ones", "full", "arange", "where", "minimum", "maximum", "sqrt", "rint", "clip"),
    *("take", "concatenate", "stack", "nonzero", "cumsum", "bincount"),
}


def bare(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        raise TypeError("an array of the host met one of the card")
    if isinstance(value, tuple | list):
        return type(value)(bare(one) for one in value)
    return value.host if isinstance(value, Card) else value


def dressed(value: Any) -> Any:
    if isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
        return tuple(Card(one) for one in value)
    return Card(value) if isinstance(value, np.ndarray | np.generic) else value


def call(function: Any, *arguments: Any, **more: Any) -> Any:
    assert not {"mode", "casting", "where"} & set(more), "CuPy does not know these"
    bared = {name: bare(value) for name, value in more.items()}
    return dressed(function(*map(bare, arguments), **bared))


def _operator(name: str) -> Any:
    return lambda self, *other: call(getattr(np.ndarray, name), self, *other)


for _name in (
    *("add", "sub", "mul", "rshift", "and", "xor", "matmul", "lt", "gt", "le", "eq", "neg", "abs"),
    *("iadd", "isub", "imul", "iand"),
):
    setattr(Card, f"__{_name}__", _operator(f"__{_name}__"))
Card.__hash__ = None  # type: ignore[assignment]


class Cards(types.ModuleType):
    """A namespace with what of CuPy the generator uses, and no more."""

    def __getattr__(self, name: str) -> Any:
        if name not in FUNCTIONS:
            raise AttributeError(f"{name} is not among what is known to work in CuPy")
        return lambda *a, **k: call(getattr(np, name), *a, **k)

    @staticmethod
    def asarray(array: Any) -> Card:
        return Card(np.array(array))

    @staticmethod
    def asnumpy(array: Card) -> Any:
        return array.host.copy()


@pytest.mark.parametrize(("periodic", "changes"), [(True, {}), (True, {"smoothing": 2.2}), (False, HALO)])
def test_nothing_passes_between_host_and_card_unasked(periodic: bool, changes: Any) -> None:
    xp, domain, made = Cards("cards"), Domain(SMALL.shape, VOXEL, periodic), recipe(**changes)
    with pytest.raises(TypeError, match="of the host met"):
        xp.asarray(np.ones(2)) + np.ones(2)
    found = generate_on(xp, made, domain, 0)
    assert type(found.pore) is np.ndarray
    assert np.array_equal(found.pore, cpu.generate(made, domain, 0).pore)


# -- refusals ---------------------------------------------------------------------------------------


class Pretended(Cards):
    """The pretended card with its driver."""

    cards = 1
    free = 2**40

    @property
    def cuda(self) -> Any:
        runtime = types.SimpleNamespace(memGetInfo=lambda: (self.free, self.free))
        return types.SimpleNamespace(is_available=lambda: self.cards > 0, runtime=runtime)

    @staticmethod
    def get_default_memory_pool() -> Any:
        return types.SimpleNamespace(free_bytes=lambda: 0)


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """CuPy, pretended."""
    module = Pretended("cupy")
    monkeypatch.setitem(sys.modules, "cupy", module)
    return module


def test_the_door_opens_to_a_card(cupy: Pretended) -> None:
    found = porescape.generate(recipe(), SMALL, 5, device="gpu")
    assert np.array_equal(found.pore, porescape.generate(recipe(), SMALL, 5).pore)


def test_without_cupy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(MissingExtra, match=r'pip install "porescape\[gpu\]"'):
        porescape.generate(recipe(), SMALL, 0, device="gpu")


def test_without_a_card_it_says_so(cupy: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cupy, "cards", 0)
    with pytest.raises(SettingsError, match=r"finds no CUDA card.* leave out device"):
        porescape.generate(recipe(), SMALL, 0, device="gpu")


def test_a_broken_driver_is_told(cupy: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    def asarray(_: Any) -> Any:
        raise RuntimeError("cudaErrorInsufficientDriver")

    monkeypatch.setattr(cupy, "asarray", asarray)
    with pytest.raises(SettingsError, match="cannot use the card: cudaErrorInsufficientDriver"):
        porescape.generate(recipe(), SMALL, 0, device="gpu")


def test_short_products_are_refused() -> None:
    check_exact(np)

    class Short(np.ndarray):
        """Products as TF32 has them: of 11 bits."""

        def __matmul__(self, other: Any) -> Any:
            left, right = (
                (np.asarray(of).view(np.int32) + 0x1000 & ~0x1FFF).view(np.float32) for of in (self, other)
            )
            return left @ right

    space = types.SimpleNamespace(
        asarray=lambda array: np.asarray(array).view(Short), sqrt=np.sqrt, asnumpy=np.asarray
    )
    with pytest.raises(SettingsError, match="unset CUPY_TF32"):
        check_exact(space)


def test_a_box_too_large_for_the_card_is_refused_before_it_starts(cupy: Pretended) -> None:
    large = Domain((2000, 2000, 2000), VOXEL)
    check_room(cupy, recipe(), large)
    cupy.free = 16 * 10**9
    with pytest.raises(
        SettingsError, match=r"2000x2000x2000 voxels need about 64\.\d GB .* 16\.0 GB are free"
    ):
        check_room(cupy, recipe(), large)


def test_other_devices_and_the_papers_generator_are_refused() -> None:
    with pytest.raises(SettingsError, match="device 'tpu' is unknown"):
        porescape.generate(recipe(), SMALL, 0, device="tpu")
    with pytest.raises(SettingsError, match="on the CPU only"):
        porescape.generate(PaperRecipe((0.5,) * 9), SMALL, 0, device="gpu")


def test_the_command_makes_whole_boxes_on_a_card(
    cupy: Pretended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fitted.toml").write_text(recipe_toml(recipe(), SMALL, 4), encoding="utf-8")

    def call(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["porescape", "generate", "fitted.toml", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0), capsys.readouterr().err

    assert call("--device", "gpu", "--out", "card.tif")[0] == 0
    assert call("--out", "cpu.tif")[0] == 0
    assert Path("card.tif").read_bytes() == Path("cpu.tif").read_bytes()
    for more in (("--out", "big.zarr"), ("--region", "0:8,0:8,0:8")):
        code, words = call("--device", "gpu", *more)
        assert code == 2
        assert "generates whole boxes in memory" in " ".join(words.split())
    monkeypatch.setitem(sys.modules, "cupy", None)
    code, words = call("--device", "gpu", "--overwrite")
    assert code == 5
    assert "porescape[gpu]" in words


# -- on a card --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("periodic", "changes"), [(True, {}), (True, {"smoothing": 2.2}), (False, HALO)])
def test_bytes_of_a_card_are_those_of_the_cpu(periodic: bool, changes: Any) -> None:
    card = pytest.importorskip("cupy", reason="CuPy (extra `gpu`) is not installed")
    if not card.cuda.is_available():
        pytest.skip("CuPy is installed, but there is no CUDA card with a working driver")
    domain, made = Domain((64, 96, 80), VOXEL, periodic), recipe(**changes)
    found = porescape.generate(made, domain, 0, device="gpu")
    assert np.array_equal(found.pore, porescape.generate(made, domain, 0).pore)
