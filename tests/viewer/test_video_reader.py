"""Video files opened in napari."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from napari_srgan.errors import UserError
from napari_srgan.viewer.video_reader import get_video_reader

MOVIE = np.random.default_rng(0).integers(3, 250, (12, 20, 31)).astype(np.uint8)


def video(path: Path, frames: np.ndarray, given: str = "gray", times: list[int] | None = None) -> Path:
    """A movie of 5 frames a second that keeps every pixel."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5, options={"g": "4"})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = {"gray": "gray", "rgb24": "bgr0"}[given]
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format=given)
            frame.pts = number if times is None else times[number]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_a_gray_video_is_a_layer_with_time(make_napari_viewer: Callable[[], Any], tmp_path: Path) -> None:
    viewer = make_napari_viewer()
    (layer,) = viewer.open(video(tmp_path / "cells.mkv", MOVIE), plugin="napari-srgan")
    assert (layer.name, layer.rgb, layer.ndim) == ("cells", False, 3)
    assert layer.axis_labels == ("t", "y", "x")
    np.testing.assert_allclose(layer.scale, (0.2, 1, 1))
    assert [str(unit) for unit in layer.units] == ["second", "pixel", "pixel"]
    assert tuple(layer.contrast_limits) == (MOVIE[0].min(), MOVIE[0].max())
    for frame in (0, 7, 2, 11):
        viewer.dims.set_current_step(0, frame)
        np.testing.assert_array_equal(layer.data[frame], MOVIE[frame])
    np.testing.assert_array_equal(np.asarray(layer.data), MOVIE)


def test_colours_are_colours(make_napari_viewer: Callable[[], Any], tmp_path: Path) -> None:
    frames = np.stack([MOVIE, 255 - MOVIE, MOVIE // 2], axis=-1)
    viewer = make_napari_viewer()
    (layer,) = viewer.open(video(tmp_path / "cells.avi", frames, "rgb24"), plugin="napari-srgan")
    assert (layer.rgb, layer.ndim, layer.data.shape) == (True, 3, (12, 20, 31, 3))
    np.testing.assert_array_equal(np.asarray(layer.data[5:7]), frames[5:7])


def test_only_what_is_looked_at_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_srgan.images.video import frames as video_frames

    path = video(tmp_path / "cells.mkv", MOVIE)
    seen = []
    decoded = video_frames.decoded

    def watched(*given: Any) -> Any:
        for number, frame in decoded(*given):
            seen.append(number)
            yield number, frame

    monkeypatch.setattr(video_frames, "decoded", watched)
    reader = get_video_reader(str(path))
    assert reader is not None
    ((data, _, kind),) = reader(str(path))
    assert kind == "image"
    _ = np.asarray(data[9])
    assert seen == [0, 8, 9]


@pytest.mark.parametrize("path", ["x.tif", "x.gif", "mp4", "x.mp4.txt", ["x.mp4", "y.mp4"]])
def test_other_files_are_left_to_other_readers(path: Any) -> None:
    assert get_video_reader(path) is None


def test_uneven_times_are_shown(tmp_path: Path) -> None:
    path = video(tmp_path / "x.mkv", MOVIE[:4], times=[0, 1, 2, 9])
    reader = get_video_reader(str(path))
    assert reader is not None
    with pytest.warns(UserWarning, match="not evenly spaced in time"):
        reader(str(path))


@pytest.mark.parametrize("missing", [False, True])
def test_a_file_that_is_no_video_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    (tmp_path / "x.mp4").write_text("Dear diary, " * 50)
    if missing:
        monkeypatch.setitem(sys.modules, "av", None)
    reader = get_video_reader(str(tmp_path / "x.mp4"))
    assert reader is not None
    with pytest.raises(
        UserError, match=r"napari-srgan\[video\]" if missing else r"x\.mp4 is no readable video file"
    ):
        reader(str(tmp_path / "x.mp4"))
