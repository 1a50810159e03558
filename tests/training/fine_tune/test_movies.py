"""Fine-tuning on time-lapses: frames help each other, and nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.training.fine_tune.conftest import run
from tests.training.fine_tune.movies import KINDS, movie, movie_pair, temporal_model

from napari_srgan.models import read_model, save_model
from napari_srgan.training.degrade import Degradation
from napari_srgan.training.pairs.source import SourceImage

NOISY = Degradation(2, blur=(0.0, 0.3), read_noise=(300.0, 300.0))


def test_a_noisy_movie_makes_a_temporal_base_better_than_bicubic_and_than_it_was(tmp_path: Path) -> None:
    base = temporal_model()
    model, told = run([movie_pair(movie(), noise=1000)], base=base, steps=150, validate_every=50)
    card = model.card
    assert card.frames == base.card.frames == 3
    assert card.baseline is not None
    assert card.baseline.base is not None
    assert card.quality[0].psnr > card.baseline.bicubic + 1
    assert card.quality[0].psnr > card.baseline.base + 1
    assert card.verdict.startswith("Better than bicubic interpolation and the base tiny-early-fusion")
    assert read_model(save_model(model, tmp_path / "mine.safetensors")).card == card
    preview = next(step.preview for step in told if step.preview)
    assert preview.now.shape == preview.high.shape == tuple(2 * side for side in preview.low.shape)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("simulated", [False, True])
def test_all_kinds_learn_from_pairs_and_from_high_resolution_alone(kind: str, simulated: bool) -> None:
    high = movie(8)
    images: Any = [SourceImage("high", high, "TYX")] if simulated else [movie_pair(high)]
    options: dict[str, Any] = {"degradation": NOISY} if simulated else {}
    model, _ = run(images, base=temporal_model(kind), steps=4, validate_every=2, **options)
    assert model.card.architecture == kind
    assert model.card.frames == temporal_model(kind).card.frames
    assert [point.step for point in model.history] == [0, 2, 4]
