"""A micrograph of a volume, with the truth that it shows."""

from dataclasses import dataclass

import numpy as np

from porescape.core.image import Micrograph, PhaseImage
from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.measure.geometry.correlation import mean_chords
from porescape.rendering.cut import meet
from porescape.rendering.instrument import photograph
from porescape.rendering.look import Look
from porescape.rendering.signal import brightness, texture
from porescape.rng import stream


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A micrograph of a known volume.

    Attributes
    ----------
    micrograph : Micrograph
    plane : PhaseImage
        What lies in the cut, pixel by pixel; of a fracture, what lies in its rough surface.
    look : Look
    """

    micrograph: Micrograph
    plane: PhaseImage
    look: Look


def render_micrograph(volume: Volume, look: Look | None = None, seed: int = 0) -> Rendered:
    """Show a cut through a volume as an SEM might.

    The beam looks along z at layer 0. Secondary electrons come from the first surface they meet, brighter
    on slopes and edges, darker with depth and in narrow openings; backscattered electrons from all solid
    within their reach. Not modelled: the paths of single electrons, composition, drift of the stage.

    Parameters
    ----------
    volume : Volume
        A pixel of the micrograph is as large as a voxel. Solid that lies deeper than the volume is not seen:
        three mean pore chords or more are wanted.
    look : Look, optional
        A secondary-electron picture of a clean cut by default; `draw_look` draws one at random.
    seed : int
        Of noise, grain, fracture and shading.

    Returns
    -------
    Rendered
        Micrograph (8-bit grey levels, source "rendered") and the truth in its plane.

    Raises
    ------
    InputError
        The volume has one phase only.
    """
    look = look or Look()
    if volume.porosity in (0, 1):
        raise InputError("the volume is all pore or all solid; a micrograph of it shows nothing")
    rng = stream(seed, "micrograph")
    chord = mean_chords(volume)[0] / volume.voxel_size
    relief = None
    if look.surface == "fracture" and look.rough:
        wide = look.rough_length * chord
        hills = texture(rng, volume.shape[1:], wide / 2) * look.rough * chord
        relief = np.minimum(hills - hills.min(), len(volume.pore) / 2).astype(np.float32)
    met = meet(volume.pore, relief)
    light = brightness(met, look, chord, rng)
    filled = look.surface == "filled" or look.signal == "backscattered"
    depth = np.zeros_like(met.below) if filled else met.below / chord
    grey = photograph(light, depth, look, rng)
    micrograph = Micrograph(
        grey, volume.voxel_size, "rendered", "rendered", crop=(0, 0, *grey.shape), is_binary=False
    )
    return Rendered(micrograph, PhaseImage(~met.solid, volume.voxel_size), look)
