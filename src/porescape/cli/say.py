"""Output of the commands: messages and progress to stderr, results to stdout."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from porescape.units import format_length

if TYPE_CHECKING:
    from rich.progress import Progress

    from porescape.core.settings import Measure

DARCY = 9.869233e-13  # m²


def say(text: str) -> None:
    """Print a message for the user."""
    print(text, file=sys.stderr)


def answer(text: str) -> None:
    """Print results for a program to read."""
    sys.stdout.write(text)


def readable(values: dict[str, float], settings: "Measure", box: float) -> dict[str, tuple[str, str]]:
    """Return numbers by name: the name with the thickness and pressure they hold for, and text with units.

    `box` is the edge of the measured box along z [m].
    """
    from porescape.measure.meters import NUMBERS
    from porescape.report.words import condition_of

    return {
        name: (
            f"{name} {condition_of(name, settings, box)}".rstrip(),
            quantity(value, NUMBERS[name].unit),
        )
        for name, value in values.items()
    }


def quantity(value: float, unit: str) -> str:
    """Return a number in SI units as readable text."""
    if not math.isfinite(value):
        return "-"
    if unit == "m":
        return format_length(value)
    if unit == "m²":
        return f"{value:.4g} m² ({value / DARCY:.3g} D)"
    if unit == "m/s":
        from porescape.measure.filtration.retention import litres_per_square_metre_and_hour

        return f"{value:.4g} m/s ({litres_per_square_metre_and_hour(value):.4g} L/(m² h))"
    if unit == "m/(s Pa)":
        from porescape.measure.filtration.retention import litres_per_square_metre_and_hour

        return f"{value:.4g} m/(s Pa) ({litres_per_square_metre_and_hour(value) * 1e5:.4g} L/(m² h bar))"
    if unit == "Pa":
        return f"{value:.4g} Pa ({value / 1e5:.4g} bar)"
    return f"{value:.4g}" if unit == "1" else f"{value:.4g} {unit}"


def progress_display() -> "Progress":
    """Return a context manager that shows progress on stderr; each task has a `note` next to its bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, console=Console(stderr=True), transient=True)


@contextmanager
def progress_bar(title: str, total: int | None) -> Iterator[Callable[[str], None]]:
    """Show progress on stderr; yields a function that advances by one and shows a note."""
    with progress_display() as bar:
        task = bar.add_task(title, total=total, note="")
        yield lambda note: bar.update(task, advance=1, note=note)


def table_of(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Show a table on stderr."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*head, title=title)
    for row in rows:
        table.add_row(*row)
    Console(stderr=True).print(table)
