"""What somebody meets who fine-tunes for the first time, on two files without pixel sizes."""

from __future__ import annotations

import time

import numpy as np
import pytest

import fake_training as fake_training_module
from fake_training import ENDLESS
from napari_srgan.models import load_model, read_model, save_model
from napari_srgan.progress import Progress
from napari_srgan.training.pairs.matching import MatchedPair
from napari_srgan.viewer.fine_tuning import session
from napari_srgan.viewer.fine_tuning.layer_pairs import PairOfLayers
from napari_srgan.viewer.fine_tuning.placing import can_be_laid, lay_on_each_other, lie_apart
from napari_srgan.viewer.jobs.runner import runner_of
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.qt.labels import camera_of, in_full
from pairs_of_cells import field

HIGH = field(0, 256, 256).astype(np.uint16)
LOW = HIGH.reshape(64, 4, 64, 4).mean(axis=(1, 3)).astype(HIGH.dtype)


@pytest.fixture
def opened(open_fine_tune, fake_training, bundled_models, tiny_model):
    """Two files as they are opened: nobody has said how large their pixels are."""
    save_model(tiny_model(scale_factor=4, name="microscopy-x4"), bundled_models / "microscopy-x4.safetensors")
    viewer, widget = open_fine_tune()
    viewer.add_image(LOW, name="wide")
    viewer.add_image(HIGH, name="storm")
    return viewer, widget


def test_what_is_chosen_decides_the_base_before_it_is_added(opened):
    viewer, widget = opened
    assert widget.choices.base.value == "microscopy-x4"
    assert widget.choices.name.native.placeholderText() == "wide-x4"
    assert widget.images.check.isEnabled()
    assert "take these two layers. Add pair is for several" in widget.images.hint.text()
    del viewer.layers["wide"]
    viewer.add_image(HIGH[::2, ::2], name="half")
    widget.images.low.value, widget.images.kind.value = viewer.layers["half"], "pairs"
    widget.images.low.value, widget.images.high.value = viewer.layers["half"], viewer.layers["storm"]
    assert widget.choices.base.value == "microscopy-x2"
    widget.images.low.value = viewer.layers["storm"]
    assert not widget.images.check.isEnabled()
    assert "cannot be its own partner" in widget.images.hint.text(), "it says why the button is grey"


def test_check_goes_to_the_overlay_and_lays_nothing_unasked(opened, finish_training):
    viewer, widget = opened
    camera = camera_of(viewer)
    camera.center, camera.zoom = before = (0, 7, 9), 3.5
    widget.images.check.click()
    finish_training(viewer)
    overlay = next(layer for layer in viewer.layers if layer.name.startswith("overlay of"))
    first, last = overlay.extent.world
    np.testing.assert_allclose(camera.center[-2:], (first + last) / 2)
    look = widget.progress.look
    assert look.isVisibleTo(widget)
    assert look.text() == "Back to where you were"
    look.click()
    assert (tuple(camera.center), camera.zoom) == before
    assert not look.isVisibleTo(widget)
    widget.images.check.click()
    finish_training(viewer)
    assert tuple(camera.center) != before[0]
    widget.controls.start.click()
    assert (tuple(camera.center), camera.zoom) == before, "the overlay is hidden then"
    finish_training(viewer)
    assert tuple(viewer.layers["storm"].scale) == (1, 1)
    row = widget.images._rows.itemAt(0).widget()
    assert all(sentence.strip()[-1] in ".!?" for sentence in row.about.text().splitlines())


def test_the_split_is_drawn_only_where_both_layers_show_the_same(opened, finish_training):
    viewer, widget = opened
    widget.controls.start.click()
    finish_training(viewer)
    assert "split of cells" not in viewer.layers, "it would point at another place of the finer layer"
    assert "do not lie on each other" in widget.progress.legend.text()
    assert widget.images._rows.itemAt(0).widget().lay.isVisibleTo(widget.images)
    assert widget.progress.lay.isVisibleTo(widget)
    widget.progress.lay.click()
    storm, wide = viewer.layers["storm"], viewer.layers["wide"]
    np.testing.assert_allclose(storm.data_to_world((1.5, 1.5)), wide.data_to_world((0, 0)))
    np.testing.assert_allclose(storm.data_to_world((253.5, 5.5)), wide.data_to_world((63, 1)))
    assert "split of cells" in viewer.layers
    assert "do not lie on each other" not in widget.progress.legend.text()
    assert not widget.images._rows.itemAt(0).widget().lay.isVisibleTo(widget.images)
    assert not widget.progress.lay.isVisibleTo(widget)


def test_layers_with_pixel_sizes_are_left_where_they_are(make_napari_viewer):
    viewer = make_napari_viewer()
    low = viewer.add_image(LOW, scale=(0.4, 0.4), units="um", translate=(0.15, 0.15))
    sized, plain = viewer.add_image(HIGH, scale=(0.1, 0.1), units="um"), viewer.add_image(HIGH)
    assert not lie_apart(PairOfLayers(low, sized))
    assert not can_be_laid(PairOfLayers(low, sized))
    pair = PairOfLayers(low, plain)
    assert lie_apart(pair)
    lay_on_each_other(pair)
    assert not lie_apart(pair)
    np.testing.assert_allclose(plain.extent.world, sized.extent.world, atol=1e-12)
    assert plain.units == sized.units
    images = pair.images()
    assert isinstance(images, MatchedPair)
    assert images.factor == 4


def test_train_on_makes_another_model_from_this_one(opened, finish_training, fake_training):
    viewer, widget = opened
    assert not widget.progress.train_on.isVisibleTo(widget)
    widget.controls.start.click()
    finish_training(viewer)
    first = load_model("wide-x4").weights_hash
    for name, base in (("wide-x4-2", "wide-x4"), ("wide-x4-3", "wide-x4-2")):
        widget.progress.train_on.click()
        finish_training(viewer)
        call = fake_training.calls[-1]
        assert (call["base"], call["settings"].name) == (base, name)
        assert f"The model {name} is in the library" in widget.progress.verdict.text()
    assert load_model("wide-x4").weights_hash == first
    del viewer.layers["storm"]
    widget.progress.train_on.click()
    assert "'storm' is not open any more" in widget.status.text()


def test_a_copy_of_the_new_model_can_be_saved(opened, finish_training, tmp_path, monkeypatch):
    viewer, widget = opened
    widget.controls.start.click()
    finish_training(viewer)
    file = tmp_path / "copy"
    monkeypatch.setattr(dialogs, "ask_where_to_save_model", lambda parent, suggested: file)
    widget.progress.copy.click()
    written = tmp_path / "copy.safetensors"
    assert str(written) in widget.status.text()
    assert read_model(written).weights_hash == load_model("wide-x4").weights_hash
    written.write_bytes(b"something else")
    monkeypatch.setattr(dialogs, "ask_to_overwrite", lambda parent, path: False)
    widget.progress.copy.click()
    assert written.read_bytes() == b"something else"


def test_upscaling_the_layer_shows_progress_and_can_be_cancelled(
    opened, finish_training, finish, qtbot, monkeypatch
):
    def endless(*_, **__):
        for done in range(1, ENDLESS):
            time.sleep(0.005)
            yield Progress(min(done, 90), 100, "Upscaling plane 1")

    viewer, widget = opened
    widget.controls.start.click()
    finish_training(viewer)
    assert widget.progress.upscale.text() == "Upscale the whole wide with it"
    monkeypatch.setattr(session, "upscale_layer_job", endless)
    widget.progress.upscale.click()
    qtbot.waitUntil(lambda: widget.status.text().startswith("Upscaling plane 1"))
    for part in (widget.controls.cancel, widget.controls.bar):
        assert part.isVisibleTo(widget)
    assert not widget.progress.upscale.isEnabled()
    qtbot.waitUntil(lambda: widget.controls.bar.value() > 0)
    widget.controls.cancel.click()
    finish(viewer)
    assert runner_of(viewer).running is None
    assert widget.status.text() == "Cancelled."
    assert not widget.controls.cancel.isVisibleTo(widget)
    assert widget.progress.upscale.isEnabled()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("they are kept", "They are kept."),
        ("Done.", "Done."),
        ("a.tif is small", "a.tif is small."),
        ("", ""),
    ],
)
def test_sentences_that_others_follow_have_an_end(told, sentence):
    assert in_full(told) == sentence


def test_curves_explain_themselves_and_draw_equal_lines_once(opened, monkeypatch, finish_training):
    viewer, widget = opened
    monkeypatch.setattr(fake_training_module, "BASE", fake_training_module.BICUBIC)
    widget.controls.start.click()
    finish_training(viewer)
    curves = widget.progress.curves
    assert "decibels" in curves._psnr_plot.toolTip()
    assert "It should fall" in curves._loss_plot.toolTip()
    assert curves._rival.label.format.startswith("bicubic and base")
    assert not curves._base.isVisible()
