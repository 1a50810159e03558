"""Factor, axes and common part of two images, from their shapes and places alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_srgan.errors import UserError
from napari_srgan.training.pairs.common_part import LEAST_COMMON_SIDE
from napari_srgan.training.pairs.matching import match
from napari_srgan.training.pairs.source import SourceImage
from napari_srgan.viewer.layers.placement import place_result


def image(name: str, *shape: int, axes: str = "", **place: Any) -> SourceImage:
    return SourceImage(name, np.broadcast_to(np.uint8(0), shape), axes or "TCZYX"[-len(shape) :], **place)


@given(
    factor=st.integers(1, 8),
    size=st.tuples(st.integers(32, 200), st.integers(32, 200)),
    start=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    scale=st.floats(0.01, 100),
)
def test_partners_lie_on_each_other_in_the_world(
    factor: int, size: tuple[int, int], start: tuple[int, int], scale: float
) -> None:
    """The high image is cut out somewhere else, and placed as the viewer would place it."""
    placement = place_result(np.eye(2) * scale, (scale, scale), (5 * scale, -3 * scale), factor, start)
    fine = scale / factor
    low = image("low", 120, 110, scale=(scale, scale), origin=(5 * scale, -3 * scale))
    high_shape = (size[0] * factor, size[1] * factor)
    high = image("high", *high_shape, scale=(fine, fine), origin=placement.translate)
    # Equal pixel sizes may be those of images that nobody has calibrated, unless it is said that they are.
    told = 1 if factor == 1 else None
    # What the world says they share; half a low-resolution pixel is taken for none.
    shared = [min(n, at + m) - max(at, 0) for n, at, m in zip((120, 110), start, size, strict=True)]
    if min(shared) < LEAST_COMMON_SIDE:
        with pytest.raises(UserError, match=r"low and high are no pair: (in the world|they lie apart)"):
            match(low, high, told)
        return
    pair = match(low, high, told)
    assert pair.factor == factor
    assert pair.shape == tuple(shared)
    for axis in (0, 1):
        assert pair.low_region[axis][0] == max(start[axis], 0)
        assert pair.high_region[axis][0] == max(-start[axis], 0) * factor
        assert pair.high_region[axis][1] <= high_shape[axis]


@given(factor=st.integers(1, 8), height=st.integers(100, 500), few=st.integers(-4, 4))
def test_a_few_pixels_more_or_less_are_cropped(factor: int, height: int, few: int) -> None:
    pair = match(image("a", height, 100), image("b", height * factor + few, 100 * factor))
    assert pair.factor == factor
    assert pair.low_region[0] == (0, min((height * factor + few) // factor, height))
    assert pair.high_region[0] == (0, pair.low_region[0][1] * factor)


def test_corners_of_images_laid_centre_on_centre_are_taken_to_agree() -> None:
    pair = match(image("a", 64, 64, scale=(4, 4)), image("b", 256, 256, scale=(1, 1)))
    assert pair.low_region == ((0, 64), (0, 64))
    assert pair.high_region == ((0, 256), (0, 256))


def test_pixel_sizes_decide_over_shapes() -> None:
    """A field twice as large at twice the resolution: shapes alone would say four."""
    low = image("a", 100, 100, scale=(2.0, 2.0))
    high = image("b", 400, 400, scale=(1.005, 1.0), origin=(-100.5, -100.5))
    pair = match(low, high)
    assert pair.factor == 2
    assert pair.low_region == ((0, 100), (0, 100))
    assert pair.high_region == ((100, 300), (100, 300))


@pytest.mark.parametrize(
    ("low_axes", "low_shape", "high_axes", "high_shape", "index", "high_index"),
    [
        ("TCYX", (3, 2, 64, 64), "CTYX", (2, 3, 128, 128), (2, 1), (1, 2)),
        ("TYX", (3, 64, 64), "QYX", (3, 128, 128), (2,), (2,)),
        ("TZYX", (3, 1, 64, 64), "TYX", (3, 128, 128), (2, 0), (2,)),
        ("YX", (64, 64), "ZCYX", (1, 1, 128, 128), (), (0, 0)),
        ("QQYX", (2, 3, 64, 64), "QQYX", (2, 3, 128, 128), (1, 2), (1, 2)),
        ("CYX", (2, 64, 64), "CYX", (2, 128, 128), (1,), (1,)),
    ],
)
def test_axes_are_matched(
    low_axes: str,
    low_shape: tuple[int, ...],
    high_axes: str,
    high_shape: tuple[int, ...],
    index: tuple[int, ...],
    high_index: tuple[int, ...],
) -> None:
    pair = match(image("a", *low_shape, axes=low_axes), image("b", *high_shape, axes=high_axes))
    assert pair.high_index(index) == high_index
    assert pair.planes()[-1] == index
    assert pair.channel_of(index) == (1 if "C" in low_axes else 0)


BAD: list[tuple[str, SourceImage, SourceImage]] = [
    ("'a' is the high-resolution image and 'b' the low one", image("a", 256, 256), image("b", 64, 64)),
    (
        "'a' is the high-resolution image",
        image("a", 64, 64, scale=(1, 1)),
        image("b", 64, 64, scale=(4, 4)),
    ),
    ("factors of 1.37 and 1.37", image("a", 100, 100), image("b", 137, 137)),
    (
        "differ by a factor of 1.37; it has to be a whole number",
        image("a", 64, 64, scale=(1.37, 1.37)),
        image("b", 88, 88, scale=(1, 1)),
    ),
    ("factors of 9 and 9", image("a", 64, 64), image("b", 576, 576)),
    ("turned by 90 degrees", image("a", 100, 140), image("b", 280, 200)),
    ("'a' has 20 x 64 pixels", image("a", 20, 64), image("b", 40, 128)),
    ("'b': the image is empty", image("a", 64, 64), image("b", 0, 64)),
    ("'a' is RGB and 'b' is grayscale", image("a", 64, 64, 3, axes="YXS"), image("b", 64, 64)),
    ("'a' has axes ZYX of 3 x 64 x 64", image("a", 3, 64, 64), image("b", 4, 64, 64)),
    ("axes do not match", image("a", 3, 64, 64, axes="TYX"), image("b", 3, 64, 64, axes="ZYX")),
    ("axes do not match", image("a", 3, 64, 64, axes="TYX"), image("b", 64, 64)),
    (
        "they lie apart",
        image("a", 64, 64, scale=(2, 2)),
        image("b", 128, 128, scale=(1, 1), origin=(500, 0)),
    ),
    (
        "in the world they share only 64 x 4",
        image("a", 64, 64, scale=(2, 2)),
        image("b", 128, 128, scale=(1, 1), origin=(0, 120)),
    ),
    ("pixel sizes are above 0", image("a", 64, 64, scale=(0, 1)), image("b", 64, 64, scale=(1, 1))),
    ("'b': complex values", image("a", 64, 64), SourceImage("b", np.zeros((64, 64), complex), "YX")),
    ("'b': 3 axes 'ZYX'", image("a", 64, 64), image("b", 64, 64, axes="ZYX")),
]


@pytest.mark.parametrize(("sentence", "low", "high"), BAD)
def test_what_is_no_pair_is_named_with_the_reason(sentence: str, low: SourceImage, high: SourceImage) -> None:
    with pytest.raises(UserError) as caught:
        match(low, high)
    assert str(caught.value).startswith("a and b are no pair: ")
    assert sentence in str(caught.value)


def test_images_of_equal_pixel_sizes_lie_where_the_world_says() -> None:
    micrometres = {"scale": (0.1, 0.1)}
    low = image("a", 100, 100, **micrometres)
    moved = match(low, image("b", 100, 100, origin=(1.0, -2.0), **micrometres))
    assert (moved.factor, moved.low_region, moved.high_region) == (
        1, ((10, 100), (0, 80)), ((0, 90), (20, 100)),
    )  # fmt: skip
    # Another cut of the same pixels, whose shape tells nothing.
    cut = match(low, image("b", 60, 137, origin=(2.0, 0.0), **micrometres))
    assert (cut.factor, cut.low_region) == (1, ((20, 80), (0, 100)))


def test_shapes_tell_the_factor_where_nobody_has_set_pixel_sizes() -> None:
    low, high = (image(name, side, side, scale=(1.0, 1.0)) for name, side in (("a", 64), ("b", 128)))
    assert match(low, high).factor == 2
    assert match(low, high, 1).shape == (64, 64)
    with pytest.raises(UserError, match="by their shape, 'b' is the high-resolution image"):
        match(high, low)


def test_a_factor_that_is_told_has_to_fit() -> None:
    low, high = image("a", 64, 64), image("b", 128, 128)
    assert match(low, high, 2).factor == 2
    with pytest.raises(UserError, match="differ by a factor of 2, not 3"):
        match(low, high, 3)
    with pytest.raises(UserError, match="a whole number from 1 to 8; got 0"):
        match(low, high, 0)
