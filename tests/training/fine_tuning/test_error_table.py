"""The error table that a fine-tuning on measured pairs ends with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from napari_srgan.inference.intensity import IntensityTransform
from napari_srgan.models import load_model, save_model
from napari_srgan.models.error_table import brightness_and_structure
from napari_srgan.training.fine_tuning.judge import Crop, Judge

CPU = torch.device("cpu")
TARGET = IntensityTransform(100.0, 400.0)


def crop(model: Any, seed: int, *, gain: float = 1.0, offset: float = 0.0, side: int = 160) -> Crop:
    """The truth is the network's result with noise that grows with brightness, in other grey levels."""
    draw = np.random.default_rng(seed)
    fine = torch.from_numpy(draw.random((1, 1, 2 * side, 2 * side), np.float32))
    low = torch.nn.functional.avg_pool2d(fine, 2)
    with torch.inference_mode():
        made = model.network(low)[0].permute(1, 2, 0)[None].numpy()
    result = TARGET.invert(made, np.dtype(np.float32))
    noise = 0.05 * np.abs(result) * draw.standard_normal(result.shape)
    return Crop(
        source="pair",
        low=low,
        own=slice(0, 1),
        truth=(gain * (result + noise) + offset).astype(np.float32),
        counted=np.ones(result.shape[:3], bool),
        inner=(slice(None), slice(None)),
        target=TARGET,
        signal=1.0,
    )


def judge(crops: list[Crop], *, matched: bool = True) -> Judge:
    return Judge(crops, crops[0], 2, matched=matched, eight_bit=False)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.1, 2000.0)])
def test_it_tells_errors_in_grey_levels_of_the_result(tiny_model: Any, gain: float, offset: float) -> None:
    model = tiny_model()
    crops = [crop(model, seed, gain=gain, offset=offset) for seed in range(2)]
    table = judge(crops).error_table(model.network, CPU)
    assert table is not None
    other = crop(model, 9)
    with torch.inference_mode():
        result = other.result(model.network(other.low))[0, ..., 0].astype(np.float64)
    inside = np.abs(result - other.truth[0, ..., 0]) <= table.at(*brightness_and_structure(result))
    assert inside.mean() == pytest.approx(0.9, abs=0.03)


def test_of_simulated_images_there_is_none(tiny_model: Any) -> None:
    model = tiny_model()
    assert judge([crop(model, 0)], matched=False).error_table(model.network, CPU) is None


def test_of_little_there_is_none(tiny_model: Any) -> None:
    model = tiny_model()
    assert judge([crop(model, 0, side=40)]).error_table(model.network, CPU) is None


def test_it_goes_with_the_model(tiny_model: Any, tmp_path: Any) -> None:
    model = tiny_model()
    table = judge([crop(model, 0)]).error_table(model.network, CPU)
    card = model.card.model_copy(update={"errors": table})
    file = save_model(type(model)(model.network, card), tmp_path / "tuned.safetensors")
    assert load_model(file).card.errors == table
