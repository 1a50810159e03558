"""Which axis of a layer is time: no window is needed to know."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Image

from napari_srgan.errors import UserError
from napari_srgan.viewer.upscale.time_axis import likeliest_time, movie_axes, time_axes, with_time

AXES = st.sampled_from(["YX", "QYX", "TYX", "ZYX", "CYX", "TZYX", "TCYX", "QQYX", "TZCYX", "QZYX", "QQQYXS"])


@pytest.mark.parametrize(
    ("axes", "shape", "place"),
    [
        ("TYX", (51, 8, 8), 0),
        ("TYX", (1, 8, 8), 0),
        ("QYX", (51, 8, 8), 0),
        ("QYXS", (21, 8, 8, 3), 0),
        ("ZTYX", (5, 9, 8, 8), 1),
        ("QTYX", (5, 9, 8, 8), 1),
        ("TZCYX", (9, 5, 2, 8, 8), 0),
        ("QZYX", (9, 5, 8, 8), 0),
        ("QCYX", (9, 2, 8, 8), 0),
        ("QQYX", (1, 9, 8, 8), 1),
    ],
)
def test_time_is_what_is_called_so_or_the_only_axis_without_a_name(axes, shape, place):
    assert likeliest_time(time_axes(axes, shape)) == place


@pytest.mark.parametrize(
    ("axes", "shape"), [("ZYX", (9, 8, 8)), ("QQYX", (9, 5, 8, 8)), ("ZCYX", (9, 2, 8, 8)), ("YX", (8, 8))]
)
def test_nothing_else_is_taken_for_time(axes, shape):
    assert likeliest_time(time_axes(axes, shape)) is None


def test_depth_can_be_treated_as_time_channels_and_single_planes_cannot():
    labels = [axis.label for axis in time_axes("TZCQYX", (51, 12, 3, 1, 8, 8))]
    assert labels == ["Axis 0, time (51)", "Axis 1, depth (12)"]


@given(AXES, st.data())
def test_there_is_one_time_and_the_other_axes_stay(axes, data):
    leading = axes.index("Y")
    if not leading:
        return
    place = data.draw(st.integers(0, leading - 1))
    changed = with_time(axes, place)
    assert changed.count("T") == 1
    assert changed[place] == "T"
    for before, after in zip(axes, changed, strict=True):
        assert after == before or after == "T" or (before, after) == ("T", "Q")


def movie(shape, labels=None):
    return Image(np.zeros(shape, np.uint8), name="cells", axis_labels=labels)


def test_axes_of_a_movie():
    assert movie_axes(movie((5, 8, 8)), "m") == "TYX"
    assert movie_axes(movie((5, 3, 8, 8), ("z", "t", "y", "x")), "m") == "ZTYX"


@pytest.mark.parametrize(
    ("shape", "labels", "sentence"),
    [
        ((8, 8), None, "movie-x2 is for time-lapses, and 'cells' has no axis that can be time; choose a"),
        ((2, 8, 8), ("c", "y", "x"), "'cells' has no axis that can be time"),
        ((9, 8, 8), ("z", "y", "x"), "nothing says which axis of 'cells' is time; name it 't'"),
        ((9, 5, 8, 8), None, "nothing says which axis of 'cells' is time"),
    ],
)
def test_what_is_no_movie_is_told(shape, labels, sentence):
    with pytest.raises(UserError, match=re.escape(sentence)):
        movie_axes(movie(shape, labels), "movie-x2")
