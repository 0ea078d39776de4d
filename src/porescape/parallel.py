"""The one place for parallel work: ordered, spawn-safe, interruptible, and able to talk meanwhile."""

import multiprocessing
import os
import queue
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")
Tell = Callable[[Any], None]

# one thread per worker process: processes that each start a pool of threads fight over the cores
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_POLL = 0.2  # seconds between looks at the mail; also how soon Ctrl-C is seen on Windows


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ordered(
    work: Callable[[T, Tell], R],
    items: Iterable[T],
    workers: int = 1,
    listen: Tell = lambda message: None,
) -> Iterator[R]:
    """Apply `work(item, tell)` to every item and yield the results in the order of the items.

    Parameters
    ----------
    work : callable
        Takes an item and `tell`, with which it may send messages while it works. With more than one
        worker it must be picklable, like the items: processes are spawned, as on Windows and macOS,
        so that all three systems behave alike.
    workers : int
        Processes; 1 works in this one.
    listen : callable
        Called in this process with every message told.

    Closing the iterator early (Ctrl-C, an error, an early stop) ends the workers.
    """
    items = list(items)
    if workers <= 1 or len(items) <= 1:
        for item in items:
            yield work(item, listen)
        return
    context = multiprocessing.get_context("spawn")
    mail = context.Queue()
    with _one_thread_each():
        pool = ProcessPoolExecutor(min(workers, len(items)), context, _remember_mail, (mail,))
        try:
            futures = [pool.submit(_work_and_tell, work, number, item) for number, item in enumerate(items)]
            ended: set[int] = set()
            for number, future in enumerate(futures):
                while not future.done():
                    _deliver(mail, listen, ended, _POLL)
                result = future.result()
                while number not in ended:  # a result may overtake the messages told before it
                    _deliver(mail, listen, ended, _POLL)
                yield result
            pool.shutdown()
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            mail.close()
            mail.cancel_join_thread()


_mail: Any = None  # of this worker process, set once when it starts


def _remember_mail(mail: Any) -> None:
    global _mail
    _mail = mail


class _End(NamedTuple):
    """The last message of a piece of work."""

    number: int


def _work_and_tell(work: Callable[[T, Tell], R], number: int, item: T) -> R:
    result = work(item, _mail.put)
    _mail.put(_End(number))
    return result


def _deliver(mail: Any, listen: Tell, ended: set[int], patience: float) -> None:
    """Hand on the messages that have come; wait up to `patience` seconds for the first.

    Numbers of pieces of work that have told their last go into `ended`.
    """
    while True:
        try:
            message = mail.get(timeout=patience) if patience else mail.get_nowait()
        except queue.Empty:
            return
        patience = 0.0
        if isinstance(message, _End):
            ended.add(message.number)
        else:
            listen(message)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start now have one thread each; the variables are read when numpy loads."""
    before = {name: os.environ.get(name) for name in _THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(_THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
