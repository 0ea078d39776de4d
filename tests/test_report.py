"""The report: pictures against geometry, then the page against the result it shows."""

import base64
import io
import math
import re
import zlib
from dataclasses import replace
from html import escape, unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import gaussian_filter

from porescape.core.curve import Curve
from porescape.core.image import Micrograph, PhaseImage
from porescape.core.measurement import Estimate, Measurement
from porescape.core.recipe import PaperRecipe
from porescape.core.results import Reconstruction, Stage, best_of
from porescape.core.settings import Fit, Measure, Output, Segmentation, Settings
from porescape.core.volume import Volume
from porescape.jobs.reconstruct import reconstruct
from porescape.measure.meters import GROUPS, NUMBERS
from porescape.measure.section.describe import cut_windows
from porescape.measure.summary import interval_of, summarise
from porescape.measure.volume import measure_volume
from porescape.report import drawing, image_figures, structure_figures
from porescape.report.fit_figures import fit_history
from porescape.report.html import number_rows, render_report
from porescape.report.interval_figures import sources_figure
from porescape.report.number_figures import numbers_plot
from porescape.report.page import embed
from porescape.report.particles import particles
from porescape.report.raycast import NOTCH, View, raycast
from porescape.report.section_figures import combined_distance, descriptor_curves
from porescape.report.summary import key_names, structure_in_words, trust
from porescape.report.viewer import pack, source_hash
from porescape.report.words import (
    condition_of,
    decimals_of,
    describe_box,
    label_of,
    scale_of,
    within_a_sentence,
    write,
)
from porescape.select.selection import select
from porescape.units import parse_length

NAME = "<b>x</b> & co.tif"
PIXEL = 2e-7


@pytest.fixture(scope="module")
def result() -> Reconstruction:
    grey = gaussian_filter(np.random.default_rng(1).standard_normal((96, 104)), 2.5)
    image = Micrograph(
        (grey - grey.min()) / np.ptp(grey),
        PIXEL,
        "--pixel-size",
        NAME,
        "ab" * 32,
        warnings=("a <script> of dust",),
    )
    settings = Settings(
        segmentation=Segmentation(method="otsu"),
        fit=Fit(trials=4, size=48),
        output=Output(size=(48, 48, 48), replicas=2, voxel_size=PIXEL, refine=20),
        measure=Measure(particles=(10 * PIXEL,)),
    )
    return reconstruct(image, settings, seed=3)


@pytest.fixture(scope="module")
def page(result: Reconstruction) -> str:
    return render_report(result, truth=result.replicas[1].volume)


# -- the view ---------------------------------------------------------------------------------------


def drawn(picture: np.ndarray) -> np.ndarray:
    return (picture < 0.999).any(axis=-1)


def test_a_solid_cube_is_a_filled_hexagon_of_the_area_we_can_work_out_by_hand():
    view = View(shape=(24, 24, 24), azimuth=45.0, elevation=math.degrees(math.atan(math.sqrt(0.5))))
    shown = drawn(raycast(np.zeros(view.shape, dtype=bool), view, 300))
    spacing = 2 * view.extent[0] / 300
    assert view.silhouette_area == pytest.approx(math.sqrt(3) * 24**2)  # a regular hexagon
    assert shown.sum() * spacing**2 == pytest.approx(math.sqrt(3) * 24**2, rel=0.01)
    for lines in (shown, shown.T):
        changes = np.abs(np.diff(np.pad(lines, ((0, 0), (1, 1))).astype(int), axis=1)).sum(axis=1)
        assert set(changes) <= {0, 2}  # one run without a hole in every row and column


def test_the_cut_corner_shows_three_faces_inside_and_three_outside_each_as_large_as_it_should_be():
    view = View(shape=(20, 30, 40), azimuth=30.0, elevation=35.0)
    picture = raycast(np.zeros(view.shape, dtype=bool), view, 400)
    brightness = picture[..., 0]
    spacing = 2 * view.extent[0] / 400
    nz, ny, nx = view.shape
    for axis, face in enumerate((ny * nx, nz * nx, nz * ny)):
        outside = brightness[_pixel(view, picture, _on_face(view, axis, 0.9))]
        inside = brightness[_pixel(view, picture, _on_face(view, axis, 0.25))]
        assert inside == pytest.approx(NOTCH * outside, rel=1e-3)
        for level, area in ((outside, 0.75 * face), (inside, 0.25 * face)):
            found = np.count_nonzero(np.abs(brightness - level) < 1e-4) * spacing**2
            assert found == pytest.approx(area * view.forward[axis], rel=0.05)


def _on_face(view: View, axis: int, along: float) -> np.ndarray:
    """A point on the face across an axis: outside where `along` is beyond the cut, inside below it."""
    point = along * np.array(view.shape, dtype=float)
    point[axis] = 0.0 if along > view.cut else view.cut * view.shape[axis]
    return point


def _pixel(view: View, picture: np.ndarray, point: np.ndarray) -> tuple[int, int]:
    right, down = view.project(point)
    spacing = 2 * view.extent[0] / picture.shape[1]
    return int(picture.shape[0] / 2 + down / spacing), int(picture.shape[1] / 2 + right / spacing)


def test_the_view_is_not_a_mirror_image():
    """Seen from the far end of y and x: x grows to the right, y to the left, z down."""
    where = {}
    for name, corner in {"z": (-6, 0, 0), "y": (0, -6, 0), "x": (0, 0, -6)}.items():
        pore = np.ones((32, 32, 32), dtype=bool)
        pore[tuple(slice(c, c + 6 or None) for c in corner)] = False
        picture = raycast(pore, View(shape=pore.shape, azimuth=45.0, cut=0.0), 200)
        rows, columns = np.nonzero(picture[..., 0] > picture[..., 2])  # cut solid alone is warm in colour
        where[name] = (rows.mean(), columns.mean()) if rows.size else None
    assert where["z"] is None  # the corner furthest below is hidden behind fog
    assert where["y"][1] < 60
    assert where["x"][1] > 140


def test_a_deeper_floor_is_darker():
    pore = np.zeros((48, 48, 48), dtype=bool)
    pore[:6, 4:20, 4:44] = True
    pore[:24, 28:44, 4:44] = True
    view = View(shape=pore.shape, elevation=75.0, cut=0.0)
    picture = raycast(pore, view, 240).mean(axis=-1)
    # y and x of a view grow away from the viewer
    shallow, deep = ((depth, 48 - y, 24.0) for depth, y in ((6.0, 12.0), (24.0, 36.0)))
    cut = (0.0, 48 - 24.0, 24.0)
    brightness = [picture[_pixel(view, picture, np.array(point))] for point in (cut, shallow, deep)]
    assert brightness[0] > 1.2 * brightness[1] > 1.2**2 * brightness[2]


def test_a_box_that_is_no_cube_and_one_larger_than_a_screen_can_be_drawn(monkeypatch):
    monkeypatch.setattr(structure_figures, "THREE_D_VOXELS", 16)
    volume = Volume(np.indices((20, 33, 48)).sum(axis=0) % 9 < 5, 5e-9)
    texts = {text.get_text() for text in structure_figures.three_d(volume, width=80).axes[0].texts}
    assert texts == {"z  100 nm", "y  165 nm", "x  240 nm"}


# -- pictures ---------------------------------------------------------------------------------------


def test_the_outline_is_the_outermost_pixels_of_the_pores_and_nothing_else():
    grey = np.linspace(0, 0.5, 80, dtype=np.float32).reshape(8, 10)
    pore = np.zeros((8, 10), dtype=bool)
    pore[2:6, 3:8] = True
    colour = image_figures.outline_pores(grey, pore)
    outline = pore.copy()
    outline[3:5, 4:7] = False
    assert np.allclose(colour[outline], drawing.OUTLINE)
    assert np.array_equal(colour[~outline], np.repeat(grey[..., None], 3, axis=-1)[~outline])


def test_a_large_image_is_shrunk_before_its_outline_is_drawn():
    pore = np.zeros((1200, 2400), dtype=bool)
    pore[:, 1200:] = True
    colour = image_figures.outline_pores(np.zeros(pore.shape, dtype=np.float32), pore)
    assert colour.shape == (400, 800, 3)
    assert np.array_equal(np.unique(np.nonzero(colour.any(axis=-1))[1]), [400])


def test_the_overlay_says_the_porosity(result):
    titles = [
        panel.get_title(loc="left")
        for panel in image_figures.segmentation_overlay(result.image, result.phase).axes
    ]
    assert any(f"{100 * result.phase.porosity:.1f} %" in title for title in titles)


@given(most=st.floats(1e-9, 1e3))
def test_a_round_length_is_the_largest_that_fits(most):
    length = drawing.round_length(most)
    digit = round(length / 10 ** math.floor(math.log10(length) + 1e-9))
    assert digit in (1, 2, 5)
    assert length <= most * (1 + 1e-8) < {1: 2, 2: 2.5, 5: 2}[digit] * length * (1 + 1e-8)


def bars(figure: Figure) -> list[tuple[float, str]]:
    found = []
    for panel in figure.axes:
        lengths = [patch.get_width() for patch in panel.patches if patch.get_gid() == "scale-bar"]
        found += [(length, panel.texts[i].get_text()) for i, length in enumerate(lengths)]
    return found


def test_scale_bars_are_as_long_as_they_say(result):
    volume = result.replicas[0].volume
    drawings = [
        image_figures.segmentation_overlay(result.image, result.phase),
        image_figures.triptych(result.section, volume),
        structure_figures.truth_slices(volume, volume),
        combined_distance(result.section, result.replicas),
    ]
    for figure in drawings:
        assert bars(figure)
        for length, text in bars(figure):
            assert length == pytest.approx(parse_length(text))


def test_the_triptych_shows_the_middle_slices_at_one_scale():
    rng = np.random.default_rng(0)
    volume = Volume(rng.random((20, 30, 40)) < 0.5, PIXEL)
    section = PhaseImage(rng.random((60, 70)) < 0.5, PIXEL)
    figure = image_figures.triptych(section, volume)
    shown = [np.asarray(panel.images[0].get_array()) for panel in figure.axes]
    assert np.array_equal(shown[0], section.pore[15:45, 15:55])
    assert np.array_equal(shown[1], volume.pore[10])
    assert np.array_equal(shown[2], volume.pore[:, 15])
    assert np.array_equal(shown[3], volume.pore[:, :, 20])
    width, height = figure.get_size_inches()
    for panel, picture in zip(figure.axes, shown, strict=True):
        box = panel.get_position()
        per_pixel = (box.height * height / picture.shape[0], box.width * width / picture.shape[1])
        assert per_pixel == pytest.approx([drawing.WIDE * box.width / picture.shape[1]] * 2)
        assert per_pixel[0] == pytest.approx((drawing.WIDE - 3 * 0.12) / (40 + 40 + 40 + 30))


def test_with_the_micrograph_the_triptych_shows_the_same_piece_of_it_at_the_same_scale():
    grey = np.arange(240 * 280, dtype=np.float32).reshape(240, 280) / (240 * 280)
    image = Micrograph(grey, PIXEL / 4)
    section = PhaseImage(np.indices((60, 70)).sum(axis=0) % 2 == 0, PIXEL)
    volume = Volume(np.ones((20, 30, 40), dtype=bool), PIXEL)
    panels = image_figures.triptych(section, volume, image).axes
    assert [panel.get_title(loc="left") for panel in panels[:3]] == [
        "the image",
        "its pores",
        "replica, across z",
    ]
    shown = np.asarray(panels[0].images[0].get_array())
    assert np.array_equal(shown[..., 0], grey[60:180, 60:220])
    assert panels[0].get_position().width == pytest.approx(panels[1].get_position().width)
    assert panels[0].images[0].get_extent() == pytest.approx(panels[1].images[0].get_extent())


def test_the_pictures_of_the_first_screen_show_the_middle_at_the_size_of_the_box(result):
    window = 48 * PIXEL
    whole = image_figures.whole_image(result.image, window).axes[0]
    frame = next(patch for patch in whole.patches if patch.get_width() == pytest.approx(window))
    centre = [frame.get_x() + frame.get_width() / 2, frame.get_y() + frame.get_height() / 2]
    assert centre == pytest.approx([104 * PIXEL / 2, 96 * PIXEL / 2])
    piece = image_figures.outlined_middle(result.image, result.phase, window)
    assert piece.axes[0].get_xlim() == pytest.approx((0, window))
    for figure in (
        image_figures.whole_image(result.image, window),
        piece,
        image_figures.section_picture(result.phase),
    ):
        for length, text in bars(figure):
            assert length == pytest.approx(parse_length(text))


def test_many_lines_are_embedded_as_pixels_and_noise_as_a_photograph(monkeypatch):
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot(np.arange(50) % 7)
    assert embed(figure, "few lines").uri.startswith("data:image/svg+xml")
    monkeypatch.setattr("porescape.report.page.MOST_LINES", 100)
    assert embed(figure, "too many").uri.startswith("data:image/png")
    monkeypatch.setattr("porescape.report.page.MOST_EXACT", 100)
    assert embed(figure, "too large").uri.startswith("data:image/webp")


# -- the structure in the page ----------------------------------------------------------------------


def unpacked(packed) -> np.ndarray:
    data = np.frombuffer(zlib.decompress(base64.b64decode(packed.bits)), dtype=np.uint8)
    return np.unpackbits(data)[: math.prod(packed.shape)].reshape(packed.shape).astype(bool)


@given(shape=st.tuples(*[st.integers(1, 9)] * 3), seed=st.integers(0, 9))
def test_what_is_packed_is_the_structure(shape, seed):
    pore = np.random.default_rng(seed).random(shape) < 0.5
    packed = pack(Volume(pore, PIXEL))
    assert np.array_equal(unpacked(packed), pore)
    assert (packed.voxel_size, packed.block) == (PIXEL, 1)


def test_a_structure_too_long_for_a_page_is_packed_as_blocks_of_which_more_than_half_is_pore():
    pore = np.random.default_rng(0).random((9, 13, 17)) < 0.5
    packed = pack(Volume(pore, PIXEL), most=6)
    assert packed.block == 3
    assert packed.voxel_size == pytest.approx(3 * PIXEL)
    shares = pore[:9, :12, :15].reshape(3, 3, 4, 3, 5, 3).mean(axis=(1, 3, 5))
    assert np.array_equal(unpacked(packed), shares > 0.5)


def test_a_thin_sheet_keeps_a_layer():
    assert pack(Volume(np.ones((1, 300, 300), dtype=bool), PIXEL), most=100).shape == (1, 300, 300)


def test_the_structure_in_the_page_is_the_selected_replica(page, result):
    volume = result.selected.volume
    found = re.search(r'id="voxels">([^<]+)<', page).group(1)
    pore = np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(found)), dtype=np.uint8))
    assert np.array_equal(pore.reshape(volume.shape).astype(bool), volume.pore)
    assert 'data-shape="[48, 48, 48]"' in page


# -- in a few sentences -----------------------------------------------------------------------------


def test_the_headline_numbers_are_at_most_eight_and_only_those_measured(result):
    names = key_names(result.properties)
    assert len(names) == 8
    assert names[:2] == ["porosity", "connected_porosity_z"]
    assert key_names({"chord_pore": 1, "porosity": 2}) == ["porosity"]


def test_one_sentence_says_how_open_the_structure_is(result):
    def said(porosity: float, connected: float) -> str:
        known = [Measurement({"porosity": porosity, "connected_porosity_z": connected}, {})] * 2
        return structure_in_words(replace(result, properties=summarise(known)))

    assert (
        said(0.5, 0.4999)
        == "50 % of the structure is pore, practically all of it connected from face to face."
    )
    assert "most of it (95 %)" in said(0.4, 0.38)
    assert "only 50 % of it" in said(0.4, 0.2)
    assert "nothing would flow" in said(0.4, 0.0)


def test_trust_follows_the_worst_that_is_known(result):
    def with_checks(checked, checks):
        return replace(checked, prepared=replace(checked.prepared, checks=tuple(checks)))

    parts = {"replicas": 0.001, "threshold": 0.002, "sample": 0.001, "method": 0.0}
    estimate = Estimate(0.501, 0.001, (0.4985, 0.5035), "1", 3, 0.001, parts)
    wide_estimate = Estimate(1e-6, 1e-8, (0.8e-6, 1.25e-6), "m", 3, 1e-8, parts)
    fine = with_checks(result, (replace(check, status="ok") for check in result.checks))
    tight = replace(
        fine,
        warnings=result.image.warnings,
        properties={"porosity": estimate},
    )
    assert trust(tight).level == "sound"
    assert trust(tight).reasons[1] == "Interval: porosity ±0.5 %."
    alone = replace(tight, properties={"porosity": replace(estimate, parts={})})
    assert trust(alone).level == "care"  # however narrow it is
    assert trust(alone).reasons[0] == (
        "No interval is complete: segmentation, finite image and method error not included. The true values "
        "may lie outside."
    )
    both = {"porosity": replace(estimate, parts={}), "body_diameter": wide_estimate}
    assert "body diameter" in trust(replace(tight, properties=both)).reasons[1]
    assert "All 5 checks" in " ".join(trust(tight).reasons)
    warned = replace(tight, warnings=(*tight.warnings, "the box is small"))
    assert trust(warned).level == "care"
    assert trust(warned).reasons[0] == "2 warnings."
    wide = {"porosity": replace(estimate, ci95=(0.1, 2.5))}
    doubtful = trust(replace(tight, properties=wide))
    assert doubtful.level == "doubt"
    assert "within a factor of" in doubtful.reasons[0]  # ± would reach below zero
    failed = (replace(tight.checks[0], status="fail"), *tight.checks[1:])
    assert "failed the check of isotropy" in trust(with_checks(tight, failed)).reasons[0]


# -- intervals --------------------------------------------------------------------------------------


def test_a_bar_is_as_long_as_the_half_width_and_shared_by_squares():
    def estimate(parts: dict[str, float]) -> Estimate:
        return Estimate(2.0, 0.1, (1.0, 4.0), "m", 3, 0.1, parts)

    three = {"replicas": 0.06, "threshold": 0.0, "sample": 0.0}
    figure = sources_figure(
        {
            "chord_pore": estimate(three | {"method": 0.08}),
            "chord_solid": estimate(three),  # a number nobody knows the method's error of
            "thickness_pore": estimate({}),  # one with the replicas' interval alone
            "correlation_length": estimate(three | {"method": 6.0}),
        }
    )
    (panel,) = figure.axes
    assert [text.get_text() for text in panel.get_yticklabels()] == [
        "Mean chord, pore",
        "Mean chord, solid",
        "Correlation length",
    ]
    lengths = np.array([[bar.get_width() for bar in row] for row in panel.containers[:12]]).reshape(3, 4)
    assert lengths[0] == pytest.approx([5 * 0.36, 0, 0, 5 * 0.64])
    assert lengths[1] == pytest.approx([3, 0, 0, 0])
    assert lengths[2].sum() == pytest.approx(100)  # cut, and its end says so
    words = [text.get_text() for text in panel.texts]
    assert words[0] == "±5 %"
    assert "not known" in words[1]
    assert words[2] == "±300 %, cut"


def test_the_page_names_the_numbers_whose_own_error_is_not_known(page, result):
    section = page[page.index('id="trust"') :].split("</section>")[0]
    assert "four sources of uncertainty" in section
    lacking = section.split("The intervals of ")[1].split(" do not include it")[0]
    for name, e in result.properties.items():
        if e.parts:
            assert (within_a_sentence(label_of(name)) in lacking) == ("method" not in e.parts), name


# -- curves -----------------------------------------------------------------------------------------


def test_the_curves_begin_at_the_porosity_and_the_band_holds_the_mean(result):
    panels = descriptor_curves(result.section, result.replicas).axes
    window = min(result.section.pore.shape[0], 48)
    porosity = cut_windows(result.section.pore, window).mean()
    mean, image = (line.get_ydata() for line in panels[0].lines[:2])
    assert image[0] == pytest.approx(porosity)
    band = panels[0].collections[0].get_paths()[0].get_extents()
    assert band.ymin <= mean.min()
    assert band.ymax >= mean.max()
    assert panels[3].lines[1].get_ydata()[0] == pytest.approx(1)  # autocovariance


def test_the_combined_distance_function_counts_every_pixel_but_the_farthest(result):
    panels = combined_distance(result.section, result.replicas).axes
    for panel in panels[6:9]:
        for line in panel.lines[:2]:
            assert 0.97 < np.nansum(line.get_ydata()) <= 1.0 + 1e-9


def test_the_bold_line_of_the_search_is_the_best_so_far(result):
    lines = fit_history(result.replicas).axes[0].lines
    for replica, best in zip(result.replicas, lines[1::4], strict=True):
        losses = [trial.loss for trial in replica.trials]
        assert best.get_ydata().tolist() == [min(losses[: i + 1]) for i in range(len(losses))]
        assert best.get_ydata()[-1] == best_of(replica.trials).loss


def test_the_families_stand_beside_the_search_as_they_were_compared(result):
    one = result.replicas[0]
    first = replace(one.trials[0], loss=0.7)
    trials = [
        replace(first, number=i, family=family, stage=Stage(stage), loss=loss, x=(len(family) / 10,))
        for i, (family, stage, loss) in enumerate(
            [
                ("fields", "explore", 0.2),
                ("fields", "explore", 0.1),
                ("fibres", "explore", 0.5),
                ("fields", "compare", 0.9),
                ("fibres", "compare", 0.6),
            ]
        )
    ]
    replica = replace(one, trials=tuple(trials))
    assert replica.family == "fibres"
    searches, families = fit_history([replica]).axes
    assert searches.lines[1].get_ydata().tolist() == [0.5]  # its own family's search alone
    assert [text.get_text() for text in families.get_xticklabels()] == ["fields", "fibres"]
    shown = {line.get_ydata()[0]: line.get_markerfacecolor() for line in families.lines}
    assert list(shown) == [0.9, 0.6]
    assert shown[0.9] == "none" != shown[0.6]


def test_numbers_are_drawn_even_if_a_replica_lacks_them_or_there_is_only_one():
    lacking = Measurement(
        {"porosity": 0.5, "chord_pore": math.nan, "chord_solid": 2e-7}, {"chord_pore": "why"}
    )
    for measurements in ([lacking], [lacking, lacking]):
        properties = summarise(measurements)
        figure = numbers_plot(properties, measurements, truth=lacking)
        figure.savefig(io.BytesIO())
        assert [panel.get_title(loc="left") for panel in figure.axes[:3]] == [
            "Porosity [%]",
            "Mean chord, pore [m]",
            "Mean chord, solid [nm]",
        ]


# -- words ------------------------------------------------------------------------------------------


def test_numbers_read_as_people_write_them():
    assert scale_of("euler_density", "1/m³", -3e19).unit == "1/µm³"
    assert scale_of("specific_surface", "1/m", 4e6) == (1e-6, "1/µm")
    assert scale_of("permeability", "m²", 2e-12).unit == "µm²"
    assert scale_of("tortuosity", "1", 1.4) == (1.0, "")
    assert scale_of("connected_porosity_z", "1", 0.4) == (100.0, "%")
    assert write(-3.14159, 2) == "−3.14"
    assert label_of("coordination_number") == "Coordination number"
    box = Volume(np.ones((16, 32, 64), dtype=bool), 5e-8)
    assert describe_box(box) == "16 × 32 × 64 voxels of 50 nm (0.8 × 1.6 × 3.2 µm)"


# -- the page ---------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """Collects what a browser would ask for, and the tables as text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.images: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.tables: dict[str, list[list[str]]] = {}
        self.values: dict[str, float] = {}
        self.scripts: list[dict[str, str | None]] = []
        self.policy = ""
        self._table: list[list[str]] = []
        self._cell = False
        self._row = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        known = dict(attrs)
        self.tags.add(tag)
        self.ids += [known["id"]] if "id" in known else []
        if tag == "img":
            self.images.append(known)
        elif tag == "script":
            self.scripts.append(known)
        elif known.get("http-equiv") == "Content-Security-Policy":
            self.policy = known["content"]
        elif tag == "a":
            self.links.append(known["href"])
        elif tag == "table":
            self._table = self.tables[known.get("id", f"table {len(self.tables)}")] = []
        elif tag == "tr":
            self._row = known.get("id", "")
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = True
            self._table[-1].append("")
        elif tag == "data":
            self.values[self._row] = float(known["value"])

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data):
        if self._cell:
            self._table[-1][-1] += data


def test_the_page_asks_for_nothing_from_anywhere(page):
    assert len(page) < 4e6
    for sign in ("http://", "https://", "@import", "url(", "<link", "javascript:", "import("):
        assert sign not in page
    reader = Reader(page)
    assert not reader.tags & {"link", "iframe", "object", "embed"}
    policy = reader.policy
    assert "default-src 'none'" in policy  # nothing may be loaded, whatever the page says
    data, module = reader.scripts
    assert (data["type"], module["type"]) == ("application/x-porescape-voxels", "module")
    assert "src" not in data | module
    text = page[page.index('<script type="module">') + len('<script type="module">') :]
    assert source_hash(text[: text.index("</script>")]) in policy
    assert all(image["src"].startswith("data:image/") for image in reader.images)
    assert all(link.startswith("#") for link in reader.links)


def test_links_within_the_page_lead_somewhere_and_names_are_unique(page):
    reader = Reader(page)
    assert {link[1:] for link in reader.links} <= set(reader.ids)
    assert len(set(reader.ids)) == len(reader.ids)


def test_every_picture_has_words_and_can_be_seen(page):
    images = Reader(page).images
    assert len(images) == 21
    for image in images:
        assert len(image["alt"]) > 40
        kind, _, data = image["src"].partition(";base64,")
        content = base64.b64decode(data, validate=True)
        if kind in ("data:image/png", "data:image/webp"):
            with Image.open(io.BytesIO(content)) as picture:
                picture.load()
                shape = picture.width / picture.height
        else:
            assert kind == "data:image/svg+xml"
            assert b"<!ENTITY" not in content
            box = ElementTree.fromstring(content).get("viewBox").split()
            shape = float(box[2]) / float(box[3])
        assert shape == pytest.approx(int(image["width"]) / int(image["height"]), rel=0.01)


def test_every_number_is_in_the_table_with_its_definition_and_its_value(page, result):
    reader = Reader(page)
    assert reader.values == pytest.approx({name: e.mean for name, e in result.properties.items()}, rel=1e-15)
    assert list(reader.values) == list(NUMBERS)
    table = reader.tables["numbers-table"]
    groups = [line[0].split()[0].lower() for line in table if len(line) == 1]
    assert groups == list(GROUPS)
    lines = [line for line in table[2:] if len(line) > 1]
    for (name, estimate), line in zip(result.properties.items(), lines, strict=True):
        head, unit, mean, sd, interval, *parts, n, margin = line
        condition = condition_of(name, result.settings.measure, result.thickness)
        assert head == ", ".join(filter(None, (label_of(name), condition))) + NUMBERS[name].definition
        assert interval.endswith(" ○") == bool(estimate.lacks)
        interval = interval.removesuffix(" ○")
        scale = scale_of(name, estimate.unit, estimate.mean)
        assert unit == (scale.unit or "1")
        assert int(n) == estimate.n == 2
        low, high = interval.split(" … ")
        shown = [mean, sd, low, high, margin.removeprefix("± ")]
        exact = [estimate.mean, estimate.sd, *estimate.ci95, estimate.paper_margin]
        half_digit = 0.5 * 10.0 ** -decimals_of(estimate, scale.factor)
        if scale.unit == "%":
            half_digit = max(half_digit, 0.005)
        for text, value in zip(shown, exact, strict=True):
            assert abs(float(text.replace("−", "-")) - value * scale.factor) <= half_digit * 1.001
        widths = [float(part) for part in parts if part != "–"]
        assert len(widths) == len(estimate.parts)
        if widths:  # the parts add up to the interval that stands beside them
            total = math.hypot(*estimate.parts.values())
            assert math.hypot(*widths) == pytest.approx(total * scale.factor, abs=4 * half_digit)
            assert estimate.ci95 == interval_of(estimate.mean, total, NUMBERS[name].least, NUMBERS[name].most)


def test_the_values_of_each_replica_and_their_recipes_are_there(page, result):
    tables = Reader(page).tables
    each = next(table for name, table in tables.items() if name.startswith("table "))
    assert each[0][2:] == ["1", "2"]
    for line, values in zip(each[1:], number_rows(result).values(), strict=True):
        assert tuple(line[2:]) == values.values
    head, *lines = tables["recipe-table"]
    assert "solid grain spacing [µm]" in head
    for line, replica in zip(lines, result.replicas, strict=True):
        assert line[head.index("family")] == replica.family
        spacing = float(line[head.index("solid grain spacing [µm]")])
        assert spacing == pytest.approx(replica.recipe.solid_grain_spacing * 1e6, rel=1e-3)
        assert float(line[-1]) == pytest.approx(replica.loss, abs=5.1e-5)


def test_warnings_are_shown_and_nothing_in_a_file_name_becomes_markup(page, result):
    assert "<b>x" not in page
    assert escape(NAME) in page
    assert "a &lt;script&gt; of dust" in page
    assert len(result.warnings) >= 2
    for warning in result.warnings:
        assert warning in unescape(page)


def test_the_page_says_how_to_do_it_again(page, result):
    seeds = ", ".join(str(replica.seed) for replica in result.replicas)
    for text in (
        "porescape run run.toml",
        result.image.sha256,
        seeds,
        "--pixel-size",
        "200 nm",
        "fit.trials",
    ):
        assert text in page
    assert "threshold" in page[page.index('id="trust"') :]
    assert "run.toml</summary>" not in page


def test_the_truth_stands_beside_the_mean_with_the_sign_of_the_error(page, result):
    truth = measure_volume(result.replicas[1].volume)
    lines = Reader(page).tables["truth-table"][1:]
    for line, (name, estimate) in zip(lines, result.properties.items(), strict=True):
        error = 100 * (estimate.mean - truth.values[name]) / abs(truth.values[name])
        assert float(line[4].removesuffix(" %").replace("−", "-")) == pytest.approx(error, abs=0.051)
        assert line[2] == number_rows(result)[name].values[1]  # the truth is the second replica
    assert 'id="truth">Known structure<' in page


def test_the_replica_shown_is_the_selected_one(page, result):
    totals = [score.total for score in result.selection.scores]
    assert result.selected is result.replicas[totals.index(min(totals))]
    assert f"Crops drawn at random from the image and from replica {result.selected.index + 1}" in page
    assert result.selection.reason in page


def test_one_replica_by_the_papers_recipe_without_some_numbers_is_still_a_report(result):
    first = result.replicas[0]
    values = dict.fromkeys(first.measurement.values, 0.5) | {"chord_pore": math.nan}
    alone = replace(
        first,
        measurement=Measurement(values, {"chord_pore": "no pore & no chord"}),
        recipe=PaperRecipe((0.5,) * 9),
    )
    page = render_report(
        replace(
            result,
            replicas=(alone,),
            properties=summarise([alone.measurement]),
            selection=select(result.section, [alone.similarity]),
        ),
        job='seed = 3\n[image]\nfile = "<x>"\n',
    )
    assert "[image]\nfile = &#34;&lt;x&gt;&#34;" in page  # with the job at hand, that is shown as it is
    assert "run.toml</summary>" in page
    assert "the error of the method, which all replicas share" in page  # what its intervals lack
    assert "four sources of uncertainty" not in page
    reader = Reader(page)
    assert "replica 1 without mean chord pore: no pore &amp; no chord" in page
    assert "no interval" in page
    assert reader.tables["recipe-table"][0][1:10] == [f"X{i}" for i in range(1, 10)]
    row = next(line for line in reader.tables["numbers-table"] if line[0].startswith("Mean chord, pore"))
    assert row[2:5] == ["–", "–", "–"]
    assert "truth" not in reader.ids
    assert "nan" not in {cell for table in reader.tables.values() for line in table for cell in line}
    assert "chord_pore" not in reader.values


def test_particles_are_told_with_their_thickness(result, page):
    def with_curves(replica, lrv, bound):
        curves = replica.measurement.details.curves | {
            "log_reduction_z": Curve(np.array([2e-7, 1e-6]), np.array(lrv), "m", "1"),
            "log_reduction_z_at_least": Curve(np.array([2e-7, 1e-6]), np.array(bound), "m", "1"),
        }
        details = replace(replica.measurement.details, curves=curves)
        return replace(replica, measurement=replace(replica.measurement, details=details))

    one, two = result.replicas
    asked = replace(
        result, replicas=(with_curves(one, [1.0, 2.0], [0.0, 0.0]), with_curves(two, [2.0, 2.5], [0.0, 1.0]))
    )
    found = list(particles(one.measurement for one in asked.replicas))
    assert found[0].retained == pytest.approx(1 - (0.1 + 0.01) / 2)
    assert [one.at_least for one in found] == [False, True]
    assert found[0].words == "200 nm: 94.5 % retained (90.0 to 99.0 % by replica), LRV 1.3"
    assert "LRV at least 2.2" in found[1].words
    assert f"Particles, {condition_of('retention_d90_z', result.settings.measure, result.thickness)}" in page
    (own,) = particles(one.measurement for one in result.replicas)
    assert f"<li>{own.words}</li>" in page
