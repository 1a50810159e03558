"""What is known about axes, and what is refused."""

from __future__ import annotations

import pytest

from napari_srgan.errors import UserError
from napari_srgan.images.axes import check_axes, guess_axes


@pytest.mark.parametrize(
    ("shape", "names", "rgb", "axes"),
    [
        ((64, 64), None, None, "YX"),
        ((64, 64, 3), None, None, "YXS"),
        ((64, 64, 4), None, None, "YXS"),
        ((5, 64, 64, 3), None, None, "QYXS"),
        ((3, 64, 64), None, None, "QYX"),
        ((64, 20, 3), None, None, "QYX"),  # too narrow for a picture
        ((64, 64, 3), None, False, "QYX"),
        ((20, 20, 3), None, True, "YXS"),
        ((2, 5, 3, 64, 64), ("t", "z", "c", "y", "x"), None, "TZCYX"),
        ((3, 64, 64), ("channel", "y", "x"), None, "CYX"),
        ((64, 64, 3), ("y", "x", "rgb"), None, "YXS"),
        ((64, 64, 3), ("z", "y", "x"), None, "ZYX"),  # names say that it is no colour
        ((9, 64, 64, 3), ("time", "y", "x"), True, "TYXS"),
        ((2, 3, 64, 64), ("axis 0", "axis 1", "axis 2", "axis 3"), False, "QQYX"),
        ((2, 3, 64, 64), ("t", "t", "y", "x"), False, "TQYX"),
        ((2, 3, 4, 64, 64, 3), None, None, "QQQYXS"),
        ((20, 24, 3), ("y", "x", "c"), None, "YXS"),
        ((64, 64), ("x", "y"), None, "YX"),  # which of the two is which makes no difference
    ],
)
def test_guesses(shape: tuple[int, ...], names: tuple[str, ...] | None, rgb: bool | None, axes: str) -> None:
    assert guess_axes(shape, names, rgb) == axes


@pytest.mark.parametrize(
    ("shape", "rgb", "message"),
    [((5,), None, "needs two axes"), ((), None, "needs two axes"), ((5, 3), True, "needs two axes"),
     ((1, 2, 3, 4, 5, 6), False, "at most 5 axes")],
)  # fmt: skip
def test_no_plane_or_too_many_axes(shape: tuple[int, ...], rgb: bool | None, message: str) -> None:
    with pytest.raises(UserError, match=message):
        guess_axes(shape, None, rgb)


@pytest.mark.parametrize("shape", [(4, 64, 64, 1), (64, 64, 5), (64, 64, 1), (31, 31, 16), (2, 100, 90, 2)])
def test_channels_that_come_last_are_asked_about(shape: tuple[int, ...]) -> None:
    letters = "Q" * (len(shape) - 2) + "YX"
    with pytest.raises(UserError, match=rf"may be channels or X: move .* or name the axes, axes='{letters}'"):
        guess_axes(shape)
    assert check_axes(letters, shape) == letters
    assert guess_axes(shape, rgb=False) == letters
    assert guess_axes(shape, ("z", "c", "y", "x")[-len(shape) :]).endswith("YX")


@pytest.mark.parametrize("shape", [(30, 64, 5), (64, 30, 5), (64, 64, 17), (64, 5), (64, 1), (1, 64, 64)])
def test_narrow_images_that_are_no_channels(shape: tuple[int, ...]) -> None:
    assert guess_axes(shape).endswith("YX")


def test_given_axes_are_taken_in_any_case() -> None:
    assert check_axes("tyxs", (5, 9, 9, 4)) == "TYXS"


@pytest.mark.parametrize(
    ("axes", "shape", "message"),
    [
        ("YX", (1, 2, 3), "2 axes 'YX' for an array of shape"),
        ("XY", (9, 9), "cannot be used"),
        ("YXC", (9, 9, 2), "cannot be used"),
        ("TTYX", (1, 2, 9, 9), "cannot be used"),
        ("YXS", (9, 9, 2), "RGB has 3 and RGBA 4"),
        ("TZCQYX", (1, 1, 1, 1, 9, 9), "at most 5"),
    ],
)
def test_given_axes_that_do_not_fit(axes: str, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_axes(axes, shape)


@pytest.mark.parametrize(
    ("shape", "names"),
    [((9, 9, 2), ("y", "x", "c")), ((9, 9, 5), ("y", "x", "band")), ((9, 9, 4), ("x", "y", "z"))],
)
def test_images_are_never_turned_silently(shape: tuple[int, ...], names: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="transpose the image"):
        guess_axes(shape, names)
