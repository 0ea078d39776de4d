"""A folder as one zip file, made while it is sent: it is never whole in memory or on disk."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

PIECE = 256 * 1024  # bytes read at a time
PACKED = (".tif", ".vti", ".npz", ".png", ".jpg", ".zip")  # already compressed: stored unchanged


class _Outlet(io.RawIOBase):
    """The output of the zip: a queue that the sender empties; not seekable, so sizes follow the data."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        """Return the bytes written since the last call."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def zipped(folder: Path, top: str) -> Iterator[bytes]:
    """Yield a zip of all files of a folder, under the folder name `top`, in the order of their names."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", allowZip64=True) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            name = f"{top}/{path.relative_to(folder).as_posix()}"
            entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
            packed = path.suffix.lower() in PACKED
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as target, path.open("rb") as source:
                while piece := source.read(PIECE):
                    target.write(piece)
                    yield outlet.taken()
            yield outlet.taken()
    yield outlet.taken()
