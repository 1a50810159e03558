"""Packages for bioimage.io, judged by bioimage.io's own software."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import numpy as np
import pytest
from bioimageio.core import test_model as run_its_test
from bioimageio.spec import InvalidDescr, load_model_description
from onnx import load_from_string

from napari_srgan.errors import UserError
from napari_srgan.models import Model, ModelCard, Quality, export_bioimageio
from napari_srgan.models.export.onnx_file import usage

# bioimage.io's software leaves the files open that it reads.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Nothing is asked of the network; files left open are closed before the next test."""
    asked: list[Any] = []
    monkeypatch.setattr(httpx, "request", lambda *given, **_: asked.append(given))
    monkeypatch.setattr(httpx, "stream", lambda *given, **_: asked.append(given))
    yield asked
    gc.collect()
    assert asked == []


def with_card(model: Model, **changes: Any) -> Model:
    return Model(model.network, model.card.model_copy(update=changes))


@pytest.mark.parametrize(
    "arguments",
    [
        {"scale_factor": 2, "channels": 1, "intensity": "percentile", "back_projection": True},
        {"scale_factor": 4, "channels": 3, "intensity": "byte"},
        {"scale_factor": 3, "channels": 2, "normalisation": "instance"},
        {"scale_factor": 1, "channels": 1},
    ],
    ids=["gray", "rgb", "instance norm", "same size"],
)
def test_the_package_passes_bioimageios_own_test(
    arguments: dict[str, Any], tiny_model: Any, tmp_path: Path
) -> None:
    """That test runs the ONNX file on the example, and on images of other sizes and batches."""
    model = tiny_model(**arguments)
    package = export_bioimageio(model, tmp_path / "model.zip")
    described = load_model_description(package)
    assert not isinstance(described, InvalidDescr)
    factor, channels = arguments["scale_factor"], arguments["channels"]
    with ZipFile(package) as file:
        given, expected = (np.load(file.open(f"test_{kind}.npy")) for kind in ("input", "output"))
    assert given.shape[:2] == expected.shape[:2] == (1, channels)
    assert expected.shape[2] == given.shape[2] * factor
    y = described.outputs[0].axes[2]
    assert y.scale == pytest.approx(1 / factor)
    if model.network.needs_plane_statistics:  # no halo would make tiles fit
        assert not hasattr(y, "halo")
    else:
        assert y.halo == factor * model.card.receptive_radius
    summary = run_its_test(package)
    assert summary.status == "passed", summary.format()


def test_the_page_tells_what_the_card_tells(tiny_model: Any, tmp_path: Path) -> None:
    model = with_card(
        tiny_model(),
        attribution=("cells: a friend, CC0-1.0",),
        trained="10 minutes on a laptop",
        quality=(Quality(images="held back", psnr=30.5, bicubic_psnr=29.25, protocol="range"),),
        citation="A. Friend (2024). Cells. doi:10.1234/cells.5",
        licence="CC-BY-4.0",
    )
    package = export_bioimageio(model, tmp_path / "model.zip")
    described = load_model_description(package)
    assert described.license == "CC-BY-4.0"
    assert [entry.doi for entry in described.cite] == ["10.1234/cells.5", "10.1109/CVPR.2017.19"]
    with ZipFile(package) as file:
        page = file.read("README.md").decode()
        graph = load_from_string(file.read("weights.onnx"))
    for part in (
        "cells: a friend, CC0-1.0",
        "10 minutes on a laptop",
        "| held back | 30.50 | 29.25 | +1.25 |",
        "doi:10.1234/cells.5",
        usage(model),
        "add the lower one to have quantities again",
    ):
        assert part in page
    card = next(entry.value for entry in graph.metadata_props if entry.key == "napari-srgan card")
    assert ModelCard.model_validate(json.loads(card)) == model.card


def test_a_model_that_leaves_the_size_is_no_super_resolution(tiny_model: Any, tmp_path: Path) -> None:
    figures = (Quality(images="held back", psnr=30.5, bicubic_psnr=25.5, protocol="range"),)
    model = with_card(tiny_model(scale_factor=1, name="denoiser"), quality=figures)
    package = export_bioimageio(model, tmp_path / "model.zip")
    described = load_model_description(package)
    assert described.name == "denoiser (denoising)"
    assert "denoising" in described.tags
    with ZipFile(package) as file:
        page = file.read("README.md").decode()
    assert page.startswith("# denoiser: denoises or deblurs, and leaves the size as it is")
    assert "| images | PSNR (dB) | input (dB) |" in page
    assert "bicubic" not in page


def test_a_model_without_a_clear_licence_is_refused(tiny_model: Any, tmp_path: Path) -> None:
    model = with_card(tiny_model(), licence="ask the author")
    with pytest.raises(UserError, match=r"licence of tiny is 'ask the author'.*spdx\.org"):
        export_bioimageio(model, tmp_path / "model.zip")
    assert not (tmp_path / "model.zip").exists()


def test_what_bioimageio_does_not_take_is_told(tiny_model: Any, tmp_path: Path) -> None:
    model = with_card(tiny_model(), description="long " * 300)
    with pytest.raises(UserError, match=r"tiny does not pass the validation of bioimage\.io: .*description"):
        export_bioimageio(model, tmp_path / "model.zip")
    assert list(tmp_path.iterdir()) == [tmp_path / "user-models"]


def test_other_endings_are_refused(tiny_model: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ends in \.zip, 'model\.tar' does not"):
        export_bioimageio(tiny_model(), tmp_path / "model.tar")
