"""Writes the pages that would go stale by hand: numbers, commands, names of Python, thresholds in the text.

Each function returns Markdown or reStructuredText; `write_all` puts them where the site expects them.
"""

import importlib
import re
from collections.abc import Iterator
from inspect import cleandoc, getdoc
from pathlib import Path
from typing import Any

import typer.main

import porescape
from porescape import _HOME
from porescape.cli import app
from porescape.core.settings import Segmentation
from porescape.intervals import method_error
from porescape.measure.meters import GROUPS, NUMBERS
from porescape.report.words import label_of
from porescape.section import prepare, resample
from porescape.section import segment as segmentation
from porescape.section.checks.depth import AGREE, CANNOT_TELL
from porescape.section.checks.limits import DIFFERENCE
from porescape.section.checks.sharpness import CHORD, THIN_SHARE
from porescape.section.checks.size import FEATURES, POROSITY_ERROR

GROUP_TITLES = {
    "basic": "Basic: porosity, surface, lengths, topology",
    "network": "Network: pores and throats",
    "tortuosity": "Tortuosity: diffusion and paths",
    "permeability": "Permeability",
    "filtration": "Filtration: bubble point, porometry, intrusion, retention, water",
    "solid": "The solid: conduction",
}


def write_all(folder: Path) -> None:
    """Write what is generated; a file that stays as it is keeps its time, so that Sphinx need not read it."""
    parts = {
        "parts/numbers.md": numbers_reference(),
        "parts/numbers-table.md": numbers_table(),
        "cli.md": command_reference(),
        "api.rst": api_reference(),
    }
    for name, text in parts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


# -- numbers ---------------------------------------------------------------------------------------


def base_of(name: str) -> str:
    """Return what a number has in common with those of other axes and percentiles.

    >>> base_of("tortuosity_z"), base_of("body_diameter_extended_p10"), base_of("retention_d90_z")
    ('tortuosity', 'body_diameter_extended', 'retention')
    """
    return re.sub(r"(_d\d\d)?_[zyx]$|_p\d\d$", "", name)


def source_of(function: str) -> str:
    """Return the references in the docstring of what measures a number, given as module:function."""
    module, _, name = function.partition(":")
    text = getdoc(getattr(importlib.import_module(f"porescape.{module}"), name)) or ""
    _, found, rest = text.partition("References\n----------\n")
    section = re.split(r"\n\n\w+\n---", rest)[0] if found else ""
    return " ".join(cleandoc(section).split())


def numbers_table() -> str:
    """Return one row per number: name, unit, definition."""
    lines = ["```{table}", ":class: stacked", "", "| number | unit | definition |", "|---|---|---|"]
    for base, names in _families().items():
        number = NUMBERS[names[0]]
        shown = [name for name in names if not re.search(r"_p\d\d$", name)]
        rest = "".join(f", `{_ending(name, base)}`" for name in shown[1:])
        more = " Also its 10th, 50th and 90th percentile: `_p10`, `_p50`, `_p90`." if shown != names else ""
        first = f"[`{shown[0]}`](#number-{_anchor(base)})"
        lines.append(f"| {first}{rest} | {number.unit} | {_definition(names)}{more} |")
    return "\n".join([*lines, "```", ""])


def numbers_reference() -> str:
    """Return one entry per family of numbers, by group."""
    families = _families()
    lines: list[str] = []
    for group in GROUPS:
        lines += [f"### {GROUP_TITLES[group]}", "", f"`--measure {group}`", ""]
        for base, names in families.items():
            if NUMBERS[names[0]].group != group:
                continue
            note = NUMBERS[names[0]].note
            lines += [
                f"(number-{_anchor(base)})=",
                f"#### {label_of(base)}",
                "",
                _definition(names),
                "",
            ]
            fields = {
                "names": ", ".join(f"`{name}`" for name in names),
                "unit": "none, a pure number" if NUMBERS[names[0]].unit == "1" else NUMBERS[names[0]].unit,
                "model": note.model,
                "leaves out": note.leaves_out,
                "resolution": note.needs,
                "own error of the method": _method_part(names),
                "source": note.source or source_of(note.function),
            }
            lines += [f":{name}: {text}" for name, text in fields.items()]
            lines.append("")
    return "\n".join(lines)


def _method_part(names: list[str]) -> str:
    """Return how wide the method's own part of the 95 % intervals of a family is."""
    known = method_error.method_errors(method_error.material_errors("refined"))
    widths = [100 * known[name] for name in names if name in known]
    if not widths:
        return "not known; the interval lacks it"
    least, most = (format(width, ".2g") for width in (min(widths), max(widths)))
    return f"±{least} %" if least == most else f"±{least} to ±{most} %"


def _families() -> dict[str, list[str]]:
    families: dict[str, list[str]] = {}
    for name in NUMBERS:
        families.setdefault(base_of(name), []).append(name)
    return families


def _ending(name: str, base: str) -> str:
    return name.removeprefix(base)


def _anchor(base: str) -> str:
    return base.replace("_", "-")


def _definition(names: list[str]) -> str:
    """Return a family's definition; of several axes, that of the first with all of them named."""
    text = NUMBERS[names[0]].definition
    axes = [name[-1] for name in names if re.search(r"_[zyx]$", name)]
    if len(axes) == 3:
        text = re.sub(rf"\balong {axes[0]}\b", "along the axis", text)
    if base_of(names[0]) == "retention":
        text = text.replace("90 %", "90, 95 or 99 %")
    return text


# -- commands --------------------------------------------------------------------------------------

CLI_HEAD = """\
# Command line

This page is written from the program while the site is built. `porescape COMMAND --help` says the same.

- Lengths have a unit: `"0.1 um"`, `"25 nm"`. Boxes are voxels or lengths along z, y, x: `128`, `64x128x128`,
  `"20 um"`.
- Numbers go to standard output with `--json`, everything else to standard error.
- A folder that holds something is not written to unless `--overwrite` is given.
- {exits}

"""

FIRST = (
    "demo",
    "run",
    "check",
    "segment",
    "describe",
    "fit",
    "generate",
    "measure",
    "compare",
    "resolution",
)


def command_reference() -> str:
    """Return every command with its arguments and options."""
    group: Any = typer.main.get_command(app)
    pieces = [CLI_HEAD.format(exits=group.epilog)]
    order = {name: place for place, name in enumerate(FIRST)}
    for name, command in sorted(group.commands.items(), key=lambda item: order.get(item[0], len(order))):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
        usage = " ".join(
            [
                "porescape",
                name,
                *(_placeholder(p) for p in arguments),
                *(["[OPTIONS]"] if options else []),
            ]
        )
        pieces.append(f"(command-{name})=\n## {name}\n\n{_prose(command.help)}\n\n```text\n{usage}\n```\n")
        rows = [(f"`{_placeholder(p)}`", "", _prose(p.help)) for p in arguments]
        rows += [(_option(p), _default(p), _prose(p.help)) for p in options if p.name != "help"]
        if rows:
            head = "```{table}\n:class: stacked\n\n| option | default | what |\n|---|---|---|"
            pieces.append("\n".join([head, *(f"| {a} | {b} | {c} |" for a, b, c in rows), "```\n"]))
    return "\n".join(pieces)


def _placeholder(parameter: Any) -> str:
    word = parameter.name.upper()
    word += "..." if parameter.nargs == -1 or parameter.multiple else ""
    return word if parameter.required else f"[{word}]"


def _option(parameter: Any) -> str:
    return " / ".join(f"`{one}`" for one in (*parameter.opts, *parameter.secondary_opts))


def _default(parameter: Any) -> str:
    value = parameter.default
    if value is None or value == "" or (parameter.is_flag and not parameter.secondary_opts):
        return ""
    if isinstance(value, bool):
        return f"`{(parameter.opts if value else parameter.secondary_opts)[0]}`"
    return f"`{value}`"


def _prose(text: str | None) -> str:
    """Return help text as a paragraph or cell; a star or a pipe in it stands for itself."""
    joined = "\n\n".join(" ".join(block.split()) for block in cleandoc(text or "").split("\n\n"))
    return joined.replace("|", "\\|").replace("*", "\\*").replace("--", "\\-\\-")


# -- names of Python -------------------------------------------------------------------------------

ROOMS = (  # title, and the modules whose public names stand under it; the first that fits
    ("Read and write", r"io\."),
    ("Settings", r"core\.settings"),
    ("Things", r"core\."),
    (
        "One image to many structures",
        r"jobs\.|section\.|fit\.|select\.|intervals\.",
    ),
    ("Describe and make", r"synthesis\.|measure\.section\."),
    ("Measure", r"measure\."),
    ("Show", r"report\."),
    ("More", r""),
)

API_HEAD = """\
Python
======

What ``import porescape`` offers. Lengths are in metres, arrays are ``(z, y, x)``, ``True`` is pore. Names
that are not on this page may change without notice.

.. currentmodule:: porescape

"""


def api_reference() -> str:
    """Return the public names with their first sentences, by what they are for."""
    rooms: dict[str, list[str]] = {}
    for name in porescape.__all__:
        home = _HOME[name].removeprefix("porescape.")
        title = next(title for title, pattern in ROOMS if re.match(pattern, home))
        rooms.setdefault(title, []).append(name)
    pieces = [API_HEAD]
    for title, _ in ROOMS:
        if title in rooms:
            pieces.append(
                f"{title}\n{'-' * len(title)}\n\n.. autosummary::\n   :toctree: api\n   :nosignatures:\n"
            )
            pieces.append("".join(f"   {name}\n" for name in rooms[title]))
    pieces.append("Errors\n------\n\n.. automodule:: porescape.errors\n   :members:\n")
    return "\n".join(pieces)


# -- thresholds ------------------------------------------------------------------------------------


def thresholds() -> dict[str, str]:
    """Return the numbers that the hand-written pages quote, as the code has them."""
    return dict(_thresholds())


def _thresholds() -> Iterator[tuple[str, str]]:
    def both(
        name: str, limits: tuple[float, float], form: str, factor: float = 1
    ) -> Iterator[tuple[str, str]]:
        for which, limit in zip(("warn", "fail"), limits, strict=True):
            yield f"{name}_{which}", format(factor * limit, form)

    yield from both("difference", DIFFERENCE, ".0f", 100)
    yield from both("porosity_error", POROSITY_ERROR, ".0f", 100)
    yield from both("features", FEATURES, ".0f")
    yield from both("chord", CHORD, ".0f")
    yield from both("thin", THIN_SHARE, ".0f", 100)
    yield "ratio_warn", format(1 + DIFFERENCE[0], ".2f")
    yield "ratio_fail", format(1 + DIFFERENCE[1], ".2f")
    yield "depth_agree", format(AGREE, ".2f")
    yield "depth_unknown", format(CANNOT_TELL, ".2f")
    yield "fine_enough", format(resample.FINE_ENOUGH, ".0f")
    yield "few_features", format(prepare.FEW_FEATURES, ".0f")
    yield "plausible", format(100 * segmentation.PLAUSIBLE, ".0f")
    for name in ("trials", "size"):
        yield f"method_{name}", str(method_error.table()[name])
    slices = sorted({*method_error.table()["slices"].values()})
    yield "method_slices", " to ".join(str(count) for count in dict.fromkeys((slices[0], slices[-1])))
    yield "method_materials", str(len(method_error.table()["materials"]))
    yield "speck", str(Segmentation().speck)
    yield "least_share", format(100 * segmentation.LEAST_SHARE, ".0f")
    yield "count", str(len(NUMBERS))
