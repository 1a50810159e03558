"""Models for time-lapses: blended and kept as others are, but not for programs that know no time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from napari_srgan.errors import UserError
from napari_srgan.models import Model, blend, export_bioimageio, export_onnx, load_model, save_model
from timelapses import KINDS, make_temporal_model

BOTH_WAYS = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize(("export", "name"), [(export_onnx, "m.onnx"), (export_bioimageio, "m.zip")])
def test_they_are_not_exported(export: Callable[..., Any], name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tiny-recurrent is for time-lapses, and other programs"):
        export(make_temporal_model(), tmp_path / name)
    assert not (tmp_path / name).exists()


@BOTH_WAYS
def test_they_are_read_as_they_were_written(kind: str, tmp_path: Path) -> None:
    model = make_temporal_model(kind)
    read = load_model(save_model(model, tmp_path / "m.safetensors"))
    assert (read.card, read.weights_hash) == (model.card, model.weights_hash)
    assert (read.network.clip, read.network.frames) == (4, read.card.frames)


@BOTH_WAYS
def test_they_are_blended(kind: str) -> None:
    model = make_temporal_model(kind)
    network = copy.deepcopy(model.network)
    for tensor in network.state_dict().values():
        tensor.mul_(3)
    blended = blend(model, Model(network, model.card.model_copy(update={"name": "other"})), 0.5)
    assert (blended.card.frames, blended.network.frames) == (model.card.frames, model.network.frames)
    for name, tensor in blended.network.state_dict().items():
        torch.testing.assert_close(tensor, 2 * model.network.state_dict()[name])
    with pytest.raises(UserError, match="clip is 4 in tiny"):
        blend(model, make_temporal_model(kind, clip=2), 0.5)
