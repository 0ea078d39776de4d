"""What all tests share, and what keeps the two or more processes that run them from doing work twice."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from porescape.web.lock import exclusive_lock

# how long a test takes says more of the machine than of the code
settings.register_profile("porescape", deadline=None, derandomize=True)
settings.load_profile("porescape")

# the cores are taken by the processes that run the tests: threads beside them only wait, and busily
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# many tests start processes, and each would compile our sources anew; kernels are kept beside them anyway
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

# First what compiles most kernels, so that the commands and workers started by later tests load them;
# then what takes longest, so that the processes end together.
FIRST = [
    f"test_{name}.py"
    for name in (
        "pipeline",
        "report",
        "blockwise",
        "resume",
        "cli",
        "browser",
        "parallel",
        "web",
        "docs",
        "parallel_search",
        "files",
        "synthesis",
        "batch",
    )
]


alone = ExitStack()  # closed when the first of several processes has imported what the tests need


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        locks = config.cache.mkdir("kernels")  # type: ignore[union-attr]
        import_once(locks)
        compile_once(locks)


def import_once(locks: Path) -> None:
    """Let one process compile the packages, which are installed uncompiled; the next ones load that."""
    done = locks / "imported"
    with ExitStack() as held:
        held.enter_context(exclusive_lock(locks / "imports", "the imports still take place", timeout=600))
        if not done.exists():
            held.callback(done.touch)  # before the lock is released
            alone.enter_context(held.pop_all())


def compile_once(locks: Path) -> None:
    """Let a kernel be compiled by one process, while others that need it wait and then load it."""
    from numba.core.compiler_lock import global_compiler_lock
    from numba.core.dispatcher import Dispatcher

    compiled, held = Dispatcher.compile, set[str]()

    def compile(self: Any, sig: Any) -> Any:
        name = f"{self.py_func.__module__}.{self.py_func.__qualname__}".replace("<", "").replace(">", "")
        with global_compiler_lock:
            if name in held or not name.startswith("porescape."):
                return compiled(self, sig)
            held.add(name)
            try:
                with exclusive_lock(locks / name, f"{name} is still being compiled", timeout=600):
                    return compiled(self, sig)
            finally:
                held.remove(name)

    Dispatcher.compile = compile


def pytest_collection_finish() -> None:
    """Spare the collector of cycles what all tests stand on; compilation of kernels calls it often."""
    alone.close()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    rank = {name: number for number, name in enumerate(FIRST)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each process whole files: what a file's tests share is then made once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # we have an order of our own
    return LoadFileScheduling(config, log)


@pytest.fixture
def shared() -> Path:
    """The folder of shared real data; skips where it is not there."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not there; these files are not part of the project")
    return SHARED


@contextmanager
def without_pages() -> Iterator[None]:
    """Write runs without drawing their pages, which takes longest and has tests of its own."""
    from matplotlib.figure import Figure

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("porescape.io.runs.run_folder.render_report", lambda *_, **__: "<html></html>")
        patch.setattr(
            "porescape.io.runs.run_folder.segmentation_overlay", lambda image, phase: Figure(figsize=(1, 1))
        )
        yield


@pytest.fixture(scope="module")
def plain_reports() -> Iterator[None]:
    """`without_pages`, for all tests of a module."""
    with without_pages():
        yield
