"""What is said of a fine-tuned model: how much better it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from napari_srgan.models import ModelCard, Quality
from napari_srgan.models.card import Baseline, HistoryPoint


def card_of(
    tiny_model: Any, gain: float, *, base: float | None = None, psnr: Sequence[float] = ()
) -> ModelCard:
    """A model that is so many decibels above bicubic, and above its base."""
    figure = Quality(images="cells", psnr=25 + gain, bicubic_psnr=25, protocol="held-back blocks")
    history = tuple(
        HistoryPoint(step=10 * n, minutes=n, loss=None, psnr=value, best=value == max(psnr[: n + 1]))
        for n, value in enumerate(psnr)
    )
    baseline = Baseline(
        bicubic=25, base=None if base is None else 25 + gain - base, base_name="microscopy-x4"
    )
    about = {"quality": (figure,), "baseline": baseline, "history": history}
    card: ModelCard = tiny_model().card
    return card.model_copy(update=about)


@pytest.mark.parametrize(
    ("gain", "beginning"),
    [
        (-0.4, "Not better than bicubic interpolation: "),
        (0.05, "Not better than bicubic interpolation: "),
        (0.27, "Hardly better than bicubic interpolation: "),
        (1.2, "Better than bicubic interpolation: "),
        (2.4, "Much better than bicubic interpolation: "),
    ],
)
def test_decibels_have_a_word_for_how_much_they_are(tiny_model: Any, gain: float, beginning: str) -> None:
    card = card_of(tiny_model, gain)
    assert card.verdict.startswith(beginning)
    assert f"{gain:+.2f} dB against bicubic interpolation" in card.verdict
    assert ("hardly to be seen" in card.verdict) == (gain == 0.27)
    assert ("Do not use it" in card.verdict) == (gain < 0.1)
    assert card.beats_rivals == (gain > 0.1)


def test_each_rival_has_a_word_of_its_own(tiny_model: Any) -> None:
    both = card_of(tiny_model, 2.5, base=0.3).verdict
    assert both.startswith(
        "Much better than bicubic interpolation, hardly better than the base microscopy-x4: "
    )
    assert card_of(tiny_model, 1.5, base=0.9).verdict.startswith(
        "Better than bicubic interpolation and the base microscopy-x4: "
    )
    assert card_of(tiny_model, 2.5, base=-0.3).verdict.startswith("Not better than the base microscopy-x4: ")


def test_a_training_that_was_still_improving_says_so(tiny_model: Any) -> None:
    rising = [25.0, 25.0, 25.1, 25.2, 25.27]
    words = "till improving after 40 steps: train longer."
    assert f"It was s{words}" in card_of(tiny_model, 0.27, psnr=rising).verdict
    lost = card_of(tiny_model, -0.2, psnr=rising).verdict
    assert f"Do not use it in their place: it was s{words}" in lost
    for done in ([25.0, 25.2, 25.26, 25.27, 25.27], [25.0, 25.1, 25.3, 25.35, 25.27], [25.27], []):
        assert "improving" not in card_of(tiny_model, 0.27, psnr=done).verdict
