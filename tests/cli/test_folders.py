"""Folders of images: each image once, results of our own never, and nothing is left out in silence."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image, ImageFile

from napari_srgan.api.inputs import find_inputs
from napari_srgan.results.made_here import made_here

from .conftest import Shell

NOISE = np.random.default_rng(0).integers(0, 4000, (32, 40), dtype=np.uint16)
IDS = [f"urn:uuid:0750{n}f88-7bc3-11e0-b937-2faf67bc00b3" for n in range(3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "images"
    made.mkdir()
    tifffile.imwrite(made / "a.tif", NOISE)
    return made


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


def test_a_folder_into_itself_twice(upscale: Shell, folder: Path) -> None:
    Image.fromarray((NOISE // 16).astype(np.uint8)).save(folder / "b.png")
    zarr.save_array(folder / "c.zarr", NOISE)
    assert upscale(folder, folder).exit_code == 0
    expected = {"a.tif", "a_x2.tif", "b.png", "b_x2.png", "c.zarr", "c_x2.zarr"}
    assert names(folder) == expected
    before = {name: (folder / name).read_bytes() for name in expected if "zarr" not in name}
    again = upscale(folder, folder, "--overwrite")
    assert again.exit_code == 0
    assert "as a_x2.tif, b_x2.png, c_x2.zarr are results of napari-srgan" in again.stderr
    assert names(folder) == expected
    assert {name: (folder / name).read_bytes() for name in before} == before


def test_what_would_be_waited_for_is_said(upscale: Shell, folder: Path, tmp_path: Path) -> None:
    for name in ("b.tif", "c.png", "d.jpg"):
        os.mkfifo(folder / name)
    result = upscale(folder, tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.count("is a pipe or a device") == 3
    assert names(tmp_path / "out") == {"a_x2.tif"}


def test_whether_a_picture_is_a_result_is_known_without_decoding_it(
    upscale: Shell, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = (NOISE // 16).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "b.png")
    assert upscale(folder / "b.png", tmp_path / "x.png").exit_code == 0
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # larger than what Pillow takes for an attack

    def decoded(*_: object) -> None:
        raise AssertionError("all of its pixels were read")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    assert made_here(tmp_path / "x.png")
    assert not made_here(folder / "b.png")


RESULTS = ["x.tif", "x.ome.tif", "x.zarr", "x.ome.zarr", "x.png"]


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_is_known_by_its_provenance(upscale: Shell, folder: Path, tmp_path: Path, name: str) -> None:
    assert upscale(folder / "a.tif", tmp_path / name).exit_code == 0
    assert made_here(tmp_path / name)
    assert not made_here(folder / "a.tif")


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.webp"])
@pytest.mark.parametrize("samples", [1, 3])
def test_pictures_too(upscale: Shell, tmp_path: Path, name: str, samples: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (32, 40, samples), dtype=np.uint8)
    Image.fromarray(pixels.squeeze()).save(tmp_path / "in.png")
    assert upscale(tmp_path / "in.png", tmp_path / name).exit_code == 0
    assert made_here(tmp_path / name)
    assert not made_here(tmp_path / "in.png")


def test_a_folder_of_results_alone(upscale: Shell, folder: Path, tmp_path: Path) -> None:
    assert upscale(folder / "a.tif", tmp_path / "results" / "b.tif").exit_code == 0
    refused = upscale(tmp_path / "results", tmp_path / "more")
    assert refused.exit_code == 1
    assert "b.tif is a result of napari-srgan; give the file itself" in refused.stderr
    assert upscale(tmp_path / "results" / "b.tif", tmp_path / "c.tif").exit_code == 0


def test_what_is_left_out_is_said_and_fails(upscale: Shell, folder: Path, tmp_path: Path) -> None:
    for name in ("b.czi", "d.dcm", "e.dat", "readme.txt"):
        (folder / name).write_bytes(b"x")
    tifffile.imwrite(folder / "c.lsm", NOISE)
    (folder / "sub").mkdir()
    result = upscale(folder, tmp_path / "out")
    assert result.exit_code == 1
    assert names(tmp_path / "out") == {"a_x2.tif", "c_x2.tif"}
    assert (
        "b.czi, d.dcm are in formats that cannot be read here; install what reads such files" in result.stderr
    )
    assert "sub is a folder; give it too" in result.stderr
    assert "e.dat is no image that is known here" in result.stderr
    assert "readme" not in result.stderr
    assert "2 of 4 images could not be upscaled" in result.stderr


def test_a_tiff_that_ends_within_its_first_bytes_stops_no_folder(
    upscale: Shell, folder: Path, tmp_path: Path
) -> None:
    (folder / "c.tif").write_bytes(b"II*\0x")
    result = upscale(folder, tmp_path / "out")
    assert result.exit_code == 1
    assert names(tmp_path / "out") == {"a_x2.tif"}
    assert "c.tif is damaged or cut off" in result.stderr


def test_sub_folders_alone_are_no_failure(upscale: Shell, folder: Path, tmp_path: Path) -> None:
    (folder / "sub").mkdir()
    result = upscale(folder, tmp_path / "out")
    assert (result.exit_code, "sub is a folder" in result.stderr) == (0, True)


def test_a_model_is_not_written_into_the_images_it_learns_from(shell: Shell, folder: Path) -> None:
    zarr.save_array(folder / "c.zarr", NOISE)
    into = folder / "c.zarr" / "m.safetensors"
    result = shell("fine-tune", "--high", folder / "c.zarr", "--out", into, "--steps", 1)
    assert result.exit_code == 1
    assert "would overwrite the input" in result.stderr
    over = ["--checkpoint", folder / "a.tif"]
    result = shell("fine-tune", "--high", folder / "a.tif", "--out", folder / "m.safetensors", *over)
    assert (result.exit_code, "would overwrite the input" in result.stderr) == (1, True)


@pytest.fixture
def ome_set(tmp_path: Path) -> Path:
    made = tmp_path / "set"
    made.mkdir()
    data = "".join(
        f'<TiffData FirstZ="{at}" IFD="0" PlaneCount="1">'
        f'<UUID FileName="z{at}.ome.tif">{IDS[at]}</UUID></TiffData>'
        for at in range(3)
    )
    for at in range(3):
        xml = (
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{IDS[at]}">'
            '<Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="40" '
            f'SizeY="32" SizeZ="3" SizeC="1" SizeT="1"><Channel ID="Channel:0:0" '
            f'SamplesPerPixel="1"/>{data}</Pixels></Image></OME>'
        )
        tifffile.imwrite(made / f"z{at}.ome.tif", NOISE + at, metadata=None, description=xml.encode())
    return made


def test_each_set_of_ome_tiff_once(upscale: Shell, ome_set: Path, tmp_path: Path) -> None:
    result = upscale(ome_set, tmp_path / "out")
    assert result.exit_code == 0
    assert names(tmp_path / "out") == {"z0_x2.ome.tif"}
    assert "z1.ome.tif, z2.ome.tif belong to the image of z0.ome.tif, which is taken once" in result.stderr
    assert tifffile.imread(tmp_path / "out" / "z0_x2.ome.tif").shape == (3, 64, 80)
    given = find_inputs([ome_set / "z2.ome.tif", ome_set / "z1.ome.tif"])
    assert given.places == [ome_set / "z2.ome.tif"]


def test_no_file_of_a_set_is_overwritten(upscale: Shell, ome_set: Path) -> None:
    before = (ome_set / "z2.ome.tif").read_bytes()
    result = upscale(ome_set / "z0.ome.tif", ome_set / "z2.ome.tif", "--overwrite")
    assert result.exit_code == 1
    assert "would overwrite the input" in result.stderr
    assert (ome_set / "z2.ome.tif").read_bytes() == before
