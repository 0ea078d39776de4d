"""Write pore networks: tables, spheres and tubes for ParaView, and the format of OpenPNM."""

import base64
import csv
import zlib
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from porescape.core.network import Network
from porescape.io.atomic import whole_file
from porescape.version import __version__

_AXES = ("z", "y", "x")
_FACES = ("z_first", "z_last", "y_first", "y_last", "x_first", "x_last")
_BLOCK = 2**20  # bytes per compressed block, as in our .vti


def write_network_csv(folder: Path | str, network: Network, stem: str = "") -> tuple[Path, Path]:
    """Write `pores.csv` and `throats.csv`, one row per pore and per throat, lengths in metres.

    Pores are numbered from 0, as in the columns `pore_1` and `pore_2` of the throats; the region of pore i
    has the value i + 1 in `Network.region`. A pore with `interior` 0 touches a face of the box. `weight` is
    how many of the material's pores or throats a row stands for in the network's means and percentiles: 0
    where the border cuts it. Both names begin with `stem`.
    """
    folder = Path(folder)
    pores: dict[str, NDArray[np.generic]] = {
        "pore": np.arange(len(network.body_diameter)),
        **_columns("centre_{}_m", network.pore_centre),
        "body_diameter_m": network.body_diameter,
        "body_diameter_equivalent_m": network.body_diameter_equivalent,
        "body_diameter_extended_m": network.body_diameter_extended,
        "volume_m3": network.pore_volume,
        "coordination_number": network.coordination,
        "interior": network.interior.astype(np.uint8),
        **({"weight": network.pore_weight} if network.pore_weight.size else {}),
        **{f"touches_{face}": network.touches[:, k].astype(np.uint8) for k, face in enumerate(_FACES)},
    }
    throats: dict[str, NDArray[np.generic]] = {
        "throat": np.arange(len(network.throat_diameter)),
        "pore_1": network.throat_pores[:, 0],
        "pore_2": network.throat_pores[:, 1],
        **_columns("centre_{}_m", network.throat_centre),
        "throat_diameter_m": network.throat_diameter,
        "throat_diameter_equivalent_m": network.throat_diameter_equivalent,
        "area_m2": network.throat_area,
        "length_m": network.throat_length,
        **({"weight": network.throat_weight} if network.pore_weight.size else {}),
    }
    paths = folder / f"{stem}pores.csv", folder / f"{stem}throats.csv"
    for path, table in zip(paths, (pores, throats), strict=True):
        _write_table(path, list(table), zip(*(column.tolist() for column in table.values()), strict=True))
    return paths


def to_openpnm(network: Network) -> dict[str, NDArray[np.generic]]:
    """Return the network with OpenPNM's names, for `openpnm.io.network_from_porespy`.

    Positions are x, y, z [m]; everything is in SI units. Pores are labelled by the faces of the box that
    their regions touch (`pore.xmin` to `pore.zmax`); no boundary pores are added.
    """
    first, second = network.throat_pores.T
    direct = np.linalg.norm(network.pore_centre[first] - network.pore_centre[second], axis=1)
    labels = ("pore.zmin", "pore.zmax", "pore.ymin", "pore.ymax", "pore.xmin", "pore.xmax")
    return {
        "pore.coords": network.pore_centre[:, ::-1].copy(),
        "throat.conns": network.throat_pores.astype(np.int64),
        "pore.all": np.ones(len(network.body_diameter), dtype=bool),
        "throat.all": np.ones(len(network.throat_diameter), dtype=bool),
        "pore.region_label": np.arange(1, len(network.body_diameter) + 1),
        "pore.inscribed_diameter": network.body_diameter,
        "pore.equivalent_diameter": network.body_diameter_equivalent,
        "pore.extended_diameter": network.body_diameter_extended,
        "pore.volume": network.pore_volume,
        "pore.region_volume": network.pore_volume,
        "throat.global_peak": network.throat_centre[:, ::-1].copy(),
        "throat.inscribed_diameter": network.throat_diameter,
        "throat.equivalent_diameter": network.throat_diameter_equivalent,
        "throat.cross_sectional_area": network.throat_area,
        "throat.total_length": network.throat_length,
        "throat.direct_length": direct,
        **{label: network.touches[:, k].copy() for k, label in enumerate(labels)},
    }


def write_openpnm(path: Path | str, network: Network) -> None:
    """Write one `.csv` that `openpnm.io.network_from_csv` reads.

    Pores and throats share the rows; the columns of the fewer end in empty cells, as OpenPNM writes them.
    OpenPNM cannot read a network without throats.
    """
    columns: dict[str, list[object]] = {}
    for key, array in to_openpnm(network).items():
        if array.ndim == 1:
            columns[key] = array.tolist()
        else:
            columns.update({f"{key}[{k}]": array[:, k].tolist() for k in range(array.shape[1])})
    rows = max(map(len, columns.values()))
    padded = [column + [""] * (rows - len(column)) for column in columns.values()]
    _write_table(Path(path), list(columns), zip(*padded, strict=True))


def write_network_vtp(path: Path | str, network: Network) -> None:
    """Write VTK PolyData: pores as spheres and throats as tubes, for ParaView.

    A sphere has the inscribed diameter of its pore. A tube runs from pore to throat to pore and has the
    diameter of its throat, but is not drawn thicker than the smaller of its two spheres. Cell arrays:
    `diameter` (the true one) [m], `kind` (0 pore, 1 throat), `number` (row of the tables) and
    `coordination` (of a pore; 0 for throats). The larger the network, the coarser the spheres and
    tubes, down to 20 triangles per pore and 36 per throat.
    """
    n, m = len(network.body_diameter), len(network.throat_diameter)
    rounds = 2 if n <= 500 else 1 if n <= 20_000 else 0
    sides = 12 if m <= 2_000 else 8 if m <= 60_000 else 6
    ball, ball_faces = _icosphere(rounds)
    pores = network.pore_centre[:, None, ::-1] + network.body_diameter[:, None, None] / 2 * ball
    ends = np.stack(
        [
            network.pore_centre[network.throat_pores[:, 0]],
            network.throat_centre,
            network.pore_centre[network.throat_pores[:, 1]],
        ],
        axis=1,
    )[..., ::-1]
    smaller = network.body_diameter[network.throat_pores].min(axis=1)
    tubes = _tubes(ends, np.minimum(network.throat_diameter, smaller) / 2, sides)
    tube_faces = _tube_faces(sides)
    points = np.concatenate((pores.reshape(-1, 3), tubes.reshape(-1, 3)))
    triangles = np.concatenate(
        (
            (ball_faces + len(ball) * np.arange(n)[:, None, None]).reshape(-1, 3),
            (tube_faces + n * len(ball) + (3 * sides + 2) * np.arange(m)[:, None, None]).reshape(-1, 3),
        )
    )
    each = np.repeat([len(ball_faces), len(tube_faces)], [n, m])  # triangles per pore and per throat
    cells = {
        "diameter": np.concatenate((network.body_diameter, network.throat_diameter)).astype("<f4"),
        "kind": np.repeat([0, 1], [n, m]).astype("<u1"),
        "number": np.concatenate((np.arange(n), np.arange(m))).astype("<i4"),
        "coordination": np.concatenate((network.coordination, np.zeros(m))).astype("<i4"),
    }
    data = "\n".join(_data_array(name, np.repeat(values, each)) for name, values in cells.items())
    text = f"""<?xml version="1.0"?>
<VTKFile type="PolyData" version="1.0" byte_order="LittleEndian" header_type="UInt64" \
compressor="vtkZLibDataCompressor">
  <!-- porescape {__version__}: kind 0 = pore, 1 = throat; lengths in metres -->
  <PolyData>
    <Piece NumberOfPoints="{len(points)}" NumberOfVerts="0" NumberOfLines="0" NumberOfStrips="0" \
NumberOfPolys="{len(triangles)}">
      <Points>
{_data_array("Points", points.astype("<f4"))}
      </Points>
      <Polys>
{_data_array("connectivity", triangles.astype("<i8").ravel())}
{_data_array("offsets", 3 * np.arange(1, len(triangles) + 1, dtype="<i8"))}
      </Polys>
      <CellData Scalars="diameter">
{data}
      </CellData>
    </Piece>
  </PolyData>
</VTKFile>
"""
    with whole_file(Path(path)) as temporary:
        temporary.write_text(text, encoding="ascii")


def _columns(name: str, positions: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
    return {name.format(axis): positions[:, k] for k, axis in enumerate(_AXES)}


def _write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with whole_file(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([f"{x:.9g}" if isinstance(x, float) else x for x in row] for row in rows)


def _icosphere(rounds: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return points (n, 3) and triangles (m, 3) of a ball of radius 1: 20 triangles, times 4 per round."""
    golden = (1 + 5**0.5) / 2
    corners = [(0, s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    points = np.array([np.roll(corner, k) for k in range(3) for corner in corners], dtype=float)
    near = np.isclose(np.linalg.norm(points[:, None] - points, axis=2), 2)
    faces = np.array([abc for abc in combinations(range(12), 3) if near[abc, np.roll(abc, 1)].all()])
    inward = np.linalg.det(points[faces]) < 0
    faces[inward] = faces[inward, ::-1]
    points /= np.linalg.norm(points, axis=1)[:, None]
    for _ in range(rounds):
        a, b, c = faces.T
        edges = np.sort(np.concatenate([np.stack(pair, axis=1) for pair in ((a, b), (b, c), (c, a))]), axis=1)
        unique, which = np.unique(edges, axis=0, return_inverse=True)
        middle = points[unique].sum(axis=1)
        ab, bc, ca = len(points) + which.reshape(3, -1)
        points = np.concatenate((points, middle / np.linalg.norm(middle, axis=1)[:, None]))
        parts = ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
        faces = np.concatenate([np.stack(part, axis=1) for part in parts])
    return points, faces


def _tubes(path: NDArray[np.float64], radius: NDArray[np.float64], sides: int) -> NDArray[np.float64]:
    """Return points around the paths (m, 3 stations, 3): a ring at each station, then the two ends.

    Shape (m, 3 * sides + 2, 3). The middle ring is perpendicular to the mean of both directions, so
    that the two legs meet without a gap.
    """
    legs = _unit(np.diff(path, axis=1))
    along = np.stack((legs[:, 0], _unit(legs.sum(axis=1)), legs[:, 1]), axis=1)
    least = np.eye(3)[np.abs(along[:, 1]).argmin(axis=1)]  # an axis that is certainly not parallel
    across = np.cross(along[:, 1], least)[:, None]  # the same for all rings, so that the tube is not twisted
    u = _unit(across - (across * along).sum(axis=2, keepdims=True) * along)
    v = np.cross(along, u)
    angle = 2 * np.pi * np.arange(sides) / sides
    rings = u[:, :, None] * np.cos(angle)[:, None] + v[:, :, None] * np.sin(angle)[:, None]
    points = path[:, :, None] + radius[:, None, None, None] * rings
    return np.concatenate((points.reshape(len(path), 3 * sides, 3), path[:, ::2]), axis=1)


def _tube_faces(sides: int) -> NDArray[np.int64]:
    """Return the triangles of one tube, seen from outside: two legs and two round ends."""
    a = np.arange(sides)
    b = (a + 1) % sides
    leg = np.concatenate((np.stack((a, b, b + sides), 1), np.stack((a, b + sides, a + sides), 1)))
    first = np.stack((b, a, np.full(sides, 3 * sides)), 1)
    last = np.stack((a + 2 * sides, b + 2 * sides, np.full(sides, 3 * sides + 1)), 1)
    return np.concatenate((leg, leg + sides, first, last))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale vectors to length 1; vectors of length 0 get an arbitrary direction."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1), [1.0, 0.0, 0.0])


def _data_array(name: str, values: NDArray[np.generic]) -> str:
    kinds = {"f4": "Float32", "i4": "Int32", "i8": "Int64", "u1": "UInt8"}
    raw = np.ascontiguousarray(values).tobytes()
    pieces = [raw[i : i + _BLOCK] for i in range(0, len(raw), _BLOCK)]
    packed = [zlib.compress(piece) for piece in pieces]
    # vtkZLibDataCompressor: number of blocks, block size, size of the last block if short, sizes
    header = np.array([len(pieces), _BLOCK, len(raw) % _BLOCK, *map(len, packed)], dtype="<u8").tobytes()
    code = base64.b64encode(header) + base64.b64encode(b"".join(packed))
    components = f' NumberOfComponents="{values.shape[1]}"' if values.ndim == 2 else ""
    kind = kinds[values.dtype.str[1:]]
    return f"""        <DataArray type="{kind}" Name="{name}"{components} format="binary">
{code.decode("ascii")}
        </DataArray>"""
