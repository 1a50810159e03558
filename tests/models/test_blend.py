"""Between two models of one shape (ESRGAN, section 3.4)."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import napari_srgan
from napari_srgan.errors import UserError
from napari_srgan.models import (
    Model,
    blend,
    list_models,
    load_model,
    partner_of,
    read_model,
    recorded_model,
    save_model,
)


def change(model: Model, seed: int = 1, **card: Any) -> Model:
    """The same shape with other weights and other words on its card."""
    network = copy.deepcopy(model.network)
    generator = torch.Generator().manual_seed(seed)
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
    return Model(network, model.card.model_copy(update=card))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(amount=st.floats(0, 1), seed=st.integers(0, 99), normalisation=st.sampled_from(["none", "batch"]))
def test_every_weight_lies_between(amount: float, seed: int, normalisation: str, tiny_model: Any) -> None:
    a = tiny_model(normalisation=normalisation)
    b = change(a, seed, name="b")
    mine, theirs = a.network.state_dict(), b.network.state_dict()
    before = {key: tensor.clone() for key, tensor in mine.items()}
    blended = blend(a, b, amount).network.state_dict()
    assert list(blended) == list(mine)
    for key, tensor in blended.items():
        assert tensor.dtype == mine[key].dtype
        expected = (1 - amount) * mine[key].double() + amount * theirs[key].double()
        if tensor.is_floating_point():
            torch.testing.assert_close(tensor.double(), expected, rtol=1e-5, atol=1e-6)
        assert torch.equal(mine[key], before[key])


@pytest.mark.parametrize("amount", [0, 1, 0.0, 1.0])
def test_the_ends_are_the_models_themselves(amount: float, tiny_model: Any) -> None:
    a = tiny_model()
    b = change(a, name="b")
    with torch.no_grad():
        # Neither would survive being multiplied by 0 and added.
        next(b.network.parameters()).view(-1)[0] = torch.inf
        next(a.network.parameters()).view(-1)[1] = -0.0
    blended = blend(a, b, amount)
    assert blended.weights_hash == (a, b)[int(amount)].weights_hash


def test_a_blend_is_a_model_that_can_be_saved_and_loaded(tiny_model: Any, tmp_path: Path) -> None:
    a = tiny_model(name="faithful")
    blended = blend(a, change(a, name="sharp"), 0.3)
    again = load_model(save_model(blended, tmp_path / "blend.safetensors"))
    assert again.card == blended.card
    low = torch.rand(1, 1, 8, 8)
    assert torch.equal(again.network(low), blended.network(low))
    assert not blended.network.training
    assert not any(weight.requires_grad for weight in blended.network.parameters())


def test_models_of_factor_1_are_blended_like_others(tiny_model: Any, tmp_path: Path) -> None:
    faithful = tiny_model(scale_factor=1, name="faithful")
    sharp = change(faithful, name="sharp")
    middle = blend(faithful, sharp, 0.5)
    assert middle.scale_factor == 1
    again = read_model(save_model(middle, tmp_path / "middle.safetensors"))
    low = torch.rand(1, 1, 9, 8)
    assert again.network(low).shape == low.shape


def test_the_card_tells_both(tiny_model: Any) -> None:
    a = tiny_model(name="faithful")
    a = Model(a.network, a.card.model_copy(update={"attribution": ("x", "y"), "citation": "A 2017"}))
    b = change(
        a, name="sharp", licence="CC-BY-4.0", attribution=("y", "z"), partner="faithful", citation="B 2018"
    )
    card = blend(a, b, 0.3).card
    assert card.name == "faithful+sharp-0.30"
    assert "30% of sharp" in card.description
    assert card.attribution == ("x", "y", "z")
    assert card.licence == "CC0-1.0 and CC-BY-4.0"
    assert card.citation == "A 2017\nB 2018"
    assert card.quality == ()
    assert card.blended is not None
    assert card.blended.words == (
        f"interpolated between faithful (weights {a.weights_hash}) and sharp (weights {b.weights_hash}), "
        "with 30 % of sharp"
    )
    assert blend(a, a, 0.125).card.licence == "CC0-1.0"
    assert blend(a, b, 0.125).card.name == "faithful+sharp-0.125"


@pytest.mark.parametrize(
    ("first", "second", "amount", "sharp", "partner"),
    [
        ("faithful", "sharp", 0.95, True, "faithful"),
        ("faithful", "sharp", 1, True, "faithful"),
        ("faithful", "sharp", 0, False, None),
        ("sharp", "faithful", 0.95, True, "faithful"),
        ("sharp", "faithful", 1, False, None),
        ("faithful", "other", 0.5, False, None),
        ("faithful", "unknown", 0.5, None, None),
        ("unknown", "sharp", 0.5, True, None),
        ("unknown", "sharp", 0, None, None),
    ],
)
def test_a_blend_is_sharp_if_there_is_anything_sharp_in_it(
    first: str, second: str, amount: float, sharp: bool | None, partner: str | None, tiny_model: Any
) -> None:
    recipes: dict[str, dict[str, Any]] = {
        "faithful": {"gan": None}, "other": {"gan": None}, "sharp": {"gan": {"after": 1}}, "unknown": {},
    }  # fmt: skip
    a, b = (change(tiny_model(name=name), seed=len(name), recipe=recipes[name]) for name in (first, second))
    card = blend(a, b, amount).card
    assert (card.adversarial, card.partner) == (sharp, partner)


@pytest.mark.parametrize("amount", [-0.01, 1.01, float("nan"), float("inf"), "0.5", None])
def test_amounts_outside_are_refused(amount: Any, tiny_model: Any) -> None:
    with pytest.raises(UserError, match="the amount of a blend is from 0 to 1, not"):
        blend(tiny_model(), tiny_model(), amount)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"scale_factor": 4}, "scale factor is 2 in tiny and 4 in b"),
        ({"channels": 3}, "channels is 1 in tiny and 3 in b"),
        ({"intensity": "byte"}, "intensity is percentile in tiny and byte in b"),
        ({"width": 16}, "width is 8 in tiny and 16 in b"),
        ({"normalisation": "batch"}, "normalisation is none in tiny and batch in b"),
    ],
)
def test_models_of_different_shapes_are_refused(other: dict[str, Any], message: str, tiny_model: Any) -> None:
    with pytest.raises(UserError, match=f"tiny and b cannot be blended: {message}"):
        blend(tiny_model(), tiny_model(name="b", **other), 0.5)


@pytest.mark.parametrize("theirs", [False, True, "brightness"])
def test_a_blend_agrees_with_its_input_as_the_nearer_of_the_two(theirs: Any, tiny_model: Any) -> None:
    a, b = tiny_model(back_projection="brightness"), tiny_model(name="b", back_projection=theirs)
    for amount, expected in ((0, "brightness"), (0.4, "brightness"), (0.6, theirs), (1, theirs)):
        blended = blend(a, b, amount)
        assert blended.network.back_projection == expected
        assert blended.card.arguments["back_projection"] == expected


def test_an_argument_unsaid_is_its_default(tiny_model: Any) -> None:
    a, b = tiny_model(), tiny_model(name="b", back_projection=False)
    assert a.card.arguments != b.card.arguments
    blend(a, b, 0.5)


def test_names_are_understood(tiny_model: Any, library_folder: Path) -> None:
    a = tiny_model(name="faithful")
    save_model(a, library_folder / "faithful.safetensors")
    save_model(change(a, name="sharp"), library_folder / "sharp.safetensors")
    assert napari_srgan.blend("faithful", "sharp", 1).weights_hash == load_model("sharp").weights_hash
    with pytest.raises(UserError, match="no model 'blunt'"):
        blend("faithful", "blunt", 0.5)


@pytest.mark.parametrize("amount", [0.5, 1 / 3, 0])
def test_a_blend_is_found_again_by_what_its_result_says(
    amount: float, tiny_model: Any, library_folder: Path
) -> None:
    a, b = tiny_model(name="a"), change(tiny_model(), name="b")
    for model in (a, b):
        save_model(model, library_folder / f"{model.name}.safetensors")
    for made in (blend(a, b, amount), blend(b, blend(a, b, amount), 0.25)):
        told = json.loads(json.dumps(made.record.model_dump()))
        again = recorded_model(told)
        assert (again.name, again.weights_hash) == (made.name, made.weights_hash)
        # Another processor's last bit makes no other model of it.
        assert recorded_model({**told, "weights": "0" * 16}).weights_hash == made.weights_hash
        assert recorded_model(told, made) is made
        with pytest.raises(UserError, match=rf"made by {re.escape(made.name)} .*, not by tiny \(weights"):
            recorded_model(told, change(tiny_model(), seed=3))
    save_model(change(a, seed=5), library_folder / "a.safetensors")
    with pytest.raises(
        UserError, match=rf"of which a \(weights {a.weights_hash}\) is a part; in the library"
    ):
        recorded_model(told)


def test_a_model_is_found_again_only_with_its_weights(tiny_model: Any, library_folder: Path) -> None:
    a, b = tiny_model(name="a"), change(tiny_model(), name="b")
    save_model(a, library_folder / "a.safetensors")
    told = {"model": "a", "weights": a.weights_hash, "scale_factor": 2, "device": "cpu"}
    assert recorded_model(told).weights_hash == a.weights_hash
    assert recorded_model({"model": "a"}).weights_hash == a.weights_hash
    assert recorded_model({"model": "a", "blended": "nonsense"}).weights_hash == a.weights_hash
    renamed = Model(a.network, a.card.model_copy(update={"name": "renamed"}))
    assert recorded_model(told, renamed) is renamed
    assert recorded_model({}, b) is b
    with pytest.raises(UserError, match=rf"made by a .*{a.weights_hash}.*, not by b .*{b.weights_hash}"):
        recorded_model(told, b)
    with pytest.raises(UserError, match="made by a, not by b"):
        recorded_model({"model": "a"}, b)
    with pytest.raises(UserError, match=rf"weights 0000\); in the library .* {a.weights_hash}"):
        recorded_model({**told, "weights": "0000"})
    with pytest.raises(UserError, match="the model of that name is none; give the one"):
        recorded_model({"model": "gone-0.50", "weights": "0000"})
    with pytest.raises(UserError, match="nothing says which model"):
        recorded_model({})


def test_partners_are_found_from_either_side(tiny_model: Any, library_folder: Path) -> None:
    a = tiny_model(name="faithful")
    save_model(a, library_folder / "faithful.safetensors")
    save_model(change(a, partner="faithful"), library_folder / "sharp.safetensors")
    save_model(tiny_model(width=16), library_folder / "other.safetensors")
    other = change(tiny_model(width=16), partner="faithful")
    save_model(other, library_folder / "misled.safetensors")
    save_model(change(a, partner="gone"), library_folder / "lonely.safetensors")
    partners = {card.name: partner_of(card) for card in list_models() if "-x" not in card.name}
    assert partners == {
        "faithful": "sharp",
        "sharp": "faithful",
        "other": None,
        "misled": None,
        "lonely": None,
    }
