"""Models for time-lapses: each frame has one value, however the movie is cut in time and space."""

from __future__ import annotations

import math
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dask.array
import numpy as np
import pytest
import torch
import zarr
from tests.conftest import make_tiny_model

from napari_srgan.errors import UserError
from napari_srgan.inference.devices import memory
from napari_srgan.inference.devices.cancellation import Watch
from napari_srgan.inference.devices.memory import measure_cost
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.tiles import cross_fade
from napari_srgan.models import Model
from timelapses import KINDS, make_temporal_model, moving_spots
from upscalings import array_job, eager, lazy

MOVIE = moving_spots(10, 58, 46)
BOTH_WAYS = pytest.mark.parametrize("kind", KINDS)


def run(array: Any, model: Model, **options: Any) -> Any:
    return eager(array, model, **({"axes": "TYX"} | options)).data


def by_hand(movie: Any, model: Model) -> np.ndarray:
    """Clip by clip through the network, nothing else: no tiles, and only the continuation in space."""
    network, border = model.network, 8
    low, high = np.percentile(movie, [0.1, 99.9])
    scaled = ((movie - low) / (high - low)).astype(np.float32)
    wide = np.pad(scaled, ((0, 0), (border, border), (border, border)), mode="symmetric")
    result = []
    for first in range(0, len(movie), network.clip):
        last = min(first + network.clip, len(movie))
        places = np.arange(first - network.frames_before, last + network.frames_after)
        period = max(2 * (len(movie) - 1), 1)
        places = places % period
        places = np.minimum(places, period - places) if len(movie) > 1 else places * 0
        with torch.inference_mode():
            made = network(torch.from_numpy(wide[places])[None, :, None])[0, :, 0].numpy()
        cut = border * network.scale_factor
        result.append(made[:, cut:-cut, cut:-cut])
    return np.concatenate(result) * (high - low) + low


@BOTH_WAYS
@pytest.mark.parametrize("frames", [1, 2, 3, 9, 10])
def test_it_is_what_the_network_makes_of_the_clips_of_the_reflected_movie(kind: str, frames: int) -> None:
    model = make_temporal_model(kind)
    np.testing.assert_allclose(run(MOVIE[:frames], model), by_hand(MOVIE[:frames], model), atol=2e-3)


@BOTH_WAYS
def test_tiled_equals_untiled(kind: str) -> None:
    model = make_temporal_model(kind)
    whole = run(MOVIE, model, tile=1000)
    np.testing.assert_allclose(run(MOVIE, model, tile=20), whole, atol=1e-5 * 200)
    part = run(MOVIE, model, region=((20, 51), (3, 46)))
    np.testing.assert_allclose(part, whole[:, 40:102, 6:92], atol=1e-3)


@BOTH_WAYS
def test_with_a_halo_cut_short(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_fade, "MOST_HALO", 5)
    model = make_temporal_model(kind)
    whole, tiled = run(MOVIE, model, tile=1000), run(MOVIE, model, tile=24)
    assert np.sqrt(np.mean((tiled - whole) ** 2)) < 0.02 * np.ptp(whole)
    np.testing.assert_array_equal(lazy(MOVIE, model, axes="TYX", tile=24)[...], tiled)


def test_frames_do_help_each_other() -> None:
    """Or all the rest would be true of a model for single images, too."""
    model = make_temporal_model()
    changed = MOVIE.copy()
    changed[4, 30:40, 30:40] += 50
    difference = np.abs(run(changed, model) - run(MOVIE, model)).max(axis=(1, 2))
    assert (difference > 0.05).sum() > 1


@pytest.mark.parametrize("axes", ["TCZYX", "CTZYX", "CZTYX", "TQQYX"])
def test_time_lies_anywhere_among_the_leading_axes(axes: str) -> None:
    model = make_temporal_model("early-fusion")
    # Their percentiles are almost the same, so that each can be compared with itself alone.
    movies = [MOVIE, MOVIE[::-1], MOVIE[:, ::-1], MOVIE[:, :, ::-1]]
    array = np.moveaxis(np.stack(movies).reshape(2, 2, *MOVIE.shape), 2, axes.index("T"))
    result = np.moveaxis(run(array, model, axes=axes), axes.index("T"), 2)
    for movie, made in zip(movies, result.reshape(4, 10, 116, 92), strict=True):
        np.testing.assert_allclose(made, run(movie, model), atol=0.1)


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_one_by_one(samples: int) -> None:
    model = make_temporal_model()
    picture = np.stack([MOVIE, MOVIE[:, ::-1], 200 - MOVIE, MOVIE * 0 + 255][:samples], -1).astype(np.uint8)
    result = run(picture, model, axes="TYXS")
    assert (result.shape, result.dtype) == ((10, 116, 92, samples), np.uint8)
    same = np.concatenate([picture[..., k] for k in range(3)]).reshape(3, *MOVIE.shape)
    gray = run(same, model, axes="QTYX")
    for k in range(3):
        np.testing.assert_allclose(result[..., k].astype(int), gray[k], atol=1)
    if samples == 4:
        assert (result[..., 3] == 255).all()


def test_a_model_of_colours() -> None:
    model = make_temporal_model("slow-fusion", channels=3)
    picture = np.stack([MOVIE, MOVIE[:, ::-1], 200 - MOVIE], -1)
    whole = run(picture, model, axes="TYXS", tile=1000)
    np.testing.assert_allclose(run(picture, model, axes="TYXS", tile=20), whole, atol=2e-3)
    assert run(MOVIE, model).shape == (10, 116, 92)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int16", "uint32", "float16", "float32", "float64"])
def test_dtypes_are_kept(dtype: str) -> None:
    movie = MOVIE > 60 if dtype == "bool" else MOVIE.astype(dtype)
    result = run(movie[:3], make_temporal_model("early-fusion"))
    assert result.dtype == dtype
    means = result.astype(float).reshape(3, 58, 2, 46, 2).mean((2, 4))
    assert np.corrcoef(means.ravel(), movie[:3].astype(float).ravel())[0, 1] > 0.8


@pytest.mark.parametrize("make", [np.asarray, zarr.array, lambda a: dask.array.from_array(a, (3, 17, 46))])
def test_containers(make: Any) -> None:
    model = make_temporal_model()
    np.testing.assert_array_equal(run(make(MOVIE), model, tile=32), run(MOVIE, model, tile=32))


def test_nan_and_infinity_stay_where_they_were() -> None:
    movie = MOVIE.copy()
    movie[3, 28:34, 28:34], movie[5, 5, 31], movie[0, 31, 40] = np.nan, np.inf, -np.inf
    result = run(movie, make_temporal_model(), tile=32)
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(movie).repeat(2, 1).repeat(2, 2))
    assert np.isposinf(result[5, 10:12, 62:64]).all()


def test_eight_orientations() -> None:
    model = make_temporal_model("slow-fusion")
    square = MOVIE[:6, :40, :40]
    result = run(square, model, self_ensemble=True)
    turned = run(np.ascontiguousarray(np.rot90(square, axes=(1, 2))), model, self_ensemble=True)
    np.testing.assert_allclose(turned, np.rot90(result, axes=(1, 2)), atol=2e-3)
    tiled = run(square, model, self_ensemble=True, tile=20)
    np.testing.assert_allclose(tiled, result, atol=2e-3)
    assert np.abs(result - run(square, model)).max() > 0.05


def test_single_images_are_what_they_were() -> None:
    model = make_tiny_model()
    np.testing.assert_array_equal(run(MOVIE, model)[4], run(MOVIE, model, axes="ZYX")[4])


@pytest.mark.parametrize(
    ("shape", "axes", "words"),
    [
        ((40, 50), None, r"this image has no time axis \(its axes are YX\); choose a model for single"),
        ((3, 40, 50), None, r"no axis is named T .*say which is time, e\.g\. axes='TYX'"),
        ((3, 40, 50), "ZYX", r"the axes are ZYX.*axes='TYX'"),
        ((2, 3, 40, 50), "CQYX", r"axes='CTYX'"),
    ],
)
def test_a_movie_without_time_is_refused(shape: tuple[int, ...], axes: str | None, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run(np.ones(shape), make_temporal_model(), axes=axes)


# --- Memory, progress, cancelling --------------------------------------------------------------


@BOTH_WAYS
def test_a_clip_costs_what_all_its_frames_do(kind: str) -> None:
    short, long = (
        measure_cost(Engine(make_temporal_model(kind, clip=clip), "cpu", "float32")).per_pixel
        for clip in (2, 16)
    )
    made = 14 * 4 * 2**2
    assert long - short > made


@BOTH_WAYS
def test_progress_rises_to_its_end(kind: str) -> None:
    said = []
    job = array_job(MOVIE, make_temporal_model(kind, width=24), axes="TYX", tile=32, device="cpu")
    for step in job:
        said.append(step)
    fractions = [step.fraction for step in said[1:]]
    assert fractions == sorted(fractions)
    assert said[-1].total == MOVIE.size
    assert 0.5 < fractions[-1] <= 1


@BOTH_WAYS
def test_layers_are_counted_as_they_run(kind: str) -> None:
    engine = Engine(make_temporal_model(kind), "cpu", "float32")
    for frames in (1, 4):
        watch = Watch()
        engine.run(np.zeros(engine.tile_shape(1, 30, frames), np.float32), watch)
        assert watch.layers == engine.layers(frames) > frames


def test_cancelling_works_within_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    model, calls, count = make_temporal_model(), [], Watch.__call__
    layers = Engine(model, "cpu", "float32").layers(4)

    def counted(self: Watch, *arguments: Any) -> None:
        calls.append(self)
        count(self, *arguments)

    monkeypatch.setattr(Watch, "__call__", counted)
    job = array_job(np.tile(MOVIE, (1, 4, 4)), model, axes="TYX", tile=1000, device="cpu")
    while not calls:
        next(job)
    calls.clear()
    next(job)
    job.close()
    assert calls.count(calls[-1]) < layers


def test_out_of_memory_halves_the_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    model, forward, refused = make_temporal_model(), NetworkRunner._forward, []
    whole = run(MOVIE, model, tile=1000)

    def limited(self: NetworkRunner, network: Any, low: Any) -> Any:
        if low.shape[-1] * low.shape[-2] > 65 * 65:
            refused.append(low.shape)
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", limited)
    np.testing.assert_allclose(run(MOVIE, model, tile=1000), whole, atol=2e-3)
    assert 1 <= len(refused) <= 2  # learned once, for all clips


def test_little_memory_makes_small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    model, sizes, forward = make_temporal_model(width=16), [], NetworkRunner._forward

    def seen(self: NetworkRunner, network: Any, low: Any) -> Any:
        sizes.append(low.shape[-1] * low.shape[-2])
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", seen)
    movie = np.tile(MOVIE, (1, 3, 3))
    run(movie, model)
    large = max(sizes)
    sizes.clear()
    monkeypatch.setattr(memory, "HOST_BUDGET", 2**25)
    run(movie, model)
    assert max(sizes) < large / 1.5


def test_memory_does_not_grow_with_the_movie() -> None:
    class Counted:
        """Computed where it is read, and counted."""

        dtype = np.dtype(np.uint16)

        def __init__(self, frames: int) -> None:
            self.shape, self.most, self.total = (frames, 24, 20), 0, 0

        def __getitem__(self, key: tuple[slice, ...]) -> Any:
            t, y, x = (np.arange(*s.indices(size)) for s, size in zip(key, self.shape, strict=True))
            part = 1000 + 9 * y[:, None] * (x + t[:, None, None] % 50)
            # The percentiles, which are those of all of it, are read on the thread of the caller.
            if threading.current_thread() is not threading.main_thread():
                self.most, self.total = max(self.most, part.size), self.total + part.size
            return part.astype(np.uint16)

    class Nowhere:
        def __setitem__(self, key: Any, value: Any) -> None:
            pass

    def measure(frames: int) -> tuple[int, int, float]:
        movie = Counted(frames)
        model = make_temporal_model("early-fusion", clip=20)
        options: dict[str, Any] = {"axes": "TYX", "device": "cpu", "tile": 1000}
        job = array_job(movie, model, sink=lambda *_, **__: Nowhere(), **options)
        next(job)
        next(job)  # the percentiles are those of all of it
        tracemalloc.start()
        try:
            for _ in job:
                pass
            return movie.most, tracemalloc.get_traced_memory()[1], movie.total / math.prod(movie.shape)
        finally:
            tracemalloc.stop()

    (short, little, _), (long, much, times) = measure(20), measure(2000)
    assert long <= short + 2 * 24 * 20 + 2 * 2 * 24 * 20  # the last clips of a movie are its mirror image
    assert much < little + 2**20  # a result of 2,000 frames has 7.7 MB
    assert times < 3  # for its own clip, for its neighbours', and its sample


# --- Computed where it is read ------------------------------------------------------------------


@BOTH_WAYS
def test_lazy_is_eager_to_the_last_bit_in_any_order(kind: str) -> None:
    model = make_temporal_model(kind)
    whole = run(MOVIE, model, tile=24)
    backwards = lazy(MOVIE, model, axes="TYX", tile=24)
    for frame in (9, 2, 7, 0):
        np.testing.assert_array_equal(backwards[frame, 5:90, 40:], whole[frame, 5:90, 40:])
    np.testing.assert_array_equal(backwards[1:9:3, ::7], whole[1:9:3, ::7])
    np.testing.assert_array_equal(lazy(MOVIE, model, axes="TYX", tile=24, cache=0)[...], whole)
    np.testing.assert_array_equal(lazy(MOVIE, model, axes="TYX", tile=24).dask()[::-1].compute(), whole[::-1])


@BOTH_WAYS
def test_a_thread_that_torch_would_use_otherwise_gives_the_same_values(kind: str) -> None:
    model = make_temporal_model(kind)
    with ThreadPoolExecutor(1) as new:
        count = new.submit(torch.get_num_threads).result()
    with ThreadPoolExecutor(1) as other:
        try:
            other.submit(torch.set_num_threads, count + 2).result()
            other.submit(torch.get_num_threads).result()  # from here on it has its own
        finally:
            torch.set_num_threads(count)  # of threads that begin from here on
        assert other.submit(torch.get_num_threads).result() == count + 2
        read = other.submit(lambda: lazy(MOVIE, model, axes="TYX", tile=24)[...]).result()
    np.testing.assert_array_equal(read, run(MOVIE, model, tile=24))


def test_a_clip_is_computed_once_for_all_its_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, run_once = [], Engine.compute

    def counted(self: Engine, made: Any, *rest: Any) -> Any:
        runs.append(made)
        return run_once(self, made, *rest)

    monkeypatch.setattr(Engine, "compute", counted)
    result = lazy(MOVIE, make_temporal_model(), axes="TYX", tile=1000)
    for frame in range(10):
        result[frame]
    assert len(runs) == 3


def test_what_is_missing_is_named_once_for_a_clip() -> None:
    result = lazy(MOVIE, make_temporal_model(), axes="TYX", tile=40)
    places = result.missing(np.s_[1:6])
    assert [place.index for place in places].count((0,)) == 4
    assert {place.index for place in places} == {(0,), (4,)}
    result.compute(next(place for place in places if place.index == (0,)))
    assert len(result.missing(np.s_[3])) == 3
    shown, real = result.peek(np.s_[3])
    assert (shown.shape, real) == ((116, 92), False)
    assert result.dask().chunks[0] == (4, 4, 2)


# --- What people give ---------------------------------------------------------------------------


@pytest.mark.parametrize("align", [None, "drift"])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 40), (5, 3), (20, 17)])
@pytest.mark.parametrize("frames", [1, 2, 6])
def test_planes_of_any_size(frames: int, height: int, width: int, align: str | None) -> None:
    movie = MOVIE[:frames, 20 : 20 + height, 5 : 5 + width]
    result = run(movie, make_temporal_model("slow-fusion"), align=align)
    assert result.shape == (frames, 2 * height, 2 * width)
    assert np.isfinite(result).all()


@pytest.mark.parametrize("largest", [1e-30, 1e20, 1e300])
def test_quantities_of_any_size(largest: float) -> None:
    movie = MOVIE[:5, :30, :30].astype(np.float64)
    result = run(movie * (largest / 200), make_temporal_model("early-fusion"))
    expected = run(movie, make_temporal_model("early-fusion"))
    np.testing.assert_allclose(result * (200 / largest), expected, atol=0.05)


def test_other_things_than_movies_of_numbers_are_refused() -> None:
    model = make_temporal_model()
    for movie in (MOVIE.astype(object), MOVIE.astype(complex), np.empty((0, 20, 20)), "movie.tif"):
        with pytest.raises(UserError):
            run(movie, model)


def test_a_frame_that_cannot_be_read_is_told_where_it_is_wanted() -> None:
    class Damaged:
        shape, dtype = (40, 46, 58), MOVIE.dtype

        def __getitem__(self, key: Any) -> Any:
            movie = np.tile(MOVIE.transpose(0, 2, 1), (4, 1, 1))
            frames = range(*key[0].indices(40)) if isinstance(key[0], slice) else [key[0]]
            if 22 in frames and len(frames) < 40:
                raise OSError("frame 22 is damaged")
            return movie[key]

    result = lazy(Damaged(), make_temporal_model("early-fusion"), axes="TYX")
    assert result.provenance["notes"] == []
    assert result[5].shape == result[38].shape == (92, 116)
    with pytest.raises(OSError, match="frame 22 is damaged"):
        result[22]
