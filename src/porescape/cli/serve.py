"""`serve`: the page, for people who only have a browser."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from porescape.cli.app import command
from porescape.cli.say import say


@command
def serve(
    folder: Annotated[Path, typer.Option(help="Where the jobs are kept; made if need be.")] = Path(
        "porescape-jobs"
    ),
    host: Annotated[
        str, typer.Option(help="Address to listen at; any but this computer's own asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="By default 8321, or a free one.", show_default=False)
    ] = None,
    token: Annotated[bool, typer.Option("--token", help="Ask for a token on this computer too.")] = False,
    browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """The page: upload an image in the browser, watch it become a structure, take the results home."""
    from porescape.web.serving import serve as serve_page

    def ready(address: str) -> None:
        say(f"open {address}")
        say(f"jobs are kept in {folder.absolute()}; Ctrl-C stops the page, and a job it runs can go on later")
        if browser:
            import webbrowser

            webbrowser.open(address)

    with suppress(KeyboardInterrupt):
        serve_page(folder, host=host, port=port, token=token, ready=ready)
    say("the page is stopped; its jobs are kept")
