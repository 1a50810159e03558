from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_srgan.viewer.layers.placement import pixels_between, place_result

numbers = st.floats(-100, 100)
factors = st.integers(1, 8)
origins = st.tuples(st.integers(0, 50), st.integers(0, 50))


@given(st.data(), st.integers(2, 5), factors, origins)
def test_every_input_pixel_keeps_its_place(data, ndim, factor, origin):
    """For any linear part, translate, factor, region and pixel."""
    linear = data.draw(arrays(float, (ndim, ndim), elements=numbers))
    translate = data.draw(arrays(float, ndim, elements=numbers))
    pixel = data.draw(arrays(float, ndim, elements=numbers))

    placement = place_result(linear, np.ones(ndim), translate, factor, origin)

    finer = np.ones(ndim)
    finer[-2:] = factor
    in_result = pixel.copy()
    # Of the `factor` pixels that stand for one, the middle lies (factor - 1) / 2 after the first.
    in_result[-2:] = (pixel[-2:] - origin) * factor + (factor - 1) / 2
    world = linear @ np.diag(1 / finer) @ in_result + placement.translate
    np.testing.assert_allclose(world, linear @ pixel + translate, atol=1e-8)


@given(factors)
def test_plain_image_moves_by_part_of_a_pixel(factor):
    placement = place_result(np.diag([2.0, 3.0]), (2, 3), (10, 20), factor)
    assert placement.scale == pytest.approx((2 / factor, 3 / factor))
    half = 1 / (2 * factor) - 1 / 2
    assert placement.translate == pytest.approx((10 + 2 * half, 20 + 3 * half))


@pytest.mark.parametrize(
    ("first", "last", "pixels"),
    [
        ((2.6, 3.4), (5.4, 7.6), ((3, 6), (3, 9))),
        ((-0.5, -0.5), (9.5, 19.5), ((0, 10), (0, 20))),
        ((4, 4), (4, 4), ((4, 5), (4, 5))),
        ((-99, -99), (99, 99), ((0, 10), (0, 20))),
        ((-9, 0), (-1, 5), None),
        ((10, 0), (12, 5), None),
    ],
)
def test_pixels_that_a_box_touches(first, last, pixels):
    assert pixels_between(first, last, (10, 20)) == pixels
