"""Zarr as others write it: metadata that is missing, odd or wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.stored_image import StoredImage

from .conftest import random_pixels

DATA = random_pixels((3, 40, 50), "uint16")
ZYX = [
    {"name": "z", "type": "space", "unit": "micrometer"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]


def scaled(*sizes: float) -> list[dict[str, Any]]:
    return [{"type": "scale", "scale": list(sizes)}]


def image_group(path: Path, version: str = "0.5", data: np.ndarray = DATA, **image: Any) -> Path:
    """An OME-Zarr image, whose metadata is what is said here."""
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    group.create_array("0", data=data, chunks=(*(1,) * (data.ndim - 2), 16, 16))
    levels = [{"path": "0", "coordinateTransformations": scaled(2, 0.5, 0.5)}]
    told: dict[str, Any] = {"axes": ZYX, "datasets": levels} | image
    told = {key: value for key, value in told.items() if value is not None}
    if version == "0.5":
        group.attrs["ome"] = {"version": version, "multiscales": [told]}
    else:
        group.attrs["multiscales"] = [told | {"version": version}]
    return path


def opened(path: Path, axes: str | None = None) -> StoredImage:
    with open_image(path, axes) as image:
        np.testing.assert_array_equal(np.squeeze(image.data[:]), DATA)
        return image


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_versions(tmp_path: Path, version: str) -> None:
    image = opened(image_group(tmp_path / "x.zarr", version))
    assert (image.axes, image.note) == ("ZYX", "")
    assert image.spacings == (
        Spacing(2.0, "micrometer"), Spacing(0.5, "micrometer"), Spacing(0.5, "micrometer")
    )  # fmt: skip


def test_versions_before_axes_were_told(tmp_path: Path) -> None:
    named = opened(image_group(tmp_path / "x.zarr", "0.3", axes=["z", "y", "x"]))
    assert (named.axes, named.spacings[0]) == ("ZYX", Spacing(2.0))
    five = DATA[None, None]
    untold = opened(image_group(tmp_path / "y.zarr", "0.2", data=five, axes=None, datasets=[{"path": "0"}]))
    assert (untold.axes, untold.spacings) == ("TCZYX", (Spacing(),) * 5)


def test_axes_that_are_missing_are_guessed_and_told(tmp_path: Path) -> None:
    path = image_group(tmp_path / "x.zarr", axes=None)
    image = opened(path)
    assert image.axes == "QYX"
    assert image.note == "x.zarr does not name its axes; they are taken for QYX (--axes says otherwise)"
    assert opened(path, "TYX").axes == "TYX"


def test_axes_of_another_number_are_asked_for(tmp_path: Path) -> None:
    path = image_group(tmp_path / "x.zarr", axes=ZYX[1:])
    with pytest.raises(UserError, match=r"names the axes 'YX', .*\(3, 40, 50\); .*--axes QYX"):
        open_image(path)
    assert opened(path, "ZYX").axes == "ZYX"
    with pytest.raises(UserError, match="2 axes 'YX' for an array"):
        open_image(path, "YX")


@pytest.mark.parametrize(
    "steps",
    [
        scaled(0.5, 0.5),
        scaled(2, 0, 0.5),
        scaled(2, float("nan"), 1),
        scaled(1, float("inf"), 1),
        [{"scale": []}],
        [{"type": "scale", "path": "scales"}],
        [{"type": "translation", "translation": [1]}],
    ],
)
def test_pixel_sizes_that_are_none_leave_plain_pixels(tmp_path: Path, steps: list[Any]) -> None:
    datasets = [{"path": "0", "coordinateTransformations": steps}]
    image = opened(image_group(tmp_path / "x.zarr", datasets=datasets))
    assert image.spacings == (Spacing(),) * 3
    assert "x.zarr: its pixel sizes cannot be used" in image.note


def test_no_pixel_sizes_are_plain_pixels(tmp_path: Path) -> None:
    image = opened(image_group(tmp_path / "x.zarr", datasets=[{"path": "0"}]))
    assert [spacing.size for spacing in image.spacings] == [1, 1, 1]
    assert image.note == ""


def test_levels_that_do_not_exist(tmp_path: Path) -> None:
    path = image_group(tmp_path / "x.zarr", datasets=[{"path": "0"}, {"path": "1"}, {"path": "2"}])
    assert opened(path).coarser == ()
    path = image_group(tmp_path / "y.zarr", datasets=[{"path": "full"}])
    with pytest.raises(UserError, match=r"the finest level 'full' of y\.zarr is missing"):
        open_image(path)
    path = image_group(tmp_path / "z.zarr", datasets=[])
    with pytest.raises(UserError, match=r"metadata of z\.zarr cannot be used"):
        open_image(path)


def series(path: Path, names: str) -> Path:
    root = zarr.open_group(path, mode="w", zarr_format=2)
    root.attrs["bioformats2raw.layout"] = 3
    for name in names:
        image_group(path / name, "0.4")
    return path


def test_a_series_of_images_is_its_first(tmp_path: Path) -> None:
    assert opened(series(tmp_path / "x.zarr", "0")).note == ""
    image = opened(series(tmp_path / "y.zarr", "01"))
    assert image.axes == "ZYX"
    assert image.note == (
        "y.zarr holds more images than one; the first is taken (y.zarr/0; --series all takes all of them)"
    )


def test_plates_and_wells(tmp_path: Path) -> None:
    plate = tmp_path / "plate.zarr"
    group = zarr.open_group(plate, mode="w")
    group.attrs["ome"] = {"plate": {"wells": [{"path": "A/1"}, {"path": "A/2"}]}}
    for well, fields in (("A/1", "0"), ("A/2", "01")):
        images = [{"path": field} for field in fields]
        group.create_group(well).attrs["ome"] = {"well": {"images": images}}
        for field in fields:
            image_group(plate / well / field)
    with pytest.raises(UserError, match=r"is a plate with 2 wells, .*plate\.zarr/A/1/0"):
        open_image(plate)
    with pytest.raises(UserError, match=r"is a well with 2 fields; .*plate\.zarr/A/2/0"):
        open_image(plate / "A/2")
    assert opened(plate / "A/1").axes == "ZYX"
    assert opened(plate / "A/2/1").axes == "ZYX"


@pytest.mark.parametrize("version", [2, 3])
def test_plain_arrays_are_known_by_the_names_of_their_axes(tmp_path: Path, version: int) -> None:
    turned = DATA.transpose(2, 1, 0)
    array = zarr.create_array(
        tmp_path / "x.zarr", data=turned, zarr_format=version,
        dimension_names=["x", "y", "z"] if version == 3 else None,
    )  # fmt: skip
    if version == 2:
        array.attrs["_ARRAY_DIMENSIONS"] = ["x", "y", "z"]
    assert opened(tmp_path / "x.zarr").axes == "ZYX"


def test_plain_arrays_without_names_are_guessed(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "x.zarr", data=DATA)
    assert opened(tmp_path / "x.zarr").axes == "QYX"
    assert opened(tmp_path / "x.zarr", "CYX").axes == "CYX"


def test_samples_beside_channels_are_no_second_channels(tmp_path: Path) -> None:
    array = zarr.create_array(
        tmp_path / "x.zarr", shape=(5, 2, 8, 9), dtype="u1", dimension_names=("s", "c", "y", "x")
    )
    array[:] = 1
    with open_image(tmp_path / "x.zarr") as image:
        assert image.axes == "QCYX"


def test_a_chunk_that_does_not_decode_is_named(tmp_path: Path) -> None:
    path = image_group(tmp_path / "x.zarr")
    (path / "0/c/1/1/2").write_bytes(b"no chunk")
    with open_image(path) as image:
        with pytest.raises(UserError, match=r"chunk 0/c/1/1/2 of x\.zarr is damaged or cut off"):
            image.data[:]
        np.testing.assert_array_equal(image.data[1, :, :32], DATA[1, :, :32])
        np.testing.assert_array_equal(image.data[0], DATA[0])
