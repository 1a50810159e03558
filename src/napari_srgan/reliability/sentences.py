"""A report in words: what follows from what was found, each in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_srgan.acquisition.look import HARDLY
from napari_srgan.models import ModelCard
from napari_srgan.reliability.error_map import ErrorMap
from napari_srgan.reliability.orientations import Disagreement
from napari_srgan.reliability.recomputed import Recomputed
from napari_srgan.reliability.self_test import SelfTest
from napari_srgan.reliability.validation import Validation
from napari_srgan.significant import significant

if TYPE_CHECKING:
    from napari_srgan.reliability.report import ChannelReport

_FULL = 0.95
"""Reach from which on an image carries as much as its pixels could hold."""
SHAPES = 0.5
"""Variation of an image without its noise, in parts of the noise, from which on shapes can be seen in it."""


def sentences_of(
    card: ModelCard,
    channels: Mapping[int, ChannelReport],
    recomputed: Recomputed | None,
    errors: ErrorMap | None,
    tested: SelfTest | None,
    disagreement: Disagreement | None,
    compared: Validation | None,
    bicubic_psnr: float | None,
) -> list[str]:
    """All that is said of a result; each begins with a capital letter and ends with a full stop.

    Parameters
    ----------
    card
        The card of the model that made it.
    channels
        What was found of each channel, by its number.
    recomputed, errors, tested, disagreement, compared
        None if there are none.
    bicubic_psnr
        What bicubic interpolation has, in dB, where a result is compared with its truth.
    """
    said = []
    if recomputed is not None and not recomputed.same:
        said.append(recomputed.sentence)
    if compared is not None:
        said.append(
            f"Compared with the truth: {compared.sentence}; bicubic interpolation: "
            f"{bicubic_psnr:.2f} dB PSNR."
        )
    for channel, one in channels.items():
        name = f"Channel {channel} of the image" if len(channels) > 1 else "The image"
        said += _of_detail(name, one, card)
        if one.loses_more_than_noise and card.result is None:
            said.append(_of_loss(name, one, card))
    if card.result is not None:
        said.append(
            "The model makes another kind of image of it, as it has learned from pairs; how much better it "
            f"is than bicubic interpolation can only be measured on such pairs. {card.verdict}"
        )
    if not channels:
        said.append(
            "Nothing can be told of the image: it is too small, shows one value only, or has too few finite "
            "values."
        )
    if card.adversarial:
        said.append(
            "The model was trained with a discriminator: fine detail that it adds looks right, and may be "
            "invented."
        )
    elif card.adversarial is None:
        said.append(
            "It is not known whether the model was trained with a discriminator: if it was, fine detail that "
            "it adds looks right, and may be invented."
        )
    if tested is not None:
        said.append(tested.sentence[0].upper() + tested.sentence[1:] + ".")
    if disagreement is not None:
        said.append(disagreement.sentence)
    if errors is not None:
        said.append(errors.sentence)
    elif card.errors is not None:
        said.append("The error map of this model is left out: it holds for what the model makes.")
    elif compared is None:
        said.append(
            "There is no error map: errors of this model were not measured on images like yours. "
            "Fine-tuning on a pair of images measures them."
        )
    return said


def _of_loss(name: str, one: ChannelReport, card: ModelCard) -> str:
    lost = (
        f"{name} and the result made small again differ by {significant(one.residual)} grey levels, more "
        f"than the noise of {significant(one.detail.noise, 2)}: "
    )
    if one.consistency.levels is not None:
        gain, offset = one.consistency.levels
        return (
            f"{lost}the grey levels of the result are about {significant(gain)} times those of the image "
            f"{significant(offset, sign=True)}. Bring it to those, (result - offset) / gain, before it is "
            "compared."
        )
    if one.consistency.shift is not None:
        y, x = one.consistency.shift
        return f"{lost}the result lies {y:+.1f}, {x:+.1f} pixels (Y, X) of the image beside it."
    mended = ""
    if one.can_be_projected_back(card):
        mended = " Project back (napari_srgan.project_back) mends that, and puts noise back."
    return f"{lost}the model has changed what the image shows.{mended}"


def _of_detail(name: str, one: ChannelReport, card: ModelCard) -> list[str]:
    detail = one.detail
    if detail.blocks == 0:
        if one.consistency.variation**2 < (1 + SHAPES**2) * detail.noise**2:
            return [
                f"{name} shows nothing that stands out of its noise: whatever a result shows was made of "
                "noise."
            ]
        return [
            f"{name} shows shapes, but no fine detail whose single frequencies stand out of its noise: fine "
            "detail that a result shows may be made of noise."
        ]
    if detail.shared:
        return [
            f"{name} has noise of {significant(detail.noise, 2)} grey levels that neighbouring pixels share, "
            "so that it passes for detail: how fine its detail is, and what a model gains, cannot be told."
        ]
    reach = "all" if detail.reach >= _FULL else f"{100 * detail.reach:.0f} %"
    words = f"{name} carries detail to {reach} of what its pixels could hold"
    if detail.uneven:
        words += f" ({100 * detail.along_y:.0f} % along Y, {100 * detail.along_x:.0f} % along X)"
    said = [words + "."]
    if detail.smoothed:
        said.append(
            "There is hardly any noise in it to measure detail by: if it was smoothed, interpolated, "
            "compressed or computed, some of that detail is of the processing."
        )
    return said if card.result is not None else [*said, *_of_expectation(one, card)]


def _of_expectation(one: ChannelReport, card: ModelCard) -> list[str]:
    tuned = any(not pair.simulated for pair in card.pairs)
    little = "Expect little detail that is finer than the image's own" + (
        "." if tuned else "; fine-tuning the model on a pair of images is what brings more."
    )
    noisy = one.expectation.noise_share > 0.5 and one.detail.noise >= HARDLY * one.detail.contrast
    full = one.detail.reach >= _FULL
    said = []
    if one.expectation.little:
        said += ["Bicubic interpolation is about as good for it as a model.", little]
    else:
        share = ", mostly because it takes off noise" if noisy else ""
        said.append(
            f"A faithful model that knows such images is about {max(one.expectation.gain, 1):.0f} dB above "
            f"bicubic interpolation on them{share}."
        )
        if not full:
            said.append(little)
    if noisy and card.made_for is not None and card.made_for.photons is None:
        said.append(f"{card.name} was trained on images without noise, and may take noise for detail.")
    return said
