"""`upscale` for scripts, the console and clusters."""

from __future__ import annotations

import os
from typing import Any

from napari_srgan.api.calls import Named, OutputSettings, UpscaleCall, is_layer, layer_with_warnings, notes_on
from napari_srgan.api.make_result import make_result
from napari_srgan.errors import UserError
from napari_srgan.images.image import Image
from napari_srgan.images.upscaled import Region
from napari_srgan.inference.lazy import LazyUpscaling
from napari_srgan.inference.options import UpscaleOptions


def upscale(
    image: Any,
    model: Named = None,
    *,
    axes: str | None = None,
    region: Region | None = None,
    device: str = "auto",
    precision: str = "auto",
    tile: int | None = None,
    self_ensemble: bool = False,
    align: str | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    lazy: bool = False,
    cluster: Any = "auto",
    trust: bool = False,
    series: str | int | None = None,
    progress: bool = True,
) -> Any:
    """Upscale an image.

    Parameters
    ----------
    image
        An array (numpy, dask, zarr, xarray) of two to five axes, with colour samples
        last for RGB; a napari image layer; or with `out` the path of an image (TIFF, OME-TIFF, zarr,
        OME-Zarr, zipped zarr) or the address of a zarr or OME-Zarr (``https://``, ``s3://``, ...).
    model
        A model, its name in the library, or a ``.safetensors`` file; by default
        ``microscopy-x2``, or ``photo-x4`` for RGB. One of factor 1 denoises or deblurs.
    axes
        One letter for each axis, e.g. ``"TCYX"`` or ``"YXS"`` (S: colour samples);
        by default guessed. A model for time-lapses lets the frames along T help each other; call the
        axis of a stack T, and its planes do.
    region
        ``((y_start, y_stop), (x_start, x_stop))`` in pixels: the part to upscale.
    device
        ``"auto"``, ``"cuda"``, ``"mps"``, ``"xpu"`` or ``"cpu"``.
    precision
        ``"auto"``, ``"float32"``, ``"bfloat16"`` or ``"float16"``.
    tile
        Side of a tile in pixels; by default measured.
    self_ensemble
        Give the mean over the eight orientations of the image (Lim et al. 2017): eight times
        the time, for about 0.1 dB; see docs/quality.md.
    align
        ``"drift"``, for models of time-lapses: where a stage drifts, let frames help each other as they lie
        on each other, by whole pixels (phase correlation); the result stays where it is.
    out
        A file to write the result to; its ending says the format, as in the shell (``.ome.tif``, ``.tif``,
        ``.png``, ...). A ``.zarr`` or ``.ome.zarr`` takes results of any size, and a run that was stopped, or
        killed, goes on there when the same is called again. It appears when it is complete. Of a layer only
        ``.zarr`` and ``.ome.zarr``.
    overwrite
        Replace what has the name `out` already.
    lazy
        Compute nothing yet: of an array, give a dask array whose tiles are computed where it is read;
        of a layer, one that computes what is looked at.
    cluster
        Who computes the result for `out`: a ``distributed.Client``, the address of a scheduler or
        its file; ``"auto"``: the client that is active in the script, if any; None: this process.
    trust
        Tell what can be believed of the result, too, as :func:`~napari_srgan.trust` does; beside `out` it is
        written as ``<out>.trust.json`` and ``<out>.trust.md``.
    series
        Which image of a file with several: the number or the name of a series, the path of a field of a plate
        (``"A/1/0"``); by default the first. ``"all"``: each of them, into the folder `out`.
    progress
        Show a progress bar.

    Returns
    -------
    array or napari.layers.Image, or with `trust` a tuple of that and a TrustReport
        An array of the input's dtype, Y and X multiplied by the factor (one that is read from its file
        if `out` is given, a dask array if `lazy`); or for a layer a new image layer that
        lies exactly on it, not yet added to a viewer (and reads from `out`, if that is given). With
        ``series="all"`` a dict of open arrays by the names that tell the results from each other (that of
        the file, if it holds one image).

    Raises
    ------
    UserError
        If something given cannot be used; the message says what to do. If it is one of all series, the others
        are upscaled first.

    Warns
    -----
    ImageWarning
        If the image is noisier than what the model was trained on; or if a model for time-lapses is given
        frames that seem not to be in the order of time, or very few.

    Examples
    --------
    >>> import numpy as np, napari_srgan
    >>> napari_srgan.upscale(np.zeros((64, 64), np.uint16), progress=False).shape
    (128, 128)
    """
    options = UpscaleOptions(region, device, precision, tile, self_ensemble, align)
    output = OutputSettings(out, overwrite, cluster)
    call = UpscaleCall(image, model, options, output, axes, series, progress)
    if lazy:
        if trust:
            raise UserError(
                "with lazy=True there is no result yet; call napari_srgan.trust on what comes of it"
            )
        return _upscale_lazily(call)
    if trust:
        from napari_srgan.api.reliability import upscale_and_trust

        return upscale_and_trust(call)
    return make_result(call)


def _upscale_lazily(call: UpscaleCall) -> Any:
    """A dask array of an array, a lazy layer of a layer."""
    if call.output.path is not None:
        raise UserError(
            f"lazy=True computes nothing yet, so that there is nothing to write to "
            f"out={str(call.output.path)!r}; leave out one of them"
        )
    if call.options.region is not None:
        raise UserError(
            "with lazy=True every part is computed when it is read; leave out "
            f"region={call.options.region!r} "
            "and take the part of the result: result[..., y_start:y_stop, x_start:x_stop]"
        )
    if is_layer(call.image):
        from napari_srgan.viewer.lazy.lazy_layer import lazy_layer

        return layer_with_warnings(lazy_layer(call.image, call.model, call.options, axes=call.axes))
    given = Image.of_array(call.image, call.axes)
    model = call.model_for(given)
    return LazyUpscaling(given, model, call.options, notes=notes_on(given, model)).dask()
