"""`generate`: a structure of a recipe."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import VoxelSize, parse_size
from porescape.cli.say import say
from porescape.errors import SettingsError
from porescape.units import format_length, parse_length


@command
def generate(
    recipe: Annotated[
        Path, typer.Argument(help="A replica's recipe such as replica-01.toml.", show_default=False)
    ],
    size: Annotated[str | None, typer.Option(help='Box as in `run`; "256", "64x128x128", "20 um".')] = None,
    voxel_size: VoxelSize = None,
    seed: Annotated[int | None, typer.Option(help="Another seed is another sample of the material.")] = None,
    out: Annotated[Path, typer.Option(help="File to write: .tif or .vti.")] = Path("structure.tif"),
) -> None:
    """Make a structure of a recipe: more of the same material, in any size."""
    from porescape.core.domain import Domain
    from porescape.io.settings import read_material
    from porescape.io.volume import write_tiff, write_vti
    from porescape.synthesis.generate import generate as make

    writers = {".tif": write_tiff, ".tiff": write_tiff, ".vti": write_vti}
    if out.suffix.lower() not in writers:
        raise SettingsError(f"--out {out} ends in {out.suffix!r}; wanted one of {', '.join(writers)}")
    material, domain, own_seed = read_material(recipe)
    voxel = domain.voxel_size if voxel_size is None else parse_length(voxel_size)
    shape = domain.shape if size is None else parse_size(size, voxel)
    volume = make(material, Domain(shape, voxel, domain.periodic), own_seed if seed is None else seed)
    writers[out.suffix.lower()](out, volume)
    say(
        f"{'x'.join(map(str, shape))} voxels of {format_length(voxel)}, porosity {volume.porosity:.4f}: {out}"
    )
