"""A second renderer of SEM-like pictures of known volumes, only to judge a model that another one taught.

It is written from the physics of the microscope, without sight of the renderer that makes the teaching
pictures, and its parameters are never fitted to what a model finds. `P(...)` in the text below names the
parameters of `Rendered.look`; all lengths there are in pixels or in features (mean chords of the pores).

What is modelled, in the order of `render`:

- The beam meets the first solid below a cut plane, or below a smooth rough surface (a fracture).
- Secondary yield grows with tilt as 1/cos^n, up to a cap (Seiler 1983; Reimer 1998, ch. 4).
- Edges, thin walls and thin fibres are bright, concave corners dark: electrons leave through every surface
  within reach, so the emission follows the share of vacuum in a ball around the point of impact (Reimer
  1998, ch. 4; Goldstein et al. 2018, ch. 5). Two radii: escape, and the range of backscattered ones.
- Shadowing: rays from the point of impact to the half space, weighted by the cosine law and by a detector at
  the side whose field also bends electrons towards itself (Everhart & Thornley 1960; Reimer 1998, ch. 5).
- The field that draws electrons out fades within holes (Reimer 1998, ch. 5; Prill & Schladitz 2013).
- What hits a wall frees other electrons: a diffuse part of the light in pores (Reimer 1998, ch. 4).
- Backscatter comes from a finite depth: shine-through, exponential (Kanaya & Okayama 1972; Prill & Schladitz
  2013), or none, where resin fills the pores (Goldstein et al. 2018, ch. 19 on embedded sections).
- Defocus by distance from the plane in focus (Goldstein et al. 2018, ch. 3: depth of field), a Gaussian beam
  with a wide skirt (Reimer 1998, ch. 3).
- Coating grain, curtains of ion milling (Giannuzzi & Stevie 2005; Münch et al. 2009), charging as halos and
  as trails along scan lines (Cazaux 2004), drift and vibration of lines (Cizmar et al. 2008), Poisson noise
  with excess (Timischl et al. 2012), shading, gamma, brightness, contrast and clipping (Goldstein et al.
  2018, ch. 6).

What is done badly: no Monte Carlo of electron paths, one material, no view from the side, no smearing of soft
walls by the knife, no tearing of walls at a fracture.

References
----------
Cazaux (2004), J. Appl. Phys. 95, 731. Cizmar, Vladár, Ming, Postek (2008), Scanning 30, 381.
Everhart, Thornley (1960), J. Sci. Instrum. 37, 246. Giannuzzi, Stevie (2005), Introduction to Focused Ion
Beams, Springer. Goldstein et al. (2018), Scanning Electron Microscopy and X-Ray Microanalysis, 4th ed.,
Springer. Kanaya, Okayama (1972), J. Phys. D 5, 43. Münch et al. (2009), Opt. Express 17, 8567.
Prill, Schladitz (2013), Scanning 35, 189. Reimer (1998), Scanning Electron Microscopy, 2nd ed., Springer.
Seiler (1983), J. Appl. Phys. 54, R1. Timischl, Date, Nemoto (2012), Scanning 34, 137.
"""

import argparse
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, gaussian_filter1d, map_coordinates, zoom
from scipy.signal import lfilter

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the bench's other files, which are no package

Grey = NDArray[np.float32]
Look = dict[str, float | str]

KINDS = {"secondary": 0.45, "backscattered": 0.25, "fracture": 0.30}  # chosen by hand: what papers show
DIRECTIONS = 28  # of the half space; more changes no grey level by more than one in a hundred
DEEPEST = 6.0  # features; deeper, nothing of the signal is left
LEAST_DEPTH = 2.5  # features; a volume that ends before goes on as its own turned copy
SURFACE = 1.3  # voxels, width of the smoothing that takes the steps off the voxels' surface
ABOVE = 4  # empty voxels above the cut, so that the smoothing sees vacuum
TILT_CAP = 3.5  # of 1/cos; near 5 at grazing incidence (Seiler 1983), which steps of voxels show too often
BRIGHTEST = 3.5  # times a flat face; edges in published micrographs are two to three times as bright
PROBE = 0.8  # voxels; over which the tilt is averaged, so that the steps of voxels do not glow


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A picture and its truth.

    Attributes
    ----------
    grey : ndarray of float32, shape (y, x)
        Whole grey levels, 0 to 255.
    solid : ndarray of bool, shape (y, x)
        True where the solid lies in the (mean) plane of the cut.
    look : dict
        Every parameter drawn.
    """

    grey: Grey
    solid: NDArray[np.bool_]
    look: Look


def render(
    pore: NDArray[np.bool_], layer: int, feature: float, rng: np.random.Generator, kind: str | None = None
) -> Rendered:
    """Return a picture of the section `pore[layer]` of a volume (z, y, x), seen along +z.

    `feature` is the mean chord of the pores [voxels]; `kind` one of `KINDS`, or None to draw one.
    """
    if pore.ndim != 3 or not 0 <= layer < len(pore):
        raise ValueError(f"a volume (z, y, x) and one of its layers are needed, got {pore.shape} and {layer}")
    if kind is None:
        kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is not known; choose one of {', '.join(KINDS)}")
    look = draw(kind, feature, rng)
    plane = ~pore[layer]
    if look["resin"]:
        signal, depth = _embedded(plane, look, rng), np.zeros(plane.shape, np.float32)
    else:
        signal, depth = _seen(pore, layer, feature, look, rng)
    return Rendered(_instrument(signal, depth, plane, feature, look, rng), plane, look)


def draw(kind: str, feature: float, rng: np.random.Generator) -> Look:
    """Draw how a picture looks. Ranges are chosen by hand where no source is named."""
    secondary = kind != "backscattered"
    look: Look = {"kind": kind}

    def even(name: str, low: float, high: float) -> None:
        look[name] = float(rng.uniform(low, high))

    def times(name: str, low: float, high: float) -> None:
        look[name] = float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def at_times(name: str, share: float, low: float, high: float) -> None:
        value = float(rng.uniform(low, high))  # drawn always, so that one parameter shifts no other
        look[name] = value if rng.random() < share else 0.0

    look["resin"] = float(not secondary and rng.random() < 0.4)
    even("tilt_power", 0.6, 1.3)  # 0.8 for heavy, 1.1 to 1.3 for light elements (Seiler 1983; Reimer 1998)
    even("edge", 0.3, 1.6)  # signal at a thin edge over that of a face: 1.3 to 3 (Goldstein et al. 2018)
    times("escape", 0.8, 2.5)  # pixels; 1 to 20 nm against pixels of 1 to 100 nm, never below one pixel
    times("range", 0.08, 0.45)  # features; tenths of a µm at 1 to 5 kV (Kanaya & Okayama 1972)
    even("range_weight", 0.2, 1.0)  # SE2 to SE1: 0.2 (light) to 1 (heavy) (Reimer 1998, ch. 4)
    even("azimuth", 0, 2 * math.pi)  # of the detector
    even("elevation", 0.3, 1.0)  # radian
    even("sidedness", 0.0, 1.6)  # 0 is a detector in the lens, which sees all sides alike
    times("extraction", 0.8, 8.0)  # features over which the extraction field falls by e
    even("closeness", 0.7, 1.6)  # power of the visible share of the sky
    even("reflected", 0.03, 0.25)  # share of what walls catch that is given back
    times("information_depth", 0.04, 1.2)  # features, of backscatter; half the range (Goldstein et al. 2018)
    even("topography", 0.0, 0.35)  # of backscatter: share of tilt contrast
    even("roughness", 0.12, 0.5)  # features, standard deviation of a fracture's height
    times("roughness_width", 0.9, 3.0)  # features, over which that height changes
    times("beam", 0.45, 1.4)  # pixels; a picture's pixels are chosen to match the probe
    even("skirt", 0.0, 0.25)  # share of the probe's current in its tails
    times("skirt_width", 3.0, 9.0)  # pixels
    even("defocus", 0.0, 1.2)  # pixels of blur per feature of depth (aperture of 5 to 20 mrad; close up more)
    even("focus", 0.0, 0.4)  # features below the cut
    even("grain", 0.0, 0.10)  # of sputtered metal: islands of 2 to 10 nm
    times("grain_width", 0.5, 1.6)  # pixels
    even("texture", 0.0, 0.06)  # of cut faces: traces of the knife, films, dirt
    at_times("curtain", 0.5 if not secondary else 0.12, 0.01, 0.10)
    at_times("halo", 0.35 if secondary else 0.05, 0.1, 0.6)
    at_times("trail", 0.3 if secondary else 0.05, 0.05, 0.35)
    at_times("lines", 0.4, 0.003, 0.03)  # spread of the brightness of scan lines
    at_times("drift", 0.5, 0.1, 0.7)  # pixels; more would part picture and truth
    times("dose", 40, 3000)  # electrons counted per pixel at full signal: signal to noise of 6 to 55
    even("lag", 0.0, 0.35)  # of the detector, from one pixel to the next
    even("shading", 0.0, 0.22)
    even("gamma", 0.65, 1.5)
    look["tone"] = str(
        rng.choice(["full", "flat", "dark", "bright", "hard"], p=[0.4, 0.22, 0.15, 0.13, 0.10])
    )
    return look


# -- what the beam meets ----------------------------------------------------------------------------


def _seen(
    pore: NDArray[np.bool_], layer: int, feature: float, look: Look, rng: np.random.Generator
) -> tuple[Grey, Grey]:
    """Return the signal without instrument and the depth below the mean plane [voxels]."""
    shape = pore.shape[1:]
    height = np.zeros(shape, np.float32)
    if look["kind"] == "fracture":
        height = _rough(shape, feature * look["roughness_width"], rng) * feature * look["roughness"]
        height = np.clip(height, -layer, 1.2 * feature)
    top = max(0, math.ceil(-height.min()))
    below = math.ceil(DEEPEST * feature)
    solid = ~pore[layer - top : layer + below]
    if len(solid) - top < LEAST_DEPTH * feature:
        turned = ~pore[:, ::-1, ::-1]
        solid = np.concatenate([solid, turned[: math.ceil(LEAST_DEPTH * feature)]])
    solid = np.concatenate([np.zeros((ABOVE, *shape), bool), solid])
    ground = top + ABOVE + height  # the cut, in layers of `solid`
    for z in range(math.ceil(ground.max())):
        solid[z] &= z >= ground - 0.5
    field = gaussian_filter(solid.astype(np.float32), SURFACE, mode="nearest", truncate=3.0)

    depth, normal, hit = _first_hits(solid, field)
    wide = _around(solid, max(1.5, look["range"] * feature), depth)
    near = (
        _around(solid, max(0.9, look["escape"]), depth) if look["escape"] > SURFACE else _sample(field, depth)
    )
    normal = _fine_relief(normal, look, rng)
    tilt = gaussian_filter(np.minimum(1 / np.maximum(normal[0], 1e-3), TILT_CAP), PROBE)
    seen = depth - top - ABOVE
    below_cut = np.maximum(depth - ground, 0)

    if look["kind"] == "backscattered":
        signal = _shine_through(solid, ground, max(0.5, look["information_depth"] * feature))
        relief = np.where(hit, normal[0] ** 0.5 * (0.6 + 0.4 * tilt**0.3), 1)
        sky = _sky(field, depth, normal, _directions(look), 2.5 * feature)
        open_sky = np.where(hit, sky, 0.0)
        signal = signal * (1 - look["topography"] + look["topography"] * relief * open_sky)
        return signal.astype(np.float32), seen.astype(np.float32)

    # a flat face has half a ball of vacuum over it; an edge more, a corner between walls less
    vacuum = (1 - look["range_weight"] / 2) * (1 - 2 * near) + look["range_weight"] / 2 * (1 - 2 * wide)
    emission = tilt ** look["tilt_power"] * np.exp(look["edge"] * 1.3 * vacuum)
    emission = BRIGHTEST * np.tanh(emission / BRIGHTEST)
    sky = _sky(field, depth, normal, _directions(look), 4.0 * feature) ** look["closeness"]
    drawn = np.exp(-below_cut / (look["extraction"] * feature))
    direct = np.where(hit, emission * sky * drawn, 0)
    caught = gaussian_filter(np.where(hit, emission * (1 - sky * drawn), 0.5), 0.4 * feature)
    lit = gaussian_filter(direct, 0.6 * feature)
    signal = direct + look["reflected"] * np.where(below_cut > 0.7, 0.5 * caught + 0.5 * lit, 0)
    return signal.astype(np.float32), seen.astype(np.float32)


def _rough(shape: tuple[int, ...], width: float, rng: np.random.Generator) -> Grey:
    """Return a smooth random height of mean 0 and deviation 1; fractures are rough on many scales."""
    height = np.zeros(shape)
    for octave, weight in ((1.0, 1.0), (0.45, 0.4), (0.2, 0.16)):
        noise = gaussian_filter(rng.standard_normal(shape), max(width * octave / 2, 0.5), mode="reflect")
        height += weight * noise / max(noise.std(), 1e-9)
    height -= height.mean()
    return (height / max(height.std(), 1e-9)).astype(np.float32)


def _fine_relief(normal: Grey, look: Look, rng: np.random.Generator) -> Grey:
    """Tilt the surface a little by a relief too fine for the volume."""
    relief = gaussian_filter(rng.standard_normal(normal.shape[1:]), 2.0)
    relief *= (3.0 if look["kind"] == "fracture" else 1.0) * look["texture"] / max(relief.std(), 1e-9) * 2
    slope = np.stack([np.zeros_like(relief), *np.gradient(relief)])
    tilted = normal + slope
    return (tilted / np.linalg.norm(tilted, axis=0)).astype(np.float32)


@njit(cache=True)
def _first_hits(solid, field):
    """Return where the beam meets solid [layers], the outward normal there (first part: towards the beam)."""
    nz, ny, nx = solid.shape
    depth = np.empty((ny, nx), np.float32)
    normal = np.zeros((3, ny, nx), np.float32)
    hit = np.zeros((ny, nx), np.bool_)
    for y in range(ny):
        for x in range(nx):
            z = 0
            while z < nz and not solid[z, y, x]:
                z += 1
            if z == nz:
                depth[y, x] = nz - 1
                normal[0, y, x] = 1
                continue
            hit[y, x] = True
            rise = field[z, y, x] - field[z - 1, y, x]
            shift = min(max((0.5 - field[z, y, x]) / rise, -1.0), 0.5) if rise > 1e-3 else 0.0
            depth[y, x] = z + shift
            up, down = max(z - 1, 0), min(z + 1, nz - 1)
            y0, y1, x0, x1 = max(y - 1, 0), min(y + 1, ny - 1), max(x - 1, 0), min(x + 1, nx - 1)
            share = -shift if shift < 0 else 0.0  # between this layer and the one above
            a = field[down, y, x] - field[up, y, x]
            b = (1 - share) * (field[z, y0, x] - field[z, y1, x]) + share * (
                field[up, y0, x] - field[up, y1, x]
            )
            c = (1 - share) * (field[z, y, x0] - field[z, y, x1]) + share * (
                field[up, y, x0] - field[up, y, x1]
            )
            a = max(a, 1e-3)
            size = math.sqrt(a * a + b * b + c * c)
            normal[0, y, x], normal[1, y, x], normal[2, y, x] = a / size, b / size, c / size
    return depth, normal, hit


def _directions(look: Look) -> NDArray[np.float64]:
    """Return rays (up, y, x, weight) that fill the half space, heavier towards the detector."""
    k = np.arange(DIRECTIONS) + 0.5
    up = np.sqrt(1 - k / DIRECTIONS * 0.97)  # equal shares of the cosine law
    turn = k * math.pi * (3 - math.sqrt(5))  # the golden angle: even, and no two in a row
    side = np.sqrt(1 - up**2)
    rays = np.stack([up, side * np.sin(turn), side * np.cos(turn)], axis=1)
    flat = math.cos(look["elevation"])
    towards = (
        math.sin(look["elevation"]),
        flat * math.sin(look["azimuth"]),
        flat * math.cos(look["azimuth"]),
    )
    weight = 1 + look["sidedness"] * np.maximum(rays @ np.array(towards), -0.3)
    return np.column_stack([rays, weight / weight.sum()])


@njit(cache=True)
def _sky(field, depth, normal, rays, reach):
    """Return the weighted share of rays that leave freely."""
    nz, ny, nx = field.shape
    sky = np.zeros((ny, nx), np.float32)
    for y in range(ny):
        for x in range(nx):
            total = 0.0
            z0 = depth[y, x] - 1.6 * normal[0, y, x]
            y0 = y + 1.6 * normal[1, y, x]
            x0 = x + 1.6 * normal[2, y, x]
            for k in range(len(rays)):
                clear, gone, step = 1.0, 0.0, 1.0
                while gone < reach:
                    gone += step
                    z = int(z0 - rays[k, 0] * gone + 0.5)
                    if z < 0:
                        break
                    v = int(y0 + rays[k, 1] * gone + 0.5)
                    u = int(x0 + rays[k, 2] * gone + 0.5)
                    if v < 0 or u < 0 or v >= ny or u >= nx:
                        break
                    if z < nz and field[z, v, u] > 0.3:
                        clear *= 1 - min(1.0, (field[z, v, u] - 0.3) * 2)
                        if clear < 0.02:
                            clear = 0.0
                            break
                    step *= 1.08
                total += rays[k, 3] * clear
            sky[y, x] = total
    return sky


def _sample(field: Grey, depth: Grey) -> Grey:
    """Return a field at the point of impact, between two layers."""
    low = np.clip(np.floor(depth).astype(int), 0, len(field) - 2)
    share = np.clip(depth - low, 0, 1)
    y, x = np.indices(depth.shape)
    return ((1 - share) * field[low, y, x] + share * field[low + 1, y, x]).astype(np.float32)


def _around(solid: NDArray[np.bool_], radius: float, depth: Grey) -> Grey:
    """Return the share of solid in a soft ball around the point of impact."""
    coarse = max(1, int(radius / 1.5))
    field = solid.astype(np.float32)
    if coarse == 1:
        return _sample(gaussian_filter(field, radius, mode="nearest", truncate=2.5), depth)
    pad = [(0, -n % coarse) for n in field.shape]
    field = np.pad(field, pad, mode="edge")
    parts = [v for n in field.shape for v in (n // coarse, coarse)]
    field = field.reshape(parts).mean(axis=(1, 3, 5))
    field = gaussian_filter(field, radius / coarse, mode="nearest", truncate=2.5)
    y, x = np.indices(depth.shape)
    places = [(axis + 0.5) / coarse - 0.5 for axis in (depth, y, x)]
    return map_coordinates(field, places, order=1, mode="nearest")


def _shine_through(solid: NDArray[np.bool_], ground: Grey, length: float) -> Grey:
    """Return backscatter: solid along the beam counts by exp(-depth/length), blurred as it spreads."""
    z0 = int(ground.min())
    z = np.arange(len(solid) - z0)
    weight = np.exp(-z / length)
    weight /= weight.sum()
    signal = np.zeros(solid.shape[1:], np.float32)
    for k in z[weight > 1e-3]:
        spread = 0.35 * min(k, 2 * length)
        layer = solid[z0 + k].astype(np.float32)
        signal += weight[k] * (gaussian_filter(layer, spread, truncate=2.5) if spread > 0.4 else layer)
    return signal


def _embedded(plane: NDArray[np.bool_], look: Look, rng: np.random.Generator) -> Grey:
    """Return a polished section in resin: two greys, a little relief at the boundaries, no depth."""
    mixed = gaussian_filter(plane.astype(np.float32), 0.5 + 2 * min(look["information_depth"], 0.4))
    relief = mixed - gaussian_filter(mixed, 2.5)
    patches = gaussian_filter(rng.standard_normal(plane.shape), 6)
    resin = 0.25 + 0.25 * look["topography"] + 0.02 * patches / max(patches.std(), 1e-9)
    return (resin + (1 - resin) * mixed + look["topography"] * 0.5 * relief).astype(np.float32)


# -- what the instrument makes of it ----------------------------------------------------------------


def _instrument(
    signal: Grey, depth: Grey, plane: NDArray[np.bool_], feature: float, look: Look, rng: np.random.Generator
) -> Grey:
    """Return grey levels: grain, focus, beam, charging, lines, noise, tone."""
    ny, nx = signal.shape
    grain = gaussian_filter(rng.standard_normal(signal.shape), look["grain_width"])
    face = gaussian_filter(rng.standard_normal(signal.shape), (1.5, 4.0))
    face += gaussian_filter(rng.standard_normal(signal.shape), 0.3 * feature) * 0.3 * feature
    signal = signal * (1 + look["grain"] * grain / max(grain.std(), 1e-9))
    signal = signal * (1 + look["texture"] * face / max(face.std(), 1e-9) * np.where(plane, 1, 0.4))
    if look["curtain"]:  # starts at boundaries, runs along y
        stripes = gaussian_filter1d(rng.standard_normal((ny, nx)), 1.2, axis=1)
        stripes = gaussian_filter1d(stripes, 0.4 * ny, axis=0, mode="nearest")
        born = np.abs(np.diff(plane.astype(float), axis=0, prepend=0)) * rng.standard_normal((ny, nx))
        born = lfilter(
            [1], [1, -math.exp(-1 / (1.5 * feature))], gaussian_filter1d(born, 0.8, axis=1), axis=0
        )
        stripes = stripes / max(stripes.std(), 1e-9) + 0.6 * born / max(born.std(), 1e-9)
        signal = signal * np.clip(1 + look["curtain"] * stripes, 0.4, 1.8)

    signal = _focused(signal, np.abs(depth / feature - look["focus"]) * look["defocus"])
    probe = gaussian_filter(signal, look["beam"])
    signal = (1 - look["skirt"]) * probe + look["skirt"] * gaussian_filter(signal, look["skirt_width"])

    scale = np.quantile(signal, 0.98) or 1.0
    signal = signal / scale
    excess = np.maximum(signal - np.quantile(signal, 0.8), 0)
    if look["halo"]:
        cloud = gaussian_filter(excess, 0.5 * feature) + 0.5 * gaussian_filter(excess, 2 * feature)
        signal = signal + look["halo"] * cloud / max(cloud.max(), 1e-9) * 0.8
    if look["trail"]:  # after a charged place the line stays brighter or darker, each line as it likes
        memory = math.exp(-1 / (1.5 * feature + 5))
        trail = lfilter([1 - memory], [1, -memory], excess, axis=1)
        mood = gaussian_filter1d(rng.standard_normal(ny), 0.7)[:, None] + rng.choice([-0.4, 0.6])
        signal = signal + look["trail"] * 3 * trail * mood
    signal = signal * (1 + look["lines"] * gaussian_filter1d(rng.standard_normal(ny), 0.5)[:, None])
    if look["drift"]:
        slow = gaussian_filter1d(rng.standard_normal((2, ny)), ny / 8, axis=1)
        slow = slow / np.abs(slow).max() + 0.25 * rng.standard_normal((2, ny)) * [[0.0], [1.0]]
        y, x = np.indices(signal.shape, dtype=float)
        places = [y + look["drift"] * slow[0][:, None], x + look["drift"] * slow[1][:, None]]
        signal = map_coordinates(signal, places, order=1, mode="nearest")

    v, u = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    lean, bow = rng.standard_normal(2), rng.standard_normal(2)
    shade = (lean[0] * v + lean[1] * u) / np.linalg.norm(lean) + 0.5 * (bow[0] * v * v + bow[1] * u * u)
    signal = np.maximum(signal * (1 + look["shading"] * shade / np.abs(shade).max()), 0)

    dose = look["dose"]  # 1.5: secondary electrons come in bunches (Timischl et al. 2012)
    counted = rng.poisson(np.minimum(signal, 8) * dose / 1.5) * 1.5 / dose
    counted = counted + rng.standard_normal(signal.shape) * 0.3 / math.sqrt(dose)
    counted = lfilter([1 - look["lag"]], [1, -look["lag"]], counted, axis=1, zi=look["lag"] * counted[:, :1])[
        0
    ]
    return _toned(counted, look, rng)


def _focused(signal: Grey, blur: Grey) -> Grey:
    """Blur each pixel by its own width [pixels]: between pictures blurred by 0, 1, 2, 4 and 8."""
    widths = (0.0, 1.0, 2.0, 4.0, 8.0)
    pictures = [signal] + [gaussian_filter(signal, w) for w in widths[1:] if w / 2 < blur.max()]
    place = np.interp(blur, widths[: len(pictures)], np.arange(len(pictures)))
    place = gaussian_filter(place, 1.0)  # no seams
    found = np.zeros_like(signal)
    for k, picture in enumerate(pictures):
        found += np.maximum(1 - np.abs(place - k), 0) * picture
    return found


def _toned(signal: Grey, look: Look, rng: np.random.Generator) -> Grey:
    """Return whole grey levels, as the operator set brightness and contrast.

    The five tones are ranges of the 1st and 99th percentile in published micrographs: full; flat
    (nothing black or white); dark and bright, where one class fills the picture; hard, clipped at both ends.
    """
    smooth = gaussian_filter(signal, 0.8)  # noise must not set the range
    low, high = np.quantile(smooth, (0.01, 0.99))
    span = max(high - low, 1e-3)
    ends = {
        "full": ((2, 40), (205, 250)),
        "flat": ((55, 105), (140, 200)),
        "dark": ((-15, 15), (120, 190)),
        "bright": ((60, 110), (230, 275)),
        "hard": ((-45, -5), (250, 310)),
    }[str(look["tone"])]
    black, white = (float(rng.uniform(*pair)) for pair in ends)
    look["black"], look["white"] = black, white
    unit = (signal - low) / span
    curved = np.sign(unit) * np.abs(unit) ** look["gamma"]
    return np.clip(np.rint(black + (white - black) * curved), 0, 255).astype(np.float32)


# -- a sheet to look at -----------------------------------------------------------------------------


def main() -> None:
    from matplotlib.image import imsave

    import truths
    from porescape.measure.geometry.correlation import mean_chords

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=Path, required=True, help="folder for a sheet per volume")
    parser.add_argument(
        "--names", help="volumes, with commas; default: our own, and the shared ones where they are"
    )
    parser.add_argument("--enlarge", type=int, default=2, help="voxels are cut into so many per edge")
    options = parser.parse_args()
    there = (truths.SHARED / "volumes").is_dir()
    names = truths.chosen(options.names or ("own,shared" if there else "own"))
    options.pictures.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        volume = truths.load(name)
        feature = mean_chords(volume)[0] / volume.voxel_size * options.enlarge
        part = volume.pore[: 120 // options.enlarge + 20, :160, :160]
        pore = zoom(gaussian_filter(part.astype(np.float32), 0.7), options.enlarge, order=1) > 0.5
        rows = []
        for row, kind in enumerate(KINDS):
            made = []
            for k in range(4):
                clock = time.perf_counter()
                rng = np.random.default_rng([number, row, k])
                made.append(render(pore, 20, feature, rng, kind))
                print(
                    f"{name} {kind} {k} {time.perf_counter() - clock:.2f} s {made[-1].look['tone']}",
                    flush=True,
                )
            rows.append(np.hstack([picture.grey for picture in made]))
        imsave(options.pictures / f"{name}.png", np.vstack(rows), cmap="gray", vmin=0, vmax=255)


if __name__ == "__main__":
    main()
