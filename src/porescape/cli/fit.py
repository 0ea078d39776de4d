"""`fit`: only the recipe."""

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
from porescape.core.settings import Checks, Output, Settings


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
    out: Annotated[Path, typer.Option(help="File to write the fitted recipe to.")] = Path("fitted.toml"),
) -> None:
    """Fit one recipe whose sections are similar to the image; `generate` makes structures from it."""
    from porescape.core.domain import Domain
    from porescape.core.results import best_of
    from porescape.fit.objective import objective_for
    from porescape.fit.plan import planned_trials
    from porescape.fit.search import LEAST_DIVIDED, search
    from porescape.io.atomic import whole_file
    from porescape.io.runs.settings import recipe_toml
    from porescape.jobs.choices import check_choices
    from porescape.memory import keep_memory
    from porescape.parallel import available_cores, pool_of
    from porescape.rng import structure_seed
    from porescape.section.prepare import prepare

    micrograph = reading.read(image)
    wanted = Settings(
        segmentation=segmentation.settings(),
        checks=Checks(accept=names_in(accept)),
        fit=fitting.settings(),
        output=Output(voxel_size=length_or_none(voxel_size)),
    )
    check_choices(wanted)
    prepared = prepare(micrograph, wanted)
    for one in prepared.checks:
        if one.status != "ok":
            say(f"note: {one.sentence}")
    section, settings = prepared.section, wanted.fit
    own_seed = structure_seed(seed, 0)
    keep_memory()
    objective = objective_for(section, settings, own_seed)
    done = []
    processes = 1 if settings.trials < LEAST_DIVIDED else workers or available_cores()
    with pool_of(processes) as pool, progress_bar("fitting", planned_trials(settings)) as advance:
        for trial in search(objective, settings, seed, parallel_map=pool.map):
            done.append(trial)
            advance(f"best {best_of(done).loss:.4f}")
    best = best_of(done)
    domain = Domain((settings.size,) * 3, section.pixel_size)
    with whole_file(out) as temporary:
        temporary.write_text(recipe_toml(best.recipe, domain, own_seed), encoding="utf-8")
    say(f"loss {best.loss:.4f} after {len(done)} trials; recipe in {out}")
