"""Any array in, the same kind of array out: nothing shifted, no seams, no brightness invented."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
import pytest
import torch
import xarray
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import make_tiny_model

from napari_srgan.errors import UserError
from napari_srgan.inference.devices.network_runner import NetworkRunner
from napari_srgan.models import Model
from upscalings import array_job, image
from upscalings import eager as run_job

RANDOM = np.random.default_rng(0)


def run(array: Any, model: Model, **options: Any) -> Any:
    """Run a job to its end and return its data."""
    return run_job(array, model, **options).data


# --- Tiles -------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    height=st.integers(1, 150),
    width=st.integers(1, 150),
    tile=st.integers(32, 160),
    factor=st.sampled_from([1, 2, 3, 4]),
    upsampling=st.sampled_from(["direct", "staged"]),
    holes=st.booleans(),
)
def test_tiled_equals_untiled(
    height: int, width: int, tile: int, factor: int, upsampling: str, holes: bool
) -> None:
    model = make_tiny_model(factor, upsampling=upsampling, kernel=5, blocks=3)
    array = image(height, width)
    if holes:
        array[RANDOM.random(array.shape) < 0.1] = np.nan
        array[: height // 3, : width // 3] = np.nan
    whole, tiled = run(array, model, tile=1000), run(array, model, tile=tile)
    assert whole.shape == (height * factor, width * factor)
    np.testing.assert_allclose(tiled, whole, atol=1e-5 * 200)


def test_a_region_is_a_part_of_the_whole() -> None:
    model, array = make_tiny_model(), image(2, 90, 80)
    whole = run(array, model)
    part = run_job(array, model, region=((20, 51), (3, 80)))
    np.testing.assert_allclose(part.data, whole[:, 40:102, 6:160], atol=1e-3)
    assert part.region == ((20, 51), (3, 80))


@pytest.mark.parametrize("region", [(0, 10, 0, 10), ((0.5, 9), (0, 80)), 7])
def test_regions_are_whole_pixels(region: Any) -> None:
    with pytest.raises(UserError, match="in whole pixels; got"):
        run(image(90, 80), make_tiny_model(), region=region)


@pytest.mark.parametrize("region", [((0, 91), (0, 80)), ((5, 5), (0, 80)), ((-1, 9), (0, 80))])
def test_regions_outside_are_refused(region: Any) -> None:
    with pytest.raises(UserError, match="does not lie inside the image of 90 x 80 pixels"):
        run(image(90, 80), make_tiny_model(), region=region)


def test_tiles_that_are_too_small_are_refused() -> None:
    with pytest.raises(UserError, match="16 whole pixels or more; got 4"):
        run(image(9, 9), make_tiny_model(), tile=4)


# --- Containers, dtypes, axes ---------------------------------------------------------


@pytest.mark.parametrize("make", [np.asarray, dask.array.from_array, zarr.array, xarray.DataArray])
def test_containers(make: Callable[[Any], Any]) -> None:
    model, array = make_tiny_model(), image(3, 40, 33, dtype=np.uint16)
    np.testing.assert_array_equal(run(make(array), model), run(array, model))


def test_tensors() -> None:
    model, array = make_tiny_model(), image(40, 33)
    np.testing.assert_array_equal(run(torch.from_numpy(array), model), run(array, model))


def test_nested_lists_and_names_of_xarray_axes() -> None:
    model = make_tiny_model()
    assert run([[1.0, 2.0], [3.0, 4.0]], model).shape == (4, 4)
    named = xarray.DataArray(image(2, 40, 40), dims=("channel", "y", "x"))
    assert run_job(named, model).axes == "CYX"


@pytest.mark.parametrize(
    "dtype",
    ["bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
     "float16", "float32", "float64"],
)  # fmt: skip
@pytest.mark.parametrize("intensity", ["byte", "percentile"])
def test_dtypes_are_kept_and_the_image_recognised(dtype: str, intensity: str) -> None:
    low = np.add.outer(np.arange(24), np.arange(20)) * 2
    array = (low > 40 if dtype == "bool" else low).astype(dtype)
    result = run(array, make_tiny_model(intensity=intensity, interpolated_skip=True))
    assert result.dtype == array.dtype
    means = result.astype(float).reshape(24, 2, 20, 2).mean((1, 3))
    assert np.corrcoef(means.ravel(), array.astype(float).ravel())[0, 1] > 0.9


@pytest.mark.parametrize("shape", [(33, 32), (3, 33, 32), (2, 3, 33, 32), (2, 1, 3, 33, 32)])
@pytest.mark.parametrize("samples", [0, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes(shape: tuple[int, ...], samples: int, channels: int) -> None:
    full = (*shape, samples) if samples else shape
    axes = "TZC"[3 - (len(shape) - 2) :] + "YX" + ("S" if samples else "")
    result = run(image(*full, dtype=np.uint8), make_tiny_model(channels=channels), axes=axes)
    expected = (*shape[:-2], 66, 64, *((samples,) if samples else ()))
    assert result.shape == expected


def test_channels_are_never_mixed_with_depth_or_time() -> None:
    """Each plane comes out as it does alone, when all are on one scale."""
    model = make_tiny_model(intensity="byte")
    array = image(2, 3, 40, 40, dtype=np.uint8)
    together = run(array, model, axes="CZYX")
    for c in range(2):
        for z in range(3):
            np.testing.assert_array_equal(together[c, z], run(array[c, z], model))


def test_channels_have_their_own_intensities_depths_do_not() -> None:
    model = make_tiny_model()
    array = np.stack([image(40, 40), image(40, 40) / 1000])
    channels, depths = (run_job(array, model, axes=axes) for axes in ("CYX", "ZYX"))
    np.testing.assert_allclose(channels.data[1], run(array[1], model), rtol=1e-4, atol=1e-4)
    assert len(channels.provenance["intensity"]) == 2
    assert len(depths.provenance["intensity"]) == 1


def test_one_channel_models_see_colours_one_by_one() -> None:
    model, array = make_tiny_model(intensity="byte"), image(40, 40, 3, dtype=np.uint8)
    result = run(array, model)
    for k in range(3):
        np.testing.assert_array_equal(result[..., k], run(array[..., k], model))


def test_rgb_models_see_gray_as_three_equal_colours() -> None:
    model, gray = make_tiny_model(channels=3, intensity="byte"), image(40, 40)
    colours = run(np.stack([gray] * 3, axis=-1), model)
    # Percentiles of thrice as many values lie a little elsewhere between their neighbours.
    np.testing.assert_allclose(run(gray, model), colours.mean(-1), atol=1e-3 * 200)


def test_alpha_is_interpolated() -> None:
    model = make_tiny_model(channels=3, intensity="byte")
    array = image(40, 40, 4, dtype=np.uint8)
    array[..., 3] = 77
    result = run(array, model, tile=16)
    assert (result[..., 3] == 77).all()
    np.testing.assert_allclose(result[..., :3], run(array[..., :3], model), atol=1)


# --- Intensities ---------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 1, 100, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.int64])
def test_constant_images_stay_constant(value: int, dtype: Any) -> None:
    result = run(np.full((20, 30), value, dtype), make_tiny_model())
    assert np.abs(result.astype(float) - value).max() <= 1e-3 * value


@settings(max_examples=20)
@given(shift=st.floats(-1e4, 1e4), scale=st.floats(1e-3, 1e3))
def test_shifted_and_scaled_in_shifted_and_scaled_out(shift: float, scale: float) -> None:
    model, array = make_tiny_model(), image(20, 20, dtype=np.float64)
    expected = run(array, model) * scale + shift
    np.testing.assert_allclose(
        run(array * scale + shift, model), expected, atol=1e-4 * (200 * scale + abs(shift) * 1e-6)
    )


def test_large_integers_keep_their_differences() -> None:
    array = (image(30, 30, dtype=np.int64)) + 2**60
    differences = run(array, make_tiny_model()) - 2**60
    expected = run(array - 2**60, make_tiny_model())
    # float64 tells integers of this size apart in steps of 256: nothing can do better.
    assert np.abs(differences - expected).max() <= 512


def test_values_outside_the_percentiles_are_kept() -> None:
    array = image(100, 100)
    array[50, 50] = 5000
    assert run(array, make_tiny_model()).max() > 3000


def test_nan_and_infinity_stay_where_they_were_and_their_surroundings_sane() -> None:
    array = image(40, 40)
    array[5, 5], array[20, 21], array[30, 30] = np.nan, np.inf, -np.inf
    array[34:, :] = np.nan
    result = run(array, make_tiny_model())
    np.testing.assert_array_equal(np.isfinite(result), np.isfinite(array).repeat(2, 0).repeat(2, 1))
    assert np.isnan(result[10:12, 10:12]).all()
    assert (result[40:42, 42:44] == np.inf).all()
    assert (result[60:62, 60:62] == -np.inf).all()
    assert np.abs(result[np.isfinite(result)]).max() < 400


def test_nothing_finite_at_all() -> None:
    assert np.isnan(run(np.full((9, 9), np.nan), make_tiny_model())).all()


# --- Devices --------------------------------------------------------------------------


def limit_memory(monkeypatch: pytest.MonkeyPatch, most_pixels: int) -> list[int]:
    """A device that refuses large tiles; returns the sizes it was asked for."""
    asked: list[int] = []
    forward = NetworkRunner._forward

    def limited(self: NetworkRunner, network: Any, low: Any) -> Any:
        asked.append(low.shape[2] * low.shape[3])
        if asked[-1] > most_pixels:
            raise torch.OutOfMemoryError("out of memory")
        return forward(self, network, low)

    monkeypatch.setattr(NetworkRunner, "_forward", limited)
    return asked


def test_out_of_memory_halves_the_tile_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model, array = make_tiny_model(), image(2, 200, 150)
    expected = run(array, model)
    asked = limit_memory(monkeypatch, 80 * 80)
    np.testing.assert_allclose(run(array, model, tile=128), expected, atol=1e-3)
    refused = [size for size in asked if size > 80 * 80]
    # Learned once: the second plane starts with the smaller tiles.
    assert 1 <= len(refused) <= 3
    assert not [size for size in asked[len(asked) // 2 :] if size > 80 * 80]


def test_a_small_image_is_run_once_and_for_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = limit_memory(monkeypatch, 10**9)
    run(image(64, 90), make_tiny_model())
    assert len(asked) == 1
    run(image(300, 90), make_tiny_model(), region=((100, 130), (20, 60)))
    assert len(asked) == 2


def test_a_long_strip_is_halved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    model, array = make_tiny_model(), image(16, 900)
    expected = run(array, model)
    limit_memory(monkeypatch, 50 * 300)
    np.testing.assert_allclose(run(array, model, tile=900), expected, atol=1e-3)


def test_a_device_too_full_to_measure_begins_with_small_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    model, array = make_tiny_model(), image(60, 60)
    expected = run(array, model)
    limit_memory(monkeypatch, 50 * 50)
    np.testing.assert_allclose(run(array, model), expected, atol=1e-3)


def test_what_a_failed_tile_had_taken_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    alive: list[weakref.ref[torch.Tensor]] = []

    def refuse(self: NetworkRunner, network: Any, low: Any) -> Any:
        taken = torch.zeros(10)
        assert not [ref for ref in alive if ref() is not None]
        alive.append(weakref.ref(taken))
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(NetworkRunner, "_forward", refuse)
    gc.disable()
    try:
        with pytest.raises(UserError, match="does not fit into the memory"):
            run(image(64, 64), make_tiny_model(), tile=64)
    finally:
        gc.enable()
    assert len(alive) > 2


def test_no_memory_for_the_smallest_tile_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_memory(monkeypatch, 100)
    with pytest.raises(UserError, match="does not fit into the memory of cpu"):
        run(image(200, 150), make_tiny_model(), tile=128)


def test_values_that_are_not_finite_are_computed_again_in_float32() -> None:
    model = make_tiny_model()
    model.network.head[0].weight.data *= 1e5  # more than float16 can hold after a layer or two
    array = image(24, 24)
    half = run(array, model, precision="float16")
    np.testing.assert_allclose(half, run(array, model), rtol=1e-3)


def test_a_broken_model_is_named() -> None:
    model = make_tiny_model(name="broken")
    model.network.head[0].weight.data[:] = np.nan
    with pytest.raises(UserError, match="broken gives values that are not finite"):
        run(image(24, 24), model)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"device": "abacus"}, "no device 'abacus'"), ({"precision": "int4"}, "no precision 'int4'")],
)
def test_unknown_devices_and_precisions(options: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        run(image(24, 24), make_tiny_model(), **options)


def test_fast_precision_is_near_float32() -> None:
    model, array = make_tiny_model(), image(60, 60, dtype=np.uint16)
    error = run(array, model, precision="bfloat16").astype(float) - run(array, model)
    assert 10 * np.log10(200**2 / np.mean(error**2)) > 40


# --- Jobs ------------------------------------------------------------------------------


def test_progress_rises_to_the_end() -> None:
    steps = list(array_job(image(3, 100, 100), make_tiny_model(), tile=32, device="cpu"))[1:]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < 0.2
    assert len(set(fractions)) > 10
    assert "tiny" in steps[0].message


def test_progress_does_not_fall_where_a_tile_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    forward = NetworkRunner._forward

    def short_of_memory_at_the_end(self: NetworkRunner, network: Any, low: Any) -> Any:
        made = forward(self, network, low)
        if low.numel() > 90 * 90:
            time.sleep(0.2)  # long enough to be seen near its end
            raise torch.OutOfMemoryError("out of memory")
        return made

    monkeypatch.setattr(NetworkRunner, "_forward", short_of_memory_at_the_end)
    steps = list(array_job(image(100, 200), make_tiny_model(), tile=96, device="cpu"))[1:]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 4


def test_closing_the_job_stops_inside_a_tile() -> None:
    model = make_tiny_model(blocks=30)
    layers: list[int] = []
    for block in model.network.body:
        block.register_forward_hook(lambda *_: layers.append(1))
    job = array_job(image(400, 400), model, tile=400, device="cpu", precision="float32")
    while not layers:
        next(job)
    job.close()
    after = len(layers)
    assert after < 30
    with pytest.raises(StopIteration):
        next(job)
    assert len(layers) == after


def test_provenance_says_what_was_done() -> None:
    result = run_job(image(24, 24), make_tiny_model(), tile=16)
    assert result.provenance["model"] == "tiny"
    assert len(result.provenance["weights"]) == 16
    assert "not a measurement" in result.provenance["note"]
    assert result.provenance["tile"] == 16


def test_the_input_is_left_as_it_was() -> None:
    array = image(24, 24)
    array[3, 3] = np.nan
    before = array.copy()
    run(array, make_tiny_model())
    np.testing.assert_array_equal(array, before)


# --- Bad input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 5)), r"empty: its shape is \(0, 5\)"),
        (np.zeros((3, 5, 0)), "empty"),
        (np.zeros((5, 5), complex), "complex128.*numpy.abs"),
        (np.zeros((5, 5), object), "type object cannot be upscaled"),
        (np.zeros((5, 5), "M8[s]"), "cannot be upscaled"),
        (np.array([["a", "b"]]), "cannot be upscaled"),
        (np.zeros(5), "needs two axes"),
        (np.zeros((1, 1, 1, 1, 5, 5)), "at most 5 axes"),
        ([[1, 2], [3]], "array of numbers; got list"),
        (torch.zeros(5, 5, requires_grad=True), "array of numbers; got Tensor"),
        ("cells.tif", "'cells.tif' is a path; open the file"),
    ],
)
def test_what_cannot_be_upscaled_is_refused_in_a_sentence(array: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        run(array, make_tiny_model())
    assert "\n" not in str(caught.value)


def test_few_objects_on_a_large_even_ground_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_srgan.images.arrays.WHOLE_SAMPLE", 1000)
    monkeypatch.setattr("napari_srgan.images.arrays.SAMPLE_SIDE", 16)
    monkeypatch.setattr("napari_srgan.images.arrays.SAMPLE_BLOCKS", 4)
    array = np.zeros((200, 200), np.uint16)
    array[70:80, 70:80] = 5000
    result = run(array, make_tiny_model())
    assert result[140:160, 140:160].min() > 1000
    array = np.full((200, 200), np.nan, np.float32)
    array[70:80, 70:80] = image(10, 10)
    np.testing.assert_array_equal(
        np.isfinite(run(array, make_tiny_model())), np.isfinite(array).repeat(2, 0).repeat(2, 1)
    )


def test_masked_pixels_are_kept_out() -> None:
    masked = np.ma.masked_greater(image(24, 24), 150)
    result = run(masked, make_tiny_model())
    np.testing.assert_array_equal(np.isnan(result), masked.mask.repeat(2, 0).repeat(2, 1))
    with pytest.raises(UserError, match="no value for masked pixels"):
        run(np.ma.masked_greater(image(24, 24, dtype=np.uint8), 150), make_tiny_model())


def test_fill_values_at_the_end_of_float32_make_no_infinities() -> None:
    array = image(30, 30)
    array[:, :10] = np.finfo(np.float32).min
    assert np.isfinite(run(array, make_tiny_model())).all()


def test_an_outlier_that_no_network_can_bear_is_named() -> None:
    array = image(60, 60, dtype=np.float64)
    array[5, 5] = 1e300
    with pytest.raises(UserError, match="replace such outliers by NaN"):
        run(array, make_tiny_model())


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (1, 1, 1, 1, 1)])
def test_the_smallest_images_work(shape: tuple[int, ...]) -> None:
    result = run(image(*shape), make_tiny_model(4))
    assert result.shape == (*shape[:-2], shape[-2] * 4, shape[-1] * 4)
    assert np.isfinite(result).all()


def test_negative_values_stay_negative() -> None:
    result = run(image(30, 30) - 1000, make_tiny_model())
    assert result.max() < 0


def test_large_arrays_are_sampled_alike_whatever_they_lie_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_srgan.images.arrays.WHOLE_SAMPLE", 1000)
    monkeypatch.setattr("napari_srgan.images.arrays.SAMPLE_SIDE", 16)
    monkeypatch.setattr("napari_srgan.images.arrays.SAMPLE_BLOCKS", 20)
    model, array = make_tiny_model(), image(2, 3, 100, 90)
    transforms = [
        run_job(make(array), model, axes="CZYX").provenance["intensity"]
        for make in (np.asarray, dask.array.from_array, zarr.array)
    ]
    assert transforms[0] == transforms[1] == transforms[2]
    for channel, transform in enumerate(transforms[0]):
        low, high = np.percentile(array[channel], [0.1, 99.9])
        assert transform["offset"] == pytest.approx(low, abs=2)
        assert transform["span"] == pytest.approx(high - low, abs=4)


def test_results_larger_than_memory_are_refused_before_they_start(monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 1000

    monkeypatch.setattr("psutil.virtual_memory", lambda: Little)
    with pytest.raises(UserError, match=r"write an array to a \.zarr"):
        run(image(50, 50), make_tiny_model())


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_cuda_agrees_with_the_cpu(precision: str) -> None:
    model, array = make_tiny_model(blocks=8, width=32), image(3, 130, 120)
    expected = run(array, model)
    result = run(array, model, device="cuda", precision=precision)
    error = np.mean((result - expected) ** 2)
    assert 10 * np.log10(200**2 / error) > (90 if precision == "float32" else 45)
