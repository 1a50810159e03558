"""What a file tells beside its pixels is in the result, in the words of its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import tifffile
import zarr

from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing

from .conftest import Shell

GRAY = (np.indices((40, 48)).sum(0) * 20).astype("u2")
STACK = np.stack([GRAY] * 3)
NANOMETERS = {
    "PhysicalSizeX": 130.0,
    "PhysicalSizeXUnit": "nm",
    "PhysicalSizeY": 130.0,
    "PhysicalSizeYUnit": "nm",
}
DEPTH = {"axes": "ZYX", "PhysicalSizeZ": 0.5, "PhysicalSizeZUnit": "µm"}


@pytest.fixture
def up(upscale: Shell, tmp_path: Path) -> Any:
    """Write an image with tifffile, upscale it, and give the path of the result and what was said."""

    def run(target: str, pixels: Any = GRAY, source: str = "i.tif", **options: Any) -> tuple[Path, str]:
        tifffile.imwrite(tmp_path / source, pixels, **options)
        result = upscale(tmp_path / source, tmp_path / target)
        assert result.exit_code == 0, result.output
        return tmp_path / target, result.stderr

    return run


def tags(path: Path) -> tuple[float, int]:
    """Pixels along X in one unit of the resolution tags, and that unit."""
    with tifffile.TiffFile(path) as file:
        found = file.pages[0].tags
        across, per = found.valueof("XResolution")
        return across / per, int(found.valueof("ResolutionUnit"))


def imagej(path: Path) -> dict[str, Any]:
    with tifffile.TiffFile(path) as file:
        return dict(file.imagej_metadata)


def ome(path: Path) -> ElementTree.Element:
    with tifffile.TiffFile(path) as file:
        pixels = ElementTree.fromstring(file.ome_metadata).find(".//{*}Pixels")
    assert pixels is not None
    return pixels


def spacings(path: Path) -> tuple[Spacing, ...]:
    with open_image(path) as image:
        return image.spacings


def test_imagej_has_all_lengths_in_one_unit(up: Any) -> None:
    path, _ = up("o.tif", STACK, "i.ome.tif", metadata=NANOMETERS | DEPTH)
    told = imagej(path)
    assert (told["unit"], told["spacing"]) == ("nm", 500)
    assert [spacing.size for spacing in spacings(path)] == [500, 65, 65]


def test_imagej_has_y_in_the_unit_of_x(up: Any) -> None:
    mixed = NANOMETERS | {"PhysicalSizeX": 0.13, "PhysicalSizeXUnit": "µm"}
    path, _ = up("o.tif", source="i.ome.tif", metadata=mixed)
    assert imagej(path)["unit"] == "um"
    assert [(spacing.size, spacing.unit) for spacing in spacings(path)] == [(0.065, "micrometer")] * 2


def test_what_cannot_be_in_the_unit_of_x_says_so(up: Any) -> None:
    path, _ = up("o.tif", STACK, "i.ome.tif", metadata=DEPTH)
    assert spacings(path) == (Spacing(0.5, "micrometer"), Spacing(), Spacing())


OTHER_TYPES = {
    "int16": (GRAY.astype("i2"), {}),
    "float64": (GRAY.astype("f8"), {}),
    "bool": (GRAY > 900, {}),
    "16 bits of colour": (np.stack([GRAY] * 3, -1), {"photometric": "rgb"}),
    "alpha": (np.stack([GRAY.astype("u1")] * 4, -1), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "unnamed stack": (STACK, {"metadata": None, "photometric": "minisblack"}),
    "int64": (GRAY.astype("i8"), {}),
}


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_every_tiff_has_its_pixel_size_where_all_programs_look(up: Any, name: str) -> None:
    pixels, options = OTHER_TYPES[name]
    path, _ = up("o.tif", pixels, resolution=(40000, 40000), resolutionunit="CENTIMETER", **options)
    assert tags(path) == pytest.approx((80000, 3))
    assert {spacing.size for spacing in spacings(path)[-3:] if spacing.unit} == {0.125}


def test_ome_tells_what_tags_cannot(up: Any) -> None:
    path, _ = up("o.tif", STACK.astype("i2"), "i.ome.tif", metadata=NANOMETERS | DEPTH)
    assert ome(path).get("PhysicalSizeZ") == "0.5"
    assert [(s.size, s.unit) for s in spacings(path)] == [(0.5, "micrometer")] + [(65, "nanometer")] * 2


def test_an_unnamed_axis_makes_valid_ome_zarr_and_keeps_its_unit(up: Any) -> None:
    from ome_zarr_models.v05 import Image as OmeImage

    path, _ = up("o.ome.zarr", STACK, metadata=None, photometric="minisblack")
    group = zarr.open_group(path, mode="r")
    OmeImage.from_zarr(group)
    assert group["0"].metadata.dimension_names == ("q", "y", "x")
    with open_image(path) as image:
        assert image.axes == "QYX"


@pytest.mark.parametrize("target", ["o.ome.tif", "o.tif", "o.ome.zarr"])
@pytest.mark.parametrize("unit", ["px", "a.u.", "micrometre", "\\u00C5", "Å", "µs"])
def test_units_are_known_ones_or_pixels(up: Any, unit: str, target: str) -> None:
    path, told = up(target, source="i.ome.tif", metadata=NANOMETERS | {"PhysicalSizeXUnit": unit})
    known = {"micrometre": "micrometer", "\\u00C5": "angstrom", "Å": "angstrom"}.get(unit)
    assert spacings(path)[-1].size == pytest.approx(65)
    assert spacings(path)[-1].unit == known
    assert ("no unit of length we know" in told) == (unit in ("a.u.", "µs"))
    if target == "o.ome.tif":
        short = {"micrometer": "µm", "angstrom": "Å", None: "pixel"}[known]
        assert ome(path).get("PhysicalSizeXUnit") == short


@pytest.mark.parametrize("unit", ["um", "microns"])
def test_units_of_ome_zarr_are_known_ones(upscale: Shell, tmp_path: Path, unit: str) -> None:
    group = zarr.create_group(tmp_path / "i.ome.zarr")
    group.create_array("0", data=GRAY, dimension_names=("y", "x"))
    scale = [{"type": "scale", "scale": [0.2, 0.1]}]
    image = {
        "axes": [{"name": name, "type": "space", "unit": unit} for name in "yx"],
        "datasets": [{"path": "0", "coordinateTransformations": scale}],
    }
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image]}
    assert upscale(tmp_path / "i.ome.zarr", tmp_path / "o.ome.tif").exit_code == 0
    assert ome(tmp_path / "o.ome.tif").get("PhysicalSizeXUnit") == "µm"


PRINTED = [
    (118.11, 3),
    (118, 3),
    (72, 2),
    (200, 2),
    (240, 2),
    (94, 3),
    (300, 2),
    (400, 2),
    (157, 3),
    (1200, 2),
]


@pytest.mark.parametrize(("resolution", "unit"), PRINTED)
def test_the_resolution_of_a_print_is_no_pixel_size(up: Any, resolution: float, unit: int) -> None:
    path, told = up("o.tif", resolution=(resolution, resolution), resolutionunit=unit)
    assert "dots per inch" in told
    assert "pixel size is unknown" in told
    assert spacings(path) == (Spacing(), Spacing())


def test_other_resolutions_are_pixel_sizes_and_coarse_ones_are_told(up: Any) -> None:
    path, told = up("o.tif", resolution=(500, 500), resolutionunit="CENTIMETER")
    assert "pixel size of 20 µm is taken from its resolution" in told
    assert spacings(path)[0].size == pytest.approx(10)
    assert up("p.tif", resolution=(40000, 40000), resolutionunit="CENTIMETER")[1] == ""


PLANES = {
    "PositionX": [1.0, 1.1], "PositionY": [2.0, 2.0], "PositionZ": [0.003, 0.004],
    "PositionXUnit": ["mm"] * 2, "PositionYUnit": ["mm"] * 2, "PositionZUnit": ["mm"] * 2,
    "DeltaT": [0, 1500], "DeltaTUnit": ["ms"] * 2,
    "ExposureTime": [50.0, 60.0], "ExposureTimeUnit": ["ms"] * 2,
}  # fmt: skip
MICROMETERS = {"PhysicalSizeX": 0.4, "PhysicalSizeY": 0.4}


def test_the_stage_is_where_it_was(up: Any) -> None:
    metadata = {"axes": "CYX", "Plane": PLANES} | MICROMETERS
    path, _ = up("o.ome.tif", STACK[:2], "i.ome.tif", photometric="minisblack", metadata=metadata)
    first, second = (dict(plane.attrib) for plane in ome(path).iterfind("{*}Plane"))
    assert [float(plane["PositionX"]) for plane in (first, second)] == pytest.approx([999.9, 1099.9])
    assert [float(plane["PositionZ"]) for plane in (first, second)] == pytest.approx([3, 4])
    assert first["PositionXUnit"] == first["PositionZUnit"] == "µm"
    assert float(first["PositionY"]) == pytest.approx(1999.9)
    assert (float(second["DeltaT"]), second["DeltaTUnit"]) == (1.5, "s")
    assert (float(second["ExposureTime"]), second["ExposureTimeUnit"]) == (0.06, "s")


def test_imagej_knows_where_pixels_lie(up: Any) -> None:
    metadata = {"axes": "ZYX", "Plane": PLANES} | MICROMETERS | DEPTH
    path, _ = up("o.tif", STACK[:2], "i.ome.tif", photometric="minisblack", metadata=metadata)
    # ImageJ's coordinates: (pixel - origin) * size.
    told = imagej(path)
    assert -told["xorigin"] * 0.2 == pytest.approx(999.9)
    assert -told["yorigin"] * 0.2 == pytest.approx(1999.9)
    assert [spacing.origin for spacing in spacings(path)] == pytest.approx([3, 1999.9, 999.9])


def test_numbers_of_a_stage_stay_as_they_are(up: Any) -> None:
    planes = {"PositionX": [7.5], "PositionY": [8.5], "PositionZ": [9.5]}
    path, _ = up("o.ome.tif", source="i.ome.tif", metadata={"Plane": planes} | MICROMETERS)
    plane = ome(path).find("{*}Plane")
    assert plane is not None
    assert [plane.get(f"Position{letter}") for letter in "XYZ"] == ["7.5", "8.5", "9.5"]
    assert plane.get("PositionXUnit") == "reference frame"


def test_large_tiffs_have_ome_too(up: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_srgan.images.tiff.write.IMAGEJ_LARGEST", 0)
    path, _ = up("o.tif", STACK, "i.ome.tif", metadata=NANOMETERS | DEPTH)
    assert ome(path).get("PhysicalSizeZUnit") == "µm"
    assert tags(path) == pytest.approx((1e7 / 65, 3))


def test_time_between_frames_is_in_seconds_for_imagej(up: Any) -> None:
    metadata = {"axes": "TYX", "TimeIncrement": 5.0, "TimeIncrementUnit": "µs"}
    path, _ = up("o.tif", STACK, "i.ome.tif", metadata=metadata)
    assert imagej(path)["finterval"] == 5e-6
    assert spacings(path)[0] == Spacing(5e-6, "second")


def test_an_image_without_a_pixel_size_is_given_none(up: Any) -> None:
    path, _ = up("o.ome.tif")
    assert ome(path).get("PhysicalSizeX") is None
    assert ome(path).find("{*}Plane") is None
    path, _ = up("o.tif")
    assert "unit" not in imagej(path)
    assert tags(path)[0] == 1


@pytest.mark.parametrize("command", ["upscale nosuch.tif b.tif", "fine-tune --high nosuch.tif --out m.bin"])
def test_a_missing_input_is_told_before_torch_is_imported(tmp_path: Path, command: str) -> None:
    import subprocess
    import sys

    program = (
        "import sys\n"
        "from napari_srgan.cli import app\n"
        f"try:\n    app({command.split()})\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["1", "False"]
    assert "there is no file nosuch.tif" in done.stderr


CHANNELS = {
    "Name": ["DAPI", "GFP"],
    "Color": [0x0000FFFF, 0x00FF00FF],
    "EmissionWavelength": [461.0, 0.509],
    "EmissionWavelengthUnit": ["nm", "µm"],
    "ExcitationWavelength": [358.0, 488.0],
}


@pytest.mark.parametrize("target", ["o.ome.tif", "o.tif", "o.ome.zarr", "o.zarr"])
def test_channels_keep_names_colours_and_wavelengths(up: Any, target: str) -> None:
    metadata = {"axes": "CYX", "Name": "cells", "Channel": CHANNELS, "Plane": PLANES} | MICROMETERS
    path, _ = up(target, STACK[:2], "i.ome.tif", photometric="minisblack", metadata=metadata)
    with open_image(path) as image:
        look = image.look
    assert look.name == "cells"
    assert [channel.name for channel in look.channels] == ["DAPI", "GFP"]
    assert [channel.colour for channel in look.channels] == ["0000FF", "00FF00"]
    assert [channel.emission for channel in look.channels] == [461, 509]
    assert [channel.excitation for channel in look.channels] == [358, 488]
    assert [plane.time for plane in look.planes] == [0, 1.5]
    assert [plane.exposure for plane in look.planes] == [0.05, 0.06]


def test_each_format_tells_looks_in_its_own_words(up: Any) -> None:
    options = {"photometric": "minisblack", "metadata": {"axes": "CYX", "Channel": CHANNELS}}
    path, _ = up("o.ome.tif", STACK[:2], "i.ome.tif", **options)
    first, second = ome(path).iterfind("{*}Channel")
    assert (first.get("Name"), second.get("Name")) == ("DAPI", "GFP")
    assert (first.get("Color"), second.get("Color")) == (str(0x0000FFFF), str(0x00FF00FF))
    assert (second.get("EmissionWavelength"), second.get("EmissionWavelengthUnit")) == ("509.0", "nm")

    told = imagej(up("o.tif", STACK[:2], "i.ome.tif", **options)[0])
    assert told["Labels"] == ["DAPI", "GFP"]
    assert told["mode"] == "composite"
    assert [lut[:, 255].tolist() for lut in told["LUTs"]] == [[0, 0, 255], [0, 255, 0]]

    path, _ = up("o.ome.zarr", STACK[:2], "i.ome.tif", **options)
    channels = zarr.open_group(path, mode="r").attrs["ome"]["omero"]["channels"]
    assert [(one["label"], one["color"]) for one in channels] == [("DAPI", "0000FF"), ("GFP", "00FF00")]
    assert [one["emissionWave"] for one in channels] == [461, 509]


def test_rendering_settings_of_ome_zarr_are_kept(upscale: Shell, tmp_path: Path) -> None:
    group = zarr.create_group(tmp_path / "i.ome.zarr")
    group.create_array("0", data=STACK[:2], dimension_names=("c", "y", "x"))
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    scale = [{"type": "scale", "scale": [1, 0.2, 0.1]}]
    image = {"name": "cells", "axes": axes, "datasets": [{"path": "0", "coordinateTransformations": scale}]}
    channels = [
        {"label": "DAPI", "color": "0000ff", "active": True, "window": {"start": 5, "end": 900}},
        {"label": "GFP", "color": "00ff00", "active": False, "window": {"start": 7, "end": "?"}},
    ]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [image], "omero": {"channels": channels}}
    for target in ("o.ome.tif", "o.tif", "o.ome.zarr", "o.zarr"):
        assert upscale(tmp_path / "i.ome.zarr", tmp_path / target).exit_code == 0
        with open_image(tmp_path / target) as opened:
            look = opened.look
        assert look.name == "cells"
        assert [channel.name for channel in look.channels] == ["DAPI", "GFP"]
        assert [channel.colour for channel in look.channels] == ["0000FF", "00FF00"]
        assert [channel.visible for channel in look.channels] == [True, False]
        assert look.channels[0].limits == (5, 900)


FIRE = np.random.default_rng(3).integers(0, 256, (3, 256)).astype("u1")


@pytest.mark.parametrize("target", ["o.ome.tif", "o.tif", "o.ome.zarr", "o.zarr"])
def test_looks_of_imagej_are_kept(up: Any, target: str) -> None:
    green = np.stack([np.zeros(256), np.arange(256), np.zeros(256)]).astype("u1")
    metadata = {
        "axes": "CYX", "mode": "color", "LUTs": [FIRE, green], "Ranges": (10.0, 500.0, 20.0, 900.0),
        "Labels": ["c:1/2 - actin", "c:2/2 - tubulin"],
    }  # fmt: skip
    path, _ = up(target, STACK[:2], imagej=True, metadata=metadata)
    with open_image(path) as image:
        actin, tubulin = image.look.channels
        assert image.look.mode == "color"
    assert (actin.name, tubulin.name) == ("actin", "tubulin")
    assert (actin.limits, tubulin.limits) == ((10, 500), (20, 900))
    assert tubulin.colour == "00FF00"
    assert actin.table == FIRE.T.tobytes()
    if target == "o.ome.zarr":  # which knows one colour for each channel
        windows = [one["window"] for one in zarr.open_group(path, mode="r").attrs["ome"]["omero"]["channels"]]
        assert [(one["start"], one["end"]) for one in windows] == [(10, 500), (20, 900)]


@pytest.mark.parametrize("target", ["o.ome.tif", "o.tif", "o.ome.zarr", "o.zarr"])
@pytest.mark.parametrize("axes", ["YX", "ZYX"])
def test_one_channel_keeps_all_that_is_known(up: Any, axes: str, target: str) -> None:
    channel = {name: values[1:] for name, values in CHANNELS.items()}
    planes = {name: values[: len(axes) - 1] for name, values in PLANES.items()}
    metadata = {"axes": axes, "Channel": channel, "Plane": planes} | MICROMETERS
    pixels = GRAY if axes == "YX" else STACK[:2]
    path, _ = up(target, pixels, "i.ome.tif", photometric="minisblack", metadata=metadata)
    with open_image(path) as image:
        look = image.look
    (gfp,) = look.channels
    assert (gfp.name, gfp.colour, gfp.emission, gfp.excitation) == ("GFP", "00FF00", 509, 488)
    assert [plane.time for plane in look.planes] == [0, 1.5][: len(axes) - 1]
    assert [plane.exposure for plane in look.planes] == [0.05, 0.06][: len(axes) - 1]
    assert [plane.position[0] for plane in look.planes] == pytest.approx([3, 4][: len(axes) - 1])


@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("target", ["o.ome.tif", "o.tif", "o.ome.zarr"])
def test_one_channel_in_colours_of_imagej(up: Any, target: str, dtype: str) -> None:
    options = {"imagej": True, "metadata": {"LUTs": [FIRE], "min": 5, "max": 70}}
    path, _ = up(target, (GRAY / 20).astype(dtype), **options)
    with open_image(path) as image:
        assert image.look.channels[0].table == FIRE.T.tobytes()
        assert image.look.channels[0].limits == (5, 70)


def test_colour_tables_are_kept(up: Any) -> None:
    green = np.stack([np.zeros(256), np.arange(256), np.zeros(256)]).astype("u2") * 257
    options = {"photometric": "palette", "colormap": green}
    path, _ = up("o.tif", GRAY.astype("u1"), **options)
    with tifffile.TiffFile(path) as file:
        assert file.pages[0].photometric == tifffile.PHOTOMETRIC.PALETTE
        np.testing.assert_array_equal(file.pages[0].colormap, green)
    path, _ = up("o.ome.tif", GRAY.astype("u1"), **options)
    channel = ome(path).find("{*}Channel")
    assert channel is not None
    assert channel.get("Color") == str(0x00FF00FF)


def test_labels_of_slices_are_kept(up: Any) -> None:
    labels = ["bottom", "middle", "top"]
    path, _ = up(
        "o.tif", STACK, imagej=True, metadata={"axes": "ZYX", "Labels": labels, "min": 5, "max": 700}
    )
    assert imagej(path)["Labels"] == labels
    assert (imagej(path)["min"], imagej(path)["max"]) == (5, 700)


def test_levels_are_made_on_request(upscale: Shell, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", np.arange(40 * 48, dtype=np.uint16).reshape(40, 48))
    for option, levels in (("--pyramid", 2), ("--no-pyramid", 1)):
        done = upscale(tmp_path / "in.tif", tmp_path / "out.ome.tif", option, "--overwrite")
        assert done.exit_code == 0
        with tifffile.TiffFile(tmp_path / "out.ome.tif") as file:
            assert len(file.series[0].levels) == levels
    refused = upscale(tmp_path / "in.tif", tmp_path / "out.tif", "--pyramid")
    assert (refused.exit_code, "a pyramid is written to .ome.tif" in refused.stderr) == (1, True)
    assert upscale(tmp_path / "in.tif", tmp_path / "out.ome.zarr", "--pyramid").exit_code == 0
    refused = upscale(tmp_path / "in.tif", tmp_path / "more.ome.zarr", "--no-pyramid")
    assert (refused.exit_code, "always has a pyramid" in refused.stderr) == (1, True)


def test_an_axis_without_a_name_is_told_where_it_is_written_as_time(upscale: Shell, tmp_path: Path) -> None:
    stack = np.zeros((3, 40, 48), np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", stack, metadata=None, photometric="minisblack")
    told = upscale(tmp_path / "in.tif", tmp_path / "out.ome.tif")
    assert "an axis without a name is written as T" in told.stderr
    assert "written as" not in upscale(tmp_path / "in.tif", tmp_path / "b.ome.tif", "--axes", "ZYX").stderr
