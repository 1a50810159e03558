"""All that a training learns from: checked, read, and in memory."""

from __future__ import annotations

from collections.abc import Generator as Iteration
from collections.abc import Sequence
from itertools import count
from typing import Any, Literal

import psutil

from napari_srgan.errors import UserError
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.models import Model, ModelCard
from napari_srgan.progress import Job
from napari_srgan.training.fine_tuning.brightness import Relation
from napari_srgan.training.fine_tuning.frames import with_frames_in_rows
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.fine_tuning.reading import crop_to_common, read_high_job
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.fine_tuning.temporal_needs import InTime
from napari_srgan.training.fine_tuning.training_image import TrainingImage
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.pairs.aligned import read_pair_job
from napari_srgan.training.pairs.budget import InARow, plan
from napari_srgan.training.pairs.check import check_pair_job
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.report import PairReport
from napari_srgan.training.pairs.source import SourceImage

READING_SHARE = 0.15
"""Part of the machine's memory that copies of the images may take. Not of what is free: a training that
goes on has to choose the same planes again."""


def read_all_job(
    pairs: Sequence[MatchedPair | SourceImage],
    base: Model | None,
    factor: int,
    settings: FineTuning,
    in_time: InTime,
) -> Iteration[TrainingProgress, Request | None, tuple[tuple[PairReport, ...], list[TrainingImage]]]:
    """Check and read all that a training learns from.

    Parameters
    ----------
    pairs
        Measured pairs, or high-resolution images alone.
    base
        What is started from; its convention says how intensities are seen.
    factor
        Scale factor of all of them.
    settings
        Whether shifts are corrected, and pairs used that the check refuses.
    in_time
        How the network sees time.

    Returns
    -------
    reports, subjects
        What the check has found of measured pairs; and what is learned from, in memory.

    Raises
    ------
    UserError
        If a pair is none, or an image cannot be read or learned from.
    """
    budget = int(READING_SHARE * psutil.virtual_memory().total) // len(pairs)
    measured = [pair for pair in pairs if isinstance(pair, MatchedPair)]
    reports = []
    for pair in measured:
        report = yield from _as_training(check_pair_job(pair), "checking")
        if report.problem and not settings.despite_check:
            raise UserError(f"{pair.name}: {report.problem}")
        reports.append(report)
    if reports:
        yield TrainingProgress(1, 1, "The pairs are checked", phase="checking", reports=tuple(reports))
    subjects: list[TrainingImage] = []
    for pair, report in zip(measured, reports, strict=True):
        together = _together(pair.low, in_time)
        reading = read_pair_job(
            pair, report, correct_shift=settings.correct_shift, budget=budget,
            despite_problem=settings.despite_check, in_a_row=together,
        )  # fmt: skip
        planes = yield from _as_training(reading, "reading")
        planes = crop_to_common([plane for plane in planes if plane.usable.any()], factor)
        channels = {plane.channel for plane in planes}
        whole = (report.gain, report.offset)
        wished = plan(pair, budget, in_a_row=together)
        subjects.append(
            TrainingImage(
                name=_free(pair.name, subjects),
                planes=planes,
                leading=pair.low.axes[: pair.low.axes.index("Y")],
                shape=tuple(pair.low.data.shape),
                field=pair.low.plane_shape,
                seen=_seen(pair.low, base, channels),
                relations={channel: Relation(*report.relations.get(channel, whole)) for channel in channels},
                notes=(wished.note,) if wished.note else (),
                wished=len(wished.indices),
                predicted_by=pair.high.predicted_by,
            )
        )
    for image in pairs:
        if isinstance(image, SourceImage):
            reading_high = read_high_job(image, factor, budget=budget, in_a_row=_together(image, in_time))
            planes, note = yield from _as_training(reading_high, "reading")
            subjects.append(
                TrainingImage(
                    name=_free(image.name, subjects),
                    planes=planes,
                    leading=image.axes[: image.axes.index("Y")],
                    shape=tuple(image.data.shape),
                    field=(planes[0].usable.shape[0], planes[0].usable.shape[1]),
                    seen={},
                    relations={},
                    notes=(note,) if note else (),
                    wished=len(planes),
                    predicted_by=image.predicted_by,
                )
            )
    return tuple(reports), [with_frames_in_rows(subject, in_time) for subject in subjects]


def _together(image: SourceImage, in_time: InTime) -> InARow | None:
    """Planes that have to stay together: frames, for networks that learn from frames."""
    letters = [letter for letter, _ in image.leading]
    return InARow(letters.index("T"), in_time.least) if in_time.least > 1 else None


def _free(name: str, subjects: Sequence[TrainingImage]) -> str:
    """A name that no other image has: files in two folders may be called the same."""
    taken = {subject.name for subject in subjects}
    numbered = (name if n == 1 else f"{name} ({n})" for n in count(1))
    return next(each for each in numbered if each not in taken)


def _as_training(
    job: Job[Any], phase: Literal["checking", "reading"]
) -> Iteration[TrainingProgress, Any, Any]:
    """A plain job, as a part of this one."""
    while True:
        try:
            step = next(job)
        except StopIteration as end:
            return end.value
        try:
            yield TrainingProgress(step.done, step.total, step.message, phase=phase)
        except GeneratorExit:
            job.close()
            raise


def _seen(low: SourceImage, base: Model | None, channels: set[int]) -> dict[int, Any]:
    """The intensity transforms that upscaling this image would use."""
    card = ModelCard(
        name="seen", description="", architecture="srresnet", arguments={}, scale_factor=1,
        channels=3 if low.rgb else 1, intensity=base.card.intensity if base else "percentile",
        receptive_radius=0, licence="",
    )  # fmt: skip
    transforms = PlaneStack(low.data, low.axes, card).transforms()
    if any(transforms[channel].span == 0 for channel in channels):
        raise UserError(f"{low.name!r} has the same value everywhere: there is nothing to learn from it")
    return {channel: transforms[channel] for channel in channels}
