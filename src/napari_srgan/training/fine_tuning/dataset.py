"""The user's images, ready to be learned from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from napari_srgan.errors import UserError
from napari_srgan.inference.intensity import BYTE_TRANSFORM, IntensityTransform, percentile_transform
from napari_srgan.models import TrainedInput
from napari_srgan.models.card import ResultIntensity
from napari_srgan.networks import Generator
from napari_srgan.training.dataset.dataset import Sampler
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import simulate
from napari_srgan.training.fine_tuning.brightness import keeps_low, like_high, like_low
from napari_srgan.training.fine_tuning.clips import Clip, judged_clips, scenes_of
from napari_srgan.training.fine_tuning.judge import MOST_CROPS, Judge, crops_of
from napari_srgan.training.fine_tuning.patches import MeasuredPatches, SimulatedPatches
from napari_srgan.training.fine_tuning.planes import LearnedPlane, filled, signal_of, to_tensor
from napari_srgan.training.fine_tuning.progress import Preview, SplitPicture
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.fine_tuning.split import Split
from napari_srgan.training.fine_tuning.splitting import split_subjects
from napari_srgan.training.fine_tuning.trained_input import simulated_input
from napari_srgan.training.fine_tuning.training_image import Framing, TrainingImage
from napari_srgan.training.recipes.recipe import Recipe

HASHED = 2**22
"""Values of an image that go into the fingerprint."""


class PairDataset:
    """A :class:`~napari_srgan.training.dataset.dataset.Dataset` made of the user's images.

    Parameters
    ----------
    subjects
        All of them measured pairs, or all of them images whose low resolution is simulated.
    framing
        What the network asks.
    settings
        What the user has chosen.
    degradation
        How low resolution is simulated; None for measured pairs.

    Raises
    ------
    UserError
        If an image is too small, or has nothing that can be learned from.
    """

    def __init__(
        self,
        subjects: Sequence[TrainingImage],
        framing: Framing,
        settings: FineTuning,
        degradation: Degradation | None,
    ) -> None:
        self._framing, self._settings, self._degradation = framing, settings, degradation
        self.result: ResultIntensity | None = None
        """Set where results have the brightness of the high-resolution images."""
        splits = split_subjects(subjects, framing, settings)
        self.planes = self._simulated(subjects, splits) if degradation else self._measured(subjects, splits)
        held = judged_clips(scenes_of(self.planes, framing.in_time), framing.in_time, MOST_CROPS)
        highs = [plane.high for subject in subjects for plane in subject.planes]
        self.judge = Judge(
            *crops_of(held, self._low_of, self._truth_of, framing.factor),
            framing.factor,
            matched=degradation is None,
            eight_bit=all(high.dtype == np.uint8 for high in highs),
        )
        self.images = _fingerprint(subjects)
        """Equal for equal images."""
        self.fingerprint = f"{self.images}-{self._fingerprint_of_choices()}"
        """Equal for equal images that are split, seen and degraded alike."""
        self.pictures = tuple(
            SplitPicture(each.name, splits[each.name][0].roles, each.planes[0].origin) for each in subjects
        )
        self.preview: Preview | None = None
        """What the network made of one held-back crop when it was last judged."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the wish to keep apart what is learned from and what is judged could not be had."""
        wished = self._framing.guard
        least = min(plane.split.guard for plane in self.planes)
        if self._settings.hold_back != "blocks" or least >= wished:
            return ()
        return (
            f"the guard band around what is held back is {least} of the {wished} pixels that the network "
            "sees, because the image is small",
        )

    @property
    def trained_input(self) -> TrainedInput | None:
        """How noisy and how blurred the low-resolution images are; None if they were measured."""
        if self._degradation is None:
            return None
        return simulated_input(self._degradation, [plane.seen for plane in self.planes])

    def sampler(self, recipe: Recipe, draw: np.random.Generator) -> Sampler:
        if self._degradation is None:
            return MeasuredPatches(self.planes, recipe, draw, self._framing.in_time)
        return SimulatedPatches(self.planes, recipe, draw, self._degradation, self._framing.in_time)

    def validate(self, network: Generator, device: torch.device) -> dict[str, float]:
        self.preview = self.judge.preview(network, device)
        return self.judge.judge(network, device)

    @cached_property
    def bicubic(self) -> dict[str, float]:
        return self.judge.bicubic()

    def _fingerprint_of_choices(self) -> str:
        digest = hashlib.sha256(repr((self._degradation, self.result)).encode())
        if self._framing.in_time.films and self._degradation:
            digest.update(self._degradation.noise.encode())
        for plane in self.planes:
            digest.update(plane.split.roles.tobytes())
            digest.update(repr((plane.seen, plane.target)).encode())
        return digest.hexdigest()[:8]

    def _measured(
        self, subjects: Sequence[TrainingImage], splits: Mapping[str, list[Split]]
    ) -> list[LearnedPlane]:
        related = [(plane, each.relations[plane.channel]) for each in subjects for plane in each.planes]
        target = None
        if not keeps_low(self._settings.brightness, related):
            as_bytes = self._framing.intensity == "byte"
            target, self.result = like_high([plane for plane, _ in related], as_bytes=as_bytes)
        found = []
        for subject in subjects:
            for plane, split in zip(subject.planes, splits[subject.name], strict=True):
                assert plane.low is not None
                seen = subject.seen[plane.channel]
                towards = target or like_low(seen, subject.relations[plane.channel])
                found.append(
                    LearnedPlane(
                        source=subject.source_of(plane),
                        low=to_tensor(seen.apply(filled(plane.low))),
                        high=to_tensor(towards.apply(filled(plane.high))),
                        split=split,
                        signal=signal_of(filled(plane.high), self._framing.factor),
                        seen=seen,
                        target=towards,
                        movie=subject.movie_of(plane),
                        frame=subject.frame_of(plane),
                    )
                )
        return found

    def _simulated(
        self, subjects: Sequence[TrainingImage], splits: Mapping[str, list[Split]]
    ) -> list[LearnedPlane]:
        found = []
        for subject in subjects:
            channels = {plane.channel for plane in subject.planes}
            seen = {channel: self._seen_when_simulated(subject, channel) for channel in channels}
            for plane, split in zip(subject.planes, splits[subject.name], strict=True):
                high = filled(plane.high)
                transform = seen[plane.channel]
                found.append(
                    LearnedPlane(
                        source=subject.name, low=None, high=to_tensor(high), split=split,
                        signal=signal_of(high, self._framing.factor), seen=transform, target=transform,
                        movie=subject.movie_of(plane), frame=subject.frame_of(plane),
                    )
                )  # fmt: skip
        return found

    def _seen_when_simulated(self, subject: TrainingImage, channel: int) -> IntensityTransform:
        """As inference would see the low-resolution images, had they been taken."""
        planes = [plane.high for plane in subject.planes if plane.channel == channel]
        if self._framing.intensity == "byte" and planes[0].dtype == np.uint8:
            return BYTE_TRANSFORM
        lows = [
            self._simulate(to_tensor(filled(high))[None]).numpy()[..., ::2, ::2].ravel() for high in planes
        ]
        transform = percentile_transform(np.concatenate(lows))
        if transform.span == 0:
            raise UserError(f"{subject.name!r} has no contrast: there is nothing to learn from it")
        return transform

    def _simulate(self, high: Tensor) -> Tensor:
        """Frames ``(T, C, Y, X)`` in grey levels of low resolution, always the same for the same frames."""
        assert self._degradation is not None
        return simulate(high[None], self._degradation, np.random.default_rng(self._settings.seed))[0]

    def _low_of(self, clip: Clip) -> Tensor:
        """``(T, C, Y, X)`` of the frames that are seen, in the network's range."""
        measured = [plane.low for plane in clip.seen if plane.low is not None]
        if measured:
            return torch.stack(measured)
        seen = clip.made[0].seen
        low = self._simulate(torch.stack([plane.high for plane in clip.seen]))[clip.firsts]
        return (low - seen.offset) / seen.span

    def _truth_of(self, plane: LearnedPlane) -> Tensor:
        return plane.high if plane.low is not None else (plane.high - plane.target.offset) / plane.target.span


def _fingerprint(subjects: Sequence[TrainingImage]) -> str:
    digest = hashlib.sha256()
    for subject in subjects:
        digest.update(subject.name.encode())
        for plane in subject.planes:
            for image in (plane.low, plane.high):
                if image is None:
                    continue
                step = max(int((image.size / HASHED) ** 0.5), 1)
                digest.update(str(image.shape).encode())
                digest.update(np.ascontiguousarray(image[::step, ::step]).tobytes())
    return digest.hexdigest()[:16]
