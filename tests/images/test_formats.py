"""What is written is read again: pixels, axes, pixel sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_srgan.errors import UserError
from napari_srgan.images.formats import ending, open_image, open_output
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.writing.output import NewFile

from .conftest import PROVENANCE, Write, random_pixels, read

ROUND_TRIPS = [
    ("x.tif", "YX", (40, 30), "uint8"),
    ("x.tif", "YX", (40, 30), "bool"),
    ("x.tif", "YX", (40, 30), "int64"),
    ("x.tif", "YX", (40, 30), "float64"),
    ("x.tif", "YX", (1, 1), "uint16"),
    ("x.tif", "YX", (1, 30), "float32"),
    ("x.tif", "YX", (40, 1), "float64"),
    ("x.tif", "YXS", (40, 50, 3), "uint8"),
    ("x.tif", "YXS", (40, 50, 4), "uint8"),
    ("x.tif", "YXS", (40, 50, 3), "uint16"),
    ("x.tif", "TZCYX", (2, 3, 2, 20, 30), "uint16"),
    ("x.tif", "TZCYX", (2, 3, 2, 20, 30), "int16"),
    ("x.tif", "CZYX", (2, 3, 20, 30), "uint16"),
    ("x.tif", "QYX", (3, 20, 30), "float32"),
    ("x.tif", "YX", (1100, 1030), "float64"),
    ("x.ome.tif", "YX", (40, 30), "uint16"),
    ("x.ome.tif", "YX", (1100, 1030), "uint16"),
    ("x.ome.tif", "YX", (40, 30), "bool"),
    ("x.ome.tif", "YXS", (40, 50, 3), "uint8"),
    ("x.ome.tif", "TCZYX", (2, 2, 3, 20, 30), "float32"),
    ("x.ome.tif", "ZCYX", (3, 2, 20, 30), "uint16"),
    ("x.zarr", "YX", (40, 30), "bool"),
    ("x.zarr", "YXS", (40, 50, 4), "uint16"),
    ("x.zarr", "TCYX", (2, 3, 40, 30), "int64"),
    ("x.zarr", "QQYX", (2, 3, 40, 30), "float64"),
    ("x.ome.zarr", "YX", (40, 30), "uint16"),
    ("x.ome.zarr", "TCZYX", (2, 2, 3, 40, 30), "float32"),
    ("x.png", "YX", (40, 30), "bool"),
    ("x.png", "YX", (40, 30), "uint8"),
    ("x.png", "YX", (40, 30), "uint16"),
    ("x.png", "YXS", (40, 50, 3), "uint8"),
    ("x.png", "YXS", (40, 50, 4), "uint8"),
    ("x.png", "YXS", (40, 50, 3), "uint16"),
    ("x.png", "YXS", (40, 50, 4), "uint16"),
]


@pytest.mark.parametrize(("name", "axes", "shape", "dtype"), ROUND_TRIPS)
def test_what_is_written_is_read_again(
    write: Write, name: str, axes: str, shape: tuple[int, ...], dtype: str
) -> None:
    data = random_pixels(shape, dtype)
    pixels, image = read(write(name, data, axes))
    np.testing.assert_array_equal(pixels, data)
    assert (image.axes, pixels.dtype, image.ending) == (axes, data.dtype, name[1:])


@pytest.mark.parametrize("name", ["x.jpg", "x.webp"])
def test_lossy_pictures_come_near(write: Write, name: str) -> None:
    ramp = np.linspace(0, 255, 40 * 50).reshape(40, 50).astype(np.uint8)
    for data, axes in ((ramp, "YX"), (np.stack([ramp] * 3, -1), "YXS")):
        pixels, _ = read(write(name, data, axes, overwrite=True))
        # WebP has colours only.
        gray = pixels[..., 0] if pixels.ndim > data.ndim else pixels
        assert np.abs(gray.astype(int) - data).mean() < 5


@pytest.mark.parametrize("name", ["x.ome.tif", "x.zarr", "x.ome.zarr"])
def test_pixel_sizes_and_places_survive(write: Write, name: str) -> None:
    spacings = (
        Spacing(0.5, "micrometer"),
        Spacing(0.1, "micrometer", origin=3.0),
        Spacing(0.2, "micrometer", origin=-2.5),
    )
    _, image = read(write(name, random_pixels((3, 20, 30), "uint16"), "ZYX", spacings))
    assert image.axes == "ZYX"
    assert image.spacings == spacings


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_tiff_keeps_pixel_sizes(write: Write, dtype: str) -> None:
    spacings = (Spacing(0.5, "micrometer"), Spacing(0.11, "micrometer"), Spacing(0.22, "micrometer"))
    _, image = read(write("x.tif", random_pixels((3, 20, 30), dtype), "ZYX", spacings))
    assert [spacing.unit for spacing in image.spacings] == ["micrometer"] * 3
    np.testing.assert_allclose([spacing.size for spacing in image.spacings], [0.5, 0.11, 0.22], rtol=1e-6)


REFUSED = [
    ("x.jpg", "YX", "uint16", "JPEG cannot hold uint16"),
    ("x.png", "YX", "float32", "PNG cannot hold float32"),
    ("x.ome.tif", "YX", "int64", "OME-TIFF cannot hold int64"),
    ("x.bmp", "YX", "uint8", "names no format that can be written"),
    ("x", "YX", "uint8", "names no format that can be written"),
]


@pytest.mark.parametrize(("name", "axes", "dtype", "words"), REFUSED)
def test_a_format_that_cannot_hold_the_result_is_refused_before_it_is_computed(
    tmp_path: Path, name: str, axes: str, dtype: str, words: str
) -> None:
    with pytest.raises(UserError, match=words):
        open_output(NewFile(tmp_path / name, axes), np.dtype(dtype))
    assert list(tmp_path.glob("x*")) == []


def test_formats_that_are_only_read_are_not_offered_for_writing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="names no format") as told:
        open_output(NewFile(tmp_path / "x.bmp", "YX"), np.dtype("u1"))
    assert ".mkv" in str(told.value)
    assert not {".webm", ".gif"} & set(str(told.value).replace(",", " ").split())


def test_axes_that_ome_zarr_has_no_place_for(write: Write, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="OME-Zarr has no place"):
        write("x.ome.zarr", random_pixels((2, 20, 30, 3), "uint8"), "CYXS")
    assert list(tmp_path.glob("*x*")) == []


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp"])
def test_a_picture_holds_one_plane_whatever_its_axes(write: Write, tmp_path: Path, name: str) -> None:
    with (
        pytest.raises(UserError, match=r"holds one plane, and axes 'TYX' of shape \(2, 20, 30\) have 2"),
        open_output(NewFile(tmp_path / name, "TYX"), np.dtype("uint8")) as output,
    ):
        output((2, 20, 30), np.dtype("uint8"))
    assert (read(write(name, np.full((1, 1, 20, 30, 3), 77, np.uint8), "TZYXS"))[0] == 77).all()


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_png_of_one_plane_has_its_pixels(write: Write, dtype: str) -> None:
    for shape, axes in (((1, 20, 30), "TYX"), ((1, 20, 30, 3), "TYXS")):
        pixels = random_pixels(shape, dtype)
        np.testing.assert_array_equal(read(write(f"{axes}.png", pixels, axes))[0], pixels[0])


def test_alpha_does_not_go_into_jpeg(tmp_path: Path) -> None:
    with (
        pytest.raises(UserError, match="alpha"),
        open_output(NewFile(tmp_path / "x.jpg", "YXS"), np.dtype("uint8")) as output,
    ):
        output((40, 40, 4), np.dtype("uint8"))


def test_endings() -> None:
    assert ending(Path("A.OME.TIF")) == ".ome.tif"
    assert ending(Path("a.b.tiff")) == ".tiff"
    assert ending(Path(".tif")) == ending(Path("tif")) == ending(Path("a.txt")) == ""


@pytest.mark.parametrize("name", ["x.tif", "x.ome.tif", "x.png", "x.webp", "x.zarr"])
def test_provenance_is_in_the_file(write: Write, name: str) -> None:
    import tifffile
    import zarr
    from PIL import Image

    path = write(name, random_pixels((40, 30), "uint8"), "YX")
    if name.endswith("zarr"):
        assert dict(zarr.open(path, mode="r").attrs)["napari-srgan"] == PROVENANCE
    elif "tif" in name:
        with tifffile.TiffFile(path) as file:
            told = file.ome_metadata or file.imagej_metadata["Info"]
        assert "tiny" in told
    else:
        with Image.open(path) as picture:
            assert '"model": "tiny"' in picture.getexif()[270]


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        open_image(tmp_path / "x.tif")
