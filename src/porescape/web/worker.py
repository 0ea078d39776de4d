"""One job in a process of its own: read, reconstruct, write; finished work is saved if it has to stop.

`python -m porescape.web.worker JOB` is started by the server (`porescape.web.queue`). At its end it
writes a line of JSON to stdout and to outcome.json: a state and a message.
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
from porescape.io.runs.run_folder import write_run
from porescape.jobs.reconstruct import reconstruct
from porescape.rng import structure_seed
from porescape.section.prepare import prepare
from porescape.synthesis.generate import generate
from porescape.web import process
from porescape.web.estimate import workers_for
from porescape.web.form import Form, form_from
from porescape.web.jobs import Job, State, read_job
from porescape.web.lock import only_one
from porescape.web.preview import phase_png
from porescape.web.progress import ProgressFile, Tracker
from porescape.web.reading import read_for
from porescape.web.reserve import write_with_reserve

BETWEEN_PICTURES = 1.5  # seconds; drawing the best slice must not slow down the search
WAIT_FOR_ANOTHER = 20.0  # seconds until the worker of a server that died has ended
NO_MEMORY = (
    "this computer has not enough memory; choose a smaller box, fewer workers or fewer replicas, "
    "and start again"
)


def work(folder: Path, stop: threading.Event) -> None:
    """Do the job of a folder; after `stop` is set it ends at the next event.

    Raises
    ------
    PorescapeError
        The job cannot be done, or was stopped (`Cancelled`).
    """
    job = read_job(folder)
    form = form_from(job.form)
    for left in (folder / "outcome.json", folder / "progress.json"):
        left.unlink(missing_ok=True)
    for half in folder.glob(".run.*.partial"):
        shutil.rmtree(half, ignore_errors=True)
    workers = workers_for(form)
    tracker = Tracker(form.settings, workers)
    progress_file = ProgressFile(tracker, folder)
    progress_file.write(now=True)
    upload = folder / job.upload
    image = read_for(upload, job.name, form.given_pixel_size(), form.rectangle(), form.page)
    prepared = prepare(image, form.settings)
    slice_pictures = _SlicePictures(folder, prepared.section, form, tracker)

    def on_progress(event: Progress) -> None:
        if stop.is_set():
            raise Cancelled("cancelled")
        recipe = tracker.update(event)
        if recipe is not None:
            slice_pictures.set_recipe(recipe, event.replica)
        slice_pictures.draw_if_due()
        progress_file.write()

    checkpoint = open_checkpoint(folder / "checkpoint", image, form.settings, form.seed)
    result = reconstruct(
        prepared, form.settings, form.seed, workers=workers, progress=on_progress, checkpoint=checkpoint
    )
    slice_pictures.draw_selected(result.selected.volume.pore)
    tracker.stage = "writing the report"
    progress_file.write(now=True)
    if (folder / "run").exists():
        shutil.rmtree(folder / "run")
    write_run(folder / "run", result, upload)
    checkpoint.remove()


class _SlicePictures:
    """Draws the middle slice of the best structure so far, and the section of the image at the same scale."""

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

    def set_recipe(self, recipe: AnyRecipe, replica: int) -> None:
        """Set the best recipe so far, to be drawn when a new picture is due."""
        self._next = recipe, replica

    def draw_if_due(self) -> None:
        """Draw the recipe that was set, if the last picture is old enough."""
        if self._next is None or time.monotonic() - self._last < BETWEEN_PICTURES:
            return
        recipe, replica = self._next
        self._next = None
        cube = Domain((self._edge,) * 3, self._voxel)
        volume = generate(recipe, cube, structure_seed(self._seed, replica))
        if self._save("best.png", phase_png(volume.pore[self._edge // 2])):
            self._tracker.pictures += 1
        self._last = time.monotonic()

    def draw_selected(self, pore: NDArray[np.bool_]) -> None:
        """Draw the middle of the selected structure, and an equally large part of the image's section."""
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
    """Do one job and report its outcome; the exit code is that of the command line."""
    out = process.private_stdout()
    folder = Path(sys.argv[1])
    stop = threading.Event()
    process.follow_the_server(stop.set)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    process.limit_memory()
    code = 0
    try:
        busy = "another worker is still busy with this job; wait a minute and continue it again"
        with only_one(folder / ".lock", busy, WAIT_FOR_ANOTHER):
            work(folder, stop)
        _report_outcome(out, folder, "done", "")
    except Cancelled as error:
        code = error.exit_code
        _report_outcome(out, folder, "cancelled", "cancelled; it can be continued")
    except MemoryError:
        code = 1
        _report_outcome(out, folder, "failed", NO_MEMORY)
    except PorescapeError as error:
        code = error.exit_code
        _report_outcome(out, folder, "failed", _in_job_words(str(error), folder))
    except Exception as error:
        logging.getLogger(__name__).exception("the job failed")
        code = 1
        words = f"something unexpected went wrong ({type(error).__name__}: {error})"
        _report_outcome(out, folder, "failed", words)
    sys.exit(code)


def _in_job_words(words: str, folder: Path) -> str:
    """Replace the server's path and file name in a message."""
    with suppress(PorescapeError):
        job: Job = read_job(folder)
        words = words.replace(job.upload, job.name)
    return words.replace(f"{folder}/", "").replace(f"{folder}\\", "")


def _report_outcome(out: IO[bytes], folder: Path, state: State, message: str) -> None:
    """Report the outcome to the server, and to the folder in case the server has ended."""
    words = json.dumps({"state": state, "message": message}).encode()
    with suppress(OutputError):
        write_with_reserve(folder / "outcome.json", words)
    with suppress(OSError):
        out.write(words + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
