"""From a training to a model in the library."""

from __future__ import annotations

import io
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from napari_srgan.errors import UserError
from napari_srgan.models import Model, ModelCard, save_model
from napari_srgan.models.library.user_models import free_name, own_file
from napari_srgan.progress import Job
from napari_srgan.training.fine_tuning.progress import Preview, TrainingProgress
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.viewer.fine_tuning.preview_layers import preview_picture
from napari_srgan.viewer.fine_tuning.saved_run import KeptTraining

_APART = 0.2
"""Seconds between signs of life that only say how far it is: each is drawn."""
FinishedTraining = Generator[TrainingProgress, Request | None, Model]


@dataclass(frozen=True)
class Trained:
    """A model that is done, whether it could be written or not."""

    model: Model
    card: ModelCard | None
    """Its card in the library; None if it is not there."""
    problem: str
    """Why not."""
    kept: KeptTraining
    preview: Preview | None

    @property
    def sentence(self) -> str:
        """What became of it, and whether it is any good."""
        verdict = self.model.card.verdict
        if self.card is None:
            return f"The model is trained, but not in the library: {self.problem}. {verdict}"
        return f"The model {self.card.name} is in the library. {verdict}".strip()

    @property
    def wrong(self) -> bool:
        """Whether it is not where it should be, or not better than what there was."""
        return self.card is None or not self.model.card.beats_rivals

    def saved_again(self) -> Trained:
        """Another try to write it."""
        again = _save(self.model, self.kept, self.preview)
        if again.card is not None:
            self.kept.forget()
        return again


def train_and_save(job: FinishedTraining, kept: KeptTraining) -> Job[Trained]:
    """Run a training, and put the model into the library under a free name.

    Parameters
    ----------
    job
        The training.
    kept
        Where it is kept meanwhile; deleted when the model is written.
    """
    preview: Preview | None = None
    with kept.mine():
        steps = thinned(job)
        try:
            told = next(steps)
            while True:
                preview = told.preview or preview
                told = steps.send((yield told))
        except StopIteration as end:
            model: Model = end.value
        finally:
            steps.close()
        yield TrainingProgress(told.total, told.total, "Saving the model", phase="finishing", step=told.step)
        trained = _save(model, kept, preview)
    if trained.card is not None:
        kept.forget()
    return trained


def thinned(job: FinishedTraining, apart: float = _APART) -> FinishedTraining:
    """Pass on what is news, and of everything else only as much as can be looked at."""
    last = float("-inf")
    try:
        told = next(job)
        while True:
            order = None
            if is_news(told) or time.monotonic() - last >= apart:
                last = time.monotonic()
                order = yield told
            told = job.send(order)
    except StopIteration as end:
        model: Model = end.value
        return model
    finally:
        job.close()


def is_news(told: TrainingProgress) -> bool:
    """Whether it says something that is said only once."""
    once: tuple[Any, ...] = (told.point, told.baseline, told.preview, told.split, told.reports)
    # What takes long is told before it begins; steps are many.
    begins = told.loss is None and told.phase in ("starting", "training", "finishing")
    return begins or any(item is not None and item != () for item in once)


def _save(model: Model, kept: KeptTraining, preview: Preview | None) -> Trained:
    try:
        card = model.card.model_copy(update={"name": free_name(kept.plan.settings.name)})
        save_model(replace(model, card=card), own_file(card.name), picture=_png(preview))
    except UserError as error:
        return Trained(model, None, str(error), kept, preview)
    return Trained(model, card, "", kept, preview)


def _png(preview: Preview | None) -> bytes | None:
    """The last preview, as the model's picture."""
    if preview is None:
        return None
    file = io.BytesIO()
    Image.fromarray((255 * preview_picture(preview)).round().astype(np.uint8)).save(
        file, "PNG", optimize=True
    )
    return file.getvalue()
