"""`trust`, `validate` and `project_back` for scripts and the console."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_srgan.api.calls import Named, UpscaleCall, finish, is_layer
from napari_srgan.api.make_result import make_result, upscale_in_memory
from napari_srgan.errors import UserError
from napari_srgan.images.address import local_path, place_of
from napari_srgan.images.arrays import check_array
from napari_srgan.images.axes import axes_of
from napari_srgan.images.formats import open_image
from napari_srgan.images.image import Image
from napari_srgan.images.series import ALL, series_of
from napari_srgan.images.upscaled import Region
from napari_srgan.models import Model, default_model_name, load_model, recorded_model
from napari_srgan.models.error_table import ErrorTable
from napari_srgan.reliability import TrustOptions, TrustReport, Validation, trust_job, validation_job
from napari_srgan.reliability.added import projected_back_job
from napari_srgan.reliability.consistency import check_is_of_image
from napari_srgan.reliability.report import on_top
from napari_srgan.reliability.self_test import partners
from napari_srgan.results.existing_result import provenance_of


def trust(
    image: Any,
    result: Any,
    model: Named = None,
    *,
    axes: str | None = None,
    region: Region | None = None,
    compare: Named | Sequence[Model | str | os.PathLike[str]] = None,
    truth: Any = None,
    self_test: bool = True,
    disagreement: bool = False,
    device: str = "auto",
    precision: str = "auto",
    progress: bool = True,
) -> TrustReport:
    """Tell what can be believed of a result.

    Parameters
    ----------
    image
        What was upscaled: an array (numpy, dask, zarr), or a napari image layer.
    result
        What became of it: an array, or the layer that :func:`~napari_srgan.upscale` made.
    model
        That made it; of a layer it is known by default, and another one is refused.
    axes
        One letter for each axis of the image; guessed by default.
    region
        The part of the image that was upscaled, if it was not all; of a layer it is known by default.
    compare
        Another model of the same factor, or several, to compare on this image; by default the faithful
        partner of a sharp model.
    truth
        What the result should be, an array or a layer of its shape, for those who have it: the report then
        has the figures of :func:`validate`, beside bicubic interpolation's.
    self_test
        Whether models are compared on the image as it would be seen from farther away.
    disagreement
        Whether the image is upscaled in its eight orientations, to see where they differ: eight times the
        time of the upscaling. Recommended for sharp models.
    device, precision
        As for :func:`~napari_srgan.upscale`.
    progress
        Show a progress bar.

    Returns
    -------
    TrustReport
        ``print`` it to read it; its arrays are in grey levels, and lie on the result.

    Raises
    ------
    UserError
        If the result cannot be one of this image by this model, says that another one made it, or the truth
        is a prediction itself.

    Examples
    --------
    >>> import numpy as np, napari_srgan
    >>> image = np.random.default_rng(0).poisson(np.full((96, 96), 9.0)).astype(np.uint16)
    >>> result = napari_srgan.upscale(image, "microscopy-x2", progress=False)
    >>> report = napari_srgan.trust(image, result, "microscopy-x2", progress=False)
    >>> print(report.sentences[0])
    The image shows nothing that stands out of its noise: whatever a result shows was made of noise.
    """
    made = _made(image, result, axes, region, {})
    used = _model_of(made, model)
    if isinstance(compare, Model | str | os.PathLike):
        compare = [compare]
    others = partners(used) if compare is None else [_loaded(one) for one in compare]
    true = None if truth is None else _measured(truth)
    wanted = TrustOptions(others, true, self_test, disagreement, device, precision)
    return _tell(made, used, wanted, progress)


def validate(
    result: Any, truth: Any, *, axes: str | None = None, errors: ErrorTable | Model | None = None
) -> Validation:
    """Compare a result with the truth, where there is one.

    Parameters
    ----------
    result, truth
        Arrays or image layers of one shape, ``(..., Y, X)`` or ``(..., Y, X, S)``. A layer that a model made
        is refused as truth.
    axes
        One letter for each axis, e.g. ``"CYX"``; guessed by default. Each entry along C is brought to the
        brightness of the truth by itself; of colours alpha is left out.
    errors
        A fine-tuned model, or its error table (``model.card.errors``), to see whether it holds here.

    Returns
    -------
    Validation
        PSNR, SSIM, MS-SSIM and resolution to the truth, after the gain and offset that bring each channel
        nearest to it; the shift between them, which is not corrected; and the error of each pixel.

    Raises
    ------
    UserError
        If the shapes differ, nothing in them can be compared, the truth is a prediction itself, or a model is
        given that has no error table.

    Examples
    --------
    >>> import numpy as np, napari_srgan
    >>> truth = np.random.default_rng(0).random((64, 64))
    >>> napari_srgan.validate(truth / 2 + 1, truth).gains
    (2.0...,)
    """
    ours, theirs = check_array(_pixels(result)), check_array(_measured(truth))
    axes = _axes_of_layer(result, axes) if is_layer(result) else axes_of(ours, axes)
    if isinstance(errors, Model):
        if errors.card.errors is None:
            raise UserError(
                f"{errors.name} has no error table, as fine-tuning on measured pairs makes it; leave out "
                "errors="
            )
        errors = errors.card.errors
    told: Validation = finish(validation_job(ours, theirs, axes, errors=errors), False)
    return told


def project_back(image: Any, result: Any, *, axes: str | None = None, region: Region | None = None) -> Any:
    """Correct a result so that, made small again, it is the image: for images without noise.

    One step of back-projection (Irani and Peleg 1991). The bundled models do it themselves where it is right;
    it is for models of other projects, whose results may have lost some of the image. Of noisy images it
    puts the noise back.

    Parameters
    ----------
    image
        What was upscaled: an array, or an image layer.
    result
        What became of it, Y and X larger by a whole factor: an array, or the layer that
        :func:`~napari_srgan.upscale` made.
    axes
        One letter for each axis of the image; guessed by default.
    region
        The part of the image that was upscaled, if it was not all; of a layer it is known by default.

    Returns
    -------
    array
        As the result in dtype and shape; numpy, or dask where image or result are not in memory.

    Raises
    ------
    UserError
        If the result cannot be one of this image, or of this part of it.

    Examples
    --------
    >>> import numpy as np, napari_srgan
    >>> image = np.arange(64.0).reshape(8, 8)
    >>> napari_srgan.project_back(image, np.zeros((16, 16))).mean().round(3)
    31.5
    """
    made = _made(image, result, axes, region, {})
    pair = on_top(made.image, made.result, made.provenance.get("scale_factor"), made.region)
    check_is_of_image(made.image, pair)
    return finish(projected_back_job(pair), False)


def upscale_and_trust(call: UpscaleCall) -> tuple[Any, TrustReport]:
    """Upscale an image and tell what can be believed of the result: ``upscale(..., trust=True)``.

    Returns
    -------
    tuple
        What ``upscale`` gives, and the report. Beside a result on disk the report is written, too.
    """
    if call.series == ALL:
        raise UserError("what can be believed is told of one image at a time; name it, e.g. series=0")
    path = call.output.path
    if path is None and not is_layer(call.image) and not call.is_file:
        given = Image.of_array(call.image, call.axes)
        upscaled = upscale_in_memory(call, given)
        result, report = upscaled.data, _report(call, given, upscaled.data, upscaled.provenance)
    else:
        result = make_result(call)
        told = {} if path is None else provenance_of(local_path(path)) or {}
        if call.is_file:
            series = series_of(place_of(call.image), call.part)[0]
            with open_image(series.place, call.axes, series.part) as stored:
                report = _report(call, stored.image(call.axes), result, told)
        else:
            report = _report(call, call.image, result, told)
    if is_layer(result):
        result.metadata["napari-srgan"] = {**result.metadata["napari-srgan"], "trust": report.to_dict()}
    if path is not None:
        report.write(local_path(path))
    return result, report


def _report(call: UpscaleCall, image: Any, result: Any, provenance: dict[str, Any]) -> TrustReport:
    made = _made(image, result, call.axes, call.options.region, provenance)
    default = None if is_layer(result) else default_model_name(rgb=made.image.axes.endswith("S"))
    model = _model_of(made, default if call.model is None else call.model)
    device, precision = call.options.device, call.options.precision
    return _tell(
        made, model, TrustOptions(partners(model), device=device, precision=precision), call.progress
    )


def _tell(made: _Made, model: Model, wanted: TrustOptions, progress: bool) -> TrustReport:
    job = trust_job(made.image, made.result, model, wanted, region=made.region, provenance=made.provenance)
    report: TrustReport = finish(job, progress)
    return report


@dataclass(frozen=True)
class _Made:
    """An image and its result."""

    image: Image
    result: Any
    region: Region | None
    provenance: dict[str, Any]


def _made(image: Any, result: Any, axes: str | None, region: Region | None, told: dict[str, Any]) -> _Made:
    if is_layer(result):
        told = dict(result.metadata.get("napari-srgan", {}))
        region = told.get("region") if region is None else region
    if is_layer(image):
        from napari_srgan.viewer.layers.known_image import known_image
        from napari_srgan.viewer.layers.upscale_layer import check_image

        image = known_image(check_image(image), axes)()
    elif not isinstance(image, Image):
        image = Image.of_array(image, axes)
    return _Made(image, check_array(_pixels(result)), region, told)


def _model_of(made: _Made, model: Named) -> Model:
    """The model that made a result, as the user or the result says."""
    return recorded_model(made.provenance, None if model is None else _loaded(model))


def _axes_of_layer(layer: Any, axes: str | None) -> str:
    from napari_srgan.viewer.layers.upscale_layer import check_image, layer_image

    return layer_image(check_image(layer), axes).axes


def _pixels(image: Any) -> Any:
    """An array as it is; of a layer its finest level."""
    if not is_layer(image):
        return image
    from napari_srgan.viewer.layers.upscale_layer import check_image, finest_data

    return finest_data(check_image(image))


def _measured(truth: Any) -> Any:
    """The pixels of what somebody gives as the truth."""
    if is_layer(truth):
        from napari_srgan.viewer.layers.provenance import check_truth

        check_truth(truth)
    return _pixels(truth)


def _loaded(model: Model | str | os.PathLike[str]) -> Model:
    return model if isinstance(model, Model) else load_model(model)
