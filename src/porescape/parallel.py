"""The one place for parallel work: ordered, spawn-safe, interruptible, and able to talk meanwhile."""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any, NamedTuple, Protocol, TypeVar

from porescape.errors import PorescapeError

T = TypeVar("T")
R = TypeVar("R")
Tell = Callable[[Any], None]

# one thread per worker process: processes that each start a pool of threads fight over the cores
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_POLL = 0.2  # seconds between looks at the mail; also how soon Ctrl-C is seen on Windows
_LATE = 5.0  # seconds of silence after which messages that a result has overtaken are given up


class Crew(Protocol):
    """Workers from elsewhere than this machine's own processes, such as those of a cluster."""

    def map(self, work: Callable[[T, Tell], R], items: Sequence[T], listen: Tell) -> Iterator[R]:
        """Do what `map_ordered` does."""


Workers = int | Crew  # processes of this machine, or a crew


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ordered(
    work: Callable[[T, Tell], R],
    items: Iterable[T],
    workers: Workers = 1,
    listen: Tell = lambda message: None,
) -> Generator[R, None, None]:
    """Apply `work(item, tell)` to every item and yield the results in the order of the items.

    Parameters
    ----------
    work : callable
        Takes an item and `tell`, with which it may send messages while it works. With more than one
        worker it must be picklable, like the items: processes are spawned, as on Windows and macOS,
        so that all three systems behave alike.
    workers : int or Crew
        Processes, of which 1 works in this one; or a crew from elsewhere.
    listen : callable
        Called in this process with every message told.

    Closing the iterator early (Ctrl-C, an error, an early stop) ends the workers. So does the end of this
    process, whatever ended it.

    Raises
    ------
    PorescapeError
        A worker was ended from outside.
    """
    items = list(items)
    if not isinstance(workers, int):
        yield from workers.map(work, items, listen)
        return
    if workers <= 1 or len(items) <= 1:
        for item in items:
            yield work(item, listen)
        return
    context = multiprocessing.get_context("spawn")
    mail = context.Queue()
    with one_thread_each():
        pool = ProcessPoolExecutor(min(workers, len(items)), context, _start_worker, (mail,))
        try:
            futures = [pool.submit(_work_and_tell, work, number, item) for number, item in enumerate(items)]
            yield from in_order(futures, mail, listen)
            pool.shutdown()
        except BrokenProcessPool:
            raise PorescapeError(
                "a worker process was ended from outside, as systems do when memory runs out; "
                "try fewer --workers or a smaller box"
            ) from None
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            mail.close()
            mail.cancel_join_thread()


_mail: Any = None  # of this worker process, set once when it starts


def _start_worker(mail: Any) -> None:
    global _mail
    _mail = mail
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent is gone: one killed outright cannot end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class _End(NamedTuple):
    """The last message of a piece of work."""

    number: int


def _work_and_tell(work: Callable[[T, Tell], R], number: int, item: T) -> R:
    return work_and_tell(work, number, item, _mail.put)


def work_and_tell(work: Callable[[T, Tell], R], number: int, item: T, tell: Tell) -> R:
    """Do one piece of work where it is done, and tell `in_order` that it has told its last."""
    result = work(item, tell)
    tell(_End(number))
    return result


class _Future(Protocol):
    def done(self) -> bool: ...

    def result(self) -> Any: ...


def in_order(futures: Sequence[_Future], mail: Any, listen: Tell) -> Iterator[Any]:
    """Yield the results of `work_and_tell` in order, handing on the messages that come meanwhile.

    Parameters
    ----------
    futures : sequence of future
        One per piece of work, in the order of their numbers.
    mail : queue
        Where the messages arrive.
    """
    ended: set[int] = set()
    for number, future in enumerate(futures):
        while not future.done():
            _deliver(mail, listen, ended, _POLL)
        result = future.result()
        heard = time.monotonic()
        while number not in ended and time.monotonic() - heard < _LATE:  # a result may overtake messages
            if _deliver(mail, listen, ended, _POLL):
                heard = time.monotonic()
        yield result


def _deliver(mail: Any, listen: Tell, ended: set[int], patience: float) -> bool:
    """Hand on the messages that have come; wait up to `patience` seconds for the first.

    Numbers of pieces of work that have told their last go into `ended`. Returns whether any came.
    """
    came = False
    while True:
        try:
            message = mail.get(timeout=patience) if patience else mail.get_nowait()
        except queue.Empty:
            return came
        patience, came = 0.0, True
        if isinstance(message, _End):
            ended.add(message.number)
        else:
            listen(message)


@contextmanager
def one_thread_each() -> Iterator[None]:
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
