"""Upscaling on a device is upscaling on the CPU: to the last bit, with few copies and waits."""

from __future__ import annotations

import gc
import inspect
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_srgan.inference.devices import copies as device_copies
from napari_srgan.inference.devices.cancellation import MOST_AHEAD, Cancelled, Watch
from napari_srgan.inference.devices.copies import DeviceCopies
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.plane_statistics import Windows
from napari_srgan.inference.tiles.tile_run import PlainRun
from napari_srgan.models import list_models, load_model
from napari_srgan.networks import Generator
from napari_srgan.networks.instance_norm import adopt_instance_norms
from pretended_device import NAME, Device
from timelapses import KINDS, make_temporal_model, moving_spots
from upscalings import array_job, eager, lazy, zarr_job

RANDOM = np.random.default_rng(0)
BUNDLED = [card.name for card in list_models()]


def image_for(model: Any, side: int) -> tuple[Any, str]:
    """A 16-bit image, or a movie, of the kind that a model is for."""
    card = model.card
    shape, axes = (side, side + 5), "YX"
    if card.channels == 3:
        shape, axes = (*shape, 3), "YXS"
    if card.frames > 1:
        shape, axes = (card.frames, *shape), f"T{axes}"
    return RANDOM.integers(100, 4000, shape).astype(np.uint16), axes


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize(
    "options", [{}, {"tile": 24}, {"self_ensemble": True}], ids=["whole", "tiled", "self-ensembled"]
)
def test_bundled_models_are_what_they_are_on_the_cpu(
    pretended_device: Device, name: str, options: dict[str, Any]
) -> None:
    model = load_model(name)
    pixels, axes = image_for(model, 40 if "tile" in options else 18)
    there = eager(pixels, model, axes=axes, device=NAME, **options)
    assert pretended_device.up
    assert there.provenance["device"] == NAME
    np.testing.assert_array_equal(there.data, eager(pixels, model, axes=axes, **options).data)


@pytest.mark.parametrize("options", [{}, {"tile": 24}, {"tile": 24, "self_ensemble": True}])
def test_statistics_of_a_plane_are_gathered_there(
    pretended_device: Device, tiny_model: Any, options: dict[str, Any]
) -> None:
    model = tiny_model(normalisation="instance")
    pixels, _ = image_for(model, 60)
    there = eager(pixels, model, device=NAME, **options)
    assert pretended_device.up
    np.testing.assert_array_equal(there.data, eager(pixels, model, **options).data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("align", [None, "drift"])
def test_movies_are_what_they_are_on_the_cpu(pretended_device: Device, kind: str, align: str | None) -> None:
    model, movie = make_temporal_model(kind), moving_spots(9, 40, 40, drift=(0.5, 0.2))
    options: dict[str, Any] = {"axes": "TYX", "tile": 24, "align": align}
    there = eager(movie, model, device=NAME, **options)
    assert pretended_device.up
    np.testing.assert_array_equal(there.data, eager(movie, model, **options).data)


def test_colours_and_missing_pixels(pretended_device: Device, tiny_model: Any) -> None:
    colours = RANDOM.random((30, 32, 3)).astype(np.float32)
    colours[3:5, 7] = np.nan
    there = eager(colours, tiny_model(), axes="YXS", device=NAME, tile=16)
    np.testing.assert_array_equal(there.data, eager(colours, tiny_model(), axes="YXS", tile=16).data)


@pytest.mark.parametrize("kind", ["bool", "uint8", "int16", "int32", "uint32", "float16", "float64"])
def test_types_that_the_device_lacks_are_worked_on_by_the_host(
    pretended_device: Device, tiny_model: Any, kind: str
) -> None:
    pixels = (RANDOM.random((40, 37)) * 2).astype(kind) if kind != "int16" else image_for(tiny_model(), 40)[0]
    model = tiny_model()
    there = eager(pixels, model, device=NAME, tile=16).data
    assert pretended_device.up
    np.testing.assert_array_equal(there, eager(pixels, model, tile=16).data)


def test_planes_are_in_work_together_and_come_out_in_their_places(
    pretended_device: Device, tiny_model: Any
) -> None:
    """The array is read by one thread at a time all the same."""

    class ReadByOne:
        def __init__(self, pixels: Any) -> None:
            self.pixels, self.shape, self.dtype = pixels, pixels.shape, pixels.dtype
            self.inside, self.threads = 0, set[int]()

        def __getitem__(self, key: Any) -> Any:
            self.inside += 1
            assert self.inside == 1
            self.threads.add(threading.get_ident())
            time.sleep(0.002)
            found = self.pixels[key]
            self.inside -= 1
            return found

    stack = RANDOM.integers(0, 4000, (7, 30, 33)).astype(np.uint16)
    array, model = ReadByOne(stack), tiny_model()
    there = eager(array, model, axes="ZYX", device=NAME, tile=16).data
    assert len(array.threads - {threading.get_ident()}) > 1
    np.testing.assert_array_equal(there, eager(stack, model, axes="ZYX", tile=16).data)


def test_a_job_that_is_closed_leaves_no_tile_behind(pretended_device: Device, tiny_model: Any) -> None:
    stack = RANDOM.integers(0, 4000, (20, 30, 33)).astype(np.uint16)
    job = array_job(stack, tiny_model(), axes="ZYX", device=NAME, tile=16)
    next(job)
    next(job)
    before = pretended_device.down
    job.close()
    stopped = pretended_device.down
    time.sleep(0.1)
    assert stopped == pretended_device.down <= before + 6


def test_lazily_and_into_a_store(pretended_device: Device, tiny_model: Any, tmp_path: Path) -> None:
    import zarr

    model, pixels = tiny_model(), RANDOM.integers(0, 4000, (90, 80)).astype(np.uint16)
    expected = eager(pixels, model, tile=32).data
    np.testing.assert_array_equal(np.asarray(lazy(pixels, model, tile=32, device=NAME)[...]), expected)
    job = zarr_job(pixels, model, tmp_path / "a.ome.zarr", tile=32, device=NAME, precision="float32")
    for _ in job:
        pass
    np.testing.assert_array_equal(zarr.open_group(tmp_path / "a.ome.zarr")["0"][...], expected)


@pytest.mark.parametrize("name", BUNDLED)
def test_one_copy_up_and_two_down_and_one_wait_for_a_tile(pretended_device: Device, name: str) -> None:
    engine = Engine(load_model(name), NAME, "float32")
    low = RANDOM.random(engine.tile_shape(1, 16, 1)).astype(np.float32)
    engine.run(low)
    pretended_device.up = pretended_device.down = pretended_device.waits = 0
    engine.run(low, Watch())
    # Down come the pixels, and whether they are finite.
    assert (pretended_device.up, pretended_device.down, pretended_device.waits) == (1, 2, 1)


def test_one_copy_and_no_wait_to_gather_statistics(pretended_device: Device, tiny_model: Any) -> None:
    engine = Engine(tiny_model(normalisation="instance"), NAME, "float32")
    windows = Windows(RANDOM.random((1, 1, 64, 64)).astype(np.float32), count=1, margin=0)
    engine.gather(windows)
    pretended_device.up = pretended_device.down = pretended_device.waits = 0
    engine.gather(windows)
    assert (pretended_device.up, pretended_device.down, pretended_device.waits) == (1, 0, 0)


def overlapping(device: Device, copies: type[DeviceCopies], model: Any) -> list[Any]:
    """Three tiles, of which the next is ordered before the last is fetched."""
    engine = Engine(model, NAME, "float32")
    runner = engine.runner
    runner._copies = copies(engine.device)
    ordered, results = [], []
    for side in (16, 18, 20):
        low = np.full((1, 1, side, 16), side / 20, np.float32)
        run = PlainRun(low)
        ordered.append(runner.order(engine.network, run, runner.send(low), None))
        if len(ordered) > 1:
            results.append(runner.fetch(ordered.pop(0))[0])
    results += [runner.fetch(one)[0] for one in ordered]
    ordered.clear()
    gc.collect()
    return results


def test_streams_wait_for_each_other(pretended_device: Device, tiny_model: Any) -> None:
    cpu = Engine(tiny_model(), "cpu", "float32")
    for side, found in zip(
        (16, 18, 20), overlapping(pretended_device, DeviceCopies, tiny_model()), strict=True
    ):
        np.testing.assert_array_equal(found, cpu.run(np.full((1, 1, side, 16), side / 20, np.float32)))


@pytest.mark.parametrize(
    "line",
    [
        "computing.wait_event(sent.arrived)",
        "sent.raw.record_stream(computing)",
        "self._down.wait_event(result.ready)",
        "there.record_stream(self._down)",
        "self._down.synchronize()",
    ],
)
def test_a_wait_that_is_left_out_is_seen(pretended_device: Device, tiny_model: Any, line: str) -> None:
    """Otherwise the test above would show nothing."""
    source = inspect.getsource(DeviceCopies)
    assert line in source
    names = dict(vars(device_copies))
    exec("from __future__ import annotations\n" + source.replace(line, "pass"), names)
    results = overlapping(pretended_device, names["DeviceCopies"], tiny_model())
    assert pretended_device.races or any(np.isnan(result).any() for result in results)
    pretended_device.races.clear()


def test_a_foreign_network_with_instance_normalisation(pretended_device: Device) -> None:
    """It has no weights that would say where it is."""
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.InstanceNorm2d(4)).to(NAME)
    adopt_instance_norms(network)
    assert network(torch.zeros(1, 1, 8, 8, device=NAME)).device.type == NAME


def test_progress_counts_what_is_computed_and_not_what_is_ordered(
    pretended_device: Device, tiny_model: Any
) -> None:
    engine = Engine(tiny_model(blocks=3), NAME, "float32")
    low = np.zeros((1, 1, 16, 16), np.float32)
    engine.run(low, done := Watch())
    assert done.layers == engine.layers()
    pretended_device.busy = True
    engine.run(low, ordered := Watch())
    assert ordered.layers == 0
    pretended_device.busy = False
    assert ordered.layers == engine.layers()


def test_a_device_is_never_ordered_so_much_that_it_cannot_be_stopped(
    pretended_device: Device, tiny_model: Any
) -> None:
    engine = Engine(tiny_model(blocks=12), NAME, "float32")
    assert engine.layers() > MOST_AHEAD + 2
    pretended_device.busy = True
    engine.run(np.zeros((1, 1, 16, 16), np.float32), Watch())
    assert pretended_device.throttled == engine.layers() - MOST_AHEAD
    watch = Watch()
    watch.cancel()
    with pytest.raises(Cancelled):
        engine.run(np.zeros((1, 1, 16, 16), np.float32), watch)


def test_memory_is_measured_and_given_back(pretended_device: Device, tiny_model: Any) -> None:
    from napari_srgan.inference.devices.memory import largest_tile, measure_cost

    engine = Engine(tiny_model(width=16), NAME, "float32")
    cost = measure_cost(engine)
    assert 3 * 16 * 4 < cost.per_pixel < 8 * 16 * 4
    roomy = largest_tile(engine, 1)
    pretended_device.total = pretended_device.live + 2**24
    assert largest_tile(engine, 1) < roomy / 4
    before = pretended_device.given_back
    engine.forget()
    assert pretended_device.given_back == before + 1
    gc.collect()
    assert pretended_device.live < 2**16


def test_what_a_training_keeps_for_later_is_free(pretended_device: Device) -> None:
    from napari_srgan.inference.devices.device_memory import free_bytes

    device = torch.device(NAME, 0)
    free = free_bytes(device)
    pretended_device.kept = 2**30
    assert free_bytes(device) == free


def test_a_driver_that_does_not_tell_its_memory(
    pretended_device: Device, tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from napari_srgan.inference.devices.memory import memory_budget

    def untold(_: Any) -> Any:
        raise RuntimeError(
            "The device (Intel(R) Arc(TM)) doesn't support querying the available free memory."
        )

    monkeypatch.setattr(pretended_device, "mem_get_info", untold)
    assert 0 < memory_budget(torch.device(NAME, 0)) < pretended_device.total
    pixels = RANDOM.random((150, 150)).astype(np.float32)
    np.testing.assert_array_equal(
        eager(pixels, tiny_model(), device=NAME).data, eager(pixels, tiny_model(), tile=150).data
    )


def test_a_tile_that_does_not_fit_is_halved(pretended_device: Device, tiny_model: Any) -> None:
    model, pixels = tiny_model(), RANDOM.random((128, 128)).astype(np.float32)
    expected = eager(pixels, model).data
    pretended_device.total = 2**21
    np.testing.assert_allclose(eager(pixels, model, tile=128, device=NAME).data, expected, atol=1e-5 * 200)


class Fails:
    """Says something for images from a side on, as a device would."""

    def __init__(self, says: str, side: int) -> None:
        self.says, self.side = says, side

    def __call__(self, _: Any, given: tuple[torch.Tensor, ...]) -> None:
        if min(given[0].shape[-2:]) >= self.side:
            raise RuntimeError(self.says)


UNCLEAR = "GET was unable to find an engine to execute this computation"


def engine_that_fails(model: Any, says: str, side: int) -> Engine:
    engine = Engine(model, "cpu", "float32")
    network: Generator = engine.network
    network.register_forward_pre_hook(Fails(says, side))
    return engine


@pytest.mark.parametrize("run", [Engine.run, lambda engine, low: engine.gather(Windows(low, 1, 0))])
def test_what_may_be_want_of_memory_is_it_if_the_smallest_tile_runs(
    tiny_model: Any, run: Callable[[Engine, Any], Any]
) -> None:
    from napari_srgan.inference.devices.memory_errors import OutOfMemory

    engine = engine_that_fails(tiny_model(normalisation="instance"), UNCLEAR, 40)
    with pytest.raises(OutOfMemory, match="unable to find an engine"):
        run(engine, np.zeros((1, 1, 64, 64), np.float32))


def test_what_is_not_want_of_memory_is_said(tiny_model: Any) -> None:
    from napari_srgan.errors import UserError

    engine = engine_that_fails(tiny_model(), UNCLEAR, 1)
    with pytest.raises(UserError, match="unable to find an engine"):
        engine.run(np.zeros((1, 1, 64, 64), np.float32))


def counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[torch.dtype]:
    """Types in which its network is put on the device, from now on."""
    made: list[torch.dtype] = []
    prepared = engine._on_device._prepared

    def prepare(dtype: torch.dtype) -> Generator:
        made.append(dtype)
        return prepared(dtype)

    monkeypatch.setattr(engine._on_device, "_prepared", prepare)
    return made


def test_tiles_too_bright_for_float16_share_one_float32_network(
    tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tiny_model(), "cpu", "float16")
    made = counted(engine, monkeypatch)
    bright = np.full((1, 1, 16, 16), 1e6, np.float32)
    first = engine.run(bright)
    np.testing.assert_array_equal(engine.run(bright), first)
    np.testing.assert_array_equal(first, Engine(tiny_model(), "cpu", "float32").run(bright))
    assert made == [torch.float16, torch.float32]


def test_a_device_without_float16_computes_in_float32_from_the_start(
    pretended_device: Device, tiny_model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(tiny_model(), NAME, "float16")
    prepared, runs = engine._on_device._prepared, []

    def broken(dtype: torch.dtype) -> Generator:
        def spoil(_network: Any, _given: Any, result: torch.Tensor) -> torch.Tensor:
            runs.append(dtype)
            return result * float("nan") if dtype == torch.float16 else result

        network = prepared(dtype)
        network.register_forward_hook(spoil)
        return network

    monkeypatch.setattr(engine._on_device, "_prepared", broken)
    assert engine.precision == "float32"
    for _ in range(3):
        assert np.isfinite(engine.run(np.ones((1, 1, 16, 16), np.float32))).all()
    assert pretended_device.up
    assert runs == [torch.float16, torch.float32, torch.float32, torch.float32]
