"""Volumes in and out: what we write has 255 or 1 for pore; what we read, two values, or grey."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from porescape.core.volume import Volume
from porescape.errors import InputError
from porescape.io.atomic import whole_file
from porescape.io.volumes.raw_volume import RawVolume, as_slabs, choose_voxel_size, what_was_seen
from porescape.io.volumes.volume_files import read_raw
from porescape.io.volumes.vti import write_vti
from porescape.version import __version__

__all__ = (
    "VolumeSource",
    "read_volume",
    "read_volume_with_source",
    "volume_from_array",
    "write_tiff",
    "write_vti",
)

Brightness = Literal["dark", "bright"]

PORE = 255  # BoneJ and Fiji take 255 for foreground
MOST_LEVELS = 65536  # of the histogram; finer grey levels are put together
MOST_LABELS = 8  # fewer different values than this are names of phases rather than grey levels
NUDGE = 0.05  # of the contrast between the means of the two classes
OVERLAP = 0.04  # of the voxels within the nudges; two Gaussian classes 3 standard deviations apart have that


@dataclass(frozen=True, slots=True, eq=False)
class VolumeSource:
    """A volume, and how it was made of a file.

    Attributes
    ----------
    volume : Volume
    name : str
        File or folder name.
    voxel_size_source : str
        Who says how large a voxel is, in words.
    pore : {"bright", "dark"}
        Which side was taken for pore.
    threshold : float or None
        Grey level, in the file's own numbers; the darker side includes it. None where there were but
        two values.
    threshold_source : {"otsu", "given"} or None
    porosity_range : tuple of float or None
        Porosity with the threshold 5 % of the contrast lower and higher; None where there was no threshold.
    warnings : tuple of str
        What a careful reader should know about how it was read.
    sha256 : str
        Of the file; of several, that of their names and hashes.
    """

    volume: Volume
    name: str
    voxel_size_source: str
    pore: Brightness
    threshold: float | None
    threshold_source: Literal["otsu", "given"] | None
    porosity_range: tuple[float, float] | None
    warnings: tuple[str, ...]
    sha256: str


class _Cut(NamedTuple):
    """Voxels told apart, and how."""

    bright: NDArray[np.bool_]
    pore: Brightness
    threshold: float | None = None
    source: Literal["otsu", "given"] | None = None
    porosity_range: tuple[float, float] | None = None
    warnings: tuple[str, ...] = ()


class Levels(NamedTuple):
    """How often each grey level occurs."""

    counts: NDArray[np.int64]
    grey: NDArray[np.float64]  # middle of each level, ascending


def write_tiff(path: Path | str, volume: Volume) -> None:
    """Write an ImageJ TIFF stack, uint8, 255 = pore, with its spacing in micrometres."""
    per_micron = 1e-6 / volume.voxel_size
    with whole_file(Path(path)) as temporary:
        tifffile.imwrite(
            temporary,
            np.where(volume.pore, np.uint8(PORE), np.uint8(0)),
            imagej=True,
            compression="zlib",
            resolution=(per_micron, per_micron),
            metadata={
                "axes": "ZYX",
                "spacing": volume.voxel_size * 1e6,
                "unit": "um",
                "Info": f"porescape {__version__}; 255 = pore, 0 = solid; voxel {volume.voxel_size:.9g} m",
            },
        )


def read_volume(path: Path | str, voxel_size: float | None = None) -> Volume:
    """Read a binary volume; the larger of its two values is pore.

    Parameters
    ----------
    path : path
        What `read_volume_with_source` reads.
    voxel_size : float, optional
        [m]; wins over what the file says.

    Raises
    ------
    InputError
        Not a 3-D array of two values, or nothing says how large a voxel is.
    """
    path = Path(path)
    raw, _ = read_raw(path)
    size, _, _ = choose_voxel_size(path.name, voxel_size, raw)
    # what is wrong with the array is said first
    volume = volume_from_array(raw.array, size or 1.0, path.name)
    if size is None:
        raise _no_size(path.name, what_was_seen(raw))
    return volume


def read_volume_with_source(
    path: Path | str,
    voxel_size: float | None = None,
    *,
    threshold: float | None = None,
    pore: Brightness | None = None,
) -> VolumeSource:
    """Read a binary or grey volume, and say how.

    A TIFF stack, a folder (or pattern, "scan/s_*.tif") of flat TIFF, PNG or BMP slices in the order of their
    numbers, `.npy`, `.npz` (one array, or `packed` bits and `shape`), `.vti`, `.nrrd`, or OME-Zarr (extra
    `zarr`; the finest level). Two values are taken as they are; grey is cut by one threshold everywhere.
    Otsu's looks for two classes: a third one (a void around the sample, dense particles) pulls it aside,
    and it fails on shading. Noise is cut as it is: denoise first.

    Parameters
    ----------
    path : path
    voxel_size : float, optional
        [m]; wins over what the file says.
    threshold : float, optional
        Grey level in the file's own numbers, the last that is dark; Otsu's by default.
    pore : {"dark", "bright"}, optional
        Which side is pore; by default the dark of grey volumes, and the larger of two values.

    Raises
    ------
    InputError
        Nothing there that can be read as a volume, voxels that are no cubes, a few labels instead of grey,
        or nothing says how large a voxel is.
    MissingExtra
        Zarr is not installed.

    References
    ----------
    Otsu (1979), IEEE Transactions on Systems, Man, and Cybernetics 9, 62.
    """
    path = Path(path)
    name = path.name
    raw, sha256 = read_raw(path)
    size, source, warnings = choose_voxel_size(name, voxel_size, raw)
    low, high, binary = grey_range(raw.array, name)
    if binary:
        cut = _Cut(_larger(raw.array, low, high), pore or "bright")
        if low == high:
            phase = "pore" if (low != 0) == (cut.pore == "bright") else "solid"
            warnings += (f"every voxel of {name} is {low:g}, which is taken for {phase}",)
        elif threshold is not None:
            warnings += (f"{name} holds two values only; the threshold {threshold:g} was not needed",)
    else:
        cut = _cut_grey(raw, (low, high), threshold, pore or "dark", name)
    if size is None:
        raise _no_size(name, what_was_seen(raw))
    inside = cut.bright
    if cut.pore == "dark":
        np.logical_not(inside, out=inside)
    return VolumeSource(
        Volume(inside, size),
        name,
        source,
        cut.pore,
        cut.threshold,
        cut.source,
        cut.porosity_range,
        (*raw.warnings, *warnings, *cut.warnings),
        sha256,
    )


def volume_from_array(array: NDArray[np.generic], voxel_size: float, name: str = "array") -> Volume:
    """Return a volume from a 3-D array of two values; the larger is pore.

    With one value only, 0 is solid and anything else pore.

    Raises
    ------
    InputError
        The array is not 3-D, holds NaN, or holds more than two values.
    """
    if array.ndim != 3:
        raise InputError(f"{name} has shape {array.shape}; wanted three axes (z, y, x)")
    low, high, binary = grey_range(array, name)
    if not binary:
        values = len(np.unique(array)) if array.size < 2**24 else "more than two"
        raise InputError(
            f"{name} holds {values} different values from {low:g} to {high:g}; wanted two, one per phase "
            "(True or the larger is pore): segment it first, or have it cut at a threshold by "
            "`read_volume_with_source`"
        )
    return Volume(_larger(array, low, high), voxel_size)


def grey_range(array: NDArray[Any], name: str) -> tuple[float, float, bool]:
    """Return the smallest and the largest value, and whether there is no other."""
    if array.size == 0:
        raise InputError(f"{name} is empty, shape {array.shape}")
    if not (array.dtype == bool or np.issubdtype(array.dtype, np.number)) or np.iscomplexobj(array):
        raise InputError(f"{name} holds {array.dtype}, wanted numbers or True and False")
    lows, highs = [], []
    slabs = as_slabs(array)
    for z in slabs:
        slab = array[z : z + slabs.step]
        lows.append(slab.min())
        highs.append(slab.max())  # NaN comes through both
    low, high = min(lows), max(highs)
    if not (np.isfinite(lows).all() and np.isfinite(highs).all()):
        raise InputError(
            f"{name} holds NaN or infinite values; wanted numbers only: crop them away, or replace them"
        )
    binary = all(
        bool(((slab == low) | (slab == high)).all()) for slab in (array[z : z + slabs.step] for z in slabs)
    )
    return float(low), float(high), binary


def _larger(array: NDArray[Any], low: float, high: float) -> NDArray[np.bool_]:
    """Return where the larger of two values is; of one value, whether it is anything but 0."""
    return np.full(array.shape, low != 0) if low == high else _above(array, low)


def _above(array: NDArray[Any], level: float) -> NDArray[np.bool_]:
    """Return where the values are larger than a level; where bools are True."""
    if array.dtype == bool:
        return np.array(array)
    above = np.empty(array.shape, dtype=bool)
    slabs = as_slabs(array)
    for z in slabs:
        np.greater(array[z : z + slabs.step], level, out=above[z : z + slabs.step])
    return above


def _cut_grey(
    raw: RawVolume, ends: tuple[float, float], threshold: float | None, pore: Brightness, name: str
) -> _Cut:
    if threshold is not None and not ends[0] <= threshold < ends[1]:
        raise InputError(
            f"the threshold {threshold:g} leaves one phase only, the grey levels of {name} go from "
            f"{ends[0]:g} to {ends[1]:g}; take one between them"
        )
    levels = levels_of(raw.array, *ends)
    if threshold is None:
        _refuse_labels(levels, name)
    level = otsu_threshold(levels) if threshold is None else threshold
    bright = _above(raw.array, level)
    warnings = []
    if raw.inverted:
        warnings.append(f"{name} asks to be shown inverted: its largest values count as dark")
        np.logical_not(bright, out=bright)
    shares = nudged(levels, level)
    if (pore == "dark") == raw.inverted:
        shares = 1 - shares[1], 1 - shares[0]
    if shares[1] - shares[0] > OVERLAP:
        warnings.append(
            f"pore and solid of {name} overlap in grey: moving the threshold {level:.6g} by {NUDGE:.0%} of "
            f"their contrast either way changes the porosity from {shares[0]:.3f} to {shares[1]:.3f}; "
            "denoise it, or segment it with a tool made for that"
        )
    origin: Literal["otsu", "given"] = "otsu" if threshold is None else "given"
    return _Cut(bright, pore, float(level), origin, shares, tuple(warnings))


def levels_of(array: NDArray[Any], low: float, high: float) -> Levels:
    """Count the grey levels: each whole number if there are not too many, else as many bins as may be."""
    whole = np.issubdtype(array.dtype, np.integer) and high - low < MOST_LEVELS
    n = int(high - low) + 1 if whole else MOST_LEVELS
    counts = np.zeros(n, dtype=np.int64)
    slabs = as_slabs(array)
    for z in slabs:
        slab = array[z : z + slabs.step]
        if whole:
            place = slab.astype(np.int64) - int(low)
        else:
            place = np.minimum((slab.astype(np.float64) - low) * (n / (high - low)), n - 1).astype(np.int64)
        counts += np.bincount(place.ravel(), minlength=n)
    step = 1.0 if whole else (high - low) / n
    return Levels(counts, np.asarray(low + (np.arange(n) + (0 if whole else 0.5)) * step, dtype=np.float64))


def _refuse_labels(levels: Levels, name: str) -> None:
    """Labels are not grey: Otsu would cut somewhere between them and nobody would know."""
    present = np.flatnonzero(levels.counts)
    if len(present) <= MOST_LABELS:
        values = ", ".join(f"{levels.grey[i]:.4g}" for i in present)
        raise InputError(
            f"{name} holds {len(present)} different values ({values}), too few for grey and too many for "
            "pore and solid; say where to cut (--threshold) and which side is pore (--pore dark or bright)"
        )


def otsu_threshold(levels: Levels) -> float:
    """Return the level up to which grey is dark; where several separate equally well, the middle one."""
    share = levels.counts / levels.counts.sum()
    dark = np.cumsum(share)[:-1]
    moment = np.cumsum(share * levels.grey)
    # a class without voxels separates nothing
    some = (dark > 0) & (dark < 1)
    between = np.zeros(len(dark))
    between[some] = (moment[-1] * dark[some] - moment[:-1][some]) ** 2 / (dark[some] * (1 - dark[some]))
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float(levels.grey[best[len(best) // 2]])


def nudged(levels: Levels, threshold: float) -> tuple[float, float]:
    """Return the dark share with the threshold a little lower and a little higher."""
    share = levels.counts / levels.counts.sum()
    dark = levels.grey <= threshold
    if not 0 < share[dark].sum() < 1:  # the threshold lies within the first or the last level
        return float(share[dark].sum()), float(share[dark].sum())
    means = [float(np.average(levels.grey[side], weights=share[side])) for side in (dark, ~dark)]
    step = NUDGE * (means[1] - means[0])
    return float(share[levels.grey <= threshold - step].sum()), float(
        share[levels.grey <= threshold + step].sum()
    )


def _no_size(name: str, seen: str) -> InputError:
    return InputError(
        f'{name} does not say how large a voxel is{seen}; give it, for example --voxel-size "1 um"'
    )
