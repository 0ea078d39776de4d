"""Volumes that other programs wrote: every format with its scale, grey by threshold, and what is refused."""

import base64
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import nrrd
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from porescape.core.volume import Volume
from porescape.errors import InputError, MissingExtra
from porescape.io.volumes.raw_volume import in_metres
from porescape.io.volumes.volume import read_volume, read_volume_with_source, write_tiff, write_vti

PORE = np.random.default_rng(0).random((5, 6, 7)) < 0.4
BYTES = np.where(PORE, np.uint8(255), np.uint8(0))


# -- every format, with its scale -----------------------------------------------------------------


def npy(folder: Path) -> Path:
    np.save(folder / "v.npy", np.asfortranarray(PORE))
    return folder / "v.npy"


def npz(folder: Path) -> Path:
    np.savez_compressed(folder / "v.npz", structure=BYTES)
    return folder / "v.npz"


def bits(folder: Path) -> Path:
    np.savez(folder / "b.npz", packed=np.packbits(PORE), shape=PORE.shape, meta="{}")
    return folder / "b.npz"


def plain_tiff(folder: Path) -> Path:
    tifffile.imwrite(folder / "v.tif", BYTES, photometric="minisblack")
    return folder / "v.tif"


def lzw_tiff(folder: Path) -> Path:
    tifffile.imwrite(folder / "v.tiff", BYTES, photometric="minisblack", compression="lzw", bigtiff=True)
    return folder / "v.tiff"


def grey_as_colour(folder: Path) -> Path:
    tifffile.imwrite(folder / "c.tif", np.repeat(BYTES[..., None], 3, axis=-1), photometric="rgb")
    return folder / "c.tif"


def tiff_slices(folder: Path) -> Path:
    (folder / "scan").mkdir()
    for z, layer in enumerate(BYTES):
        tifffile.imwrite(
            folder / "scan" / f"slice{z + 8}.tif", layer
        )  # 8, 9, 10: not in the order of letters
    (folder / "scan" / "log.txt").write_text("120 kV")
    return folder / "scan"


def png_slices(folder: Path) -> Path:
    for z, layer in enumerate(PORE):
        Image.fromarray(layer).save(folder / f"a{z}.png")
    return folder / "a*.png"


def plain_zarr(folder: Path) -> Path:
    zarr.save_array(folder / "v.zarr", BYTES)
    return folder / "v.zarr"


@pytest.mark.parametrize(
    "write",
    [npy, npz, bits, plain_tiff, lzw_tiff, grey_as_colour, tiff_slices, png_slices, plain_zarr],
    ids=lambda f: f.__name__,
)
def test_a_file_without_a_scale_needs_the_voxel_size(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path = write(tmp_path)
    found = read_volume_with_source(path, 2e-6)
    assert np.array_equal(found.volume.pore, PORE)
    assert (found.volume.voxel_size, found.voxel_size_source) == (2e-6, "--voxel-size")
    assert (found.pore, found.threshold, found.threshold_source, found.warnings) == ("bright", None, None, ())
    assert np.array_equal(read_volume(path, 1.0).pore, PORE)
    assert np.array_equal(read_volume_with_source(path, 1.0, pore="dark").volume.pore, ~PORE)
    with pytest.raises(InputError, match=r"contains no voxel size.*--voxel-size"):
        read_volume_with_source(path)


def imagej(folder: Path) -> Path:
    tifffile.imwrite(
        folder / "ij.tif",
        BYTES,
        imagej=True,
        resolution=(1 / 0.4, 1 / 0.4),
        metadata={"axes": "ZYX", "spacing": 0.4, "unit": "micron"},
    )
    return folder / "ij.tif"


def ome_tiff(folder: Path) -> Path:
    sizes = {f"PhysicalSize{axis}": 400.0 for axis in "XYZ"}
    units = {f"PhysicalSize{axis}Unit": "nm" for axis in "XYZ"}
    tifffile.imwrite(folder / "v.ome.tif", BYTES, metadata={"axes": "ZYX", **sizes, **units})
    return folder / "v.ome.tif"


def nrrd_spacings(folder: Path) -> Path:
    header = {"spacings": [0.0004] * 3, "units": ["mm", "mm", "mm"]}
    nrrd.write(str(folder / "v.nrrd"), BYTES, header, index_order="C")
    return folder / "v.nrrd"


def nrrd_directions(folder: Path) -> Path:
    turned = np.array([[0, 0.4, 0], [-0.4, 0, 0], [0, 0, 0.4]])
    header = {"space dimension": 3, "space directions": turned, "space units": ["um", "um", "um"]}
    nrrd.write(str(folder / "v.nrrd"), BYTES, header, index_order="C")
    return folder / "v.nrrd"


def ome_zarr(folder: Path, version: int = 2, unit: str | None = "micrometer", z: float = 0.4) -> Path:
    """Write a pyramid of two levels, with channels; Zarr 2 with OME 0.4, or Zarr 3 in shards with OME 0.5."""
    sharded = {"shards": (1, 4, 8, 8)} if version == 3 else {}
    group = zarr.open_group(folder / "v.ome.zarr", mode="w", zarr_format=version)  # type: ignore[arg-type]
    for level, data in enumerate((BYTES[None], BYTES[None, ::2, ::2, ::2])):
        array = group.create_array(
            str(level), shape=data.shape, dtype=data.dtype, chunks=(1, 2, 4, 4), **sharded
        )
        array[:] = data
    space = {"type": "space"} | ({} if unit is None else {"unit": unit})
    scales = [[1, z, 0.4, 0.4], [1, 2 * z, 0.8, 0.8]]
    multiscales = [
        {
            "axes": [{"name": "c", "type": "channel"}, *({"name": axis, **space} for axis in "zyx")],
            "datasets": [
                {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": scale}]}
                for i, scale in enumerate(scales)
            ],
        }
    ]
    if version == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    else:
        multiscales[0]["version"] = "0.4"  # type: ignore[assignment]
        group.attrs["multiscales"] = multiscales
    return folder / "v.ome.zarr"


def ome_zarr_sharded(folder: Path) -> Path:
    return ome_zarr(folder, version=3)


@pytest.mark.parametrize(
    ("write", "source"),
    [
        (imagej, "ImageJ scale"),
        (ome_tiff, "OME-XML"),
        (nrrd_spacings, "NRRD spacings"),
        (nrrd_directions, "NRRD space directions"),
        (ome_zarr, "OME-Zarr scale"),
        (ome_zarr_sharded, "OME-Zarr scale"),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_a_scale_with_its_unit_is_taken(tmp_path: Path, write: Callable[[Path], Path], source: str) -> None:
    path = write(tmp_path)
    found = read_volume_with_source(path)
    assert np.array_equal(found.volume.pore, PORE)
    assert found.volume.voxel_size == pytest.approx(4e-7)
    assert source in found.voxel_size_source
    assert found.warnings == ()
    (warning,) = read_volume_with_source(path, 1e-6).warnings
    assert warning.startswith("--voxel-size gives 1 µm per voxel, which is used, but")
    assert warning.endswith("gives 400 nm")


def test_what_we_write_is_read_back_as_such(tmp_path: Path) -> None:
    for write, name in ((write_tiff, "v.tif"), (write_vti, "v.vti")):
        write(tmp_path / name, Volume(PORE, 2.5e-8))
        found = read_volume_with_source(tmp_path / name)
        assert np.array_equal(found.volume.pore, PORE)
        assert found.volume.voxel_size == pytest.approx(2.5e-8)
        assert (found.name, found.warnings, len(found.sha256)) == (name, (), 64)


# -- VTI of other programs ------------------------------------------------------------------------


def vti(form: str, *, compressed: bool = False, big: bool = False, together: bool = False) -> bytes:
    """Write a .vti by hand, with 32-bit headers, point data and two arrays, the second the scalars."""
    import zlib

    order = ">" if big else "<"
    values = [np.arange(PORE.size, dtype=f"{order}f4"), PORE.astype(f"{order}i2").ravel()]
    blobs = []
    for array in values:
        data = array.tobytes()
        if compressed:
            half = 2 * (len(data) // 4)
            pieces = [
                zlib.compress(piece) for piece in (data[:half], data[half : 2 * half], data[2 * half :])
            ]
            sizes = [3, half, len(data) - 2 * half, *map(len, pieces)]
            head, body = np.array(sizes, f"{order}u4").tobytes(), b"".join(pieces)
        else:
            head, body = np.array([len(data)], f"{order}u4").tobytes(), data
        if form == "raw":
            blobs.append(head + body)
        elif together:
            blobs.append(base64.b64encode(head + body))
        else:
            blobs.append(base64.b64encode(head) + base64.b64encode(body))
    tags = []
    offset = 0
    for name, kind, array, blob in zip(("other", "label"), ("Float32", "Int16"), values, blobs, strict=True):
        tag = f'<DataArray type="{kind}" Name="{name}" '
        if form == "ascii":
            tags.append(tag + 'format="ascii">' + " ".join(map(str, array)) + "</DataArray>")
        elif form == "binary":
            tags.append(tag + 'format="binary">\n  ' + blob.decode() + "\n</DataArray>")
        else:
            tags.append(tag + f'format="appended" offset="{offset}"/>')
            offset += len(blob)
    nz, ny, nx = PORE.shape
    extent = f"2 {nx + 1} 0 {ny - 1} 0 {nz - 1}"
    xml = (
        f'<?xml version="1.0"?>\n<VTKFile type="ImageData" version="0.1" '
        f'byte_order="{"BigEndian" if big else "LittleEndian"}"'
        f"{' compressor=' + chr(34) + 'vtkZLibDataCompressor' + chr(34) if compressed else ''}>\n"
        f'<ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="2 2 2"><Piece Extent="{extent}">\n'
        f'<PointData Scalars="label">{"".join(tags)}</PointData><CellData/></Piece></ImageData>\n'
    ).encode()
    if form in ("raw", "base64"):
        encoding = form.encode()
        xml += b'<AppendedData encoding="' + encoding + b'">\n_' + b"".join(blobs) + b"\n</AppendedData>\n"
    return xml + b"</VTKFile>\n"


@pytest.mark.parametrize("form", ["ascii", "binary", "raw", "base64"])
@pytest.mark.parametrize("options", [{}, {"compressed": True}, {"big": True}, {"together": True}])
def test_the_usual_encodings_of_vtk_are_read(tmp_path: Path, form: str, options: dict[str, bool]) -> None:
    if form == "base64" and options.get("together"):
        pytest.skip("offsets count letters, and VTK pads the header")
    (tmp_path / "v.vti").write_bytes(vti(form, **options))
    assert np.array_equal(read_volume(tmp_path / "v.vti", 1e-6).pore, PORE)
    with pytest.raises(InputError, match=r"contains no voxel size \(VTI Spacing gives 2 without a unit\)"):
        read_volume(tmp_path / "v.vti")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"ImageData"', b'"PolyData"', "holds PolyData, wanted ImageData"),
        (b'Scalars="label"', b"", r"holds 2 arrays of single values \(other, label\), wanted one"),
        (b'"Int16"', b'"Bit"', "holds values of type Bit"),
        (b'"2 8 0 5 0 4"', b'"2 8 0 5 0 5"', r"holds 210 values, wanted 7 x 6 x 6 = 252"),
        (b'version="0.1"', b'version="0.1" compressor="mine"', "compressed by mine, wanted one of vtkZLib"),
    ],
)
def test_a_vti_that_cannot_be_read_says_why(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    (tmp_path / "v.vti").write_bytes(vti("binary").replace(old, new))
    with pytest.raises(InputError, match=message):
        read_volume(tmp_path / "v.vti", 1e-6)


# -- scale: bricks, doubt -------------------------------------------------------------------------


def brick_tiff(folder: Path) -> Path:
    metadata = {"axes": "ZYX", "spacing": 1.2, "unit": "um"}
    tifffile.imwrite(folder / "b.tif", BYTES, imagej=True, resolution=(2.5, 2.5), metadata=metadata)
    return folder / "b.tif"


def brick_nrrd(folder: Path) -> Path:
    header = {"spacings": [0.4, 0.4, 1.2], "units": ["um", "um", "um"]}
    nrrd.write(str(folder / "b.nrrd"), BYTES, header, index_order="C")
    return folder / "b.nrrd"


def brick_zarr(folder: Path) -> Path:
    return ome_zarr(folder, z=1.2)


@pytest.mark.parametrize("write", [brick_tiff, brick_nrrd, brick_zarr], ids=lambda f: f.__name__)
def test_bricks_are_refused_unless_the_user_knows_better(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    path = write(tmp_path)
    with pytest.raises(
        InputError, match=r"400 nm in the plane and 1\.2 µm between slices; wanted cubes: resa"
    ):
        read_volume_with_source(path)
    found = read_volume_with_source(path, 4e-7)
    assert found.volume.voxel_size == 4e-7
    assert "which are not cubes; --voxel-size gives 400 nm, which is used" in found.warnings[0]


def test_bricks_show_even_without_a_unit(tmp_path: Path) -> None:
    header = {"spacings": [1.0, 1.5, 3.0]}
    nrrd.write(str(tmp_path / "b.nrrd"), BYTES, header, index_order="C")
    with pytest.raises(InputError, match=r"voxels of 3 x 1\.5 x 1 \(z x y x x\); wanted cubes"):
        read_volume(tmp_path / "b.nrrd")
    path = ome_zarr(tmp_path, unit=None)
    with pytest.raises(InputError, match=r"OME-Zarr scale gives 0\.4 without a unit"):
        read_volume(path)


def test_an_unsaid_distance_between_slices_is_taken_with_a_warning(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "v.tif", BYTES, imagej=True, resolution=(2.5, 2.5), metadata={"axes": "ZYX", "unit": "um"}
    )
    found = read_volume_with_source(tmp_path / "v.tif")
    assert found.volume.voxel_size == pytest.approx(4e-7)
    assert "does not contain the distance between slices" in found.warnings[0]
    assert read_volume_with_source(tmp_path / "v.tif", 4e-7).warnings == ()


def test_a_sheared_nrrd_is_refused(tmp_path: Path) -> None:
    header = {"space dimension": 3, "space directions": [[1, 0, 0], [0.5, 1, 0], [0, 0, 1]]}
    nrrd.write(str(tmp_path / "s.nrrd"), BYTES, header, index_order="C")
    with pytest.raises(InputError, match="not at right angles"):
        read_volume(tmp_path / "s.nrrd", 1e-6)


def test_lengths_in_the_units_that_programs_write() -> None:
    for unit in ("um", "µm", "\\u00B5m", "micron", "Microns", "micrometer", "micrometre", "micrometers"):
        assert in_metres(2, unit) == pytest.approx(2e-6), unit
    assert in_metres("-0.5", "nanometer") == pytest.approx(5e-10)
    assert in_metres(3, "angstrom") == pytest.approx(3e-10)
    assert in_metres(3, "metre") == 3
    for unit in ("pixel", "", None, "inch"):
        assert in_metres(1, unit) is None
    for value in (0, "many", None, float("nan"), float("inf")):
        assert in_metres(value, "um") is None


# -- grey -----------------------------------------------------------------------------------------


def grey(
    noise: float, shape: tuple[int, int, int] = (20, 30, 40)
) -> tuple[NDArray[np.bool_], NDArray[np.uint16]]:
    """A scan with dark pores at 1000 and bright solid at 3000."""
    rng = np.random.default_rng(3)
    field = gaussian_filter(rng.standard_normal(shape), 2)
    pore = field < np.quantile(field, 0.4)
    scan = np.where(pore, 1000.0, 3000.0) + noise * rng.standard_normal(shape)
    return pore, np.clip(scan, 0, 65535).astype(np.uint16)


@pytest.mark.parametrize("dtype", [np.uint16, ">u2", np.float32, np.int32, np.float64])
def test_grey_is_cut_by_otsu_and_says_where(tmp_path: Path, dtype: str) -> None:
    pore, scan = grey(200)
    np.save(tmp_path / "scan.npy", scan.astype(dtype))
    found = read_volume_with_source(tmp_path / "scan.npy", 1e-6)
    assert np.array_equal(found.volume.pore, pore)  # five standard deviations off
    assert found.threshold == pytest.approx(2000, abs=120)
    assert (found.threshold_source, found.pore, found.warnings) == ("otsu", "dark", ())
    assert found.porosity_range is not None
    assert found.porosity_range == pytest.approx((0.4, 0.4), abs=0.002)
    bright = read_volume_with_source(tmp_path / "scan.npy", 1e-6, pore="bright")
    assert np.array_equal(bright.volume.pore, ~pore)
    assert bright.porosity_range == pytest.approx((0.6, 0.6), abs=0.002)


def test_otsus_threshold_is_that_of_an_independent_one(tmp_path: Path) -> None:
    from skimage.filters import threshold_otsu

    _, scan = grey(700)
    tifffile.imwrite(tmp_path / "scan.tif", scan)
    found = read_volume_with_source(tmp_path / "scan.tif", 1e-6)
    assert found.threshold == pytest.approx(threshold_otsu(scan, nbins=65536), abs=5)


def test_a_given_threshold_is_used_and_the_darker_side_has_it(tmp_path: Path) -> None:
    scan = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    np.save(tmp_path / "scan.npy", scan)
    found = read_volume_with_source(tmp_path / "scan.npy", 1e-6, threshold=8)
    assert (found.volume.porosity, found.threshold, found.threshold_source) == (9 / 27, 8, "given")
    assert found.volume.pore[0].all()
    for threshold in (-1, 26, 300):
        with pytest.raises(
            InputError, match=r"leaves one phase only, the grey levels of scan.npy range from 0 to"
        ):
            read_volume_with_source(tmp_path / "scan.npy", 1e-6, threshold=threshold)
    with pytest.raises(
        InputError, match=r"27 different values from 0 to 26; wanted two.*read_volume_with_so"
    ):
        read_volume(tmp_path / "scan.npy", 1e-6)


def test_phases_that_overlap_in_grey_come_with_a_warning(tmp_path: Path) -> None:
    _, scan = grey(900)
    np.save(tmp_path / "noisy.npy", scan)
    (warning,) = read_volume_with_source(tmp_path / "noisy.npy", 1e-6).warnings
    assert "overlap in grey: moving the threshold" in warning
    assert "changes the porosity from 0.4" in warning
    rng = np.random.default_rng(0)
    np.save(tmp_path / "one.npy", rng.normal(100, 10, (20, 20, 20)))  # one class, no pores to be told
    assert "overlap in grey" in read_volume_with_source(tmp_path / "one.npy", 1e-6).warnings[0]


def test_labels_are_not_grey(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.arange(27).reshape(3, 3, 3) % 3)
    with pytest.raises(
        InputError, match=r"holds 3 different values \(0, 1, 2\), too few for grey.*--threshold"
    ):
        read_volume_with_source(tmp_path / "labels.npy", 1e-6)
    found = read_volume_with_source(tmp_path / "labels.npy", 1e-6, threshold=0, pore="dark")
    assert found.volume.porosity == pytest.approx(1 / 3)


def test_a_scan_shown_inverted_has_its_large_values_dark(tmp_path: Path) -> None:
    pore, scan = grey(200)
    tifffile.imwrite(tmp_path / "i.tif", 4000 - scan, photometric="miniswhite")
    found = read_volume_with_source(tmp_path / "i.tif", 1e-6)
    assert np.array_equal(found.volume.pore, pore)
    assert "is to be displayed inverted" in found.warnings[0]
    assert found.porosity_range == pytest.approx((0.4, 0.4), abs=0.002)


# -- what is refused, and what is said ------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((30, 40)), r"has shape \(30, 40\); wanted three axes \(z, y, x\); a micrograph is for"),
        (np.zeros((2, 3, 4, 5)), r"has shape \(2, 3, 4, 5\); wanted three axes"),
        (np.where(PORE, np.nan, 1.0), "holds NaN or infinite values"),
        (np.where(PORE, np.inf, 1.0), "holds NaN or infinite values"),
        (np.zeros((0, 2, 2)), "is empty"),
        (PORE.astype(complex), "holds complex128, wanted numbers"),
        (PORE.astype(str), "wanted numbers or True and False"),
    ],
    ids=lambda a: "" if isinstance(a, str) else f"{a.dtype}{a.shape}",
)
def test_arrays_that_are_no_volume_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    np.save(tmp_path / "v.npy", array)
    for read in (read_volume, read_volume_with_source):
        with pytest.raises(InputError, match=message):
            read(tmp_path / "v.npy", 1e-6)


@pytest.mark.parametrize(("value", "pore"), [(0, False), (1, True), (255, True)])
def test_one_phase_is_an_answer_with_a_warning(tmp_path: Path, value: int, pore: bool) -> None:
    np.save(tmp_path / "v.npy", np.full((3, 3, 3), value, np.uint8))
    found = read_volume_with_source(tmp_path / "v.npy", 1e-6)
    assert found.volume.porosity == pore
    assert found.warnings[0].endswith(f"every voxel of v.npy is {value}, which is assumed to be "
                                      f"{'pore' if pore else 'solid'}")  # fmt: skip


def test_two_values_need_no_threshold(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", BYTES)
    found = read_volume_with_source(tmp_path / "v.npy", 1e-6, threshold=100)
    assert np.array_equal(found.volume.pore, PORE)
    assert "the threshold 100 was not needed" in found.warnings[0]


def test_tiffs_of_more_than_a_volume_are_refused(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (4, 9, 9, 3), dtype=np.uint8)
    tifffile.imwrite(tmp_path / "c.tif", colour, photometric="rgb")
    with pytest.raises(InputError, match="is in colour; wanted grey"):
        read_volume(tmp_path / "c.tif", 1e-6)
    tifffile.imwrite(
        tmp_path / "t.tif", np.zeros((2, 4, 9, 9), np.uint8), imagej=True, metadata={"axes": "TZYX"}
    )
    with pytest.raises(InputError, match="has 2 T, 4 Z, 9 Y, 9 X; wanted three axes"):
        read_volume(tmp_path / "t.tif", 1e-6)
    tifffile.imwrite(tmp_path / "flat.tif", BYTES[0])
    with pytest.raises(InputError, match=r"shape \(6, 7\); wanted three axes .*; a micrograph is for"):
        read_volume(tmp_path / "flat.tif", 1e-6)
    tifffile.imwrite(tmp_path / "ch.tif", BYTES, imagej=True, metadata={"axes": "CYX"})
    found = read_volume_with_source(tmp_path / "ch.tif", 1e-6)
    assert np.array_equal(found.volume.pore, PORE)
    assert "its first axis is called C and taken as z" in found.warnings[0]


@pytest.mark.parametrize("options", [{"truncate": True}, {"compression": "zlib", "metadata": None}])
def test_a_tiff_that_is_cut_off_is_noticed(tmp_path: Path, options: dict[str, object]) -> None:
    """As ImageJ writes large stacks, one page and the slices behind it; and page by page."""
    tifffile.imwrite(tmp_path / "v.tif", BYTES, photometric="minisblack", **options)  # type: ignore[arg-type]
    assert np.array_equal(read_volume(tmp_path / "v.tif", 1e-6).pore, PORE)
    (tmp_path / "half.tif").write_bytes((tmp_path / "v.tif").read_bytes()[:-5])
    with pytest.raises(InputError, match=r"half\.tif is cut off .*copy it again|is the file complete"):
        read_volume(tmp_path / "half.tif", 1e-6)


def test_folders_that_are_no_stack_are_refused(tmp_path: Path) -> None:
    folder = tiff_slices(tmp_path)
    whole = read_volume_with_source(folder, 1e-6)
    (folder / "slice10.tif").rename(folder / "slice13.tif")
    gap = read_volume_with_source(folder, 1e-6)
    assert "between slice9.tif and slice11.tif a slice seems to be missing" in gap.warnings[0]
    assert gap.sha256 != whole.sha256
    tifffile.imwrite(folder / "slice14.tif", BYTES[0, :3])
    with pytest.raises(InputError, match=r"slice14.tif is uint8 \(3, 7\) and slice8.tif uint8 \(6, 7\)"):
        read_volume(folder, 1e-6)
    tifffile.imwrite(folder / "slice14.tif", BYTES, photometric="minisblack")
    with pytest.raises(InputError, match=r"slice14.tif holds 5 images, wanted one slice"):
        read_volume(folder, 1e-6)
    Image.fromarray(BYTES[0]).save(folder / "view.png")
    with pytest.raises(InputError, match=r"holds slices of 2 kinds \(\.png, \.tif\)"):
        read_volume(folder, 1e-6)
    with pytest.raises(InputError, match=r"holds one slice only, view\.png"):
        read_volume(folder / "*.png", 1e-6)
    with pytest.raises(InputError, match="matches"):
        read_volume(folder / "*.bmp", 1e-6)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no slices"):
        read_volume(tmp_path / "empty", 1e-6)


def test_slices_keep_the_pixel_size_of_the_first(tmp_path: Path) -> None:
    for z, layer in enumerate(BYTES):
        tifffile.imwrite(
            tmp_path / f"{z}.tif", layer, imagej=True, resolution=(2.5, 2.5), metadata={"unit": "um"}
        )
    found = read_volume_with_source(tmp_path)
    assert found.volume.voxel_size == pytest.approx(4e-7)
    assert "does not contain the distance between slices" in found.warnings[0]


def test_zarr_that_is_no_single_image_is_refused(tmp_path: Path) -> None:
    group = zarr.open_group(tmp_path / "g.zarr", mode="w")
    group.create_array("raw", shape=(2, 2, 2), dtype="u1")
    with pytest.raises(InputError, match=r"holds no multiscale image \(in it: raw\), wanted one image"):
        read_volume(tmp_path / "g.zarr", 1e-6)
    path = ome_zarr(tmp_path)
    group = zarr.open_group(path, mode="a", zarr_format=2)
    del group["0"]
    group.create_array("0", shape=(3, 5, 6, 7), dtype="u1")
    with pytest.raises(InputError, match="has 3 c besides z, y and x"):
        read_volume(path, 1e-6)


def test_without_zarr_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = plain_zarr(tmp_path)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtra, match=r'pip install "porescape\[zarr\]"'):
        read_volume(path, 1e-6)


def test_files_of_other_kinds_are_answered_with_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "v.raw").write_bytes(b"123")
    with pytest.raises(InputError, match=r"ending '\.raw'; wanted one of \.tif, .*\.nrrd"):
        read_volume(tmp_path / "v.raw")
    for name in ("v.npy", "v.npz", "v.vti", "v.nrrd", "v.tif"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            read_volume_with_source(tmp_path / name, 1e-6)
    with zipfile.ZipFile(tmp_path / "two.npz", "w"):
        pass
    with pytest.raises(InputError, match="holds 0 arrays"):
        read_volume(tmp_path / "two.npz", 1e-6)
