"""Other people's generators give here what they give at home."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.models import Model, read_model, save_model
from published_generators import PUBLISHED, made

RGB_ONLY = {"residual_block1", "res_blocks", "res_blocks, ReLU", "residual_blocks"}


def agree(model: Model, module: Any) -> None:
    torch.manual_seed(1)
    low = torch.rand(2, model.card.channels, 13, 11)
    expected = module.as_used(low)
    assert model.network(low).shape == expected.shape
    assert torch.allclose(model.network(low), expected, atol=1e-4)


def saved(module: Any, file: Path) -> Path:
    torch.save(module.state_dict(), file)
    return file


@pytest.mark.parametrize("kind", PUBLISHED)
@pytest.mark.parametrize(("blocks", "width", "factor"), [(1, 8, 2), (3, 12, 4), (12, 8, 3)])
def test_published_generators(kind: str, blocks: int, width: int, factor: int, tmp_path: Path) -> None:
    module = made(kind, blocks, width, factor)
    model = read_model(saved(module, tmp_path / "found.pth"))
    assert (model.scale_factor, model.card.channels) == (factor, 3)
    assert model.card.arguments["blocks"] == blocks
    assert model.card.intensity == "byte"
    assert model.card.licence == "unknown"
    assert "https://github.com/" in model.card.source
    agree(model, module)


@pytest.mark.parametrize("kind", [kind for kind in PUBLISHED if kind not in RGB_ONLY])
def test_gray_generators(kind: str, tmp_path: Path) -> None:
    module = made(kind, channels=1, factor=8, width=16)
    model = read_model(saved(module, tmp_path / "found.pth"))
    assert (model.scale_factor, model.card.channels) == (8, 1)
    agree(model, module)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(list(PUBLISHED)), blocks=st.integers(1, 11),
    width=st.sampled_from([4, 5, 8, 24, 64]), factor=st.sampled_from([2, 3, 4, 8]),
)  # fmt: skip
def test_any_size_of_them(kind: str, blocks: int, width: int, factor: int, tmp_path: Path) -> None:
    module = made(kind, blocks, width, factor)
    model = read_model(saved(module, tmp_path / "found.pth"))
    assert model.card.arguments["width"] == width
    agree(model, module)


@pytest.mark.parametrize("kind", PUBLISHED)
def test_they_are_saved_and_read_as_our_own(kind: str, tmp_path: Path) -> None:
    module = made(kind)
    model = read_model(saved(module, tmp_path / "found.pth"))
    again = read_model(save_model(model, tmp_path / "found.safetensors"))
    assert again.card == model.card
    assert again.weights_hash == model.weights_hash
    agree(again, module)


@pytest.mark.parametrize("kind", PUBLISHED)
def test_safetensors_forget_the_order_of_names(kind: str, tmp_path: Path) -> None:
    module = made(kind, blocks=11)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    save_file(dict(sorted(state.items())), tmp_path / "found.safetensors")
    agree(read_model(tmp_path / "found.safetensors"), module)


def under(prefix: str) -> Callable[[Any], Any]:
    return lambda state: OrderedDict((prefix + name, tensor) for name, tensor in state.items())


def beside_others(state: dict[str, Tensor]) -> dict[str, Tensor]:
    other = {"discriminator.net.0.weight": torch.zeros(8, 3, 3, 3), "vgg.0.weight": torch.zeros(8, 3, 3, 3)}
    return under("generator.")(state) | other


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "module.": under("module."),
    "_orig_mod.": under("_orig_mod."),
    "module._orig_mod.": under("module._orig_mod."),
    "_orig_mod.module.": under("_orig_mod.module."),
    "generator.": under("generator."),
    "netG.module.": under("netG.module."),
    "net.": under("net."),
    "params": lambda state: {"params": state},
    "params_ema": lambda state: {"params": zeroed(state), "params_ema": state},
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "optimizer": optimiser(state)},
    "model_state_dict": lambda state: {"model_state_dict": state, "loss": 0.1},
    "net": lambda state: {"net": state, "acc": torch.tensor(3.0)},
    "generator": lambda state: {"generator": state, "discriminator": {"0.weight": torch.zeros(4, 3, 3, 3)}},
    "netG": lambda state: {"netG": state, "netD": {"0.weight": torch.zeros(4, 3, 3, 3)}},
    "model": lambda state: {"epoch": 1, "model": under("module.")(state)},
    "nested": lambda state: {"state_dict": {"params_ema": under("module.")(state)}},
    "unheard of": lambda state: {"my_generator": state, "when": "yesterday"},
    "lightning": lambda state: {"state_dict": beside_others(state), "hyper_parameters": {"lr": 1e-3}},
    "averaged": lambda state: {"n_averaged": torch.tensor(3)} | under("module.")(state),
    "half": lambda state: {name: t.half() if t.is_floating_point() else t for name, t in state.items()},
}


def zeroed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.zeros_like(tensor) for name, tensor in state.items()}


def optimiser(state: dict[str, Tensor]) -> dict[str, Any]:
    return {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3, "params": [0]}]}


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("kind", ["block1, PReLU", "residual_blocks", "trunk, conv1"])
def test_what_training_scripts_put_around_weights(wrapper: str, kind: str, tmp_path: Path) -> None:
    module = made(kind)
    if wrapper == "half":
        module = module.half().float()
    torch.save(WRAPPERS[wrapper](module.state_dict()), tmp_path / "found.ckpt")
    agree(read_model(tmp_path / "found.ckpt"), module)


def test_files_of_old_versions_of_pytorch(tmp_path: Path) -> None:
    module = made("block1, PReLU")
    state = {name: t for name, t in module.state_dict().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "found.pth", _use_new_zipfile_serialization=False)
    agree(read_model(tmp_path / "found.pth"), module)


@pytest.mark.parametrize("ending", [".pth", ".pt", ".ckpt", ".bin", ".pkl", ".safetensors", ""])
def test_the_ending_does_not_matter(ending: str, tmp_path: Path) -> None:
    module = made("block1, PReLU")
    agree(read_model(saved(module, tmp_path / f"found{ending}")), module)


def test_our_own_weights_without_their_card(tiny_model: Any, tmp_path: Path) -> None:
    for arguments in ({}, {"upsampling": "staged", "interpolated_skip": False, "scale_factor": 4}):
        ours = tiny_model(**arguments)
        state = {name: tensor.clone() for name, tensor in ours.network.state_dict().items()}
        save_file(state, tmp_path / "found.safetensors")
        found = read_model(tmp_path / "found.safetensors")
        assert "napari-srgan" in found.card.description
        low = torch.rand(1, 1, 9, 9)
        expected = ours.network(low)
        if not arguments:  # trained ones agree with their input, which weights do not tell
            ours.network.back_projection = True
            expected = ours.network(low)
        assert torch.allclose(found.network(low), expected, atol=1e-5)


def test_names_nobody_has_heard_of_are_tried(tmp_path: Path) -> None:
    module = made("trunk, conv1")
    state = {
        name.replace("trunk", "strange").replace("conv1", "odd"): t for name, t in module.state_dict().items()
    }
    torch.save(state, tmp_path / "found.pth")
    model = read_model(tmp_path / "found.pth")
    assert "ranges" in model.card.description
    low = torch.rand(1, 3, 8, 8)
    expected = module.as_used(low)
    if "assumed" in model.card.description:
        assert torch.allclose(model.network(low), expected, atol=1e-4)


def test_a_name_that_no_card_could_have_becomes_one(tmp_path: Path) -> None:
    assert read_model(saved(made("block1, PReLU"), tmp_path / "_my best (x2).pth")).name == "my-best-x2-"


def lose(state: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key: tensor for key, tensor in state.items() if key != name}


def change(state: dict[str, Tensor], name: str, tensor: Tensor) -> dict[str, Tensor]:
    return state | {name: tensor}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda s: lose(s, "block3.conv1.weight"), r"block3\.conv1 is neither"),
        (lambda s: lose(lose(s, "block3.conv1.weight"), "block3.conv1.bias"), "no residual blocks"),
        (lambda s: lose(lose(s, "block6.0.conv.weight"), "block6.0.conv.bias"), "channels become|belongs"),
        (lambda s: change(s, "block3.bn1.weight", torch.ones(5)), "neither convolution"),
        (lambda s: change(s, "block3.prelu.weight", torch.ones(5)), "belongs to no layer"),
        (lambda s: change(s, "block3.conv2.weight", torch.ones(8, 8, 5, 5)), "kernel of 5 x 5"),
        (lambda s: change(s, "block2.conv1.bias", torch.ones(7)), "cannot be used"),
        (lambda s: change(s, "block1.0.weight", torch.ones(8, 0, 9, 9)), "holds nothing"),
        (lambda s: lose(s, "block3.prelu.weight"), "only some of its activations"),
        (lambda s: change(s, "block2.conv1.weight", torch.full((8, 8, 3, 3), torch.nan)), "not finite"),
    ],
)
def test_damaged_generators_are_refused_in_a_sentence(spoil: Any, message: str, tmp_path: Path) -> None:
    torch.save(spoil(dict(made("block1, PReLU").state_dict())), tmp_path / "found.pth")
    with pytest.raises(UserError, match=message) as caught:
        read_model(tmp_path / "found.pth")
    assert "\n" not in str(caught.value)
