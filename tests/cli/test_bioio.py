"""Files of microscopes in the shell, read through a stand-in for bioio."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile

from napari_srgan.images.formats import open_image
from napari_srgan.images.spacing import Spacing

from .conftest import Shell

NOISE = np.random.default_rng(0).integers(0, 4000, (2, 32, 40), dtype=np.uint16)


@pytest.fixture
def folder(tmp_path: Path, stand_in: ModuleType) -> Path:
    """A folder with a file of two scenes, and one in a format that no reader reads."""
    made = tmp_path / "images"
    made.mkdir()
    with tifffile.TiffWriter(made / "a.nd2", ome=True) as file:
        for number in range(2):
            told = {"axes": "YX", "Name": f"well {number}", "PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25}
            file.write(NOISE[number], metadata=told)
    (made / "b.czi").write_bytes(b"x")
    return made


def test_scenes_and_folders(upscale: Shell, folder: Path, tmp_path: Path) -> None:
    result = upscale(folder, tmp_path / "out", "--series", "all")
    assert result.exit_code == 1
    assert {entry.name for entry in (tmp_path / "out").iterdir()} == {
        "a_0-well_0_x2.ome.tif", "a_1-well_1_x2.ome.tif",
    }  # fmt: skip
    assert "b.czi is in a format that cannot be read here; install what reads such files" in result.stderr
    with open_image(tmp_path / "out" / "a_1-well_1_x2.ome.tif") as image:
        assert image.spacings == (Spacing(0.125, "micrometer", -0.0625), Spacing(0.25, "micrometer", -0.125))
    first = upscale(folder / "a.nd2", tmp_path / "first.ome.zarr")
    assert first.exit_code == 0
    assert "a.nd2 holds 2 scenes; the first is taken (--series all takes all of them)" in first.stderr
