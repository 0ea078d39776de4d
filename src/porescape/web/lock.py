"""A file lock that the operating system releases when the process ends, in whatever way."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porescape.errors import OutputError


@contextmanager
def exclusive_lock(path: Path, message: str, timeout: float = 0.0) -> Iterator[None]:
    """Hold the lock `path` while the block runs.

    Raises
    ------
    OutputError
        Another process still holds it after `timeout` seconds; with the text `message`.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + timeout
        while not _locked(file):
            if time.monotonic() > until:
                raise OutputError(message)
            time.sleep(0.1)
        yield
    finally:
        os.close(file)  # which also unlocks


def _locked(file: int) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True  # a file system without locks: run without one
    return True
