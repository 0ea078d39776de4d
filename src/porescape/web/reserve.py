"""Files that must be written even if the disk is full: disk space is reserved for them.

The reserve file is overwritten and then renamed, not deleted first: on a disk that is still being filled,
freed space would be lost at once.
"""

import secrets
from contextlib import suppress
from pathlib import Path

from porescape.errors import OutputError
from porescape.io.atomic import whole_file

RESERVE = 32 * 1024  # bytes for each file; a job.json has about 3000


def reserve_space(path: Path) -> None:
    """Reserve disk space for the file `path`, unless there is a reserve already.

    Raises
    ------
    OutputError
        The disk is full.
    """
    if not reserve_of(path).exists():
        with whole_file(reserve_of(path)) as temporary:
            temporary.write_bytes(
                secrets.token_bytes(RESERVE)
            )  # random, so that no file system compresses it


def write_reserved(path: Path, data: bytes) -> None:
    """Write the file `path` atomically; on a full disk into its reserved space.

    Raises
    ------
    OutputError
        It could not be written this way either; the old file is unchanged.
    """
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(data)
    except OutputError:
        _write_into(reserve_of(path), path, data)
    else:
        with suppress(OutputError):
            reserve_space(path)


def reserve_of(path: Path) -> Path:
    """Return the file with the space reserved for `path`."""
    return path.with_name(f"{path.name}.reserve")


def _write_into(reserve: Path, path: Path, data: bytes) -> None:
    try:
        with reserve.open("r+b") as file:
            file.write(data)
            file.truncate()
        reserve.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}") from error
