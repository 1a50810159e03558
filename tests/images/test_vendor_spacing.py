"""Pixel sizes of microscopes and slide scanners, and TIFF under their endings."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_srgan import UserError
from napari_srgan.images.formats import open_image, open_output
from napari_srgan.images.spacing import Spacing
from napari_srgan.images.tiff.vendor_spacing import vendor_spacings
from napari_srgan.images.writing.output import NewFile

PLANE = np.random.default_rng(0).integers(0, 255, (40, 48), dtype=np.uint8)
SEM = "\r\n\r\nAP_IMAGE_PIXEL_SIZE\r\nImage Pixel Size = 5.5 nm\r\n"
WRITTEN: dict[str, tuple[str, dict[str, Any], Spacing]] = {
    "Aperio": (
        "x.svs",
        {"description": "Aperio Image v1\r\n48x40|AppMag = 20|MPP = 0.2527"},
        Spacing(0.2527, "micrometer"),
    ),
    "Aperio in a .tif": (
        "x.tif",
        {"description": "Aperio Image v1|MPP = 0.5|Left = 1"},
        Spacing(0.5, "micrometer"),
    ),
    "Zeiss SEM": (
        "x.tif",
        {"extratags": [(34118, 2, None, SEM, True)]},
        Spacing(5.5, "nanometer"),
    ),
    "FEI": (
        "x.tif",
        {"extratags": [(34682, 2, None, "[Scan]\r\nPixelWidth=2e-09\r\nPixelHeight=2e-09\r\n", True)]},
        Spacing(0.002, "micrometer"),
    ),
    "nothing told": ("x.svs", {"description": "Aperio Image v1|AppMag = 20"}, Spacing()),
    "nonsense told": ("x.svs", {"description": "Aperio Image v1|MPP = about a half"}, Spacing()),
    "nothing big": ("x.btf", {"bigtiff": True}, Spacing()),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITTEN)
def test_pixel_sizes_are_those_of_the_maker(tmp_path: Path, kind: str) -> None:
    name, options, expected = WRITTEN[kind]
    tifffile.imwrite(tmp_path / name, PLANE, metadata=None, **options)
    with open_image(tmp_path / name) as image:
        np.testing.assert_array_equal(image.data[:], PLANE)
        for spacing in image.spacings:
            assert spacing.size == pytest.approx(expected.size)
            assert spacing.unit == expected.unit


def said(**metadata: Any) -> Any:
    kinds = {f"is_{kind}": f"{kind}_metadata" in metadata for kind in ("svs", "lsm", "stk", "fei", "sem")}
    return SimpleNamespace(**kinds, **metadata)


def test_lsm_and_stk() -> None:
    lsm = {"VoxelSizeX": 1e-7, "VoxelSizeY": 2e-7, "VoxelSizeZ": 5e-7, "TimeIntervall": 0.0}
    found = vendor_spacings(said(lsm_metadata=lsm))
    assert {letter: round(one.size, 9) for letter, one in found.items()} == {"X": 0.1, "Y": 0.2, "Z": 0.5}
    stk = {"XCalibration": 0.16, "YCalibration": 0.16, "CalibrationUnits": "um", "ZDistance": np.full(5, 0.3)}
    assert vendor_spacings(said(stk_metadata=stk)) == {
        "X": Spacing(0.16, "micrometer"), "Y": Spacing(0.16, "micrometer"), "Z": Spacing(0.3, "micrometer"),
    }  # fmt: skip
    assert vendor_spacings(said(stk_metadata=stk | {"CalibrationUnits": "pixel"})) == {}
    assert "Z" not in vendor_spacings(said(stk_metadata=stk | {"ZDistance": np.array([0.0, 0.1])}))


@pytest.mark.parametrize("name", ["x.svs", "x.lsm", "x.btf"])
def test_results_are_not_written_under_these_endings(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"is read, not written; write a \.ome\.tif"):
        open_output(NewFile(tmp_path / name, "YX"), PLANE.dtype)


@pytest.mark.parametrize(
    ("name", "words"), [("a.vsi", "Olympus VSI"), ("a.nrrd", "NRRD"), ("a.nii.gz", "NIfTI")]
)
def test_formats_that_are_not_read_are_named(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(
        UserError, match=rf"{name} is in the format {words}, which is not read here; convert it"
    ):
        open_image(tmp_path / name)
