"""Which model suits an image: that it is chosen, and that others are warned of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_srgan.acquisition import Acquisition
from napari_srgan.acquisition.choice import (
    default_for,
    fit,
    is_worth_fine_tuning,
    notes_on_input,
    suited_model,
    why_unsuited,
)
from napari_srgan.models import ModelCard, TrainedInput, list_models

NOISY = Acquisition(noisy=True, noise=0.1, photons=40.0, drowned=True, blur=0.9)
CLEAN = Acquisition(noise=0.001)
UNKNOWN = Acquisition(unknown="it is too small")
LIGHT = 2 + 28 * np.hypot(*np.indices((128, 128))) / 180
IMAGE = np.random.default_rng(0).poisson(LIGHT).astype(np.uint16)


def card(name: str, made_for: TrainedInput | None = None, **more: Any) -> ModelCard:
    fields: dict[str, Any] = {
        "name": name, "description": "", "architecture": "srresnet", "arguments": {}, "scale_factor": 2,
        "channels": 1, "intensity": "percentile", "receptive_radius": 1, "licence": "CC0-1.0",
        "trained_input": made_for,
    }  # fmt: skip
    return ModelCard(**(fields | more))


USUAL = card("microscopy-x2", TrainedInput())
ROBUST = card("robust-x2", TrainedInput(photons=(3, 300), blur=(0, 0.8)))
BLURRED = card("blurred-x2", TrainedInput(photons=(3, 300), blur=(0, 2)))
BRIGHT = card("bright-x2", TrainedInput(photons=(200, 2000)))
ONLY_NOISY = card("noisy-x2", TrainedInput(photons=(3, 300), clean=False))
FOREIGN = card("foreign-x2")
MOVIES = card("movies-x2", TrainedInput(photons=(10, 50)), frames=5)


@pytest.mark.parametrize(
    ("model", "found", "expected"),
    [
        (USUAL, NOISY, "unsuited"),
        (USUAL, CLEAN, "suited"),
        (USUAL, UNKNOWN, "unknown"),
        (ROBUST, NOISY, "suited"),
        (ROBUST, CLEAN, "suited"),
        (BRIGHT, NOISY, "unsuited"),
        (BRIGHT, Acquisition(noisy=True, photons=120.0), "suited"),  # found within a factor of two
        (ONLY_NOISY, CLEAN, "unknown"),
        (FOREIGN, NOISY, "unknown"),
        (ROBUST, Acquisition(noisy=True, noise=0.2, shared=True), "suited"),
        (BRIGHT, Acquisition(noisy=True, noise=0.2, shared=True), "unsuited"),
    ],
)
def test_what_a_model_was_trained_on_decides(model: ModelCard, found: Acquisition, expected: str) -> None:
    assert fit(model, found) == expected


def test_the_default_stays_where_it_suits_or_nothing_is_known() -> None:
    cards = [USUAL, ROBUST]
    for found in (None, CLEAN, UNKNOWN):
        assert default_for(found, cards, rgb=False) == "microscopy-x2"
    robust_default = card("microscopy-x2", TrainedInput(photons=(2, 5000)))
    assert default_for(NOISY, [robust_default, ROBUST], rgb=False) == "microscopy-x2"
    assert default_for(NOISY, [], rgb=True) == "photo-x4"


def test_a_better_suited_model_of_the_same_kind_becomes_the_default() -> None:
    assert default_for(NOISY, [USUAL, ROBUST], rgb=False) == "robust-x2"
    assert default_for(NOISY, [USUAL, BRIGHT, FOREIGN], rgb=False) == "microscopy-x2"
    # That knows such blur comes first.
    assert default_for(NOISY, [USUAL, ROBUST, BLURRED], rgb=False) == "blurred-x2"


@pytest.mark.parametrize(
    "other",
    [
        {"scale_factor": 4}, {"channels": 3}, {"frames": 5}, {"partner": "microscopy-x2"},
        {"recipe": {"gan": {"after": 10}}},
        {"result": {"offset": 0, "span": 1, "dtype": "uint8"}},
    ],
)  # fmt: skip
def test_a_model_of_another_kind_does_not(other: dict[str, Any]) -> None:
    model = card("other", ROBUST.trained_input, **other)
    assert suited_model(NOISY, USUAL, [USUAL, model]) is None


def test_a_warning_says_what_was_found_and_what_to_choose() -> None:
    assert why_unsuited(USUAL, NOISY, [USUAL, ROBUST]) == (
        "microscopy-x2 was trained without noise and takes it for detail: choose robust-x2"
    )
    assert why_unsuited(BRIGHT, NOISY, [BRIGHT]) == (
        "bright-x2 was trained with 200 to 2,000 photons and takes it for detail: fine-tune a model on such "
        "images"
    )
    assert why_unsuited(ROBUST, NOISY, []) == why_unsuited(FOREIGN, NOISY, []) == ""


def test_without_a_model_of_the_same_factor_one_of_another_is_named() -> None:
    large = card("large-x4", TrainedInput(), scale_factor=4)
    assert why_unsuited(large, NOISY, [large, ROBUST]) == (
        "large-x4 was trained without noise and takes it for detail: choose robust-x2 (x2), or fine-tune a "
        "model on such images"
    )
    restoring = card("restoring", ROBUST.trained_input, scale_factor=1)
    assert why_unsuited(large, NOISY, [large, restoring]).endswith(": fine-tune a model on such images")


def test_of_a_gray_image_a_model_for_gray_ones_is_named() -> None:
    photo = card("photo-x2", TrainedInput(), channels=3)
    noisy_photo = card("noisy-photo-x2", ROBUST.trained_input, channels=3)
    assert why_unsuited(photo, NOISY, [photo, ROBUST], rgb=False).endswith(": choose robust-x2")
    assert why_unsuited(photo, NOISY, [noisy_photo, ROBUST], rgb=False).endswith(": choose robust-x2")
    assert why_unsuited(photo, NOISY, [noisy_photo], rgb=False).endswith(": choose noisy-photo-x2")
    for rgb in (True, None):
        assert why_unsuited(photo, NOISY, [noisy_photo, ROBUST], rgb=rgb).endswith(": choose noisy-photo-x2")
        assert why_unsuited(photo, NOISY, [ROBUST], rgb=rgb).endswith(": fine-tune a model on such images")


def test_a_gray_image_is_told_of_the_bundled_model_that_was_trained_with_noise() -> None:
    (photo,) = (card for card in list_models() if card.name == "photo-x4-rdn")
    (note,) = notes_on_input(IMAGE, "YX", photo)
    assert note.endswith("-rdn was trained without noise and takes it for detail: choose microscopy-x4")


FINE_NOISE = Acquisition(noisy=True, noise=0.05, photons=200.0)
"""As strong as the fine detail, and no stronger."""


@pytest.mark.parametrize(
    ("model", "found", "expected"),
    [
        (USUAL, NOISY, True),
        (USUAL, FINE_NOISE, True),
        (USUAL, CLEAN, False),
        (USUAL, UNKNOWN, False),
        (ROBUST, NOISY, True),
        (ROBUST, FINE_NOISE, False),
        (FOREIGN, NOISY, True),
        (FOREIGN, FINE_NOISE, False),
        (card("made-x2", TrainedInput(photons=(28, 56), clean=False)), NOISY, False),
        (card("other-x2", TrainedInput(photons=(3, 6), clean=False)), NOISY, True),
    ],
)
def test_fine_tuning_helps_where_noise_is_strong_or_the_model_met_less(
    model: ModelCard, found: Acquisition, expected: bool
) -> None:
    assert is_worth_fine_tuning(model, found) is expected


def test_a_model_for_movies_is_named_for_movies_only() -> None:
    assert "choose movies-x2, in which 5 frames of a time-lapse help" in why_unsuited(
        USUAL, NOISY, [USUAL, MOVIES], movie=True
    )
    assert "movies-x2" not in why_unsuited(USUAL, NOISY, [USUAL, MOVIES])


def test_notes_look_at_the_image() -> None:
    (note,) = notes_on_input(IMAGE, "YX", USUAL)
    assert note.startswith("about 30 photons, noise well above the detail; ")
    assert "; microscopy-x2 was trained without noise and takes it for detail: " in note
    assert notes_on_input(IMAGE, "YX", ROBUST) == ()
    assert notes_on_input(IMAGE[:8, :8], "YX", USUAL) == ()


def test_an_image_is_not_read_for_a_model_of_which_nothing_is_known() -> None:
    class Precious:
        shape, dtype = (96, 96), np.dtype(np.uint16)

        def __getitem__(self, key: Any) -> Any:
            raise AssertionError("it was read")

    assert notes_on_input(Precious(), "YX", FOREIGN) == ()
