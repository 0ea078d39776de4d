"""What needs no fit: structures from one section by methods that others publish, to be compared with.

Each is a function of the section, the edge of the cube wanted [voxels] and a seed, and gives a periodic cube
of exactly the section's porosity on its grid. The third baseline, the paper's literal preset, is porescape's
own `--method paper`.

Of one truth the very process is known, so it can be run again: what that gives is no method but the floor
that no method can be below.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import fft
from scipy.integrate import cumulative_trapezoid, trapezoid
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter
from scipy.special import ndtri

from own_truths import distance_to_balls
from porescape.core.image import PhaseImage
from porescape.core.volume import Volume
from porescape.fit.objective import FARTHEST_LAG, unit_length
from porescape.fit.refine.annealing import refine
from porescape.measure.geometry.correlation import mean_chords
from porescape.measure.section.describe import cut_windows, describe
from porescape.synthesis.height import rank_level

TUNED = 0.005  # relative; how near the chords of blobs are brought to the image's
MOST_TRIES = 12


def cut_correlation(rho: ArrayLike, porosity: float) -> NDArray[np.float64]:
    """Return the autocovariance of a cut Gaussian field, over its value at 0, from that of the field.

    Two normal variables of correlation rho are both above the level t with a probability whose derivative
    by rho is exp(-t² / (1 + rho)) / (2 pi sqrt(1 - rho²)); with rho = sin(angle) the root falls out.

    References
    ----------
    Quiblier (1984), Journal of Colloid and Interface Science 98, 84; Adler, Jacquin and Quiblier (1990),
    International Journal of Multiphase Flow 16, 691; Berk (1991), Physical Review A 44, 5069.

    Examples
    --------
    >>> cut_correlation([0.0, 0.5, 1.0], 0.5).round(3)  # 2 / pi * arcsin(rho)
    array([0.   , 0.333, 1.   ])
    """
    angle, share = _tabulated(porosity)
    return np.interp(np.arcsin(rho), angle, share)


def field_correlation(cut: ArrayLike, porosity: float) -> NDArray[np.float64]:
    """Return the correlation of the Gaussian field whose cut has this autocovariance; inverts the above."""
    angle, share = _tabulated(porosity)
    return np.sin(np.interp(cut, share, angle))


def _tabulated(porosity: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    level = ndtri(1 - porosity)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 40001)
    slope = np.exp(-(level**2) / np.maximum(1 + np.sin(angle), 1e-300))
    share = cumulative_trapezoid(slope, angle, initial=0)
    share -= np.interp(0, angle, share)
    return angle, share / share[-1]


def gaussian_like(section: PhaseImage, size: int, seed: int) -> Volume:
    """Return a cut Gaussian random field with the section's S2, as far as such a field can have it.

    The section's autocovariance is followed as far as the fit follows it (6 lengths of Debye), fading over
    the second half, where it is noise. Powers of the spectrum below 0 are set to 0, and so are the least ones
    above it: as many as leave the field its correlation at lag 1, for else half of the noise at high
    frequencies would stay and fray the walls.
    """
    window = min(section.pore.shape)
    windows = cut_windows(section.pore, window)
    unit = unit_length(describe(windows, 1.0, 2))
    far = min(max(round(FARTHEST_LAG * unit), 8), window // 2)
    seen = describe(windows, 1.0, far + 1).covariance()
    seen *= np.minimum(1, 2 * (1 - np.arange(far + 1) / far))
    wanted = field_correlation(seen, section.porosity)
    wave = 2 * np.pi * fft.fftfreq(size)
    along = 2 * np.pi * fft.rfftfreq(size)
    length = np.sqrt(wave[:, None, None] ** 2 + wave[:, None] ** 2 + along**2)
    known = np.linspace(0, length.max(), 2048)
    power = _without_the_least(_spectrum(wanted, known), known, length, wanted[1])
    amplitude = np.sqrt(np.interp(length, known, power))
    noise = np.random.default_rng(seed).standard_normal((size,) * 3, dtype=np.float32)
    field = fft.irfftn(fft.rfftn(noise) * amplitude.astype(np.float32), s=noise.shape)
    return _cut(field, section)


def _spectrum(correlation: NDArray[np.float64], wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the spectral density in space of an isotropic correlation known at whole lags: its radial
    Fourier transform, 4 pi times the integral of r² rho(r) sin(k r) / (k r)."""
    lags = np.arange(len(correlation))
    both_ways = np.concatenate([-lags[:0:-1], lags])  # so that the curve is level at lag 0
    smooth = PchipInterpolator(both_ways, np.concatenate([correlation[:0:-1], correlation]))
    r = np.linspace(0, lags[-1], 10 * lags[-1] + 1)
    return 4 * np.pi * trapezoid(r**2 * smooth(r) * np.sinc(wave[:, None] * r / np.pi), r, axis=1)


def _without_the_least(
    power: NDArray[np.float64], known: NDArray[np.float64], length: NDArray[np.float64], wanted: float
) -> NDArray[np.float64]:
    """Return a spectrum without its least powers: as many as give the field this correlation at lag 1."""
    modes = np.histogram(length, len(known), (0, known[-1]))[0]
    at_lag_1 = modes * np.sinc(known / np.pi)
    for least in power.max() * np.concatenate([[0], np.geomspace(1e-7, 0.1, 140)]):
        kept = np.where(power > least, power, 0)
        if kept @ at_lag_1 >= wanted * (kept @ modes):
            break
    return kept


def blobs_like(section: PhaseImage, size: int, seed: int) -> Volume:
    """Return what `porespy.generators.blobs` makes, tuned to the section's mean pore chord.

    The same noise, blur and cut as PoreSpy 3.2's with the same seed, voxel by voxel, but for the cut being by
    rank, so that the porosity is exact. The chord grows with the width of the blur: a few proportional steps
    find it, on the replica's own noise.
    """
    wanted = mean_chords(Volume(section.pore[None], 1.0))[0]
    noise = np.random.RandomState(seed % 2**32).random_sample((size,) * 3)  # PoreSpy's generator
    width = wanted / 4
    for _ in range(MOST_TRIES):
        volume = _cut(-gaussian_filter(noise, width, mode="wrap"), section)
        found = mean_chords(volume)[0] / volume.voxel_size
        if abs(found / wanted - 1) < TUNED:
            break
        width *= wanted / found
    return volume


def balls_again(section: PhaseImage, size: int, seed: int, on_voxels: bool = False) -> Volume:
    """Return overlapping solid balls thrown anew: the process of the shared overlapping spheres.

    Their radius is that of the shared ones, their porosity the section's. Shared ones seem to have their
    centres on voxels, so all of them are one and the same little pile of voxels; where a replica has its
    origin no image can say, so by default centres lie anywhere.
    """
    chance = np.random.default_rng(seed)
    count = round(-np.log(section.porosity) * size**3 / (4 / 3 * np.pi * BALL_RADIUS**3))
    centres = chance.random((count, 3)) * size
    if on_voxels:  # as they come: to have the porosity to the voxel, balls would have to be frayed
        away = distance_to_balls(np.floor(centres) + 0.5, np.full(count, BALL_RADIUS), size)
        return Volume(away > 0, section.pixel_size)
    return _cut(distance_to_balls(centres, np.full(count, BALL_RADIUS), size), section)


BALL_RADIUS = 8.0  # voxels


def _cut(field: NDArray[np.floating], section: PhaseImage) -> Volume:
    """Return the field's highest part as pores."""
    field = field.astype(np.float32)
    return Volume(field > rank_level(field, section.porosity), section.pixel_size)


Baseline = Callable[[PhaseImage, int, int], Volume]
BASELINES: dict[str, Baseline] = {"field": gaussian_like, "blobs": blobs_like}
FLOORS: dict[str, Baseline] = {
    "balls": balls_again,
    "voxel-balls": partial(balls_again, on_voxels=True),
    "refined-balls": lambda section, size, seed: refine(balls_again(section, size, seed), section, seed=seed),
}
