"""A lazy layer lies on its original and looks like it, and nothing is computed before it is looked at."""

from __future__ import annotations

from dataclasses import replace

import dask.array
import numpy as np
import pytest
import zarr
from napari.layers import Image, Labels
from tests.conftest import make_tiny_model

from napari_srgan import UserError
from napari_srgan.inference.engine import Engine
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import save_model
from napari_srgan.models.card import ResultIntensity
from napari_srgan.models.library import library
from napari_srgan.progress_bar import progress_bar, run_job
from napari_srgan.viewer.lazy.lazy_layer import lazy_layer
from upscalings import array_job, options_in

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 4000, (40, 36), dtype=np.uint16)
MODEL = make_tiny_model(name="tiny-x2")


def lazily(layer, model=MODEL, **options):
    exact, others = options_in({"device": "cpu", "precision": "float32", "tile": 16} | options)
    return lazy_layer(layer, model, exact, **others)


def eagerly(array, model=MODEL, **options):
    with progress_bar(wanted=False) as bar:
        job = array_job(array, model, device="cpu", precision="float32", tile=16, **options)
        return run_job(job, bar).data


@pytest.fixture
def no_network(monkeypatch):
    """Fails when a network runs."""

    def refuse(*_, **__):
        raise AssertionError("a network ran")

    monkeypatch.setattr(Engine, "compute", refuse)


def test_values_are_those_of_the_eager_result():
    layer = lazily(Image(GRAY))
    np.testing.assert_array_equal(np.asarray(layer.data[0]), eagerly(GRAY))
    np.testing.assert_array_equal(layer.data[0][30:50, 7], eagerly(GRAY)[30:50, 7])


def test_coarser_levels_are_the_original():
    layer = lazily(Image(GRAY))
    np.testing.assert_array_equal(layer.data[1], GRAY)
    pyramid = [np.kron(GRAY, np.ones((2, 2), np.uint16)), GRAY]
    layer = lazily(Image(pyramid, multiscale=True))
    assert [level.shape for level in layer.data] == [(160, 144), (80, 72), (40, 36)]


def test_a_restored_layer_has_no_level_that_is_the_original_itself():
    """Of two levels of one size napari shows the second, which would be the noisy image."""
    model = make_tiny_model(1, name="tiny-x1")
    layer = lazily(Image(GRAY, name="cells", scale=(2, 3), translate=(4, 5)), model)
    assert layer.name == "cells restored (tiny-x1), lazy"
    assert [level.shape for level in layer.data] == [(40, 36), (20, 18)]
    np.testing.assert_array_equal(np.asarray(layer.data[0]), eagerly(GRAY, model))
    np.testing.assert_array_equal(layer.data[1], GRAY[1::2, 1::2])
    np.testing.assert_array_equal((*layer.scale, *layer.translate), (2, 3, 4, 5))
    pyramid = [np.kron(GRAY, np.ones((2, 2), np.uint16)), GRAY]
    layer = lazily(Image(pyramid, multiscale=True), model)
    assert [level.shape for level in layer.data] == [(80, 72), (40, 36)]
    quantities = ResultIntensity(offset=5, span=100, dtype="float32")
    other = replace(model, card=model.card.model_copy(update={"result": quantities}))
    layer = lazily(Image(GRAY), other)
    assert [level.shape for level in layer.data] == [(40, 36), (20, 18)]


def test_a_line_can_be_restored_lazily():
    layer = lazily(Image(GRAY[:1]), make_tiny_model(1))
    assert layer.data[0].shape == (1, 36)


@pytest.mark.usefixtures("no_network")
def test_whole_slide_is_added_without_reading_it(tmp_path):
    huge = zarr.create_array(
        tmp_path / "slide.zarr", shape=(100_000, 100_000), chunks=(1024, 1024), dtype="u2"
    )
    huge[50_000:50_200, 50_000:50_200] = 100
    layer = lazily(Image(huge, visible=False, contrast_limits=(0, 200)), None)
    assert layer.data[0].shape == (200_000, 200_000)
    assert max(layer.data[-1].shape) <= 2048
    np.testing.assert_array_equal(layer.data[2][25_000:25_002, 25_000], [100, 100])


def test_pixel_centres_stay_where_they_were():
    affine = [[1, 0.2, 3], [0, 1.5, 1], [0, 0, 1]]
    source = Image(GRAY, scale=(0.5, 0.3), translate=(3, 4), rotate=30, shear=[0.3], affine=affine)
    layer = lazily(source)
    for pixel in ([0, 0], [39, 35], [20, 3]):
        in_result = np.array(pixel) * 2 + 0.5
        np.testing.assert_allclose(layer.data_to_world(in_result), source.data_to_world(pixel))


def test_looks_and_provenance_are_kept():
    source = Image(
        GRAY, name="cells", colormap="magenta", contrast_limits=(10, 3000), gamma=0.7, opacity=0.6,
        blending="additive", units=("um", "um"), axis_labels=("y", "x"), metadata={"stain": "DAPI"},
    )  # fmt: skip
    source.contrast_limits_range = (0, 3500)
    layer = lazily(source)
    kept = "contrast_limits", "contrast_limits_range", "gamma", "opacity", "blending", "units", "visible"
    assert {name: getattr(layer, name) for name in kept} == {name: getattr(source, name) for name in kept}
    assert layer.colormap.name == "magenta"
    assert layer.name == "cells x2 (tiny-x2), lazy"
    assert layer.metadata["stain"] == "DAPI"
    made = layer.metadata["napari-srgan"]
    assert "not a measurement" in made["note"]
    assert made["layer"] == "cells"
    assert made["region"] == ((0, 40), (0, 36))
    assert made["computed"] == "where it is looked at"


def test_rgb_and_leading_axes():
    color = RANDOM.integers(0, 255, (40, 36, 3), dtype=np.uint8)
    layer = lazily(Image(color, rgb=True), make_tiny_model(channels=3))
    assert layer.rgb
    assert [level.shape for level in layer.data] == [(80, 72, 3), (40, 36, 3)]
    movie = dask.array.from_array(np.stack([GRAY, GRAY // 2, GRAY]), chunks=(1, 40, 36))
    layer = lazily(Image(movie, contrast_limits=(0, 4000), scale=(5, 1, 1)), axes="TYX")
    assert layer.data[0].shape == (3, 80, 72)
    np.testing.assert_array_equal(layer.data[0][1], eagerly(movie, axes="TYX")[1])
    np.testing.assert_allclose(layer.scale, (5, 0.5, 0.5))


def test_coarser_levels_have_the_brightness_of_the_result():
    model = make_tiny_model(interpolated_skip=True)
    quantities = ResultIntensity(offset=0.0, span=1.0, dtype="float32")
    model = replace(model, card=model.card.model_copy(update={"result": quantities}))
    layer = lazily(Image(GRAY), model)
    assert [level.dtype for level in layer.data] == [np.float32, np.float32]
    assert 0.9 < np.percentile(layer.data[1], 99) < 1.1
    assert layer.contrast_limits == [0, 1]
    np.testing.assert_array_equal(np.argsort(layer.data[1][3, 2:9:3]), np.argsort(GRAY[3, 2:9:3]))


def test_in_other_quantities_there_is_no_border_between_what_is_there_and_what_is_not():
    model = make_tiny_model(interpolated_skip=True)
    quantities = ResultIntensity(offset=0.0, span=1.0, dtype="float32")
    model = replace(model, card=model.card.model_copy(update={"result": quantities}))
    image = np.random.default_rng(0).integers(0, 4000, (64, 192), dtype=np.uint16)
    layer = lazy_layer(Image(image), model, UpscaleOptions(device="cpu", tile=64))
    before = np.asarray(layer.data[1])
    assert np.asarray(layer.data[0][:128, :128]).any()
    np.testing.assert_array_equal(layer.data[1], before)
    whole = np.asarray(layer.data[0])
    np.testing.assert_array_equal(layer.data[1], whole[::2, ::2])


def test_model_that_is_deleted_goes_on(library_folder):
    file = save_model(make_tiny_model(name="mine"), library_folder / "mine.safetensors")
    layer = lazily(Image(GRAY), "mine")
    file.unlink()
    assert "mine" not in [card.name for card in library.read_library().cards]
    np.testing.assert_array_equal(layer.data[0], eagerly(GRAY))


def test_lazy_layers_are_not_stacked():
    layer = lazily(Image(GRAY, name="cells"))
    with pytest.raises(UserError, match=r"'cells x2 \(tiny-x2\), lazy' is computed lazily itself"):
        lazy_layer(layer, MODEL)


def test_other_layers_are_refused():
    with pytest.raises(UserError, match="only image layers"):
        lazy_layer(Labels(np.zeros((9, 9), int)))
