"""The one place for parallel work: ordered, spawn-safe, interruptible, and reporting progress meanwhile.

Work is given to a pool: this process itself, processes of this machine, or the workers of a cluster. A pool
may be given several things at once, from several threads; what it does side by side is never more than its
size, so nothing inside ever has to divide workers up.
"""

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import count
from multiprocessing import connection
from typing import Any, NamedTuple, Protocol, TypeVar

from porescape.errors import Cancelled, PorescapeError
from porescape.memory import HABITS

T = TypeVar("T")
R = TypeVar("R")
OnProgress = Callable[[Any], None]
Inbox = queue.SimpleQueue[Any]  # where the messages of one call of `Pool.map` arrive

# one thread per worker process: processes that each start a pool of threads fight over the cores
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_POLL = 0.2  # seconds between looks at whether to stop; also how soon Ctrl-C is seen on Windows
_ROUND = 0.1  # seconds between looks of the delivering thread at whether it may end
_LATE = 5.0  # seconds of silence after which messages that a result has overtaken are given up
_MOST_ON_WINDOWS = 61  # processes of one pool; the system waits for no more things at once


def no_progress(message: Any) -> None:
    """Take a message and do nothing."""


class Pool(Protocol):
    """Workers that are there for some time and take work from several threads at once."""

    @property
    def size(self) -> int:
        """How many pieces of work they do at once; of a cluster, as it is now."""

    def map(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
        stop: threading.Event | None = None,
    ) -> Iterator[R]:
        """Do what `map_ordered` does; once `stop` is set, raise `Cancelled` instead of waiting on."""


class Inboxes:
    """The inboxes of the calls of `Pool.map` that are under way, by number."""

    def __init__(self) -> None:
        self._numbers = count()
        self._open: dict[int, Inbox] = {}

    @contextmanager
    def opened(self) -> Iterator[tuple[int, Inbox]]:
        """Give a new inbox and its number, for as long as the block runs."""
        number = next(self._numbers)
        inbox = self._open[number] = queue.SimpleQueue()
        try:
            yield number, inbox
        finally:
            del self._open[number]

    def put(self, number: int, message: Any) -> None:
        """Put a message into an inbox; drop it where the call is over."""
        inbox = self._open.get(number)
        if inbox is not None:
            inbox.put(message)


Workers = int | Pool  # processes of this machine, or a pool


class ParallelMap(Protocol):
    """What does several pieces of work side by side; `map_ordered` does them one after the other."""

    def __call__(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = ...,
    ) -> Iterator[R]:
        """Yield the results of `work(item, progress)` in the order of the items."""


def available_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ordered(
    work: Callable[[T, OnProgress], R],
    items: Iterable[T],
    workers: Workers = 1,
    progress: OnProgress = no_progress,
) -> Generator[R, None, None]:
    """Apply `work(item, progress)` to every item and yield the results in the order of the items.

    Parameters
    ----------
    work : callable
        Takes an item and `progress`, with which it may send messages while it works. With more than one
        worker it must be picklable, like the items: processes are spawned, as on Windows and macOS,
        so that all three systems behave alike.
    workers : int or Pool
        Processes, of which 1 works in this one; or a pool from elsewhere.
    progress : callable
        Called in this process with every message.

    Closing the iterator early (Ctrl-C, an error, an early stop) ends the processes; a pool from elsewhere
    drops what it has not begun. The end of this process, whatever ended it, ends its processes too.

    Raises
    ------
    PorescapeError
        A worker was ended from outside.
    """
    items = list(items)
    if isinstance(workers, int):
        workers = min(workers, len(items))
    with pool_of(workers) as pool:
        yield from pool.map(work, items, progress=progress)


def map_divided(
    work: Callable[[T, OnProgress, ParallelMap], R],
    items: Iterable[T],
    pool: Pool,
    progress: OnProgress = no_progress,
) -> Generator[R, None, None]:
    """Apply `work(item, progress, parallel_map)` to every item, where items are fewer than workers.

    Each item is led by a thread of this process, which gives what is heavy to `parallel_map`; the pool does
    the pieces of all items side by side. Results, messages and early ends are as for `map_ordered`.
    """
    items = list(items)
    if not items:
        return
    stop = threading.Event()
    inbox: Inbox = queue.SimpleQueue()
    lead = partial(_lead, work, partial(pool.map, stop=stop))
    leaders = ThreadPoolExecutor(len(items), "porescape")
    try:
        futures = [
            leaders.submit(run_and_report, lead, number, item, inbox.put) for number, item in enumerate(items)
        ]
        yield from in_order(futures, inbox, progress)
    finally:
        stop.set()
        leaders.shutdown()


def _lead(
    work: Callable[[T, OnProgress, ParallelMap], R],
    parallel_map: ParallelMap,
    item: T,
    progress: OnProgress,
) -> R:
    return work(item, progress, parallel_map)


@contextmanager
def pool_of(workers: Workers) -> Iterator[Pool]:
    """Give a pool for as long as the block runs: so many processes, or the pool that is given.

    Processes end with the block: when they are done, or at once where it is left by an error.
    """
    if not isinstance(workers, int):
        yield workers
        return
    if workers <= 1:
        yield _Alone()
        return
    if sys.platform == "win32":
        workers = min(workers, _MOST_ON_WINDOWS)
    context = multiprocessing.get_context("spawn")
    mail = context.Queue()
    with worker_environment():
        executor = ProcessPoolExecutor(workers, context, _start_worker, (mail,))
        pool = _Processes(workers, executor)
        over = threading.Event()
        delivery = threading.Thread(target=_deliver_mail, args=(mail, pool.inboxes, over), daemon=True)
        delivery.start()
        try:
            yield pool
            executor.shutdown()
        except BaseException:
            for process in list((executor._processes or {}).values()):
                process.terminate()
            executor.shutdown(wait=False, cancel_futures=True)
            raise
        finally:
            over.set()
            delivery.join(10 * _ROUND)
            mail.cancel_join_thread()
            if not delivery.is_alive():  # else a process was ended in the middle of a message
                mail.close()


class _Alone:
    """This process, which does one thing after the other."""

    size = 1

    def map(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
        stop: threading.Event | None = None,
    ) -> Iterator[R]:
        for item in items:
            yield work(item, progress)


class _Processes:
    """Processes of this machine; they start when there is work for them."""

    def __init__(self, size: int, executor: ProcessPoolExecutor) -> None:
        self.size = size
        self.inboxes = Inboxes()
        self._executor = executor

    def map(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
        stop: threading.Event | None = None,
    ) -> Iterator[R]:
        futures = []
        with self.inboxes.opened() as (to, inbox):
            try:
                for number, item in enumerate(items):
                    futures.append(self._executor.submit(_run_and_report, to, work, number, item))
                yield from in_order(futures, inbox, progress, stop)
            except BrokenProcessPool:
                raise PorescapeError(
                    "a worker process was ended from outside, as systems do when memory runs out; "
                    "try fewer --workers or a smaller box"
                ) from None
            finally:
                for future in futures:
                    future.cancel()


def _deliver_mail(mail: Any, inboxes: Inboxes, over: threading.Event) -> None:
    """Put messages of the processes into their inboxes, in a thread of its own."""
    while not over.is_set():
        try:
            to, message = mail.get(timeout=_ROUND)
        except queue.Empty:
            continue
        inboxes.put(to, message)


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


def _run_and_report(to: int, work: Callable[[T, OnProgress], R], number: int, item: T) -> R:
    return run_and_report(work, number, item, lambda message: _mail.put((to, message)))


def run_and_report(work: Callable[[T, OnProgress], R], number: int, item: T, progress: OnProgress) -> R:
    """Do one piece of work, and report to `in_order` that its last message is sent."""
    result = work(item, progress)
    progress(_End(number))
    return result


class _Future(Protocol):
    def done(self) -> bool: ...

    def result(self) -> Any: ...

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None: ...


_WAKE = object()  # in an inbox: look again whether a future is done


def in_order(
    futures: Sequence[_Future], inbox: Inbox, progress: OnProgress, stop: threading.Event | None = None
) -> Iterator[Any]:
    """Yield the results of `run_and_report` in order, handing on the messages that come meanwhile.

    Parameters
    ----------
    futures : sequence of future
        One per piece of work, in the order of their numbers.
    inbox : queue
        Where the messages arrive.
    progress : callable
        Called with every message.
    stop : Event, optional
        Once it is set, `Cancelled` is raised instead of waiting on.
    """
    ended: set[int] = set()
    for future in futures:
        future.add_done_callback(lambda _: inbox.put(_WAKE))
    for number, future in enumerate(futures):
        while not future.done():
            if stop is not None and stop.is_set():
                raise Cancelled("the result is no longer wanted")
            _deliver(inbox, progress, ended, _POLL)
        result = future.result()
        heard = time.monotonic()
        while number not in ended and time.monotonic() - heard < _LATE:  # a result may overtake messages
            if _deliver(inbox, progress, ended, _POLL):
                heard = time.monotonic()
        yield result


def _deliver(inbox: Inbox, progress: OnProgress, ended: set[int], patience: float) -> bool:
    """Hand on the messages that have come; wait up to `patience` seconds for the first.

    Numbers of pieces of work whose last message has come go into `ended`. Returns whether any came.
    """
    came = False
    while True:
        try:
            message = inbox.get(timeout=patience) if patience else inbox.get_nowait()
        except queue.Empty:
            return came
        patience = 0.0
        if message is _WAKE:
            continue
        came = True
        if isinstance(message, _End):
            ended.add(message.number)
        else:
            progress(message)


@contextmanager
def worker_environment() -> Iterator[None]:
    """Let processes that start now have one thread each and keep their memory, as `memory.HABITS` says.

    Such variables are read when a process starts or numpy loads, so they have to be there before.
    """
    wanted = dict.fromkeys(_THREAD_VARIABLES, "1") | HABITS
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
