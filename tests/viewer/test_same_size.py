"""Denoising in the window: a pair of one size, its training, and the model it becomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fake_training import BASE
from napari_srgan.models import load_model, save_model
from napari_srgan.models.card import Baseline, Quality
from napari_srgan.viewer.fine_tuning.fields import FROM_SCRATCH
from napari_srgan.viewer.fine_tuning.preview_layers import PREVIEW, preview_picture

RANDOM = np.random.default_rng(0)
STRUCTURE = gaussian_filter(RANDOM.normal(size=(128, 128)), 2)
CLEAN = (1000 + 9000 * (STRUCTURE - STRUCTURE.min())).astype(np.uint16)
NOISY = (CLEAN + np.random.default_rng(1).normal(0, 400, CLEAN.shape)).clip(0, 65535).astype(np.uint16)
SMALL = {"minutes": None, "steps": 6, "validate_every": 2, "batch": 2, "patch": 16, "device": "cpu"}


@pytest.fixture
def opened(open_fine_tune):
    """A viewer with a noisy and a clean layer, and the widget with the pair in its list."""
    viewer, widget = open_fine_tune()
    viewer.add_image(NOISY, name="noisy", scale=(0.5, 0.5), translate=(3, 4))
    viewer.add_image(CLEAN, name="clean", scale=(0.5, 0.5), translate=(3, 4))
    widget.images.low.value, widget.images.high.value = viewer.layers["noisy"], viewer.layers["clean"]
    widget.images.add.click()
    for name, value in SMALL.items():
        widget.choices._fields[name].show(value)
    return viewer, widget


@pytest.fixture
def restorer(tiny_model, library_folder):
    """A model of factor 1 in the library, with what it had to beat."""
    model = tiny_model(scale_factor=1, name="restorer")
    card = model.card.model_copy(
        update={
            "quality": (Quality(images="cells", psnr=31, bicubic_psnr=25, protocol="held back"),),
            "baseline": Baseline(bicubic=25, rival="input", smoothed=29),
        }
    )
    save_model(replace(model, card=card), library_folder / "restorer.safetensors")
    return "restorer"


def labels_of(combo):
    return [combo.native.itemText(place) for place in range(combo.native.count())]


def test_from_a_noisy_and_a_clean_layer_to_a_restored_one(opened, finish_training, finish):
    viewer, widget = opened
    assert widget.choices.factor == 1
    assert widget.choices.name.native.placeholderText() == "noisy-restore"
    widget.images.check.click()
    finish_training(viewer)
    about = widget.images._rows.itemAt(0).widget().about
    assert about.text().startswith("Same field, shift 0.")
    assert about.toolTip().startswith("noisy and clean show one field, of one size: 'clean' is off by")
    widget.controls.start.click()
    finish_training(viewer)
    said = widget.progress.verdict.text()
    assert said.startswith("The model noisy-restore is in the library. ")
    assert "against the input" in said
    assert "bicubic" not in said
    model = load_model("noisy-restore")
    assert (model.scale_factor, model.history[-1].step) == (1, 6)
    assert PREVIEW in viewer.layers
    assert widget.progress.upscale.text() == "Restore the whole noisy with it"
    widget.progress.upscale.click()
    finish(viewer)
    result = viewer.layers["noisy restored (noisy-restore)"]
    assert result.data.shape == NOISY.shape
    np.testing.assert_array_equal(result.scale, (0.5, 0.5))
    np.testing.assert_array_equal(result.translate, (3, 4))


def test_a_base_of_any_factor_can_be_started_from(opened, restorer):
    _, widget = opened
    widget.choices.look_again()
    offered = labels_of(widget.choices.base)
    assert offered[0] == "microscopy-x2  (x2, faithful)"
    assert "restorer  (same size, yours)" in offered
    assert offered[-1] == FROM_SCRATCH
    assert widget.choices.chosen_base == "microscopy-x2"


def test_exchanged_layers_are_refused_in_red(opened, finish_training):
    viewer, widget = opened
    widget.state.pairs.remove(widget.state.pairs.all[0])
    widget.images.low.value, widget.images.high.value = viewer.layers["clean"], viewer.layers["noisy"]
    widget.images.add.click()
    widget.controls.start.click()
    finish_training(viewer)
    assert "'clean' has less noise than 'noisy': they are exchanged" in widget.progress.verdict.text()


def test_a_factor_of_one_can_be_chosen_for_an_image_without_a_partner(
    open_fine_tune, fake_training, finish_training
):
    viewer, widget = open_fine_tune()
    viewer.add_image(CLEAN, name="clean")
    widget.images.kind.value = "alone"
    widget.images.add.click()
    factor = widget.choices._fields["factor"]
    assert "same size" in labels_of(factor.widget)
    factor.widget.value = 1
    assert widget.choices.simulation.isVisibleTo(widget)
    widget.choices.simulation.show_one.click()
    finish_training(viewer)
    shown = viewer.layers["simulated from clean"].data
    assert shown.ndim == 2
    assert shown.shape[1] > 2 * 64
    widget.controls.start.click()
    finish_training(viewer)
    assert fake_training.calls[0]["settings"].factor == 1


def test_without_blur_and_noise_the_widget_says_that_there_is_nothing_to_learn(
    open_fine_tune, finish_training
):
    viewer, widget = open_fine_tune()
    viewer.add_image(CLEAN, name="clean")
    widget.images.kind.value = "alone"
    widget.images.add.click()
    widget.choices._fields["factor"].widget.value = 1
    widget.choices.simulation._as_measured.value = False
    widget.choices.simulation._blur.value = (0, 0)
    widget.controls.start.click()
    finish_training(viewer)
    assert "there is nothing to learn" in widget.progress.verdict.text().lower()


def test_the_curves_show_the_input_and_its_blur(opened):
    _, widget = opened
    curves = widget.progress.curves
    curves.draw([(1, 0.1)], [], Baseline(bicubic=20.0, rival="input", smoothed=24.5, base=BASE))
    assert (curves._rival.value(), curves._smoothed.value(), curves._base.value()) == (20, 24.5, BASE)
    assert curves._rival.label.format == "input {value:.2f}"
    assert all(line.isVisible() for line in (curves._rival, curves._smoothed, curves._base))
    curves.draw([(1, 0.1)], [], Baseline(bicubic=20.0))
    assert curves._rival.label.format == "bicubic {value:.2f}"
    assert not curves._smoothed.isVisible()


def test_a_preview_of_one_size_has_three_pictures(opened, finish_training):
    _, widget = opened
    viewer = opened[0]
    widget.controls.start.click()
    finish_training(viewer)
    preview = widget.state.outcome.trained.preview
    side = preview.high.shape[1]
    assert preview_picture(preview).shape[1] == 3 * side + 2 * max(1, round(0.03 * side))


# The model in the other widgets.


def test_the_upscale_widget_restores(open_widget, restorer, run):
    viewer, widget = open_widget()
    viewer.add_image(NOISY, name="noisy")
    assert "restorer  (same size, yours)" in labels_of(widget["models"]["model"])
    widget["models"]["model"].value = restorer
    assert "(same size, one channel)" in widget["about"].value
    assert run(viewer, widget) == "Added 'noisy restored (restorer)'."
    assert viewer.layers[-1].data.shape == NOISY.shape


def test_the_models_widget_compares_it_with_the_input(open_models, restorer):
    _, widget = open_models()
    table = widget.table.model()
    rows = [
        [table.index(row, column).data() for column in range(table.columnCount())]
        for row in range(table.rowCount())
    ]
    row = next(row for row in rows if row[0] == restorer)
    assert "same size" in row
    widget.table.choose(restorer)
    page = widget.details.text.toPlainText()
    assert "+6.00 dB over the input" in page
    assert "decibels above the input" in page
    assert "bicubic" not in page
