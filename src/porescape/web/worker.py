"""One job in a process of its own: read, reconstruct, write; what was done is kept if it has to stop.

`python -m porescape.web.worker JOB` is started by the server (`porescape.web.queue`). It ends with a
line of JSON to stdout and the same in outcome.json: a state and a sentence.
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
from porescape.web.lock import only_one
from porescape.web.preview import phase_png
from porescape.web.progress import ProgressFile, Tracker
from porescape.web.reading import read_for
from porescape.web.reserve import write_surely

BETWEEN_PICTURES = 1.5  # seconds; drawing the best slice must not slow the search down
WAIT_FOR_ANOTHER = 20.0  # seconds for a worker of a server that died to be gone
NO_MEMORY = (
    "the memory of this computer was not enough; choose a smaller box, fewer workers or fewer replicas, "
    "and start again"
)


def work(folder: Path, stop: threading.Event) -> None:
    """Do the job of a folder; `stop` makes it end at the next chance.

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
    progress_file.tell(now=True)
    upload = folder / job.upload
    image = read_for(upload, job.name, form.given_pixel_size(), form.rectangle(), form.page)
    prepared = prepare(image, form.settings)
    painter = _Painter(folder, prepared.section, form, tracker)

    def heard(event: Progress) -> None:
        if stop.is_set():
            raise Cancelled("cancelled")
        recipe = tracker.hear(event)
        if recipe is not None:
            painter.remember(recipe, event.replica)
        painter.paint()
        progress_file.tell()

    checkpoint = open_checkpoint(folder / "checkpoint", image, form.settings, form.seed)
    result = reconstruct(
        prepared, form.settings, form.seed, workers=workers, progress=heard, checkpoint=checkpoint
    )
    painter.show(result.selected.volume.pore)
    tracker.stage = "writing the report"
    progress_file.tell(now=True)
    if (folder / "run").exists():
        shutil.rmtree(folder / "run")
    from porescape.io.runs.run_folder import write_run  # loads what draws: not before there is a result

    write_run(folder / "run", result, upload)
    checkpoint.remove()


class _Painter:
    """Draw the middle slice of the best structure so far, beside the real section at the same scale."""

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

    def remember(self, recipe: AnyRecipe, replica: int) -> None:
        """Take the best recipe so far, to be painted at the next chance."""
        self._next = recipe, replica

    def paint(self) -> None:
        """Paint what was remembered, if the last picture is old enough."""
        if self._next is None or time.monotonic() - self._last < BETWEEN_PICTURES:
            return
        recipe, replica = self._next
        self._next = None
        cube = Domain((self._edge,) * 3, self._voxel)
        volume = generate(recipe, cube, structure_seed(self._seed, replica))
        if self._save("best.png", phase_png(volume.pore[self._edge // 2])):
            self._tracker.pictures += 1
        self._last = time.monotonic()

    def show(self, pore: NDArray[np.bool_]) -> None:
        """Paint the middle of the structure that was chosen in the end, and as much of the real section."""
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
    """Do one job and say how it ended; the exit code is that of the command line."""
    out = process.private_stdout()
    folder = Path(sys.argv[1])
    stop = threading.Event()
    process.heed_the_server(stop.set)
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    process.limit_memory()
    code = 0
    try:
        busy = "another worker is still busy with this job; wait a minute and go on again"
        with only_one(folder / ".lock", busy, WAIT_FOR_ANOTHER):
            work(folder, stop)
        _say(out, folder, "done", "")
    except Cancelled as error:
        code = error.exit_code
        _say(out, folder, "cancelled", "cancelled; it can go on from where it was")
    except MemoryError:
        code = 1
        _say(out, folder, "failed", NO_MEMORY)
    except PorescapeError as error:
        code = error.exit_code
        _say(out, folder, "failed", _in_job_words(str(error), folder))
    except Exception as error:
        logging.getLogger(__name__).exception("the job failed")
        code = 1
        _say(out, folder, "failed", f"something unexpected went wrong ({type(error).__name__}: {error})")
    sys.exit(code)


def _in_job_words(words: str, folder: Path) -> str:
    """Leave our own path and file name out of a message."""
    with suppress(PorescapeError):
        job: Job = read_job(folder)
        words = words.replace(job.upload, job.name)
    return words.replace(f"{folder}/", "").replace(f"{folder}\\", "")


def _say(out: IO[bytes], folder: Path, state: State, message: str) -> None:
    """Tell the server, and the folder for the case that there is no server any more."""
    words = json.dumps({"state": state, "message": message}).encode()
    with suppress(OutputError):
        write_surely(folder / "outcome.json", words)
    with suppress(OSError):
        out.write(words + b"\n")
        out.flush()


if __name__ == "__main__":
    main()
