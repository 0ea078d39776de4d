"""`generate`: a structure from a recipe, in memory or of any size."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import SWEEPS, Overwrite, VoxelSize, Workers, parse_size
from porescape.cli.resuming import terminated_like_interrupted, this_command
from porescape.cli.say import progress_bar, say
from porescape.errors import Cancelled, InputError, SettingsError
from porescape.units import format_length, format_shape, parse_length

if TYPE_CHECKING:
    from porescape.core.volume import Volume
    from porescape.parallel import Workers as Pool
    from porescape.synthesis.blockwise.store import BlockProgress

IN_MEMORY = 28  # bytes per voxel while a structure is generated as a whole, measured at 256³ and 512³


@command
def generate(
    recipe: Annotated[
        Path, typer.Argument(help="A replica's recipe such as replica-01.toml.", show_default=False)
    ],
    size: Annotated[
        str | None,
        typer.Option("--size", "--shape", help='Box as in `run`; "256", "64x128x128", "20 um".'),
    ] = None,
    voxel_size: VoxelSize = None,
    periodic: Annotated[
        bool | None,
        typer.Option("--periodic/--open", help="Opposite faces match; by default as in the recipe."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Another seed gives another sample of the material.")
    ] = None,
    refine_to: Annotated[
        Path | None,
        typer.Option(
            help="Binary image, pores bright, such as a run's segmentation.tif: change wall voxels "
            "until its small patterns match those of the image, as in `run`. Only for whole boxes in memory."
        ),
    ] = None,
    keep_floating_solid: Annotated[
        bool,
        typer.Option(
            "--keep-floating-solid",
            help="With --refine-to: keep floating solid, as `run` does with --percolate pore or none.",
        ),
    ] = False,
    out: Annotated[
        Path, typer.Option(help="File to write: .tif or .vti; or .zarr, for boxes larger than memory.")
    ] = Path("structure.tif"),
    region: Annotated[
        str | None, typer.Option(help='Only this part of the box: "z0:z1,y0:y1,x0:x1" in voxels.')
    ] = None,
    level: Annotated[
        float | None, typer.Option(help="Level of the whole box, as printed before: saves the search for it.")
    ] = None,
    chunk: Annotated[int, typer.Option(help="Edge of a block of .zarr (voxels): one file each.")] = 128,
    workers: Workers = None,
    device: Annotated[
        str,
        typer.Option(help="cpu, or gpu: the same bytes from a graphics card. Only whole boxes in memory."),
    ] = "cpu",
    memory: Annotated[
        float | None, typer.Option(help="Memory of all workers together (GB); 3.5 by default.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(help='Use a Dask cluster with access to --out: "tcp://host:port", or "local".'),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the unfinished .zarr next to --out, if there is one.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Generate a structure from a recipe: more of the same material, in any size."""
    from porescape.core.domain import Domain
    from porescape.io.runs.settings import read_recipe
    from porescape.io.volumes.ome_zarr_store import find_level, generate_zarr, parse_region
    from porescape.io.volumes.volume import write_tiff, write_vti

    writers = {".tif": write_tiff, ".tiff": write_tiff, ".vti": write_vti}
    kind = out.suffix.lower()
    if kind not in (*writers, ".zarr"):
        raise SettingsError(f"--out {out} ends in {out.suffix!r}; wanted one of {', '.join(writers)}, .zarr")
    material, domain, own_seed = read_recipe(recipe)
    voxel = domain.voxel_size if voxel_size is None else parse_length(voxel_size)
    shape = domain.shape if size is None else parse_size(size, voxel)
    domain = Domain(shape, voxel, domain.periodic if periodic is None else periodic)
    own_seed = own_seed if seed is None else seed
    part = None if region is None else parse_region(region, shape)
    if refine_to is not None and (kind == ".zarr" or part is not None):
        raise SettingsError(
            "--refine-to needs the whole box in memory, because it compares all its sections; leave "
            "out --region and write a .tif or .vti, or leave out --refine-to"
        )
    if device != "cpu" and (kind == ".zarr" or part is not None):
        raise SettingsError(
            f"--device {device} generates whole boxes in memory; leave out --region and write a .tif or "
            ".vti, or leave out --device"
        )
    made = shape if part is None else part.shape
    words = f"{format_shape(made, 'x')} voxels of {format_length(voxel)}"
    if kind != ".zarr":
        _check_memory(math.prod(made), kind)
        if part is None:
            from porescape.synthesis.generate import generate as make

            volume = make(material, domain, own_seed, device)
            if refine_to is not None:
                volume = _refined(volume, refine_to, own_seed, domain.periodic, keep_floating_solid)
        else:
            from porescape.core.volume import Volume
            from porescape.synthesis.blockwise.plan import check_local
            from porescape.synthesis.generate import generate_region

            if level is None:
                with _workers(scheduler, workers) as pool, _show_progress() as progress:
                    level = find_level(
                        material, domain, own_seed, workers=pool, memory=_allowed(memory), progress=progress
                    )
            volume = Volume(generate_region(check_local(material), domain, own_seed, part, level), voxel)
            words += f", level of the whole box {level!r}"
        writers[kind](out, volume)
        say(f"{words}, porosity {volume.porosity:.4f}: {out}")
        return
    with _workers(scheduler, workers) as pool, _resume_hint(out), _show_progress() as progress:
        written = generate_zarr(
            material,
            domain,
            own_seed,
            out,
            region=part,
            level=level,
            chunk=chunk,
            workers=pool,
            memory=_allowed(memory),
            resume=resume,
            overwrite=overwrite,
            progress=progress,
        )
    say(f"{words}, level of the whole box {written.level!r}, porosity {written.porosity:.6f}: {out}")


def _refined(volume: "Volume", image: Path, seed: int, periodic: bool, keep_floating_solid: bool) -> "Volume":
    """Anneal the wall voxels as in `run`, to the sections of a binary image."""
    from porescape.core.settings import Output, Segmentation, Settings
    from porescape.fit.refine.annealing import refine
    from porescape.io.images.image import read_image
    from porescape.section.prepare import prepare

    micrograph = read_image(image)
    if not micrograph.is_binary:
        raise InputError(
            f"{image.name} is grey, but --refine-to needs two values, with bright pores, such as a run's "
            "segmentation.tif; `porescape segment` makes one"
        )
    settings = Settings(segmentation=Segmentation(pore="bright"), output=Output(voxel_size=volume.voxel_size))
    section = prepare(micrograph, settings, check=False).section
    return refine(
        volume, section, seed=seed, sweeps=SWEEPS, periodic=periodic, keep_floating_solid=keep_floating_solid
    )


def _check_memory(voxels: int, kind: str) -> None:
    """Refuse a box that clearly does not fit into memory."""
    from porescape.io.resources import available_memory
    from porescape.jobs.costs import in_bytes

    need, free = IN_MEMORY * voxels, available_memory()
    if free is not None and need > free:
        raise SettingsError(
            f"a {kind} is generated whole in memory, and this one needs about {in_bytes(need)}, but only "
            f"{in_bytes(free)} are available; write a .zarr, which is generated block by block, or a --region"
        )


def _allowed(memory: float | None) -> float:
    """Return the memory of all workers [bytes]."""
    from porescape.io.resources import available_memory
    from porescape.synthesis.blockwise.plan import MEMORY

    if memory is not None:
        return memory * 1e9
    free = available_memory()
    return MEMORY if free is None else min(MEMORY, 0.8 * free)


@contextmanager
def _workers(scheduler: str | None, workers: int | None) -> "Iterator[Pool]":
    from porescape.parallel import available_cores

    here = workers or available_cores()
    if scheduler is None:
        yield here
        return
    from porescape.dask_pool import dask_pool

    with dask_pool(scheduler, here) as pool:
        yield pool


@contextmanager
def _resume_hint(out: Path) -> Iterator[None]:
    """After Ctrl-C, report how to continue."""
    try:
        with terminated_like_interrupted():
            yield
    except (KeyboardInterrupt, Cancelled):
        raise Cancelled(
            f"stopped; finished blocks are saved in {out}.work. Continue with\n    {this_command()}"
        ) from None


@contextmanager
def _show_progress() -> "Iterator[Callable[[BlockProgress], None]]":
    """Show the progress of the stages as bars."""
    titles = {"level": "finding the level", "blocks": "generating blocks"}
    with ExitStack() as bars:
        advance: list[Callable[[str], None]] = []

        def show(event: "BlockProgress") -> None:
            if event.words:
                say(f"note: {event.words}")
            elif event.block is None:
                bars.close()
                advance[:] = [bars.enter_context(progress_bar(titles[event.stage], event.left))]
            else:
                advance[-1]("")

        yield show
    sys.stderr.flush()
