"""What cards say of the images that models were trained on, old cards as well as new ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from napari_srgan.models import ModelCard, TrainedInput, blend, read_card, save_model
from napari_srgan.models.trained_input import input_of_recipe, noise_order

NOISY = TrainedInput(photons=(3, 300), blur=(0, 0.8))


@pytest.mark.parametrize(
    ("made_for", "noise", "words"),
    [
        (TrainedInput(), "no noise", "no noise"),
        (TrainedInput(blur=(0, 1.5)), "no noise", "no noise; blur of up to 1.5 pixels"),
        (
            TrainedInput(photons=(10, 50)),
            "10 to 50 photons",
            "10 to 50 photons in the brightest places, or no noise",
        ),
        (
            TrainedInput(photons=(2.6, 5000), clean=False, blur=(0.3, 0.8)),
            "2.6 to 5,000 photons",
            "2.6 to 5,000 photons in the brightest places; blur of up to 0.8 pixels",
        ),
        (TrainedInput(photons=(40, 40)), "40 photons", "40 photons in the brightest places, or no noise"),
    ],
)
def test_it_is_said_in_words(made_for: TrainedInput, noise: str, words: str) -> None:
    assert (made_for.noise, made_for.words) == (noise, words)


@pytest.mark.parametrize(
    "wrong", [{"photons": (50, 10)}, {"photons": (-1, 10)}, {"blur": (2, 1)}, {"clean": False}, {"noise": 1}]
)
def test_what_is_no_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrainedInput.model_validate(wrong)


def test_it_travels_with_the_model(tiny_model, tmp_path) -> None:
    model = tiny_model()
    file = save_model(model, tmp_path / "silent.safetensors")
    assert read_card(file).made_for is None
    told = type(model)(model.network, model.card.model_copy(update={"trained_input": NOISY}))
    assert read_card(save_model(told, tmp_path / "told.safetensors")).made_for == NOISY


def test_a_card_without_the_field_is_read(tiny_model) -> None:
    fields = json.loads(tiny_model().card.model_dump_json())
    del fields["trained_input"]
    card = ModelCard.model_validate(fields)
    assert card.made_for is None
    old = ModelCard.model_validate(fields | {"recipe": {"folders": ["train-microscopy"], "movies": None}})
    assert old.made_for == TrainedInput()


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({}, None),
        ({"folders": []}, None),  # a user's own images
        ({"blend": {"amount": 0.5}}, None),
        ({"folders": ["tiles"]}, TrainedInput()),
        ({"folders": ["tiles"], "degradation": None}, TrainedInput()),
        (
            {"folders": ["tiles"], "degradation": {"photons": [2, 9]}},
            TrainedInput(photons=(2, 9), clean=False),
        ),
        (
            {"folders": ["tiles"], "degradation": {"photons": [2, 9], "blur": [0, 1], "clean": 0.3}},
            TrainedInput(photons=(2, 9), blur=(0, 1)),
        ),
        (
            {"folders": ["tiles"], "movies": {"photons": [10, 50], "clean": 0.25}},
            TrainedInput(photons=(10, 50)),
        ),
        (
            {"folders": ["tiles"], "movies": {"photons": [10, 50], "clean": 0.0}},
            TrainedInput(photons=(10, 50), clean=False),
        ),
        ({"folders": ["tiles"], "movies": {"photons": "many"}}, None),
        ({"folders": ["tiles"], "movies": {"photons": [50, 10]}}, None),
    ],
)
def test_older_recipes_tell_it(recipe: dict[str, Any], expected: TrainedInput | None) -> None:
    assert input_of_recipe(recipe) == expected


def test_models_for_few_photons_come_first_and_unknown_ones_last() -> None:
    kinds = [None, TrainedInput(), TrainedInput(photons=(50, 90)), NOISY]
    assert sorted(kinds, key=noise_order) == kinds[::-1]


def test_a_blend_is_for_what_both_are_for(tiny_model) -> None:
    def trained(name: str, made_for: TrainedInput | None) -> Any:
        model = tiny_model(name=name)
        return type(model)(model.network, model.card.model_copy(update={"trained_input": made_for}))

    assert blend(trained("a", NOISY), trained("b", NOISY), 0.5).card.made_for == NOISY
    assert blend(trained("a", NOISY), trained("b", TrainedInput()), 0.5).card.made_for is None
