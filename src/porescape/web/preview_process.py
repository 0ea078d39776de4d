"""A separate process that decodes images for the server: files may be damaged, huge or malicious.

One request and one answer at a time, each a line of JSON. A process that takes too long or dies is
replaced; the server continues.
"""

import json
import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

from porescape import errors
from porescape.errors import InputError, PorescapeError
from porescape.web import process

_OUT_OF_MEMORY = "the preview of this image needs more memory than is available; crop it, or scale it down"


class PreviewProcess:
    """The side of the server: `ask` can be called from any thread."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._lock = threading.Lock()
        self._process: Any = None

    def ask(self, what: str, *arguments: Any) -> dict[str, Any]:
        """Call a function of `porescape.web.preview` in the other process.

        Raises
        ------
        PorescapeError
            As raised by that function, or because the process died or took too long.
        """
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._process = process.start("porescape.web.preview_process")
            timed_out = threading.Event()

            def stop() -> None:
                timed_out.set()
                process.end_tree(self._process)

            clock = threading.Timer(self._timeout, stop)
            clock.daemon = True
            clock.start()
            try:
                line = self._exchange(json.dumps([what, *arguments]))
            finally:
                clock.cancel()
            if not line:
                self.close()
                if timed_out.is_set():
                    raise InputError(
                        f"the preview of this image took longer than {self._timeout:g} seconds and was "
                        "stopped: crop it, or scale it down"
                    )
                raise InputError(
                    "the preview process died with this image, most likely because memory ran out; "
                    "crop the image or scale it down, or export it as plain TIFF"
                )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _kinds().get(answer["kind"], PorescapeError)(answer["error"])
        return answer

    def close(self) -> None:
        """End the other process."""
        if self._process is not None:
            process.end_tree(self._process)
            self._process = None

    def _exchange(self, request: str) -> bytes:
        try:
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()
            return bytes(self._process.stdout.readline())
        except (OSError, ValueError):
            return b""


def _kinds() -> dict[str, type[PorescapeError]]:
    from porescape.web import uploads

    found = [*vars(errors).values(), *vars(uploads).values()]
    return {one.__name__: one for one in found if isinstance(one, type) and issubclass(one, PorescapeError)}


def main() -> None:
    """Answer requests from stdin until it is closed."""
    out = process.private_stdout()
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    process.limit_memory()
    from porescape.web import preview

    known: dict[str, Callable[..., dict[str, Any]]] = {
        "inspect": preview.inspect,
        "picture": preview.picture,
        "describe": preview.describe_draft,
        "check": preview.check,
        "teach": preview.taught,
        "labels": preview.labels,
        "ping": dict,
    }
    for line in sys.stdin.buffer:
        what, *arguments = json.loads(line)
        try:
            answer = known[what](*arguments)
        except MemoryError:
            answer = {"error": _OUT_OF_MEMORY, "kind": "InputError"}
        except PorescapeError as error:
            answer = {"error": str(error), "kind": type(error).__name__}
        except Exception as error:
            logging.getLogger(__name__).exception("the preview failed")
            answer = {
                "error": f"this image cannot be shown ({type(error).__name__}: {error})",
                "kind": "InputError",
            }
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
