"""The real training, on a model of a few thousand weights, through the widget."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_srgan.models import load_model
from napari_srgan.viewer.fine_tuning.preview_layers import PREVIEW

RANDOM = np.random.default_rng(0)
STRUCTURE = gaussian_filter(RANDOM.normal(size=(192, 192)), 2)
HIGH = (1000 + 2000 * (STRUCTURE - STRUCTURE.min())).astype(np.uint16)
LOW = HIGH.reshape(96, 2, 96, 2).mean(axis=(1, 3)).astype(np.uint16)


@pytest.fixture
def opened(open_fine_tune):
    viewer, widget = open_fine_tune()
    viewer.add_image(LOW, name="cells", scale=(2, 2), translate=(0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")
    widget.images.add.click()
    settings = {"minutes": None, "steps": 6, "validate_every": 2, "batch": 2, "patch": 16, "device": "cpu"}
    for name, value in settings.items():
        widget.choices._fields[name].show(value)
    return viewer, widget


def test_from_layers_to_a_model_cancelled_once(opened, finish_training, finish, qtbot):
    viewer, widget = opened
    widget.images.check.click()
    finish_training(viewer)
    about = widget.images._rows.itemAt(0).widget().about
    assert about.text().startswith("Same field, shift 0.0 low-resolution pixels, corrected.")
    assert "blocks correlate" in about.toolTip()
    assert "overlay of cells and fine cells" in viewer.layers
    widget.controls.start.click()
    qtbot.waitUntil(lambda: len(widget.state.points) > 1, timeout=60_000)
    widget.controls.cancel.click()
    finish_training(viewer)
    if widget.state.outcome.trained is None:  # else it was faster
        widget.banner.go_on.click()
        finish_training(viewer)
    assert widget.progress.verdict.text().startswith("The model cells-x2 is in the library. ")
    model = load_model("cells-x2")
    assert model.history[-1].step == 6
    assert [pair.name for pair in model.card.pairs] == ["cells and fine cells"]
    assert PREVIEW in viewer.layers
    widget.progress.upscale.click()
    finish(viewer)
    assert viewer.layers[-1].data.shape == HIGH.shape


def test_another_field_is_refused_in_red(opened, finish_training):
    viewer, widget = opened
    viewer.layers["fine cells"].data = HIGH[::-1].copy()
    widget.controls.start.click()
    finish_training(viewer)
    assert widget.progress.verdict.text().startswith("Cells and fine cells: ")
    assert "mirrored" in widget.progress.verdict.text()
    assert "mirrored" in widget.images._rows.itemAt(0).widget().about.text()
