"""`export`: a structure in the file formats of other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import OutFolder, Overwrite, VoxelSize, length_or_none, names_in
from porescape.cli.say import say
from porescape.errors import SettingsError

if TYPE_CHECKING:
    from typing import Literal


@command
def export(
    source: Annotated[
        Path,
        typer.Argument(help="Run folder, or a volume file as for `measure`.", show_default=False),
    ],
    to: Annotated[
        str, typer.Option(help="Some of tif,vti,nrrd,mat,zarr,stl,glb,csv,vtp,openpnm.")
    ] = "tif,vti",
    replica: Annotated[
        str | None,
        typer.Option(help='Replica of a run: a number from 1, or "all"; by default the selected one.'),
    ] = None,
    surface: Annotated[
        str, typer.Option(help="Phase whose surface is written to stl and glb: solid or pore.")
    ] = "solid",
    voxel_size: VoxelSize = None,
    threshold: Annotated[
        float | None, typer.Option(help="Threshold of a grey volume, in its grey values; Otsu's by default.")
    ] = None,
    pore: Annotated[
        str | None, typer.Option(help="dark or bright; by default dark if grey, the larger of two values.")
    ] = None,
    out: OutFolder = Path("porescape-export"),
    overwrite: Overwrite = False,
) -> None:
    """Write a structure for ParaView, Fiji, napari, MATLAB, CAD or OpenPNM, always with its scale."""
    from porescape.io.atomic import check_writable
    from porescape.io.runs.export import export as write

    check_writable(out, overwrite)
    written = write(
        source,
        out,
        names_in(to),
        replica=_replica(replica),
        voxel_size=length_or_none(voxel_size),
        threshold=threshold,
        pore=pore,  # type: ignore[arg-type]  # checked there
        surface=surface,  # type: ignore[arg-type]  # checked there
        overwrite=overwrite,
    )
    for note in written.notes:
        say(f"note: {note}")
    say(f"{', '.join(path.name for path in written.files)} in {out}")


def _replica(text: str | None) -> "int | Literal['all'] | None":
    if text is None:
        return None
    if text == "all":
        return "all"
    if text.isdecimal() and int(text) > 0:
        return int(text)
    raise SettingsError(f'--replica {text!r} is not a replica; wanted a number from 1, or "all"')
