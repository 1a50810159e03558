"""The Upscale widget's "Lazily"."""

from __future__ import annotations

import threading

import numpy as np

CELLS = np.random.default_rng(0).integers(100, 4000, (40, 32), dtype=np.uint16)


def test_lazy_layer_lies_on_the_image(open_widget, run):
    viewer, widget = open_widget()
    source = viewer.add_image(CELLS, name="cells", scale=(2, 2))
    widget["result"].value = "lazy"
    widget["tile"].value = 64
    assert run(viewer, widget) == "Added 'cells x2 (microscopy-x2), lazy'."
    layer = viewer.layers[-1]
    assert [level.shape for level in layer.data] == [(80, 64), (40, 32)]
    np.testing.assert_allclose(layer.data_to_world((0.5, 0.5)), source.data_to_world((0, 0)))
    assert layer.metadata["napari-srgan"]["tile"] == 64


def test_layers_are_made_on_the_main_thread(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS)
    threads = []
    viewer.layers.events.inserted.connect(lambda: threads.append(threading.current_thread()))
    widget["result"].value = "lazy"
    run(viewer, widget)
    assert threads == [threading.main_thread()]


def test_region_is_not_asked_for(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(CELLS, name="cells")
    box = viewer.add_shapes([[[2, 2], [2, 9], [9, 9], [9, 2]]], name="roi")
    widget["region"].value = box
    widget["result"].value = "lazy"
    assert not widget["region"].enabled
    run(viewer, widget)
    assert viewer.layers[-1].data[0].shape == (80, 64)
    widget["result"].value = "memory"
    assert widget["region"].enabled


def test_unnamed_axes_and_beside(open_widget, run):
    viewer, widget = open_widget()
    viewer.add_image(np.stack([CELLS, CELLS]), name="stack")
    widget["axis_0"].value = "C"
    widget["result"].value = "lazy"
    widget["beside"].value = True
    run(viewer, widget)
    made = viewer.layers[-1].metadata["napari-srgan"]
    assert made["axes"] == "CYX"
    assert len(made["intensity"]) == 2
    assert getattr(viewer, "canvas", viewer).grid.enabled
