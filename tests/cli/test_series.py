"""All images of a file and all fields of a plate in one call: each has a result, and one costs no other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

import napari_srgan as sr
from napari_srgan.images.formats import open_image

from .conftest import Shell

NOISE = np.random.default_rng(0).integers(0, 4000, (3, 32, 40), dtype=np.uint16)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    path = tmp_path / "x.ome.tif"
    with tifffile.TiffWriter(path) as file:
        for number, name in enumerate(("left", "right")):
            sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
            file.write(NOISE[number, : 20 + number], metadata={"axes": "YX", "Name": name} | sizes)
    return path


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    path = tmp_path / "p.ome.zarr"
    wells = {"A/1": ["0", "1"], "B/2": ["0"]}
    root = zarr.open_group(path, mode="w")
    root.attrs["ome"] = {"version": "0.5", "plate": {"wells": [{"path": well} for well in wells]}}
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    datasets = [
        {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": [0.5, 0.5]}]},
    ]
    planes = iter(NOISE)
    for well, fields in wells.items():
        group = root.create_group(well)
        group.attrs["ome"] = {"version": "0.5", "well": {"images": [{"path": field} for field in fields]}}
        for field in fields:
            image = group.create_group(field)
            image.create_array("0", data=next(planes), chunks=(16, 16))
            image.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": datasets}]}
    return path


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_all_series_of_a_file(upscale: Shell, several: Path, tmp_path: Path) -> None:
    result = upscale(several, tmp_path / "out", "--series", "all")
    assert result.exit_code == 0
    assert names(tmp_path / "out") == {"x_0-left_x2.ome.tif", "x_1-right_x2.ome.tif"}
    assert "x.ome.tif (1-right) -> " in result.stdout
    assert "first is taken" not in result.stderr
    with open_image(tmp_path / "out" / "x_1-right_x2.ome.tif") as image:
        assert (image.data.shape, image.look.name) == ((42, 80), "right")
        assert [spacing.size for spacing in image.spacings] == [0.125, 0.25]


def test_one_series_goes_to_a_file(upscale: Shell, several: Path, tmp_path: Path) -> None:
    assert upscale(several, tmp_path / "y.tif", "--series", "right").exit_code == 0
    assert tifffile.imread(tmp_path / "y.tif").shape == (42, 80)
    refused = upscale(several, tmp_path / "z.tif", "--series", "all")
    assert refused.exit_code == 1
    assert "2 images cannot be written to one file z.tif" in refused.stderr
    refused = upscale(several, tmp_path / "z.tif", "--series", "7")
    assert (refused.exit_code, "it has 0 (left), 1 (right)" in refused.stderr) == (1, True)


def test_a_plate_with_a_damaged_field(upscale: Shell, plate: Path, tmp_path: Path) -> None:
    (plate / "A" / "1" / "1" / "0" / "zarr.json").write_text("{")
    result = upscale(plate, tmp_path / "out", "--series", "all")
    assert result.exit_code == 1
    assert names(tmp_path / "out") == {"p_A_1_0_x2.ome.zarr", "p_B_2_0_x2.ome.zarr"}
    assert "p.ome.zarr (A_1_1): " in result.stderr
    assert "1 of 3 images could not be upscaled" in result.stderr
    with open_image(tmp_path / "out" / "p_B_2_0_x2.ome.zarr") as image:
        assert (image.spacings[0].size, image.look.name) == (0.25, "p B/2/0")


def test_results_that_exist_are_kept_as_in_a_folder(upscale: Shell, several: Path, tmp_path: Path) -> None:
    kept = tmp_path / "out" / "x_0-left_x2.ome.tif"
    kept.parent.mkdir()
    kept.write_bytes(b"mine")
    result = upscale(several, tmp_path / "out", "--series", "all")
    assert (result.exit_code, kept.read_bytes()) == (1, b"mine")
    assert "exists already" in result.stderr
    assert (tmp_path / "out" / "x_1-right_x2.ome.tif").exists()
    assert upscale(several, tmp_path / "out", "--series", "all", "--overwrite").exit_code == 0
    assert kept.read_bytes() != b"mine"


def test_no_result_lies_in_the_plate(upscale: Shell, plate: Path) -> None:
    result = upscale(plate, plate / "A", "--series", "all")
    assert result.exit_code == 1
    assert result.stderr.count("would overwrite the input") == 3


def test_a_folder_of_files_with_several_images(upscale: Shell, several: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    tifffile.imwrite(tmp_path / "images" / "a.tif", NOISE[0])
    several.rename(tmp_path / "images" / several.name)
    (tmp_path / "images" / "b.tif").write_bytes(b"no TIFF at all")
    result = upscale(tmp_path / "images", tmp_path / "out", "--series", "all")
    assert result.exit_code == 1
    assert names(tmp_path / "out") == {"a_x2.tif", "x_0-left_x2.ome.tif", "x_1-right_x2.ome.tif"}
    assert "b.tif is no readable TIFF file" in result.stderr
    assert "1 of 4 images could not be upscaled" in result.stderr


def test_in_a_script(tiny_file: Path, plate: Path, tmp_path: Path) -> None:
    options = {"device": "cpu", "tile": 64, "progress": False}
    results = sr.upscale(plate, tiny_file, out=tmp_path / "out", series="all", **options)
    assert list(results) == ["A_1_0", "A_1_1", "B_2_0"]
    assert names(tmp_path / "out") == {f"p_{name}_x2.ome.zarr" for name in results}
    alone = sr.upscale(NOISE[1], tiny_file, **options)
    np.testing.assert_array_equal(results["A_1_1"][...], alone)
    one = sr.upscale(plate, tiny_file, out=tmp_path / "y.ome.zarr", series="A/1/1", **options)
    np.testing.assert_array_equal(one[...], alone)
    with pytest.raises(
        sr.UserError, match="names no format that can be written"
    ):  # one image has the name that is given
        sr.upscale(plate, tiny_file, out=tmp_path / "folder", series="A/1/1", **options)
    (alone_too,) = sr.upscale(
        plate / "A/1/1", tiny_file, out=tmp_path / "one", series="all", **options
    ).values()
    np.testing.assert_array_equal(alone_too[...], alone)
    assert names(tmp_path / "one") == {"1_x2.ome.zarr"}
    again = sr.upscale(plate, tiny_file, out=tmp_path / "out", series="all", **options)
    np.testing.assert_array_equal(again["A_1_1"][...], alone)


def test_in_a_script_a_failure_costs_no_other(tiny_file: Path, plate: Path, tmp_path: Path) -> None:
    options = {"device": "cpu", "tile": 64, "progress": False}
    (plate / "A" / "1" / "0" / "0" / "zarr.json").write_text("{")
    with pytest.raises(sr.UserError, match=r"1 of 3 images .*p\.ome\.zarr \(A_1_0\): .*others are in"):
        sr.upscale(plate, tiny_file, out=tmp_path / "out", series="all", **options)
    assert names(tmp_path / "out") == {"p_A_1_1_x2.ome.zarr", "p_B_2_0_x2.ome.zarr"}
    with pytest.raises(sr.UserError, match=r"'x\.zarr' is the name of one"):
        sr.upscale(plate, tiny_file, out=tmp_path / "x.zarr", series="all", **options)
    with pytest.raises(sr.UserError, match="leave it out for an array"):
        sr.upscale(NOISE[0], tiny_file, series=0, **options)
    with pytest.raises(sr.UserError, match=r"no series '\.\./x' in p\.ome\.zarr; it has A/1/0"):
        sr.upscale(plate, tiny_file, out=tmp_path / "x.zarr", series="../x", **options)
