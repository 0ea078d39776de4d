"""How a micrograph looks: every effect with its size, its range in real micrographs, and its source.

Sources, by the names used below:

- Reimer: L. Reimer (1998), Scanning Electron Microscopy, 2nd ed., Springer. Chapters 4 (emission of
  secondary and backscattered electrons), 5 (detectors and noise) and 6 (types of contrast).
- Goldstein: J. I. Goldstein et al. (2018), Scanning Electron Microscopy and X-Ray Microanalysis, 4th ed.,
  Springer. Chapters 1, 3, 6 and 9.
- Seiler: H. Seiler (1983), Secondary electron emission in the scanning electron microscope, J. Appl. Phys.
  54, R1-R18.
- Prill: T. Prill and K. Schladitz (2013), Simulation of FIB-SEM images for analysis of porous
  microstructures, Scanning 35, 189-195.
- Postek: M. T. Postek and A. E. Vladár (2015), Does your SEM really tell the truth? Part 4: charging and its
  mitigation, Scanning 37.
- Micrographs: the range that public micrographs of membranes, foams, gels, mats and nanoporous gold span;
  noise, shading and contrast as `bench/mask/contrast.py` measures them, the others estimated by eye.
"""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from porescape.errors import SettingsError

Signal = Literal["secondary", "backscattered"]
Surface = Literal["cut", "fracture", "filled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """How a micrograph looks. Lengths are in pixels or, where it says so, in mean pore chords.

    Attributes
    ----------
    signal : {"secondary", "backscattered"}
        The electrons that are detected.
    surface : {"cut", "fracture", "filled"}
        A clean cut; a rough fracture; a clean cut whose pores were filled with resin, so that nothing behind
        the cut is seen.
    depth : float
        Depth at which a surface behind the cut is darker by 1/e [pore chords]. In backscattered electrons
        that is the depth from which they escape.
    occlusion : float
        How much darker a surface is whose view of the sky is narrow: fewer electrons find their way out.
    reflection : float
        Brightness of the deepest pore, as a fraction of the cut: electrons that walls sent on.
    tilt : float
        Exponent n of the yield 1/cos(tilt)^n of inclined surfaces.
    rim, rim_width : float
        Extra brightness of edges, where electrons escape on two sides; over how many pixels.
    side : float
        Brightness of slopes that face the detector, less that of slopes that face away.
    rough, rough_length : float
        Height of a fracture surface (standard deviation), and how far its hills are apart [pore chords].
    mottle : float
        Slow changes of brightness over the solid: composition, contamination.
    grain, grain_size : float
        Texture of the sputtered metal on all surfaces; its size in pixels.
    resin : float
        Grey level of filled pores, as a fraction of the cut.
    charging, charging_length : float
        Brightness gathered or lost near edges and pores; over how many pore chords.
    streaks : float
        Tails along the scan lines behind bright edges.
    curtains : float
        Stripes down the picture, from a focused ion beam.
    shading : float
        Change of brightness from one side of the picture to the other.
    focus : float
        Blur of the whole picture (standard deviation).
    defocus : float
        More blur for each pore chord of depth.
    electrons : float
        Detected for a pixel of brightness 1: fewer are noisier.
    line_noise : float
        Offset of each scan line.
    white : float
        Grey level of the brightest thousandth of the picture; above 1 it is clipped.
    black : float
        Grey level of the darkest thousandth; below 0 it is clipped.
    gamma : float
        Exponent of the grey levels between black and white.
    """

    signal: Signal = "secondary"
    surface: Surface = "cut"
    depth: float = 0.5
    occlusion: float = 0.6
    reflection: float = 0.05
    tilt: float = 0.8
    rim: float = 0.3
    rim_width: float = 1.5
    side: float = 0.1
    rough: float = 0.0
    rough_length: float = 3.0
    mottle: float = 0.03
    grain: float = 0.03
    grain_size: float = 1.0
    resin: float = 0.4
    charging: float = 0.0
    charging_length: float = 1.0
    streaks: float = 0.0
    curtains: float = 0.0
    shading: float = 0.1
    focus: float = 0.8
    defocus: float = 0.3
    electrons: float = 200.0
    line_noise: float = 0.005
    white: float = 0.95
    black: float = 0.05
    gamma: float = 1.0

    def __post_init__(self) -> None:
        for name, names in (("signal", get_args(Signal)), ("surface", get_args(Surface))):
            if getattr(self, name) not in names:
                raise SettingsError(f"{name} must be one of {', '.join(names)}, got {getattr(self, name)!r}")
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and low <= value <= high):
                raise SettingsError(f"{name} must be between {low:g} and {high:g}, got {value!r}")
        if self.white <= self.black:
            raise SettingsError(f"white must be above black, got {self.white!r} and {self.black!r}")


# what makes sense at all
LIMITS: dict[str, tuple[float, float]] = {
    "depth": (0.001, 100),
    "occlusion": (0, 10),
    "reflection": (0, 1),
    "tilt": (0, 3),
    "rim": (0, 5),
    "rim_width": (0.1, 100),
    "side": (-1, 1),
    "rough": (0, 10),
    "rough_length": (0.1, 100),
    "mottle": (0, 1),
    "grain": (0, 1),
    "grain_size": (0.3, 50),
    "resin": (0, 2),
    "charging": (-1, 5),
    "charging_length": (0.01, 100),
    "streaks": (0, 1),
    "curtains": (0, 1),
    "shading": (0, 1),
    "focus": (0, 50),
    "defocus": (0, 50),
    "electrons": (1, 1e6),
    "line_noise": (0, 1),
    "white": (0.01, 3),
    "black": (-2, 0.99),
    "gamma": (0.1, 10),
}

# what real micrographs have: lowest, highest, and whether the logarithm is even between them
RANGES: dict[str, tuple[float, float, bool]] = {
    "depth": (0.08, 1.5, True),  # Prill: pores of a stack shine from several slices behind; Micrographs
    "occlusion": (0.0, 1.6, False),  # Reimer 6.1: shadow contrast in holes; Micrographs
    "reflection": (0.0, 0.2, False),  # Reimer 5.2: SE3 from walls and pole piece; Micrographs
    "tilt": (0.0, 1.3, False),  # Reimer 4.2: n = 0.8 to 1.3; 0 for detectors in the lens, which see no slope
    "rim": (0.0, 1.2, False),  # Seiler: edges up to twice as bright; Micrographs
    "rim_width": (0.6, 4.0, True),  # Seiler: escape depth 1 to 20 nm, at 1 to 20 nm per pixel
    "side": (-0.35, 0.35, False),  # Goldstein 6: detector on one side; Micrographs
    "rough": (0.05, 0.5, True),  # Micrographs: cryo-fractured membranes
    "rough_length": (1.0, 6.0, True),  # Micrographs
    "mottle": (0.0, 0.06, False),  # Micrographs
    "grain": (0.0, 0.10, False),  # Goldstein 18: coatings of Au, Pd, Pt, Cr, grains of 1 to 20 nm
    "grain_size": (0.5, 2.5, True),  # the same, at 1 to 20 nm per pixel
    "resin": (0.1, 0.6, False),  # Micrographs: filled electrodes and rocks
    "charging": (-0.15, 0.3, False),  # Postek: brighter or darker around edges of insulators
    "charging_length": (0.2, 3.0, True),  # Postek
    "streaks": (0.0, 0.15, False),  # Postek
    "curtains": (0.0, 0.08, False),  # Prill; seen in most FIB-SEM stacks
    "shading": (0.0, 0.35, False),  # Micrographs
    "focus": (0.3, 1.8, True),  # Micrographs: walls are 1 to 4 pixels soft
    "defocus": (0.0, 2.0, False),  # Goldstein 6: depth of focus 1 to 100 widths of the field
    "electrons": (
        40.0,
        5000.0,
        True,
    ),  # Micrographs: noise of 0.01 to 0.12 of the contrast (bench/mask/contrast.py)
    "line_noise": (0.0, 0.02, False),  # Micrographs
    "white": (0.65, 1.1, False),  # Micrographs: from flat to clipped
    "black": (-0.05, 0.2, False),  # Micrographs
    "gamma": (0.6, 1.6, True),  # Micrographs
}
_NUMBERS = tuple(field.name for field in fields(Look) if field.name not in ("signal", "surface"))


def draw_look(rng: np.random.Generator, signal: Signal | None = None, surface: Surface | None = None) -> Look:
    """Draw a look at random from `RANGES`; signal and surface too, unless they are given.

    Two of three are of secondary electrons; half of those are of a fracture, the others of a clean cut.
    One of four pictures in backscattered electrons is of filled pores.
    """
    values = {name: _between(*RANGES[name], rng.random()) for name in _NUMBERS}
    chance = rng.random(2)
    signal = signal or ("secondary" if chance[0] < 2 / 3 else "backscattered")
    if surface is None:
        if signal == "secondary":
            surface = "fracture" if chance[1] < 1 / 2 else "cut"
        else:
            surface = "filled" if chance[1] < 1 / 4 else "cut"
    if surface != "fracture":
        values["rough"] = 0.0
    if surface == "fracture":
        values["curtains"] = 0.0
    if signal == "backscattered":  # from below the surface: no rims, little of the slope
        # half of what escapes comes from less than 0.03 to 0.3 µm at 2 to 5 kV (Goldstein 1), pores are 0.1
        # to 5
        values |= {"depth": values["depth"] / 4, "rim": values["rim"] / 8, "tilt": values["tilt"] / 4}
    return Look(signal=signal, surface=surface, **values)


def _between(low: float, high: float, even_logarithm: bool, share: float) -> float:
    return low * (high / low) ** share if even_logarithm else low + (high - low) * share
