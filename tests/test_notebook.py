"""Things show themselves in Jupyter, and know nothing of it."""

import base64
import io
import re
import subprocess
import sys
import zlib
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from porescape.core.image import Micrograph, PhaseImage
from porescape.core.measurement import Measurement
from porescape.core.volume import Volume
from porescape.report import notebook

PIXEL = 1e-8


class Formatter:
    def __init__(self) -> None:
        self.known = {}

    def for_type_by_name(self, module, name, function) -> None:
        self.known[module, name] = function


def fake_shell() -> SimpleNamespace:
    formatters = {"text/html": Formatter(), "image/png": Formatter()}
    return SimpleNamespace(display_formatter=SimpleNamespace(formatters=formatters))


def size_of(png: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return picture.size


def test_every_thing_is_registered_by_the_name_of_a_class_that_is_there():
    shell = fake_shell()
    notebook.load_ipython_extension(shell)
    known = set().union(*(one.known for one in shell.display_formatter.formatters.values()))
    assert {name for _, name in known} == {
        "Micrograph",
        "PhaseImage",
        "Volume",
        "Measurement",
        "Reconstruction",
    }
    for module, name in known:
        __import__(module)
        assert isinstance(getattr(sys.modules[module], name), type)


def test_installing_loads_nothing_heavy():
    code = (
        "import sys; from porescape.report import notebook; "
        "print([m for m in ('numpy', 'matplotlib', 'numba', 'jinja2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ipython_asks_our_functions():
    formatters = pytest.importorskip("IPython.core.formatters", reason="IPython is not installed")
    shell = SimpleNamespace(display_formatter=formatters.DisplayFormatter())
    notebook.install(shell)
    phase = PhaseImage(np.indices((30, 40)).sum(axis=0) % 7 < 3, PIXEL)
    shown, _ = shell.display_formatter.format(phase)
    width, height = size_of(shown["image/png"])
    assert width / height == pytest.approx(40 / 30, rel=0.02)
    shown, _ = shell.display_formatter.format(Measurement({"porosity": 0.5}, {}))
    assert "50.00" in shown["text/html"]


def test_images_are_drawn_at_their_own_proportions():
    grey = np.linspace(0, 1, 50 * 80).reshape(50, 80)
    width, height = size_of(notebook.micrograph_png(Micrograph(grey, PIXEL)))
    assert width / height == pytest.approx(80 / 50, rel=0.02)


def test_a_structure_comes_whole_in_a_frame_that_reaches_nothing():
    pore = np.random.default_rng(0).random((12, 14, 16)) < 0.5
    text = notebook.volume_html(Volume(pore, PIXEL))
    assert text.startswith("<iframe srcdoc=")
    assert 'sandbox="allow-scripts allow-downloads"' in text
    assert "allow-same-origin" not in text
    page = unescape(text[text.index('srcdoc="') + 8 : text.index('" sandbox')])
    found = zlib.decompress(base64.b64decode(re.search(r'id="voxels">([^<]+)<', page).group(1)))
    assert np.array_equal(np.unpackbits(np.frombuffer(found, np.uint8)).reshape(pore.shape), pore)
    assert "12 × 14 × 16 voxels of 10 nm" in page
    assert "http" not in page.replace("http-equiv", "")


def test_numbers_are_a_table_with_units_and_a_reason_where_one_is_missing():
    text = notebook.measurement_html(
        Measurement({"porosity": 0.25, "chord_pore": np.nan}, {"chord_pore": "no pore & no chord"})
    )
    assert '<td style="text-align:left">25.00</td>' in text
    assert "no pore &amp; no chord" in text
    assert "nan" not in text
