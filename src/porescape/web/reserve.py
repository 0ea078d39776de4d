"""Reserved disk space for small files that must be written even if the disk is full.

The reserve is overwritten and then renamed. It is not deleted first: on a disk that is being filled, the
freed space would be lost.
"""

import secrets
from contextlib import suppress
from pathlib import Path

from porescape.errors import OutputError
from porescape.io.atomic import whole_file

RESERVE = 32 * 1024  # bytes for each file; a job.json has about 3000


def reserve_disk(path: Path) -> None:
    """Reserve disk space for the file `path`, if there is none yet.

    Raises
    ------
    OutputError
        The disk is full.
    """
    if not reserve_of(path).exists():
        with whole_file(reserve_of(path)) as temporary:
            temporary.write_bytes(secrets.token_bytes(RESERVE))  # random, hence incompressible


def write_with_reserve(path: Path, words: bytes) -> None:
    """Write the file `path` as a whole; on a full disk with its reserve.

    Raises
    ------
    OutputError
        That was not possible either; the old file is unchanged.
    """
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(words)
    except OutputError:
        _write_into(reserve_of(path), path, words)
    else:
        with suppress(OutputError):
            reserve_disk(path)


def reserve_of(path: Path) -> Path:
    """Return the reserve file of `path`."""
    return path.with_name(f"{path.name}.reserve")


def _write_into(reserve: Path, path: Path, words: bytes) -> None:
    try:
        with reserve.open("r+b") as file:
            file.write(words)
            file.truncate()
        reserve.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}") from error
