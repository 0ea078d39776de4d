"""How the site is built: `make docs`, then open docs/_build/html/index.html.

What can be read from the code is read from it while building: the pages of numbers, commands and names are
written into `reference/`, thresholds in the text are substitutions, pictures of the method are drawn by the
scripts of `examples/`. Nothing is fetched from the network, neither here nor by the finished pages.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "_ext"))

from reference import thresholds, write_all  # noqa: E402  # of _ext, which is on the path only now

from porescape.version import __version__  # noqa: E402

project = "porescape"
author = "The porescape developers"
copyright = "the porescape developers, MIT licence"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "docstrings",
]
exclude_patterns = [
    "_build",
    "_ext",
    "_templates",
    "examples",
    "reference/parts",
    "**.ipynb",
]
default_role = "py:obj"
smartquotes = False  # "--option" and "0.1 um" are to be copied as they stand

# -- text ------------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist", "substitution"]
myst_heading_anchors = 3
myst_substitutions = thresholds()
nb_execution_mode = "force"  # one page has cells; a kept result could go stale
nb_execution_timeout = 120
nb_execution_raise_on_error = True
suppress_warnings = ["config.cache"]

# -- names of Python -------------------------------------------------------------------------------

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say it in words, with shapes and units
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

# -- pictures of the method ------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "method",
    "filename_pattern": "stage_",
    "within_subsection_order": "FileNameSortKey",
    "image_scrapers": ("figures.scrape",),
    "abort_on_example_error": True,
    "reset_modules": (),  # no pyplot, so nothing to reset
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,  # seconds of this machine say nothing to a reader
}

# -- looks -----------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "porescape"
html_static_path = ["_static"]
html_css_files = ["porescape.css"]
html_show_sourcelink = False
html_copy_source = False
templates_path = ["_templates"]
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "porescape"},
    "navbar_center": [],
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
}
html_sidebars = {"**": ["site-nav.html"]}

write_all(HERE / "reference")  # now: Sphinx looks for its sources before any of its events
