"""Layers > Transform > Upscale with SRGAN, also in the command palette."""

from __future__ import annotations

from typing import Any

import napari
from napari.layers import Image
from napari.utils.notifications import show_warning

from napari_srgan.errors import UserError
from napari_srgan.viewer.jobs import Task, runner_of
from napari_srgan.viewer.layers import upscale_layer_job


def upscale_selected(viewer: napari.viewer.Viewer) -> None:
    """Upscale all selected image layers, one after the other, with their default models.

    Returns at once; each result is added to the viewer when it is ready. What cannot be
    upscaled is told in a notification, while the others go on.
    """
    viewer = getattr(viewer, "__wrapped__", viewer)  # plugins are handed a proxy
    selected = [layer for layer in viewer.layers if layer in viewer.layers.selection]
    images = [layer for layer in selected if isinstance(layer, Image)]
    try:
        if not images:
            raise UserError("no image layer is selected; select one or more in the layer list")
        runner_of(viewer).start([task for layer in images if (task := _task(layer, viewer))])
    except UserError as error:
        show_warning(str(error))


def _task(layer: Image, viewer: Any) -> Task | None:
    def complain(sentence: str) -> None:
        show_warning(f"{name}: {sentence}")

    name = layer.name
    try:
        job = upscale_layer_job(layer)
    except UserError as error:
        complain(str(error))
        return None
    return Task(f"Upscaling {name}", job, viewer.add_layer, complain)
