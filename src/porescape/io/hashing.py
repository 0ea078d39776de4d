"""SHA-256 of files, by which a run recognises its input and its finished parts."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def hash_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_of_files(files: Sequence[Path]) -> str:
    """Return the SHA-256 of a file; of several files, that of their names and hashes."""
    digests = [hash_of_file(path) for path in files]
    if len(files) == 1:
        return digests[0]
    lines = (f"{path.name} {digest}\n" for path, digest in zip(files, digests, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()
