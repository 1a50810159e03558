"""Numbers in a TIFF are taken for what they stand for, in memory and part by part."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageOps

from napari_srgan.images.formats import open_image
from napari_srgan.images.tiff import pixels as tiff_pixels

from .conftest import random_pixels, read

GRAY = random_pixels((40, 50), "uint8")
RAMP = np.linspace(0, 65535, 256).round().astype(np.uint16)


@pytest.fixture(params=["at once", "in parts"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a TIFF goes that is read at once, or part by part."""
    if request.param == "in parts":
        monkeypatch.setattr(tiff_pixels, "READ_AT_ONCE", 0)
    return tmp_path / "x.tif"


def as_read(path: Path) -> tuple[NDArray[Any], str, str]:
    """Pixels, axes and note; a part must be that part of the whole."""
    with open_image(path) as image:
        whole = image.data[:]
        np.testing.assert_array_equal(image.data[3:17, 5:29], whole[3:17, 5:29])
        return whole, image.axes, image.note


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_white_is_zero(path: Path, dtype: str) -> None:
    tifffile.imwrite(path, GRAY.astype(dtype), photometric="miniswhite")
    np.testing.assert_array_equal(as_read(path)[0], np.iinfo(dtype).max - GRAY.astype(dtype))


def test_white_is_zero_of_fewer_bits(tmp_path: Path) -> None:
    # A scanner's 12 bits have their white at 4095.
    tifffile.imwrite(
        tmp_path / "x.tif", GRAY.astype("u2"), photometric="miniswhite", bitspersample=12, compression=None
    )
    np.testing.assert_array_equal(read(tmp_path / "x.tif")[0], 4095 - GRAY.astype("u2"))


def test_one_bit_where_white_is_zero(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", GRAY > 100, photometric="miniswhite")
    np.testing.assert_array_equal(read(tmp_path / "x.tif")[0], GRAY <= 100)


def test_floats_where_white_is_zero_stay_and_that_is_told(path: Path) -> None:
    tifffile.imwrite(path, GRAY.astype("f4"), photometric="miniswhite")
    pixels, _, note = as_read(path)
    np.testing.assert_array_equal(pixels, GRAY)
    assert "darker where they are larger" in note


LAB = {  # L*, a*, b* and sRGB, of which B. Lindbloom's calculator gives these for D50
    "white": ((100, 0, 0), (255, 255, 255)),
    "black": ((0, 0, 0), (0, 0, 0)),
    "middle": ((53.585, 0, 0), (128, 128, 128)),
    "red": ((54.29, 80.8, 69.9), (255, 0, 0)),
    "green": ((87.82, -79.3, 81.0), (0, 255, 0)),
    "blue": ((29.57, 68.3, -112.0), (0, 0, 255)),
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", LAB)
def test_cielab_becomes_rgb(path: Path, name: str, bits: int) -> None:
    (lightness, a, b), rgb = LAB[name]
    one = 2 ** (bits - 8)
    stored = np.array([lightness * (2**bits - 1) / 100, a * one, b * one]).round().astype(np.int32)
    pixels = np.broadcast_to(stored.astype(f"u{bits // 8}"), (40, 50, 3))
    tifffile.imwrite(path, pixels, photometric="cielab")
    found, axes, note = as_read(path)
    assert (axes, found.dtype.itemsize) == ("YXS", bits // 8)
    assert "CIELAB" in note
    np.testing.assert_allclose(found[0, 0] / one, rgb, atol=12 if bits == 8 else 2)  # dark values are steep


def test_inks_become_rgb(path: Path) -> None:
    inks = np.zeros((40, 50, 4), np.uint8)
    inks[:20, :, 0] = 255  # cyan
    inks[20:, :, 3] = 51  # a fifth of black
    tifffile.imwrite(path, inks, photometric="separated")
    pixels, axes, note = as_read(path)
    assert axes == "YXS"
    assert pixels[0, 0].tolist() == [0, 255, 255]
    assert pixels[-1, 0].tolist() == [204, 204, 204]
    assert "CMYK" in note


def test_colour_tables_of_8_bits_are_not_black(path: Path) -> None:
    table = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    tifffile.imwrite(path, GRAY, photometric="palette", colormap=table)
    pixels, axes, _ = as_read(path)
    assert axes == "YXS"
    np.testing.assert_array_equal(pixels, table.T[GRAY])


def test_a_ramp_of_one_hue_is_how_intensities_are_shown(path: Path) -> None:
    tifffile.imwrite(path, GRAY, photometric="palette", colormap=np.stack([0 * RAMP, RAMP, 0 * RAMP]))
    pixels, axes, _ = as_read(path)
    assert axes == "YX"
    np.testing.assert_array_equal(pixels, GRAY)
    with open_image(path) as image:
        assert image.look.channel(0).colour == "00FF00"


def test_colour_tables_with_alpha_become_rgba(path: Path) -> None:
    table = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    both = np.stack([GRAY, 255 - GRAY], axis=-1)
    _write_palette_with_alpha(path, both, table * 257)
    pixels, axes, _ = as_read(path)
    assert axes == "YXS"
    np.testing.assert_array_equal(pixels, np.concatenate([table.T[GRAY], both[..., 1:]], axis=-1))


def _write_palette_with_alpha(path: Path, pixels: NDArray[Any], table: NDArray[Any]) -> None:
    """tifffile writes colour maps beside one sample only: the tag is patched."""
    tifffile.imwrite(
        path, pixels, photometric="minisblack", planarconfig="contig", extrasamples=["unassalpha"],
        metadata=None, extratags=[(320, "H", table.size, table.ravel().tolist(), True)],
    )  # fmt: skip
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].tags["PhotometricInterpretation"].valueoffset
    content = bytearray(path.read_bytes())
    content[offset : offset + 2] = (3).to_bytes(2, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_obeyed_as_that_of_a_photo(path: Path, orientation: int) -> None:
    tag = (274, "H", 1, orientation, True)
    tifffile.imwrite(path, GRAY, resolution=(40000, 20000), resolutionunit="CENTIMETER", extratags=[tag])
    photo = Image.fromarray(GRAY)
    photo.getexif()[274] = orientation
    upright = np.asarray(ImageOps.exif_transpose(photo))
    pixels, axes, _ = as_read(path)
    assert axes == "YX"
    np.testing.assert_array_equal(pixels, upright)
    with open_image(path) as image:
        sizes = [spacing.size for spacing in image.spacings]
    assert sizes == ([0.5, 0.25] if orientation < 5 else [0.25, 0.5])


def test_axes_of_stacks_are_turned_too(tmp_path: Path) -> None:
    stack = random_pixels((3, 40, 50), "uint8")
    for orientation, name in itertools.product((3, 6), ("x.tif", "x.ome.tif")):
        options = {"metadata": {"axes": "ZYX"}, "extratags": [(274, "H", 1, orientation, True)]}
        tifffile.imwrite(tmp_path / name, stack, photometric="minisblack", **options)
        pixels, image = read(tmp_path / name)
        turned = np.rot90(stack, 2 if orientation == 3 else -1, axes=(1, 2))
        # Rows of OME-TIFF are in the order that its model tells.
        np.testing.assert_array_equal(pixels, stack if "ome" in name else turned)
        assert image.axes == "ZYX"


def test_inks_of_jpeg_become_rgb_and_that_is_told(tmp_path: Path) -> None:
    Image.new("CMYK", (50, 40), (255, 0, 0, 0)).save(tmp_path / "x.jpg")
    pixels, image = read(tmp_path / "x.jpg")
    np.testing.assert_allclose(pixels[0, 0].astype(int), [0, 255, 255], atol=3)
    assert "(CMYK) are converted to RGB" in image.note


def test_gray_tables_of_png_are_brightness(tmp_path: Path) -> None:
    picture = Image.fromarray(GRAY).convert("P")
    picture.putpalette(np.repeat(255 - np.arange(256), 3).astype(np.uint8).tobytes())
    picture.save(tmp_path / "x.png")
    pixels, image = read(tmp_path / "x.png")
    assert image.axes == "YX"
    np.testing.assert_array_equal(pixels, 255 - GRAY)
