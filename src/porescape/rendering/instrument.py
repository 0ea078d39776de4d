"""What the microscope makes of the light: focus, counts, lines, shading, grey levels."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.rendering.look import Look
from porescape.rendering.signal import texture

Field = NDArray[np.float32]

DEPTHS = 5  # layers of blur for the depth of focus; more are not seen (chosen by hand)
EXTREME = 0.1  # percent of the pixels that are at black or white


def photograph(light: Field, depth: Field, look: Look, rng: np.random.Generator) -> Field:
    """Return grey levels in [0, 1], in steps of 1/255.

    Parameters
    ----------
    light : ndarray of float32, shape (ny, nx)
        The flat cut has 1.
    depth : ndarray of float32, shape (ny, nx)
        Behind the cut [pore chords].
    look : Look
    rng : Generator
    """
    ny, nx = light.shape
    y, x = np.linspace(-1, 1, ny)[:, None], np.linspace(-1, 1, nx)
    turn, bow = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.5)
    shade = 0.5 * (np.cos(turn) * x + np.sin(turn) * y) - bow * (x**2 + y**2 - 2 / 3)
    seen = _focused(light, depth, look) * (1 + look.shading * shade)
    if look.curtains:
        stripes = texture(rng, (nx,), 1.5) + 0.5 * texture(rng, (nx,), 8.0)
        seen = seen * (1 + look.curtains * stripes * (0.6 + 0.4 * y))
    counts = rng.poisson(np.maximum(seen, 0) * look.electrons) / look.electrons
    counts = counts + look.line_noise * rng.standard_normal((ny, 1))
    black, white = np.percentile(counts, (EXTREME, 100 - EXTREME))
    share = np.clip((counts - black) / max(white - black, 1e-6), 0, None)
    grey = look.black + (look.white - look.black) * share**look.gamma
    return np.asarray(np.rint(np.clip(grey, 0, 1) * 255) / 255, dtype=np.float32)


def _focused(light: Field, depth: Field, look: Look) -> Field:
    if look.defocus == 0 or not depth.any():
        return np.asarray(ndimage.gaussian_filter(light, look.focus, mode="reflect"))
    deepest = min(float(np.percentile(depth, 98)), 4.0)
    levels = np.linspace(0, deepest, DEPTHS)
    blurred = [
        ndimage.gaussian_filter(light, np.hypot(look.focus, look.defocus * level), mode="reflect")
        for level in levels
    ]
    place = np.clip(depth / max(deepest, 1e-6), 0, 1) * (DEPTHS - 1)
    found = np.zeros_like(light)
    for index, layer in enumerate(blurred):
        found += layer * np.maximum(1 - np.abs(place - index), 0)
    return found
