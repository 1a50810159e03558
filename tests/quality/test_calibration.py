"""Error tables hold as often as they say, and ring correlation tells how fine two images agree."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from napari_srgan.models.error_table import ErrorTable, brightness_and_structure
from napari_srgan.quality.calibration import LEAST_SHARE, BlockErrors, blocks_of, calibrate
from napari_srgan.quality.ring_correlation import ring_correlation


def result_and_truth(seed: int, side: int = 512) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors that grow with brightness: heteroscedastic noise around a smooth image."""
    draw = np.random.default_rng(seed)
    result = 100 * np.exp(gaussian_filter(draw.normal(0, 45, (side, side)), 10))
    return result, result + draw.normal(0, 0.05 * result + 1)


def table_of(blocks: list[BlockErrors]) -> ErrorTable:
    table = calibrate(blocks)
    assert table is not None
    return table


def test_it_covers_nine_of_ten_pixels_of_another_image() -> None:
    table = table_of([block for seed in range(6) for block in blocks_of(*result_and_truth(seed))])
    shares = []
    for seed in range(10, 14):
        result, truth = result_and_truth(seed)
        shares.append(np.mean(np.abs(result - truth) <= table.at(*brightness_and_structure(result))))
    assert np.mean(shares) == pytest.approx(0.90, abs=0.01)
    assert table.covered == pytest.approx(0.90, abs=0.01)


def test_it_is_narrower_than_one_that_covers_nine_of_ten_everywhere_and_holds_in_each_class() -> None:
    table = table_of([block for seed in range(4) for block in blocks_of(*result_and_truth(seed))])
    result, truth = result_and_truth(9)
    noise = 0.05 * result + 1
    width = table.at(*brightness_and_structure(result))
    assert width.mean() < 0.97 * 1.645 * noise.mean()  # nine of ten values of a normal distribution
    inside = np.abs(result - truth) <= width
    brightness, _ = brightness_and_structure(result)
    rows = np.searchsorted(table.brightness, brightness)
    held = [inside[rows == row].mean() for row in np.unique(rows)]
    assert min(held) > LEAST_SHARE - 0.03
    assert held[0] > held[-1]  # misses are where errors are large, and being narrow is worth most


def test_a_part_unlike_the_rest_of_the_image_is_covered_as_often_as_three_of_four() -> None:
    """Errors grow with structure: on the finest tenth a table holds less often, but not seldom."""
    blocks, draw = [], np.random.default_rng(0)
    for seed in range(4):
        result, _ = result_and_truth(seed)
        _, structure = brightness_and_structure(result)
        blocks += blocks_of(result, result + structure * draw.standard_t(4, result.shape))
    table = table_of(blocks)
    assert table.covered == pytest.approx(0.90, abs=0.015)
    assert LEAST_SHARE - 0.02 < table.covered_fine < table.covered


def test_it_holds_on_other_images_though_most_of_the_truth_is_one_value() -> None:
    """As of a localisation microscope: between molecules it shows 0, where a result shows some haze."""

    def haze_and_molecules(seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        result, _ = result_and_truth(seed)
        draw = np.random.default_rng(seed)
        shown = draw.random(result.shape) < 0.25
        return result, np.where(shown, result * draw.exponential(4, result.shape), 0)

    table = table_of([block for seed in range(4) for block in blocks_of(*haze_and_molecules(seed))])
    for seed in range(10, 14):
        result, truth = haze_and_molecules(seed)
        inside = np.abs(result - truth) <= table.at(*brightness_and_structure(result))
        assert inside.mean() == pytest.approx(0.90, abs=0.04)


def test_between_classes_the_width_is_interpolated() -> None:
    table = ErrorTable(
        level=0.9, brightness=(2.0, 4.0), structure=((1.0,), (), (1.0,)),
        width=((1.0, 2.0), (3.0,), (5.0, 5.0)),
        constant=3.0, blocks=30, covered=0.9, covered_fine=0.8, limits=(0.0, 6.0),
    )  # fmt: skip
    brightness = np.array([-9.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 9.0])
    structure = np.array([0.5, 0.5, 1.0, 1.5, 0.5, 7.0, 0.0, 0.0, 9.0])
    np.testing.assert_allclose(table.at(brightness, structure), [1, 1, 1.5, 2, 2, 3, 4, 5, 5])


def test_it_holds_in_other_places_though_each_place_has_errors_of_its_own() -> None:
    """Blocks of one place err alike, and tell less than as many from everywhere would."""

    def four_places(draw: np.random.Generator) -> list[BlockErrors]:
        result, blocks = np.full((192, 144), 5.0), []
        for err in np.exp(draw.normal(0, 0.4, 4)):
            blocks += blocks_of(result, result + draw.normal(0, err, result.shape))
        return blocks

    shares = []
    for seed in range(20):
        draw = np.random.default_rng(seed)
        table = table_of(four_places(draw))
        shares += [np.mean(b.error <= table.at(b.brightness, b.structure)) for b in four_places(draw)]
    assert 0.9 < np.mean(shares) < 0.96


def test_widths_grow_with_the_error() -> None:
    table = table_of([block for seed in range(3) for block in blocks_of(*result_and_truth(seed))])
    rows = [np.mean(row) for row in table.width]
    assert rows == sorted(rows)


def test_few_blocks_make_no_table() -> None:
    result, truth = result_and_truth(0, 128)
    assert calibrate(blocks_of(result, truth)) is None
    assert calibrate([]) is None


def test_only_what_is_counted_counts() -> None:
    result, truth = result_and_truth(0)
    counted = np.zeros(result.shape, bool)
    counted[:, :256] = True
    wrong = truth.copy()
    wrong[:, 256:] += 1e4
    assert calibrate(blocks_of(result, wrong, counted)) == calibrate(blocks_of(result, truth, counted))


def test_an_even_image_has_a_table_too() -> None:
    draw = np.random.default_rng(0)
    result = np.full((512, 512), 5.0)
    table = table_of(blocks_of(result, result + draw.normal(0, 1, result.shape)))
    share = np.mean(np.abs(draw.normal(0, 1, result.shape)) <= table.at(*brightness_and_structure(result)))
    assert share == pytest.approx(0.9, abs=0.02)


def test_a_table_goes_through_json() -> None:
    table = table_of(blocks_of(*result_and_truth(0)))
    assert ErrorTable.model_validate_json(table.model_dump_json()) == table


def test_a_table_that_is_none_is_refused() -> None:
    good = table_of(blocks_of(*result_and_truth(0))).model_dump()
    for bad in ({"width": good["width"][1:]}, {"brightness": good["brightness"][1:]}):
        with pytest.raises(ValueError, match="rows"):
            ErrorTable(**(good | bad))
    with pytest.raises(ValueError, match="not negative"):
        ErrorTable(**(good | {"width": ((-1.0,) * 8,) * 8}))


def test_brightness_and_structure_of_numbers_far_from_zero() -> None:
    noise = np.random.default_rng(0).normal(0, 1, (200, 200))
    brightness, structure = brightness_and_structure(noise + 1e7)
    assert brightness.mean() == pytest.approx(1e7, abs=1)
    assert structure.mean() == pytest.approx(1, abs=0.05)


def test_equal_images_correlate_in_all_rings() -> None:
    draw = np.random.default_rng(0)
    image = draw.random((128, 160))
    assert ring_correlation(image, 3 * image + 2).resolution is None
    np.testing.assert_allclose(ring_correlation(image, image).correlation, 1)


@pytest.mark.parametrize("blur", [0, 1, 3])
def test_unlike_images_agree_in_nothing(blur: float) -> None:
    """Smoothed rings of one pair in three are above the threshold by chance."""
    for seed in range(12):
        pair = np.random.default_rng(seed).normal(0, 1, (2, 128, 128))
        assert ring_correlation(*(gaussian_filter(one, blur) for one in pair)).resolution == np.inf


def test_ring_correlation_ends_where_detail_does() -> None:
    draw = np.random.default_rng(0)
    truth = draw.normal(0, 1, (256, 256))
    spectrum, frequency = np.fft.fft2(truth), np.hypot(*np.meshgrid(*[np.fft.fftfreq(256)] * 2))
    coarse = np.fft.ifft2(np.where(frequency < 0.125, spectrum, 0)).real + draw.normal(0, 0.3, truth.shape)
    assert ring_correlation(coarse, truth).resolution == pytest.approx(8, rel=0.1)


def test_ring_correlation_of_small_images_is_refused() -> None:
    with pytest.raises(ValueError, match="32 pixels or more"):
        ring_correlation(np.zeros((20, 40)), np.zeros((20, 40)))
