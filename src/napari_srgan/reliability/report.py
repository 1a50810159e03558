"""What can be believed of a result: measured on the image, the model and the result, told in sentences."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_srgan.acquisition.windows import channels_looked_at
from napari_srgan.disk.atomic_write import save_file
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array
from napari_srgan.images.image import Image
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import Model, ModelCard
from napari_srgan.progress import Job, Progress
from napari_srgan.reliability.added import added_detail_job, without
from napari_srgan.reliability.consistency import Consistency, check_is_result, consistency_of, relation
from napari_srgan.reliability.detail import Detail, detail_of
from napari_srgan.reliability.error_map import ErrorMap, error_map_job
from napari_srgan.reliability.expectation import UNKNOWN, Expectation, expected
from napari_srgan.reliability.maps import OnTop
from napari_srgan.reliability.matched import match_channels, matched_psnr, read_both
from napari_srgan.reliability.methods import methods_text
from napari_srgan.reliability.naming import Naming
from napari_srgan.reliability.orientations import Disagreement, check_not_temporal, disagreement_job
from napari_srgan.reliability.recomputed import Recomputed, recomputed_job
from napari_srgan.reliability.self_test import SelfTest, can_be_compared, self_test_job
from napari_srgan.reliability.sentences import sentences_of
from napari_srgan.reliability.validation import Validation, plain, validation_job


@dataclass(frozen=True)
class ChannelReport:
    """One channel of an image and of its result."""

    detail: Detail
    expectation: Expectation
    consistency: Consistency

    @property
    def residual(self) -> float:
        """Root mean square of the image minus the result made small again, in grey levels of the image."""
        return self.consistency.residual

    @property
    def loses_more_than_noise(self) -> bool:
        """Whether the result, made small again, is another image than the one it was made of."""
        return self.consistency.loses_more_than_noise(self.detail)

    @property
    def keeps_brightness_and_place(self) -> bool | None:
        """Whether the result, made small again, is the image but for its noise; None if that is unclear."""
        if self.loses_more_than_noise:
            return False
        unclear = self.consistency.levels is not None or self.consistency.shift is not None
        return None if unclear or self.detail.blocks == 0 else True

    def can_be_projected_back(self, card: ModelCard) -> bool:
        """Whether the result of the model with this card has lost what a step of back-projection mends."""
        lies_on_it = self.consistency.levels is None and self.consistency.shift is None
        has_no_such_step = card.result is None and not card.arguments.get("back_projection")
        return self.loses_more_than_noise and lies_on_it and has_no_such_step


@dataclass(frozen=True)
class TrustReport:
    """What can be believed of a result.

    No figure in it would be better for a result in which something was painted: what is told of quality is
    told of the image, or measured on parts of images whose truth was known; and a result that is not what its
    model makes of the image is told to be none.
    """

    model: str
    """Its name."""
    naming: Naming
    """What the image and its channels are called, and how large its pixels are."""
    result: Any = field(repr=False)
    """The result that it is about, as it was given: numpy, dask or zarr."""
    recomputed: Recomputed | None
    """Places of the result that were computed again; None if nothing in them could be compared."""
    channels: dict[int, ChannelReport]
    """By number; without those of which nothing can be told."""
    added: Any
    """What the network added: the result minus bicubic interpolation, whose grey levels are brought to those
    of the result where a model makes another kind of image. float32 in grey levels of the result, of its
    shape; numpy, or dask where image or result are not in memory. Not measured, and no error."""
    errors: ErrorMap | None
    """Half the width of an interval in which the truth lies at nine of ten pixels; None for all models but
    those fine-tuned on images of the same kind, and of results that the model did not make."""
    self_test: SelfTest | None
    """Models compared on the image seen from farther away; None if not asked for, if there is but one, or if
    the image is too small."""
    disagreement: Disagreement | None
    """Mean and spread of eight orientations, if asked for."""
    validation: Validation | None
    """The result compared with the truth, if one was given."""
    bicubic_psnr: float | None
    """Decibels that bicubic interpolation has on the same truth, brightness matched as for the result."""
    other_kind: bool
    """Whether the model makes another kind of image, which is not compared with its own."""
    can_be_projected_back: bool
    """Whether the result has lost of its image what :func:`~napari_srgan.project_back` mends."""
    sentences: tuple[str, ...] = ()
    """All of it in words; each begins with a capital letter and ends with a full stop."""
    methods: str = field(default="", repr=False)
    """Paragraphs in Markdown for the methods section of a paper, without advice, and the guidelines'
    checklist."""

    @property
    def bicubic(self) -> Any:
        """Plain bicubic interpolation, to compare the result with: what :attr:`added` was added to.

        Of the result's shape and dtype, rounded and clipped to it, in its grey levels; numpy, or dask where
        `added` is. NaN where the result is not finite.
        """
        return without(self.added, self.result)

    @property
    def made_by_model(self) -> bool | None:
        """Whether the result is what the model makes of the image; None if that was not looked at."""
        return None if self.recomputed is None else self.recomputed.same

    @property
    def kept(self) -> dict[int, bool | None]:
        """By channel, whether the result made small again is the image but for its noise.

        None where that is unclear. Without channels of which it means nothing: those of results that are
        another kind of image, or were not made by the model.
        """
        if self.other_kind or self.made_by_model is False:
            return {}
        return {channel: one.keeps_brightness_and_place for channel, one in self.channels.items()}

    @property
    def keeps_brightness_and_place(self) -> bool | None:
        """The same of all channels together; None if it is unclear, or means nothing."""
        kept = set(self.kept.values())
        return False if False in kept else True if kept == {True} else None

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    @staticmethod
    def files(result: Path) -> tuple[Path, Path]:
        """The files that :meth:`write` writes beside a result."""
        return Path(f"{result}.trust.json"), Path(f"{result}.trust.md")

    def write(self, result: Path) -> tuple[Path, Path]:
        """Write figures and text beside a result on disk: ``<result>.trust.json`` and ``<result>.trust.md``.

        Raises
        ------
        UserError
            If one cannot be written.
        """
        files = self.files(result)
        texts = (json.dumps(self.to_dict(), indent=2, ensure_ascii=False), self.methods)
        for file, text in zip(files, texts, strict=True):
            save_file(file, f"{text}\n".encode())
        return files

    def to_dict(self) -> dict[str, Any]:
        """Figures and sentences as plain values that JSON can hold; maps are left out."""
        told: dict[str, Any] = {
            "model": self.model,
            "made_by_model": self.made_by_model,
            "keeps_brightness_and_place": self.keeps_brightness_and_place,
            "sentences": list(self.sentences),
            "channels": [self._channel_dict(channel) for channel in self.channels],
        }
        if self.self_test is not None:
            told["self_test_db_below_best"] = self.self_test.to_dict()
        if self.disagreement is not None:
            told["disagreement"] = self.disagreement.to_list()
        if self.errors is not None:
            told["error_map"] = self.errors.to_dict()
        if self.validation is not None:
            told["compared_with_truth"] = {
                **self.validation.to_dict(),
                "bicubic_psnr": plain(self.bicubic_psnr),
            }
        return told

    def _channel_dict(self, channel: int) -> dict[str, Any]:
        one = self.channels[channel]
        told: dict[str, Any] = {
            "channel": channel,
            **({"name": name} if (name := self.naming.channel_name(channel)) else {}),
            "reach": _rounded(one.detail.reach),
            "reach_along_y": _rounded(one.detail.along_y),
            "reach_along_x": _rounded(one.detail.along_x),
            "finest_detail_pixels": _rounded(one.detail.finest_pixels),
            "noise": _rounded(one.detail.noise),
            "contrast": _rounded(one.detail.contrast),
        }
        if not self.other_kind:
            told["expected_gain_over_bicubic_db"] = _rounded(one.expectation.gain)
            told["noise_share_of_bicubic_error"] = _rounded(one.expectation.noise_share)
            if one.loses_more_than_noise and self.made_by_model is not False:
                told["residual"] = _rounded(one.residual)
        return told


@dataclass(frozen=True)
class TrustOptions:
    """What is computed to see what can be believed of a result, and where."""

    compare: Sequence[Model] = ()
    """Other models of the same factor, for the self-test."""
    truth: Any = None
    """What the result should be, of its shape, for those who have it."""
    self_test: bool = True
    """Whether models are compared on the image as it would be seen from farther away."""
    disagreement: bool = False
    """Whether the image is upscaled in its eight orientations: in eight times the time the result took."""
    device: str = "auto"
    """See :class:`~napari_srgan.inference.engine.Engine`; for self-test and disagreement."""
    precision: str = "auto"
    """As the device."""


def trust_job(
    image: Image,
    result: Any,
    model: Model,
    options: TrustOptions | None = None,
    *,
    region: Region | None = None,
    provenance: dict[str, Any] | None = None,
) -> Job[TrustReport]:
    """Look at what can be believed of a result.

    Parameters
    ----------
    image
        That was upscaled.
    result
        What the model made of it: numpy, dask or zarr, with the same axes.
    model
        With which it was made.
    options
        What is computed for it.
    region
        Part of the image that the result is of; all of it by default.
    provenance
        How the result was made, for the methods paragraph.

    Returns
    -------
    TrustReport

    Raises
    ------
    UserError
        If the result cannot be one of this image by this model, or the truth is none of it.
    """
    options = options or TrustOptions()
    array, axes = image.pixels, image.axes
    if options.disagreement:
        check_not_temporal(model)
    made = check_array(result)
    pair = on_top(image, made, model.scale_factor, region)
    steps = 2 + options.self_test + options.disagreement
    yield Progress(0, steps, "Looking at the image's detail")
    truth = None
    if options.truth is not None:
        made, truth = read_both(made, check_array(options.truth), axes)
        match_channels(made, truth, axes)
        pair = replace(pair, result=made)
    details = detail_of(array, axes)
    yield Progress(1, steps, "Comparing the result with the image")
    consistencies = {channel: consistency_of(pair, channel) for channel in channels_looked_at(array, axes)}
    channels = {
        channel: ChannelReport(
            detail,
            UNKNOWN if detail.shared else expected(detail.spectrum, model.scale_factor),
            consistencies[channel],
        )
        for channel, detail in details.items()
    }
    if model.card.result is None:
        check_is_result(consistencies, details)
    gain, offset = (1.0, 0.0) if model.card.result is None else relation(pair)
    added = yield from added_detail_job(pair, gain, offset)
    told = provenance or {}
    here = UpscaleOptions(device=options.device, precision=options.precision)
    recomputed = yield from recomputed_job(image, pair, added, model, here, told)
    table = model.card.errors if recomputed is not None and recomputed.same else None
    errors = None if table is None else (yield from error_map_job(pair, table))
    tested, spread, compared, bicubic = None, None, None, None
    if options.self_test and options.compare and can_be_compared(model.card):
        models = [model, *options.compare]
        tested = yield from self_test_job(array, axes, models, here)
    if options.disagreement:
        spread = yield from disagreement_job(image, model, replace(here, region=region))
    if truth is not None:
        compared = yield from validation_job(made, truth, axes, errors=table)
        bicubic = matched_psnr(made - np.asarray(added), truth, axes)
    report = TrustReport(
        model=model.name,
        naming=Naming.of(image),
        result=made,
        recomputed=recomputed,
        other_kind=model.card.result is not None,
        channels=channels,
        added=added,
        errors=errors,
        self_test=tested,
        disagreement=spread,
        validation=compared,
        bicubic_psnr=bicubic,
        can_be_projected_back=any(one.can_be_projected_back(model.card) for one in channels.values()),
    )
    said = sentences_of(model.card, report, report.naming)
    return replace(
        report,
        sentences=tuple(one.text for one in said),
        methods=methods_text(model, told, report.naming, [one.fact for one in said if one.fact]),
    )


def on_top(image: Image, result: Any, factor: int | None, region: Region | None) -> OnTop:
    """A result on the part of its image that was upscaled.

    Parameters
    ----------
    image
        That was upscaled.
    result
        An array with the same axes.
    factor
        How many times the result is larger along Y and X; None: as the sizes tell.
    region
        The part that was upscaled; None: all.

    Raises
    ------
    UserError
        If the result is none of that part.
    """
    region = UpscaleOptions(region=region).region
    if factor is None:
        factor = _factor(image, result, region)
    if region is None:
        return OnTop(image.pixels, result, image.axes, factor)
    (y0, y1), (x0, x1) = region
    pair = OnTop(image.pixels, result, image.axes, factor, (y0, x0))
    y = image.axes.index("Y")
    got = tuple(result.shape[y : y + 2])
    wanted = (y1 - y0) * factor, (x1 - x0) * factor
    if got != wanted:
        raise UserError(
            f"a result of {got[0]} x {got[1]} pixels is none of the region {region!r} by a model of factor "
            f"{factor}, which has {wanted[0]} x {wanted[1]}; give the region that was upscaled"
        )
    return pair


def _factor(image: Image, result: Any, region: Region | None) -> int:
    """How many times a result is larger along Y and X than the part of its image that was upscaled."""
    y, seen, got = image.axes.index("Y"), tuple(image.pixels.shape), tuple(result.shape)
    sides = seen[y : y + 2] if region is None else [stop - start for start, stop in region]
    factors = {large / small for small, large in zip(sides, got[y : y + 2], strict=False)}
    factor = factors.pop()
    if factors or len(got) != len(seen) or factor < 1 or not factor.is_integer():
        part = "an image" if region is None else f"the region {region!r} of an image"
        raise UserError(
            f"a result of shape {got} is none of {part} of shape {seen}; give the image that it was made of, "
            "and its region if it is of a part"
        )
    return int(factor)


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
