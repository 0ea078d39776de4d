"""A folder as one zip file, generated while it is sent, without a copy in memory or on disk."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

PIECE = 256 * 1024  # bytes read at a time
COMPRESSED = (".tif", ".vti", ".npz", ".png", ".jpg", ".zip")  # already compressed: stored as they are


class _Buffer(io.RawIOBase):
    """The output of the zip: a buffer that the sender empties; not seekable, so sizes follow the data."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def zip_stream(folder: Path, top: str) -> Iterator[bytes]:
    """Yield a zip of all files of a folder, under the folder name `top`, in the order of their names."""
    buffer = _Buffer()
    with zipfile.ZipFile(buffer, "w", allowZip64=True) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            name = f"{top}/{path.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
            compressed = path.suffix.lower() in COMPRESSED
            entry.compress_type = zipfile.ZIP_STORED if compressed else zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target, path.open("rb") as source:
                while piece := source.read(PIECE):
                    target.write(piece)
                    yield buffer.drain()
            yield buffer.drain()
    yield buffer.drain()
