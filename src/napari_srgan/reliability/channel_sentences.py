"""What is said of one channel of an image: its detail, what can be expected of a model, what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_srgan.acquisition.look import HARDLY
from napari_srgan.models import ModelCard
from napari_srgan.reliability.detail import Detail
from napari_srgan.reliability.expectation import MEDIAN_ERROR
from napari_srgan.reliability.naming import Naming
from napari_srgan.reliability.sentence import Sentence
from napari_srgan.significant import significant

if TYPE_CHECKING:
    from napari_srgan.reliability.report import ChannelReport

_FULL = 0.95
"""Reach from which on an image carries as much as its pixels could hold."""
_MOSTLY = 0.5
"""Part of the error of bicubic interpolation from which on it is noise above all."""
_ALL = 0.995
"""The same from which on it would be rounded to all."""
SHAPES = 0.5
"""Variation of an image without its noise, in parts of the noise, from which on shapes can be seen in it."""


def channel_sentences(name: str, one: ChannelReport, card: ModelCard, naming: Naming) -> list[Sentence]:
    """All that is said of a channel.

    Parameters
    ----------
    name
        The channel as a sentence begins with it, e.g. ``"The image"``.
    one
        What was found of it.
    card
        The card of the model that made the result.
    naming
        How large its pixels are.
    """
    said = [Sentence(fact) for fact in _of_detail(name, one, naming)]
    if card.result is None:
        if one.detail.blocks and not one.detail.shared:
            said += _of_expectation(one, card)
        if one.loses_more_than_noise:
            said.append(_of_loss(name, one, card))
    return said


def _of_detail(name: str, one: ChannelReport, naming: Naming) -> list[str]:
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
    said = [_of_reach(name, detail, naming)]
    if detail.smoothed:
        said.append(
            "There is hardly any noise in it to measure detail by: if it was smoothed, interpolated, "
            "compressed or computed, some of that detail is of the processing."
        )
    return said


def _of_reach(name: str, detail: Detail, naming: Naming) -> str:
    """How fine detail is: as a size first of all, for a share alone reads like a mark."""
    full = detail.sure_reach >= _FULL
    words = f"{name} carries detail to {'all' if full else f'{100 * detail.sure_reach:.0f} %'} of what its "
    words += "pixels could hold"
    if detail.uneven:
        words += f" ({100 * detail.along_y:.0f} % along Y, {100 * detail.along_x:.0f} % along X)"
    size = naming.length(detail.finest_pixels, detail.coarser_axis)
    finest = f"about {detail.finest_pixels:.1f} of its pixels{f' ({size})' if size else ''}"
    if full:
        return f"{words}: down to {finest}."
    unseen = "can be made out" if detail.smoothed else "stands out of its noise"
    return f"{words}: finer than {finest} nothing {unseen}."


def _of_expectation(one: ChannelReport, card: ModelCard) -> list[Sentence]:
    tuned = any(not pair.simulated for pair in card.pairs)
    little = Sentence(
        advice="Expect little detail that is finer than the image's own"
        + ("." if tuned else "; fine-tuning the model on a pair of images is what brings more.")
    )
    noisy = one.expectation.noise_share > _MOSTLY and one.detail.noise >= HARDLY * one.detail.contrast
    said = []
    if one.expectation.little:
        said += [
            Sentence(
                "As estimated from its spectrum, bicubic interpolation is about as good for it as a model"
                f"{_how_far_off(card)}."
            ),
            little,
        ]
    else:
        share = ", mostly because it takes off noise" if noisy else ""
        said.append(
            Sentence(
                "As estimated from its spectrum, and not measured on this result, a faithful model that "
                f"knows such images gains about {max(one.expectation.gain, 1):.0f} dB over bicubic "
                f"interpolation{share}{_how_far_off(card)}."
            )
        )
        if noisy:
            said.append(Sentence(_of_noise(one.expectation.noise_share)))
        if one.detail.sure_reach < _FULL:
            said.append(little)
    if noisy and card.made_for is not None and card.made_for.photons is None:
        said.append(
            Sentence(f"{card.name} was trained on images without noise, and may take noise for detail.")
        )
    return said


def _how_far_off(card: ModelCard) -> str:
    error = MEDIAN_ERROR.get(card.scale_factor)
    return "" if error is None else f"; half of such estimates were off by more than {error:.1f} dB"


def _of_noise(share: float) -> str:
    part = "More than 99 %" if share >= _ALL else f"{100 * share:.0f} %"
    return (
        f"{part} of what bicubic interpolation gets wrong here is noise: a mild blur would take off a part "
        "of it, too."
    )


def _of_loss(name: str, one: ChannelReport, card: ModelCard) -> Sentence:
    lost = (
        f"{name} and the result made small again differ by {significant(one.residual)} grey levels, more "
        f"than the noise of {significant(one.detail.noise, 2)}: "
    )
    if one.consistency.levels is not None:
        gain, offset = one.consistency.levels
        return Sentence(
            f"{lost}the grey levels of the result are about {significant(gain)} times those of the image "
            f"{significant(offset, sign=True)}.",
            "Bring it to those, (result - offset) / gain, before it is compared.",
        )
    if one.consistency.shift is not None:
        y, x = one.consistency.shift
        return Sentence(f"{lost}the result lies {y:+.1f}, {x:+.1f} pixels (Y, X) of the image beside it.")
    mended = ""
    if one.can_be_projected_back(card):
        mended = "Project back (napari_srgan.project_back) mends that, and puts noise back."
    return Sentence(f"{lost}the model has changed what the image shows.", mended)
