"""The one generator behind every fine-tuning: in a window, in a script, in a shell, on a cluster."""

from __future__ import annotations

from collections.abc import Generator as Iteration
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from napari_srgan.errors import UserError
from napari_srgan.images.factor import rival
from napari_srgan.inference.devices.choice import find_device
from napari_srgan.inference.devices.memory_errors import OutOfMemory, memory_errors_named
from napari_srgan.models import Model, load_model
from napari_srgan.models.card import Baseline
from napari_srgan.networks import Generator, build_network
from napari_srgan.training.degradation.measured import MeasuredNoise, measure_noise
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.degradation.simulate import default_degradation
from napari_srgan.training.fine_tuning.adapt import Start, adapt
from napari_srgan.training.fine_tuning.agreement import (
    agreed_channels,
    agreed_factor,
    check_is_measured,
    check_noise_of,
)
from napari_srgan.training.fine_tuning.dataset import PairDataset
from napari_srgan.training.fine_tuning.finish import finished_model, predicted_notes, records_of
from napari_srgan.training.fine_tuning.load_images import read_all_job
from napari_srgan.training.fine_tuning.memory import batch_for
from napari_srgan.training.fine_tuning.plan import patch_for, recipe_for, scratch_arguments
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.fine_tuning.run import PARTS, RunningTraining
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.training.fine_tuning.temporal_needs import InTime, check_movies, in_time_of
from napari_srgan.training.fine_tuning.training_image import Framing, TrainingImage
from napari_srgan.training.loop.checkpoint import check_room
from napari_srgan.training.loop.optimiser import import_optimisers
from napari_srgan.training.loop.process_group import ProcessGroup, SingleProcess, whole_shares
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.training.pairs.source import SourceImage

MOST_GUARD = 48
"""Low-resolution pixels: what lies farther away, deep networks hardly see (as with tiles)."""
_FEW = 3
"""Images that are named one by one in a description."""
FineTuningJob = Iteration[TrainingProgress, Request | None, Model]


def fine_tune_job(
    pairs: Sequence[MatchedPair | SourceImage],
    *,
    base: Model | str | None,
    settings: FineTuning | None = None,
    checkpoint: Path | None = None,
    team: ProcessGroup | None = None,
    noise_of: SourceImage | None = None,
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
        The processes that train together; None: this one alone.
    noise_of
        An image whose noise and blur are simulated in high-resolution images alone, see
        :meth:`~napari_srgan.training.degradation.measured.MeasuredNoise.degradation`; the card names it.

    Yields
    ------
    TrainingProgress
        What is being done, and while training every step.

    Returns
    -------
    Model
        The best weights, with a card that tells how well they do on what was held back, and
        whether that is better than bicubic interpolation (or, at a factor of 1, than the input and its best
        Gaussian blur) and the base.

    Raises
    ------
    UserError
        If a pair is none, an image cannot be learned from, a choice does not fit, or memory
        or disk are too small; said before the training wherever it can be known.
    """
    try:
        return (yield from _fine_tune(pairs, base, settings or FineTuning(), checkpoint, team, noise_of))
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
    team: ProcessGroup | None,
    noise_of: SourceImage | None,
) -> FineTuningJob:
    for pair in pairs:
        check_is_measured(pair.high if isinstance(pair, MatchedPair) else pair, settings)
    _check_noise(pairs, settings, noise_of)
    named = base.name if isinstance(base, Model) else base
    yield _preparing(f"Loading PyTorch and {named}" if named else "Loading PyTorch")
    import_optimisers()
    choice = find_device(settings.device)
    team = team or SingleProcess(choice.device)
    loaded = load_model(base) if isinstance(base, str) else base
    factor = agreed_factor(pairs, loaded, settings)
    channels = agreed_channels(pairs)
    in_time = _in_time(pairs, loaded, settings, channels=channels, factor=factor)
    reports, subjects = yield from read_all_job(pairs, loaded, factor, settings, in_time)

    yield _preparing("Preparing the images: what is learned from, and what is held back")
    noise = None if noise_of is None else _measured(noise_of)
    degradation = None if reports else _degradation(subjects, factor, settings, noise)
    # Where low resolution is nothing but high resolution downsampled, results can be made to agree with it.
    keeps_agreement = degradation is not None and degradation.only_downsamples
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
        in_time=in_time,
    )
    material = PairDataset(subjects, framing, settings, degradation)
    left_out = [note for subject in subjects for note in (*predicted_notes(subject), *subject.notes)]
    if choice.note and team.device == choice.device:
        left_out.append(choice.note)
    notes = (*start.notes, *material.notes, *_met_before(loaded, material), *_only_deblurs(degradation))
    yield _preparing("Measuring how many patches fit into memory")
    network = memory_errors_named(lambda: start.network.to(team.device))
    recipe = recipe_for(
        settings,
        base=loaded,
        architecture=start.architecture,
        arguments=start.arguments,
        intensity=framing.intensity,
        back_projection=loaded.network.back_projection if keeps_agreement and loaded else False,
        batch=settings.batch or _shared_batch(network, framing, team),
        patch=patch,
        data=material.fingerprint,
        names=_learned_from(subjects, noise_of, noise),
        two_modalities=material.result is not None,
    )
    if checkpoint is not None:
        check_room(checkpoint, network)
    rivals = rival(factor) if loaded is None else f"{rival(factor)} and {loaded.name}"
    yield _preparing(f"Measuring {rivals} on what is held back")
    baseline = _baseline(material, loaded, framing)
    yield TrainingProgress(
        0, PARTS, _starting_words((*left_out, *notes), baseline), phase="starting", baseline=baseline,
        split=material.pictures, notes=(*left_out, *notes),
    )  # fmt: skip
    # What the training does not need any more: the images as they were.
    subjects = [replace(subject, planes=[]) for subject in subjects]
    run = RunningTraining(recipe, material, baseline)
    trained = yield from run.all(network, checkpoint, team)
    yield TrainingProgress(
        PARTS, PARTS, "Measuring the model that is kept", phase="finishing", step=run.history[-1].step,
        minutes=run.minutes,
    )  # fmt: skip
    records = records_of(
        subjects, reports, degradation, shift_corrected=settings.correct_shift, notes=(*notes, *run.notes)
    )
    return finished_model(
        trained, run.recipe_done, material, run.history, baseline, base=loaded, records=records
    )


def _preparing(what: str) -> TrainingProgress:
    return TrainingProgress(0, 1, what, phase="starting")


def _check_noise(
    pairs: Sequence[MatchedPair | SourceImage], settings: FineTuning, noise_of: SourceImage | None
) -> None:
    """Refuse what leaves an image whose noise is meant without a use."""
    if noise_of is None:
        return
    if any(isinstance(pair, MatchedPair) for pair in pairs):
        raise UserError(
            f"the noise of {noise_of.name!r} is simulated in high-resolution images; pairs have noise of "
            "their own: give either pairs, or high-resolution images alone"
        )
    if settings.degradation is not None:
        raise UserError(
            f"noise and blur are either those of {noise_of.name!r} or given as degradation; give one of them"
        )
    check_noise_of(noise_of, [pair for pair in pairs if isinstance(pair, SourceImage)])


def _measured(noise_of: SourceImage) -> MeasuredNoise:
    try:
        return measure_noise(noise_of.data, noise_of.axes)
    except UserError as error:
        raise UserError(f"{noise_of.name!r}: {error}") from error


def _learned_from(
    subjects: list[TrainingImage], noise_of: SourceImage | None, noise: MeasuredNoise | None
) -> str:
    """What a model is for, or what it has learned from."""
    names = ", ".join(subject.name for subject in subjects)
    if noise_of is None or noise is None:
        return names
    source = f"{len(subjects)} images" if len(subjects) > _FEW else names
    return f"For the noise of {noise_of.name} ({noise.words}), simulated in {source}"


def _degradation(
    subjects: list[TrainingImage], factor: int, settings: FineTuning, noise: MeasuredNoise | None
) -> Degradation:
    if settings.degradation is not None and settings.degradation.factor != factor:
        raise UserError(
            f"low resolution would be simulated for x{settings.degradation.factor}, the model is "
            f"for x{factor}; give both one factor"
        )
    highs = [_without_single(plane.high) for each in subjects for plane in each.planes]
    if noise is None:
        chosen = settings.degradation or default_degradation(highs, factor)
    else:
        chosen = noise.degradation(highs, factor)
    if factor == 1 and chosen.only_downsamples:
        raise UserError(
            "there is nothing to learn: the images that are simulated have the size of the high-resolution "
            "ones, and neither blur nor noise; give the simulation a blur, a gain or a read noise, or choose "
            "a factor above 1"
        )
    return chosen if settings.noise is None else replace(chosen, noise=settings.noise)


def _without_single(plane: NDArray[Any]) -> NDArray[Any]:
    """A plane ``(Y, X, K)``, or ``(Y, X)`` if it has no colours: as a user has it."""
    return plane[..., 0] if plane.shape[-1] == 1 else plane


def _only_deblurs(degradation: Degradation | None) -> tuple[str, ...]:
    """What becomes of noise that a model has never seen, where it is to leave the size as it is."""
    if degradation is None or degradation.factor > 1 or degradation.noisy:
        return ()
    return (
        "the images that are simulated have no noise: the model learns to deblur alone, which makes noise "
        "stronger; give the simulation a gain or a read noise, and it learns to take that off",
    )


def _start(
    base: Model | None, settings: FineTuning, *, channels: int, factor: int, back_projection: bool
) -> Start:
    if base is not None:
        return adapt(base, channels=channels, factor=factor, back_projection=back_projection)
    network, arguments = _from_scratch(settings, channels=channels, factor=factor)
    return Start(network.train(), settings.architecture, arguments)


def _from_scratch(settings: FineTuning, *, channels: int, factor: int) -> tuple[Generator, dict[str, Any]]:
    arguments = scratch_arguments(settings, channels=channels, factor=factor)
    try:
        return build_network(settings.architecture, arguments), arguments
    except (TypeError, ValueError) as error:
        raise UserError(f"a network cannot be built from scratch for x{factor}: {error}") from error


def _in_time(
    pairs: Sequence[MatchedPair | SourceImage],
    base: Model | None,
    settings: FineTuning,
    *,
    channels: int,
    factor: int,
) -> InTime:
    """How the network will see time; images that are nothing for it are refused before they are read."""
    network = base.network if base else _from_scratch(settings, channels=channels, factor=factor)[0]
    in_time = in_time_of(network)
    check_movies(pairs, in_time, base.name if base else settings.architecture)
    return in_time


def _shared_batch(network: Generator, framing: Framing, team: ProcessGroup) -> int:
    """As many patches as the first process has memory for, and a whole share for each."""
    fits = batch_for(network, framing.channels, framing.patch, team.device, framing.in_time)
    return whole_shares(int(team.agree(float(fits))), team.size)


def _baseline(material: PairDataset, base: Model | None, framing: Framing) -> Baseline:
    def mean(figures: dict[str, float]) -> float:
        return sum(figures.values()) / len(figures)

    figure = None
    if base is not None and (base.scale_factor, base.card.channels) == (framing.factor, framing.channels):
        figure = mean(material.judge.judge(base.network, torch.device("cpu")))
    return Baseline(
        bicubic=mean(material.bicubic),
        rival=rival(framing.factor),
        smoothed=None if framing.factor > 1 else mean(material.judge.smoothed()),
        base=figure,
        base_name=base.name if base is not None else "",
    )


def _starting_words(notes: Sequence[str], baseline: Baseline) -> str:
    return "; ".join([*notes, f"{baseline.rival} has {baseline.bicubic:.2f} dB on what is held back"])


def _met_before(base: Model | None, material: PairDataset) -> tuple[str, ...]:
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
