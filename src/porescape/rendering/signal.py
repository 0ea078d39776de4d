"""What a surface sends back: its brightness in secondary or backscattered electrons."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from porescape.rendering.cut import Met
from porescape.rendering.look import Look

Field = NDArray[np.float32]

RADII = (0.25, 0.5, 1.0, 2.0)  # pore chords; over these a hole narrows the sky (chosen by hand)


def brightness(met: Met, look: Look, chord: float, rng: np.random.Generator) -> Field:
    """Return the light of each pixel before the microscope blurs and counts it; the flat cut has 1.

    Parameters
    ----------
    met : Met
    look : Look
    chord : float
        Mean chord of the pores [voxels].
    rng : Generator
    """
    if look.surface == "filled":  # flat, and opaque at the scale of the pores
        light = np.where(met.solid, np.float32(1), np.float32(look.resin))
    elif look.signal == "secondary":
        light = _secondary(met, look, chord)
    else:
        light = _backscattered(met, look, chord)
    light = light * (1 + look.mottle * texture(rng, light.shape, 2 * chord))
    light = light * (1 + look.grain * texture(rng, light.shape, look.grain_size))
    if look.charging:
        light = light + look.charging * _gathered(light, look.charging_length * chord)
    if look.streaks:
        light = light + look.streaks * _tails(light, chord)
    return np.asarray(np.maximum(light, 0), dtype=np.float32)


def texture(rng: np.random.Generator, shape: tuple[int, ...], width: float) -> Field:
    """Return smooth noise of unit variance; `width` [pixels] is the standard deviation of its Gaussian."""
    coarse = max(1, int(width // 4))  # nothing is lost: the noise is smooth over several of these
    sigma = width / coarse
    margin = int(4 * sigma) + 1
    small = tuple(-(-n // coarse) + 2 + 2 * margin for n in shape)
    noise = ndimage.gaussian_filter(rng.standard_normal(small, dtype=np.float32), sigma, mode="nearest")
    impulse = np.zeros(2 * margin + 1)
    impulse[margin] = 1
    noise /= float(np.square(ndimage.gaussian_filter1d(impulse, sigma)).sum()) ** (len(shape) / 2)
    noise = noise[(slice(margin, -margin),) * len(shape)]
    if coarse > 1:
        noise = ndimage.zoom(noise, coarse, order=1)
    return np.asarray(noise[tuple(slice(n) for n in shape)])


def _secondary(met: Met, look: Look, chord: float) -> Field:
    """Yield by slope and edge, less what depth and walls keep back (Reimer 4.2, 6.1)."""
    height = met.height
    sky = np.zeros_like(height)
    for radius in RADII:
        wide = max(radius * chord, 0.5)
        around = ndimage.gaussian_filter(height, wide, mode="reflect")
        sky += np.clip((around - height) / wide, 0, 2) / len(RADII)
    edge = np.clip(
        (height - ndimage.gaussian_filter(height, look.rim_width, mode="reflect")) / look.rim_width, 0, 1
    )
    slope = ndimage.gaussian_filter(height, 1.0, order=(0, 1), mode="reflect")
    light = met.steepness**look.tilt * (1 + look.rim * edge) * (1 + look.side * np.clip(slope, -1, 1))
    light *= np.exp(-met.below / (look.depth * chord) - look.occlusion * sky)
    return np.asarray(light * (1 - look.reflection) + look.reflection, dtype=np.float32)


def _backscattered(met: Met, look: Look, chord: float) -> Field:
    """Solid below each pixel, weighted by the depth from which electrons escape; little of the slope."""
    reach = max(look.depth * chord, 0.3)
    layers = min(len(met.left), round(6 * reach) + 1 + int(met.top.max()))
    z = np.arange(layers, dtype=np.float32)[:, None, None]
    weight = np.exp(-np.maximum(z - met.top, 0) / reach) * (z >= met.top)
    light = (met.left[:layers] * weight).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-6)
    edge = np.clip((met.height - ndimage.gaussian_filter(met.height, look.rim_width)) / look.rim_width, 0, 1)
    light = light * met.steepness**look.tilt * (1 + look.rim * edge)
    return np.asarray(light * (1 - look.reflection) + look.reflection, dtype=np.float32)


def _gathered(light: Field, wide: float) -> Field:
    """Charge gathers where much is emitted: contrast against a wide surrounding, smoothed."""
    near = ndimage.gaussian_filter(light, wide / 2, mode="reflect")
    return np.asarray(near - ndimage.gaussian_filter(light, 2 * wide, mode="reflect"))


def _tails(light: Field, chord: float) -> Field:
    """The detector's answer to what the beam has just left: darker behind bright places, along the line."""
    decay = np.exp(-1 / max(chord, 2.0))
    high = light - light.mean(axis=1, keepdims=True)
    tail = np.empty_like(light)
    state = np.zeros(len(light), dtype=np.float32)
    for column in range(light.shape[1]):
        tail[:, column] = -state
        state = decay * state + (1 - decay) * high[:, column]
    return tail
