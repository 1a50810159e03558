"""What can be believed of a result: measured on the image, the model and the result, told in sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from napari_srgan.acquisition.windows import channels_of, window_keys
from napari_srgan.errors import UserError
from napari_srgan.inference.arrays import check_array, read_block
from napari_srgan.inference.axes import axes_of
from napari_srgan.inference.upscale import Region
from napari_srgan.models import Model, ModelCard
from napari_srgan.models.whole_file import write_whole
from napari_srgan.progress import Job, Progress
from napari_srgan.quality.matching import affine_map
from napari_srgan.reliability.added import added_detail, residual
from napari_srgan.reliability.detail import Detail, detail_of
from napari_srgan.reliability.error_map import ErrorMap, error_map
from napari_srgan.reliability.expectation import Expectation, expected
from napari_srgan.reliability.maps import OnTop
from napari_srgan.reliability.methods import methods_text
from napari_srgan.reliability.orientations import Disagreement, disagreement_job
from napari_srgan.reliability.self_test import SelfTest, self_test_job

FULL = 0.95
"""Reach from which on an image carries as much as its pixels could hold."""
NO_RESIDUAL = 0.5
"""Grey levels, in parts of the rounding of the result, that a residual may be without being one."""
MORE_THAN_NOISE = 1.5
"""Residual, in parts of the noise, from which on a result has lost more of its image than noise."""
FAINTEST = 2e-3
"""Residual, in parts of the contrast, below which nothing is said of it."""
OUTSIDE = 0.05
"""Part of the pixels beyond the brightness of an error table from which on that is said."""


@dataclass(frozen=True)
class ChannelReport:
    """One channel of an image and of its result."""

    detail: Detail
    expectation: Expectation
    residual: float
    """Root mean square of the image minus the result made small again, in grey levels of the image."""
    residual_after_noise: float
    """The same without what the noise of the image explains."""

    @property
    def loses_more_than_noise(self) -> bool:
        """Whether the result, made small again, is another image than the one it was made of."""
        much = self.residual > MORE_THAN_NOISE * self.detail.noise
        return much and self.residual_after_noise > FAINTEST * self.detail.contrast


@dataclass(frozen=True)
class TrustReport:
    """What can be believed of a result.

    No figure in it would be better for a result in which something was painted: what is told of quality is
    told of the image, or measured on parts of images whose truth was known.
    """

    model: str
    """Its name."""
    channels: dict[int, ChannelReport]
    """By number; without those of which nothing can be told."""
    added: Any
    """What the network added: the result minus bicubic interpolation, float32 in grey levels of the result,
    of its shape; numpy, or dask where image or result are not in memory. Not measured, and no error."""
    errors: ErrorMap | None
    """Half the width of an interval in which the truth lies at nine of ten pixels; None for all models but
    those fine-tuned on images of the same kind."""
    self_test: SelfTest | None
    """Models compared on the image made small; None if it was not asked for, or the image is too small."""
    disagreement: Disagreement | None
    """Mean and spread of eight orientations, if asked for."""
    sentences: tuple[str, ...]
    """All of it in words; each begins with a capital letter and ends with a full stop."""
    methods: str = field(repr=False)
    """A paragraph in Markdown for the methods section of a paper, and the guidelines' checklist."""

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def write(self, result: Path) -> tuple[Path, Path]:
        """Write figures and text beside a result on disk: ``<result>.trust.json`` and ``<result>.trust.md``.

        Raises
        ------
        UserError
            If one cannot be written.
        """
        files = (Path(f"{result}.trust.json"), Path(f"{result}.trust.md"))
        texts = (json.dumps(self.to_dict(), indent=2, ensure_ascii=False), self.methods)
        for file, text in zip(files, texts, strict=True):
            write_whole(file, f"{text}\n".encode())
        return files

    def to_dict(self) -> dict[str, Any]:
        """Figures and sentences as plain values that JSON can hold; maps are left out."""
        told: dict[str, Any] = {
            "model": self.model,
            "sentences": list(self.sentences),
            "channels": [
                {
                    "channel": channel,
                    "reach": _rounded(one.detail.reach),
                    "reach_along_y": _rounded(one.detail.along_y),
                    "reach_along_x": _rounded(one.detail.along_x),
                    "noise": _rounded(one.detail.noise),
                    "contrast": _rounded(one.detail.contrast),
                    "expected_gain_over_bicubic_db": _rounded(one.expectation.gain),
                    "noise_share_of_bicubic_error": _rounded(one.expectation.noise_share),
                    "residual": _rounded(one.residual),
                }
                for channel, one in self.channels.items()
            ],
        }
        if self.self_test is not None:
            told["self_test_db_over_bicubic"] = {n: _rounded(g) for n, g in self.self_test.gains.items()}
        if self.errors is not None:
            told["error_map"] = self.errors.to_dict()
        return told


def trust_job(
    image: Any,
    result: Any,
    model: Model,
    *,
    axes: str | None = None,
    region: Region | None = None,
    compare: Sequence[Model] = (),
    self_test: bool = True,
    disagreement: bool = False,
    device: str = "auto",
    precision: str = "auto",
    provenance: dict[str, Any] | None = None,
) -> Job[TrustReport]:
    """Look at what can be believed of a result.

    Parameters
    ----------
    image, result
        numpy, dask or zarr; `result` is what `model` made of `image`.
    model
        With which it was made.
    axes
        One letter for each axis of the image; guessed by default.
    region
        Part of the image that the result is of; all of it by default.
    compare
        Other models of the same factor, for the self-test.
    self_test, disagreement
        Whether these are done. The disagreement takes eight times as long as the result has taken.
    device, precision
        See :class:`~napari_srgan.inference.engine.Engine`; for self-test and disagreement.
    provenance
        How the result was made, for the methods paragraph.

    Returns
    -------
    TrustReport

    Raises
    ------
    UserError
        If the result cannot be one of this image by this model.
    """
    array = check_array(image)
    axes = axes_of(array, axes)
    made = check_array(result)
    first = None if region is None else (int(region[0][0]), int(region[1][0]))
    pair = OnTop(array, made, axes, model.scale_factor, first)
    steps = 4 + self_test + disagreement
    yield Progress(0, steps, "Looking at the image's detail")
    details = detail_of(array, axes)
    yield Progress(1, steps, "Comparing the result with the image")
    lost = {channel: _residual(pair, channel) for channel in channels_of(array, axes)}
    channels = {
        channel: ChannelReport(
            detail,
            expected(detail.spectrum, model.scale_factor),
            lost[channel][0],
            math.sqrt(max(lost[channel][0] ** 2 - detail.noise**2, 0.0)),
        )
        for channel, detail in details.items()
        if channel in lost
    }
    _check_is_result(channels, lost, model.card)
    yield Progress(2, steps, "Finding what was added")
    gain, offset = (1.0, 0.0) if model.card.result is None else _relation(pair)
    added = added_detail(pair, gain, offset)
    yield Progress(3, steps, "Looking up errors")
    errors = None if model.card.errors is None else error_map(pair, model.card.errors)
    tested, spread = None, None
    if self_test and model.scale_factor > 1 and model.card.frames == 1:
        tested = yield from self_test_job(array, axes, [model, *compare], device=device, precision=precision)
    if disagreement:
        spread = yield from disagreement_job(
            array, model, axes=axes, region=region, device=device, precision=precision
        )
    sentences = tuple(_sentences(model.card, channels, errors, tested))
    return TrustReport(
        model=model.name,
        channels=channels,
        added=added,
        errors=errors,
        self_test=tested,
        disagreement=spread,
        sentences=sentences,
        methods=methods_text(model, provenance or {}, sentences),
    )


def _windows(pair: OnTop, channel: int) -> list[tuple[Any, Any]]:
    """Windows ``(Y, X)`` of the image and of the result on them, where the result is."""
    y, factor = pair.axes.index("Y"), pair.factor
    plane = [size // factor for size in pair.result.shape[y : y + 2]]
    shape = (*pair.result.shape[:y], *plane, *pair.result.shape[y + 2 :])
    found = []
    for key in window_keys(SimpleNamespace(shape=shape), pair.axes, channel):
        low, high = list(key), list(key)
        for at in range(2):
            span = key[y + at]
            assert isinstance(span, slice)
            low[y + at] = slice(span.start + pair.start[at], span.stop + pair.start[at])
            high[y + at] = slice(span.start * factor, span.stop * factor)
        found.append(
            (
                read_block(pair.image, tuple(low)).astype(float),
                read_block(pair.result, tuple(high)).astype(float),
            )
        )
    return found


def _residual(pair: OnTop, channel: int) -> tuple[float, float]:
    """Root mean square of what the result lost of a channel, and of the channel itself; of finite pixels."""
    lost, own = [np.zeros(0)], [np.zeros(0)]
    for low, high in _windows(pair, channel):
        difference = residual(low, high, pair.factor)
        seen = np.isfinite(low)
        lost.append(difference[seen])
        own.append((low - np.median(low[seen]) if seen.any() else low)[seen])
    return _rms(np.concatenate(lost)), _rms(np.concatenate(own))


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(values**2))) if values.size else 0.0


def _relation(pair: OnTop) -> tuple[float, float]:
    """Gain and offset that bring grey levels of the image to those of the result."""
    small, large = [], []
    for low, high in _windows(pair, 0):
        y, x = low.shape
        seen = np.isfinite(low)
        small.append(low[seen])
        large.append(high.reshape(y, pair.factor, x, pair.factor).mean(axis=(1, 3))[seen])
    return affine_map(np.concatenate(small), np.concatenate(large))


def _check_is_result(
    channels: dict[int, ChannelReport], lost: dict[int, tuple[float, float]], card: ModelCard
) -> None:
    """Refuse a result of another image, or one that lies elsewhere.

    Raises
    ------
    UserError
        If in no channel it is nearer to the image than the image's own mean is.
    """
    if card.result is not None or not channels:
        return
    apart = [channel for channel in channels if lost[channel][0] > 0.8 * lost[channel][1] > 0]
    drowned = all(one.detail.blocks == 0 for one in channels.values())
    if len(apart) == len(channels) and not drowned:
        raise UserError(
            f"made small again, this is not the image that was given: it differs from it by "
            f"{lost[apart[0]][0]:.3g} grey levels, the image varies by {lost[apart[0]][1]:.3g}; give the "
            "image that the result was made of, and its region if it is of a part"
        )


def _sentences(
    card: ModelCard, channels: dict[int, ChannelReport], errors: ErrorMap | None, tested: SelfTest | None
) -> list[str]:
    said = []
    for channel, one in channels.items():
        name = f"Channel {channel} of the image" if len(channels) > 1 else "The image"
        said += _of_detail(name, one, card)
        if one.loses_more_than_noise and card.result is None:
            said.append(
                f"Made small again, the result differs from it by {one.residual:.3g} grey levels, more than "
                f"its noise of {one.detail.noise:.2g}: the model has changed what the image shows."
                + ("" if card.arguments.get("back_projection") else " napari_srgan.project_back mends that.")
            )
    if not channels:
        said.append("Nothing can be told of the image: it is too small, or shows one value only.")
    if card.adversarial:
        said.append(
            "The model was trained with a discriminator: fine detail that it adds looks right, and may be "
            "invented."
        )
    if tested is not None:
        said.append(tested.sentence[0].upper() + tested.sentence[1:] + ".")
    said.append(
        errors.sentence
        if errors is not None
        else "There is no error map: errors of this model were not measured on images like yours. "
        "Fine-tuning on a pair of images measures them."
    )
    return said


def _of_detail(name: str, one: ChannelReport, card: ModelCard) -> list[str]:
    detail, expectation = one.detail, one.expectation
    if detail.blocks == 0:
        return [
            f"{name} shows nothing that stands out of its noise: whatever a result shows was made of noise."
        ]
    reach = "all" if detail.reach >= FULL else f"{100 * detail.reach:.0f} %"
    words = f"{name} carries detail to {reach} of what its pixels could hold"
    if detail.uneven:
        words += f" ({100 * detail.along_y:.0f} % along Y, {100 * detail.along_x:.0f} % along X)"
    said = [words + "."]
    if detail.smoothed:
        said.append(
            "There is no noise in it to measure detail by: it was smoothed, interpolated, compressed or "
            "computed, and some of that detail may be of the processing."
        )
    if expectation.little:
        said.append(
            "Bicubic interpolation is about as good for it: expect little real detail; fine-tune the model "
            "on a pair."
        )
    elif expectation.noise_share > 0.5:
        said.append(
            "What a model can do for it is mostly to take off noise"
            + (
                "."
                if detail.reach >= FULL
                else ": expect little real detail; fine-tune it on a pair for more."
            )
        )
    elif detail.reach < FULL:
        said.append("A model expects about all: expect little real detail; fine-tune it on a pair for more.")
    if card.made_for is not None and card.made_for.photons is None and expectation.noise_share > 0.5:
        said.append(f"{card.name} was trained on images without noise, and may take noise for detail.")
    return said


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
