"""A result on disk lies on its original and looks like it, at once and when it is opened again."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import zarr
from napari.layers import Image
from tests.conftest import make_tiny_model

from napari_srgan import UserError, upscale
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.progress_bar import progress_bar, run_job
from napari_srgan.results.schedule import copy_job
from napari_srgan.results.shard_layout import Sides
from napari_srgan.results.writer import RestartableStore
from napari_srgan.viewer.layers import stored_layer
from napari_srgan.viewer.layers.reopen import reopened_layer
from napari_srgan.viewer.layers.stored_layer import StoredResult, stored_layer_job
from napari_srgan.viewer.layers.stored_levels import open_levels
from napari_srgan.viewer.layers.upscale_layer import appearance_of, upscale_layer_job
from napari_srgan.viewer.upscale.output_modes import layer_of
from upscalings import options_in

RANDOM = np.random.default_rng(0)
GRAY = RANDOM.integers(0, 4000, (40, 36), dtype=np.uint16)
MODEL = make_tiny_model(name="tiny-x2")
OPTIONS = {"device": "cpu", "precision": "float32", "tile": 16}
EXACT = UpscaleOptions(**OPTIONS)


def finish(job):
    with progress_bar(wanted=False) as bar:
        return run_job(job, bar)


def to_disk(layer, path, model=MODEL, **options):
    exact, others = options_in(OPTIONS | options)
    return finish(stored_layer_job(layer, model, path, exact, **others)).layer()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "result.ome.zarr"


def test_values_and_place_are_those_of_the_result_in_memory(target):
    affine = [[1, 0.2, 3], [0, 1.5, 1], [0, 0, 1]]
    source = Image(GRAY, scale=(0.5, 0.3), translate=(3, 4), rotate=30, shear=[0.3], affine=affine)
    layer = to_disk(source, target)
    eager = finish(upscale_layer_job(source, MODEL, EXACT))
    np.testing.assert_array_equal(layer.data, eager.data)
    for pixel in ([0, 0], [39, 35], [20, 3]):
        in_result = np.array(pixel) * 2 + 0.5
        np.testing.assert_allclose(layer.data_to_world(in_result), source.data_to_world(pixel))


def test_opened_again_it_lies_where_it_did(target):
    source = Image(
        GRAY, scale=(0.5, 0.3), translate=(3, 4), units=("um", "mm"), axis_labels=("y", "x"), name="cells"
    )
    layer = to_disk(source, target, region=((8, 30), (4, 36)))
    again = reopened_layer(target)
    np.testing.assert_allclose(again.scale, layer.scale)
    np.testing.assert_allclose(again.translate, layer.translate)
    assert again.units == layer.units
    assert again.axis_labels == layer.axis_labels == ("y", "x")
    np.testing.assert_allclose(again.data_to_world((0.5, 0.5)), source.data_to_world((8, 4)))
    made = again.metadata["napari-srgan"]
    assert made == {key: layer.metadata["napari-srgan"][key] for key in made}
    assert made["region"] == ((8, 30), (4, 36))
    assert made["model"] == "tiny-x2"
    assert "not a measurement" in made["note"]
    assert made["file"] == str(target)


def stored_steps(path, source):
    """A result without a network: pixels are repeated, so that an edge stays where it was at every level."""
    fine = np.kron(source.data, np.ones((2, 2), source.data.dtype))
    made = {"axes": "YX", "region": ((0, fine.shape[0] // 2), (0, fine.shape[1] // 2))}
    sides = Sides(chunk=16, shard=32)
    with RestartableStore(
        path, shape=fine.shape, dtype=fine.dtype, axes="YX", fingerprint={}, provenance=made, sides=sides
    ) as store:
        finish(copy_job(fine, store))
    return StoredResult(open_levels(path), appearance_of(source), MODEL).layer()


@pytest.mark.parametrize("rotate", [0, 30])
def test_all_levels_lie_on_the_original_on_the_screen(make_napari_viewer, qtbot, target, rotate):
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(800, 600)
    edge = np.where(np.arange(96) < 40, 200, 3000).astype(np.uint16) * np.ones((96, 1), np.uint16)
    source = viewer.add_image(edge, contrast_limits=(0, 4000), scale=(3, 2), rotate=rotate)
    layer = viewer.add_layer(stored_steps(target, source))
    layer.visible = False
    qtbot.wait(100)
    original = viewer.screenshot(flash=False)
    assert len(np.unique(original)) > 2
    source.visible, layer.visible = False, True
    assert len(layer.data) == 4
    for level in range(4):
        layer.locked_data_level = level
        np.testing.assert_array_equal(viewer.screenshot(flash=False), original)
    viewer.dims.ndisplay = 3  # napari shows the coarsest level then
    assert layer._slice.image.raw.shape == layer.data[-1].shape


def test_only_what_is_looked_at_is_read(target):
    image = RANDOM.integers(0, 4000, (400, 40), dtype=np.uint16)
    layer = stored_steps(target, Image(image, contrast_limits=(0, 4000)))
    (target / "0" / "c" / "0" / "0").write_bytes(b"broken")
    there = np.kron(image[300:310, 15:17], np.ones((2, 2)))
    np.testing.assert_array_equal(layer.data[0][600:620, 30:34], there)
    with pytest.raises(UserError, match=r"chunk 0/c/0/0 of result\.ome.zarr is damaged"):
        np.asarray(layer.data[0][:20, 30:34])
    assert isinstance(layer.data[0], dask.array.Array)


def test_rgb_and_stored_order_of_axes(target, tmp_path):
    color = RANDOM.integers(0, 255, (40, 36, 3), dtype=np.uint8)
    rgb = make_tiny_model(channels=3)
    layer = to_disk(Image(color, rgb=True), target, rgb)
    eager = finish(upscale_layer_job(Image(color, rgb=True), rgb, EXACT))
    for found in (layer, reopened_layer(target)):
        assert found.rgb
        np.testing.assert_array_equal(found.data, eager.data)
    stack = RANDOM.integers(0, 4000, (2, 3, 20, 24), dtype=np.uint16)
    source = Image(stack, scale=(5, 7, 1, 1))
    again = tmp_path / "stack.ome.zarr"
    layer = to_disk(source, again, axes="ZTYX")  # OME-Zarr keeps time first
    eager = finish(upscale_layer_job(source, MODEL, EXACT, axes="ZTYX"))
    for found in (layer, reopened_layer(again)):
        np.testing.assert_array_equal(found.data, eager.data)
        np.testing.assert_allclose(found.scale, (5, 7, 0.5, 0.5))


def test_axes_that_ome_zarr_has_no_place_for(tmp_path):
    stack = RANDOM.integers(0, 4000, (2, 3, 20, 24), dtype=np.uint16)
    layer = to_disk(Image(stack, scale=(5, 7, 1, 1)), tmp_path / "result.zarr", axes="QQYX")
    assert not layer.multiscale
    again = reopened_layer(tmp_path / "result.zarr")
    np.testing.assert_array_equal(again.data, layer.data)
    np.testing.assert_allclose(again.scale, (5, 7, 0.5, 0.5))


def test_huge_planes_without_coarser_levels_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_layer, "LARGEST_SHOWN_PLANE", 1000)
    result = finish(stored_layer_job(Image(GRAY), MODEL, tmp_path / "result.zarr", EXACT))
    with pytest.raises(UserError, match=r"result\.zarr is written\. It is a plain array"):
        layer_of(result)


def test_pixels_in_memory_are_known_again_and_others_are_not(target):
    to_disk(Image(GRAY, name="cells"), target)
    to_disk(Image(GRAY.copy(), name="another name"), target)
    with pytest.raises(UserError, match="exists already and was made otherwise"):
        to_disk(Image(np.rot90(GRAY, 2), name="cells"), target)


def test_result_never_takes_the_place_of_its_input(tmp_path):
    stored = zarr.create_array(tmp_path / "in.zarr", data=GRAY)
    (tmp_path / "link.zarr").symlink_to(tmp_path / "in.zarr", target_is_directory=True)
    for data in (stored, dask.array.from_zarr(stored), dask.array.from_zarr(stored)[::-1] + 1):
        for name in ("in.zarr", "link.zarr", "in.zarr/x2.zarr", "."):
            layer = Image(data, name="cells")
            with pytest.raises(UserError, match="would overwrite the input"):
                stored_layer_job(layer, MODEL, tmp_path / name, overwrite=True)
            with pytest.raises(UserError, match="would overwrite the input"):
                upscale(layer, MODEL, out=tmp_path / name, overwrite=True, progress=False)
    with pytest.raises(UserError, match="holds the pixels of the input"):  # read into memory before
        upscale(Image(stored[:]), MODEL, out=tmp_path / "in.zarr", overwrite=True, progress=False)
    np.testing.assert_array_equal(zarr.open_array(tmp_path / "in.zarr", mode="r")[:], GRAY)


def test_input_that_disappears_is_told(tmp_path, target):
    stored = zarr.create_array(tmp_path / "in.zarr", data=GRAY, chunks=(16, 16))
    job = stored_layer_job(Image(stored), MODEL, target, EXACT)
    for progress in job:
        if "Upscaling" in progress.message:
            (tmp_path / "in.zarr").rename(tmp_path / "elsewhere.zarr")
            break
    with pytest.raises(UserError, match=r"in\.zarr has disappeared; what is done is kept"):
        finish(job)
    (tmp_path / "elsewhere.zarr").rename(tmp_path / "in.zarr")
    np.testing.assert_array_equal(
        to_disk(Image(stored), target).data, to_disk(Image(GRAY), target.with_name("other.ome.zarr")).data
    )


def test_broken_chunk_is_named_and_the_run_goes_on_when_it_is_mended(tmp_path, target):
    stored = zarr.create_array(tmp_path / "in.zarr", data=GRAY, chunks=(16, 16))
    file = tmp_path / "in.zarr" / "c" / "1" / "1"
    good = file.read_bytes()
    file.write_bytes(b"broken")
    for data, words in (
        (stored, r"chunk c/1/1 of .*in\.zarr is damaged"),
        (dask.array.from_zarr(stored), r"chunk c/1/1 of .*in\.zarr is damaged"),
        (dask.array.from_zarr(stored) * 2, "a part of 'cells' cannot be read"),
    ):
        with pytest.raises(UserError, match=words):
            to_disk(Image(data, name="cells", visible=False, contrast_limits=(0, 9)), target)
    file.write_bytes(good)
    to_disk(Image(stored, name="cells"), target)


def test_nothing_else_is_taken_for_a_result(tmp_path, target):
    zarr.create_array(tmp_path / "in.zarr", data=GRAY)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file.zarr").write_text("{}")
    job = stored_layer_job(Image(GRAY), MODEL, target, EXACT)
    next(step for step in job if "Upscaling" in step.message)
    unfinished = target.with_name(f".partial-{target.name}") / target.name
    for path in (
        *(tmp_path / name for name in ("in.zarr", "folder", "file.zarr", "nothing")),
        target,
        unfinished,
    ):
        with pytest.raises(UserError, match="is no finished result of napari-srgan"):
            reopened_layer(path)
    job.close()


def test_a_layer_keeps_its_name_and_colours_on_disk(target):
    source = Image(GRAY, name="GFP", colormap="green", contrast_limits=(100, 3000))
    to_disk(source, target)
    attributes = zarr.open_group(target, mode="r").attrs["ome"]
    (channel,) = attributes["omero"]["channels"]
    assert attributes["multiscales"][0]["name"] == "GFP"
    assert (channel["label"], channel["color"]) == ("GFP", "00FF00")
    assert (channel["window"]["start"], channel["window"]["end"]) == (100, 3000)
    again = reopened_layer(target)
    np.testing.assert_allclose(again.colormap.map([0.0, 1.0]), source.colormap.map([0.0, 1.0]))
    assert again.contrast_limits == [100, 3000]


def test_a_table_of_many_colours_is_kept_on_disk(target):
    source = Image(GRAY, colormap="viridis")
    to_disk(source, target)
    shown = np.linspace(0, 1, 9)
    np.testing.assert_allclose(
        reopened_layer(target).colormap.map(shown), source.colormap.map(shown), atol=2 / 255
    )


def test_an_unnamed_axis_of_a_layer_keeps_its_unit(target):
    from ome_zarr_models.v05 import Image as OmeImage

    stack = np.stack([GRAY] * 3)
    source = Image(stack, scale=(2, 0.5, 0.5), units=("um", "um", "um"))
    to_disk(source, target)
    OmeImage.from_zarr(zarr.open_group(target, mode="r"))
    again = reopened_layer(target)
    assert again.units == source.units
    np.testing.assert_allclose(again.scale, (2, 0.25, 0.25))
