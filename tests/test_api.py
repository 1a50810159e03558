"""`napari_srgan.upscale` as one types it in a script."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import tifffile
import zarr

import napari_srgan as sr
from napari_srgan.images.formats import open_image
from napari_srgan.models import save_model
from napari_srgan.training.fine_tuning.settings import FineTuning
from timelapses import make_temporal_model, moving_spots

GRAY = np.random.default_rng(0).integers(0, 4000, (24, 20)).astype(np.uint16)


def test_everything_that_is_named_is_there() -> None:
    assert all(getattr(sr, name) for name in sr.__all__)
    assert set(sr.__all__) <= set(dir(sr))
    with pytest.raises(AttributeError, match="no attribute 'downscale'"):
        _ = sr.downscale


def test_the_default_models() -> None:
    assert sr.upscale(GRAY, progress=False).shape == (48, 40)
    rgb = np.zeros((40, 40, 3), np.uint8)
    assert sr.upscale(rgb, progress=False).shape == (160, 160, 3)
    assert sr.upscale(rgb, axes="zyx", progress=False).shape == (40, 80, 6)


def test_a_model_by_name_by_file_and_as_it_is(tiny_model: Any, library_folder: Path, tmp_path: Path) -> None:
    model = tiny_model(scale_factor=4)
    save_model(model, library_folder / "mine.safetensors")
    elsewhere = save_model(model, tmp_path / "elsewhere.safetensors")
    results = [sr.upscale(GRAY, m, progress=False) for m in ("mine", elsewhere, str(elsewhere), model)]
    assert results[0].shape == (96, 80)
    assert all(np.array_equal(results[0], other) for other in results[1:])


@pytest.mark.parametrize("name", ["out.zarr", "out.ome.zarr"])
def test_results_larger_than_memory_go_to_zarr(name: str, tiny_model: Any, tmp_path: Path) -> None:
    stack = np.stack([GRAY, GRAY])
    result = sr.upscale(stack, tiny_model(), axes="zyx", out=tmp_path / name, progress=False)
    assert isinstance(result, zarr.Array)
    assert min(result.chunks[-2:]) > 1
    np.testing.assert_array_equal(result[:], sr.upscale(stack, tiny_model(), axes="zyx", progress=False))
    with pytest.raises(sr.UserError, match=name):
        sr.upscale(stack, tiny_model(), out=tmp_path / name, progress=False)
    assert [file.name for file in tmp_path.iterdir() if file.name != "user-models"] == [name]


@pytest.mark.parametrize("name", ["x.tif", "x.ome.tif", "x.png", "x.ome.zarr"])
def test_every_format_that_the_shell_writes(name: str, tiny_model: Any, tmp_path: Path) -> None:
    model = tiny_model()
    image = (np.random.default_rng(0).random((30, 41)) * 60_000).astype(np.uint16)
    expected = sr.upscale(image, model, progress=False)
    of_array = sr.upscale(image, model, out=tmp_path / name, progress=False)
    np.testing.assert_array_equal(of_array[...], expected)
    with open_image(tmp_path / name) as found:
        np.testing.assert_array_equal(found.data[...], expected)
    source = tmp_path / "source.tif"
    tifffile.imwrite(source, image, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    of_file = sr.upscale(source, model, out=tmp_path / f"file-{name}", progress=False)
    np.testing.assert_array_equal(of_file[...], expected)
    if name != "x.png":  # which has no unit for them
        with open_image(tmp_path / f"file-{name}") as found:
            sizes = [one.size_in("micrometer") for one in found.spacings]
        assert sizes == [pytest.approx(0.125)] * 2
    with pytest.raises(sr.UserError, match="exists already"):
        sr.upscale(image + 1, model, out=tmp_path / name, progress=False)
    with pytest.raises(sr.UserError, match="would overwrite the input"):
        sr.upscale(source, model, out=source, overwrite=True, progress=False)


def test_a_run_that_fails_leaves_nothing(tiny_model: Any, tmp_path: Path) -> None:
    broken = tiny_model()
    broken.network.head[0].weight.data[:] = np.nan
    with pytest.raises(sr.UserError, match="not finite"):
        sr.upscale(GRAY, broken, out=tmp_path / "out.zarr", progress=False)
    assert [file.name for file in tmp_path.iterdir()] == ["user-models"]


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        ([[1, 2], [3]], {}, "array of numbers; got list"),
        ("cells.tif", {}, "is a path"),
        (np.zeros((0, 4)), {}, "empty"),
        (GRAY.astype(complex), {}, "complex"),
        (GRAY.astype(object), {}, "object"),
        (np.zeros((1,) * 6), {}, "at most 5 axes"),
        (GRAY, {"axes": 3}, "axes are letters"),
        (GRAY, {"tile": "64"}, "whole pixels or more; got '64'"),
        (GRAY, {"tile": 64.0}, "whole pixels or more; got 64.0"),
        (GRAY, {"model": "no-such"}, "no model 'no-such'"),
        (GRAY, {"model": "weights.pth"}, r"no model file weights\.pth"),
        (GRAY, {"device": "abacus"}, "no device"),
        (GRAY, {"precision": "int8"}, "no precision"),
    ],
)
def test_what_is_wrong_is_one_sentence(image: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(sr.UserError, match=message) as caught:
        sr.upscale(image, progress=False, **options)
    assert "\n" not in str(caught.value)


def test_layers_are_written_to_disk_and_read_from_there(tmp_path: Path, tiny_model: Any) -> None:
    from napari.layers import Image

    source = Image(GRAY, scale=(3, 2), name="cells")
    layer = sr.upscale(source, tiny_model(), out=tmp_path / "out.ome.zarr", device="cpu", progress=False)
    np.testing.assert_array_equal(layer.data, sr.upscale(GRAY, tiny_model(), device="cpu", progress=False))
    np.testing.assert_allclose(layer.data_to_world((0.5, 0.5)), source.data_to_world((0, 0)))
    assert layer.metadata["napari-srgan"]["file"] == str(tmp_path / "out.ome.zarr")


def test_a_lazy_array_is_computed_where_it_is_read(tiny_model: Any) -> None:
    stack = np.stack([GRAY, GRAY])
    options = {"axes": "zyx", "tile": 16, "device": "cpu", "precision": "float32"}
    result = sr.upscale(stack, tiny_model(), lazy=True, **options)
    assert isinstance(result, dask.array.Array)
    assert (result.shape, result.dtype) == ((2, 48, 40), np.uint16)
    whole = sr.upscale(stack, tiny_model(), progress=False, **options)
    np.testing.assert_array_equal(result[1, 5:40, ::2].compute(), whole[1, 5:40, ::2])
    np.testing.assert_array_equal(result.compute(), whole)
    assert sr.upscale(np.zeros((40, 40, 3), np.uint8), lazy=True).shape == (160, 160, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "out.zarr"}, "nothing to write to out='out.zarr'"),
        ({"region": ((0, 3), (0, 3))}, "take the part of the result"),
        ({"tile": 3}, "16 whole pixels or more; got 3"),
        ({"model": "no-such"}, "no model 'no-such'"),
    ],
)
def test_what_cannot_be_lazy_is_one_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(sr.UserError, match=message) as caught:
        sr.upscale(GRAY, lazy=True, **options)
    assert "\n" not in str(caught.value)


# --- Fine-tuning -----------------------------------------------------------------------------


def test_every_setting_of_a_fine_tuning_is_named_with_its_default_and_a_wrong_name_is_told() -> None:
    named = inspect.signature(sr.fine_tune).parameters
    settings = {name: field.default for name, field in FineTuning.model_fields.items()}
    assert {name: named[name].default for name in settings} == settings
    assert "settings" not in named
    with pytest.raises(sr.UserError, match=r"minuets: .*, got 5"):
        sr.fine_tune(high=GRAY, minuets=5)


# --- Time-lapses -----------------------------------------------------------------------------


def test_a_movie_whose_frames_are_shuffled_is_said_once(tmp_path: Path) -> None:
    movie, model = moving_spots(20, 80, 80, drift=(2, 0)), make_temporal_model("early-fusion")
    mixed = movie[np.random.default_rng(0).permutation(20)]
    ordered = sr.upscale(movie, model, axes="TYX", progress=False)
    assert ordered.shape == (20, 160, 160)
    for options in ({}, {"lazy": True}, {"out": tmp_path / "x.zarr"}):
        with pytest.warns(UserWarning, match="not seem to be in the order of time") as said:
            sr.upscale(mixed, model, axes="TYX", progress=False, **options)
        assert [Path(warning.filename).name for warning in said] == ["test_api.py"]
    assert "in the order of time" in zarr.open(tmp_path / "x.zarr").attrs["napari-srgan"]["notes"][0]


def test_very_few_frames_are_said_and_upscaled() -> None:
    movie, model = moving_spots(2, 40, 40), make_temporal_model()
    with pytest.warns(UserWarning, match="the time axis has 2 frames"):
        assert sr.upscale(movie, model, axes="TYX", progress=False).shape == (2, 80, 80)
    with pytest.warns(UserWarning, match="the time axis has 1 frame, and"):
        assert sr.upscale(movie[:1], model, axes="TYX", progress=False).shape == (1, 80, 80)


@pytest.mark.parametrize("options", [{}, {"lazy": True}, {"out": "x.zarr"}])
def test_a_model_for_time_lapses_wants_time(options: Any) -> None:
    with pytest.raises(sr.UserError, match="no axis is named T"):
        sr.upscale(np.stack([GRAY] * 3), make_temporal_model(), progress=False, **options)
