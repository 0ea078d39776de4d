"""What we export is read back by somebody else: same voxels, same scale, same phase."""

import gzip
import hashlib
import json
import sys
from dataclasses import replace

import meshio
import nrrd
import numpy as np
import pygltflib
import pytest
import scipy.io
import tifffile
import trimesh
import zarr
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from typer.testing import CliRunner

from porescape.core.measurement import Details
from porescape.core.volume import Volume
from porescape.errors import InputError, MissingExtra, OutputError, SettingsError
from porescape.io.runs.details import write_details
from porescape.io.runs.export import KINDS, export
from porescape.io.runs.network import to_openpnm
from porescape.io.volumes import matlab
from porescape.io.volumes.matlab import write_mat
from porescape.io.volumes.mesh import surface_mesh, write_glb, write_stl
from porescape.io.volumes.nrrd_volume import write_nrrd
from porescape.io.volumes.ome_zarr import write_ome_zarr
from porescape.io.volumes.volume import read_volume, write_tiff
from porescape.measure.network.extract import extract_network

VOXEL = 0.25e-6
UM = 1e6  # per metre


def structure(seed=0, shape=(20, 24, 28)):
    """Smooth blobs, different along every axis."""
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    return Volume(field > 0.02, VOXEL)


FOAM = structure()


def ball(radius=10, edge=26):
    z, y, x = np.indices((edge,) * 3) - (edge - 1) / 2
    return Volume(~(z**2 + y**2 + x**2 < radius**2), VOXEL)


# ---- volumes


def test_nrrd_is_read_by_pynrrd_and_by_eye(tmp_path):
    write_nrrd(tmp_path / "v.nrrd", FOAM)
    values, header = nrrd.read(str(tmp_path / "v.nrrd"), index_order="C")
    np.testing.assert_array_equal(values, FOAM.pore)
    assert values.dtype == np.uint8
    np.testing.assert_allclose(header["space directions"], np.eye(3) * 0.25)
    assert list(header["space units"]) == ["um", "um", "um"]
    assert header["phases"] == "1 = pore, 0 = solid"
    assert float(header["voxel size"].split()[0]) == VOXEL
    raw = (tmp_path / "v.nrrd").read_bytes()
    text, data = raw.split(b"\n\n", 1)
    lines = text.decode("ascii").splitlines()
    assert lines[0] == "NRRD0005"
    assert "sizes: 28 24 20" in lines  # the fastest first
    assert gzip.decompress(data) == FOAM.pore.astype(np.uint8).tobytes()
    back = read_volume(tmp_path / "v.nrrd")
    np.testing.assert_array_equal(back.pore, FOAM.pore)
    assert back.voxel_size == pytest.approx(VOXEL)


def test_mat_is_read_by_scipy_in_the_order_of_matlab(tmp_path):
    write_mat(tmp_path / "v.mat", FOAM)
    held = scipy.io.loadmat(tmp_path / "v.mat")
    assert held["pore"].dtype == np.uint8
    np.testing.assert_array_equal(held["pore"].transpose(2, 0, 1), FOAM.pore)
    assert held["voxel_size"].item() == VOXEL
    assert (held["units"].item(), held["axes"].item()) == ("m", "pore(y, x, z)")
    assert held["phases"].item() == "1 = pore, 0 = solid"
    assert b"1 = pore, 0 = solid" in held["__header__"]


def test_a_volume_too_large_for_mat_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(matlab, "_LARGEST", FOAM.pore.size - 1)
    with pytest.raises(InputError, match=r"has 13440 voxels, a \.mat file holds at most 13439: export zarr"):
        write_mat(tmp_path / "v.mat", FOAM)
    assert list(tmp_path.iterdir()) == []


def test_zarr_holds_the_voxels_the_scale_and_coarser_levels(tmp_path):
    volume = structure(1, (20, 131, 140))
    write_ome_zarr(tmp_path / "v.ome.zarr", volume)
    group = zarr.open_group(tmp_path / "v.ome.zarr", mode="r")
    np.testing.assert_array_equal(group["0"][:], np.where(volume.pore, 255, 0))
    (image,) = group.attrs["ome"]["multiscales"]
    assert group.attrs["ome"]["version"] == "0.5"
    assert [(axis["name"], axis["type"], axis["unit"]) for axis in image["axes"]] == [
        (name, "space", "micrometer") for name in "zyx"
    ]
    assert [level["path"] for level in image["datasets"]] == ["0", "1"]
    fine, coarse = (level["coordinateTransformations"] for level in image["datasets"])
    assert fine == [{"type": "scale", "scale": [0.25] * 3}]
    assert coarse[0]["scale"] == [0.5] * 3
    assert coarse[1]["translation"] == [0.125] * 3
    assert group["1"].shape == (10, 66, 70)
    first = volume.pore[:2, :2, :2].mean()
    assert group["1"][0, 0, 0] == pytest.approx(255 * first, abs=0.5)
    assert group["0"].metadata.dimension_names == ("z", "y", "x")
    assert group.attrs["porescape"] | {"version": 0} == {
        "version": 0,
        "pore": 255,
        "solid": 0,
        "voxel_size_m": VOXEL,
    }
    back = read_volume(tmp_path / "v.ome.zarr")
    np.testing.assert_array_equal(back.pore, volume.pore)
    assert back.voxel_size == pytest.approx(VOXEL)


# ---- surfaces


def test_a_cube_has_the_surface_we_can_work_out_by_hand():
    pore = np.ones((6, 6, 6), dtype=bool)
    pore[2:4, 2:4, 2:4] = False
    points, faces = surface_mesh(Volume(pore, 1.0))
    mesh = trimesh.Trimesh(points, faces)
    np.testing.assert_allclose(mesh.bounds, [[2, 2, 2], [4, 4, 4]])
    # each of 12 edges loses a prism of 1/8 between the middles of its voxels, each of 8 corners 1/8 but 1/48
    assert mesh.volume == pytest.approx(8 - 12 / 8 - 8 * (1 / 8 - 1 / 48))
    single = np.ones((3, 3, 3), dtype=bool)
    single[1, 1, 1] = False
    points, faces = surface_mesh(Volume(single, 1.0))
    assert trimesh.Trimesh(points, faces).volume == pytest.approx(1 / 6)  # an octahedron


def test_stairs_make_the_area_of_a_ball_nine_percent_too_large():
    mesh = trimesh.Trimesh(*surface_mesh(ball()))
    assert mesh.area == pytest.approx(1.09 * 4 * np.pi * (10 * VOXEL) ** 2, rel=0.01)


@pytest.mark.parametrize("surface", ["solid", "pore"])
def test_stl_is_watertight_and_has_the_volume_of_its_phase(tmp_path, surface):
    volume = ball()
    write_stl(tmp_path / "v.stl", volume, surface)
    mesh = trimesh.load_mesh(tmp_path / "v.stl")
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    phase = volume.pore if surface == "pore" else ~volume.pore
    assert mesh.volume == pytest.approx(phase.sum() * (VOXEL * UM) ** 3, rel=0.01)
    if surface == "solid":
        np.testing.assert_allclose(mesh.centroid, 13 * VOXEL * UM, rtol=1e-3)
        np.testing.assert_allclose(mesh.extents, 20 * VOXEL * UM, rtol=1e-3)
    else:
        np.testing.assert_allclose(mesh.bounds, [[0] * 3, [26 * VOXEL * UM] * 3], rtol=1e-5)


def test_stl_says_its_phase_and_unit_and_meshio_reads_it(tmp_path):
    write_stl(tmp_path / "v.stl", FOAM, "pore")
    raw = (tmp_path / "v.stl").read_bytes()
    assert b"surface of the pore, unit micrometre" in raw[:80]
    assert not raw.startswith(b"solid")
    mesh = meshio.read(tmp_path / "v.stl")
    triangles = mesh.cells_dict["triangle"]
    assert len(raw) == 84 + 50 * len(triangles)
    np.testing.assert_allclose(mesh.points.max(axis=0), np.array([28, 24, 20]) * 0.25)  # x, y, z


@given(
    shape=st.tuples(*[st.integers(1, 7)] * 3),
    share=st.sampled_from([0.1, 0.5, 0.9]),
    seed=st.integers(0, 999),
)
def test_any_structure_has_a_closed_surface_seen_from_outside(shape, share, seed):
    solid = np.random.default_rng(seed).random(shape) < share
    solid.flat[0] = True
    points, faces = surface_mesh(Volume(~solid, 1.0))
    mesh = trimesh.Trimesh(points, faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert 0 < mesh.volume <= solid.sum()


def test_both_surfaces_of_one_structure_share_the_box():
    solid, pore = (trimesh.Trimesh(*surface_mesh(FOAM, phase)) for phase in ("solid", "pore"))
    box = np.prod(FOAM.shape) * VOXEL**3
    assert solid.volume + pore.volume == pytest.approx(box, rel=0.03)
    assert solid.volume / box == pytest.approx(1 - FOAM.porosity, abs=0.03)


@pytest.mark.parametrize(("pore", "surface"), [(True, "solid"), (False, "pore")])
def test_a_phase_that_is_not_there_has_no_surface(tmp_path, pore, surface):
    nothing = Volume(np.full((4, 4, 4), pore), VOXEL)
    for write in (write_stl, write_glb):
        with pytest.raises(InputError, match=f"there is no {surface} in the volume"):
            write(tmp_path / "v", nothing, surface)
    assert list(tmp_path.iterdir()) == []


def test_glb_is_read_by_pygltflib_and_trimesh_with_colour_and_scale(tmp_path):
    volume = ball()
    write_glb(tmp_path / "v.glb", volume)
    gltf = pygltflib.GLTF2().load(str(tmp_path / "v.glb"))
    (scene,), (node,), (material,) = gltf.scenes, gltf.nodes, gltf.materials
    assert gltf.asset.version == "2.0"
    assert scene.extras["phase"] == "solid"
    assert scene.extras["voxel_size_m"] == VOXEL
    assert scene.extras["one_unit_of_the_scene_m"] == pytest.approx(26 * VOXEL)
    assert "solid" in scene.name
    assert len(material.pbrMetallicRoughness.baseColorFactor) == 4
    position = gltf.accessors[0]
    np.testing.assert_allclose(position.min, [3 * 0.25] * 3)  # micrometres
    np.testing.assert_allclose(node.scale, [1 / 6.5] * 3)
    loaded = trimesh.load_scene(tmp_path / "v.glb")
    np.testing.assert_allclose(loaded.extents, [20 / 26] * 3, rtol=1e-3)  # the box would be 1 m
    (mesh,) = loaded.geometry.values()
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx((~volume.pore).sum() * 0.25**3, rel=0.01)
    outward = np.einsum("ij,ij->i", mesh.vertex_normals, mesh.vertices - mesh.centroid)
    assert (outward > 0).all()


def test_glb_stands_upright(tmp_path):
    pore = np.ones((12, 6, 6), dtype=bool)
    pore[8:, 1:5, 1:5] = False  # at large z
    write_glb(tmp_path / "v.glb", Volume(pore, VOXEL))
    scene = trimesh.load_scene(tmp_path / "v.glb")
    np.testing.assert_allclose(scene.bounds[:, 1], [8 / 12, 1], atol=1e-6)  # y is up in glTF


def test_glb_is_decimated_to_what_was_asked_for(tmp_path):
    write_glb(tmp_path / "v.glb", FOAM, triangles=1000)
    (mesh,) = trimesh.load_scene(tmp_path / "v.glb").geometry.values()
    assert 500 < len(mesh.faces) <= 1000
    whole = trimesh.Trimesh(*surface_mesh(FOAM))
    assert mesh.volume == pytest.approx(whole.volume * UM**3, rel=0.1)


def test_without_the_extra_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_simplification", None)
    with pytest.raises(MissingExtra, match=r"pip install \"porescape\[mesh\]\""):
        write_glb(tmp_path / "v.glb", FOAM, triangles=100)
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtra, match=r"pip install \"porescape\[zarr\]\""):
        write_ome_zarr(tmp_path / "v.zarr", FOAM)
    assert list(tmp_path.iterdir()) == []


# ---- export


@pytest.fixture
def run(tmp_path):
    """What export needs of a run folder: three replicas, of which the second is selected."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.toml").touch()
    (folder / "results.json").write_text(json.dumps({"selected": "replica-02"}))
    for k in (1, 2, 3):
        write_tiff(folder / f"replica-0{k}.tif", structure(k))
    return folder


def names(exported):
    return [path.name for path in exported.files]


def test_every_kind_is_written_for_the_selected_replica(run, tmp_path):
    done = export(run, tmp_path / "out", KINDS)
    assert names(done) == [
        "replica-02-network.vtp",
        "replica-02-openpnm.csv",
        "replica-02-pores.csv",
        "replica-02-solid.glb",
        "replica-02-solid.stl",
        "replica-02-throats.csv",
        "replica-02.mat",
        "replica-02.nrrd",
        "replica-02.ome.zarr",
        "replica-02.tif",
        "replica-02.vti",
    ]
    assert all(path.exists() for path in done.files)
    for ending in ("tif", "vti", "nrrd", "ome.zarr"):
        back = read_volume(tmp_path / "out" / f"replica-02.{ending}")
        np.testing.assert_array_equal(back.pore, structure(2).pore)
        assert back.voxel_size == pytest.approx(VOXEL)
    network = extract_network(structure(2))
    pores = np.genfromtxt(tmp_path / "out" / "replica-02-pores.csv", delimiter=",", names=True)
    np.testing.assert_allclose(pores["body_diameter_m"], network.body_diameter)
    with tifffile.TiffFile(tmp_path / "out" / "replica-02.tif") as tiff:
        assert tiff.imagej_metadata["spacing"] == pytest.approx(0.25)
        assert "255 = pore, 0 = solid" in tiff.imagej_metadata["Info"]


def test_one_replica_or_all_of_them(run, tmp_path):
    assert names(export(run, tmp_path / "one", ["nrrd"], replica=3)) == ["replica-03.nrrd"]
    assert names(export(run, tmp_path / "all", ["nrrd"], replica="all")) == [
        f"replica-0{k}.nrrd" for k in (1, 2, 3)
    ]
    assert names(export(run, tmp_path / "pore", ["stl"], surface="pore")) == ["replica-02-pore.stl"]


def test_the_network_that_was_measured_is_the_one_that_is_written(run, tmp_path):
    measured = extract_network(structure(2))
    marked = replace(measured, body_diameter=measured.body_diameter * 2)
    write_details(run / "replica-02-details.npz", Details(network=marked))
    export(run, tmp_path / "out", ["csv"])
    pores = np.genfromtxt(tmp_path / "out" / "replica-02-pores.csv", delimiter=",", names=True)
    np.testing.assert_allclose(pores["body_diameter_m"], marked.body_diameter)


def test_a_volume_file_is_exported_as_measure_reads_it(tmp_path):
    grey = np.where(FOAM.pore, 40, 200) + np.random.default_rng(0).integers(-20, 20, FOAM.shape)
    np.save(tmp_path / "scan a.npy", grey.astype(np.uint8))
    done = export(tmp_path / "scan a.npy", tmp_path / "out", voxel_size=VOXEL)
    assert names(done) == ["scan_a.tif", "scan_a.vti"]
    np.testing.assert_array_equal(read_volume(tmp_path / "out" / "scan_a.vti").pore, FOAM.pore)
    export(
        tmp_path / "scan a.npy", tmp_path / "other", ["mat"], voxel_size=VOXEL, threshold=100, pore="bright"
    )
    assert scipy.io.loadmat(tmp_path / "other" / "scan_a.mat")["pore"].mean() == pytest.approx(
        1 - FOAM.porosity
    )
    again = export(tmp_path / "out" / "scan_a.tif", tmp_path / "again", ["zarr"])
    assert export(again.files[0], tmp_path / "back", ["tif"]).files[0].name == "scan_a.tif"


def test_what_cannot_be_exported_is_refused_and_nothing_is_left(run, tmp_path):
    out = tmp_path / "out"
    solid = Volume(np.zeros((9, 9, 9), dtype=bool), VOXEL)
    write_tiff(tmp_path / "solid.tif", solid)
    one = np.zeros((15, 15, 15), dtype=bool)
    one[4:11, 4:11, 4:11] = True
    write_tiff(tmp_path / "one.tif", Volume(one, VOXEL))
    for source, options, error, words in (
        (run, {"to": ["ply"]}, SettingsError, "cannot export to ply; wanted some of tif,vti,nrrd"),
        (run, {"to": []}, SettingsError, "cannot export to nothing"),
        (run, {"surface": "wall"}, SettingsError, "surface of 'wall'; wanted solid or pore"),
        (run, {"replica": 9}, InputError, "has no replica 9; it has replica-01 to replica-03"),
        (tmp_path / "one.tif", {"replica": 1}, SettingsError, "is no run folder and has no replicas"),
        (tmp_path / "nowhere", {}, InputError, "is not a file or folder"),
        (tmp_path / "solid.tif", {"to": ["stl", "tif"], "surface": "pore"}, InputError, "there is no pore"),
        (tmp_path / "one.tif", {"to": ["tif", "openpnm"]}, InputError, "has no throats"),
    ):
        with pytest.raises(error, match=words):
            export(source, out, **{"to": ["tif"], **options})
        assert not out.exists()
    (run / "results.json").unlink()
    with pytest.raises(InputError, match="does not say which replica is selected"):
        export(run, out)
    out.mkdir()
    (out / "mine.txt").touch()
    with pytest.raises(OutputError, match="is not empty"):
        export(run, out, replica=1)


def hashes(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_same_structure_makes_the_same_bytes(run, tmp_path):
    export(run, tmp_path / "a", KINDS)
    export(run, tmp_path / "b", KINDS)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


def test_the_command_line_exports_and_names_what_it_wrote(run, tmp_path):
    from porescape.cli import app

    done = CliRunner().invoke(
        app, ["export", str(run), "--to", "nrrd,stl", "--replica", "all", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0
    assert len(list((tmp_path / "out").iterdir())) == 6
    bad = CliRunner().invoke(app, ["export", str(run), "--replica", "best", "--out", str(tmp_path / "bad")])
    assert isinstance(bad.exception, SettingsError)
    assert "--replica 'best' is not a replica" in str(bad.exception)


def test_openpnm_takes_the_names_of_the_csv(run, tmp_path):
    export(run, tmp_path / "out", ["openpnm"])
    header = (tmp_path / "out" / "replica-02-openpnm.csv").read_text().splitlines()[0].split(",")
    assert {name.split("[")[0] for name in header} == set(to_openpnm(extract_network(structure(2))))


# ---- as ParaView reads it


@pytest.fixture
def vtk():
    return pytest.importorskip("vtk", reason="VTK is not installed; it is what ParaView reads with")


def array_of(vtk, image, solid_grains=False):
    from vtk.util.numpy_support import vtk_to_numpy

    values = vtk_to_numpy((image.GetCellData() if solid_grains else image.GetPointData()).GetScalars())
    x, y, z = image.GetDimensions()
    return values.reshape((z - 1, y - 1, x - 1) if solid_grains else (z, y, x))


def test_vtk_reads_the_volumes_with_their_spacing(vtk, tmp_path, run):
    export(run, tmp_path / "out", ["vti", "nrrd"])
    for reader, ending, edge in (
        (vtk.vtkXMLImageDataReader(), "vti", VOXEL),
        (vtk.vtkNrrdReader(), "nrrd", VOXEL * UM),
    ):
        reader.SetFileName(str(tmp_path / "out" / f"replica-02.{ending}"))
        reader.Update()
        image = reader.GetOutput()
        np.testing.assert_allclose(image.GetSpacing(), edge)
        np.testing.assert_array_equal(array_of(vtk, image, ending == "vti"), structure(2).pore)


def test_vtk_reads_surfaces_and_networks(vtk, tmp_path, run):
    export(run, tmp_path / "out", ["stl", "vtp"])
    reader = vtk.vtkSTLReader()
    reader.SetFileName(str(tmp_path / "out" / "replica-02-solid.stl"))
    reader.Update()
    properties = vtk.vtkMassProperties()
    properties.SetInputConnection(reader.GetOutputPort())
    whole = trimesh.Trimesh(*surface_mesh(structure(2)))
    assert properties.GetVolume() == pytest.approx(whole.volume * UM**3, rel=1e-3)
    edges = vtk.vtkFeatureEdges()
    edges.SetInputConnection(reader.GetOutputPort())
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.NonManifoldEdgesOff()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0  # no open edge
    network = vtk.vtkXMLPolyDataReader()
    network.SetFileName(str(tmp_path / "out" / "replica-02-network.vtp"))
    network.Update()
    assert network.GetOutput().GetNumberOfCells() > 0
