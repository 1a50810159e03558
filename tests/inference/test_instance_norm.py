"""Networks that normalise over the image: tiles are normalised as the whole plane would be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import make_tiny_model

from napari_srgan.images.upscaled import Upscaled
from napari_srgan.images.zarr.read import open_finished_store
from napari_srgan.inference.devices import memory
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.device_memory import LiveTensors
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.plane_statistics import Windows, plan_sample
from napari_srgan.inference.tiles.tiling import SMALLEST_TILE
from napari_srgan.models import Model
from napari_srgan.networks import Generator
from napari_srgan.networks.generator import GeneratorArguments
from upscalings import array_job, zarr_job

RANDOM = np.random.default_rng(0)
LITTLE_MEMORY = 3e6
"""Bytes that hold a sample of the images here, but not all of one."""


def instance_model(**arguments: Any) -> Model:
    return make_tiny_model(**({"normalisation": "instance"} | arguments))


def uneven(*shape: int, dtype: Any = np.float32) -> Any:
    """Noise whose mean and contrast differ from place to place, so that tiles cannot stand for each other."""
    y, x = np.mgrid[: shape[0], : shape[1]] / 40
    ground = np.abs(np.sin(x) + np.cos(1.3 * y))
    noise = RANDOM.random(shape)
    return ((ground.reshape(*ground.shape, *(1,) * (len(shape) - 2)) * noise) * 200).astype(dtype)


def finish(job: Any) -> tuple[Upscaled, list[Any]]:
    """A job's result and what it said."""
    said = []
    while True:
        try:
            said.append(next(job))
        except StopIteration as end:
            return end.value, said


def run(array: Any, model: Model, **options: Any) -> Upscaled:
    return finish(array_job(array, model, **({"device": "cpu", "precision": "float32"} | options)))[0]


def assert_same(result: Any, expected: Any) -> None:
    """Equal within 1e-4 of the range of what is expected; the promise is 1e-3."""
    span = float(np.nanmax(expected) - np.nanmin(expected)) or 1.0
    np.testing.assert_allclose(result, expected, atol=1e-4 * span, rtol=0)


# --- Tiled equals untiled ------------------------------------------------------------


@settings(max_examples=30)
@given(
    height=st.integers(1, 120),
    width=st.integers(1, 120),
    tile=st.integers(16, 130),
    factor=st.sampled_from([1, 2, 3]),
    activation=st.sampled_from(["prelu", "relu"]),
    trunk_end=st.sampled_from(["normalisation", "activation"]),
    holes=st.booleans(),
)
def test_tiled_equals_untiled(
    height: int, width: int, tile: int, factor: int, activation: str, trunk_end: str, holes: bool
) -> None:
    model = instance_model(scale_factor=factor, activation=activation, trunk_end=trunk_end, blocks=3)
    array = uneven(height, width)
    if holes:
        array[: height // 3, : width // 3] = np.nan
    assert_same(run(array, model, tile=tile).data, run(array, model, tile=1000).data)


def test_a_tile_by_itself_would_differ() -> None:
    """What the tests above would find if every tile took its own statistics."""
    model, array = instance_model(), uneven(100, 100)
    whole = run(array, model).data
    alone = run(np.ascontiguousarray(array[:40, :40]), model).data
    assert np.abs(alone[:40, :40] - whole[:40, :40]).max() > 0.01 * np.ptp(whole)


def test_a_region_has_the_statistics_of_the_whole_plane() -> None:
    model, array = instance_model(), uneven(110, 90)
    whole = run(array, model).data
    part = run(array, model, region=((20, 51), (3, 80)))
    assert_same(part.data, whole[40:102, 6:160])
    assert part.provenance["statistics"] == "whole plane"
    assert_same(run(array, model, region=((20, 51), (3, 80)), tile=16).data, whole[40:102, 6:160])


@pytest.mark.parametrize("channels", [1, 3])
def test_colours(channels: int) -> None:
    model, array = instance_model(channels=channels), uneven(90, 70, 3)
    array[..., 1] *= 0.1
    assert_same(run(array, model, tile=32).data, run(array, model, tile=1000).data)


def test_colours_have_their_own_statistics_in_models_of_one_channel() -> None:
    model, array = instance_model(intensity="byte"), uneven(90, 70, 3, dtype=np.uint8)
    tiled = run(array, model, tile=32).data
    for k in range(3):
        np.testing.assert_allclose(tiled[..., k], run(array[..., k], model).data, atol=1)


def test_planes_have_their_own_statistics() -> None:
    model = instance_model()
    stack = np.stack([uneven(60, 70) * scale for scale in (1, 0.2, 3)])
    assert_same(run(stack, model, tile=32, axes="ZYX").data, run(stack, model, tile=1000, axes="ZYX").data)


def test_zarr(tmp_path: Path) -> None:
    model, array = instance_model(), uneven(90, 70, dtype=np.uint16)
    out = tmp_path / "out.zarr"
    finish(zarr_job(array, model, out, tile=32, device="cpu", precision="float32"))
    np.testing.assert_allclose(
        open_finished_store(out)[:].astype(float), run(array, model).data.astype(float), atol=1
    )


def test_upsampled_features_may_be_normalised_too() -> None:
    class Tail(Generator):
        """Normalises at both resolutions, with torch's own layer at the second."""

        receptive_radius = 3

        def __init__(self) -> None:
            super().__init__(GeneratorArguments(2, 1))
            torch.manual_seed(0)
            self.layers = torch.nn.Sequential(
                torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.InstanceNorm2d(8, affine=True), torch.nn.ReLU(),
                torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.PixelShuffle(2),
                torch.nn.InstanceNorm2d(2), torch.nn.Conv2d(2, 1, 3, padding=1),
            )  # fmt: skip

        def forward(self, low: torch.Tensor) -> torch.Tensor:
            return self.layers(low.to(self.layers[0].weight.dtype)).float()

    card = make_tiny_model().card.model_copy(update={"receptive_radius": 3})
    model = Model(Tail().eval(), card)
    assert model.network.needs_plane_statistics
    array = uneven(70, 80)
    assert_same(run(array, model, tile=20).data, run(array, model, tile=1000).data)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_fast_precisions_are_near_float32(precision: str) -> None:
    model, array = instance_model(), uneven(90, 80)
    exact = run(array, model).data
    error = (run(array, model, tile=32, precision=precision).data - exact) / np.ptp(exact)
    assert -10 * np.log10(np.mean(error**2)) > 35


def test_statistics_are_gathered_again_in_float32_where_a_tile_is_not_finite() -> None:
    model, array = instance_model(), uneven(60, 60)
    model.network.head[0].weight.data *= 1e6
    half = run(array, model, tile=32, precision="float16")
    assert_same(half.data, run(array, model).data)


# --- Samples of large planes --------------------------------------------------------------


def test_a_sample_is_said_and_near(monkeypatch: pytest.MonkeyPatch) -> None:
    model, array = instance_model(), uneven(400, 500)
    exact = run(array, model, tile=100)
    assert exact.provenance["statistics"] == "whole plane"
    monkeypatch.setattr(memory, "GATHERING_BUDGET", LITTLE_MEMORY * 3)
    job = array_job(array, model, device="cpu", precision="float32", tile=100)
    sampled, said = finish(job)
    assert sampled.provenance["statistics"].endswith("% of the plane")
    messages = [step.message for step in said]
    assert any(message.startswith("Measuring a sample") and "tiny" in message for message in messages)
    assert "normalised by a sample" in messages[-1]
    error = (sampled.data - exact.data) / np.ptp(exact.data)
    assert -10 * np.log10(np.mean(error**2)) > 30


@pytest.mark.parametrize("shape", [(400, 500), (20, 4000), (4000, 9), (2000, 60)])
@pytest.mark.parametrize("self_ensemble", [False, True])
def test_gathering_holds_the_memory_bound(
    shape: tuple[int, int], self_ensemble: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks: list[int] = []
    gather = Engine.gather

    def counted(self: Engine, windows: Windows, watch: Any = None) -> Any:
        with LiveTensors() as tensors:
            result = gather(self, windows, watch)
        peaks.append(tensors.peak)
        return result

    monkeypatch.setattr(memory, "GATHERING_BUDGET", LITTLE_MEMORY)
    monkeypatch.setattr(Engine, "gather", counted)
    result = run(uneven(*shape), instance_model(), tile=64, self_ensemble=self_ensemble)
    assert len(peaks) >= 3  # two to measure, one to gather
    assert max(peaks[2:]) <= LITTLE_MEMORY
    assert "% of the plane" in result.provenance["statistics"]


@given(
    height=st.integers(1, 5000), width=st.integers(1, 5000), halo=st.integers(0, 48),
    largest=st.integers(1, 10**6),
)  # fmt: skip
def test_samples_lie_in_the_plane_and_fit(height: int, width: int, halo: int, largest: int) -> None:
    sample = plan_sample((height, width), halo, largest)
    smallest = plan_sample((height, width), halo, 1)
    assert sample.pixels <= max(largest, smallest.pixels)
    assert len({(len(window.y), len(window.x)) for window in sample.windows}) == 1
    for window in sample.windows:
        assert 0 <= window.y.start < window.y.stop <= height
        assert 0 <= window.x.start < window.x.stop <= width
    assert sample.whole or sample.share < 1


# --- Running out of memory, being cancelled -------------------------------------------------


def test_out_of_memory_halves_the_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    model = instance_model()
    array = np.stack([uneven(300, 200), uneven(300, 200)])
    forward, refused = NetworkRunner._forward, []

    def limited(self: NetworkRunner, network: Any, low: Any) -> Any:
        if low.numel() > 150 * 150:
            refused.append(low.numel())
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", limited)
    result = run(array, model, tile=64, axes="ZYX")
    assert result.provenance["statistics"].endswith("% of the plane")
    # Learned once: the second plane starts with the smaller sample.
    assert 1 <= len(refused) <= 3


def test_out_of_memory_while_gathering_again_in_float32_halves_the_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, array = instance_model(), uneven(320, 192)  # tiles are equal
    model.network.head[0].weight.data *= 1e6  # too much for float16
    forward, tiles = NetworkRunner._forward, set()

    def limited(self: NetworkRunner, network: Any, low: Any) -> Any:
        if low.shape[0] == 1:  # samples are several
            tiles.add(low.numel())
        tiles.add(low.numel()) if low.shape[0] == 1 and low.shape[2] < 120 else None
        if next(network.parameters()).dtype == torch.float32 and low.numel() > 150 * 150:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", limited)
    result, said = finish(array_job(array, model, device="cpu", precision="float16", tile=64))
    assert result.provenance["statistics"].endswith("% of the plane")
    assert min(tiles - {SMALLEST_TILE**2, *(side**2 for side in memory.PROBE_SIDES)}) > 64**2  # none was cut
    fractions = [step.fraction for step in said[1:]]
    assert fractions == sorted(fractions)
    assert said[-1].message.count("normalised by a sample") == 1


def test_a_plane_whose_only_tile_does_not_fit_is_measured_then(monkeypatch: pytest.MonkeyPatch) -> None:
    model, array = instance_model(), uneven(120, 110)
    expected = run(array, model).data
    forward, sizes = NetworkRunner._forward, []

    def limited(self: NetworkRunner, network: Any, low: Any) -> Any:
        sizes.append(low.shape[2:])
        if len(sizes) == 1:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", limited)
    result = run(array, model, tile=200)
    assert_same(result.data, expected)


def test_closing_the_job_stops_inside_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    count = Watch.__call__

    def counted(self: Watch, *arguments: Any) -> None:
        calls.append(1)
        count(self, *arguments)

    monkeypatch.setattr(Watch, "__call__", counted)
    job = array_job(uneven(400, 400), instance_model(blocks=30), tile=200, device="cpu", precision="float32")
    while not calls:
        step = next(job)
    assert step.message.startswith("Measuring the whole plane")
    job.close()
    stopped = len(calls)
    assert stopped < 60
    with pytest.raises(StopIteration):
        next(job)
    assert len(calls) == stopped


def test_progress_rises_through_the_pass() -> None:
    _, said = finish(array_job(uneven(200, 200), instance_model(blocks=10), tile=64, device="cpu"))
    fractions = [step.fraction for step in said[1:]]
    assert fractions == sorted(fractions)
    assert fractions[0] < 0.2


def test_one_tile_needs_no_pass() -> None:
    _, said = finish(array_job(uneven(50, 50), instance_model(), device="cpu"))
    assert not [step for step in said if step.message.startswith("Measuring")]
