"""The model that a fine-tuning ends with, and what its card says of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_srgan.models import Model
from napari_srgan.models.card import SPANDREL, Baseline, HistoryPoint, PairRecord
from napari_srgan.networks import Generator
from napari_srgan.training.dataset.validation import HeldBackScores
from napari_srgan.training.degradation.settings import Degradation
from napari_srgan.training.fine_tuning.dataset import PairDataset
from napari_srgan.training.fine_tuning.training_image import TrainingImage
from napari_srgan.training.pairs.report import PairReport
from napari_srgan.training.recipes.recipe import Recipe
from napari_srgan.training.recipes.trained_card import trained_card


def history_point(validation: HeldBackScores) -> HistoryPoint:
    """A validation as a card keeps it."""
    return HistoryPoint(
        step=validation.step,
        minutes=round(validation.minutes, 3),
        loss=None if math.isnan(validation.loss) else validation.loss,
        psnr=round(validation.mean_psnr, 3),
        best=validation.best,
    )


def finished_model(
    network: Generator,
    recipe: Recipe,
    material: PairDataset,
    history: Sequence[HistoryPoint],
    baseline: Baseline,
    *,
    base: Model | None,
    records: tuple[PairRecord, ...],
) -> Model:
    """The trained network with its card.

    Parameters
    ----------
    network
        The weights that are kept, on the CPU.
    recipe
        How they were trained.
    material
        On what, and on what they are judged.
    history
        All validations.
    baseline
        What had to be beaten.
    base
        What was started from.
    records
        The images.
    """
    last = history[-1]
    card = trained_card(
        recipe,
        network,
        trained=(
            f"{last.step} steps of {recipe.batch} patches of {recipe.patch} pixels "
            f"in {last.minutes:.1f} minutes, " + (f"from {base.name}" if base else "from scratch")
        ),
        psnr=material.validate(network, next(network.parameters()).device),
        bicubic=material.bicubic,
        protocol=material.judge.protocol,
        attribution=base.card.attribution if base else (),
    )
    card = card.model_copy(
        update={
            "arguments": base.card.arguments if base and recipe.architecture == SPANDREL else card.arguments,
            "border": base.card.border if base else None,
            "trained_input": material.trained_input,
            "history": tuple(history),
            "baseline": baseline,
            "pairs": records,
            "result": material.result,
        }
    )
    # Of a model that is not to be used, errors are nothing to go by; and distances to predictions are none.
    if card.beats_rivals and not any(record.predicted_by for record in records):
        errors = material.judge.error_table(network, next(network.parameters()).device)
        card = card.model_copy(update={"errors": errors})
    return Model(network.requires_grad_(False), card)


def predicted_notes(subject: TrainingImage) -> tuple[str, ...]:
    """Say that what counted as truth was made by a model; nothing of measured images."""
    if not subject.predicted_by:
        return ()
    return (
        f"the high-resolution image of {subject.name!r} is a prediction of {subject.predicted_by}: figures "
        "say how well that model is imitated, not how right results are",
    )


def records_of(
    subjects: Sequence[TrainingImage],
    reports: Sequence[PairReport],
    degradation: Degradation | None,
    *,
    shift_corrected: bool,
    notes: tuple[str, ...],
) -> tuple[PairRecord, ...]:
    """What a card keeps of the images.

    Parameters
    ----------
    subjects
        The images.
    reports
        Reports of measured pairs, in the same order; none where low resolution was simulated.
    degradation
        How it was simulated.
    shift_corrected
        Whether the high-resolution images were moved.
    notes
        What was done to the base for them.
    """
    if degradation is not None:
        what = "low resolution" if degradation.factor > 1 else "its noisy or blurred partner"
        how = f"{what} simulated: {degradation}"
        return tuple(
            PairRecord(
                name=subject.name,
                shape=subject.shape,
                simulated=True,
                predicted_by=subject.predicted_by,
                notes=(*notes, *subject.notes, how),
            )
            for subject in subjects
        )
    return tuple(
        PairRecord(
            name=subject.name,
            shape=subject.shape,
            shift=report.shift,
            shift_corrected=shift_corrected,
            gain=report.gain,
            offset=report.offset,
            predicted_by=subject.predicted_by,
            notes=(*notes, *subject.notes, *report.notes),
        )
        for subject, report in zip(subjects, reports, strict=True)
    )
