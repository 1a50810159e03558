"""OME-TIFF with coarser levels, as other programs read it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_srgan.errors import UserError
from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.tiff import pyramid as tiff_pyramid
from napari_srgan.images.tiff.pyramid import level_shapes
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.writing import scratch_output
from napari_srgan.images.writing.output import NewFile
from napari_srgan.images.writing.pyramid import halve

from .conftest import PROVENANCE, Write, random_pixels

RESOLUTION, SUB_IFDS, SUBFILE = 282, 330, 254


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Levels as of images that are sixteen times as large."""
    monkeypatch.setattr(tiff_pyramid, "LARGE", 256)
    monkeypatch.setattr(tiff_pyramid, "COARSEST", 32)


CASES = [
    ("YX", (70, 50), "uint8"), ("CYX", (2, 70, 51), "uint16"), ("TZYX", (2, 3, 33, 65), "float32"),
    ("YXS", (70, 50, 3), "uint8"), ("ZYXS", (2, 70, 50, 4), "uint8"), ("TYX", (2, 70, 50), "bool"),
]  # fmt: skip


@pytest.mark.parametrize(("axes", "shape", "dtype"), CASES)
@pytest.mark.usefixtures("small")
def test_levels_as_tifffile_and_we_read_them(write: Write, axes: str, shape: Any, dtype: str) -> None:
    data = random_pixels(shape, dtype)
    spacings = tuple(Spacing(0.5, "micrometer", 3.0) if letter in "YX" else Spacing() for letter in axes)
    path = write("x.ome.tif", data, axes, spacings, pyramid=True)
    y = axes.index("Y")
    expected = [data]
    while max(expected[-1].shape[y : y + 2]) > 32:
        expected.append(halve(expected[-1], (y, y + 1)))
    with tifffile.TiffFile(path) as file:
        (series,) = file.series
        assert series.kind == "ome"
        assert [level.shape for level in series.levels] == [level.shape for level in expected]
        for level, pixels in zip(series.levels, expected, strict=True):
            np.testing.assert_array_equal(level.asarray(), pixels)
    with tifffile.TiffFile(path, is_ome=False) as file:
        # The directories of the file are those without a pyramid: who knows no levels sees the image.
        assert len(file.pages) == int(np.prod(shape[:y]))
        for page in file.pages:
            assert len(page.tags[SUB_IFDS].value) == len(expected) - 1
            assert {sub.tags[SUBFILE].value for sub in page.pages} == {1}
    np.testing.assert_array_equal(tifffile.imread(path), data)
    with open_image(path) as image:
        assert (image.axes, image.spacings) == (axes, spacings)
        np.testing.assert_array_equal(image.data[:], data)
        assert len(image.coarser) == len(expected) - 1
        for level, pixels in zip(image.coarser, expected[1:], strict=True):
            np.testing.assert_array_equal(level[:], pixels)


def test_pixels_of_coarser_levels_are_larger(write: Write) -> None:
    spacings = (Spacing(0.5, "micrometer"), Spacing(0.25, "micrometer"))
    path = write("x.ome.tif", random_pixels((70, 50), "uint8"), "YX", spacings, pyramid=True)
    with tifffile.TiffFile(path) as file:
        fine, coarse = (level.keyframe for level in file.series[0].levels)
        for page, per_centimetre in ((fine, 40_000), (coarse, 20_000)):
            above, below = page.tags[RESOLUTION].value
            assert above / below == pytest.approx(per_centimetre)


def test_large_planes_have_one_and_others_not(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_pyramid, "LARGE", 64)
    for side, name, levels in ((64, "a.ome.tif", 1), (65, "b.ome.tif", 2), (65, "c.tif", 1)):
        data = random_pixels((3, side, 20), "uint8")
        with tifffile.TiffFile(write(name, data, "ZYX")) as file:
            assert len(file.series[0].levels) == levels
    path = write("d.ome.tif", random_pixels((65, 20), "uint8"), "YX", pyramid=False)
    with tifffile.TiffFile(path) as file:
        assert len(file.series[0].levels) == 1


def test_shapes_of_levels() -> None:
    assert level_shapes((4096, 4096), 0) == []
    assert level_shapes((2, 5000, 100), 1) == [(2, 2500, 50), (2, 1250, 25), (2, 625, 13), (2, 313, 7)]
    assert level_shapes((5000, 5000, 3), 0, wanted=False) == []
    assert level_shapes((80, 60), 0, wanted=True) == [(40, 30)]
    assert level_shapes((1, 1), 0, wanted=True) == []


def test_levels_wait_on_disk_where_memory_is_short(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch_output, "MEMORY_SHARE", 0.0)
    data = random_pixels((70, 50), "uint16")
    path = write("x.ome.tif", data, "YX", pyramid=True)
    with open_image(path) as image:
        np.testing.assert_array_equal(image.coarser[0][:], halve(data, (0, 1)))
    assert {entry.name for entry in tmp_path.iterdir()} == {"x.ome.tif", "user-models"}


def test_room_for_the_levels_is_looked_at_before_the_first_tile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(scratch_output, "MEMORY_SHARE", 0.0)
    size = 64 * 64 + 32 * 32
    for free, fits in ((size - 1, False), (size, True)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        with open_output(NewFile(tmp_path / "x.ome.tif", "YX", pyramid=True), np.dtype("uint8")) as output:
            if fits:
                output((64, 64), np.dtype("uint8"))
            else:
                with pytest.raises(UserError, match="there is no room"):
                    output((64, 64), np.dtype("uint8"))


@pytest.mark.parametrize(("name", "wanted"), [("x.tif", True), ("x.png", True), ("x.tif", False)])
def test_formats_without_levels(tmp_path: Path, name: str, wanted: bool) -> None:
    if not wanted:  # it is without them in any case
        open_output(NewFile(tmp_path / name, "YX", pyramid=False), np.dtype("uint8")).discard()
        return
    with pytest.raises(UserError, match=r"a pyramid is written to \.ome\.tif or \.ome\.zarr, not to 'x"):
        open_output(NewFile(tmp_path / name, "YX", pyramid=True), np.dtype("uint8"))


@pytest.mark.parametrize(("wanted", "levels"), [(None, 5), (False, 1)])
@pytest.mark.usefixtures("small")
def test_a_tif_that_tells_as_ome_does_has_levels_unless_they_are_not_wanted(
    write: Write, wanted: bool | None, levels: int
) -> None:
    seconds = (Spacing(1.5, "second"), Spacing(), Spacing())  # which no tag of a TIFF can tell
    path = write("x.tif", random_pixels((2, 260, 40), "int16"), "TYX", seconds, pyramid=wanted)
    with tifffile.TiffFile(path) as file:
        assert (file.series[0].kind, len(file.series[0].levels)) == ("ome", levels)


def test_napari_opens_the_finest_level(write: Write, make_napari_viewer: Callable[[], Any]) -> None:
    data = random_pixels((3, 70, 50), "uint16")
    path = write("x.ome.tif", data, "ZYX", pyramid=True)
    viewer = make_napari_viewer()
    (layer,) = viewer.open(path, plugin="napari")
    np.testing.assert_array_equal(layer.data, data)


# --- Axes without names ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ("QYX", "an axis without a name is written as T, .* e.g. ZYX \\(in a shell: --axes ZYX\\)"),
        ("TQYX", "an axis without a name is written as Z, .* e.g. TZYX \\(in a shell: --axes TZYX\\)"),
        ("QQYX", "axes without names are written as T and Z, .* e.g. ZTYX \\(in a shell: --axes ZTYX\\)"),
        ("ZYX", ""),
    ],
)
def test_axes_without_names_are_told(tmp_path: Path, axes: str, said: str) -> None:
    data = random_pixels((2,) * (len(axes) - 2) + (20, 20), "uint8")
    for name in ("x.ome.tif", "y.tif"):
        with open_output(NewFile(tmp_path / name, axes), data.dtype) as output:
            output.finish(Upscaled(data, axes, ((0, 20), (0, 20)), PROVENANCE))
        assert re.fullmatch(said if name == "x.ome.tif" else "", output.note)
