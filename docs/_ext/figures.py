"""Takes the pictures out of the method's scripts: every new matplotlib `Figure` among a block's names.

The drawing code of porescape makes figures of its own, without pyplot, which the gallery's own scraper reads.
"""

from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

SHARP = 160  # dots per inch; a figure 10 inches wide then is sharp in a column of 860 pixels


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures that this block has made; their label is what they show, for those who cannot see."""
    found = [one for one in block_vars["example_globals"].values() if isinstance(one, Figure)]
    lines = []
    for figure in found:
        if getattr(figure, "already_shown", False):
            continue
        path = next(block_vars["image_path_iterator"])
        figure.savefig(path, dpi=SHARP)
        figure.already_shown = True  # type: ignore[attr-defined]
        lines.append(figure_rst([path], gallery_conf["src_dir"], fig_titles=figure.get_label()))
    return "\n\n".join(lines)
