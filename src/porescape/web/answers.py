"""The state of jobs as JSON tables for the page, with formatted numbers."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from porescape.core.measurement import Estimate
from porescape.core.settings import Method, Settings
from porescape.fit.samplers import SAMPLERS
from porescape.io.runs.settings import settings_table
from porescape.measure.filtration.fluids import GASES
from porescape.measure.meters import GROUPS, NUMBERS
from porescape.report.summary import key_names
from porescape.report.words import decimals_of, label_of, lacking, scale_of, write
from porescape.section.checks import NAMES
from porescape.section.thresholds import THRESHOLDS
from porescape.synthesis.families import FAMILIES
from porescape.units import format_length
from porescape.version import __version__
from porescape.web.jobs import Job
from porescape.web.limits import Limits


def defaults(limits: Limits) -> dict[str, Any]:
    """Return what the page needs before there is any job: settings, choices, limits."""
    return {
        "version": __version__,
        "settings": settings_table(Settings()),
        "choices": {
            "method": list(THRESHOLDS),
            "pore": ["dark", "bright"],
            "numbers": list(GROUPS),
            "checks": list(NAMES),
            "fit_method": list(get_args(Method)),
            "family": ["auto", *FAMILIES],
            "sampler": list(SAMPLERS),
            "gas": list(GASES),
            "percolate": ["both", "pore", "solid", "none"],
        },
        "limits": {"upload": limits.upload, "pixels": limits.pixels},
    }


def job_row(job: Job, waiting: list[str]) -> dict[str, Any]:
    """Return a job as shown in the list."""
    return {
        "id": job.id,
        "name": job.name,
        "state": job.state,
        "message": job.message,
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "place": waiting.index(job.id) + 1 if job.id in waiting else 0,
    }


def job_answer(job: Job, folder: Path, waiting: list[str]) -> dict[str, Any]:
    """Return everything about a job, including its progress and results."""
    answer = job_row(job, waiting) | {"image": job.image, "form": job.form}
    if job.state not in ("draft", "queued"):
        with suppress(OSError, ValueError):
            answer["progress"] = json.loads((folder / "progress.json").read_text(encoding="utf-8"))
    answer["pictures"] = [name for name in ("real", "best") if (folder / f"{name}.png").is_file()]
    if job.state not in ("draft", "done"):
        answer["can_go_on"] = (folder / "checkpoint").is_dir()
    if job.state == "done":
        with suppress(OSError, ValueError, KeyError):
            answer["results"] = _results(folder / "run")
    return answer


def _results(run: Path) -> dict[str, Any]:
    table = json.loads((run / "results.json").read_text(encoding="utf-8"))
    rows = [_row(name, entry) for name, entry in table["properties"].items()]
    named = {row["name"]: row for row in rows}
    keys = [named[name] for name in key_names(named)]
    return {
        "keys": keys,
        "rows": rows,
        "replicas": len(table["replicas"]),
        "shape": table["shape"],
        "voxel": format_length(table["voxel_size"]),
        "image_porosity": f"{100 * table['image_porosity']:.1f} %",
        "selected": table["selected"],
        "because": table["selected_because"],
        "verdict": table.get("verdict"),
        "warnings": table["warnings"],
        "files": sorted(path.name for path in run.iterdir() if path.is_file()),
        "bytes": sum(path.stat().st_size for path in run.rglob("*") if path.is_file()),
    }


def _row(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return one number in a suitable unit, with its interval, formatted as in the report."""
    mean, sd = _number(entry["mean"]), _number(entry["sd"])
    low, high = map(_number, entry["ci95"])
    margin, parts = _number(entry.get("paper_margin")), entry.get("parts", {})
    estimate = Estimate(mean, sd, (low, high), entry["unit"], entry["n"], margin, parts)
    scale = scale_of(name, entry["unit"], mean)
    digits = decimals_of(estimate, scale.factor)
    return {
        "name": name,
        "label": label_of(name),
        "condition": entry.get("condition", ""),
        "lacks": lacking(estimate.lacks),
        "definition": NUMBERS[name].definition if name in NUMBERS else "",
        "group": NUMBERS[name].group if name in NUMBERS else "",
        "unit": scale.unit,
        "mean": write(mean * scale.factor, digits),
        "low": write(low * scale.factor, digits),
        "high": write(high * scale.factor, digits),
        "n": entry["n"],
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
