"""The server: its routes, their answers, and errors as messages with a status.

Everything slow runs in threads or other processes; the event loop only transfers bytes.
"""

import asyncio
import json
import logging
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from porescape.errors import InputError, OutputError, PorescapeError, SettingsError
from porescape.io.atomic import whole_file
from porescape.io.runs.taught import taught_toml
from porescape.sample import sample_path
from porescape.web.answers import defaults, job_answer, job_row
from porescape.web.archive import zip_stream
from porescape.web.estimate import requirements_of
from porescape.web.form import Form, form_from, form_table, plain_name, read_json, stem_of
from porescape.web.guard import REPORT_POLICY, Guard
from porescape.web.jobs import Job, Jobs, NoSuchJob, WrongState, copy_upload
from porescape.web.limits import Limits
from porescape.web.lock import exclusive_lock
from porescape.web.preview_process import PreviewProcess
from porescape.web.queue import Queue
from porescape.web.strokes import strokes_from, strokes_table
from porescape.web.uploads import TooLarge, TooSlow, WrongKind, check_disk, receive

LARGEST_FORM = 64 * 1024  # bytes
LARGEST_STROKES = 2 * 1024 * 1024  # bytes, with their form
STROKES = "strokes.json"
BY_NETWORK = ("plane", "taught")  # methods whose first preview of an image takes seconds
_STATUS: dict[type[PorescapeError], HTTPStatus] = {  # the first that fits
    NoSuchJob: HTTPStatus.NOT_FOUND,
    WrongState: HTTPStatus.CONFLICT,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    WrongKind: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    InputError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SettingsError: HTTPStatus.UNPROCESSABLE_ENTITY,
    OutputError: HTTPStatus.INSUFFICIENT_STORAGE,
}
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
log = logging.getLogger(__name__)
Answer = Callable[[Request], Awaitable[Response]]


def make_app(
    folder: Path,
    *,
    token: str | None = None,
    cookie: str = "porescape",
    limits: Limits | None = None,
) -> Guard:
    """Return the page as an ASGI application.

    Parameters
    ----------
    folder : Path
        Folder of the jobs; created if necessary.
    token : str, optional
        Required for access; None: only this computer has access.
    cookie : str
        Name of the cookie that stores the token in the browser.
    limits : Limits, optional

    Raises
    ------
    OutputError
        The folder cannot be used, or another server uses it (when the application starts).
    """
    return Guard(Page(folder, limits or Limits()).app, token, cookie)


class Page:
    """The routes of the page and their shared state."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._limits = limits
        self._folder = folder.absolute()
        self._incoming = self._folder / ".incoming"
        self._static = {
            path.name: path.read_bytes() for path in (files("porescape.web") / "static").iterdir()
        }
        self._preview_process = PreviewProcess(limits.preview)
        self._network_process = PreviewProcess(
            limits.preview
        )  # what takes seconds; previews do not wait for it
        self._upload_slots = asyncio.Semaphore(limits.uploads)
        self._jobs: Jobs
        self._queue: Queue
        one = "/api/jobs/{key}"
        self.app = Starlette(
            lifespan=self._open,
            routes=[
                Route("/", self._index),
                Route("/favicon.ico", self._icon),  # requested by browsers for a report, which has no icon
                Route("/static/{name}", self._file),
                Route("/api/start", _answering(self._start_page)),
                Route("/api/jobs", _answering(self._list)),
                Route("/api/jobs", _answering(self._upload), methods=["POST"]),
                Route("/api/sample", _answering(self._sample), methods=["POST"]),
                Route(one, _answering(self._job)),
                Route(one, _answering(self._delete), methods=["DELETE"]),
                Route(f"{one}/look", _answering(self._preview), methods=["POST"]),
                Route(f"{one}/check", _answering(self._check), methods=["POST"]),
                Route(f"{one}/teach", _answering(self._teach), methods=["POST"]),
                Route(f"{one}/strokes", _answering(self._strokes)),
                Route(f"{one}/labels.png", _answering(self._labels)),
                Route(f"{one}/taught.toml", _answering(self._taught)),
                Route(f"{one}/start", _answering(self._start), methods=["POST"]),
                Route(f"{one}/cancel", _answering(self._cancel), methods=["POST"]),
                Route(f"{one}/go-on", _answering(self._resume), methods=["POST"]),
                Route(f"{one}/again", _answering(self._copy), methods=["POST"]),
                Route(f"{one}/image.png", _answering(self._image)),
                Route(f"{one}/real.png", _answering(partial(self._slice, name="real.png"))),
                Route(f"{one}/best.png", _answering(partial(self._slice, name="best.png"))),
                Route("/jobs/{key}/report", _answering(self._report)),
                Route("/jobs/{key}/download.zip", _answering(self._download)),
            ],
        )

    @asynccontextmanager
    async def _open(self, app: Starlette) -> AsyncIterator[None]:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{self._folder} cannot be used for jobs ({error.strerror or error}); choose another --folder"
            ) from error
        busy = f"another page uses {self._folder} already; open that one, or choose another --folder"
        with exclusive_lock(self._folder / ".lock", busy, timeout=2.0):
            shutil.rmtree(self._incoming, ignore_errors=True)  # incomplete uploads of an earlier server
            self._incoming.mkdir()
            self._jobs = Jobs(self._folder)
            self._queue = Queue(self._jobs, self._limits)
            self._queue.open()
            # import numpy now, not with the first image
            warming = asyncio.create_task(run_in_threadpool(self._preview_process.ask, "ping"))
            try:
                yield
            finally:
                await asyncio.wait([warming])
                await run_in_threadpool(self._queue.close)
                self._preview_process.close()
                self._network_process.close()

    # -- the page itself

    async def _index(self, request: Request) -> Response:
        return self._packaged("index.html", request)

    async def _file(self, request: Request) -> Response:
        return self._packaged(request.path_params["name"], request)

    async def _icon(self, request: Request) -> Response:
        return self._packaged("icon.svg", request)

    def _packaged(self, name: str, request: Request) -> Response:
        if name not in self._static:
            return JSONResponse({"error": "there is no such file"}, HTTPStatus.NOT_FOUND)
        kind = _TYPES.get(Path(name).suffix, "application/octet-stream")
        return Response(self._static[name], media_type=kind, headers={"Cache-Control": "no-cache"})

    async def _start_page(self, request: Request) -> Any:
        return defaults(self._limits)

    # -- jobs

    async def _list(self, request: Request) -> Any:
        waiting = [job.id for job in self._jobs.waiting()]
        return {"jobs": [job_row(job, waiting) for job in self._jobs.all()]}

    async def _job(self, request: Request) -> Any:
        job = self._job_of(request)
        waiting = [one.id for one in self._jobs.waiting()]
        return await run_in_threadpool(job_answer, job, self._jobs.path(job), waiting)

    async def _upload(self, request: Request) -> Any:
        name = plain_name(unquote(request.headers.get("x-file-name", "image")))
        length = request.headers.get("content-length", "")
        announced = int(length) if length.isdecimal() else None
        self._check_room()
        to = self._incoming / uuid.uuid4().hex
        async with self._upload_slots:  # other uploads wait, without being received
            await receive(request.stream(), announced, to, self._limits)
            try:
                return await run_in_threadpool(self._add_draft, to, name)
            finally:
                to.unlink(missing_ok=True)

    async def _sample(self, request: Request) -> Any:
        self._check_room()
        to = self._incoming / uuid.uuid4().hex
        try:
            await run_in_threadpool(shutil.copyfile, sample_path(), to)
            return await run_in_threadpool(self._add_draft, to, "sample.tif")
        except OSError as error:
            raise OutputError(f"the sample could not be copied: {error.strerror or error}") from error
        finally:
            to.unlink(missing_ok=True)

    def _add_draft(self, upload: Path, name: str) -> dict[str, Any]:
        """Create a draft from a received file, if it is a readable image."""
        known = self._ask(upload.name, name, "inspect", str(upload), asdict(self._limits))
        suffix = known.pop("suffix")
        self._check_room()
        form = Form(page=1 if known["pages"] > 1 else None)
        return {"id": self._jobs.add(upload, suffix, name, known, form_table(form)).id}

    async def _copy(self, request: Request) -> Any:
        job = self._job_of(request)
        self._check_room()
        to = self._incoming / uuid.uuid4().hex
        await run_in_threadpool(copy_upload, self._jobs, job, to)
        suffix = job.upload.rpartition(".")[2]
        new = await run_in_threadpool(self._jobs.add, to, suffix, job.name, job.image, job.form)
        if strokes := await run_in_threadpool(self._drawn, job):
            await run_in_threadpool(self._keep, new, strokes)
        return {"id": new.id}

    async def _delete(self, request: Request) -> Any:
        await run_in_threadpool(self._jobs.remove, request.path_params["key"])
        return {}

    def _check_room(self) -> None:
        if sum(job.state == "draft" for job in self._jobs.all()) >= self._limits.drafts:
            raise OutputError(
                f"there are {self._limits.drafts} images that were never started; delete some of them first"
            )
        check_disk(self._folder, 0, self._limits)

    # -- a draft

    async def _preview(self, request: Request) -> Any:
        job, form = self._job_of(request), form_from(await _json_sent(request))
        path = self._jobs.path(job) / job.upload
        ask = partial(self._ask, process=self._process_for(form))
        found = await run_in_threadpool(
            ask, job.upload, job.name, "describe", str(path), job.name, form_table(form)
        )
        with suppress(WrongState):  # a draft stores its last form
            await run_in_threadpool(self._jobs.change, job.id, ("draft",), "", form=form_table(form))
        return found | {"needs": await run_in_threadpool(requirements_of, self._folder, form)}

    async def _check(self, request: Request) -> Any:
        job, form = self._job_of(request), form_from(await _json_sent(request))
        path = self._jobs.path(job) / job.upload
        ask = partial(self._ask, process=self._network_process)
        return await run_in_threadpool(ask, job.upload, job.name, "check", str(path), form_table(form))

    async def _teach(self, request: Request) -> Any:
        job, sent = self._job_of(request), await _json_sent(request, LARGEST_STROKES)
        if not isinstance(sent, dict) or set(sent) != {"form", "strokes"}:
            raise SettingsError("teaching needs a form and strokes")
        form, strokes = form_from(sent["form"]), strokes_table(strokes_from(sent["strokes"]))
        if job.state != "draft":
            raise WrongState(f"this job is {job.state}: it can be taught no more")
        await run_in_threadpool(self._keep, job, strokes)  # before they are used: a stroke is never lost
        path = self._jobs.path(job) / job.upload
        ask = partial(self._ask, process=self._network_process)
        return await run_in_threadpool(
            ask, job.upload, job.name, "teach", str(path), form_table(form), strokes
        )

    async def _strokes(self, request: Request) -> Any:
        return {"strokes": await run_in_threadpool(self._drawn, self._job_of(request))}

    async def _labels(self, request: Request) -> Response:
        job = self._job_of(request)
        strokes = await run_in_threadpool(self._drawn, job)
        path = self._jobs.path(job) / job.upload
        page = job.form.get("page")
        answer = await run_in_threadpool(self._ask, job.upload, job.name, "labels", str(path), page, strokes)
        return _png(answer["png"])

    async def _taught(self, request: Request) -> Response:
        taught = form_from(self._job_of(request).form).settings.segmentation.taught
        if taught is None:
            raise NoSuchJob("this image was not taught")
        return Response(taught_toml(taught), media_type="application/toml")

    def _drawn(self, job: Job) -> list[dict[str, Any]]:
        """Return the strokes drawn on the image of a job."""
        try:
            return strokes_table(strokes_from(json.loads((self._jobs.path(job) / STROKES).read_bytes())))
        except (OSError, ValueError, SettingsError):
            return []

    def _keep(self, job: Job, strokes: list[dict[str, Any]]) -> None:
        with whole_file(self._jobs.path(job) / STROKES) as temporary:
            temporary.write_text(json.dumps(strokes), encoding="utf-8")

    async def _start(self, request: Request) -> Any:
        job, form = self._job_of(request), form_from(await _json_sent(request))
        path = self._jobs.path(job) / job.upload
        table = form_table(form)
        ask = partial(self._ask, process=self._process_for(form))
        found = await run_in_threadpool(ask, job.upload, job.name, "describe", str(path), job.name, table)
        room = await run_in_threadpool(requirements_of, self._folder, form)
        for problem in (found["missing"], found["problem"], room["problem"]):
            if problem:
                raise InputError(problem)
        await run_in_threadpool(self._queue.submit, job.id, table)
        return {}

    async def _image(self, request: Request) -> Response:
        job = self._job_of(request)
        page = request.query_params.get("page", "")
        which = int(page) if page.isdecimal() and len(page) < 6 else None
        path = self._jobs.path(job) / job.upload
        answer = await run_in_threadpool(self._ask, job.upload, job.name, "picture", str(path), which)
        return _png(answer["png"])

    def _process_for(self, form: Form) -> PreviewProcess:
        """Return the process that has what the network saw of an image, if the form needs it."""
        by_network = form.settings.segmentation.method in BY_NETWORK
        return self._network_process if by_network else self._preview_process

    def _ask(
        self, stored: str, name: str, what: str, *arguments: Any, process: PreviewProcess | None = None
    ) -> dict[str, Any]:
        """Send a request to a preview process; messages contain the original file name."""
        try:
            return (process or self._preview_process).ask(what, *arguments)
        except PorescapeError as error:
            raise type(error)(str(error).replace(stored, name)) from error

    # -- a waiting or running job

    async def _cancel(self, request: Request) -> Any:
        await run_in_threadpool(self._queue.cancel, self._job_of(request).id)
        return {}

    async def _resume(self, request: Request) -> Any:
        await run_in_threadpool(self._queue.resume, self._job_of(request).id)
        return {}

    async def _slice(self, request: Request, name: str) -> Response:
        path = self._jobs.path(self._job_of(request)) / name
        try:
            return Response(await run_in_threadpool(path.read_bytes), media_type="image/png")
        except OSError:
            raise NoSuchJob("this picture does not exist yet") from None

    # -- results

    async def _report(self, request: Request) -> Response:
        path = self._jobs.path(self._finished_job(request)) / "run" / "report.html"
        try:
            page = await run_in_threadpool(path.read_bytes)
        except OSError:
            raise NoSuchJob("the report is missing; delete the job, or start it again") from None
        headers = {"Content-Security-Policy": REPORT_POLICY}
        return Response(page, media_type="text/html; charset=utf-8", headers=headers)

    async def _download(self, request: Request) -> Response:
        job = self._finished_job(request)
        stem = f"{stem_of(job.name)}-porescape"
        plain = stem.encode("ascii", "replace").decode().replace("?", "_")
        headers = {
            "Content-Disposition": f"attachment; filename=\"{plain}.zip\"; filename*=UTF-8''{quote(stem)}.zip"
        }
        pieces = zip_stream(self._jobs.path(job) / "run", stem)
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)

    # -- shared

    def _job_of(self, request: Request) -> Job:
        return self._jobs.get(request.path_params["key"])

    def _finished_job(self, request: Request) -> Job:
        job = self._job_of(request)
        if job.state != "done":
            raise WrongState(f"this job is {job.state}: there are no results to download yet")
        return job


async def _json_sent(request: Request, longest: int = LARGEST_FORM) -> Any:
    """Return the JSON body of a request, if it is not too long."""
    data = b""
    async for piece in request.stream():
        data += piece
        if len(data) > longest:
            raise SettingsError(f"a form must be shorter than {longest} bytes")
    return read_json(data)


def _png(text: str) -> Response:
    import base64

    return Response(base64.b64decode(text), media_type="image/png")


def _answering(answer: Callable[..., Awaitable[Any]]) -> Answer:
    """Make a route handler of a function: tables become JSON, errors messages with a status."""

    async def answered(request: Request) -> Response:
        try:
            found = await answer(request)
        except PorescapeError as error:
            kinds = (status for kind, status in _STATUS.items() if isinstance(error, kind))
            return JSONResponse({"error": str(error)}, next(kinds, HTTPStatus.INTERNAL_SERVER_ERROR))
        except ClientDisconnect:
            return Response(status_code=HTTPStatus.BAD_REQUEST)  # the client has gone
        except Exception as error:
            log.exception("%s %s", request.method, request.url.path)
            words = f"an unexpected error occurred ({type(error).__name__}: {error})"
            return JSONResponse({"error": words}, HTTPStatus.INTERNAL_SERVER_ERROR)
        return found if isinstance(found, Response) else JSONResponse(found)

    return answered
