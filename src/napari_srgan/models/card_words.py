"""What a model's card says in few words: for every table, page and choice in which models are told of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from napari_srgan.models.card import ModelCard, Quality
from napari_srgan.models.trained_input import UNKNOWN_INPUT


def is_sharp(card: ModelCard) -> bool:
    """Whether a model was trained to look sharp, by a discriminator, and so invents detail."""
    return bool(card.adversarial)


def channels_in_words(card: ModelCard) -> str:
    """Channels as one says them: RGB, or how many."""
    return "RGB" if card.channels == 3 else str(card.channels)


def frames_in_words(card: ModelCard) -> str:
    """How many frames of a time-lapse help each other; nothing for single images."""
    return str(card.frames) if card.frames > 1 else ""


def noise_in_words(card: ModelCard) -> str:
    """With how much noise a model was trained, e.g. ``"10 to 50 photons"``."""
    return card.made_for.noise if card.made_for is not None else UNKNOWN_INPUT


def trained_on_in_words(card: ModelCard) -> str:
    """With how much noise and blur a model was trained."""
    return card.made_for.words if card.made_for is not None else UNKNOWN_INPUT


def mean_gain(figures: Sequence[Quality]) -> float:
    """Mean decibels above the rival."""
    return sum(figure.gain for figure in figures) / len(figures)


def mean_looks(figures: Iterable[Quality]) -> tuple[float, float] | None:
    """Mean LPIPS-like distance of a model's results and of its rival's, where both were measured."""
    both = [
        (f.lpips_like, f.bicubic_lpips_like)
        for f in figures
        if f.lpips_like is not None and f.bicubic_lpips_like is not None
    ]
    if not both:
        return None
    return sum(ours for ours, _ in both) / len(both), sum(theirs for _, theirs in both) / len(both)
