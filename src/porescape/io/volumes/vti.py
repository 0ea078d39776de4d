"""VTK ImageData files (.vti): written in one encoding, read in the usual encodings of other programs.

An array is in the XML as text (ascii) or base64 (binary), or behind the XML (appended), there raw or as
base64; it may be compressed in blocks. Before the bytes there is a header of whole numbers: the number of
bytes or, if compressed, the number of blocks, their size, the size of the last one, and the compressed size
of each.
"""

import base64
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.io.volumes.raw_volume import RawVolume, Spacing
from porescape.version import __version__

_OURS = b"lengths in metres"  # in a comment of the files we write, as VTK has no field for a unit
_TYPES = {
    **{f"Int{n}": f"i{n // 8}" for n in (8, 16, 32, 64)},
    **{f"UInt{n}": f"u{n // 8}" for n in (8, 16, 32, 64)},
    "Float32": "f4",
    "Float64": "f8",
}


def write_vti(path: Path | str, volume: Volume) -> None:
    """Write a VTK ImageData file: cell array `pore` (1 = pore, 0 = solid), spacing in metres."""
    nz, ny, nx = volume.shape
    raw = volume.pore.astype(np.uint8).tobytes()
    block = 2**20
    pieces = [raw[i : i + block] for i in range(0, len(raw), block)]
    packed = [zlib.compress(piece) for piece in pieces]
    # vtkZLibDataCompressor: number of blocks, block size, size of the last block if short, sizes
    header = [len(pieces), block, len(raw) % block, *map(len, packed)]
    spacing = f"{volume.voxel_size:.9g}"
    text = f"""<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64" \
compressor="vtkZLibDataCompressor">
  <!-- porescape {__version__}: pore = 1 in the pores, 0 in the solid; lengths in metres -->
  <ImageData WholeExtent="0 {nx} 0 {ny} 0 {nz}" Origin="0 0 0" Spacing="{spacing} {spacing} {spacing}">
    <Piece Extent="0 {nx} 0 {ny} 0 {nz}">
      <CellData Scalars="pore">
        <DataArray type="UInt8" Name="pore" format="binary">
{_base64(np.array(header, dtype="<u8").tobytes())}{_base64(b"".join(packed))}
        </DataArray>
      </CellData>
    </Piece>
  </ImageData>
</VTKFile>
"""
    with whole_file(Path(path)) as temporary:
        temporary.write_text(text, encoding="ascii")


def read_vti(path: Path) -> RawVolume:
    """Read the only array of a .vti, or the one marked as its scalars or named `pore`.

    Files of other programs contain no unit of length, so that their spacing only shows whether voxels are
    cubes.
    """
    file = _open(path)
    image = file.root.find("ImageData")
    if file.root.get("type") != "ImageData" or image is None:
        raise InputError(
            f"{path.name} holds {file.root.get('type', 'no VTK data')}, wanted ImageData; "
            "resample it to an image in ParaView"
        )
    pieces = image.findall("Piece")
    if len(pieces) != 1:
        raise InputError(f"{path.name} holds {len(pieces)} pieces, wanted one; save it again as one piece")
    extent = [int(n) for n in (pieces[0].get("Extent") or image.get("WholeExtent") or "").split()]
    cells, node = _choose(pieces[0], path.name)
    x, y, z = (high - low + (0 if cells else 1) for low, high in zip(extent[::2], extent[1::2], strict=True))
    values = _values(file, node, path.name)
    if values.size != x * y * z:
        raise InputError(
            f"{path.name} holds {values.size} values, wanted {x} x {y} x {z} = {x * y * z}; "
            "is the file complete?"
        )
    dx, dy, dz = (abs(float(s)) for s in image.get("Spacing", "1 1 1").split())
    spacing = Spacing((dz, dy, dx), "VTI Spacing", file.ours)
    return RawVolume(values.reshape(z, y, x), (spacing,))


class _File(NamedTuple):
    root: ElementTree.Element
    appended: bytes  # from behind the underscore
    appended_raw: bool
    ours: bool


def _open(path: Path) -> _File:
    whole = path.read_bytes()
    xml, appended, raw = whole, b"", False
    # raw bytes are not valid XML: they are cut out before it is parsed
    if opening := re.search(rb'<AppendedData\s+encoding="(\w+)"\s*>\s*_', whole):
        raw = opening[1] == b"raw"
        end = whole.rfind(b"</AppendedData>")
        appended = whole[opening.end() : end]
        xml = whole[: opening.end()] + whole[end:]
    return _File(ElementTree.fromstring(xml), appended, raw, _OURS in xml[:2000])


def _choose(piece: ElementTree.Element, name: str) -> tuple[bool, ElementTree.Element]:
    """Return whether the array belongs to cells (or points), and the array."""
    found = []
    for kind in ("CellData", "PointData"):
        data = piece.find(kind)
        if data is None:
            continue
        for node in data.findall("DataArray"):
            if int(node.get("NumberOfComponents", "1")) == 1:
                preferred = node.get("Name") in ("pore", data.get("Scalars", "pore"))
                found.append((kind == "CellData", node, preferred))
    chosen = [one for one in found if one[2]] if len(found) > 1 else found
    if len(chosen) != 1:
        names = ", ".join(str(node.get("Name")) for _, node, _ in found) or "none"
        raise InputError(
            f"{name} holds {len(found)} arrays of single values ({names}), wanted one, or one named "
            "pore or marked as its scalars; save it with that array only"
        )
    return chosen[0][0], chosen[0][1]


def _values(file: _File, node: ElementTree.Element, name: str) -> NDArray[Any]:
    kind, form = node.get("type", ""), node.get("format", "ascii")
    if kind not in _TYPES:
        raise InputError(f"{name} holds values of type {kind}, wanted one of {', '.join(_TYPES)}")
    order = "<" if file.root.get("byte_order", "LittleEndian") == "LittleEndian" else ">"
    dtype = np.dtype(order + _TYPES[kind])
    if form == "ascii":
        return np.array((node.text or "").split(), dtype=np.float64).astype(dtype)
    raw = form == "appended" and file.appended_raw
    if form == "appended":
        stream = memoryview(file.appended)[int(node.get("offset", "0")) :]
    else:
        stream = memoryview("".join((node.text or "").split()).encode("ascii"))
    count = np.dtype(order + ("u8" if file.root.get("header_type") == "UInt64" else "u4"))
    compressor = file.root.get("compressor")
    if compressor is None:
        return np.frombuffer(_plain(stream, raw, count), dtype)
    return np.frombuffer(_unpacked(stream, raw, count, compressor, name), dtype)


def _cut(stream: memoryview, raw: bool, n: int) -> tuple[bytes | memoryview, memoryview]:
    """Return the first n decoded bytes of a stream, and the rest of the stream."""
    if raw:
        return stream[:n], stream[n:]
    letters = -(-n // 3) * 4
    return base64.b64decode(stream[:letters])[:n], stream[letters:]


def _plain(stream: memoryview, raw: bool, count: np.dtype[Any]) -> bytes | memoryview:
    head, rest = _cut(stream, raw, count.itemsize)
    size = int(np.frombuffer(head, count)[0])
    padded = bytes(stream[: len(stream) - len(rest)]).endswith(b"=")
    if raw or padded:
        return _cut(rest, raw, size)[0]
    return _cut(stream, raw, count.itemsize + size)[0][
        count.itemsize :
    ]  # header and values are encoded together


def _unpacked(stream: memoryview, raw: bool, count: np.dtype[Any], compressor: str, name: str) -> bytes:
    unpack = _COMPRESSORS.get(compressor)
    if unpack is None:
        raise InputError(
            f"{name} is compressed by {compressor}, wanted one of {', '.join(_COMPRESSORS)}; "
            "save it uncompressed"
        )
    blocks, size, last = map(int, np.frombuffer(_cut(stream, raw, 3 * count.itemsize)[0], count))
    head, rest = _cut(stream, raw, (3 + blocks) * count.itemsize)
    ends = np.cumsum(np.frombuffer(head, count)[3:].astype(np.int64))
    body = memoryview(_cut(rest, raw, int(ends[-1]) if blocks else 0)[0])
    pieces = [
        unpack(bytes(body[start:end]), last if last and i == blocks - 1 else size)
        for i, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True))
    ]
    return b"".join(pieces)


# arguments: compressed bytes and their uncompressed size
_COMPRESSORS: dict[str, Callable[[bytes, int], bytes]] = {
    "vtkZLibDataCompressor": lambda packed, size: zlib.decompress(packed),
    "vtkLZMADataCompressor": lambda packed, size: lzma.decompress(packed),
    "vtkLZ4DataCompressor": lambda packed, size: bytes(imagecodecs.lz4_decode(packed, out=size)),
}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
