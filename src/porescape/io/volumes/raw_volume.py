"""The content of a volume file before it is interpreted: values, and claims about their scale."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from porescape.errors import InputError
from porescape.units import PER_METRE, agree, format_length, unit_named


class Spacing(NamedTuple):
    """The edges of a voxel according to one source.

    Attributes
    ----------
    edges : tuple of float or None
        Along z, y and x [m], or in an unknown unit; None if the source does not give it.
    source : str
        In words.
    in_metres : bool
        False if the source gives no unit: then only the ratios are known.
    """

    edges: tuple[float | None, float | None, float | None]
    source: str
    in_metres: bool = True


class RawVolume(NamedTuple):
    """Values as stored, with the claims of the file about them.

    Attributes
    ----------
    array : ndarray, shape (nz, ny, nx)
        May be mapped from the file.
    spacings : tuple of Spacing
        Best first.
    notes : tuple of str
        Why sources of the scale cannot be used.
    warnings : tuple of str
    inverted : bool
        The file is to be displayed with its smallest value white.
    """

    array: NDArray[Any]
    spacings: tuple[Spacing, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    inverted: bool = False


def in_metres(value: object, unit: object) -> float | None:
    """Return a length in metres; None if the number or the unit is not valid.

    >>> in_metres(0.5, "micrometer"), in_metres("2", "nm"), in_metres(1, "pixel")
    (5e-07, 2e-09, None)
    """
    try:
        number = abs(float(value))  # type: ignore[arg-type]  # ImageJ writes negative spacings; text is caught below
    except (TypeError, ValueError):
        return None
    known = unit_named(str(unit or ""))
    return number / PER_METRE[known] if known and 0 < number < float("inf") else None


def choose_voxel_size(
    name: str, given: float | None, raw: RawVolume
) -> tuple[float | None, str, tuple[str, ...]]:
    """Return the voxel size [m], its source and warnings, from the user and the file; None if neither has it.

    Raises
    ------
    InputError
        According to the file voxels are not cubes, and the user gives no voxel size.
    """
    warnings = []
    sizes: list[tuple[float, str]] = [] if given is None else [(given, "--voxel-size")]
    for spacing in raw.spacings:
        known = [edge for edge in spacing.edges if edge is not None]
        if not known:
            continue
        if not agree(max(known), min(known)):
            words = f"{name} has voxels of {_edges(spacing)}"
            if given is None:
                raise InputError(
                    f"{words}; wanted cubes: resample it first, or give --voxel-size if the file is wrong"
                )
            warnings.append(
                f"{words} in {spacing.source}, which are not cubes; --voxel-size gives "
                f"{format_length(given)}, which is used for all three edges"
            )
            continue
        if not spacing.in_metres:
            continue
        own = spacing.edges[2] or known[-1]
        if sizes and not any(agree(own, other) for other, _ in sizes):
            warnings.append(
                f"{sizes[0][1]} gives {format_length(sizes[0][0])} per voxel, which is used, "
                f"but {spacing.source} gives {format_length(own)}"
            )
        if not sizes and spacing.edges[0] is None:
            warnings.append(
                f"{spacing.source} does not contain the distance between slices, which is assumed to be the "
                f"{format_length(own)} of the plane; if it differs, resample the volume and give --voxel-size"
            )
        sizes.append((own, spacing.source))
    if not sizes:
        return None, "", tuple(warnings)
    return *sizes[0], tuple(warnings)


def no_voxel_size(name: str, raw: RawVolume) -> InputError:
    """Return the error for a missing voxel size; its message describes the unusable sources."""
    notes = [*raw.notes]
    notes += [f"{s.source} gives {_edges(s)} without a unit" for s in raw.spacings if not s.in_metres]
    seen = f" ({'; '.join(notes)})" if notes else ""
    return InputError(f'{name} contains no voxel size{seen}; give it, for example --voxel-size "1 um"')


def _edges(spacing: Spacing) -> str:
    z, y, x = (
        "?" if edge is None else format_length(edge) if spacing.in_metres else f"{edge:.4g}"
        for edge in spacing.edges
    )
    if z == y == x:
        return x
    return f"{x} in the plane and {z} between slices" if y == x else f"{z} x {y} x {x} (z x y x x)"
