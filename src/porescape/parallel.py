"""The one place for parallel work: in order, spawn-safe, interruptible, with progress messages.

Work is given to a pool: this process itself, processes of this machine, or the workers of a cluster. A pool
accepts work from several threads at once. It never does more pieces of work at the same time than its size,
so the callers need not divide the workers among themselves.
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
from porescape.memory import ALLOCATOR_SETTINGS

T = TypeVar("T")
R = TypeVar("R")
OnProgress = Callable[[Any], None]
Inbox = queue.SimpleQueue[Any]  # where the messages of one call of `Pool.map` arrive

# one thread per worker process: processes that each start a pool of threads compete for the cores
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_POLL = 0.2  # seconds between checks whether to stop; also the delay of Ctrl-C on Windows
_FORWARD_POLL = 0.1  # seconds between checks whether the forwarding thread may end
_LATE_MESSAGES = 5.0  # seconds without a message after which those that a result has overtaken are given up
_MOST_ON_WINDOWS = 61  # processes of one pool; the system cannot wait for more handles at once


def no_progress(message: Any) -> None:
    """Ignore progress messages."""


class Pool(Protocol):
    """Workers that exist for some time and accept work from several threads at once."""

    @property
    def size(self) -> int:
        """How many pieces of work they do at the same time; for a cluster, at this moment."""

    def map(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
        stop: threading.Event | None = None,
    ) -> Iterator[R]:
        """Like `map_ordered`; once `stop` is set, raise `Cancelled` instead of waiting any longer."""


class Inboxes:
    """The inboxes of the current calls of `Pool.map`, by number."""

    def __init__(self) -> None:
        self._numbers = count()
        self._open: dict[int, Inbox] = {}

    @contextmanager
    def opened(self) -> Iterator[tuple[int, Inbox]]:
        """Context manager: the number of a new inbox, and the inbox."""
        number = next(self._numbers)
        inbox = self._open[number] = queue.SimpleQueue()
        try:
            yield number, inbox
        finally:
            del self._open[number]

    def put(self, number: int, message: Any) -> None:
        """Put a message into an inbox; drop it if the call has ended."""
        inbox = self._open.get(number)
        if inbox is not None:
            inbox.put(message)


Workers = int | Pool  # number of processes of this machine, or a pool


class ParallelMap(Protocol):
    """A function that does several pieces of work in parallel; `map_ordered` is one."""

    def __call__(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = ...,
    ) -> Iterator[R]:
        """Yield the results of `work(item, progress)` in the order of the items."""


def available_cores() -> int:
    """Return the number of cores that this process may use."""
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
        Takes an item and `progress`, by which it may send messages while it works. With more than one
        worker it must be picklable, like the items: processes are spawned, as on Windows and macOS,
        so that all three systems behave alike.
    workers : int or Pool
        Number of processes, where 1 is this process; or an existing pool.
    progress : callable
        Called in this process with every message.

    Closing the iterator early (Ctrl-C, an error, an early stop) ends the processes; an existing pool drops
    the work that it has not begun. When this process ends, for any reason, its worker processes end too.

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
    """Apply `work(item, progress, parallel_map)` to every item, for fewer items than workers.

    Each item has a thread of this process, which gives the expensive parts to `parallel_map`; the pool does
    the parts of all items in parallel. Results, messages and early ends are as for `map_ordered`.
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
    """Context manager: a pool of this many processes, or the pool given.

    The processes end with the block: after their work, or at once if the block ends with an error.
    """
    if not isinstance(workers, int):
        yield workers
        return
    if workers <= 1:
        yield _ThisProcess()
        return
    if sys.platform == "win32":
        workers = min(workers, _MOST_ON_WINDOWS)
    context = multiprocessing.get_context("spawn")
    messages = context.Queue()
    with worker_environment():
        executor = ProcessPoolExecutor(workers, context, _start_worker, (messages,))
        pool = _Processes(workers, executor)
        over = threading.Event()
        forwarder = threading.Thread(
            target=_forward_messages, args=(messages, pool.inboxes, over), daemon=True
        )
        forwarder.start()
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
            forwarder.join(10 * _FORWARD_POLL)
            messages.cancel_join_thread()
            if not forwarder.is_alive():  # otherwise a process was ended in the middle of a message
                messages.close()


class _ThisProcess:
    """This process, which does one piece of work after the other."""

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
    """Worker processes of this machine; they start with the first piece of work."""

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


def _forward_messages(messages: Any, inboxes: Inboxes, over: threading.Event) -> None:
    """Forward the messages of the processes to their inboxes; runs in a thread of its own."""
    while not over.is_set():
        try:
            to, message = messages.get(timeout=_FORWARD_POLL)
        except queue.Empty:
            continue
        inboxes.put(to, message)


_messages: Any = None  # of this worker process, set once when it starts


def _start_worker(messages: Any) -> None:
    global _messages
    _messages = messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the parent ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when its parent has ended: a killed parent cannot end its workers."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class _End(NamedTuple):
    """The last message of a piece of work."""

    number: int


def _run_and_report(to: int, work: Callable[[T, OnProgress], R], number: int, item: T) -> R:
    return run_and_report(work, number, item, lambda message: _messages.put((to, message)))


def run_and_report(work: Callable[[T, OnProgress], R], number: int, item: T, progress: OnProgress) -> R:
    """Do one piece of work in the worker, then send `in_order` the end of its messages."""
    result = work(item, progress)
    progress(_End(number))
    return result


class _Future(Protocol):
    def done(self) -> bool: ...

    def result(self) -> Any: ...

    def add_done_callback(self, fn: Callable[[Any], object], /) -> None: ...


_WAKE = object()  # in an inbox: check again whether a future is done


def in_order(
    futures: Sequence[_Future], inbox: Inbox, progress: OnProgress, stop: threading.Event | None = None
) -> Iterator[Any]:
    """Yield the results of `run_and_report` in order, and pass on messages in the meantime.

    Parameters
    ----------
    futures : sequence of future
        One per piece of work, in the order of their numbers.
    inbox : queue
        Where the messages arrive.
    progress : callable
        Called with every message.
    stop : Event, optional
        Once it is set, `Cancelled` is raised instead of waiting any longer.
    """
    ended: set[int] = set()
    for future in futures:
        future.add_done_callback(lambda _: inbox.put(_WAKE))
    for number, future in enumerate(futures):
        while not future.done():
            if stop is not None and stop.is_set():
                raise Cancelled("the result is no longer needed")
            _deliver(inbox, progress, ended, _POLL)
        result = future.result()
        last_message = time.monotonic()
        # a result may overtake its messages
        while number not in ended and time.monotonic() - last_message < _LATE_MESSAGES:
            if _deliver(inbox, progress, ended, _POLL):
                last_message = time.monotonic()
        yield result


def _deliver(inbox: Inbox, progress: OnProgress, ended: set[int], timeout: float) -> bool:
    """Pass on the messages that have arrived; wait up to `timeout` seconds for the first.

    The numbers of pieces of work that have sent their last message are added to `ended`. Returns whether
    any message was received.
    """
    received = False
    while True:
        try:
            message = inbox.get(timeout=timeout) if timeout else inbox.get_nowait()
        except queue.Empty:
            return received
        timeout = 0.0
        if message is _WAKE:
            continue
        received = True
        if isinstance(message, _End):
            ended.add(message.number)
        else:
            progress(message)


@contextmanager
def worker_environment() -> Iterator[None]:
    """Start processes with one thread each and with `memory.ALLOCATOR_SETTINGS`.

    These environment variables are read when a process starts or numpy loads, so they must be set before.
    """
    wanted = dict.fromkeys(_THREAD_VARIABLES, "1") | ALLOCATOR_SETTINGS
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
