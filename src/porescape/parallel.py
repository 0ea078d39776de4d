"""The one place for parallel work: ordered, spawn-safe, interruptible."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

# one thread per worker process: processes that each start a pool of threads fight over the cores
_ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
}


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ordered(work: Callable[[T], R], items: Iterable[T], workers: int = 1) -> Iterator[R]:
    """Apply `work` to every item and yield the results in the order of the items.

    `work` and the items must be picklable when `workers` > 1: the processes are spawned, as on
    Windows and macOS, so that all three systems behave alike. Closing the iterator early (Ctrl-C, an
    error, an early stop) cancels what has not started.
    """
    items = list(items)
    if workers <= 1 or len(items) <= 1:
        for item in items:
            yield work(item)
        return
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    pool = ProcessPoolExecutor(min(workers, len(items)), multiprocessing.get_context("spawn"))
    try:
        futures = [pool.submit(work, item) for item in items]
        for future in futures:
            while not future.done():
                wait([future], timeout=0.2, return_when=FIRST_COMPLETED)  # lets Ctrl-C through on Windows
            yield future.result()
        pool.shutdown()
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
