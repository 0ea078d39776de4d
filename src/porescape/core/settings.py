"""All settings of a run as data: one frozen dataclass per stage, lengths in metres.

They are saved with every result as TOML (`run.toml`), from which the run can be repeated.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from porescape.core.taught import Taught
from porescape.errors import SettingsError

PorePhase = Literal["dark", "bright"]
Method = Literal["porescape", "paper", "paper-code"]


LEAST_CUBE = 32  # voxels per edge of the fitted cube


SCOPES = ("total sheet", "total crop", "resolved sheet", "resolved crop")  # of a measured porosity


@dataclass(frozen=True, kw_only=True, slots=True)
class Segmentation:
    """How the grey image is segmented into pore and solid.

    Attributes
    ----------
    method : str
        "adaptive", "otsu", "sauvola", "plane", "taught", "fixed": a name of `porescape.section.thresholds`.
        "adaptive" is the method of the paper: solid where brighter than a fraction of the local mean.
    sensitivity : float
        Of the adaptive threshold, in [0, 1]; a higher value makes more of the image bright (MATLAB's
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
        Whether dark or bright is pore.
    coating : tuple of float or None
        Thickness of the sputtered metal on the walls, and its standard uncertainty [m]; it is taken off.
    porosity : tuple of float or None
        Porosity that was measured, and its standard uncertainty. It moves the cut between pore and solid
        within what is plausible in the image, never beyond.
    porosity_scope : str
        What was measured, one of `SCOPES`: "total" (all pores, as from weighing or pycnometry) or
        "resolved" (those that the image can show, as from mercury down to a pixel); of the whole "sheet" or
        of this "crop".
    """

    method: str = "adaptive"
    sensitivity: float = 0.61
    window: int | None = None
    threshold: float | None = None
    smoothing: float = 1.0
    median: int = 3
    speck: int = 9
    pore: PorePhase = "dark"
    coating: tuple[float, float] | None = None
    porosity: tuple[float, float] | None = None
    porosity_scope: str = "total sheet"
    taught: Taught | None = None

    def __post_init__(self) -> None:
        _among("pore", self.pore, ("dark", "bright"))
        if self.coating is not None:
            if len(self.coating) != 2:
                raise SettingsError(f"coating must be a thickness and its uncertainty, got {self.coating}")
            _within("coating", self.coating[0], 1e-11, 1e-5)
            _within("uncertainty of the coating", self.coating[1], 0, 1e-5)
        if self.porosity is not None:
            if len(self.porosity) != 2:
                raise SettingsError(f"porosity must be a value and its uncertainty, got {self.porosity}")
            _within("porosity", self.porosity[0], 0.001, 0.999)
            _within("uncertainty of the porosity", self.porosity[1], 0.0001, 0.5)
        _among("porosity_scope", self.porosity_scope, SCOPES)
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
        if self.method == "taught" and self.taught is None:
            raise SettingsError(
                "method 'taught' needs labels, or what was learned from some; make it with "
                "`porescape segment IMAGE --labels labels.png`"
            )
        if self.method != "taught" and self.taught is not None:
            raise SettingsError(f"this was taught by labels, and cannot be method {self.method!r} as well")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checks:
    """Which checks of the image may fail.

    Attributes
    ----------
    accept : tuple of str
        Checks after whose failure the run still continues, by the names of `porescape.section.checks`.
    """

    accept: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The box of the replicas.

    Attributes
    ----------
    size : tuple of int
        Voxels along z, y, x.
    voxel_size : float or None
        Edge of a voxel [m]. None keeps the image's pixel size, unless the features span so many pixels
        that a box would contain only a few of them; then the voxels are larger, with a warning.
    replicas : int
        Number of structures, each fitted independently.
    periodic : bool
        Whether opposite faces match, so that copies can be put side by side.
    refine : int
        Sweeps of wall voxel annealing, which gives a replica's sections the small patterns of the image
        (`porescape.fit.refine.annealing`); 0 for none. The paper's method has no such step.
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
    """How the recipe is fitted.

    Attributes
    ----------
    method : {"porescape", "paper", "paper-code"}
        Recipes, descriptor and objective together. "paper" is the published method by the text of the paper,
        "paper-code" by its authors' script, which differs: the central slice only, compared by its combined
        distance function only.
    trials : int
        Trials per replica for the three fields or the named family; with 100 or more, the last 24 test the
        best 8 recipes again on other random fields.
    family : str
        A name of `porescape.synthesis.families`: "fields", the paper's three random fields; "fibres",
        straight solid fibres; "grains", solid balls. With 100 trials or more, "auto" fits all of them,
        fibres with half as many additional trials and grains with three tenths, and takes the family that
        is most similar to the image on random fields that no search has used.
    size : int
        Edge of the fitted cube [voxels]; its slices are compared in windows no larger than the image.
    sampler : str
        The optimiser, a name of `porescape.fit.samplers`.
    percolate : {"both", "pore", "solid", "none"}
        Which phases must be connected; in membranes both are: water flows through the pores, and no solid
        floats. Up to 2 % of the pore volume may be closed. If the solid must be connected, floating solid is
        removed before wall voxel annealing.
    """

    method: Method = "porescape"
    trials: int = 200
    family: str = "auto"
    size: int = 96
    sampler: str = "cma"
    percolate: Literal["both", "pore", "solid", "none"] = "both"

    @property
    def is_published(self) -> bool:
        """Whether the method is the paper's, in either reading."""
        return self.method != "porescape"

    def __post_init__(self) -> None:
        _among("method", self.method, get_args(Method))
        _among("percolate", self.percolate, ("both", "pore", "solid", "none"))
        if self.trials < 1:
            raise SettingsError(f"trials must be at least 1, got {self.trials}")
        if self.size < LEAST_CUBE:
            raise SettingsError(
                f"the fitted cube must have at least {LEAST_CUBE} voxels per edge, got {self.size}"
            )
        if self.is_published and self.family not in ("auto", "fields"):
            raise SettingsError(
                f"the paper's method has three fields of its own, got family {self.family!r}; leave one out"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """What is measured, and with which liquid properties.

    Attributes
    ----------
    numbers : tuple of str
        Groups of numbers or single numbers, by the names of `porescape.measure.meters`.
    r_max : int
        Radius within which only the deepest point is a pore body [voxels]; part of the definition of a
        pore body.
    sigma : float
        Width of the Gaussian that smooths the distance map before pore bodies are found [voxels].
    surface_tension : float
        Of the wetting liquid of porometry [N/m]; 0.0159 is that of a common fluorinated liquid.
    contact_angle : float
        Of that liquid on the solid [degrees].
    thickness : float or None
        Of the membrane [m], for retention and flux; None is the thickness of the box.
    pressure : float
        Pressure difference across that thickness, for the clean-water flux [Pa].
    viscosity : float or None
        Of the liquid that flows through [Pa s]; None is that of water at the temperature.
    temperature : float
        Of water and gas [K].
    gas : str
        For the gas permeance; a name of `porescape.measure.filtration.fluids.GASES`.
    gas_pressure : float
        Mean absolute pressure of both sides of the membrane, for the gas permeance [Pa].
    particles : tuple of float
        Diameters of particles whose retention is reported [m].
    interval : {"full", "replicas"}
        What the 95 % intervals of a run include: replicas, threshold, finite image and the error of the
        method, or only the spread of the replicas.
    """

    numbers: tuple[str, ...] = ("all",)
    r_max: int = 4
    sigma: float = 0.4
    surface_tension: float = 0.0159
    contact_angle: float = 0.0
    thickness: float | None = None
    pressure: float = 1e5
    viscosity: float | None = None
    temperature: float = 293.15
    gas: str = "nitrogen"
    gas_pressure: float = 1e5
    particles: tuple[float, ...] = ()
    interval: Literal["full", "replicas"] = "full"

    def __post_init__(self) -> None:
        _among("interval", self.interval, ("full", "replicas"))
        _within("r_max", self.r_max, 1, 50)
        _within("sigma", self.sigma, 0, 50)
        _within("surface tension [N/m]", self.surface_tension, 1e-4, 10)
        if self.viscosity is not None:
            _within("viscosity [Pa s]", self.viscosity, 1e-6, 1e3)
        if not all(0 < diameter < 1 for diameter in self.particles):
            raise SettingsError(f"particles must have positive diameters below 1 m, got {self.particles}")
        if not 273.15 <= self.temperature <= 373.15:
            raise SettingsError(
                f"the temperature must lie between 0 and 100 °C, got {self.temperature - 273.15:.6g} °C"
            )
        _within("gas pressure [Pa]", self.gas_pressure, 1e-3, 1e10)
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
    """All settings of a run, except the image, its scale and the seed."""

    segmentation: Segmentation = field(default_factory=Segmentation)
    checks: Checks = field(default_factory=Checks)
    fit: Fit = field(default_factory=Fit)
    output: Output = field(default_factory=Output)
    measure: Measure = field(default_factory=Measure)

    @property
    def tried(self) -> Fit:
        """The fit with the cube size of its trials: for the paper's method that of the replicas.

        Its lengths scale with the edge of the array, so in another cube its recipe would be another material.
        """
        if not self.fit.is_published:
            return self.fit
        return replace(self.fit, size=max(LEAST_CUBE, *self.output.size))


def _among(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingsError(f"{name} must be one of {', '.join(known)}, got {value!r}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise SettingsError(f"{name} must lie between {low} and {high}, got {value!r}")
