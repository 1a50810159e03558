"""What `napari_srgan.upscale` says of images that are noisier than what a model was trained on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.layers import Image

import napari_srgan as sr
from napari_srgan.models import Model, TrainedInput

NOISY = np.random.default_rng(0).poisson(5 + np.arange(96) / 4, (96, 96)).astype(np.uint16)
SMOOTH = np.tile(np.arange(96, dtype=np.uint16) ** 2, (96, 1))
SENTENCE = (
    "about .* photons, noise well above the detail; tiny was trained without noise and takes it for detail"
)


@pytest.fixture
def clean(tiny_model: Any) -> Model:
    model = tiny_model()
    return Model(model.network, model.card.model_copy(update={"trained_input": TrainedInput()}))


def test_it_is_a_warning_of_its_own_kind(clean: Model) -> None:
    with pytest.warns(sr.ImageWarning, match=SENTENCE) as caught:
        result = sr.upscale(NOISY, clean, progress=False)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert issubclass(sr.ImageWarning, UserWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sr.ImageWarning)
        np.testing.assert_array_equal(sr.upscale(NOISY, clean, progress=False), result)


@pytest.mark.parametrize("way", ["lazy", "store", "file"])
def test_it_is_said_in_every_way(clean: Model, way: str, tmp_path: Path) -> None:
    image: Any = NOISY
    options: dict[str, Any] = {"lazy": True} if way == "lazy" else {"out": tmp_path / "out.zarr"}
    if way == "file":
        tifffile.imwrite(tmp_path / "in.tif", NOISY)
        image = tmp_path / "in.tif"
    with pytest.warns(sr.ImageWarning, match=SENTENCE) as caught:
        sr.upscale(image, clean, progress=False, **options)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("options", [{}, {"lazy": True}, {"out": "out.ome.zarr"}])
def test_it_stays_with_a_layer(clean: Model, options: dict[str, Any], tmp_path: Path, qapp: Any) -> None:
    if "out" in options:
        options = {"out": tmp_path / options["out"]}
    with pytest.warns(sr.ImageWarning, match=SENTENCE):
        layer = sr.upscale(Image(NOISY, name="noisy"), clean, progress=False, **options)
    (note,) = layer.metadata["napari-srgan"]["notes"]
    assert "takes it for detail" in note


def test_a_run_that_goes_on_says_it_again_and_ends_the_same(clean: Model, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.warns(sr.ImageWarning, match=SENTENCE):
            sr.upscale(Image(NOISY, name="noisy"), clean, out=tmp_path / "out.zarr", progress=False)


@pytest.mark.parametrize(
    ("image", "made_for"),
    [
        (NOISY, TrainedInput(photons=(3, 300))),
        (NOISY, None),
        (SMOOTH, TrainedInput()),
        (np.zeros((64, 64), np.uint8), TrainedInput()),
        (NOISY > 20, TrainedInput()),
    ],
)
def test_otherwise_nothing_is_said(tiny_model: Any, image: Any, made_for: TrainedInput | None) -> None:
    model = tiny_model()
    told = Model(model.network, model.card.model_copy(update={"trained_input": made_for}))
    sr.upscale(image, told, progress=False)  # a warning would be an error
    layer = sr.upscale(Image(image.astype(np.float32)), told, progress=False)
    assert "notes" not in layer.metadata["napari-srgan"]
