"""Animated PNG and WebP are movies, labels are no brightness, and channels that come last are asked about."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import psutil
import pytest
import tifffile
import zarr
from PIL import Image

import napari_srgan
from napari_srgan import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 255, (3, 32, 40, 3), dtype=np.uint8)
GRAY = COLOUR[..., 0]


def animated(path: Path, frames: np.ndarray, duration: int | list[int] = 200, **options: object) -> Path:
    first, *rest = map(Image.fromarray, frames)
    first.save(path, save_all=True, append_images=rest, duration=duration, loop=0, **options)
    return path


@pytest.mark.parametrize(("name", "options"), [("x.png", {}), ("x.webp", {"lossless": True})])
def test_all_frames_of_an_animation(tmp_path: Path, name: str, options: dict[str, object]) -> None:
    with open_image(animated(tmp_path / name, COLOUR, **options)) as image:
        assert image.axes == "TYXS"
        np.testing.assert_array_equal(image.data[:], COLOUR)
        assert image.spacings[0] == Spacing(0.2, "second")
        assert (image.note, image.ending) == ("", ".ome.tif")


def test_gray_frames_and_frames_with_transparency(tmp_path: Path) -> None:
    with open_image(animated(tmp_path / "gray.png", GRAY)) as image:
        assert image.axes == "TYX"
        np.testing.assert_array_equal(image.data[:], GRAY)
    clear = np.concatenate([COLOUR, np.full((3, 32, 40, 1), 128, np.uint8)], -1)
    with open_image(animated(tmp_path / "clear.png", clear, blend=0)) as image:
        np.testing.assert_array_equal(image.data[:], clear)


def test_frames_that_are_not_evenly_spaced(tmp_path: Path) -> None:
    with open_image(animated(tmp_path / "x.png", COLOUR, [100, 300, 5000])) as image:
        assert image.spacings[0] == Spacing(0.2, "second")
        assert "not evenly spaced in time (100 to 300 ms)" in image.note


def test_a_picture_for_old_programs_is_no_frame(tmp_path: Path) -> None:
    with open_image(animated(tmp_path / "x.png", COLOUR, default_image=True, duration=100)) as image:
        np.testing.assert_array_equal(image.data[:], COLOUR[1:])


def test_one_picture_is_no_movie(tmp_path: Path) -> None:
    for name in ("x.png", "x.webp"):
        Image.fromarray(COLOUR[0]).save(tmp_path / name)
        with open_image(tmp_path / name) as image:
            assert image.axes == "YXS"


def test_of_animations_with_deep_colours_the_first_frame_is_taken_and_that_is_said(tmp_path: Path) -> None:
    deep = RANDOM.integers(0, 2**16, (3, 32, 40, 3), dtype=np.uint16)
    (tmp_path / "x.png").write_bytes(imagecodecs.apng_encode(deep, delay=100))
    with open_image(tmp_path / "x.png") as image:
        assert image.axes == "YXS"
        np.testing.assert_array_equal(image.data[:], deep[0])
        assert image.note == (
            "x.png: its colours have 16 bits, and of such animations only the first frame is read"
        )


def test_animations_larger_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, memory = animated(tmp_path / "x.png", COLOUR), psutil.virtual_memory()
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory._replace(available=1000))
    with pytest.raises(UserError, match=r"3 frames of 32 x 40 pixels, which need .* of memory"):
        open_image(path)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_labels_are_no_brightness(tmp_path: Path, version: str) -> None:
    group = zarr.create_group(tmp_path / "cells", zarr_format=3 if version == "0.5" else 2)
    group.create_array("0", data=(GRAY[0] // 100).astype(np.uint32))
    scale = {"type": "scale", "scale": [1, 1]}
    axes = [{"name": name, "type": "space"} for name in "yx"]
    datasets = [{"path": "0", "coordinateTransformations": [scale]}]
    told = {"multiscales": [{"version": version, "axes": axes, "datasets": datasets}]}
    labels = told | {"image-label": {"version": version}}
    group.attrs.update({"ome": labels} if version == "0.5" else labels)
    for place in ("cells", "cells/0"):
        with pytest.raises(UserError, match="holds labels, which are no brightness"):
            open_image(tmp_path / place)
    group.attrs.put({"ome": told} if version == "0.5" else told)
    with open_image(tmp_path / "cells") as image:
        assert image.axes == "YX"


def test_channels_last_are_asked_about(tmp_path: Path, tiny_model: object) -> None:
    with pytest.raises(UserError, match="may be channels or X"):
        napari_srgan.upscale(np.zeros((4, 64, 64, 1), "u2"), tiny_model())  # type: ignore[operator]
    pixels = RANDOM.integers(0, 99, (64, 64, 5), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", pixels, photometric="minisblack")
    with pytest.raises(
        UserError, match=r"x\.tif: the last axis of shape \(64, 64, 5\) has 5 entries and may be"
    ):
        open_image(tmp_path / "x.tif")
    with open_image(tmp_path / "x.tif", "ZYX") as image:
        np.testing.assert_array_equal(image.data[:], pixels)
    tifffile.imwrite(tmp_path / "z.tif", pixels, photometric="minisblack", metadata={"axes": "ZYX"})
    with open_image(tmp_path / "z.tif") as image:
        assert image.axes == "ZYX"
