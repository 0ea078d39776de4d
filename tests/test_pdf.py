"""Pages on paper: with the browser that is there, and in words where there is none."""

import os
import re
import stat
import sys
import zlib
from pathlib import Path

import pytest

from porescape.errors import InputError, MissingExtra, OutputError
from porescape.io import pdf

PAGE = """<!DOCTYPE html><title>A page</title><style>@page { size: A4 }
details::details-content { content-visibility: visible; display: block }</style>
<p>first</p><details><summary>more</summary>
<div style="height: 150mm">a</div><div style="height: 200mm">b</div></details>"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "a page.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


@pytest.mark.skipif(pdf.find_browser() is None, reason="no Chromium, Chrome or Edge on this machine")
def test_a_page_is_printed_whole_on_a4(page, tmp_path):
    out = tmp_path / "out.pdf"
    pdf.write_pdf(page, out)
    data = out.read_bytes()
    assert data.startswith(b"%PDF-")
    objects = data + b"".join(inflated(data))
    assert len(re.findall(rb"/Type\s*/Page\b", objects)) >= 2  # what was folded is there
    width, height = map(float, re.search(rb"/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]", objects).groups())
    assert (width, height) == pytest.approx((595, 842), abs=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a page.html", "out.pdf"]


def inflated(data: bytes) -> list[bytes]:
    found = []
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            found.append(zlib.decompress(match.group(1)))
        except zlib.error:
            continue
    return found


def test_without_a_browser_it_says_what_to_install_and_what_else_to_do(page, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "find_browser", lambda: None)
    with pytest.raises(MissingExtra, match=r"Chromium, Chrome, Edge or Brave .*install one .*print it"):
        pdf.write_pdf(page, tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()


def test_a_page_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"report\.html is not a file"):
        pdf.write_pdf(tmp_path / "report.html", tmp_path / "out.pdf")


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for the browser")
def test_a_browser_that_writes_nothing_leaves_nothing_and_is_quoted(page, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('it is broken')\n", encoding="utf-8")
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    old = tmp_path / "out.pdf"
    old.write_bytes(b"%PDF- old")
    with pytest.raises(OutputError, match=r"browser wrote no PDF .*it is broken"):
        pdf.write_pdf(page, old, browser=browser)
    assert old.read_bytes() == b"%PDF- old"
    with pytest.raises(OutputError, match=r"wrote no PDF"):
        pdf.write_pdf(page, old, browser=tmp_path / "not there")


@pytest.mark.parametrize(
    ("system", "folder", "file"),
    [
        ("Darwin", "Applications", "Google Chrome.app/Contents/MacOS/Google Chrome"),
        ("Windows", "", "Microsoft/Edge/Application/msedge.exe"),
    ],
)
def test_browsers_are_found_where_they_usually_live(tmp_path, monkeypatch, system, folder, file):
    path = tmp_path / folder / file
    path.parent.mkdir(parents=True)
    path.touch()
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    monkeypatch.setattr(pdf.platform, "system", lambda: system)
    monkeypatch.setattr(pdf.Path, "home", lambda: tmp_path)
    monkeypatch.setenv("ProgramFiles", str(tmp_path))
    found = pdf.find_browser()
    assert found == path or (found is not None and found.is_relative_to("/Applications"))
    path.unlink()
