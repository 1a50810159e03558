"""A report in words: what follows from what was found, each in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_srgan.models import ModelCard
from napari_srgan.reliability.channel_sentences import channel_sentences
from napari_srgan.reliability.naming import Naming
from napari_srgan.reliability.sentence import Sentence

if TYPE_CHECKING:
    from napari_srgan.reliability.report import TrustReport


def sentences_of(card: ModelCard, found: TrustReport, naming: Naming) -> list[Sentence]:
    """All that is said of a result.

    Parameters
    ----------
    card
        The card of the model that made it.
    found
        What was found of it.
    naming
        What the image and its channels are called.
    """
    said = []
    if found.recomputed is not None and not found.recomputed.same:
        said.append(Sentence(found.recomputed.sentence))
    if found.validation is not None:
        said.append(
            Sentence(
                f"Compared with the truth: {found.validation.words(naming)}; bicubic interpolation: "
                f"{found.bicubic_psnr:.2f} dB PSNR."
            )
        )
    for channel, one in found.channels.items():
        said += channel_sentences(_name(channel, found, naming), one, card, naming)
    if card.result is not None:
        said.append(
            Sentence(
                "The model makes another kind of image of it, as it has learned from pairs; how much better "
                "it is than bicubic interpolation can only be measured on such pairs. "
                f"{card.comparison}".strip(),
                card.comparison_advice,
            )
        )
    if not found.channels:
        said.append(
            Sentence(
                "Nothing can be told of the image: it is too small, shows one value only, or has too few "
                "finite values."
            )
        )
    said += [Sentence(fact) for fact in _of_checks(found, naming)]
    said += [Sentence(fact) for fact in _of_training(card)]
    if found.self_test is not None:
        said.append(Sentence(found.self_test.sentence))
    if found.disagreement is not None:
        said += [Sentence(fact) for fact in found.disagreement.sentences(card.adversarial, naming)]
    return [*said, *_of_errors(card, found)]


def _name(channel: int, found: TrustReport, naming: Naming) -> str:
    if len(found.channels) == 1:
        return "The image"
    name = naming.channel(channel)
    return f"{name[0].upper()}{name[1:]} of the image"


def _of_checks(found: TrustReport, naming: Naming) -> list[str]:
    """What was looked at and is as it should be: silence could be taken for not looked."""
    said = []
    if found.made_by_model:
        said.append(
            "The place of the result that differs most from bicubic interpolation"
            f"{', in each channel,' if len(found.channels) > 1 else ''} was computed again, and is what the "
            "model makes of the image."
        )
    if found.keeps_brightness_and_place:
        every = " in all channels that were looked at" if len(found.channels) > 1 else ""
        said.append(
            f"Made small again, the result is the image but for its noise{every}: brightness and place are "
            "kept."
        )
    else:
        said += [
            f"Made small again, {naming.channel(channel)} of the result is that of the image but for its "
            "noise: brightness and place are kept."
            for channel, kept in found.kept.items()
            if kept and len(found.channels) > 1
        ]
    return said


def _of_training(card: ModelCard) -> list[str]:
    if card.adversarial:
        return [
            "The model was trained to look sharp (with a discriminator): fine detail of its results is "
            "invented to look right, and is not to be quantified."
        ]
    if card.adversarial is None:
        return [
            "It is not known whether the model was trained to look sharp (with a discriminator): if it was, "
            "fine detail of its results is invented to look right, and is not to be quantified."
        ]
    return []


def _of_errors(card: ModelCard, found: TrustReport) -> list[Sentence]:
    if found.errors is not None:
        return [Sentence(found.errors.sentence)]
    if card.errors is not None:
        return [Sentence("The error map of this model is left out: it holds for what the model makes.")]
    if found.validation is not None:
        return []
    return [
        Sentence(
            "There is no error map: errors of this model were not measured on images of this kind.",
            "Fine-tuning on a pair of images measures them.",
        )
    ]
