"""The interface of a threshold method: grey and settings in, a surface out.

A pixel is bright where it lies above the surface. Methods import numpy and other libraries when they are
used, so that their names are known without these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from porescape.core.settings import Segmentation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey: TypeAlias = NDArray[np.float32]
    Threshold: TypeAlias = Callable[[Grey, Segmentation], Grey]  # (ny, nx) each, in [0, 1]


def window_of(grey: Grey, settings: Segmentation) -> tuple[int, ...]:
    """Return the edges of the neighbourhood [pixels]."""
    if settings.window is not None:
        return (settings.window,) * grey.ndim
    return tuple(2 * (n // 16) + 1 for n in grey.shape)
