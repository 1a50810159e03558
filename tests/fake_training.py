"""A training that learns nothing, fast, and tells of it as a real one does."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_srgan.models import Model, Quality
from napari_srgan.models.card import Baseline, HistoryPoint
from napari_srgan.training.fine_tuning.progress import Preview, SplitPicture, TrainingProgress
from napari_srgan.training.loop.stop_request import Request

BICUBIC, BASE = 25.0, 26.0
ENDLESS = 10**9
ROLES = np.repeat(np.array([[1, 1, 1, 3, 2, 2]], np.int8), 4, axis=0)


@dataclass
class FakeTraining:
    """Callable like the real job; what it does is set by the test."""

    tiny_model: Any
    steps: int = 20
    psnr: float = 27.0
    """In the end."""
    error: Exception | None = None
    """Raised in place of training."""
    reading: int = 1
    """Yields before training."""
    preview_every: int = 5
    notes: tuple[str, ...] = ()
    step: int = 0
    calls: list[dict[str, Any]] = field(default_factory=list)

    def __call__(
        self, pairs: Any, *, base: Any, settings: Any, checkpoint: Path, noise_of: Any = None
    ) -> Generator[TrainingProgress, Request | None, Model]:
        self.calls.append(
            {
                "pairs": pairs,
                "base": base,
                "settings": settings,
                "checkpoint": checkpoint,
                "noise_of": noise_of,
            }
        )
        for n in range(self.reading):
            time.sleep(0.001)
            yield TrainingProgress(n, self.reading, "Reading", phase="reading")
        if self.error is not None:
            raise self.error
        baseline = Baseline(bicubic=BICUBIC, base=BASE, base_name="microscopy-x2")
        split = tuple(SplitPicture("cells", ROLES, (2, 3)) for _ in pairs)
        yield TrainingProgress(0, 1, "Starting", baseline=baseline, split=split, notes=self.notes)
        history = []
        try:
            for step in range(1, self.steps + 1):
                self.step = step
                time.sleep(0.004)
                told = TrainingProgress(
                    self.step,
                    self.steps,
                    f"Training: step {self.step}",
                    phase="training",
                    step=self.step,
                    loss=1.0,
                )
                if self.step % self.preview_every == 0:
                    point = HistoryPoint(step=self.step, minutes=0.1, loss=1.0, psnr=self.psnr, best=True)
                    history.append(point)
                    told = replace(told, point=point, preview=_preview(self.step))
                if (yield told) is Request.FINISH:
                    break
        finally:
            checkpoint.write_bytes(b"what was learned")
        return self._model(settings.name, tuple(history))

    def _model(self, name: str, history: tuple[HistoryPoint, ...]) -> Model:
        model: Model = self.tiny_model(name=name)
        quality = (Quality(images="held back", psnr=self.psnr, bicubic_psnr=BICUBIC, protocol="held back"),)
        baseline = Baseline(bicubic=BICUBIC, base=BASE, base_name="microscopy-x2")
        about = {"history": history, "baseline": baseline, "quality": quality}
        return replace(model, card=model.card.model_copy(update=about))


def _preview(value: int) -> Preview:
    low, high = np.zeros((8, 8), np.float32), np.full((16, 16), value, np.float32)
    return Preview(low, high, high, high, (0.0, 100.0))
