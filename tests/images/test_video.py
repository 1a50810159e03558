"""Movies: what is written is read again, frame by frame, in whatever order it is asked for."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.writing.output import NewFile

from .conftest import Write, read

COUNT, SIDES = 30, (32, 48)
SECOND = Spacing(0.04, "second")
PIXEL = Spacing(0.2, "micrometer", origin=-0.05)


def movie(count: int = COUNT, sides: tuple[int, int] = SIDES) -> np.ndarray:
    """Blobs that drift, another pattern in every frame; ``(T, Y, X)`` uint8."""
    still = gaussian_filter(np.random.default_rng(0).normal(size=sides), 2, mode="wrap")
    frames = np.stack([np.roll(still, t, axis=1) for t in range(count)])
    return (128 + 90 * frames / np.abs(frames).max()).astype(np.uint8)


def coloured(frames: np.ndarray) -> np.ndarray:
    return np.stack([frames, 255 - frames, np.full_like(frames, 60)], axis=-1)


def encode(
    path: Path, frames: np.ndarray, codec: str = "libx264", pixels: str = "yuv420p", given: str = "gray",
    times: list[int] | None = None, rate: Fraction = Fraction(25), **options: str,
) -> Path:  # fmt: skip
    """Write a movie as other programs do."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format=given)
            picture.pts = number if times is None else times[number]
            picture.time_base = 1 / rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("axes", ["TYX", "TYXS"])
@pytest.mark.parametrize("name", ["x.avi", "x.mkv"])
def test_avi_and_mkv_keep_every_pixel(write: Write, name: str, axes: str) -> None:
    data = movie(5, (21, 33)) if axes == "TYX" else coloured(movie(5, (21, 33)))
    pixels, image = read(write(name, data, axes))
    np.testing.assert_array_equal(pixels, data)
    assert (image.axes, pixels.dtype, image.ending) == (axes, np.uint8, name[1:])


@pytest.mark.parametrize("axes", ["TYX", "TYXS"])
@pytest.mark.parametrize("name", ["x.mp4", "x.mov", "x.m4v"])
def test_mp4_and_mov_come_near_and_keep_brightness(write: Write, name: str, axes: str) -> None:
    data = movie() if axes == "TYX" else coloured(movie())
    pixels, image = read(write(name, data, axes))
    assert (image.axes, image.ending) == (axes, name[1:])
    difference = pixels.astype(int) - data
    # Colours are stored at half the resolution.
    assert np.abs(difference).mean() < (1.5 if axes == "TYX" else 6)
    # The whole range of 8 bits comes back, not that of television.
    assert abs(np.polyfit(data.ravel(), pixels.ravel(), 1)[0] - 1) < (0.01 if axes == "TYX" else 0.04)
    assert abs(difference.mean()) < (0.2 if axes == "TYX" else 1.5)


@pytest.mark.parametrize("name", ["x.mp4", "x.mov", "x.avi", "x.mkv"])
@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(1, 2), Fraction(200)])
def test_frame_rate_and_pixel_sizes_survive(write: Write, name: str, rate: Fraction) -> None:
    spacings = (Spacing(float(1 / rate), "second"), PIXEL, PIXEL)
    path = write(name, movie(8), "TYX", spacings)
    assert read(path)[1].spacings == spacings
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == pytest.approx(rate, rel=1e-3)


@pytest.mark.parametrize(
    ("time", "said"),
    [(Spacing(5, "minute"), "frames are 5 minute apart"), (Spacing(), "the frame rate is unknown")],
)
def test_what_no_player_plays_is_played_at_ten_and_said(tmp_path: Path, time: Spacing, said: str) -> None:
    from napari_srgan.images.upscaled import Upscaled

    data = movie(4)
    with open_output(NewFile(tmp_path / "x.mp4", "TYX"), data.dtype) as output:
        sink = output(data.shape, data.dtype)
        sink[...] = data
        output.finish(Upscaled(sink, "TYX", ((0, 32), (0, 48)), {}), (time, Spacing(), Spacing()))
        assert said in output.note
    assert read(tmp_path / "x.mp4")[1].spacings[0] == time
    with av.open(str(tmp_path / "x.mp4")) as container:
        assert container.streams.video[0].average_rate == 10


def test_provenance_is_in_the_file(write: Write) -> None:
    with av.open(str(write("x.mp4", movie(3), "TYX"))) as container:
        assert '"model": "tiny"' in container.metadata["comment"]


FOREIGN: dict[str, dict[str, Any]] = {
    "mp4": {"name": "x.mp4", "g": "12", "bf": "2"},
    "mkv": {"name": "x.mkv", "g": "12", "bf": "2"},
    "avi that looks ahead": {"name": "x.avi", "g": "12", "bf": "2"},
    "mpeg-4 avi": {"name": "x.avi", "codec": "mpeg4"},
    "motion jpeg": {"name": "x.avi", "codec": "mjpeg", "pixels": "yuvj420p"},
    "webm": {"name": "x.webm", "codec": "libvpx-vp9"},
    "one key frame": {"name": "x.mp4", "g": "1000", "bf": "0"},
}


@pytest.fixture(scope="module", params=list(FOREIGN))
def foreign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = dict(FOREIGN[request.param])
    return encode(tmp_path_factory.mktemp("foreign") / options.pop("name"), movie(), **options)


def test_every_frame_is_in_its_place(foreign: Path) -> None:
    pixels, image = read(foreign)
    assert (image.axes, pixels.shape) == ("TYX", (COUNT, *SIDES))
    assert image.spacings[0].size == pytest.approx(0.04)
    difference = np.abs(pixels[:, None].astype(int) - movie()[None]).mean(axis=(2, 3))
    np.testing.assert_array_equal(difference.argmin(axis=1), np.arange(COUNT))


@settings(max_examples=10)
@given(numbers=st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=6))
def test_frames_are_the_same_in_any_order(foreign: Path, numbers: list[int]) -> None:
    whole, _ = read(foreign)
    with open_image(foreign) as image:
        for number in numbers:
            np.testing.assert_array_equal(image.data[number], whole[number])


def test_few_frames_are_decoded_where_few_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_srgan.images.video import frames as video_frames

    path = encode(tmp_path / "x.mp4", movie(), g="10", bf="0")
    seen: list[int] = []
    decoded = video_frames.decoded

    def watched(*given: Any) -> Iterator[Any]:
        for number, frame in decoded(*given):
            seen.append(number)
            yield number, frame

    monkeypatch.setattr(video_frames, "decoded", watched)
    with open_image(path) as image:
        for number in (12, 13, 14, 25, 24):
            _ = image.data[number, 3:9, 5:8]
    assert seen == [10, 11, 12, 13, 14, *range(20, 26)]


def test_more_than_eight_bits_become_sixteen(tmp_path: Path) -> None:
    data = movie(4).astype(np.uint16) * 257 + 5
    pixels, image = read(encode(tmp_path / "x.mkv", data, "ffv1", "gray16le", "gray16le"))
    np.testing.assert_array_equal(pixels, data)
    assert image.ending == ".ome.tif"


def test_equal_colours_are_gray(tmp_path: Path) -> None:
    data = np.repeat(movie(4)[..., None], 3, axis=-1)
    pixels, image = read(encode(tmp_path / "x.avi", data, "rawvideo", "bgr24", "rgb24"))
    assert image.axes == "TYX"
    np.testing.assert_array_equal(pixels, data[..., 0])


def test_a_user_may_say_whether_there_are_colours(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.avi", coloured(movie(3)), "rawvideo", "bgr24", "rgb24")
    with open_image(path) as image:
        assert image.axes == "TYXS"
    with open_image(encode(tmp_path / "y.mkv", movie(3), "ffv1", "gray"), "TYXS") as image:
        assert image.data[:].shape == (3, *SIDES, 3)


def test_colours_that_come_later_are_not_lost_silently(tmp_path: Path) -> None:
    frames = np.repeat(movie(COUNT)[..., None], 3, axis=-1)
    frames[20] = coloured(movie())[20]
    path = encode(tmp_path / "x.avi", frames, "rawvideo", "bgr24", "rgb24")
    with open_image(path) as image, pytest.raises(UserError, match=r"frame 20 of x\.avi has colours.*TYXS"):
        _ = image.data[:]
    with open_image(path, "TYXS") as image:
        np.testing.assert_array_equal(image.data[:], frames)


def test_uneven_times_are_said(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.mp4", movie(4), times=[0, 1, 2, 12])
    with open_image(path) as image:
        assert "not evenly spaced in time (0.04 to 0.4 s); the mean, 0.16 s, is taken" in image.note
        assert image.spacings[0].size == pytest.approx(0.16)
        assert image.data.shape[0] == 4


def test_one_frame(write: Write) -> None:
    pixels, image = read(write("x.mp4", movie(1), "TYX", (SECOND, PIXEL, PIXEL)))
    assert pixels.shape == (1, *SIDES)
    assert image.spacings[0] == SECOND


def test_frames_may_be_sent_to_another_process(tmp_path: Path) -> None:
    path = encode(tmp_path / "x.mp4", movie(5))
    with open_image(path) as image:
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(image.data))[3], image.data[3])


REFUSED = [
    ("x.mp4", "YX", "uint8", "axes TYX or TYXS, not 'YX'"),
    ("x.mp4", "ZYX", "uint8", "name it T"),
    ("x.avi", "TCYX", "uint8", "not 'TCYX'"),
    ("x.mp4", "TYX", "uint16", "a video holds 8 bits, and uint16 values"),
    ("x.mp4", "TYX", "bool", "a video holds 8 bits"),
    ("x.webm", "TYX", "uint8", r"\.webm is read, not written"),
    ("x.gif", "TYX", "uint8", r"\.gif is read, not written"),
]


@pytest.mark.parametrize(("name", "axes", "dtype", "words"), REFUSED)
def test_what_a_video_cannot_hold_is_refused_before_it_is_computed(
    tmp_path: Path, name: str, axes: str, dtype: str, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        open_output(NewFile(tmp_path / name, axes), np.dtype(dtype))
    assert list(tmp_path.glob("*x*")) == []


@pytest.mark.parametrize(
    ("shape", "axes", "words"),
    [((2, 32, 48, 4), "TYXS", "alpha"), ((2, 33, 48), "TYX", r"even number .* 33 x 48; write a \.mkv")],
)
def test_shapes_that_a_video_cannot_hold(
    tmp_path: Path, shape: tuple[int, ...], axes: str, words: str
) -> None:
    with (
        pytest.raises(UserError, match=words),
        open_output(NewFile(tmp_path / "x.mp4", axes), np.dtype("uint8")) as output,
    ):
        output(shape, np.dtype("uint8"))


@pytest.mark.parametrize("use", ["read", "write"])
def test_without_pyav_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str
) -> None:
    path = encode(tmp_path / "x.mp4", movie(2))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UserError, match=r'pip install "napari-srgan\[video\]"'):
        open_image(path) if use == "read" else open_output(
            NewFile(tmp_path / "y.mp4", "TYX"), np.dtype("uint8")
        )
