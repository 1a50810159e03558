"""The training itself, told as the progress of a fine-tuning."""

from __future__ import annotations

from collections.abc import Generator as Iteration
from dataclasses import dataclass, replace
from pathlib import Path

from napari_srgan.models.card import Baseline, HistoryPoint
from napari_srgan.networks import Generator
from napari_srgan.training.fine_tuning.dataset import PairDataset
from napari_srgan.training.fine_tuning.finish import history_point
from napari_srgan.training.fine_tuning.progress import TrainingProgress
from napari_srgan.training.loop.events import Resumed, StepDone, TrainingDiverged
from napari_srgan.training.loop.process_group import ProcessGroup
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.loop.training_loop import train
from napari_srgan.training.recipes.recipe import Recipe

PARTS = 1000
"""Parts of a training, as its progress is counted."""


@dataclass
class RunningTraining:
    """The training itself, told as progress."""

    recipe: Recipe
    material: PairDataset
    baseline: Baseline

    def __post_init__(self) -> None:
        self.history: list[HistoryPoint] = []
        self.minutes = 0.0
        self.position = 0.0
        self.notes: tuple[str, ...] = ()
        """What went wrong, and was lived with."""

    @property
    def recipe_done(self) -> Recipe:
        """What was done of the recipe: a sharp training that was ended early is a faithful one."""
        recipe = self.recipe
        if recipe.gan is None or self.position >= recipe.pixel_part:
            return recipe
        description = recipe.description.removesuffix("sharp") + "faithful"
        return recipe.model_copy(update={"gan": None, "description": description})

    def all(
        self, network: Generator, checkpoint: Path | None, team: ProcessGroup
    ) -> Iteration[TrainingProgress, Request | None, Generator]:
        features = Path()
        loop = train(self.recipe, self.material, checkpoint, features=features, network=network, team=team)
        order: Request | None = None
        try:
            while True:
                try:
                    news = loop.send(order)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                except TrainingDiverged as error:
                    self.history.append(history_point(error.validation))
                    self.notes = (f"{error}; what was good until then is kept: lower the learning rate",)
                    return error.network
                order = None
                self.minutes = news.minutes
                if isinstance(news, Resumed):
                    self.position = news.position
                    for validation in news.history:
                        self.history.append(history_point(validation))
                        told = replace(self._progress(validation.step), point=self.history[-1])
                        order = (yield told) or order
                elif isinstance(news, StepDone):
                    self.position = news.position
                    order = yield self._progress(news.step, loss=news.loss, note=news.note)
                else:
                    self.history.append(history_point(news))
                    order = yield replace(
                        self._progress(news.step), point=self.history[-1], preview=self.material.preview
                    )
        finally:
            loop.close()

    def _progress(self, step: int, *, loss: float | None = None, note: str = "") -> TrainingProgress:
        figure = f"{self.history[-1].psnr:.2f} dB" if self.history else "not judged yet"
        words = f"Training: step {step}, {figure} ({self.baseline.rival} {self.baseline.bicubic:.2f})"
        return TrainingProgress(
            done=int(self.position * PARTS), total=PARTS, message=f"{words}; {note}" if note else words,
            phase="training", step=step, minutes=self.minutes, loss=loss,
        )  # fmt: skip
