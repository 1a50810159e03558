"""From an image layer to its upscaled image in a file, shown by a layer that lies exactly on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.layers import Image, Layer

from napari_srgan.api.calls import OutputSettings
from napari_srgan.api.files import Written, upscale_file_job
from napari_srgan.images.formats import check_writable, ending
from napari_srgan.images.image import Image as Pixels
from napari_srgan.images.origins import origins_of
from napari_srgan.inference.options import AS_USUAL, UpscaleOptions
from napari_srgan.models import Model
from napari_srgan.progress import Job
from napari_srgan.results.collision import refuse_collision
from napari_srgan.viewer.layers.file_levels import open_file_levels
from napari_srgan.viewer.layers.layer_look import layer_look, over_files
from napari_srgan.viewer.layers.layer_spacing import layer_spacings
from napari_srgan.viewer.layers.sources import FILE_KEY, files_of, identity_of, layer_pixels, watch_over
from napari_srgan.viewer.layers.stored_levels import StoredLevels, open_levels
from napari_srgan.viewer.layers.upscale_layer import Chosen, LayerRequest, result_state

LARGEST_SHOWN_PLANE = 2**30
"""Bytes of a plane of an image without coarser levels that is still shown: napari reads it whole."""


@dataclass(frozen=True)
class StoredResult:
    """An upscaled image on disk that no layer shows yet."""

    stored: StoredLevels
    appearance: dict[str, Any]
    """Appearance of the layer that the image was made from."""
    model: Model

    @property
    def can_be_shown(self) -> bool:
        """Whether napari can show it: not a huge plane without coarser levels."""
        levels, y = self.stored.levels, self.stored.axes.index("Y")
        plane = levels[0][(0,) * y]
        return len(levels) > 1 or bool(plane.nbytes <= LARGEST_SHOWN_PLANE)

    def layer(self) -> Image:
        """Make the layer; only on the main thread."""
        looks = dict(self.appearance)
        limits_range = looks.pop("contrast_limits_range")
        made = {**self.stored.made, FILE_KEY: str(self.stored.path)}
        state = result_state(looks, made, made["region"], self.model)
        if self.model.card.result is not None and self.stored.limits is not None:
            limits_range = state["contrast_limits"] = self.stored.limits
        levels = self.stored.levels
        several = len(levels) > 1
        layer = Image(levels if several else levels[0], multiscale=several, **state)
        layer.contrast_limits_range = limits_range
        return layer


def stored_layer_job(
    layer: Layer,
    model: Chosen,
    path: Path,
    options: UpscaleOptions = AS_USUAL,
    *,
    axes: str | None = None,
    overwrite: bool = False,
    cluster: Any = None,
) -> Job[StoredResult]:
    """Upscale an image layer into a file; into a zarr store, where a run that was stopped goes on.

    The layer is read here and now, except for its pixels: the job may run on another
    thread while the layer is moved or renamed, or removed.

    Parameters
    ----------
    layer, model, options, axes
        See :func:`~napari_srgan.viewer.layers.upscale_layer.upscale_layer_job`.
    path
        The file; its ending says the format, which is any that is written.
    overwrite
        Whether it replaces what has that name already.
    cluster
        See :func:`~napari_srgan.cluster.connection.client_of`.

    Returns
    -------
    Job
        Yields :class:`~napari_srgan.progress.Progress`, returns a :class:`StoredResult`.

    Raises
    ------
    UserError
        If it is no image layer, its axes cannot be known, the ending says no format that is written, or the
        file would lie on, in or around its pixels.
    """
    request = LayerRequest.of(layer, model, axes)
    image, axes = request.layer, request.axes
    files = files_of(image)
    inputs = [*files, *origins_of(image.data)]
    refuse_collision(path, inputs)  # here too: nobody need wait for the job to be told
    check_writable(path)
    data = layer_pixels(image, axes)
    spacings = layer_spacings(image, axes)
    look = layer_look(image, axes, tuple(data.shape))
    identity = identity_of(image)

    def whole() -> Pixels:
        return Pixels(
            data, axes, spacings, over_files(look, files, axes, tuple(data.shape)), identity(), tuple(inputs),
            watch_over(files),
        )  # fmt: skip

    def job() -> Job[StoredResult]:
        given = yield from request.prepare_job(whole)
        output = OutputSettings(path, overwrite, cluster)
        written = yield from upscale_file_job(given.image, given.model, output, options, notes=given.notes)
        return StoredResult(_levels_of(written, axes), request.appearance, given.model)

    return job()


def _levels_of(written: Written, axes: str) -> StoredLevels:
    if ending(written.path).endswith("zarr"):
        return open_levels(written.path)
    made = written.provenance | {"region": written.region}
    if written.note:
        made["notes"] = [*made.get("notes", ()), written.note]
    return open_file_levels(written.path, axes, made)
