"""Child processes of the server: they end with it, together with their own children, and can be stopped.

The stdin of a child is a pipe from the server. A line asks the child to stop; the end of the pipe means
that the server has ended, in whatever way, and then the child ends too. No signals are needed, so this
works on Linux, macOS and Windows.
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

SHARE = 0.9  # of the available memory, for one process
WINDOWS = sys.platform == "win32"


def start(module: str, *arguments: str, log: IO[bytes] | int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
    """Start `python -m module` in a process group of its own; stderr goes to `log`."""
    own_group: dict[str, Any] = {"start_new_session": True}
    if WINDOWS:
        own_group = {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    return subprocess.Popen(
        # -P: nothing is imported from the current folder of the server
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        **own_group,
    )


def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a child to stop."""
    assert process.stdin is not None
    with suppress(OSError, ValueError):  # it has ended already
        process.stdin.write(b"stop\n")
        process.stdin.flush()


def end_tree(process: subprocess.Popen[bytes]) -> bytes:
    """Kill a child and its own children; returns its output that was not read yet."""
    _end_group(process.pid)
    if process.poll() is None:
        process.kill()
    process.wait()
    output = b""
    with suppress(OSError, ValueError):
        if process.stdout is not None:
            output = process.stdout.read()
            process.stdout.close()
    with suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
    return output


def watch_server(stop: Callable[[], None]) -> None:
    """In a child: call `stop` when the server asks; end with all children when the server has ended."""

    def watch() -> None:
        with open(0, "rb", closefd=False) as pipe:
            for _ in pipe:
                stop()
        _end_own_group()

    threading.Thread(target=watch, daemon=True).start()


def private_stdout() -> IO[bytes]:
    """In a child: return the pipe to the server, and redirect all other output from stdout to stderr."""
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return own


def limit_memory() -> None:
    """In a child: raise MemoryError before the system kills the process; also applies to its children.

    Without such a limit (Windows, macOS) nothing happens; a child that runs out of memory is then reported
    by its exit code.
    """
    try:
        import resource
    except ImportError:
        return
    available = available_memory()
    if available is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = int(SHARE * available) if hard == resource.RLIM_INFINITY else min(int(SHARE * available), hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def exit_reason(code: int) -> str:
    """Return in words why a child ended without a message.

    >>> exit_reason(-9)
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
    # ended already; macOS reports "not permitted" for a group of ended processes
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _end_own_group() -> None:
    if WINDOWS or os.getpgrp() == os.getpid():
        _end_group(os.getpid())
    os._exit(130)
