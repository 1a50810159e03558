"""Whether a fine-tuned model is any better than what there was before, in plain words.

Decibels of PSNR say little to most people, so that each comparison gets one of four words: not better, hardly
better, better, much better. Widget, API, shell and the paragraph on methods show the same sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from napari_srgan.images.factor import rival_in_full

if TYPE_CHECKING:
    from napari_srgan.models.card import HistoryPoint, ModelCard

NOTICEABLE = 0.1
"""Difference in decibels below which there is none to speak of."""
LITTLE = 0.5
"""Decibels below which nothing is to be expected that one would see."""
MUCH = 2.0
"""Decibels from which on a model is much better: its mean squared error is less by more than a third."""
STILL_RISING = 0.05
"""Decibels that a training gains in its last quarter, if it has not come to its end."""
_LAST_PART = 0.25


def beats_rivals(card: ModelCard) -> bool:
    """Whether a fine-tuned model is noticeably better than all it had to beat; true for other models."""
    return all(gain >= NOTICEABLE for gain in _gains(card).values())


def comparison_of(card: ModelCard) -> str:
    """What a fine-tuned model has beside what it had to beat, without what follows from it; empty for other
    models."""
    gains = _gains(card)
    if not gains:
        return ""
    found = _comparison(card, gains)
    imitated = sorted({pair.predicted_by for pair in card.pairs if pair.predicted_by})
    if not imitated:
        return found
    return (
        f"{found} But what it learned from and was judged by are predictions of {' and '.join(imitated)}, no "
        "measured images: the figures say how well that is imitated, not how right results are."
    )


def advice_of(card: ModelCard) -> str:
    """What to think of a fine-tuned model, and what to do; empty for other models."""
    gains = _gains(card)
    return _advice(card, gains) if gains else ""


def still_rising(history: Sequence[HistoryPoint]) -> bool:
    """Whether a training ended while it was still getting better: its last look was the best by far enough.

    Parameters
    ----------
    history
        All looks at what was held back, in their order.
    """
    if len(history) < 2:
        return False
    last = history[-1]
    before = [point for point in history[:-1] if point.step <= (1 - _LAST_PART) * last.step]
    return last.best and bool(before) and last.psnr - before[-1].psnr >= STILL_RISING


def _mean_psnr(card: ModelCard) -> float:
    return sum(figure.psnr for figure in card.quality) / len(card.quality)


def _gains(card: ModelCard) -> dict[str, float]:
    """Decibels above each of what a fine-tuned model had to beat; none for other models."""
    if card.baseline is None or not card.quality:
        return {}
    rivals = {rival_in_full(card.scale_factor): card.baseline.bicubic}
    if card.baseline.smoothed is not None:
        rivals["the best Gaussian blur of it"] = card.baseline.smoothed
    if card.baseline.base is not None:
        rivals[f"the base {card.baseline.base_name}"] = card.baseline.base
    psnr = _mean_psnr(card)
    return {name: psnr - figure for name, figure in rivals.items()}


def _comparison(card: ModelCard, gains: Mapping[str, float]) -> str:
    lost = [name for name, gain in gains.items() if not gain >= NOTICEABLE]
    if lost:
        less = "Not better in PSNR than" if card.adversarial else "Not better than"
        found = f"{less} {' and '.join(lost)}"
    else:
        words: dict[str, list[str]] = {"much better than": [], "better than": [], "hardly better than": []}
        for name, gain in gains.items():
            words[_in_a_word(gain)].append(name)
        told = ", ".join(f"{word} {' and '.join(names)}" for word, names in words.items() if names)
        found = told[0].upper() + told[1:]
    figures = ", ".join(f"{gain:+z.2f} dB against {name}" for name, gain in gains.items())
    return f"{found}: on the held-back part it has {_mean_psnr(card):.2f} dB, {figures}."


def _in_a_word(gain: float) -> str:
    if gain >= MUCH:
        return "much better than"
    return "better than" if gain >= LITTLE else "hardly better than"


def _advice(card: ModelCard, gains: Mapping[str, float]) -> str:
    lost = not beats_rivals(card)
    if lost and card.adversarial:
        return "A sharp model trades fidelity for looks; trust its details less than those of a faithful one."
    rising = ""
    if still_rising(card.history):
        rising = f"it was still improving after {card.history[-1].step} steps: train longer"
    if lost:
        simulated = any(pair.simulated for pair in card.pairs)
        more = "better images" if simulated else "look whether the pairs really show the same field"
        otherwise = f"train longer, give more images, or {more}"
        return f"Do not use it in their place: {rising or otherwise}."
    small = f"Less than {LITTLE} dB are hardly to be seen." if min(gains.values()) < LITTLE else ""
    return " ".join(filter(None, [small, rising and f"{rising[0].upper()}{rising[1:]}."]))
