"""What spandrel knows is run through it, and saved as a model of ours."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.models import export_onnx, read_model, save_model
from napari_srgan.models.foreign.spandrel_generator import continued

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it imports
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact
    from spandrel.architectures.DnCNN.__arch.network_dncnn import DnCNN
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet
    from spandrel.architectures.FBCNN.__arch.FBCNN import FBCNN


def compact(scale: int = 2, channels: int = 3) -> Any:
    torch.manual_seed(0)
    return SRVGGNetCompact(
        num_in_ch=channels, num_out_ch=channels, num_feat=16, num_conv=3, upscale=scale
    ).eval()


@pytest.mark.parametrize("scale", [2, 4])
def test_a_network_gives_what_it_gives_alone(scale: int, tmp_path: Path) -> None:
    alone = compact(scale)
    torch.save({"params": alone.state_dict()}, tmp_path / "found.pth")
    model = read_model(tmp_path / "found.pth")
    assert (model.card.architecture, model.scale_factor) == ("spandrel", scale)
    # Five convolutions of 3 x 3.
    assert model.card.receptive_radius == 5
    low = torch.rand(2, 3, 13, 9)
    with torch.inference_mode():
        assert torch.allclose(model.network(low), alone(low), atol=1e-5)


def test_it_is_saved_and_read_again(tmp_path: Path) -> None:
    torch.save({"module." + name: t for name, t in compact().state_dict().items()}, tmp_path / "found.pth")
    model = read_model(tmp_path / "found.pth")
    again = read_model(save_model(model, tmp_path / "kept.safetensors"))
    assert again.card == model.card
    assert again.weights_hash == model.weights_hash
    image = np.random.default_rng(0).integers(0, 255, (20, 24, 3), np.uint8)
    results = [napari_srgan.upscale(image, m, axes="YXS", progress=False) for m in (model, again)]
    assert results[0].shape == (40, 48, 3)
    assert np.array_equal(*results)


def test_names_that_spandrel_changes_are_found_again(tmp_path: Path) -> None:
    torch.manual_seed(0)
    alone = RRDBNet(in_nc=1, out_nc=1, num_filters=8, num_blocks=1, scale=4).eval()
    torch.save(alone.state_dict(), tmp_path / "found.pth")
    model = read_model(tmp_path / "found.pth")
    again = read_model(save_model(model, tmp_path / "kept.safetensors"))
    low = torch.rand(1, 1, 8, 8)
    with torch.inference_mode():
        assert torch.allclose(again.network(low), alone(low), atol=1e-5)


def test_a_denoiser_says_that_it_does_not_enlarge(tmp_path: Path) -> None:
    torch.save(DnCNN(nb=4).state_dict(), tmp_path / "found.pth")
    model = read_model(tmp_path / "found.pth")
    assert model.scale_factor == 1
    assert "without enlarging" in model.card.description


def test_weights_that_lost_a_layer_do_not_fit_their_card(tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    torch.save(compact().state_dict(), tmp_path / "found.pth")
    file = save_model(read_model(tmp_path / "found.pth"), tmp_path / "kept.safetensors")
    with safe_open(file, framework="pt") as opened:
        header = opened.metadata()
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    tensors.pop("model.body.2.weight")
    save_file(tensors, file, metadata=header)
    with pytest.raises(UserError, match="do not fit its card"):
        read_model(file)


def test_a_restorer_is_not_taken_for_a_discriminator(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(
        FBCNN(in_nc=1, out_nc=1, nc=[8, 16, 32, 512], nb=2).half().state_dict(), tmp_path / "found.pth"
    )
    assert "FBCNN" in read_model(tmp_path / "found.pth").card.description


def test_weights_that_do_not_fit_together_get_a_sentence(tmp_path: Path) -> None:
    torch.save(FBCNN(in_nc=1, out_nc=1, nc=[8, 16, 32, 64], nb=2).state_dict(), tmp_path / "found.pth")
    with pytest.raises(UserError, match="found"):
        read_model(tmp_path / "found.pth")


def test_a_network_is_exported_for_any_batch(tmp_path: Path) -> None:
    torch.save(compact().state_dict(), tmp_path / "found.pth")
    model = read_model(tmp_path / "found.pth")
    session = onnxruntime.InferenceSession(str(export_onnx(model, tmp_path / "found.onnx")))
    low = torch.rand(3, 3, 11, 14)
    (high,) = session.run(None, {"low": low.numpy()})
    with torch.inference_mode():
        assert np.allclose(high, model.network(low), atol=1e-4)


def test_networks_seen_to_look_unequally_far_are_blended(tmp_path: Path) -> None:
    torch.save(compact().state_dict(), tmp_path / "found.pth")
    a = read_model(tmp_path / "found.pth")
    update = {"receptive_radius": 3, "arguments": a.card.arguments | {"receptive_radius": 3}}
    near = save_model(replace(a, card=a.card.model_copy(update=update)), tmp_path / "near.safetensors")
    for pair in ((a, read_model(near)), (read_model(near), a)):
        blended = napari_srgan.blend(*pair, 0.5)
        assert blended.card.receptive_radius == blended.network.receptive_radius == 5


@pytest.mark.parametrize(("y", "x"), [(5, 7), (16, 16), (64, 24), (1, 1)])
def test_an_image_is_continued_by_reflection(y: int, x: int) -> None:
    image = torch.rand(1, 2, 5, 7)
    large = continued(image, y, x)
    assert large.shape[-2:] == (max(y, 5), max(x, 7))
    assert torch.equal(large[..., :5, :7], image)
    if y > 8:
        assert torch.equal(large[..., 5, :7], image[..., 3, :])
