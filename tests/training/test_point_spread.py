"""Point spread functions keep brightness and place, and wrong ones are told in a sentence."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.training.degradation.point_spread import LARGEST_RADIUS, PointSpread, gaussian_psf, read_psf


def spot(
    shape: tuple[int, int], centre: tuple[float, float], sigma: float = 1.5, stretch: float = 1.0
) -> NDArray[np.float64]:
    y, x = np.indices(shape)
    return np.asarray(np.exp(-((y - centre[0]) ** 2 + ((x - centre[1]) / stretch) ** 2) / (2 * sigma**2)))


def centre_of_mass(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows and columns from the middle."""
    places = np.indices(kernel.shape) - (len(kernel) - 1) / 2
    return np.asarray((places * kernel).sum(axis=(1, 2)) / kernel.sum())


def check_it_keeps_brightness_and_place(spread: PointSpread) -> None:
    kernel = spread.array
    assert kernel.shape == (2 * spread.radius + 1,) * 2
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert kernel.min() >= 0
    assert np.abs(centre_of_mass(kernel)).max() < 0.01


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    place=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    sigma=st.floats(0.3, 6),
    stretch=st.floats(1, 2),
    brightness=st.floats(1e-6, 1e6),
)
def test_any_spot_becomes_one_that_keeps_brightness_and_place(
    shape: tuple[int, int], place: tuple[float, float], sigma: float, stretch: float, brightness: float
) -> None:
    centre = (place[0] * (shape[0] - 1), place[1] * (shape[1] - 1))
    check_it_keeps_brightness_and_place(read_psf(spot(shape, centre, sigma, stretch) * brightness))


def test_a_spot_off_centre_is_moved_and_it_is_said() -> None:
    spread = read_psf(spot((41, 41), (17.0, 26.0)))
    np.testing.assert_allclose(spread.array, read_psf(spot((41, 41), (20.0, 20.0))).array, atol=1e-6)
    assert len(spread.notes) == 1
    assert "lies -3.0 rows and +6.0 columns from the middle" in spread.notes[0]


@pytest.mark.parametrize("shape", [(20, 20), (21, 20), (20, 33)])
def test_an_even_side_is_no_shift(shape: tuple[int, int]) -> None:
    spread = read_psf(spot(shape, ((shape[0] - 1) / 2, (shape[1] - 1) / 2)))
    check_it_keeps_brightness_and_place(spread)
    assert spread.notes == ()


def test_a_small_point_spread_stays_what_it_is() -> None:
    kernel = np.array([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]])
    spread = read_psf(kernel)
    np.testing.assert_allclose(spread.array, kernel / 16, atol=1e-6)
    assert spread.notes == ()
    assert read_psf(spread.array) == spread


def test_one_pixel_is_no_blur() -> None:
    assert read_psf(np.array([[7]], np.uint8)).kernel == ((1.0,),)


def test_the_background_of_a_measured_one_is_taken_off_and_it_is_said() -> None:
    draw = np.random.default_rng(0)
    clean = spot((64, 64), (31.0, 30.0), sigma=2.0)
    measured = (draw.poisson(2000 * clean) + 100 + draw.normal(0, 5, clean.shape)).round().astype(np.uint16)
    spread = read_psf(measured)
    assert any("background of the point spread function, 100, was taken off" in note for note in spread.notes)
    y, _ = np.indices(spread.array.shape) - spread.radius
    assert np.sqrt((y**2 * spread.array).sum()) == pytest.approx(2.0, rel=0.05)


def test_a_computed_one_keeps_its_faint_rings() -> None:
    y, x = np.indices((63, 63)) - 31
    radius = np.hypot(y, x) / 2.5
    rings = np.sinc(radius) ** 2
    spread = read_psf(rings)
    assert spread.notes == ()
    middle = spread.radius
    ratio = spread.array[middle, middle + 4] / spread.array[middle, middle]
    assert ratio == pytest.approx(rings[31, 35], rel=1e-3)


def test_a_large_one_is_cut_to_what_matters() -> None:
    spread = read_psf(spot((301, 301), (150.0, 150.0), sigma=2.0))
    assert spread.radius < 12
    wide = read_psf(spot((301, 301), (150.0, 150.0), sigma=32.0))
    assert wide.radius == LARGEST_RADIUS
    assert any("lies more than 64 pixels from its middle" in note for note in wide.notes)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (np.zeros((9, 9)), "has no light: no value is above 0"),
        (-spot((9, 9), (4, 4)), "has no light"),
        (spot((9, 9), (4, 4)) - 0.3, r"negative values make up \d+% of the point spread function"),
        (np.where(spot((9, 9), (4, 4)) > 0.9, np.nan, 1.0), "1 of 81 values .* are NaN or infinite"),
        (np.ones((5, 9, 9)), r"one plane; got 3 axes, shape \(5, 9, 9\)"),
        (np.ones((400, 400)), "is no spot: .* cut out of its surroundings"),
        (np.ones((9, 9), complex), "complex values"),
        (np.ones((0, 9)), "empty"),
        ("bead.tif", "is a path"),
    ],
)
def test_what_is_no_point_spread_gets_a_sentence(wrong: object, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read_psf(wrong)


def test_small_negative_values_are_set_to_0_and_it_is_said() -> None:
    noisy = spot((15, 15), (7, 7)) + np.random.default_rng(0).normal(0, 1e-3, (15, 15))
    spread = read_psf(noisy)
    check_it_keeps_brightness_and_place(spread)
    assert any("negative values" in note or "background" in note for note in spread.notes)


def test_axes_of_one_are_left_out() -> None:
    plane = spot((15, 15), (7, 7))
    assert read_psf(plane[None, None]) == read_psf(plane)


@settings(max_examples=20, deadline=None)
@given(aperture=st.floats(0.1, 1.49), wavelength=st.floats(0.4, 0.8), pixels=st.floats(0.8, 12))
def test_the_optics_give_the_width(aperture: float, wavelength: float, pixels: float) -> None:
    pixel = 0.2251 * wavelength / aperture / pixels
    spread = gaussian_psf(aperture, wavelength, pixel)
    check_it_keeps_brightness_and_place(spread)
    y, _ = np.indices(spread.array.shape) - spread.radius
    variance = (y**2 * spread.array).sum() * pixel**2
    # 0.225 wavelength / NA (Zhang et al. 2007); a pixel adds the variance of its own width.
    expected = (0.2251 * wavelength / aperture) ** 2 + pixel**2 / 12
    assert variance == pytest.approx(expected, rel=0.02)


def test_the_blur_that_is_in_the_image_already_is_taken_off() -> None:
    def variance(spread: PointSpread) -> float:
        y, _ = np.indices(spread.array.shape) - spread.radius
        return float((y**2 * spread.array).sum())

    # Pixels far below the blur, so that their own width does not count.
    low, high = gaussian_psf(0.4, 0.5, 0.02), gaussian_psf(1.2, 0.5, 0.02)
    between = gaussian_psf(0.4, 0.5, 0.02, high_numerical_aperture=1.2)
    assert variance(between) == pytest.approx(variance(low) - variance(high), rel=0.01)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((0.0, 0.51, 0.1), "numerical aperture lies between 0 and 1.8; got 0"),
        ((40.0, 0.51, 0.1), "got 40"),
        ((0.8, 510.0, 0.1), "510 um is no light; give it in micrometres: 0.51"),
        ((0.8, 0.51, 0.0), "size of a pixel is a number of micrometres above 0"),
        ((0.8, 0.51, float("nan")), "size of a pixel"),
        ((float("nan"), 0.51, 0.1), "numerical aperture"),
        ((0.8, 0.51, 1e-4), "sigma of 1435 pixels"),
        ((0.8, 0.51, 0.1, 0.5), "numerical aperture above 0.8, .* got 0.5"),
    ],
)
def test_impossible_optics_get_a_sentence(values: tuple[float, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        gaussian_psf(*values)


def test_few_products_are_the_whole_kernel() -> None:
    for spread, most in ((gaussian_psf(0.4, 0.51, 0.08), 1), (read_psf(spot((31, 31), (15, 15), 2, 1.7)), 1)):
        columns, rows = spread.separable
        assert len(columns) <= most
        np.testing.assert_allclose(columns.T @ rows, spread.array, atol=spread.array.max() * 0.01)


def test_notes_are_sentences_without_line_breaks() -> None:
    notes = read_psf(spot((41, 41), (12.0, 26.0)) + 5).notes
    assert len(notes) == 2
    assert not any(re.search(r"\n|  ", note) for note in notes)
