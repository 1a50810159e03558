"""``napari-srgan upscale`` with movies: video files and TIFF with T, in and out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import Result
from scipy.ndimage import gaussian_filter

from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing.output import NewFile
from napari_srgan.models import save_model
from timelapses import make_temporal_model

from .conftest import Shell

still = gaussian_filter(np.random.default_rng(0).normal(size=(24, 32)), 2, mode="wrap")
MOVIE = np.stack([128 + 90 * np.roll(still, t, axis=1) / np.abs(still).max() for t in range(6)]).astype(
    np.uint8
)
FRAME, PIXEL = Spacing(0.1, "second"), Spacing(0.4, "micrometer")
SMALLER = Spacing(0.2, "micrometer", -0.1)


def write(path: Path, data: np.ndarray = MOVIE, axes: str = "TYX", time: Spacing = FRAME) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open_output(NewFile(path, axes), data.dtype) as output:
        sink = output(data.shape, data.dtype)
        sink[...] = data
        spacings = [{"T": time, "Y": PIXEL, "X": PIXEL}.get(letter, Spacing()) for letter in axes]
        output.finish(Upscaled(sink, axes, ((0, 24), (0, 32)), {"note": "none"}), spacings)
    return path


@pytest.mark.parametrize("target", ["y.mp4", "y.avi", "y.ome.tif", "y.tif", "y.ome.zarr"])
@pytest.mark.parametrize("source", ["x.mp4", "x.mkv", "x.ome.tif", "x.tif"])
def test_frames_stay_in_order_and_in_time(upscale: Shell, tmp_path: Path, source: str, target: str) -> None:
    result = upscale(write(tmp_path / source), tmp_path / target)
    assert (result.exit_code, result.stderr) == (0, "")
    with open_image(tmp_path / target) as image:
        assert image.axes == "TYX"
        assert image.spacings[0] == FRAME
        assert [spacing.size for spacing in image.spacings[1:]] == pytest.approx([0.2, 0.2])
        means = image.data[:].reshape(6, 24, 2, 32, 2).mean(axis=(2, 4))
    difference = np.abs(means[:, None] - MOVIE[None]).mean(axis=(2, 3))
    np.testing.assert_array_equal(difference.argmin(axis=1), np.arange(6))


def test_colours_stay_colours(upscale: Shell, tmp_path: Path) -> None:
    colours = np.stack([MOVIE, 255 - MOVIE, MOVIE // 2], axis=-1)
    source = write(tmp_path / "x.mkv", colours, "TYXS")
    assert upscale(source, tmp_path / "y.mkv").exit_code == 0
    with open_image(tmp_path / "y.mkv") as image:
        assert (image.axes, image.data.shape) == ("TYXS", (6, 48, 64, 3))
        assert image.data[3].mean(axis=(0, 1)) == pytest.approx(colours[3].mean(axis=(0, 1)), abs=8)


@pytest.mark.parametrize("unit", ["second", "minute", "millisecond"])
@pytest.mark.parametrize("target", ["y.ome.tif", "y.ome.zarr", "y.mp4"])
def test_the_unit_of_time_is_kept(upscale: Shell, tmp_path: Path, target: str, unit: str) -> None:
    time = Spacing(4, unit)
    assert upscale(write(tmp_path / "x.ome.tif", time=time), tmp_path / target).exit_code == 0
    with open_image(tmp_path / target) as image:
        assert image.spacings[0] == time


@pytest.mark.parametrize(("unit", "seconds"), [("second", 1), ("minute", 60), ("millisecond", 1e-3)])
def test_imagej_has_time_in_seconds(upscale: Shell, tmp_path: Path, unit: str, seconds: float) -> None:
    """Other programs take what its ``finterval`` says for seconds."""
    source = write(tmp_path / "x.ome.tif", time=Spacing(4, unit))
    assert upscale(source, tmp_path / "y.tif").exit_code == 0
    with open_image(tmp_path / "y.tif") as image:
        assert image.spacings[0].unit == "second"
        assert image.spacings[0].size == pytest.approx(4 * seconds)


def test_another_rate_is_said(upscale: Shell, tmp_path: Path) -> None:
    result = upscale(write(tmp_path / "x.ome.tif", time=Spacing(5, "minute")), tmp_path / "y.mp4")
    assert result.exit_code == 0
    assert "frames are 5 minute apart: y.mp4 is played at 10 frames a second" in result.stderr


def test_a_depth_may_be_named_time(upscale: Shell, tmp_path: Path) -> None:
    """ImageJ puts frames into slices; what a file says of depth is no time."""
    tifffile.imwrite(
        tmp_path / "x.tif", MOVIE, imagej=True, metadata={"axes": "ZYX", "spacing": 2.0, "unit": "um"}
    )
    assert upscale(tmp_path / "x.tif", tmp_path / "y.ome.tif", "--axes", "TYX").exit_code == 0
    with open_image(tmp_path / "y.ome.tif") as image:
        assert image.axes == "TYX"
        assert image.spacings[0] == Spacing()


def test_a_folder_of_movies(upscale: Shell, tmp_path: Path) -> None:
    for name in ("a.mp4", "b.avi"):
        write(tmp_path / "in" / name)
    tifffile.imwrite(tmp_path / "in" / "c.tif", MOVIE, imagej=True, metadata={"axes": "TYX"})
    result = upscale(tmp_path / "in", tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"a_x2.mp4", "b_x2.avi", "c_x2.tif"}


def test_videos_beside_images_are_left_out_where_none_can_be_read_and_that_is_said(
    upscale: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in" / "a.mp4")
    tifffile.imwrite(tmp_path / "in" / "c.tif", MOVIE, imagej=True, metadata={"axes": "TYX"})
    monkeypatch.setattr("napari_srgan.api.inputs.find_spec", lambda name: None)
    result = upscale(tmp_path / "in", tmp_path / "out")
    assert result.exit_code == 1
    assert "a.mp4 is in a format that cannot be read here" in result.stderr
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"c_x2.tif"}


def test_sixteen_bits_are_not_cut_down_to_eight(upscale: Shell, tmp_path: Path) -> None:
    write(tmp_path / "x.tif", MOVIE.astype(np.uint16) * 100)
    result = upscale(tmp_path / "x.tif", tmp_path / "y.mp4")
    assert result.exit_code == 1
    assert "a video holds 8 bits, and uint16 values would lose what is finer" in result.stderr
    assert not (tmp_path / "y.mp4").exists()


@pytest.fixture
def through_time(shell: Shell, tmp_path: Path) -> Shell:
    """Run ``napari-srgan upscale`` with a small model for time-lapses."""
    file = save_model(
        make_temporal_model("early-fusion", frames=5, clip=3), tmp_path / "user-models" / "movies.safetensors"
    )

    def run(*arguments: object) -> Result:
        return shell("upscale", *arguments, "--model", file, "--device", "cpu", "--tile", 64)

    return run


@pytest.mark.parametrize("source", ["x.mkv", "x.ome.tif"])
def test_a_model_for_time_lapses_gives_the_same_whatever_it_is_read_from_and_written_to(
    through_time: Shell, tmp_path: Path, source: str
) -> None:
    write(tmp_path / source)
    results = []
    for target in ("y.mkv", "y.ome.tif", "y.zarr"):
        result = through_time(tmp_path / source, tmp_path / target)
        assert (result.exit_code, result.stderr) == (0, "")
        with open_image(tmp_path / target) as image:
            results.append(image.data[:])
    assert results[0].shape == (6, 48, 64)
    assert all((result == results[0]).all() for result in results)


def test_an_axis_that_is_named_t_is_time(through_time: Shell, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", MOVIE, imagej=True, metadata={"axes": "ZYX"})
    refused = through_time(tmp_path / "x.tif", tmp_path / "y.tif")
    assert refused.exit_code == 1
    assert "T" in refused.stderr
    assert not (tmp_path / "y.tif").exists()
    assert through_time(tmp_path / "x.tif", tmp_path / "y.tif", "--axes", "TYX").exit_code == 0


def test_frames_in_no_order_are_said(through_time: Shell, tmp_path: Path) -> None:
    drifting = np.stack([np.roll(MOVIE[0], t, axis=1) for t in range(24)])
    in_order = through_time(write(tmp_path / "a.mkv", drifting), tmp_path / "a.tif")
    assert (in_order.exit_code, in_order.stderr) == (0, "")
    shuffled = drifting[np.random.default_rng(0).permutation(24)]
    result = through_time(write(tmp_path / "b.mkv", shuffled), tmp_path / "b.tif")
    assert result.exit_code == 0
    assert "order" in result.stderr


def test_a_stage_that_drifts_is_followed(through_time: Shell, tmp_path: Path) -> None:
    source = write(tmp_path / "x.mkv", np.stack([np.roll(MOVIE[0], 3 * t, axis=1) for t in range(8)]))
    for name, more in (("plain", ()), ("aligned", ("--align", "drift"))):
        for ending in (".mkv", ".zarr"):
            result = through_time(source, tmp_path / f"{name}{ending}", *more)
            assert (result.exit_code, result.stderr) == (0, "")
    frames = {}
    for name in ("plain.mkv", "aligned.mkv", "plain.zarr", "aligned.zarr"):
        with open_image(tmp_path / name) as image:
            frames[name] = image.data[:]
    for name in ("plain", "aligned"):
        np.testing.assert_array_equal(frames[f"{name}.mkv"], frames[f"{name}.zarr"])
    assert (frames["plain.mkv"] != frames["aligned.mkv"]).any()


def test_an_alignment_that_cannot_be_is_told(upscale: Shell, through_time: Shell, tmp_path: Path) -> None:
    source = write(tmp_path / "x.mkv")
    assert "'turn'" in through_time(source, tmp_path / "y.mkv", "--align", "turn").stderr
    assert "there is nothing to align" in upscale(source, tmp_path / "y.mkv", "--align", "drift").stderr
    assert not (tmp_path / "y.mkv").exists()
