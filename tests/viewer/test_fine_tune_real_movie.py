"""The real training on a movie, of a model of a few thousand weights, through the widget."""

from __future__ import annotations

import numpy as np
import pytest

from napari_srgan.models import load_model
from napari_srgan.viewer.fine_tuning.preview_layers import PREVIEW
from timelapses import moving_spots

HIGH = (1000 + 20 * moving_spots(12, 160, 160)).astype(np.uint16)
LOW = HIGH.reshape(12, 80, 2, 80, 2).mean(axis=(2, 4)).astype(np.uint16)


@pytest.mark.parametrize("alone", [False, True])
def test_from_a_movie_to_a_model_for_time_lapses(
    open_fine_tune, finish_training, finish, make_movie_model, alone
):
    make_movie_model("movie-x2")
    viewer, widget = open_fine_tune()
    if not alone:
        viewer.add_image(LOW, name="cells", scale=(1, 2, 2), translate=(0, 0.5, 0.5))
    viewer.add_image(HIGH, name="fine cells")
    widget.images.add.click()
    widget.choices.base.value = "movie-x2"
    settings = {"minutes": None, "steps": 2, "validate_every": 1, "batch": 2, "patch": 16, "device": "cpu"}
    for name, value in settings.items():
        widget.choices._fields[name].show(value)
    widget.controls.start.click()
    finish_training(viewer)
    name = "fine-cells-x2" if alone else "cells-x2"
    assert widget.progress.verdict.text().startswith(f"The model {name} is in the library. ")
    assert load_model(name).card.frames == 5
    assert viewer.layers[PREVIEW].data.ndim == 2
    if alone:
        viewer.layers.selection.active = viewer.layers["fine cells"]
    widget.progress.upscale.click()
    finish(viewer)
    result = viewer.layers[-1]
    assert result.name.endswith(f"x2 ({name})")
    assert result.metadata["napari-srgan"]["axes"] == "TYX"
