"""What the shell says of images that are noisier than what a model was trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from napari_srgan.models import Model, TrainedInput, save_model

from .conftest import Shell

NOISY = np.random.default_rng(0).poisson(20 + np.arange(96), (96, 96)).astype(np.uint16)
SENTENCE = "clean was trained without noise and takes it for detail: choose microscopy-x2"


@pytest.fixture(autouse=True)
def models(tiny_model: Any, library_folder: Path) -> None:
    model = tiny_model()
    for name, made_for in (("clean", TrainedInput()), ("robust", TrainedInput(photons=(3, 300)))):
        card = model.card.model_copy(update={"name": name, "trained_input": made_for})
        save_model(Model(model.network, card), library_folder / f"{name}.safetensors")


@pytest.mark.parametrize("result", ["y.ome.tif", "y.ome.zarr"])
def test_it_is_said_beforehand_and_kept_with_the_result(shell: Shell, tmp_path: Path, result: str) -> None:
    tifffile.imwrite(tmp_path / "x.tif", NOISY)
    run = shell("upscale", tmp_path / "x.tif", tmp_path / result, "--model", "clean")
    assert run.exit_code == 0
    assert run.stderr.count(SENTENCE) == 1
    if result.endswith("zarr"):
        assert SENTENCE in json.dumps(dict(zarr.open(tmp_path / result).attrs))


def test_of_several_images_it_is_said_which(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    tifffile.imwrite(folder / "noisy.tif", NOISY)
    tifffile.imwrite(folder / "smooth.tif", np.tile(np.arange(96, dtype=np.uint16), (96, 1)))
    run = shell("upscale", folder, tmp_path / "out", "--model", "clean")
    assert run.exit_code == 0
    assert "noisy.tif: about " in run.stderr
    assert "smooth.tif:" not in run.stderr


def test_a_model_for_such_images_says_nothing(shell: Shell, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "x.tif", NOISY)
    run = shell("upscale", tmp_path / "x.tif", tmp_path / "y.tif", "--model", "robust")
    assert run.exit_code == 0
    assert "trained" not in run.stderr
