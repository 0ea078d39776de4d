"""A lock for one process at a time, which the system releases when its holder ends in any way."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porescape.errors import OutputError


@contextmanager
def only_one(path: Path, words: str, timeout: float = 0.0) -> Iterator[None]:
    """Hold the lock `path` while the block runs.

    Raises
    ------
    OutputError
        Another process still holds it after `timeout` seconds; the message is `words`.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + timeout
        while not _locked(file):
            if time.monotonic() > until:
                raise OutputError(words)
            time.sleep(0.1)
        yield
    finally:
        os.close(file)  # this also unlocks


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
        return True  # a file system without locks: a small risk is better than not working at all
    return True
