"""Free memory and disk space of the machine, as far as known; refuse what does not fit."""

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from porescape.errors import OutputError, PorescapeError

if TYPE_CHECKING:
    from porescape.jobs.costs import Costs

MIB = 2**20
NO_LIMIT = 2**60  # bytes; control groups write "no limit" as a number of at least this size
MAPPED = 250 * MIB  # address space beyond the memory: processes of 204 to 400 MiB had 446 to 667 MiB
LIBRARIES = 550 * MIB  # address space of the libraries alone; with less, loading them fails or hangs


def check_process_limit() -> None:
    """Refuse to load the libraries if the address space is too small for them; loads nothing itself.

    Raises
    ------
    PorescapeError
        A process may have too little memory (`ulimit -v`).
    """
    limit = process_limit()
    if limit is not None and limit < LIBRARIES:
        raise PorescapeError(
            f"a process may have only {limit / MIB:.0f} MiB of address space here (ulimit -v), but the "
            f"libraries alone take {LIBRARIES / MIB:.0f} MiB; raise the limit"
        )


def check_room(costs: "Costs", out: Path) -> None:
    """Refuse a run that clearly does not fit on the disk or into memory.

    Raises
    ------
    OutputError
        The disk has less free space than the run will write.
    PorescapeError
        There is not enough memory.
    """
    from porescape.jobs.costs import in_bytes

    free = free_disk(out)
    if costs.disk > free:
        raise OutputError(
            f"the run will write about {in_bytes(costs.disk)}, but only {in_bytes(free)} are free on the "
            f"disk of {out}; free some space, choose another --out, or fewer --replicas"
        )
    memory = available_memory()
    if memory is not None and costs.memory > memory:
        raise PorescapeError(
            f"the run needs about {in_bytes(costs.memory)} of memory ({in_bytes(costs.worker)} per worker), "
            f"but only {in_bytes(memory)} are available; try fewer --workers, a smaller --size, or a "
            "--measure without permeability and filtration"
        )
    limit = process_limit()
    if limit is not None and costs.worker + MAPPED > limit:
        raise PorescapeError(
            f"a worker needs about {in_bytes(costs.worker + MAPPED)} of address space, but a process may "
            f"have only {in_bytes(limit)} here (ulimit -v); raise the limit, or try a smaller --size"
        )


def free_disk(path: Path) -> int:
    """Return the free space [bytes] of the disk to which `path` will be written."""
    existing = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    return shutil.disk_usage(existing).free


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the available memory [bytes], or None if the system does not report it.

    On Linux the available memory (caches count as free) within the limits of the process's control groups;
    on Windows the free memory; elsewhere the total memory of the machine.

    Parameters
    ----------
    root : Path
        Folder that contains `proc` and `sys`.
    """
    found = [*_linux(root), *_windows()]
    if not found and hasattr(os, "sysconf"):
        with suppress(OSError, ValueError):
            found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    return min(found, default=None)


def process_limit() -> int | None:
    """Return the largest address space of one process [bytes], or None if there is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _linux(root: Path) -> Iterator[int]:
    with suppress(OSError, ValueError, IndexError):
        text = (root / "proc/meminfo").read_text()
        yield int(text.split("MemAvailable:")[1].split()[0]) * 1024
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds == "":
                yield from _group(root, "sys/fs/cgroup", path, "memory.max", "memory.current")
            elif "memory" in kinds.split(","):
                names = ("memory.limit_in_bytes", "memory.usage_in_bytes")
                yield from _group(root, "sys/fs/cgroup/memory", path, *names)


def _group(root: Path, home: str, path: str, limit: str, used: str) -> Iterator[int]:
    """Yield the memory left under the limits of a control group and of its parents."""
    own = Path(path.lstrip("/"))
    for group in (own, *own.parents):
        folder = root / home / group
        with suppress(OSError, ValueError):  # ValueError: "max", which means no limit
            most = int((folder / limit).read_text())
            if most < NO_LIMIT:
                yield max(most - int((folder / used).read_text()) + _cache(folder), 0)


def _cache(folder: Path) -> int:
    """Return how much of a group's memory is file cache [bytes], which the system frees when needed."""
    with suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, size = line.partition(" ")
            if name in ("inactive_file", "total_inactive_file"):
                return int(size)
    return 0


def _windows() -> Iterator[int]:
    if sys.platform != "win32":
        return

    class Status(ctypes.Structure):
        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("total", "free", "page", "free_page", "virtual")),
            *((name, ctypes.c_ulonglong) for name in ("free_virtual", "free_extended")),
        )

    status = Status(length=ctypes.sizeof(Status))
    if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        yield int(status.free)
