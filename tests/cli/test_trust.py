"""``napari-srgan upscale --trust``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from .conftest import Shell

IMAGE = np.random.default_rng(0).integers(100, 4000, (72, 64), dtype=np.uint16)


@pytest.mark.parametrize("name", ["out.tif", "out.ome.tif", "out.ome.zarr", "out.png"])
def test_a_report_lies_beside_the_result(upscale: Shell, tmp_path: Path, name: str) -> None:
    tifffile.imwrite(tmp_path / "in.tif", IMAGE)
    done = upscale("--trust", tmp_path / "in.tif", tmp_path / name)
    assert done.exit_code == 0, done.output
    assert "There is no error map" in done.output
    told = json.loads((tmp_path / f"{name}.trust.json").read_text(encoding="utf-8"))
    assert told["model"] == "tiny"
    assert told["channels"][0]["contrast"] > 0
    methods = (tmp_path / f"{name}.trust.md").read_text(encoding="utf-8")
    assert "## Methods" in methods
    assert "Settings: device cpu, precision float32" in methods  # what was done, not what was asked for
    assert "- [x] Intensities: " in methods


def test_reports_of_several_stand_below_their_files(upscale: Shell, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a.tif", "b.tif"):
        tifffile.imwrite(tmp_path / "in" / name, IMAGE)
    done = upscale("--trust", tmp_path / "in", tmp_path / "out")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    named = [at for at, line in enumerate(lines) if " -> " in line]
    told = [at for at, line in enumerate(lines) if "There is no error map" in line]
    assert len(named) == len(told) == 2
    assert named[0] < told[0] < named[1] < told[1]


def test_a_region_is_looked_at_where_it_lies(upscale: Shell, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", IMAGE)
    done = upscale("--trust", "--region", "4:68,0:60", tmp_path / "in.tif", tmp_path / "out.tif")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out.tif.trust.json").exists()


def test_a_report_that_cannot_be_made_costs_no_result(upscale: Shell, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", IMAGE)
    (tmp_path / "out.tif.trust.json").mkdir()
    done = upscale("--trust", tmp_path / "in.tif", tmp_path / "out.tif")
    assert done.exit_code == 1
    assert "out.tif.trust.json" in done.output
    assert tifffile.imread(tmp_path / "out.tif").shape == (144, 128)
