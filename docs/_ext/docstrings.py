"""Makes what is written to be read in an editor, docstrings and fences, safe for Sphinx."""

import re
from typing import Any

from pygments.lexers.special import TextLexer

_CODE = re.compile(r"``.*?``|`.*?`")


def escape_marks(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Take |x| for an absolute value and *.tif for a pattern, outside of code and examples."""
    lines[:] = [line if line.lstrip().startswith(">>>") else _escaped(line) for line in lines]


def _escaped(line: str) -> str:
    """Escape what lies between pieces of code."""
    pieces, end = [], 0
    for code in _CODE.finditer(line):
        pieces += [_bare(line[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*pieces, _bare(line[end:])])


def _bare(text: str) -> str:
    return re.sub(r"(?<!\\)[|*]", r"\\\g<0>", text)


def setup(app: Any) -> dict[str, Any]:
    """Listen to what autodoc reads, before napoleon does; know one more kind of fence."""
    app.add_lexer("csv", TextLexer)  # pages show tables of commas; there is nothing to colour
    app.connect("autodoc-process-docstring", escape_marks, priority=400)
    return {"parallel_read_safe": True}
