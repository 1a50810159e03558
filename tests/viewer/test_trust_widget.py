"""What can be believed of a result, told in the window."""

from __future__ import annotations

import json
import threading
import time

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import QThreadPool
from qtpy.QtWidgets import QLabel

import napari_srgan as sr
from napari_srgan import UserError
from napari_srgan.models import save_model
from napari_srgan.reliability import maps
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.trust.layers import map_layers, projected_back_layer_job, trust_layer_job

RANDOM = np.random.default_rng(0)
CELLS = RANDOM.integers(100, 4000, (72, 64), dtype=np.uint16)


def finished(job):
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def trust_widget_of(viewer):
    _, widget = viewer.window.add_plugin_dock_widget("napari-srgan", "Trust")
    return widget


@pytest.fixture
def upscaled(open_widget, run):
    """Upscales pixels as the layer 'cells' of a new viewer; looks at the result where that is ticked."""

    def upscale(pixels=CELLS, *, trust=False, **layer):
        viewer, widget = open_widget()
        viewer.add_image(pixels, name="cells", **layer)
        widget["trust"].value = trust
        run(viewer, widget)
        return viewer

    return upscale


@pytest.fixture
def look(finish):
    """Clicks Run in Trust, and waits for what comes of it."""

    def click(viewer, told):
        told["buttons"]["run"].native.click()
        finish(viewer)

    return click


@pytest.fixture
def looking(monkeypatch, qtbot):
    """Clicks Run in Trust, and returns while it computes a map, slowly: the windows that are made."""

    def click(told, *, tile=8, seconds=0.02):
        whole, windows = maps.OnTop._window, []
        monkeypatch.setattr(maps, "MAP_TILE", tile)
        monkeypatch.setattr(
            maps.OnTop, "_window", lambda *of: windows.append(1) or time.sleep(seconds) or whole(*of)
        )
        told["buttons"]["run"].native.click()
        qtbot.waitUntil(lambda: len(windows) > 1, timeout=20_000)
        return windows

    return click


def test_the_tick_in_upscale_opens_the_report(open_widget, run):
    viewer, widget = open_widget()
    source = viewer.add_image(CELLS, name="cells", scale=(0.5, 0.5), translate=(3, 4), rotate=30, units="um")
    widget["trust"].value = True
    assert run(viewer, widget) == "Added 'cells x2 (microscopy-x2)'."
    result = viewer.layers["cells x2 (microscopy-x2)"]
    added = viewer.layers["cells x2: added detail"]
    assert not added.visible
    assert added.data.shape == result.data.shape
    for corner in ((0, 0), (143, 127)):
        np.testing.assert_allclose(added.data_to_world(corner), result.data_to_world(corner))
    assert added.units == result.units == source.units
    low, high = added.contrast_limits
    assert low == -high
    told = trust_widget_of(viewer)
    assert told["status"].value.startswith("The image ")
    assert result.metadata["napari-srgan"]["trust"]["channels"]
    assert viewer.layers.selection.active is result


def test_a_result_that_is_there_is_looked_at(open_widget, look, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    viewer.add_image(CELLS.T, name="others")
    run(viewer, widget)
    told = trust_widget_of(viewer)
    field = told["result"].native
    assert [field.itemText(i) for i in range(field.count())] == [told["result"].value.name]
    assert told["result"].value.name == f"{told['image'].value.name} x2 (microscopy-x2)"
    told["disagreement"].value = True
    look(viewer, told)
    assert "There is no error map" in told["status"].value
    names = [layer.name for layer in viewer.layers]
    assert sum("added detail" in name for name in names) == 1
    assert sum("disagreement" in name for name in names) == 1


def test_a_second_run_brings_maps_up_to_date_and_a_cancelled_one_keeps_the_report(upscaled, look, finish):
    viewer = upscaled(trust=True)
    told = trust_widget_of(viewer)
    said, count = told["status"].value, len(viewer.layers)
    added = next(layer for layer in viewer.layers if "added detail" in layer.name)
    added.name, added.data = "mine", np.zeros_like(added.data)
    look(viewer, told)
    assert len(viewer.layers) == count
    assert added.data.any()
    told["disagreement"].value = True
    told["buttons"]["run"].native.click()
    told["buttons"]["cancel"].native.click()
    finish(viewer)
    assert told["status"].value == f"{said}\n\nCancelled."
    assert not told["save"].native.isHidden()
    assert len(viewer.layers) == count


def test_a_widget_closed_meanwhile_shows_the_report_when_it_is_opened_again(upscaled, looking, finish):
    viewer = upscaled()
    told = trust_widget_of(viewer)
    looking(told)
    viewer.window.remove_dock_widget(told.native)
    told = trust_widget_of(viewer)
    assert told["progress"].native.isVisibleTo(told.native)
    assert told["status"].value
    finish(viewer)
    assert "There is no error map" in told["status"].value
    assert not told["progress"].native.isVisibleTo(told.native)
    viewer.window.remove_dock_widget(told.native)
    assert "There is no error map" in trust_widget_of(viewer)["status"].value


def test_maps_belong_to_their_result_whatever_layers_are_called(upscaled, look):
    viewer = upscaled(trust=True)
    count = len(viewer.layers)
    result = viewer.layers["cells x2 (microscopy-x2)"]
    told = trust_widget_of(viewer)
    result.name = "renamed"
    look(viewer, told)
    assert len(viewer.layers) == count  # the map that is there was brought up to date
    twin = viewer.add_image(
        result.data + 1,
        name="cells x2 (microscopy-x2)",
        metadata={"napari-srgan": dict(result.metadata["napari-srgan"])},
    )
    added = next(layer for layer in viewer.layers if "added detail" in layer.name)
    before = added.data.copy()
    told["result"].value = twin
    look(viewer, told)
    assert len(viewer.layers) == count + 3  # the twin, and maps of its own
    np.testing.assert_array_equal(added.data, before)


def test_maps_of_a_result_that_hardly_differs_are_calm(upscaled):
    viewer = upscaled(CELLS.astype(np.float32) + 1e4 * (np.arange(64) > 30), trust=True)
    result = viewer.layers["cells x2 (microscopy-x2)"]
    added = next(layer for layer in viewer.layers if "added detail" in layer.name)
    assert added.contrast_limits[1] >= 0.02 * np.ptp(result.contrast_limits)


def test_it_fits_into_a_narrow_dock(upscaled):
    viewer = upscaled(trust=True)
    assert trust_widget_of(viewer).native.minimumSizeHint().width() <= 260


def test_labels_are_whole_in_a_large_font(make_napari_viewer, qtbot, monkeypatch):
    from napari.settings import get_settings

    monkeypatch.setattr(get_settings().appearance, "font_size", 16)
    viewer = make_napari_viewer()
    told = trust_widget_of(viewer)
    qtbot.wait(100)
    for name in ("Result", "Image"):
        label = next(one for one in told.native.findChildren(QLabel) if one.text() == name)
        assert label.fontMetrics().horizontalAdvance(name) > 40
        assert label.width() >= label.sizeHint().width()


def test_the_wrong_image_is_refused_in_words(upscaled, look):
    viewer = upscaled()
    cells = viewer.layers["cells"]
    other = viewer.add_image(np.zeros((30, 30), np.uint16), name="other")
    told = trust_widget_of(viewer)
    told["image"].value = other
    look(viewer, told)
    assert "is none of an image of shape (30, 30)" in told["status"].value
    told["image"].value = told["result"].value
    told["buttons"]["run"].native.click()
    assert told["status"].value.startswith("Choose the image that")
    told["image"].value = cells


def test_without_a_result_there_is_nothing_to_tell(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_image(CELLS, name="cells")
    told = trust_widget_of(viewer)
    told["buttons"]["run"].native.click()
    assert told["status"].value.startswith("There is no result in the layers")


def test_a_report_is_saved(upscaled, monkeypatch, tmp_path):
    viewer = upscaled(trust=True)
    told = trust_widget_of(viewer)
    asked = []
    monkeypatch.setattr(dialogs, "ask_where_to_save_report", lambda *_: asked.append(1) or tmp_path / "cells")
    told["save"].native.click()
    assert asked
    assert json.loads((tmp_path / "cells.trust.json").read_text())["model"] == "microscopy-x2"
    assert "Saved cells.trust.json" in told["status"].value


def test_colours_and_stacks(upscaled):
    viewer = upscaled(RANDOM.integers(0, 255, (48, 40, 3), dtype=np.uint8), trust=True, rgb=True)
    assert viewer.layers[-1].data.shape == (192, 160)
    assert not viewer.layers[-1].rgb


def test_a_result_is_compared_with_its_truth(upscaled, look):
    y, x = np.mgrid[:128, :112]
    true = (1000 + 500 * np.sin(y / 3) * np.cos(x / 4)).astype(np.float32)
    viewer = upscaled(true.reshape(64, 2, 56, 2).mean(axis=(1, 3)))
    truth = viewer.add_image(true * 2 + 7, name="truth")
    result = viewer.layers["cells x2 (microscopy-x2)"]
    told = trust_widget_of(viewer)
    assert told["truth"].value is None
    told["truth"].value = truth
    look(viewer, told)
    assert "Compared with the truth: " in told["status"].value
    assert "brightness matched by " in told["status"].value
    assert "bicubic interpolation: " in told["status"].value
    error = viewer.layers["cells x2: true error"]
    assert error.data.shape == truth.data.shape
    np.testing.assert_allclose(error.data_to_world((127, 111)), result.data_to_world((127, 111)))
    assert "'truth' has neither pixel size nor place, and was taken to lie on" in told["status"].value


@pytest.fixture
def placed(open_widget, run):
    """Compares a result with a truth that lies in some place, and gives what is said."""
    viewer, widget = open_widget()
    y, x = np.mgrid[:128, :112]
    true = (1000 + 500 * np.sin(y / 3) * np.cos(x / 4)).astype(np.float32)
    small = true.reshape(64, 2, 56, 2).mean(axis=(1, 3))
    viewer.add_image(small, name="cells", scale=(0.2, 0.2), translate=(30, 40))
    run(viewer, widget)
    told = trust_widget_of(viewer)

    def compare(**place):
        told["truth"].value = viewer.add_image(true, name="truth", **place)
        told["buttons"]["run"].native.click()
        return told

    return viewer, compare


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (
            {"translate": (31.2 - 0.05, 39.5 - 0.05)},
            "its first pixel is 12 lower and 5 to the left, its last one 12 lower and 5 to the left",
        ),
        ({"translate": (29.95, 42)}, "its first pixel is 20.5 to the right"),
        (
            {"translate": (29.95, 39.95), "scale": (0.2, 0.2)},
            "its first pixel is in its place, its last one 127 lower and 111 to the right",
        ),
        ({"translate": (29.95, 39.95), "rotate": 90}, "its last one 238 higher"),
    ],
)
def test_a_truth_that_lies_elsewhere_is_refused(placed, place, sentence):
    viewer, compare = placed
    told = compare(**{"scale": (0.1, 0.1)} | place)
    assert runner_of(viewer).running is None
    assert "'truth' lies elsewhere than 'cells x2 (microscopy-x2)'" in told["status"].value
    assert sentence in told["status"].value


@pytest.mark.parametrize("translate", [(29.95, 39.95), (30, 40), (29.99, 39.98)])
def test_a_truth_on_the_result_is_taken_by_either_convention(placed, finish, translate):
    viewer, compare = placed
    told = compare(scale=(0.1, 0.1), translate=translate)
    finish(viewer)
    assert "Compared with the truth: " in told["status"].value
    assert "neither pixel size nor place" not in told["status"].value


def test_maps_are_named_so_that_the_layer_list_shows_what_and_of_which_result(placed, finish, qtbot):
    viewer, compare = placed
    compare(scale=(0.1, 0.1), translate=(30, 40))
    finish(viewer)
    maps = [layer.name for layer in viewer.layers if layer.metadata.get("napari-srgan", {}).get("map")]
    assert sorted(maps) == [
        "cells x2: added detail", "cells x2: bicubic interpolation", "cells x2: true error",
    ]  # fmt: skip
    names = viewer.window._qt_viewer.layers
    free = names.width() - 100  # picture, eye and kind
    assert all(names.fontMetrics().horizontalAdvance(name) < max(free, 200) for name in maps)


def test_the_model_tells_which_of_two_results(open_widget, run, finish, library_folder, tiny_model):
    viewer, widget = open_widget()
    save_model(tiny_model(name="mine", scale_factor=2), library_folder / "mine.safetensors")
    viewer.add_image(CELLS, name="cells")
    run(viewer, widget)
    widget.reset_choices()
    widget["models"]["model"].value = "mine"
    run(viewer, widget)
    told = trust_widget_of(viewer)
    told["result"].value = viewer.layers["cells x2 (mine)"]
    told["image"].value = viewer.layers["cells"]
    told["buttons"]["run"].native.click()
    finish(viewer)
    assert "cells x2 (mine): added detail" in viewer.layers


def test_no_prediction_and_no_other_size_is_taken_for_the_truth(upscaled, look):
    viewer = upscaled()
    image = viewer.layers["cells"]
    result = viewer.layers["cells x2 (microscopy-x2)"]
    twin = viewer.add_image(result.data, name="twin", metadata=dict(result.metadata))
    told = trust_widget_of(viewer)
    told["result"].value, told["image"].value = result, image
    for truth, sentence in (
        (image, "'cells' is no truth to compare the result with"),
        (result, "is no truth to compare the result with"),
        (twin, "'twin' was made by microscopy-x2, and is no truth"),
    ):
        told["truth"].value = truth
        look(viewer, told)
        assert sentence in told["status"].value
    told["truth"].value = viewer.add_image(CELLS[:20], name="small")
    look(viewer, told)
    assert "a truth of its own shape; got (144, 128) and (20, 64)" in told["status"].value


def test_what_a_result_lost_is_projected_back(upscaled, look, finish):
    y, x = np.mgrid[:72, :64]
    cells = (2000 + 900 * np.sin(y / 2) * np.cos(x / 3)).astype(np.uint16)
    viewer = upscaled(cells, scale=(0.5, 0.5))
    image = viewer.layers["cells"]
    result = viewer.layers["cells x2 (microscopy-x2)"]
    told = trust_widget_of(viewer)
    assert told["project_back"].native.isHidden()
    look(viewer, told)
    assert not told["project_back"].native.isHidden()
    told["project_back"].native.click()
    finish(viewer)
    mended = viewer.layers["cells x2 projected back"]
    assert "Added 'cells x2 projected back'." in told["status"].value
    assert mended.data.dtype == np.uint16
    small, before = (one.data.reshape(72, 2, 64, 2).mean(axis=(1, 3)) for one in (mended, result))
    assert np.abs(small - cells).mean() < 0.3 * np.abs(before - cells).mean()
    np.testing.assert_allclose(mended.data_to_world((143, 127)), result.data_to_world((143, 127)))
    told["image"].value = mended
    assert told["project_back"].native.isHidden()
    assert image in viewer.layers


def test_what_was_projected_back_says_so(upscaled):
    viewer = upscaled(trust=True)
    image = viewer.layers["cells"]
    result = viewer.layers["cells x2 (microscopy-x2)"]
    assert "trust" in result.metadata["napari-srgan"]
    _, others = finished(projected_back_layer_job(image, result))
    mended = Image(result.data, **others)
    assert "trust" not in mended.metadata["napari-srgan"]
    assert "Irani and Peleg 1991" in finished(trust_layer_job(image, mended)).methods
    assert "Irani and Peleg 1991" not in finished(trust_layer_job(image, result)).methods


def test_layers_tell_their_model_and_region_to_scripts(make_napari_viewer, tiny_model, library_folder):
    viewer = make_napari_viewer()
    image = viewer.add_image(CELLS, name="cells")
    for name, factor in (("soft", 0.9), ("sharp", 1.1)):
        model = tiny_model(name=name)
        model.network.load_state_dict({k: factor * v for k, v in model.network.state_dict().items()})
        sr.save_model(model, library_folder / f"{name}.safetensors")
    blend = sr.blend("soft", "sharp", 0.5)
    part = sr.upscale(image, blend, region=((4, 60), (8, 56)), progress=False)
    for told in (
        sr.trust(image, part, self_test=False, progress=False),
        finished(trust_layer_job(image, part)),
    ):
        assert told.model == blend.name
        assert blend.weights_hash in told.methods
    assert sr.project_back(image, part).shape == part.data.shape
    with pytest.raises(UserError, match=f"made by .*{blend.weights_hash}.*, not by soft "):
        sr.trust(image, part, "soft", progress=False)
    with pytest.raises(UserError, match=f"made by .*{blend.weights_hash}.*, not by soft "):
        finished(trust_layer_job(image, part, sr.load_model("soft")))
    part.metadata["napari-srgan"] = {
        **part.metadata["napari-srgan"], "model": "soft", "weights": "0000", "blended": None,
    }  # fmt: skip
    with pytest.raises(UserError, match="weights 0000"):
        sr.trust(image, part, progress=False)


def test_scripts_refuse_predictions_and_maps_as_truth(make_napari_viewer):
    viewer = make_napari_viewer()
    image = viewer.add_image(CELLS, name="cells")
    result, report = sr.upscale(image, "microscopy-x2", trust=True, progress=False)
    added = map_layers(report, image, result)[0]
    for layer, why in ((result, "was made by microscopy-x2"), (added, "illustrates a result")):
        with pytest.raises(UserError, match=f"{why}, and is no truth; choose a measured image"):
            sr.validate(result, layer)
        with pytest.raises(UserError, match=f"{why}, and is no truth; choose a measured image"):
            sr.trust(image, result, truth=layer, progress=False)
        with pytest.raises(UserError, match=f"{why}, and is no truth; choose a measured image"):
            trust_layer_job(image, result, truth=layer)
    assert sr.validate(result, Image(result.data)).ssim == 1


def test_lazily_nothing_is_told(open_widget):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["result"].value = "lazy"
    assert not widget["trust"].enabled


def test_a_map_is_cancelled_within_a_second(upscaled, looking, finish):
    viewer = upscaled()
    told = trust_widget_of(viewer)
    windows = looking(told, tile=8, seconds=0.1)
    told["buttons"]["cancel"].native.click()
    began = time.perf_counter()
    finish(viewer)
    assert time.perf_counter() - began < 2
    assert len(windows) < 18 * 16
    assert not any("added detail" in layer.name for layer in viewer.layers)
    assert told["status"].value.endswith("Cancelled.")


def test_closed_during_a_map(upscaled, looking, finish):
    viewer = upscaled()
    told = trust_widget_of(viewer)
    looking(told, tile=16, seconds=0.02)
    viewer.window.remove_dock_widget(told.native.parent())
    finish(viewer)
    assert any("added detail" in layer.name for layer in viewer.layers)


def test_a_window_closed_during_a_map_ends_its_thread(upscaled, looking, qtbot, capfd):
    viewer = upscaled()
    looking(trust_widget_of(viewer))
    count = len(viewer.layers)
    viewer.close()
    mine = ("napari-srgan",)
    qtbot.waitUntil(lambda: not [t for t in threading.enumerate() if t.name.startswith(mine)], timeout=5000)
    qtbot.waitUntil(lambda: not QThreadPool.globalInstance().activeThreadCount(), timeout=5000)
    qtbot.wait(100)
    captured = capfd.readouterr()
    for word in ("Traceback", "Warning", "QThread", "deleted"):
        assert word not in captured.out + captured.err
    assert len(viewer.layers) <= count


def test_closed_during_a_run(open_widget, finish):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    widget["trust"].value = True
    widget["buttons"]["run"].native.click()
    viewer.window.remove_dock_widget(widget.native.parent())
    finish(viewer)
    assert any("added detail" in layer.name for layer in viewer.layers)


def test_maps_of_a_layer_that_names_no_model(make_napari_viewer):
    viewer = make_napari_viewer()
    layer = viewer.add_image(CELLS)
    with pytest.raises(UserError, match="nothing says which model made"):
        trust_layer_job(layer, layer)


def test_a_report_is_never_shown_or_saved_for_another_result(upscaled, look, finish):
    viewer = upscaled()
    cells = viewer.layers["cells"]
    result = viewer.layers["cells x2 (microscopy-x2)"]
    twin = viewer.add_image(result.data + 1, name="twin", metadata=dict(result.metadata))
    told = trust_widget_of(viewer)
    told["result"].value, told["image"].value = result, cells
    look(viewer, told)
    assert not told["save"].native.isHidden()
    told["result"].value = twin
    assert told["status"].value == ""
    assert told["save"].native.isHidden()
    told["buttons"]["run"].native.click()
    told["buttons"]["cancel"].native.click()
    finish(viewer)
    assert told["status"].value == "Cancelled."
    assert told["save"].native.isHidden()


def test_maps_follow_their_result_and_are_not_those_of_its_duplicate(upscaled, look):
    viewer = upscaled(trust=True)
    result = viewer.layers["cells x2 (microscopy-x2)"]
    added = next(layer for layer in viewer.layers if "added detail" in layer.name)
    result.translate = (100, 50)
    told = trust_widget_of(viewer)
    look(viewer, told)
    np.testing.assert_allclose(added.translate, (100, 50))
    copy = Image.create(*result.as_layer_data_tuple())  # as napari duplicates a layer
    viewer.add_layer(copy)
    before = len(viewer.layers)
    told["result"].value = copy
    look(viewer, told)
    assert len(viewer.layers) == before + 2  # bicubic interpolation, and what was added to it


def test_a_result_that_is_removed_meanwhile_gets_no_maps(upscaled, looking, finish):
    viewer = upscaled()
    told = trust_widget_of(viewer)
    looking(told, tile=16, seconds=0.02)
    viewer.layers.remove("cells x2 (microscopy-x2)")
    finish(viewer)
    assert [layer.name for layer in viewer.layers] == ["cells"]
    assert "is no layer any more" in told["status"].value
    assert told["save"].native.isHidden()
