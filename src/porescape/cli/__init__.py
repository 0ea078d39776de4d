"""The command line: a file per command. Heavy modules are imported inside them, so that help is instant."""

from porescape.cli import batch, compare, export, fit, generate, look, measure, report, resolution, run, serve
from porescape.cli.app import app, main

__all__ = [
    "app",
    "batch",
    "compare",
    "export",
    "fit",
    "generate",
    "look",
    "main",
    "measure",
    "report",
    "resolution",
    "run",
    "serve",
]
