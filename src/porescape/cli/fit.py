"""`fit`: the recipe alone."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.options import (
    AcceptOption,
    FitOptions,
    ImageFile,
    ReadingOptions,
    Seed,
    SegmentationOptions,
    VoxelSize,
    Workers,
    length_or_none,
    names_in,
)
from porescape.cli.say import progress_bar, say
from porescape.core.settings import Output


@command
def fit(
    image: ImageFile,
    reading: ReadingOptions,
    segmentation: SegmentationOptions,
    fitting: FitOptions,
    voxel_size: VoxelSize = None,
    accept: AcceptOption = "",
    seed: Seed = 0,
    workers: Workers = None,
    out: Annotated[Path, typer.Option(help="File to write the fitted recipe to.")] = Path("material.toml"),
) -> None:
    """Find one recipe whose sections look like the image; `generate` makes structures of it."""
    from porescape.core.domain import Domain
    from porescape.fit.objective import objective_for
    from porescape.fit.search import LEAST_DIVIDED, best_of, search
    from porescape.io.atomic import whole_file
    from porescape.io.runs.settings import material_toml
    from porescape.jobs.reconstruct import at_voxel_size, choose_voxel_size
    from porescape.memory import keep_memory
    from porescape.parallel import available_cores, pool_of
    from porescape.rng import structure_seed
    from porescape.section.checks import check_image, raise_on_failures
    from porescape.section.segment import segment as split

    micrograph = reading.read(image)
    phase = split(micrograph, segmentation.settings())
    checks = check_image(phase)
    raise_on_failures(checks, names_in(accept))
    for one in checks:
        if one.status != "ok":
            say(f"note: {one.sentence}")
    wanted = Output(voxel_size=length_or_none(voxel_size))
    section = at_voxel_size(phase, choose_voxel_size(phase, wanted))
    settings = fitting.settings()
    own_seed = structure_seed(seed, 0)
    keep_memory()
    objective = objective_for(section, settings, own_seed)
    done = []
    hands = 1 if settings.trials < LEAST_DIVIDED else workers or available_cores()
    with pool_of(hands) as pool, progress_bar("fitting", settings.planned) as advance:
        for trial in search(objective, settings, seed, parallel_map=pool.map):
            done.append(trial)
            advance(f"best {best_of(done).loss:.4f}")
    best = best_of(done)
    domain = Domain((settings.size,) * 3, section.pixel_size)
    with whole_file(out) as temporary:
        temporary.write_text(material_toml(best.recipe, domain, own_seed), encoding="utf-8")
    say(f"loss {best.loss:.4f} after {len(done)} trials; recipe in {out}")
