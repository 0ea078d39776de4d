"""Write under a temporary name, then rename: no file or folder is ever incomplete."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from porescape.errors import OutputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Context manager: a temporary path next to `path`, renamed to `path` unless the block fails."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Context manager: a temporary folder next to `path`, renamed to `path` unless the block fails.

    Raises
    ------
    OutputError
        `path` is a file, a folder that is not empty (unless `overwrite`), or cannot be written.
    """
    check_writable(path, overwrite)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if path.exists():
            if overwrite:
                shutil.rmtree(path)
            else:
                path.rmdir()  # it was empty; fails if another process has written to it meanwhile
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_writable(path: Path, overwrite: bool = False) -> None:
    """Refuse an unusable output folder before any work is done."""
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is a file; wanted a folder that is new or empty: choose another --out")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise OutputError(
            f"{path} is not empty; wanted a new or empty folder: choose another --out, or pass --overwrite"
        )
    parent = next(p for p in (path.absolute().parent, *path.absolute().parents) if p.exists())
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise OutputError(f"{parent} is not a folder that can be written to; choose another --out")
