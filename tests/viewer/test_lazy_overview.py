"""A large image from afar: every so many-th pixel, read in blocks where it is looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.viewer.lazy import subsampled as overview
from napari_srgan.viewer.lazy.subsampled import Overview

IMAGE = np.random.default_rng(0).integers(1, 99, (2, 37, 50), dtype=np.uint8)


@pytest.fixture(autouse=True, scope="module")
def small_blocks():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overview, "SUBSAMPLED_BLOCK", 16)
        yield


@st.composite
def keys(draw, shape=(2, 9, 12)):
    """Parts with something in them, as napari and a user ask for them."""
    key = []
    for size in shape:
        start = draw(st.integers(0, size - 1))
        stop = draw(st.integers(start + 1, size))
        key.append(draw(st.sampled_from([start, slice(start, stop), slice(start, stop, 2), slice(None)])))
    return tuple(key)


def fill(image, key):
    for place in image.missing(key):
        image.compute(place)


@given(keys())
def test_every_fourth_pixel(key):
    image = Overview(IMAGE, y=1, step=4)
    strided = IMAGE[:, 2::4, 2::4]
    assert image.shape == strided.shape
    np.testing.assert_array_equal(image[key], strided[key])
    assert not image.peek(key)[1]
    fill(image, key)
    pixels, complete = image.peek(key)
    assert complete
    np.testing.assert_array_equal(pixels, strided[key])


def test_nothing_is_black_until_it_was_read():
    image = Overview(IMAGE, y=1, step=4)
    fill(image, (0, slice(0, 4), slice(0, 4)))
    pixels, complete = image.peek(0)
    assert not complete
    assert pixels[:4, :4].all()
    assert not pixels[4:].any()


def test_an_empty_part_has_its_shape():
    image = Overview(IMAGE, y=1, step=4)
    for key in [(0, slice(0, 0)), (slice(2, 2),), (..., slice(5, 3))]:
        assert image[key].shape == image.peek(key)[0].shape == IMAGE[:, 2::4, 2::4][key].shape
        assert image.missing(key) == []


def test_middle_is_read_first():
    image = Overview(IMAGE, y=1, step=4)
    places = image.missing((0, slice(0, 9), slice(0, 12)))
    assert (places[0].y, places[0].x) == (1, 1)


def test_colours():
    colors = np.random.default_rng(0).integers(1, 99, (37, 50, 3), dtype=np.uint8)
    image = Overview(colors, y=0, step=2)
    fill(image, ...)
    np.testing.assert_array_equal(image.peek((slice(2, 9), slice(3, 20)))[0], colors[1::2, 1::2][2:9, 3:20])


def test_blocks_are_kept_within_a_budget(monkeypatch):
    monkeypatch.setattr(overview, "KEPT", 40)
    image = Overview(IMAGE, y=1, step=4)
    fill(image, ...)
    assert 0 < len(image.missing(...)) < 2 * 3 * 3
    np.testing.assert_array_equal(image[...], IMAGE[:, 2::4, 2::4])
