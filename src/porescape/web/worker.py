"""One job in a separate process: read, reconstruct, write; its state is saved if it has to stop.

`python -m porescape.web.worker JOB` is started by the server (`porescape.web.queue`). It ends with a
line of JSON on stdout, also written to outcome.json: a state and a message.
"""

import json
import logging
import shutil
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from porescape.core.domain import Domain
from porescape.core.image import PhaseImage
from porescape.core.recipe import AnyRecipe
from porescape.core.results import Progress
from porescape.errors import Cancelled, OutputError, PorescapeError
from porescape.io.atomic import whole_file
from porescape.io.runs.checkpoint import open_checkpoint
from porescape.jobs.reconstruct import reconstruct
from porescape.rng import structure_seed
from porescape.section.prepare import prepare
from porescape.synthesis.generate import generate
from porescape.web import process
from porescape.web.estimate import workers_for
from porescape.web.form import Form, form_from
from porescape.web.jobs import Job, State, read_job
from porescape.web.lock import exclusive_lock
from porescape.web.preview import phase_png
from porescape.web.progress import ProgressFile, Tracker
from porescape.web.reading import read_upload
from porescape.web.reserve import write_reserved

PICTURE_INTERVAL = 1.5  # seconds; drawing the best slice must not slow down the search
LOCK_TIMEOUT = 20.0  # seconds for the worker of an earlier server to end
OUT_OF_MEMORY = (
    "this computer does not have enough memory for the job; choose a smaller box, fewer workers or "
    "fewer replicas, and start again"
)


def work(folder: Path, stop: threading.Event) -> None:
    """Run the job of a folder; after `stop` is set, it ends at the next event.

    Raises
    ------
    PorescapeError
        The job cannot be done, or was stopped (`Cancelled`).
    """
    job = read_job(folder)
    form = form_from(job.form)
    for old in (folder / "outcome.json", folder / "progress.json"):
        old.unlink(missing_ok=True)
    for partial in folder.glob(".run.*.partial"):
        shutil.rmtree(partial, ignore_errors=True)
    workers = workers_for(form)
    tracker = Tracker(form.settings, workers)
    progress_file = ProgressFile(tracker, folder)
    progress_file.write(now=True)
    upload = folder / job.upload
    image = read_upload(upload, job.name, form.given_pixel_size(), form.rectangle(), form.page)
    prepared = prepare(image, form.settings)
    best_slice = _BestSlice(folder, prepared.section, form, tracker)

    def on_progress(event: Progress) -> None:
        if stop.is_set():
            raise Cancelled("cancelled")
        recipe = tracker.update(event)
        if recipe is not None:
            best_slice.queue(recipe, event.replica)
        best_slice.draw()
        progress_file.write()

    checkpoint = open_checkpoint(folder / "checkpoint", image, form.settings, form.seed)
    result = reconstruct(
        prepared, form.settings, form.seed, workers=workers, progress=on_progress, checkpoint=checkpoint
    )
    best_slice.draw_final(result.selected.volume.pore)
    tracker.stage = "writing the report"
    progress_file.write(now=True)
    if (folder / "run").exists():
        shutil.rmtree(folder / "run")
    from porescape.io.runs.run_folder import write_run  # loads what draws: not before there is a result

    write_run(folder / "run", result, upload)
    checkpoint.remove()


class _BestSlice:
    """Pictures of the middle slice of the best structure so far, and of the section at the same scale."""

    def __init__(self, folder: Path, section: PhaseImage, form: Form, tracker: Tracker) -> None:
        self._folder = folder
        self._seed = form.seed
        self._tracker = tracker
        self._edge = form.settings.tried.size
        self._voxel = section.pixel_size
        self._next: tuple[AnyRecipe, int] | None = None
        self._last = 0.0
        self._section = section.pore
        self._save("real.png", phase_png(_middle(section.pore, (self._edge, self._edge))))

    def queue(self, recipe: AnyRecipe, replica: int) -> None:
        """Set the best recipe so far, to be drawn with the next picture."""
        self._next = recipe, replica

    def draw(self) -> None:
        """Draw the queued recipe, if the last picture is old enough."""
        if self._next is None or time.monotonic() - self._last < PICTURE_INTERVAL:
            return
        recipe, replica = self._next
        self._next = None
        cube = Domain((self._edge,) * 3, self._voxel)
        volume = generate(recipe, cube, structure_seed(self._seed, replica))
        if self._save("best.png", phase_png(volume.pore[self._edge // 2])):
            self._tracker.pictures += 1
        self._last = time.monotonic()

    def draw_final(self, pore: NDArray[np.bool_]) -> None:
        """Draw the middle slice of the selected structure, and an equally large part of the section."""
        best = pore[len(pore) // 2]
        shape = tuple(min(sides) for sides in zip(best.shape, self._section.shape, strict=True))
        self._save("real.png", phase_png(_middle(self._section, shape)))
        if self._save("best.png", phase_png(_middle(best, shape))):
            self._tracker.pictures += 1

    def _save(self, name: str, png: bytes) -> bool:
        with suppress(OSError, OutputError), whole_file(self._folder / name) as temporary:
            temporary.write_bytes(png)
            return True
        return False


def _middle(plane: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the middle of a section, no larger than `shape`."""
    starts = [max(n - wanted, 0) // 2 for n, wanted in zip(plane.shape, shape, strict=True)]
    return plane[tuple(slice(start, start + wanted) for start, wanted in zip(starts, shape, strict=True))]


def main() -> None:
    """Run one job and report how it ended; the exit code is that of the command line."""
    out = process.private_stdout()
    folder = Path(sys.argv[1])
    stop = threading.Event()
    process.watch_server(stop.set)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    process.limit_memory()
    code = 0
    try:
        busy = "another worker is still running this job; wait a minute and continue it again"
        with exclusive_lock(folder / ".lock", busy, LOCK_TIMEOUT):
            work(folder, stop)
        _write_outcome(out, folder, "done", "")
    except Cancelled as error:
        code = error.exit_code
        _write_outcome(out, folder, "cancelled", "cancelled; the job can be continued from its saved state")
    except MemoryError:
        code = 1
        _write_outcome(out, folder, "failed", OUT_OF_MEMORY)
    except PorescapeError as error:
        code = error.exit_code
        _write_outcome(out, folder, "failed", _without_paths(str(error), folder))
    except Exception as error:
        logging.getLogger(__name__).exception("the job failed")
        code = 1
        _write_outcome(
            out, folder, "failed", f"an unexpected error occurred ({type(error).__name__}: {error})"
        )
    sys.exit(code)


def _without_paths(words: str, folder: Path) -> str:
    """Remove the path of the job and the name of the stored file from a message."""
    with suppress(PorescapeError):
        job: Job = read_job(folder)
        words = words.replace(job.upload, job.name)
    return words.replace(f"{folder}/", "").replace(f"{folder}\\", "")


def _write_outcome(out: IO[bytes], folder: Path, state: State, message: str) -> None:
    """Write the outcome to the server, and to the folder in case the server has ended."""
    words = json.dumps({"state": state, "message": message}).encode()
    with suppress(OutputError):
        write_reserved(folder / "outcome.json", words)
    with suppress(OSError):
        out.write(words + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
