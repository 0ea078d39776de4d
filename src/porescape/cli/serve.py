"""`serve`: the web page, for use in a browser."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.say import say


@command
def serve(
    folder: Annotated[Path, typer.Option(help="Folder of the jobs; created if necessary.")] = Path(
        "porescape-jobs"
    ),
    host: Annotated[
        str, typer.Option(help="Address to listen at; if not only this computer, a token is required.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="By default 8321, or a free one.", show_default=False)
    ] = None,
    token: Annotated[bool, typer.Option("--token", help="Require a token also on this computer.")] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """The web page: upload an image in the browser, follow the reconstruction, download the results."""
    from porescape.web.serving import serve as serve_page

    def ready(address: str) -> None:
        say(f"open {address}")
        say(
            f"jobs are stored in {folder.absolute()}; Ctrl-C stops the page, "
            "and a running job can be continued later"
        )
        if browser:
            import webbrowser

            webbrowser.open(address)

    with suppress(KeyboardInterrupt):
        serve_page(folder, host=host, port=port, token=token, ready=ready)
    say("the page has stopped; its jobs are stored")
