"""Print a page to PDF with an installed Chromium, Chrome, Edge or Brave."""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from porescape.errors import InputError, MissingExtra, OutputError
from porescape.io.atomic import whole_file

NAMES = (  # of the programs on the search path
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
    "microsoft-edge-stable",
    "msedge",
    "brave-browser",
)
MAC = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Chromium.app/Contents/MacOS/Chromium",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "Brave Browser.app/Contents/MacOS/Brave Browser",
)
WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
    "Chromium/Application/chrome.exe",
    "BraveSoftware/Brave-Browser/Application/brave.exe",
)
TIMEOUT = 180.0  # seconds; a report takes about five


def write_pdf(page: Path | str, out: Path | str, browser: Path | str | None = None) -> None:
    """Print an HTML file to PDF.

    Parameters
    ----------
    page : path
        A report, or another page of porescape.
    out : path
        The PDF; replaced if it exists.
    browser : path, optional
        The program of the browser; by default the result of `find_browser`.

    Raises
    ------
    MissingExtra
        No browser was found.
    InputError
        The page does not exist.
    OutputError
        The browser wrote no PDF.
    """
    page, out = Path(page), Path(out)
    if not page.is_file():
        raise InputError(f"{page} is not a file; wanted an HTML page, such as a run's report.html")
    found = find_browser() if browser is None else Path(browser)
    if found is None:
        raise MissingExtra(
            "no Chromium, Chrome, Edge or Brave was found to write the PDF; install one of them, or open "
            f"{page} in any browser and print it to a file"
        )
    with whole_file(out) as temporary, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        output = _print(found, page, temporary, profile)
        if not (temporary.is_file() and temporary.read_bytes()[:5] == b"%PDF-"):
            raise OutputError(
                f"{found.name} wrote no PDF of {page}{f' ({output})' if output else ''}; open the page in a "
                "browser and print it to a file"
            )


def _print(browser: Path, page: Path, out: Path, profile: str) -> str:
    """Run the browser; return the last line of its error output."""
    command = [
        str(browser),
        "--headless",
        "--disable-gpu",
        "--disable-extensions",
        "--no-first-run",
        "--no-default-browser-check",
        f"--user-data-dir={profile}",  # otherwise it passes the page to a window that is already open
        "--no-pdf-header-footer",
        f"--print-to-pdf={out.absolute()}",
    ]
    if platform.system() == "Linux" and os.geteuid() == 0:
        command.append(
            "--no-sandbox"
        )  # as root, for example in a container, Chromium does not start without it
    try:
        done = subprocess.run(
            [*command, page.absolute().as_uri()],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"no answer within {TIMEOUT:g} s"
    except OSError as error:
        return str(error.strerror or error)
    lines = done.stderr.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def find_browser() -> Path | None:
    """Return the program of the first installed browser that can print to PDF, None if there is none."""
    for name in NAMES:
        if found := shutil.which(name):
            return Path(found)
    return next((path for path in _usual_places() if path.is_file()), None)


def _usual_places() -> Iterator[Path]:
    if platform.system() == "Darwin":
        for folder in (Path("/Applications"), Path.home() / "Applications"):
            yield from (folder / name for name in MAC)
    elif platform.system() == "Windows":
        for variable in ("ProgramFiles", "ProgramFiles(x86)", "LocalAppData"):
            if folder_name := os.environ.get(variable):
                yield from (Path(folder_name) / name for name in WINDOWS)
