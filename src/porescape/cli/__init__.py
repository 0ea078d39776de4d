"""The command line: a file per command. Large modules are imported inside, so that help is instant."""

from porescape.cli import (
    batch,
    compare,
    export,
    fit,
    generate,
    look,
    measure,
    render,
    report,
    resolution,
    run,
    serve,
)
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
    "render",
    "report",
    "resolution",
    "run",
    "serve",
]
