"""Balls and rods placed at random, overlapping freely: their radius for a given porosity."""

import math


def capsule_radius(spacing: float, length: float, filled: float) -> float:
    """Return the radius at which the volume of a capsule is `filled` times the volume per seed.

    Placed at random and overlapping freely, they leave the fraction exp(-filled) of space between them.

    >>> round(capsule_radius(1.0, 0.0, 4 / 3 * math.pi), 6), round(capsule_radius(10.0, 1e6, math.pi), 3)
    (1.0, 0.032)
    """
    volume = filled * spacing**3
    low, high = 0.0, math.cbrt(volume * 3 / (4 * math.pi))  # of a ball
    for _ in range(60):
        middle = (low + high) / 2
        holds = 4 / 3 * math.pi * middle**3 + math.pi * middle**2 * length
        low, high = (middle, high) if holds < volume else (low, middle)
    return (low + high) / 2


def capsule_spacing(radius: float, length: float, porosity: float) -> float:
    """Return the spacing at which capsules of this radius leave this porosity (Poisson: exp(-n v))."""
    filled = -math.log(porosity)
    return float(((4 / 3 * math.pi * radius**3 + math.pi * radius**2 * length) / filled) ** (1 / 3))
