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
from napari_srgan.training.loop.events import Resumed, StepDone, TrainingDiverged, ValidationBegins
from napari_srgan.training.loop.process_group import ProcessGroup
from napari_srgan.training.loop.stop_request import Request
from napari_srgan.training.loop.training_loop import train
from napari_srgan.training.loop.validation_times import NextValidation
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
                        told = self._progress(validation.step, "Going on with the training")
                        told = replace(told, point=self.history[-1])
                        order = (yield told) or order
                elif isinstance(news, StepDone):
                    self.position = news.position
                    words = [self._step_in_words(news.step, news.next_validation), news.note]
                    order = yield self._progress(news.step, "; ".join(filter(None, words)), loss=news.loss)
                elif isinstance(news, ValidationBegins):
                    self.position = news.position
                    after = f"after step {news.step}" if news.step else "before the first step"
                    order = yield self._progress(news.step, f"Measuring the model {after}")
                else:
                    self.history.append(history_point(news))
                    order = yield replace(
                        self._progress(news.step, self._step_in_words(news.step, None)),
                        point=self.history[-1],
                        preview=self.material.preview,
                    )
        finally:
            loop.close()

    def _step_in_words(self, step: int, planned: NextValidation | None) -> str:
        """How far it is; how good the model was, at which step; and when that is measured again."""
        last = self.history[-1]
        figure = f"{last.psnr:.2f} dB at step {last.step} ({self.baseline.rival} {self.baseline.bicubic:.2f})"
        again = f", measured again {_when(planned)}" if planned is not None else ""
        return f"Training: step {step}; {figure}{again}"

    def _progress(self, step: int, message: str, *, loss: float | None = None) -> TrainingProgress:
        return TrainingProgress(
            done=int(self.position * PARTS), total=PARTS, message=message, phase="training", step=step,
            minutes=self.minutes, loss=loss,
        )  # fmt: skip


def _when(planned: NextValidation) -> str:
    if planned.minutes is None:
        return f"at step {planned.step}"
    seconds = 60 * planned.minutes
    return f"in {max(seconds, 1):.0f} s" if seconds < 90 else f"in {planned.minutes:.0f} min"
