"""The sample: what the picture says, the structure behind it, and that one shows the other."""

import json

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from porescape.core.image import Micrograph
from porescape.core.settings import Segmentation
from porescape.measure.geometry.correlation import mean_chords
from porescape.sample import load_truth, load_truth_section, sample_path
from porescape.section.segment import segment

KILOBYTE = 1000
PIXEL = 25e-9  # m
BANNER = 48  # pixels


@pytest.fixture(scope="module")
def micrograph() -> Micrograph:
    pixels = tifffile.imread(sample_path())
    return Micrograph(pixels[:-BANNER].astype(np.float32) / 255, PIXEL)


def test_the_file_tells_its_own_pixel_size():
    with tifffile.TiffFile(sample_path()) as file:
        scan = file.fei_metadata["Scan"]
    assert scan["PixelWidth"] == scan["PixelHeight"] == PIXEL


def test_the_file_is_one_8_bit_picture_with_a_dark_banner_and_a_scale_bar_of_two_micrometres():
    with tifffile.TiffFile(sample_path()) as file:
        assert len(file.pages) == 1
        image = file.fei_metadata["Image"]
    pixels = tifffile.imread(sample_path())
    assert pixels.shape == (512, 640)
    assert pixels.dtype == np.uint8
    assert (image["ResolutionX"], image["ResolutionY"]) == (640, 512 - BANNER)
    banner = pixels[-BANNER:]
    assert np.median(banner) < 20
    longest = max(
        np.diff(np.flatnonzero(np.diff(row == 255, prepend=0, append=0)), n=1).max(initial=0)
        for row in banner
    )
    assert longest * PIXEL == pytest.approx(2e-6)


def test_the_files_are_small_enough_to_travel_with_the_package():
    assert sample_path().stat().st_size <= 400 * KILOBYTE
    assert sample_path().with_name("sample_truth.npz").stat().st_size <= 400 * KILOBYTE


def test_the_truth_is_a_cube_at_the_scale_of_the_picture():
    truth = load_truth()
    assert truth.shape == (128, 128, 128)
    assert truth.voxel_size == PIXEL
    assert truth.porosity == pytest.approx(0.615, abs=0.02)


def test_both_phases_of_the_truth_hang_together_as_in_a_membrane():
    for phase in (load_truth().pore, ~load_truth().pore):
        sizes = np.bincount(ndimage.label(phase)[0].ravel())[1:]
        assert sizes.max() > 0.98 * sizes.sum()


def test_the_first_layer_of_the_truth_lies_in_the_section():
    with np.load(sample_path().with_name("sample_truth.npz")) as archive:
        y, x = json.loads(str(archive["meta"]))["offset_in_section"]
    section = load_truth_section().pore
    np.testing.assert_array_equal(section[y : y + 128, x : x + 128], load_truth().pore[0])


def test_the_pores_are_as_wide_as_promised():
    assert 12 <= mean_chords(load_truth())[0] / load_truth().voxel_size <= 14.5


def test_the_picture_segments_to_the_structure_behind_it(micrograph):
    section = load_truth_section()
    phase = segment(micrograph, Segmentation())
    assert phase.porosity == pytest.approx(section.porosity, abs=0.03)
    assert np.mean(phase.pore == section.pore) > 0.95


def test_struts_behind_the_cut_are_there_to_be_fallen_for(micrograph):
    """Solid that is not in the plane: nearly all of what the segmentation gets wrong."""
    section = load_truth_section()
    phase = segment(micrograph, Segmentation())
    false_solid = np.mean(~phase.pore & section.pore)
    false_pore = np.mean(phase.pore & ~section.pore)
    assert false_solid > 3 * false_pore


def test_nothing_in_the_picture_repeats(micrograph):
    """The simulated box is as wide as the picture: apart from no shift at all, none makes it match itself."""
    grey = micrograph.grey - ndimage.gaussian_filter(micrograph.grey, 30)
    likeness = np.fft.irfft2(np.abs(np.fft.rfft2(grey)) ** 2, grey.shape) / np.sum(grey**2)
    near = np.hypot(*np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in grey.shape), indexing="ij")) < 40
    assert likeness[~near].max() < 0.1
