"""What the benches that race other packages share: one structure, and how memory is told."""

from pathlib import Path

import numpy as np

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


def gaussian_field(size: int, porosity: float = 0.6, width: float = 3.5, seed: int = 0) -> np.ndarray:
    """A thresholded Gaussian field, periodic, with pores of some ten voxels; True is pore."""
    from scipy.ndimage import gaussian_filter

    noise = np.random.default_rng(seed).standard_normal((size, size, size)).astype(np.float32)
    field = gaussian_filter(noise, width, mode="wrap")
    return field < np.quantile(field, porosity)


def peak_mb() -> float:
    """Largest memory this process has held [MiB]; Linux, macOS, or anything with psutil."""
    status = Path("/proc/self/status")  # not getrusage, whose peak a process inherits from its parent
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    try:
        import resource
    except ImportError:
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
