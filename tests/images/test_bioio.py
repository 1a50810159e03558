"""Files of microscopes through bioio: a stand-in with its interface, and itself where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_srgan.errors import UserError
from napari_srgan.images.arrays import UnreadablePart
from napari_srgan.images.formats import open_image
from napari_srgan.images.microscopes import read as bioio_read
from napari_srgan.images.microscopes.package import what_to_install
from napari_srgan.images.microscopes.read import bioio_scenes, open_bioio
from napari_srgan.images.series import series_of
from napari_srgan.images.spacing import Spacing

from .conftest import random_pixels

FILES = {"stand-in": "x.nd2"} | ({"installed": "x.ome.tif"} if find_spec("bioio_ome_tiff") else {})
"""Names of the files that are read by the one and by the other."""
PIXELS = random_pixels((3, 2, 4, 20, 24), "uint16")
SIZES = {
    "PhysicalSizeX": 130.0, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm",
    "PhysicalSizeZ": 0.5, "PhysicalSizeZUnit": "µm", "TimeIncrement": 2.0, "TimeIncrementUnit": "s",
}  # fmt: skip


@pytest.fixture(params=FILES)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Two scenes with all five axes, and a third that is one plane."""
    if request.param == "stand-in":
        request.getfixturevalue("stand_in")
    return scenes(tmp_path / FILES[request.param])


def scenes(path: Path) -> Path:
    with tifffile.TiffWriter(path, ome=True) as writer:
        for number in range(2):
            told = {"axes": "TCZYX", "Name": f"well {number}", "Channel": {"Name": ["DAPI", "GFP"]}}
            writer.write(PIXELS + number, metadata=told | SIZES, photometric="minisblack")
        writer.write(PIXELS[0, 0, 0], metadata={"axes": "YX", "Name": "overview"})
    return path


def test_pixels_sizes_and_names_are_carried_over(file: Path) -> None:
    for number in range(2):
        with open_bioio(file, str(number)) as image:
            assert image.axes == "TCZYX"
            np.testing.assert_array_equal(image.data[:], PIXELS + number)
            assert image.spacings[0] == Spacing(2.0, "second")
            for at, size, unit in ((2, 0.5, "micrometer"), (3, 0.25, "micrometer"), (4, 130, "nanometer")):
                assert image.spacings[at] == Spacing(size, unit)
            assert [channel.name for channel in image.look.channels] == ["DAPI", "GFP"]
            assert image.look.name == f"well {number}"
            assert (image.part, image.note) == (str(number), "")


def test_axes_of_one_pixel_are_none(file: Path) -> None:
    with open_bioio(file, "2") as image:
        assert (image.axes, image.data.shape, image.spacings) == ("YX", (20, 24), (Spacing(),) * 2)
        np.testing.assert_array_equal(image.data[:], PIXELS[0, 0, 0])


def test_scenes_are_those_of_the_file(file: Path) -> None:
    found = bioio_scenes(file)
    assert [number for number, _ in found] == ["0", "1", "2"]
    with open_bioio(file) as image:
        np.testing.assert_array_equal(image.data[1, 1, 1], PIXELS[1, 1, 1])
        assert (
            image.note == f"{file.name} holds 3 scenes; the first is taken (--series all takes all of them)"
        )
    for wrong in ("3", "-1", "x"):
        with pytest.raises(UserError, match=f"no scene {wrong} in {file.name}; it has 3"):
            open_bioio(file, wrong)


def test_colours(tmp_path: Path, stand_in: ModuleType) -> None:
    colours = random_pixels((20, 24, 3), "uint8")
    tifffile.imwrite(tmp_path / "x.nd2", colours, ome=True, photometric="rgb", metadata={"axes": "YXS"})
    with open_image(tmp_path / "x.nd2") as image:
        assert image.axes == "YXS"
        np.testing.assert_array_equal(image.data[:], colours)


def test_nothing_is_read_that_is_not_asked_for(tmp_path: Path, stand_in: Any) -> None:
    path = scenes(tmp_path / "x.nd2")
    with open_image(path, None, "1") as image:
        assert stand_in.READ == []
        np.testing.assert_array_equal(image.data[2, 1, 3, 4:9, 3:7], PIXELS[2, 1, 3, 4:9, 3:7] + 1)
        assert stand_in.READ == [(1, (2, 1, 3))]


def test_each_scene_has_a_result_of_its_own(tmp_path: Path, stand_in: ModuleType) -> None:
    found = series_of(scenes(tmp_path / "x.nd2"), "all")
    assert [one.result_name(2, ".ome.tif") for one in found] == [
        "x_0-well_0_x2.ome.tif", "x_1-well_1_x2.ome.tif", "x_2-overview_x2.ome.tif",
    ]  # fmt: skip
    (one,) = series_of(tmp_path / "x.nd2", "overview")
    with open_image(one.place, None, one.part) as image:
        assert (image.axes, image.ending) == ("YX", ".ome.tif")


def test_our_own_readers_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What we read ourselves is the same with bioio and without."""
    from napari_srgan.images import formats

    def never(*_: object) -> bool:
        raise AssertionError("bioio was asked")

    monkeypatch.setattr(formats, "readable_by_bioio", never)
    tifffile.imwrite(tmp_path / "x.tif", PIXELS[0, 0, 0])
    with open_image(tmp_path / "x.tif") as image:
        assert image.data.shape == (20, 24)


# --- What cannot be read -----------------------------------------------------------------------


@pytest.mark.usefixtures("without_bioio")
def test_without_bioio_the_extra_is_named(tmp_path: Path) -> None:
    extra = 'pip install "napari-srgan[bioio]"'
    needs = f"which is not read here; install what reads such files: {extra}; or convert it"
    for name, words in (
        (
            "a.nd2",
            f"Nikon ND2, {needs}",
        ),
        (
            "a.lif",
            f"Leica LIF, {needs}",
        ),
        ("a.czi", f"{extra} bioio-czi (bioio-czi is under the GPL); or convert it to OME-TIFF"),
        ("a.vsi", "bfconvert or bioformats2raw, or install a reader of bioio"),
    ):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(UserError) as caught:
            open_image(tmp_path / name)
        assert words in str(caught.value)
    assert what_to_install(Path("a.dat")) == ""
    with pytest.raises(UserError, match=r"bioio cannot be imported .*napari-srgan\[bioio\]"):
        open_bioio(tmp_path / "a.nd2")


def test_a_format_that_the_readers_lack_is_named_too(tmp_path: Path, stand_in: ModuleType) -> None:
    (tmp_path / "a.czi").write_bytes(b"x")
    with pytest.raises(UserError, match=r"Zeiss CZI, .*bioio-czi is under the GPL"):
        open_image(tmp_path / "a.czi")


def test_no_such_file_inside(tmp_path: Path, stand_in: ModuleType) -> None:
    (tmp_path / "x.nd2").write_bytes(b"nothing of the kind")
    for look in (open_image, lambda path: series_of(path, "all")):
        with pytest.raises(UserError, match=r"no reader of bioio that is installed takes x\.nd2") as caught:
            look(tmp_path / "x.nd2")
        assert "\n" not in str(caught.value)


def test_a_reader_that_fails(tmp_path: Path, stand_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scenes(tmp_path / "x.nd2")
    with open_image(path) as image:
        whole = path.read_bytes()
        path.write_bytes(whole[:200])
        with pytest.raises(UnreadablePart, match=r"x\.nd2 is damaged or cut off"):
            image.data[:]
        with pytest.raises(UserError, match="has been changed while it was read"):
            image.still_there()
    path.write_bytes(whole)

    def fails(self: Any) -> None:
        raise KeyError("DimensionOrder")

    monkeypatch.setattr(stand_in.BioImage, "channel_names", property(fails))
    with pytest.raises(UserError, match=r"x\.nd2 cannot be read by bioio \('DimensionOrder'\)"):
        open_image(path)


def test_pieces_that_are_larger_than_memory(
    tmp_path: Path, stand_in: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scenes(tmp_path / "x.nd2")
    monkeypatch.setattr(bioio_read.limits, "free_memory", lambda: 100)
    with pytest.raises(UserError, match=r"x\.nd2 is read in pieces of .* convert it to OME-Zarr"):
        open_image(path)
