"""From layers to images that can be paired."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Image, Labels

from napari_srgan.errors import UserError
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers, pair_images, source_image

PLANE = np.zeros((40, 48))
FINE = np.zeros((80, 96))
sizes = st.floats(0.01, 100)
places = st.floats(-1000, 1000)


@given(st.tuples(sizes, sizes), st.tuples(places, places), st.tuples(sizes, sizes), st.tuples(places, places))
def test_scale_and_origin_are_those_on_the_canvas(scale, translate, affine_scale, affine_translate):
    affine = np.diag([*affine_scale, 1.0])
    affine[:2, 2] = affine_translate
    layer = Image(PLANE, scale=scale, translate=translate, affine=affine)
    image = source_image(layer)
    for pixel in ((0, 0), (39, 47)):
        placed = [o + s * p for o, s, p in zip(image.origin, image.scale, pixel, strict=True)]
        np.testing.assert_allclose(placed, layer.data_to_world(pixel), rtol=1e-6, atol=1e-6)


def test_leading_axes_do_not_matter():
    layer = Image(np.zeros((3, 6, 8)), scale=(5, 0.5, 0.25), translate=(1, 2, 3), axis_labels=("z", "y", "x"))
    image = source_image(layer)
    assert (image.axes, image.scale, image.origin) == ("ZYX", (0.5, 0.25), (2.0, 3.0))


def test_the_finest_level_is_learned_from():
    layer = Image([FINE, FINE[::2, ::2]], multiscale=True, scale=(0.5, 0.5))
    image = source_image(layer)
    assert image.data.shape == (80, 96)
    assert image.scale == (0.5, 0.5)


def test_rgb_is_rgb():
    assert source_image(Image(np.zeros((6, 8, 3)), rgb=True)).axes == "YXS"


@pytest.mark.parametrize("turned", [{"rotate": 5}, {"rotate": 90}, {"shear": [0.1]}, {"scale": (-1, 1)}])
def test_what_is_turned_sheared_or_mirrored_is_refused(turned):
    with pytest.raises(UserError, match="'cells' is turned, sheared or mirrored"):
        source_image(Image(PLANE, name="cells", **turned))


def test_labels_are_refused():
    with pytest.raises(UserError, match="'cells' is a Labels layer; labels are no brightness"):
        source_image(Labels(np.zeros((4, 4), int), name="cells"))


def test_units_are_brought_together():
    low = Image(PLANE, scale=(0.5, 0.5), units=("um", "um"))
    high = Image(FINE, scale=(250, 250), translate=(-125, -125), units=("nm", "nm"))
    _, fine = pair_images(low, high)
    assert fine.scale == pytest.approx((0.25, 0.25))
    assert fine.origin == pytest.approx((-0.125, -0.125))
    assert PairOfLayers(low, high).images().factor == 2


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ({}, {}),  # nobody has said anything
        ({"scale": (0.2, 0.2), "units": ("um", "um")}, {}),  # of one only
        ({"scale": (0.2, 0.2)}, {}),
    ],
)
def test_pixel_sizes_that_say_nothing_are_not_believed(low, high):
    pair = PairOfLayers(Image(PLANE, **low), Image(FINE, **high))
    assert pair.images().factor == 2
    assert pair.images().low.scale is None


def test_a_whole_multiple_of_napari_s_one_is_believed():
    coarse, fine = pair_images(Image(PLANE, scale=(2, 2), translate=(0.5, 0.5)), Image(FINE))
    assert (coarse.scale, fine.scale, coarse.origin) == ((2, 2), (1, 1), (0.5, 0.5))


def test_a_layer_is_not_its_own_partner():
    layer = Image(PLANE, name="cells")
    with pytest.raises(UserError, match="'cells' cannot be its own partner"):
        pair_images(layer, layer)


def test_rgb_against_gray_is_refused():
    with pytest.raises(UserError, match=r"(?i)rgb"):
        PairOfLayers(Image(np.zeros((40, 40))), Image(np.zeros((80, 80, 3)), rgb=True)).images()
