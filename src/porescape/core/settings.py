"""Every choice of a run as data: one frozen dataclass per stage, lengths in metres.

They are saved inside every result as TOML (`run.toml`), which re-runs the job.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from porescape.errors import SettingsError

PorePhase = Literal["dark", "bright"]
Method = Literal["porescape", "paper"]


LEAST_CUBE = 32  # voxels per edge, to be fitted


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """How grey becomes pore and solid.

    Attributes
    ----------
    method : str
        "adaptive", "otsu", "sauvola", "fixed": a name of `porescape.section.thresholds`. "adaptive" is the
        paper's: solid where brighter than a fraction of the local mean.
    sensitivity : float
        Of the adaptive threshold, in [0, 1]; higher makes more of the image bright (MATLAB's
        `adaptthresh`: threshold = local mean x (1.6 - sensitivity)). The paper's script uses 0.61.
    window : int or None
        Edge of the neighbourhood [pixels], odd; None is MATLAB's 2*floor(size/16) + 1.
    threshold : float or None
        Grey level in [0, 1] for method "fixed".
    smoothing : float
        Width (sigma) of the Gaussian before the threshold [pixels]; 1 in the paper's script.
    median : int
        Edge of the median filter after the threshold [pixels]; 3 in the paper's script, 0 for none.
    speck : int
        Islands of either phase smaller than this area [pixels] join the other phase.
    pore : {"dark", "bright"}
        Which grey is pore.
    """

    method: str = "adaptive"
    sensitivity: float = 0.61
    window: int | None = None
    threshold: float | None = None
    smoothing: float = 1.0
    median: int = 3
    speck: int = 9
    pore: PorePhase = "dark"

    def __post_init__(self) -> None:
        _among("pore", self.pore, ("dark", "bright"))
        _within("sensitivity", self.sensitivity, 0, 1)
        _within("smoothing", self.smoothing, 0, 50)
        _within("speck", self.speck, 0, 10**6)
        if self.median != 0 and (self.median < 0 or self.median % 2 == 0):
            raise SettingsError(f"median must be 0 or an odd number of pixels, got {self.median}")
        if self.window is not None and (self.window < 3 or self.window % 2 == 0):
            raise SettingsError(f"window must be an odd number of pixels >= 3, got {self.window}")
        if self.method == "fixed":
            if self.threshold is None:
                raise SettingsError("method 'fixed' needs a threshold between 0 and 1, e.g. --threshold 0.45")
            _within("threshold", self.threshold, 0, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """What the image is forgiven before it is fitted.

    Attributes
    ----------
    accept : tuple of str
        Checks that may fail and the run still goes on, by the names of `porescape.section.checks`.
    """

    accept: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The box that is delivered.

    Attributes
    ----------
    size : tuple of int
        Voxels along z, y, x.
    voxel_size : float or None
        Edge of a voxel [m]. None keeps the image's pixel size unless the features span so many
        pixels that a box would hold only a few of them; then it is coarsened (and said).
    replicas : int
        How many structures, each fitted on its own.
    periodic : bool
        Whether opposite faces match, so that volumes tile.
    refine : int
        Sweeps of wall voxel annealing, until a replica's sections have the image's small patterns
        (`porescape.fit.refine.annealing`); 0 for none. The paper's method has none.
    """

    size: tuple[int, int, int] = (128, 128, 128)
    voxel_size: float | None = None
    replicas: int = 8
    periodic: bool = True
    refine: int = 200

    def __post_init__(self) -> None:
        if len(self.size) != 3 or any(n < 16 for n in self.size):
            raise SettingsError(f"size must be three numbers of voxels, each at least 16, got {self.size}")
        if self.replicas < 1:
            raise SettingsError(f"replicas must be at least 1, got {self.replicas}")
        _within("refine", self.refine, 0, 100_000)
        if self.voxel_size is not None and not 0 < self.voxel_size < 1:
            raise SettingsError(f"voxel size must be a positive length below 1 m, got {self.voxel_size!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How the recipe is found.

    Attributes
    ----------
    method : {"porescape", "paper"}
        Family, descriptor and objective together. "paper" is the published method to the letter:
        the central slice only, its combined distance function, nothing else.
    trials : int
        Structures tried per replica, of three fields or the named family; of 100 or more, the last 24 try the
        best 8 recipes again on other random fields.
    family : str
        What recipes are made of, by a name of `porescape.synthesis.families`: "fields", the paper's three;
        "fibres", straight and solid; "grains", solid balls. "auto" tries all of them where there are 100
        trials or more, fibres with half as many again and grains with three tenths, and takes the one that is
        most like the image on random fields that no search has seen.
    size : int
        Edge of the cube that is fitted [voxels]; of its slices only as much is compared as the image holds.
    sampler : str
        Name of the optimiser, by a name of `porescape.fit.samplers`.
    percolate : {"both", "pore", "solid", "none"}
        Which phases must be connected; membranes need both: water passes, and nothing falls out. Two in a
        hundred of the pores may be closed all the same. Where solid must be connected, floating solid is
        removed before the walls are refined.
    """

    method: Method = "porescape"
    trials: int = 200
    family: str = "auto"
    size: int = 96
    sampler: str = "cma"
    percolate: Literal["both", "pore", "solid", "none"] = "both"

    def __post_init__(self) -> None:
        _among("method", self.method, ("porescape", "paper"))
        _among("percolate", self.percolate, ("both", "pore", "solid", "none"))
        if self.trials < 1:
            raise SettingsError(f"trials must be at least 1, got {self.trials}")
        if self.size < LEAST_CUBE:
            raise SettingsError(
                f"the fitted cube must have at least {LEAST_CUBE} voxels per edge, got {self.size}"
            )
        if self.method == "paper" and self.family not in ("auto", "fields"):
            raise SettingsError(
                f"the paper's method has three fields of its own, got family {self.family!r}; leave one out"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """What is measured, and with which liquids.

    Attributes
    ----------
    numbers : tuple of str
        Groups of numbers or single ones, by the names of `porescape.measure.meters`.
    r_max : int
        Radius in which a pore body keeps only its deepest point [voxels]; part of what a pore body is.
    sigma : float
        Width of the Gaussian that smooths the distances pore bodies are found in [voxels].
    surface_tension : float
        Of the wetting liquid of porometry [N/m]; 0.0159 is a usual fluorinated one.
    contact_angle : float
        Of that liquid on the solid [degrees].
    thickness : float or None
        Of the membrane [m], for retention and flux; None is the box itself.
    pressure : float
        Across that thickness, for the clean-water flux [Pa].
    viscosity : float
        For the clean-water flux [Pa s]; 1.002e-3 is water at 20 °C.
    interval : {"full", "replicas"}
        What a run's 95 % intervals hold: replicas, threshold, the image being a finite sample and the
        method's own error, or only the spread of the replicas.
    """

    numbers: tuple[str, ...] = ("all",)
    r_max: int = 4
    sigma: float = 0.4
    surface_tension: float = 0.0159
    contact_angle: float = 0.0
    thickness: float | None = None
    pressure: float = 1e5
    viscosity: float = 1.002e-3
    interval: Literal["full", "replicas"] = "full"

    def __post_init__(self) -> None:
        _among("interval", self.interval, ("full", "replicas"))
        _within("r_max", self.r_max, 1, 50)
        _within("sigma", self.sigma, 0, 50)
        _within("surface tension [N/m]", self.surface_tension, 1e-4, 10)
        _within("viscosity [Pa s]", self.viscosity, 1e-6, 1e3)
        _within("pressure [Pa]", self.pressure, 1e-3, 1e10)
        if not 0 <= self.contact_angle < 90:
            raise SettingsError(
                f"the contact angle of a wetting liquid must be at least 0 and below 90 degrees, "
                f"got {self.contact_angle!r}"
            )
        if self.thickness is not None and not 0 < self.thickness < 1:
            raise SettingsError(f"thickness must be a positive length below 1 m, got {self.thickness!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """Every choice of a run but the image, its scale and the seed."""

    segmentation: Segmentation = field(default_factory=Segmentation)
    checks: Checks = field(default_factory=Checks)
    fit: Fit = field(default_factory=Fit)
    output: Output = field(default_factory=Output)
    measure: Measure = field(default_factory=Measure)

    @property
    def tried(self) -> Fit:
        """The fit with cubes of the size that trials have: the delivered one for the paper's method.

        Its lengths go with the edge of the array, so a recipe found in another would be another material.
        """
        if self.fit.method != "paper":
            return self.fit
        return replace(self.fit, size=max(LEAST_CUBE, *self.output.size))


def _among(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} must lie between {low} and {high}, got {value!r}")
