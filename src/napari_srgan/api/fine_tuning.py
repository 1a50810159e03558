"""`fine_tune` for scripts, the console and clusters."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_srgan.api.calls import finish, is_layer
from napari_srgan.errors import UserError
from napari_srgan.images.arrays import check_array
from napari_srgan.images.axes import axes_of
from napari_srgan.models import Model
from napari_srgan.training.fine_tuning.settings import FineTuning, check_settings

if TYPE_CHECKING:
    from napari_srgan.training.pairs.source import SourceImage

CallT = TypeVar("CallT", bound=Callable[..., Model])


def _with_settings(call: CallT) -> CallT:
    """Name every setting of a fine-tuning in a function's signature, for ``help`` and for completion."""
    own = inspect.signature(call, eval_str=True)
    named = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.annotation
        )
        for name, field in FineTuning.model_fields.items()
    ]
    before = [one for one in own.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    call.__signature__ = own.replace(parameters=[*before, *named])  # type: ignore[attr-defined]
    return call


@_with_settings
def fine_tune(
    low: Any = None,
    high: Any = None,
    *,
    noise_of: Any = None,
    base: Model | str | None = "auto",
    axes: str | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = True,
    **settings: object,
) -> Model:
    """Fine-tune a model on your own images.

    Parameters
    ----------
    low, high
        The same field at low and at high resolution, or noisy and clean in one size: arrays or napari image
        layers, or equally long lists of them. The factor is that of their sizes (or of the layers' scales);
        with a factor of 1 the model denoises or deblurs. Without `low`, it is simulated from `high`.
    noise_of
        An image or layer as your microscope gives it every day: its noise and its blur are estimated, and
        simulated in `high`, or in tiles that come with the package where you give no `high`.
    base
        The model to start from: its name, or itself; ``"auto"``: the bundled one that fits best;
        None: from scratch.
    axes
        One letter for each axis of all arrays, e.g. ``"ZYX"``; by default guessed.
    checkpoint
        File to write to at intervals; if it exists, the training goes on from there.
    progress
        Show a progress bar.
    **settings
        The fields of :class:`~napari_srgan.training.fine_tuning.settings.FineTuning`, which are in the
        signature, too: e.g. ``minutes=20``, ``style="sharp"``, ``name="my-microscope"``, ``factor=4``,
        ``seed=1``.

    Returns
    -------
    Model
        The best weights. ``model.history`` tells how the training went, ``model.card.verdict`` whether
        it beats bicubic interpolation (at a factor of 1 the input, and its best Gaussian blur) and the base
        on what was held back; keep it with :func:`~napari_srgan.save_model`.

    Raises
    ------
    UserError
        If something given cannot be used, or a pair does not show the same field; the message says
        what to do.

    Examples
    --------
    >>> import napari_srgan as sr                                              # doctest: +SKIP
    >>> model = sr.fine_tune(widefield, storm, base="microscopy-x4", minutes=20)  # doctest: +SKIP
    >>> denoiser = sr.fine_tune(short_exposure, long_exposure, minutes=5)      # doctest: +SKIP
    >>> print(model.card.verdict)                                              # doctest: +SKIP
    """
    from napari_srgan.training.fine_tuning.bases import default_base
    from napari_srgan.training.fine_tuning.job import fine_tune_job
    from napari_srgan.training.pairs.matching import match
    from napari_srgan.training.pairs.source import sample_sources

    if high is None and (noise_of is None or low is not None):
        raise UserError(
            "low resolution or noisy images alone teach nothing: give high= too, or only high=, from which "
            "they are then simulated; or give a noisy image as noise_of="
        )
    if high is None:
        settings = {"hold_back": "images"} | settings
    chosen = check_settings(settings)
    highs = sample_sources() if high is None else _listed(high)
    lows = [None] * len(highs) if low is None else _listed(low)
    if len(lows) != len(highs):
        raise UserError(
            "every low-resolution or noisy image needs its partner; got "
            f"{len(lows)} low and {len(highs)} high"
        )
    pairs = [
        _source(fine, axes, f"high {n}")
        if coarse is None
        else match(*_both(coarse, fine, axes, n), chosen.factor)
        for n, (coarse, fine) in enumerate(zip(lows, highs, strict=True), 1)
    ]
    job = fine_tune_job(
        pairs,
        base=default_base(pairs, chosen.factor) if base == "auto" else base,
        settings=chosen,
        checkpoint=None if checkpoint is None else Path(checkpoint),
        noise_of=None if noise_of is None else _noisy(noise_of, axes),
    )
    model: Model = finish(job, progress)
    return model


def _listed(images: Any) -> list[Any]:
    return list(images) if isinstance(images, list | tuple) else [images]


def _both(low: Any, high: Any, axes: str | None, number: int) -> tuple[SourceImage, SourceImage]:
    """The images of a pair; two layers in the same world units."""
    if is_layer(low) and is_layer(high):
        from napari_srgan.viewer.fine_tuning.layer_pairs import pair_images

        return pair_images(low, high)
    return _source(low, axes, f"low {number}"), _source(high, axes, f"high {number}")


def _source(image: Any, axes: str | None, name: str) -> SourceImage:
    from napari_srgan.training.pairs.source import SourceImage

    if isinstance(image, SourceImage):
        return image
    if is_layer(image):
        from napari_srgan.viewer.fine_tuning.layer_pairs import source_image

        source: SourceImage = source_image(image)
        return source
    data = check_array(image)
    return SourceImage(name, data, axes_of(data, axes))


def _noisy(image: Any, axes: str | None) -> SourceImage:
    """An image whose noise is meant; where it lies does not matter."""
    if is_layer(image):
        from napari_srgan.viewer.fine_tuning.layer_pairs import noisy_image

        source: SourceImage = noisy_image(image)
        return source
    return _source(image, axes, "the noisy image")
