"""Words that must be kept though the disk is full: they go into disk that was put by for them.

The reserve is written into and then renamed. It is not given back first: on a disk that somebody goes on
filling, what is given back is gone.
"""

import secrets
from contextlib import suppress
from pathlib import Path

from porescape.errors import OutputError
from porescape.io.atomic import whole_file

RESERVE = 32 * 1024  # bytes for each file; a job.json has about 3000


def put_by(path: Path) -> None:
    """Put disk by for the file `path`, unless there is some already.

    Raises
    ------
    OutputError
        There is no room.
    """
    if not reserve_of(path).exists():
        with whole_file(reserve_of(path)) as temporary:
            temporary.write_bytes(secrets.token_bytes(RESERVE))  # random: no disk packs it


def write_surely(path: Path, words: bytes) -> None:
    """Write the file `path` whole; on a full disk with what was put by for it.

    Raises
    ------
    OutputError
        It could not be written so either; what stood there stands.
    """
    try:
        with whole_file(path) as temporary:
            temporary.write_bytes(words)
    except OutputError:
        _write_into(reserve_of(path), path, words)
    else:
        with suppress(OutputError):
            put_by(path)


def reserve_of(path: Path) -> Path:
    """Return the file that holds what was put by for `path`."""
    return path.with_name(f"{path.name}.reserve")


def _write_into(reserve: Path, path: Path, words: bytes) -> None:
    try:
        with reserve.open("r+b") as file:
            file.write(words)
            file.truncate()
        reserve.replace(path)
    except OSError as error:
        raise OutputError(f"{path} could not be written: {error.strerror or error}") from error
