"""What it takes to get in: the wheel, installing it, the first answer, the page, and a report's first turn.

    pip install ".[web,test]" && python bench/doors.py --installs --report RUN_128 RUN_256

Every part is a table of its own; kB and MB are powers of ten. `--installs` makes a fresh environment for
plain and every extra and takes minutes; pip takes from its cache what it has. The browser is the system's
Chromium, without a screen or a graphics card.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from porescape.io.pdf import find_browser

HOME = Path(__file__).resolve().parents[1]
EXTRAS = ("", "web", "dask", "mesh", "docs")
ROUNDS = 5
CLI = (sys.executable, "-m", "porescape.cli")
SOFTWARE = ("--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
# as the page tells: when its structure stood there, and when it had been turned by a key and drawn again
TURNED = """() => new Promise(done => {
  const look = () => {
    if (!window.structure) return setTimeout(look, 5);
    const stands = performance.now(), before = structure.view.azimuth;
    structure.onDraw = () => {
      if (structure.view.azimuth !== before) done([stands, performance.now()].map(ms => ms / 1000));
    };
    const key = new KeyboardEvent('keydown', {key: 'ArrowLeft', bubbles: true});
    document.querySelector('.pv-solid').dispatchEvent(key);
  };
  look();
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--installs", action="store_true", help="plain and every extra; minutes")
    parser.add_argument("--report", type=Path, nargs="+", default=[], help="run folders, or reports")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        wheel = build(scratch)
        if options.installs:
            installs(wheel, scratch)
        starts(scratch)
        if find_browser() is None:
            print("\nno Chromium: page and reports are left out")
            return
        with chromium() as browser:
            page(browser, scratch)
            if options.report:
                reports(browser, options.report)


def build(scratch: Path) -> Path:
    """Build the wheel from the working tree; print its size."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(scratch)]
    subprocess.run([*pip, str(HOME)], check=True)
    (wheel,) = scratch.glob("*.whl")
    print(f"\nwheel: {wheel.stat().st_size / 1e3:.0f} kB")
    return wheel


def installs(wheel: Path, scratch: Path) -> None:
    """Install into a fresh environment each; what pip itself takes is not counted."""
    print("\n| extra | seconds | packages | MB in site-packages | first `--help` |")
    print("|---|---|---|---|---|", flush=True)
    for extra in EXTRAS:
        with tempfile.TemporaryDirectory(dir=scratch) as name:
            venv.create(name, with_pip=True)
            python = str(next(Path(name).glob("[bS]*/python*")))  # bin, or Scripts
            before, packages = held(Path(name))
            start = time.perf_counter()
            wanted = f"{wheel}[{extra}]" if extra else str(wheel)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            subprocess.run([*pip, "--only-binary", ":all:", wanted], check=True)
            took = time.perf_counter() - start
            after, now = held(Path(name))
            row = f"{took:.0f} | {now - packages} | {(after - before) / 1e6:.0f} | {helped(python):.1f} s"
            print(f"| {f'[{extra}]' if extra else 'plain'} | {row} |", flush=True)


def held(environment: Path) -> tuple[int, int]:
    """Return the bytes of an environment's packages, and how many there are."""
    (folder,) = (found.resolve() for found in environment.glob("[lL]ib/**/site-packages"))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return size, len(list(folder.glob("*.dist-info")))


def helped(python: str) -> float:
    start = time.perf_counter()
    subprocess.run([python, "-m", "porescape.cli", "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run `porescape serve` on a free port; yields its address."""
    command = [*CLI, "serve", "--folder", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        yield process.stderr.readline().split()[1]
    finally:
        process.terminate()
        process.communicate()


def starts(scratch: Path) -> None:
    """Time the command and the server, after one warm-up each."""

    def answered(turn: int) -> float:
        start = time.perf_counter()
        with served(scratch / f"jobs-{turn}") as address:
            urllib.request.urlopen(address).read()
            return time.perf_counter() - start

    sides = {
        "`porescape --help`": [helped(sys.executable) for _ in range(ROUNDS + 1)],
        "`porescape serve`, to its first answer": [answered(turn) for turn in range(ROUNDS + 1)],
    }
    print(f"\n| start | median of {ROUNDS} [s] | lowest, highest |")
    print("|---|---|---|")
    for name, (_, *times) in sides.items():
        print(f"| {name} | {statistics.median(times):.2f} | {min(times):.2f}, {max(times):.2f} |", flush=True)


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(find_browser()), args=list(SOFTWARE))
        yield browser
        browser.close()


def page(browser: Any, scratch: Path) -> None:
    """Load the page with an empty cache, and a draft until the outline of its pores is seen."""
    print("\n| page | load event [s] | complete [s] | requests | kB transferred |")
    print("|---|---|---|---|---|")
    with served(scratch / "jobs-page") as address:
        with urllib.request.urlopen(urllib.request.Request(f"{address}api/sample", b"")) as answer:
            key = re.search(r'"id": ?"(\w+)"', answer.read().decode())
        assert key
        for name, end, last in (
            ("the first", "", ".job"),
            ("a draft of the sample image", f"#/job/{key[1]}", ".overlay.outline[src]"),
        ):
            rows = [_load(browser, address + end, last) for _ in range(ROUNDS + 1)][1:]
            load, complete, requests, size = (statistics.median(column) for column in zip(*rows, strict=True))
            print(f"| {name} | {load:.2f} | {complete:.2f} | {requests:.0f} | {size / 1e3:.0f} |", flush=True)


def _load(browser: Any, address: str, last: str) -> tuple[float, float, int, int]:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    seen: list[Any] = []
    context.on("requestfinished", lambda request: seen.append(request))
    window = context.new_page()
    start = time.perf_counter()
    window.goto(address)
    window.wait_for_selector(last)
    complete = time.perf_counter() - start
    window.wait_for_load_state("networkidle")
    load = window.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
    sizes = [request.sizes() for request in seen if not request.url.startswith(("data:", "blob:"))]
    size = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
    context.close()
    return load, complete, len(sizes), size


def reports(browser: Any, paths: list[Path]) -> None:
    """Say what a report holds, and time it until its structure has been turned."""
    print("\n| report | kB | voxels | figures | rest | structure stands [s] | turned [s] |")
    print("|---|---|---|---|---|---|---|")
    for path in paths:
        file = path / "report.html" if path.is_dir() else path
        text = file.read_text(encoding="utf-8")
        voxels = sum(map(len, re.findall(r'(?s)<script[^>]*id="voxels">.*?</script>', text)))
        figures = sum(map(len, re.findall(r'data:image/[^"]*', text)))
        whole = file.stat().st_size
        times = []
        for _ in range(ROUNDS):
            window = browser.new_page(viewport={"width": 1366, "height": 768})
            window.goto(file.resolve().as_uri(), wait_until="commit")
            times.append(window.evaluate(TURNED))
            window.close()
        stands, turned = (statistics.median(column) for column in zip(*times, strict=True))
        parts = " | ".join(f"{n / 1e3:.0f}" for n in (whole, voxels, figures, whole - voxels - figures))
        name = path.name if path.is_dir() else path.stem
        print(f"| {name} | {parts} | {stands:.2f} | {turned:.2f} |", flush=True)


if __name__ == "__main__":
    main()
