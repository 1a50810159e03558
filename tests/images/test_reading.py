"""Files as others write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing, upscaled_spacings
from napari_srgan.images.tiff import pixels as tiff_pixels

from .conftest import Write, random_pixels, read


@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "tile": (32, 32)}, {"byteorder": ">"}])
def test_large_tiffs_are_read_part_by_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, object]
) -> None:
    data = random_pixels((3, 70, 90), "uint16")
    tifffile.imwrite(tmp_path / "x.tif", data, photometric="minisblack", metadata={"axes": "ZYX"}, **options)
    monkeypatch.setattr(tiff_pixels, "READ_AT_ONCE", 0)
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", None)
    with open_image(tmp_path / "x.tif") as image:
        assert image.axes == "ZYX"
        assert image.data.dtype == np.uint16
        np.testing.assert_array_equal(image.data[1, 5:50, 30:80], data[1, 5:50, 30:80])


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd"])
def test_compressed_tiffs(tmp_path: Path, compression: str) -> None:
    data = random_pixels((70, 90), "uint16")
    tifffile.imwrite(tmp_path / "x.tif", data, compression=compression)
    np.testing.assert_array_equal(read(tmp_path / "x.tif")[0], data)


def test_planar_colours_come_last(tmp_path: Path) -> None:
    data = random_pixels((3, 40, 50), "uint8")
    tifffile.imwrite(tmp_path / "x.tif", data, photometric="rgb", planarconfig="separate")
    pixels, image = read(tmp_path / "x.tif")
    assert image.axes == "YXS"
    np.testing.assert_array_equal(pixels, data.transpose(1, 2, 0))


def test_samples_that_are_no_colours_are_channels(tmp_path: Path) -> None:
    data = random_pixels((40, 50, 2), "uint16")
    tifffile.imwrite(
        tmp_path / "x.tif",
        data,
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=["unspecified"],
    )
    pixels, image = read(tmp_path / "x.tif")
    assert image.axes == "CYX"
    np.testing.assert_array_equal(pixels, data.transpose(2, 0, 1))


def test_colour_tables_become_colours(tmp_path: Path) -> None:
    numbers = random_pixels((40, 50), "uint8")
    table = np.random.default_rng(1).integers(0, 256, (3, 256)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "x.tif", numbers, photometric="palette", colormap=table * 257)
    picture = Image.fromarray(numbers).convert("L")
    picture.putpalette(table.T.astype(np.uint8).tobytes())
    picture.save(tmp_path / "x.png")
    for name in ("x.tif", "x.png"):
        pixels, image = read(tmp_path / name)
        assert image.axes == "YXS"
        np.testing.assert_array_equal(pixels, table.T.astype(np.uint8)[numbers])


def test_imagej_pixel_sizes(tmp_path: Path) -> None:
    data = random_pixels((2, 3, 2, 40, 50), "uint16")
    tifffile.imwrite(
        tmp_path / "x.tif",
        data,
        imagej=True,
        resolution=(1 / 0.2, 1 / 0.1),
        metadata={"axes": "TZCYX", "unit": "um", "spacing": 0.7, "finterval": 30.0},
    )
    _, image = read(tmp_path / "x.tif")
    assert image.axes == "TZCYX"
    assert [s.size for s in image.spacings] == pytest.approx([30.0, 0.7, 1.0, 0.1, 0.2])
    assert [s.unit for s in image.spacings] == ["second", "micrometer", None, "micrometer", "micrometer"]


def test_tiff_resolution_is_a_pixel_size_unless_it_is_a_printers(tmp_path: Path) -> None:
    data = random_pixels((40, 50), "uint8")
    tifffile.imwrite(tmp_path / "x.tif", data, resolution=(50000, 25000), resolutionunit="CENTIMETER")
    assert read(tmp_path / "x.tif")[1].spacings == (Spacing(0.4, "micrometer"), Spacing(0.2, "micrometer"))
    tifffile.imwrite(tmp_path / "x.tif", data, resolution=(300, 300), resolutionunit="INCH")
    assert read(tmp_path / "x.tif")[1].spacings == (Spacing(), Spacing())


def test_only_the_first_of_several_images_is_read_and_that_is_said(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(random_pixels((40, 50), "uint8"))
        file.write(random_pixels((20, 30), "uint8"))
    pixels, image = read(tmp_path / "x.tif")
    assert pixels.shape == (40, 50)
    assert image.note == "x.tif holds 1 more image; the first is taken (--series all takes all of them)"


def ome(planes: str) -> bytes:
    """A description of three planes, of which some are said to lie somewhere."""
    sizes = 'SizeX="50" SizeY="40" SizeZ="3" SizeC="1" SizeT="1"'
    return (
        '<?xml version="1.0"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="urn:uuid:1">'
        f'<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint8" {sizes}>'
        f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{planes}</Pixels></Image></OME>'
    ).encode()


def test_planes_that_were_never_recorded_are_told(tmp_path: Path) -> None:
    planes = '<TiffData IFD="0" FirstZ="0" PlaneCount="1"/><TiffData IFD="1" FirstZ="1" PlaneCount="1"/>'
    data = random_pixels((2, 40, 50), "uint8")
    tifffile.imwrite(tmp_path / "x.ome.tif", data, description=ome(planes), metadata=None)
    pixels, image = read(tmp_path / "x.ome.tif")
    np.testing.assert_array_equal(pixels[:2], data)
    assert not pixels[2].any()
    assert image.note == (
        "1 of 3 planes are not in x.ome.tif, perhaps because recording was stopped; they are 0"
    )


def test_files_of_one_image_have_to_be_together(tmp_path: Path) -> None:
    planes = "".join(
        f'<TiffData IFD="0" FirstZ="{z}" PlaneCount="1">'
        f'<UUID FileName="{name}.ome.tif">urn:uuid:{z + 1}</UUID></TiffData>'
        for z, name in enumerate("abc")
    )
    data = random_pixels((3, 40, 50), "uint8")
    for z, name in enumerate("abc"):
        about = ome(planes).replace(b"urn:uuid:1", b"urn:uuid:%d" % (z + 1), 1)
        tifffile.imwrite(tmp_path / f"{name}.ome.tif", data[z], description=about, metadata=None)
    np.testing.assert_array_equal(read(tmp_path / "a.ome.tif")[0], data)
    (tmp_path / "b.ome.tif").unlink()
    with pytest.raises(UserError, match=r"several files of one image, and b\.ome\.tif cannot be read"):
        read(tmp_path / "a.ome.tif")


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_the_finest_level_of_ome_zarr(tmp_path: Path, version: str) -> None:
    data = random_pixels((2, 40, 50), "uint16")
    group = zarr.open_group(tmp_path / "x.zarr", mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("full", shape=data.shape, dtype=data.dtype, chunks=(1, 32, 32))[:] = data
    group.create_array("half", shape=(2, 20, 25), dtype=data.dtype)
    scales = [{"type": "scale", "scale": [1.0, 0.3, 0.3]}, {"type": "translation", "translation": [0, 2, 3]}]
    axes = [{"name": "c", "type": "channel"}]
    axes += [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    datasets = [
        {"path": "full", "coordinateTransformations": scales},
        {"path": "half", "coordinateTransformations": [{"type": "scale", "scale": [1.0, 0.6, 0.6]}]},
    ]
    multiscales = [{"axes": axes, "datasets": datasets, "version": version}]
    if version == "0.4":
        group.attrs["multiscales"] = multiscales
    else:
        group.attrs["ome"] = {"version": version, "multiscales": multiscales}
    pixels, image = read(tmp_path / "x.zarr")
    np.testing.assert_array_equal(pixels, data)
    assert (image.axes, image.ending) == ("CYX", ".ome.zarr")
    assert image.spacings[1:] == (Spacing(0.3, "micrometer", 2), Spacing(0.3, "micrometer", 3))


def test_colours_are_channels_in_ome_zarr(write: Write) -> None:
    data = random_pixels((2, 40, 50, 3), "uint8")
    pixels, image = read(write("x.ome.zarr", data, "ZYXS"))
    np.testing.assert_array_equal(pixels, data.transpose(3, 0, 1, 2))
    assert image.axes == "CZYX"


def test_ome_zarr_is_valid(write: Write) -> None:
    from ome_zarr_models.v05 import Image as OmeImage

    spacings = (Spacing(2.0, "second"), Spacing(), Spacing(0.1, "micrometer"), Spacing(0.1, "micrometer"))
    path = write("x.ome.zarr", random_pixels((1, 2, 40, 50), "uint8"), "TCYX", spacings)
    OmeImage.from_zarr(zarr.open_group(path, mode="r"))


def test_phone_pictures_stand_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6  # held on its side
    Image.fromarray(random_pixels((40, 50, 3), "uint8")).save(tmp_path / "x.jpg", exif=exif)
    assert read(tmp_path / "x.jpg")[0].shape == (50, 40, 3)


def test_gray_with_alpha_becomes_rgba(tmp_path: Path) -> None:
    Image.fromarray(random_pixels((40, 50, 2), "uint8"), "LA").save(tmp_path / "x.png")
    assert read(tmp_path / "x.png")[0].shape == (40, 50, 4)


def test_every_centre_stays_in_its_place() -> None:
    before = (Spacing(30.0, "second"), Spacing(0.2, origin=5.0), Spacing(0.4))
    time, y, x = upscaled_spacings(before, "TYX", ((10, 20), (0, 8)), 4)
    assert time == before[0]
    # The mean of the centres of the four pixels made from pixel 10.
    assert y.origin + 1.5 * y.size == pytest.approx(5.0 + 10 * 0.2)
    assert x.origin + 1.5 * x.size == pytest.approx(0.0)
    assert (y.size, x.size) == pytest.approx((0.05, 0.1))


def test_a_zarr_group_without_an_image_names_what_is_in_it(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "x.zarr", mode="w").create_group("first")
    with pytest.raises(UserError, match=r"x\.zarr/first"):
        open_image(tmp_path / "x.zarr")
