"""One structure in the file formats of other programs."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from porescape.core.network import Network
from porescape.core.volume import Volume
from porescape.errors import InputError, SettingsError
from porescape.io.atomic import whole_folder
from porescape.io.runs.details import read_details
from porescape.io.runs.network import write_network_csv, write_network_vtp, write_openpnm
from porescape.io.runs.settings import run_file
from porescape.io.volumes.grey import Brightness
from porescape.io.volumes.matlab import write_mat
from porescape.io.volumes.mesh import Phase, write_glb, write_stl
from porescape.io.volumes.nrrd_volume import write_nrrd
from porescape.io.volumes.ome_zarr import write_ome_zarr
from porescape.io.volumes.volume import read_volume, read_volume_with_source, write_tiff, write_vti
from porescape.measure.network.extract import extract_network

VOLUMES: dict[str, tuple[str, Callable[[Path, Volume], None]]] = {  # ending and writer of each kind
    "tif": (".tif", write_tiff),
    "vti": (".vti", write_vti),
    "nrrd": (".nrrd", write_nrrd),
    "mat": (".mat", write_mat),
    "zarr": (".ome.zarr", write_ome_zarr),
}
SURFACES: dict[str, Callable[[Path, Volume, Phase], None]] = {"stl": write_stl, "glb": write_glb}
NETWORKS: dict[str, Callable[[Path, str, Network], object]] = {
    "csv": lambda folder, stem, network: write_network_csv(folder, network, f"{stem}-"),
    "vtp": lambda folder, stem, network: write_network_vtp(folder / f"{stem}-network.vtp", network),
    "openpnm": lambda folder, stem, network: write_openpnm(folder / f"{stem}-openpnm.csv", network),
}
KINDS = (*VOLUMES, *SURFACES, *NETWORKS)


class Exported(NamedTuple):
    """The files written, and notes on how the source was read.

    Attributes
    ----------
    files : tuple of Path
        Files, and folders of OME-Zarr.
    notes : tuple of str
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


class _Structure(NamedTuple):
    stem: str  # of its files
    volume: Volume
    details: Path | None = None  # of its measurement, with its network


def export(
    source: Path | str,
    out: Path | str,
    to: Sequence[str] = ("tif", "vti"),
    *,
    replica: int | Literal["all"] | None = None,
    voxel_size: float | None = None,
    threshold: float | None = None,
    pore: Brightness | None = None,
    surface: Phase = "solid",
    overwrite: bool = False,
) -> Exported:
    """Write a structure, and its pore network if wanted, for other programs.

    Parameters
    ----------
    source : path
        A run folder, or anything that `read_volume_with_source` reads.
    out : path
        Folder to write: new or empty, unless `overwrite`.
    to : sequence of str
        Any of tif, vti, nrrd, mat, zarr (volumes), stl, glb (surfaces), csv, vtp, openpnm (networks).
    replica : int or "all", optional
        Of a run, from 1; by default the selected one.
    voxel_size, threshold, pore
        Of a volume file, as in `read_volume_with_source`.
    surface : {"solid", "pore"}
        Phase whose surface is written.

    Raises
    ------
    SettingsError
        An unknown kind of file, or a replica of a source that is not a run.
    InputError
        The source cannot be read, or has no such replica, no voxel of the phase, or no throats for OpenPNM.
    MissingExtra
        OME-Zarr needs the extra `zarr`, and GLB the extra `mesh`.
    """
    if unknown := [kind for kind in to if kind not in KINDS] or (["nothing"] if not to else []):
        raise SettingsError(f"cannot export to {', '.join(unknown)}; wanted some of {','.join(KINDS)}")
    if surface not in ("solid", "pore"):
        raise SettingsError(f"surface must be solid or pore, got {surface!r}")
    source, out = Path(source), Path(out)
    notes: tuple[str, ...] = ()
    if run_file(source).is_file():
        structures = _of_run(source, replica)
    elif replica is not None:
        raise SettingsError(f"{source} is not a run folder and has no replicas; leave out --replica")
    else:
        read = read_volume_with_source(source, voxel_size, threshold=threshold, pore=pore)
        stem = re.sub(r"[^\w.-]+", "_", source.resolve().stem.removesuffix(".ome"))  # also for patterns
        structures, notes = [_Structure(stem, read.volume)], read.warnings
    with whole_folder(out, overwrite) as folder:
        for structure in structures:
            _write(folder, structure, to, surface)
        written = sorted(path.name for path in folder.iterdir())
    return Exported(tuple(out / name for name in written), notes)


def _of_run(folder: Path, replica: int | Literal["all"] | None) -> list[_Structure]:
    """Read the wanted replicas of a run."""
    existing = [file.stem for file in sorted(folder.glob("replica-[0-9]*.tif"))]
    if replica == "all":
        stems = existing
    elif replica is not None:
        stems = [stem for stem in existing if int(stem.removeprefix("replica-")) == replica]
    else:
        try:
            stems = [json.loads((folder / "results.json").read_text(encoding="utf-8"))["selected"]]
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"{folder / 'results.json'} does not contain the selected replica ({error}); wanted a "
                "complete run folder, or give --replica"
            ) from error
    missing = [stem for stem in stems if stem not in existing]
    if missing or not stems:
        wanted = ", ".join(missing) or f"replica {replica}"
        has = f"{existing[0]} to {existing[-1]}" if existing else "none"
        raise InputError(f"{folder} has no {wanted}; it has {has}")
    return [
        _Structure(stem, read_volume(folder / f"{stem}.tif"), folder / f"{stem}-details.npz")
        for stem in stems
    ]


def _write(folder: Path, structure: _Structure, to: Sequence[str], surface: Phase) -> None:
    stem, volume, _ = structure
    for kind in to:
        if kind in VOLUMES:
            ending, write_volume = VOLUMES[kind]
            write_volume(folder / f"{stem}{ending}", volume)
        elif kind in SURFACES:
            SURFACES[kind](folder / f"{stem}-{surface}.{kind}", volume, surface)
    wanted = [kind for kind in to if kind in NETWORKS]
    if not wanted:
        return
    network = _network(structure)
    if "openpnm" in wanted and not len(network.throat_pores):
        raise InputError(
            f"the network of {stem} has no throats, and OpenPNM cannot read such a network: export csv"
        )
    for kind in wanted:
        NETWORKS[kind](folder, stem, network)


def _network(structure: _Structure) -> Network:
    """Return the stored network, or extract one."""
    if structure.details is not None and structure.details.is_file():
        measured = read_details(structure.details).network
        if measured is not None:
            return measured
    return extract_network(structure.volume)
