"""`render`: an SEM-like micrograph of a volume, with the truth in its plane."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import OutFolder, Overwrite, Seed, VoxelSize, length_or_none
from porescape.cli.say import say
from porescape.errors import SettingsError


@command
def render(
    volume: Annotated[
        Path, typer.Argument(help="Volume file as for `measure`; it is seen along z.", show_default=False)
    ],
    voxel_size: VoxelSize = None,
    look: Annotated[
        Path | None, typer.Option(help="TOML file with some fields of `porescape.Look`; the rest by default.")
    ] = None,
    random_look: Annotated[
        bool, typer.Option("--random-look", help="Draw a look from the range of real micrographs.")
    ] = False,
    banner: Annotated[
        bool, typer.Option("--banner", help="Burn in a strip with a scale bar, in place of tags.")
    ] = False,
    seed: Seed = 0,
    out: OutFolder = Path("porescape-render"),
    overwrite: Overwrite = False,
) -> None:
    """Show a cut through a volume as an SEM might: a micrograph whose true segmentation is known."""
    from porescape.io.runs.rendered import look_from, write_rendered
    from porescape.io.volumes.volume import read_volume
    from porescape.rendering.look import draw_look
    from porescape.rendering.micrograph import render_micrograph
    from porescape.rng import stream

    if look is not None and random_look:
        raise SettingsError("--look and --random-look exclude each other; give one of them, or none")
    chosen = look_from(look) if look is not None else None
    if random_look:
        chosen = draw_look(stream(seed, "look"))
    rendered = render_micrograph(read_volume(volume, voxel_size=length_or_none(voxel_size)), chosen, seed)
    write_rendered(out, rendered, overwrite, banner)
    say(f"porosity in the plane {rendered.plane.porosity:.4f}; micrograph, plane and look in {out}")
