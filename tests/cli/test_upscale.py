"""``napari-srgan upscale``: files in, files out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing

from .conftest import Shell

NOISE = np.random.default_rng(0).integers(0, 60000, (3, 40, 50)).astype(np.uint16)
BYTES = (NOISE // 256).astype(np.uint8)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a gray TIFF, a colour PNG, a JPEG, and a text that is none of them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    tifffile.imwrite(folder / "a.tif", NOISE[0])
    Image.fromarray(BYTES.transpose(1, 2, 0).copy()).save(folder / "b.png")
    Image.fromarray(BYTES[0]).save(folder / "c.JPG")
    (folder / "readme.txt").write_text("not an image")
    return folder


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_ome_tiff_keeps_its_place_and_axes(upscale: Shell, tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "x.ome.tif",
        NOISE,
        metadata={
            "axes": "ZYX",
            "PhysicalSizeX": 0.2,
            "PhysicalSizeY": 0.4,
            "PhysicalSizeZ": 1.5,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeZUnit": "µm",
        },
        photometric="minisblack",
    )
    for name in ("y.ome.tif", "y.ome.zarr", "y.zarr"):
        assert upscale(tmp_path / "x.ome.tif", tmp_path / name).exit_code == 0
        with open_image(tmp_path / name) as image:
            assert (image.axes, image.data.shape) == ("ZYX", (3, 80, 100))
            assert image.data.dtype == np.uint16
            assert image.spacings == (
                Spacing(1.5, "micrometer"),
                Spacing(0.2, "micrometer", -0.1),
                Spacing(0.1, "micrometer", -0.05),
            )


def test_every_format_gives_the_same_pixels(upscale: Shell, tmp_path: Path) -> None:
    zarr.save_array(tmp_path / "x.zarr", NOISE[0])
    tifffile.imwrite(tmp_path / "x.tif", NOISE[0])
    Image.fromarray(NOISE[0]).save(tmp_path / "x.png")
    results = []
    for source in ("x.zarr", "x.tif", "x.png"):
        for target in ("y.zarr", "y.tif", "y.ome.tif", "y.png", "y.ome.zarr"):
            assert upscale(tmp_path / source, tmp_path / target, "--overwrite").exit_code == 0
            with open_image(tmp_path / target) as image:
                results.append(image.data[:])
    assert all((result == results[0]).all() for result in results)


def test_a_folder_into_a_folder(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    result = upscale(photos, tmp_path / "large")
    assert (result.exit_code, result.stderr) == (0, "")
    assert names(tmp_path / "large") == {"a_x2.tif", "b_x2.png", "c_x2.jpg"}
    with Image.open(tmp_path / "large" / "b_x2.png") as picture:
        assert picture.size == (100, 80)


def test_a_bad_file_is_told_and_the_others_go_on(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    (photos / "b.png").write_bytes(b"")
    (photos / "bb.tif").write_text("no image")
    result = upscale(photos, photos / "missing.tif", tmp_path / "large")
    assert result.exit_code == 1
    assert names(tmp_path / "large") == {"a_x2.tif", "c_x2.jpg"}
    first, second, third, last = result.stderr.strip().splitlines()
    assert "b.png is empty" in first
    assert "bb.tif is no readable TIFF" in second
    assert "there is no file" in third
    assert last.endswith("3 of 5 images could not be upscaled")


def test_an_input_is_never_overwritten(upscale: Shell, photos: Path) -> None:
    before = (photos / "a.tif").read_bytes()
    for target in (photos / "a.tif", photos / ".." / "photos" / "a.tif"):
        result = upscale(photos / "a.tif", target, "--overwrite")
        assert result.exit_code == 1
        assert "would overwrite the input" in result.stderr
    assert (photos / "a.tif").read_bytes() == before


def test_a_result_inside_an_input_is_refused(upscale: Shell, tmp_path: Path) -> None:
    zarr.save_array(tmp_path / "x.zarr", NOISE[0])
    (tmp_path / "X.ZARR").symlink_to(tmp_path / "x.zarr", target_is_directory=True)
    for target in ("x.zarr/y.zarr", "x.zarr/y.tif", "X.ZARR", "X.ZARR/y.zarr", "x.zarr"):
        result = upscale(tmp_path / "x.zarr", tmp_path / target, "--overwrite")
        assert result.exit_code == 1
        assert "would overwrite the input" in result.stderr


def test_results_that_exist_are_kept_unless_asked(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    target = tmp_path / "y.tif"
    target.write_text("mine")
    result = upscale(photos / "a.tif", target)
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert target.read_text() == "mine"
    assert upscale(photos / "a.tif", target, "--overwrite").exit_code == 0


def test_two_inputs_of_one_name_do_not_share_a_result(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    tifffile.imwrite(tmp_path / "other" / "a.tif", NOISE[1])
    result = upscale(photos / "a.tif", tmp_path / "other" / "a.tif", tmp_path / "large", "--overwrite")
    assert result.exit_code == 1
    assert "is the result of another input already" in result.stderr


def test_several_images_need_a_folder(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    result = upscale(photos, tmp_path / "y.tif")
    assert result.exit_code == 1
    assert "3 images cannot be written to one file y.tif" in result.stderr


def test_an_output_that_cannot_hold_the_result(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    result = upscale(photos / "a.tif", tmp_path / "y.jpg")
    assert result.exit_code == 1
    assert "JPEG cannot hold uint16" in result.stderr
    result = upscale(photos / "a.tif", tmp_path / "y.bmp")
    assert result.exit_code == 1
    assert "names no format that can be written" in result.stderr


def test_a_region(upscale: Shell, photos: Path, tmp_path: Path) -> None:
    assert upscale(photos / "a.tif", tmp_path / "whole.zarr").exit_code == 0
    assert upscale(photos / "a.tif", tmp_path / "part.zarr", "--region", "5:25,10:50").exit_code == 0
    whole, part = (zarr.open(tmp_path / name, mode="r")[:] for name in ("whole.zarr", "part.zarr"))
    np.testing.assert_allclose(part.astype(float), whole[10:50, 20:100], atol=60)


def test_axes_can_be_named(upscale: Shell, tmp_path: Path) -> None:
    zarr.save_array(tmp_path / "x.zarr", NOISE)
    assert upscale(tmp_path / "x.zarr", tmp_path / "y.ome.zarr", "--axes", "cyx").exit_code == 0
    with open_image(tmp_path / "y.ome.zarr") as image:
        assert image.axes == "CYX"


def test_one_argument_is_not_enough(shell: Shell, photos: Path) -> None:
    result = shell("upscale", photos)
    assert result.exit_code == 2
    assert "OUTPUT" in result.stderr


def test_the_colour_profile_is_kept(upscale: Shell, tmp_path: Path) -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(BYTES.transpose(1, 2, 0).copy()).save(tmp_path / "x.png", icc_profile=profile)
    assert upscale(tmp_path / "x.png", tmp_path / "y.png").exit_code == 0
    with Image.open(tmp_path / "y.png") as picture:
        assert picture.info["icc_profile"] == profile
