"""Stationarity: are porosity and pore-to-pore distance the same everywhere in the image?"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtrit

from porescape.core.check import Check, Status, Values
from porescape.section.checks.limits import DIFFERENCE, SEVERITY, WITHIN_CHANCE, status_of
from porescape.section.checks.sampled import SampledImage
from porescape.units import format_length
from porescape.wording import beside


def check_stationarity(image: SampledImage) -> Check:
    """Compare porosity and pore-to-pore distance between strips of tiles along y and x."""
    size = image.pixel_size
    rates = image.tiles.rates()
    fields = {  # a value per tile, and the unit of its changes
        "porosity": (image.tiles.porosity, min(image.porosity, 1 - image.porosity)),
        "distance": (rates, float(rates.mean())),
    }
    values: dict[str, float] = {}
    curves: dict[str, Values] = {}
    findings: list[_Finding] = []
    for axis, letter in enumerate("yx"):
        curves[f"edges_{letter}"] = image.tiles.edges[axis] * size
        for what, (field, scale) in fields.items():
            profile = _Profile(np.moveaxis(field, axis, 0), scale)
            means, error = profile.means, np.full_like(profile.means, profile.error)
            if what == "distance":  # rates add up, lengths do not; 2/rate is a pore and a solid chord
                means, error = 2 / np.maximum(means, 1e-9) * size, 2 / scale**2 * error * size
            curves |= {f"{what}_{letter}": means, f"{what}_{letter}_expected": error}
            for kind, (change, chance) in {"trend": profile.trend, "layers": profile.layers}.items():
                chance = min(2 * 2 * len(fields) * chance, 1.0)  # axes, trend and layers, fields
                values |= {f"{kind}_{what}_{letter}": change, f"chance_{kind}_{what}_{letter}": chance}
                findings.append(_Finding(status_of(change, chance), change, what, kind, letter, means))
        expected = image.strip_scatter(axis)
        values[f"scatter_{letter}"] = float(curves[f"porosity_{letter}"].std(ddof=1)) / max(expected, 1e-9)
        curves[f"porosity_{letter}_expected"] = np.full(len(curves[f"porosity_{letter}"]), 1.96 * expected)
    worst = max(findings, key=lambda finding: (SEVERITY.index(finding.status), finding.change))
    limits = {name: DIFFERENCE for name in values if name.startswith(("trend", "layers"))}
    return Check("stationarity", worst.status, worst.sentence(), values, limits, curves)


@dataclass(frozen=True, slots=True, eq=False)
class _Finding:
    """One trend or one layering: of what, along which axis, how large."""

    status: Status
    change: float
    what: str
    kind: str
    axis: str
    means: Values

    def sentence(self) -> str:
        wanted = f"wanted {100 * DIFFERENCE[0]:.0f} % at most"
        change = beside(100 * self.change, 100 * DIFFERENCE[0])
        if self.status == "ok":
            found = f"porosity and pore-to-pore distance change by {change} % at most across"
            return f"{found} the image, {wanted}" + (WITHIN_CHANCE if self.change >= DIFFERENCE[0] else "")
        ends = self.means[[0, -1]]
        if self.kind == "layers":
            ends = np.array([self.means.min(), self.means.max()])
        if self.what == "porosity":
            name, share = "porosity", " of the scarcer phase"
            low, high = (f"{100 * end:.1f} %" for end in ends)
        else:
            name, share = "pore-to-pore distance", ""
            low, high = (format_length(end, 3) for end in ends)
        how = "varies in layers along" if self.kind == "layers" else "drifts along"
        return (
            f"the {name} {how} {self.axis}, from {low} to {high}: a change across the image of "
            f"{change} %{share}, {wanted}; replicas are homogeneous and will show the "
            "average: crop to a homogeneous part, or reconstruct part by part"
        )


class _Profile:
    """Means over strips of tiles, and whether they differ: an analysis of variance of rows and columns.

    Layers shift whole rows of tiles, chance shifts single tiles. The residuals of the tiles from the means of
    rows and columns therefore show how much the means of rows differ by chance, without a model of the
    structure.

    Attributes: `means` (rows,); `error`, half their 95 % interval; `trend` and `layers`, each (change,
    chance): the change across the image as a share of `scale`, and the probability of one as large by
    chance. The change of layers is that of the straight trend with the same standard deviation of the means.
    """

    def __init__(self, field: Values, scale: float) -> None:
        rows, columns = field.shape
        self.means: Values = field.mean(axis=1)
        rest = field - self.means[:, None] - field.mean(axis=0) + field.mean()
        freedom = (rows - 1) * (columns - 1)
        noise = float(np.sum(rest**2)) / freedom + 1e-12 * scale**2  # regular patterns have none
        self.error = float(stdtrit(freedom, 0.975)) * math.sqrt(noise / columns)
        place = np.arange(rows) - (rows - 1) / 2
        slope = float(place @ self.means / (place @ place))
        straight = columns * slope**2 * float(place @ place)
        bends = self.means - self.means.mean() - slope * place
        layered = columns * float(bends @ bends) / (rows - 2)
        spread = math.sqrt(max(layered - noise, 0.0) / columns)
        self.trend = (abs(slope) * rows / scale, float(fdtrc(1, freedom, straight / noise)))
        self.layers = (math.sqrt(12) * spread / scale, float(fdtrc(rows - 2, freedom, layered / noise)))
