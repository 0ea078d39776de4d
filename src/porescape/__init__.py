"""porescape: statistically equivalent 3-D pore structures, and their numbers, from one SEM image.

>>> import porescape
>>> image = porescape.read_image("membrane.tif", pixel_size=1e-7)  # doctest: +SKIP
>>> result = porescape.reconstruct(image, seed=0)  # doctest: +SKIP
>>> result.properties["porosity"].mean  # doctest: +SKIP
"""

import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from porescape.version import __version__ as __version__

_HOME = {  # loaded on first use, so that `import porescape` and `--help` take no time
    "read_image": "porescape.io.images.image",
    "image_from_array": "porescape.io.images.image",
    "read_volume": "porescape.io.volumes.volume",
    "volume_from_array": "porescape.io.volumes.volume",
    "write_tiff": "porescape.io.volumes.volume",
    "write_vti": "porescape.io.volumes.volume",
    "write_run": "porescape.io.runs.run_folder",
    "read_run": "porescape.io.runs.run_folder",
    "render_report": "porescape.report.html",
    "reconstruct": "porescape.jobs.reconstruct",
    "segment": "porescape.section.segment",
    "teach": "porescape.section.teach",
    "Taught": "porescape.core.taught",
    "read_labels": "porescape.io.images.labels",
    "read_taught": "porescape.io.runs.taught",
    "write_taught": "porescape.io.runs.taught",
    "describe": "porescape.measure.section.describe",
    "combined_distance_function": "porescape.measure.section.combined",
    "measure_volume": "porescape.measure.volume",
    "summarise": "porescape.measure.summary",
    "generate": "porescape.synthesis.generate",
    "refine": "porescape.fit.refine.annealing",
    "FieldsRecipe": "porescape.core.recipe",
    "BodiesRecipe": "porescape.core.recipe",
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
    "check_image": "porescape.section.checks",
    "check_depth": "porescape.section.checks.depth",
    "prepare": "porescape.section.prepare",
    "render_micrograph": "porescape.rendering.micrograph",
    "Look": "porescape.rendering.look",
    "draw_look": "porescape.rendering.look",
    "resolution_study": "porescape.jobs.resolution",
    "extract_network": "porescape.measure.network.extract",
    "diffusion": "porescape.measure.transport.diffusion",
    "geodesic_ratio": "porescape.measure.transport.geodesic",
    "stokes_flow": "porescape.measure.transport.stokes",
    "percolating_diameter": "porescape.measure.filtration.intrusion",
    "mercury_intrusion": "porescape.measure.filtration.intrusion",
    "porometry": "porescape.measure.filtration.porometry",
    "solute_passage": "porescape.measure.filtration.solutes",
    "retention": "porescape.measure.filtration.retention",
    "representativity": "porescape.measure.section.representative",
    "write_comparison": "porescape.io.runs.comparison",
    "write_resolution": "porescape.io.runs.comparison",
    "write_network_csv": "porescape.io.runs.network",
    "write_network_vtp": "porescape.io.runs.network",
    "to_openpnm": "porescape.io.runs.network",
    "write_openpnm": "porescape.io.runs.network",
    "measure_chunked": "porescape.measure.streamed.meter",
    "open_chunked": "porescape.io.volumes.chunked",
    "ChunkedArray": "porescape.core.chunked",
    "read_batch_list": "porescape.io.runs.batch_list",
    "run_batch": "porescape.io.runs.batch",
    "gather_batch": "porescape.io.runs.batch_folder",
    "export": "porescape.io.runs.export",
    "find_scale_bar": "porescape.io.images.scale_bar",
    "write_stl": "porescape.io.volumes.mesh",
    "write_glb": "porescape.io.volumes.mesh",
    "write_nrrd": "porescape.io.volumes.nrrd_volume",
    "write_mat": "porescape.io.volumes.matlab",
    "write_ome_zarr": "porescape.io.volumes.ome_zarr",
    "open_checkpoint": "porescape.io.runs.checkpoint",
    "generate_zarr": "porescape.io.volumes.ome_zarr_store",
    "find_level": "porescape.io.volumes.ome_zarr_store",
    "parse_region": "porescape.io.volumes.ome_zarr_store",
    "generate_region": "porescape.synthesis.generate",
}
__all__ = sorted(_HOME)
_RENAMED = {  # names of earlier versions, still accepted
    "Recipe": "FieldsRecipe",
    "VolumeBlocks": "ChunkedArray",
    "measure_blocks": "measure_chunked",
    "open_blocks": "open_chunked",
    "read_jobs": "read_batch_list",
}


def __getattr__(name: str) -> Any:
    if name in _RENAMED:
        warnings.warn(f"porescape.{name} is now porescape.{_RENAMED[name]}", DeprecationWarning, stacklevel=2)
        name = _RENAMED[name]
    if name not in _HOME:
        raise AttributeError(f"porescape has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if (_ipython := sys.modules.get("IPython")) and (_shell := _ipython.get_ipython()):
    import_module("porescape.report.notebook").install(_shell)  # by names only; no large library is loaded

if TYPE_CHECKING:
    from porescape.core.chunked import ChunkedArray as ChunkedArray
    from porescape.core.domain import Domain as Domain
    from porescape.core.image import Micrograph as Micrograph
    from porescape.core.image import PhaseImage as PhaseImage
    from porescape.core.recipe import BodiesRecipe as BodiesRecipe
    from porescape.core.recipe import FieldsRecipe as FieldsRecipe
    from porescape.core.recipe import PaperRecipe as PaperRecipe
    from porescape.core.settings import Checks as Checks
    from porescape.core.settings import Fit as Fit
    from porescape.core.settings import Measure as Measure
    from porescape.core.settings import Output as Output
    from porescape.core.settings import Segmentation as Segmentation
    from porescape.core.settings import Settings as Settings
    from porescape.core.taught import Taught as Taught
    from porescape.core.volume import Volume as Volume
    from porescape.fit.refine.annealing import refine as refine
    from porescape.io.images.image import image_from_array as image_from_array
    from porescape.io.images.image import read_image as read_image
    from porescape.io.images.labels import read_labels as read_labels
    from porescape.io.images.scale_bar import find_scale_bar as find_scale_bar
    from porescape.io.runs.batch import run_batch as run_batch
    from porescape.io.runs.batch_folder import gather_batch as gather_batch
    from porescape.io.runs.batch_list import read_batch_list as read_batch_list
    from porescape.io.runs.checkpoint import open_checkpoint as open_checkpoint
    from porescape.io.runs.comparison import write_comparison as write_comparison
    from porescape.io.runs.comparison import write_resolution as write_resolution
    from porescape.io.runs.export import export as export
    from porescape.io.runs.network import to_openpnm as to_openpnm
    from porescape.io.runs.network import write_network_csv as write_network_csv
    from porescape.io.runs.network import write_network_vtp as write_network_vtp
    from porescape.io.runs.network import write_openpnm as write_openpnm
    from porescape.io.runs.run_folder import read_run as read_run
    from porescape.io.runs.run_folder import write_run as write_run
    from porescape.io.runs.taught import read_taught as read_taught
    from porescape.io.runs.taught import write_taught as write_taught
    from porescape.io.volumes.chunked import open_chunked as open_chunked
    from porescape.io.volumes.matlab import write_mat as write_mat
    from porescape.io.volumes.mesh import write_glb as write_glb
    from porescape.io.volumes.mesh import write_stl as write_stl
    from porescape.io.volumes.nrrd_volume import write_nrrd as write_nrrd
    from porescape.io.volumes.ome_zarr import write_ome_zarr as write_ome_zarr
    from porescape.io.volumes.ome_zarr_store import find_level as find_level
    from porescape.io.volumes.ome_zarr_store import generate_zarr as generate_zarr
    from porescape.io.volumes.ome_zarr_store import parse_region as parse_region
    from porescape.io.volumes.volume import read_volume as read_volume
    from porescape.io.volumes.volume import volume_from_array as volume_from_array
    from porescape.io.volumes.volume import write_tiff as write_tiff
    from porescape.io.volumes.volume import write_vti as write_vti
    from porescape.jobs.reconstruct import reconstruct as reconstruct
    from porescape.jobs.resolution import resolution_study as resolution_study
    from porescape.measure.filtration.intrusion import mercury_intrusion as mercury_intrusion
    from porescape.measure.filtration.intrusion import percolating_diameter as percolating_diameter
    from porescape.measure.filtration.porometry import porometry as porometry
    from porescape.measure.filtration.retention import retention as retention
    from porescape.measure.filtration.solutes import solute_passage as solute_passage
    from porescape.measure.network.extract import extract_network as extract_network
    from porescape.measure.section.combined import combined_distance_function as combined_distance_function
    from porescape.measure.section.describe import describe as describe
    from porescape.measure.section.representative import representativity as representativity
    from porescape.measure.streamed.meter import measure_chunked as measure_chunked
    from porescape.measure.summary import summarise as summarise
    from porescape.measure.transport.diffusion import diffusion as diffusion
    from porescape.measure.transport.geodesic import geodesic_ratio as geodesic_ratio
    from porescape.measure.transport.stokes import stokes_flow as stokes_flow
    from porescape.measure.volume import measure_volume as measure_volume
    from porescape.rendering.look import Look as Look
    from porescape.rendering.look import draw_look as draw_look
    from porescape.rendering.micrograph import render_micrograph as render_micrograph
    from porescape.report.html import render_report as render_report
    from porescape.section.checks import check_image as check_image
    from porescape.section.checks.depth import check_depth as check_depth
    from porescape.section.prepare import prepare as prepare
    from porescape.section.segment import segment as segment
    from porescape.section.teach import teach as teach
    from porescape.synthesis.generate import generate as generate
    from porescape.synthesis.generate import generate_region as generate_region
