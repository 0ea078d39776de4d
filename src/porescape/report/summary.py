"""A run in a few sentences: a description of the structure, and how reliable its numbers are."""

import math
from collections.abc import Iterable
from typing import NamedTuple

from porescape.core.measurement import Estimate
from porescape.core.results import Reconstruction
from porescape.report.words import decimals_of, label_of, lacking, scale_of, within_a_sentence, write
from porescape.units import format_length
from porescape.wording import several

# the key numbers at the top of the report, in this order, if they were measured
KEY_NUMBERS = (
    "porosity",
    "connected_porosity_z",
    "body_diameter",
    "throat_diameter",
    "tortuosity_z",
    "permeability_z",
    "bubble_point_diameter_z",
    "retention_d90_z",
    "specific_surface",
    "thickness_pore",
    "thickness_solid",
    "correlation_length",
)
MOST_KEYS = 8

# Limits between the words. With a half width of half the number, the ends of the interval differ by a factor
# of three; with a half width equal to the number, not even the order of magnitude is known.
WIDE_INTERVAL, VERY_WIDE_INTERVAL = 0.5, 1.0
ALL_OPEN, MOSTLY_OPEN = 0.995, 0.90  # fraction of the pores connected from face to face


class Trust(NamedTuple):
    """How reliable the numbers of a run are.

    Attributes
    ----------
    level : {"sound", "care", "doubt"}
    head : str
        The same in a few words.
    reasons : tuple of str
        Sentences, the most important first.
    """

    level: str
    head: str
    reasons: tuple[str, ...]


HEADS = {
    "sound": "These numbers may be used",
    "care": "Use these numbers with care",
    "doubt": "Do not rely on these numbers yet",
}


def key_names(properties: Iterable[str]) -> list[str]:
    """Return the names of the key numbers among those that were measured."""
    known = set(properties)
    return [name for name in KEY_NUMBERS if name in known][:MOST_KEYS]


def structure_in_words(result: Reconstruction) -> str:
    """Describe the structure in one or two sentences, from the measured numbers only."""
    known = {name: e for name, e in result.properties.items() if math.isfinite(e.mean)}
    sentences = []
    if "porosity" in known:
        sentences.append(_openness(known))
    sizes = [
        f"{words} of {_rounded(name, known[name])}"
        for name, words in (("body_diameter", "pore bodies"), ("throat_diameter", "throats"))
        if name in known
    ]
    if sizes:
        joined = " are joined by ".join(sizes) if sizes[1:] else f"there are {sizes[0]}"
        per_pore = known.get("coordination_number")
        more = f", about {per_pore.mean:.0f} at each pore" if per_pore and sizes[1:] else ""
        sentences.append(f"{joined[0].upper()}{joined[1:]}{more}.")
    elif "thickness_pore" in known:
        size = _rounded("thickness_pore", known["thickness_pore"])
        sentences.append(f"The mean pore thickness is {size}.")
    thickness = result.settings.measure.thickness
    if "retention_d90_z" in known and thickness is not None:  # of a box it would be misunderstood
        size = _rounded("retention_d90_z", known["retention_d90_z"])
        sentences.append(f"Through {format_length(thickness, 3)}, 90 % of particles of {size} are retained.")
    return " ".join(sentences)


def _openness(known: dict[str, Estimate]) -> str:
    porosity = known["porosity"].mean
    pore = f"{100 * porosity:.0f} % of the structure is pore"
    connected = known.get("connected_porosity_z")
    if connected is None or porosity == 0:
        return f"{pore}."
    share = connected.mean / porosity
    if share >= ALL_OPEN:
        return f"{pore}, practically all of it connected from face to face."
    if share >= MOSTLY_OPEN:
        return f"{pore}, most of it ({100 * share:.0f} %) connected from face to face."
    if share > 0:
        return f"{pore}, but only {100 * share:.0f} % of it is connected from face to face."
    return f"{pore}, but none of it connects the faces across z: nothing would flow."


def _rounded(name: str, estimate: Estimate) -> str:
    """Return a number with the digits it deserves, at most three, and its unit."""
    scale = scale_of(name, estimate.unit, estimate.mean)
    value = estimate.mean * scale.factor
    most = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{write(value, min(decimals_of(estimate, scale.factor), most))} {scale.unit}".rstrip()


def trust(result: Reconstruction) -> Trust:
    """Assess the reliability of a run: checks of the image, warnings, widths of the intervals."""
    found = [*_checks(result), *_widths(result), *_two_sample_test(result)]
    own = [warning for warning in result.warnings if warning not in result.image.warnings]
    if result.warnings:
        n = len(result.warnings)
        found.append(("care" if own else "sound", f"{n} {'warning' if n == 1 else 'warnings'}."))
    if not any(replica.volume.pore.any() for replica in result.replicas):
        found.append(("doubt", "The structures contain no pores."))
    order = ("doubt", "care", "sound")
    level = min((each for each, _ in found), key=order.index)
    found.sort(key=lambda one: order.index(one[0]))  # the most important first, otherwise in this order
    return Trust(level, HEADS[level], tuple(words for _, words in found))


def _checks(result: Reconstruction) -> Iterable[tuple[str, str]]:
    names: dict[str, list[str]] = {"ok": [], "warn": [], "fail": []}
    for check in result.checks:
        names[check.status].append(check.name)
    if names["fail"]:
        words = "check" if len(names["fail"]) == 1 else "checks"
        yield "doubt", f"The image failed the {words} of {several(names['fail'])}, but was used anyway."
    if names["warn"]:
        one = len(names["warn"]) == 1
        yield (
            "care",
            f"The check{'' if one else 's'} of {several(names['warn'])} {'is' if one else 'are'} doubtful.",
        )
    if result.checks and len(names["ok"]) == len(result.checks):
        yield "sound", f"All {len(names['ok'])} checks of the image passed ({several(names['ok'], 9)})."


def _widths(result: Reconstruction) -> Iterable[tuple[str, str]]:
    """Yield a sentence on the widths of the intervals of the key numbers, relative to the numbers."""
    shares = {}
    for name in key_names(result.properties):
        e = result.properties[name]
        low, high = e.ci95
        if math.isfinite(high - low) and e.mean:
            # by ratio, like the interval; an end cut at the limit of the number is less informative than the
            # other
            by_ratio = low > 0 and math.log(max(e.mean / low, high / e.mean))
            shares[name] = by_ratio or abs((high - low) / 2 / e.mean)
    whole = {name: share for name, share in shares.items() if not result.properties[name].lacks}
    if shares and not whole:
        lacks = lacking(next(result.properties[name].lacks for name in shares))
        yield "care", f"No interval is complete: {lacks}. The true values may lie outside."
        return
    shares = whole
    if not shares:
        few = len(result.replicas) == 1
        yield "care", "One replica has no spread: make several." if few else "No number has an interval."
        return
    least, most = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    widest = shares[most]
    level = "doubt" if widest > VERY_WIDE_INTERVAL else "care" if widest > WIDE_INTERVAL else "sound"
    words = [
        f"{within_a_sentence(label_of(name))} {_width(result.properties[name], shares[name])}"
        for name in (least, most)
    ]
    text = f"Intervals range from {words[0]} to {words[1]}." if least != most else f"Interval: {words[0]}."
    yield level, text


def _width(e: Estimate, share: float) -> str:
    """Write the width of an interval: as ± percent, or as a factor if that would include zero."""
    if share > WIDE_INTERVAL and e.ci95[0] > 0:
        return f"within a factor of {write(e.ci95[1] / e.mean, 1)}"
    return f"±{write(100 * share, int(share < 0.1))} %"


def _two_sample_test(result: Reconstruction) -> Iterable[tuple[str, str]]:
    two_sample = result.selection.scores[result.selection.selected].two_sample
    if two_sample is not None:
        accuracy = f"{100 * two_sample.accuracy:.0f} %"
        yield (
            "sound",
            f"Accuracy of the two-sample test of its slices and the image: {accuracy}; 50 % is guessing.",
        )
