"""The command line: its exit codes, and how a command gets its options.

Exit codes: 0 done, 1 unexpected, 2 wrong option, 3 unusable input, 4 output cannot be written,
5 an extra is missing, 6 some images of a batch failed, 130 stopped with Ctrl-C.
"""

import dataclasses
import inspect
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from porescape.cli.say import say
from porescape.errors import PorescapeError

STOPPED = 130
RENAMED = {  # options of earlier versions, by command
    "batch": {"--recipe": "--settings"},
    "generate": {"--crumbs": "--keep-floating-solid"},
}

app = typer.Typer(
    help="Statistically equivalent 3-D pore structures, and their numbers, from one 2-D SEM image.",
    epilog="Exit codes: 0 done, 2 wrong option, 3 unusable input, 4 output cannot be written, "
    "5 an extra is missing, 6 some images of a batch failed, 130 stopped with Ctrl-C, 1 anything else.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Register a command; a parameter whose type is a dataclass becomes one option per field."""
    parameters = inspect.signature(function, eval_str=True).parameters
    kinds = {name: parameter.annotation for name, parameter in parameters.items()}
    groups = {
        name: kind
        for name, kind in kinds.items()
        if isinstance(kind, type) and dataclasses.is_dataclass(kind)
    }
    options = []
    for name, parameter in parameters.items():
        fields = dataclasses.fields(groups[name]) if name in groups else ()
        options += [(field.name, field.type, field.default) for field in fields]
        if name not in groups:
            options.append((name, parameter.annotation, parameter.default))

    def called(**given: Any) -> None:
        gathered = {
            name: group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        function(**given, **gathered)

    kind = inspect.Parameter.KEYWORD_ONLY
    called.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(name, kind, default=default, annotation=wanted)
            for name, wanted, default in options
        ]
    )
    called.__doc__ = function.__doc__
    called.__annotations__ = {name: wanted for name, wanted, _ in options}
    app.command(function.__name__)(called)
    return function


def main() -> None:
    """Run the command line; every error that a user can correct is one sentence and an exit code."""
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # broken files are reported by our own messages
    try:
        app(renamed(sys.argv[1:]))
    except PorescapeError as error:
        say(f"porescape: {error}")
        sys.exit(error.exit_code)
    except SystemExit as end:
        if end.code == STOPPED:  # typer has caught the Ctrl-C
            say("porescape: stopped; nothing was written")
        raise


def renamed(words: Sequence[str]) -> list[str]:
    """Replace options of earlier versions in a command line by today's names, with a note."""
    known = RENAMED.get(words[0], {}) if words else {}
    found = []
    for word in words:
        name, equals, value = word.partition("=")
        if name in known:
            say(f"note: {name} is now {known[name]}")
        found.append(f"{known.get(name, name)}{equals}{value}")
    return found
