"""What is in the menus and the command palette: upscaling layers, opening results, adding models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
from napari.layers import Image
from napari.utils.history import get_save_history, update_save_history
from napari.utils.notifications import show_info, show_warning

from napari_srgan.errors import UserError
from napari_srgan.inference.options import UpscaleOptions
from napari_srgan.models import default_model_name, read_library
from napari_srgan.viewer.jobs.runner import Task, library_runner_of, runner_of
from napari_srgan.viewer.layers.provenance import is_illustration
from napari_srgan.viewer.layers.reopen import reopened_layer
from napari_srgan.viewer.layers.result_in_viewer import add_result
from napari_srgan.viewer.layers.stored_layer import StoredResult, stored_layer_job
from napari_srgan.viewer.layers.upscale_layer import layer_axes, upscale_layer_job
from napari_srgan.viewer.lazy.lazy_layer import LazyResult, lazy_layer_job
from napari_srgan.viewer.models.tasks import Added, add_task
from napari_srgan.viewer.one_per_viewer import unwrapped
from napari_srgan.viewer.preferences import apply_folder, preferred_device
from napari_srgan.viewer.qt import dialogs
from napari_srgan.viewer.upscale.ask_for_file import ask_for_file
from napari_srgan.viewer.upscale.messages import notes_of
from napari_srgan.viewer.upscale.output_modes import layer_of
from napari_srgan.viewer.upscale.output_path import suggest
from napari_srgan.viewer.upscale.regions import check_shown_plane


def upscale_selected(viewer: napari.viewer.Viewer) -> None:
    """Upscale all selected image layers, one after the other, with their default models.

    Returns at once; each result is added to the viewer when it is ready. What cannot be
    upscaled is told in a notification, while the others go on.
    """
    _start_with(_task, viewer)


def upscale_selected_lazily(viewer: napari.viewer.Viewer) -> None:
    """Add a lazy layer for each selected image layer: what is looked at is computed when it is.

    As :func:`upscale_selected` otherwise.
    """
    _start_with(_lazy_task, viewer)


def upscale_selected_to_disk(viewer: napari.viewer.Viewer) -> None:
    """Ask for a file for each selected image layer, and upscale them into these.

    As :func:`upscale_selected` otherwise.
    """
    _start_with(_disk_task, viewer)


def _start_with(task_of: Callable[[Image, Any], Task | None], viewer: Any) -> None:
    viewer = unwrapped(viewer)
    apply_folder()
    selected = [layer for layer in viewer.layers if layer in viewer.layers.selection]
    images = [layer for layer in selected if isinstance(layer, Image) and not is_illustration(layer)]
    try:
        if not images:
            raise UserError("no image layer is selected; select one or more in the layer list")
        runner_of(viewer).start([task for layer in images if (task := _possible(task_of, layer, viewer))])
    except UserError as error:
        show_warning(str(error))


def open_result(viewer: napari.viewer.Viewer) -> None:
    """Ask for a result on disk and add it in its place; what is wrong is told in a notification."""
    viewer = unwrapped(viewer)
    try:
        if path := dialogs.ask_for_result(viewer.window._qt_window, Path(get_save_history()[0])):
            viewer.add_layer(reopened_layer(path))
            update_save_history(str(path))  # the next one is looked for there
    except UserError as error:
        show_warning(str(error))


def add_models(viewer: napari.viewer.Viewer) -> None:
    """Ask for files of models and add them to the library; the outcome is told in a notification."""
    viewer = unwrapped(viewer)

    def told(added: Added) -> None:
        (show_warning if added.problems else show_info)(str(added))

    try:
        if files := dialogs.ask_for_model_files(viewer.window._qt_window):
            library_runner_of(viewer).start([add_task(files, told, show_warning)])
    except UserError as error:
        show_warning(str(error))


def _possible(task_of: Callable[[Image, Any], Task | None], layer: Image, viewer: Any) -> Task | None:
    try:
        check_shown_plane(layer, viewer)
        return task_of(layer, viewer)
    except UserError as error:
        _complain_of(layer)(str(error))
        return None


def _task(layer: Image, viewer: Any) -> Task:
    job = upscale_layer_job(layer, None, _options())
    return Task(f"Upscaling {layer.name}", job, lambda new: _add(new, layer, viewer), _complain_of(layer))


def _lazy_task(layer: Image, viewer: Any) -> Task:
    def add(result: LazyResult) -> None:
        _add(result.layer(), layer, viewer)

    return Task(f"Upscaling {layer.name}", lazy_layer_job(layer, None, _options()), add, _complain_of(layer))


def _disk_task(layer: Image, viewer: Any) -> Task | None:
    """None if no file was chosen."""
    axes = layer_axes(layer)
    card = read_library().card(default_model_name(rgb=layer.rgb))
    chosen = ask_for_file(viewer, suggest(layer, axes, card.scale_factor if card else 1), axes)
    if chosen is None:
        return None
    job = stored_layer_job(layer, None, chosen.path, _options(), overwrite=chosen.replaces)

    def add(result: StoredResult) -> None:
        _add(layer_of(result), layer, viewer)

    return Task(f"Upscaling {layer.name}", job, add, _complain_of(layer))


def _options() -> UpscaleOptions:
    return UpscaleOptions(device=preferred_device())


def _add(result: Image, layer: Image, viewer: Any) -> None:
    """Add a result, and tell what is to be said of the image it was made of."""
    add_result(result, layer, viewer)
    for note in notes_of(result):
        show_warning(f"{layer.name}: {note}")


def _complain_of(layer: Image) -> Callable[[str], None]:
    name = layer.name  # as it is now
    return lambda sentence: show_warning(f"{name}: {sentence}")
