"""Child processes of the server: they end with it, with all their own children, and can be asked to stop.

The stdin of a child is a pipe from the server. A line in it is a request to stop; its end means that the
server has ended in any way, and then the child ends too. No signal is needed, so this works on all three
systems.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from porescape.io.resources import available_memory

SHARE = 0.9  # share of the available memory that one process may take
WINDOWS = sys.platform == "win32"


def start(module: str, *arguments: str, log: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start `python -m module` in a process group of its own; stderr goes to `log`."""
    own_group: dict[str, Any] = {"start_new_session": True}
    if WINDOWS:
        own_group = {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    return subprocess.Popen(
        # -P: nothing is imported from the folder in which the server was started
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        **own_group,
    )


def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a child to stop by itself."""
    assert process.stdin is not None
    with suppress(OSError, ValueError):  # it has already ended
        process.stdin.write(b"stop\n")
        process.stdin.flush()


def end_tree(process: subprocess.Popen[bytes]) -> bytes:
    """End a child and all its children at once; returns its output that has not been read."""
    _end_group(process.pid)
    if process.poll() is None:
        process.kill()
    process.wait()
    said = b""
    with suppress(OSError, ValueError):
        if process.stdout is not None:
            said = process.stdout.read()
            process.stdout.close()
    with suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
    return said


def follow_the_server(stop: Callable[[], None]) -> None:
    """In a child: call `stop` when the server asks, and end with all children when the server has ended."""

    def progress() -> None:
        with open(0, "rb", closefd=False) as pipe:
            for _ in pipe:
                stop()
        _end_own_group()

    threading.Thread(target=progress, daemon=True).start()


def private_stdout() -> IO[bytes]:
    """In a child: return the pipe to the server, and redirect other output from stdout to stderr."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def limit_memory() -> None:
    """In a child: raise MemoryError before the system kills the process; also for its own children.

    On systems without such a limit (Windows, macOS) this has no effect; there the exit code of a child shows
    that memory ran out.
    """
    try:
        import resource
    except ImportError:
        return
    there = available_memory()
    if there is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = int(SHARE * there) if hard == resource.RLIM_INFINITY else min(int(SHARE * there), hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def how_it_ended(code: int) -> str:
    """Return why a child ended without reporting an outcome.

    >>> how_it_ended(-9)
    'was killed (signal 9), most likely because memory ran out'
    """
    if code == -9 or code == 137:
        return "was killed (signal 9), most likely because memory ran out"
    if code < 0:
        try:
            return f"was ended by signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"was ended by signal {-code}"
    return f"ended with exit code {code} and without a message"


def _end_group(leader: int) -> None:
    if WINDOWS:
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(leader)], capture_output=True, check=False)
        return
    # it has already ended; macOS then answers "not permitted"
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _end_own_group() -> None:
    if WINDOWS or os.getpgrp() == os.getpid():
        _end_group(os.getpid())
    os._exit(130)
