"""Which images a place holds, and what their results are called."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_srgan.cluster.source import source_of
from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.image import Image, Origin
from napari_srgan.images.series import Series, series_of
from napari_srgan.images.spacing import Spacing

from .conftest import random_pixels

NAMES = ("over view", "b/c", "b/c")


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """An OME-TIFF of three images, of which each has pixels of another size."""
    path = tmp_path / "x.ome.tif"
    with tifffile.TiffWriter(path) as file:
        for number, name in enumerate(NAMES):
            told = {"axes": "YX", "Name": name, "Channel": {"Name": f"dye {number}"}}
            sizes = {"PhysicalSizeX": 0.5 + number, "PhysicalSizeY": 0.25}
            file.write(np.full((30 + number, 40), number, np.uint16), metadata=told | sizes)
    return path


def ome_image(group: zarr.Group, value: int) -> None:
    group.create_array("0", data=np.full((20, 24), value, np.uint16), chunks=(16, 16))
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    scale = [{"type": "scale", "scale": [0.5, 0.5]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}


def make_plate(path: Path, wells: dict[str, list[str]]) -> Path:
    """A plate of wells with fields, whose pixels count the fields."""
    root = zarr.open_group(path, mode="w")
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": well} for well in wells]}}
    count = 0
    for well, fields in wells.items():
        group = root.create_group(well)
        group.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": field} for field in fields]}}
        for field in fields:
            ome_image(group.create_group(field), count)
            count += 1
    return path


def parts(place: Path) -> list[str]:
    return [one.part for one in series_of(place, "all")]


def test_every_series_of_a_tiff_has_its_own_pixels_sizes_and_names(several: Path) -> None:
    found = series_of(several, "all")
    assert [one.name for one in found] == ["0-over_view", "1-b_c", "2-b_c"]
    for number, one in enumerate(found):
        with open_image(one.place, None, one.part) as image:
            assert np.all(image.data[:] == number)
            assert image.data.shape == (30 + number, 40)
            assert image.spacings == (Spacing(0.25, "micrometer"), Spacing(0.5 + number, "micrometer"))
            assert (image.look.name, image.look.channel(0).name) == (NAMES[number], f"dye {number}")
            assert image.note == ""


def test_one_is_chosen_by_its_number_or_its_name(several: Path) -> None:
    assert [one.part for one in series_of(several, "2")] == ["2"]
    assert [one.part for one in series_of(several, "over view")] == ["0"]
    assert series_of(several) == [Series(several)]
    with pytest.raises(UserError, match=r"2 images in x\.ome\.tif are called 'b/c'; .* numbers 1, 2"):
        series_of(several, "b/c")
    with pytest.raises(UserError, match=r"no series '3' in x\.ome\.tif; it has 0 \(over view\), 1 \(b/c\)"):
        series_of(several, "3")


def test_a_series_without_a_name_is_called_by_its_number(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "x.tif") as file:
        file.write(random_pixels((30, 40), "uint8"))
        file.write(random_pixels((20, 40), "uint8"))
    found = series_of(tmp_path / "x.tif", "all")
    assert [one.result_name(2, ".tif") for one in found] == ["x_0_x2.tif", "x_1_x2.tif"]
    assert found[1].result_name(1, ".tif") == "x_1_restored.tif"
    with open_image(tmp_path / "x.tif", None, "1") as image:
        assert image.image().look.name == "x 1"


@pytest.mark.parametrize("name", ["x.tif", "x.zarr", "x.png"])
def test_what_holds_one_image_is_called_as_ever(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("zarr"):
        zarr.save_array(path, random_pixels((30, 40), "uint8"))
    else:
        from PIL import Image

        Image.fromarray(random_pixels((30, 40), "uint8")).save(path)
    (one,) = series_of(path, "all")
    assert one.result_name(2, path.suffix) == f"x_x2{path.suffix}"
    with open_image(path, None, one.part) as image:
        assert image.data.shape == (30, 40)


def test_one_image_has_no_other_series(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", random_pixels((30, 40), "uint8"))
    with pytest.raises(UserError, match=r"no series '1' in x\.tif; it has 0"):
        series_of(tmp_path / "x.tif", "1")
    from PIL import Image

    Image.fromarray(random_pixels((30, 40), "uint8")).save(tmp_path / "x.png")
    with pytest.raises(UserError, match=r"x\.png holds one image, and no series '1'"):
        series_of(tmp_path / "x.png", "1")


def test_fields_of_a_plate_and_of_a_well(tmp_path: Path) -> None:
    plate = make_plate(tmp_path / "p.ome.zarr", {"A/1": ["0", "1"], "B/12": ["0"]})
    assert parts(plate) == ["A/1/0", "A/1/1", "B/12/0"]
    assert parts(plate / "A" / "1") == ["0", "1"]
    assert parts(plate / "A" / "1" / "0") == [""]
    found = series_of(plate, "all")
    assert [one.result_name(2, ".ome.zarr") for one in found][2] == "p_B_12_0_x2.ome.zarr"
    for number, one in enumerate(found):
        with open_image(one.place, None, one.part) as image:
            assert np.all(image.data[:] == number)
            assert image.image().look.name == f"p {one.part}"
    (one,) = series_of(plate, "B/12/0")
    assert one == found[2]


def test_workers_open_the_same_image(tmp_path: Path) -> None:
    plate = make_plate(tmp_path / "p.ome.zarr", {"A/1": ["0", "1"]})
    sent = source_of(Image(np.zeros((20, 24)), "YX", origin=Origin(plate, None, "A/1/1")))
    data, still_there = pickle.loads(pickle.dumps(sent)).open()
    still_there()
    assert np.all(data[:] == 1)


def test_a_well_that_is_missing_is_told_when_it_is_opened(tmp_path: Path) -> None:
    plate = make_plate(tmp_path / "p.zarr", {"A/1": ["0"], "A/2": ["0"]})
    for file in (plate / "A" / "1").rglob("zarr.json"):
        file.unlink()
    assert parts(plate) == ["A/1", "A/2/0"]
    with pytest.raises(UserError, match=r"p\.zarr/A/1 is no zarr array"):
        open_image(plate, None, "A/1")


@pytest.mark.parametrize("listed", [None, ["second", "1"]])
def test_images_of_bioformats2raw(tmp_path: Path, listed: list[str] | None) -> None:
    root = zarr.open_group(tmp_path / "x.zarr", mode="w")
    root.attrs["ome"] = {"version": "0.5", "bioformats2raw.layout": 3}
    if listed:
        root.create_group("OME").attrs["ome"] = {"version": "0.5", "series": listed}
    for number, name in enumerate(listed or ["0", "1", "2"]):
        ome_image(root.create_group(name), number)
    assert parts(tmp_path / "x.zarr") == (listed or ["0", "1", "2"])


@pytest.mark.parametrize("path", ["../other/0", "/etc", "A//0", ".", "A\\1", "A/\n"])
def test_paths_that_lead_elsewhere_are_refused(tmp_path: Path, path: str) -> None:
    ome_image(zarr.open_group(tmp_path / "other" / "0", mode="w"), 7)
    plate = make_plate(tmp_path / "p.zarr", {"A/1": ["0"]})
    root = zarr.open_group(plate, mode="r+")
    for told in ({"wells": [{"path": path}]}, {"wells": [{"path": "A/1"}]}):
        root.attrs["ome"] = {"version": "0.5", "plate": told}
        zarr.open_group(plate / "A" / "1", mode="r+").attrs["ome"] = {"well": {"images": [{"path": path}]}}
        with pytest.raises(UserError, match="is no path of an image"):
            series_of(plate, "all")
    with pytest.raises(UserError, match="is no path of an image"):
        open_image(plate, None, path)


def test_more_images_than_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from napari_srgan.images.zarr import groups as zarr_groups

    monkeypatch.setattr(zarr_groups, "IMAGES", 2)
    plate = make_plate(tmp_path / "p.zarr", {"A/1": ["0", "1", "2"]})
    with pytest.raises(UserError, match="names more than 2 images"):
        series_of(plate, "all")


def test_images_of_a_set_whose_files_lie_elsewhere(tmp_path: Path) -> None:
    """One of two images of a set lacks its file; the other one is read, with what is told of it."""
    ids = [f"urn:uuid:0750{n}f88-7bc3-11e0-b937-2faf67bc00b3" for n in range(2)]
    images = "".join(
        f'<Image ID="Image:{n}" Name="position {n}"><Pixels ID="Pixels:{n}" DimensionOrder="XYZCT" '
        f'Type="uint16" '
        f'SizeX="40" SizeY="30" SizeZ="1" SizeC="1" SizeT="1" PhysicalSizeX="{n + 1}">'
        f'<Channel ID="Channel:{n}:0" SamplesPerPixel="1"/><TiffData IFD="0" PlaneCount="1">'
        f'<UUID FileName="p{n}.ome.tif">{ids[n]}</UUID></TiffData></Pixels></Image>'
        for n in range(2)
    )
    for n in range(2):
        xml = f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{ids[n]}">{images}</OME>'
        pixels: Any = np.full((30, 40), n, np.uint16)
        tifffile.imwrite(tmp_path / f"p{n}.ome.tif", pixels, metadata=None, description=xml.encode())
    for n in range(2):
        found = series_of(tmp_path / f"p{n}.ome.tif", "all")
        assert len(found) == 1
        for part in ("", found[0].part):
            with open_image(found[0].place, None, part) as image:
                assert (image.look.name, image.spacings[1].size) == (f"position {n}", n + 1)
                assert np.all(image.data[:] == n)
    (tmp_path / "p0.ome.tif").unlink()
    (one,) = series_of(tmp_path / "p1.ome.tif", "all")
    with open_image(one.place, None, one.part) as image:
        assert (image.look.name, image.spacings[1].size) == ("position 1", 2)
