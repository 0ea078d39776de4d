"""The sample that comes with the package: one micrograph, and the structure that it shows.

Both are simulated by `tools/make_sample.py`: a polymer solution that phase-separates
(Cahn-Hilliard), cut, and rendered as a secondary-electron detector might show it. The structure is
independent of this package's generator, so a reconstruction can be compared with it. The image was
made so that the default segmentation works: it is no evidence of the quality of segmentation.
"""

import json
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from porescape.core.image import PhaseImage
from porescape.core.volume import Volume

_DATA = files("porescape") / "data"


def sample_path() -> Path:
    """Return the path of the micrograph: a TIFF with an info banner and its pixel size in the FEI tag."""
    with as_file(_DATA / "sample.tif") as path:  # wheels are unpacked, so the path stays valid
        return path


def load_truth() -> Volume:
    """Return 128³ voxels of the structure; layer z = 0 lies in the cut that the micrograph shows."""
    stored, voxel_size = _stored()
    return Volume(_unpack(stored["packed"], stored["shape"]), voxel_size)


def load_truth_section() -> PhaseImage:
    """Return pore and solid in the cut itself, pixel by pixel as in the micrograph above its banner."""
    stored, voxel_size = _stored()
    return PhaseImage(_unpack(stored["section"], stored["section_shape"]), voxel_size)


def _stored() -> tuple[dict[str, np.ndarray], float]:
    with (_DATA / "sample_truth.npz").open("rb") as file, np.load(file) as archive:
        stored = dict(archive)
    return stored, float(json.loads(str(stored["meta"]))["voxel_size"])


def _unpack(bits: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return np.unpackbits(bits, count=int(np.prod(shape))).reshape(tuple(shape)).astype(bool)
