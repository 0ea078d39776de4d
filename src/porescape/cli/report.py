"""`report`: a run's report again."""

from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.say import say


@command
def report(
    folder: Annotated[Path, typer.Argument(help="A run's folder.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="File; the folder's report.html by default.")] = None,
) -> None:
    """Write a run's report again from its files."""
    from porescape.io.atomic import whole_file
    from porescape.io.run_folder import read_run
    from porescape.report.html import render_report

    result = read_run(folder)
    path = out or folder / "report.html"
    with whole_file(path) as temporary:
        temporary.write_text(render_report(result), encoding="utf-8")
    say(f"report in {path}")
