"""The result of a call of `upscale`: in memory or in a file, of an array, a layer or a file."""

from __future__ import annotations

from typing import Any

from napari_srgan.api.calls import UpscaleCall, is_layer, layer_with_warnings, notes_on
from napari_srgan.api.files import upscale_files, upscale_to_file
from napari_srgan.images.address import local_path
from napari_srgan.images.image import Image
from napari_srgan.images.upscaled import Upscaled
from napari_srgan.inference.upscale import upscale_job


def make_result(call: UpscaleCall) -> Any:
    """Upscale an array, a layer or a file, in memory or into a file; as :func:`upscale`."""
    if is_layer(call.image):
        return _layer_result(call)
    if call.is_file:
        return upscale_files(call)
    given = Image.of_array(call.image, call.axes)
    if call.output.path is None:
        return upscale_in_memory(call, given).data
    return upscale_to_file(call, given)


def upscale_in_memory(call: UpscaleCall, image: Image) -> Upscaled:
    """Upscale an image in memory; the result tells how it was made."""
    model = call.model_for(image)
    result: Upscaled = call.finish(upscale_job(image, model, call.options, notes=notes_on(image, model)))
    return result


def _layer_result(call: UpscaleCall) -> Any:
    """A new layer, in memory or reading from its file."""
    if call.output.path is None:
        from napari_srgan.viewer.layers.upscale_layer import upscale_layer_job

        job = upscale_layer_job(call.image, call.model, call.options, axes=call.axes)
        return layer_with_warnings(call.finish(job))
    from napari_srgan.viewer.layers.stored_layer import stored_layer_job

    job = stored_layer_job(
        call.image, call.model, local_path(call.output.path), call.options, axes=call.axes,
        overwrite=call.output.overwrite, cluster=call.output.cluster,
    )  # fmt: skip
    return layer_with_warnings(call.finish(job).layer())
