"""A layer becomes a layer that lies on it and looks like it."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Image, Labels, Points
from tests.conftest import make_tiny_model

import napari_srgan
from napari_srgan import UserError
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.progress_bar import progress_bar, run_job
from napari_srgan.viewer.layers.upscale_layer import upscale_layer_job
from upscalings import options_in

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 4000, (12, 10), dtype=np.uint16)
MODELS = {factor: make_tiny_model(scale_factor=factor, name=f"tiny-x{factor}") for factor in (1, 2, 3, 4)}


def upscaled(layer, model=MODELS[2], **options):
    exact, others = options_in({"device": "cpu", "precision": "float32", "tile": 64} | options)
    job = upscale_layer_job(layer, model, exact, **others)
    with progress_bar(wanted=False) as bar:
        return run_job(job, bar)


def assert_lies_on(result, source, factor, origin=(0, 0)):
    """The centres of pixels at the border and inside are where they were."""
    shape = np.array(result.data.shape[: result.ndim], dtype=float)
    shape[-2:] //= factor
    for part in (0, 0.4, 1):
        pixel = np.floor((shape - 1) * part)
        in_result = pixel.copy()
        in_result[-2:] = pixel[-2:] * factor + (factor - 1) / 2
        pixel[-2:] += origin
        np.testing.assert_allclose(
            result.data_to_world(in_result), source.data_to_world(pixel), rtol=1e-6, atol=1e-6
        )


steps = st.floats(0.1, 10)
angles = st.floats(-180, 180)
shears = st.floats(-1, 1)


@st.composite
def transforms(draw, ndim):
    """Everything a layer can be moved, turned and stretched by."""
    state = {
        "scale": draw(st.lists(steps, min_size=ndim, max_size=ndim)),
        "translate": draw(st.lists(st.floats(-100, 100), min_size=ndim, max_size=ndim)),
    }
    if draw(st.booleans()):
        state["rotate"] = draw(angles) if ndim == 2 else [draw(angles) for _ in range(3)]
    count = ndim * (ndim - 1) // 2
    if draw(st.booleans()):
        upper = np.eye(ndim)
        upper[np.triu_indices(ndim, 1)] = draw(st.lists(shears, min_size=count, max_size=count))
        state["shear"] = draw(st.sampled_from([upper, upper.T]))
    if draw(st.booleans()):
        affine = np.eye(ndim + 1)
        affine[:ndim, :ndim] += np.reshape(
            draw(st.lists(shears, min_size=ndim**2, max_size=ndim**2)), (ndim,) * 2
        )
        affine[:ndim, ndim] = draw(st.lists(steps, min_size=ndim, max_size=ndim))
        if abs(np.linalg.det(affine)) > 0.05:
            state["affine"] = affine
    return state


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
@settings(max_examples=25)
@given(st.data(), st.sampled_from([2, 3]), st.sampled_from(sorted(MODELS)), st.booleans())
def test_every_pixel_centre_keeps_its_world_point(data, ndim, factor, part):
    state = data.draw(transforms(ndim))
    source = Image(np.broadcast_to(GRAY, (2, 12, 10)) if ndim == 3 else GRAY, **state)
    region = ((2, 9), (3, 7)) if part else None
    result = upscaled(source, MODELS[factor], region=region)
    assert_lies_on(result, source, factor, origin=(2, 3) if part else (0, 0))


def test_a_restored_layer_lies_where_the_original_lies_and_says_what_it_is():
    source = Image(GRAY, name="cells", scale=(0.3, 0.4), translate=(7, -5), metadata={"stain": "DAPI"})
    result = upscaled(source, MODELS[1])
    assert result.name == "cells restored (tiny-x1)"
    assert result.data.shape == GRAY.shape
    np.testing.assert_array_equal(result.scale, source.scale)
    np.testing.assert_array_equal(result.translate, source.translate)
    made = result.metadata["napari-srgan"]
    assert (made["model"], made["scale_factor"]) == ("tiny-x1", 1)
    assert made["note"] == "Predicted by a neural network from an image of the same size; not a measurement."


def test_mirrored_image():
    source = Image(GRAY, scale=(-2, 3), translate=(5, 6))
    assert_lies_on(upscaled(source), source, 2)


def test_what_a_layer_looks_like_is_kept():
    source = Image(
        GRAY, name="cells", colormap="magenta", blending="additive", contrast_limits=(100, 3000),
        gamma=0.7, opacity=0.6, visible=False, interpolation2d="linear", interpolation3d="nearest",
        rendering="attenuated_mip", attenuation=0.2, iso_threshold=77, projection_mode="max",
        units=("um", "um"), axis_labels=("y", "x"), metadata={"stain": "DAPI"},
    )  # fmt: skip
    source.contrast_limits_range = (0, 3500)
    result = upscaled(source)
    kept = (
        "blending", "contrast_limits", "contrast_limits_range", "gamma", "opacity", "visible",
        "interpolation2d", "interpolation3d", "rendering", "attenuation", "iso_threshold",
        "projection_mode", "units", "axis_labels", "rgb",
    )  # fmt: skip
    assert {name: getattr(result, name) for name in kept} == {name: getattr(source, name) for name in kept}
    assert result.colormap.name == "magenta"
    assert result.name == "cells x2 (tiny-x2)"
    assert result.metadata["stain"] == "DAPI"
    assert result.data.dtype == np.uint16
    assert result.data.shape == (24, 20)


def test_result_tells_that_it_is_a_prediction():
    made = upscaled(Image(GRAY, name="cells"), region=((0, 8), (2, 10))).metadata["napari-srgan"]
    assert "not a measurement" in made["note"]
    assert made["model"] == "tiny-x2"
    assert made["layer"] == "cells"
    assert made["region"] == ((0, 8), (2, 10))


def test_source_layer_is_left_as_it_was():
    source = Image(GRAY.copy(), name="cells", metadata={"stain": "DAPI"}, scale=(2, 3))
    upscaled(source)
    np.testing.assert_array_equal(source.data, GRAY)
    assert (source.name, source.metadata, tuple(source.scale)) == ("cells", {"stain": "DAPI"}, (2, 3))


def test_upscaling_twice_remembers_both():
    twice = upscaled(upscaled(Image(GRAY, name="cells")))
    assert twice.metadata["napari-srgan"]["before"]["layer"] == "cells"


def test_rgb_stays_rgb():
    source = Image(RANDOM.integers(0, 255, (40, 36, 3), dtype=np.uint8), rgb=True, scale=(2, 3))
    result = upscaled(source, None)  # the default for RGB has a factor of 4
    assert result.rgb
    assert result.data.shape == (160, 144, 3)
    assert result.name.endswith("x4 (photo-x4)")
    assert_lies_on(result, source, 4)


def test_finest_level_of_a_pyramid():
    levels = [np.kron(GRAY, np.ones((4, 4), np.uint16)), np.kron(GRAY, np.ones((2, 2), np.uint16))]
    source = Image(levels, multiscale=True, scale=(0.5, 0.5), translate=(3, 4))
    result = upscaled(source)
    assert not result.multiscale
    assert result.data.shape == (96, 80)
    assert_lies_on(result, source, 2)


def test_dask_is_read_in_parts():
    read = []

    def load(block, block_info=None):
        read.append(block_info[0]["chunk-location"])
        return block

    planes = dask.array.ones((40, 32, 32), chunks=(1, 32, 32), dtype=np.float32)
    lazy = planes.map_blocks(load, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))
    source = Image(lazy, contrast_limits=(0, 1))
    read.clear()
    job = upscale_layer_job(source, MODELS[2], UpscaleOptions(device="cpu"))
    assert not read
    job.close()
    assert upscaled(source).data.shape == (40, 64, 64)


def test_five_axes():
    source = Image(RANDOM.random((2, 3, 2, 9, 8), dtype=np.float32), scale=(60, 3, 1, 0.5, 0.5))
    result = upscaled(source, axes="TZCYX")
    assert result.data.shape == (2, 3, 2, 18, 16)
    assert_lies_on(result, source, 2)


def test_channels_are_known_by_their_label():
    data = np.stack([GRAY, GRAY * 10])
    result = upscaled(Image(data, axis_labels=("c", "y", "x")))
    made = result.metadata["napari-srgan"]
    assert made["axes"] == "CYX"
    assert len(made["intensity"]) == 2


def test_xarray_knows_its_axes():
    result = upscaled(Image(xarray.DataArray(np.stack([GRAY, GRAY]), dims=("time", "y", "x"))))
    assert result.metadata["napari-srgan"]["axes"] == "TYX"


@pytest.mark.parametrize("layer", [Labels(np.zeros((9, 9), int), name="seg"), Points([[1, 1]], name="seg")])
def test_other_layers_are_refused(layer):
    kind = type(layer).__name__
    with pytest.raises(UserError, match=f"only image layers can be upscaled, 'seg' is a {kind} layer"):
        upscale_layer_job(layer)


def test_console_gives_a_layer_for_a_layer():
    source = Image(GRAY, name="cells", scale=(2, 3))
    result = napari_srgan.upscale(source, "microscopy-x2", progress=False)
    assert isinstance(result, Image)
    assert_lies_on(result, source, 2)
