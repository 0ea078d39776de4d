"""`report`: the report of a run, written again."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.say import say


@command
def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="File; the folder's report.html by default.")] = None,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Also print it to a PDF; needs Chrome, Chromium or Edge.")
    ] = False,
) -> None:
    """Write the report of a run again from its files."""
    from porescape.io.atomic import whole_file
    from porescape.io.pdf import write_pdf
    from porescape.io.runs.run_folder import read_run
    from porescape.io.runs.settings import run_file
    from porescape.report.html import render_report

    result = read_run(folder)
    path = out or folder / "report.html"
    with whole_file(path) as temporary:
        job = run_file(folder).read_text(encoding="utf-8")
        temporary.write_text(render_report(result, job=job), encoding="utf-8")
    say(f"report in {path}")
    if pdf:
        write_pdf(path, path.with_suffix(".pdf"))
        say(f"PDF in {path.with_suffix('.pdf')}")
