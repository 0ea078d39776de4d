"""The command line: a file per command. Heavy modules are imported inside them, so that help is instant."""

from porescape.cli import compare, fit, generate, look, measure, report, resolution, run
from porescape.cli.app import app, main

__all__ = ["app", "compare", "fit", "generate", "look", "main", "measure", "report", "resolution", "run"]
