"""The mean over the eight orientations of an image."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from tests.conftest import make_tiny_model

import napari_srgan
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.memory import measure_cost
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.models import Model
from upscalings import array_job, image
from upscalings import eager as run_job

RANDOM = np.random.default_rng(0)
NORMALISATIONS = pytest.mark.parametrize("normalisation", ["none", "instance"])


def run(array: Any, model: Model, **options: Any) -> Any:
    return run_job(array, model, **options).data


@NORMALISATIONS
def test_it_is_the_mean_of_eight_results_turned_back(normalisation: str) -> None:
    model, array = make_tiny_model(normalisation=normalisation), image(50, 37)
    results = []
    for turns in range(4):
        results.append(np.rot90(run(np.rot90(array, turns), model), -turns))
        results.append(np.rot90(run(np.rot90(array, turns).T, model).T, -turns))
    np.testing.assert_allclose(run(array, model, self_ensemble=True), np.mean(results, axis=0), atol=2e-3)


@NORMALISATIONS
@pytest.mark.parametrize("channels", [1, 3])
def test_a_turned_image_gives_the_turned_result(normalisation: str, channels: int) -> None:
    model, array = make_tiny_model(normalisation=normalisation, channels=channels), image(45, 60, 3)
    result = run(array, model, self_ensemble=True)
    for turn in (lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: np.rot90(a), lambda a: np.rot90(a, 2)):
        turned = run(np.ascontiguousarray(turn(array)), model, self_ensemble=True)
        np.testing.assert_allclose(turned, turn(result), atol=2e-3)
    plain = run(array, model)
    assert np.abs(run(array[::-1].copy(), model) - plain[::-1]).max() > 0.1


@NORMALISATIONS
def test_tiled_equals_untiled(normalisation: str) -> None:
    model, array = make_tiny_model(normalisation=normalisation), image(90, 61)
    whole = run(array, model, self_ensemble=True, tile=1000)
    np.testing.assert_allclose(run(array, model, self_ensemble=True, tile=20), whole, atol=1e-2)


def test_with_a_halo_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_fade, "MOST_HALO", 4)
    model, array = make_tiny_model(normalisation="instance"), image(70, 50)
    whole = run(array, model, self_ensemble=True, tile=1000)
    tiled = run(array, model, self_ensemble=True, tile=20)
    assert np.sqrt(np.mean((tiled - whole) ** 2)) < 0.02 * np.ptp(whole)


def test_it_takes_hardly_more_memory(tiny_model: Any) -> None:
    model = tiny_model(width=64, activation="relu")
    plain, eight = (
        measure_cost(Engine(model, "cpu", "float32", self_ensemble=wanted)).per_pixel
        for wanted in (False, True)
    )
    assert plain <= eight < 1.2 * plain


def test_progress_and_cancelling_go_through_all_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    count = Watch.__call__

    def counted(self: Watch, *arguments: Any) -> None:
        calls.append(1)
        time.sleep(0.01)  # Looked at by the clock: no machine is so fast that it sees nothing between.
        count(self, *arguments)

    monkeypatch.setattr(Watch, "__call__", counted)
    model = make_tiny_model(blocks=8)
    options: dict[str, Any] = {"self_ensemble": True, "tile": 300, "device": "cpu"}
    said = list(array_job(image(250, 250), model, **options))[1:]
    fractions = [step.fraction for step in said]
    assert fractions == sorted(fractions)
    assert len(calls) == 8 * 19
    assert len({round(fraction, 1) for fraction in fractions}) > 5
    assert "in 8 orientations" in said[0].message
    calls.clear()
    job = array_job(image(250, 250), model, **options)
    while not calls:
        next(job)
    job.close()
    assert len(calls) < 8 * 19


def test_provenance_and_the_api_know_it() -> None:
    model, array = make_tiny_model(), image(24, 24)
    assert run_job(array, model, self_ensemble=True).provenance["self_ensemble"] is True
    assert run_job(array, model).provenance["self_ensemble"] is False
    result = napari_srgan.upscale(array, model, self_ensemble=True, device="cpu", precision="float32")
    np.testing.assert_array_equal(result, run(array, model, self_ensemble=True))
