"""porescape: statistically equivalent 3-D pore structures, and their numbers, from one SEM image.

>>> import porescape
>>> image = porescape.read_image("membrane.tif", pixel_size=1e-7)  # doctest: +SKIP
>>> result = porescape.reconstruct(image, seed=0)  # doctest: +SKIP
>>> result.properties["porosity"].mean  # doctest: +SKIP
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from porescape.version import __version__ as __version__

_HOME = {  # loaded on first use, so that `import porescape` and `--help` take no time
    "read_image": "porescape.io.image",
    "image_from_array": "porescape.io.image",
    "read_volume": "porescape.io.volume",
    "volume_from_array": "porescape.io.volume",
    "write_tiff": "porescape.io.volume",
    "write_vti": "porescape.io.volume",
    "write_run": "porescape.io.run_folder",
    "read_run": "porescape.io.run_folder",
    "render_report": "porescape.report.html",
    "reconstruct": "porescape.pipeline",
    "segment": "porescape.segmentation",
    "describe": "porescape.measure.describe",
    "combined_distance_function": "porescape.measure.combined",
    "measure_volume": "porescape.measure.meters",
    "summarise": "porescape.measure.numbers",
    "generate": "porescape.synthesis.generate",
    "refine": "porescape.refinement",
    "Recipe": "porescape.core.recipe",
    "PaperRecipe": "porescape.core.recipe",
    "Domain": "porescape.core.domain",
    "Volume": "porescape.core.volume",
    "Micrograph": "porescape.core.image",
    "PhaseImage": "porescape.core.image",
    "Settings": "porescape.core.settings",
    "Segmentation": "porescape.core.settings",
    "Fit": "porescape.core.settings",
    "Output": "porescape.core.settings",
    "Measure": "porescape.core.settings",
    "Checks": "porescape.core.settings",
    "check_image": "porescape.checks",
    "resolution_study": "porescape.resolution",
    "extract_network": "porescape.measure.network",
    "diffusion": "porescape.measure.diffusion",
    "geodesic_ratio": "porescape.measure.geodesic",
    "stokes_flow": "porescape.measure.stokes",
    "percolating_diameter": "porescape.measure.intrusion",
    "mercury_intrusion": "porescape.measure.intrusion",
    "porometry": "porescape.measure.porometry",
    "retention": "porescape.measure.retention",
    "representativity": "porescape.measure.representative",
    "write_comparison": "porescape.io.comparison",
    "write_resolution": "porescape.io.comparison",
    "write_network_csv": "porescape.io.network",
    "write_network_vtp": "porescape.io.network",
    "to_openpnm": "porescape.io.network",
    "write_openpnm": "porescape.io.network",
    "measure_blocks": "porescape.measure.streamed.meter",
    "open_blocks": "porescape.io.blocks",
    "VolumeBlocks": "porescape.core.blocks",
    "read_jobs": "porescape.io.batch_list",
    "run_batch": "porescape.io.batch",
    "gather_batch": "porescape.io.batch_folder",
    "export": "porescape.io.export",
    "find_scale_bar": "porescape.io.scale_bar",
    "write_stl": "porescape.io.mesh",
    "write_glb": "porescape.io.mesh",
    "write_nrrd": "porescape.io.nrrd_volume",
    "write_mat": "porescape.io.matlab",
    "write_ome_zarr": "porescape.io.ome_zarr",
    "open_checkpoint": "porescape.io.checkpoint",
    "generate_zarr": "porescape.io.ome_zarr_store",
    "find_level": "porescape.io.ome_zarr_store",
    "parse_region": "porescape.io.ome_zarr_store",
    "generate_region": "porescape.synthesis.generate",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"porescape has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if (_ipython := sys.modules.get("IPython")) and (_shell := _ipython.get_ipython()):
    import_module("porescape.report.notebook").install(_shell)  # by names only; nothing heavy is loaded

if TYPE_CHECKING:
    from porescape.checks import check_image as check_image
    from porescape.core.blocks import VolumeBlocks as VolumeBlocks
    from porescape.core.domain import Domain as Domain
    from porescape.core.image import Micrograph as Micrograph
    from porescape.core.image import PhaseImage as PhaseImage
    from porescape.core.recipe import PaperRecipe as PaperRecipe
    from porescape.core.recipe import Recipe as Recipe
    from porescape.core.settings import Checks as Checks
    from porescape.core.settings import Fit as Fit
    from porescape.core.settings import Measure as Measure
    from porescape.core.settings import Output as Output
    from porescape.core.settings import Segmentation as Segmentation
    from porescape.core.settings import Settings as Settings
    from porescape.core.volume import Volume as Volume
    from porescape.io.batch import run_batch as run_batch
    from porescape.io.batch_folder import gather_batch as gather_batch
    from porescape.io.batch_list import read_jobs as read_jobs
    from porescape.io.blocks import open_blocks as open_blocks
    from porescape.io.checkpoint import open_checkpoint as open_checkpoint
    from porescape.io.comparison import write_comparison as write_comparison
    from porescape.io.comparison import write_resolution as write_resolution
    from porescape.io.export import export as export
    from porescape.io.image import image_from_array as image_from_array
    from porescape.io.image import read_image as read_image
    from porescape.io.matlab import write_mat as write_mat
    from porescape.io.mesh import write_glb as write_glb
    from porescape.io.mesh import write_stl as write_stl
    from porescape.io.network import to_openpnm as to_openpnm
    from porescape.io.network import write_network_csv as write_network_csv
    from porescape.io.network import write_network_vtp as write_network_vtp
    from porescape.io.network import write_openpnm as write_openpnm
    from porescape.io.nrrd_volume import write_nrrd as write_nrrd
    from porescape.io.ome_zarr import write_ome_zarr as write_ome_zarr
    from porescape.io.ome_zarr_store import find_level as find_level
    from porescape.io.ome_zarr_store import generate_zarr as generate_zarr
    from porescape.io.ome_zarr_store import parse_region as parse_region
    from porescape.io.run_folder import read_run as read_run
    from porescape.io.run_folder import write_run as write_run
    from porescape.io.scale_bar import find_scale_bar as find_scale_bar
    from porescape.io.volume import read_volume as read_volume
    from porescape.io.volume import volume_from_array as volume_from_array
    from porescape.io.volume import write_tiff as write_tiff
    from porescape.io.volume import write_vti as write_vti
    from porescape.measure.combined import combined_distance_function as combined_distance_function
    from porescape.measure.describe import describe as describe
    from porescape.measure.diffusion import diffusion as diffusion
    from porescape.measure.geodesic import geodesic_ratio as geodesic_ratio
    from porescape.measure.intrusion import mercury_intrusion as mercury_intrusion
    from porescape.measure.intrusion import percolating_diameter as percolating_diameter
    from porescape.measure.meters import measure_volume as measure_volume
    from porescape.measure.network import extract_network as extract_network
    from porescape.measure.numbers import summarise as summarise
    from porescape.measure.porometry import porometry as porometry
    from porescape.measure.representative import representativity as representativity
    from porescape.measure.retention import retention as retention
    from porescape.measure.stokes import stokes_flow as stokes_flow
    from porescape.measure.streamed.meter import measure_blocks as measure_blocks
    from porescape.pipeline import reconstruct as reconstruct
    from porescape.refinement import refine as refine
    from porescape.report.html import render_report as render_report
    from porescape.resolution import resolution_study as resolution_study
    from porescape.segmentation import segment as segment
    from porescape.synthesis.generate import generate as generate
    from porescape.synthesis.generate import generate_region as generate_region
