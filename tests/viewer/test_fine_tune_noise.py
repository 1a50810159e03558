"""A model for the noise of a layer: from the button in the Upscale widget to the model that is chosen there.

Mostly with a stand-in for the training; twice with the real one, of a few steps.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication
from scipy.ndimage import gaussian_filter

from fake_training import ENDLESS
from napari_srgan.models import TrainedInput, load_model, save_model
from napari_srgan.training.fine_tuning.settings import FineTuning
from napari_srgan.viewer.fine_tuning.noise import NOTHING_CHOSEN
from napari_srgan.viewer.fine_tuning.preview_layers import PREVIEW
from napari_srgan.viewer.fine_tuning.saved_run import LayerNames, NoisyLayer, SavedRun, begin_run
from napari_srgan.viewer.qt.labels import ERROR_STYLE

pytestmark = pytest.mark.usefixtures("ideal_model")

DRAW = np.random.default_rng(0)
LIGHT = gaussian_filter((gaussian_filter(DRAW.random((192, 192)), 5) > 0.5).astype(float), 1)
NOISY = (4 * DRAW.poisson(30 * LIGHT + 1) + 100).astype(np.uint16)
CLEAN = (30000 * LIGHT + 500).astype(np.uint16)
RGB = DRAW.integers(0, 255, (96, 96, 3), dtype=np.uint8)
SMALL = {"minutes": None, "steps": 4, "validate_every": 2, "batch": 2, "patch": 16, "device": "cpu"}


@pytest.fixture
def noisy_upscaling(open_widget, qtbot):
    """A viewer with a noisy layer, and the Upscale widget that has looked at it."""
    viewer, widget = open_widget()
    viewer.add_image(NOISY, name="noisy", scale=(0.5, 0.5))
    widget["image"].value = viewer.layers["noisy"]
    qtbot.waitUntil(lambda: bool(widget["taken"].value.strip()), timeout=60_000)
    return viewer, widget


@pytest.fixture
def opened(open_fine_tune):
    """A viewer with a noisy and a good layer, and the Fine-tune widget set up for the noise of the former."""
    viewer, widget = open_fine_tune()
    viewer.add_image(CLEAN, name="good")
    viewer.add_image(NOISY, name="noisy", scale=(0.5, 0.5), translate=(3, 4))
    widget.learn_noise_of(viewer.layers["noisy"])
    for name, value in SMALL.items():
        widget.choices._fields[name].show(value)
    return viewer, widget


@pytest.fixture
def measured(qtbot):
    """Waits until the line says what was measured, and returns it."""

    def measured_in(widget):
        line = widget.images.noise_line
        qtbot.waitUntil(lambda: not line.text().startswith("Measuring"), timeout=60_000)
        return line.text()

    return measured_in


def shows_button(widget):
    return widget["fine_tune"].native.isVisibleTo(widget.native)


def is_red(label):
    return label.styleSheet() == ERROR_STYLE


# The button.


def test_the_button_opens_the_widget_set_up_for_the_layer(noisy_upscaling, measured):
    viewer, widget = noisy_upscaling
    viewer.add_image(CLEAN, name="another")
    assert shows_button(widget)
    widget["fine_tune"].native.click()
    dock, fine_tune = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")  # the one there is
    assert not dock.isHidden()
    images = fine_tune.images
    assert (images.kind.value, images.noisy.value) == ("noise of", viewer.layers["noisy"])
    assert images.high.value is None
    assert images.high.native.currentText() == "bundled sample tiles"
    assert (fine_tune.choices.chosen_base, fine_tune.choices.factor) == ("microscopy-x2", 2)
    assert "photons, read noise of " in measured(fine_tune)
    assert measured(fine_tune).endswith("simulated in the bundled sample tiles.")


def test_a_dock_that_was_closed_is_opened_again(noisy_upscaling, open_fine_tune):
    viewer, widget = noisy_upscaling
    _, fine_tune = open_fine_tune(viewer)
    viewer.window.remove_dock_widget(fine_tune)
    widget["fine_tune"].native.click()
    dock, again = viewer.window.add_plugin_dock_widget("napari-srgan", "Fine-tune")
    assert not dock.isHidden()
    assert again.images.noisy.value is viewer.layers["noisy"]


def test_there_is_no_button_where_it_does_not_help(noisy_upscaling, qtbot, tiny_model, library_folder):
    viewer, widget = noisy_upscaling
    photons = widget["taken"].value.split(" photons")[0].split()[-1]
    model = tiny_model(name="mine-x2")
    made = TrainedInput(photons=(int(photons) / 1.4, int(photons) * 1.4), clean=False)
    made_for = model.card.model_copy(update={"trained_input": made})
    save_model(replace(model, card=made_for), library_folder / "mine-x2.safetensors")
    widget.reset_choices()
    widget["models"]["model"].value = "mine-x2"
    assert not shows_button(widget)
    widget["models"]["model"].value = "microscopy-x2"
    assert shows_button(widget)
    clean = viewer.add_image(CLEAN, name="clean")
    widget["image"].value = clean
    assert not shows_button(widget)
    qtbot.waitUntil(lambda: "noise" in widget["taken"].value, timeout=60_000)
    assert not shows_button(widget)


def test_during_a_training_nothing_is_changed(opened, fake_training, qtbot):
    viewer, widget = opened
    fake_training.steps = ENDLESS
    widget.controls.start.click()
    qtbot.waitUntil(lambda: fake_training.step > 2)
    widget.learn_noise_of(viewer.layers["good"])
    assert widget.images.noisy.value is viewer.layers["noisy"]
    widget.controls.cancel.click()
    qtbot.waitUntil(lambda: widget.controls.start.isVisibleTo(widget), timeout=60_000)
    assert "Training noisy-x2 is still running" in widget.status.text()


# The training.


def test_from_the_button_to_a_model_for_this_noise(
    noisy_upscaling, open_fine_tune, finish_training, finish, open_models
):
    viewer, widget = noisy_upscaling
    widget["fine_tune"].native.click()
    _, fine_tune = open_fine_tune(viewer)
    for name, value in SMALL.items():
        fine_tune.choices._fields[name].show(value)
    fine_tune.controls.start.click()
    finish_training(viewer)
    assert fine_tune.progress.verdict.text().startswith("The model noisy-x2 is in the library. ")
    card = load_model("noisy-x2").card
    assert card.description.startswith("For the noise of noisy (about ")
    assert card.description.endswith("), simulated in 8 images: fine-tuned from microscopy-x2, faithful")
    assert 15 < card.made_for.photons[0] < 40
    assert len(card.pairs) == 8
    assert widget["models"]["model"].value == "noisy-x2"
    assert widget["taken"].value.endswith("noisy-x2 was trained on such images")
    assert not shows_button(widget)
    preview = viewer.layers[PREVIEW]
    assert tuple(preview.scale) == (0.25, 0.25)
    assert not fine_tune.progress.legend.isVisibleTo(fine_tune)
    fine_tune.progress.upscale.click()
    finish(viewer)
    assert viewer.layers[-1].name == "noisy x2 (noisy-x2)"
    _, models = open_models(viewer)
    models.table.choose("noisy-x2")
    told = " ".join(models.details.text.toPlainText().split())
    assert f"trained on {card.made_for.words}" in told
    assert card.description in told


def test_a_good_layer_in_place_of_the_tiles_without_a_change_of_size(opened, finish_training, measured):
    viewer, widget = opened
    widget.images.high.value = viewer.layers["good"]
    widget.choices._fields["factor"].show(1)
    assert widget.choices.name.native.placeholderText() == "noisy-restore"
    assert measured(widget).endswith("simulated in good.")
    widget.controls.start.click()
    finish_training(viewer)
    assert widget.progress.verdict.text().startswith("The model noisy-restore is in the library. ")
    model = load_model("noisy-restore")
    assert model.scale_factor == 1
    assert [pair.name for pair in model.card.pairs] == ["good"]
    assert widget.progress.upscale.text() == "Restore the whole noisy with it"
    assert widget.state.layer_to_upscale() is viewer.layers["noisy"]


def test_what_was_chosen_reaches_the_training(opened, fake_training, finish_training):
    viewer, widget = opened
    widget.controls.start.click()
    finish_training(viewer)
    (call,) = fake_training.calls
    assert call["noise_of"].name == "noisy"
    assert [image.name for image in call["pairs"]] == [f"sample tile {n}" for n in range(1, 9)]
    assert (call["settings"].hold_back, call["settings"].degradation) == ("images", None)
    assert call["settings"].factor == 2


def test_several_good_images(opened, fake_training, finish_training, measured):
    viewer, widget = opened
    viewer.add_image(CLEAN[::-1].copy(), name="better")
    for name in ("good", "better"):
        widget.images.high.value = viewer.layers[name]
        widget.images.add.click()
    assert widget.images._rows.itemAt(0).widget().about.text() == "The noise of noisy is simulated."
    assert measured(widget).endswith("simulated in good, better.")
    widget.controls.start.click()
    finish_training(viewer)
    assert [image.name for image in fake_training.calls[0]["pairs"]] == ["good", "better"]
    assert fake_training.calls[0]["settings"].hold_back == "blocks"


def test_measured_pairs_are_not_forgotten_when_another_kind_is_looked_at(opened):
    viewer, widget = opened
    images = widget.images
    images.kind.value = "pairs"
    images.low.value, images.high.value = viewer.layers["noisy"], viewer.layers["good"]
    viewer.layers["noisy"].scale, viewer.layers["noisy"].translate = (1, 1), (0, 0)
    images.add.click()
    images.kind.value = "noise of"
    assert widget.state.pairs.all == []
    images.kind.value = "pairs"
    assert [pair.name for pair in widget.state.pairs.all] == ["noisy and good"]


def test_it_goes_on_after_it_was_interrupted(open_fine_tune, fake_training, finish_training):
    noise_of = NoisyLayer(name="noisy", shape=NOISY.shape)
    plan = SavedRun(
        pairs=(), noise_of=noise_of, base="microscopy-x2", settings=FineTuning(name="mine", steps=9)
    )
    begin_run(plan).checkpoint.write_bytes(b"what was learned")
    viewer, widget = open_fine_tune()
    assert "It learns the noise of noisy in the bundled sample tiles." in widget.banner.text.text()
    widget.banner.go_on.click()
    assert "there is no layer 'noisy' now" in widget.status.text().lower()
    viewer.add_image(NOISY[:100], name="noisy")
    widget.banner.go_on.click()
    assert "has another size than when the training began" in widget.status.text()
    assert fake_training.calls == []
    viewer.layers["noisy"].data = NOISY
    widget.banner.go_on.click()
    finish_training(viewer)
    assert fake_training.calls[0]["noise_of"].name == "noisy"
    assert len(fake_training.calls[0]["pairs"]) == 8
    assert widget.images.kind.value == "noise of"


def test_plans_of_an_earlier_version_are_read():
    names = LayerNames(low=None, high="good", low_shape=None, high_shape=(8, 8))
    written = SavedRun(pairs=(names,), base=None, settings=FineTuning()).model_dump(exclude={"noise_of"})
    assert SavedRun.model_validate(written).noise_of is None


# The check.


def test_the_check_shows_both_noises_beside_each_other(opened, finish_training):
    viewer, widget = opened
    widget.images.check.click()
    finish_training(viewer)
    assert widget.status.text().startswith("About ")
    assert "; simulated: " in widget.status.text()
    assert not is_red(widget.status)
    shown = viewer.layers["noise of noisy"]
    assert tuple(shown.scale) == (0.25, 0.25)
    assert np.isfinite(shown.data).all()
    assert shown.data.shape[1] > 3 * 64
    assert viewer.layers.selection.active is viewer.layers["noisy"]


def test_a_layer_of_the_user_s_that_is_called_like_ours_stays(opened, finish_training, fake_training):
    viewer, widget = opened
    theirs = [viewer.add_image(CLEAN, name=name) for name in ("noise of noisy", PREVIEW, "overlay of mine")]
    widget.images.check.click()
    finish_training(viewer)
    widget.images.check.click()
    finish_training(viewer)
    widget.controls.start.click()
    finish_training(viewer)
    assert all(layer in viewer.layers and layer.visible for layer in theirs)
    assert [layer.name for layer in viewer.layers].count("noise of noisy [1]") == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (np.full((96, 96), 7, np.uint16), "'odd': the image whose noise is meant has no contrast"),
        (NOISY[:20, :20], "'odd': the noise of the camera needs at least 16 blocks"),
        (RGB, "'odd' is RGB and 'sample tile 1' is not"),
        (NOISY > 110, "'odd' shows truth values"),
    ],
)
def test_a_layer_whose_noise_cannot_be_told_is_refused_in_words(
    opened, finish_training, measured, data, words
):
    viewer, widget = opened
    widget.images.noisy.value = viewer.add_image(data, name="odd")
    assert words in measured(widget)
    assert is_red(widget.images.noise_line)
    widget.images.check.click()
    finish_training(viewer)
    assert words in widget.status.text()
    assert is_red(widget.status)
    widget.controls.start.click()
    finish_training(viewer)
    assert words in widget.status.text() + widget.progress.verdict.text()
    assert widget.state.outcome is None or widget.state.outcome.trained is None


def test_a_layer_is_not_good_and_noisy_at_once(opened, fake_training, measured):
    viewer, widget = opened
    widget.images.high.value = viewer.layers["noisy"]
    assert "'noisy' is given as the noisy and as the good image" in measured(widget)
    widget.controls.start.click()
    assert "'noisy' is given as the noisy and as the good image" in widget.status.text()
    assert fake_training.calls == []
    assert widget.state.pairs.all == []


def test_exchanged_layers_are_refused(opened, finish_training):
    viewer, widget = opened
    widget.images.noisy.value, widget.images.high.value = viewer.layers["good"], viewer.layers["noisy"]
    widget.images.check.click()
    finish_training(viewer)
    assert "they are exchanged" in widget.status.text()


def test_without_a_noisy_layer_it_asks_for_one(opened, fake_training):
    viewer, widget = opened
    del viewer.layers["noisy"]
    assert widget.images.noise_line.text() == NOTHING_CHOSEN
    assert widget.images.noisy.value is None
    assert not widget.images.check.isEnabled()
    widget.controls.start.click()
    assert "there is no layer whose noise the model shall be made for" in widget.status.text().lower()
    assert fake_training.calls == []


def test_labels_and_points_are_not_offered(opened):
    viewer, widget = opened
    viewer.add_labels(np.zeros((8, 8), int), name="labels")
    viewer.add_points(np.zeros((1, 2)), name="points")
    assert [getattr(layer, "name", None) for layer in widget.images.noisy.choices] == [None, "good", "noisy"]


def test_the_noise_of_a_movie_that_is_turned(opened, fake_training, finish_training, measured):
    viewer, widget = opened
    movie = viewer.add_image(np.stack([NOISY] * 3), name="movie", axis_labels=("t", "y", "x"), rotate=10)
    widget.images.noisy.value = movie
    assert "photons" in measured(widget)
    assert "movie" not in " ".join(widget.choices.base.choices)
    widget.controls.start.click()
    finish_training(viewer)
    assert fake_training.calls[0]["noise_of"].axes == "TYX"


def test_models_for_time_lapses_do_not_learn_from_tiles(opened, make_movie_model):
    make_movie_model("movie-x2")
    viewer, widget = opened
    widget.choices.look_again()
    assert "movie-x2" not in widget.choices.base.choices
    viewer.add_image(np.random.default_rng(0).random((8, 64, 64)), name="movie")
    widget.images.kind.value = "alone"
    assert "movie-x2" not in widget.choices.base.choices, "a single image is chosen"
    widget.images.high.value = viewer.layers["movie"]
    assert "movie-x2" in widget.choices.base.choices


# How it behaves in a dock.


def turn_the_wheel(qtbot, field):
    """Over a field, as a hand does."""
    middle = QPointF(field.rect().center())
    turned = QWheelEvent(
        middle, field.mapToGlobal(middle), QPoint(), QPoint(0, -120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, turned)
    qtbot.wait(20)


def test_the_wheel_chooses_nothing(opened, open_widget, qtbot):
    viewer, fine_tune = opened
    _, upscale = open_widget(viewer)
    lists = [fine_tune.images.kind, fine_tune.images.noisy, fine_tune.choices.base, upscale["image"]]
    before = [each.value for each in lists]
    for each in lists:
        turn_the_wheel(qtbot, each.native)
    minutes = fine_tune.choices._fields["minutes"].widget
    minutes.value = 7
    turn_the_wheel(qtbot, minutes.native)
    assert [each.value for each in lists] == before
    assert minutes.value == 7


def test_docks_can_be_narrow(opened, open_widget, open_models, qtbot):
    viewer, fine_tune = opened
    _, upscale = open_widget(viewer)
    _, models = open_models(viewer)
    qtbot.wait(50)
    for part in (fine_tune._setup, fine_tune.progress.legend, fine_tune.controls, upscale.native, models):
        assert part.minimumSizeHint().width() <= 260
