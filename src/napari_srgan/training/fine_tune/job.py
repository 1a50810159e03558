"""The one generator behind every fine-tuning: in a window, in a script, in a shell, on a cluster."""

from __future__ import annotations

from collections.abc import Generator as Iteration
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

import psutil
import torch

from napari_srgan.errors import UserError
from napari_srgan.inference.engine import OutOfMemory, choose_device
from napari_srgan.inference.planes import PlaneStack
from napari_srgan.models import Model, ModelCard, load_model
from napari_srgan.models.card import Baseline
from napari_srgan.networks import Generator, build_network
from napari_srgan.progress import Job
from napari_srgan.training.degrade import Degradation, default_degradation
from napari_srgan.training.fine_tune.adapt import Start, adapt
from napari_srgan.training.fine_tune.brightness import Relation
from napari_srgan.training.fine_tune.finish import finished_model, records_of
from napari_srgan.training.fine_tune.material import PairMaterial
from napari_srgan.training.fine_tune.memory import batch_for
from napari_srgan.training.fine_tune.plan import patch_for, recipe_for, scratch_arguments
from napari_srgan.training.fine_tune.progress import TrainingProgress
from napari_srgan.training.fine_tune.reading import common_part, read_high_job
from napari_srgan.training.fine_tune.running import PARTS, RunningTraining
from napari_srgan.training.fine_tune.settings import FineTuning
from napari_srgan.training.fine_tune.subject import Framing, Subject
from napari_srgan.training.optimiser import import_optimisers
from napari_srgan.training.orders import Order
from napari_srgan.training.pairs.aligned import read_pair_job
from napari_srgan.training.pairs.budget import plan
from napari_srgan.training.pairs.check import check_pair_job
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.report import PairReport
from napari_srgan.training.pairs.source import SourceImage
from napari_srgan.training.room import check_room
from napari_srgan.training.team import Alone, Team, whole_shares

MOST_GUARD = 48
"""Low-resolution pixels: what lies farther away, deep networks hardly see (as with tiles)."""
READING_SHARE = 0.15
"""Part of the machine's memory that copies of the images may take. Not of what is free: a training that
goes on has to choose the same planes again."""

FineTuningJob = Iteration[TrainingProgress, Order | None, Model]


def fine_tune_job(
    pairs: Sequence[MatchedPair | SourceImage],
    *,
    base: Model | str | None,
    settings: FineTuning | None = None,
    checkpoint: Path | None = None,
    team: Team | None = None,
) -> FineTuningJob:
    """Fine-tune a model on a user's own images.

    Everything is read into memory before the training; layers that are edited or deleted after
    that change nothing. Closing the job writes the checkpoint and makes no model;
    ``job.send(Order.FINISH)`` stops after a step and keeps the best.

    Parameters
    ----------
    pairs
        Low and high resolution of the same fields; or high-resolution images alone, from which low
        resolution is simulated. Not some of both.
    base
        A model or its name; None: from scratch.
    settings
        What else can be chosen.
    checkpoint
        File to write to at each validation, and to go on from if it exists.
    team
        The processes that train together; this one alone if unsaid.

    Yields
    ------
    TrainingProgress
        What is being done, and while training every step.

    Returns
    -------
    Model
        The best weights, with a card that tells how well they do on what was held back, and
        whether that is better than bicubic interpolation and the base.

    Raises
    ------
    UserError
        If a pair is none, an image cannot be learned from, a choice does not fit, or memory
        or disk are too small; said before the training wherever it can be known.
    """
    try:
        return (yield from _fine_tune(pairs, base, settings or FineTuning(), checkpoint, team))
    except OutOfMemory as error:
        raise UserError(
            f"there is not enough memory for this training ({error}); choose smaller patches, a smaller "
            "base, or another device"
        ) from error


def _fine_tune(
    pairs: Sequence[MatchedPair | SourceImage],
    base: Model | str | None,
    settings: FineTuning,
    checkpoint: Path | None,
    team: Team | None,
) -> FineTuningJob:
    import_optimisers()
    team = team or Alone(choose_device(settings.device))
    loaded = load_model(base) if isinstance(base, str) else base
    factor = _factor(pairs, loaded, settings)
    reports, subjects = yield from _read(pairs, loaded, factor, settings)

    yield TrainingProgress(0, 1, "Starting", phase="starting")
    channels = _channels(pairs)
    degradation = None if reports else _degradation(subjects, factor, settings)
    # Where low resolution is nothing but high resolution downsampled, results can be made to agree with it.
    keeps_agreement = degradation is not None and _only_downsamples(degradation)
    torch.manual_seed(settings.seed)  # layers that a base has to get anew are drawn
    start = _start(loaded, settings, channels=channels, factor=factor, back_projection=keeps_agreement)
    smallest = min(min(plane.usable.shape) for subject in subjects for plane in subject.planes)
    patch = patch_for(settings, smallest)
    framing = Framing(
        factor=factor,
        channels=channels,
        intensity=loaded.card.intensity if loaded else "percentile",
        guard=min(start.network.receptive_radius, MOST_GUARD),
        patch=patch,
    )
    material = PairMaterial(subjects, framing, settings, degradation)
    notes = (*start.notes, *material.notes, *_met_before(loaded, material))
    network = start.network.to(team.device)
    recipe = recipe_for(
        settings,
        base=loaded,
        architecture=start.architecture,
        arguments=start.arguments,
        intensity=framing.intensity,
        back_projection=keeps_agreement and loaded is not None and loaded.network.back_projection,
        batch=settings.batch or _shared_batch(network, channels, patch, team),
        patch=patch,
        data=material.fingerprint,
        names=", ".join(subject.name for subject in subjects),
        two_modalities=material.result is not None,
    )
    if checkpoint is not None:
        check_room(checkpoint, network)
    baseline = _baseline(material, loaded, framing)
    yield TrainingProgress(
        0, PARTS, _starting_words(notes, baseline), phase="starting", baseline=baseline,
        split=material.pictures,
    )  # fmt: skip
    # What the training does not need any more: the images as they were.
    subjects = [replace(subject, planes=[]) for subject in subjects]
    run = RunningTraining(recipe, material, baseline)
    trained = yield from run.all(network, checkpoint, team)
    records = records_of(
        subjects, reports, degradation, shift_corrected=settings.correct_shift, notes=(*notes, *run.notes)
    )
    return finished_model(
        trained, run.recipe_done, material, run.history, baseline, base=loaded, records=records
    )


def _read(
    pairs: Sequence[MatchedPair | SourceImage], base: Model | None, factor: int, settings: FineTuning
) -> Iteration[TrainingProgress, Order | None, tuple[tuple[PairReport, ...], list[Subject]]]:
    """Check and read everything."""
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
    subjects: list[Subject] = []
    for pair, report in zip(measured, reports, strict=True):
        reading = read_pair_job(
            pair, report, correct_shift=settings.correct_shift, budget=budget,
            despite_problem=settings.despite_check,
        )  # fmt: skip
        planes = yield from _as_training(reading, "reading")
        planes = common_part([plane for plane in planes if plane.usable.any()], factor)
        channels = {plane.channel for plane in planes}
        whole = (report.gain, report.offset)
        note = plan(pair, budget).note
        subjects.append(
            Subject(
                name=_free(pair.name, subjects),
                planes=planes,
                leading=pair.low.axes[: pair.low.axes.index("Y")],
                shape=tuple(pair.low.data.shape),
                field=pair.low.plane_shape,
                seen=_seen(pair.low, base, channels),
                relations={channel: Relation(*report.relations.get(channel, whole)) for channel in channels},
                notes=(note,) if note else (),
            )
        )
    for image in pairs:
        if isinstance(image, SourceImage):
            planes, note = yield from _as_training(read_high_job(image, factor, budget=budget), "reading")
            subjects.append(
                Subject(
                    name=_free(image.name, subjects),
                    planes=planes,
                    leading=image.axes[: image.axes.index("Y")],
                    shape=tuple(image.data.shape),
                    field=(planes[0].usable.shape[0], planes[0].usable.shape[1]),
                    seen={},
                    relations={},
                    notes=(note,) if note else (),
                )
            )
    return tuple(reports), subjects


def _free(name: str, subjects: Sequence[Subject]) -> str:
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


def _factor(pairs: Sequence[MatchedPair | SourceImage], base: Model | None, settings: FineTuning) -> int:
    """The scale factor that all pairs, the base and the user agree on."""
    if not pairs:
        raise UserError("there is nothing to learn from; give at least one pair, or a high-resolution image")
    measured = {pair.factor for pair in pairs if isinstance(pair, MatchedPair)}
    if measured and any(isinstance(pair, SourceImage) for pair in pairs):
        raise UserError(
            "pairs and images without a partner cannot be learned from together; train on one kind, then "
            "fine-tune that model on the other"
        )
    if len(measured) > 1:
        found = ", ".join(f"x{factor}" for factor in sorted(measured))
        raise UserError(f"all pairs must have one scale factor; these have {found}")
    wanted = settings.factor
    factor = measured.pop() if measured else wanted or (base.scale_factor if base else None)
    if factor is None:
        raise UserError("say the scale factor: neither a pair nor a base tells it")
    if wanted is not None and wanted != factor:
        raise UserError(f"the pairs have scale factor x{factor}, not x{wanted}")
    if base is not None and base.scale_factor != factor and wanted is None:
        raise UserError(
            f"these pairs are x{factor}, {base.name} is x{base.scale_factor}: choose a base of x{factor}, or "
            f"say that the factor shall be {factor}; then the base's last layers are made anew"
        )
    return factor


def _channels(pairs: Sequence[MatchedPair | SourceImage]) -> int:
    images = [pair.low if isinstance(pair, MatchedPair) else pair for pair in pairs]
    kinds = {image.rgb for image in images}
    if len(kinds) > 1:
        raise UserError("some images are RGB and others are not; a model learns one kind")
    return 3 if kinds.pop() else 1


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


def _degradation(subjects: list[Subject], factor: int, settings: FineTuning) -> Degradation:
    if settings.degradation is None:
        return default_degradation([plane.high for each in subjects for plane in each.planes], factor)
    if settings.degradation.factor != factor:
        raise UserError(
            f"low resolution would be simulated for x{settings.degradation.factor}, the model is "
            f"for x{factor}"
        )
    return settings.degradation


def _only_downsamples(degradation: Degradation) -> bool:
    noise = (degradation.gain or (0.0, 0.0))[1] + degradation.read_noise[1]
    return degradation.psf is None and degradation.blur[1] == 0 and noise == 0


def _start(
    base: Model | None, settings: FineTuning, *, channels: int, factor: int, back_projection: bool
) -> Start:
    if base is not None:
        return adapt(base, channels=channels, factor=factor, back_projection=back_projection)
    arguments = scratch_arguments(settings, channels=channels, factor=factor)
    try:
        network = build_network(settings.architecture, arguments)
    except (TypeError, ValueError) as error:
        raise UserError(f"a network cannot be built from scratch for x{factor}: {error}") from error
    return Start(network.train(), settings.architecture, arguments)


def _shared_batch(network: Generator, channels: int, patch: int, team: Team) -> int:
    """As many patches as the first process has memory for, and a whole share for each."""
    return whole_shares(int(team.agree(float(batch_for(network, channels, patch, team.device)))), team.size)


def _baseline(material: PairMaterial, base: Model | None, framing: Framing) -> Baseline:
    def mean(figures: dict[str, float]) -> float:
        return sum(figures.values()) / len(figures)

    figure = None
    if base is not None and (base.scale_factor, base.card.channels) == (framing.factor, framing.channels):
        figure = mean(material.judge.judge(base.network, torch.device("cpu")))
    return Baseline(
        bicubic=mean(material.bicubic), base=figure, base_name=base.name if base is not None else ""
    )


def _starting_words(notes: Sequence[str], baseline: Baseline) -> str:
    return "; ".join([*notes, f"bicubic has {baseline.bicubic:.2f} dB on what is held back"])


def _met_before(base: Model | None, material: PairMaterial) -> tuple[str, ...]:
    """Whether what is held back may be no news to the base."""
    if base is None:
        return ()
    data = str(base.card.recipe.get("data", ""))
    if data == material.fingerprint or data.split("-")[0] != material.images:
        return ()
    return (
        f"{base.name} was trained on these images with another part held back: what is held back now is "
        "not new to it, and figures are better than they would be on new images",
    )
