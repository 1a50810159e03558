"""Exported models, run by onnxruntime."""

from __future__ import annotations

import importlib.abc
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from napari_srgan import upscale
from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import HIGH_PERCENTILE, LOW_PERCENTILE
from napari_srgan.models import Model, ModelCard, export_onnx
from napari_srgan.models.export.onnx_file import PERCENTILES, usage
from napari_srgan.networks import Generator, build_network
from napari_srgan.networks.generator import GeneratorArguments

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "direct, back-projected": (
        "srresnet",
        {"blocks": 2, "width": 8, "upsampling": "direct", "interpolated_skip": True, "back_projection": True},
    ),
    "staged, as in the paper": ("srresnet", {"blocks": 1, "width": 8, "scale_factor": 4, "channels": 3}),
    "instance norm, tanh": (
        "srresnet",
        {"blocks": 1, "width": 8, "normalisation": "instance", "output": "tanh", "output_range": "signed"},
    ),
    "rdn": ("rdn", {"blocks": 2, "layers": 2, "growth": 4, "width": 8, "scale_factor": 3}),
    "rrdb": ("rrdb", {"blocks": 1, "growth": 4, "width": 8, "scale_factor": 4, "back_projection": True}),
    "srresnet, factor 1": (
        "srresnet",
        {"blocks": 2, "width": 8, "upsampling": "direct", "interpolated_skip": True, "scale_factor": 1},
    ),
    "rrdb, factor 1": ("rrdb", {"blocks": 1, "growth": 4, "width": 8, "scale_factor": 1}),
}


def made_up(architecture: str, arguments: dict[str, Any], **card: Any) -> Model:
    arguments = {"scale_factor": 2, "channels": 1} | arguments
    torch.manual_seed(0)
    network = build_network(architecture, arguments).eval().requires_grad_(False)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.1)
    described = {
        "name": "made-up",
        "description": "made up, for tests",
        "architecture": architecture,
        "arguments": arguments,
        "scale_factor": network.scale_factor,
        "channels": network.channels,
        "intensity": "percentile",
        "receptive_radius": network.receptive_radius,
        "licence": "CC0-1.0",
    }
    return Model(network, ModelCard.model_validate(described | card))


def session(file: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("kind", MODELS)
def test_onnxruntime_gives_our_output_at_any_size(kind: str, tmp_path: Path) -> None:
    model = made_up(*MODELS[kind])
    file = export_onnx(model, tmp_path / "model.onnx")
    run = session(file)
    for batch, height, width in [(1, 17, 33), (3, 40, 8), (1, 1, 1), (2, 32, 48)]:
        low = torch.rand(batch, model.card.channels, height, width) * 1.4 - 0.2
        (high,) = run.run(["high"], {"low": low.numpy()})
        assert high.dtype == np.float32
        np.testing.assert_allclose(high, model.network(low).numpy(), rtol=0, atol=1e-4)


def test_batch_height_and_width_are_named(tmp_path: Path) -> None:
    run = session(export_onnx(made_up(*MODELS["rdn"]), tmp_path / "model.onnx"))
    assert run.get_inputs()[0].shape == ["batch", 1, "y", "x"]
    assert run.get_outputs()[0].shape == ["batch", 1, "3*y", "3*x"]


def test_the_file_carries_the_card_and_nothing_of_this_machine(tmp_path: Path) -> None:
    model = made_up(*MODELS["direct, back-projected"])
    file = export_onnx(model, tmp_path / "model.onnx")
    assert usage(model) in onnx.load(file).doc_string
    metadata = session(file).get_modelmeta().custom_metadata_map
    assert ModelCard.model_validate(json.loads(metadata["napari-srgan card"])) == model.card
    assert metadata["napari-srgan weights"] == model.weights_hash
    content = file.read_bytes()
    for trace in (b".py", str(Path(torch.__file__).parents[2]).encode(), str(Path.home()).encode()):
        assert trace not in content


@pytest.mark.parametrize(
    ("kind", "card", "sentence"),
    [
        ("rdn", {}, "the 0.1 and 99.9 percentiles of each channel mapped to 0 and 1"),
        ("rdn", {"intensity": "byte"}, "8-bit values divided by 255"),
        ("direct, back-projected", {}, "input pixels up to 14 away: tiles read with so much around"),
        ("instance norm, tanh", {}, "tiles of an image do not fit together"),
        ("rdn", {}, "(N, 1, 3 Y, 3 X) on the same range"),
        ("srresnet, factor 1", {}, "(N, 1, Y, X) on the same range"),
    ],
)
def test_how_to_use_it_is_said(kind: str, card: dict[str, Any], sentence: str) -> None:
    assert sentence in usage(made_up(*MODELS[kind], **card))


def test_percentiles_are_those_that_upscaling_uses() -> None:
    assert PERCENTILES == (LOW_PERCENTILE, HIGH_PERCENTILE)


def test_export_and_upscaling_leave_each_other_alone(tiny_model: Any, tmp_path: Path) -> None:
    """Both keep the weights of the interpolation."""
    from napari_srgan.networks import resampling

    resampling._upsampling_weights.cache_clear()
    model, image = tiny_model(), np.random.default_rng(0).random((20, 20), np.float32)
    export_onnx(model, tmp_path / "first.onnx")
    result = upscale(image, model)
    export_onnx(model, tmp_path / "again.onnx")
    np.testing.assert_array_equal(upscale(image, model), result)


def test_a_file_that_cannot_be_written_is_left_as_it_was(tiny_model: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        export_onnx(tiny_model(), tmp_path / "absent" / "model.onnx")
    with pytest.raises(UserError, match=r"ends in \.onnx, 'model\.pt' does not"):
        export_onnx(tiny_model(), tmp_path / "model.pt")
    assert not list(tmp_path.glob(".*"))


class Capricious(Generator):
    """Does what no graph can, or none for images of any size."""

    receptive_radius = 0  # type: ignore[assignment]

    def __init__(self, depends_on: str) -> None:
        super().__init__(GeneratorArguments(1, 1))
        self.depends_on = depends_on

    def forward(self, low: Tensor) -> Tensor:
        if self.depends_on == "what it shows":
            return low * 2 if low.sum() > 3 else low
        n, c, y, x = low.shape
        windows = low.reshape(n, c, int(y) // 8, 8, int(x) // 8, 8) if y % 8 == x % 8 == 0 else low
        return (windows - windows.mean((-3, -1), keepdim=True)).reshape(low.shape)


@pytest.mark.parametrize("depends_on", ["what it shows", "whether windows fit"])
def test_a_network_that_is_no_graph_is_named(depends_on: str, tmp_path: Path) -> None:
    model = made_up(*MODELS["rrdb, factor 1"])
    capricious = replace(model, network=Capricious(depends_on).eval())
    with pytest.raises(UserError, match=r"made-up \(rrdb\) cannot be expressed in ONNX"):
        export_onnx(capricious, tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == [tmp_path / "user-models"]


class Absent(importlib.abc.MetaPathFinder):
    """Makes a package look as if it were not installed."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_what_to_install_is_said(
    package: str, tiny_model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(package), *sys.meta_path])
    with pytest.raises(UserError, match=rf'\({package}\): pip install "napari-srgan\[export\]"'):
        export_onnx(tiny_model(), tmp_path / "model.onnx")
