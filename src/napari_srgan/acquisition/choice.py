"""Which model suits an image, by how it was taken and by what the model was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from napari_srgan.acquisition.look import Acquisition, look_at
from napari_srgan.errors import UserError
from napari_srgan.models import ModelCard, TrainedInput, default_model_name, list_models

_TOLERANCE = 2.0
"""Factor within which photons are found: so much fewer than a model has met are not held against it."""
_RGB = 3
NARROW = 4.0
"""Ratio of most to fewest photons up to which a model was made for one amount of noise: fine-tuning for it
would make the same model again."""

Fit = Literal["suited", "unsuited", "unknown"]


def fit(card: ModelCard, found: Acquisition) -> Fit:
    """Whether a model was trained on images that are as noisy as this one.

    Parameters
    ----------
    card
        The card of the model. If it does not say what the model was trained on, the answer is ``"unknown"``.
    found
        What is known of the image. Where nothing is known, the answer is ``"unknown"``.
    """
    made_for = card.made_for
    if made_for is None or found.unknown:
        return "unknown"
    if found.noisy:
        return "suited" if _has_met(made_for, found) else "unsuited"
    return "suited" if made_for.clean or found.photons is not None else "unknown"


def _has_met(made_for: TrainedInput, found: Acquisition) -> bool:
    """Whether a model has been trained on so much noise."""
    photons = found.equal_photons
    if made_for.photons is None or photons is None:
        return False
    return photons * _TOLERANCE >= made_for.photons[0]


def suited_model(
    found: Acquisition, preferred: ModelCard, among: Iterable[ModelCard], *, frames: int = 1
) -> ModelCard | None:
    """A model that suits an image as well as can be known.

    Parameters
    ----------
    found
        What is known of the image.
    preferred
        The card of the model that is taken unless it is unsuited, or of unknown training while the image is
        noisy.
    among
        The cards of the other models. Only faithful models of the same factor, channels and quantities are
        taken: the first that was trained on such noise and such blur, or else on such noise.
    frames
        Number of frames of a time-lapse that help each other in the model.

    Returns
    -------
    ModelCard or None
        The card of the model; None if no model suits the image.
    """
    here = fit(preferred, found)
    if preferred.frames == frames and (here == "suited" or (here == "unknown" and not found.noisy)):
        return preferred
    same_size = [card for card in among if card.scale_factor == preferred.scale_factor]
    candidates = _faithful(found, preferred, same_size, frames)
    return min(candidates, key=lambda card: not _knows_blur(card, found), default=None)


def _faithful(
    found: Acquisition, preferred: ModelCard, among: Iterable[ModelCard], frames: int
) -> list[ModelCard]:
    """Faithful models of the same channels and quantities that suit an image, whatever their factor."""
    return [
        card
        for card in among
        if (card.channels, card.frames) == (preferred.channels, frames)
        and card.result is None
        and not card.adversarial
        and fit(card, found) == "suited"
    ]


def is_worth_fine_tuning(card: ModelCard, found: Acquisition) -> bool:
    """Whether a model that is fine-tuned for the noise of an image may do noticeably better than this one.

    It may where noise is well above the fine detail, and where the model was trained on less noise; not where
    the model was made for just such noise.

    Parameters
    ----------
    card
        The card of the model that would be used.
    found
        What is known of the image.
    """
    if not found.noisy:
        return False
    if fit(card, found) == "unsuited":
        return True
    return found.drowned and not _is_made_for(card.made_for, found)


def _is_made_for(made_for: TrainedInput | None, found: Acquisition) -> bool:
    """Whether a model was trained on this amount of noise and hardly any other."""
    photons = found.equal_photons
    if made_for is None or made_for.photons is None or photons is None:
        return False
    fewest, most = made_for.photons
    return most <= NARROW * fewest and fewest / _TOLERANCE <= photons <= most * _TOLERANCE


def _knows_blur(card: ModelCard, found: Acquisition) -> bool:
    made_for = card.made_for
    return made_for is not None and (found.blur is None or found.blur <= max(made_for.blur[1], 0.5))


def default_for(found: Acquisition | None, among: Sequence[ModelCard], *, rgb: bool) -> str:
    """Name of the model that is shown first for an image.

    Parameters
    ----------
    found
        What is known of the image; None where nothing is known yet.
    among
        The cards of the models that there are.
    rgb
        Whether the image is one in colours.
    """
    usual = default_model_name(rgb=rgb)
    card = next((card for card in among if card.name == usual), None)
    if found is None or card is None:
        return usual
    chosen = suited_model(found, card, among)
    return usual if chosen is None else chosen.name


def why_unsuited(
    card: ModelCard,
    found: Acquisition,
    among: Iterable[ModelCard] | None = None,
    *,
    movie: bool = False,
    rgb: bool | None = None,
) -> str:
    """Why a model should not be used on an image, and what to do; empty if it may be.

    Parameters
    ----------
    card
        The card of the model.
    found
        What is known of the image.
    among
        The cards of models that may be named in its place; those of the library by default.
    movie
        Whether the image has a time axis, along which frames can help each other.
    rgb
        Whether the image is one in colours: models made for as many channels are named first. By default it
        is taken for what the model was made for.
    """
    if fit(card, found) != "unsuited":
        return ""
    made_for = card.made_for
    assert made_for is not None
    met = "without noise" if made_for.photons is None else f"with {made_for.noise}"
    cards = list_models() if among is None else list(among)
    return f"{card.name} was trained {met} and takes it for detail: {_advice(card, found, cards, movie, rgb)}"


def _advice(
    card: ModelCard, found: Acquisition, among: list[ModelCard], movie: bool, rgb: bool | None
) -> str:
    own = card.channels if rgb is None else _RGB if rgb else 1
    for channels in dict.fromkeys((own, card.channels)):
        alike = card.model_copy(update={"channels": channels})
        if advice := _named_model(alike, found, among, movie):
            return advice
    return "fine-tune a model on such images"


def _named_model(card: ModelCard, found: Acquisition, among: list[ModelCard], movie: bool) -> str:
    """Say which model to choose in place of one, made for as many channels; empty if there is none."""
    better = suited_model(found, card, among, frames=card.frames)
    if better is not None:
        return f"choose {better.name}"
    frames = sorted({other.frames for other in among if other.frames > 1}) if movie else []
    for count in frames:
        better = suited_model(found, card, among, frames=count)
        if better is not None:
            return f"choose {better.name}, in which {count} frames of a time-lapse help each other"
    for other in _faithful(found, card, among, card.frames):
        if other.scale_factor > 1:
            return f"choose {other.name} (x{other.scale_factor}), or fine-tune a model on such images"
    return ""


def notes_on_input(array: Any, axes: str, card: ModelCard) -> tuple[str, ...]:
    """What is to be said of an image before a model is run over it: that the model is none for such images.

    Sentences, beginning with a small letter and without a full stop; mostly none. They stand in the
    result's provenance under ``"notes"``, as those on time-lapses do.

    Parameters
    ----------
    array
        An image of numpy, dask, zarr or xarray, ``(..., Y, X)`` or ``(..., Y, X, S)``, as for
        :func:`~napari_srgan.inference.upscale.upscale_job`.
    axes
        One letter for each of its axes.
    card
        The card of the model.
    """
    if card.made_for is None:
        return ()
    try:
        found = look_at(array, axes)
    except UserError:  # told when it is upscaled
        return ()
    reason = why_unsuited(card, found, movie="T" in axes, rgb=axes.endswith("S"))
    return (f"{found.sentence}; {reason}",) if reason else ()
