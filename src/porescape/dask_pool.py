"""The workers of a Dask cluster, as a pool for `porescape.parallel.map_ordered`.

Dask is imported only when a cluster is requested.
"""

import os
import pickle
import threading
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import Any, TypeVar

from porescape.errors import Cancelled, MissingExtra, PorescapeError, SettingsError
from porescape.memory import ALLOCATOR_SETTINGS
from porescape.parallel import (
    Inboxes,
    OnProgress,
    in_order,
    no_progress,
    run_and_report,
    worker_environment,
)
from porescape.version import __version__

T = TypeVar("T")
R = TypeVar("R")
LOCAL = "local"
CONNECT_TIMEOUT = 30  # seconds to reach a scheduler


class DaskPool:
    """The workers of a Dask cluster.

    When a worker dies, only its current work is lost: Dask gives it to another worker. A piece of work with
    which four workers have died is given up (`distributed.scheduler.allowed-failures`).

    Parameters
    ----------
    client : distributed.Client
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._topic = f"porescape-{uuid.uuid4().hex}"
        self._inboxes = Inboxes()
        client.subscribe_topic(self._topic, self._receive)

    @property
    def size(self) -> int:
        """How many pieces of work the workers present now do at the same time."""
        return sum(self._client.nthreads().values())

    def processes(self) -> list[int]:
        """Return the process ids of the workers, each on its own machine."""
        return list(self._client.run(os.getpid).values())

    def map(
        self,
        work: Callable[[T, OnProgress], R],
        items: Iterable[T],
        *,
        progress: OnProgress = no_progress,
        stop: threading.Event | None = None,
    ) -> Iterator[R]:
        """Like `map_ordered`; once `stop` is set, raise `Cancelled` instead of waiting any longer."""
        distributed = _dask()
        items = list(items)
        if not items:
            return
        packed = zlib.compress(pickle.dumps(work))  # a section is binary: small enough to send
        with self._inboxes.opened() as (to, inbox):
            futures = [
                self._client.submit(
                    _call,
                    packed,
                    number,
                    item,
                    (self._topic, to),
                    __version__,
                    pure=False,
                    key=f"{self._topic}-{to}-{number}",
                )
                for number, item in enumerate(items)
            ]
            try:
                yield from in_order(futures, inbox, progress, stop)
            except distributed.KilledWorker as error:
                raise PorescapeError(
                    "too many of the cluster's workers died at the same piece of work, as they do when "
                    f"memory runs out; give them more memory, or try a smaller box ({error})"
                ) from None
            finally:
                self._client.cancel(futures)

    def _receive(self, event: tuple[float, bytes]) -> None:
        self._inboxes.put(*pickle.loads(event[1]))


def _call(packed: bytes, number: int, item: Any, address: tuple[str, int], version: str) -> Any:
    """Do one piece of work on a worker; messages go to an inbox of the pool with this topic."""
    if version != __version__:
        raise PorescapeError(
            f"a worker of the cluster has porescape {__version__}, but this process has {version}; "
            "install the same version everywhere"
        )
    topic, to = address
    worker = _dask().get_worker()
    key = worker.get_current_task()

    def progress(message: Any) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise Cancelled("the result is no longer needed")
        worker.log_event(topic, pickle.dumps((to, message)))

    return run_and_report(pickle.loads(zlib.decompress(packed)), number, item, progress)


def _dask() -> Any:
    try:
        return import_module("distributed")
    except ImportError as error:
        raise MissingExtra(
            'a cluster needs the extra "dask": pip install "porescape[dask]", or leave --scheduler out'
        ) from error


def _with_allocator_settings() -> AbstractContextManager[Any]:
    """Start Dask's nannies with our allocator settings; with Dask's own, blocks take 50 % longer."""
    name = "distributed.nanny.pre-spawn-environ"
    config = import_module("dask").config
    return config.set({name: config.get(name) | ALLOCATOR_SETTINGS})  # type: ignore[no-any-return]


@contextmanager
def dask_pool(address: str, workers: int = 1) -> Iterator[DaskPool]:
    """Context manager: the workers of a cluster.

    Parameters
    ----------
    address : str
        Address of the scheduler, such as "tcp://10.0.0.5:8786"; or "local" for a cluster on this machine
        that ends with the block.
    workers : int
        Number of processes of the local cluster, with one thread each.

    Raises
    ------
    MissingExtra
        Dask is not installed.
    SettingsError
        No scheduler answers at the address.
    """
    distributed = _dask()
    if address == LOCAL:
        with (
            worker_environment(),
            _with_allocator_settings(),
            distributed.LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # None still opens a server, on a fixed port
                memory_limit=0,
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield DaskPool(client)
        return
    try:
        client = distributed.Client(address, timeout=CONNECT_TIMEOUT)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"no Dask scheduler answers at {address!r} ({error}); wanted its address, e.g. "
            "tcp://10.0.0.5:8786, or local"
        ) from error
    with client:
        yield DaskPool(client)
